#include "tools/pktgen/signalling.h"

#include <errno.h>
#include <pthread.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_mbuf.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "tools/pktgen/channel.h"
#include "tools/pktgen/eal.h"
#include "tools/pktgen/neighbour.h"
#include "tools/pktgen/pace.h"

enum {
	BURST = 32,
	WATCH_US = 10000,
	SYNC_MS = 20000,
	ROWS_AFTER = 600, /* seconds that the last answers may be waited for and still be shown */
};

#define IDLE_NS (200 * 1000ull)

struct signalling {
	const struct pktgen_config *config;
	struct ports *ports; /* NULL: over the channel */
	struct port *access;
	struct channel *channel;
	struct binding_keys *keys;
	struct fleet *fleet;
	struct pace pace;
	struct signalling_result result;
	struct signalling_row *rows;
	uint32_t row_max;
	struct signalling_row total; /* counters at the end of the last row */
	struct histogram second;     /* latency in the row that is under way */
	uint64_t begun_ns, until_ns, row_end_ns, wake_ns;
	bool exhausted; /* no operation is possible */
	_Atomic uint32_t row_count;
	_Atomic bool stop, ended;
};

static void send_update(void *context, uint32_t node)
{
	struct signalling *s = context;
	const struct fleet_node *n = fleet_node(s->fleet, node);
	const uint32_t lifetime_s = s->config->signalling.lifetime_ms / 1000;
	const struct binding_update update = {.node = node,
		.place = n->wish,
		.lifetime_s = n->op == PKTGEN_DEREGISTER ? 0 : lifetime_s,
		.sequence = n->sequence};
	uint8_t packet[BINDING_PACKET_MAX];
	const ssize_t len =
		binding_write(s->config, s->keys, &update, clock_real_ns(), packet, sizeof(packet));
	int rc = len < 0 ? (int)len : 0;

	if (rc == 0 && s->channel)
		rc = channel_put(
			s->channel, n->bound ? CHANNEL_KNOWN : CHANNEL_NEW, packet, (size_t)len);
	else if (rc == 0)
		rc = port_send(s->ports, s->access, &s->access->gateway_mac, packet, (size_t)len);
	s->result.unsent += rc < 0;
}

static struct signalling *make(const struct pktgen_config *config)
{
	struct signalling *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->config = config;
	s->row_max = config->signalling.duration_ms / 1000 + ROWS_AFTER;
	s->rows = calloc(s->row_max, sizeof(*s->rows));
	s->keys = binding_keys_new(config);
	s->fleet = fleet_open(config, clock_mono_ns(), send_update, s);
	if (s->rows && s->keys && s->fleet)
		return s;
	LOG_ERROR("signalling", "no-memory", "subscribers=%u", config->subscribers.count);
	signalling_close(s);
	return NULL;
}

struct signalling *signalling_open(const struct pktgen_config *config, struct ports *ports)
{
	struct signalling *s = make(config);

	if (s) {
		s->ports = ports;
		s->access = port_of(ports, PACKET_UPLINK);
	}
	return s;
}

void signalling_close(struct signalling *s)
{
	if (!s)
		return;
	channel_close(s->channel);
	fleet_close(s->fleet);
	binding_keys_free(s->keys);
	free(s->rows);
	free(s);
}

static void begin_due(struct signalling *s, uint64_t now_ns)
{
	const uint32_t asking = fleet_asking(s->fleet), most = s->config->signalling.outstanding;
	const uint32_t room = asking < most ? RTE_MIN(most - asking, (uint32_t)BURST) : 0;
	uint32_t due;

	/* What control cannot take now is begun later. */
	if (s->channel &&
		(channel_full(s->channel, CHANNEL_KNOWN) || channel_full(s->channel, CHANNEL_NEW)))
		return;
	due = pace_due(&s->pace, now_ns, room);

	while (due > 0 && fleet_begin(s->fleet, now_ns))
		due--;
	s->exhausted = due > 0 && fleet_asking(s->fleet) == 0;
}

