/*
 * steer: where an IPv6 packet goes by its destination: to an address of ours, to a subscriber, or
 * by a route.
 */
#include "dataplane/nodes/steer.h"

#include "dataplane/nodes/domain.h"
#include "dataplane/port.h"

enum edge {
	STEER_ENCAP,
	STEER_FORWARD,
	STEER_LOCAL,
	STEER_ND_PROXY,
	STEER_NEIGHBOUR_UNICAST,
	STEER_BAD_DESTINATION,
	STEER_DOMAIN,
	STEER_EDGES
};

enum {
	ND_SOLICITATION = 135,
};

/*
 * Neighbour Discovery addressed to a subscriber is not for the tunnel: on the link where the
 * address is defended, a solicitation asks whether we are still there (RFC 4861, 7.3.3).
 */
static rte_edge_t steer_neighbour(struct worker *w, struct rte_mbuf *m)
{
	struct rte_ipv6_hdr *ip = ip6_of(m);
	const struct meta *meta = meta_of(m);
	uint8_t type;

	if (!steer_is_discovery(m))
		return STEER_ENCAP;
	type = *(const uint8_t *)(ip + 1);
	if (type != ND_SOLICITATION || meta->flags & (META_DECAPSULATED | META_ORIGINATED) ||
		!link_table_on(&w->tables->links, meta->port) ||
		!node_restore_ethernet(m, &port_table[meta->port].mac))
		return STEER_NEIGHBOUR_UNICAST;
	return STEER_ND_PROXY;
}

/* Neither ours nor, without an entry, a subscriber's. */
static inline rte_edge_t steer_one(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct rte_ipv6_hdr *ip = ip6_of(m);

	if (!entry)
		return unlikely(ip6_is_unforwardable(ip6_dst(ip))) ? STEER_BAD_DESTINATION
								   : STEER_FORWARD;
	if (unlikely(ip->proto == IP6_ICMP)) {
		rte_edge_t edge = steer_neighbour(w, m);

		if (edge != STEER_ENCAP)
			return edge;
	}
	/* Another data plane would not know of which domain it is. */
	if (unlikely(entry->relayed) && domain_of(m))
		return STEER_DOMAIN;
	meta_of(m)->subscriber = subscriber_number(&w->tables->subscribers, entry);
	return STEER_ENCAP;
}

static inline void steer_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	const struct local_set *local = local_table_get(&w->tables->local);
	struct in6_addr destinations[NODE_BURST];
	const struct subscriber_entry *entries[NODE_BURST];
	struct rte_mbuf *steered[NODE_BURST];
	uint16_t others[NODE_BURST], count = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++) {
		destinations[count] = ip6_load(ip6_of(mbufs[i])->dst_addr);
		if (unlikely(local_set_has(local, &destinations[count])) && !domain_of(mbufs[i]))
			next[i] = STEER_LOCAL;
		else {
			steered[count] = mbufs[i];
			others[count++] = i;
		}
	}
	if (count == 0)
		return;
	domain_lookup(w, steered, destinations, count, entries);
	for (uint16_t i = 0; i < count; i++)
		next[others[i]] = steer_one(w, steered[i], entries[i]);
}

static uint16_t steer_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, steer_work);
}

static struct rte_node_register steer_node = {
	.name = "steer",
	.process = steer_process,
	.init = node_init,
	.nb_edges = STEER_EDGES,
	.next_nodes =
		{
			[STEER_ENCAP] = "encap",
			[STEER_FORWARD] = "forward",
			[STEER_LOCAL] = "local",
			[STEER_ND_PROXY] = "nd_proxy",
			[STEER_NEIGHBOUR_UNICAST] = "drop_neighbour_unicast",
			[STEER_BAD_DESTINATION] = "drop_bad_ip6_destination",
			[STEER_DOMAIN] = "drop_domain",
		},
};
RTE_NODE_REGISTER(steer_node)
