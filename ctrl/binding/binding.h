/*
 * A binding: the home address of a mobile node, where the node is, until when (RFC 6275, 9.1 and
 * 10.1), and its form in the store.
 *
 * This is the durable part, and what data planes are told about: a change of it goes through
 * ctrl/commit.h. The entry of the binding cache around it is in binding_cache.h.
 */
#pragma once

#include <assert.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/cursor.h"

#define BINDING_RECORD_VERSION 1
#define BINDING_RECORD_SIZE    104 /* octets of a record in the store */
#define BINDING_LIFETIME_UNIT  4   /* seconds in a unit of a lifetime (RFC 6275, 6.1.7) */

/* What there is to say about a home address. */
enum binding_life {
	BINDING_NONE = 0,    /* nothing; never in the store */
	BINDING_LIVE = 1,    /* bound until expires_ns: in the store and in data planes */
	BINDING_DELETED = 2, /* was bound; remembered until expires_ns against a delayed Binding
			      * Update (RFC 6275, 10.3.2): in the store only */
};

/*
 * 104 octets, written by ctrl/signalling only. Times are nanoseconds of CLOCK_REALTIME since 1970,
 * so that they mean the same after a restart.
 */
struct binding {
	struct in6_addr home;    /* home address; with bid the key */
	struct in6_addr care_of; /* care-of address: remote end of the tunnel */
	struct in6_addr agent;   /* home agent address that was asked: local end of the tunnel */
	uint64_t id;             /* of its objects in data planes: subscriber_binding_id() */
	uint64_t registered_ns;  /* first registration */
	uint64_t updated_ns;     /* last accepted update */
	uint64_t expires_ns;     /* end of its life */
	uint64_t timestamp;      /* NTP timestamp of the last accepted update, 0: it had none */
	uint16_t bid;            /* binding identifier (RFC 5648); 0: the only binding */
	uint16_t sequence;       /* of the last accepted update */
	uint16_t lifetime;       /* granted, in units of BINDING_LIFETIME_UNIT */
	uint16_t flags;          /* of the last accepted update: enum flags_bu */
	uint8_t life;            /* enum binding_life */
};
static_assert(sizeof(struct binding) == 104, "as documented");

/* Whether traffic of the home address goes to the care-of address. */
static inline bool binding_forwards(const struct binding *b)
{
	return b->life == BINDING_LIVE;
}

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

/* Whole seconds left at the real time now_ns, rounded down; 0 when over. */
uint64_t binding_remaining_s(const struct binding *b, uint64_t now_ns);

/*
 * Writes the record for the store, BINDING_RECORD_SIZE octets, big endian, version first. Returns
 * 0; -EINVAL if there is no life in it; -ENOSPC.
 */
int binding_encode(struct writer *w, const struct binding *b);

/*
 * Reads a record, which must fill the cursor. -EPROTO: written by another version; -EBADMSG:
 * anything else that binding_encode does not write. *b is undefined after an error.
 */
int binding_decode(struct cursor *c, struct binding *b);
