/*
 * Local addresses: where tunnels end and to which signalling is sent. Those that control
 * publishes, without those of other data planes, and the data plane's own; what is configured on
 * the twins is the kernel's and comes as routes of kind LOCAL.
 *
 * Layout: an immutable open-addressed set, at most half full, replaced as a whole by every
 * change. In front of it a filter of 64 bits, of which each address sets one: most lookups that
 * miss, which are nearly all, end there. The others touch one slot, one cache line of a set so
 * small that it stays in the first-level cache.
 * Writer: the agent thread.
 */
#pragma once

#include <rte_rcu_qsbr.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dataplane/tables/hash.h"
#include "proto/channel/object.h"

enum {
	LOCAL_MAX = 256,
};

struct data_plane_table;

struct local_set {
	uint32_t count;
	uint32_t mask;
	uint64_t filter;
	struct in6_addr first;   /* source of our own messages: our own, or that of the lowest id */
	struct in6_addr slots[]; /* the unspecified address: free */
};

struct local_entry {
	uint64_t id;
	struct in6_addr addr;
	bool marked;
};

struct local_table {
	_Atomic(struct local_set *) set;
	struct rte_rcu_qsbr *rcu;
	const struct data_plane_table *data_planes;
	struct local_entry entries[LOCAL_MAX]; /* writer */
	uint32_t count;                        /* writer */
};

/* An empty table. 0 or -ENOMEM. */
int local_table_init(struct local_table *t, const struct data_plane_table *data_planes,
	struct rte_rcu_qsbr *rcu);
void local_table_destroy(struct local_table *t);

/* Writer: adds or replaces. 0, -ENOSPC, -ENOMEM. Waits for the readers. */
int local_table_set(struct local_table *t, const struct object_local *object);

/* Writer: removes; one that is not there is no error. -ENOMEM. Waits for the readers. */
int local_table_delete(struct local_table *t, uint64_t id);

/* Writer: the data planes have changed. -ENOMEM. Waits for the readers. */
int local_table_refresh(struct local_table *t);

/* Writer: mark and sweep, in some buckets, as in tables.h. */
void local_table_mark(struct local_table *t);
uint32_t local_table_sweep(struct local_table *t, const struct object_buckets *buckets);

/* The set now; valid until the caller's next quiescent state. */
static inline const struct local_set *local_table_get(const struct local_table *t)
{
	return atomic_load_explicit(&t->set, memory_order_acquire);
}

/* The bit of the filter that an address sets: its last octets differ most. */
static inline uint64_t local_set_bit(const uint8_t addr[16])
{
	return 1ull << ((addr[15] ^ addr[14]) & 63);
}

/* Whether an address, where it lies in a packet, is worth local_set_has(). */
static inline bool local_set_may_have(const struct local_set *set, const uint8_t addr[16])
{
	return set->filter & local_set_bit(addr);
}

/* Whether an address is in the set. */
static inline bool local_set_has(const struct local_set *set, const struct in6_addr *a)
{
	if (!local_set_may_have(set, a->s6_addr))
		return false;
	for (uint32_t i = (uint32_t)addr_hash(a);; i++) {
		const struct in6_addr *slot = &set->slots[i & set->mask];

		if (addr_equal(slot, a))
			return !addr_is_unspecified(a);
		if (addr_is_unspecified(slot))
			return false;
	}
}
