/*
 * Paths: the ways to subscribers, and the shapes that paths share.
 *
 * A shape is what many paths have in common: kind and local address, as a ready outer header. A
 * path adds remote address and MTU, and one in GRE its keys, which lie in an array of their own, so
 * that who has none pays nothing for them. What another data plane serves is relayed to it:
 * encapsulated not as the path says but from our own address to that of the other. Subscriber
 * entries hold a copy of what encapsulation needs of their first path, so the downlink comes not
 * here; the uplink does so only for subscribers with more than one path, or relayed, and the
 * downlink for those that have rules or share their packets out. What paths carry is counted
 * (path_traffic.h).
 *
 * Writer: the agent thread. A path that readers may hold is never changed: a change makes a new
 * one and the subscribers are moved over (subscriber_table.h).
 * Memory: 40 octets a path with one path per subscriber, and 7.1 in the index by id; 8 for keys; 32
 * for the counters of each worker.
 */
#pragma once

#include <assert.h>
#include <rte_rcu_qsbr.h>
#include <stddef.h>

#include "dataplane/tables/data_plane_table.h"
#include "dataplane/tables/order_table.h"
#include "dataplane/tables/path_down.h"
#include "dataplane/tables/path_hold.h"
#include "dataplane/tables/path_traffic.h"
#include "dataplane/tables/pool.h"
#include "dataplane/tables/room.h"
#include "dataplane/tables/sig_index.h"
#include "proto/channel/object.h"

enum {
	PATH_SHAPES_MAX = 1024,
	PATH_HEADER_LEN = 40, /* the outer IPv6 header without options */
	PATH_GRE_LEN = 4,     /* a GRE header without options (RFC 2784, 2.1) */
	PATH_GRE_KEYED = 8,   /* the same with a key (RFC 2890, 2) */
	PATH_SHAPE_LEN = PATH_HEADER_LEN + PATH_GRE_KEYED,
	PATH_HOP_LIMIT = 64, /* of outer packets (RFC 2473, 6.3) */
	PATH_SHAPE_NONE = UINT16_MAX,
	PATH_RELAYED = 1 << 15, /* in path.data_plane */
	PATH_HEADER_HELD = 1,   /* second octet of the header of held paths */
};

/* What a path on link has in the place of a remote address: no address begins like this. */
struct path_on_link {
	uint8_t zero[2];
	uint16_t port; /* number; PORT_NONE: of another data plane, the shape has its name */
	struct mac mac;
	uint8_t spare[6];
};
static_assert(sizeof(struct path_on_link) == sizeof(struct in6_addr), "in its place");

/*
 * The outer headers ready but for length, class, flow label, destination and key, in one cache
 * line. What the writer counts has a line of its own: readers need not fetch the headers anew
 * whenever a path comes or goes. The shape of all paths on link has no header: its first octet is
 * 0, its local address unspecified; those on a link of another data plane have the name of its port
 * there. Held paths are like those on a link that is none, but for PATH_HEADER_HELD, and have a
 * local address if they are of a tunnel.
 */
struct path_shape {
	uint8_t header[PATH_SHAPE_LEN];     /* IPv6, and GRE or zeroes */
	uint32_t users __rte_cache_aligned; /* paths; writer */
	uint32_t link;                      /* chain of the pool; writer */
} __rte_cache_aligned;
static_assert(sizeof(struct path_shape) == 128, "two cache lines");
static_assert(offsetof(struct path_shape, users) == 64, "readers see the first of them");

struct path {
	struct in6_addr remote;
	uint64_t id;
	uint16_t shape;
	uint16_t mtu;     /* largest outer packet: what control said and the way taught; 0: any */
	uint16_t set_mtu; /* as control said */
	uint16_t data_plane; /* slot of the one that serves it, and PATH_RELAYED unless it is us */
	uint32_t users;      /* subscribers; writer */
	uint32_t link;       /* chain of the pool; while users is 1: entry of that user; writer */
};
static_assert(sizeof(struct path) == 40, "five eighths of a cache line");

