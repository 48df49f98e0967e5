/* Which of several ways is the best, and when that changes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ctrl/signalling/path_choice.h"
#include "path_rig.h"

enum {
	INTERVAL_MS = 100,
	TURN_MS = 500,
	MARGIN_MS = 10,
	LOSS_MARGIN = 40,
	HOLD_MS = 5000,
	WAYS = 5,
	WAITING = 64,
	LTE = 1,
	WLAN = 2,
};

/* An answer that is on its way. */
struct waiting {
	uint64_t due_ns;
	uint8_t packet[PATH_RIG_PROBE];
};

static struct {
	struct path_watch *watch;
	struct path_choice *choice;
	uint64_t now;
	unsigned delay_ms[WAYS], lose_each[WAYS], probes[WAYS]; /* by identifier */
	struct waiting waiting[WAITING];
	unsigned changes;
	uint8_t best, was;
	const char *peer; /* of the last change */
} rig;

/* The far end answers after a while, or does not. */
static int op_send(void *context, uint64_t data_plane, const uint8_t *packet, size_t len)
{
	const uint8_t way = packet[23];

	(void)context;
	(void)data_plane;
	assert_int_equal(len, PATH_RIG_PROBE);
	rig.probes[way]++;
	if (rig.lose_each[way] && rig.probes[way] % rig.lose_each[way] == 0)
		return 0;
	for (unsigned i = 0; i < WAITING; i++)
		if (!rig.waiting[i].due_ns) {
			path_rig_answer(packet, rig.waiting[i].packet);
			rig.waiting[i].due_ns = rig.now + rig.delay_ms[way] * CLOCK_NS_PER_MS;
			return 0;
		}
	fail();
	return -1;
}

static void op_changed(void *context, const struct path_watch_tunnel *tunnel)
{
	(void)context;
	(void)tunnel;
}

static uint64_t op_now(void *context)
{
	(void)context;
	return rig.now;
}

static void on_best(void *context, const char *peer, uint8_t bid, uint8_t was)
{
	(void)context;
	rig.changes++;
	rig.peer = peer;
	rig.best = bid;
	rig.was = was;
}

static void use(uint8_t way, const char *peer)
{
	const struct path_watch_use u = path_rig_use(way, peer);

	assert_int_equal(path_watch_use(rig.watch, &u, UINT64_MAX), 0);
}

static int setup(void **state)
{
	const struct path_watch_config watch = {INTERVAL_MS, 3, 5};
	const struct path_watch_ops ops = {
		.send = op_send, .changed = op_changed, .now_ns = op_now, .real_ns = op_now};
	const struct path_choice_config choice = {.delay_margin_ns = MARGIN_MS * CLOCK_NS_PER_MS,
		.loss_margin = LOSS_MARGIN,
		.hold_ns = HOLD_MS * CLOCK_NS_PER_MS};

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.now = 1000 * CLOCK_NS_PER_S;
	rig.watch = path_watch_new(&watch, &ops, 1);
	rig.choice = path_choice_new(&choice, rig.watch);
	rig.delay_ms[LTE] = rig.delay_ms[WLAN] = 20;
	use(LTE, "peer");
	use(WLAN, "peer");
	return rig.watch && rig.choice ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	path_choice_free(rig.choice);
	path_watch_free(rig.watch);
	return 0;
}

static void pass(unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		rig.now += CLOCK_NS_PER_MS;
		wheel_advance(path_watch_wheel(rig.watch), rig.now, 0);
		for (struct waiting *w = rig.waiting; w < rig.waiting + WAITING; w++)
			if (w->due_ns && w->due_ns <= rig.now) {
				w->due_ns = 0;
				path_watch_receive(rig.watch, w->packet, sizeof(w->packet));
			}
		if (rig.now / CLOCK_NS_PER_MS % TURN_MS == 0)
			path_choice_turn(rig.choice, rig.now, on_best, NULL);
	}
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
	rig.lose_each[LTE] = 1;
	pass(5000);
	assert_int_equal(rig.best, WLAN);
}

static void less_delay(void **state)
{
	(void)state;
	pass(5000);
	rig.delay_ms[LTE] = 20 + 2 * MARGIN_MS;
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
	rig.delay_ms[WLAN] = 20 + 5 * MARGIN_MS;
	pass(5000);
	assert_true(is_best(LTE));
	rig.lose_each[LTE] = 10;
	pass(20000);
	assert_true(is_best(WLAN));
	rig.lose_each[LTE] = 0;
	pass(20000);
	assert_true(is_best(LTE));
}

/* What is a little better, or better only now and then, changes nothing. */
static void it_does_not_flap(void **state)
{
	(void)state;
	pass(5000);
	rig.delay_ms[WLAN] = 20 - MARGIN_MS + 2;
	rig.lose_each[LTE] = 50;
	pass(60000);
	assert_int_equal(rig.changes, 1);
	rig.lose_each[LTE] = 0;
	for (int i = 0; i < 20; i++) {
		rig.delay_ms[WLAN] = i % 2 ? 20 : 2;
		pass(HOLD_MS * 9 / 10);
	}
	assert_int_equal(rig.changes, 1);
}

/* One that is down is as bad as can be; it comes back, and is no better than the other then. */
static void down_and_up(void **state)
{
	(void)state;
	pass(5000);
	rig.lose_each[LTE] = 1;
	pass(2 * HOLD_MS);
	assert_true(is_best(WLAN));
	rig.lose_each[LTE] = 0;
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
	path_watch_tell(rig.watch, "other", LTE, &slow, 10 * CLOCK_NS_PER_S);
	path_watch_tell(rig.watch, "peer", WLAN, &fine, 10 * CLOCK_NS_PER_S);
	pass(2 * HOLD_MS);
	assert_true(is_best(LTE));
	path_watch_tell(rig.watch, "peer", LTE, &slow, 10 * CLOCK_NS_PER_S);
	pass(2 * HOLD_MS);
	assert_true(is_best(WLAN));
	rig.delay_ms[LTE] = 2;
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
	rig.delay_ms[4] = 90;
	assert_int_equal(path_watch_use(rig.watch, &twin, UINT64_MAX), 0);
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
