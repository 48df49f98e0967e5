/* Sizes of packets: what texts mean, and which are refused. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/pktgen/sizes.h"

enum { DRAWS = 120000, MAX = 1460 };

static uint32_t drawn[SIZES_MAX + 1];

static double draw(const char *text)
{
	struct random r = {3};
	struct sizes sizes;
	char why[200];

	assert_int_equal(sizes_parse(text, MAX, &sizes, why, sizeof(why)), 0);
	memset(drawn, 0, sizeof(drawn));
	for (int i = 0; i < DRAWS; i++)
		drawn[sizes_next(&sizes, &r)]++;
	return sizes_mean(&sizes);
}

static void assert_drawn(uint16_t size, double share)
{
	const double wanted = DRAWS * share;

	if (fabs(drawn[size] - wanted) > 6 * sqrt(wanted) + 1)
		fail_msg("%u octets %u times, not about %.0f", size, drawn[size], wanted);
}

static void test_one(void **state)
{
	(void)state;
	assert_true(draw("64") == 64);
	assert_int_equal(drawn[64], DRAWS);
	assert_true(draw("1460") == 1460);
	assert_int_equal(drawn[1460], DRAWS);
}

static void test_list(void **state)
{
	(void)state;
	assert_true(draw("64,512,1400") == (64 + 512 + 1400) / 3.0);
	assert_drawn(64, 1 / 3.0);
	assert_drawn(512, 1 / 3.0);
	assert_drawn(1400, 1 / 3.0);
}

static void test_weights(void **state)
{
	(void)state;
	assert_true(draw("64:1,128:3") == (64 + 3 * 128) / 4.0);
	assert_drawn(64, 0.25);
	assert_drawn(128, 0.75);
}

static void test_range(void **state)
{
	uint32_t sum = 0;

	(void)state;
	assert_true(draw("100-199") == 149.5);
	for (uint16_t size = 100; size < 200; size++) {
		assert_drawn(size, 0.01);
		sum += drawn[size];
	}
	assert_int_equal(sum, DRAWS);
}

static void test_imix_is_cut_to_what_fits(void **state)
{
	(void)state;
	assert_true(draw("imix") == (7 * 64 + 4 * 576 + 1460) / 12.0);
	assert_drawn(64, 7 / 12.0);
	assert_drawn(576, 4 / 12.0);
	assert_drawn(1460, 1 / 12.0);
}

static void test_refused(void **state)
{
	static const struct {
		const char *text, *about;
	} wrong[] = {{"", "no list"}, {"x", "no list"}, {"64,", "no list"}, {"64;128", "no list"},
		{"64:", "no list"}, {"-64", "no list"}, {"64-", "no list"}, {"63", "63"},
		{"1461", "1461"}, {"64-1461", "1461"}, {"100-99", "100"}, {"64:0", "weight 0"},
		{"64:1001", "weight 1001"}, {"99999999999999999999", "no list"},
		{"64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64,64", "16"}};
	struct sizes sizes;
	char why[200];

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		why[0] = '\0';
		assert_true(sizes_parse(wrong[i].text, MAX, &sizes, why, sizeof(why)) < 0);
		if (!strstr(why, wrong[i].about))
			fail_msg("'%s' is refused with '%s'", wrong[i].text, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_weights),
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_imix_is_cut_to_what_fits),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
