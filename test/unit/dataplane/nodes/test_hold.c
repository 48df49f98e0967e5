/* A subscriber between two links: its packets wait, and go on in their order by its next path. */
#include <pthread.h>
#include <rte_pause.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/nodes/hold.h"

#define NEXT  "2001:db8:f::99" /* where subscriber 1 is found again */
#define OTHER "2001:db8:4::10" /* of subscriber 2, too */
#define OWN   "2001:db8:ffff::a"
#define FAR   "2001:db8:ffff::b" /* of another data plane */

enum {
	PACKETS = 4,
	LONG_MS = 60000,
	SHORT_MS = 1,
	PORT_AT = 42,
	AT_ONCE = 64,
	SEVERAL = 500,
	PAIR = 30
};

static void hold(struct lab *lab, uint64_t id, uint16_t packets, uint16_t ms)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){
		.id = id, .kind = PATH_HELD, .hold_packets = packets, .hold_ms = ms};
	lab_apply(lab, &o, 0);
}

static int setup(void **state)
{
	int error = lab_setup(state);

	if (!error)
		hold(*state, 1, PACKETS, LONG_MS);
	return error;
}

/* A packet for a subscriber comes, with a number as its port. */
static void comes(struct lab *lab, const char *to, uint16_t number)
{
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct packet p;

	packet_udp(&p, LAB_PEER, to, 77);
	p.data[PORT_AT] = (uint8_t)(number >> 8);
	p.data[PORT_AT + 1] = (uint8_t)number;
	packet_ether(&p, &dst, &src);
	lab_receive(lab, LAB_CORE, &p);
}

static void come(struct lab *lab, const char *to, uint16_t from, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++)
		comes(lab, to, (uint16_t)(from + i));
	lab_walk(lab);
}

/* The number of the packet that leaves next, in a tunnel to this address. */
static unsigned leaves(struct lab *lab, const char *to)
{
	struct packet out;

	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, to);
	packet_cut(&out, PACKET_IP6);
	assert_int_equal(out.data[7], 63);
	return (unsigned)out.data[PORT_AT] << 8 | out.data[PORT_AT + 1];
}

static void leave(struct lab *lab, const char *to, uint16_t from, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++)
		assert_int_equal(leaves(lab, to), from + i);
}

static void test_waits_and_goes_on(void **state)
{
	struct lab *lab = *state;

	come(lab, LAB_HOME_OF, 1, 3);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_held), 3);
	lab_set_path(lab, 1, NEXT, 0, 0);
	lab_walk(lab);
	come(lab, LAB_HOME_OF, 4, 1);
	leave(lab, NEXT, 1, 4);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_released), 3);
	assert_int_equal(lab_counter(lab, WORKER_held), 3);
}

static void test_newest_goes_at_the_bound(void **state)
{
	struct lab *lab = *state;

	for (unsigned round = 1; round <= 2; round++) {
		come(lab, LAB_HOME_OF, 1, PACKETS + 3);
		assert_int_equal(lab_drops(lab, DROP_hold_full), 3 * round);
		lab_set_path(lab, 1, NEXT, 0, 0);
		lab_walk(lab);
		leave(lab, NEXT, 1, PACKETS);
		lab_nothing(lab);
		hold(lab, 1, PACKETS, LONG_MS);
	}
}

/* Each has a bound of its own. */
static void test_others(void **state)
{
	const uint64_t path = 2;
	struct lab *lab = *state;

	lab_set_path(lab, 2, LAB_CARE_OF, 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:4::/64", 0, &path, 1, 0);
	come(lab, LAB_HOME_OF, 1, PACKETS);
	come(lab, OTHER, 11, 2);
	leave(lab, LAB_CARE_OF, 11, 2);
	hold(lab, 2, PACKETS, LONG_MS);
	come(lab, OTHER, 21, PACKETS);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_hold_full), 0);
	lab_set_path(lab, 2, LAB_CARE_OF, 0, 0);
	lab_walk(lab);
	leave(lab, LAB_CARE_OF, 21, PACKETS);
	lab_nothing(lab);
	lab_set_path(lab, 1, NEXT, 0, 0);
	lab_walk(lab);
	leave(lab, NEXT, 1, PACKETS);
}

