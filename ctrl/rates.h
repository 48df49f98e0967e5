/*
 * How often things happen: counters sampled each second, and what they rose by in the last second,
 * ten seconds and minute. For the control thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum { RATES_MAX = 16, RATES_SPANS = 3 };

/* Seconds of the spans: 1, 10, 60. */
extern const unsigned rates_spans[RATES_SPANS];

struct loop;
struct rates;

/* What is watched: a name and where its counter is, which must outlive the rates. */
struct rates_item {
	const char *name;
	const uint64_t *counter;
};

/* Watches up to RATES_MAX items (copied) from now on. NULL: no memory. */
struct rates *rates_new(struct loop *loop, const struct rates_item *items, size_t count);

/* Watches one more from now on, if there are fewer than RATES_MAX. NULL is allowed for rates. */
void rates_add(struct rates *rates, const char *name, const uint64_t *counter);

/* NULL is allowed. */
void rates_free(struct rates *rates);

/* How many are watched; the name of one; what it rose by a second in a span (its index), or since
 * the start if that is less. */
size_t rates_count(const struct rates *rates);
const char *rates_name(const struct rates *rates, size_t item);
double rates_per_second(const struct rates *rates, size_t item, unsigned span);
