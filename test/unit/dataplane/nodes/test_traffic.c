/* What each path of a subscriber has carried, and by which of them it was heard last. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/nodes/ip6.h"

#define WLAN  "2001:db8:f::10"
#define LTE   "2001:db8:f::20"
#define OTHER "2001:db8:f::30"

enum { NODE = 1, SIZE = 100, INNER = 40 + 8 + SIZE, PATHS = 2, BURST = 100 };

static const char *const remotes[PATHS] = {WLAN, LTE};

static void set_paths(
	struct lab *lab, const uint64_t paths[], unsigned count, enum steering steering)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = NODE};

	o.subscriber = (struct object_subscriber){.id = NODE,
		.link_id = 7,
		.prefix_count = 1,
		.path_count = (uint8_t)count,
		.steering = (uint8_t)steering,
		.prefixes = {{packet_addr(LAB_HOME_OF), 128}}};
	memcpy(o.subscriber.paths, paths, count * sizeof(paths[0]));
	lab_apply(lab, &o, 0);
}

static int setup(void **state)
{
	int err = lab_setup(state);

	if (err)
		return err;
	for (unsigned i = 0; i < PATHS; i++)
		lab_set_path(*state, i + 1, remotes[i], 0, 0);
	set_paths(*state, (const uint64_t[]){1, 2}, PATHS, STEERING_HEARD);
	return 0;
}

static void arrive(struct lab *lab, enum lab_port port, struct packet *p)
{
	struct mac dst = lab_mac(port), src = lab_peer_mac(port);

	packet_ether(p, &dst, &src);
	lab_receive(lab, port, p);
	lab_walk(lab);
}

/* The node sends from this care-of address. */
static void heard(struct lab *lab, const char *care_of)
{
	struct packet p, out;

	packet_udp(&p, LAB_HOME_OF, LAB_PEER, SIZE);
	packet_wrap(&p, care_of, LAB_LOCAL);
	arrive(lab, LAB_VISITED, &p);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
}

/* A packet for the node goes to this care-of address. */
static void expect(struct lab *lab, const char *care_of)
{
	struct packet p, out;

	packet_udp(&p, LAB_PEER, LAB_HOME_OF, SIZE);
	arrive(lab, LAB_CORE, &p);
	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, care_of);
	lab_nothing(lab);
}

static struct path_traffic carried(struct lab *lab, uint64_t path)
{
	uint32_t number = path_table_find(&lab->tables->paths, path);

	assert_int_not_equal(number, POOL_NONE);
	return path_traffic_of(&lab->tables->paths.traffic, number);
}

static void assert_carried(struct lab *lab, uint64_t path, uint64_t in, uint64_t out)
{
	const struct path_traffic of = carried(lab, path);

	assert_int_equal(of.packets[PATH_IN], in);
	assert_int_equal(of.packets[PATH_OUT], out);
	assert_int_equal(of.octets[PATH_IN], in * INNER);
	assert_int_equal(of.octets[PATH_OUT], out * INNER);
	assert_int_equal(of.last[PATH_IN] != 0, in != 0);
	assert_int_equal(of.last[PATH_OUT] != 0, out != 0);
}

/* RFC 5648, 3: the binding that was last verified by receiving packets from the node. */
static void test_follows_the_node(void **state)
{
	struct lab *lab = *state;

	expect(lab, WLAN);
	heard(lab, LTE);
	expect(lab, LTE);
	heard(lab, LTE);
	expect(lab, LTE);
	heard(lab, WLAN);
	expect(lab, WLAN);
}

/* The subscriber is written anew with other rules: what was heard is remembered. With a first path
 * that is new, or leads elsewhere, that is newer than what was heard. */
static void test_remembered_until_something_newer(void **state)
{
	struct object rule = {.kind = OBJECT_RULE, .op = OBJECT_SET, .id = 1};
	struct lab *lab = *state;

	heard(lab, LTE);
	rule.rule = (struct object_rule){
		.id = 1, .subscriber = NODE, .priority = 1, .action = RULE_DROP};
	rule.rule.selector = (struct rule_selector){.version = 6,
		.fields = 1 << RULE_PROTOCOL,
		.numbers[RULE_PROTOCOL] = {IPPROTO_TCP, IPPROTO_TCP}};
	lab_apply(lab, &rule, 0);
	expect(lab, LTE);
	lab_set_path(lab, 3, OTHER, 0, 0);
	set_paths(lab, (const uint64_t[]){3, 1, 2}, 3, STEERING_HEARD);
	expect(lab, OTHER);
	heard(lab, LTE);
	set_paths(lab, (const uint64_t[]){3, 2, 1}, 3, STEERING_HEARD);
	expect(lab, LTE);
	set_paths(lab, (const uint64_t[]){3, 1}, 2, STEERING_HEARD);
	expect(lab, OTHER);
	heard(lab, WLAN);
	lab_set_path(lab, 3, LTE, 0, 0);
	expect(lab, LTE);
}

