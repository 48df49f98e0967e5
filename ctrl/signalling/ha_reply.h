/*
 * The Binding Acknowledgement (RFC 6275, 6.1.8, 9.5.4, 10.3.1 and 10.3.2), authenticated whenever
 * its node has a security association, also when it refuses (RFC 4285, 5.1.1).
 */
#pragma once

#include <stdint.h>

#include "ctrl/signalling/ha.h"

/* Sends status 0 with the lifetime granted and where the tunnel ends; bound is NULL when the
 * binding has ended. */
void ha_accept(struct signalling *s, const struct ha_update *update,
	const struct subscriber *subscriber, const struct binding_record *bound);

/*
 * Sends an acknowledgement that nobody asked for: of the last update, with the time of now and
 * where the tunnel ends now. Returns 0, or -ENOENT when its node has no security association.
 */
int ha_reply_tell(struct signalling *s, const struct binding *b);

/* Sends a refusal (status from 128 on), counts it and tells of it. */
void ha_refuse(struct signalling *s, const struct ha_update *update,
	const struct subscriber *subscriber, uint8_t status, uint16_t sequence);
