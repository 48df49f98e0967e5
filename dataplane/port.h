/*
 * Ports: the Ethernet devices of the data plane, each any DPDK device.
 *
 * A port's number is its DPDK port id, which is what mbuf->port holds, and is below PORT_MAX.
 * Worker w polls receive queue port_rx_queue(p, w) and sends on transmit queue w of every port,
 * so no queue has two users. All packet buffers come from the one pool, port_pool().
 *
 * The main thread opens, starts, stops and closes ports while no worker runs. Afterwards only
 * mtu and up change, written by the mirror thread; workers read them with port_mtu() and
 * port_is_up().
 */
#pragma once

#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "common/addr.h"
#include "dataplane/config.h"
#include "proto/channel/update.h"

enum {
	PORT_MAX = UPDATE_PORTS_MAX,
	PORT_NONE = UINT16_MAX,
};

/* A cache line: what workers read of a port. */
struct port {
	char name[OBJECT_PORT_NAME_MAX + 1]; /* empty: no such port */
	struct rte_ether_addr mac;
	uint16_t rx_queues;
	uint16_t number;
	_Atomic uint16_t mtu; /* octets of IP; written by the mirror thread */
	_Atomic bool up;      /* carrier; written by the mirror thread */
	int kernel_ifindex;   /* of the interface a kernel-backed port takes over; 0: none */
	uint32_t max_frame;   /* octets from the Ethernet header that the device takes */
} __rte_cache_aligned;

extern struct port port_table[PORT_MAX];

/* Whether every port may be given packets in several pieces. Set before workers run. */
extern bool port_segments;

/* The port of a number, NULL if there is none. Any thread. */
static inline struct port *port_get(uint16_t number)
{
	return number < PORT_MAX && port_table[number].name[0] != '\0' ? &port_table[number] : NULL;
}

/* Current MTU, octets of IP. Any thread. */
static inline uint16_t port_mtu(const struct port *port)
{
	return atomic_load_explicit(&port->mtu, memory_order_relaxed);
}

/* Whether the link has a carrier. Any thread. */
static inline bool port_is_up(const struct port *port)
{
	return atomic_load_explicit(&port->up, memory_order_relaxed);
}

/* The address of the gateway on the link of a port, made of its MAC; the twin has it too. Any
 * thread. */
static inline struct in6_addr port_link_local(const struct port *port)
{
	struct mac mac;

	memcpy(mac.b, port->mac.addr_bytes, sizeof(mac.b));
	return addr_link_local_of_mac(&mac);
}

/*
 * The receive queue of a port that a worker polls, -1 if it has none there: a device with fewer
 * queues than workers serves only the first of them.
 */
static inline int port_rx_queue(const struct port *port, unsigned worker)
{
	return worker < port->rx_queues ? (int)worker : -1;
}

/* Octets of memory that port_open_all() will ask for, for the choice of memory before it. */
size_t port_memory_needed(const struct dp_config *config);

/*
 * Makes the buffer pool and probes, configures and cuts off from the kernel every port of the
 * configuration, after rte_eal_init(). Returns 0, or a negative errno after a log line that
 * names the port; then port_close_all() undoes what was done.
 */
int port_open_all(const struct dp_config *config);

/* Starts (stops) all queues. Main thread, while no worker runs. Returns 0 or a negative errno. */
int port_start_all(void);
void port_stop_all(void);

/* Gives the devices back, and the kernel its interfaces. May be called after any failure. */
void port_close_all(void);

/* Number of a port by name, PORT_NONE if there is none. Any thread. */
uint16_t port_find(const char *name);

/*
 * Reads the link state of one port into port->up; returns whether it changed. May sleep: mirror
 * thread only.
 */
bool port_poll_link(struct port *port);

/*
 * Follows a change of MTU (octets of IP) made by an operator. Returns 0, or -EINVAL above the MTU
 * that the port was opened with or below 1280: the old one stays. Mirror thread only.
 */
int port_set_mtu(struct port *port, uint16_t mtu);

/*
 * The buffer pool. Buffers have RTE_PKTMBUF_HEADROOM octets of room in front, hold a frame of any
 * port's largest MTU in one segment, and have sizeof(struct mirror_tag) of private area.
 */
struct rte_mempool *port_pool(void);
