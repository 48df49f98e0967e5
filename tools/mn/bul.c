#include "tools/mn/bul.h"

#include <errno.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/log.h"
#include "proto/mobility/status.h"

enum {
	STATUS_NONE = 255,
	REFRESH_PERCENT = 80, /* of the granted lifetime */
	RETRY_FIRST_S = 5,    /* after a refusal that may pass */
	RETRY_MAX_S = 300,
};

/* What a refusal means for this node (RFC 6275, 11.7.3; RFC 4285, 5.3 and 6). */
enum remedy {
	REMEDY_STOP,      /* asking again will not help until something changes */
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
		return REMEDY_STOP;
	}
}

static void set_state(struct bul_entry *e, enum bul_state state)
{
	e->state = state;
	e->ops->changed(e, e->context);
}

static uint64_t next_timestamp(struct bul_entry *e)
{
	uint64_t now = clock_real_ns() + (uint64_t)e->clock_offset_ns;
	uint64_t stamp = e->clock_offset_ns ? clock_ntp_from_ns(now) : clock_ntp_now();

	/* RFC 4285, 6: greater than any used before */
	if (clock_ntp_diff_ns(stamp, e->last_timestamp) <= 0 && e->last_timestamp)
		stamp = e->last_timestamp + 1;
	e->last_timestamp = stamp;
	return stamp;
}

static void transmit(struct bul_entry *e)
{
	uint64_t now = clock_mono_ns();
	uint64_t oldest = e->rate[e->rate_next];

	if (oldest && now - oldest < CLOCK_NS_PER_S) {
		wheel_arm(e->wheel, &e->timer, oldest + CLOCK_NS_PER_S);
		return;
	}
	e->rate[e->rate_next] = now;
	e->rate_next = (e->rate_next + 1) % BUL_MAX_UPDATE_RATE;
	e->request.sequence = ++e->sequence;
	e->request.timestamp = next_timestamp(e);
	e->sent[e->sent_next] = (struct bul_sent){e->sequence, e->request.timestamp, now};
	e->sent_next = (e->sent_next + 1) % BUL_OUTSTANDING_MAX;
	if (e->sent_count < BUL_OUTSTANDING_MAX)
		e->sent_count++;
	e->attempts++;
	wheel_arm(e->wheel, &e->timer, now + e->timeout_ms * CLOCK_NS_PER_MS);
	e->timeout_ms =
		e->timeout_ms * 2 < BUL_MAX_TIMEOUT_MS ? e->timeout_ms * 2 : BUL_MAX_TIMEOUT_MS;
	int ret = e->ops->send(&e->request, e->context);

	if (ret)
		LOG_WARN("bul", "send-failed", "sequence=%u error=%s", e->sequence,
			LOG_QUOTE(strerror(-ret)));
}

/* Starts a new request: answers to the one before no longer count. */
static void begin(struct bul_entry *e)
{
	e->attempts = 0;
	e->sent_count = e->sent_next = 0;
	e->timeout_ms = e->bound || e->request.lifetime_s == 0 ? BUL_INITIAL_TIMEOUT_MS
							       : BUL_FIRST_TIMEOUT_MS;
	wheel_cancel(e->wheel, &e->timer);
	transmit(e);
}

void bul_register(struct bul_entry *e, const struct in6_addr *care_of)
{
	e->request = (struct bul_update){.care_of = *care_of, .lifetime_s = e->lifetime_s};
	set_state(e, BUL_REGISTERING);
	begin(e);
}

void bul_deregister(struct bul_entry *e, const struct in6_addr *care_of, bool at_home)
{
	e->request = (struct bul_update){.care_of = *care_of, .at_home = at_home};
	set_state(e, BUL_DEREGISTERING);
	begin(e);
}

