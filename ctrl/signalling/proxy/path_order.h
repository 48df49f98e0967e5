/*
 * Whether packets to a peer can be kept in order when they are shared out one by one among several
 * ways to it (RFC 8278): those that come by the fastest wait for those by the slowest, so that the
 * ways must not differ too much in their delay, as their supervision measures it (path_watch.h).
 * What is between is of no account: it is refused when they differ by more than a limit, and
 * accepted again when they differ by a quarter less than that, each for a while without a break.
 *
 * Ways that are down do not count. As long as one that is not has not been measured nothing is
 * known.
 *
 * For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "ctrl/publish/path_policy.h"

struct path_order;
struct path_watch;

struct path_order_config {
	uint64_t limit_ns; /* there and back */
	uint64_t hold_ns;  /* they must differ more, or less, for so long */
};

/* It is another state for a peer: PATH_POLICY_ORDER_KEPT, _UNMEASURED or _UNEVEN; its ways differ
 * by so much. Names live as long as those of the tunnels. */
typedef void path_order_fn(
	void *context, const char *peer, enum path_policy_order state, uint64_t difference_ns);

/* The watch must outlive it. NULL: no memory. */
struct path_order *path_order_new(
	const struct path_order_config *config, const struct path_watch *watch);

/* NULL is allowed. */
void path_order_free(struct path_order *order);

/* Compares the ways to each peer. To be called about twice a second; now is CLOCK_MONOTONIC. Tells
 * what has changed, when all has been compared. */
void path_order_turn(
	struct path_order *order, uint64_t now_ns, path_order_fn *changed, void *context);

/* The state for the peer of the tunnel with these ends, and by how much its ways differed when they
 * were compared last; difference_ns may be NULL. */
enum path_policy_order path_order_of(const struct path_order *order, const struct in6_addr *local,
	const struct in6_addr *remote, uint64_t *difference_ns);
