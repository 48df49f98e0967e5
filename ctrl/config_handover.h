/*
 * The part of the configuration that is about packets to nodes that are on their way from one
 * access link to another. Both roles of Proxy Mobile IPv6 have it, in the same words.
 */
#pragma once

#include "common/config.h"

struct ctrl_config_handover {
	uint16_t buffer; /* packets; 0: none waits */
	uint32_t hold_ms;
};

/* The table of keys of the group. */
extern const struct config_key ctrl_config_handover_keys[];
