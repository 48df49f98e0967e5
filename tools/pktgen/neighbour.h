/*
 * Neighbour Discovery of the generator (RFC 4861): it asks for the gateway's MAC addresses before
 * traffic starts, and answers for its own addresses while traffic flows, so that the gateway finds
 * its next hops without anything in Linux.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/pktgen/port.h"

enum { NEIGHBOUR_PACKET_MAX = 72 };

/* An answer on its way from who receives to who sends. */
struct neighbour_answer {
	uint8_t side; /* enum port_side */
	uint8_t len;
	struct mac to;
	uint8_t packet[NEIGHBOUR_PACKET_MAX];
};

/* What to answer to an IPv6 packet that a port received. Returns false when nothing: it is no valid
 * solicitation of the port's address. Pure. */
bool neighbour_answer(
	const struct port *port, const uint8_t *packet, size_t len, struct neighbour_answer *out);

/* Asks for each gateway's MAC address that is not configured, until all are known. Before workers
 * run; answers solicitations meanwhile. Returns 0, -ETIMEDOUT after a log line and about
 * `patience_s` seconds, or -EINTR when *stop was set. */
int neighbour_resolve(struct ports *ports, unsigned patience_s, const volatile bool *stop);
