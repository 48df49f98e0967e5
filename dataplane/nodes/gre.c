/*
 * gre: looks at the GRE header of a packet that came in a tunnel (RFC 2784, RFC 2890). Whose tunnel
 * that is, and whether the key is its, decap finds.
 */
#include "dataplane/nodes/gre.h"

static inline void gre_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	RTE_SET_USED(w);
	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++)
		next[i] = gre_one(mbufs[i]);
}

static uint16_t gre_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, gre_work);
}

static struct rte_node_register gre_node = {
	.name = "gre",
	.process = gre_process,
	.init = node_init,
	.nb_edges = GRE_EDGES,
	.next_nodes =
		{
			[GRE_DECAP] = "decap",
			[GRE_NUMBERED] = "decap",
			[GRE_HEADER] = "drop_gre_header",
			[GRE_PROTOCOL] = "drop_gre_protocol",
		},
};
RTE_NODE_REGISTER(gre_node)
