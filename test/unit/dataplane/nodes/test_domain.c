/*
 * Customers with the same addresses (RFC 5845): the core port is that of one, the home port that of
 * another, tunnels come by the visited port, which is public.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/agent/events.h"

#define SAME     "fd00::10"  /* of a subscriber of each customer, and of one that is public */
#define OTHER    "fd00::11"  /* of the first customer alone */
#define HOST     "fd00:c::1" /* in the core of each */
#define CARE_OF2 "2001:db8:f::20"

enum {
	RED = 5,  /* by LAB_CORE */
	BLUE = 9, /* by LAB_HOME */
	RED_OUT = 0x105,
	RED_IN = 0x205,
	BLUE_OUT = 0x109,
	BLUE_IN = 0x209,
	OTHER_OUT = 0x10a,
	OTHER_IN = 0x20a,
	PUBLIC_OUT = 0x100,
	PUBLIC_IN = 0x200,
	ICMP_TOO_BIG = 2,
	ICMP_UNREACHABLE = 1,
};

static void set(struct lab *lab, uint64_t id, uint32_t domain, const char *prefix, uint32_t out,
	uint32_t in)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_GRE,
		.local = packet_addr(LAB_LOCAL),
		.remote = packet_addr(CARE_OF2),
		.keyed = true,
		.key_out = out,
		.key_in = in};
	lab_apply(lab, &o, 0);
	o = (struct object){.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};
	o.subscriber = (struct object_subscriber){
		.id = id, .domain = domain, .prefix_count = 1, .path_count = 1, .paths = {id}};
	assert_int_equal(prefix6_parse(prefix, &o.subscriber.prefixes[0]), 0);
	lab_apply(lab, &o, 0);
}

static void route(
	struct lab *lab, uint32_t domain, const char *text, enum route_kind kind, uint16_t port)
{
	const struct route_next_hop hop = {
		.kind = kind, .port = port, .gateway = packet_addr("fe80::1")};
	struct prefix6 prefix;

	assert_int_equal(prefix6_parse(text, &prefix), 0);
	assert_int_equal(domain_routes_set(
				 domain_table_routes(&lab->tables->domains, domain), &prefix, &hop),
		0);
	worker_leave(lab->worker);
	assert_int_equal(domain_table_commit(&lab->tables->domains, lab->tables->rcu), 0);
	worker_enter(lab->worker);
}

static int setup(void **state)
{
	struct in6_addr gateway = packet_addr("fe80::1");
	struct mac mac = lab_peer_mac(LAB_HOME);
	int error = lab_setup(state);
	struct lab *lab = *state;

	if (error)
		return error;
	if (domain_table_add(&lab->tables->domains, LAB_CORE, RED) < 0 ||
		domain_table_add(&lab->tables->domains, LAB_HOME, BLUE) < 0 ||
		neighbour_table_set(&lab->tables->neighbours, &gateway, LAB_HOME, &mac) < 0)
		return -1;
	lab_delete(lab, OBJECT_LINK, 7);
	route(lab, RED, "::/0", ROUTE_GATEWAY, LAB_CORE);
	route(lab, BLUE, "::/0", ROUTE_GATEWAY, LAB_HOME);
	set(lab, 20, RED, SAME "/128", RED_OUT, RED_IN);
	set(lab, 21, BLUE, SAME "/128", BLUE_OUT, BLUE_IN);
	set(lab, 22, RED, OTHER "/128", OTHER_OUT, OTHER_IN);
	set(lab, 23, 0, SAME "/128", PUBLIC_OUT, PUBLIC_IN);
	return 0;
}

static void wrap(struct packet *p, uint32_t key)
{
	packet_wrap_keyed(p, CARE_OF2, LAB_LOCAL, key);
}

static void drop(
	struct lab *lab, enum lab_port port, const struct packet *p, enum drop_reason reason)
{
	struct packet f = *p;

	lab_frame(&f, port);
	lab_expect_drop(lab, port, &f, reason);
}

/* What left by the visited port, and nothing else, is in GRE with this key. */
static void expect_key(struct lab *lab, uint32_t key)
{
	struct packet out;

	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, CARE_OF2);
	assert_int_equal(out.data[6], IPPROTO_GRE);
	assert_int_equal(packet_get32(out.data + PACKET_IP6 + 4), key);
}

