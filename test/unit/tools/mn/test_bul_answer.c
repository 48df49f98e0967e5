/* The Binding Update List entry: which answers count, and what refusals lead to. */
#include "bul_fixture.h"

/* ---- which answers count ------------------------------------------------------------------ */

static void takes_an_answer_to_an_earlier_transmission(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	pass(f, 5 * S);
	assert_int_equal(f->count, 3);
	struct bul_answer a = answer_to(&f->sent[0], 0);

	assert_int_equal(bul_answered(&f->bul, &a), 0);
	assert_int_equal(f->bul.state, BUL_BOUND);
	/* the lifetime counts from that transmission */
	assert_true(f->bul.expires_ns == f->start + LIFETIME_S * S);
	assert_true(f->bul.rtt_ns == f->now - f->start);
}

static void ignores_an_answer_to_an_older_request(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	struct bul_answer a = answer_to(last(f), 0);

	bul_register(&f->bul, &coa_b);
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	assert_int_equal(f->bul.state, BUL_REGISTERING);
	assert_false(f->bul.bound);
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(answer_last(f, 0), -ENOENT); /* a second copy */
}

static void ignores_a_wrong_time_stamp(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	struct bul_answer a = answer_to(last(f), 0);

	a.timestamp++;
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	a.has_timestamp = false;
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	a = answer_to(last(f), 129);
	a.timestamp ^= 1;
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	assert_int_equal(f->bul.state, BUL_REGISTERING);
	assert_int_equal(f->bul.status, 255);
}

static void needs_no_time_stamp_with_sequence_numbers(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	bul_register(&f->bul, &coa_a);
	struct bul_answer a = answer_to(last(f), 0);

	a.has_timestamp = false;
	assert_int_equal(bul_answered(&f->bul, &a), 0);
}

/* ---- refusals ------------------------------------------------------------------------------ */

static void goes_on_from_the_home_agents_sequence_number(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	bul_register(&f->bul, &coa_a);
	struct bul_answer a = {.status = 135, .sequence = 7000};

	assert_int_equal(bul_answered(&f->bul, &a), 0);
	assert_int_equal(f->count, 2);
	assert_int_equal(last(f)->sequence, 7001);
	/* the same answer to a copy of the first one is old news */
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(f->bul.state, BUL_BOUND);
}

static void believes_135_only_with_our_time_stamp(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	struct bul_answer a = {.status = 135, .sequence = 7000, .has_timestamp = true};

	a.timestamp = last(f)->timestamp + 1;
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	assert_int_equal(f->count, 1);
	a.timestamp = last(f)->timestamp;
	assert_int_equal(bul_answered(&f->bul, &a), 0);
	assert_int_equal(last(f)->sequence, 7001);
}

static struct bul_answer clock_answer(const struct bul_update *u, uint64_t ha_ntp)
{
	struct bul_answer a = answer_to(u, 144);

	a.timestamp = (ha_ntp & ~(uint64_t)UINT32_MAX) | (uint32_t)u->timestamp;
	return a;
}

static void takes_over_the_home_agents_clock(void **state)
{
	struct fixture *f = *state;
	uint64_t hour = 3600ull << 32;

	bul_register(&f->bul, &coa_a);
	struct bul_answer a = clock_answer(last(f), f->ntp + hour);

	assert_int_equal(bul_answered(&f->bul, &a), 0);
	assert_int_equal(f->count, 2);
	assert_true(last(f)->timestamp - (f->ntp + hour) < 2ull << 32);
	assert_int_equal(answer_last(f, 0), 0);
	pass(f, 10 * S);
	bul_register(&f->bul, &coa_b);
	assert_true(last(f)->timestamp - (f->ntp + hour) > 9ull << 32); /* it goes on */
	assert_true(last(f)->timestamp - (f->ntp + hour) < 12ull << 32);
}

static void believes_144_only_with_half_our_time_stamp(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	struct bul_answer a = clock_answer(last(f), f->ntp + (3600ull << 32));

	a.timestamp ^= 1;
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	a.has_timestamp = false;
	assert_int_equal(bul_answered(&f->bul, &a), -ENOENT);
	assert_int_equal(f->count, 1);
}

/* RFC 4285, 6: greater than that of any previous successful update. */
static void never_undercuts_an_accepted_time_stamp(void **state)
{
	struct fixture *f = *state;

	bind_at(f, &coa_a);
	uint64_t good = last(f)->timestamp;

	bul_register(&f->bul, &coa_b);
	struct bul_answer a = clock_answer(last(f), f->ntp - (3ull << 32));

	assert_int_equal(bul_answered(&f->bul, &a), 0);
	assert_true(last(f)->timestamp > good);
	/* but a home agent whose clock was far ahead must not lock the node out */
	a = clock_answer(last(f), f->ntp - (7200ull << 32));
	assert_int_equal(bul_answered(&f->bul, &a), 0);
	pass(f, S); /* the rate of updates is used up */
	assert_true(last(f)->timestamp < good);
}

static void time_stamps_grow_when_the_clock_does_not(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	uint64_t first = last(f)->timestamp;

	f->ntp -= 100ull << 32; /* somebody set it back */
	bul_register(&f->bul, &coa_b);
	assert_true(last(f)->timestamp > first);
}

static void switches_time_stamps_on(void **state)
{
	struct fixture *f = *state;

	begin(f, false);
	bul_register(&f->bul, &coa_a);
	assert_int_equal(answer_last(f, 145), 0);
	assert_true(f->bul.use_timestamps);
	assert_int_equal(f->count, 2);
	assert_int_equal(answer_last(f, 145), 0); /* it has them: nothing more to do */
	assert_int_equal(f->bul.state, BUL_REFUSED);
	pass(f, BUL_RETRY_MAX_S * S - 10 * MS);
	assert_int_equal(f->count, 2);
}

