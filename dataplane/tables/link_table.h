/*
 * Links: ports on which control serves neighbours. Subscriber entries name a link by its slot, so
 * that a link can change, or come after its subscribers, without touching them.
 *
 * Few and small: a reader loads one word per slot: flags, port, and the domain of the link-local
 * addresses of the link. Slot 0 is never used.
 * Writer: the agent thread.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/channel/object.h"

enum {
	LINK_SLOTS = 64,
	LINK_WATCH = 1 << 16,  /* flag in a slot's word: duplicate address detection is watched */
	LINK_USED = 1 << 17,   /* flag in a slot's word; the low 16 bits are the port's number */
	LINK_ACCESS = 1 << 18, /* flag in a slot's word: subscribers are attached there */
	LINK_LOCAL_ROUTING = 1 << 19, /* flag in a slot's word: straight to others that are too */
	LINK_DOMAIN_SHIFT = 32,       /* the high 32 bits are the domain */
};

struct link_table {
	_Atomic uint64_t slots[LINK_SLOTS]; /* 0: no port behind it */
	_Atomic uint32_t access;            /* bit: number of a port with a LINK_ACCESS link */
	_Atomic uint32_t local_routing;     /* likewise, with a LINK_LOCAL_ROUTING link */
	uint64_t ids[LINK_SLOTS];           /* writer; 0: free */
	bool marked[LINK_SLOTS];            /* writer */
};

/* An empty table. */
void link_table_init(struct link_table *t);

/* Writer: adds or replaces. 0, -ENOENT (no port of that name), -ENOSPC. */
int link_table_set(struct link_table *t, const struct object_link *object);

/* Writer: the link is no more; its slot stays reserved for entries that name it. */
void link_table_delete(struct link_table *t, uint64_t id);

/* Writer: the slot of an id, reserving one if the link is not there yet; 0 for id 0; -ENOSPC. */
int link_table_slot(struct link_table *t, uint64_t id);

/* Writer: frees the slots of links that are no more, but for those that entries use. */
void link_table_reclaim(struct link_table *t, const bool used[LINK_SLOTS]);

/* Writer: unmarks all links; set() marks. */
void link_table_mark(struct link_table *t);

/* Writer: removes the unmarked in these buckets; returns how many. Their slots stay reserved. */
uint32_t link_table_sweep(struct link_table *t, const struct object_buckets *buckets);

/* Whether slot (of a subscriber) is a link on this port. Any reader. */
static inline bool link_table_is(const struct link_table *t, uint16_t slot, uint16_t port)
{
	uint64_t word = atomic_load_explicit(&t->slots[slot], memory_order_relaxed);

	return (word & (LINK_USED | UINT16_MAX)) == (LINK_USED | (uint64_t)port);
}

/* Word of the first link on this port (LINK_ flags), 0 if there is none. Any reader. */
static inline uint64_t link_table_on(const struct link_table *t, uint16_t port)
{
	for (int i = 1; i < LINK_SLOTS; i++) {
		uint64_t word = atomic_load_explicit(&t->slots[i], memory_order_relaxed);

		if ((word & (LINK_USED | UINT16_MAX)) == (LINK_USED | (uint64_t)port))
			return word;
	}
	return 0;
}

/* The ports where subscribers are attached, a bit each. Any reader. */
static inline uint32_t link_table_access(const struct link_table *t)
{
	return atomic_load_explicit(&t->access, memory_order_relaxed);
}

/* The ports from where what they send each other goes straight, a bit each. Any reader. */
static inline uint32_t link_table_local_routing(const struct link_table *t)
{
	return atomic_load_explicit(&t->local_routing, memory_order_relaxed);
}

/* Domain of the link-local addresses of a link, from its word. */
static inline uint32_t link_word_domain(uint64_t word)
{
	return (uint32_t)(word >> LINK_DOMAIN_SHIFT);
}
