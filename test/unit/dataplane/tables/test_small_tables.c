/* Local addresses and links: few, but asked for every packet. */
#include <errno.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/port.h"
#include "dataplane/tables/tables.h"

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "256", "-l", "0", "--log-level=error", NULL};

	(void)state;
	snprintf(port_table[3].name, sizeof(port_table[3].name), "home");
	port_table[3].number = 3;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

static int setup(void **state)
{
	static const struct tables_config config = {
		.subscribers = 16, .routes = 16, .neighbours = 16, .readers = 1};
	int error = 0;

	*state = tables_create(&config, &error);
	return error;
}

static int teardown(void **state)
{
	tables_destroy(*state);
	return 0;
}

static struct in6_addr own(unsigned i)
{
	return (struct in6_addr){.s6_addr = {0x20, 1, [12] = (uint8_t)(i >> 8), (uint8_t)(i * 3),
					 (uint8_t)i, (uint8_t)(i * 7)}};
}

static int set_local(struct tables *t, uint64_t id, struct in6_addr a)
{
	struct object_local object = {id, a};

	return local_table_set(&t->local, &object);
}

static bool has(struct tables *t, struct in6_addr a)
{
	return local_set_has(local_table_get(&t->local), &a);
}

static void test_local(void **state)
{
	struct tables *t = *state;
	struct in6_addr first = own(9);

	assert_false(has(t, in6addr_any));
	assert_false(has(t, own(1)));
	for (unsigned i = 1; i <= LOCAL_MAX; i++)
		assert_int_equal(set_local(t, 1000 - i, own(i)), 0);
	assert_int_equal(set_local(t, 1, own(300)), -ENOSPC);
	for (unsigned i = 1; i <= 2 * LOCAL_MAX; i++) {
		struct in6_addr other = own(i);

		other.s6_addr[8] = 1;
		assert_int_equal(has(t, own(i)), i <= LOCAL_MAX);
		assert_false(has(t, other));
	}
	assert_false(has(t, in6addr_any));
	/* An id that moves takes its address along. */
	assert_int_equal(set_local(t, 999, own(400)), 0);
	assert_false(has(t, own(1)));
	assert_true(has(t, own(400)));
	for (unsigned i = 2; i <= LOCAL_MAX; i++)
		assert_int_equal(local_table_delete(&t->local, 1000 - i), 0);
	assert_int_equal(local_table_delete(&t->local, 1000 - 2), 0);
	assert_false(has(t, own(5)));
	assert_true(has(t, own(400)));
	/* The lowest id is the source of our own messages. */
	assert_int_equal(set_local(t, 2, first), 0);
	assert_memory_equal(&local_table_get(&t->local)->first, &first, 16);
}

/* Two ids with one address: it stays as long as one of them does. */
static void test_local_twice(void **state)
{
	struct tables *t = *state;

	assert_int_equal(set_local(t, 1, own(1)), 0);
	assert_int_equal(set_local(t, 2, own(1)), 0);
	assert_int_equal(local_table_delete(&t->local, 1), 0);
	assert_true(has(t, own(1)));
	assert_int_equal(local_table_delete(&t->local, 2), 0);
	assert_false(has(t, own(1)));
}

static int set_link(struct tables *t, uint64_t id, const char *port, bool watch)
{
	struct object_link object = {.id = id, .watch_dad = watch};

	snprintf(object.port, sizeof(object.port), "%s", port);
	return link_table_set(&t->links, &object);
}

static void test_links(void **state)
{
	struct tables *t = *state;
	int slot = link_table_slot(&t->links, 7);
	struct object_buckets its = {0};

	object_buckets_add(&its, object_bucket(7));
	assert_true(slot > 0);
	assert_int_equal(link_table_slot(&t->links, 0), SUBSCRIBER_LINK_NONE);
	assert_int_equal(link_table_slot(&t->links, 7), slot);
	/* A subscriber may name a link before it is there; until then it is on no port. */
	assert_false(link_table_is(&t->links, (uint16_t)slot, 3));
	assert_int_equal(set_link(t, 7, "nowhere", false), -ENOENT);
	assert_int_equal(set_link(t, 7, "home", true), 0);
	assert_true(link_table_is(&t->links, (uint16_t)slot, 3));
	assert_false(link_table_is(&t->links, (uint16_t)slot, 2));
	assert_false(link_table_is(&t->links, SUBSCRIBER_LINK_NONE, 3));
	assert_int_equal(link_table_on(&t->links, 3) & LINK_WATCH, LINK_WATCH);
	assert_int_equal(link_table_on(&t->links, 2), 0);
	assert_int_equal(set_link(t, 7, "home", false), 0);
	assert_int_equal(link_table_on(&t->links, 3) & LINK_WATCH, 0);
	link_table_mark(&t->links);
	assert_int_equal(link_table_sweep(&t->links, &(struct object_buckets){0}), 0);
	assert_int_equal(link_table_sweep(&t->links, &its), 1);
	assert_int_equal(link_table_on(&t->links, 3), 0);
	assert_int_equal(set_link(t, 7, "home", false), 0);
	link_table_delete(&t->links, 7);
	assert_int_equal(link_table_on(&t->links, 3), 0);
	for (uint64_t id = 100; id < 100 + LINK_SLOTS - 2; id++)
		assert_true(link_table_slot(&t->links, id) > 0);
	assert_int_equal(link_table_slot(&t->links, 1000), -ENOSPC);
}

/* Links come and go under ever new ids; the slot of one that a subscriber names is not reused. */
static void test_link_ids(void **state)
{
	struct tables *t = *state;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 1};

	o.path = (struct object_path){
		.id = 1, .kind = PATH_IP6_IN_IP6, .local = own(1), .remote = own(2)};
	assert_int_equal(tables_apply(t, &o), 0);
	o = (struct object){.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = 1};
	o.subscriber = (struct object_subscriber){.id = 1,
		.link_id = 5,
		.prefix_count = 1,
		.path_count = 1,
		.prefixes = {{own(3), 128}},
		.paths = {1}};
	assert_int_equal(tables_apply(t, &o), 0);
	int slot = link_table_slot(&t->links, 5);

	for (uint64_t id = 100; id < 100 + 5 * LINK_SLOTS; id++) {
		o = (struct object){.kind = OBJECT_LINK, .op = OBJECT_SET, .id = id};
		o.link = (struct object_link){.id = id, .port = "home"};
		assert_int_equal(tables_apply(t, &o), 0);
		o.op = OBJECT_DELETE;
		assert_int_equal(tables_apply(t, &o), 0);
	}
	assert_int_equal(link_table_slot(&t->links, 5), slot);
	o = (struct object){.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 5};
	o.link = (struct object_link){.id = 5, .port = "home"};
	assert_int_equal(tables_apply(t, &o), 0);
	struct in6_addr home = own(3);
	const struct subscriber_entry *entry = subscriber_table_find(&t->subscribers, 0, &home);
	assert_true(link_table_is(&t->links, entry->link, 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_local, setup, teardown),
		cmocka_unit_test_setup_teardown(test_local_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(test_links, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_ids, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
