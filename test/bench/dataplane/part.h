/*
 * Parts of the measurement, each in a process of its own: DPDK starts once a process and keeps to
 * the pages that it started with.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* What a part is to do. */
struct plan {
	const char *pages; /* "2M", "4K" */
	const char *core;  /* that the measured worker runs on */
	const char *other; /* another core, for a writer or a second worker; NULL: there is none */
	const uint32_t *subscribers;
	unsigned sizes;
	bool quick;
	bool gre;        /* part_graph: tunnels of nodes are in GRE, each with its keys */
	unsigned soak_s; /* of part_soak */
};

/* Measures, tells it on standard output, and returns the rows for the JSON document. */
typedef json_t *(*part)(const struct plan *plan);

/* Runs a part and waits for it; NULL: it ended with an error, which it has told. */
json_t *part_run(part part, const struct plan *plan);

/* Cycles a packet by table size, packet size and work. */
json_t *part_graph(const struct plan *plan);

/* Forwarding to the largest number of subscribers, while another thread changes the care-of address
 * of so many of them a second, and while it applies a snapshot of all. */
json_t *part_updates(const struct plan *plan);

/* The same work done by the kernel, on the same core. */
json_t *part_linux(const struct plan *plan);

/* The programs from outside, as tools/bench end-to-end measures them; no rows if it cannot. */
json_t *part_end_to_end(const struct plan *plan);

/* Full rate and all kinds of changes for plan->soak_s seconds; it fails if anything is lost. */
json_t *part_soak(const struct plan *plan);

/* What a copy of a multicast packet costs, and what it leaves to unicast. */
json_t *part_replicate(const struct plan *plan);

/* What two workers, each with its queues and its thread, forward together with one table. */
json_t *part_workers(const struct plan *plan);
