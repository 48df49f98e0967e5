/*
 * The publisher's own structure, which the parts of ctrl/publish/ work on. Private to them.
 */
#pragma once

#include "common/wheel.h"
#include "common/zsock.h"
#include "ctrl/publish/log.h"
#include "ctrl/publish/publish.h"
#include "ctrl/publish/session.h"
#include "ctrl/publish/state.h"

struct audit_past;
struct audit_request;
struct stats_request;

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
	uint32_t session_numbers; /* the last one that was given */
	struct publish_handlers handlers[PUBLISH_HANDLERS_MAX];
	size_t handler_count;
	struct audit_past *past; /* digests of the newest numbers */
	struct audit_request *audits;
	struct wheel_timer audit;
	struct stats_request *stats;
	uint32_t stats_id;
	struct trace_wanted trace; /* as last told to data planes */
	struct down_tunnels *down; /* NULL: nobody looks */
	struct wheel_timer heartbeat, again;
	uint64_t counters[PUBLISH_COUNTERS];
};

/* Tells the handlers what a data plane has acknowledged. */
void publish_tell_acked(struct session *s, const struct update_ack *ack);

/* Tells the handlers that it may serve, or may not. */
void publish_tell_ready(struct session *s);

/* The loop has something to read for the publisher (arg). */
void publish_readable(void *arg);
