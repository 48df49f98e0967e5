/*
 * Subscribers: who may register what, and how their messages are proved genuine (RFC 4285).
 *
 * All of them are in memory, found by MN-ID and by home address, and in the store. Keys are wiped
 * when a subscriber is freed and are never shown. Owned by the one thread of dmm-ctrl.
 */
#pragma once

#include "common/addr.h"
#include "common/cursor.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SUBSCRIBER_MN_ID_MAX = 253,  /* octets of a network access identifier (RFC 7542, 2.2) */
	SUBSCRIBER_HOME_MAX = 8,     /* home addresses of one subscriber */
	SUBSCRIBER_KEY_LEN = 16,     /* octets of a key (RFC 4285, 5.1: 128 bits) */
	SUBSCRIBER_SPI_MIN = 256,    /* 0 to 255 are reserved (RFC 4285, 5) */
	SUBSCRIBER_LIFETIME_MIN = 4, /* seconds: one unit of the Binding Update's lifetime */
	SUBSCRIBER_LIFETIME_MAX = 65535 * 4,
	SUBSCRIBER_GROUPS_MAX = 4,   /* prefixes of multicast groups that it may listen to */
	SUBSCRIBER_LISTEN_MAX = 40,  /* groups at a time (MCAST_STATE_RECORDS_MAX) */
	SUBSCRIBER_RECORD_MAX = 576, /* an encoded one is never longer */
};

/* Must its Binding Updates carry a mobility message authentication option? */
enum subscriber_auth { SUBSCRIBER_AUTH_REQUIRED, SUBSCRIBER_AUTH_NONE, SUBSCRIBER_AUTHS };

/* What protects it against replay: RFC 4285, 6 or the sequence number of RFC 6275, 9.5.1. */
enum subscriber_replay {
	SUBSCRIBER_REPLAY_TIMESTAMP,
	SUBSCRIBER_REPLAY_SEQUENCE,
	SUBSCRIBER_REPLAYS
};

/* Names by value, NULL-terminated: "required", "none"; "timestamp", "sequence". */
extern const char *const subscriber_auth_names[SUBSCRIBER_AUTHS + 1];
extern const char *const subscriber_replay_names[SUBSCRIBER_REPLAYS + 1];

/*
 * What a subscriber may listen to while it is away, within what the configuration allows all. All
 * zero: it is not limited.
 */
struct subscriber_multicast {
	bool limited;
	uint8_t max_groups;  /* at a time; 0: none */
	uint8_t group_count; /* 0: all that are allowed */
	struct prefix6 groups[SUBSCRIBER_GROUPS_MAX];
};

/*
 * How many care-of addresses (RFC 5648) and flow bindings (RFC 6089) each of its home addresses may
 * have, in place of what the configuration says. All zero: as configured. 6 octets.
 */
struct subscriber_limits {
	bool has_bindings, has_flows; /* it has a limit of its own */
	uint8_t bindings;             /* up to BINDING_MAX; 0: none with a BID */
	uint16_t flows;               /* up to FLOW_MAX */
};

struct subscriber;

/* One home address of a subscriber, hashed by the address: 40 octets. */
struct subscriber_home {
	struct in6_addr addr;
	struct subscriber *subscriber;
	struct subscriber_home *next; /* in the bucket */
	uint8_t index;                /* in the subscriber's home[] */
};

/* A subscriber; one block of memory with what it points to, about 180 octets with one home. */
struct subscriber {
	uint32_t id; /* 1 upwards: names it in the control interface */
	uint32_t spi;
	uint32_t max_lifetime_s; /* 0: the configured maximum */
	enum subscriber_auth auth;
	enum subscriber_replay replay;
	bool enabled; /* false: answered with status 129 */
	bool leaving; /* the same, while its bindings end: then it will be deleted */
	uint8_t home_count;
	uint8_t mn_id_len;
	struct subscriber_limits limits;
	uint8_t key[SUBSCRIBER_KEY_LEN];
	/*
	 * NTP timestamp last accepted from it (RFC 4285, 6); 0: none yet. The signalling keeps it
	 * here and makes it durable in the binding's record; at start it is set from there.
	 */
	uint64_t last_timestamp;
	struct subscriber_home *home;           /* home_count of them */
	struct subscriber_multicast *multicast; /* NULL: not limited */
	char *mn_id;                            /* ends with NUL */
	struct subscriber *next;                /* in the bucket of its MN-ID */
	struct subscriber *before, *after;      /* in the order in which they were added */
};

