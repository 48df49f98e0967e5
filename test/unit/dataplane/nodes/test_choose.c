/* Which path a packet to a subscriber takes: by rule, by share, as its first fragment. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "choose_rig.h"
#include "dataplane/agent/events.h"
#include "dataplane/nodes/choose.h"

static void test_by_rule(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	port_rule(lab, 1, 5000, 2);
	port_rule(lab, 2, 5001, 3);
	port_rule(lab, 3, 5001, 2);
	make(&p, 5000);
	assert_int_equal(path_of(lab, &p), 2);
	make(&p, 5001);
	assert_int_equal(path_of(lab, &p), 3);
	make(&p, 5002);
	assert_int_equal(path_of(lab, &p), 1);
	p.data[6] = IPPROTO_TCP;
	set_ports(&p, 5000, NODE_PORT);
	assert_int_equal(path_of(lab, &p), 1);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 4);
}

/* The inner packet arrives as it was. */
static void test_inner_untouched(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	port_rule(lab, 1, 5000, 2);
	make(&p, 5000);
	arrive(lab, &p);
	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LTE);
	packet_cut(&out, PACKET_IP6);
	packet_set_hop_limit(&p, 63);
	packet_assert_equal(&out, &p);
}

static void test_drop(void **state)
{
	struct lab *lab = *state;
	struct packet p;
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);

	port_rule(lab, 1, 5000, 0);
	make(&p, 5000);
	packet_ether(&p, &dst, &src);
	lab_expect_drop(lab, LAB_CORE, &p, DROP_rule);
	make(&p, 5001);
	assert_int_equal(path_of(lab, &p), 1);
}

/* A copy to each of the paths that are there (RFC 6089, 5.3.6). */
static void test_copies(void **state)
{
	struct lab *lab = *state;
	struct object_rule rule = rule_for(1, 3);
	unsigned seen = 0;
	struct packet p;

	rule.paths[rule.path_count++] = 1;
	rule.paths[rule.path_count++] = 99;
	set_rule(lab, &rule);
	make(&p, 5000);
	arrive(lab, &p);
	seen |= 1u << taken(lab);
	seen |= 1u << taken(lab);
	lab_nothing(lab);
	assert_int_equal(seen, 1 << 1 | 1 << 3);
	assert_int_equal(lab_counter(lab, WORKER_copied), 1);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 2);
}

/* A path that disappears moves its flows at once, and takes them back. */
static void test_path_lost(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	port_rule(lab, 1, 5000, 3);
	port_rule(lab, 2, 5000, 2);
	make(&p, 5000);
	assert_int_equal(path_of(lab, &p), 3);
	set_paths(lab, 2, STEERING_FIRST, NULL);
	assert_int_equal(path_of(lab, &p), 2);
	set_paths(lab, 1, STEERING_FIRST, NULL);
	assert_int_equal(path_of(lab, &p), 1);
	set_paths(lab, 3, STEERING_FIRST, NULL);
	assert_int_equal(path_of(lab, &p), 3);
}

/* Signalling goes by the first path, whatever rules say (RFC 6089, 4.3): what control sends, and
 * what correspondent nodes do. What the kernel sends is traffic. */
static void test_not_signalling(void **state)
{
	const uint8_t mobility[8] = {59, 0, 3};
	struct lab *lab = *state;
	struct object_rule rule = rule_for(1, 2);
	struct packet p;

	set_rule(lab, &rule);
	packet_ip6(&p, LAB_PEER, LAB_HOME_OF, IP6_MOBILITY, mobility, sizeof(mobility));
	assert_int_equal(path_of(lab, &p), 1);
	make(&p, 5000);
	assert_int_equal(path_of(lab, &p), 2);
	packet_udp(&p, LAB_LOCAL, LAB_HOME_OF, 100);
	lab_down(lab, MIRROR_TO_SUBSCRIBER, 0, NODE, &p);
	lab_walk(lab);
	assert_int_equal(taken(lab), 1);
	lab_nothing(lab);
}

