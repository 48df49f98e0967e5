/*
 * The mobile access gateway of Proxy Mobile IPv6 (RFC 5213, 6): it sees a node on an access link,
 * registers it with the node's local mobility anchor, and advertises to the node alone the prefixes
 * that it was assigned. This is all that the rest of dmm-ctrl sees of it.
 *
 *   mag.c            attachments, what the operator asks for
 *   mag_start.c      what is attached from the start
 *   mag_register.c   Proxy Binding Updates and their answers (6.9.1, 6.9.4)
 *   mag_clock.c      our time of day is not that of an anchor (5.5)
 *   mag_peer.c       the anchors as peers: heartbeats (RFC 5847), notifications (RFC 7077)
 *   mag_revoke.c     Binding Revocation (RFC 5846, 9)
 *   mag_path.c       several ways to one anchor (RFC 8278)
 *   mag_delegation.c prefixes of networks behind nodes (RFC 7148)
 *   mag_link.c       the access link: solicitations, advertisements, is the node still there?
 *
 * What it needs from others it calls through `struct mag_ops`. Everything runs in the control
 * thread, nothing blocks.
 */
#pragma once

#include <jansson.h>
#include <uthash.h>

#include "common/wheel.h"
#include "ctrl/binding/attachment.h"
#include "ctrl/signalling/proxy/gre_policy.h"
#include "ctrl/signalling/proxy/heartbeat.h"
#include "ctrl/signalling/proxy/notice.h"
#include "ctrl/signalling/tracer.h"
#include "proto/channel/packet.h"
#include "proto/mobility/auth.h"
#include "proto/mobility/metrics.h"
#include "proto/mobility/mh.h"

struct mag;
struct receive_packet;

typedef void mag_done(void *context, int error);

/* A local mobility anchor. */
struct mag_anchor {
	const char *name;
	struct in6_addr address; /* LMAA */
	bool has_key;            /* false: something else protects its messages */
	uint32_t spi;
	uint8_t key[AUTH_KEY_SIZE];
};

/* An access link: a port of the data plane, of which there is one. */
struct mag_link {
	char port[OBJECT_PORT_NAME_MAX + 1];
	uint32_t domain; /* of nodes that are served there, by tunnels with keys (RFC 5845); 0: the
			  * public one */
	uint8_t access;  /* enum codes_access */
};

/* A way to all anchors, by an interface of the gateway towards them (RFC 8278). */
struct mag_path {
	uint8_t bid;
	uint8_t access;          /* enum codes_access */
	uint8_t label;           /* that rules name */
	struct in6_addr address; /* Proxy-CoA */
};

/* What is known of a mobile node (RFC 5213, 6.2). */
struct mag_profile {
	const char *mn_id;
	struct mac mac;                  /* of its interface */
	uint32_t domain;                 /* it is served on links of this one */
	const struct mag_anchor *anchor; /* of it */
	bool delegates;                  /* its anchor is asked for delegated prefixes (RFC 7148) */
	const struct prefix6 *delegated; /* for these */
	size_t delegated_count;          /* 0: for any; at most SESSION_DELEGATED_MAX */
	const struct mag_link *always_on; /* it is there from the start on, whether it is heard or
					   * not; NULL: it is where it is heard */
};

