/*
 * Signature index: from a 64-bit hash to candidate numbers (of entries in some array), read by
 * any number of workers without locks while one thread changes it.
 *
 * Layout: an array of buckets of one cache line, each with ten 16-bit signatures and the ten
 * 32-bit values that go with them. A value lives in one of two buckets that its hash names; when
 * both are full, others are moved to their second bucket to make room (cuckoo). The index does
 * not know keys: the caller compares the key in the entry that a candidate names.
 *
 * Cost of a hit: one cache line here, two for those that live in their second bucket, and the
 * entry. At capacity nine of ten slots are in use, 7.1 octets a value, and one value of eleven
 * lives in its second bucket; in an index that workers ask for each packet seven of ten, 9.1
 * octets, and one of thirty does. One that has grown takes up to half as much again.
 *
 * One that is full can grow: the writer fills a larger array, which takes the place of the other in
 * one store. Readers go on in that until their next quiescent state.
 *
 * Readers: a value that stays in the index is found by every lookup. A move writes the new place
 * first and then clears the old one, and between the two counts up `moves`; a reader that finds
 * nothing and sees that number changed looks again. So does one that looks into the two buckets of
 * a hash at different times when the array is another by then, in which they are others.
 */
#pragma once

#include <assert.h>
#include <emmintrin.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_prefetch.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/tables/pool.h"

#define SIG_INDEX_SLOTS 10
#define SIG_INDEX_NONE  UINT32_MAX

struct sig_bucket {
	_Atomic uint16_t sig[SIG_INDEX_SLOTS]; /* 0: the slot is free */
	_Atomic uint32_t value[SIG_INDEX_SLOTS];
	uint8_t spare[4];
} __rte_cache_aligned;
static_assert(sizeof(struct sig_bucket) == 64, "one cache line");

/* Slots of a bucket that are in use on average when an index is full. */
enum sig_index_fill {
	SIG_INDEX_ROOMY = 7, /* for what workers ask for each packet */
	SIG_INDEX_DENSE = 9,
};

struct sig_array {
	struct sig_bucket *buckets;
	uint32_t count; /* of buckets */
	struct room room;
};

/* The hash of what a value stands for. */
typedef uint64_t (*sig_index_hash)(const void *table, uint32_t value);

struct sig_index {
	_Atomic(const struct sig_array *) now;
	struct sig_array arrays[2]; /* one of them is not in use */
	_Atomic uint32_t moves __rte_cache_aligned;
	/* The rest is the writer's, on a line that readers do not look at. */
	uint32_t used __rte_cache_aligned;
	uint32_t capacity; /* values that it takes for certain, short of freak collisions */
	enum sig_index_fill fill;
	/* What it needs to grow. */
	struct {
		const struct pool *pool; /* whose elements the values number; NULL: it does not */
		sig_index_hash hash;
		const void *table;
		uint32_t most; /* values */
	} growth;
};

/* Makes an empty index for capacity values, which stays where it is. Returns 0, -EINVAL (capacity
 * 0) or -ENOMEM. */
int sig_index_init(struct sig_index *x, uint32_t capacity, enum sig_index_fill fill);

/* Octets in rooms that sig_index_init() will ask for. */
size_t sig_index_needed(uint32_t capacity, enum sig_index_fill fill);

/* Lets an index of the elements of a pool grow up to `most` values. hash() gets table. */
void sig_index_grows(struct sig_index *x, uint32_t most, const struct pool *pool,
	sig_index_hash hash, const void *table);

/* Frees the memory; no reader may be left. */
void sig_index_destroy(struct sig_index *x);

/*
 * Writer: there is room for one value more, if need be because the index grows, which waits for the
 * readers and takes 20 ns a value. Returns 0 or -ENOSPC.
 */
int sig_index_make_room(struct sig_index *x);

/*
 * Writer: adds a value under a hash. The entry that it names must be complete. Returns 0, or
 * -ENOSPC when no room can be made; then nothing has changed for readers.
 */
int sig_index_insert(struct sig_index *x, uint64_t hash, uint32_t value);

/* Writer: puts value in the place of old, in one store. Returns 0 or -ENOENT. */
int sig_index_replace(struct sig_index *x, uint64_t hash, uint32_t old, uint32_t value);

/* Writer: takes a value out. Returns 0 or -ENOENT. */
int sig_index_remove(struct sig_index *x, uint64_t hash, uint32_t value);

/* The array that holds the values now; valid until the caller's next quiescent state. Any reader.
 */
static inline const struct sig_array *sig_index_array(const struct sig_index *x)
{
	return atomic_load_explicit(&x->now, memory_order_acquire);
}

/* Places for values, 0 to sig_index_places() - 1, some of them free. */
static inline size_t sig_index_places(const struct sig_index *x)
{
	return (size_t)sig_index_array(x)->count * SIG_INDEX_SLOTS;
}