/* A fragment of a UDP packet: 8 octets of header, or what follows it. */
static void fragment(struct packet *p, uint32_t id, uint16_t offset, bool more, uint16_t port)
{
	const uint8_t header[8] = {0, 0, (uint8_t)(offset >> 8),
		(uint8_t)((offset & 0xf8) | (more ? 1 : 0)), (uint8_t)(id >> 24),
		(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	make(p, port);
	packet_extend(p, IP6_FRAGMENT, header, sizeof(header));
}

static void test_fragments_follow(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	port_rule(lab, 1, 5000, 2);
	port_rule(lab, 2, 5001, 3);
	fragment(&p, 77, 0, true, 5000);
	assert_int_equal(path_of(lab, &p), 2);
	fragment(&p, 78, 0, true, 5001);
	assert_int_equal(path_of(lab, &p), 3);
	/* Octets of the payload in the place of ports. */
	fragment(&p, 77, 1200, true, 5001);
	assert_int_equal(path_of(lab, &p), 2);
	fragment(&p, 78, 1200, false, 5000);
	assert_int_equal(path_of(lab, &p), 3);
	fragment(&p, 77, 2400, false, 5001);
	assert_int_equal(path_of(lab, &p), 2);
	assert_int_equal(lab_counter(lab, WORKER_fragments_followed), 3);
	/* Of a packet whose first one was not seen: no ports. */
	fragment(&p, 79, 1200, false, 5000);
	assert_int_equal(path_of(lab, &p), 1);
	/* The same identification in another packet. */
	fragment(&p, 77, 0, true, 5002);
	assert_int_equal(path_of(lab, &p), 1);
	fragment(&p, 77, 1200, false, 5000);
	assert_int_equal(path_of(lab, &p), 1);
}

/* Those that come together are worked on in one walk. */
static void test_fragments_together(void **state)
{
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct lab *lab = *state;
	struct packet p;

	port_rule(lab, 1, 5000, 2);
	for (uint32_t id = 1; id <= 50; id++) {
		for (uint16_t offset = 0; offset < 3600; offset += 1200) {
			fragment(&p, id, offset, offset < 2400, offset ? 5001 : 5000);
			packet_ether(&p, &dst, &src);
			lab_receive(lab, LAB_CORE, &p);
		}
		lab_walk(lab);
		for (unsigned i = 0; i < 3; i++)
			assert_int_equal(taken(lab), 2);
	}
	lab_nothing(lab);
}

/* The table is bounded: of very many packets the oldest are forgotten, the newest are not. */
static void test_fragments_bounded(void **state)
{
	enum { PLACES = CHOOSE_FRAGMENT_BUCKETS * CHOOSE_FRAGMENT_WAYS, MANY = 4 * PLACES };
	struct lab *lab = *state;
	unsigned followed = 0;
	struct packet p;

	port_rule(lab, 1, 5000, 2);
	for (uint32_t id = 1; id <= MANY; id++) {
		fragment(&p, id, 0, true, 5000);
		assert_int_equal(path_of(lab, &p), 2);
	}
	for (uint32_t id = 1; id <= MANY; id++) {
		fragment(&p, id, 1200, false, 5000);
		followed += path_of(lab, &p) == 2;
		if (id > MANY - 10)
			assert_int_equal(path_of(lab, &p), 2);
	}
	assert_in_range(followed, PLACES / 2, PLACES);
}

/* n to m, exactly. */
static void test_packets_by_weight(void **state)
{
	static const struct {
		uint8_t weights[3];
		unsigned want[3];
	} cases[] = {
		{{3, 2, 0}, {600, 400, 0}},
		{{1, 1, 2}, {250, 250, 500}},
		{{100, 200, 200}, {200, 400, 400}},
		{{0, 0, 7}, {0, 0, 1000}},
		{{255, 0, 245}, {510, 0, 490}},
	};
	struct lab *lab = *state;
	struct packet p;

	make(&p, 5000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned got[3] = {0}, run = 0, longest = 0, last = 0;

		set_paths(lab, 3, STEERING_PACKET, cases[i].weights);
		for (unsigned n = 0; n < 1000; n++) {
			unsigned path = path_of(lab, &p);

			got[path - 1]++;
			run = path == last ? run + 1 : 1;
			last = path;
			longest = RTE_MAX(longest, run);
		}
		assert_memory_equal(got, cases[i].want, sizeof(got));
		/* Spread, not in blocks. */
		if (cases[i].weights[0])
			assert_in_range(longest, 1, 3);
	}
}

/* Counts the packets of a worker on path 1, and judges each row of ROW of them: the number next to
 * the share of `weight` in `sum`. */
enum { ROW = 1000 };
struct row {
	bool taken[ROW]; /* of the last ones */
	unsigned packets, sum;
};

static void row_take(struct row *row, bool first, unsigned weight, unsigned sum)
{
	bool *place = &row->taken[row->packets++ % ROW];

	row->sum += first - *place;
	*place = first;
	if (row->packets >= ROW)
		assert_in_range(row->sum * sum, ROW * weight - sum + 1, ROW * weight + sum - 1);
}

/* The path of the next packet of a worker. */
static unsigned share_of(struct worker *w)
{
	const struct in6_addr home = packet_addr(LAB_HOME_OF);
	const struct subscriber_entry *entry =
		subscriber_table_find(&w->tables->subscribers, 0, &home);
	const struct rule_key key = {0};

	return (unsigned)__builtin_ctz(choose_share(w, entry->paths, CHOOSE_ALL, &key)) + 1;
}

/* Any row of packets of a worker, whatever another one sends, and from the first packet on after
 * the weights were changed. */
static void test_any_row_of_two(void **state)
{
	static const uint8_t cases[][2] = {
		{1, 1}, {3, 1}, {1, 3}, {5, 7}, {91, 170}, {1, 254}, {255, 254}};
	static struct worker other = {.index = 1};
	struct lab *lab = *state;
	struct packet p;

	other.tables = lab->tables;
	make(&p, 5000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const unsigned weight = cases[i][0], sum = weight + cases[i][1];
		static struct row here, there;

		here = there = (struct row){0};
		set_paths(lab, 2, STEERING_PACKET, cases[i]);
		for (unsigned n = 0; n < 3 * ROW; n++) {
			row_take(&here, path_of(lab, &p) == 1, weight, sum);
			if (n % 3)
				row_take(&there, share_of(&other) == 1, weight, sum);
		}
	}
}

/* Flows stay; their shares are as the weights; one whose path goes moves, no other does. */
static void test_flows_by_weight(void **state)
{
	enum { FLOWS = 3000 };
	static const uint8_t all[] = {1, 3, 2}, without[] = {1, 0, 2};
	static uint8_t before[FLOWS];
	struct lab *lab = *state;
	unsigned share[3] = {0}, after[3] = {0};
	struct packet p;

	set_paths(lab, 3, STEERING_FLOW, all);
	for (unsigned i = 0; i < FLOWS; i++) {
		make(&p, (uint16_t)(1024 + 7 * i));
		before[i] = (uint8_t)path_of(lab, &p);
		assert_int_equal(path_of(lab, &p), before[i]);
		share[before[i] - 1]++;
	}
	for (unsigned i = 0; i < 3; i++)
		assert_in_range(
			share[i], FLOWS * all[i] / 6 - FLOWS / 20, FLOWS * all[i] / 6 + FLOWS / 20);
	set_paths(lab, 3, STEERING_FLOW, without);
	for (unsigned i = 0; i < FLOWS; i++) {
		unsigned path;

		make(&p, (uint16_t)(1024 + 7 * i));
		path = path_of(lab, &p);
		if (before[i] == 2)
			assert_int_not_equal(path, 2);
		else
			assert_int_equal(path, before[i]);
		after[path - 1]++;
	}
	assert_in_range(after[0], FLOWS / 3 - FLOWS / 20, FLOWS / 3 + FLOWS / 20);
	assert_int_equal(after[1], 0);
}

/* Rules come before shares. */
static void test_rules_before_shares(void **state)
{
	static const uint8_t half[] = {1, 1};
	struct lab *lab = *state;
	struct packet p;

	set_paths(lab, 2, STEERING_PACKET, half);
	port_rule(lab, 1, 5000, 2);
	make(&p, 5000);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(path_of(lab, &p), 2);
}

/* SPI, flow label, class; an extension header in front of the ports. */
static void test_other_fields(void **state)
{
	const uint8_t esp[16] = {0, 0, 1, 2}, options[8] = {0, 0, 1, 4};
	struct lab *lab = *state;
	struct object_rule rule = rule_for(1, 2);
	struct packet p;

	rule.selector = (struct rule_selector){
		.fields = 1 << RULE_SPI, .numbers[RULE_SPI] = {0x102, 0x102}};
	set_rule(lab, &rule);
	packet_ip6(&p, LAB_PEER, LAB_HOME_OF, IPPROTO_ESP, esp, sizeof(esp));
	assert_int_equal(path_of(lab, &p), 2);
	p.data[43] = 3;
	assert_int_equal(path_of(lab, &p), 1);
	rule.selector = (struct rule_selector){
		.fields = 1 << RULE_CLASS, .numbers[RULE_CLASS] = {0xb8, 0xb8}};
	set_rule(lab, &rule);
	packet_set_class(&p, 0xb9);
	assert_int_equal(path_of(lab, &p), 2);
	rule.selector = (struct rule_selector){
		.fields = 1 << RULE_FLOW_LABEL, .numbers[RULE_FLOW_LABEL] = {5, 9}};
	set_rule(lab, &rule);
	assert_int_equal(path_of(lab, &p), 1);
	p.data[3] = 9;
	assert_int_equal(path_of(lab, &p), 2);
	port_rule(lab, 1, 5000, 3);
	make(&p, 5000);
	packet_extend(&p, IP6_DESTINATION, options, sizeof(options));
	assert_int_equal(path_of(lab, &p), 3);
}

static void set_data_plane(struct lab *lab, uint64_t id, const char *name, const char *addr)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = packet_addr(addr)};
	strcpy(o.data_plane.name, name);
	lab_apply(lab, &o, 0);
}

