/*
 * The state of the local mobility anchor, shared by its files and by nobody else.
 */
#pragma once

#include "common/hmac.h"
#include "common/token_bucket.h"
#include "ctrl/binding/prefix_pool.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/lma/lma_counter.h"
#include "ctrl/signalling/receive.h"
#include "proto/channel/update.h"

enum {
	LMA_PREFIXES_MAX = 8, /* options of one kind with prefixes that are looked at */
};

/*
 * A Proxy Binding Update reduced to what deciding and answering need. `mn_id` points into the
 * message until the update is taken by a session, then to the session's node.
 */
struct lma_update {
	struct session_mn_id mn_id; /* len 0: it named no node */
	struct in6_addr src;        /* where the answer goes */
	struct in6_addr care_of;    /* Proxy-CoA: the source, or the alternate care-of address */
	struct in6_addr anchor;     /* address of ours that it was sent to */
	struct in6_addr link_local; /* of its option */
	uint64_t timestamp;
	uint16_t sequence, flags, lifetime;
	uint8_t access, handoff; /* 0: no option */
	bool has_timestamp, has_link_id, has_link_local;
	bool has_user_plane;                /* asks where to tunnel (RFC 7389) */
	bool has_gre, gre_tlv;              /* asks for GRE (RFC 5845); behind a TLV header, too */
	struct field_optional downlink_key; /* has_gre */
	struct session_link_id link_id;
	uint8_t prefix_count; /* Home Network Prefix options, up to LMA_PREFIXES_MAX */
	struct prefix6 prefixes[LMA_PREFIXES_MAX];
	bool delegates, delegates_any; /* asks for delegated prefixes (RFC 7148), whichever */
	uint8_t delegated_count;       /* up to LMA_PREFIXES_MAX */
	struct prefix6 delegated[LMA_PREFIXES_MAX];
	const struct lma_peer *peer;           /* NULL: a stranger */
	bool has_multipath, has_mag_id;        /* RFC 8278 */
	struct option_mag_multipath multipath; /* has_multipath */
	char data_plane[UPDATE_NAME_MAX + 1];
};

enum lma_request_kind {
	LMA_REGISTER = 1, /* by a Proxy Binding Update */
	LMA_DEREGISTER,   /* by one with lifetime 0 */
	LMA_EXPIRE,       /* the lifetime is over */
	LMA_FORGET,       /* the prefixes of a deregistered one need not be kept any longer */
	LMA_CLEAR,        /* the operator ends it */
	LMA_RENEW,        /* it stays as it is; data planes are to know it differently */
	LMA_LEAVE,        /* its gateway has it no longer */
};

/* A change that a session waits for, from a free list. */
struct lma_request {
	enum lma_request_kind kind;
	struct lma_update update; /* LMA_REGISTER, LMA_DEREGISTER */
	lma_done *done;           /* LMA_CLEAR, LMA_LEAVE, may be NULL */
	void *done_context;
	struct session_record to; /* once running */
	struct session *session;  /* once running */
	struct lma *owner;        /* once running */
	struct lma_request *next; /* in the free list, or behind it in the queue */
};

/* What is registered by an address of a gateway. */
struct lma_peer_way {
	struct in6_addr own; /* address of ours that was asked */
	uint64_t active_ns;  /* it can have sessions until then, CLOCK_MONOTONIC */
};

/* What is known of a gateway, beside its heartbeats. */
struct lma_peer_state {
	struct lma_peer_way *ways; /* by each of its addresses */
	size_t heard_by;           /* of these, that which it was heard by last */
	uint64_t indicated;        /* timestamp of its last Binding Revocation Indication */
};

