/* Nodes that come to another link, and to another anchor. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "mag_rig.h"

static void a_node_moves_to_another_link_here(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig_speak("second", ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	assert_string_equal(mag_rig.committed.link, "second");
	mag_rig_commit(0);
	assert_string_equal(mag_rig.advertised_on, "second");
	assert_int_equal(mag_rig.advertisements, 2);
}

static uint8_t told(uint8_t type)
{
	const struct mh_option *o = option_find(&mag_rig.update, type);

	assert_non_null(o);
	return type == OPTION_HANDOFF ? o->handoff.value : o->access.value;
}

/* To its anchor it is another interface then (5.4.1.1, 5), which has the same prefixes. */
static void a_node_moves_to_a_link_of_another_technology(void **state)
{
	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.second_access = CODES_ACCESS_IEEE_802_3;
	mag_rig_start();
	mag_rig_register_host();
	mag_rig_speak("second", ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_commit(0); /* it is served there at once */
	assert_string_equal(mag_rig.advertised_on, "second");
	assert_int_equal(mag_rig.updates, 2);
	assert_int_equal(told(OPTION_HANDOFF), CODES_HANDOFF_OTHER_INTERFACE);
	assert_int_equal(told(OPTION_ACCESS_TECHNOLOGY), CODES_ACCESS_IEEE_802_3);
	assert_int_equal(option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX)->prefix.len, 64);
	/* Until its anchor knows, what it is told of the end is of the interface that it knows. */
	mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
	assert_int_equal(told(OPTION_ACCESS_TECHNOLOGY), CODES_ACCESS_IEEE_802_11);
	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(told(OPTION_HANDOFF), CODES_HANDOFF_OTHER_INTERFACE);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	mag_rig_wait_ms(2000);
	assert_int_equal(mag_rig.updates, 4);
	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 5);
	assert_int_equal(told(OPTION_HANDOFF), CODES_HANDOFF_NOT_CHANGED);
}

/* While an extension over the other technology is under way. */
static void a_node_moves_while_its_anchor_is_asked(void **state)
{
	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.second_access = CODES_ACCESS_IEEE_802_3;
	mag_rig_start();
	mag_rig_register_host();
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60500);
	assert_int_equal(told(OPTION_HANDOFF), CODES_HANDOFF_NOT_CHANGED);
	mag_rig_speak("second", ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	mag_rig_commit(0);
	mag_rig_answer(&mag_rig_good); /* to what is out of date by now */
	assert_int_equal(mag_rig.commits, 2);
	mag_rig_wait_ms(2000);
	assert_int_equal(told(OPTION_HANDOFF), CODES_HANDOFF_OTHER_INTERFACE);
	assert_int_equal(told(OPTION_ACCESS_TECHNOLOGY), CODES_ACCESS_IEEE_802_3);
	mag_rig_answer(&mag_rig_good);
	assert_int_equal(mag_rig.commits, 3);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
}

/* The configuration gave its link another technology: its anchor is told as of such a move, for to
 * it an update of another interface would be a new session with other prefixes (5.4.1.2). */
static void a_link_is_of_another_technology_after_a_restart(void **state)
{
	struct attachment_record kept;

	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.second_access = CODES_ACCESS_IEEE_802_3;
	mag_rig_start();
	mag_rig_register_host();
	assert_int_equal(mag_rig.committed.access, CODES_ACCESS_IEEE_802_11);
	kept = mag_rig.committed;
	kept.mn_id.octets = (const uint8_t *)MAG_RIG_NODE;
	strcpy(kept.link, "second"); /* as if this had been the other kind before */
	mag_free(mag_rig.mag);
	mag_rig_start();
	mag_rig.updates = 0;
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(100);
	assert_int_equal(mag_rig.updates, 1);
	assert_int_equal(told(OPTION_HANDOFF), CODES_HANDOFF_OTHER_INTERFACE);
	assert_int_equal(told(OPTION_ACCESS_TECHNOLOGY), CODES_ACCESS_IEEE_802_3);
	assert_int_equal(
		prefix6_compare(&kept.prefixes[0], &mag_rig_attached()->now.prefixes[0]), 0);
	assert_int_equal(option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX)->prefix.len, 64);
	mag_rig_answer(&mag_rig_good);
	assert_int_equal(mag_rig.committed.access, CODES_ACCESS_IEEE_802_3);
	mag_rig_commit(0);
	mag_rig_wait_ms(2000);
	assert_int_equal(mag_rig.updates, 1);
	/* A record of before does not tell: it is taken for that of the link. */
	kept.access = 0;
	mag_free(mag_rig.mag);
	mag_rig_start();
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(100);
	assert_int_equal(told(OPTION_HANDOFF), CODES_HANDOFF_NOT_CHANGED);
}

