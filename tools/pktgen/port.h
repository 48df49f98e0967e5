/*
 * The generator's ports: one to the core, and if care-of addresses are elsewhere one to them. The
 * main thread opens and closes them; in between, the sender alone transmits and the receiver alone
 * receives, each on queue 0.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/addr.h"
#include "tools/pktgen/config.h"

struct rte_mempool;
struct rte_mbuf;

enum port_side { PORT_CORE, PORT_ACCESS, PORT_SIDES };

/* "core", "access". */
extern const char *const port_side_names[PORT_SIDES + 1];

struct port {
	bool open;
	uint16_t id; /* DPDK's */
	const struct pktgen_config_port *config;
	struct mac mac;
	struct mac gateway_mac;
};

struct ports {
	struct port side[PORT_SIDES];
	uint16_t mtu;
	struct rte_mempool *send; /* its buffers' octets are zero but for what we wrote */
	struct rte_mempool *receive;
};

/* Whether a device is one of the PCI bus ("0000:03:00.0", also with arguments). */
bool port_device_is_pci(const char *device);

/* MiB of memory that port_open_all() needs, DPDK's own included. */
uint32_t port_memory_mib(const struct pktgen_config *config);

/* Probes, configures and starts the ports, after eal_start(), and waits some seconds for their
 * links. Returns 0 or a negative errno after a log line; port_close_all() follows in both cases. */
int port_open_all(struct ports *ports, const struct pktgen_config *config);

/* Stops the ports and frees the buffers. */
void port_close_all(struct ports *ports);

/* The port that a stream's packets leave by. */
static inline struct port *port_of(struct ports *ports, enum packet_stream stream)
{
	const bool access = stream == PACKET_UPLINK && ports->side[PORT_ACCESS].open;

	return &ports->side[access ? PORT_ACCESS : PORT_CORE];
}

/* Sends one IPv6 packet in a buffer of its own, to a MAC address. The sender's thread. Returns 0,
 * -ENOBUFS, or -EAGAIN when the device took nothing. */
int port_send(struct ports *ports, const struct port *port, const struct mac *to,
	const uint8_t *packet, size_t len);
