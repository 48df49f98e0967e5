/*
 * Which paths are down: a bit for each, set while its tunnel is one of those that control names
 * (proto/channel/down.h), whatever becomes of the path meanwhile. Workers that have a choice among
 * several paths look at `any` first, so that nothing of it costs anything while nothing is down.
 *
 * Memory: a bit a path, of pages that are touched only once something is down, and 32 KiB.
 */
#pragma once

#include <assert.h>
#include <rte_common.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/channel/down.h"

struct path_downs {
	bool any; /* some may be down; any reader */
	uint64_t *bits;
	struct down_tunnels *wanted; /* writer */
};

/* Room for so many paths. Returns 0 or -ENOMEM. Main thread. */
int path_down_init(struct path_downs *d, uint32_t capacity);
void path_down_destroy(struct path_downs *d);

/* Writer: these tunnels are down from now on. False: as before. Else path_down_mark() is to be
 * called for every path, and then path_down_end(). */
bool path_down_want(struct path_downs *d, const struct down_tunnels *down);
void path_down_end(struct path_downs *d);

/* Writer: the path of a number has this tunnel. */
void path_down_mark(struct path_downs *d, uint32_t path, struct down_tunnel tunnel);

/* Whether anything may be down. Any reader. */
static inline bool path_down_any(const struct path_downs *d)
{
	return __atomic_load_n(&d->any, __ATOMIC_RELAXED);
}

/* Whether the path of a number is down. Any reader. */
static inline bool path_down(const struct path_downs *d, uint32_t path)
{
	return __atomic_load_n(&d->bits[path / 64], __ATOMIC_RELAXED) >> (path % 64) & 1;
}
