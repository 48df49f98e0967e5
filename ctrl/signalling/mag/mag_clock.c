/*
 * An anchor finds that our time of day is not its own (RFC 5213, 6.9.1.2, 9): registrations of its
 * nodes can only succeed when one of the two clocks has been put right. Ours is not set by the
 * anchor's, as the clause has it; but who waits is registered as soon as ours is right.
 */
#include "common/clock.h"
#include "common/log.h"
#include "ctrl/signalling/mag/mag_state.h"
#include "proto/mobility/status.h"

/* Time as RFC 5213, 8.8 has it. */
#define UNITS_PER_S   65536
#define NEAR          (UNITS_PER_S * 3 / 10) /* TimestampValidityWindow by default (9.1) */
#define LEAST_CHANGE  (UNITS_PER_S / 20)
#define OFFSET_MAX    (INT64_C(1) << 47)
#define LOOK_AFTER_NS CLOCK_NS_PER_S

/* Our time of day against a clock that nobody sets. */
static int64_t bearing(const struct mag *mag)
{
	return (int64_t)(clock_48_16_from_ns(mag_real(mag)) - clock_48_16_from_ns(mag_now(mag)));
}

static int64_t distance(int64_t offset)
{
	return offset < 0 ? -offset : offset;
}

static bool is_refused_for_it(const struct mag_attachment *a)
{
	if (a->asked && a->status == STATUS_BA_TIMESTAMP_MISMATCH)
		return true;
	for (size_t i = 0; i < SESSION_PATHS_MAX; i++)
		if (a->ways[i].asked && a->ways[i].status == STATUS_BA_TIMESTAMP_MISMATCH)
			return true;
	return false;
}

/* Its anchor is asked again at this time, and then as often as for the first time. */
static void retry(struct mag *mag, struct mag_attachment *a, uint64_t at_ns)
{
	if (a->asked && a->status == STATUS_BA_TIMESTAMP_MISMATCH) {
		a->ask_ns = at_ns;
		a->tries = 0;
	}
	for (size_t i = 0; i < SESSION_PATHS_MAX; i++)
		if (a->ways[i].asked && a->ways[i].status == STATUS_BA_TIMESTAMP_MISMATCH) {
			a->ways[i].ask_ns = at_ns;
			a->ways[i].tries = 0;
		}
	mag_arm(mag, a);
}

/* Whether our clock has been put right since an anchor said that it is wrong. */
static bool is_right_now(const struct mag *mag, const struct mag_clock *clock)
{
	int64_t left = distance(clock->offset - (bearing(mag) - clock->bearing));

	return left <= NEAR && left + LEAST_CHANGE <= distance(clock->offset);
}

static void look(struct mag *mag, struct mag_clock *clock, const struct mag_anchor *anchor)
{
	bool right = clock->is_right || is_right_now(mag, clock), any = false;
	uint64_t at_ns = mag_now(mag);

	for (struct mag_attachment *a = mag->attachments; a; a = a->hh.next) {
		if (a->anchor != anchor || !is_refused_for_it(a))
			continue;
		any = true;
		if (right)
			retry(mag, a, at_ns += CLOCK_NS_PER_MS); /* not all at once */
	}
	if (right)
		LOG_INFO("mag", "clock", "anchor=%s state=set nodes=%s", LOG_QUOTE(anchor->name),
			any ? "asked-again" : "none");
	clock->is_off = any && !right;
}

static void on_timer(struct wheel_timer *timer, void *context)
{
	struct mag *mag = context;
	bool any = false;

	for (size_t i = 0; i < mag->config.anchor_count; i++)
		if (mag->clocks[i].is_off) {
			look(mag, &mag->clocks[i], &mag->config.anchors[i]);
			any |= mag->clocks[i].is_off;
		}
	if (any)
		wheel_arm(&mag->wheel, timer, mag_now(mag) + LOOK_AFTER_NS);
}

void mag_clock_open(struct mag *mag)
{
	wheel_timer_init(&mag->clock_timer, on_timer);
}

void mag_clock_refused(struct mag *mag, const struct mag_attachment *a, const struct mh *mh)
{
	static struct log_limit limit = LOG_LIMIT(1);
	struct mag_clock *clock = &mag->clocks[a->anchor - mag->config.anchors];
	const struct mh_option *stamp = option_find(mh, OPTION_TIMESTAMP);
	int64_t offset;

	mag_count(mag, MAG_N_CLOCK);
	if (!stamp)
		return;
	offset = (int64_t)(stamp->timestamp.time - clock_48_16_from_ns(mag_real(mag)));
	if (offset > OFFSET_MAX || offset < -OFFSET_MAX)
		offset = offset < 0 ? -OFFSET_MAX : OFFSET_MAX;
	*clock = (struct mag_clock){
		.is_known = true, .is_off = true, .offset = offset, .bearing = bearing(mag)};
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mag", "clock", "anchor=%s state=off offset_ms=%lld",
		LOG_QUOTE(a->anchor->name), (long long)(offset * 1000 / UNITS_PER_S));
	if (!wheel_armed(&mag->clock_timer))
		wheel_arm(&mag->wheel, &mag->clock_timer, mag_now(mag) + LOOK_AFTER_NS);
}

void mag_clock_accepted(struct mag *mag, const struct mag_attachment *a)
{
	struct mag_clock *clock = &mag->clocks[a->anchor - mag->config.anchors];

	clock->is_known = false;
	clock->is_right = clock->is_off;
}

bool mag_clock_offset_ms(const struct mag *mag, size_t index, int64_t *ms)
{
	const struct mag_clock *clock = &mag->clocks[index];

	*ms = clock->offset * 1000 / UNITS_PER_S;
	return clock->is_known;
}
