#include "dataplane/tables/subscriber_table.h"

#include <errno.h>
#include <string.h>

#include "dataplane/tables/bits.h"
#include "dataplane/tables/hash.h"

enum {
	SPARE = 1024, /* entries beyond capacity for replaced ones that are still being read */
	LIST_RESERVE = 64,
};

/* A subscriber on its way into the table. */
struct change {
	const struct object_subscriber *object;
	uint32_t paths[OBJECT_PATHS_MAX];
	uint32_t list;
	uint32_t rules;                      /* chain that it keeps */
	uint8_t steered;                     /* enum path_steered */
	uint32_t fresh[OBJECT_PREFIXES_MAX]; /* the new entry of each prefix */
	uint32_t old[OBJECT_PREFIXES_MAX];   /* the one it replaces, or none */
	uint32_t first;                      /* old entry of the first prefix, or none */
	bool inserted[OBJECT_PREFIXES_MAX];
};

static uint32_t pool_size(uint32_t capacity)
{
	return capacity + capacity / 256 + SPARE;
}

size_t subscriber_table_memory(uint32_t capacity)
{
	return room_needed(pool_size(capacity) * sizeof(struct subscriber_entry)) +
	       sig_index_needed(capacity, SIG_INDEX_ROOMY) +
	       sig_index_needed(capacity, SIG_INDEX_DENSE);
}

void subscriber_table_destroy(struct subscriber_table *t)
{
	pool_destroy(&t->entries);
	sig_index_destroy(&t->by_prefix);
	sig_index_destroy(&t->by_id);
	bits_free(t->marks);
	t->marks = NULL;
}

static struct subscriber_entry *entry_at(const struct subscriber_table *t, uint32_t number)
{
	return pool_at(&t->entries, number);
}

static uint64_t entry_hash(const struct subscriber_entry *entry)
{
	return table_hash(&entry->prefix, entry->tag);
}

static uint64_t hash_of_prefix(const void *table, uint32_t number)
{
	return entry_hash(entry_at(table, number));
}

static uint64_t hash_of_id(const void *table, uint32_t number)
{
	return table_hash_id(entry_at(table, number)->id);
}

int subscriber_table_init(struct subscriber_table *t, uint32_t capacity, uint32_t most,
	struct path_table *paths, struct rule_table *rules, struct rte_rcu_qsbr *rcu)
{
	memset(t, 0, sizeof(*t));
	t->paths = paths;
	t->rules = rules;
	if (pool_init(&t->entries, POOL_ELEMENT(struct subscriber_entry, next), pool_size(capacity),
		    pool_size(most), rcu) < 0 ||
		sig_index_init(&t->by_prefix, capacity, SIG_INDEX_ROOMY) < 0 ||
		sig_index_init(&t->by_id, capacity, SIG_INDEX_DENSE) < 0 ||
		!(t->marks = bits_make(t->entries.most))) {
		subscriber_table_destroy(t);
		return -ENOMEM;
	}
	sig_index_grows(&t->by_prefix, most, &t->entries, hash_of_prefix, t);
	sig_index_grows(&t->by_id, most, &t->entries, hash_of_id, t);
	return 0;
}

static bool same_prefix(const void *table, uint32_t number, const void *of)
{
	const struct subscriber_entry *a = entry_at(table, number), *b = of;

	return a->tag == b->tag && addr_equal(&a->prefix, &b->prefix);
}

static bool has_id(const void *table, uint32_t number, const void *id)
{
	return entry_at(table, number)->id == *(const uint64_t *)id;
}

static uint32_t find_id(const struct subscriber_table *t, uint64_t id)
{
	return sig_index_find(&t->by_id, table_hash_id(id), has_id, t, &id);
}

/* A length is announced before its first prefix and withdrawn after its last. */
static void length_use(struct subscriber_table *t, uint8_t len)
{
	if (t->length_users[len]++ == 0)
		atomic_fetch_or_explicit(
			&t->lengths[len / 64], 1ull << (len % 64), memory_order_release);
}

static void length_drop(struct subscriber_table *t, uint8_t len)
{
	if (--t->length_users[len] == 0)
		atomic_fetch_and_explicit(
			&t->lengths[len / 64], ~(1ull << (len % 64)), memory_order_release);
}

/* An element, after waiting for readers if need be: replacing never fails for want of one. */
static uint32_t take(struct pool *pool)
{
	uint32_t number = pool_take(pool);

	if (number == POOL_NONE) {
		pool_reclaim(pool, true);
		number = pool_take(pool);
	}
	return number;
}

