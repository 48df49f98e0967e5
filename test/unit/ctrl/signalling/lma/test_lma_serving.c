/* Which data plane serves a session, and what its gateway is told of it (RFC 7389). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "lma_rig.h"

enum { NEAR = 7, FAR = 8, ALL = 1000 };

static int open_rig(void **state)
{
	lma_rig_setup(state);
	rig->data_plane = NEAR;
	return 0;
}

/* A registration that asks where to tunnel, with an address of so many zero octets. */
static struct lma_rig_pbu asking(int octets)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	pbu.user_plane = octets;
	return pbu;
}

/* The data plane that a registration is committed with and answered with, 0: none. */
static uint64_t served_by(const struct lma_rig_pbu *pbu)
{
	struct lma_rig_answer a;
	struct lma_rig_commit commit;
	struct in6_addr address;

	lma_rig_send(rig, pbu);
	commit = lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(a.status, STATUS_BA_ACCEPTED);
	address = lma_rig_user_plane(commit.to.data_plane);
	if (pbu->lifetime)
		assert_true(
			addr_equal(&a.user_plane, commit.to.data_plane ? &address : &in6addr_any));
	else
		assert_true(addr_is_unspecified(&a.user_plane));
	return commit.to.data_plane;
}

static void who_asks_is_told(void **state)
{
	static const struct {
		int octets;
		uint64_t served;
	} rows[] = {{-1, 0}, {0, NEAR}, {16, NEAR}, {4, 0} /* by IPv4 */};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct lma_rig_pbu pbu = asking(rows[i].octets);

		pbu.link_id = (const char *[]){"a", "b", "c", "d"}[i];
		assert_int_equal(served_by(&pbu), rows[i].served);
	}
}

/* RFC 7389, 5: Domain-wide-LMA-UPA-Support. */
static void all_are_told_where_all_understand(void **state)
{
	struct lma_rig_pbu pbu = lma_rig_pbu();

	(void)state;
	rig->config.user_planes = true;
	lma_rig_restart(rig);
	assert_int_equal(served_by(&pbu), NEAR);
}

static void without_addresses_nobody_is_told(void **state)
{
	struct lma_rig_pbu pbu = asking(0);

	(void)state;
	rig->data_plane = 0;
	assert_int_equal(served_by(&pbu), 0);
	rig->data_plane = LMA_RIG_NOBODY;
	pbu.link_id = "other";
	assert_int_equal(served_by(&pbu), 0);
}

/* Each registration chooses anew, and the last one decides. */
static void an_extension_follows(void **state)
{
	struct lma_rig_pbu pbu = asking(0);

	(void)state;
	assert_int_equal(served_by(&pbu), NEAR);
	rig->data_plane = FAR;
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	assert_int_equal(served_by(&pbu), FAR);
	pbu.user_plane = -1;
	assert_int_equal(served_by(&pbu), 0);
	pbu.lifetime = 0;
	served_by(&pbu);
}

static void each_binding_has_its_own(void **state)
{
	struct lma_rig_pbu pbu = asking(0);
	struct lma_rig_answer a;
	struct lma_rig_commit commit;
	struct in6_addr far = lma_rig_user_plane(FAR);

	(void)state;
	pbu.has_multipath = true;
	pbu.multipath = (struct option_mag_multipath){.bid = 1, .access = CODES_ACCESS_IEEE_802_11};
	pbu.mag_id = "mag1@example.org";
	assert_int_equal(served_by(&pbu), NEAR);
	rig->data_plane = FAR;
	pbu.multipath.bid = 2;
	pbu.src = rig->care_of = LMA_RIG_MAG1_OTHER;
	pbu.handoff = CODES_HANDOFF_NOT_CHANGED;
	lma_rig_send(rig, &pbu);
	commit = lma_rig_commit(rig, 0);
	a = lma_rig_answer(rig);
	assert_int_equal(commit.to.data_plane, NEAR);
	assert_int_equal(commit.to.paths[0].data_plane, NEAR);
	assert_int_equal(commit.to.paths[1].data_plane, FAR);
	assert_true(addr_equal(&a.user_plane, &far));
}

static enum signalling_wish away_from_near(
	void *context, const struct in6_addr *care_of, uint64_t data_plane)
{
	unsigned *left = context;

	assert_false(addr_is_unspecified(care_of));
	if (data_plane != NEAR)
		return SIGNALLING_STAYS;
	if (!*left)
		return SIGNALLING_STOP;
	--*left;
	return SIGNALLING_GOES;
}

/* A data plane is lost: its sessions get another one, and their gateways are asked to register. */
static void sessions_move(void **state)
{
	struct lma_rig_pbu pbu = asking(0), plain = lma_rig_pbu();
	unsigned left = 1;
	size_t busy = 0;
	uint64_t at = 0;

	(void)state;
	plain.mn_id = LMA_RIG_ANY;
	assert_int_equal(served_by(&plain), 0);
	assert_int_equal(served_by(&pbu), NEAR);
	pbu.link_id = "other";
	assert_int_equal(served_by(&pbu), NEAR);
	rig->data_plane = FAR;
	assert_true(lma_redirect(rig->lma, &at, ALL, away_from_near, &left, &busy));
	assert_int_equal(lma_rig_commit(rig, 0).to.data_plane, FAR);
	assert_int_equal(rig->notifications, 1);
	left = 1;
	assert_false(lma_redirect(rig->lma, &at, ALL, away_from_near, &left, &busy));
	assert_int_equal(at, 0);
	left = 1;
	/* It is under way. */
	assert_false(lma_redirect(rig->lma, &at, ALL, away_from_near, &left, &busy));
	assert_int_equal(busy, 1);
	assert_int_equal(lma_rig_commit(rig, 0).to.data_plane, FAR);
	assert_int_equal(rig->notifications, 2);
	assert_false(lma_redirect(rig->lma, &at, ALL, away_from_near, &left, &busy));
	lma_rig_silent(rig);
	assert_int_equal(busy, 1);
}

static void with_nobody_left_sessions_stay(void **state)
{
	struct lma_rig_pbu pbu = asking(0);
	unsigned left = 1;
	size_t busy = 0;
	uint64_t at = 0;

	(void)state;
	assert_int_equal(served_by(&pbu), NEAR);
	rig->data_plane = LMA_RIG_NOBODY;
	assert_false(lma_redirect(rig->lma, &at, ALL, away_from_near, &left, &busy));
	assert_int_equal(lma_rig_commit(rig, 0).to.data_plane, NEAR);
	assert_int_equal(rig->notifications, 0);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_rig, lma_rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_asks_is_told),
		TEST(all_are_told_where_all_understand),
		TEST(without_addresses_nobody_is_told),
		TEST(an_extension_follows),
		TEST(each_binding_has_its_own),
		TEST(sessions_move),
		TEST(with_nobody_left_sessions_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
