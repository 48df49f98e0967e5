/*
 * Which groups and members of multicast data planes lack. An acknowledgement names no more than
 * UPDATE_FAILURES_MAX objects that failed; of a data plane that told of more it is found out by
 * asking what it has counted of all groups, then of all members: what it says nothing of it has
 * not. The question comes behind all that was sent before, so an answer is about what is wanted.
 *
 * Costs a question of 32 KiB for each 4096 of them, to all data planes, and 64 KiB of memory. For
 * the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proto/channel/object.h"

struct loop;
struct publish;
struct multicast_missing;

struct multicast_missing_config {
	struct publish *publish;
	struct loop *loop;
	uint32_t later_ms; /* until who could not be asked, or what could not be kept, is tried
			    * again */
	/* A data plane lacks a group or member. False: it cannot be remembered now; all is asked
	 * again later. */
	bool (*lacks)(void *context, unsigned dp, enum object_kind kind, uint64_t id);
	void *context;
};

/* Copies the configuration; what is in it outlives it. NULL: no memory. */
struct multicast_missing *multicast_missing_new(const struct multicast_missing_config *config);

/* While the loop is there, and no question is answered any more. NULL is allowed. */
void multicast_missing_free(struct multicast_missing *m);

/* A data plane, by its index, lacks something that it did not name. */
void multicast_missing_suspect(struct multicast_missing *m, unsigned dp);

/* It is published anew, or withdrawn: an answer that is under way says nothing of it. */
void multicast_missing_forget(struct multicast_missing *m, uint64_t id);
