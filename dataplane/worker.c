#include "dataplane/worker.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_random.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <time.h>

#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/choose.h"
#include "dataplane/nodes/hold.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/reassembly.h"
#include "dataplane/nodes/replicate.h"
#include "dataplane/nodes/resequence.h"
#include "dataplane/walk.h"

enum {
	ICMP6_PER_SECOND = 1000, /* errors that packets can cause (RFC 4443, 2.4 f) */
	ICMP6_BURST = 100,
	EVENTS_PER_SECOND = 100,
	EVENTS_BURST = 20,
	IDLE_WALKS = 64, /* that find nothing before the worker sleeps */
	SLEEP_SHORT_NS = 50000,
	SLEEP_LONG_NS = 200000, /* after a second without a packet */
	NODES_MAX = 8,
	FULL = 16, /* packets of a walk from which on the worker has better to do than take times */
	TIMED_OF = 64, /* of the walks after full ones this one is timed */
};

static const struct {
	const char *name, *help;
} counters[WORKER_COUNTERS_COUNT] = {
#define X(counter, meaning) [WORKER_##counter] = {#counter, meaning},
	WORKER_COUNTERS(X)
#undef X
};

const char *worker_counter_name(enum worker_counter counter)
{
	return counter < WORKER_COUNTERS_COUNT ? counters[counter].name : "unknown";
}

const char *worker_counter_help(enum worker_counter counter)
{
	return counter < WORKER_COUNTERS_COUNT ? counters[counter].help : "unknown";
}

const char *const worker_sources[] = {"hold", "rx", "down", "replicate", "resequence", NULL};

/* Makes the graph of all nodes that the sources lead to. */
static int make_graph(struct worker *w, const char *const *nodes)
{
	const char *patterns[NODES_MAX];
	char name[RTE_GRAPH_NAMESIZE];
	struct rte_graph_param param = {.socket_id = SOCKET_ID_ANY, .node_patterns = patterns};

	for (const char *const *node = nodes ? nodes : worker_sources; *node; node++) {
		if (param.nb_node_patterns == NODES_MAX)
			return -EINVAL;
		patterns[param.nb_node_patterns++] = *node;
	}
	snprintf(name, sizeof(name), "worker%u", w->index);
	node_worker_in_making = w;
	w->graph_id = rte_graph_create(name, &param);
	node_worker_in_making = NULL;
	if (w->graph_id == RTE_GRAPH_ID_INVALID)
		return rte_errno ? -rte_errno : -ENOMEM;
	w->graph = rte_graph_lookup(name);
	return w->graph ? 0 : -ENOENT;
}

struct worker *worker_create(const struct worker_config *config, int *error)
{
	struct worker *w = rte_zmalloc("worker", sizeof(*w), RTE_CACHE_LINE_SIZE);
	int err = w ? 0 : -ENOMEM;

	if (err == 0 && meta_offset < 0)
		err = meta_register();
	if (err == 0) {
		w->graph_id = RTE_GRAPH_ID_INVALID;
		w->tables = config->tables;
		w->queue = &mirror_queues[config->index];
		w->index = config->index;
		w->busy_poll = config->busy_poll;
		w->tsc = rte_rdtsc();
		w->traffic = path_traffic_row(&config->tables->paths.traffic, config->index);
		w->fragment_id = (uint32_t)rte_rand();
		budget_init(&w->icmp6_budget, ICMP6_PER_SECOND, ICMP6_BURST, w->tsc);
		budget_init(&w->event_budget, EVENTS_PER_SECOND, EVENTS_BURST, w->tsc);
		budget_init(&w->hold_budget, HOLD_PER_SECOND, HOLD_BURST, w->tsc);
		w->reassembly = reassembly_create();
		w->chooser = chooser_create();
		w->replication = replication_create();
		w->resequencer = resequencer_create(config->index);
		w->hold = hold_create(HOLD_MOST);
		err = w->reassembly && w->chooser && w->replication && w->resequencer && w->hold
			      ? make_graph(w, config->nodes)
			      : -ENOMEM;
	}
	if (err < 0) {
		worker_destroy(w);
		*error = err;
		return NULL;
	}
	return w;
}

void worker_destroy(struct worker *w)
{
	if (!w)
		return;
	if (w->graph_id != RTE_GRAPH_ID_INVALID)
		rte_graph_destroy(w->graph_id);
	reassembly_destroy(w->reassembly);
	chooser_destroy(w->chooser);
	replication_destroy(w->replication);
	resequencer_destroy(w->resequencer);
	hold_destroy(w->hold);
	rte_free(w);
}

void worker_enter(struct worker *w)
{
	rte_rcu_qsbr_thread_register(w->tables->rcu, w->index);
	rte_rcu_qsbr_thread_online(w->tables->rcu, w->index);
}

void worker_leave(struct worker *w)
{
	rte_rcu_qsbr_thread_offline(w->tables->rcu, w->index);
	rte_rcu_qsbr_thread_unregister(w->tables->rcu, w->index);
}

/* Where there is little to do, the time of every walk is taken, else that of a few. */
static void walk(struct worker *w)
{
	w->busy_before = w->busy;
	if (likely(w->busy >= FULL && ++w->untimed < TIMED_OF)) {
		w->busy = 0;
		walk_plain(w->graph);
		return;
	}
	w->busy = 0;
	w->untimed = 0;
	walk_timed(w->graph);
}

uint64_t worker_walk(struct worker *w)
{
	w->tsc = rte_rdtsc();
	walk(w);
	rte_rcu_qsbr_quiescent(w->tables->rcu, w->index);
	counter_add(&w->counters[WORKER_walks], 1);
	return w->busy;
}

/* Nothing has come for a while: sleeps, offline, so that no writer waits for this worker. */
static void doze(struct worker *w, uint64_t idle_since)
{
	bool long_idle = w->tsc - idle_since > rte_get_tsc_hz();
	struct timespec pause = {.tv_nsec = long_idle ? SLEEP_LONG_NS : SLEEP_SHORT_NS};

	rte_rcu_qsbr_thread_offline(w->tables->rcu, w->index);
	nanosleep(&pause, NULL);
	rte_rcu_qsbr_thread_online(w->tables->rcu, w->index);
	counter_add(&w->counters[WORKER_sleeps], 1);
}

int worker_run(void *worker)
{
	struct worker *w = worker;
	uint64_t idle_since = rte_rdtsc();
	unsigned idle = 0;

	/* The kernel's usual slack of 50 us would double a short sleep. */
	prctl(PR_SET_TIMERSLACK, 1);
	worker_enter(w);
	while (!atomic_load_explicit(&w->stop, memory_order_relaxed)) {
		if (worker_walk(w)) {
			idle = 0;
			idle_since = w->tsc;
			continue;
		}
		counter_add(&w->counters[WORKER_idle_walks], 1);
		if (++idle >= IDLE_WALKS && !w->busy_poll)
			doze(w, idle_since);
	}
	worker_leave(w);
	return 0;
}

void worker_stop(struct worker *w)
{
	atomic_store_explicit(&w->stop, true, memory_order_relaxed);
}
