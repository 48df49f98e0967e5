/* Packets with numbers, put back into their order: what goes on when, and what does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "dataplane/tables/reorder.h"

enum {
	ROOM = 8,
	PACKETS = 4,
	LONGEST = 100,
	PATIENCE = 1000,
	BUFFERS = 63,
	MOST = 600,
};

struct world {
	struct rte_mempool *pool;
	struct reorder *r;
	struct order order, other;
	uint64_t now;
	uint32_t out[MOST]; /* numbers of those that went on */
	unsigned count;
};

static struct world world;

static void set_order(struct order *o, uint32_t packets)
{
	*o = (struct order){.subscriber = 1,
		.generation = 1,
		.packets = packets,
		.wait = LONGEST,
		.patience = PATIENCE,
		.first = ORDER_NONE,
		.last = ORDER_NONE};
}

static int setup_eal(void **state)
{
	static char *args[] = {"reorder", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "64", "-l", "0", "--log-level=error", NULL};

	(void)state;
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0)
		return -1;
	world.pool = rte_pktmbuf_pool_create("reorder", BUFFERS, 0, 0, 512, SOCKET_ID_ANY);
	return world.pool ? 0 : -1;
}

static int setup(void **state)
{
	struct rte_mempool *pool = world.pool;

	world = (struct world){.pool = pool, .r = reorder_create(ROOM), .now = 1000000};
	set_order(&world.order, PACKETS);
	set_order(&world.other, PACKETS);
	*state = &world;
	return world.r ? 0 : -1;
}

/* No buffer is missing, whatever waited. */
static int teardown(void **state)
{
	struct world *t = *state;

	reorder_destroy(t->r);
	return rte_mempool_avail_count(t->pool) == BUFFERS ? 0 : -1;
}

static void deliver(void *context, const struct order *order, struct rte_mbuf *m)
{
	struct world *t = context;
	uint32_t number;

	(void)order;
	memcpy(&number, rte_pktmbuf_mtod(m, void *), sizeof(number));
	assert_in_range(t->count, 0, MOST - 1);
	t->out[t->count++] = number;
	rte_pktmbuf_free(m);
}

static bool put_of(struct world *t, struct order *order, uint32_t number)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->pool);
	bool taken;

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, sizeof(number)), &number, sizeof(number));
	taken = reorder_put(t->r, order, m, number, t->now, deliver, t);
	if (!taken)
		rte_pktmbuf_free(m);
	return taken;
}

static bool put(struct world *t, uint32_t number)
{
	return put_of(t, &t->order, number);
}

