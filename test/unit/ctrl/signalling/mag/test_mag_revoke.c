/* What an anchor asks of a mobile access gateway: to end (RFC 5846) and to register anew (RFC
 * 7077). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ctrl/signalling/receive.h"
#include "mag_rig.h"
#include "proto/mobility/flags.h"

/* A Binding Revocation Indication of the anchor; id NULL: about nobody; at 0: no timestamp. */
static void indicate_at(
	uint64_t at, uint8_t trigger, uint16_t flags, uint16_t sequence, const char *id)
{
	struct mh mh = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_INDICATION,
			.trigger = trigger,
			.sequence = sequence,
			.flags = flags}};
	struct mh_option *o = id ? option_add(&mh, OPTION_MN_ID) : NULL;

	if (o) {
		o->mn_id.subtype = CODES_MN_ID_NAI;
		o->mn_id.id.at = (const uint8_t *)id;
		o->mn_id.id.len = (uint8_t)strlen(id);
	}
	if (at)
		option_add(&mh, OPTION_TIMESTAMP)->timestamp.time = at;
	mag_rig_say(&mh);
}

/* Of now, and later than the one before. */
static uint64_t stamp(void)
{
	mag_rig_wait_ms(1);
	return clock_48_16_from_ns(mag_rig.real);
}

static void indicate(uint8_t trigger, uint16_t flags, uint16_t sequence, const char *id)
{
	indicate_at(stamp(), trigger, flags, sequence, id);
}

/* The status of the last acknowledgement, which must have this number. */
static uint8_t acknowledged(uint16_t sequence)
{
	assert_int_equal(mag_rig.message.type, MH_REVOCATION);
	assert_int_equal(mag_rig.message.revocation.type, CODES_REVOCATION_ACKNOWLEDGEMENT);
	assert_int_equal(mag_rig.message.revocation.sequence, sequence);
	return mag_rig.message.revocation.status;
}

static void an_anchor_revokes(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig.advertisements = 0;
	indicate(CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 7, MAG_RIG_NODE);
	assert_int_equal(mag_rig.messages, 0);
	assert_int_equal(mag_rig.advertisements, 1);
	assert_int_equal(mag_rig.advertised.lifetime_s, 0);
	assert_int_equal(mag_rig.advertised.prefixes[0].valid_s, 0);
	/* It speaks at once: that changes nothing. */
	mag_rig.updates = 0;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_commit(0);
	assert_int_equal(acknowledged(7), CODES_BRA_SUCCESS);
	assert_int_equal(mag_rig.messages, 1);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 0);
	mag_rig_wait_ms(30000);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 1);
}

/* It is asked whether its node has left when the operator detaches it and attaches it again: then
 * that has been answered, and what is there now stays. */
static void a_doubt_ends_with_what_was_doubted(void **state)
{
	const struct mag_profile *profile;
	struct mag_attachment *a;

	(void)state;
	mag_rig_register_host();
	indicate(CODES_BRI_HANDOVER_SAME, FLAGS_REVOCATION_P, 8, MAG_RIG_NODE);
	assert_int_equal(mag_rig.messages, 0);
	a = mag_rig_attached();
	profile = mag_profile_of(mag_rig.mag, &a->now.mac);
	assert_int_equal(mag_detach(mag_rig.mag, a, NULL, NULL), 0);
	mag_rig_commit(0);
	assert_int_equal(mag_attach(mag_rig.mag, profile, a->link), 0);
	assert_int_equal(acknowledged(8), CODES_BRA_SUCCESS);
	mag_rig_wait_ms(5000);
	a = mag_rig_attached();
	assert_non_null(a);
	assert_false(a->leaves);
	assert_int_equal(a->state, MAG_REGISTERING);
}

static void assert_answered_from(const char *address, uint8_t type)
{
	const struct in6_addr from = mag_rig_address(address);

	assert_int_equal(mag_rig.messages, 1);
	assert_int_equal(mag_rig.message.type, type);
	assert_true(addr_equal(&mag_rig.source, &from));
	mag_rig.messages = 0;
}

