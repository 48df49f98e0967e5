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
	const uint32_t *subscribers;
	unsigned sizes;
	bool quick;
};

/* Measures, tells it on standard output, and returns the rows for the JSON document. */
typedef json_t *(*part)(const struct plan *plan);

/* Runs a part and waits for it; NULL: it ended with an error, which it has told. */
json_t *part_run(part part, const struct plan *plan);

/* Cycles a packet by table size, packet size and work. */
json_t *part_graph(const struct plan *plan);
