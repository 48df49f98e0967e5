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

		assert_null(binding_cache_find(cache, &a));
		assert_non_null(binding_cache_add(cache, &a, 0));
	}
	assert_int_equal(binding_cache_count(cache), N);
	for (unsigned n = 0; n < N; n++) {
		struct in6_addr a = numbered(n);
		struct binding *b = binding_cache_find(cache, &a);

		assert_non_null(b);
		assert_true(addr_equal(&b->now.home, &a));
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
	assert_null(binding_cache_find(cache, &a));
	assert_int_equal(binding_cache_count(cache), 0);
	assert_null(binding_cache_next(cache, NULL));
	assert_ptr_equal(binding_cache_add(cache, &c, 0), b);
	assert_int_equal(b->sequence, 0);
	assert_true(b->now.path_id > id);
	binding_cache_free(cache);
	(void)state;
}

static void further_bindings_end_with_their_entry(void **state)
{
	struct binding_cache *cache = binding_cache_new(10);
	struct in6_addr a = numbered(1);
	struct binding *b = binding_cache_add(cache, &a, 3);
	struct binding_record room[BINDING_MAX];
	struct binding_list list;

	list = binding_list(&b->now, b->more, room);
	assert_ptr_equal(list.records, &b->now);
	assert_int_equal(list.count, 1);
	b->more = calloc(1, sizeof(*b->more) + sizeof(b->more->further[0]));
	b->more->count = 1;
	b->more->further[0].now.bid = 7;
	b->more->further[0].now.updated_ns = 5;
	assert_int_equal(binding_count(b), 2);
	assert_ptr_equal(binding_record_of(b, 3), &b->now);
	assert_ptr_equal(binding_record_of(b, 7), &b->more->further[0].now);
	assert_null(binding_record_of(b, 4));
	assert_int_equal(binding_last_heard(b)->bid, 7);
	list = binding_list(&b->now, b->more, room);
	assert_int_equal(list.count, 2);
	assert_int_equal(list.records[1].bid, 7);
	binding_cache_remove(cache, b); /* a leak is told by the sanitizer */
	assert_null(binding_cache_add(cache, &a, 0)->more);
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

static bool count_one(void *arg, struct binding *b)
{
	unsigned *seen = arg;

	seen[b->sequence]++;
	return true;
}

static void all_are_looked_at_once_wherever_they_lie(void **state)
{
	enum { ENTRIES = 1000, LEFT = 3 };
	struct binding_cache *cache =
		binding_cache_new(ENTRIES / 2); /* some buckets have several */
	unsigned next[ENTRIES] = {0}, walked[ENTRIES] = {0}, pieces = 1;
	struct binding *all[ENTRIES];
	size_t at = 0;

	assert_null(binding_cache_next(cache, NULL));
	assert_false(binding_cache_walk(cache, &at, 10, count_one, walked));
	for (uint16_t i = 0; i < ENTRIES; i++) {
		struct in6_addr home = numbered(i);

		all[i] = binding_cache_add(cache, &home, 0);
		all[i]->sequence = i;
	}
	for (struct binding *b = NULL; (b = binding_cache_next(cache, b));)
		next[b->sequence]++;
	for (at = 0; binding_cache_walk(cache, &at, 10, count_one, walked); pieces++)
		assert_true(pieces < ENTRIES);
	assert_in_range(pieces, ENTRIES / 20, ENTRIES / 10 + 1);
	for (unsigned i = 0; i < ENTRIES; i++) {
		assert_int_equal(next[i], 1);
		assert_int_equal(walked[i], 1);
	}
	for (unsigned i = LEFT; i < ENTRIES; i++)
		binding_cache_remove(cache, all[i]);
	memset(next, 0, sizeof(next));
	for (struct binding *b = NULL; (b = binding_cache_next(cache, b));)
		next[b->sequence]++;
	for (unsigned i = 0; i < ENTRIES; i++)
		assert_int_equal(next[i], i < LEFT);
	binding_cache_free(cache);
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_what_was_added),
		cmocka_unit_test(removed_entries_are_used_again),
		cmocka_unit_test(further_bindings_end_with_their_entry),
		cmocka_unit_test(all_are_looked_at_once_wherever_they_lie),
		cmocka_unit_test(ids_of_the_store_are_not_given_out_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
