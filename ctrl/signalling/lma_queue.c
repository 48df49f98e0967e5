/*
 * Requests of one session in order, through the commit; and what ends by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/lma_state.h"
#include "proto/mobility/status.h"

/* Before an end that the store refused is tried again. */
#define RETRY_NS CLOCK_NS_PER_S

struct lma_request *lma_request_new(struct lma *lma, enum lma_request_kind kind)
{
	struct lma_request *r = lma->requests;

	if (r)
		lma->requests = r->next;
	else
		r = malloc(sizeof(*r));
	if (r) {
		memset(r, 0, sizeof(*r));
		r->kind = kind;
	}
	return r;
}

void lma_request_free(struct lma *lma, struct lma_request *r)
{
	if (!r)
		return;
	r->next = lma->requests;
	lma->requests = r;
}

static bool is_update(const struct lma_request *r)
{
	return r->kind == LMA_REGISTER || r->kind == LMA_DEREGISTER;
}

/* The longest that a record of this life can have been given. */
static uint64_t longest_ns(const struct lma *lma, const struct session_record *record)
{
	return record->life == SESSION_LIVE
		       ? binding_lifetime_ns(record->lifetime)
		       : (uint64_t)lma->config.delete_delay_ms * CLOCK_NS_PER_MS;
}

void lma_session_begin(struct lma *lma, struct session *session)
{
	session->end_ns = lma_now(lma) + binding_left_ns(session->now.expires_ns, lma_real(lma),
						 longest_ns(lma, &session->now));
}

void lma_queue_forget(struct lma *lma, struct session *session)
{
	wheel_cancel(&lma->wheel, &session->timer);
	lma_request_free(lma, session->running);
	lma_request_free(lma, session->waiting);
	lma_request_free(lma, session->parked);
	session->running = session->waiting = session->parked = NULL;
}

/* A session that is nothing any more: what was parked at it has nobody to wait for. */
static void remove_session(struct lma *lma, struct session *session)
{
	struct lma_request *parked = session->parked;
	const struct lma_profile *profile;

	session->parked = NULL;
	wheel_cancel(&lma->wheel, &session->timer);
	lma_prefix_release(lma, &session->now);
	if (parked) {
		/* Its identifier is the node's, which may go with the session. */
		uint8_t octets[SESSION_MN_ID_MAX];

		memcpy(octets, parked->update.mn_id.octets, parked->update.mn_id.len);
		parked->update.mn_id.octets = octets;
		session_cache_remove(lma->cache, session);
		profile = lma_profile_find(lma, &parked->update.mn_id);
		if (profile)
			lma_create(lma, profile, &parked->update);
		lma_request_free(lma, parked);
		return;
	}
	session_cache_remove(lma->cache, session);
}

/* The wait is over: what was parked makes a session of its own (RFC 5213, 5.4.1.2, 4). */
static void unpark(struct lma *lma, struct session *session)
{
	struct lma_request *r = session->parked;
	const struct lma_profile *profile = lma_profile_find(lma, &r->update.mn_id);

	session->parked = NULL;
	if (profile)
		lma_create(lma, profile, &r->update);
	lma_request_free(lma, r);
}

void lma_session_rest(struct lma *lma, struct session *session)
{
	uint64_t due = session->end_ns;

	if (session->running || session->waiting)
		return;
	if (session->now.life == SESSION_NONE) {
		remove_session(lma, session);
		return;
	}
	if (session->parked && session->parked_ns < due)
		due = session->parked_ns;
	wheel_arm(&lma->wheel, &session->timer, due);
}

static void on_timer(struct wheel_timer *timer, void *context)
{
	struct session *session = wheel_entry(timer, struct session, timer);
	struct lma *lma = context;
	struct lma_request *r;

	if (session->parked && lma_now(lma) >= session->parked_ns)
		unpark(lma, session);
	if (session->running || session->waiting)
		return;
	if (lma_now(lma) < session->end_ns) {
		lma_session_rest(lma, session);
		return;
	}
	r = lma_request_new(lma, session->now.life == SESSION_LIVE ? LMA_EXPIRE : LMA_FORGET);
	if (r)
		lma_queue_put(lma, session, r);
	else
		wheel_arm(&lma->wheel, &session->timer, lma_now(lma) + RETRY_NS);
}

