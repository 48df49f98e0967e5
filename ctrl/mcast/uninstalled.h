/*
 * Groups and members that data planes could not take, mostly because a table of theirs is full: who
 * is one of them gets no copies there, and must not be shown, or told, as if it did.
 *
 * What failed is published again from time to time, some of it each time, until the data plane has
 * taken it or nobody wants it any more. A data plane tells at most UPDATE_FAILURES_MAX failures of
 * a message; what is beyond is only counted here, and found out by ctrl/multicast_missing.h.
 *
 * Costs 100 octets for each that failed, nothing as long as none does. For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "proto/channel/update.h"

enum { UNINSTALLED_MAX = 65536 }; /* that are kept */

enum uninstalled_counter {
	UNINSTALLED_GROUPS,  /* times that a data plane could not take a group */
	UNINSTALLED_MEMBERS, /* or a member */
	UNINSTALLED_UNKNOWN, /* failures that it told only the number of, or that none is kept of */
	UNINSTALLED_RETRIES, /* published again */
	UNINSTALLED_LATE,    /* taken in the end */
	UNINSTALLED_COUNTERS
};
extern const struct counter_def uninstalled_counter_defs[UNINSTALLED_COUNTERS];

struct uninstalled_config {
	/* Publishes an object as it is wanted: the number of the delta that says so; 0: it is not
	 * wanted any more. */
	uint64_t (*renew)(void *context, uint64_t id);
	void *context;
};

struct uninstalled;

/* Copies the configuration. NULL: no memory. */
struct uninstalled *uninstalled_new(const struct uninstalled_config *config);
void uninstalled_free(struct uninstalled *u);

/* What a data plane, by its index, has acknowledged (struct publish_handlers). Returns how many
 * groups and members failed that had not failed there before. */
unsigned uninstalled_acked(
	struct uninstalled *u, unsigned dp, uint64_t sequence, const struct update_ack *ack);

/* A data plane, by its index, was found not to have a group or member. 1; 0: that was known;
 * -ENOSPC: it is not kept, as too many are, or for want of memory. */
int uninstalled_missing(struct uninstalled *u, unsigned dp, enum object_kind kind, uint64_t id);

/* It is published anew, or withdrawn: what becomes of it is told by the next acknowledgements. */
void uninstalled_forget(struct uninstalled *u, uint64_t id);

/* Publishes some again. */
void uninstalled_retry(struct uninstalled *u);

/* Whether all that was published again last has been taken by all data planes: there is room, so
 * that more of it can follow at once. */
bool uninstalled_taken(const struct uninstalled *u);

/* The data planes that could not take it (bits: by index), in *error, if not NULL, the positive
 * errno that the last of them told. */
uint64_t uninstalled_at(const struct uninstalled *u, uint64_t id, int *error);

/* How many groups and members there are that some data plane could not take. */
size_t uninstalled_count(const struct uninstalled *u);

/* Its counters, UNINSTALLED_COUNTERS of them. */
const uint64_t *uninstalled_counters(const struct uninstalled *u);
