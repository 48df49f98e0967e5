/*
 * Signalling load: the nodes of the configuration register, refresh, move and deregister, over the
 * wire or over the channels of a data plane that is played, and wait for their acknowledgements.
 *
 * One worker does it all; it neither allocates nor logs while it runs. Counters are the worker's;
 * the main thread reads them when it has ended, and rows as they are finished.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "tools/pktgen/binding.h"
#include "tools/pktgen/fleet.h"
#include "tools/pktgen/port.h"

struct signalling;

/* A second. */
struct signalling_row {
	uint64_t asked, accepted, rejected, lost, repeated;
	uint64_t p50, p99, max; /* first update to acknowledgement, nanoseconds */
};

struct signalling_result {
	double seconds;      /* to the last answer, or until the last was given up */
	uint64_t skipped;    /* operations that were due while too many waited for an answer */
	uint64_t unsent;     /* updates that the device did not take */
	uint64_t unexpected; /* acknowledgements of nothing that is under way */
	uint64_t refreshed;  /* refreshes that the home agent asked for */
	uint64_t messages[BINDING_KINDS];
	uint64_t others[PACKET_KINDS]; /* frames by what they were */
	const struct signalling_row *rows;
	uint32_t row_count;
};

/* Called for each finished row; main thread. */
typedef void signalling_row_fn(void *context, uint32_t number, const struct signalling_row *row);

/* Makes what is needed, keys included; the ports must be open and their neighbours known, and they
 * and the configuration must outlive it. NULL after a log line. Main thread, as all of these. */
struct signalling *signalling_open(const struct pktgen_config *config, struct ports *ports);

/* The same without ports, as the data plane of this name: waits some seconds until control, on this
 * host, has told all that it has. NULL after a log line. */
struct signalling *signalling_open_channel(const struct pktgen_config *config, const char *name);

/* Wipes the keys and frees it. NULL is allowed. */
void signalling_close(struct signalling *s);

/* Plays until the time is over or no operation is possible any more, and then until all answers are
 * there or given up; or until *stop is set. fn may be NULL. Returns 0 or a negative errno. Once. */
int signalling_run(struct signalling *s, signalling_row_fn *fn, void *context,
	const volatile bool *stop, struct signalling_result *result);

/* The nodes, with what they know of their bindings. */
const struct fleet *signalling_fleet(const struct signalling *s);
