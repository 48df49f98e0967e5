/*
 * Forwarding while control changes what is forwarded to. Slices of time without and with changes
 * take turns.
 */
#include <errno.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "part.h"
#include "rig.h"

enum {
	BURST = 64,
	SLICES = 60, /* a rate is measured in, by turns without changes and with them */
	SLICE_MS = 20,
	SLICE_MS_QUICK = 8,
	AS_FAST_AS_POSSIBLE = 0,
};

/* The writer: the one thread that may change the tables. */
struct changer {
	struct tables *tables;
	uint32_t subscribers;
	_Atomic uint64_t rate; /* changes a second while running */
	_Atomic bool running, quit;
	_Atomic bool idle; /* it has seen that it is not to run */
	_Atomic uint64_t changes;
	uint32_t version, next;
	double seconds; /* of its core that the last snapshot took */
};

/* As the agent does with a message. */
static void apply(struct changer *w, const struct object objects[], unsigned n)
{
	tables_expect(w->tables, objects, n);
	for (unsigned i = 0; i < n; i++)
		if (tables_apply(w->tables, &objects[i]) < 0)
			rig_die("changing the tables", ENOSPC);
}

static void change(struct changer *w, unsigned n)
{
	struct object objects[TABLES_EXPECT_MAX];

	for (unsigned i = 0; i < n; i++) {
		if (w->next == 0)
			w->version++;
		objects[i] = rig_path(w->next, w->version);
		w->next = (w->next + 1) % w->subscribers;
	}
	apply(w, objects, n);
}

/* Changes at a rate, in the batches in which control sends them: one wait for readers a batch. */
static void change_while_running(struct changer *w)
{
	const uint64_t rate = atomic_load(&w->rate), start = rte_rdtsc();
	uint64_t done = 0;

	while (atomic_load_explicit(&w->running, memory_order_relaxed)) {
		uint64_t due = rate ? (rte_rdtsc() - start) * rate / rte_get_tsc_hz() : done + 256;

		if (done == due)
			rte_pause();
		while (done < due && atomic_load_explicit(&w->running, memory_order_relaxed)) {
			unsigned n = (unsigned)RTE_MIN(due - done, (uint64_t)TABLES_EXPECT_MAX);

			change(w, n);
			done += n;
		}
	}
	atomic_fetch_add(&w->changes, done);
}

static int run_writer(void *of)
{
	struct changer *w = of;

	while (!atomic_load(&w->quit)) {
		if (atomic_load(&w->running)) {
			atomic_store(&w->idle, false);
			change_while_running(w);
		}
		atomic_store(&w->idle, true);
		rte_pause();
	}
	return 0;
}

