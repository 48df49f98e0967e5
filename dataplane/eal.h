/*
 * The start of DPDK's environment: memory, lcores, and nothing that was not asked for (no PCI scan
 * unless a port is a PCI device, no telemetry, no shared files).
 *
 * Lcore EAL_LCORE_MAIN is the main thread's and may run on every core of the process; worker w is
 * lcore eal_lcore(w), pinned to its core.
 */
#pragma once

#include <stdbool.h>

#include "dataplane/config.h"

enum {
	EAL_LCORE_MAIN = 0,
};

/* The lcore of a worker. */
static inline unsigned eal_lcore(unsigned worker)
{
	return worker + 1;
}

/* What is to be left free of hugepages: for DPDK itself, and for others of this process. */
struct eal_memory {
	uint32_t dpdk_mib, other_mib;
};

/*
 * Decides about hugepages and starts the environment with the memory that is DPDK's. After
 * zsock_context(), whose threads would inherit a pinned core otherwise; main thread, once a
 * process. Returns 0 or a negative errno after a log line: -EAGAIN if another program was quicker
 * to take the hugepages that were counted as free, and none are required. A new process may do
 * without.
 */
int eal_start(const struct dp_config *config, struct eal_memory memory);

/* Gives all memory back; only what eal_start() began. */
void eal_stop(void);

/*
 * Hugepages of 2 MiB that are free (and not promised to others), as a directory like
 * /sys/kernel/mm/hugepages/hugepages-2048kB says; 0 if it says nothing.
 */
unsigned long eal_hugepages_free(const char *directory);
