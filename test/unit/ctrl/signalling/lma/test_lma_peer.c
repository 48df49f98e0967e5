/* By which of its addresses an anchor speaks to a gateway that has several bindings (RFC 8278), and
 * what it says of their end. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "lma_rig.h"

enum { INTERVAL_MS = 1000 };

static struct {
	unsigned calls;
	enum notice_end end;
} outcome;

static int setup(void **state)
{
	lma_rig_setup(state);
	rig->config.heartbeat_ms = INTERVAL_MS;
	rig->config.heartbeats_missed = 3;
	lma_rig_restart(rig);
	memset(&outcome, 0, sizeof(outcome));
	return 0;
}

static struct lma_rig_pbu path_pbu(uint8_t bid)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.src = bid == 1 ? LMA_RIG_MAG1 : LMA_RIG_MAG1_OTHER;
	pbu.has_multipath = true;
	pbu.multipath = (struct option_mag_multipath){
		.bid = bid, .label = bid, .access = CODES_ACCESS_IEEE_802_11};
	pbu.mag_id = "mag1@example.org";
	return pbu;
}

static void bind_by(uint8_t bid)
{
	const struct lma_rig_pbu pbu = path_pbu(bid);

	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
}

static bool is(struct in6_addr address, const char *text)
{
	const struct in6_addr expected = lma_rig_addr(text);

	return addr_equal(&address, &expected);
}

static void answer_heartbeat(const char *from)
{
	struct mh mh = {.type = MH_HEARTBEAT,
		.heartbeat = {.flags = FLAGS_HEARTBEAT_R, .sequence = rig->beat_sequence}};

	option_add(&mh, OPTION_RESTART_COUNTER)->restart_counter.counter = 1;
	lma_rig_say(rig, from, &mh);
}

static void heartbeats_go_where_it_is_heard(void **state)
{
	(void)state;
	lma_rig_wait_ms(rig, INTERVAL_MS);
	assert_int_equal(rig->heartbeats, 0);
	bind_by(1);
	bind_by(2); /* the newest */
	lma_rig_wait_ms(rig, INTERVAL_MS);
	assert_true(is(rig->beat_to, LMA_RIG_MAG1_OTHER));
	/* No answer: by the other, and there it stays. */
	lma_rig_wait_ms(rig, INTERVAL_MS);
	assert_true(is(rig->beat_to, LMA_RIG_MAG1));
	answer_heartbeat(LMA_RIG_MAG1);
	assert_int_equal(lma_peer_heartbeat(rig->lma, 0)->state, HEARTBEAT_REACHABLE);
	for (unsigned i = 0; i < 3; i++) {
		lma_rig_wait_ms(rig, INTERVAL_MS);
		assert_true(is(rig->beat_to, LMA_RIG_MAG1));
		answer_heartbeat(LMA_RIG_MAG1);
	}
	assert_int_equal(lma_rig_counter(rig, "lma_gateway_lost"), 0);
}

static void an_address_without_binding_is_not_tried(void **state)
{
	(void)state;
	bind_by(2);
	for (unsigned i = 0; i < 4; i++) {
		lma_rig_wait_ms(rig, INTERVAL_MS);
		assert_true(is(rig->beat_to, LMA_RIG_MAG1_OTHER));
	}
	assert_int_equal(rig->heartbeats, 4);
}

static void noticed(void *context, int error, enum notice_end end, uint8_t status)
{
	(void)context;
	assert_int_equal(error, 0);
	assert_int_equal(status, 0);
	outcome.end = end;
	outcome.calls++;
}

static void what_is_not_answered_goes_by_another_way(void **state)
{
	struct mh answer = {.type = MH_UPA};

	(void)state;
	bind_by(1);
	bind_by(2);
	lma_renew(rig->lma, session_cache_next(lma_cache(rig->lma), NULL), noticed, NULL);
	assert_true(is(rig->said_to, LMA_RIG_MAG1_OTHER));
	assert_int_equal(rig->notifications, 1);
	while (rig->notifications == 1)
		lma_rig_wait_ms(rig, 1);
	assert_true(is(rig->said_to, LMA_RIG_MAG1));
	answer.upa.sequence = rig->said_sequence;
	lma_rig_say(rig, LMA_RIG_MAG1, &answer);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.end, NOTICE_ANSWERED);
}

static void an_answer_by_the_first_way_is_one(void **state)
{
	struct mh answer = {.type = MH_REVOCATION,
		.revocation = {
			.type = CODES_REVOCATION_ACKNOWLEDGEMENT, .flags = FLAGS_REVOCATION_P}};

	(void)state;
	bind_by(1);
	bind_by(2);
	assert_int_equal(
		lma_revoke(rig->lma, session_cache_next(lma_cache(rig->lma), NULL), noticed, NULL),
		0);
	assert_true(is(rig->said_to, LMA_RIG_MAG1_OTHER));
	answer.revocation.sequence = rig->said_sequence;
	lma_rig_say(rig, LMA_RIG_MAG1_OTHER, &answer);
	lma_rig_commit(rig, 0);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.end, NOTICE_ANSWERED);
}

/* Its session has not ended by the time that it was asked to, and never will. */
static void a_revocation_that_fails_at_once_is_partial(void **state)
{
	struct mh indication = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_INDICATION,
			.trigger = CODES_BRI_ADMINISTRATIVE,
			.flags = FLAGS_REVOCATION_P}};
	struct mh_option *o = option_add(&indication, OPTION_MN_ID);

	(void)state;
	bind_by(1);
	o->mn_id.subtype = OPTION_MN_ID_NAI;
	o->mn_id.id.at = (const uint8_t *)LMA_RIG_NODE;
	o->mn_id.id.len = (uint8_t)strlen(LMA_RIG_NODE);
	option_add(&indication, OPTION_TIMESTAMP)->timestamp.time = clock_48_16_from_ns(rig->real);
	rig->commit_refusal = -ENOMEM;
	lma_rig_say(rig, LMA_RIG_MAG1, &indication);
	assert_int_equal(rig->notifications, 1);
	assert_int_equal(rig->said_status, CODES_BRA_PARTIAL);
	assert_int_equal(lma_live(rig->lma), 1);
}

/* Heartbeats that are copies of old ones have no effect (RFC 4285 protects no Heartbeat from it).
 */
static void old_heartbeats_are_counted(void **state)
{
	struct mh restarted = {.type = MH_HEARTBEAT,
		.heartbeat = {.flags = FLAGS_HEARTBEAT_R | FLAGS_HEARTBEAT_U}};

	(void)state;
	bind_by(1);
	lma_rig_wait_ms(rig, INTERVAL_MS);
	answer_heartbeat(LMA_RIG_MAG1);
	answer_heartbeat(LMA_RIG_MAG1);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_unmatched"), 1);
	option_add(&restarted, OPTION_RESTART_COUNTER)->restart_counter.counter = 0;
	lma_rig_say(rig, LMA_RIG_MAG1, &restarted);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_replay"), 1);
	assert_int_equal(lma_rig_counter(rig, "lma_gateway_restarted"), 0);
	assert_int_equal(lma_live(rig->lma), 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, lma_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(heartbeats_go_where_it_is_heard),
		TEST(an_address_without_binding_is_not_tried),
		TEST(what_is_not_answered_goes_by_another_way),
		TEST(an_answer_by_the_first_way_is_one),
		TEST(a_revocation_that_fails_at_once_is_partial),
		TEST(old_heartbeats_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