/* The list of a subscriber by its old entry, or POOL_NONE. */
static uint32_t list_of(const struct subscriber_table *t, uint32_t first)
{
	return first == POOL_NONE ? POOL_NONE : entry_at(t, first)->paths;
}

/* Where the path is now by which a subscriber was heard last. One that has become the first since
 * is newer than what was heard. */
static uint8_t heard_before(const struct subscriber_table *t, const struct change *c)
{
	const struct path_list *old;
	const struct path *was, *heard;

	if (list_of(t, c->first) == POOL_NONE)
		return 0;
	old = path_list_at(t->paths, list_of(t, c->first));
	was = path_at(t->paths, old->paths[0]);
	heard = path_at(t->paths, old->paths[path_list_first(old)]);
	if (was->id != c->object->paths[0] ||
		!addr_equal(&was->remote, &path_at(t->paths, c->paths[0])->remote))
		return 0;
	for (uint8_t i = 0; i < c->object->path_count; i++)
		if (c->object->paths[i] == heard->id)
			return i;
	return 0;
}

/* The list of a subscriber that needs one. */
static int make_list(struct subscriber_table *t, struct change *c)
{
	const struct object_subscriber *object = c->object;
	const uint32_t old = list_of(t, c->first);
	struct order_table *orders = &t->paths->orders;
	struct pool *lists = &t->paths->lists;
	struct path_list *list;

	/* The last lists are kept for replacing those of subscribers that have one. */
	if (old == POOL_NONE && lists->used + LIST_RESERVE >= lists->most)
		return -ENOSPC;
	c->list = path_table_take_list(t->paths);
	if (c->list == POOL_NONE)
		return -ENOSPC;
	list = pool_at(lists, c->list);
	*list = (struct path_list){
		.rules = c->rules, .count = object->path_count, .steering = object->steering};
	memcpy(list->paths, c->paths, list->count * sizeof(list->paths[0]));
	memcpy(list->weights, object->weights, list->count * sizeof(list->weights[0]));
	path_list_share(list);
	list->heard = heard_before(t, c);
	if (order_table_set(orders, c->list, old, object->id, &object->order) < 0 ||
		rule_set_make(t->rules, t->paths, list) < 0) {
		order_table_leave(orders, c->list, old);
		pool_return(lists, c->list);
		c->list = POOL_NONE;
		return -ENOSPC;
	}
	c->steered = path_list_steered(t->paths, c->list);
	return 0;
}

static int resolve_paths(struct subscriber_table *t, struct change *c)
{
	for (unsigned i = 0; i < c->object->path_count; i++) {
		c->paths[i] = path_table_find(t->paths, c->object->paths[i]);
		if (c->paths[i] == POOL_NONE)
			return -ENOENT;
	}
	if (c->object->path_count == 1 && c->object->steering == STEERING_FIRST &&
		c->rules == POOL_NONE && !c->object->order.numbered)
		return 0;
	return make_list(t, c);
}

static void fill(const struct subscriber_table *t, const struct change *c, unsigned i,
	uint16_t link, struct subscriber_entry *entry)
{
	const struct object_subscriber *object = c->object;
	const struct path_outer outer = path_table_outer(t->paths, path_at(t->paths, c->paths[0]));

	*entry = (struct subscriber_entry){
		.prefix = object->prefixes[i].addr,
		.remote = outer.remote,
		.id = object->id,
		.tag = object->domain << 8 | object->prefixes[i].len,
		.path = c->paths[0],
		.paths = c->list,
		.next = POOL_NONE,
		.shape = outer.shape,
		.mtu = outer.mtu,
		.link = link,
		.relayed = outer.relayed,
		.steered = c->steered,
	};
}

/* Whether a prefix is free of its owner. During a snapshot, one that was not in it so far cannot
 * have what another is given: it goes now, not with the sweep. */
static bool give_way(struct subscriber_table *t, uint64_t owner)
{
	uint32_t number = find_id(t, owner);

	if (number == SIG_INDEX_NONE || bits_test(t->marks, number))
		return false;
	subscriber_table_delete(t, owner);
	return true;
}

