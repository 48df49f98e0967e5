/* Packets of user traffic: written, judged by the codec of the gateway, and read again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/checksum.h"
#include "proto/mobility/ip6.h"
#include "tools/pktgen/packet.h"

enum { PORT = 9, FRAME = 1600, AT_UDP_CHECKSUM = 6 };

static struct prefix6 care_of_prefixes[2];
static struct population population = {
	.count = 1000, .first = 0x1000, .care_of_prefixes = {care_of_prefixes, 2}};
static struct packet_plan plan = {.population = &population, .udp_port = PORT};
static const struct mac from = {{2, 0, 0, 0, 0, 1}}, to = {{2, 0, 0, 0, 0, 2}};
static uint8_t frame[FRAME];

static int setup(void **state)
{
	(void)state;
	prefix6_parse("2001:db8:100::/64", &population.home_prefix);
	prefix6_parse("2001:db8:a::/64", &care_of_prefixes[0]);
	prefix6_parse("2001:db8:b::/64", &care_of_prefixes[1]);
	addr_parse("2001:db8:1::1", &plan.tunnel);
	addr_parse("2001:db8:c::2", &plan.correspondent);
	addr_parse("ff3e::8000:ffff", &plan.group);
	return 0;
}

static uint16_t make(enum packet_stream stream, const struct packet_mark *mark, uint16_t size)
{
	struct packet_template t;

	packet_template_init(&t, &plan, stream, &from, &to);
	memset(frame, 0, sizeof(frame));
	return packet_write(&t, &plan, mark, size, frame);
}

/* The subscriber's packet as ip6_packet_decode() sees it, with a good checksum. */
static void judge(
	const uint8_t *pkt, uint16_t size, const struct in6_addr *src, const struct in6_addr *dst)
{
	struct ip6_packet ip;

	assert_int_equal(ip6_packet_decode(pkt, size, &ip, NULL), 0);
	assert_int_equal(ip.proto, 17);
	assert_int_equal(ip.len, size - PACKET_IP6);
	assert_true(addr_equal(&ip.src, src));
	assert_true(addr_equal(&ip.dst, dst));
	assert_true(checksum_ip6_ok(src, dst, 17, pkt + ip.offset, ip.len));
	assert_int_not_equal(
		pkt[ip.offset + AT_UDP_CHECKSUM] | pkt[ip.offset + AT_UDP_CHECKSUM + 1], 0);
}

static const struct packet_mark marks[] = {
	{.trial = 1, .time = 1, .flow = 0, .sequence = 0},
	{.trial = UINT16_MAX, .time = PACKET_TIME_MASK, .flow = 999, .sequence = UINT32_MAX},
	{.trial = 0x1234, .time = 0x123456789a, .flow = 77, .sequence = 0x89abcdef},
};
static const uint16_t sizes[] = {64, 65, 128, 1233, 1500};

static void assert_read_again(const struct packet_mark *mark, enum packet_stream stream,
	uint16_t len, uint16_t size, bool tunnelled)
{
	struct packet_seen seen;

	packet_read(frame, len, PORT, &seen);
	assert_int_equal(seen.kind, PACKET_MARKED);
	assert_int_equal(seen.tunnelled, tunnelled);
	assert_int_equal(seen.size, size);
	assert_int_equal(seen.mark.trial, mark->trial);
	assert_int_equal(seen.mark.stream, stream);
	assert_int_equal(seen.mark.time, mark->time);
	assert_int_equal(seen.mark.flow, mark->flow);
	assert_int_equal(seen.mark.sequence, mark->sequence);
	packet_read(frame, len, PORT + 1, &seen);
	assert_int_equal(seen.kind, PACKET_OTHER);
}

static void test_downlink(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t s = 0; s < 5; s++) {
			const struct in6_addr home = population_home(&population, marks[i].flow);
			const uint16_t len = make(PACKET_DOWNLINK, &marks[i], sizes[s]);

			assert_int_equal(len, PACKET_ETHERNET + sizes[s]);
			assert_memory_equal(frame, to.b, 6);
			assert_memory_equal(frame + 6, from.b, 6);
			judge(frame + PACKET_ETHERNET, sizes[s], &plan.correspondent, &home);
			assert_read_again(&marks[i], PACKET_DOWNLINK, len, sizes[s], false);
		}
}

static void test_uplink(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++)
		for (size_t s = 0; s < 5; s++) {
			struct packet_mark mark = marks[i];
			const struct in6_addr home = population_home(&population, mark.flow);
			const struct in6_addr care_of =
				population_care_of(&population, mark.flow, 0);
			struct ip6_packet outer;
			uint16_t len;

			mark.stream = PACKET_UPLINK;
			len = make(PACKET_UPLINK, &mark, sizes[s]);
			assert_int_equal(len, PACKET_ETHERNET + PACKET_IP6 + sizes[s]);
			assert_int_equal(ip6_packet_decode(frame + PACKET_ETHERNET,
						 len - PACKET_ETHERNET, &outer, NULL),
				0);
			assert_int_equal(outer.proto, 41);
			assert_int_equal(outer.len, sizes[s]);
			assert_true(addr_equal(&outer.src, &care_of));
			assert_true(addr_equal(&outer.dst, &plan.tunnel));
			judge(frame + PACKET_ETHERNET + PACKET_IP6, sizes[s], &home,
				&plan.correspondent);
			assert_read_again(&mark, PACKET_UPLINK, len, sizes[s], true);
		}
}

