/*
 * Changes of paths that subscribers use: readers hold copies of a path, so a change is a new path
 * to which the users move.
 */
#include <errno.h>
#include <rte_common.h>
#include <string.h>

#include "dataplane/tables/bits.h"
#include "dataplane/tables/tables.h"

enum {
	MTU_MIN = 1280,               /* of an IPv6 link (RFC 8200, 5) */
	LEARNED_LIFETIME_MS = 600000, /* RFC 8201, 4 */
	FIRST_MTU = UINT16_MAX + 1,
};

/* A new path as an object says; waits for readers if versions that they hold fill the pool. */
static int64_t make(struct tables *t, const struct object_path *object)
{
	int64_t fresh = path_table_make(&t->paths, object);

	if (fresh == -ENOSPC) {
		pool_reclaim(&t->paths.paths, true);
		pool_reclaim(&t->paths.shapes, true);
		fresh = path_table_make(&t->paths, object);
	}
	return fresh;
}

/* Makes the new one the path of its id, in the place of old unless POOL_NONE. */
static int publish(struct tables *t, uint32_t fresh, uint32_t old)
{
	int err = path_table_publish(&t->paths, fresh, old);

	if (err == 0 && old != POOL_NONE) {
		err = subscriber_table_move(&t->subscribers, old);
		if (err < 0) {
			path_table_publish(&t->paths, old, fresh);
			subscriber_table_move(&t->subscribers, fresh);
			path_table_retire(&t->paths, fresh);
			return err;
		}
		path_table_retire(&t->paths, old);
	} else if (err < 0) {
		path_table_retire(&t->paths, fresh);
		return err;
	}
	bits_set(t->paths.marks, fresh);
	return 0;
}

static bool is_unchanged(const struct tables *t, uint32_t number, const struct object_path *object)
{
	const struct object_path is = path_table_object(&t->paths, number);

	return object->kind == is.kind && object->mtu == is.mtu &&
	       object->data_plane == is.data_plane && addr_equal(&object->remote, &is.remote) &&
	       addr_equal(&object->local, &is.local) && mac_equal(&object->mac, &is.mac) &&
	       strcmp(object->port, is.port) == 0 && object->keyed == is.keyed &&
	       object->key_in == is.key_in && object->key_out == is.key_out &&
	       object->hold_packets == is.hold_packets && object->hold_ms == is.hold_ms;
}

int tables_set_path(struct tables *t, const struct object_path *object)
{
	uint32_t old = path_table_find(&t->paths, object->id);

	if (old != POOL_NONE && is_unchanged(t, old, object)) {
		bits_set(t->paths.marks, old);
		return 0;
	}

	int64_t fresh = make(t, object);

	return fresh < 0 ? (int)fresh : publish(t, (uint32_t)fresh, old);
}

int tables_delete_path(struct tables *t, uint64_t id)
{
	uint32_t path = path_table_find(&t->paths, id);

	if (path == POOL_NONE)
		return 0;
	if (path_at(&t->paths, path)->users)
		return -EBUSY;
	path_table_hide(&t->paths, path);
	path_table_retire(&t->paths, path);
	return 0;
}

uint32_t tables_sweep_paths(struct tables *t)
{
	const struct sig_index *index = &t->paths.by_id;
	uint32_t removed = 0;

	for (size_t place = 0; place < sig_index_places(index); place++) {
		uint32_t path = sig_index_at(index, place);

		if (path != SIG_INDEX_NONE && !bits_test(t->paths.marks, path) &&
			path_at(&t->paths, path)->users == 0 &&
			object_buckets_have(&t->marked, path_at(&t->paths, path)->id)) {
			path_table_hide(&t->paths, path);
			path_table_retire(&t->paths, path);
			removed++;
		}
	}
	return removed;
}

/* The same path again, with this MTU, or the one it has before it learns any. */
static int renew(struct tables *t, uint32_t old, uint32_t mtu)
{
	const struct object_path object = path_table_object(&t->paths, old);
	bool marked = bits_test(t->paths.marks, old);
	int64_t fresh = make(t, &object);

	if (fresh < 0)
		return (int)fresh;
	if (mtu != FIRST_MTU)
		path_at(&t->paths, (uint32_t)fresh)->mtu = (uint16_t)mtu;

	int err = publish(t, (uint32_t)fresh, old);

	if (err == 0 && !marked)
		bits_clear(t->paths.marks, (uint32_t)fresh);
	return err;
}

int tables_renew_path(struct tables *t, uint32_t path)
{
	return renew(t, path, FIRST_MTU);
}

/* Number of the path of a subscriber that leads to this remote address. */
static uint32_t find_path(
	const struct tables *t, uint64_t subscriber, const struct in6_addr *remote)
{
	const struct subscriber_entry *entry = subscriber_table_by_id(&t->subscribers, subscriber);

	if (!entry)
		return POOL_NONE;
	if (addr_equal(&entry->remote, remote))
		return entry->path;
	if (entry->paths == POOL_NONE)
		return POOL_NONE;

	const struct path_list *list = path_list_at(&t->paths, entry->paths);

	for (uint32_t i = 0; i < list->count; i++)
		if (addr_equal(&path_at(&t->paths, list->paths[i])->remote, remote))
			return list->paths[i];
	return POOL_NONE;
}

/* A place to remember when a path learned its MTU: its own, a free one, or that of the oldest. */
static struct tables_learned *learned_place(struct tables *t, uint64_t path)
{
	struct tables_learned *best = &t->learned[0];

	for (unsigned i = 0; i < TABLES_LEARNED_MAX; i++) {
		struct tables_learned *at = &t->learned[i];

		if (at->path == path)
			return at;
		if (at->when_ms < best->when_ms)
			best = at;
	}
	return best;
}

static void forget(struct tables *t, struct tables_learned *learned)
{
	uint32_t path = path_table_find(&t->paths, learned->path);

	if (path != POOL_NONE && renew(t, path, FIRST_MTU) < 0)
		return;
	*learned = (struct tables_learned){0};
}

int tables_path_mtu_learn(struct tables *t, uint64_t subscriber, const struct in6_addr *remote,
	uint32_t mtu, uint64_t now_ms)
{
	uint32_t number = find_path(t, subscriber, remote);

	if (number == POOL_NONE)
		return -ENOENT;

	const struct path *path = path_at(&t->paths, number);
	uint16_t value = (uint16_t)RTE_MIN(RTE_MAX(mtu, (uint32_t)MTU_MIN), (uint32_t)UINT16_MAX);

	if (path->mtu && path->mtu <= value)
		return 0;

	struct tables_learned *place = learned_place(t, path->id);
	uint64_t id = path->id;

	if (place->path && place->path != id)
		forget(t, place);

	int err = renew(t, number, value);

	if (err == 0)
		*place = (struct tables_learned){id, now_ms};
	return err;
}

void tables_path_mtu_age(struct tables *t, uint64_t now_ms)
{
	for (unsigned i = 0; i < TABLES_LEARNED_MAX; i++)
		if (t->learned[i].path && now_ms - t->learned[i].when_ms >= LEARNED_LIFETIME_MS)
			forget(t, &t->learned[i]);
}
