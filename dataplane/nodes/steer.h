/*
 * What steer asks of one packet, for it and for express.
 */
#pragma once

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"

enum {
	STEER_ND_FIRST = 133, /* Router Solicitation ... Redirect (RFC 4861, 4) */
	STEER_ND_LAST = 137,
};

/* Whether a packet, its data at the IPv6 header, is Neighbour Discovery. */
static inline bool steer_is_discovery(struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = ip6_of(m);
	uint8_t type;

	if (likely(ip->proto != IP6_ICMP) || m->data_len <= IP6_LEN)
		return false;
	type = *(const uint8_t *)(ip + 1);
	return type >= STEER_ND_FIRST && type <= STEER_ND_LAST;
}