/* Packets a second that a worker forwards in one slice of time. */
static double forward_for(struct worker *worker, uint64_t cycles)
{
	uint64_t start = rte_rdtsc(), packets = 0, now = start;

	while (now - start < cycles) {
		packets += worker_walk(worker);
		now = rte_rdtsc();
	}
	return (double)packets * (double)rte_get_tsc_hz() / (double)(now - start);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * Loss of forwarding rate at a rate of changes: the median over pairs of slices, one without and
 * one with changes, that follow each other.
 */
static json_t *measure_rate(
	struct changer *writer, struct worker *worker, uint64_t rate, bool quick)
{
	const uint64_t slice = rte_get_tsc_hz() / 1000 * (quick ? SLICE_MS_QUICK : SLICE_MS);
	double loss[SLICES] = {0};
	uint64_t busy = 0, before = atomic_load(&writer->changes);

	atomic_store(&writer->rate, rate);
	for (unsigned i = 0; i < SLICES; i++) {
		double without = forward_for(worker, slice), with;
		uint64_t start = rte_rdtsc();

		atomic_store(&writer->running, true);
		with = forward_for(worker, slice);
		atomic_store(&writer->running, false);
		busy += rte_rdtsc() - start;
		while (!atomic_load(&writer->idle))
			worker_walk(worker);
		loss[i] = 100 * (1 - with / without);
	}
	qsort(loss, SLICES, sizeof(loss[0]), by_size);

	double done = (double)(atomic_load(&writer->changes) - before) * (double)rte_get_tsc_hz() /
		      (double)busy;

	printf("%12ju %12.0f %8.1f\n", (uintmax_t)rate, done, loss[SLICES / 2]);
	fflush(stdout);
	return json_pack("{s:I,s:f,s:f}", "rate", (json_int_t)rate, "reached", done, "loss_percent",
		loss[SLICES / 2]);
}

/* Time that this thread has had a core: what others take from it does not count. */
static double own_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Sends all that control would send to a data plane that knows nothing: mark, every path and
 * subscriber, sweep. */
static int apply_snapshot(void *of)
{
	struct changer *w = of;
	double start = own_seconds();

	tables_mark(w->tables, NULL);
	for (uint32_t i = 0; i < w->subscribers;) {
		struct object objects[TABLES_EXPECT_MAX];
		unsigned n = 0;

		for (; n + 2 <= TABLES_EXPECT_MAX && i < w->subscribers; i++) {
			objects[n++] = rig_path(i, w->version);
			objects[n++] = rig_subscriber(i);
		}
		apply(w, objects, n);
	}
	tables_sweep(w->tables);
	w->seconds = own_seconds() - start;
	tables_quiesce(w->tables);
	atomic_store(&w->idle, true);
	return 0;
}

/* A snapshot that says what is there, as after a restart of control, or, changed, one of which
 * every path is another. */
static json_t *measure_snapshot(
	struct changer *writer, struct worker *worker, unsigned lcore, bool changed)
{
	const char *kind = changed ? "all changed" : "nothing changed";
	uint64_t start = rte_rdtsc(), packets = 0;
	double alone = forward_for(worker, rte_get_tsc_hz() / 10), seconds, loss;

	writer->version += changed;
	atomic_store(&writer->idle, false);
	start = rte_rdtsc();
	rte_eal_remote_launch(apply_snapshot, writer, lcore);
	while (!atomic_load(&writer->idle))
		packets += worker_walk(worker);
	seconds = (double)(rte_rdtsc() - start) / (double)rte_get_tsc_hz();
	rte_eal_wait_lcore(lcore);
	loss = 100 - 100 * (double)packets / seconds / alone;
	printf("snapshot, %s: %.2f s, %.2f s of the core, loss %.1f %%\n", kind, seconds,
		writer->seconds, loss);
	return json_pack("{s:s,s:I,s:f,s:f,s:f}", "snapshot", kind, "subscribers",
		(json_int_t)writer->subscribers, "seconds", seconds, "core_seconds",
		writer->seconds, "loss_percent", loss);
}

json_t *part_updates(const struct plan *plan)
{
	static const uint64_t rates[] = {10000, 100000, 1000000};
	const uint32_t subscribers = RTE_MIN(plan->subscribers[plan->sizes - 1], 1000000u);
	const struct traffic traffic = {WORK_ENCAP, subscribers, TRAFFIC_OCTETS_MIN, BURST, 0, 0};
	struct changer writer = {.subscribers = subscribers, .idle = true};
	json_t *rows = json_array();
	struct worker *worker;
	unsigned lcore;
	char cores[16];

	snprintf(cores, sizeof(cores), "%s,%s", plan->core, plan->other);
	rig_start(plan->pages, cores);
	writer.tables = rig_tables(subscribers);
	worker = rig_worker(writer.tables, 0);
	traffic_set(&traffic);
	worker_enter(worker);
	lcore = rte_get_next_lcore(-1, 1, 0);
	rte_eal_remote_launch(run_writer, &writer, lcore);
	printf("\nforwarding to %u subscribers while care-of addresses change\n%12s %12s %8s\n",
		subscribers, "changes/s", "reached", "loss %");
	for (unsigned i = 0; i < RTE_DIM(rates); i++)
		json_array_append_new(rows, measure_rate(&writer, worker, rates[i], plan->quick));
	atomic_store(&writer.quit, true);
	rte_eal_wait_lcore(lcore);
	/* The first brings all to one version. */
	json_array_append_new(rows, measure_snapshot(&writer, worker, lcore, true));
	json_array_append_new(rows, measure_snapshot(&writer, worker, lcore, false));
	worker_leave(worker);
	return rows;
}
