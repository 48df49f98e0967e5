/* An anchor that delegates prefixes of networks behind nodes (RFC 7148, 5.2). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lma_rig.h"

#define FIRST  "2001:db8:300::/56"
#define SECOND "2001:db8:300:100::/56"
#define THIRD  "2001:db8:300:200::/56"
#define OWN    "2001:db8:f2:100::/56" /* of the router's profile */

static struct lma_rig_pbu asking(const char *mn_id, const char *first, const char *second)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.mn_id = mn_id;
	pbu.delegated[0] = first;
	pbu.delegated[1] = second;
	return pbu;
}

/* It is accepted with just these, which are in the record too. */
static struct lma_rig_commit granted(
	const struct lma_rig_pbu *pbu, const char *first, const char *second)
{
	const char *const texts[] = {first, second};
	const size_t count = second ? 2 : first ? 1 : 0;
	struct lma_rig_commit commit;
	struct lma_rig_answer a;

	lma_rig_send(rig, pbu);
	commit = lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	assert_int_equal(a.delegated_count, count);
	assert_int_equal(commit.to.delegated_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct prefix6 p = lma_rig_prefix(texts[i]);

		assert_int_equal(prefix6_compare(&a.delegated[i], &p), 0);
		assert_int_equal(prefix6_compare(&commit.to.delegated[i], &p), 0);
	}
	return commit;
}

static size_t used(void)
{
	struct lma_pool_state state;

	assert_true(lma_pool_state(rig->lma, 2, &state));
	return state.used;
}

static struct session *holder(const char *text)
{
	const struct prefix6 p = lma_rig_prefix(text);

	return session_cache_by_prefix(lma_cache(rig->lma), 0, &p);
}

/* 5.2.2: all zero asks for some; and later, for what the session has. */
static void a_pool_delegates(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, "::/0", NULL);

	(void)state;
	granted(&pbu, FIRST, SECOND);
	assert_int_equal(used(), 2);
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	granted(&pbu, FIRST, SECOND);
	/* A wish besides does not count. */
	pbu.delegated[1] = THIRD;
	granted(&pbu, FIRST, SECOND);
	pbu.src = LMA_RIG_MAG2;
	pbu.handoff = CODES_HANDOFF_OTHER_MAG;
	granted(&pbu, FIRST, SECOND);
	assert_int_equal(used(), 2);
}

/* 5.2.2: no option, no delegation, and no option in the answer. */
static void who_does_not_ask_has_none(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, NULL, NULL);

	(void)state;
	granted(&pbu, NULL, NULL);
	pbu.delegated[0] = "::/0";
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	granted(&pbu, FIRST, SECOND);
	/* It goes to a gateway that does not know of such. */
	pbu.delegated[0] = NULL;
	pbu.src = LMA_RIG_MAG2;
	pbu.handoff = CODES_HANDOFF_OTHER_MAG;
	granted(&pbu, NULL, NULL);
	assert_int_equal(used(), 0);
	assert_null(holder(FIRST));
}

/* 5.2.2: those that are named, and no others from then on. */
static void a_gateway_names_them(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, THIRD, FIRST);

	(void)state;
	granted(&pbu, THIRD, FIRST);
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	pbu.delegated[0] = SECOND;
	granted(&pbu, SECOND, FIRST);
	assert_int_equal(used(), 2);
	pbu.delegated[1] = SECOND;
	granted(&pbu, SECOND, NULL);
	assert_int_equal(used(), 1);
	assert_null(holder(FIRST));
}

static void a_profile_has_some_of_its_own(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_ROUTER, "::/0", NULL), other;

	(void)state;
	granted(&pbu, OWN, "2001:db8:f2:200::/56");
	assert_int_equal(used(), 0);
	/* They are nobody else's. */
	other = asking(LMA_RIG_NODE, OWN, NULL);
	assert_int_equal(lma_rig_status(rig, &other), STATUS_BA_DMNP_IN_USE);
	/* In part, and one of its pool. */
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	pbu.delegated[0] = THIRD;
	pbu.delegated[1] = OWN;
	granted(&pbu, THIRD, OWN);
	assert_int_equal(used(), 1);
}

