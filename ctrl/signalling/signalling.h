/*
 * The signalling of the home agent (RFC 6275, 9 and 10; RFC 4285): packets in, transactions and
 * packets out. This is all that the rest of dmm-ctrl sees of it.
 *
 *   punted packet -> signalling_receive -> checks -> [duplicate address detection] -> commit
 *   -> (store, publish, acknowledgement of the data plane) -> Binding Acknowledgement -> inject
 *
 * Signalling owns the binding cache. What it needs from others it calls through
 * `struct signalling_ops`. Everything runs in the control thread, nothing blocks.
 */
#pragma once

#include <jansson.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/histogram.h"
#include "common/wheel.h"
#include "ctrl/binding/binding.h"
#include "ctrl/binding/binding_cache.h"
#include "ctrl/binding/home_prefix.h"
#include "ctrl/signalling/flow_policy.h"
#include "ctrl/signalling/multihoming_policy.h"
#include "ctrl/signalling/tracer.h"
#include "proto/channel/packet.h"
#include "proto/channel/update.h"
#include "proto/mobility/option.h"

struct flow_binding;
struct mh;
struct receive_packet;
struct mcast_state;
struct signalling;
struct subscriber;
struct subscriber_db;

/* Outcome of a transaction: 0, or why not: see ctrl/commit.h. */
typedef void signalling_done(void *context, int error);

/* What happened to a binding, for `binding watch`, `events` and logs. */
enum signalling_event_kind {
	SIGNALLING_REGISTERED = 1, /* first registration acknowledged */
	SIGNALLING_REFRESHED,      /* same care-of address, lifetime extended */
	SIGNALLING_MOVED,          /* other care-of address */
	SIGNALLING_REDIRECTED,     /* another data plane serves it */
	SIGNALLING_DEREGISTERED,   /* by its node */
	SIGNALLING_EXPIRED,        /* lifetime over */
	SIGNALLING_CLEARED,        /* by the operator */
	SIGNALLING_REFUSED,        /* a Binding Update was answered with a refusal */
};

/* An event. Pointers live during the call only. */
struct signalling_event {
	enum signalling_event_kind kind;
	const struct subscriber *subscriber; /* NULL if it is gone */
	const struct binding *binding; /* as it is now; when it ends, as it was; NULL for REFUSED */
	const struct binding_record *record; /* the one of its records that it is about */
	struct in6_addr home;
	struct in6_addr care_of; /* that of the Binding Update for REFUSED */
	uint8_t status;          /* REFUSED: enum status_ba; else 0 */
};

/* The port of a home link. */
struct signalling_port {
	const char *data_plane; /* that has it; valid during the loop's round */
	struct mac mac;
	uint32_t session; /* another number when packets of the link may have been missed since: the
			   * data plane is another one, or was lost meanwhile */
};

/* A change of one flow binding. Pointers live during the call only. */
struct signalling_flow {
	const struct in6_addr *home;
	const struct flow_binding *good, *to;      /* as it was and is to be; NULL: not at all */
	const struct binding_list *before, *after; /* bindings when it became good, and now */
};

/* What signalling asks of the rest. context is the first argument of each. */
struct signalling_ops {
	void *context;

	/*
	 * Which data plane is to serve a care-of address: its index (below 64), and its id for the
	 * record. `tried` are those that must not be taken (bit: index). -ENOTCONN: none is left.
	 */
	int (*choose)(void *context, const struct in6_addr *care_of, uint64_t tried,
		uint64_t *data_plane);

	/*
	 * The same for the home binding of this home address: the data plane that is on its home
	 * link, or -ENOTCONN and the id 0 while that is lost.
	 */
	int (*choose_home)(
		void *context, const struct in6_addr *home, uint64_t tried, uint64_t *data_plane);

	/* Where a node's tunnel ends that this data plane serves; false: at the home agent. */
	bool (*tunnel_address)(void *context, uint64_t data_plane, struct in6_addr *address);

	/*
	 * Starts a transaction: the bindings of a home address become what the list says
	 * (BINDING_NONE: they are removed from everywhere). `good` is what they were when they were
	 * last acknowledged (the life may be BINDING_NONE), for taking the change back. Both are
	 * copied. There is one transaction per home address at a time. `done` is called once,
	 * later, never from inside this call. A negative errno means that nothing was started.
	 */
	int (*commit)(void *context, const struct binding_list *good, const struct binding_list *to,
		signalling_done *done, void *done_context);

