/*
 * Packets from a tunnel whose other end we have not been told of yet. When another data plane
 * begins to serve, its first packets and the acknowledgement that names it come by different ways;
 * what is early by some milliseconds is kept until the acknowledgement is there. 64 KiB; single
 * thread.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EARLY_PACKETS = 64,
	EARLY_OCTETS = 65536,
	EARLY_MS = 5000, /* what is older is of no use to anybody */
};

struct early_packet {
	struct in6_addr from; /* outer source */
	uint8_t class;        /* outer traffic class */
	size_t at, len;       /* the inner packet */
};

struct early {
	struct early_packet packets[EARLY_PACKETS];
	unsigned count;
	size_t used;
	uint64_t since_ns; /* when the first of them came */
	uint8_t octets[EARLY_OCTETS];
};

/* Keeps a copy of an inner packet. Returns how many packets are given up: earlier ones that are too
 * old now, or this one because there is no room. */
unsigned early_keep(struct early *e, uint64_t now_ns, const struct in6_addr *from, uint8_t class,
	const uint8_t *octets, size_t len);

/* Called with a packet that is kept; may change its octets. */
typedef void early_fn(void *context, uint8_t *octets, size_t len, uint8_t class);

/* The other end is known: calls fn for what came from there and is not too old, in order, and
 * forgets everything. from NULL: it is not known any more. Returns how many are given up. */
unsigned early_release(
	struct early *e, uint64_t now_ns, const struct in6_addr *from, early_fn *fn, void *context);
