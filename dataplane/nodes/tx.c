/*
 * tx: sends frames on the worker's queue of the port that each leaves by.
 */
#include <rte_ethdev.h>

#include "dataplane/nodes/node.h"
#include "dataplane/nodes/trace.h"
#include "dataplane/port.h"

enum edge { TX_FULL, TX_EDGES };

/* Sends a run of frames of one port; what the device does not take is dropped. */
static void send_run(struct rte_graph *graph, struct rte_node *node, struct worker *w,
	uint16_t port, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t sent;

	trace_sending(w, mbufs, n, port);
	sent = rte_eth_tx_burst(port, (uint16_t)w->index, mbufs, n);
	trace_sent(w, mbufs, sent);
	if (unlikely(sent < n))
		rte_node_enqueue(
			graph, node, TX_FULL, (void **)(mbufs + sent), (uint16_t)(n - sent));
}

static uint16_t tx_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_mbuf **mbufs = (struct rte_mbuf **)objs;

	for (uint16_t from = 0, to; from < n; from = to) {
		uint16_t port = meta_of(mbufs[from])->port;

		for (to = from + 1; to < n && meta_of(mbufs[to])->port == port;)
			to++;
		send_run(graph, node, w, port, mbufs + from, (uint16_t)(to - from));
	}
	return n;
}

static struct rte_node_register tx_node = {
	.name = "tx",
	.process = tx_process,
	.init = node_init,
	.nb_edges = TX_EDGES,
	.next_nodes = {[TX_FULL] = "drop_tx_full"},
};
RTE_NODE_REGISTER(tx_node)
