/* The mobile access gateway: registrations, advertisements, and how it notices who is there (RFC
 * 5213, 6). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ctrl/signalling/receive.h"
#include "mag_rig.h"
#include "proto/mobility/flags.h"

static void a_solicitation_attaches(void **state)
{
	const struct mh_option *o;

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	assert_int_equal(mag_rig.updates, 1);
	assert_int_equal(mag_rig.update.bu.lifetime, 30);
	assert_memory_equal(option_find(&mag_rig.update, OPTION_MN_ID)->mn_id.id.at, MAG_RIG_NODE,
		strlen(MAG_RIG_NODE));
	o = option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX);
	assert_true(addr_is_unspecified(&o->prefix.prefix));
	assert_int_equal(
		option_find(&mag_rig.update, OPTION_HANDOFF)->handoff.value, CODES_HANDOFF_UNKNOWN);
	assert_int_equal(option_find(&mag_rig.update, OPTION_TIMESTAMP)->timestamp.time,
		clock_48_16_from_ns(mag_rig.real));
	o = option_find(&mag_rig.update, OPTION_MN_LINK_ID);
	assert_memory_equal(o->octets.octets.at, mag_rig_host.b, 6);
	assert_int_equal(mag_rig.advertisements, 0);
	mag_rig_answer(&mag_rig_good);
	assert_int_equal(mag_rig.commits, 1);
	assert_int_equal(mag_rig.advertisements, 0); /* not before data planes forward */
	mag_rig_commit(0);
	assert_int_equal(mag_rig.advertisements, 1);
	assert_int_equal(mag_rig.advertised.prefix_count, 1);
	assert_int_equal(mag_rig.advertised.prefixes[0].valid_s, 120);
	assert_int_equal(mag_rig.advertised.prefixes[0].len, 64);
	assert_int_equal(mag_rig.advertised.mtu, 1460);
	assert_true(mac_equal(&mag_rig.advertised.link_address, &mag_rig_port));
}

static void a_solicitation_of_a_served_node_is_answered(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.advertisements, 2);
}

static void nobody_else_is_served(void **state)
{
	struct packet_punt punt = {.port = "core"};
	struct receive_packet packet = {.punt = &punt};

	(void)state;
	assert_false(mag_neighbour(mag_rig.mag, &packet));
	assert_null(mag_profile_find(mag_rig.mag, "nobody@example.org"));
	assert_null(mag_link_find(mag_rig.mag, "core"));
}

static void unanswered_updates_are_sent_again_more_and_more_slowly(void **state)
{
	uint16_t first;

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	first = mag_rig.update.bu.sequence;
	mag_rig_wait_ms(990);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_wait_ms(20);
	assert_int_equal(mag_rig.updates, 2);
	assert_int_equal((uint16_t)(mag_rig.update.bu.sequence - first), 1);
	mag_rig_wait_ms(2000);
	assert_int_equal(mag_rig.updates, 3);
	mag_rig_wait_ms(60000);
	assert_in_range(mag_rig.updates, 6, 7);
	mag_rig_answer(&mag_rig_good);
	assert_int_equal(mag_rig.commits, 1);
}

/* RFC 5213, 6.9.1.2, 5 and 6, and authentication. */
static void answers_that_do_not_match_are_ignored(void **state)
{
	struct mag_rig_answer bad = mag_rig_good;

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	bad.other_sequence = true;
	mag_rig_answer(&bad);
	bad = mag_rig_good;
	bad.other_handoff = true;
	mag_rig_answer(&bad);
	bad = mag_rig_good;
	bad.wrong_key = true;
	mag_rig_answer(&bad);
	bad = mag_rig_good;
	bad.no_link_id = true;
	mag_rig_answer(&bad);
	assert_int_equal(mag_rig.commits, 0);
	mag_rig_answer(&mag_rig_good);
	assert_int_equal(mag_rig.commits, 1);
	mag_rig_commit(0);
	mag_rig_answer(&mag_rig_good); /* once more */
	assert_int_equal(mag_rig.commits, 1);
}

