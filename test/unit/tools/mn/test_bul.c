/* The Binding Update List entry: requests, repetitions, lifetimes, deregistration. */
#include "bul_fixture.h"

/* ---- requests and retransmission --------------------------------------------------------- */

static void registers_and_is_bound(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	assert_int_equal(f->bul.state, BUL_REGISTERING);
	assert_int_equal(f->count, 1);
	assert_int_equal(f->sent[0].sequence, 65535);
	assert_int_equal(f->sent[0].lifetime_s, LIFETIME_S);
	assert_false(f->sent[0].at_home);
	assert_memory_equal(&f->sent[0].care_of, &coa_a, 16);
	assert_true(f->sent[0].timestamp == f->ntp);
	pass(f, 30 * MS);
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(f->bul.state, BUL_BOUND);
	assert_true(f->bul.bound);
	assert_memory_equal(&f->bul.bound_care_of, &coa_a, 16);
	assert_true(f->bul.rtt_ns == 30 * MS);
	assert_int_equal(f->bul.status, 0);
}

/* RFC 6275, 11.8: 1.5 s for the first registration, doubled up to 32 s, then at that rate. */
static void assert_times(const struct fixture *f, const uint64_t *ms, unsigned count)
{
	assert_int_equal(f->count, count);
	for (unsigned n = 0; n < count; n++) {
		assert_in_range(f->at[n], ms[n] * MS, (ms[n] + 2 * count) * MS);
		assert_int_equal(f->sent[n].sequence, (uint16_t)(65535 + n));
		if (n)
			assert_true(f->sent[n].timestamp > f->sent[n - 1].timestamp);
	}
}

static void repeats_the_first_registration(void **state)
{
	struct fixture *f = *state;
	static const uint64_t ms[] = {0, 1500, 4500, 10500, 22500, 46500, 78500, 110500};

	bul_register(&f->bul, &coa_a);
	pass(f, 120 * S);
	assert_times(f, ms, 8);
}

static void repeats_faster_when_bound(void **state)
{
	struct fixture *f = *state;
	static const uint64_t ms[] = {0, 1000, 3000, 7000, 15000, 31000, 63000, 95000};

	bul_register(&f->bul, &coa_a);
	assert_int_equal(answer_last(f, 0), 0);
	f->start = f->now += 10 * S; /* the wheel catches up */
	f->count = 0;
	f->bul.sequence = 65534;
	bul_register(&f->bul, &coa_b);
	pass(f, 100 * S);
	assert_times(f, ms, 8);
}

static void repeats_deregistration(void **state)
{
	struct fixture *f = *state;
	static const uint64_t ms[] = {0, 1000, 3000, 7000};

	bul_deregister(&f->bul, &home, true);
	assert_int_equal(f->bul.state, BUL_DEREGISTERING);
	pass(f, 10 * S);
	assert_times(f, ms, 4);
	assert_true(last(f)->at_home);
	assert_int_equal(last(f)->lifetime_s, 0);
	assert_memory_equal(&last(f)->care_of, &home, 16);
}

static void sends_again_soon_what_did_not_leave(void **state)
{
	struct fixture *f = *state;

	f->send_result = -ENETUNREACH;
	bul_register(&f->bul, &coa_a);
	f->send_result = 0;
	pass(f, 200 * MS);
	assert_int_equal(f->count, 2);
	assert_in_range(f->at[1], BUL_SEND_RETRY_MS * MS, (BUL_SEND_RETRY_MS + 5) * MS);
	pass(f, 1490 * MS); /* and the time for an answer starts there */
	assert_int_equal(f->count, 3);
	assert_in_range(f->at[2], 1600 * MS, 1610 * MS);
}

static void does_not_hammer_a_dead_link(void **state)
{
	struct fixture *f = *state;

	f->send_result = -ENETUNREACH;
	bul_register(&f->bul, &coa_a);
	pass(f, 60 * S);
	assert_in_range(f->count, 5, 14);
}

