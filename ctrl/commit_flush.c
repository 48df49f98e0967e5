/*
 * The end of a round: one transaction, then one delta.
 */
#include "common/log.h"
#include "ctrl/commit_flight.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <string.h>

enum {
	REPAIR_MS = 1000, /* until the store is asked again to take a change back */
};

static int put_image(struct commit *commit, const struct commit_flight_key *key,
	const struct commit_image *image)
{
	enum store_table table = (enum store_table)key->table;

	if (!image->len)
		return store_delete(commit->store, table, key->octets, key->len);
	return store_put(commit->store, table, key->octets, key->len, image->record, image->len);
}

/* Puts everything of this round into one transaction and commits it. */
static int store_all(struct commit *commit, const struct commit_queue *changes)
{
	int error = 0;

	if (commit->take_backs)
		for (struct commit_flight *f = commit->flights; f && !error; f = f->hh.next)
			if (f->take_back)
				error = put_image(commit, &f->key, &f->good);
	for (struct commit_change *c = changes->first; c && !error; c = c->next)
		error = put_image(commit, &c->flight->key, &c->image);
	if (error) {
		store_rollback(commit->store);
		return -EIO;
	}
	if (!store_pending(commit->store))
		return 0;
	counter_add(&commit->counters[COMMIT_TRANSACTIONS], 1);
	error = store_commit(commit->store);
	if (error)
		LOG_ERROR("commit", "store-failed", "error=%s", LOG_QUOTE(strerror(-error)));
	return error ? -EIO : 0;
}

/* Publishes again what was before the changes that failed. */
static void publish_take_backs(struct commit *commit)
{
	struct commit_flight *next;

	for (struct commit_flight *f = commit->flights; f && commit->take_backs; f = next) {
		uint64_t sequence;

		next = f->hh.next;
		if (!f->take_back)
			continue;
		if (publish_set(commit->publish, f->good.bundle_id, &f->good.bundle, &sequence) < 0)
			LOG_ERROR("commit", "take-back-failed", "bundle=%llu",
				(unsigned long long)f->good.bundle_id);
		counter_add(&commit->counters[COMMIT_TAKEN_BACK], 1);
		f->take_back = false;
		f->stored = NULL;
		commit->take_backs--;
		commit_flight_put(commit, f);
	}
}

/* Index of the data plane that is to serve, or -ENOTCONN. */
static int server_of(const struct commit *commit, const struct commit_change *c)
{
	int dp = c->data_plane ? ctrl_config_data_plane_of_id(commit->config, c->data_plane)
			       : publish_first_ready(commit->publish);

	return dp >= 0 && publish_ready(commit->publish, (unsigned)dp) ? dp : -ENOTCONN;
}

/* Publishes what was stored; it now waits, or is done when there is nobody to wait for. */
static void publish_changes(struct commit *commit, struct commit_queue *changes)
{
	uint64_t deadline = loop_now_ns(commit->loop) +
			    (uint64_t)commit->config->channel.ack_timeout_ms * 1000000;
	struct commit_change *c;

	while ((c = commit_queue_take(changes))) {
		int dp = server_of(commit, c);
		int error = publish_set(
			commit->publish, c->image.bundle_id, &c->image.bundle, &c->sequence);

		c->flight->stored = c;
		c->deadline_ns = deadline;
		if (error)
			commit_settle(commit, c, -EPROTO);
		else if (dp < 0)
			commit_settle(commit, c, -ENOTCONN);
		else
			commit_queue_add(&commit->waiting[dp], c);
	}
}

/* Takes out what cannot be done because nobody serves it: nothing of it is stored. */
static void take_unserved(
	const struct commit *commit, struct commit_queue *changes, struct commit_queue *unserved)
{
	struct commit_queue all;
	struct commit_change *c;

	commit_queue_move(&all, changes);
	while ((c = commit_queue_take(&all)))
		commit_queue_add(c->forwards && server_of(commit, c) < 0 ? unserved : changes, c);
}

static void finish_all(struct commit *commit, struct commit_queue *changes, int error)
{
	struct commit_change *c;

	while ((c = commit_queue_take(changes)))
		commit_finish(commit, c, error ? error : c->error);
}

void commit_flush(struct commit *commit)
{
	if (!commit->submitted.first && !commit->take_backs)
		return;
	struct commit_queue changes, failed, unserved;

	commit_queue_move(&changes, &commit->submitted);
	commit_queue_move(&failed, &commit->failed);
	commit_queue_init(&unserved);
	take_unserved(commit, &changes, &unserved);
	int error = store_all(commit, &changes);

	if (!error) {
		publish_take_backs(commit);
		publish_changes(commit, &changes);
		publish_flush(commit->publish);
		for (unsigned i = 0; i < commit->config->data_planes.count; i++)
			if (publish_ready(commit->publish, i))
				commit_acked(commit, i, publish_acked(commit->publish, i), NULL);
	}
	finish_all(commit, &failed, 0);
	finish_all(commit, &changes, error);
	finish_all(commit, &unserved, -ENOTCONN);
	commit_arm_late(commit);
	if (commit->submitted.first || commit->failed.first)
		loop_arm_ms(commit->loop, &commit->again, 0);
	else if (commit->take_backs)
		loop_arm_ms(commit->loop, &commit->again, REPAIR_MS);
}
