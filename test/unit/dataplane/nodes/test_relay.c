/* Between data planes: what another one serves goes there, what comes from there goes to the node,
 * nothing goes round. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/agent/events.h"

#define OWN         "2001:db8:ffff::a" /* data plane 1: us */
#define FAR         "2001:db8:ffff::b" /* data plane 2 */
#define ELSEWHERE   "2001:db8:ffff::c" /* data plane 3 */
#define FAR_HOME    "2001:db8:1::20"   /* of a node that data plane 2 serves */
#define FAR_CARE_OF "2001:db8:e::20"

enum { US = 1, THEM = 2, OTHERS = 3, FAR_NODE = 20, UNKNOWN = 77 };

static void set_data_plane(
	struct lab *lab, uint64_t id, const char *name, const char *addr, int expected)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = packet_addr(addr)};
	strcpy(o.data_plane.name, name);
	lab_apply(lab, &o, expected);
}

static void set_path(struct lab *lab, uint64_t id, const char *local, const char *remote,
	uint64_t data_plane, int expected)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(local),
		.remote = packet_addr(remote),
		.data_plane = data_plane};
	lab_apply(lab, &o, expected);
}

/* Three data planes; subscriber 1 is served by us, subscriber 20 by data plane 2. */
static int setup(void **state)
{
	const uint64_t far = FAR_NODE;
	int err = lab_setup(state);

	if (err)
		return err;
	set_data_plane(*state, US, LAB_NAME, OWN, 0);
	set_data_plane(*state, THEM, "far", FAR, 0);
	set_data_plane(*state, OTHERS, "elsewhere", ELSEWHERE, 0);
	set_path(*state, 1, LAB_LOCAL, LAB_CARE_OF, US, 0);
	set_path(*state, FAR_NODE, FAR, FAR_CARE_OF, THEM, 0);
	lab_set_subscriber(*state, FAR_NODE, FAR_HOME "/128", 7, &far, 1, 0);
	return 0;
}

static void drop(struct lab *lab, const struct packet *p, enum drop_reason reason)
{
	struct packet f = *p;

	lab_frame(&f, LAB_CORE);
	lab_expect_drop(lab, LAB_CORE, &f, reason);
}

/* One tunnel packet has left by a port, with this in it. */
static void expect_tunnel(struct lab *lab, enum lab_port port, const char *src, const char *dst,
	const struct packet *inner, int hops)
{
	struct packet out, expected = *inner;

	lab_sent(lab, port, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, src, dst);
	assert_int_equal(out.data[6], IPPROTO_IPV6);
	assert_int_equal(out.data[7], 64);
	assert_int_equal(packet_class(&out), packet_class(inner));
	assert_int_not_equal(packet_label(&out), 0);
	packet_cut(&out, PACKET_IP6);
	packet_set_hop_limit(&expected, (uint8_t)(inner->data[7] - hops));
	packet_assert_equal(&out, &expected);
}

static void relayed(struct packet *p, const char *src, const char *dst)
{
	packet_udp(p, src, dst, 100);
	packet_wrap(p, FAR, OWN);
}

static void test_out(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	packet_udp(&in, LAB_PEER, FAR_HOME, 100);
	packet_set_class(&in, 0xba);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, OWN, FAR, &in, 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 1);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 0);
}

static void test_in(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	f = in;
	packet_wrap(&f, FAR, OWN);
	lab_arrive(lab, LAB_CORE, &f);
	expect_tunnel(lab, LAB_VISITED, LAB_LOCAL, LAB_CARE_OF, &in, 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 1);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 0);
}

/* To a node whose tunnel is in GRE: each with its key (RFC 5845, 4.2). */
static void test_in_gre(void **state)
{
	static const uint8_t gre[] = {0x20, 0, 0x86, 0xdd, 0, 0, 0x30, 0x39};
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 1};
	struct packet in, f, out;

	o.path = (struct object_path){.id = 1,
		.kind = PATH_GRE,
		.local = packet_addr(LAB_LOCAL),
		.remote = packet_addr(LAB_CARE_OF),
		.data_plane = US,
		.keyed = true,
		.key_in = 1,
		.key_out = 12345};
	lab_apply(lab, &o, 0);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	f = in;
	packet_wrap(&f, FAR, OWN);
	for (int i = 0; i < 20; i++)
		lab_arrive(lab, LAB_CORE, &f);
	for (int i = 0; i < 20; i++) {
		lab_sent(lab, LAB_VISITED, &out);
		packet_unether(&out);
		assert_int_equal(out.len, in.len + PACKET_IP6 + sizeof(gre));
		assert_int_equal(out.data[6], IPPROTO_GRE);
		assert_memory_equal(out.data + PACKET_IP6, gre, sizeof(gre));
	}
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 20);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 20);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 0);
}

