/*
 * Who is who on channels that cross hosts: each connection over TCP is encrypted with CURVE and
 * known by its public key, and a key belongs to one data plane. A data plane is what its key says:
 * routing ids, which anybody could choose, name nobody there.
 *
 * Endpoints on this host (ipc) have file permissions instead, and the routing id is the name.
 *
 * The keys that are let in can be read anew while all runs; a connection whose key is no longer
 * among them is cut at its next message, and is sent nothing from that moment.
 */
#pragma once

#include "common/config.h"
#include "common/counter.h"
#include "common/curve.h"
#include "common/zap.h"
#include "common/zsock.h"

#include <stdint.h>

struct ctrl_config;
struct keyring;
struct loop;

enum keyring_counter {
	KEYRING_REFUSED_PLAIN,      /* connections without CURVE */
	KEYRING_REFUSED_SERVER_KEY, /* connections that expect another key of ours */
	KEYRING_BROKEN,             /* connections that ended within the handshake */
	KEYRING_REVOKED,            /* messages under a key that is not, or no longer, let in */
	KEYRING_RELOADS,            /* times that keys were read anew */
	KEYRING_COUNTERS
};
extern const struct counter_def keyring_counter_defs[KEYRING_COUNTERS];

/* Where a data plane is to be reached: the connection that it speaks by. */
struct keyring_peer {
	uint8_t id_len; /* 0: nowhere */
	uint8_t id[255];
	struct curve_key key; /* zero: it has none (ipc) */
};

/*
 * Reads the keys that the configuration names, and those alone: the last step of its check. What is
 * wrong stands in the report, with the file of the configuration and the key. 0, -EINVAL, -ENOMEM.
 */
int keyring_check(const struct ctrl_config *config, const char *file, struct config_report *report);

/*
 * Reads the keys of a checked configuration and starts to answer for them, in the loop. 0 or a
 * negative errno. Without endpoints on tcp it does nothing.
 */
int keyring_open(struct keyring **keyring, const struct ctrl_config *config, struct loop *loop);

/* After the sockets that it bound. Wipes the secret key. NULL is allowed. */
void keyring_close(struct keyring *keyring);

/* Binds the socket of a channel, with CURVE on tcp (keyring must not be NULL then) and without on
 * ipc. Returns as zsock_bind(). */
int keyring_bind(struct keyring *keyring, struct zsock *z, const struct zsock_options *options,
	const char *endpoint);

/*
 * The data plane that a message is of, by the key of its connection. -EACCES: it has none, or one
 * that is no longer let in; then it has been counted, logged and cut.
 */
int keyring_data_plane(struct keyring *keyring, struct zsock_message *m);

/* Whether the message came by the connection that the peer speaks by. */
bool keyring_peer_is(const struct keyring_peer *peer, struct zsock_message *m);

/* Makes the message's connection the one that the peer speaks by. */
void keyring_peer_set(struct keyring_peer *peer, struct zsock_message *m);

/* Forgets the connection of a peer whose key is no longer that of data plane `dp`. Returns whether
 * it did. */
bool keyring_peer_drop(const struct keyring *keyring, unsigned dp, struct keyring_peer *peer);

/*
 * Reads the configuration file again and takes over the public keys of the data planes, nothing
 * else. 0, or a negative errno and a report: then all stays as it is. Names that the running
 * configuration has not are passed over.
 */
int keyring_reload(struct keyring *keyring, const char *path, struct config_report *report);

/* Counters: KEYRING_COUNTERS of keyring_counter_defs, ZAP_COUNTERS of zap_counter_defs. */
const uint64_t *keyring_counters(const struct keyring *keyring);
const uint64_t *keyring_zap_counters(const struct keyring *keyring);
