/* The tests of a Proxy Binding Update, and what is answered (RFC 5213, 5.3.1, 5.3.6 and 5.5). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "lma_rig.h"

static void registers_a_node(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_commit commit;
	struct lma_rig_answer a;

	(void)state;
	pbu.sequence = 4711;
	pbu.link_local = "::";
	lma_rig_send(rig, &pbu);
	assert_int_equal(rig->answer_count, 0);
	commit = lma_rig_commit(rig, 0);
	assert_int_equal(commit.good.life, SESSION_NONE);
	assert_int_equal(commit.to.life, SESSION_LIVE);
	assert_int_equal(commit.to.access, CODES_ACCESS_IEEE_802_11);
	assert_int_equal(commit.to.expires_ns - commit.to.updated_ns, 40 * CLOCK_NS_PER_S);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_int_equal(a.flags, FLAGS_BA_P);
	assert_int_equal(a.sequence, 4711);
	assert_int_equal(a.lifetime, 10);
	assert_true(a.authentic);
	assert_string_equal(a.mn_id, LMA_RIG_NODE);
	assert_int_equal(a.prefix_count, 2);
	assert_true(session_has_prefixes(&commit.to, a.prefixes, a.prefix_count));
	assert_int_equal(a.handoff, pbu.handoff);
	assert_int_equal(a.access, pbu.access);
	assert_true(a.has_link_id);
	assert_int_equal(a.timestamp, clock_48_16_from_ns(rig->real));
	/* RFC 6543, 4: fe80:: and the EUI-64 of 00-00-5E-00-52-13 */
	const struct in6_addr reserved = lma_rig_addr("fe80::200:5eff:fe00:5213");

	assert_true(addr_equal(&a.link_local, &reserved));
	assert_int_equal(lma_live(rig->lma), 1);
}

static void answers_only_the_options_that_were_there(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_answer a;

	(void)state;
	rig->config.timestamps = false;
	lma_rig_restart(rig);
	pbu.link_id = NULL;
	pbu.stamped = false;
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_false(a.has_link_id || a.has_timestamp || a.has_link_local);
}

static void lifetimes_are_cut(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	pbu.lifetime = 65535;
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).lifetime, 10);
	pbu.mn_id = LMA_RIG_ANY;
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).lifetime, 105);
}

/* A message that is refused: its answer repeats what it said (5.3.6). */
static void a_refusal_repeats_the_request(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_answer a;

	(void)state;
	pbu.mn_id = LMA_RIG_DISABLED;
	pbu.prefixes[0] = "2001:db8:7::/64";
	pbu.prefixes[1] = "::/0";
	pbu.link_local = "fe80::7";
	lma_rig_send(rig, &pbu);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_PROXY_NOT_ENABLED);
	assert_true(a.authentic);
	assert_string_equal(a.mn_id, LMA_RIG_DISABLED);
	assert_int_equal(a.prefix_count, 2);
	assert_int_equal(a.prefixes[0].len, 64);
	assert_true(addr_is_unspecified(&a.prefixes[1].addr));
	assert_int_equal(a.link_local.s6_addr[15], 7);
	assert_int_equal(a.lifetime, 0);
}

static void a_refusal_has_the_mandatory_options(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_answer a;

	(void)state;
	pbu.mn_id = NULL;
	pbu.prefixes[0] = NULL;
	pbu.handoff = pbu.access = -1;
	lma_rig_send(rig, &pbu);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_MISSING_MN_ID);
	assert_string_equal(a.mn_id, "");
	assert_int_equal(a.prefix_count, 1);
	assert_true(addr_is_unspecified(&a.prefixes[0].addr));
	assert_int_equal(a.handoff, 0);
	assert_int_equal(a.access, 0);
}

/* Each status, by one thing that is wrong. */
static void every_fault_has_its_status(void **state)
{
	struct lma_rig_pbu good = lma_rig_pbu(), pbu;

	(void)state;
#define ASSERT_STATUS(wanted, ...)                                                                 \
	do {                                                                                       \
		pbu = good;                                                                        \
		__VA_ARGS__;                                                                       \
		assert_int_equal(lma_rig_status(rig, &pbu), wanted);                               \
	} while (0)
	ASSERT_STATUS(STATUS_BA_PROXY_NOT_ENABLED, pbu.mn_id = LMA_RIG_DISABLED);
	ASSERT_STATUS(STATUS_BA_NOT_LMA, pbu.mn_id = "stranger@example.com");
	ASSERT_STATUS(STATUS_BA_MAG_NOT_AUTHORIZED, pbu.src = "2001:db8:c::1");
	ASSERT_STATUS(STATUS_BA_MAG_NOT_AUTHORIZED, pbu.alternate = LMA_RIG_MAG2);
	ASSERT_STATUS(STATUS_BA_HNP_NOT_AUTHORIZED, pbu.prefixes[0] = "2001:db8:9::/64");
	ASSERT_STATUS(STATUS_BA_HNP_NOT_AUTHORIZED, pbu.prefixes[0] = "2001:db8:200::/64");
	ASSERT_STATUS(STATUS_BA_TIMESTAMP_MISMATCH, pbu.stamp_offset_ms = 301);
	ASSERT_STATUS(STATUS_BA_TIMESTAMP_MISMATCH, pbu.stamp_offset_ms = -301);
	ASSERT_STATUS(STATUS_BA_TIMESTAMP_MISMATCH, pbu.stamped = false);
	ASSERT_STATUS(STATUS_BA_MISSING_HNP, pbu.prefixes[0] = NULL);
	ASSERT_STATUS(STATUS_BA_MISSING_MN_ID, pbu.mn_id = NULL);
	ASSERT_STATUS(STATUS_BA_MISSING_HANDOFF, pbu.handoff = -1);
	ASSERT_STATUS(STATUS_BA_MISSING_ACCESS_TECH, pbu.access = -1);
	ASSERT_STATUS(STATUS_BA_AUTH_FAIL, pbu.wrong_key = true);
	ASSERT_STATUS(STATUS_BA_PROHIBITED, pbu.flags |= FLAGS_BU_D);
	ASSERT_STATUS(STATUS_BA_UNSPECIFIED, pbu.link_id = "longer than twenty octets");
	ASSERT_STATUS(STATUS_BA_ACCEPTED, pbu.stamp_offset_ms = 299);
#undef ASSERT_STATUS
}