/* A node that says which it prefers gets that, wherever it sends from. */
static void test_a_preference_stays(void **state)
{
	struct lab *lab = *state;

	set_paths(lab, (const uint64_t[]){1, 2}, PATHS, STEERING_FIRST);
	heard(lab, LTE);
	expect(lab, WLAN);
}

/* Signalling from one of its addresses counts as well, whoever serves it. */
static void test_signalling_counts(void **state)
{
	static const uint8_t option[24] = {[1] = 2, 1, 2, 0, 0, 201, 16};
	struct lab *lab = *state;
	const struct in6_addr home = packet_addr(LAB_HOME_OF);
	uint8_t header[24], update[16] = {59, 1, 5};
	struct packet p, out;

	memcpy(header, option, sizeof(option));
	memcpy(header + 8, &home, sizeof(home));
	packet_ip6(&p, LTE, LAB_LOCAL, IP6_MOBILITY, update, sizeof(update));
	packet_extend(&p, IP6_DESTINATION, header, sizeof(header));
	arrive(lab, LAB_VISITED, &p);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_KNOWN], &out, NULL);
	expect(lab, LTE);
	assert_carried(lab, 2, 0, 1);
}

static void test_counted_by_path(void **state)
{
	struct lab *lab = *state;

	assert_carried(lab, 1, 0, 0);
	expect(lab, WLAN);
	heard(lab, LTE);
	heard(lab, LTE);
	expect(lab, LTE);
	assert_carried(lab, 1, 0, 1);
	assert_carried(lab, 2, 2, 1);
	set_paths(lab, (const uint64_t[]){1, 2}, PATHS, STEERING_FIRST);
	expect(lab, WLAN);
	assert_carried(lab, 1, 0, 2);
}

/* The only path of a subscriber is counted as well, and goes on when there are others. */
static void test_counted_with_one_path(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	set_paths(lab, (const uint64_t[]){1}, 1, STEERING_FIRST);
	expect(lab, WLAN);
	heard(lab, WLAN);
	heard(lab, WLAN);
	assert_carried(lab, 1, 2, 1);
	packet_udp(&p, LAB_HOME_OF, LAB_PEER, SIZE);
	packet_wrap(&p, LTE, LAB_LOCAL);
	arrive(lab, LAB_VISITED, &p);
	lab_nothing(lab);
	assert_carried(lab, 1, 2, 1);
	set_paths(lab, (const uint64_t[]){1, 2}, PATHS, STEERING_FIRST);
	heard(lab, LTE);
	expect(lab, WLAN);
	assert_carried(lab, 1, 2, 2);
	assert_carried(lab, 2, 1, 0);

	set_paths(lab, (const uint64_t[]){1}, 1, STEERING_FIRST);
	for (unsigned i = 0; i < BURST; i++) {
		struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);

		packet_udp(&p, LAB_PEER, LAB_HOME_OF, SIZE);
		packet_ether(&p, &dst, &src);
		lab_receive(lab, LAB_CORE, &p);
	}
	lab_walk(lab);
	for (unsigned i = 0; i < BURST; i++)
		lab_sent(lab, LAB_VISITED, &out);
	assert_carried(lab, 1, 2, 2 + BURST);
}

