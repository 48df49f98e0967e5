/*
 * One interface of the mobile node as link.c knows it: addresses, prefixes on the link, router.
 * Plain data and decisions; no I/O.
 */
#pragma once

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/addr.h"
#include "common/wheel.h"
#include "tools/mn/ra.h"

enum {
	LINK_ADDRESSES_MAX = 32,
	LINK_ROUTERS_MAX = 8,
};

struct link_address {
	struct in6_addr addr;
	uint8_t len;
	bool from_router; /* autoconfigured from a Router Advertisement */
	uint32_t flags;   /* IFA_F_* */
};

/* A router that has advertised itself. */
struct link_router {
	struct in6_addr addr;
	bool is_default; /* packets for other links may be given to it */
	bool has_mac;    /* it has told its link-layer address */
	struct mac mac;
	uint64_t
		overdue_ns; /* monotonic: it should have been heard again, UINT64_MAX: no telling */
};

/* A prefix that routers say is on the link. */
struct link_prefix {
	struct prefix6 prefix;
	struct in6_addr router; /* the last one to say so */
	uint64_t expires_ns;    /* monotonic, UINT64_MAX: never */
};

struct link_watch;

struct link_iface {
	struct link_watch *watch; /* whose timer callback needs it */
	char name[IFNAMSIZ];
	unsigned ifindex; /* 0: does not exist */
	bool up;          /* administratively up, and has carrier */
	bool advertised;  /* a Router Advertisement came since the link came up */
	bool check_stale; /* that has just happened */
	bool home_failed; /* duplicate address detection has just failed for the home address */
	bool link_local_failed;  /* or for the link-local address with its identifier */
	uint32_t carrier_losses; /* as the kernel counts them */
	uint32_t mtu;
	struct mac mac;
	uint8_t address_count, prefix_count, router_count;
	uint8_t solicitations; /* sent since the link came up */
	struct wheel_timer solicit, expire;
	struct link_address addresses[LINK_ADDRESSES_MAX];
	struct link_prefix prefixes[RA_PREFIXES_MAX]; /* advertised since the link came up */
	struct link_router routers[LINK_ROUTERS_MAX]; /* that advertised them */
};

/* Adds, updates or removes an address. One too many is left out and logged. */
void link_iface_address_set(struct link_iface *i, const struct link_address *address);
void link_iface_address_del(struct link_iface *i, const struct in6_addr *addr);

/*
 * Takes over what an advertisement says of the link at the time now_ns (monotonic). A prefix with
 * valid lifetime 0 is no longer there. Other routers that have been silent for three of their
 * advertised intervals, or for their lifetime, are on a link that this one is not (RFC 6275,
 * 11.5.1): they are forgotten with their prefixes. Returns whether that has happened.
 */
bool link_iface_advertised(
	struct link_iface *i, const struct in6_addr *router, const struct ra *ra, uint64_t now_ns);

/* Forgets prefixes whose lifetime has ended. Returns when the next one ends, UINT64_MAX: none. */
uint64_t link_iface_expire(struct link_iface *i, uint64_t now_ns);

/* Forgets what was advertised: the link may be another one now. */
void link_iface_forget(struct link_iface *i);

/* Whether the address belongs to a link that the interface is no longer on: autoconfigured, and
 * under no prefix that the present link's routers advertise. */
bool link_iface_is_stale(const struct link_iface *i, const struct link_address *address);

/* Whether a route to this on-link prefix is right on the present link: it is advertised there, or
 * an address of that length that is not stale is in it. */
bool link_iface_needs_prefix(const struct link_iface *i, const struct prefix6 *prefix);

/* The link-layer address of a default router, as routers have told it (RFC 5648, 5.6.4); NULL: none
 * has. */
const struct mac *link_iface_next_hop(const struct link_iface *i);

/* Whether this router has advertised itself since the link came up. */
bool link_iface_has_router(const struct link_iface *i, const struct in6_addr *router);

/* Whether the home prefix is on this link (RFC 6275, 11.5.2). */
bool link_iface_at_home(const struct link_iface *i, const struct prefix6 *home,
	const struct in6_addr *home_address);

/*
 * The care-of address to use, or NULL: a usable (not tentative unless optimistic, not deprecated)
 * unicast routable address of the present link outside the home prefix; a stable one before a
 * temporary one, and `now`, if still usable, before others so that nothing changes without need.
 */
const struct in6_addr *link_iface_care_of(
	const struct link_iface *i, const struct prefix6 *home, const struct in6_addr *now);

/* The link-local address with the interface identifier of this address, or NULL. */
const struct link_address *link_iface_link_local_of(
	const struct link_iface *i, const struct in6_addr *addr);

/* Whether it has a link-local address that duplicate address detection is done with. */
bool link_iface_has_link_local(const struct link_iface *i);
