/*
 * All subscribers: two hash tables, and the table of the store behind them. The tables have at most
 * one entry a bucket on average: at a million subscribers each step along a chain is a cache miss,
 * and each Binding Update looks for its subscriber.
 */
#include "common/hmac.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A change that is not yet durable. */
struct staged {
	struct subscriber *subscriber;
	bool removed; /* else added */
};

struct subscriber_db {
	const struct ctrl_config *config;
	struct store *store;
	struct subscriber **by_mn_id;     /* buckets */
	struct subscriber_home **by_home; /* buckets, as many */
	size_t mask;                      /* buckets of each - 1 */
	size_t count, home_count;
	struct subscriber *first, *last; /* in the order in which they were added */
	uint32_t last_id;
	struct staged *staged;
	size_t staged_count, staged_room;
};

enum {
	BUCKETS_MIN = 1024,
	AHEAD = 16, /* subscribers whose buckets are on their way from memory */
};

static size_t bucket_of_mn_id(const struct subscriber_db *db, const void *mn_id, size_t len)
{
	const uint8_t *at = mn_id;
	uint64_t hash = addr_hash_seed[0] ^ len;

	for (; len >= sizeof(uint64_t); len -= sizeof(uint64_t), at += sizeof(uint64_t)) {
		uint64_t word;

		memcpy(&word, at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15u;
		hash ^= hash >> 29;
	}
	for (; len; len--)
		hash = (hash ^ *at++) * 0x9e3779b97f4a7c15u;
	hash = (hash ^ hash >> 32 ^ addr_hash_seed[1]) * 0xbf58476d1ce4e5b9u;
	return (size_t)(hash ^ hash >> 32) & db->mask;
}

static size_t bucket_of_home(const struct subscriber_db *db, const struct in6_addr *home)
{
	return (size_t)addr_hash(home) & db->mask;
}

/* Puts a subscriber into the buckets. */
static void hash_in(struct subscriber_db *db, struct subscriber *s)
{
	struct subscriber **at = &db->by_mn_id[bucket_of_mn_id(db, s->mn_id, s->mn_id_len)];

	s->next = *at;
	*at = s;
	for (uint8_t i = 0; i < s->home_count; i++) {
		struct subscriber_home **home = &db->by_home[bucket_of_home(db, &s->home[i].addr)];

		s->home[i].next = *home;
		*home = &s->home[i];
	}
}

/* Empty tables with so many buckets each, in place of those that there are. */
static int replace_tables(struct subscriber_db *db, size_t buckets)
{
	struct subscriber **by_mn_id = calloc(buckets, sizeof(*by_mn_id));
	struct subscriber_home **by_home = calloc(buckets, sizeof(*by_home));

	if (!by_mn_id || !by_home) {
		free(by_mn_id);
		free(by_home);
		return -ENOMEM;
	}
	free(db->by_mn_id);
	free(db->by_home);
	db->by_mn_id = by_mn_id;
	db->by_home = by_home;
	db->mask = buckets - 1;
	return 0;
}

/* Has the buckets of a subscriber fetched; returns the next. */
static struct subscriber *look_ahead(const struct subscriber_db *db, struct subscriber *s)
{
	__builtin_prefetch(&db->by_mn_id[bucket_of_mn_id(db, s->mn_id, s->mn_id_len)], 1);
	for (uint8_t i = 0; i < s->home_count; i++)
		__builtin_prefetch(&db->by_home[bucket_of_home(db, &s->home[i].addr)], 1);
	return s->after;
}

/* Whether one in the buckets has one of its home addresses. */
static bool has_twin(struct subscriber_db *db, const struct subscriber *s)
{
	bool found = false;

	for (uint8_t i = 0; i < s->home_count && !found; i++)
		found = subscriber_db_find_home(db, &s->home[i].addr, NULL);
	return found;
}

/* Puts all into empty buckets; if they have to be unique, up to one that is not, which is returned.
 */
static struct subscriber *hash_all(struct subscriber_db *db, bool unique)
{
	struct subscriber *ahead = db->first;

	for (int i = 0; i < AHEAD && ahead; i++)
		ahead = look_ahead(db, ahead);
	for (struct subscriber *s = db->first; s; s = s->after) {
		if (ahead)
			ahead = look_ahead(db, ahead);
		if (unique && has_twin(db, s))
			return s;
		hash_in(db, s);
	}
	return NULL;
}

/* Tables with so many buckets each, in place of those that there are. */
static int make_tables(struct subscriber_db *db, size_t buckets)
{
	int error = replace_tables(db, buckets);

	if (!error)
		hash_all(db, false);
	return error;
}

struct subscriber_db *subscriber_db_new(const struct ctrl_config *config, struct store *store)
{
	struct subscriber_db *db = calloc(1, sizeof(*db));

	if (!db || make_tables(db, BUCKETS_MIN) < 0) {
		free(db);
		errno = ENOMEM;
		return NULL;
	}
	db->config = config;
	db->store = store;
	return db;
}

static void subscriber_free(struct subscriber *s)
{
	hmac_wipe(s->key, sizeof(s->key));
	free(s);
}

/* A subscriber made of a valid spec: one block with its home addresses and its identifier. */
static struct subscriber *subscriber_make(const struct subscriber_spec *spec)
{
	size_t homes = spec->home_count * sizeof(struct subscriber_home);
	size_t limits = spec->multicast.limited ? sizeof(spec->multicast) : 0;
	struct subscriber *s = calloc(1, sizeof(*s) + homes + limits + spec->mn_id_len + 1);

	if (!s)
		return NULL;
	s->id = spec->id;
	s->spi = spec->spi;
	s->max_lifetime_s = spec->max_lifetime_s;
	s->auth = spec->auth;
	s->replay = spec->replay;
	s->enabled = spec->enabled;
	s->home_count = spec->home_count;
	s->mn_id_len = spec->mn_id_len;
	s->limits = spec->limits;
	memcpy(s->key, spec->key, sizeof(s->key));
	s->home = (struct subscriber_home *)(s + 1);
	if (limits) {
		s->multicast = (struct subscriber_multicast *)(s->home + s->home_count);
		*s->multicast = spec->multicast;
	}
	s->mn_id = (char *)(s->home + s->home_count) + limits;
	memcpy(s->mn_id, spec->mn_id, spec->mn_id_len);
	for (uint8_t i = 0; i < s->home_count; i++)
		s->home[i] = (struct subscriber_home){
			.addr = spec->home[i], .subscriber = s, .index = i};
	return s;
}

/* Puts it behind all others, into no bucket. */
static void append(struct subscriber_db *db, struct subscriber *s)
{
	s->before = db->last;
	s->after = NULL;
	*(db->last ? &db->last->after : &db->first) = s;
	db->last = s;
	db->count++;
	db->home_count += s->home_count;
}

/* Without memory for larger tables the chains get longer. */
static void link_in(struct subscriber_db *db, struct subscriber *s)
{
	append(db, s);
	if (db->home_count <= db->mask || make_tables(db, 2 * (db->mask + 1)) < 0)
		hash_in(db, s);
}

static void take_out(struct subscriber_db *db, struct subscriber *s)
{
	struct subscriber **at = &db->by_mn_id[bucket_of_mn_id(db, s->mn_id, s->mn_id_len)];

	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	for (uint8_t i = 0; i < s->home_count; i++) {
		struct subscriber_home **home = &db->by_home[bucket_of_home(db, &s->home[i].addr)];

		while (*home != &s->home[i])
			home = &(*home)->next;
		*home = s->home[i].next;
	}
	*(s->before ? &s->before->after : &db->first) = s->after;
	*(s->after ? &s->after->before : &db->last) = s->before;
	db->count--;
	db->home_count -= s->home_count;
}

/* Room for one more change. */
static int stage_room(struct subscriber_db *db)
{
	if (db->staged_count < db->staged_room)
		return 0;
	size_t room = db->staged_room ? 2 * db->staged_room : 64;
	struct staged *more = realloc(db->staged, room * sizeof(*more));

	if (!more)
		return -ENOMEM;
	db->staged = more;
	db->staged_room = room;
	return 0;
}

static void stage(struct subscriber_db *db, struct subscriber *s, bool removed)
{
	db->staged[db->staged_count++] = (struct staged){.subscriber = s, .removed = removed};
}

int subscriber_db_commit(struct subscriber_db *db)
{
	int error = store_commit(db->store);

	/* Backwards: what was added and then removed must end as it began. */
	while (db->staged_count) {
		struct staged *change = &db->staged[--db->staged_count];

		if (error && change->removed) {
			link_in(db, change->subscriber);
			continue;
		}
		if (error)
			take_out(db, change->subscriber);
		if (error || change->removed)
			subscriber_free(change->subscriber);
	}
	return error;
}

void subscriber_db_free(struct subscriber_db *db)
{
	struct subscriber *s, *next;

	if (!db)
		return;
	while (db->staged_count)
		if (db->staged[--db->staged_count].removed)
			subscriber_free(db->staged[db->staged_count].subscriber);
	free(db->staged);
	for (s = db->first; s; s = next) {
		next = s->after;
		subscriber_free(s);
	}
	free(db->by_mn_id);
	free(db->by_home);
	free(db);
}

struct subscriber *subscriber_db_find(struct subscriber_db *db, const void *mn_id, size_t len)
{
	struct subscriber *s = db->by_mn_id[bucket_of_mn_id(db, mn_id, len)];

	while (s && (s->mn_id_len != len || memcmp(s->mn_id, mn_id, len) != 0))
		s = s->next;
	return s;
}

struct subscriber *subscriber_db_find_home(
	struct subscriber_db *db, const struct in6_addr *home, uint8_t *index)
{
	struct subscriber_home *h = db->by_home[bucket_of_home(db, home)];

	while (h && !addr_equal(&h->addr, home))
		h = h->next;
	if (!h)
		return NULL;
	if (index)
		*index = h->index;
	return h->subscriber;
}

void subscriber_db_expect(const struct subscriber_db *db, const uint64_t hashes[], unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		__builtin_prefetch(&db->by_home[hashes[i] & db->mask]);
	for (unsigned i = 0; i < count; i++) {
		const struct subscriber_home *home = db->by_home[hashes[i] & db->mask];

		/* Right behind its subscriber, when it is the first. */
		if (home) {
			__builtin_prefetch(home);
			__builtin_prefetch((const struct subscriber *)(const void *)home - 1);
		}
	}
}

struct subscriber *subscriber_db_find_id(struct subscriber_db *db, uint32_t id)
{
	for (struct subscriber *s = db->first; s; s = s->after)
		if (s->id == id)
			return s;
	return NULL;
}

size_t subscriber_db_count(const struct subscriber_db *db)
{
	return db->count;
}

int subscriber_db_each(
	struct subscriber_db *db, int (*fn)(void *arg, struct subscriber *subscriber), void *arg)
{
	struct subscriber *next;

	for (struct subscriber *s = db->first; s; s = next) {
		next = s->after;
		int result = fn(arg, s);

		if (result)
			return result;
	}
	return 0;
}

static int check_homes_free(
	struct subscriber_db *db, const struct subscriber_spec *spec, struct subscriber_why *why)
{
	for (size_t i = 0; i < spec->home_count; i++) {
		struct subscriber *taken = subscriber_db_find_home(db, &spec->home[i], NULL);

		if (!taken)
			continue;
		snprintf(why->text, sizeof(why->text),
			"home_addresses: %s belongs to subscriber %.100s",
			ADDR_TEXT(&spec->home[i]), taken->mn_id);
		return -EEXIST;
	}
	return 0;
}

/* Whether identifier and home addresses are free. */
static int check_free(
	struct subscriber_db *db, const struct subscriber_spec *spec, struct subscriber_why *why)
{
	if (subscriber_db_find(db, spec->mn_id, spec->mn_id_len)) {
		snprintf(why->text, sizeof(why->text), "mn_id: there is a subscriber of this name");
		return -EEXIST;
	}
	return check_homes_free(db, spec, why);
}

/* Whether the home addresses are ours to give. */
static int check_served(
	struct subscriber_db *db, const struct subscriber_spec *spec, struct subscriber_why *why)
{
	for (size_t i = 0; i < spec->home_count; i++) {
		const struct in6_addr *home = &spec->home[i];

		if (!ctrl_config_home_prefix(db->config, home)) {
			snprintf(why->text, sizeof(why->text),
				"home_addresses: %s is in no configured home prefix",
				ADDR_TEXT(home));
			return -EINVAL;
		}
		if (ctrl_config_is_own(db->config, home)) {
			snprintf(why->text, sizeof(why->text),
				"home_addresses: %s is an address of the home agent",
				ADDR_TEXT(home));
			return -EINVAL;
		}
	}
	return 0;
}

static int save(struct subscriber_db *db, const struct subscriber_spec *spec)
{
	uint8_t record[SUBSCRIBER_RECORD_MAX];
	struct writer w;
	int error;

	writer_init(&w, record, sizeof(record));
	error = subscriber_encode(&w, spec);
	if (!error)
		error = store_put(db->store, STORE_SUBSCRIBER, spec->mn_id, spec->mn_id_len, record,
			writer_len(&w));
	hmac_wipe(record, sizeof(record));
	return error;
}

int subscriber_db_add(
	struct subscriber_db *db, const struct subscriber_spec *spec, struct subscriber_why *why)
{
	struct subscriber_spec numbered = *spec;
	struct subscriber *s = NULL;
	int error = subscriber_spec_check(spec, why);

	if (!error)
		error = check_served(db, spec, why);
	if (!error)
		error = check_free(db, spec, why);
	if (!error && db->last_id == UINT32_MAX) {
		snprintf(why->text, sizeof(why->text), "no numbers are left for subscribers");
		error = -ENOSPC;
	}
	if (!error) {
		numbered.id = db->last_id + 1;
		s = subscriber_make(&numbered);
		error = s ? stage_room(db) : -ENOMEM;
		if (!error)
			error = save(db, &numbered);
		if (error)
			snprintf(why->text, sizeof(why->text), "%s", strerror(-error));
	}
	hmac_wipe(numbered.key, sizeof(numbered.key));
	if (error) {
		if (s)
			subscriber_free(s);
		return error;
	}
	db->last_id = s->id;
	link_in(db, s);
	stage(db, s, false);
	return 0;
}

int subscriber_db_del(struct subscriber_db *db, const char *mn_id)
{
	struct subscriber *s = subscriber_db_find(db, mn_id, strlen(mn_id));

	if (!s)
		return -ENOENT;
	int error = stage_room(db);

	if (!error)
		error = store_delete(db->store, STORE_SUBSCRIBER, s->mn_id, s->mn_id_len);
	if (error)
		return error;
	take_out(db, s);
	stage(db, s, true);
	return 0;
}

struct load {
	struct subscriber_db *db;
	struct subscriber_why *why;
};

static int why_damaged(struct subscriber_why *why, const void *mn_id, size_t len, int error)
{
	snprintf(why->text, sizeof(why->text), "the record of subscriber \"%.*s\" is %s",
		(int)(len > 100 ? 100 : len), (const char *)mn_id,
		error == -EPROTO ? "of another release" : "damaged");
	return -EUCLEAN;
}

static int load_one(
	void *arg, const void *key, size_t key_len, const void *record, size_t record_len)
{
	const struct load *load = arg;
	struct subscriber_spec spec;
	struct subscriber *s = NULL;
	struct cursor c;
	int error;

	cursor_init(&c, record, record_len);
	error = subscriber_decode(&c, &spec);
	if (!error && (key_len != spec.mn_id_len || memcmp(key, spec.mn_id, key_len) != 0))
		error = -EBADMSG;
	if (!error)
		s = subscriber_make(&spec);
	hmac_wipe(spec.key, sizeof(spec.key));
	if (error)
		return why_damaged(load->why, key, key_len, error);
	if (!s) {
		snprintf(load->why->text, sizeof(load->why->text), "no memory");
		return -ENOMEM;
	}
	if (s->id > load->db->last_id)
		load->db->last_id = s->id;
	append(load->db, s);
	return 0;
}

/* All that were loaded come into buckets, when it is known how many there are. */
static int hash_loaded(struct subscriber_db *db, struct subscriber_why *why)
{
	const struct subscriber *twin;
	size_t buckets = BUCKETS_MIN;

	while (buckets <= db->home_count)
		buckets *= 2;
	if (replace_tables(db, buckets) < 0) {
		snprintf(why->text, sizeof(why->text), "no memory");
		return -ENOMEM;
	}
	/* An identifier is its record's key, which the store has but once. */
	twin = hash_all(db, true);
	return twin ? why_damaged(why, twin->mn_id, twin->mn_id_len, -EEXIST) : 0;
}

int subscriber_db_load(struct subscriber_db *db, struct subscriber_why *why)
{
	struct load load = {.db = db, .why = why};
	int error;

	snprintf(why->text, sizeof(why->text), "the table of subscribers cannot be read");
	error = store_each(db->store, STORE_SUBSCRIBER, load_one, &load);
	if (!error)
		error = hash_loaded(db, why);
	return error ? error : (int)subscriber_db_count(db);
}
