#include "tools/mn/bul.h"

#include <errno.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/log.h"
#include "proto/mobility/status.h"

enum { STATUS_NONE = 255 };

/* A time stamp this far behind an accepted one is the home agent's clock set back (RFC 4285, 6:
 * "close enough" is 7 seconds). */
#define CLOSE_ENOUGH (7ull << 32)

/* What a refusal means for this node (RFC 6275, 11.7.3; RFC 4285, 5.3 and 6). */
enum remedy {
	REMEDY_SLOWLY,    /* asking again will not help until something changes, here or there */
	REMEDY_LATER,     /* the home agent may be able to later */
	REMEDY_SEQUENCE,  /* go on from the sequence number in the answer */
	REMEDY_CLOCK,     /* take over the home agent's time */
	REMEDY_TIMESTAMP, /* send time stamps */
};

static enum remedy remedy_for(uint8_t status)
{
	switch (status) {
	case STATUS_BA_SEQUENCE:
		return REMEDY_SEQUENCE;
	case STATUS_BA_ID_MISMATCH:
		return REMEDY_CLOCK;
	case STATUS_BA_MESG_ID_REQUIRED:
		return REMEDY_TIMESTAMP;
	case STATUS_BA_UNSPECIFIED:
	case STATUS_BA_RESOURCES:
		return REMEDY_LATER;
	default:
		return REMEDY_SLOWLY;
	}
}

static void set_state(struct bul_entry *e, enum bul_state state)
{
	e->state = state;
	e->ops->changed(e, e->context);
}

static uint64_t mono_ns(const struct bul_entry *e)
{
	return e->ops->mono_ns(e->context);
}

/* a later than b, modulo 2^64. */
static bool later(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) > 0;
}

static uint64_t next_timestamp(struct bul_entry *e)
{
	uint64_t stamp = e->ops->ntp(e->context) + e->clock_offset;

	/* RFC 4285, 6: greater than any used before */
	if (e->last_timestamp && !later(stamp, e->last_timestamp))
		stamp = e->last_timestamp + 1;
	e->last_timestamp = stamp;
	return stamp;
}

static void remember_sent(struct bul_entry *e, uint64_t now)
{
	e->sent[e->sent_next] = (struct bul_sent){e->sequence, e->request.timestamp, now};
	e->sent_next = (e->sent_next + 1) % BUL_OUTSTANDING_MAX;
	if (e->sent_count < BUL_OUTSTANDING_MAX)
		e->sent_count++;
	e->rate[e->rate_next] = now;
	e->rate_next = (e->rate_next + 1) % BUL_MAX_UPDATE_RATE;
}

/* The packet did not leave, so that it needs no time to be answered. */
static void send_failed(struct bul_entry *e, uint64_t now, int error)
{
	static struct log_limit limit = LOG_LIMIT(1);
	uint64_t wait_ms = BUL_MAX_TIMEOUT_MS;

	if (e->send_failures < 8)
		wait_ms = (uint64_t)BUL_SEND_RETRY_MS << e->send_failures;
	e->send_failures++;
	wheel_arm(e->wheel, &e->timer, now + wait_ms * CLOCK_NS_PER_MS);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "bul", "send-failed", "sequence=%u error=%s",
		e->sequence, LOG_QUOTE(strerror(-error)));
}

static void transmit(struct bul_entry *e)
{
	uint64_t now = mono_ns(e);
	uint64_t oldest = e->rate[e->rate_next];

	if (oldest && now - oldest < CLOCK_NS_PER_S) {
		wheel_arm(e->wheel, &e->timer, oldest + CLOCK_NS_PER_S);
		return;
	}
	e->request.sequence = ++e->sequence;
	e->request.timestamp = next_timestamp(e);
	e->attempts++;
	remember_sent(e, now);
	int ret = e->ops->send(&e->request, e->context);

	if (ret) {
		send_failed(e, now, ret);
		return;
	}
	e->send_failures = 0;
	wheel_arm(e->wheel, &e->timer, now + e->timeout_ms * CLOCK_NS_PER_MS);
	e->timeout_ms =
		e->timeout_ms * 2 < BUL_MAX_TIMEOUT_MS ? e->timeout_ms * 2 : BUL_MAX_TIMEOUT_MS;
}

