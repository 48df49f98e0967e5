#include "ctrl/config_supervision.h"

#include <errno.h>
#include <stdio.h>

enum { INTERVAL_MIN_MS = 10 };

static int check_interval(const void *value, char *why, size_t size)
{
	const uint32_t ms = *(const uint32_t *)value;

	if (ms == 0 || ms >= INTERVAL_MIN_MS)
		return 0;
	snprintf(why, size, "is less than %dms; 0 is never", INTERVAL_MIN_MS);
	return -EINVAL;
}

const struct config_key ctrl_config_supervision_keys[] = {
	CONFIG_KEY_NAMED("interval", DURATION, struct ctrl_config_supervision, interval_ms,
		.text = "100ms", .max = 60000, .check = check_interval,
		.help = "each of several ways to a peer is probed so often, by an ICMPv6 echo, "
			"10ms to 60s; 0: never, a way is then used as long as it is registered"),
	CONFIG_KEY(INT, struct ctrl_config_supervision, missed, .text = "3", .min = 1, .max = 100,
		.help = "probes in a row without an answer, and the way is not used"),
	CONFIG_KEY(INT, struct ctrl_config_supervision, answered, .text = "5", .min = 1, .max = 100,
		.help = "answers in a row, and it is used again"),
	CONFIG_END};
