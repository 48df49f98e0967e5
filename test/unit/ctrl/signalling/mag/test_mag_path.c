/* A gateway with several ways to its anchors (RFC 8278, 4). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ctrl/signalling/receive.h"
#include "mag_rig.h"

static struct mag_rig_answer good;

static int setup(void **state)
{
	int error = mag_rig_setup(state);

	mag_free(mag_rig.mag);
	mag_rig.paths = true;
	mag_rig_start();
	good = mag_rig_good;
	good.echo = true;
	return error;
}

static const struct option_mag_multipath *asked(void)
{
	const struct mh_option *o = option_find(&mag_rig.update, OPTION_MAG_MULTIPATH);

	return o ? &o->mag_multipath : NULL;
}

static void assert_from(const char *text)
{
	const struct in6_addr want = mag_rig_address(text);

	assert_true(addr_equal(&mag_rig.source, &want));
}

static void assert_registered(const char *bids)
{
	const struct attachment_record *now = &mag_rig_attached()->now;
	char text[SESSION_PATHS_MAX + 1] = "";

	for (size_t i = 0; i < now->path_count; i++)
		text[i] = (char)('0' + now->paths[i].bid);
	assert_string_equal(text, bids);
}

/* Both ways are registered. */
static void register_both(void)
{
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	assert_registered("17");
}

/* First one way alone, then, when the anchor is known to understand, the other (4.4). */
static void the_first_asks_whether_the_anchor_understands(void **state)
{
	const struct mh_option *o;

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_int_equal(mag_rig.updates, 1);
	assert_from(MAG_RIG_OWN);
	assert_int_equal(asked()->bid, 1);
	assert_int_equal(asked()->label, 9);
	assert_int_equal(asked()->access, CODES_ACCESS_IEEE_802_11);
	assert_false(asked()->bulk || asked()->overwrite);
	o = option_find(&mag_rig.update, OPTION_MAG_ID);
	assert_memory_equal(o->mn_id.id.at, "mag@example.org", o->mn_id.id.len);
	mag_rig_wait_ms(900);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.advertisements, 1);
	assert_registered("1");
	/* It carries the prefix that the first was given. */
	assert_int_equal(mag_rig.updates, 2);
	assert_from(MAG_RIG_OTHER);
	assert_int_equal(asked()->bid, 7);
	assert_int_equal(asked()->label, 11);
	assert_int_equal(option_find(&mag_rig.update, OPTION_HOME_NETWORK_PREFIX)->prefix.len, 64);
	assert_int_equal(option_find(&mag_rig.update, OPTION_HANDOFF)->handoff.value,
		CODES_HANDOFF_NOT_CHANGED);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_registered("17");
	assert_int_equal(mag_rig.updates, 2);
}

/* RFC 7389: each way may lead to another data plane. */
static void each_way_has_its_end(void **state)
{
	struct mag_rig_answer good = mag_rig_good;
	const struct in6_addr first = mag_rig_address("2001:db8:e::1"),
			      second = mag_rig_address("2001:db8:e::2");

	(void)state;
	good.echo = true;
	good.user_plane = "2001:db8:e::1";
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	good.user_plane = "2001:db8:e::2";
	mag_rig_answer(&good);
	assert_int_equal(mag_rig.committed.path_count, 2);
	assert_true(addr_equal(&mag_rig.committed.paths[0].user_plane, &first));
	assert_true(addr_equal(&mag_rig.committed.paths[1].user_plane, &second));
	mag_rig_commit(0);
}

/* An anchor that does not know the option does not return it: one way it is (4.4). */
static void a_legacy_anchor_has_one_way(void **state)
{
	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_registered("");
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60500);
	assert_int_equal(mag_rig.updates, 2);
	assert_null(asked());
	assert_null(option_find(&mag_rig.update, OPTION_MAG_ID));
	assert_from(MAG_RIG_OWN);
}

/* One that refuses is asked for one way at once (4.4). */
static void a_refusal_is_followed_by_a_plain_request(void **state)
{
	struct mag_rig_answer no = {.status = STATUS_BA_MULTIPATH, .echo = true};

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&no);
	assert_int_equal(mag_rig.updates, 2);
	assert_null(asked());
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_registered("");
	mag_rig_wait_ms(500);
	assert_int_equal(mag_rig.updates, 2);
}

/* All are extended by one update (B, 4.1). */
static void one_update_extends_all(void **state)
{
	(void)state;
	register_both();
	mag_rig_wait_ms(60500);
	assert_int_equal(mag_rig.updates, 3);
	assert_true(asked()->bulk);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.updates, 3);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(59000);
	assert_registered("17");
	assert_int_equal(mag_rig.updates, 3);
}

/* Where one way does not answer, the other is tried. */
static void another_way_is_tried(void **state)
{
	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_wait_ms(3100);
	assert_from(MAG_RIG_OTHER);
	assert_int_equal(asked()->bid, 7);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_registered("7");
	assert_from(MAG_RIG_OWN);
	assert_int_equal(asked()->bid, 1);
}

/* A further way that stays unanswered is asked for again, more and more slowly. */
static void a_further_way_is_asked_for_again(void **state)
{
	unsigned before;

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	mag_rig_attached()->probe_ns = UINT64_MAX;
	before = mag_rig.updates;
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, before + 1);
	mag_rig_wait_ms(1500);
	assert_int_equal(mag_rig.updates, before + 1);
	mag_rig_wait_ms(600);
	assert_int_equal(mag_rig.updates, before + 2);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_registered("17");
}

