#include "common/zsock.h"

#include "common/args.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HWM_DEFAULT         1000
#define MESSAGE_MAX_DEFAULT (16 << 20)
#define CURVE_OVERHEAD      33 /* command, nonce, flags and authenticator (RFC 26 of ZeroMQ) */
#define RECONNECT_DEFAULT   100
#define RECONNECT_MAX       2000
#define KEEPALIVE_S         1
/* Handshakes hang now and then when others between the same two were refused just before; libzmq
 * alone would wait for half a minute before it tries again. */
#define HANDSHAKE_MS 5000

static void *context;

void *zsock_context(void)
{
	if (!context)
		context = zmq_ctx_new();
	return context;
}

void zsock_context_end(void)
{
	if (!context)
		return;
	while (zmq_ctx_term(context) < 0 && errno == EINTR)
		;
	context = NULL;
}

/* libzmq numbers some errors itself; the rest are the system's. */
static int zerror(void)
{
	switch (errno) {
	case ETERM:
		return -ESHUTDOWN;
	case EFSM:
		return -EPROTO;
	case EMTHREAD:
		return -EMFILE;
	default:
		return errno ? -errno : -EIO;
	}
}

static int set_int(void *socket, int option, int value)
{
	return zmq_setsockopt(socket, option, &value, sizeof(value));
}

static int set_curve(void *socket, const struct zsock_options *o)
{
	struct curve_key own;
	int rc = curve_public(o->curve_secret, &own);

	if (rc < 0)
		return rc;
	if (o->curve_server)
		rc |= zmq_setsockopt(
			socket, ZMQ_CURVE_SERVERKEY, o->curve_server->b, CURVE_KEY_LEN);
	else
		rc |= set_int(socket, ZMQ_CURVE_SERVER, 1);
	rc |= zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, own.b, CURVE_KEY_LEN);
	rc |= zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, o->curve_secret->b, CURVE_KEY_LEN);
	if (o->zap_domain)
		rc |= zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, o->zap_domain, strlen(o->zap_domain));
	return rc ? zerror() : 0;
}

/* How long a host may be silent; means nothing to ipc. */
static int set_keepalive(void *socket)
{
	int rc = set_int(socket, ZMQ_TCP_KEEPALIVE, 1);

	rc |= set_int(socket, ZMQ_TCP_KEEPALIVE_IDLE, KEEPALIVE_S);
	rc |= set_int(socket, ZMQ_TCP_KEEPALIVE_INTVL, KEEPALIVE_S);
	rc |= set_int(socket, ZMQ_TCP_KEEPALIVE_CNT, ZSOCK_DEAD_MS / 1000 / KEEPALIVE_S - 1);
	rc |= set_int(socket, ZMQ_TCP_MAXRT, ZSOCK_DEAD_MS);
	return rc;
}

static int set_options(void *socket, const struct zsock_options *o)
{
	/* libzmq compares what came over the wire, which CURVE makes longer. */
	int64_t max = (o->max_message ? o->max_message : MESSAGE_MAX_DEFAULT) +
		      (o->curve_secret ? CURVE_OVERHEAD : 0);
	int rc = 0;

	rc |= set_int(socket, ZMQ_LINGER, 0);
	rc |= set_int(socket, ZMQ_IPV6, 1);
	rc |= set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
	rc |= set_int(socket, ZMQ_SNDHWM, o->send_hwm ? o->send_hwm : HWM_DEFAULT);
	rc |= set_int(socket, ZMQ_RCVHWM, o->recv_hwm ? o->recv_hwm : HWM_DEFAULT);
	rc |= set_int(socket, ZMQ_IMMEDIATE, o->immediate);
	rc |= set_int(
		socket, ZMQ_RECONNECT_IVL, o->reconnect_ms ? o->reconnect_ms : RECONNECT_DEFAULT);
	rc |= set_int(socket, ZMQ_RECONNECT_IVL_MAX,
		o->reconnect_max_ms ? o->reconnect_max_ms : RECONNECT_MAX);
	rc |= zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max, sizeof(max));
	rc |= set_keepalive(socket);
	if (o->router_mandatory)
		rc |= set_int(socket, ZMQ_ROUTER_MANDATORY, 1);
	if (o->router_handover)
		rc |= set_int(socket, ZMQ_ROUTER_HANDOVER, 1);
	if (o->routing_id_len)
		rc |= zmq_setsockopt(socket, ZMQ_ROUTING_ID, o->routing_id, o->routing_id_len);
	if (rc)
		return zerror();
	return o->curve_secret ? set_curve(socket, o) : 0;
}

