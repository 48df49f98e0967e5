/* Whose packet is next: the shares of subscribers in many choices. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/pktgen/pick.h"

enum { DRAWS = 400000, COUNT_MAX = 1000 };

static uint32_t drawn[COUNT_MAX];

static void draw(const struct pick_config *config)
{
	struct random r = {7};
	struct pick pick;

	assert_int_equal(pick_open(&pick, config), 0);
	for (uint32_t i = 0; i < COUNT_MAX; i++)
		drawn[i] = 0;
	for (int i = 0; i < DRAWS; i++) {
		uint32_t at = pick_next(&pick, &r);

		assert_true(at < config->count);
		drawn[at]++;
	}
	pick_close(&pick);
}

/* Within six standard deviations of what the share makes of all draws. */
static void assert_share(uint32_t at, double share)
{
	const double wanted = DRAWS * share, spread = sqrt(wanted * (1 - share));

	if (fabs(drawn[at] - wanted) > 6 * spread + 1)
		fail_msg("%u was drawn %u times, not about %.0f", at, drawn[at], wanted);
}

static void test_uniform(void **state)
{
	(void)state;
	draw(&(struct pick_config){.kind = PICK_UNIFORM, .count = 100});
	for (uint32_t i = 0; i < 100; i++)
		assert_share(i, 0.01);
}

static void test_zipf(void **state)
{
	static const double exponents[] = {0, 0.7, 1, 1.3, 3};

	(void)state;
	for (size_t e = 0; e < sizeof(exponents) / sizeof(exponents[0]); e++) {
		double sum = 0;

		draw(&(struct pick_config){
			.kind = PICK_ZIPF, .count = COUNT_MAX, .exponent = exponents[e]});
		for (int i = 1; i <= COUNT_MAX; i++)
			sum += pow(i, -exponents[e]);
		for (uint32_t i = 0; i < COUNT_MAX; i++)
			assert_share(i, pow(i + 1, -exponents[e]) / sum);
	}
}

static void test_elephant(void **state)
{
	(void)state;
	draw(&(struct pick_config){.kind = PICK_ELEPHANT, .count = 11, .elephant_percent = 40});
	assert_share(0, 0.4);
	for (uint32_t i = 1; i < 11; i++)
		assert_share(i, 0.06);
}

static void test_elephant_extremes(void **state)
{
	(void)state;
	draw(&(struct pick_config){.kind = PICK_ELEPHANT, .count = 3, .elephant_percent = 100});
	assert_int_equal(drawn[0], DRAWS);
	draw(&(struct pick_config){.kind = PICK_ELEPHANT, .count = 3, .elephant_percent = 0});
	assert_int_equal(drawn[0], 0);
	assert_share(1, 0.5);
}

static void test_one_subscriber(void **state)
{
	(void)state;
	for (int kind = 0; kind < PICK_KINDS; kind++) {
		draw(&(struct pick_config){
			.kind = (enum pick_kind)kind, .count = 1, .exponent = 1});
		assert_int_equal(drawn[0], DRAWS);
	}
}

static void test_the_same_again_from_a_seed(void **state)
{
	struct random a = {5}, b = {5}, c = {6};
	int same = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		const uint64_t x = random_next(&a);

		assert_int_equal(x, random_next(&b));
		same += x == random_next(&c);
	}
	assert_int_equal(same, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uniform),
		cmocka_unit_test(test_zipf),
		cmocka_unit_test(test_elephant),
		cmocka_unit_test(test_elephant_extremes),
		cmocka_unit_test(test_one_subscriber),
		cmocka_unit_test(test_the_same_again_from_a_seed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
