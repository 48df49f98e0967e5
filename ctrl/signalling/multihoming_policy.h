/*
 * What is allowed of RFC 5648.
 */
#pragma once

#include <stdbool.h>

/* What a node may do. */
struct multihoming_policy {
	unsigned max;      /* bindings of one home address, up to BINDING_MAX; 0: none with a BID,
			    * status 166 */
	bool bulk;         /* several BIDs in one Binding Update; else status 168 */
	bool verify_first; /* a new care-of address must be the source of its Binding Update
			    * (RFC 5648, 10) */
};