/* These have gone on since the last time, and no others. */
static void expect(struct world *t, const uint32_t *numbers, unsigned count)
{
	assert_int_equal(t->count, count);
	for (unsigned i = 0; i < count; i++)
		assert_int_equal(t->out[i], numbers[i]);
	t->count = 0;
}
#define EXPECT(t, ...)                                                                             \
	expect(t, (const uint32_t[]){__VA_ARGS__},                                                 \
		sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static void counts(struct world *t, enum order_counter counter, uint64_t value)
{
	assert_int_equal(t->order.counters[counter], value);
}

static void pass_time(struct world *t, uint64_t cycles)
{
	t->now += cycles;
	reorder_expire(t->r, t->now, deliver, t);
}

static void in_order(void **state)
{
	struct world *t = *state;

	for (uint32_t i = 0; i < 3; i++)
		assert_true(put(t, i));
	EXPECT(t, 0, 1, 2);
	counts(t, ORDER_IN_ORDER, 3);
	counts(t, ORDER_REORDERED, 0);
	assert_int_equal(reorder_waiting(t->r), 0);
}

/* The first is 0, also when it comes second; a sender that is far on is taken where it is. */
static void beginning(void **state)
{
	struct world *t = *state;

	assert_true(put(t, 1));
	expect(t, NULL, 0);
	assert_true(put(t, 0));
	EXPECT(t, 0, 1);
	assert_true(put_of(t, &t->other, 70000));
	EXPECT(t, 70000);
}

static void put_right(void **state)
{
	struct world *t = *state;

	put(t, 0);
	put(t, 3);
	put(t, 1);
	put(t, 4);
	EXPECT(t, 0, 1);
	assert_int_equal(reorder_waiting(t->r), 2);
	put(t, 2);
	EXPECT(t, 2, 3, 4);
	assert_int_equal(reorder_waiting(t->r), 0);
	counts(t, ORDER_IN_ORDER, 1);
	counts(t, ORDER_HELD, 2);
	counts(t, ORDER_REORDERED, 2);
	counts(t, ORDER_RESTORED, 2);
	counts(t, ORDER_LATE, 0);
}

static void backwards(void **state)
{
	struct world *t = *state;

	for (uint32_t i = 5; i-- > 0;)
		put(t, i);
	EXPECT(t, 0, 1, 2, 3, 4);
}

static void wraps(void **state)
{
	struct world *t = *state;

	put(t, UINT32_MAX - 2);
	put(t, 1);
	put(t, UINT32_MAX);
	put(t, 0);
	EXPECT(t, UINT32_MAX - 2);
	put(t, UINT32_MAX - 1);
	EXPECT(t, UINT32_MAX - 1, UINT32_MAX, 0, 1);
	assert_true(put(t, 2));
	assert_false(put(t, UINT32_MAX));
	EXPECT(t, 2);
	counts(t, ORDER_LATE, 1);
}

/* One that never comes is waited for as long as that is set, not longer (RFC 2890, 2.2). */
static void loss(void **state)
{
	struct world *t = *state;

	put(t, 0);
	put(t, 2);
	t->now += LONGEST / 2;
	put(t, 3);
	put(t, 5);
	EXPECT(t, 0);
	pass_time(t, LONGEST / 2 - 1);
	expect(t, NULL, 0);
	pass_time(t, 1);
	EXPECT(t, 2, 3);
	counts(t, ORDER_TIMED_OUT, 1);
	pass_time(t, LONGEST / 2 - 1);
	expect(t, NULL, 0);
	pass_time(t, 1);
	EXPECT(t, 5);
	assert_false(put(t, 1));
	assert_false(put(t, 4));
	expect(t, NULL, 0);
	counts(t, ORDER_LATE, 2);
	counts(t, ORDER_REORDERED, 2);
	counts(t, ORDER_RESTORED, 0);
	assert_true(put(t, 6));
	EXPECT(t, 6);
}

/* One whose time is up goes with those that are before it, though these came after it. */
static void due_with_earlier_ones(void **state)
{
	struct world *t = *state;

	put(t, 0);
	put(t, 5);
	t->now += LONGEST - 1;
	put(t, 3);
	pass_time(t, 1);
	EXPECT(t, 0, 3, 5);
	counts(t, ORDER_TIMED_OUT, 2);
	assert_int_equal(reorder_waiting(t->r), 0);
}

static void duplicates(void **state)
{
	struct world *t = *state;

	put(t, 0);
	assert_false(put(t, 0));
	put(t, 2);
	assert_false(put(t, 2));
	put(t, 1);
	EXPECT(t, 0, 1, 2);
	counts(t, ORDER_LATE, 2);
	assert_int_equal(reorder_waiting(t->r), 0);
}

/* When as many wait as may, the first of them goes, and what is missing before it is late. */
static void bound(void **state)
{
	struct world *t = *state;

	put(t, 0);
	for (uint32_t i = 0; i < PACKETS; i++)
		put(t, 2 + 2 * i);
	EXPECT(t, 0);
	put(t, 20);
	EXPECT(t, 2);
	assert_int_equal(reorder_waiting(t->r), PACKETS);
	counts(t, ORDER_NO_ROOM, 1);
	assert_false(put(t, 1));
	/* One that is before all that wait goes itself. */
	put(t, 3);
	EXPECT(t, 3, 4);
	assert_int_equal(reorder_waiting(t->r), PACKETS - 1);
	/* The one that this makes the next does not wait. */
	put(t, 30);
	put(t, 9);
	EXPECT(t, 6);
	counts(t, ORDER_NO_ROOM, 2);
	pass_time(t, LONGEST);
	EXPECT(t, 8, 9, 20, 30);
}

/* Those of all together are bounded too: where there is no room, nothing waits. */
static void bound_of_all(void **state)
{
	struct world *t = *state;
	struct order third;

	set_order(&third, PACKETS);
	put(t, 0);
	put_of(t, &t->other, 0);
	put_of(t, &third, 0);
	for (uint32_t i = 0; i < PACKETS; i++) {
		put(t, 10 + i);
		put_of(t, &t->other, 10 + i);
	}
	EXPECT(t, 0, 0, 0);
	assert_int_equal(reorder_waiting(t->r), ROOM);
	put_of(t, &third, 2);
	EXPECT(t, 2);
	assert_int_equal(third.counters[ORDER_NO_ROOM], 1);
	put(t, 20);
	EXPECT(t, 10, 11, 12, 13);
}

/* Without waiting all goes on, and what is out of order is counted. */
static void only_counted(void **state)
{
	static const uint32_t numbers[] = {0, 2, 1, 3, 6, 4, 5, 7};
	struct world *t = *state;

	set_order(&t->order, 0);
	for (unsigned i = 0; i < 8; i++)
		assert_true(put(t, numbers[i]));
	expect(t, numbers, 8);
	counts(t, ORDER_REORDERED, 3);
	counts(t, ORDER_LATE, 3);
	counts(t, ORDER_RESTORED, 0);
	counts(t, ORDER_HELD, 0);
}

/* A sender that has begun anew is heard after a while, and then all of it is. */
static void sender_begins_anew(void **state)
{
	struct world *t = *state;

	put(t, 5000);
	put(t, 5002);
	EXPECT(t, 5000);
	assert_false(put(t, 0));
	t->now += PATIENCE;
	assert_false(put(t, 1));
	t->now += 1;
	assert_true(put(t, 2));
	EXPECT(t, 5002, 2);
	assert_true(put(t, 3));
	EXPECT(t, 3);
	/* A few late ones are not that, while others come. */
	t->now += 2 * PATIENCE;
	assert_false(put(t, 1));
	assert_true(put(t, 4));
	t->now += 2 * PATIENCE;
	assert_false(put(t, 1));
}

/* What waits for a subscriber that has gone comes out when its time is up, whoever has its order
 * then. */
static void order_is_gone(void **state)
{
	struct world *t = *state;

	put(t, 0);
	put(t, 3);
	put(t, 2);
	EXPECT(t, 0);
	set_order(&t->order, PACKETS);
	t->order.generation = 2;
	put(t, 0);
	put(t, 7);
	EXPECT(t, 0);
	pass_time(t, LONGEST);
	EXPECT(t, 3, 2, 7);
	assert_int_equal(reorder_waiting(t->r), 0);
}

/* It has gone while a packet was on its way here, and is nobody's when that is let go. */
static void order_goes_meanwhile(void **state)
{
	struct world *t = *state;

	put(t, 0);
	t->order.generation = 0;
	put(t, 2);
	EXPECT(t, 0);
	set_order(&t->order, PACKETS);
	t->order.generation = 0;
	pass_time(t, LONGEST);
	EXPECT(t, 2);
	assert_int_equal(reorder_waiting(t->r), 0);
}

/* What waits is freed with the rest; the teardown counts. */
static void ends_while_packets_wait(void **state)
{
	struct world *t = *state;

	put(t, 2);
	put(t, 1);
	assert_int_equal(reorder_waiting(t->r), 2);
}

/* In whatever order they come, each goes on once, in ascending order, if no more are on their way
 * than may wait. */
static void shuffled(void **state)
{
	struct world *t = *state;
	uint32_t seed = 1, numbers[MOST];

	for (uint32_t i = 0; i < MOST; i++)
		numbers[i] = i;
	for (uint32_t i = 0; i + PACKETS <= MOST; i += PACKETS)
		for (uint32_t k = PACKETS - 1; k > 0; k--) {
			seed = seed * 1664525 + 1013904223;
			uint32_t with = (seed >> 16) % (k + 1), was = numbers[i + k];

			numbers[i + k] = numbers[i + with];
			numbers[i + with] = was;
		}
	for (uint32_t i = 0; i < MOST; i++)
		assert_true(put(t, numbers[i]));
	assert_int_equal(t->count, MOST);
	for (uint32_t i = 0; i < MOST; i++)
		assert_int_equal(t->out[i], i);
	counts(t, ORDER_NO_ROOM, 0);
	counts(t, ORDER_LATE, 0);
	assert_int_equal(t->order.counters[ORDER_REORDERED], t->order.counters[ORDER_RESTORED]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(beginning, setup, teardown),
		cmocka_unit_test_setup_teardown(put_right, setup, teardown),
		cmocka_unit_test_setup_teardown(backwards, setup, teardown),
		cmocka_unit_test_setup_teardown(wraps, setup, teardown),
		cmocka_unit_test_setup_teardown(loss, setup, teardown),
		cmocka_unit_test_setup_teardown(due_with_earlier_ones, setup, teardown),
		cmocka_unit_test_setup_teardown(duplicates, setup, teardown),
		cmocka_unit_test_setup_teardown(bound, setup, teardown),
		cmocka_unit_test_setup_teardown(bound_of_all, setup, teardown),
		cmocka_unit_test_setup_teardown(only_counted, setup, teardown),
		cmocka_unit_test_setup_teardown(sender_begins_anew, setup, teardown),
		cmocka_unit_test_setup_teardown(order_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(order_goes_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(ends_while_packets_wait, setup, teardown),
		cmocka_unit_test_setup_teardown(shuffled, setup, teardown),
	};

	return cmocka_run_group_tests(tests, setup_eal, NULL);
}
