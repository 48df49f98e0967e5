/*
 * Multicast: what a copy costs, by members and octets, whole and in pieces; what is left to unicast
 * traffic while a large group is served; and how fast members come and go meanwhile.
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
#include <string.h>

#include "dataplane/nodes/node.h"
#include "dataplane/nodes/replicate.h"
#include "dataplane/port.h"
#include "part.h"
#include "rig.h"

enum {
	WINDOWS = 300,
	WALKS = 40, /* of a window */
	GROUP = 1,
	SUBSCRIBERS = 10000,
	ETHER = 14,
	IP6 = 40,
	MEMBERS_MAX = 10000,
	BURST_MAX = 32, /* multicast packets of a walk */
	SLICES = 40,    /* without and with changes, in turn */
	SLICE_MS = 10,
};

enum edge { GROUP_SOURCE_CLASSIFY, GROUP_SOURCE_EDGES };

static const char *const alone[] = {"bench_group_source", "replicate", NULL};
static const char *const beside[] = {"bench_source", "bench_group_source", "replicate", NULL};

/* What the source makes; constant while it walks. */
static struct {
	uint8_t frame[TRAFFIC_OCTETS_MAX];
	uint16_t octets;
	uint32_t members; /* of the group; 0: makes nothing */
} made;

/* As many packets as keep replicate at work, and no more. */
static uint16_t group_source_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	uint32_t wanted = made.members ? 2 * REPLICATE_BUDGET / made.members + 1 : 0;

	n = (uint16_t)RTE_MIN(wanted, (uint32_t)BURST_MAX);
	if (w->replication->count >= n ||
		rte_pktmbuf_alloc_bulk(traffic_pool(), (struct rte_mbuf **)objs, n) < 0)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];

		memcpy(rte_pktmbuf_mtod(m, void *), made.frame, made.octets);
		m->data_len = made.octets;
		m->pkt_len = made.octets;
		m->port = 0;
	}
	node->idx = n;
	rte_node_next_stream_move(graph, node, GROUP_SOURCE_CLASSIFY);
	return n;
}

static struct rte_node_register group_source_node = {
	.name = "bench_group_source",
	.flags = RTE_NODE_SOURCE_F,
	.process = group_source_process,
	.init = node_init,
	.nb_edges = GROUP_SOURCE_EDGES,
	.next_nodes = {[GROUP_SOURCE_CLASSIFY] = "classify"},
};
RTE_NODE_REGISTER(group_source_node)

static void make_frame(uint16_t octets)
{
	const uint16_t payload = (uint16_t)(octets - ETHER - IP6);
	const uint8_t ether[ETHER] = {0x33, 0x33, 0, 0, 0, 0x99, 2, 0, 0, 0, 0, 2, 0x86, 0xdd};
	const uint8_t ip6[8] = {
		0x60, [4] = (uint8_t)(payload >> 8), (uint8_t)payload, IPPROTO_UDP, 64};
	const struct in6_addr src = traffic_addr(TRAFFIC_SOURCE), dst = traffic_addr("ff3e::99");

	memset(made.frame, 0, sizeof(made.frame));
	memcpy(made.frame, ether, sizeof(ether));
	memcpy(made.frame + ETHER, ip6, sizeof(ip6));
	memcpy(made.frame + ETHER + 8, &src, sizeof(src));
	memcpy(made.frame + ETHER + 24, &dst, sizeof(dst));
	made.octets = octets;
}

static void apply(struct tables *tables, const struct object *object)
{
	int err = tables_apply(tables, object);

	if (err < 0)
		rig_die("setting a group", err);
}

/* The group has the first of the subscribers, each by a member of its own. */
static void set_members(struct tables *tables, uint32_t members)
{
	struct object o = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = GROUP};

	o.group = (struct object_group){.id = GROUP, .group = traffic_addr("ff3e::99")};
	apply(tables, &o);
	for (uint32_t i = 0; i < members; i++) {
		o = (struct object){.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = i + 1ull};
		o.member = (struct object_member){.id = i + 1ull,
			.group = GROUP,
			.kind = MEMBER_SUBSCRIBER,
			.target = i + 1ull};
		apply(tables, &o);
	}
}

static struct worker *make_worker(struct tables *tables, const char *const *nodes)
{
	const struct worker_config config = {.tables = tables, .busy_poll = true, .nodes = nodes};
	int error = 0;
	struct worker *worker = worker_create(&config, &error);