/* The keys of a path in GRE that has any, in network order: 8 to a cache line. */
struct path_keys {
	uint32_t in, out;
};
static_assert(sizeof(struct path_keys) == 8, "an eighth of a cache line");

/* What a packet in a tunnel says of its path beside addresses: its GRE header. */
struct path_mark {
	uint8_t gre;  /* 0: none; PATH_GRE_LEN, or PATH_GRE_KEYED */
	uint32_t key; /* of PATH_GRE_KEYED, network order */
};

/*
 * The paths of a subscriber that has more than one, or rules: all are accepted uplink, and downlink
 * rules and steering say which is taken. One cache line.
 */
struct path_list {
	uint32_t paths[OBJECT_PATHS_MAX];
	uint32_t block; /* of the rules that count now (rule_set.h), or POOL_NONE */
	uint32_t index; /* of more than one block, or POOL_NONE */
	uint32_t rules; /* chain of all rules, or POOL_NONE; writer */
	uint32_t link;  /* chain of the pool; writer */
	uint8_t count;
	uint8_t steering;                  /* enum steering */
	uint8_t weights[OBJECT_PATHS_MAX]; /* as set */
	uint8_t divisor;                   /* of all weights */
	uint8_t heard;   /* STEERING_HEARD: place of the path that a packet came by last; workers */
	uint16_t turns;  /* sum of the weights, each divided by that */
	uint16_t stride; /* from one packet's turn to the next one's; has no divisor with turns */
} __rte_cache_aligned;
static_assert(sizeof(struct path_list) == 64, "one cache line");

struct path_table {
	struct pool paths;
	struct pool shapes;
	struct pool lists;
	struct sig_index by_id;
	struct room keys; /* struct path_keys by number of the path, as far as any has keys */
	struct path_traffics traffic;
	struct path_downs downs;
	struct order_table orders;
	struct room holds; /* struct path_hold by number of the path, as far as any is held */
	uint32_t hold_generation; /* the last one; writer */
	uint64_t impatient;       /* TSC until which no worker is waited for; writer */
	uint32_t rooms[OBJECT_HOLD_TUNNELS_MAX]; /* numbers of held paths of tunnels ... */
	uint32_t room_count;                     /* ... as many as these; any reader */
	struct data_plane_table *data_planes;
	uint64_t *marks;         /* a bit a path: named since the last tables_mark() */
	struct pool_watch watch; /* of paths; writer */
	uint16_t own_shape;      /* from our own address, or PATH_SHAPE_NONE; writer */
	struct room *turns;      /* of each reader, for STEERING_PACKET: a number for each list */
	unsigned readers;
};

/* What goes around the packets of a path. */
struct path_outer {
	struct in6_addr remote;
	uint16_t shape;
	uint16_t mtu;
	bool relayed;
};

/* Room for capacity paths at first, and for `most` in the end; readers: as tables.h. Returns 0 or
 * -ENOMEM. */
int path_table_init(struct path_table *t, uint32_t capacity, uint32_t most, unsigned readers,
	struct data_plane_table *data_planes, struct rte_rcu_qsbr *rcu);
void path_table_destroy(struct path_table *t);

/* Octets in rooms that it will ask for. */
size_t path_table_memory(uint32_t capacity, unsigned readers);

/* Writer: an empty list, or POOL_NONE. Waits for readers if need be. */
uint32_t path_table_take_list(struct path_table *t);

/* Number of the path with this id, or POOL_NONE. Any registered reader. */
uint32_t path_table_find(const struct path_table *t, uint64_t id);

/*
 * Writer: makes a path for an object, not yet found by its id. Returns its number, or a negative
 * errno: -EOPNOTSUPP for a kind that this data plane does not have; -ENOENT: its data plane or its
 * port is not known; -EADDRNOTAVAIL: to be relayed, but our own address is not known; -EINVAL:
 * local and remote address are the same; -ENOSPC.
 */
int64_t path_table_make(struct path_table *t, const struct object_path *object);

/* Writer: lets path_table_find() find the new one, in the place of old unless POOL_NONE. 0 or
 * -ENOSPC. */
