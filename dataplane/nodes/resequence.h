/*
 * Packets with sequence numbers (RFC 2890, 2.2) of subscribers that take several paths at once:
 * numbers for what is sent, and the order of what comes (reorder.h).
 *
 * What comes by two paths may come to two workers. One of them, by the number of the order, is the
 * one that puts it in order: others hand it their packets in a ring. So no state is shared, and a
 * packet that comes to the right worker, or of a subscriber without an order, costs nothing of it.
 */
#pragma once

#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"

struct resequencer;

/* Of the worker with this index: all are made before any of them runs. NULL: no memory. */
struct resequencer *resequencer_create(unsigned worker);

/* Frees it and the packets that wait in it; no worker runs. NULL is allowed. */
void resequencer_destroy(struct resequencer *r);

/* The number in the GRE header of a packet that is still in its tunnel, and has one. */
uint32_t resequence_number(struct rte_mbuf *m);

/*
 * A packet that was taken out of its tunnel, of a subscriber, had this number. True: it is to go to
 * the node "resequence_take"; false: the subscriber's packets are not put in order.
 */
bool resequence_mark(struct worker *w, struct rte_mbuf *m, const struct subscriber_entry *entry,
	uint32_t number);

/*
 * Gives a packet the next number of the subscriber with this list of paths, if it has an order: m
 * begins with the outer headers that encap_by() has put there, with a key. False: no room in front.
 */
bool resequence_put_number(struct worker *w, struct rte_mbuf *m, uint32_t list);
