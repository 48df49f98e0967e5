#include "dataplane/tables/sig_index.h"

#include <errno.h>
#include <rte_rcu_qsbr.h>
#include <string.h>

enum {
	SEARCH_MAX = 1024, /* buckets visited to make room */
	AHEAD = 4,         /* buckets whose elements are asked for before they are looked at */
};

/* A bucket on the way to a free slot, breadth first. */
struct step {
	uint32_t bucket;
	uint16_t parent; /* index of the step we came from */
	uint8_t slot;    /* of the parent's bucket, whose value would move here */
};

/* A few buckets more so that small ones hold it too, where chance has not evened out. */
static uint32_t buckets_for(uint32_t capacity, enum sig_index_fill fill)
{
	return capacity / fill + 8;
}

size_t sig_index_needed(uint32_t capacity, enum sig_index_fill fill)
{
	return room_needed(buckets_for(capacity, fill) * sizeof(struct sig_bucket));
}

static int array_init(struct sig_array *a, uint32_t capacity, enum sig_index_fill fill)
{
	size_t octets;
	int err;

	a->count = buckets_for(capacity, fill);
	octets = (size_t)a->count * sizeof(struct sig_bucket);
	err = room_init(&a->room, octets, octets);
	a->buckets = (struct sig_bucket *)(void *)a->room.base;
	return err;
}

static void array_destroy(struct sig_array *a)
{
	room_destroy(&a->room);
	*a = (struct sig_array){0};
}

int sig_index_init(struct sig_index *x, uint32_t capacity, enum sig_index_fill fill)
{
	memset(x, 0, sizeof(*x));
	x->capacity = capacity;
	x->fill = fill;
	atomic_store_explicit(&x->now, &x->arrays[0], memory_order_relaxed);
	return capacity ? array_init(&x->arrays[0], capacity, fill) : -EINVAL;
}

void sig_index_grows(struct sig_index *x, uint32_t most, const struct pool *pool,
	sig_index_hash hash, const void *table)
{
	x->growth.most = most;
	x->growth.pool = pool;
	x->growth.hash = hash;
	x->growth.table = table;
}

void sig_index_destroy(struct sig_index *x)
{
	array_destroy(&x->arrays[0]);
	array_destroy(&x->arrays[1]);
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
	const struct sig_array *a = sig_index_array(x);
	const uint16_t sig = sig_index_sig(hash);
	uint32_t bucket = sig_index_home(a, hash);

	for (int choice = 0; choice < 2; choice++) {
		struct sig_bucket *b = &a->buckets[bucket];

		for (*slot = 0; *slot < SIG_INDEX_SLOTS; (*slot)++)
			if (sig_at(b, *slot) == sig && value_at(b, *slot) == value)
				return b;
		bucket = sig_index_other(a, bucket, sig);
	}
	return NULL;
}

/*
 * Moves the values along the way to a free slot, the last first, which leaves a free slot in the
 * bucket that the way starts from; returns that bucket and slot.
 */
