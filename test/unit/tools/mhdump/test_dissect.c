/* What is found in packets, and the object that is printed about it. */
#include <stdio.h>

#include "../../proto/mobility/octets.h"
#include "proto/mobility/encap.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip4.h"
#include "proto/mobility/ip6.h"
#include "tools/mhdump/dissect.h"
#include "tools/mhdump/print.h"
#include "tools/mhdump/record.h"

#define HB "3b 01 0d 00 0000 0001 00000007 01020000" /* RFC 5847, 3.3: a response */
#define BU "3b 01 05 00 0000 0005 c000 003c 01020000"

struct packet {
	uint8_t octets[512];
	size_t len;
};

struct seen {
	unsigned count;
	char *text;
};

static void see(void *context, const struct dissect_found *found)
{
	struct seen *seen = context;
	size_t len;
	struct print p = {.out = open_memstream(&seen->text, &len)};

	assert_non_null(p.out);
	seen->count++;
	record_visit(&(struct record_frame){1, NULL}, found, &(struct visitor){print_json, &p});
	fclose(p.out);
}

/* PACKET shows exactly this, or nothing. */
static void assert_shows(const struct packet *packet, const char *expected)
{
	struct seen seen = {0};
	uint8_t *copy = exact(packet->octets, packet->len);
	const struct dissect d = {.fn = see, .context = &seen, .numbers = OPTION_NUMBERS_DEFAULT};

	dissect_packet(&d, copy, packet->len);
	assert_int_equal(seen.count, expected != NULL);
	if (expected)
		assert_string_equal(seen.text, expected);
	free(seen.text);
	free(copy);
}

/* The message of HEX with its checksum for these addresses. */
static struct packet message(const char *hex, const char *src, const char *dst)
{
	struct packet m;
	struct in6_addr s = address(src), d = address(dst);

	m.len = octets(hex, m.octets, sizeof(m.octets));
	mh_checksum_set(&s, &d, m.octets, m.len);
	return m;
}

static struct packet in_ip6(struct packet inner, uint8_t proto, const char *home, const char *rt2)
{
	struct in6_addr h = address(home ? home : "::"), r = address(rt2 ? rt2 : "::");
	struct ip6_build build = {.src = address(COA),
		.dst = address(HA),
		.home_address = home ? &h : NULL,
		.routing2 = rt2 ? &r : NULL,
		.proto = proto,
		.payload_len = (uint16_t)inner.len};
	struct packet p;
	ssize_t n = ip6_build(&build, p.octets, sizeof(p.octets));

	assert_true(n > 0);
	memcpy(p.octets + n, inner.octets, inner.len);
	p.len = (size_t)n + inner.len;
	return p;
}

static struct packet in_udp4(struct packet inner, uint16_t port)
{
	struct in_addr src = {htonl(0xc0000201)}, dst = {htonl(0xc0000202)};
	struct ip4_packet head = {.src = src,
		.dst = dst,
		.protocol = IPPROTO_UDP,
		.len = (uint16_t)(UDP_HEADER_SIZE + inner.len)};
	struct udp_header udp = {.src = port, .dst = 40000, .len = (uint16_t)inner.len};
	struct packet p;
	ssize_t n = ip4_packet_encode(&head, p.octets, sizeof(p.octets)), at = n;

	n += udp_encode(&udp, p.octets + n, sizeof(p.octets) - (size_t)n);
	memcpy(p.octets + n, inner.octets, inner.len);
	p.len = (size_t)n + inner.len;
	udp_checksum_set4(&src, &dst, p.octets + at, p.len - (size_t)at);
	return p;
}

static struct packet before(const char *hex, struct packet inner)
{
	struct packet p;

	p.len = octets(hex, p.octets, sizeof(p.octets));
	memcpy(p.octets + p.len, inner.octets, inner.len);
	p.len += inner.len;
	return p;
}

