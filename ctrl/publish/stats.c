/*
 * Statistics of the data planes, and what they have counted of objects: one question to all of
 * them, answers as they come, an end in any case.
 */
#include "ctrl/publish/stats.h"

#include "ctrl/loop.h"
#include "ctrl/publish/publisher.h"

#include <errno.h>
#include <stdlib.h>

enum { STATS_WAIT_MS = 1000 };

struct stats_request {
	struct publish *publish;
	struct stats_request *next;
	uint32_t id;
	uint64_t missing; /* bit: data plane that has not answered; there are at most 64 */
	bool counts;      /* what is asked for; else statistics */
	void *arg;
	union {
		void (*stat)(void *arg, unsigned dp, const struct update_stat *stat);
		void (*count)(void *arg, unsigned dp, const struct update_count *count);
	} record;
	void (*done)(void *arg, unsigned dp, bool answered);
	void (*end)(void *arg);
	struct wheel_timer timer;
};

static void finish(struct stats_request *r)
{
	struct publish *p = r->publish;

	for (struct stats_request **at = &p->stats; *at; at = &(*at)->next) {
		if (*at != r)
			continue;
		*at = r->next;
		break;
	}
	loop_cancel(p->loop, &r->timer);
	for (unsigned dp = 0; dp < p->session_count; dp++)
		if (r->missing >> dp & 1)
			r->done(r->arg, dp, false);
	r->end(r->arg);
	free(r);
}

/* Nobody is missing, or the time is over: also the way out when nobody was asked, because the
 * caller of publish_stats() must not be called back from inside it. */
static void timed_out(struct wheel_timer *timer, void *context)
{
	(void)context;
	finish(wheel_entry(timer, struct stats_request, timer));
}

/* Sends a question, whose message is that of a type with this body, to all that are up. */
static void ask(
	struct stats_request *r, enum update_type type, const void *body, size_t body_octets)
{
	struct publish *p = r->publish;

	for (size_t i = 0; i < p->session_count; i++) {
		struct session *s = &p->sessions[i];
		struct writer w;

		if (!s->up)
			continue;
		session_start(p, &w, type, 0);
		writer_bytes(&w, body, body_octets);
		if (session_message(s, &w) == 0)
			r->missing |= 1ull << s->dp;
	}
	r->next = p->stats;
	p->stats = r;
	wheel_timer_init(&r->timer, timed_out);
	loop_arm_ms(p->loop, &r->timer, r->missing ? STATS_WAIT_MS : 0);
}

static int ask_statistics(struct publish *p, struct update_stats_request *request,
	const struct publish_stats_fns *fns)
{
	uint8_t body[sizeof(*request)];
	struct stats_request *r = calloc(1, sizeof(*r));
	struct writer w;

	if (!r)
		return -ENOMEM;
	request->id = ++p->stats_id;
	*r = (struct stats_request){.publish = p,
		.id = request->id,
		.arg = fns->arg,
		.record.stat = fns->record,
		.done = fns->done,
		.end = fns->end};
	writer_init(&w, body, sizeof(body));
	update_stats_request_encode(&w, request);
	ask(r, UPDATE_STATS_REQUEST, body, writer_len(&w));
	return 0;
}

int publish_stats(struct publish *p, const struct publish_stats_fns *fns)
{
	return ask_statistics(p, &(struct update_stats_request){0}, fns);
}

int publish_stats_of(struct publish *p, const uint64_t subscribers[], unsigned count,
	const struct publish_stats_fns *fns)
{
	struct update_stats_request request = {0};

	for (unsigned i = 0; i < count && i < UPDATE_ASKED_MAX; i++)
		request.subscribers[request.count++] = subscribers[i];
	return ask_statistics(p, &request, fns);
}

int publish_counted(struct publish *p, enum object_kind kind, const uint64_t ids[], size_t count,
	const struct publish_counted_fns *fns)
{
	uint8_t body[sizeof(uint32_t) + 1 + UPDATE_COUNT_IDS_MAX * sizeof(uint64_t)];
	struct stats_request *r = calloc(1, sizeof(*r));
	struct writer w;
	int err;

	if (!r)
		return -ENOMEM;
	*r = (struct stats_request){.publish = p,
		.id = ++p->stats_id,
		.counts = true,
		.arg = fns->arg,
		.record.count = fns->record,
		.done = fns->done,
		.end = fns->end};
	writer_init(&w, body, sizeof(body));
	err = update_count_request_encode(&w, r->id, kind, ids, count);
	if (err == 0)
		ask(r, UPDATE_COUNT_REQUEST, body, writer_len(&w));
	else
		free(r);
	return err;
}

/* The question that a data plane answers; NULL: none that still waits for it. */
static struct stats_request *asked(struct session *s, struct cursor *c, bool counts)
{
	struct stats_request *r = s->publish->stats;
	uint32_t id;

	if (update_stats_id_decode(c, &id) < 0)
		return NULL;
	while (r && (r->id != id || r->counts != counts))
		r = r->next;
	return r && r->missing >> s->dp & 1 ? r : NULL;
}

static void answered(struct session *s, struct stats_request *r)
{
	r->missing &= ~(1ull << s->dp);
	r->done(r->arg, s->dp, true);
	if (!r->missing)
		finish(r);
}

int stats_answer(struct session *s, struct cursor *c)
{
	struct stats_request *r = asked(s, c, false);

	if (!r)
		return cursor_ok(c) ? 0 : -EBADMSG;
	while (cursor_left(c)) {
		struct update_stat stat;

		if (update_stat_decode(c, &stat) < 0)
			return -EBADMSG;
		r->record.stat(r->arg, s->dp, &stat);
	}
	answered(s, r);
	return 0;
}

int count_answer(struct session *s, struct cursor *c)
{
	struct stats_request *r = asked(s, c, true);

	if (!r)
		return cursor_ok(c) ? 0 : -EBADMSG;
	while (cursor_left(c)) {
		struct update_count count;

		if (update_count_decode(c, &count) < 0)
			return -EBADMSG;
		r->record.count(r->arg, s->dp, &count);
	}
	answered(s, r);
	return 0;
}

void stats_gone(struct publish *p, unsigned dp)
{
	struct stats_request *next;

	for (struct stats_request *r = p->stats; r; r = next) {
		next = r->next;
		if (!(r->missing >> dp & 1))
			continue;
		r->missing &= ~(1ull << dp);
		r->done(r->arg, dp, false);
		if (!r->missing)
			finish(r);
	}
}

void stats_clear(struct publish *p)
{
	while (p->stats) {
		struct stats_request *r = p->stats;

		p->stats = r->next;
		loop_cancel(p->loop, &r->timer);
		free(r);
	}
}
