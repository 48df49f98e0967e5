/*
 * What arrives on the update channel: who it is from, whether it may be, and who it is for.
 */
#include "common/log.h"
#include "ctrl/publish/adopt.h"
#include "ctrl/publish/audit.h"
#include "ctrl/publish/publisher.h"
#include "ctrl/publish/stats.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { RECEIVE_BURST = 256 }; /* messages read in one round */

/* Tells a peer why it is not served; it may have any name. */
static void refuse(
	struct publish *p, struct session *s, struct zsock_message *m, const char *reason)
{
	static struct log_limit limit = LOG_LIMIT(2);
	char name[UPDATE_NAME_MAX + 1];
	struct writer w;

	if (s)
		session_fault(s, reason);
	snprintf(name, sizeof(name), "%.*s", s ? UPDATE_NAME_MAX : (int)zsock_part_len(m, 0),
		s ? s->name : (const char *)zsock_part(m, 0));
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "publish", "data-plane-refused", "name=%s reason=%s",
		LOG_QUOTE(name), LOG_QUOTE(reason));
	session_start(p, &w, UPDATE_REFUSE, 0);
	update_reason_encode(&w, reason);
	const struct iovec parts[] = {
		{.iov_base = (void *)zsock_part(m, 0), .iov_len = zsock_part_len(m, 0)},
		{.iov_base = w.base, .iov_len = writer_len(&w)},
	};

	zsock_send(&p->socket, parts, 2);
}

/* The data plane of the connection's key or, without keys, of its identity; or NULL. */
static struct session *session_of(struct publish *p, struct zsock_message *m)
{
	if (p->secured) {
		int dp = keyring_data_plane(p->keyring, m);

		return dp < 0 ? NULL : &p->sessions[dp];
	}
	for (size_t i = 0; i < p->session_count; i++) {
		struct session *s = &p->sessions[i];

		if (strlen(s->name) == zsock_part_len(m, 0) &&
			memcmp(s->name, zsock_part(m, 0), zsock_part_len(m, 0)) == 0)
			return s;
	}
	return NULL;
}

/* Whether a message is of the connection that the data plane speaks by: the one that said hello, or
 * any when there is none. An older one has nothing more to say. */
static bool of_current(struct session *s, enum update_type type, struct zsock_message *m)
{
	if (!s->publish->secured || keyring_peer_is(&s->peer, m))
		return true;
	if (s->up && type != UPDATE_HELLO)
		return false;
	keyring_peer_set(&s->peer, m);
	return true;
}

static int take_hello(struct session *s, const struct update_head *head, struct cursor *c,
	struct zsock_message *m)
{
	struct publish *p = s->publish;
	struct update_hello hello;

	if (update_hello_decode(c, &hello) < 0)
		return -EBADMSG;
	if (strcmp(hello.name, s->name) != 0) {
		counter_add(&p->counters[PUBLISH_REFUSED_NAME], 1);
		refuse(p, s, m,
			p->secured ? "the name is not that of the key"
				   : "the name is not that of the connection");
		return 0;
	}
	of_current(s, UPDATE_HELLO, m);
	session_hello(s, head, &hello);
	return 0;
}

static int take_ack(struct session *s, const struct update_head *head, struct cursor *c)
{
	struct update_ack ack;

	if (update_ack_decode(c, &ack) < 0)
		return -EBADMSG;
	session_ack(s, head, &ack);
	return 0;
}

/* What a data plane has: compared with what is wanted of it, or of a newcomer. The head has the
 * epoch of what it has, which need not be ours. */
static int take_digest(struct session *s, const struct update_head *head, struct cursor *c)
{
	struct publish *p = s->publish;
	struct update_digest_answer answer;

	if (update_digest_decode(c, &answer) < 0)
		return -EBADMSG;
	if (adopt_answer(s, head, &answer))
		session_heard(s);
	else if (head->epoch != p->epoch || answer.asked != p->epoch)
		counter_add(&p->counters[PUBLISH_STALE_EPOCH], 1);
	else
		audit_answer(s, head, &answer.digest);
	return 0;
}