/* From node to node it is counted for both. */
static void test_counted_for_both_ends(void **state)
{
	static const uint64_t own = 3;
	struct lab *lab = *state;
	struct packet p, out;

	lab_set_path(lab, 3, OTHER, 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:4::/64", 0, &own, 1, 0);
	set_paths(lab, (const uint64_t[]){1}, 1, STEERING_FIRST);
	packet_udp(&p, LAB_HOME_OF, "2001:db8:4::10", SIZE);
	packet_wrap(&p, WLAN, LAB_LOCAL);
	arrive(lab, LAB_VISITED, &p);
	lab_sent(lab, LAB_VISITED, &out);
	assert_carried(lab, 1, 1, 0);
	assert_carried(lab, 3, 0, 1);
}

/* A path goes on counting when it leads elsewhere; another one that gets its number does not. */
static void test_counted_through_changes(void **state)
{
	struct lab *lab = *state;

	expect(lab, WLAN);
	heard(lab, WLAN);
	lab_set_path(lab, 1, OTHER, 0, 0);
	assert_carried(lab, 1, 1, 1);
	expect(lab, OTHER);
	assert_carried(lab, 1, 1, 2);
	path_traffic_begin(&lab->tables->paths.traffic, path_table_find(&lab->tables->paths, 1));
	assert_carried(lab, 1, 0, 0);
	expect(lab, OTHER);
	assert_carried(lab, 1, 0, 1);
}

/* Whether what the writer remembers of a path lies in memory that was ever read or written. */
static bool is_touched(struct lab *lab, uint64_t path)
{
	const struct path_table *t = &lab->tables->paths;
	const size_t page = (size_t)sysconf(_SC_PAGESIZE);
	const uintptr_t at = (uintptr_t)&t->traffic.other[path_table_find(t, path)];
	unsigned char resident;

	assert_int_equal(mincore((void *)(at - at % page), 1, &resident), 0);
	return resident & 1;
}

/* Paths that carried nothing take no memory, and none that would be taken from below workers. */
static void test_memory_is_not_read_in_vain(void **state)
{
	struct lab *lab = *state;

	lab_set_path(lab, 1, OTHER, 0, 0);
	assert_carried(lab, 1, 0, 0);
	assert_false(is_touched(lab, 1));
	expect(lab, OTHER);
	lab_set_path(lab, 1, WLAN, 0, 0);
	assert_true(is_touched(lab, 1));
	assert_carried(lab, 1, 0, 1);
}

/* What a worker has counted of a path by number. */
static struct path_counts *counts(struct lab *lab, uint64_t path)
{
	const struct path_table *t = &lab->tables->paths;
	const struct path_row row = path_traffic_row(&t->traffic, 0);

	return row.counts + path_table_find(t, path);
}

/* Numbers of 32 bits go on where they end. */
static void test_carried(void **state)
{
	struct lab *lab = *state;
	uint64_t packets;

	expect(lab, WLAN);
	heard(lab, WLAN);
	for (unsigned half = 1; half <= 4; half++) {
		counts(lab, 1)->packets[PATH_OUT] = (half << PATH_HALF_SHIFT) - 1;
		packets = carried(lab, 1).packets[PATH_OUT];
		assert_int_equal(packets, ((uint64_t)half << PATH_HALF_SHIFT) - 1);
		expect(lab, WLAN);
		assert_int_equal(carried(lab, 1).packets[PATH_OUT], packets + 1);
		expect(lab, WLAN);
		assert_int_equal(carried(lab, 1).packets[PATH_OUT], packets + 2);
		assert_int_equal(carried(lab, 1).packets[PATH_IN], 1);
	}
	path_traffic_begin(&lab->tables->paths.traffic, path_table_find(&lab->tables->paths, 1));
	assert_carried(lab, 1, 0, 0);
	expect(lab, WLAN);
	assert_carried(lab, 1, 0, 1);
}

/* The half that a worker is about to carry is counted by who reads just then. */
static void test_read_before_it_is_carried(void **state)
{
	struct lab *lab = *state;

	expect(lab, WLAN);
	counts(lab, 1)->packets[PATH_OUT] = 1u << PATH_HALF_SHIFT;
	assert_int_equal(carried(lab, 1).packets[PATH_OUT], 1ull << PATH_HALF_SHIFT);
}

/* When a path was used last is told in ticks, which were not later. */
static void test_when(void **state)
{
	struct lab *lab = *state;
	const uint64_t before = rte_rdtsc(), tick = 1ull << PATH_TICK_SHIFT;
	uint64_t last;

	expect(lab, WLAN);
	last = carried(lab, 1).last[PATH_OUT];
	assert_in_range(last, before - tick, rte_rdtsc());
	counts(lab, 1)->last[PATH_OUT] = path_traffic_tick(before - 1000 * tick);
	last = carried(lab, 1).last[PATH_OUT];
	assert_in_range(last, before - 1001 * tick, before - 1000 * tick);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follows_the_node, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
			test_remembered_until_something_newer, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_a_preference_stays, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_signalling_counts, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_counted_by_path, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_counted_with_one_path, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_counted_for_both_ends, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_counted_through_changes, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
			test_memory_is_not_read_in_vain, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_carried, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
			test_read_before_it_is_carried, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_when, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
