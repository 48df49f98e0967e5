/* Update channel: the bodies of its messages. */
#include <errno.h>

#include "bytes.h"
#include "proto/channel/update.h"

static struct update_hello a_hello(void)
{
	return (struct update_hello){.name = "dp-a",
		.subscribers_max = 1000000,
		.port_count = 2,
		.ports = {{.name = "wan0", .mac = {{0x02, 0, 0, 0, 0, 1}}, .mtu = 1500, .up = true},
			{.name = "home0", .mac = {{0x02, 0, 0, 0, 0, 2}}, .mtu = 9000}}};
}

static struct update_event an_event(void)
{
	struct update_event event = {.kind = UPDATE_EVENT_TUNNEL_ERROR,
		.subscriber = 9,
		.icmp_type = 2,
		.icmp_code = 1,
		.value = 1280};

	event.inner.s6_addr[15] = 0x10;
	event.outer.s6_addr[15] = 0x20;
	return event;
}

static struct update_stat a_stat(void)
{
	return (struct update_stat){.group = UPDATE_STAT_NODE,
		.name = "decap_check",
		.value_count = 3,
		.values = {1, 256, 0x0102030405060708}};
}

/*
 * One kind of body behind one face, so that truncation, left-over octets and lack of room are
 * tried on all of them alike.
 */
struct body {
	const char *name;
	int (*encode)(struct writer *w);
	int (*decode)(struct cursor *c);
};

static int hello_encode(struct writer *w)
{
	struct update_hello hello = a_hello();

	return update_hello_encode(w, &hello);
}

static int hello_decode(struct cursor *c)
{
	struct update_hello got, want = a_hello();
	int rc = update_hello_decode(c, &got);

	if (rc)
		return rc;
	assert_string_equal(got.name, want.name);
	assert_int_equal(got.subscribers_max, want.subscribers_max);
	assert_int_equal(got.port_count, want.port_count);
	for (unsigned i = 0; i < got.port_count; i++) {
		assert_string_equal(got.ports[i].name, want.ports[i].name);
		assert_true(mac_equal(&got.ports[i].mac, &want.ports[i].mac));
		assert_int_equal(got.ports[i].mtu, want.ports[i].mtu);
		assert_int_equal(got.ports[i].up, want.ports[i].up);
	}
	return 0;
}

static const struct update_ack small_ack = {.failure_total = 3,
	.failure_count = 2,
	.failures = {{OBJECT_SUBSCRIBER, 9, ENOSPC}, {OBJECT_LINK, 3, ENOENT}}};

static int ack_encode(struct writer *w)
{
	return update_ack_encode(w, &small_ack);
}

static int ack_decode(struct cursor *c)
{
	struct update_ack got;
	int rc = update_ack_decode(c, &got);

	if (rc)
		return rc;
	assert_int_equal(got.failure_total, 3);
	assert_int_equal(got.failure_count, 2);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(got.failures[i].kind, small_ack.failures[i].kind);
		assert_int_equal(got.failures[i].id, small_ack.failures[i].id);
		assert_int_equal(got.failures[i].error, small_ack.failures[i].error);
	}
	return 0;
}

static int event_encode(struct writer *w)
{
	struct update_event event = an_event();

	return update_event_encode(w, &event);
}

static int event_decode(struct cursor *c)
{
	struct update_event got, want = an_event();
	int rc = update_event_decode(c, &got);

	if (rc)
		return rc;
	assert_int_equal(got.kind, want.kind);
	assert_int_equal(got.subscriber, want.subscriber);
	assert_true(addr_equal(&got.inner, &want.inner));
	assert_true(addr_equal(&got.outer, &want.outer));
	assert_int_equal(got.icmp_type, want.icmp_type);
	assert_int_equal(got.icmp_code, want.icmp_code);
	assert_int_equal(got.value, want.value);
	assert_string_equal(got.port, "");
	return 0;
}

static struct update_digest_answer a_digest(void)
{
	return (struct update_digest_answer){.asked = 0x1122334455667788,
		.digest = {.kinds = {[OBJECT_LOCAL] = {1, 0x0102030405060708},
				   [OBJECT_SUBSCRIBER] = {0x000f4240, UINT64_MAX}}},
		.buckets = {[0] = 7, [OBJECT_BUCKETS - 1] = UINT64_MAX}};
}

