/*
 * What objects will touch, asked for before they are applied.
 *
 * An object leads from line to line of memory: from the index by id to a path, from there to the
 * subscriber that uses it and on to its places in two indexes. Each step is taken for all objects
 * before the next one, so that their lines arrive side by side. Nothing here is believed: numbers
 * are compared with their bounds and lead to a hint.
 */
#include <rte_prefetch.h>

#include "dataplane/tables/hash.h"
#include "dataplane/tables/tables.h"

/* One object on its way. */
struct expected {
	uint64_t hash;    /* of its id */
	uint32_t path;    /* the path that it is, or that its subscriber uses; or POOL_NONE */
	uint32_t entry;   /* first entry of its subscriber, or POOL_NONE */
	uint64_t by_path; /* hash of the id of its first path */
};

static const struct sig_bucket *home(const struct sig_index *x, uint64_t hash)
{
	const struct sig_array *a = sig_index_array(x);

	return &a->buckets[sig_index_home(a, hash)];
}

/* The number that a hash probably leads to, or POOL_NONE. */
static uint32_t guess(const struct sig_index *x, uint64_t hash, const struct pool *pool)
{
	const struct sig_bucket *b = home(x, hash);
	uint32_t match = sig_index_match(b, sig_index_sig(hash));
	uint32_t number = match ? sig_index_value(b, match) : POOL_NONE;

	return number < pool->fresh ? number : POOL_NONE;
}

static void ask(const struct pool *pool, uint32_t number)
{
	if (number != POOL_NONE)
		rte_prefetch0(pool_at(pool, number));
}

/* First step: the indexes by what the object itself says. */
static void ask_indexes(const struct tables *t, const struct object *object, struct expected *x)
{
	const struct object_subscriber *s = &object->subscriber;

	x->hash = table_hash_id(object->id);
	x->path = x->entry = POOL_NONE;
	if (object->kind == OBJECT_PATH)
		sig_index_prefetch(&t->paths.by_id, x->hash);
	if (object->kind != OBJECT_SUBSCRIBER)
		return;
	sig_index_prefetch(&t->subscribers.by_id, x->hash);
	if (object->op != OBJECT_SET)
		return;
	x->by_path = table_hash_id(s->paths[0]);
	sig_index_prefetch(&t->paths.by_id, x->by_path);
	for (unsigned i = 0; i < s->prefix_count; i++)
		sig_index_prefetch(&t->subscribers.by_prefix,
			table_hash(&s->prefixes[i].addr, s->domain << 8 | s->prefixes[i].len));
}

/* Second step: paths and entries by their ids. */
static void ask_elements(const struct tables *t, const struct object *object, struct expected *x)
{
	const struct path_table *paths = &t->paths;

	if (object->kind == OBJECT_PATH)
		x->path = guess(&paths->by_id, x->hash, &paths->paths);
	if (object->kind == OBJECT_SUBSCRIBER) {
		x->entry = guess(&t->subscribers.by_id, x->hash, &t->subscribers.entries);
		if (object->op == OBJECT_SET)
			x->path = guess(&paths->by_id, x->by_path, &paths->paths);
	}
	ask(&paths->paths, x->path);
	ask(&t->subscribers.entries, x->entry);
}

/* Third step: the subscriber that uses a path, and the path that a subscriber used until now. */
static void ask_users(const struct tables *t, const struct object *object, struct expected *x)
{
	const struct pool *entries = &t->subscribers.entries, *paths = &t->paths.paths;
	uint32_t number;

	if (object->kind == OBJECT_PATH && x->path != POOL_NONE) {
		const struct path *path = path_at(&t->paths, x->path);

		if (path->users == 1 && path->link < entries->fresh) {
			x->entry = path->link;
			ask(entries, x->entry);
		}
	} else if (object->kind == OBJECT_SUBSCRIBER && x->entry != POOL_NONE) {
		number = subscriber_at(&t->subscribers, x->entry)->path;
		if (number != x->path && number < paths->fresh)
			ask(paths, number);
	}
}

/* Fourth step: the places of the subscriber that a path leads to. */
static void ask_places(
	const struct tables *t, const struct object *object, const struct expected *x)
{
	const struct subscriber_entry *entry;

	if (x->entry == POOL_NONE)
		return;
	entry = subscriber_at(&t->subscribers, x->entry);
	if (object->kind == OBJECT_PATH)
		sig_index_prefetch(&t->subscribers.by_id, table_hash_id(entry->id));
	if (object->kind == OBJECT_PATH || object->op == OBJECT_DELETE)
		sig_index_prefetch(
			&t->subscribers.by_prefix, table_hash(&entry->prefix, entry->tag));
}

void tables_expect(const struct tables *t, const struct object objects[], unsigned n)
{
	struct expected x[TABLES_EXPECT_MAX];

	for (unsigned i = 0; i < n; i++)
		ask_indexes(t, &objects[i], &x[i]);
	for (unsigned i = 0; i < n; i++)
		ask_elements(t, &objects[i], &x[i]);
	for (unsigned i = 0; i < n; i++)
		ask_users(t, &objects[i], &x[i]);
	for (unsigned i = 0; i < n; i++)
		ask_places(t, &objects[i], &x[i]);
}
