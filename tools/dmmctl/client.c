#include "tools/dmmctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"

/* How long one that restarts is waited for, and how long one that was there until it was killed.
 * One that is there may be busy: for that, as long as for an answer. */
#define ABSENT_MS  1000
#define CONNECT_MS 5000

/* A lost connection is noticed at the latest after this long, even when its wake-up came together
 * with a message and was consumed with it. */
#define LOOK_MS 250

static int fail(struct client_error *error, int rc, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

static int fail(struct client_error *error, int rc, const char *code, const char *fmt, ...)
{
	va_list ap;

	snprintf(error->code, sizeof(error->code), "%s", code);
	va_start(ap, fmt);
	vsnprintf(error->message, sizeof(error->message), fmt, ap);
	va_end(ap);
	return rc;
}

int client_open(
	struct client *client, const char *endpoint, int timeout_ms, struct client_error *error)
{
	/* immediate: a request is taken only by a connection that is up, which is how we know. The
	 * queue is long because a list of all bindings comes as fast as the server can send it. */
	static const struct zsock_options options = {
		.type = ZMQ_DEALER, .immediate = true, .recv_hwm = 100000};
	int rc;

	client->endpoint = endpoint;
	client->timeout_ms = timeout_ms;
	rc = zsock_connect(&client->socket, &options, endpoint);
	if (rc == -EINVAL || rc == -EPROTONOSUPPORT)
		return fail(error, rc, "unreachable",
			"'%s' is no endpoint: expected ipc:///PATH or tcp://HOST:PORT", endpoint);
	if (rc < 0)
		return fail(error, rc, "unreachable", "%s: %s", endpoint, strerror(-rc));
	return 0;
}

void client_close(struct client *client)
{
	zsock_close(&client->socket);
}

/* Waits until the socket may have something new, at most ms. */
static void wait_some(struct client *client, uint64_t ms)
{
	struct pollfd p = {.fd = zsock_fd(&client->socket), .events = POLLIN};

	poll(&p, 1, (int)(ms < LOOK_MS ? ms : LOOK_MS));
}

/* The socket's file; NULL: it has none. */
static const char *path_of(const struct client *client)
{
	return strncmp(client->endpoint, "ipc://", 6) == 0 ? client->endpoint + 6 : NULL;
}

static bool is_absent(const struct client *client)
{
	const char *path = path_of(client);
	struct stat st;

	return path && stat(path, &st) < 0;
}

/* Why nobody answers, as far as the socket's file tells. */
static int unreachable(struct client *client, struct client_error *error)
{
	const char *endpoint = client->endpoint, *path = path_of(client);
	struct stat st;

	if (path && access(path, W_OK) < 0 && errno == EACCES)
		return fail(error, -EACCES, "unreachable", "no permission to use %s: try as root",
			endpoint);
	if (path && stat(path, &st) < 0)
		return fail(error, -ECONNREFUSED, "unreachable",
			"cannot reach dmm-ctrl: %s: %s; is it running?", path, strerror(errno));
	return fail(error, -ECONNREFUSED, "unreachable",
		"cannot reach dmm-ctrl: nobody answers at %s; is it running?", endpoint);
}

static int send_request(
	struct client *client, const char *method, json_t *params, struct client_error *error)
{
	int connect_ms = client->timeout_ms < CONNECT_MS ? client->timeout_ms : CONNECT_MS;
	uint64_t start = clock_mono_ms(), end = start + (uint64_t)connect_ms;
	uint64_t last = start + (uint64_t)client->timeout_ms;
	json_t *request = json_pack("{s:s}", "method", method);
	char *text;
	int rc;

	if (params)
		json_object_set(request, "params", params);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (!text)
		return fail(error, -ENOMEM, "internal", "out of memory");
	while ((rc = zsock_send1(&client->socket, text, strlen(text))) == -EAGAIN) {
		uint64_t now = clock_mono_ms();

		if (now >= last || (now - start >= ABSENT_MS && is_absent(client)) ||
			(now >= end && zsock_probe(client->endpoint) != -EADDRINUSE))
			break;
		wait_some(client, last - now);
	}
	/* A request may hold a subscriber's key. */
	explicit_bzero(text, strlen(text));
	free(text);
	if (rc == -EAGAIN)
		return unreachable(client, error);
	if (rc < 0)
		return fail(error, rc, "unreachable", "%s: %s", client->endpoint, strerror(-rc));
	return 0;
}

static int recv_message(
	struct client *client, bool endless, struct zsock_message *m, struct client_error *error)
{
	uint64_t end = clock_mono_ms() + (uint64_t)client->timeout_ms;
	int rc;

	while ((rc = zsock_recv(&client->socket, m)) == -EAGAIN) {
		uint64_t now = clock_mono_ms();

		if (!zsock_writable(&client->socket) && !zsock_readable(&client->socket))
			return fail(error, -ECONNRESET, "lost",
				"dmm-ctrl at %s ended before it had answered", client->endpoint);
		if (!endless && now >= end)
			return fail(error, -ETIMEDOUT, "timeout",
				"dmm-ctrl at %s did not answer within %d.%d s", client->endpoint,
				client->timeout_ms / 1000, client->timeout_ms % 1000 / 100);
		wait_some(client, endless ? LOOK_MS : end - now);
	}
	if (rc == 0 && m->count != 1) {
		zsock_message_close(m);
		rc = -EMSGSIZE;
	}
	if (rc == -EMSGSIZE)
		return fail(error, -EPROTO, "protocol", "the reply of %s is not one frame",
			client->endpoint);
	if (rc < 0)
		return fail(error, rc, "unreachable", "%s: %s", client->endpoint, strerror(-rc));
	return 0;
}

static int remote_error(const json_t *e, struct client_error *error)
{
	const char *code = json_string_value(json_object_get(e, "code"));
	const char *message = json_string_value(json_object_get(e, "message"));

	return fail(error, -EREMOTEIO, code ? code : "unknown", "%s",
		message ? message : "dmm-ctrl gave no reason");
}

/* One message of a reply: 1 when the reply goes on. */
static int take_message(const json_t *reply, client_item_fn *on_item, void *context,
	json_t **result, struct client_error *error)
{
	json_t *member;

	if ((member = json_object_get(reply, "item")) && on_item) {
		int rc = on_item(member, context);

		return rc ? rc : 1;
	}
	if ((member = json_object_get(reply, "error")))
		return remote_error(member, error);
	if ((member = json_object_get(reply, "result"))) {
		*result = json_incref(member);
		return 0;
	}
	return fail(error, -EPROTO, "protocol", "the reply is not what was asked for");
}

int client_call(struct client *client, const char *method, json_t *params, bool endless,
	client_item_fn *on_item, void *context, json_t **result, struct client_error *error)
{
	int rc = send_request(client, method, params, error);

	if (rc < 0)
		return rc;
	do {
		struct zsock_message m;
		json_t *reply;

		rc = recv_message(client, endless, &m, error);
		if (rc < 0)
			return rc;
		reply = json_loadb(zsock_part(&m, 0), zsock_part_len(&m, 0), 0, NULL);
		zsock_message_close(&m);
		if (!reply)
			return fail(error, -EPROTO, "protocol", "the reply of %s is not JSON",
				client->endpoint);
		rc = take_message(reply, on_item, context, result, error);
		json_decref(reply);
	} while (rc == 1);
	return rc;
}