/* 4.2 and 5.2.2: 177. */
static void who_may_not_is_told(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_ANY, "::/0", NULL);

	(void)state;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_DMNP_NOT_AUTHORIZED);
	assert_int_equal(lma_rig_counter(rig, "lma_pba_refused_177"), 1);
	assert_int_equal(session_cache_count(lma_cache(rig->lma)), 0);
	pbu.delegated[0] = NULL;
	granted(&pbu, NULL, NULL);
	/* The end is no request. */
	pbu.delegated[0] = "::/0";
	pbu.lifetime = 0;
	pbu.handoff = CODES_HANDOFF_UNKNOWN;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
}

/* 5.2.2: 178, for what is another's and for what is of no pool that it may have. The session stays
 * what it was. */
static void what_is_in_use_is_refused(void **state)
{
	struct lma_rig_pbu first = asking(LMA_RIG_NODE, FIRST, NULL);
	struct lma_rig_pbu pbu = asking(LMA_RIG_ROUTER, FIRST, NULL);
	struct lma_rig_answer a;

	(void)state;
	granted(&first, FIRST, NULL);
	lma_rig_send(rig, &pbu);
	assert_int_equal(rig->commit_count, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_DMNP_IN_USE);
	assert_int_equal(a.delegated_count, 1);
	assert_int_equal(session_cache_count(lma_cache(rig->lma)), 1);
	/* What could be had is not kept. */
	pbu.delegated[0] = SECOND;
	pbu.delegated[1] = "2001:db8:aaaa::/56";
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_DMNP_IN_USE);
	assert_int_equal(used(), 1);
	/* Another length is another prefix. */
	pbu.delegated[0] = "2001:db8:300:100::/60";
	pbu.delegated[1] = NULL;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_DMNP_IN_USE);
	pbu.delegated[0] = OWN;
	granted(&pbu, OWN, NULL);
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	pbu.delegated[1] = FIRST;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_DMNP_IN_USE);
	pbu.delegated[0] = "::/0";
	pbu.delegated[1] = NULL;
	granted(&pbu, OWN, NULL);
	assert_int_equal(lma_rig_counter(rig, "lma_pba_refused_178"), 4);
}

static void an_empty_pool_is_no_resource(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, "::/0", NULL);

	(void)state;
	granted(&pbu, FIRST, SECOND);
	pbu.link_id = "other";
	granted(&pbu, THIRD, "2001:db8:300:300::/56");
	pbu.link_id = "third";
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_RESOURCES);
	assert_int_equal(lma_rig_counter(rig, "lma_pool_empty"), 1);
	assert_int_equal(session_cache_count(lma_cache(rig->lma)), 2);
	assert_int_equal(used(), 4);
}

/* The delegation of IPv4 is not supported: passed over. */
static void ip4_is_passed_over(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_ANY, NULL, NULL);

	(void)state;
	pbu.delegated_ip4 = true;
	granted(&pbu, NULL, NULL);
	pbu = asking(LMA_RIG_NODE, "::/0", NULL);
	pbu.delegated_ip4 = true;
	granted(&pbu, FIRST, SECOND);
}

/* 5.2.2: without support for it, the options are as if they were not there. */
static void an_anchor_without_delegation_passes_over_it(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_ANY, "::/0", NULL);

	(void)state;
	rig->config.profiles += rig->config.profile_count - 1; /* that of the realm */
	rig->config.profile_count = 1;
	lma_rig_restart(rig);
	granted(&pbu, NULL, NULL);
}

/* What could not become a fact is not held; nor is what was superseded while it waited. */
static void a_change_that_fails_gives_back(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, FIRST, NULL);

	(void)state;
	granted(&pbu, FIRST, NULL);
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	pbu.delegated[0] = SECOND;
	lma_rig_send(rig, &pbu);
	assert_int_equal(used(), 2);
	assert_ptr_equal(holder(SECOND), holder(FIRST));
	pbu.delegated[0] = THIRD;
	lma_rig_send(rig, &pbu); /* waits, and holds nothing */
	pbu.delegated[0] = FIRST;
	lma_rig_send(rig, &pbu); /* replaces it */
	lma_rig_commit(rig, -EIO);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_RESOURCES);
	assert_null(holder(SECOND));
	lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	assert_non_null(holder(FIRST));
	assert_null(holder(THIRD));
	assert_int_equal(used(), 1);
}

