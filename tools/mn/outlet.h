/*
 * A way out of the node for the packets of its home address: sockets that are bound to one
 * interface, and the two ends of a tunnel, or the next hop on the home link, where there is none.
 * What is too big for a tunnel leaves as fragments of the outer packet.
 *
 * Single thread.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"

struct outlet {
	int out;               /* whole outer packets */
	int fragments;         /* protocol 41, out only: the kernel writes the outer header */
	unsigned link_ifindex; /* of the way out, 0: none */
	uint32_t path_mtu;     /* as far as it is known, 0: that of the link */
	struct in6_addr local, remote;
	bool on_link; /* no tunnel: packets go to next_hop as they are */
	struct mac next_hop;
	int link; /* Ethernet, out only; opened when it is needed first, -1: not yet */
};

/* Opens the sockets; none leads anywhere yet. 0 or a negative errno; outlet_close() in any case. */
int outlet_open(struct outlet *o);
void outlet_close(struct outlet *o);

/* Leads it out by an interface (0: none) from local to remote. 0 or a negative errno. */
int outlet_set(struct outlet *o, unsigned ifindex, const struct in6_addr *local,
	const struct in6_addr *remote);

/* Leads it out by an interface to a link-layer address, without a tunnel and without asking the
 * kernel who has it (RFC 5648, 5.6.4). 0 or a negative errno. */
int outlet_set_on_link(struct outlet *o, unsigned ifindex, const struct mac *next_hop);

/* The way carries outer packets of at most mtu octets; 0: of any size that the link takes. */
void outlet_set_mtu(struct outlet *o, uint32_t mtu);

/* Sends an inner packet, which is whole. 0 or a negative errno: -EMSGSIZE for one that is too big
 * for the home link. */
int outlet_send(struct outlet *o, uint8_t *inner, size_t len);
