/* The packets of Multicast Listener Discovery (RFC 3810; RFC 2710): IPv6 with a Router Alert option
 * around a message of mcast.h. Pure functions: any thread. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define MLD_PACKET_HEAD 48 /* octets before the message: IPv6 header and hop-by-hop options */

/* Why a packet is not heeded. */
enum mld_fault {
	MLD_FAULT_NONE = 0,
	MLD_FAULT_OTHER,     /* it is something else */
	MLD_FAULT_SOURCE,    /* neither link-local nor, in a report, unspecified */
	MLD_FAULT_HOP_LIMIT, /* not 1: from another link */
	MLD_FAULT_ALERT,     /* without Router Alert option */
	MLD_FAULT_CHECKSUM,
	MLD_FAULT_COUNT
};

/* mld_fault_name: stable lower case name of a fault, for counters and logs. */
const char *mld_fault_name(enum mld_fault fault);

/* mld_packet_decode: looks whether the IPv6 packet PKT is a query, report or done that a node on
 * the link may have sent (RFC 3810, 5.1.14, 5.2.13, 6.2 and 7.4; RFC 2710, 3). *MLD is then the
 * message of *MLD_LEN octets, its checksum right. */
enum mld_fault mld_packet_decode(
	const uint8_t *pkt, size_t len, const uint8_t **mld, size_t *mld_len);

/* mld_packet_decode_of: the same in a tunnel of Mobile IPv6, where reports may also come from the
 * home address OWN of the node at its other end (RFC 6275, 10.4.3). */
enum mld_fault mld_packet_decode_of(const uint8_t *pkt, size_t len, const struct in6_addr *own,
	const uint8_t **mld, size_t *mld_len);

/* mld_packet_finish: writes the headers, and the checksum, around the message of MLD_LEN octets
 * that stands at BUF + MLD_PACKET_HEAD (RFC 3810, 5: hop limit 1, Router Alert of RFC 2711 with
 * value 0). Returns the octets of the packet, or -EINVAL when it is too long. */
ssize_t mld_packet_finish(
	const struct in6_addr *src, const struct in6_addr *dst, uint8_t *buf, size_t mld_len);
