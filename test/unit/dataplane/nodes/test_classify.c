/* What is dropped at the door, and what goes to the kernel, to control or by a route. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"

static void frame(struct packet *p, enum lab_port port)
{
	struct mac dst = lab_mac(port), src = lab_peer_mac(port);

	packet_ether(p, &dst, &src);
}

static void receive(struct lab *lab, const struct packet *p)
{
	struct packet f = *p;

	frame(&f, LAB_CORE);
	lab_receive(lab, LAB_CORE, &f);
	lab_walk(lab);
}

static void drop(struct lab *lab, const struct packet *p, enum drop_reason reason)
{
	struct packet f = *p;

	frame(&f, LAB_CORE);
	lab_expect_drop(lab, LAB_CORE, &f, reason);
}

static void drop_udp(struct lab *lab, const char *src, const char *dst, enum drop_reason reason)
{
	struct packet p;

	packet_udp(&p, src, dst, 20);
	drop(lab, &p, reason);
}

static void test_foreign_mac(void **state)
{
	struct lab *lab = *state;
	struct mac other = {{2, 9, 9, 9, 9, 9}}, group = {{0x33, 0x33, 0, 0, 0, 1}};
	struct packet p;

	packet_udp(&p, LAB_PEER, LAB_HOME_OF, 10);
	packet_ether(&p, &other, &other);
	lab_expect_drop(lab, LAB_CORE, &p, DROP_foreign_mac);
	packet_unether(&p);
	packet_ether(&p, &group, &other);
	lab_expect_drop(lab, LAB_CORE, &p, DROP_foreign_mac);
}

static void test_malformed(void **state)
{
	struct lab *lab = *state;
	struct packet good, p;

	packet_udp(&good, LAB_PEER, LAB_HOME_OF, 50);
	p = good;
	p.data[0] = 0x40;
	drop(lab, &p, DROP_bad_ip6_version);
	p = good;
	packet_set_length(&p, (uint16_t)(packet_payload(&p) + 1));
	drop(lab, &p, DROP_bad_ip6_length);
	p = good;
	packet_set_length(&p, 0xffff);
	drop(lab, &p, DROP_bad_ip6_length);
	for (uint16_t len = 0; len < PACKET_IP6; len++) {
		p = good;
		p.len = len;
		drop(lab, &p, DROP_bad_ip6_length);
	}
	frame(&good, LAB_CORE);
	for (uint16_t len = 1; len < PACKET_ETHER; len++) {
		p = good;
		p.len = len;
		lab_expect_drop(lab, LAB_CORE, &p, DROP_bad_ip6_length);
	}
}

static void test_addresses(void **state)
{
	struct lab *lab = *state;

	drop_udp(lab, "ff02::1", LAB_HOME_OF, DROP_bad_ip6_source);
	drop_udp(lab, "::", LAB_HOME_OF, DROP_bad_ip6_source);
	drop_udp(lab, "::1", LAB_HOME_OF, DROP_bad_ip6_source);
	drop_udp(lab, "::ffff:192.0.2.1", LAB_HOME_OF, DROP_bad_ip6_source);
	drop_udp(lab, LAB_PEER, "::1", DROP_bad_ip6_destination);
	drop_udp(lab, LAB_PEER, "::", DROP_bad_ip6_destination);
	drop_udp(lab, LAB_PEER, "ff0e::1", DROP_multicast);
	drop_udp(lab, LAB_PEER, "ff05::2", DROP_multicast);
	drop_udp(lab, "fe80::5", "2001:db8:f::1", DROP_scope);
}

static void test_route(void **state)
{
	struct lab *lab = *state;
	struct mac to = lab_peer_mac(LAB_VISITED), from = lab_mac(LAB_VISITED);
	struct packet p, out;

	packet_udp(&p, LAB_PEER, "2001:db8:f::77", 100);
	receive(lab, &p);
	lab_sent(lab, LAB_VISITED, &out);
	packet_assert_ether(&out, &to, &from);
	packet_unether(&out);
	packet_set_hop_limit(&p, 63);
	packet_assert_equal(&out, &p);
	assert_int_equal(lab_counter(lab, WORKER_forwarded), 1);

	packet_udp(&p, LAB_PEER, "2001:db8:1::99", 100);
	receive(lab, &p);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	drop_udp(lab, LAB_PEER, "2001:db8:dead::1", DROP_blackhole);
}

/* A next hop without a MAC: the mirror is asked, with the packet as it will leave. */
static void test_unresolved(void **state)
{
	struct lab *lab = *state;
	struct mirror_tag tag;
	struct packet p, out;

	packet_udp(&p, LAB_PEER, "2001:db8:1::42", 100);
	receive(lab, &p);
	lab_taken(lab, mirror_queues[0].unresolved, &out, &tag);
	lab_nothing(lab);
	assert_int_equal(tag.port, LAB_HOME);
	assert_string_equal(ADDR_TEXT(&tag.nexthop), "2001:db8:1::42");
	packet_set_hop_limit(&p, 63);
	packet_assert_equal(&out, &p);
}