/* An anchor knows a gateway of several ways by any of their addresses (RFC 8278). */
static void any_address_is_spoken_to(void **state)
{
	struct mh heartbeat = {.type = MH_HEARTBEAT, .heartbeat = {.sequence = 5}};
	struct mh upn = {.type = MH_UPN,
		.upn = {.sequence = 6, .reason = CODES_UPN_VENDOR, .flags = FLAGS_UPN_A}};

	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.paths = true;
	mag_rig_start();
	mag_rig_register_host();
	mag_rig.messages = 0;
	mag_rig.said_to = MAG_RIG_OTHER;
	mag_rig_say(&heartbeat);
	assert_answered_from(MAG_RIG_OTHER, MH_HEARTBEAT);
	mag_rig_say(&upn);
	assert_answered_from(MAG_RIG_OTHER, MH_UPA);
	indicate(CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 7, MAG_RIG_NODE);
	mag_rig_commit(0);
	assert_int_equal(acknowledged(7), CODES_BRA_SUCCESS);
	assert_answered_from(MAG_RIG_OTHER, MH_REVOCATION);
	mag_rig.said_to = "2001:db8:77::1";
	indicate(CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 8, MAG_RIG_NODE);
	assert_int_equal(mag_rig.messages, 0);
}

/* RFC 5846, 6.1: protected as registrations are, from replay too. */
static void what_an_anchor_said_once_counts_once(void **state)
{
	const uint64_t second = 65536;
	uint64_t said;

	(void)state;
	mag_rig_register_host();
	said = stamp();
	indicate_at(said, CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 1, "nobody@example.org");
	assert_int_equal(acknowledged(1), CODES_BRA_NO_BINDING);
	const uint64_t bad[] = {0, said, said - 1, said + 8 * second, said - 8 * second};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		indicate_at(bad[i], CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 2, MAG_RIG_NODE);
		assert_int_equal(mag_rig.messages, 1);
		assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	}
	indicate_at(
		said + 6 * second, CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 3, MAG_RIG_NODE);
	mag_rig_commit(0);
	assert_int_equal(acknowledged(3), 0);
}

static void a_revocation_has_its_status(void **state)
{
	static const struct {
		uint8_t trigger, status;
		uint16_t flags;
		const char *id;
	} rows[] = {
		{CODES_BRI_USER, CODES_BRA_NO_BINDING, FLAGS_REVOCATION_P, "other@example.org"},
		{CODES_BRI_USER, CODES_BRA_NO_BINDING, 0, MAG_RIG_NODE},
		{CODES_BRI_USER, CODES_BRA_NO_BINDING, FLAGS_REVOCATION_P | FLAGS_REVOCATION_V,
			MAG_RIG_NODE},
		{CODES_BRI_USER, CODES_BRA_IDENTITY_REQUIRED, FLAGS_REVOCATION_P, NULL},
		{99, CODES_BRA_TRIGGER, FLAGS_REVOCATION_P, MAG_RIG_NODE},
		{CODES_BRI_PER_PEER, CODES_BRA_FUNCTION, FLAGS_REVOCATION_P, MAG_RIG_NODE},
		{CODES_BRI_USER, CODES_BRA_FUNCTION, FLAGS_REVOCATION_P | FLAGS_REVOCATION_G, NULL},
		{CODES_BRI_PER_PEER, CODES_BRA_FUNCTION, FLAGS_REVOCATION_P | FLAGS_REVOCATION_G,
			MAG_RIG_NODE},
		{130, CODES_BRA_TRIGGER, FLAGS_REVOCATION_P | FLAGS_REVOCATION_G, NULL},
		{CODES_BRI_LOCAL_POLICY, CODES_BRA_IDENTITY_REQUIRED,
			FLAGS_REVOCATION_P | FLAGS_REVOCATION_G, MAG_RIG_NODE},
		{CODES_BRI_LOCAL_POLICY, CODES_BRA_SUCCESS, FLAGS_REVOCATION_P | FLAGS_REVOCATION_G,
			"@example.com"},
	};

	(void)state;
	mag_rig_register_host();
	for (uint16_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		indicate(rows[i].trigger, rows[i].flags, i, rows[i].id);
		assert_int_equal(acknowledged(i), rows[i].status);
		assert_int_equal(mag_rig.message.revocation.flags, rows[i].flags);
		assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	}
}

static void an_anchor_revokes_all(void **state)
{
	static const uint16_t all = FLAGS_REVOCATION_P | FLAGS_REVOCATION_G;

	(void)state;
	mag_rig_register_host();
	indicate(CODES_BRI_LOCAL_POLICY, all, 1, "@example.org");
	mag_rig_commit(0);
	assert_int_equal(acknowledged(1), CODES_BRA_SUCCESS);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
	mag_rig_wait_ms(30000);
	mag_rig_register_host();
	indicate(CODES_BRI_PER_PEER, all, 2, NULL);
	mag_rig_commit(0);
	assert_int_equal(acknowledged(2), CODES_BRA_SUCCESS);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
}