/* All of it is the caller's and outlives the gateway. */
struct mag_config {
	struct in6_addr address; /* Proxy-CoA; of the first path */
	const struct mag_path *paths;
	size_t path_count;          /* 0: one way; at most SESSION_PATHS_MAX */
	bool concurrent;            /* paths are registered all at once, not one by one */
	struct in6_addr link_local; /* of the router on all access links (6.9.3; RFC 6543) */
	const struct mag_link *links;
	size_t link_count;
	const struct mag_anchor *anchors;
	size_t anchor_count;
	const struct mag_profile *profiles;
	size_t profile_count;
	const char *identifier;     /* of the gateway, for anchors; NULL: none, no paths */
	uint32_t heartbeat_ms;      /* HEARTBEAT_INTERVAL (RFC 5847); 0: no requests */
	uint32_t heartbeats_missed; /* MISSING_HEARTBEATS_ALLOWED */
	uint32_t restart_counter;
	bool restart_fresh;  /* the attachments of before are lost: tell all anchors */
	uint32_t lifetime_s; /* asked for: a multiple of 4 */
	uint32_t mtu;        /* of the tunnel without GRE, told to nodes; 0: not told */
	bool numbered;       /* by several ways with keys, packets may have sequence numbers */
	enum mag_gre gre;
	uint32_t metrics_vendor;      /* of the option that tells anchors of paths (RFC 5094); 0:
				       * they are told nothing */
	uint32_t probe_ms;            /* a node that was silent so long is asked; 0: never */
	uint32_t probes;              /* unanswered ones after which it is gone */
	uint32_t hold_ms;             /* a refused node is tried again after this, when it speaks */
	uint32_t timestamp_window_ms; /* of revocations of anchors with a key; 0: none is asked for
				       */
};

enum mag_state {
	MAG_REGISTERING = 1, /* its anchor is asked for the first time */
	MAG_ATTACHED,        /* served; an update may be under way */
	MAG_DETACHING,       /* no longer served; its anchor is told */
	MAG_REFUSED,         /* its anchor does not want it */
};

/* Whether its anchor knows of several bindings. */
enum mag_multipath {
	MAG_MULTIPATH_UNKNOWN = 0,
	MAG_MULTIPATH_YES,
	MAG_MULTIPATH_NO,
};

/* What became of the wish for delegated prefixes. */
enum mag_delegation {
	MAG_DELEGATION_OFF = 0, /* there is none, or no answer yet */
	MAG_DELEGATION_GRANTED,
	MAG_DELEGATION_UNSUPPORTED, /* the anchor passes over it */
	MAG_DELEGATION_REFUSED,     /* not authorized: it is not asked again (177) */
	MAG_DELEGATION_IN_USE,      /* they are another's: asked again with the next extension */
};

/* The registration of a path, as long as it is not in the record. */
struct mag_way {
	bool asked;
	uint8_t tries, status;
	uint16_t sequence; /* of the last update */
	uint16_t granted;  /* lifetime, for the next commit; 0: none */
	struct in6_addr user_plane;
	enum session_gre gre; /* asked for */
	struct session_encapsulation encapsulation;
	uint64_t ask_ns, expires_ns;
};

/* An attachment and what is under way for it. `now` is what was last acknowledged by the anchor,
 * the store and the data plane; without lifetime it is not served. */
struct mag_attachment {
	struct attachment_record now;
	struct attachment_record to; /* while busy: what it becomes */
	enum mag_state state;
	bool busy;            /* the commit works on it */
	bool renews;          /* it is to be committed again as it is */
	bool leaves;          /* it is to be detached, as soon as nothing is under way */
	bool tells;           /* and its anchor is to be told */
	bool ends;            /* it is to be served no more: what failed of that is tried again */
	bool reordered;       /* the sequence number was put right since it was last accepted */
	bool bars;            /* and it is not to come back at once: MAG_REFUSED */
	bool asked;           /* a Proxy Binding Update waits for its answer */
	bool fresh;           /* ask for new prefixes, not for those that it has */
	uint8_t tries;        /* how often it was sent */
	uint8_t status;       /* of the last refusal */
	uint16_t sequence;    /* of the last update */
	uint8_t handoff;      /* that it said */
	enum session_gre gre; /* asked for with it */
	enum mag_delegation delegation;
	bool delegates;      /* asked for with it */
	bool delegates_anew; /* ask for any delegated prefixes, not for those that it has */
	bool always_on;      /* as its profile says */
	uint8_t way;         /* path that it went by, of config.paths */
	uint8_t access;      /* by which its anchor knows it, enum codes_access; 0: it does not */
	const struct mag_link *returns; /* it leaves, and is to be attached anew there; NULL: not */
	bool overwrites;                /* what the anchor has of other paths is to go */
	enum mag_multipath multipath;
	struct mag_way ways[SESSION_PATHS_MAX]; /* of config.paths */
	const struct mag_link *link;
	const struct mag_anchor *anchor;
	struct in6_addr address; /* that the node was last heard from; ::: none */
	uint8_t missed;          /* solicitations not answered since */
	/* CLOCK_MONOTONIC, UINT64_MAX: never */
	uint64_t ask_ns;              /* the answer is late */
	uint64_t refresh_ns;          /* to be extended */
	uint64_t end_ns;              /* of the lifetime */
	uint64_t probe_ns;            /* to be asked whether it is there */
	uint64_t again_ns;            /* a change that failed is tried again */
	uint64_t hold_ns;             /* MAG_REFUSED: until then it is not tried again */
	uint64_t doubt_ns;            /* until then its node may say that it is here */
	struct mag_revocation *doubt; /* that says that it is not; NULL: none */
	struct mag *owner;
	mag_done *done; /* of who waits for its end; may be NULL */
	void *done_context;
	struct wheel_timer timer;
	UT_hash_handle hh; /* by now.mac */
	uint8_t mn_id[];
};

