/* What nodes report through their tunnels: RFC 6275, 10.4.3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "ctrl/mcast/reported.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"

#define S 1000000000ull

enum { NODES = 3, SUBSCRIBER = 70 };

struct fixture {
	struct wheel wheel;
	uint64_t now;
	struct reported *r;
	uint64_t counters[QUERIER_COUNTERS];
	/* By node. */
	unsigned general[NODES], specific[NODES];
	bool listens[NODES];
	bool unreachable;
};

static const struct in6_addr link_local = {.s6_addr = {0xfe, 0x80, [15] = 9}};

static struct reported_node node_of(unsigned n)
{
	struct reported_node node = {.subscriber = SUBSCRIBER + n};

	assert_int_equal(addr_parse("2001:db8:100::", &node.home), 0);
	node.home.s6_addr[15] = (uint8_t)n;
	return node;
}

static struct in6_addr group_of(unsigned n)
{
	struct in6_addr group;

	assert_int_equal(addr_parse("ff1e::", &group), 0);
	group.s6_addr[15] = (uint8_t)n;
	return group;
}

static unsigned number_of(const struct reported_node *node)
{
	const unsigned n = node->home.s6_addr[15];

	assert_true(n < NODES);
	assert_int_equal(node->subscriber, SUBSCRIBER + n);
	return n;
}

static int send_query(void *context, const struct reported_node *node, const struct in6_addr *dst,
	uint8_t *buf, size_t len)
{
	struct fixture *f = context;
	const unsigned n = number_of(node);
	struct mcast_query query;

	assert_int_equal(
		mcast_query_decode(buf + MLD_PACKET_HEAD, len, &query, NULL), MCAST_FAULT_NONE);
	if (f->unreachable)
		return -1;
	if (dst->s6_addr[1] == 2)
		f->general[n]++;
	else
		f->specific[n]++;
	return 0;
}

static bool allows(void *context, const struct reported_node *node, const struct in6_addr *group)
{
	(void)context;
	number_of(node);
	return group->s6_addr[15] < 100;
}

static void changed(void *context, const struct reported_node *node, const struct in6_addr *group,
	const struct mcast_state *state)
{
	struct fixture *f = context;

	(void)group;
	f->listens[number_of(node)] = state->count > 0;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.now = 1000 * S;
	wheel_init(&f.wheel, f.now, NULL);
	const struct reported_config config = {.querier = {.robustness = 2,
						       .interval_ms = 125000,
						       .response_ms = 10000,
						       .last_ms = 1000,
						       .max_groups = 2},
		.ops = {.send = send_query, .allows = allows, .changed = changed},
		.context = &f,
		.wheel = &f.wheel,
		.counters = f.counters};
	f.r = reported_new(&config);
	*state = &f;
	return f.r ? 0 : -1;
}

static int teardown(void **state)
{
	reported_free(((struct fixture *)*state)->r);
	return 0;
}

static void pass(struct fixture *f, uint64_t ns)
{
	const uint64_t end = f->now + ns;

	while (f->now < end) {
		f->now = f->now + S / 10 < end ? f->now + S / 10 : end;
		wheel_advance(&f->wheel, f->now, 0);
	}
}

static void serve(struct fixture *f, unsigned n)
{
	const struct reported_node node = node_of(n);

	assert_int_equal(reported_serve(f->r, &node, f->now), 0);
}

/* Whether it was heeded. */
static bool report(struct fixture *f, unsigned n, enum mcast_record_type type, unsigned group)
{
	const struct reported_node node = node_of(n);
	const struct in6_addr addr = group_of(group);
	const struct mcast_record record = {.type = (uint8_t)type, .group = addr.s6_addr};
	struct mcast_writer w;
	uint8_t buf[1024];
	ssize_t len;
	bool heeded;

	mcast_writer_init(&w, MCAST_MLD2_REPORT, &record, 1);
	len = mcast_writer_next(&w, buf, sizeof(buf));
	assert_true(len > 0);
	heeded = reported_receive(f->r, &node.home, &link_local, buf, (size_t)len, f->now);
	wheel_advance(&f->wheel, f->now, 0);
	return heeded;
}

static void test_joins_and_leaves(void **state)
{
	struct fixture *f = *state;

	serve(f, 1);
	assert_true(report(f, 1, MCAST_TO_EXCLUDE, 5));
	assert_true(f->listens[1]);
	assert_true(report(f, 1, MCAST_TO_INCLUDE, 5));
	assert_int_equal(f->specific[1], 1);
	assert_true(f->listens[1]);
	pass(f, 3 * S);
	assert_false(f->listens[1]);
	assert_int_equal(f->specific[1], 2);
	assert_false(f->listens[2]);
	assert_true(report(f, 1, MCAST_TO_EXCLUDE, 100));
	assert_int_equal(f->counters[QUERIER_FORBIDDEN], 1);
}