/* RFC 5846, 9.1: it is asked, and has half a second. */
static void a_node_that_is_here_is_not_revoked(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig.solicitations = 0;
	indicate(CODES_BRI_HANDOVER_SAME, FLAGS_REVOCATION_P, 1, MAG_RIG_NODE);
	assert_int_equal(mag_rig.solicitations, 1);
	assert_int_equal(mag_rig.messages, 0);
	mag_rig_wait_ms(100);
	mag_rig_speak("access", ICMP6_TYPE_NEIGHBOUR_SOLICITATION);
	assert_int_equal(acknowledged(1), CODES_BRA_ATTACHED);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	indicate(CODES_BRI_HANDOVER_SAME, FLAGS_REVOCATION_P, 2, MAG_RIG_NODE);
	mag_rig_wait_ms(510);
	mag_rig_commit(0);
	assert_int_equal(acknowledged(2), CODES_BRA_SUCCESS);
	assert_null(mag_rig_attached());
}

/* One that is always on is here, unless it is known to have come to another gateway. */
static void a_node_that_is_always_on_is_here(void **state)
{
	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.always_on = true;
	mag_rig_start();
	mag_start(mag_rig.mag);
	mag_rig_wait_ms(5);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	indicate(CODES_BRI_HANDOVER_UNKNOWN, FLAGS_REVOCATION_P, 1, MAG_RIG_NODE);
	assert_int_equal(acknowledged(1), CODES_BRA_ATTACHED);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	indicate(CODES_BRI_HANDOVER_SAME, FLAGS_REVOCATION_P, 2, MAG_RIG_NODE);
	mag_rig_commit(0);
	assert_int_equal(acknowledged(2), CODES_BRA_SUCCESS);
	assert_null(mag_rig_attached());
}

/* What is under way when the program ends is freed. */
static void revocations_under_way_end_with_the_gateway(void **state)
{
	(void)state;
	mag_rig_register_host();
	indicate(CODES_BRI_HANDOVER_UNKNOWN, FLAGS_REVOCATION_P, 1, MAG_RIG_NODE);
	assert_int_equal(mag_rig.messages, 0);
}

static uint8_t notify(uint16_t reason, const char *id)
{
	struct mh mh = {
		.type = MH_UPN, .upn = {.sequence = 99, .reason = reason, .flags = FLAGS_UPN_A}};
	struct mh_option *o = option_add(&mh, OPTION_MN_ID);

	o->mn_id.subtype = CODES_MN_ID_NAI;
	o->mn_id.id.at = (const uint8_t *)id;
	o->mn_id.id.len = (uint8_t)strlen(id);
	mag_rig_say(&mh);
	assert_int_equal(mag_rig.message.type, MH_UPA);
	assert_int_equal(mag_rig.message.upa.sequence, 99);
	assert_non_null(option_find(&mag_rig.message, OPTION_MN_ID));
	return mag_rig.message.upa.status;
}

static void notifications_that_ask_for_more_are_refused(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_rig.updates = 0;
	assert_int_equal(notify(CODES_UPN_SESSION, MAG_RIG_NODE), CODES_UPA_SESSION);
	assert_int_equal(notify(CODES_UPN_VENDOR, MAG_RIG_NODE), CODES_UPA_VENDOR);
	assert_int_equal(notify(CODES_UPN_ANI, MAG_RIG_NODE), CODES_UPA_UNSPECIFIED);
	assert_int_equal(notify(CODES_UPN_REREGISTER, "other@example.org"), CODES_UPA_NOT_ATTACHED);
	assert_int_equal(mag_rig.updates, 0);
	assert_int_equal(notify(CODES_UPN_REREGISTER, MAG_RIG_NODE), CODES_UPA_SUCCESS);
	assert_int_equal(mag_rig.updates, 1);
}

/* What somebody who traces the host has been told: a line for each message beside registrations. */
static char traced[1024];

static void take_trace(void *context, const struct tracer_item *item)
{
	(void)context;
	if (item->kind == TRACER_EVENT || strncmp(item->what, "proxy-", 6) == 0 ||
		strcmp(item->mn_id, MAG_RIG_NODE) != 0)
		return;
	assert_non_null(item->octets);
	assert_non_null(item->care_of);
	snprintf(traced + strlen(traced), sizeof(traced) - strlen(traced), "%s %s %s\n",
		tracer_kind_name(item->kind), item->what, item->outcome ? item->outcome : "-");
}

static void assert_traced(const char *wanted)
{
	assert_string_equal(traced, wanted);
	traced[0] = '\0';
}

