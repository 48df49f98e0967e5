/*
 * The home agent's side of a binding (RFC 6275, 10.3), shared by its files:
 *
 *   ha.c             a Binding Update, from the decoded message to a request
 *   ha_check.c       the tests that it has to pass, in the order of the RFCs
 *   ha_queue.c       requests of one binding in order, through the commit
 *   ha_set.c         what the bindings of a home address are to become
 *   ha_register.c    what a registration makes of a binding
 *   multihoming.c    what one with binding identifiers does (RFC 5648)
 *   ha_change.c      a change that has become a fact
 *   ha_flow.c        what becomes of flow bindings then (RFC 6089)
 *   redirect.c       another data plane serves it
 *   ha_deregister.c  what ends one
 *   ha_reply.c       the Binding Acknowledgement
 */
#pragma once

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/mcast_state.h"
#include "proto/mobility/mh.h"

/* A Binding Identifier option of a Binding Update, and what becomes of it. */
struct ha_bid {
	uint16_t bid;
	uint8_t priority; /* BID-PRI; 0: none */
	bool home;        /* H: the home binding */
	bool malformed;   /* of a wrong length: all else is 0 */
	uint8_t len;      /* of the option: 4 (no address), 8 (IPv4) or 20 */
	uint8_t status;   /* enum status_ba, for this option alone (RFC 5648, 6.2) */
	struct in6_addr coa;
};

/* All of them, in the order of the message; from malloc. */
struct ha_bids {
	unsigned count; /* at least 1 */
	struct ha_bid at[];
};

/* What the node listens to, from malloc. */
struct ha_multicast {
	struct mcast_state state;  /* once running: what is accepted */
	struct mcast_state before; /* once running: what it was */
	bool running;
	bool ip4; /* it names IPv4 groups too */
};

/*
 * A Binding Update reduced to what deciding and answering need. It points to nothing but BIDs,
 * flows and multicast, which it owns, so that the answer can wait for the commit.
 */
struct ha_update {
	struct in6_addr home;
	struct in6_addr care_of;
	struct in6_addr src;   /* where it came from: where the answer goes (9.5.4) */
	struct in6_addr agent; /* home agent address that it was sent to */
	uint64_t timestamp;    /* NTP; 0 without has_timestamp */
	uint64_t received_ns;  /* loop's clock, when it came in; 0: not known */
	uint16_t sequence;
	uint16_t flags; /* enum flags_bu */
	uint16_t lifetime;
	bool by_option;         /* the home address stood in a Home Address option */
	bool has_mn_id;         /* it named its node */
	bool has_timestamp;     /* it carried a replay protection option */
	bool stamped;           /* which protects it, and was valid */
	bool on_link;           /* it came from the home link itself: the answer goes there */
	struct mac mac;         /* its sender on that link */
	struct ha_bids *bids;   /* NULL: it carried none, it is of the only binding */
	struct ha_flows *flows; /* NULL: it carried none */
	struct ha_multicast *multicast; /* NULL: it carried no Multicast State option */
	struct mac link; /* of its link-layer address option (RFC 5568, 6.4.4); zero: none */
	char data_plane[UPDATE_NAME_MAX + 1];
};

enum ha_request_kind {
	HA_NOTHING = 0,
	HA_REGISTER,   /* by a Binding Update */
	HA_REDIRECT,   /* another data plane is to serve it */
	HA_DEREGISTER, /* by a Binding Update with lifetime 0 */
	HA_EXPIRE,     /* the lifetime is over */
	HA_CLEAR,      /* the operator ends it */
	HA_FORGET,     /* a deleted binding need not be remembered any longer */
};

/* A change that the bindings of a home address wait for: 360 octets, from a free list. It is in
 * `waiting`, then `running`. */
struct ha_request {
	enum ha_request_kind kind;
	uint8_t changed;         /* once running: as in struct binding_list, of to and more */
	uint8_t fresh;           /* once running: bindings that it makes */
	uint16_t bid;            /* HA_CLEAR: of the only one to be ended; 0: all */
	struct ha_update update; /* HA_REGISTER, HA_DEREGISTER */
	signalling_done *done;   /* HA_CLEAR, may be NULL */
	void *done_context;
	uint64_t tried;            /* data planes that could not serve it, bit: index */
	uint64_t servers;          /* those that are to serve it, bit: index */
	struct binding_record to;  /* once running: what the binding becomes */
	struct binding_more *more; /* once running: the further ones; NULL: none */
	struct binding *binding;   /* once running */
	struct signalling *owner;  /* once running */
	struct ha_request *next;   /* in the free list, or in `waiting` */
};
static_assert(sizeof(struct ha_request) == 360, "as documented");

/* A Binding Update for one of our addresses, decoded, its checksum right. */
void ha_receive(struct signalling *s, const struct receive_packet *packet, const struct mh *mh);

/* A blank request, or NULL: no memory. It is freed with what it owns. */
struct ha_request *ha_request_new(struct signalling *s, enum ha_request_kind kind);
void ha_request_free(struct signalling *s, struct ha_request *request);

/* Of a running request: the record of a BID in what it makes, or NULL. */
const struct binding_record *ha_request_record(const struct ha_request *r, uint16_t bid);

/* Of a running registration: the lifetime that it grants, in units of BINDING_LIFETIME_UNIT. */
uint16_t ha_request_granted(const struct ha_request *r);

/* What a registration makes of a binding that is `now` (RFC 6275, 10.3.1). */
void ha_register(struct signalling *s, const struct binding_record *now,
	const struct ha_update *update, uint32_t max_lifetime_s, struct binding_record *to);

/* What the end makes of a live binding: remembered for a while (10.3.2). update is NULL when it is
 * not its node's wish. */
void ha_deregister(struct signalling *s, const struct binding_record *now,
	const struct ha_update *update, struct binding_record *to);

/* How long a deleted binding is remembered, nanoseconds (RFC 6275, 10.3.2; RFC 4285, 6). */
uint64_t ha_remembered_ns(const struct signalling *s);

/* Longest lifetime that this subscriber gets, seconds. */
uint32_t ha_max_lifetime(const struct signalling *s, const struct subscriber *subscriber);
