/*
 * Whether entries of the tables are what they can be, for those who look for what is wrong with
 * them. They may hold anything: no number is used before it was compared with its bound. Writer.
 */
#pragma once

#include <string.h>

#include "dataplane/tables/tables.h"

/* Whether what follows the IPv6 header of a shape is what its next header says. */
static inline bool sound_gre(const uint8_t *header)
{
	static const uint8_t gre[][PATH_GRE_KEYED] = {{0, 0, 0x86, 0xdd}, {0x20, 0, 0x86, 0xdd}};
	static const uint8_t none[PATH_GRE_KEYED];
	const uint8_t *at = header + PATH_HEADER_LEN;

	if (header[6] != IPPROTO_GRE)
		return header[6] == IPPROTO_IPV6 && memcmp(at, none, sizeof(none)) == 0;
	return memcmp(at, gre[0], sizeof(gre[0])) == 0 || memcmp(at, gre[1], sizeof(gre[1])) == 0;
}

/* Whether the header of a shape is that of paths on a link: nothing, or what another data plane
 * calls its port. */
static inline bool sound_on_link(const uint8_t header[PATH_SHAPE_LEN])
{
	static const uint8_t none[PATH_SHAPE_LEN];
	const char *name = (const char *)header + 8;
	const size_t len = strnlen(name, OBJECT_PORT_NAME_MAX);

	return memcmp(header, none, 8) == 0 &&
	       memcmp(header + 8 + len, none, PATH_SHAPE_LEN - 8 - len) == 0;
}

/* Whether the header of a shape is that of held paths: nothing, or a local address. */
static inline bool sound_held(const uint8_t header[PATH_SHAPE_LEN])
{
	static const uint8_t none[PATH_SHAPE_LEN];
	const size_t behind = 8 + sizeof(struct in6_addr);

	return memcmp(header + 2, none, 6) == 0 &&
	       memcmp(header + behind, none, PATH_SHAPE_LEN - behind) == 0;
}

/* Whether a number is that of a shape, with the header that shapes have. */
static inline bool sound_shape(const struct path_table *t, uint16_t number)
{
	const struct path_shape *shape;

	if (number >= t->shapes.fresh)
		return false;
	shape = path_shape_at(t, number);
	if (path_header_held(shape->header))
		return sound_held(shape->header);
	if (path_header_on_link(shape->header))
		return sound_on_link(shape->header);
	for (unsigned i = 1; i < 6; i++)
		if (shape->header[i])
			return false;
	return shape->header[0] == 0x60 && shape->header[7] == PATH_HOP_LIMIT &&
	       sound_gre(shape->header);
}

/* Whether the path of a number, of a sound shape, has the name of its port there if it should. */
static inline bool sound_port(const struct path_table *t, uint32_t number)
{
	const struct path *path = path_at(t, number);
	const uint8_t *header = path_shape_at(t, path->shape)->header;

	return !path_header_on_link(header) || path_header_held(header) ||
	       !!header[8] == !!(path->data_plane & PATH_RELAYED);
}

/* Whether the path of a number, of a sound shape, has keys if it should. */
static inline bool sound_keys(const struct path_table *t, uint32_t number)
{
	const uint8_t *header = path_shape_at(t, path_at(t, number)->shape)->header;

	return path_header_gre(header) != PATH_GRE_KEYED ||
	       ((size_t)number + 1) * sizeof(struct path_keys) <= t->keys.made;
}

/* Whether the path of a number, of a sound shape, has bounds for what waits if it is held. */
static inline bool sound_hold(const struct path_table *t, uint32_t number)
{
	const uint8_t *header = path_shape_at(t, path_at(t, number)->shape)->header;
	const struct path_hold *hold = path_hold_at(t, number);

	return !path_header_held(header) ||
	       (((size_t)number + 1) * sizeof(*hold) <= t->holds.made && hold->packets &&
		       hold->ms && path_at(t, number)->data_plane == 0);
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
	       sound_shape(t, path_at(t, number)->shape) && sound_port(t, number) &&
	       sound_keys(t, number) && sound_hold(t, number);
}

/* Whether a list's paths are paths. */
static inline bool sound_paths(const struct path_table *t, const struct path_list *list)
{
	if (list->count == 0 || list->count > OBJECT_PATHS_MAX)
		return false;
	for (unsigned i = 0; i < list->count; i++)
		if (!sound_path(t, list->paths[i]))
			return false;
	return true;
}

/* Whether the head of a list is what set made of it. Its numbers may be anything. */
static inline bool sound_list(const struct path_list *list)
{
	struct path_list want = {.count = list->count};

	if (list->count == 0 || list->count > OBJECT_PATHS_MAX || list->steering >= STEERING_COUNT)
		return false;
	memcpy(want.weights, list->weights, sizeof(want.weights));
	path_list_share(&want);
	for (unsigned i = list->count; i < OBJECT_PATHS_MAX; i++)
		if (list->weights[i])
			return false;
	return list->divisor == want.divisor && list->turns == want.turns &&
	       list->stride == want.stride;
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
