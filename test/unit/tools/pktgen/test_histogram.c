/* Percentiles of durations against those of the sorted list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/histogram.h"
#include "tools/pktgen/random.h"

enum { COUNT = 20000 };

static struct histogram h;

static int by_value(const void *a, const void *b)
{
	const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void test_percentiles(void **state)
{
	static const double percents[] = {0, 1, 50, 90, 99, 99.9, 100};
	static uint64_t values[COUNT];
	struct random r = {1};

	(void)state;
	histogram_clear(&h);
	for (int i = 0; i < COUNT; i++) {
		/* as many of each magnitude */
		values[i] = random_next(&r) >> (64 - 1 - random_below(&r, HISTOGRAM_BITS - 1));
		histogram_add(&h, values[i]);
	}
	qsort(values, COUNT, sizeof(values[0]), by_value);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		size_t at = (size_t)(COUNT * percents[i] / 100 + 0.999999);
		const uint64_t right = values[at ? at - 1 : 0];
		const uint64_t found = histogram_percentile(&h, percents[i]);

		assert_true(found >= right);
		assert_true((double)found <= (double)right * (1 + 1.0 / HISTOGRAM_LINEAR));
	}
	assert_int_equal(h.min, values[0]);
	assert_int_equal(h.max, values[COUNT - 1]);
}

static void test_slots_have_no_gap(void **state)
{
	(void)state;
	for (unsigned slot = 0; slot < HISTOGRAM_SLOTS; slot++) {
		const uint64_t end = histogram_slot_end(slot);

		assert_int_equal(histogram_slot(end), slot);
		if (slot + 1 < HISTOGRAM_SLOTS)
			assert_int_equal(histogram_slot(end + 1), slot + 1);
	}
	assert_int_equal(histogram_slot(UINT64_MAX), HISTOGRAM_SLOTS - 1);
}

static void test_small_ones_are_exact(void **state)
{
	(void)state;
	histogram_clear(&h);
	for (uint64_t i = 1; i <= 60; i++)
		histogram_add(&h, i);
	assert_int_equal(histogram_percentile(&h, 50), 30);
	assert_int_equal(histogram_percentile(&h, 100), 60);
	assert_true(histogram_mean(&h) == 30.5);
}

static void test_longer_than_can_be_told(void **state)
{
	(void)state;
	histogram_clear(&h);
	histogram_add(&h, 5);
	histogram_add(&h, 3ull << HISTOGRAM_BITS);
	assert_int_equal(histogram_percentile(&h, 99), 3ull << HISTOGRAM_BITS);
	assert_int_equal(histogram_percentile(&h, 50), 5);
}

static void test_empty(void **state)
{
	(void)state;
	histogram_clear(&h);
	assert_int_equal(histogram_percentile(&h, 99), 0);
	assert_true(histogram_mean(&h) == 0);
}

static void test_merge(void **state)
{
	static struct histogram other;

	(void)state;
	histogram_clear(&h);
	histogram_clear(&other);
	histogram_merge(&h, &other);
	assert_int_equal(h.count, 0);
	histogram_add(&other, 10);
	histogram_merge(&h, &other);
	histogram_clear(&other);
	histogram_add(&other, 2);
	histogram_add(&other, 90);
	histogram_merge(&h, &other);
	assert_int_equal(h.count, 3);
	assert_int_equal(h.min, 2);
	assert_int_equal(h.max, 90);
	assert_int_equal(histogram_percentile(&h, 50), 10);
	assert_true(histogram_mean(&h) == 34);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_slots_have_no_gap),
		cmocka_unit_test(test_small_ones_are_exact),
		cmocka_unit_test(test_longer_than_can_be_told),
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
