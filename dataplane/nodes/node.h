/*
 * What all nodes share: the worker behind a node, and handing packets on.
 *
 * Each node is one file with an enum of its edges and a table of the nodes behind them; a packet's
 * way can be read off these tables. A node writes an edge for each packet of its burst and calls
 * node_dispatch() once.
 */
#pragma once

#include <rte_ether.h>
#include <rte_graph.h>
#include <rte_graph_worker.h>
#include <rte_mbuf.h>
#include <string.h>

#include "common/counter.h"
#include "dataplane/nodes/meta.h"
#include "dataplane/worker.h"

enum {
	NODE_BURST = RTE_GRAPH_BURST_SIZE, /* packets of one call; a call with more is cut */
	NODE_PREFETCH = 6,                 /* packets ahead */
};

/* The worker whose graph this node is in. */
static inline struct worker *node_worker(const struct rte_node *node)
{
	return *(struct worker *const *)(const void *)node->ctx;
}

/* .init of every node: remembers the worker whose graph is being made. */
int node_init(const struct rte_graph *graph, struct rte_node *node);

/* The worker whose graph rte_graph_create() is making, for node_init(). Main thread. */
extern struct worker *node_worker_in_making;

/* Adds to a counter of the worker. */
static inline void node_count(struct worker *w, enum worker_counter counter, uint64_t n)
{
	counter_add(&w->counters[counter], n);
}

/*
 * Moves the data of a packet from its IPv6 header back to its Ethernet header, which is still
 * there if it came by a port; otherwise writes one, to dst. False: no room in front.
 */
bool node_restore_ethernet(struct rte_mbuf *m, const struct rte_ether_addr *dst);

/*
 * Hands n packets (all that the node was called with, still in its stream) on, each to its edge.
 * The usual burst goes one way and costs a swap of two pointers.
 */
static inline void node_dispatch(struct rte_graph *graph, struct rte_node *node, void **objs,
	const rte_edge_t next[], uint16_t n)
{
	uint16_t same = 0;

	while (same < n && next[same] == next[0])
		same++;
	if (likely(same == n)) {
		if (n)
			rte_node_next_stream_move(graph, node, next[0]);
		return;
	}
	for (uint16_t from = 0; from < n;) {
		rte_node_enqueue(graph, node, next[from], &objs[from], same - from);
		from = same;
		while (same < n && next[same] == next[from])
			same++;
	}
}

/* Work of a node on n packets, n at most NODE_BURST: fills next. */
typedef void (*node_work)(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n);

/*
 * The body of an ordinary node: work in bursts, dispatch. Inlined with a constant work().
 * A stream can be longer than a burst when several nodes feed it.
 */
static __rte_always_inline uint16_t node_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n, node_work work)
{
	struct worker *w = node_worker(node);
	rte_edge_t next[NODE_BURST];

	if (unlikely(n == 0))
		return 0;
	if (likely(n <= NODE_BURST)) {
		work(w, graph, node, (struct rte_mbuf **)objs, next, n);
		node_dispatch(graph, node, objs, next, n);
		return n;
	}
	for (uint16_t from = 0, burst; from < n; from += burst) {
		burst = RTE_MIN(n - from, NODE_BURST);
		work(w, graph, node, (struct rte_mbuf **)objs + from, next, burst);
		for (uint16_t i = 0; i < burst; i++)
			rte_node_enqueue_x1(graph, node, next[i], objs[from + i]);
	}
	return n;
}

/* The data of a packet some places ahead will be needed soon. */
static inline void node_prefetch(struct rte_mbuf **mbufs, uint16_t i, uint16_t n)
{
	if (i + NODE_PREFETCH < n) {
		rte_prefetch0(rte_pktmbuf_mtod(mbufs[i + NODE_PREFETCH], void *));
		rte_prefetch0(meta_of(mbufs[i + NODE_PREFETCH]));
	}
}
