/* Neighbour Solicitation and Advertisement; the golden packets are those that scapy makes. */
#include <errno.h>

#include "octets.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/nd.h"

static uint8_t buf[256];

#define UNSPECIFIED "00000000000000000000000000000000"
#define SOLICITED   "ff0200000000000000000001ff000010"
#define ALL_NODES   "ff020000000000000000000000000001"
#define NEIGHBOUR   "20010db8 00000001 00000000 00000099"

#define DAD "60000000 0018 3a ff" UNSPECIFIED SOLICITED "8700 4cce 00000000" HOA_HEX
#define NS                                                                                         \
	"60000000 0020 3a ff" NEIGHBOUR SOLICITED "8700 1ad9 00000000" HOA_HEX "0101 020000000099"
#define NA "60000000 0020 3a ff" HA_HEX ALL_NODES "8800 f919 20000000" HOA_HEX "0201 020000000001"
#define NA_SOLICITED                                                                               \
	"60000000 0020 3a ff" HA_HEX NEIGHBOUR "8800 89ca 60000000" HOA_HEX "0201 020000000001"

static const struct mac own_mac = {{2, 0, 0, 0, 0, 1}};

static enum nd_fault decode(const char *hex, struct nd_message *out)
{
	size_t n = octets(hex, buf, sizeof(buf));
	uint8_t *copy = exact(buf, n);
	enum nd_fault fault = nd_decode(copy, n, out);

	free(copy);
	return fault;
}

/* The fault of the ICMPv6 octets of HEX, with a right checksum, between two addresses. */
static enum nd_fault fault_of(const char *src, const char *dst, uint8_t hop_limit, const char *hex)
{
	uint8_t icmp[128];
	struct ip6_build head = {.src = address(src),
		.dst = address(dst),
		.hop_limit = hop_limit,
		.proto = ICMP6_NEXT_HEADER};
	struct nd_message message;
	uint16_t sum;
	ssize_t at;

	head.payload_len = (uint16_t)octets(hex, icmp, sizeof(icmp));
	sum = icmp6_checksum(&head.src, &head.dst, icmp, head.payload_len);
	icmp[2] = sum >> 8;
	icmp[3] = sum & 0xff;
	at = ip6_build(&head, buf, sizeof(buf));
	assert_true(at > 0);
	memcpy(buf + at, icmp, head.payload_len);
	return nd_decode(buf, (size_t)at + head.payload_len, &message);
}

static void duplicate_address_detection(void **state)
{
	(void)state;
	struct in6_addr hoa = address(HOA);
	struct nd_message message, got;
	ssize_t n;

	nd_dad_probe(&hoa, &message);
	n = nd_encode(&message, buf, sizeof(buf));
	assert_octets(buf, n, DAD);
	assert_int_equal(decode(DAD, &got), ND_FAULT_NONE);
	assert_true(nd_is_dad(&got));
	assert_octets(buf, nd_encode(&got, buf, sizeof(buf)), DAD);
	assert_address(&got.target, HOA);
	assert_false(got.has_link_address);
}

