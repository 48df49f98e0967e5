/* Subscribers: adding, changing, removing, full, and under the eyes of a reader. */
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
#include "dataplane/tables/tables.h"

enum {
	SUBSCRIBERS = 500,
};

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "384", "-l", "0", "--log-level=error", NULL};

	(void)state;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

static int setup(void **state)
{
	static const struct tables_config config = {
		.subscribers = SUBSCRIBERS, .routes = 16, .neighbours = 16, .readers = 2};
	int error = 0;

	*state = tables_create(&config, &error);
	return error;
}

static int teardown(void **state)
{
	tables_destroy(*state);
	return 0;
}

static struct in6_addr home(uint32_t i)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, 0xd, 0xb8, [12] = (uint8_t)(i >> 24),
					 (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i}};
}

static struct in6_addr care_of(uint32_t i)
{
	struct in6_addr a = home(i);

	a.s6_addr[5] = 0xf;
	return a;
}

static int set_path(struct tables *t, uint64_t id, struct in6_addr remote, uint16_t mtu)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_IP6_IN_IP6,
		.local = home(0xffff),
		.remote = remote,
		.mtu = mtu};
	return tables_apply(t, &o);
}

static int set_subscriber(struct tables *t, uint64_t id, const struct prefix6 *prefixes,
	uint8_t prefix_count, const uint64_t *paths, uint8_t path_count)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};

	o.subscriber = (struct object_subscriber){
		.id = id, .prefix_count = prefix_count, .path_count = path_count};
	memcpy(o.subscriber.prefixes, prefixes, prefix_count * sizeof(prefixes[0]));
	memcpy(o.subscriber.paths, paths, path_count * sizeof(paths[0]));
	return tables_apply(t, &o);
}

/* Subscriber i: one home address, its own path i. */
static int set_simple(struct tables *t, uint32_t i)
{
	struct prefix6 prefix = {home(i), 128};
	uint64_t path = i;
	int err = set_path(t, i, care_of(i), 0);

	return err < 0 ? err : set_subscriber(t, i, &prefix, 1, &path, 1);
}

static int delete_object(struct tables *t, enum object_kind kind, uint64_t id)
{
	struct object o = {.kind = kind, .op = OBJECT_DELETE, .id = id};

	return tables_apply(t, &o);
}

static const struct subscriber_entry *find(struct tables *t, struct in6_addr a)
{
	return subscriber_table_find(&t->subscribers, 0, &a);
}

static void test_set_and_delete(void **state)
{
	struct tables *t = *state;
	const struct subscriber_entry *entry;
	struct in6_addr remote = care_of(1);

	assert_null(find(t, home(1)));
	assert_int_equal(set_simple(t, 1), 0);
	entry = find(t, home(1));
	assert_non_null(entry);
	assert_int_equal(entry->id, 1);
	assert_memory_equal(&entry->remote, &remote, 16);
	assert_ptr_equal(subscriber_table_by_id(&t->subscribers, 1), entry);
	assert_null(find(t, home(2)));
	assert_null(subscriber_table_by_id(&t->subscribers, 2));
	assert_int_equal(delete_object(t, OBJECT_PATH, 1), -EBUSY);
	assert_int_equal(delete_object(t, OBJECT_SUBSCRIBER, 1), 0);
	assert_int_equal(delete_object(t, OBJECT_SUBSCRIBER, 1), 0);
	assert_int_equal(delete_object(t, OBJECT_PATH, 1), 0);
	assert_int_equal(delete_object(t, OBJECT_PATH, 1), 0);
	assert_null(find(t, home(1)));
	assert_int_equal(t->subscribers.entries.used, 0);
	assert_int_equal(t->paths.paths.used, 0);
	assert_int_equal(t->paths.shapes.used, 0);
}