static int digest_encode(struct writer *w)
{
	struct update_digest_answer digest = a_digest();

	return update_digest_encode(w, &digest);
}

static int digest_decode(struct cursor *c)
{
	struct update_digest_answer got, want = a_digest();
	int rc = update_digest_decode(c, &got);

	if (rc)
		return rc;
	assert_int_equal(got.asked, want.asked);
	for (unsigned i = 0; i < UPDATE_DIGEST_KINDS; i++) {
		assert_int_equal(got.digest.kinds[i].count, want.digest.kinds[i].count);
		assert_int_equal(got.digest.kinds[i].sum, want.digest.kinds[i].sum);
	}
	assert_memory_equal(got.buckets, want.buckets, sizeof(want.buckets));
	return 0;
}

static struct update_adopt an_adopt(void)
{
	struct update_adopt adopt = {.epoch = 0x8877665544332211, .sequence = 3};

	object_buckets_add(&adopt.buckets, 0);
	object_buckets_add(&adopt.buckets, OBJECT_BUCKETS - 1);
	return adopt;
}

static int adopt_encode(struct writer *w)
{
	struct update_adopt adopt = an_adopt();

	return update_adopt_encode(w, &adopt);
}

static int adopt_decode(struct cursor *c)
{
	struct update_adopt got, want = an_adopt();
	int rc = update_adopt_decode(c, &got);

	if (rc)
		return rc;
	assert_int_equal(got.epoch, want.epoch);
	assert_int_equal(got.sequence, want.sequence);
	assert_memory_equal(&got.buckets, &want.buckets, sizeof(want.buckets));
	return 0;
}

/* Nobody takes over what is not known to be anything. */
static void nothing_is_not_adopted(void **state)
{
	struct update_adopt adopt = {.sequence = 3};
	uint8_t buf[256] = {0};
	struct writer w;
	struct cursor c;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_adopt_encode(&w, &adopt), -EINVAL);
	assert_int_equal(writer_len(&w), 0);
	cursor_init(&c, buf, 16 + OBJECT_BUCKETS / 8);
	assert_int_equal(update_adopt_decode(&c, &adopt), -EBADMSG);
}

static int reason_encode(struct writer *w)
{
	return update_reason_encode(w, "version 1 is wanted");
}

static int reason_decode(struct cursor *c)
{
	char reason[UPDATE_REASON_MAX + 1];
	int rc = update_reason_decode(c, reason);

	if (rc == 0)
		assert_string_equal(reason, "version 1 is wanted");
	return rc;
}

static int stat_encode(struct writer *w)
{
	struct update_stat stat = a_stat();

	return update_stat_encode(w, &stat);
}

/* Statistics follow one another, so what is left over is the next record and it is wrong. */
static int stat_decode(struct cursor *c)
{
	struct update_stat got, want = a_stat();
	int rc = update_stat_decode(c, &got);

	if (rc)
		return rc;
	assert_int_equal(got.group, want.group);
	assert_string_equal(got.name, want.name);
	assert_int_equal(got.value_count, 3);
	assert_memory_equal(got.values, want.values, sizeof(want.values));
	return cursor_left(c) ? update_stat_decode(c, &got) : 0;
}

static const struct body bodies[] = {
	{"hello", hello_encode, hello_decode},
	{"ack", ack_encode, ack_decode},
	{"event", event_encode, event_decode},
	{"reason", reason_encode, reason_decode},
	{"stat", stat_encode, stat_decode},
	{"digest", digest_encode, digest_decode},
	{"adopt", adopt_encode, adopt_decode},
};

static void bodies_round_trip_and_truncation(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		static uint8_t buf[16384];
		struct writer w;
		struct cursor c;
		size_t len;

		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(bodies[i].encode(&w), 0);
		len = writer_len(&w);
		for (size_t cut = 0; cut <= len + 1; cut++) {
			cursor_exact(&c, buf, cut);
			assert_int_equal(bodies[i].decode(&c), cut == len ? 0 : -EBADMSG);
			cursor_exact_free(&c);
		}
		for (size_t size = 0; size < len; size++) {
			writer_init(&w, buf, size);
			assert_int_equal(bodies[i].encode(&w), -ENOSPC);
			assert_int_equal(writer_len(&w), 0);
			assert_true(writer_ok(&w));
		}
	}
}

