#include "dataplane/tables/tables.h"

#include <errno.h>
#include <rte_malloc.h>
#include <string.h>

#include "dataplane/tables/bits.h"

static struct group_table_size groups_of(const struct tables_config *config)
{
	return (struct group_table_size){
		.groups = config->groups,
		.members = config->members,
		.most_groups = config->grow ? TABLES_GROUPS_MAX : 0,
		.most_members = config->grow ? TABLES_MEMBERS_MAX : 0,
		.readers = config->readers,
	};
}

/* Empty tables. 0 or a negative errno. */
static int make(struct tables *t, const struct tables_config *config)
{
	const uint32_t n = config->subscribers;
	const uint32_t most = config->grow ? RTE_MAX(n, (uint32_t)TABLES_SUBSCRIBERS_MAX) : n;
	const uint32_t most_rules = config->grow ? TABLES_RULES_MAX : 0;
	const struct group_table_size groups = groups_of(config);
	int err;

	link_table_init(&t->links);
	domain_table_init(&t->domains, config->routes);
	err = data_plane_table_init(&t->data_planes, config->name, t->rcu);
	if (err == 0)
		err = local_table_init(&t->local, &t->data_planes, t->rcu);
	if (err == 0)
		err = path_table_init(&t->paths, n, most, config->readers, &t->data_planes, t->rcu);
	if (err == 0)
		err = rule_table_init(&t->rules, config->rules, most_rules, t->rcu);
	if (err == 0)
		err = subscriber_table_init(&t->subscribers, n, most, &t->paths, &t->rules, t->rcu);
	if (err == 0)
		err = group_table_init(&t->groups, &groups, t->rcu);
	if (err == 0)
		err = route_table_init(&t->routes, config->routes, t->rcu);
	if (err == 0)
		err = neighbour_table_init(&t->neighbours, config->neighbours, t->rcu);
	return err;
}

struct tables *tables_create(const struct tables_config *config, int *error)
{
	size_t size = rte_rcu_qsbr_get_memsize(config->readers);
	struct tables *t = rte_zmalloc("tables", sizeof(*t), RTE_CACHE_LINE_SIZE);
	int err = -ENOMEM;

	if (t)
		t->rcu = rte_zmalloc("rcu", size, RTE_CACHE_LINE_SIZE);
	if (t && t->rcu && rte_rcu_qsbr_init(t->rcu, config->readers) == 0)
		err = make(t, config);
	if (err < 0) {
		tables_destroy(t);
		*error = err;
		return NULL;
	}
	return t;
}

void tables_destroy(struct tables *t)
{
	if (!t)
		return;
	neighbour_table_destroy(&t->neighbours);
	route_table_destroy(&t->routes);
	domain_table_destroy(&t->domains);
	group_table_destroy(&t->groups);
	subscriber_table_destroy(&t->subscribers);
	rule_table_destroy(&t->rules);
	path_table_destroy(&t->paths);
	local_table_destroy(&t->local);
	data_plane_table_destroy(&t->data_planes);
	rte_free(t->rcu);
	rte_free(t);
}

size_t tables_memory_needed(const struct tables_config *config)
{
	enum {
		TRIE = 32 << 20, /* of each instance of routes, before its groups; a third to make
				    one anew */
		GROUP = 512,
		SLACK = 8 << 20, /* rings and what DPDK keeps about its memory */
	};
	size_t groups = RTE_MIN((size_t)config->routes * 5 + 256, (size_t)32767);

	return 3 * (TRIE + groups * GROUP) + (size_t)config->routes * 256 + SLACK;
}

size_t tables_room_needed(const struct tables_config *config)
{
	const struct group_table_size groups = groups_of(config);

	return subscriber_table_memory(config->subscribers) +
	       path_table_memory(config->subscribers, config->readers) +
	       rule_table_memory(config->rules) + group_table_memory(&groups) +
	       room_needed((size_t)config->routes * sizeof(struct route_hop)) +
	       room_needed(((size_t)config->neighbours + 64) * sizeof(struct neighbour)) +
	       sig_index_needed(config->neighbours, SIG_INDEX_ROOMY);
}

/* Slot of a link, if need be one that a link left which nobody names any more. */
static int link_slot(struct tables *t, uint64_t id)
{
	bool used[LINK_SLOTS] = {false};
	int slot = link_table_slot(&t->links, id);

	if (slot != -ENOSPC)
		return slot;
	subscriber_table_links(&t->subscribers, used);
	tables_quiesce(t);
	link_table_reclaim(&t->links, used);
	return link_table_slot(&t->links, id);
}