static void test_too_old(void **state)
{
	struct lab *lab = *state;

	hold(lab, 1, PACKETS, SHORT_MS);
	come(lab, LAB_HOME_OF, 1, 2);
	while (lab_drops(lab, DROP_hold_late) < 2)
		worker_walk(lab->worker);
	lab_set_path(lab, 1, NEXT, 0, 0);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_released), 0);
	come(lab, LAB_HOME_OF, 3, 1);
	leave(lab, NEXT, 3, 1);
}

static void test_end(void **state)
{
	struct lab *lab = *state;

	come(lab, LAB_HOME_OF, 1, 2);
	lab_delete(lab, OBJECT_SUBSCRIBER, 1);
	lab_delete(lab, OBJECT_PATH, 1);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_hold_gone), 2);
	assert_int_equal(lab_counter(lab, WORKER_released), 0);
}

/* Held by another path, or with another bound: what waits still does, and is counted. */
static void test_held_anew(void **state)
{
	struct lab *lab = *state;

	come(lab, LAB_HOME_OF, 1, 3);
	hold(lab, 1, PACKETS + 1, LONG_MS);
	lab_walk(lab);
	come(lab, LAB_HOME_OF, 4, 3);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_hold_full), 1);
	hold(lab, 1, 2, LONG_MS);
	come(lab, LAB_HOME_OF, 7, 1);
	assert_int_equal(lab_drops(lab, DROP_hold_full), 5);
	lab_set_path(lab, 1, NEXT, 0, 0);
	lab_walk(lab);
	leave(lab, NEXT, 1, 2);
	lab_nothing(lab);
}

/* On to several paths, of which none has the id of the held one. */
static void test_several_paths(void **state)
{
	const uint64_t paths[] = {PAIR, PAIR + 1};
	struct lab *lab = *state;

	come(lab, LAB_HOME_OF, 1, 3);
	lab_set_path(lab, PAIR, NEXT, 0, 0);
	lab_set_path(lab, PAIR + 1, LAB_CARE_OF, 0, 0);
	lab_set_subscriber(lab, 1, LAB_HOME_OF "/128", 7, paths, 2, 0);
	lab_delete(lab, OBJECT_PATH, 1);
	lab_walk(lab);
	leave(lab, NEXT, 1, 3);
	lab_nothing(lab);
}

/* What it sends from where it was is not its own any more. */
static void test_uplink(void **state)
{
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct packet p;

	packet_udp(&p, LAB_HOME_OF, LAB_PEER, 77);
	packet_wrap(&p, LAB_CARE_OF, LAB_LOCAL);
	packet_ether(&p, &dst, &src);
	lab_expect_drop(*state, LAB_VISITED, &p, DROP_wrong_care_of);
}

static void set_data_plane(struct lab *lab, uint64_t id, const char *name, const char *addr)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = packet_addr(addr)};
	strcpy(o.data_plane.name, name);
	lab_apply(lab, &o, 0);
}

/* Another data plane serves the next path: what has waited goes there, but for what came from one.
 */
static void test_relayed(void **state)
{
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 1};
	struct lab *lab = *state;
	struct packet p;

	set_data_plane(lab, 1, LAB_NAME, OWN);
	set_data_plane(lab, 2, "far", FAR);
	come(lab, LAB_HOME_OF, 1, 1);
	packet_udp(&p, LAB_PEER, LAB_HOME_OF, 77);
	packet_wrap(&p, FAR, OWN);
	packet_ether(&p, &dst, &src);
	lab_receive(lab, LAB_VISITED, &p);
	lab_walk(lab);
	assert_int_equal(lab_counter(lab, WORKER_held), 2);
	assert_int_equal(lab_counter(lab, WORKER_relayed_in), 1);
	o.path = (struct object_path){.id = 1,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(FAR),
		.remote = packet_addr(NEXT),
		.data_plane = 2};
	lab_apply(lab, &o, 0);
	lab_walk(lab);
	lab_sent(lab, LAB_CORE, &p);
	lab_nothing(lab);
	packet_unether(&p);
	packet_assert_addrs(&p, OWN, FAR);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 1);
	assert_int_equal(lab_drops(lab, DROP_relay_twice), 1);
}

