/*
 * The part of the configuration that is about the supervision of several ways between an anchor and
 * a gateway. Both roles have it, in the same words.
 */
#pragma once

#include "common/config.h"

struct ctrl_config_supervision {
	uint32_t interval_ms; /* 0: none */
	uint32_t missed;
	uint32_t answered;
};

/* The table of keys of the group. */
extern const struct config_key ctrl_config_supervision_keys[];
