/* Data planes that come with the tables of a control that is dead. */
#include "../rig.h"

static struct rig rig;
static struct fake dp1;

enum { BINDINGS = 60 };

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

static struct bundle bundle_of(unsigned n, unsigned c)
{
	struct binding_record record = rig_record(n, c);
	struct bundle bundle;

	assert_int_equal(publish_compile(&rig.config, BINDING_LIST_OF(&record), &bundle), 0);
	return bundle;
}

static void set(unsigned n, unsigned c)
{
	struct bundle bundle = bundle_of(n, c);
	uint64_t sequence;

	assert_int_equal(publish_set(rig.publish, n, &bundle, &sequence), 0);
	publish_flush(rig.publish);
}

static struct publish_session_info info(void)
{
	struct publish_session_info info;

	publish_session_info(rig.publish, 0, &info);
	return info;
}

static bool is_synced(void)
{
	return info().state == PUBLISH_SYNCED && dp1.epoch == publish_epoch(rig.publish) &&
	       dp1.sequence == publish_sequence(rig.publish);
}

static uint64_t counted(enum publish_counter counter)
{
	return publish_counters(rig.publish)[counter];
}

/* Control dies, and another one finds the bindings 1 to BINDINGS in its store, at care-of address n
 * or, the last `moved` of them, at 999. The data plane keeps what it has. */
static void restart(unsigned moved)
{
	uint64_t epoch = publish_epoch(rig.publish);

	rig_close(&rig, true);
	rig_open(&rig, NULL);
	assert_true(publish_epoch(rig.publish) != epoch);
	for (unsigned n = 1; n <= BINDINGS; n++) {
		struct bundle bundle = bundle_of(n, n > BINDINGS - moved ? 999 : n);

		assert_int_equal(publish_restore(rig.publish, n, &bundle), 0);
	}
	dp1.begins = dp1.ends = dp1.deltas = dp1.applied = dp1.adopts = dp1.audited = 0;
}

/* A data plane with the bindings 1 to BINDINGS. */
static void fill(void)
{
	for (unsigned n = 1; n <= BINDINGS; n++)
		set(n, n);
	rig_connect(&rig, &dp1, "dp1");
	fake_hello(&dp1);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(info().sync, PUBLISH_SYNC_SNAPSHOT);
}

static void assert_at(unsigned n, unsigned c)
{
	const struct binding_record record = rig_record(n, c);
	const struct object *path = fake_find(&dp1, OBJECT_PATH, record.path_id);

	assert_non_null(path);
	assert_non_null(fake_find(&dp1, OBJECT_SUBSCRIBER, n));
	assert_true(addr_equal(&path->path.remote, &record.care_of));
}

static void what_is_wanted_is_taken_over_untouched(void **state)
{
	(void)state;
	fill();
	restart(0);
	fake_hello(&dp1);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(dp1.adopts, 1);
	assert_int_equal(dp1.applied, 0);
	assert_int_equal(dp1.begins + dp1.ends, 0);
	assert_int_equal(info().sync, PUBLISH_SYNC_ADOPTED);
	assert_true(publish_ready(rig.publish, 0));
	assert_int_equal(counted(PUBLISH_ADOPTED), 1);
	assert_int_equal(counted(PUBLISH_SNAPSHOTS), 0);
	set(1, 77);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(dp1.deltas, 1);
	assert_at(1, 77);
}

static void only_what_differs_is_sent(void **state)
{
	(void)state;
	fill();
	/* It knows one that nobody else does, and the dead control told it nothing of three. */
	set(500, 5);
	RIG_UNTIL(&rig, is_synced());
	restart(3);
	fake_hello(&dp1);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(dp1.adopts, 1);
	assert_int_equal(dp1.begins, 0);
	assert_int_equal(dp1.ends, 1);
	assert_in_range(dp1.applied, 6, 30);
	assert_int_equal(info().sync, PUBLISH_SYNC_PARTIAL);
	assert_int_equal(counted(PUBLISH_PARTIALS), 1);
	for (unsigned n = 1; n <= BINDINGS; n++)
		assert_at(n, n > BINDINGS - 3 ? 999 : n);
	assert_null(fake_find(&dp1, OBJECT_SUBSCRIBER, 500));
	assert_null(fake_find(&dp1, OBJECT_PATH, 100500));
	assert_int_equal(fake_count(&dp1, OBJECT_SUBSCRIBER), BINDINGS);
}

