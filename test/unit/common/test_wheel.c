#include "common/wheel.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <stdlib.h>
#include <string.h>

#define MS 1000000ull
#define S  1000000000ull

/* What the callbacks see; the wheel's context. */
struct world {
	struct wheel wheel;
	uint64_t now;
	size_t fired;
	uint64_t last_expiry;
};

struct item {
	struct wheel_timer timer;
	uint64_t due; /* as it was asked for */
	unsigned fired;
};

/* Not early, less than two ticks late, and in order. */
static void on_time(struct wheel_timer *t, void *context)
{
	struct world *world = context;
	struct item *item = wheel_entry(t, struct item, timer);

	assert_false(wheel_armed(t));
	assert_true(world->now >= item->due);
	assert_true(wheel_expiry_ns(t) >= item->due);
	assert_true(wheel_expiry_ns(t) < item->due + 2 * MS);
	assert_true(wheel_expiry_ns(t) >= world->last_expiry);
	world->last_expiry = wheel_expiry_ns(t);
	world->fired++;
	item->fired++;
}

static struct world *new_world(uint64_t now)
{
	struct world *w = calloc(1, sizeof(*w));

	w->now = now;
	wheel_init(&w->wheel, now, w);
	return w;
}

static void arm(struct world *w, struct item *item, uint64_t due)
{
	item->due = due;
	if (!wheel_armed(&item->timer))
		wheel_timer_init(&item->timer, on_time);
	wheel_arm(&w->wheel, &item->timer, due);
}

static size_t advance(struct world *w, uint64_t now, size_t max)
{
	w->now = now;
	return wheel_advance(&w->wheel, now, max);
}

/* Goes from wake-up to wake-up, as a poll loop does, until nothing is armed. */
static unsigned run_dry(struct world *w)
{
	unsigned rounds = 0;

	for (uint64_t next; (next = wheel_next_ns(&w->wheel)) != UINT64_MAX; rounds++)
		advance(w, next > w->now ? next : w->now, 0);
	return rounds;
}

/* Every distance where something can go wrong: around the ends of slots and levels, from starting
 * points that lie anywhere in them. */
static void single_timers_at_all_edges(void **state)
{
	static const uint64_t distance[] = {0, 1, 2, 255, 256, 257, 511, 512, 65279, 65280, 65535,
		65536, 65537, 131071, 16711680, 16777215, 16777216, 16777217, 262140000,
		4278190080u, 4294967295u, 4294967296u, 5000000000u};
	static const uint64_t start[] = {0, 1, 255, 256, 65535, 65536, 16777215, 123456789,
		4294967295u, 4294967296u, 99999999999u};

	(void)state;
	for (size_t s = 0; s < sizeof(start) / sizeof(start[0]); s++) {
		for (size_t d = 0; d < sizeof(distance) / sizeof(distance[0]); d++) {
			for (uint64_t part = 0; part < MS; part += MS / 2) {
				struct world *w = new_world(start[s] * MS + part);
				struct item item = {0};

				arm(w, &item, (start[s] + distance[d]) * MS + part);
				assert_int_equal(wheel_count(&w->wheel), 1);
				assert_in_range(run_dry(w), 1, 8);
				assert_int_equal(item.fired, 1);
				assert_int_equal(wheel_count(&w->wheel), 0);
				free(w);
			}
		}
	}
}

/* The same jumped over in one call, which must call it too. */
static void one_long_jump(void **state)
{
	struct world *w = new_world(77 * S);
	struct item items[3] = {0};

	(void)state;
	arm(w, &items[0], 77 * S + 262140 * S);
	arm(w, &items[1], 78 * S);
	arm(w, &items[2], 77 * S + 300 * S);
	assert_int_equal(advance(w, 77 * S + 262139 * S, 0), 2);
	assert_int_equal(items[0].fired, 0);
	assert_int_equal(advance(w, 77 * S + 262140 * S, 0), 1);
	assert_int_equal(items[0].fired, 1);
	/* A clock that stands still or goes back changes nothing. */
	assert_int_equal(advance(w, 77 * S, 0), 0);
	free(w);
}

/* A million timers with lifetimes up to the longest of a binding, some cancelled, some re-armed;
 * time moves in steps of random length and with a bound on work. */
