/* Downlink: what leaves towards a subscriber's care-of address, octet by octet. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/nodes/forward.h"

/* A packet from the Internet to the subscriber as it arrives at the core port. */
static void arrive(struct lab *lab, const struct packet *inner)
{
	lab_arrive(lab, LAB_CORE, inner);
}

/* Takes what left towards the visited network and cuts the Ethernet header off. */
static void leave(struct lab *lab, struct packet *outer)
{
	struct mac dst = lab_peer_mac(LAB_VISITED), src = lab_mac(LAB_VISITED);

	lab_sent(lab, LAB_VISITED, outer);
	packet_assert_ether(outer, &dst, &src);
	packet_unether(outer);
}

static void drop(struct lab *lab, const struct packet *inner, enum drop_reason reason)
{
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct packet frame = *inner;

	packet_ether(&frame, &dst, &src);
	lab_expect_drop(lab, LAB_CORE, &frame, reason);
}

static void test_header(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	arrive(lab, &in);
	leave(lab, &out);
	lab_nothing(lab);

	packet_assert_addrs(&out, LAB_LOCAL, LAB_CARE_OF);
	assert_int_equal(out.data[6], IPPROTO_IPV6);
	assert_int_equal(out.data[7], 64);
	assert_int_not_equal(packet_label(&out), 0);
	packet_cut(&out, PACKET_IP6);
	packet_set_hop_limit(&in, 63);
	packet_assert_equal(&out, &in);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 1);
	assert_int_equal(lab_counter(lab, WORKER_forwarded), 0);
}

/* The whole octet is copied: DSCP, and ECN as RFC 6040, 4.1 wants it in normal mode. */
static void test_traffic_class(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	for (unsigned class = 0; class < 256; class += 37) {
		packet_udp(&in, LAB_PEER, LAB_HOME_OF, 10);
		packet_set_class(&in, (uint8_t) class);
		arrive(lab, &in);
		leave(lab, &out);
		assert_int_equal(packet_class(&out), class);
		packet_cut(&out, PACKET_IP6);
		assert_int_equal(packet_class(&out), class);
	}
}

static uint32_t label_of(struct lab *lab, const struct packet *in)
{
	struct packet out;

	arrive(lab, in);
	leave(lab, &out);
	return packet_label(&out);
}

/* RFC 6438: the same for all packets of a flow, different for most others, never 0. */
static void test_flow_label(void **state)
{
	struct lab *lab = *state;
	struct packet in;
	uint32_t first, label;
	unsigned same = 0;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 10);
	first = label_of(lab, &in);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 900);
	assert_int_equal(label_of(lab, &in), first);
	for (unsigned port = 1; port <= 200; port++) {
		packet_udp(&in, LAB_PEER, LAB_HOME_OF, 10);
		in.data[PACKET_IP6 + 3] = (uint8_t)port;
		in.data[PACKET_IP6 + 1] = (uint8_t)(port * 7);
		label = label_of(lab, &in);
		assert_int_not_equal(label, 0);
		same += label == first;
	}
	assert_true(same <= 2);
}

static void test_hop_limit(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 10);
	packet_set_hop_limit(&in, 2);
	arrive(lab, &in);
	leave(lab, &out);
	assert_int_equal(out.data[PACKET_IP6 + 7], 1);

	packet_set_hop_limit(&in, 1);
	arrive(lab, &in);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_PEER);
	packet_assert_icmp(&out, 3, 0, 0);
	packet_cut(&out, PACKET_IP6 + 8);
	packet_assert_equal(&out, &in);
}

/* Link padding behind a short packet does not enter the tunnel. */
static void test_padding(void **state)
{
	struct lab *lab = *state;
	struct packet in, padded, out;

	packet_ip6(&in, LAB_PEER, LAB_HOME_OF, 59, "", 0);
	padded = in;
	memset(padded.data + padded.len, 0, 6);
	padded.len += 6;
	arrive(lab, &padded);
	leave(lab, &out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_CARE_OF);
	assert_int_equal(out.len, 2 * PACKET_IP6);
}