/* A subscriber as it is to be, or as it stands in the store. */
struct subscriber_spec {
	uint32_t id; /* 0: not yet given */
	uint32_t spi;
	uint32_t max_lifetime_s;
	enum subscriber_auth auth;
	enum subscriber_replay replay;
	bool enabled;
	uint8_t home_count;
	uint8_t mn_id_len;
	bool has_key;
	char mn_id[SUBSCRIBER_MN_ID_MAX + 1]; /* ends with NUL */
	uint8_t key[SUBSCRIBER_KEY_LEN];
	struct in6_addr home[SUBSCRIBER_HOME_MAX];
	struct subscriber_limits limits;
	struct subscriber_multicast multicast;
};

/* Why one was refused, for people; never holds a key. */
struct subscriber_why {
	char text[256];
};

struct ctrl_config;
struct store;
struct subscriber_db;

/* An empty set; config (home prefixes) and store must outlive it. NULL with errno set. */
struct subscriber_db *subscriber_db_new(const struct ctrl_config *config, struct store *store);

/* Wipes and frees all. NULL is allowed. */
void subscriber_db_free(struct subscriber_db *db);

/*
 * Reads all subscribers of the store. Returns their number or a negative errno (-EUCLEAN: a record
 * is damaged); *why tells which.
 */
int subscriber_db_load(struct subscriber_db *db, struct subscriber_why *why);

/*
 * Checks a new subscriber and adds it in memory; subscriber_db_commit() makes it durable, which has
 * to follow before anything else is put into the store. `spec` is copied; its id is ignored.
 * Returns 0; -EINVAL (a value out of bounds, a home address outside of the home prefixes or one of
 * the gateway's own), -EEXIST (MN-ID or a home address is taken), -ENOMEM, with *why filled in.
 */
int subscriber_db_add(
	struct subscriber_db *db, const struct subscriber_spec *spec, struct subscriber_why *why);

/*
 * Removes one from memory; subscriber_db_commit() makes it durable. Its bindings must have been
 * ended before. Returns 0, -ENOENT or -ENOMEM.
 */
int subscriber_db_del(struct subscriber_db *db, const char *mn_id);

/*
 * Makes what was added and removed durable, in one transaction. Returns 0; after -EIO or -ENOSPC
 * memory and store are as they were before.
 */
int subscriber_db_commit(struct subscriber_db *db);

/* By MN-ID (octets, no end needed), or NULL. */
struct subscriber *subscriber_db_find(struct subscriber_db *db, const void *mn_id, size_t len);

/* By one of its home addresses, or NULL; *index (may be NULL) is which one. */
struct subscriber *subscriber_db_find_home(
	struct subscriber_db *db, const struct in6_addr *home, uint8_t *index);

/* Has the subscribers of home addresses, by their addr_hash(), fetched from memory, all at once. */
void subscriber_db_expect(const struct subscriber_db *db, const uint64_t hashes[], unsigned count);

/* By id, or NULL; O(n): for the control interface only. */
struct subscriber *subscriber_db_find_id(struct subscriber_db *db, uint32_t id);

/* How many care-of addresses and flow bindings each home address of a subscriber may have;
 * configured is what those have that have no limit of their own. */
static inline unsigned subscriber_max_bindings(const struct subscriber *s, unsigned configured)
{
	return s->limits.has_bindings ? s->limits.bindings : configured;
}

static inline unsigned subscriber_max_flows(const struct subscriber *s, unsigned configured)
{
	return s->limits.has_flows ? s->limits.flows : configured;
}

/* How many there are. */
size_t subscriber_db_count(const struct subscriber_db *db);

/* Calls fn for each, in the order in which they were added; not 0 ends the walk. */
int subscriber_db_each(
	struct subscriber_db *db, int (*fn)(void *arg, struct subscriber *subscriber), void *arg);

/*
 * Checks the values themselves: identifier, home addresses, SPI, key, lifetime. Returns 0, or
 * -EINVAL with *why filled in.
 */
int subscriber_spec_check(const struct subscriber_spec *spec, struct subscriber_why *why);

/*
 * The record in the store, of version 1 without limits, of version 2 with those of multicast, of
 * version 3 with those of bindings and flows, so that one without is as it was. Writes one: 0,
 * -EINVAL or -ENOSPC. Reads one that fills the cursor: 0, -EPROTO (of another version) or -EBADMSG;
 * the caller wipes *spec, which holds a key.
 */
int subscriber_encode(struct writer *w, const struct subscriber_spec *spec);
int subscriber_decode(struct cursor *c, struct subscriber_spec *spec);
