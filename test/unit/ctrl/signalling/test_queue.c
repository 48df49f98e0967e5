/* Changes of a binding through the commit: one after the other, and back when they fail. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rig.h"

#define OTHER_CARE_OF "2001:db8:b::5"
#define THIRD_CARE_OF "2001:db8:c::5"

static int set_up(void **state)
{
	*state = rig_new();
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

/* The acknowledgement that was sent next. */
static struct mh_ba answer(struct rig *rig)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	rig_ba(rig, &packet, &ip6, &mh);
	return mh.ba;
}

static struct rig_event last_event(struct rig *rig)
{
	assert_true(rig->event_count > 0);
	return rig->events[rig->event_count - 1];
}

static void registration(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 7);
	struct rig_commit c;
	struct binding *b;

	bu.lifetime = 2000; /* more than the 3600 s that are granted */
	rig_send(rig, &bu);
	b = rig_binding(rig, RIG_HOME);
	assert_int_equal(b->state, BINDING_STATE_COMMITTING);
	assert_int_equal(signalling_live(rig->s), 0);
	c = rig_commit(rig, 0);
	assert_int_equal(c.good.life, BINDING_NONE);
	assert_int_equal(c.to.life, BINDING_LIVE);
	assert_string_equal(ADDR_TEXT(&c.to.home), RIG_HOME);
	assert_string_equal(ADDR_TEXT(&c.to.care_of), RIG_CARE_OF);
	assert_string_equal(ADDR_TEXT(&c.to.agent), RIG_AGENT);
	assert_int_equal(c.to.lifetime, 900);
	assert_int_equal(c.to.expires_ns, rig->real + 3600 * CLOCK_NS_PER_S);
	assert_int_equal(c.to.registered_ns, rig->real);
	assert_int_equal(c.to.timestamp, bu.timestamp);
	assert_int_not_equal(c.to.path_id, 0);
	assert_int_not_equal(c.to.subscriber_id, 0);
	assert_int_equal(answer(rig).lifetime, 900);
	assert_int_equal(b->state, BINDING_STATE_ACTIVE);
	assert_int_equal(signalling_live(rig->s), 1);
	assert_int_equal(last_event(rig).kind, SIGNALLING_REGISTERED);
	assert_int_equal(rig->event_count, 1);
}

static void lifetime_of_the_subscriber(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig_subscriber(rig, 0)->max_lifetime_s = 39;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(answer(rig).lifetime, 9);
	rig_subscriber(rig, 0)->max_lifetime_s = 4000;
	bu = rig_bu(rig, 0, 2);
	bu.lifetime = 65535;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(answer(rig).lifetime, 900);
}

static void refresh_and_move(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;
	struct rig_commit c;
	uint64_t registered;

	rig_bound(rig, 0, 1);
	registered = rig->real;
	rig_wait_ms(rig, 1000);
	bu = rig_bu(rig, 0, 2);
	rig_send(rig, &bu);
	c = rig_commit(rig, 0);
	assert_int_equal(c.good.sequence, 1);
	assert_int_equal(c.to.registered_ns, registered);
	assert_int_equal(c.to.updated_ns, rig->real);
	assert_int_equal(c.to.path_id, c.good.path_id);
	assert_int_equal(answer(rig).status, 0);
	assert_int_equal(last_event(rig).kind, SIGNALLING_REFRESHED);
	bu = rig_bu(rig, 0, 3);
	bu.src = OTHER_CARE_OF;
	rig_send(rig, &bu);
	c = rig_commit(rig, 0);
	assert_string_equal(ADDR_TEXT(&c.to.care_of), OTHER_CARE_OF);
	assert_int_equal(answer(rig).status, 0);
	assert_int_equal(last_event(rig).kind, SIGNALLING_MOVED);
	assert_int_equal(signalling_live(rig->s), 1);
}

