#include "ctrl/packet.h"

#include "common/log.h"
#include "common/zsock.h"
#include "ctrl/config.h"
#include "ctrl/keyring.h"
#include "ctrl/loop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEND_HWM = 256, /* messages queued to one data plane */
	/* Messages waiting in libzmq. It is short, since there are no classes in it: what is beyond
	 * waits at data planes, which send what matters first, and drop and count the rest. */
	RECEIVE_HWM = 32,
	RECEIVE_BURST = 256,      /* messages read in one round */
	RECEIVE_OCTETS = 1 << 20, /* and octets */
};

const struct counter_def packet_counter_defs[PACKET_COUNTERS] = {
	[PACKET_MESSAGES] = {"packet_messages", "messages received on the packet channel"},
	[PACKET_PUNTED] = {"packet_punted", "packets received from data planes"},
	[PACKET_INJECTED] = {"packet_injected", "packets given to data planes"},
	[PACKET_BAD_MESSAGE] = {"packet_bad_message", "messages or records that do not decode"},
	[PACKET_REFUSED_VERSION] = {"packet_refused_version",
		"messages refused: another version of the protocol"},
	[PACKET_UNKNOWN_PEER] = {"packet_unknown_peer",
		"messages of a name that is not configured"},
	[PACKET_INJECT_NO_PEER] = {"packet_inject_no_peer",
		"packets dropped: the data plane is not there"},
	[PACKET_INJECT_OVERFLOW] = {"packet_inject_overflow",
		"packets dropped: the queue to the data plane is full"},
};

/* Packets on the way to one data plane. */
struct packet_peer {
	const char *name;
	struct keyring_peer at;
	bool heard;
	unsigned records; /* in the message being made */
	struct writer w;
	uint8_t *octets;
};

struct packet {
	struct keyring *keyring;
	struct zsock socket;
	bool secured; /* on tcp: data planes are who their keys say */
	packet_handler_fn *handler;
	void *arg;
	struct packet_peer *peers;
	size_t peer_count;
	uint64_t counters[PACKET_COUNTERS];
};

static void count(struct packet *p, enum packet_counter counter, uint64_t n)
{
	counter_add(&p->counters[counter], n);
}

/* Index of the data plane with the connection's key or, without keys, its identity; or -ENOENT,
 * -EACCES. */
static int peer_of(struct packet *p, struct zsock_message *m)
{
	if (p->secured)
		return keyring_data_plane(p->keyring, m);
	for (size_t i = 0; i < p->peer_count; i++)
		if (strlen(p->peers[i].name) == zsock_part_len(m, 0) &&
			memcmp(p->peers[i].name, zsock_part(m, 0), zsock_part_len(m, 0)) == 0)
			return (int)i;
	return -ENOENT;
}

/* Hands on the next records, as many as go together. -EBADMSG behind those in front of a broken
 * one. */
static int take_burst(struct packet *p, unsigned dp, struct cursor *c)
{
	struct packet_punt punts[PACKET_BURST];
	unsigned taken = 0;
	int error = 0;

	while (cursor_left(c) && taken < PACKET_BURST && !error) {
		error = packet_punt_decode(c, &punts[taken]);
		taken += !error;
	}
	count(p, PACKET_PUNTED, taken);
	if (p->handler && taken)
		p->handler(p->arg, dp, punts, taken);
	return error ? -EBADMSG : 0;
}

/* Hands on each record. 0, -EPROTO for another version, or -EBADMSG: the rest of the message is
 * lost with the broken one. */
static int take_records(struct packet *p, unsigned dp, struct zsock_message *m)
{
	enum packet_type type;
	struct cursor c;
	int error;

	if (m->count != 2)
		return -EBADMSG;
	cursor_init(&c, zsock_part(m, 1), zsock_part_len(m, 1));
	error = packet_head_decode(&c, &type);
	if (error || type != PACKET_PUNT)
		return error ? error : -EBADMSG;
	p->peers[dp].heard = true;
	if (!keyring_peer_is(&p->peers[dp].at, m))
		keyring_peer_set(&p->peers[dp].at, m);
	while (cursor_left(&c) && !error)
		error = take_burst(p, dp, &c);
	return error;
}

static void receive(struct packet *p, struct zsock_message *m)
{
	static struct log_limit limit = LOG_LIMIT(2);
	int dp = peer_of(p, m), error;

	count(p, PACKET_MESSAGES, 1);
	if (dp == -EACCES)
		return;
	if (dp < 0) {
		count(p, PACKET_UNKNOWN_PEER, 1);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "packet", "unknown-peer", "octets=%zu",
			zsock_part_len(m, 0));
		return;
	}
	error = take_records(p, (unsigned)dp, m);
	if (error) {
		count(p, error == -EPROTO ? PACKET_REFUSED_VERSION : PACKET_BAD_MESSAGE, 1);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "packet",
			error == -EPROTO ? "version-refused" : "bad-message", "data_plane=%s",
			p->peers[dp].name);
	}
}