static void test_down(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	packet_udp(&in, HOST, SAME, 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_key(lab, RED_OUT);
	lab_arrive(lab, LAB_HOME, &in);
	expect_key(lab, BLUE_OUT);
	lab_arrive(lab, LAB_VISITED, &in);
	expect_key(lab, PUBLIC_OUT);
}

/* Several at once, of all. */
static void test_burst(void **state)
{
	static const enum lab_port ports[] = {LAB_CORE, LAB_VISITED, LAB_HOME};
	static const uint32_t keys[] = {RED_OUT, PUBLIC_OUT, BLUE_OUT};
	struct lab *lab = *state;
	unsigned seen[3] = {0};
	struct packet p;

	for (unsigned i = 0; i < 30; i++) {
		packet_udp(&p, HOST, SAME, (uint16_t)(100 + i));
		lab_frame(&p, ports[i % 3]);
		lab_receive(lab, ports[i % 3], &p);
	}
	lab_walk(lab);
	for (unsigned i = 0; i < 30; i++) {
		lab_sent(lab, LAB_VISITED, &p);
		packet_unether(&p);
		for (unsigned k = 0; k < 3; k++)
			seen[k] += packet_get32(p.data + PACKET_IP6 + 4) == keys[k];
	}
	for (unsigned k = 0; k < 3; k++)
		assert_int_equal(seen[k], 10);
	lab_nothing(lab);
}

static void expect_out(struct lab *lab, enum lab_port port, const struct packet *inner)
{
	struct packet out, expected = *inner;

	lab_sent(lab, port, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_set_hop_limit(&expected, (uint8_t)(inner->data[7] - 1));
	packet_assert_equal(&out, &expected);
}

static void test_up(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, SAME, HOST, 100);
	for (int again = 0; again < 2; again++) {
		f = in;
		wrap(&f, RED_IN);
		lab_arrive(lab, LAB_VISITED, &f);
		expect_out(lab, LAB_CORE, &in);
		f = in;
		wrap(&f, BLUE_IN);
		lab_arrive(lab, LAB_VISITED, &f);
		expect_out(lab, LAB_HOME, &in);
	}
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 4);
}

static void test_wrong_key(void **state)
{
	struct lab *lab = *state;
	struct packet f;

	packet_udp(&f, SAME, HOST, 10);
	wrap(&f, RED_OUT);
	drop(lab, LAB_VISITED, &f, DROP_gre_key);
	/* A customer's key, with the address of another of the same customer. */
	packet_udp(&f, OTHER, HOST, 10);
	wrap(&f, RED_IN);
	drop(lab, LAB_VISITED, &f, DROP_gre_key);
	packet_udp(&f, OTHER, HOST, 10);
	wrap(&f, BLUE_IN);
	drop(lab, LAB_VISITED, &f, DROP_gre_key);
	/* Without GRE. */
	packet_udp(&f, OTHER, HOST, 10);
	packet_wrap(&f, CARE_OF2, LAB_LOCAL);
	drop(lab, LAB_VISITED, &f, DROP_tunnel_kind);
	/* From elsewhere, and of nobody. */
	packet_udp(&f, OTHER, HOST, 10);
	wrap(&f, OTHER_IN);
	f.data[23] ^= 1;
	drop(lab, LAB_VISITED, &f, DROP_unknown_source);
	packet_udp(&f, "fd00::99", HOST, 10);
	wrap(&f, OTHER_IN);
	drop(lab, LAB_VISITED, &f, DROP_unknown_source);
}

/* Nodes of one customer reach each other, and nobody else. */
static void test_between(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, SAME, OTHER, 100);
	f = in;
	wrap(&f, RED_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_key(lab, OTHER_OUT);
	f = in;
	wrap(&f, BLUE_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, LAB_HOME, &in);
	/* Public subscribers and addresses of the gateway neither. */
	packet_udp(&in, SAME, LAB_HOME_OF, 100);
	f = in;
	wrap(&f, RED_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, LAB_CORE, &in);
	packet_udp(&in, SAME, LAB_LOCAL, 100);
	f = in;
	wrap(&f, RED_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, LAB_CORE, &in);
}

/* What came by a core port is for subscribers of the domain, or goes nowhere. */
static void test_no_way_through(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	static const char *const to[] = {LAB_HOME_OF, "fd00::77", LAB_LOCAL, LAB_PEER};

	for (unsigned i = 0; i < sizeof(to) / sizeof(to[0]); i++) {
		packet_udp(&in, HOST, to[i], 100);
		lab_arrive(lab, LAB_CORE, &in);
		lab_sent(lab, LAB_CORE, &out);
		lab_nothing(lab);
		packet_unether(&out);
		packet_assert_addrs(&out, LAB_LOCAL, HOST);
		packet_assert_icmp(&out, ICMP_UNREACHABLE, 0, 0);
	}
	/* What is public does not come to a customer. */
	packet_udp(&in, LAB_PEER, OTHER, 100);
	lab_arrive(lab, LAB_VISITED, &in);
	assert_int_equal(lab_pending(lab, LAB_VISITED), 0);
	assert_int_equal(lab_pending(lab, LAB_HOME), 0);
	lab_drain(lab);
}

