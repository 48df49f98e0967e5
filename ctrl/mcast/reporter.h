/*
 * The listener side of Multicast Listener Discovery on one interface (RFC 3810, 4 and 6), of a
 * router that listens for others (RFC 4605, 4.1): tells the router there what is wanted when that
 * changes, and when it asks. It speaks MLDv2 alone.
 *
 * Costs 2.4 KiB a group. For the control thread.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "common/wheel.h"
#include "proto/mobility/mcast_state.h"

struct reporter_config {
	uint8_t robustness;      /* a change is told so often (RFC 3810, 9.1) */
	uint32_t unsolicited_ms; /* within so long each (9.11) */
};

enum reporter_counter {
	REPORTER_REPORTS,   /* sent */
	REPORTER_UNSENT,    /* the interface is not there */
	REPORTER_QUERIES,   /* heard */
	REPORTER_MALFORMED, /* queries that do not decode */
	REPORTER_COUNTERS
};
extern const struct counter_def reporter_counter_defs[REPORTER_COUNTERS];

struct reporter_ops {
	/* Sends the message to an address on the link, as querier_ops.send. */
	int (*send)(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len);
};

struct reporter;

/* The wheel outlives it. counters, REPORTER_COUNTERS of them, may be those of several. NULL: no
 * memory. */
struct reporter *reporter_new(const struct reporter_config *config, const struct reporter_ops *ops,
	void *context, struct wheel *wheel, uint64_t *counters);

/* Forgets all and tells nobody. NULL is allowed. */
void reporter_free(struct reporter *r);

/* From now on this is wanted of a group: a state with one record or none. 0 or -ENOMEM: nothing was
 * changed then. */
int reporter_set(struct reporter *r, const struct in6_addr *group, const struct mcast_state *state,
	uint64_t now_ns);

/* A sound query (mld_packet_decode) from the interface (RFC 3810, 6.2). */
void reporter_receive(struct reporter *r, const uint8_t *mld, size_t len, uint64_t now_ns);

/* Groups of which something is wanted. */
size_t reporter_groups(const struct reporter *r);
