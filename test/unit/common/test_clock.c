#include "common/clock.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <time.h>

static void clocks_agree_with_the_system(void **state)
{
	uint64_t before = clock_mono_ns();

	(void)state;
	assert_true(clock_mono_ns() >= before);
	assert_true(clock_mono_ms() >= before / CLOCK_NS_PER_MS);
	time_t now = time(NULL);
	uint64_t s = clock_real_ns() / CLOCK_NS_PER_S;
	assert_in_range(s, (uint64_t)now - 1, (uint64_t)now + 3600);
}

static void ntp_known_values(void **state)
{
	(void)state;
	/* 1970 is 2,208,988,800 s after 1900; half a second is the top bit of the fraction. */
	assert_true(clock_ntp_from_ns(0) == 2208988800ull << 32);
	assert_true(clock_ntp_from_ns(CLOCK_NS_PER_S / 2) == ((2208988800ull << 32) | 1u << 31));
	/* 2036-02-07 06:28:16 UTC: second 0 of era 1. */
	assert_true(clock_ntp_from_ns(2085978496ull * CLOCK_NS_PER_S) == 0);
	assert_true(clock_ntp_to_ns(0) == 2085978496ull * CLOCK_NS_PER_S);
}

static void ntp_both_ways(void **state)
{
	static const uint64_t ns[] = {0, 1, 999999999, 1000000000, 1700000000123456789u,
		2085978495999999999u, 2085978496000000000u, 2085978496000000001u,
		3000000000999999999u};

	(void)state;
	for (size_t i = 0; i < sizeof(ns) / sizeof(ns[0]); i++) {
		uint64_t stamp = clock_ntp_from_ns(ns[i]);

		/* The random bits of a stamp do not leave its nanosecond. */
		for (uint64_t noise = 0; noise < 4; noise++)
			assert_true(clock_ntp_to_ns(stamp + noise) == ns[i]);
	}
}

static void ntp_difference(void **state)
{
	uint64_t last = clock_ntp_from_ns(2085978495ull * CLOCK_NS_PER_S);
	uint64_t first = clock_ntp_from_ns(2085978497ull * CLOCK_NS_PER_S);

	(void)state;
	/* Two seconds, across the end of the era. */
	assert_true(first < last);
	assert_true(clock_ntp_diff_ns(first, last) == 2 * (int64_t)CLOCK_NS_PER_S);
	assert_true(clock_ntp_diff_ns(last, first) == -2 * (int64_t)CLOCK_NS_PER_S);
	assert_true(clock_ntp_diff_ns(1ull << 31, 0) == (int64_t)CLOCK_NS_PER_S / 2);
}

static void ntp_now_is_now_and_noisy(void **state)
{
	unsigned seen = 0;
	uint64_t before = clock_real_ns(), last = 0;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		uint64_t stamp = clock_ntp_now(), ns = clock_ntp_to_ns(stamp);

		seen |= 1u << (stamp - clock_ntp_from_ns(ns));
		assert_true(last == 0 || clock_ntp_diff_ns(stamp, last) >= 0);
		last = stamp;
	}
	assert_in_range(clock_ntp_to_ns(last), before, clock_real_ns());
	assert_int_equal(seen, 0xf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clocks_agree_with_the_system),
		cmocka_unit_test(ntp_known_values),
		cmocka_unit_test(ntp_both_ways),
		cmocka_unit_test(ntp_difference),
		cmocka_unit_test(ntp_now_is_now_and_noisy),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