void lma_session_init(struct session *session)
{
	wheel_timer_init(&session->timer, on_timer);
}

static void tell(struct lma *lma, enum lma_event_kind kind, const struct session *session)
{
	static struct log_limit limit = LOG_LIMIT(50);
	char mn[SESSION_MN_ID_TEXT_SIZE];
	const struct lma_event event = {.kind = kind,
		.session = session,
		.mn_id = session_mn_id_text(mn, &session->now.mn_id),
		.care_of = session->now.care_of};

	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "lma", lma_event_name(kind),
		"mn=%s prefix=%s coa=%s lifetime_s=%u", LOG_QUOTE(mn),
		PREFIX6_TEXT(&session->now.prefixes[0]), ADDR_TEXT(&session->now.care_of),
		session->now.lifetime * BINDING_LIFETIME_UNIT);
	lma->ops.event(lma->ops.context, &event);
}

/* The session is what the registration asked for. */
static void registered(struct lma *lma, struct session *session, const struct lma_request *r)
{
	bool first = session->now.life == SESSION_NONE;
	bool live = session->now.life == SESSION_LIVE;
	bool moved = !addr_equal(&session->now.care_of, &r->to.care_of);

	session->now = r->to;
	lma->live += !live;
	lma_session_begin(lma, session);
	lma_count(lma, first ? LMA_N_REGISTERED : moved ? LMA_N_HANDED_OVER : LMA_N_EXTENDED);
	lma_accept(lma, &r->update, &session->now);
	tell(lma, first ? LMA_REGISTERED : moved ? LMA_HANDED_OVER : LMA_EXTENDED, session);
}

/* It is no longer. */
static void ended(struct lma *lma, struct session *session, const struct lma_request *r)
{
	static const struct {
		enum lma_event_kind event;
		enum lma_counter counter;
	} ends[] = {
		[LMA_DEREGISTER] = {LMA_DEREGISTERED, LMA_N_DEREGISTERED},
		[LMA_EXPIRE] = {LMA_EXPIRED, LMA_N_EXPIRED},
		[LMA_CLEAR] = {LMA_CLEARED, LMA_N_CLEARED},
	};

	if (r->kind == LMA_DEREGISTER)
		lma_accept(lma, &r->update, &r->to);
	if (session->now.life == SESSION_LIVE) {
		lma->live--;
		lma_count(lma, ends[r->kind].counter);
		tell(lma, ends[r->kind].event, session);
	}
	session->now = r->to;
	lma_session_begin(lma, session);
	/* The node has left the gateway before: now it can be taken over by the new one. */
	if (r->kind == LMA_DEREGISTER && session->parked && !session->waiting) {
		session->waiting = session->parked;
		session->parked = NULL;
	}
}

/* It could not become a fact: the session stays what it was. */
static void failed(struct lma *lma, struct session *session, const struct lma_request *r, int error)
{
	static struct log_limit limit = LOG_LIMIT(5);

	lma_count(lma, LMA_N_COMMIT_FAILED);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "lma", "commit-failed", "prefix=%s coa=%s error=%s",
		PREFIX6_TEXT(&session->now.prefixes[0]), ADDR_TEXT(&r->to.care_of),
		strerrorname_np(-error));
	if (is_update(r))
		lma_refuse(lma, &r->update, true, STATUS_BA_RESOURCES, r->update.sequence);
	else
		session->end_ns = lma_now(lma) + RETRY_NS;
}

static void next(struct lma *lma, struct session *session);

static void finish(struct lma *lma, struct session *session, struct lma_request *r, int error)
{
	session->running = NULL;
	if (error)
		failed(lma, session, r, error);
	else if (r->kind == LMA_REGISTER)
		registered(lma, session, r);
	else
		ended(lma, session, r);
	if (r->done)
		r->done(r->done_context, error);
	lma_request_free(lma, r);
}

static void committed(void *context, int error)
{
	struct lma_request *r = context;
	struct lma *lma = r->owner;
	struct session *session = r->session;

	finish(lma, session, r, error);
	next(lma, session);
}

static uint32_t max_lifetime(const struct lma *lma, const struct session *session)
{
	const struct lma_profile *profile = lma_profile_find(lma, &session->now.mn_id);
	uint32_t own = profile ? profile->max_lifetime_s : 0;

	return own && own < lma->config.max_lifetime_s ? own : lma->config.max_lifetime_s;
}

