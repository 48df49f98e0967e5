/*
 * What encap does with one packet, for it and for express.
 */
#pragma once

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/tables/hash.h"

enum encap_edge {
	ENCAP_FORWARD,
	ENCAP_ICMP6_ERROR,
	ENCAP_SCOPE,
	ENCAP_LOOP,
	ENCAP_NO_ROOM,
	ENCAP_RULE,
	ENCAP_RELAY_TWICE,
	ENCAP_ON_LINK,
	ENCAP_EDGES
};

enum {
	ENCAP_LIMIT_LEN = 8, /* the Destination Options header that carries the limit */
	ENCAP_LABEL_MASK = 0xfffff,
	ENCAP_CLASS_MASK = 0xff << 20,
	ENCAP_TIME_EXCEEDED = 3,
	ENCAP_PARAMETER = 4,
};

/* The first four octets of a transport header say which flow it is; of others they do not. */
static inline uint32_t encap_ports(const struct rte_ipv6_hdr *ip, uint16_t len)
{
	uint32_t ports;

	if ((ip->proto != IPPROTO_TCP && ip->proto != IPPROTO_UDP) || len < IP6_LEN + 4)
		return 0;
	memcpy(&ports, ip + 1, sizeof(ports));
	return ports;
}

/* Flow label of the outer header: a hash of the inner flow, whose destination has this addr_hash()
 * (RFC 6438, 3; never 0, RFC 6437, 2). */
static inline uint32_t encap_flow_label(
	const struct rte_ipv6_hdr *ip, uint16_t len, uint64_t destination)
{
	const uint64_t label = ntohl(ip->vtc_flow) & ENCAP_LABEL_MASK;
	uint64_t src[2], mixed;
	unsigned __int128 m;

	memcpy(src, ip->src_addr, sizeof(src));
	mixed = destination ^ src[1] ^ (src[0] << 32 | src[0] >> 32);
	mixed ^= label << 40 ^ (uint64_t)encap_ports(ip, len) << 8 ^ ip->proto;
	m = (unsigned __int128)mixed * 0x9e3779b97f4a7c15u;
	mixed = ((uint64_t)m ^ (uint64_t)(m >> 64)) >> 44;
	return mixed ? (uint32_t)mixed : 1;
}

/*
 * The Tunnel Encapsulation Limit of the packet, if it carries one (RFC 2473, 4.1.1). Returns the
 * offset of its value, 0 if there is none. A chain that cannot be read has none that we can see.
 */
uint16_t encap_walk_limit(const struct rte_ipv6_hdr *ip, uint16_t len);

static inline uint16_t encap_limit(const struct rte_ipv6_hdr *ip, uint16_t len)
{
	if (likely(ip->proto != IP6_DESTINATION && ip->proto != IPPROTO_HOPOPTS &&
		    ip->proto != IPPROTO_ROUTING))
		return 0;
	return encap_walk_limit(ip, len);
}

/* The packet is to be refused with an ICMPv6 error to its source. */
static inline rte_edge_t encap_refuse(struct meta *meta, uint8_t type, uint8_t code, uint32_t value)
{
	meta->icmp_type = type;
	meta->icmp_code = code;
	meta->value = value;
	return ENCAP_ICMP6_ERROR;
}

/* What goes around a packet. */
struct encap_way {
	const uint8_t *header; /* as in a path's shape; PATH_HEADER_LEN octets if not in GRE */
	const struct in6_addr *remote;
	uint32_t key; /* of PATH_GRE_KEYED, network order */
	uint16_t mtu; /* largest outer packet, 0: any */
};

/* Writes the GRE header of a way, of so many octets. */
static inline void encap_put_gre(uint8_t *at, const struct encap_way *way, uint8_t octets)
{
	memcpy(at, way->header + PATH_HEADER_LEN, PATH_GRE_LEN);
	if (octets == PATH_GRE_KEYED)
		memcpy(at + PATH_GRE_LEN, &way->key, sizeof(way->key));
}

/* The first eight octets of an IPv6 header, but for its protocol and hop limit. */
static inline uint64_t encap_ip6_first(uint32_t class_and_label, uint16_t payload)
{
	return htonl(0x60000000 | class_and_label) | (uint64_t)htons(payload) << 32;
}

/* Writes the IPv6 header of a way, in three stores; first is encap_ip6_first(). */
static inline void encap_put_first(
	struct rte_ipv6_hdr *outer, const struct encap_way *way, uint64_t first)
{
	uint16_t proto_and_hops;

