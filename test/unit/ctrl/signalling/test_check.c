/* Each test of a Binding Update, with what it is answered and under which name it is counted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rig.h"

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

/* Sends an update that must be dropped without a word, under this counter alone. */
static void dropped(struct rig *rig, const struct rig_bu *bu, const char *counter)
{
	uint64_t before = rig_counter(rig, counter);
	size_t events = rig->event_count;

	rig_send(rig, bu);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig->event_count, events);
	assert_int_equal(rig_counter(rig, counter), before + 1);
}

/* Sends an update that must be refused; returns the acknowledgement. */
static struct mh_ba refused(struct rig *rig, const struct rig_bu *bu, uint8_t status)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;
	char counter[32];

	uint64_t before;

	snprintf(counter, sizeof(counter), "ba_refused_%u", status);
	before = rig_counter(rig, counter);
	rig_send(rig, bu);
	assert_int_equal(rig->packet_count, 1);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(mh.ba.status, status);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig_counter(rig, counter), before + 1);
	assert_true(rig->event_count > 0);
	assert_int_equal(rig->events[rig->event_count - 1].kind, SIGNALLING_REFUSED);
	assert_int_equal(rig->events[rig->event_count - 1].status, status);
	return mh.ba;
}

static void wrong_source(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.alternate = RIG_CARE_OF;
	for (size_t i = 0; i < 3; i++) {
		static const char *const sources[] = {"fe80::5", "ff02::5", "::1"};

		bu.src = sources[i];
		dropped(rig, &bu, "drop_bu_source");
	}
}

static void care_of_address_that_is_none_is_dropped(void **state)
{
	static const char *const wrong[] = {"::", "::1", "fe80::5", "ff0e::1", "::ffff:192.0.2.1"};
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		bu.alternate = wrong[i];
		dropped(rig, &bu, "drop_bu_care_of");
	}
}

static void care_of_address_that_leads_back_is_refused(void **state)
{
	static const char *const wrong[] = {
		"2001:db8:2::55", "2001:db8:1::55", RIG_HOME, RIG_AGENT, "2001:db8:f::1"};
	struct rig *rig = *state;

	for (uint16_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct rig_bu bu = rig_bu(rig, 0, i + 1);

		bu.alternate = wrong[i];
		rig_send(rig, &bu);
		assert_int_equal(rig_status(rig), STATUS_BA_INVALID_COA);
	}
	assert_null(rig_binding(rig, RIG_HOME));
}

static void correspondent_registration_is_dropped(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.flags = FLAGS_BU_A;
	bu.sign = false;
	dropped(rig, &bu, "drop_bu_correspondent");
	bu.sign = true;
	dropped(rig, &bu, "drop_bu_correspondent");
}

static void change_of_type_is_refused(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_bound(rig, 0, 1);
	bu = rig_bu(rig, 0, 2);
	bu.flags = FLAGS_BU_A;
	refused(rig, &bu, STATUS_BA_TYPE_CHANGE);
	assert_int_equal(rig_binding(rig, RIG_HOME)->now.sequence, 1);
	bu.sign = false;
	dropped(rig, &bu, "drop_bu_correspondent");
}

static void nonce_indices_do_not_go_with_home_registration(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.nonce_indices = true;
	dropped(rig, &bu, "drop_bu_nonce_indices");
}

static void unknown_node_is_dropped(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.mn_id = "nobody@example.org";
	dropped(rig, &bu, "drop_bu_unknown_node");
	bu.mn_id = "one@example.or";
	dropped(rig, &bu, "drop_bu_unknown_node");
	bu.mn_id = NULL;
	bu.home = "2001:db8:2::999";
	dropped(rig, &bu, "drop_bu_unknown_node");
}

static void node_without_name_is_known_by_its_home_address(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.mn_id = NULL;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
}

static void authentication_option_must_be_there(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.sign = false;
	dropped(rig, &bu, "drop_bu_auth_absent");
}

static void unknown_spi_is_dropped(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.spi = 1001;
	dropped(rig, &bu, "drop_bu_spi");
}

static void wrong_key_is_refused_and_changes_nothing(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.key = (const uint8_t *)"0123456789abcdeF";
	refused(rig, &bu, STATUS_BA_AUTH_FAIL);
	assert_null(rig_binding(rig, RIG_HOME));
	assert_int_equal(rig_subscriber(rig, 0)->last_timestamp, 0);
}

/* Who sent it may be anybody, and the answer goes to whom it names. */
static void forgeries_are_refused_seldom(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.key = (const uint8_t *)"0123456789abcdeF";
	for (unsigned i = 0; i < 10; i++)
		refused(rig, &bu, STATUS_BA_AUTH_FAIL);
	dropped(rig, &bu, "drop_bu_forged");
	rig->now += CLOCK_NS_PER_S;
	refused(rig, &bu, STATUS_BA_AUTH_FAIL);
}

