/*
 * Multicast on home links: a querier on each (ctrl/mcast/querier.h; RFC 6275, 10.4.3), fed with
 * what data planes show of its link, whose listeners are members as nodes that are away are.
 *
 * And queries into the tunnels of nodes that are away and listen to something
 * (draft-sarikaya-mext-multicastdmm-04, 6): each gets a general query an interval, evenly spread.
 * For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/counter.h"
#include "ctrl/mcast/membership.h"
#include "ctrl/mcast/querier.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/mld.h"

enum multicast_links_counter {
	MULTICAST_LINKS_SOURCE,    /* messages from addresses that are not of the link */
	MULTICAST_LINKS_HOP_LIMIT, /* with another hop limit than 1 */
	MULTICAST_LINKS_ALERT,     /* without Router Alert option */
	MULTICAST_LINKS_CHECKSUM,  /* with a wrong checksum */
	MULTICAST_LINKS_DISAGREES, /* groups of options that nobody listened to on the home link */
	MULTICAST_LINKS_TUNNEL,    /* queries sent into tunnels */
	MULTICAST_LINKS_REFUSED,   /* changes reported through tunnels, beyond what is allowed */
	MULTICAST_LINKS_OVERRULED, /* options of nodes that had reported something else before */
	MULTICAST_LINKS_COUNTERS
};
extern const struct counter_def multicast_links_counter_defs[MULTICAST_LINKS_COUNTERS];

struct ctrl;
struct multicast_links;

/* How the home links are reached: as the signalling does. */
struct multicast_links_config {
	struct ctrl *ctrl;
	struct membership *members;
	const struct home_policy *policy;
	const struct signalling_ops *ops;
};

/* Copies the configuration and adds itself to the signalling. NULL with errno set. */
struct multicast_links *multicast_links_new(const struct multicast_links_config *config);
void multicast_links_free(struct multicast_links *links);

/* Of a home address that registers these groups: counts those that nobody on its home link listened
 * to. Nothing for an address of no link. */
void multicast_links_compare(struct multicast_links *links, const struct in6_addr *home,
	const struct mcast_state *state);

/* Data planes can be reached that could not be before: asks who could not be asked. */
void multicast_links_retry(struct multicast_links *links);

/* Whether something has changed on a link since this was last asked. */
bool multicast_links_changed(struct multicast_links *links);

/* Calls fn for the querier of each home link; not 0 ends the walk. */
int multicast_links_each(const struct multicast_links *links,
	int (*fn)(void *arg, const struct home_link *link, const struct querier *querier),
	void *arg);

/* A message of another kind of link has a fault. */
void multicast_links_count(struct multicast_links *links, enum mld_fault fault);

/* The same for an event that another kind of link counts. */
void multicast_links_note(struct multicast_links *links, enum multicast_links_counter counter);

/* Sends a query of mld_len octets, up to 668, that stands behind MLD_PACKET_HEAD octets of room in
 * buf, to an address on the tunnel to a node with a binding, as the home agent is there. 0;
 * -ENOTCONN: there is no binding, or no data plane serves it; or another negative errno. */
int multicast_links_send_into(struct multicast_links *links, const struct in6_addr *home,
	const struct in6_addr *dst, uint8_t *buf, size_t mld_len);

/* How queriers are configured. alone: on a link of one listener, who need not wait for others with
 * its first answers (RFC 6224, 4.2). */
struct querier_config multicast_links_querier_config(const struct ctrl *ctrl, bool alone);

/* Counters for the queriers of other kinds of links. */
uint64_t *multicast_links_querier_values(struct multicast_links *links);

/* Its counters, and those of its queriers. */
const uint64_t *multicast_links_counters(const struct multicast_links *links);
const uint64_t *multicast_links_querier_counters(const struct multicast_links *links);
