/* A gateway that asks for tunnels in GRE, and what anchors make of it (RFC 5845, 4). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/signalling/mag/mag_counter.h"
#include "mag_rig.h"

enum { KEY = 0x0afe0001 };

static struct mag_rig_answer good, agreed;

static void begin(enum mag_gre gre, bool paths)
{
	mag_free(mag_rig.mag);
	mag_rig.gre = gre;
	mag_rig.paths = paths;
	mag_rig_start();
	good = agreed = mag_rig_good;
	good.echo = agreed.echo = paths;
	agreed.gre = true;
	agreed.uplink_key = (struct field_optional){.value = KEY, .present = true};
}

/* The option of the last update, NULL: it had none. */
static const struct option_gre_key *asked(void)
{
	const struct mh_option *o = option_find(&mag_rig.update, OPTION_GRE_KEY);

	return o ? &o->gre_key : NULL;
}

static void attach(void)
{
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 1);
}

/* The lifetime is half over; the host is there. */
static void refresh(void)
{
	unsigned updates = mag_rig.updates;

	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60100);
	assert_int_equal(mag_rig.updates, updates + 1);
}

static void answer(const struct mag_rig_answer *a, enum session_gre gre, uint32_t key)
{
	mag_rig_answer(a);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.committed.encapsulation.gre, gre);
	assert_int_equal(mag_rig.committed.encapsulation.peer_key, key);
}

/* 3.3.1: its own key down, the anchor's up; 3.3.2: again with each extension. */
static void keys_are_exchanged_and_stay(void **state)
{
	uint32_t own;

	(void)state;
	begin(MAG_GRE_KEYS, false);
	attach();
	assert_true(asked()->key.present);
	own = asked()->key.value;
	assert_int_not_equal(own, 0);
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	assert_int_equal(session_own_key(mag_rig.committed.number), own);
	assert_int_equal(mag_rig.advertised.mtu, 1452);
	refresh();
	assert_int_equal(asked()->key.value, own);
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	/* An end does not name it (4.2). */
	mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
	assert_null(asked());
}

/* 3.2 */
static void encapsulation_alone(void **state)
{
	(void)state;
	begin(MAG_GRE_ENCAPSULATION, false);
	attach();
	assert_non_null(asked());
	assert_false(asked()->key.present);
	agreed.uplink_key.present = false;
	answer(&agreed, SESSION_GRE_PLAIN, 0);
	assert_int_equal(mag_rig.advertised.mtu, 1456);
}

/* 4.2: an anchor that passes over the option is not asked with it again. */
static void an_old_anchor_is_not_asked_again(void **state)
{
	(void)state;
	begin(MAG_GRE_KEYS, false);
	attach();
	assert_non_null(asked());
	answer(&good, SESSION_GRE_NONE, 0);
	assert_int_equal(mag_values(mag_rig.mag)[MAG_N_NO_GRE], 1);
	assert_int_equal(mag_rig.advertised.mtu, 1460);
	refresh();
	assert_null(asked());
	answer(&good, SESSION_GRE_NONE, 0);
	assert_int_equal(mag_values(mag_rig.mag)[MAG_N_NO_GRE], 1);
}

/* 4.2: the session does without, other sessions are asked about anew. */
static void an_anchor_that_has_no_need_is_heeded(void **state)
{
	struct mag_rig_answer declined;
	struct attachment_record kept;

	(void)state;
	begin(MAG_GRE_KEYS, false);
	declined = good;
	declined.status = STATUS_BA_GRE_KEY_NOT_REQUIRED;
	attach();
	answer(&declined, SESSION_GRE_DECLINED, 0);
	refresh();
	assert_null(asked());
	answer(&good, SESSION_GRE_DECLINED, 0);
	/* So it is after a restart. */
	kept = mag_rig_attached()->now;
	mag_free(mag_rig.mag);
	mag_rig_start();
	kept.mn_id =
		(struct session_mn_id){1, sizeof(MAG_RIG_NODE) - 1, (const uint8_t *)MAG_RIG_NODE};
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	mag_rig_wait_ms(1000);
	assert_null(asked());
	answer(&good, SESSION_GRE_DECLINED, 0);
	/* Another session of the node begins. */
	mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL);
	mag_rig_commit(0);
	mag_rig_answer(&(struct mag_rig_answer){.prefix = good.prefix});
	assert_null(mag_rig_attached());
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_non_null(asked());
}

/* 4.2: one that requires it is asked at once, and at first from then on. */
static void an_anchor_that_requires_it_is_asked(void **state)
{
	const struct mag_rig_answer required = {.status = STATUS_BA_GRE_KEY_REQUIRED};

	(void)state;
	begin(MAG_GRE_REQUIRED, false);
	attach();
	assert_null(asked());
	mag_rig_answer(&required);
	assert_int_equal(mag_rig.updates, 2);
	assert_true(asked()->key.present);
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	refresh();
	assert_non_null(asked());
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	/* Not for ever: who is refused with the option is refused. */
	refresh();
	mag_rig_answer(&required);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
}

