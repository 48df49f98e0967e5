/*
 * The mirror: the thread between workers and everything slow. It serves the TAP twin of each
 * port, copies routes and neighbours from Linux into the tables (of which it is the only writer),
 * resolves next hops, and speaks the packet channel.
 *
 * Each worker has its own set of bounded rings to it, one producer and one consumer each, so
 * workers share no write and never wait: a full ring refuses, and the caller drops the packet and
 * counts it. A packet handed over belongs to the mirror, one taken belongs to the worker.
 *
 *   worker -> twin        whole frames for the kernel: our own addresses, link scope
 *   worker -> punt[c]     signalling for control, by class; lower classes are read first
 *   worker -> unresolved  packets whose next hop has no MAC yet: a few wait in the mirror for
 *                         each next hop and come back by `down`
 *   mirror -> down        frames from the kernel, injected and resolved packets
 *
 * What must be known of a packet beside its octets travels in the private area of its buffer,
 * struct mirror_tag.
 */
#pragma once

#include <netinet/in.h>
#include <rte_cycles.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/counter.h"
#include "dataplane/config.h"
#include "proto/channel/packet.h"

/* Classes of punted packets: under overload the first is served before the next. */
enum mirror_class {
	MIRROR_CLASS_KNOWN,     /* Mobility Header naming a subscriber that we have: a refresh or a
				   handover */
	MIRROR_CLASS_NEIGHBOUR, /* Neighbour Discovery of a watched link: somebody's address */
	MIRROR_CLASS_NEW,       /* Mobility Header of others: first registrations, and attacks */
	MIRROR_CLASS_REST,      /* Home Address options in other packets, ICMPv6 */
	MIRROR_CLASSES,
};

/* What a packet that comes down is. Its data starts as said here. */
enum mirror_down {
	MIRROR_TO_PORT = 1, /* Ethernet header: send on tag->port as it is */
	MIRROR_FROM_TWIN,   /* Ethernet header: the kernel sent it on the twin of tag->port. Leaves
			       by that port, unless it is for a subscriber: then through its
			       path; or solicits an address defended there: then answered */
	MIRROR_TO_ROUTE,    /* IPv6 header: originated here (or resolved meanwhile): look up its
			       destination, hop limit stays as it is */
	MIRROR_TO_SUBSCRIBER, /* IPv6 header: originated here: encapsulate for tag->subscriber, hop
				 limit stays as it is */
	MIRROR_UNREACHABLE,   /* IPv6 header: it waited for a next hop that nobody answers for
				 (RFC 4443, 3.1 code 3) */
};

/* In the private area of every buffer; means something only in the rings. */
struct mirror_tag {
	uint64_t subscriber;     /* punt: whose path it came by, or 0; down: MIRROR_TO_SUBSCRIBER */
	uint64_t tsc;            /* punt: when it was received */
	struct in6_addr nexthop; /* unresolved: whom to resolve */
	uint16_t port;  /* punt, twin: received on; unresolved: leaves by; down: MIRROR_TO_PORT */
	uint8_t reason; /* punt: enum packet_reason */
	uint8_t down;   /* down: enum mirror_down */
	uint32_t pad;
};
static_assert(sizeof(struct mirror_tag) == 40, "private areas are multiples of 8");

/* The rings of one worker. */
struct mirror_queue {
	struct rte_ring *twin;
	struct rte_ring *punt[MIRROR_CLASSES];
	struct rte_ring *unresolved;
	struct rte_ring *down;
};

extern struct mirror_queue mirror_queues[DP_CONFIG_WORKERS_MAX];

/* The tag of a buffer. */
static inline struct mirror_tag *mirror_tag(struct rte_mbuf *m)
{
	return rte_mbuf_to_priv(m);
}

/* Worker: frame (m->data starts at Ethernet) for the twin of m->port. False: full, m is yours. */
static inline bool mirror_to_twin(struct mirror_queue *q, struct rte_mbuf *m)
{
	mirror_tag(m)->port = m->port;
	return rte_ring_sp_enqueue(q->twin, m) == 0;
}

