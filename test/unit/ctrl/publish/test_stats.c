/* Questions to all data planes: statistics, and what they have counted. */
#include "../rig.h"

#include "ctrl/publish/publish.h"

static struct rig rig;
static struct fake dp1, dp2;

static int open_rig(void **state)
{
	(void)state;
	rig_open(&rig, NULL);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&rig, false);
	return 0;
}

struct answers {
	unsigned records, answered, missed, ends;
	uint64_t value;
};

static void on_record(void *arg, unsigned dp, const struct update_stat *stat)
{
	struct answers *a = arg;

	assert_int_equal(dp, 0);
	a->records++;
	a->value = stat->values[0];
}

static void on_done(void *arg, unsigned dp, bool answered)
{
	struct answers *a = arg;

	(void)dp;
	a->answered += answered;
	a->missed += !answered;
}

static void on_end(void *arg)
{
	struct answers *a = arg;

	a->ends++;
}

static void asks_for_statistics(void **state)
{
	struct update_stat stat = {
		.group = UPDATE_STAT_DROP, .name = "no_route", .value_count = 1, .values = {42}};
	struct answers a = {0};
	const struct publish_stats_fns fns = {
		.arg = &a, .record = on_record, .done = on_done, .end = on_end};
	struct writer w;

	(void)state;
	assert_int_equal(publish_stats(rig.publish, &fns), 0);
	assert_int_equal(a.ends, 0);
	RIG_UNTIL(&rig, a.ends == 1);
	assert_int_equal(a.answered + a.missed, 0);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	/* Answers that come after a second are not waited for: a slow machine asks again. */
	for (unsigned i = 1; i <= 20 && !a.answered; i++) {
		assert_int_equal(publish_stats(rig.publish, &fns), 0);
		RIG_UNTIL(&rig, dp1.asked == i && dp2.asked == i);
		fake_start(&dp1, &w, UPDATE_STATS);
		update_stats_id_encode(&w, dp1.stats_id);
		assert_int_equal(update_stat_encode(&w, &stat), 0);
		fake_send(&dp1, &w);
		RIG_UNTIL(&rig, a.ends == 1 + i);
	}
	assert_int_equal(a.answered, 1);
	assert_int_equal(a.records, 1);
	assert_int_equal(a.value, 42);
	assert_true(a.missed >= 1);
}

static void on_count(void *arg, unsigned dp, const struct update_count *count)
{
	struct answers *a = arg;

	assert_int_equal(dp, 0);
	assert_int_equal(count->id, 7);
	a->records++;
	a->value = count->values[UPDATE_COUNT_COPIES];
}

static void asks_what_was_counted(void **state)
{
	static const uint64_t ids[] = {7, 8}, none[UPDATE_COUNT_IDS_MAX + 1];
	const struct update_count count = {
		.kind = OBJECT_GROUP, .id = 7, .values[UPDATE_COUNT_COPIES] = 42};
	struct answers a = {0};
	const struct publish_counted_fns fns = {
		.arg = &a, .record = on_count, .done = on_done, .end = on_end};
	struct writer w;

	(void)state;
	assert_int_equal(publish_counted(rig.publish, OBJECT_GROUP, ids, 0, &fns), -EINVAL);
	assert_int_equal(
		publish_counted(rig.publish, OBJECT_GROUP, none, UPDATE_COUNT_IDS_MAX + 1, &fns),
		-EINVAL);
	rig_synchronise(&rig, &dp1, "dp1");
	/* Answers that come after a second are not waited for: a slow machine asks again. */
	for (unsigned i = 1; i <= 20 && !a.answered; i++) {
		assert_int_equal(publish_counted(rig.publish, OBJECT_GROUP, ids, 2, &fns), 0);
		RIG_UNTIL(&rig, dp1.asked == i);
		assert_int_equal(dp1.counted, OBJECT_GROUP);
		/* Statistics answer another question. */
		fake_start(&dp1, &w, UPDATE_STATS);
		update_stats_id_encode(&w, dp1.stats_id);
		fake_send(&dp1, &w);
		fake_start(&dp1, &w, UPDATE_COUNTS);
		update_stats_id_encode(&w, dp1.stats_id);
		assert_int_equal(update_count_encode(&w, &count), 0);
		fake_send(&dp1, &w);
		RIG_UNTIL(&rig, a.ends == i);
	}
	assert_int_equal(a.answered, 1);
	assert_int_equal(a.records, 1);
	assert_int_equal(a.value, 42);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(asks_for_statistics),
		TEST(asks_what_was_counted),
	};
	int failed = cmocka_run_group_tests_name("stats", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
