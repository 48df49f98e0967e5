/*
 * User traffic: sends at a rate, receives what comes back, and counts.
 *
 * One worker does both, or one each does its part (eal_workers()). A worker neither allocates nor
 * logs while it runs, and all memory is there before. Counters have one writer; the main thread
 * reads them when the workers have ended, and rows as they are finished.
 */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/histogram.h"
#include "tools/pktgen/config.h"
#include "tools/pktgen/packet.h"
#include "tools/pktgen/port.h"

struct traffic;

/* Octets are those of the subscribers' packets from the IPv6 header on. */
struct traffic_sent {
	uint64_t packets; /* that a device took */
	uint64_t octets;
	uint64_t unsent; /* that a device did not take, because it was full */
};

struct traffic_received {
	uint64_t packets; /* that came the right way, duplicates included */
	uint64_t octets;
	uint64_t reordered;  /* RFC 4737, 3.3 */
	uint64_t duplicates; /* of a packet received before */
	uint64_t astray;     /* with other addresses than they must have, or not in a tunnel */
	struct histogram latency;
};

/* A second. Packets under way are in one row as sent and in the next as received. */
struct traffic_row {
	uint64_t sent, unsent, received;
	uint64_t octets_sent, octets_received;
	uint64_t p50, p99, max; /* latency of what was received, nanoseconds */
};

/* What a trial shall be. */
struct traffic_trial {
	uint64_t rate; /* packets a second; 0: as many as possible */
	uint32_t duration_ms;
	uint32_t settle_ms;
};

/* What came of it. */
struct traffic_result {
	struct traffic_trial trial;
	uint64_t hz;      /* of the cycle counter */
	double seconds;   /* that packets were sent for */
	uint64_t skipped; /* packets that the generator had no time to send */
	struct traffic_sent sent[PACKET_STREAMS];
	struct traffic_received received[PACKET_STREAMS];
	uint64_t
		others[PACKET_KINDS]; /* frames by what they were; the marked are of other trials */
	uint64_t neighbour_answers;
	const struct traffic_row *rows; /* valid until the next trial */
	uint32_t row_count;
};

/* Called for each finished row while a trial runs; main thread. */
typedef void traffic_row_fn(void *context, uint32_t number, const struct traffic_row *row);

/* Makes everything that trials need; the ports must be open and their neighbours known, and they
 * and the configuration must outlive it. NULL after a log line. Main thread, as all of these. */
struct traffic *traffic_open(const struct pktgen_config *config, struct ports *ports);

/* Frees it. NULL is allowed. */
void traffic_close(struct traffic *t);

/* Runs a trial to its end, or until *stop is set, and fills in the result. fn may be NULL. Returns
 * 0 or a negative errno. */
int traffic_run(struct traffic *t, const struct traffic_trial *trial, traffic_row_fn *fn,
	void *context, const volatile bool *stop, struct traffic_result *result);

/* Packets of a stream that did not come back, when each had to `members` times. */
static inline uint64_t traffic_lost(
	const struct traffic_result *r, enum packet_stream stream, uint32_t members)
{
	const uint64_t wanted = r->sent[stream].packets * members;
	const uint64_t got = r->received[stream].packets - r->received[stream].duplicates;

	return wanted > got ? wanted - got : 0;
}
