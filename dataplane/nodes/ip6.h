/*
 * IPv6 headers as nodes need them: addresses in place, the chain of extension headers, checksums.
 */
#pragma once

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/addr.h"

enum {
	IP6_LEN = 40,
	IP6_MTU_MIN = 1280, /* RFC 8200, 5 */
	IP6_MOBILITY = 135, /* next header value (RFC 6275, 6.1.1) */
	IP6_ICMP = 58,
	IP6_TUNNEL = 41,
	IP6_DESTINATION = 60,
	IP6_FRAGMENT = 44,
	IP6_FRAGMENT_LEN = 8,
};

/* What the headers between IPv6 header and payload are. Offsets count from the IPv6 header. */
struct ip6_chain {
	uint16_t offset;       /* of the payload */
	uint16_t fragment;     /* of the Fragment header, 0: none; the chain ends there */
	uint16_t home_address; /* of the address in a Home Address option, 0: none */
	uint16_t limit;        /* of the value of the first Tunnel Encapsulation Limit, 0: none */
	uint8_t protocol;      /* of the payload; behind a Fragment header, of what is fragmented */
};

/*
 * Walks the extension headers (RFC 8200, 4) of the packet of len octets at data, an IPv6 header
 * first. Returns 0, or -EBADMSG: truncated, more than 8 headers, or an option beyond its header.
 */
int ip6_walk(const uint8_t *data, uint16_t len, struct ip6_chain *chain);

/* Internet checksum (RFC 8200, 8.1) over pseudo-header and len octets of upper layer, whose own
 * checksum field is included: 0 when that is right. In network byte order, ready to be stored. */
uint16_t ip6_checksum(const struct in6_addr *src, const struct in6_addr *dst, uint8_t protocol,
	const void *data, uint16_t len);

static inline struct rte_ipv6_hdr *ip6_of(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod(m, struct rte_ipv6_hdr *);
}

/*
 * The addresses of a packet. They lie on no boundary of their own in it, so they are copied, which
 * costs a load; the result is a pointer to the copy and lives as long as the block around it.
 */
#define ip6_src(ip) ((const struct in6_addr[1]){ip6_load((ip)->src_addr)})
#define ip6_dst(ip) ((const struct in6_addr[1]){ip6_load((ip)->dst_addr)})

static inline struct in6_addr ip6_load(const void *at)
{
	struct in6_addr a;

	memcpy(&a, at, sizeof(a));
	return a;
}

/* Octets of the packet, header included. */
static inline uint32_t ip6_total(const struct rte_ipv6_hdr *ip)
{
	return IP6_LEN + (uint32_t)ntohs(ip->payload_len);
}

static inline bool ip6_is_version6(const struct rte_ipv6_hdr *ip)
{
	return (*(const uint8_t *)ip & 0xf0) == 0x60;
}

/* The octet that holds DSCP and ECN. */
static inline uint8_t ip6_class(const struct rte_ipv6_hdr *ip)
{
	return (uint8_t)(ntohl(ip->vtc_flow) >> 20);
}

/* ::, ::1, and all else in ::/64, where no address that could be forwarded lies; and
 * ::ffff:0:0/96 (RFC 4291, 2.5). */
static inline bool ip6_is_unforwardable(const struct in6_addr *a)
{
	return a->s6_addr32[0] == 0 && a->s6_addr32[1] == 0;
}

/* Cuts what follows the IP packet at the data of m: padding of the link. */
static inline void ip6_trim(struct rte_mbuf *m, uint32_t total)
{
	if (unlikely(m->pkt_len > total))
		rte_pktmbuf_trim(m, (uint16_t)(m->pkt_len - total));
}
