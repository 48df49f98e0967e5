/* How often and in which order options may stand in a message: what decoder and encoder share.
 * Inside this folder only. */
#pragma once

#include "proto/mobility/flags.h"
#include "proto/mobility/mh.h"

/* What was seen so far of one message. 48 octets, zeroed at its start. */
struct mh_rules {
	uint64_t seen[(OPTION_TYPE_COUNT + 63) / 64]; /* bit n: an option of type n */
	unsigned flags;                               /* of all of them */
};

/* mh_rules_allowed: option_allowed, inline for the decoder. */
static inline bool mh_rules_allowed(const struct option_def *def, const struct mh *mh)
{
	bool has_d = (mh->type == MH_BU && mh->bu.flags & FLAGS_BU_D) ||
		     (mh->type == MH_BA && mh->ba.flags & FLAGS_BA_D);

	if (mh->type >= 32 || !(def->messages >> mh->type & 1))
		return false;
	return !(def->flags & OPTION_F_DMM) || has_d;
}

/* mh_rules_shape: option_shape_find, inline for the decoder. */
static inline const struct option_shape *mh_rules_shape(const struct option_def *def, uint8_t len)
{
	const struct option_shape *shape = def->shapes;

	for (unsigned i = 0; i < OPTION_SHAPES_MAX && shape->align_n; i++, shape++)
		if (len >= shape->min && len <= shape->max &&
			(!shape->step || (len - shape->min) % shape->step == 0))
			return shape;
	return NULL;
}

/* mh_rules_answers: whether an option of this row with a wrong length is kept for the answer. */
static inline bool mh_rules_answers(const struct option_def *def, const struct mh *mh)
{
	return def->flags & OPTION_F_ANSWERED && mh->type == MH_BU;
}

/* mh_rules_count: how many of the first BEFORE options of MH are of this type. */
unsigned mh_rules_count(const struct mh *mh, unsigned before, uint16_t type);

/* mh_rules_times: how often an option of this row may stand among the first BEFORE and here. */
static inline unsigned mh_rules_times(
	const struct option_def *def, const struct mh *mh, unsigned before)
{
	unsigned bids = 0;

	if (def->flags & OPTION_F_PER_BID && mh->type == MH_BA)
		bids = mh_rules_count(mh, before, OPTION_BID);
	return bids > 1 ? bids * def->times : def->times;
}

/* mh_rules_admit: whether an option of this row may follow the first BEFORE options of MH, which
 * were all admitted; if so it counts as seen. */
static inline enum mh_fault mh_rules_admit(
	struct mh_rules *rules, const struct mh *mh, unsigned before, const struct option_def *def)
{
	uint64_t *seen = &rules->seen[def->type / 64];
	uint64_t bit = UINT64_C(1) << def->type % 64;

	if (def->times && *seen & bit &&
		mh_rules_count(mh, before, def->type) >= mh_rules_times(def, mh, before))
		return MH_FAULT_OPTION_REPEATED;
	if (rules->flags & OPTION_F_AUTHENTICATES && def->flags & OPTION_F_PROTECTED)
		return MH_FAULT_OPTION_ORDER;
	*seen |= bit;
	rules->flags |= def->flags;
	return MH_FAULT_NONE;
}
