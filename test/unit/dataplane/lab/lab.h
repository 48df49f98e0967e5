/*
 * A data plane on the bench of a unit test: the real graph and the real tables, between ports
 * made of rings that the test fills and empties. No huge pages, no network card.
 *
 * Ports: 0 "core" towards the Internet (default route through fe80::1), 1 "visited"
 * (2001:db8:f::/48 through fe80::2), 2 "home" (2001:db8:1::/64 on-link). Local address
 * 2001:db8:ffff::1.
 */
#pragma once

#include <rte_mbuf.h>
#include <stdint.h>

#include "dataplane/mirror/mirror.h"
#include "dataplane/tables/tables.h"
#include "dataplane/worker.h"
#include "packet.h"

enum lab_port { LAB_CORE, LAB_VISITED, LAB_HOME, LAB_PORTS };

/* Ports have queues for so many workers; all send into one ring. */
enum { LAB_WORKERS = 2 };

#define LAB_NAME    "lab"
#define LAB_LOCAL   "2001:db8:ffff::1"
#define LAB_HOME_OF "2001:db8:1::10" /* home address of subscriber 1 */
#define LAB_CARE_OF "2001:db8:f::10" /* where it is */
#define LAB_PEER    "2001:db8:c::c"  /* somebody in the Internet */

struct lab {
	struct rte_mempool *pool;
	struct tables *tables;
	struct worker *worker;
	unsigned buffers; /* in the pool when all are back */
};

/* Of what leaves and what comes in GRE. */
struct lab_keys {
	uint32_t out, in;
};

/* Starts DPDK once for the program; cmocka group setup. */
int lab_eal(void **state);

/*
 * cmocka setup and teardown of each test. Setup gives *state a struct lab with ports, routes,
 * neighbours, and subscriber 1 (LAB_HOME_OF by LAB_CARE_OF, defended on the home link).
 * Teardown fails the test if a packet buffer is missing.
 */
int lab_setup(void **state);
int lab_teardown(void **state);

/* Puts a frame on a port as if received, for the lab's worker or for one of this index. */
void lab_receive(struct lab *lab, enum lab_port port, const struct packet *p);
void lab_receive_for(struct lab *lab, unsigned worker, enum lab_port port, const struct packet *p);

/* Sends a packet down as the mirror does. */
void lab_down(struct lab *lab, enum mirror_down how, uint16_t port, uint64_t subscriber,
	const struct packet *p);

/* Walks the graph until nothing is left to do. */
void lab_walk(struct lab *lab);

/* Takes the next packet that left by a port, whole if it is in pieces; fails the test if there is
 * none. */
void lab_sent(struct lab *lab, enum lab_port port, struct packet *p);

/* Packets that have left by a port and were not taken. */
unsigned lab_pending(const struct lab *lab, enum lab_port port);

/* Takes the next packet of a ring to the mirror, its tag too unless NULL; fails if there is none.
 */
void lab_taken(struct lab *lab, struct rte_ring *ring, struct packet *p, struct mirror_tag *tag);

/* Fails the test if a packet is left on any port or ring. */
void lab_nothing(struct lab *lab);

/* Frees all that is on ports, rings, in reassembly and waits for earlier ones or a path; returns
 * how many buffers are still missing.
 */
unsigned lab_drain(struct lab *lab);

/* Receives on a port, walks, and expects that nothing comes out and one drop of this reason. */
void lab_expect_drop(
	struct lab *lab, enum lab_port port, const struct packet *p, enum drop_reason reason);

uint64_t lab_drops(const struct lab *lab, enum drop_reason reason);
uint64_t lab_counter(const struct lab *lab, enum worker_counter counter);

/* MAC of a port, and of the router or host behind a port. */
struct mac lab_mac(enum lab_port port);
struct mac lab_peer_mac(enum lab_port port);

/* Puts the Ethernet header in front of a packet that it has from the peer of a port. */
void lab_frame(struct packet *p, enum lab_port port);

/* A packet, as yet without that header, arrives at a port, and the worker walks. */
void lab_arrive(struct lab *lab, enum lab_port port, const struct packet *p);

/* Applies objects; fails the test unless the result is expected. */
void lab_apply(struct lab *lab, const struct object *object, int expected);
void lab_set_path(struct lab *lab, uint64_t id, const char *remote, uint16_t mtu, int expected);
/* One of GRE between LAB_LOCAL and a place, with keys or without; the others are the same. */
void lab_set_gre(struct lab *lab, uint64_t id, const char *remote, const struct lab_keys *keys);
void lab_set_subscriber(struct lab *lab, uint64_t id, const char *prefix, uint64_t link,
	const uint64_t *paths, uint8_t path_count, int expected);
void lab_delete(struct lab *lab, enum object_kind kind, uint64_t id);
