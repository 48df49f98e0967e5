/* The update channel's state machine against a control plane played by the test. */
#include "world.h"

static void test_hello_until_control_answers(void **state)
{
	struct world *w = *state;

	w->deaf = true;
	later(w, 0);
	assert_int_equal(w->count, 0);
	w->deaf = false;
	later(w, 20);
	assert_int_equal(said(w, UPDATE_HELLO), 1);
	assert_string_equal(w->hello.name, "dp1");
	assert_int_equal(w->hello.subscribers_max, 4711);
	assert_string_equal(w->hello.ports[0].name, "core");
	assert_int_equal(last(w, UPDATE_HELLO)->epoch, 0);
	for (int i = 0; i < 50; i++)
		later(w, 20);
	/* Repeated, but at most once in SESSION_HELLO_MS. */
	assert_in_range(said(w, UPDATE_HELLO), 3, 1 + 1000 / SESSION_HELLO_MS);
	assert_int_equal(said(w, UPDATE_HEARTBEAT), 0);
}

static void test_snapshot_marks_and_sweeps(void **state)
{
	struct world *w = *state;

	later(w, 0);
	snapshot(w, EPOCH, 7, IDS(1, 2, 3));
	assert_synced(w, EPOCH, 7);
	assert_int_equal(w->quiesced, 1);
	/* Nothing that stays is ever absent: the table is checked in the middle. */
	tell(w, UPDATE_BEGIN, EPOCH, 9, NULL);
	tell(w, UPDATE_OBJECTS, EPOCH, 9, IDS(2));
	assert_true(w->has[1] && w->has[2] && w->has[3]);
	tell(w, UPDATE_OBJECTS, EPOCH, 9, IDS(4));
	tell(w, UPDATE_END, EPOCH, 9, NULL);
	session_settle(&w->session, w->now);
	assert_true(!w->has[1] && w->has[2] && !w->has[3] && w->has[4]);
	assert_synced(w, EPOCH, 9);
}

static void test_deltas_are_acknowledged_together(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 1, IDS(1));
	unsigned acks = said(w, UPDATE_ACK), quiesced = w->quiesced;
	tell(w, UPDATE_DELTA, EPOCH, 2, IDS(2));
	tell(w, UPDATE_DELTA, EPOCH, 3, IDS(-1, 3));
	tell(w, UPDATE_DELTA, EPOCH, 4, IDS(4));
	assert_int_equal(said(w, UPDATE_ACK), acks);
	session_settle(&w->session, w->now);
	assert_int_equal(said(w, UPDATE_ACK), acks + 1);
	assert_int_equal(w->quiesced, quiesced + 1);
	assert_true(!w->has[1] && w->has[2] && w->has[3] && w->has[4]);
	assert_synced(w, EPOCH, 4);
}

static void test_acknowledgement_waits_for_the_channel(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 1, IDS(1));
	unsigned acks = said(w, UPDATE_ACK);
	w->deaf = true;
	tell(w, UPDATE_DELTA, EPOCH, 2, IDS(2));
	session_settle(&w->session, w->now);
	assert_int_equal(said(w, UPDATE_ACK), acks);
	w->deaf = false;
	session_settle(&w->session, w->now);
	assert_synced(w, EPOCH, 2);
}

static void test_gap_is_noticed_and_filled(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 1, IDS(1));
	later(w, SESSION_HELLO_MS);
	tell(w, UPDATE_DELTA, EPOCH, 3, IDS(3));
	assert_false(w->has[3]);
	unsigned hellos = said(w, UPDATE_HELLO);
	session_settle(&w->session, w->now);
	assert_int_equal(said(w, UPDATE_HELLO), hellos + 1);
	/* It says what it has, so control sends only what is missing. */
	assert_int_equal(last(w, UPDATE_HELLO)->epoch, EPOCH);
	assert_int_equal(last(w, UPDATE_HELLO)->sequence, 1);
	tell(w, UPDATE_DELTA, EPOCH, 2, IDS(2));
	tell(w, UPDATE_DELTA, EPOCH, 3, IDS(3));
	session_settle(&w->session, w->now);
	assert_true(w->has[2] && w->has[3]);
	assert_synced(w, EPOCH, 3);
	assert_int_equal(w->session.counters[SESSION_GAPS], 1);
}

static void test_repeated_delta_changes_nothing(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 5, IDS(1));
	tell(w, UPDATE_DELTA, EPOCH, 5, IDS(-1));
	session_settle(&w->session, w->now);
	assert_true(w->has[1]);
	assert_synced(w, EPOCH, 5);
}

