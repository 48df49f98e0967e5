/* What a mobile access gateway measures of its ways to an anchor, told in a Vendor Specific option
 * (RFC 5094, 3) of its Proxy Binding Updates: RFC 8278, 1, leaves to vendors how. The data of the
 * option is a row of entries. Pure functions: any thread. Numbers in host order. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/mobility/field.h"

enum {
	METRICS_SUBTYPE = 1,
	METRICS_WAY_SIZE = 8, /* octets of an entry */
	METRICS_WAYS_MAX = 31,
	METRICS_DATA_MAX = METRICS_WAYS_MAX * METRICS_WAY_SIZE,
	METRICS_LOSS_ALL = 1000,
	/* Seconds: figures that stay the same are told again, and what was told counts. */
	METRICS_AGAIN_S = 60,
	METRICS_LASTS_S = 180,
};

/* A way, by the identifier of its binding. */
struct metrics_way {
	uint8_t bid;       /* 1 to 254 */
	uint16_t loss;     /* of probes, in thousandths, at most METRICS_LOSS_ALL */
	uint32_t delay_us; /* of those that came back; 0: none did */
};

struct metrics_list {
	uint8_t count;
	struct metrics_way ways[METRICS_WAYS_MAX];
};

/* The fields of an entry. */
extern const struct field metrics_fields[];

/* metrics_encode: writes the data of the option. Returns the octets written; -EINVAL for a count,
 * an identifier or a loss that metrics_decode would refuse; -ENOSPC. */
ssize_t metrics_encode(const struct metrics_list *list, uint8_t *data, size_t size);

/* metrics_decode: reads the data of the option. Returns 0; -EBADMSG for none or more entries than
 * there can be, half an entry, an identifier or a loss out of bounds. Reserved octets are ignored.
 */
int metrics_decode(const uint8_t *data, size_t len, struct metrics_list *out);
