#include "ctrl/commit.h"

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum {
	REPAIR_MS = 1000, /* until the store is asked again to take a change back */
	DATA_PLANES = 64, /* at most in a configuration */
};

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

/* What a binding is: its record in the store and what is published of it. */
struct image {
	uint16_t len; /* of the record; 0: nothing is stored */
	uint8_t record[BINDING_RECORD_SIZE];
	uint64_t subscriber_id, path_id;
	struct bundle bundle;
};

struct flight_key {
	struct in6_addr home;
	uint32_t bid;
};
static_assert(sizeof(struct flight_key) == 20, "without padding: it is hashed");

/* A binding with changes under way. */
struct flight {
	struct flight_key key;
	struct change *first; /* changes under way, oldest first */
	struct change *last;
	struct change *stored; /* the newest one that is in the store, NULL: none */
	bool take_back;        /* `good` is to be stored and published again */
	struct image good;     /* after the last change that did not fail */
	UT_hash_handle hh;
};

struct change {
	struct change *next;  /* in a queue */
	struct change *later; /* of the same binding */
	struct flight *flight;
	bool over;           /* `error` is how it ended */
	bool forwards;       /* fails without the data plane's acknowledgement */
	uint64_t data_plane; /* id of the one that is to serve; 0: any */
	uint64_t sequence;
	uint64_t deadline_ns;
	struct image image;
	commit_done_fn *done;
	void *arg;
	int error;
};

struct queue {
	struct change *first, **end;
};

struct commit {
	const struct ctrl_config *config;
	struct loop *loop;
	struct store *store;
	struct publish *publish;
	struct flight *flights;
	struct queue submitted;            /* in this round */
	struct queue waiting[DATA_PLANES]; /* for the acknowledgement of each, by number */
	struct queue failed;               /* to be taken back before `done` is called */
	size_t count, take_backs;
	struct wheel_timer late, again;
	uint64_t counters[COMMIT_COUNTERS];
};

