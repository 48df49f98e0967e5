/*
 * A dmm-ctrl that knows its lines: it waits for each request in turn, compares it with what it
 * should be and sends the replies that the test wrote down.
 */
#pragma once

#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/zsock.h"

enum { SERVER_REPLIES_MAX = 4, SERVER_WAIT_MS = 20000 };

struct server_exchange {
	const char *request; /* JSON; NULL ends the list */
	const char
		*replies[SERVER_REPLIES_MAX]; /* as they are sent; none: it hangs up, at the end */
};

struct server {
	char folder[64], endpoint[128];
	struct zsock socket;
	const struct server_exchange *exchanges;
	pthread_t thread;
	char wrong[4096]; /* what was not as it should be */
};

static inline bool server_receive(struct server *s, struct zsock_message *m)
{
	struct pollfd p = {.fd = zsock_fd(&s->socket), .events = POLLIN};

	for (int waited = 0; waited < SERVER_WAIT_MS; waited += 50) {
		if (zsock_recv(&s->socket, m) == 0)
			return true;
		poll(&p, 1, 50);
	}
	snprintf(s->wrong, sizeof(s->wrong), "no request");
	return false;
}

static inline void server_compare(struct server *s, struct zsock_message *m, const char *want)
{
	json_t *expected = json_loads(want, 0, NULL);
	json_t *got =
		m->count == 2 ? json_loadb(zsock_part(m, 1), zsock_part_len(m, 1), 0, NULL) : NULL;

	if (!expected || !json_equal(expected, got))
		snprintf(s->wrong, sizeof(s->wrong), "request %.*s is not %s",
			m->count == 2 ? (int)zsock_part_len(m, 1) : 0,
			m->count == 2 ? (const char *)zsock_part(m, 1) : "", want);
	json_decref(expected);
	json_decref(got);
}

static inline void *server_run(void *context)
{
	struct server *s = context;

	for (const struct server_exchange *e = s->exchanges; e->request; e++) {
		struct zsock_message m;

		if (!server_receive(s, &m))
			break;
		server_compare(s, &m, e->request);
		for (int i = 0; i < SERVER_REPLIES_MAX && e->replies[i]; i++) {
			struct iovec parts[] = {
				{(void *)(uintptr_t)zsock_part(&m, 0), zsock_part_len(&m, 0)},
				{(void *)(uintptr_t)e->replies[i], strlen(e->replies[i])}};

			if (zsock_send(&s->socket, parts, 2) < 0)
				snprintf(s->wrong, sizeof(s->wrong), "reply not sent");
		}
		zsock_message_close(&m);
		if (!e->replies[0])
			zsock_close(&s->socket);
	}
	return NULL;
}

static inline void server_start(struct server *s, const struct server_exchange *exchanges)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER, .router_mandatory = true};

	*s = (struct server){.exchanges = exchanges};
	strcpy(s->folder, "/tmp/dmmctl-test-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->endpoint, sizeof(s->endpoint), "ipc://%s/api", s->folder);
	assert_int_equal(zsock_bind(&s->socket, &options, s->endpoint), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

/* Ends the server and fails the test if a request was not as it should be. */
static inline void server_stop(struct server *s)
{
	char path[160];

	pthread_join(s->thread, NULL);
	zsock_close(&s->socket);
	snprintf(path, sizeof(path), "%s/api.lock", s->folder);
	unlink(path);
	rmdir(s->folder);
	if (s->wrong[0])
		fail_msg("%s", s->wrong);
}