static void test_messages_of_another_epoch_are_ignored(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 5, IDS(1));
	tell(w, UPDATE_DELTA, OTHER, 6, IDS(-1));
	assert_true(w->has[1]);
	assert_int_equal(w->session.state, SESSION_GREETING);
	/* A new control: it knows nothing of our epoch and sends all. */
	snapshot(w, OTHER, 2, IDS(8));
	assert_true(!w->has[1] && w->has[8]);
	assert_synced(w, OTHER, 2);
	/* Objects without a BEGIN are none of ours. */
	tell(w, UPDATE_OBJECTS, EPOCH, 5, IDS(9));
	tell(w, UPDATE_END, EPOCH, 5, NULL);
	assert_true(w->has[8] && !w->has[9]);
}

static void test_old_delta_does_not_disturb_a_snapshot(void **state)
{
	struct world *w = *state;

	tell(w, UPDATE_BEGIN, EPOCH, 5, NULL);
	tell(w, UPDATE_DELTA, OTHER, 77, IDS(7));
	tell(w, UPDATE_OBJECTS, EPOCH, 5, IDS(1));
	tell(w, UPDATE_END, EPOCH, 5, NULL);
	session_settle(&w->session, w->now);
	assert_true(w->has[1] && !w->has[7]);
	assert_synced(w, EPOCH, 5);
}

static void test_broken_snapshot_is_asked_for_again(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 5, IDS(1));
	later(w, SESSION_HELLO_MS);
	tell(w, UPDATE_BEGIN, EPOCH, 6, NULL);
	tell(w, UPDATE_OBJECTS, EPOCH, 6, IDS(2));
	/* Control dies here, and comes back with another epoch. */
	later(w, HEARTBEAT * MISSED + 1);
	assert_int_equal(w->session.state, SESSION_SEARCHING);
	assert_true(w->has[1] && w->has[2]);
	later(w, SESSION_HELLO_MS);
	assert_int_equal(last(w, UPDATE_HELLO)->epoch, 0);
	snapshot(w, OTHER, 1, IDS(3));
	assert_true(!w->has[1] && !w->has[2] && w->has[3]);
}

/* A long snapshot: we live. What control says only when it sends no snapshot any more: it has
 * given up. */
static void test_snapshot_is_lived_through_or_given_up(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 2; i++) {
		tell(w, UPDATE_BEGIN, EPOCH, 6, NULL);
		for (int n = 0; n < 2 * MISSED; n++) {
			tell(w, UPDATE_OBJECTS, EPOCH, 6, IDS(2));
			later(w, HEARTBEAT);
		}
		assert_int_equal(w->session.state, SESSION_SNAPSHOT);
		assert_true(said(w, UPDATE_HEARTBEAT) >= MISSED);
		assert_int_equal(last(w, UPDATE_HEARTBEAT)->epoch, EPOCH);
		tell(w, i ? UPDATE_DIGEST_REQUEST : UPDATE_HEARTBEAT, EPOCH, 6, NULL);
		assert_int_equal(w->session.state, SESSION_GREETING);
		later(w, SESSION_HELLO_MS);
		assert_int_equal(last(w, UPDATE_HELLO)->epoch, 0);
	}
	assert_int_equal(w->digests_asked, 0);
}

static void test_undecodable_objects_need_a_snapshot(void **state)
{
	struct world *w = *state;
	uint8_t buf[256];
	struct writer out;
	struct object object = local(2, OBJECT_SET);
	const struct update_head head = {
		.type = UPDATE_DELTA, .version = UPDATE_VERSION, .epoch = EPOCH, .sequence = 2};

	snapshot(w, EPOCH, 1, IDS(1));
	later(w, SESSION_HELLO_MS);
	unsigned acks = said(w, UPDATE_ACK);
	writer_init(&out, buf, sizeof(buf));
	update_head_encode(&out, &head);
	object_encode(&out, &object);
	session_message(&w->session, buf, writer_len(&out) - 1, w->now);
	session_settle(&w->session, w->now);
	assert_int_equal(said(w, UPDATE_ACK), acks);
	assert_int_equal(last(w, UPDATE_HELLO)->epoch, 0);
	assert_int_equal(w->session.counters[SESSION_BAD_MESSAGE], 1);
	/* What it has stays. */
	assert_true(w->has[1]);
}