static void a_registration_is_extended_in_time(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(59900);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_wait_ms(200);
	assert_int_equal(mag_rig.updates, 2);
	assert_int_equal(option_find(&mag_rig.update, OPTION_HANDOFF)->handoff.value,
		CODES_HANDOFF_NOT_CHANGED);
	assert_int_equal(option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX)->prefix.len, 64);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	assert_int_equal(mag_rig.advertisements, 2);
}

static void without_an_answer_service_ends_with_the_lifetime(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig_attached()->address = in6addr_any;
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(119900);
	assert_int_equal(mag_rig.commits, 1);
	mag_rig_wait_ms(200);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_REGISTERING);
	/* Its anchor is asked for the same prefix all the while. */
	mag_rig_wait_ms(33000);
	assert_int_equal(option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX)->prefix.len, 64);
}

static void refusals_end_service(void **state)
{
	const struct mag_rig_answer no = {.status = STATUS_BA_PROXY_NOT_ENABLED};

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&no);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_wait_ms(29000);
	assert_int_equal(mag_rig.updates, 1);
	assert_int_equal(mag_rig.advertisements, 0);
	mag_rig_wait_ms(2000);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 2);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(61000);
	mag_rig_answer(&no);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
}

/* The statuses with which an extension may be refused, but for those that only say how to ask. */
static bool is_final(unsigned status)
{
	static const uint8_t others[] = {STATUS_BA_RESOURCES, STATUS_BA_SEQUENCE,
		STATUS_BA_HNP_NOT_AUTHORIZED, STATUS_BA_TIMESTAMP_MISMATCH,
		STATUS_BA_TIMESTAMP_LOWER, STATUS_BA_PREFIX_SET};

	return !memchr(others, (int)status, sizeof(others));
}

/* Has the answer to an extension refuse it. */
static void refuse_extension(unsigned status)
{
	const struct mag_rig_answer no = {.status = (uint8_t)status};

	mag_rig_register_host();
	mag_rig_attached()->address = in6addr_any;
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60500);
	mag_rig_answer(&no);
}

/* 6.9.1.2, 11: "any value greater than or equal to 128". */
static void any_refusal_ends_service_at_once(void **state)
{
	for (unsigned status = STATUS_BA_REJECTED; status <= UINT8_MAX; status++) {
		if (status == STATUS_BA_SEQUENCE)
			continue;
		refuse_extension(status);
		assert_int_equal(mag_rig.commits, 2);
		assert_int_equal(mag_rig.committed.lifetime, 0);
		mag_rig_commit(0);
		assert_int_equal(mag_rig_attached()->state,
			is_final(status) ? MAG_REFUSED : MAG_REGISTERING);
		assert_int_equal(mag_rig_attached()->status, status);
		/* Its node is told, or soon served again. */
		assert_int_equal(mag_rig.advertisements, is_final(status) ? 2 : 1);
		mag_rig_wait_ms(10000);
		assert_int_equal(mag_rig.updates > 2, !is_final(status));
		mag_rig_teardown(state);
		mag_rig_setup(state);
	}
}

/* What may pass is asked for again (6.9.1.2, 8 to 10). */
static void some_refusals_are_asked_again(void **state)
{
	struct mag_rig_answer no = {.status = STATUS_BA_HNP_NOT_AUTHORIZED};

	(void)state;
	refuse_extension(STATUS_BA_TIMESTAMP_MISMATCH);
	mag_rig_commit(0);
	mag_rig_answer(&no);
	mag_rig_wait_ms(1100);
	assert_true(addr_is_unspecified(
		&option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX)->prefix.prefix));
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	assert_int_equal(mag_rig.advertisements, 2);
}

