#include "dataplane/agent/session.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"

enum {
	/* The largest messages of ours but statistics. */
	MESSAGE_SIZE = 8192,
};

const char *const session_state_names[SESSION_STATES + 1] = {
	[SESSION_SEARCHING] = "searching",
	[SESSION_GREETING] = "greeting",
	[SESSION_SNAPSHOT] = "snapshot",
	[SESSION_SYNCED] = "synced",
};

const struct counter_def session_counter_defs[SESSION_COUNTERS] = {
	[SESSION_MESSAGES] = {"agent_messages", "messages of control"},
	[SESSION_APPLIED] = {"agent_applied", "objects applied"},
	[SESSION_REFUSED] = {"agent_refused", "objects that could not be applied"},
	[SESSION_SNAPSHOTS] = {"agent_snapshots", "snapshots completed"},
	[SESSION_ADOPTED] = {"agent_adopted", "times that a new control took over what was there"},
	[SESSION_DELTAS] = {"agent_deltas", "deltas applied"},
	[SESSION_GAPS] = {"agent_gaps", "times that a delta was missing"},
	[SESSION_FOREIGN] = {"agent_foreign", "messages of another epoch"},
	[SESSION_BAD_MESSAGE] = {"agent_bad_messages", "messages of control not understood"},
	[SESSION_AUDITS] = {"agent_audits", "digests of the tables that control asked for"},
	[SESSION_LOST] = {"agent_control_lost", "times that control went silent"},
};

void session_init(struct session *s, const struct session_ops *ops, void *context, const char *name,
	uint32_t heartbeat_ms, uint32_t heartbeats_missed)
{
	*s = (struct session){
		.ops = ops,
		.context = context,
		.name = name,
		.heartbeat_ms = heartbeat_ms,
		.silence_ms = (uint64_t)heartbeat_ms * heartbeats_missed,
		.hello_due = true,
	};
}

struct update_head session_head(const struct session *s, enum update_type type)
{
	/* In a snapshot the tables have no number, but we listen to who sends it. */
	return (struct update_head){.type = type,
		.version = UPDATE_VERSION,
		.epoch = s->state == SESSION_SNAPSHOT ? s->snapshot_epoch : s->epoch,
		.sequence = s->sequence};
}

static void enter(struct session *s, enum session_state state)
{
	if (state == s->state)
		return;
	if (state == SESSION_SYNCED)
		LOG_INFO("agent", "synced", "epoch=%016llx sequence=%llu",
			(unsigned long long)s->epoch, (unsigned long long)s->sequence);
	s->state = state;
}

static void begin(
	struct session *s, struct writer *w, void *buf, size_t size, enum update_type type)
{
	struct update_head head = session_head(s, type);

	writer_init(w, buf, size);
	update_head_encode(w, &head);
}

static int finish(struct session *s, const struct writer *w, uint64_t now_ms)
{
	int rc = writer_ok(w) ? s->ops->send(s->context, w->base, writer_len(w)) : -ENOSPC;

	if (rc == 0)
		s->said_ms = now_ms;
	return rc;
}

static void say_hello(struct session *s, uint64_t now_ms)
{
	struct update_hello hello = {0};
	uint8_t buf[MESSAGE_SIZE];
	struct writer w;

	if ((s->hello_ms && now_ms - s->hello_ms < SESSION_HELLO_MS) || now_ms < s->hello_after_ms)
		return;
	strncpy(hello.name, s->name, UPDATE_NAME_MAX);
	s->ops->hello(s->context, &hello);
	begin(s, &w, buf, sizeof(buf), UPDATE_HELLO);
	update_hello_encode(&w, &hello);
	if (finish(s, &w, now_ms) < 0)
		return;
	s->hello_ms = now_ms;
	s->hello_due = false;
}

/* What we have cannot be brought up to date by what is coming. */
static void greet_again(struct session *s)
{
	enter(s, SESSION_GREETING);
	s->hello_due = true;
}

/* What we have may be a mixture: only a snapshot repairs it. */
static void distrust(struct session *s)
{
	static struct log_limit limit = LOG_LIMIT(1);

	counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "agent", "bad-message", "state=%s",
		session_state_names[s->state]);
	s->epoch = s->sequence = 0;
	s->ack_due = false;
	greet_again(s);
}

