/*
 * The multicast of all roles: keeps what is listened to (ctrl/mcast/membership.h) in what data
 * planes are told, and of nodes with bindings in the store. For the control thread.
 */
#pragma once

#include "ctrl/mcast/membership.h"
#include "ctrl/multicast_links.h"

struct binding;
struct ctrl;
struct mag_attachment;
struct multicast;
struct multicast_gateways;
struct multicast_nodes;
struct multicast_reports;

/* NULL with errno set. ctrl outlives it. */
struct multicast *multicast_new(struct ctrl *ctrl);
void multicast_free(struct multicast *m);

/*
 * At start, after the bindings and before data planes can connect: takes over what the store has of
 * nodes with bindings and forgets the rest. 0; -EPROTO (of another release), -EBADMSG or -ENOMEM.
 */
int multicast_restore(struct multicast *m);

/* See struct signalling_ops. */
void multicast_listen(void *multicast, const struct in6_addr *home, uint64_t subscriber_id,
	struct mcast_state *state, struct mcast_state *before);

/* See struct signalling_ops. */
void multicast_served(
	const struct multicast *m, const struct in6_addr *home, struct mcast_state *state);

/* Whether the data plane with this index could not take what a node listens to of a group: 0, or
 * the positive errno that it told. */
int multicast_lacks(const struct multicast *m, const struct in6_addr *home,
	const struct in6_addr *group, unsigned data_plane);

/* Index of the data plane that makes the copies for a node with a binding, or -ENOTCONN. */
int multicast_serving(const struct multicast *m, const struct binding *b);

/*
 * After that: serves home links and the tunnels of nodes, which are reached by ops. policy outlives
 * it. 0 or a negative errno.
 */
int multicast_open_links(
	struct multicast *m, const struct home_policy *policy, const struct signalling_ops *ops);

/* A node has a binding, perhaps anew. */
void multicast_bound(struct multicast *m, const struct in6_addr *home, uint64_t subscriber_id);

/*
 * At start, when the anchor has its sessions: serves the tunnels of access gateways. 0 or a
 * negative errno.
 */
int multicast_open_gateways(struct multicast *m);

/* A session of the anchor is live at this gateway. */
void multicast_session(
	struct multicast *m, const struct in6_addr *anchor, const struct in6_addr *care_of);

/*
 * At start, before the access gateway is added to the signalling: serves the nodes on its links. 0
 * or a negative errno.
 */
int multicast_open_nodes(struct multicast *m);

/* A node of the access gateway is served, perhaps elsewhere; or no longer. */
void multicast_attached(struct multicast *m, const struct mag_attachment *a);
void multicast_detached(struct multicast *m, const struct mac *mac);

/* The loop's hook, behind that of the commit: lets data planes have what changed on links. */
void multicast_flush(struct multicast *m);

/* The home links; NULL: none are served. */
const struct multicast_links *multicast_links_of(const struct multicast *m);

/* The tunnels of the anchor, and the nodes of the access gateway; NULL: none are served. */
const struct multicast_gateways *multicast_gateways_of(const struct multicast *m);
const struct multicast_nodes *multicast_nodes_of(const struct multicast *m);

/* The tunnels of nodes whose reports are taken; NULL: of none. */
const struct multicast_reports *multicast_reports_of(const struct multicast *m);

/* What is kept, for reading. */
const struct membership *multicast_members(const struct multicast *m);
