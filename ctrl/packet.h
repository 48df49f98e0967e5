/*
 * The packet channel's server: packets that data planes punt come in, packets that control makes go
 * out. See proto/channel/packet.h.
 *
 * A data plane is named by its index in the configuration (`dp`).
 */
#pragma once

#include "common/counter.h"
#include "proto/channel/packet.h"

#include <stdbool.h>
#include <stdint.h>

struct ctrl_config;
struct keyring;
struct loop;
struct packet;

enum packet_counter {
	PACKET_MESSAGES,        /* messages received */
	PACKET_PUNTED,          /* packets received */
	PACKET_INJECTED,        /* packets handed to the socket */
	PACKET_BAD_MESSAGE,     /* messages or records that do not decode */
	PACKET_REFUSED_VERSION, /* messages of another version of the protocol */
	PACKET_UNKNOWN_PEER,    /* messages of a name that is not configured */
	PACKET_INJECT_NO_PEER,  /* injected packets dropped: the data plane is not there */
	PACKET_INJECT_OVERFLOW, /* injected packets dropped: its queue is full */
	PACKET_COUNTERS
};
extern const struct counter_def packet_counter_defs[PACKET_COUNTERS];

enum {
	PACKET_BURST = 32, /* packets that are handed on together at most */
};

/* Gets the punted packets, 1 to PACKET_BURST, in their order; they and their frames live until the
 * return, and the handler may change the array. */
typedef void packet_handler_fn(void *arg, unsigned dp, struct packet_punt punts[], unsigned count);

/*
 * Binds the endpoint and adds itself to the loop. keyring may be NULL for an endpoint on this host.
 * Returns 0, -EADDRINUSE when another process serves it, or another negative errno.
 */
int packet_open(struct packet **packet, const struct ctrl_config *config, struct keyring *keyring,
	struct loop *loop);

/* Closes it. NULL is allowed. */
void packet_close(struct packet *packet);

/* The keyring has other keys: who was let in by one that is gone is sent nothing more. */
void packet_keys_changed(struct packet *packet);

/* Who gets the punted packets: one handler, set before the loop runs. */
void packet_set_handler(struct packet *packet, packet_handler_fn *fn, void *arg);

/*
 * Sends a packet by a data plane; the frame is copied. It leaves at the end of the loop's round,
 * many in one message; a full queue then drops and counts them. Returns 0; -EINVAL; -ENOTCONN when
 * the data plane has not been heard of.
 */
int packet_inject(struct packet *packet, unsigned dp, const struct packet_inject *inject);

/* Whether the data plane has been heard of: packets can be sent by it. */
bool packet_reaches(const struct packet *packet, unsigned dp);

/* The loop's hook: sends what was injected in this round. */
void packet_flush(struct packet *packet);

/* Counters, PACKET_COUNTERS of them. */
const uint64_t *packet_counters(const struct packet *packet);