/* A home address that came back under another id while we did not hear of it. */
static void test_snapshot_renames_a_subscriber(void **state)
{
	struct tables *t = *state;
	struct prefix6 prefix = {home(1), 128};
	uint64_t path = 2;

	assert_int_equal(set_simple(t, 1), 0);
	tables_mark(t, NULL);
	assert_int_equal(set_path(t, 2, care_of(2), 0), 0);
	assert_int_equal(set_subscriber(t, 2, &prefix, 1, &path, 1), 0);
	tables_sweep(t);
	assert_non_null(find(t, home(1)));
	assert_int_equal(find(t, home(1))->id, 2);
}

/* What is known already costs no entry and no wait for readers; what a reader would find otherwise
 * is set anew, even if control knows of no change. */
static void test_set_again(void **state)
{
	struct tables *t = *state;
	struct prefix6 two[] = {{home(1), 128}, {home(2), 128}};
	uint64_t path = 1;
	struct subscriber_entry *entry;
	uint32_t number;

	assert_int_equal(set_simple(t, 1), 0);
	entry = (struct subscriber_entry *)(uintptr_t)find(t, home(1));
	number = subscriber_number(&t->subscribers, entry);
	assert_int_equal(set_simple(t, 1), 0);
	assert_ptr_equal(find(t, home(1)), entry);
	assert_int_equal(set_subscriber(t, 1, two, 2, &path, 1), 0);
	assert_non_null(find(t, home(2)));
	assert_int_equal(set_simple(t, 1), 0);
	assert_null(find(t, home(2)));

	entry = (struct subscriber_entry *)(uintptr_t)find(t, home(1));
	entry->remote = care_of(99);
	assert_int_equal(set_simple(t, 1), 0);
	assert_true(addr_equal(&find(t, home(1))->remote, &(struct in6_addr[]){care_of(1)}[0]));
	entry = (struct subscriber_entry *)(uintptr_t)find(t, home(1));
	number = subscriber_number(&t->subscribers, entry);
	assert_int_equal(sig_index_remove(&t->subscribers.by_prefix,
				 table_hash(&entry->prefix, entry->tag), number),
		0);
	assert_null(find(t, home(1)));
	assert_int_equal(set_simple(t, 1), 0);
	assert_non_null(find(t, home(1)));
	/* A snapshot does not sweep what it says. */
	tables_mark(t, NULL);
	assert_int_equal(set_simple(t, 1), 0);
	assert_int_equal(tables_sweep(t), 0);
	assert_non_null(find(t, home(1)));
}

static void test_errors_change_nothing(void **state)
{
	struct tables *t = *state;
	struct prefix6 two[] = {{home(2), 128}, {home(1), 128}};
	uint64_t path = 1, none = 99;
	const struct subscriber_entry *entry;

	assert_int_equal(set_simple(t, 1), 0);
	entry = find(t, home(1));
	assert_int_equal(set_subscriber(t, 2, two, 2, &path, 1), -EEXIST);
	assert_int_equal(set_subscriber(t, 1, two, 2, &none, 1), -ENOENT);
	assert_int_equal(
		set_subscriber(t, 2, (struct prefix6[]){two[0], two[0]}, 2, &path, 1), -EEXIST);
	assert_null(find(t, home(2)));
	assert_ptr_equal(find(t, home(1)), entry);
	assert_int_equal(t->subscribers.entries.used, 1);
	assert_int_equal(t->subscribers.subscribers, 1);
}

/* Prefixes come and go; those that stay are never gone. */
static void test_change_prefixes(void **state)
{
	struct tables *t = *state;
	struct prefix6 before[] = {{home(1), 128}, {home(2), 128}, {home(0x40000), 112}};
	struct prefix6 after[] = {{home(3), 128}, {home(2), 128}};
	uint64_t path = 1;

	assert_int_equal(set_path(t, 1, care_of(1), 0), 0);
	assert_int_equal(set_subscriber(t, 1, before, 3, &path, 1), 0);
	assert_non_null(find(t, home(1)));
	assert_non_null(find(t, home(2)));
	assert_non_null(find(t, home(0x41234)));
	assert_int_equal(set_subscriber(t, 1, after, 2, &path, 1), 0);
	assert_null(find(t, home(1)));
	assert_non_null(find(t, home(2)));
	assert_non_null(find(t, home(3)));
	assert_null(find(t, home(0x41234)));
	assert_int_equal(atomic_load(&t->subscribers.lengths[1]), 0);
	assert_int_equal(t->subscribers.entries.used, 2);
	assert_int_equal(t->paths.paths.used, 1);
}

