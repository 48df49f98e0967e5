/*
 * Folding of events: the first of a kind goes out at once, its repetitions within a second become
 * one message with their number. Bounded: under a flood of different ones the rest is only counted.
 * Pure but for its own state; agent thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/channel/update.h"

enum {
	FOLD_SLOTS = 128,
	FOLD_INTERVAL_MS = 1000,
};

struct fold_slot {
	bool used;
	uint64_t told_ms;
	struct update_event event; /* value: occurrences not yet told, or the newest value */
	bool pending;
};

struct fold {
	struct fold_slot slots[FOLD_SLOTS];
	uint64_t dropped; /* events for which no slot was free */
};

typedef void fold_fn(void *context, const struct update_event *event);

/* Takes an event; tells it when it is new. */
void fold_add(struct fold *f, const struct update_event *event, uint64_t now_ms, fold_fn *fn,
	void *context);

/* Tells repetitions whose time has come. */
void fold_tick(struct fold *f, uint64_t now_ms, fold_fn *fn, void *context);
