/*
 * Repair: what is sound is found by going through the indexes as readers do, and everything that is
 * not found so is free.
 */
#include <errno.h>
#include <string.h>

#include "dataplane/tables/bits.h"
#include "dataplane/tables/hash.h"
#include "dataplane/tables/sound.h"

/* Bits of the numbers that stay. */
struct kept {
	uint64_t *paths, *shapes, *lists, *entries;
	uint64_t *rules, *blocks, *mores, *indexes; /* NULL: no room for rules */
};

/* The chain of a subscriber's prefixes. */
struct chain {
	uint32_t count;
	uint32_t numbers[OBJECT_PREFIXES_MAX];
};

static void forget(struct sig_index *index, size_t place, const struct pool *pool,
	const struct pool_watch *watch)
{
	uint32_t number = sig_index_at(index, place);

	sig_index_clear(index, place);
	if (number < pool->fresh)
		pool_watch_tell(watch, number, POOL_NONE);
}

static uint32_t keep_paths(struct tables *t, struct kept *kept)
{
	struct path_table *paths = &t->paths;
	uint32_t forgotten = 0;

	for (size_t place = 0; place < sig_index_places(&paths->by_id); place++) {
		uint32_t number = sig_index_at(&paths->by_id, place);

		if (number == SIG_INDEX_NONE)
			continue;
		if (sound_path(paths, number) && !bits_test(kept->paths, number) &&
			sig_index_leads(
				&paths->by_id, table_hash_id(path_at(paths, number)->id), place)) {
			bits_set(kept->paths, number);
			continue;
		}
		forget(&paths->by_id, place, &paths->paths, &paths->watch);
		forgotten++;
	}
	return forgotten;
}

/* The paths of an entry are there, and its list, if it has one, is its own. */
static bool has_paths(
	const struct tables *t, const struct kept *kept, const struct subscriber_entry *entry)
{
	const struct path_list one = {.count = 1, .paths = {entry->path}}, *list = &one;

	if (entry->paths != POOL_NONE) {
		if (entry->paths >= t->paths.lists.fresh || bits_test(kept->lists, entry->paths) ||
			!sound_list(path_list_at(&t->paths, entry->paths)))
			return false;
		list = path_list_at(&t->paths, entry->paths);
	}
	if (list->count == 0 || list->count > OBJECT_PATHS_MAX || list->paths[0] != entry->path)
		return false;
	for (uint32_t i = 0; i < list->count; i++)
		if (list->paths[i] >= t->paths.paths.fresh ||
			!bits_test(kept->paths, list->paths[i]))
			return false;
	return true;
}

/* The rules of an entry are there, and what readers look into is made of them, and its own. */
static bool has_rules(
	struct tables *t, const struct kept *kept, const struct subscriber_entry *entry)
{
	struct rule_table *rules = &t->rules;
	const struct path_list *list;
	const struct rule_block *b;

	if (entry->paths == POOL_NONE)
		return !entry->steered;
	list = path_list_at(&t->paths, entry->paths);
	if (!order_table_is_sound(&t->paths.orders, entry->paths, entry->id) ||
		entry->steered != path_list_steered(&t->paths, entry->paths) ||
		!rule_table_is_chain(rules, list->rules, entry->id) ||
		!rule_set_is(rules, &t->paths, list))
		return false;
	if (list->block == POOL_NONE)
		return true;
	b = pool_at(&rules->sets.blocks, list->block);
	return !bits_test(kept->blocks, list->block) &&
	       (list->index == POOL_NONE || !bits_test(kept->indexes, list->index)) &&
	       (!(b->uses & 1 << RULE_BY_MORE) ||
		       !bits_test(kept->mores, b->more[0] >> RULE_PLACE_SHIFT));
}

static bool has_prefixes(
	const struct tables *t, const struct kept *kept, uint32_t number, struct chain *chain)
{
	const struct subscriber_table *table = &t->subscribers;
	const struct subscriber_entry *first = subscriber_at(table, number), *entry;

	for (chain->count = 0; number != POOL_NONE; number = entry->next) {
		if (number >= table->entries.fresh || bits_test(kept->entries, number) ||
			chain->count == OBJECT_PREFIXES_MAX)
			return false;
		entry = subscriber_at(table, number);
		if (entry->id != first->id || entry->tag >> 8 != first->tag >> 8 ||
			entry->path != first->path || entry->paths != first->paths ||
			entry->link != first->link || entry->steered != first->steered ||
			!sound_reach(table, number))
			return false;
		chain->numbers[chain->count++] = number;
	}
	return true;
}

static bool is_sound(struct tables *t, const struct kept *kept, size_t place, uint32_t number,
	struct chain *chain)
{
	const struct subscriber_table *table = &t->subscribers;
	const struct subscriber_entry *entry;