/* As of a gateway whose configuration gave the host the other anchor, or another name. */
static void restart_with(const char *anchor, const char *mn_id)
{
	struct attachment_record kept;

	mag_rig_register_host();
	kept = mag_rig.committed;
	kept.mn_id.octets = (const uint8_t *)mn_id;
	kept.mn_id.len = (uint8_t)strlen(mn_id);
	kept.anchor = mag_rig_address(anchor);
	mag_free(mag_rig.mag);
	mag_rig_start();
	mag_rig.updates = mag_rig.commits = 0;
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
}

/* The host speaks before that has left: it is attached when it has, to what it should be. */
static void assert_comes_anew(const char *before)
{
	const struct mag_rig_answer bye = {.prefix = "2001:db8:4::/64"};
	const struct in6_addr old = mag_rig_address(before), new = mag_rig_address(MAG_RIG_ANCHOR);

	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_wait_ms(1);
	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.commits, 1);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_true(addr_equal(&mag_rig.anchor, &old));
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
	mag_rig_speak("second", ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_answer(&bye);
	assert_int_equal(mag_rig.updates, 2);
	assert_true(addr_equal(&mag_rig.anchor, &new));
	assert_int_equal(mag_rig.update.bu.lifetime, 30);
	assert_true(addr_is_unspecified(
		&option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX)->prefix.prefix));
	assert_int_equal(
		option_find(&mag_rig.update, OPTION_MN_ID)->mn_id.id.len, strlen(MAG_RIG_NODE));
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_true(addr_equal(&mag_rig.committed.anchor, &new));
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	assert_string_equal(mag_rig.advertised_on, "second");
}

static void a_restart_with_another_anchor_changes_it(void **state)
{
	(void)state;
	restart_with(MAG_RIG_BEFORE, MAG_RIG_NODE);
	assert_comes_anew(MAG_RIG_BEFORE);
}

static void a_restart_with_another_name_changes_it(void **state)
{
	(void)state;
	restart_with(MAG_RIG_ANCHOR, "before@example.org");
	assert_comes_anew(MAG_RIG_ANCHOR);
}

/* Which does not answer any more: that is waited for, but not for ever. */
static void a_restart_with_another_anchor_leaves_one_that_is_gone(void **state)
{
	const struct in6_addr new = mag_rig_address(MAG_RIG_ANCHOR);

	(void)state;
	restart_with(MAG_RIG_BEFORE, MAG_RIG_NODE);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_wait_ms(1);
	mag_rig_commit(0);
	mag_rig_wait_ms(8000);
	assert_int_equal(mag_rig.update.bu.lifetime, 30);
	assert_true(addr_equal(&mag_rig.anchor, &new));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, mag_rig_setup, mag_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_node_moves_to_another_link_here),
		TEST(a_node_moves_to_a_link_of_another_technology),
		TEST(a_node_moves_while_its_anchor_is_asked),
		TEST(a_link_is_of_another_technology_after_a_restart),
		TEST(a_restart_with_another_anchor_changes_it),
		TEST(a_restart_with_another_name_changes_it),
		TEST(a_restart_with_another_anchor_leaves_one_that_is_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