static void readable(void *arg)
{
	struct packet *p = arg;
	size_t octets = 0;

	for (int i = 0; i < RECEIVE_BURST && octets < RECEIVE_OCTETS; i++) {
		struct zsock_message m;
		int error = zsock_recv(&p->socket, &m);

		if (error == -EMSGSIZE) {
			count(p, PACKET_BAD_MESSAGE, 1);
			continue;
		}
		if (error)
			return;
		octets += zsock_part_len(&m, m.count - 1);
		receive(p, &m);
		zsock_message_close(&m);
	}
}

static int make_peers(struct packet *p, const struct ctrl_config *config)
{
	p->peer_count = config->data_planes.count;
	p->peers = calloc(p->peer_count, sizeof(*p->peers));
	if (!p->peers)
		return -ENOMEM;
	for (unsigned i = 0; i < p->peer_count; i++) {
		struct packet_peer *peer = &p->peers[i];

		peer->name = ctrl_config_data_plane_name(config, i);
		peer->octets = malloc(PACKET_MESSAGE_MAX);
		if (!peer->octets)
			return -ENOMEM;
		writer_init(&peer->w, peer->octets, PACKET_MESSAGE_MAX);
	}
	return 0;
}

int packet_open(struct packet **packet, const struct ctrl_config *config, struct keyring *keyring,
	struct loop *loop)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER,
		.send_hwm = SEND_HWM,
		.recv_hwm = RECEIVE_HWM,
		.router_mandatory = true,
		.router_handover = true,
		.max_message = PACKET_MESSAGE_MAX};
	struct packet *p = calloc(1, sizeof(*p));
	int error;

	*packet = NULL;
	if (!p)
		return -ENOMEM;
	p->keyring = keyring;
	p->secured = zsock_is_tcp(config->endpoints.packet);
	error = make_peers(p, config);
	if (!error)
		error = keyring_bind(keyring, &p->socket, &options, config->endpoints.packet);
	if (!error)
		error = loop_add_socket(loop, &p->socket, readable, p);
	if (error) {
		packet_close(p);
		return error;
	}
	*packet = p;
	return 0;
}

void packet_close(struct packet *p)
{
	if (!p)
		return;
	zsock_close(&p->socket);
	for (size_t i = 0; p->peers && i < p->peer_count; i++)
		free(p->peers[i].octets);
	free(p->peers);
	free(p);
}

void packet_keys_changed(struct packet *p)
{
	for (unsigned dp = 0; p->secured && dp < p->peer_count; dp++)
		if (keyring_peer_drop(p->keyring, dp, &p->peers[dp].at))
			p->peers[dp].heard = false;
}

void packet_set_handler(struct packet *p, packet_handler_fn *fn, void *arg)
{
	p->handler = fn;
	p->arg = arg;
}

/* Sends the message of one data plane, or drops it: nothing is kept for later. */
static void send_message(struct packet *p, struct packet_peer *peer)
{
	const struct iovec parts[] = {
		{.iov_base = peer->at.id, .iov_len = peer->at.id_len},
		{.iov_base = peer->octets, .iov_len = writer_len(&peer->w)},
	};
	int error;

	if (!peer->records)
		return;
	error = peer->at.id_len ? zsock_send(&p->socket, parts, 2) : -EHOSTUNREACH;
	if (!error)
		count(p, PACKET_INJECTED, peer->records);
	else if (error == -EAGAIN)
		count(p, PACKET_INJECT_OVERFLOW, peer->records);
	else
		count(p, PACKET_INJECT_NO_PEER, peer->records);
	if (error && error != -EAGAIN)
		peer->heard = false;
	peer->records = 0;
	writer_init(&peer->w, peer->octets, PACKET_MESSAGE_MAX);
}

int packet_inject(struct packet *p, unsigned dp, const struct packet_inject *inject)
{
	struct packet_peer *peer;
	int error;

	if (dp >= p->peer_count || !p->peers[dp].heard) {
		count(p, PACKET_INJECT_NO_PEER, 1);
		return -ENOTCONN;
	}
	peer = &p->peers[dp];
	if (!peer->records)
		packet_head_encode(&peer->w, PACKET_INJECT);
	error = packet_inject_encode(&peer->w, inject);
	if (error == -ENOSPC && peer->records) {
		send_message(p, peer);
		packet_head_encode(&peer->w, PACKET_INJECT);
		error = packet_inject_encode(&peer->w, inject);
	}
	if (error) {
		if (!peer->records)
			writer_init(&peer->w, peer->octets, PACKET_MESSAGE_MAX);
		return error;
	}
	peer->records++;
	return 0;
}

bool packet_reaches(const struct packet *p, unsigned dp)
{
	return dp < p->peer_count && p->peers[dp].heard;
}

void packet_flush(struct packet *p)
{
	for (size_t i = 0; i < p->peer_count; i++)
		send_message(p, &p->peers[i]);
}

const uint64_t *packet_counters(const struct packet *p)
{
	return p->counters;
}
