#include "ctrl/role.h"

#include "ctrl/config.h"
#include "ctrl/packet.h"
#include "ctrl/publish/publish.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int role_inject(const struct ctrl *ctrl, const char *data_plane, const struct packet_inject *inject)
{
	int dp = data_plane ? ctrl_config_data_plane(ctrl->config, data_plane)
			    : publish_first_ready(ctrl->publish);

	return dp < 0 || !publish_up(ctrl->publish, (unsigned)dp)
		       ? -ENOTCONN
		       : packet_inject(ctrl->packet, (unsigned)dp, inject);
}

bool role_tunnel_address(const struct ctrl *ctrl, uint64_t data_plane, struct in6_addr *address)
{
	int dp = ctrl_config_data_plane_of_id(ctrl->config, data_plane);

	if (dp >= 0)
		*address = *ctrl_config_data_plane_address(ctrl->config, (unsigned)dp);
	return dp >= 0;
}

int role_refuse(int error, const char *what, char *why, size_t why_size)
{
	snprintf(why, why_size, "%s: %s", what, strerror(-error));
	return error;
}

int role_not_restored(const struct ctrl *ctrl, int error, const char *what, const char *they,
	char *why, size_t why_size)
{
	snprintf(why, why_size, "store %s: %s cannot be taken over: %s%s", store_path(ctrl->store),
		what, error == -EPROTO ? they : strerror(-error),
		error == -EPROTO ? " of another release" : "");
	return error;
}
