/* The mirror's counters, for its own files: written by the mirror thread alone. */
#pragma once

#include "common/counter.h"
#include "dataplane/mirror/mirror.h"

extern uint64_t mirror_values[MIRROR_COUNTERS];

static inline void count_mirror(enum mirror_counter counter, uint64_t n)
{
	counter_add(&mirror_values[counter], n);
}
