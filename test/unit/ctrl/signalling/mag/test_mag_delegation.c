/* A gateway that asks for prefixes of networks behind nodes (RFC 7148, 5.1), and nodes that are
 * always on. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/signalling/mag/mag_counter.h"
#include "mag_rig.h"
#include "proto/mobility/flags.h"

#define FIRST  "2001:db8:7000::/56"
#define SECOND "2001:db8:7000:100::/56"

static struct mag_rig_answer granted;

/* Made anew, with what the test has set; the anchor would grant the first. */
static void begin(void)
{
	mag_free(mag_rig.mag);
	mag_rig_start();
	granted = mag_rig_good;
	granted.echo = mag_rig.paths;
	granted.delegated[0] = FIRST;
}

static void begin_delegating(void)
{
	mag_rig.delegates = true;
	begin();
}

static void attach(void)
{
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 1);
}

/* What the last update asks for; NULL: no such option. */
static void asks(const char *first, const char *second)
{
	const struct mh_option *o = option_find(&mag_rig.update, OPTION_DELEGATED_PREFIX);
	const char *const texts[] = {first, second};

	for (size_t i = 0; i < 2; i++) {
		struct prefix6 p;

		if (!texts[i]) {
			assert_null(o);
			return;
		}
		assert_non_null(o);
		assert_int_equal(prefix6_parse(texts[i], &p), 0);
		assert_false(o->delegated_prefix.is_ip4);
		assert_int_equal(o->delegated_prefix.prefix_len, p.len);
		assert_true(addr_equal(&o->delegated_prefix.prefix.ip6, &p.addr));
		o = option_next(&mag_rig.update, o);
	}
	assert_null(o);
}

static void answer(const struct mag_rig_answer *a, const char *first)
{
	mag_rig_answer(a);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.committed.delegated_count, first ? 1 : 0);
	if (first)
		assert_string_equal(PREFIX6_TEXT(&mag_rig.committed.delegated[0]), first);
}

static void refuse(uint8_t status)
{
	struct mag_rig_answer a = mag_rig_good;
	unsigned updates = mag_rig.updates;

	a.status = status;
	a.lifetime = 0;
	mag_rig_answer(&a);
	/* It is followed at once, and the node is none the worse for it. */
	assert_int_equal(mag_rig.updates, updates + 1);
	assert_null(mag_rig.done);
}

/* The lifetime is half over; the host is there. */
static void refresh(void)
{
	unsigned updates = mag_rig.updates;

	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60100);
	assert_int_equal(mag_rig.updates, updates + 1);
}

static const char *state(void)
{
	return mag_delegation_name(mag_rig_attached()->delegation);
}

/* 5.1.2: exactly one of all zero; then each that was given; and the end does not name them. */
static void any_and_then_what_was_given(void **st)
{
	(void)st;
	begin_delegating();
	attach();
	asks("::/0", NULL);
	assert_string_equal(state(), "off");
	answer(&granted, FIRST);
	assert_string_equal(state(), "granted");
	/* The link has the home network prefix alone. */
	assert_int_equal(mag_rig.advertised.prefix_count, 1);
	refresh();
	asks(FIRST, NULL);
	granted.delegated[0] = SECOND;
	answer(&granted, SECOND);
	refresh();
	asks(SECOND, NULL);
	answer(&granted, SECOND);
	mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
	asks(NULL, NULL);
}

static void those_of_the_profile(void **st)
{
	(void)st;
	mag_rig.delegated[0] = FIRST;
	mag_rig.delegated[1] = SECOND;
	begin_delegating();
	attach();
	asks(FIRST, SECOND);
	granted.delegated[1] = SECOND;
	mag_rig_answer(&granted);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.committed.delegated_count, 2);
	refresh();
	asks(FIRST, SECOND);
}

static void who_is_not_to_ask_does_not(void **st)
{
	(void)st;
	begin();
	attach();
	asks(NULL, NULL);
	/* What nobody asked for is not taken. */
	answer(&granted, NULL);
	assert_string_equal(state(), "off");
}