static void asks_seldom_when_it_hardly_helps(void **state)
{
	struct fixture *f = *state;
	static const uint8_t final[] = {129, 131, 132, 133, 134, 139, 146, 174};

	for (unsigned n = 0; n < sizeof(final); n++) {
		begin(f, true);
		bul_register(&f->bul, &coa_a);
		assert_int_equal(answer_last(f, final[n]), 0);
		assert_int_equal(f->bul.state, BUL_REFUSED);
		assert_int_equal(f->bul.status, final[n]);
		for (unsigned asked = 1; asked < 4; asked++) {
			pass(f, BUL_RETRY_MAX_S * S - 10 * MS);
			assert_int_equal(f->count, asked);
			pass(f, 20 * MS);
			assert_int_equal(f->count, asked + 1);
			assert_int_equal(answer_last(f, final[n]), 0);
		}
		/* a new link is a new chance */
		bul_register(&f->bul, &coa_b);
		assert_int_equal(f->count, 5);
	}
}

static void tries_later_when_that_may_help(void **state)
{
	struct fixture *f = *state;
	uint64_t wait_s = BUL_RETRY_FIRST_S;

	bul_register(&f->bul, &coa_a);
	for (unsigned n = 1; n < 10; n++) {
		assert_int_equal(answer_last(f, n % 2 ? 130 : 128), 0);
		assert_int_equal(f->bul.state, BUL_REFUSED);
		pass(f, wait_s * S - 10 * MS);
		assert_int_equal(f->count, n);
		pass(f, 20 * MS);
		assert_int_equal(f->count, n + 1);
		wait_s = wait_s * 2 < BUL_RETRY_MAX_S ? wait_s * 2 : BUL_RETRY_MAX_S;
	}
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(f->bul.refusals, 0);
}

/* A home agent that always refuses in a way that has a remedy, answering at once. */
static unsigned sent_to_a_stubborn_agent(struct fixture *f, uint8_t status, uint64_t seconds)
{
	uint64_t end;
	unsigned answered = 0;

	bul_register(&f->bul, &coa_a);
	for (end = f->now + seconds * S; f->now < end; pass(f, 10 * MS))
		while (answered < f->count) {
			struct bul_answer a = clock_answer(&f->sent[answered], f->ntp);

			a.status = status;
			a.sequence = status == 135 ? (uint16_t)(a.sequence + 100) : a.sequence;
			if (status == 135)
				a.timestamp = f->sent[answered].timestamp;
			answered++;
			bul_answered(&f->bul, &a);
		}
	for (unsigned n = 3; n < f->count; n++)
		assert_true(f->at[n] - f->at[n - 3] >= S);
	return f->count;
}

static void backs_off_from_an_agent_that_always_says_144(void **state)
{
	assert_in_range(sent_to_a_stubborn_agent(*state, 144, 1000), 5, 10);
}

static void backs_off_from_an_agent_that_always_says_135(void **state)
{
	struct fixture *f = *state;

	assert_in_range(sent_to_a_stubborn_agent(f, 135, 1000), 5, 10);
	begin(f, false);
	assert_in_range(sent_to_a_stubborn_agent(f, 135, 1000), 5, 10);
}

/* RFC 6275, 11.3.5. */
static void waits_when_nobody_knows_its_updates(void **state)
{
	struct fixture *f = *state;

	bul_register(&f->bul, &coa_a);
	assert_int_equal(bul_unserved(&f->bul, (uint16_t)(last(f)->sequence - 1)), -ENOENT);
	assert_int_equal(bul_unserved(&f->bul, last(f)->sequence), 0);
	assert_int_equal(f->bul.state, BUL_REFUSED);
	pass(f, BUL_RETRY_FIRST_S * S - MS);
	assert_int_equal(f->count, 1);
	pass(f, 2 * MS);
	assert_int_equal(f->count, 2);
	assert_int_equal(bul_unserved(&f->bul, last(f)->sequence), 0);
	pass(f, 2 * BUL_RETRY_FIRST_S * S - MS); /* longer each time */
	assert_int_equal(f->count, 2);
	pass(f, 2 * MS);
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(f->bul.state, BUL_BOUND);
	assert_int_equal(bul_unserved(&f->bul, last(f)->sequence), -ENOENT);
	assert_true(f->bul.bound);
}

static void states_have_names(void **state)
{
	(void)state;
	assert_string_equal(bul_state_name(BUL_IDLE), "idle");
	assert_string_equal(bul_state_name(BUL_REFUSED), "refused");
	assert_string_equal(bul_state_name((enum bul_state)99), "unknown");
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(takes_an_answer_to_an_earlier_transmission),
		T(ignores_an_answer_to_an_older_request),
		T(ignores_a_wrong_time_stamp),
		T(needs_no_time_stamp_with_sequence_numbers),
		T(goes_on_from_the_home_agents_sequence_number),
		T(believes_135_only_with_our_time_stamp),
		T(takes_over_the_home_agents_clock),
		T(believes_144_only_with_half_our_time_stamp),
		T(never_undercuts_an_accepted_time_stamp),
		T(time_stamps_grow_when_the_clock_does_not),
		T(switches_time_stamps_on),
		T(asks_seldom_when_it_hardly_helps),
		T(tries_later_when_that_may_help),
		T(backs_off_from_an_agent_that_always_says_144),
		T(backs_off_from_an_agent_that_always_says_135),
		T(waits_when_nobody_knows_its_updates),
		T(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