/* The other end of the socket's monitor, at an address of its own. */
static int open_watch(void *socket, struct zsock *watch)
{
	static unsigned number;
	char endpoint[48];
	const int events = ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
			   ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

	snprintf(endpoint, sizeof(endpoint), "inproc://watch-%u",
		__atomic_add_fetch(&number, 1, __ATOMIC_RELAXED));
	if (zmq_socket_monitor(socket, endpoint, events) < 0)
		return zerror();
	return zsock_connect(watch, &(struct zsock_options){.type = ZMQ_PAIR}, endpoint);
}

static int open_socket(struct zsock *z, const struct zsock_options *options)
{
	*z = (struct zsock){0};
	if (!zsock_context())
		return zerror();
	z->socket = zmq_socket(context, options->type);
	if (!z->socket)
		return zerror();
	int rc = set_options(z->socket, options);
	if (rc == 0 && options->watch)
		rc = open_watch(z->socket, options->watch);
	if (rc < 0)
		zsock_close(z);
	return rc;
}

/* Takes PATH.lock; the lock is given back by the kernel when the process ends in any way. */
static int take_lock(struct zsock *z, const char *path)
{
	char lock[sizeof(((struct sockaddr_un *)0)->sun_path) + 8];

	snprintf(lock, sizeof(lock), "%s.lock", path);
	int fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		int rc = errno == EWOULDBLOCK ? -EADDRINUSE : -errno;

		close(fd);
		return rc;
	}
	z->lock = fd + 1;
	return 0;
}

/* Removes what a dead process left at the path, if it is a socket. */
static int remove_stale(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) < 0 ? -errno : 0;
}

/* A listening socket at the path with the given permissions. Linux gives the file the mode of the
 * unbound socket, less the umask, so it is never more open than it should be. */
static int listen_at(const char *path, mode_t mode)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	if (fchmod(fd, mode) == 0 && bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0) {
		if (chmod(path, mode) == 0 && listen(fd, SOMAXCONN) == 0)
			return fd;
		unlink(path);
	}
	int rc = -errno;
	close(fd);
	return rc;
}

/* Prepares an ipc bind: lock, file, and the descriptor that libzmq is to accept on. libzmq then
 * neither makes nor removes the file: it would remove it from another thread some time after the
 * close, perhaps the successor's. */
