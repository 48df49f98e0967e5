#include "dataplane/port.h"

#include <errno.h>
#include <net/if.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "dataplane/cutoff.h"
#include "dataplane/device.h"
#include "dataplane/eal.h"
#include "dataplane/mirror/mirror.h"

enum {
	DEVICE_TEXT = 384,
	RX_DESCRIPTORS = 1024,
	TX_DESCRIPTORS = 1024,
	POOL_CACHE = 256,
	DATA_MIN = 2048,
	AF_PACKET_FRAMES = 2048,      /* in each direction */
	AF_PACKET_BLOCK = 128 * 1024, /* octets; the kernel wants whole blocks of whole frames */
	FRAME_OVERHEAD = 128, /* Ethernet's head with tags, and AF_PACKET's own of a frame */
	/* Packets in rings, in walks and waiting for next hops, for each worker. */
	BUFFERS_PER_WORKER = 8192,
	BUFFERS_AT_LEAST = 8191,
	BUFFER_OVERHEAD = 192, /* head of a mempool object, alignment, a place in the pool's ring */
};

struct port port_table[PORT_MAX];
bool port_segments;

static struct rte_mempool *pool;
static struct cutoff cutoffs[PORT_MAX];
static bool started[PORT_MAX];

struct rte_mempool *port_pool(void)
{
	return pool;
}

uint16_t port_find(const char *name)
{
	for (uint16_t i = 0; i < PORT_MAX; i++) {
		if (port_get(i) && !strcmp(port_table[i].name, name))
			return i;
	}
	return PORT_NONE;
}

static int fail(const char *port, const char *step, int rc)
{
	LOG_ERROR("port", "open-failed", "port=%s step=%s error=%s", port, step,
		LOG_QUOTE(strerror(-rc)));
	return rc;
}

static uint32_t buffer_count(const struct dp_config *config)
{
	uint32_t descriptors = RX_DESCRIPTORS + TX_DESCRIPTORS;
	uint32_t ports = (uint32_t)config->ports.count;
	uint32_t wanted =
		(uint32_t)config->workers.count * (ports * descriptors + BUFFERS_PER_WORKER);

	if (config->buffers)
		return config->buffers;
	return RTE_MAX(wanted, (uint32_t)BUFFERS_AT_LEAST);
}

static uint32_t data_room(const struct dp_config *config)
{
	uint32_t largest = 0;

	for (size_t i = 0; i < config->ports.count; i++)
		largest = RTE_MAX(largest, (uint32_t)dp_config_port(config, i)->mtu);
	return RTE_MAX(largest + FRAME_OVERHEAD, (uint32_t)DATA_MIN) + RTE_PKTMBUF_HEADROOM;
}

size_t port_memory_needed(const struct dp_config *config)
{
	size_t each = sizeof(struct rte_mbuf) + sizeof(struct mirror_tag) + data_room(config) +
		      BUFFER_OVERHEAD;

	return buffer_count(config) * each;
}

static int make_pool(const struct dp_config *config)
{
	uint32_t buffers = buffer_count(config);
	uint32_t data = data_room(config);

	pool = rte_pktmbuf_pool_create("packets", buffers, POOL_CACHE, sizeof(struct mirror_tag),
		(uint16_t)data, SOCKET_ID_ANY);
	if (!pool) {
		LOG_ERROR("port", "no-memory", "buffers=%u octets=%u error=%s", buffers, data,
			LOG_QUOTE(rte_strerror(rte_errno)));
		return -ENOMEM;
	}
	return 0;
}

/* The DPDK port of a device by the name before its arguments; PORT_NONE if there is none. */
static uint16_t find_device(const char *device)
{
	struct rte_eth_dev_info info;
	char name[DEVICE_NAME_MAX];
	uint16_t id;

	device_name(device, name);
	RTE_ETH_FOREACH_DEV (id) {
		if (rte_eth_dev_info_get(id, &info) == 0 && info.device &&
			!strcmp(rte_dev_name(info.device), name))
			return id;
	}
	return PORT_NONE;
}

/*
 * AF_PACKET's own defaults hold 512 frames, what comes in while a worker sleeps or is kept from its
 * core, cut at 2048 octets, and one queue. What the configuration says stays.
 */
static void complete_af_packet(char *device, size_t size, uint16_t mtu, uint32_t workers)
{
	unsigned frame = RTE_ALIGN_CEIL(RTE_MAX(mtu + FRAME_OVERHEAD, DATA_MIN), 16);
	unsigned in_block = AF_PACKET_BLOCK / frame;
	size_t used = strlen(device);

	if (!strstr(device, ",framesz=") && !strstr(device, ",blocksz=") &&
		!strstr(device, ",framecnt="))
		used += (size_t)snprintf(device + used, size - used,
			",blocksz=%d,framesz=%u,framecnt=%u", AF_PACKET_BLOCK, frame,
			AF_PACKET_FRAMES / in_block * in_block);
	if (workers > 1 && !strstr(device, ",qpairs=") && used < size)
		snprintf(device + used, size - used, ",qpairs=%u", workers);
}

