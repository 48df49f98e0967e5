#include "ctrl/binding/prefix_pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Prefixes of the pool, side by side, that are not its own to give. */
struct kept_out {
	size_t first;      /* number */
	size_t count;      /* of prefixes */
	size_t reasons;    /* prefixes of another length that they overlap */
	UT_hash_handle hh; /* by first: what has one of them has them all */
};

struct prefix_pool {
	struct prefix6 range;
	uint8_t length;
	size_t size, used;
	size_t next; /* where the search for a free one begins */
	struct kept_out *kept_out;
	uint64_t taken[];
};

struct prefix_pool *prefix_pool_new(const struct prefix6 *range, uint8_t length)
{
	struct prefix_pool *pool;
	size_t size;

	if (length > 128 || length < range->len || length - range->len > PREFIX_POOL_BITS_MAX)
		return NULL;
	size = (size_t)1 << (length - range->len);
	pool = calloc(1, sizeof(*pool) + (size + 63) / 64 * sizeof(pool->taken[0]));
	if (!pool)
		return NULL;
	pool->range = *range;
	pool->length = length;
	pool->size = size;
	return pool;
}

void prefix_pool_free(struct prefix_pool *pool)
{
	struct kept_out *k, *next;

	if (!pool)
		return;
	HASH_ITER (hh, pool->kept_out, k, next) {
		HASH_DEL(pool->kept_out, k);
		free(k);
	}
	free(pool);
}

bool prefix_pool_has(const struct prefix_pool *pool, const struct prefix6 *prefix)
{
	return prefix->len == pool->length && prefix6_covers(&pool->range, prefix);
}

/* The number of a prefix: the bits between the length of the range and its own. */
static size_t number_of(const struct prefix_pool *pool, const struct prefix6 *prefix)
{
	size_t number = 0;

	for (unsigned bit = pool->range.len; bit < pool->length; bit++)
		number = number << 1 | (prefix->addr.s6_addr[bit / 8] >> (7 - bit % 8) & 1);
	return number;
}

static struct prefix6 prefix_of(const struct prefix_pool *pool, size_t number)
{
	struct prefix6 prefix = prefix6_of(&pool->range.addr, pool->length);

	for (unsigned bit = pool->length; bit-- > pool->range.len; number >>= 1)
		prefix.addr.s6_addr[bit / 8] |= (uint8_t)((number & 1) << (7 - bit % 8));
	return prefix;
}

static bool is_taken(const struct prefix_pool *pool, size_t number)
{
	return pool->taken[number / 64] >> (number % 64) & 1;
}

static void take(struct prefix_pool *pool, size_t number)
{
	pool->taken[number / 64] |= 1ull << (number % 64);
	pool->used++;
	pool->next = (number + 1) % pool->size;
}

int prefix_pool_take(struct prefix_pool *pool, struct prefix6 *prefix)
{
	size_t number = pool->next;

	if (pool->used == pool->size)
		return -ENOSPC;
	while (is_taken(pool, number)) {
		/* A word without a free one is passed at once. */
		if (number % 64 == 0 && pool->taken[number / 64] == UINT64_MAX)
			number += 64;
		else
			number++;
		if (number >= pool->size)
			number = 0;
	}
	take(pool, number);
	*prefix = prefix_of(pool, number);
	return 0;
}

int prefix_pool_claim(struct prefix_pool *pool, const struct prefix6 *prefix)
{
	size_t number;

	if (!prefix_pool_has(pool, prefix))
		return -EINVAL;
	number = number_of(pool, prefix);
	if (is_taken(pool, number))
		return -EEXIST;
	take(pool, number);
	return 0;
}

static void give_back(struct prefix_pool *pool, size_t number)
{
	if (!is_taken(pool, number))
		return;
	pool->taken[number / 64] &= ~(1ull << (number % 64));
	pool->used--;
}

/* What of the pool overlaps a prefix of another length. False: nothing. */
static bool overlap(
	const struct prefix_pool *pool, const struct prefix6 *prefix, size_t *first, size_t *count)
{
	if (prefix->len == pool->length)
		return false;
	*first = 0;
	*count = pool->size;
	if (prefix6_covers(prefix, &pool->range))
		return true;
	if (!prefix6_covers(&pool->range, prefix))
		return false;
	*first = number_of(pool, prefix);
	*count = prefix->len < pool->length ? (size_t)1 << (pool->length - prefix->len) : 1;
	return true;
}

static struct kept_out *kept_out_find(struct prefix_pool *pool, size_t first)
{
	struct kept_out *k;

	HASH_FIND(hh, pool->kept_out, &first, sizeof(first), k);
	return k;
}

int prefix_pool_keep_out(struct prefix_pool *pool, const struct prefix6 *prefix)
{
	struct kept_out *k;
	size_t first, count;

	if (!overlap(pool, prefix, &first, &count))
		return -EINVAL;
	k = kept_out_find(pool, first);
	if (!k) {
		k = calloc(1, sizeof(*k));
		if (!k)
			return -ENOMEM;
		k->first = first;
		HASH_ADD(hh, pool->kept_out, first, sizeof(k->first), k);
	}
	k->reasons++;
	if (count > k->count)
		k->count = count;
	for (size_t i = first; i < first + count; i++)
		if (!is_taken(pool, i))
			take(pool, i);
	return 0;
}

static void let_in(struct prefix_pool *pool, const struct prefix6 *prefix)
{
	struct kept_out *k;
	size_t first, count;

	if (!overlap(pool, prefix, &first, &count))
		return;
	k = kept_out_find(pool, first);
	if (!k || --k->reasons)
		return;
	for (size_t i = first; i < first + k->count; i++)
		give_back(pool, i);
	HASH_DEL(pool->kept_out, k);
	free(k);
}

void prefix_pool_release(struct prefix_pool *pool, const struct prefix6 *prefix)
{
	if (prefix_pool_has(pool, prefix))
		give_back(pool, number_of(pool, prefix));
	else
		let_in(pool, prefix);
}

size_t prefix_pool_size(const struct prefix_pool *pool)
{
	return pool->size;
}

size_t prefix_pool_used(const struct prefix_pool *pool)
{
	return pool->used;
}
