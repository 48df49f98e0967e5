#include "dataplane/tables/group_table.h"

#include <errno.h>
#include <rte_common.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/port.h"
#include "dataplane/tables/bits.h"
#include "dataplane/tables/hash.h"

enum { SPARE = 64 }; /* elements for replaced ones that are still being read */

/* What group_table_find() looks for. */
struct key {
	const struct in6_addr *source, *group;
	uint16_t tunnel;
};

uint64_t group_table_hash(
	const struct in6_addr *source, const struct in6_addr *group, uint16_t tunnel)
{
	return table_hash(group, 0) + (table_hash(source, 1) + tunnel) * 0x9e3779b97f4a7c15u;
}

static bool has_addresses(const void *table, uint32_t number, const void *of)
{
	const struct group_entry *entry = group_at(table, number);
	const struct key *key = of;

	return addr_equal(&entry->source, key->source) && addr_equal(&entry->group, key->group) &&
	       entry->tunnel == key->tunnel;
}

static uint64_t id_of(const struct group_entry *entry)
{
	return atomic_load_explicit(&entry->id, memory_order_relaxed);
}

static bool group_has_id(const void *table, uint32_t number, const void *id)
{
	return id_of(group_at(table, number)) == *(const uint64_t *)id;
}

static bool member_has_id(const void *table, uint32_t number, const void *id)
{
	return group_member_at(table, number)->id == *(const uint64_t *)id;
}

uint32_t group_table_exactly(const struct group_table *t, const struct in6_addr *source,
	const struct in6_addr *group, uint16_t tunnel)
{
	const struct key key = {source, group, tunnel};

	return sig_index_find(
		&t->by_address, group_table_hash(source, group, tunnel), has_addresses, t, &key);
}

uint32_t group_table_find(const struct group_table *t, const struct in6_addr *source,
	const struct in6_addr *group, uint16_t tunnel)
{
	static const struct in6_addr any;
	uint32_t number = group_table_exactly(t, source, group, tunnel);

	return number != SIG_INDEX_NONE ? number : group_table_exactly(t, &any, group, tunnel);
}

uint32_t group_table_by_id(const struct group_table *t, uint64_t id)
{
	return sig_index_find(&t->by_id, table_hash_id(id), group_has_id, t, &id);
}

uint32_t group_table_member_by_id(const struct group_table *t, uint64_t id)
{
	return sig_index_find(&t->members_by_id, table_hash_id(id), member_has_id, t, &id);
}

static uint32_t spared(uint32_t capacity)
{
	return capacity + capacity / 16 + SPARE;
}

static uint64_t hash_of_address(const void *table, uint32_t number)
{
	const struct group_entry *entry = group_at(table, number);

	return group_table_hash(&entry->source, &entry->group, entry->tunnel);
}

static uint64_t hash_of_id(const void *table, uint32_t number)
{
	return table_hash_id(
		atomic_load_explicit(&group_at(table, number)->id, memory_order_relaxed));
}

static uint64_t hash_of_member(const void *table, uint32_t number)
{
	return table_hash_id(group_member_at(table, number)->id);
}

static struct group_counts_size counts_of(const struct group_table_size *size)
{
	return (struct group_counts_size){.groups = spared(size->groups),
		.members = spared(size->members),
		.most_groups = spared(size->groups ? size->most_groups : 0),
		.most_members = spared(size->members ? size->most_members : 0),
		.workers = size->readers};
}

/* One without room has an index that nothing is ever put into. */
static int make_index(struct sig_index *x, uint32_t capacity, uint32_t most,
	const struct pool *pool, sig_index_hash hash, const struct group_table *t)
{
	int err = sig_index_init(x, RTE_MAX(capacity, 1u), SIG_INDEX_DENSE);

	x->capacity = capacity;
	sig_index_grows(x, capacity ? most : 0, pool, hash, t);
	return err;
}

int group_table_init(
	struct group_table *t, const struct group_table_size *size, struct rte_rcu_qsbr *rcu)
{
	const uint32_t groups = size->groups, most_groups = groups ? size->most_groups : 0;
	const uint32_t members = size->members, most_members = members ? size->most_members : 0;
	const struct group_counts_size counts = counts_of(size);