static void what_it_is_asked_is_traced(void **state)
{
	(void)state;
	mag_rig_register_host();
	mag_set_tracer(mag_rig.mag, (struct tracer){.fn = take_trace});
	notify(CODES_UPN_SESSION, MAG_RIG_NODE);
	assert_traced(
		"received update-notification taken\n"
		"sent update-notification-acknowledgement FAILED-TO-UPDATE-SESSION-PARAMETERS\n");
	notify(CODES_UPN_REREGISTER, "other@example.org");
	indicate_at(1, CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 1, MAG_RIG_NODE);
	assert_traced("received binding-revocation-indication mag_drop_replay\n");
	indicate(CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 2, MAG_RIG_NODE);
	assert_traced("received binding-revocation-indication taken\n");
	mag_rig_commit(0);
	assert_traced("sent binding-revocation-acknowledgement success\n");
	indicate(CODES_BRI_ADMINISTRATIVE, FLAGS_REVOCATION_P, 3, MAG_RIG_NODE);
	assert_traced("received binding-revocation-indication taken\n"
		      "sent binding-revocation-acknowledgement success\n");
}

static struct {
	unsigned calls;
	enum notice_end end;
} outcome;

static void noticed(void *context, enum notice_end end, uint8_t status)
{
	(void)context;
	assert_int_equal(status, CODES_BRA_SUCCESS);
	outcome.end = end;
	outcome.calls++;
}

static void assert_revokes(const char *source, const char *about)
{
	const struct in6_addr from = mag_rig_address(source), coa = mag_rig_address(about);

	assert_int_equal(mag_rig.message.revocation.type, CODES_REVOCATION_INDICATION);
	assert_true(addr_equal(&mag_rig.source, &from));
	assert_true(addr_equal(
		&option_find(&mag_rig.message, OPTION_ALTERNATE_COA)->alternate_coa.coa, &coa));
}

/* RFC 5846, 8.2: what is registered by an address that is not that of the message is named by it;
 * and a message that nobody answers goes by another way (RFC 8278). */
static void all_of_an_anchor_ends_by_any_way(void **state)
{
	struct mag_rig_answer good = mag_rig_good;
	struct mh answer = {
		.type = MH_REVOCATION, .revocation = {.type = CODES_REVOCATION_ACKNOWLEDGEMENT}};

	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.paths = true;
	mag_rig_start();
	good.echo = true;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	mag_rig_answer(&good); /* the second way, which it is heard by last */
	mag_rig_commit(0);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	assert_int_equal(mag_rig_attached()->now.path_count, 2);
	mag_rig.messages = 0;
	assert_int_equal(
		mag_revoke(mag_rig.mag, mag_anchor_next(mag_rig.mag, 0), noticed, NULL), 0);
	assert_int_equal(mag_rig.messages, 1);
	assert_revokes(MAG_RIG_OTHER, MAG_RIG_OWN);
	mag_rig_commit(0);
	mag_rig_wait_ms(1010);
	assert_int_equal(mag_rig.messages, 2);
	assert_revokes(MAG_RIG_OWN, MAG_RIG_OWN);
	assert_int_equal(outcome.calls, 0);
	answer.revocation.sequence = mag_rig.message.revocation.sequence;
	answer.revocation.flags = mag_rig.message.revocation.flags;
	mag_rig_say(&answer);
	assert_int_equal(outcome.calls, 1);
	assert_int_equal(outcome.end, NOTICE_ANSWERED);
}

/* The first way never came about. */
static void what_is_by_the_second_way_alone_ends_too(void **state)
{
	struct mag_rig_answer good = mag_rig_good;

	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.paths = mag_rig.one_by_one = true;
	mag_rig_start();
	good.echo = true;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	while (option_find(&mag_rig.update, OPTION_MAG_MULTIPATH)->mag_multipath.bid != 7)
		mag_rig_wait_ms(1);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	mag_rig.messages = 0;
	assert_int_equal(mag_revoke(mag_rig.mag, mag_anchor_next(mag_rig.mag, 0), NULL, NULL), 0);
	assert_int_equal(mag_rig.messages, 1);
	assert_revokes(MAG_RIG_OTHER, MAG_RIG_OTHER);
	mag_rig_commit(0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, mag_rig_setup, mag_rig_teardown)
		TEST(an_anchor_revokes),
		TEST(a_doubt_ends_with_what_was_doubted),
		TEST(any_address_is_spoken_to),
		TEST(what_an_anchor_said_once_counts_once),
		TEST(a_revocation_has_its_status),
		TEST(an_anchor_revokes_all),
		TEST(all_of_an_anchor_ends_by_any_way),
		TEST(what_is_by_the_second_way_alone_ends_too),
		TEST(a_node_that_is_here_is_not_revoked),
		TEST(a_node_that_is_always_on_is_here),
		TEST(revocations_under_way_end_with_the_gateway),
		TEST(notifications_that_ask_for_more_are_refused),
		TEST(what_it_is_asked_is_traced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
