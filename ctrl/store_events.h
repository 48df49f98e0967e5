/*
 * The alarm of the store: an event when a commit is refused by the disk, and one when the first
 * after it succeeds.
 */
#pragma once

#include "ctrl/ctrl.h"

#include <stdbool.h>
#include <stdint.h>

struct store_events;

/* Watches ctrl->store from a hook of the loop. Returns 0, -ENOMEM or -ENOSPC. */
int store_events_start(struct store_events **events, struct ctrl *ctrl);

/* NULL is allowed; the loop must not run any more. */
void store_events_stop(struct store_events *events);

/* When it last began to refuse, nanoseconds since 1970; 0: never. */
uint64_t store_events_failed_ns(const struct store_events *events);
