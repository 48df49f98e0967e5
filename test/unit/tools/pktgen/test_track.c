/* Sequence numbers: what each arrival is told to be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tools/pktgen/track.h"

static void arrives(struct track *t, uint32_t sequence, enum track_result as)
{
	const enum track_result got = track_add(t, sequence);

	if (got != as)
		fail_msg("%u is taken for %d, not for %d", sequence, got, as);
}

static void test_in_order(void **state)
{
	struct track t = {0};

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		arrives(&t, i, TRACK_IN_ORDER);
}

static void test_first_ones_lost(void **state)
{
	struct track t = {0};

	(void)state;
	arrives(&t, 3, TRACK_IN_ORDER);
	arrives(&t, 0, TRACK_REORDERED);
	arrives(&t, 3, TRACK_DUPLICATE);
	arrives(&t, 4, TRACK_IN_ORDER);
}

static void test_reordered_and_duplicate(void **state)
{
	struct track t = {0};

	(void)state;
	arrives(&t, 0, TRACK_IN_ORDER);
	arrives(&t, 3, TRACK_IN_ORDER);
	arrives(&t, 1, TRACK_REORDERED);
	arrives(&t, 1, TRACK_DUPLICATE);
	arrives(&t, 2, TRACK_REORDERED);
	arrives(&t, 0, TRACK_DUPLICATE);
	arrives(&t, 3, TRACK_DUPLICATE);
}

static void test_too_old_to_tell(void **state)
{
	struct track t = {0};

	(void)state;
	arrives(&t, 100, TRACK_IN_ORDER);
	arrives(&t, 37, TRACK_REORDERED);
	arrives(&t, 37, TRACK_DUPLICATE);
	arrives(&t, 36, TRACK_LATE);
	arrives(&t, 36, TRACK_LATE);
}

static void test_gaps_of_all_lengths(void **state)
{
	(void)state;
	for (uint32_t gap = 1; gap < 200; gap++) {
		struct track t = {0};

		arrives(&t, 10, TRACK_IN_ORDER);
		arrives(&t, 10 + gap, TRACK_IN_ORDER);
		arrives(&t, 10 + gap, TRACK_DUPLICATE);
		arrives(&t, 10, gap < 64 ? TRACK_DUPLICATE : TRACK_LATE);
		if (gap > 1)
			arrives(&t, 10 + gap - 1, TRACK_REORDERED);
	}
}

static void test_wraps(void **state)
{
	struct track t = {.next = UINT32_MAX - 1};

	(void)state;
	arrives(&t, UINT32_MAX - 1, TRACK_IN_ORDER);
	arrives(&t, 0, TRACK_IN_ORDER);
	arrives(&t, UINT32_MAX, TRACK_REORDERED);
	arrives(&t, UINT32_MAX, TRACK_DUPLICATE);
	arrives(&t, 1, TRACK_IN_ORDER);
	arrives(&t, UINT32_MAX - 1, TRACK_DUPLICATE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_order),
		cmocka_unit_test(test_first_ones_lost),
		cmocka_unit_test(test_reordered_and_duplicate),
		cmocka_unit_test(test_too_old_to_tell),
		cmocka_unit_test(test_gaps_of_all_lengths),
		cmocka_unit_test(test_wraps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
