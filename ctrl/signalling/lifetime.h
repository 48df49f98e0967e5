/*
 * What happens to a binding by time alone: refresh request, expiry, removal of the memory of a
 * deleted one. The bindings of a home address have one timer; it runs while nothing of them is
 * under way.
 */
#pragma once

#include <stdint.h>

#include "ctrl/binding/binding.h"

struct binding_record;
struct signalling;

/* Prepares the timer of a new entry. */
void lifetime_init(struct binding *b);

/* The end, CLOCK_MONOTONIC, of a record that is a new fact, or one of an earlier process: it is
 * counted from here on. The time of day may have been set back meanwhile: it gets no more than it
 * was granted. */
uint64_t lifetime_end_ns(const struct signalling *s, const struct binding_record *record);

/* Stops the timer: something is under way. */
void lifetime_stop(struct signalling *s, struct binding *b);

/* Nothing is under way: state and timer follow from `now`; an entry without life is recycled. */
void lifetime_rest(struct signalling *s, struct binding *b);

/* Something failed: the timer comes after this time, whatever is due. */
void lifetime_retry(struct signalling *s, struct binding *b, uint64_t after_ns);
