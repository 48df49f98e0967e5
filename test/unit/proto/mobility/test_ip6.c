/* IPv6 header chains: what RFC 8200 and RFC 6275 draw, and everything that must be refused. */
#include <errno.h>

#include "octets.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"

static uint8_t buf[4096];

#define HEAD(payload_len, next) "60000000 " payload_len next "40 |" COA_HEX "|" HA_HEX "|"
/* RFC 6275, 6.3 and 6.4.1 */
#define HOME_ADDRESS(next) next "02 0102 0000 c910 " HOA_HEX "|"
#define ROUTING2(next)     next "02 02 01 00000000 " HOA_HEX "|"

static int decode(const char *hex, struct ip6_packet *packet, struct ip6_error *err)
{
	size_t n = octets(hex, buf, sizeof(buf));
	uint8_t *copy = exact(buf, n);
	int rc = ip6_packet_decode(copy, n, packet, err);

	free(copy);
	return rc;
}

static struct ip6_packet good(const char *hex)
{
	struct ip6_packet packet;
	struct ip6_error err;

	assert_int_equal(decode(hex, &packet, &err), 0);
	assert_int_equal(err.fault, IP6_FAULT_NONE);
	return packet;
}

static void plain(void **state)
{
	(void)state;
	struct ip6_packet p = good("6b7abcde 0004 06 07 |" COA_HEX HA_HEX "01020304");

	assert_int_equal(p.traffic_class, 0xb7);
	assert_int_equal(p.flow_label, 0xabcde);
	assert_int_equal(p.hop_limit, 7);
	assert_int_equal(p.proto, 6);
	assert_int_equal(p.offset, 40);
	assert_int_equal(p.len, 4);
	assert_int_equal(p.headers, 0);
	assert_address(&p.src, COA);
	assert_address(&p.dst, HA);
	assert_ptr_equal(ip6_packet_effective_src(&p), &p.src);
	assert_ptr_equal(ip6_packet_effective_dst(&p), &p.dst);
	/* what lies behind the payload length is not part of the packet */
	p = good(HEAD("0000", "3b") "ffff");
	assert_int_equal(p.proto, 59);
	assert_int_equal(p.len, 0);
}

static void home_address_option(void **state)
{
	(void)state;
	struct ip6_packet p = good(HEAD("0020", "3c") HOME_ADDRESS("87") "0000000000000000");

	assert_true(p.has_home_address);
	assert_false(p.has_routing2);
	assert_address(&p.home_address, HOA);
	assert_int_equal(p.proto, 135);
	assert_int_equal(p.offset, 64);
	assert_int_equal(p.len, 8);
	assert_int_equal(p.headers, 1);
	assert_address(ip6_packet_effective_src(&p), HOA);
	assert_address(ip6_packet_effective_dst(&p), HA);
}

static void type_2_routing_header(void **state)
{
	(void)state;
	struct ip6_packet p = good(HEAD("0018", "2b") ROUTING2("87"));

	assert_true(p.has_routing2);
	assert_address(&p.routing2, HOA);
	assert_address(ip6_packet_effective_src(&p), COA);
	assert_address(ip6_packet_effective_dst(&p), HOA);
	assert_int_equal(p.proto, 135);
	assert_int_equal(p.len, 0);
	/* both, between two mobile nodes; the option stands behind the routing header */
	p = good(HEAD("0030", "2b") ROUTING2("3c") HOME_ADDRESS("3a"));
	assert_true(p.has_routing2 && p.has_home_address);
	assert_int_equal(p.proto, 58);
	assert_int_equal(p.offset, 88);
}

static void other_headers(void **state)
{
	(void)state;
	/* hop-by-hop with router alert, destination options with a tunnel limit, inner IPv6 */
	struct ip6_packet p =
		good(HEAD("0010", "00") "3c 00 0502 0000 0100 | 29 00 040102 0101 00");

	assert_true(p.has_tunnel_limit);
	assert_int_equal(p.tunnel_limit, 2);
	assert_int_equal(p.proto, 41);
	assert_int_equal(p.headers, 2);
	/* the first limit counts: RFC 2473, 4.1.1 (a) */
	p = good(HEAD("0008", "3c") "29 00 040103 040107");
	assert_int_equal(p.tunnel_limit, 3);
	/* a routing header of another type without segments left is passed over */
	p = good(HEAD("0018", "2b") "06 02 04 00 00000000" HOA_HEX);
	assert_false(p.has_routing2);
	assert_int_equal(p.proto, 6);
	/* unknown options whose type says so are passed over: 0x1e, 0x3e */
	p = good(HEAD("0008", "3c") "06 00 1e01ff 3e01ff");
	assert_int_equal(p.proto, 6);
	/* ESP and AH are not opened */
	assert_int_equal(good(HEAD("0004", "32") "00000001").proto, 50);
	assert_int_equal(good(HEAD("0004", "33") "3a040000").proto, 51);
}

