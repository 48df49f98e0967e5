#include "ctrl/signalling/ha_queue.h"

#include <errno.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/dad.h"
#include "ctrl/signalling/defend.h"
#include "ctrl/signalling/ha_reply.h"
#include "ctrl/signalling/lifetime.h"
#include "ctrl/signalling/refresh.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/status.h"

/* Before an end that the store refused is tried again. */
#define RETRY_NS CLOCK_NS_PER_S

/* An error of the commit, as counter and as status for the mobile node. */
struct failure {
	int error;
	enum signalling_counter counter;
	uint8_t status;
};

static const struct failure failures[] = {
	{-EIO, SIGNALLING_N_COMMIT_STORE, STATUS_BA_RESOURCES},
	{-ENOTCONN, SIGNALLING_N_COMMIT_NO_DP, STATUS_BA_RESOURCES},
	{-ENOSPC, SIGNALLING_N_COMMIT_TABLE, STATUS_BA_RESOURCES},
	{-ETIMEDOUT, SIGNALLING_N_COMMIT_TIMEOUT, STATUS_BA_RESOURCES},
	{-ENOMEM, SIGNALLING_N_NO_MEMORY, STATUS_BA_RESOURCES},
	{0, SIGNALLING_N_COMMIT_OTHER, STATUS_BA_UNSPECIFIED},
};

static const struct failure *failure_of(int error)
{
	const struct failure *f = failures;

	while (f->error && f->error != error)
		f++;
	return f;
}

static bool is_update(const struct ha_request *r)
{
	return r->kind == HA_REGISTER || r->kind == HA_DEREGISTER;
}

static bool is_first(const struct binding *b, const struct ha_request *r)
{
	return r->kind == HA_REGISTER && b->now.life != BINDING_LIVE;
}

static void tell(struct signalling *s, enum signalling_event_kind kind, const struct binding *b,
	const struct subscriber *subscriber)
{
	struct signalling_event event = {
		.kind = kind,
		.subscriber = subscriber,
		.binding = b,
		.home = b->now.home,
		.care_of = b->now.care_of,
	};
	static struct log_limit limit = LOG_LIMIT(50);

	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "ha", signalling_event_name(kind),
		"mn=%s home=%s coa=%s lifetime_s=%u",
		LOG_QUOTE(subscriber ? subscriber->mn_id : NULL), ADDR_TEXT(&b->now.home),
		ADDR_TEXT(&b->now.care_of), b->now.lifetime * BINDING_LIFETIME_UNIT);
	s->ops.event(s->ops.context, &event);
}

/* The binding is what the registration asked for. */
static void registered(struct signalling *s, struct binding *b, const struct ha_request *r,
	const struct subscriber *subscriber)
{
	bool first = b->now.life != BINDING_LIVE;
	bool moved = !addr_equal(&b->now.care_of, &r->to.care_of);

	b->now = r->to;
	b->state = BINDING_STATE_ACTIVE;
	b->refreshes = b->asks = 0;
	lifetime_begin(s, b);
	if (first) {
		s->live++;
		defend_begin(s, b);
	}
	state_count(s, first   ? SIGNALLING_N_REGISTERED
		       : moved ? SIGNALLING_N_MOVED
			       : SIGNALLING_N_REFRESHED);
	if (subscriber)
		ha_accept(s, &r->update, subscriber, &b->now);
	else
		state_count(s, SIGNALLING_N_BU_GONE);
	tell(s,
		first   ? SIGNALLING_REGISTERED
		: moved ? SIGNALLING_MOVED
			: SIGNALLING_REFRESHED,
		b, subscriber);
}

static signalling_done committed;

/* The node does not know yet where its tunnel has to end now. */
static void redirected(struct signalling *s, struct binding *b, const struct ha_request *r,
	const struct subscriber *subscriber)
{
	b->now = r->to;
	state_count(s, SIGNALLING_N_REDIRECTED);
	refresh_tell(s, b);
	tell(s, SIGNALLING_REDIRECTED, b, subscriber);
}

