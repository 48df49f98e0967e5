#include "dataplane/tables/tables_digest.h"

#include <errno.h>
#include <stdlib.h>

#include "dataplane/port.h"
#include "dataplane/tables/sound.h"

static uint64_t path_digest(const struct tables *t, uint32_t number)
{
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET};

	if (!sound_path(&t->paths, number) ||
		path_table_find(&t->paths, path_at(&t->paths, number)->id) != number)
		return 0;
	object.path = path_table_object(&t->paths, number);
	object.id = object.path.id;
	return object_digest(&object);
}

/* The ids of the paths of an entry. */
static bool take_paths(const struct path_table *t, const struct subscriber_entry *entry,
	struct object_subscriber *s)
{
	const struct path_list one = {.count = 1, .paths = {entry->path}};
	const struct path_list *list = &one;

	if (entry->paths != POOL_NONE) {
		if (entry->paths >= t->lists.fresh || !sound_list(path_list_at(t, entry->paths)) ||
			!order_table_is_sound(&t->orders, entry->paths, entry->id))
			return false;
		list = path_list_at(t, entry->paths);
		s->order = order_table_object(&t->orders, entry->paths);
	}
	s->steering = list->steering;
	memcpy(s->weights, list->weights, sizeof(s->weights));
	if (list->count == 0 || list->count > OBJECT_PATHS_MAX || list->paths[0] != entry->path)
		return false;
	for (uint32_t i = 0; i < list->count; i++) {
		if (!sound_path(t, list->paths[i]))
			return false;
		s->paths[s->path_count++] = path_at(t, list->paths[i])->id;
	}
	return entry->steered ==
	       (entry->paths == POOL_NONE ? PATH_STEERED_NOT : path_list_steered(t, entry->paths));
}

/* Whether what an entry copied from its first path is what that says. */
static bool is_copy(const struct path_table *t, const struct subscriber_entry *entry)
{
	const struct path_outer outer = path_table_outer(t, path_at(t, entry->path));
	const struct in6_addr *own = data_plane_table_own(t->data_planes);

	if (!sound_shape(t, entry->shape) ||
		(outer.relayed && (!own || !addr_equal(own, path_shape_local(path_shape_at(
								    t, outer.shape))))))
		return false;
	return addr_equal(&entry->remote, &outer.remote) && entry->shape == outer.shape &&
	       entry->mtu == outer.mtu && entry->relayed == outer.relayed;
}

static bool take_prefixes(const struct tables *t, uint32_t number, struct object_subscriber *s)
{
	const struct subscriber_table *table = &t->subscribers;
	const struct subscriber_entry *first = subscriber_at(table, number), *entry;

	for (; number != POOL_NONE; number = entry->next) {
		if (number >= table->entries.fresh || s->prefix_count == OBJECT_PREFIXES_MAX)
			return false;
		entry = subscriber_at(table, number);
		if (entry->id != first->id || entry->tag >> 8 != first->tag >> 8 ||
			entry->path != first->path || entry->paths != first->paths ||
			entry->link != first->link || entry->steered != first->steered ||
			!is_copy(&t->paths, entry) || !sound_reach(table, number))
			return false;
		s->prefixes[s->prefix_count++] =
			(struct prefix6){entry->prefix, (uint8_t)entry->tag};
	}
	return true;
}

static uint64_t subscriber_digest(const struct tables *t, uint32_t number)
{
	const struct subscriber_entry *entry = subscriber_at(&t->subscribers, number);
	struct object object = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = entry->id};
	struct object_subscriber *s = &object.subscriber;

	if (subscriber_table_by_id(&t->subscribers, entry->id) != entry ||
		entry->link >= LINK_SLOTS || (entry->link && !t->links.ids[entry->link]))
		return 0;
	s->id = entry->id;
	s->domain = entry->tag >> 8;
	s->link_id = t->links.ids[entry->link];
	if (!take_paths(&t->paths, entry, s) || !take_prefixes(t, number, s))
		return 0;
	return object_digest(&object);
}

/* Of an object that was counted and is no more, or is another now, the id is still there. */
static void count(struct tables_digest *d, struct tables_digest_part *part, uint32_t number,
	uint64_t id, uint64_t digest)
{
	uint64_t more = digest - part->counted[number];

	part->sum += more;
	part->count += (digest != 0) - (part->counted[number] != 0);
	part->counted[number] = digest;
	d->buckets[object_bucket(id)] += more;
}

static void count_path(struct tables_digest *d, uint32_t number, bool gone)
{
	count(d, &d->paths, number, path_at(&d->tables->paths, number)->id,
		gone ? 0 : path_digest(d->tables, number));
}

static void count_rule(struct tables_digest *d, uint32_t number, bool gone)
{
	const struct object_rule *rule = &rule_record_at(&d->tables->rules, number)->rule;
	const struct object object = {
		.kind = OBJECT_RULE, .op = OBJECT_SET, .id = rule->id, .rule = *rule};

	count(d, &d->rules, number, rule->id, gone ? 0 : object_digest(&object));
}

