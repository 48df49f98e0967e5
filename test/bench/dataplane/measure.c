#include "measure.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_graph_worker.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/counter.h"
#include "rig.h"

enum {
	WINDOW_PACKETS = 1 << 12, /* short, so that many are not interrupted */
	WARM_PACKETS = 1 << 11,
	NODE_WINDOWS = 100,
	BEST_OF = 10, /* quiet windows the best one is the figure */
};

/* A floor of up to so many times the best one is that of a quiet machine. */
#define QUIET 1.08

/* Cycles of the nodes that have ever been called. */
static unsigned read_nodes(
	const struct worker *w, uint64_t cycles[], struct node_cost nodes[MEASURE_NODES_MAX])
{
	rte_graph_off_t offset;
	rte_node_t i;
	struct rte_node *node;
	unsigned n = 0;

	rte_graph_foreach_node(i, offset, w->graph, node)
	{
		if (node->total_calls == 0 || n == MEASURE_NODES_MAX)
			continue;
		cycles[n] = node->total_cycles;
		snprintf(nodes[n].name, sizeof(nodes[n].name), "%s", node->name);
		n++;
	}
	return n;
}

/* timed: takes the time of each node, which costs time of its own. */
static uint64_t walk(struct worker *w, unsigned packets, bool timed)
{
	uint64_t n = 0;

	while (n < packets) {
		uint64_t entered;

		if (timed)
			w->busy = 0;
		entered = worker_walk(w);

		if (entered == 0)
			rig_die("packet buffers", ENOBUFS);
		n += entered;
	}
	return n;
}

static double run_window(struct worker *w, const struct traffic *traffic, bool timed)
{
	uint64_t packets, start;

	traffic_set(traffic);
	walk(w, WARM_PACKETS, timed);
	start = rte_rdtsc_precise();
	packets = walk(w, WINDOW_PACKETS, timed);
	return (double)(rte_rdtsc_precise() - start) / (double)packets;
}

static void check_count(const struct worker *w, enum worker_counter counter, bool wanted)
{
	if (wanted == (counter_get(&w->counters[counter]) > 0))
		return;
	fprintf(stderr, "bench_dataplane: %s: ", worker_counter_name(counter));
	rig_die("packets did not go the way that is measured", EPROTO);
}

/* Walks a little, and looks whether all packets went the way of this work and no other. */
static void check_way(struct worker *w, const struct traffic *traffic)
{
	const enum work work = traffic->work;

	memset(w->counters, 0, sizeof(w->counters));
	traffic_set(traffic);
	walk(w, WARM_PACKETS, false);
	for (int i = 0; i < DROP_COUNT; i++)
		if (counter_get(&w->drops[i]))
			rig_die(drop_reason_name((enum drop_reason)i), EPROTO);
	check_count(w, WORKER_encapsulated, work == WORK_ENCAP || work == WORK_RELAY);
	check_count(w, WORKER_decapsulated, work == WORK_DECAP || work == WORK_RELAY);
	check_count(w, WORKER_relayed_in, work == WORK_RELAY);
	check_count(w, WORKER_forwarded, work == WORK_DECAP || work == WORK_ROUTE);
}

/* The cycles by node of the best of some windows. */
static void measure_nodes(struct worker *w, struct figure *f)
{
	uint64_t before[MEASURE_NODES_MAX] = {0}, after[MEASURE_NODES_MAX];
	double best = 0;

	for (int i = 0; i < NODE_WINDOWS; i++) {
		read_nodes(w, before, f->nodes);

		double cycles = run_window(w, &f->traffic, true);
		unsigned n = read_nodes(w, after, f->nodes);

		if (best != 0 && cycles >= best && n == f->node_count)
			continue;
		best = cycles;
		f->node_count = n;
		for (unsigned j = 0; j < n; j++)
			f->nodes[j].cycles =
				(double)(after[j] - before[j]) / (WINDOW_PACKETS + WARM_PACKETS);
	}
}

static int by_cycles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The floor that goes with a figure. */
static struct figure *floor_of(struct figure figures[], unsigned count, const struct figure *f)
{
	for (unsigned i = 0; i < count; i++)
		if (figures[i].traffic.work == WORK_FLOOR &&
			figures[i].traffic.octets == f->traffic.octets &&
			figures[i].traffic.burst == f->traffic.burst)
			return &figures[i];
	rig_die("a case without its floor", EINVAL);
}

/* One window of each case, each between two of its floor. */
static void run_round(struct worker *w, struct figure figures[], unsigned count, unsigned at)
{
	const struct traffic *last = NULL;
	double before = 0;

	for (unsigned i = 0; i < count; i++) {
		const struct traffic *floor = &floor_of(figures, count, &figures[i])->traffic;

		if (floor != last)
			before = run_window(w, floor, false);
		last = floor;
		figures[i].windows[at].cycles = run_window(w, &figures[i].traffic, false);

		double after = run_window(w, floor, false);

		figures[i].windows[at].around = RTE_MAX(before, after);
		before = after;
	}
}

/* The figure that the windows make, if a floor up to `limit` is quiet. */
static void conclude(struct figure *f, unsigned windows, double limit)
{
	double all[MEASURE_WINDOWS_MAX] = {0}, quiet[MEASURE_WINDOWS_MAX] = {0};

	f->quiet = 0;
	for (unsigned i = 0; i < windows; i++) {
		all[i] = f->windows[i].cycles;
		if (f->windows[i].around <= limit)
			quiet[f->quiet++] = all[i];
	}
	qsort(all, windows, sizeof(all[0]), by_cycles);
	qsort(quiet, f->quiet, sizeof(quiet[0]), by_cycles);
	f->median = all[windows / 2];
	f->cycles = f->quiet ? quiet[f->quiet / BEST_OF] : all[0];
}

void measure(struct worker *w, struct figure figures[], unsigned count, unsigned windows)
{
	for (unsigned i = 0; i < count; i++) {
		check_way(w, &figures[i].traffic);
		measure_nodes(w, &figures[i]);
	}
	for (unsigned at = 0; at < windows; at++)
		run_round(w, figures, count, at);
	for (unsigned i = 0; i < count; i++) {
		struct figure *floor = floor_of(figures, count, &figures[i]);
		double best = floor->windows[0].cycles;

		for (unsigned at = 0; at < windows; at++)
			best = RTE_MIN(best, floor->windows[at].cycles);
		conclude(&figures[i], windows, best * QUIET);
	}
	for (unsigned i = 0; i < count; i++)
		figures[i].floor = floor_of(figures, count, &figures[i])->cycles;
}
