#include "dataplane/mirror/state.h"

#include <errno.h>
#include <poll.h>
#include <rte_lcore.h>
#include <string.h>
#include <sys/prctl.h>

#include "common/clock.h"
#include "common/log.h"
#include "dataplane/agent/events.h"
#include "dataplane/mirror/count.h"

enum {
	BURST = 64,
	TWIN_READS = 64,
	INJECT_MESSAGES = 16,
	LINK_POLL_MS = 100,
	STALE_MS = 2000,
	USE_BURST = 64,
	DUMP_INTERVAL_MS = 100, /* between dumps, and ten times what the last one took */
	/* Nobody wakes the mirror when a worker has something for it: it looks. */
	WAIT_BUSY_NS = 50 * 1000,
	WAIT_IDLE_NS = 250 * 1000,
	BUSY_NS = 20 * 1000 * 1000,
	TIMERSLACK_NS = 5000,
};

void mirror_down(void *context, struct rte_mbuf *m)
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

void mirror_down_resolved(void *context, struct rte_mbuf *m, bool reachable)
{
	mirror_tag(m)->down = reachable ? MIRROR_TO_ROUTE : MIRROR_UNREACHABLE;
	if (reachable)
		count_mirror(MIRROR_RESOLVED, 1);
	mirror_down(context, m);
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
			mirror_down_resolved(NULL, burst[i], false);
			continue;
		}
		/* It may have been resolved while the packet was on its way here. */
		if (neighbour_table_find(&mirror.tables->neighbours, &key.addr, tag->port)) {
			mirror_down_resolved(NULL, burst[i], true);
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
		mirror_down(NULL, m);
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

		mirror_dump();
		mirror.dump_ms = now_ms + DUMP_INTERVAL_MS + 10 * (clock_mono_ms() - before);
	}
	sync_commit(&mirror.sync);
	return n > 0 ? (unsigned)n : 0;
}

static void use_neighbour(void *context, int ifindex, const struct in6_addr *addr)
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

static void serve_timers(struct pollfd *packets, uint64_t now_ms)
{
	if (packets_tick(&mirror.packets, now_ms))
		packets->fd = packets_fd(&mirror.packets);
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
		resolve_expire(&mirror.resolve, now_ms, mirror_down_resolved, NULL);
		sync_gateways(&mirror.sync, USE_BURST, use_neighbour, NULL);
	}
	if (now_ms - mirror.stale_ms >= STALE_MS) {
		mirror.stale_ms = now_ms;
		sync_stale(&mirror.sync, USE_BURST, use_neighbour, NULL);
	}
}

/* What is polled: the twin of port i, if there is one, at i. */
enum {
	POLL_NETLINK = PORT_MAX,
	POLL_PACKETS,
	POLL_COUNT,
};

static void prepare_poll(struct pollfd fds[POLL_COUNT])
{
	for (unsigned i = 0; i < PORT_MAX; i++)
		fds[i].fd = twin_fd(&mirror.twins[i]);
	fds[POLL_NETLINK].fd = netlink_fd(&mirror.netlink);
	fds[POLL_PACKETS].fd = packets_fd(&mirror.packets);
	for (unsigned i = 0; i < POLL_COUNT; i++)
		fds[i].events = POLLIN;
}

/* Looks what is readable; waits for it if nothing was done in the last round. */
static void wait_for_work(struct pollfd fds[POLL_COUNT], bool idle, uint64_t idle_ns)
{
	struct timespec wait = {.tv_nsec = 0};

	if (idle)
		wait.tv_nsec = idle_ns < BUSY_NS ? WAIT_BUSY_NS : WAIT_IDLE_NS;
	if (ppoll(fds, POLL_COUNT, &wait, NULL) <= 0) {
		for (unsigned i = 0; i < POLL_COUNT; i++)
			fds[i].revents = 0;
	}
}

/* One round; returns how much there was to do. */
static unsigned serve(struct pollfd fds[POLL_COUNT], uint64_t now_ms)
{
	unsigned work = serve_punts(now_ms);

	for (unsigned w = 0; w < mirror.workers; w++) {
		work += serve_twin_up(&mirror_queues[w]);
		work += serve_unresolved(&mirror_queues[w], now_ms);
	}
	for (uint16_t i = 0; i < PORT_MAX; i++) {
		if (fds[i].revents & POLLIN)
			work += serve_twin_down(i);
		if (fds[i].revents & (POLLERR | POLLNVAL)) {
			LOG_ERROR("mirror", "twin-gone", "port=%s", port_table[i].name);
			fds[i].fd = -1;
		}
	}
	if (fds[POLL_NETLINK].revents || mirror.sync.must_dump)
		work += serve_netlink(now_ms);
	/* Its descriptor tells only of edges, so it is always asked. */
	work += packets_receive(&mirror.packets, INJECT_MESSAGES, mirror_down, NULL);
	serve_timers(&fds[POLL_PACKETS], now_ms);
	return work;
}

void *mirror_serve(void *unused)
{
	struct pollfd fds[POLL_COUNT];
	uint64_t busy_ns = 0;
	unsigned work = 0;

	(void)unused;
	pthread_setname_np(pthread_self(), "dmm-mirror");
	prctl(PR_SET_TIMERSLACK, TIMERSLACK_NS);
	/* An lcore id gives this thread a cache of packet buffers of its own. */
	bool registered = rte_thread_register() == 0;
	prepare_poll(fds);
	while (!atomic_load_explicit(&mirror.stop, memory_order_relaxed)) {
		uint64_t now_ns = clock_mono_ns();

		if (work)
			busy_ns = now_ns;
		wait_for_work(fds, work == 0, now_ns - busy_ns);
		work = serve(fds, clock_mono_ms());
	}
	if (registered)
		rte_thread_unregister();
	return NULL;
}
