#include "common/clock.h"
#include "ctrl/signalling/ha.h"
#include "ctrl/signalling/state.h"
#include "proto/mobility/flags.h"

/* What is defended was looked for on the home link before the first acknowledgement (RFC 6275,
 * 10.3.1) and stays that. */
static uint16_t flags_of(const struct binding_record *now, const struct ha_update *update)
{
	if (now->life != BINDING_LIVE)
		return update->flags;
	return (uint16_t)((update->flags & ~FLAGS_BU_L) | (now->flags & FLAGS_BU_L));
}

void ha_register(struct signalling *s, const struct binding_record *now,
	const struct ha_update *update, uint32_t max_lifetime_s, struct binding_record *to)
{
	uint64_t real = state_real(s);

	*to = *now;
	to->life = BINDING_LIVE;
	to->care_of = update->care_of;
	to->agent = update->agent;
	to->sequence = update->sequence;
	to->timestamp = update->stamped ? update->timestamp : 0;
	to->flags = flags_of(now, update);
	to->lifetime = binding_lifetime_grant(update->lifetime, max_lifetime_s);
	to->updated_ns = real;
	to->expires_ns = real + binding_lifetime_ns(to->lifetime);
	if (now->life != BINDING_LIVE)
		to->registered_ns = real;
}
