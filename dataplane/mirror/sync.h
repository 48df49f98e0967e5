/*
 * What Linux knows, copied into the tables: routes of the main table over the twins, the host's own
 * addresses (which beat any route), and neighbours on the twins.
 *
 * Linux may know several routes to one prefix; the table gets the one with the lowest metric, and
 * the next when that goes. Routes for packets from a prefix alone come before those for all, but
 * where none of them matches a shorter destination prefix is not looked for. Changes are followed
 * one by one; when some were lost, or one tells only a part, everything is dumped again with mark
 * and sweep, so that forwarding never stops.
 *
 * Writer of the route and neighbour tables. Mirror thread (and the main thread before that starts).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/mirror/kmsg.h"
#include "dataplane/tables/tables.h"

/* What sync asks and tells its owner; context is given to both. */
struct sync_ops {
	/* Port whose twin the interface is, PORT_NONE: no twin. */
	uint16_t (*port_of)(void *context, int ifindex);
	/* The next hop can be reached now (again), or nobody answers for it. */
	void (*resolved)(void *context, uint16_t port, const struct in6_addr *addr, bool reachable);
	/* An operator changed the interface of a port. */
	void (*link)(void *context, uint16_t port, const struct kmsg_link *link);
};

struct sync_route;
struct sync_neighbour;
struct sync_sources;

struct sync {
	struct tables *tables;
	const struct sync_ops *ops;
	void *context;
	struct sync_route *routes;         /* by prefix */
	struct sync_neighbour *neighbours; /* by interface and address */
	struct sync_sources *unused;       /* that readers may see until the next commit */
	bool dirty;                        /* routes changed since the last commit */
	bool gateways_wanted;              /* routes were set since sync_gateways() */
	bool must_dump;                    /* changes alone cannot tell what is true */
};

/* Starts with nothing known. ops and context live as long as the sync. */
void sync_init(struct sync *sync, struct tables *tables, const struct sync_ops *ops, void *context);

/* Forgets everything; the tables are left as they are. */
void sync_free(struct sync *sync);

/* Takes one message: a netlink_fn with the sync as context. */
void sync_message(const struct kmsg *msg, void *sync);

/* Before and after all kinds were dumped: what no message named in between is removed. */
void sync_mark(struct sync *sync);
void sync_sweep(struct sync *sync);

/* Makes changed routes visible to the workers; waits for them if there are any. */
void sync_commit(struct sync *sync);

/*
 * Names up to `most` neighbours that Linux would stop checking because it sees no traffic to them,
 * and starts over at the end: the caller tells the kernel that they are in use. Returns how many.
 */
unsigned sync_stale(struct sync *sync, unsigned most,
	void (*fn)(void *context, int ifindex, const struct in6_addr *addr), void *context);

/*
 * Names up to `most` gateways of routes that were set since the last call, unless Linux knows their
 * link-layer addresses: the caller has them resolved, so that a port that just came does not lose
 * what it must forward first. The rest is named by later calls. Returns how many.
 */
unsigned sync_gateways(struct sync *sync, unsigned most,
	void (*fn)(void *context, int ifindex, const struct in6_addr *addr), void *context);
