/* Where packets begin in frames, and octets in hexadecimal text. */
#include <errno.h>

#include "../../proto/mobility/octets.h"
#include "tools/mhdump/hex.h"
#include "tools/mhdump/link.h"

#define MACS "020000000001 020000000002"

static void frames(void **state)
{
	static const struct {
		int type;
		const char *hex;
		size_t at; /* of the packet, 0 with `none` */
		bool none;
	} cases[] = {
		{LINK_ETHERNET, MACS "86dd 60", 14, false},
		{LINK_ETHERNET, MACS "0800 45", 14, false},
		{LINK_ETHERNET, MACS "0806 00", 0, true},
		{LINK_ETHERNET, MACS "8100 0005 86dd 60", 18, false},
		{LINK_ETHERNET, MACS "88a8 0005 8100 0006 86dd 60", 22, false},
		{LINK_ETHERNET, MACS "8100 0005", 0, true},
		{LINK_ETHERNET, MACS "86dd", 0, true},
		{LINK_ETHERNET, "0200", 0, true},
		{LINK_RAW, "60", 0, false},
		{LINK_DLT_RAW, "45", 0, false},
		{LINK_IPV4, "45", 0, false},
		{LINK_IPV6, "60", 0, false},
		{LINK_RAW, "", 0, true},
		{LINK_NULL, "0a000000 60", 4, false},
		{LINK_LOOP, "0000000a 60", 4, false},
		{LINK_LINUX_SLL, "0000 0001 0006 020000000001 0000 86dd 60", 16, false},
		{LINK_LINUX_SLL, "0000 0001 0006 020000000001 0000 0806 60", 0, true},
		{LINK_LINUX_SLL2, "86dd 0000 00000003 0001 00 06 0200000000010000 60", 20, false},
		{LINK_LINUX_SLL2, "86dd 0000 00000003 0001 00 06", 0, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t buf[64];
		size_t n = octets(cases[i].hex, buf, sizeof(buf)), len = 77;
		uint8_t *copy = exact(buf, n);
		const uint8_t *pkt = link_packet(cases[i].type, copy, n, &len);

		assert_true(link_is_known(cases[i].type));
		if (cases[i].none) {
			assert_null(pkt);
		} else {
			assert_ptr_equal(pkt, copy + cases[i].at);
			assert_int_equal(len, n - cases[i].at);
		}
		free(copy);
	}
	assert_false(link_is_known(105)); /* IEEE 802.11 */
}

static void hexadecimal(void **state)
{
	uint8_t out[4];
	size_t at = 99;

	(void)state;
	assert_octets(out, hex_parse("0x3b:0A - fF|\n00", out, 4, &at), "3b0aff00");
	assert_octets(out, hex_parse("0x3b0x00", out, 4, &at), "3b00");
	assert_int_equal(hex_parse("", out, 4, &at), 0);
	assert_int_equal(hex_parse("0001020304", out, 4, &at), -ENOSPC);
	assert_int_equal(hex_parse("00 1", out, 4, &at), -EINVAL);
	assert_int_equal(at, 4);
	assert_int_equal(hex_parse("00 zz", out, 4, &at), -EINVAL);
	assert_int_equal(at, 3);
	assert_int_equal(hex_parse("00 1g", out, 4, &at), -EINVAL);
	assert_int_equal(at, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames),
		cmocka_unit_test(hexadecimal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