/* An address that the host has on a customer's port is reached in the domain alone. */
static void test_the_host(void **state)
{
	struct lab *lab = *state;
	struct mirror_tag tag;
	struct packet in, f, up;

	route(lab, BLUE, "fd00:c::2/128", ROUTE_LOCAL, LAB_HOME);
	packet_udp(&in, SAME, "fd00:c::2", 100);
	f = in;
	wrap(&f, BLUE_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	lab_taken(lab, mirror_queues[0].twin, &up, &tag);
	lab_nothing(lab);
	f = in;
	wrap(&f, RED_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, LAB_CORE, &in);
}

/* A packet that does not fit: its sender is told, in its domain. */
static void test_too_big(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, HOST, SAME, 1440);
	lab_arrive(lab, LAB_HOME, &in);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, HOST);
	packet_assert_icmp(&out, ICMP_TOO_BIG, 0, 1452);
}

/* An error from inside the tunnel is about the packet of the customer whose key it had. */
static void test_error_from_the_tunnel(void **state)
{
	static const struct {
		enum lab_port port;
		uint32_t key;
	} cases[] = {{LAB_CORE, RED_OUT}, {LAB_HOME, BLUE_OUT}};
	struct lab *lab = *state;
	struct update_event event;
	struct packet in, about, error, out;

	for (unsigned i = 0; i < 2; i++) {
		packet_udp(&in, HOST, SAME, 1300);
		lab_arrive(lab, cases[i].port, &in);
		lab_sent(lab, LAB_VISITED, &about);
		packet_unether(&about);
		assert_int_equal(packet_get32(about.data + PACKET_IP6 + 4), cases[i].key);
		packet_icmp_error(&error, "2001:db8:f::ffff", ICMP_TOO_BIG, 0, 1340, &about);
		lab_arrive(lab, LAB_VISITED, &error);
		lab_sent(lab, cases[i].port, &out);
		packet_unether(&out);
		packet_assert_addrs(&out, LAB_LOCAL, HOST);
		packet_assert_icmp(&out, ICMP_TOO_BIG, 0, 1340 - 48);
		while (events_take(&event))
			;
		lab_nothing(lab);
	}
}

/* Nobody's MAC is known: the packet waits, and goes on, or its sender hears of it, in its domain.
 */
static void test_unresolved(void **state)
{
	struct lab *lab = *state;
	struct in6_addr gateway = packet_addr("fe80::1");
	struct mac mac = lab_peer_mac(LAB_HOME);
	struct packet in, f;
	void *m = NULL;

	for (int reachable = 0; reachable < 2; reachable++) {
		neighbour_table_delete(&lab->tables->neighbours, &gateway, LAB_HOME);
		packet_udp(&in, SAME, HOST, 100);
		f = in;
		wrap(&f, BLUE_IN);
		lab_arrive(lab, LAB_VISITED, &f);
		assert_int_equal(rte_ring_dequeue(mirror_queues[0].unresolved, &m), 0);
		neighbour_table_set(&lab->tables->neighbours, &gateway, LAB_HOME, &mac);
		mirror_tag(m)->down = reachable ? MIRROR_TO_ROUTE : MIRROR_UNREACHABLE;
		assert_int_equal(rte_ring_enqueue(mirror_queues[0].down, m), 0);
		lab_walk(lab);
		if (reachable)
			expect_out(lab, LAB_HOME, &in);
		else
			expect_key(lab, BLUE_OUT);
	}
}

/* What the kernel sends on the twin of a customer's port. */
static void test_from_the_twin(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	packet_udp(&in, "fd00:c::2", SAME, 100);
	lab_frame(&in, LAB_HOME);
	lab_down(lab, MIRROR_FROM_TWIN, LAB_HOME, 0, &in);
	lab_walk(lab);
	expect_key(lab, BLUE_OUT);
}

/* Groups are public. */
static void test_multicast(void **state)
{
	struct lab *lab = *state;
	struct packet in;
	struct mac src = lab_peer_mac(LAB_CORE), dst = {{0x33, 0x33, 0, 0, 0, 1}};

	packet_udp(&in, HOST, "ff0e::1", 100);
	packet_ether(&in, &dst, &src);
	lab_expect_drop(lab, LAB_CORE, &in, DROP_multicast);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_down, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_burst, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_up, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_key, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_between, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_no_way_through, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_the_host, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_too_big, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_error_from_the_tunnel, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_unresolved, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_from_the_twin, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_multicast, setup, lab_teardown),
	};

	return cmocka_run_group_tests_name("domain", tests, lab_eal, NULL);
}
