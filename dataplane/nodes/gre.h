/*
 * GRE headers in front of IPv6 packets (RFC 2784, RFC 2890), for the node gre, for express, and for
 * those who look into tunnel packets.
 */
#pragma once

#include <rte_ip.h>

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/tables/path_table.h"

enum gre_edge { GRE_DECAP, GRE_NUMBERED, GRE_HEADER, GRE_PROTOCOL, GRE_EDGES };

enum {
	GRE_CHECKSUM_PRESENT = 0x8000,
	GRE_KEY_PRESENT = 0x2000,
	GRE_SEQUENCE_PRESENT = 0x1000,
	GRE_RESERVED = 0x4c00, /* bits 1, 4 and 5: what has any is discarded (RFC 2784, 2.2) */
	GRE_VERSION = 0x0007,
	GRE_SUM = 0xffff, /* of what has a right checksum */
	GRE_WORD = 4,     /* octets of each field behind the first */
	GRE_LEN_MAX = 4 * GRE_WORD,
};

/* What a GRE header says. */
struct gre_header {
	struct path_mark mark;
	uint8_t len;     /* octets */
	bool checksum;   /* it has one */
	bool numbered;   /* it ends with a sequence number */
	rte_be16_t type; /* of what follows */
};

/* Reads the GRE header at the beginning of len octets; false: there is none that we know. */
static inline bool gre_read(const uint8_t *at, uint32_t len, struct gre_header *out)
{
	uint16_t flags;

	if (len < PATH_GRE_LEN)
		return false;
	flags = (uint16_t)(at[0] << 8 | at[1]);
	memcpy(&out->type, at + 2, sizeof(out->type));
	out->checksum = flags & GRE_CHECKSUM_PRESENT;
	out->mark = (struct path_mark){.gre = PATH_GRE_LEN};
	out->len = (uint8_t)(PATH_GRE_LEN + (out->checksum ? GRE_WORD : 0));
	if (flags & GRE_KEY_PRESENT) {
		out->mark.gre = PATH_GRE_KEYED;
		if (len >= (uint32_t)out->len + GRE_WORD)
			memcpy(&out->mark.key, at + out->len, sizeof(out->mark.key));
		out->len += GRE_WORD;
	}
	out->numbered = flags & GRE_SEQUENCE_PRESENT;
	if (out->numbered)
		out->len += GRE_WORD;
	return !(flags & (GRE_RESERVED | GRE_VERSION)) && len >= out->len;
}

/*
 * Looks at the GRE header at meta.outer of a packet that came in a tunnel. GRE_DECAP: meta.outer is
 * that of the inner header now, and meta says what the header did; GRE_NUMBERED: likewise, and it
 * has a sequence number; else nothing has changed.
 */
static inline rte_edge_t gre_one(struct rte_mbuf *m)
{
	struct meta *meta = meta_of(m);
	const uint8_t *at = rte_pktmbuf_mtod_offset(m, const uint8_t *, meta->outer);
	const uint32_t total = ip6_total(ip6_of(m));
	struct gre_header gre;

	if (unlikely(total > m->data_len || total < meta->outer ||
		     !gre_read(at, total - meta->outer, &gre)))
		return GRE_HEADER;
	if (unlikely(gre.checksum && rte_raw_cksum(at, total - meta->outer) != GRE_SUM))
		return GRE_HEADER;
	if (unlikely(gre.type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)))
		return GRE_PROTOCOL;
	meta->flags |= META_GRE;
	meta->gre = gre.mark.gre;
	meta->key = gre.mark.key;
	meta->outer = (uint8_t)(meta->outer + gre.len);
	meta->numbered = gre.numbered;
	return unlikely(gre.numbered) ? GRE_NUMBERED : GRE_DECAP;
}

/* Octets of the GRE header, or of none, in front of an IPv6 packet that is in len octets of payload
 * of an IPv6 header with this protocol; negative: there is no IPv6 packet. */
static inline int gre_inner(const uint8_t *at, uint32_t len, uint8_t protocol)
{
	struct gre_header gre = {.type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)};

	if (protocol != IP6_TUNNEL && (protocol != IPPROTO_GRE || !gre_read(at, len, &gre) ||
					      gre.type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)))
		return -1;
	return len >= (uint32_t)gre.len + IP6_LEN ? gre.len : -1;
}
