/*
 * The restart counter of RFC 5847, 3.2: tells peers whether the sessions that they had with us are
 * still there. They are when the store is, so it changes only with a new store. Its first value is
 * the time of day, which is more than any store before this one had.
 */
#pragma once

#include "ctrl/store/store.h"

#include <stdbool.h>
#include <stdint.h>

/*
 * Reads the counter from the store, or makes one at real_ns (CLOCK_REALTIME) and commits it.
 * Returns 0, with *fresh when it was made, or what the store says; -EBADMSG for a damaged record.
 */
int restart_counter_open(struct store *store, uint64_t real_ns, uint32_t *counter, bool *fresh);