struct lma {
	struct lma_config config;
	struct lma_ops ops;
	struct hmac *hmac;
	struct session_cache *cache;
	struct prefix_pool **pools;    /* config.pool_count of them */
	struct lma_match *matches;     /* config.profile_count of them */
	struct lma_match *by_match;    /* the same, hashed by their text */
	bool delegates;                /* some profile has prefixes to delegate */
	size_t strays;                 /* prefixes of sessions that no pool or profile has now */
	struct lma_request *requests;  /* free list */
	size_t live;                   /* sessions that are SESSION_LIVE */
	struct token_bucket strangers; /* refusals that they may be sent */
	uint64_t counters[LMA_COUNTERS];
	struct heartbeat *heartbeat;
	struct notices *notices;
	struct lma_peer_state *peer_states; /* config.peer_count of them */
	struct lma_about *abouts;           /* notices that somebody waits for */
	struct lma_batch *batches;          /* revocations by gateways that are under way */
	struct tracer tracer;
	struct wheel wheel;
};

static inline void lma_count(struct lma *lma, enum lma_counter counter)
{
	counter_add(&lma->counters[counter], 1);
}

static inline uint64_t lma_now(const struct lma *lma)
{
	return lma->ops.now_ns(lma->ops.context);
}

static inline uint64_t lma_real(const struct lma *lma)
{
	return lma->ops.real_ns(lma->ops.context);
}

/* lma_check.c */

enum lma_outcome {
	LMA_PASS = 0,
	LMA_DROP,   /* silently, under `counter` */
	LMA_REFUSE, /* with a Proxy Binding Acknowledgement of `status` */
};

struct lma_verdict {
	enum lma_outcome outcome;
	enum lma_counter counter;
	uint8_t status;
};

/* What an update is to do. */
enum lma_act {
	LMA_ACT_NEW = 0, /* makes a session */
	LMA_ACT_UPDATE,  /* changes `session` */
	LMA_ACT_WAIT,    /* waits for the end of `session`, then for a while, and makes one */
	LMA_ACT_IGNORE,  /* a deregistration of what is not there */
	LMA_ACT_REFUSE,  /* with `status` */
};

struct lma_found {
	enum lma_act act;
	struct session *session;
	uint8_t status;
};

/* An update under test. */
struct lma_check {
	struct lma *lma;
	const uint8_t *octets; /* the message as it came */
	const struct mh *mh;
	const struct lma_update *update;
	/* Found by the tests: */
	bool authentic; /* the answer may be signed */
	const struct lma_profile *profile;
	struct session_node *node; /* NULL: it has no session */
	struct lma_found found;
};

/* Runs the tests of RFC 5213, 5.3.1, in their order, up to the first that fails. No effect on
 * anything but counters and the limit of refusals. */
struct lma_verdict lma_check(struct lma_check *c);

/* lma_lookup.c */

/* Which session an update of this node (NULL: it has none), whose prefixes are of a domain, is
 * about: RFC 5213, 5.4.1. */
struct lma_found lma_lookup(struct lma *lma, const struct session_node *node, uint32_t domain,
	const struct lma_update *update);

/* What a session is known by when the newest update that it has taken is done. */
struct lma_identity {
	const struct in6_addr *care_of;
	uint8_t access;
	const struct session_link_id *link_id;
};
struct lma_identity lma_identity(const struct session *session);

/* lma_path.c */

/* RFC 8278, 4.1, 4.3 and 4.4: option and node allow it. */
struct lma_verdict lma_path_check(struct lma_check *c);

/* Whether the session that was found has room for the binding. */
struct lma_verdict lma_path_check_room(struct lma_check *c);

/* What a registration that is taken tells of paths (RFC 5094). */
void lma_path_metrics(struct lma *lma, const struct lma_update *u, const struct mh *mh);

/* The timestamp that one of an update has to exceed: of the same binding, or of all of the node. */
uint64_t lma_path_last_timestamp(const struct lma_check *c);

/* Whether the session, when what is under way is done, has several bindings at the gateway that
 * sent an update. */
bool lma_path_is_here(
	const struct lma *lma, const struct session *session, const struct lma_update *u);

/* What an accepted registration makes of the bindings of a session; `to` has care_of, anchor,
 * lifetime and expires_ns of the update. */
void lma_path_register(const struct lma *lma, const struct session_record *now,
	const struct lma_update *u, struct session_record *to);

/* The end of one, or of those whose time is over. False: none is left. */
bool lma_path_deregister(const struct lma_update *u, struct session_record *to);
bool lma_path_expire(uint64_t real_ns, struct session_record *to);

