/* What is refused of several care-of addresses (RFC 5648, 4.4, 6.2 and 10): each has its status and
 * its counter. */
#include "bids_rig.h"

static void the_rest_of_a_bulk_is_registered_when_one_is_refused(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA1}, {.bid = 0, .coa = COA2},
		{.bid = 2, .coa = "ff02::1"}, {.bid = 3, .coa = RIG_HOME}, {.bid = 4},
		{.bid = 1, .coa = COA3}, {.bid = 5, .coa = COA3, .home = true});
	static const uint8_t statuses[] = {0, STATUS_BA_MCOA_MALFORMED, STATUS_BA_MCOA_MALFORMED,
		STATUS_BA_INVALID_COA, STATUS_BA_MCOA_UNKNOWN_COA, STATUS_BA_MCOA_MALFORMED,
		STATUS_BA_MCOA_SIMULTANEOUS};

	(void)state;
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_NOTCOMPLETE);
	assert_int_equal(ba.count, 7);
	for (unsigned i = 0; i < 7; i++) {
		assert_int_equal(ba.bids[i].bid, bu.bids[i].bid);
		assert_int_equal(ba.bids[i].status, statuses[i]);
	}
	assert_bids("1");
	assert_true(is_at(1, COA1));
	assert_int_equal(rig_counter(rig, "bid_zero"), 1);
	assert_int_equal(rig_counter(rig, "bid_address"), 1);
	assert_int_equal(rig_counter(rig, "bid_taken"), 1);
	assert_int_equal(rig_counter(rig, "bid_unknown"), 1);
	assert_int_equal(rig_counter(rig, "bid_repeated"), 1);
	assert_int_equal(rig_counter(rig, "bid_at_home"), 1);
	assert_int_equal(rig_counter(rig, "ba_partial"), 1);
}

static void a_single_refusal_stands_in_the_acknowledgement(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 4});

	(void)state;
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_UNKNOWN_COA);
	assert_int_equal(rig_counter(rig, "ba_refused_167"), 1);
	assert_int_equal(ba.count, 1);
	assert_int_equal(ba.bids[0].status, 0);
	assert_bids("");
	bu = BU(2, {.bid = 4, .coa = "ff02::1"}, {.bid = 0, .coa = COA1});
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_MALFORMED);
	assert_int_equal(ba.bids[0].status | ba.bids[1].status, 0);
	bu = BU(3, {.bid = 4}, {.bid = 0, .coa = COA1});
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_NOTCOMPLETE);
	assert_int_equal(ba.bids[0].status, STATUS_BA_MCOA_UNKNOWN_COA);
	assert_int_equal(ba.bids[1].status, STATUS_BA_MCOA_MALFORMED);
	assert_int_equal(ba.lifetime, 0);
	assert_int_equal(rig_counter(rig, "ba_refused_4"), 1);
	assert_null(rig_binding(rig, RIG_HOME));
}

static void a_wrong_length_refuses_the_whole(void **state)
{
	struct rig_bu bu = BU(2, {.bid = 1, .coa = COA3}, {.bid = 2, .coa = COA2});

	(void)state;
	bound();
	bu.bids[1].length = 6;
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_MALFORMED);
	assert_int_equal(ba.count, 2);
	assert_true(is_at(1, COA1));
	bu.sequence++;
	bu.timestamp++;
	bu.lifetime = 0;
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_MALFORMED);
	assert_bids("1 2");
	assert_int_equal(rig_counter(rig, "ba_refused_164"), 2);
}

static void what_policy_forbids_is_refused(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA1});

	(void)state;
	rig->config.multihoming.max = 0;
	rig_restart(rig);
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_PROHIBITED);
	assert_int_equal(rig_counter(rig, "ba_refused_166"), 1);
	rig->config.multihoming.max = 2;
	rig->config.multihoming.bulk = false;
	rig_restart(rig);
	bu = BU(2, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2});
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_BULK_PROHIBITED);
	assert_int_equal(rig_counter(rig, "ba_refused_168"), 1);
	assert_bids("");
	bu = BU(3, {.bid = 1, .coa = COA1});
	assert_int_equal(ask(&bu), 0);
	bu = BU(4, {.bid = 2, .coa = COA2});
	assert_int_equal(ask(&bu), 0);
	bu = BU(5, {.bid = 3, .coa = COA3});
	assert_int_equal(ask(&bu), STATUS_BA_RESOURCES);
	assert_int_equal(rig_counter(rig, "bid_limit"), 1);
	bu.flags |= FLAGS_BU_R;
	bu.sequence++;
	bu.timestamp++;
	assert_int_equal(ask(&bu), STATUS_BA_MOBILE_ROUTER);
	assert_int_equal(rig_counter(rig, "ba_refused_140"), 1);
	assert_bids("1 2");
}

static void a_new_care_of_address_is_verified_first(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2});

	(void)state;
	rig->config.multihoming.verify_first = true;
	rig_restart(rig);
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_BULK_PROHIBITED);
	bu = BU(2, {.bid = 1, .coa = COA1});
	assert_int_equal(ask(&bu), 0);
	bu = BU(3, {.bid = 2, .coa = COA2});
	assert_int_equal(ask(&bu), STATUS_BA_INVALID_COA);
	bu = BU(4, {.bid = 2, .coa = COA2});
	bu.src = COA2;
	assert_int_equal(ask(&bu), 0);
	bu = BU(5, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2}); /* both are known now */
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(rig_counter(rig, "bid_unverified"), 2);
}

/* What is wrong with an option is refused also when bindings end; the others end. */
static void malformed_options_end_nothing(void **state)
{
	struct rig_bu bu = BU(2, {.bid = 0}, {.bid = 1}, {.bid = 1}, {.bid = 9});
	static const uint8_t statuses[] = {
		STATUS_BA_MCOA_MALFORMED, 0, STATUS_BA_MCOA_MALFORMED, STATUS_BA_NOT_HOME_AGENT};

	(void)state;
	bound();
	bu.lifetime = 0;
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_NOTCOMPLETE);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(ba.bids[i].status, statuses[i]);
	assert_bids("2");
	assert_int_equal(rig_counter(rig, "bid_zero"), 1);
	assert_int_equal(rig_counter(rig, "bid_repeated"), 1);
	assert_int_equal(rig_counter(rig, "bid_unknown"), 1);
	assert_int_equal(rig_counter(rig, "ba_partial"), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_rest_of_a_bulk_is_registered_when_one_is_refused),
		TEST(a_single_refusal_stands_in_the_acknowledgement),
		TEST(a_wrong_length_refuses_the_whole),
		TEST(what_policy_forbids_is_refused),
		TEST(a_new_care_of_address_is_verified_first),
		TEST(malformed_options_end_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
