#include "ctrl/config_handover.h"

#include "proto/channel/object.h"

const struct config_key ctrl_config_handover_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_handover, buffer, .text = "0",
		.max = OBJECT_HOLD_PACKETS_MAX,
		.help = "packets to one node that wait for it in a data plane, at most; those that "
			"come when as many do are dropped (drop_hold_full). All nodes together "
			"have 4096 in each worker. 0: none waits"),
	CONFIG_KEY_NAMED("hold", DURATION, struct ctrl_config_handover, hold_ms, .text = "2s",
		.min = 1, .max = OBJECT_HOLD_MS_MAX,
		.help = "each waits so long at most, and is dropped then (drop_hold_late)"),
	CONFIG_END};
