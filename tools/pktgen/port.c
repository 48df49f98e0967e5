#include "tools/pktgen/port.h"

#include <ctype.h>
#include <errno.h>
#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"

enum {
	DEVICE_TEXT = 320,
	DESCRIPTORS = 1024,
	POOL_CACHE = 256,
	/* A device may keep all descriptors' packets; the rest is under way in bursts and caches.
	 */
	BUFFERS = 4 * DESCRIPTORS - 1,
	DATA_MIN = 2048,
	FRAME_OVERHEAD = 128, /* Ethernet's head with tags, and what AF_PACKET puts before it */
	BUFFER_OVERHEAD = 256,
	MEMORY_BASE_MIB = 32,
	AF_PACKET_BLOCK = 128 * 1024,
	AF_PACKET_FRAMES = 2048,
	LINK_WAIT_US = 100000,
	LINK_TRIES = 100,
};

const char *const port_side_names[PORT_SIDES + 1] = {"core", "access", NULL};

bool port_device_is_pci(const char *device)
{
	const char *p = device;
	unsigned colons = 0;

	while (isxdigit((unsigned char)*p) || *p == ':')
		colons += *p++ == ':';
	return (colons == 1 || colons == 2) && p[0] == '.' && isdigit((unsigned char)p[1]);
}

static int fail(const char *name, const char *step, int rc)
{
	LOG_ERROR("port", "open-failed", "port=%s step=%s error=%s", name, step,
		LOG_QUOTE(strerror(-rc)));
	return rc;
}

static uint32_t data_room(const struct pktgen_config *config)
{
	return RTE_MAX((uint32_t)config->mtu + FRAME_OVERHEAD, (uint32_t)DATA_MIN) +
	       RTE_PKTMBUF_HEADROOM;
}

uint32_t port_memory_mib(const struct pktgen_config *config)
{
	const uint64_t each = data_room(config) + sizeof(struct rte_mbuf) + BUFFER_OVERHEAD;

	return MEMORY_BASE_MIB + (uint32_t)(2 * BUFFERS * each >> 20) + 1;
}

static void clear_buffer(struct rte_mempool *pool, void *context, void *object, unsigned index)
{
	struct rte_mbuf *m = object;

	(void)pool;
	(void)context;
	(void)index;
	memset(m->buf_addr, 0, m->buf_len);
}

static struct rte_mempool *make_pool(const char *name, const struct pktgen_config *config)
{
	return rte_pktmbuf_pool_create(
		name, BUFFERS, POOL_CACHE, 0, (uint16_t)data_room(config), SOCKET_ID_ANY);
}

static bool find(const char *device, uint16_t *id)
{
	const bool short_pci =
		port_device_is_pci(device) && strchr(device, ':') == strrchr(device, ':');
	char name[DEVICE_TEXT];

	snprintf(name, sizeof(name), "%s%.*s", short_pci ? "0000:" : "", (int)strcspn(device, ","),
		device);
	return rte_eth_dev_get_port_by_name(name, id) == 0;
}

/* EAL has probed PCI devices at its start; virtual ones come now. */
static int probe(const struct pktgen_config *config, const char *device, uint16_t *id)
{
	const unsigned frame = RTE_ALIGN_CEIL(RTE_MAX(config->mtu + FRAME_OVERHEAD, DATA_MIN), 16);
	const unsigned in_block = AF_PACKET_BLOCK / frame;
	char text[DEVICE_TEXT];
	const bool af_packet = !strncmp(device, "net_af_packet", strlen("net_af_packet"));

	/* Its own defaults hold 512 frames, cut at 2048 octets. */
	if (af_packet && !strstr(device, ",blocksz=") && !strstr(device, ",framesz="))
		snprintf(text, sizeof(text), "%s,blocksz=%d,framesz=%u,framecnt=%u", device,
			AF_PACKET_BLOCK, frame, AF_PACKET_FRAMES / in_block * in_block);
	else
		snprintf(text, sizeof(text), "%s", device);
	if (!find(device, id)) {
		int rc = rte_dev_probe(text);

		if (rc < 0)
			return rc;
	}
	return find(device, id) ? 0 : -ENODEV;
}