static void deregistration_is_remembered_for_a_while(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu, late;
	struct rig_commit c;

	rig_subscriber(rig, 0)->replay = SUBSCRIBER_REPLAY_SEQUENCE;
	rig_bound(rig, 0, 1);
	late = rig_bu(rig, 0, 2);
	bu = rig_bu(rig, 0, 3);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	assert_int_equal(rig->packet_count, 0);
	c = rig_commit(rig, 0);
	assert_int_equal(c.to.life, BINDING_DELETED);
	assert_int_equal(c.to.sequence, 3);
	assert_true(c.to.expires_ns >= rig->real + 10 * CLOCK_NS_PER_S);
	assert_int_equal(answer(rig).lifetime, 0);
	assert_int_equal(last_event(rig).kind, SIGNALLING_DEREGISTERED);
	assert_int_equal(signalling_live(rig->s), 0);
	rig_wait_ms(rig, 10000);
	rig_send(rig, &late);
	assert_int_equal(rig_status(rig), STATUS_BA_SEQUENCE);
	rig_wait_ms(rig, 3990); /* twice the timestamp window */
	assert_int_equal(rig->commit_count, 0);
	rig_wait_ms(rig, 12);
	c = rig_commit(rig, 0);
	assert_int_equal(c.to.life, BINDING_NONE);
	assert_null(rig_binding(rig, RIG_HOME));
}

static void second_deregistration(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_bound(rig, 0, 1);
	bu = rig_bu(rig, 0, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	bu = rig_bu(rig, 0, 3);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig_status(rig), STATUS_BA_NOT_HOME_AGENT);
}

static void registration_after_deregistration(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;
	struct rig_commit c;

	rig_bound(rig, 0, 1);
	bu = rig_bu(rig, 0, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	rig_wait_ms(rig, 100);
	bu = rig_bu(rig, 0, 3);
	rig_send(rig, &bu);
	c = rig_commit(rig, 0);
	assert_int_equal(c.good.life, BINDING_DELETED);
	assert_int_equal(c.to.life, BINDING_LIVE);
	assert_int_equal(c.to.registered_ns, rig->real);
	assert_int_equal(rig_status(rig), 0);
	assert_int_equal(last_event(rig).kind, SIGNALLING_REGISTERED);
	rig_wait_ms(rig, 20000); /* the memory's end does not end the binding */
	assert_int_equal(rig->commit_count, 0);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
}

static void two_in_flight_are_answered_in_order(void **state)
{
	struct rig *rig = *state;
	struct rig_bu first = rig_bu(rig, 0, 1), second = rig_bu(rig, 0, 2);
	struct rig_commit c;
	struct mh_ba ba;

	second.src = OTHER_CARE_OF;
	rig_send(rig, &first);
	rig_send(rig, &second);
	assert_int_equal(rig->commit_count, 1);
	rig_commit(rig, 0);
	ba = answer(rig);
	assert_int_equal(ba.sequence, 1);
	assert_int_equal(ba.status, 0);
	assert_int_equal(rig->packet_count, 0);
	c = rig_commit(rig, 0);
	assert_string_equal(ADDR_TEXT(&c.good.care_of), RIG_CARE_OF);
	ba = answer(rig);
	assert_int_equal(ba.sequence, 2);
	assert_int_equal(ba.status, 0);
	assert_string_equal(ADDR_TEXT(&rig_binding(rig, RIG_HOME)->now.care_of), OTHER_CARE_OF);
	assert_int_equal(rig->packet_count, 0);
}

static void the_newest_one_wins(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;
	struct rig_commit c;

	for (uint16_t i = 1; i <= 4; i++) {
		bu = rig_bu(rig, 0, i);
		if (i == 4)
			bu.src = THIRD_CARE_OF;
		rig_send(rig, &bu);
	}
	rig_commit(rig, 0);
	assert_int_equal(answer(rig).sequence, 1);
	c = rig_commit(rig, 0);
	assert_string_equal(ADDR_TEXT(&c.to.care_of), THIRD_CARE_OF);
	assert_int_equal(answer(rig).sequence, 4);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "bu_superseded"), 2);
}