/* Status 135 says which number to take: at once, and the node is served meanwhile. */
static void a_sequence_number_is_put_right_once(void **state)
{
	const struct mag_rig_answer no = {.status = STATUS_BA_SEQUENCE};

	(void)state;
	refuse_extension(STATUS_BA_SEQUENCE);
	assert_int_equal(mag_rig.updates, 3);
	assert_int_equal(mag_rig.commits, 1);
	mag_rig_answer(&no); /* else an anchor that goes on saying so makes a storm */
	assert_int_equal(mag_rig.updates, 3);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, 4);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
}

/* RFC 7389: it asks where to tunnel, and does what it is told. */
static void the_anchor_says_where_to_tunnel(void **state)
{
	struct mag_rig_answer there = mag_rig_good;
	const struct in6_addr address = mag_rig_address("2001:db8:e::1");

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(
		option_find(&mag_rig.update, OPTION_LMA_ADDRESS)->lma_address.address.len, 0);
	there.user_plane = "ff02::1"; /* where no tunnel ends */
	mag_rig_answer(&there);
	assert_int_equal(mag_rig.commits, 0);
	there.user_plane = "2001:db8:e::1";
	mag_rig_answer(&there);
	assert_true(addr_equal(&mag_rig.committed.user_plane, &address));
	mag_rig_commit(0);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60500);
	mag_rig_answer(&mag_rig_good);
	assert_true(addr_is_unspecified(&mag_rig.committed.user_plane));
	mag_rig_commit(0);
}

static unsigned ended;

static void on_end(void *context, int error)
{
	(void)context;
	assert_int_equal(error, 0);
	ended++;
}

static void detaching_ends_service_then_tells_the_anchor(void **state)
{
	const struct mag_rig_answer bye = {.prefix = "2001:db8:4::/64"};

	(void)state;
	ended = 0;
	mag_rig_register_host();
	assert_int_equal(mag_detach(mag_rig.mag, mag_rig_attached(), on_end, NULL), 0);
	assert_int_equal(mag_detach(mag_rig.mag, mag_rig_attached(), on_end, NULL), -EALREADY);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_commit(0);
	assert_int_equal(ended, 1);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
	mag_rig_answer(&bye);
	assert_null(mag_rig_attached());
}

/* The node may be at another gateway by then, and its anchor does not answer (5.3.5, 1). */
static void an_anchor_need_not_answer_the_end(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL);
	mag_rig_commit(0);
	mag_rig_wait_ms(8000);
	assert_int_equal(mag_rig.updates, 4);
	assert_null(mag_rig_attached());
}

static void a_node_that_leaves_can_return(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 30);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
}

/* RFC 5213, 6.13: a node that does not answer is gone. */
static void a_silent_node_is_asked_and_given_up(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig_wait_ms(2900);
	assert_int_equal(mag_rig.solicitations, 0);
	mag_rig_wait_ms(200);
	assert_int_equal(mag_rig.solicitations, 1);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_wait_ms(2500);
	assert_int_equal(mag_rig.solicitations, 1);
	mag_rig_wait_ms(2700);
	assert_int_equal(mag_rig.solicitations, 3);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
}

/* Nor answered, nor asked: the data plane is away for long. */
static void nobody_is_given_up_unheard(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig_wait_ms(4500);
	assert_int_equal(mag_rig.solicitations, 2);
	mag_rig.unreached = true;
	mag_rig_wait_ms(60000);
	assert_int_equal(mag_rig.solicitations, 2);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	mag_rig.unreached = false;
	mag_rig_wait_ms(2000);
	assert_int_equal(mag_rig.solicitations, 4);
	mag_rig_wait_ms(1000);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
}

/* It may have been elsewhere: its anchor is told again. */
static void what_nodes_say_on_arrival_is_told_to_the_anchor(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig_wait_ms(1000);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 2);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 2);
}

static void a_change_that_fails_is_tried_again(void **state)
{
	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(-ETIMEDOUT);
	assert_int_equal(mag_rig.advertisements, 0);
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, 2);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL);
	mag_rig_commit(-EIO);
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
}

