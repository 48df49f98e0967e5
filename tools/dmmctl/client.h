/*
 * Talking to dmm-ctrl: one request at a time over a ZeroMQ DEALER (docs/api.md).
 *
 * Errors of either side end in the same `struct client_error`: the code that the server sent, or
 * one of our own: "unreachable" (nobody answers at the endpoint), "timeout" (connected, but no
 * reply), "lost" (the connection ended within a reply), "protocol" (a reply that is none).
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/zsock.h"

struct client {
	struct zsock socket;
	const char *endpoint;
	int timeout_ms; /* for each message of a reply; and for the connection, if it is there */
};

struct client_error {
	char code[32];
	char message[512];
};

/* Called for each item of a reply; item is borrowed. Returns 0, or a negative value to stop, which
 * client_call() then returns. */
typedef int client_item_fn(const json_t *item, void *context);

/* Prepares a connection; nothing is tried yet. Returns 0 or a negative errno with the error. */
int client_open(
	struct client *client, const char *endpoint, int timeout_ms, struct client_error *error);
void client_close(struct client *client);

/*
 * Sends one request and receives its whole reply. params is borrowed and may be NULL; items are
 * passed to on_item (NULL: the method has none, one is a protocol error). An endless reply
 * (`endless`) is waited for without limit once the request is sent. Returns 0 and the result,
 * which the caller owns; -EREMOTEIO with the server's error; another negative errno with ours; or
 * what on_item returned, after which the connection is of no more use.
 */
int client_call(struct client *client, const char *method, json_t *params, bool endless,
	client_item_fn *on_item, void *context, json_t **result, struct client_error *error);
