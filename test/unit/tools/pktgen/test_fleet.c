/* The nodes that signal: operations, repetitions, what they know afterwards. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "proto/mobility/status.h"
#include "tools/pktgen/fleet.h"

enum { NODES = 10, SENT_MAX = 1000 };
#define MS(n) ((n)*CLOCK_NS_PER_MS)

static struct prefix6 prefixes[3];
static struct pktgen_config config;
static struct fleet *fleet;

/* Updates that were sent, in order. */
static struct {
	uint32_t node, wish;
	uint16_t sequence;
} sent[SENT_MAX];
static int sent_count;

static void note_sent(void *context, uint32_t node)
{
	const struct fleet_node *n = fleet_node(fleet, node);

	(void)context;
	assert_true(sent_count < SENT_MAX);
	sent[sent_count].node = node;
	sent[sent_count].wish = n->wish;
	sent[sent_count++].sequence = n->sequence;
}

static int setup(void **state)
{
	(void)state;
	config = (struct pktgen_config){
		.subscribers = {.count = NODES, .care_of_prefixes = {prefixes, 3}},
		.signalling = {.timeout_ms = 1000, .timeout_max_ms = 4000, .tries = 4}};
	sent_count = 0;
	fleet = fleet_open(&config, 0, note_sent, NULL);
	return fleet ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	fleet_close(fleet);
	return 0;
}

static void only(enum pktgen_op op)
{
	memset(config.signalling.weight, 0, sizeof(config.signalling.weight));
	config.signalling.weight[op] = 1;
}

static bool answer_last(uint8_t status, uint64_t now_ns)
{
	return fleet_answer(
		fleet, sent[sent_count - 1].node, status, sent[sent_count - 1].sequence, now_ns);
}

static void register_all(void)
{
	only(PKTGEN_REGISTER);
	for (int i = 0; i < NODES; i++) {
		assert_true(fleet_begin(fleet, MS(1)));
		assert_true(answer_last(0, MS(3)));
	}
}

static void test_register(void **state)
{
	const struct fleet_count *c = fleet_count(fleet, PKTGEN_REGISTER);

	(void)state;
	register_all();
	assert_false(fleet_begin(fleet, MS(3)));
	assert_int_equal(fleet_bound(fleet), NODES);
	assert_int_equal(fleet_asking(fleet), 0);
	assert_int_equal(c->asked, NODES);
	assert_int_equal(c->accepted, NODES);
	assert_int_equal(c->latency.count, NODES);
	assert_int_equal(c->latency.min, MS(2));
	for (int i = 0; i < NODES; i++)
		assert_int_equal(sent[i].wish, 0);
}

static void test_nothing_but_registration_is_possible_at_first(void **state)
{
	(void)state;
	only(PKTGEN_MOVE);
	assert_false(fleet_begin(fleet, 0));
	config.signalling.weight[PKTGEN_REGISTER] = 1;
	for (int i = 0; i < NODES; i++)
		assert_true(fleet_begin(fleet, 0));
	assert_int_equal(fleet_count(fleet, PKTGEN_REGISTER)->asked, NODES);
	assert_int_equal(fleet_asking(fleet), NODES);
	assert_false(fleet_begin(fleet, 0));
}

static void test_move_refresh_deregister(void **state)
{
	const struct fleet_node *n;
	uint32_t node, place;
	uint16_t sequence;

	(void)state;
	register_all();
	only(PKTGEN_MOVE);
	for (int i = 0; i < 50; i++) {
		assert_true(fleet_begin(fleet, MS(5)));
		n = fleet_node(fleet, sent[sent_count - 1].node);
		assert_int_not_equal(n->wish, n->place);
		assert_true(n->wish < 3);
		assert_true(answer_last(0, MS(6)));
		assert_int_equal(n->place, n->wish);
	}
	only(PKTGEN_REFRESH);
	assert_true(fleet_begin(fleet, MS(7)));
	node = sent[sent_count - 1].node;
	n = fleet_node(fleet, node);
	place = n->place;
	sequence = n->sequence;
	assert_int_equal(n->wish, place);
	assert_true(answer_last(0, MS(8)));
	assert_true(fleet_refresh(fleet, node, MS(9)));
	assert_false(fleet_refresh(fleet, node, MS(9)));
	assert_int_equal(n->sequence, (uint16_t)(sequence + 1));
	assert_true(answer_last(0, MS(10)));
	only(PKTGEN_DEREGISTER);
	while (fleet_begin(fleet, MS(11)))
		assert_true(answer_last(0, MS(12)));
	assert_int_equal(fleet_bound(fleet), 0);
	assert_false(fleet_refresh(fleet, node, MS(13)));
}

