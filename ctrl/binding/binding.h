/*
 * A binding: the home address of a mobile node, where the node is, until when (RFC 6275, 9.1 and
 * 10.1), and its form in the store. A home address may have several at once, one for each care-of
 * address, told apart by their binding identifiers (BID; RFC 5648, 4.1).
 *
 * `struct binding_record` is what is durable of one binding and what data planes are told about;
 * the records of one home address change together, in a transaction (ctrl/commit.h). `struct
 * binding` is the entry of the binding cache for a home address, around the records that were last
 * acknowledged: nearly all have one, further ones stand in a block of their own. For the control
 * thread; both are written by ctrl/signalling only.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "common/wheel.h"

#define BINDING_RECORD_VERSION 3
#define BINDING_RECORD_SIZE    121 /* octets of an encoded record at most: one with a BID */
#define BINDING_LIFETIME_UNIT  4   /* seconds in a unit of a lifetime (RFC 6275, 6.1.7) */
#define BINDING_MAX            8   /* bindings of one home address, as many as it has paths */

/* What a record says about its home address. */
enum binding_life {
	BINDING_NONE = 0,    /* nothing: not in the store, not in a data plane; never encoded */
	BINDING_LIVE = 1,    /* bound until expires_ns: in the store and in data planes */
	BINDING_DELETED = 2, /* was bound; remembered until expires_ns against a delayed Binding
			      * Update (RFC 6275, 10.3.2): in the store only */
};

/* The durable part, 120 octets. Times are nanoseconds of CLOCK_REALTIME since 1970, so that they
 * mean the same after a restart. */
struct binding_record {
	struct in6_addr home;    /* home address; with bid the key */
	struct in6_addr care_of; /* care-of address: remote end of the tunnel */
	struct in6_addr agent;   /* home agent address that was asked: local end of the tunnel */
	uint64_t subscriber_id;  /* of the home address as data planes know it */
	uint64_t path_id;        /* of this binding as data planes know it */
	uint64_t data_plane;     /* id of the one that serves it; 0: whoever has the path */
	uint64_t registered_ns;  /* first registration */
	uint64_t updated_ns;     /* last accepted update */
	uint64_t expires_ns;     /* end of the life */
	uint64_t timestamp;      /* NTP timestamp of the last accepted update, 0: it had none */
	uint16_t bid;            /* binding identifier (RFC 5648); 0: the only binding */
	uint16_t sequence;       /* of the last accepted update; all of a home address share it */
	uint16_t lifetime;       /* granted, in units of BINDING_LIFETIME_UNIT */
	uint16_t flags;          /* of the last accepted update: enum flags_bu; but L, which decides
				  * what is defended, of the first registration */
	uint8_t life;            /* enum binding_life */
	uint8_t priority : 7;    /* BID-PRI, lower is preferred (RFC 6089, 4.1); 0: none given */
	uint8_t at_home : 1; /* the home binding: the node is on the home link (RFC 5648, 5.6) */
	struct mac mac;      /* of the node there; zero: not told */
};
static_assert(sizeof(struct binding_record) == 120, "as documented");

/* Records of one home address, in ascending BID. One without life stands for there being none. */
struct binding_list {
	const struct binding_record *records;
	uint8_t count;   /* 1 to BINDING_MAX */
	uint8_t changed; /* bit: index of one that leads elsewhere than before, or is new */
};

/* A list of one record, which changes. */
#define BINDING_LIST_OF(record)                                                                    \
	(&(const struct binding_list){.records = (record), .count = 1, .changed = 1})

/* The further bindings of a home address, from malloc. */
struct binding_more {
	unsigned count; /* 1 to BINDING_MAX - 1 */
	struct binding_further {
		struct binding_record now;
		uint64_t end_ns; /* CLOCK_MONOTONIC of now.expires_ns */
	} further[];
};

/* Where a cache entry stands. */
enum binding_state {
	BINDING_STATE_DAD = 1,    /* duplicate address detection before the first registration */
	BINDING_STATE_COMMITTING, /* the first registration waits for store and data plane */
	BINDING_STATE_ACTIVE,     /* bound; a change of it may be under way */
	BINDING_STATE_EXPIRING,   /* bound; a Binding Refresh Request is out */
	BINDING_STATE_DELETED,    /* not bound; the record is remembered for a while */
};

struct flow_set;
struct ha_request;

/*
 * A cache entry, 232 octets, from a free list. `now` is what was last committed and acknowledged:
 * BINDING_LIVE in the states ACTIVE and EXPIRING, BINDING_DELETED in DELETED, and BINDING_NONE or
 * BINDING_DELETED in DAD and COMMITTING. What is under way shows in `now` only when it is a fact.
 * Of several bindings, which are then all live, `now` is that with the lowest BID.
 */
