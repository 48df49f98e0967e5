/*
 * Policy about addresses: which home prefix an address belongs to, and which addresses a mobile
 * node may give as care-of address.
 *
 * A home prefix is on a link, then the gateway checks there that a home address is free and
 * defends it while its node is away (RFC 6275, 10.3.1 and 10.4.1), or on none: then its addresses
 * exist only in bindings. All is configuration, read only.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>

#include "common/addr.h"
#include "ctrl/config.h"

/* Why an address cannot be a care-of address. */
enum home_prefix_care_of {
	HOME_PREFIX_CARE_OF_GOOD = 0,
	HOME_PREFIX_CARE_OF_UNROUTABLE, /* not a unicast routable address (RFC 6275, 6.1.7) */
	HOME_PREFIX_CARE_OF_HOME,       /* in a home prefix: the tunnel would lead back to us */
	HOME_PREFIX_CARE_OF_OWN,        /* an address of the gateway */
};

/* Whether home registrations are served at all: role "ha", and a home prefix. */
bool home_prefix_served(const struct ctrl_config *config);

/* The home prefix of an address if it is on a link, else NULL. */
const struct ctrl_config_home_prefix *home_prefix_on_link(
	const struct ctrl_config *config, const struct in6_addr *home);

/* Whether an address may be a care-of address. */
enum home_prefix_care_of home_prefix_care_of(
	const struct ctrl_config *config, const struct in6_addr *addr);

/*
 * The source of what the gateway says on the home link of a prefix (RFC 6275, 10.4.1): the home
 * agent address if it is inside the prefix, else the link-local address made of the port's MAC
 * (RFC 4291, Appendix A), which the port's TAP twin has.
 */
struct in6_addr home_prefix_source(
	const struct ctrl_config_home_prefix *prefix, const struct mac *mac);
