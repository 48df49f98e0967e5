/*
 * What the roles do alike with the other parts of dmm-ctrl.
 */
#pragma once

#include "ctrl/ctrl.h"
#include "proto/channel/packet.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Has a packet sent by the data plane of this name, or, for NULL, by any that is ready. Returns 0,
 * -ENOTCONN when there is none, or what packet_inject() says. For the control thread.
 */
int role_inject(
	const struct ctrl *ctrl, const char *data_plane, const struct packet_inject *inject);

/* Where tunnels that the data plane with this id serves end. False: there is none, also for 0. */
bool role_tunnel_address(const struct ctrl *ctrl, uint64_t data_plane, struct in6_addr *address);

/* Says in why, for people, that this cannot be because of a negative errno, which it returns. */
int role_refuse(int error, const char *what, char *why, size_t why_size);

/*
 * Says in why, for people, that something of the store, such as "flow bindings", cannot be taken
 * over because of a negative errno; `they` is how it is called then, "it is" or "they are". Returns
 * the errno.
 */
int role_not_restored(const struct ctrl *ctrl, int error, const char *what, const char *they,
	char *why, size_t why_size);
