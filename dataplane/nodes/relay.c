/*
 * relay: what another data plane sent here because we serve the subscriber. It goes to the node or
 * nowhere: relayed twice it could go in circles while the data planes learn of a change, and by a
 * route it could come back to where it was relayed.
 */
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"

enum edge { RELAY_ENCAP, RELAY_TWICE, RELAY_UNKNOWN, RELAY_EDGES };

static inline rte_edge_t relay_one(
	const struct subscriber_table *t, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	if (unlikely(!entry))
		return RELAY_UNKNOWN;
	if (unlikely(entry->relayed))
		return RELAY_TWICE;
	meta_of(m)->subscriber = subscriber_number(t, entry);
	return RELAY_ENCAP;
}

static inline void relay_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	struct in6_addr destinations[NODE_BURST];
	const struct subscriber_entry *entries[NODE_BURST];
	uint16_t done = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	if (unlikely(n == 0))
		return;
	for (uint16_t i = 0; i < n; i++)
		destinations[i] = ip6_load(ip6_of(mbufs[i])->dst_addr);
	subscriber_table_lookup(t, 0, destinations, n, entries);
	for (uint16_t i = 0; i < n; i++) {
		next[i] = relay_one(t, mbufs[i], entries[i]);
		done += next[i] == RELAY_ENCAP;
	}
	node_count(w, WORKER_relayed_in, done);
}

static uint16_t relay_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, relay_work);
}

static struct rte_node_register relay_node = {
	.name = "relay",
	.process = relay_process,
	.init = node_init,
	.nb_edges = RELAY_EDGES,
	.next_nodes =
		{
			[RELAY_ENCAP] = "encap",
			[RELAY_TWICE] = "drop_relay_twice",
			[RELAY_UNKNOWN] = "drop_relay_unknown",
		},
};
RTE_NODE_REGISTER(relay_node)