/* No more than MAX_UPDATE_RATE in any second, and the last request wins. */
static void keeps_the_update_rate(void **state)
{
	struct fixture *f = *state;

	for (int n = 0; n < 40; n++) {
		bul_register(&f->bul, n % 2 ? &coa_a : &coa_b);
		pass(f, 20 * MS);
	}
	pass(f, 1200 * MS);
	for (unsigned n = 3; n < f->count; n++)
		assert_true(f->at[n] - f->at[n - 3] >= S);
	assert_memory_equal(&last(f)->care_of, &coa_a, 16);
	assert_int_equal(answer_last(f, 0), 0);
	assert_memory_equal(&f->bul.bound_care_of, &coa_a, 16);
}

/* ---- lifetimes ----------------------------------------------------------------------------- */

/* RFC 6275, 11.7.3: max(L_remain - (L_update - L_ack), 0), counted from the transmission. */
static void subtracts_a_shorter_lifetime(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	pass(f, 1200 * MS);
	struct bul_answer a = answer_to(last(f), 0);

	a.lifetime_s = 100;
	assert_int_equal(bul_answered(&f->bul, &a), 0);
	assert_int_equal(f->bul.granted_s, 100);
	assert_int_equal(bul_remaining_s(&f->bul), 98);
}

static void refreshes_well_before_the_end(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	pass(f, 335900 * MS);
	assert_int_equal(f->count, 1);
	pass(f, 200 * MS);
	assert_int_equal(f->count, 2); /* at 336 s of 420 s */
	assert_int_equal(f->bul.state, BUL_REGISTERING);
	assert_true(f->bul.bound);
	assert_memory_equal(&last(f)->care_of, &coa_a, 16);
	assert_int_equal(answer_last(f, 0), 0);
	assert_true(f->bul.expires_ns >= f->start + (336 + LIFETIME_S) * S);
}

static void follows_refresh_advice(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	struct bul_answer a = answer_to(last(f), 0);

	a.refresh_s = 40;
	assert_int_equal(bul_answered(&f->bul, &a), 0);
	pass(f, 39900 * MS);
	assert_int_equal(f->count, 1);
	pass(f, 200 * MS);
	assert_int_equal(f->count, 2);
}

static void ignores_refresh_advice_that_is_too_late(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	struct bul_answer a = answer_to(last(f), 0);

	a.refresh_s = 10000;
	assert_int_equal(bul_answered(&f->bul, &a), 0);
	pass(f, 336500 * MS);
	assert_int_equal(f->count, 2);
}

static void expires_when_not_refreshed(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	pass(f, (LIFETIME_S - 1) * S);
	assert_true(f->bul.bound);
	unsigned before = f->changes;

	pass(f, 2 * S);
	assert_false(f->bul.bound);
	assert_true(f->changes > before);
	assert_int_equal(bul_remaining_s(&f->bul), 0);
	assert_int_equal(f->bul.state, BUL_REGISTERING); /* and goes on trying */
	before = f->count;
	pass(f, 70 * S);
	assert_in_range(f->count, before + 1, before + 3);
}

static void a_lifetime_of_nothing_is_no_binding(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	bul_register(&f->bul, &coa_b);
	struct bul_answer a = answer_to(last(f), 0);

	a.lifetime_s = 0;
	assert_int_equal(bul_answered(&f->bul, &a), 0);
	assert_false(f->bul.bound);
	assert_int_equal(f->bul.state, BUL_REFUSED);
	unsigned before = f->count;

	pass(f, (BUL_RETRY_FIRST_S + 1) * S);
	assert_int_equal(f->count, before + 1);
}

