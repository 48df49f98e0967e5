/*
 * Binding Revocation (RFC 5846, 6 and 7): a node is told that the operator has ended bindings of
 * it, until it says that it knows, a few times. The bindings themselves are gone by then: the word
 * of an operator does not wait for the node.
 *
 * For the control thread.
 */
#pragma once

#include <stdint.h>

#include "ctrl/binding/binding.h"
#include "ctrl/signalling/receive.h"
#include "proto/mobility/mh.h"

struct signalling;

/*
 * Tells the node of a binding that ended, at its care-of address: that binding and the others of
 * the home address whose BIDs are given, or, with none, that all are gone (RFC 5846, 7). trigger
 * is one of enum codes_bri. A node without security association is not told: it could not know
 * whom to believe.
 */
void revocation_start(struct signalling *s, const struct binding_record *ended,
	const uint16_t *bids, unsigned bid_count, uint8_t trigger);

/* The node has bindings again: it need not be told any longer (RFC 5846, 7). */
void revocation_overtaken(struct signalling *s, const struct in6_addr *home);

/* A Binding Revocation for one of our addresses, decoded, its checksum right. */
void revocation_receive(
	struct signalling *s, const struct receive_packet *packet, const struct mh *mh);

/* Forgets all: the end of the process. */
void revocation_free(struct signalling *s);
