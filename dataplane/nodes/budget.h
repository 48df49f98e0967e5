/*
 * Budgets: how often a second a packet may cause something that costs more than forwarding it. A
 * token bucket of the worker's own, on the time of the walk.
 */
#pragma once

#include <rte_cycles.h>
#include <stdint.h>

#include "dataplane/worker.h"

/* per_second tokens a second, at most burst at once; full at the start. */
static inline void budget_init(
	struct worker_budget *b, uint32_t per_second, uint32_t burst, uint64_t tsc)
{
	*b = (struct worker_budget){
		.filled = tsc,
		.interval = rte_get_tsc_hz() / per_second,
		.tokens = burst,
		.burst = burst,
	};
}

/*
 * Takes one token. Returns 0 if there is none, else how many times this was asked for since it
 * last was granted, this time included.
 */
static inline uint32_t budget_take(struct worker_budget *b, uint64_t tsc)
{
	uint64_t earned = (tsc - b->filled) / b->interval;
	uint32_t times = b->refused + 1;

	if (earned) {
		b->tokens = earned < b->burst - b->tokens ? b->tokens + (uint32_t)earned : b->burst;
		b->filled += earned * b->interval;
	}
	if (b->tokens == 0) {
		b->refused = times;
		return 0;
	}
	b->tokens--;
	b->refused = 0;
	return times;
}
