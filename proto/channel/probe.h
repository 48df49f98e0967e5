/*
 * Probes of tunnels: Echo Requests (RFC 4443, 4.1) from one end to the other, which any IPv6 node
 * answers. Control makes them and has a data plane send them; by their identifier and the first
 * octets of their data a data plane knows the answers, and hands them to control (PACKET_ICMP)
 * instead of the kernel.
 */
#pragma once

#include <stdint.h>

#define PROBE_IDENTIFIER 0x444d
#define PROBE_MAGIC      0x646d6d70 /* "dmmp" */

enum {
	PROBE_AT_IDENTIFIER = 4, /* in the ICMPv6 message, as all big endian */
	PROBE_AT_SEQUENCE = 6,
	PROBE_AT_MAGIC = 8,
	PROBE_AT_COOKIE = 12, /* 64 bits that only those know who have seen a probe */
	PROBE_LEN = 20,
};
