#include "rig.h"

#include <signal.h>
#include <sys/resource.h>

static struct rig rig;
static struct fake dp1;

/* What `done` has told, in order. */
static struct told {
	unsigned count;
	int error[8000];
	int number[8000];
} told;

static const char *const quick = "channel = { heartbeat = \"200ms\"; heartbeats_missed = 100;\n"
				 "            ack_timeout = \"50ms\"; };\n";

static int open_rig(void **state)
{
	(void)state;
	told.count = 0;
	rig_open(&rig, NULL);
	return 0;
}

static int open_quick_rig(void **state)
{
	(void)state;
	told.count = 0;
	rig_open(&rig, quick);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&rig, false);
	return 0;
}

static void done(void *arg, int error)
{
	told.error[told.count] = error;
	told.number[told.count++] = (int)(intptr_t)arg;
}

static void submit(const struct binding_record *good, const struct binding_record *to, int number)
{
	assert_int_equal(commit_submit(rig.commit, good ? BINDING_LIST_OF(good) : NULL,
				 BINDING_LIST_OF(to), done, (void *)(intptr_t)number),
		0);
}

/* Registers for certain, also where acknowledgements are late because the machine is slow. */
static void establish(const struct binding_record *to)
{
	int i = 0;

	do {
		told.count = 0;
		submit(NULL, to, 0);
		RIG_UNTIL(&rig, told.count == 1);
	} while (told.error[0] && ++i < 50);
	assert_int_equal(told.error[0], 0);
	told.count = 0;
}

static int find_record(void *arg, const void *key, size_t key_len, const void *octets, size_t len)
{
	struct binding_record *wanted = arg, found;
	struct cursor c;

	(void)key;
	assert_int_equal(key_len, 18);
	cursor_init(&c, octets, len);
	assert_int_equal(binding_record_decode(&c, &found), 0);
	if (!addr_equal(&found.home, &wanted->home))
		return 0;
	*wanted = found;
	return 1;
}

/* What the store has of home address n: its care-of number, 0: nothing. */
static unsigned stored(unsigned n)
{
	struct binding_record record = rig_record(n, 0);

	if (store_each(rig.store, STORE_BINDING, find_record, &record) != 1)
		return 0;
	return record.sequence;
}

/* What the data plane has of it. */
static unsigned forwarded(unsigned n)
{
	const struct object *path = fake_find(&dp1, OBJECT_PATH, 100000 + n);

	return path && fake_find(&dp1, OBJECT_SUBSCRIBER, n) ? path->path.remote.s6_addr[15] : 0;
}

static uint64_t counted(enum commit_counter counter)
{
	return commit_counters(rig.commit)[counter];
}

static void tells_only_after_the_acknowledgement(void **state)
{
	struct binding_record to = rig_record(1, 10);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.silent = true;
	submit(NULL, &to, 1);
	assert_int_equal(told.count, 0);
	RIG_UNTIL(&rig, dp1.deltas == 1);
	for (int i = 0; i < 20; i++)
		rig_round(&rig);
	assert_int_equal(told.count, 0);
	assert_int_equal(stored(1), 10);
	assert_int_equal(commit_count(rig.commit), 1);
	fake_ack(&dp1);
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], 0);
	assert_int_equal(commit_count(rig.commit), 0);
	assert_int_equal(forwarded(1), 10);
	assert_int_equal(counted(COMMIT_DONE), 1);
}

static void commits_a_round_at_once(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	for (unsigned n = 1; n <= 200; n++) {
		struct binding_record to = rig_record(n, 9);

		submit(NULL, &to, (int)n);
	}
	RIG_UNTIL(&rig, told.count == 200);
	assert_int_equal(counted(COMMIT_TRANSACTIONS), 1);
	assert_int_equal(dp1.deltas, 1);
	for (unsigned n = 1; n <= 200; n++) {
		assert_int_equal(told.error[n - 1], 0);
		assert_int_equal(told.number[n - 1], n);
		assert_int_equal(forwarded(n), 9);
	}
}

static void splits_what_is_longer_than_a_message(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	for (unsigned n = 1; n <= 3000; n++) {
		struct binding_record to = rig_record(n, 9);

		submit(NULL, &to, (int)n);
	}
	RIG_UNTIL(&rig, told.count == 3000);
	assert_int_equal(counted(COMMIT_TRANSACTIONS), 1);
	assert_true(dp1.deltas > 1);
	for (unsigned n = 0; n < 3000; n++)
		assert_int_equal(told.error[n], 0);
	assert_int_equal(fake_count(&dp1, OBJECT_SUBSCRIBER), 3000);
}

