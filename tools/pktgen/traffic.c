#include "tools/pktgen/traffic.h"

#include <errno.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_launch.h>
#include <rte_ring_elem.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "tools/pktgen/eal.h"
#include "tools/pktgen/traffic_state.h"

enum { ANSWERS = 256, WATCH_US = 10000 };

static bool make_stream(struct traffic *t, enum packet_stream stream)
{
	const struct pktgen_config_traffic *c = &t->config->traffic;
	const struct port *port = port_of(t->ports, stream);
	const bool groups = stream == PACKET_MULTICAST;
	const struct pick_config pick = {.kind = groups ? PICK_UNIFORM : c->distribution,
		.count = pktgen_config_flows(t->config, stream),
		.exponent = c->exponent,
		.elephant_percent = c->elephant_percent};

	packet_template_init(
		&t->templates[stream], &t->plan, stream, &port->mac, &port->gateway_mac);
	if (c->weight[stream] == 0)
		return true;
	t->sequences[stream] = calloc(pick.count, sizeof(uint32_t));
	t->tracks[stream] = calloc(pick.count, sizeof(struct track));
	t->weights += c->weight[stream];
	return pick_open(&t->pick[stream], &pick) == 0 && t->sequences[stream] && t->tracks[stream];
}

struct traffic *traffic_open(const struct pktgen_config *config, struct ports *ports)
{
	struct traffic *t = aligned_alloc(TRAFFIC_CACHE_LINE, sizeof(*t));
	bool good = t != NULL;

	if (!t)
		return NULL;
	memset(t, 0, sizeof(*t));
	t->config = config;
	t->ports = ports;
	t->plan = pktgen_config_plan(config);
	t->sender.random.state = config->traffic.seed;
	t->clock = (struct traffic_clock){.base = rte_rdtsc(), .hz = rte_get_tsc_hz()};
	t->clock.ns_per_cycle = (1000000000ull << 32) / t->clock.hz;
	for (enum packet_stream s = 0; good && s < PACKET_STREAMS; s++)
		good = make_stream(t, s);
	if (good)
		t->answers = rte_ring_create_elem("answers", sizeof(struct neighbour_answer),
			ANSWERS, SOCKET_ID_ANY, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (!good || !t->answers) {
		LOG_ERROR("traffic", "no-memory", "subscribers=%u", config->subscribers.count);
		traffic_close(t);
		return NULL;
	}
	return t;
}

void traffic_close(struct traffic *t)
{
	if (!t)
		return;
	for (unsigned i = 0; i < PACKET_STREAMS; i++) {
		pick_close(&t->pick[i]);
		free(t->sequences[i]);
		free(t->tracks[i]);
	}
	rte_ring_free(t->answers);
	free(t->rows);
	free(t);
}

/* One turn of each; to the end of the trial. */
static int work(void *context)
{
	struct traffic *t = context;
	uint64_t now;

	do {
		now = rte_rdtsc();
		if (now < t->send_until)
			traffic_send(t, now);
		traffic_send_answers(t);
		traffic_receive(t);
		traffic_close_row(t, now, false);
	} while (now < t->end && !atomic_load_explicit(&t->stop, memory_order_relaxed));
	traffic_close_row(t, now, true);
	return 0;
}

static int work_send(void *context)
{
	struct traffic *t = context;
	uint64_t now;

	do {
		now = rte_rdtsc();
		if (now < t->send_until)
			traffic_send(t, now);
		traffic_send_answers(t);
	} while (now < t->end && !atomic_load_explicit(&t->stop, memory_order_relaxed));
	return 0;
}

static int work_receive(void *context)
{
	struct traffic *t = context;
	uint64_t now;

	do {
		now = rte_rdtsc();
		traffic_receive(t);
		traffic_close_row(t, now, false);
	} while (now < t->end && !atomic_load_explicit(&t->stop, memory_order_relaxed));
	traffic_close_row(t, now, true);
	return 0;
}

static int begin(struct traffic *t, const struct traffic_trial *trial)
{
	const uint64_t per_ms = t->clock.hz / MS_PER_S;
	const uint32_t ms = trial->duration_ms + trial->settle_ms;
	const struct random random = t->sender.random;
	struct traffic_row *rows;

	t->row_max = ms / MS_PER_S + 2;
	rows = realloc(t->rows, t->row_max * sizeof(*rows));
	if (!rows)
		return -ENOMEM;
	t->rows = rows;
	t->trial++;
	memset(&t->sender, 0, sizeof(t->sender));
	memset(&t->receiver, 0, sizeof(t->receiver));
	t->sender.random = random;
	atomic_store(&t->stop, false);

	const uint64_t now = rte_rdtsc();

	pace_begin(&t->sender.pace, trial->rate, t->clock.hz, now);
	t->receiver.row_end = now + t->clock.hz;
	t->send_until = now + trial->duration_ms * per_ms;
	t->end = now + ms * per_ms;
	return 0;
}

static int launch(struct traffic *t)
{
	const bool two = eal_workers(t->config) == 2;
	int rc = rte_eal_remote_launch(two ? work_send : work, t, eal_lcore(0));

	if (rc == 0 && two) {
		rc = rte_eal_remote_launch(work_receive, t, eal_lcore(1));
		if (rc < 0)
			atomic_store(&t->stop, true);
	}
	return rc;
}

static bool running(const struct traffic *t)
{
	for (unsigned w = 0; w < eal_workers(t->config); w++)
		if (rte_eal_get_lcore_state(eal_lcore(w)) == RUNNING)
			return true;
	return false;
}

static void show_rows(struct traffic *t, uint32_t *shown, traffic_row_fn *fn, void *context)
{
	const uint32_t count = atomic_load_explicit(&t->receiver.row_count, memory_order_acquire);

	for (; *shown < count; (*shown)++)
		if (fn)
			fn(context, *shown + 1, &t->rows[*shown]);
}

static void take_result(
	const struct traffic *t, const struct traffic_trial *trial, struct traffic_result *r)
{
	const uint64_t now = rte_rdtsc();
	const uint64_t until = now < t->send_until ? now : t->send_until;

	*r = (struct traffic_result){.trial = *trial,
		.hz = t->clock.hz,
		.seconds = (double)(until - t->sender.pace.start) / (double)t->clock.hz,
		.skipped = t->sender.pace.skipped,
		.neighbour_answers = t->sender.answers,
		.rows = t->rows,
		.row_count = atomic_load(&t->receiver.row_count)};
	memcpy(r->sent, t->sender.stream, sizeof(r->sent));
	memcpy(r->received, t->receiver.stream, sizeof(r->received));
	memcpy(r->others, t->receiver.others, sizeof(r->others));
}

int traffic_run(struct traffic *t, const struct traffic_trial *trial, traffic_row_fn *fn,
	void *context, const volatile bool *stop, struct traffic_result *result)
{
	uint32_t shown = 0;
	int rc = begin(t, trial);

	if (rc < 0)
		return rc;
	rc = launch(t);
	while (running(t)) {
		if (*stop)
			atomic_store(&t->stop, true);
		show_rows(t, &shown, fn, context);
		usleep(WATCH_US);
	}
	for (unsigned w = 0; w < eal_workers(t->config); w++)
		rte_eal_wait_lcore(eal_lcore(w));
	show_rows(t, &shown, fn, context);
	take_result(t, trial, result);
	return rc;
}