/* A path that another data plane serves: relayed to it; what it relays here stays on ours. */
static void test_served_elsewhere(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 2};
	struct packet p, out;

	set_data_plane(lab, US, LAB_NAME, OWN);
	set_data_plane(lab, THEM, "far", FAR);
	o.path = (struct object_path){.id = 2,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(FAR),
		.remote = packet_addr(FAR_COA),
		.data_plane = THEM};
	lab_apply(lab, &o, 0);
	port_rule(lab, 1, 5000, 2);
	port_rule(lab, 2, 5001, 3);
	make(&p, 5000);
	arrive(lab, &p);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, OWN, FAR);
	assert_int_equal(lab_counter(lab, WORKER_relayed_out), 1);
	make(&p, 5001);
	packet_wrap(&p, FAR, OWN);
	assert_int_equal(path_of(lab, &p), 3);
	/* It thinks that we serve what it does: straight to the node. */
	make(&p, 5000);
	packet_wrap(&p, FAR, OWN);
	arrive(lab, &p);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, FAR, FAR_COA);
}

/* Uplink every path of the subscriber is as good as any. */
static void test_uplink(void **state)
{
	struct lab *lab = *state;

	port_rule(lab, 1, 5000, 2);
	for (unsigned i = 0; i < 3; i++) {
		struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
		struct packet p, out;

		packet_udp(&p, LAB_HOME_OF, LAB_PEER, 100);
		packet_wrap(&p, remotes[i], LAB_LOCAL);
		packet_ether(&p, &dst, &src);
		lab_receive(lab, LAB_VISITED, &p);
		lab_walk(lab);
		lab_sent(lab, LAB_CORE, &out);
		lab_nothing(lab);
	}
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_by_rule, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_inner_untouched, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_drop, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_copies, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_path_lost, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_not_signalling, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_fragments_follow, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_fragments_together, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_fragments_bounded, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_packets_by_weight, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_any_row_of_two, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_flows_by_weight, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_rules_before_shares, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_other_fields, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_served_elsewhere, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_uplink, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
