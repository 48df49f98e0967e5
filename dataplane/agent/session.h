/*
 * The data plane's side of the update channel as a state machine: messages and time go in, changes
 * of the tables and messages come out. No socket, no table of its own. Agent thread.
 *
 *   SEARCHING   control has not been heard; a HELLO goes out now and then
 *   GREETING    control lives, but what we have is not known to be right: HELLO sent
 *   SNAPSHOT    between BEGIN, or an ADOPT that names buckets, and END
 *   SYNCED      what we have is what control sent, up to `sequence`
 *
 * In every state the tables stay as they are and forwarding goes on.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/counter.h"
#include "proto/channel/down.h"
#include "proto/channel/trace.h"
#include "proto/channel/update.h"

enum session_state {
	SESSION_SEARCHING,
	SESSION_GREETING,
	SESSION_SNAPSHOT,
	SESSION_SYNCED,
	SESSION_STATES,
};

extern const char *const session_state_names[SESSION_STATES + 1];

enum session_counter {
	SESSION_MESSAGES,    /* messages of control */
	SESSION_APPLIED,     /* objects applied */
	SESSION_REFUSED,     /* objects that could not be applied; control is told */
	SESSION_SNAPSHOTS,   /* snapshots completed, also of some buckets alone */
	SESSION_ADOPTED,     /* times that another control took over what we had */
	SESSION_DELTAS,      /* deltas applied */
	SESSION_GAPS,        /* a number was missing: we said HELLO again */
	SESSION_FOREIGN,     /* messages of another epoch */
	SESSION_BAD_MESSAGE, /* messages that do not decode or have no place here */
	SESSION_AUDITS,      /* digests that control asked for */
	SESSION_LOST,        /* times that control went silent */
	SESSION_COUNTERS,
};

extern const struct counter_def session_counter_defs[SESSION_COUNTERS];

/* What the machine does to the world. */
struct session_ops {
	int (*apply)(void *context, const struct object *object);
	/* These objects, at most SESSION_EXPECT_MAX, will be applied next. */
	void (*expect)(void *context, const struct object objects[], unsigned n);
	/* The objects in these buckets (NULL: all) are to be set anew until the sweep. */
	void (*mark)(void *context, const struct object_buckets *buckets);
	uint32_t (*sweep)(void *context);
	void (*quiesce)(void *context);
	/* Sends one message: 0, or a negative errno when it cannot go now. */
	int (*send)(void *context, const void *message, size_t len);
	/* Fills in ports and sizes as they are now; the name is filled. */
	void (*hello)(void *context, struct update_hello *hello);
	/* Control wants statistics. */
	void (*stats)(void *context, const struct update_stats_request *request);
	/* Control wants packets traced, for TRACE_LEASE_MS. */
	void (*trace)(void *context, const struct trace_wanted *wanted);
	/* These tunnels, and no others, carry nothing now. */
	void (*down)(void *context, const struct down_tunnels *down);
	/* Control wants to know what was counted of some objects: the body of a COUNT_REQUEST. 0 or
	 * -EBADMSG. */
	int (*count)(void *context, struct cursor *request);
	/* The control of this epoch wants a digest of the tables, which takes a while. */
	void (*digest)(void *context, uint64_t asked);
};

struct session {
	const struct session_ops *ops;
	void *context;
	const char *name;
	uint32_t heartbeat_ms;
	uint64_t silence_ms; /* after which control is taken for gone */
	enum session_state state;
	uint64_t epoch, sequence; /* what the tables are; epoch 0: unknown, a snapshot is needed */
	uint64_t snapshot_epoch, snapshot_sequence; /* what they become in SNAPSHOT */
	uint64_t heard_ms, said_ms, hello_ms, behind_ms;
	uint64_t hello_after_ms; /* control refused us: not before */
	bool hello_due;          /* as soon as it may be said again */
	bool ack_due;            /* something was applied that is not acknowledged */
	bool quiet;              /* and every reader sees it */
	struct update_ack ack;
	uint64_t counters[SESSION_COUNTERS];
};

/* Starts in SEARCHING. What the pointers name lives as long as the session. */
void session_init(struct session *s, const struct session_ops *ops, void *context, const char *name,
	uint32_t heartbeat_ms, uint32_t heartbeats_missed);

/* Takes one message of control. */
void session_message(struct session *s, const void *data, size_t len, uint64_t now_ms);

/*
 * After the messages that were there: makes what was applied visible to every reader, once for
 * all of them, and acknowledges the last.
 */
void session_settle(struct session *s, uint64_t now_ms);

/* Heartbeats, repeated hellos, silence of control; about every SESSION_TICK_MS. */
void session_tick(struct session *s, uint64_t now_ms);

/* The connection is a new one: what was on its way in the old one is lost. */
void session_reconnected(struct session *s);

/* Tells control an event; lost when control is away. */
void session_event(struct session *s, const struct update_event *event);

/* Head for a message in this session (STATS, DIGEST). */
struct update_head session_head(const struct session *s, enum update_type type);

/* Whether the tables are what some control sent, up to a number, so that a digest of them says
 * something: in the middle of a snapshot they are neither what was nor what comes. */
bool session_is_comparable(const struct session *s);

/* A digest was sent: control answers it, and needs no hello until then. */
void session_compared(struct session *s, uint64_t now_ms);

enum {
	SESSION_EXPECT_MAX = 32,
	SESSION_TICK_MS = 20,
	SESSION_REFUSED_MS = 5000, /* before the next hello after a refusal */
	SESSION_HELLO_MS = 200,    /* between hellos, so that two who disagree do not storm */
};
