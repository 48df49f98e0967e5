/* Numbers that begin again: moves of an index, signatures, buckets at both ends, tokens. */
#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/tables/hash.h"
#include "dataplane/tables/pool.h"
#include "dataplane/tables/sig_index.h"

enum {
	STAY = 1000,  /* values that are always there */
	SLOW = 0,     /* a reader that is to be waited for */
	ELEMENTS = 4, /* of a pool */
};

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "256", "-l", "0", "--log-level=error", NULL};

	(void)state;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

static bool same(const void *table, uint32_t value, const void *key)
{
	(void)table;
	return value == *(const uint32_t *)key;
}

static uint64_t hash_of(uint32_t value)
{
	return table_hash_id(value + 1);
}

static uint32_t find(const struct sig_index *x, uint64_t hash, uint32_t value)
{
	return sig_index_find(x, hash, same, NULL, &value);
}

/* A reader that is sure of its misses while the count of moves begins again. */
struct reader {
	struct sig_index *x;
	_Atomic bool stop;
	_Atomic uint64_t rounds;
	uint64_t missed;
};

static void *read_all(void *of)
{
	struct reader *r = of;

	while (!atomic_load(&r->stop)) {
		for (uint32_t i = 0; i < STAY; i++)
			r->missed += find(r->x, hash_of(i), i) != i;
		atomic_fetch_add(&r->rounds, 1);
	}
	return NULL;
}

/* Fills the index up, which moves values, and empties it of what was added. */
static void fill_and_empty(struct sig_index *x, uint32_t from)
{
	uint32_t n = 0;

	while (sig_index_insert(x, hash_of(from + n), from + n) == 0)
		n++;
	while (n--)
		assert_int_equal(sig_index_remove(x, hash_of(from + n), from + n), 0);
}

static void test_moves(void **state)
{
	const uint32_t before = UINT32_MAX - 200;
	struct sig_index x;
	struct reader reader = {.x = &x};
	pthread_t thread;

	(void)state;
	assert_int_equal(sig_index_init(&x, 2 * STAY, SIG_INDEX_DENSE), 0);
	for (uint32_t i = 0; i < STAY; i++)
		assert_int_equal(sig_index_insert(&x, hash_of(i), i), 0);
	atomic_store(&x.moves, before);
	assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
	for (uint32_t round = 0; sig_index_moves(&x) >= before || atomic_load(&reader.rounds) < 50;
		round++)
		fill_and_empty(&x, 10000 + round * 5000);
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(reader.missed, 0);
	sig_index_destroy(&x);
}

/* A signature of 0 would mean a free slot: it counts as 1, and who really has 1 is another. */
static void test_signatures(void **state)
{
	static const uint64_t tops[] = {0, 1, 0x7fff, 0x8000, 0xffff};
	struct sig_index x;

	(void)state;
	assert_int_equal(sig_index_init(&x, 64, SIG_INDEX_DENSE), 0);
	for (uint32_t i = 0; i < RTE_DIM(tops); i++)
		assert_int_equal(sig_index_insert(&x, tops[i] << 48 | 77, i), 0);
	for (uint32_t i = 0; i < RTE_DIM(tops); i++)
		assert_int_equal(find(&x, tops[i] << 48 | 77, i), i);
	assert_int_equal(find(&x, tops[0] << 48 | 77, 1), 1);
	assert_int_equal(sig_index_remove(&x, tops[0] << 48 | 77, 0), 0);
	assert_int_equal(find(&x, tops[0] << 48 | 77, 0), SIG_INDEX_NONE);
	assert_int_equal(find(&x, tops[1] << 48 | 77, 1), 1);
	assert_int_equal(x.used, RTE_DIM(tops) - 1);
	sig_index_destroy(&x);
}

/* Hashes of the first and of the last bucket, whatever their signatures: the other bucket of each
 * is one of the array, on this side of its end or, beginning again, on the other. */
static void test_ends(void **state)
{
	struct sig_index x;
	uint32_t count, crossed = 0;

	(void)state;
	assert_int_equal(sig_index_init(&x, 700, SIG_INDEX_DENSE), 0);
	count = sig_index_array(&x)->count;
	for (uint32_t i = 0; i < 400; i++) {
		uint64_t hash = (uint64_t)(i * 163) << 48 | (i % 2 ? UINT32_MAX : 0);
		uint32_t home = sig_index_home(sig_index_array(&x), hash);
		uint32_t other = sig_index_other(sig_index_array(&x), home, sig_index_sig(hash));

		assert_int_equal(home, i % 2 ? count - 1 : 0);
		assert_true(other < count);
		crossed += other != home;
		assert_int_equal(sig_index_insert(&x, hash, i), 0);
	}
	assert_true(crossed > 300);
	for (uint32_t i = 0; i < 400; i++)
		assert_int_equal(
			find(&x, (uint64_t)(i * 163) << 48 | (i % 2 ? UINT32_MAX : 0), i), i);
	sig_index_destroy(&x);
}

struct element {
	uint32_t held, link;
};

/* What a reader may still hold is not handed out before the reader has passed, also when the tokens
 * need a 33rd bit. */
static void test_tokens(void **state)
{
	struct rte_rcu_qsbr *rcu =
		rte_zmalloc("rcu", rte_rcu_qsbr_get_memsize(1), RTE_CACHE_LINE_SIZE);
	struct pool p;
	uint32_t taken[ELEMENTS];

	(void)state;
	assert_int_equal(rte_rcu_qsbr_init(rcu, 1), 0);
	rcu->token = UINT32_MAX - 8ull;
	rte_rcu_qsbr_thread_register(rcu, SLOW);
	rte_rcu_qsbr_thread_online(rcu, SLOW);
	assert_int_equal(pool_init(&p, POOL_ELEMENT(struct element, link), ELEMENTS, 0, rcu), 0);
	for (unsigned round = 0; round < 16; round++) {
		for (unsigned i = 0; i < ELEMENTS; i++) {
			taken[i] = pool_take(&p);
			assert_true(taken[i] < ELEMENTS);
		}
		for (unsigned i = 0; i < ELEMENTS; i++)
			pool_retire(&p, taken[i]);
		pool_reclaim(&p, false);
		assert_int_equal(pool_take(&p), POOL_NONE);
		rte_rcu_qsbr_quiescent(rcu, SLOW);
		pool_reclaim(&p, false);
	}
	assert_true(rcu->token > UINT32_MAX);
	rte_rcu_qsbr_thread_offline(rcu, SLOW);
	rte_rcu_qsbr_thread_unregister(rcu, SLOW);
	pool_destroy(&p);
	rte_free(rcu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_signatures),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_tokens),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
