/*
 * The lookup of a subscriber in steps, for who looks up many and has other work to do while memory
 * answers:
 *
 *	make    a key of an address
 *	ask     for its bucket
 *	match   looks into the bucket; where no signature is right, the other bucket is asked for
 *	second  looks into that
 *	enter   asks for the entry
 *	entry   compares
 *
 * Asking is a step of its own because it may take as long as a page is looked for: many in a row
 * wait together. A key lives no longer than until the worker's next quiescent state, and all steps
 * of it are taken in one array of the index.
 */
#pragma once

#include "dataplane/tables/hash.h"
#include "dataplane/tables/subscriber_table.h"

struct subscriber_key {
	struct in6_addr prefix;
	uint64_t hash;
	uint32_t tag;
	/* Of the bucket; when it is matched, of the entry that it may be, or SIG_INDEX_NONE. */
	uint32_t number;
};
static_assert(sizeof(struct subscriber_key) == 32, "half a cache line");

/*
 * Makes a key of the prefix at an address that need not be aligned, whose bits behind the tag's
 * length are clear. It is read once for the copy and once for the hash: a copy that has just been
 * written in halves cannot be read as a whole before it has left the processor's store buffer.
 */
static inline void subscriber_key_make(
	const struct sig_array *a, struct subscriber_key *key, const void *prefix, uint32_t tag)
{
	_mm_storeu_si128((__m128i *)(void *)&key->prefix, _mm_loadu_si128(prefix));
	key->hash = table_hash(prefix, tag);
	key->tag = tag;
	key->number = sig_index_home(a, key->hash);
}

static inline void subscriber_key_ask(const struct sig_array *a, const struct subscriber_key *key)
{
	rte_prefetch0(&a->buckets[key->number]);
}

static inline const struct sig_bucket *subscriber_key_other(
	const struct sig_array *a, const struct subscriber_key *key)
{
	uint32_t home = sig_index_home(a, key->hash);

	return &a->buckets[sig_index_other(a, home, sig_index_sig(key->hash))];
}

/* False: second is to follow. */
static inline bool subscriber_key_match(const struct sig_array *a, struct subscriber_key *key)
{
	const struct sig_bucket *b = &a->buckets[key->number];
	uint32_t match = sig_index_match(b, sig_index_sig(key->hash));

	if (likely(match)) {
		key->number = sig_index_value(b, match);
		return true;
	}
	key->number = SIG_INDEX_NONE;
	rte_prefetch0(subscriber_key_other(a, key));
	return false;
}

static inline void subscriber_key_enter(
	const struct subscriber_table *t, const struct subscriber_key *key)
{
	if (likely(key->number != SIG_INDEX_NONE))
		rte_prefetch0(subscriber_at(t, key->number));
}

/* Asks for the entry as well. */
static inline void subscriber_key_second(
	const struct subscriber_table *t, const struct sig_array *a, struct subscriber_key *key)
{
	const struct sig_bucket *b = subscriber_key_other(a, key);
	uint32_t match = sig_index_match(b, sig_index_sig(key->hash));

	if (match)
		key->number = sig_index_value(b, match);
	subscriber_key_enter(t, key);
}

static inline bool subscriber_key_is(
	const struct subscriber_table *t, const struct subscriber_key *key, uint32_t number)
{
	const struct subscriber_entry *entry = subscriber_at(t, number);

	return entry->tag == key->tag && addr_equal(&entry->prefix, &key->prefix);
}

/* The whole lookup again, one by one; its NULL is certain. */
const struct subscriber_entry *subscriber_key_find(
	const struct subscriber_table *t, const struct subscriber_key *key);

/*
 * Last step: the entry. NULL: it is not there, if sig_index_version() of the index is still what it
 * was before the first step; else subscriber_key_find() knows. A signature that only looked right
 * is rare, and looked for one by one.
 */
static inline const struct subscriber_entry *subscriber_key_entry(
	const struct subscriber_table *t, const struct subscriber_key *key)
{
	if (unlikely(key->number == SIG_INDEX_NONE))
		return NULL;
	if (likely(subscriber_key_is(t, key, key->number)))
		return subscriber_at(t, key->number);
	return subscriber_key_find(t, key);
}

/* Prefix lengths in use. */
struct subscriber_lengths {
	uint8_t longest;
	bool shorter; /* there are others */
};

/*
 * The lengths now. A lookup begins with the longest; what that does not find is, if there are
 * shorter ones, to be looked for by subscriber_table_lookup_shorter(). Any reader.
 */
struct subscriber_lengths subscriber_table_lengths(const struct subscriber_table *t);

/* As subscriber_table_lookup(), by the lengths below `below` alone, for those i whose out[i] is
 * NULL. */
void subscriber_table_lookup_shorter(const struct subscriber_table *t, uint32_t domain,
	uint8_t below, const struct in6_addr addresses[], unsigned n,
	const struct subscriber_entry *out[]);