/* Makes an entry for each prefix and finds the one that it will replace. */
static int make_entries(struct subscriber_table *t, struct change *c, uint16_t link)
{
	for (unsigned i = 0; i < c->object->prefix_count; i++) {
		c->fresh[i] = take(&t->entries);
		if (c->fresh[i] == POOL_NONE)
			return -ENOSPC;

		struct subscriber_entry *entry = entry_at(t, c->fresh[i]);

		fill(t, c, i, link, entry);
		if (i > 0)
			entry_at(t, c->fresh[i - 1])->next = c->fresh[i];
		c->old[i] = sig_index_find(&t->by_prefix, entry_hash(entry), same_prefix, t, entry);
		if (c->old[i] != SIG_INDEX_NONE && entry_at(t, c->old[i])->id != entry->id) {
			if (!give_way(t, entry_at(t, c->old[i])->id))
				return -EEXIST;
			c->old[i] = SIG_INDEX_NONE;
		}
		for (unsigned j = 0; j < i; j++)
			if (same_prefix(t, c->fresh[j], entry))
				return -EEXIST;
	}
	return 0;
}

/* Puts the prefixes that the subscriber did not have into the index. */
static int insert_new(struct subscriber_table *t, struct change *c)
{
	for (unsigned i = 0; i < c->object->prefix_count; i++) {
		const struct subscriber_entry *entry = entry_at(t, c->fresh[i]);

		if (c->old[i] != SIG_INDEX_NONE)
			continue;
		if (sig_index_make_room(&t->by_prefix) < 0)
			return -ENOSPC;
		length_use(t, (uint8_t)entry->tag);
		if (sig_index_insert(&t->by_prefix, entry_hash(entry), c->fresh[i]) < 0) {
			length_drop(t, (uint8_t)entry->tag);
			return -ENOSPC;
		}
		c->inserted[i] = true;
	}
	if (c->first != SIG_INDEX_NONE)
		return 0;
	if (sig_index_make_room(&t->by_id) < 0)
		return -ENOSPC;
	return sig_index_insert(&t->by_id, table_hash_id(c->object->id), c->fresh[0]);
}

/* A list goes, and another, or none, comes in its place. */
static void retire_list(struct subscriber_table *t, uint32_t list, uint32_t by)
{
	order_table_leave(&t->paths->orders, list, by);
	rule_set_retire(t->rules, path_list_at(t->paths, list));
	pool_retire(&t->paths->lists, list);
}

/* Takes back what make_entries() and insert_new() did. */
static void undo(struct subscriber_table *t, struct change *c)
{
	for (unsigned i = 0; i < c->object->prefix_count; i++) {
		if (c->fresh[i] == POOL_NONE)
			continue;
		if (c->inserted[i]) {
			const struct subscriber_entry *entry = entry_at(t, c->fresh[i]);

			sig_index_remove(&t->by_prefix, entry_hash(entry), c->fresh[i]);
			length_drop(t, (uint8_t)entry->tag);
			pool_retire(&t->entries, c->fresh[i]);
		} else {
			pool_return(&t->entries, c->fresh[i]);
		}
	}
	if (c->list != POOL_NONE)
		retire_list(t, c->list, list_of(t, c->first));
}

/* A subscriber lets go of its paths: those of its entry, or of its list, which another replaces. */
static void release_paths(
	struct subscriber_table *t, const struct subscriber_entry *entry, uint32_t by)
{
	if (entry->paths == POOL_NONE) {
		struct path *path = path_at(t->paths, entry->path);

		path->users--;
		path->link = POOL_NONE;
		return;
	}

	const struct path_list *list = path_list_at(t->paths, entry->paths);

	for (uint32_t i = 0; i < list->count; i++) {
		struct path *path = path_at(t->paths, list->paths[i]);

		path->users--;
		path->link = POOL_NONE;
	}
	retire_list(t, entry->paths, by);
}

static void hold_paths(struct subscriber_table *t, const struct change *c)
{
	for (unsigned i = 0; i < c->object->path_count; i++) {
		struct path *path = path_at(t->paths, c->paths[i]);

		path->link = path->users++ == 0 ? c->fresh[0] : POOL_NONE;
	}
}

static bool is_replaced(const struct change *c, uint32_t number)
{
	for (unsigned i = 0; i < c->object->prefix_count; i++)
		if (c->old[i] == number)
			return true;
	return false;
}

