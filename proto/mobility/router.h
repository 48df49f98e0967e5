/* Router Advertisements (RFC 4861, 4.2) with what home agents add: H flag, router addresses,
 * advertisement interval, home agent information (RFC 6275, 7.1 to 7.4; RFC 3963, 7.3). Pure
 * functions: any thread. Numbers in host order, addresses in network order. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/addr.h"
#include "proto/mobility/nd_option.h"

#define ROUTER_PREFIXES_MAX 16

/* Flags of the advertisement. */
enum router_flag {
	ROUTER_MANAGED = 0x80,    /* M: addresses by DHCPv6 */
	ROUTER_OTHER = 0x40,      /* O: other configuration by DHCPv6 */
	ROUTER_HOME_AGENT = 0x20, /* H: RFC 6275, 7.1 */
};

/* An advertisement; about 500 octets. Options that are not there: false or 0. */
struct router {
	uint8_t hop_limit;   /* for packets of hosts; 0: unspecified */
	uint8_t flags;       /* enum router_flag */
	uint16_t lifetime_s; /* 0: not a default router */
	uint32_t reachable_ms;
	uint32_t retransmit_ms;

	bool has_link_address; /* Source Link-Layer Address */
	struct mac link_address;
	uint32_t mtu;
	uint32_t interval_ms; /* at most between unsolicited ones (RFC 6275, 7.3) */

	/* Home Agent Information (RFC 6275, 7.4). Without it the preference is 0 and the lifetime
	 * that of the router, which the decoder fills in when H is set. */
	bool has_home_agent;
	bool serves_routers; /* R: mobile routers too (RFC 3963, 7.3) */
	uint16_t preference; /* higher is better */
	uint16_t home_agent_lifetime_s;

	uint8_t prefix_count;
	uint8_t prefixes_left_out; /* decoded only: more than fit, up to 255 */
	struct nd_option_prefix prefixes[ROUTER_PREFIXES_MAX];
};

enum router_fault {
	ROUTER_FAULT_NONE = 0,
	ROUTER_FAULT_TRUNCATED,     /* shorter than 16 octets */
	ROUTER_FAULT_TYPE,          /* another ICMPv6 type */
	ROUTER_FAULT_CODE,          /* not 0 */
	ROUTER_FAULT_OPTION_LENGTH, /* zero, or past the end */
	ROUTER_FAULT_COUNT
};

/* router_fault_name: stable lower case name of a fault, for counters and logs. */
const char *router_fault_name(enum router_fault fault);

/* router_decode: reads the ICMPv6 message MSG of LEN octets (RFC 4861, 6.1.2: hop limit, source and
 * checksum are the caller's to check). Options that are unknown, of a length that is not theirs, a
 * prefix longer than 128 bits, and a Home Agent Information option without the H flag or with
 * lifetime 0 are ignored. Returns ROUTER_FAULT_NONE, or why it must be discarded. */
enum router_fault router_decode(const uint8_t *msg, size_t len, struct router *out);

/* router_encode: writes the message with checksum 0: see icmp6_checksum. Returns the octets
 * written; -ENOSPC; -EINVAL when router_decode would read something else. */
ssize_t router_encode(const struct router *router, uint8_t *buf, size_t size);

/* router_address: the first address of the router itself that it advertises, NULL when there is
 * none: that of a home agent on this link. */
const struct in6_addr *router_address(const struct router *router);
