/* What sender and receiver of traffic share: for traffic*.c only. */
#pragma once

#include "tools/pktgen/neighbour.h"
#include "tools/pktgen/pace.h"
#include "tools/pktgen/pick.h"
#include "tools/pktgen/track.h"
#include "tools/pktgen/traffic.h"

enum { TRAFFIC_BURST = 32, TRAFFIC_CACHE_LINE = 64 };

struct rte_ring;

/* Written by the sender. The receiver reads the counters for its rows: 8 octets, aligned, each
 * right in itself. */
struct traffic_sender {
	struct traffic_sent stream[PACKET_STREAMS];
	struct pace pace;
	struct random random;
	uint64_t answers;
} __attribute__((aligned(TRAFFIC_CACHE_LINE)));

/* Written by the receiver. */
struct traffic_receiver {
	struct traffic_received stream[PACKET_STREAMS];
	uint64_t others[PACKET_KINDS];
	struct histogram second;  /* latency in the row that is under way */
	struct traffic_row total; /* counters at the end of the last row */
	uint64_t row_end;         /* cycles */
	_Atomic uint32_t row_count;
} __attribute__((aligned(TRAFFIC_CACHE_LINE)));

/* A mark's time, nanoseconds of the cycle counter. */
struct traffic_clock {
	uint64_t base; /* cycles */
	uint64_t hz;
	uint64_t ns_per_cycle; /* in units of 2^-32 */
};

static inline uint64_t traffic_clock_ns(const struct traffic_clock *c, uint64_t cycles)
{
	return (uint64_t)((unsigned __int128)(cycles - c->base) * c->ns_per_cycle >> 32);
}

struct traffic {
	const struct pktgen_config *config;
	struct ports *ports;
	struct packet_plan plan;
	struct packet_template templates[PACKET_STREAMS];
	struct pick pick[PACKET_STREAMS];
	uint32_t *sequences[PACKET_STREAMS];  /* by flow: the next number; the sender's */
	struct track *tracks[PACKET_STREAMS]; /* by flow; the receiver's */
	uint32_t weights;                     /* the sum */
	struct rte_ring *answers; /* of struct neighbour_answer, from receiver to sender */
	struct traffic_clock clock;
	struct traffic_row *rows;
	uint32_t row_max;

	/* Of the trial that runs. */
	uint16_t trial;
	uint64_t send_until, end; /* cycles */
	_Atomic bool stop;
	struct traffic_sender sender;
	struct traffic_receiver receiver;
};

/* Sends what is due at a time in cycles, and answers of the receiver. */
void traffic_send(struct traffic *t, uint64_t now);
void traffic_send_answers(struct traffic *t);

/* Takes what has arrived on all ports. */
void traffic_receive(struct traffic *t);

/* Closes the row that is under way when its second is over; always with `last`. */
void traffic_close_row(struct traffic *t, uint64_t now, bool last);