/* RFC 2473, 7.1 a: the sender is told what fits inside the tunnel. */
static void test_too_big_for_port(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 1460 - 48);
	arrive(lab, &in);
	leave(lab, &out);
	assert_int_equal(out.len, 1500);

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 1461 - 48);
	arrive(lab, &in);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_PEER);
	packet_assert_icmp(&out, 2, 0, 1460);
	assert_int_equal(out.len, 1280);
	packet_cut(&out, PACKET_IP6 + 8);
	assert_memory_equal(out.data + 8, in.data + 8, out.len - 8);
}

static void test_too_big_for_path(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	lab_set_path(lab, 1, LAB_CARE_OF, 1400, 0);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 1400 - 88);
	arrive(lab, &in);
	leave(lab, &out);
	assert_int_equal(out.len, 1400);

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 1400 - 87);
	arrive(lab, &in);
	lab_sent(lab, LAB_CORE, &out);
	packet_unether(&out);
	packet_assert_icmp(&out, 2, 0, 1360);
}

/* RFC 2473, 7.1: what is told is never below the minimum MTU; what is not above it is fragmented.
 */
static void test_fragments(void **state)
{
	struct lab *lab = *state;
	struct packet in, first, second, whole;

	lab_set_path(lab, 1, LAB_CARE_OF, 1280, 0);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 1281 - 48);
	arrive(lab, &in);
	lab_sent(lab, LAB_CORE, &first);
	packet_unether(&first);
	packet_assert_icmp(&first, 2, 0, 1280);

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 1280 - 48);
	arrive(lab, &in);
	leave(lab, &first);
	leave(lab, &second);
	lab_nothing(lab);
	if (first.data[PACKET_IP6 + 2] || first.data[PACKET_IP6 + 3] >> 3) {
		whole = first;
		first = second;
		second = whole;
	}
	packet_assert_addrs(&first, LAB_LOCAL, LAB_CARE_OF);
	packet_assert_addrs(&second, LAB_LOCAL, LAB_CARE_OF);
	assert_int_equal(first.data[6], 44);
	assert_int_equal(first.data[PACKET_IP6], 41);
	assert_true(first.len <= 1280);
	assert_memory_equal(first.data + PACKET_IP6 + 4, second.data + PACKET_IP6 + 4, 4);
	assert_int_equal(first.data[PACKET_IP6 + 3] & 7, 1);
	assert_int_equal(second.data[PACKET_IP6 + 3] & 7, 0);
	uint16_t offset =
		(uint16_t)(second.data[PACKET_IP6 + 2] << 8 | (second.data[PACKET_IP6 + 3] & 0xf8));
	assert_int_equal(offset, first.len - 48);
	packet_cut(&first, 48);
	packet_cut(&second, 48);
	memcpy(first.data + first.len, second.data, second.len);
	first.len = (uint16_t)(first.len + second.len);
	packet_set_hop_limit(&in, 63);
	packet_assert_equal(&first, &in);
	assert_int_equal(lab_counter(lab, WORKER_fragmented), 1);
}

/* The route may go between cutting a tunnel packet and sending its parts. */
static void test_fragments_without_route(void **state)
{
	struct lab *lab = *state;
	const struct route_next_hop none = {.kind = ROUTE_NONE};
	struct packet in, part, whole;
	struct rte_mbuf *m;

	lab_set_path(lab, 1, LAB_CARE_OF, 1280, 0);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 1280 - 48);
	arrive(lab, &in);
	for (int i = 0; i < 2; i++) {
		leave(lab, &part);
		m = rte_pktmbuf_alloc(lab->pool);
		memcpy(rte_pktmbuf_append(m, part.len), part.data, part.len);
		meta_start(m, LAB_CORE, META_ENCAPSULATED)->outer = PACKET_IP6;
		assert_int_equal(forward_else(m, &none), FORWARD_NO_ROUTE);
		rte_pktmbuf_free(m);
	}
	whole = in;
	packet_wrap(&whole, LAB_LOCAL, LAB_CARE_OF);
	m = rte_pktmbuf_alloc(lab->pool);
	memcpy(rte_pktmbuf_append(m, whole.len), whole.data, whole.len);
	meta_start(m, LAB_CORE, META_ENCAPSULATED)->outer = PACKET_IP6;
	assert_int_equal(forward_else(m, &none), FORWARD_ICMP6_ERROR);
	assert_int_equal(m->pkt_len, in.len);
	assert_memory_equal(rte_pktmbuf_mtod(m, void *), in.data, in.len);
	rte_pktmbuf_free(m);
}