static void queue_init(struct queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static void queue_add(struct queue *q, struct change *c)
{
	c->next = NULL;
	*q->end = c;
	q->end = &c->next;
}

static struct change *queue_take(struct queue *q)
{
	struct change *c = q->first;

	if (c) {
		q->first = c->next;
		if (!q->first)
			q->end = &q->first;
	}
	return c;
}

/* Moves all of one queue to another that is empty. */
static void queue_move(struct queue *to, struct queue *from)
{
	queue_init(to);
	if (from->first)
		*to = *from;
	queue_init(from);
}

static int make_image(
	struct commit *commit, const struct binding_record *record, struct image *image)
{
	struct writer w;
	int error;

	image->len = 0;
	image->bundle.len = 0;
	if (!record || record->life == BINDING_NONE) {
		image->subscriber_id = record ? record->subscriber_id : 0;
		image->path_id = record ? record->path_id : 0;
		return 0;
	}
	image->subscriber_id = record->subscriber_id;
	image->path_id = record->path_id;
	writer_init(&w, image->record, sizeof(image->record));
	error = binding_record_encode(&w, record);
	image->len = (uint16_t)writer_len(&w);
	return error ? error : publish_compile(commit->config, record, &image->bundle);
}

static struct flight *flight_find(struct commit *commit, const struct binding_record *record)
{
	struct flight_key key = {.home = record->home, .bid = record->bid};
	struct flight *flight;

	HASH_FIND(hh, commit->flights, &key, sizeof(key), flight);
	return flight;
}

static struct flight *flight_new(struct commit *commit, const struct binding_record *good,
	const struct binding_record *record)
{
	struct flight *flight = malloc(sizeof(*flight));

	if (!flight)
		return NULL;
	memset(flight, 0, offsetof(struct flight, good));
	memset(&flight->hh, 0, sizeof(flight->hh));
	flight->key = (struct flight_key){.home = record->home, .bid = record->bid};
	if (make_image(commit, good, &flight->good) < 0) {
		free(flight);
		return NULL;
	}
	if (!flight->good.subscriber_id) {
		flight->good.subscriber_id = record->subscriber_id;
		flight->good.path_id = record->path_id;
	}
	HASH_ADD(hh, commit->flights, key, sizeof(flight->key), flight);
	return flight;
}

static void flight_put(struct commit *commit, struct flight *flight)
{
	if (flight->first || flight->take_back)
		return;
	HASH_DEL(commit->flights, flight);
	free(flight);
}

int commit_submit(struct commit *commit, const struct binding_record *good,
	const struct binding_record *record, commit_done_fn *done, void *arg)
{
	struct flight *flight = flight_find(commit, record);
	struct change *c = malloc(sizeof(*c));
	int error;

	if (!c)
		return -ENOMEM;
	error = make_image(commit, record, &c->image);
	if (!error && !flight) {
		flight = flight_new(commit, good, record);
		error = flight ? 0 : -ENOMEM;
	}
	if (error) {
		free(c);
		return error;
	}
	c->flight = flight;
	c->later = NULL;
	c->over = false;
	c->forwards = c->image.bundle.len > 0;
	c->data_plane = record->data_plane;
	c->sequence = 0;
	c->done = done;
	c->arg = arg;
	c->error = 0;
	if (flight->first)
		flight->last->later = c;
	else
		flight->first = c;
	flight->last = c;
	commit->count++;
	counter_add(&commit->counters[COMMIT_CHANGES], 1);
	queue_add(&commit->submitted, c);
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
static void finish(struct commit *commit, struct change *c, int error)
{
	struct flight *flight = c->flight;

	count_error(commit, error);
	c->over = true;
	c->error = error;
	if (!error)
		flight->good = c->image;
	if (flight->stored == c)
		flight->stored = NULL;
	while ((c = flight->first) && c->over) {
		flight->first = c->later;
		commit->count--;
		if (c->done)
			c->done(c->arg, c->error);
		free(c);
	}
	flight_put(commit, flight);
}

/*
 * A change that is stored and published is over. If it failed and no later one has taken its
 * place, it is taken back first, in the next flush.
 */
static void settle(struct commit *commit, struct change *c, int error)
{
	if (error && !c->forwards)
		error = 0;
	if (!error || c->flight->stored != c) {
		finish(commit, c, error);
		return;
	}
	c->error = error;
	if (!c->flight->take_back) {
		c->flight->take_back = true;
		commit->take_backs++;
	}
	queue_add(&commit->failed, c);
}

/* What an acknowledgement says about a change: 0, -ENOSPC, -EPROTO. */
static int ack_error(const struct change *c, const struct update_ack *ack)
{
	if (!ack || !ack->failure_total)
		return 0;
	for (size_t i = 0; i < ack->failure_count; i++) {
		const struct update_failure *f = &ack->failures[i];

		if ((f->kind == OBJECT_PATH && f->id == c->image.path_id) ||
			(f->kind == OBJECT_SUBSCRIBER &&
				(f->id == c->image.subscriber_id ||
					f->id == publish_link_local_id(c->image.subscriber_id))))
			return f->error == ENOSPC ? -ENOSPC : -EPROTO;
	}
	/* More failed than could be told: nobody knows whether this is one of them. */
	return ack->failure_total > ack->failure_count ? -EPROTO : 0;
}

static void acked(void *arg, unsigned dp, uint64_t sequence, const struct update_ack *ack)
{
	struct commit *commit = arg;
	struct queue *waiting = &commit->waiting[dp];

	while (waiting->first && waiting->first->sequence <= sequence) {
		struct change *c = queue_take(waiting);

		settle(commit, c, ack_error(c, ack));
	}
}

/*
 * When another can serve, nothing waits for one that is lost. Otherwise it may be back in time.
 */
static void session(void *arg, unsigned dp, bool up, const char *reason)
{
	struct commit *commit = arg;
	struct change *c;

	(void)reason;
	if (up || publish_first_ready(commit->publish) < 0)
		return;
	while ((c = queue_take(&commit->waiting[dp])))
		settle(commit, c, -ENOTCONN);
	if (commit->failed.first)
		loop_arm_ms(commit->loop, &commit->again, 0);
}

static void arm_late(struct commit *commit)
{
	uint64_t first_ns = UINT64_MAX;

	for (size_t i = 0; i < commit->config->data_planes.count; i++) {
		const struct change *c = commit->waiting[i].first;

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
		struct queue *waiting = &commit->waiting[i];

		while (waiting->first && waiting->first->deadline_ns <= now)
			settle(commit, queue_take(waiting), -ETIMEDOUT);
	}
	arm_late(commit);
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
		.arg = commit, .acked = acked, .session = session};

	if (!commit)
		return NULL;
	commit->config = config;
	commit->loop = loop;
	commit->store = store;
	commit->publish = publish;
	queue_init(&commit->submitted);
	for (size_t i = 0; i < DATA_PLANES; i++)
		queue_init(&commit->waiting[i]);
	queue_init(&commit->failed);
	wheel_timer_init(&commit->late, late);
	wheel_timer_init(&commit->again, flush_again);
	if (publish_add_handlers(publish, &handlers) < 0) {
		free(commit);
		errno = ENOSPC;
		return NULL;
	}
	return commit;
}

static void queue_free(struct queue *q)
{
	struct change *c;

	while ((c = queue_take(q)))
		free(c);
}

void commit_free(struct commit *commit)
{
	struct flight *flight, *next;

	if (!commit)
		return;
	loop_cancel(commit->loop, &commit->late);
	loop_cancel(commit->loop, &commit->again);
	queue_free(&commit->submitted);
	for (size_t i = 0; i < DATA_PLANES; i++)
		queue_free(&commit->waiting[i]);
	queue_free(&commit->failed);
	HASH_ITER (hh, commit->flights, flight, next) {
		HASH_DEL(commit->flights, flight);
		free(flight);
	}
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

static int put_image(struct commit *commit, const struct flight_key *key, const struct image *image)
{
	uint8_t octets[sizeof(key->home) + sizeof(uint16_t)]; /* home address, BID */
	struct writer w;

	writer_init(&w, octets, sizeof(octets));
	writer_addr6(&w, &key->home);
	writer_u16(&w, (uint16_t)key->bid);
	if (!image->len)
		return store_delete(commit->store, STORE_BINDING, octets, sizeof(octets));
	return store_put(
		commit->store, STORE_BINDING, octets, sizeof(octets), image->record, image->len);
}

/* Puts everything of this round into one transaction and commits it. */
static int store_all(struct commit *commit, const struct queue *changes)
{
	int error = 0;

	if (commit->take_backs)
		for (struct flight *f = commit->flights; f && !error; f = f->hh.next)
			if (f->take_back)
				error = put_image(commit, &f->key, &f->good);
	for (struct change *c = changes->first; c && !error; c = c->next)
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
	struct flight *next;

	for (struct flight *f = commit->flights; f && commit->take_backs; f = next) {
		uint64_t sequence;

		next = f->hh.next;
		if (!f->take_back)
			continue;
		if (publish_set(
			    commit->publish, f->good.subscriber_id, &f->good.bundle, &sequence) < 0)
			LOG_ERROR("commit", "take-back-failed", "home=%s", ADDR_TEXT(&f->key.home));
		counter_add(&commit->counters[COMMIT_TAKEN_BACK], 1);
		f->take_back = false;
		f->stored = NULL;
		commit->take_backs--;
		flight_put(commit, f);
	}
}

/* Index of the data plane that is to serve, or -ENOTCONN. */
static int server_of(const struct commit *commit, const struct change *c)
{
	int dp = c->data_plane ? ctrl_config_data_plane_of_id(commit->config, c->data_plane)
			       : publish_first_ready(commit->publish);

	return dp >= 0 && publish_ready(commit->publish, (unsigned)dp) ? dp : -ENOTCONN;
}

/* Publishes what was stored; it now waits, or is done when there is nobody to wait for. */
static void publish_changes(struct commit *commit, struct queue *changes)
{
	uint64_t deadline = loop_now_ns(commit->loop) +
			    (uint64_t)commit->config->channel.ack_timeout_ms * 1000000;
	struct change *c;

	while ((c = queue_take(changes))) {
		int dp = server_of(commit, c);
		int error = publish_set(
			commit->publish, c->image.subscriber_id, &c->image.bundle, &c->sequence);

		c->flight->stored = c;
		c->deadline_ns = deadline;
		if (error)
			settle(commit, c, -EPROTO);
		else if (dp < 0)
			settle(commit, c, -ENOTCONN);
		else
			queue_add(&commit->waiting[dp], c);
	}
}

/* Takes out what cannot be done because nobody serves it: nothing of it is stored. */
static void take_unserved(
	const struct commit *commit, struct queue *changes, struct queue *unserved)
{
	struct queue all;
	struct change *c;

	queue_move(&all, changes);
	while ((c = queue_take(&all)))
		queue_add(c->forwards && server_of(commit, c) < 0 ? unserved : changes, c);
}

static void finish_all(struct commit *commit, struct queue *changes, int error)
{
	struct change *c;

	while ((c = queue_take(changes)))
		finish(commit, c, error ? error : c->error);
}

void commit_flush(struct commit *commit)
{
	if (!commit->submitted.first && !commit->take_backs)
		return;
	struct queue changes, failed, unserved;

	queue_move(&changes, &commit->submitted);
	queue_move(&failed, &commit->failed);
	queue_init(&unserved);
	take_unserved(commit, &changes, &unserved);
	int error = store_all(commit, &changes);

	if (!error) {
		publish_take_backs(commit);
		publish_changes(commit, &changes);
		publish_flush(commit->publish);
		for (unsigned i = 0; i < commit->config->data_planes.count; i++)
			if (publish_ready(commit->publish, i))
				acked(commit, i, publish_acked(commit->publish, i), NULL);
	}
	finish_all(commit, &failed, 0);
	finish_all(commit, &changes, error);
	finish_all(commit, &unserved, -ENOTCONN);
	arm_late(commit);
	if (commit->submitted.first || commit->failed.first)
		loop_arm_ms(commit->loop, &commit->again, 0);
	else if (commit->take_backs)
		loop_arm_ms(commit->loop, &commit->again, REPAIR_MS);
}