/* EAL has probed PCI devices at its start; virtual ones come now. */
static int probe(const struct dp_config_port *conf, uint32_t workers, uint16_t *id)
{
	char device[DEVICE_TEXT];

	snprintf(device, sizeof(device), "%s", conf->device);
	if (!strncmp(device, "net_af_packet", strlen("net_af_packet")))
		complete_af_packet(device, sizeof(device), conf->mtu, workers);
	if (find_device(device) == PORT_NONE) {
		int rc = rte_dev_probe(device);

		if (rc < 0)
			return fail(conf->name, "probe", rc);
	}
	*id = find_device(device);
	if (*id == PORT_NONE || *id >= PORT_MAX)
		return fail(conf->name, "find", *id == PORT_NONE ? -ENODEV : -E2BIG);
	if (port_get(*id))
		return fail(conf->name, "find", -EBUSY);
	return 0;
}

/* Every worker sends on a queue of its own; receive queues may be fewer. */
static int count_queues(
	const struct dp_config_port *conf, const struct rte_eth_dev_info *info, uint16_t workers)
{
	if (info->max_tx_queues < workers) {
		LOG_ERROR("port", "open-failed",
			"port=%s step=queues error=\"device has %u transmit queues for %u "
			"workers\"",
			conf->name, info->max_tx_queues, workers);
		return -ENOTSUP;
	}
	return RTE_MIN(info->max_rx_queues, workers);
}

