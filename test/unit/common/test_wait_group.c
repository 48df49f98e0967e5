#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <errno.h>

#include "common/wait_group.h"

static unsigned ended_calls;
static int ended_error;

static void ended(void *context, int error)
{
	assert_ptr_equal(context, &ended_calls);
	ended_calls++;
	ended_error = error;
}

static int set_up(void **state)
{
	(void)state;
	ended_calls = 0;
	return 0;
}

static void ends_with_the_last(void **state)
{
	struct wait_group group;

	(void)state;
	wait_group_init(&group, ended, &ended_calls);
	wait_group_add(&group);
	wait_group_add(&group);
	wait_group_done(&group, 0);
	wait_group_done(&group, 0);
	assert_int_equal(ended_calls, 0);
	wait_group_done(&group, 0);
	assert_int_equal(ended_calls, 1);
	assert_int_equal(ended_error, 0);
}

/* Each of them is complete before the next is started. */
static void what_ends_at_once_does_not_end_the_group(void **state)
{
	struct wait_group group;

	(void)state;
	wait_group_init(&group, ended, &ended_calls);
	for (int i = 0; i < 3; i++) {
		wait_group_add(&group);
		wait_group_done(&group, 0);
		assert_int_equal(ended_calls, 0);
	}
	wait_group_done(&group, 0);
	assert_int_equal(ended_calls, 1);
}

static void of_nothing_ends_with_who_starts_it(void **state)
{
	struct wait_group group;

	(void)state;
	wait_group_init(&group, ended, &ended_calls);
	wait_group_done(&group, 0);
	assert_int_equal(ended_calls, 1);
}

static void tells_of_an_error_in_the_end(void **state)
{
	struct wait_group group;

	(void)state;
	wait_group_init(&group, ended, &ended_calls);
	wait_group_add(&group);
	wait_group_done(&group, -EIO);
	assert_int_equal(ended_calls, 0);
	wait_group_done(&group, 0);
	assert_int_equal(ended_error, -EIO);
}

static void begin_anew(void *context, int error)
{
	(void)error;
	wait_group_init(context, ended, &ended_calls);
}

static void can_be_begun_anew_at_its_end(void **state)
{
	struct wait_group group;

	(void)state;
	wait_group_init(&group, begin_anew, &group);
	wait_group_done(&group, -EIO);
	assert_int_equal(ended_calls, 0);
	wait_group_done(&group, 0);
	assert_int_equal(ended_calls, 1);
	assert_int_equal(ended_error, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(ends_with_the_last, set_up),
		cmocka_unit_test_setup(what_ends_at_once_does_not_end_the_group, set_up),
		cmocka_unit_test_setup(of_nothing_ends_with_who_starts_it, set_up),
		cmocka_unit_test_setup(tells_of_an_error_in_the_end, set_up),
		cmocka_unit_test_setup(can_be_begun_anew_at_its_end, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
