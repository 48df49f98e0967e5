/*
 * The mobile nodes that signal: what each is bound to, what it has asked for, and when it asks
 * again (RFC 6275, 11.7.1 and 11.8). No I/O: the caller sends and tells what was answered. One
 * thread; nothing is allocated after fleet_open(). About 90 octets a node.
 *
 * A node has one operation under way at a time. It repeats its Binding Update, each time with the
 * next sequence number, after waits that double, and gives up after some tries; then it cannot know
 * whether the home agent has done what it asked.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "common/histogram.h"
#include "common/wheel.h"
#include "tools/pktgen/config.h"
#include "tools/pktgen/random.h"

enum { FLEET_STATUSES = 256 };

/* A node. */
struct fleet_node {
	struct wheel_timer timer; /* armed while an answer is waited for */
	uint64_t asked_ns;        /* when the operation's first update was sent */
	uint32_t listed;          /* index in the list of idle nodes that it is in */
	uint32_t place;           /* that it is bound at, as last acknowledged */
	uint32_t wish;            /* place of the operation */
	uint16_t sequence;        /* of the last update sent */
	uint16_t first_sequence;  /* of the operation's first update */
	uint8_t op;               /* enum pktgen_op */
	uint8_t tries;            /* updates sent in the operation */
	bool bound, asking;
	/* What is known is what the home agent has: it has answered, and no operation has ended
	 * without an answer since. Until then it may have a binding from before. */
	bool sure;
};

struct fleet_count {
	uint64_t asked; /* operations begun */
	uint64_t accepted;
	uint64_t lost;     /* given up */
	uint64_t repeated; /* updates sent again */
	uint64_t rejected[FLEET_STATUSES];
	struct histogram latency; /* first update of the operation to its acknowledgement */
};

struct fleet;

/* Called to send the update that a node asks with: fleet_node()'s op, wish, sequence. */
typedef void fleet_send_fn(void *context, uint32_t node);

/* All nodes of the configuration, none bound; NULL without memory. The configuration must outlive
 * it. now_ns: clock_mono_ns(). */
struct fleet *fleet_open(
	const struct pktgen_config *config, uint64_t now_ns, fleet_send_fn *send, void *context);

/* Frees it. NULL is allowed. */
void fleet_close(struct fleet *f);

/* Lets a node chosen at random begin an operation chosen by the weights, of those that any idle
 * node can begin now: a first registration if it is not bound, the others if it is. Returns false
 * when there is none. */
bool fleet_begin(struct fleet *f, uint64_t now_ns);

/* Lets one idle node that is bound refresh at once, because it was asked to (RFC 6275, 11.7.4).
 * Returns whether it does. */
bool fleet_refresh(struct fleet *f, uint32_t node, uint64_t now_ns);

/* Repeats or gives up what is due. Returns the nanoseconds' time of the next such, as
 * wheel_next_ns(). */
uint64_t fleet_advance(struct fleet *f, uint64_t now_ns);

/* Takes an authentic Binding Acknowledgement for a node. Returns false if it answers nothing that
 * is under way. */
bool fleet_answer(
	struct fleet *f, uint32_t node, uint8_t status, uint16_t sequence, uint64_t now_ns);

/* A node, constant until the next call. */
const struct fleet_node *fleet_node(const struct fleet *f, uint32_t node);

/* Nodes that wait for an answer. */
uint32_t fleet_asking(const struct fleet *f);

/* Nodes that are bound, as last acknowledged. */
uint32_t fleet_bound(const struct fleet *f);

/* What happened to one kind of operations so far. */
const struct fleet_count *fleet_count(const struct fleet *f, enum pktgen_op op);