static int setup_queues(uint16_t id, uint16_t rx_queues, uint16_t tx_queues)
{
	uint16_t rx_descriptors = RX_DESCRIPTORS, tx_descriptors = TX_DESCRIPTORS;
	int rc = rte_eth_dev_adjust_nb_rx_tx_desc(id, &rx_descriptors, &tx_descriptors);

	if (rc < 0)
		return rc;
	for (uint16_t q = 0; q < rx_queues; q++) {
		rc = rte_eth_rx_queue_setup(
			id, q, rx_descriptors, (unsigned)rte_eth_dev_socket_id(id), NULL, pool);
		if (rc < 0)
			return rc;
	}
	for (uint16_t q = 0; q < tx_queues; q++) {
		rc = rte_eth_tx_queue_setup(
			id, q, tx_descriptors, (unsigned)rte_eth_dev_socket_id(id), NULL);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Packets in pieces go out when all ports take them: who makes them does not know which it will be.
 */
static void allow_segments(struct rte_eth_conf *eth, const struct dp_config_port *conf,
	const struct rte_eth_dev_info *info)
{
	bool able = info->tx_offload_capa & RTE_ETH_TX_OFFLOAD_MULTI_SEGS;

	if (conf->segments && able)
		eth->txmode.offloads |= RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
	else
		port_segments = false;
	if (conf->segments && !able)
		LOG_WARN("port", "no-segments", "port=%s", conf->name);
}

static int configure(
	struct port *port, uint16_t id, const struct dp_config_port *conf, uint16_t workers)
{
	struct rte_eth_conf eth = {0};
	struct rte_eth_dev_info info;
	int rc = rte_eth_dev_info_get(id, &info);

	if (rc < 0)
		return fail(conf->name, "info", rc);
	int rx_queues = count_queues(conf, &info, workers);
	if (rx_queues < 0)
		return rx_queues;
	if (rx_queues > 1) {
		eth.rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
		eth.rx_adv_conf.rss_conf.rss_hf = RTE_ETH_RSS_IP & info.flow_type_rss_offloads;
		if (eth.rx_adv_conf.rss_conf.rss_hf == 0)
			eth.rxmode.mq_mode = RTE_ETH_MQ_RX_NONE;
	}
	allow_segments(&eth, conf, &info);
	rc = rte_eth_dev_configure(id, (uint16_t)rx_queues, workers, &eth);
	if (rc < 0)
		return fail(conf->name, "configure", rc);
	/* AF_PACKET devices claim to carry 1500 octets at most; what counts is the interface. */
	rc = port->kernel_ifindex ? cutoff_set_mtu(&cutoffs[id], conf->mtu)
				  : rte_eth_dev_set_mtu(id, conf->mtu);
	if (rc < 0 && !(rc == -ENOTSUP && conf->mtu <= RTE_ETHER_MTU))
		return fail(conf->name, "mtu", rc);
	rc = setup_queues(id, (uint16_t)rx_queues, workers);
	if (rc < 0)
		return fail(conf->name, "queues", rc);
	rc = rte_eth_macaddr_get(id, &port->mac);
	if (rc < 0)
		return fail(conf->name, "mac", rc);
	port->rx_queues = (uint16_t)rx_queues;
	port->max_frame = conf->mtu + RTE_ETHER_HDR_LEN;
	atomic_store_explicit(&port->mtu, conf->mtu, memory_order_relaxed);
	return 0;
}

/*
 * The groups that must be heard are those of every absent node that the gateway answers for, more
 * than any device's address list holds: so all of multicast is asked for, and everything where
 * that is not to be had. For a kernel's interface cutoff_begin() has asked.
 */
static void open_ears(uint16_t id, const struct dp_config_port *conf, bool kernel)
{
	int rc = kernel ? 0 : rte_eth_allmulticast_enable(id);

	if (rc < 0 || conf->promiscuous)
		rc = rte_eth_promiscuous_enable(id);
	if (rc < 0)
		LOG_WARN("port", "multicast-unknown", "port=%s reason=%s", conf->name,
			"\"device has neither allmulticast nor promiscuous mode\"");
}

static int open_port(const struct dp_config_port *conf, uint16_t workers)
{
	struct cutoff cut = {0};
	char interface[16];
	uint16_t id = PORT_NONE;
	bool kernel = device_interface(conf->device, interface);
	int rc = kernel ? cutoff_begin(&cut, interface) : 0;

	if (rc < 0)
		return rc;
	rc = probe(conf, workers, &id);
	if (rc < 0) {
		cutoff_end(&cut);
		return rc;
	}
	struct port *port = &port_table[id];

	cutoffs[id] = cut;
	port->number = id;
	port->kernel_ifindex = kernel ? (int)if_nametoindex(interface) : 0;
	snprintf(port->name, sizeof(port->name), "%s", conf->name);
	rc = configure(port, id, conf, workers);
	if (rc < 0)
		return rc;
	open_ears(id, conf, kernel);
	LOG_INFO("port", "opened",
		"port=%s number=%u device=%s mac=" RTE_ETHER_ADDR_PRT_FMT
		" mtu=%u rx_queues=%u tx_queues=%u",
		port->name, id, LOG_QUOTE(conf->device), RTE_ETHER_ADDR_BYTES(&port->mac),
		conf->mtu, port->rx_queues, workers);
	return 0;
}

int port_open_all(const struct dp_config *config)
{
	int rc = make_pool(config);

	port_segments = config->ports.count > 0;
	for (size_t i = 0; rc == 0 && i < config->ports.count; i++)
		rc = open_port(dp_config_port(config, i), (uint16_t)config->workers.count);
	return rc;
}

int port_start_all(void)
{
	for (uint16_t id = 0; id < PORT_MAX; id++) {
		struct port *port = port_get(id);

		if (!port)
			continue;
		int rc = rte_eth_dev_start(id);
		if (rc < 0)
			return fail(port->name, "start", rc);
		started[id] = true;
		port_poll_link(port);
	}
	return 0;
}

void port_stop_all(void)
{
	for (uint16_t id = 0; id < PORT_MAX; id++) {
		if (started[id])
			rte_eth_dev_stop(id);
		started[id] = false;
	}
}

void port_close_all(void)
{
	port_stop_all();
	for (uint16_t id = 0; id < PORT_MAX; id++) {
		if (!port_get(id))
			continue;
		/* AF_PACKET would leave the interface promiscuous. */
		if (rte_eth_promiscuous_get(id) == 1)
			rte_eth_promiscuous_disable(id);
		rte_eth_dev_close(id);
		cutoff_end(&cutoffs[id]);
		port_table[id] = (struct port){0};
	}
	rte_mempool_free(pool);
	pool = NULL;
}

bool port_poll_link(struct port *port)
{
	struct rte_eth_link link = {0};
	bool up = false;

	/* AF_PACKET devices say that the link is up whatever happens to it. */
	if (port->kernel_ifindex)
		up = cutoff_has_link(&cutoffs[port->number]);
	else if (rte_eth_link_get_nowait(port->number, &link) == 0)
		up = link.link_status == RTE_ETH_LINK_UP;
	if (up == port_is_up(port))
		return false;
	atomic_store_explicit(&port->up, up, memory_order_relaxed);
	LOG_INFO("port", up ? "link-up" : "link-down", "port=%s", port->name);
	return true;
}

int port_set_mtu(struct port *port, uint16_t mtu)
{
	if (mtu == port_mtu(port))
		return 0;
	if (mtu < 1280 || mtu + RTE_ETHER_HDR_LEN > (int)port->max_frame)
		return -EINVAL;
	atomic_store_explicit(&port->mtu, mtu, memory_order_relaxed);
	return 0;
}
