/*
 * The local mobility anchor of Proxy Mobile IPv6 (RFC 5213, 5): Proxy Binding Updates in,
 * transactions and Proxy Binding Acknowledgements out. This is all that the rest of dmm-ctrl sees
 * of it.
 *
 *   lma.c           a Proxy Binding Update, from the decoded message to a request; start and end
 *   lma_check.c     the tests that it has to pass, in the order of 5.3.1
 *   lma_lookup.c    which session it is about (5.4.1)
 *   lma_path.c      sessions with several bindings (RFC 8278)
 *   lma_prefix.c    profiles of nodes, pools, and the prefixes of a new session (5.3.2)
 *   lma_queue.c     requests of one session in order, through the commit
 *   lma_delegation.c  delegated mobile network prefixes (RFC 7148)
 *   lma_gre.c       GRE encapsulation and keys (RFC 5845)
 *   lma_serving.c   data planes, and LMA User-Plane Addresses (RFC 7389)
 *   lma_reply.c     the Proxy Binding Acknowledgement (5.3.6)
 *   lma_peer.c      the gateways as peers: heartbeats (RFC 5847)
 *   lma_revoke.c    Binding Revocation (RFC 5846) and Update Notification (RFC 7077)
 *
 * What it needs from others it calls through `struct lma_ops`. Everything runs in the control
 * thread, nothing blocks.
 */
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wheel.h"
#include "ctrl/binding/session_cache.h"
#include "ctrl/signalling/proxy/gre_policy.h"
#include "ctrl/signalling/proxy/heartbeat.h"
#include "ctrl/signalling/proxy/notice.h"
#include "ctrl/signalling/signalling.h"
#include "proto/channel/packet.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/metrics.h"
#include "proto/mobility/mh.h"

struct lma;
struct receive_packet;

/* Outcome of a transaction: 0, or why not: see ctrl/commit.h. */
typedef void lma_done(void *context, int error);

/* A mobile access gateway that may register nodes. */
struct lma_peer {
	const char *name;
	const char *identifier; /* by which it may revoke all that it has (RFC 5846, 8.2); NULL: it
				 * may not */
	const struct in6_addr *addresses; /* its messages come from, and tunnels lead to, these */
	size_t address_count;
	bool has_key; /* false: something else protects its messages */
	uint32_t spi;
	uint8_t key[AUTH_KEY_SIZE];
};

/* Prefixes that nodes are given. */
struct lma_pool {
	const char *name;
	struct prefix6 range;
	uint8_t length;  /* of a prefix */
	uint32_t domain; /* 0: the public one */
};

/* What nodes with a name may have. */
struct lma_profile {
	const char *match; /* an identifier, "@realm" for all of a realm, or "*" for all */
	uint32_t domain;  /* that its prefixes are of, 0: the public one; with another, tunnels have
			   * keys (RFC 5845) */
	bool enabled;     /* false: known, but not to be served (status 152) */
	const char *pool; /* its prefixes come from here; NULL: from `prefixes` alone */
	uint8_t per_session;            /* prefixes of a session, from the pool */
	const struct prefix6 *prefixes; /* its own, given to its first session */
	size_t prefix_count;            /* at most SESSION_PREFIXES_MAX */
	const char *delegated_pool;     /* prefixes that are delegated to it come from here; NULL */
	uint8_t delegated_per_session;  /* of them */
	const struct prefix6 *delegated; /* its own, delegated to its first session that asks */
	size_t delegated_count;          /* at most SESSION_DELEGATED_MAX */
	uint32_t max_lifetime_s;         /* 0: that of the anchor */
	bool multipath;                  /* its sessions may have several bindings */
};

