/*
 * A change of the bindings of a home address that the store and the data planes have: it becomes
 * what the cache says, its node is answered, and who watches is told.
 */
#pragma once

#include "ctrl/signalling/ha.h"

/* subscriber NULL: it was deleted meanwhile, nobody is answered. */
void ha_change_apply(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber);
