/* Two workers over one table. */
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "part.h"
#include "rig.h"

enum {
	BURST = 256,
	SLICES = 100,
	SLICE_MS = 5,
};

/* The second worker, which walks whenever it is told to. */
struct second {
	struct worker *worker;
	_Atomic bool running, quit, idle;
	uint64_t packets;
};

static int run_second(void *of)
{
	struct second *s = of;

	while (!atomic_load(&s->quit)) {
		while (atomic_load_explicit(&s->running, memory_order_relaxed)) {
			atomic_store_explicit(&s->idle, false, memory_order_relaxed);
			s->packets += worker_walk(s->worker);
		}
		atomic_store(&s->idle, true);
		rte_pause();
	}
	return 0;
}

/* Packets a second of the first worker in one slice; *both: of the two, if the second runs, too. */
static double slice(struct worker *first, struct second *second, bool together, double *both)
{
	const uint64_t length = rte_get_tsc_hz() / 1000 * SLICE_MS;
	uint64_t start, now, packets = 0;
	double seconds;

	second->packets = 0;
	if (together) {
		atomic_store(&second->running, true);
		while (atomic_load(&second->idle))
			rte_pause();
	}
	start = now = rte_rdtsc();
	while (now - start < length) {
		packets += worker_walk(first);
		now = rte_rdtsc();
	}
	atomic_store(&second->running, false);
	while (!atomic_load(&second->idle))
		rte_pause();
	seconds = (double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz();
	*both = (double)(packets + second->packets) / seconds;
	return (double)packets / seconds;
}

/* The best slice of each: on a machine with other work the two cores are rarely both free. */
json_t *part_workers(const struct plan *plan)
{
	const uint32_t subscribers = RTE_MIN(plan->subscribers[plan->sizes - 1], 1000000u);
	const struct traffic traffic = {WORK_ENCAP, subscribers, TRAFFIC_OCTETS_MIN, BURST, 0, 0};
	double one = 0, two = 0, rate, both;
	struct second second = {.idle = true};
	struct tables *tables;
	struct worker *first;
	unsigned lcore;
	char cores[16];

	snprintf(cores, sizeof(cores), "%s,%s", plan->core, plan->other);
	rig_start(plan->pages, cores);
	tables = rig_tables(subscribers);
	first = rig_worker(tables, 0);
	second.worker = rig_worker(tables, 1);
	traffic_set(&traffic);
	worker_enter(first);
	worker_enter(second.worker);
	lcore = rte_get_next_lcore(-1, 1, 0);
	rte_eal_remote_launch(run_second, &second, lcore);
	for (unsigned i = 0; i < SLICES; i++) {
		rate = slice(first, &second, false, &both);
		one = RTE_MAX(one, rate);
		slice(first, &second, true, &both);
		two = RTE_MAX(two, both);
	}
	atomic_store(&second.quit, true);
	rte_eal_wait_lcore(lcore);
	printf("\n%u subscribers: one worker %.2f Mpps, two %.2f Mpps: %.2f times\n", subscribers,
		one / 1e6, two / 1e6, two / one);
	return json_pack(
		"[{s:i,s:f},{s:i,s:f}]", "workers", 1, "pps", one, "workers", 2, "pps", two);
}
