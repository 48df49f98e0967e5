/* What commands that send need: DPDK started, ports open, the gateway found. */
#pragma once

#include "tools/pktgen/config.h"
#include "tools/pktgen/port.h"

/* Starts everything; errors are logged. Returns 0 or a negative errno; site_close() follows in both
 * cases. Main thread, once a process. */
int site_open(struct ports *ports, const struct pktgen_config *config);

/* Gives everything back. */
void site_close(struct ports *ports);