/* 5.2.2: it goes with the session, not before. */
static void the_end_of_the_session_is_its_end(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, "::/0", NULL);

	(void)state;
	granted(&pbu, FIRST, SECOND);
	pbu.lifetime = 0;
	pbu.handoff = CODES_HANDOFF_UNKNOWN;
	pbu.delegated[0] = NULL;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_ACCEPTED);
	/* It may come back by another gateway. */
	assert_int_equal(used(), 2);
	pbu = asking(LMA_RIG_NODE, "::/0", NULL);
	pbu.handoff = CODES_HANDOFF_UNKNOWN;
	pbu.src = LMA_RIG_MAG2;
	granted(&pbu, FIRST, SECOND);
	lma_rig_wait_ms(rig, 41000);
	lma_rig_commit(rig, 0);
	assert_int_equal(used(), 0);
	assert_null(holder(FIRST));
}

/* One in use is never given twice, whatever the anchor forgot. */
static void it_outlives_the_anchor(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, "::/0", NULL), other;
	struct session_record record = granted(&pbu, FIRST, SECOND).to;

	(void)state;
	record.mn_id.octets = (const uint8_t *)LMA_RIG_NODE;
	lma_rig_restart(rig);
	assert_int_equal(used(), 0);
	assert_int_equal(lma_restore(rig->lma, &record), 0);
	assert_int_equal(used(), 2);
	other = asking(LMA_RIG_ROUTER, SECOND, NULL);
	assert_int_equal(lma_rig_status(rig, &other), STATUS_BA_DMNP_IN_USE);
	other.delegated[0] = THIRD;
	granted(&other, THIRD, NULL);
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	granted(&pbu, FIRST, SECOND);
	record.number = 77;
	record.prefixes[0] = lma_rig_prefix("2001:db8:100:ff::/64");
	record.prefix_count = 1;
	assert_int_equal(lma_restore(rig->lma, &record), -EEXIST);
}

/* RFC 8278: each binding says it again; the end of one is not that of the delegation. */
static void sessions_with_paths_have_it(void **state)
{
	struct lma_rig_pbu pbu = asking(LMA_RIG_NODE, "::/0", NULL);
	struct lma_rig_commit commit;

	(void)state;
	pbu.has_multipath = true;
	pbu.mag_id = "mag";
	pbu.multipath = (struct option_mag_multipath){.bid = 1};
	granted(&pbu, FIRST, SECOND);
	pbu.multipath.bid = 2;
	pbu.src = LMA_RIG_MAG1_OTHER;
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	rig->care_of = LMA_RIG_MAG1_OTHER;
	commit = granted(&pbu, FIRST, SECOND);
	assert_int_equal(commit.to.path_count, 2);
	pbu.delegated[0] = NULL;
	pbu.lifetime = 0;
	lma_rig_send(rig, &pbu);
	commit = lma_rig_commit(rig, 0);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	assert_int_equal(commit.to.path_count, 1);
	assert_int_equal(commit.to.delegated_count, 2);
	assert_int_equal(used(), 2);
}

static void a_prefix_tells_its_pool(void **state)
{
	const struct prefix6 of_pool = lma_rig_prefix(THIRD), own = lma_rig_prefix(OWN);

	(void)state;
	assert_string_equal(lma_pool_of(rig->lma, 0, &of_pool)->name, "nets");
	assert_null(lma_pool_of(rig->lma, 0, &own));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, lma_rig_setup, lma_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_pool_delegates),
		TEST(who_does_not_ask_has_none),
		TEST(a_gateway_names_them),
		TEST(a_profile_has_some_of_its_own),
		TEST(who_may_not_is_told),
		TEST(what_is_in_use_is_refused),
		TEST(an_empty_pool_is_no_resource),
		TEST(ip4_is_passed_over),
		TEST(an_anchor_without_delegation_passes_over_it),
		TEST(a_change_that_fails_gives_back),
		TEST(the_end_of_the_session_is_its_end),
		TEST(it_outlives_the_anchor),
		TEST(sessions_with_paths_have_it),
		TEST(a_prefix_tells_its_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
