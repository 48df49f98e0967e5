/*
 * The desired state: bundles of encoded objects by id. Read in the order of slots, which does not
 * change while bundles come and go: a snapshot is taken a piece at a time and the deltas made
 * meanwhile are sent after it.
 *
 * A bundle costs its octets (about 100 for one path and one subscriber) and 50 more.
 */
#pragma once

#include "ctrl/publish/publish.h"

enum { STATE_SEVERAL = UINT16_MAX };

/* Sums of object_digest(). */
struct state_sums {
	struct update_digest digest;
	uint64_t buckets[OBJECT_BUCKETS];
};

struct state_entry {
	uint64_t id;
	uint32_t slot;
	uint16_t len;
	uint16_t bucket;          /* of all its objects, or STATE_SEVERAL */
	struct state_entry *next; /* in the bucket of the table */
	uint8_t octets[];         /* encoded objects, all OBJECT_SET */
};

struct state {
	struct state_entry **by_id; /* a hash table with at least as many buckets as entries */
	size_t buckets, count;      /* buckets: a power of two, or 0 */
	struct state_entry **slots; /* NULL where none is */
	size_t slot_count, slot_room;
	uint32_t *free; /* slots that are NULL */
	size_t free_count;
	struct state_sums sums; /* of all objects, kept up to date */
};

/* Adds the objects of a bundle to sums (sign 1), or takes them out (sign -1). Returns the bucket of
 * them all, or STATE_SEVERAL. */
uint16_t state_sum(struct state_sums *sums, const uint8_t *octets, size_t len, int sign);

/* Frees all bundles; the state is then empty. */
void state_clear(struct state *state);

/* The bundle with this id, or NULL. It lives until it is set again. */
const struct state_entry *state_find(const struct state *state, uint64_t id);

/* Has the bundles with these ids, or the places where they will be, fetched from memory. */
void state_expect(const struct state *state, const uint64_t ids[], unsigned count);

/* Makes room for so many bundles at once; without memory it is made as they come. */
void state_reserve(struct state *state, size_t count);

/*
 * Sets a bundle, or removes it (len 0), and writes what changes in a data plane: first the new
 * objects, then deletes, last first, of those that the old bundle had and the new one has not.
 * Nothing is written of one that is there already, octet by octet. Returns 0; -ENOSPC when the
 * writer has no room (it and the state are as before); -ENOMEM.
 */
int state_set(struct state *state, uint64_t id, const struct bundle *bundle, struct writer *w);

/*
 * Writes bundles from place *slot (0 at first) on until the writer is full, `most` slots were
 * looked at or none is left; *slot is then where to go on. Rules come when all subscribers have
 * come. With `only`, those that have an object in these buckets. Returns whether any slots are
 * left.
 */
bool state_copy(const struct state *state, const struct object_buckets *only, size_t most,
	size_t *slot, struct writer *w);

/* The same with the bundles of groups alone, which have to come before their members. */
bool state_copy_groups(const struct state *state, const struct object_buckets *only, size_t most,
	size_t *slot, struct writer *w);

/* Calls fn for each object; not 0 ends the walk. */
int state_each(
	const struct state *state, int (*fn)(void *arg, const struct object *object), void *arg);

/* The same for encoded objects: 0, what fn returned, or -EBADMSG. */
int state_each_encoded(const uint8_t *octets, size_t len,
	int (*fn)(void *arg, const struct object *object), void *arg);
