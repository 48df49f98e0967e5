/*
 * Packets to measure with: a source node of the graph that makes them, and whom they are for.
 *
 * Subscriber i has a home address and a care-of address with random interface identifiers, so
 * that neighbours in the table are no neighbours in memory. Each packet is for one that is drawn
 * at random, which is what caches like least.
 */
#pragma once

#include <netinet/in.h>
#include <rte_mempool.h>
#include <stdbool.h>
#include <stdint.h>

enum work {
	WORK_FLOOR, /* source and transmission, nothing between them */
	WORK_ENCAP, /* to a node: into its tunnel */
	WORK_DECAP, /* from a node: out of its tunnel, on by a route */
	WORK_RELAY, /* from another data plane to a node: out of one tunnel, into another */
	WORK_ROUTE, /* to nobody that we know: by a route */
	WORKS
};

/* Name of a work ("encap"). */
const char *work_name(enum work work);

struct traffic {
	enum work work;
	uint32_t subscribers; /* drawn from so many */
	uint16_t octets;      /* of the frame, without what encapsulation adds; no FCS */
	uint16_t burst;       /* packets a walk */
	/* WORK_ENCAP: the source port and the last 16 bits of the source are drawn from 1 to this;
	 * 0: all have the same. */
	uint16_t flows;
	uint32_t first; /* of the subscribers */
};

enum {
	TRAFFIC_OCTETS_MIN = 64,
	TRAFFIC_OCTETS_MAX = 1400,
	TRAFFIC_BURST_MAX = 256,
	TRAFFIC_WORKERS = 2,
};

/* Addresses that the tables must know. */
#define TRAFFIC_LOCAL "2001:db8:ffff::1" /* tunnels end here */
#define TRAFFIC_OWN   "2001:db8:ffff::a" /* this data plane */
#define TRAFFIC_OTHER "2001:db8:ffff::b" /* the one that relays to us */

#define TRAFFIC_SOURCE "2001:db8:c::c" /* who sends to nodes */

extern const struct mac traffic_own_mac, traffic_peer_mac;

/* Reads an address; the program ends if it is none. */
struct in6_addr traffic_addr(const char *text);

struct in6_addr traffic_home(uint32_t subscriber);
struct in6_addr traffic_care_of(uint32_t subscriber);

/* Node that makes packets, for struct worker_config.nodes. */
extern const char *const traffic_sources[];

/* Where packets are taken from. */
struct rte_mempool *traffic_pool(void);

/* Sets it. Before the first walk. */
void traffic_use_pool(struct rte_mempool *pool);

/* Whether nodes tunnel in GRE, each with a key; plain at first. Before tables are filled. */
void traffic_use_gre(bool gre);
bool traffic_uses_gre(void);
uint32_t traffic_key(uint32_t subscriber);

/* From now on all sources make these. No worker may be walking. */
void traffic_set(const struct traffic *traffic);
