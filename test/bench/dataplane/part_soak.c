/*
 * Full rate for a long time, while everything that control can change is changed: paths,
 * subscribers, rules, multicast groups and their members, and all of it in snapshots. In the end
 * nothing may have been lost: every packet that was made has left or is counted as dropped, every
 * buffer is back in its pool, every table holds what it did, and no more memory is taken.
 */
#include <errno.h>
#include <inttypes.h>
#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/counter.h"
#include "part.h"
#include "rig.h"

enum {
	SUBSCRIBERS = 200000,
	STAY = SUBSCRIBERS / 2, /* the first of them are left alone: packets come from these */
	BURST = 32,
	RULES = 1024,
	MEMBERS = 1024,
	WALKS = 4096,   /* between two kinds of traffic */
	ROUNDS = 50000, /* of changes between two snapshots */
	ROW_S = 10,
	WARM_SHARE = 10, /* of the time, after which memory may not grow */
	WARM_MIN_S = 30, /* in less than that not all pages are touched: memory is not judged */
	SLACK_KB = 4096,
};

/* The writer. */
struct churn {
	struct tables *tables;
	_Atomic bool quit, ended;
	_Atomic uint64_t changes;
	uint64_t random;
	uint32_t version;
};

/* What is there at one time. */
struct soak_sample {
	uint64_t entered, sent, dropped;
	unsigned buffers;
	uint64_t memory_kb;
};

static uint32_t draw(struct churn *c, uint32_t below)
{
	c->random = c->random * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)((c->random >> 32) * below >> 32);
}

static void apply(struct churn *c, const struct object *object)
{
	int err = tables_apply(c->tables, object);

	if (err < 0)
		rig_die(object_kind_name(object->kind), err);
	atomic_fetch_add_explicit(&c->changes, 1, memory_order_relaxed);
}

static void remove_object(struct churn *c, enum object_kind kind, uint64_t id)
{
	const struct object o = {.kind = kind, .op = OBJECT_DELETE, .id = id};

	apply(c, &o);
}

static void move(struct churn *c)
{
	struct object o = rig_path(STAY + draw(c, SUBSCRIBERS - STAY), ++c->version & 0xffff);

	apply(c, &o);
}

static void come_and_go(struct churn *c)
{
	const uint32_t i = STAY + draw(c, SUBSCRIBERS - STAY);
	struct object path = rig_path(i, 0), subscriber = rig_subscriber(i);

	remove_object(c, OBJECT_SUBSCRIBER, i + 1ull);
	remove_object(c, OBJECT_PATH, i + 1ull);
	apply(c, &path);
	apply(c, &subscriber);
}

static void change_rule(struct churn *c)
{
	const uint64_t id = 1 + draw(c, RULES);
	struct object o = {.kind = OBJECT_RULE, .op = OBJECT_SET, .id = id};

	o.rule = (struct object_rule){.id = id,
		.subscriber = STAY + id,
		.action = RULE_TO_PATHS,
		.path_count = 1,
		.paths = {STAY + id},
		.selector = {.fields = 1 << RULE_DESTINATION_PORT,
			.numbers[RULE_DESTINATION_PORT] = {draw(c, 1000), 2000}}};
	if (draw(c, 2))
		apply(c, &o);
	else
		remove_object(c, OBJECT_RULE, id);
}

static void change_member(struct churn *c)
{
	const uint64_t id = 1 + draw(c, MEMBERS);
	struct object o = {.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = id};

	o.member = (struct object_member){
		.id = id, .group = 1, .kind = MEMBER_SUBSCRIBER, .target = id};
	if (draw(c, 2))
		apply(c, &o);
	else
		remove_object(c, OBJECT_MEMBER, id);
}

static void set_group(struct churn *c)
{
	struct object o = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = 1};

	o.group = (struct object_group){.id = 1, .group = traffic_addr("ff3e::99")};
	apply(c, &o);
}

/* All that there is to be, as control would send it to one that it does not know. */
static void snapshot(struct churn *c)
{
	tables_mark(c->tables, NULL);
	rig_set_fixed(c->tables);
	set_group(c);
	for (uint32_t i = 0; i < SUBSCRIBERS; i++) {
		struct object path = rig_path(i, 0), subscriber = rig_subscriber(i);

		apply(c, &path);
		apply(c, &subscriber);
	}
	tables_sweep(c->tables);
}

static int run_churn(void *of)
{
	struct churn *c = of;

	while (!atomic_load_explicit(&c->quit, memory_order_relaxed)) {
		for (unsigned i = 0; i < ROUNDS; i++) {
			move(c);
			move(c);
			come_and_go(c);
			change_rule(c);
			change_member(c);
			if (i % 64 == 0)
				tables_quiesce(c->tables);
		}
		snapshot(c);
	}
	/* The last one has left all as it was at first. */
	tables_quiesce(c->tables);
	atomic_store(&c->ended, true);
	return 0;
}

