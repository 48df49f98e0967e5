#include "ctrl/mcast/uninstalled.h"

#include <errno.h>
#include <stdlib.h>
#include <uthash.h>

struct failed {
	uint64_t id;
	uint64_t at;    /* data planes, by index */
	uint64_t again; /* of them, those that said so since it is in the batch */
	int error;
	UT_hash_handle hh;
};

/* What is published again at a time: no more than an acknowledgement can name. */
struct batch {
	uint64_t sequence; /* of the last delta of it */
	uint64_t done;     /* data planes that have acknowledged it */
	size_t count;
	uint64_t ids[UPDATE_FAILURES_MAX];
};

struct uninstalled {
	struct uninstalled_config given;
	struct failed *all; /* in the order in which they failed: groups before their members */
	struct failed *turn;
	struct batch batch;
	uint64_t counters[UNINSTALLED_COUNTERS];
};

const struct counter_def uninstalled_counter_defs[UNINSTALLED_COUNTERS] = {
	[UNINSTALLED_GROUPS] = {"multicast_groups_failed",
		"times that a data plane could not take a multicast group"},
	[UNINSTALLED_MEMBERS] = {"multicast_members_failed",
		"times that a data plane could not take a member of a multicast group"},
	[UNINSTALLED_UNKNOWN] = {"multicast_failed_unknown",
		"failures that data planes told only the number of, or that none is kept of"},
	[UNINSTALLED_RETRIES] = {"multicast_retries",
		"groups and members published again after a failure"},
	[UNINSTALLED_LATE] = {"multicast_installed_late",
		"groups and members that a data plane took in the end"},
};

struct uninstalled *uninstalled_new(const struct uninstalled_config *config)
{
	struct uninstalled *u = calloc(1, sizeof(*u));

	if (u)
		u->given = *config;
	return u;
}

static struct failed *find(const struct uninstalled *u, uint64_t id)
{
	struct failed *f;

	HASH_FIND(hh, u->all, &id, sizeof(id), f);
	return f;
}

static void drop(struct uninstalled *u, struct failed *f)
{
	if (u->turn == f)
		u->turn = f->hh.next;
	HASH_DEL(u->all, f);
	free(f);
}

void uninstalled_free(struct uninstalled *u)
{
	while (u && u->all)
		drop(u, u->all);
	free(u);
}

static struct failed *find_or_add(struct uninstalled *u, uint64_t id)
{
	struct failed *f = find(u, id);

	if (f || HASH_COUNT(u->all) >= UNINSTALLED_MAX)
		return f;
	f = calloc(1, sizeof(*f));
	if (!f)
		return NULL;
	f->id = id;
	HASH_ADD(hh, u->all, id, sizeof(f->id), f);
	return f;
}

/* Returns whether it had not failed there before. */
static bool note(struct uninstalled *u, unsigned dp, const struct update_failure *failure)
{
	struct failed *f = find_or_add(u, failure->id);
	const uint64_t bit = 1ull << dp;
	bool fresh;

	counter_add(&u->counters[failure->kind == OBJECT_GROUP ? UNINSTALLED_GROUPS
							       : UNINSTALLED_MEMBERS],
		1);
	if (!f) {
		counter_add(&u->counters[UNINSTALLED_UNKNOWN], 1);
		return true;
	}
	fresh = !(f->at & bit);
	f->at |= bit;
	f->error = failure->error;
	f->again |= bit;
	return fresh;
}

/* The batch is acknowledged: what did not fail again is there. */
static void settle(struct uninstalled *u, unsigned dp)
{
	const uint64_t bit = 1ull << dp;

	u->batch.done |= bit;
	for (size_t i = 0; i < u->batch.count; i++) {
		struct failed *f = find(u, u->batch.ids[i]);

		if (!f || !(f->at & bit) || f->again & bit)
			continue;
		counter_add(&u->counters[UNINSTALLED_LATE], 1);
		f->at &= ~bit;
		if (!f->at)
			drop(u, f);
	}
}

unsigned uninstalled_acked(
	struct uninstalled *u, unsigned dp, uint64_t sequence, const struct update_ack *ack)
{
	unsigned fresh = 0;

	if (!ack)
		return 0;
	for (uint16_t i = 0; i < ack->failure_count; i++)
		if (ack->failures[i].kind == OBJECT_GROUP || ack->failures[i].kind == OBJECT_MEMBER)
			fresh += note(u, dp, &ack->failures[i]);
	counter_add(&u->counters[UNINSTALLED_UNKNOWN], ack->failure_total - ack->failure_count);
	if (u->batch.count && sequence >= u->batch.sequence && !(u->batch.done >> dp & 1) &&
		ack->failure_total == ack->failure_count)
		settle(u, dp);
	return fresh;
}

int uninstalled_missing(struct uninstalled *u, unsigned dp, enum object_kind kind, uint64_t id)
{
	const struct update_failure failure = {.kind = kind, .id = id, .error = ENOENT};

	if (uninstalled_at(u, id, NULL) >> dp & 1)
		return 0;
	note(u, dp, &failure);
	return uninstalled_at(u, id, NULL) >> dp & 1 ? 1 : -ENOSPC;
}

void uninstalled_forget(struct uninstalled *u, uint64_t id)
{
	struct failed *f = u->all ? find(u, id) : NULL;

	if (f)
		drop(u, f);
}

void uninstalled_retry(struct uninstalled *u)
{
	struct batch *batch = &u->batch;
	size_t left = HASH_COUNT(u->all);

	batch->sequence = batch->done = 0;
	batch->count = 0;
	while (left-- && batch->count < UPDATE_FAILURES_MAX) {
		struct failed *f = u->turn ? u->turn : u->all;
		uint64_t sequence = u->given.renew(u->given.context, f->id);

		u->turn = f->hh.next;
		f->again = 0;
		if (!sequence) {
			drop(u, f);
			continue;
		}
		counter_add(&u->counters[UNINSTALLED_RETRIES], 1);
		batch->ids[batch->count++] = f->id;
		if (sequence > batch->sequence)
			batch->sequence = sequence;
	}
}

bool uninstalled_taken(const struct uninstalled *u)
{
	for (size_t i = 0; i < u->batch.count; i++)
		if (find(u, u->batch.ids[i]))
			return false;
	return u->batch.count > 0;
}

uint64_t uninstalled_at(const struct uninstalled *u, uint64_t id, int *error)
{
	const struct failed *f = u->all ? find(u, id) : NULL;

	if (f && error)
		*error = f->error;
	return f ? f->at : 0;
}

size_t uninstalled_count(const struct uninstalled *u)
{
	return HASH_COUNT(u->all);
}

const uint64_t *uninstalled_counters(const struct uninstalled *u)
{
	return u->counters;
}
