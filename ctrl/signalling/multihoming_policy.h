/*
 * What is allowed of RFC 5648.
 */
#pragma once

#include <stdbool.h>

/* A node that is on its home link while it has bindings elsewhere (RFC 5648, 5.6). */
enum multihoming_home {
	MULTIHOMING_HOME_REFUSED, /* status 169 */
	MULTIHOMING_HOME_ND,      /* status 0: it defends its address itself, we are the only router
				   * of the link */
	MULTIHOMING_HOME_PROXY,   /* status 5: we go on defending it */
};

/* What a node may do. */
struct multihoming_policy {
	unsigned max; /* bindings of one home address, up to BINDING_MAX; 0: none with a BID,
		       * status 166 */
	bool bulk;    /* several BIDs in one Binding Update; else status 168 */
	enum multihoming_home home;
	bool verify_first; /* a new care-of address must be the source of its Binding Update
			    * (RFC 5648, 10) */
};
