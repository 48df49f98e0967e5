/*
 * Packets in: from what a data plane punted to the function that handles it, by tables of punt
 * reasons and MH types, with the checks of RFC 6275, 9.2 and 9.3.1.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "proto/channel/packet.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mh.h"

struct signalling;

/* A punted packet; everything points into the punt and lives as long as it. */
struct receive_packet {
	const char *data_plane;
	const struct packet_punt *punt;
	const struct mac *from; /* its sender on the link; NULL: it came through a tunnel */
	const uint8_t *ip;      /* the IPv6 header */
	size_t len;             /* octets from there */
	struct ip6_packet ip6;  /* the header chain, walked */
};

/* The Mobility Header of a packet. */
static inline const uint8_t *receive_mh(const struct receive_packet *packet)
{
	return packet->ip + packet->ip6.offset;
}