/* Its answer comes while the commit is at work: it is not lost. */
static void an_answer_waits_for_the_commit(void **state)
{
	(void)state;
	register_both();
	mag_rig_speak("second", ICMP6_TYPE_ROUTER_SOLICITATION); /* a move, which is committed */
	assert_non_null(mag_rig.done);
	mag_rig_attached()->now.paths[1].expires_ns = 0;
	mag_rig_attached()->ways[1] =
		(struct mag_way){.granted = 30, .expires_ns = mag_rig.real + 120 * CLOCK_NS_PER_S};
	mag_rig_commit(0);
	mag_rig_commit(0);
	assert_true(mag_rig_attached()->now.paths[1].expires_ns > mag_rig.real);
}

static void the_end_is_that_of_all(void **state)
{
	(void)state;
	register_both();
	assert_int_equal(mag_detach(mag_rig.mag, mag_rig_attached(), NULL, NULL), 0);
	assert_int_equal(mag_rig.committed.lifetime, 0);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.update.bu.lifetime, 0);
	assert_null(asked());
}

/* After a restart with other ways, what the anchor has of the old ones is overwritten (O, 4.1). */
static void ways_that_are_gone_are_overwritten(void **state)
{
	struct attachment_record record;
	uint8_t name[64];

	(void)state;
	register_both();
	record = mag_rig_attached()->now;
	memcpy(name, record.mn_id.octets, record.mn_id.len);
	record.mn_id.octets = name;
	record.paths[1].bid = 9;
	mag_free(mag_rig.mag);
	mag_rig_start();
	assert_int_equal(mag_restore(mag_rig.mag, &record), 0);
	mag_rig_wait_ms(10);
	assert_true(asked()->overwrite && !asked()->bulk);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_registered("1");
	assert_int_equal(asked()->bid, 7);
	assert_false(asked()->overwrite);
}

/* What the operator changes is committed again, after what is under way. */
static void renewal_commits_what_is_there(void **state)
{
	unsigned commits;

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&good);
	commits = mag_rig.commits;
	mag_renew_paths(mag_rig.mag, NULL);
	assert_int_equal(mag_rig.commits, commits);
	mag_rig_commit(0);
	assert_int_equal(mag_rig.commits, commits + 1);
	mag_rig_commit(0);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_registered("17");
	commits = mag_rig.commits;
	mag_renew_paths(mag_rig.mag, "another");
	assert_int_equal(mag_rig.commits, commits);
	mag_renew_paths(mag_rig.mag, "lma");
	assert_int_equal(mag_rig.commits, commits + 1);
	assert_int_equal(mag_rig.committed.path_count, 2);
	mag_rig_commit(0);
	mag_rig_wait_ms(1000);
	assert_int_equal(mag_rig.commits, commits + 1);
	assert_registered("17");
}

/* What the last update tells of paths; false: nothing. */
static bool told(struct metrics_list *list)
{
	const struct mh_option *o = option_find(&mag_rig.update, OPTION_VENDOR);

	if (!o)
		return false;
	assert_int_equal(o->vendor.vendor, mag_rig.metrics_vendor);
	assert_int_equal(o->vendor.subtype, METRICS_SUBTYPE);
	assert_int_equal(metrics_decode(o->vendor.data.at, o->vendor.data.len, list), 0);
	return true;
}

/* With each update; and with one more when that is wanted, which extends all. */
static void anchors_are_told_of_paths(void **state)
{
	const struct metrics_list metrics = {
		.count = 2, .ways = {{.bid = 1, .delay_us = 7000}, {.bid = 7, .loss = 30}}};
	struct metrics_list list;
	unsigned updates;

	(void)state;
	mag_free(mag_rig.mag);
	mag_rig.metrics_vendor = 32473;
	mag_rig_start();
	register_both();
	assert_false(told(&list)); /* nothing was measured */
	mag_rig.metrics = metrics;
	updates = mag_rig.updates;
	assert_true(mag_tell_metrics(mag_rig.mag, mag_rig_attached()->anchor));
	assert_int_equal(mag_rig.updates, updates + 1);
	assert_true(asked()->bulk);
	assert_true(told(&list));
	assert_int_equal(list.count, 2);
	assert_int_equal(list.ways[0].delay_us, 7000);
	assert_int_equal(list.ways[1].bid, 7);
	assert_int_equal(list.ways[1].loss, 30);
	/* While that is under way there is nobody to tell by. */
	assert_false(mag_tell_metrics(mag_rig.mag, mag_rig_attached()->anchor));
	assert_int_equal(mag_rig.updates, updates + 1);
	mag_rig_answer(&good);
	assert_false(mag_tell_metrics(mag_rig.mag, mag_rig_attached()->anchor));
	mag_rig_commit(0);
	assert_registered("17");
	assert_true(mag_tell_metrics(mag_rig.mag, mag_rig_attached()->anchor));
}

static void anchors_are_told_nothing_unless_wanted(void **state)
{
	struct metrics_list list;

	(void)state;
	mag_rig.metrics = (struct metrics_list){.count = 1, .ways = {{.bid = 1}}};
	register_both();
	assert_false(told(&list));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, mag_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(the_first_asks_whether_the_anchor_understands),
		TEST(each_way_has_its_end),
		TEST(a_legacy_anchor_has_one_way),
		TEST(a_refusal_is_followed_by_a_plain_request),
		TEST(one_update_extends_all),
		TEST(another_way_is_tried),
		TEST(a_further_way_is_asked_for_again),
		TEST(an_answer_waits_for_the_commit),
		TEST(the_end_is_that_of_all),
		TEST(ways_that_are_gone_are_overwritten),
		TEST(anchors_are_told_of_paths),
		TEST(anchors_are_told_nothing_unless_wanted),
		TEST(renewal_commits_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