int path_table_publish(struct path_table *t, uint32_t path, uint32_t old);

/* Writer: takes a path out of the index by id. */
void path_table_hide(struct path_table *t, uint32_t path);

/* Writer: gives back a path that no subscriber uses any more. */
void path_table_retire(struct path_table *t, uint32_t path);

/*
 * Writer, for path_table.c: begins to count what waits for a path, if it is held (0 or -ENOSPC),
 * and ends that; a path is found by its id, or is not: what comes out of its tunnel waits from then
 * on, if it is held and has one (0 or -ENOSPC), or does not. In path_hold.c, like the next three.
 */
int path_table_hold(struct path_table *t, uint32_t path, const struct object_path *object);
void path_table_end_hold(struct path_table *t, uint32_t path);
int path_table_enter_room(struct path_table *t, uint32_t path);
void path_table_leave_room(struct path_table *t, uint32_t path);

/* Writer: a subscriber that had one first path is found by its id with another: where the one was
 * held, waits until its packets have gone on. */
void path_table_release(struct path_table *t, uint32_t from, uint32_t to);

/* Writer: after a repair, only paths that are found stay among those of tunnels. */
void path_table_check_rooms(struct path_table *t);

/* Writer: a path as control set it. */
struct object_path path_table_object(const struct path_table *t, uint32_t path);

/* Writer: the MTU that a path has when it has learned none: what control said is that of the way to
 * the node, not to another data plane. */
uint16_t path_table_first_mtu(const struct path *path);

/* Writer: how packets of a path are encapsulated by this data plane. */
struct path_outer path_table_outer(const struct path_table *t, const struct path *path);

/*
 * Writer: our own address is now that of the data planes' table. The shape that was in use until
 * now is returned: path_table_release_shape() when no path is relayed by it any more. -ENOSPC.
 */
int path_table_take_own(struct path_table *t);
void path_table_release_shape(struct path_table *t, uint16_t shape);

/* The path, shape or list of a number. Any reader. */
static inline struct path *path_at(const struct path_table *t, uint32_t path)
{
	return (struct path *)(void *)t->paths.base + path;
}

static inline const struct path_shape *path_shape_at(const struct path_table *t, uint16_t shape)
{
	return (const struct path_shape *)(const void *)t->shapes.base + shape;
}

static inline const struct path_list *path_list_at(const struct path_table *t, uint32_t list)
{
	return (const struct path_list *)(const void *)t->lists.base + list;
}

/* Whose turn it is among the paths of a list, by the reader with this index, which alone reads and
 * writes it. */
static inline uint16_t *path_table_turn(const struct path_table *t, unsigned reader, uint32_t list)
{
	return (uint16_t *)(void *)t->turns[reader].base + list;
}

/*
 * Writer: what a list's weights come to for STEERING_PACKET: in so many packets each path has its
 * share, and the packets of one path are spread among the others'. Where two paths share, each has
 * in any row of packets the whole number next to its share.
 */
void path_list_share(struct path_list *list);

/* The place of a list's path that packets take which no rule matches, if they are not shared out.
 * Any reader. */
static inline uint32_t path_list_first(const struct path_list *list)
{
	uint8_t heard = __atomic_load_n(&list->heard, __ATOMIC_RELAXED);

	return list->steering == STEERING_HEARD && heard < list->count ? heard : 0;
}

/* A worker has heard the subscriber by the path at this place: written only when it is another, so
 * that workers do not wait for each other's writes. */
static inline void path_list_hear(struct path_list *list, uint32_t place)
{
	if (list->steering == STEERING_HEARD &&
		unlikely(__atomic_load_n(&list->heard, __ATOMIC_RELAXED) != place))
		__atomic_store_n(&list->heard, (uint8_t)place, __ATOMIC_RELAXED);
}

/* The keys of a path, which has some. Any reader. */
static inline struct path_keys *path_keys_at(const struct path_table *t, uint32_t path)
{
	return (struct path_keys *)(void *)t->keys.base + path;
}

