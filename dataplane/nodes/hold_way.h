/*
 * What the nodes of packets that wait have in common: hold_take.c and hold_tunnel.c let them wait,
 * hold.c lets them go on. All of it is for the worker whose packets they are.
 */
#pragma once

#include "dataplane/nodes/hold.h"

/* A node's edges begin with these: all of those that let packets wait, ... */
enum hold_edge {
	HOLD_FULL,
	HOLD_ROOM,
	HOLD_GONE,
	HOLD_WAIT_EDGES,
	/* ... and, for those from which packets go on to subscribers: */
	HOLD_ENCAP = HOLD_WAIT_EDGES,
	HOLD_TWICE,
	HOLD_PASS_EDGES,
};

#define HOLD_WAIT_NEXT_NODES                                                                       \
	[HOLD_FULL] = "drop_hold_full", [HOLD_ROOM] = "drop_hold_room",                            \
	[HOLD_GONE] = "drop_hold_gone"
#define HOLD_PASS_NEXT_NODES                                                                       \
	HOLD_WAIT_NEXT_NODES, [HOLD_ENCAP] = "encap", [HOLD_TWICE] = "drop_relay_twice"

/* Where packets go on, and how many have. */
struct hold_way {
	struct worker *w;
	struct rte_graph *graph;
	struct rte_node *node;
	uint32_t held, released, dropped;
};

/* The hold of a held path. */
struct path_hold *hold_way_hold(const struct hold_way *way, uint32_t path);

/* The entry by which a subscriber is found by its id now; NULL: there is none. */
const struct subscriber_entry *hold_way_entry(const struct hold_way *way, uint64_t subscriber);

/* Whether the path that the subscriber has is a held one. */
bool hold_way_is_held(const struct hold_way *way, const struct subscriber_entry *entry);

/* When a packet that comes now has waited too long, in TSC cycles. */
uint64_t hold_way_until(const struct hold_way *way, const struct path_hold *hold);

/* A packet with a ticket waits for so long, if there is room. */
void hold_way_put(struct hold_way *way, const struct hold_key *key, struct rte_mbuf *m,
	const struct path_ticket *ticket, uint64_t until);

/* A packet goes on to its subscriber, by this entry of it. */
void hold_way_pass(struct hold_way *way, struct rte_mbuf *m, const struct subscriber_entry *entry);

/* A packet is dropped, by this edge of the node. */
void hold_way_drop(struct hold_way *way, rte_edge_t edge, struct rte_mbuf *m);

/* Counts what has waited and gone on, at the end of a visit. */
void hold_way_count(const struct hold_way *way);
