/* IPv6 headers around a mobility message (RFC 8200, 4; RFC 6275, 6.3 and 6.4): walker and builder.
 *
 * The walker stands at the final destination of a packet: it reads one header chain up to the first
 * header that it does not open (upper layer, inner IP, ESP, AH, a fragment). No allocation, no
 * global state: any thread. Numbers in host order, addresses in network order.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define IP6_HEADER_SIZE 40
#define IP6_HEADERS_MAX 8  /* extension headers walked in one packet */
#define IP6_OPTIONS_MAX 64 /* options walked in one extension header, padding counted */
#define IP6_HOP_LIMIT   64 /* of packets that we originate */
#define IP6_BUILD_MAX   (IP6_HEADER_SIZE + 24 + 24) /* octets that ip6_build can write */
#define IP6_MIN_MTU     1280

/* Options of the hop-by-hop and destination options headers that the gateway knows. */
enum ip6_option {
	IP6_OPTION_PAD1 = 0,
	IP6_OPTION_PADN = 1,
	IP6_OPTION_TUNNEL_LIMIT = 4,    /* RFC 2473, 4.1.1 */
	IP6_OPTION_HOME_ADDRESS = 0xc9, /* RFC 6275, 6.3 */
};

enum ip6_fault {
	IP6_FAULT_NONE = 0,
	IP6_FAULT_TRUNCATED,        /* fewer octets than headers or payload length say */
	IP6_FAULT_VERSION,          /* not version 6 */
	IP6_FAULT_HEADERS,          /* more than IP6_HEADERS_MAX extension headers */
	IP6_FAULT_HEADER_LENGTH,    /* extension header runs past the payload */
	IP6_FAULT_HOP_BY_HOP_PLACE, /* hop-by-hop options not directly behind the IPv6 header */
	IP6_FAULT_OPTIONS,          /* more than IP6_OPTIONS_MAX options in a header */
	IP6_FAULT_OPTION_LENGTH,    /* option runs past its header or has a wrong length */
	IP6_FAULT_OPTION_UNKNOWN,   /* its type says that the packet must be discarded */
	IP6_FAULT_HOME_ADDRESS_REPEATED, /* RFC 6275, 6.3 */
	IP6_FAULT_HOME_ADDRESS_PLACE,    /* before a routing header or behind a fragment header */
	IP6_FAULT_HOME_ADDRESS_VALUE,    /* not a unicast routable address (9.3.1) */
	IP6_FAULT_ROUTING_TYPE,          /* other routing header with segments left */
	IP6_FAULT_ROUTING2_REPEATED,     /* more than one type 2 routing header */
	IP6_FAULT_ROUTING2_LENGTH,       /* Hdr Ext Len is not 2 (6.4.1) */
	IP6_FAULT_ROUTING2_SEGMENTS,     /* Segments Left is not 1 (6.4.1) */
	IP6_FAULT_ROUTING2_VALUE,        /* not a unicast routable address (6.4) */
	IP6_FAULT_COUNT
};

struct ip6_error {
	enum ip6_fault fault;
	uint16_t offset; /* of the octet at fault, from the start of the packet */
	uint32_t value;  /* what stood there */
};

/* What the walker found. 128 octets or so, on the stack of the caller. */
struct ip6_packet {
	struct in6_addr src; /* as on the wire */
	struct in6_addr dst; /* as on the wire */
	uint32_t flow_label;
	uint8_t traffic_class;
	uint8_t hop_limit;
	uint8_t headers; /* extension headers walked */
	uint8_t proto;   /* of the header at `offset` */
	uint16_t offset; /* of the first header that was not opened */
	uint16_t len;    /* octets from there to the end given by the payload length */

	bool has_home_address; /* home address option (RFC 6275, 6.3) */
	bool has_routing2;     /* type 2 routing header (RFC 6275, 6.4) */
	bool has_tunnel_limit; /* tunnel encapsulation limit (RFC 2473, 4.1.1) */
	bool is_fragment;      /* a true fragment: `offset` is behind the fragment header */
	bool more_fragments;
	uint8_t tunnel_limit;
	uint16_t fragment_offset; /* octets */
	uint32_t fragment_id;
	struct in6_addr home_address;
	struct in6_addr routing2; /* the home address in the type 2 routing header */
};

/* ip6_packet_decode: walks the packet PKT, LEN octets from its IPv6 header on; octets behind the
 * payload length are ignored. Jumbograms (RFC 2675) are not supported: their payload length of 0
 * leaves no room for the header that says so. Unknown options are handled as their type says (RFC
 * 8200, 4.2). Returns 0, or -EBADMSG and the first fault in ERR (which may be NULL); OUT is then
 * undefined. */
int ip6_packet_decode(
	const uint8_t *pkt, size_t len, struct ip6_packet *out, struct ip6_error *err);

/* ip6_packet_effective_src: the source for upper layers: the home address when the packet has a
 * home address option (RFC 6275, 9.3.1 and 11.3.1). */
const struct in6_addr *ip6_packet_effective_src(const struct ip6_packet *packet);

/* ip6_packet_effective_dst: the destination for upper layers: the home address when the packet has
 * a type 2 routing header (RFC 6275, 6.4; RFC 8200, 8.1). */
const struct in6_addr *ip6_packet_effective_dst(const struct ip6_packet *packet);

/* ip6_fault_name: stable lower case name of a fault, for counters and logs. */
const char *ip6_fault_name(enum ip6_fault fault);

/* ip6_error_icmp: the code of the ICMPv6 Parameter Problem that this fault asks for, pointer =
 * error.offset, or -1 when the packet is dropped silently (RFC 8200, 4.2 and 4.4; RFC 6275, 6.4).
 * DST is the destination of the packet, NULL when it cannot be read. */
int ip6_error_icmp(const struct ip6_error *error, const struct in6_addr *dst);

/* What ip6_build shall write. Addresses are those of the wire: a mobile node away from home gives
 * its care-of address as SRC and its home address as HOME_ADDRESS; who answers it gives the care-of
 * address as DST and the home address as ROUTING2. */
struct ip6_build {
	struct in6_addr src;
	struct in6_addr dst;
	const struct in6_addr *home_address; /* NULL: no home address option */
	const struct in6_addr *routing2;     /* NULL: no type 2 routing header */
	uint32_t flow_label;                 /* 20 bits */
	uint16_t payload_len;                /* octets that the caller puts behind the headers */
	uint8_t traffic_class;
	uint8_t hop_limit; /* 0: IP6_HOP_LIMIT */
	uint8_t proto;     /* of the payload */
};

/* ip6_build_size: octets of the headers that ip6_build will write. */
size_t ip6_build_size(const struct ip6_build *build);

/* ip6_build: writes IPv6 header, type 2 routing header, destination options with the home address
 * option (8n+6), in this order (RFC 6275, 6.3 and 6.4). Returns the octets written, which is the
 * offset of the payload; -ENOSPC when the SIZE octets of BUF do not hold headers and payload;
 * -EINVAL when a value is wider than its field. */
ssize_t ip6_build(const struct ip6_build *build, uint8_t *buf, size_t size);