/* Octets of the GRE header of a shape: 0, PATH_GRE_LEN or PATH_GRE_KEYED. */
static inline uint8_t path_header_gre(const uint8_t *header)
{
	if (likely(header[6] != IPPROTO_GRE))
		return 0;
	return header[PATH_HEADER_LEN] ? PATH_GRE_KEYED : PATH_GRE_LEN;
}

/* The key of what is sent by a path, with its header; 0: it has none. Any reader. */
static inline uint32_t path_key_out(
	const struct path_table *t, const uint8_t *header, uint32_t path)
{
	return path_header_gre(header) == PATH_GRE_KEYED ? path_keys_at(t, path)->out : 0;
}

/* Whether what has come with a mark may be of a path, by its header. Any reader. */
static inline bool path_is_marked(const struct path_table *t, const uint8_t *header, uint32_t path,
	const struct path_mark *mark)
{
	return mark->gre == path_header_gre(header) &&
	       (mark->gre != PATH_GRE_KEYED || mark->key == path_keys_at(t, path)->in);
}

/* Whether a header, of a shape, says that there is none. */
static inline bool path_header_on_link(const uint8_t *header)
{
	return header[0] == 0;
}

/* The same of one that is held. */
static inline bool path_header_held(const uint8_t *header)
{
	return header[0] == 0 && header[1] == PATH_HEADER_HELD;
}

/* Whether a path is held, and what waits for it, if it is or was. Any reader. */
static inline bool path_is_held(const struct path_table *t, uint32_t path)
{
	return path_header_held(path_shape_at(t, path_at(t, path)->shape)->header);
}

static inline struct path_hold *path_hold_at(const struct path_table *t, uint32_t path)
{
	return (struct path_hold *)(void *)t->holds.base + path;
}

/* Number of the held path of a tunnel, by the outer addresses of what comes out of it, or
 * POOL_NONE. Any reader. */
uint32_t path_table_room(
	const struct path_table *t, const struct in6_addr *remote, const struct in6_addr *local);

/*
 * Whether packets to a subscriber with this list are looked at for their path. Those to one on a
 * link go there; for it the list says by what tunnel its own packets go.
 */
static inline bool path_list_steers(const struct path_table *t, const struct path_list *list)
{
	if (list->steering == STEERING_HEARD)
		return true;
	if (list->block == POOL_NONE && list->steering == STEERING_FIRST)
		return false;
	return !path_header_on_link(path_shape_at(t, path_at(t, list->paths[0])->shape)->header);
}

/* How packets to a subscriber with the list of this number are looked at for their path
 * (subscriber_entry.steered). */
enum path_steered {
	PATH_STEERED_NOT,
	PATH_STEERED,
	PATH_STEERED_NUMBERED, /* and those in GRE with keys are numbered */
};
static inline uint8_t path_list_steered(const struct path_table *t, uint32_t number)
{
	const struct path_list *list = path_list_at(t, number);

	if (!path_list_steers(t, list))
		return PATH_STEERED_NOT;
	return list->steering == STEERING_PACKET && order_table_find(&t->orders, number)
		       ? PATH_STEERED_NUMBERED
		       : PATH_STEERED;
}

/* The places of a list's paths. */
static inline uint8_t path_list_all(const struct path_list *list)
{
	return (uint8_t)((1u << list->count) - 1);
}

/* The places of a list's paths that are not down, or of all when none of `among` is left. Any
 * reader. */
static inline uint8_t path_list_up(
	const struct path_table *t, const struct path_list *list, uint8_t among)
{
	uint8_t up = 0;

	for (unsigned i = 0; i < list->count; i++)
		up |= (uint8_t)(!path_down(&t->downs, list->paths[i]) << i);
	return up & among ? up : path_list_all(list);
}

/*
 * Writer: paths of these tunnels are down from now on, and no others. Readers see it path by path.
 */
void path_table_set_down(struct path_table *t, const struct down_tunnels *down);

/* Local address of a shape. */
static inline const struct in6_addr *path_shape_local(const struct path_shape *shape)
{
	return (const struct in6_addr *)(const void *)(shape->header + 8);
}
