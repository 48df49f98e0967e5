/* Packets in: what is at fault, what is told to its sender, what is passed on (RFC 6275, 9.2, 9.3).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/icmp6.h"
#include "rig.h"

#define CORRESPONDENT "2001:db8:c::9"

static int set_up(void **state)
{
	*state = rig_new();
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

/* A mobility message as plain octets behind its headers; the checksum is set. */
static size_t build(const char *src, const char *dst, const char *home, const void *message,
	size_t message_len, uint8_t *buf)
{
	struct in6_addr h;
	struct ip6_build head = {
		.src = rig_addr(src),
		.dst = rig_addr(dst),
		.payload_len = (uint16_t)message_len,
		.proto = MH_NEXT_HEADER,
	};
	ssize_t at;

	if (home) {
		h = rig_addr(home);
		head.home_address = &h;
	}
	at = ip6_build(&head, buf, MH_PACKET_MAX);
	assert_true(at > 0);
	memcpy(buf + at, message, message_len);
	mh_checksum_set(home ? &h : &head.src, &head.dst, buf + at, message_len);
	return (size_t)at + message_len;
}

static void punt_message(struct rig *rig, const char *src, const char *dst, const char *home,
	const void *message, size_t message_len)
{
	uint8_t ip[MH_PACKET_MAX];
	size_t len = build(src, dst, home, message, message_len, ip);

	rig_punt(rig, PACKET_MOBILITY, "core0", ip, len);
}

/* The Binding Error that was sent; it must be the only packet. */
static struct mh_be binding_error(struct rig *rig)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	assert_int_equal(rig->packet_count, 1);
	packet = rig_packet(rig);
	assert_int_equal(packet.how, PACKET_TO_ROUTE);
	assert_int_equal(ip6_packet_decode(packet.octets, packet.len, &ip6, NULL), 0);
	assert_string_equal(ADDR_TEXT(&ip6.src), RIG_AGENT);
	assert_string_equal(ADDR_TEXT(&ip6.dst), RIG_CARE_OF);
	assert_false(ip6.has_routing2);
	assert_true(mh_checksum_ok(&ip6.src, &ip6.dst, packet.octets + ip6.offset, ip6.len));
	assert_int_equal(mh_decode(packet.octets + ip6.offset, ip6.len, &mh, NULL), 0);
	assert_int_equal(mh.type, MH_BE);
	return mh.be;
}

/* The Parameter Problem that was sent; returns what it points at in the packet it quotes. */
static uint8_t parameter_problem(struct rig *rig, uint8_t code, uint32_t *pointer)
{
	struct icmp6_message icmp;
	struct rig_packet packet;
	struct ip6_packet ip6;

	assert_int_equal(rig->packet_count, 1);
	packet = rig_packet(rig);
	assert_int_equal(ip6_packet_decode(packet.octets, packet.len, &ip6, NULL), 0);
	assert_string_equal(ADDR_TEXT(&ip6.dst), RIG_CARE_OF);
	assert_int_equal(
		icmp6_decode(&ip6.src, &ip6.dst, packet.octets + ip6.offset, ip6.len, &icmp), 0);
	assert_int_equal(icmp.type, ICMP6_TYPE_PARAMETER_PROBLEM);
	assert_int_equal(icmp.code, code);
	assert_true(icmp.value < icmp.body_len);
	*pointer = icmp.value;
	return icmp.body[icmp.value];
}

static void wrong_checksum_is_dropped_first(void **state)
{
	struct rig *rig = *state;
	uint8_t ip[MH_PACKET_MAX];
	/* An unknown type: with a right checksum it would be answered. */
	size_t len = build(RIG_CARE_OF, RIG_AGENT, NULL, "\x3b\x00\x63\x00\x00\x00\x00\x00", 8, ip);

	ip[len - 1] ^= 1;
	rig_punt(rig, PACKET_MOBILITY, "core0", ip, len);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "drop_mh_checksum"), 1);
}