static uint64_t memory_kb(void)
{
	struct rte_malloc_socket_stats heap = {0};
	FILE *f = fopen("/proc/self/statm", "r");
	uint64_t pages = 0;

	if (f && fscanf(f, "%*u %" SCNu64, &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	rte_malloc_get_socket_stats(0, &heap);
	return pages * (uint64_t)getpagesize() / 1024 + heap.heap_allocsz_bytes / 1024;
}

static void look(const struct worker *w, uint64_t entered, struct soak_sample *s)
{
	struct rte_eth_stats port = {0};

	rte_eth_stats_get(0, &port);
	*s = (struct soak_sample){.entered = entered,
		.sent = port.opackets,
		.buffers = rte_mempool_in_use_count(traffic_pool()),
		.memory_kb = memory_kb()};
	for (int i = 0; i < DROP_COUNT; i++)
		s->dropped += counter_get(&w->drops[i]);
}

static void tell(
	json_t *rows, double seconds, const struct soak_sample *s, double mpps, uint64_t changes)
{
	printf("%8.0f %8.2f %14" PRIu64 " %10" PRIu64 " %8u %10" PRIu64 "\n", seconds, mpps,
		changes, s->dropped, s->buffers, s->memory_kb);
	fflush(stdout);
	json_array_append_new(
		rows, json_pack("{s:f,s:f,s:I,s:I,s:I,s:i,s:I}", "seconds", seconds, "mpps", mpps,
			      "changes", (json_int_t)changes, "entered", (json_int_t)s->entered,
			      "dropped", (json_int_t)s->dropped, "buffers", (int)s->buffers,
			      "memory_kb", (json_int_t)s->memory_kb));
}

/* Walks until the time is over; returns the packets that entered. */
static uint64_t run(
	struct worker *w, const struct churn *c, unsigned seconds, json_t *rows, uint64_t *warm_kb)
{
	static const enum work works[] = {WORK_ENCAP, WORK_DECAP, WORK_RELAY, WORK_ROUTE};
	const uint64_t hz = rte_get_tsc_hz(), start = rte_rdtsc();
	uint64_t entered = 0, last = 0, next = start + ROW_S * hz, now = start;
	struct soak_sample s;

	for (unsigned round = 0; now - start < seconds * hz; round++, now = rte_rdtsc()) {
		const enum work work = works[round % RTE_DIM(works)];
		const struct traffic traffic = {work, work == WORK_ENCAP ? SUBSCRIBERS : STAY,
			round % 2 ? TRAFFIC_OCTETS_MIN : TRAFFIC_OCTETS_MAX, BURST, 16, 0};

		traffic_set(&traffic);
		for (unsigned i = 0; i < WALKS; i++)
			entered += worker_walk(w);
		if (now < next)
			continue;
		look(w, entered, &s);
		tell(rows, (double)(now - start) / (double)hz, &s,
			(double)(entered - last) / ROW_S / 1e6, atomic_load(&c->changes));
		last = entered;
		next += ROW_S * hz;
		if (*warm_kb == 0 && seconds >= WARM_SHARE * WARM_MIN_S &&
			now - start >= seconds * hz / WARM_SHARE)
			*warm_kb = s.memory_kb;
	}
	return entered;
}

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench_dataplane: soak: %s\n", what);
	_exit(1);
}

static void check_end(const struct tables *t, const struct soak_sample *s, uint64_t warm_kb)
{
	check(s->entered == s->sent + s->dropped,
		"packets are neither sent nor counted as dropped");
	check(s->buffers == 0, "packet buffers are lost");
	check(t->subscribers.subscribers == SUBSCRIBERS &&
			t->subscribers.entries.used == SUBSCRIBERS,
		"subscribers are not what they were");
	check(t->paths.paths.used == SUBSCRIBERS && t->paths.lists.used == 0,
		"paths are not what they were");
	check(t->rules.records.used == 0 && t->rules.sets.blocks.used == 0,
		"rules are left that nobody has");
	check(t->groups.members.used == 0, "members are left");
	check(warm_kb == 0 || s->memory_kb <= warm_kb + SLACK_KB, "memory grows");
}

json_t *part_soak(const struct plan *plan)
{
	struct churn churn = {.random = 1};
	json_t *rows = json_array();
	struct soak_sample s;
	struct worker *worker;
	uint64_t entered, warm_kb = 0;
	unsigned lcore;
	char cores[16];

	snprintf(cores, sizeof(cores), "%s,%s", plan->core, plan->other);
	rig_start(plan->pages, cores);
	churn.tables = rig_tables_with(SUBSCRIBERS, RULES, MEMBERS);
	set_group(&churn);
	worker = rig_worker(churn.tables, 0);
	worker_enter(worker);
	lcore = rte_get_next_lcore(-1, 1, 0);
	printf("\nsoak, pages of %s, %d subscribers\n%8s %8s %14s %10s %8s %10s\n", plan->pages,
		SUBSCRIBERS, "seconds", "Mpps", "changes", "dropped", "buffers", "memory kB");
	rte_eal_remote_launch(run_churn, &churn, lcore);
	entered = run(worker, &churn, plan->soak_s, rows, &warm_kb);
	atomic_store(&churn.quit, true);
	while (!atomic_load(&churn.ended))
		entered += worker_walk(worker);
	rte_eal_wait_lcore(lcore);
	worker_leave(worker);
	look(worker, entered, &s);
	check_end(churn.tables, &s, warm_kb);
	printf("nothing is lost: %" PRIu64 " packets, %" PRIu64 " dropped, %" PRIu64 " changes\n",
		entered, s.dropped, (uint64_t)atomic_load(&churn.changes));
	return rows;
}
