/*
 * What mobile nodes ask of their home network in ICMPv6: who its home agents are (dynamic home
 * agent address discovery, RFC 6275, 10.5), and which prefixes it has (10.6). Neither question is
 * authenticated, and no answer changes anything here.
 */
#pragma once

#include "ctrl/binding/binding.h"
#include "ctrl/signalling/receive.h"

enum { DISCOVERY_SLOTS = 256 };

/* When nodes were sent prefixes last (CLOCK_MONOTONIC), by a hash of the home address: two that
 * share a slot share the one message a second that each may get (RFC 6275, 6.8). */
struct discovery_pace {
	uint64_t sent_ns[DISCOVERY_SLOTS];
};

/* An ICMPv6 message that a data plane took for one of these, without a Home Address option: a
 * question for the Mobile IPv6 Home-Agents anycast address of a home prefix is answered. */
void discovery_receive(struct signalling *s, const struct receive_packet *packet);

/* An ICMPv6 message with the Home Address option of a live binding, from its care-of address: a
 * Mobile Prefix Solicitation is answered. Returns false if it is none. */
bool discovery_solicited(
	struct signalling *s, const struct receive_packet *packet, const struct binding *b);