	if (number >= table->entries.fresh)
		return false;
	entry = subscriber_at(table, number);
	return sig_index_leads(&table->by_id, table_hash_id(entry->id), place) &&
	       entry->link < LINK_SLOTS && (!entry->link || t->links.ids[entry->link]) &&
	       has_paths(t, kept, entry) && has_prefixes(t, kept, number, chain) &&
	       has_rules(t, kept, entry);
}

static void hold_block(struct tables *t, struct kept *kept, uint32_t number)
{
	const struct rule_block *b = pool_at(&t->rules.sets.blocks, number);

	uint32_t mores[2 * RULE_BLOCK];

	bits_set(kept->blocks, number);
	for (unsigned i = rule_block_mores(&t->rules, b, mores); i > 0; i--)
		bits_set(kept->mores, mores[i - 1]);
}

/* A list that stays holds its rules and what is made of them. */
static void hold_rules(struct tables *t, struct kept *kept, const struct path_list *list)
{
	const struct rule_index *x;

	for (uint32_t i = list->rules; i != POOL_NONE; i = rule_record_at(&t->rules, i)->next)
		bits_set(kept->rules, i);
	if (list->block == POOL_NONE)
		return;
	hold_block(t, kept, list->block);
	if (list->index == POOL_NONE)
		return;
	bits_set(kept->indexes, list->index);
	x = pool_at(&t->rules.sets.indexes, list->index);
	for (unsigned i = 1; i < x->count; i++)
		hold_block(t, kept, x->blocks[i]);
}

/* A subscriber that stays holds its paths; those of the entry or of its list. */
static void hold(struct tables *t, struct kept *kept, uint32_t first)
{
	const struct subscriber_entry *entry = subscriber_at(&t->subscribers, first);
	const struct path_list one = {.count = 1, .paths = {entry->path}}, *list = &one;

	if (entry->paths != POOL_NONE) {
		bits_set(kept->lists, entry->paths);
		list = path_list_at(&t->paths, entry->paths);
		hold_rules(t, kept, list);
	}
	for (uint32_t i = 0; i < list->count; i++) {
		struct path *path = path_at(&t->paths, list->paths[i]);

		path->link = path->users++ == 0 ? first : POOL_NONE;
	}
}

static uint32_t keep_subscribers(struct tables *t, struct kept *kept)
{
	struct subscriber_table *table = &t->subscribers;
	struct chain chain;
	uint32_t forgotten = 0;

	memset(table->length_users, 0, sizeof(table->length_users));
	for (size_t place = 0; place < sig_index_places(&table->by_id); place++) {
		uint32_t number = sig_index_at(&table->by_id, place);

		if (number == SIG_INDEX_NONE)
			continue;
		if (!is_sound(t, kept, place, number, &chain)) {
			forget(&table->by_id, place, &table->entries, &table->watch);
			forgotten++;
			continue;
		}
		hold(t, kept, number);
		for (uint32_t i = 0; i < chain.count; i++) {
			bits_set(kept->entries, chain.numbers[i]);
			table->length_users[(uint8_t)subscriber_at(table, chain.numbers[i])->tag]++;
		}
	}
	table->subscribers = table->by_id.used;
	return forgotten;
}

/* What no subscriber has is not found by its prefix either. */
static void keep_prefixes(struct subscriber_table *t, const struct kept *kept)
{
	uint64_t lengths[3] = {0};

	for (size_t place = 0; place < sig_index_places(&t->by_prefix); place++) {
		uint32_t number = sig_index_at(&t->by_prefix, place);
		const struct subscriber_entry *entry;

		if (number == SIG_INDEX_NONE)
			continue;
		entry = number < t->entries.fresh ? subscriber_at(t, number) : NULL;
		if (!entry || !bits_test(kept->entries, number) ||
			!sig_index_leads(
				&t->by_prefix, table_hash(&entry->prefix, entry->tag), place))
			sig_index_clear(&t->by_prefix, place);
	}
	for (unsigned len = 0; len <= 128; len++)
		if (t->length_users[len])
			lengths[len / 64] |= 1ull << (len % 64);
	for (unsigned i = 0; i < 3; i++)
		atomic_store_explicit(&t->lengths[i], lengths[i], memory_order_release);
}

/* A rule that no subscriber has is none. */
static uint32_t keep_rules(struct rule_table *t, const struct kept *kept)
{
	uint32_t forgotten = 0;

	for (size_t place = 0; place < sig_index_places(&t->by_id); place++) {
		uint32_t number = sig_index_at(&t->by_id, place);

		if (number == SIG_INDEX_NONE ||
			(number < t->records.fresh && bits_test(kept->rules, number) &&
				sig_index_leads(&t->by_id,
					table_hash_id(rule_record_at(t, number)->rule.id), place)))
			continue;
		forget(&t->by_id, place, &t->records, &t->watch);
		forgotten++;
	}
	return forgotten;
}

