/*
 * The Home Agents List (RFC 6275, 10.1 and 10.5.1): the home agents on a home link, as dynamic home
 * agent address discovery tells them. The gateway itself stands in the configuration, the others
 * are learned from their Router Advertisements.
 */
#pragma once

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

#include "ctrl/signalling/receive.h"

struct home_prefix;

enum {
	HOME_AGENTS_MAX = 32,      /* on all home links; more are not remembered */
	HOME_AGENTS_ADDRESSES = 4, /* of each */
};

/* Another home agent. */
struct home_agents_entry {
	uint64_t link;          /* id of its home link; 0: the entry is free */
	uint64_t end_ns;        /* CLOCK_MONOTONIC: it is forgotten then */
	struct in6_addr router; /* its link-local address: who it is */
	uint16_t preference;
	uint8_t count;
	struct in6_addr addresses[HOME_AGENTS_ADDRESSES]; /* global ones */
};

struct home_agents {
	struct home_agents_entry entries[HOME_AGENTS_MAX];
};

/* A Router Advertisement that a data plane has heard on a port: noted if it is valid (RFC 4861,
 * 6.1.2) and the port is that of a home link. */
void home_agents_receive(struct signalling *s, const struct receive_packet *packet);

/*
 * Writes the addresses of the home agents of a home prefix, the gateway's own among them, most
 * preferred first, those of the same preference in an order that is random each time (RFC 6275,
 * 10.5.1). Returns how many, at most max.
 */
size_t home_agents_list(struct signalling *s, const struct home_prefix *prefix,
	struct in6_addr *addresses, size_t max);