static int configure(struct ports *ports, uint16_t id)
{
	const struct rte_eth_conf eth = {0};
	uint16_t receive = DESCRIPTORS, send = DESCRIPTORS;
	int rc = rte_eth_dev_configure(id, 1, 1, &eth);

	/* Devices that say that they cannot take more than Ethernet's own MTU may do so anyway. */
	if (rc == 0 && rte_eth_dev_set_mtu(id, ports->mtu) < 0)
		LOG_INFO("port", "mtu-not-set", "id=%u mtu=%u", id, ports->mtu);
	if (rc == 0)
		rc = rte_eth_dev_adjust_nb_rx_tx_desc(id, &receive, &send);
	if (rc == 0)
		rc = rte_eth_rx_queue_setup(id, 0, receive, SOCKET_ID_ANY, NULL, ports->receive);
	if (rc == 0)
		rc = rte_eth_tx_queue_setup(id, 0, send, SOCKET_ID_ANY, NULL);
	if (rc == 0)
		rc = rte_eth_dev_start(id);
	/* Solicitations come to groups; a device that cannot hear all of them may not need to. */
	if (rc == 0)
		rte_eth_promiscuous_enable(id);
	return rc;
}

static int wait_link(const struct port *port, const char *name)
{
	struct rte_eth_link link = {0};

	for (unsigned i = 0; i < LINK_TRIES; i++) {
		if (rte_eth_link_get_nowait(port->id, &link) == 0 &&
			link.link_status == RTE_ETH_LINK_UP)
			return 0;
		usleep(LINK_WAIT_US);
	}
	return fail(name, "link", -ENETDOWN);
}

static int open_port(struct ports *ports, const struct pktgen_config *config, enum port_side side,
	const struct pktgen_config_port *conf)
{
	struct port *port = &ports->side[side];
	const char *name = port_side_names[side];
	struct rte_ether_addr mac;
	int rc = probe(config, conf->device, &port->id);

	if (rc < 0)
		return fail(name, "probe", rc);
	port->open = true;
	port->config = conf;
	port->gateway_mac = conf->gateway_mac;
	rc = configure(ports, port->id);
	if (rc < 0)
		return fail(name, "configure", rc);
	rc = rte_eth_macaddr_get(port->id, &mac);
	if (rc < 0)
		return fail(name, "mac", rc);
	memcpy(port->mac.b, mac.addr_bytes, sizeof(port->mac.b));
	return wait_link(port, name);
}

int port_open_all(struct ports *ports, const struct pktgen_config *config)
{
	int rc;

	*ports = (struct ports){.mtu = config->mtu};
	ports->send = make_pool("send", config);
	ports->receive = make_pool("receive", config);
	if (!ports->send || !ports->receive)
		return fail("all", "buffers", rte_errno ? -rte_errno : -ENOMEM);
	rte_mempool_obj_iter(ports->send, clear_buffer, NULL);
	rc = open_port(ports, config, PORT_CORE, &config->core);
	if (rc == 0 && config->access.present)
		rc = open_port(ports, config, PORT_ACCESS, &config->access);
	return rc;
}

void port_close_all(struct ports *ports)
{
	for (unsigned i = 0; i < PORT_SIDES; i++) {
		struct port *port = &ports->side[i];

		if (!port->open)
			continue;
		/* AF_PACKET would leave the interface promiscuous. */
		rte_eth_promiscuous_disable(port->id);
		rte_eth_dev_stop(port->id);
		rte_eth_dev_close(port->id);
		port->open = false;
	}
	rte_mempool_free(ports->send);
	rte_mempool_free(ports->receive);
	ports->send = ports->receive = NULL;
}

int port_send(struct ports *ports, const struct port *port, const struct mac *to,
	const uint8_t *packet, size_t len)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(ports->receive); /* whose octets nobody relies on */
	uint8_t *at =
		m ? (uint8_t *)rte_pktmbuf_append(m, (uint16_t)(PACKET_ETHERNET + len)) : NULL;
	static const uint8_t type[2] = {0x86, 0xdd};

	if (!at) {
		rte_pktmbuf_free(m);
		return -ENOBUFS;
	}
	memcpy(at, to->b, sizeof(to->b));
	memcpy(at + 6, port->mac.b, sizeof(port->mac.b));
	memcpy(at + 12, type, sizeof(type));
	memcpy(at + PACKET_ETHERNET, packet, len);
	if (rte_eth_tx_burst(port->id, 0, &m, 1) == 1)
		return 0;
	rte_pktmbuf_free(m);
	return -EAGAIN;
}
