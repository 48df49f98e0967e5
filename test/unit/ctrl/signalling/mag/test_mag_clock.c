/* Clocks of anchor and gateway that are too far apart: RFC 5213, 5.5 and 6.9.1.2, 9. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "common/clock.h"
#include "mag_rig.h"

#define HOUR_S INT64_C(3600)

static const struct mag_rig_answer no = {.status = STATUS_BA_TIMESTAMP_MISMATCH, .ahead_s = HOUR_S};

static bool offset_is(int64_t expected_ms)
{
	int64_t ms;

	return mag_clock_offset_ms(mag_rig.mag, 0, &ms) && ms == expected_ms;
}

static bool offset_is_known(void)
{
	int64_t ms;

	return mag_clock_offset_ms(mag_rig.mag, 0, &ms);
}

/* Refuses whatever is asked for so long; how often that was. */
static unsigned refuse_for_ms(unsigned ms)
{
	unsigned before = mag_rig.updates;

	for (unsigned i = 0; i < ms; i++) {
		unsigned seen = mag_rig.updates;

		mag_rig_wait_ms(1);
		if (mag_rig.updates != seen)
			mag_rig_answer(&no);
	}
	return mag_rig.updates - before;
}

static void who_is_refused_waits_until_the_clock_is_right(void **state)
{
	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	assert_false(offset_is_known());
	mag_rig_answer(&no);
	assert_true(offset_is(HOUR_S * 1000));
	/* More and more slowly, and by our own clock. */
	assert_in_range(refuse_for_ms(60000), 3, 6);
	assert_int_equal(option_find(&mag_rig.update, OPTION_TIMESTAMP)->timestamp.time >> 16 <
				 mag_rig.real / CLOCK_NS_PER_S + 1,
		1);
	assert_int_equal(mag_rig.commits, 0);
	/* Half way is not there. */
	mag_rig.real += (uint64_t)HOUR_S / 2 * CLOCK_NS_PER_S;
	mag_rig_attached()->ask_ns = mag_rig.now + 30 * CLOCK_NS_PER_S;
	assert_int_equal(refuse_for_ms(2000), 0);
	mag_rig.real += (uint64_t)HOUR_S / 2 * CLOCK_NS_PER_S;
	mag_rig.updates = 0;
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
	assert_false(offset_is_known());
}

/* The anchor's clock is the wrong one: it is asked again all the same, until that is put right. */
static void an_anchor_whose_clock_is_put_right_is_asked(void **state)
{
	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&no);
	mag_rig.updates = 0;
	mag_rig_wait_ms(33000);
	assert_true(mag_rig.updates > 0);
	mag_rig_answer(&mag_rig_good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->state, MAG_ATTACHED);
}

static struct mag_rig_answer echoed(struct mag_rig_answer answer)
{
	answer.echo = true;
	return answer;
}

/* Of two ways, the first is registered and the second asked for. */
static void register_first_of_two_ways(void)
{
	const struct mag_rig_answer good = echoed(mag_rig_good);

	mag_free(mag_rig.mag);
	mag_rig.paths = true;
	mag_rig_start();
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&good);
	mag_rig_commit(0);
}

/* Whichever of the clocks it was: when one registration is accepted, others need not wait longer.
 */
static void what_is_good_for_one_is_good_for_others(void **state)
{
	const struct mag_rig_answer good = echoed(mag_rig_good), refusal = echoed(no);

	(void)state;
	register_first_of_two_ways();
	mag_rig_answer(&refusal);
	mag_rig_attached()->ways[1].ask_ns = mag_rig.now + 90 * CLOCK_NS_PER_S;
	mag_rig_attached()->probe_ns = UINT64_MAX;
	mag_rig_wait_ms(60500); /* the first is extended */
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_false(offset_is_known());
	mag_rig.updates = 0;
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, 1);
	assert_int_equal(option_find(&mag_rig.update, OPTION_MAG_MULTIPATH)->mag_multipath.bid, 7);
}

/* An anchor that wants it closer than we think near: no storm. */
static void a_clock_that_is_never_good_enough(void **state)
{
	struct mag_rig_answer hardly = no;

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&no);
	mag_rig.real += (uint64_t)HOUR_S * CLOCK_NS_PER_S;
	mag_rig.updates = 0;
	for (unsigned i = 0; i < 60000; i++) {
		unsigned seen = mag_rig.updates;

		mag_rig_wait_ms(1);
		hardly.ahead_s = 1;
		if (mag_rig.updates != seen)
			mag_rig_answer(&hardly);
	}
	assert_in_range(mag_rig.updates, 3, 7);
}

static void an_anchor_that_tells_no_time(void **state)
{
	const struct mag_rig_answer silent = {.status = STATUS_BA_TIMESTAMP_MISMATCH};

	(void)state;
	mag_rig_speak("access", ICMP6_TYPE_ROUTER_SOLICITATION);
	mag_rig_answer(&silent);
	assert_false(offset_is_known());
	mag_rig.updates = 0;
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, 1);
}

/* A further way is refused, while the first goes on. */
static void a_way_waits_likewise(void **state)
{
	const struct mag_rig_answer good = echoed(mag_rig_good);
	struct mag_rig_answer refusal = echoed(no);

	(void)state;
	refusal.ahead_s = 20; /* the first way has not ended by then */
	register_first_of_two_ways();
	mag_rig_answer(&refusal);
	assert_true(offset_is(20000));
	mag_rig_attached()->ways[1].ask_ns = mag_rig.now + 30 * CLOCK_NS_PER_S;
	mag_rig.updates = 0;
	mag_rig_wait_ms(2000);
	assert_int_equal(mag_rig.updates, 0);
	mag_rig.real += 20 * CLOCK_NS_PER_S;
	mag_rig_wait_ms(1100);
	assert_int_equal(mag_rig.updates, 1);
	mag_rig_answer(&good);
	mag_rig_commit(0);
	assert_int_equal(mag_rig_attached()->now.path_count, 2);
	assert_false(offset_is_known());
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, mag_rig_setup, mag_rig_teardown)
	const struct CMUnitTest tests[] = {
		TEST(who_is_refused_waits_until_the_clock_is_right),
		TEST(an_anchor_whose_clock_is_put_right_is_asked),
		TEST(a_clock_that_is_never_good_enough),
		TEST(an_anchor_that_tells_no_time),
		TEST(what_is_good_for_one_is_good_for_others),
		TEST(a_way_waits_likewise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
