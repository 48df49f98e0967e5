/* An anchor that tunnels in GRE, with keys of its own choice and of its gateways' (RFC 5845, 5). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lma_rig.h"

enum { KEY = 0x01020304 };

static int open_rig(void **state)
{
	lma_rig_setup(state);
	rig->config.gre = LMA_GRE_ASKED;
	lma_rig_restart(rig);
	return 0;
}

static struct lma_rig_pbu asking(bool keyed, uint32_t key)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.has_gre = true;
	pbu.downlink_key = (struct field_optional){.value = key, .present = keyed};
	return pbu;
}

static struct lma_rig_answer ask(
	const struct lma_rig_pbu *pbu, uint8_t status, enum session_gre gre, uint32_t key)
{
	struct lma_rig_answer a;
	struct lma_rig_commit commit;

	lma_rig_send(rig, pbu);
	commit = lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, status);
	assert_int_equal(commit.to.encapsulation.gre, gre);
	assert_int_equal(commit.to.encapsulation.peer_key, key);
	assert_int_equal(
		a.has_gre, pbu->lifetime && (gre == SESSION_GRE_PLAIN || gre == SESSION_GRE_KEYED));
	assert_int_equal(a.uplink_key.present, a.has_gre && gre == SESSION_GRE_KEYED);
	if (a.uplink_key.present)
		assert_int_equal(a.uplink_key.value, session_own_key(commit.to.number));
	return a;
}

/* 3.2, 3.3.1 and 5.2. */
static void who_asks_gets_it(void **state)
{
	struct lma_rig_pbu pbu = asking(true, KEY);

	(void)state;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	pbu = asking(false, 0);
	pbu.link_id = "other";
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_PLAIN, 0);
	pbu = lma_rig_pbu();
	pbu.link_id = "third";
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_NONE, 0);
	/* Any number can be a key. */
	pbu = asking(true, 0);
	pbu.link_id = "fourth";
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, 0);
}

/* 3.3.2: the uplink key of a session is the same to its end, wherever it is. */
static void keys_stay(void **state)
{
	struct lma_rig_pbu pbu = asking(true, KEY);
	uint32_t first = ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY).uplink_key.value;
	struct lma_rig_answer a;

	(void)state;
	assert_int_not_equal(first, 0);
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	a = ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	assert_int_equal(a.uplink_key.value, first);
	pbu.downlink_key.value = 9;
	a = ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, 9);
	assert_int_equal(a.uplink_key.value, first);
	pbu = asking(true, 77);
	pbu.src = LMA_RIG_MAG2;
	pbu.unsigned_ = true;
	pbu.handoff = CODES_HANDOFF_OTHER_MAG;
	a = ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, 77);
	assert_int_equal(a.uplink_key.value, first);
	pbu = asking(true, KEY);
	pbu.link_id = "other";
	a = ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	assert_int_not_equal(a.uplink_key.value, first);
}

/* 3.3.2: a gateway that does not ask gets the node without GRE, where that is allowed. */
static void a_handover_can_end_it(void **state)
{
	struct lma_rig_pbu pbu = asking(true, KEY);

	(void)state;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	pbu = lma_rig_pbu();
	pbu.src = LMA_RIG_MAG2;
	pbu.unsigned_ = true;
	pbu.handoff = CODES_HANDOFF_OTHER_MAG;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_NONE, 0);
}

static void where_it_is_required_others_are_refused(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	rig->config.gre = LMA_GRE_REQUIRED;
	lma_rig_restart(rig);
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_GRE_KEY_REQUIRED);
	lma_rig_silent(rig);
	assert_int_equal(lma_rig_counter(rig, "lma_pba_refused_163"), 1);
	pbu = asking(true, KEY);
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	/* A refresh without it changes nothing, an end need not name it (4.2). */
	pbu = lma_rig_pbu();
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_GRE_KEY_REQUIRED);
	pbu.lifetime = 0;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
}

/* 5.2: accepted, and told so. */
static void where_it_is_not_wanted_who_asks_is_told(void **state)
{
	struct lma_rig_pbu pbu = asking(true, KEY);

	(void)state;
	rig->config.gre = LMA_GRE_NEVER;
	lma_rig_restart(rig);
	ask(&pbu, STATUS_BA_GRE_KEY_NOT_REQUIRED, SESSION_GRE_NONE, 0);
	pbu = asking(false, 0);
	ask(&pbu, STATUS_BA_GRE_KEY_NOT_REQUIRED, SESSION_GRE_NONE, 0);
	pbu = lma_rig_pbu();
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_NONE, 0);
}

/* 7.4: there is no UDP, hence no TLV header. */
static void a_tlv_header_is_not_supported(void **state)
{
	struct lma_rig_pbu pbu = asking(true, KEY);
	struct lma_rig_answer a;

	(void)state;
	pbu.flags |= FLAGS_BU_T;
	a = ask(&pbu, STATUS_BA_TLV_NOT_SUPPORTED, SESSION_GRE_KEYED, KEY);
	assert_int_equal(a.flags & FLAGS_BA_T, 0);
	pbu = lma_rig_pbu();
	pbu.flags |= FLAGS_BU_T;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_NONE, 0);
}

