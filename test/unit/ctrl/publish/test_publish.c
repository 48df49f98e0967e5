#include "../rig.h"

#include "common/clock.h"
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

/* What publish.show would say of a data plane. */
static enum publish_session_state state_of(unsigned dp)
{
	struct publish_session_info info;

	publish_session_info(rig.publish, dp, &info);
	return info.state;
}

/* Publishes binding n at care-of address c, or nothing of it (c = 0). */
static void set(unsigned n, unsigned c)
{
	struct binding_record record = rig_record(n, c);
	struct bundle bundle;
	uint64_t sequence;

	record.life = c ? BINDING_LIVE : BINDING_DELETED;
	assert_int_equal(publish_compile(&rig.config, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(publish_set(rig.publish, n, &bundle, &sequence), 0);
	publish_flush(rig.publish);
	assert_int_equal(sequence, publish_sequence(rig.publish));
}

static void assert_bound(const struct fake *dp, unsigned n, unsigned c)
{
	const struct binding_record record = rig_record(n, c);
	const struct object *path = fake_find(dp, OBJECT_PATH, record.path_id);
	const struct object *subscriber = fake_find(dp, OBJECT_SUBSCRIBER, n);

	assert_non_null(path);
	assert_non_null(subscriber);
	assert_true(addr_equal(&path->path.remote, &record.care_of));
	assert_true(addr_equal(&path->path.local, &record.agent));
	assert_int_equal(subscriber->subscriber.path_count, 1);
	assert_int_equal(subscriber->subscriber.paths[0], record.path_id);
	assert_int_equal(subscriber->subscriber.prefix_count, 1);
	assert_int_equal(subscriber->subscriber.prefixes[0].len, 128);
	assert_true(addr_equal(&subscriber->subscriber.prefixes[0].addr, &record.home));
}

static uint64_t counted(enum publish_counter counter)
{
	return publish_counters(rig.publish)[counter];
}

static void sends_a_snapshot_and_then_deltas(void **state)
{
	const struct object *link;

	(void)state;
	set(1, 10);
	set(2, 20);
	assert_int_equal(publish_first_ready(rig.publish), -ENOTCONN);
	assert_int_equal(state_of(0), PUBLISH_DOWN);
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(publish_first_ready(rig.publish), 0);
	assert_int_equal(dp1.begins, 1);
	assert_int_equal(dp1.ends, 1);
	assert_int_equal(dp1.deltas, 0);
	assert_int_equal(dp1.epoch, publish_epoch(rig.publish));
	assert_int_equal(dp1.sequence, 2);
	assert_int_equal(fake_count(&dp1, OBJECT_LOCAL), 4);
	assert_int_equal(fake_count(&dp1, OBJECT_LINK), 1);
	link = fake_find(&dp1, OBJECT_LINK, 1);
	assert_non_null(link);
	assert_string_equal(link->link.port, "home");
	assert_true(link->link.watch_dad);
	assert_bound(&dp1, 1, 10);
	assert_bound(&dp1, 2, 20);
	assert_int_equal(fake_find(&dp1, OBJECT_SUBSCRIBER, 1)->subscriber.link_id, 1);

	set(1, 11);
	set(3, 30);
	set(2, 0);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 0) == 5);
	assert_int_equal(dp1.deltas, 3);
	assert_int_equal(dp1.begins, 1);
	assert_bound(&dp1, 1, 11);
	assert_bound(&dp1, 3, 30);
	assert_null(fake_find(&dp1, OBJECT_SUBSCRIBER, 2));
	assert_null(fake_find(&dp1, OBJECT_PATH, 100002));
	assert_int_equal(publish_count(rig.publish), 2);
}

/* What a data plane could not take is told again, though nothing has changed. */
static void tells_again(void **state)
{
	struct binding_record record = rig_record(1, 10);
	struct bundle bundle;
	uint64_t sequence;

	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.top = 0;
	assert_int_equal(publish_compile(&rig.config, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(publish_set(rig.publish, 1, &bundle, &sequence), 0);
	publish_flush(rig.publish);
	assert_int_equal(publish_sequence(rig.publish), sequence);
	assert_int_equal(publish_again(rig.publish, 2, &sequence), -ENOENT);
	assert_int_equal(publish_again(rig.publish, 1, &sequence), 0);
	publish_flush(rig.publish);
	assert_int_equal(publish_sequence(rig.publish), sequence);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 0) == sequence);
	assert_int_equal(dp1.deltas, 1);
	assert_bound(&dp1, 1, 10);
}

