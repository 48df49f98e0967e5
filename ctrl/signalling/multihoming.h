/*
 * Several care-of addresses of one home address: what a Binding Update with Binding Identifier
 * options makes of its bindings, and the status of each option (RFC 5648, 4.4 and 6.2).
 */
#pragma once

#include <stdint.h>

#include "ctrl/signalling/ha.h"
#include "proto/mobility/mh.h"

/* Reads the options of a Binding Update; NULL in *bids: it has none. Returns 0 or -ENOMEM. */
int multihoming_read(const struct mh *mh, struct ha_bids **bids);

/*
 * A registration with BIDs: what the live bindings of b, or none, become, in r. The options of
 * r->update get their statuses. Returns 0, or the status with which the whole is refused: then
 * nothing changes.
 */
uint8_t multihoming_register(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber);

/* The same for a deregistration with BIDs. */
uint8_t multihoming_deregister(struct signalling *s, struct binding *b, struct ha_request *r);

/* True when some of the options were refused. */
bool multihoming_is_partial(const struct ha_bids *bids);
