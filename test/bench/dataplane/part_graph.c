#include <errno.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <stdio.h>
#include <stdlib.h>

#include "measure.h"
#include "part.h"
#include "rig.h"

enum {
	WINDOWS = 600,
	WINDOWS_QUICK = 300,
	FIGURES_MAX = 40,
	MANY = 1000000, /* subscribers from which on what tables have of a fixed size is nothing */
	OCTETS_MAX = 128, /* of tables a subscriber then (tables.h) */
};

static const uint16_t bursts[] = {32, 256};

static unsigned make_cases(struct figure figures[], uint32_t subscribers, bool quick)
{
	static const uint16_t octets[] = {TRAFFIC_OCTETS_MIN, TRAFFIC_OCTETS_MAX};
	unsigned n = 0;

	for (unsigned o = 0; o < (quick ? 1 : RTE_DIM(octets)); o++)
		for (unsigned b = 0; b < RTE_DIM(bursts); b++)
			for (int work = 0; work < WORKS; work++)
				figures[n++].traffic = (struct traffic){
					(enum work)work, subscribers, octets[o], bursts[b], 0, 0};
	return n;
}

static void print_heading(const struct plan *plan)
{
	printf("\npages of %s%s\n%-6s %9s %6s %5s %7s %7s %5s %6s %6s   cycles a packet by node\n",
		plan->pages, plan->gre ? ", tunnels in GRE with keys" : "", "work", "subscr.",
		"octets", "burst", "cycles", "median", "quiet", "floor", "ratio");
}

static void print_figure(const struct figure *f)
{
	printf("%-6s %9u %6u %5u %7.1f %7.1f %5u %6.1f %6.2f  ", work_name(f->traffic.work),
		f->traffic.subscribers, f->traffic.octets, f->traffic.burst, f->cycles, f->median,
		f->quiet, f->floor, f->cycles / f->floor);
	for (unsigned i = 0; i < f->node_count; i++)
		if (f->nodes[i].cycles >= 0.05)
			printf(" %s %.1f", f->nodes[i].name, f->nodes[i].cycles);
	printf("\n");
}

static json_t *row_of(const struct figure *f, const struct plan *plan, double bytes)
{
	json_t *nodes = json_object();

	for (unsigned i = 0; i < f->node_count; i++)
		if (f->nodes[i].cycles >= 0.05)
			json_object_set_new(nodes, f->nodes[i].name, json_real(f->nodes[i].cycles));
	return json_pack("{s:s,s:I,s:i,s:i,s:i,s:s,s:s,s:f,s:f,s:i,s:f,s:f,s:o}", "work",
		work_name(f->traffic.work), "subscribers", (json_int_t)f->traffic.subscribers,
		"members", 0, "octets", (int)f->traffic.octets, "burst", (int)f->traffic.burst,
		"pages", plan->pages, "tunnel", plan->gre ? "gre" : "ip6", "cycles", f->cycles,
		"median_cycles", f->median, "quiet_windows", (int)f->quiet, "floor_cycles",
		f->floor, "bytes_per_subscriber", bytes, "nodes", nodes);
}

static void measure_size(const struct plan *plan, uint32_t subscribers, json_t *rows)
{
	struct figure *figures = calloc(FIGURES_MAX, sizeof(*figures));
	struct tables *tables = rig_tables(subscribers);
	struct worker *worker = rig_worker(tables, 0);
	double bytes = rig_bytes(tables);
	unsigned n = make_cases(figures, subscribers, plan->quick);

	worker_enter(worker);
	measure(worker, figures, n, plan->quick ? WINDOWS_QUICK : WINDOWS);
	worker_leave(worker);
	worker_destroy(worker);
	tables_destroy(tables);
	for (unsigned i = 0; i < n; i++) {
		print_figure(&figures[i]);
		json_array_append_new(rows, row_of(&figures[i], plan, bytes));
	}
	printf("tables: %.1f octets a subscriber, and %zu for each worker's counters\n", bytes,
		sizeof(struct path_counts));
	if (subscribers >= MANY && bytes > OCTETS_MAX)
		rig_die("tables are larger than they say", E2BIG);
	fflush(stdout);
	free(figures);
}

json_t *part_graph(const struct plan *plan)
{
	json_t *rows = json_array();

	rig_start(plan->pages, plan->core);
	traffic_use_gre(plan->gre);
	print_heading(plan);
	for (unsigned i = 0; i < plan->sizes; i++)
		measure_size(plan, plan->subscribers[i], rows);
	return rows;
}