/* Each binding of several has what was agreed on for it (RFC 8278). */
static void paths_have_keys_of_their_own(void **state)
{
	struct lma_rig_pbu pbu = asking(true, KEY);
	struct lma_rig_commit commit;

	(void)state;
	rig->config.max_paths = 4;
	lma_rig_restart(rig);
	pbu.has_multipath = true;
	pbu.mag_id = "mag";
	pbu.multipath = (struct option_mag_multipath){.bid = 3};
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	pbu.multipath.bid = 2;
	pbu.src = LMA_RIG_MAG1_OTHER;
	pbu.has_gre = false;
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	rig->care_of = LMA_RIG_MAG1_OTHER;
	lma_rig_send(rig, &pbu);
	commit = lma_rig_commit(rig, 0);
	assert_false(lma_rig_answer(rig).has_gre);
	assert_int_equal(commit.to.path_count, 2);
	assert_int_equal(commit.to.paths[0].encapsulation.gre, SESSION_GRE_NONE);
	assert_int_equal(commit.to.paths[1].encapsulation.gre, SESSION_GRE_KEYED);
	assert_int_equal(commit.to.paths[1].encapsulation.peer_key, KEY);
	assert_int_equal(commit.to.encapsulation.gre, SESSION_GRE_NONE);
}

/* Profiles and pools of a node are of a domain: the prefixes of its sessions are. */
static void set_domain(const char *match, const char *pool, uint32_t domain)
{
	static struct lma_profile profiles[8];
	static struct lma_pool pools[8];

	for (size_t i = 0; i < rig->config.profile_count; i++) {
		profiles[i] = rig->config.profiles[i];
		if (strcmp(profiles[i].match, match) == 0)
			profiles[i].domain = domain;
	}
	for (size_t i = 0; i < rig->config.pool_count; i++) {
		pools[i] = rig->config.pools[i];
		if (strcmp(pools[i].name, pool) == 0)
			pools[i].domain = domain;
	}
	rig->config.profiles = profiles;
	rig->config.pools = pools;
}

/* Nothing else says of which domain a packet is. */
static void a_domain_needs_keys(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();
	struct lma_rig_commit commit;

	(void)state;
	set_domain(LMA_RIG_NODE, "big", 5);
	lma_rig_restart(rig);
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_GRE_KEY_REQUIRED);
	pbu = asking(false, 0);
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_GRE_KEY_REQUIRED);
	pbu = asking(true, KEY);
	lma_rig_send(rig, &pbu);
	commit = lma_rig_commit(rig, 0);
	assert_int_equal(commit.to.domain, 5);
	assert_int_equal(commit.to.encapsulation.gre, SESSION_GRE_KEYED);
	assert_int_equal(lma_rig_answer(rig).status, STATUS_BA_ACCEPTED);
	/* It keeps it; an end needs no key. */
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	pbu = lma_rig_pbu();
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_GRE_KEY_REQUIRED);
	pbu.lifetime = 0;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
}

/* Two nodes of different domains have the same prefix, and each keeps its own. */
static void domains_may_have_the_same_prefix(void **state)
{
	static struct lma_profile profiles[2];
	const struct prefix6 prefix = lma_rig_prefix("fd00::/64");
	struct lma_rig_pbu pbu = asking(true, KEY);
	struct session *of[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		profiles[i] = (struct lma_profile){.match = i ? "@blue" : "@red",
			.domain = i ? 9 : 5,
			.enabled = true,
			.per_session = 1,
			.prefixes = &prefix,
			.prefix_count = 1};
	rig->config.profiles = profiles;
	rig->config.profile_count = 2;
	lma_rig_restart(rig);
	for (unsigned i = 0; i < 2; i++) {
		pbu.mn_id = i ? "a@blue" : "a@red";
		ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
		of[i] = session_cache_by_prefix(lma_cache(rig->lma), profiles[i].domain, &prefix);
		assert_non_null(of[i]);
	}
	assert_ptr_not_equal(of[0], of[1]);
	assert_null(session_cache_by_prefix(lma_cache(rig->lma), 0, &prefix));
	/* By prefix each finds its own. */
	pbu.prefixes[0] = "fd00::/64";
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	ask(&pbu, STATUS_BA_ACCEPTED, SESSION_GRE_KEYED, KEY);
	/* Another node of the same domain gets neither. */
	pbu.mn_id = "b@blue";
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_HNP_NOT_AUTHORIZED);
}

/* What the operator puts into another domain ends in the one that it was in. */
static void a_session_stays_in_its_domain(void **state)
{
	struct lma_rig_pbu pbu = asking(true, KEY);
	struct session_record kept;
	struct lma_rig_commit commit;

	(void)state;
	lma_rig_send(rig, &pbu);
	commit = lma_rig_commit(rig, 0);
	lma_rig_answer(rig);
	kept = commit.to;
	kept.mn_id =
		(struct session_mn_id){1, sizeof(LMA_RIG_NODE) - 1, (const uint8_t *)LMA_RIG_NODE};
	set_domain(LMA_RIG_NODE, "big", 5);
	lma_rig_restart(rig);
	assert_int_equal(lma_restore(rig->lma, &kept), 0);
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	assert_int_equal(lma_rig_status(rig, &pbu), STATUS_BA_HNP_NOT_AUTHORIZED);
	pbu.lifetime = 0;
	lma_rig_send(rig, &pbu);
	commit = lma_rig_commit(rig, 0);
	assert_int_equal(commit.to.domain, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_asks_gets_it, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(keys_stay, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(a_handover_can_end_it, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(
			where_it_is_required_others_are_refused, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(
			where_it_is_not_wanted_who_asks_is_told, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_tlv_header_is_not_supported, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(
			paths_have_keys_of_their_own, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(a_domain_needs_keys, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(
			domains_may_have_the_same_prefix, open_rig, lma_rig_teardown),
		cmocka_unit_test_setup_teardown(
			a_session_stays_in_its_domain, open_rig, lma_rig_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
