/* Sessions with several bindings at the anchor (RFC 8278, 4). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "lma_rig.h"

/* The registration of a binding: 1 from the first address of the gateway, others from the second.
 */
static struct lma_rig_pbu path_pbu(uint8_t bid)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.src = bid == 1 ? LMA_RIG_MAG1 : LMA_RIG_MAG1_OTHER;
	pbu.has_multipath = true;
	pbu.multipath = (struct option_mag_multipath){
		.bid = bid, .label = (uint8_t)(10 * bid), .access = CODES_ACCESS_IEEE_802_11};
	pbu.mag_id = "mag1@example.org";
	return pbu;
}

static const struct session *the_session(void)
{
	return session_cache_next(lma_cache(rig->lma), NULL);
}

static void assert_bids(const char *wanted)
{
	const struct session_record *now = &the_session()->now;
	char text[SESSION_PATHS_MAX + 1] = "";

	for (size_t i = 0; i < now->path_count; i++)
		text[i] = (char)('0' + now->paths[i].bid);
	assert_string_equal(text, wanted);
}

static void registers_several(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);
	struct prefix6 prefix = lma_rig_bound(rig, &pbu);
	const struct in6_addr first = lma_rig_addr(LMA_RIG_MAG1);
	const struct in6_addr other = lma_rig_addr(LMA_RIG_MAG1_OTHER);
	struct lma_rig_answer a;

	(void)state;
	pbu = path_pbu(2);
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_true(a.authentic);
	assert_true(addr_equal(&a.dst, &other));
	assert_int_equal(prefix6_compare(&a.prefixes[0], &prefix), 0);
	/* The option returns, without that of the gateway's identity (4.4). */
	assert_true(a.has_multipath);
	assert_false(a.has_mag_id);
	assert_int_equal(a.multipath.bid, 2);
	assert_int_equal(a.multipath.label, 20);
	assert_bids("12");
	assert_int_equal(lma_live(rig->lma), 1);
	assert_true(addr_equal(&the_session()->now.care_of, &first));
	assert_true(addr_equal(&the_session()->now.paths[1].care_of, &other));
	assert_int_equal(rig->events[rig->event_count - 1].kind, LMA_PATH_ADDED);
	assert_int_equal(rig->events[rig->event_count - 1].bid, 2);
	assert_int_equal(lma_rig_counter(rig, "lma_path_added"), 1);
}

static void concurrent_registrations_are_all_taken(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	lma_rig_bound(rig, &pbu);
	for (uint8_t bid = 2; bid <= 3; bid++) {
		pbu = path_pbu(bid);
		pbu.sequence = bid;
		lma_rig_send(rig, &pbu);
	}
	pbu.sequence = 9; /* one too many, as seen from here */
	pbu.multipath.bid = 4;
	lma_rig_send(rig, &pbu);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_RESOURCES);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).multipath.bid, 2);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).multipath.bid, 3);
	assert_bids("123");
	assert_int_equal(lma_rig_counter(rig, "lma_superseded"), 0);
}

static void one_of_several_ends(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);
	struct lma_rig_answer a;

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(1);
	pbu.lifetime = 0;
	lma_rig_send(rig, &pbu);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_LIVE);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_int_equal(a.lifetime, 0);
	assert_bids("2");
	assert_int_equal(rig->events[rig->event_count - 1].kind, LMA_PATH_ENDED);
	pbu = path_pbu(2);
	pbu.lifetime = 0;
	lma_rig_send(rig, &pbu);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_ENDING);
	assert_int_equal(lma_rig_answer(rig).lifetime, 0);
	assert_int_equal(lma_live(rig->lma), 0);
}

/* B: the lifetimes of all bindings (4.1). */
static void bulk_extends_all(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_bound(rig, &pbu);
	lma_rig_wait_ms(rig, 30000);
	pbu.multipath.bulk = true;
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	lma_rig_send(rig, &pbu);
	lma_rig_commit(rig, 0);
	assert_true(lma_rig_answer(rig).multipath.bulk);
	lma_rig_wait_ms(rig, 30000);
	assert_int_equal(rig->commit_count, 0);
	assert_bids("12");
}

