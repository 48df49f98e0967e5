/* What counters rise by in a second. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/loop.h"
#include "ctrl/rates.h"

static void rates_are_those_of_the_counters(void **state)
{
	struct loop *loop = loop_new();
	uint64_t counters[2] = {1000, 7};
	const struct rates_item items[] = {{"rising", &counters[0]}, {"resting", &counters[1]}};
	struct rates *rates = rates_new(loop, items, 2);
	uint64_t begun_ns = loop_now_ns(loop);
	double seconds;

	(void)state;
	assert_int_equal(rates_count(rates), 2);
	assert_string_equal(rates_name(rates, 1), "resting");
	for (unsigned span = 0; span < RATES_SPANS; span++)
		assert_true(rates_per_second(rates, 0, span) == 0);
	counters[0] += 500;
	while (rates_per_second(rates, 0, 0) == 0)
		loop_round(loop, -1);
	seconds = (double)(loop_now_ns(loop) - begun_ns) / 1e9;
	for (unsigned span = 0; span < RATES_SPANS; span++) {
		double rate = rates_per_second(rates, 0, span);

		assert_true(rate > 499 / seconds && rate < 501 / seconds);
		assert_true(rates_per_second(rates, 1, span) == 0);
	}
	rates_free(rates);
	loop_free(loop);
}

static void more_can_be_added(void **state)
{
	struct loop *loop = loop_new();
	uint64_t first = 3, later = 1000;
	const struct rates_item item = {"first", &first};
	struct rates *rates = rates_new(loop, &item, 1);

	(void)state;
	rates_add(rates, "later", &later);
	assert_int_equal(rates_count(rates), 2);
	assert_string_equal(rates_name(rates, 1), "later");
	assert_true(rates_per_second(rates, 1, 0) == 0);
	later += 500;
	while (rates_per_second(rates, 1, 0) == 0)
		loop_round(loop, -1);
	assert_true(rates_per_second(rates, 1, 0) < 600);
	assert_true(rates_per_second(rates, 0, 0) == 0);
	for (int i = 0; i < RATES_MAX; i++)
		rates_add(rates, "more", &later);
	assert_int_equal(rates_count(rates), RATES_MAX);
	rates_free(rates);
	loop_free(loop);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_are_those_of_the_counters),
		cmocka_unit_test(more_can_be_added),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
