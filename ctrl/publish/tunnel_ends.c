#include "ctrl/publish/tunnel_ends.h"

#include "common/addr.h"
#include "ctrl/config.h"

const struct in6_addr *tunnel_ends_near(
	const struct ctrl_config *config, uint64_t data_plane, const struct in6_addr *anchor)
{
	int dp = ctrl_config_data_plane_of_id(config, data_plane);

	return dp < 0 ? anchor : ctrl_config_data_plane_address(config, (unsigned)dp);
}

const struct in6_addr *tunnel_ends_far(
	const struct in6_addr *anchor, const struct in6_addr *user_plane)
{
	return addr_is_unspecified(user_plane) ? anchor : user_plane;
}
