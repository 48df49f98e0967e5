/*
 * A hierarchical timer wheel: arming, re-arming and cancelling cost O(1) at any number of timers.
 *
 * A tick is one millisecond. Four levels of 256 slots reach 2^32 ms (49 days; later expiries are
 * put in the last slot and sorted in again when it comes). A timer never fires early and, when
 * wheel_advance() is called in time, less than 2 ms late. A timer moves at most once a level, so
 * its whole life costs a few list operations. Work per call is bounded by the caller.
 *
 * A wheel belongs to one thread. Timers are members of the caller's structures, 32 octets each; the
 * wheel allocates nothing. A callback may arm, re-arm or cancel any timer, also its own, and free
 * the structure that holds it; it must not call wheel_advance().
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WHEEL_LEVELS    4
#define WHEEL_SLOT_BITS 8
#define WHEEL_SLOTS     (1u << WHEEL_SLOT_BITS)
#define WHEEL_TICK_NS   1000000ull

struct wheel_timer;

/* Called when the timer expires; it is then not armed. context is wheel_init()'s. Use
 * wheel_entry() to find the structure that holds the timer. */
typedef void wheel_fn(struct wheel_timer *timer, void *context);

struct wheel_link {
	struct wheel_link *next, *prev;
};

/* All zero is a timer that is not armed (fn is still to be set). */
struct wheel_timer {
	struct wheel_link link; /* next is NULL: not armed */
	uint64_t tick;          /* when it expires */
	wheel_fn *fn;
};
static_assert(sizeof(struct wheel_timer) == 32, "a timer is half a cache line");

/* 17 KiB; fields are the wheel's own. */
struct wheel {
	uint64_t tick; /* ticks up to and including this one are done */
	size_t armed;
	void *context;
	struct wheel_link moving;  /* taken out of a high slot, on the way to lower ones */
	struct wheel_link expired; /* due, callback not yet called */
	uint64_t used[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* bit: slot may hold timers */
	struct wheel_link slots[WHEEL_LEVELS][WHEEL_SLOTS];
};

/* The structure of the given type whose member is *timer. */
#define wheel_entry(timer, type, member) ((type *)(void *)((char *)(timer)-offsetof(type, member)))

/* Starts an empty wheel at now_ns (clock_mono_ns()). The wheel must not be moved afterwards. */
void wheel_init(struct wheel *w, uint64_t now_ns, void *context);

/* Prepares a timer: not armed, with its callback. */
void wheel_timer_init(struct wheel_timer *t, wheel_fn *fn);

/* Arms the timer, or re-arms it when it is armed, to expire at the time at_ns (same clock). A time
 * in the past expires at the next wheel_advance(). */
void wheel_arm(struct wheel *w, struct wheel_timer *t, uint64_t at_ns);

/* Cancels the timer; nothing happens when it is not armed. */
void wheel_cancel(struct wheel *w, struct wheel_timer *t);

static inline bool wheel_armed(const struct wheel_timer *t)
{
	return t->link.next != NULL;
}

/* When an armed timer expires, in nanoseconds (rounded up to a tick). */
static inline uint64_t wheel_expiry_ns(const struct wheel_timer *t)
{
	return t->tick * WHEEL_TICK_NS;
}

/* Number of armed timers. */
static inline size_t wheel_count(const struct wheel *w)
{
	return w->armed;
}

/* Moves the wheel to now_ns and calls the callbacks of what is due, earlier ticks first. At most
 * `max` timers are touched (called or moved between levels; 0: no limit); what is left is done by
 * the next call, and wheel_next_ns() says "now" until then. Returns the number of callbacks. */
size_t wheel_advance(struct wheel *w, uint64_t now_ns, size_t max);

/* When wheel_advance() next has something to do: for poll timeouts. Never later than the next
 * expiry, but may be earlier (timers move down a level). UINT64_MAX: no timer is armed. A time in
 * the past: work is left over, call at once. */
uint64_t wheel_next_ns(const struct wheel *w);
