/*
 * The binding cache (RFC 6275, 9.1): an entry for each home address and binding identifier.
 *
 * A hash table over home addresses, whose entries chain the bindings of one address in ascending
 * BID. Entries come from blocks that are kept until the cache is freed, so steady traffic never
 * allocates. An entry takes 256 octets and its share of the table: a million bindings, 290 MB. For
 * the control thread; ctrl/signalling alone writes.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "common/wheel.h"
#include "ctrl/binding/binding.h"

/* Where an entry stands. */
enum binding_state {
	BINDING_STATE_IDLE = 0,   /* just added */
	BINDING_STATE_DAD,        /* duplicate address detection before the first registration */
	BINDING_STATE_COMMITTING, /* the first registration waits for store and data plane */
	BINDING_STATE_ACTIVE,     /* bound; a change of it may be under way */
	BINDING_STATE_EXPIRING,   /* bound; a Binding Refresh Request is out */
	BINDING_STATE_DELETED,    /* not bound; remembered for a while */
	BINDING_STATES
};

struct ha_request;
struct signalling;

/*
 * An entry. `now` is what was last committed and acknowledged: it is BINDING_LIVE in the states
 * ACTIVE and EXPIRING, BINDING_DELETED in DELETED, and BINDING_NONE or BINDING_DELETED in the
 * others. A request that is under way shows in `now` only when it is a fact.
 */
struct binding_entry {
	struct binding now;
	enum binding_state state;
	uint16_t sequence;          /* last valid one received, perhaps of a request under way */
	uint8_t refreshes;          /* Binding Refresh Requests sent since the last update */
	uint8_t probes;             /* duplicate address detection: solicitations sent */
	bool unique;                /* duplicate address detection has passed for `waiting` */
	struct ha_request *running; /* what the commit works on */
	struct ha_request *waiting; /* what comes next, also while DAD runs */
	struct signalling *owner;
	struct wheel_timer timer;      /* next probe, refresh request, expiry or removal */
	struct binding_entry *sibling; /* next binding of the home address; next of the free list */
	UT_hash_handle hh;             /* by now.home; only the first sibling is in the table */
};
static_assert(sizeof(struct binding_entry) == 256, "as documented");

struct binding_cache;

/* Name of a state ("active") for JSON and logs; "unknown" for others. */
const char *binding_state_name(enum binding_state state);

/* A new, empty cache. NULL: no memory. */
struct binding_cache *binding_cache_new(void);

/* Frees the cache and all entries, whose timers must have been cancelled. NULL is allowed. */
void binding_cache_free(struct binding_cache *cache);

/* The entry of a home address and BID, or NULL. */
struct binding_entry *binding_cache_find(
	struct binding_cache *cache, const struct in6_addr *home, uint16_t bid);

/* The entry of a home address with the lowest BID, or NULL; others follow by `sibling`. */
struct binding_entry *binding_cache_first(struct binding_cache *cache, const struct in6_addr *home);

/* Adds an entry, all zero but for its key, for a home address and BID that have none. NULL: no
 * memory. */
struct binding_entry *binding_cache_add(
	struct binding_cache *cache, const struct in6_addr *home, uint16_t bid);

/* Takes an entry out and recycles it. Its timer must have been cancelled. */
void binding_cache_remove(struct binding_cache *cache, struct binding_entry *entry);

/* Entries in whatever state. */
size_t binding_cache_count(const struct binding_cache *cache);

/*
 * Iteration in no useful order: the entry after prev, the first for NULL, NULL at the end. No entry
 * may be added or removed meanwhile.
 */
struct binding_entry *binding_cache_next(
	struct binding_cache *cache, const struct binding_entry *prev);
