#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_prefetch.h>
#include <rte_ring_elem.h>

#include "tools/pktgen/traffic_state.h"

/* Packets of one walk for one port. */
struct batch {
	uint16_t count;
	struct rte_mbuf *frames[TRAFFIC_BURST];
	uint8_t streams[TRAFFIC_BURST];
	uint16_t sizes[TRAFFIC_BURST];
};

struct choice {
	uint8_t stream;
	uint16_t size;
	uint32_t flow;
};

static inline uint8_t choose_stream(struct traffic *t, struct random *r)
{
	const uint32_t *weight = t->config->traffic.weight;
	uint32_t turn = random_below(r, t->weights);
	uint8_t stream = 0;

	while (turn >= weight[stream])
		turn -= weight[stream++];
	return stream;
}

static inline void choose(struct traffic *t, struct choice *c)
{
	struct random *r = &t->sender.random;

	c->stream = choose_stream(t, r);
	c->flow = pick_next(&t->pick[c->stream], r);
	c->size = sizes_next(&t->config->traffic.sizes, r);
	rte_prefetch0(&t->sequences[c->stream][c->flow]);
}

static inline void make(
	struct traffic *t, const struct choice *c, uint64_t time, struct rte_mbuf *m)
{
	const struct packet_mark mark = {.trial = t->trial,
		.stream = c->stream,
		.time = time,
		.flow = c->flow,
		.sequence = t->sequences[c->stream][c->flow]++};

	m->data_len = packet_write(
		&t->templates[c->stream], &t->plan, &mark, c->size, rte_pktmbuf_mtod(m, uint8_t *));
	m->pkt_len = m->data_len;
}

static void send_batch(struct traffic *t, struct batch *b, const struct port *port)
{
	const uint16_t sent = rte_eth_tx_burst(port->id, 0, b->frames, b->count);

	for (uint16_t i = 0; i < b->count; i++) {
		struct traffic_sent *stream = &t->sender.stream[b->streams[i]];

		stream->packets += i < sent;
		stream->octets += i < sent ? b->sizes[i] : 0;
		stream->unsent += i >= sent;
	}
	rte_pktmbuf_free_bulk(b->frames + sent, b->count - sent);
}

void traffic_send(struct traffic *t, uint64_t now)
{
	const uint32_t n = pace_due(&t->sender.pace, now, TRAFFIC_BURST);
	const uint64_t time = traffic_clock_ns(&t->clock, now);
	struct rte_mbuf *frames[TRAFFIC_BURST];
	struct choice choices[TRAFFIC_BURST];
	struct batch batches[PORT_SIDES];

	if (n == 0)
		return;
	for (uint32_t i = 0; i < n; i++)
		choose(t, &choices[i]);
	if (rte_pktmbuf_alloc_bulk(t->ports->send, frames, n) < 0) {
		for (uint32_t i = 0; i < n; i++)
			t->sender.stream[choices[i].stream].unsent++;
		return;
	}
	batches[PORT_CORE].count = batches[PORT_ACCESS].count = 0;
	for (uint32_t i = 0; i < n; i++) {
		const struct choice *c = &choices[i];
		const struct port *port = port_of(t->ports, (enum packet_stream)c->stream);
		struct batch *b = &batches[port - t->ports->side];

		make(t, c, time, frames[i]);
		b->frames[b->count] = frames[i];
		b->streams[b->count] = c->stream;
		b->sizes[b->count++] = c->size;
	}
	for (unsigned side = 0; side < PORT_SIDES; side++)
		if (batches[side].count)
			send_batch(t, &batches[side], &t->ports->side[side]);
}

void traffic_send_answers(struct traffic *t)
{
	struct neighbour_answer a;

	while (rte_ring_sc_dequeue_elem(t->answers, &a, sizeof(a)) == 0)
		t->sender.answers +=
			port_send(t->ports, &t->ports->side[a.side], &a.to, a.packet, a.len) == 0;
}
