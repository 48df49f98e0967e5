/*
 * The binding cache of a local mobility anchor (RFC 5213, 5.1 and 5.4.1): sessions by the node that
 * they are of, and by their prefixes.
 *
 * Two hash tables. A node is there as long as it has a session; it is the owner of its identifier,
 * to which the sessions point. The home network prefixes of a session are the same from its
 * beginning to its end; delegated ones (RFC 7148) may come and go, and are held meanwhile. A
 * session with one prefix takes about 800 octets with its node. For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "common/wheel.h"
#include "ctrl/binding/session.h"

struct lma_request;
struct session;

/* A mobile node that has sessions. */
struct session_node {
	struct session *sessions; /* newest first */
	unsigned session_count;
	uint64_t last_timestamp; /* latest accepted of all its sessions (5.5); 0: none */
	UT_hash_handle hh;
	uint8_t len;   /* of key */
	uint8_t key[]; /* subtype, identifier */
};

/* A prefix in its domain; padding octets are 0. */
struct session_prefix_key {
	struct prefix6 prefix;
	uint32_t domain;
};

/* A prefix of a session, hashed. */
struct session_prefix {
	struct session_prefix_key key;
	struct session *session;
	struct session_prefix *next; /* of those that it holds */
	UT_hash_handle hh;
};

/* A session and what is under way for it. `now` is what was last committed and acknowledged. */
struct session {
	struct session_record now;
	struct session_node *node;
	struct session *next;        /* of the same node */
	struct lma_request *running; /* what the commit works on */
	struct lma_request *waiting; /* what comes next; several of different paths */
	struct lma_request *parked;  /* a registration that waits for the end of this session, or
				      * for parked_ns (5.4.1.2, 4.) */
	uint16_t sequence;           /* last valid one received, perhaps of a request under way */
	uint64_t end_ns;             /* CLOCK_MONOTONIC of now.expires_ns */
	uint64_t parked_ns;          /* CLOCK_MONOTONIC */
	bool revoking;               /* its gateway is being told that it ends (RFC 5846) */
	struct wheel_timer timer;    /* the end, or parked_ns */
	struct session_prefix *prefixes; /* now.prefix_count of them */
	struct session_prefix *held;     /* delegated ones, also of a request under way */
	UT_hash_handle hh;               /* by now.number */
};

struct session_cache;

/* An empty cache. NULL: no memory. */
struct session_cache *session_cache_new(void);

/* Frees the cache and all sessions, whose timers and requests must be gone. NULL is allowed. */
void session_cache_free(struct session_cache *cache);

/* The node with this identifier, or NULL. */
struct session_node *session_cache_node(
	struct session_cache *cache, const struct session_mn_id *mn_id);

/* The session of a domain that has, or holds, just this prefix, or NULL. */
struct session *session_cache_by_prefix(
	struct session_cache *cache, uint32_t domain, const struct prefix6 *prefix);

/* Whether some session of a domain has, or holds, a prefix that is in this one, or this one in it.
 * Looks at all of them. */
bool session_cache_overlaps(
	const struct session_cache *cache, uint32_t domain, const struct prefix6 *prefix);

/* The session with this number, or NULL. */
struct session *session_cache_by_number(struct session_cache *cache, uint64_t number);

/*
 * Adds a session: `now` is the record with the node's copy of the identifier; a number of 0 is
 * replaced by one above all that were ever in the cache, as session_number_after() says. Delegated
 * prefixes of the record are held. NULL: no memory, or errno EEXIST: another session has one of the
 * prefixes, or the number.
 */
struct session *session_cache_add(struct session_cache *cache, const struct session_record *record);

/* Keeps a prefix of its domain for a session that is not one of its home network prefixes, so that
 * no other gets it. 0, also if it has it; -EEXIST: another session does; -ENOMEM. */
int session_cache_hold(
	struct session_cache *cache, struct session *session, const struct prefix6 *prefix);

/* It is no longer kept; one that was not held is no error. */
void session_cache_drop(
	struct session_cache *cache, struct session *session, const struct prefix6 *prefix);

/* Takes a session out with all that it holds and frees it, and its node if it was the last. */
void session_cache_remove(struct session_cache *cache, struct session *session);

/* Sessions in all. */
size_t session_cache_count(const struct session_cache *cache);

/* The session after prev in the order in which they were added, the first for NULL; NULL at the
 * end. The one that was returned may be removed after the next call. */
struct session *session_cache_next(struct session_cache *cache, const struct session *prev);