static void fragments(void **state)
{
	(void)state;
	struct ip6_packet p = good(HEAD("0010", "2c") "3a 00 0001 12345678 8000000000000000");

	assert_true(p.is_fragment && p.more_fragments);
	assert_int_equal(p.fragment_offset, 0);
	assert_int_equal(p.fragment_id, 0x12345678);
	assert_int_equal(p.proto, 58);
	assert_int_equal(p.offset, 48);
	/* the last one; what follows is data, not a destination options header */
	p = good(HEAD("0010", "2c") "3c 00 05a8 12345678 ffffffffffffffff");
	assert_true(p.is_fragment);
	assert_false(p.more_fragments);
	assert_int_equal(p.fragment_offset, 1448);
	assert_int_equal(p.proto, 60);
	/* a whole packet with a fragment header: RFC 6946 */
	p = good(HEAD("0010", "2c") "3c 00 0000 12345678 0600 010400000000");
	assert_false(p.is_fragment);
	assert_int_equal(p.proto, 6);
}

struct bad {
	const char *hex;
	enum ip6_fault fault;
	uint16_t offset;
	uint32_t value;
	int icmp;
};

static void assert_bad(const struct bad *bad, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct in6_addr dst = address(HA);
		struct ip6_packet packet;
		struct ip6_error err;

		assert_int_equal(decode(bad[i].hex, &packet, &err), -EBADMSG);
		assert_string_equal(ip6_fault_name(err.fault), ip6_fault_name(bad[i].fault));
		assert_int_equal(err.offset, bad[i].offset);
		assert_int_equal(err.value, bad[i].value);
		assert_int_equal(ip6_error_icmp(&err, &dst), bad[i].icmp);
		assert_int_equal(decode(bad[i].hex, &packet, NULL), -EBADMSG);
	}
}

static void bad_chains(void **state)
{
	(void)state;
#define PAD8(next) next "00 0104 00000000"
	static const struct bad bad[] = {
		{"", IP6_FAULT_TRUNCATED, 0, 0, -1},
		{"60000000 0000 3b 40" COA_HEX "20010db8", IP6_FAULT_TRUNCATED, 28, 28, -1},
		{HEAD("0001", "3b"), IP6_FAULT_TRUNCATED, 4, 1, -1},
		{"45000000 0000 3b 40" COA_HEX HA_HEX, IP6_FAULT_VERSION, 0, 4, -1},
		/* a header that ends behind the payload, by length or by its first octets */
		{HEAD("0008", "3c") "06 01 0104 00000000", IP6_FAULT_HEADER_LENGTH, 40, 16, -1},
		{HEAD("0001", "3c") "06", IP6_FAULT_HEADER_LENGTH, 40, 8, -1},
		{HEAD("0000", "2c"), IP6_FAULT_HEADER_LENGTH, 40, 8, -1},
		{HEAD("0007", "2c") "3a 00 0000 123456", IP6_FAULT_HEADER_LENGTH, 40, 8, -1},
		/* hop-by-hop twice: RFC 8200, 4: pointer at the Next Header octet */
		{HEAD("0010", "00") PAD8("00") PAD8("3a"), IP6_FAULT_HOP_BY_HOP_PLACE, 40, 0, 1},
		{HEAD("0010", "3c") PAD8("00") PAD8("3a"), IP6_FAULT_HOP_BY_HOP_PLACE, 40, 0, 1},
		/* nine headers */
		{HEAD("0048", "3c") PAD8("3c") PAD8("3c") PAD8("3c") PAD8("3c") PAD8("3c")
				PAD8("3c") PAD8("3c") PAD8("3c") PAD8("06"),
			IP6_FAULT_HEADERS, 40 + 64, IP6_HEADERS_MAX, -1},
		/* routing header with segments left: RFC 8200, 4.4 */
		{HEAD("0018", "2b") "06 02 00 01 00000000" HOA_HEX, IP6_FAULT_ROUTING_TYPE, 42, 0,
			0},
		{HEAD("0018", "2b") "06 02 04 02 00000000" HOA_HEX, IP6_FAULT_ROUTING_TYPE, 42, 4,
			0},
		/* options */
		{HEAD("0008", "3c") "06 00 0105 00000000", IP6_FAULT_OPTION_LENGTH, 42, 5, -1},
		{HEAD("0008", "3c") "06 00 000000000004", IP6_FAULT_OPTION_LENGTH, 47, 0, -1},
		{HEAD("0008", "3c") "06 00 0402 0000 0100", IP6_FAULT_OPTION_LENGTH, 42, 2, -1},
		{HEAD("0008", "3c") "06 00 0400 0102 0000", IP6_FAULT_OPTION_LENGTH, 42, 0, -1},
		{HEAD("0010", "3c") "06 01 0104 00000000 c906 000000000000",
			IP6_FAULT_OPTION_LENGTH, 48, 6, -1},
		{HEAD("0008", "3c") "06 00 5e 04 00000000", IP6_FAULT_OPTION_UNKNOWN, 42, 0x5e, -1},
		{HEAD("0008", "3c") "06 00 9e 04 00000000", IP6_FAULT_OPTION_UNKNOWN, 42, 0x9e, 2},
		{HEAD("0008", "3c") "06 00 de 04 00000000", IP6_FAULT_OPTION_UNKNOWN, 42, 0xde, 2},
		{HEAD("0008", "00") "06 00 c2 04 00010000", IP6_FAULT_OPTION_UNKNOWN, 42, 0xc2, 2},
		/* a home address option belongs to destination options only */
		{HEAD("0018", "00") HOME_ADDRESS("06"), IP6_FAULT_OPTION_UNKNOWN, 46, 0xc9, 2},
	};

	assert_bad(bad, COUNT(bad));
}

