/* Binary traffic selectors (RFC 6088): which packets belong to a flow. Pure functions: any thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct visitor;

/* Registry "Traffic Selector Format" (RFC 6089, 8). */
enum traffic_format {
	TRAFFIC_FORMAT_IP4 = 1, /* RFC 6088, 3.1 */
	TRAFFIC_FORMAT_IP6 = 2, /* RFC 6088, 3.2 */
};

/* What a selector may say, in the order of the wire. The source is the correspondent node. */
enum traffic_field {
	TRAFFIC_SOURCE,
	TRAFFIC_DESTINATION,
	TRAFFIC_SPI,
	TRAFFIC_FLOW_LABEL, /* format 2 only; 20 bits (RFC 8200, 6; RFC 6088 counts 24) */
	TRAFFIC_SOURCE_PORT,
	TRAFFIC_DESTINATION_PORT,
	TRAFFIC_CLASS,    /* DS field or traffic class; its low two bits are 0 and not compared */
	TRAFFIC_PROTOCOL, /* protocol or next header */
	TRAFFIC_FIELD_COUNT
};

/* One field of a format. */
struct traffic_def {
	const char *name; /* "source_address" */
	uint32_t flag;    /* says that the start is there; the bit below it, the end */
	uint32_t mask;    /* bits that count of a number; 0: an address */
	uint8_t size;     /* octets on the wire */
};

union traffic_value {
	struct in6_addr ip6;
	struct in_addr ip4;
	uint32_t number; /* host order */
};

struct traffic_range {
	bool has_start; /* the field is compared */
	bool has_end;   /* up to here; without it the field has the value start */
	union traffic_value start;
	union traffic_value end;
};

/* A decoded selector: 292 octets, on the stack of who decodes or builds it. */
struct traffic_selector {
	uint8_t format; /* enum traffic_format */
	struct traffic_range ranges[TRAFFIC_FIELD_COUNT];
};

enum traffic_fault {
	TRAFFIC_FAULT_NONE = 0,
	TRAFFIC_FAULT_FORMAT,    /* neither 1 nor 2 */
	TRAFFIC_FAULT_TRUNCATED, /* ends before the fields that its flags announce */
	TRAFFIC_FAULT_END,       /* an end without its start (RFC 6088, 3.1) */
	TRAFFIC_FAULT_TRAILING,  /* octets behind the last field */
	TRAFFIC_FAULT_COUNT
};

/* traffic_def_find: the row of FIELD in FORMAT; NULL when the format, or the field in it, is not
 * known. */
const struct traffic_def *traffic_def_find(uint8_t format, enum traffic_field field);

/* traffic_fault_name: stable lower case name of a fault, for counters and logs. */
const char *traffic_fault_name(enum traffic_fault fault);

/* traffic_selector_decode: reads the selector of FORMAT at WIRE, LEN octets from its flags on
 * (RFC 6088, 3.1 and 3.2). Flags that are reserved are ignored. Returns TRAFFIC_FAULT_NONE, or what
 * is wrong with the octet at *OFFSET (which may be NULL). */
enum traffic_fault traffic_selector_decode(uint8_t format, const uint8_t *wire, size_t len,
	struct traffic_selector *out, size_t *offset);

/* traffic_selector_encode: writes flags and fields. Returns the octets written; -ENOSPC; -EINVAL
 * when the format is not known, a field is not of the format, an end is without start or a value is
 * wider than its field. */
ssize_t traffic_selector_encode(const struct traffic_selector *selector, uint8_t *buf, size_t size);

/* traffic_selector_align: the alignment n of the sub-option that holds it (RFC 6088, 3.1 and 3.2).
 */
size_t traffic_selector_align(const struct traffic_selector *selector);

/* traffic_selector_visit: its fields for printers: "source_address_start" and so on. */
int traffic_selector_visit(const struct traffic_selector *selector, const struct visitor *v);