/* RFC 6040, 4.2: what the core marked on the way from the other data plane reaches the node. */
static void test_in_ecn(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	packet_set_class(&in, 2);
	f = in;
	packet_wrap(&f, FAR, OWN);
	packet_set_class(&f, 3);
	lab_arrive(lab, LAB_CORE, &f);
	packet_set_class(&in, 3);
	expect_tunnel(lab, LAB_VISITED, LAB_LOCAL, LAB_CARE_OF, &in, 1);

	packet_set_class(&in, 0);
	packet_wrap(&in, FAR, OWN);
	packet_set_class(&in, 3);
	drop(lab, &in, DROP_tunnel_ecn);
}

/* Packets in flight while a node changes its data plane, and comes back. */
static void test_change(void **state)
{
	struct lab *lab = *state;
	struct packet in, up;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	packet_udp(&up, LAB_HOME_OF, LAB_PEER, 100);
	packet_wrap(&up, LAB_CARE_OF, OWN);
	for (int i = 0; i < 3; i++) {
		set_path(lab, 1, FAR, LAB_CARE_OF, THEM, 0);
		lab_arrive(lab, LAB_CORE, &in);
		expect_tunnel(lab, LAB_CORE, OWN, FAR, &in, 1);
		lab_arrive(lab, LAB_VISITED, &up);
		lab_sent(lab, LAB_CORE, &(struct packet){0});
		lab_nothing(lab);
		set_path(lab, 1, OWN, LAB_CARE_OF, US, 0);
		lab_arrive(lab, LAB_CORE, &in);
		expect_tunnel(lab, LAB_VISITED, OWN, LAB_CARE_OF, &in, 1);
		lab_arrive(lab, LAB_VISITED, &up);
		lab_sent(lab, LAB_CORE, &(struct packet){0});
		lab_nothing(lab);
	}
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 3);
}

/* A node is heard at every data plane, at the data plane's own address, from its care-of address
 * alone. */
static void test_uplink_elsewhere(void **state)
{
	struct lab *lab = *state;
	struct packet in, out, f;

	packet_udp(&in, FAR_HOME, LAB_PEER, 100);
	f = in;
	packet_wrap(&f, FAR_CARE_OF, OWN);
	lab_arrive(lab, LAB_CORE, &f);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_set_hop_limit(&in, 63);
	packet_assert_equal(&out, &in);

	f = in;
	packet_wrap(&f, FAR_CARE_OF, LAB_LOCAL);
	drop(lab, &f, DROP_wrong_care_of);
	f = in;
	packet_wrap(&f, LAB_CARE_OF, OWN);
	drop(lab, &f, DROP_wrong_care_of);
}

/* It was on its way here when another began to serve the node: to where the node is, from us. */
static void test_direct(void **state)
{
	struct lab *lab = *state;
	struct packet in, inner;

	relayed(&in, LAB_PEER, FAR_HOME);
	packet_udp(&inner, LAB_PEER, FAR_HOME, 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, OWN, FAR_CARE_OF, &inner, 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 0);

	/* Also when it looks as if its source, which they serve, had sent it from there. */
	set_path(lab, 2, FAR, "2001:db8:e::30", THEM, 0);
	lab_set_subscriber(lab, 2, "2001:db8:1::30/128", 7, &(const uint64_t){2}, 1, 0);
	relayed(&in, FAR_HOME, "2001:db8:1::30");
	packet_udp(&inner, FAR_HOME, "2001:db8:1::30", 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, OWN, "2001:db8:e::30", &inner, 1);

	packet_udp(&in, LAB_PEER, FAR_HOME, 100);
	packet_set_hop_limit(&in, 1);
	packet_wrap(&in, FAR, OWN);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_CORE, &in);
	packet_unether(&in);
	assert_int_equal(in.data[6], IPPROTO_ICMPV6);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 2);
}

/* A node that says it is where a data plane is. */
static void test_twice(void **state)
{
	struct lab *lab = *state;
	static const char *const places[] = {ELSEWHERE, OWN};
	struct packet in;

	for (unsigned i = 0; i < 2; i++) {
		set_path(lab, FAR_NODE, FAR, places[i], THEM, 0);
		relayed(&in, LAB_PEER, FAR_HOME);
		drop(lab, &in, DROP_relay_twice);
	}
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 0);
}

/* Not by a route: the home prefix may lead back to who relayed it. */
static void test_unknown(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	relayed(&in, LAB_PEER, "2001:db8:1::66");
	drop(lab, &in, DROP_relay_unknown);
	relayed(&in, LAB_PEER, LAB_PEER);
	drop(lab, &in, DROP_relay_unknown);
	relayed(&in, LAB_PEER, LAB_HOME_OF);
	lab_delete(lab, OBJECT_SUBSCRIBER, 1);
	drop(lab, &in, DROP_relay_unknown);
}

