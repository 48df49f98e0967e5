/*
 * Changes of data planes: addresses that paths are relayed to, or from, live in copies.
 */
#include <errno.h>

#include "dataplane/tables/tables.h"

/* Whether a change of this slot changes how a path is encapsulated. */
static bool depends(const struct tables *t, const struct path *path, uint16_t slot)
{
	uint16_t of = (uint16_t)(path->data_plane & ~PATH_RELAYED);

	return of == slot || (of && data_plane_table_is_own(&t->data_planes, slot));
}

/* A renewed path takes its old place in the index, so that one round meets every path. */
static int renew_paths(struct tables *t, uint16_t slot)
{
	const struct sig_index *index = &t->paths.by_id;

	for (size_t place = 0; place < sig_index_places(index); place++) {
		uint32_t path = sig_index_at(index, place);

		if (path != SIG_INDEX_NONE && depends(t, path_at(&t->paths, path), slot)) {
			int err = tables_renew_path(t, path);

			if (err < 0)
				return err;
		}
	}
	return 0;
}

int tables_set_data_plane(struct tables *t, const struct object_data_plane *object)
{
	bool changed;
	int err = data_plane_table_set(&t->data_planes, object, &changed);

	if (err < 0 || (!changed && !t->renewing))
		return err;

	int before = path_table_take_own(&t->paths);

	if (before < 0)
		return before;
	t->renewing = true;
	err = renew_paths(t, (uint16_t)data_plane_table_slot(&t->data_planes, object->id));
	path_table_release_shape(&t->paths, (uint16_t)before);
	if (err == 0)
		err = local_table_refresh(&t->local);
	t->renewing = err < 0;
	return err;
}

int tables_delete_data_plane(struct tables *t, uint64_t id)
{
	int err = data_plane_table_delete(&t->data_planes, id);

	if (err < 0)
		return err;

	int before = path_table_take_own(&t->paths);

	if (before < 0)
		return before;
	path_table_release_shape(&t->paths, (uint16_t)before);
	return local_table_refresh(&t->local);
}

uint32_t tables_sweep_data_planes(struct tables *t)
{
	uint32_t removed = data_plane_table_sweep(&t->data_planes, &t->marked);
	int before = removed ? path_table_take_own(&t->paths) : -ENOSPC;

	if (before >= 0) {
		path_table_release_shape(&t->paths, (uint16_t)before);
		local_table_refresh(&t->local);
	}
	return removed;
}
