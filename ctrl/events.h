/*
 * Events: what happened, for `dmmctl events` and `dmmctl binding watch`. The last EVENTS_KEPT are
 * held in memory; who follows is told at once. docs/api.md names the keys.
 */
#pragma once

#include "common/addr.h"
#include "common/log.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_KEPT = 2048 };

struct events;
struct loop;
struct binding;

/* What happens to a binding. After the last three it is gone. */
enum events_binding_kind {
	EVENTS_REGISTERED,
	EVENTS_REFRESHED,
	EVENTS_MOVED,
	EVENTS_DEREGISTERED,
	EVENTS_EXPIRED,
	EVENTS_CLEARED,
	EVENTS_BINDING_KINDS
};
extern const char *const events_binding_names[EVENTS_BINDING_KINDS + 1];

/* One event; absent members are NULL. */
struct event {
	enum log_level severity; /* LOG_LEVEL_INFO, _WARN or _ERROR */
	const char *event;       /* name of the kind: "wrong-source" */
	const char *source;      /* NULL: control; else name of the data plane that told */
	const char *mn_id;
	const struct in6_addr *home_address;
	const struct in6_addr *care_of_address;
	const char *data_plane;
	const char *port;
};

struct events *events_new(struct loop *loop);
void events_free(struct events *events);

/* Keeps the event and tells the followers. The message is one line for people, without secrets. */
void events_post(struct events *events, const struct event *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Tells who watches bindings; the binding is as it is now (or was, when it is gone). */
void events_binding(
	struct events *events, enum events_binding_kind kind, const struct binding *binding);