static void test_failures_are_told(void **state)
{
	struct world *w = *state;

	w->refuse_id = 2;
	snapshot(w, EPOCH, 1, IDS(1, 2, 3));
	assert_int_equal(w->ack.failure_total, 1);
	assert_int_equal(w->ack.failure_count, 1);
	assert_int_equal(w->ack.failures[0].kind, OBJECT_LOCAL);
	assert_int_equal(w->ack.failures[0].id, 2);
	assert_int_equal(w->ack.failures[0].error, ENOSPC);
	/* And are not told again. */
	tell(w, UPDATE_DELTA, EPOCH, 2, IDS(4));
	session_settle(&w->session, w->now);
	assert_int_equal(w->ack.failure_total, 0);
}

static void test_silence_and_return_of_control(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 5, IDS(1));
	for (int i = 0; i < 4; i++) {
		later(w, HEARTBEAT);
		tell(w, UPDATE_HEARTBEAT, EPOCH, 5, NULL);
	}
	assert_int_equal(w->session.state, SESSION_SYNCED);
	assert_true(said(w, UPDATE_HEARTBEAT) >= 3);
	later(w, HEARTBEAT * MISSED + 1);
	assert_int_equal(w->session.state, SESSION_SEARCHING);
	assert_true(w->has[1]);
	later(w, SESSION_HELLO_MS);
	assert_int_equal(last(w, UPDATE_HELLO)->epoch, EPOCH);
	assert_int_equal(last(w, UPDATE_HELLO)->sequence, 5);
	/* It was only slow: nothing is missing, and an acknowledgement says so. */
	unsigned acks = said(w, UPDATE_ACK);
	tell(w, UPDATE_HEARTBEAT, EPOCH, 5, NULL);
	session_settle(&w->session, w->now);
	assert_int_equal(said(w, UPDATE_ACK), acks + 1);
	assert_synced(w, EPOCH, 5);
	assert_int_equal(w->session.counters[SESSION_LOST], 1);
}

static void test_lost_delta_shows_in_heartbeats(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 5, IDS(1));
	/* A delta may be on its way, so the first heartbeats say nothing. */
	tell(w, UPDATE_HEARTBEAT, EPOCH, 6, NULL);
	assert_int_equal(w->session.state, SESSION_SYNCED);
	for (int i = 0; i < MISSED + 1; i++) {
		later(w, HEARTBEAT);
		tell(w, UPDATE_HEARTBEAT, EPOCH, 6, NULL);
	}
	assert_int_equal(w->session.state, SESSION_GREETING);
	assert_int_equal(w->session.counters[SESSION_GAPS], 1);
}

static void test_garbage_is_counted(void **state)
{
	struct world *w = *state;
	uint8_t old[UPDATE_HEAD_LEN];
	struct writer out;
	const struct update_head head = {.type = UPDATE_END, .version = UPDATE_VERSION};

	session_message(&w->session, "garbage", 7, w->now);
	session_message(&w->session, NULL, 0, w->now);
	writer_init(&out, old, sizeof(old));
	update_head_encode(&out, &head);
	old[2] = UPDATE_VERSION + 1;
	session_message(&w->session, old, sizeof(old), w->now);
	assert_int_equal(w->session.counters[SESSION_BAD_MESSAGE], 3);
	assert_int_equal(w->session.state, SESSION_SEARCHING);
	/* What only a data plane says. */
	tell(w, UPDATE_ACK, EPOCH, 1, NULL);
	assert_int_equal(w->session.counters[SESSION_BAD_MESSAGE], 4);
}

static void test_refusal_is_no_end(void **state)
{
	struct world *w = *state;
	const struct update_head head = {
		.type = UPDATE_REFUSE, .version = UPDATE_VERSION, .epoch = EPOCH};
	uint8_t buf[256];
	struct writer out;

	snapshot(w, EPOCH, 5, IDS(1));
	later(w, SESSION_HELLO_MS);
	writer_init(&out, buf, sizeof(buf));
	update_head_encode(&out, &head);
	update_reason_encode(&out, "unknown name");
	session_message(&w->session, buf, writer_len(&out), w->now);
	assert_true(w->has[1]);
	unsigned hellos = said(w, UPDATE_HELLO);
	for (int i = 0; i < 10; i++) {
		later(w, HEARTBEAT);
		tell(w, UPDATE_HEARTBEAT, OTHER, 0, NULL);
	}
	assert_int_equal(said(w, UPDATE_HELLO), hellos);
	later(w, SESSION_REFUSED_MS);
	assert_int_equal(said(w, UPDATE_HELLO), hellos + 1);
}