/* RFC 5213, 5.3.6: what the Link-local Address option says, or all zero asks for. Where nothing is
 * said, the one that is reserved for gateways on all links (RFC 6543, 4). */
static struct in6_addr link_local_of(
	const struct session_record *now, const struct lma_update *update)
{
	static const struct mac reserved = {{0x00, 0x00, 0x5e, 0x00, 0x52, 0x13}};

	if (!update->has_link_local)
		return now->link_local;
	if (!addr_is_unspecified(&update->link_local))
		return update->link_local;
	if (!addr_is_unspecified(&now->link_local))
		return now->link_local;
	return addr_link_local_of_mac(&reserved);
}

/* What a registration makes of a session (RFC 5213, 5.3.2 to 5.3.4). */
static void prepare_register(const struct lma *lma, const struct session *session,
	const struct lma_update *u, struct session_record *to)
{
	uint64_t real = lma_real(lma);

	to->life = SESSION_LIVE;
	to->care_of = u->care_of;
	to->anchor = u->anchor;
	to->link_local = link_local_of(&session->now, u);
	to->sequence = u->sequence;
	to->timestamp = u->timestamp;
	to->flags = u->flags;
	to->access = u->access;
	to->handoff = u->handoff;
	to->link_id = u->link_id;
	to->lifetime = binding_lifetime_grant(u->lifetime, max_lifetime(lma, session));
	to->updated_ns = real;
	to->expires_ns = real + binding_lifetime_ns(to->lifetime);
	if (session->now.life == SESSION_NONE)
		to->registered_ns = real;
}

static void prepare(const struct lma *lma, const struct session *session, struct lma_request *r)
{
	uint64_t real = lma_real(lma);

	r->to = session->now;
	switch (r->kind) {
	case LMA_REGISTER:
		prepare_register(lma, session, &r->update, &r->to);
		break;
	case LMA_DEREGISTER:
		r->to.life = SESSION_ENDING;
		r->to.sequence = r->update.sequence;
		r->to.timestamp = r->update.timestamp;
		r->to.lifetime = 0;
		r->to.updated_ns = real;
		r->to.expires_ns = real + (uint64_t)lma->config.delete_delay_ms * CLOCK_NS_PER_MS;
		break;
	case LMA_EXPIRE:
	case LMA_FORGET:
	case LMA_CLEAR:
		r->to.life = SESSION_NONE;
		break;
	}
}

/* What is asked of a session that is nothing, and is not to become something, is done. */
static bool is_moot(const struct session *session, const struct lma_request *r)
{
	return session->now.life == SESSION_NONE && r->kind != LMA_REGISTER;
}

static void run(struct lma *lma, struct session *session, struct lma_request *r)
{
	int error;

	wheel_cancel(&lma->wheel, &session->timer);
	if (is_moot(session, r)) {
		if (r->done)
			r->done(r->done_context, 0);
		lma_request_free(lma, r);
		return;
	}
	prepare(lma, session, r);
	r->session = session;
	r->owner = lma;
	session->running = r;
	error = lma->ops.commit(lma->ops.context, &session->now, &r->to, committed, r);
	if (error)
		finish(lma, session, r, error);
}

static void next(struct lma *lma, struct session *session)
{
	while (session->waiting && !session->running) {
		struct lma_request *r = session->waiting;

		session->waiting = NULL;
		run(lma, session, r);
	}
	lma_session_rest(lma, session);
}

void lma_queue_put(struct lma *lma, struct session *session, struct lma_request *r)
{
	if (session->waiting) {
		lma_count(lma, LMA_N_SUPERSEDED);
		lma_request_free(lma, session->waiting);
	}
	session->waiting = r;
	next(lma, session);
}

void lma_queue_park(struct lma *lma, struct session *session, struct lma_request *r)
{
	if (session->parked) {
		lma_count(lma, LMA_N_SUPERSEDED);
		lma_request_free(lma, session->parked);
	} else {
		lma_count(lma, LMA_N_PARKED);
		session->parked_ns =
			lma_now(lma) + (uint64_t)lma->config.assign_delay_ms * CLOCK_NS_PER_MS;
	}
	session->parked = r;
	lma_session_rest(lma, session);
}
