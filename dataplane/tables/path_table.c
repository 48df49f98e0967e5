#include "dataplane/tables/path_table.h"

#include <endian.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/port.h"
#include "dataplane/tables/bits.h"
#include "dataplane/tables/hash.h"

enum {
	NEXT_HEADER_IP6 = 41,   /* IPv6 in the tunnel */
	GRE_KEY_PRESENT = 0x20, /* of the first octet (RFC 2890, 2) */
	SPARE = 1024,           /* versions of changed paths that readers may still hold */
	LISTS_OF = 8,           /* paths that there is a list for at first */
};

static uint64_t hash_of_id(const void *table, uint32_t path)
{
	return table_hash_id(path_at(table, path)->id);
}

static uint32_t lists_of(uint32_t capacity)
{
	return capacity / LISTS_OF + SPARE;
}

static int make_turns(struct path_table *t, unsigned readers)
{
	t->turns = calloc(readers, sizeof(t->turns[0]));
	if (!t->turns)
		return -ENOMEM;
	for (; t->readers < readers; t->readers++)
		if (room_init(&t->turns[t->readers], t->lists.capacity * sizeof(uint16_t),
			    t->lists.most * sizeof(uint16_t)) < 0)
			return -ENOMEM;
	return 0;
}

int path_table_init(struct path_table *t, uint32_t capacity, uint32_t most, unsigned readers,
	struct data_plane_table *data_planes, struct rte_rcu_qsbr *rcu)
{
	/* Where nothing grows there are no more lists either. */
	const uint32_t most_lists = most > capacity ? most + most / 16 + SPARE : 0;

	*t = (struct path_table){.data_planes = data_planes, .own_shape = PATH_SHAPE_NONE};
	if (pool_init(&t->paths, POOL_ELEMENT(struct path, link), capacity + SPARE,
		    most + most / 16 + SPARE, rcu) < 0 ||
		pool_init(&t->shapes, POOL_ELEMENT(struct path_shape, link), PATH_SHAPES_MAX, 0,
			rcu) < 0 ||
		pool_init(&t->lists, POOL_ELEMENT(struct path_list, link), lists_of(capacity),
			most_lists, rcu) < 0 ||
		make_turns(t, readers) < 0 ||
		room_init(&t->keys, 0, t->paths.most * sizeof(struct path_keys)) < 0 ||
		room_init(&t->holds, 0, t->paths.most * sizeof(struct path_hold)) < 0 ||
		path_traffic_init(&t->traffic, readers, t->paths.most) < 0 ||
		path_down_init(&t->downs, t->paths.most) < 0 ||
		order_table_init(&t->orders, t->lists.most, rcu) < 0 ||
		sig_index_init(&t->by_id, capacity, SIG_INDEX_DENSE) < 0 ||
		!(t->marks = bits_make(t->paths.most))) {
		path_table_destroy(t);
		return -ENOMEM;
	}
	sig_index_grows(&t->by_id, most, &t->paths, hash_of_id, t);
	return 0;
}

void path_table_destroy(struct path_table *t)
{
	pool_destroy(&t->paths);
	pool_destroy(&t->shapes);
	pool_destroy(&t->lists);
	sig_index_destroy(&t->by_id);
	room_destroy(&t->keys);
	room_destroy(&t->holds);
	path_traffic_destroy(&t->traffic);
	path_down_destroy(&t->downs);
	order_table_destroy(&t->orders);
	bits_free(t->marks);
	for (unsigned i = 0; i < t->readers; i++)
		room_destroy(&t->turns[i]);
	free(t->turns);
	t->marks = NULL;
	t->turns = NULL;
	t->readers = 0;
}

size_t path_table_memory(uint32_t capacity, unsigned readers)
{
	return room_needed((size_t)(capacity + SPARE) * sizeof(struct path)) +
	       room_needed(PATH_SHAPES_MAX * sizeof(struct path_shape)) +
	       room_needed(lists_of(capacity) * sizeof(struct path_list)) +
	       sig_index_needed(capacity, SIG_INDEX_DENSE) +
	       readers * room_needed(lists_of(capacity) * sizeof(uint16_t)) +
	       path_traffic_memory(readers, capacity + SPARE);
}

