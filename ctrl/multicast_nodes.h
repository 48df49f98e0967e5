/*
 * Multicast of the mobile access gateway: a proxy of Multicast Listener Discovery (RFC 6224, 4.2;
 * RFC 4605). Each attached node is the only listener of a link of its own, on which the gateway is
 * the querier: it asks as soon as the node is served, so that what the node listens to is known
 * where it has come to, and what it has left is forgotten when it is served there no more. What
 * nodes with one anchor want together is told to the anchor in the tunnel, and what comes out of
 * that is copied to them: once onto an access link, or, where nodes of several anchors are on one,
 * to each of them. Each anchor has an instance of its own: of what one brings nothing gets to nodes
 * of another one. For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/addr.h"
#include "ctrl/mcast/membership.h"
#include "ctrl/mcast/querier.h"
#include "ctrl/mcast/reporter.h"

struct ctrl;
struct mag_anchor;
struct mag_attachment;
struct multicast_links;
struct multicast_nodes;

struct multicast_nodes_config {
	struct ctrl *ctrl; /* with an access gateway */
	struct membership *members;
	struct membership_config publish; /* how its paths are published */
	struct multicast_links *links;    /* counts for it */
};

/* Copies the configuration and adds itself to the signalling, before the access gateway, of whose
 * packets it looks at some. NULL with errno set. */
struct multicast_nodes *multicast_nodes_new(const struct multicast_nodes_config *config);
void multicast_nodes_free(struct multicast_nodes *nodes);

/* A node is served, perhaps elsewhere than before; or no longer. */
void multicast_nodes_here(struct multicast_nodes *nodes, const struct mag_attachment *a);
void multicast_nodes_gone(struct multicast_nodes *nodes, const struct mac *mac);

/* The address of the anchor that a path leads to; NULL: it is none of these. */
const struct in6_addr *multicast_nodes_anchor(const struct multicast_nodes *nodes, uint64_t path);

/* Data planes can be reached that could not be before: asks who could not be asked. */
void multicast_nodes_retry(struct multicast_nodes *nodes);

/* Whether something has changed since this was last asked. */
bool multicast_nodes_changed(struct multicast_nodes *nodes);

/* Calls fn for the querier of each node; not 0 ends the walk. */
int multicast_nodes_each(const struct multicast_nodes *nodes,
	int (*fn)(void *arg, const struct mag_attachment *a, const struct querier *querier),
	void *arg);

/* Its counters, REPORTER_COUNTERS of them. */
const uint64_t *multicast_nodes_counters(const struct multicast_nodes *nodes);