struct binding {
	struct binding_record now;
	struct binding_more *more; /* bindings with higher BIDs; NULL: none */
	struct flow_set *flows;    /* which packets go to which of them (flow.h); NULL: none */
	enum binding_state state;
	uint16_t sequence; /* last valid one received, perhaps of a request under way */
	uint8_t refreshes; /* Binding Refresh Requests sent since the last update */
	uint8_t probes;    /* duplicate address detection: solicitations sent */
	uint8_t asks; /* times that the node is still to be asked for an update: it was moved */
	bool unique;  /* duplicate address detection has passed for `waiting` */
	bool claimed; /* its link-local address is defended too, or about to be (L flag) */
	uint8_t announcements; /* unsolicited advertisements that the home link is still to get */
	uint32_t session;      /* duplicate address detection: of who sends the solicitations */
	struct ha_request *running; /* what the commit works on */
	struct ha_request *waiting; /* what comes next, also while DAD runs; a list */
	uint64_t end_ns;          /* CLOCK_MONOTONIC of now.expires_ns: what is acted upon, so that
				   * setting the time of day changes no lifetime */
	uint64_t ask_ns;          /* CLOCK_MONOTONIC of the next time, when asks is not 0 */
	uint64_t announce_ns;     /* the same of the next one, when announcements is not 0 */
	struct wheel_timer timer; /* next probe, advertisement, refresh request, expiry, removal */
	struct binding *next;     /* in the bucket of the hash table, or in the free list */
};
static_assert(sizeof(struct binding) == 232, "as documented");

/* Name of a state ("active") for JSON and logs; "unknown" for others. */
const char *binding_state_name(enum binding_state state);

/* True while the node is served: states ACTIVE and EXPIRING. */
static inline bool binding_is_live(const struct binding *b)
{
	return b->state == BINDING_STATE_ACTIVE || b->state == BINDING_STATE_EXPIRING;
}

/* How many records an entry has, 1 for nearly all. */
static inline unsigned binding_count(const struct binding *b)
{
	return b->more ? 1 + b->more->count : 1;
}

/* The record number i, below binding_count(), in ascending BID. */
static inline const struct binding_record *binding_record_at(const struct binding *b, unsigned i)
{
	return i ? &b->more->further[i - 1].now : &b->now;
}

/* When it ends, CLOCK_MONOTONIC. */
static inline uint64_t binding_end_at(const struct binding *b, unsigned i)
{
	return i ? b->more->further[i - 1].end_ns : b->end_ns;
}

/* The record of a BID, or NULL (RFC 5648, 6.1). */
const struct binding_record *binding_record_of(const struct binding *b, uint16_t bid);

/* The one whose node was heard last there: where a message reaches it most likely. The home binding
 * only when there is no other. */
const struct binding_record *binding_last_heard(const struct binding *b);

/* A record and further ones (NULL: none) as a list of which none has changed; room is used when
 * there are several. */
struct binding_list binding_list(const struct binding_record *now, const struct binding_more *more,
	struct binding_record room[static BINDING_MAX]);

/*
 * True if the sequence number is greater than the last one, modulo 2^16: `last` and the 32768
 * values before it are not (RFC 6275, 9.5.1).
 */
static inline bool binding_sequence_newer(uint16_t sequence, uint16_t last)
{
	uint16_t ahead = (uint16_t)(sequence - last);

	return ahead != 0 && ahead < 0x8000;
}

/*
 * Granted lifetime in units: what is requested, but at most max_s seconds, cut to whole units;
 * at least one unit for a request above zero (RFC 6275, 10.3.1).
 */
uint16_t binding_lifetime_grant(uint16_t requested, uint32_t max_s);

/* A granted lifetime in nanoseconds. */
uint64_t binding_lifetime_ns(uint16_t lifetime);

/* What is left until expires_ns at the real time now_ns, in nanoseconds: 0 when over, and not more
 * than `most`, since the time of day may have been set back. */
uint64_t binding_left_ns(uint64_t expires_ns, uint64_t now_ns, uint64_t most);

/* Whole seconds left until the live record ends at the real time now_ns, rounded down; 0 when over,
 * and not more than was granted: the time of day may have been set back. */
uint64_t binding_remaining_s(const struct binding_record *record, uint64_t now_ns);

/*
 * Writes a record for the store: at most BINDING_RECORD_SIZE octets, big endian, version first. One
 * without BID is written as version 2, which has nothing of RFC 5648 but the BID. Returns 0;
 * -EINVAL if its life is neither LIVE nor DELETED; -ENOSPC when the writer has less than
 * BINDING_RECORD_SIZE octets left.
 */
int binding_record_encode(struct writer *w, const struct binding_record *record);

/*
 * Reads a record, which must fill the cursor; also of version 1, which had no data plane, and 2.
 * -EPROTO: written by another version; -EBADMSG: anything else that binding_record_encode does not
 * write. *record is undefined after an error.
 */
int binding_record_decode(struct cursor *c, struct binding_record *record);
