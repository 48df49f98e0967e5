/* Whether packets by several ways can be kept in order, by what is measured of the ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/signalling/proxy/path_order.h"
#include "ways_rig.h"

enum {
	LIMIT_MS = 40,
	MEASURED_MS = 2 * PATH_WATCH_MEASURED * INTERVAL_MS,
	OTHER = 3, /* to another peer */
	THIRD = 4,
};

static struct {
	struct path_order *order;
	unsigned changes;
	enum path_policy_order state; /* of the last change */
	uint64_t difference_ns;
} rig;

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

static int setup(void **state)
{
	const struct path_order_config order = {
		LIMIT_MS * CLOCK_NS_PER_MS, HOLD_MS * CLOCK_NS_PER_MS};

	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.order = path_order_new(&order, ways_open());
	use(LTE, "peer");
	use(WLAN, "peer");
	return ways.watch && rig.order ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	path_order_free(rig.order);
	path_watch_free(ways.watch);
	return 0;
}

static void turn(void)
{
	path_order_turn(rig.order, ways.now, on_order, NULL);
}

static void pass(unsigned ms)
{
	ways_pass(ms, turn);
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
	ways.delay_ms[WLAN] = 20 + LIMIT_MS + 5;
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
	ways.delay_ms[WLAN] = 20 + LIMIT_MS + 20;
	pass(HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT); /* not yet for long enough */
	pass(HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	ways.delay_ms[WLAN] = 20;
	pass(2 * HOLD_MS);
	assert_int_equal(order_of(WLAN), PATH_POLICY_ORDER_KEPT);
	assert_int_equal(rig.changes, 3);
}

/* Between limit and three quarters of it all stays as it is. */
static void it_does_not_flap(void **state)
{
	(void)state;
	ways.delay_ms[WLAN] = 20 + LIMIT_MS - 3;
	pass(60000);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT);
	ways.delay_ms[WLAN] = 20 + LIMIT_MS + 5;
	pass(4 * HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	ways.delay_ms[WLAN] = 20 + LIMIT_MS - 3;
	pass(60000);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	for (int i = 0; i < 20; i++) {
		ways.delay_ms[WLAN] = i % 2 ? 20 : 20 + LIMIT_MS + 20;
		pass(HOLD_MS * 9 / 10);
	}
	assert_int_equal(rig.changes, 2);
}

/* One that is down carries nothing that others would wait for. */
static void what_is_down_does_not_count(void **state)
{
	(void)state;
	ways.delay_ms[WLAN] = 20 + LIMIT_MS + 20;
	pass(MEASURED_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_UNEVEN);
	ways.lose_each[WLAN] = 1;
	pass(2 * HOLD_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT);
}

/* Another way is measured first, and another peer has nothing to do with it. */
static void another_way(void **state)
{
	(void)state;
	ways.delay_ms[OTHER] = 90;
	use(OTHER, "another");
	pass(MEASURED_MS);
	assert_int_equal(order_of(LTE), PATH_POLICY_ORDER_KEPT);
	ways.delay_ms[THIRD] = 90;
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
