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
	COMMIT_AHEAD = 16,       /* changes that are fetched from memory together */
};

/* What the bindings of a home address, or another entry of the store, are: records in the store and
 * what is published of them. From a free list, made for the longest. */
struct commit_image {
	struct commit_image *next; /* in the free list */
	uint64_t bundle_id;
	uint8_t count; /* of records */
	struct {
		uint16_t bid; /* of a binding */
		uint16_t len; /* 0: is not stored */
		uint16_t at;  /* in records */
	} at[BINDING_MAX];
	struct bundle bundle;
	uint8_t records[BINDING_MAX * BINDING_RECORD_SIZE];
};
static_assert(BINDING_MAX * BINDING_RECORD_SIZE >= COMMIT_RECORD_MAX, "room for any record");

/* Octets behind len are 0. */
struct commit_flight_key {
	uint8_t table; /* enum store_table */
	uint8_t len;
	uint8_t octets[COMMIT_KEY_MAX]; /* of bindings: the home address; in the store the BID
					 * follows */
};
static_assert(sizeof(struct commit_flight_key) == 26, "without padding: it is hashed");

/* A home address, or another entry, with changes under way. */
struct commit_flight {
	struct commit_flight_key key;
	struct commit_change *first; /* changes under way, oldest first */
	struct commit_change *last;
	struct commit_change *stored; /* the newest one that is in the store, NULL: none */
	struct commit_image *good;    /* after the last change that did not fail */
	bool take_back;               /* `good` is to be stored and published again */
	UT_hash_handle hh;
};

/* The acknowledgement of one data plane that a change waits for. */
struct commit_wait {
	struct commit_wait *next; /* in a queue */
	struct commit_change *change;
	uint64_t data_plane; /* id; 0: any */
};

struct commit_change {
	struct commit_change *next;  /* in a queue */
	struct commit_change *later; /* of the same entry */
	struct commit_flight *flight;
	struct commit_image *image; /* NULL once it has become the flight's good one */
	bool over;                  /* `error` is how it ended */
	bool forwards;              /* fails without the data planes' acknowledgements */
	int8_t culprit;             /* index of the data plane that failed it, or -1 */
	uint8_t wait_count;
	uint8_t pending; /* acknowledgements still missing */
	uint64_t sequence;
	uint64_t deadline_ns;
	commit_done_fn *done;
	void *arg;
	int error;
	struct commit_wait waits[BINDING_MAX];
};

struct commit_queue {
	struct commit_change *first, **end;
};

struct commit_waits {
	struct commit_wait *first, **end;
};

struct commit {
	const struct ctrl_config *config;
	struct loop *loop;
	struct store *store;
	struct publish *publish;
	struct commit_flight *flights;
	struct commit_queue submitted; /* in this round */
	struct commit_waits
		waiting[COMMIT_DATA_PLANES]; /* for the acknowledgement of each, by number */
	struct commit_queue failed;          /* to be taken back before `done` is called */
	size_t count, take_backs;
	struct commit_change *spare_changes; /* free lists, by `next` and by hh.next */
	struct commit_flight *spare_flights;
	struct commit_image *spare_images;
	int culprit; /* of the change whose `done` is being called */
	commit_expect_fn *expect;
	void *expect_context;
	struct wheel_timer late, again;
	uint64_t counters[COMMIT_COUNTERS];
	struct histogram store_times, ack_times;
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

static inline void commit_waits_init(struct commit_waits *q)
{
	q->first = NULL;
	q->end = &q->first;
}

static inline void commit_waits_add(struct commit_waits *q, struct commit_wait *w)
{
	w->next = NULL;
	*q->end = w;
	q->end = &w->next;
}

static inline struct commit_wait *commit_waits_take(struct commit_waits *q)
{
	struct commit_wait *w = q->first;

	if (w) {
		q->first = w->next;
		if (!q->first)
			q->end = &q->first;
	}
	return w;
}

/* A change from the free list, blank, or a new one; NULL: no memory. And back, with its image. */
struct commit_change *commit_change_new(struct commit *commit, commit_done_fn *done, void *arg);
void commit_change_free(struct commit *commit, struct commit_change *c);

/* Gives an image back; NULL is allowed. */
void commit_image_free(struct commit *commit, struct commit_image *image);

/* Frees all changes, flights and images. */
void commit_flights_free(struct commit *commit);

/* Encodes and compiles what bindings are; records without life are not stored. 0 or a negative
 * errno. */
int commit_make_image(
	struct commit *commit, const struct binding_list *list, struct commit_image **image);

/* The same of an item. 0 or -ENOMEM. */
int commit_copy_image(
	struct commit *commit, const struct commit_item *item, struct commit_image **image);

/* The keys of the bindings of a home address, and of an item. */
struct commit_flight_key commit_flight_key(const struct in6_addr *home);
struct commit_flight_key commit_flight_item_key(const struct commit_item *item);

/* What this key names, if changes of it are under way, else NULL. */
struct commit_flight *commit_flight_find(
	struct commit *commit, const struct commit_flight_key *key);

/* Begins with an entry whose last good state is `good`, which is its own from then on. NULL: no
 * memory. */
struct commit_flight *commit_flight_new(
	struct commit *commit, const struct commit_flight_key *key, struct commit_image *good);

/* Frees it unless something of it is still under way. */
void commit_flight_put(struct commit *commit, struct commit_flight *flight);

/* Ends a change and tells who submitted it, in the order of submission. */
void commit_finish(struct commit *commit, struct commit_change *c, int error);

/* Ends a change that is stored and published, or has it taken back first. */
void commit_settle(struct commit *commit, struct commit_change *c, int error);

/* A data plane has acknowledged a change (error 0), or failed it; the last one ends it. */
void commit_waited(struct commit *commit, struct commit_wait *w, unsigned dp, int error);

/* The publisher's handler: a data plane has acknowledged. */
void commit_acked(void *arg, unsigned dp, uint64_t sequence, const struct update_ack *ack);

/* Arms the timer for the first acknowledgement that is overdue. */
void commit_arm_late(struct commit *commit);
