/*
 * One data plane: where it stands, what is sent to it next. And the publisher's own structure,
 * which sessions share. Private to ctrl/publish/.
 */
#pragma once

#include "common/wheel.h"
#include "common/zsock.h"
#include "ctrl/keyring.h"
#include "ctrl/publish/log.h"
#include "ctrl/publish/publish.h"
#include "ctrl/publish/state.h"

struct audit_request;
struct stats_request;

struct session {
	struct publish *publish;
	unsigned dp;
	const char *name;
	struct keyring_peer peer; /* where it is sent to */
	bool up;                  /* said hello, and is heard */
	bool ready;               /* has had everything once since its last hello: it may serve */
	bool blocked;             /* its queue was full at the last attempt */
	struct {
		bool active;
		bool begun;   /* BEGIN was sent */
		bool unacked; /* sent or being sent, and not yet acknowledged */
		uint64_t sequence;
		size_t slot;
	} snapshot;
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

struct publish {
	const struct ctrl_config *config;
	struct keyring *keyring;
	struct loop *loop;
	struct zsock socket;
	bool secured; /* on tcp: data planes are who their keys say, not what they call themselves
		       */
	uint64_t epoch;
	struct state state;   /* bundles of bindings */
	struct bundle *fixed; /* data planes, local addresses and links, which do not change */
	const char **links;   /* those of them that are links: as configured; else NULL */
	size_t fixed_count;
	struct delta_log log;
	struct writer delta; /* the one being made; empty: none */
	uint8_t *delta_octets, *scratch;
	struct session *sessions;
	size_t session_count;
	struct publish_handlers handlers[PUBLISH_HANDLERS_MAX];
	size_t handler_count;
	struct audit_past *past; /* digests of the newest numbers */
	struct audit_request *audits;
	struct wheel_timer audit;
	struct stats_request *stats;
	uint32_t stats_id;
	struct wheel_timer heartbeat, again;
	uint64_t counters[PUBLISH_COUNTERS];
};

/* Newest number given to a delta. */
static inline uint64_t session_newest(const struct publish *p)
{
	return p->log.next - 1;
}

/* A hello was decoded and is of this data plane: it starts anew, or goes on where it was. */
void session_hello(
	struct session *s, const struct update_head *head, const struct update_hello *hello);

/* An acknowledgement of the current epoch. */
void session_ack(struct session *s, const struct update_head *head, const struct update_ack *ack);

/* Any message of it arrived: it is alive. */
void session_heard(struct session *s);

/* Remembers what went wrong, for the control interface; a constant text. */
void session_fault(struct session *s, const char *fault);

/* Gives it up: it is not served and does not serve until it is heard again. */
void session_down(struct session *s, const char *reason);

/*
 * Sends as much as its queue takes and one call may cost. Returns whether more is left that could
 * not be sent now.
 */
bool session_send(struct session *s);

/* Sends the regular sign of life, also to those not heard of: they may wait for a new epoch. */
void session_heartbeat(struct session *s);

/* A message with this head and nothing else, or with what the caller wrote after it. */
int session_message(struct session *s, struct writer *w);

/* Starts a message in the scratch buffer. */
void session_start(struct publish *p, struct writer *w, enum update_type type, uint64_t sequence);

/* Tells the handlers what a data plane has acknowledged. */
void publish_tell_acked(struct session *s, const struct update_ack *ack);

/* Tells the handlers that it may serve, or may not. */
void publish_tell_ready(struct session *s);

/* The loop has something to read for the publisher (arg). */
void publish_readable(void *arg);

/* Bundles of a local address, of a home link and of a data plane. 0 or -EINVAL. */
int publish_compile_address(uint64_t id, const struct in6_addr *addr, struct bundle *bundle);
int publish_compile_link(uint64_t id, const char *port, struct bundle *bundle);
int publish_compile_data_plane(
	const struct ctrl_config *config, unsigned dp, struct bundle *bundle);

/*
 * Whether an object that does not change is for this data plane. A link is for the one that has the
 * port: where there are several, those that have no such port are not told of it.
 */
bool session_gets(const struct session *s, size_t fixed);

/* Starts a snapshot for a data plane that goes on serving with what it has. */
void session_heal(struct session *s);

/* Audits: made ready (0 or -ENOMEM) and ended, without calls. */
int audit_open(struct publish *p);
void audit_close(struct publish *p);

/* What is wanted now is what is wanted at the newest number. */
void audit_remember(struct publish *p);

/* A digest that a data plane sent. 0 or -EBADMSG. */
int audit_answer(struct session *s, const struct update_head *head, struct cursor *c);

/* It has acknowledged a snapshot: if that was to mend its tables, they are looked at again. */
void audit_healed(struct session *s);

/* It said hello, or went: what it was asked it does not answer any more. */
void audit_gone(struct session *s);

/* Takes an answer to a statistics request. 0 or -EBADMSG. */
int stats_answer(struct session *s, struct cursor *c);

/* A data plane went: no answer will come. */
void stats_gone(struct publish *p, unsigned dp);

/* Ends all requests, without calls. */
void stats_clear(struct publish *p);
