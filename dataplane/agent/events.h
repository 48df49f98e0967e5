/*
 * Events: what only the data plane can see, on its way to control. Each worker has a bounded ring
 * of its own (one producer, the agent thread consumes); what does not fit is counted. The agent
 * folds repetitions together, so that a flood of one kind costs one message a second.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/channel/update.h"

/* Makes the rings of this many producers, after rte_eal_init(): the workers, in their order, and
 * then the mirror. 0 or -ENOMEM. Main thread. */
int events_open(unsigned producers);
void events_close(void);

/*
 * Hands an event over; event->value counts occurrences (1 from a worker that does not fold). False:
 * the ring is full and the loss is counted. Producer's own thread.
 */
bool events_put(unsigned producer, const struct update_event *event);

/* Takes one event of any producer; false if there is none. Agent thread. */
bool events_take(struct update_event *event);

/* Events lost to full rings. Any thread. */
uint64_t events_lost(void);