/* 5.2.2: an anchor that passes over it. */
static void an_anchor_that_does_not_know_it(void **st)
{
	(void)st;
	begin_delegating();
	attach();
	answer(&mag_rig_good, NULL);
	assert_string_equal(state(), "unsupported");
	assert_int_equal(mag_values(mag_rig.mag)[MAG_N_NO_DELEGATION], 1);
	refresh();
	asks("::/0", NULL);
	answer(&granted, FIRST);
}

/* Prefixes that nothing can be routed to, and more than there is room for. */
static void what_cannot_be_is_passed_over(void **st)
{
	(void)st;
	begin_delegating();
	attach();
	granted.delegated[0] = "fe80::/64";
	granted.delegated[1] = "::/0";
	granted.delegated[2] = SECOND;
	answer(&granted, SECOND);
	refresh();
	for (size_t i = 0; i < 5; i++)
		granted.delegated[i] = FIRST;
	mag_rig_answer(&granted);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.committed.delegated_count, SESSION_DELEGATED_MAX);
}

/* 5.1.2: 177, delegation is disabled; until its anchor says that it is to register anew. */
static void not_authorized(void **st)
{
	struct mh upn = {.type = MH_UPN, .upn = {.sequence = 1, .reason = CODES_UPN_REREGISTER}};
	struct mh_option *o;

	(void)st;
	begin_delegating();
	attach();
	refuse(STATUS_BA_DMNP_NOT_AUTHORIZED);
	asks(NULL, NULL);
	answer(&mag_rig_good, NULL);
	assert_string_equal(state(), "refused");
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	refresh();
	asks(NULL, NULL);
	answer(&mag_rig_good, NULL);
	o = option_add(&upn, OPTION_MN_ID);
	o->mn_id.subtype = OPTION_MN_ID_NAI;
	o->mn_id.id.at = (const uint8_t *)MAG_RIG_NODE;
	o->mn_id.id.len = (uint8_t)strlen(MAG_RIG_NODE);
	mag_rig_say(&upn);
	asks("::/0", NULL);
	answer(&granted, FIRST);
}

/* 5.1.2: 178 for those of the profile: none, and they are asked for again with each extension. */
static void in_use(void **st)
{
	(void)st;
	mag_rig.delegated[0] = FIRST;
	begin_delegating();
	attach();
	refuse(STATUS_BA_DMNP_IN_USE);
	asks(NULL, NULL);
	answer(&mag_rig_good, NULL);
	assert_string_equal(state(), "in-use");
	refresh();
	asks(FIRST, NULL);
	refuse(STATUS_BA_DMNP_IN_USE);
	asks(NULL, NULL);
	answer(&mag_rig_good, NULL);
	refresh();
	answer(&granted, FIRST);
	assert_string_equal(state(), "granted");
}

/* 5.1.2: 178 for what it was given before: any other will do, and if there is none, none. */
static void given_to_another(void **st)
{
	(void)st;
	begin_delegating();
	attach();
	answer(&granted, FIRST);
	refresh();
	asks(FIRST, NULL);
	refuse(STATUS_BA_DMNP_IN_USE);
	asks("::/0", NULL);
	refuse(STATUS_BA_DMNP_IN_USE);
	asks(NULL, NULL);
	answer(&mag_rig_good, NULL);
	refresh();
	asks("::/0", NULL);
	granted.delegated[0] = SECOND;
	answer(&granted, SECOND);
	refresh();
	asks(SECOND, NULL);
}

/* A refusal of what nobody asked for is one of the node. */
static void an_absurd_refusal(void **st)
{
	struct mag_rig_answer a = mag_rig_good;

	(void)st;
	begin();
	attach();
	a.status = STATUS_BA_DMNP_NOT_AUTHORIZED;
	mag_rig_answer(&a);
	assert_int_equal(mag_rig.updates, 1);
	assert_int_equal(mag_rig_attached()->state, MAG_REFUSED);
}