static void bad_home_address(void **state)
{
	(void)state;
	static const struct bad bad[] = {
		{HEAD("0030", "3c") HOME_ADDRESS("3c") HOME_ADDRESS("87"),
			IP6_FAULT_HOME_ADDRESS_REPEATED, 70, 0xc9, -1},
		{HEAD("0030", "3c") HOME_ADDRESS("2b") ROUTING2("87"), IP6_FAULT_HOME_ADDRESS_PLACE,
			64, 43, -1},
		{HEAD("0020", "2c") "3c 00 0000 00000001" HOME_ADDRESS("87"),
			IP6_FAULT_HOME_ADDRESS_PLACE, 54, 44, -1},
		/* multicast, link-local, unspecified, loopback: RFC 6275, 9.3.1 */
		{HEAD("0018", "3c") "87 02 0102 0000 c910 ff020000000000000000000000000001",
			IP6_FAULT_HOME_ADDRESS_VALUE, 46, 0xff, -1},
		{HEAD("0018", "3c") "87 02 0102 0000 c910 fe800000000000000000000000000001",
			IP6_FAULT_HOME_ADDRESS_VALUE, 46, 0xfe, -1},
		{HEAD("0018", "3c") "87 02 0102 0000 c910 00000000000000000000000000000000",
			IP6_FAULT_HOME_ADDRESS_VALUE, 46, 0, -1},
		{HEAD("0018", "3c") "87 02 0102 0000 c910 00000000000000000000000000000001",
			IP6_FAULT_HOME_ADDRESS_VALUE, 46, 0, -1},
	};

	assert_bad(bad, COUNT(bad));
}

static void bad_routing2(void **state)
{
	(void)state;
	static const struct bad bad[] = {
		{HEAD("0008", "2b") "87 00 02 01 00000000", IP6_FAULT_ROUTING2_LENGTH, 41, 0, -1},
		{HEAD("0028", "2b") "87 04 02 01 00000000" HOA_HEX HOA_HEX,
			IP6_FAULT_ROUTING2_LENGTH, 41, 4, -1},
		{HEAD("0018", "2b") "87 02 02 00 00000000" HOA_HEX, IP6_FAULT_ROUTING2_SEGMENTS, 43,
			0, -1},
		{HEAD("0018", "2b") "87 02 02 02 00000000" HOA_HEX, IP6_FAULT_ROUTING2_SEGMENTS, 43,
			2, -1},
		{HEAD("0018", "2b") "87 02 02 01 00000000 ff050000000000000000000000000002",
			IP6_FAULT_ROUTING2_VALUE, 48, 0xff, -1},
		{HEAD("0030", "2b") ROUTING2("2b") ROUTING2("87"), IP6_FAULT_ROUTING2_REPEATED, 64,
			2, -1},
	};

	assert_bad(bad, COUNT(bad));
}

