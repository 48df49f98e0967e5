/*
 * Bundles of what the configuration alone says. Private to ctrl/publish/.
 */
#pragma once

#include "ctrl/publish/publish.h"

/* Appends one object to a bundle. 0, -EINVAL or -ENOSPC. */
int publish_bundle_add(struct bundle *bundle, const struct object *object);

/* Bundles of a local address, of that which stands for the home agents of a prefix (RFC
 * 6275, 10.5), of a home link, of an access link, of what waits out of a tunnel of the gateway and
 * of a data plane. 0 or -EINVAL. */
int publish_compile_address(uint64_t id, const struct in6_addr *addr, struct bundle *bundle);
int publish_compile_home_agents(uint64_t id, const struct prefix6 *prefix, struct bundle *bundle);
int publish_compile_link(uint64_t id, const char *port, struct bundle *bundle);
int publish_compile_access(
	uint64_t id, const char *port, bool local_routing, struct bundle *bundle);
int publish_compile_held(const struct ctrl_config *config, size_t tunnel, struct bundle *bundle);
int publish_compile_data_plane(
	const struct ctrl_config *config, unsigned dp, struct bundle *bundle);
