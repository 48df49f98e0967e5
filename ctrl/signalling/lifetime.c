#include "ctrl/signalling/lifetime.h"

#include "common/clock.h"
#include "ctrl/signalling/dad.h"
#include "ctrl/signalling/defend.h"
#include "ctrl/signalling/ha.h"
#include "ctrl/signalling/ha_queue.h"
#include "ctrl/signalling/link_local.h"
#include "ctrl/signalling/refresh.h"
#include "ctrl/signalling/state.h"

/* Live bindings: at its end one expires, before it is asked for. */
static enum ha_request_kind live_due(struct signalling *s, struct binding *b)
{
	for (unsigned i = 0; i < binding_count(b); i++)
		if (state_now(s) >= binding_end_at(b, i))
			return HA_EXPIRE;
	if (state_now(s) >= defend_due_ns(b))
		defend_again(s, b);
	if (state_now(s) >= refresh_due_ns(b))
		refresh_send(s, b);
	return HA_NOTHING;
}

static void on_timer(struct wheel_timer *timer, void *context)
{
	struct binding *b = wheel_entry(timer, struct binding, timer);
	struct signalling *s = context;
	enum ha_request_kind kind = HA_NOTHING;
	struct ha_request *request;

	if (b->state == BINDING_STATE_DAD) {
		dad_timer(s, b);
		return;
	}
	if (b->now.life == BINDING_LIVE)
		kind = live_due(s, b);
	else if (state_now(s) >= b->end_ns)
		kind = HA_FORGET;
	if (kind == HA_NOTHING) {
		lifetime_rest(s, b);
		return;
	}
	request = ha_request_new(s, kind);
	if (request)
		ha_queue_put(s, b, request);
	else
		lifetime_retry(s, b, CLOCK_NS_PER_S);
}

void lifetime_init(struct binding *b)
{
	wheel_timer_init(&b->timer, on_timer);
}

/* The longest that a record of this life can have been given. */
static uint64_t longest_ns(const struct signalling *s, const struct binding_record *record)
{
	return record->life == BINDING_LIVE ? binding_lifetime_ns(record->lifetime)
					    : ha_remembered_ns(s);
}

uint64_t lifetime_end_ns(const struct signalling *s, const struct binding_record *record)
{
	return state_now(s) +
	       binding_left_ns(record->expires_ns, state_real(s), longest_ns(s, record));
}

void lifetime_stop(struct signalling *s, struct binding *b)
{
	wheel_cancel(&s->wheel, &b->timer);
}

void lifetime_retry(struct signalling *s, struct binding *b, uint64_t after_ns)
{
	wheel_arm(&s->wheel, &b->timer, state_now(s) + after_ns);
}

void lifetime_rest(struct signalling *s, struct binding *b)
{
	uint64_t due;

	switch (b->now.life) {
	case BINDING_NONE:
		wheel_cancel(&s->wheel, &b->timer);
		link_local_release(s, b);
		binding_cache_remove(s->cache, b);
		return;
	case BINDING_LIVE:
		b->state = b->refreshes ? BINDING_STATE_EXPIRING : BINDING_STATE_ACTIVE;
		due = refresh_due_ns(b);
		if (defend_due_ns(b) < due)
			due = defend_due_ns(b);
		break;
	case BINDING_DELETED:
		link_local_release(s, b);
		b->state = BINDING_STATE_DELETED;
		due = b->end_ns;
		break;
	default:
		return;
	}
	if (!wheel_armed(&b->timer))
		wheel_arm(&s->wheel, &b->timer, due);
}