uint32_t tables_tunnel_tag(const struct tables *t, uint64_t path)
{
	const uint32_t number = path_table_find(&t->paths, path);
	const struct path *at = number == POOL_NONE ? NULL : path_at(&t->paths, number);

	return at ? group_tunnel_tag(
			    &at->remote, path_shape_local(path_shape_at(&t->paths, at->shape)))
		  : 0;
}

/* A path, or a group that comes by its tunnel, was set or deleted. */
static void follow_tunnel(struct tables *t, uint64_t path)
{
	if (group_tunnel_has(&t->groups.tunnels, path))
		group_tunnel_set_tag(&t->groups.tunnels, path, tables_tunnel_tag(t, path));
}

static int set_group(struct tables *t, const struct object_group *object)
{
	int rc = group_table_set(&t->groups, object);

	follow_tunnel(t, object->path);
	return rc;
}

static int set_path(struct tables *t, const struct object_path *object)
{
	int rc = tables_set_path(t, object);

	follow_tunnel(t, object->id);
	return rc;
}

static int delete_path(struct tables *t, uint64_t id)
{
	int rc = tables_delete_path(t, id);

	follow_tunnel(t, id);
	return rc;
}

static int apply_set(struct tables *t, const struct object *object)
{
	int slot;

	switch (object->kind) {
	case OBJECT_LOCAL:
		return local_table_set(&t->local, &object->local);
	case OBJECT_LINK:
		slot = link_slot(t, object->id);
		return slot < 0 ? slot : link_table_set(&t->links, &object->link);
	case OBJECT_PATH:
		return set_path(t, &object->path);
	case OBJECT_SUBSCRIBER:
		slot = link_slot(t, object->subscriber.link_id);
		if (slot < 0)
			return slot;
		return subscriber_table_set(&t->subscribers, &object->subscriber, (uint16_t)slot);
	case OBJECT_DATA_PLANE:
		return tables_set_data_plane(t, &object->data_plane);
	case OBJECT_RULE:
		return tables_set_rule(t, &object->rule);
	case OBJECT_GROUP:
		return set_group(t, &object->group);
	case OBJECT_MEMBER:
		return group_table_set_member(&t->groups, &object->member);
	}
	return -EINVAL;
}

int tables_apply(struct tables *t, const struct object *object)
{
	if (object->op == OBJECT_SET)
		return apply_set(t, object);
	switch (object->kind) {
	case OBJECT_LOCAL:
		return local_table_delete(&t->local, object->id);
	case OBJECT_LINK:
		link_table_delete(&t->links, object->id);
		return 0;
	case OBJECT_PATH:
		return delete_path(t, object->id);
	case OBJECT_SUBSCRIBER:
		subscriber_table_delete(&t->subscribers, object->id);
		return 0;
	case OBJECT_DATA_PLANE:
		return tables_delete_data_plane(t, object->id);
	case OBJECT_RULE:
		tables_delete_rule(t, object->id);
		return 0;
	case OBJECT_GROUP:
		return group_table_delete(&t->groups, object->id);
	case OBJECT_MEMBER:
		group_table_delete_member(&t->groups, object->id);
		return 0;
	}
	return -EINVAL;
}

void tables_mark(struct tables *t, const struct object_buckets *buckets)
{
	if (buckets)
		t->marked = *buckets;
	else
		memset(&t->marked, 0xff, sizeof(t->marked));
	tables_settle(t);
	if ((t->damaged || t->subscribers.damaged || !tables_users_hold(t)) &&
		tables_repair(t) >= 0)
		t->damaged = t->subscribers.damaged = false;
	if (t->groups_damaged && group_table_repair(&t->groups) >= 0)
		t->groups_damaged = false;
	local_table_mark(&t->local);
	link_table_mark(&t->links);
	data_plane_table_mark(&t->data_planes);
	subscriber_table_mark(&t->subscribers);
	group_table_mark(&t->groups);
	bits_clear_all(t->paths.marks, t->paths.paths.capacity);
	bits_clear_all(t->rules.marks, t->rules.records.capacity);
}

/* Subscribers go first, and their rules with them, so that the paths which only they used can go
 * too, and then the data planes that only those named. */
uint32_t tables_sweep(struct tables *t)
{
	uint32_t removed = subscriber_table_sweep(&t->subscribers, &t->marked);

	removed += tables_sweep_rules(t);
	tables_settle(t);
	removed += tables_sweep_paths(t);
	removed += tables_sweep_data_planes(t);
	removed += group_table_sweep(&t->groups, &t->marked);
	removed += link_table_sweep(&t->links, &t->marked);
	return removed + local_table_sweep(&t->local, &t->marked);
}

void tables_quiesce(struct tables *t)
{
	tables_settle(t);
	rte_rcu_qsbr_synchronize(t->rcu, RTE_QSBR_THRID_INVALID);
}
