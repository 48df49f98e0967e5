/*
 * Who is told of the signalling of single nodes while somebody wishes it: of each message of and to
 * a node, with what became of it, and of its events. The same for all roles.
 *
 * A role that nobody traces has a tracer without a function, and pays a look at it for each
 * message.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

enum tracer_kind {
	TRACER_RECEIVED = 1, /* a message of it, and what the tests said */
	TRACER_SENT,         /* a message to it */
	TRACER_EVENT,        /* what became of its binding, session or attachment */
};

/* All live during the call only. */
struct tracer_item {
	enum tracer_kind kind;
	const char *what; /* "binding-update", "proxy-binding-acknowledgement"; an event's name */
	const char *outcome; /* "taken", the counter of a drop, the name of a status; NULL: none */
	const char *data_plane; /* that it came by, or is to leave by; NULL: any */
	const char *mn_id;
	const struct in6_addr *home, *care_of; /* home: or of a home network prefix; NULL: none */
	const uint8_t *octets;                 /* IPv6 packet; NULL for an event */
	size_t len;
};

typedef void tracer_fn(void *context, const struct tracer_item *item);

/* The function must not call any that changes the state of a role. */
struct tracer {
	tracer_fn *fn; /* NULL: nobody is told */
	void *context;
};

/* Tells an item, if somebody wishes it. */
static inline void tracer_tell(const struct tracer *tracer, const struct tracer_item *item)
{
	if (tracer->fn)
		tracer->fn(tracer->context, item);
}

/* Name of a kind ("received"); "unknown" for others. */
const char *tracer_kind_name(enum tracer_kind kind);
