/*
 * Tracing in workers: packets with an address of a wanted prefix, outside or inside of a tunnel,
 * are remembered as they come in by a port, and told of at the node where their way through the
 * graph ends. Packets of others, and all while nobody looks, cost one load and branch a burst at
 * each of these nodes.
 *
 * At most TRACE_PER_SECOND packets a second of each worker are told of, and TRACE_AT_ONCE of a
 * walk; the others are counted in the next that is.
 */
#pragma once

#include <rte_branch_prediction.h>
#include <rte_mbuf.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "dataplane/worker.h"
#include "proto/channel/trace.h"

enum { TRACE_AT_ONCE = 16 };

/* What a worker tells the agent. */
struct trace_record {
	uint64_t tsc;       /* when it came in */
	struct in6_addr to; /* TRACE_SENT */
	uint32_t missed;
	uint16_t reason;   /* TRACE_DROPPED: enum drop_reason */
	uint16_t from, by; /* numbers of ports */
	uint16_t length, captured;
	uint8_t how;    /* enum trace_how */
	uint8_t prefix; /* number in what is wanted */
	uint8_t octets[TRACE_OCTETS_MAX];
};

/* What is wanted, or NULL. Written by the agent alone, which changes what it points to only while
 * no worker can see it. */
extern _Atomic(const struct trace_wanted *) trace_wanted_now;

/* Makes the rings of this many workers, after rte_eal_init(). 0 or -ENOMEM. Main thread. */
int trace_open(unsigned workers);
void trace_close(void);

/* Takes one record of any worker; false: there is none. Agent thread. */
bool trace_take(struct trace_record *record);

/* The rest is for workers. */
void trace_look(struct worker *w, struct rte_mbuf **mbufs, uint16_t n);
void trace_end(
	struct worker *w, struct rte_mbuf **mbufs, uint16_t n, enum trace_how how, uint16_t reason);
void trace_destined(struct worker *w, struct rte_mbuf **mbufs, uint16_t n, uint16_t port);

static inline bool trace_is_on(void)
{
	return unlikely(atomic_load_explicit(&trace_wanted_now, memory_order_relaxed) != NULL);
}

/* Frames that came in by ports. */
static inline void trace_in(struct worker *w, struct rte_mbuf **mbufs, uint16_t n)
{
	if (trace_is_on())
		trace_look(w, mbufs, n);
}

/* Packets whose way ends so; before they are anybody else's. reason: enum drop_reason, or 0. */
static inline void trace_out(
	struct worker *w, struct rte_mbuf **mbufs, uint16_t n, enum trace_how how, uint16_t reason)
{
	if (trace_is_on())
		trace_end(w, mbufs, n, how, reason);
}

/* Frames that are to leave by a port, and then those of them that did; their buffers are not
 * looked at any more. */
static inline void trace_sending(
	struct worker *w, struct rte_mbuf **mbufs, uint16_t n, uint16_t port)
{
	if (trace_is_on())
		trace_destined(w, mbufs, n, port);
}

static inline void trace_sent(struct worker *w, struct rte_mbuf **mbufs, uint16_t n)
{
	if (trace_is_on())
		trace_end(w, mbufs, n, TRACE_SENT, 0);
}