/* Without B, one whose lifetime is over goes alone. */
static void each_has_its_own_lifetime(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_bound(rig, &pbu);
	lma_rig_wait_ms(rig, 30000);
	lma_rig_bound(rig, &pbu);
	lma_rig_wait_ms(rig, 11000);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_LIVE);
	assert_bids("2");
	lma_rig_wait_ms(rig, 30000);
	assert_int_equal(lma_rig_commit(rig, 0).to.life, SESSION_NONE);
	assert_null(the_session());
}

/* O: this binding instead of all others (4.1). */
static void overwrite_replaces_all(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(3);
	pbu.multipath.overwrite = true;
	lma_rig_bound(rig, &pbu);
	assert_bids("3");
}

static void what_cannot_be_is_refused(void **state)
{
	static const struct {
		struct option_mag_multipath option;
		uint16_t lifetime;
		const char *mag_id, *node;
		uint8_t status;
	} bad[] = {
		{{.bid = 0}, 10, "m", LMA_RIG_NODE, STATUS_BA_UNSPECIFIED},
		{{.bid = 255}, 10, "m", LMA_RIG_NODE, STATUS_BA_UNSPECIFIED},
		{{.bid = 1, .bulk = true, .overwrite = true}, 10, "m", LMA_RIG_NODE,
			STATUS_BA_UNSPECIFIED},
		{{.bid = 1, .overwrite = true}, 0, "m", LMA_RIG_NODE, STATUS_BA_UNSPECIFIED},
		{{.bid = 1}, 10, NULL, LMA_RIG_NODE, STATUS_BA_UNSPECIFIED},
		{{.bid = 1}, 10, "m", LMA_RIG_FIXED, STATUS_BA_MULTIPATH},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct lma_rig_pbu pbu = path_pbu(1);
		struct lma_rig_answer a;

		pbu.multipath = bad[i].option;
		pbu.lifetime = bad[i].lifetime;
		pbu.mag_id = bad[i].mag_id;
		pbu.mn_id = bad[i].node;
		lma_rig_send(rig, &pbu);
		a = lma_rig_answer(rig);
		assert_int_equal(a.status, bad[i].status);
		assert_true(a.has_multipath && !a.has_mag_id && a.authentic);
		assert_int_equal(a.multipath.bid, bad[i].option.bid);
	}
	assert_null(the_session());
}

/* An anchor that does not want it says so (4.3), and serves who does not ask. */
static void an_anchor_may_support_one_alone(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	rig->config.max_paths = 0;
	lma_rig_restart(rig);
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_MULTIPATH);
	pbu.has_multipath = false;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
	assert_bids("");
}

static void another_gateway_takes_all(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);
	const struct in6_addr other = lma_rig_addr(LMA_RIG_MAG2);

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_bound(rig, &pbu);
	pbu.src = LMA_RIG_MAG2;
	pbu.handoff = CODES_HANDOFF_OTHER_MAG;
	lma_rig_bound(rig, &pbu);
	assert_bids("2");
	assert_true(addr_equal(&the_session()->now.care_of, &other));
	assert_int_equal(lma_rig_counter(rig, "lma_handed_over"), 1);
	/* The gateway before cannot end what it no longer has. */
	pbu = path_pbu(1);
	pbu.lifetime = 0;
	lma_rig_send(rig, &pbu);
	lma_rig_silent(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_ignored_other_gateway"), 1);
}

/* One that does not ask for several has one. */
static void a_plain_registration_takes_all(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_bound(rig, &pbu);
	pbu.has_multipath = false;
	lma_rig_bound(rig, &pbu);
	assert_bids("");
}

/* What comes by different ways overtakes itself: each binding has its own order. */
static void timestamps_are_those_of_a_binding(void **state)
{
	struct lma_rig_pbu first = path_pbu(1), second = path_pbu(2);

	(void)state;
	lma_rig_bound(rig, &first);
	second.stamp_offset_ms = 200;
	lma_rig_bound(rig, &second);
	assert_int_equal(lma_rig_status(rig, &first), STATUS_BA_ACCEPTED);
	second.stamp_offset_ms = 100;
	assert_int_equal(lma_rig_status(rig, &second), STATUS_BA_TIMESTAMP_LOWER);
}