static void every_octet_is_protected(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	uint8_t good[MH_PACKET_MAX], ip[MH_PACKET_MAX];
	size_t len = rig_bu_packet(&bu, good, sizeof(good));
	struct ip6_packet ip6;

	assert_int_equal(ip6_packet_decode(good, len, &ip6, NULL), 0);
	/* Sequence, flags, lifetime and everything behind; the checksum is made right again. */
	for (size_t at = ip6.offset + 6; at < len; at++) {
		memcpy(ip, good, len);
		ip[at] ^= 0x01;
		mh_checksum_set(&ip6.home_address, &ip6.dst, ip + ip6.offset, ip6.len);
		rig_punt(rig, PACKET_MOBILITY, "core0", ip, len);
		assert_int_equal(rig->commit_count, 0);
		while (rig->packet_count)
			rig_packet(rig);
		rig->event_count = 0;
		rig->now += CLOCK_NS_PER_S; /* so many are not refused at once */
	}
	assert_null(rig_binding(rig, RIG_HOME));
	rig_punt(rig, PACKET_MOBILITY, "core0", good, len);
	assert_int_equal(rig->commit_count, 1);
}

static void timestamp_must_be_there(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.timestamp = 0;
	refused(rig, &bu, STATUS_BA_MESG_ID_REQUIRED);
}

static void timestamp_must_be_close_enough(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	uint64_t window = 7ull << 32; /* seconds are the upper half */

	bu.timestamp = clock_ntp_from_ns(rig->real) - window - (1ull << 31);
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
	bu.timestamp = clock_ntp_from_ns(rig->real) + window + (1ull << 31);
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
	bu.timestamp = clock_ntp_from_ns(rig->real) - window + (1ull << 31);
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 1);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	bu.timestamp = clock_ntp_from_ns(rig->real) + window - (1ull << 31);
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 1);
}

static void timestamp_must_be_later_than_all_before(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	uint64_t stamp = bu.timestamp;

	rig_bound(rig, 0, 1);
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
	bu.timestamp = stamp - 1;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
	bu.timestamp = stamp + 1;
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 1);
}

static void timestamp_is_remembered_when_the_binding_is_gone(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 5), end;

	bu.timestamp += 6ull << 32; /* its clock is six seconds ahead */
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	end = bu;
	end.sequence++;
	end.timestamp++;
	end.lifetime = 0;
	rig_send(rig, &end);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	for (unsigned i = 0; i < 15; i++) {
		rig_wait_ms(rig, 1000);
		while (rig->commit_count)
			rig_commit(rig, 0);
		rig_send(rig, &bu);
		assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
	}
}

static void timestamp_of_what_failed_is_used_up(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig_send(rig, &bu);
	rig_commit(rig, -ENOSPC);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
}

static void timestamp_outlives_the_subscriber(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	struct in6_addr home = rig_addr(RIG_HOME);

	rig_bound(rig, 0, 1);
	signalling_clear(rig->s, &home, 0, NULL, NULL);
	rig_commit(rig, 0);
	rig_packet(rig);                            /* the revocation */
	rig_subscriber(rig, 0)->last_timestamp = 0; /* deleted, and added again */
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_ID_MISMATCH);
}

static void with_timestamps_sequence_numbers_only_match(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_bound(rig, 0, 100);
	bu = rig_bu(rig, 0, 101);
	bu.sequence = 100;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	bu.timestamp++;
	bu.sequence = 3;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	assert_int_equal(rig_binding(rig, RIG_HOME)->now.sequence, 3);
}

static void without_timestamps_sequence_numbers_must_grow(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_subscriber(rig, 0)->replay = SUBSCRIBER_REPLAY_SEQUENCE;
	rig_bound(rig, 0, 65530);
	bu = rig_bu(rig, 0, 65530);
	bu.timestamp = 0;
	assert_int_equal(refused(rig, &bu, STATUS_BA_SEQUENCE).sequence, 65530);
	bu.sequence = 65529;
	assert_int_equal(refused(rig, &bu, STATUS_BA_SEQUENCE).sequence, 65530);
	bu.sequence = 32762; /* 32768 before the last one */
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_SEQUENCE);
	bu.sequence = 2;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	bu.sequence = 32769; /* the greatest that is ahead of 2 */
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
}

static void sequence_number_under_way_counts(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 9);

	rig_subscriber(rig, 0)->replay = SUBSCRIBER_REPLAY_SEQUENCE;
	rig_send(rig, &bu);
	bu.sequence = 8;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_SEQUENCE);
}

