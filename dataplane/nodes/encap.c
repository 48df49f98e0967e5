/*
 * encap: puts the outer header of a subscriber's path in front of a packet (RFC 2473, 3.1; RFC
 * 6275, 10.4.2), or, if another data plane serves the path, one that leads there.
 */
#include "dataplane/nodes/encap.h"

uint16_t encap_walk_limit(const struct rte_ipv6_hdr *ip, uint16_t len)
{
	struct ip6_chain chain;

	return ip6_walk((const uint8_t *)ip, len, &chain) == 0 ? chain.limit : 0;
}

/* Apart from the rest, so that those who relay nothing do not pay for it. */
static void count_relayed(
	struct worker *w, struct rte_mbuf **mbufs, const rte_edge_t next[], uint16_t n)
{
	uint16_t done = 0;

	for (uint16_t i = 0; i < n; i++) {
		const struct subscriber_entry *entry =
			subscriber_at(&w->tables->subscribers, meta_of(mbufs[i])->subscriber);

		done += next[i] == ENCAP_FORWARD && entry->relayed;
	}
	node_count(w, WORKER_relayed_out, done);
}

static inline void encap_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	uint16_t done = 0, relayed = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++) {
		const struct subscriber_entry *entry =
			subscriber_at(&w->tables->subscribers, meta_of(mbufs[i])->subscriber);

		relayed |= entry->relayed;
		next[i] = encap_one(w, mbufs[i], entry);
		done += next[i] == ENCAP_FORWARD;
	}
	node_count(w, WORKER_encapsulated, done);
	if (unlikely(relayed))
		count_relayed(w, mbufs, next, n);
}

static uint16_t encap_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, encap_work);
}

static struct rte_node_register encap_node = {
	.name = "encap",
	.process = encap_process,
	.init = node_init,
	.nb_edges = ENCAP_EDGES,
	.next_nodes =
		{
			[ENCAP_FORWARD] = "forward",
			[ENCAP_ICMP6_ERROR] = "icmp6_error",
			[ENCAP_SCOPE] = "drop_scope",
			[ENCAP_LOOP] = "drop_tunnel_loop",
			[ENCAP_NO_ROOM] = "drop_no_room",
		},
};
RTE_NODE_REGISTER(encap_node)
