/*
 * What is found of groups and members as readers find it, for digests; and to forget what is not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/port.h"
#include "dataplane/tables/bits.h"
#include "dataplane/tables/group_table.h"

/* Bits of the numbers that stay. */
struct kept {
	uint64_t *groups, *members;
};

/* Name of a port as an object has it; false: it is no more. */
static bool name_of(uint16_t number, char name[OBJECT_PORT_NAME_MAX + 1])
{
	const struct port *port = port_get(number);

	if (number == GROUP_PORT_ANY)
		return true;
	if (port)
		memcpy(name, port->name, sizeof(port->name));
	return port != NULL;
}

bool group_table_object(const struct group_table *t, uint32_t number, struct object_group *object)
{
	const struct group_entry *entry = group_at(t, number);

	*object =
		(struct object_group){.id = atomic_load_explicit(&entry->id, memory_order_relaxed),
			.source = entry->source,
			.group = entry->group,
			.path = group_table_path(t, entry),
			.rate = atomic_load_explicit(&entry->rate, memory_order_relaxed)};
	return object->id && group_table_by_id(t, object->id) == number &&
	       group_table_exactly(t, &entry->source, &entry->group, entry->tunnel) == number &&
	       group_list(entry) == t->lists[number] &&
	       name_of(atomic_load_explicit(&entry->port, memory_order_relaxed), object->port);
}

bool group_table_member_object(
	const struct group_table *t, uint32_t number, struct object_member *object)
{
	const struct group_member *member = group_member_at(t, number);
	const struct group_list *list;
	struct object_group group;

	if (group_table_member_by_id(t, member->id) != number || member->group >= t->groups.fresh ||
		!group_table_object(t, member->group, &group))
		return false;
	list = t->lists[member->group];
	if (!list || member->place >= group_list_used(list) ||
		group_list_at(list, member->place) != number)
		return false;
	*object = (struct object_member){.id = member->id,
		.group = group.id,
		.kind = (enum member_kind)member->kind,
		.target = member->target};
	return name_of(member->port, object->port) && member_ok(object);
}

static uint32_t keep_groups(struct group_table *t, struct kept *kept)
{
	struct object_group object;
	uint32_t forgotten = 0;

	for (size_t place = 0; place < sig_index_places(&t->by_id); place++) {
		uint32_t number = sig_index_at(&t->by_id, place);

		if (number == SIG_INDEX_NONE)
			continue;
		if (number < t->groups.fresh && !bits_test(kept->groups, number) &&
			group_table_object(t, number, &object)) {
			bits_set(kept->groups, number);
			continue;
		}
		sig_index_clear(&t->by_id, place);
		forgotten++;
	}
	for (size_t place = 0; place < sig_index_places(&t->by_address); place++) {
		uint32_t number = sig_index_at(&t->by_address, place);

		if (number != SIG_INDEX_NONE &&
			(number >= t->groups.fresh || !bits_test(kept->groups, number)))
			sig_index_clear(&t->by_address, place);
	}
	for (uint32_t i = 0; i < t->groups.fresh; i++)
		if (!bits_test(kept->groups, i))
			atomic_store_explicit(&group_at(t, i)->id, 0, memory_order_release);
	return forgotten;
}

static uint32_t keep_members(struct group_table *t, struct kept *kept)
{
	struct object_member object;
	uint32_t forgotten = 0;

	for (size_t place = 0; place < sig_index_places(&t->members_by_id); place++) {
		uint32_t number = sig_index_at(&t->members_by_id, place);

		if (number == SIG_INDEX_NONE)
			continue;
		if (number < t->members.fresh && !bits_test(kept->members, number) &&
			group_table_member_object(t, number, &object) &&
			bits_test(kept->groups, group_member_at(t, number)->group)) {
			bits_set(kept->members, number);
			continue;
		}
		sig_index_clear(&t->members_by_id, place);
		forgotten++;
	}
	return forgotten;
}

static void keep_tunnels(struct group_table *t, const struct kept *kept)
{
	group_tunnel_forget(&t->tunnels);
	for (uint32_t i = 0; i < t->groups.fresh; i++)
		if (bits_test(kept->groups, i))
			group_tunnel_keep(&t->tunnels, group_at(t, i)->tunnel);
	group_tunnel_forget_end(&t->tunnels);
}

/* Members keep their places, all others are free. */
static void mend_list(struct group_table *t, const struct kept *kept, uint32_t number)
{
	struct group_entry *entry = group_at(t, number);
	struct group_list *list = t->lists[number];
	uint32_t members = 0;

	entry->free = GROUP_NO_PLACE;
	for (uint32_t i = 0; list && i < group_list_used(list); i++) {
		uint32_t at = group_list_at(list, i);

		if (at < t->members.fresh && bits_test(kept->members, at) &&
			group_member_at(t, at)->group == number &&
			group_member_at(t, at)->place == i) {
			members++;
			continue;
		}
		atomic_store_explicit(
			&list->places[i], GROUP_FREE | entry->free, memory_order_release);
		entry->free = i;
	}
	atomic_store_explicit(&entry->members, members, memory_order_relaxed);
}

int64_t group_table_repair(struct group_table *t)
{
	struct kept kept = {
		.groups = bits_make(t->groups.capacity), .members = bits_make(t->members.capacity)};
	uint32_t forgotten;

	if (!kept.groups || !kept.members) {
		bits_free(kept.groups);
		bits_free(kept.members);
		return -ENOMEM;
	}
	forgotten = keep_groups(t, &kept);
	forgotten += keep_members(t, &kept);
	keep_tunnels(t, &kept);
	for (uint32_t i = 0; i < t->groups.fresh; i++)
		if (bits_test(kept.groups, i))
			mend_list(t, &kept, i);
	rte_rcu_qsbr_synchronize(t->rcu, RTE_QSBR_THRID_INVALID);
	for (uint32_t i = 0; i < t->groups.fresh; i++) {
		if (bits_test(kept.groups, i))
			continue;
		free(t->lists[i]);
		t->lists[i] = NULL;
	}
	group_table_change_all(t);
	pool_rebuild(&t->groups, kept.groups);
	pool_rebuild(&t->members, kept.members);
	bits_free(kept.groups);
	bits_free(kept.members);
	return forgotten;
}