	*t = (struct group_table){.rcu = rcu};
	if (pool_init(&t->groups, POOL_ELEMENT(struct group_entry, link), spared(groups),
		    spared(most_groups), rcu) < 0 ||
		pool_init(&t->members, POOL_ELEMENT(struct group_member, link), spared(members),
			spared(most_members), rcu) < 0 ||
		make_index(&t->by_address, groups, most_groups, &t->groups, hash_of_address, t) <
			0 ||
		make_index(&t->by_id, groups, most_groups, &t->groups, hash_of_id, t) < 0 ||
		make_index(&t->members_by_id, members, most_members, &t->members, hash_of_member,
			t) < 0 ||
		group_counts_init(&t->counts, &counts) < 0)
		goto fail;
	t->lists = calloc(t->groups.most, sizeof(t->lists[0]));
	t->group_marks = bits_make(t->groups.most);
	t->member_marks = bits_make(t->members.most);
	t->changed = bits_make(t->groups.most);
	if (t->lists && t->group_marks && t->member_marks && t->changed)
		return 0;
fail:
	group_table_destroy(t);
	return -ENOMEM;
}

void group_table_destroy(struct group_table *t)
{
	for (uint32_t i = 0; t->lists && i < t->groups.fresh; i++)
		free(t->lists[i]);
	free(t->lists);
	group_counts_destroy(&t->counts);
	bits_free(t->group_marks);
	bits_free(t->member_marks);
	bits_free(t->changed);
	pool_destroy(&t->groups);
	pool_destroy(&t->members);
	sig_index_destroy(&t->by_address);
	sig_index_destroy(&t->by_id);
	sig_index_destroy(&t->members_by_id);
	memset(t, 0, sizeof(*t));
}

size_t group_table_memory(const struct group_table_size *size)
{
	const struct group_counts_size counts = counts_of(size);
	size_t n = spared(size->groups), m = spared(size->members);

	return room_needed(n * sizeof(struct group_entry)) +
	       room_needed(m * sizeof(struct group_member)) +
	       2 * sig_index_needed(size->groups, SIG_INDEX_DENSE) +
	       sig_index_needed(size->members, SIG_INDEX_DENSE) + group_counts_memory(&counts);
}

/* The number of a port that an object names, GROUP_PORT_ANY for none; -ENOENT. */
static int port_of(const char *name)
{
	uint16_t port = name[0] ? port_find(name) : GROUP_PORT_ANY;

	return name[0] && port == PORT_NONE ? -ENOENT : port;
}

/* An element, even if that means to wait for who still reads retired ones. */
static uint32_t take(struct pool *pool)
{
	uint32_t number = pool_take(pool);

	if (number == POOL_NONE) {
		pool_reclaim(pool, true);
		number = pool_take(pool);
	}
	return number;
}

static void change(struct group_table *t, uint32_t number)
{
	bits_set(t->changed, number);
	t->any_changed = true;
}

/* By where packets of a group come, and how many. */
struct way {
	uint16_t port, tunnel;
	uint32_t rate;
};

static void set_way(struct group_entry *entry, const struct way *way)
{
	atomic_store_explicit(&entry->port, way->port, memory_order_relaxed);
	atomic_store_explicit(&entry->rate, way->rate, memory_order_relaxed);
}

static void fill(struct group_table *t, uint32_t number, const struct object_group *object,
	const struct way *way)
{
	struct group_entry *entry = group_at(t, number);

	entry->source = object->source;
	entry->group = object->group;
	entry->tunnel = way->tunnel;
	entry->free = GROUP_NO_PLACE;
	atomic_store_explicit(&entry->list, NULL, memory_order_relaxed);
	atomic_store_explicit(&entry->members, 0, memory_order_relaxed);
	set_way(entry, way);
	/* Last: a reader that remembers the number of an earlier group looks at nothing before. */
	atomic_store_explicit(&entry->id, object->id, memory_order_release);
}

static int take_group(
	struct group_table *t, const struct object_group *object, const struct way *way)
{
	uint32_t number;

	if (sig_index_make_room(&t->by_id) < 0 || sig_index_make_room(&t->by_address) < 0)
		return -ENOSPC;
	number = take(&t->groups);
	if (number == POOL_NONE)
		return -ENOSPC;
	if (group_counts_start(&t->counts, number) < 0) {
		pool_return(&t->groups, number);
		return -ENOSPC;
	}
	fill(t, number, object, way);
	if (sig_index_insert(&t->by_id, table_hash_id(object->id), number) < 0) {
		pool_return(&t->groups, number);
		return -ENOSPC;
	}
	if (sig_index_insert(&t->by_address,
		    group_table_hash(&object->source, &object->group, way->tunnel), number) < 0) {
		sig_index_remove(&t->by_id, table_hash_id(object->id), number);
		pool_return(&t->groups, number);
		return -ENOSPC;
	}
	bits_set(t->group_marks, number);
	change(t, number);
	return 0;
}