#define FROM_IP6(home, headers)                                                                    \
	"{\"frame\": 1, \"time\": null, \"src\": \"" COA "\", \"dst\": \"" HA                      \
	"\", \"home_address\": " home ", \"headers\": \"" headers "\", "
#define FROM_IP4(headers)                                                                          \
	"{\"frame\": 1, \"time\": null, \"src\": \"192.0.2.1\", \"dst\": \"192.0.2.2\", "          \
	"\"home_address\": null, \"headers\": \"" headers "\", "
#define SHOWN_HB(checksum)                                                                         \
	"\"type\": 13, \"type_name\": \"Heartbeat\", \"checksum\": \"" checksum                    \
	"\", \"flags\": \"R\", \"sequence\": 7, \"options\": [], "
#define SHOWN_BU(checksum)                                                                         \
	"\"type\": 5, \"type_name\": \"Binding Update\", \"checksum\": \"" checksum                \
	"\", \"sequence\": 5, \"flags\": \"AH\", \"lifetime\": 60, \"options\": [], "
#define NO_ERROR "\"error\": null}\n"

static void behind_ip6(void **state)
{
	(void)state;
	assert_shows(&(struct packet){.len = 0}, NULL);
	{
		struct packet p = in_ip6(message(HB, COA, HA), MH_NEXT_HEADER, NULL, NULL);

		assert_shows(&p, FROM_IP6("null", "IPv6") SHOWN_HB("good") NO_ERROR);
		p.octets[p.len - 5] ^= 1; /* sequence 6 */
		assert_shows(&p,
			FROM_IP6("null",
				"IPv6") "\"type\": 13, \"type_name\": "
					"\"Heartbeat\", \"checksum\": \"bad\", \"flags\": \"R\", "
					"\"sequence\": 6, "
					"\"options\": [], \"error\": {\"what\": \"checksum\", "
					"\"header\": "
					"\"Mobility Header\", \"where\": 4, \"value\": 23247, "
					"\"text\": \"offset "
					"4: wrong checksum (0x5acf), right would be 0x5ad0\"}}\n");
	}
}

/* RFC 6275, 6.1.1: the home address stands for what it replaces. */
static void home_addresses(void **state)
{
	struct packet p;

	(void)state;
	p = in_ip6(message(BU, HOA, HA), MH_NEXT_HEADER, HOA, NULL);
	assert_shows(&p, FROM_IP6("\"" HOA "\"", "IPv6") SHOWN_BU("good") NO_ERROR);
	p = in_ip6(message(BU, COA, HOA), MH_NEXT_HEADER, NULL, HOA);
	assert_shows(&p, FROM_IP6("\"" HOA "\"", "IPv6") SHOWN_BU("good") NO_ERROR);
}

static void in_tunnels(void **state)
{
	struct packet inner = in_ip6(message(HB, COA, HA), MH_NEXT_HEADER, NULL, NULL), p;

	(void)state;
	p = in_ip6(inner, IPPROTO_IPV6, NULL, NULL);
	assert_shows(&p, FROM_IP6("null", "IPv6, IPv6") SHOWN_HB("good") NO_ERROR);
	p = in_ip6(before("2000 86dd 00000009", inner), IPPROTO_GRE, NULL, NULL);
	assert_shows(&p, FROM_IP6("null", "IPv6, GRE key 0x9, IPv6") SHOWN_HB("good") NO_ERROR);
	/* RFC 5555, 4.1 */
	p = in_udp4(inner, ENCAP_PORT_DSMIP);
	assert_shows(&p, FROM_IP6("null", "IPv4, UDP 4191, IPv6") SHOWN_HB("good") NO_ERROR);
	/* RFC 5845, 7.2 */
	p = in_udp4(before("00 2f 003c 0000 86dd", inner), ENCAP_PORT_PMIP_DATA);
	assert_shows(
		&p, FROM_IP6("null", "IPv4, UDP 5437, TLV, GRE, IPv6") SHOWN_HB("good") NO_ERROR);
}

