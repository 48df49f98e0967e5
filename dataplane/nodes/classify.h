/*
 * What classify decides of one frame, for it and for express.
 */
#pragma once

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port.h"

enum classify_edge {
	CLASSIFY_STEER,
	CLASSIFY_ND_PROXY,
	CLASSIFY_MIRROR,
	CLASSIFY_ABSENT,
	CLASSIFY_FOREIGN_MAC,
	CLASSIFY_BAD_VERSION,
	CLASSIFY_BAD_LENGTH,
	CLASSIFY_BAD_SOURCE,
	CLASSIFY_BAD_DESTINATION,
	CLASSIFY_GROUP,
	CLASSIFY_ACCESS,
	CLASSIFY_EDGES,
	CLASSIFY_ON_LINK, /* no edge: to a multicast or link-local address */
};

static inline rte_edge_t classify_ip6(struct rte_mbuf *m, struct rte_ether_hdr *eth)
{
	struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)(eth + 1);

	if (unlikely(m->data_len < sizeof(*eth) + IP6_LEN))
		return CLASSIFY_BAD_LENGTH;
	if (unlikely(!ip6_is_version6(ip)))
		return CLASSIFY_BAD_VERSION;
	if (unlikely(m->nb_segs > 1 || ip6_total(ip) > m->data_len - sizeof(*eth)))
		return CLASSIFY_BAD_LENGTH;
	ip6_trim(m, ip6_total(ip) + sizeof(*eth));
	if (unlikely(ip->src_addr[0] == 0xff || addr_is_loopback(ip6_src(ip))))
		return CLASSIFY_BAD_SOURCE;
	if (unlikely(ip->dst_addr[0] >= 0xfe) &&
		(ip->dst_addr[0] == 0xff || addr_is_link_local(ip6_dst(ip))))
		return CLASSIFY_ON_LINK;
	if (unlikely(ip6_is_unforwardable(ip6_dst(ip))))
		return CLASSIFY_BAD_DESTINATION;
	if (unlikely(ip6_is_unforwardable(ip6_src(ip))))
		return CLASSIFY_BAD_SOURCE;
	if (unlikely(rte_is_multicast_ether_addr(&eth->dst_addr)))
		return CLASSIFY_FOREIGN_MAC;
	rte_pktmbuf_adj(m, sizeof(*eth));
	return CLASSIFY_STEER;
}

/*
 * Where a frame goes: CLASSIFY_STEER, then its data begins at the IPv6 header, or elsewhere, then
 * it is the frame that it was, without padding. Starts its metadata.
 */
static inline rte_edge_t classify_one(struct rte_mbuf *m)
{
	struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, struct rte_ether_hdr *);
	const struct port *port = &port_table[m->port % PORT_MAX];

	meta_start(m, m->port, 0);
	if (unlikely(m->data_len < sizeof(*eth)))
		return CLASSIFY_BAD_LENGTH;
	if (unlikely(!rte_is_same_ether_addr(&eth->dst_addr, &port->mac) &&
		     !rte_is_multicast_ether_addr(&eth->dst_addr)))
		return CLASSIFY_FOREIGN_MAC;
	if (unlikely(eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)))
		return CLASSIFY_MIRROR;
	return classify_ip6(m, eth);
}
