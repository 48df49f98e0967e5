/*
 * Whether entries of the tables are what they can be, for those who look for what is wrong with
 * them. They may hold anything: no number is used before it was compared with its bound. Writer.
 */
#pragma once

#include "dataplane/tables/tables.h"

/* Whether a number is that of a shape, with the header that shapes have. */
static inline bool sound_shape(const struct path_table *t, uint16_t number)
{
	const struct path_shape *shape;

	if (number >= t->shapes.fresh)
		return false;
	shape = path_shape_at(t, number);
	for (unsigned i = 1; i < 6; i++)
		if (shape->header[i])
			return false;
	return shape->header[0] == 0x60 && shape->header[6] == IPPROTO_IPV6 &&
	       shape->header[7] == PATH_HOP_LIMIT;
}

/* Whether a number is that of a path, which leads only to what is there. */
static inline bool sound_path(const struct path_table *t, uint32_t number)
{
	uint16_t data_plane, slot;

	if (number >= t->paths.fresh)
		return false;
	data_plane = path_at(t, number)->data_plane;
	slot = (uint16_t)(data_plane & ~PATH_RELAYED);
	return slot < DATA_PLANE_SLOTS &&
	       data_plane_table_is_own(t->data_planes, slot) == !(data_plane & PATH_RELAYED) &&
	       sound_shape(t, path_at(t, number)->shape);
}

/* Whether a worker that looks for the entry's prefix comes to this number. */
static inline bool sound_reach(const struct subscriber_table *t, uint32_t number)
{
	const struct subscriber_entry *entry = subscriber_at(t, number);
	uint8_t len = (uint8_t)entry->tag;
	uint64_t lengths;

	if (len > 128)
		return false;
	lengths = atomic_load_explicit(&t->lengths[len / 64], memory_order_relaxed);
	return lengths >> (len % 64) & 1 &&
	       subscriber_table_number(t, &entry->prefix, entry->tag) == number;
}
