/* Tables that grow while they are read: nothing is missed, nothing moves, and limits are told. */
#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/tables/hash.h"
#include "dataplane/tables/subscriber_key.h"
#include "dataplane/tables/tables.h"
#include "dataplane/tables/tables_digest.h"

enum {
	AT_FIRST = 200, /* subscribers, rules and members that there is room for */
	MANY = 20000,
	GROUPS = 4,   /* that there is room for */
	LISTS = 6000, /* subscribers with two paths: more lists than there are at first */
	READER = 1,
};

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "384", "-l", "0", "--log-level=error", NULL};

	(void)state;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

static struct tables *make(bool grow)
{
	const struct tables_config config = {.subscribers = AT_FIRST,
		.rules = AT_FIRST,
		.groups = GROUPS,
		.members = AT_FIRST,
		.routes = 16,
		.neighbours = 16,
		.readers = 2,
		.grow = grow};
	int error = 0;
	struct tables *t = tables_create(&config, &error);

	assert_int_equal(error, 0);
	return t;
}

static int setup(void **state)
{
	*state = make(true);
	return 0;
}

static int teardown(void **state)
{
	tables_destroy(*state);
	return 0;
}

static struct in6_addr addr(uint8_t kind, uint32_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, 0xd, 0xb8, kind, [12] = (uint8_t)(i >> 24),
					 (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static int set_path(struct tables *t, uint64_t id)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_IP6_IN_IP6,
		.local = addr(1, 1),
		.remote = addr(2, (uint32_t)id)};
	return tables_apply(t, &o);
}

/* Subscriber i, with path i and perhaps the next one. */
static int set_subscriber(struct tables *t, uint32_t i, uint8_t paths)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = i};

	o.subscriber = (struct object_subscriber){.id = i,
		.prefix_count = 1,
		.path_count = paths,
		.prefixes = {{addr(3, i), 128}},
		.paths = {i, i + 1ull}};
	if (paths > 1) {
		o.subscriber.steering = STEERING_PACKET;
		memset(o.subscriber.weights, 1, paths);
	}
	return tables_apply(t, &o);
}

static int set_simple(struct tables *t, uint32_t i)
{
	int err = set_path(t, i);

	return err < 0 ? err : set_subscriber(t, i, 1);
}

static int set_rule(struct tables *t, uint64_t id, uint64_t subscriber)
{
	struct object o = {.kind = OBJECT_RULE, .op = OBJECT_SET, .id = id};

	o.rule = (struct object_rule){.id = id,
		.subscriber = subscriber,
		.action = RULE_DROP,
		.selector = {.fields = 1 << RULE_SOURCE_PORT,
			.numbers[RULE_SOURCE_PORT] = {(uint32_t)id % 60000, 60000}}};
	return tables_apply(t, &o);
}

static struct in6_addr group_addr(uint32_t id)
{
	struct in6_addr a = addr(0, id);

	a.s6_addr[0] = 0xff;
	a.s6_addr[1] = 0x3e;
	return a;
}

static int set_group(struct tables *t, uint64_t id)
{
	struct object o = {.kind = OBJECT_GROUP, .op = OBJECT_SET, .id = id};

	o.group = (struct object_group){.id = id, .group = group_addr((uint32_t)id)};
	return tables_apply(t, &o);
}

static int set_member(struct tables *t, uint64_t id, uint64_t group)
{
	struct object o = {.kind = OBJECT_MEMBER, .op = OBJECT_SET, .id = id};

	o.member = (struct object_member){
		.id = id, .group = group, .kind = MEMBER_SUBSCRIBER, .target = id};
	return tables_apply(t, &o);
}

static int delete_object(struct tables *t, enum object_kind kind, uint64_t id)
{
	const struct object o = {.kind = kind, .op = OBJECT_DELETE, .id = id};

	return tables_apply(t, &o);
}

static const struct subscriber_entry *find(const struct tables *t, uint32_t i)
{
	const struct in6_addr a = addr(3, i);

	return subscriber_table_find(&t->subscribers, 0, &a);
}

/* Looks, in rounds, for what is always there. */
struct reader {
	struct tables *t;
	void (*look)(struct reader *r); /* one round */
	_Atomic bool stop;
	_Atomic uint64_t rounds;
	uint64_t missed, wrong;
};

