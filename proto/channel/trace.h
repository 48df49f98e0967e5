/*
 * Tracing: whose packets control wants to see (the body of UPDATE_TRACE), and what became of one
 * of them in a data plane (records of UPDATE_TRACED, one after another).
 *
 * UPDATE_TRACE comes again and again while anybody looks; a data plane that has not heard it for
 * TRACE_LEASE_MS traces no more, so that nothing need be undone.
 */
#pragma once

#include <stdint.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "proto/channel/object.h"

enum {
	TRACE_PREFIXES_MAX = 16,
	TRACE_OCTETS_MAX = 256, /* of a packet that are shown */
	TRACE_REASON_MAX = 31,  /* characters of the name of a reason */
	TRACE_PER_SECOND = 200, /* packets that each worker of a data plane tells of */
	TRACE_LEASE_MS = 3000,
};

/* None, to end it. A prefix is canonical, and has 1 to 128 bits. */
struct trace_wanted {
	uint8_t count;
	struct prefix6 prefixes[TRACE_PREFIXES_MAX];
};

/* What became of a packet. */
enum trace_how {
	TRACE_SENT = 1,       /* left by a port */
	TRACE_DROPPED = 2,    /* for a reason */
	TRACE_TO_CONTROL = 3, /* handed to control */
	TRACE_TO_KERNEL = 4,  /* handed to Linux */
	TRACE_WAITS = 5,      /* until the MAC address of its next hop is known */
	TRACE_ANSWERED = 6,   /* by an ICMPv6 error, and dropped */
	TRACE_KEPT = 7,       /* to be put together, copied, or sent to a later link */
};

struct trace_packet {
	struct prefix6 prefix; /* the wanted one that has one of its addresses */
	uint64_t real_ns;      /* when it came in, since 1970 */
	enum trace_how how;
	char reason[TRACE_REASON_MAX + 1];   /* TRACE_DROPPED, else empty */
	char from[OBJECT_PORT_NAME_MAX + 1]; /* port that it came in by; empty: Linux, control */
	char by[OBJECT_PORT_NAME_MAX + 1];   /* TRACE_SENT: port that it left by, else empty */
	struct in6_addr to;                  /* TRACE_SENT: outer destination, else :: */
	uint32_t missed;   /* packets before it, beyond the rate, of which nothing is told */
	uint16_t length;   /* of the packet as it came in, from the IPv6 header on */
	uint16_t captured; /* octets of it that are here */
	const uint8_t *octets;
};

/* "sent", "dropped", "to-control", "to-kernel", "waits", "answered", "kept"; "unknown" for others.
 */
const char *trace_how_name(enum trace_how how);

/* Writes and reads the body of UPDATE_TRACE; the decoder wants nothing behind it. 0, -EINVAL or
 * -ENOSPC; -EBADMSG. */
int trace_wanted_encode(struct writer *w, const struct trace_wanted *wanted);
int trace_wanted_decode(struct cursor *c, struct trace_wanted *wanted);

/* Appends a record (0, -EINVAL or -ENOSPC with nothing written), and reads the next: 0 or -EBADMSG.
 * octets points into the message then. */
int trace_packet_encode(struct writer *w, const struct trace_packet *packet);
int trace_packet_decode(struct cursor *c, struct trace_packet *packet);