/* RFC 2473, 4.1.1. */
static void test_encapsulation_limit(void **state)
{
	struct lab *lab = *state;
	uint8_t options[8] = {0, 0, 4, 1, 3, 1, 1, 0};
	const uint8_t expected[8] = {41, 0, 4, 1, 2, 1, 1, 0};
	struct packet in, out;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 10);
	packet_extend(&in, 60, options, 8);
	arrive(lab, &in);
	leave(lab, &out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_CARE_OF);
	assert_int_equal(out.data[6], 60);
	assert_memory_equal(out.data + PACKET_IP6, expected, 8);
	packet_cut(&out, PACKET_IP6 + 8);
	packet_set_hop_limit(&in, 63);
	packet_assert_equal(&out, &in);

	options[4] = 0;
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 10);
	packet_extend(&in, 60, options, 8);
	arrive(lab, &in);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_PEER);
	packet_assert_icmp(&out, 4, 0, PACKET_IP6 + 4);
}

/* RFC 2473, 4.1.2 */
static void test_loop(void **state)
{
	struct lab *lab = *state;
	const uint64_t path = 2;
	struct packet in;

	lab_set_path(lab, 2, "2001:db8:f::22", 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:f::22/128", 0, &path, 1, 0);
	packet_udp(&in, LAB_LOCAL, "2001:db8:f::22", 10);
	drop(lab, &in, DROP_tunnel_loop);
	lab_set_path(lab, 3, LAB_LOCAL, 0, -EINVAL);
}

static void test_scope(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	packet_udp(&in, "fe80::77", LAB_HOME_OF, 10);
	drop(lab, &in, DROP_scope);
}

/* A home network prefix; and a longer prefix in it that belongs to somebody else. */
static void test_prefixes(void **state)
{
	struct lab *lab = *state;
	const uint64_t two = 2, three = 3;
	struct packet in, out;

	lab_set_path(lab, 2, "2001:db8:f::2", 0, 0);
	lab_set_path(lab, 3, "2001:db8:f::3", 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:2::/48", 0, &two, 1, 0);
	lab_set_subscriber(lab, 3, "2001:db8:2:3::/64", 0, &three, 1, 0);
	packet_udp(&in, LAB_PEER, "2001:db8:2:1::5", 10);
	arrive(lab, &in);
	leave(lab, &out);
	packet_assert_addrs(&out, LAB_LOCAL, "2001:db8:f::2");
	packet_udp(&in, LAB_PEER, "2001:db8:2:3:ffff::1", 10);
	arrive(lab, &in);
	leave(lab, &out);
	packet_assert_addrs(&out, LAB_LOCAL, "2001:db8:f::3");
	lab_delete(lab, OBJECT_SUBSCRIBER, 3);
	arrive(lab, &in);
	leave(lab, &out);
	packet_assert_addrs(&out, LAB_LOCAL, "2001:db8:f::2");
}

/* A handover is one change of the path; the next packet takes it. */
static void test_handover(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 10);
	lab_set_path(lab, 1, "2001:db8:f:b::10", 0, 0);
	arrive(lab, &in);
	leave(lab, &out);
	packet_assert_addrs(&out, LAB_LOCAL, "2001:db8:f:b::10");
	lab_delete(lab, OBJECT_SUBSCRIBER, 1);
	arrive(lab, &in);
	lab_taken(lab, mirror_queues[0].unresolved, &out, NULL);
	packet_assert_addrs(&out, LAB_PEER, LAB_HOME_OF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_header, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_traffic_class, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_flow_label, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_hop_limit, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_padding, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_too_big_for_port, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_too_big_for_path, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_fragments, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
			test_fragments_without_route, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_encapsulation_limit, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_loop, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_scope, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_prefixes, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_handover, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
