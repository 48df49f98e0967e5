/*
 * The care-of addresses of several interfaces at once (RFC 5648, 5): which BID each has, how they
 * are registered, and what the home agent says about each.
 *
 * The BID of an interface is its place in the configured list, counted from 1, and so is its
 * priority: both stay while interfaces come and go. Whenever the set of care-of addresses changes,
 * it is registered anew with the O flag, which ends the bindings of those that are gone. What the
 * home agent does not do is not asked again: without bulk registration each care-of address is
 * registered by itself, one after the other; without BIDs only the preferred one is.
 *
 * Flows that the home agent has accepted as they are to be are refreshed by their FIDs alone (RFC
 * 6089, 5.2.3). One that says that it does not know such a FID is told everything anew.
 *
 * The home link beside others is a path with the home address as care-of address (RFC 5648, 5.6.3).
 * It is named in each update, as one that does not name it says that the node has left it; when the
 * home agent refuses it, or all in one update, the node goes on without.
 *
 * All functions work on the one struct mn; same thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/mn/bul.h"
#include "tools/mn/link.h"
#include "tools/mn/tunnel.h"

struct mn;

/* A care-of address. */
struct mn_path {
	struct link_attachment at; /* LINK_HOME: its care_of is the home address */
	uint16_t bid;
	bool registered; /* the home agent has it */
	bool revoked;    /* it had, and has ended it by itself */
	uint8_t status;  /* what it was last answered with, 255: not yet */
	bool has_tunnel; /* it told where the tunnel ends */
	struct in6_addr tunnel;
	struct tunnel_way way; /* of what leaves by it (uplink.h) */
};

/* A flow of the configuration, as it was last registered. */
struct mn_path_flow {
	uint16_t bid;   /* 0: not registered */
	uint16_t held;  /* the BID that the home agent has it with, 0: not as far as is known */
	uint8_t status; /* what the home agent said, 255: nothing yet */
};

struct mn_paths {
	enum mn_multihoming mode; /* as configured, or what the home agent leaves of it */
	uint8_t count;
	uint8_t turn; /* SINGLE: the one that is being registered */
	struct mn_path all[LINK_INTERFACES_MAX];
	struct mn_path_flow flows[MN_FLOWS_MAX]; /* in the order of the configuration */
};

/* Takes over where the interfaces are attached. Returns whether any care-of address is new or gone.
 */
bool paths_update(struct mn *mn);

/* Registers all of them anew; the first is the preferred one. */
void paths_register(struct mn *mn);

/* The present registration was answered: goes on with the next, or tries what RFC 5648, 5.7 says.
 */
void paths_answered(struct mn *mn, const struct bul_answer *answer);

/* An acknowledgement that nobody asked for tells where tunnels end now. */
void paths_told(struct mn *mn, const struct bul_answer *answer);

/* The home agent has ended the bindings of these BIDs. Returns whether any is left. */
bool paths_revoked(struct mn *mn, const struct bul_answer *revocation);

/* The home link beside others; NULL: the node is not there, or there alone. */
const struct mn_path *paths_home(const struct mn *mn);

/* The interface that a care-of address is on; 0: none. */
unsigned paths_interface(const struct mn *mn, const struct in6_addr *care_of);