/* Starts a new request: answers to the one before no longer count. */
static void begin(struct bul_entry *e)
{
	e->attempts = e->send_failures = 0;
	e->sent_count = e->sent_next = 0;
	e->timeout_ms = e->bound || e->request.lifetime_s == 0 ? BUL_INITIAL_TIMEOUT_MS
							       : BUL_FIRST_TIMEOUT_MS;
	wheel_cancel(e->wheel, &e->timer);
	transmit(e);
}

static void register_again(struct bul_entry *e)
{
	set_state(e, BUL_REGISTERING);
	begin(e);
}

void bul_register(struct bul_entry *e, const struct in6_addr *care_of)
{
	bul_register_bids(e, &(struct bul_update){.care_of = *care_of});
}

void bul_refresh_with(struct bul_entry *e, const struct bul_update *what)
{
	e->request = *what;
	e->request.lifetime_s = e->lifetime_s;
}

void bul_register_bids(struct bul_entry *e, const struct bul_update *what)
{
	bul_refresh_with(e, what);
	e->refusals = 0;
	register_again(e);
}

void bul_deregister(struct bul_entry *e, const struct in6_addr *care_of, bool at_home)
{
	e->request = (struct bul_update){.care_of = *care_of, .at_home = at_home};
	e->refusals = 0;
	set_state(e, BUL_DEREGISTERING);
	begin(e);
}

/* When the last update was sent; 0: not yet. */
static uint64_t last_sent(const struct bul_entry *e)
{
	return e->rate[(e->rate_next + BUL_MAX_UPDATE_RATE - 1) % BUL_MAX_UPDATE_RATE];
}

void bul_refresh(struct bul_entry *e)
{
	if (e->state == BUL_BOUND && mono_ns(e) - last_sent(e) >= CLOCK_NS_PER_S)
		register_again(e);
}

uint64_t bul_renew(struct bul_entry *e)
{
	uint64_t last = last_sent(e), again = last + CLOCK_NS_PER_S;

	if (e->state != BUL_BOUND && e->state != BUL_REGISTERING)
		return 0;
	if (last && mono_ns(e) < again)
		return again;
	register_again(e);
	return 0;
}

void bul_stop(struct bul_entry *e)
{
	wheel_cancel(e->wheel, &e->timer);
	e->sent_count = 0;
	set_state(e, BUL_IDLE);
}

static void unbound(struct bul_entry *e)
{
	e->bound = false;
	e->granted_s = 0;
	wheel_cancel(e->wheel, &e->expiry);
}

static void retry_after(struct bul_entry *e, uint64_t wait_s)
{
	set_state(e, BUL_REFUSED);
	wheel_arm(e->wheel, &e->timer, mono_ns(e) + wait_s * CLOCK_NS_PER_S);
}

static void retry_later(struct bul_entry *e)
{
	uint64_t wait_s = BUL_RETRY_FIRST_S;

	for (uint32_t n = 1; n < e->refusals && wait_s < BUL_RETRY_MAX_S; n++)
		wait_s *= 2;
	retry_after(e, wait_s < BUL_RETRY_MAX_S ? wait_s : BUL_RETRY_MAX_S);
}

static void deregistered(struct bul_entry *e)
{
	unbound(e);
	e->revoked = false;
	wheel_cancel(e->wheel, &e->timer);
	set_state(e, BUL_IDLE);
}