uint32_t path_table_take_list(struct path_table *t)
{
	uint32_t number = pool_take(&t->lists);

	if (number == POOL_NONE) {
		pool_reclaim(&t->lists, true);
		number = pool_take(&t->lists);
	}
	for (unsigned i = 0; number != POOL_NONE && i < t->readers; i++) {
		if (room_grow(&t->turns[i], (number + 1) * sizeof(uint16_t)) == 0)
			continue;
		pool_return(&t->lists, number);
		number = POOL_NONE;
	}
	return number;
}

static bool has_id(const void *table, uint32_t path, const void *id)
{
	return path_at(table, path)->id == *(const uint64_t *)id;
}

uint32_t path_table_find(const struct path_table *t, uint64_t id)
{
	return sig_index_find(&t->by_id, table_hash_id(id), has_id, t, &id);
}

/* The headers that paths like this one have, as in struct path_shape. */
static void make_header(
	const struct object_path *object, bool relayed, uint8_t header[PATH_SHAPE_LEN])
{
	const uint8_t ip6[] = {0x86, 0xdd}; /* protocol type (RFC 2784, 2.4) */

	static_assert(sizeof(object->port) <= sizeof(object->local), "in its place");
	memset(header, 0, PATH_SHAPE_LEN);
	if (object->kind == PATH_ON_LINK) {
		if (relayed)
			memcpy(header + 8, object->port, strlen(object->port));
		return;
	}
	if (object->kind == PATH_HELD) {
		header[1] = PATH_HEADER_HELD;
		memcpy(header + 8, &object->local, sizeof(object->local));
		return;
	}
	header[0] = 0x60;
	header[6] = NEXT_HEADER_IP6;
	header[7] = PATH_HOP_LIMIT;
	memcpy(header + 8, &object->local, sizeof(object->local));
	if (object->kind != PATH_GRE)
		return;
	header[6] = IPPROTO_GRE;
	header[PATH_HEADER_LEN] = object->keyed ? GRE_KEY_PRESENT : 0;
	memcpy(header + PATH_HEADER_LEN + 2, ip6, sizeof(ip6));
}

/* The shape of such a path: one that is there, or a new one; POOL_NONE: full. */
static uint32_t take_shape(struct path_table *t, const struct object_path *object, bool relayed)
{
	uint8_t header[PATH_SHAPE_LEN];
	uint32_t number;

	make_header(object, relayed, header);

	for (number = 0; number < t->shapes.fresh; number++) {
		struct path_shape *shape = pool_at(&t->shapes, number);

		if (shape->users && memcmp(shape->header, header, sizeof(header)) == 0) {
			shape->users++;
			return number;
		}
	}
	number = pool_take(&t->shapes);
	if (number == POOL_NONE)
		return POOL_NONE;

	struct path_shape *shape = pool_at(&t->shapes, number);

	*shape = (struct path_shape){.users = 1};
	memcpy(shape->header, header, sizeof(header));
	return number;
}

/* Where the data plane of a path stands, with PATH_RELAYED unless it is us; or why not. */
static int data_plane_of(const struct path_table *t, const struct object_path *object)
{
	int slot = data_plane_table_slot(t->data_planes, object->data_plane);

	if (slot < 0 || data_plane_table_is_own(t->data_planes, (uint16_t)slot))
		return slot;
	if (t->own_shape == PATH_SHAPE_NONE)
		return -EADDRNOTAVAIL;
	return slot | PATH_RELAYED;
}

static uint32_t *data_plane_users(struct path_table *t, const struct path *path)
{
	return &t->data_planes->slots[path->data_plane & ~PATH_RELAYED].users;
}

/* Where the path leads, as entries have it if it is not relayed. 0, -EOPNOTSUPP, -ENOENT or
 * -EINVAL. */
static int remote_of(const struct object_path *object, bool relayed, struct in6_addr *remote)
{
	struct path_on_link to = {.port = PORT_NONE, .mac = object->mac};

	switch (object->kind) {
	case PATH_IP6_IN_IP6:
	case PATH_GRE:
		*remote = object->remote;
		return addr_is_unspecified(&object->local) ||
				       addr_equal(&object->local, &object->remote)
			       ? -EINVAL
			       : 0;
	case PATH_ON_LINK:
		to.port = relayed ? PORT_NONE : port_find(object->port);
		memcpy(remote, &to, sizeof(*remote));
		return to.port == PORT_NONE && !relayed ? -ENOENT : 0;
	case PATH_HELD:
		memcpy(remote, &to, sizeof(*remote));
		if (!addr_is_unspecified(&object->remote))
			*remote = object->remote;
		return 0;
	}
	return -EOPNOTSUPP;
}