/*
 * Worker: packet for control, received at tsc. It starts at Ethernet, or at the inner IPv6 header
 * if it came tunnelled from a subscriber (subscriber != 0). False: full, m is yours.
 */
static inline bool mirror_punt(struct mirror_queue *q, struct rte_mbuf *m, enum mirror_class class,
	enum packet_reason reason, uint64_t subscriber, uint64_t tsc)
{
	struct mirror_tag *tag = mirror_tag(m);

	tag->subscriber = subscriber;
	tag->tsc = tsc;
	tag->port = m->port;
	tag->reason = (uint8_t)reason;
	return rte_ring_sp_enqueue(q->punt[class], m) == 0;
}

/*
 * Worker: packet (m->data starts at the IPv6 header, hop limit done) that leaves by port towards
 * nexthop, whose MAC is not known. It comes back as MIRROR_TO_ROUTE or MIRROR_UNREACHABLE, or is
 * dropped and counted by the mirror if too many wait. False: full, m is yours.
 */
static inline bool mirror_resolve(
	struct mirror_queue *q, struct rte_mbuf *m, uint16_t port, const struct in6_addr *nexthop)
{
	struct mirror_tag *tag = mirror_tag(m);

	tag->port = port;
	tag->nexthop = *nexthop;
	return rte_ring_sp_enqueue(q->unresolved, m) == 0;
}

/* Worker: takes up to n packets that come down; each tag says what to do with it. */
static inline unsigned mirror_take(struct mirror_queue *q, struct rte_mbuf **mbufs, unsigned n)
{
	return rte_ring_sc_dequeue_burst(q->down, (void **)mbufs, n, NULL);
}

/* What the mirror drops or counts: each has its own counter. */
enum mirror_counter {
	MIRROR_PUNTED,           /* packets sent to control */
	MIRROR_INJECTED,         /* packets taken from control */
	MIRROR_TWIN_UP,          /* frames given to the kernel */
	MIRROR_TWIN_DOWN,        /* frames taken from the kernel */
	MIRROR_RESOLVED,         /* packets that waited for a next hop and went on */
	MIRROR_DROP_TWIN,        /* the kernel did not take a frame */
	MIRROR_DROP_NO_CONTROL,  /* punted while control's queue is full or control is away */
	MIRROR_DROP_WAIT_FULL,   /* too many packets wait for one next hop, or too many next hops */
	MIRROR_DROP_DOWN_FULL,   /* the ring to a worker is full */
	MIRROR_DROP_NO_BUFFER,   /* no packet buffer free */
	MIRROR_DROP_BAD_MESSAGE, /* message of control that cannot be read */
	MIRROR_DROP_BAD_INJECT, /* injected packet that is too long, or for a port we do not have */
	MIRROR_COUNTERS,
};

/* Names and meanings, in the order of the enum. */
extern const struct counter_def mirror_counter_defs[MIRROR_COUNTERS];

/* Whether it counts drops. */
bool mirror_counter_is_drop(enum mirror_counter counter);

/* Its value. Any thread. */
uint64_t mirror_counter(enum mirror_counter counter);

struct tables;

/*
 * Makes the rings, the twins of all open ports and the netlink sockets, reads routes and neighbours
 * once, so that workers start with tables that are full, and connects the packet channel (so it
 * must come after zsock_context()). Main thread, after port_start_all() and tables_create().
 * Returns 0 or a negative errno after a log line; then mirror_close() undoes what was done.
 */
int mirror_open(const struct dp_config *config, struct tables *tables);

/* Starts (stops and joins) the thread. Main thread. */
int mirror_start(void);
void mirror_stop(void);

/* Frees what mirror_open() made. Twins stay, with their addresses and routes, until a reboot. */
void mirror_close(void);