static void take_message(struct signalling *s, const uint8_t *ip, size_t len, uint64_t now_ns)
{
	struct binding_answer answer;
	const enum binding_kind kind = binding_read(s->config, s->keys, ip, len, &answer);

	s->result.messages[kind]++;
	if (kind == BINDING_REFRESH_REQUEST)
		s->result.refreshed += fleet_refresh(s->fleet, answer.node, now_ns);
	if (kind != BINDING_ACK)
		return;

	const uint64_t asked_ns = fleet_node(s->fleet, answer.node)->asked_ns;

	if (!fleet_answer(s->fleet, answer.node, answer.status, answer.sequence, now_ns))
		s->result.unexpected++;
	else
		histogram_add(&s->second, now_ns - asked_ns);
}

static void take_frame(
	struct signalling *s, enum port_side side, const struct rte_mbuf *m, uint64_t now_ns)
{
	const struct port *port = &s->ports->side[side];
	struct neighbour_answer a;
	struct packet_seen seen;

	packet_read(rte_pktmbuf_mtod(m, const uint8_t *), rte_pktmbuf_data_len(m),
		s->config->traffic.udp_port, &seen);
	s->result.others[seen.kind]++;
	if (seen.kind == PACKET_MOBILITY)
		take_message(s, seen.ip, seen.ip_len, now_ns);
	else if (seen.kind == PACKET_ND && neighbour_answer(port, seen.ip, seen.ip_len, &a))
		port_send(s->ports, port, &a.to, a.packet, a.len);
}

static void receive(struct signalling *s, uint64_t now_ns)
{
	for (enum port_side side = 0; side < PORT_SIDES; side++) {
		struct rte_mbuf *frames[BURST];
		uint16_t n = 0;

		if (s->ports->side[side].open)
			n = rte_eth_rx_burst(s->ports->side[side].id, 0, frames, BURST);
		for (uint16_t i = 0; i < n; i++)
			take_frame(s, side, frames[i], now_ns);
		rte_pktmbuf_free_bulk(frames, n);
	}
}

/* A packet that control injects. */
static void take_injected(void *context, const uint8_t *ip, size_t len)
{
	struct signalling *s = context;

	s->result.others[PACKET_MOBILITY]++;
	take_message(s, ip, len, clock_mono_ns());
}

static void exchange(struct signalling *s, uint64_t now_ns)
{
	channel_flush(s->channel);
	if (!channel_work(s->channel, now_ns))
		channel_wait(s->channel, IDLE_NS);
}

struct signalling *signalling_open_channel(const struct pktgen_config *config, const char *name)
{
	const struct pktgen_config_signalling *c = &config->signalling;
	struct signalling *s = make(config);
	const struct channel_fns fns = {.context = s, .packet = take_injected};
	const uint64_t end_ms = clock_mono_ms() + SYNC_MS;
	int rc;

	if (!s)
		return NULL;
	rc = channel_open(&s->channel, c->update, c->packet, name, &fns);
	while (rc == 0 && !channel_synced(s->channel)) {
		exchange(s, clock_mono_ns());
		if (clock_mono_ms() > end_ms)
			rc = -ETIMEDOUT;
	}
	if (rc == 0)
		return s;
	LOG_ERROR("signalling", "no-control", "update=%s packet=%s data_plane=%s error=%s",
		c->update, c->packet, LOG_QUOTE(name), LOG_QUOTE(strerror(-rc)));
	signalling_close(s);
	return NULL;
}

static struct signalling_row totals(const struct signalling *s)
{
	struct signalling_row sum = {0};

	for (enum pktgen_op op = 0; op < PKTGEN_OPS; op++) {
		const struct fleet_count *c = fleet_count(s->fleet, op);

		sum.asked += c->asked;
		sum.accepted += c->accepted;
		sum.lost += c->lost;
		sum.repeated += c->repeated;
		for (unsigned i = 0; i < FLEET_STATUSES; i++)
			sum.rejected += c->rejected[i];
	}
	return sum;
}

