/*
 * Where tunnels between anchor and gateway end: one answer for the paths that data planes are told
 * of, for supervision, which has to name tunnels as these do, and for people. With the LMA
 * User-Plane Address (RFC 7389) it is not where the signalling goes.
 */
#pragma once

#include <netinet/in.h>
#include <stdint.h>

struct ctrl_config;

/*
 * At the anchor: the address of the data plane with this id, or, where no data plane has it, the
 * address of the anchor that was asked. Valid as long as both are.
 */
const struct in6_addr *tunnel_ends_near(
	const struct ctrl_config *config, uint64_t data_plane, const struct in6_addr *anchor);

/*
 * The same as a gateway sees it: the user-plane address that the anchor told, or, when that is
 * unspecified, the address of the anchor. Valid as long as both are.
 */
const struct in6_addr *tunnel_ends_far(
	const struct in6_addr *anchor, const struct in6_addr *user_plane);
