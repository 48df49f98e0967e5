/*
 * Taking over the traffic for an absent node on its home link (RFC 6275, 10.4.1): for its home
 * address and, with the L flag, for its link-local address. The data plane itself answers
 * solicitations while its subscriber objects are there; when the node is back they go, and with
 * them the defence.
 */
#pragma once

#include <stdint.h>

struct binding;
struct signalling;

/*
 * Tells all nodes of the home link that the addresses are to be reached at the gateway, now and, as
 * such multicasts may be lost, as often again as configured, but no longer than the binding lives.
 * Nothing if its prefix is on no link.
 */
void defend_begin(struct signalling *s, struct binding *b);

/* CLOCK_MONOTONIC of the next time; UINT64_MAX: it has been told often enough. */
uint64_t defend_due_ns(const struct binding *b);

/* Tells it again; the binding is live and it is due. */
void defend_again(struct signalling *s, struct binding *b);