	/* The same for a flow binding and its rule. Changes of several may be under way. */
	int (*commit_flow)(void *context, const struct signalling_flow *change,
		signalling_done *done, void *done_context);

	/* Inside of `done` with an error: index of the data plane that failed it, or -ENOENT. */
	int (*culprit)(void *context);

	/*
	 * What the node of a home address listens to from now on; what of it is not accepted is
	 * taken out of *state. It is durable and published with the changes that are committed
	 * next. *before, unless NULL, is what it was. NULL: multicast is not served.
	 */
	void (*listen)(void *context, const struct in6_addr *home, uint64_t subscriber_id,
		struct mcast_state *state, struct mcast_state *before);

	/* Takes out of what a node was said to listen to what the data plane that serves it could
	 * not take: in `done`. */
	void (*served)(void *context, const struct in6_addr *home, struct mcast_state *state);

	/* Sends a packet through a data plane; NULL: any that is there. The frame is copied. A
	 * negative errno if it cannot be sent. */
	int (*inject)(void *context, const char *data_plane, const struct packet_inject *inject);

	/* The port of a home link. 0, or -ENOTCONN while no connected data plane has it. */
	int (*port)(void *context, const struct home_link *link, struct signalling_port *port);

	/* Told of events; must not call signalling functions that change state. */
	void (*event)(void *context, const struct signalling_event *event);

	/* loop_now_ns(), the wheel's clock, and loop_real_ns(). */
	uint64_t (*now_ns)(void *context);
	uint64_t (*real_ns)(void *context);
};

struct signalling_config {
	struct home_policy policy;
	uint32_t max_lifetime_s;        /* longest lifetime granted: 4 to 262140 */
	uint32_t max_bindings;          /* more are answered with 130 */
	uint32_t timestamp_window_ms;   /* "close enough" of RFC 4285, 6: 7000 */
	uint32_t dad_transmits;         /* probes on home links (RFC 4862, 5.1): 1; 0: no check */
	uint32_t dad_retrans_ms;        /* between them, and after the last (RFC 4861, 10): 1000 */
	uint32_t advertisements;        /* that tell a home link of a new binding, 1 to 3, as far
					 * apart (RFC 6275, 10.4.1; RFC 4861, 10): 3 */
	uint32_t errors_per_second;     /* and answers to strangers, at least 1; the burst too */
	enum option_type tunnel_option; /* ALTERNATE_COA or HA_TUNNEL tell the node where its tunnel
					 * ends; OPTION_PAD1: it is not told */
	uint8_t tunnel_number;          /* the number of HA_TUNNEL */
	uint16_t home_agent_preference; /* our own, in discovery (RFC 6275, 10.5.1) */
	struct multihoming_policy multihoming;
	struct flow_policy flows;
	uint8_t multicast_number; /* of the Multicast State option; 0: it is not used */
	bool tell_by_ba;          /* a node is told of another data plane by an unsolicited Binding
				   * Acknowledgement, not by a Binding Refresh Request */
};

/*
 * Copies ops and config; the arrays of config->policy and the subscribers stay the caller's and
 * outlive it. NULL with errno set.
 */
struct signalling *signalling_new(const struct signalling_config *config,
	const struct signalling_ops *ops, struct subscriber_db *subscribers);

/* Frees it with all bindings, without touching the store or a data plane. No `done` may come any
 * more. NULL is allowed. */
void signalling_free(struct signalling *s);

/* Its timers, for loop_add_wheel(). */
struct wheel *signalling_wheel(struct signalling *s);

/*
 * At start, after the subscribers are loaded: takes a record from the store into the cache; those
 * of one home address in ascending BID. What ended meanwhile, or is no longer served (its prefix or
 * its subscriber's home address is gone), ends through a transaction as soon as the wheel turns.
 * -EEXIST for a second record of one key; -EINVAL for one without life, or that does not belong to
 * the others of its home address; -ENOMEM.
 */
int signalling_restore(struct signalling *s, const struct binding_record *record);

/* These records are restored next: has what is needed of the tables fetched from memory, if there
 * are at most some dozens. */
