/*
 * A worker: one thread on one core that runs the graph of nodes to completion, again and again.
 *
 * It receives on its own queue of every port (port_rx_queue()), takes what the mirror sends down,
 * and shares nothing that it writes with anybody. It allocates, locks, logs and calls the system
 * only when it makes and ends, and sleeps only when there is nothing to do.
 */
#pragma once

#include <rte_graph.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/nodes/drop.h"
#include "dataplane/tables/tables.h"
#include "proto/channel/update.h"

struct mirror_queue;
struct reassembly;
struct chooser;
struct replication;
struct resequencer;
struct hold;

/* The source nodes of a data plane, ended by NULL: those that lead to all others. */
extern const char *const worker_sources[];

struct worker_config {
	unsigned index; /* 0 ...: its queues, its rings, its RCU thread id */
	struct tables *tables;
	bool busy_poll;           /* never sleep */
	const char *const *nodes; /* source nodes, ended by NULL; NULL: worker_sources */
};

/* Counters of one worker beside its drops: one writer, read by any thread (common/counter.h). */
#define WORKER_COUNTERS(X)                                                                         \
	X(received, "packets received from ports")                                                 \
	X(encapsulated, "packets sent into tunnels")                                               \
	X(decapsulated, "packets taken out of tunnels")                                            \
	X(relayed_out, "of those sent into tunnels, to the data plane that serves them")           \
	X(relayed_in, "of those taken out of tunnels, relayed by another data plane")              \
	X(copied, "copies sent because a rule names several paths")                                \
	X(fragments_followed, "fragments that took the path of their packet's first one")          \
	X(paths_down, "packets of subscribers with several paths, some of which were down")        \
	X(numbered, "packets sent into tunnels with a GRE sequence number")                        \
	X(resequenced, "packets with a GRE sequence number taken to be put in order")              \
	X(resequenced_elsewhere, "of these, handed to another worker")                             \
	X(held, "packets that waited for their subscribers' next links")                           \
	X(released, "of these, sent on when the subscriber was there")                             \
	X(multicast, "multicast packets taken to be copied")                                       \
	X(replicated, "copies of multicast packets made")                                          \
	X(forwarded, "packets routed without a tunnel")                                            \
	X(punted, "packets for control")                                                           \
	X(mirrored, "packets for the kernel")                                                      \
	X(injected, "packets from control and the kernel")                                         \
	X(neighbours_answered, "Neighbour Solicitations answered for absent nodes")                \
	X(icmp6_errors, "ICMPv6 errors sent")                                                      \
	X(tunnel_errors_relayed, "ICMPv6 errors of tunnels relayed to inner senders")              \
	X(fragmented, "tunnel packets sent as fragments")                                          \
	X(reassembled, "tunnel packets put together from fragments")                               \
	X(walks, "walks of the graph")                                                             \
	X(idle_walks, "walks that found nothing to do")                                            \
	X(sleeps, "times that the worker slept")

enum worker_counter {
#define X(name, help) WORKER_##name,
	WORKER_COUNTERS(X)
#undef X
		WORKER_COUNTERS_COUNT
};

/* Name of a counter ("encapsulated"), "unknown" for others. */
const char *worker_counter_name(enum worker_counter counter);
/* What it counts, one line for people. */
const char *worker_counter_help(enum worker_counter counter);

/* A budget of actions a second that a packet can cause: a token bucket of the worker's own. */
struct worker_budget {
	uint64_t filled;   /* TSC up to which tokens were given */
	uint64_t interval; /* TSC cycles for one token */
	uint32_t tokens, burst;
	uint32_t refused; /* times since the last that was granted */
};

/* What the nodes of one graph share; only its own thread touches it, but for the counters. */
struct worker {
	struct tables *tables;
	struct mirror_queue *queue; /* rings from and to the mirror */
	unsigned index;
	bool busy_poll;
	_Atomic bool stop;
	struct rte_graph *graph;
	rte_graph_t graph_id;
	uint64_t busy; /* packets that entered the graph in this walk, or the one before it */
	uint64_t busy_before; /* the same of the walk before */
	uint32_t untimed;     /* walks since the last of which the time was taken */
	uint64_t tsc;         /* at the start of this walk */
	struct worker_budget icmp6_budget;
	struct worker_budget event_budget;
	struct worker_budget hold_budget;
	uint32_t fragment_id; /* of the next packet that is sent in fragments */
	uint16_t rx_first;    /* port that the next walk asks first */
	struct reassembly *reassembly;
	struct chooser *chooser;
	struct path_row traffic; /* its row of what paths carry */
	struct replication *replication;
	struct resequencer *resequencer;
	struct hold *hold; /* tables/hold.h */
	uint64_t counters[WORKER_COUNTERS_COUNT] __rte_cache_aligned;
	uint64_t drops[DROP_COUNT];
};

/*
 * Makes a worker with its graph, after port_open_all(), mirror_open() and events_open(). NULL:
 * *error has the negative errno. Main thread.
 */
struct worker *worker_create(const struct worker_config *config, int *error);

/* Frees it; its thread has ended. NULL is allowed. */
void worker_destroy(struct worker *w);

/* The loop: for rte_eal_remote_launch() on the worker's core. Ends after worker_stop(); returns 0.
 */
int worker_run(void *worker);

/* Asks worker_run() to return; any thread. Wait with rte_eal_wait_lcore(). */
void worker_stop(struct worker *w);

/* One walk and its quiescent state, for tests and measurements that drive a worker by hand;
 * between worker_enter() and worker_leave(). Returns the number of packets that entered. */
uint64_t worker_walk(struct worker *w);
void worker_enter(struct worker *w);
void worker_leave(struct worker *w);
