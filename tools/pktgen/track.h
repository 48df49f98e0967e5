/*
 * What became of the packets of a flow, by their sequence numbers: reordering as RFC 4737, 3.3 has
 * it (a packet with a smaller number than one before it), duplicates within the last 64 numbers.
 * What is lost is what was sent and not received for the first time; so it needs no state here.
 */
#pragma once

#include <assert.h>
#include <stdint.h>

/* One for each flow; all zero at the start, numbers begin at 0. */
struct track {
	uint64_t seen; /* bit i: number next - 1 - i was received */
	uint32_t next; /* one more than the largest received */
	uint32_t unused;
};
static_assert(sizeof(struct track) == 16, "four flows a cache line");

enum track_result {
	TRACK_IN_ORDER,
	TRACK_REORDERED,
	TRACK_DUPLICATE,
	TRACK_LATE, /* reordered, and too old to tell whether it is a duplicate */
	TRACK_RESULTS
};

/* Takes note of a packet; numbers are compared modulo 2^32. */
static inline enum track_result track_add(struct track *t, uint32_t sequence)
{
	const uint32_t ahead = sequence - t->next;

	if (ahead < UINT32_MAX / 2) {
		t->seen = (ahead < 63 ? t->seen << (ahead + 1) : 0) | 1;
		t->next = sequence + 1;
		return TRACK_IN_ORDER;
	}
	const uint32_t back = t->next - 1 - sequence;

	if (back >= 64)
		return TRACK_LATE;
	if (t->seen >> back & 1)
		return TRACK_DUPLICATE;
	t->seen |= 1ull << back;
	return TRACK_REORDERED;
}
