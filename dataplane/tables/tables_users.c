/*
 * A number that is damaged may lead to another entry, as sound as the right one. A digest sees that
 * it is not the object that it was; but who sets that anew lets go of what was never held, and what
 * is still in use would be free. So it is counted before.
 */
#include <stdlib.h>

#include "dataplane/tables/sound.h"

struct users {
	uint32_t *paths, *shapes; /* by number */
	uint32_t data_planes[DATA_PLANE_SLOTS];
};

static bool count_paths(const struct tables *t, struct users *users)
{
	const struct path_table *paths = &t->paths;

	if (paths->own_shape != PATH_SHAPE_NONE)
		users->shapes[paths->own_shape]++;
	for (size_t place = 0; place < sig_index_places(&paths->by_id); place++) {
		const uint32_t number = sig_index_at(&paths->by_id, place);
		const struct path *path;

		if (number == SIG_INDEX_NONE)
			continue;
		if (!sound_path(paths, number))
			return false;
		path = path_at(paths, number);
		users->shapes[path->shape]++;
		users->data_planes[path->data_plane & ~PATH_RELAYED]++;
	}
	return true;
}

static bool count_subscribers(const struct tables *t, struct users *users)
{
	const struct sig_index *index = &t->subscribers.by_id;

	for (size_t place = 0; place < sig_index_places(index); place++) {
		const uint32_t number = sig_index_at(index, place);
		const struct subscriber_entry *entry;
		const struct path_list *list;

		if (number == SIG_INDEX_NONE)
			continue;
		if (!subscriber_table_is_whole(&t->subscribers, number))
			return false;
		entry = subscriber_at(&t->subscribers, number);
		if (entry->paths == POOL_NONE) {
			users->paths[entry->path]++;
			continue;
		}
		list = path_list_at(&t->paths, entry->paths);
		for (uint32_t i = 0; i < list->count; i++)
			users->paths[list->paths[i]]++;
	}
	return true;
}

static bool is_as_counted(const struct tables *t, const struct users *users)
{
	const struct path_table *paths = &t->paths;

	for (size_t place = 0; place < sig_index_places(&paths->by_id); place++) {
		const uint32_t number = sig_index_at(&paths->by_id, place);

		if (number != SIG_INDEX_NONE &&
			path_at(paths, number)->users != users->paths[number])
			return false;
	}
	for (uint32_t i = 0; i < paths->shapes.fresh; i++)
		if (path_shape_at(paths, (uint16_t)i)->users != users->shapes[i])
			return false;
	for (unsigned i = 1; i < DATA_PLANE_SLOTS; i++)
		if (t->data_planes.slots[i].users != users->data_planes[i])
			return false;
	return true;
}

bool tables_users_hold(const struct tables *t)
{
	struct users users = {
		.paths = calloc((size_t)t->paths.paths.fresh + 1, sizeof(uint32_t)),
		.shapes = calloc((size_t)t->paths.shapes.fresh + 1, sizeof(uint32_t)),
	};
	const bool hold = users.paths && users.shapes && count_paths(t, &users) &&
			  count_subscribers(t, &users) && is_as_counted(t, &users);

	free(users.paths);
	free(users.shapes);
	return hold;
}
