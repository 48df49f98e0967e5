#include "common/clock.h"
#include "ctrl/signalling/ha.h"
#include "ctrl/signalling/state.h"

#define MAX_DELETE_BCE_TIMEOUT_MS 10000 /* RFC 6275, 12 */

/*
 * Its sequence number keeps out a delayed Binding Update for MAX_DELETE_BCE_TIMEOUT. Its timestamp
 * has to outlive every message that could still be close enough to our clock: one from a clock that
 * was a window ahead is, until two windows later (RFC 4285, 6).
 */
uint64_t ha_remembered_ns(const struct signalling *s)
{
	uint64_t windows_ms = 2 * (uint64_t)s->config.timestamp_window_ms;
	uint64_t ms =
		windows_ms > MAX_DELETE_BCE_TIMEOUT_MS ? windows_ms : MAX_DELETE_BCE_TIMEOUT_MS;

	return ms * CLOCK_NS_PER_MS;
}

void ha_deregister(struct signalling *s, const struct binding_record *now,
	const struct ha_update *update, struct binding_record *to)
{
	uint64_t real = state_real(s);

	*to = *now;
	to->life = BINDING_DELETED;
	to->updated_ns = real;
	to->expires_ns = real + ha_remembered_ns(s);
	if (update) {
		to->sequence = update->sequence;
		to->timestamp = update->stamped ? update->timestamp : 0;
		to->flags = update->flags;
	}
}
