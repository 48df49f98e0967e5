/*
 * Waits for several completions together, some of which may come before the call that starts them
 * returns. Hence who starts them is itself one of those that are waited for, until all are started:
 *
 *     wait_group_init(&group, ended, context);
 *     for (...) {
 *             wait_group_add(&group);
 *             if (start(..., wait_group_done, &group) < 0)
 *                     wait_group_done(&group, 0);
 *     }
 *     wait_group_done(&group, 0);
 *
 * A group is part of what waits, and belongs to it. For one thread.
 */
#pragma once

#include <stddef.h>

/* All are complete. `error` is 0 or that of the last that failed. */
typedef void wait_group_ended(void *context, int error);

struct wait_group {
	size_t left; /* that have not come; who starts them is one */
	int error;
	wait_group_ended *ended;
	void *context;
};

/* Begins a group of which one is left: who starts the others. */
void wait_group_init(struct wait_group *group, wait_group_ended *ended, void *context);

/* One more is waited for: before the call that starts it. */
void wait_group_add(struct wait_group *group);

/*
 * One has come, with 0 or a negative errno; of a type that completions have. The last calls
 * `ended`, which may free the group or begin it anew: it is not touched afterwards.
 */
void wait_group_done(void *group, int error);
