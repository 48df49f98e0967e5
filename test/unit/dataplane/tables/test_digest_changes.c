/* The digest while tables change; snapshots of some and of all; damage, and what mends it. */
#include "digest_world.h"

/* Something that control could do, also what is refused. */
static void change(struct world *w)
{
	uint64_t ids[3] = {1 + random_below(IDS), 1 + random_below(IDS), 1 + random_below(IDS)};
	struct object o = {.op = OBJECT_DELETE, .id = 1 + random_below(IDS)};

	switch (random_below(16)) {
	case 8:
	case 9:
	case 10:
		set_rule(w, ids[0], random_below(2) ? 5 : ids[1], random_below(1 << 30));
		break;
	case 11:
		o.kind = OBJECT_RULE;
		apply(w, &o);
		break;
	case 12:
		set_group(w, 1 + ids[0] % 20, random_below(60));
		break;
	case 13:
	case 14:
		set_member(w, ids[0], 1 + ids[1] % 20, ids[2]);
		break;
	case 15:
		o.kind = random_below(4) ? OBJECT_MEMBER : OBJECT_GROUP;
		apply(w, &o);
		break;
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
	for (int round = 0; round < 300 / SLOWNESS; round++) {
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
	static const enum object_kind order[] = {OBJECT_LOCAL, OBJECT_LINK, OBJECT_DATA_PLANE,
		OBJECT_PATH, OBJECT_SUBSCRIBER, OBJECT_RULE, OBJECT_GROUP, OBJECT_MEMBER};

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
	assert_int_equal(set_data_plane(w, 1, "here", 11), 0);
	assert_int_equal(set_data_plane(w, 2, "there", 22), 0);
	assert_false(tables_digest_step(&w->digest, 150, &digest));
	tables_mark(w->tables, NULL);
	for (unsigned id = IDS / 2; id <= IDS; id++)
		forget(w, id);
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
			gone++;
			forget(w, id);
			continue;
		}
		subscriber->subscriber.link_id ^= 7;
		assert_int_equal(tables_apply(w->tables, subscriber), 0);
	}
	for (unsigned kind = 1; kind < UPDATE_DIGEST_KINDS; kind++)
		for (unsigned id = 1; kind != OBJECT_SUBSCRIBER && id <= IDS; id++)
			if (object_buckets_have(&some, id) && w->set[kind][id].op == OBJECT_SET)
				assert_int_equal(tables_apply(w->tables, &w->set[kind][id]), 0);
	assert_true(gone > 0);
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
	assert_true(tables_users_hold(w->tables));
}

/* A number becomes that of another path, header or data plane: what it led to is still used, by
 * who is told anew what it leads to. */
static void test_led_to_another(void **state)
{
	struct world *w = *state;
	struct tables *t = w->tables;
	const struct subscriber_entry *entry;
	struct path_list *list;
	struct path *other;

	fill(w);
	assert_true(tables_users_hold(t));
	entry = subscriber_table_by_id(&t->subscribers, 1);
	list = pool_at(&t->paths.lists, entry->paths);
	assert_int_equal(list->count, 2);
	list->paths[1] = path_table_find(&t->paths, 3);
	assert_false(tables_users_hold(t));
	resync(w);
	assert_int_equal(path_at(&t->paths, path_table_find(&t->paths, 2))->users, 1);
	assert_int_equal(tables_delete_path(t, 2), -EBUSY);
	assert_int_equal(path_at(&t->paths, path_table_find(&t->paths, 3))->users, 1);

	other = path_at(&t->paths, path_table_find(&t->paths, 1));
	assert_int_not_equal(
		other->shape, path_at(&t->paths, path_table_find(&t->paths, 2))->shape);
	other->shape = path_at(&t->paths, path_table_find(&t->paths, 2))->shape;
	assert_false(tables_users_hold(t));
	resync(w);
}

/* Flips a bit of what the rules of the subscriber with most of them are looked for in. */
static int damage_rules(struct tables *t)
{
	const struct subscriber_entry *entry = subscriber_table_by_id(&t->subscribers, 5);
	const struct path_list *list;
	uint8_t *at;

	if (!entry || entry->paths == POOL_NONE || entry->paths >= t->paths.lists.fresh)
		return 0;
	list = path_list_at(&t->paths, entry->paths);
	if (list->block >= t->rules.sets.blocks.fresh)
		return 0;
	at = pool_at(&t->rules.sets.blocks, list->block);
	if (random_below(2) && list->index < t->rules.sets.indexes.fresh)
		at = pool_at(&t->rules.sets.indexes, list->index);
	at[random_below(sizeof(struct rule_block))] ^= (uint8_t)(1 << random_below(8));
	return 1;
}

/* Flips a bit of a subscriber's entry or of its list of paths. */
static void damage_subscriber(struct world *w)
{
	const struct tables *t = w->tables;
	const struct subscriber_entry *entry =
		subscriber_table_by_id(&t->subscribers, 1 + random_below(IDS));
	uint8_t *at = (uint8_t *)(uintptr_t)entry;

	if (!entry)
		return;
	if (entry->paths < t->paths.lists.fresh && random_below(2))
		at = pool_at(&t->paths.lists, entry->paths);
	at[random_below(sizeof(*entry))] ^= (uint8_t)(1 << random_below(8));
}

/* Flips a bit of a random entry in use; 0 if there is none. What it looks through to find one may
 * be damaged already. */