/* Only data planes relay, and only to our address as one. */
static void test_strangers(void **state)
{
	struct lab *lab = *state;
	struct update_event event;
	struct packet in;

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	packet_wrap(&in, "2001:db8:bbb::1", OWN);
	drop(lab, &in, DROP_unknown_source);
	assert_true(events_take(&event));
	assert_int_equal(event.kind, UPDATE_EVENT_WRONG_SOURCE);

	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	packet_wrap(&in, FAR, LAB_LOCAL);
	drop(lab, &in, DROP_unknown_source);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	packet_wrap(&in, OWN, OWN);
	drop(lab, &in, DROP_unknown_source);

	set_path(lab, FAR_NODE, LAB_LOCAL, FAR_CARE_OF, 0, 0);
	lab_delete(lab, OBJECT_DATA_PLANE, THEM);
	relayed(&in, LAB_PEER, LAB_HOME_OF);
	drop(lab, &in, DROP_unknown_source);
}

static void test_between_nodes(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, LAB_HOME_OF, FAR_HOME, 100);
	f = in;
	packet_wrap(&f, LAB_CARE_OF, LAB_LOCAL);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_tunnel(lab, LAB_CORE, OWN, FAR, &in, 1);

	packet_udp(&in, FAR_HOME, LAB_HOME_OF, 100);
	f = in;
	packet_wrap(&f, FAR, OWN);
	lab_arrive(lab, LAB_CORE, &f);
	expect_tunnel(lab, LAB_VISITED, LAB_LOCAL, LAB_CARE_OF, &in, 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 1);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 1);
}

/* The tunnel between data planes is one like others: its MTU, its errors, its limit. */
static void test_tunnel(void **state)
{
	const uint8_t options[8] = {0, 0, 4, 1, 3, 1, 1, 0};
	struct lab *lab = *state;
	struct update_event event;
	const struct in6_addr far = packet_addr(FAR);
	struct packet in, out, error;

	packet_udp(&in, LAB_PEER, FAR_HOME, 1461 - 48);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_CORE, &out);
	packet_unether(&out);
	packet_assert_icmp(&out, 2, 0, 1460);

	packet_udp(&in, LAB_PEER, FAR_HOME, 1460 - 48);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_CORE, &out);
	packet_unether(&out);
	packet_icmp_error(&error, "2001:db8:aa::1", 2, 0, 1400, &out);
	lab_arrive(lab, LAB_CORE, &error);
	lab_sent(lab, LAB_CORE, &out);
	packet_unether(&out);
	packet_assert_addrs(&out, OWN, LAB_PEER);
	packet_assert_icmp(&out, 2, 0, 1360);
	assert_true(events_take(&event));
	assert_int_equal(event.kind, UPDATE_EVENT_TUNNEL_ERROR);
	assert_memory_equal(&event.outer, &far, 16);
	worker_leave(lab->worker);
	assert_int_equal(tables_path_mtu_learn(lab->tables, FAR_NODE, &event.outer, 1400, 1), 0);
	worker_enter(lab->worker);
	packet_udp(&in, LAB_PEER, FAR_HOME, 1361 - 48);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_CORE, &out);
	packet_unether(&out);
	packet_assert_icmp(&out, 2, 0, 1360);
	lab_nothing(lab);

	packet_udp(&in, LAB_PEER, FAR_HOME, 10);
	packet_extend(&in, 60, options, 8);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_CORE, &out);
	packet_unether(&out);
	packet_assert_addrs(&out, OWN, FAR);
	assert_int_equal(out.data[6], 60);
	assert_int_equal(out.data[PACKET_IP6 + 4], 2);
}

/* What control says of the way to the node is not true of the way to its data plane. */
static void test_mtu_of_path(void **state)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = FAR_NODE};
	struct lab *lab = *state;
	struct packet in;

	o.path = (struct object_path){.id = FAR_NODE,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(FAR),
		.remote = packet_addr(FAR_CARE_OF),
		.data_plane = THEM,
		.mtu = 1300};
	lab_apply(lab, &o, 0);
	packet_udp(&in, LAB_PEER, FAR_HOME, 1460 - 48);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, OWN, FAR, &in, 1);
}

