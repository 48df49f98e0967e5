/*
 * rx: takes what has arrived on the worker's queue of every port, up to a burst a walk.
 */
#include <rte_ethdev.h>

#include "dataplane/nodes/domain.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/trace.h"
#include "dataplane/port.h"

enum edge { RX_EXPRESS, RX_CLASSIFY, RX_EDGES };

/* Ports take turns at being first, so that a busy one does not shut the others out. */
static uint16_t receive(struct worker *w, struct rte_mbuf **mbufs)
{
	uint16_t n = 0;

	for (uint16_t i = 0; i < PORT_MAX && n < NODE_BURST; i++) {
		uint16_t number = (uint16_t)((w->rx_first + i) % PORT_MAX);
		const struct port *port = port_get(number);
		int queue = port ? port_rx_queue(port, w->index) : -1;

		if (queue >= 0)
			n += rte_eth_rx_burst(number, (uint16_t)queue, mbufs + n, NODE_BURST - n);
	}
	w->rx_first = (uint16_t)((w->rx_first + 1) % PORT_MAX);
	return n;
}

/* What comes by ports of domains is marked, and goes the way of the nodes. */
static void mark(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, uint16_t n)
{
	rte_edge_t next[NODE_BURST];

	for (uint16_t i = 0; i < n; i++) {
		const uint32_t domain = domain_table_of_port(&w->tables->domains, mbufs[i]->port);

		domain_set(mbufs[i], domain);
		next[i] = domain ? RX_CLASSIFY : RX_EXPRESS;
	}
	node_dispatch(graph, node, (void **)mbufs, next, n);
}

static uint16_t rx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);

	n = receive(w, (struct rte_mbuf **)objs);
	if (n == 0)
		return 0;
	node->idx = n;
	w->busy += n;
	node_count(w, WORKER_received, n);
	trace_in(w, (struct rte_mbuf **)objs, n);
	if (unlikely(w->tables->domains.ports))
		mark(w, graph, node, (struct rte_mbuf **)objs, n);
	else
		rte_node_next_stream_move(graph, node, RX_EXPRESS);
	return n;
}

static struct rte_node_register rx_node = {
	.name = "rx",
	.flags = RTE_NODE_SOURCE_F,
	.process = rx_process,
	.init = node_init,
	.nb_edges = RX_EDGES,
	.next_nodes = {[RX_EXPRESS] = "express", [RX_CLASSIFY] = "classify"},
};
RTE_NODE_REGISTER(rx_node)
