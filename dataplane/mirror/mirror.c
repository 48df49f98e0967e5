#include "dataplane/mirror/mirror.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "dataplane/mirror/state.h"

enum {
	RING_SIZE = 1024,
	RING_SIZE_SMALL = 256,
	DUMP_TRIES = 5,
};

struct mirror_queue mirror_queues[DP_CONFIG_WORKERS_MAX];

struct mirror mirror;

static uint16_t port_of(void *context, int ifindex)
{
	(void)context;
	for (uint16_t i = 0; i < PORT_MAX; i++) {
		if (mirror.twins[i].fd && mirror.twins[i].ifindex == ifindex)
			return i;
	}
	return PORT_NONE;
}

static void on_resolved(void *context, uint16_t port, const struct in6_addr *addr, bool reachable)
{
	const struct resolve_key key = {.addr = *addr, .port = port};

	resolve_done(&mirror.resolve, &key, reachable, mirror_down_resolved, context);
}

static void on_link(void *context, uint16_t number, const struct kmsg_link *link)
{
	struct port *port = port_get(number);

	(void)context;
	if (!port || link->mtu == port_mtu(port))
		return;
	if (link->mtu <= UINT16_MAX && port_set_mtu(port, (uint16_t)link->mtu) == 0)
		LOG_INFO("mirror", "mtu-changed", "port=%s mtu=%u", port->name, link->mtu);
	else
		LOG_WARN("mirror", "mtu-refused", "port=%s mtu=%u keeps=%u", port->name, link->mtu,
			port_mtu(port));
}

static const struct sync_ops ops = {.port_of = port_of, .resolved = on_resolved, .link = on_link};

/* All that Linux knows, again. */
int mirror_dump(void)
{
	static const uint16_t kinds[] = {RTM_GETLINK, RTM_GETADDR, RTM_GETNEIGH, RTM_GETROUTE};
	int rc = 0;

	for (int attempt = 0; attempt < DUMP_TRIES; attempt++) {
		sync_mark(&mirror.sync);
		rc = 0;
		for (size_t i = 0; rc == 0 && i < sizeof(kinds) / sizeof(kinds[0]); i++)
			rc = netlink_dump(&mirror.netlink, kinds[i], sync_message, &mirror.sync);
		if (rc == 0) {
			sync_sweep(&mirror.sync);
			sync_commit(&mirror.sync);
			return 0;
		}
	}
	LOG_ERROR("mirror", "dump-failed", "error=%s", LOG_QUOTE(strerror(-rc)));
	return rc;
}

static int make_ring(struct rte_ring **ring, const char *name, unsigned worker, unsigned size)
{
	char text[RTE_RING_NAMESIZE];

	snprintf(text, sizeof(text), "%s%u", name, worker);
	*ring = rte_ring_create(text, size, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	return *ring ? 0 : -ENOMEM;
}

static int make_queue(struct mirror_queue *q, unsigned worker)
{
	static const struct {
		const char *name;
		unsigned size;
	} punts[MIRROR_CLASSES] = {
		[MIRROR_CLASS_KNOWN] = {"known", RING_SIZE},
		[MIRROR_CLASS_NEIGHBOUR] = {"neighbour", RING_SIZE_SMALL},
		[MIRROR_CLASS_NEW] = {"new", RING_SIZE},
		[MIRROR_CLASS_REST] = {"rest", RING_SIZE_SMALL},
	};
	int rc = make_ring(&q->twin, "twin", worker, RING_SIZE);

	for (int i = 0; rc == 0 && i < MIRROR_CLASSES; i++)
		rc = make_ring(&q->punt[i], punts[i].name, worker, punts[i].size);
	if (rc == 0)
		rc = make_ring(&q->unresolved, "unresolved", worker, RING_SIZE_SMALL);
	if (rc == 0)
		rc = make_ring(&q->down, "down", worker, RING_SIZE);
	return rc;
}

static void free_ring(struct rte_ring *ring)
{
	struct rte_mbuf *m;

	if (!ring)
		return;
	while (rte_ring_sc_dequeue(ring, (void **)&m) == 0)
		rte_pktmbuf_free(m);
	rte_ring_free(ring);
}

static int open_twins(void)
{
	for (uint16_t i = 0; i < PORT_MAX; i++) {
		struct port *port = port_get(i);

		if (!port)
			continue;
		int rc = twin_open(
			&mirror.twins[i], port->name, &port->mac, port_mtu(port), port_is_up(port));
		if (rc < 0)
			return rc;
	}
	return 0;
}

int mirror_open(const struct dp_config *config, struct tables *tables)
{
	mirror.workers = (unsigned)config->workers.count;
	mirror.tables = tables;
	sync_init(&mirror.sync, tables, &ops, NULL);
	int rc = resolve_init(&mirror.resolve);

	for (unsigned w = 0; rc == 0 && w < mirror.workers; w++)
		rc = make_queue(&mirror_queues[w], w);
	if (rc < 0) {
		LOG_ERROR("mirror", "open-failed", "error=%s", LOG_QUOTE(strerror(-rc)));
		return rc;
	}
	rc = open_twins();
	if (rc < 0)
		return rc;
	rc = netlink_open(&mirror.netlink);
	if (rc < 0) {
		LOG_ERROR("mirror", "netlink-failed", "error=%s", LOG_QUOTE(strerror(-rc)));
		return rc;
	}
	rc = mirror_dump();
	if (rc < 0)
		return rc;
	return packets_open(&mirror.packets, config);
}

void mirror_close(void)
{
	packets_close(&mirror.packets);
	netlink_close(&mirror.netlink);
	for (uint16_t i = 0; i < PORT_MAX; i++)
		twin_close(&mirror.twins[i]);
	resolve_free(&mirror.resolve);
	sync_free(&mirror.sync);
	for (unsigned w = 0; w < mirror.workers; w++) {
		struct mirror_queue *q = &mirror_queues[w];

		free_ring(q->twin);
		for (int i = 0; i < MIRROR_CLASSES; i++)
			free_ring(q->punt[i]);
		free_ring(q->unresolved);
		free_ring(q->down);
		*q = (struct mirror_queue){0};
	}
}

int mirror_start(void)
{
	int rc = -pthread_create(&mirror.thread, NULL, mirror_serve, NULL);

	mirror.running = rc == 0;
	if (rc < 0)
		LOG_ERROR("mirror", "start-failed", "error=%s", LOG_QUOTE(strerror(-rc)));
	return rc;
}

void mirror_stop(void)
{
	if (!mirror.running)
		return;
	atomic_store_explicit(&mirror.stop, true, memory_order_relaxed);
	pthread_join(mirror.thread, NULL);
	mirror.running = false;
}
