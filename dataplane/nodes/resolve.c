/*
 * resolve: packets whose next hop has no known MAC wait in the mirror until it has.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/trace.h"

enum edge { RESOLVE_FULL, RESOLVE_EDGES };

static uint16_t resolve_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);

	for (uint16_t i = 0; i < n; i++) {
		struct rte_mbuf *m = objs[i];
		struct in6_addr nexthop = mirror_tag(m)->nexthop;

		if (mirror_resolve(w->queue, m, meta_of(m)->port, &nexthop))
			trace_out(w, &m, 1, TRACE_WAITS, 0);
		else
			rte_node_enqueue_x1(graph, node, RESOLVE_FULL, m);
	}
	return n;
}

static struct rte_node_register resolve_node = {
	.name = "resolve",
	.process = resolve_process,
	.init = node_init,
	.nb_edges = RESOLVE_EDGES,
	.next_nodes = {[RESOLVE_FULL] = "drop_resolve_full"},
};
RTE_NODE_REGISTER(resolve_node)
