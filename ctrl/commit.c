/*
 * Changes come, and end: acknowledged, refused, or late.
 */
#include "ctrl/commit_flight.h"

#include "ctrl/config.h"
#include "ctrl/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

const struct counter_def commit_counter_defs[COMMIT_COUNTERS] = {
	[COMMIT_CHANGES] = {"commit_changes", "changes of bindings submitted"},
	[COMMIT_TRANSACTIONS] = {"commit_transactions", "transactions of the store"},
	[COMMIT_DONE] = {"commit_done", "changes committed, published and acknowledged"},
	[COMMIT_NO_STORE] = {"commit_no_store", "changes failed: the store refused"},
	[COMMIT_NO_PEER] = {"commit_no_peer",
		"changes failed: the data plane that was to serve is not there"},
	[COMMIT_NO_ROOM] = {"commit_no_room", "changes failed: the data plane's table is full"},
	[COMMIT_NOT_APPLIED] = {"commit_not_applied",
		"changes failed: the data plane could not apply them"},
	[COMMIT_LATE] = {"commit_late", "changes failed: no acknowledgement in time"},
	[COMMIT_TAKEN_BACK] = {"commit_taken_back", "changes undone after a failure"},
};

/* Queues a change of what the key names, whose image is filled in, behind those under way. */
static void submit(struct commit *commit, struct commit_flight *flight, struct commit_change *c)
{
	c->flight = flight;
	c->later = NULL;
	c->over = false;
	c->forwards = c->image.bundle.len > 0;
	c->sequence = 0;
	c->error = 0;
	if (flight->first)
		flight->last->later = c;
	else
		flight->first = c;
	flight->last = c;
	commit->count++;
	counter_add(&commit->counters[COMMIT_CHANGES], 1);
	commit_queue_add(&commit->submitted, c);
}

/* What changes of this entry are in flight with; `good` says how it was before the first. */
static int take_off(struct commit *commit, const struct binding_record *good,
	const struct commit_change *c, const struct commit_flight_key *key,
	struct commit_flight **flight)
{
	struct commit_image image;
	int error = commit_make_image(commit, good, &image);

	if (error)
		return error;
	if (!image.bundle_id)
		image.bundle_id = c->image.bundle_id;
	*flight = commit_flight_new(commit, key, &image);
	return *flight ? 0 : -ENOMEM;
}

int commit_submit(struct commit *commit, const struct binding_record *good,
	const struct binding_record *record, commit_done_fn *done, void *arg)
{
	const struct commit_flight_key key = commit_flight_key(record);
	struct commit_flight *flight = commit_flight_find(commit, &key);
	struct commit_change *c = commit_change_new(commit);
	int error;

	if (!c)
		return -ENOMEM;
	error = commit_make_image(commit, record, &c->image);
	if (!error && !flight)
		error = take_off(commit, good, c, &key, &flight);
	if (error) {
		commit_change_free(commit, c);
		return error;
	}
	c->data_plane = record->data_plane;
	c->done = done;
	c->arg = arg;
	submit(commit, flight, c);
	return 0;
}

static void image_of_item(const struct commit_item *item, struct commit_image *image)
{
	image->len = item->record_len;
	memcpy(image->record, item->record, item->record_len);
	image->bundle_id = item->bundle_id;
	image->bundle.len = item->bundle.len;
	memcpy(image->bundle.octets, item->bundle.octets, item->bundle.len);
}

int commit_submit_item(struct commit *commit, const struct commit_item *good,
	const struct commit_item *item, commit_done_fn *done, void *arg)
{
	struct commit_flight_key key = {.table = (uint8_t)item->table, .len = item->key_len};
	struct commit_change *c = commit_change_new(commit);
	struct commit_flight *flight;
	struct commit_image image;

	if (!c)
		return -ENOMEM;
	memcpy(key.octets, item->key, item->key_len);
	flight = commit_flight_find(commit, &key);
	if (!flight) {
		image.len = 0;
		image.bundle.len = 0;
		image.bundle_id = item->bundle_id;
		if (good)
			image_of_item(good, &image);
		flight = commit_flight_new(commit, &key, &image);
	}
	if (!flight) {
		commit_change_free(commit, c);
		return -ENOMEM;
	}
	image_of_item(item, &c->image);
	c->data_plane = item->data_plane;
	c->done = done;
	c->arg = arg;
	submit(commit, flight, c);
	return 0;
}

static void count_error(struct commit *commit, int error)
{
	enum commit_counter counter = COMMIT_NOT_APPLIED;

	if (error == 0)
		counter = COMMIT_DONE;
	else if (error == -EIO)
		counter = COMMIT_NO_STORE;
	else if (error == -ENOTCONN)
		counter = COMMIT_NO_PEER;
	else if (error == -ENOSPC)
		counter = COMMIT_NO_ROOM;
	else if (error == -ETIMEDOUT)
		counter = COMMIT_LATE;
	counter_add(&commit->counters[counter], 1);
}

/* The end of a change. Those of one binding are told in the order in which they were submitted. */
void commit_finish(struct commit *commit, struct commit_change *c, int error)
{
	struct commit_flight *flight = c->flight;

	count_error(commit, error);
	c->over = true;
	c->error = error;
	if (!error)
		commit_image_copy(&flight->good, &c->image);
	if (flight->stored == c)
		flight->stored = NULL;
	while ((c = flight->first) && c->over) {
		flight->first = c->later;
		commit->count--;
		if (c->done)
			c->done(c->arg, c->error);
		commit_change_free(commit, c);
	}
	commit_flight_put(commit, flight);
}

