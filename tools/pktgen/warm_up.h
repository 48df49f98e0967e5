/* Traffic before that which counts (RFC 2544, 23: learning). */
#pragma once

#include "tools/pktgen/traffic.h"

/* Sends slowly for as long as the configuration says, so that the gateway resolves its next hops,
 * and again as long as nothing comes back, but for no more than four seconds; *result is for the
 * scratch of it. Returns 0 or a negative errno. */
int warm_up(
	struct traffic *traffic, const struct pktgen_config *config, struct traffic_result *result);