static int prepare_ipc(struct zsock *z, const char *path, mode_t mode)
{
	size_t len = strlen(path);

	if (len == 0 || path[0] == '@' || path[0] == '*')
		return -EINVAL;
	if (len >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return -ENAMETOOLONG;
	int rc = take_lock(z, path);
	if (rc == 0)
		rc = remove_stale(path);
	if (rc < 0)
		return rc;
	int fd = listen_at(path, mode ? mode : 0600);
	if (fd < 0)
		return fd;
	z->path = strdup(path);
	if (!z->path) {
		unlink(path);
		close(fd);
		return -ENOMEM;
	}
	if (set_int(z->socket, ZMQ_USE_FD, fd) < 0) {
		rc = zerror();
		close(fd);
		return rc;
	}
	return 0;
}

int zsock_bind(struct zsock *z, const struct zsock_options *options, const char *endpoint)
{
	int rc = open_socket(z, options);

	if (rc < 0)
		return rc;
	if (strncmp(endpoint, "ipc://", 6) == 0)
		rc = prepare_ipc(z, endpoint + 6, options->mode);
	if (rc == 0 && zmq_bind(z->socket, endpoint) < 0)
		rc = zerror();
	if (rc < 0)
		zsock_close(z);
	return rc;
}

bool zsock_is_tcp(const char *endpoint)
{
	return strncmp(endpoint, "tcp://", 6) == 0;
}

bool zsock_is_good_tcp(const char *endpoint, bool to_bind)
{
	const char *host = endpoint + 6;
	const char *colon = strrchr(endpoint, ':');
	uint64_t port;

	if (!zsock_is_tcp(endpoint) || colon <= host ||
		args_parse_uint(colon + 1, 1, 65535, &port) < 0)
		return false;
	size_t len = (size_t)(colon - host);
	if (host[0] == '[') {
		struct in6_addr address;
		char text[INET6_ADDRSTRLEN];

		if (len < 4 || host[len - 1] != ']' || len - 2 >= sizeof(text))
			return false;
		memcpy(text, host + 1, len - 2);
		text[len - 2] = '\0';
		return inet_pton(AF_INET6, text, &address) == 1;
	}
	if (len == 1 && host[0] == '*')
		return to_bind;
	return strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-") ==
	       len;
}

int zsock_connect(struct zsock *z, const struct zsock_options *options, const char *endpoint)
{
	int rc = open_socket(z, options);

	if (rc < 0)
		return rc;
	if (zmq_connect(z->socket, endpoint) < 0) {
		rc = zerror();
		zsock_close(z);
	}
	return rc;
}

void zsock_close(struct zsock *z)
{
	if (z->socket) {
		/* Else libzmq's I/O thread, which is the only one, would wait for ever to tell a
		 * watch of the end that is closed before it is told. */
		zmq_socket_monitor(z->socket, NULL, 0);
		zmq_close(z->socket);
	}
	if (z->path)
		unlink(z->path);
	free(z->path);
	if (z->lock)
		close(z->lock - 1);
	*z = (struct zsock){0};
}

int zsock_fd(const struct zsock *z)
{
	int fd;
	size_t len = sizeof(fd);

	return zmq_getsockopt(z->socket, ZMQ_FD, &fd, &len) < 0 ? zerror() : fd;
}

static bool has_event(const struct zsock *z, int event)
{
	int events = 0;
	size_t len = sizeof(events);

	return zmq_getsockopt(z->socket, ZMQ_EVENTS, &events, &len) == 0 && events & event;
}

bool zsock_readable(const struct zsock *z)
{
	return has_event(z, ZMQ_POLLIN);
}

bool zsock_writable(const struct zsock *z)
{
	return has_event(z, ZMQ_POLLOUT);
}

int zsock_send(struct zsock *z, const struct iovec *parts, size_t count)
{
	if (count == 0)
		return -EINVAL;
	for (size_t i = 0; i < count; i++) {
		int flags = ZMQ_DONTWAIT | (i + 1 < count ? ZMQ_SNDMORE : 0);
		int n;

		do
			n = zmq_send(z->socket, parts[i].iov_base, parts[i].iov_len, flags);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return zerror();
	}
	return 0;
}

int zsock_send1(struct zsock *z, const void *data, size_t len)
{
	const struct iovec part = {.iov_base = (void *)data, .iov_len = len};

	return zsock_send(z, &part, 1);
}

/* Receives one part into an initialised message. */
static int recv_part(struct zsock *z, zmq_msg_t *part)
{
	int n;

	do
		n = zmq_msg_recv(part, z->socket, ZMQ_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? zerror() : 0;
}

/* Consumes the rest of a message; its parts arrive together, so there is nothing to wait for. */
static void skip_rest(struct zsock *z)
{
	zmq_msg_t part;
	bool more;

	do {
		zmq_msg_init(&part);
		more = recv_part(z, &part) == 0 && zmq_msg_more(&part);
		zmq_msg_close(&part);
	} while (more);
}

int zsock_recv(struct zsock *z, struct zsock_message *m)
{
	m->count = 0;
	for (;;) {
		zmq_msg_t *part = &m->part[m->count];

		zmq_msg_init(part);
		int rc = recv_part(z, part);
		if (rc < 0) {
			zmq_msg_close(part);
			zsock_message_close(m);
			return rc;
		}
		m->count++;
		if (!zmq_msg_more(part))
			return 0;
		if (m->count == ZSOCK_PARTS_MAX) {
			skip_rest(z);
			zsock_message_close(m);
			return -EMSGSIZE;
		}
	}
}

void zsock_message_close(struct zsock_message *m)
{
	while (m->count)
		zmq_msg_close(&m->part[--m->count]);
}

const char *zsock_user(struct zsock_message *m)
{
	return m->count ? zmq_msg_gets(&m->part[m->count - 1], "User-Id") : NULL;
}

void zsock_cut(struct zsock_message *m)
{
	int fd = m->count ? zmq_msg_get(&m->part[m->count - 1], ZMQ_SRCFD) : -1;

	if (fd >= 0)
		shutdown(fd, SHUT_RDWR);
}

/* What an event of libzmq's monitor and its value mean. */
static enum zsock_event event_of(uint16_t event, uint32_t value)
{
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH)
		return ZSOCK_REFUSED_KEY;
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
		value == ZMQ_PROTOCOL_ERROR_ZMTP_MECHANISM_MISMATCH)
		return ZSOCK_NOT_CURVE;
	if (event == ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL &&
		value == ZMQ_PROTOCOL_ERROR_ZMTP_CRYPTOGRAPHIC)
		return ZSOCK_WRONG_KEY;
	return ZSOCK_BROKEN;
}

int zsock_watch_next(struct zsock *watch, enum zsock_event *event)
{
	struct zsock_message m;
	uint16_t number = 0;
	uint32_t value = 0;

	for (;;) {
		int rc = watch->socket ? zsock_recv(watch, &m) : -EAGAIN;

		if (rc < 0)
			return rc;
		/* zmq_socket_monitor(3): 16 bits of event, 32 of value, in host order. */
		if (zsock_part_len(&m, 0) == sizeof(number) + sizeof(value)) {
			const char *data = zsock_part(&m, 0);

			memcpy(&number, data, sizeof(number));
			memcpy(&value, data + sizeof(number), sizeof(value));
		}
		zsock_message_close(&m);
		if (number == ZMQ_EVENT_MONITOR_STOPPED)
			continue;
		*event = event_of(number, value);
		return 0;
	}
}