/* 1.5 s for a first registration, then 3 s and, at most, 4 s; four tries. */
static void test_repeated_and_given_up(void **state)
{
	const struct fleet_count *c = fleet_count(fleet, PKTGEN_REGISTER);
	static const struct {
		uint64_t until_ms;
		int sent;
	} steps[] = {{1499, 1}, {1502, 2}, {4499, 2}, {4504, 3}, {8499, 3}, {8506, 4}, {12499, 4}};
	const struct fleet_node *n;

	(void)state;
	only(PKTGEN_REGISTER);
	assert_true(fleet_begin(fleet, 0));
	n = fleet_node(fleet, sent[0].node);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		for (uint64_t ms = i ? steps[i - 1].until_ms : 0; ms <= steps[i].until_ms; ms++)
			fleet_advance(fleet, MS(ms));
		assert_int_equal(sent_count, steps[i].sent);
	}
	assert_true(n->asking && !n->sure);
	fleet_advance(fleet, MS(12510));
	assert_false(n->asking || n->sure || n->bound);
	assert_int_equal(c->lost, 1);
	assert_int_equal(c->repeated, 3);
	for (int i = 1; i < 4; i++)
		assert_int_equal(sent[i].sequence, (uint16_t)(sent[0].sequence + i));
	assert_false(answer_last(0, MS(12511)));
	while (n->tries != 1)
		assert_true(fleet_begin(fleet, MS(12512)));
	assert_true(fleet_answer(fleet, sent[0].node, 0, n->sequence, MS(12513)));
	assert_true(n->sure && n->bound);
}

static void test_an_answer_to_an_earlier_try_counts(void **state)
{
	(void)state;
	only(PKTGEN_REGISTER);
	assert_true(fleet_begin(fleet, 0));
	fleet_advance(fleet, MS(1600));
	assert_int_equal(sent_count, 2);
	assert_false(
		fleet_answer(fleet, sent[0].node, 0, (uint16_t)(sent[0].sequence - 1), MS(1700)));
	assert_false(
		fleet_answer(fleet, sent[0].node, 0, (uint16_t)(sent[1].sequence + 1), MS(1700)));
	assert_true(fleet_answer(fleet, sent[0].node, 0, sent[0].sequence, MS(1700)));
	assert_false(fleet_answer(fleet, sent[0].node, 0, sent[1].sequence, MS(1700)));
	assert_int_equal(fleet_count(fleet, PKTGEN_REGISTER)->latency.max, MS(1700));
	fleet_advance(fleet, MS(60000));
	assert_int_equal(sent_count, 2);
}

static void test_rejected(void **state)
{
	const struct fleet_count *c = fleet_count(fleet, PKTGEN_REFRESH);
	const struct fleet_node *n;

	(void)state;
	register_all();
	only(PKTGEN_REFRESH);
	assert_true(fleet_begin(fleet, MS(5)));
	n = fleet_node(fleet, sent[sent_count - 1].node);
	assert_true(answer_last(STATUS_BA_RESOURCES, MS(6)));
	assert_true(n->bound && n->sure);
	while (n->tries != 1 || !n->asking)
		assert_true(fleet_begin(fleet, MS(7)));
	assert_true(fleet_answer(fleet, sent[NODES].node, STATUS_BA_SEQUENCE, 4711, MS(8)));
	assert_int_equal(n->sequence, 4711);
	assert_true(n->bound);
	while (!n->asking)
		assert_true(fleet_begin(fleet, MS(9)));
	assert_true(fleet_answer(fleet, sent[NODES].node, STATUS_BA_NOT_HOME_AGENT, 4712, MS(10)));
	assert_false(n->bound);
	assert_true(n->sure);
	assert_int_equal(c->rejected[STATUS_BA_RESOURCES], 1);
	assert_int_equal(c->rejected[STATUS_BA_SEQUENCE], 1);
	assert_int_equal(c->rejected[STATUS_BA_NOT_HOME_AGENT], 1);
	assert_int_equal(c->accepted, 0);
}

/* A first try may have been carried out, its answer lost, and the second be refused. */
static void test_rejected_after_a_repetition_is_not_sure(void **state)
{
	(void)state;
	only(PKTGEN_REGISTER);
	assert_true(fleet_begin(fleet, 0));
	fleet_advance(fleet, MS(1600));
	assert_true(answer_last(STATUS_BA_RESOURCES, MS(1700)));
	assert_false(fleet_node(fleet, sent[0].node)->sure);
}

/* The home agent may still have a binding of a node that it refuses. */
static void test_rejected_at_first_is_not_sure(void **state)
{
	(void)state;
	only(PKTGEN_REGISTER);
	assert_true(fleet_begin(fleet, 0));
	assert_true(answer_last(STATUS_BA_RESOURCES, MS(1)));
	assert_false(fleet_node(fleet, sent[0].node)->sure);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_register),
		TEST(test_nothing_but_registration_is_possible_at_first),
		TEST(test_move_refresh_deregister),
		TEST(test_repeated_and_given_up),
		TEST(test_an_answer_to_an_earlier_try_counts),
		TEST(test_rejected),
		TEST(test_rejected_after_a_repetition_is_not_sure),
		TEST(test_rejected_at_first_is_not_sure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