/* What happened, for events and logs. */
enum mag_event_kind {
	MAG_EVENT_ATTACHED = 1,
	MAG_EVENT_MOVED,
	MAG_EVENT_DETACHED,
	MAG_EVENT_LOST,
	MAG_EVENT_EXPIRED,
	MAG_EVENT_REFUSED,
	MAG_EVENT_REVOKED,
};

struct mag_ops {
	void *context; /* first argument of each */

	/*
	 * Starts a transaction: the attachment of record->number becomes what the record says
	 * (lifetime 0: it is removed from everywhere). `good` is what it was when it was last
	 * acknowledged. Both are copied. `done` is called once, later, never from inside. A
	 * negative errno means that nothing was started.
	 */
	int (*commit)(void *context, const struct attachment_record *good,
		const struct attachment_record *record, mag_done *done, void *done_context);

	/* Sends a packet through the data plane. The frame is copied. */
	int (*inject)(void *context, const struct packet_inject *inject);

	/* Whether the data plane is there: without it nodes are neither asked nor heard. */
	bool (*reaches)(void *context);

	/* MAC of the port of a link; 0, or -ENOTCONN while it is not there. */
	int (*port)(void *context, const struct mag_link *link, struct mac *mac);

	/* What is measured of the paths to an anchor, which is told it with what is sent now; not
	 * without metrics_vendor. */
	void (*metrics)(
		void *context, const struct mag_anchor *anchor, struct metrics_list *metrics);

	/* Told of events; must not call functions that change state. */
	void (*event)(void *context, enum mag_event_kind kind, const struct mag_attachment *a);

	/* Told what became of an anchor, likewise. */
	void (*peer_event)(
		void *context, const struct mag_anchor *anchor, enum heartbeat_event event);

	uint64_t (*now_ns)(void *context);
	uint64_t (*real_ns)(void *context);
};

/* Copies ops and config (not what it points to). NULL with errno set. */
struct mag *mag_new(const struct mag_config *config, const struct mag_ops *ops);

/* Frees it with all attachments, without touching the store or a data plane. NULL is allowed. */
void mag_free(struct mag *mag);

/* Its timers, for loop_add_wheel(). */
struct wheel *mag_wheel(struct mag *mag);

/* Who is told of messages and events of nodes from now on. */
void mag_set_tracer(struct mag *mag, struct tracer tracer);

/*
 * At start: takes a record from the store. It is served, and registered again, a thousand nodes a
 * second. What the configuration no longer has (link, profile, its anchor or identifier) ends, and
 * the anchor is told if it is still known. -EEXIST for a second record of one interface;
 * -ENOMEM.
 */
int mag_restore(struct mag *mag, const struct attachment_record *record);

/* After that: attaches the nodes that are always on, a thousand a second. */
void mag_start(struct mag *mag);

