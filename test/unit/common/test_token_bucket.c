#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "common/clock.h"
#include "common/token_bucket.h"

/* So many at once, then one for each part of a second, and never more than in a second. */
static void gives_as_time_goes_by(void **state)
{
	uint64_t now = 7 * CLOCK_NS_PER_S;
	struct token_bucket b;

	(void)state;
	token_bucket_fill(&b, 4, now);
	for (int i = 0; i < 4; i++)
		assert_true(token_bucket_take(&b, 4, now));
	assert_false(token_bucket_take(&b, 4, now + CLOCK_NS_PER_S / 4 - 1));
	assert_true(token_bucket_take(&b, 4, now + CLOCK_NS_PER_S / 4));
	assert_false(token_bucket_take(&b, 4, now + CLOCK_NS_PER_S / 4));
	now += 3600 * CLOCK_NS_PER_S;
	for (int i = 0; i < 4; i++)
		assert_true(token_bucket_take(&b, 4, now));
	assert_false(token_bucket_take(&b, 4, now));
}

/* What is left of a token's time when one is taken counts for the next. */
static void parts_of_a_token_add_up(void **state)
{
	struct token_bucket b;

	(void)state;
	token_bucket_fill(&b, 1, 0);
	assert_true(token_bucket_take(&b, 1, 0));
	assert_true(token_bucket_take(&b, 1, CLOCK_NS_PER_S * 3 / 2));
	assert_true(token_bucket_take(&b, 1, CLOCK_NS_PER_S * 2));
	assert_false(token_bucket_take(&b, 1, CLOCK_NS_PER_S * 5 / 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_as_time_goes_by),
		cmocka_unit_test(parts_of_a_token_add_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