static void who_must_not_is_refused(void **state)
{
	const struct mag_rig_answer required = {.status = STATUS_BA_GRE_KEY_REQUIRED};

	(void)state;
	begin(MAG_GRE_NEVER, false);
	attach();
	assert_null(asked());
	mag_rig_answer(&required);
	assert_int_equal(mag_rig.updates, 1);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
}

/* What it did not ask for is not believed. */
static void an_option_without_a_question_is_passed_over(void **state)
{
	(void)state;
	begin(MAG_GRE_NEVER, false);
	attach();
	answer(&agreed, SESSION_GRE_NONE, 0);
	begin(MAG_GRE_ENCAPSULATION, false);
	mag_rig.updates = 0;
	attach();
	answer(&agreed, SESSION_GRE_PLAIN, 0);
}

/* Keys are those of before. */
static void a_restart_keeps_keys(void **state)
{
	struct attachment_record kept;
	uint32_t own;

	(void)state;
	begin(MAG_GRE_REQUIRED, false);
	kept = (struct attachment_record){.number = 41,
		.mac = mag_rig_host,
		.mn_id = {1, sizeof(MAG_RIG_NODE) - 1, (const uint8_t *)MAG_RIG_NODE},
		.link = "access",
		.anchor = mag_rig_address(MAG_RIG_ANCHOR),
		.expires_ns = mag_rig.real + 100000000000,
		.lifetime = 30,
		.prefix_count = 1,
		.encapsulation = {SESSION_GRE_KEYED, KEY}};
	assert_int_equal(prefix6_parse(good.prefix, &kept.prefixes[0]), 0);
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	mag_rig_wait_ms(1000);
	own = asked()->key.value;
	assert_int_equal(own, 41);
	answer(&agreed, SESSION_GRE_KEYED, KEY);
}

/* Each of several ways is asked for with it, and has what was answered (RFC 8278). */
static void paths_have_keys_of_their_own(void **state)
{
	struct mag_rig_answer second;

	(void)state;
	begin(MAG_GRE_KEYS, true);
	attach();
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	assert_int_equal(mag_rig.updates, 2);
	assert_true(asked()->key.present);
	second = agreed;
	second.uplink_key.value = KEY + 1;
	answer(&second, SESSION_GRE_KEYED, KEY);
	assert_int_equal(mag_rig.committed.path_count, 2);
	assert_int_equal(mag_rig.committed.paths[0].encapsulation.peer_key, KEY);
	assert_int_equal(mag_rig.committed.paths[1].encapsulation.peer_key, KEY + 1);
}

/* A number takes 4 octets more, and nodes are told, before there is a second way. */
static void numbers_need_room(void **state)
{
	(void)state;
	mag_rig.numbered = true;
	begin(MAG_GRE_KEYS, true);
	attach();
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	assert_int_equal(mag_rig.advertised.mtu, 1448);
}

/* A node of a domain is served with keys or not at all, whatever the gateway asks of others. */
static void a_domain_needs_keys(void **state)
{
	const uint32_t domain = 5;

	(void)state;
	mag_rig.domain = domain;
	begin(MAG_GRE_REQUIRED, false);
	attach();
	assert_true(asked()->key.present);
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	assert_int_equal(mag_rig.committed.domain, domain);
	refresh();
	/* An anchor that has no keys. */
	mag_rig_answer(&good);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
	assert_int_equal(mag_values(mag_rig.mag)[MAG_N_NO_KEYS], 1);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	/* It is asked for them again. */
	mag_rig_wait_ms(30100);
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_true(asked()->key.present);
}

static void on_the_link_of_another_domain_it_is_not_served(void **state)
{
	struct attachment_record kept;

	(void)state;
	mag_rig.domain = 5;
	begin(MAG_GRE_REQUIRED, false);
	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_null(mag_rig_attached());
	assert_int_equal(mag_values(mag_rig.mag)[MAG_N_OTHER_DOMAIN], 1);
	attach();
	answer(&agreed, SESSION_GRE_KEYED, KEY);
	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_string_equal(mag_rig_attached()->link->port, "access");
	/* Nor after a restart in which its link became another's. */
	kept = mag_rig_attached()->now;
	mag_free(mag_rig.mag);
	mag_rig.domain = 0;
	mag_rig_start();
	kept.mn_id =
		(struct session_mn_id){1, sizeof(MAG_RIG_NODE) - 1, (const uint8_t *)MAG_RIG_NODE};
	assert_int_equal(mag_restore(mag_rig.mag, &kept), 0);
	assert_true(mag_rig_attached()->leaves);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(f) cmocka_unit_test_setup_teardown(f, mag_rig_setup, mag_rig_teardown)
		TEST(keys_are_exchanged_and_stay),
		TEST(encapsulation_alone),
		TEST(an_old_anchor_is_not_asked_again),
		TEST(an_anchor_that_has_no_need_is_heeded),
		TEST(an_anchor_that_requires_it_is_asked),
		TEST(who_must_not_is_refused),
		TEST(an_option_without_a_question_is_passed_over),
		TEST(a_restart_keeps_keys),
		TEST(paths_have_keys_of_their_own),
		TEST(numbers_need_room),
		TEST(a_domain_needs_keys),
		TEST(on_the_link_of_another_domain_it_is_not_served),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
