/* IPv4, UDP and what the ports of RFC 5555, RFC 5844 and RFC 5845 carry, octet by octet. */
#include <errno.h>
#include <stdio.h>

#include "octets.h"
#include "proto/mobility/encap.h"
#include "proto/mobility/ip4.h"

#define IP4_SUM "45000020 00004000 4011b6c9 c0000201 c0000202"

static struct in_addr address4(const char *text)
{
	struct in_addr a = {0};
	unsigned b[4];

	assert_int_equal(sscanf(text, "%u.%u.%u.%u", &b[0], &b[1], &b[2], &b[3]), 4);
	for (unsigned i = 0; i < 4; i++)
		((uint8_t *)&a)[i] = (uint8_t)b[i];
	return a;
}

/* RFC 791, 3.1 */
static void ip4_header(void **state)
{
	uint8_t buf[64], *copy;
	size_t n = octets(IP4_SUM "1057 1057 000c 0000 30000000", buf, sizeof(buf));
	struct ip4_packet p, expected = {.src = address4("192.0.2.1"),
				     .dst = address4("192.0.2.2"),
				     .ttl = 64,
				     .protocol = 17,
				     .dont_fragment = true,
				     .offset = 20,
				     .len = 12};

	(void)state;
	copy = exact(buf, n);
	memset(&p, 0, sizeof(p));
	assert_int_equal(ip4_packet_decode(copy, n, &p), IP4_FAULT_NONE);
	assert_memory_equal(&p.src, &expected.src, 4);
	assert_memory_equal(&p.dst, &expected.dst, 4);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.protocol, 17);
	assert_true(p.dont_fragment);
	assert_false(ip4_packet_is_fragment(&p));
	assert_int_equal(p.offset, 20);
	assert_int_equal(p.len, 12);
	assert_octets(buf, ip4_packet_encode(&expected, buf, 32), IP4_SUM);
	assert_int_equal(ip4_packet_encode(&expected, buf, 31), -ENOSPC);
	free(copy);
}

static void ip4_options_and_fragments(void **state)
{
	uint8_t buf[64];
	size_t n = octets("46000019 12342003 40290000 c0000201 c0000202 94040000 ff", buf, 64);
	struct ip4_packet p;

	(void)state;
	buf[10] = 0x50, buf[11] = 0x82;
	/* Whatever the checksum field holds, exactly one value is right. */
	assert_int_equal(ip4_packet_decode(buf, n, &p), IP4_FAULT_CHECKSUM);
	for (unsigned sum = 0; sum < 0xffff; sum++) {
		buf[10] = (uint8_t)(sum >> 8), buf[11] = (uint8_t)sum;
		if (ip4_packet_decode(buf, n, &p) == IP4_FAULT_NONE)
			break;
	}
	assert_int_equal(ip4_packet_decode(buf, n, &p), IP4_FAULT_NONE);
	assert_int_equal(p.offset, 24);
	assert_int_equal(p.len, 1);
	assert_int_equal(p.id, 0x1234);
	assert_true(p.more_fragments);
	assert_int_equal(p.fragment_offset, 24);
	assert_true(ip4_packet_is_fragment(&p));
}

static void ip4_errors(void **state)
{
	static const struct {
		const char *hex;
		enum ip4_fault fault;
	} bad[] = {
		{"4500001400004000401100", IP4_FAULT_TRUNCATED},
		{"65000014 00004000 4011b6d3 c0000201 c0000202", IP4_FAULT_VERSION},
		{"44000014 00004000 4011b7d3 c0000201 c0000202", IP4_FAULT_HEADER_LENGTH},
		{"46000014 00004000 4011b5d3 c0000201 c0000202", IP4_FAULT_HEADER_LENGTH},
		{IP4_SUM "00", IP4_FAULT_TRUNCATED},
		{"45000014 00004000 4011b6d4 c0000201 c0000202", IP4_FAULT_CHECKSUM},
	};
	struct ip4_packet p;
	uint8_t buf[64];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		size_t n = octets(bad[i].hex, buf, sizeof(buf));
		uint8_t *copy = exact(buf, n);

		assert_int_equal(ip4_packet_decode(copy, n, &p), bad[i].fault);
		assert_string_not_equal(ip4_fault_name(bad[i].fault), "unknown");
		free(copy);
	}
	p = (struct ip4_packet){.len = UINT16_MAX};
	assert_int_equal(ip4_packet_encode(&p, buf, SIZE_MAX), -EINVAL);
	p = (struct ip4_packet){.fragment_offset = 4};
	assert_int_equal(ip4_packet_encode(&p, buf, sizeof(buf)), -EINVAL);
}

