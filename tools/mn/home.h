/*
 * Being at home (RFC 6275, 11.5.5): the node tells the home agent to stop, and only when that has
 * answered, or when there can be nothing to stop, uses its home address on the home link. Beside
 * other links (RFC 5648, 5.6) it answers for its address there only if the home agent has left that
 * to it.
 *
 * All functions work on the one struct mn; same thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct mn;
struct bul_answer;

/* Prepares the timers. */
void home_init(struct mn *mn);

/* The node is attached to its home link (mn->at). */
void home_enter(struct mn *mn);

/* The node is on the home link beside others, or was: answers for the home address there, or stops,
 * as the home agent has said (RFC 5648, 5.6.3, 5.6.4). */
void home_beside(struct mn *mn);

/* The node is on another link. */
void home_leave(struct mn *mn);

/* A deregistration from home was answered and the node may still have to take its address.
 * was_bound: the node knew of a binding until now. */
void home_answered(struct mn *mn, const struct bul_answer *answer, bool was_bound);

/* An incoming packet that is no signalling: answers a solicitation for the home address while the
 * home agent still has to find the node. */
void home_solicited(struct mn *mn, const uint8_t *pkt, size_t len, const struct mac *from);

/* Duplicate address detection found another user of the home address on this interface, or of the
 * link-local address with its identifier, which the home agent defends until it has answered. */
void home_duplicate(struct mn *mn, unsigned ifindex, const struct in6_addr *addr);

/* Whether the home address is in use on the home link. */
bool home_ready(const struct mn *mn);