/* Others need buffers. */
static void test_few_buffers(void **state)
{
	struct rte_mbuf *taken[1024];
	struct lab *lab = *state;
	unsigned n = 0;

	come(lab, LAB_HOME_OF, 1, 1);
	while (rte_mempool_avail_count(lab->pool) > lab->buffers / HOLD_RESERVE)
		taken[n++] = rte_pktmbuf_alloc(lab->pool);
	come(lab, LAB_HOME_OF, 2, 1);
	assert_int_equal(lab_drops(lab, DROP_hold_room), 1);
	rte_pktmbuf_free_bulk(taken, n);
	come(lab, LAB_HOME_OF, 3, 1);
	lab_set_path(lab, 1, NEXT, 0, 0);
	lab_walk(lab);
	assert_int_equal(leaves(lab, NEXT), 1);
	assert_int_equal(leaves(lab, NEXT), 3);
	lab_nothing(lab);
}

/* What readers have of a path is what was set. */
static void test_object(void **state)
{
	struct lab *lab = *state;
	const struct path_table *t = &lab->tables->paths;
	struct object_path path = path_table_object(t, path_table_find(t, 1));
	const struct in6_addr none = {0};

	assert_int_equal(path.kind, PATH_HELD);
	assert_int_equal(path.hold_packets, PACKETS);
	assert_int_equal(path.hold_ms, LONG_MS);
	assert_memory_equal(&path.local, &none, sizeof(none));
	assert_memory_equal(&path.remote, &none, sizeof(none));
	worker_leave(lab->worker);
	assert_int_equal(tables_repair(lab->tables), 0);
	worker_enter(lab->worker);
	come(lab, LAB_HOME_OF, 1, 1);
	assert_int_equal(lab_counter(lab, WORKER_held), 1);
}

static _Atomic bool go, moved;

static void *move(void *lab)
{
	while (!atomic_load(&go))
		rte_pause();
	lab_set_path(lab, 1, NEXT, 0, 0);
	atomic_store(&moved, true);
	return NULL;
}

/* Not more than may wait while the path is held, and then fewer than go on. */
static bool may_come(const struct lab *lab, uint16_t next, uint16_t expected)
{
	if (expected == 1)
		return next < SEVERAL;
	return hold_waiting(lab->worker->hold) == 0 || next < SEVERAL + expected / 2;
}

/* Another thread changes the path while packets come: none is overtaken by what came later. */
static void test_order_meanwhile(void **state)
{
	struct lab *lab = *state;
	uint16_t next = 1, expected = 1;
	pthread_t writer;

	hold(lab, 1, SEVERAL, LONG_MS);
	atomic_store(&go, false);
	atomic_store(&moved, false);
	assert_int_equal(pthread_create(&writer, NULL, move, lab), 0);
	come(lab, LAB_HOME_OF, next, AT_ONCE);
	next += AT_ONCE;
	atomic_store(&go, true);
	for (bool last = false; !last;) {
		last = atomic_load(&moved);
		if (may_come(lab, next, expected))
			comes(lab, LAB_HOME_OF, next++);
		worker_walk(lab->worker);
		while (lab_pending(lab, LAB_VISITED))
			assert_int_equal(leaves(lab, NEXT), expected++);
	}
	assert_int_equal(pthread_join(writer, NULL), 0);
	lab_walk(lab);
	while (lab_pending(lab, LAB_VISITED))
		assert_int_equal(leaves(lab, NEXT), expected++);
	assert_int_equal(expected, next);
	assert_true(lab_counter(lab, WORKER_released) >= AT_ONCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_waits_and_goes_on, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_newest_goes_at_the_bound, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_others, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_too_old, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_end, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_held_anew, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_several_paths, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_uplink, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_relayed, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_few_buffers, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_object, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_order_meanwhile, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