/* All of it is the caller's and outlives the anchor. */
struct lma_config {
	const struct in6_addr *addresses; /* our own: LMAA */
	size_t address_count;
	const struct lma_peer *peers;
	size_t peer_count;
	const struct lma_pool *pools;
	size_t pool_count;
	const struct lma_profile *profiles;
	size_t profile_count;
	uint32_t max_lifetime_s;
	uint32_t max_sessions;
	bool timestamps;              /* TimestampBasedApproachInUse: an update must have one */
	uint32_t timestamp_window_ms; /* TimestampValidityWindow: 300 */
	uint32_t delete_delay_ms;     /* MinDelayBeforeBCEDelete: 10000 */
	uint32_t assign_delay_ms;     /* MaxDelayBeforeNewBCEAssign: 1500; 0: no wait */
	uint32_t refusals_per_second; /* to strangers, at least 1; the burst too */
	uint32_t max_paths; /* bindings of a session, up to SESSION_PATHS_MAX; 0: only one, and who
			     * asks for more is refused (RFC 8278, 4.3) */
	bool user_planes;   /* Domain-wide-LMA-UPA-Support (RFC 7389, 5): gateways that do not ask
			     * where to tunnel are told, too */
	enum lma_gre gre;
	uint32_t metrics_vendor;    /* of the option by which gateways tell of paths (RFC 5094); 0:
				     * it is not looked at */
	bool revokes;               /* tells the gateway that a node has left (RFC 5846, 8.1) */
	uint32_t heartbeat_ms;      /* HEARTBEAT_INTERVAL (RFC 5847); 0: no requests */
	uint32_t heartbeats_missed; /* MISSING_HEARTBEATS_ALLOWED */
	uint32_t restart_counter;
	bool restart_fresh; /* the sessions of before are lost: tell all gateways */
};

/* What happened to a session, for events and logs. */
enum lma_event_kind {
	LMA_REGISTERED = 1,
	LMA_EXTENDED,
	LMA_HANDED_OVER,
	LMA_DEREGISTERED,
	LMA_EXPIRED,
	LMA_CLEARED,
	LMA_LEFT, /* its gateway revoked it, or lost it */
	LMA_REFUSED,
	LMA_PATH_ADDED, /* to a session, which had others */
	LMA_PATH_ENDED, /* of a session, which has others */
};

/* An event. Pointers live during the call only. */
struct lma_event {
	enum lma_event_kind kind;
	const struct session *session; /* as it is now; when it ends, as it was; NULL: REFUSED */
	const char *mn_id;             /* for people; NULL: the message did not name one */
	struct in6_addr care_of;
	uint8_t bid;    /* of the path; 0: it is not one of several */
	uint8_t status; /* REFUSED: enum status_ba; else 0 */
};

struct lma_ops {
	void *context; /* first argument of each */

	/*
	 * Starts a transaction: the session of record->number becomes what the record says
	 * (SESSION_NONE: it is removed from everywhere). `good` is what it was when it was last
	 * acknowledged. Both are copied. `done` is called once, later, never from inside. A
	 * negative errno means that nothing was started.
	 */
	int (*commit)(void *context, const struct session_record *good,
		const struct session_record *record, lma_done *done, void *done_context);

	/* The data plane that is to serve a Proxy-CoA: its id, 0 when data planes have no
	 * addresses. 0 or more, or -ENOTCONN: none is left. */
	int (*serve)(void *context, const struct in6_addr *care_of, uint64_t *data_plane);

	/* Where tunnels that it serves end. False: there is no such data plane. */
	bool (*tunnel_address)(void *context, uint64_t data_plane, struct in6_addr *address);

	/* Sends a packet through a data plane; NULL: any that is there. The frame is copied. */
	int (*inject)(void *context, const char *data_plane, const struct packet_inject *inject);

	/* A gateway tells what it measures of the paths to it; not without metrics_vendor. */
	void (*metrics)(
		void *context, const struct lma_peer *peer, const struct metrics_list *metrics);

	/* Told of events; must not call functions that change state. */
	void (*event)(void *context, const struct lma_event *event);

	/* Told what became of a gateway, likewise. */
	void (*peer_event)(void *context, const struct lma_peer *peer, enum heartbeat_event event);

	/* loop_now_ns(), the wheel's clock, and loop_real_ns(). */
	uint64_t (*now_ns)(void *context);
	uint64_t (*real_ns)(void *context);
};

/* Copies ops and config (not what it points to). NULL with errno set: ENOMEM, or EINVAL for pools
 * that are too large. */
struct lma *lma_new(const struct lma_config *config, const struct lma_ops *ops);

/* Frees it with all sessions, without touching the store or a data plane. No `done` may come any
 * more. NULL is allowed. */
