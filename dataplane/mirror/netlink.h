/*
 * The rtnetlink sockets of the mirror: one follows what changes, one asks. Mirror thread (and the
 * main thread before that starts).
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

#include "dataplane/mirror/kmsg.h"

struct netlink {
	int follow; /* + 1; 0: closed */
	int ask;    /* + 1; 0: closed */
	uint32_t sequence;
};

/* Called for each message. */
typedef void netlink_fn(const struct kmsg *msg, void *context);

/* Opens both; changes are kept for netlink_follow() from now on. Returns 0 or a negative errno. */
int netlink_open(struct netlink *nl);
void netlink_close(struct netlink *nl);

/* The descriptor that polls readable when something changed. */
int netlink_fd(const struct netlink *nl);

/*
 * Hands on the changes that are there, at most a few thousand. Returns how many; -ENOBUFS when some
 * were lost, so that all must be dumped again; or another negative errno.
 */
int netlink_follow(struct netlink *nl, netlink_fn *fn, void *context);

/*
 * Dumps everything of one kind (RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH, RTM_GETROUTE) and waits for
 * it. Returns 0; -EINTR when the kernel's state changed under the dump or -ETIMEDOUT: ask again.
 */
int netlink_dump(struct netlink *nl, uint16_t type, netlink_fn *fn, void *context);

/*
 * Tells the kernel that traffic needs this neighbour: it is resolved, or checked if it was not
 * heard of for long. The answer comes as a change. Returns 0 or a negative errno.
 */
int netlink_use(struct netlink *nl, int ifindex, const struct in6_addr *addr);
