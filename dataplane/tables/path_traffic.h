/*
 * Traffic of paths: what each has carried, and when last.
 *
 * Each worker counts in a row of its own, by number of the path. Whoever asks gets the sum of the
 * rows. Numbers are used again and paths change, so the writer of the table remembers for each what
 * is not its own: what a number had counted before is taken off, what other versions of the path
 * had carried is added.
 *
 * Cost: one cache line a packet and direction beside those of the lookup, which express asks for a
 * stride of packets before it writes there.
 * Memory: 32 octets a path for each worker, in rooms that grow with the paths. Pages of 4 KiB that
 * are touched only when needed: 8 octets a path for each worker where one has carried 2^31 packets,
 * and 56 for the writer where a number or a path that has counted changes. A bit a path says where.
 */
#pragma once

#include <assert.h>
#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <stdint.h>

#include "dataplane/tables/room.h"

enum path_direction {
	PATH_IN,  /* from the subscriber; for one on a link here, what comes out of a tunnel for it
		   */
	PATH_OUT, /* to it; what it sends into a tunnel */
	PATH_DIRECTIONS
};

enum {
	PATH_TICK_SHIFT = 26, /* a tick is 2^26 cycles of the TSC, 10 to 50 ms; 2^32 are years */
	PATH_HALF_SHIFT = 31, /* packets are carried by the half of what their number can say */
};

/* Of a worker: half a cache line. */
struct path_counts {
	uint64_t octets[PATH_DIRECTIONS];  /* of inner packets */
	uint32_t packets[PATH_DIRECTIONS]; /* modulo 2^32 */
	uint32_t last[PATH_DIRECTIONS];    /* tick of the last walk that carried any; 0: never */
};
static_assert(sizeof(struct path_counts) == 32, "half a cache line");

/* How often the highest bit of the number of packets has changed: written after it. */
struct path_carries {
	uint32_t halves[PATH_DIRECTIONS];
};

struct path_row {
	struct path_counts *counts; /* one a path, as far as there are paths */
	struct path_carries *carries;
	uint32_t *any; /* of the carries is not 0 */
};

/* What all of them come to. */
struct path_traffic {
	uint64_t packets[PATH_DIRECTIONS];
	uint64_t octets[PATH_DIRECTIONS];
	uint64_t last[PATH_DIRECTIONS]; /* TSC, to a tick; 0: never */
	uint64_t since; /* of the writer's: what is not later in the rows was another path's */
};

struct path_traffics {
	struct room *rows;             /* of each worker: its counts */
	struct path_carries **carries; /* of each worker, and one that says whether there are any */
	struct path_traffic *other;    /* one a path, packets and octets modulo 2^64; writer */
	uint64_t *others;              /* a bit a path: of the rest `other` is none; writer */
	unsigned count;                /* rows */
	uint32_t capacity;
};

/* Rows for so many workers and paths. Returns 0 or -ENOMEM. Main thread. */
int path_traffic_init(struct path_traffics *t, unsigned workers, uint32_t capacity);
void path_traffic_destroy(struct path_traffics *t);

/* Writer: there are rows for this path. 0 or -ENOSPC. */
int path_traffic_make_room(struct path_traffics *t, uint32_t path);

/* Octets in rooms that so many paths will ask for. */
size_t path_traffic_memory(unsigned workers, uint32_t paths);

/* The row of a worker; constant. */
static inline struct path_row path_traffic_row(const struct path_traffics *t, unsigned worker)
{
	struct path_carries *carries = t->carries[worker];

	return (struct path_row){
		(void *)t->rows[worker].base, carries, carries[t->capacity].halves};
}

/* Never 0. */
static inline uint32_t path_traffic_tick(uint64_t tsc)
{
	const uint32_t tick = (uint32_t)(tsc >> PATH_TICK_SHIFT);

	return likely(tick) ? tick : 1;
}

/* A worker counts a packet of so many octets; tick is that of its walk. */
static inline void path_traffic_count(const struct path_row *row, uint32_t path,
	enum path_direction way, uint32_t octets, uint32_t tick)
{
	struct path_counts *at = &row->counts[path];
	const uint32_t packets = at->packets[way] + 1;

	__atomic_store_n(&at->octets[way], at->octets[way] + octets, __ATOMIC_RELAXED);
	__atomic_store_n(&at->packets[way], packets, __ATOMIC_RELAXED);
	__atomic_store_n(&at->last[way], tick, __ATOMIC_RELAXED);
	if (unlikely(packets << (32 - PATH_HALF_SHIFT) == 0)) {
		uint32_t *halves = &row->carries[path].halves[way];

		__atomic_store_n(halves, *halves + 1, __ATOMIC_RELEASE);
		__atomic_store_n(row->any, 1, __ATOMIC_RELEASE);
	}
}

/* Writer: what a path has carried. */
struct path_traffic path_traffic_of(const struct path_traffics *t, uint32_t path);

/* Writer: a number is that of another path from now on, which has carried nothing. */
void path_traffic_begin(struct path_traffics *t, uint32_t path);

/* Writer: it is another version of a path, whose traffic it goes on to count; the old one's is
 * none from now on. What workers count under the old number until they see the new one is lost. */
void path_traffic_follow(struct path_traffics *t, uint32_t path, uint32_t old);
