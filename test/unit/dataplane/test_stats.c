/* What the statistics say after a few packets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/stats.h"
#include "lab/lab.h"

enum {
	RECORDS_MAX = 200,
};

struct taken {
	struct update_stat stats[RECORDS_MAX];
	unsigned count, stop_at;
};

static bool take(const struct update_stat *stat, void *context)
{
	struct taken *taken = context;

	assert_true(taken->count < RECORDS_MAX);
	taken->stats[taken->count++] = *stat;
	return taken->count != taken->stop_at;
}

static const struct update_stat *record(
	const struct taken *taken, enum update_stat_group group, const char *name)
{
	for (unsigned i = 0; i < taken->count; i++)
		if (taken->stats[i].group == group && strcmp(taken->stats[i].name, name) == 0)
			return &taken->stats[i];
	fail_msg("no record of %s", name);
	return NULL;
}

static void receive(struct lab *lab, const char *dst)
{
	struct mac to = lab_mac(LAB_CORE), from = lab_peer_mac(LAB_CORE);
	struct packet p;

	packet_udp(&p, LAB_PEER, dst, 10);
	packet_ether(&p, &to, &from);
	lab_receive(lab, LAB_CORE, &p);
	lab_walk(lab);
}

static void test_records(void **state)
{
	static struct taken taken;
	struct lab *lab = *state;
	const struct update_stat *stat;

	taken = (struct taken){.count = 0};
	for (int i = 0; i < 3; i++)
		receive(lab, LAB_HOME_OF);
	receive(lab, "2001:db8:dead::1");
	assert_true(stats_collect(&lab->worker, 1, lab->tables, take, &taken));
	assert_int_equal(record(&taken, UPDATE_STAT_COUNTER, "encapsulated")->values[0], 3);
	assert_int_equal(record(&taken, UPDATE_STAT_COUNTER, "received")->values[0], 4);
	assert_int_equal(record(&taken, UPDATE_STAT_DROP, "blackhole")->values[0], 1);
	assert_int_equal(record(&taken, UPDATE_STAT_DROP, "no_room")->values[0], 0);
	stat = record(&taken, UPDATE_STAT_NODE, "express");
	assert_int_equal(stat->value_count, 3);
	assert_int_equal(stat->values[0], 4);
	assert_int_equal(stat->values[1], 4);
	assert_true(stat->values[2] > 0);
	stat = record(&taken, UPDATE_STAT_TABLE, "subscribers");
	assert_int_equal(stat->values[0], 1);
	assert_int_equal(stat->values[1], 1000);
	assert_true(stat->values[2] > 64000);
	assert_int_equal(record(&taken, UPDATE_STAT_TABLE, "routes")->values[0], 6);
	/* Two workers are summed. */
	taken.count = 0;
	struct worker *twice[] = {lab->worker, lab->worker};
	assert_true(stats_collect(twice, 2, lab->tables, take, &taken));
	assert_int_equal(record(&taken, UPDATE_STAT_COUNTER, "encapsulated")->values[0], 6);
	assert_int_equal(record(&taken, UPDATE_STAT_NODE, "express")->values[1], 8);
}

static void test_stop(void **state)
{
	static struct taken taken;
	struct lab *lab = *state;

	taken = (struct taken){.stop_at = 5};
	assert_false(stats_collect(&lab->worker, 1, lab->tables, take, &taken));
	assert_int_equal(taken.count, 5);
}

/* Every reason and counter has a name of its own and a meaning. */
static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < DROP_COUNT; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(drop_reason_name((enum drop_reason)i),
				drop_reason_name((enum drop_reason)j));
	for (int i = 0; i < WORKER_COUNTERS_COUNT; i++)
		assert_true(strlen(worker_counter_help((enum worker_counter)i)) > 0);
	assert_string_equal(drop_reason_name(DROP_COUNT), "unknown");
	assert_string_equal(worker_counter_name(WORKER_COUNTERS_COUNT), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_records, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_stop, lab_setup, lab_teardown),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
