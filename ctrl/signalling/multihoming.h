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

/* Whether an option, which may be wrong otherwise, says that the node is at home; bids may be NULL.
 */
bool multihoming_names_home(const struct ha_bids *bids);

/* The status of a message of whose options none was refused (RFC 5648, 6.3); bids may be NULL. */
uint8_t multihoming_success(const struct ha_bids *bids);

/* Whether the node of live bindings, of a record and further ones (NULL: none), is at home and
 * defends its address itself. */
bool multihoming_defends_itself(const struct multihoming_policy *policy,
	const struct binding_record *now, const struct binding_more *more);

/* True when some of the options were refused. */
bool multihoming_is_partial(const struct ha_bids *bids);
