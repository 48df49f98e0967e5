/* The DHCPv6 options of RFC 6610, octet by octet from the figures of its section 3. */
#include <errno.h>
#include <stdio.h>

#include "octets.h"
#include "proto/mobility/home_info.h"

#define NAME_HEX   "03 686131 07 6578616d706c65 03 6e6574 00" /* ha1.example.net */
#define PREFIX_HEX "0047 0011 40 20010db8 00000001 00000000 00000000"
#define AGENT_HEX  "0048 0010" HA_HEX
#define HAF_HEX    "0049 0011" NAME_HEX

/* The option of HEX alone, which must encode to itself. */
static struct home_info only(const char *hex, uint8_t buf[128])
{
	uint8_t again[128];
	struct home_info option;
	size_t n = octets(hex, buf, 128), at = 0;

	assert_int_equal(home_info_next(buf, n, &at, &option, NULL), 1);
	assert_int_equal(at, n);
	assert_octets(again, home_info_encode(&option, again, n), hex);
	assert_int_equal(home_info_encode(&option, again, n - 1), -ENOSPC);
	assert_int_equal(home_info_next(buf, n, &at, &option, NULL), 0);
	return option;
}

static void each_option(void **state)
{
	struct prefix6 prefix;
	struct home_info option;
	uint8_t buf[128];

	(void)state;
	option = only("0031 0011" NAME_HEX, buf); /* 3.1 */
	assert_int_equal(option.code, HOME_INFO_NETWORK_ID);
	assert_octets(option.octets.at, option.octets.len, NAME_HEX);
	option = only(PREFIX_HEX, buf); /* 3.3 */
	assert_int_equal(option.code, HOME_INFO_PREFIX);
	assert_int_equal(prefix6_parse("2001:db8:0:1::/64", &prefix), 0);
	assert_int_equal(prefix6_compare(&option.prefix, &prefix), 0);
	option = only(AGENT_HEX, buf); /* 3.4 */
	assert_int_equal(option.code, HOME_INFO_AGENT);
	assert_address(&option.agent, HA);
	option = only(HAF_HEX, buf); /* 3.5 */
	assert_int_equal(option.code, HOME_INFO_AGENT_NAME);
	option = only("0001 0002 abcd", buf); /* a DUID, none of ours */
	assert_int_equal(option.code, 1);
	assert_octets(option.octets.at, option.octets.len, "abcd");
}

/* 3.2: three options that contain others. */
static void containers(void **state)
{
	static const char *const heads[] = {"0032 003e", "0045 003e", "0046 003e"};
	static const uint16_t codes[] = {
		HOME_INFO_VISITED, HOME_INFO_IDENTIFIED, HOME_INFO_UNRESTRICTED};
	static const uint16_t inside[] = {HOME_INFO_PREFIX, HOME_INFO_AGENT, HOME_INFO_AGENT_NAME};

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++) {
		struct home_info outer, inner;
		char hex[512];
		uint8_t buf[128];
		size_t at = 0;

		snprintf(hex, sizeof(hex), "%s%s", heads[i], PREFIX_HEX AGENT_HEX HAF_HEX);
		outer = only(hex, buf);
		assert_int_equal(outer.code, codes[i]);
		for (size_t k = 0; k < COUNT(inside); k++) {
			assert_int_equal(home_info_next(outer.octets.at, outer.octets.len, &at,
						 &inner, NULL),
				1);
			assert_int_equal(inner.code, inside[k]);
		}
		assert_int_equal(
			home_info_next(outer.octets.at, outer.octets.len, &at, &inner, NULL), 0);
	}
}

static void bits_behind_the_prefix_are_cleared(void **state)
{
	struct home_info option;
	struct prefix6 prefix;
	uint8_t buf[32];
	size_t n = octets("0047 0011 38 20010db8 00000fff ffffffff ffffffff", buf, 32), at = 0;

	(void)state;
	assert_int_equal(home_info_next(buf, n, &at, &option, NULL), 1);
	assert_int_equal(prefix6_parse("2001:db8:0:f00::/56", &prefix), 0);
	assert_int_equal(prefix6_compare(&option.prefix, &prefix), 0);
}

