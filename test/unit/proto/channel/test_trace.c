/* Tracing on the wire: golden octets, round trips, every rule, every cut. */
#include <arpa/inet.h>
#include <errno.h>

#include "bytes.h"
#include "proto/channel/trace.h"

static const uint8_t octets[TRACE_OCTETS_MAX + 1] = {0x60, 1, 2};

static struct prefix6 prefix(const char *text)
{
	struct prefix6 p;

	assert_int_equal(prefix6_parse(text, &p), 0);
	return p;
}

static struct trace_packet a_packet(enum trace_how how)
{
	struct trace_packet p = {.prefix = prefix("2001:db8::1/128"),
		.real_ns = 0x0102030405060708,
		.how = how,
		.from = "core",
		.missed = 5,
		.length = 100,
		.captured = 3,
		.octets = octets};

	if (how == TRACE_DROPPED)
		strcpy(p.reason, "rule");
	if (how == TRACE_SENT) {
		strcpy(p.by, "home");
		p.to.s6_addr[0] = 0xaa;
	}
	return p;
}

static void golden(void **state)
{
	const struct trace_wanted wanted = {
		.count = 2, .prefixes = {prefix("2001:db8::1/128"), prefix("2001:db8:1::/48")}};
	struct trace_packet p = a_packet(TRACE_DROPPED);
	uint8_t buf[256];
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(trace_wanted_encode(&w, &wanted), 0);
	assert_written(&w, "02 20010db8000000000000000000000001 80"
			   "20010db8000100000000000000000000 30");
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(trace_packet_encode(&w, &p), 0);
	assert_written(&w, "20010db8000000000000000000000001 80 0102030405060708 02"
			   "04 72756c65 04 636f7265 00 00000000000000000000000000000000"
			   "00000005 0064 0003 600102");
}

static void records_follow_one_another(void **state)
{
	uint8_t buf[4096];
	struct cursor c;
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	for (enum trace_how how = TRACE_SENT; how <= TRACE_KEPT; how++) {
		struct trace_packet p = a_packet(how);

		assert_int_equal(trace_packet_encode(&w, &p), 0);
		assert_string_not_equal(trace_how_name(how), "unknown");
	}
	assert_string_equal(trace_how_name(TRACE_KEPT + 1), "unknown");
	cursor_init(&c, buf, writer_len(&w));
	for (enum trace_how how = TRACE_SENT; how <= TRACE_KEPT; how++) {
		struct trace_packet p = a_packet(how), back;

		assert_int_equal(trace_packet_decode(&c, &back), 0);
		assert_int_equal(back.how, how);
		assert_int_equal(prefix6_compare(&back.prefix, &p.prefix), 0);
		assert_true(back.real_ns == p.real_ns);
		assert_string_equal(back.reason, p.reason);
		assert_string_equal(back.from, p.from);
		assert_string_equal(back.by, p.by);
		assert_memory_equal(&back.to, &p.to, sizeof(p.to));
		assert_int_equal(back.missed, p.missed);
		assert_int_equal(back.length, p.length);
		assert_int_equal(back.captured, p.captured);
		assert_memory_equal(back.octets, octets, p.captured);
	}
	assert_int_equal(cursor_left(&c), 0);
}

static void what_breaks_a_rule_is_refused(void **state)
{
	struct trace_wanted many = {.count = TRACE_PREFIXES_MAX + 1};
	struct trace_packet p;
	uint8_t buf[1024];
	struct writer w;

	(void)state;
#define REFUSED(how, change)                                                                       \
	p = a_packet(how);                                                                         \
	change;                                                                                    \
	writer_init(&w, buf, sizeof(buf));                                                         \
	assert_int_equal(trace_packet_encode(&w, &p), -EINVAL);                                    \
	assert_int_equal(writer_len(&w), 0)
	REFUSED(TRACE_SENT, p.how = 0);
	REFUSED(TRACE_SENT, p.how = TRACE_KEPT + 1);
	REFUSED(TRACE_SENT, p.by[0] = '\0');
	REFUSED(TRACE_SENT, strcpy(p.reason, "rule"));
	REFUSED(TRACE_DROPPED, p.reason[0] = '\0');
	REFUSED(TRACE_DROPPED, strcpy(p.by, "home"));
	REFUSED(TRACE_DROPPED, p.to.s6_addr[15] = 1);
	REFUSED(TRACE_DROPPED, p.reason[0] = ' ');
	REFUSED(TRACE_KEPT, p.captured = 0);
	REFUSED(TRACE_KEPT, p.length = 2);
	REFUSED(TRACE_KEPT, p.prefix.len = 0);
	REFUSED(TRACE_KEPT, p.prefix.len = 64);
	REFUSED(TRACE_KEPT, (p.captured = TRACE_OCTETS_MAX + 1, p.length = 1000));
	p = a_packet(TRACE_SENT);
	writer_init(&w, buf, 40);
	assert_int_equal(trace_packet_encode(&w, &p), -ENOSPC);
	assert_int_equal(writer_len(&w), 0);
	assert_int_equal(trace_wanted_encode(&w, &many), -EINVAL);
	many.count = 1;
	assert_int_equal(trace_wanted_encode(&w, &many), -EINVAL);
	many.count = 0;
	assert_int_equal(trace_wanted_encode(&w, &many), 0);
}

static void nothing_shorter_or_longer_is_read(void **state)
{
	const struct trace_wanted wanted = {.count = 1, .prefixes = {prefix("2001:db8::/32")}};
	struct trace_packet p = a_packet(TRACE_SENT), back;
	struct trace_wanted told;
	uint8_t buf[256];
	struct cursor c;
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(trace_packet_encode(&w, &p), 0);
	for (size_t len = 0; len < writer_len(&w); len++) {
		cursor_exact(&c, buf, len);
		assert_int_equal(trace_packet_decode(&c, &back), -EBADMSG);
		free((void *)c.base);
	}
	writer_init(&w, buf, sizeof(buf));
	assert_int_equal(trace_wanted_encode(&w, &wanted), 0);
	writer_u8(&w, 0);
	for (size_t len = 0; len <= writer_len(&w); len++) {
		cursor_exact(&c, buf, len);
		assert_int_equal(
			trace_wanted_decode(&c, &told), len + 1 == writer_len(&w) ? 0 : -EBADMSG);
		free((void *)c.base);
	}
	buf[0] = TRACE_PREFIXES_MAX + 1;
	cursor_init(&c, buf, sizeof(buf));
	assert_int_equal(trace_wanted_decode(&c, &told), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(records_follow_one_another),
		cmocka_unit_test(what_breaks_a_rule_is_refused),
		cmocka_unit_test(nothing_shorter_or_longer_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
