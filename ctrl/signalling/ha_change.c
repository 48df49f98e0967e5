#include "ctrl/signalling/ha_change.h"

#include "common/log.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/signalling/claim.h"
#include "ctrl/signalling/defend.h"
#include "ctrl/signalling/ha_flow.h"
#include "ctrl/signalling/ha_reply.h"
#include "ctrl/signalling/lifetime.h"
#include "ctrl/signalling/multihoming.h"
#include "ctrl/signalling/refresh.h"
#include "ctrl/signalling/revocation.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/codes.h"

struct happening {
	enum signalling_event_kind event;
	enum signalling_counter counter;
};

static void tell(struct signalling *s, struct happening what, const struct binding *b,
	const struct binding_record *record, const struct subscriber *subscriber)
{
	struct signalling_event event = {
		.kind = what.event,
		.subscriber = subscriber,
		.binding = b,
		.record = record,
		.home = record->home,
		.care_of = record->care_of,
	};
	static struct log_limit limit = LOG_LIMIT(50);

	state_count(s, what.counter);
	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "ha", signalling_event_name(what.event),
		"mn=%s home=%s coa=%s bid=%u lifetime_s=%u",
		LOG_QUOTE(subscriber ? subscriber->mn_id : NULL), ADDR_TEXT(&record->home),
		ADDR_TEXT(&record->care_of), record->bid, record->lifetime * BINDING_LIFETIME_UNIT);
	s->ops.event(s->ops.context, &event);
}

static unsigned live_count(const struct binding_record *now, const struct binding_more *more)
{
	return now->life != BINDING_LIVE ? 0 : more ? 1 + more->count : 1;
}

/* The record of a BID that is live in what the change makes, or NULL. */
static const struct binding_record *stays(const struct ha_request *r, uint16_t bid)
{
	const struct binding_record *to = ha_request_record(r, bid);

	return to && to->life == BINDING_LIVE ? to : NULL;
}

/* Those that end by the change. */
static void tell_ended(struct signalling *s, const struct binding *b, const struct ha_request *r,
	const struct subscriber *subscriber)
{
	static const struct happening ends[] = {
		[HA_REGISTER] = {SIGNALLING_DEREGISTERED, SIGNALLING_N_DEREGISTERED},
		[HA_DEREGISTER] = {SIGNALLING_DEREGISTERED, SIGNALLING_N_DEREGISTERED},
		[HA_EXPIRE] = {SIGNALLING_EXPIRED, SIGNALLING_N_EXPIRED},
		[HA_CLEAR] = {SIGNALLING_CLEARED, SIGNALLING_N_CLEARED},
	};

	for (unsigned i = 0; b->now.life == BINDING_LIVE && i < binding_count(b); i++)
		if (!stays(r, binding_record_at(b, i)->bid))
			tell(s, ends[r->kind], b, binding_record_at(b, i), subscriber);
}

/* What happened to a binding that was `was` (NULL: it was not) and is now `is`. */
static struct happening happening_of(
	const struct binding_record *was, const struct binding_record *is)
{
	if (!was)
		return (struct happening){SIGNALLING_REGISTERED, SIGNALLING_N_REGISTERED};
	if (!addr_equal(&was->care_of, &is->care_of))
		return (struct happening){SIGNALLING_MOVED, SIGNALLING_N_MOVED};
	return (struct happening){SIGNALLING_REFRESHED, SIGNALLING_N_REFRESHED};
}

/* When a record ends: an end that was counted already does not move with the time of day. */
static uint64_t end_of(
	const struct signalling *s, const struct binding *b, const struct binding_record *to)
{
	for (unsigned i = 0; i < binding_count(b); i++) {
		const struct binding_record *now = binding_record_at(b, i);

		if (now->bid == to->bid && now->expires_ns == to->expires_ns &&
			now->life == to->life)
			return binding_end_at(b, i);
	}
	return lifetime_end_ns(s, to);
}

/* What the cache said and says are exchanged: afterwards the request has what was. */
static void exchange(struct signalling *s, struct binding *b, struct ha_request *r)
{
	struct binding_record was = b->now;
	struct binding_more *more = b->more;
	uint64_t end_ns = end_of(s, b, &r->to);
	bool moves = b->more || r->more || was.life != r->to.life ||
		     !addr_equal(&was.care_of, &r->to.care_of);

	for (unsigned i = 0; r->more && i < r->more->count; i++)
		r->more->further[i].end_ns = end_of(s, b, &r->more->further[i].now);
	if (moves)
		claim_note(s, b, false);
	s->live += live_count(&r->to, r->more);
	s->live -= live_count(&b->now, b->more);
	b->now = r->to;
	b->more = r->more;
	b->end_ns = end_ns;
	r->to = was;
	r->more = more;
	if (moves)
		claim_note(s, b, true);
}