/* Sums of buckets with nothing in them. */
#define NONE    "0000000000000000 "
#define NONE4   NONE NONE NONE NONE
#define NONE16  NONE4 NONE4 NONE4 NONE4
#define NONE64  NONE16 NONE16 NONE16 NONE16
#define NONE256 NONE64 NONE64 NONE64 NONE64

static void golden(void **state)
{
	(void)state;
	static const char *const octets[] = {
		"04 64702d61 000f4240 02 04 77616e30 020000000001 05dc 01 "
		"05 686f6d6530 020000000002 2328 00",
		"00000003 0002 04 0000000000000009 001c 02 0000000000000003 0002",
		"02 0000000000000009 00000000000000000000000000000010 "
		"00000000000000000000000000000020 02 01 00000500 00",
		"13 76657273696f6e20312069732077616e746564",
		"03 0b 64656361705f636865636b 0000000000000001 0000000000000100 0102030405060708",
		"1122334455667788 "
		"000000000000000000000000 000000010102030405060708 000000000000000000000000 "
		"000000000000000000000000 000f4240ffffffffffffffff 000000000000000000000000 "
		"000000000000000000000000 000000000000000000000000 "
		"000000000000000000000000 000000000000000000000000 000000000000000000000000 "
		"000000000000000000000000 000000000000000000000000 000000000000000000000000 "
		"000000000000000000000000 000000000000000000000000 "
		"0000000000000007 " NONE256 NONE256 NONE256 NONE64 NONE64 NONE64 NONE16 NONE16
			NONE16 NONE4 NONE4 NONE4 NONE NONE "ffffffffffffffff",
		"8877665544332211 0000000000000003 "
		"0000000000000001 " NONE4 NONE4 NONE4 NONE NONE "8000000000000000",
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		static uint8_t buf[16384];
		struct writer w;

		writer_init(&w, buf, sizeof(buf));
		assert_int_equal(bodies[i].encode(&w), 0);
		assert_written(&w, octets[i]);
	}
}

static void hello_boundaries(void **state)
{
	(void)state;
	struct update_hello hello = {.port_count = UPDATE_PORTS_MAX}, got;
	uint8_t buf[1024];
	struct writer w;
	struct cursor c;

	memset(hello.name, 'n', UPDATE_NAME_MAX);
	for (unsigned i = 0; i < UPDATE_PORTS_MAX; i++)
		memset(hello.ports[i].name, 'a' + (int)i, OBJECT_PORT_NAME_MAX);
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_hello_encode(&w, &hello), 0);
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(update_hello_decode(&c, &got), 0);
	assert_int_equal(got.port_count, UPDATE_PORTS_MAX);
	assert_int_equal(strlen(got.name), UPDATE_NAME_MAX);
	assert_string_equal(got.ports[15].name, "ppppppppppppppp");
	buf[1 + UPDATE_NAME_MAX + 4] = UPDATE_PORTS_MAX + 1;
	cursor_init(&c, buf, sizeof(buf));
	assert_int_equal(update_hello_decode(&c, &got), -EBADMSG);
	buf[0] = UPDATE_NAME_MAX + 1;
	cursor_init(&c, buf, sizeof(buf));
	assert_int_equal(update_hello_decode(&c, &got), -EBADMSG);

	writer_init(&w, buf, sizeof(buf));
	hello.port_count = UPDATE_PORTS_MAX + 1;
	assert_int_equal(update_hello_encode(&w, &hello), -EINVAL);
	hello.port_count = 1;
	hello.ports[0].name[0] = '\0';
	assert_int_equal(update_hello_encode(&w, &hello), -EINVAL);
	hello.port_count = 0;
	assert_int_equal(update_hello_encode(&w, &hello), 0);
	memset(hello.name, 'n', UPDATE_NAME_MAX + 1);
	assert_int_equal(update_hello_encode(&w, &hello), -EINVAL);
	hello.name[0] = '\0';
	assert_int_equal(update_hello_encode(&w, &hello), -EINVAL);
}