static void free_list(struct group_table *t, uint32_t number)
{
	if (!t->lists[number])
		return;
	/* Not by the library's function, of which a thread sanitizer sees nothing. */
	rte_rcu_qsbr_check(t->rcu, rte_rcu_qsbr_start(t->rcu), true);
	free(t->lists[number]);
	t->lists[number] = NULL;
}

static void drop_group(struct group_table *t, uint32_t number)
{
	struct group_entry *entry = group_at(t, number);

	sig_index_remove(&t->by_address, hash_of_address(t, number), number);
	sig_index_remove(&t->by_id, table_hash_id(id_of(entry)), number);
	group_tunnel_return(&t->tunnels, entry->tunnel);
	atomic_store_explicit(&entry->id, 0, memory_order_release);
	free_list(t, number);
	change(t, number);
	pool_retire(&t->groups, number);
}

/* Puts the group where it is to be, with a way whose tunnel is taken. */
static int put_group(
	struct group_table *t, const struct object_group *object, const struct way *way)
{
	uint32_t number = group_table_by_id(t, object->id);
	uint32_t other = group_table_exactly(t, &object->source, &object->group, way->tunnel);
	struct group_entry *entry;

	if (other != SIG_INDEX_NONE && other != number)
		return -EEXIST;
	if (number == SIG_INDEX_NONE)
		return take_group(t, object, way);
	entry = group_at(t, number);
	if (other == number) {
		group_tunnel_return(&t->tunnels, way->tunnel);
		set_way(entry, way);
		bits_set(t->group_marks, number);
		change(t, number);
		return 0;
	}
	if (atomic_load_explicit(&entry->members, memory_order_relaxed))
		return -EBUSY;
	drop_group(t, number);
	return take_group(t, object, way);
}

int group_table_set(struct group_table *t, const struct object_group *object)
{
	int port = port_of(object->port), tunnel = group_tunnel_take(&t->tunnels, object->path);
	struct way way;
	int err = port < 0 ? port : tunnel < 0 ? tunnel : 0;

	way = (struct way){(uint16_t)port, (uint16_t)tunnel, object->rate};
	if (err == 0)
		err = put_group(t, object, &way);
	if (err < 0 && tunnel > 0)
		group_tunnel_return(&t->tunnels, (uint16_t)tunnel);
	return err;
}

int group_table_delete(struct group_table *t, uint64_t id)
{
	uint32_t number = group_table_by_id(t, id);

	if (number == SIG_INDEX_NONE)
		return 0;
	if (atomic_load_explicit(&group_at(t, number)->members, memory_order_relaxed))
		return -EBUSY;
	drop_group(t, number);
	return 0;
}

/* A list with room for more, with the same members in the same places. */
static int grow(struct group_table *t, uint32_t number)
{
	struct group_list *list = group_list_larger(t->lists[number]);

	if (!list)
		return -ENOMEM;
	atomic_store_explicit(&group_at(t, number)->list, list, memory_order_release);
	free_list(t, number);
	t->lists[number] = list;
	return 0;
}

/* A free place in the list of a group, or GROUP_NO_PLACE without memory. */
static uint32_t take_place(struct group_table *t, uint32_t number)
{
	struct group_entry *entry = group_at(t, number);
	struct group_list *list = t->lists[number];
	uint32_t place = entry->free;

	if (place != GROUP_NO_PLACE) {
		entry->free = atomic_load_explicit(&list->places[place], memory_order_relaxed) &
			      ~GROUP_FREE;
		return place;
	}
	place = list ? atomic_load_explicit(&list->used, memory_order_relaxed) : 0;
	if ((!list || place == list->capacity) && grow(t, number) < 0)
		return GROUP_NO_PLACE;
	return place;
}

static void drop_member(struct group_table *t, uint32_t number)
{
	struct group_member *member = group_member_at(t, number);
	struct group_entry *entry = group_at(t, member->group);
	struct group_list *list = t->lists[member->group];

	sig_index_remove(&t->members_by_id, table_hash_id(member->id), number);
	group_list_put(list, member->place, GROUP_FREE | entry->free);
	entry->free = member->place;
	/* Nobody is left whom a reader could miss or meet twice: begin anew. */
	if (atomic_fetch_sub_explicit(&entry->members, 1, memory_order_relaxed) == 1) {
		atomic_store_explicit(&list->used, 0, memory_order_release);
		entry->free = GROUP_NO_PLACE;
		change(t, member->group);
	}
	pool_retire(&t->members, number);
}

/* A record whose counters are 0, or POOL_NONE. */
static uint32_t take_member(struct group_table *t)
{
	uint32_t number = take(&t->members);

	if (number != POOL_NONE && group_counts_start_member(&t->counts, number) < 0) {
		pool_return(&t->members, number);
		return POOL_NONE;
	}
	return number;
}