static void apply(struct session *s, const struct object *object)
{
	int rc = s->ops->apply(s->context, object);

	if (rc == 0) {
		counter_add(&s->counters[SESSION_APPLIED], 1);
		return;
	}
	static struct log_limit limit = LOG_LIMIT(5);
	counter_add(&s->counters[SESSION_REFUSED], 1);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "agent", "object-refused",
		"kind=%s id=%016llx error=%s", object_kind_name(object->kind),
		(unsigned long long)object->id, LOG_QUOTE(strerror(-rc)));
	s->ack.failure_total++;
	if (s->ack.failure_count < UPDATE_FAILURES_MAX)
		s->ack.failures[s->ack.failure_count++] = (struct update_failure){
			.kind = object->kind, .id = object->id, .error = (uint16_t)-rc};
}

/* False: the message is not what it should be; some of it may have been applied. */
static bool apply_all(struct session *s, struct cursor *body)
{
	struct object objects[SESSION_EXPECT_MAX];
	bool good = true;

	while (good && cursor_left(body) > 0) {
		unsigned n = 0;

		while (good && n < SESSION_EXPECT_MAX && cursor_left(body) > 0) {
			good = object_decode(body, &objects[n]) == 0;
			n += good;
		}
		s->ops->expect(s->context, objects, n);
		for (unsigned i = 0; i < n; i++)
			apply(s, &objects[i]);
	}
	if (!good)
		distrust(s);
	return good;
}

static void must_ack(struct session *s)
{
	s->ack_due = true;
	s->quiet = false;
}

/* From here until END the tables are neither the old nor the new. */
static void begin_snapshot(
	struct session *s, const struct update_head *head, const struct object_buckets *buckets)
{
	s->epoch = s->sequence = 0;
	s->snapshot_epoch = head->epoch;
	s->snapshot_sequence = head->sequence;
	s->ops->mark(s->context, buckets);
	enter(s, SESSION_SNAPSHOT);
}

/* What was not acknowledged to another control is of no interest to this one. */
static void forget_acks(struct session *s)
{
	s->ack_due = false;
	s->ack = (struct update_ack){0};
	s->hello_due = false;
}

static void on_begin(struct session *s, const struct update_head *head)
{
	if (head->epoch == 0) {
		distrust(s);
		return;
	}
	forget_acks(s);
	begin_snapshot(s, head, NULL);
}

/* Only what was compared may be taken over: since then nothing may have been applied. */
static void on_adopt(struct session *s, const struct update_head *head, struct cursor *body)
{
	struct update_adopt adopt;

	if (update_adopt_decode(body, &adopt) < 0 || head->epoch == 0) {
		distrust(s);
		return;
	}
	if (!session_is_comparable(s) || adopt.epoch != s->epoch || adopt.sequence != s->sequence) {
		counter_add(&s->counters[SESSION_FOREIGN], 1);
		greet_again(s);
		return;
	}
	forget_acks(s);
	counter_add(&s->counters[SESSION_ADOPTED], 1);
	LOG_INFO("agent", "adopted", "epoch=%016llx sequence=%llu buckets=%u",
		(unsigned long long)head->epoch, (unsigned long long)head->sequence,
		object_buckets_count(&adopt.buckets));
	if (object_buckets_count(&adopt.buckets)) {
		begin_snapshot(s, head, &adopt.buckets);
		return;
	}
	s->epoch = head->epoch;
	s->sequence = head->sequence;
	must_ack(s);
	enter(s, SESSION_SYNCED);
}

/* Whether the message belongs to the snapshot that is under way. */
static bool in_snapshot(struct session *s, const struct update_head *head)
{
	if (s->state == SESSION_SNAPSHOT && head->epoch == s->snapshot_epoch &&
		head->sequence == s->snapshot_sequence)
		return true;
	counter_add(&s->counters[SESSION_FOREIGN], 1);
	return false;
}

static void on_end(struct session *s, const struct update_head *head)
{
	if (!in_snapshot(s, head))
		return;
	uint32_t removed = s->ops->sweep(s->context);

	s->epoch = head->epoch;
	s->sequence = head->sequence;
	counter_add(&s->counters[SESSION_SNAPSHOTS], 1);
	LOG_INFO("agent", "snapshot", "sequence=%llu removed=%u refused=%u",
		(unsigned long long)s->sequence, removed, s->ack.failure_total);
	must_ack(s);
	enter(s, SESSION_SYNCED);
}

