/* The pace of sending, and the search for the no-drop rate. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/pktgen/pace.h"
#include "tools/pktgen/search.h"

#define HZ 2600000000ull

enum { BURST = 32 };

/* Searches where all rates up to `limit` pass; returns the result and counts the trials. */
static double search(double low, double high, double resolution, double limit, int *trials)
{
	struct search s;

	search_begin(&s, low, high, resolution);
	for (*trials = 0; !s.done; ++*trials) {
		assert_true(*trials < 100);
		assert_true(s.rate >= low && s.rate <= high);
		search_next(&s, s.rate <= limit);
	}
	return search_result(&s);
}

static void test_search_is_as_exact_as_asked(void **state)
{
	static const double limits[] = {1000, 1001, 4999, 123456, 500000, 999999};
	int trials;

	(void)state;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		const double found = search(1000, 1000000, 0.1, limits[i], &trials);

		assert_true(found <= limits[i]);
		assert_true(found > limits[i] - 1000);
		assert_true(trials <= 12);
	}
}

static void test_search_begins_at_the_top(void **state)
{
	int trials;

	(void)state;
	assert_true(search(1000, 1000000, 1, 2000000, &trials) == 1000000);
	assert_int_equal(trials, 1);
}

static void test_search_finds_nothing(void **state)
{
	int trials;

	(void)state;
	assert_true(search(1000, 1000000, 1, 999, &trials) == 0);
	assert_true(trials > 2);
	assert_true(search(1000, 1000, 1, 999, &trials) == 0);
}

static void test_the_lower_bound_is_tried_itself(void **state)
{
	int trials;

	(void)state;
	assert_true(search(1000, 1000000, 10, 1000, &trials) == 1000);
}

static void test_pace_loses_nothing_over_a_day(void **state)
{
	const uint64_t rate = 1234567;
	struct pace p;
	uint64_t sent = 0, now = 77;

	(void)state;
	pace_begin(&p, rate, HZ, now);
	for (int hour = 0; hour < 24; hour++) {
		now += 3600 * HZ - 26000;
		p.given += (uint64_t)((unsigned __int128)(now - p.start) * p.per_cycle >> 64) -
			   p.given; /* all that was due before */
		sent = p.given;
		now += 26000; /* ten microseconds */
		sent += pace_due(&p, now, BURST);
	}
	assert_true(llabs((long long)(sent - 24ull * 3600 * rate)) <= 1);
}

static void test_pace_within_a_millisecond(void **state)
{
	struct pace p;
	uint64_t sent = 0;

	(void)state;
	pace_begin(&p, 1000000, HZ, 0);
	for (uint64_t us = 1; us <= 1000; us++) {
		sent += pace_due(&p, us * HZ / 1000000, BURST);
		assert_true(sent <= us && sent + 1 >= us);
	}
	assert_int_equal(p.skipped, 0);
}

static void test_a_pause_is_not_made_up_for(void **state)
{
	struct pace p;
	uint64_t burst = 0, n;

	(void)state;
	pace_begin(&p, 1000000, HZ, 0);
	while ((n = pace_due(&p, HZ, BURST)))
		burst += n;
	assert_int_equal(burst, 1000);
	assert_true(p.skipped >= 998999 && p.skipped <= 999000);
	assert_int_equal(pace_due(&p, HZ + HZ / 100000, BURST), 10);
}

static void test_no_limit(void **state)
{
	struct pace p;

	(void)state;
	pace_begin(&p, 0, HZ, 0);
	assert_int_equal(pace_due(&p, 0, BURST), BURST);
	assert_int_equal(pace_due(&p, 1, BURST), BURST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_search_is_as_exact_as_asked),
		cmocka_unit_test(test_search_begins_at_the_top),
		cmocka_unit_test(test_search_finds_nothing),
		cmocka_unit_test(test_the_lower_bound_is_tried_itself),
		cmocka_unit_test(test_pace_loses_nothing_over_a_day),
		cmocka_unit_test(test_pace_within_a_millisecond),
		cmocka_unit_test(test_a_pause_is_not_made_up_for),
		cmocka_unit_test(test_no_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