/* RFC 768 */
static void udp_datagram(void **state)
{
	struct in_addr src = address4("192.0.2.1"), dst = address4("192.0.2.2");
	struct udp_header h;
	uint8_t buf[16];

	(void)state;
	h = (struct udp_header){.src = 4191, .dst = 4191, .len = 4};
	assert_octets(buf, udp_encode(&h, buf, 12), "105f 105f 000c 0000");
	octets("01020304", buf + 8, 4);
	assert_true(udp_checksum_ok4(&src, &dst, buf, 12)); /* none */
	udp_checksum_set4(&src, &dst, buf, 12);
	assert_octets(buf, 12, "105f 105f 000c 570e 01020304");
	assert_true(udp_checksum_ok4(&src, &dst, buf, 12));
	assert_int_equal(udp_decode(buf, 12, &h), 0);
	assert_int_equal(h.src, 4191);
	assert_int_equal(h.dst, 4191);
	assert_int_equal(h.len, 4);
	assert_int_equal(h.checksum, 0x570e);
	buf[11] ^= 1;
	assert_false(udp_checksum_ok4(&src, &dst, buf, 12));
	assert_int_equal(udp_encode(&h, buf, 11), -ENOSPC);
	h.len = UINT16_MAX;
	assert_int_equal(udp_encode(&h, buf, SIZE_MAX), -EINVAL);
}

static void udp_errors(void **state)
{
	struct udp_header h;
	uint8_t buf[16];

	(void)state;
	assert_int_equal(udp_decode(buf, octets("105f105f000800", buf, 16), &h), -EBADMSG);
	assert_int_equal(udp_decode(buf, octets("105f105f00070000", buf, 16), &h), -EBADMSG);
	assert_int_equal(udp_decode(buf, octets("105f105f00090000", buf, 16), &h), -EBADMSG);
	assert_int_equal(udp_decode(buf, octets("105f105f0008000000", buf, 16), &h), 0);
}

static void udp_over_ip6_must_have_a_checksum(void **state)
{
	struct in6_addr src = address(COA), dst = address(HA);
	uint8_t buf[16];
	size_t n = octets("153c 153c 000c 0000 01020304", buf, sizeof(buf));
	unsigned right = 0;

	(void)state;
	assert_false(udp_checksum_ok6(&src, &dst, buf, n));
	for (unsigned sum = 1; sum <= 0xffff; sum++) {
		buf[6] = (uint8_t)(sum >> 8), buf[7] = (uint8_t)sum;
		right += udp_checksum_ok6(&src, &dst, buf, n);
	}
	assert_int_equal(right, 1);
}

struct inner_case {
	uint16_t port;
	const char *hex;
	int rc;
	uint8_t proto;
	bool has_tlv;
	size_t at, len;
};

static void ports(void **state)
{
	static const struct inner_case cases[] = {
		/* RFC 5555, 4.1: the first nibble tells */
		{4191, "60000000", 0, 41, false, 0, 4},
		{4191, "45000000", 0, 4, false, 0, 4},
		{4191, "50000000", -EBADMSG, 0, false, 0, 0},
		{4191, "ff", -ENOMSG, 0, false, 0, 0},
		{4191, "", -ENOMSG, 0, false, 0, 0},
		/* RFC 5844, 4.1.3.2 and 4.1.4.1 */
		{5436, "3b010d00", 0, 135, false, 0, 4},
		{5437, "60000000", 0, 41, false, 0, 4},
		{5437, "45000000", 0, 4, false, 0, 4},
		/* RFC 5845, 7.2: type 0, reserved, next header, length */
		{5437, "00 2f 0004 00000800", 0, 47, true, 4, 4},
		{4191, "05 29 0001 60 ff", 0, 41, true, 4, 1},
		{5437, "00 2f 0005 00000800", -EBADMSG, 0, false, 0, 0},
		{5437, "00 2f 00", -EBADMSG, 0, false, 0, 0},
		{53, "60000000", -EINVAL, 0, false, 0, 0},
	};
	uint8_t buf[16];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct inner_case *k = &cases[i];
		size_t n = octets(k->hex, buf, sizeof(buf));
		uint8_t *copy = exact(buf, n);
		struct encap_inner inner;

		assert_int_equal(encap_udp_decode(k->port, copy, n, &inner), k->rc);
		if (!k->rc) {
			assert_int_equal(inner.proto, k->proto);
			assert_int_equal(inner.has_tlv, k->has_tlv);
			assert_ptr_equal(inner.at, copy + k->at);
			assert_int_equal(inner.len, k->len);
		}
		free(copy);
	}
	assert_octets(buf, encap_tlv_encode(47, 260, buf, 4), "00 2f 0104");
	assert_int_equal(encap_tlv_encode(47, 260, buf, 3), -ENOSPC);
}

