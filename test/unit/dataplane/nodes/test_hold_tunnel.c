/* What comes out of a tunnel for nobody known waits, and goes to a host that comes to a link. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/nodes/hold.h"

#define ANCHOR "2001:db8:f::f"
#define OTHER  "2001:db8:f::e" /* out of whose tunnels nothing waits */
#define HOST   "2001:db8:4::10"
#define SECOND "2001:db8:4::11" /* of the same /64 */

enum {
	ROOM = 50, /* object of the held path */
	PACKETS = 4,
	LONG_MS = 60000,
	SHORT_MS = 1,
	PORT_AT = 42,
	LINK = 20,
	TUNNEL = 21,
	KEY = 9,
};

static const struct mac host_mac = {{2, 0, 0, 0, 4, 1}};

static void hold(struct lab *lab, const char *anchor, uint16_t ms)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = ROOM};

	o.path = (struct object_path){.id = ROOM,
		.kind = PATH_HELD,
		.local = packet_addr(LAB_LOCAL),
		.remote = packet_addr(anchor),
		.hold_packets = PACKETS,
		.hold_ms = ms};
	lab_apply(lab, &o, 0);
}

static int setup(void **state)
{
	int error = lab_setup(state);
	struct object o = {.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};

	if (error)
		return error;
	o.link = (struct object_link){.id = 7, .port = "home", .access = true};
	lab_apply(*state, &o, 0);
	hold(*state, ANCHOR, LONG_MS);
	return 0;
}

static void attach(struct lab *lab, enum path_kind kind)
{
	const uint64_t paths[] = {LINK, TUNNEL};
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = LINK};

	o.path = (struct object_path){
		.id = LINK, .kind = PATH_ON_LINK, .port = "home", .mac = host_mac};
	lab_apply(lab, &o, 0);
	o.id = TUNNEL;
	o.path = (struct object_path){.id = TUNNEL,
		.kind = kind,
		.local = packet_addr(LAB_LOCAL),
		.remote = packet_addr(ANCHOR),
		.keyed = kind == PATH_GRE,
		.key_in = kind == PATH_GRE ? KEY : 0,
		.key_out = kind == PATH_GRE ? KEY : 0};
	lab_apply(lab, &o, 0);
	lab_set_subscriber(lab, 2, "2001:db8:4::/64", 0, paths, 2, 0);
}

static void make(struct packet *p, const char *from, const char *to, uint16_t number)
{
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);

	packet_udp(p, LAB_PEER, to, 77);
	p->data[PORT_AT] = (uint8_t)(number >> 8);
	p->data[PORT_AT + 1] = (uint8_t)number;
	packet_wrap(p, from, LAB_LOCAL);
	packet_ether(p, &dst, &src);
}

static void comes(struct lab *lab, const char *to, uint16_t number)
{
	struct packet p;

	make(&p, ANCHOR, to, number);
	lab_receive(lab, LAB_VISITED, &p);
}

static void comes_keyed(struct lab *lab, uint8_t key, uint16_t number)
{
	const uint8_t header[8] = {0x20, 0, 0x86, 0xdd, 0, 0, 0, key};
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct packet p;

	packet_udp(&p, LAB_PEER, HOST, 77);
	p.data[PORT_AT] = 0;
	p.data[PORT_AT + 1] = (uint8_t)number;
	memmove(p.data + sizeof(header), p.data, p.len);
	memcpy(p.data, header, sizeof(header));
	p.len = (uint16_t)(p.len + sizeof(header));
	packet_wrap(&p, ANCHOR, LAB_LOCAL);
	p.data[6] = IPPROTO_GRE;
	packet_ether(&p, &dst, &src);
	lab_receive(lab, LAB_VISITED, &p);
}

static unsigned arrives(struct lab *lab, const char *to)
{
	struct mac gateway = lab_mac(LAB_HOME);
	struct packet out;

	lab_sent(lab, LAB_HOME, &out);
	packet_assert_ether(&out, &host_mac, &gateway);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_PEER, to);
	assert_int_equal(out.data[7], 63);
	return (unsigned)out.data[PORT_AT] << 8 | out.data[PORT_AT + 1];
}

static void test_waits_and_goes_on(void **state)
{
	struct lab *lab = *state;

	for (uint16_t i = 1; i <= 3; i++)
		comes(lab, HOST, i);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_held), 3);
	attach(lab, PATH_IP6_IN_IP6);
	comes(lab, HOST, 4);
	lab_walk(lab);
	for (unsigned i = 1; i <= 4; i++)
		assert_int_equal(arrives(lab, HOST), i);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_released), 3);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 4);
}

