/* Paths in GRE, and held ones, on the wire: golden octets, round trips, every rule. */
#include <arpa/inet.h>
#include <errno.h>

#include "bytes.h"
#include "proto/channel/object.h"

static struct object a_gre_path(void)
{
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 5};

	object.path = (struct object_path){.id = 5,
		.kind = PATH_GRE,
		.mtu = 1480,
		.keyed = true,
		.key_out = 0x01020304,
		.key_in = 0xfffffffe};
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &object.path.local), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:a::99", &object.path.remote), 1);
	return object;
}

static ssize_t encode(const struct object *object, uint8_t buf[OBJECT_WIRE_MAX])
{
	struct writer w;
	int error;

	writer_init(&w, buf, OBJECT_WIRE_MAX);
	error = object_encode(&w, object);
	return error ? error : (ssize_t)writer_len(&w);
}

static int decode(const uint8_t *buf, size_t len, struct object *object)
{
	struct cursor c;
	int error;

	cursor_exact(&c, buf, len);
	error = object_decode(&c, object);
	cursor_exact_free(&c);
	return error;
}

static void golden(void **state)
{
	const struct object object = a_gre_path();
	uint8_t buf[OBJECT_WIRE_MAX];
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(object_encode(&w, &object), 0);
	assert_written(&w, "03 01 003c 0000000000000005 03"
			   "20010db8000000000000000000000001 20010db8000a00000000000000000099"
			   "0000000000000000 05c8 01 01020304 fffffffe");
}

static void round_trip(void **state)
{
	struct object object = a_gre_path(), back;
	uint8_t buf[OBJECT_WIRE_MAX];

	(void)state;
	for (unsigned keyed = 0; keyed < 2; keyed++) {
		ssize_t len = encode(&object, buf);

		assert_int_equal(len, 64);
		assert_int_equal(decode(buf, (size_t)len, &back), 0);
		assert_int_equal(back.path.kind, PATH_GRE);
		assert_int_equal(back.path.keyed, object.path.keyed);
		assert_int_equal(back.path.key_out, object.path.key_out);
		assert_int_equal(back.path.key_in, object.path.key_in);
		assert_int_equal(object_digest(&back), object_digest(&object));
		object.path.keyed = false;
		object.path.key_out = object.path.key_in = 0;
	}
	assert_string_equal(path_kind_name(PATH_GRE), "gre");
}

/* What makes no sense is neither written nor read. */
static void refused(void **state)
{
	struct object object = a_gre_path(), back;
	uint8_t buf[OBJECT_WIRE_MAX];
	ssize_t len = encode(&object, buf);

	(void)state;
	buf[55] = 2; /* keyed */
	assert_int_equal(decode(buf, (size_t)len, &back), -EBADMSG);
	buf[55] = 0; /* keys without it */
	assert_int_equal(decode(buf, (size_t)len, &back), -EBADMSG);
	buf[55] = 1;
	assert_int_equal(decode(buf, (size_t)len, &back), 0);
	buf[12] = PATH_IP6_IN_IP6; /* octets left over */
	assert_int_equal(decode(buf, (size_t)len, &back), -EBADMSG);
	object.path.keyed = false;
	assert_int_equal(encode(&object, buf), -EINVAL);
	object = a_gre_path();
	object.path.kind = PATH_IP6_IN_IP6;
	assert_int_equal(encode(&object, buf), -EINVAL);
}

/* Each field makes another object of it. */
static void digests(void **state)
{
	const struct object first = a_gre_path();
	struct object other[4] = {first, first, first, first};

	(void)state;
	other[0].path.key_in++;
	other[1].path.key_out++;
	other[2].path.key_in = first.path.key_out;
	other[2].path.key_out = first.path.key_in;
	other[3].path.keyed = false;
	other[3].path.key_in = other[3].path.key_out = 0;
	for (unsigned i = 0; i < 4; i++)
		assert_int_not_equal(object_digest(&first), object_digest(&other[i]));
	other[0] = other[3];
	other[0].path.kind = PATH_IP6_IN_IP6;
	assert_int_not_equal(object_digest(&other[0]), object_digest(&other[3]));
}

