/* The digest: what was set and nothing else, whatever changes meanwhile; any bit that readers use.
 */
#include <errno.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/port.h"
#include "dataplane/tables/tables_digest.h"

enum {
	SUBSCRIBERS = 600,
	IDS = 200, /* of each kind, in the random test */
	EVERYTHING = 1 << 20,
};

/* The tables, and every object that they took. */
struct world {
	struct tables *tables;
	struct tables_digest digest;
	struct object set[8][IDS + 1];
};

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "384", "-l", "0", "--log-level=error", NULL};

	(void)state;
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0)
		return -1;
	strcpy(port_table[0].name, "home");
	port_table[0].rx_queues = 1;
	return 0;
}

static struct in6_addr addr(uint8_t kind, uint32_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, 0xd, 0xb8, kind, [12] = (uint8_t)(i >> 24),
					 (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static int apply(struct world *w, const struct object *object)
{
	int err = tables_apply(w->tables, object);

	if (err == 0)
		w->set[object->kind][object->id] = *object;
	return err;
}

static int set_path(struct world *w, uint64_t id, uint32_t care_of, uint64_t data_plane)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_IP6_IN_IP6,
		.local = addr(1, 1),
		.remote = addr(2, care_of),
		.data_plane = data_plane,
		.mtu = (uint16_t)(care_of % 3 ? 1500 : 0)};
	return apply(w, &o);
}

static int set_subscriber(
	struct world *w, uint64_t id, unsigned prefixes, unsigned paths, const uint64_t ids[])
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};
	struct object_subscriber *s = &o.subscriber;

	*s = (struct object_subscriber){.id = id,
		.link_id = id % 2 ? 7 : 0,
		.prefix_count = (uint8_t)prefixes,
		.path_count = (uint8_t)paths};
	for (unsigned i = 0; i < prefixes; i++)
		s->prefixes[i] = (struct prefix6){addr((uint8_t)(0x10 + i), (uint32_t)id), 128};
	if (prefixes > 1)
		s->prefixes[1] = (struct prefix6){addr(0x11, (uint32_t)id << 8), 120};
	memcpy(s->paths, ids, paths * sizeof(ids[0]));
	return apply(w, &o);
}

static int set_data_plane(struct world *w, uint64_t id, const char *name, uint32_t at)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = addr(3, at)};
	strcpy(o.data_plane.name, name);
	return apply(w, &o);
}

static int setup(void **state)
{
	static const struct tables_config config = {.subscribers = SUBSCRIBERS,
		.routes = 16,
		.neighbours = 16,
		.readers = 1,
		.name = "here"};
	struct world *w = calloc(1, sizeof(*w));
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 1};
	int error = 0;

	if (!w)
		return -1;
	*state = w;
	w->tables = tables_create(&config, &error);
	if (!w->tables)
		return error;
	o.local = (struct object_local){1, addr(1, 1)};
	error |= apply(w, &o);
	o = (struct object){.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};
	o.link = (struct object_link){.id = 7, .port = "home", .watch_dad = true};
	error |= apply(w, &o);
	error |= set_data_plane(w, 1, "here", 1);
	error |= set_data_plane(w, 2, "there", 2);
	return error;
}

static int teardown(void **state)
{
	struct world *w = *state;

	tables_digest_cancel(&w->digest);
	tables_destroy(w->tables);
	free(w);
	return 0;
}

static struct update_digest_answer compute(struct world *w)
{
	struct update_digest_answer answer;

	assert_int_equal(tables_digest_start(&w->digest, w->tables), 0);
	assert_true(tables_digest_step(&w->digest, EVERYTHING, &answer));
	return answer;
}

/* What control would say. */
static struct update_digest_answer expected(const struct world *w)
{
	struct update_digest_answer answer = {0};

	for (unsigned kind = 1; kind < UPDATE_DIGEST_KINDS; kind++) {
		for (unsigned id = 1; id <= IDS; id++) {
			const struct object *o = &w->set[kind][id];

			if (o->op != OBJECT_SET)
				continue;
			answer.digest.kinds[kind].count++;
			answer.digest.kinds[kind].sum += object_digest(o);
			answer.buckets[object_bucket(id)] += object_digest(o);
		}
	}
	return answer;
}

static void assert_same(const struct update_digest_answer *a, const struct update_digest_answer *b)
{
	for (unsigned kind = 0; kind < UPDATE_DIGEST_KINDS; kind++) {
		assert_int_equal(a->digest.kinds[kind].count, b->digest.kinds[kind].count);
		assert_int_equal(a->digest.kinds[kind].sum, b->digest.kinds[kind].sum);
	}
	assert_memory_equal(a->buckets, b->buckets, sizeof(a->buckets));
}

