/*
 * What the mobile node changes in its host's network, and how it is undone: the home address on
 * the tunnel or the home link, rule and routes while away, the firewall rule that keeps the kernel
 * from answering type 2 routing headers, optimistic duplicate address detection.
 *
 * Everything is idempotent, and recorded in the state file before it is done, so that a start
 * after a crash begins from a clean host. Single thread.
 */
#pragma once

#include <stdbool.h>

#include "tools/mn/config.h"
#include "tools/mn/rtnl.h"
#include "tools/mn/state.h"

struct hostnet {
	const struct mn_config *config;
	struct rtnl *rtnl;
	struct state *state;
	unsigned tunnel; /* index of the TUN interface */
	unsigned beside; /* the interface of hostnet_beside(), 0: none */
};

/* Undoes what a crashed process has left, then prepares the host: firewall rule, settings, and the
 * home address on the tunnel interface, where applications keep it through every move. */
int hostnet_open(struct hostnet *h, const struct mn_config *config, struct rtnl *rtnl,
	struct state *state, unsigned tunnel);

/* Undoes everything. */
void hostnet_close(struct hostnet *h);

/* An interface to attach by has come into being: prepares it like hostnet_open() did the others. */
void hostnet_interface(struct hostnet *h, const char *interface);

/* The node is away, and not at home unless hostnet_beside() says so: packets from the home address
 * go through the tunnel, which has this MTU. */
int hostnet_away(struct hostnet *h, uint32_t tunnel_mtu);

/* The node is at home on this interface: the home address is there and on no other link, the tunnel
 * is not used.
 * detect: the address has not been defended for the node, so check that it is free (RFC 6275,
 * 11.5.5). */
int hostnet_home(struct hostnet *h, const char *interface, unsigned ifindex, bool detect);

/* The node is away, and at home on this interface as well (RFC 5648, 5.6.4): the kernel answers for
 * the home address there. Packets from it go on into the tunnel's interface. */
int hostnet_beside(struct hostnet *h, const char *interface, unsigned ifindex);

/* The node left its home link, or does not answer for its address there: it goes away from there.
 */
void hostnet_leave_home(struct hostnet *h);