static void test_statistics_and_events(void **state)
{
	struct world *w = *state;
	const struct update_head head = {
		.type = UPDATE_STATS_REQUEST, .version = UPDATE_VERSION, .epoch = EPOCH};
	struct update_head count_head = {.type = UPDATE_COUNT_REQUEST};
	const uint64_t ids[2] = {1, UINT64_MAX};
	struct update_event event = {.kind = UPDATE_EVENT_PORT, .value = 1, .port = "core"};
	uint8_t buf[64];
	struct writer out;

	session_event(&w->session, &event);
	assert_int_equal(said(w, UPDATE_EVENT), 0);
	writer_init(&out, buf, sizeof(buf));
	update_head_encode(&out, &head);
	update_stats_request_encode(
		&out, &(struct update_stats_request){.id = 77, .count = 1, .subscribers = {5}});
	session_message(&w->session, buf, writer_len(&out), w->now);
	assert_int_equal(w->stats_asked, 77);
	count_head.epoch = EPOCH;
	writer_init(&out, buf, sizeof(buf));
	update_head_encode(&out, &count_head);
	update_count_request_encode(&out, 78, OBJECT_GROUP, ids, 2);
	session_message(&w->session, buf, writer_len(&out), w->now);
	assert_int_equal(w->counts_asked, 78);
	session_message(&w->session, buf, writer_len(&out) - 1, w->now);
	assert_int_equal(w->session.counters[SESSION_BAD_MESSAGE], 1);
	session_event(&w->session, &event);
	assert_int_equal(said(w, UPDATE_EVENT), 1);
	assert_string_equal(w->event.port, "core");
}

/* Asked for before there is anything to compare, control gets no answer and asks again. */
static void test_digest(void **state)
{
	static const int some[] = {1, 2, 0};
	struct world *w = *state;

	tell(w, UPDATE_DIGEST_REQUEST, EPOCH, 0, NULL);
	tell(w, UPDATE_BEGIN, EPOCH, 5, NULL);
	tell(w, UPDATE_DIGEST_REQUEST, EPOCH, 5, NULL);
	assert_int_equal(w->digests_asked, 0);
	snapshot(w, EPOCH, 5, some);
	tell(w, UPDATE_DIGEST_REQUEST, EPOCH, 5, NULL);
	assert_int_equal(w->digests_asked, 1);
	assert_int_equal(w->session.counters[SESSION_AUDITS], 3);
	assert_int_equal(w->session.counters[SESSION_BAD_MESSAGE], 0);
	tell(w, UPDATE_DIGEST_REQUEST, EPOCH, 5, some);
	assert_int_equal(w->digests_asked, 1);
	assert_int_equal(w->session.counters[SESSION_BAD_MESSAGE], 1);
	assert_synced(w, EPOCH, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_hello_until_control_answers, setup),
		cmocka_unit_test_setup(test_snapshot_marks_and_sweeps, setup),
		cmocka_unit_test_setup(test_deltas_are_acknowledged_together, setup),
		cmocka_unit_test_setup(test_acknowledgement_waits_for_the_channel, setup),
		cmocka_unit_test_setup(test_gap_is_noticed_and_filled, setup),
		cmocka_unit_test_setup(test_repeated_delta_changes_nothing, setup),
		cmocka_unit_test_setup(test_messages_of_another_epoch_are_ignored, setup),
		cmocka_unit_test_setup(test_old_delta_does_not_disturb_a_snapshot, setup),
		cmocka_unit_test_setup(test_broken_snapshot_is_asked_for_again, setup),
		cmocka_unit_test_setup(test_snapshot_is_lived_through_or_given_up, setup),
		cmocka_unit_test_setup(test_undecodable_objects_need_a_snapshot, setup),
		cmocka_unit_test_setup(test_failures_are_told, setup),
		cmocka_unit_test_setup(test_silence_and_return_of_control, setup),
		cmocka_unit_test_setup(test_lost_delta_shows_in_heartbeats, setup),
		cmocka_unit_test_setup(test_garbage_is_counted, setup),
		cmocka_unit_test_setup(test_refusal_is_no_end, setup),
		cmocka_unit_test_setup(test_digest, setup),
		cmocka_unit_test_setup(test_statistics_and_events, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
