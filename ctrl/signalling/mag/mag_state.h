/*
 * The state of the mobile access gateway, shared by its files and by nobody else.
 */
#pragma once

#include "common/hmac.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/mag/mag_counter.h"

/* What an anchor has shown of GRE. */
enum mag_gre_known {
	MAG_GRE_UNKNOWN = 0,
	MAG_GRE_UNSUPPORTED, /* it passed over the option: it is not asked again (RFC 5845, 4.2) */
	MAG_GRE_WANTED,      /* it refused a registration without it */
};

/* What an anchor has said of our time of day. */
struct mag_clock {
	bool is_known;   /* it refused the last update for our time */
	bool is_off;     /* somebody waits until ours is right */
	bool is_right;   /* another one was accepted since */
	int64_t offset;  /* its time less ours then, in 1/65536 s */
	int64_t bearing; /* of our time then, so that it is seen to be set */
};

struct mag {
	struct mag_config config;
	struct mag_ops ops;
	struct hmac *hmac;
	uint8_t metrics[METRICS_DATA_MAX]; /* of the message that is being made */
	struct mag_attachment *attachments;
	const struct mag_profile **by_mac; /* all of config.profiles, in ascending order */
	uint64_t last_number;
	uint16_t sequence; /* one counter for all updates, so that answers can be matched */
	struct heartbeat *heartbeat;
	struct notices *notices;
	enum mag_gre_known *gre_known;      /* of each anchor */
	uint8_t *heard_by;                  /* of each anchor: path that it was heard by last */
	struct mag_clock *clocks;           /* of each anchor */
	struct wheel_timer clock_timer;     /* when ours is looked at next */
	uint64_t *indicated;                /* of each anchor: timestamp of its last revocation */
	struct mag_revocation *revocations; /* by anchors, under way */
	struct mag_told *tolds;             /* revocations by us that somebody waits for */
	uint64_t counters[MAG_COUNTERS];
	struct tracer tracer;
	struct wheel wheel;
};

static inline void mag_count(struct mag *mag, enum mag_counter counter)
{
	counter_add(&mag->counters[counter], 1);
}

static inline uint64_t mag_now(const struct mag *mag)
{
	return mag->ops.now_ns(mag->ops.context);
}

static inline uint64_t mag_real(const struct mag *mag)
{
	return mag->ops.real_ns(mag->ops.context);
}

static inline bool mag_is_served(const struct mag_attachment *a)
{
	return a->now.lifetime != 0;
}

/* What is left of the lifetime; not more than was granted, whatever became of the time of day. */
static inline uint64_t mag_left_ns(const struct mag *mag, const struct mag_attachment *a)
{
	return binding_left_ns(
		a->now.expires_ns, mag_real(mag), binding_lifetime_ns(a->now.lifetime));
}

/* mag.c */

/* Does what is due, and arms the timer for what comes next. The attachment may be gone afterwards.
 */
void mag_go_on(struct mag *mag, struct mag_attachment *a);

/* Arms the timer for what comes next. */
void mag_arm(struct mag *mag, struct mag_attachment *a);

/* An attachment that nothing is known of but its node; and one with a number of its own. NULL: no
 * memory. */
struct mag_attachment *mag_make(struct mag *mag, const struct session_mn_id *mn_id,
	const struct mac *mac, const struct mag_link *link, const struct mag_anchor *anchor);
struct mag_attachment *mag_attach_new(
	struct mag *mag, const struct mag_profile *profile, const struct mag_link *link);

/* Has the commit make it what a->to says. */
void mag_commit(struct mag *mag, struct mag_attachment *a);

/* Ends an attachment without telling its anchor; bars: its node is not to come back at once, and is
 * told. `done` (may be NULL) is called once, when it is no longer served, later or from inside;
 * with -EALREADY if it leaves already. The attachment may be gone afterwards. */
void mag_end(struct mag *mag, struct mag_attachment *a, bool bars, mag_done *done, void *context);

/* Tells events and log. */
void mag_tell(struct mag *mag, enum mag_event_kind kind, const struct mag_attachment *a);

/* Sends an IPv6 packet by the routes of a data plane. */
void mag_send(struct mag *mag, const uint8_t *ip, size_t len);