/* Those that were registered, after the exchange. */
static void tell_registered(struct signalling *s, const struct binding *b,
	const struct ha_request *r, const struct subscriber *subscriber)
{
	for (unsigned i = 0; i < binding_count(b); i++) {
		const struct binding_record *is = binding_record_at(b, i);

		if (r->changed >> i & 1)
			tell(s, happening_of(stays(r, is->bid), is), b, is, subscriber);
	}
}

static void tell_redirected(struct signalling *s, const struct binding *b,
	const struct ha_request *r, const struct subscriber *subscriber)
{
	static const struct happening redirected = {SIGNALLING_REDIRECTED, SIGNALLING_N_REDIRECTED};

	for (unsigned i = 0; i < binding_count(b); i++)
		if (r->changed >> i & 1)
			tell(s, redirected, b, binding_record_at(b, i), subscriber);
}

static void answer(
	struct signalling *s, const struct ha_request *r, const struct subscriber *subscriber)
{
	if (subscriber)
		ha_accept(s, r, subscriber);
	else
		state_count(s, SIGNALLING_N_BU_GONE);
}

/* Whether we answer for the home address on its link. */
static bool is_defended(const struct signalling *s, const struct binding_record *now,
	const struct binding_more *more)
{
	return now->life == BINDING_LIVE &&
	       !multihoming_defends_itself(&s->config.multihoming, now, more);
}

/* The home link is told when it begins; a node that has come home says itself where it is. */
static void defend(struct signalling *s, struct binding *b, const struct ha_request *r)
{
	bool before = is_defended(s, &b->now, b->more);
	bool after = is_defended(s, &r->to, r->more);

	if (after && !before)
		defend_begin(s, b);
	else if (!after)
		b->announcements = 0;
}

static void registered(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber)
{
	defend(s, b, r);
	revocation_overtaken(s, &b->now.home);
	if (!ha_flow_concerns(b, r))
		answer(s, r, subscriber);
	tell_ended(s, b, r, subscriber);
	exchange(s, b, r);
	b->state = BINDING_STATE_ACTIVE;
	b->refreshes = b->asks = 0;
	tell_registered(s, b, r, subscriber);
}

/* Whether a tunnel of the node leads elsewhere: not so what a home link concerns. */
static bool moves_tunnel(const struct ha_request *r)
{
	const unsigned count = r->more ? r->more->count + 1 : 1;

	for (unsigned i = 0; i < count; i++) {
		const struct binding_record *to = i ? &r->more->further[i - 1].now : &r->to;

		if (r->changed >> i & 1 && !to->at_home)
			return true;
	}
	return false;
}

/* The node does not know yet where its tunnels have to end now. */
static void redirected(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber)
{
	const bool tell = moves_tunnel(r);

	exchange(s, b, r);
	if (tell)
		refresh_tell(s, b);
	tell_redirected(s, b, r, subscriber);
}

/* The node of bindings that the operator has ended is told so (RFC 5846, 7). */
static void revoke(struct signalling *s, const struct binding *b, const struct ha_request *r)
{
	const struct binding_record *ended = NULL;
	uint16_t bids[BINDING_MAX];
	unsigned count = 0, all = b->now.life == BINDING_LIVE ? binding_count(b) : 0;

	for (unsigned i = 0; i < all; i++) {
		const struct binding_record *record = binding_record_at(b, i);

		if (stays(r, record->bid))
			continue;
		bids[count++] = record->bid;
		if (!ended || record->updated_ns > ended->updated_ns)
			ended = record;
	}
	if (ended)
		revocation_start(
			s, ended, bids, count == all ? 0 : count, CODES_BRI_ADMINISTRATIVE);
}

/* What a node listens to ends with its last binding. */
static void stop_listening(struct signalling *s, const struct binding *b)
{
	struct mcast_state nothing;

	if (!s->ops.listen)
		return;
	mcast_state_clear(&nothing);
	s->ops.listen(s->ops.context, &b->now.home, b->now.subscriber_id, &nothing, NULL);
}

/* All bindings, or some of them, have ended. */
static void ended(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber)
{
	if (r->kind == HA_DEREGISTER && !ha_flow_concerns(b, r))
		answer(s, r, subscriber);
	if (r->kind == HA_CLEAR)
		revoke(s, b, r);
	if (r->to.life == BINDING_LIVE)
		defend(s, b, r);
	tell_ended(s, b, r, subscriber);
	exchange(s, b, r);
	if (b->now.life != BINDING_LIVE) {
		b->state = BINDING_STATE_DELETED;
		stop_listening(s, b);
	}
}

void ha_change_apply(struct signalling *s, struct binding *b, struct ha_request *r,
	const struct subscriber *subscriber)
{
	if (r->kind == HA_REGISTER)
		registered(s, b, r, subscriber);
	else if (r->kind == HA_REDIRECT)
		redirected(s, b, r, subscriber);
	else if (r->kind == HA_FORGET)
		b->now.life = BINDING_NONE;
	else
		ended(s, b, r, subscriber);
}