static void on_delta(struct session *s, const struct update_head *head, struct cursor *body)
{
	if (head->epoch != s->epoch || s->epoch == 0) {
		counter_add(&s->counters[SESSION_FOREIGN], 1);
		/* What an earlier control left in the queue must not disturb a snapshot. */
		if (s->state != SESSION_SNAPSHOT || head->epoch == s->snapshot_epoch)
			greet_again(s);
		return;
	}
	if (head->sequence <= s->sequence) {
		must_ack(s);
		return;
	}
	if (head->sequence != s->sequence + 1) {
		counter_add(&s->counters[SESSION_GAPS], 1);
		greet_again(s);
		return;
	}
	if (!apply_all(s, body))
		return;
	s->sequence = head->sequence;
	s->hello_due = false;
	counter_add(&s->counters[SESSION_DELTAS], 1);
	must_ack(s);
	enter(s, SESSION_SYNCED);
}

static void on_heartbeat(struct session *s, const struct update_head *head, uint64_t now_ms)
{
	/* Control says nothing else until END, unless it has given up. */
	if (s->state == SESSION_SNAPSHOT) {
		greet_again(s);
		return;
	}
	if (head->epoch != s->epoch || head->sequence < s->sequence) {
		if (s->state == SESSION_SYNCED)
			counter_add(&s->counters[SESSION_FOREIGN], 1);
		greet_again(s);
		return;
	}
	if (head->sequence == s->sequence) {
		s->behind_ms = 0;
		s->hello_due = false;
		/* The answer to a HELLO that had everything. */
		if (s->state != SESSION_SYNCED)
			must_ack(s);
		enter(s, SESSION_SYNCED);
		return;
	}
	/* Deltas may be on their way; when none comes, they were lost. */
	if (s->behind_ms == 0) {
		s->behind_ms = now_ms;
	} else if (now_ms - s->behind_ms > s->silence_ms) {
		counter_add(&s->counters[SESSION_GAPS], 1);
		s->behind_ms = 0;
		greet_again(s);
	}
}

static void on_refuse(struct session *s, struct cursor *body, uint64_t now_ms)
{
	static struct log_limit limit = LOG_LIMIT(1);
	char reason[UPDATE_REASON_MAX + 1];

	if (update_reason_decode(body, reason) < 0) {
		distrust(s);
		return;
	}
	LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "agent", "refused", "reason=%s", LOG_QUOTE(reason));
	s->hello_after_ms = now_ms + SESSION_REFUSED_MS;
	enter(s, SESSION_GREETING);
}

bool session_is_comparable(const struct session *s)
{
	return s->state != SESSION_SNAPSHOT && s->epoch != 0;
}

void session_compared(struct session *s, uint64_t now_ms)
{
	s->said_ms = s->hello_ms = now_ms;
	s->hello_due = false;
}

/* Where there is nothing to compare, control gets no answer. While it waits for one it knows that
 * we are here. In the middle of a snapshot it does not ask, unless it has given up. */
static void on_digest_request(struct session *s, const struct update_head *head,
	const struct cursor *body, uint64_t now_ms)
{
	if (cursor_left(body)) {
		counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
		return;
	}
	counter_add(&s->counters[SESSION_AUDITS], 1);
	if (s->state == SESSION_SNAPSHOT)
		greet_again(s);
	if (!session_is_comparable(s))
		return;
	if (s->state == SESSION_GREETING) {
		s->hello_ms = now_ms;
		s->hello_due = false;
	}
	s->ops->digest(s->context, head->epoch);
}

static void on_down(struct session *s, struct cursor *body)
{
	struct down_tunnels down;

	if (down_tunnels_decode(body, &down) == 0)
		s->ops->down(s->context, &down);
	else
		counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
}

static void heard(struct session *s, uint64_t now_ms)
{
	s->heard_ms = now_ms;
	if (s->state != SESSION_SEARCHING)
		return;
	LOG_INFO("agent", "control-found", "name=%s", s->name);
	enter(s, SESSION_GREETING);
}