static void many_options(void **state)
{
	(void)state;
	/* 64 options are walked, the 65th is one too many */
	struct in6_addr src = address(COA), dst = address(HA);
	struct ip6_build build = {.src = src, .dst = dst, .proto = 60, .payload_len = 72};
	struct ip6_packet packet;
	struct ip6_error err;
	ssize_t at = ip6_build(&build, buf, sizeof(buf));

	memset(buf + at, 0, 72);
	buf[at] = 6;
	buf[at + 1] = 8;
	assert_int_equal(ip6_packet_decode(buf, (size_t)at + 72, &packet, &err), -EBADMSG);
	assert_int_equal(err.fault, IP6_FAULT_OPTIONS);
	assert_int_equal(err.offset, at + 2 + 64);
	assert_int_equal(err.value, 64);
	/* seven of the octets in one option */
	memcpy(buf + at + 2, "\x01\x05", 2);
	assert_int_equal(ip6_packet_decode(buf, (size_t)at + 72, &packet, &err), 0);
}

static void unknown_option_to_a_group(void **state)
{
	(void)state;
	/* RFC 8200, 4.2: type 11 is not answered when the packet went to a group, 10 is */
	struct in6_addr group = address("ff02::1");
	struct ip6_error err = {.fault = IP6_FAULT_OPTION_UNKNOWN, .value = 0xde};

	assert_int_equal(ip6_error_icmp(&err, &group), -1);
	assert_int_equal(ip6_error_icmp(&err, NULL), -1);
	err.value = 0x9e;
	assert_int_equal(ip6_error_icmp(&err, &group), ICMP6_PARAMETER_OPTION);
}

static void builds(void **state)
{
	(void)state;
	struct in6_addr hoa = address(HOA);
	struct ip6_build build = {
		.src = address(COA), .dst = address(HA), .payload_len = 8, .proto = 135};
	ssize_t n = ip6_build(&build, buf, sizeof(buf));

	assert_octets(buf, n, HEAD("0008", "87"));
	build.home_address = &hoa;
	n = ip6_build(&build, buf, sizeof(buf));
	assert_octets(buf, n, HEAD("0020", "3c") HOME_ADDRESS("87"));
	assert_int_equal(n, ip6_build_size(&build));
	build.routing2 = &hoa;
	n = ip6_build(&build, buf, sizeof(buf));
	assert_octets(buf, n, HEAD("0038", "2b") ROUTING2("3c") HOME_ADDRESS("87"));
	assert_int_equal(n, IP6_BUILD_MAX);
	build.home_address = NULL;
	build.traffic_class = 0xb8;
	build.flow_label = 0xfffff;
	build.hop_limit = 255;
	n = ip6_build(&build, buf, sizeof(buf));
	assert_octets(buf, n, "6b8fffff 0020 2b ff |" COA_HEX HA_HEX ROUTING2("87"));
}

static void builder_refuses(void **state)
{
	(void)state;
	struct in6_addr hoa = address(HOA);
	struct ip6_build build = {.routing2 = &hoa, .payload_len = 8, .proto = 135};

	for (size_t size = 0; size < 72; size++)
		assert_int_equal(ip6_build(&build, buf, size), -ENOSPC);
	assert_int_equal(ip6_build(&build, buf, 72), 64);
	build.flow_label = 0x100000;
	assert_int_equal(ip6_build(&build, buf, 72), -EINVAL);
	build.flow_label = 0;
	build.payload_len = 65535 - 23;
	assert_int_equal(ip6_build(&build, buf, sizeof(buf)), -EINVAL);
}

static void names(void **state)
{
	(void)state;
	for (int fault = 0; fault < IP6_FAULT_COUNT; fault++) {
		assert_non_null(ip6_fault_name(fault));
		for (int other = 0; other < fault; other++)
			assert_string_not_equal(ip6_fault_name(fault), ip6_fault_name(other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(home_address_option),
		cmocka_unit_test(type_2_routing_header),
		cmocka_unit_test(other_headers),
		cmocka_unit_test(fragments),
		cmocka_unit_test(bad_chains),
		cmocka_unit_test(bad_home_address),
		cmocka_unit_test(bad_routing2),
		cmocka_unit_test(many_options),
		cmocka_unit_test(unknown_option_to_a_group),
		cmocka_unit_test(builds),
		cmocka_unit_test(builder_refuses),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