/* The binding has ended. */
static void ended(struct signalling *s, struct binding *b, const struct ha_request *r,
	const struct subscriber *subscriber)
{
	static const struct {
		enum signalling_event_kind event;
		enum signalling_counter counter;
	} ends[] = {
		[HA_DEREGISTER] = {SIGNALLING_DEREGISTERED, SIGNALLING_N_DEREGISTERED},
		[HA_EXPIRE] = {SIGNALLING_EXPIRED, SIGNALLING_N_EXPIRED},
		[HA_CLEAR] = {SIGNALLING_CLEARED, SIGNALLING_N_CLEARED},
	};

	if (r->kind == HA_DEREGISTER && subscriber)
		ha_accept(s, &r->update, subscriber, NULL);
	state_count(s, ends[r->kind].counter);
	tell(s, ends[r->kind].event, b, subscriber);
	s->live--;
	b->now = r->to;
	b->state = BINDING_STATE_DELETED;
	lifetime_begin(s, b);
}

/* It could not become a fact: the binding stays what it was. */
static void failed(struct signalling *s, struct binding *b, const struct ha_request *r, int error,
	const struct subscriber *subscriber)
{
	static struct log_limit limit = LOG_LIMIT(5);
	const struct failure *f = failure_of(error);

	state_count(s, f->counter);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "ha", "commit-failed", "home=%s coa=%s error=%s",
		ADDR_TEXT(&b->now.home), ADDR_TEXT(&r->to.care_of), strerrorname_np(-error));
	if (!is_update(r))
		lifetime_retry(s, b, RETRY_NS);
	else if (subscriber)
		ha_refuse(s, &r->update, subscriber, f->status, r->update.sequence);
	else
		state_count(s, SIGNALLING_N_BU_GONE);
}

/* The end of a request, with its answer. */
static void finish(struct signalling *s, struct binding *b, struct ha_request *r, int error)
{
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);

	b->running = NULL;
	if (is_first(b, r))
		s->starting--;
	if (error)
		failed(s, b, r, error, subscriber);
	else if (r->kind == HA_REGISTER)
		registered(s, b, r, subscriber);
	else if (r->kind == HA_REDIRECT)
		redirected(s, b, r, subscriber);
	else if (r->kind == HA_FORGET)
		b->now.life = BINDING_NONE;
	else
		ended(s, b, r, subscriber);
	if (r->done)
		r->done(r->done_context, error);
	ha_request_free(s, r);
}

/* Gives it to the commit, with a data plane that was not tried. 0, or why it cannot be. */
static int start(struct signalling *s, struct binding *b, struct ha_request *r)
{
	if (r->kind == HA_REGISTER || r->kind == HA_REDIRECT) {
		int server =
			s->ops.choose(s->ops.context, &r->to.care_of, r->tried, &r->to.data_plane);

		if (server < 0)
			return server;
		r->server = (unsigned)server;
	}
	return s->ops.commit(s->ops.context, &b->now, &r->to, committed, r);
}

/* Whether the next data plane does what the one before could not. */
static bool try_next(struct signalling *s, struct binding *b, struct ha_request *r, int error)
{
	if (r->kind != HA_REGISTER && r->kind != HA_REDIRECT)
		return false;
	if (error != -ETIMEDOUT && error != -ENOTCONN && error != -ENOSPC)
		return false;
	r->tried |= 1ull << r->server;
	if (start(s, b, r))
		return false;
	state_count(s, SIGNALLING_N_NEXT_DP);
	return true;
}

static void committed(void *context, int error)
{
	struct ha_request *r = context;
	struct signalling *s = r->owner;
	struct binding *b = r->binding;

	if (error && try_next(s, b, r, error))
		return;
	finish(s, b, r, error);
	ha_queue_next(s, b);
}

/* The end of a request that never got to the commit: an update is refused, and what was to end is
 * not there. */