static int add_member(struct group_table *t, const struct group_member *member)
{
	struct group_entry *entry = group_at(t, member->group);
	uint32_t number, place;

	if (sig_index_make_room(&t->members_by_id) < 0)
		return -ENOSPC;
	number = take_member(t);
	if (number == POOL_NONE)
		return -ENOSPC;
	*group_member_at(t, number) = *member;
	if (sig_index_insert(&t->members_by_id, table_hash_id(member->id), number) < 0) {
		pool_return(&t->members, number);
		return -ENOSPC;
	}
	place = take_place(t, member->group);
	if (place == GROUP_NO_PLACE) {
		sig_index_remove(&t->members_by_id, table_hash_id(member->id), number);
		pool_return(&t->members, number);
		return -ENOMEM;
	}
	group_member_at(t, number)->place = place;
	group_list_put(t->lists[member->group], place, number);
	if (atomic_fetch_add_explicit(&entry->members, 1, memory_order_relaxed) == 0)
		change(t, member->group);
	bits_set(t->member_marks, number);
	return 0;
}

/* The same place, another record. */
static int replace_member(struct group_table *t, uint32_t old, const struct group_member *member)
{
	uint32_t number = take_member(t);
	struct group_member *fresh;

	if (number == POOL_NONE)
		return -ENOSPC;
	fresh = group_member_at(t, number);
	*fresh = *member;
	fresh->place = group_member_at(t, old)->place;
	sig_index_replace(&t->members_by_id, table_hash_id(member->id), old, number);
	group_list_put(t->lists[member->group], fresh->place, number);
	pool_retire(&t->members, old);
	bits_set(t->member_marks, number);
	return 0;
}

int group_table_set_member(struct group_table *t, const struct object_member *object)
{
	uint32_t group = group_table_by_id(t, object->group);
	uint32_t old = group_table_member_by_id(t, object->id);
	int port = port_of(object->port);
	const struct group_member member = {.target = object->target,
		.id = object->id,
		.kind = (uint16_t)object->kind,
		.port = (uint16_t)port,
		.group = group};
	const struct group_member *before = old == POOL_NONE ? NULL : group_member_at(t, old);

	if (group == POOL_NONE || port < 0)
		return -ENOENT;
	if (!before)
		return add_member(t, &member);
	if (before->group != group) {
		const struct group_member again = *before;

		drop_member(t, old);
		int err = add_member(t, &member);

		if (err < 0)
			add_member(t, &again);
		return err;
	}
	if (before->target != member.target || before->kind != member.kind ||
		before->port != member.port)
		return replace_member(t, old, &member);
	bits_set(t->member_marks, old);
	return 0;
}

void group_table_delete_member(struct group_table *t, uint64_t id)
{
	uint32_t number = group_table_member_by_id(t, id);

	if (number != POOL_NONE)
		drop_member(t, number);
}

void group_table_mark(struct group_table *t)
{
	bits_clear_all(t->group_marks, t->groups.capacity);
	bits_clear_all(t->member_marks, t->members.capacity);
}

uint32_t group_table_sweep(struct group_table *t, const struct object_buckets *buckets)
{
	uint32_t removed = 0;

	for (size_t i = 0; i < sig_index_places(&t->members_by_id); i++) {
		uint32_t number = sig_index_at(&t->members_by_id, i);

		if (number == SIG_INDEX_NONE || bits_test(t->member_marks, number) ||
			!object_buckets_have(buckets, group_member_at(t, number)->id))
			continue;
		drop_member(t, number);
		removed++;
	}
	for (size_t i = 0; i < sig_index_places(&t->by_id); i++) {
		uint32_t number = sig_index_at(&t->by_id, i);

		if (number == SIG_INDEX_NONE || bits_test(t->group_marks, number) ||
			!object_buckets_have(buckets, id_of(group_at(t, number))))
			continue;
		removed += group_table_delete(t, id_of(group_at(t, number))) == 0;
	}
	return removed;
}

void group_table_change_all(struct group_table *t)
{
	bits_set_all(t->changed, t->groups.capacity);
	t->any_changed = true;
}

unsigned group_table_changes(struct group_table *t, uint32_t numbers[], unsigned most)
{
	unsigned count = 0;

	for (uint32_t word = 0; t->any_changed && word < (t->groups.capacity + 63) / 64; word++) {
		while (t->changed[word]) {
			uint32_t number = word * 64 + (uint32_t)__builtin_ctzll(t->changed[word]);

			if (count == most)
				return count;
			bits_clear(t->changed, number);
			if (number < t->groups.capacity)
				numbers[count++] = number;
		}
	}
	t->any_changed = false;
	return count;
}
