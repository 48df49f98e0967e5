/*
 * One data plane: where it stands, what is sent to it next. Private to ctrl/publish/.
 */
#pragma once

#include "common/cursor.h"
#include "ctrl/keyring.h"
#include "ctrl/publish/publish.h"

struct session {
	struct publish *publish;
	unsigned dp;
	const char *name;
	struct keyring_peer peer; /* where it is sent to */
	bool up;                  /* said hello, and is heard */
	bool ready;               /* has had everything once since its last hello: it may serve */
	bool down_told;           /* it knows which tunnels are down */
	bool blocked;             /* its queue was full at the last attempt */
	uint32_t number;          /* see publish_session_number() */
	enum publish_sync sync;   /* how it was brought up to date last */
	struct {
		bool active;
		bool begun;   /* BEGIN or ADOPT was sent */
		bool unacked; /* sent or being sent, and not yet acknowledged */
		bool adopts;  /* what it has is taken over, but for the buckets below */
		uint64_t sequence;
		bool groups; /* those of the bundles that come first were sent */
		size_t slot;
		struct object_buckets buckets;
	} snapshot;
	struct {
		bool asked;        /* for a digest, to find out what of its tables is wanted */
		uint64_t asked_ns; /* loop's clock, first time */
		uint64_t epoch, sequence; /* what the digest is of */
	} adopt;
	struct {
		enum publish_audit state;
		bool asked;
		bool healing;               /* the last snapshot was started by an audit */
		uint64_t asked_ns;          /* loop's clock */
		uint64_t real_ns, sequence; /* of the last comparison */
	} audit;
	uint64_t sent;     /* it was sent everything up to this number */
	uint64_t acked;    /* it has told that it has everything up to this number */
	uint64_t ready_at; /* acknowledging this number makes it ready */
	uint64_t snapshots, failures;
	uint64_t connected_real_ns, heard_ns;
	uint64_t fault_real_ns; /* 0: never */
	const char *fault;      /* the last thing that went wrong, a constant */
	struct update_hello hello;
};

/* A hello was decoded and is of this data plane: it starts anew, or goes on where it was. */
void session_hello(
	struct session *s, const struct update_head *head, const struct update_hello *hello);

/* An acknowledgement of the current epoch. */
void session_ack(struct session *s, const struct update_head *head, const struct update_ack *ack);

/* What was sent to it or came from it may have been missed: it gets another number. */
void session_renumber(struct session *s);

/* Any message of it arrived: it is alive. */
void session_heard(struct session *s);

/* Remembers what went wrong, for the control interface; a constant text. */
void session_fault(struct session *s, const char *fault);

/* It may serve, or may not, from now on; the handlers are told of a change. */
void session_set_ready(struct session *s, bool ready);

/* Gives it up: it is not served and does not serve until it is heard again. */
void session_down(struct session *s, const char *reason);

/*
 * Sends as much as its queue takes and one call may cost. Returns whether more is left that could
 * not be sent now.
 */
bool session_send(struct session *s);

/* Tells it whose packets to trace, if it is ready. */
void session_trace(struct session *s);

/* Tells it which tunnels are down, if it is ready and anybody looks. */
void session_down_tunnels(struct session *s);

/* Sends the regular sign of life, also to those not heard of: they may wait for a new epoch. */
void session_heartbeat(struct session *s);

/* Starts a message in the scratch buffer. */
void session_start(struct publish *p, struct writer *w, enum update_type type, uint64_t sequence);

/* Sends what session_start() and the caller have written: 0, or what libzmq said. */
int session_message(struct session *s, struct writer *w);