/* Old entries leave: those whose number was swapped are only retired, the others removed first. */
static void drop_old(struct subscriber_table *t, const struct change *c)
{
	for (uint32_t number = c->first, next; number != POOL_NONE; number = next) {
		const struct subscriber_entry *entry = entry_at(t, number);

		next = entry->next;
		if (!is_replaced(c, number)) {
			sig_index_remove(&t->by_prefix, entry_hash(entry), number);
			length_drop(t, (uint8_t)entry->tag);
		}
		pool_retire(&t->entries, number);
	}
}

/*
 * Whether readers find all of a subscriber with one path as it is to be set. Snapshots mostly say
 * what is known; but what a worker would not find so, wherever that comes from, is set anew.
 */
static bool is_unchanged(const struct subscriber_table *t, const struct change *c, uint16_t link)
{
	uint32_t number = c->first;

	if (c->object->path_count != 1 || c->list != POOL_NONE)
		return false;
	for (unsigned i = 0; i < c->object->prefix_count; i++) {
		const struct subscriber_entry *entry;
		struct subscriber_entry wanted;

		if (number == POOL_NONE)
			return false;
		entry = entry_at(t, number);
		fill(t, c, i, link, &wanted);
		wanted.next = entry->next;
		if (memcmp(entry, &wanted, sizeof(wanted)) != 0 ||
			sig_index_find(&t->by_prefix, entry_hash(entry), same_prefix, t, entry) !=
				number)
			return false;
		number = entry->next;
	}
	return number == POOL_NONE;
}

/* The rules of a subscriber by its old entry. */
static uint32_t rules_of(const struct subscriber_table *t, uint32_t first)
{
	uint32_t list = list_of(t, first);

	return list == POOL_NONE ? POOL_NONE : path_list_at(t->paths, list)->rules;
}

/*
 * A subscriber that is not whole is forgotten by its id, so that it can be set anew; what it led to
 * is found by the next repair.
 */
static uint32_t forget_damaged(struct subscriber_table *t, uint64_t id, uint32_t first)
{
	if (first == SIG_INDEX_NONE || subscriber_table_is_whole(t, first))
		return first;
	sig_index_remove(&t->by_id, table_hash_id(id), first);
	pool_watch_tell(&t->watch, first, POOL_NONE);
	t->subscribers--;
	t->damaged = true;
	return SIG_INDEX_NONE;
}

/* Sets a subscriber, with these rules. */
static int set(struct subscriber_table *t, const struct object_subscriber *object, uint16_t link,
	uint32_t rules)
{
	struct change c = {.object = object,
		.list = POOL_NONE,
		.rules = rules,
		.first = find_id(t, object->id)};
	int err;

	memset(c.fresh, 0xff, sizeof(c.fresh));
	err = resolve_paths(t, &c);
	if (err == 0 && is_unchanged(t, &c, link)) {
		bits_set(t->marks, c.first);
		return 0;
	}
	if (err == 0)
		err = make_entries(t, &c, link);
	if (err == 0)
		err = insert_new(t, &c);
	if (err < 0) {
		undo(t, &c);
		return err;
	}
	/* By its id first: see path_hold.h. */
	if (c.first != SIG_INDEX_NONE) {
		sig_index_replace(&t->by_id, table_hash_id(object->id), c.first, c.fresh[0]);
		path_table_release(t->paths, entry_at(t, c.first)->path, c.paths[0]);
	}
	for (unsigned i = 0; i < object->prefix_count; i++)
		if (c.old[i] != SIG_INDEX_NONE)
			sig_index_replace(&t->by_prefix, entry_hash(entry_at(t, c.fresh[i])),
				c.old[i], c.fresh[i]);
	if (c.first != SIG_INDEX_NONE) {
		release_paths(t, entry_at(t, c.first), c.list);
		drop_old(t, &c);
	} else {
		t->subscribers++;
	}
	hold_paths(t, &c);
	bits_set(t->marks, c.fresh[0]);
	pool_watch_tell(&t->watch, c.first, c.fresh[0]);
	return 0;
}

int subscriber_table_set(
	struct subscriber_table *t, const struct object_subscriber *object, uint16_t link)
{
	if (object->prefix_count == 0 || object->path_count == 0)
		return -EINVAL;
	if (object->domain > SUBSCRIBER_DOMAIN_MAX)
		return -EDOM;
	return set(t, object, link,
		rules_of(t, forget_damaged(t, object->id, find_id(t, object->id))));
}

