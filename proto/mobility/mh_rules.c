#include "proto/mobility/mh_rules.h"

static unsigned count(const struct mh *mh, unsigned before, uint16_t type)
{
	unsigned n = 0;

	for (unsigned i = 0; i < before; i++)
		n += mh->options[i].type == type && mh->options[i].state == OPTION_KNOWN;
	return n;
}

enum mh_fault mh_rules_admit(
	struct mh_rules *rules, const struct mh *mh, unsigned before, const struct option_def *def)
{
	uint64_t *seen = &rules->seen[def->type / 64];
	uint64_t bit = UINT64_C(1) << def->type % 64;

	if (def->times && *seen & bit && count(mh, before, def->type) >= def->times)
		return MH_FAULT_OPTION_REPEATED;
	if (rules->flags & OPTION_F_LAST)
		return MH_FAULT_OPTION_ORDER;
	if (rules->flags & OPTION_F_AUTHENTICATES && def->flags & OPTION_F_PROTECTED)
		return MH_FAULT_OPTION_ORDER;
	*seen |= bit;
	rules->flags |= def->flags;
	return MH_FAULT_NONE;
}
