/*
 * How much it matters that a punted packet is worked on soon: seen without proof of who sent it,
 * and quickly, because all are looked at, also those that there will be no time for.
 */
#pragma once

#include "ctrl/intake.h"

struct signalling;

/*
 * The class of a packet (ctrl/intake.h): a Binding Update by whether its home address is bound and
 * by its lifetime, what a gateway or anchor of the configuration says as of known nodes (RFC 5213),
 * all else by the reason why it was punted. *source is its IPv6 source, :: if it has none, or if
 * many nodes speak from one: from such a peer. *hint is set for a Binding Update of a node.
 */
enum intake_class signalling_classify(struct signalling *s, const struct packet_punt *punt,
	struct in6_addr *source, uint64_t *hint);

/* The packets with these hints come next: has their subscribers fetched from memory. */
void signalling_expect(struct signalling *s, const uint64_t hints[], unsigned count);
