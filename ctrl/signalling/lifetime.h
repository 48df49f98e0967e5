/*
 * What happens to a binding by time alone: refresh request, expiry, removal of the memory of a
 * deleted one. A binding has one timer; it runs while nothing of the binding is under way.
 */
#pragma once

#include <stdint.h>

#include "ctrl/binding/binding.h"

struct signalling;

/* Prepares the timer of a new entry. */
void lifetime_init(struct binding *b);

/* `now` is a new fact, or one of an earlier process: its end is counted from here on. The time of
 * day may have been set back meanwhile: it gets no more than it was granted. */
void lifetime_begin(struct signalling *s, struct binding *b);

/* Stops the timer: something is under way. */
void lifetime_stop(struct signalling *s, struct binding *b);

/* Nothing is under way: state and timer follow from `now`; an entry without life is recycled. */
void lifetime_rest(struct signalling *s, struct binding *b);

/* Something failed: the timer comes after this time, whatever is due. */
void lifetime_retry(struct signalling *s, struct binding *b, uint64_t after_ns);
