/* Sessions: which one an update is about (RFC 5213, 5.4.1), and how they end (5.3.5). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "lma_rig.h"

static size_t sessions(void)
{
	return session_cache_count(lma_cache(rig->lma));
}

/* The same node at the second gateway, which does not know its prefixes. */
static struct lma_rig_pbu handover(void)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.src = LMA_RIG_MAG2;
	pbu.handoff = CODES_HANDOFF_OTHER_MAG;
	return pbu;
}

static void assert_same(const struct prefix6 *a, const struct prefix6 *b)
{
	assert_int_equal(prefix6_compare(a, b), 0);
}

static void a_handover_keeps_the_prefixes(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover();
	struct prefix6 before = lma_rig_bound(rig, &pbu), after = lma_rig_bound(rig, &other);

	(void)state;
	assert_same(&before, &after);
	assert_int_equal(sessions(), 1);
	assert_int_equal(lma_rig_counter(rig, "lma_handed_over"), 1);
	assert_int_equal(rig->events[1].kind, LMA_HANDED_OVER);
}

/* RFC 5213, 5.4.1.2: interface and access technology decide, whatever the indicator says. */
static void a_known_interface_is_the_same_session(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), again = handover();
	struct prefix6 before = lma_rig_bound(rig, &pbu), after;

	(void)state;
	again.handoff = CODES_HANDOFF_NEW_INTERFACE;
	after = lma_rig_bound(rig, &again);
	assert_same(&before, &after);
}

static void each_interface_has_a_session(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct prefix6 first = lma_rig_bound(rig, &pbu), second, third;

	(void)state;
	pbu.link_id = "lte000";
	second = lma_rig_bound(rig, &pbu);
	assert_int_not_equal(prefix6_compare(&first, &second), 0);
	pbu.access = CODES_ACCESS_E_UTRAN;
	third = lma_rig_bound(rig, &pbu);
	assert_int_not_equal(prefix6_compare(&second, &third), 0);
	assert_int_equal(sessions(), 3);
}

/* Handoff between two interfaces: the only session moves to the other one. */
static void a_session_moves_to_another_interface(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover();
	struct prefix6 before = lma_rig_bound(rig, &pbu), after;

	(void)state;
	other.handoff = CODES_HANDOFF_OTHER_INTERFACE;
	other.link_id = "lte000";
	other.access = CODES_ACCESS_E_UTRAN;
	after = lma_rig_bound(rig, &other);
	assert_same(&before, &after);
	assert_int_equal(sessions(), 1);
	/* It is known by its new interface now. */
	other.handoff = CODES_HANDOFF_OTHER_MAG;
	after = lma_rig_bound(rig, &other);
	assert_same(&before, &after);
}

static void of_several_sessions_none_moves(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover();

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu.link_id = "lte000";
	lma_rig_bound(rig, &pbu);
	other.handoff = CODES_HANDOFF_OTHER_INTERFACE;
	other.link_id = "eth000";
	lma_rig_bound(rig, &other);
	assert_int_equal(sessions(), 3);
}

/* 5.4.1.3: neither prefix nor interface is named. */
static void by_identifier_alone(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover();
	struct prefix6 before, after;

	(void)state;
	pbu.link_id = other.link_id = NULL;
	before = lma_rig_bound(rig, &pbu);
	after = lma_rig_bound(rig, &other);
	assert_same(&before, &after);
	other.handoff = CODES_HANDOFF_NEW_INTERFACE;
	after = lma_rig_bound(rig, &other);
	assert_int_not_equal(prefix6_compare(&before, &after), 0);
	assert_int_equal(sessions(), 2);
}

/* 5.4.1.1: prefixes are named. */
static void by_prefix(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), again = handover(), stranger;
	char texts[2][PREFIX6_STRLEN];
	struct lma_rig_answer a;

	(void)state;
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	for (int i = 0; i < 2; i++)
		again.prefixes[i] = prefix6_format(texts[i], &a.prefixes[1 - i]);
	assert_int_equal(lma_rig_status(rig, &again), STATUS_BA_ACCEPTED);
	assert_int_equal(sessions(), 1);
	stranger = again;
	stranger.mn_id = LMA_RIG_ANY;
	assert_int_equal(lma_rig_status(rig, &stranger), STATUS_BA_HNP_NOT_AUTHORIZED);
	again.prefixes[1] = NULL;
	assert_int_equal(lma_rig_status(rig, &again), STATUS_BA_PREFIX_SET);
	again.prefixes[1] = again.prefixes[0];
	assert_int_equal(lma_rig_status(rig, &again), STATUS_BA_PREFIX_SET);
	/* Another interface cannot take what one has, unless it says that it is a handoff. */
	again.prefixes[1] = texts[1];
	again.link_id = "lte000";
	again.src = LMA_RIG_MAG1;
	assert_int_equal(lma_rig_status(rig, &again), STATUS_BA_HNP_NOT_AUTHORIZED);
	again.handoff = CODES_HANDOFF_OTHER_INTERFACE;
	assert_int_equal(lma_rig_status(rig, &again), STATUS_BA_ACCEPTED);
	assert_int_equal(sessions(), 1);
}