static void copy_of_one_in_progress_is_absorbed(void **state)
{
	struct rig *rig = *state;
	struct rig_bu first = rig_bu(rig, 0, 1), second = rig_bu(rig, 0, 2);

	rig_send(rig, &first);
	rig_send(rig, &first);
	rig_send(rig, &second);
	rig_send(rig, &second);
	assert_int_equal(rig_counter(rig, "drop_bu_repeated"), 2);
	rig_commit(rig, 0);
	rig_commit(rig, 0);
	assert_int_equal(rig->packet_count, 2);
	assert_int_equal(rig->commit_count, 0);
}

static void failed_first_registration_leaves_nothing(void **state)
{
	static const struct {
		int error;
		uint8_t status;
		const char *counter;
	} rows[] = {
		{-EIO, STATUS_BA_RESOURCES, "commit_store"},
		{-ENOTCONN, STATUS_BA_RESOURCES, "commit_no_data_plane"},
		{-ENOSPC, STATUS_BA_RESOURCES, "commit_table_full"},
		{-ETIMEDOUT, STATUS_BA_RESOURCES, "commit_timeout"},
		{-EPROTO, STATUS_BA_UNSPECIFIED, "commit_other"},
	};
	struct rig *rig = *state;

	for (uint16_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct rig_bu bu = rig_bu(rig, 0, i + 1);

		rig_send(rig, &bu);
		rig_commit(rig, rows[i].error);
		assert_int_equal(rig_status(rig), rows[i].status);
		assert_int_equal(rig_counter(rig, rows[i].counter), 1);
		assert_null(rig_binding(rig, RIG_HOME));
		assert_int_equal(signalling_live(rig->s), 0);
		assert_int_equal(rig->commit_count, 0);
	}
	rig_bound(rig, 0, 100);
}

static void commit_that_does_not_start(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig->commit_refusal = -ENOMEM;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	assert_null(rig_binding(rig, RIG_HOME));
	rig->commit_refusal = 0;
	rig_bound(rig, 0, 2);
}

static void failed_move_leaves_what_was(void **state)
{
	struct rig *rig = *state;
	struct binding_record before;
	struct rig_bu bu;

	rig_bound(rig, 0, 1);
	before = rig_binding(rig, RIG_HOME)->now;
	bu = rig_bu(rig, 0, 2);
	bu.src = OTHER_CARE_OF;
	rig_send(rig, &bu);
	rig_commit(rig, -ETIMEDOUT);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	assert_memory_equal(&rig_binding(rig, RIG_HOME)->now, &before, sizeof(before));
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
	assert_int_equal(signalling_live(rig->s), 1);
	rig_wait_ms(rig, 40001); /* and it ends when it would have */
	assert_int_equal(rig->commits[0].to.life, BINDING_DELETED);
	assert_string_equal(ADDR_TEXT(&rig->commits[0].good.care_of), RIG_CARE_OF);
}

static void failed_first_does_not_harm_the_second(void **state)
{
	struct rig *rig = *state;
	struct rig_bu first = rig_bu(rig, 0, 1), second = rig_bu(rig, 0, 2);
	struct rig_commit c;

	rig_send(rig, &first);
	rig_send(rig, &second);
	rig_commit(rig, -ETIMEDOUT);
	assert_int_equal(answer(rig).status, STATUS_BA_RESOURCES);
	c = rig_commit(rig, 0);
	assert_int_equal(c.good.life, BINDING_NONE);
	assert_int_equal(answer(rig).status, 0);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
}

static void failed_deregistration_keeps_the_binding(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_bound(rig, 0, 1);
	bu = rig_bu(rig, 0, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, -EIO);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
}

static void registration_then_deregistration_in_flight(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig_send(rig, &bu);
	bu = rig_bu(rig, 0, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	rig_commit(rig, 0);
	assert_int_equal(answer(rig).status, 0);
	assert_int_equal(answer(rig).status, 0);
	assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_DELETED);
	assert_int_equal(signalling_live(rig->s), 0);
}