static void test_multicast(void **state)
{
	const uint8_t mac[] = {0x33, 0x33, 0x80, 0x01, 0x00, 0x01};
	const struct packet_mark mark = {.stream = PACKET_MULTICAST, .flow = 2};
	const uint16_t len = make(PACKET_MULTICAST, &mark, 64);
	struct in6_addr group;

	(void)state;
	addr_parse("ff3e::8001:1", &group);
	assert_memory_equal(frame, mac, sizeof(mac));
	judge(frame + PACKET_ETHERNET, 64, &plan.correspondent, &group);
	assert_read_again(&mark, PACKET_MULTICAST, len, 64, false);
}

/* A packet as it comes back: in a tunnel, or out of it. Returns whether it is taken. */
static bool comes_back(
	enum packet_stream stream, const char *outer_src, const char *outer_dst, size_t spoil)
{
	const struct packet_mark mark = {.stream = (uint8_t)stream, .flow = 5};
	uint16_t len = make(stream, &mark, 100);
	uint8_t inner[100], *ip = frame + PACKET_ETHERNET;
	struct packet_seen seen;

	memcpy(inner, frame + len - 100, sizeof(inner));
	inner[spoil] ^= spoil ? 1 : 0;
	if (outer_src) {
		struct ip6_build head = {.payload_len = 100, .proto = 41};

		addr_parse(outer_src, &head.src);
		addr_parse(outer_dst, &head.dst);
		assert_int_equal(ip6_build(&head, ip, FRAME - PACKET_ETHERNET), PACKET_IP6);
		ip += PACKET_IP6;
	}
	memcpy(ip, inner, sizeof(inner));
	packet_read(frame, (size_t)(ip - frame) + 100, PORT, &seen);
	return seen.kind == PACKET_MARKED && packet_came_right(&plan, &seen);
}

static void test_the_way_back(void **state)
{
	(void)state;
	assert_true(comes_back(PACKET_DOWNLINK, "2001:db8:1::1", "2001:db8:a::1005", 0));
	assert_false(comes_back(PACKET_DOWNLINK, "2001:db8:1::2", "2001:db8:a::1005", 0));
	assert_false(comes_back(PACKET_DOWNLINK, "2001:db8:1::1", "2001:db8:a::1006", 0));
	assert_false(comes_back(PACKET_DOWNLINK, NULL, NULL, 0));
	assert_true(comes_back(PACKET_UPLINK, NULL, NULL, 0));
	assert_false(comes_back(PACKET_UPLINK, "2001:db8:1::1", "2001:db8:a::1005", 0));
	assert_true(comes_back(PACKET_MULTICAST, "2001:db8:1::1", "2001:db8:b::1", 0));
	assert_false(comes_back(PACKET_MULTICAST, NULL, NULL, 0));
}

static void test_damage_is_seen(void **state)
{
	(void)state;
	for (size_t at = 8; at < PACKET_IP6 + PACKET_UDP + PACKET_MARK; at++)
		assert_false(comes_back(PACKET_UPLINK, NULL, NULL, at));
}

static void test_other_frames(void **state)
{
	static const struct {
		uint8_t next, first;
		enum packet_kind kind;
	} cases[] = {{58, 135, PACKET_ND}, {58, 136, PACKET_ND}, {58, 2, PACKET_ICMP_ERROR},
		{58, 128, PACKET_OTHER}, {135, 0, PACKET_MOBILITY}, {43, 135, PACKET_MOBILITY},
		{43, 6, PACKET_OTHER}, {6, 0, PACKET_OTHER}, {17, 0, PACKET_OTHER}};
	struct packet_seen seen;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(frame, 0, sizeof(frame));
		frame[12] = 0x86;
		frame[13] = 0xdd;
		frame[14] = 0x60;
		frame[20] = cases[i].next;
		frame[54] = cases[i].first;
		packet_read(frame, 60, PORT, &seen);
		assert_int_equal(seen.kind, cases[i].kind);
		frame[13] = 0;
		packet_read(frame, 60, PORT, &seen);
		assert_int_equal(seen.kind, PACKET_OTHER);
	}
}

static void test_cut_frames(void **state)
{
	const struct packet_mark mark = {.stream = PACKET_UPLINK, .flow = 1};
	const uint16_t len = make(PACKET_UPLINK, &mark, 64);
	struct packet_seen seen;

	(void)state;
	for (size_t cut = 0; cut < len; cut++) {
		packet_read(frame, cut, PORT, &seen);
		assert_int_equal(seen.kind, PACKET_OTHER);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_downlink),
		cmocka_unit_test(test_uplink),
		cmocka_unit_test(test_multicast),
		cmocka_unit_test(test_the_way_back),
		cmocka_unit_test(test_damage_is_seen),
		cmocka_unit_test(test_other_frames),
		cmocka_unit_test(test_cut_frames),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