static void refresh_requests_are_followed_once_a_second(void **state)
{
	struct fixture *f = *state;

	bul_refresh(&f->bul);
	assert_int_equal(f->count, 0); /* nothing to refresh */
	bind_at(f, &coa_a);
	bul_refresh(&f->bul);
	assert_int_equal(f->count, 1); /* it is fresh */
	pass(f, S);
	bul_refresh(&f->bul);
	assert_int_equal(f->count, 2);
	assert_int_equal(f->bul.state, BUL_REGISTERING);
	pass(f, 500 * MS);
	bul_refresh(&f->bul);
	assert_int_equal(f->count, 2); /* under way */
}

static void changes_are_registered_once_a_second(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(bul_renew(&f->bul), 0);
	assert_int_equal(f->count, 0); /* not registered: the registration will tell */
	bul_register(&f->bul, &coa_a);
	assert_true(bul_renew(&f->bul) == f->now + S);
	pass(f, 900 * MS);
	assert_int_equal(answer_last(f, 0), 0);
	assert_true(bul_renew(&f->bul) == f->now + 100 * MS);
	assert_int_equal(f->count, 1);
	pass(f, 100 * MS);
	assert_int_equal(bul_renew(&f->bul), 0);
	assert_int_equal(f->count, 2);
	assert_int_equal(f->bul.state, BUL_REGISTERING);
	/* a request that is under way has told what was before, and no answer to it counts */
	struct bul_answer a = answer_to(last(f), 0);

	pass(f, S);
	unsigned before = f->count;

	if (bul_renew(&f->bul))
		pass(f, bul_renew(&f->bul) - f->now);
	bul_renew(&f->bul);
	assert_true(f->count > before);
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
}

static void stop_keeps_the_binding(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	bul_register(&f->bul, &coa_b);
	struct bul_answer a = answer_to(last(f), 0);

	bul_stop(&f->bul);
	assert_int_equal(f->bul.state, BUL_IDLE);
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	pass(f, 100 * S);
	assert_int_equal(f->count, 2);
	assert_true(f->bul.bound);
	assert_memory_equal(&f->bul.bound_care_of, &coa_a, 16);
	pass(f, LIFETIME_S * S);
	assert_false(f->bul.bound);
}

/* ---- deregistration ------------------------------------------------------------------------ */

static void deregisters(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	bul_deregister(&f->bul, &home, true);
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(f->bul.state, BUL_IDLE);
	assert_false(f->bul.bound);
	pass(f, 1000 * S);
	assert_int_equal(f->count, 2);
}

static void no_binding_is_as_good_as_deregistered(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	bul_deregister(&f->bul, &home, true);
	assert_int_equal(answer_last(f, 133), 0);
	assert_int_equal(f->bul.state, BUL_IDLE);
	assert_false(f->bul.bound);
}

static void a_refused_deregistration_leaves_the_binding(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	bul_deregister(&f->bul, &home, true);
	assert_int_equal(answer_last(f, 130), 0);
	assert_int_equal(f->bul.state, BUL_REFUSED);
	assert_true(f->bul.bound);
	pass(f, (BUL_RETRY_FIRST_S + 1) * S);
	assert_int_equal(f->bul.state, BUL_DEREGISTERING);
	assert_int_equal(last(f)->lifetime_s, 0);
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(registers_and_is_bound),
		T(repeats_the_first_registration),
		T(repeats_faster_when_bound),
		T(repeats_deregistration),
		T(sends_again_soon_what_did_not_leave),
		T(does_not_hammer_a_dead_link),
		T(keeps_the_update_rate),
		T(subtracts_a_shorter_lifetime),
		T(refreshes_well_before_the_end),
		T(follows_refresh_advice),
		T(ignores_refresh_advice_that_is_too_late),
		T(expires_when_not_refreshed),
		T(a_lifetime_of_nothing_is_no_binding),
		T(refresh_requests_are_followed_once_a_second),
		T(changes_are_registered_once_a_second),
		T(stop_keeps_the_binding),
		T(deregisters),
		T(no_binding_is_as_good_as_deregistered),
		T(a_refused_deregistration_leaves_the_binding),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
