/*
 * The multicast of the home agent: keeps what nodes listen to (ctrl/mcast/membership.h) in the
 * store and in what data planes are told. For the control thread.
 */
#pragma once

#include "ctrl/mcast/membership.h"
#include "ctrl/multicast_links.h"

struct ctrl;
struct multicast;

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

/*
 * After that: serves home links and the tunnels of nodes, which are reached by ops. policy outlives
 * it. 0 or a negative errno.
 */
int multicast_open_links(
	struct multicast *m, const struct home_policy *policy, const struct signalling_ops *ops);

/* The loop's hook, behind that of the commit: lets data planes have what changed on links. */
void multicast_flush(struct multicast *m);

/* The home links; NULL: none are served. */
const struct multicast_links *multicast_links_of(const struct multicast *m);

/* What is kept, for reading. */
const struct membership *multicast_members(const struct multicast *m);