/* The list of an entry, NULL if it has none; *sound: its rules are found, and workers look for them
 * in what they compile to. */
static const struct path_list *list_of(
	struct tables *t, const struct subscriber_entry *entry, bool *sound)
{
	const struct path_list *list = NULL;

	*sound = true;
	if (entry->paths == POOL_NONE)
		return NULL;
	*sound = false;
	if (entry->paths >= t->paths.lists.fresh)
		return NULL;
	list = path_list_at(&t->paths, entry->paths);
	if (!rule_table_is_chain(&t->rules, list->rules, entry->id))
		return NULL;
	*sound = sound_paths(&t->paths, list) && rule_set_is(&t->rules, &t->paths, list);
	return list;
}

/* With its rules, all or none. */
static void count_subscriber(struct tables_digest *d, uint32_t number, bool gone)
{
	const struct subscriber_entry *entry = subscriber_at(&d->tables->subscribers, number);
	const struct path_list *list;
	uint64_t digest;
	bool sound;

	if (gone) {
		count(d, &d->subscribers, number, entry->id, 0);
		return;
	}
	list = list_of(d->tables, entry, &sound);
	digest = sound ? subscriber_digest(d->tables, number) : 0;
	count(d, &d->subscribers, number, entry->id, digest);
	/* One that is on its way out no longer has them. */
	if (!list || subscriber_table_by_id(&d->tables->subscribers, entry->id) != entry)
		return;
	for (uint32_t i = list->rules; i != POOL_NONE;
		i = rule_record_at(&d->tables->rules, i)->next)
		count_rule(d, i, !digest);
}

static void path_changed(void *context, uint32_t old, uint32_t fresh)
{
	struct tables_digest *d = context;

	if (old != POOL_NONE)
		count_path(d, old, true);
	if (fresh < d->paths.next)
		count_path(d, fresh, false);
}

static void subscriber_changed(void *context, uint32_t old, uint32_t fresh)
{
	struct tables_digest *d = context;

	if (old != POOL_NONE)
		count_subscriber(d, old, true);
	if (fresh < d->subscribers.next)
		count_subscriber(d, fresh, false);
}

/* New ones are counted when their subscriber is written anew. */
static void rule_changed(void *context, uint32_t old, uint32_t fresh)
{
	(void)fresh;
	count_rule(context, old, true);
}

int tables_digest_start(struct tables_digest *d, struct tables *t)
{
	*d = (struct tables_digest){.tables = t};
	d->paths.counted = calloc(t->paths.paths.most, sizeof(uint64_t));
	d->subscribers.counted = calloc(t->subscribers.entries.most, sizeof(uint64_t));
	d->rules.counted = calloc(t->rules.records.most + 1, sizeof(uint64_t));
	if (!d->paths.counted || !d->subscribers.counted || !d->rules.counted) {
		tables_digest_cancel(d);
		return -ENOMEM;
	}
	t->paths.watch = (struct pool_watch){path_changed, d};
	t->subscribers.watch = (struct pool_watch){subscriber_changed, d};
	t->rules.watch = (struct pool_watch){rule_changed, d};
	return 0;
}

void tables_digest_cancel(struct tables_digest *d)
{
	if (!d->tables)
		return;
	d->tables->paths.watch = (struct pool_watch){0};
	d->tables->subscribers.watch = (struct pool_watch){0};
	d->tables->rules.watch = (struct pool_watch){0};
	free(d->paths.counted);
	free(d->subscribers.counted);
	free(d->rules.counted);
	*d = (struct tables_digest){0};
}

static void add(struct update_digest_answer *answer, const struct object *object)
{
	uint64_t sum = object_digest(object);

	answer->digest.kinds[object->kind].sum += sum;
	answer->digest.kinds[object->kind].count += sum != 0;
	answer->buckets[object_bucket(object->id)] += sum;
}

/* An address that is ours must be in the readers' set, one of another data plane must not. */
static void add_locals(const struct tables *t, struct update_digest_answer *answer)
{
	const struct local_set *set = local_table_get(&t->local);

	for (uint32_t i = 0; i < t->local.count; i++) {
		const struct local_entry *entry = &t->local.entries[i];
		const struct object object = {.kind = OBJECT_LOCAL,
			.op = OBJECT_SET,
			.id = entry->id,
			.local = {entry->id, entry->addr}};

		if (local_set_has(set, &entry->addr) !=
			data_plane_table_is_other(&t->data_planes, &entry->addr))
			add(answer, &object);
	}
}

