/* The outer header of the tunnel's packets (RFC 2473): written, its congestion marks read, and what
 * is said about it when it does not fit. Pure functions. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

enum {
	ENCAP_HEADER_SIZE = 40,
	ENCAP_HOP_LIMIT = 64,
};

/*
 * Writes the outer header of the IPv6 packet INNER, len octets (at least its header): traffic class
 * and ECN copied (RFC 6040, 4.1, normal mode), a flow label that is never 0 and the same for all
 * packets between the same addresses and, for TCP and UDP, ports (RFC 6438, 3).
 */
void encap_header(const uint8_t *inner, size_t len, const struct in6_addr *local,
	const struct in6_addr *remote, uint8_t out[static ENCAP_HEADER_SIZE]);

/*
 * Combines the congestion marks of both headers into the inner one, given the outer traffic class
 * (RFC 6040, 4.2, figure 4). False: the packet must be dropped, for it met congestion and its
 * transport cannot be told by a mark.
 */
bool encap_combine_ecn(uint8_t *inner, uint8_t outer_class);

/*
 * Reads an ICMPv6 message from its Type octet. Returns the MTU that a Packet Too Big reports for a
 * packet of the tunnel from local to remote, at least 1280 (RFC 2473, 7.1; RFC 8201, 4), or 0: it
 * is another message.
 */
uint32_t encap_path_mtu(const uint8_t *icmp, size_t len, const struct in6_addr *local,
	const struct in6_addr *remote);