/* The longest prefix wins, whatever order they came in. */
static void test_longest(void **state)
{
	struct tables *t = *state;
	static const uint8_t lens[] = {64, 128, 48, 96, 0};
	uint64_t path = 1;

	assert_int_equal(set_path(t, 1, care_of(1), 0), 0);
	for (unsigned i = 0; i < sizeof(lens); i++) {
		struct in6_addr a = home(5);
		struct prefix6 p = prefix6_of(&a, lens[i]);

		assert_int_equal(set_subscriber(t, 100 + lens[i], &p, 1, &path, 1), 0);
	}
	assert_int_equal(find(t, home(5))->id, 228);
	assert_int_equal(find(t, home(6))->id, 196);
	struct in6_addr a = home(5);
	a.s6_addr[10] = 1;
	assert_int_equal(find(t, a)->id, 164);
	a.s6_addr[7] = 1;
	assert_int_equal(find(t, a)->id, 148);
	a.s6_addr[0] = 0x30;
	assert_int_equal(find(t, a)->id, 100);
	delete_object(t, OBJECT_SUBSCRIBER, 228);
	assert_int_equal(find(t, home(5))->id, 196);
}

/* A bulk lookup agrees with single ones, at every size up to the largest. */
static void test_bulk(void **state)
{
	struct tables *t = *state;
	struct in6_addr addresses[SUBSCRIBER_BURST_MAX];
	const struct subscriber_entry *out[SUBSCRIBER_BURST_MAX];

	for (uint32_t i = 1; i <= 200; i++)
		assert_int_equal(set_simple(t, i), 0);
	for (unsigned i = 0; i < SUBSCRIBER_BURST_MAX; i++)
		addresses[i] = home(1 + i * 7 % 300);
	for (unsigned n = 1; n <= SUBSCRIBER_BURST_MAX; n++) {
		memset(out, 0x55, sizeof(out));
		subscriber_table_lookup(&t->subscribers, 0, addresses, n, out);
		for (unsigned i = 0; i < n; i++) {
			uint32_t number = 1 + i * 7 % 300;

			if (number <= 200)
				assert_int_equal(out[i]->id, number);
			else
				assert_null(out[i]);
		}
	}
}

/* Domains keep equal addresses apart. */
static void test_domains(void **state)
{
	struct tables *t = *state;
	struct in6_addr a = home(1);
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = 2};

	assert_int_equal(set_simple(t, 1), 0);
	o.subscriber = (struct object_subscriber){.id = 2,
		.domain = 77,
		.prefix_count = 1,
		.path_count = 1,
		.prefixes = {{a, 128}},
		.paths = {1}};
	assert_int_equal(tables_apply(t, &o), 0);
	assert_int_equal(subscriber_table_find(&t->subscribers, 0, &a)->id, 1);
	assert_int_equal(subscriber_table_find(&t->subscribers, 77, &a)->id, 2);
	assert_null(subscriber_table_find(&t->subscribers, 78, &a));
	o.subscriber.domain = SUBSCRIBER_DOMAIN_MAX + 1;
	assert_int_equal(tables_apply(t, &o), -EDOM);
}

/* Full is an error that leaves all as it is, and a change of what is in it still works. */
static void test_full(void **state)
{
	struct tables *t = *state;

	for (uint32_t i = 1; i <= SUBSCRIBERS; i++)
		assert_int_equal(set_simple(t, i), 0);
	assert_int_equal(set_simple(t, SUBSCRIBERS + 1), -ENOSPC);
	for (uint32_t round = 1; round <= 10; round++)
		for (uint32_t i = 1; i <= SUBSCRIBERS; i++)
			assert_int_equal(set_path(t, i, care_of(i + round * 1000), 0), 0);
	for (uint32_t i = 1; i <= SUBSCRIBERS; i++) {
		struct in6_addr moved = care_of(i + 10000);

		assert_memory_equal(&find(t, home(i))->remote, &moved, 16);
	}
	assert_int_equal(delete_object(t, OBJECT_SUBSCRIBER, 5), 0);
	assert_int_equal(delete_object(t, OBJECT_PATH, 5), 0);
	assert_int_equal(set_simple(t, SUBSCRIBERS + 1), 0);
	assert_int_equal(set_simple(t, 5), -ENOSPC);
}

