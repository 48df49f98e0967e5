/*
 * How many packets are due: a rate kept over any time without rounding away a packet, and without
 * bursts after a sender was held up. What falls due in such a pause beyond a millisecond's worth
 * is not made up for, because it would arrive as a burst that nobody asked for; it is counted.
 * Pure; one thread.
 */
#pragma once

#include <stdint.h>

enum { PACE_BACKLOG_MIN = 64 };

struct pace {
	uint64_t start;       /* cycles */
	uint64_t per_cycle;   /* packets a cycle, in units of 2^-64; 0: no limit */
	uint64_t given;       /* packets that were said to be due */
	uint64_t skipped;     /* packets that were due and left out */
	uint64_t backlog_max; /* packets */
};

/* Starts at `now` with a rate in packets a second, below hz; 0: as many as are asked for. */
void pace_begin(struct pace *p, uint64_t rate, uint64_t hz, uint64_t now);

/* How many of at most `max` packets are to be sent now. */
static inline uint32_t pace_due(struct pace *p, uint64_t now, uint32_t max)
{
	uint64_t due;

	if (p->per_cycle) {
		due = (uint64_t)((unsigned __int128)(now - p->start) * p->per_cycle >> 64);
		due -= p->given + p->skipped;
		if (due > p->backlog_max) {
			p->skipped += due - p->backlog_max;
			due = p->backlog_max;
		}
		if (due < max)
			max = (uint32_t)due;
	}
	p->given += max;
	return max;
}
