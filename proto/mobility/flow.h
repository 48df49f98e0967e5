/* Sub-options of the Flow Identification option (RFC 6089, 4.2.1): which care-of addresses a flow
 * is bound to and which packets belong to it.
 *
 * They are decoded apart from the message: a flow that is malformed is refused alone, with the
 * status of its option (RFC 6089, 5.3.2), while the rest of the binding update stands. Pure
 * functions: any thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/mobility/field.h"
#include "proto/mobility/traffic_selector.h"

#define FLOW_AT_SUBS  8   /* octets from the Type of the option to its first sub-option */
#define FLOW_SUBS_MAX 249 /* octets of sub-options that an option can hold */

/* Registry "Flow Identification Sub-Options". */
enum flow_sub {
	FLOW_SUB_PAD1 = 0,
	FLOW_SUB_PADN = 1,
	FLOW_SUB_BINDING_REFERENCE = 2, /* RFC 6089, 4.2.1.3 */
	FLOW_SUB_TRAFFIC_SELECTOR = 3,  /* RFC 6089, 4.2.1.4 */
};

/* The sub-options of one flow; views point into the octets that were decoded. */
struct flow {
	bool has_bids;
	bool has_selector;
	uint8_t format;            /* of the selector; 1 and 2 are decoded into `selector` */
	uint16_t unknown;          /* decoded only: sub-options skipped (4.2.1) */
	struct field_bytes bids;   /* 16 bits each: field_list16; several mean a copy to each */
	struct field_bytes opaque; /* a selector of another format: what follows Reserved */
	struct traffic_selector selector; /* format TRAFFIC_FORMAT_IP4 or _IP6 */
};

enum flow_fault {
	FLOW_FAULT_NONE = 0,
	FLOW_FAULT_TRUNCATED, /* a sub-option runs past the end of the option */
	FLOW_FAULT_LENGTH,    /* a length that the sub-option cannot have */
	FLOW_FAULT_REPEATED,  /* more than one (4.2.1.3, 4.2.1.4) */
	FLOW_FAULT_SELECTOR,  /* the traffic selector: see `selector` */
	FLOW_FAULT_COUNT
};

struct flow_error {
	enum flow_fault fault;
	enum traffic_fault selector;
	uint16_t offset; /* of the octet at fault, from the Type octet of the option */
	uint8_t type;    /* of the sub-option */
	uint8_t len;     /* what its Length octet says */
};

/* flow_fault_name: stable lower case name of a fault, for counters and logs. */
const char *flow_fault_name(enum flow_fault fault);

/* flow_error_print: the error as one line for people: what, where, which value. Returns BUF. */
const char *flow_error_print(const struct flow_error *error, char *buf, size_t size);

/* flow_is_supported_format: whether traffic selectors of FORMAT are decoded; if not the flow is
 * refused with status 133 (RFC 6089, 5.3.2). */
bool flow_is_supported_format(uint8_t format);

/* flow_decode: reads the sub-options SUBS of a Flow Identification option. Unknown ones are skipped
 * and counted. Returns 0, or -EBADMSG and the first fault in ERR (which may be NULL). */
int flow_decode(const struct field_bytes *subs, struct flow *out, struct flow_error *err);

/* flow_encode: writes the sub-options: binding reference, then traffic selector, each at its
 * alignment, for an option that starts at a multiple of eight octets. Returns the octets written;
 * -ENOSPC when SIZE or FLOW_SUBS_MAX is too small; -EINVAL when flow_decode would refuse it. */
ssize_t flow_encode(const struct flow *flow, uint8_t *buf, size_t size);

/* flow_visit: how the sub-options of an option are printed: a list of objects; when they are
 * malformed "sub_options_error" with the reason, then the octets. */
int flow_visit(const struct field *field, const void *base, const struct visitor *v);
