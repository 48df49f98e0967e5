/*
 * Requests of one session in order, through the commit; and what ends by itself.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/lma/lma_state.h"
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
	session->end_ns = lma_now(lma) + binding_left_ns(lma_path_first_end(&session->now),
						 lma_real(lma), longest_ns(lma, &session->now));
	lma_peer_active(lma, session);
}

/* Frees what waits. */
static void forget_waiting(struct lma *lma, struct session *session)
{
	while (session->waiting) {
		struct lma_request *next = session->waiting->next;

		lma_request_free(lma, session->waiting);
		session->waiting = next;
	}
}

void lma_queue_forget(struct lma *lma, struct session *session)
{
	wheel_cancel(&lma->wheel, &session->timer);
	lma_request_free(lma, session->running);
	forget_waiting(lma, session);
	lma_request_free(lma, session->parked);
	session->running = session->parked = NULL;
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

/* What was parked makes a session of its own. */
void lma_queue_unpark(struct lma *lma, struct session *session)
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
		lma_queue_unpark(lma, session);
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

static void tell(struct lma *lma, enum lma_event_kind kind, const struct session *session,
	const struct lma_update *u)
{
	static struct log_limit limit = LOG_LIMIT(50);
	char mn[SESSION_MN_ID_TEXT_SIZE];
	const struct lma_event event = {.kind = kind,
		.session = session,
		.mn_id = session_mn_id_text(mn, &session->now.mn_id),
		.care_of = u && u->has_multipath ? u->care_of : session->now.care_of,
		.bid = u && u->has_multipath ? u->multipath.bid : 0};

	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "lma", lma_event_name(kind),
		"mn=%s prefix=%s coa=%s bid=%u lifetime_s=%u", LOG_QUOTE(mn),
		PREFIX6_TEXT(&session->now.prefixes[0]), ADDR_TEXT(&event.care_of), event.bid,
		session->now.lifetime * BINDING_LIFETIME_UNIT);
	lma->ops.event(lma->ops.context, &event);
	tracer_tell(&lma->tracer, &(struct tracer_item){.kind = TRACER_EVENT,
					  .what = lma_event_name(kind),
					  .mn_id = mn,
					  .home = &session->now.prefixes[0].addr,
					  .care_of = &event.care_of});
}

/* What a registration was to its session. */
static enum lma_event_kind kind_of(
	const struct lma *lma, const struct session_record *now, const struct session_record *to)
{
	if (now->life == SESSION_NONE)
		return LMA_REGISTERED;
	if (to->path_count > 1 && to->path_count > now->path_count)
		return LMA_PATH_ADDED;
	if (now->path_count && to->path_count &&
		lma_peer_find(lma, &now->care_of) == lma_peer_find(lma, &to->care_of))
		return LMA_EXTENDED;
	return addr_equal(&now->care_of, &to->care_of) ? LMA_EXTENDED : LMA_HANDED_OVER;
}

/* The session is what the registration asked for. */
static void registered(struct lma *lma, struct session *session, const struct lma_request *r)
{
	static const enum lma_counter counters[] = {
		[LMA_REGISTERED] = LMA_N_REGISTERED,
		[LMA_EXTENDED] = LMA_N_EXTENDED,
		[LMA_HANDED_OVER] = LMA_N_HANDED_OVER,
		[LMA_PATH_ADDED] = LMA_N_PATH_ADDED,
	};
	enum lma_event_kind kind = kind_of(lma, &session->now, &r->to);

	if (kind == LMA_HANDED_OVER && session->now.life == SESSION_LIVE)
		lma_revoke_before(lma, &session->now, &r->to);
	lma->live += session->now.life != SESSION_LIVE;
	session->now = r->to;
	lma_session_begin(lma, session);
	lma_count(lma, counters[kind]);
	lma_accept(lma, &r->update, &session->now);
	tell(lma, kind, session, &r->update);
}

/* One of its bindings is no longer, or nothing is different but what data planes know. */
static void path_ended(struct lma *lma, struct session *session, const struct lma_request *r)
{
	bool fewer = r->to.path_count < session->now.path_count;
	bool moved = lma_serving_differs(&session->now, &r->to);

	session->now = r->to;
	lma_session_begin(lma, session);
	if (r->kind == LMA_DEREGISTER)
		lma_accept_end(lma, &r->update, &session->now);
	/* Its gateway is to ask where to tunnel (RFC 7077). */
	if (r->kind == LMA_RENEW && moved)
		lma_renew(lma, session, NULL, NULL);
	if (!fewer)
		return;
	lma_count(lma, LMA_N_PATH_ENDED);
	tell(lma, LMA_PATH_ENDED, session, r->kind == LMA_DEREGISTER ? &r->update : NULL);
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
		[LMA_LEAVE] = {LMA_LEFT, LMA_N_LEFT},
	};

	if (r->kind == LMA_DEREGISTER)
		lma_accept_end(lma, &r->update, &r->to);
	if (session->now.life == SESSION_LIVE) {
		lma->live--;
		lma_count(lma, ends[r->kind].counter);
		tell(lma, ends[r->kind].event, session, NULL);
	}
	session->now = r->to;
	lma_session_begin(lma, session);
	/* The node has left the gateway before: now it can be taken over by the new one. */
	if (session->now.life == SESSION_ENDING && session->parked && !session->waiting) {
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
	else if (r->kind == LMA_EXPIRE || r->kind == LMA_FORGET)
		session->end_ns = lma_now(lma) + RETRY_NS;
}

