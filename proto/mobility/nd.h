/* Neighbour Solicitation and Advertisement (RFC 4861, 4.3, 4.4 and 7.1), for duplicate address
 * detection on the home link and the defence of home addresses (RFC 6275, 10.3.1 and 10.4.1).
 * Pure functions: any thread. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/addr.h"

#define ND_HOP_LIMIT  255
#define ND_PACKET_MAX 72 /* octets that nd_encode writes: IPv6 header, 24, one option */

/* Flags of a Neighbour Advertisement (RFC 4861, 4.4). */
enum nd_flag {
	ND_FLAG_ROUTER = 0x80,
	ND_FLAG_SOLICITED = 0x40,
	ND_FLAG_OVERRIDE = 0x20,
};

/* Either message, with the addresses of its IPv6 header. */
struct nd_message {
	uint8_t type;          /* ICMP6_TYPE_NEIGHBOUR_SOLICITATION or _ADVERTISEMENT */
	uint8_t flags;         /* enum nd_flag; 0 in a solicitation */
	bool has_link_address; /* source (NS) or target (NA) link-layer address option, 6 octets */
	struct mac link_address;
	struct in6_addr src;
	struct in6_addr dst;
	struct in6_addr target;
};

enum nd_fault {
	ND_FAULT_NONE = 0,
	ND_FAULT_PACKET,    /* not a complete, unfragmented IPv6 packet with ICMPv6 */
	ND_FAULT_TYPE,      /* neither solicitation nor advertisement */
	ND_FAULT_HOP_LIMIT, /* not 255 */
	ND_FAULT_CHECKSUM,
	ND_FAULT_CODE,          /* not 0 */
	ND_FAULT_LENGTH,        /* less than 24 octets */
	ND_FAULT_TARGET,        /* multicast */
	ND_FAULT_OPTION_LENGTH, /* zero, past the end, or a link-layer address that is too short */
	ND_FAULT_DESTINATION,   /* from ::, but not to a solicited-node address */
	ND_FAULT_SOURCE_OPTION, /* from ::, but with a source link-layer address */
	ND_FAULT_SOLICITED,     /* advertisement to multicast with the solicited flag */
	ND_FAULT_COUNT
};

/* nd_fault_name: stable lower case name of a fault, for counters and logs. */
const char *nd_fault_name(enum nd_fault fault);

/* nd_decode: reads the IPv6 packet PKT of LEN octets and makes every validity check of RFC 4861,
 * 7.1.1 and 7.1.2. Returns ND_FAULT_NONE, or why the packet must be discarded silently. */
enum nd_fault nd_decode(const uint8_t *pkt, size_t len, struct nd_message *out);

/* nd_encode: writes the whole IPv6 packet, hop limit 255, checksum set. Returns the octets written;
 * -EINVAL when nd_decode would refuse it; -ENOSPC. */
ssize_t nd_encode(const struct nd_message *message, uint8_t *buf, size_t size);

/* nd_is_dad: whether a solicitation is somebody's duplicate address detection (RFC 4862, 5.4.3). */
bool nd_is_dad(const struct nd_message *message);

/* nd_dad_probe: fills OUT with the solicitation that asks whether TARGET is in use: from :: to its
 * solicited-node address, without option (RFC 4862, 5.4.2). */
void nd_dad_probe(const struct in6_addr *target, struct nd_message *out);

/* nd_proxy_advertisement: fills OUT with the advertisement by which SRC takes the traffic of TARGET
 * to the link-layer address MAC (RFC 6275, 10.4.1): override set, router clear. SOLICITATION is
 * what it answers (to all nodes when that came from ::), NULL for an unsolicited one to all nodes.
 */
void nd_proxy_advertisement(const struct in6_addr *src, const struct in6_addr *target,
	const struct mac *mac, const struct nd_message *solicitation, struct nd_message *out);