/* On a link of this data plane, or of another. */
static void digests_on_link(void **state)
{
	const struct object here = {.kind = OBJECT_PATH,
		.op = OBJECT_SET,
		.id = 20,
		.path = {.id = 20, .kind = PATH_ON_LINK, .port = "home", .data_plane = 1}};
	struct object there = here;

	(void)state;
	there.path.data_plane = 2;
	assert_int_not_equal(object_digest(&here), object_digest(&there));
}

static struct object a_held_path(bool of_a_tunnel)
{
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 21};

	object.path = (struct object_path){
		.id = 21, .kind = PATH_HELD, .hold_packets = 0x102, .hold_ms = 0x304};
	if (!of_a_tunnel)
		return object;
	assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &object.path.local), 1);
	assert_int_equal(inet_pton(AF_INET6, "2001:db8:a::99", &object.path.remote), 1);
	return object;
}

static void golden_held(void **state)
{
	const struct object object = a_held_path(true);
	uint8_t buf[OBJECT_WIRE_MAX];
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(object_encode(&w, &object), 0);
	assert_written(&w, "03 01 0037 0000000000000015 04"
			   "20010db8000000000000000000000001 20010db8000a00000000000000000099"
			   "0000000000000000 0000 0102 0304");
}

static void round_trip_held(void **state)
{
	uint8_t buf[OBJECT_WIRE_MAX];

	(void)state;
	for (unsigned tunnel = 0; tunnel < 2; tunnel++) {
		const struct object object = a_held_path(tunnel);
		const ssize_t len = encode(&object, buf);
		struct object back;

		assert_int_equal(len, 59);
		assert_int_equal(decode(buf, (size_t)len, &back), 0);
		assert_int_equal(back.path.kind, PATH_HELD);
		assert_int_equal(back.path.hold_packets, 0x102);
		assert_int_equal(back.path.hold_ms, 0x304);
		assert_int_equal(object_digest(&back), object_digest(&object));
		for (size_t cut = 0; cut < (size_t)len; cut++)
			assert_int_equal(decode(buf, cut, &back), -EBADMSG);
	}
	assert_string_equal(path_kind_name(PATH_HELD), "held");
}

/* One field changed, so that it breaks a rule. */
static void refused_held(void **state)
{
	const struct object held = a_held_path(false), tunnel = a_held_path(true);
	struct object bad[] = {held, held, held, held, held, held, tunnel, a_gre_path()};
	const struct {
		size_t at;
		uint8_t value;
	} octets[] = {{12, PATH_IP6_IN_IP6}, {28, 1}, {52, 1}, {54, 1}, {55, 5}, {57, 0xff}};
	uint8_t buf[OBJECT_WIRE_MAX];
	struct object back;
	ssize_t len;

	(void)state;
	bad[0].path.hold_packets = 0;
	bad[1].path.hold_packets = OBJECT_HOLD_PACKETS_MAX + 1;
	bad[2].path.hold_ms = 0;
	bad[3].path.hold_ms = OBJECT_HOLD_MS_MAX + 1;
	bad[4].path.mtu = 1;
	bad[5].path.data_plane = 1;
	memset(&bad[6].path.remote, 0, sizeof(bad[6].path.remote));
	bad[7].path.hold_packets = 1;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(encode(&bad[i], buf), -EINVAL);
	for (size_t i = 0; i < sizeof(octets) / sizeof(octets[0]); i++) {
		len = encode(&held, buf);
		buf[octets[i].at] = octets[i].value;
		assert_int_equal(decode(buf, (size_t)len, &back), -EBADMSG);
	}
}

static void digests_held(void **state)
{
	const struct object first = a_held_path(false);
	struct object other[3] = {first, first, a_held_path(true)};

	(void)state;
	other[0].path.hold_packets++;
	other[1].path.hold_ms++;
	for (unsigned i = 0; i < 3; i++)
		assert_int_not_equal(object_digest(&first), object_digest(&other[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(refused),
		cmocka_unit_test(digests),
		cmocka_unit_test(digests_on_link),
		cmocka_unit_test(golden_held),
		cmocka_unit_test(round_trip_held),
		cmocka_unit_test(refused_held),
		cmocka_unit_test(digests_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
