/*
 * Multicast replication: packets of groups wait in a queue of the worker, and the source node
 * replicate makes copies of the first of them, REPLICATE_BUDGET a walk, or fewer while there is
 * other traffic to forward. So a packet for ten thousand members takes many walks, and between any
 * two of them the worker receives as ever.
 *
 * A copy into a tunnel is a whole packet of its own, with all octets copied, up to
 * REPLICATE_CHAIN_FROM octets. A larger one is a buffer with the outer headers, chained to the
 * packet that all copies share, if every port takes packets in pieces.
 */
#pragma once

#include <rte_byteorder.h>
#include <stdint.h>

#include "dataplane/worker.h"

enum {
	REPLICATE_QUEUE = 256, /* packets that wait, a power of two */
	REPLICATE_BUDGET = 64, /* copies a walk, and list places looked at for each 8 */
	REPLICATE_CHAIN_FROM = 256,
	REPLICATE_OTHERS = 16, /* packets of others in a walk, from which on they have precedence */
	REPLICATE_LEAST = 2,   /* then so many copies */
	REPLICATE_SHARE = 16,  /* and one more for so many of others */
	REPLICATE_SHARED_MAX = 60000, /* of the 65535 that a reference count counts */
	REPLICATE_RESERVE = 8,        /* one in so many buffers is not for copies */
};

/* A packet, its hop limit already lowered, its data at the IPv6 header. */
struct replicate_job {
	struct rte_mbuf *m;
	uint64_t id;              /* of the group */
	uint32_t group;           /* its number */
	uint32_t place;           /* in the list, to go on from */
	uint32_t class_and_label; /* of outer headers */
	uint16_t payload;         /* octets behind them, without GRE */
	uint16_t port;            /* that the packet came by */
	uint8_t limit; /* Tunnel Encapsulation Limit of the outer header, if outer has room for it
			*/
	uint8_t outer; /* octets of outer headers */
};

struct replication {
	struct replicate_job jobs[REPLICATE_QUEUE];
	uint32_t head, count;
	uint32_t busy; /* what it told of its work in the last walk */
};

/* The queue of a worker; NULL: no memory. Main thread. */
struct replication *replication_create(void);

/* Frees it and the packets in it. NULL is allowed. */
void replication_destroy(struct replication *r);

static inline struct replicate_job *replication_at(struct replication *r, uint32_t i)
{
	return &r->jobs[(r->head + i) % REPLICATE_QUEUE];
}
