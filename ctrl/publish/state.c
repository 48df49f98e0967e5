#include "ctrl/publish/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* In the place of state_copy(): all but rules are done. */
#define SECOND_ROUND ((size_t)1 << 62)

enum {
	BUCKETS_MIN = 1024,
	NAMES_MAX = 32, /* objects of a bundle */
};

void state_clear(struct state *state)
{
	free(state->by_id);
	for (size_t i = 0; i < state->slot_count; i++)
		free(state->slots[i]);
	free(state->slots);
	free(state->free);
	memset(state, 0, sizeof(*state));
}

/* The place of an id among so many buckets: ids count up from 1, some with high bits set. */
static size_t place_of(uint64_t id, size_t buckets)
{
	uint64_t hash = (id ^ id >> 32) * 0x9e3779b97f4a7c15u;

	return (size_t)(hash ^ hash >> 32) & (buckets - 1);
}

static struct state_entry **bucket_of(const struct state *state, uint64_t id)
{
	return &state->by_id[place_of(id, state->buckets)];
}

/* A table with so many buckets. Only the first one is needed: without a larger one the chains get
 * longer. */
static int make_table(struct state *state, size_t buckets)
{
	struct state_entry **by_id = calloc(buckets, sizeof(*by_id));

	if (!by_id)
		return state->buckets ? 0 : -ENOMEM;
	for (size_t i = 0; i < state->buckets; i++) {
		struct state_entry *next;

		for (struct state_entry *entry = state->by_id[i]; entry; entry = next) {
			struct state_entry **at = &by_id[place_of(entry->id, buckets)];

			next = entry->next;
			entry->next = *at;
			*at = entry;
		}
	}
	free(state->by_id);
	state->by_id = by_id;
	state->buckets = buckets;
	return 0;
}

/* Sees to it that there is a bucket for one more entry. */
static int make_room(struct state *state)
{
	if (state->count < state->buckets)
		return 0;
	return make_table(state, state->buckets ? 2 * state->buckets : BUCKETS_MIN);
}

void state_reserve(struct state *state, size_t count)
{
	size_t buckets = BUCKETS_MIN;

	while (buckets < count)
		buckets *= 2;
	if (buckets > state->buckets)
		make_table(state, buckets);
}

void state_expect(const struct state *state, const uint64_t ids[], unsigned count)
{
	if (!state->buckets)
		return;
	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(bucket_of(state, ids[i]), 1);
	for (unsigned i = 0; i < count; i++)
		if (*bucket_of(state, ids[i]))
			__builtin_prefetch(*bucket_of(state, ids[i]));
}

static void hash_in(struct state *state, struct state_entry *entry)
{
	struct state_entry **at = bucket_of(state, entry->id);

	entry->next = *at;
	*at = entry;
	state->count++;
}

static void hash_out(struct state *state, struct state_entry *entry)
{
	struct state_entry **at = bucket_of(state, entry->id);

	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	state->count--;
}

const struct state_entry *state_find(const struct state *state, uint64_t id)
{
	struct state_entry *entry = state->buckets ? *bucket_of(state, id) : NULL;

	while (entry && entry->id != id)
		entry = entry->next;
	return entry;
}

/* Names of the objects of a bundle. */
struct names {
	size_t count;
	struct {
		enum object_kind kind;
		uint64_t id;
	} name[NAMES_MAX];
};

static int collect_name(void *arg, const struct object *object)
{
	struct names *names = arg;

	if (names->count == sizeof(names->name) / sizeof(names->name[0]))
		return -EINVAL;
	names->name[names->count].kind = object->kind;
	names->name[names->count++].id = object->id;
	return 0;
}

static bool names_hold(const struct names *names, enum object_kind kind, uint64_t id)
{
	for (size_t i = 0; i < names->count; i++)
		if (names->name[i].kind == kind && names->name[i].id == id)
			return true;
	return false;
}

/* Deletes what the old bundle has and the new one has not: users before what they use. */
static int write_deletes(
	const struct state_entry *old, const struct bundle *bundle, struct writer *w)
{
	struct names before = {0}, after = {0};
	int error = state_each_encoded(old->octets, old->len, collect_name, &before);

	if (!error)
		error = state_each_encoded(bundle->octets, bundle->len, collect_name, &after);
	for (size_t i = before.count; i > 0 && !error; i--) {
		struct object gone = {.kind = before.name[i - 1].kind,
			.op = OBJECT_DELETE,
			.id = before.name[i - 1].id};

		if (!names_hold(&after, gone.kind, gone.id))
			error = object_encode(w, &gone);
	}
	return error;
}

/* A slot for a new entry. */
static int take_slot(struct state *state, uint32_t *slot)
{
	if (state->free_count) {
		*slot = state->free[--state->free_count];
		return 0;
	}
	if (state->slot_count == state->slot_room) {
		size_t room = state->slot_room ? 2 * state->slot_room : 1024;
		struct state_entry **slots = realloc(state->slots, room * sizeof(*slots));

		if (!slots)
			return -ENOMEM;
		state->slots = slots;
		/* As long as the slots, so that giving one back cannot fail. */
		uint32_t *spare = realloc(state->free, room * sizeof(*spare));

		if (!spare)
			return -ENOMEM;
		state->free = spare;
		state->slot_room = room;
	}
	*slot = (uint32_t)state->slot_count++;
	return 0;
}

static struct state_entry *make_entry(uint64_t id, const struct bundle *bundle)
{
	struct state_entry *entry = malloc(sizeof(*entry) + bundle->len);

	if (!entry)
		return NULL;
	memset(entry, 0, sizeof(*entry));
	entry->id = id;
	entry->len = bundle->len;
	memcpy(entry->octets, bundle->octets, bundle->len);
	return entry;
}

