/*
 * What forward does with one packet, for it and for express, which ends as forward does.
 */
#pragma once

#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port.h"

enum { FORWARD_TIME_EXCEEDED = 3 }; /* ICMPv6 type (RFC 4443, 3.3) */

enum forward_edge {
	FORWARD_TX,
	FORWARD_RESOLVE,
	FORWARD_MIRROR,
	FORWARD_TOO_BIG,
	FORWARD_ICMP6_ERROR,
	FORWARD_SCOPE,
	FORWARD_NO_ROUTE,
	FORWARD_BLACKHOLE,
	FORWARD_PORT_GONE,
	FORWARD_NO_ROOM,
	FORWARD_EDGES
};

/* The nodes behind these edges. */
#define FORWARD_NEXT_NODES                                                                         \
	[FORWARD_TX] = "tx", [FORWARD_RESOLVE] = "resolve", [FORWARD_MIRROR] = "mirror",           \
	[FORWARD_TOO_BIG] = "too_big", [FORWARD_ICMP6_ERROR] = "icmp6_error",                      \
	[FORWARD_SCOPE] = "drop_scope", [FORWARD_NO_ROUTE] = "drop_no_route",                      \
	[FORWARD_BLACKHOLE] = "drop_blackhole", [FORWARD_PORT_GONE] = "drop_port_gone",            \
	[FORWARD_NO_ROOM] = "drop_no_room"

/* The way out that was found last: bursts mostly go one way. */
struct forward_last {
	const struct route_next_hop *hop;  /* of all to one gateway; NULL: none was found yet */
	const struct neighbour *neighbour; /* of the rest: NULL, it is not known */
	struct in6_addr addr;              /* of the neighbour */
	struct rte_ether_hdr eth;          /* ready */
	uint16_t mtu, port;
};

/* The packet is to be refused with an ICMPv6 error to its source. */
static inline rte_edge_t forward_refuse(struct meta *meta, uint8_t type, uint8_t code)
{
	meta->icmp_type = type;
	meta->icmp_code = code;
	meta->value = 0;
	return FORWARD_ICMP6_ERROR;
}

/* Routes that lead to no next hop. */
rte_edge_t forward_else(struct rte_mbuf *m, const struct route_next_hop *hop);

/* Finds the way out by a next hop, for what has these addresses in its first header. False: none
 * leads to a port, and forward_find() says what becomes of it. */
bool forward_leads(struct worker *w, const struct route_next_hop *hop, const struct in6_addr *src,
	const struct in6_addr *dst, struct forward_last *last);

/*
 * Finds the way out by a next hop, for a packet with its data at this header: the port, and there
 * the neighbour, which may be unknown. FORWARD_TX, or where the packet goes instead.
 */
rte_edge_t forward_find(struct worker *w, struct rte_mbuf *m, const struct route_next_hop *hop,
	struct forward_last *last);

/* What every router checks before a packet goes on (RFC 8200, 3; RFC 4291, 2.5.6). */
static inline rte_edge_t forward_check(struct rte_ipv6_hdr *ip, struct meta *meta)
{
	if (unlikely(addr_is_link_local(ip6_src(ip))))
		return FORWARD_SCOPE;
	if (unlikely(ip->hop_limits <= 1))
		return forward_refuse(meta, FORWARD_TIME_EXCEEDED, 0);
	ip->hop_limits--;
	return FORWARD_TX;
}

static inline void forward_ethernet(
	struct rte_ether_hdr *eth, const struct mac *to, const struct port *port)
{
	memcpy(&eth->dst_addr, to, sizeof(eth->dst_addr));
	eth->src_addr = port->mac;
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6);
}

static inline rte_edge_t forward_one(struct worker *w, struct rte_mbuf *m,
	const struct route_next_hop *hop, struct forward_last *last, uint32_t *transit)
{
	struct meta *meta = meta_of(m);
	uint16_t mtu;

	if (unlikely(hop != last->hop)) {
		rte_edge_t edge = forward_find(w, m, hop, last);

		if (unlikely(edge != FORWARD_TX))
			return edge;
	}
	mtu = last->mtu;
	if (!(meta->flags & (META_ENCAPSULATED | META_ORIGINATED))) {
		rte_edge_t edge = forward_check(ip6_of(m), meta);

		if (unlikely(edge != FORWARD_TX))
			return edge;
		(*transit)++;
	} else if (meta->flags & META_ENCAPSULATED && meta->mtu && meta->mtu < mtu) {
		mtu = meta->mtu;
	}
	if (unlikely(m->pkt_len > mtu)) {
		meta->value = mtu;
		return FORWARD_TOO_BIG;
	}
	if (unlikely(!last->neighbour)) {
		mirror_tag(m)->nexthop = last->addr;
		meta->port = last->port;
		return FORWARD_RESOLVE;
	}

	void *eth = rte_pktmbuf_prepend(m, sizeof(last->eth));

	if (unlikely(!eth))
		return FORWARD_NO_ROOM;
	memcpy(eth, &last->eth, sizeof(last->eth));
	meta->port = last->port;
	return FORWARD_TX;
}
