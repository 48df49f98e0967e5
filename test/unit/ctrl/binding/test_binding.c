#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "common/clock.h"
#include "ctrl/binding/binding.h"

static void sequence_is_compared_modulo_65536(void **state)
{
	/* The example of RFC 6275, 9.5.1: after 15, 0 to 15 and 32783 to 65535 are old. */
	for (unsigned n = 0; n <= 65535; n++)
		assert_int_equal(binding_sequence_newer((uint16_t)n, 15), n >= 16 && n <= 32782);
	assert_true(binding_sequence_newer(0, 65535));
	assert_false(binding_sequence_newer(65535, 0));
	(void)state;
}

static void lifetime_is_cut_to_whole_units(void **state)
{
	assert_int_equal(binding_lifetime_grant(10, 3600), 10);
	assert_int_equal(binding_lifetime_grant(900, 3600), 900);
	assert_int_equal(binding_lifetime_grant(901, 3600), 900);
	assert_int_equal(binding_lifetime_grant(900, 3599), 899);
	assert_int_equal(binding_lifetime_grant(65535, 262140), 65535);
	assert_int_equal(binding_lifetime_grant(65535, 262139), 65534);
	assert_int_equal(binding_lifetime_grant(1, 4), 1);
	assert_int_equal(binding_lifetime_grant(1, 3), 1);
	assert_int_equal(binding_lifetime_grant(0, 3600), 0);
	assert_int_equal(binding_lifetime_ns(65535), 262140ull * CLOCK_NS_PER_S);
	(void)state;
}

static void remaining_is_rounded_down(void **state)
{
	struct binding_record r = {.expires_ns = 10 * CLOCK_NS_PER_S, .lifetime = 3};

	assert_int_equal(binding_remaining_s(&r, 0), 10);
	assert_int_equal(binding_remaining_s(&r, 1), 9);
	assert_int_equal(binding_remaining_s(&r, 10 * CLOCK_NS_PER_S - 1), 0);
	assert_int_equal(binding_remaining_s(&r, 10 * CLOCK_NS_PER_S), 0);
	assert_int_equal(binding_remaining_s(&r, 11 * CLOCK_NS_PER_S), 0);
	r.expires_ns = 3600 * CLOCK_NS_PER_S;
	assert_int_equal(binding_remaining_s(&r, 0), 12);
	(void)state;
}

static struct binding_record sample(void)
{
	struct binding_record r = {
		.subscriber_id = 0x1122334455667788,
		.path_id = 0x99aabbccddeeff00,
		.registered_ns = 1,
		.updated_ns = 2,
		.expires_ns = 0xfffffffffffffffe,
		.timestamp = 0xee5bba0000000007,
		.data_plane = 0x5152535455565758,
		.bid = 0x1234,
		.sequence = 0xfffe,
		.lifetime = 0xabcd,
		.flags = 0xc000,
		.life = BINDING_LIVE,
		.priority = 0x55,
		.at_home = true,
		.mac = {{2, 3, 4, 5, 6, 7}},
	};

	addr_parse("2001:db8:2::100", &r.home);
	addr_parse("2001:db8:a::5", &r.care_of);
	addr_parse("2001:db8:1::1", &r.agent);
	return r;
}

static void record_round_trips(void **state)
{
	struct binding_record in = sample(), out;
	uint8_t buf[BINDING_RECORD_SIZE];
	struct writer w;
	struct cursor c;

	for (int life = BINDING_LIVE; life <= BINDING_DELETED; life++) {
		in.life = life;
		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(binding_record_encode(&w, &in), 0);
		assert_int_equal(writer_len(&w), BINDING_RECORD_SIZE);
		memset(&out, 0xa5, sizeof(out));
		cursor_init(&c, buf, sizeof(buf));
		assert_int_equal(binding_record_decode(&c, &out), 0);
		assert_true(addr_equal(&in.home, &out.home));
		assert_true(addr_equal(&in.care_of, &out.care_of));
		assert_true(addr_equal(&in.agent, &out.agent));
		assert_int_equal(in.subscriber_id, out.subscriber_id);
		assert_int_equal(in.path_id, out.path_id);
		assert_int_equal(in.registered_ns, out.registered_ns);
		assert_int_equal(in.updated_ns, out.updated_ns);
		assert_int_equal(in.expires_ns, out.expires_ns);
		assert_int_equal(in.timestamp, out.timestamp);
		assert_int_equal(in.data_plane, out.data_plane);
		assert_int_equal(in.bid, out.bid);
		assert_int_equal(in.sequence, out.sequence);
		assert_int_equal(in.lifetime, out.lifetime);
		assert_int_equal(in.flags, out.flags);
		assert_int_equal(in.life, out.life);
		assert_int_equal(in.priority, out.priority);
		assert_int_equal(in.at_home, out.at_home);
		assert_true(mac_equal(&in.mac, &out.mac));
	}
	(void)state;
}

