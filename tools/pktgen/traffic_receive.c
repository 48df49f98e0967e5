#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include "tools/pktgen/traffic_state.h"

/* Whether the packet is of this trial, of a flow that there is, and came as it must. */
static bool is_good(struct traffic *t, const struct packet_seen *seen)
{
	const struct packet_mark *mark = &seen->mark;

	if (mark->trial != t->trial) {
		t->receiver.others[PACKET_MARKED]++;
		return false;
	}
	if (!t->tracks[mark->stream] ||
		mark->flow >= pktgen_config_flows(t->config, (enum packet_stream)mark->stream) ||
		!packet_came_right(&t->plan, seen)) {
		t->receiver.stream[mark->stream].astray++;
		return false;
	}
	return true;
}

/* Copies for several members bear the same number, so they tell nothing about order. */
static void follow(struct traffic *t, const struct packet_mark *mark)
{
	struct traffic_received *r = &t->receiver.stream[mark->stream];

	if (mark->stream == PACKET_MULTICAST && t->config->multicast.members > 1)
		return;
	switch (track_add(&t->tracks[mark->stream][mark->flow], mark->sequence)) {
	case TRACK_REORDERED:
	case TRACK_LATE:
		r->reordered++;
		break;
	case TRACK_DUPLICATE:
		r->duplicates++;
		break;
	default:
		break;
	}
}

static void count(struct traffic *t, const struct packet_seen *seen, uint64_t now_ns)
{
	struct traffic_received *r = &t->receiver.stream[seen->mark.stream];
	const uint64_t latency = (now_ns - seen->mark.time) & PACKET_TIME_MASK;

	r->packets++;
	r->octets += seen->size;
	histogram_add(&r->latency, latency);
	histogram_add(&t->receiver.second, latency);
	follow(t, &seen->mark);
}

static void answer(struct traffic *t, enum port_side side, const struct packet_seen *seen)
{
	struct neighbour_answer a = {.side = (uint8_t)side};

	if (neighbour_answer(&t->ports->side[side], seen->ip, seen->ip_len, &a))
		rte_ring_sp_enqueue_elem(t->answers, &a, sizeof(a));
}

static void receive_port(struct traffic *t, enum port_side side)
{
	struct rte_mbuf *frames[TRAFFIC_BURST];
	struct packet_seen seen[TRAFFIC_BURST];
	const uint16_t n = rte_eth_rx_burst(t->ports->side[side].id, 0, frames, TRAFFIC_BURST);
	uint16_t good = 0;

	if (n == 0)
		return;
	const uint64_t now = traffic_clock_ns(&t->clock, rte_rdtsc());

	for (uint16_t i = 0; i < n; i++)
		rte_prefetch0(rte_pktmbuf_mtod(frames[i], const void *));
	for (uint16_t i = 0; i < n; i++) {
		struct packet_seen *s = &seen[good];

		packet_read(rte_pktmbuf_mtod(frames[i], const uint8_t *),
			rte_pktmbuf_data_len(frames[i]), t->plan.udp_port, s);
		if (s->kind == PACKET_MARKED) {
			if (!is_good(t, s))
				continue;
			rte_prefetch0(&t->tracks[s->mark.stream][s->mark.flow]);
			good++;
			continue;
		}
		t->receiver.others[s->kind]++;
		if (s->kind == PACKET_ND)
			answer(t, side, s);
	}
	for (uint16_t i = 0; i < good; i++)
		count(t, &seen[i], now);
	rte_pktmbuf_free_bulk(frames, n);
}

void traffic_receive(struct traffic *t)
{
	for (enum port_side side = 0; side < PORT_SIDES; side++)
		if (t->ports->side[side].open)
			receive_port(t, side);
}

static struct traffic_row totals(const struct traffic *t)
{
	struct traffic_row sum = {0};

	for (unsigned i = 0; i < PACKET_STREAMS; i++) {
		const volatile struct traffic_sent *sent = &t->sender.stream[i];
		const struct traffic_received *received = &t->receiver.stream[i];

		sum.sent += sent->packets;
		sum.unsent += sent->unsent;
		sum.octets_sent += sent->octets;
		sum.received += received->packets;
		sum.octets_received += received->octets;
	}
	return sum;
}

void traffic_close_row(struct traffic *t, uint64_t now, bool last)
{
	struct traffic_receiver *r = &t->receiver;
	const uint32_t number = atomic_load_explicit(&r->row_count, memory_order_relaxed);

	if ((now < r->row_end && !last) || number == t->row_max)
		return;
	const struct traffic_row sum = totals(t);

	t->rows[number] = (struct traffic_row){.sent = sum.sent - r->total.sent,
		.unsent = sum.unsent - r->total.unsent,
		.received = sum.received - r->total.received,
		.octets_sent = sum.octets_sent - r->total.octets_sent,
		.octets_received = sum.octets_received - r->total.octets_received,
		.p50 = histogram_percentile(&r->second, 50),
		.p99 = histogram_percentile(&r->second, 99),
		.max = r->second.max};
	r->total = sum;
	histogram_clear(&r->second);
	r->row_end += t->clock.hz;
	atomic_store_explicit(&r->row_count, number + 1, memory_order_release);
}