static void without_authentication_if_configured(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	rig_subscriber(rig, 0)->auth = SUBSCRIBER_AUTH_NONE;
	dropped(rig, &bu, "drop_bu_spi"); /* no association for its option */
	bu.sign = false;
	bu.timestamp = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(mh.ba.status, 0);
	assert_null(auth_find(&mh, OPTION_AUTH_MN_HA));
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_SEQUENCE);
}

static void disabled_subscriber(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig_subscriber(rig, 0)->enabled = false;
	refused(rig, &bu, STATUS_BA_PROHIBITED);
	bu.key = (const uint8_t *)"0123456789abcdeF";
	refused(rig, &bu, STATUS_BA_AUTH_FAIL);
}

static void no_home_registration(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig->config.policy.prefix_count = 0;
	rig_restart(rig);
	bu = rig_bu(rig, 0, 1);
	refused(rig, &bu, STATUS_BA_NO_HOME_REGISTRATION);
}

static void foreign_home_address(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.home = "2001:db8:3::100";
	refused(rig, &bu, STATUS_BA_NOT_HOME_SUBNET);
}

static void home_address_of_somebody_else(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.home = "2001:db8:2::101";
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_NOT_HOME_AGENT);
	rig_bound(rig, 1, 1);
	bu = rig_bu(rig, 0, 2);
	bu.home = RIG_LINK_HOME;
	bu.lifetime = 0;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_NOT_HOME_AGENT);
	assert_true(binding_is_live(rig_binding(rig, RIG_LINK_HOME)));
}

static void nothing_is_told_of_somebody_else(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig_subscriber(rig, 0)->replay = SUBSCRIBER_REPLAY_SEQUENCE;
	rig_bound(rig, 1, 1000);
	bu = rig_bu(rig, 0, 7); /* old, if the other's number were looked at */
	bu.home = RIG_LINK_HOME;
	assert_int_equal(refused(rig, &bu, STATUS_BA_NOT_HOME_AGENT).sequence, 7);
}

static void registration_without_home_address_option(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.src = RIG_HOME;
	bu.home = NULL;
	bu.alternate = RIG_CARE_OF;
	dropped(rig, &bu, "drop_bu_no_home_address");
}

static void deregistration_without_binding(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.lifetime = 0;
	refused(rig, &bu, STATUS_BA_NOT_HOME_AGENT);
	assert_null(rig_binding(rig, RIG_HOME));
}

static void full(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig->config.max_bindings = 1;
	rig->config.dad_transmits = 0;
	rig_restart(rig);
	rig_bound(rig, 0, 1);
	bu = rig_bu(rig, 1, 1);
	refused(rig, &bu, STATUS_BA_RESOURCES);
	assert_int_equal(rig_counter(rig, "resources_bindings"), 1);
	assert_null(rig_binding(rig, RIG_LINK_HOME));
	rig_bound(rig, 0, 2); /* who is bound stays served */
	bu = rig_bu(rig, 0, 3);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	bu = rig_bu(rig, 1, 2);
	rig_send(rig, &bu);
	rig_commit(rig, -ETIMEDOUT); /* what failed takes no room */
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
	rig_bound(rig, 1, 3);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(wrong_source),
		T(care_of_address_that_is_none_is_dropped),
		T(care_of_address_that_leads_back_is_refused),
		T(correspondent_registration_is_dropped),
		T(change_of_type_is_refused),
		T(nonce_indices_do_not_go_with_home_registration),
		T(unknown_node_is_dropped),
		T(node_without_name_is_known_by_its_home_address),
		T(authentication_option_must_be_there),
		T(unknown_spi_is_dropped),
		T(wrong_key_is_refused_and_changes_nothing),
		T(forgeries_are_refused_seldom),
		T(every_octet_is_protected),
		T(timestamp_must_be_there),
		T(timestamp_must_be_close_enough),
		T(timestamp_must_be_later_than_all_before),
		T(timestamp_is_remembered_when_the_binding_is_gone),
		T(timestamp_of_what_failed_is_used_up),
		T(timestamp_outlives_the_subscriber),
		T(with_timestamps_sequence_numbers_only_match),
		T(without_timestamps_sequence_numbers_must_grow),
		T(sequence_number_under_way_counts),
		T(without_authentication_if_configured),
		T(disabled_subscriber),
		T(no_home_registration),
		T(foreign_home_address),
		T(home_address_of_somebody_else),
		T(nothing_is_told_of_somebody_else),
		T(registration_without_home_address_option),
		T(deregistration_without_binding),
		T(full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
