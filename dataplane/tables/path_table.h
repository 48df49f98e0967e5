/*
 * Paths: the ways to subscribers, and the shapes that paths share.
 *
 * A shape is what many paths have in common: kind and local address, as a ready outer header. A
 * path adds remote address and MTU. Subscriber entries hold a copy of what encapsulation needs of
 * their first path, so the downlink never comes here; the uplink does so only for subscribers
 * with more than one path.
 *
 * Writer: the agent thread. A path that readers may hold is never changed: a change makes a new
 * one and the subscribers are moved over (subscriber_table.h).
 * Memory: 40 octets a path with one path per subscriber, and 9.2 in the index by id.
 */
#pragma once

#include <assert.h>
#include <rte_rcu_qsbr.h>

#include "dataplane/tables/pool.h"
#include "dataplane/tables/sig_index.h"
#include "proto/channel/object.h"

enum {
	PATH_SHAPES_MAX = 1024,
	PATH_HEADER_LEN = 40, /* the outer header without options */
};

/* One cache line, the outer header ready but for length, class, flow label and destination. */
struct path_shape {
	uint8_t header[PATH_HEADER_LEN];
	uint32_t users; /* paths; writer */
	uint32_t link;  /* chain of the pool; writer */
	uint8_t spare[16];
} __rte_cache_aligned;
static_assert(sizeof(struct path_shape) == 64, "one cache line");

struct path {
	struct in6_addr remote;
	uint64_t id;
	uint16_t shape;
	uint16_t mtu;     /* largest outer packet: what control said and the way taught; 0: any */
	uint16_t set_mtu; /* as control said */
	uint16_t spare;
	uint32_t users; /* subscribers; writer */
	uint32_t link;  /* chain of the pool; while users is 1: entry of that user; writer */
};
static_assert(sizeof(struct path) == 40, "five eighths of a cache line");

/* The paths of a subscriber that has more than one, all accepted uplink; one cache line. */
struct path_list {
	uint32_t count;
	uint32_t paths[OBJECT_PATHS_MAX];
	uint32_t link;
	uint32_t spare[6];
} __rte_cache_aligned;
static_assert(sizeof(struct path_list) == 64, "one cache line");

struct path_table {
	struct pool paths;
	struct pool shapes;
	struct pool lists;
	struct sig_index by_id;
	uint64_t *marks; /* a bit a path: named since the last tables_mark() */
};

/* Room for capacity paths. Returns 0 or -ENOMEM. */
int path_table_init(struct path_table *t, uint32_t capacity, struct rte_rcu_qsbr *rcu);
void path_table_destroy(struct path_table *t);

/* Writer: number of the path with this id, or POOL_NONE. */
uint32_t path_table_find(const struct path_table *t, uint64_t id);

/*
 * Writer: makes a path for an object, not yet found by its id. Returns its number, or a negative
 * errno: -EOPNOTSUPP for a kind that this data plane does not have, -ENOSPC.
 */
int64_t path_table_make(struct path_table *t, const struct object_path *object);

/* Writer: lets path_table_find() find the new one, in the place of old unless POOL_NONE. 0 or
 * -ENOSPC. */
int path_table_publish(struct path_table *t, uint32_t path, uint32_t old);

/* Writer: takes a path out of the index by id. */
void path_table_hide(struct path_table *t, uint32_t path);

/* Writer: gives back a path that no subscriber uses any more. */
void path_table_retire(struct path_table *t, uint32_t path);

/* The path, shape or list of a number. Any reader. */
static inline struct path *path_at(const struct path_table *t, uint32_t path)
{
	return pool_at(&t->paths, path);
}

static inline const struct path_shape *path_shape_at(const struct path_table *t, uint16_t shape)
{
	return pool_at(&t->shapes, shape);
}

static inline const struct path_list *path_list_at(const struct path_table *t, uint32_t list)
{
	return pool_at(&t->lists, list);
}

/* Local address of a shape. */
static inline const struct in6_addr *path_shape_local(const struct path_shape *shape)
{
	return (const struct in6_addr *)(const void *)(shape->header + 8);
}
