/* ICMPv6 messages between a mobile node and its home agents: home agent address discovery and
 * mobile prefix discovery (RFC 6275, 6.5 to 6.8; the R flag: RFC 3963, 7.1 and 7.2). Pure
 * functions: any thread.
 *
 * They travel as struct icmp6_message, whose checksum icmp6.h takes care of. The home address
 * option of a solicitation and the type 2 routing header of an advertisement are those of the
 * packet: ip6.h. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/addr.h"
#include "proto/mobility/icmp6.h"

struct visitor;

enum home_discovery_flag {
	HOME_DISCOVERY_R = 0x8000, /* request, reply: home agents that serve mobile routers */
	HOME_DISCOVERY_M = 0x8000, /* advertisement: addresses by DHCPv6 (RFC 4861, 4.2) */
	HOME_DISCOVERY_O = 0x4000, /* advertisement: other configuration by DHCPv6 */
};

/* One of the four messages. */
struct home_discovery {
	uint8_t type;        /* ICMP6_TYPE_HOME_AGENT_REQUEST to _PREFIX_ADVERTISEMENT */
	uint16_t identifier; /* host order; copied from question to answer */
	uint16_t flags;      /* enum home_discovery_flag; 0 in a solicitation */
	/* Reply: home agent addresses, 16 octets each, the preferred one first. Solicitation and
	 * advertisement: Neighbour Discovery options. A view into the message. */
	const uint8_t *body;
	size_t body_len;
};

enum home_discovery_fault {
	HOME_DISCOVERY_FAULT_NONE = 0,
	HOME_DISCOVERY_FAULT_TYPE,   /* none of the four */
	HOME_DISCOVERY_FAULT_CODE,   /* not 0 */
	HOME_DISCOVERY_FAULT_LENGTH, /* reply: not a whole number of addresses */
	HOME_DISCOVERY_FAULT_OPTION, /* an option of length 0 or past the end (RFC 4861, 4.6) */
	HOME_DISCOVERY_FAULT_COUNT
};

/* home_discovery_fault_name: stable lower case name of a fault, for counters and logs. */
const char *home_discovery_fault_name(enum home_discovery_fault fault);

/* home_discovery_decode: reads what icmp6_decode gave. Returns HOME_DISCOVERY_FAULT_NONE, or why
 * the message must be discarded. */
enum home_discovery_fault home_discovery_decode(
	const struct icmp6_message *message, struct home_discovery *out);

/* home_discovery_message: fills OUT for icmp6_encode; its body is the view of IN. Returns 0, or
 * -EINVAL when home_discovery_decode would refuse it or it has flags that its type does not. */
int home_discovery_message(const struct home_discovery *in, struct icmp6_message *out);

/* home_discovery_addresses: number of addresses in a reply, 0 in other messages. */
size_t home_discovery_addresses(const struct home_discovery *message);

/* home_discovery_address: the one at INDEX, which is below home_discovery_addresses. */
struct in6_addr home_discovery_address(const struct home_discovery *message, size_t index);

/* home_discovery_anycast: the Mobile IPv6 Home-Agents anycast address of PREFIX (RFC 6275, 10.5;
 * RFC 2526, 2 and 3); where interface identifiers have 64 bits, the universal bit is clear. */
struct in6_addr home_discovery_anycast(const struct prefix6 *prefix);

/* home_discovery_clause: "RFC 6275, 6.5"; NULL for another ICMPv6 type. */
const char *home_discovery_clause(uint8_t type);

/* home_discovery_visit: the fields for printers: "identifier", "flags" where the message has them,
 * "home_agents" of a reply, "options" of the others as nd_option_visit gives them. */
int home_discovery_visit(const struct home_discovery *message, const struct visitor *v);
