/* The digest: what was set and nothing else; any bit that readers use. */
#include "digest_world.h"

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
	assert_int_equal(digest.digest.kinds[OBJECT_RULE].count, 40);
	assert_int_equal(tables_path_mtu_learn(w->tables, 2, &there, 1400, 1), 0);
	digest = compute(w);
	assert_same(&digest, &want);
}

/* Flips bits of some memory, one after the other, each stride-th; returns how many were not
 * noticed. */
static unsigned unseen_of(struct world *w, void *memory, size_t size, unsigned stride,
	const struct update_digest_answer *want)
{
	uint8_t *octets = memory;
	unsigned n = 0;

	for (size_t bit = 0; bit < 8 * size; bit += stride) {
		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);

		struct update_digest_answer digest = compute(w);

		octets[bit / 8] ^= (uint8_t)(1 << bit % 8);
		n += is_same(&digest, want);
	}
	return n;
}

static unsigned unseen(
	struct world *w, void *memory, size_t size, const struct update_digest_answer *want)
{
	return unseen_of(w, memory, size, 1, want);
}

static void assert_seen(
	struct world *w, void *memory, size_t size, const struct update_digest_answer *want)
{
	assert_int_equal(unseen_of(w, memory, size, SLOWNESS, want), 0);
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

		assert_seen(w, entry, sizeof(*entry), &want);
		assert_seen(w, &path->remote, sizeof(path->remote), &want);
		assert_seen(w, &path->id, sizeof(path->id), &want);
		assert_seen(w, &path->shape, sizeof(path->shape), &want);
		assert_seen(w, shape->header, 24, &want);
		assert_seen(w, shape->header + PATH_HEADER_LEN, PATH_GRE_KEYED, &want);
		if (path_header_gre(shape->header) != PATH_GRE_KEYED)
			continue;
		assert_seen(w, path_keys_at(&w->tables->paths, entry->path),
			sizeof(struct path_keys), &want);
	}

	const struct subscriber_entry *first = subscriber_table_by_id(&w->tables->subscribers, 1);
	struct path_list *list = pool_at(&w->tables->paths.lists, first->paths);
	struct local_set *local = atomic_load(&w->tables->local.set);
	struct data_plane_set *set = atomic_load(&w->tables->data_planes.set);

	assert_seen(w, list->paths, 2 * sizeof(list->paths[0]), &want);
	assert_seen(w, &list->block, 3 * sizeof(list->block), &want);
	assert_int_equal(unseen(w, &list->count,
				 offsetof(struct path_list, divisor) + sizeof(list->divisor) -
					 offsetof(struct path_list, count),
				 &want),
		0);
	assert_seen(w, &list->turns, sizeof(list->turns) + sizeof(list->stride), &want);
	assert_seen(w, &set->own, sizeof(set->own), &want);
	assert_seen(w, &set->by_slot[1], sizeof(set->by_slot[1]), &want);
	assert_seen(w, &set->others[0], sizeof(set->others[0]), &want);
	assert_int_equal(unseen(w, &w->tables->links.slots[1], 8, &want), 32 - 16 - 4);
	for (uint32_t i = 0; i <= local->mask; i++)
		if (addr_equal(&local->slots[i], &w->set[OBJECT_LOCAL][1].local.addr))
			assert_seen(w, &local->slots[i], 16, &want);
}

/* Everything that rules are looked for in. */
static void test_flipped_rules(void **state)
{
	struct world *w = *state;
	const struct rule_sets *sets = &w->tables->rules.sets;
	const struct subscriber_entry *entry;
	const struct path_list *list;
	struct update_digest_answer want;
	struct rule_block *block;
	struct rule_index *index;

	fill(w);
	want = compute(w);
	entry = subscriber_table_by_id(&w->tables->subscribers, 1);
	list = path_list_at(&w->tables->paths, entry->paths);
	index = pool_at(&sets->indexes, list->index);
	block = pool_at(&sets->blocks, index->blocks[1]);
	assert_int_equal(index->count, 3);
	assert_true(block->uses & 1 << RULE_BY_MORE);
	assert_int_not_equal(block->with_rest, 0);
	assert_seen(w, block, offsetof(struct rule_block, link), &want);
	assert_seen(w, index->blocks, offsetof(struct rule_index, link), &want);
	assert_seen(w, index->dimensions[0].bounds, 200, &want);
	assert_seen(w, index->dimensions[2].masks, 200, &want);
	assert_seen(w, index->protocols, 32, &want);
	for (unsigned i = 0; i < RULE_BLOCK; i++) {
		struct rule_more *more = pool_at(&sets->mores, block->more[i] >> RULE_PLACE_SHIFT);

		assert_seen(w, more, offsetof(struct rule_more, link), &want);
		if (more->rest != POOL_NONE)
			assert_seen(w, pool_at(&sets->mores, more->rest),
				offsetof(struct rule_rest, link), &want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_all_kinds, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_flipped_rules, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