struct gre_case {
	const char *hex; /* header */
	struct encap_gre gre;
	int inner;
};

/* RFC 2784, 2; RFC 2890, 2 */
static void gre(void **state)
{
	static const struct gre_case cases[] = {
		{"0000 0800", {.protocol = 0x0800}, 4},
		{"2000 86dd 01020304", {.protocol = 0x86dd, .has_key = true, .key = 0x01020304},
			41},
		{"1000 0800 00000005", {.protocol = 0x0800, .has_sequence = true, .sequence = 5},
			4},
		{"3000 86dd 00000001 00000002",
			{.protocol = 0x86dd,
				.has_key = true,
				.key = 1,
				.has_sequence = true,
				.sequence = 2},
			41},
		/* 8000 + 6558 + ff00, folded and inverted */
		{"8000 6558 1ba6 0000", {.protocol = 0x6558, .has_checksum = true}, -1},
	};
	static const uint8_t payload[] = {0xff};
	uint8_t buf[32];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct gre_case *k = &cases[i];
		size_t n = octets(k->hex, buf, sizeof(buf));
		struct encap_gre out;
		uint8_t *copy;

		buf[n] = payload[0];
		copy = exact(buf, n + 1);
		assert_int_equal(encap_gre_decode(copy, n + 1, &out), n);
		assert_int_equal(out.protocol, k->gre.protocol);
		assert_int_equal(out.has_key, k->gre.has_key);
		assert_int_equal(out.key, k->gre.key);
		assert_int_equal(out.has_sequence, k->gre.has_sequence);
		assert_int_equal(out.sequence, k->gre.sequence);
		assert_int_equal(out.has_checksum, k->gre.has_checksum);
		assert_int_equal(encap_gre_inner(&out), k->inner);
		assert_octets(buf, encap_gre_encode(&k->gre, payload, 1, buf, n), k->hex);
		assert_int_equal(encap_gre_encode(&k->gre, payload, 1, buf, n - 1), -ENOSPC);
		assert_int_equal(encap_gre_decode(copy, n - 1, &out), -EBADMSG);
		free(copy);
	}
}

static void gre_errors(void **state)
{
	static const struct {
		const char *hex;
		int rc;
	} bad[] = {
		{"0001 0800", -EBADMSG},          /* PPTP */
		{"4000 0800 00000000", -EBADMSG}, /* routing of RFC 1701 */
		{"0800 0800", -EBADMSG},
		{"0400 0800", -EBADMSG},
		{"8000 6558 1ba5 0000 ff", -EILSEQ},
		{"8000 6558 1ba6 0000 fe", -EILSEQ},
	};
	struct encap_gre out;
	uint8_t buf[32];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(encap_gre_decode(buf, octets(bad[i].hex, buf, sizeof(buf)), &out),
			bad[i].rc);
	/* bits 6 to 12 are ignored (RFC 2784, 2.3) */
	assert_int_equal(encap_gre_decode(buf, octets("03f8 0800", buf, sizeof(buf)), &out), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ip4_header),
		cmocka_unit_test(ip4_options_and_fragments),
		cmocka_unit_test(ip4_errors),
		cmocka_unit_test(udp_datagram),
		cmocka_unit_test(udp_errors),
		cmocka_unit_test(udp_over_ip6_must_have_a_checksum),
		cmocka_unit_test(ports),
		cmocka_unit_test(gre),
		cmocka_unit_test(gre_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
