/*
 * What the home agent serves: its own addresses, the home prefixes, and the home link of each.
 *
 * A home prefix is on a link, then the gateway checks there that a home address is free and
 * defends it while its node is away (RFC 6275, 10.3.1 and 10.4.1), or on none: then its addresses
 * exist only in bindings. The tables are configuration: written before start, only read after.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "proto/channel/object.h"
#include "proto/channel/update.h"

#define HOME_LINK_NAME_MAX (UPDATE_NAME_MAX + 1 + OBJECT_PORT_NAME_MAX)

/* A home link: a port of one data plane. */
struct home_link {
	uint64_t id; /* as in struct object_link, not 0 */
	char name[HOME_LINK_NAME_MAX + 1];
	char data_plane[UPDATE_NAME_MAX + 1]; /* empty: whichever has the port */
	char port[OBJECT_PORT_NAME_MAX + 1];
};

struct home_prefix {
	struct prefix6 prefix;
	const struct home_link *link; /* NULL: on no link */
};

/* All of it; the arrays belong to the caller. */
struct home_policy {
	const struct in6_addr *agents; /* where Binding Updates are accepted */
	size_t agent_count;
	const struct in6_addr *locals; /* further addresses of the gateway */
	size_t local_count;
	const struct home_prefix *prefixes; /* none: home registration is not supported (131) */
	size_t prefix_count;
};

/* Whether an address can be a care-of address. */
enum home_care_of {
	HOME_CARE_OF_GOOD = 0,
	HOME_CARE_OF_UNROUTABLE, /* not a unicast routable address (RFC 6275, 6.1.7) */
	HOME_CARE_OF_AT_HOME,    /* inside a home prefix: the tunnel would lead back to us */
	HOME_CARE_OF_OWN,        /* an address of the gateway */
};

/* The home prefix with the longest match for an address, or NULL. */
const struct home_prefix *home_prefix_find(
	const struct home_policy *policy, const struct in6_addr *addr);

/* True for a home agent address. */
bool home_prefix_is_agent(const struct home_policy *policy, const struct in6_addr *addr);

/* True for any address of the gateway. */
bool home_prefix_is_own(const struct home_policy *policy, const struct in6_addr *addr);

/* Whether an address may be a care-of address. */
enum home_care_of home_prefix_care_of(
	const struct home_policy *policy, const struct in6_addr *addr);

/*
 * The source of what the gateway says on the home link of a prefix (RFC 6275, 10.4.1): its first
 * home agent address inside the prefix, else the link-local address made of the port's MAC (RFC
 * 4291, Appendix A), which the port's TAP twin has too.
 */
struct in6_addr home_prefix_source(
	const struct home_policy *policy, const struct home_prefix *prefix, const struct mac *mac);