/* A path that many share: its change reaches them all. */
static void test_shared_path(void **state)
{
	struct tables *t = *state;
	struct in6_addr moved = care_of(99);
	uint64_t both[] = {1, 2};

	assert_int_equal(set_path(t, 1, care_of(1), 0), 0);
	assert_int_equal(set_path(t, 2, care_of(2), 0), 0);
	for (uint32_t i = 1; i <= 100; i++) {
		struct prefix6 p = {home(i), 128};

		assert_int_equal(set_subscriber(t, i, &p, 1, both, i % 2 ? 1 : 2), 0);
	}
	assert_int_equal(path_at(&t->paths, path_table_find(&t->paths, 1))->users, 100);
	assert_int_equal(set_path(t, 1, moved, 1400), 0);
	for (uint32_t i = 1; i <= 100; i++) {
		assert_memory_equal(&find(t, home(i))->remote, &moved, 16);
		assert_int_equal(find(t, home(i))->mtu, 1400);
	}
	assert_int_equal(path_at(&t->paths, path_table_find(&t->paths, 1))->users, 100);
	assert_int_equal(path_at(&t->paths, path_table_find(&t->paths, 2))->users, 50);
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(delete_object(t, OBJECT_SUBSCRIBER, i), 0);
	assert_int_equal(delete_object(t, OBJECT_PATH, 1), 0);
	assert_int_equal(delete_object(t, OBJECT_PATH, 2), 0);
	assert_int_equal(t->paths.lists.used, 0);
}

static void test_accepts(void **state)
{
	struct tables *t = *state;
	struct prefix6 p = {home(1), 128};
	struct in6_addr local = home(0xffff), a = care_of(1), b = care_of(2), c = care_of(3);
	uint64_t both[] = {1, 2};

	assert_int_equal(set_path(t, 1, a, 0), 0);
	assert_int_equal(set_path(t, 2, b, 0), 0);
	assert_int_equal(set_subscriber(t, 1, &p, 1, both, 2), 0);
	const struct subscriber_entry *entry = find(t, home(1));
	assert_true(subscriber_accepts(&t->subscribers, entry, &a, &local));
	assert_true(subscriber_accepts(&t->subscribers, entry, &b, &local));
	assert_false(subscriber_accepts(&t->subscribers, entry, &c, &local));
	assert_false(subscriber_accepts(&t->subscribers, entry, &a, &c));
	assert_false(subscriber_accepts(&t->subscribers, entry, &b, &c));
}

static void test_mark_and_sweep(void **state)
{
	struct tables *t = *state;
	struct object local = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 1};
	const struct subscriber_entry *stays;

	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(set_simple(t, i), 0);
	local.local = (struct object_local){1, home(0xffff)};
	assert_int_equal(tables_apply(t, &local), 0);
	stays = find(t, home(50));
	tables_mark(t, NULL);
	for (uint32_t i = 50; i <= 120; i++)
		assert_int_equal(set_simple(t, i), 0);
	assert_non_null(find(t, home(1)));
	assert_non_null(stays);
	assert_int_equal(tables_sweep(t), 49 * 2 + 1);
	for (uint32_t i = 1; i <= 120; i++)
		assert_int_equal(find(t, home(i)) != NULL, i >= 50);
	assert_int_equal(t->local.count, 0);
	assert_int_equal(t->paths.paths.used, 71);
	assert_int_equal(tables_sweep(t), 0);
}