/* When the first binding of a session ends, or the session without. */
uint64_t lma_path_first_end(const struct session_record *record);

/* lma_serving.c */

/* Whether an update asks for the address of the user plane. One for IPv4 transport is not known. */
void lma_serving_read(const struct mh *mh, struct lma_update *u);

/* The data plane for a Proxy-CoA, 0: tunnels end at the address that was asked. */
uint64_t lma_serving_choose(const struct lma *lma, const struct in6_addr *care_of);

/* Chooses anew for what a data plane of its own serves; and whether that makes a difference. */
void lma_serving_renew(const struct lma *lma, struct session_record *to);
bool lma_serving_differs(const struct session_record *a, const struct session_record *b);

/* Adds the address of a data plane to an answer; 0: none. */
void lma_serving_add(const struct lma *lma, uint64_t data_plane, struct mh *mh);

/* lma_prefix.c */

/* Makes the pools and the index of profiles. 0, -EINVAL or -ENOMEM. */
int lma_prefix_open(struct lma *lma);
void lma_prefix_close(struct lma *lma);

/* The pool of this name; NULL for none. */
struct prefix_pool *lma_pool_named(const struct lma *lma, const char *name);

/* The profile of a node: of its own name, else of its realm, else of all; NULL: none. */
const struct lma_profile *lma_profile_find(
	const struct lma *lma, const struct session_mn_id *mn_id);

/*
 * Takes the prefixes of a new session (5.3.2): those that the update names, else those of the
 * profile. Returns 0, or the status with which that fails; nothing is taken then.
 */
uint8_t lma_prefix_take(struct lma *lma, const struct lma_profile *profile,
	const struct lma_update *update, struct session_record *record);

/* Whether a prefix of a profile of this domain is a session's, or is now and overlaps one: that can
 * only be when the configuration was another when the session began. */
bool lma_prefix_in_use(const struct lma *lma, uint32_t domain, const struct prefix6 *prefix);

/*
 * At start: takes the prefixes of a record out of their pools, delegated ones too, and out of pools
 * that give others now those that overlap them. 0 or -ENOMEM.
 */
int lma_prefix_restore(struct lma *lma, const struct session_record *record);

/* Gives one back that the session of a record had. */
void lma_prefix_give_back(
	struct lma *lma, const struct session_record *record, const struct prefix6 *prefix);

/* Gives the prefixes of a record back, delegated ones too. */
void lma_prefix_release(struct lma *lma, const struct session_record *record);

/* lma_delegation.c */

/* What a message asks for; nothing, where no profile has prefixes to delegate (RFC 7148, 5.2.2).
 * Prefixes of IPv4 are passed over. */
void lma_delegation_read(const struct lma *lma, const struct mh *mh, struct lma_update *u);

/* Whether nodes with this profile may have delegated prefixes; refused if they ask and may not. */
bool lma_delegation_allowed(const struct lma_profile *profile);
struct lma_verdict lma_delegation_check(struct lma_check *c);

/*
 * Takes the prefixes that a registration asks for into to->delegated, none without a wish: those of
 * session->now that it still wants, and others, which the session holds from now on. Returns 0, or
 * the status with which that fails; nothing is taken then.
 */
uint8_t lma_delegation_take(struct lma *lma, struct session *session, const struct lma_update *u,
	struct session_record *to);

/* Gives back the delegated prefixes of one record of a session, but for those of the other. */
void lma_delegation_settle(struct lma *lma, struct session *session,
	const struct session_record *of, const struct session_record *but);

/* Adds the options to an answer; bound as in lma_accept(), NULL: refused. */
void lma_delegation_add(
	const struct lma_update *u, const struct session_record *bound, struct mh *mh);

/* lma_gre.c */

/* What a message asks for. */
void lma_gre_read(const struct mh *mh, struct lma_update *u);

/* RFC 5845, 3.3.2 and 5.2: refused without the option where GRE is required. */
struct lma_verdict lma_gre_check(struct lma_check *c);

/* How what it registers is tunnelled. */
struct session_encapsulation lma_gre_of(const struct lma *lma, const struct lma_update *u);