/* The first subscribers, and some that are not there. */
static void look_for_subscribers(struct reader *r)
{
	for (uint32_t i = 1; i <= AT_FIRST; i++) {
		const struct subscriber_entry *entry = find(r->t, i);

		r->missed += !entry;
		r->wrong += entry && entry->id != i;
		r->wrong += find(r->t, 1u << 31 | i) != NULL;
		r->missed += path_table_find(&r->t->paths, i) == POOL_NONE;
	}
}

/* The sets of the first subscribers, each of which has a rule. */
static void look_for_rules(struct reader *r)
{
	for (uint32_t i = 1; i <= AT_FIRST; i++) {
		const struct subscriber_entry *entry = find(r->t, i);
		const struct path_list *list;
		const struct rule_block *block;

		if (!entry || !entry->steered || entry->paths == POOL_NONE) {
			r->missed++;
			continue;
		}
		list = path_list_at(&r->t->paths, entry->paths);
		block = list->block == POOL_NONE ? NULL
						 : pool_at(&r->t->rules.sets.blocks, list->block);
		r->missed += !block || block->used == 0;
		r->wrong += block && !(block->uses & 1 << RULE_BY_SOURCE_PORT);
	}
}

/* The first groups, each of which has its first member, and those it has besides. */
static void look_for_groups(struct reader *r)
{
	static const struct in6_addr any;

	for (uint32_t i = 1; i <= GROUPS; i++) {
		const struct in6_addr address = group_addr(i);
		const uint32_t number = group_table_find(&r->t->groups, &any, &address, 0);
		const struct group_list *list =
			number == POOL_NONE ? NULL : group_list(group_at(&r->t->groups, number));
		uint32_t first = 0;

		for (uint32_t at = 0; list && at < group_list_used(list); at++) {
			const uint32_t member = group_list_at(list, at);

			if (member < GROUP_FREE)
				first += group_member_at(&r->t->groups, member)->target == i;
		}
		r->missed += first == 0;
		r->wrong += first > 1;
	}
}

static void *read_all(void *of)
{
	struct reader *r = of;

	rte_rcu_qsbr_thread_register(r->t->rcu, READER);
	rte_rcu_qsbr_thread_online(r->t->rcu, READER);
	while (!atomic_load(&r->stop)) {
		r->look(r);
		rte_rcu_qsbr_quiescent(r->t->rcu, READER);
		atomic_fetch_add(&r->rounds, 1);
	}
	rte_rcu_qsbr_thread_offline(r->t->rcu, READER);
	rte_rcu_qsbr_thread_unregister(r->t->rcu, READER);
	return NULL;
}

static void start(struct reader *r, pthread_t *thread)
{
	assert_int_equal(pthread_create(thread, NULL, read_all, r), 0);
	while (atomic_load(&r->rounds) < 2)
		;
}

