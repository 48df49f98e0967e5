/* Finding mobility messages in packets: directly behind IPv6 headers, among ICMPv6, in the UDP
 * ports of RFC 5555 and RFC 5844, inside IP-in-IP, GRE and TLV headers. What is encrypted is found,
 * not opened. Pure functions over what the caller holds: any thread. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/mobility/home_discovery.h"
#include "proto/mobility/mh.h"

enum dissect_kind {
	DISSECT_MESSAGE,   /* a Mobility Header */
	DISSECT_DISCOVERY, /* ICMPv6 144 to 147 (RFC 6275, 6.5 to 6.8) */
	DISSECT_ESP,       /* encrypted: may hold one (RFC 4303) */
	DISSECT_FRAGMENT,  /* a part of a packet with one: not put together */
	DISSECT_BROKEN,    /* the headers before it are wrong */
};

enum dissect_checksum {
	DISSECT_CHECKSUM_UNKNOWN = 0, /* no addresses, or the message is cut */
	DISSECT_CHECKSUM_GOOD,
	DISSECT_CHECKSUM_BAD,
	DISSECT_CHECKSUM_IGNORED, /* that of UDP protects (RFC 5844, 4.1.3.2) */
};

/* What is wrong, where, and which value stands there. */
struct dissect_error {
	const char *what;   /* stable name of the fault, NULL when nothing is wrong */
	const char *header; /* of which `offset` counts the octets: "IPv6", "Mobility Header" ... */
	uint32_t offset;
	uint64_t value;
	char text[240]; /* one line for people */
};

/* One find; about 2.5 KiB. It and what it points to live until the callback returns. */
struct dissect_found {
	enum dissect_kind kind;
	enum dissect_checksum checksum;
	int family;      /* of src and dst: AF_INET6, AF_INET; 0 when there are none */
	uint8_t src[16]; /* of the innermost IP header, as on the wire */
	uint8_t dst[16];
	bool has_home_address; /* option or type 2 routing header (RFC 6275, 6.3 and 6.4) */
	struct in6_addr home_address;
	char headers[80]; /* those before it: "IPv4, UDP 4191, IPv6" */
	bool has_type;    /* a message whose type can be read */
	uint8_t type;     /* enum mh_type or an unknown number; of DISCOVERY the ICMPv6 type */
	bool is_decoded;  /* mh or discovery is valid; options of mh up to the one at fault */
	union {
		struct mh mh;                    /* MESSAGE */
		struct home_discovery discovery; /* DISCOVERY */
	};
	uint32_t spi;      /* ESP */
	uint32_t sequence; /* ESP */
	struct dissect_error error;
};

typedef void dissect_fn(void *context, const struct dissect_found *found);

struct dissect {
	dissect_fn *fn; /* called once for each find, in the order of the packet */
	void *context;
	struct option_numbers numbers; /* of options that the registry does not know */
};

/* dissect_packet: looks through the IPv4 or IPv6 packet PKT, LEN octets of which are there. */
void dissect_packet(const struct dissect *d, const uint8_t *pkt, size_t len);

/* dissect_message: takes the LEN octets at MH for a Mobility Header without a packet around it. */
void dissect_message(const struct dissect *d, const uint8_t *mh, size_t len);
