/*
 * The start of DPDK's environment for the generator: memory, and one lcore each for who sends and
 * who receives. The main thread keeps every core that it may use; nothing is probed that was not
 * asked for, and nothing is shared with other DPDK processes of the machine.
 */
#pragma once

#include "tools/pktgen/config.h"

/* The lcore of a worker: 0 sends (and receives, if there is one), 1 receives. */
static inline unsigned eal_lcore(unsigned worker)
{
	return worker + 1;
}

/* Workers of a configuration: 1 or 2. */
static inline unsigned eal_workers(const struct pktgen_config *config)
{
	return config->cores.count > 1 ? 2 : 1;
}

/* The arguments of the process, for starting it again, without hugepages, when others took them
 * while eal_start() was about to. Not told: that is an error of eal_start(). */
void eal_set_arguments(char **arguments);

/* Starts the environment with room for memory_mib. Main thread, once a process. Returns 0 or a
 * negative errno after a log line. */
int eal_start(const struct pktgen_config *config, uint32_t memory_mib);

/* Gives all memory back; only what eal_start() began. */
void eal_stop(void);