static void unknown_type(void **state)
{
	struct rig *rig = *state;
	struct in6_addr home = rig_addr(RIG_HOME), none = IN6ADDR_ANY_INIT;
	struct mh_be be;

	punt_message(rig, RIG_CARE_OF, RIG_AGENT, NULL, "\x3b\x00\x63\x00\x00\x00\x00\x00", 8);
	be = binding_error(rig);
	assert_int_equal(be.status, STATUS_BE_UNKNOWN_TYPE);
	assert_true(addr_equal(&be.home_address, &none));
	punt_message(rig, RIG_CARE_OF, RIG_AGENT, RIG_HOME, "\x3b\x00\x63\x00\x00\x00\x00\x00", 8);
	be = binding_error(rig);
	assert_true(addr_equal(&be.home_address, &home));
	assert_int_equal(rig_counter(rig, "drop_mh_type"), 2);
	/* a Heartbeat, which the decoder knows and no home agent answers (RFC 5847, 3.3) */
	punt_message(rig, RIG_CARE_OF, RIG_AGENT, NULL,
		"\x3b\x01\x0d\x00\x00\x00\x00\x00\x00\x00\x00\x01\x01\x02\0\0", 16);
	be = binding_error(rig);
	assert_int_equal(be.status, STATUS_BE_UNKNOWN_TYPE);
	assert_int_equal(rig_counter(rig, "drop_mh_type"), 3);
}

static void wrong_payload_proto(void **state)
{
	static const char message[] =
		"\x06\x01\x05\x00\x00\x00\x00\x01\xc0\x00\x00\x0a\x01\x02\0\0";
	struct rig *rig = *state;
	uint32_t pointer;

	punt_message(rig, RIG_CARE_OF, RIG_AGENT, NULL, message, 16);
	assert_int_equal(parameter_problem(rig, 0, &pointer), 6);
	assert_int_equal(pointer, 40);
	punt_message(rig, RIG_CARE_OF, RIG_AGENT, RIG_HOME, message, 16);
	assert_int_equal(parameter_problem(rig, 0, &pointer), 6);
	assert_int_equal(pointer, 40 + 24);
	assert_int_equal(rig_counter(rig, "drop_mh_payload_proto"), 2);
}

static void header_len_below_the_minimum(void **state)
{
	struct rig *rig = *state;
	uint32_t pointer;

	punt_message(rig, RIG_CARE_OF, RIG_AGENT, NULL, "\x3b\x00\x05\x00\x00\x00\x00\x01", 8);
	assert_int_equal(parameter_problem(rig, 0, &pointer), 0);
	assert_int_equal(pointer, 41);
	assert_int_equal(rig_counter(rig, "drop_mh_header_len"), 1);
}

static void broken_option(void **state)
{
	/* An alternate care-of address of 17 octets. */
	static const char message[] =
		"\x3b\x03\x05\x00\x00\x00\x00\x01\xc0\x00\x00\x0a\x01\x00\x03\x11"
		"\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	struct rig *rig = *state;

	punt_message(rig, RIG_CARE_OF, RIG_AGENT, RIG_HOME, message, 32);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "drop_mh_option"), 1);
}

static void route_optimization_is_off(void **state)
{
	static const struct {
		uint8_t type, units;
		const char *counter;
	} rows[] = {
		{MH_HOTI, 1, "drop_hoti"},
		{MH_COTI, 1, "drop_coti"},
		{MH_HOT, 2, "drop_hot"},
		{MH_COT, 2, "drop_cot"},
	};
	struct rig *rig = *state;

	for (size_t i = 0; i < 4; i++) {
		uint8_t message[24] = {0x3b, rows[i].units, rows[i].type};
		size_t len = 8u + 8u * rows[i].units;

		punt_message(rig, RIG_CARE_OF, RIG_AGENT, NULL, message, len);
		assert_int_equal(rig_counter(rig, rows[i].counter), 1);
		/* Also on its way from or to a mobile node. */
		punt_message(rig, CORRESPONDENT, RIG_HOME, NULL, message, len);
		punt_message(rig, RIG_HOME, CORRESPONDENT, NULL, message, len);
		assert_int_equal(rig_counter(rig, rows[i].counter), 3);
	}
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "mh_transit"), 0);
}

