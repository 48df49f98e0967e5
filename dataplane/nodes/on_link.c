/*
 * on_link: a packet to a subscriber that is on a link of ours, to the interface that its path
 * names; or that is on no link at the moment, and whose packets wait (hold.c).
 */
#include "dataplane/nodes/domain.h"
#include "dataplane/nodes/forward.h"
#include "dataplane/nodes/traffic.h"

/* Behind the edges of forward. */
enum edge { ON_LINK_HELD = FORWARD_EDGES, ON_LINK_DOMAIN, ON_LINK_EDGES };

static rte_edge_t on_link_one(struct worker *w, struct rte_mbuf *m,
	const struct subscriber_entry *entry, uint32_t *transit)
{
	const struct path_table *paths = &w->tables->paths;
	struct meta *meta = meta_of(m);
	const uint32_t number = meta->path;
	const bool first = likely(number == entry->path);
	const uint16_t path_mtu = first ? entry->mtu : path_at(paths, number)->mtu;
	struct path_on_link to;
	const struct port *port;
	struct rte_ether_hdr *eth;

	memcpy(&to, first ? &entry->remote : &path_at(paths, number)->remote, sizeof(to));
	port = port_get(to.port);
	if (unlikely(!port))
		return first && path_is_held(paths, number) ? ON_LINK_HELD : FORWARD_PORT_GONE;
	if (unlikely(domain_table_of_port(&w->tables->domains, to.port) != domain_of(m)))
		return ON_LINK_DOMAIN;
	if (!(meta->flags & META_ORIGINATED)) {
		rte_edge_t edge = forward_check(ip6_of(m), meta);

		if (unlikely(edge != FORWARD_TX))
			return edge;
		(*transit)++;
	}

	uint16_t mtu = port_mtu(port);

	if (path_mtu && path_mtu < mtu)
		mtu = path_mtu;
	if (unlikely(m->pkt_len > mtu)) {
		meta->value = mtu;
		return FORWARD_TOO_BIG;
	}
	traffic_sent(w, m, number);
	eth = (struct rte_ether_hdr *)(void *)rte_pktmbuf_prepend(m, sizeof(*eth));
	if (unlikely(!eth))
		return FORWARD_NO_ROOM;
	forward_ethernet(eth, &to.mac, port);
	meta->port = to.port;
	return FORWARD_TX;
}

static inline void on_link_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	uint32_t transit = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++)
		next[i] = on_link_one(w, mbufs[i],
			subscriber_at(&w->tables->subscribers, meta_of(mbufs[i])->subscriber),
			&transit);
	node_count(w, WORKER_forwarded, transit);
}

static uint16_t on_link_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, on_link_work);
}

static struct rte_node_register on_link_node = {
	.name = "on_link",
	.process = on_link_process,
	.init = node_init,
	.nb_edges = ON_LINK_EDGES,
	.next_nodes =
		{
			FORWARD_NEXT_NODES,
			[ON_LINK_HELD] = "hold_take",
			[ON_LINK_DOMAIN] = "drop_domain",
		},
};
RTE_NODE_REGISTER(on_link_node)
