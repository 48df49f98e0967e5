/*
 * The data plane's end of the packet channel: packets for control are gathered into messages, and
 * what control injects becomes packet buffers. Mirror thread.
 *
 * When control is away or slow, its queue (short, so that class priorities hold) fills; one message
 * waits here, and the rest in the rings of the workers, which drop and count. What has waited for
 * longer than PACKETS_AGE_MAX_MS is dropped, because its sender has repeated it long since.
 */
#pragma once

#include <rte_mbuf.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/config.h"
#include "dataplane/control_link.h"
#include "proto/channel/packet.h"

enum {
	PACKETS_AGE_MAX_MS = 1000,
	PACKETS_HELLO_MS = 1000,
	PACKETS_RETRY_MS = 50, /* between hellos that found nobody */
	PACKETS_PER_MESSAGE = 64,
	PACKETS_QUEUE = 16, /* messages in each direction */
};

struct packets {
	struct control_link link;
	uint8_t *message; /* PACKET_MESSAGE_MAX octets being filled, or not yet sent */
	struct writer writer;
	unsigned count;    /* packets in it */
	uint64_t since_ms; /* when it was begun */
	uint64_t hello_ms; /* when we last said hello */
	uint64_t tsc, ns;  /* one instant in cycles and in CLOCK_MONOTONIC */
	double ns_per_cycle;
};

/* Gets one injected packet; it belongs to the callee. The tag of m is filled. */
typedef void packets_fn(void *context, struct rte_mbuf *m);

/* Connects; succeeds also while control is away. 0 or a negative errno after a log line. */
int packets_open(struct packets *p, const struct dp_config *config);
void packets_close(struct packets *p);

/* The descriptor to poll; edge-triggered, see common/zsock.h. */
int packets_fd(const struct packets *p);

/* Whether the message being filled takes another packet. If not, packets_flush() first. */
bool packets_has_room(const struct packets *p);

/* Adds a punted packet, described by its tag, and frees it. */
void packets_punt(struct packets *p, struct rte_mbuf *m);

/*
 * Sends what was gathered. False: control takes nothing now; the message stays, and no packet may
 * be added. Drops the message and counts when it is too old.
 */
bool packets_flush(struct packets *p, uint64_t now_ms);

/* Takes up to `most` messages of control. Returns how many there were. */
unsigned packets_receive(struct packets *p, unsigned most, packets_fn *fn, void *context);

/* Says hello when it is time. True: packets_fd() is another one now. */
bool packets_tick(struct packets *p, uint64_t now_ms);
