/*
 * How large packets are: octets of the subscriber's packet from its IPv6 header on, without tunnel
 * and Ethernet (which adds 18 with its check sequence).
 *
 *	"64"                  all alike
 *	"64,512,1400"         each as often as the others
 *	"64:7,576:4,1460:1"   by weight
 *	"64-1460"             every size in between as often as the others
 *	"imix"                64:7,576:4,1500:1, the largest cut to what fits
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "tools/pktgen/random.h"

enum {
	SIZES_MIN = 64, /* IPv6 header, UDP header and the mark of a packet: packet.h */
	SIZES_MAX = 9000,
	SIZES_PARTS_MAX = 16,
	SIZES_WEIGHT_MAX = 1000,
};

struct sizes_part {
	uint16_t from, to; /* to: the largest of a range */
	uint32_t below;    /* of the sum of weights: up to here it is this part's turn */
};

struct sizes {
	struct sizes_part parts[SIZES_PARTS_MAX];
	uint32_t count;
	uint32_t weights; /* the sum */
};

/* Reads the text; no size may be above `max`. Returns 0, or -EINVAL and what is wrong in why. */
int sizes_parse(const char *text, uint16_t max, struct sizes *out, char *why, size_t why_size);

/* The size of the next packet. */
static inline uint16_t sizes_next(const struct sizes *sizes, struct random *r)
{
	const struct sizes_part *part = sizes->parts;

	if (sizes->count == 1 && part->from == part->to)
		return part->from;

	const uint64_t bits = random_next(r);
	const uint32_t turn = random_scale((uint32_t)bits, sizes->weights);

	while (turn >= part->below)
		part++;
	return (uint16_t)(part->from +
			  random_scale((uint32_t)(bits >> 32), part->to - part->from + 1u));
}

/* The mean size, octets. */
double sizes_mean(const struct sizes *sizes);
