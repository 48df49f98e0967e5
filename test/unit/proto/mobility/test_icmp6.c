/* ICMPv6 messages; the expected packets and sums are those that scapy makes. */
#include <errno.h>

#include "octets.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"

static uint8_t buf[2048];

#define BU_PACKET                                                                                  \
	"60000000 0028 3c 40" COA_HEX HA_HEX "87 02 0102 0000 c910" HOA_HEX                        \
	"3b010500 a2dd0001 c0000001 01020000"

static void echo(void **state)
{
	(void)state;
	struct in6_addr src = address(HA), dst = address(COA);
	struct icmp6_message message = {.type = ICMP6_TYPE_ECHO_REQUEST,
		.value = 0x12340001,
		.body = (const uint8_t *)"abc",
		.body_len = 3};
	struct icmp6_message got;
	ssize_t n = icmp6_encode(&src, &dst, &message, buf, sizeof(buf));
	uint8_t *copy;

	/* an odd number of octets */
	assert_octets(buf, n, "8000 4d94 1234 0001 616263");
	assert_int_equal(icmp6_checksum(&src, &dst, buf, (size_t)n), 0x4d94);
	copy = exact(buf, (size_t)n);
	assert_int_equal(icmp6_decode(&src, &dst, copy, (size_t)n, &got), 0);
	assert_int_equal(got.type, 128);
	assert_int_equal(got.value, 0x12340001);
	assert_int_equal(got.body_len, 3);
	assert_memory_equal(got.body, "abc", 3);
	copy[10] ^= 1;
	assert_int_equal(icmp6_decode(&src, &dst, copy, (size_t)n, &got), -EILSEQ);
	free(copy);
	for (size_t len = 0; len < 8; len++) {
		copy = exact(buf, len);
		assert_int_equal(icmp6_decode(&src, &dst, copy, len, &got), -EBADMSG);
		free(copy);
	}
	for (size_t size = 0; size < (size_t)n; size++)
		assert_int_equal(icmp6_encode(&src, &dst, &message, buf, size), -ENOSPC);
}

static void parameter_problem(void **state)
{
	(void)state;
	struct in6_addr own = address(HA);
	uint8_t pkt[256];
	size_t len = octets(BU_PACKET, pkt, sizeof(pkt));
	ssize_t n = icmp6_parameter_problem(&own, 0, 64, pkt, len, buf, sizeof(buf));

	/* RFC 6275, 9.2: to the source address on the wire, not to the home address */
	assert_octets(buf, n, "60000000 0058 3a 40" HA_HEX COA_HEX "0400 84e5 00000040" BU_PACKET);
	for (size_t size = 0; size < (size_t)n; size++)
		assert_int_equal(
			icmp6_parameter_problem(&own, 0, 64, pkt, len, buf, size), -ENOSPC);
}

static void quotes_what_fits(void **state)
{
	(void)state;
	struct in6_addr own = address(HA);
	static uint8_t pkt[1500];
	struct ip6_packet packet;
	ssize_t n;

	octets("60000000 05b4 3b 40" COA_HEX HA_HEX, pkt, sizeof(pkt));
	for (size_t i = 40; i < sizeof(pkt); i++)
		pkt[i] = (uint8_t)i;
	n = icmp6_parameter_problem(&own, 1, 6, pkt, sizeof(pkt), buf, sizeof(buf));
	assert_int_equal(n, 1280);
	assert_int_equal(ip6_packet_decode(buf, (size_t)n, &packet, NULL), 0);
	assert_int_equal(packet.len, 1240);
	assert_memory_equal(buf + 48, pkt, 1232);
}

static bool may(const char *hex, bool multicast)
{
	size_t n = octets(hex, buf, sizeof(buf));
	uint8_t *copy = exact(buf, n);
	bool result = icmp6_may_answer(copy, n, multicast);

	free(copy);
	return result;
}

static void what_is_answered(void **state)
{
	(void)state;
#define FROM(src, next) "60000000 0008 " next "40 " src HA_HEX
#define TO(dst, next)   "60000000 0008 " next "40 " COA_HEX dst
	/* RFC 4443, 2.4 (e) */
	assert_true(may(BU_PACKET, false));
	assert_true(may(FROM(COA_HEX, "3a") "8000000000000000", false));
	assert_false(may(FROM(COA_HEX, "3a") "0100000000000000", false));
	assert_false(may(FROM(COA_HEX, "3a") "7f00000000000000", false));
	assert_false(may(FROM(COA_HEX, "3a") "8900000000000000", false));
	/* an error behind extension headers, also ones that the walker refuses */
	assert_false(may(FROM(COA_HEX, "3c") "3a 00 de 04 00000000 01000000", false));
	assert_false(may(FROM(COA_HEX, "2c") "3a 00 0000 00000000 04000000", false));
	assert_true(may(FROM(COA_HEX, "3c") "3a 00 de 04 00000000 80000000", false));
	/* cut off before its type: it may have been an error */
	assert_false(may(FROM(COA_HEX, "3a"), false));
	/* sources that are not one node */
	assert_false(may(FROM("00000000000000000000000000000000", "06"), false));
	assert_false(may(FROM("ff020000000000000000000000000001", "06"), false));
	assert_false(may(FROM("00000000000000000000000000000001", "06"), false));
	/* destinations */
	assert_false(may(TO("ff020000000000000000000000000001", "06"), false));
	assert_true(may(TO("ff020000000000000000000000000001", "06"), true));
	/* not IPv6, not whole */
	assert_false(may("45000000 0008 06 40" COA_HEX HA_HEX, false));
	assert_false(may("60000000 0008 06 40" COA_HEX "20010db8", false));
	assert_false(may("", false));
}

static void not_answered(void **state)
{
	(void)state;
	struct in6_addr own = address(HA);
	uint8_t pkt[64];
	size_t len = octets("60000000 0008 3c 40" COA_HEX "ff020000000000000000000000000001"
			    "06 00 9e 04 00000000",
		pkt, sizeof(pkt));

	/* to a group: only code 2 (RFC 4443, 2.4 (e.3)) */
	assert_int_equal(icmp6_parameter_problem(&own, 0, 42, pkt, len, buf, sizeof(buf)), -EPERM);
	assert_int_equal(icmp6_parameter_problem(&own, 2, 42, pkt, len, buf, sizeof(buf)), 96);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(icmp6_type_name(4), "parameter problem");
	assert_string_equal(icmp6_type_name(135), "neighbour solicitation");
	assert_string_equal(icmp6_type_name(200), "unknown");
	assert_true(icmp6_is_error(127));
	assert_false(icmp6_is_error(128));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(echo),
		cmocka_unit_test(parameter_problem),
		cmocka_unit_test(quotes_what_fits),
		cmocka_unit_test(what_is_answered),
		cmocka_unit_test(not_answered),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