	memcpy(&proto_and_hops, way->header + 6, sizeof(proto_and_hops));
	first |= (uint64_t)proto_and_hops << 48;
	memcpy(outer, &first, sizeof(first));
	memcpy(outer->src_addr, way->header + 8, sizeof(outer->src_addr));
	memcpy(outer->dst_addr, way->remote, sizeof(outer->dst_addr));
}

/* The same of one packet. */
static inline void encap_put_ip6(struct rte_ipv6_hdr *outer, const struct encap_way *way,
	uint32_t class_and_label, uint16_t payload)
{
	encap_put_first(outer, way, encap_ip6_first(class_and_label, payload));
}

/* Turns the header of an outer packet into that of one with a limit (RFC 2473, 4.1.1). */
static inline void encap_put_limit(struct rte_ipv6_hdr *outer, uint8_t limit)
{
	const uint8_t header[ENCAP_LIMIT_LEN] = {outer->proto, 0, 4, 1, limit, 1, 1, 0};

	outer->proto = IP6_DESTINATION;
	memcpy(outer + 1, header, sizeof(header));
}

/* Puts the headers in front of the inner packet at ip; gre: octets of the way's GRE header, limit:
 * offset of that of the inner packet, or 0. False: no room. */
static __rte_always_inline bool encap_prepend(struct rte_mbuf *m, struct meta *meta,
	const struct encap_way *way, uint8_t gre, uint16_t limit)
{
	const struct rte_ipv6_hdr *ip = ip6_of(m);
	const uint32_t class_and_label = (ntohl(ip->vtc_flow) & ENCAP_CLASS_MASK) |
					 encap_flow_label(ip, m->data_len, addr_hash(ip6_dst(ip)));
	const uint16_t options = limit ? ENCAP_LIMIT_LEN : 0;
	const uint16_t more = (uint16_t)(options + gre);
	const uint16_t payload = (uint16_t)(m->pkt_len + more);
	struct rte_ipv6_hdr *outer =
		(struct rte_ipv6_hdr *)(void *)rte_pktmbuf_prepend(m, (uint16_t)(IP6_LEN + more));

	if (unlikely(!outer))
		return false;
	meta->flags |= META_ENCAPSULATED;
	meta->outer = (uint8_t)(IP6_LEN + more);
	meta->mtu = way->mtu;
	encap_put_ip6(outer, way, class_and_label, payload);
	if (unlikely(limit))
		encap_put_limit(outer, ((const uint8_t *)ip)[limit] - 1);
	if (unlikely(gre))
		encap_put_gre((uint8_t *)(outer + 1) + options, way, gre);
	return true;
}

/* The rest of encap_by(), for which way is known to be no link. */
static __rte_always_inline rte_edge_t encap_tunnel(
	struct rte_mbuf *m, const struct encap_way *way, uint8_t gre, uint16_t limit)
{
	struct rte_ipv6_hdr *ip = ip6_of(m);
	struct meta *meta = meta_of(m);

	if (likely(!(meta->flags & META_ORIGINATED))) {
		if (unlikely(addr_is_link_local(ip6_src(ip))))
			return ENCAP_SCOPE;
		if (unlikely(ip->hop_limits <= 1))
			return encap_refuse(meta, ENCAP_TIME_EXCEEDED, 0, 0);
	}
	if (unlikely(limit && ((const uint8_t *)ip)[limit] == 0))
		return encap_refuse(meta, ENCAP_PARAMETER, 0, limit);
	if (unlikely(addr_equal(ip6_dst(ip), way->remote) &&
		     memcmp(ip->src_addr, way->header + 8, sizeof(ip->src_addr)) == 0))
		return ENCAP_LOOP;
	ip->hop_limits = (uint8_t)(ip->hop_limits - !(meta->flags & META_ORIGINATED));
	if (unlikely(!encap_prepend(m, meta, way, gre, limit)))
		return ENCAP_NO_ROOM;
	return ENCAP_FORWARD;
}

/* By any way. */
rte_edge_t encap_by(struct rte_mbuf *m, const struct encap_way *way);

/* By the first path of a subscriber; nearly all packets have no limit and no GRE. */
static __rte_always_inline rte_edge_t encap_one(
	struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct path_table *t = &w->tables->paths;
	const uint8_t *header = path_shape_at(t, entry->shape)->header;
	const uint8_t gre = path_header_gre(header);
	struct encap_way way = {header, &entry->remote, 0, entry->mtu};

	if (likely(!gre && !path_header_on_link(header) &&
		    encap_limit(ip6_of(m), m->data_len) == 0))
		return encap_tunnel(m, &way, 0, 0);
	if (gre == PATH_GRE_KEYED)
		way.key = path_keys_at(t, entry->path)->out;
	return encap_by(m, &way);
}