static void remove_entry(struct state *state, struct state_entry *entry)
{
	state->slots[entry->slot] = NULL;
	state->free[state->free_count++] = entry->slot;
	hash_out(state, entry);
	free(entry);
}

struct tally {
	struct state_sums *sums;
	uint64_t sign;
	unsigned count;
	uint16_t bucket;
};

static int count_object(void *arg, const struct object *object)
{
	struct tally *t = arg;

	uint64_t digest = t->sign * object_digest(object);
	uint32_t bucket = object_bucket(object->id);

	t->sums->digest.kinds[object->kind].count += (uint32_t)t->sign;
	t->sums->digest.kinds[object->kind].sum += digest;
	t->sums->buckets[bucket] += digest;
	t->bucket = t->count++ && t->bucket != bucket ? STATE_SEVERAL : (uint16_t)bucket;
	return 0;
}

uint16_t state_sum(struct state_sums *sums, const uint8_t *octets, size_t len, int sign)
{
	struct tally tally = {.sums = sums, .sign = (uint64_t)(int64_t)sign};

	state_each_encoded(octets, len, count_object, &tally);
	return tally.bucket;
}

/* Puts the new bundle in the place of the old one (NULL: there was none). */
static int put_entry(
	struct state *state, struct state_entry *old, uint64_t id, const struct bundle *bundle)
{
	struct state_entry *entry;
	uint32_t slot;

	if (old && old->len == bundle->len) {
		memcpy(old->octets, bundle->octets, bundle->len);
		old->bucket = state_sum(&state->sums, bundle->octets, bundle->len, 1);
		return 0;
	}
	entry = make_entry(id, bundle);
	if (!entry)
		return -ENOMEM;
	if (old) {
		slot = old->slot;
		hash_out(state, old);
		free(old);
	} else if (make_room(state) < 0 || take_slot(state, &slot) < 0) {
		free(entry);
		return -ENOMEM;
	}
	entry->bucket = state_sum(&state->sums, bundle->octets, bundle->len, 1);
	entry->slot = slot;
	state->slots[slot] = entry;
	hash_in(state, entry);
	return 0;
}

static bool is_same(const struct state_entry *entry, const struct bundle *bundle)
{
	return entry->len == bundle->len && memcmp(entry->octets, bundle->octets, bundle->len) == 0;
}

int state_set(struct state *state, uint64_t id, const struct bundle *bundle, struct writer *w)
{
	struct state_entry *old = (struct state_entry *)state_find(state, id);
	struct writer before = *w;
	int error = 0;

	if (old ? is_same(old, bundle) : !bundle->len)
		return 0;
	writer_bytes(w, bundle->octets, bundle->len);
	if (!writer_ok(w))
		error = -ENOSPC;
	else if (old)
		error = write_deletes(old, bundle, w);
	if (!error && old)
		state_sum(&state->sums, old->octets, old->len, -1);
	if (!error && bundle->len) {
		error = put_entry(state, old, id, bundle);
		if (error && old)
			state_sum(&state->sums, old->octets, old->len, 1);
	} else if (!error) {
		remove_entry(state, old);
	}
	if (error)
		*w = before;
	return error;
}

static int is_in(void *arg, const struct object *object)
{
	return object_buckets_have(arg, object->id);
}

/* Whether a bundle has an object in one of the buckets. */
static bool is_of(const struct state_entry *entry, const struct object_buckets *buckets)
{
	if (entry->bucket != STATE_SEVERAL)
		return object_buckets_test(buckets, entry->bucket);
	return state_each_encoded(entry->octets, entry->len, is_in, (void *)(uintptr_t)buckets) ==
	       1;
}

bool state_copy_groups(const struct state *state, const struct object_buckets *only, size_t most,
	size_t *slot, struct writer *w)
{
	for (; most && *slot < state->slot_count; most--, ++*slot) {
		const struct state_entry *entry = state->slots[*slot];

		if (!entry || !publish_is_group(entry->id) || (only && !is_of(entry, only)))
			continue;
		if (writer_left(w) < entry->len)
			return true;
		writer_bytes(w, entry->octets, entry->len);
	}
	return *slot < state->slot_count;
}

bool state_copy(const struct state *state, const struct object_buckets *only, size_t most,
	size_t *slot, struct writer *w)
{
	bool rules = *slot & SECOND_ROUND;
	size_t at = *slot & ~SECOND_ROUND;

	for (; most; most--, at++) {
		const struct state_entry *entry;

		if (at >= state->slot_count) {
			if (rules)
				break;
			rules = true;
			at = 0;
			if (state->slot_count == 0)
				break;
		}
		entry = state->slots[at];
		if (!entry || publish_is_rule_id(entry->id) != rules ||
			(only && !is_of(entry, only)))
			continue;
		if (writer_left(w) < entry->len)
			break;
		writer_bytes(w, entry->octets, entry->len);
	}
	*slot = at | (rules ? SECOND_ROUND : 0);
	return !rules || at < state->slot_count;
}

int state_each_encoded(const uint8_t *octets, size_t len,
	int (*fn)(void *arg, const struct object *object), void *arg)
{
	struct cursor c;
	int result = 0;

	cursor_init(&c, octets, len);
	while (cursor_left(&c) && !result) {
		struct object object;

		result = object_decode(&c, &object);
		if (!result)
			result = fn(arg, &object);
	}
	return result;
}

int state_each(
	const struct state *state, int (*fn)(void *arg, const struct object *object), void *arg)
{
	for (size_t i = 0; i < state->slot_count; i++) {
		const struct state_entry *entry = state->slots[i];
		int result = entry ? state_each_encoded(entry->octets, entry->len, fn, arg) : 0;

		if (result)
			return result;
	}
	return 0;
}
