/* Which changes of figures are told at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ctrl/path_metrics.h"

static const struct metrics_list usual = {.count = 2,
	.ways = {{.bid = 1, .delay_us = 40000}, {.bid = 2, .loss = 10, .delay_us = 500}}};

static void what_matters(void **state)
{
	struct metrics_list now = {.count = 0};

	(void)state;
	assert_true(path_metrics_differ(&now, &usual)); /* nothing was told yet */
	assert_false(path_metrics_differ(&usual, &usual));
	now = usual;
	now.count = 1;
	assert_true(path_metrics_differ(&usual, &now));
	now = usual;
	now.ways[1].bid = 3;
	assert_true(path_metrics_differ(&usual, &now));
	now = usual;
	now.ways[0].delay_us = 30000;
	assert_true(path_metrics_differ(&usual, &now));
	now.ways[0].delay_us = 50000;
	assert_true(path_metrics_differ(&usual, &now));
	now = usual;
	now.ways[1].loss = 30;
	assert_true(path_metrics_differ(&usual, &now));
	now.ways[1] = usual.ways[0];
	now.ways[0] = usual.ways[1];
	assert_false(path_metrics_differ(&usual, &now));
}

static void what_does_not(void **state)
{
	struct metrics_list now = usual;

	(void)state;
	now.ways[0].delay_us = 49999; /* less than a quarter */
	now.ways[1].delay_us = 2499;  /* less than two milliseconds */
	now.ways[1].loss = 29;
	assert_false(path_metrics_differ(&usual, &now));
	assert_false(path_metrics_differ(&now, &usual));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_matters),
		cmocka_unit_test(what_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