static void an_address_on_no_link_is_defended_nowhere(void **state)
{
	struct binding_record record = rig_record(7, 70);
	struct bundle bundle;
	uint64_t sequence;

	(void)state;
	assert_int_equal(addr_parse("2001:db8:200::7", &record.home), 0);
	assert_int_equal(publish_compile(&rig.config, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(publish_set(rig.publish, 7, &bundle, &sequence), 0);
	publish_flush(rig.publish);
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(fake_find(&dp1, OBJECT_SUBSCRIBER, 7)->subscriber.link_id, 0);
}

static void a_snapshot_sweeps_what_is_gone(void **state)
{
	static const struct object left_over = {
		.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = 99};

	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.objects[dp1.top++] = (struct fake_object){.used = true, .object = left_over};
	dp1.epoch = dp1.sequence = 0;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.ends == 2 && state_of(0) == PUBLISH_SYNCED);
	assert_bound(&dp1, 1, 10);
	assert_null(fake_find(&dp1, OBJECT_SUBSCRIBER, 99));
	assert_int_equal(fake_count(&dp1, OBJECT_LOCAL), 4);
}

static void a_gap_is_filled_with_deltas(void **state)
{
	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	for (unsigned i = 0; i < 5; i++)
		set(2, 20 + i);
	RIG_UNTIL(&rig, dp1.sequence == 6);
	dp1.sequence = 3; /* as if 4 to 6 had been lost */
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.deltas == 8 && state_of(0) == PUBLISH_SYNCED);
	assert_int_equal(dp1.begins, 1);
	assert_int_equal(dp1.sequence, 6);
	assert_int_equal(counted(PUBLISH_RESYNC_DELTA), 1);
	assert_bound(&dp1, 2, 24);
}

static void a_hello_with_everything_is_told_so(void **state)
{
	unsigned heartbeats;

	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	heartbeats = dp1.heartbeats;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.heartbeats > heartbeats && dp1.newest == 1);
	assert_int_equal(publish_first_ready(rig.publish), 0);
	assert_int_equal(dp1.begins, 1);
	assert_int_equal(dp1.deltas, 0);
}

static void who_is_too_far_behind_gets_a_snapshot(void **state)
{
	(void)state;
	rig_close(&rig, false);
	rig_open(&rig, "channel = { heartbeat = \"200ms\"; heartbeats_missed = 100;\n"
		       "            delta_log = 1; };\n");
	set(1, 1);
	rig_synchronise(&rig, &dp1, "dp1");
	RIG_UNTIL(&rig, dp1.sequence == 1);
	for (unsigned i = 0; i < 12000; i++)
		set(2, 1 + i % 200);
	RIG_UNTIL(&rig, dp1.begins == 2 && state_of(0) == PUBLISH_SYNCED);
	assert_int_equal(dp1.sequence, 12001);
	assert_int_equal(dp1.deltas, 0);
	assert_bound(&dp1, 2, 1 + 11999 % 200);
	dp1.sequence = 5; /* the log begins later, and it has in fact what is wanted */
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.adopts == 1 && state_of(0) == PUBLISH_SYNCED);
	assert_int_equal(dp1.begins, 2);
	assert_int_equal(dp1.sequence, 12001);
}

static void refuses_names_that_are_not_configured(void **state)
{
	struct fake stranger = {0};

	(void)state;
	rig_connect(&rig, &stranger, "stranger");
	fake_hello(&stranger);
	RIG_UNTIL(&rig, stranger.refusals == 1);
	assert_non_null(strstr(stranger.reason, "not configured"));
	assert_int_equal(counted(PUBLISH_REFUSED_NAME), 1);
	assert_int_equal(stranger.begins, 0);
	rig_disconnect(&rig, &stranger);
}

static void refuses_a_name_that_is_not_the_connections(void **state)
{
	(void)state;
	rig_connect(&rig, &dp1, "dp1");
	strcpy(dp1.name, "dp2");
	fake_hello(&dp1);
	RIG_UNTIL(&rig, dp1.refusals == 1);
	assert_int_equal(counted(PUBLISH_REFUSED_NAME), 1);
	assert_int_equal(counted(PUBLISH_HELLOS), 0);
}

static void refuses_another_version(void **state)
{
	uint8_t message[64];
	struct writer w;

	(void)state;
	rig_connect(&rig, &dp1, "dp1");
	writer_init(&w, message, sizeof(message));
	writer_u16(&w, 0x444d);
	writer_u8(&w, UPDATE_VERSION + 1);
	writer_u8(&w, UPDATE_HELLO);
	writer_zero(&w, 16);
	assert_int_equal(zsock_send1(&dp1.socket, message, writer_len(&w)), 0);
	RIG_UNTIL(&rig, dp1.refusals == 1);
	assert_non_null(strstr(dp1.reason, "version"));
	assert_int_equal(counted(PUBLISH_REFUSED_VERSION), 1);
	assert_int_equal(state_of(0), PUBLISH_DOWN);
}

