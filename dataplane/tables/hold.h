/*
 * Packets that wait in one worker for whom they are for to have a path: in the order in which they
 * came, in a queue for each subscriber, or for each /64 that nobody has yet.
 *
 * Bounded altogether; bounds of a subscriber are kept by path_hold.h. Queues take turns at being
 * looked at, so that no walk has to look at all of them.
 */
#pragma once

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/path_hold.h"

struct hold;

/* Whose packets a queue has. */
struct hold_key {
	uint64_t id;     /* of the subscriber; of the held path of a tunnel */
	uint64_t prefix; /* 0; the upper half of the inner destination, as on the wire */
};

/* A packet that waits. */
struct hold_packet {
	struct rte_mbuf *m;
	struct path_ticket ticket;
	uint64_t until; /* TSC */
	uint32_t next;  /* of the queue; or of the free ones */
};

/* One that is there has packets. */
struct hold_queue {
	struct hold_key key;
	uint32_t first, last; /* numbers of packets */
	uint32_t count;
	uint32_t chain;      /* of queues with keys of one hash; or of the free ones */
	uint32_t prev, next; /* ring of all queues */
};

/* Room for so many packets. NULL: no memory. */
struct hold *hold_create(uint32_t most);

/* Frees it and the packets that wait. NULL is allowed. */
void hold_destroy(struct hold *h);

/* How many packets wait. */
uint32_t hold_waiting(const struct hold *h);

/* How many queues there are. */
uint32_t hold_queues(const struct hold *h);

/* The queue of a key; NULL: nothing waits. */
struct hold_queue *hold_find(const struct hold *h, const struct hold_key *key);

/* A packet waits, behind all others of its key. False: there is no room, and nothing has changed.
 */
bool hold_put(struct hold *h, const struct hold_key *key, struct rte_mbuf *m,
	const struct path_ticket *ticket, uint64_t until);

/* The first packet of a queue; valid until the queue is changed. */
const struct hold_packet *hold_first(const struct hold *h, const struct hold_queue *q);

/* Takes that packet out. The queue is gone with its last one: false. */
bool hold_take(struct hold *h, struct hold_queue *q, struct hold_packet *packet);

/* The queue whose turn it is, which the next call is for the one behind; NULL: there is none. */
struct hold_queue *hold_turn(struct hold *h);