static void ack_boundaries(void **state)
{
	(void)state;
	static struct update_ack ack, got;
	static uint8_t buf[4096];
	struct writer w;
	struct cursor c;

	ack.failure_total = 100000;
	ack.failure_count = UPDATE_FAILURES_MAX;
	for (unsigned i = 0; i < UPDATE_FAILURES_MAX; i++)
		ack.failures[i] = (struct update_failure){OBJECT_PATH, i + 1, ENOSPC};
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_ack_encode(&w, &ack), 0);
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(update_ack_decode(&c, &got), 0);
	assert_int_equal(got.failure_total, 100000);
	assert_int_equal(got.failures[255].id, 256);

	buf[4] = 1, buf[5] = 1; /* 257 told */
	cursor_init(&c, buf, sizeof(buf));
	assert_int_equal(update_ack_decode(&c, &got), -EBADMSG);
	memset(buf, 0, sizeof(buf));
	cursor_init(&c, buf, 6);
	assert_int_equal(update_ack_decode(&c, &got), 0);
	assert_int_equal(got.failure_total, 0);
	buf[5] = 1; /* one told of none */
	cursor_init(&c, buf, 17);
	assert_int_equal(update_ack_decode(&c, &got), -EBADMSG);

	writer_init(&w, buf, sizeof(buf));
	ack.failure_count = UPDATE_FAILURES_MAX + 1;
	assert_int_equal(update_ack_encode(&w, &ack), -EINVAL);
	ack.failure_count = 2;
	ack.failure_total = 1;
	assert_int_equal(update_ack_encode(&w, &ack), -EINVAL);
	ack.failure_total = 2;
	ack.failures[1].kind = 0;
	assert_int_equal(update_ack_encode(&w, &ack), -EINVAL);
	ack.failures[1] = (struct update_failure){OBJECT_PATH, 0, ENOSPC};
	assert_int_equal(update_ack_encode(&w, &ack), -EINVAL);
	ack.failures[1] = (struct update_failure){OBJECT_PATH, 1, 0};
	assert_int_equal(update_ack_encode(&w, &ack), -EINVAL);
	assert_int_equal(writer_len(&w), 0);
}

/* Kind, id and error of a told failure are checked when it is read, too. */
static void ack_decoder_refuses(void **state)
{
	(void)state;
	static const uint8_t good[] = {0, 0, 0, 1, 0, 1, 4, 0, 0, 0, 0, 0, 0, 0, 9, 0, 28};
	static const struct {
		size_t at;
		uint8_t value;
	} cases[] = {{6, 0}, {6, 9}, {14, 0}, {16, 0}};
	static struct update_ack got;
	struct cursor c;

	cursor_init(&c, good, sizeof(good));
	assert_int_equal(update_ack_decode(&c, &got), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t buf[sizeof(good)];

		memcpy(buf, good, sizeof(good));
		buf[cases[i].at] = cases[i].value;
		cursor_init(&c, buf, sizeof(buf));
		assert_int_equal(update_ack_decode(&c, &got), -EBADMSG);
	}
}

static void event_rules(void **state)
{
	(void)state;
	struct update_event event = an_event(), got;
	uint8_t buf[128];
	struct writer w;
	struct cursor c;

	writer_init(&w, buf, sizeof(buf));
	strcpy(event.port, "wan0"); /* only a port's event names a port */
	assert_int_equal(update_event_encode(&w, &event), -EINVAL);
	event.kind = UPDATE_EVENT_PORT;
	assert_int_equal(update_event_encode(&w, &event), 0);
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(update_event_decode(&c, &got), 0);
	assert_string_equal(got.port, "wan0");
	buf[0] = UPDATE_EVENT_WRONG_SOURCE;
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(update_event_decode(&c, &got), -EBADMSG);
	buf[0] = 0;
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(update_event_decode(&c, &got), -EBADMSG);
	event.port[0] = '\0';
	assert_int_equal(update_event_encode(&w, &event), -EINVAL);
	event.kind = 4;
	assert_int_equal(update_event_encode(&w, &event), -EINVAL);
}