static void expect_twin(struct lab *lab, const struct packet *p)
{
	struct packet f = *p, out;
	struct mirror_tag tag;

	frame(&f, LAB_CORE);
	lab_receive(lab, LAB_CORE, &f);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].twin, &out, &tag);
	lab_nothing(lab);
	packet_assert_equal(&out, &f);
	assert_int_equal(tag.port, LAB_CORE);
}

static void test_kernel(void **state)
{
	struct lab *lab = *state;
	const uint8_t echo[8] = {128};
	const uint8_t arp[46] = {0};
	struct packet p;

	packet_udp(&p, LAB_PEER, LAB_LOCAL, 30);
	expect_twin(lab, &p);
	packet_ip6(&p, LAB_PEER, LAB_LOCAL, 58, echo, sizeof(echo));
	expect_twin(lab, &p);
	packet_udp(&p, "fe80::1", "fe80::9", 30);
	expect_twin(lab, &p);
	packet_udp(&p, "fe80::1", "ff02::5", 30);
	expect_twin(lab, &p);
	packet_udp(&p, LAB_PEER, "2001:db8:1::1", 30);
	packet_set_hop_limit(&p, 1);
	expect_twin(lab, &p);
	p.len = sizeof(arp);
	memcpy(p.data, arp, sizeof(arp));
	frame(&p, LAB_CORE);
	p.data[12] = 8;
	p.data[13] = 6;
	lab_receive(lab, LAB_CORE, &p);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].twin, &p, NULL);
	lab_nothing(lab);
}

static void expect_punt(
	struct lab *lab, const struct packet *p, enum mirror_class class, enum packet_reason reason)
{
	struct packet f = *p, out;
	struct mirror_tag tag;

	frame(&f, LAB_CORE);
	lab_receive(lab, LAB_CORE, &f);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].punt[class], &out, &tag);
	lab_nothing(lab);
	packet_assert_equal(&out, &f);
	assert_int_equal(tag.port, LAB_CORE);
	assert_int_equal(tag.reason, reason);
	assert_int_equal(tag.subscriber, 0);
	assert_int_not_equal(tag.tsc, 0);
}

/* A Destination Options header with a Home Address option. */
static void add_home_address(struct packet *p, const char *home)
{
	uint8_t header[24] = {0, 2, 1, 2, 0, 0, 201, 16};
	struct in6_addr a = packet_addr(home);

	memcpy(header + 8, &a, 16);
	packet_extend(p, 60, header, sizeof(header));
}

static void test_control(void **state)
{
	struct lab *lab = *state;
	const uint8_t mh[16] = {59, 1, 5};
	const uint8_t routing[24] = {0, 2, 2, 1};
	uint8_t icmp[8] = {144};
	struct packet p;

	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 135, mh, sizeof(mh));
	expect_punt(lab, &p, MIRROR_CLASS_NEW, PACKET_MOBILITY);
	add_home_address(&p, LAB_HOME_OF);
	expect_punt(lab, &p, MIRROR_CLASS_KNOWN, PACKET_MOBILITY);
	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 135, mh, sizeof(mh));
	add_home_address(&p, "2001:db8:1::dddd");
	packet_extend(&p, 43, routing, sizeof(routing));
	expect_punt(lab, &p, MIRROR_CLASS_NEW, PACKET_MOBILITY);
	packet_udp(&p, LAB_CARE_OF, LAB_LOCAL, 10);
	add_home_address(&p, LAB_HOME_OF);
	expect_punt(lab, &p, MIRROR_CLASS_REST, PACKET_HOME_ADDRESS);
	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 58, icmp, sizeof(icmp));
	expect_punt(lab, &p, MIRROR_CLASS_REST, PACKET_ICMP);
	icmp[0] = 146;
	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 58, icmp, sizeof(icmp));
	add_home_address(&p, LAB_HOME_OF);
	expect_punt(lab, &p, MIRROR_CLASS_REST, PACKET_HOME_ADDRESS);
	assert_int_equal(lab_counter(lab, WORKER_punted), 6);
}

