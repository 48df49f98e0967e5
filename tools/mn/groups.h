/*
 * What programs of this host listen to: the multicast groups that they join on the tunnel's
 * interface. There dmm-mn is the MLD querier (RFC 3810, 7.1; RFC 6275, 11.3.4), and the kernel, the
 * only listener, reports to it: so the state is kept for this one listener and needs no timers for
 * sources. On the home link the same groups are joined there, and the kernel speaks MLD.
 *
 * Single thread.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wheel.h"
#include "proto/mobility/mcast_state.h"
#include "proto/mobility/mld.h"

struct tunnel;

struct groups_counters {
	uint64_t queries;
	uint64_t reports;                  /* taken */
	uint64_t ignored[MLD_FAULT_COUNT]; /* packets, by what is wrong with them */
	uint64_t malformed;                /* reports that do not decode */
	uint64_t no_room;                  /* records: more groups than a message can tell */
	uint64_t join_failed; /* groups that the kernel did not join on the home link */
};

struct groups_ops {
	/* What is listened to has changed. */
	void (*changed)(void *context);
};

struct groups {
	const struct groups_ops *ops;
	void *context;
	struct tunnel *tunnel;
	struct wheel *wheel;
	struct mcast_state now;
	struct mcast_state fresh;        /* reported since the last query */
	struct wheel_timer query, sweep; /* next query; end of the time for its answers */
	int socket;                      /* its memberships on the home link, -1: not there */
	unsigned ifindex;                /* of the home link */
	struct mcast_state joined;       /* there */
	struct groups_counters counters;
};

/* Starts with the first query. The tunnel's interface is up; ops, tunnel and wheel outlive it. */
void groups_init(struct groups *g, struct tunnel *tunnel, struct wheel *wheel,
	const struct groups_ops *ops, void *context);

/* Leaves all groups and stops the timers. Also for one that is all zero. */
void groups_close(struct groups *g);

/* A packet of link scope that the kernel sent on the tunnel's interface. */
void groups_input(struct groups *g, const uint8_t *pkt, size_t len);

/* Whether somebody listens to a packet with these addresses. */
bool groups_want(
	const struct groups *g, const struct in6_addr *source, const struct in6_addr *group);

/* The node is on its home link by this interface; 0: it is not at home. */
void groups_at_home(struct groups *g, unsigned ifindex);