static void solicitation(void **state)
{
	(void)state;
	struct nd_message got;

	assert_int_equal(decode(NS, &got), ND_FAULT_NONE);
	assert_int_equal(got.type, ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	assert_false(nd_is_dad(&got));
	assert_address(&got.target, HOA);
	assert_address(&got.src, "2001:db8:0:1::99");
	assert_true(got.has_link_address);
	assert_int_equal(got.link_address.b[5], 0x99);
	assert_octets(buf, nd_encode(&got, buf, sizeof(buf)), NS);
	assert_int_equal(nd_encode(&got, buf, 71), -ENOSPC);
	assert_int_equal(nd_encode(&got, buf, 40), -ENOSPC);
}

static void defence(void **state)
{
	(void)state;
	/* RFC 6275, 10.4.1 */
	struct in6_addr own = address(HA), hoa = address(HOA);
	struct nd_message asked, message;

	nd_proxy_advertisement(&own, &hoa, &own_mac, NULL, &message);
	assert_octets(buf, nd_encode(&message, buf, sizeof(buf)), NA);
	assert_int_equal(decode(NS, &asked), ND_FAULT_NONE);
	nd_proxy_advertisement(&own, &hoa, &own_mac, &asked, &message);
	assert_octets(buf, nd_encode(&message, buf, sizeof(buf)), NA_SOLICITED);
	/* who performs duplicate address detection has no address yet: RFC 4861, 7.2.4 */
	assert_int_equal(decode(DAD, &asked), ND_FAULT_NONE);
	nd_proxy_advertisement(&own, &hoa, &own_mac, &asked, &message);
	assert_octets(buf, nd_encode(&message, buf, sizeof(buf)), NA);
	assert_int_equal(decode(NA, &asked), ND_FAULT_NONE);
	assert_octets(buf, nd_encode(&asked, buf, sizeof(buf)), NA);
	assert_int_equal(asked.flags, ND_FLAG_OVERRIDE);
}

#define NS_HEAD "8700 0000 00000000"
#define NA_HEAD "8800 0000 20000000"

static void validity(void **state)
{
	(void)state;
	static const struct {
		const char *src, *dst;
		uint8_t hop_limit;
		const char *icmp;
		enum nd_fault fault;
	} cases[] = {
		/* RFC 4861, 7.1.1 */
		{HA, HOA, 255, NS_HEAD HOA_HEX, ND_FAULT_NONE},
		{HA, HOA, 254, NS_HEAD HOA_HEX, ND_FAULT_HOP_LIMIT},
		{HA, HOA, 255, "8701 0000 00000000" HOA_HEX, ND_FAULT_CODE},
		{HA, HOA, 255, NS_HEAD "20010db8 00000001 00000000 000000", ND_FAULT_LENGTH},
		{HA, HOA, 255, "8700 0000 000000", ND_FAULT_LENGTH},
		{HA, HOA, 255, NS_HEAD "ff020000000000000000000000000001", ND_FAULT_TARGET},
		{HA, HOA, 255, NS_HEAD HOA_HEX "0100 020000000099", ND_FAULT_OPTION_LENGTH},
		{HA, HOA, 255, NS_HEAD HOA_HEX "0102 020000000099", ND_FAULT_OPTION_LENGTH},
		{HA, HOA, 255, NS_HEAD HOA_HEX "01", ND_FAULT_OPTION_LENGTH},
		{HA, HOA, 255, NS_HEAD HOA_HEX "fd00 000000000000", ND_FAULT_OPTION_LENGTH},
		{HA, HOA, 255, NS_HEAD HOA_HEX "fd01 000000000000", ND_FAULT_NONE},
		{"::", HOA, 255, NS_HEAD HOA_HEX, ND_FAULT_DESTINATION},
		{"::", "ff02::1", 255, NS_HEAD HOA_HEX, ND_FAULT_DESTINATION},
		{"::", "ff02::1:ff00:10", 255, NS_HEAD HOA_HEX, ND_FAULT_NONE},
		{"::", "ff02::1:ff00:10", 255, NS_HEAD HOA_HEX "0101 020000000099",
			ND_FAULT_SOURCE_OPTION},
		/* RFC 4861, 7.1.2 */
		{HA, "ff02::1", 255, NA_HEAD HOA_HEX, ND_FAULT_NONE},
		{HA, "ff02::1", 64, NA_HEAD HOA_HEX, ND_FAULT_HOP_LIMIT},
		{HA, "ff02::1", 255, "8802 0000 20000000" HOA_HEX, ND_FAULT_CODE},
		{HA, "ff02::1", 255, "8800 0000 60000000" HOA_HEX, ND_FAULT_SOLICITED},
		{HA, HOA, 255, "8800 0000 60000000" HOA_HEX, ND_FAULT_NONE},
		{HA, HOA, 255, NA_HEAD "ff020000000000000000000000000001", ND_FAULT_TARGET},
		{HA, HOA, 255, NA_HEAD HOA_HEX "0200", ND_FAULT_OPTION_LENGTH},
		{HA, HOA, 255, "8900 0000 00000000" HOA_HEX HOA_HEX, ND_FAULT_TYPE},
		{HA, HOA, 64, "8000 0000 00000000", ND_FAULT_TYPE},
	};

	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(nd_fault_name(fault_of(cases[i].src, cases[i].dst,
					    cases[i].hop_limit, cases[i].icmp)),
			nd_fault_name(cases[i].fault));
}

static void not_ours(void **state)
{
	(void)state;
	struct nd_message got;
	size_t n = octets(NS, buf, sizeof(buf));

	buf[n - 1] ^= 1;
	assert_int_equal(nd_decode(buf, n, &got), ND_FAULT_CHECKSUM);
	assert_int_equal(nd_decode(buf, n - 1, &got), ND_FAULT_PACKET);
	assert_int_equal(nd_decode(buf, 0, &got), ND_FAULT_PACKET);
	assert_int_equal(decode("60000000 0008 06 ff" HA_HEX HOA_HEX "0000000000000000", &got),
		ND_FAULT_PACKET);
	/* fragments: RFC 6980, 5 */
	assert_int_equal(decode("60000000 0020 2c ff" NEIGHBOUR SOLICITED
				"3a 00 0001 00000001 8700 0000 00000000" HOA_HEX,
				 &got),
		ND_FAULT_PACKET);
}

static void other_link_addresses(void **state)
{
	(void)state;
	struct nd_message message;
	size_t n = octets("60000000 0028 3a ff" NEIGHBOUR HOA_HEX "8700 0000 00000000" HOA_HEX
			  "0102 0011223344556677 000000000000",
		buf, sizeof(buf));
	struct in6_addr src = address("2001:db8:0:1::99"), dst = address(HOA);
	uint16_t sum = icmp6_checksum(&src, &dst, buf + 40, n - 40);

	buf[42] = sum >> 8;
	buf[43] = sum & 0xff;
	assert_int_equal(nd_decode(buf, n, &message), ND_FAULT_NONE);
	assert_false(message.has_link_address);
}

static void encoder_refuses(void **state)
{
	(void)state;
	struct nd_message message;
	struct in6_addr hoa = address(HOA);

	nd_dad_probe(&hoa, &message);
	message.has_link_address = true;
	assert_int_equal(nd_encode(&message, buf, sizeof(buf)), -EINVAL);
	nd_dad_probe(&hoa, &message);
	message.flags = ND_FLAG_OVERRIDE;
	assert_int_equal(nd_encode(&message, buf, sizeof(buf)), -EINVAL);
	message.type = 137;
	message.flags = 0;
	assert_int_equal(nd_encode(&message, buf, sizeof(buf)), -EINVAL);
}

static void names(void **state)
{
	(void)state;
	for (int fault = 0; fault < ND_FAULT_COUNT; fault++) {
		assert_non_null(nd_fault_name(fault));
		for (int other = 0; other < fault; other++)
			assert_string_not_equal(nd_fault_name(fault), nd_fault_name(other));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(duplicate_address_detection),
		cmocka_unit_test(solicitation),
		cmocka_unit_test(defence),
		cmocka_unit_test(validity),
		cmocka_unit_test(not_ours),
		cmocka_unit_test(other_link_addresses),
		cmocka_unit_test(encoder_refuses),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