static void a_million_timers(void **state)
{
	enum { N = 1000000, BUDGET = 5000 };
	struct world *w = new_world(123456789 * MS);
	struct item *items = calloc(N, sizeof(*items));
	size_t left = N, calls = 0;

	(void)state;
	srand(1);
	for (size_t i = 0; i < N; i++)
		arm(w, &items[i], w->now + (uint64_t)rand() % 262140001 * MS);
	for (size_t i = 0; i < N; i += 4)
		arm(w, &items[i], w->now + (uint64_t)rand() % 1000 * S);
	for (size_t i = 1; i < N; i += 4, left--)
		wheel_cancel(&w->wheel, &items[i].timer);
	assert_int_equal(wheel_count(&w->wheel), left);
	while (wheel_count(&w->wheel)) {
		uint64_t next = wheel_next_ns(&w->wheel);
		uint64_t now = w->now;

		if (next > now)
			now = next + (uint64_t)rand() % 1000 * MS;
		assert_true(advance(w, now, BUDGET) <= BUDGET);
		calls++;
	}
	assert_int_equal(w->fired, left);
	assert_true(calls > left / BUDGET);
	for (size_t i = 0; i < N; i++)
		assert_int_equal(items[i].fired, i % 4 == 1 ? 0 : 1);
	free(items);
	free(w);
}

/* All due at once: bounded pieces, and "now" as the next time until it is done. */
static void bounded_work(void **state)
{
	enum { N = 1000 };
	struct world *w = new_world(5 * S);
	static struct item items[N];
	size_t calls = 0, called = 0;

	(void)state;
	memset(items, 0, sizeof(items));
	for (size_t i = 0; i < N; i++)
		arm(w, &items[i], 100000 * S);
	w->now = 100000 * S;
	while (wheel_next_ns(&w->wheel) <= w->now) {
		size_t n = advance(w, w->now, 64);

		assert_in_range(n, 0, 64);
		called += n;
		calls++;
		if (calls == 3) { /* one that waits to be called or moved can be cancelled */
			wheel_cancel(&w->wheel, &items[N - 1].timer);
			assert_false(wheel_armed(&items[N - 1].timer));
		}
	}
	assert_int_equal(called, N - 1);
	assert_true(calls >= N / 64);
	assert_true(wheel_next_ns(&w->wheel) == UINT64_MAX);
	free(w);
}

static struct item *victim;

static void cancel_other(struct wheel_timer *t, void *context)
{
	struct world *w = context;

	(void)t;
	wheel_cancel(&w->wheel, &victim->timer);
	free(victim);
	victim = NULL;
}

static void rearm_self(struct wheel_timer *t, void *context)
{
	struct world *w = context;

	w->fired++;
	wheel_arm(&w->wheel, t, 0);
}

static void free_self(struct wheel_timer *t, void *context)
{
	(void)context;
	free(wheel_entry(t, struct item, timer));
}

static void callbacks_may_do_anything(void **state)
{
	struct world *w = new_world(0);
	struct wheel_timer killer, again;
	struct item *lonely = calloc(1, sizeof(*lonely));

	(void)state;
	victim = calloc(1, sizeof(*victim));
	wheel_timer_init(&killer, cancel_other);
	wheel_timer_init(&again, rearm_self);
	wheel_timer_init(&lonely->timer, free_self);
	wheel_arm(&w->wheel, &killer, 10 * MS);
	wheel_timer_init(&victim->timer, on_time);
	wheel_arm(&w->wheel, &victim->timer, 10 * MS);
	wheel_arm(&w->wheel, &lonely->timer, 10 * MS);
	wheel_arm(&w->wheel, &again, 0);
	/* One that re-arms itself in the past is called once a tick, not forever. */
	assert_int_equal(advance(w, 20 * MS, 0), 20 + 2);
	assert_int_equal(w->fired, 20);
	assert_null(victim);
	wheel_cancel(&w->wheel, &again);
	wheel_cancel(&w->wheel, &again);
	assert_int_equal(wheel_count(&w->wheel), 0);
	free(w);
}

/* Cancelling the only timer of a slot leaves no wake-up behind. */
static void cancelled_timers_do_not_wake(void **state)
{
	struct world *w = new_world(0);
	struct item a = {0}, b = {0};

	(void)state;
	assert_true(wheel_next_ns(&w->wheel) == UINT64_MAX);
	arm(w, &a, 40 * MS);
	arm(w, &b, 90 * MS);
	assert_true(wheel_next_ns(&w->wheel) == 40 * MS);
	wheel_cancel(&w->wheel, &a.timer);
	assert_true(wheel_next_ns(&w->wheel) == 90 * MS);
	arm(w, &b, 95 * MS);
	assert_true(wheel_next_ns(&w->wheel) == 95 * MS);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(single_timers_at_all_edges),
		cmocka_unit_test(one_long_jump),
		cmocka_unit_test(a_million_timers),
		cmocka_unit_test(bounded_work),
		cmocka_unit_test(callbacks_may_do_anything),
		cmocka_unit_test(cancelled_timers_do_not_wake),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
