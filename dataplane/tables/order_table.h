/*
 * The order of packets that take several paths (struct object_order): of each subscriber that has
 * one, the number of the next packet that is sent, and how far those that come have been put in
 * order (reorder.h).
 *
 * An order belongs to its subscriber, whatever becomes of its paths and rules: each new list of
 * paths takes over the one of the list that it replaces.
 *
 * All workers that send for a subscriber add to one number, in a cache line of its own; that is
 * what a row of numbers costs, and only subscribers with one pay it. What comes is put in order by
 * one worker alone (resequence.h).
 *
 * Writer: the agent thread.
 * Memory: 192 octets for each of these subscribers, and 4 for each list of paths once there is one.
 */
#pragma once

#include <assert.h>
#include <rte_common.h>
#include <rte_rcu_qsbr.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/pool.h"
#include "dataplane/tables/room.h"
#include "proto/channel/object.h"

enum order_counter {
	ORDER_IN_ORDER, /* as enum update_order_value has them */
	ORDER_HELD,
	ORDER_REORDERED,
	ORDER_RESTORED,
	ORDER_LATE,
	ORDER_TIMED_OUT,
	ORDER_NO_ROOM,
	ORDER_COUNTERS
};

struct order {
	uint64_t sent; /* packets with a number; workers */

	/* Set before any reader finds it. */
	uint64_t subscriber __rte_cache_aligned; /* id */
	uint64_t wait;                           /* TSC cycles that a packet is held at most */
	uint64_t patience;   /* TSC cycles of nothing but old packets, and the sender begins anew */
	uint32_t packets;    /* held at most */
	uint32_t generation; /* 0: its subscriber is gone; else no other has had it */
	uint32_t link;       /* chain of the pool; writer */

	/* Of the worker that puts its packets in order, see reorder.c. */
	bool begun;
	uint32_t next;        /* number of the packet that is to be delivered next */
	uint32_t beyond;      /* the one behind the highest that has come */
	uint32_t first, last; /* held packets in their order, or ORDER_NONE */
	uint32_t held;        /* how many these are */
	uint64_t counters[ORDER_COUNTERS] __rte_cache_aligned;
	uint64_t old_since; /* TSC: nothing but old packets has come since; 0: something else has */
};
static_assert(sizeof(struct order) == 192, "three cache lines");

enum { ORDER_NONE = UINT32_MAX };

struct order_table {
	struct pool orders;
	struct room of_lists; /* number of the order of a list, plus 1; 0: none */
	uint32_t lists;       /* that of_lists covers; any reader */
	uint32_t generation;  /* the last one; writer */
};

/* For at most so many lists. 0 or -ENOMEM. */
int order_table_init(struct order_table *t, uint32_t lists, struct rte_rcu_qsbr *rcu);
void order_table_destroy(struct order_table *t);

/*
 * Writer: the order that the subscriber with this id wants for its new list, which no reader knows
 * yet; old: the list that it replaces, or POOL_NONE. 0 or -ENOSPC.
 */
int order_table_set(struct order_table *t, uint32_t list, uint32_t old, uint64_t subscriber,
	const struct object_order *wanted);

/* Writer: a list is no longer one, and its subscriber has got `by` in its place; POOL_NONE: none.
 */
void order_table_leave(struct order_table *t, uint32_t list, uint32_t by);

/* Writer: what the list of a subscriber wants. */
struct object_order order_table_object(const struct order_table *t, uint32_t list);

/* Writer: whether a list's order is one, and of this subscriber. Nothing in memory is trusted. */
bool order_table_is_sound(const struct order_table *t, uint32_t list, uint64_t subscriber);

/* Writer: only the orders of these lists, a bit each, are kept. Readers have let go of others. */
void order_table_rebuild(struct order_table *t, const uint64_t *lists, uint32_t count);

/* The order of a list; NULL: it has none. Any reader. */
static inline struct order *order_table_find(const struct order_table *t, uint32_t list)
{
	uint32_t number = 0;

	if (list < __atomic_load_n(&t->lists, __ATOMIC_ACQUIRE))
		number = __atomic_load_n(
			(const uint32_t *)(const void *)t->of_lists.base + list, __ATOMIC_RELAXED);
	return number ? pool_at(&t->orders, number - 1) : NULL;
}

/* The number of an order, for who is to care for it. */
static inline uint32_t order_number(const struct order_table *t, const struct order *order)
{
	return (uint32_t)(order - (const struct order *)(const void *)t->orders.base);
}