static void registered(struct bul_entry *e, const struct bul_answer *a, const struct bul_sent *sent)
{
	uint64_t lifetime_ns = a->lifetime_s * CLOCK_NS_PER_S;
	uint64_t refresh_ns = lifetime_ns / 100 * BUL_REFRESH_PERCENT;

	if (a->refresh_s && a->refresh_s * CLOCK_NS_PER_S < refresh_ns)
		refresh_ns = a->refresh_s * CLOCK_NS_PER_S;
	e->bound = true;
	e->revoked = false;
	e->bound_care_of = e->request.care_of;
	e->granted_s = a->lifetime_s;
	e->expires_ns = sent->at_ns + lifetime_ns;
	wheel_arm(e->wheel, &e->expiry, e->expires_ns);
	wheel_arm(e->wheel, &e->timer, sent->at_ns + refresh_ns);
	set_state(e, BUL_BOUND);
}

/* The lifetime counts from when the request was sent (RFC 6275, 11.7.3). */
static void accepted(struct bul_entry *e, const struct bul_answer *a, const struct bul_sent *sent)
{
	e->rtt_ns = mono_ns(e) - sent->at_ns;
	e->good_timestamp = sent->timestamp;
	if (e->request.lifetime_s == 0) {
		deregistered(e);
	} else if (a->lifetime_s == 0) {
		/* accepted for no time at all: there is no binding */
		unbound(e);
		e->refusals++;
		retry_later(e);
	} else {
		e->refusals = 0;
		registered(e, a, sent);
	}
}

/* Takes over the home agent's time (RFC 4285, 6). Time stamps still grow beyond accepted ones,
 * unless those lie so far ahead that the home agent would refuse them for that. */
static void adjust_clock(struct bul_entry *e, uint64_t timestamp)
{
	e->clock_offset = timestamp - e->ops->ntp(e->context);
	e->last_timestamp = e->good_timestamp;
	if (e->good_timestamp && later(e->good_timestamp, timestamp + CLOSE_ENOUGH))
		e->last_timestamp = 0;
}

/* Repairs what the refusal complains about. False: it cannot be repaired at once. */
static bool repair(struct bul_entry *e, const struct bul_answer *a, enum remedy remedy)
{
	switch (remedy) {
	case REMEDY_SEQUENCE:
		e->sequence = a->sequence;
		break;
	case REMEDY_CLOCK:
		adjust_clock(e, a->timestamp);
		break;
	case REMEDY_TIMESTAMP:
		e->use_timestamps = true;
		break;
	case REMEDY_LATER:
	case REMEDY_SLOWLY:
		return false;
	}
	return e->refusals <= BUL_REMEDIES_MAX;
}

static void refused(struct bul_entry *e, const struct bul_answer *a)
{
	bool deregistering = e->state == BUL_DEREGISTERING;
	enum remedy remedy = remedy_for(a->status);

	if (remedy == REMEDY_TIMESTAMP && e->use_timestamps)
		remedy = REMEDY_SLOWLY;
	e->refusals++;
	wheel_cancel(e->wheel, &e->timer);
	if (repair(e, a, remedy)) {
		begin(e);
		return;
	}
	if (remedy != REMEDY_SLOWLY) {
		retry_later(e);
		return;
	}
	/* the home agent has nothing for this node: as good as deregistered */
	if (a->status == STATUS_BA_NOT_HOME_AGENT)
		unbound(e);
	if (deregistering && !e->bound)
		set_state(e, BUL_IDLE);
	else
		retry_after(e, BUL_RETRY_MAX_S);
}

const struct bul_sent *bul_outstanding(const struct bul_entry *e, uint16_t sequence)
{
	for (int n = 0; n < e->sent_count; n++)
		if (e->sent[n].sequence == sequence)
			return &e->sent[n];
	return NULL;
}

/* The transmission that an answer belongs to and that its time stamp, if it has to have one,
 * confirms. */
static const struct bul_sent *match(const struct bul_entry *e, const struct bul_answer *a)
{
	const struct bul_sent *sent = bul_outstanding(e, a->sequence);

	if (!e->use_timestamps || !sent)
		return sent;
	if (!a->has_timestamp)
		/* a home agent that wants none or cannot tell: only a refusal can be believed */
		return a->status == STATUS_BA_MESG_ID_REQUIRED ? sent : NULL;
	if (a->status == STATUS_BA_ID_MISMATCH)
		return (uint32_t)a->timestamp == (uint32_t)sent->timestamp ? sent : NULL;
	return a->timestamp == sent->timestamp ? sent : NULL;
}

