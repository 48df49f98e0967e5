/*
 * Plain packets, which nearly all are: whole, in one buffer, to us by their Ethernet address, IPv6
 * with TCP, UDP or ESP right behind its header, between addresses of global scope, and with hops
 * left. That much is told by a few loads and two branches, without a write. What is to become of a
 * plain packet can then be found out before anything in it is changed, and its headers are written
 * once, at the end.
 *
 * A packet that is not plain may be as good as any: the steps of classify and those behind it tell.
 * These do with a plain one what is done here, only slower; plain_open() makes it one of theirs.
 */
#pragma once

#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/forward.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"

enum {
	PLAIN_ETHER = sizeof(struct rte_ether_hdr),
	PLAIN_PORTS = 4,     /* octets behind the IPv6 header that are read */
	PLAIN_SCOPE = 0xfe,  /* first octet of addresses of less than global scope, or of groups */
	PLAIN_ADDRESS = 6,   /* octets of an Ethernet address */
	PLAIN_FAR_EDGE = 64, /* protocols from here on are not plain */
};

/* A bit for each protocol behind which nothing is looked for. */
#define PLAIN_PROTOCOLS (1ull << IPPROTO_TCP | 1ull << IPPROTO_UDP | 1ull << IPPROTO_ESP)

/* What is compared with the beginning of a frame: the address of its port, and two octets. */
struct plain_port {
	uint16_t number; /* PORT_NONE: none yet */
	uint64_t mac;    /* as in memory */
};

/* As the first octets of a frame are loaded, those of its destination. */
static inline uint64_t plain_mac_mask(void)
{
	const uint8_t octets[8] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	uint64_t mask;

	memcpy(&mask, octets, sizeof(mask));
	return mask;
}

/* never: nothing that comes by this port is plain. */
static inline void plain_port_set(struct plain_port *p, uint16_t number, bool never)
{
	p->number = number;
	p->mac = never ? UINT64_MAX : 0; /* no masked octets are that */
	if (!never)
		memcpy(&p->mac, &port_table[number % PORT_MAX].mac, PLAIN_ADDRESS);
}

/* 0: type and version of a frame are those of IPv6. */
static inline uint32_t plain_type(const uint8_t *frame)
{
	const uint8_t mask[4] = {0xff, 0xff, 0xf0, 0}, wanted[4] = {0x86, 0xdd, 0x60, 0};
	uint32_t m, w, is;

	memcpy(&m, mask, sizeof(m));
	memcpy(&w, wanted, sizeof(w));
	memcpy(&is, frame + 2 * PLAIN_ADDRESS, sizeof(is));
	return (is & m) ^ w;
}

/* Addresses that need no second look, hops left. */
static inline bool plain_header(const struct rte_ipv6_hdr *ip)
{
	uint64_t src, dst;

	memcpy(&src, ip->src_addr, sizeof(src));
	memcpy(&dst, ip->dst_addr, sizeof(dst));
	return (ip->src_addr[0] < PLAIN_SCOPE) & (ip->dst_addr[0] < PLAIN_SCOPE) & (src != 0) &
	       (dst != 0) & (ip->hop_limits > 1);
}

static inline bool plain_protocol(const struct rte_ipv6_hdr *ip)
{
	return ip->proto < PLAIN_FAR_EDGE && PLAIN_PROTOCOLS >> ip->proto & 1;
}

/* The IPv6 header of a frame. */
static inline struct rte_ipv6_hdr *plain_ip(const uint8_t *frame)
{
	return (struct rte_ipv6_hdr *)(uintptr_t)(frame + PLAIN_ETHER);
}

/* Whether a packet is plain but for its protocol. */
static inline bool plain_frame(
	const struct rte_mbuf *m, const uint8_t *frame, const struct plain_port *port)
{
	uint64_t first, wrong;

	if (unlikely(m->data_len < PLAIN_ETHER + IP6_LEN + PLAIN_PORTS))
		return false;
	memcpy(&first, frame, sizeof(first));
	wrong = (first & plain_mac_mask()) ^ port->mac;
	wrong |= plain_type(frame);
	wrong |= m->nb_segs ^ 1u;
	wrong |= (ip6_total(plain_ip(frame)) + PLAIN_ETHER) ^ m->data_len;
	return likely(!wrong) && likely(plain_header(plain_ip(frame)));
}

/* Whether what is in the tunnel packet of so many octets at outer is plain as well: it is all that
 * is in there, and has the congestion marks that it would come out with (RFC 6040, 4.2). */
static inline bool plain_inner(const struct rte_ipv6_hdr *outer, uint32_t octets)
{
	const struct rte_ipv6_hdr *ip = outer + 1;
	const uint8_t marks = ip6_class(outer) & 3;

	return octets >= 2 * IP6_LEN + PLAIN_PORTS && ip6_is_version6(ip) &&
	       ip6_total(ip) + IP6_LEN == octets && plain_header(ip) &&
	       (marks == 0 || marks == (ip6_class(ip) & 3));
}

/* As classify leaves a packet: its data begins at the IPv6 header. */
static inline void plain_open(struct rte_mbuf *m)
{
	meta_start(m, m->port, 0);
	rte_pktmbuf_adj(m, PLAIN_ETHER);
}

/* The last step of all: the packet leaves by the way out found last, as a frame of so many octets
 * whose IPv6 header is written. */
static inline void plain_leave(
	struct rte_mbuf *m, uint8_t *frame, uint32_t octets, const struct forward_last *last)
{
	memcpy(frame, &last->eth, sizeof(last->eth));
	m->data_off = (uint16_t)(frame - (uint8_t *)m->buf_addr);
	m->data_len = (uint16_t)octets;
	m->pkt_len = octets;
	meta_start(m, last->port, 0);
}
