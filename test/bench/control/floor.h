/*
 * What nothing on this machine can be faster than, measured in the same run: the store's engine
 * written at the batch size that control used, and a message there and back over ZeroMQ.
 */
#pragma once

#include <stdint.h>

struct floor {
	unsigned batch;
	double store_writes;  /* durable records a second */
	double store_ms;      /* median of a batch */
	double echo_ms;       /* median of one message there and back */
	double echo_messages; /* a second, one after the other */
};

/*
 * Measures for about so many seconds; folder is where the store goes. Nothing may be afterwards:
 * the engine has threads.
 */
struct floor floor_measure(const char *folder, unsigned batch, uint32_t records, double seconds);
