/*
 * Routes: longest-prefix match of destinations, copied from the kernel by the mirror.
 *
 * Layout: two instances of DPDK's IPv6 trie (rte_fib6), of which readers use one. The library
 * frees parts of the trie at once when a route goes, so a writer must never work under readers'
 * eyes: changes go into the instance that nobody reads, commit makes it the one in use, waits for
 * the readers, and repeats the changes in the other. A value of the trie is the number of a next
 * hop; next hops are shared by all routes that have the same one.
 * In the library of DPDK 22.11 the count of free groups drifts when routes come and go, until it
 * refuses every route: then the trie is made anew from the routes that it holds.
 * Cost of a lookup: one cache line for prefixes up to /24, one more for each further 8 bits.
 * Memory: 2 x (32 MiB + 512 octets for each group of 8 bits beyond 24), touched only where used,
 * and once more while a trie is made anew.
 *
 * Writer: the mirror thread.
 */
#pragma once

#include <rte_rcu_qsbr.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "common/addr.h"
#include "dataplane/tables/pool.h"
#include "dataplane/tables/sig_index.h"

struct rte_fib6;

enum route_kind {
	ROUTE_NONE = 0,    /* no route: next hop number 0 */
	ROUTE_LOCAL,       /* an address of the gateway itself, the kernel's business */
	ROUTE_CONNECTED,   /* on-link: the next hop is the destination */
	ROUTE_GATEWAY,     /* through a neighbour */
	ROUTE_BLACKHOLE,   /* dropped silently */
	ROUTE_UNREACHABLE, /* refused with an ICMPv6 error */
	ROUTE_BY_SOURCE,   /* one of several, by the source of the packet */
	ROUTE_KINDS,
};

/* Name of a kind ("gateway"); "unknown" for others. */
const char *route_kind_name(enum route_kind kind);

struct route_sources;

struct route_next_hop {
	enum route_kind kind;
	uint16_t port; /* CONNECTED and GATEWAY */
	union {
		struct in6_addr gateway; /* GATEWAY; else unspecified */
		/* BY_SOURCE, its other octets 0: the writer's, as long as readers may see it */
		const struct route_sources *sources;
	};
};

enum { ROUTE_SOURCES_MAX = 16 };

/* Routes to one prefix for packets from certain sources, the longest prefix first, and for all
 * others. */
struct route_sources {
	unsigned count;
	struct {
		struct prefix6 source;
		struct route_next_hop hop;
	} at[ROUTE_SOURCES_MAX];
	struct route_next_hop rest; /* ROUTE_NONE: there is none */
};

/* The next hop of a packet from this source. */
static inline const struct route_next_hop *route_of_source(
	const struct route_sources *sources, const struct in6_addr *source)
{
	for (unsigned i = 0; i < sources->count; i++)
		if (prefix6_contains(&sources->at[i].source, source))
			return &sources->at[i].hop;
	return &sources->rest;
}

/* As it stands in the pool; constant while a route uses it. */
struct route_hop {
	struct route_next_hop hop;
	uint32_t users; /* routes, in either instance; writer */
	uint32_t link;  /* chain of the pool; writer */
};

enum {
	ROUTE_HOPS_MAX = 32767, /* what a 16-bit value of the trie can say */
	ROUTE_BURST_MAX = 256,
};

struct route_change;

struct route_table {
	_Atomic(struct rte_fib6 *) active;
	struct rte_fib6 *fibs[2];
	uint32_t removed[2]; /* routes that left an instance since it was made; writer */
	uint32_t made;       /* instances so far; writer */
	struct pool hops;
	struct rte_rcu_qsbr *rcu;
	struct route_change *changes; /* made since the last commit; writer */
	uint32_t change_count, change_room;
	uint32_t routes; /* writer */
	uint32_t capacity;
};

/* Room for capacity routes. 0 or a negative errno. Main thread. */
int route_table_init(struct route_table *t, uint32_t capacity, struct rte_rcu_qsbr *rcu);
void route_table_destroy(struct route_table *t);

/*
 * Writer: adds a route, or replaces the one of the same prefix. Not seen by readers before
 * route_table_commit(). Returns 0, -EINVAL (kind), -ENOSPC (routes, trie or next hops) or -ENOMEM.
 */
int route_table_set(
	struct route_table *t, const struct prefix6 *prefix, const struct route_next_hop *hop);

/* Writer: removes a route; 0, or -ENOENT. Not seen by readers before route_table_commit(). */
int route_table_delete(struct route_table *t, const struct prefix6 *prefix);

/* Writer: makes the changes since the last commit visible. Waits for the readers. */
void route_table_commit(struct route_table *t);

/*
 * Looks up n (at most ROUTE_BURST_MAX) destinations: hops[i] is never NULL, its kind is ROUTE_NONE
 * where there is no route. Valid until the caller's next quiescent state. The addresses are copied
 * by the caller because the library wants them side by side.
 */
void route_table_lookup(const struct route_table *t, struct in6_addr addresses[], unsigned n,
	const struct route_next_hop *hops[]);