/* Writer: the value of a place, or SIG_INDEX_NONE. */
static inline uint32_t sig_index_at(const struct sig_index *x, size_t place)
{
	const struct sig_bucket *b = &sig_index_array(x)->buckets[place / SIG_INDEX_SLOTS];
	unsigned slot = place % SIG_INDEX_SLOTS;

	if (atomic_load_explicit(&b->sig[slot], memory_order_relaxed) == 0)
		return SIG_INDEX_NONE;
	return atomic_load_explicit(&b->value[slot], memory_order_relaxed);
}

/* Writer: whether a lookup of this hash comes by a place. */
bool sig_index_leads(const struct sig_index *x, uint64_t hash, size_t place);

/* Writer: takes out what a place holds. */
void sig_index_clear(struct sig_index *x, size_t place);

/* Octets of memory. */
static inline size_t sig_index_memory(const struct sig_index *x)
{
	return (size_t)sig_index_array(x)->count * sizeof(struct sig_bucket);
}

static inline uint16_t sig_index_sig(uint64_t hash)
{
	uint16_t sig = (uint16_t)(hash >> 48);

	return sig ? sig : 1;
}

/* The first of the two buckets that a hash names. */
static inline uint32_t sig_index_home(const struct sig_array *a, uint64_t hash)
{
	return (uint32_t)(((hash & UINT32_MAX) * a->count) >> 32);
}

/*
 * The other bucket: mirrored about a point that the signature chooses, so that the way back is
 * the same function and a value can be moved without its key.
 */
static inline uint32_t sig_index_other(const struct sig_array *a, uint32_t bucket, uint16_t sig)
{
	uint32_t centre = (uint32_t)(((uint64_t)(sig * 0x9e3779b1u) * a->count) >> 32);

	return centre >= bucket ? centre - bucket : centre + a->count - bucket;
}

/* Bit 2 * i is set for every slot i of the bucket that holds the signature. */
static inline uint32_t sig_index_match(const struct sig_bucket *b, uint16_t sig)
{
#ifdef __SANITIZE_THREAD__
	uint32_t mask = 0;

	for (int i = 0; i < SIG_INDEX_SLOTS; i++)
		if (atomic_load_explicit(&b->sig[i], memory_order_acquire) == sig)
			mask |= 1u << (2 * i);
	return mask;
#else
	/* The first eight, and the last eight. */
	const __m128i wanted = _mm_set1_epi16((short)sig);
	const __m128i head = _mm_load_si128((const __m128i *)(const void *)b->sig);
	const __m128i tail = _mm_loadu_si128((const __m128i *)(const void *)(b->sig + 2));
	const uint32_t first = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi16(head, wanted));
	const uint32_t last = (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi16(tail, wanted));

	atomic_signal_fence(memory_order_acquire);
	return (first | last << 4) & 0x55555;
#endif
}

/* The value of the slot that the lowest bit of a match names. */
static inline uint32_t sig_index_value(const struct sig_bucket *b, uint32_t match)
{
	return atomic_load_explicit(&b->value[__builtin_ctz(match) / 2], memory_order_acquire);
}

static inline void sig_index_prefetch(const struct sig_index *x, uint64_t hash)
{
	const struct sig_array *a = sig_index_array(x);

	rte_prefetch0(&a->buckets[sig_index_home(a, hash)]);
}

/* Number of moves so far. */
static inline uint32_t sig_index_moves(const struct sig_index *x)
{
	return atomic_load_explicit(&x->moves, memory_order_acquire);
}

/*
 * Another number after each move and in each array, taken before a lookup in steps: a miss is
 * certain if it is the same after it. A reader sees the array change once at most, for the writer
 * waits for it then.
 */
static inline uint64_t sig_index_version(const struct sig_index *x)
{
	const uint64_t array = sig_index_array(x) == &x->arrays[1];

	return array << 32 | sig_index_moves(x);
}

/* Whether one entry is what the caller looks for. */
typedef bool (*sig_index_equal)(const void *table, uint32_t value, const void *key);

/*
 * Looks one hash up: the first candidate that equal() accepts, or SIG_INDEX_NONE. Any thread that
 * takes part in RCU. Inlined with a constant equal().
 */
static __rte_always_inline uint32_t sig_index_find(const struct sig_index *x, uint64_t hash,
	sig_index_equal equal, const void *table, const void *key)
{
	const uint16_t sig = sig_index_sig(hash);
	uint32_t moves;

	do {
		const struct sig_array *a = sig_index_array(x);
		uint32_t bucket = sig_index_home(a, hash);

		moves = sig_index_moves(x);
		for (int choice = 0; choice < 2; choice++) {
			const struct sig_bucket *b = &a->buckets[bucket];

			for (uint32_t m = sig_index_match(b, sig); m; m &= m - 1) {
				uint32_t value = sig_index_value(b, m);

				if (equal(table, value, key))
					return value;
			}
			bucket = sig_index_other(a, bucket, sig);
		}
		atomic_thread_fence(memory_order_acquire);
	} while (unlikely(moves != sig_index_moves(x)));
	return SIG_INDEX_NONE;
}