static void errors(void **state)
{
	static const struct {
		const char *hex;
		enum home_info_fault fault;
	} bad[] = {
		{"0047", HOME_INFO_FAULT_TRUNCATED},
		{"0001 0003 abcd", HOME_INFO_FAULT_TRUNCATED},
		{"0047 0010 40" HA_HEX, HOME_INFO_FAULT_LENGTH},
		{"0047 0011 81" HA_HEX, HOME_INFO_FAULT_PREFIX},
		{"0048 0004 c0000201", HOME_INFO_FAULT_LENGTH},
		{"0031 0000", HOME_INFO_FAULT_NAME},
		{"0031 0004 03686131", HOME_INFO_FAULT_NAME},
		{"0031 0006 03686131 00 00", HOME_INFO_FAULT_NAME},
		{"0049 0002 c00c", HOME_INFO_FAULT_NAME}, /* compressed */
		{"0049 0002 0461", HOME_INFO_FAULT_NAME},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		enum home_info_fault fault = HOME_INFO_FAULT_NONE;
		uint8_t buf[64];
		size_t n = octets(bad[i].hex, buf, sizeof(buf)), at = 0;
		uint8_t *copy = exact(buf, n);
		struct home_info option;

		assert_int_equal(home_info_next(copy, n, &at, &option, &fault), -EBADMSG);
		assert_int_equal(fault, bad[i].fault);
		assert_int_equal(at, 0);
		assert_string_not_equal(home_info_fault_name(fault), "unknown");
		free(copy);
	}
	{
		struct home_info option = {.code = HOME_INFO_AGENT_NAME};
		uint8_t buf[64];

		assert_int_equal(home_info_encode(&option, buf, sizeof(buf)), -EINVAL);
		option = (struct home_info){.code = HOME_INFO_PREFIX, .prefix = {.len = 129}};
		assert_int_equal(home_info_encode(&option, buf, sizeof(buf)), -EINVAL);
	}
}

/* RFC 1035, 3.1 and 5.1 */
static void names(void **state)
{
	static const struct {
		const char *text, *hex, *again; /* again: NULL when it is `text` */
	} good[] = {
		{"ha1.example.net", NAME_HEX, NULL},
		{"ha1.example.net.", NAME_HEX, "ha1.example.net"},
		{".", "00", NULL},
		{"", "00", "."},
		{"a b", "03 612062 00", "a\\032b"},
	};
	static const char *const bad[] = {"..", "a..", ".a", "a..b",
		"a123456789b123456789c123456789d123456789e123456789f123456789g123"};
	char text[HOME_INFO_TEXT_SIZE], longest[300];
	uint8_t buf[300];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		ssize_t n = home_info_name_parse(good[i].text, buf, sizeof(buf));

		assert_octets(buf, n, good[i].hex);
		assert_int_equal(home_info_name_print(buf, (size_t)n, text, sizeof(text)), 0);
		assert_string_equal(text, good[i].again ? good[i].again : good[i].text);
		assert_int_equal(home_info_name_parse(good[i].text, buf, (size_t)n - 1), -ENOSPC);
		assert_int_equal(home_info_name_print(buf, (size_t)n, text, 1), -ENOSPC);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(home_info_name_parse(bad[i], buf, sizeof(buf)), -EINVAL);
	for (size_t i = 0; i < 254; i++)
		longest[i] = i % 2 ? '.' : 'a';
	longest[254] = 0; /* 127 labels, 255 octets */
	assert_int_equal(home_info_name_parse(longest, buf, sizeof(buf)), 255);
	memcpy(longest + 254, "a", 2);
	assert_int_equal(home_info_name_parse(longest, buf, sizeof(buf)), -EINVAL);
	octets("03 2e5cff 00", buf, sizeof(buf));
	assert_int_equal(home_info_name_print(buf, 5, text, sizeof(text)), 0);
	assert_string_equal(text, "\\.\\\\\\255");
	assert_int_equal(home_info_name_print(buf, 4, text, sizeof(text)), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_option),
		cmocka_unit_test(containers),
		cmocka_unit_test(bits_behind_the_prefix_are_cleared),
		cmocka_unit_test(errors),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