/* Before anything is held: nothing is used. */
static void drop_users(struct tables *t)
{
	for (uint32_t i = 0; i < t->paths.paths.fresh; i++)
		path_at(&t->paths, i)->users = 0;
	for (uint32_t i = 0; i < t->paths.shapes.fresh; i++)
		((struct path_shape *)pool_at(&t->paths.shapes, i))->users = 0;
	for (unsigned i = 0; i < DATA_PLANE_SLOTS; i++)
		t->data_planes.slots[i].users = 0;
}

static void hold_shape(struct path_table *t, struct kept *kept, uint16_t number)
{
	struct path_shape *shape = pool_at(&t->shapes, number);

	shape->users++;
	bits_set(kept->shapes, number);
}

/* Paths that stay hold their shapes and data planes, and relaying its own shape. */
static void hold_shapes(struct tables *t, struct kept *kept)
{
	struct path_table *paths = &t->paths;
	const struct in6_addr *own = data_plane_table_own(&t->data_planes);

	if (own && paths->own_shape != PATH_SHAPE_NONE && sound_shape(paths, paths->own_shape) &&
		addr_equal(path_shape_local(path_shape_at(paths, paths->own_shape)), own))
		hold_shape(paths, kept, paths->own_shape);
	else
		paths->own_shape = PATH_SHAPE_NONE;
	for (uint32_t i = 0; i < paths->paths.fresh; i++) {
		const struct path *path = path_at(paths, i);

		if (!bits_test(kept->paths, i))
			continue;
		hold_shape(paths, kept, path->shape);
		if (path->data_plane)
			t->data_planes.slots[path->data_plane & ~PATH_RELAYED].users++;
	}
}

static void free_bits(struct kept *kept)
{
	bits_free(kept->paths);
	bits_free(kept->shapes);
	bits_free(kept->lists);
	bits_free(kept->entries);
	bits_free(kept->rules);
	bits_free(kept->blocks);
	bits_free(kept->mores);
	bits_free(kept->indexes);
}

static bool make_bits(const struct tables *t, struct kept *kept)
{
	const struct rule_sets *sets = &t->rules.sets;

	*kept = (struct kept){.paths = bits_make(t->paths.paths.capacity),
		.shapes = bits_make(t->paths.shapes.capacity),
		.lists = bits_make(t->paths.lists.capacity),
		.entries = bits_make(t->subscribers.entries.capacity)};
	if (!kept->paths || !kept->shapes || !kept->lists || !kept->entries)
		return false;
	if (!t->rules.image)
		return true;
	kept->rules = bits_make(t->rules.records.capacity);
	kept->blocks = bits_make(sets->blocks.capacity);
	kept->mores = bits_make(sets->mores.capacity);
	kept->indexes = bits_make(sets->indexes.capacity);
	return kept->rules && kept->blocks && kept->mores && kept->indexes;
}

static void rebuild(struct tables *t, const struct kept *kept)
{
	pool_rebuild(&t->paths.paths, kept->paths);
	pool_rebuild(&t->paths.shapes, kept->shapes);
	order_table_rebuild(&t->paths.orders, kept->lists, t->paths.lists.capacity);
	pool_rebuild(&t->paths.lists, kept->lists);
	pool_rebuild(&t->subscribers.entries, kept->entries);
	pool_rebuild(&t->rules.records, kept->rules);
	pool_rebuild(&t->rules.sets.blocks, kept->blocks);
	pool_rebuild(&t->rules.sets.mores, kept->mores);
	pool_rebuild(&t->rules.sets.indexes, kept->indexes);
}

int64_t tables_repair(struct tables *t)
{
	struct kept kept;
	uint32_t forgotten;

	if (!make_bits(t, &kept)) {
		free_bits(&kept);
		return -ENOMEM;
	}
	drop_users(t);
	forgotten = keep_paths(t, &kept);
	forgotten += keep_subscribers(t, &kept);
	keep_prefixes(&t->subscribers, &kept);
	forgotten += keep_rules(&t->rules, &kept);
	hold_shapes(t, &kept);
	t->unsettled_count = 0;
	tables_quiesce(t);
	rebuild(t, &kept);
	path_table_check_rooms(&t->paths);
	if (t->paths.own_shape == PATH_SHAPE_NONE)
		path_table_take_own(&t->paths);
	free_bits(&kept);
	return forgotten;
}