/* The address of another data plane is not ours, whatever control says; our own always is. */
static void test_local(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 9};
	struct packet in, out;

	o.local = (struct object_local){9, packet_addr(FAR)};
	lab_apply(lab, &o, 0);
	packet_udp(&in, LAB_PEER, FAR, 10);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_PEER, FAR);

	lab_delete(lab, OBJECT_SUBSCRIBER, FAR_NODE);
	lab_delete(lab, OBJECT_PATH, FAR_NODE);
	lab_delete(lab, OBJECT_DATA_PLANE, THEM);
	lab_arrive(lab, LAB_CORE, &in);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
	packet_udp(&in, LAB_PEER, OWN, 10);
	lab_arrive(lab, LAB_CORE, &in);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
}

/* Data planes that change their address take their tunnels along. */
static void test_addresses(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, LAB_PEER, FAR_HOME, 100);
	set_data_plane(lab, THEM, "far", "2001:db8:ffff::bb", 0);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, OWN, "2001:db8:ffff::bb", &in, 1);
	set_data_plane(lab, US, LAB_NAME, "2001:db8:ffff::aa", 0);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, "2001:db8:ffff::aa", "2001:db8:ffff::bb", &in, 1);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	f = in;
	packet_wrap(&f, "2001:db8:ffff::bb", "2001:db8:ffff::aa");
	lab_arrive(lab, LAB_CORE, &f);
	expect_tunnel(lab, LAB_VISITED, LAB_LOCAL, LAB_CARE_OF, &in, 1);
	f = in;
	packet_wrap(&f, FAR, "2001:db8:ffff::aa");
	drop(lab, &f, DROP_unknown_source);

	/* The one that was far is ourselves under another id, as after a change of configuration.
	 */
	set_data_plane(lab, THEM, LAB_NAME, OWN, 0);
	packet_udp(&in, LAB_PEER, FAR_HOME, 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, FAR, FAR_CARE_OF, &in, 1);
}

static void test_refused(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_DELETE, .id = THEM};
	struct packet in;

	set_path(lab, FAR_NODE, FAR, FAR_CARE_OF, UNKNOWN, -ENOENT);
	packet_udp(&in, LAB_PEER, FAR_HOME, 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, OWN, FAR, &in, 1);
	lab_apply(lab, &o, -EBUSY);
	o.id = US;
	lab_apply(lab, &o, -EBUSY);
	o.id = OTHERS;
	lab_apply(lab, &o, 0);
	lab_apply(lab, &o, 0);
	set_path(lab, 3, FAR, FAR_CARE_OF, OTHERS, -ENOENT);
	set_data_plane(lab, US, "renamed", OWN, -EBUSY);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_CORE, OWN, FAR, &in, 1);
}

/* Without an address of our own nothing can be relayed; what is ours to serve is served. */
static void test_no_own(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	set_data_plane(lab, THEM, "far", FAR, 0);
	set_path(lab, 1, FAR, LAB_CARE_OF, THEM, -EADDRNOTAVAIL);
	packet_udp(&in, LAB_PEER, LAB_HOME_OF, 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_tunnel(lab, LAB_VISITED, LAB_LOCAL, LAB_CARE_OF, &in, 1);
	packet_wrap(&in, FAR, LAB_LOCAL);
	drop(lab, &in, DROP_unknown_source);
	set_data_plane(lab, US, LAB_NAME, OWN, 0);
	set_path(lab, 1, FAR, LAB_CARE_OF, THEM, 0);
}

/* A snapshot without a data plane takes it away when no path names it any more. */
static void test_sweep(void **state)
{
	struct lab *lab = *state;

	worker_leave(lab->worker);
	tables_mark(lab->tables, NULL);
	worker_enter(lab->worker);
	set_data_plane(lab, US, LAB_NAME, OWN, 0);
	set_path(lab, 1, LAB_LOCAL, LAB_CARE_OF, US, 0);
	lab_set_subscriber(lab, 1, LAB_HOME_OF "/128", 7, &(const uint64_t){1}, 1, 0);
	worker_leave(lab->worker);
	/* Far node, its path, data planes 2 and 3, link, local address. */
	assert_int_equal(tables_sweep(lab->tables), 6);
	worker_enter(lab->worker);
	assert_int_equal(data_plane_table_slot(&lab->tables->data_planes, THEM), -ENOENT);
	assert_int_equal(data_plane_table_get(&lab->tables->data_planes)->count, 0);
	assert_int_equal(lab->tables->paths.paths.used, 1);
	assert_int_equal(lab->tables->paths.shapes.used, 2);
	set_path(lab, 5, FAR, FAR_CARE_OF, THEM, -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_out, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_in, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_in_gre, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_in_ecn, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_change, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_uplink_elsewhere, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_direct, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_twice, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_unknown, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_strangers, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_between_nodes, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_tunnel, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_mtu_of_path, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_local, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_addresses, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_no_own, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_sweep, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