/* What of a path says whether it is down. */
static struct down_tunnel tunnel_of(const struct path_table *t, const struct path *path)
{
	return (struct down_tunnel){*path_shape_local(path_shape_at(t, path->shape)), path->remote};
}

void path_table_set_down(struct path_table *t, const struct down_tunnels *down)
{
	if (!path_down_want(&t->downs, down))
		return;
	for (uint32_t i = 0; i < t->paths.fresh; i++)
		path_down_mark(&t->downs, i, tunnel_of(t, path_at(t, i)));
	path_down_end(&t->downs);
}

/* Sets the keys of a path, if it has any. 0 or -ENOSPC. */
static int set_keys(struct path_table *t, uint32_t number, const struct object_path *object)
{
	if (!object->keyed)
		return 0;
	if (room_grow(&t->keys, (number + 1) * sizeof(struct path_keys)) < 0)
		return -ENOSPC;
	*path_keys_at(t, number) =
		(struct path_keys){.in = htobe32(object->key_in), .out = htobe32(object->key_out)};
	return 0;
}

int64_t path_table_make(struct path_table *t, const struct object_path *object)
{
	const int data_plane = data_plane_of(t, object);
	const bool relayed = data_plane >= 0 && data_plane & PATH_RELAYED;
	struct in6_addr remote;
	int error = remote_of(object, relayed, &remote);

	if (error)
		return error;
	if (data_plane < 0)
		return data_plane;

	uint32_t number = pool_take(&t->paths);
	uint32_t shape = POOL_NONE;

	if (number != POOL_NONE && path_traffic_make_room(&t->traffic, number) == 0 &&
		set_keys(t, number, object) == 0 && path_table_hold(t, number, object) == 0)
		shape = take_shape(t, object, relayed);
	if (shape == POOL_NONE) {
		if (number != POOL_NONE)
			pool_return(&t->paths, number);
		return -ENOSPC;
	}

	struct path *path = path_at(t, number);

	*path = (struct path){
		.remote = remote,
		.id = object->id,
		.shape = (uint16_t)shape,
		.set_mtu = object->mtu,
		.data_plane = (uint16_t)data_plane,
		.link = POOL_NONE,
	};
	path->mtu = path_table_first_mtu(path);
	if (data_plane)
		++*data_plane_users(t, path);
	bits_clear(t->marks, number);
	path_traffic_begin(&t->traffic, number);
	path_down_mark(&t->downs, number, tunnel_of(t, path));
	return number;
}

static struct object_path on_link_object(const struct path_table *t, const struct path *path)
{
	struct object_path object = {.id = path->id,
		.kind = PATH_ON_LINK,
		.data_plane = t->data_planes->slots[path->data_plane & ~PATH_RELAYED].id,
		.mtu = path->set_mtu};
	const struct path_shape *shape = path_shape_at(t, path->shape);
	struct path_on_link to;

	memcpy(&to, &path->remote, sizeof(to));
	object.mac = to.mac;
	if (path->data_plane & PATH_RELAYED)
		memcpy(object.port, path_shape_local(shape), OBJECT_PORT_NAME_MAX);
	else if (port_get(to.port))
		snprintf(object.port, sizeof(object.port), "%s", port_get(to.port)->name);
	return object;
}

static struct object_path held_object(const struct path_table *t, uint32_t number)
{
	const struct path *path = path_at(t, number);
	const struct path_hold *hold = path_hold_at(t, number);
	struct object_path object = {.id = path->id,
		.kind = PATH_HELD,
		.local = *path_shape_local(path_shape_at(t, path->shape)),
		.mtu = path->set_mtu,
		.hold_packets = hold->packets,
		.hold_ms = hold->ms};

	if (!addr_is_unspecified(&object.local))
		object.remote = path->remote;
	return object;
}

struct object_path path_table_object(const struct path_table *t, uint32_t number)
{
	const struct path *path = path_at(t, number);
	const struct path_shape *shape = path_shape_at(t, path->shape);
	struct object_path object = {
		.id = path->id,
		.kind = path_header_gre(shape->header) ? PATH_GRE : PATH_IP6_IN_IP6,
		.local = *path_shape_local(shape),
		.remote = path->remote,
		.data_plane = t->data_planes->slots[path->data_plane & ~PATH_RELAYED].id,
		.mtu = path->set_mtu,
		.keyed = path_header_gre(shape->header) == PATH_GRE_KEYED,
	};