void lma_free(struct lma *lma);

/* Who is told of messages and events of nodes from now on. */
void lma_set_tracer(struct lma *lma, struct tracer tracer);

/* Its timers, for loop_add_wheel(). */
struct wheel *lma_wheel(struct lma *lma);

/*
 * At start: takes a record from the store, and its prefixes out of their pools. What ended
 * meanwhile ends through a transaction as soon as the wheel turns. -EEXIST for a second record of
 * one number or prefix; -EINVAL for one without life; -ENOMEM.
 */
int lma_restore(struct lma *lma, const struct session_record *record);

/* Whether an address is one of the anchor's. */
bool lma_is_own(const struct lma *lma, const struct in6_addr *address);

/* A message for one of the anchor's addresses, decoded, its checksum right. */
void lma_receive(struct lma *lma, const struct receive_packet *packet, const struct mh *mh);

/*
 * Ends a session as if its lifetime had run out. `done` (may be NULL) is called once, later or from
 * inside. Returns 0, -EALREADY (somebody else ends it: done is not called) or -ENOMEM.
 */
int lma_clear(struct lma *lma, struct session *session, lma_done *done, void *done_context);

/*
 * What data planes are told of sessions with several bindings at the gateway of this name (NULL: at
 * any) has changed: each of them is committed again as it is.
 */
void lma_renew_paths(struct lma *lma, const char *gateway);

/*
 * Has sessions served by other data planes, as the wish says of each of their Proxy-CoAs: up to
 * `budget` of them from where *at (0: the first) points to. Their gateways are asked to register
 * them again, and learn of it then (RFC 7077, 7389). Those that have a change under way are added
 * to *busy. True: there are more, or the wish was to stop; *at says where to go on.
 */
bool lma_redirect(struct lma *lma, uint64_t *at, size_t budget, signalling_wish_fn *wish,
	void *context, size_t *busy);

/* How the gateway of a session took a notice. */
typedef void lma_noticed(void *context, int error, enum notice_end end, uint8_t status);

/*
 * Revokes a session (RFC 5846, 8.1): its gateway is told, and when it has answered, or does not,
 * the session ends as by lma_clear(). `done` (may be NULL) is called once, later or from inside:
 * error is that of the end. Returns 0, -EALREADY, -ENOMEM or -ENOBUFS; done is not called then.
 */
int lma_revoke(struct lma *lma, struct session *session, lma_noticed *done, void *context);

/* Asks the gateway of a live session to register it again (RFC 7077, 5). `done` (may be NULL) is
 * called once, later. 0, -ENOENT (it is not live), -EOPNOTSUPP, -ENOMEM or -ENOBUFS. */
int lma_renew(struct lma *lma, const struct session *session, lma_noticed *done, void *context);

/* A gateway by its index, NULL behind the last; and how its heartbeats stand. */
const struct lma_peer *lma_peer_next(const struct lma *lma, size_t index);
const struct heartbeat_peer *lma_peer_heartbeat(const struct lma *lma, size_t index);

/* The cache, for reading. */
struct session_cache *lma_cache(struct lma *lma);

/* Sessions that are live. */
size_t lma_live(const struct lma *lma);

/* How a pool stands. Returns false for an index behind the last. */
struct lma_pool_state {
	const struct lma_pool *pool;
	size_t size, used;
};
bool lma_pool_state(const struct lma *lma, size_t index, struct lma_pool_state *state);

/* The pool that a prefix is of; NULL: none, it is of a profile. */
const struct lma_pool *lma_pool_of(
	const struct lma *lma, uint32_t domain, const struct prefix6 *prefix);

/* The peer that has this address, or NULL. */
const struct lma_peer *lma_peer_find(const struct lma *lma, const struct in6_addr *address);

/* A new JSON object of all counters, {name: value}; the caller owns it. NULL: no memory. */
json_t *lma_counters(const struct lma *lma);

/* The counters themselves, in the order of enum lma_counter; they live as long as it. */
const uint64_t *lma_values(const struct lma *lma);

/* Name of an event ("handed-over"); "unknown" for others. */
const char *lma_event_name(enum lma_event_kind kind);