/* RFC 5844, 4.1.3.2: no IPv6 header, and the checksum of UDP is the one that counts. */
static void proxy_over_ip4(void **state)
{
	struct packet m = {.len = 0}, p;

	(void)state;
	m.len = octets(HB, m.octets, sizeof(m.octets));
	p = in_udp4(m, ENCAP_PORT_PMIP_CONTROL);
	assert_shows(&p, FROM_IP4("IPv4, UDP 5436") SHOWN_HB("ignored") NO_ERROR);
	p.octets[26] ^= 0xff;
	assert_shows(&p,
		FROM_IP4("IPv4, UDP 5436") SHOWN_HB(
			"ignored") "\"error\": {\"what\": \"udp-checksum\", \"header\": \"UDP\", "
				   "\"where\": 6, "
				   "\"value\": 32306, \"text\": \"wrong UDP checksum\"}}\n");
}

static void encrypted(void **state)
{
	struct packet esp = {.len = 0}, p;

	(void)state;
	esp.len = octets("00000100 00000002 aabbccdd", esp.octets, sizeof(esp.octets));
	p = in_ip6(esp, IPPROTO_ESP, HOA, NULL);
	assert_shows(&p,
		FROM_IP6("\"" HOA "\"", "IPv6") "\"type\": null, \"type_name\": \"ESP\", "
						"\"spi\": 256, \"sequence\": 2, " NO_ERROR);
	p = in_udp4(esp, 4500);
	assert_shows(&p, FROM_IP4("IPv4, UDP 4500") "\"type\": null, \"type_name\": \"ESP\", "
						    "\"spi\": 256, \"sequence\": 2, " NO_ERROR);
	esp.octets[2] = 0; /* IKE */
	p = in_udp4(esp, 4500);
	assert_shows(&p, NULL);
}

static void faulty(void **state)
{
	struct packet p;

	(void)state;
	/* an option of one octet too few, RFC 6275, 6.2.4: what stands before it is shown */
	p = in_ip6(message("3b 01 06 00 0000 00 00 0005 003c 02 01 00 00", COA, HA), MH_NEXT_HEADER,
		NULL, NULL);
	assert_shows(&p,
		FROM_IP6("null", "IPv6") "\"type\": 6, \"type_name\": \"Binding Acknowledgement\", "
					 "\"checksum\": \"good\", \"status\": 0, "
					 "\"status_name\": \"accepted\", \"flags\": \"\", "
					 "\"sequence\": 5, \"lifetime\": 60, \"options\": [], "
					 "\"error\": {\"what\": "
					 "\"option-length\", \"header\": "
					 "\"Mobility Header\", \"where\": 12, \"value\": 1, "
					 "\"text\": \"option 2 (Binding "
					 "Refresh Advice) at offset 12: wrong length (1)\"}}\n");
	p = in_ip6(message("3b 01 63 00 0000 0000 00000000 00000000", COA, HA), MH_NEXT_HEADER,
		NULL, NULL);
	assert_shows(&p, FROM_IP6("null", "IPv6") "\"type\": 99, \"type_name\": \"unknown\", "
						  "\"checksum\": \"good\", \"options\": [], "
						  "\"error\": {\"what\": \"type\", \"header\": "
						  "\"Mobility Header\", \"where\": 2, \"value\": "
						  "99, \"text\": \"offset 2: unknown "
						  "MH Type (99)\"}}\n");
	/* a home address that is multicast */
	p = in_ip6(message(BU, HOA, HA), MH_NEXT_HEADER, "ff02::1", NULL);
	assert_shows(&p, FROM_IP6("null", "IPv6") "\"type\": null, \"type_name\": \"unreadable\", "
						  "\"error\": {\"what\": \"home-address-value\", "
						  "\"header\": \"IPv6\", \"where\": "
						  "46, \"value\": 255, \"text\": \"IPv6 headers, "
						  "offset 46: home-address-value "
						  "(255)\"}}\n");
}

