/*
 * Multicast of the local mobility anchor (RFC 6224, 4.3): each tunnel to an access gateway is a
 * link with listeners, on which the anchor is the querier (ctrl/mcast/querier.h). What is wanted
 * there is a member that all nodes behind the gateway share: one copy in the tunnel.
 *
 * A tunnel is served from the first session on that leads into it, or the first report. For the
 * control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ctrl/mcast/membership.h"
#include "ctrl/mcast/querier.h"
#include "ctrl/multicast_tunnel.h"

struct multicast_gateways;
struct multicast_links;

struct multicast_gateways_config {
	struct ctrl *ctrl; /* with an anchor */
	struct membership *members;
	struct membership_config publish; /* how its paths are published */
	struct multicast_links *links;    /* counts for it */
};

/* Copies the configuration and adds itself to the signalling. NULL with errno set. */
struct multicast_gateways *multicast_gateways_new(const struct multicast_gateways_config *config);
void multicast_gateways_free(struct multicast_gateways *gateways);

/* There is a session from an address of the anchor to one of a gateway. */
void multicast_gateways_serve(struct multicast_gateways *gateways, const struct in6_addr *anchor,
	const struct in6_addr *care_of);

/* Data planes can be reached that could not be before: asks who could not be asked. */
void multicast_gateways_retry(struct multicast_gateways *gateways);

/* Whether something has changed since this was last asked. */
bool multicast_gateways_changed(struct multicast_gateways *gateways);

/* Calls fn for the querier of each tunnel; not 0 ends the walk. */
int multicast_gateways_each(const struct multicast_gateways *gateways,
	int (*fn)(void *arg, const struct multicast_tunnel *tunnel, const struct querier *querier),
	void *arg);
