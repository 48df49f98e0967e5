#include "common/clock.h"
#include "ctrl/signalling/ha.h"
#include "ctrl/signalling/state.h"

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
	to->flags = update->flags;
	to->lifetime = binding_lifetime_grant(update->lifetime, max_lifetime_s);
	to->updated_ns = real;
	to->expires_ns = real + binding_lifetime_ns(to->lifetime);
	if (now->life != BINDING_LIVE)
		to->registered_ns = real;
}
