#include "ctrl/signalling/counter.h"

const struct counter_def signalling_counter_defs[SIGNALLING_COUNTERS] = {
#define SIGNALLING_COUNTER_DEF(id, name, help) [SIGNALLING_N_##id] = {name, help},
	SIGNALLING_COUNTER_LIST(SIGNALLING_COUNTER_DEF)
#undef SIGNALLING_COUNTER_DEF
};