static void record_that_is_not_ours_is_refused(void **state)
{
	struct binding_record in = sample(), out;
	uint8_t buf[BINDING_RECORD_SIZE + 1] = {0};
	struct writer w;
	struct cursor c;

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(binding_record_encode(&w, &in), 0);
	for (size_t len = 0; len <= sizeof(buf); len++) {
		cursor_init(&c, buf, len);
		assert_int_equal(
			binding_record_decode(&c, &out), len == BINDING_RECORD_SIZE ? 0 : -EBADMSG);
	}
	buf[1] = BINDING_NONE;
	cursor_init(&c, buf, BINDING_RECORD_SIZE);
	assert_int_equal(binding_record_decode(&c, &out), -EBADMSG);
	buf[1] = 3;
	cursor_init(&c, buf, BINDING_RECORD_SIZE);
	assert_int_equal(binding_record_decode(&c, &out), -EBADMSG);
	buf[0] = BINDING_RECORD_VERSION + 1;
	cursor_init(&c, buf, BINDING_RECORD_SIZE);
	assert_int_equal(binding_record_decode(&c, &out), -EPROTO);
	(void)state;
}

/* Version 2 had nothing of RFC 5648 but the BID, and is what a record without one is; version 1 was
 * the same without the data plane at the end. */
static void record_of_the_releases_before_is_read(void **state)
{
	enum { SIZE_2 = BINDING_RECORD_SIZE - 7, SIZE_1 = SIZE_2 - 8 };
	struct binding_record in = sample(), out;
	uint8_t buf[BINDING_RECORD_SIZE];
	struct writer w;
	struct cursor c;

	in.bid = 0;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(binding_record_encode(&w, &in), 0);
	assert_int_equal(writer_len(&w), SIZE_2);
	assert_int_equal(buf[0], 2);
	cursor_init(&c, buf, SIZE_2);
	assert_int_equal(binding_record_decode(&c, &out), 0);
	assert_int_equal(out.data_plane, in.data_plane);
	assert_int_equal(out.priority, 0);
	buf[0] = BINDING_RECORD_VERSION; /* which always has a BID */
	cursor_init(&c, buf, BINDING_RECORD_SIZE);
	assert_int_equal(binding_record_decode(&c, &out), -EBADMSG);
	buf[0] = 1;
	cursor_init(&c, buf, SIZE_1);
	assert_int_equal(binding_record_decode(&c, &out), 0);
	assert_int_equal(out.data_plane, 0);
	assert_int_equal(out.path_id, in.path_id);
	assert_int_equal(out.timestamp, in.timestamp);
	cursor_init(&c, buf, SIZE_2);
	assert_int_equal(binding_record_decode(&c, &out), -EBADMSG);
	(void)state;
}

static void record_without_life_or_room_is_not_written(void **state)
{
	struct binding_record in = sample();
	uint8_t buf[BINDING_RECORD_SIZE];
	struct writer w;

	in.life = BINDING_NONE;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(binding_record_encode(&w, &in), -EINVAL);
	in.life = BINDING_LIVE;
	writer_init(&w, buf, sizeof(buf) - 1);
	assert_int_equal(binding_record_encode(&w, &in), -ENOSPC);
	assert_int_equal(writer_len(&w), 0);
	(void)state;
}

static void states_have_names(void **state)
{
	assert_string_equal(binding_state_name(BINDING_STATE_DAD), "dad");
	assert_string_equal(binding_state_name(BINDING_STATE_EXPIRING), "expiring");
	assert_string_equal(binding_state_name(0), "unknown");
	assert_string_equal(binding_state_name(99), "unknown");
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sequence_is_compared_modulo_65536),
		cmocka_unit_test(lifetime_is_cut_to_whole_units),
		cmocka_unit_test(remaining_is_rounded_down),
		cmocka_unit_test(record_round_trips),
		cmocka_unit_test(record_that_is_not_ours_is_refused),
		cmocka_unit_test(record_of_the_releases_before_is_read),
		cmocka_unit_test(record_without_life_or_room_is_not_written),
		cmocka_unit_test(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