static bool is_same(const struct update_digest_answer *a, const struct update_digest_answer *b)
{
	for (unsigned kind = 0; kind < UPDATE_DIGEST_KINDS; kind++)
		if (a->digest.kinds[kind].count != b->digest.kinds[kind].count ||
			a->digest.kinds[kind].sum != b->digest.kinds[kind].sum)
			return false;
	return memcmp(a->buckets, b->buckets, sizeof(a->buckets)) == 0;
}

/* One of each: a subscriber with all there is, one that is relayed, one that is plain. */
static void fill(struct world *w)
{
	const uint64_t both[] = {1, 2};

	assert_int_equal(set_path(w, 1, 11, 0), 0);
	assert_int_equal(set_path(w, 2, 12, 1), 0);
	assert_int_equal(set_path(w, 3, 13, 2), 0);
	assert_int_equal(set_subscriber(w, 1, 2, 2, both), 0);
	assert_int_equal(set_subscriber(w, 2, 1, 1, &(const uint64_t){3}), 0);
	assert_int_equal(set_subscriber(w, 3, 3, 1, both), 0);
}

static void test_all_kinds(void **state)
{
	struct world *w = *state;
	const struct in6_addr there = addr(3, 2);
	struct update_digest_answer digest, want;

	fill(w);
	digest = compute(w);
	want = expected(w);
	assert_same(&digest, &want);
	assert_int_equal(digest.digest.kinds[OBJECT_LOCAL].count, 1);
	assert_int_equal(digest.digest.kinds[OBJECT_LINK].count, 1);
	assert_int_equal(digest.digest.kinds[OBJECT_PATH].count, 3);
	assert_int_equal(digest.digest.kinds[OBJECT_SUBSCRIBER].count, 3);
	assert_int_equal(digest.digest.kinds[OBJECT_DATA_PLANE].count, 2);
	assert_int_equal(tables_path_mtu_learn(w->tables, 2, &there, 1400, 1), 0);
	digest = compute(w);
	assert_same(&digest, &want);
}

/* Flips every bit of some memory, one after the other; returns how many were not noticed. */
static unsigned unseen(
	struct world *w, void *memory, size_t size, const struct update_digest_answer *want)
{
	uint8_t *octets = memory;
	unsigned n = 0;

	for (size_t bit = 0; bit < 8 * size; bit++) {
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);

		struct update_digest_answer digest = compute(w);

		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		n += is_same(&digest, want);
	}
	return n;
}

/* Everything in an entry that a worker looks at, and where it leads. */
static void test_flipped_bits(void **state)
{
	struct world *w = *state;
	struct update_digest_answer want;

	fill(w);
	want = expected(w);
	for (uint64_t id = 1; id <= 3; id++) {
		struct subscriber_entry *entry =
			(struct subscriber_entry *)(uintptr_t)subscriber_table_by_id(
				&w->tables->subscribers, id);
		struct path *path = path_at(&w->tables->paths, entry->path);
		struct path_shape *shape = pool_at(&w->tables->paths.shapes, entry->shape);

		assert_int_equal(unseen(w, entry, sizeof(*entry), &want), 0);
		assert_int_equal(unseen(w, &path->remote, sizeof(path->remote), &want), 0);
		assert_int_equal(unseen(w, &path->id, sizeof(path->id), &want), 0);
		assert_int_equal(unseen(w, &path->shape, sizeof(path->shape), &want), 0);
		assert_int_equal(unseen(w, shape->header, 24, &want), 0);
	}

	const struct subscriber_entry *first = subscriber_table_by_id(&w->tables->subscribers, 1);
	struct path_list *list = pool_at(&w->tables->paths.lists, first->paths);
	struct local_set *local = atomic_load(&w->tables->local.set);
	struct data_plane_set *set = atomic_load(&w->tables->data_planes.set);

	assert_int_equal(unseen(w, list->paths, 2 * sizeof(list->paths[0]), &want), 0);
	assert_int_equal(unseen(w, &list->count, sizeof(list->count), &want), 0);
	assert_int_equal(unseen(w, &set->own, sizeof(set->own), &want), 0);
	assert_int_equal(unseen(w, &set->others[0], sizeof(set->others[0]), &want), 0);
	assert_int_equal(unseen(w, &w->tables->links.slots[1], 8, &want), 32 - 16 - 2);
	for (uint32_t i = 0; i <= local->mask; i++)
		if (addr_equal(&local->slots[i], &w->set[OBJECT_LOCAL][1].local.addr))
			assert_int_equal(unseen(w, &local->slots[i], 16, &want), 0);
}

static uint32_t random_below(uint32_t n)
{
	static uint64_t seed = 42;

	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(seed >> 33) % n;
}

