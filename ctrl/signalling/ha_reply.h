/*
 * The Binding Acknowledgement (RFC 6275, 6.1.8, 9.5.4, 10.3.1 and 10.3.2), authenticated whenever
 * its node has a security association, also when it refuses (RFC 4285, 5.1.1).
 */
#pragma once

#include <stdint.h>

#include "ctrl/signalling/ha.h"

/*
 * Answers a registration or deregistration that was carried out: status 0 with the lifetime granted
 * and where the tunnel ends. When it had BIDs, all its options with their statuses, and status 4
 * when some were refused (RFC 5648, 6.2); where tunnels of BIDs end at different places, each
 * option is followed by its own.
 */
void ha_accept(
	struct signalling *s, const struct ha_request *r, const struct subscriber *subscriber);

/*
 * Sends an acknowledgement that nobody asked for: of the last update, with the time of now and
 * where the tunnels end now. Returns 0, or -ENOENT when its node has no security association.
 */
int ha_reply_tell(struct signalling *s, const struct binding *b);

/* Sends a refusal: status from 128 on, or 4 when all BIDs were refused each for its own reason;
 * counts it and tells of it. */
void ha_refuse(struct signalling *s, const struct ha_update *update,
	const struct subscriber *subscriber, uint8_t status, uint16_t sequence);
