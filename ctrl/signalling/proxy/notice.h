/*
 * Notices between an anchor and a gateway that want an acknowledgement: Binding Revocation
 * Indications (RFC 5846, 6) and Update Notifications (RFC 7077, 5). Each is sent again once when no
 * answer came in time, perhaps by another way, as both RFCs have it by default, and then given up.
 * Where a key protects them, indications carry a timestamp: see proxy_peer_is_fresh().
 *
 * A hash table by number; about 500 octets a notice. For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/wheel.h"
#include "ctrl/binding/session.h"
#include "ctrl/signalling/proxy/proxy_peer.h"
#include "ctrl/signalling/tracer.h"

enum notice_kind {
	NOTICE_REVOCATION = 1, /* Binding Revocation Indication, P flag set */
	NOTICE_UPDATE,         /* Update Notification with the A flag */
};

/* What became of one. */
enum notice_end {
	NOTICE_ANSWERED = 1, /* with a status */
	NOTICE_UNANSWERED,
	NOTICE_UNSUPPORTED, /* the peer does not know such messages (RFC 6275, 9.2: Binding Error 2)
			     */
};

typedef void notice_done(void *context, enum notice_end end, uint8_t status);

/* What to say; copied, with the octets of mn_id. */
struct notice {
	enum notice_kind kind;
	struct proxy_peer peer;  /* its key outlives the notice */
	struct proxy_peer again; /* the same, or another way to it: for the second time */
	struct in6_addr care_of; /* revocation of all by another address than ours; ::: by ours */
	uint16_t reason;         /* enum codes_bri or enum codes_upn */
	bool global;             /* revocation: the G flag */
	struct session_mn_id mn_id; /* len 0: none */
	uint8_t prefix_count;
	struct prefix6 prefixes[SESSION_PREFIXES_MAX];
};

struct notices;

struct notices_ops {
	void *context;
	const struct tracer *tracer; /* who is told of them; outlives the notices */
	/* Sends an IPv6 packet by the routes of a data plane. */
	void (*send)(void *context, const uint8_t *ip, size_t len);
	/* The wheel's clock, and the time of day. */
	uint64_t (*now_ns)(void *context);
	uint64_t (*real_ns)(void *context);
};

/* NULL: no memory. hmac and wheel are the caller's and outlive it. */
struct notices *notices_new(const struct notices_ops *ops, struct hmac *hmac, struct wheel *wheel);

/* Frees all without calling done. NULL is allowed. */
void notices_free(struct notices *notices);

/*
 * Sends a notice. `done` (may be NULL) is called once, later. 0; -ENOMEM; -ENOBUFS: too many are
 * under way; -EOPNOTSUPP: the peer has said that it does not know this kind; nothing is sent then.
 */
int notices_start(
	struct notices *notices, const struct notice *notice, notice_done *done, void *context);

/* A Binding Revocation Acknowledgement, an Update Notification Acknowledgement, or a Binding Error
 * from who may be a peer. Returns whether it ends one that is under way. */
bool notices_answer(
	struct notices *notices, const struct receive_packet *packet, const struct mh *mh);

/* Name of an end ("answered"); "unknown" for others. */
const char *notice_end_name(enum notice_end end);

/* Under way now. */
size_t notices_count(const struct notices *notices);
