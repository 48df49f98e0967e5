/* Memberships upstream: what the group table wants is what Linux is a member of. */
#include <net/if.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/agent/upstream.h"
#include "dataplane/tables/tables.h"

enum { GROUPS = 200, HALF = 100 };

struct world {
	struct tables *tables;
	struct upstream *upstream;
};

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "256", "-l", "0", "--log-level=error", NULL};

	(void)state;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

static int setup(void **state)
{
	static const struct tables_config config = {.subscribers = 16,
		.groups = GROUPS,
		.members = 2 * GROUPS,
		.routes = 16,
		.neighbours = 16,
		.readers = 1};
	static struct world w;
	int error = 0;

	w.tables = tables_create(&config, &error);
	if (error)
		return error;
	w.upstream = upstream_open("lo", &w.tables->groups);
	*state = &w;
	return w.upstream ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;

	upstream_close(w->upstream);
	tables_destroy(w->tables);
	return 0;
}

static struct in6_addr numbered(uint16_t first, unsigned i)
{
	return (struct in6_addr){.s6_addr = {(uint8_t)(first >> 8), (uint8_t)first, 0x7e,
					 0x57, [14] = (uint8_t)(i >> 8), (uint8_t)i}};
}

static void set_group(struct world *w, uint64_t id, unsigned group, unsigned source)
{
	struct object_group object = {.id = id, .group = numbered(0xff3e, group)};

	if (source)
		object.source = numbered(0x2001, source);
	assert_int_equal(group_table_set(&w->tables->groups, &object), 0);
}

static void set_member(struct world *w, uint64_t id, uint64_t group)
{
	const struct object_member object = {
		.id = id, .group = group, .kind = MEMBER_SUBSCRIBER, .target = 1};

	assert_int_equal(group_table_set_member(&w->tables->groups, &object), 0);
}

static void hex(const struct in6_addr *addr, char text[33])
{
	for (unsigned i = 0; i < 16; i++)
		snprintf(text + 2 * i, 3, "%02x", addr->s6_addr[i]);
}

/* Whether a line of a file of /proc has all of these words. */
static bool has_line(const char *file, const char *first, const char *second)
{
	FILE *f = fopen(file, "r");
	char line[256];
	bool found = false;

	assert_non_null(f);
	while (!found && fgets(line, sizeof(line), f))
		found = strstr(line, first) && strstr(line, second);
	fclose(f);
	return found;
}

static bool joined(unsigned group)
{
	struct in6_addr addr = numbered(0xff3e, group);
	char text[33];

	hex(&addr, text);
	return has_line("/proc/net/igmp6", " lo ", text);
}

static bool source_joined(unsigned group, unsigned source)
{
	struct in6_addr g = numbered(0xff3e, group), s = numbered(0x2001, source);
	char first[40], second[40];

	hex(&g, first);
	hex(&s, second);
	return has_line("/proc/net/mcfilter6", first, second);
}

static void test_follows(void **state)
{
	struct world *w = *state;

	set_group(w, 1, 1, 0);
	upstream_follow(w->upstream, 0);
	/* Nobody listens yet. */
	assert_false(joined(1));
	set_member(w, 11, 1);
	set_member(w, 12, 1);
	upstream_follow(w->upstream, 0);
	assert_true(joined(1));
	assert_int_equal(upstream_count(w->upstream), 1);
	assert_int_equal(upstream_state(w->upstream, group_table_by_id(&w->tables->groups, 1)),
		UPSTREAM_MEMBER);
	group_table_delete_member(&w->tables->groups, 11);
	upstream_follow(w->upstream, 0);
	assert_true(joined(1));
	group_table_delete_member(&w->tables->groups, 12);
	upstream_follow(w->upstream, 0);
	assert_false(joined(1));
	assert_int_equal(upstream_count(w->upstream), 0);
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_JOINED], 1);
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_LEFT], 1);
}

