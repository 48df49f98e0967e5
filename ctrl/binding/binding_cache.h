/*
 * The binding cache (RFC 6275, 9.1): an entry for each home address, with its binding or, when the
 * node is multihomed, its few bindings (RFC 5648, 4.1).
 *
 * A hash table over home addresses. The table has its final size from the start (untouched pages
 * cost nothing), and entries come from blocks that are kept until the cache is freed, so nothing is
 * ever rehashed and steady traffic never allocates. A bit for each bucket tells those who look at
 * all entries where there are any: 128 KB in place of the table. A million bindings take 232 MB and
 * the table 8 MB. For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/binding/binding.h"

struct binding_cache;

/* A new, empty cache with a table for `expected` entries; more only make it slower. NULL: no
 * memory. */
struct binding_cache *binding_cache_new(size_t expected);

/* Frees the cache and all entries, whose timers must have been cancelled. NULL is allowed. */
void binding_cache_free(struct binding_cache *cache);

/* The entry of a home address, or NULL. */
struct binding *binding_cache_find(struct binding_cache *cache, const struct in6_addr *home);

/* Has the entries of home addresses, by their addr_hash(), or the places where they will be,
 * fetched from memory. */
void binding_cache_expect(
	const struct binding_cache *cache, const uint64_t hashes[], unsigned count);

/*
 * Adds an entry for a home address that has none: all zero but for the home address, the BID and
 * fresh ids in `now`. NULL: no memory.
 */
struct binding *binding_cache_add(
	struct binding_cache *cache, const struct in6_addr *home, uint16_t bid);

/* A path id that was never given out. */
uint64_t binding_cache_path_id(struct binding_cache *cache);

/* Sees to it that the ids of a record from the store are never given out to another. */
void binding_cache_reserve(struct binding_cache *cache, const struct binding_record *record);

/* Takes an entry out and recycles it, with its further bindings. Its timer must have been
 * cancelled. */
void binding_cache_remove(struct binding_cache *cache, struct binding *b);

/* Entries, in whatever state. */
size_t binding_cache_count(const struct binding_cache *cache);

/*
 * Iteration in no useful order: the entry after prev, the first for NULL, NULL at the end. No entry
 * may be added or removed meanwhile.
 */
struct binding *binding_cache_next(struct binding_cache *cache, const struct binding *prev);

/*
 * A walk in pieces, between which entries may come and go: calls fn for entries from bucket *at on,
 * about `budget` of them, and sets *at to where to go on. fn may change the entry, but add or
 * remove none; when it returns false, the walk stops, to go on with the same bucket. Returns
 * whether any are left; *at starts at 0.
 */
bool binding_cache_walk(struct binding_cache *cache, size_t *at, size_t budget,
	bool (*fn)(void *arg, struct binding *b), void *arg);
