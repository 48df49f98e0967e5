#include "ctrl/publish/session.h"

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Messages to one data plane in one call: a snapshot must not hold up the signalling. */
enum { SEND_BURST = 16 };

void session_start(struct publish *p, struct writer *w, enum update_type type, uint64_t sequence)
{
	const struct update_head head = {
		.type = type, .version = UPDATE_VERSION, .epoch = p->epoch, .sequence = sequence};

	writer_init(w, p->scratch, UPDATE_MESSAGE_MAX);
	update_head_encode(w, &head);
}

static int send_octets(struct session *s, const void *octets, size_t len)
{
	const struct iovec parts[] = {
		{.iov_base = s->peer.id, .iov_len = s->peer.id_len},
		{.iov_base = (void *)octets, .iov_len = len},
	};
	int error = s->peer.id_len ? zsock_send(&s->publish->socket, parts, 2) : -EHOSTUNREACH;

	if (error == -EAGAIN && !s->blocked) {
		s->blocked = true;
		counter_add(&s->publish->counters[PUBLISH_BLOCKED], 1);
	} else if (error != -EAGAIN) {
		s->blocked = false;
	}
	return error;
}

int session_message(struct session *s, struct writer *w)
{
	return send_octets(s, w->base, writer_len(w));
}

static void tell(struct session *s, bool up, const char *reason)
{
	struct publish *p = s->publish;

	for (size_t i = 0; i < p->handler_count; i++)
		if (p->handlers[i].session)
			p->handlers[i].session(p->handlers[i].arg, s->dp, up, reason);
}

/* One that becomes ready without an acknowledgement may have been waited for. */
static void set_ready(struct session *s, bool ready)
{
	if (s->ready == ready)
		return;
	s->ready = ready;
	publish_tell_ready(s);
	if (ready)
		publish_tell_acked(s, NULL);
}

void session_fault(struct session *s, const char *fault)
{
	s->fault = fault;
	s->fault_real_ns = loop_real_ns(s->publish->loop);
}

void session_down(struct session *s, const char *reason)
{
	if (!s->up)
		return;
	s->up = false;
	s->ready = false;
	session_fault(s, reason);
	counter_add(&s->publish->counters[PUBLISH_LOST], 1);
	LOG_WARN("publish", "data-plane-down", "name=%s reason=%s sent=%llu acked=%llu", s->name,
		LOG_QUOTE(reason), (unsigned long long)s->sent, (unsigned long long)s->acked);
	stats_gone(s->publish, s->dp);
	audit_gone(s);
	set_ready(s, false);
	tell(s, false, reason);
}

/*
 * A data plane that was given up and is heard again lost nothing if it says no hello: its queue
 * goes on where it stood. It may serve when it has caught up.
 */
void session_heard(struct session *s)
{
	struct publish *p = s->publish;

	s->heard_ns = loop_now_ns(p->loop);
	if (s->up || !s->connected_real_ns)
		return;
	s->up = true;
	s->ready_at = session_newest(p);
	LOG_INFO("publish", "data-plane-back", "name=%s lag=%llu", s->name,
		(unsigned long long)(session_newest(p) - s->acked));
	tell(s, true, "heard again");
	set_ready(s, !s->snapshot.unacked && s->acked == s->ready_at);
}

static void start_snapshot(struct session *s)
{
	s->audit.healing = false;
	s->snapshot.active = true;
	s->snapshot.begun = false;
	s->snapshot.unacked = true;
	s->snapshot.sequence = session_newest(s->publish);
	s->snapshot.slot = 0;
	s->ready_at = s->snapshot.sequence;
	s->failures = 0;
	s->snapshots++;
	counter_add(&s->publish->counters[PUBLISH_SNAPSHOTS], 1);
}

void session_heal(struct session *s)
{
	start_snapshot(s);
	s->audit.healing = true;
}

void session_hello(
	struct session *s, const struct update_head *head, const struct update_hello *hello)
{
	struct publish *p = s->publish;
	uint64_t newest = session_newest(p);
	bool ready = false, known = head->epoch == p->epoch && head->sequence <= newest;

	counter_add(&p->counters[PUBLISH_HELLOS], 1);
	audit_gone(s);
	s->hello = *hello;
	s->up = true;
	s->blocked = false;
	s->heard_ns = loop_now_ns(p->loop);
	s->connected_real_ns = loop_real_ns(p->loop);
	if (known && (head->sequence == newest || delta_log_find(&p->log, head->sequence + 1))) {
		counter_add(&p->counters[PUBLISH_RESYNC_DELTA], 1);
		s->snapshot.active = s->snapshot.unacked = false;
		s->sent = s->acked = head->sequence;
		s->ready_at = newest;
		ready = head->sequence == newest;
	} else {
		s->sent = s->acked = 0;
		start_snapshot(s);
		set_ready(s, false);
	}
	LOG_INFO("publish", "data-plane-hello", "name=%s sync=%s from=%llu newest=%llu ports=%u",
		s->name, s->snapshot.active ? "snapshot" : "delta",
		(unsigned long long)head->sequence, (unsigned long long)newest, hello->port_count);
	tell(s, true, "hello");
	set_ready(s, ready);
	/* One that has everything waits for being told so. */
	if (ready)
		session_heartbeat(s);
}