/* mag_start.c */

/* Whether an attachment has the identifier and the anchor of its node's profile. */
bool mag_is_current(const struct mag_attachment *a, const struct mag_profile *profile);

/* mag_path.c */

/* The path with this identifier, or NULL; that which registrations go by now, NULL: there is but
 * one way. */
const struct mag_path *mag_path_find(const struct mag *mag, uint8_t bid);
const struct mag_path *mag_path_main(const struct mag *mag, const struct mag_attachment *a);

/* Whether the anchor is, or is still to be, asked for several bindings. */
bool mag_path_wanted(const struct mag *mag, const struct mag_attachment *a);

/* Updates stay unanswered: perhaps it is the path that they go by. */
void mag_path_rotate(const struct mag *mag, struct mag_attachment *a);

/* The options of RFC 8278 for a path; bulk: all bindings are extended. */
void mag_path_add_options(const struct mag *mag, const struct mag_attachment *a,
	const struct mag_path *path, bool bulk, struct mh *mh);

/* What is measured of the paths, if the anchor is to be told. */
void mag_path_add_metrics(struct mag *mag, const struct mag_attachment *a, struct mh *mh);

/* Where the anchor wants the tunnel to end (RFC 7389); ::: it says nothing. False: nowhere that it
 * could. */
bool mag_path_user_plane(const struct mh *mh, struct in6_addr *address);

/* The registration was accepted; a->to, but for its paths, says how. */
void mag_path_accepted(const struct mag *mag, struct mag_attachment *a, const struct mh *mh);

/* The anchor refuses several bindings (4.3). True: it is to be asked for one. */
bool mag_path_refused(struct mag *mag, struct mag_attachment *a);

/* Registers paths that are not, and asks again. */
void mag_path_go_on(struct mag *mag, struct mag_attachment *a);

/* When that has something to do. */
uint64_t mag_path_due(const struct mag *mag, const struct mag_attachment *a);

/* The path that was asked for with this sequence number, or NULL; and its answer. */
struct mag_way *mag_path_asker(struct mag *mag, struct mag_attachment *a, uint16_t sequence);
void mag_path_answered(
	struct mag *mag, struct mag_attachment *a, struct mag_way *way, const struct mh *mh);

/* Puts the paths that were granted into a->to, which becomes what a->now is otherwise. False: there
 * are none. */
bool mag_path_take(struct mag *mag, struct mag_attachment *a);

/* Nothing is registered and nothing known of the anchor; at start, with what the record says. */
void mag_path_reset(struct mag *mag, struct mag_attachment *a);
void mag_path_restore(struct mag *mag, struct mag_attachment *a);

/* mag_delegation.c */

/* The options of RFC 7148 of an update. False: it asks for nothing. */
bool mag_delegation_add(const struct mag *mag, const struct mag_attachment *a, struct mh *mh);

/* What was delegated, into a->to. */
void mag_delegation_accepted(struct mag *mag, struct mag_attachment *a, const struct mh *mh);

/* The anchor refuses it (5.1.2). True: it is to be asked for others, or for none. */
bool mag_delegation_refused(const struct mag *mag, struct mag_attachment *a, uint8_t status);

/* What was in use may be free now; all: what was not authorized may be, too. */
void mag_delegation_retry(struct mag_attachment *a, bool all);

/* mag_gre.c */

/* How an update of an attachment asks for tunnels; and the option for that. */
enum session_gre mag_gre_wanted(const struct mag *mag, const struct mag_attachment *a);
void mag_gre_add(const struct mag_attachment *a, enum session_gre wanted, struct mh *mh);

/* What was agreed on when an update that asked for this was accepted. */
struct session_encapsulation mag_gre_accepted(struct mag *mag, const struct mag_attachment *a,
	enum session_gre asked, const struct mh *mh);

/* Whether packets of the attachment may go so: those of a domain need a key. */
bool mag_gre_will_do(const struct mag_attachment *a, const struct session_encapsulation *e);

/* The anchor requires GRE. True: it is to be asked for it. */
bool mag_gre_refused(struct mag *mag, const struct mag_attachment *a, enum session_gre asked);

