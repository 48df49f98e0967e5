/* Whether packets by several ways can be kept in order, by what is measured of the ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ctrl/signalling/path_order.h"
#include "path_rig.h"

enum {
	INTERVAL_MS = 100,
	TURN_MS = 500,
	LIMIT_MS = 40,
	HOLD_MS = 5000,
	MEASURED_MS = 2 * PATH_WATCH_MEASURED * INTERVAL_MS,
	WAYS = 5,
	WAITING = 64,
	LTE = 1,
	WLAN = 2,
	OTHER = 3, /* to another peer */
	THIRD = 4,
};

/* An answer that is on its way. */
struct waiting {
	uint64_t due_ns;
	uint8_t packet[PATH_RIG_PROBE];
};

static struct {
	struct path_watch *watch;
	struct path_order *order;
	uint64_t now;
	unsigned delay_ms[WAYS]; /* by identifier */
	bool dead[WAYS];
	struct waiting waiting[WAITING];
	unsigned changes;
	enum path_policy_order state; /* of the last change */
	uint64_t difference_ns;
} rig;

/* The far end answers after a while, or does not. */
static int op_send(void *context, uint64_t data_plane, const uint8_t *packet, size_t len)
{
	const uint8_t way = packet[23];

	(void)context;
	(void)data_plane;
	assert_int_equal(len, PATH_RIG_PROBE);
	for (unsigned i = 0; i < WAITING && !rig.dead[way]; i++)
		if (!rig.waiting[i].due_ns) {
			path_rig_answer(packet, rig.waiting[i].packet);
			rig.waiting[i].due_ns = rig.now + rig.delay_ms[way] * CLOCK_NS_PER_MS;
			return 0;
		}
	assert_true(rig.dead[way]);
	return 0;
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

static void on_order(
	void *context, const char *peer, enum path_policy_order state, uint64_t difference_ns)
{
	(void)context;
	if (strcmp(peer, "peer") != 0)
		return;
	rig.changes++;
	rig.state = state;
	rig.difference_ns = difference_ns;
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
	const struct path_order_config order = {
		LIMIT_MS * CLOCK_NS_PER_MS, HOLD_MS * CLOCK_NS_PER_MS};

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.now = 1000 * CLOCK_NS_PER_S;
	rig.watch = path_watch_new(&watch, &ops, 1);
	rig.order = path_order_new(&order, rig.watch);
	for (unsigned i = 0; i < WAYS; i++)
		rig.delay_ms[i] = 20;
	use(LTE, "peer");
	use(WLAN, "peer");
	return rig.watch && rig.order ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	path_order_free(rig.order);
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
			path_order_turn(rig.order, rig.now, on_order, NULL);
	}
}

static enum path_policy_order order_of(uint8_t way)
{
	const struct path_watch_use u = path_rig_use(way, "peer");

	return path_order_of(rig.order, &u.local, &u.remote, NULL);
}

static void kept_once_measured(void **state)
{
	(void)state;
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNMEASURED);
	pass(MEASURED_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT);
	assert_int_equal(order_of(WLAN), PATH_POLICY_ORDER_KEPT);
	assert_int_equal(order_of(OTHER), PATH_POLICY_ORDER_UNMEASURED);
	pass(60000);
	assert_int_equal(rig.changes, 1);
}

/* At once, when it is known from the beginning. */
static void refused_from_the_beginning(void **state)
{
	(void)state;
	rig.delay_ms[WLAN] = 20 + LIMIT_MS + 5;
	pass(MEASURED_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	assert_int_equal(rig.changes, 1);
	assert_in_range(rig.difference_ns, (LIMIT_MS + 1) * CLOCK_NS_PER_MS,
		(LIMIT_MS + 10) * CLOCK_NS_PER_MS);
}

static void refused_and_kept_again(void **state)
{
	(void)state;
	pass(MEASURED_MS);
	rig.delay_ms[WLAN] = 20 + LIMIT_MS + 20;
	pass(HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT); /* not yet for long enough */
	pass(HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	rig.delay_ms[WLAN] = 20;
	pass(2 * HOLD_MS);
	assert_int_equal(order_of(WLAN), PATH_POLICY_ORDER_KEPT);
	assert_int_equal(rig.changes, 3);
}

/* Between limit and three quarters of it all stays as it is. */
static void it_does_not_flap(void **state)
{
	(void)state;
	rig.delay_ms[WLAN] = 20 + LIMIT_MS - 3;
	pass(60000);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT);
	rig.delay_ms[WLAN] = 20 + LIMIT_MS + 5;
	pass(4 * HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	rig.delay_ms[WLAN] = 20 + LIMIT_MS - 3;
	pass(60000);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	for (int i = 0; i < 20; i++) {
		rig.delay_ms[WLAN] = i % 2 ? 20 : 20 + LIMIT_MS + 20;
		pass(HOLD_MS * 9 / 10);
	}
	assert_int_equal(rig.changes, 2);
}

/* One that is down carries nothing that others would wait for. */
static void what_is_down_does_not_count(void **state)
{
	(void)state;
	rig.delay_ms[WLAN] = 20 + LIMIT_MS + 20;
	pass(MEASURED_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	rig.dead[WLAN] = true;
	pass(2 * HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT);
}

/* Another way is measured first, and another peer has nothing to do with it. */
static void another_way(void **state)
{
	(void)state;
	rig.delay_ms[OTHER] = 90;
	use(OTHER, "another");
	pass(MEASURED_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT);
	rig.delay_ms[THIRD] = 90;
	use(THIRD, "peer");
	pass(TURN_MS);
	assert_int_equal(rig.state, PATH_POLICY_ORDER_UNMEASURED);
	pass(MEASURED_MS);
	assert_int_equal(rig.state, PATH_POLICY_ORDER_UNEVEN);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(kept_once_measured),
		TEST(refused_from_the_beginning),
		TEST(refused_and_kept_again),
		TEST(it_does_not_flap),
		TEST(what_is_down_does_not_count),
		TEST(another_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
