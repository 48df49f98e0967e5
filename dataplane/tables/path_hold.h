/*
 * Held paths (PATH_HELD): how many packets wait because of each, in all workers together, and the
 * tunnels out of which what is for nobody known waits.
 *
 * A subscriber that gets another first path than a held one is found by its id first (by_id of
 * subscriber_table.h), and by its addresses only when no packet of it waits any more: until then
 * what comes for it goes the way of what waits, behind it, so that their order stays. The writer
 * gives workers PATH_HOLD_PATIENCE_US for that.
 *
 * State of a path: a number that no other path has, whether what waits may go, and how many wait.
 * All of it is one word, so that a packet that is counted is of the path that it was held for, and
 * none is once it may go.
 *
 * Memory: 16 octets a path, as far as any is held. Writer: the agent thread.
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/channel/object.h"

enum {
	PATH_HOLD_PATIENCE_US = 100000, /* that workers get to send on what waits of one path */
	PATH_HOLD_NONE = 0,             /* generation that no path has */
};

#define PATH_HOLD_ENDED   (1ull << 31)
#define PATH_HOLD_WAITING (PATH_HOLD_ENDED - 1)

struct path_hold {
	uint64_t state;   /* generation (32 bits), PATH_HOLD_ENDED, PATH_HOLD_WAITING */
	uint16_t packets; /* that wait at most; constant for readers, as is what follows */
	uint16_t ms;      /* that each waits at most */
};
static_assert(sizeof(struct path_hold) == 16, "as the header says");

/* What a packet waits for. */
struct path_ticket {
	uint32_t path;       /* number */
	uint32_t generation; /* of its hold, or PATH_HOLD_NONE: it was not counted */
};

enum path_hold_answer {
	PATH_HOLD_WAIT, /* the ticket is the packet's */
	PATH_HOLD_FULL, /* as many wait as may */
	PATH_HOLD_OVER, /* the subscriber has another path, or is gone: to be looked for by id */
};

static inline uint32_t path_hold_generation(uint64_t state)
{
	return (uint32_t)(state >> 32);
}

/* One more packet waits, if it may. Any reader that found the path in this walk. */
static inline enum path_hold_answer path_hold_enter(
	struct path_hold *hold, uint32_t path, struct path_ticket *ticket)
{
	uint64_t state = __atomic_load_n(&hold->state, __ATOMIC_ACQUIRE);

	do {
		if (state & PATH_HOLD_ENDED)
			return PATH_HOLD_OVER;
		if ((state & PATH_HOLD_WAITING) >= hold->packets)
			return PATH_HOLD_FULL;
	} while (!__atomic_compare_exchange_n(
		&hold->state, &state, state + 1, true, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
	*ticket = (struct path_ticket){path, path_hold_generation(state)};
	return PATH_HOLD_WAIT;
}

/* One more waits in any case, behind others that may go. Any reader, as above. */
static inline struct path_ticket path_hold_follow(struct path_hold *hold, uint32_t path)
{
	const uint64_t state = __atomic_add_fetch(&hold->state, 1, __ATOMIC_ACQ_REL);

	return (struct path_ticket){path, path_hold_generation(state)};
}

/* Whether the path of a ticket is still held. Any reader, at any time. */
static inline bool path_hold_lasts(const struct path_hold *hold, const struct path_ticket *ticket)
{
	const uint64_t state = __atomic_load_n(&hold->state, __ATOMIC_ACQUIRE);

	return path_hold_generation(state) == ticket->generation && !(state & PATH_HOLD_ENDED);
}

/* A packet waits no longer. Any reader, at any time. */
static inline void path_hold_leave(struct path_hold *hold, const struct path_ticket *ticket)
{
	uint64_t state = __atomic_load_n(&hold->state, __ATOMIC_RELAXED);

	do {
		if (path_hold_generation(state) != ticket->generation)
			return;
	} while (!__atomic_compare_exchange_n(
		&hold->state, &state, state - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
}

/* Writer: what waits may go. Returns how many do. */
static inline uint32_t path_hold_end(struct path_hold *hold)
{
	return (uint32_t)(__atomic_or_fetch(&hold->state, PATH_HOLD_ENDED, __ATOMIC_ACQ_REL) &
			  PATH_HOLD_WAITING);
}

static inline uint32_t path_hold_waiting(const struct path_hold *hold)
{
	return (uint32_t)(__atomic_load_n(&hold->state, __ATOMIC_ACQUIRE) & PATH_HOLD_WAITING);
}
