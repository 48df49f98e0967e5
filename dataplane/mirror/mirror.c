#include "dataplane/mirror/mirror.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "dataplane/agent/events.h"
#include "dataplane/mirror/count.h"
#include "dataplane/mirror/netlink.h"
#include "dataplane/mirror/packets.h"
#include "dataplane/mirror/resolve.h"
#include "dataplane/mirror/sync.h"
#include "dataplane/mirror/twin.h"
#include "dataplane/port.h"

enum {
	RING_SIZE = 1024,
	RING_SIZE_SMALL = 256,
	BURST = 64,
	TWIN_READS = 64,
	INJECT_MESSAGES = 16,
	LINK_POLL_MS = 100,
	STALE_MS = 2000,
	STALE_BURST = 64,
	DUMP_INTERVAL_MS = 100, /* between dumps, and ten times what the last one took */
	DUMP_TRIES = 5,
	/* Nobody wakes the mirror when a worker has something for it: it looks. */
	WAIT_BUSY_NS = 50 * 1000,
	WAIT_IDLE_NS = 250 * 1000,
	BUSY_NS = 20 * 1000 * 1000,
	TIMERSLACK_NS = 5000,
};

struct mirror_queue mirror_queues[DP_CONFIG_WORKERS_MAX];

static struct {
	unsigned workers;
	struct tables *tables;
	struct twin twins[PORT_MAX];
	struct netlink netlink;
	struct sync sync;
	struct resolve resolve;
	struct packets packets;
	pthread_t thread;
	bool running;
	_Atomic bool stop;
	uint64_t link_ms, stale_ms, dump_ms;
} mirror;

static void send_down(void *context, struct rte_mbuf *m)
{
	(void)context;
	const struct mirror_tag *tag = mirror_tag(m);
	/* Frames of one port stay in order by going to one worker. */
	bool whole_frame = tag->down == MIRROR_TO_PORT || tag->down == MIRROR_FROM_TWIN;
	unsigned worker = whole_frame ? tag->port % mirror.workers : 0;

	if (rte_ring_sp_enqueue(mirror_queues[worker].down, m) == 0)
		return;
	count_mirror(MIRROR_DROP_DOWN_FULL, 1);
	rte_pktmbuf_free(m);
}

static void send_resolved(void *context, struct rte_mbuf *m, bool reachable)
{
	mirror_tag(m)->down = reachable ? MIRROR_TO_ROUTE : MIRROR_UNREACHABLE;
	if (reachable)
		count_mirror(MIRROR_RESOLVED, 1);
	send_down(context, m);
}

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

	resolve_done(&mirror.resolve, &key, reachable, send_resolved, context);
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
static int dump_all(void)
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
		int rc = twin_open(&mirror.twins[i], port->name, &port->mac, port_mtu(port));
		if (rc < 0)
			return rc;
		twin_set_carrier(&mirror.twins[i], port_is_up(port));
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
	rc = dump_all();
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

static unsigned serve_twin_up(struct mirror_queue *q)
{
	struct rte_mbuf *burst[BURST];
	unsigned n = rte_ring_sc_dequeue_burst(q->twin, (void **)burst, BURST, NULL);

	for (unsigned i = 0; i < n; i++) {
		uint16_t port = mirror_tag(burst[i])->port;
		bool taken = port < PORT_MAX && mirror.twins[port].fd &&
			     twin_write(&mirror.twins[port], burst[i]) == 0;

		count_mirror(taken ? MIRROR_TWIN_UP : MIRROR_DROP_TWIN, 1);
		rte_pktmbuf_free(burst[i]);
	}
	return n;
}

static unsigned serve_unresolved(struct mirror_queue *q, uint64_t now_ms)
{
	struct rte_mbuf *burst[BURST];
	unsigned n = rte_ring_sc_dequeue_burst(q->unresolved, (void **)burst, BURST, NULL);

	for (unsigned i = 0; i < n; i++) {
		const struct mirror_tag *tag = mirror_tag(burst[i]);
		const struct resolve_key key = {.addr = tag->nexthop, .port = tag->port};

		if (key.port >= PORT_MAX || !mirror.twins[key.port].fd) {
			send_resolved(NULL, burst[i], false);
			continue;
		}
		/* It may have been resolved while the packet was on its way here. */
		if (neighbour_table_find(&mirror.tables->neighbours, &key.addr, tag->port)) {
			send_resolved(NULL, burst[i], true);
			continue;
		}
		switch (resolve_add(&mirror.resolve, &key, burst[i], now_ms)) {
		case RESOLVE_ASK:
			netlink_use(&mirror.netlink, mirror.twins[key.port].ifindex, &key.addr);
			break;
		case RESOLVE_TOO_MANY:
			count_mirror(MIRROR_DROP_WAIT_FULL, 1);
			rte_pktmbuf_free(burst[i]);
			break;
		case RESOLVE_WAITS:
			break;
		}
	}
	return n;
}

/* A class is looked at when all before it are empty; false: control takes no more now. */
static bool punt_class(enum mirror_class class, uint64_t now_ms, unsigned *work)
{
	for (unsigned w = 0; w < mirror.workers; w++) {
		struct rte_mbuf *m;

		while (rte_ring_sc_dequeue(mirror_queues[w].punt[class], (void **)&m) == 0) {
			packets_punt(&mirror.packets, m);
			++*work;
			if (!packets_has_room(&mirror.packets))
				return packets_flush(&mirror.packets, now_ms) && *work < BURST * 4;
		}
	}
	return true;
}

static unsigned serve_punts(uint64_t now_ms)
{
	unsigned work = 0;

	if (!packets_has_room(&mirror.packets) && !packets_flush(&mirror.packets, now_ms))
		return 0;
	for (int class = 0; class < MIRROR_CLASSES; class ++) {
		if (!punt_class(class, now_ms, &work))
			return work;
	}
	packets_flush(&mirror.packets, now_ms);
	return work;
}