static void close_row(struct signalling *s)
{
	const uint32_t number = atomic_load_explicit(&s->row_count, memory_order_relaxed);
	const struct signalling_row sum = totals(s);

	s->row_end_ns += CLOCK_NS_PER_S;
	if (number == s->row_max)
		return;
	s->rows[number] = (struct signalling_row){.asked = sum.asked - s->total.asked,
		.accepted = sum.accepted - s->total.accepted,
		.rejected = sum.rejected - s->total.rejected,
		.lost = sum.lost - s->total.lost,
		.repeated = sum.repeated - s->total.repeated,
		.p50 = histogram_percentile(&s->second, 50),
		.p99 = histogram_percentile(&s->second, 99),
		.max = s->second.max};
	s->total = sum;
	histogram_clear(&s->second);
	atomic_store_explicit(&s->row_count, number + 1, memory_order_release);
}

/* Whether there is nothing left to begin and nothing to wait for. */
static bool is_over(const struct signalling *s, uint64_t now_ns)
{
	return (now_ns >= s->until_ns || s->exhausted) && fleet_asking(s->fleet) == 0;
}

/* The worker. */
static int work(void *context)
{
	struct signalling *s = context;
	uint64_t now_ns;

	do {
		now_ns = clock_mono_ns();
		if (now_ns < s->until_ns)
			begin_due(s, now_ns);
		if (now_ns >= s->wake_ns || fleet_asking(s->fleet) > 0)
			s->wake_ns = fleet_advance(s->fleet, now_ns);
		if (s->channel)
			exchange(s, now_ns);
		else
			receive(s, clock_mono_ns());
		if (now_ns >= s->row_end_ns)
			close_row(s);
	} while (!is_over(s, now_ns) && !atomic_load_explicit(&s->stop, memory_order_relaxed));
	close_row(s);
	s->result.seconds = (double)(now_ns - s->begun_ns) / CLOCK_NS_PER_S;
	return 0;
}

static void show_rows(struct signalling *s, uint32_t *shown, signalling_row_fn *fn, void *context)
{
	const uint32_t count = atomic_load_explicit(&s->row_count, memory_order_acquire);

	for (; *shown < count; (*shown)++)
		if (fn)
			fn(context, *shown + 1, &s->rows[*shown]);
}

static void *work_thread(void *context)
{
	struct signalling *s = context;

	work(s);
	atomic_store_explicit(&s->ended, true, memory_order_release);
	return NULL;
}

static bool is_running(const struct signalling *s)
{
	if (s->channel)
		return !atomic_load_explicit(&s->ended, memory_order_acquire);
	return rte_eal_get_lcore_state(eal_lcore(0)) == RUNNING;
}

int signalling_run(struct signalling *s, signalling_row_fn *fn, void *context,
	const volatile bool *stop, struct signalling_result *result)
{
	const struct pktgen_config_signalling *c = &s->config->signalling;
	uint32_t shown = 0;
	pthread_t thread;
	int rc;

	s->begun_ns = clock_mono_ns();
	s->until_ns = s->begun_ns + c->duration_ms * CLOCK_NS_PER_MS;
	s->row_end_ns = s->begun_ns + CLOCK_NS_PER_S;
	pace_begin(&s->pace, c->rate, CLOCK_NS_PER_S, s->begun_ns);
	rc = s->channel ? -pthread_create(&thread, NULL, work_thread, s)
			: rte_eal_remote_launch(work, s, eal_lcore(0));
	while (rc == 0 && is_running(s)) {
		if (*stop)
			atomic_store(&s->stop, true);
		show_rows(s, &shown, fn, context);
		usleep(WATCH_US);
	}
	if (rc == 0 && s->channel)
		pthread_join(thread, NULL);
	else if (rc == 0)
		rte_eal_wait_lcore(eal_lcore(0));
	show_rows(s, &shown, fn, context);
	*result = s->result;
	result->skipped = s->pace.skipped;
	result->rows = s->rows;
	result->row_count = atomic_load(&s->row_count);
	return rc;
}

const struct fleet *signalling_fleet(const struct signalling *s)
{
	return s->fleet;
}