static void messages_between_others_are_passed_on(void **state)
{
	struct rig *rig = *state;
	uint8_t ip[MH_PACKET_MAX], message[24] = {0x3b, 2, MH_BE, 0, 0, 0, 1};
	size_t len = build(CORRESPONDENT, RIG_HOME, NULL, message, sizeof(message), ip);
	struct rig_packet packet;

	rig_bound(rig, 0, 1);
	rig_punt(rig, PACKET_MOBILITY, "core0", ip, len);
	packet = rig_packet(rig);
	assert_int_equal(packet.how, PACKET_TO_SUBSCRIBER);
	assert_int_equal(packet.subscriber, rig_binding(rig, RIG_HOME)->now.subscriber_id);
	assert_int_equal(packet.len, len);
	assert_memory_equal(packet.octets, ip, len);
	len = build(RIG_HOME, CORRESPONDENT, NULL, message, sizeof(message), ip);
	rig_punt(rig, PACKET_MOBILITY, "core0", ip, len);
	packet = rig_packet(rig);
	assert_int_equal(packet.how, PACKET_TO_ROUTE);
	assert_memory_equal(packet.octets, ip, len);
}

static void messages_that_a_home_agent_does_not_get(void **state)
{
	struct rig *rig = *state;

	punt_message(rig, RIG_CARE_OF, RIG_AGENT, NULL, "\x3b\x00\x00\x00\x00\x00\x00\x00", 8);
	punt_message(rig, RIG_CARE_OF, RIG_AGENT, NULL,
		"\x3b\x01\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x00\x00", 16);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "drop_mh_unexpected"), 2);
}

static size_t data_with_home_address(const char *dst, uint8_t proto, uint8_t *ip)
{
	struct in6_addr home = rig_addr(RIG_HOME);
	struct ip6_build head = {
		.src = rig_addr(RIG_CARE_OF),
		.dst = rig_addr(dst),
		.home_address = &home,
		.payload_len = 8,
		.proto = proto,
	};
	ssize_t at = ip6_build(&head, ip, MH_PACKET_MAX);

	memset(ip + at, 0, 8);
	return (size_t)at + 8;
}

static void home_address_option_without_binding(void **state)
{
	struct rig *rig = *state;
	struct in6_addr home = rig_addr(RIG_HOME);
	uint8_t ip[MH_PACKET_MAX];
	size_t len = data_with_home_address(RIG_AGENT, 17, ip);
	struct mh_be be;

	rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	be = binding_error(rig);
	assert_int_equal(be.status, STATUS_BE_UNKNOWN_BINDING);
	assert_true(addr_equal(&be.home_address, &home));
	len = data_with_home_address("ff0e::1", 17, ip);
	rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "errors_forbidden"), 1);
	len = data_with_home_address(RIG_AGENT, 50, ip);
	rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "drop_home_address_protected"), 1);
}

static void home_address_that_is_none(void **state)
{
	struct rig *rig = *state;
	struct in6_addr none = rig_addr("fe80::100");
	struct rig_bu bu = rig_bu(rig, 0, 1);
	uint8_t ip[MH_PACKET_MAX];
	size_t len = data_with_home_address(RIG_AGENT, 17, ip);
	struct mh_be be;

	memcpy(ip + 48, &none, 16);
	rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	be = binding_error(rig);
	assert_int_equal(be.status, STATUS_BE_UNKNOWN_BINDING);
	assert_true(addr_equal(&be.home_address, &none));
	len = rig_bu_packet(&bu, ip, sizeof(ip));
	memcpy(ip + 48, &none, 16);
	rig_punt(rig, PACKET_MOBILITY, "core0", ip, len);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "drop_ip6_headers"), 2);
}

static void home_address_option_with_binding(void **state)
{
	struct rig *rig = *state;
	uint8_t ip[MH_PACKET_MAX];
	size_t len = data_with_home_address(RIG_AGENT, 17, ip);

	rig_bound(rig, 0, 1);
	rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "drop_home_address_bound"), 1);
	ip[8 + 15] ^= 1; /* from another care-of address */
	rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	assert_int_equal(rig->packet_count, 1);
	assert_int_equal(rig_counter(rig, "drop_home_address_unbound"), 1);
}

static void errors_are_limited(void **state)
{
	struct rig *rig = *state;
	uint8_t ip[MH_PACKET_MAX];
	size_t len = data_with_home_address(RIG_AGENT, 17, ip);

	for (unsigned i = 0; i < 25; i++)
		rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	assert_int_equal(rig->packet_count, 10);
	assert_int_equal(rig_counter(rig, "errors_limited"), 15);
	rig_wait_ms(rig, 300);
	for (unsigned i = 0; i < 25; i++)
		rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	assert_int_equal(rig->packet_count, 13);
	rig_wait_ms(rig, 60000);
	rig->packet_count = 0;
	for (unsigned i = 0; i < 25; i++)
		rig_punt(rig, PACKET_HOME_ADDRESS, "core0", ip, len);
	assert_int_equal(rig->packet_count, 10);
}

