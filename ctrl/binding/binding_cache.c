#include "ctrl/binding/binding_cache.h"

#include <stdlib.h>

#include "common/addr.h"

enum {
	BLOCK_ENTRIES = 256,
	BUCKETS_MIN = 256,
	WORD_BITS = 64,
};

struct block {
	struct block *next;
	struct binding entries[BLOCK_ENTRIES];
};

struct binding_cache {
	struct binding **buckets;
	uint64_t *used; /* a bit for each bucket: not empty */
	size_t mask;    /* buckets - 1 */
	struct binding *free;
	struct block *blocks;
	uint64_t next_id;
	size_t count;
};

struct binding_cache *binding_cache_new(size_t expected)
{
	struct binding_cache *cache = calloc(1, sizeof(*cache));
	size_t buckets = BUCKETS_MIN;

	if (!cache)
		return NULL;
	while (buckets < expected && buckets < SIZE_MAX / 2 / sizeof(*cache->buckets))
		buckets *= 2;
	cache->buckets = calloc(buckets, sizeof(*cache->buckets));
	cache->used = calloc(buckets / WORD_BITS, sizeof(*cache->used));
	if (!cache->buckets || !cache->used) {
		free(cache->buckets);
		free(cache->used);
		free(cache);
		return NULL;
	}
	cache->mask = buckets - 1;
	cache->next_id = 1;
	return cache;
}

void binding_cache_free(struct binding_cache *cache)
{
	if (!cache)
		return;
	for (struct binding *b = NULL; (b = binding_cache_next(cache, b));) {
		free(b->more);
		free(b->flows);
	}
	for (struct block *block = cache->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(cache->buckets);
	free(cache->used);
	free(cache);
}

static size_t bucket_of(const struct binding_cache *cache, const struct in6_addr *home)
{
	return (size_t)addr_hash(home) & cache->mask;
}

/* The link to the entry of a home address, or to the end of its bucket. */
static struct binding **place(struct binding_cache *cache, const struct in6_addr *home)
{
	struct binding **at = &cache->buckets[bucket_of(cache, home)];

	while (*at && !addr_equal(&(*at)->now.home, home))
		at = &(*at)->next;
	return at;
}

struct binding *binding_cache_find(struct binding_cache *cache, const struct in6_addr *home)
{
	return *place(cache, home);
}

void binding_cache_expect(
	const struct binding_cache *cache, const uint64_t hashes[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(&cache->buckets[hashes[i] & cache->mask], 1);
	for (unsigned i = 0; i < count; i++) {
		const struct binding *b = cache->buckets[hashes[i] & cache->mask];

		if (b) {
			__builtin_prefetch(&b->now.home);
			__builtin_prefetch(&b->state);
		}
	}
}

static struct binding *entry_take(struct binding_cache *cache)
{
	struct binding *b;

	if (!cache->free) {
		struct block *block = malloc(sizeof(*block));

		if (!block)
			return NULL;
		block->next = cache->blocks;
		cache->blocks = block;
		for (size_t i = 0; i < BLOCK_ENTRIES; i++) {
			block->entries[i].next = cache->free;
			cache->free = &block->entries[i];
		}
	}
	b = cache->free;
	cache->free = b->next;
	memset(b, 0, sizeof(*b));
	return b;
}

uint64_t binding_cache_path_id(struct binding_cache *cache)
{
	return cache->next_id++;
}

struct binding *binding_cache_add(
	struct binding_cache *cache, const struct in6_addr *home, uint16_t bid)
{
	const size_t bucket = bucket_of(cache, home);
	struct binding **at = &cache->buckets[bucket];
	struct binding *b = entry_take(cache);

	if (!b)
		return NULL;
	b->now.home = *home;
	b->now.bid = bid;
	b->now.path_id = binding_cache_path_id(cache);
	b->now.subscriber_id = b->now.path_id;
	b->next = *at;
	*at = b;
	cache->used[bucket / WORD_BITS] |= (uint64_t)1 << bucket % WORD_BITS;
	cache->count++;
	return b;
}

void binding_cache_reserve(struct binding_cache *cache, const struct binding_record *record)
{
	if (record->path_id >= cache->next_id)
		cache->next_id = record->path_id + 1;
	if (record->subscriber_id >= cache->next_id)
		cache->next_id = record->subscriber_id + 1;
}

void binding_cache_remove(struct binding_cache *cache, struct binding *b)
{
	const size_t bucket = bucket_of(cache, &b->now.home);
	struct binding **at = place(cache, &b->now.home);

	*at = b->next;
	if (!cache->buckets[bucket])
		cache->used[bucket / WORD_BITS] &= ~((uint64_t)1 << bucket % WORD_BITS);
	free(b->more);
	free(b->flows);
	b->next = cache->free;
	cache->free = b;
	cache->count--;
}

size_t binding_cache_count(const struct binding_cache *cache)
{
	return cache->count;
}

/* The first bucket from this one on that is not empty, beyond the last if there is none. */
static size_t used_from(const struct binding_cache *cache, size_t bucket)
{
	const size_t words = (cache->mask + 1) / WORD_BITS;
	size_t word = bucket / WORD_BITS;
	uint64_t left =
		word < words ? cache->used[word] >> bucket % WORD_BITS << bucket % WORD_BITS : 0;

	while (!left && ++word < words)
		left = cache->used[word];
	return left ? word * WORD_BITS + (size_t)__builtin_ctzll(left) : cache->mask + 1;
}

struct binding *binding_cache_next(struct binding_cache *cache, const struct binding *prev)
{
	size_t bucket = 0;

	if (prev) {
		if (prev->next)
			return prev->next;
		bucket = bucket_of(cache, &prev->now.home) + 1;
	}
	bucket = used_from(cache, bucket);
	return bucket <= cache->mask ? cache->buckets[bucket] : NULL;
}

bool binding_cache_walk(struct binding_cache *cache, size_t *at, size_t budget,
	bool (*fn)(void *arg, struct binding *b), void *arg)
{
	for (*at = used_from(cache, *at); *at <= cache->mask && budget;
		*at = used_from(cache, *at + 1)) {
		bool more = true;

		for (struct binding *b = cache->buckets[*at]; b && more; b = b->next) {
			more = fn(arg, b);
			budget -= budget > 0;
		}
		if (!more)
			break;
	}
	return *at <= cache->mask;
}