/* What is not said again is forgotten: 2 * 125 s + 10 s (RFC 3810, 9.4). */
static void test_soft_state(void **state)
{
	struct fixture *f = *state;

	serve(f, 1);
	assert_true(report(f, 1, MCAST_IS_EXCLUDE, 5));
	pass(f, 200 * S);
	assert_true(report(f, 1, MCAST_IS_EXCLUDE, 5));
	pass(f, 259 * S);
	assert_true(f->listens[1]);
	pass(f, 2 * S);
	assert_false(f->listens[1]);
}

/* All who have a binding are asked, also those that have said nothing; many not at once. */
static void test_all_are_asked(void **state)
{
	struct fixture *f = *state;

	for (unsigned n = 0; n < NODES; n++)
		serve(f, n);
	serve(f, 0);
	pass(f, S);
	for (unsigned n = 0; n < NODES; n++)
		assert_int_equal(f->general[n], 1);
	pass(f, 300 * S);
	for (unsigned n = 0; n < NODES; n++)
		assert_int_equal(f->general[n], 4);
	const struct reported_node node = node_of(1);

	assert_true(reported_asks(f->r, &node.home));
	reported_end(f->r, &node.home);
	assert_false(reported_asks(f->r, &node.home));
	pass(f, 300 * S);
	assert_int_equal(f->general[1], 4);
	assert_true(f->general[0] > 4);
}

/* After a restart: nobody can be asked before a data plane is there; then all are, at once. */
static void test_retry(void **state)
{
	struct fixture *f = *state;
	const struct reported_node gone = node_of(0), told = node_of(1);

	f->unreachable = true;
	for (unsigned n = 0; n < NODES; n++)
		serve(f, n);
	pass(f, S / 10);
	assert_int_equal(f->counters[QUERIER_UNSENT], NODES);
	reported_end(f->r, &gone.home);
	reported_told(f->r, &told);
	f->unreachable = false;
	reported_retry(f->r, f->now);
	pass(f, S / 10);
	assert_int_equal(f->general[0] + f->general[1], 0);
	assert_int_equal(f->general[2], 1);
	reported_retry(f->r, f->now);
	pass(f, S / 10);
	assert_int_equal(f->general[2], 1);
}

static void test_an_option_wins(void **state)
{
	struct fixture *f = *state;
	const struct reported_node node = node_of(1), other = node_of(2);

	serve(f, 1);
	assert_true(report(f, 1, MCAST_TO_EXCLUDE, 5));
	assert_true(report(f, 1, MCAST_TO_EXCLUDE, 6));
	assert_int_equal(reported_told(f->r, &node), 2);
	assert_false(reported_asks(f->r, &node.home));
	assert_false(report(f, 1, MCAST_TO_EXCLUDE, 7));
	serve(f, 1);
	assert_false(report(f, 1, MCAST_TO_EXCLUDE, 7));
	pass(f, 300 * S);
	assert_int_equal(f->general[1], 0);
	assert_int_equal(reported_told(f->r, &node), 0);
	/* One that nothing is known of, too; until its binding ends. */
	assert_int_equal(reported_told(f->r, &other), 0);
	serve(f, 2);
	assert_false(report(f, 2, MCAST_TO_EXCLUDE, 5));
	reported_end(f->r, &other.home);
	serve(f, 2);
	assert_true(report(f, 2, MCAST_TO_EXCLUDE, 5));
	assert_true(f->listens[2]);
}

static void test_others_are_not_heeded(void **state)
{
	struct fixture *f = *state;
	const struct reported_node node = node_of(1);
	const struct in6_addr none = {0};
	const struct mcast_query query = {
		.type = MCAST_MLD_QUERY, .response_ms = 1000, .group = none.s6_addr};
	uint8_t buf[64];
	ssize_t len;

	assert_false(report(f, 1, MCAST_TO_EXCLUDE, 5));
	serve(f, 1);
	len = mcast_query_encode(&query, buf, sizeof(buf));
	assert_true(len > 0);
	assert_false(reported_receive(f->r, &node.home, &link_local, buf, (size_t)len, f->now));
	assert_int_equal(f->counters[QUERIER_HEARD], 0);
}

/* As many groups as a node may have are kept. */
static void test_limits(void **state)
{
	struct fixture *f = *state;

	serve(f, 1);
	for (unsigned group = 1; group < 4; group++)
		assert_true(report(f, 1, MCAST_TO_EXCLUDE, group));
	assert_int_equal(f->counters[QUERIER_GROUPS_FULL], 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_joins_and_leaves),
		TEST(test_soft_state),
		TEST(test_all_are_asked),
		TEST(test_retry),
		TEST(test_an_option_wins),
		TEST(test_others_are_not_heeded),
		TEST(test_limits),
	};

	return cmocka_run_group_tests_name("reported", tests, NULL, NULL);
}
