/*
 * The paths by whose tunnels multicast groups come (object_group.path): few, so that a group names
 * one by its place.
 *
 * Costs 16 octets a place. Writer: the agent thread. Any reader may look; one that still knows a
 * place as that of a path before compares addresses with the wrong tunnel, for a packet at most.
 */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

enum { GROUP_TUNNELS_MAX = 256 };

struct group_tunnel {
	_Atomic uint64_t path; /* id; 0: a free place */
	uint32_t groups;       /* writer */
};

/* All zero: none. */
struct group_tunnels {
	struct group_tunnel places[GROUP_TUNNELS_MAX];
};

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

/* The path of a place; 0: none. Any reader. */
static inline uint64_t group_tunnel_path(const struct group_tunnels *t, uint16_t place)
{
	return place && place <= GROUP_TUNNELS_MAX
		       ? atomic_load_explicit(&t->places[place - 1].path, memory_order_relaxed)
		       : 0;
}