/* More wait than one walk looks at: what comes while they do takes its place behind them. */
static void test_order_meanwhile(void **state)
{
	struct lab *lab = *state;
	struct packet p;
	char to[40];

	for (unsigned i = 0; i < 2 * HOLD_LOOKS; i++) {
		snprintf(to, sizeof(to), "2001:db8:5:%x::1", i);
		make(&p, ANCHOR, to, 99);
		lab_receive(lab, LAB_VISITED, &p);
	}
	comes(lab, HOST, 1);
	comes(lab, HOST, 2);
	while (lab_counter(lab, WORKER_held) < 2 * HOLD_LOOKS + 2)
		worker_walk(lab->worker);
	attach(lab, PATH_IP6_IN_IP6);
	/* Whichever queues were looked at, these are not in one of the first walks. */
	for (uint16_t i = 3; i <= 20; i++) {
		comes(lab, HOST, i);
		worker_walk(lab->worker);
	}
	for (unsigned i = 1; i <= 20; i++)
		assert_int_equal(arrives(lab, HOST), i);
	lab_nothing(lab);
}

static void test_from_elsewhere(void **state)
{
	struct packet p;

	make(&p, OTHER, HOST, 1);
	lab_expect_drop(*state, LAB_VISITED, &p, DROP_unknown_source);
	lab_delete(*state, OBJECT_PATH, ROOM);
	make(&p, ANCHOR, HOST, 1);
	lab_expect_drop(*state, LAB_VISITED, &p, DROP_unknown_source);
	hold(*state, OTHER, LONG_MS);
	lab_expect_drop(*state, LAB_VISITED, &p, DROP_unknown_source);
	make(&p, OTHER, HOST, 1);
	lab_receive(*state, LAB_VISITED, &p);
	lab_walk(*state);
	assert_int_equal(lab_counter(*state, WORKER_held), 1);
}

static void test_bound_of_a_prefix(void **state)
{
	struct lab *lab = *state;

	for (uint16_t i = 1; i <= PACKETS; i++)
		comes(lab, i % 2 ? HOST : SECOND, i);
	comes(lab, "2001:db8:6::1", 9);
	comes(lab, SECOND, 8);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_hold_full), 1);
	attach(lab, PATH_IP6_IN_IP6);
	lab_walk(lab);
	for (unsigned i = 1; i <= PACKETS; i++)
		assert_int_equal(arrives(lab, i % 2 ? HOST : SECOND), i);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_held), PACKETS + 1);
}

static void test_too_old(void **state)
{
	struct lab *lab = *state;

	hold(lab, ANCHOR, SHORT_MS);
	comes(lab, HOST, 1);
	while (lab_drops(lab, DROP_hold_late) < 1)
		worker_walk(lab->worker);
	attach(lab, PATH_IP6_IN_IP6);
	lab_walk(lab);
	lab_nothing(lab);
}

/* What waited comes out by the rules of the tunnel that it turns out to be of (RFC 5845). */
static void test_keys(void **state)
{
	struct lab *lab = *state;

	comes_keyed(lab, KEY, 1);
	comes_keyed(lab, KEY + 1, 2);
	comes(lab, HOST, 3);
	comes_keyed(lab, KEY, 4);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_held), PACKETS);
	attach(lab, PATH_GRE);
	lab_walk(lab);
	assert_int_equal(arrives(lab, HOST), 1);
	assert_int_equal(arrives(lab, HOST), 4);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_gre_key), 1);
	assert_int_equal(lab_drops(lab, DROP_tunnel_kind), 1);
}

static void test_object(void **state)
{
	struct lab *lab = *state;
	const struct path_table *t = &lab->tables->paths;
	const struct in6_addr anchor = packet_addr(ANCHOR), local = packet_addr(LAB_LOCAL);
	struct object_path path = path_table_object(t, path_table_find(t, ROOM));

	assert_int_equal(path.kind, PATH_HELD);
	assert_memory_equal(&path.local, &local, sizeof(local));
	assert_memory_equal(&path.remote, &anchor, sizeof(anchor));
	worker_leave(lab->worker);
	assert_int_equal(tables_repair(lab->tables), 0);
	worker_enter(lab->worker);
	assert_int_not_equal(path_table_room(t, &anchor, &local), POOL_NONE);
	assert_int_equal(path_table_room(t, &local, &anchor), POOL_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waits_and_goes_on, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_order_meanwhile, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_from_elsewhere, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_bound_of_a_prefix, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_too_old, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_keys, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_object, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
