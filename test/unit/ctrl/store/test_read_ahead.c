/* Records read ahead by another thread: all of them, in order, to the end that anyone wants. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/store/read_ahead.h"

/* Numbers from 0 on; records of many lengths, which fill some dozens of blocks. */
struct numbers {
	unsigned count, put;
	int result;
};

static size_t length_of(unsigned number)
{
	return 1 + number * 37 % STORE_RECORD_MAX;
}

static int put_numbers(void *arg, struct read_ahead *ahead)
{
	static uint8_t record[STORE_RECORD_MAX];
	struct numbers *n = arg;

	for (; n->put < n->count; n->put++) {
		memset(record, (int)n->put, sizeof(record));
		int error =
			read_ahead_put(ahead, &n->put, sizeof(n->put), record, length_of(n->put));

		if (error)
			return error;
	}
	return n->result;
}

struct user {
	unsigned next, stop_at;
};

static int use_number(
	void *arg, const void *key, size_t key_len, const void *record, size_t record_len)
{
	struct user *user = arg;
	const uint8_t *octets = record;
	unsigned number;

	assert_int_equal(key_len, sizeof(number));
	memcpy(&number, key, sizeof(number));
	assert_int_equal(number, user->next);
	assert_int_equal(record_len, length_of(number));
	assert_int_equal(octets[0], (uint8_t)number);
	assert_int_equal(octets[record_len - 1], (uint8_t)number);
	return user->next++ == user->stop_at ? 7 : 0;
}

static void all_come_in_order(void **state)
{
	struct numbers n = {.count = 5000};
	struct user user = {.stop_at = UINT32_MAX};

	(void)state;
	assert_int_equal(read_ahead_run(put_numbers, &n, use_number, &user), 0);
	assert_int_equal(user.next, 5000);
}

static void nothing_is_nothing(void **state)
{
	struct numbers n = {.count = 0};
	struct user user = {.stop_at = UINT32_MAX};

	(void)state;
	assert_int_equal(read_ahead_run(put_numbers, &n, use_number, &user), 0);
	assert_int_equal(user.next, 0);
}

/* The reader stops soon after its user, who is then told what the user said. */
static void the_user_ends_it(void **state)
{
	struct numbers n = {.count = UINT32_MAX};
	struct user user = {.stop_at = 4000};

	(void)state;
	assert_int_equal(read_ahead_run(put_numbers, &n, use_number, &user), 7);
	assert_int_equal(user.next, 4001);
	assert_true(n.put > 4000 && n.put < UINT32_MAX);
}

/* What was read before the error is used first. */
static void an_error_of_the_reader_is_told(void **state)
{
	struct numbers n = {.count = 300, .result = -EIO};
	struct user user = {.stop_at = UINT32_MAX};

	(void)state;
	assert_int_equal(read_ahead_run(put_numbers, &n, use_number, &user), -EIO);
	assert_int_equal(user.next, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_come_in_order),
		cmocka_unit_test(nothing_is_nothing),
		cmocka_unit_test(the_user_ends_it),
		cmocka_unit_test(an_error_of_the_reader_is_told),
	};

	return cmocka_run_group_tests_name("read_ahead", tests, NULL, NULL);
}
