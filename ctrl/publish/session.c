#include "ctrl/publish/session.h"

#include "common/log.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/adopt.h"
#include "ctrl/publish/audit.h"
#include "ctrl/publish/publisher.h"
#include "ctrl/publish/snapshot.h"
#include "ctrl/publish/stats.h"

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
void session_set_ready(struct session *s, bool ready)
{
	if (s->ready == ready)
		return;
	s->ready = ready;
	publish_tell_ready(s);
	if (ready)
		publish_tell_acked(s, NULL);
}

void session_renumber(struct session *s)
{
	s->number = ++s->publish->session_numbers;
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
	session_fault(s, reason);
	session_set_ready(s, false);
	counter_add(&s->publish->counters[PUBLISH_LOST], 1);
	LOG_WARN("publish", "data-plane-down", "name=%s reason=%s sent=%llu acked=%llu", s->name,
		LOG_QUOTE(reason), (unsigned long long)s->sent, (unsigned long long)s->acked);
	s->adopt.asked = false;
	stats_gone(s->publish, s->dp);
	audit_gone(s);
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
	session_renumber(s);
	s->ready_at = publish_sequence(p);
	LOG_INFO("publish", "data-plane-back", "name=%s lag=%llu", s->name,
		(unsigned long long)(publish_sequence(p) - s->acked));
	tell(s, true, "heard again");
	session_set_ready(s, !s->snapshot.unacked && s->acked == s->ready_at);
}

/* It goes on from a number of this epoch, if the deltas from there on are still known. */
static bool resume(struct session *s, const struct update_head *head)
{
	struct publish *p = s->publish;
	uint64_t newest = publish_sequence(p);

	if (head->epoch != p->epoch || head->sequence > newest ||
		(head->sequence < newest && !delta_log_find(&p->log, head->sequence + 1)))
		return false;
	counter_add(&p->counters[PUBLISH_RESYNC_DELTA], 1);
	s->snapshot.active = s->snapshot.unacked = s->adopt.asked = false;
	s->sync = PUBLISH_SYNC_DELTA;
	s->sent = s->acked = head->sequence;
	s->ready_at = newest;
	return true;
}

/* Another control, or a gap that the log does not fill: it is compared, if it has anything. */
static void start_over(struct session *s, const struct update_head *head)
{
	s->sent = s->acked = 0;
	s->snapshot.active = s->snapshot.unacked = false;
	if (head->epoch == 0) {
		snapshot_start(s);
	} else {
		s->sync = PUBLISH_SYNC_NONE;
		adopt_ask(s);
	}
	session_set_ready(s, false);
}

void session_hello(
	struct session *s, const struct update_head *head, const struct update_hello *hello)
{
	struct publish *p = s->publish;
	bool ready;

	counter_add(&p->counters[PUBLISH_HELLOS], 1);
	audit_gone(s);
	s->hello = *hello;
	s->up = true;
	session_renumber(s);
	s->blocked = false;
	s->heard_ns = loop_now_ns(p->loop);
	s->connected_real_ns = loop_real_ns(p->loop);
	ready = resume(s, head);
	if (!ready)
		start_over(s, head);
	ready = ready && s->sent == s->ready_at;
	LOG_INFO("publish", "data-plane-hello", "name=%s sync=%s from=%llu newest=%llu ports=%u",
		s->name, s->adopt.asked ? "compare" : publish_sync_names[s->sync],
		(unsigned long long)head->sequence, (unsigned long long)publish_sequence(p),
		hello->port_count);
	tell(s, true, "hello");
	session_set_ready(s, ready);
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
	publish_tell_acked(s, ack);
}

/* The next message: 0, or what sending it said; -ENODATA when it has everything. */
static int send_next(struct session *s)
{
	struct publish *p = s->publish;
	const struct delta *delta;
	int error;

	if (s->adopt.asked)
		return -ENODATA;
	if (s->snapshot.active)
		return snapshot_send(s);
	if (s->sent == publish_sequence(p))
		return -ENODATA;
	delta = delta_log_find(&p->log, s->sent + 1);
	if (!delta) {
		LOG_INFO("publish", "data-plane-too-far-behind", "name=%s sent=%llu newest=%llu",
			s->name, (unsigned long long)s->sent,
			(unsigned long long)publish_sequence(p));
		snapshot_start(s);
		session_set_ready(s, false);
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
	for (int i = 0; i < SEND_BURST && (!error || error == -EINPROGRESS); i++)
		error = send_next(s);
	if (error == -ENODATA)
		return false;
	if (error && error != -EAGAIN && error != -EINPROGRESS)
		session_down(s, error == -EHOSTUNREACH ? "disconnected" : strerror(-error));
	return s->up;
}

void session_trace(struct session *s)
{
	struct publish *p = s->publish;
	struct writer w;

	if (!s->ready)
		return;
	session_start(p, &w, UPDATE_TRACE, s->sent);
	if (trace_wanted_encode(&w, &p->trace) == 0)
		session_message(s, &w);
}

void session_down_tunnels(struct session *s)
{
	struct publish *p = s->publish;
	struct writer w;

	if (!s->ready || !p->down)
		return;
	session_start(p, &w, UPDATE_DOWN, s->sent);
	down_tunnels_encode(&w, p->down);
	s->down_told = session_message(s, &w) == 0;
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
	if (s->up)
		adopt_tick(s);
	/* Before its BEGIN, a number would look like one that the data plane has missed. */
	if (s->up && (s->snapshot.active || s->adopt.asked))
		return;
	session_start(p, &w, UPDATE_HEARTBEAT, s->up ? s->sent : publish_sequence(p));
	error = session_message(s, &w);
	if (s->up && error && error != -EAGAIN)
		session_down(s, error == -EHOSTUNREACH ? "disconnected" : strerror(-error));
}
