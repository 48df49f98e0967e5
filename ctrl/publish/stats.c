/*
 * Statistics of the data planes: one question to all of them, answers as they come, an end in any
 * case.
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
	struct publish_stats_fns fns;
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
			r->fns.done(r->fns.arg, dp, false);
	r->fns.end(r->fns.arg);
	free(r);
}

/* Nobody is missing, or the time is over: also the way out when nobody was asked, because the
 * caller of publish_stats() must not be called back from inside it. */
static void timed_out(struct wheel_timer *timer, void *context)
{
	(void)context;
	finish(wheel_entry(timer, struct stats_request, timer));
}

static int ask(struct publish *p, struct update_stats_request *request,
	const struct publish_stats_fns *fns)
{
	struct stats_request *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->publish = p;
	r->fns = *fns;
	r->id = request->id = ++p->stats_id;
	for (size_t i = 0; i < p->session_count; i++) {
		struct session *s = &p->sessions[i];
		struct writer w;

		if (!s->up)
			continue;
		session_start(p, &w, UPDATE_STATS_REQUEST, 0);
		update_stats_request_encode(&w, request);
		if (session_message(s, &w) == 0)
			r->missing |= 1ull << s->dp;
	}
	r->next = p->stats;
	p->stats = r;
	wheel_timer_init(&r->timer, timed_out);
	loop_arm_ms(p->loop, &r->timer, r->missing ? STATS_WAIT_MS : 0);
	return 0;
}

int publish_stats(struct publish *p, const struct publish_stats_fns *fns)
{
	return ask(p, &(struct update_stats_request){0}, fns);
}

int publish_stats_of(struct publish *p, const uint64_t subscribers[], unsigned count,
	const struct publish_stats_fns *fns)
{
	struct update_stats_request request = {0};

	for (unsigned i = 0; i < count && i < UPDATE_ASKED_MAX; i++)
		request.subscribers[request.count++] = subscribers[i];
	return ask(p, &request, fns);
}

int stats_answer(struct session *s, struct cursor *c)
{
	struct stats_request *r = s->publish->stats;
	uint32_t id;

	if (update_stats_id_decode(c, &id) < 0)
		return -EBADMSG;
	while (r && r->id != id)
		r = r->next;
	if (!r || !(r->missing >> s->dp & 1))
		return 0;
	while (cursor_left(c)) {
		struct update_stat stat;

		if (update_stat_decode(c, &stat) < 0)
			return -EBADMSG;
		r->fns.record(r->fns.arg, s->dp, &stat);
	}
	r->missing &= ~(1ull << s->dp);
	r->fns.done(r->fns.arg, s->dp, true);
	if (!r->missing)
		finish(r);
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
		r->fns.done(r->fns.arg, dp, false);
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