static void a_prefix_of_the_pool_may_be_asked_for(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	const struct prefix6 wanted = lma_rig_prefix("2001:db8:100:77::/64");
	struct prefix6 got;

	(void)state;
	pbu.prefixes[0] = "2001:db8:100:77::/64";
	got = lma_rig_bound(rig, &pbu);
	assert_same(&got, &wanted);
}

static void a_node_gets_its_own_prefix(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	const struct prefix6 own = lma_rig_prefix("2001:db8:f::/64");
	struct prefix6 got;

	(void)state;
	pbu.mn_id = LMA_RIG_FIXED;
	got = lma_rig_bound(rig, &pbu);
	assert_same(&got, &own);
	pbu.link_id = "second";
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_RESOURCES);
}

static void an_empty_pool_is_told(void **state)
{
	static const char *const names[] = {"a@example.net", "b@example.net", "c@example.net"};
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	for (int i = 0; i < 3; i++) {
		pbu.mn_id = names[i];
		assert_int_equal(lma_rig_status(rig, &pbu),
			i < 2 ? STATUS_BA_ACCEPTED : STATUS_BA_RESOURCES);
	}
	assert_int_equal(lma_rig_counter(rig, "lma_pool_empty"), 1);
}

static void sessions_are_limited(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	char link_id[8];

	(void)state;
	pbu.link_id = link_id;
	for (unsigned i = 0; i <= rig->config.max_sessions; i++) {
		snprintf(link_id, sizeof(link_id), "if%u", i);
		assert_int_equal(lma_rig_status(rig, &pbu),
			i < rig->config.max_sessions ? STATUS_BA_ACCEPTED : STATUS_BA_RESOURCES);
	}
	assert_int_equal(lma_rig_counter(rig, "lma_full"), 1);
}

/* RFC 5213, 5.3.5: prefixes are kept for a while, without forwarding. */
static void a_deregistered_node_can_come_back(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), end = pbu, back = handover();
	struct prefix6 before = lma_rig_bound(rig, &pbu), after;
	struct lma_rig_commit commit;
	struct lma_rig_answer a;

	(void)state;
	end.lifetime = 0;
	lma_rig_send(rig, &end);
	commit = lma_rig_commit(rig, 0);
	assert_int_equal(commit.to.life, SESSION_ENDING);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_int_equal(a.lifetime, 0);
	assert_int_equal(a.prefix_count, 2);
	assert_int_equal(lma_live(rig->lma), 0);
	lma_rig_wait_ms(rig, 9000);
	after = lma_rig_bound(rig, &back);
	assert_same(&before, &after);
	lma_rig_wait_ms(rig, 5000);
	lma_rig_silent(rig);
}

static void prefixes_return_to_the_pool_after_the_delay(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), end = pbu;
	struct lma_pool_state pool;

	(void)state;
	lma_rig_bound(rig, &pbu);
	end.lifetime = 0;
	assert_int_equal(lma_rig_status(rig, &end), STATUS_BA_ACCEPTED);
	lma_rig_wait_ms(rig, 9990);
	lma_rig_silent(rig);
	assert_true(lma_pool_state(rig->lma, 0, &pool));
	assert_int_equal(pool.used, 2);
	lma_rig_wait_ms(rig, 20);
	assert_int_equal(lma_rig_commit(rig, -EIO).to.life, SESSION_NONE);
	assert_true(lma_pool_state(rig->lma, 0, &pool));
	assert_int_equal(pool.used, 2);
	lma_rig_wait_ms(rig, 1010);
	lma_rig_commit(rig, 0);
	assert_true(lma_pool_state(rig->lma, 0, &pool));
	assert_int_equal(pool.used, 0);
	assert_int_equal(sessions(), 0);
}

