/*
 * forward: routes a packet, plain or with its outer header on: longest-prefix match, hop limit,
 * MTU, and the Ethernet header of the next hop.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port.h"

enum edge {
	FORWARD_TX,
	FORWARD_RESOLVE,
	FORWARD_MIRROR,
	FORWARD_TOO_BIG,
	FORWARD_ICMP6_ERROR,
	FORWARD_SCOPE,
	FORWARD_BLACKHOLE,
	FORWARD_PORT_GONE,
	FORWARD_NO_ROOM,
	FORWARD_EDGES
};

enum {
	ICMP_UNREACHABLE = 1,
	ICMP_NO_ROUTE = 0,
	ICMP_ADDRESS_UNREACHABLE = 3,
	ICMP_TIME_EXCEEDED = 3,
};

/* The neighbour found last: bursts mostly go one way. */
struct last {
	struct in6_addr addr;
	const struct neighbour *neighbour;
	uint16_t port;
};

static rte_edge_t refuse(struct meta *meta, uint8_t type, uint8_t code)
{
	meta->icmp_type = type;
	meta->icmp_code = code;
	meta->value = 0;
	return FORWARD_ICMP6_ERROR;
}

/*
 * Cannot be delivered. The sender of a packet that we tunnelled learns that its destination is
 * not to be reached, and nothing of the tunnel (RFC 2473, 8.2).
 */
static rte_edge_t unreachable(struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);

	if (!(meta->flags & META_ENCAPSULATED))
		return refuse(meta, ICMP_UNREACHABLE, ICMP_NO_ROUTE);
	rte_pktmbuf_adj(m, meta->outer);
	meta->flags &= (uint8_t)~META_ENCAPSULATED;
	return refuse(meta, ICMP_UNREACHABLE, ICMP_ADDRESS_UNREACHABLE);
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

/* Routes that lead nowhere. */
static rte_edge_t forward_else(struct rte_mbuf *m, const struct route_next_hop *hop)
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

static inline const struct neighbour *find_neighbour(struct worker *w, struct last *last,
	const struct route_next_hop *hop, const struct in6_addr *addr)
{
	if (last->neighbour && last->port == hop->port && addr_equal(&last->addr, addr))
		return last->neighbour;
	*last = (struct last){
		.addr = *addr,
		.neighbour = neighbour_table_find(&w->tables->neighbours, addr, hop->port),
		.port = hop->port,
	};
	return last->neighbour;
}

/* What every router checks before a packet goes on (RFC 8200, 3; RFC 4291, 2.5.6). */
static inline rte_edge_t check_transit(struct rte_ipv6_hdr *ip, struct meta *meta)
{
	if (unlikely(addr_is_link_local(ip6_src(ip))))
		return FORWARD_SCOPE;
	if (unlikely(ip->hop_limits <= 1))
		return refuse(meta, ICMP_TIME_EXCEEDED, 0);
	ip->hop_limits--;
	return FORWARD_TX;
}

static inline void write_ethernet(
	struct rte_ether_hdr *eth, const struct mac *to, const struct port *port)
{
	memcpy(&eth->dst_addr, to, sizeof(eth->dst_addr));
	eth->src_addr = port->mac;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
}

static inline rte_edge_t forward_one(struct worker *w, struct rte_mbuf *m,
	const struct route_next_hop *hop, struct last *last, uint32_t *transit)
{
	struct rte_ipv6_hdr *ip = ip6_of(m);
	struct meta *meta = meta_of(m);
	const struct port *port = port_get(hop->port);

	if (unlikely(hop->kind != ROUTE_GATEWAY && hop->kind != ROUTE_CONNECTED))
		return forward_else(m, hop);
	if (unlikely(!port))
		return FORWARD_PORT_GONE;
	if (!(meta->flags & (META_ENCAPSULATED | META_ORIGINATED))) {
		rte_edge_t edge = check_transit(ip, meta);

		if (unlikely(edge != FORWARD_TX))
			return edge;
		(*transit)++;
	}

	uint16_t mtu = port_mtu(port);

	if (meta->flags & META_ENCAPSULATED && meta->mtu && meta->mtu < mtu)
		mtu = meta->mtu;
	if (unlikely(m->pkt_len > mtu)) {
		meta->value = mtu;
		return FORWARD_TOO_BIG;
	}

	const struct in6_addr *next = hop->kind == ROUTE_GATEWAY ? &hop->gateway : ip6_dst(ip);
	const struct neighbour *neighbour = find_neighbour(w, last, hop, next);

	if (unlikely(!neighbour)) {
		mirror_tag(m)->nexthop = *next;
		meta->port = hop->port;
		return FORWARD_RESOLVE;
	}

	struct rte_ether_hdr *eth =
		(struct rte_ether_hdr *)(void *)rte_pktmbuf_prepend(m, sizeof(*eth));

	if (unlikely(!eth))
		return FORWARD_NO_ROOM;
	write_ethernet(eth, &neighbour->mac, port);
	meta->port = hop->port;
	return FORWARD_TX;
}

static inline void forward_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	struct in6_addr destinations[NODE_BURST];
	const struct route_next_hop *hops[NODE_BURST];
	struct last last = {.neighbour = NULL};
	uint32_t transit = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++)
		destinations[i] = *ip6_dst(ip6_of(mbufs[i]));
	route_table_lookup(&w->tables->routes, destinations, n, hops);
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
	.next_nodes =
		{
			[FORWARD_TX] = "tx",
			[FORWARD_RESOLVE] = "resolve",
			[FORWARD_MIRROR] = "mirror",
			[FORWARD_TOO_BIG] = "too_big",
			[FORWARD_ICMP6_ERROR] = "icmp6_error",
			[FORWARD_SCOPE] = "drop_scope",
			[FORWARD_BLACKHOLE] = "drop_blackhole",
			[FORWARD_PORT_GONE] = "drop_port_gone",
			[FORWARD_NO_ROOM] = "drop_no_room",
		},
};
RTE_NODE_REGISTER(forward_node)