/* Something that control could do, also what is refused. */
static void change(struct world *w)
{
	uint64_t ids[3] = {1 + random_below(IDS), 1 + random_below(IDS), 1 + random_below(IDS)};
	struct object o = {.op = OBJECT_DELETE, .id = 1 + random_below(IDS)};

	switch (random_below(8)) {
	case 0:
	case 1:
	case 2:
		set_path(w, ids[0], random_below(1000), random_below(3));
		break;
	case 3:
	case 4:
		set_subscriber(w, ids[1], 1 + random_below(3), 1 + random_below(3), ids);
		break;
	case 5:
		o.kind = OBJECT_SUBSCRIBER;
		apply(w, &o);
		break;
	case 6:
		o.kind = OBJECT_PATH;
		apply(w, &o);
		break;
	default:
		if (random_below(10) == 0)
			set_data_plane(w, 1 + random_below(2), random_below(2) ? "here" : "there",
				1 + random_below(3));
		break;
	}
}

/* However steps and changes alternate, the end is what the tables are then. */
static void test_changes_meanwhile(void **state)
{
	struct world *w = *state;
	struct update_digest_answer digest, want;

	for (int i = 0; i < 2000; i++)
		change(w);
	for (int round = 0; round < 300; round++) {
		uint32_t most = 1 + random_below(round % 2 ? 400 : 20);

		assert_int_equal(tables_digest_start(&w->digest, w->tables), 0);
		while (!tables_digest_step(&w->digest, most, &digest))
			for (uint32_t i = random_below(10); i; i--)
				change(w);
		want = expected(w);
		assert_same(&digest, &want);
		assert_true(digest.digest.kinds[OBJECT_SUBSCRIBER].count > 10);
	}
}

/* The objects of a snapshot. */
static void apply_all(struct world *w)
{
	static const enum object_kind order[] = {
		OBJECT_LOCAL, OBJECT_LINK, OBJECT_DATA_PLANE, OBJECT_PATH, OBJECT_SUBSCRIBER};

	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		for (unsigned id = 1; id <= IDS; id++)
			if (w->set[order[i]][id].op == OBJECT_SET)
				assert_int_equal(tables_apply(w->tables, &w->set[order[i]][id]), 0);
}

/* A snapshot, and a data plane that moves, in the middle of it. */
static void test_upheavals_meanwhile(void **state)
{
	struct world *w = *state;
	struct update_digest_answer digest, want;

	for (int i = 0; i < 2000; i++)
		change(w);
	assert_int_equal(tables_digest_start(&w->digest, w->tables), 0);
	assert_false(tables_digest_step(&w->digest, 150, &digest));
	assert_int_equal(set_data_plane(w, 2, "there", 22), 0);
	assert_int_equal(set_data_plane(w, 1, "here", 11), 0);
	assert_false(tables_digest_step(&w->digest, 150, &digest));
	tables_mark(w->tables, NULL);
	for (unsigned id = IDS / 2; id <= IDS; id++)
		w->set[OBJECT_SUBSCRIBER][id] = (struct object){0};
	apply_all(w);
	assert_true(tables_sweep(w->tables) > 5);
	while (!tables_digest_step(&w->digest, 50, &digest))
		;
	want = expected(w);
	assert_same(&digest, &want);
}

/* The objects of some buckets come, some of them changed; others of them are gone, the rest stays
 * without being told again. */
static void test_some_buckets(void **state)
{
	struct world *w = *state;
	struct update_digest_answer digest, want;
	struct object_buckets some = {0};
	unsigned gone = 0;

	for (int i = 0; i < 2000; i++)
		change(w);
	for (unsigned id = 1; id <= IDS; id++)
		if (id % 3 == 0)
			object_buckets_add(&some, object_bucket(id));
	digest = compute(w);
	tables_mark(w->tables, &some);
	for (unsigned id = 1; id <= IDS; id++) {
		struct object *subscriber = &w->set[OBJECT_SUBSCRIBER][id];

		if (!object_buckets_have(&some, id) || subscriber->op != OBJECT_SET)
			continue;
		if (id % 2) {
			*subscriber = (struct object){0};
			gone++;
			continue;
		}
		subscriber->subscriber.link_id ^= 7;
		assert_int_equal(tables_apply(w->tables, subscriber), 0);
	}
	for (unsigned kind = 1; kind < UPDATE_DIGEST_KINDS; kind++)
		for (unsigned id = 1; kind != OBJECT_SUBSCRIBER && id <= IDS; id++)
			if (object_buckets_have(&some, id) && w->set[kind][id].op == OBJECT_SET)
				assert_int_equal(tables_apply(w->tables, &w->set[kind][id]), 0);
	assert_true(gone > 5);
	assert_int_equal(tables_sweep(w->tables), gone);
	want = expected(w);
	assert_false(is_same(&digest, &want));
	digest = compute(w);
	assert_same(&digest, &want);
	/* Those that were left alone give way to nobody. */
	for (unsigned id = 1; id <= IDS; id++) {
		struct object rival = w->set[OBJECT_SUBSCRIBER][id];

		rival.id = rival.subscriber.id = 10000;
		if (rival.op == OBJECT_SET && !object_buckets_have(&some, id))
			assert_int_equal(tables_apply(w->tables, &rival), -EEXIST);
	}
}