static void counts_what_does_not_decode(void **state)
{
	struct writer w;

	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(zsock_send1(&dp1.socket, "garbage", 7), 0);
	RIG_UNTIL(&rig, counted(PUBLISH_BAD_MESSAGE) == 1);
	fake_start(&dp1, &w, UPDATE_ACK);
	writer_u8(&w, 1);
	fake_send(&dp1, &w);
	RIG_UNTIL(&rig, counted(PUBLISH_BAD_MESSAGE) == 2);
	fake_start(&dp1, &w, UPDATE_DELTA);
	fake_send(&dp1, &w);
	RIG_UNTIL(&rig, counted(PUBLISH_UNEXPECTED) == 1);
	dp1.sequence = 77; /* nobody was ever told so much */
	fake_ack(&dp1);
	RIG_UNTIL(&rig, counted(PUBLISH_UNEXPECTED) == 2);
	assert_int_equal(publish_acked(rig.publish, 0), 1);
	dp1.epoch ^= 1;
	fake_ack(&dp1);
	RIG_UNTIL(&rig, counted(PUBLISH_STALE_EPOCH) >= 1);
	assert_int_equal(state_of(0), PUBLISH_SYNCED);
}

static void the_first_of_the_configuration_serves(void **state)
{
	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp2, "dp2");
	assert_int_equal(publish_first_ready(rig.publish), 1);
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(publish_first_ready(rig.publish), 0);
	dp2.silent = true;
	set(2, 20);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 0) == 2);
	assert_int_equal(state_of(0), PUBLISH_SYNCED);
	assert_int_equal(state_of(1), PUBLISH_LAGGING);
}

static void a_silent_one_is_given_up_and_taken_back(void **state)
{
	(void)state;
	rig_close(&rig, false);
	rig_open(&rig, "channel = { heartbeat = \"30ms\"; heartbeats_missed = 2; };\n");
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	dp1.silent = true;
	RIG_UNTIL(&rig, state_of(0) == PUBLISH_DOWN);
	assert_int_equal(publish_first_ready(rig.publish), -ENOTCONN);
	assert_true(counted(PUBLISH_LOST) >= 1);
	set(2, 20);
	for (int i = 0; i < 20; i++)
		rig_round(&rig);
	assert_int_equal(dp1.sequence, 1);
	dp1.silent = false;
	RIG_UNTIL(&rig, dp1.sequence == 2 && publish_first_ready(rig.publish) == 0);
	assert_int_equal(dp1.begins, 1);
	assert_bound(&dp1, 2, 20);
}

static void a_restarted_one_gets_a_snapshot(void **state)
{
	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_disconnect(&rig, &dp1);
	set(2, 20);
	RIG_UNTIL(&rig, state_of(0) == PUBLISH_DOWN);
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(dp1.begins, 1);
	assert_bound(&dp1, 1, 10);
	assert_bound(&dp1, 2, 20);
}

static void a_stuck_one_holds_up_nobody_and_catches_up(void **state)
{
	(void)state;
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	dp2.stuck = true;
	for (unsigned round = 0; round < 60; round++) {
		for (unsigned i = 0; i < 100; i++)
			set(2 + (round * 100 + i) % 300, 1 + round);
		RIG_UNTIL(&rig, publish_acked(rig.publish, 0) == publish_sequence(rig.publish));
	}
	assert_int_equal(publish_first_ready(rig.publish), 0);
	assert_true(counted(PUBLISH_BLOCKED) > 0);
	assert_int_equal(state_of(1), PUBLISH_LAGGING);
	dp2.stuck = false;
	RIG_UNTIL(&rig, state_of(1) == PUBLISH_SYNCED);
	for (unsigned n = 2; n < 302; n++) {
		const struct object *a = fake_find(&dp1, OBJECT_PATH, 100000 + n);
		const struct object *b = fake_find(&dp2, OBJECT_PATH, 100000 + n);

		assert_true(addr_equal(&a->path.remote, &b->path.remote));
	}
}

