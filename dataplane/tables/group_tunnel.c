#include "dataplane/tables/group_tunnel.h"

#include <errno.h>

static void set_path(struct group_tunnel *place, uint64_t path)
{
	atomic_store_explicit(&place->path, path, memory_order_relaxed);
}

int group_tunnel_take(struct group_tunnels *t, uint64_t path)
{
	int found = -ENOSPC;

	if (!path)
		return 0;
	for (int i = GROUP_TUNNELS_MAX - 1; i >= 0; i--) {
		struct group_tunnel *place = &t->places[i];

		if (place->groups && group_tunnel_path(t, (uint16_t)(i + 1)) == path) {
			place->groups++;
			return i + 1;
		}
		if (!place->groups)
			found = i;
	}
	if (found < 0)
		return found;
	t->places[found].groups = 1;
	set_path(&t->places[found], path);
	return found + 1;
}

void group_tunnel_return(struct group_tunnels *t, uint16_t place)
{
	if (place && --t->places[place - 1].groups == 0)
		set_path(&t->places[place - 1], 0);
}

void group_tunnel_forget(struct group_tunnels *t)
{
	for (unsigned i = 0; i < GROUP_TUNNELS_MAX; i++)
		t->places[i].groups = 0;
}

void group_tunnel_keep(struct group_tunnels *t, uint16_t place)
{
	if (place && place <= GROUP_TUNNELS_MAX)
		t->places[place - 1].groups++;
}

void group_tunnel_forget_end(struct group_tunnels *t)
{
	for (unsigned i = 0; i < GROUP_TUNNELS_MAX; i++)
		if (!t->places[i].groups)
			set_path(&t->places[i], 0);
}