void signalling_expect_records(
	const struct signalling *s, const struct binding_record records[], unsigned count);

/*
 * At start, after the bindings: takes a flow binding from the store. -ENOENT: its home address has
 * no live binding; -EEXIST for a second one with its FID; -ENOMEM.
 */
int signalling_restore_flow(
	struct signalling *s, const struct in6_addr *home, const struct flow_binding *flow);

/* Another role with addresses of its own, for which mobility messages come by the same way. */
struct signalling_role {
	void *context;
	/* Whether an address is its own. NULL: it has none. */
	bool (*owns)(void *context, const struct in6_addr *address);
	/* Whether an address is that of a peer by configuration, which speaks for many nodes. NULL:
	 * it has none. */
	bool (*knows)(void *context, const struct in6_addr *address);
	/* A message for one of these addresses, decoded, its checksum right. */
	void (*message)(void *context, const struct receive_packet *packet, const struct mh *mh);
	/* Neighbour Discovery of a port; false: that is not its own. NULL: it has none. */
	bool (*neighbour)(void *context, const struct receive_packet *packet);
	/* Multicast Listener Discovery in a tunnel, whose header the packet has; false: that is not
	 * its own. NULL: it has none. */
	bool (*listener)(void *context, const struct receive_packet *packet);
};

enum { SIGNALLING_ROLES_MAX = 6 };

/* Adds a role (copied). The addresses of all roles are in config.policy.locals. 0 or -ENOSPC. */
int signalling_add_role(struct signalling *s, const struct signalling_role *role);

/* A packet that a data plane punted. The punt is not kept. */
void signalling_receive(
	struct signalling *s, const char *data_plane, const struct packet_punt *punt);

/*
 * Ends the bindings of a home address, or that with this BID alone (0: all), as if their lifetime
 * had run out, also those that are only being made. `done` (may be NULL) is called once; before the
 * return, if there was nothing to commit. Returns how often it will be, or was, called: 0 when
 * there are none, else 1; or a negative errno, with which nothing ends: -EBUSY: another call waits
 * for its turn; -ENOMEM.
 */
int signalling_clear(struct signalling *s, const struct in6_addr *home, uint16_t bid,
	signalling_done *done, void *done_context);

/* What signalling_redirect() is to do about a binding. */
enum signalling_wish {
	SIGNALLING_STAYS,
	SIGNALLING_GOES, /* another data plane is to serve it */
	SIGNALLING_STOP, /* later: look at no more for now, and at this one again */
};
typedef enum signalling_wish signalling_wish_fn(
	void *context, const struct in6_addr *care_of, uint64_t data_plane);

/*
 * Looks at about `budget` live bindings from *at on (0 at first) and lets those that wish it be
 * served by the data plane that choose() names, through the commit; their nodes are then told.
 * *busy counts those that have a change under way and were left alone. Returns whether there are
 * more to look at.
 */
bool signalling_redirect(struct signalling *s, size_t *at, size_t budget, signalling_wish_fn *wish,
	void *context, size_t *busy);

/* The cache, for reading: `binding show` and snapshots. */
struct binding_cache *signalling_cache(struct signalling *s);

/*
 * The live binding whose tunnel a packet came by, from its care-of address and with this inner
 * source: its home address; or a link-local address, which several nodes may have (RFC 6275,
 * 10.4.3): that made of the home address, or any if the care-of address is that of one node alone.
 * NULL: none.
 */
const struct binding *signalling_tunnel_of(
	const struct signalling *s, const struct in6_addr *care_of, const struct in6_addr *inner);

/* Bindings that are live. */
size_t signalling_live(const struct signalling *s);

/* All counters, SIGNALLING_COUNTERS of them (ctrl/signalling/counter.h). */
const uint64_t *signalling_values(const struct signalling *s);

/* Times from Binding Updates to their acknowledgements, those that were accepted. */
const struct histogram *signalling_answers(const struct signalling *s);

/* A new JSON object of all counters, {name: value}; the caller owns it. NULL: no memory. */
json_t *signalling_counters(const struct signalling *s);

/* Who is told of messages and events of subscribers from now on. */
void signalling_set_tracer(struct signalling *s, struct tracer tracer);

/* Name of an event ("registered"); "unknown" for others. */
const char *signalling_event_name(enum signalling_event_kind kind);
