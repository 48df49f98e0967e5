/*
 * The agent's part of tracing: what control wants goes to the workers, and what they saw to
 * control. Agent thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/cursor.h"
#include "proto/channel/trace.h"

struct tables;

struct tracing {
	struct trace_wanted wanted; /* what workers may be reading, while it is on */
	bool on;
	uint64_t until_ms;
};

/* Control wants this, for TRACE_LEASE_MS. tables: to wait for the workers, when it is another. */
void tracing_want(struct tracing *t, struct tables *tables, const struct trace_wanted *wanted,
	uint64_t now_ms);

/* Ends what was not wanted again in time. */
void tracing_tick(struct tracing *t, struct tables *tables, uint64_t now_ms);

/* Appends what workers saw to a message, as much as fits. Returns how many packets. */
unsigned tracing_take(const struct tracing *t, struct writer *w);
