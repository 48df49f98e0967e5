/*
 * How much it matters that a punted packet is worked on soon: seen without proof of who sent it,
 * and quickly, because all are looked at, also those that there will be no time for.
 */
#pragma once

#include "ctrl/intake.h"

struct signalling;

/*
 * What is to be seen of packets (ctrl/intake.h), up to PACKET_BURST. The class is, of a Binding
 * Update, by whether its home address is bound and by its lifetime; what a gateway or anchor of the
 * configuration says is as of known nodes (RFC 5213); of all else it is by the reason why it was
 * punted. The source is :: also where many nodes speak from one, from such a peer. The hint is that
 * of the home address of a Binding Update of a node.
 */
void signalling_classify(struct signalling *s, const struct packet_punt punts[], unsigned count,
	struct intake_sight sights[]);

/* These hints, addr_hash() of home addresses, come next: has their bindings and subscribers fetched
 * from memory. */
void signalling_expect(struct signalling *s, const uint64_t hints[], unsigned count);