/* 135 carries the home agent's number, not ours (RFC 6275, 9.5.1): known by its time stamp. One
 * that tells what the present request has already been made from answers an older one. */
static bool matches_sequence_refusal(const struct bul_entry *e, const struct bul_answer *a)
{
	if ((uint16_t)(a->sequence + 1) == e->sequence)
		return false;
	if (!e->use_timestamps)
		return e->sent_count > 0;
	for (int n = 0; n < e->sent_count; n++)
		if (a->has_timestamp && a->timestamp == e->sent[n].timestamp)
			return true;
	return false;
}

int bul_answered(struct bul_entry *e, const struct bul_answer *a)
{
	const struct bul_sent *sent = NULL;

	if (e->state != BUL_REGISTERING && e->state != BUL_DEREGISTERING)
		return -ENOENT;
	if (a->status == STATUS_BA_SEQUENCE) {
		if (!matches_sequence_refusal(e, a))
			return -ENOENT;
	} else {
		sent = match(e, a);
		if (!sent || (a->status == STATUS_BA_ID_MISMATCH && !a->has_timestamp))
			return -ENOENT;
	}
	e->status = a->status;
	if (a->status < STATUS_BA_REJECTED)
		accepted(e, a, sent);
	else
		refused(e, a);
	return 0;
}

int bul_unserved(struct bul_entry *e, uint16_t sequence)
{
	if ((e->state != BUL_REGISTERING && e->state != BUL_DEREGISTERING) ||
		!bul_outstanding(e, sequence))
		return -ENOENT;
	e->refusals++;
	retry_later(e);
	return 0;
}

int bul_revoked(struct bul_entry *e)
{
	if (!e->bound)
		return -ENOENT;
	unbound(e);
	e->revoked = true;
	e->sent_count = 0;
	retry_after(e, BUL_RETRY_MAX_S);
	return 0;
}

static void timer_fired(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct bul_entry *e = wheel_entry(timer, struct bul_entry, timer);

	switch (e->state) {
	case BUL_REGISTERING:
	case BUL_DEREGISTERING:
		transmit(e);
		break;
	case BUL_BOUND:
	case BUL_REFUSED:
		set_state(e, e->request.lifetime_s ? BUL_REGISTERING : BUL_DEREGISTERING);
		begin(e);
		break;
	case BUL_IDLE:
		break;
	}
}

static void binding_expired(struct wheel_timer *timer, void *context)
{
	(void)context;
	struct bul_entry *e = wheel_entry(timer, struct bul_entry, expiry);

	LOG_WARN("bul", "expired", "care_of=%s", ADDR_TEXT(&e->bound_care_of));
	unbound(e);
	e->ops->changed(e, e->context);
}

void bul_init(struct bul_entry *e, const struct bul_ops *ops, void *context, struct wheel *wheel,
	uint32_t lifetime_s, bool use_timestamps, uint16_t sequence)
{
	*e = (struct bul_entry){.ops = ops,
		.context = context,
		.wheel = wheel,
		.lifetime_s = lifetime_s,
		.use_timestamps = use_timestamps,
		.sequence = sequence,
		.status = STATUS_NONE};
	wheel_timer_init(&e->timer, timer_fired);
	wheel_timer_init(&e->expiry, binding_expired);
}

uint32_t bul_remaining_s(const struct bul_entry *e)
{
	uint64_t now = mono_ns(e);

	return e->bound && e->expires_ns > now ? (uint32_t)((e->expires_ns - now) / CLOCK_NS_PER_S)
					       : 0;
}

const char *bul_state_name(enum bul_state state)
{
	static const char *const names[] = {[BUL_IDLE] = "idle",
		[BUL_REGISTERING] = "registering",
		[BUL_BOUND] = "bound",
		[BUL_DEREGISTERING] = "deregistering",
		[BUL_REFUSED] = "refused"};

	return state <= BUL_REFUSED ? names[state] : "unknown";
}
