/* Options of Neighbour Discovery (RFC 4861, 4.6) and those that Mobile IPv6 adds (RFC 6275, 7.2 to
 * 7.4), as rows of a table: number, name, length, fields. Pure functions over constant tables: any
 * thread. Numbers in host order, addresses in network order. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"
#include "proto/mobility/field.h"

struct visitor;

#define ND_OPTION_UNIT 8 /* octets in one unit of an option's length */

enum nd_option_type {
	ND_OPTION_SOURCE = 1, /* source link-layer address: RFC 4861, 4.6.1 */
	ND_OPTION_TARGET = 2, /* target link-layer address: RFC 4861, 4.6.1 */
	ND_OPTION_PREFIX = 3, /* Prefix Information: RFC 4861, 4.6.2; RFC 6275, 7.2 */
	ND_OPTION_MTU = 5,
	ND_OPTION_INTERVAL = 7,   /* Advertisement Interval: RFC 6275, 7.3 */
	ND_OPTION_HOME_AGENT = 8, /* Home Agent Information: RFC 6275, 7.4 */
};

enum nd_option_prefix_flag {
	ND_OPTION_ON_LINK = 0x80,        /* L */
	ND_OPTION_AUTONOMOUS = 0x40,     /* A */
	ND_OPTION_ROUTER_ADDRESS = 0x20, /* R: `address` is the router's own (RFC 6275, 7.2) */
};

#define ND_OPTION_SERVES_ROUTERS 0x8000 /* R of Home Agent Information (RFC 3963, 7.3) */

struct nd_option_prefix {
	struct in6_addr address; /* all bits as on the wire */
	uint8_t len;             /* bits of it that are the prefix */
	uint8_t flags;           /* enum nd_option_prefix_flag, and what is reserved */
	uint32_t valid_s;        /* all ones: for ever */
	uint32_t preferred_s;
};

struct nd_option_home_agent {
	uint16_t flags; /* ND_OPTION_SERVES_ROUTERS, and what is reserved */
	uint16_t preference;
	uint16_t lifetime_s;
};

/* One option; views point into the octets that were decoded. */
struct nd_option {
	uint8_t type;            /* enum nd_option_type, or any other */
	uint8_t units;           /* its length */
	bool is_known;           /* a row of the table, with the length of that row */
	struct field_bytes body; /* what follows the Length octet; at most 255 octets of it */
	union {
		struct field_bytes link_address; /* with padding; of Ethernet the first six */
		struct nd_option_prefix prefix;
		uint32_t mtu;
		uint32_t interval_ms;
		struct nd_option_home_agent home_agent;
	};
};

/* A row of the table. */
struct nd_option_def {
	const char *name;
	const char *clause; /* "RFC 6275, 7.3" */
	uint8_t type;
	uint8_t units;              /* 0: any */
	const struct field *fields; /* `at` from the Type octet, members from struct nd_option */
};

/* nd_option_find: the row of TYPE, NULL when the number is not known. */
const struct nd_option_def *nd_option_find(uint8_t type);

/* nd_option_next: reads the option at C and moves behind it. One that is unknown, or not of the
 * length of its row, is to be ignored (RFC 4861, 4.6): is_known is false. Returns false at the end,
 * and when the length is zero or runs past it, which is an error in C. */
bool nd_option_next(struct cursor *c, struct nd_option *out);

/* nd_option_prefix_encode: writes a Prefix Information option (RFC 6275, 7.2). */
void nd_option_prefix_encode(struct writer *w, const struct nd_option_prefix *prefix);

/* nd_option_visit: the option for printers, as an object: "type", "name", "length", then its fields
 * or its octets as "data". */
int nd_option_visit(const struct nd_option *option, const struct visitor *v);