void session_message(struct session *s, const void *data, size_t len, uint64_t now_ms)
{
	struct trace_wanted wanted;
	struct update_head head;
	struct cursor body;
	struct update_stats_request asked;

	counter_add(&s->counters[SESSION_MESSAGES], 1);
	cursor_init(&body, data, len);
	int rc = update_head_decode(&body, &head);
	if (rc < 0) {
		static struct log_limit limit = LOG_LIMIT(1);

		counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "agent", "bad-head", "octets=%zu reason=%s",
			len, rc == -EPROTO ? "version" : "format");
		return;
	}
	heard(s, now_ms);
	switch (head.type) {
	case UPDATE_BEGIN:
		on_begin(s, &head);
		break;
	case UPDATE_ADOPT:
		on_adopt(s, &head, &body);
		break;
	case UPDATE_OBJECTS:
		if (in_snapshot(s, &head))
			apply_all(s, &body);
		break;
	case UPDATE_END:
		on_end(s, &head);
		break;
	case UPDATE_DELTA:
		on_delta(s, &head, &body);
		break;
	case UPDATE_HEARTBEAT:
		on_heartbeat(s, &head, now_ms);
		break;
	case UPDATE_STATS_REQUEST:
		if (update_stats_request_decode(&body, &asked) == 0)
			s->ops->stats(s->context, &asked);
		else
			counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
		break;
	case UPDATE_COUNT_REQUEST:
		if (s->ops->count(s->context, &body) < 0)
			counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
		break;
	case UPDATE_DIGEST_REQUEST:
		on_digest_request(s, &head, &body, now_ms);
		break;
	case UPDATE_TRACE:
		if (trace_wanted_decode(&body, &wanted) == 0)
			s->ops->trace(s->context, &wanted);
		else
			counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
		break;
	case UPDATE_DOWN:
		on_down(s, &body);
		break;
	case UPDATE_REFUSE:
		on_refuse(s, &body, now_ms);
		break;
	default:
		counter_add(&s->counters[SESSION_BAD_MESSAGE], 1);
		break;
	}
}

void session_settle(struct session *s, uint64_t now_ms)
{
	uint8_t buf[MESSAGE_SIZE];
	struct writer w;

	if (s->hello_due)
		say_hello(s, now_ms);
	if (!s->ack_due)
		return;
	if (!s->quiet)
		s->ops->quiesce(s->context);
	s->quiet = true;
	begin(s, &w, buf, sizeof(buf), UPDATE_ACK);
	update_ack_encode(&w, &s->ack);
	if (finish(s, &w, now_ms) < 0)
		return;
	s->ack_due = false;
	s->ack = (struct update_ack){0};
}

void session_tick(struct session *s, uint64_t now_ms)
{
	uint8_t buf[UPDATE_HEAD_LEN];
	struct writer w;
	bool silent = now_ms - s->heard_ms > s->silence_ms;

	if (s->state != SESSION_SEARCHING && silent) {
		counter_add(&s->counters[SESSION_LOST], 1);
		LOG_WARN("agent", "control-lost",
			"silent_ms=%llu forwarding=continues sequence=%llu",
			(unsigned long long)(now_ms - s->heard_ms),
			(unsigned long long)s->sequence);
		enter(s, SESSION_SEARCHING);
	}
	/* An unanswered hello is repeated: its addressee may have started after it was sent. */
	if ((s->state == SESSION_SEARCHING || s->state == SESSION_GREETING) &&
		now_ms - s->hello_ms >= s->heartbeat_ms)
		s->hello_due = true;
	session_settle(s, now_ms);
	if (s->state != SESSION_SEARCHING && now_ms - s->said_ms >= s->heartbeat_ms) {
		begin(s, &w, buf, sizeof(buf), UPDATE_HEARTBEAT);
		finish(s, &w, now_ms);
	}
}

void session_reconnected(struct session *s)
{
	if (s->state != SESSION_SEARCHING)
		greet_again(s);
}

void session_event(struct session *s, const struct update_event *event)
{
	uint8_t buf[MESSAGE_SIZE];
	struct writer w;

	if (s->state == SESSION_SEARCHING)
		return;
	begin(s, &w, buf, sizeof(buf), UPDATE_EVENT);
	if (update_event_encode(&w, event) == 0)
		finish(s, &w, s->said_ms);
}
