#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ctrl/binding/prefix_pool.h"

static struct prefix6 prefix(const char *text)
{
	struct prefix6 p;

	assert_int_equal(prefix6_parse(text, &p), 0);
	return p;
}

static void assert_takes(struct prefix_pool *pool, const char *text)
{
	const struct prefix6 wanted = prefix(text);
	struct prefix6 got;

	assert_int_equal(prefix_pool_take(pool, &got), 0);
	if (prefix6_compare(&got, &wanted) != 0)
		fail_msg("%s instead of %s", PREFIX6_TEXT(&got), text);
}

static void gives_each_prefix_once(void **state)
{
	const struct prefix6 range = prefix("2001:db8:0:ff00::/56");
	struct prefix_pool *pool = prefix_pool_new(&range, 60);
	struct prefix6 p;

	(void)state;
	assert_int_equal(prefix_pool_size(pool), 16);
	assert_takes(pool, "2001:db8:0:ff00::/60");
	assert_takes(pool, "2001:db8:0:ff10::/60");
	for (int i = 2; i < 16; i++)
		assert_int_equal(prefix_pool_take(pool, &p), 0);
	assert_int_equal(prefix_pool_used(pool), 16);
	assert_int_equal(prefix_pool_take(pool, &p), -ENOSPC);
	p = prefix("2001:db8:0:ff30::/60");
	prefix_pool_release(pool, &p);
	assert_takes(pool, "2001:db8:0:ff30::/60");
	prefix_pool_free(pool);
}

static void what_came_back_rests(void **state)
{
	const struct prefix6 range = prefix("2001:db8::/56");
	struct prefix_pool *pool = prefix_pool_new(&range, 64);
	struct prefix6 first;

	(void)state;
	assert_int_equal(prefix_pool_take(pool, &first), 0);
	prefix_pool_release(pool, &first);
	for (int i = 1; i < 256; i++) {
		struct prefix6 p;

		assert_int_equal(prefix_pool_take(pool, &p), 0);
		assert_int_not_equal(prefix6_compare(&p, &first), 0);
	}
	assert_takes(pool, "2001:db8::/64");
	prefix_pool_free(pool);
}

static void what_is_claimed_is_not_given(void **state)
{
	const struct prefix6 range = prefix("2001:db8::/62"), other = prefix("2001:db8:1::/64"),
			     shorter = prefix("2001:db8::/63"), two = prefix("2001:db8:0:2::/64");
	struct prefix_pool *pool = prefix_pool_new(&range, 64);
	struct prefix6 p;

	(void)state;
	assert_int_equal(prefix_pool_claim(pool, &two), 0);
	assert_int_equal(prefix_pool_claim(pool, &two), -EEXIST);
	assert_int_equal(prefix_pool_claim(pool, &other), -EINVAL);
	assert_int_equal(prefix_pool_claim(pool, &shorter), -EINVAL);
	prefix_pool_release(pool, &other);
	assert_takes(pool, "2001:db8:0:3::/64");
	assert_takes(pool, "2001:db8::/64");
	assert_takes(pool, "2001:db8:0:1::/64");
	assert_int_equal(prefix_pool_take(pool, &p), -ENOSPC);
	prefix_pool_release(pool, &two);
	prefix_pool_release(pool, &two);
	assert_int_equal(prefix_pool_used(pool), 3);
	prefix_pool_free(pool);
}

static void has_bounds(void **state)
{
	const struct prefix6 range = prefix("2001:db8::/40"), one = prefix("2001:db8::1/128");
	struct prefix_pool *pool;

	(void)state;
	assert_null(prefix_pool_new(&range, 65));
	assert_null(prefix_pool_new(&range, 39));
	pool = prefix_pool_new(&range, 64);
	assert_int_equal(prefix_pool_size(pool), 1 << 24);
	prefix_pool_free(pool);
	pool = prefix_pool_new(&one, 128);
	assert_takes(pool, "2001:db8::1/128");
	prefix_pool_free(pool);
}

static void passes_full_words(void **state)
{
	const struct prefix6 range = prefix("2001:db8::/54"), far = prefix("2001:db8:0:3fe::/64");
	struct prefix_pool *pool = prefix_pool_new(&range, 64);
	struct prefix6 p;

	(void)state;
	for (int i = 0; i < 1024; i++)
		assert_int_equal(prefix_pool_take(pool, &p), 0);
	prefix_pool_release(pool, &far);
	assert_takes(pool, "2001:db8:0:3fe::/64");
	prefix_pool_free(pool);
}

/* Of another length, such as a session has whose pool was another when it began. */
static void what_overlaps_is_kept_out(void **state)
{
	const struct prefix6 range = prefix("2001:db8::/58"), in = prefix("2001:db8:0:12::/64"),
			     beside = prefix("2001:db8:0:13::/64"),
			     around = prefix("2001:db8::/59"), all = prefix("2001:db8::/32"),
			     outside = prefix("2001:db8:1::/64");
	struct prefix_pool *pool = prefix_pool_new(&range, 60);
	struct prefix6 p;

	(void)state;
	assert_int_equal(prefix_pool_keep_out(pool, &outside), -EINVAL);
	assert_int_equal(prefix_pool_keep_out(pool, &in), 0);
	assert_int_equal(prefix_pool_keep_out(pool, &beside), 0);
	assert_int_equal(prefix_pool_used(pool), 1);
	prefix_pool_release(pool, &in);
	prefix_pool_release(pool, &outside);
	assert_takes(pool, "2001:db8:0:20::/60");
	assert_takes(pool, "2001:db8:0:30::/60");
	assert_takes(pool, "2001:db8::/60");
	assert_int_equal(prefix_pool_take(pool, &p), -ENOSPC);
	prefix_pool_release(pool, &beside);
	prefix_pool_release(pool, &beside);
	assert_takes(pool, "2001:db8:0:10::/60");
	for (int i = 0; i < 4; i++) {
		p = prefix("2001:db8::/60");
		p.addr.s6_addr[7] = (uint8_t)(i << 4);
		assert_int_equal(prefix_pool_keep_out(pool, &p), -EINVAL);
		prefix_pool_release(pool, &p);
	}
	assert_int_equal(prefix_pool_keep_out(pool, &around), 0);
	assert_int_equal(prefix_pool_used(pool), 2);
	assert_takes(pool, "2001:db8:0:20::/60");
	prefix_pool_release(pool, &around);
	prefix_pool_release(pool, &p);
	p = prefix("2001:db8:0:20::/60");
	prefix_pool_release(pool, &p);
	assert_int_equal(prefix_pool_keep_out(pool, &all), 0);
	assert_int_equal(prefix_pool_take(pool, &p), -ENOSPC);
	prefix_pool_release(pool, &all);
	assert_int_equal(prefix_pool_used(pool), 0);
	assert_int_equal(prefix_pool_keep_out(pool, &all), 0);
	prefix_pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_each_prefix_once),
		cmocka_unit_test(what_came_back_rests),
		cmocka_unit_test(what_is_claimed_is_not_given),
		cmocka_unit_test(what_overlaps_is_kept_out),
		cmocka_unit_test(has_bounds),
		cmocka_unit_test(passes_full_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