static void stat_rules(void **state)
{
	(void)state;
	static const struct {
		enum update_stat_group group;
		const char *name;
		uint8_t values;
	} groups[] = {{UPDATE_STAT_COUNTER, "counter", 1}, {UPDATE_STAT_DROP, "drop", 1},
		{UPDATE_STAT_NODE, "node", 3}, {UPDATE_STAT_PORT, "port", 6},
		{UPDATE_STAT_TABLE, "table", 3}, {UPDATE_STAT_PATH, "path", 7},
		{UPDATE_STAT_ORDER, "order", 8}, {0, "unknown", 0}, {8, "unknown", 0}};

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		struct update_stat stat = {.group = groups[i].group, .name = "x"}, got;
		uint8_t buf[128];
		struct writer w;
		struct cursor c;

		assert_int_equal(update_stat_values(groups[i].group), groups[i].values);
		assert_string_equal(update_stat_group_name(groups[i].group), groups[i].name);
		writer_init(&w, buf, sizeof(buf));
		stat.value_count = groups[i].values + 1;
		assert_int_equal(update_stat_encode(&w, &stat), -EINVAL);
		stat.value_count = groups[i].values;
		assert_int_equal(update_stat_encode(&w, &stat), groups[i].values ? 0 : -EINVAL);
		if (groups[i].values == 0)
			continue;
		buf[0] = 8;
		cursor_init(&c, buf, writer_len(&w));
		assert_int_equal(update_stat_decode(&c, &got), -EBADMSG);
		stat.name[0] = '\0';
		assert_int_equal(update_stat_encode(&w, &stat), -EINVAL);
	}
}

static void reason_rules(void **state)
{
	(void)state;
	char reason[UPDATE_REASON_MAX + 2], got[UPDATE_REASON_MAX + 1];
	uint8_t buf[256];
	struct writer w;
	struct cursor c;

	memset(reason, 'r', sizeof(reason));
	reason[UPDATE_REASON_MAX + 1] = '\0';
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_reason_encode(&w, reason), -EINVAL);
	reason[UPDATE_REASON_MAX] = '\0';
	assert_int_equal(update_reason_encode(&w, reason), 0);
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(update_reason_decode(&c, got), 0);
	assert_string_equal(got, reason);
	buf[5] = '\n';
	cursor_init(&c, buf, writer_len(&w));
	assert_int_equal(update_reason_decode(&c, got), -EBADMSG);
	assert_int_equal(update_reason_encode(&w, ""), -EINVAL);
	assert_int_equal(update_reason_encode(&w, "two\nlines"), -EINVAL);
}

static void stats_id(void **state)
{
	(void)state;
	uint8_t buf[4];
	uint32_t id;
	struct writer w;
	struct cursor c;

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_stats_id_encode(&w, 0xdeadbeef), 0);
	assert_written(&w, "deadbeef");
	assert_int_equal(update_stats_id_encode(&w, 1), -ENOSPC);
	cursor_exact(&c, buf, 4);
	assert_int_equal(update_stats_id_decode(&c, &id), 0);
	assert_int_equal(id, 0xdeadbeef);
	cursor_exact_free(&c);
	cursor_exact(&c, buf, 3);
	assert_int_equal(update_stats_id_decode(&c, &id), -EBADMSG);
	cursor_exact_free(&c);
}

static void stats_request(void **state)
{
	(void)state;
	struct update_stats_request request = {.id = 7, .count = 2, .subscribers = {1, 0x0203}};
	struct update_stats_request got;
	uint8_t buf[64];
	struct writer w;
	struct cursor c;

	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(update_stats_request_encode(&w, &request), 0);
	assert_written(&w, "00000007 02 0000000000000001 0000000000000203");
	for (size_t len = 0; len <= writer_len(&w); len++) {
		cursor_exact(&c, buf, len);
		assert_int_equal(update_stats_request_decode(&c, &got),
			len == writer_len(&w) ? 0 : -EBADMSG);
		cursor_exact_free(&c);
	}
	assert_memory_equal(&got, &request, sizeof(got));
	request.count = UPDATE_ASKED_MAX + 1;
	assert_int_equal(update_stats_request_encode(&w, &request), -EINVAL);
	buf[4] = UPDATE_ASKED_MAX + 1;
	cursor_init(&c, buf, sizeof(buf));
	assert_int_equal(update_stats_request_decode(&c, &got), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_round_trip_and_truncation),
		cmocka_unit_test(nothing_is_not_adopted),
		cmocka_unit_test(golden),
		cmocka_unit_test(hello_boundaries),
		cmocka_unit_test(ack_boundaries),
		cmocka_unit_test(ack_decoder_refuses),
		cmocka_unit_test(event_rules),
		cmocka_unit_test(stat_rules),
		cmocka_unit_test(reason_rules),
		cmocka_unit_test(stats_id),
		cmocka_unit_test(stats_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