/*
 * A change that is stored and published is over. If it failed and no later one has taken its
 * place, it is taken back first, in the next flush.
 */
void commit_settle(struct commit *commit, struct commit_change *c, int error)
{
	if (error && !c->forwards)
		error = 0;
	if (!error || c->flight->stored != c) {
		commit_finish(commit, c, error);
		return;
	}
	c->error = error;
	if (!c->flight->take_back) {
		c->flight->take_back = true;
		commit->take_backs++;
	}
	commit_queue_add(&commit->failed, c);
}

/* Whether a bundle has this object. */
static bool has_object(const struct bundle *bundle, const struct update_failure *f)
{
	struct object object;
	struct cursor c;

	cursor_init(&c, bundle->octets, bundle->len);
	while (cursor_left(&c) && object_decode(&c, &object) == 0)
		if (object.kind == f->kind && object.id == f->id)
			return true;
	return false;
}

/* What an acknowledgement says about a change: 0, -ENOSPC, -EPROTO. */
static int ack_error(const struct commit_change *c, const struct update_ack *ack)
{
	if (!ack || !ack->failure_total)
		return 0;
	for (size_t i = 0; i < ack->failure_count; i++)
		if (has_object(&c->image.bundle, &ack->failures[i]))
			return ack->failures[i].error == ENOSPC ? -ENOSPC : -EPROTO;
	/* More failed than could be told: nobody knows whether this is one of them. */
	return ack->failure_total > ack->failure_count ? -EPROTO : 0;
}

void commit_acked(void *arg, unsigned dp, uint64_t sequence, const struct update_ack *ack)
{
	struct commit *commit = arg;
	struct commit_queue *waiting = &commit->waiting[dp];

	while (waiting->first && waiting->first->sequence <= sequence) {
		struct commit_change *c = commit_queue_take(waiting);

		commit_settle(commit, c, ack_error(c, ack));
	}
}

/*
 * When another can serve, nothing waits for one that is lost. Otherwise it may be back in time.
 */
static void session(void *arg, unsigned dp, bool up, const char *reason)
{
	struct commit *commit = arg;
	struct commit_change *c;

	(void)reason;
	if (up || publish_first_ready(commit->publish) < 0)
		return;
	while ((c = commit_queue_take(&commit->waiting[dp])))
		commit_settle(commit, c, -ENOTCONN);
	if (commit->failed.first)
		loop_arm_ms(commit->loop, &commit->again, 0);
}

void commit_arm_late(struct commit *commit)
{
	uint64_t first_ns = UINT64_MAX;

	for (size_t i = 0; i < commit->config->data_planes.count; i++) {
		const struct commit_change *c = commit->waiting[i].first;

		if (c && c->deadline_ns < first_ns)
			first_ns = c->deadline_ns;
	}
	if (first_ns < UINT64_MAX)
		loop_arm_at(commit->loop, &commit->late, first_ns);
	else
		loop_cancel(commit->loop, &commit->late);
}

static void late(struct wheel_timer *timer, void *context)
{
	struct commit *commit = wheel_entry(timer, struct commit, late);
	uint64_t now = loop_now_ns(commit->loop);

	(void)context;
	for (size_t i = 0; i < commit->config->data_planes.count; i++) {
		struct commit_queue *waiting = &commit->waiting[i];

		while (waiting->first && waiting->first->deadline_ns <= now)
			commit_settle(commit, commit_queue_take(waiting), -ETIMEDOUT);
	}
	commit_arm_late(commit);
}

/* Only wakes the loop: its hook flushes. */
static void flush_again(struct wheel_timer *timer, void *context)
{
	(void)timer;
	(void)context;
}

struct commit *commit_new(const struct ctrl_config *config, struct loop *loop, struct store *store,
	struct publish *publish)
{
	struct commit *commit = calloc(1, sizeof(*commit));
	const struct publish_handlers handlers = {
		.arg = commit, .acked = commit_acked, .session = session};

	if (!commit)
		return NULL;
	commit->config = config;
	commit->loop = loop;
	commit->store = store;
	commit->publish = publish;
	commit_queue_init(&commit->submitted);
	for (size_t i = 0; i < COMMIT_DATA_PLANES; i++)
		commit_queue_init(&commit->waiting[i]);
	commit_queue_init(&commit->failed);
	wheel_timer_init(&commit->late, late);
	wheel_timer_init(&commit->again, flush_again);
	if (publish_add_handlers(publish, &handlers) < 0) {
		free(commit);
		errno = ENOSPC;
		return NULL;
	}
	return commit;
}

static void commit_queue_free(struct commit_queue *q)
{
	struct commit_change *c;

	while ((c = commit_queue_take(q)))
		free(c);
}

void commit_free(struct commit *commit)
{
	struct commit_flight *flight, *next;

	if (!commit)
		return;
	loop_cancel(commit->loop, &commit->late);
	loop_cancel(commit->loop, &commit->again);
	commit_queue_free(&commit->submitted);
	for (size_t i = 0; i < COMMIT_DATA_PLANES; i++)
		commit_queue_free(&commit->waiting[i]);
	commit_queue_free(&commit->failed);
	HASH_ITER (hh, commit->flights, flight, next) {
		HASH_DEL(commit->flights, flight);
		free(flight);
	}
	commit_spare_free(commit);
	free(commit);
}

size_t commit_count(const struct commit *commit)
{
	return commit->count;
}

const uint64_t *commit_counters(const struct commit *commit)
{
	return commit->counters;
}
