/*
 * The multicast groups that this data plane asks its upstream network for: one membership for each
 * source and group that anybody listens to, joined by the host side of Linux's MLD (RFC 3810, 6) on
 * the twin of the upstream port, which reports it to the routers there and answers their queries.
 *
 * What is wanted follows from the group table: an object for any source with members is a
 * membership of the group from any source, one for a source with members is one of that source
 * alone; what comes out of a tunnel is none. Linux merges both into one filter. A data plane joins
 * also for those whom another one serves, so that a node misses nothing when its tunnel comes here.
 * They are left when the process ends; when it dies they time out at the routers, or the next
 * process, which joins what is in its tables, is there before.
 *
 * Costs 112 octets a membership, a pointer for each group that there is room for, and a socket for
 * UPSTREAM_OF_SOCKET of them, as Linux limits sources and memory by socket. Agent thread.
 */
#pragma once

#include <stdint.h>

#include "common/counter.h"
#include "dataplane/tables/group_table.h"

enum { UPSTREAM_OF_SOCKET = 50 }; /* Linux: 64 sources (mld_max_msf), and 20 KiB (optmem_max) */

struct upstream;

enum upstream_counter {
	UPSTREAM_JOINED, /* memberships joined */
	UPSTREAM_LEFT,   /* memberships left */
	UPSTREAM_FAILED, /* times that Linux refused one */
	UPSTREAM_COUNTERS
};
extern const struct counter_def upstream_counter_defs[UPSTREAM_COUNTERS];

/* What became of a group. */
enum upstream_state {
	UPSTREAM_UNWANTED, /* nobody listens */
	UPSTREAM_MEMBER,
	UPSTREAM_REFUSED, /* by Linux; tried again every second */
};

/* On this interface of Linux. groups outlives it. NULL: no memory. */
struct upstream *upstream_open(const char *interface, struct group_table *groups);

/* Leaves all groups. NULL is allowed. */
void upstream_close(struct upstream *u);

/* Joins and leaves what has changed since. now_ms: of a clock that never goes back. */
void upstream_follow(struct upstream *u, uint64_t now_ms);

/* Of the group of a number. */
enum upstream_state upstream_state(const struct upstream *u, uint32_t number);

/* Memberships that there are now. */
uint32_t upstream_count(const struct upstream *u);

/* UPSTREAM_COUNTERS of them. */
const uint64_t *upstream_counters(const struct upstream *u);
