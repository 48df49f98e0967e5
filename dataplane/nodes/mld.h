/*
 * Which packets are Multicast Listener Discovery: whoever listens on a link says so by them, also
 * to the address of the group itself (RFC 2710, 4), and whether they are sound is for control to
 * judge.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/nodes/ip6.h"

enum {
	MLD_HOP_BY_HOP = 0,  /* Next Header */
	MLD_QUERY = 130,     /* RFC 3810, 5.1 */
	MLD_V1_REPORT = 131, /* RFC 2710, 3 */
	MLD_V1_DONE = 132,
	MLD_V2_REPORT = 143, /* RFC 3810, 5.2 */
};

/* Whether the packet of len octets is one, with hop-by-hop options or, against the rules, without.
 */
static inline bool mld_is(const struct rte_ipv6_hdr *ip, uint16_t len)
{
	const uint8_t *at = (const uint8_t *)(ip + 1);
	uint8_t next = ip->proto;
	uint32_t left = len - IP6_LEN;

	if (next == MLD_HOP_BY_HOP && left >= 8) {
		const uint32_t size = 8 + 8 * (uint32_t)at[1];

		if (size >= left)
			return false;
		next = at[0];
		at += size;
		left -= size;
	}
	return next == IP6_ICMP && left &&
	       (*at == MLD_QUERY || *at == MLD_V1_REPORT || *at == MLD_V1_DONE ||
		       *at == MLD_V2_REPORT);
}
