/* How often and in which order options may stand in a message: what decoder and encoder share.
 * Inside this folder only. */
#pragma once

#include "proto/mobility/mh.h"

/* What was seen so far of one message. 48 octets, zeroed at its start. */
struct mh_rules {
	uint64_t seen[(OPTION_TYPE_COUNT + 63) / 64]; /* bit n: an option of type n */
	unsigned flags;                               /* of all of them */
};

/* mh_rules_admit: whether an option of this row may follow the first BEFORE options of MH, which
 * were all admitted; if so it counts as seen. */
enum mh_fault mh_rules_admit(
	struct mh_rules *rules, const struct mh *mh, unsigned before, const struct option_def *def);