void subscriber_table_delete(struct subscriber_table *t, uint64_t id)
{
	const struct object_subscriber none = {.prefix_count = 0};
	struct change c = {.object = &none, .first = forget_damaged(t, id, find_id(t, id))};

	if (c.first == SIG_INDEX_NONE)
		return;
	sig_index_remove(&t->by_id, table_hash_id(id), c.first);
	rule_table_clear(t->rules, rules_of(t, c.first));
	release_paths(t, entry_at(t, c.first), POOL_NONE);
	drop_old(t, &c);
	t->subscribers--;
	pool_watch_tell(&t->watch, c.first, POOL_NONE);
}

/* Writes a subscriber anew: its path ids lead to other versions of the paths, or its rules, which
 * begin at `rules`, have changed. */
static int rewrite(struct subscriber_table *t, uint32_t first, uint32_t rules)
{
	const struct subscriber_entry *entry = entry_at(t, first);
	struct object_subscriber object = {
		.id = entry->id, .domain = entry->tag >> 8, .path_count = 1};

	object.paths[0] = path_at(t->paths, entry->path)->id;
	if (entry->paths != POOL_NONE) {
		const struct path_list *list = path_list_at(t->paths, entry->paths);

		object.path_count = list->count;
		object.steering = list->steering;
		object.order = order_table_object(&t->paths->orders, entry->paths);
		memcpy(object.weights, list->weights, sizeof(object.weights));
		for (uint32_t i = 0; i < list->count; i++)
			object.paths[i] = path_at(t->paths, list->paths[i])->id;
	}
	for (uint32_t number = first; number != POOL_NONE; number = entry_at(t, number)->next)
		object.prefixes[object.prefix_count++] = (struct prefix6){
			entry_at(t, number)->prefix, (uint8_t)entry_at(t, number)->tag};

	bool marked = bits_test(t->marks, first);
	int err = set(t, &object, entry->link, rules);

	if (err == 0 && !marked)
		bits_clear(t->marks, find_id(t, object.id));
	return err;
}

uint32_t *subscriber_table_rules(struct subscriber_table *t, uint64_t id)
{
	uint32_t first = forget_damaged(t, id, find_id(t, id));

	if (first == POOL_NONE || entry_at(t, first)->paths == POOL_NONE)
		return NULL;
	return &((struct path_list *)pool_at(&t->paths->lists, entry_at(t, first)->paths))->rules;
}

int subscriber_table_renew(struct subscriber_table *t, uint64_t id, uint32_t head)
{
	uint32_t first = forget_damaged(t, id, find_id(t, id));

	return first == POOL_NONE ? -ENOENT : rewrite(t, first, head);
}

static bool uses(const struct subscriber_table *t, uint32_t first, uint32_t path)
{
	const struct subscriber_entry *entry = entry_at(t, first);

	if (entry->paths == POOL_NONE)
		return entry->path == path;

	const struct path_list *list = path_list_at(t->paths, entry->paths);

	for (uint32_t i = 0; i < list->count; i++)
		if (list->paths[i] == path)
			return true;
	return false;
}

int subscriber_table_move(struct subscriber_table *t, uint32_t from)
{
	struct path *path = path_at(t->paths, from);
	int err;

	if (path->users == 1 && path->link < t->entries.fresh &&
		subscriber_table_is_whole(t, path->link))
		return rewrite(t, path->link, rules_of(t, path->link));
	for (size_t place = 0; place < sig_index_places(&t->by_id) && path->users; place++) {
		uint32_t first = sig_index_at(&t->by_id, place);

		if (first >= t->entries.fresh || !subscriber_table_is_whole(t, first) ||
			!uses(t, first, from))
			continue;
		err = rewrite(t, first, rules_of(t, first));
		if (err < 0)
			return err;
	}
	return 0;
}

void subscriber_table_mark(struct subscriber_table *t)
{
	bits_clear_all(t->marks, t->entries.capacity);
}

uint32_t subscriber_table_sweep(struct subscriber_table *t, const struct object_buckets *buckets)
{
	uint32_t removed = 0;

	for (size_t place = 0; place < sig_index_places(&t->by_id); place++) {
		uint32_t first = sig_index_at(&t->by_id, place);

		if (first == POOL_NONE || bits_test(t->marks, first) ||
			!object_buckets_have(buckets, entry_at(t, first)->id))
			continue;
		subscriber_table_delete(t, entry_at(t, first)->id);
		removed++;
	}
	/* What was not looked at stays, too. */
	bits_set_all(t->marks, t->entries.capacity);
	return removed;
}
