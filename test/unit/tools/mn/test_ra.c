/* Router Advertisements as a host reads them, laid out by hand from RFC 4861, 4.2 and 4.6. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "tools/mn/ra.h"

enum { HEADER = 16, PREFIX = 32 };

/* A message with a source link-layer address, an MTU and two prefix options. */
static const uint8_t golden[] = {
	134, 0, 0x12, 0x34, 64, 0, 0x07, 0x08, 0, 0, 0, 0, 0, 0, 0, 0, /* header */
	1, 1, 2, 0, 0, 0, 0, 1,                                        /* SLLA */
	5, 1, 0, 0, 0, 0, 5, 0xdc,                                     /* MTU */
	3, 4, 64, 0xc0, 0, 0, 0, 120, 0, 0, 0, 60, 0, 0, 0, 0,         /* prefix */
	0x20, 1, 0x0d, 0xb8, 0, 0x0a, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    /* 2001:db8:a:: */
	3, 4, 48, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, /* prefix */
	0x20, 1, 0x0d, 0xb8, 0, 0x0b, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* host bits are ignored */
};

static int decode(const uint8_t *msg, size_t len, struct ra *ra)
{
	uint8_t *exact = malloc(len ? len : 1);

	assert_non_null(exact);
	if (len)
		memcpy(exact, msg, len);
	int ret = ra_decode(exact, len, ra);

	free(exact);
	return ret;
}

static void assert_prefix(const struct prefix6 *got, const char *text)
{
	struct prefix6 expected;

	assert_int_equal(prefix6_parse(text, &expected), 0);
	assert_int_equal(prefix6_compare(got, &expected), 0);
}

static void reads_prefixes(void **state)
{
	(void)state;
	struct ra ra;

	assert_int_equal(decode(golden, sizeof(golden), &ra), 0);
	assert_int_equal(ra.router_lifetime_s, 1800);
	assert_int_equal(ra.prefix_count, 2);
	assert_prefix(&ra.prefixes[0].prefix, "2001:db8:a::/64");
	assert_int_equal(ra.prefixes[0].valid_s, 120);
	assert_prefix(&ra.prefixes[1].prefix, "2001:db8:b::/48");
	assert_true(ra.prefixes[1].valid_s == UINT32_MAX);
}

static void refuses_what_is_malformed(void **state)
{
	(void)state;
	uint8_t msg[sizeof(golden)];
	struct ra ra;

	for (size_t cut = 0; cut < sizeof(golden); cut++) {
		bool whole = cut == HEADER || cut == HEADER + 8 || cut == HEADER + 16 ||
			     cut == HEADER + 16 + PREFIX;

		assert_int_equal(decode(golden, cut, &ra), whole ? 0 : -EBADMSG);
	}
	memcpy(msg, golden, sizeof(msg));
	msg[0] = 133;
	assert_int_equal(decode(msg, sizeof(msg), &ra), -EBADMSG);
	msg[0] = 134;
	msg[1] = 1;
	assert_int_equal(decode(msg, sizeof(msg), &ra), -EBADMSG);
	msg[1] = 0;
	msg[HEADER + 1] = 0; /* an option of no length would never end */
	assert_int_equal(decode(msg, sizeof(msg), &ra), -EBADMSG);
	msg[HEADER + 1] = 200;
	assert_int_equal(decode(msg, sizeof(msg), &ra), -EBADMSG);
}

static void leaves_out_prefixes_that_say_nothing(void **state)
{
	(void)state;
	uint8_t msg[HEADER + PREFIX];
	struct ra ra;

	memcpy(msg, golden, HEADER);
	memcpy(msg + HEADER, golden + HEADER + 16, PREFIX);
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_int_equal(ra.prefix_count, 1);
	msg[HEADER + 3] = 0; /* neither on-link nor autonomous */
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_int_equal(ra.prefix_count, 0);
	msg[HEADER + 3] = 0xc0;
	msg[HEADER + 2] = 129; /* longer than an address */
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_int_equal(ra.prefix_count, 0);
	msg[HEADER + 2] = 64;
	msg[HEADER + 16] = 0xfe; /* link-local */
	msg[HEADER + 17] = 0x80;
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_int_equal(ra.prefix_count, 0);
	msg[HEADER] = 31; /* an option that nobody knows is passed over */
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_int_equal(ra.prefix_count, 0);
}

static void reads_the_interval(void **state)
{
	(void)state;
	static const uint8_t option[] = {7, 1, 0, 0, 0, 0, 0x01, 0x2c};
	uint8_t msg[HEADER + sizeof(option)];
	struct ra ra;

	assert_int_equal(decode(golden, sizeof(golden), &ra), 0);
	assert_int_equal(ra.interval_ms, 0);
	memcpy(msg, golden, HEADER);
	memcpy(msg + HEADER, option, sizeof(option));
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_int_equal(ra.interval_ms, 300);
}

static void reads_the_link_layer_address(void **state)
{
	(void)state;
	static const uint8_t option[] = {1, 1, 2, 0, 0, 0, 0, 9};
	uint8_t msg[HEADER + sizeof(option)];
	struct ra ra;

	memcpy(msg, golden, HEADER);
	assert_int_equal(decode(msg, HEADER, &ra), 0);
	assert_false(ra.has_mac);
	memcpy(msg + HEADER, option, sizeof(option));
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_true(ra.has_mac);
	assert_memory_equal(ra.mac.b, option + 2, sizeof(ra.mac.b));
}

static void takes_as_many_prefixes_as_fit(void **state)
{
	(void)state;
	uint8_t msg[HEADER + 20 * PREFIX];
	struct ra ra;

	memcpy(msg, golden, HEADER);
	for (uint8_t n = 0; n < 20; n++) {
		memcpy(msg + HEADER + n * PREFIX, golden + HEADER + 16, PREFIX);
		msg[HEADER + n * PREFIX + 23] = n;
	}
	assert_int_equal(decode(msg, sizeof(msg), &ra), 0);
	assert_int_equal(ra.prefix_count, RA_PREFIXES_MAX);
}

static void writes_solicitations(void **state)
{
	(void)state;
	static const struct mac mac = {{2, 0, 0, 0, 0, 9}};
	static const uint8_t with[] = {133, 0, 0, 0, 0, 0, 0, 0, 1, 1, 2, 0, 0, 0, 0, 9};
	uint8_t buf[16];

	assert_int_equal(rs_encode(&mac, buf, sizeof(buf)), 16);
	assert_memory_equal(buf, with, 16);
	assert_int_equal(rs_encode(NULL, buf, sizeof(buf)), 8);
	assert_memory_equal(buf, with, 8);
	assert_int_equal(rs_encode(&mac, buf, 15), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_prefixes),
		cmocka_unit_test(refuses_what_is_malformed),
		cmocka_unit_test(leaves_out_prefixes_that_say_nothing),
		cmocka_unit_test(reads_the_interval),
		cmocka_unit_test(reads_the_link_layer_address),
		cmocka_unit_test(takes_as_many_prefixes_as_fit),
		cmocka_unit_test(writes_solicitations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
