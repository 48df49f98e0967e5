#include "dataplane/tables/sig_index.h"

#include <errno.h>
#include <rte_malloc.h>
#include <string.h>

enum {
	SEARCH_MAX = 1024, /* buckets visited to make room */
};

/* A bucket on the way to a free slot, breadth first. */
struct step {
	uint32_t bucket;
	uint16_t parent; /* index of the step we came from */
	uint8_t slot;    /* of the parent's bucket, whose value would move here */
};

int sig_index_init(struct sig_index *x, const char *name, uint32_t capacity)
{
	*x = (struct sig_index){.capacity = capacity};
	if (capacity == 0)
		return -EINVAL;
	/* Seven of eight slots in use at capacity; a few buckets more so that small ones hold it
	 * too, where chance has not evened out. */
	x->bucket_count = (uint32_t)((uint64_t)capacity / 7 + 8);
	x->buckets = rte_zmalloc(name, sig_index_memory(x), RTE_CACHE_LINE_SIZE);
	return x->buckets ? 0 : -ENOMEM;
}

void sig_index_destroy(struct sig_index *x)
{
	rte_free(x->buckets);
	x->buckets = NULL;
}

static uint16_t sig_at(const struct sig_bucket *b, int slot)
{
	return atomic_load_explicit(&b->sig[slot], memory_order_relaxed);
}

static uint32_t value_at(const struct sig_bucket *b, int slot)
{
	return atomic_load_explicit(&b->value[slot], memory_order_relaxed);
}

static void put(struct sig_bucket *b, int slot, uint16_t sig, uint32_t value)
{
	atomic_store_explicit(&b->value[slot], value, memory_order_release);
	atomic_store_explicit(&b->sig[slot], sig, memory_order_release);
}

static int free_slot(const struct sig_bucket *b)
{
	for (int i = 0; i < SIG_INDEX_SLOTS; i++)
		if (sig_at(b, i) == 0)
			return i;
	return -1;
}

/* Where a value stands. */
static struct sig_bucket *find_slot(
	const struct sig_index *x, uint64_t hash, uint32_t value, int *slot)
{
	const uint16_t sig = sig_index_sig(hash);
	uint32_t bucket = sig_index_home(x, hash);

	for (int choice = 0; choice < 2; choice++) {
		struct sig_bucket *b = &x->buckets[bucket];

		for (*slot = 0; *slot < SIG_INDEX_SLOTS; (*slot)++)
			if (sig_at(b, *slot) == sig && value_at(b, *slot) == value)
				return b;
		bucket = sig_index_other(x, bucket, sig);
	}
	return NULL;
}

/*
 * Moves the values along the way to a free slot, the last first, which leaves a free slot in the
 * bucket that the way starts from; returns that bucket and slot.
 */
static struct sig_bucket *move_along(
	struct sig_index *x, const struct step *steps, unsigned last, int *slot)
{
	struct sig_bucket *to = &x->buckets[steps[last].bucket];

	while (steps[last].parent != UINT16_MAX) {
		struct sig_bucket *from = &x->buckets[steps[steps[last].parent].bucket];
		int leaving = steps[last].slot;

		put(to, *slot, sig_at(from, leaving), value_at(from, leaving));
		atomic_fetch_add_explicit(&x->moves, 1, memory_order_acq_rel);
		atomic_store_explicit(&from->sig[leaving], 0, memory_order_release);
		*slot = leaving;
		to = from;
		last = steps[last].parent;
	}
	return to;
}

/* A bucket must not be on its own way twice, or a value would be moved that has moved already. */
static bool on_the_way(const struct step *steps, unsigned at, uint32_t bucket)
{
	for (;; at = steps[at].parent) {
		if (steps[at].bucket == bucket)
			return true;
		if (steps[at].parent == UINT16_MAX)
			return false;
	}
}

/* Finds or makes a free slot in one of the two buckets; NULL if there is no way to one. */
static struct sig_bucket *make_room(struct sig_index *x, uint64_t hash, int *slot)
{
	struct step steps[SEARCH_MAX];
	uint32_t home = sig_index_home(x, hash);
	unsigned count = 2;

	steps[0] = (struct step){.bucket = home, .parent = UINT16_MAX};
	steps[1] = (struct step){
		.bucket = sig_index_other(x, home, sig_index_sig(hash)), .parent = UINT16_MAX};
	for (unsigned at = 0; at < count; at++) {
		struct sig_bucket *b = &x->buckets[steps[at].bucket];

		*slot = free_slot(b);
		if (*slot >= 0)
			return move_along(x, steps, at, slot);
		for (int i = 0; i < SIG_INDEX_SLOTS && count < SEARCH_MAX; i++) {
			uint32_t other = sig_index_other(x, steps[at].bucket, sig_at(b, i));

			if (on_the_way(steps, at, other))
				continue;
			steps[count++] = (struct step){
				.bucket = other, .parent = (uint16_t)at, .slot = (uint8_t)i};
		}
	}
	return NULL;
}

int sig_index_insert(struct sig_index *x, uint64_t hash, uint32_t value)
{
	int slot;
	struct sig_bucket *b = make_room(x, hash, &slot);

	if (!b)
		return -ENOSPC;
	put(b, slot, sig_index_sig(hash), value);
	x->used++;
	return 0;
}

int sig_index_replace(struct sig_index *x, uint64_t hash, uint32_t old, uint32_t value)
{
	int slot;
	struct sig_bucket *b = find_slot(x, hash, old, &slot);

	if (!b)
		return -ENOENT;
	atomic_store_explicit(&b->value[slot], value, memory_order_release);
	return 0;
}

int sig_index_remove(struct sig_index *x, uint64_t hash, uint32_t value)
{
	int slot;
	struct sig_bucket *b = find_slot(x, hash, value, &slot);

	if (!b)
		return -ENOENT;
	atomic_store_explicit(&b->sig[slot], 0, memory_order_release);
	x->used--;
	return 0;
}

bool sig_index_leads(const struct sig_index *x, uint64_t hash, size_t place)
{
	uint32_t bucket = (uint32_t)(place / SIG_INDEX_SLOTS), home = sig_index_home(x, hash);
	uint16_t sig = sig_index_sig(hash);

	return sig_at(&x->buckets[bucket], (int)(place % SIG_INDEX_SLOTS)) == sig &&
	       (bucket == home || bucket == sig_index_other(x, home, sig));
}

void sig_index_clear(struct sig_index *x, size_t place)
{
	struct sig_bucket *b = &x->buckets[place / SIG_INDEX_SLOTS];

	atomic_store_explicit(&b->sig[place % SIG_INDEX_SLOTS], 0, memory_order_release);
	x->used--;
}