static void deltas_made_meanwhile_follow(void **state)
{
	(void)state;
	fill();
	restart(0);
	dp1.silent = true;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.audited == 1);
	assert_int_equal(info().state, PUBLISH_COMPARING);
	assert_false(publish_ready(rig.publish, 0));
	/* Before the answer is compared, and after that. */
	set(1, 71);
	dp1.silent = false;
	fake_digest(&dp1);
	RIG_UNTIL(&rig, dp1.adopts == 1);
	set(2, 72);
	RIG_UNTIL(&rig, is_synced());
	assert_at(1, 71);
	assert_at(2, 72);
	assert_int_equal(dp1.begins, 0);
}

/* A binding whose path is in another bucket than its subscriber appears while buckets are sent. */
static void a_bundle_is_sent_whole(void **state)
{
	(void)state;
	fill();
	restart(BINDINGS / 2);
	dp1.stuck = true;
	fake_hello(&dp1);
	for (int i = 0; i < 50; i++)
		rig_round(&rig);
	dp1.stuck = false;
	RIG_UNTIL(&rig, dp1.adopts == 1);
	for (unsigned n = 1; n <= 2000; n++)
		set(1000 + n, 5);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(counted(PUBLISH_FAILED_OBJECTS), 0);
	assert_int_equal(fake_count(&dp1, OBJECT_SUBSCRIBER), BINDINGS + 2000);
}

static void with_nothing_in_common_it_gets_a_snapshot(void **state)
{
	(void)state;
	fill();
	rig_close(&rig, true);
	rig_open(&rig, NULL);
	for (unsigned n = 1; n <= 3000; n++) {
		struct bundle bundle = bundle_of(10000 + n, 1);

		assert_int_equal(publish_restore(rig.publish, 10000 + n, &bundle), 0);
	}
	fake_hello(&dp1);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(dp1.adopts, 0);
	assert_int_equal(info().sync, PUBLISH_SYNC_SNAPSHOT);
	assert_int_equal(fake_count(&dp1, OBJECT_SUBSCRIBER), 3000);
}

static void without_a_digest_it_gets_a_snapshot(void **state)
{
	(void)state;
	fill();
	restart(0);
	dp1.silent = true;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.audited == 1);
	/* It is there all the time. */
	while (dp1.ends == 0) {
		for (int i = 0; i < 20; i++)
			rig_round(&rig);
		if (info().state == PUBLISH_COMPARING)
			fake_hello(&dp1);
	}
	dp1.silent = false;
	fake_ack(&dp1);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(dp1.adopts, 0);
}

/* Answers to the dead control, and those of a data plane that is dead. */
static void left_over_digests_are_ignored(void **state)
{
	uint64_t epoch, sequence;

	(void)state;
	fill();
	restart(0);
	dp1.silent = true;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.audited == 1);
	dp1.asker ^= 1;
	fake_digest(&dp1);
	RIG_UNTIL(&rig, counted(PUBLISH_STALE_EPOCH) == 1);
	assert_int_equal(info().state, PUBLISH_COMPARING);
	/* It dies: the next process has nothing, and what the last one had is not adopted. */
	dp1.asker ^= 1;
	epoch = dp1.epoch;
	sequence = dp1.sequence;
	dp1.silent = false;
	dp1.epoch = dp1.sequence = 0;
	fake_hello(&dp1);
	dp1.epoch = epoch;
	dp1.sequence = sequence;
	fake_digest(&dp1);
	RIG_UNTIL(&rig, dp1.begins == 1 && is_synced());
	assert_int_equal(counted(PUBLISH_STALE_EPOCH), 2);
	assert_int_equal(dp1.adopts, 0);
}

/* An impatient data plane says hello while its digest is on the way. */
static void repeated_hellos_change_nothing(void **state)
{
	(void)state;
	fill();
	restart(0);
	dp1.silent = true;
	for (int i = 0; i < 3; i++)
		fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.audited == 3);
	dp1.silent = false;
	fake_digest(&dp1);
	RIG_UNTIL(&rig, is_synced());
	assert_int_equal(dp1.adopts, 1);
	assert_int_equal(dp1.begins, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_wanted_is_taken_over_untouched),
		T(only_what_differs_is_sent),
		T(deltas_made_meanwhile_follow),
		T(a_bundle_is_sent_whole),
		T(with_nothing_in_common_it_gets_a_snapshot),
		T(without_a_digest_it_gets_a_snapshot),
		T(left_over_digests_are_ignored),
		T(repeated_hellos_change_nothing),
	};

	log_set_fd(-1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
