/*
 * Cycles a packet on a machine that does other things, too.
 *
 * Each case is measured in many windows of a fraction of a millisecond, and the windows of all
 * cases take turns. Before and after each a window of the floor, which is one of the cases, tells
 * whether somebody else had the core, its caches or its other thread: of the windows between two
 * that were quiet the best tenth ends at the figure. The floor hardly looks at memory, so what
 * others do to the caches is in most of the windows.
 */
#pragma once

#include <rte_graph.h>
#include <stdint.h>

#include "dataplane/worker.h"
#include "traffic.h"

enum {
	MEASURE_NODES_MAX = 16,
	MEASURE_WINDOWS_MAX = 1000,
};

struct node_cost {
	char name[RTE_NODE_NAMESIZE];
	double cycles; /* a packet that entered the graph */
};

struct figure {
	struct traffic traffic;
	double cycles;  /* a packet: the best tenth of quiet windows; the best of all if none was */
	double median;  /* of all windows */
	double floor;   /* the figure of the floor with the same octets and burst */
	unsigned quiet; /* windows */
	struct node_cost nodes[MEASURE_NODES_MAX];
	unsigned node_count;
	struct {
		double cycles, around; /* around: the worse of the floors before and after */
	} windows[MEASURE_WINDOWS_MAX];
};

/* Measures all cases, each with its floor among them, in so many windows each (at most
 * MEASURE_WINDOWS_MAX). The worker is entered (worker_enter()). Ends the program if packets went
 * another way than the case says. */
void measure(struct worker *worker, struct figure figures[], unsigned count, unsigned windows);