static void the_gateway_before_cannot_end_it(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover(), end = pbu;

	(void)state;
	lma_rig_bound(rig, &pbu);
	lma_rig_send(rig, &other);
	end.lifetime = 0;
	lma_rig_send(rig, &end); /* while the handover is under way */
	assert_int_equal(rig->commit_count, 1);
	lma_rig_commit(rig, 0);
	lma_rig_answer(rig);
	lma_rig_send(rig, &end); /* and after it */
	lma_rig_silent(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_ignored_other_gateway"), 2);
}

static void what_is_not_there_is_not_ended(void **state)
{
	struct lma_rig_pbu end = lma_rig_pbu();

	(void)state;
	end.lifetime = 0;
	lma_rig_send(rig, &end);
	end.prefixes[0] = "2001:db8:100::/64";
	lma_rig_send(rig, &end);
	lma_rig_silent(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_ignored_no_session"), 2);
}

static void a_session_expires(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	lma_rig_bound(rig, &pbu);
	lma_rig_wait_ms(rig, 39990);
	lma_rig_silent(rig);
	lma_rig_wait_ms(rig, 20);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_NONE);
	assert_int_equal(sessions(), 0);
	assert_int_equal(rig->events[1].kind, LMA_EXPIRED);
}

/* 5.4.1.2, 4: handoff state unknown, and the gateway before says that the node has left. */
static void an_unknown_handoff_waits_for_the_end(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover(), end = pbu;
	struct prefix6 before = lma_rig_bound(rig, &pbu);
	struct lma_rig_answer a;

	(void)state;
	other.handoff = CODES_HANDOFF_UNKNOWN;
	other.link_id = "lte000";
	lma_rig_send(rig, &other);
	lma_rig_silent(rig);
	lma_rig_wait_ms(rig, 1000);
	end.lifetime = 0;
	lma_rig_send(rig, &end);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).lifetime, 0);
	lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_same(&a.prefixes[0], &before);
	assert_int_equal(sessions(), 1);
}

static void an_unknown_handoff_ends_in_a_new_session(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover();
	struct prefix6 before = lma_rig_bound(rig, &pbu);
	struct lma_rig_answer a;

	(void)state;
	other.handoff = CODES_HANDOFF_UNKNOWN;
	other.link_id = "lte000";
	lma_rig_send(rig, &other);
	lma_rig_wait_ms(rig, 1490);
	lma_rig_silent(rig);
	lma_rig_wait_ms(rig, 20);
	lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_int_not_equal(prefix6_compare(&a.prefixes[0], &before), 0);
	assert_int_equal(sessions(), 2);
}

/* What waited for a session that ends otherwise makes one of its own. */
static void what_waits_outlives_the_session(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover();
	struct session *session;

	(void)state;
	lma_rig_bound(rig, &pbu);
	other.handoff = CODES_HANDOFF_UNKNOWN;
	other.link_id = "lte000";
	lma_rig_send(rig, &other);
	session = session_cache_next(lma_cache(rig->lma), NULL);
	assert_int_equal(lma_clear(rig->lma, session, NULL, NULL), 0);
	assert_int_equal(lma_clear(rig->lma, session, NULL, NULL), -EALREADY);
	lma_rig_commit(rig, 0);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	assert_int_equal(sessions(), 1);
}

/* That the operator's wish failed does not shorten the session. */
static void clear_that_failed_ends_nothing(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct session *session;

	(void)state;
	lma_rig_bound(rig, &pbu);
	session = session_cache_next(lma_cache(rig->lma), NULL);
	assert_int_equal(lma_clear(rig->lma, session, NULL, NULL), 0);
	lma_rig_commit(rig, -EIO);
	lma_rig_wait_ms(rig, 5000);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(sessions(), 1);
}

static void requests_of_a_session_keep_their_order(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), other = handover(), third = pbu;

	(void)state;
	lma_rig_send(rig, &pbu);
	lma_rig_send(rig, &other);
	lma_rig_send(rig, &third); /* takes the place of the one that waits */
	assert_int_equal(rig->commit_count, 1);
	lma_rig_commit(rig, 0);
	lma_rig_answer(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_superseded"), 1);
	assert_true(addr_equal(&rig->commits[0].to.care_of, &rig->commits[0].good.care_of));
	lma_rig_commit(rig, 0);
	lma_rig_answer(rig);
	lma_rig_silent(rig);
}