static int damage(struct world *w)
{
	struct tables *t = w->tables;
	uint64_t id = 1 + random_below(IDS);
	const struct subscriber_entry *entry = subscriber_table_by_id(&t->subscribers, id);
	uint32_t path = path_table_find(&t->paths, id), rule = rule_table_find(&t->rules, id);
	uint32_t member = group_table_member_by_id(&t->groups, id);
	uint32_t group = group_table_by_id(&t->groups, 1 + id % 20);
	uint8_t *at = NULL;
	size_t size = 0;

	switch (random_below(8)) {
	case 6:
		at = member == POOL_NONE ? NULL : (uint8_t *)group_member_at(&t->groups, member);
		size = offsetof(struct group_member, link);
		break;
	case 7:
		at = group == POOL_NONE ? NULL : (uint8_t *)group_at(&t->groups, group);
		size = offsetof(struct group_entry, members);
		break;
	case 4:
		return damage_rules(t);
	case 5:
		if (rule == POOL_NONE)
			return 0;
		at = (uint8_t *)rule_record_at(&t->rules, rule);
		size = sizeof(struct rule_record);
		break;
	case 0:
	case 1:
		if (entry && random_below(2) && entry->next < t->subscribers.entries.fresh)
			entry = subscriber_at(&t->subscribers, entry->next);
		at = (uint8_t *)(uintptr_t)entry;
		size = sizeof(*entry);
		break;
	case 2:
		at = path == POOL_NONE ? NULL : (uint8_t *)path_at(&t->paths, path);
		size = offsetof(struct path, users);
		break;
	case 3:
		if (!entry || entry->paths >= t->paths.lists.fresh)
			return 0;
		at = pool_at(&t->paths.lists, entry->paths);
		size = sizeof(struct path_list);
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

	for (int round = 0; round < 400 / SLOWNESS; round++) {
		int flips = 0;

		for (int i = 0; i < 300; i++)
			change(w);
		/* Else entries would be looked for here that are replaced when they are damaged. */
		tables_settle(w->tables);
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
		assert_false(w->tables->groups_damaged);
		assert_int_equal(
			w->tables->groups.members.used, want.digest.kinds[OBJECT_MEMBER].count);
		assert_int_equal(w->tables->subscribers.by_id.used,
			want.digest.kinds[OBJECT_SUBSCRIBER].count);
		assert_int_equal(w->tables->paths.paths.used, want.digest.kinds[OBJECT_PATH].count);
		assert_int_equal(
			w->tables->rules.records.used, want.digest.kinds[OBJECT_RULE].count);
	}
	assert_true(damaged > 200 / SLOWNESS);
	/* Everything can be taken away: nothing has more users than it should. */
	memset(w->set[OBJECT_RULE], 0, sizeof(w->set[OBJECT_RULE]));
	memset(w->set[OBJECT_SUBSCRIBER], 0, sizeof(w->set[OBJECT_SUBSCRIBER]));
	memset(w->set[OBJECT_PATH], 0, sizeof(w->set[OBJECT_PATH]));
	memset(w->set[OBJECT_GROUP], 0, sizeof(w->set[OBJECT_GROUP]));
	memset(w->set[OBJECT_MEMBER], 0, sizeof(w->set[OBJECT_MEMBER]));
	resync(w);
	assert_int_equal(w->tables->groups.groups.used, 0);
	assert_int_equal(w->tables->groups.members.used, 0);
	assert_int_equal(w->tables->groups.by_address.used, 0);
	assert_int_equal(w->tables->subscribers.entries.used, 0);
	assert_int_equal(w->tables->subscribers.by_prefix.used, 0);
	assert_int_equal(w->tables->paths.paths.used, 0);
	assert_int_equal(w->tables->paths.lists.used, 0);
	assert_int_equal(w->tables->rules.records.used, 0);
	assert_int_equal(w->tables->rules.sets.blocks.used, 0);
	assert_int_equal(w->tables->rules.sets.mores.used, 0);
	assert_int_equal(w->tables->rules.sets.indexes.used, 0);
}

/* What is damaged is changed before anybody has found that: nothing more is damaged by it, and a
 * repair finds all. */
static void test_changes_of_damaged(void **state)
{
	struct world *w = *state;
	struct update_digest_answer digest, want;

	for (int round = 0; round < 400 / SLOWNESS; round++) {
		for (int i = 0; i < 100; i++)
			change(w);
		tables_settle(w->tables);
		for (uint32_t i = 1 + random_below(4); i; i--)
			damage_subscriber(w);
		for (uint64_t id = 1; id <= IDS; id += 1 + random_below(3)) {
			const uint64_t paths[] = {id, 1 + id / 2};
			struct object o = {
				.kind = OBJECT_SUBSCRIBER, .op = OBJECT_DELETE, .id = id};

			if (random_below(2))
				tables_apply(w->tables, &o);
			else
				set_subscriber(w, id, 1 + random_below(3), 1, paths);
			set_rule(w, id, id, random_below(1 << 30));
		}
		tables_settle(w->tables);
		w->tables->damaged = true;
		memset(w->set[OBJECT_RULE], 0, sizeof(w->set[OBJECT_RULE]));
		resync(w);
		want = expected(w);
		digest = compute(w);
		assert_same(&digest, &want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_changes_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upheavals_meanwhile, setup, teardown),
		cmocka_unit_test_setup_teardown(test_some_buckets, setup, teardown),
		cmocka_unit_test_setup_teardown(test_resync_heals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_led_to_another, setup, teardown),
		cmocka_unit_test_setup_teardown(test_anything_heals, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changes_of_damaged, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
