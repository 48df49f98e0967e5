#include "dataplane/tables/group_tunnel.h"

#include <errno.h>

/* Its tag comes with the path. */
static void set_path(struct group_tunnels *t, unsigned place, uint64_t path)
{
	atomic_store_explicit(&t->places[place].path, path, memory_order_relaxed);
	atomic_store_explicit(&t->tags[place], 0, memory_order_relaxed);
}

static uint32_t used(const struct group_tunnels *t)
{
	return atomic_load_explicit(&t->used, memory_order_relaxed);
}

/* The place of a path, or a free one, or -ENOSPC. */
static int find(const struct group_tunnels *t, uint64_t path)
{
	const int count = (int)used(t);
	int found = count < GROUP_TUNNELS_MAX ? count : -ENOSPC;

	for (int i = count - 1; i >= 0; i--) {
		if (t->places[i].groups && group_tunnel_path(t, (uint16_t)(i + 1)) == path)
			return i;
		if (!t->places[i].groups)
			found = i;
	}
	return found;
}

int group_tunnel_take(struct group_tunnels *t, uint64_t path)
{
	int place;

	if (!path)
		return 0;
	place = find(t, path);
	if (place < 0)
		return place;
	if (t->places[place].groups++ == 0)
		set_path(t, (unsigned)place, path);
	if ((uint32_t)place == used(t))
		atomic_store_explicit(&t->used, (uint32_t)place + 1, memory_order_release);
	return place + 1;
}

void group_tunnel_return(struct group_tunnels *t, uint16_t place)
{
	if (place && --t->places[place - 1].groups == 0)
		set_path(t, place - 1u, 0);
}

bool group_tunnel_has(const struct group_tunnels *t, uint64_t path)
{
	const int place = find(t, path);

	return place >= 0 && t->places[place].groups > 0 &&
	       group_tunnel_path(t, (uint16_t)(place + 1)) == path;
}

void group_tunnel_set_tag(struct group_tunnels *t, uint64_t path, uint32_t tag)
{
	if (group_tunnel_has(t, path))
		atomic_store_explicit(&t->tags[find(t, path)], tag, memory_order_relaxed);
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
			set_path(t, i, 0);
}