/* Whether an address is a Proxy-CoA of the gateway. */
bool mag_is_own(const struct mag *mag, const struct in6_addr *address);

/* A message for it, decoded, its checksum right. */
void mag_receive(struct mag *mag, const struct receive_packet *packet, const struct mh *mh);

/* A packet that shows that somebody is there, of a port; false: of no access link. */
bool mag_neighbour(struct mag *mag, const struct receive_packet *packet);

/* The access link on this port, or the profile of this node; NULL: none. */
const struct mag_link *mag_link_find(const struct mag *mag, const char *port);
const struct mag_profile *mag_profile_find(const struct mag *mag, const char *mn_id);

/* The index of an access link. */
size_t mag_link_index(const struct mag *mag, const struct mag_link *link);

/* The profile of the node with this interface; NULL: none. */
const struct mag_profile *mag_profile_of(const struct mag *mag, const struct mac *mac);

/* The anchor with this address; NULL: none of the configuration. */
const struct mag_anchor *mag_anchor_at(const struct mag *mag, const struct in6_addr *address);

/* Attaches a node to a link, or moves it there; one that is still to leave an anchor that is not
 * its own any more is attached when that is done. 0; -EPERM: the link is of another domain than the
 * node; -ENOMEM. */
int mag_attach(struct mag *mag, const struct mag_profile *profile, const struct mag_link *link);

/* The attachment of a node, NULL: it has none. */
struct mag_attachment *mag_find(const struct mag *mag, const struct mac *mac);

/* Detaches a node. `done` (may be NULL) is called once, when it is no longer served, later or from
 * inside. 0, or -EALREADY: it leaves already, and done is not called. */
int mag_detach(struct mag *mag, struct mag_attachment *a, mag_done *done, void *done_context);

/* What data planes are told of attachments with several paths to the anchor of this name (NULL: to
 * any) has changed: each of them is committed again as it is. */
void mag_renew_paths(struct mag *mag, const char *anchor);

/* Has an anchor told what is measured of the paths to it, by extending the registration of some
 * node that has several. False: there is none at the moment. */
bool mag_tell_metrics(struct mag *mag, const struct mag_anchor *anchor);

/* How an anchor took a notice. */
typedef void mag_noticed(void *context, enum notice_end end, uint8_t status);

/*
 * Tells an anchor that all that it has of this gateway is over (RFC 5846, 9.2), and serves none of
 * it any longer. `done` (may be NULL) is called once, later. 0; -EPERM: the gateway has no
 * identifier; -EOPNOTSUPP, -ENOMEM or -ENOBUFS.
 */
int mag_revoke(struct mag *mag, const struct mag_anchor *anchor, mag_noticed *done, void *context);

/* An anchor by its index, NULL behind the last; how its heartbeats stand; one by its name. */
const struct mag_anchor *mag_anchor_next(const struct mag *mag, size_t index);
const struct heartbeat_peer *mag_peer_heartbeat(const struct mag *mag, size_t index);

/* How far an anchor's time of day is ahead of ours, or behind it (less than 0), as its last refusal
 * for that told. False: no update was refused for it since one was accepted. */
bool mag_clock_offset_ms(const struct mag *mag, size_t index, int64_t *ms);
const struct mag_anchor *mag_anchor_find(const struct mag *mag, const char *name);

/* The attachment after prev, the first for NULL; NULL at the end. */
const struct mag_attachment *mag_next(const struct mag *mag, const struct mag_attachment *prev);

/* A new JSON object of all counters, {name: value}; the caller owns it. NULL: no memory. */
json_t *mag_counters(const struct mag *mag);

/* The counters themselves, in the order of enum mag_counter; they live as long as it. */
const uint64_t *mag_values(const struct mag *mag);

/* Names of a state ("attached"), of an event ("moved") and of what became of a wish ("granted");
 * "unknown" for others. */
const char *mag_delegation_name(enum mag_delegation delegation);
const char *mag_state_name(enum mag_state state);
const char *mag_event_name(enum mag_event_kind kind);