/* After a restart: sessions are there, their prefixes are not given to others. */
static void prefixes_survive_a_restart(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu(), again = pbu;
	struct lma_rig_commit kept[2];
	struct prefix6 first, second, other;

	(void)state;
	pbu.mn_id = "a@example.net";
	lma_rig_send(rig, &pbu);
	kept[0] = lma_rig_commit(rig, 0);
	first = lma_rig_answer(rig).prefixes[0];
	lma_rig_send(rig, &again);
	kept[1] = lma_rig_commit(rig, 0);
	second = lma_rig_answer(rig).prefixes[0];
	kept[0].to.mn_id.octets = (const uint8_t *)"a@example.net";
	kept[1].to.mn_id.octets = (const uint8_t *)LMA_RIG_NODE;
	lma_rig_restart(rig);
	for (int i = 0; i < 2; i++)
		assert_int_equal(lma_restore(rig->lma, &kept[i].to), 0);
	assert_int_equal(lma_restore(rig->lma, &kept[1].to), -EEXIST);
	assert_int_equal(lma_live(rig->lma), 2);
	pbu.mn_id = "b@example.net";
	other = lma_rig_bound(rig, &pbu);
	assert_int_not_equal(prefix6_compare(&other, &first), 0);
	other = lma_rig_bound(rig, &again);
	assert_same(&other, &second);
	pbu.mn_id = "c@example.net";
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_RESOURCES);
	/* The timestamps of before count too. */
	again.stamp_offset_ms = -250;
	assert_int_equal(lma_rig_status(rig, &again), STATUS_BA_TIMESTAMP_LOWER);
}

static void what_ended_while_away_ends_at_once(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_commit kept;

	(void)state;
	lma_rig_send(rig, &pbu);
	kept = lma_rig_commit(rig, 0);
	lma_rig_answer(rig);
	kept.to.mn_id.octets = (const uint8_t *)LMA_RIG_NODE;
	lma_rig_restart(rig);
	rig->real += 60ull * 1000000000;
	assert_int_equal(lma_restore(rig->lma, &kept.to), 0);
	lma_rig_wait_ms(rig, 10);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_NONE);
	assert_int_equal(sessions(), 0);
}

/* The time of day was set back by an hour while the anchor was away. */
static void a_clock_set_back_gives_no_more_than_was_granted(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_commit kept;

	(void)state;
	lma_rig_send(rig, &pbu);
	kept = lma_rig_commit(rig, 0);
	lma_rig_answer(rig);
	kept.to.mn_id.octets = (const uint8_t *)LMA_RIG_NODE;
	lma_rig_restart(rig);
	rig->real -= 3600ull * 1000000000;
	assert_int_equal(lma_restore(rig->lma, &kept.to), 0);
	lma_rig_wait_ms(rig, 39 * 1000);
	lma_rig_silent(rig);
	lma_rig_wait_ms(rig, 2 * 1000);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_NONE);
	assert_int_equal(sessions(), 0);
}

/* The same for the prefixes of a deregistered node. */
static void a_clock_set_back_frees_prefixes_in_time(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_commit kept;

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu.lifetime = 0;
	lma_rig_send(rig, &pbu);
	kept = lma_rig_commit(rig, 0);
	assert_int_equal(kept.to.life, SESSION_ENDING);
	lma_rig_answer(rig);
	kept.to.mn_id.octets = (const uint8_t *)LMA_RIG_NODE;
	lma_rig_restart(rig);
	rig->real -= 3600ull * 1000000000;
	assert_int_equal(lma_restore(rig->lma, &kept.to), 0);
	lma_rig_wait_ms(rig, rig->config.delete_delay_ms + 1000);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_NONE);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, lma_rig_setup, lma_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_handover_keeps_the_prefixes),
		TEST(a_known_interface_is_the_same_session),
		TEST(each_interface_has_a_session),
		TEST(a_session_moves_to_another_interface),
		TEST(of_several_sessions_none_moves),
		TEST(by_identifier_alone),
		TEST(by_prefix),
		TEST(a_prefix_of_the_pool_may_be_asked_for),
		TEST(a_node_gets_its_own_prefix),
		TEST(an_empty_pool_is_told),
		TEST(sessions_are_limited),
		TEST(a_deregistered_node_can_come_back),
		TEST(prefixes_return_to_the_pool_after_the_delay),
		TEST(the_gateway_before_cannot_end_it),
		TEST(what_is_not_there_is_not_ended),
		TEST(a_session_expires),
		TEST(an_unknown_handoff_waits_for_the_end),
		TEST(an_unknown_handoff_ends_in_a_new_session),
		TEST(what_waits_outlives_the_session),
		TEST(clear_that_failed_ends_nothing),
		TEST(requests_of_a_session_keep_their_order),
		TEST(prefixes_survive_a_restart),
		TEST(what_ended_while_away_ends_at_once),
		TEST(a_clock_set_back_gives_no_more_than_was_granted),
		TEST(a_clock_set_back_frees_prefixes_in_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
