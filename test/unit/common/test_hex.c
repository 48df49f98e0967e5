#include "common/hex.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>

static void digits(void **state)
{
	static const char good[] = "0123456789abcdef";

	(void)state;
	for (int i = 0; i < 16; i++)
		assert_int_equal(hex_digit(good[i]), i);
	assert_int_equal(hex_digit('A'), 10);
	assert_int_equal(hex_digit('F'), 15);
	for (const char *bad = "/:@G`g- "; *bad; bad++)
		assert_int_equal(hex_digit(*bad), -1);
	assert_int_equal(hex_digit('\0'), -1);
}

static void octets(void **state)
{
	uint8_t out[3] = {0};

	(void)state;
	assert_int_equal(hex_octets("00fFa5", out, 3), 0);
	assert_int_equal(out[0], 0);
	assert_int_equal(out[1], 255);
	assert_int_equal(out[2], 0xa5);
	assert_int_equal(hex_octets("", out, 0), 0);
}

static void neither_more_nor_less(void **state)
{
	uint8_t out[3];

	(void)state;
	assert_int_equal(hex_octets("00ffa", out, 3), -EINVAL);
	assert_int_equal(hex_octets("00ff", out, 3), -EINVAL);
	assert_int_equal(hex_octets("", out, 3), -EINVAL);
	assert_int_equal(hex_octets("00ffa50", out, 3), -EINVAL);
	assert_int_equal(hex_octets("00ffa5\n", out, 3), -EINVAL);
	assert_int_equal(hex_octets("00 fa5", out, 3), -EINVAL);
	assert_int_equal(hex_octets("0x00ff", out, 3), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digits),
		cmocka_unit_test(octets),
		cmocka_unit_test(neither_more_nor_less),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
