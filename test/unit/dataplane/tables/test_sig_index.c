/* The signature index: cuckoo displacement, filling up, and readers that must not miss. */
#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/tables/hash.h"
#include "dataplane/tables/sig_index.h"

static bool same(const void *table, uint32_t value, const void *key)
{
	(void)table;
	return value == *(const uint32_t *)key;
}

static uint64_t hash_of(uint32_t value)
{
	return table_hash_id(value + 1);
}

static uint32_t find(const struct sig_index *x, uint32_t value)
{
	return sig_index_find(x, hash_of(value), same, NULL, &value);
}

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "256", "-l", "0", "--log-level=error", NULL};

	(void)state;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

/* It takes what it was made for, at any size, and finds all of it and nothing else. */
static void test_capacity(void **state)
{
	static const uint32_t sizes[] = {1, 7, 8, 100, 5000, 200000};
	struct sig_index x;

	(void)state;
	assert_int_equal(sig_index_init(&x, 0, SIG_INDEX_DENSE), -EINVAL);
	for (unsigned s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
		uint32_t n = sizes[s];

		assert_int_equal(sig_index_init(&x, n, SIG_INDEX_DENSE), 0);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(sig_index_insert(&x, hash_of(i), i), 0);
		assert_int_equal(x.used, n);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(find(&x, i), i);
		for (uint32_t i = n; i < 2 * n; i++)
			assert_int_equal(find(&x, i), SIG_INDEX_NONE);
		for (uint32_t i = 0; i < n; i += 2)
			assert_int_equal(sig_index_remove(&x, hash_of(i), i), 0);
		for (uint32_t i = 0; i < n; i++)
			assert_int_equal(find(&x, i), i % 2 ? i : SIG_INDEX_NONE);
		assert_int_equal(sig_index_remove(&x, hash_of(0), 0), -ENOENT);
		sig_index_destroy(&x);
	}
}

/* Well past its capacity it says so, and what is in it stays found. */
static void test_overfull(void **state)
{
	struct sig_index x;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(sig_index_init(&x, 2000, SIG_INDEX_DENSE), 0);
	while (sig_index_insert(&x, hash_of(n), n) == 0)
		n++;
	assert_true(n >= 2000);
	assert_true(n <= sig_index_places(&x));
	assert_true(atomic_load(&x.moves) > 0);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(find(&x, i), i);
	assert_int_equal(find(&x, n), SIG_INDEX_NONE);
	sig_index_destroy(&x);
}

/* Per mille of the values of a full index that are not in the first bucket of their hash. */
static uint32_t displaced(uint32_t n, enum sig_index_fill fill)
{
	struct sig_index x;
	uint32_t elsewhere = 0;

	assert_int_equal(sig_index_init(&x, n, fill), 0);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(sig_index_insert(&x, hash_of(i), i), 0);
	for (size_t place = 0; place < sig_index_places(&x); place++) {
		uint32_t value = sig_index_at(&x, place);

		if (value != SIG_INDEX_NONE)
			elsewhere += sig_index_home(sig_index_array(&x), hash_of(value)) !=
				     place / SIG_INDEX_SLOTS;
	}
	sig_index_destroy(&x);
	return (uint32_t)(1000ull * elsewhere / n);
}

/* What a lookup costs beside the one cache line is as rare as the header says. */
static void test_fill(void **state)
{
	uint32_t dense = displaced(100000, SIG_INDEX_DENSE);
	uint32_t roomy = displaced(100000, SIG_INDEX_ROOMY);

	(void)state;
	print_message("displaced: %u of 1000 dense, %u roomy\n", dense, roomy);
	assert_true(dense > 100 && dense < 200);
	assert_true(roomy < 50);
}

/* Equal hashes share the slots of two buckets; the caller's comparison tells them apart. */
static void test_equal_hashes(void **state)
{
	struct sig_index x;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(sig_index_init(&x, 1000, SIG_INDEX_DENSE), 0);
	while (sig_index_insert(&x, 42, n) == 0)
		n++;
	assert_true(n == SIG_INDEX_SLOTS || n == 2 * SIG_INDEX_SLOTS);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(sig_index_find(&x, 42, same, NULL, &i), i);
	sig_index_destroy(&x);
}

static void test_replace(void **state)
{
	struct sig_index x;

	(void)state;
	assert_int_equal(sig_index_init(&x, 10, SIG_INDEX_DENSE), 0);
	assert_int_equal(sig_index_insert(&x, hash_of(1), 1), 0);
	assert_int_equal(sig_index_replace(&x, hash_of(1), 2, 3), -ENOENT);
	assert_int_equal(sig_index_replace(&x, hash_of(1), 1, 9), 0);
	uint32_t key = 9;
	assert_int_equal(sig_index_find(&x, hash_of(1), same, NULL, &key), 9);
	assert_int_equal(find(&x, 1), SIG_INDEX_NONE);
	assert_int_equal(x.used, 1);
	sig_index_destroy(&x);
}

/* The way to the other bucket is the way back, for any number of buckets. */
static void test_other(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 3000; n += 7) {
		struct sig_array x = {.count = n};

		for (uint32_t i = 0; i < 200; i++) {
			uint16_t sig = sig_index_sig(hash_of(i));
			uint32_t home = sig_index_home(&x, hash_of(i));
			uint32_t other = sig_index_other(&x, home, sig);

			assert_true(home < n && other < n);
			assert_int_equal(sig_index_other(&x, other, sig), home);
		}
	}
}

/* Reader: looks for values that are always there. */
struct reader {
	struct sig_index *x;
	uint32_t stay;
	_Atomic bool stop;
	_Atomic uint64_t rounds;
	uint64_t missed;
};

static void *read_all(void *of)
{
	struct reader *r = of;

	while (!atomic_load(&r->stop)) {
		for (uint32_t i = 0; i < r->stay; i++)
			r->missed += find(r->x, i) != i;
		atomic_fetch_add(&r->rounds, 1);
	}
	return NULL;
}

/* A writer that fills and empties the rest moves the readers' values from bucket to bucket. */
static void test_reader_never_misses(void **state)
{
	struct sig_index x;
	struct reader reader = {.x = &x, .stay = 1000};
	pthread_t thread;
	uint32_t moves;

	(void)state;
	assert_int_equal(sig_index_init(&x, 2000, SIG_INDEX_DENSE), 0);
	for (uint32_t i = 0; i < reader.stay; i++)
		assert_int_equal(sig_index_insert(&x, hash_of(i), i), 0);
	moves = atomic_load(&x.moves);
	assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
	for (uint32_t round = 0; round < 60 || atomic_load(&reader.rounds) < 100; round++) {
		uint32_t from = 10000 + round * 5000, n = 0;

		while (sig_index_insert(&x, hash_of(from + n), from + n) == 0)
			n++;
		while (n--)
			assert_int_equal(sig_index_remove(&x, hash_of(from + n), from + n), 0);
	}
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(reader.missed, 0);
	assert_true(atomic_load(&x.moves) > moves + 1000);
	sig_index_destroy(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_capacity),
		cmocka_unit_test(test_overfull),
		cmocka_unit_test(test_fill),
		cmocka_unit_test(test_equal_hashes),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_other),
		cmocka_unit_test(test_reader_never_misses),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