/* The same with an option before the one at fault. */
static void options_before_the_fault(void **state)
{
	struct packet p = in_ip6(message("3b 02 06 00 0000 00 00 0005 003c | 02 02 0007 "
					 "| 03 02 0000 | 01 02 0000",
					 COA, HA),
		MH_NEXT_HEADER, NULL, NULL);
	struct seen seen = {0};
	const struct dissect d = {.fn = see, .context = &seen, .numbers = OPTION_NUMBERS_DEFAULT};

	(void)state;
	dissect_packet(&d, p.octets, p.len);
	assert_int_equal(seen.count, 1);
	assert_non_null(strstr(seen.text, "\"options\": [{\"type\": 2, \"name\": \"Binding Refresh "
					  "Advice\", \"length\": 2, \"offset\": 12, \"state\": "
					  "\"known\", \"interval\": 7}], \"error\": {\"what\": "
					  "\"option-length\""));
	assert_non_null(strstr(seen.text, "\"where\": 16, \"value\": 2"));
	free(seen.text);
}

/* RFC 6275, 6.5 to 6.8; the checksum is over the home address, too. */
static void discovery(void **state)
{
	struct in6_addr src = address(HOA), dst = address(HA);
	struct packet m = {.len = 0}, p;
	uint16_t sum;

	(void)state;
	m.len = octets("92 00 0000 0007 0000", m.octets, sizeof(m.octets));
	sum = icmp6_checksum(&src, &dst, m.octets, m.len);
	m.octets[2] = sum >> 8;
	m.octets[3] = sum & 0xff;
	p = in_ip6(m, IPPROTO_ICMPV6, HOA, NULL);
	assert_shows(&p,
		FROM_IP6("\"" HOA "\"", "IPv6, ICMPv6") "\"type\": 146, \"type_name\": \"mobile "
							"prefix solicitation\", \"checksum\": "
							"\"good\", \"identifier\": 7, "
							"\"options\": [], " NO_ERROR);
	/* another sender: the checksum is wrong, the message is shown */
	p = in_ip6(m, IPPROTO_ICMPV6, NULL, NULL);
	assert_shows(&p,
		FROM_IP6("null",
			"IPv6, ICMPv6") "\"type\": 146, \"type_name\": \"mobile prefix "
					"solicitation\", "
					"\"checksum\": \"bad\", \"identifier\": 7, \"options\": "
					"[], \"error\": {\"what\": \"checksum\", \"header\": "
					"\"ICMPv6\", \"where\": 2, \"value\": 4657, \"text\": "
					"\"offset 2: wrong checksum (0x1231), right would be "
					"0x1228\"}}\n");
	m.octets[1] = 9; /* the code, which must be 0 */
	p = in_ip6(m, IPPROTO_ICMPV6, HOA, NULL);
	assert_shows(&p,
		FROM_IP6("\"" HOA "\"",
			"IPv6, ICMPv6") "\"type\": 146, \"type_name\": \"mobile prefix "
					"solicitation\", "
					"\"checksum\": \"bad\", \"options\": [], \"error\": "
					"{\"what\": \"code\", \"header\": \"ICMPv6\", \"where\": "
					"1, "
					"\"value\": 9, \"text\": \"offset 1: wrong code (9)\"}}\n");
	/* other ICMPv6 is no mobility message */
	m.octets[0] = ICMP6_TYPE_ECHO_REQUEST;
	p = in_ip6(m, IPPROTO_ICMPV6, NULL, NULL);
	assert_shows(&p, NULL);
}

static void flow_that_is_malformed(void **state)
{
	struct packet p = in_ip6(message("3b 03 05 00 0000 0005 c000 003c 0102 0000 |"
					 "2d 0a 0001 0001 00 00 03 02 0200 0000 0000",
					 COA, HA),
		MH_NEXT_HEADER, NULL, NULL);
	struct seen seen = {0};
	const struct dissect d = {.fn = see, .context = &seen, .numbers = OPTION_NUMBERS_DEFAULT};

	(void)state;
	dissect_packet(&d, p.octets, p.len);
	assert_int_equal(seen.count, 1);
	assert_non_null(strstr(seen.text, "\"sub_options_error\""));
	assert_non_null(
		strstr(seen.text, "\"text\": \"option 45 (Flow Identification) at offset 16"));
	free(seen.text);
}