/* A table that was damaged is whole again after a snapshot. */
static void test_resync_heals(void **state)
{
	struct world *w = *state;
	struct update_digest_answer digest, want;
	struct subscriber_entry *entry;

	fill(w);
	want = expected(w);
	entry = (struct subscriber_entry *)(uintptr_t)subscriber_table_by_id(
		&w->tables->subscribers, 1);
	entry->remote.s6_addr[3] ^= 1;
	path_at(&w->tables->paths, entry->path)->remote.s6_addr[3] ^= 1;
	memset(atomic_load(&w->tables->local.set)->slots, 0, 16 * 8);
	atomic_load(&w->tables->data_planes.set)->own.s6_addr[0] ^= 1;
	digest = compute(w);
	assert_false(is_same(&digest, &want));
	tables_mark(w->tables, NULL);
	apply_all(w);
	tables_sweep(w->tables);
	digest = compute(w);
	assert_same(&digest, &want);
}

static void resync(struct world *w)
{
	tables_mark(w->tables, NULL);
	apply_all(w);
	tables_sweep(w->tables);
}

/* Flips a bit of a random entry in use; 0 if there is none. */
static int damage(struct world *w)
{
	struct tables *t = w->tables;
	uint64_t id = 1 + random_below(IDS);
	const struct subscriber_entry *entry = subscriber_table_by_id(&t->subscribers, id);
	uint32_t path = path_table_find(&t->paths, id);
	uint8_t *at = NULL;
	size_t size = 0;

	switch (random_below(4)) {
	case 0:
	case 1:
		if (entry && random_below(2) && entry->next != POOL_NONE)
			entry = subscriber_at(&t->subscribers, entry->next);
		at = (uint8_t *)(uintptr_t)entry;
		size = sizeof(*entry);
		break;
	case 2:
		at = path == POOL_NONE ? NULL : (uint8_t *)path_at(&t->paths, path);
		size = offsetof(struct path, users);
		break;
	case 3:
		if (!entry || entry->paths == POOL_NONE)
			return 0;
		at = pool_at(&t->paths.lists, entry->paths);
		size = offsetof(struct path_list, paths[2]);
		break;
	}
	if (!at)
		return 0;
	at[random_below((uint32_t)size)] ^= (uint8_t)(1 << random_below(8));
	return 1;
}

/* Ids, prefixes, numbers, chains: whatever is flipped, an audit and a snapshot put it right, and
 * nothing is lost of the room that the tables have. */
static void test_anything_heals(void **state)
{
	struct world *w = *state;
	struct update_digest_answer digest, want;
	unsigned damaged = 0;

	for (int round = 0; round < 400; round++) {
		int flips = 0;

		for (int i = 0; i < 300; i++)
			change(w);
		for (uint32_t i = 1 + random_below(4); i; i--)
			flips += damage(w);
		want = expected(w);
		digest = compute(w);
		if (is_same(&digest, &want))
			continue;
		assert_true(flips > 0);
		damaged++;
		resync(w);
		digest = compute(w);
		assert_same(&digest, &want);
		assert_false(w->tables->damaged);
		assert_int_equal(w->tables->subscribers.by_id.used,
			want.digest.kinds[OBJECT_SUBSCRIBER].count);
		assert_int_equal(w->tables->paths.paths.used, want.digest.kinds[OBJECT_PATH].count);
	}
	assert_true(damaged > 200);
	/* Everything can be taken away: nothing has more users than it should. */
	memset(w->set[OBJECT_SUBSCRIBER], 0, sizeof(w->set[OBJECT_SUBSCRIBER]));
	memset(w->set[OBJECT_PATH], 0, sizeof(w->set[OBJECT_PATH]));
	resync(w);
	assert_int_equal(w->tables->subscribers.entries.used, 0);
	assert_int_equal(w->tables->subscribers.by_prefix.used, 0);
	assert_int_equal(w->tables->paths.paths.used, 0);
	assert_int_equal(w->tables->paths.lists.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upheavals_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_some_buckets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resync_heals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_anything_heals, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