static void changes_during_a_snapshot_are_not_lost(void **state)
{
	(void)state;
	for (unsigned n = 1; n <= 2000; n++)
		set(n, 1);
	rig_connect(&rig, &dp1, "dp1");
	dp1.stuck = true;
	fake_hello(&dp1);
	RIG_UNTIL(&rig, state_of(0) == PUBLISH_SNAPSHOT);
	for (unsigned n = 1; n <= 2000; n += 3)
		set(n, n % 2 ? 2 : 0);
	for (unsigned n = 2001; n <= 2100; n++)
		set(n, 3);
	dp1.stuck = false;
	RIG_UNTIL(&rig, state_of(0) == PUBLISH_SYNCED);
	assert_int_equal(dp1.begins, 1);
	for (unsigned n = 1; n <= 2000; n++) {
		if (n % 3 != 1)
			assert_bound(&dp1, n, 1);
		else if (n % 2)
			assert_bound(&dp1, n, 2);
		else
			assert_null(fake_find(&dp1, OBJECT_SUBSCRIBER, n));
	}
	for (unsigned n = 2001; n <= 2100; n++)
		assert_bound(&dp1, n, 3);
}

struct heard {
	unsigned events, ups, downs, readies, unreadies;
	struct update_event event;
};

static void on_event(void *arg, unsigned dp, const struct update_event *event)
{
	struct heard *h = arg;

	assert_int_equal(dp, 0);
	h->events++;
	h->event = *event;
}

static void on_session(void *arg, unsigned dp, bool up, const char *reason)
{
	struct heard *h = arg;

	assert_int_equal(dp, 0);
	assert_non_null(reason);
	h->ups += up;
	h->downs += !up;
}

static void on_ready(void *arg, unsigned dp, bool ready)
{
	struct heard *h = arg;

	assert_int_equal(dp, 0);
	assert_int_equal(publish_ready(rig.publish, dp), ready);
	h->readies += ready;
	h->unreadies += !ready;
}

static void tells_who_may_serve(void **state)
{
	struct heard h = {0};
	const struct publish_handlers handlers = {
		.arg = &h, .ready = on_ready, .session = on_session};
	uint32_t number;

	(void)state;
	assert_int_equal(publish_add_handlers(rig.publish, &handlers), 0);
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(h.readies, 1);
	number = publish_session_number(rig.publish, 0);
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, h.downs == 1);
	assert_int_equal(h.unreadies, 1);
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(h.readies, 2);
	assert_int_not_equal(publish_session_number(rig.publish, 0), number);
}

static void tells_events_and_ports(void **state)
{
	struct heard h = {0};
	const struct publish_handlers handlers = {
		.arg = &h, .event = on_event, .session = on_session};
	struct update_event event = {.kind = UPDATE_EVENT_PORT, .port = "home", .value = 0};
	struct writer w;

	(void)state;
	assert_int_equal(publish_add_handlers(rig.publish, &handlers), 0);
	assert_null(publish_port(rig.publish, 0, "home"));
	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(h.ups, 1);
	assert_true(publish_port(rig.publish, 0, "home")->up);
	assert_int_equal(publish_port(rig.publish, 0, "home")->mac.b[5], 1);
	assert_null(publish_port(rig.publish, 0, "core"));
	fake_start(&dp1, &w, UPDATE_EVENT);
	assert_int_equal(update_event_encode(&w, &event), 0);
	fake_send(&dp1, &w);
	RIG_UNTIL(&rig, h.events == 1);
	assert_int_equal(h.event.kind, UPDATE_EVENT_PORT);
	assert_false(publish_port(rig.publish, 0, "home")->up);
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, h.downs == 1);
	assert_null(publish_port(rig.publish, 0, "home"));
}

static void a_second_publisher_is_refused(void **state)
{
	struct publish *second;

	(void)state;
	assert_int_equal(publish_open(&second, &rig.config, NULL, rig.loop), -EADDRINUSE);
	assert_null(second);
	set(1, 10);
	rig_synchronise(&rig, &dp1, "dp1");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sends_a_snapshot_and_then_deltas),
		TEST(tells_again),
		TEST(an_address_on_no_link_is_defended_nowhere),
		TEST(a_snapshot_sweeps_what_is_gone),
		TEST(a_gap_is_filled_with_deltas),
		TEST(a_hello_with_everything_is_told_so),
		TEST(who_is_too_far_behind_gets_a_snapshot),
		TEST(refuses_names_that_are_not_configured),
		TEST(refuses_a_name_that_is_not_the_connections),
		TEST(refuses_another_version),
		TEST(counts_what_does_not_decode),
		TEST(the_first_of_the_configuration_serves),
		TEST(a_silent_one_is_given_up_and_taken_back),
		TEST(a_restarted_one_gets_a_snapshot),
		TEST(a_stuck_one_holds_up_nobody_and_catches_up),
		TEST(changes_during_a_snapshot_are_not_lost),
		TEST(tells_who_may_serve),
		TEST(tells_events_and_ports),
		TEST(a_second_publisher_is_refused),
	};
	int failed = cmocka_run_group_tests_name("publish", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
