/*
 * The end of a round: one transaction, then one delta.
 */
#include "common/clock.h"
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

/* A key of the store: that of the flight, and the BID when it is of bindings. */
struct key {
	uint8_t octets[COMMIT_KEY_MAX + sizeof(uint16_t)];
	size_t len;
};

static struct key key_of(const struct commit_flight *flight, uint16_t bid)
{
	struct key key;
	struct writer w;

	writer_init(&w, key.octets, sizeof(key.octets));
	writer_bytes(&w, flight->key.octets, flight->key.len);
	if (flight->key.table == STORE_BINDING)
		writer_u16(&w, bid);
	key.len = writer_len(&w);
	return key;
}

static bool image_has(const struct commit_image *image, uint16_t bid)
{
	for (unsigned i = 0; i < image->count; i++)
		if (image->at[i].bid == bid)
			return true;
	return false;
}

/* Deletes the records of another image of the same flight that this one does not have. */
static int delete_others(struct commit *commit, const struct commit_flight *flight,
	const struct commit_image *other, const struct commit_image *image)
{
	int error = 0;

	for (unsigned i = 0; i < other->count && !error; i++) {
		struct key key = key_of(flight, other->at[i].bid);

		if (!image_has(image, other->at[i].bid))
			error = store_delete(commit->store, (enum store_table)flight->key.table,
				key.octets, key.len);
	}
	return error;
}

/* The store has then this image and nothing of any other of the flight. */
static int put_image(
	struct commit *commit, const struct commit_flight *flight, const struct commit_image *image)
{
	enum store_table table = (enum store_table)flight->key.table;
	int error = delete_others(commit, flight, flight->good, image);

	for (const struct commit_change *c = flight->first; c && !error; c = c->later)
		if (c->image)
			error = delete_others(commit, flight, c->image, image);
	for (unsigned i = 0; i < image->count && !error; i++) {
		struct key key = key_of(flight, image->at[i].bid);

		if (image->at[i].len)
			error = store_put(commit->store, table, key.octets, key.len,
				image->records + image->at[i].at, image->at[i].len);
		else
			error = store_delete(commit->store, table, key.octets, key.len);
	}
	return error;
}

/* Puts everything of this round into one transaction and commits it. */
static int store_all(struct commit *commit, const struct commit_queue *changes)
{
	uint64_t begun_ns;
	int error = 0;

	if (commit->take_backs)
		for (struct commit_flight *f = commit->flights; f && !error; f = f->hh.next)
			if (f->take_back)
				error = put_image(commit, f, f->good);
	for (struct commit_change *c = changes->first; c && !error; c = c->next)
		error = put_image(commit, c->flight, c->image);
	if (error) {
		store_rollback(commit->store);
		return -EIO;
	}
	if (!store_pending(commit->store))
		return 0;
	counter_add(&commit->counters[COMMIT_TRANSACTIONS], 1);
	begun_ns = clock_mono_ns();
	error = store_commit(commit->store);
	histogram_add(&commit->store_times, clock_mono_ns() - begun_ns);
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
		if (publish_set(commit->publish, f->good->bundle_id, &f->good->bundle, &sequence) <
			0)
			LOG_ERROR("commit", "take-back-failed", "bundle=%llu",
				(unsigned long long)f->good->bundle_id);
		counter_add(&commit->counters[COMMIT_TAKEN_BACK], 1);
		f->take_back = false;
		f->stored = NULL;
		commit->take_backs--;
		commit_flight_put(commit, f);
	}
}

/* Index of a data plane that is to serve, or -ENOTCONN. */
static int server_of(const struct commit *commit, const struct commit_wait *w)
{
	int dp = w->data_plane ? ctrl_config_data_plane_of_id(commit->config, w->data_plane)
			       : publish_first_ready(commit->publish);

	return dp >= 0 && publish_ready(commit->publish, (unsigned)dp) ? dp : -ENOTCONN;
}

/* Whether all that are to serve are there; else the change knows who is not. */
static bool is_served(const struct commit *commit, struct commit_change *c)
{
	for (unsigned i = 0; i < c->wait_count; i++) {
		if (server_of(commit, &c->waits[i]) >= 0)
			continue;
		c->culprit = (int8_t)ctrl_config_data_plane_of_id(
			commit->config, c->waits[i].data_plane);
		if (c->culprit < 0)
			c->culprit = -1;
		return false;
	}
	return true;
}

/* Queues a published change for each data plane that has to acknowledge it. */
static void wait_for(struct commit *commit, struct commit_change *c)
{
	c->pending = c->wait_count;
	for (unsigned i = 0; i < c->wait_count; i++)
		commit_waits_add(&commit->waiting[server_of(commit, &c->waits[i])], &c->waits[i]);
}

/* Has fetched what is published of the next changes; returns how many that are. */
static unsigned expect_published(const struct commit *commit, const struct commit_queue *changes)
{
	uint64_t ids[COMMIT_AHEAD];
	unsigned count = 0;

	for (const struct commit_change *c = changes->first; c && count < COMMIT_AHEAD; c = c->next)
		ids[count++] = c->image->bundle_id;
	publish_expect(commit->publish, ids, count);
	return count;
}

/* Publishes what was stored; it now waits, or is done when there is nobody to wait for. */
static void publish_changes(struct commit *commit, struct commit_queue *changes)
{
	uint64_t deadline = loop_now_ns(commit->loop) +
			    (uint64_t)commit->config->channel.ack_timeout_ms * 1000000;
	unsigned ahead = 0;
	struct commit_change *c;

	while (changes->first) {
		if (!ahead)
			ahead = expect_published(commit, changes);
		ahead--;
		c = commit_queue_take(changes);
		int error = publish_set(
			commit->publish, c->image->bundle_id, &c->image->bundle, &c->sequence);

		c->flight->stored = c;
		c->deadline_ns = deadline;
		if (error)
			commit_settle(commit, c, -EPROTO);
		else if (!is_served(commit, c))
			commit_settle(commit, c, -ENOTCONN);
		else
			wait_for(commit, c);
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
		commit_queue_add(c->forwards && !is_served(commit, c) ? unserved : changes, c);
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
