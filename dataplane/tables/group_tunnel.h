/*
 * The paths by whose tunnels multicast groups come (object_group.path): as many as there are
 * routers that bring some, so that a group names one by its place, and a packet's tunnel is found
 * by a tag made of its addresses.
 *
 * Costs 20 octets a place; a search compares four octets for each place that is or was in use.
 * Writer: the agent thread. Any reader may look; one that still knows a place as that of a path
 * before compares addresses with the wrong tunnel, for a packet at most.
 */
#pragma once

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/hash.h"

enum { GROUP_TUNNELS_MAX = 1024 };

struct group_tunnel {
	_Atomic uint64_t path; /* id; 0: a free place */
	uint32_t groups;       /* writer */
};

/* All zero: none. */
struct group_tunnels {
	struct group_tunnel places[GROUP_TUNNELS_MAX];
	_Atomic uint32_t tags[GROUP_TUNNELS_MAX]; /* 0: its path is not there */
	_Atomic uint32_t used;                    /* places from here on were never used */
};

/* What places of tunnels between these ends are found by. */
static inline uint32_t group_tunnel_tag(const struct in6_addr *remote, const struct in6_addr *local)
{
	return (uint32_t)(table_hash(remote, 0) ^ table_hash(local, 1)) | 1;
}

/* Writer: the place, and one, of a path, which has one group more from now on; 0 for no path (0);
 * -ENOSPC. */
int group_tunnel_take(struct group_tunnels *t, uint64_t path);

/* Writer: a group leaves the place that it got; 0: it had none. */
void group_tunnel_return(struct group_tunnels *t, uint16_t place);

/* Writer: nobody has a place any more, but who has one by group_tunnel_keep() until
 * group_tunnel_forget_end(). */
void group_tunnel_forget(struct group_tunnels *t);
void group_tunnel_keep(struct group_tunnels *t, uint16_t place);
void group_tunnel_forget_end(struct group_tunnels *t);

/* Writer: whether groups come by the tunnel of this path. */
bool group_tunnel_has(const struct group_tunnels *t, uint64_t path);

/* Writer: the tag of a path by which groups come; 0: it is not there. */
void group_tunnel_set_tag(struct group_tunnels *t, uint64_t path, uint32_t tag);

/* The first place behind this one, 0 at first, with a tag; 0: there is none. Others may have the
 * same. Any reader. */
static inline uint16_t group_tunnel_next(
	const struct group_tunnels *t, uint16_t behind, uint32_t tag)
{
	const uint32_t used = atomic_load_explicit(&t->used, memory_order_acquire);

	for (uint32_t i = behind; i < used; i++)
		if (atomic_load_explicit(&t->tags[i], memory_order_relaxed) == tag)
			return (uint16_t)(i + 1);
	return 0;
}

/* The path of a place; 0: none. Any reader. */
static inline uint64_t group_tunnel_path(const struct group_tunnels *t, uint16_t place)
{
	return place && place <= GROUP_TUNNELS_MAX
		       ? atomic_load_explicit(&t->places[place - 1].path, memory_order_relaxed)
		       : 0;
}
