/*
 * Who may connect: the ZeroMQ Authentication Protocol (RFC 27), version 1.0, for CURVE.
 *
 * libzmq asks at a fixed address inside the process for each new connection whether its key is
 * welcome, and takes any key when nobody answers. The handler is a socket like others: its owner
 * serves it in its own poll loop, so that the answers and the table of keys that they come from
 * belong to one thread. Handshakes wait meanwhile; nothing else does. There is one handler in a
 * process.
 *
 * A welcome connection gets its public key as user id: 64 hexadecimal digits, zsock_user() tells
 * it for each message received.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "common/counter.h"
#include "common/curve.h"
#include "common/zsock.h"

enum {
	ZAP_ID_MAX = 255,
	ZAP_ADDRESS_MAX = 63,
};

enum zap_counter {
	ZAP_ACCEPTED,    /* connections let in */
	ZAP_UNKNOWN_KEY, /* refused: nobody's key */
	ZAP_BAD_REQUEST, /* refused: not CURVE, or no request that this version knows */
	ZAP_COUNTERS
};
extern const struct counter_def zap_counter_defs[ZAP_COUNTERS];

/* A question of libzmq. */
struct zap_request {
	size_t id_len;
	uint8_t id[ZAP_ID_MAX];            /* comes back in the answer */
	char address[ZAP_ADDRESS_MAX + 1]; /* where the connection comes from; printable */
	struct curve_key key;
};

/*
 * Reads the frames of a request. 0; -EBADMSG: it is none, and has no id to answer to; -EPROTO:
 * another version or another mechanism than CURVE, or a key of the wrong length (id is valid).
 */
int zap_request_read(const struct iovec *frames, size_t count, struct zap_request *request);

/* Whether a key is welcome. */
typedef bool zap_allow_fn(void *arg, const struct zap_request *request);

struct zap {
	struct zsock socket;
	zap_allow_fn *allow;
	void *arg;
	uint64_t counters[ZAP_COUNTERS];
};

/* Starts answering, before any socket with CURVE is bound. 0, -EADDRINUSE when the process
 * has a handler, or another negative errno. */
int zap_open(struct zap *zap, zap_allow_fn *allow, void *arg);
void zap_close(struct zap *zap);

/* Answers what was asked since the last call; call it when zap->socket can be read. */
void zap_serve(struct zap *zap);
