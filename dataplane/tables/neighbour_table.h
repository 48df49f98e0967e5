/*
 * Neighbours: MAC addresses of next hops, by address and port.
 *
 * Layout: entries of half a cache line in a pool, a signature index by address and port. Cost of
 * a lookup: two cache lines, which for the few routers of a core stay in the first-level cache.
 * Writer: the mirror thread. A change writes a new entry, swaps it in and retires the old one.
 */
#pragma once

#include <assert.h>
#include <rte_rcu_qsbr.h>
#include <stdbool.h>

#include "common/addr.h"
#include "dataplane/tables/pool.h"
#include "dataplane/tables/sig_index.h"

enum {
	NEIGHBOUR_MAX = 65536,
};

struct neighbour {
	struct in6_addr addr;
	struct mac mac;
	uint16_t port;
	uint32_t link; /* chain of the pool; writer */
	uint32_t spare;
};
static_assert(sizeof(struct neighbour) == 32, "half a cache line");

struct neighbour_table {
	struct sig_index index;
	struct pool entries;
};

/* Room for capacity neighbours. 0 or -ENOMEM. */
int neighbour_table_init(struct neighbour_table *t, uint32_t capacity, struct rte_rcu_qsbr *rcu);
void neighbour_table_destroy(struct neighbour_table *t);

/*
 * Writer: the neighbour is reachable (or stale, which is usable) at this MAC. Returns 0 or
 * -ENOSPC. Setting what is there already changes nothing.
 */
int neighbour_table_set(struct neighbour_table *t, const struct in6_addr *addr, uint16_t port,
	const struct mac *mac);

/* Writer: the neighbour is gone or failed; packets to it go to the mirror to be resolved. */
void neighbour_table_delete(struct neighbour_table *t, const struct in6_addr *addr, uint16_t port);

/* The neighbour, NULL if its MAC is not known; valid until the caller's next quiescent state. */
const struct neighbour *neighbour_table_find(
	const struct neighbour_table *t, const struct in6_addr *addr, uint16_t port);
