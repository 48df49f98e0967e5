/*
 * Changes under way, and the bindings (or other entries of the store) that they are of. Private to
 * the parts of the commit.
 */
#pragma once

#include "common/wheel.h"
#include "ctrl/commit.h"
#include "ctrl/publish/publish.h"

#include <uthash.h>

enum {
	COMMIT_DATA_PLANES = 64, /* at most in a configuration */
};

/* What a binding is: its record in the store and what is published of it. */
struct commit_image {
	uint16_t len; /* of the record; 0: nothing is stored */
	uint8_t record[COMMIT_RECORD_MAX];
	uint64_t bundle_id;
	struct bundle bundle;
};

/* Octets behind len are 0. */
struct commit_flight_key {
	uint8_t table; /* enum store_table */
	uint8_t len;
	uint8_t octets[COMMIT_KEY_MAX]; /* of a binding: home address (16), BID (2) */
};
static_assert(sizeof(struct commit_flight_key) == 26, "without padding: it is hashed");
static_assert(BINDING_RECORD_SIZE <= COMMIT_RECORD_MAX, "a binding is one of the records");

/* A binding with changes under way. */
struct commit_flight {
	struct commit_flight_key key;
	struct commit_change *first; /* changes under way, oldest first */
	struct commit_change *last;
	struct commit_change *stored; /* the newest one that is in the store, NULL: none */
	bool take_back;               /* `good` is to be stored and published again */
	struct commit_image good;     /* after the last change that did not fail */
	UT_hash_handle hh;
};

struct commit_change {
	struct commit_change *next;  /* in a queue */
	struct commit_change *later; /* of the same binding */
	struct commit_flight *flight;
	bool over;           /* `error` is how it ended */
	bool forwards;       /* fails without the data plane's acknowledgement */
	uint64_t data_plane; /* id of the one that is to serve; 0: any */
	uint64_t sequence;
	uint64_t deadline_ns;
	struct commit_image image;
	commit_done_fn *done;
	void *arg;
	int error;
};

struct commit_queue {
	struct commit_change *first, **end;
};

struct commit {
	const struct ctrl_config *config;
	struct loop *loop;
	struct store *store;
	struct publish *publish;
	struct commit_flight *flights;
	struct commit_queue submitted; /* in this round */
	struct commit_queue
		waiting[COMMIT_DATA_PLANES]; /* for the acknowledgement of each, by number */
	struct commit_queue failed;          /* to be taken back before `done` is called */
	size_t count, take_backs;
	struct commit_change *spare_changes; /* free lists, by `next` and by hh.next */
	struct commit_flight *spare_flights;
	struct wheel_timer late, again;
	uint64_t counters[COMMIT_COUNTERS];
};

static inline void commit_queue_init(struct commit_queue *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static inline void commit_queue_add(struct commit_queue *q, struct commit_change *c)
{
	c->next = NULL;
	*q->end = c;
	q->end = &c->next;
}

static inline struct commit_change *commit_queue_take(struct commit_queue *q)
{
	struct commit_change *c = q->first;

	if (c) {
		q->first = c->next;
		if (!q->first)
			q->end = &q->first;
	}
	return c;
}

/* Moves all of one queue to another that is empty. */
static inline void commit_queue_move(struct commit_queue *to, struct commit_queue *from)
{
	commit_queue_init(to);
	if (from->first)
		*to = *from;
	commit_queue_init(from);
}

/* Copies what is used of an image: it is made for the longest. */
void commit_image_copy(struct commit_image *to, const struct commit_image *from);

/* A change from the free list, or a new one; NULL: no memory. And back. */
struct commit_change *commit_change_new(struct commit *commit);
void commit_change_free(struct commit *commit, struct commit_change *c);

/* Gives the free lists back. */
void commit_spare_free(struct commit *commit);

/* Encodes and compiles what a binding is; NULL or BINDING_NONE: nothing. 0 or a negative errno. */
int commit_make_image(
	struct commit *commit, const struct binding_record *record, struct commit_image *image);

/* The key of the binding of a record. */
struct commit_flight_key commit_flight_key(const struct binding_record *record);

/* What this key names, if changes of it are under way, else NULL. */
struct commit_flight *commit_flight_find(
	struct commit *commit, const struct commit_flight_key *key);

/* Begins with an entry whose last good state is `good`. NULL: no memory. */
struct commit_flight *commit_flight_new(struct commit *commit, const struct commit_flight_key *key,
	const struct commit_image *good);

/* Frees it unless something of it is still under way. */
void commit_flight_put(struct commit *commit, struct commit_flight *flight);

/* Ends a change and tells who submitted it, in the order of submission. */
void commit_finish(struct commit *commit, struct commit_change *c, int error);

/* Ends a change that is stored and published, or has it taken back first. */
void commit_settle(struct commit *commit, struct commit_change *c, int error);

/* The publisher's handler: a data plane has acknowledged. */
void commit_acked(void *arg, unsigned dp, uint64_t sequence, const struct update_ack *ack);

/* Arms the timer for the first acknowledgement that is overdue. */
void commit_arm_late(struct commit *commit);