static struct sig_bucket *move_along(struct sig_index *x, const struct sig_array *a,
	const struct step *steps, unsigned last, int *slot)
{
	struct sig_bucket *to = &a->buckets[steps[last].bucket];

	while (steps[last].parent != UINT16_MAX) {
		struct sig_bucket *from = &a->buckets[steps[steps[last].parent].bucket];
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
static struct sig_bucket *make_slot(
	struct sig_index *x, const struct sig_array *a, uint64_t hash, int *slot)
{
	struct step steps[SEARCH_MAX];
	uint32_t home = sig_index_home(a, hash);
	unsigned count = 2;

	steps[0] = (struct step){.bucket = home, .parent = UINT16_MAX};
	steps[1] = (struct step){
		.bucket = sig_index_other(a, home, sig_index_sig(hash)), .parent = UINT16_MAX};
	for (unsigned at = 0; at < count; at++) {
		struct sig_bucket *b = &a->buckets[steps[at].bucket];

		*slot = free_slot(b);
		if (*slot >= 0)
			return move_along(x, a, steps, at, slot);
		for (int i = 0; i < SIG_INDEX_SLOTS && count < SEARCH_MAX; i++) {
			uint32_t other = sig_index_other(a, steps[at].bucket, sig_at(b, i));

			if (on_the_way(steps, at, other))
				continue;
			steps[count++] = (struct step){
				.bucket = other, .parent = (uint16_t)at, .slot = (uint8_t)i};
		}
	}
	return NULL;
}

static int insert(struct sig_index *x, const struct sig_array *a, uint64_t hash, uint32_t value)
{
	int slot;
	struct sig_bucket *b = make_slot(x, a, hash, &slot);

	if (!b)
		return -ENOSPC;
	put(b, slot, sig_index_sig(hash), value);
	return 0;
}

/* The elements of a bucket, which will be looked at soon. */
static void ask(const struct sig_index *x, const struct sig_bucket *b)
{
	for (int i = 0; i < SIG_INDEX_SLOTS; i++)
		if (sig_at(b, i) && value_at(b, i) < x->growth.pool->fresh)
			rte_prefetch0(pool_at(x->growth.pool, value_at(b, i)));
}

/* Puts what an array holds into another, and counts it. Values that cannot be are left out. */
static int64_t refill(struct sig_index *x, const struct sig_array *from, const struct sig_array *to)
{
	uint32_t count = 0;

	for (uint32_t bucket = 0; bucket < from->count; bucket++) {
		const struct sig_bucket *b = &from->buckets[bucket];

		if (bucket + AHEAD < from->count)
			ask(x, b + AHEAD);
		for (int i = 0; i < SIG_INDEX_SLOTS; i++) {
			uint32_t value = value_at(b, i);

			if (sig_at(b, i) == 0 || value >= x->growth.pool->fresh)
				continue;
			if (insert(x, to, x->growth.hash(x->growth.table, value), value) < 0)
				return -ENOSPC;
			count++;
		}
	}
	return count;
}

/* By half. */
static int grow(struct sig_index *x)
{
	const uint64_t wanted =
		RTE_MIN((uint64_t)x->capacity + x->capacity / 2 + 1, x->growth.most);
	struct sig_array *old = &x->arrays[sig_index_array(x) == &x->arrays[1]];
	struct sig_array *fresh = &x->arrays[old == &x->arrays[0]];
	struct rte_rcu_qsbr *rcu = x->growth.pool ? x->growth.pool->rcu : NULL;
	int64_t count = -ENOSPC;

	if (!x->growth.pool || wanted <= x->capacity)
		return -ENOSPC;
	if (array_init(fresh, (uint32_t)wanted, x->fill) == 0)
		count = refill(x, old, fresh);
	if (count < 0) {
		array_destroy(fresh);
		return -ENOSPC;
	}
	atomic_store_explicit(&x->now, fresh, memory_order_release);
	x->used = (uint32_t)count;
	x->capacity = (uint32_t)wanted;
	/* Not by the library's function, of which a thread sanitizer sees nothing. */
	rte_rcu_qsbr_check(rcu, rte_rcu_qsbr_start(rcu), true);
	array_destroy(old);
	return 0;
}

int sig_index_make_room(struct sig_index *x)
{
	return x->used < x->capacity ? 0 : grow(x);
}

int sig_index_insert(struct sig_index *x, uint64_t hash, uint32_t value)
{
	int err = insert(x, sig_index_array(x), hash, value);

	if (err < 0 && grow(x) == 0)
		err = insert(x, sig_index_array(x), hash, value);
	x->used += err == 0;
	return err;
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
	const struct sig_array *a = sig_index_array(x);
	uint32_t bucket = (uint32_t)(place / SIG_INDEX_SLOTS), home = sig_index_home(a, hash);
	uint16_t sig = sig_index_sig(hash);

	return sig_at(&a->buckets[bucket], (int)(place % SIG_INDEX_SLOTS)) == sig &&
	       (bucket == home || bucket == sig_index_other(a, home, sig));
}

void sig_index_clear(struct sig_index *x, size_t place)
{
	struct sig_bucket *b = &sig_index_array(x)->buckets[place / SIG_INDEX_SLOTS];

	atomic_store_explicit(&b->sig[place % SIG_INDEX_SLOTS], 0, memory_order_release);
	x->used--;
}
