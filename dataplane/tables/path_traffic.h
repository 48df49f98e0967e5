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
 * Memory: 64 octets a path for each worker, in rooms that grow with the paths, and as much for the
 * writer, of pages that are touched only where a number or a path that has counted changes.
 */
#pragma once

#include <assert.h>
#include <rte_common.h>
#include <stdint.h>

#include "dataplane/tables/room.h"

enum path_direction {
	PATH_IN,  /* from the subscriber; for one on a link here, what comes out of a tunnel for it
		   */
	PATH_OUT, /* to it; what it sends into a tunnel */
	PATH_DIRECTIONS
};

struct path_traffic {
	uint64_t packets[PATH_DIRECTIONS];
	uint64_t octets[PATH_DIRECTIONS]; /* of inner packets */
	uint64_t last[PATH_DIRECTIONS];   /* TSC of the last walk that carried any; 0: never */
	uint64_t since; /* of the writer's: what is not later in the rows was another path's */
} __rte_cache_aligned;
static_assert(sizeof(struct path_traffic) == 64, "one cache line");

struct path_traffics {
	struct room *rows;          /* of each worker: one a path, as far as there are paths */
	struct path_traffic *other; /* one a path, packets and octets modulo 2^64; writer */
	unsigned count;             /* rows */
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
static inline struct path_traffic *path_traffic_row(const struct path_traffics *t, unsigned worker)
{
	return (struct path_traffic *)(void *)t->rows[worker].base;
}

/* A worker counts n octets of a packet; tsc is that of its walk. */
static inline void path_traffic_count(
	struct path_traffic *at, enum path_direction direction, uint32_t octets, uint64_t tsc)
{
	__atomic_store_n(&at->packets[direction], at->packets[direction] + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&at->octets[direction], at->octets[direction] + octets, __ATOMIC_RELAXED);
	__atomic_store_n(&at->last[direction], tsc, __ATOMIC_RELAXED);
}

/* Writer: what a path has carried. */
struct path_traffic path_traffic_of(const struct path_traffics *t, uint32_t path);

/* Writer: a number is that of another path from now on, which has carried nothing. */
void path_traffic_begin(struct path_traffics *t, uint32_t path);

/* Writer: it is another version of a path, whose traffic it goes on to count; the old one's is
 * none from now on. What workers count under the old number until they see the new one is lost. */
void path_traffic_follow(struct path_traffics *t, uint32_t path, uint32_t old);