/* Answers to probes are for control; others, also those cut short, for the kernel. */
static void test_probe(void **state)
{
	struct lab *lab = *state;
	uint8_t icmp[20] = {129, 0, 0, 0, 0x44, 0x4d, 0, 1, 0x64, 0x6d, 0x6d, 0x70};
	struct packet p;

	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 58, icmp, sizeof(icmp));
	expect_punt(lab, &p, MIRROR_CLASS_KNOWN, PACKET_ICMP);
	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 58, icmp, sizeof(icmp) - 1);
	expect_twin(lab, &p);
	icmp[5]++;
	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 58, icmp, sizeof(icmp));
	expect_twin(lab, &p);
	icmp[5]--;
	icmp[11]++;
	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 58, icmp, sizeof(icmp));
	expect_twin(lab, &p);
	icmp[11]--;
	icmp[0]--;
	packet_ip6(&p, LAB_CARE_OF, LAB_LOCAL, 58, icmp, sizeof(icmp));
	expect_twin(lab, &p);
}

static void test_bad_chain(void **state)
{
	struct lab *lab = *state;
	const uint8_t truncated[8] = {0, 9};
	const uint8_t long_option[8] = {0, 0, 201, 16};
	const uint8_t pad[8] = {0, 0, 1, 4};
	struct packet p;

	packet_ip6(&p, LAB_PEER, LAB_LOCAL, 60, truncated, sizeof(truncated));
	drop(lab, &p, DROP_bad_header_chain);
	packet_udp(&p, LAB_PEER, LAB_LOCAL, 10);
	packet_extend(&p, 60, long_option, sizeof(long_option));
	drop(lab, &p, DROP_bad_header_chain);
	packet_udp(&p, LAB_PEER, LAB_LOCAL, 10);
	for (int i = 0; i < 9; i++)
		packet_extend(&p, 60, pad, sizeof(pad));
	drop(lab, &p, DROP_bad_header_chain);
	packet_udp(&p, LAB_PEER, LAB_LOCAL, 10);
	packet_extend(&p, 0, pad, sizeof(pad));
	packet_extend(&p, 60, pad, sizeof(pad));
	drop(lab, &p, DROP_bad_header_chain);
}

static void test_full_rings(void **state)
{
	struct lab *lab = *state;
	unsigned room = rte_ring_free_count(mirror_queues[0].twin);
	struct packet p, out;

	packet_udp(&p, LAB_PEER, LAB_LOCAL, 30);
	frame(&p, LAB_CORE);
	for (unsigned i = 0; i < room + 3; i++) {
		lab_receive(lab, LAB_CORE, &p);
		if (i % 64 == 0)
			lab_walk(lab);
	}
	lab_walk(lab);
	assert_int_equal(lab_drops(lab, DROP_mirror_full), 3);
	assert_int_equal(lab_counter(lab, WORKER_mirrored), room);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	packet_assert_equal(&out, &p);
}

/* More than one call of a node takes; none is lost, and they leave in order. */
static void test_large_bursts(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	for (uint16_t i = 0; i < 400; i++) {
		packet_udp(&p, LAB_PEER, i % 3 ? LAB_HOME_OF : "2001:db8:f::77", i);
		frame(&p, LAB_CORE);
		lab_receive(lab, LAB_CORE, &p);
	}
	lab_walk(lab);
	for (unsigned i = 0; i < 400; i++)
		lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_received), 400);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 266);
	assert_int_equal(lab_counter(lab, WORKER_forwarded), 134);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_foreign_mac, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_malformed, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_addresses, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_route, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_unresolved, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_kernel, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_control, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_probe, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_bad_chain, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_full_rings, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_large_bursts, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
