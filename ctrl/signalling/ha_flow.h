/*
 * Flow bindings in Binding Updates and Acknowledgements (RFC 6089, 5.3).
 *
 * The BIDs of a Binding Update come first (5.3.1): only when the bindings that it makes are a fact
 * is it worked out what its flow options ask for, and that goes through the commit in its turn,
 * each flow for itself; then the node is answered, with a status for each. What is not named by an
 * accepted update is gone after it (5.3.4). Whatever else changes bindings changes the rules of
 * flows with them. For the control thread.
 */
#pragma once

#include "ctrl/binding/flow.h"
#include "ctrl/signalling/ha.h"
#include "proto/mobility/flow.h"

struct mh;

/* A Flow Identification option of an update, or a FID of a summary that is not known. */
struct ha_flow {
	uint16_t fid;
	uint16_t priority;
	uint8_t status;   /* enum codes_flow */
	uint8_t subs_len; /* octets of sub-options */
	bool refresh;     /* named by a summary */
	uint8_t subs[FLOW_SUBS_MAX];
};

/* All of them, those of summaries behind; from malloc. */
struct ha_flows {
	unsigned count;
	bool repeated; /* a FID stood in two Flow Identification options */
	struct ha_flow at[];
};

/* Reads the flow options of an update; NULL: it has none. 0 or -ENOMEM. */
int ha_flow_read(const struct mh *mh, struct ha_flows **flows);

typedef void ha_flow_done(struct ha_request *r);

/* Whether an accepted request needs ha_flow_begin(), which then answers its node. */
bool ha_flow_concerns(const struct binding *b, const struct ha_request *r);

/*
 * The bindings have become what the request made of them; it has what they were. Brings the flow
 * bindings and their rules up to date. `done` is called when that is a fact, perhaps before the
 * return.
 */
void ha_flow_begin(
	struct signalling *s, struct binding *b, struct ha_request *r, ha_flow_done *done);

/* Adds the options that an acknowledgement is to have, if flows is not NULL: each Flow
 * Identification option with its status, and the FIDs that were not found (5.3.5). Leaves room for
 * `spare` further options. */
void ha_flow_reply(const struct ha_flows *flows, unsigned spare, struct mh *mh);