static int take_event(struct session *s, struct cursor *c)
{
	struct publish *p = s->publish;
	struct update_event event;

	if (update_event_decode(c, &event) < 0)
		return -EBADMSG;
	if (event.kind == UPDATE_EVENT_PORT) {
		session_renumber(s);
		for (size_t i = 0; i < s->hello.port_count; i++)
			if (strcmp(s->hello.ports[i].name, event.port) == 0)
				s->hello.ports[i].up = event.value != 0;
	}
	for (size_t i = 0; i < p->handler_count; i++)
		if (p->handlers[i].event)
			p->handlers[i].event(p->handlers[i].arg, s->dp, &event);
	return 0;
}

static int take_traced(struct session *s, struct cursor *c)
{
	const struct publish *p = s->publish;

	while (cursor_left(c)) {
		struct trace_packet packet;

		if (trace_packet_decode(c, &packet) < 0)
			return -EBADMSG;
		for (size_t i = 0; i < p->handler_count; i++)
			if (p->handlers[i].traced)
				p->handlers[i].traced(p->handlers[i].arg, s->dp, &packet);
	}
	return 0;
}

/* A message of a known data plane. 0 or -EBADMSG. */
static int take_message(struct session *s, const struct update_head *head, struct cursor *c,
	struct zsock_message *m)
{
	struct publish *p = s->publish;

	if (head->type == UPDATE_HELLO)
		return take_hello(s, head, c, m);
	if (!of_current(s, head->type, m)) {
		counter_add(&p->counters[PUBLISH_UNEXPECTED], 1);
		return 0;
	}
	if (head->type == UPDATE_DIGEST)
		return take_digest(s, head, c);
	if (head->epoch != p->epoch) {
		counter_add(&p->counters[PUBLISH_STALE_EPOCH], 1);
		return 0;
	}
	session_heard(s);
	switch (head->type) {
	case UPDATE_ACK:
		return take_ack(s, head, c);
	case UPDATE_STATS:
		return stats_answer(s, c);
	case UPDATE_COUNTS:
		return count_answer(s, c);
	case UPDATE_EVENT:
		return take_event(s, c);
	case UPDATE_TRACED:
		return take_traced(s, c);
	case UPDATE_HEARTBEAT:
		return cursor_left(c) ? -EBADMSG : 0;
	default:
		counter_add(&p->counters[PUBLISH_UNEXPECTED], 1);
		return 0;
	}
}

static void receive(struct publish *p, struct zsock_message *m)
{
	static struct log_limit limit = LOG_LIMIT(2);
	struct session *s = session_of(p, m);
	struct update_head head;
	struct cursor c;
	int error = -EBADMSG;

	if (!s && p->secured)
		return;
	if (m->count == 2) {
		cursor_init(&c, zsock_part(m, 1), zsock_part_len(m, 1));
		error = update_head_decode(&c, &head);
	}
	if (error == -EPROTO) {
		counter_add(&p->counters[PUBLISH_REFUSED_VERSION], 1);
		refuse(p, s, m, "another version of the protocol");
		return;
	}
	if (!error && !s) {
		counter_add(&p->counters[PUBLISH_REFUSED_NAME], 1);
		refuse(p, NULL, m, "the name is not configured");
		return;
	}
	if (!error)
		error = take_message(s, &head, &c, m);
	if (error) {
		counter_add(&p->counters[PUBLISH_BAD_MESSAGE], 1);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "publish", "bad-message", "data_plane=%s",
			s ? s->name : "-");
	}
}

void publish_readable(void *arg)
{
	struct publish *p = arg;

	for (int i = 0; i < RECEIVE_BURST; i++) {
		struct zsock_message m;
		int error = zsock_recv(&p->socket, &m);

		if (error == -EMSGSIZE) {
			counter_add(&p->counters[PUBLISH_BAD_MESSAGE], 1);
			continue;
		}
		if (error)
			return;
		receive(p, &m);
		zsock_message_close(&m);
	}
}