/* Octets that anybody may change on the way: traffic class, flow label, hop limit; and padding. */
static bool is_free(size_t n)
{
	return (n >= 1 && n <= 3) || n == 7 || n == 44 || n == 45;
}

/* Every prefix of a good packet, and one with each octet changed: nothing crashes, no binding. */
static void damaged_packets(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	uint8_t good[MH_PACKET_MAX], ip[MH_PACKET_MAX];
	size_t len = rig_bu_packet(&bu, good, sizeof(good));

	for (size_t n = 0; n < len; n++) {
		rig_punt(rig, PACKET_MOBILITY, "core0", good, n);
		rig_punt(rig, PACKET_HOME_ADDRESS, "core0", good, n);
		rig_punt(rig, PACKET_NEIGHBOUR, "core0", good, n);
		memcpy(ip, good, len);
		ip[n] ^= 0x55;
		if (!is_free(n))
			rig_punt(rig, PACKET_MOBILITY, "core0", ip, len);
		rig->packet_count = 0;
		rig->event_count = 0;
	}
	assert_int_equal(rig->commit_count, 0);
	assert_null(rig_binding(rig, RIG_HOME));
	rig_punt(rig, PACKET_MOBILITY, "core0", good, len);
	assert_int_equal(rig->commit_count, 1);
}

static void not_ip(void **state)
{
	struct rig *rig = *state;
	uint8_t frame[14] = {0};
	struct packet_punt punt = {
		.reason = PACKET_MOBILITY, .port = "core0", .length = 14, .frame = frame};

	signalling_receive(rig->s, "dp1", &punt);
	punt.length = 13;
	signalling_receive(rig->s, "dp1", &punt);
	assert_int_equal(rig_counter(rig, "drop_frame"), 2);
	assert_int_equal(rig_counter(rig, "punted"), 2);
}

static void fragments(void **state)
{
	struct rig *rig = *state;
	uint8_t ip[40 + 8 + 16] = {0x60, 0, 0, 0, 0, 24, 44, 64};
	struct in6_addr src = rig_addr(RIG_CARE_OF), dst = rig_addr(RIG_AGENT);

	memcpy(ip + 8, &src, 16);
	memcpy(ip + 24, &dst, 16);
	ip[40] = MH_NEXT_HEADER;
	ip[43] = 1; /* more fragments */
	rig_punt(rig, PACKET_MOBILITY, "core0", ip, sizeof(ip));
	assert_int_equal(rig_counter(rig, "drop_fragment"), 1);
}

static void through_a_tunnel_there_is_no_ethernet_header(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 2);
	struct rig_packet packet;
	struct ip6_packet ip6;
	uint8_t ip[MH_PACKET_MAX];
	struct packet_punt punt = {
		.reason = PACKET_MOBILITY, .port = "home0", .subscriber = 1, .frame = ip};
	struct mh mh;

	rig_bound(rig, 0, 1);
	bu.src = RIG_HOME;
	bu.home = NULL;
	bu.lifetime = 0;
	punt.length = (uint16_t)rig_bu_packet(&bu, ip, sizeof(ip));
	signalling_receive(rig->s, "dp1", &punt);
	rig_commit(rig, 0);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(packet.how, PACKET_TO_ROUTE);
	assert_false(ip6.has_routing2);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(wrong_checksum_is_dropped_first),
		T(unknown_type),
		T(wrong_payload_proto),
		T(header_len_below_the_minimum),
		T(broken_option),
		T(route_optimization_is_off),
		T(messages_between_others_are_passed_on),
		T(messages_that_a_home_agent_does_not_get),
		T(home_address_option_without_binding),
		T(home_address_that_is_none),
		T(home_address_option_with_binding),
		T(errors_are_limited),
		T(damaged_packets),
		T(not_ip),
		T(fragments),
		T(through_a_tunnel_there_is_no_ethernet_header),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
