/* How many care-of addresses (RFC 5648) a subscriber may have that has limits of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "rig.h"
#include <cmocka.h>

static struct rig *rig;

static int open_rig(void **state)
{
	(void)state;
	rig = rig_new();
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_free(rig);
	return 0;
}

/* Registers BIDs 1 and 2, tells the status of the whole, and how many are bound then. */
static void ask(uint16_t sequence, uint8_t status, unsigned bound)
{
	struct rig_bu bu = rig_bu(rig, 0, sequence);
	const struct binding *b;
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	bu.flags |= FLAGS_BU_O;
	bu.bid_count = 2;
	bu.bids[0] = (struct rig_bid){.bid = 1, .coa = RIG_CARE_OF};
	bu.bids[1] = (struct rig_bid){.bid = 2, .coa = "2001:db8:b::6"};
	rig_send(rig, &bu);
	if (rig->commit_count)
		rig_commit(rig, 0);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(mh.ba.status, status);
	b = rig_binding(rig, RIG_HOME);
	assert_int_equal(b && binding_is_live(b) ? binding_count(b) : 0, bound);
}

static void it_may_have_less_than_others(void **state)
{
	struct subscriber_limits *limits = &rig_subscriber(rig, 0)->limits;

	(void)state;
	limits->has_bindings = true;
	limits->bindings = 0;
	ask(1, STATUS_BA_MCOA_PROHIBITED, 0);
	limits->bindings = 1;
	ask(2, STATUS_BA_MCOA_NOTCOMPLETE, 1);
	assert_int_equal(rig_counter(rig, "bid_limit"), 1);
	limits->has_bindings = false;
	ask(3, STATUS_BA_ACCEPTED, 2);
}

static void it_may_have_more_than_others(void **state)
{
	struct subscriber_limits *limits = &rig_subscriber(rig, 0)->limits;

	(void)state;
	rig->config.multihoming.max = 0;
	rig_restart(rig);
	limits->has_bindings = true;
	limits->bindings = 2;
	ask(1, STATUS_BA_ACCEPTED, 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_may_have_less_than_others),
		TEST(it_may_have_more_than_others),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