static void end_of_a_binding_that_was_not_made(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig_send(rig, &bu);
	bu = rig_bu(rig, 0, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, -ENOSPC);
	assert_int_equal(answer(rig).status, STATUS_BA_RESOURCES);
	assert_int_equal(answer(rig).status, STATUS_BA_NOT_HOME_AGENT);
	assert_null(rig_binding(rig, RIG_HOME));
}

static void subscriber_deleted_meanwhile(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig_send(rig, &bu);
	rig_subscriber_del(rig, 0);
	rig_commit(rig, 0);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "bu_subscriber_gone"), 1);
}

static unsigned done_calls;
static int done_error;

static void done(void *context, int error)
{
	assert_ptr_equal(context, &done_calls);
	done_calls++;
	done_error = error;
}

static void clear_ends_a_binding(void **state)
{
	struct rig *rig = *state;
	struct in6_addr home = rig_addr(RIG_HOME);
	struct rig_commit c;

	done_calls = 0;
	assert_int_equal(signalling_clear(rig->s, &home, 0, done, &done_calls), 0);
	rig_bound(rig, 0, 1);
	assert_int_equal(signalling_clear(rig->s, &home, 0, done, &done_calls), 1);
	assert_int_equal(done_calls, 0);
	c = rig_commit(rig, 0);
	assert_int_equal(c.to.life, BINDING_DELETED);
	assert_int_equal(done_calls, 1);
	assert_int_equal(done_error, 0);
	assert_int_equal(last_event(rig).kind, SIGNALLING_CLEARED);
	assert_int_equal(rig->packet_count, 1); /* the revocation */
	assert_int_equal(signalling_clear(rig->s, &home, 0, done, &done_calls), 0);
}

static void clear_tells_of_a_failure(void **state)
{
	struct rig *rig = *state;
	struct in6_addr home = rig_addr(RIG_HOME);

	done_calls = 0;
	rig_bound(rig, 0, 1);
	assert_int_equal(signalling_clear(rig->s, &home, 0, done, &done_calls), 1);
	rig_commit(rig, -EIO);
	assert_int_equal(done_calls, 1);
	assert_int_equal(done_error, -EIO);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
}

static void clear_is_not_overtaken(void **state)
{
	struct rig *rig = *state;
	struct in6_addr home = rig_addr(RIG_HOME);
	struct rig_bu bu;

	done_calls = 0;
	rig_bound(rig, 0, 1);
	bu = rig_bu(rig, 0, 2);
	rig_send(rig, &bu);
	assert_int_equal(signalling_clear(rig->s, &home, 0, done, &done_calls), 1);
	bu = rig_bu(rig, 0, 3);
	rig_send(rig, &bu);
	assert_int_equal(rig_counter(rig, "drop_bu_busy"), 1);
	assert_int_equal(signalling_clear(rig->s, &home, 0, done, &done_calls), -EBUSY);
	rig_commit(rig, 0);
	assert_int_equal(answer(rig).sequence, 2);
	rig_commit(rig, 0);
	assert_int_equal(done_calls, 1);
	assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_DELETED);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(registration),
		T(lifetime_of_the_subscriber),
		T(refresh_and_move),
		T(deregistration_is_remembered_for_a_while),
		T(second_deregistration),
		T(registration_after_deregistration),
		T(two_in_flight_are_answered_in_order),
		T(the_newest_one_wins),
		T(copy_of_one_in_progress_is_absorbed),
		T(failed_first_registration_leaves_nothing),
		T(commit_that_does_not_start),
		T(failed_move_leaves_what_was),
		T(failed_first_does_not_harm_the_second),
		T(failed_deregistration_keeps_the_binding),
		T(registration_then_deregistration_in_flight),
		T(end_of_a_binding_that_was_not_made),
		T(subscriber_deleted_meanwhile),
		T(clear_ends_a_binding),
		T(clear_tells_of_a_failure),
		T(clear_is_not_overtaken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
