/*
 * Index pools: arrays whose elements are handed out by number, and reused only when no reader can
 * hold them any more (RCU). A pool that is full grows in place (room.h), up to a limit.
 *
 * A reader reaches an element by a number that the writer published. To take an element away the
 * writer first makes the number unreachable, then retires it; it becomes free after every worker
 * has passed a quiescent state. Free and retired elements are chained through one 32-bit member
 * of the element that readers never look at, so the pool itself costs no memory per element.
 *
 * One writer thread; it never blocks except in pool_reclaim(..., true).
 */
#pragma once

#include <rte_rcu_qsbr.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/tables/room.h"

#define POOL_NONE UINT32_MAX

/*
 * Who follows a table's changes: told that what was reached by number old is now reached by number
 * fresh; either is POOL_NONE for what was not there or is no more. Writer's thread.
 */
struct pool_watch {
	void (*changed)(void *context, uint32_t old, uint32_t fresh); /* NULL: nobody */
	void *context;
};

static inline void pool_watch_tell(const struct pool_watch *watch, uint32_t old, uint32_t fresh)
{
	if (watch->changed)
		watch->changed(watch->context, old, fresh);
}

/* Readers look at its first line alone, which never changes, and so do not wait for the writer. */
struct pool {
	uint8_t *base; /* of the room */
	uint32_t stride;
	/* The rest is the writer's. */
	uint32_t link __rte_cache_aligned; /* offset of the 32-bit member that chains */
	uint32_t capacity; /* elements that there is memory for; number 0 to capacity - 1 */
	uint32_t most;     /* that it grows to */
	uint32_t fresh;    /* elements from here on were never used */
	uint32_t used;     /* handed out and not retired */
	uint32_t free;     /* chain of free elements */
	uint32_t retired;  /* chain of those retired since the token was taken */
	uint32_t waiting;  /* chain of those that are free once the token is reached */
	uint32_t waiting_tail;
	uint32_t retired_tail;
	uint64_t token;
	struct rte_rcu_qsbr *rcu;
	struct room room;
};

/* Elements of a pool: their size and the offset of the member that chains. */
struct pool_element {
	uint32_t stride, link;
};
#define POOL_ELEMENT(type, member) ((struct pool_element){sizeof(type), offsetof(type, member)})

/*
 * Makes a pool of capacity zeroed elements, the first aligned to a cache line, that grows to at
 * most `most`; less than capacity: not at all. Returns 0 or -ENOMEM.
 */
int pool_init(struct pool *p, struct pool_element element, uint32_t capacity, uint32_t most,
	struct rte_rcu_qsbr *rcu);

/* Frees the memory; no reader may be left. */
void pool_destroy(struct pool *p);

/*
 * Hands out an element with undefined content, or POOL_NONE when all are in use or still being
 * read. Reclaims without waiting when the free ones have run out, and grows when nearly all are in
 * use; where many are still being read, pool_reclaim() with wait gives some.
 */
uint32_t pool_take(struct pool *p);

/* Gives back an element that no reader can reach any more but some may still be reading. */
void pool_retire(struct pool *p, uint32_t index);

/* Gives back an element that was never published: it is free at once. */
void pool_return(struct pool *p, uint32_t index);

/*
 * Moves what no reader holds any more to the free elements; with wait, waits for the readers, so
 * that afterwards all that was retired is free.
 */
void pool_reclaim(struct pool *p, bool wait);

/*
 * Makes every element free but those whose bit is set, whatever they were before. Nobody may hold
 * one of the others: the writer has waited for the readers.
 */
void pool_rebuild(struct pool *p, const uint64_t *kept);

/* The element; index must have been taken. */
static inline void *pool_at(const struct pool *p, uint32_t index)
{
	return p->base + (size_t)index * p->stride;
}

/* Octets of memory. */
static inline size_t pool_memory(const struct pool *p)
{
	return (size_t)p->capacity * p->stride;
}