static void add_links(const struct tables *t, struct update_digest_answer *answer)
{
	for (unsigned i = 1; i < LINK_SLOTS; i++) {
		uint64_t word = atomic_load_explicit(&t->links.slots[i], memory_order_relaxed);
		struct object object = {
			.kind = OBJECT_LINK, .op = OBJECT_SET, .id = t->links.ids[i]};
		const struct port *port = port_get(word & UINT16_MAX);

		if (!(word & LINK_USED) || !port ||
			link_word_domain(word) != object_link_domain(object.id))
			continue;
		object.link.id = object.id;
		object.link.watch_dad = word & LINK_WATCH;
		object.link.access = word & LINK_ACCESS;
		object.link.local_routing = word & LINK_LOCAL_ROUTING;
		memcpy(object.link.port, port->name, sizeof(object.link.port));
		add(answer, &object);
	}
}

static void add_data_planes(const struct tables *t, struct update_digest_answer *answer)
{
	const struct data_plane_set *set = data_plane_table_get(&t->data_planes);

	for (uint16_t i = 1; i < DATA_PLANE_SLOTS; i++) {
		const struct data_plane_slot *slot = &t->data_planes.slots[i];
		struct object object = {
			.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = slot->id};
		bool seen = i == t->data_planes.own ? addr_equal(&set->own, &slot->addr)
						    : data_plane_set_has(set, &slot->addr) ==
							      data_plane_table_is_other(
								      &t->data_planes, &slot->addr);

		if (slot->id == 0 || !seen || !addr_equal(&set->by_slot[i], &slot->addr))
			continue;
		object.data_plane = (struct object_data_plane){.id = slot->id, .addr = slot->addr};
		memcpy(object.data_plane.name, slot->name, sizeof(slot->name));
		add(answer, &object);
	}
}

/* Whether packets of a group are found to be those of its tunnel. */
static bool is_tagged(const struct tables *t, uint32_t number, uint64_t path)
{
	const uint16_t tunnel = group_at(&t->groups, number)->tunnel;
	const uint32_t at = path_table_find(&t->paths, path);

	if (path && at != POOL_NONE && !sound_path(&t->paths, at))
		return false;
	return !path || atomic_load_explicit(&t->groups.tunnels.tags[tunnel - 1],
				memory_order_relaxed) == tables_tunnel_tag(t, path);
}

/* Whether all groups and members are what they can be; these are added. */
static bool add_groups(const struct tables *t, struct update_digest_answer *answer)
{
	const struct group_table *g = &t->groups;
	const struct update_digest *digest = &answer->digest;
	struct object object = {.kind = OBJECT_GROUP, .op = OBJECT_SET};

	for (uint32_t i = 0; i < g->groups.fresh; i++) {
		if (!group_table_object(g, i, &object.group) || !is_tagged(t, i, object.group.path))
			continue;
		object.id = object.group.id;
		add(answer, &object);
	}
	object.kind = OBJECT_MEMBER;
	for (uint32_t i = 0; i < g->members.fresh; i++) {
		if (!group_table_member_object(g, i, &object.member))
			continue;
		object.id = object.member.id;
		add(answer, &object);
	}
	return digest->kinds[OBJECT_GROUP].count == g->by_id.used &&
	       digest->kinds[OBJECT_MEMBER].count == g->members_by_id.used;
}

static void finish(struct tables_digest *d, struct update_digest_answer *answer)
{
	struct update_digest *digest = &answer->digest;

	*answer = (struct update_digest_answer){0};
	d->tables->damaged = d->paths.count != d->tables->paths.by_id.used ||
			     d->subscribers.count != d->tables->subscribers.by_id.used ||
			     d->rules.count != d->tables->rules.by_id.used;
	memcpy(answer->buckets, d->buckets, sizeof(answer->buckets));
	add_locals(d->tables, answer);
	add_links(d->tables, answer);
	add_data_planes(d->tables, answer);
	d->tables->groups_damaged = !add_groups(d->tables, answer);
	digest->kinds[OBJECT_PATH].count = d->paths.count;
	digest->kinds[OBJECT_PATH].sum = d->paths.sum;
	digest->kinds[OBJECT_SUBSCRIBER].count = d->subscribers.count;
	digest->kinds[OBJECT_SUBSCRIBER].sum = d->subscribers.sum;
	digest->kinds[OBJECT_RULE].count = d->rules.count;
	digest->kinds[OBJECT_RULE].sum = d->rules.sum;
	tables_digest_cancel(d);
}

bool tables_digest_step(struct tables_digest *d, uint32_t most, struct update_digest_answer *answer)
{
	struct tables *t = d->tables;

	tables_settle(t);
	for (; most && d->paths.next < t->paths.paths.fresh; most--, d->paths.next++)
		count_path(d, d->paths.next, false);
	for (; most && d->subscribers.next < t->subscribers.entries.fresh;
		most--, d->subscribers.next++)
		count_subscriber(d, d->subscribers.next, false);
	if (most == 0)
		return false;
	finish(d, answer);
	return true;
}