static void test_learned_mtu(void **state)
{
	struct tables *t = *state;
	struct in6_addr remote = care_of(1), other = care_of(2);

	assert_int_equal(set_simple(t, 1), 0);
	assert_int_equal(tables_path_mtu_learn(t, 1, &other, 1400, 1000), -ENOENT);
	assert_int_equal(tables_path_mtu_learn(t, 2, &remote, 1400, 1000), -ENOENT);
	assert_int_equal(tables_path_mtu_learn(t, 1, &remote, 1400, 1000), 0);
	assert_int_equal(find(t, home(1))->mtu, 1400);
	assert_int_equal(tables_path_mtu_learn(t, 1, &remote, 1450, 2000), 0);
	assert_int_equal(find(t, home(1))->mtu, 1400);
	assert_int_equal(tables_path_mtu_learn(t, 1, &remote, 600, 3000), 0);
	assert_int_equal(find(t, home(1))->mtu, 1280);
	/* Control says the same again: what was learned stays. */
	assert_int_equal(set_simple(t, 1), 0);
	assert_int_equal(find(t, home(1))->mtu, 1280);
	tables_path_mtu_age(t, 602999);
	assert_int_equal(find(t, home(1))->mtu, 1280);
	tables_path_mtu_age(t, 603000);
	assert_int_equal(find(t, home(1))->mtu, 0);
}

/* A reader that takes part in RCU and looks for what is always there. */
struct reader {
	struct tables *t;
	_Atomic bool stop;
	_Atomic uint64_t rounds;
	uint64_t missed, torn;
};

static void *read_all(void *of)
{
	struct reader *r = of;
	struct rte_rcu_qsbr *rcu = r->t->rcu;

	rte_rcu_qsbr_thread_register(rcu, 1);
	rte_rcu_qsbr_thread_online(rcu, 1);
	while (!atomic_load(&r->stop)) {
		for (uint32_t i = 1; i <= 100; i++) {
			const struct subscriber_entry *entry = find(r->t, home(i));

			if (!entry)
				r->missed++;
			else if (entry->id != i || entry->remote.s6_addr[15] != (uint8_t)i)
				r->torn++;
		}
		rte_rcu_qsbr_quiescent(rcu, 1);
		atomic_fetch_add(&r->rounds, 1);
	}
	rte_rcu_qsbr_thread_offline(rcu, 1);
	rte_rcu_qsbr_thread_unregister(rcu, 1);
	return NULL;
}

/*
 * A writer changes care-of addresses, adds and removes others, and takes snapshots; the reader
 * finds each of its subscribers at every time, and never half of one.
 */
static void test_reader(void **state)
{
	struct tables *t = *state;
	struct reader reader = {.t = t};
	pthread_t thread;

	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(set_simple(t, i), 0);
	assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
	for (uint32_t round = 1; round < 40 || atomic_load(&reader.rounds) < 100; round++) {
		tables_mark(t, NULL);
		for (uint32_t i = 1; i <= 100; i++)
			assert_int_equal(set_path(t, i, care_of(i + round % 200 * 256), 0), 0);
		for (uint32_t i = 101; i <= SUBSCRIBERS; i++)
			assert_int_equal(set_simple(t, i), 0);
		tables_quiesce(t);
		for (uint32_t i = 101; i <= SUBSCRIBERS; i++)
			delete_object(t, OBJECT_SUBSCRIBER, i);
		for (uint32_t i = 1; i <= 100; i++) {
			struct prefix6 prefix = {home(i), 128};
			uint64_t path = i;

			assert_int_equal(set_subscriber(t, i, &prefix, 1, &path, 1), 0);
		}
		tables_sweep(t);
	}
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(reader.missed, 0);
	assert_int_equal(reader.torn, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			test_snapshot_renames_a_subscriber, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_and_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_set_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_errors_change_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_change_prefixes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bulk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full, setup, teardown),
		cmocka_unit_test_setup_teardown(test_shared_path, setup, teardown),
		cmocka_unit_test_setup_teardown(test_accepts, setup, teardown),
		cmocka_unit_test_setup_teardown(test_mark_and_sweep, setup, teardown),
		cmocka_unit_test_setup_teardown(test_learned_mtu, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