static void turn_away(struct signalling *s, struct binding *b, struct ha_request *r, uint8_t status)
{
	const struct subscriber *subscriber =
		subscriber_db_find_home(s->subscribers, &b->now.home, NULL);

	if (is_update(r) && subscriber)
		ha_refuse(s, &r->update, subscriber, status, r->update.sequence);
	else if (is_update(r))
		state_count(s, SIGNALLING_N_BU_GONE);
	if (r->done)
		r->done(r->done_context, 0);
	ha_request_free(s, r);
}

/* What the binding becomes, in r->to. Returns 0, or the status with which it cannot. */
static uint8_t prepare(struct signalling *s, struct binding *b, struct ha_request *r)
{
	const struct subscriber *subscriber;

	switch (r->kind) {
	case HA_REGISTER:
		subscriber = subscriber_db_find_home(s->subscribers, &b->now.home, NULL);
		if (!subscriber)
			return STATUS_BA_NOT_HOME_AGENT;
		if (is_first(b, r) && s->live + s->starting >= s->config.max_bindings) {
			state_count(s, SIGNALLING_N_FULL);
			return STATUS_BA_RESOURCES;
		}
		ha_register(s, &b->now, &r->update, ha_max_lifetime(s, subscriber), &r->to);
		return 0;
	case HA_REDIRECT:
		r->to = b->now;
		return b->now.life == BINDING_LIVE ? 0 : STATUS_BA_NOT_HOME_AGENT;
	case HA_DEREGISTER:
	case HA_EXPIRE:
	case HA_CLEAR:
		if (b->now.life != BINDING_LIVE)
			return STATUS_BA_NOT_HOME_AGENT;
		ha_deregister(s, &b->now, r->kind == HA_DEREGISTER ? &r->update : NULL, &r->to);
		return 0;
	case HA_FORGET:
		r->to = b->now;
		r->to.life = BINDING_NONE;
		return 0;
	case HA_NOTHING:
		break;
	}
	return STATUS_BA_UNSPECIFIED;
}

static void run(struct signalling *s, struct binding *b, struct ha_request *r)
{
	uint8_t status;
	int err;

	lifetime_stop(s, b);
	status = prepare(s, b, r);
	if (status) {
		turn_away(s, b, r, status);
		return;
	}
	r->binding = b;
	r->owner = s;
	b->running = r;
	if (is_first(b, r)) {
		b->state = BINDING_STATE_COMMITTING;
		s->starting++;
	}
	err = start(s, b, r);
	if (err)
		finish(s, b, r, err);
}

void ha_queue_next(struct signalling *s, struct binding *b)
{
	while (b->waiting && !b->running) {
		struct ha_request *r = b->waiting;
		int ready = is_first(b, r) ? dad_check(s, b, r->update.flags) : 1;

		if (ready == 0)
			return;
		b->waiting = NULL;
		b->unique = false;
		if (ready > 0)
			run(s, b, r);
		else
			turn_away(s, b, r,
				ready == -EEXIST ? STATUS_BA_DAD_FAILED : STATUS_BA_RESOURCES);
	}
	if (!b->running)
		lifetime_rest(s, b);
}

void ha_queue_put(struct signalling *s, struct binding *b, struct ha_request *request)
{
	if (b->waiting) {
		state_count(s, SIGNALLING_N_BU_SUPERSEDED);
		ha_request_free(s, b->waiting);
	}
	b->waiting = request;
	ha_queue_next(s, b);
}

void ha_queue_refuse(struct signalling *s, struct binding *b, uint8_t status)
{
	struct ha_request *r = b->waiting;

	b->waiting = NULL;
	lifetime_stop(s, b);
	turn_away(s, b, r, status);
	ha_queue_next(s, b);
}

void ha_queue_forget(struct signalling *s, struct binding *b)
{
	lifetime_stop(s, b);
	ha_request_free(s, b->waiting);
	ha_request_free(s, b->running);
	b->waiting = b->running = NULL;
}
