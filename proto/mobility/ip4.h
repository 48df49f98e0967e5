/* IPv4 and UDP headers around mobility messages (RFC 791, 3.1; RFC 768): dual stack Mobile IPv6 and
 * Proxy Mobile IPv6 over IPv4. Pure functions: any thread. Numbers in host order, addresses in
 * network order. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IP4_HEADER_SIZE 20 /* octets without options */
#define IP4_TTL         64 /* of packets that we originate */
#define UDP_HEADER_SIZE 8

enum ip4_fault {
	IP4_FAULT_NONE = 0,
	IP4_FAULT_TRUNCATED,     /* fewer octets than header or total length say */
	IP4_FAULT_VERSION,       /* not version 4 */
	IP4_FAULT_HEADER_LENGTH, /* below 20 octets, or more than the total length */
	IP4_FAULT_CHECKSUM,      /* of the header */
	IP4_FAULT_COUNT
};

/* A decoded header; options are passed over. */
struct ip4_packet {
	struct in_addr src;
	struct in_addr dst;
	uint8_t tos;
	uint8_t ttl;
	uint8_t protocol;
	bool dont_fragment;
	bool more_fragments;
	uint16_t id;
	uint16_t fragment_offset; /* octets */
	uint16_t offset;          /* of the payload, from the start of the packet */
	uint16_t len;             /* octets of the payload */
};

/* ip4_packet_decode: reads the header of the packet PKT; LEN octets are there, those behind the
 * total length are ignored. Returns IP4_FAULT_NONE, or why the packet must be discarded (RFC 1122,
 * 3.2.1); OUT is then undefined. */
enum ip4_fault ip4_packet_decode(const uint8_t *pkt, size_t len, struct ip4_packet *out);

/* ip4_packet_is_fragment: whether it is only a part of what was sent. */
bool ip4_packet_is_fragment(const struct ip4_packet *packet);

/* ip4_fault_name: stable lower case name of a fault, for counters and logs. */
const char *ip4_fault_name(enum ip4_fault fault);

/* ip4_packet_encode: writes the header of 20 octets with its checksum for a payload of PACKET->len
 * octets that the caller puts behind it; `offset` is not looked at, a ttl of 0 is IP4_TTL. Returns
 * the octets written; -ENOSPC when the SIZE octets of BUF do not hold header and payload; -EINVAL
 * when packet or fragment offset cannot be. */
ssize_t ip4_packet_encode(const struct ip4_packet *packet, uint8_t *buf, size_t size);

struct udp_header {
	uint16_t src; /* ports */
	uint16_t dst;
	uint16_t len;      /* octets of the payload */
	uint16_t checksum; /* as on the wire; over IPv4 0 means none */
};

/* udp_decode: reads the header at UDP, LEN octets to the end of the packet. The payload starts
 * UDP_HEADER_SIZE octets behind UDP. The checksum is not looked at. Returns 0, or -EBADMSG when the
 * length cannot be. */
int udp_decode(const uint8_t *udp, size_t len, struct udp_header *out);

/* udp_encode: writes the header with checksum 0 for a payload of HEADER->len octets that the caller
 * puts behind it; then udp_checksum_set4. Returns the octets written; -ENOSPC when the SIZE octets
 * of BUF do not hold header and payload; -EINVAL when the payload is too long. */
ssize_t udp_encode(const struct udp_header *header, uint8_t *buf, size_t size);

/* udp_checksum_set4: writes the checksum into a datagram of LEN octets over IPv4. */
void udp_checksum_set4(
	const struct in_addr *src, const struct in_addr *dst, uint8_t *udp, size_t len);

/* udp_checksum_ok4, udp_checksum_ok6: whether the checksum of the datagram of LEN octets is right;
 * over IPv4 also when there is none (RFC 768), which over IPv6 is wrong (RFC 8200, 8.1). */
bool udp_checksum_ok4(
	const struct in_addr *src, const struct in_addr *dst, const uint8_t *udp, size_t len);
bool udp_checksum_ok6(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *udp, size_t len);
