/*
 * ZeroMQ sockets as this project uses them: message-wise, never blocking, with safe ipc endpoints.
 *
 * zsock_context() must be called before rte_eal_init() (libzmq's I/O threads inherit the pinned
 * core otherwise) and before any thread is started. A socket belongs to one thread.
 *
 * There are no ZMTP heartbeats. libzmq 4.3 writes its PING or PONG also for a connection that has
 * ended while messages from it still wait for room in the queue, and aborts; without heartbeats
 * nothing is written then, and a full queue is harmless. Peers that die without a sign are found by
 * TCP (keepalive, unacknowledged data: ZSOCK_DEAD_MS); those that live and say nothing, by what the
 * protocol above says regularly.
 *
 * Reading events: zsock_fd() is edge-triggered. After it polls readable, and after every send too,
 * receive until -EAGAIN (or ask zsock_readable()) before polling again.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <zmq.h>

#include "common/curve.h"

#define ZSOCK_PARTS_MAX 8
#define ZSOCK_DEAD_MS   3000 /* a host that answers nothing for so long ends a tcp connection */

struct zsock;

/* How a socket is opened; zero fields mean the default in brackets. */
struct zsock_options {
	int type;               /* ZMQ_ROUTER, ZMQ_DEALER, ZMQ_REP, ZMQ_REQ, ... */
	int send_hwm;           /* messages queued per peer [1000] */
	int recv_hwm;           /* [1000] */
	bool router_mandatory;  /* ROUTER: an unknown peer is -EHOSTUNREACH, a full one -EAGAIN,
				   instead of a silent drop */
	bool router_handover;   /* ROUTER: a new connection takes over its identity */
	bool immediate;         /* queue only for completed connections */
	int reconnect_ms;       /* first wait before reconnecting [100], doubled up to the most */
	int reconnect_max_ms;   /* [2000] */
	int64_t max_message;    /* octets of the largest part accepted, larger ones drop the
				   connection [16 MiB] */
	const void *routing_id; /* own identity for ROUTER peers [made up by the peer] */
	size_t routing_id_len;  /* 1 to 255 */
	mode_t mode;            /* ipc bind: permissions of the socket file [0600] */

	/* CURVE, for tcp. Both ends give their own secret key; the connecting one the other's
	 * public key as well; the binding one a zap_domain, and the ZAP handler (common/zap.h) says
	 * who gets in. libzmq keeps copies of its own. */
	const struct curve_key *curve_secret; /* [no CURVE] */
	const struct curve_key *curve_server;
	const char *zap_domain;
	/* Opened beside it, of the same thread: tells of handshakes that fail, and must be read, or
	 * libzmq waits in the end. Close it after the socket. */
	struct zsock *watch;
};

/* An open socket. The fields are private; all zero is closed. */
struct zsock {
	void *socket;
	char *path; /* ipc bind: the socket file, removed on close */
	int lock;   /* ipc bind: descriptor of PATH.lock, plus one */
};

/* The process's context, made at the first call (one I/O thread). NULL with errno set: no context.
 * zsock_context_end() closes it after all sockets are closed; messages not yet sent are lost. */
void *zsock_context(void);
void zsock_context_end(void);

/* Opens a socket and binds it. Returns 0 or a negative errno: -EADDRINUSE when another live process
 * serves the endpoint, -EINVAL for an endpoint that is none, -ENAMETOOLONG.
 *
 * For "ipc://PATH": libzmq would let a second process steal a live path, so the lock PATH.lock is
 * taken first (flock: it ends with its process; the lock file stays). A socket file left by a dead
 * process is removed; anything else at PATH is -EEXIST. The file has the permissions `mode` from
 * the start, whatever the umask. Abstract names (ipc://@NAME) and wildcards are -EINVAL. */
int zsock_bind(struct zsock *z, const struct zsock_options *options, const char *endpoint);

/* Whether zsock_bind() would find the endpoint taken, as far as can be told without a trace: 0, or
 * -EADDRINUSE when another live process serves it. Looks names of hosts up, which may take time. */
int zsock_probe(const char *endpoint);

/* Whether an endpoint is for tcp; whether it is a right one, "tcp://HOST:PORT" with a port from 1
 * to 65535, an IPv6 address in brackets and, when it is to be bound, perhaps "*" for HOST. */
bool zsock_is_tcp(const char *endpoint);
bool zsock_is_good_tcp(const char *endpoint, bool to_bind);

/* Opens a socket and connects it; succeeds also when nobody is there yet. Returns 0 or a negative
 * errno. */
int zsock_connect(struct zsock *z, const struct zsock_options *options, const char *endpoint);

/* Closes the socket, removes the ipc socket file, gives up the lock. A closed one is left alone. */
void zsock_close(struct zsock *z);

/* The file descriptor to poll for reading (edge-triggered, see above), or a negative errno. */
int zsock_fd(const struct zsock *z);

/* Whether a message can be received (sent) right now. */
bool zsock_readable(const struct zsock *z);
bool zsock_writable(const struct zsock *z);

/* Sends one message of count parts (1 or more), without waiting. ROUTER: the first part is the
 * peer's identity. Returns 0; -EAGAIN when nothing was sent because the queue is full (or there is
 * no peer), -EHOSTUNREACH (router_mandatory) for an unknown peer. */
int zsock_send(struct zsock *z, const struct iovec *parts, size_t count);

/* Sends one part. */
int zsock_send1(struct zsock *z, const void *data, size_t len);

/* A received message. */
struct zsock_message {
	zmq_msg_t part[ZSOCK_PARTS_MAX];
	size_t count;
};

/* Receives one whole message, without waiting. Returns 0, -EAGAIN when there is none, or -EMSGSIZE
 * when it has more than ZSOCK_PARTS_MAX parts (it is then consumed). After 0 the caller ends with
 * zsock_message_close(). */
int zsock_recv(struct zsock *z, struct zsock_message *m);

/* Frees the parts; nothing happens when it is done again. */
void zsock_message_close(struct zsock_message *m);

/* Octets of part i (i < count); they live until zsock_message_close(). */
static inline const void *zsock_part(struct zsock_message *m, size_t i)
{
	return zmq_msg_data(&m->part[i]);
}

static inline size_t zsock_part_len(const struct zsock_message *m, size_t i)
{
	return zmq_msg_size(&m->part[i]);
}

/* The user id that the ZAP handler gave to the connection of the message; lives as long as it.
 * NULL: no handler was asked. Without one libzmq lets everybody in, so check this. */
const char *zsock_user(struct zsock_message *m);

/* Ends the connection that the message came by, on tcp; its peer may try to connect again. A
 * connection that took its descriptor in the meantime would be ended instead, and connect again. */
void zsock_cut(struct zsock_message *m);

/* Why a connection of a watched socket did not come to be. */
enum zsock_event {
	ZSOCK_REFUSED_KEY, /* the other end does not let our key in; libzmq does not try again, so
			    * the socket must be opened anew. Binding: our ZAP handler refused. */
	ZSOCK_NOT_CURVE,   /* the other end has no CURVE */
	ZSOCK_WRONG_KEY,   /* binding: the other end has another server key than ours */
	ZSOCK_BROKEN,      /* ended in the middle, or spoke no ZMTP */
	ZSOCK_EVENTS
};

/* Takes the next event of a watch (struct zsock_options): 0, or -EAGAIN when there is none. */
int zsock_watch_next(struct zsock *watch, enum zsock_event *event);