static void what_is_not_authenticated_is_not_answered(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	pbu.unsigned_ = true;
	lma_rig_send(rig, &pbu);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_auth_absent"), 1);
	pbu.unsigned_ = false;
	pbu.spi = 1001;
	lma_rig_send(rig, &pbu);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_spi"), 1);
	lma_rig_silent(rig);
}

static void strangers_are_not_answered_without_end(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	pbu.src = "2001:db8:c::1";
	for (int i = 0; i < 2; i++) {
		lma_rig_send(rig, &pbu);
		assert_false(lma_rig_answer(rig).authentic);
	}
	lma_rig_send(rig, &pbu);
	lma_rig_silent(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_stranger"), 1);
	lma_rig_wait_ms(rig, 500);
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_MAG_NOT_AUTHORIZED);
}

static void another_address_of_the_gateway_may_be_the_care_of_address(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	const struct in6_addr other = lma_rig_addr(LMA_RIG_MAG1_OTHER);
	const struct in6_addr source = lma_rig_addr(LMA_RIG_MAG1);
	struct lma_rig_commit commit;
	struct lma_rig_answer a;

	(void)state;
	pbu.alternate = LMA_RIG_MAG1_OTHER;
	lma_rig_send(rig, &pbu);
	commit = lma_rig_commit(rig, 0);
	assert_true(addr_equal(&commit.to.care_of, &other));
	a = lma_rig_answer(rig);
	assert_true(addr_equal(&a.dst, &source));
	assert_true(a.authentic);
}

static void messages_without_p_are_not_for_an_anchor(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	pbu.flags = FLAGS_BU_A | FLAGS_BU_H;
	lma_rig_send(rig, &pbu);
	lma_rig_silent(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_not_proxy"), 1);
}

static void a_timestamp_must_be_later_than_the_last(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_answer a;

	(void)state;
	pbu.stamp_offset_ms = 100;
	lma_rig_bound(rig, &pbu);
	pbu.stamp_offset_ms = 0;
	lma_rig_send(rig, &pbu);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_TIMESTAMP_LOWER);
	assert_int_equal(a.timestamp, clock_48_16_from_ns(rig->real));
	pbu.stamp_offset_ms = 101;
	pbu.sequence = 0; /* does not count */
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
}

/* Who does not know the key gets no signature of ours, and few answers. */
static void forgeries_are_answered_unsigned_and_seldom(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	pbu.wrong_key = true;
	for (int i = 0; i < 2; i++) {
		struct lma_rig_answer a;

		lma_rig_send(rig, &pbu);
		a = lma_rig_answer(rig);
		assert_int_equal(a.status, STATUS_BA_AUTH_FAIL);
		assert_false(a.authentic);
	}
	lma_rig_send(rig, &pbu);
	lma_rig_silent(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_stranger"), 1);
}

static void without_timestamps_the_sequence_counts(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_answer a;

	(void)state;
	rig->config.timestamps = false;
	lma_rig_restart(rig);
	pbu.stamped = false;
	pbu.sequence = 65535;
	lma_rig_bound(rig, &pbu);
	lma_rig_send(rig, &pbu);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_SEQUENCE);
	assert_int_equal(a.sequence, 65535);
	pbu.sequence = 0;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
}

static void a_copy_of_what_is_under_way_is_dropped(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	lma_rig_send(rig, &pbu);
	pbu.stamp_offset_ms = -1; /* the clock has gone on */
	lma_rig_send(rig, &pbu);
	assert_int_equal(lma_rig_counter(rig, "lma_drop_repeated"), 1);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	lma_rig_silent(rig);
}

static void a_change_that_fails_is_refused(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, -ETIMEDOUT);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_RESOURCES);
	assert_int_equal(session_cache_count(lma_cache(rig->lma)), 0);
	rig->commit_refusal = -ENOMEM;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_RESOURCES);
	rig->commit_refusal = 0;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, -EIO);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_RESOURCES);
	assert_int_equal(lma_live(rig->lma), 1);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, lma_rig_setup, lma_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(registers_a_node),
		TEST(answers_only_the_options_that_were_there),
		TEST(lifetimes_are_cut),
		TEST(a_refusal_repeats_the_request),
		TEST(a_refusal_has_the_mandatory_options),
		TEST(every_fault_has_its_status),
		TEST(what_is_not_authenticated_is_not_answered),
		TEST(strangers_are_not_answered_without_end),
		TEST(another_address_of_the_gateway_may_be_the_care_of_address),
		TEST(messages_without_p_are_not_for_an_anchor),
		TEST(a_timestamp_must_be_later_than_the_last),
		TEST(forgeries_are_answered_unsigned_and_seldom),
		TEST(without_timestamps_the_sequence_counts),
		TEST(a_copy_of_what_is_under_way_is_dropped),
		TEST(a_change_that_fails_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
