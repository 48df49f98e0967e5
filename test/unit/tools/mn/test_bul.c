/* The Binding Update List entry, driven by a clock of the test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "common/addr.h"
#include "common/clock.h"
#include "tools/mn/bul.h"

#define MS CLOCK_NS_PER_MS
#define S  CLOCK_NS_PER_S

enum { SENT_MAX = 256, LIFETIME_S = 420 };

struct fixture {
	struct wheel wheel;
	struct bul_entry bul;
	uint64_t now, start;
	uint64_t ntp; /* at `start` */
	unsigned count, changes;
	int send_result;
	struct bul_update sent[SENT_MAX];
	uint64_t at[SENT_MAX]; /* since start */
};

static int take(const struct bul_update *update, void *context)
{
	struct fixture *f = context;

	assert_true(f->count < SENT_MAX);
	f->at[f->count] = f->now - f->start;
	f->sent[f->count++] = *update;
	return f->send_result;
}

static void changed(const struct bul_entry *entry, void *context)
{
	struct fixture *f = context;

	assert_ptr_equal(entry, &f->bul);
	f->changes++;
}

static uint64_t mono_ns(void *context)
{
	return ((struct fixture *)context)->now;
}

static uint64_t ntp(void *context)
{
	struct fixture *f = context;
	uint64_t since = f->now - f->start;

	return f->ntp + (since / S << 32) + ((since % S) << 32) / S;
}

static const struct bul_ops ops = {
	.send = take, .changed = changed, .mono_ns = mono_ns, .ntp = ntp};

static const struct in6_addr coa_a = {{{0x20, 1, 0xd, 0xb8, 0, 0xa, [15] = 1}}};
static const struct in6_addr coa_b = {{{0x20, 1, 0xd, 0xb8, 0, 0xb, [15] = 1}}};
static const struct in6_addr home = {{{0x20, 1, 0xd, 0xb8, 1, 0, [15] = 0x10}}};

static void begin(struct fixture *f, bool use_timestamps)
{
	memset(f, 0, sizeof(*f));
	f->now = f->start = 1000 * S;
	f->ntp = 0xe9d6a1b280000000;
	wheel_init(&f->wheel, f->now, NULL);
	bul_init(&f->bul, &ops, f, &f->wheel, LIFETIME_S, use_timestamps, 65534);
}

static int setup(void **state)
{
	static struct fixture f;

	begin(&f, true);
	*state = &f;
	return 0;
}

/* Lets time pass, timer by timer, as the program's loop does. */
static void pass(struct fixture *f, uint64_t ns)
{
	uint64_t end = f->now + ns;

	while (f->now < end) {
		uint64_t next = wheel_next_ns(&f->wheel);

		f->now = next > end ? end : next > f->now ? next : f->now + MS;
		if (f->now > end)
			f->now = end;
		wheel_advance(&f->wheel, f->now, 0);
	}
}

static struct bul_answer answer_to(const struct bul_update *u, uint8_t status)
{
	return (struct bul_answer){.status = status,
		.sequence = u->sequence,
		.lifetime_s = u->lifetime_s,
		.has_timestamp = true,
		.timestamp = u->timestamp};
}

static const struct bul_update *last(const struct fixture *f)
{
	assert_true(f->count > 0);
	return &f->sent[f->count - 1];
}

static int answer_last(struct fixture *f, uint8_t status)
{
	struct bul_answer a = answer_to(last(f), status);

	return bul_answered(&f->bul, &a);
}

static void bind_at(struct fixture *f, const struct in6_addr *coa)
{
	bul_register(&f->bul, coa);
	assert_int_equal(answer_last(f, 0), 0);
	assert_int_equal(f->bul.state, BUL_BOUND);
}

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
	pass(f, 1000 * S);
	assert_int_equal(f->count, 2);
}

static void stops_when_asking_again_is_useless(void **state)
{
	struct fixture *f = *state;
	static const uint8_t final[] = {129, 131, 132, 133, 134, 139, 146, 174};

	for (unsigned n = 0; n < sizeof(final); n++) {
		begin(f, true);
		bul_register(&f->bul, &coa_a);
		assert_int_equal(answer_last(f, final[n]), 0);
		assert_int_equal(f->bul.state, BUL_REFUSED);
		assert_int_equal(f->bul.status, final[n]);
		pass(f, 2000 * S);
		assert_int_equal(f->count, 1);
		/* a new link is a new chance */
		bul_register(&f->bul, &coa_b);
		assert_int_equal(f->count, 2);
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
		T(registers_and_is_bound),
		T(repeats_the_first_registration),
		T(repeats_faster_when_bound),
		T(repeats_deregistration),
		T(sends_again_soon_what_did_not_leave),
		T(does_not_hammer_a_dead_link),
		T(keeps_the_update_rate),
		T(takes_an_answer_to_an_earlier_transmission),
		T(ignores_an_answer_to_an_older_request),
		T(ignores_a_wrong_time_stamp),
		T(needs_no_time_stamp_with_sequence_numbers),
		T(subtracts_a_shorter_lifetime),
		T(refreshes_well_before_the_end),
		T(follows_refresh_advice),
		T(ignores_refresh_advice_that_is_too_late),
		T(expires_when_not_refreshed),
		T(a_lifetime_of_nothing_is_no_binding),
		T(refresh_requests_are_followed_once_a_second),
		T(stop_keeps_the_binding),
		T(deregisters),
		T(no_binding_is_as_good_as_deregistered),
		T(a_refused_deregistration_leaves_the_binding),
		T(goes_on_from_the_home_agents_sequence_number),
		T(believes_135_only_with_our_time_stamp),
		T(takes_over_the_home_agents_clock),
		T(believes_144_only_with_half_our_time_stamp),
		T(never_undercuts_an_accepted_time_stamp),
		T(time_stamps_grow_when_the_clock_does_not),
		T(switches_time_stamps_on),
		T(stops_when_asking_again_is_useless),
		T(tries_later_when_that_may_help),
		T(backs_off_from_an_agent_that_always_says_144),
		T(backs_off_from_an_agent_that_always_says_135),
		T(states_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