static void test_sources(void **state)
{
	struct world *w = *state;

	set_group(w, 1, 1, 5);
	set_group(w, 2, 1, 6);
	set_member(w, 11, 1);
	upstream_follow(w->upstream, 0);
	assert_true(source_joined(1, 5));
	assert_false(source_joined(1, 6));
	/* A source that nobody wants is none to join while others are wanted from any. */
	set_group(w, 3, 1, 0);
	set_member(w, 13, 3);
	upstream_follow(w->upstream, 0);
	assert_true(joined(1));
	assert_int_equal(upstream_count(w->upstream), 2);
	group_table_delete_member(&w->tables->groups, 13);
	upstream_follow(w->upstream, 0);
	assert_true(source_joined(1, 5));
	/* The id now is of another group: one is joined, the other left. */
	group_table_delete_member(&w->tables->groups, 11);
	set_group(w, 1, 2, 7);
	set_member(w, 11, 1);
	upstream_follow(w->upstream, 0);
	assert_true(source_joined(2, 7));
	assert_false(joined(1));
}

/* As a snapshot that deletes and sets: nothing that stays is left in between. */
static void test_same_under_another_id(void **state)
{
	struct world *w = *state;

	set_group(w, 1, 1, 0);
	set_member(w, 11, 1);
	upstream_follow(w->upstream, 0);
	group_table_delete_member(&w->tables->groups, 11);
	assert_int_equal(group_table_delete(&w->tables->groups, 1), 0);
	set_group(w, 2, 1, 0);
	set_member(w, 12, 2);
	upstream_follow(w->upstream, 0);
	assert_true(joined(1));
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_JOINED], 1);
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_LEFT], 0);
}

/* More than one socket can have; more sources than one socket may name of a group. They come last:
 * the file of /proc ends at a group without. */
static void test_many(void **state)
{
	struct world *w = *state;

	for (unsigned i = 1; i <= GROUPS; i++) {
		set_group(w, i, i < HALF ? i : HALF, i < HALF ? 0 : i);
		set_member(w, 1000 + i, i);
	}
	upstream_follow(w->upstream, 0);
	assert_int_equal(upstream_count(w->upstream), GROUPS);
	for (unsigned i = 1; i <= GROUPS; i++)
		assert_true(i < HALF ? joined(i) : source_joined(HALF, i));
	for (unsigned i = 1; i <= GROUPS; i++)
		group_table_delete_member(&w->tables->groups, 1000 + i);
	upstream_follow(w->upstream, 0);
	assert_int_equal(upstream_count(w->upstream), 0);
	for (unsigned i = 1; i <= GROUPS; i++)
		assert_false(joined(i));
}

static void test_refused(void **state)
{
	struct world *w = *state;

	upstream_close(w->upstream);
	w->upstream = upstream_open("no-such", &w->tables->groups);
	assert_non_null(w->upstream);
	set_group(w, 1, 1, 0);
	set_member(w, 11, 1);
	upstream_follow(w->upstream, 0);
	assert_int_equal(upstream_state(w->upstream, group_table_by_id(&w->tables->groups, 1)),
		UPSTREAM_REFUSED);
	assert_int_equal(upstream_count(w->upstream), 0);
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_FAILED], 1);
	upstream_follow(w->upstream, 500);
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_FAILED], 1);
	upstream_follow(w->upstream, 1000);
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_FAILED], 2);
	group_table_delete_member(&w->tables->groups, 11);
	upstream_follow(w->upstream, 2000);
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_FAILED], 2);
}

/* The next process begins with tables that are full. */
static void test_begins_with_what_is_there(void **state)
{
	struct world *w = *state;

	set_group(w, 1, 1, 0);
	set_member(w, 11, 1);
	upstream_follow(w->upstream, 0);
	upstream_close(w->upstream);
	assert_false(joined(1));
	w->upstream = upstream_open("lo", &w->tables->groups);
	assert_non_null(w->upstream);
	upstream_follow(w->upstream, 0);
	assert_true(joined(1));
	/* What repair finds is what stays. */
	assert_true(group_table_repair(&w->tables->groups) >= 0);
	upstream_follow(w->upstream, 0);
	assert_true(joined(1));
	assert_int_equal(upstream_counters(w->upstream)[UPSTREAM_LEFT], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_follows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_sources, setup, teardown),
		cmocka_unit_test_setup_teardown(test_same_under_another_id, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_begins_with_what_is_there, setup, teardown),
	};

	return cmocka_run_group_tests_name("upstream", tests, eal, NULL);
}
