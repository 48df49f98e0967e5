/*
 * The commit: how a decision becomes a fact before anybody is told of it.
 *
 * The signalling submits what a binding is to become. At the end of the loop's round all of them go
 * to the store in one transaction, then to the data planes in one delta; when the serving data
 * plane has acknowledged it (its readers see it), the completion is called and may send the
 * Binding Acknowledgement.
 *
 *   error 0         committed, published, acknowledged
 *   -EIO, -ENOSPC   the store refused: nothing was changed
 *   -ENOTCONN       no data plane is synchronised: nothing was changed
 *   -EOVERFLOW      the data plane's table is full
 *   -EPROTO         the data plane could not apply it for another reason
 *   -ETIMEDOUT      no acknowledgement in time
 *
 * After an error the binding is as it was before the change, in the store and in what is published:
 * the commit takes the change back itself before it calls the completion. The signalling puts its
 * own memory right.
 *
 * A change to a binding that does not forward (deletion, deregistration) needs no data plane: it
 * waits for the acknowledgement when one serves, and completes with 0 when that fails or is late,
 * since the data plane is told again when it is back. Only the store can make it fail.
 *
 * Completions run inside the loop's round, never inside commit_submit(). They may submit changes.
 */
#pragma once

#include "ctrl/binding/binding.h"

#include <stddef.h>

struct commit;
struct ctrl_config;
struct loop;
struct publish;
struct store;

typedef void commit_done_fn(void *arg, int error);

/* NULL with errno set. All of them must outlive the commit. */
struct commit *commit_new(const struct ctrl_config *config, struct loop *loop, struct store *store,
	struct publish *publish);

/* Frees it; changes under way are forgotten without a call. NULL is allowed. */
void commit_free(struct commit *commit);

/*
 * Submits a change of one binding: `from` is what was committed last (NULL: nothing), `to` what it
 * is to become (NULL: forgotten, also in the store). Both are encoded and compiled at once and need
 * not live on. done may be NULL. Returns 0; -EBUSY when a change of this binding is still under way
 * (one at a time); -EINVAL (not of the same binding, cannot be encoded); -ENOMEM.
 */
int commit_submit(struct commit *commit, const struct binding *from, const struct binding *to,
	commit_done_fn *done, void *arg);

/* Whether a change of the binding with this object id is under way. */
bool commit_busy(const struct commit *commit, uint64_t binding_id);

/* Changes submitted or waiting for an acknowledgement. */
size_t commit_count(const struct commit *commit);

/* The loop's hook: stores and publishes what was submitted in this round. */
void commit_flush(struct commit *commit);