void session_ack(struct session *s, const struct update_head *head, const struct update_ack *ack)
{
	struct publish *p = s->publish;

	if (!s->up || head->sequence > s->sent || s->snapshot.active) {
		counter_add(&p->counters[PUBLISH_UNEXPECTED], 1);
		return;
	}
	counter_add(&p->counters[PUBLISH_ACKS], 1);
	counter_add(&p->counters[PUBLISH_FAILED_OBJECTS], ack->failure_total);
	s->failures += ack->failure_total;
	if (head->sequence > s->acked)
		s->acked = head->sequence;
	if (s->acked >= s->ready_at) {
		if (s->snapshot.unacked) {
			s->snapshot.unacked = false;
			audit_healed(s);
		}
		if (!s->ready) {
			s->ready = true;
			publish_tell_ready(s);
		}
	}
	if (s->ready)
		publish_tell_acked(s, ack);
}

bool session_gets(const struct session *s, size_t fixed)
{
	const struct ctrl_config *config = s->publish->config;
	const char *link = s->publish->links[fixed];
	int dp = link ? ctrl_config_link_data_plane(config, link) : -1;

	if (!link || dp == (int)s->dp)
		return true;
	if (dp >= 0)
		return false;
	for (size_t i = 0; i < s->hello.port_count; i++)
		if (strcmp(s->hello.ports[i].name, link) == 0)
			return true;
	/* A single one that lacks the port is told, so that its refusal shows the mistake. */
	return config->data_planes.count == 1;
}

/* The next message of the snapshot: 0, or what sending it said. */
static int send_snapshot(struct session *s)
{
	struct publish *p = s->publish;
	uint64_t sequence = s->snapshot.sequence;
	size_t slot = s->snapshot.slot;
	struct writer w;
	int error;

	if (!s->snapshot.begun) {
		session_start(p, &w, UPDATE_BEGIN, sequence);
		error = session_message(s, &w);
		s->snapshot.begun = !error;
		return error;
	}
	session_start(p, &w, UPDATE_OBJECTS, sequence);
	if (slot == 0)
		for (size_t i = 0; i < p->fixed_count; i++)
			if (session_gets(s, i))
				writer_bytes(&w, p->fixed[i].octets, p->fixed[i].len);
	state_copy(&p->state, &slot, &w);
	if (writer_len(&w) > UPDATE_HEAD_LEN) {
		error = session_message(s, &w);
		if (!error)
			s->snapshot.slot = slot ? slot : 1;
		return error;
	}
	session_start(p, &w, UPDATE_END, sequence);
	error = session_message(s, &w);
	if (error)
		return error;
	s->snapshot.active = false;
	s->sent = sequence;
	return 0;
}

/* The next message: 0, or what sending it said; -ENODATA when it has everything. */
static int send_next(struct session *s)
{
	struct publish *p = s->publish;
	const struct delta *delta;
	int error;

	if (s->snapshot.active)
		return send_snapshot(s);
	if (s->sent == session_newest(p))
		return -ENODATA;
	delta = delta_log_find(&p->log, s->sent + 1);
	if (!delta) {
		LOG_INFO("publish", "data-plane-too-far-behind", "name=%s sent=%llu newest=%llu",
			s->name, (unsigned long long)s->sent,
			(unsigned long long)session_newest(p));
		start_snapshot(s);
		set_ready(s, false);
		return 0;
	}
	error = send_octets(s, delta->octets, delta->len);
	if (!error)
		s->sent++;
	return error;
}

bool session_send(struct session *s)
{
	int error = 0;

	if (!s->up)
		return false;
	for (int i = 0; i < SEND_BURST && !error; i++)
		error = send_next(s);
	if (error == -ENODATA)
		return false;
	if (error && error != -EAGAIN)
		session_down(s, error == -EHOSTUNREACH ? "disconnected" : strerror(-error));
	return s->up;
}

void session_heartbeat(struct session *s)
{
	struct publish *p = s->publish;
	uint64_t patience = (uint64_t)p->config->channel.heartbeat_ms *
			    p->config->channel.heartbeats_missed * 1000000;
	struct writer w;
	int error;

	if (s->up && loop_now_ns(p->loop) - s->heard_ns > patience)
		session_down(s, "silent");
	/* Before its BEGIN, a number would look like one that the data plane has missed. */
	if (s->up && s->snapshot.active)
		return;
	session_start(p, &w, UPDATE_HEARTBEAT, s->up ? s->sent : session_newest(p));
	error = session_message(s, &w);
	if (s->up && error && error != -EAGAIN)
		session_down(s, error == -EHOSTUNREACH ? "disconnected" : strerror(-error));
}
