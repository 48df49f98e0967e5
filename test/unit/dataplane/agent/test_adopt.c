/* The update channel's state machine when another control takes over what it has. */
#include "world.h"

/* Another control starts: it wants to know what we have. */
static void test_digest_for_another_control(void **state)
{
	struct world *w = *state;

	snapshot(w, EPOCH, 5, IDS(1));
	later(w, HEARTBEAT * MISSED + 1);
	tell(w, UPDATE_HEARTBEAT, OTHER, 0, NULL);
	session_settle(&w->session, w->now);
	unsigned hellos = said(w, UPDATE_HELLO);
	tell(w, UPDATE_DIGEST_REQUEST, OTHER, 0, NULL);
	assert_int_equal(w->digests_asked, 1);
	assert_int_equal(w->asked, OTHER);
	assert_true(session_is_comparable(&w->session));
	assert_int_equal(session_head(&w->session, UPDATE_DIGEST).epoch, EPOCH);
	assert_int_equal(session_head(&w->session, UPDATE_DIGEST).sequence, 5);
	/* It knows that we are here; only when it is silent it is greeted again. */
	session_compared(&w->session, w->now);
	later(w, HEARTBEAT - 1);
	assert_int_equal(said(w, UPDATE_HELLO), hellos);
	later(w, SESSION_HELLO_MS);
	assert_int_equal(said(w, UPDATE_HELLO), hellos + 1);
}

static void adopt(struct world *w, uint64_t epoch, uint64_t sequence,
	const struct update_adopt *body, size_t missing)
{
	const struct update_head head = {.type = UPDATE_ADOPT,
		.version = UPDATE_VERSION,
		.epoch = epoch,
		.sequence = sequence};
	uint8_t buf[256];
	struct writer out;

	writer_init(&out, buf, sizeof(buf));
	assert_int_equal(update_head_encode(&out, &head), 0);
	assert_int_equal(update_adopt_encode(&out, body), 0);
	session_message(&w->session, buf, writer_len(&out) - missing, w->now);
	session_settle(&w->session, w->now);
}

static void test_adopted_as_it_is(void **state)
{
	struct world *w = *state;
	const struct update_adopt same = {.epoch = EPOCH, .sequence = 5};

	snapshot(w, EPOCH, 5, IDS(1, 2));
	adopt(w, OTHER, 70, &same, 0);
	assert_synced(w, OTHER, 70);
	assert_true(w->has[1] && w->has[2]);
	assert_int_equal(w->session.counters[SESSION_ADOPTED], 1);
	assert_int_equal(w->session.counters[SESSION_SNAPSHOTS], 1);
	tell(w, UPDATE_DELTA, OTHER, 71, IDS(3));
	session_settle(&w->session, w->now);
	assert_synced(w, OTHER, 71);
	/* What the old control left in the queue is nothing any more. */
	tell(w, UPDATE_DELTA, EPOCH, 6, IDS(-1));
	assert_true(w->has[1]);
}

static void test_adopted_but_for_some_buckets(void **state)
{
	struct world *w = *state;
	struct update_adopt some = {.epoch = EPOCH, .sequence = 5};

	snapshot(w, EPOCH, 5, IDS(1, 2, 3));
	object_buckets_add(&some.buckets, object_bucket(2));
	object_buckets_add(&some.buckets, object_bucket(4));
	unsigned acks = said(w, UPDATE_ACK);
	adopt(w, OTHER, 70, &some, 0);
	assert_int_equal(said(w, UPDATE_ACK), acks);
	assert_int_equal(w->session.state, SESSION_SNAPSHOT);
	assert_false(session_is_comparable(&w->session));
	tell(w, UPDATE_OBJECTS, OTHER, 70, IDS(4));
	tell(w, UPDATE_END, OTHER, 70, NULL);
	session_settle(&w->session, w->now);
	assert_synced(w, OTHER, 70);
	assert_true(w->has[1] && !w->has[2] && w->has[3] && w->has[4]);
}

/* Whatever was not compared is not taken over. */
static void test_not_adopted(void **state)
{
	struct world *w = *state;
	const struct update_adopt same = {.epoch = EPOCH, .sequence = 5},
				  older = {.epoch = EPOCH, .sequence = 4},
				  others = {.epoch = OTHER, .sequence = 5};

	adopt(w, OTHER, 70, &same, 0);
	assert_int_equal(w->session.state, SESSION_GREETING);
	snapshot(w, EPOCH, 5, IDS(1));
	adopt(w, OTHER, 70, &older, 0);
	assert_int_equal(w->session.state, SESSION_GREETING);
	adopt(w, OTHER, 70, &others, 0);
	assert_int_equal(w->session.counters[SESSION_FOREIGN], 3);
	assert_int_equal(w->session.counters[SESSION_ADOPTED], 0);
	later(w, SESSION_HELLO_MS);
	assert_int_equal(last(w, UPDATE_HELLO)->epoch, EPOCH);
	tell(w, UPDATE_BEGIN, EPOCH, 5, NULL);
	adopt(w, OTHER, 70, &same, 0);
	assert_int_equal(w->session.state, SESSION_GREETING);
	later(w, SESSION_HELLO_MS);
	assert_int_equal(last(w, UPDATE_HELLO)->epoch, 0);
	snapshot(w, EPOCH, 5, IDS(1));
	adopt(w, OTHER, 70, &same, 1);
	assert_int_equal(w->session.counters[SESSION_BAD_MESSAGE], 1);
	assert_int_equal(w->session.counters[SESSION_ADOPTED], 0);
	assert_true(w->has[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_digest_for_another_control, setup),
		cmocka_unit_test_setup(test_adopted_as_it_is, setup),
		cmocka_unit_test_setup(test_adopted_but_for_some_buckets, setup),
		cmocka_unit_test_setup(test_not_adopted, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