/* Adds the option for a registration with this encapsulation, of the session with this number.
 * Returns the status with which that is accepted. */
uint8_t lma_gre_add(const struct lma *lma, const struct lma_update *u, uint64_t number,
	const struct session_encapsulation *e, struct mh *mh);

/* lma_queue.c */

/* A blank request, or NULL: no memory. */
struct lma_request *lma_request_new(struct lma *lma, enum lma_request_kind kind);
void lma_request_free(struct lma *lma, struct lma_request *request);

/* A session that is only about to be made, with prefixes and identifier. */
void lma_session_init(struct session *session);

/* Puts a request behind the one that runs; it replaces those that still wait, but for those of
 * other bindings of the session (RFC 8278). The session may be gone afterwards. */
void lma_queue_put(struct lma *lma, struct session *session, struct lma_request *request);

/* Keeps a registration until the session ends, or for a while. */
void lma_queue_park(struct lma *lma, struct session *session, struct lma_request *request);

/* The wait of what is parked is over (RFC 5213, 5.4.1.2, 4). */
void lma_queue_unpark(struct lma *lma, struct session *session);

/* Ends a live session whose gateway has it no longer; its prefixes are kept for a while, as after a
 * deregistration. `done` (may be NULL) is called once, later. 0, -EALREADY or -ENOMEM. */
int lma_leave(struct lma *lma, struct session *session, lma_done *done, void *done_context);

/* Sets end_ns by a record that is a new fact, or one of an earlier process: the time of day may
 * have been set back meanwhile, it gets no more than it was granted. */
void lma_session_begin(struct lma *lma, struct session *session);

/* Nothing is under way: the timer follows from end_ns; a session without life is gone. */
void lma_session_rest(struct lma *lma, struct session *session);

/* Forgets all requests of a session, and its timer. */
void lma_queue_forget(struct lma *lma, struct session *session);

/* lma_peer.c */

/* Makes heartbeats and notices. 0 or -ENOMEM. */
int lma_peer_open(struct lma *lma);
void lma_peer_close(struct lma *lma);

/* A gateway at one of its addresses. */
struct proxy_peer lma_peer_at(
	const struct lma_peer *peer, const struct in6_addr *own, const struct in6_addr *care_of);

/* The gateway of a session: at the address of the binding that it was heard by last, after tries in
 * vain at that of another, if there is (RFC 8278). It must be one of the configuration. */
struct proxy_peer lma_peer_of(
	const struct lma *lma, const struct session_record *record, uint32_t tries);

/* Its gateway has this session. */
void lma_peer_active(struct lma *lma, const struct session *session);

/* A message that is no Proxy Binding Update. */
void lma_peer_receive(struct lma *lma, const struct receive_packet *packet, const struct mh *mh);

/* lma_revoke.c */

/* The node has gone to another gateway: the one before is told. */
void lma_revoke_before(
	struct lma *lma, const struct session_record *before, const struct session_record *to);

/* A registration is parked at this session: its gateway is asked whether the node has left. */
void lma_revoke_parked(struct lma *lma, const struct session *session);

/* Frees what is under way. */
void lma_revoke_close(struct lma *lma);

/* A Binding Revocation Indication of a gateway, authentic. */
void lma_revoke_receive(struct lma *lma, const struct lma_peer *peer,
	const struct receive_packet *packet, const struct mh *mh);

/* lma.c */

/* Begins a new session for an update: prefixes, cache, first request. Refuses it if it cannot. */
void lma_create(
	struct lma *lma, const struct lma_profile *profile, const struct lma_update *update);

/* lma_reply.c */

/* Answers an update that is done; bound is what it has made. lma_accept_end: a deregistration. */
void lma_accept(
	struct lma *lma, const struct lma_update *update, const struct session_record *bound);
void lma_accept_end(
	struct lma *lma, const struct lma_update *update, const struct session_record *bound);

/* Answers with a status of 128 or more; `authentic` as in struct lma_check. */
void lma_refuse(struct lma *lma, const struct lma_update *update, bool authentic, uint8_t status,
	uint16_t sequence);
