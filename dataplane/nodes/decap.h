/*
 * What decap does with one packet, for it and for express.
 */
#pragma once

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"

enum decap_edge {
	DECAP_STEER,
	DECAP_RELAY,
	DECAP_INNER,
	DECAP_SCOPE,
	DECAP_ECN,
	DECAP_UNKNOWN_SOURCE,
	DECAP_WRONG_CARE_OF,
	DECAP_GROUP,
	DECAP_MULTICAST,
	DECAP_PUNT,
	DECAP_NO_ROOM,
	DECAP_KIND,
	DECAP_GRE_KEY,
	DECAP_RESEQUENCE,
	DECAP_HOLD,
	DECAP_EDGES
};

enum {
	DECAP_ECN_MASK = 3,
	DECAP_ECN_DROP = 4,
};

/* Outgoing ECN by inner (row) and outer (column) (RFC 6040, figure 4): Not-ECT is 0, ECT(1) 1,
 * ECT(0) 2, CE 3. */
extern const uint8_t decap_ecn_out[4][4];

static inline struct rte_ipv6_hdr *decap_inner(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, meta_of(m)->outer);
}

/* The subscriber on a link here that a packet came for which is in a tunnel, or NULL. */
const struct subscriber_entry *decap_attached(const struct worker *w, struct rte_mbuf *m);

/* What a packet that came in a tunnel says of it beside addresses. */
static inline struct path_mark decap_mark(const struct meta *meta)
{
	if (likely(!(meta->flags & META_GRE)))
		return (struct path_mark){0};
	return (struct path_mark){.gre = meta->gre, .key = meta->key};
}

/* Whether it came by a tunnel of this subscriber. */
static inline bool decap_accepts(
	const struct subscriber_table *t, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const struct rte_ipv6_hdr *outer = ip6_of(m);

	if (likely(!(meta_of(m)->flags & META_GRE)))
		return subscriber_accepts(t, entry, ip6_src(outer), ip6_dst(outer));

	const struct path_mark mark = decap_mark(meta_of(m));

	return subscriber_accepts_gre(t, entry, ip6_src(outer), ip6_dst(outer), &mark);
}

/* What can be said of a packet, meta.outer being set, without knowing its subscriber: DECAP_STEER,
 * or where it goes if it is not sound; DECAP_SCOPE also for multicast, which decap looks at. */
static inline rte_edge_t decap_check(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = decap_inner(m);
	uint32_t len = m->data_len - meta_of(m)->outer;

	if (unlikely(len < IP6_LEN || !ip6_is_version6(ip) || ip6_total(ip) > len))
		return DECAP_INNER;
	if (unlikely(ip->src_addr[0] >= 0xfe || ip->dst_addr[0] >= 0xfe) &&
		(addr_is_multicast(ip6_src(ip)) || addr_is_multicast(ip6_dst(ip)) ||
			addr_is_link_local(ip6_src(ip)) || addr_is_link_local(ip6_dst(ip))))
		return DECAP_SCOPE;
	if (unlikely(ip6_is_unforwardable(ip6_src(ip)) || ip6_is_unforwardable(ip6_dst(ip))))
		return DECAP_INNER;
	return DECAP_STEER;
}

/* Takes the outer header off; the inner one keeps what its congestion marks tell (RFC 6040).
 * DECAP_STEER, or DECAP_ECN: nothing is changed. */
static inline rte_edge_t decap_strip(struct rte_mbuf *m, uint32_t subscriber)
{
	struct meta *meta = meta_of(m);
	struct rte_ipv6_hdr *ip = decap_inner(m);
	uint8_t out = decap_ecn_out[ip6_class(ip) & DECAP_ECN_MASK]
				   [ip6_class(ip6_of(m)) & DECAP_ECN_MASK];

	if (unlikely(out == DECAP_ECN_DROP))
		return DECAP_ECN;
	ip->vtc_flow = (ip->vtc_flow & ~htonl(DECAP_ECN_MASK << 20)) | htonl((uint32_t)out << 20);
	rte_pktmbuf_adj(m, meta->outer);
	ip6_trim(m, ip6_total(ip));
	meta->flags = (uint8_t)((meta->flags & ~META_GRE) | META_DECAPSULATED);
	meta->subscriber = subscriber;
	meta->outer = 0;
	return DECAP_STEER;
}
