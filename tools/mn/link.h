/*
 * Where the node is attached: follows its interfaces by netlink and by Router Advertisements and
 * says which link is used, whether it is the home link, and which care-of address it gives
 * (RFC 6275, 11.5.1 to 11.5.3).
 *
 * When a link comes up the node solicits routers at once. The first advertisement says what link
 * it is; autoconfigured addresses and default routes of another link are then removed, so that
 * neither the kernel nor this node goes on using a router that is no longer there. Configured
 * addresses are never touched. Single thread.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/wheel.h"
#include "tools/mn/config.h"
#include "tools/mn/rtnl.h"

enum { LINK_INTERFACES_MAX = 8 };

enum link_place {
	LINK_NOWHERE, /* no interface gives an address */
	LINK_HOME,    /* the home prefix is on-link (RFC 6275, 11.5.2) */
	LINK_FOREIGN,
};

struct link_attachment {
	enum link_place place;
	unsigned ifindex; /* 0: nowhere */
	uint8_t index;    /* in the configured list */
	char name[IFNAMSIZ];
	uint32_t mtu;
	struct mac mac;
	struct in6_addr care_of; /* LINK_FOREIGN only, else :: */
};

/* Whether a link-local address has the interface identifier of another address. */
enum link_identifier {
	LINK_IDENTIFIER_OTHER,
	LINK_IDENTIFIER_SAME,
	LINK_IDENTIFIER_FAILED, /* it would, but duplicate address detection has failed for it */
};

struct link_ops {
	/* The attachment, or its MTU, is another than before; with multihoming also when that of
	 * another interface is. */
	void (*attached)(const struct link_attachment *attachment, void *context);
	/* A watched interface has come into being, or has come back as a new one. */
	void (*appeared)(const char *interface, void *context);
	/* Duplicate address detection has failed on this interface: for the home address, or for
	 * the link-local address with its interface identifier. */
	void (*duplicate)(unsigned ifindex, const struct in6_addr *addr, void *context);
};

struct link_watch;

/*
 * Starts to watch the configured interfaces. The configuration, rtnl, wheel and ops must outlive
 * the watch. The ops are first called from link_start(). 0 or a negative errno.
 */
int link_open(struct link_watch **out, const struct mn_config *config, struct rtnl *rtnl,
	struct wheel *wheel, const struct link_ops *ops, void *context);

/* Reads the present state, solicits routers and reports where the node is. 0 or a negative errno.
 */
int link_start(struct link_watch *w);

/* Ends the watch; nothing is reported any more. NULL is allowed. */
void link_close(struct link_watch *w);

/* Descriptors to poll for reading; call the input function when one is ready. */
int link_netlink_fd(const struct link_watch *w);
int link_router_fd(const struct link_watch *w);
void link_netlink_input(struct link_watch *w);
void link_router_input(struct link_watch *w);

/* Where the node is now. */
const struct link_attachment *link_now(const struct link_watch *w);

/* With multihoming, while the node is away: where all interfaces are attached that have a care-of
 * address, and with home_binding that on the home link, the preferred one first, at most
 * LINK_INTERFACES_MAX. Returns how many. */
unsigned link_all(const struct link_watch *w, const struct link_attachment **all);

/* The home agent does not want the home link beside others: from now on it is as without
 * home_binding. Reports where the node is if that changes it. */
void link_forgo_home(struct link_watch *w);

/* The link-layer address of a default router on the link of an interface; NULL: it is not known. */
const struct mac *link_next_hop(const struct link_watch *w, unsigned ifindex);

/* Whether this is one of the watched interfaces. */
bool link_has(const struct link_watch *w, unsigned ifindex);

/* How the link-local addresses of an interface stand to this address. */
enum link_identifier link_identifier(
	const struct link_watch *w, unsigned ifindex, const struct in6_addr *addr);

/* "nowhere", "home", "foreign" */
const char *link_place_name(enum link_place place);