	if (path_header_held(shape->header))
		return held_object(t, number);
	if (path_header_on_link(shape->header))
		return on_link_object(t, path);
	if (object.keyed) {
		object.key_in = be32toh(path_keys_at(t, number)->in);
		object.key_out = be32toh(path_keys_at(t, number)->out);
	}
	return object;
}

uint16_t path_table_first_mtu(const struct path *path)
{
	return path->data_plane & PATH_RELAYED ? 0 : path->set_mtu;
}

struct path_outer path_table_outer(const struct path_table *t, const struct path *path)
{
	const struct data_plane_slot *slot =
		&t->data_planes->slots[path->data_plane & ~PATH_RELAYED];

	if (path->data_plane & PATH_RELAYED)
		return (struct path_outer){slot->addr, t->own_shape, path->mtu, true};
	return (struct path_outer){path->remote, path->shape, path->mtu, false};
}

int path_table_take_own(struct path_table *t)
{
	const struct in6_addr *own = data_plane_table_own(t->data_planes);
	struct object_path relay = {.kind = PATH_IP6_IN_IP6};
	uint16_t before = t->own_shape;
	uint32_t shape = PATH_SHAPE_NONE;

	if (own) {
		relay.local = *own;
		shape = take_shape(t, &relay, false);
	}

	if (own && shape == POOL_NONE)
		return -ENOSPC;
	t->own_shape = (uint16_t)shape;
	return before;
}

int path_table_publish(struct path_table *t, uint32_t path, uint32_t old)
{
	uint64_t hash = table_hash_id(path_at(t, path)->id);

	int err = path_table_enter_room(t, path);

	if (err < 0)
		return err;
	err = -ENOSPC;
	if (old != POOL_NONE)
		err = sig_index_replace(&t->by_id, hash, old, path);
	else if (sig_index_make_room(&t->by_id) == 0)
		err = sig_index_insert(&t->by_id, hash, path);
	if (err == 0 && old != POOL_NONE)
		path_traffic_follow(&t->traffic, path, old);
	if (err == 0)
		pool_watch_tell(&t->watch, old, path);
	path_table_leave_room(t, err == 0 ? old : path);
	return err;
}

void path_table_hide(struct path_table *t, uint32_t path)
{
	sig_index_remove(&t->by_id, table_hash_id(path_at(t, path)->id), path);
	pool_watch_tell(&t->watch, path, POOL_NONE);
	path_table_leave_room(t, path);
}

void path_table_release_shape(struct path_table *t, uint16_t number)
{
	struct path_shape *shape;

	if (number == PATH_SHAPE_NONE)
		return;
	shape = pool_at(&t->shapes, number);
	if (--shape->users == 0)
		pool_retire(&t->shapes, number);
}

void path_table_retire(struct path_table *t, uint32_t number)
{
	const struct path *path = path_at(t, number);

	path_table_end_hold(t, number);
	path_table_release_shape(t, path->shape);
	if (path->data_plane)
		--*data_plane_users(t, path);
	pool_retire(&t->paths, number);
}

static unsigned divisor_of(unsigned a, unsigned b)
{
	while (b) {
		unsigned rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

void path_list_share(struct path_list *list)
{
	unsigned divisor = 0, sum = 0, stride, first = 0, shared = 0;

	for (unsigned i = 0; i < list->count; i++) {
		divisor = divisor_of(divisor, list->weights[i]);
		sum += list->weights[i];
		first = first ? first : list->weights[i];
		shared += list->weights[i] > 0;
	}
	list->divisor = (uint8_t)RTE_MAX(divisor, 1u);
	list->turns = (uint16_t)(sum / list->divisor);
	/* With the first one's share as the stride, the turns of two paths are even: in any row of
	 * packets each has what it should, but for a part of one. */
	if (shared == 2) {
		list->stride = (uint16_t)(first / list->divisor);
		return;
	}
	/* Of more, the golden ratio spreads best. */
	stride = (unsigned)(list->turns * 0.618) + 1;
	while (divisor_of(list->turns, stride) > 1)
		stride++;
	list->stride = (uint16_t)stride;
}