/* Of a refusal the store cannot be told: service ends all the same, as soon as it can. */
static void an_end_that_fails_is_tried_again(void **state)
{
	struct mag_rig_answer no = mag_rig_good;

	(void)state;
	mag_rig_register_host();
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60500);
	no.status = STATUS_BA_PROXY_NOT_ENABLED;
	mag_rig_answer(&no);
	mag_rig_commit(-EIO);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->now.lifetime, 0);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
}

/* Who waits for the end of a node that comes back is told at once, and once. */
static void a_node_that_returns_ends_the_wait(void **state)
{
	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	ended = 0;
	assert_int_equal(mag_detach(mag_rig.mag, mag_rig_attached(), on_end, NULL), 0);
	assert_int_equal(ended, 0);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(ended, 1);
	assert_false(mag_rig_attached()->leaves);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(ended, 1);
}

static void attachments_survive_a_restart(void **state)
{
	struct attachment_record kept;

	(void)state;
	mag_rig_register_host();
	kept = mag_rig.committed;
	kept.mn_id.octets = (const uint8_t *)MAG_RIG_NODE;
	mag_free(mag_rig.mag);
	mag_rig_start();
	mag_rig.updates = 0;
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	assert_int_equal(mag_restore(mag_rig.mag, &kept), -EEXIST);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	mag_rig_wait_ms(10);
	assert_int_equal(mag_rig.updates, 1);
	assert_int_equal(mag_rig.commits, 1);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
}

/* The time of day was set back by an hour while the gateway was away; its anchor is silent. */
static void a_clock_set_back_gives_no_more_than_was_granted(void **state)
{
	struct attachment_record kept;

	(void)state;
	mag_rig_register_host();
	kept = mag_rig.committed;
	kept.mn_id.octets = (const uint8_t *)MAG_RIG_NODE;
	mag_free(mag_rig.mag);
	mag_rig_start();
	mag_rig.real -= 3600ull * 1000000000;
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	mag_rig_wait_ms(10);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_true(mag_rig.advertised.prefixes[0].valid_s <= kept.lifetime * 4u);
	mag_rig_wait_ms(kept.lifetime * 4000u + 10);
	assert_int_equal(mag_rig.committed.lifetime, 0);
}

static void what_is_no_longer_configured_ends(void **state)
{
	struct attachment_record kept;

	(void)state;
	mag_rig_register_host();
	kept = mag_rig.committed;
	kept.mn_id.octets = (const uint8_t *)MAG_RIG_NODE;
	strcpy(kept.link, "gone");
	mag_free(mag_rig.mag);
	mag_rig_start();
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	mag_rig_wait_ms(10);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, mag_rig_setup, mag_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_solicitation_attaches),
		TEST(a_solicitation_of_a_served_node_is_answered),
		TEST(nobody_else_is_served),
		TEST(unanswered_updates_are_sent_again_more_and_more_slowly),
		TEST(answers_that_do_not_match_are_ignored),
		TEST(a_registration_is_extended_in_time),
		TEST(without_an_answer_service_ends_with_the_lifetime),
		TEST(refusals_end_service),
		TEST(any_refusal_ends_service_at_once),
		TEST(some_refusals_are_asked_again),
		TEST(a_sequence_number_is_put_right_once),
		TEST(the_anchor_says_where_to_tunnel),
		TEST(detaching_ends_service_then_tells_the_anchor),
		TEST(an_anchor_need_not_answer_the_end),
		TEST(a_node_that_leaves_can_return),
		TEST(a_silent_node_is_asked_and_given_up),
		TEST(nobody_is_given_up_unheard),
		TEST(what_nodes_say_on_arrival_is_told_to_the_anchor),
		TEST(a_change_that_fails_is_tried_again),
		TEST(an_end_that_fails_is_tried_again),
		TEST(a_node_that_returns_ends_the_wait),
		TEST(attachments_survive_a_restart),
		TEST(a_clock_set_back_gives_no_more_than_was_granted),
		TEST(what_is_no_longer_configured_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