static void stop(struct reader *r, pthread_t thread)
{
	uint64_t rounds = atomic_load(&r->rounds);

	while (atomic_load(&r->rounds) < rounds + 2)
		;
	atomic_store(&r->stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(r->missed, 0);
	assert_int_equal(r->wrong, 0);
}

/* A hundred times what was expected, and away again, under the eyes of a reader. */
static void test_subscribers(void **state)
{
	struct tables *t = *state;
	struct reader reader = {.t = t, .look = look_for_subscribers};
	const struct subscriber_entry *first;
	pthread_t thread;

	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(set_simple(t, i), 0);
	first = find(t, 1);
	start(&reader, &thread);
	for (uint32_t i = AT_FIRST + 1; i <= MANY; i++)
		assert_int_equal(set_simple(t, i), 0);
	/* What the pool holds has not moved. */
	assert_ptr_equal(find(t, 1), first);
	assert_true(t->subscribers.by_prefix.capacity >= MANY);
	assert_true(t->subscribers.entries.capacity >= MANY);
	assert_true(t->subscribers.entries.capacity < 2 * MANY);
	for (uint32_t i = 1; i <= MANY; i++) {
		assert_int_equal(find(t, i)->id, i);
		assert_int_equal(subscriber_table_by_id(&t->subscribers, i)->id, i);
	}
	for (uint32_t i = AT_FIRST + 1; i <= MANY; i++) {
		assert_int_equal(delete_object(t, OBJECT_SUBSCRIBER, i), 0);
		assert_int_equal(delete_object(t, OBJECT_PATH, i), 0);
	}
	stop(&reader, thread);
	assert_int_equal(t->subscribers.entries.used, AT_FIRST);
	assert_int_equal(t->subscribers.by_prefix.used, AT_FIRST);
	assert_int_equal(t->paths.by_id.used, AT_FIRST);
}

/* A lookup whose first steps see the index as it was, and whose last one comes after it has grown,
 * finds what was there, and can tell that the index has changed. */
static void test_steps_astride(void **state)
{
	struct tables *t = *state;
	struct subscriber_table *s = &t->subscribers;
	struct subscriber_key keys[AT_FIRST];
	uint32_t count = AT_FIRST;
	uint64_t version;

	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(set_simple(t, i), 0);
	for (uint32_t grown = s->by_prefix.capacity; count < MANY; grown = s->by_prefix.capacity) {
		const struct sig_array *index = sig_index_array(&s->by_prefix);

		version = sig_index_version(&s->by_prefix);
		for (uint32_t i = 0; i < AT_FIRST; i++) {
			const struct in6_addr a = addr(3, i + 1);

			subscriber_key_make(index, &keys[i], &a, 128);
			if (!subscriber_key_match(index, &keys[i]))
				subscriber_key_second(s, index, &keys[i]);
		}
		while (s->by_prefix.capacity == grown)
			assert_int_equal(set_simple(t, ++count), 0);
		for (uint32_t i = 0; i < AT_FIRST; i++) {
			const struct subscriber_entry *entry = subscriber_key_entry(s, &keys[i]);

			assert_non_null(entry);
			assert_int_equal(entry->id, i + 1);
		}
		assert_true(version != sig_index_version(&s->by_prefix));
	}
}

/* Lists of paths are fewer than subscribers to begin with. */
static void test_lists(void **state)
{
	struct tables *t = *state;
	const uint32_t at_first = t->paths.lists.capacity;

	for (uint32_t i = 1; i <= LISTS + 1; i++)
		assert_int_equal(set_path(t, i), 0);
	for (uint32_t i = 1; i <= LISTS; i++)
		assert_int_equal(set_subscriber(t, i, 2), 0);
	assert_true(at_first < LISTS && t->paths.lists.capacity >= LISTS);
	for (uint32_t i = 1; i <= LISTS; i++) {
		const struct subscriber_entry *entry = find(t, i);

		assert_int_equal(path_list_at(&t->paths, entry->paths)->count, 2);
		/* Each reader has a turn for each. */
		for (unsigned reader = 0; reader < 2; reader++)
			assert_int_equal(++*path_table_turn(&t->paths, reader, entry->paths), 1);
	}
}

static void test_rules(void **state)
{
	struct tables *t = *state;
	struct reader reader = {.t = t, .look = look_for_rules};
	pthread_t thread;

	for (uint32_t i = 1; i <= 1000; i++)
		assert_int_equal(set_simple(t, i), 0);
	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(set_rule(t, i, i), 0);
	tables_quiesce(t);
	start(&reader, &thread);
	for (uint32_t i = AT_FIRST + 1; i <= 5000; i++)
		assert_int_equal(set_rule(t, i, 1 + i % 1000), 0);
	tables_quiesce(t);
	stop(&reader, thread);
	for (uint32_t i = 1; i <= 5000; i++)
		assert_int_not_equal(rule_table_find(&t->rules, i), POOL_NONE);
	assert_true(t->rules.by_id.capacity >= 5000);
	assert_true(find(t, 1)->steered);
}

static void test_groups(void **state)
{
	struct tables *t = *state;
	struct reader reader = {.t = t, .look = look_for_groups};
	pthread_t thread;

	for (uint32_t i = 1; i <= GROUPS; i++) {
		assert_int_equal(set_group(t, i), 0);
		assert_int_equal(set_member(t, i, i), 0);
	}
	start(&reader, &thread);
	for (uint32_t i = GROUPS + 1; i <= 3000; i++)
		assert_int_equal(set_group(t, i), 0);
	/* Half of them to the groups that are read, whose lists grow again and again. */
	for (uint32_t i = GROUPS + 1; i <= 5000; i++)
		assert_int_equal(set_member(t, i, 1 + i % (i % 2 ? GROUPS : 3000)), 0);
	stop(&reader, thread);
	for (uint32_t i = 1; i <= 5000; i++)
		assert_int_not_equal(group_table_member_by_id(&t->groups, i), POOL_NONE);
	for (uint32_t i = 1; i <= 3000; i++) {
		const uint32_t number = group_table_by_id(&t->groups, i);

		assert_int_not_equal(number, POOL_NONE);
		for (unsigned reader = 0; reader < 2; reader++)
			group_counts_at(&t->groups.counts, reader, number)->packets += i;
	}
	for (uint32_t i = 1; i <= 3000; i++)
		assert_int_equal(
			group_counts_sum(&t->groups.counts, group_table_by_id(&t->groups, i))
				.packets,
			2 * i);
}

/* A digest that began before the tables grew counts what came since. */
static void test_digest(void **state)
{
	struct tables *t = *state;
	struct tables_digest digest = {0};
	struct update_digest_answer answer, again;

	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(set_simple(t, i), 0);
	assert_int_equal(tables_digest_start(&digest, t), 0);
	assert_false(tables_digest_step(&digest, 2 * AT_FIRST, &answer));
	for (uint32_t i = AT_FIRST + 1; i <= MANY; i++)
		assert_int_equal(set_simple(t, i), 0);
	while (!tables_digest_step(&digest, 1000, &answer))
		;
	assert_int_equal(answer.digest.kinds[OBJECT_SUBSCRIBER].count, MANY);
	assert_int_equal(tables_digest_start(&digest, t), 0);
	assert_true(tables_digest_step(&digest, 1 << 20, &again));
	assert_memory_equal(&answer.digest, &again.digest, sizeof(answer.digest));
}

/* Tables that may not grow say so, object by object, and keep what they have. */
static void test_limits(void **state)
{
	struct tables *t = make(false);
	uint32_t lists;

	(void)state;
	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(set_simple(t, i), 0);
	assert_int_equal(set_path(t, AT_FIRST + 1), -ENOSPC);
	assert_int_equal(delete_object(t, OBJECT_SUBSCRIBER, AT_FIRST), 0);
	assert_int_equal(delete_object(t, OBJECT_PATH, AT_FIRST), 0);
	assert_int_equal(set_simple(t, AT_FIRST), 0);
	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(set_rule(t, i, 1 + i % AT_FIRST), 0);
	assert_int_equal(set_rule(t, AT_FIRST + 1, 1), -ENOSPC);
	for (uint32_t i = 1; i <= 4; i++)
		assert_int_equal(set_group(t, i), 0);
	assert_int_equal(set_group(t, 5), -ENOSPC);
	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(set_member(t, i, 1), 0);
	assert_int_equal(set_member(t, AT_FIRST + 1, 1), -ENOSPC);
	lists = t->paths.lists.capacity;
	assert_int_equal(t->paths.lists.most, lists);
	for (uint32_t i = 1; i <= AT_FIRST; i++)
		assert_int_equal(find(t, i)->id, i);
	tables_destroy(t);
}

/* What readers still hold is waited for; it is no reason to grow. */
static void test_versions(void **state)
{
	struct tables *t = *state;
	const uint32_t entries = t->subscribers.entries.capacity;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 1};

	for (uint32_t i = 1; i <= AT_FIRST / 2; i++)
		assert_int_equal(set_simple(t, i), 0);
	for (uint32_t i = 0; i < 100 * entries; i++) {
		o.path = (struct object_path){.id = 1,
			.kind = PATH_IP6_IN_IP6,
			.local = addr(1, 1),
			.remote = addr(4, i)};
		assert_int_equal(tables_apply(t, &o), 0);
	}
	assert_int_equal(t->subscribers.entries.capacity, entries);
	assert_int_equal(find(t, 1)->remote.s6_addr[15], (uint8_t)(100 * entries - 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_subscribers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_steps_astride, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lists, setup, teardown),
		cmocka_unit_test_setup_teardown(test_rules, setup, teardown),
		cmocka_unit_test_setup_teardown(test_groups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_digest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_versions, setup, teardown),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