static void bindings_survive_a_restart(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);
	uint8_t octets[SESSION_RECORD_MAX], name[SESSION_MN_ID_MAX];
	struct session_record record;
	struct writer w;
	struct cursor c;

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_bound(rig, &pbu);
	writer_init(&w, octets, sizeof(octets));
	assert_int_equal(session_record_encode(&w, &the_session()->now), 0);
	lma_rig_restart(rig);
	cursor_init(&c, octets, writer_len(&w));
	assert_int_equal(session_record_decode(&c, &record), 0);
	memcpy(name, record.mn_id.octets, record.mn_id.len);
	record.mn_id.octets = name;
	assert_int_equal(lma_restore(rig->lma, &record), 0);
	assert_bids("12");
	pbu.lifetime = 0;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
	assert_bids("1");
}

/* What the operator changes is committed again, after what is under way. */
static void renewal_commits_what_is_there(void **state)
{
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	lma_rig_bound(rig, &pbu);
	pbu = path_pbu(2);
	lma_rig_send(rig, &pbu);
	lma_renew_paths(rig->lma, NULL);
	assert_int_equal(rig->commit_count, 1);
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	assert_int_equal(lma_rig_commit(rig, 0).to.path_count, 2);
	lma_rig_silent(rig);
	lma_renew_paths(rig->lma, "mag2");
	lma_rig_silent(rig);
	lma_renew_paths(rig->lma, "mag1");
	lma_rig_commit(rig, -EIO);
	lma_rig_wait_ms(rig, 3000);
	lma_rig_silent(rig);
	assert_bids("12");
}

/* What a gateway that may register measures of its paths is taken, and nothing else. */
static void gateways_tell_of_paths(void **state)
{
	static const uint8_t two[] = {
		1, 0, 0, 0, 0, 0, 0x4e, 0x20, 2, 0, 0, 30, 0, 0, 0x75, 0x30, 0, 0};
	struct lma_rig_pbu pbu = path_pbu(1);

	(void)state;
	rig->config.metrics_vendor = 32473;
	lma_rig_restart(rig);
	pbu.vendor = 32473;
	pbu.subtype = METRICS_SUBTYPE;
	pbu.data = two;
	pbu.data_len = 16;
	pbu.wrong_key = true;
	lma_rig_send(rig, &pbu);
	lma_rig_answer(rig);
	assert_int_equal(rig->metrics_told, 0);
	pbu.wrong_key = false;
	lma_rig_bound(rig, &pbu);
	assert_int_equal(rig->metrics_told, 1);
	assert_string_equal(rig->teller, "mag1");
	assert_int_equal(rig->metrics.count, 2);
	assert_int_equal(rig->metrics.ways[0].delay_us, 20000);
	assert_int_equal(rig->metrics.ways[1].bid, 2);
	assert_int_equal(rig->metrics.ways[1].loss, 30);
	/* It cannot be read: the registration is no worse for that. */
	pbu.data_len = sizeof(two);
	lma_rig_bound(rig, &pbu);
	assert_int_equal(lma_rig_counter(rig, "lma_metrics_bad"), 1);
	pbu.data_len = 16;
	pbu.subtype++;
	lma_rig_bound(rig, &pbu);
	pbu.subtype--;
	pbu.vendor++;
	lma_rig_bound(rig, &pbu);
	assert_int_equal(rig->metrics_told, 1);
	assert_int_equal(lma_rig_counter(rig, "lma_metrics"), 1);
	rig->config.metrics_vendor = 0;
	lma_rig_restart(rig);
	pbu.vendor--;
	lma_rig_bound(rig, &pbu);
	assert_int_equal(rig->metrics_told, 1);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lma_rig_setup, lma_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(registers_several),
		TEST(concurrent_registrations_are_all_taken),
		TEST(one_of_several_ends),
		TEST(bulk_extends_all),
		TEST(each_has_its_own_lifetime),
		TEST(overwrite_replaces_all),
		TEST(what_cannot_be_is_refused),
		TEST(an_anchor_may_support_one_alone),
		TEST(another_gateway_takes_all),
		TEST(a_plain_registration_takes_all),
		TEST(timestamps_are_those_of_a_binding),
		TEST(bindings_survive_a_restart),
		TEST(gateways_tell_of_paths),
		TEST(renewal_commits_what_is_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
