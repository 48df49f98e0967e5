/*
 * Putting packets with sequence numbers back into their order (RFC 2890, 2.2): one that comes
 * before earlier ones waits for them, until they are there, its time is up, or no more can wait.
 * What is earlier than what went on already is late and refused, or has come twice.
 *
 * A sender that begins anew with smaller numbers is recognised: when for longer than its patience
 * nothing but old packets has come, they are not old.
 *
 * One that holds no packets at all (packets is 0) lets everything pass and counts what is out of
 * order.
 *
 * Of one worker. Bounded for each order and altogether; when all places are taken packets do not
 * wait. An order whose subscriber has gone leaves packets here until their time is up; they come
 * out one by one.
 */
#pragma once

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/tables/order_table.h"

struct reorder;

/* A packet goes on. */
typedef void reorder_deliver_fn(void *context, const struct order *order, struct rte_mbuf *m);

/* Room for so many packets. NULL: no memory. */
struct reorder *reorder_create(uint32_t most);

/* Frees it and the packets that wait. NULL is allowed. */
void reorder_destroy(struct reorder *r);

/*
 * A packet of an order, with its number, has come; now is the TSC. False: it is late, and the
 * caller's to drop. Else it waits or is delivered, and with it what waited for it.
 */
bool reorder_put(struct reorder *r, struct order *order, struct rte_mbuf *m, uint32_t number,
	uint64_t now, reorder_deliver_fn *deliver, void *context);

/* Delivers what has waited long enough, and what that has waited for. */
void reorder_expire(struct reorder *r, uint64_t now, reorder_deliver_fn *deliver, void *context);

/* How many wait. */
uint32_t reorder_waiting(const struct reorder *r);