void bul_refresh(struct bul_entry *e)
{
	if (e->state == BUL_BOUND || e->state == BUL_REGISTERING) {
		struct in6_addr care_of = e->request.care_of;

		bul_register(e, &care_of);
	}
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

/* The lifetime counts from when the request was sent (RFC 6275, 11.7.3). */
static void accepted(struct bul_entry *e, const struct bul_answer *a, const struct bul_sent *sent)
{
	uint64_t lifetime_ns = a->lifetime_s * CLOCK_NS_PER_S;
	uint64_t refresh_ns = lifetime_ns / 100 * REFRESH_PERCENT;

	e->rtt_ns = clock_mono_ns() - sent->at_ns;
	e->refusals = 0;
	if (e->request.lifetime_s == 0 || a->lifetime_s == 0) {
		unbound(e);
		wheel_cancel(e->wheel, &e->timer);
		set_state(e, BUL_IDLE);
		return;
	}
	if (a->refresh_s && a->refresh_s * CLOCK_NS_PER_S < refresh_ns)
		refresh_ns = a->refresh_s * CLOCK_NS_PER_S;
	e->bound = true;
	e->bound_care_of = e->request.care_of;
	e->granted_s = a->lifetime_s;
	e->expires_ns = sent->at_ns + lifetime_ns;
	wheel_arm(e->wheel, &e->expiry, e->expires_ns);
	wheel_arm(e->wheel, &e->timer, sent->at_ns + refresh_ns);
	set_state(e, BUL_BOUND);
}

static void retry_later(struct bul_entry *e)
{
	uint64_t wait_s = RETRY_FIRST_S;

	for (uint32_t n = 1; n < e->refusals && wait_s < RETRY_MAX_S; n++)
		wait_s *= 2;
	if (wait_s > RETRY_MAX_S)
		wait_s = RETRY_MAX_S;
	wheel_arm(e->wheel, &e->timer, clock_mono_ns() + wait_s * CLOCK_NS_PER_S);
}

static void refused(struct bul_entry *e, const struct bul_answer *a)
{
	bool deregistering = e->state == BUL_DEREGISTERING;

	e->refusals++;
	wheel_cancel(e->wheel, &e->timer);
	switch (remedy_for(a->status)) {
	case REMEDY_SEQUENCE:
		e->sequence = a->sequence;
		begin(e);
		return;
	case REMEDY_CLOCK:
		e->clock_offset_ns = (int64_t)(clock_ntp_to_ns(a->timestamp) - clock_real_ns());
		e->last_timestamp = 0;
		begin(e);
		return;
	case REMEDY_TIMESTAMP:
		if (e->use_timestamps)
			break;
		e->use_timestamps = true;
		begin(e);
		return;
	case REMEDY_LATER:
		set_state(e, BUL_REFUSED);
		retry_later(e);
		return;
	case REMEDY_STOP:
		break;
	}
	/* the home agent has nothing for this node: as good as deregistered */
	if (a->status == STATUS_BA_NOT_HOME_AGENT)
		unbound(e);
	set_state(e, deregistering && !e->bound ? BUL_IDLE : BUL_REFUSED);
}

const struct bul_sent *bul_outstanding(const struct bul_entry *e, uint16_t sequence)
{
	for (int n = 0; n < e->sent_count; n++)
		if (e->sent[n].sequence == sequence)
			return &e->sent[n];
	return NULL;
}

int bul_answered(struct bul_entry *e, const struct bul_answer *a)
{
	const struct bul_sent *sent = bul_outstanding(e, a->sequence);
	bool asked = e->state == BUL_REGISTERING || e->state == BUL_DEREGISTERING;

	/* 135 carries the home agent's number, not ours (RFC 6275, 9.5.1) */
	if (!asked || (!sent && a->status != STATUS_BA_SEQUENCE))
		return -ENOENT;
	if (e->use_timestamps && sent && a->status != STATUS_BA_ID_MISMATCH &&
		(!a->has_timestamp || a->timestamp != sent->timestamp))
		return -ENOENT;
	if (a->status == STATUS_BA_ID_MISMATCH && !a->has_timestamp)
		return -ENOENT;
	e->status = a->status;
	if (a->status < STATUS_BA_REJECTED)
		accepted(e, a, sent);
	else
		refused(e, a);
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
		if (e->request.lifetime_s) {
			struct in6_addr care_of = e->request.care_of;

			bul_register(e, &care_of);
		} else {
			set_state(e, BUL_DEREGISTERING);
			begin(e);
		}
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
	uint64_t now = clock_mono_ns();

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
