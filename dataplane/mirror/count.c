#include "dataplane/mirror/count.h"

uint64_t mirror_values[MIRROR_COUNTERS];

const struct counter_def mirror_counter_defs[MIRROR_COUNTERS] = {
	[MIRROR_PUNTED] = {"mirror_punted", "packets sent to control"},
	[MIRROR_INJECTED] = {"mirror_injected", "packets taken from control"},
	[MIRROR_TWIN_UP] = {"mirror_twin_up", "frames given to the kernel"},
	[MIRROR_TWIN_DOWN] = {"mirror_twin_down", "frames taken from the kernel"},
	[MIRROR_RESOLVED] = {"mirror_resolved", "packets that waited for a next hop and went on"},
	[MIRROR_DROP_TWIN] = {"mirror_twin_full", "frames that the kernel did not take"},
	[MIRROR_DROP_NO_CONTROL] = {"mirror_no_control",
		"punted packets that control was not there, or too slow, to take"},
	[MIRROR_DROP_WAIT_FULL] = {"mirror_wait_full",
		"packets beyond those that may wait for a next hop"},
	[MIRROR_DROP_DOWN_FULL] = {"mirror_down_full", "packets that the worker was too slow for"},
	[MIRROR_DROP_NO_BUFFER] = {"mirror_no_buffer", "packets for which no buffer was free"},
	[MIRROR_DROP_BAD_MESSAGE] = {"mirror_bad_message", "messages of control not understood"},
	[MIRROR_DROP_BAD_INJECT] = {"mirror_bad_inject",
		"injected packets for no port of ours, or too long"},
};

bool mirror_counter_is_drop(enum mirror_counter counter)
{
	return counter >= MIRROR_DROP_TWIN;
}

uint64_t mirror_counter(enum mirror_counter counter)
{
	return counter_get(&mirror_values[counter]);
}