static void refuses_without_a_data_plane(void **state)
{
	struct binding_record to = rig_record(1, 10);

	(void)state;
	submit(NULL, &to, 1);
	assert_int_equal(told.count, 0);
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], -ENOTCONN);
	assert_int_equal(stored(1), 0);
	assert_int_equal(publish_count(rig.publish), 0);
	assert_int_equal(counted(COMMIT_NO_PEER), 1);
}

static void takes_back_what_is_not_acknowledged(void **state)
{
	struct binding_record first = rig_record(1, 10), second = rig_record(1, 20);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	establish(&first);
	uint64_t taken_back = counted(COMMIT_TAKEN_BACK), late = counted(COMMIT_LATE);

	dp1.silent = true;
	submit(&first, &second, 2);
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], -ETIMEDOUT);
	assert_int_equal(stored(1), 10);
	assert_int_equal(counted(COMMIT_TAKEN_BACK), taken_back + 1);
	assert_int_equal(counted(COMMIT_LATE), late + 1);
	RIG_UNTIL(&rig, dp1.sequence == publish_sequence(rig.publish));
	assert_int_equal(forwarded(1), 10);
}

static void takes_back_a_first_registration(void **state)
{
	struct binding_record to = rig_record(1, 10);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.silent = true;
	submit(NULL, &to, 1);
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], -ETIMEDOUT);
	assert_int_equal(stored(1), 0);
	assert_int_equal(publish_count(rig.publish), 0);
	RIG_UNTIL(&rig, dp1.deltas == 2);
	assert_null(fake_find(&dp1, OBJECT_SUBSCRIBER, 1));
	assert_null(fake_find(&dp1, OBJECT_PATH, 100001));
}

static void a_full_table_fails_only_what_is_not_in_it(void **state)
{
	struct binding_record one = rig_record(1, 10), two = rig_record(2, 20);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.fail_id = 2;
	dp1.fail_error = ENOSPC;
	submit(NULL, &one, 1);
	submit(NULL, &two, 2);
	RIG_UNTIL(&rig, told.count == 2);
	assert_int_equal(told.number[0], 1);
	assert_int_equal(told.error[0], 0);
	assert_int_equal(told.number[1], 2);
	assert_int_equal(told.error[1], -ENOSPC);
	assert_int_equal(stored(1), 10);
	assert_int_equal(stored(2), 0);
	RIG_UNTIL(&rig, forwarded(1) == 10 && fake_find(&dp1, OBJECT_PATH, 100002) == NULL);
	assert_int_equal(counted(COMMIT_NO_ROOM), 1);
}

/* It says hello again with less than it was sent: what fails on the way to all of it has failed. */
static void failures_of_one_that_catches_up(void **state)
{
	struct binding_record one = rig_record(1, 10), two = rig_record(2, 20);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.silent = true;
	submit(NULL, &one, 1);
	RIG_UNTIL(&rig, dp1.deltas == 1);
	submit(NULL, &two, 2);
	RIG_UNTIL(&rig, dp1.deltas == 2);
	dp1.sequence -= 2;
	dp1.silent = false;
	dp1.fail_id = 1;
	dp1.fail_error = ENOSPC;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, told.count == 2);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(told.error[i], told.number[i] == 1 ? -ENOSPC : 0);
	assert_int_equal(stored(1), 0);
	assert_int_equal(stored(2), 20);
}

static void another_failure_has_its_own_error(void **state)
{
	struct binding_record to = rig_record(1, 10);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.fail_id = 1;
	dp1.fail_error = ENOENT;
	submit(NULL, &to, 1);
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], -EPROTO);
	assert_int_equal(stored(1), 0);
}

static void untold_failures_are_not_taken_for_success(void **state)
{
	struct binding_record to = rig_record(1, 10);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.silent = true;
	submit(NULL, &to, 1);
	RIG_UNTIL(&rig, dp1.deltas == 1);
	dp1.ack.failure_total = 500;
	fake_ack(&dp1);
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], -EPROTO);
	assert_int_equal(stored(1), 0);
}

static void an_end_needs_no_data_plane(void **state)
{
	struct binding_record live = rig_record(1, 10), gone = rig_record(1, 10);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	establish(&live);
	dp1.silent = true;
	gone.life = BINDING_DELETED;
	submit(&live, &gone, 2);
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], 0);
	assert_int_equal(stored(1), 10);
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, publish_first_ready(rig.publish) < 0);
	gone.life = BINDING_NONE;
	submit(&live, &gone, 3);
	RIG_UNTIL(&rig, told.count == 2);
	assert_int_equal(told.error[1], 0);
	assert_int_equal(stored(1), 0);
	assert_int_equal(publish_count(rig.publish), 0);
}

