/*
 * What several listeners want of one group together, as a router that speaks for them says it (RFC
 * 4605, 4.1; RFC 3810, 4.2). Pure functions: any thread.
 */
#pragma once

#include <netinet/in.h>

#include "proto/mobility/mcast_state.h"

/*
 * Adds what one listener wants of a group to what those before it want: states with one record of
 * the group or none. When there is no room for all sources, all that anybody sends is wanted. Costs
 * the product of their sources.
 */
void merge_add(
	struct mcast_state *into, const struct in6_addr *group, const struct mcast_state *listener);
