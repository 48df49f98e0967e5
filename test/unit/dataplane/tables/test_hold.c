/* Packets that wait in a worker: in their order, for each of whom they are for, and no more than
 * there is room for; and how many wait because of a path. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>
#include <rte_eal.h>
#include <rte_mbuf.h>

#include "dataplane/tables/hold.h"

enum { ROOM = 8, BUFFERS = 63, PATH = 5, GENERATION = 3, UNTIL = 1000, QUEUES = 4 };

struct world {
	struct rte_mempool *pool;
	struct hold *h;
};

static struct world world;

static int setup_eal(void **state)
{
	static char *args[] = {"hold", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "64", "-l", "0", "--log-level=error", NULL};

	(void)state;
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0)
		return -1;
	world.pool = rte_pktmbuf_pool_create("hold", BUFFERS, 0, 0, 512, SOCKET_ID_ANY);
	return world.pool ? 0 : -1;
}

static int setup(void **state)
{
	world.h = hold_create(ROOM);
	*state = &world;
	return world.h ? 0 : -1;
}

/* No buffer is missing, whatever waited. */
static int teardown(void **state)
{
	struct world *t = *state;

	hold_destroy(t->h);
	return rte_mempool_avail_count(t->pool) == BUFFERS ? 0 : -1;
}

static struct hold_key key_of(uint64_t id, uint64_t prefix)
{
	return (struct hold_key){.id = id, .prefix = prefix};
}

static bool put(struct world *t, uint64_t id, uint64_t prefix, uint32_t number)
{
	const struct path_ticket ticket = {PATH, GENERATION};
	const struct hold_key key = key_of(id, prefix);
	struct rte_mbuf *m = rte_pktmbuf_alloc(t->pool);

	assert_non_null(m);
	memcpy(rte_pktmbuf_append(m, sizeof(number)), &number, sizeof(number));
	if (hold_put(t->h, &key, m, &ticket, UNTIL + number))
		return true;
	rte_pktmbuf_free(m);
	return false;
}

/* The next packet of a queue has this number. Whether there are more. */
static bool take(struct world *t, uint64_t id, uint64_t prefix, uint32_t number)
{
	const struct hold_key key = key_of(id, prefix);
	struct hold_queue *q = hold_find(t->h, &key);
	struct hold_packet packet;
	bool more;

	assert_non_null(q);
	assert_int_equal(hold_first(t->h, q)->until, UNTIL + number);
	more = hold_take(t->h, q, &packet);
	assert_memory_equal(rte_pktmbuf_mtod(packet.m, void *), &number, sizeof(number));
	assert_int_equal(packet.until, UNTIL + number);
	assert_int_equal(packet.ticket.path, PATH);
	assert_int_equal(packet.ticket.generation, GENERATION);
	rte_pktmbuf_free(packet.m);
	return more;
}

static void in_order_for_each(void **state)
{
	const struct hold_key one = key_of(1, 0), none = key_of(3, 0);
	struct world *t = *state;

	for (uint32_t i = 0; i < 3; i++) {
		assert_true(put(t, 1, 0, i));
		assert_true(put(t, 1, 7, 10 + i));
	}
	assert_int_equal(hold_waiting(t->h), 6);
	assert_int_equal(hold_queues(t->h), 2);
	assert_null(hold_find(t->h, &none));
	assert_true(take(t, 1, 0, 0));
	assert_true(take(t, 1, 7, 10));
	assert_true(put(t, 1, 0, 3));
	assert_true(take(t, 1, 0, 1));
	assert_true(take(t, 1, 0, 2));
	assert_false(take(t, 1, 0, 3));
	assert_null(hold_find(t->h, &one));
	assert_true(take(t, 1, 7, 11));
	assert_false(take(t, 1, 7, 12));
	assert_int_equal(hold_waiting(t->h), 0);
	assert_int_equal(hold_queues(t->h), 0);
}

static void no_more_than_there_is_room(void **state)
{
	struct world *t = *state;

	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < ROOM; i++)
			assert_true(put(t, 1 + i, 0, i));
		assert_false(put(t, 1, 0, 99));
		assert_false(put(t, 99, 0, 99));
		for (uint32_t i = 0; i < ROOM; i++)
			assert_false(take(t, 1 + i, 0, i));
	}
}

static uint64_t whose_turn(struct world *t)
{
	struct hold_queue *q = hold_turn(t->h);

	return q ? q->key.id : 0;
}

static void all_have_their_turns(void **state)
{
	struct world *t = *state;

	assert_int_equal(whose_turn(t), 0);
	for (uint32_t i = 1; i <= QUEUES; i++)
		assert_true(put(t, i, 0, i));
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 1; i <= QUEUES; i++)
			assert_int_equal(whose_turn(t), i);
	/* One that goes costs no other its turn, and a new one comes behind all. */
	assert_int_equal(whose_turn(t), 1);
	take(t, 2, 0, 2);
	assert_true(put(t, 9, 0, 9));
	assert_int_equal(whose_turn(t), 3);
	take(t, 3, 0, 3);
	assert_int_equal(whose_turn(t), 4);
	assert_int_equal(whose_turn(t), 1);
	assert_int_equal(whose_turn(t), 9);
	assert_int_equal(whose_turn(t), 4);
}

/* A path lets wait as many as it says, and none once it has ended. */
static void as_many_as_a_path_says(void **state)
{
	struct path_hold hold = {.state = (uint64_t)GENERATION << 32, .packets = 2, .ms = 1};
	const struct path_ticket other = {PATH, GENERATION + 1};
	struct path_ticket ticket = {0};

	(void)state;
	assert_int_equal(path_hold_enter(&hold, PATH, &ticket), PATH_HOLD_WAIT);
	assert_int_equal(ticket.path, PATH);
	assert_int_equal(ticket.generation, GENERATION);
	assert_int_equal(path_hold_enter(&hold, PATH, &ticket), PATH_HOLD_WAIT);
	assert_int_equal(path_hold_enter(&hold, PATH, &ticket), PATH_HOLD_FULL);
	path_hold_leave(&hold, &other);
	assert_int_equal(path_hold_waiting(&hold), 2);
	path_hold_leave(&hold, &ticket);
	assert_int_equal(path_hold_waiting(&hold), 1);
	assert_true(path_hold_lasts(&hold, &ticket));
	assert_false(path_hold_lasts(&hold, &other));
	assert_int_equal(path_hold_end(&hold), 1);
	assert_int_equal(path_hold_enter(&hold, PATH, &ticket), PATH_HOLD_OVER);
	assert_false(path_hold_lasts(&hold, &ticket));
	path_hold_leave(&hold, &ticket);
	assert_int_equal(path_hold_waiting(&hold), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order_for_each, setup, teardown),
		cmocka_unit_test_setup_teardown(no_more_than_there_is_room, setup, teardown),
		cmocka_unit_test_setup_teardown(all_have_their_turns, setup, teardown),
		cmocka_unit_test(as_many_as_a_path_says),
	};

	return cmocka_run_group_tests(tests, setup_eal, NULL);
}