	if (!worker)
		rig_die("worker", error);
	return worker;
}

static uint64_t count(const struct worker *w, enum worker_counter counter)
{
	return counter_get(&w->counters[counter]);
}

/* Cycles for each of what a counter counts, in one window. */
static double window(struct worker *w, enum worker_counter counter)
{
	uint64_t before = count(w, counter), start = rte_rdtsc();

	for (unsigned i = 0; i < WALKS; i++)
		worker_walk(w);
	start = rte_rdtsc() - start;
	before = count(w, counter) - before;
	if (before == 0)
		rig_die("no packet went where it should", EIO);
	return (double)start / (double)before;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Of many windows the best tenth ends at the figure. */
static double measure_copies(struct worker *w)
{
	static double windows[WINDOWS];

	for (unsigned i = 0; i < WINDOWS; i++)
		windows[i] = window(w, WORKER_replicated);
	qsort(windows, WINDOWS, sizeof(windows[0]), compare);
	return windows[WINDOWS / 10];
}

static void measure_members(const struct plan *plan, uint32_t members, json_t *rows)
{
	static const uint16_t octets[] = {TRAFFIC_OCTETS_MIN, 100, 512, TRAFFIC_OCTETS_MAX};
	struct tables *tables = rig_tables_with(SUBSCRIBERS, 0, members);
	struct worker *worker = make_worker(tables, alone);

	set_members(tables, members);
	worker_enter(worker);
	made.members = members;
	for (unsigned i = 0; i < 2 * RTE_DIM(octets); i++) {
		const uint16_t length = octets[i / 2];

		port_segments = i % 2;
		if (port_segments && length - ETHER < REPLICATE_CHAIN_FROM)
			continue;
		make_frame(length);
		double cycles = measure_copies(worker);

		printf("%7u %6u  %-9s %7.1f\n", members, length,
			port_segments ? "in pieces" : "whole", cycles);
		json_array_append_new(
			rows, json_pack("{s:s,s:i,s:i,s:i,s:b,s:s,s:f}", "work", "replicate",
				      "subscribers", SUBSCRIBERS, "members", (int)members, "octets",
				      (int)length, "in_pieces", (int)port_segments, "pages",
				      plan->pages, "cycles", cycles));
	}
	port_segments = false;
	worker_leave(worker);
	worker_destroy(worker);
	tables_destroy(tables);
}

/* Unicast packets in the time that they take alone, when there is a group besides. */
static void measure_beside(uint16_t burst, json_t *rows)
{
	static double shares[WINDOWS];
	const struct traffic traffic = {WORK_ENCAP, SUBSCRIBERS, TRAFFIC_OCTETS_MIN, burst, 0, 0};
	struct tables *tables = rig_tables_with(SUBSCRIBERS, 0, MEMBERS_MAX);
	struct worker *worker = make_worker(tables, beside);

	set_members(tables, MEMBERS_MAX);
	traffic_set(&traffic);
	make_frame(TRAFFIC_OCTETS_MIN);
	worker_enter(worker);
	for (unsigned i = 0; i < WINDOWS; i++) {
		made.members = 0;
		while (worker->replication->count)
			worker_walk(worker);
		double undisturbed = window(worker, WORKER_encapsulated);

		made.members = MEMBERS_MAX;
		worker_walk(worker);
		shares[i] = undisturbed / window(worker, WORKER_encapsulated);
	}
	qsort(shares, WINDOWS, sizeof(shares[0]), compare);
	printf("unicast in bursts of %u beside %d members: %.0f %% of its rate alone\n", burst,
		MEMBERS_MAX, 100 * shares[WINDOWS / 2]);
	json_array_append_new(
		rows, json_pack("{s:s,s:i,s:i,s:f}", "work", "beside", "members", MEMBERS_MAX,
			      "burst", (int)burst, "unicast_share", shares[WINDOWS / 2]));
	worker_leave(worker);
	worker_destroy(worker);
	tables_destroy(tables);
}

/* The thread that may change the tables: members of the upper half leave and join, in turn. */
struct changer {
	struct tables *tables;
	_Atomic bool running, quit, idle;
	_Atomic uint64_t changes;
};

static void change_members(struct changer *c)
{
	struct object o = {.kind = OBJECT_MEMBER};
	uint32_t i = MEMBERS_MAX / 2;
	uint64_t done = 0;

	o.op = OBJECT_DELETE;
	while (atomic_load_explicit(&c->running, memory_order_relaxed) || i != MEMBERS_MAX / 2 ||
		o.op != OBJECT_DELETE) {
		o.id = i + 1ull;
		o.member = (struct object_member){
			.id = o.id, .group = GROUP, .kind = MEMBER_SUBSCRIBER, .target = o.id};
		apply(c->tables, &o);
		done++;
		if (++i < MEMBERS_MAX)
			continue;
		i = MEMBERS_MAX / 2;
		o.op = o.op == OBJECT_DELETE ? OBJECT_SET : OBJECT_DELETE;
	}
	atomic_fetch_add(&c->changes, done);
}

static int run_changer(void *of)
{
	struct changer *c = of;

	while (!atomic_load(&c->quit)) {
		if (atomic_load(&c->running)) {
			atomic_store(&c->idle, false);
			change_members(c);
		}
		atomic_store(&c->idle, true);
		rte_pause();
	}
	return 0;
}

/* Copies a second in one slice of time. */
static double copy_for(struct worker *w, uint64_t cycles)
{
	const uint64_t before = count(w, WORKER_replicated), start = rte_rdtsc();
	uint64_t now = start;

	for (; now - start < cycles; now = rte_rdtsc())
		worker_walk(w);
	return (double)(count(w, WORKER_replicated) - before) * (double)rte_get_tsc_hz() /
	       (double)(now - start);
}

static void measure_changes(unsigned lcore, json_t *rows)
{
	static double shares[SLICES];
	struct tables *tables = rig_tables_with(SUBSCRIBERS, 0, MEMBERS_MAX);
	struct worker *worker = make_worker(tables, alone);
	struct changer changer = {.tables = tables, .idle = true};
	const uint64_t slice = rte_get_tsc_hz() / 1000 * SLICE_MS;
	uint64_t busy = 0;

	set_members(tables, MEMBERS_MAX);
	make_frame(512);
	made.members = MEMBERS_MAX;
	worker_enter(worker);
	rte_eal_remote_launch(run_changer, &changer, lcore);
	for (unsigned i = 0; i < SLICES; i++) {
		const double undisturbed = copy_for(worker, slice);
		const uint64_t start = rte_rdtsc();

		atomic_store(&changer.running, true);
		shares[i] = copy_for(worker, slice) / undisturbed;
		atomic_store(&changer.running, false);
		while (!atomic_load(&changer.idle))
			worker_walk(worker);
		busy += rte_rdtsc() - start;
	}
	atomic_store(&changer.quit, true);
	while (rte_eal_get_lcore_state(lcore) == RUNNING)
		worker_walk(worker);
	rte_eal_wait_lcore(lcore);
	qsort(shares, SLICES, sizeof(shares[0]), compare);

	const double rate =
		(double)atomic_load(&changer.changes) * (double)rte_get_tsc_hz() / (double)busy;

	printf("joins and leaves beside %d members: %.0f a second, %.0f %% of the copies alone\n",
		MEMBERS_MAX / 2, rate, 100 * shares[SLICES / 2]);
	json_array_append_new(
		rows, json_pack("{s:s,s:i,s:f,s:f}", "work", "changes", "members", MEMBERS_MAX,
			      "changes_per_second", rate, "copies_share", shares[SLICES / 2]));
	worker_leave(worker);
	worker_destroy(worker);
	tables_destroy(tables);
}

json_t *part_replicate(const struct plan *plan)
{
	static const uint32_t members[] = {10, 100, 1000, MEMBERS_MAX};
	json_t *rows = json_array();

	char cores[16];

	snprintf(cores, sizeof(cores), plan->other ? "%s,%s" : "%s", plan->core,
		plan->other ? plan->other : "");
	rig_start(plan->pages, cores);
	printf("\nmulticast\n%7s %6s  %-9s %7s\n", "members", "octets", "sent", "cycles a copy");
	for (unsigned i = 0; i < RTE_DIM(members); i++)
		measure_members(plan, members[i], rows);
	measure_beside(32, rows);
	measure_beside(TRAFFIC_BURST_MAX, rows);
	if (plan->other)
		measure_changes(rte_get_next_lcore(-1, 1, 0), rows);
	return rows;
}
