#include "dataplane/tables/path_hold.h"

#include <errno.h>
#include <rte_cycles.h>
#include <unistd.h>

#include "dataplane/tables/path_table.h"

enum {
	WAIT_US = 20,    /* between two looks whether packets have gone on */
	IMPATIENT = 100, /* times the patience, during which nobody is waited for */
};

/* The hold of a path, or NULL. Nothing in memory is trusted. */
static struct path_hold *hold_of(const struct path_table *t, uint32_t path)
{
	if (path_at(t, path)->shape >= t->shapes.fresh || !path_is_held(t, path) ||
		((size_t)path + 1) * sizeof(struct path_hold) > t->holds.made)
		return NULL;
	return path_hold_at(t, path);
}

int path_table_hold(struct path_table *t, uint32_t path, const struct object_path *object)
{
	struct path_hold *hold = path_hold_at(t, path);

	if (object->kind != PATH_HELD)
		return 0;
	if (room_grow(&t->holds, (path + 1) * sizeof(*hold)) < 0)
		return -ENOSPC;
	if (++t->hold_generation == PATH_HOLD_NONE)
		t->hold_generation++;
	hold->packets = object->hold_packets;
	hold->ms = object->hold_ms;
	__atomic_store_n(&hold->state, (uint64_t)t->hold_generation << 32, __ATOMIC_RELEASE);
	return 0;
}

void path_table_end_hold(struct path_table *t, uint32_t path)
{
	struct path_hold *hold = hold_of(t, path);

	if (hold)
		path_hold_end(hold);
}

/* What has gone on is on its way through its worker's graph until the end of the walk. */
static bool have_left(struct rte_rcu_qsbr *rcu, const struct path_hold *hold, uint64_t until)
{
	uint64_t token;

	while (path_hold_waiting(hold)) {
		if (rte_rdtsc() >= until)
			return false;
		usleep(WAIT_US);
	}
	for (token = rte_rcu_qsbr_start(rcu); rte_rcu_qsbr_check(rcu, token, false) != 1;) {
		if (rte_rdtsc() >= until)
			return false;
		usleep(WAIT_US);
	}
	return true;
}

void path_table_release(struct path_table *t, uint32_t from, uint32_t to)
{
	struct path_hold *hold = hold_of(t, from);
	uint64_t begun, patience;

	if (likely(!hold) || path_is_held(t, to) || path_hold_end(hold) == 0)
		return;
	begun = rte_rdtsc();
	patience = rte_get_tsc_hz() / US_PER_S * PATH_HOLD_PATIENCE_US;
	if (begun >= t->impatient && !have_left(t->paths.rcu, hold, begun + patience))
		t->impatient = begun + IMPATIENT * patience;
}

/* Whether what comes out of a tunnel waits by this path. */
static bool is_room(const struct path_table *t, uint32_t path)
{
	return hold_of(t, path) &&
	       !addr_is_unspecified(path_shape_local(path_shape_at(t, path_at(t, path)->shape)));
}

/* A reader that looks meanwhile may miss another one, whose packets do not wait then. */
void path_table_leave_room(struct path_table *t, uint32_t path)
{
	const uint32_t last = t->room_count - 1;

	for (uint32_t i = 0; i < t->room_count; i++) {
		if (t->rooms[i] != path)
			continue;
		__atomic_store_n(&t->rooms[i], t->rooms[last], __ATOMIC_RELAXED);
		__atomic_store_n(&t->room_count, last, __ATOMIC_RELEASE);
		return;
	}
}

int path_table_enter_room(struct path_table *t, uint32_t path)
{
	if (!is_room(t, path))
		return 0;
	if (t->room_count == OBJECT_HOLD_TUNNELS_MAX)
		return -ENOSPC;
	__atomic_store_n(&t->rooms[t->room_count], path, __ATOMIC_RELAXED);
	__atomic_store_n(&t->room_count, t->room_count + 1, __ATOMIC_RELEASE);
	return 0;
}

void path_table_check_rooms(struct path_table *t)
{
	for (uint32_t i = t->room_count; i-- > 0;) {
		const uint32_t path = t->rooms[i];

		if (path_table_find(t, path_at(t, path)->id) != path || !is_room(t, path))
			path_table_leave_room(t, path);
	}
}

uint32_t path_table_room(
	const struct path_table *t, const struct in6_addr *remote, const struct in6_addr *local)
{
	const uint32_t count = __atomic_load_n(&t->room_count, __ATOMIC_ACQUIRE);

	for (uint32_t i = 0; i < count; i++) {
		const uint32_t number = __atomic_load_n(&t->rooms[i], __ATOMIC_RELAXED);
		const struct path *path = path_at(t, number);

		if (addr_equal(&path->remote, remote) &&
			addr_equal(path_shape_local(path_shape_at(t, path->shape)), local))
			return number;
	}
	return POOL_NONE;
}
