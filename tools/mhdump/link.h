/* Link layers of captures: where the IP packet of a frame begins. Pure functions: any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The registry of tcpdump.org; libpcap's DLT_RAW is 12 here. */
enum link_type {
	LINK_NULL = 0, /* BSD loopback: an address family in host order */
	LINK_ETHERNET = 1,
	LINK_DLT_RAW = 12,
	LINK_RAW = 101,  /* IPv4 or IPv6 */
	LINK_LOOP = 108, /* OpenBSD loopback */
	LINK_LINUX_SLL = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_LINUX_SLL2 = 276,
};

/* link_is_known: whether link_packet knows TYPE. */
bool link_is_known(int type);

/* link_packet: the IPv4 or IPv6 packet in the LEN octets of a frame of a TYPE that is known, behind
 * any VLAN tags. Returns it with its octets in *PACKET_LEN, NULL when the frame holds something
 * else or is cut. */
const uint8_t *link_packet(int type, const uint8_t *frame, size_t len, size_t *packet_len);
