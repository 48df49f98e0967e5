/*
 * forward: routes a packet, plain or with its outer header on: longest-prefix match, hop limit,
 * MTU, and the Ethernet header of the next hop.
 */
#include "dataplane/nodes/forward.h"

#include "dataplane/nodes/domain.h"

enum {
	ICMP_UNREACHABLE = 1,
	ICMP_NO_ROUTE = 0,
	ICMP_ADDRESS_UNREACHABLE = 3,
};

/*
 * Cannot be delivered. The sender of a packet that we tunnelled learns that its destination is
 * not to be reached, and nothing of the tunnel (RFC 2473, 8.2). A fragment of ours, whose route
 * went after its packet was cut, has no inner header where others have it; the next packet tells.
 */
static rte_edge_t unreachable(struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);

	if (!(meta->flags & META_ENCAPSULATED))
		return forward_refuse(meta, ICMP_UNREACHABLE, ICMP_NO_ROUTE);
	if (ip6_of(m)->proto == IP6_FRAGMENT)
		return FORWARD_NO_ROUTE;
	rte_pktmbuf_adj(m, meta->outer);
	meta->flags &= (uint8_t)~META_ENCAPSULATED;
	return forward_refuse(meta, ICMP_UNREACHABLE, ICMP_ADDRESS_UNREACHABLE);
}

/* An address of the kernel: up the twin of the port that the packet came by. */
static rte_edge_t to_kernel(struct rte_mbuf *m, const struct route_next_hop *hop)
{
	struct meta *meta = meta_of(m);
	const struct port *port;

	if (meta->flags & META_ORIGINATED)
		meta->port = hop->port;
	port = port_get(meta->port);
	if (!port)
		return FORWARD_PORT_GONE;
	return node_restore_ethernet(m, &port->mac) ? FORWARD_MIRROR : FORWARD_NO_ROOM;
}

rte_edge_t forward_else(struct rte_mbuf *m, const struct route_next_hop *hop)
{
	switch (hop->kind) {
	case ROUTE_LOCAL:
		return to_kernel(m, hop);
	case ROUTE_BLACKHOLE:
		return FORWARD_BLACKHOLE;
	default:
		return unreachable(m);
	}
}

/* The next hop of a packet from this source. */
static const struct route_next_hop *for_source(
	const struct route_next_hop *hop, const struct in6_addr *source)
{
	return hop->kind == ROUTE_BY_SOURCE ? route_of_source(hop->sources, source) : hop;
}

bool forward_leads(struct worker *w, const struct route_next_hop *hop, const struct in6_addr *src,
	const struct in6_addr *dst, struct forward_last *last)
{
	const struct in6_addr *addr;
	const struct port *port;

	hop = for_source(hop, src);
	if (hop->kind != ROUTE_GATEWAY && hop->kind != ROUTE_CONNECTED)
		return false;
	port = port_get(hop->port);
	if (!port)
		return false;
	addr = hop->kind == ROUTE_GATEWAY ? &hop->gateway : dst;
	last->hop = hop->kind == ROUTE_GATEWAY ? hop : NULL;
	last->mtu = port_mtu(port);
	if (last->neighbour && last->port == hop->port && addr_equal(&last->addr, addr))
		return true;
	last->addr = *addr;
	last->port = hop->port;
	last->neighbour = neighbour_table_find(&w->tables->neighbours, addr, hop->port);
	if (last->neighbour)
		forward_ethernet(&last->eth, &last->neighbour->mac, port);
	return true;
}

rte_edge_t forward_find(struct worker *w, struct rte_mbuf *m, const struct route_next_hop *hop,
	struct forward_last *last)
{
	const struct rte_ipv6_hdr *ip = ip6_of(m);

	if (forward_leads(w, hop, ip6_src(ip), ip6_dst(ip), last))
		return FORWARD_TX;
	hop = for_source(hop, ip6_src(ip));
	if (hop->kind != ROUTE_GATEWAY && hop->kind != ROUTE_CONNECTED)
		return forward_else(m, hop);
	return FORWARD_PORT_GONE;
}

/*
 * The next hop of a packet of a domain: by a port of the domain, but not back by the one that it
 * came by: what no subscriber here has is not sent around between us and a router of the customer.
 */
static const struct route_next_hop *in_domain(
	const struct worker *w, struct rte_mbuf *m, uint32_t domain)
{
	static const struct route_next_hop none = {.kind = ROUTE_NONE, .port = PORT_NONE};
	const struct domain_routes *routes = domain_table_routes(&w->tables->domains, domain);
	const struct rte_ipv6_hdr *ip = ip6_of(m);
	struct meta *meta = meta_of(m);
	const struct route_next_hop *hop;

	if (!routes)
		return &none;
	hop = for_source(domain_routes_find(routes, ip6_dst(ip)), ip6_src(ip));
	if ((hop->kind == ROUTE_GATEWAY || hop->kind == ROUTE_CONNECTED) &&
		!(meta->flags & (META_DECAPSULATED | META_ORIGINATED)) && hop->port == meta->port)
		return &none;
	/* Up the twin of the domain, whichever port its tunnel came by. */
	if (hop->kind == ROUTE_LOCAL)
		meta->port = hop->port;
	return hop;
}

/* Those that are of a domain themselves, not in a tunnel. */
static void route_domains(const struct worker *w, struct rte_mbuf **mbufs, uint16_t n,
	const struct route_next_hop *hops[])
{
	for (uint16_t i = 0; i < n; i++) {
		const uint32_t domain = domain_of(mbufs[i]);

		if (domain && !(meta_of(mbufs[i])->flags & META_ENCAPSULATED))
			hops[i] = in_domain(w, mbufs[i], domain);
	}
}

static inline void forward_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	struct in6_addr destinations[NODE_BURST];
	const struct route_next_hop *hops[NODE_BURST];
	struct forward_last last = {.hop = NULL};
	uint32_t transit = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++)
		destinations[i] = *ip6_dst(ip6_of(mbufs[i]));
	route_table_lookup(&w->tables->routes, destinations, n, hops);
	if (unlikely(w->tables->domains.count))
		route_domains(w, mbufs, n, hops);
	for (uint16_t i = 0; i < n; i++)
		next[i] = forward_one(w, mbufs[i], hops[i], &last, &transit);
	node_count(w, WORKER_forwarded, transit);
}

static uint16_t forward_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, forward_work);
}

static struct rte_node_register forward_node = {
	.name = "forward",
	.process = forward_process,
	.init = node_init,
	.nb_edges = FORWARD_EDGES,
	.next_nodes = {FORWARD_NEXT_NODES},
};
RTE_NODE_REGISTER(forward_node)