static void report_that_is_malformed(void **state)
{
	struct packet p = in_ip6(message("3b 03 05 00 0000 0005 c000 003c 0104 00000000 |"
					 "c8 0a 8f00 0000 0000 0001 0400 0000",
					 COA, HA),
		MH_NEXT_HEADER, NULL, NULL);
	struct seen seen = {0};
	const struct dissect d = {.fn = see, .context = &seen, .numbers = OPTION_NUMBERS_DEFAULT};

	(void)state;
	dissect_packet(&d, p.octets, p.len);
	assert_int_equal(seen.count, 1);
	assert_non_null(strstr(seen.text, "\"report_error\": \"records\""));
	assert_non_null(
		strstr(seen.text, "\"where\": 28, \"value\": 10, \"text\": \"option 200 "
				  "(Multicast State) at offset 18: report, octet 8: records\""));
	free(seen.text);
}

static void other_packets(void **state)
{
	struct packet m = {.len = 0}, p;

	(void)state;
	m.len = octets("1234 0035 0010 0000 0000000000000000", m.octets, sizeof(m.octets));
	p = in_ip6(m, IPPROTO_UDP, NULL, NULL);
	assert_shows(&p, NULL);
	p = in_udp4(m, 53);
	assert_shows(&p, NULL);
	/* cut off by the capture */
	p.len -= 4;
	assert_shows(&p, NULL);
	p = in_ip6(m, IPPROTO_UDP, NULL, NULL);
	p.len -= 4;
	assert_shows(&p, NULL);
}

static void fragments_and_depth(void **state)
{
	struct packet m = message(HB, COA, HA), p;

	(void)state;
	p = in_ip6(before("87 00 0001 00000001", m), IPPROTO_FRAGMENT, NULL, NULL);
	assert_shows(&p, FROM_IP6("null", "IPv6") "\"type\": null, \"type_name\": \"fragment of a "
						  "Mobility Header\", " NO_ERROR);
	for (unsigned i = 0; i < 6; i++)
		m = in_ip6(m, i ? IPPROTO_IPV6 : MH_NEXT_HEADER, NULL, NULL);
	assert_shows(&m,
		FROM_IP6("null", "IPv6, IPv6, IPv6, IPv6, IPv6, IPv6") SHOWN_HB("good") NO_ERROR);
	p = in_ip6(m, IPPROTO_IPV6, NULL, NULL);
	assert_shows(&p, NULL);
}

/* A Binding Error has a field of that name, and a key stands once. */
static void binding_error(void **state)
{
	struct packet p = in_ip6(
		message("3b 02 07 00 0000 01 00" HOA_HEX, COA, HA), MH_NEXT_HEADER, NULL, NULL);

	(void)state;
	assert_shows(&p,
		"{\"frame\": 1, \"time\": null, \"src\": \"" COA "\", \"dst\": \"" HA
		"\", \"headers\": \"IPv6\", \"type\": 7, \"type_name\": \"Binding Error\", "
		"\"checksum\": \"good\", \"status\": 1, \"status_name\": \"unknown binding "
		"for Home Address destination option\", \"home_address\": \"" HOA
		"\", \"options\": [], " NO_ERROR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(behind_ip6),
		cmocka_unit_test(home_addresses),
		cmocka_unit_test(in_tunnels),
		cmocka_unit_test(proxy_over_ip4),
		cmocka_unit_test(encrypted),
		cmocka_unit_test(faulty),
		cmocka_unit_test(options_before_the_fault),
		cmocka_unit_test(discovery),
		cmocka_unit_test(flow_that_is_malformed),
		cmocka_unit_test(report_that_is_malformed),
		cmocka_unit_test(other_packets),
		cmocka_unit_test(fragments_and_depth),
		cmocka_unit_test(binding_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
