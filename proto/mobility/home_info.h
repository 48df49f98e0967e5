/* Home network information in DHCPv6 (RFC 6610, 3; the option format: RFC 8415, 21.1), from which a
 * mobile node learns home agents and home prefixes. One option at a time: those that contain others
 * give a view of them, to be walked the same way. Nothing is allocated. Pure functions: any thread.
 * Numbers in host order, addresses in network order. */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/addr.h"

#define HOME_INFO_NAME_MAX  255  /* octets of a domain name (RFC 1035, 3.1) */
#define HOME_INFO_TEXT_SIZE 1010 /* of its text with escapes and the final NUL */

/* DHCPv6 option codes (RFC 6610, 6). */
enum home_info_code {
	HOME_INFO_NETWORK_ID = 49,   /* name of the home network that the node asks about */
	HOME_INFO_VISITED = 50,      /* contains what is known of the visited network */
	HOME_INFO_IDENTIFIED = 69,   /* ... of the network with that name */
	HOME_INFO_UNRESTRICTED = 70, /* ... of one that the server chooses */
	HOME_INFO_PREFIX = 71,       /* home network prefix */
	HOME_INFO_AGENT = 72, /* home agent; an IPv4 address within 64:ff9b::/96 (RFC 6052, 2.1) */
	HOME_INFO_AGENT_NAME = 73, /* domain name of a home agent */
};

/* One option. */
struct home_info {
	uint16_t code; /* enum home_info_code, or any other number: its octets are in `octets` */
	union {
		struct prefix6 prefix; /* PREFIX; bits behind its length are cleared */
		struct in6_addr agent; /* AGENT */
		struct {               /* all others; names: labels as in the DNS, not compressed */
			const uint8_t *at;
			uint16_t len;
		} octets;
	};
};

enum home_info_fault {
	HOME_INFO_FAULT_NONE = 0,
	HOME_INFO_FAULT_TRUNCATED, /* option runs past the end */
	HOME_INFO_FAULT_LENGTH,    /* a length that the option cannot have */
	HOME_INFO_FAULT_PREFIX,    /* a prefix longer than 128 bits */
	HOME_INFO_FAULT_NAME,      /* not one complete domain name */
	HOME_INFO_FAULT_COUNT
};

/* home_info_fault_name: stable lower case name of a fault, for counters and logs. */
const char *home_info_fault_name(enum home_info_fault fault);

/* home_info_next: reads the option at octet *AT of the LEN octets of OPTIONS; *AT starts with 0 and
 * is moved behind it. Returns 1; 0 at the end; -EBADMSG with the reason in FAULT (which may be
 * NULL) and *AT where it was. */
int home_info_next(const uint8_t *options, size_t len, size_t *at, struct home_info *out,
	enum home_info_fault *fault);

/* home_info_encode: writes one option. Returns the octets written; -ENOSPC; -EINVAL when
 * home_info_next would refuse it. */
ssize_t home_info_encode(const struct home_info *option, uint8_t *buf, size_t size);

/* home_info_name_print: the domain name of LEN octets as text, with a final dot only if it is the
 * root; dots and octets that do not print are escaped (RFC 1035, 5.1). SIZE of HOME_INFO_TEXT_SIZE
 * always suffices. Returns 0; -EBADMSG when it is no name; -ENOSPC. */
int home_info_name_print(const uint8_t *name, size_t len, char *buf, size_t size);

/* home_info_name_parse: the labels of the domain name TEXT, without escapes, with or without a
 * final dot. Returns the octets written; -EINVAL when it is no name; -ENOSPC. */
ssize_t home_info_name_parse(const char *text, uint8_t *buf, size_t size);