static unsigned serve_twin_down(uint16_t number)
{
	unsigned n = 0;

	for (; n < TWIN_READS; n++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(port_pool());

		if (!m) {
			count_mirror(MIRROR_DROP_NO_BUFFER, 1);
			break;
		}
		int rc = twin_read(&mirror.twins[number], m);
		if (rc <= 0) {
			rte_pktmbuf_free(m);
			if (rc == -EMSGSIZE)
				continue;
			break;
		}
		*mirror_tag(m) = (struct mirror_tag){.port = number, .down = MIRROR_FROM_TWIN};
		count_mirror(MIRROR_TWIN_DOWN, 1);
		send_down(NULL, m);
	}
	return n;
}

static unsigned serve_netlink(uint64_t now_ms)
{
	int n = netlink_follow(&mirror.netlink, sync_message, &mirror.sync);

	if (n < 0) {
		LOG_WARN("mirror", "changes-lost", "error=%s", LOG_QUOTE(strerror(-n)));
		mirror.sync.must_dump = true;
	}
	if (mirror.sync.must_dump && now_ms >= mirror.dump_ms) {
		uint64_t before = clock_mono_ms();

		dump_all();
		mirror.dump_ms = now_ms + DUMP_INTERVAL_MS + 10 * (clock_mono_ms() - before);
	}
	sync_commit(&mirror.sync);
	return n > 0 ? (unsigned)n : 0;
}

static void use_stale(void *context, int ifindex, const struct in6_addr *addr)
{
	(void)context;
	netlink_use(&mirror.netlink, ifindex, addr);
}

static void tell_link(const struct port *port)
{
	struct update_event event = {.kind = UPDATE_EVENT_PORT, .value = port_is_up(port)};

	memcpy(event.port, port->name, sizeof(event.port));
	events_put(mirror.workers, &event);
}

static void serve_timers(uint64_t now_ms)
{
	packets_tick(&mirror.packets, now_ms);
	if (now_ms - mirror.link_ms >= LINK_POLL_MS) {
		mirror.link_ms = now_ms;
		for (uint16_t i = 0; i < PORT_MAX; i++) {
			struct port *port = port_get(i);

			if (!port)
				continue;
			if (port_poll_link(port))
				tell_link(port);
			twin_set_carrier(&mirror.twins[i], port_is_up(port));
		}
		resolve_expire(&mirror.resolve, now_ms, send_resolved, NULL);
	}
	if (now_ms - mirror.stale_ms >= STALE_MS) {
		mirror.stale_ms = now_ms;
		sync_stale(&mirror.sync, STALE_BURST, use_stale, NULL);
	}
}

/* What polls readable; waits for it if nothing was done in the last round. */
static void wait_for_work(struct pollfd fds[], unsigned count, bool idle, uint64_t idle_ns)
{
	struct timespec wait = {.tv_nsec = 0};

	if (idle)
		wait.tv_nsec = idle_ns < BUSY_NS ? WAIT_BUSY_NS : WAIT_IDLE_NS;
	if (ppoll(fds, count, &wait, NULL) <= 0) {
		for (unsigned i = 0; i < count; i++)
			fds[i].revents = 0;
	}
}

static void *mirror_run(void *arg)
{
	struct pollfd fds[PORT_MAX + 2];
	uint16_t ports[PORT_MAX];
	unsigned twins = 0, work = 0;
	uint64_t busy_ns = 0;

	(void)arg;
	pthread_setname_np(pthread_self(), "dmm-mirror");
	prctl(PR_SET_TIMERSLACK, TIMERSLACK_NS);
	/* An lcore id gives this thread a cache of packet buffers of its own. */
	bool registered = rte_thread_register() == 0;
	for (uint16_t i = 0; i < PORT_MAX; i++) {
		if (!mirror.twins[i].fd)
			continue;
		ports[twins] = i;
		fds[twins++] = (struct pollfd){.fd = twin_fd(&mirror.twins[i]), .events = POLLIN};
	}
	fds[twins] = (struct pollfd){.fd = netlink_fd(&mirror.netlink), .events = POLLIN};
	fds[twins + 1] = (struct pollfd){.fd = packets_fd(&mirror.packets), .events = POLLIN};

	while (!atomic_load_explicit(&mirror.stop, memory_order_relaxed)) {
		uint64_t now_ns = clock_mono_ns();
		uint64_t now_ms = now_ns / CLOCK_NS_PER_MS;

		if (work)
			busy_ns = now_ns;
		wait_for_work(fds, twins + 2, work == 0, now_ns - busy_ns);
		work = serve_punts(now_ms);
		for (unsigned w = 0; w < mirror.workers; w++) {
			work += serve_twin_up(&mirror_queues[w]);
			work += serve_unresolved(&mirror_queues[w], now_ms);
		}
		for (unsigned i = 0; i < twins; i++) {
			if (fds[i].revents & POLLIN)
				work += serve_twin_down(ports[i]);
			if (fds[i].revents & (POLLERR | POLLNVAL)) {
				LOG_ERROR("mirror", "twin-gone", "port=%s",
					port_table[ports[i]].name);
				fds[i].fd = -1;
			}
		}
		if (fds[twins].revents || mirror.sync.must_dump)
			work += serve_netlink(now_ms);
		work += packets_receive(&mirror.packets, INJECT_MESSAGES, send_down, NULL);
		serve_timers(now_ms);
	}
	if (registered)
		rte_thread_unregister();
	return NULL;
}

int mirror_start(void)
{
	int rc = -pthread_create(&mirror.thread, NULL, mirror_run, NULL);

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
