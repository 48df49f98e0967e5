/*
 * A change of the bindings of a home address that the store and the data planes have: it becomes
 * what the cache says, its node is answered unless its flows come first (ha_flow.h), and who
 * watches is told.
 */
#pragma once

#include "ctrl/signalling/ha.h"

/* subscriber NULL: it was deleted meanwhile, nobody is answered. */
void ha_change_apply(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber);
