/*
 * What the flow options of a Binding Update make of the flow bindings of a node (RFC 6089, 5.3.2
 * to 5.3.4). For the control thread.
 */
#pragma once

#include "ctrl/signalling/ha_flow.h"

/*
 * Puts what the flow bindings of b are to become into `to`, which is empty and has room for those
 * that there are and all that flows (NULL: none) name, and sets the status of each of flows. The
 * bindings of b are those that the update has made.
 */
void ha_flow_decide(
	struct signalling *s, struct binding *b, struct ha_flows *flows, struct flow_set *to);

/* Whether the rule of a flow binding is another one when the bindings change. */
bool ha_flow_moves(const struct flow_binding *flow, const struct binding_list *before,
	const struct binding_list *after);
