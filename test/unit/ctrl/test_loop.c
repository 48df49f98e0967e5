#include "ctrl/loop.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { TIMERS = 100000, MOST_A_ROUND = 8192 };

static struct {
	struct loop *loop;
	int fd;
	unsigned fired, before, most, rounds, reads;
} all;

static void fire(struct wheel_timer *timer, void *context)
{
	(void)timer;
	assert_ptr_equal(context, all.loop);
	all.fired++;
}

/* Somebody who always has something to say. */
static void readable(void *arg)
{
	(void)arg;
	all.reads++;
}

static void flush(void *arg)
{
	unsigned now = all.fired - all.before;

	(void)arg;
	all.rounds++;
	all.before = all.fired;
	all.most = now > all.most ? now : all.most;
}

static int open_loop(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	all.loop = loop_new();
	all.fd = eventfd(1, EFD_CLOEXEC);
	if (!all.loop || all.fd < 0 || loop_add_fd(all.loop, all.fd, readable, NULL) < 0)
		return -1;
	return loop_add_flush(all.loop, flush, NULL);
}

static int close_loop(void **state)
{
	(void)state;
	loop_free(all.loop);
	return close(all.fd);
}

static void timers_that_end_together_do_not_hold_up_the_rest(void **state)
{
	struct wheel_timer *timers = calloc(TIMERS, sizeof(*timers));

	(void)state;
	assert_non_null(timers);
	for (unsigned i = 0; i < TIMERS; i++) {
		wheel_timer_init(&timers[i], fire);
		loop_arm_ms(all.loop, &timers[i], 20);
	}
	while (all.fired < TIMERS)
		assert_int_equal(loop_round(all.loop, -1), 0);
	assert_in_range(all.most, 1, MOST_A_ROUND);
	assert_true(all.rounds >= TIMERS / MOST_A_ROUND);
	/* Who else had something to say was heard in each of these rounds. */
	assert_int_equal(all.reads, all.rounds);
	assert_int_equal(loop_rounds(all.loop)->count, all.rounds);
	free(timers);
}

static void a_timer_that_is_cancelled_does_not_fire(void **state)
{
	struct wheel_timer one, other;

	(void)state;
	wheel_timer_init(&one, fire);
	wheel_timer_init(&other, fire);
	loop_arm_ms(all.loop, &one, 5);
	loop_arm_ms(all.loop, &other, 5);
	loop_cancel(all.loop, &one);
	while (!all.fired)
		assert_int_equal(loop_round(all.loop, -1), 0);
	assert_int_equal(all.fired, 1);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_loop, close_loop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(timers_that_end_together_do_not_hold_up_the_rest),
		TEST(a_timer_that_is_cancelled_does_not_fire),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
