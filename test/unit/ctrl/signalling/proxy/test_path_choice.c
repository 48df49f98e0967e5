/* Which of several ways is the best, and when that changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/signalling/proxy/path_choice.h"
#include "ways_rig.h"

enum {
	MARGIN_MS = 10,
	LOSS_MARGIN = 40,
};

static struct {
	struct path_choice *choice;
	unsigned changes;
	uint8_t best, was;
	const char *peer; /* of the last change */
} rig;

static void on_best(void *context, const char *peer, uint8_t bid, uint8_t was)
{
	(void)context;
	rig.changes++;
	rig.peer = peer;
	rig.best = bid;
	rig.was = was;
}

static int setup(void **state)
{
	const struct path_choice_config choice = {.delay_margin_ns = MARGIN_MS * CLOCK_NS_PER_MS,
		.loss_margin = LOSS_MARGIN,
		.hold_ns = HOLD_MS * CLOCK_NS_PER_MS};

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.choice = path_choice_new(&choice, ways_open());
	use(LTE, "peer");
	use(WLAN, "peer");
	return ways.watch && rig.choice ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	path_choice_free(rig.choice);
	path_watch_free(ways.watch);
	return 0;
}

static void turn(void)
{
	path_choice_turn(rig.choice, ways.now, on_best, NULL);
}

static void pass(unsigned ms)
{
	ways_pass(ms, turn);
}

static bool is_best(uint8_t way)
{
	const struct path_watch_use u = path_rig_use(way, "peer");

	return path_choice_is_best(rig.choice, &u.local, &u.remote);
}

/* Of equals the first, and it stays. */
static void the_first_of_equals(void **state)
{
	(void)state;
	assert_false(is_best(LTE));
	pass(5000);
	assert_int_equal(rig.changes, 1);
	assert_string_equal(rig.peer, "peer");
	assert_int_equal(rig.best, LTE);
	assert_int_equal(rig.was, 0);
	assert_true(is_best(LTE));
	assert_false(is_best(WLAN));
	pass(60000);
	assert_int_equal(rig.changes, 1);
}

/* Whoever is not measured is not chosen, be it the first. */
static void only_what_is_measured(void **state)
{
	(void)state;
	ways.lose_each[LTE] = 1;
	pass(5000);
	assert_int_equal(rig.best, WLAN);
}

static void less_delay(void **state)
{
	(void)state;
	pass(5000);
	ways.delay_ms[LTE] = 20 + 2 * MARGIN_MS;
	pass(HOLD_MS);
	assert_true(is_best(LTE)); /* not yet for long enough */
	pass(HOLD_MS);
	assert_true(is_best(WLAN));
	assert_int_equal(rig.changes, 2);
	assert_int_equal(rig.was, LTE);
}

static void less_loss_counts_first(void **state)
{
	(void)state;
	ways.delay_ms[WLAN] = 20 + 5 * MARGIN_MS;
	pass(5000);
	assert_true(is_best(LTE));
	ways.lose_each[LTE] = 10;
	pass(20000);
	assert_true(is_best(WLAN));
	ways.lose_each[LTE] = 0;
	pass(20000);
	assert_true(is_best(LTE));
}

/* What is a little better, or better only now and then, changes nothing. */
static void it_does_not_flap(void **state)
{
	(void)state;
	pass(5000);
	ways.delay_ms[WLAN] = 20 - MARGIN_MS + 2;
	ways.lose_each[LTE] = 50;
	pass(60000);
	assert_int_equal(rig.changes, 1);
	ways.lose_each[LTE] = 0;
	for (int i = 0; i < 20; i++) {
		ways.delay_ms[WLAN] = i % 2 ? 20 : 2;
		pass(HOLD_MS * 9 / 10);
	}
	assert_int_equal(rig.changes, 1);
}

/* One that is down is as bad as can be; it comes back, and is no better than the other then. */
static void down_and_up(void **state)
{
	(void)state;
	pass(5000);
	ways.lose_each[LTE] = 1;
	pass(2 * HOLD_MS);
	assert_true(is_best(WLAN));
	ways.lose_each[LTE] = 0;
	pass(60000);
	assert_true(is_best(WLAN));
	assert_int_equal(rig.changes, 2);
}

/* What the peer tells counts if it is worse, and no longer than it lasts. */
static void what_the_peer_tells(void **state)
{
	const struct path_watch_figures slow = {.delay_ns = 200 * CLOCK_NS_PER_MS};
	const struct path_watch_figures fine = {.delay_ns = 1};

	(void)state;
	pass(5000);
	path_watch_tell(ways.watch, "other", LTE, &slow, 10 * CLOCK_NS_PER_S);
	path_watch_tell(ways.watch, "peer", WLAN, &fine, 10 * CLOCK_NS_PER_S);
	pass(2 * HOLD_MS);
	assert_true(is_best(LTE));
	path_watch_tell(ways.watch, "peer", LTE, &slow, 10 * CLOCK_NS_PER_S);
	pass(2 * HOLD_MS);
	assert_true(is_best(WLAN));
	ways.delay_ms[LTE] = 2;
	pass(2 * HOLD_MS);
	assert_true(is_best(LTE));
}

/* Each peer for itself; of tunnels of one binding the worst counts. */
static void peers_and_their_bindings(void **state)
{
	struct path_watch_use twin = path_rig_use(4, "peer");

	(void)state;
	use(3, "another");
	pass(5000);
	assert_int_equal(rig.changes, 2);
	twin.bid = LTE;
	ways.delay_ms[4] = 90;
	assert_int_equal(path_watch_use(ways.watch, &twin, UINT64_MAX), 0);
	pass(2 * HOLD_MS);
	assert_true(is_best(WLAN));
	assert_false(is_best(4));
	assert_int_equal(rig.changes, 3);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_first_of_equals),
		TEST(only_what_is_measured),
		TEST(less_delay),
		TEST(less_loss_counts_first),
		TEST(it_does_not_flap),
		TEST(down_and_up),
		TEST(what_the_peer_tells),
		TEST(peers_and_their_bindings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
