#include "dataplane/nodes/node.h"

struct worker *node_worker_in_making;

int node_init(const struct rte_graph *graph, struct rte_node *node)
{
	RTE_SET_USED(graph);
	static_assert(sizeof(node_worker_in_making) <= RTE_NODE_CTX_SZ, "a pointer fits");
	memcpy(node->ctx, &node_worker_in_making, sizeof(node_worker_in_making));
	return 0;
}

bool node_restore_ethernet(struct rte_mbuf *m, const struct rte_ether_addr *dst)
{
	struct rte_ether_hdr *eth =
		(struct rte_ether_hdr *)(void *)rte_pktmbuf_prepend(m, sizeof(*eth));

	if (!eth)
		return false;
	if (meta_of(m)->flags & (META_DECAPSULATED | META_ORIGINATED)) {
		eth->dst_addr = *dst;
		eth->src_addr = *dst;
		eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
	}
	return true;
}
