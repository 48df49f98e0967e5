/*
 * The packets of user traffic: writing them fast, and knowing them again when they come back.
 *
 * The subscriber's packet is UDP over IPv6. Its payload begins with a mark of 16 octets, in network
 * order, and is zero behind it:
 *
 *	trial 16 bits | stream 8 | time 40 | flow 32 | sequence number 32
 *
 * Time is in nanoseconds and wraps after 18 minutes. The flow is the number of the subscriber, or
 * of the group. Uplink packets are in an IPv6 tunnel from the care-of address (RFC 2473, 3.1).
 * Pure functions: any thread. Numbers are in host order, addresses in network order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "tools/pktgen/population.h"

enum packet_stream {
	PACKET_DOWNLINK,  /* from the correspondent to a home address; comes back in a tunnel */
	PACKET_UPLINK,    /* out of a tunnel to the correspondent; comes back plain */
	PACKET_MULTICAST, /* from the correspondent to a group; comes back in tunnels of members */
	PACKET_STREAMS
};

/* "downlink", "uplink", "multicast"; NULL-terminated. */
extern const char *const packet_stream_names[PACKET_STREAMS + 1];

enum {
	PACKET_HEAD = 128, /* octets that packet_write() may write: all headers and the mark */
	PACKET_ETHERNET = 14,
	PACKET_IP6 = 40,
	PACKET_UDP = 8,
	PACKET_MARK = 16,
	PACKET_FIRST_SOURCE_PORT = 0xc000, /* plus the flow modulo 2^14: for those who hash ports */
	PACKET_TIME_BITS = 40,
};
static_assert(PACKET_ETHERNET + 2 * PACKET_IP6 + PACKET_UDP + PACKET_MARK <= PACKET_HEAD,
	"all that is not zero is in the head");

/* Latency is the difference of two times modulo this. */
#define PACKET_TIME_MASK ((1ull << PACKET_TIME_BITS) - 1)

/* Between whom packets go; constant while packets are written. */
struct packet_plan {
	const struct population *population;
	struct in6_addr tunnel; /* the gateway's end of tunnels */
	struct in6_addr correspondent;
	struct in6_addr group; /* of flow 0 of the multicast stream; others follow */
	uint16_t udp_port;     /* destination port */
};

/* The head of a stream's packets, with zeros where they differ, and the sum over it. */
struct packet_template {
	enum packet_stream stream;
	uint16_t ip_at; /* of the subscriber's packet, octets from the Ethernet header */
	uint64_t sum;   /* of what the UDP checksum covers and is the same in all packets */
	uint8_t head[PACKET_HEAD];
};

struct packet_mark {
	uint16_t trial;
	uint8_t stream; /* enum packet_stream */
	uint64_t time;  /* nanoseconds, the lowest PACKET_TIME_BITS */
	uint32_t flow;
	uint32_t sequence;
};

/* Prepares a stream between two MAC addresses; for multicast `to` is not used (RFC 2464, 7). */
void packet_template_init(struct packet_template *t, const struct packet_plan *plan,
	enum packet_stream stream, const struct mac *from, const struct mac *to);

/* Writes a packet of `size` octets (SIZES_MIN or more, without tunnel) to a frame whose octets
 * behind PACKET_HEAD are zero, with its UDP checksum. Returns the octets of the frame, without
 * check sequence. */
uint16_t packet_write(const struct packet_template *t, const struct packet_plan *plan,
	const struct packet_mark *mark, uint16_t size, uint8_t *frame);

enum packet_kind {
	PACKET_OTHER,      /* anything else */
	PACKET_MARKED,     /* ours */
	PACKET_DAMAGED,    /* ours, but with a wrong checksum */
	PACKET_ND,         /* a Neighbour Solicitation or Advertisement, not yet checked */
	PACKET_ICMP_ERROR, /* an ICMPv6 error */
	PACKET_MOBILITY,   /* a Mobility Header, directly or behind a routing header */
	PACKET_KINDS
};

/* What a received frame is. Pointers are into the frame. */
struct packet_seen {
	enum packet_kind kind;
	const uint8_t *ip; /* the outermost IPv6 header; not for PACKET_OTHER */
	size_t ip_len;     /* octets from there */
	bool tunnelled;    /* for PACKET_MARKED: the outer header is a tunnel's */
	uint16_t size;     /* of the subscriber's packet, octets */
	const uint8_t *inner;
	struct packet_mark mark;
};

/* Looks at a frame of len octets, Ethernet header first. Marks are known by UDP_PORT. */
void packet_read(const uint8_t *frame, size_t len, uint16_t udp_port, struct packet_seen *out);

/* Whether a marked packet came the way that its stream must come back: in a tunnel from the gateway
 * to the care-of address of its subscriber at place 0, or plain; and with its own addresses. */
bool packet_came_right(const struct packet_plan *plan, const struct packet_seen *seen);
