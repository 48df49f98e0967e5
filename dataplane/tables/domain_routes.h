/*
 * Routes of a domain: longest-prefix match in a few, copied from the kernel by the mirror.
 *
 * A domain has the routes of its own ports and no others, which are few: a default route and what
 * is on its links. So they are not worth the memory of a trie (route_table.h): readers search one
 * sorted array, by halves, for each length that is in use, longest first. A writer changes an array
 * of its own; commit shows a copy of it to readers and waits for those of the one before.
 *
 * Writer: the mirror thread.
 */
#pragma once

#include <rte_rcu_qsbr.h>
#include <stdatomic.h>

#include "dataplane/tables/route_table.h"

/* As the array has it. */
struct domain_route {
	struct prefix6 prefix;
	struct route_next_hop hop;
};

struct domain_routes_seen;

struct domain_routes {
	_Atomic(struct domain_routes_seen *) seen; /* by readers; NULL: none */
	struct domain_route *routes;               /* writer; longest prefix first */
	uint32_t count, room, capacity;            /* writer */
	bool changed;                              /* writer */
};

/* None, and room for capacity of them. Main thread. */
void domain_routes_init(struct domain_routes *t, uint32_t capacity);

/* No reader may be left. */
void domain_routes_destroy(struct domain_routes *t);

/* Writer: adds a route, or replaces the one of the same prefix; not seen before
 * domain_routes_commit(). 0, -EINVAL (kind), -ENOSPC or -ENOMEM. */
int domain_routes_set(
	struct domain_routes *t, const struct prefix6 *prefix, const struct route_next_hop *hop);

/* Writer: removes a route; 0, or -ENOENT. */
int domain_routes_delete(struct domain_routes *t, const struct prefix6 *prefix);

/* Writer: shows the changes to readers, and waits for them. 0, or -ENOMEM: they still see what they
 * saw; to be called again. */
int domain_routes_commit(struct domain_routes *t, struct rte_rcu_qsbr *rcu);

/* The next hop for a destination, of kind ROUTE_NONE if there is no route; never NULL. Valid until
 * the caller's next quiescent state. Any reader. */
const struct route_next_hop *domain_routes_find(
	const struct domain_routes *t, const struct in6_addr *address);