/* RFC 8278: each binding says it, what the first was given. */
static void further_ways_say_it_too(void **st)
{
	(void)st;
	mag_rig.paths = true;
	begin_delegating();
	attach();
	asks("::/0", NULL);
	answer(&granted, FIRST);
	assert_int_equal(mag_rig.updates, 2);
	asks(FIRST, NULL);
	answer(&granted, FIRST);
	assert_int_equal(mag_rig.committed.path_count, 2);
}

static void a_restart_keeps_it(void **st)
{
	struct attachment_record record;

	(void)st;
	begin_delegating();
	attach();
	answer(&granted, FIRST);
	record = mag_rig.committed;
	record.mn_id.octets = (const uint8_t *)MAG_RIG_NODE;
	begin();
	assert_int_equal(mag_restore(mag_rig.mag, &record), 0);
	assert_string_equal(state(), "granted");
	mag_rig_wait_ms(10);
	asks(FIRST, NULL);
	answer(&granted, FIRST);
}

/* "Logical mobile node": nobody has heard it, and nobody has to. */
static void a_node_that_is_always_on(void **st)
{
	struct mag_attachment *a;

	(void)st;
	mag_rig.always_on = true;
	begin_delegating();
	mag_start(mag_rig.mag);
	assert_int_equal(mag_rig.updates, 0);
	mag_rig_wait_ms(5);
	assert_int_equal(mag_rig.updates, 1);
	asks("::/0", NULL);
	answer(&granted, FIRST);
	assert_string_equal(mag_rig.committed.link, "second");
	/* It speaks, and then is silent for long. */
	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION);
	if (mag_rig.updates > 1)
		answer(&granted, FIRST);
	mag_rig_wait_ms(50000);
	assert_int_equal(mag_rig.solicitations, 0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	/* A refused one is tried again though it does not speak. */
	a = mag_rig_attached();
	mag_rig_wait_ms(15000);
	mag_rig_answer(&(struct mag_rig_answer){.status = STATUS_BA_PROHIBITED});
	mag_rig_commit(0);
	assert_int_equal(a->state, MAG_REFUSED);
	mag_rig.updates = 0;
	mag_rig_wait_ms(29000);
	assert_int_equal(mag_rig.updates, 0);
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, 1);
	asks(FIRST, NULL);
	answer(&granted, FIRST);
	assert_int_equal(a->state, MAG_ATTACHED);
}

/* It was on another link, or of another anchor, when the gateway was there last. */
static void always_on_follows_the_configuration(void **st)
{
	struct attachment_record record;

	(void)st;
	begin();
	attach();
	answer(&mag_rig_good, NULL);
	record = mag_rig.committed;
	record.mn_id.octets = (const uint8_t *)MAG_RIG_NODE;
	mag_rig.always_on = true;
	begin();
	assert_int_equal(mag_restore(mag_rig.mag, &record), 0);
	mag_start(mag_rig.mag);
	mag_rig_commit(0);
	assert_string_equal(mag_rig.committed.link, "second");
	begin();
	addr_parse("2001:db8:99::1", &record.anchor);
	assert_int_equal(mag_restore(mag_rig.mag, &record), 0);
	mag_start(mag_rig.mag);
	mag_rig.updates = 0;
	mag_rig_wait_ms(1);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.updates, 1);
	answer(&mag_rig_good, NULL);
	assert_string_equal(mag_rig.committed.link, "second");
	assert_true(addr_equal(&mag_rig.committed.anchor, &mag_rig_attached()->anchor->address));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, mag_rig_setup, mag_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(any_and_then_what_was_given),
		TEST(those_of_the_profile),
		TEST(who_is_not_to_ask_does_not),
		TEST(an_anchor_that_does_not_know_it),
		TEST(what_cannot_be_is_passed_over),
		TEST(not_authorized),
		TEST(in_use),
		TEST(given_to_another),
		TEST(an_absurd_refusal),
		TEST(further_ways_say_it_too),
		TEST(a_restart_keeps_it),
		TEST(a_node_that_is_always_on),
		TEST(always_on_follows_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
