/*
 * What the multicast of an access gateway is made of, for its own files:
 *
 *   multicast_nodes.c     nodes and anchors: who is asked, and what they say
 *   multicast_wanted.c    what nodes want, by their anchors, and who gets the copies
 */
#pragma once

#include <uthash.h>

#include "ctrl/multicast_nodes.h"
#include "ctrl/multicast_tunnel.h"

struct mag_link;

/* An attached node. */
struct node {
	struct mac mac;
	struct multicast_nodes *owner;
	const struct mag_link *link;
	size_t anchor; /* index of */
	uint64_t path; /* id of the one that ends at its interface */
	struct querier *querier;
	UT_hash_handle hh;
};

/* What one node wants of a group. */
struct want {
	const struct node *node;
	struct mcast_state state;
};

/* A group of one anchor: groups of others with the same address have nothing to do with it. */
struct wanted_key {
	struct in6_addr group;
	uint64_t anchor;
};

struct wanted {
	struct wanted_key key;
	size_t count, room;
	struct want *wants; /* in the order in which nodes came */
	UT_hash_handle hh;
};

/* The tunnel to an anchor, on which the gateway is a listener. */
struct upstream {
	struct multicast_nodes *owner;
	struct multicast_tunnel ends;
	uint64_t path;
	struct reporter *reporter;
};

struct multicast_nodes {
	struct multicast_nodes_config given;
	struct node *nodes;
	struct wanted *groups;
	uint32_t *here; /* how many nodes of each anchor are on each link */
	bool changed;
	uint64_t counters[REPORTER_COUNTERS];
	size_t anchor_count;
	struct upstream anchors[];
};

/* A node has come to its link, with its path and its anchor; it wants nothing yet. */
void wanted_join(struct multicast_nodes *nodes, const struct node *node);

/* From now on it wants this of a group: a state with one record or none. */
void wanted_set(
	const struct node *node, const struct in6_addr *group, const struct mcast_state *state);

/* It is here no more, and wants nothing. */
void wanted_leave(struct multicast_nodes *nodes, const struct node *node);

/* Forgets all wants and tells nobody. */
void wanted_free(struct multicast_nodes *nodes);