static void next(struct lma *lma, struct session *session);

static void finish(struct lma *lma, struct session *session, struct lma_request *r, int error)
{
	session->running = NULL;
	if (r->kind == LMA_REGISTER)
		lma_delegation_settle(lma, session, error ? &r->to : &session->now,
			error ? &session->now : &r->to);
	if (error)
		failed(lma, session, r, error);
	else if (r->kind == LMA_REGISTER)
		registered(lma, session, r);
	else if (r->to.life == SESSION_LIVE)
		path_ended(lma, session, r);
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
	to->data_plane = u->has_user_plane || lma->config.user_planes
				 ? lma_serving_choose(lma, &u->care_of)
				 : 0;
	to->link_local = link_local_of(&session->now, u);
	to->encapsulation = lma_gre_of(lma, u);
	to->sequence = u->sequence;
	to->timestamp = u->timestamp;
	to->flags = u->flags;
	to->access = u->access;
	to->handoff = u->handoff;
	to->link_id = u->link_id;
	to->lifetime = binding_lifetime_grant(u->lifetime, max_lifetime(lma, session));
	to->updated_ns = real;
	to->expires_ns = real + binding_lifetime_ns(to->lifetime);
	lma_path_register(lma, &session->now, u, to);
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
	case LMA_RENEW:
		lma_serving_renew(lma, &r->to);
		break;
	case LMA_DEREGISTER:
		r->to.sequence = r->update.sequence;
		r->to.timestamp = r->update.timestamp;
		r->to.updated_ns = real;
		if (r->to.life == SESSION_LIVE && lma_path_deregister(&r->update, &r->to))
			break;
		r->to.life = SESSION_ENDING;
		r->to.path_count = 0;
		r->to.lifetime = 0;
		r->to.expires_ns = real + (uint64_t)lma->config.delete_delay_ms * CLOCK_NS_PER_MS;
		break;
	case LMA_LEAVE:
		if (r->to.life == SESSION_LIVE)
			r->to.expires_ns =
				real + (uint64_t)lma->config.delete_delay_ms * CLOCK_NS_PER_MS;
		r->to.life = SESSION_ENDING;
		r->to.path_count = 0;
		r->to.lifetime = 0;
		break;
	case LMA_EXPIRE:
		r->to.life = lma_path_expire(real, &r->to) ? SESSION_LIVE : SESSION_NONE;
		break;
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
	uint8_t status = 0;
	int error;

	wheel_cancel(&lma->wheel, &session->timer);
	if (is_moot(session, r)) {
		if (r->done)
			r->done(r->done_context, 0);
		lma_request_free(lma, r);
		return;
	}
	prepare(lma, session, r);
	if (r->kind == LMA_REGISTER)
		status = lma_delegation_take(lma, session, &r->update, &r->to);
	if (status) {
		lma_refuse(lma, &r->update, true, status, r->update.sequence);
		lma_request_free(lma, r);
		return;
	}
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

		session->waiting = r->next;
		run(lma, session, r);
	}
	lma_session_rest(lma, session);
}

/* Whether two requests are about different bindings of a session. */
static bool are_apart(const struct lma_request *a, const struct lma_request *b)
{
	return is_update(a) && is_update(b) && a->update.has_multipath && b->update.has_multipath &&
	       !a->update.multipath.overwrite && !b->update.multipath.overwrite &&
	       a->update.multipath.bid != b->update.multipath.bid &&
	       a->update.peer == b->update.peer;
}

void lma_queue_put(struct lma *lma, struct session *session, struct lma_request *r)
{
	struct lma_request **at = &session->waiting;

	while (*at) {
		struct lma_request *other = *at;

		if (are_apart(other, r)) {
			at = &other->next;
			continue;
		}
		*at = other->next;
		lma_count(lma, LMA_N_SUPERSEDED);
		lma_request_free(lma, other);
	}
	r->next = NULL;
	*at = r;
	next(lma, session);
}

void lma_queue_park(struct lma *lma, struct session *session, struct lma_request *r)
{
	bool first = !session->parked;

	if (session->parked) {
		lma_count(lma, LMA_N_SUPERSEDED);
		lma_request_free(lma, session->parked);
	} else {
		lma_count(lma, LMA_N_PARKED);
		session->parked_ns =
			lma_now(lma) + (uint64_t)lma->config.assign_delay_ms * CLOCK_NS_PER_MS;
	}
	session->parked = r;
	if (first)
		lma_revoke_parked(lma, session);
	lma_session_rest(lma, session);
}