static void changes_of_one_binding_keep_their_order(void **state)
{
	struct binding_record a = rig_record(1, 10), b = rig_record(1, 20), c = rig_record(1, 30);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	submit(NULL, &a, 1);
	submit(NULL, &b, 2);
	rig_round(&rig);
	submit(NULL, &c, 3);
	RIG_UNTIL(&rig, told.count == 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(told.number[i], i + 1);
		assert_int_equal(told.error[i], 0);
	}
	assert_int_equal(stored(1), 30);
	assert_int_equal(forwarded(1), 30);
}

static void the_order_holds_when_the_first_fails(void **state)
{
	struct binding_record a = rig_record(1, 10), gone = rig_record(1, 10);

	(void)state;
	gone.life = BINDING_NONE;
	submit(NULL, &a, 1);
	submit(NULL, &gone, 2);
	RIG_UNTIL(&rig, told.count == 2);
	assert_int_equal(told.number[0], 1);
	assert_int_equal(told.error[0], -ENOTCONN);
	assert_int_equal(told.number[1], 2);
	assert_int_equal(told.error[1], 0);
	assert_int_equal(stored(1), 0);
}

static void submit_again(void *arg, int error)
{
	struct binding_record to = rig_record(2, 20);

	done(arg, error);
	submit(NULL, &to, 2);
}

static void completions_may_submit(void **state)
{
	struct binding_record to = rig_record(1, 10);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(commit_submit(rig.commit, NULL, BINDING_LIST_OF(&to), submit_again,
				 (void *)(intptr_t)1),
		0);
	RIG_UNTIL(&rig, told.count == 2);
	assert_int_equal(told.number[1], 2);
	assert_int_equal(told.error[1], 0);
	assert_int_equal(stored(2), 20);
}

/* dp1 is lost with the change before it has even read it. */
static void submit_to_one_that_dies(void)
{
	struct binding_record to = rig_record(1, 10);

	rig_synchronise(&rig, &dp1, "dp1");
	dp1.stuck = true;
	submit(NULL, &to, 1);
	for (int i = 0; i < 10; i++)
		rig_round(&rig);
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, publish_first_ready(rig.publish) < 0);
}

static void a_lost_data_plane_is_waited_for(void **state)
{
	(void)state;
	submit_to_one_that_dies();
	assert_int_equal(told.count, 0);
	rig_synchronise(&rig, &dp1, "dp1");
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], 0);
	assert_int_equal(forwarded(1), 10);
}

static void a_snapshot_that_fails_it_is_no_success(void **state)
{
	(void)state;
	submit_to_one_that_dies();
	dp1.fail_id = 1;
	dp1.fail_error = ENOSPC;
	rig_synchronise(&rig, &dp1, "dp1");
	RIG_UNTIL(&rig, told.count == 1);
	assert_int_equal(told.error[0], -ENOSPC);
	assert_int_equal(stored(1), 0);
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = octets;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_store_that_refuses_fails_the_change(void **state)
{
	struct binding_record first = rig_record(1, 10), second = rig_record(1, 20);

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	rig_synchronise(&rig, &dp1, "dp1");
	submit(NULL, &first, 1);
	RIG_UNTIL(&rig, told.count == 1);
	log_set_fd(-1);
	limit_files(1);
	submit(&first, &second, 2);
	for (int i = 0; i < 10000 && told.count < 2; i++)
		rig_round(&rig);
	limit_files(RLIM_INFINITY);
	log_set_fd(2);
	assert_int_equal(told.count, 2);
	assert_int_equal(told.error[1], -EIO);
	assert_false(store_ok(rig.store));
	assert_int_equal(forwarded(1), 10);
	assert_int_equal(counted(COMMIT_NO_STORE), 1);
	for (int i = 0; i < 1000 && !store_ok(rig.store); i++) {
		unsigned before = told.count;

		usleep(10000);
		submit(&first, &second, 3);
		RIG_UNTIL(&rig, told.count > before);
	}
	assert_true(store_ok(rig.store));
	assert_int_equal(told.error[told.count - 1], 0);
	assert_int_equal(stored(1), 20);
	assert_int_equal(forwarded(1), 20);
}

static void acknowledged_bindings_are_there_after_a_restart(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	for (unsigned n = 1; n <= 50; n++) {
		struct binding_record to = rig_record(n, 100 + n);

		submit(NULL, &to, (int)n);
	}
	RIG_UNTIL(&rig, told.count == 50);
	rig_disconnect(&rig, &dp1);
	rig_close(&rig, true);
	rig_open(&rig, NULL);
	for (unsigned n = 1; n <= 50; n++)
		assert_int_equal(stored(n), 100 + n);
}

static void refuses_what_cannot_be_encoded(void **state)
{
	struct binding_record to = rig_record(1, 10);

	(void)state;
	to.subscriber_id = 0;
	assert_int_equal(
		commit_submit(rig.commit, NULL, BINDING_LIST_OF(&to), done, NULL), -EINVAL);
	to = rig_record(1, 10);
	to.life = (enum binding_life)77;
	assert_int_equal(
		commit_submit(rig.commit, NULL, BINDING_LIST_OF(&to), done, NULL), -EINVAL);
	assert_int_equal(commit_count(rig.commit), 0);
}

/* An item of another table with a path of its own, and `mark` in its record. */
static struct commit_item make_item(uint8_t mark)
{
	struct commit_item item = {.table = STORE_SESSION,
		.key_len = 8,
		.key = {1, 2, 3, 4, 5, 6, 7, 8},
		.record_len = 1,
		.record = {mark},
		.bundle_id = 1ull << 62 | 5};
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = item.bundle_id};
	struct writer w;

	object.path = (struct object_path){.id = object.id, .kind = PATH_IP6_IN_IP6};
	object.path.local.s6_addr[0] = object.path.remote.s6_addr[0] = 0x20;
	object.path.remote.s6_addr[15] = mark;
	writer_init(&w, item.bundle.octets, sizeof(item.bundle.octets));
	assert_int_equal(object_encode(&w, &object), 0);
	item.bundle.len = (uint16_t)writer_len(&w);
	return item;
}

