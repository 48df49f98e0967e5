/*
 * The commit: how a decision becomes a fact before anybody is told of it.
 *
 * The signalling submits what the bindings of a home address are to become, nearly always one. At
 * the end of the loop's round all of them go to the store in one transaction, then to the data
 * planes in one delta; when the data planes that serve the bindings that changed have acknowledged
 * it (their readers see it), `done` is called and may send the Binding Acknowledgement. They are
 * those that the records name; without one, the first that is ready.
 *
 *   error 0     committed, published, acknowledged
 *   -EIO        the store refused
 *   -ENOTCONN   the data plane is not synchronised, or was lost while another could serve
 *   -ENOSPC     the data plane's table is full
 *   -EPROTO     the data plane could not apply it for another reason
 *   -ETIMEDOUT  no acknowledgement in time
 *
 * After an error the bindings are, in the store and in what is published, what the last change that
 * did not fail made them: the commit takes the change back itself before it calls `done`. The
 * signalling puts its own memory right. Changes of one home address may follow each other without
 * waiting; they are carried out, and their `done` is called, in the order given.
 *
 * A change by which nothing leads elsewhere (deletion, deregistration) needs no data plane: it
 * waits for the acknowledgement when one serves, and completes with 0 when that fails or is late,
 * since the data plane is told again when it is back. Only the store can make it fail.
 *
 * `done` runs inside the loop's round, never inside commit_submit(). It may submit changes.
 */
#pragma once

#include "common/counter.h"
#include "common/histogram.h"
#include "ctrl/binding/binding.h"
#include "ctrl/publish/publish.h"
#include "ctrl/store/store.h"

#include <stddef.h>

enum commit_counter {
	COMMIT_CHANGES,      /* changes submitted */
	COMMIT_TRANSACTIONS, /* transactions of the store */
	COMMIT_DONE,         /* changes that ended well */
	COMMIT_NO_STORE,     /* failed: the store refused */
	COMMIT_NO_PEER,      /* failed: the data plane is not there */
	COMMIT_NO_ROOM,      /* failed: the data plane's table is full */
	COMMIT_NOT_APPLIED,  /* failed: the data plane could not apply it */
	COMMIT_LATE,         /* failed: no acknowledgement in time */
	COMMIT_TAKEN_BACK,   /* changes undone after a failure */
	COMMIT_COUNTERS
};
extern const struct counter_def commit_counter_defs[COMMIT_COUNTERS];

struct commit;
struct loop;
typedef void commit_done_fn(void *arg, int error);

/* NULL with errno set. All of them must outlive the commit. */
struct commit *commit_new(const struct ctrl_config *config, struct loop *loop, struct store *store,
	struct publish *publish);

/* Frees it; changes under way are forgotten without a call. NULL is allowed. */
void commit_free(struct commit *commit);

/* Told the addr_hash() of home addresses whose changes end next: what their `done` needs can be on
 * its way from memory while others are worked on. */
typedef void commit_expect_fn(void *context, const uint64_t homes[], unsigned count);

/* Who is told so; none at first. */
void commit_set_expect(struct commit *commit, commit_expect_fn *fn, void *context);

/*
 * Submits a change: the bindings of a home address become what the list says. One record without
 * life (BINDING_NONE): none are left. `good` is what they were when a change of them was last
 * acknowledged (NULL or BINDING_NONE: nothing); it is looked at only when no change of this home
 * address is under way. Both are encoded and compiled at once and need not live on. done may be
 * NULL. Returns 0; -EINVAL (cannot be encoded); -ENOMEM; nothing was then started.
 */
int commit_submit(struct commit *commit, const struct binding_list *good,
	const struct binding_list *to, commit_done_fn *done, void *arg);

/* Inside of `done` with -ENOTCONN, -ENOSPC, -EPROTO or -ETIMEDOUT: index of the data plane that
 * failed the change; -ENOENT when it was none, or nobody knows which. */
int commit_culprit(const struct commit *commit);

enum {
	COMMIT_KEY_MAX = 24,     /* octets of a key */
	COMMIT_RECORD_MAX = 832, /* octets of a record */
};

/* An entry of a table of the store, and what is published with it. */
struct commit_item {
	enum store_table table;
	uint8_t key_len; /* 1 to COMMIT_KEY_MAX */
	uint8_t key[COMMIT_KEY_MAX];
	uint16_t record_len; /* 0: there is no such entry */
	uint8_t record[COMMIT_RECORD_MAX];
	uint64_t bundle_id;       /* of the bundle, not 0, the same as long as the entry lives */
	uint8_t data_plane_count; /* that are to serve it: all of them acknowledge; 0: any does */
	uint64_t data_planes[BINDING_MAX]; /* their ids */
	struct bundle bundle; /* empty: nothing is published, the change needs no data plane */
};

/*
 * The same for an entry that its owner has encoded and compiled: it becomes what `item` says.
 * `good` is NULL when there was none. Both have one key and need not live on. Returns 0 or -ENOMEM.
 */
int commit_submit_item(struct commit *commit, const struct commit_item *good,
	const struct commit_item *item, commit_done_fn *done, void *arg);

/* Changes submitted whose `done` was not yet called. */
size_t commit_count(const struct commit *commit);

/* The loop's hook: stores and publishes what was submitted in this round. */
void commit_flush(struct commit *commit);

/* How long the store took for transactions, and data planes for acknowledgements of changes. */
const struct histogram *commit_store_times(const struct commit *commit);
const struct histogram *commit_ack_times(const struct commit *commit);

/* Its counters, COMMIT_COUNTERS of them. */
const uint64_t *commit_counters(const struct commit *commit);
