/*
 * Heartbeats between an anchor and its gateways (RFC 5847, 3): is the peer there, and did it lose
 * its sessions?
 *
 * Peers are named by their index. A request goes to those with sessions, once an interval; requests
 * of all are answered. A restart counter that has changed says that the peer has lost its sessions.
 *
 * Of what is replayed nothing comes: an answer has to have the number of the last request, numbers
 * begin at random with each process, and what a peer says unasked is not believed, but asked about.
 * For the control thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wheel.h"
#include "ctrl/signalling/proxy/proxy_peer.h"

enum heartbeat_state {
	HEARTBEAT_UNKNOWN = 0, /* never heard of */
	HEARTBEAT_REACHABLE,
	HEARTBEAT_LOST,        /* as many answers were missing as are too many */
	HEARTBEAT_UNSUPPORTED, /* it does not know heartbeats: it is left alone */
};

enum heartbeat_event {
	HEARTBEAT_EVENT_LOST = 1,
	HEARTBEAT_EVENT_BACK,
	HEARTBEAT_EVENT_RESTARTED, /* it has lost its sessions */
};

/* How a peer stands. Times are CLOCK_MONOTONIC. */
struct heartbeat_peer {
	enum heartbeat_state state;
	bool has_counter;
	uint32_t counter;  /* its restart counter */
	uint64_t heard_ns; /* last answer; 0: none */
	uint64_t same_ns;  /* up to then, at least, it had the counter before this one; 0: it had
			      none */
	/* For the module. */
	uint32_t sequence;
	uint32_t missing;
	bool asked;
	uint64_t checked_ns; /* when what it said unasked was last asked about; 0: never */
};

/* What became of a Heartbeat that came. */
enum heartbeat_verdict {
	HEARTBEAT_TAKEN = 0,
	HEARTBEAT_UNMATCHED, /* answers nothing that was asked */
	HEARTBEAT_OLD,       /* unasked, and says nothing that is new */
};

struct heartbeat_config {
	size_t peer_count;
	uint32_t interval_ms; /* HEARTBEAT_INTERVAL; 0: no requests */
	uint32_t allowed;     /* MISSING_HEARTBEATS_ALLOWED */
	uint32_t counter;     /* our restart counter */
	bool announce;        /* our sessions were lost: tell all peers, unasked */
};

struct heartbeat_ops {
	void *context;
	/* How to reach a peer after so many answers in a row were missing: another way may do. */
	struct proxy_peer (*peer)(void *context, size_t index, uint32_t missing);
	/* The nth pair of addresses by which a peer may have known us. False: there are fewer. */
	bool (*each)(void *context, size_t index, size_t nth, struct proxy_peer *peer);
	/* Whether we have sessions with it. */
	bool (*active)(void *context, size_t index);
	/* Sends an IPv6 packet; 0, or a negative errno when no data plane takes it. */
	int (*send)(void *context, const uint8_t *ip, size_t len);
	void (*event)(void *context, size_t index, enum heartbeat_event event);
	uint64_t (*now_ns)(void *context);
};

struct heartbeat;

/* NULL: no memory, or no random numbers. hmac and wheel are the caller's and outlive it. */
struct heartbeat *heartbeat_new(const struct heartbeat_config *config,
	const struct heartbeat_ops *ops, struct hmac *hmac, struct wheel *wheel);

/* NULL is allowed. */
void heartbeat_free(struct heartbeat *h);

/* A Heartbeat from this peer, which is known to be genuine, but perhaps not new; `from` has the two
 * addresses of it. */
enum heartbeat_verdict heartbeat_receive(
	struct heartbeat *h, size_t index, const struct proxy_peer *from, const struct mh *mh);

/* A Binding Error with status 2 from this peer. Returns whether a request was under way. */
bool heartbeat_refused(struct heartbeat *h, size_t index);

/* How a peer stands. */
const struct heartbeat_peer *heartbeat_peer(const struct heartbeat *h, size_t index);

/* Name of a state ("reachable") and of an event ("restarted"); "unknown" for others. */
const char *heartbeat_state_name(enum heartbeat_state state);
const char *heartbeat_event_name(enum heartbeat_event event);