/* The mark that store and data plane have, 0: neither has the item. */
static uint8_t item_mark(const struct commit_item *item)
{
	const struct object *path = fake_find(&dp1, OBJECT_PATH, item->bundle_id);
	uint8_t record[8] = {0};
	int len =
		store_get(rig.store, item->table, item->key, item->key_len, record, sizeof(record));

	assert_int_equal(record[0], path ? path->path.remote.s6_addr[15] : 0);
	return len == 1 ? record[0] : 0;
}

static void commits_items_of_other_tables(void **state)
{
	struct commit_item first = make_item(10), second = make_item(20), gone = make_item(0);
	struct binding_record binding = rig_record(1, 9);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	submit(NULL, &binding, 1);
	assert_int_equal(commit_submit_item(rig.commit, NULL, &first, done, NULL), 0);
	RIG_UNTIL(&rig, told.count == 2);
	assert_int_equal(told.error[1], 0);
	assert_int_equal(counted(COMMIT_TRANSACTIONS), 1);
	assert_int_equal(item_mark(&first), 10);
	dp1.fail_id = second.bundle_id;
	dp1.fail_error = ENOSPC;
	assert_int_equal(commit_submit_item(rig.commit, &first, &second, done, NULL), 0);
	RIG_UNTIL(&rig, told.count == 3);
	assert_int_equal(told.error[2], -ENOSPC);
	dp1.fail_id = 0;
	RIG_UNTIL(&rig, item_mark(&first) == 10);
	gone.record_len = gone.bundle.len = 0;
	assert_int_equal(commit_submit_item(rig.commit, &first, &gone, done, NULL), 0);
	RIG_UNTIL(&rig, told.count == 4);
	assert_int_equal(told.error[3], 0);
	assert_int_equal(item_mark(&gone), 0);
	assert_int_equal(forwarded(1), 9);
}

#define TEST(fn)       cmocka_unit_test_setup_teardown(fn, open_rig, close_rig)
#define TEST_QUICK(fn) cmocka_unit_test_setup_teardown(fn, open_quick_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(tells_only_after_the_acknowledgement),
		TEST(commits_items_of_other_tables),
		TEST(commits_a_round_at_once),
		TEST(splits_what_is_longer_than_a_message),
		TEST(refuses_without_a_data_plane),
		TEST_QUICK(takes_back_what_is_not_acknowledged),
		TEST_QUICK(takes_back_a_first_registration),
		TEST(a_full_table_fails_only_what_is_not_in_it),
		TEST(failures_of_one_that_catches_up),
		TEST(another_failure_has_its_own_error),
		TEST(untold_failures_are_not_taken_for_success),
		TEST_QUICK(an_end_needs_no_data_plane),
		TEST(changes_of_one_binding_keep_their_order),
		TEST(the_order_holds_when_the_first_fails),
		TEST(completions_may_submit),
		TEST(a_lost_data_plane_is_waited_for),
		TEST(a_snapshot_that_fails_it_is_no_success),
		TEST(a_store_that_refuses_fails_the_change),
		TEST(acknowledged_bindings_are_there_after_a_restart),
		TEST(refuses_what_cannot_be_encoded),
	};
	int failed = cmocka_run_group_tests_name("commit", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
