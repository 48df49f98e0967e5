#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "ctrl/binding/binding_cache.h"

static struct in6_addr numbered(unsigned n)
{
	struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8}};

	memcpy(&a.s6_addr[12], &n, sizeof(n));
	return a;
}

static void finds_what_was_added(void **state)
{
	enum { N = 3000 }; /* more than the table was made for */
	struct binding_cache *cache = binding_cache_new(1000);
	unsigned seen = 0;

	for (unsigned n = 0; n < N; n++) {
		struct in6_addr a = numbered(n);

		assert_null(binding_cache_find(cache, &a, 0));
		assert_non_null(binding_cache_add(cache, &a, 0));
	}
	assert_int_equal(binding_cache_count(cache), N);
	for (unsigned n = 0; n < N; n++) {
		struct in6_addr a = numbered(n);
		struct binding *b = binding_cache_find(cache, &a, 0);

		assert_non_null(b);
		assert_true(addr_equal(&b->now.home, &a));
		assert_null(binding_cache_find(cache, &a, 1));
	}
	for (struct binding *b = NULL; (b = binding_cache_next(cache, b));)
		seen++;
	assert_int_equal(seen, N);
	binding_cache_free(cache);
	(void)state;
}

static void removed_entries_are_used_again(void **state)
{
	struct binding_cache *cache = binding_cache_new(10);
	struct in6_addr a = numbered(1), c = numbered(2);
	struct binding *b = binding_cache_add(cache, &a, 0);
	uint64_t id = b->now.path_id;

	b->sequence = 7;
	binding_cache_remove(cache, b);
	assert_null(binding_cache_find(cache, &a, 0));
	assert_int_equal(binding_cache_count(cache), 0);
	assert_null(binding_cache_next(cache, NULL));
	assert_ptr_equal(binding_cache_add(cache, &c, 0), b);
	assert_int_equal(b->sequence, 0);
	assert_true(b->now.path_id > id);
	binding_cache_free(cache);
	(void)state;
}

static void bindings_of_one_address_are_together_in_order(void **state)
{
	static const uint16_t bids[] = {5, 0, 65535, 3};
	static const uint16_t sorted[] = {0, 3, 5, 65535};
	struct binding_cache *cache = binding_cache_new(1); /* others share the bucket */
	struct in6_addr a = numbered(77);
	struct binding *b;
	uint64_t subscriber_id = 0;

	for (unsigned n = 0; n < 1000; n++) {
		struct in6_addr other = numbered(1000 + n);

		binding_cache_add(cache, &other, 0);
	}
	for (size_t i = 0; i < 4; i++) {
		b = binding_cache_add(cache, &a, bids[i]);
		if (i == 0)
			subscriber_id = b->now.subscriber_id;
		assert_int_equal(b->now.subscriber_id, subscriber_id);
	}
	b = binding_cache_first(cache, &a);
	for (size_t i = 0; i < 4; i++, b = binding_cache_sibling(b)) {
		assert_non_null(b);
		assert_int_equal(b->now.bid, sorted[i]);
		assert_ptr_equal(binding_cache_find(cache, &a, sorted[i]), b);
	}
	assert_null(b);
	binding_cache_remove(cache, binding_cache_find(cache, &a, 0));
	assert_int_equal(binding_cache_first(cache, &a)->now.bid, 3);
	binding_cache_free(cache);
	(void)state;
}

static void ids_of_the_store_are_not_given_out_again(void **state)
{
	struct binding_cache *cache = binding_cache_new(10);
	struct in6_addr a = numbered(1), c = numbered(2);
	struct binding_record old = {.path_id = 40, .subscriber_id = 41};
	struct binding *b;

	binding_cache_reserve(cache, &old);
	b = binding_cache_add(cache, &a, 0);
	assert_true(b->now.path_id > 41);
	old = (struct binding_record){.path_id = 2, .subscriber_id = 1};
	binding_cache_reserve(cache, &old);
	assert_true(binding_cache_add(cache, &c, 0)->now.path_id > b->now.path_id);
	binding_cache_free(cache);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(removed_entries_are_used_again),
		cmocka_unit_test(bindings_of_one_address_are_together_in_order),
		cmocka_unit_test(ids_of_the_store_are_not_given_out_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