/* The anchor may be another one than it was. */
void mag_gre_forget(struct mag *mag, const struct mag_anchor *anchor);

/* MTU that the node of an attachment is told, 0: none. */
uint32_t mag_gre_mtu(const struct mag *mag, const struct mag_attachment *a);

/* mag_register.c */

enum {
	MAG_FIRST_TIMEOUT_MS = 1000, /* INITIAL_BINDACK_TIMEOUT (RFC 6275, 12) */
	MAG_LAST_TIMEOUT_MS = 32000, /* MAX_BINDACK_TIMEOUT */
	MAG_MTU_MIN = 1280,          /* of an IPv6 link (RFC 8200, 5) */
};

/* Sends the registration of a path beside the first. Returns its sequence number. */
uint16_t mag_send_path(struct mag *mag, const struct mag_attachment *a, const struct mag_path *path,
	enum session_gre gre);

/* Asks the anchor: to register, to extend, or, when it leaves, to end. */
void mag_ask(struct mag *mag, struct mag_attachment *a, uint8_t handoff);

/* The time is up in which an answer should have come. */
void mag_ask_again(struct mag *mag, struct mag_attachment *a);

/* mag_clock.c */

/* Prepares what looks at the clock. */
void mag_clock_open(struct mag *mag);

/* An update of this attachment was refused for our time, or was accepted. */
void mag_clock_refused(struct mag *mag, const struct mag_attachment *a, const struct mh *mh);
void mag_clock_accepted(struct mag *mag, const struct mag_attachment *a);

/* mag_peer.c */

/* Makes heartbeats and notices. 0 or -ENOMEM. */
int mag_peer_open(struct mag *mag);
void mag_peer_close(struct mag *mag);

/* An anchor, from one of our addresses. */
struct proxy_peer mag_peer_at(const struct mag_anchor *anchor, const struct in6_addr *own);

/* How to reach an anchor: from the address of a path that something is registered by, after tries
 * in vain from another one, if there is. */
struct proxy_peer mag_peer_by(
	const struct mag *mag, const struct mag_anchor *anchor, uint32_t tries);

/* An authentic message of an anchor came to this address of ours. */
void mag_peer_heard(struct mag *mag, const struct mag_anchor *anchor, const struct in6_addr *own);

/* Sends an answer to it. */
void mag_answer(struct mag *mag, const struct proxy_peer *peer, struct mh *mh,
	const struct session_mn_id *mn_id);

/* A message that is no Proxy Binding Acknowledgement. */
void mag_peer_receive(struct mag *mag, const struct receive_packet *packet, const struct mh *mh);

/* Whether an attachment is one of those that a message of an anchor names: by identifier, and by
 * prefix if there is one. */
bool mag_is_named(
	const struct mag_attachment *a, const struct mag_anchor *anchor, const struct mh *mh);

/* mag_revoke.c */

/* A Binding Revocation Indication of an anchor, authentic; `peer` is who is answered. */
void mag_revoke_receive(struct mag *mag, const struct mag_anchor *anchor,
	const struct proxy_peer *peer, const struct mh *mh);

/* A node that may have left has spoken, or has not in time. */
void mag_revoke_refute(struct mag_attachment *a);
void mag_revoke_doubted(struct mag *mag, struct mag_attachment *a);

/* The attachment of a node that may have left ends for another reason. */
void mag_revoke_moot(struct mag_attachment *a);

/* Frees what is under way. */
void mag_revoke_close(struct mag *mag);

/* mag_link.c */

/* Tells the node of an attachment that its prefixes and its router are no longer. */
void mag_withdraw(struct mag *mag, struct mag_attachment *a);

/* Asks the node whether it is there. */
void mag_solicit(struct mag *mag, struct mag_attachment *a);

/* Sends a Router Advertisement with the prefixes of an attachment to its node alone. */
void mag_advertise(struct mag *mag, struct mag_attachment *a);

/* The node was silent for a while: asks whether it is there, or gives it up. It begins anew when
 * the data plane was away meanwhile. */
void mag_probe(struct mag *mag, struct mag_attachment *a);

/* When it is to be asked next. */
void mag_heard(struct mag *mag, struct mag_attachment *a);
