/* ICMPv6 as the control plane needs it (RFC 4443): header, checksum and error messages. Neighbour
 * Discovery is in nd.h. Pure functions: any thread. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ICMP6_NEXT_HEADER 58
#define ICMP6_HEADER_SIZE 8
#define ICMP6_AT_CHECKSUM 2 /* octets before the checksum */

enum icmp6_type {
	ICMP6_TYPE_UNREACHABLE = 1,
	ICMP6_TYPE_PACKET_TOO_BIG = 2,
	ICMP6_TYPE_TIME_EXCEEDED = 3,
	ICMP6_TYPE_PARAMETER_PROBLEM = 4,
	ICMP6_TYPE_ECHO_REQUEST = 128,
	ICMP6_TYPE_ECHO_REPLY = 129,
	ICMP6_TYPE_ROUTER_SOLICITATION = 133,
	ICMP6_TYPE_ROUTER_ADVERTISEMENT = 134,
	ICMP6_TYPE_NEIGHBOUR_SOLICITATION = 135,
	ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT = 136,
	ICMP6_TYPE_HOME_AGENT_REQUEST = 144, /* RFC 6275, 6.5 to 6.8: home_discovery.h */
	ICMP6_TYPE_HOME_AGENT_REPLY = 145,
	ICMP6_TYPE_PREFIX_SOLICITATION = 146,
	ICMP6_TYPE_PREFIX_ADVERTISEMENT = 147,
};

/* Codes of a Parameter Problem (RFC 4443, 3.4). */
enum icmp6_parameter_code {
	ICMP6_PARAMETER_FIELD = 0,  /* erroneous header field */
	ICMP6_PARAMETER_HEADER = 1, /* unrecognised next header */
	ICMP6_PARAMETER_OPTION = 2, /* unrecognised option */
};

/* An ICMPv6 message: head and a view of what follows the first eight octets. */
struct icmp6_message {
	uint8_t type;
	uint8_t code;
	uint32_t value;      /* octets 4 to 7: pointer, MTU, identifier and sequence ... */
	const uint8_t *body; /* for errors: as much of the offending packet as was returned */
	size_t body_len;
};

/* icmp6_is_error: true for types below 128 (RFC 4443, 2.1). */
static inline bool icmp6_is_error(uint8_t type)
{
	return type < 128;
}

/* icmp6_type_name: name of a type of the enum above, "unknown" for others. */
const char *icmp6_type_name(uint8_t type);

/* icmp6_checksum: checksum of the LEN octets of a message, its own field taken as 0 (RFC
 * 4443, 2.3); SRC and DST are effective addresses, as for mh_checksum. Host order. */
uint16_t icmp6_checksum(
	const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp, size_t len);

/* icmp6_decode: reads the message ICMP of LEN octets and checks its checksum. The view points into
 * ICMP. Returns 0; -EBADMSG when it is shorter than eight octets; -EILSEQ when the checksum is
 * wrong, OUT then being what stands there. */
int icmp6_decode(const struct in6_addr *src, const struct in6_addr *dst, const uint8_t *icmp,
	size_t len, struct icmp6_message *out);

/* icmp6_encode: writes the message with its checksum. Returns the octets written, or -ENOSPC. */
ssize_t icmp6_encode(const struct in6_addr *src, const struct in6_addr *dst,
	const struct icmp6_message *message, uint8_t *buf, size_t size);

/* icmp6_may_answer: whether an error may be sent about the packet PKT of LEN octets: not about an
 * ICMPv6 error or a redirect, not to a source that is not one node, not about a packet to a
 * multicast address (unless ALLOW_MULTICAST: Packet Too Big and Parameter Problem code 2) (RFC
 * 4443, 2.4 (e)). */
bool icmp6_may_answer(const uint8_t *pkt, size_t len, bool allow_multicast);

/* icmp6_parameter_problem: a whole IPv6 packet from SRC to the source address of the packet PKT, as
 * it stood on the wire: Parameter Problem with CODE and POINTER (octets from the start of PKT),
 * quoting as much of PKT as fits 1,280 octets (RFC 4443, 3.4). Returns the octets written; -EPERM
 * when icmp6_may_answer forbids it; -ENOSPC. */
ssize_t icmp6_parameter_problem(const struct in6_addr *src, uint8_t code, uint32_t pointer,
	const uint8_t *pkt, size_t len, uint8_t *buf, size_t size);
