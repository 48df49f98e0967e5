/*
 * What is measured: dmm-ctrl as it is installed, with a store full of subscribers, in a folder of
 * its own. Errors end the program: a measurement has no use for them.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tools/pktgen/config.h"

enum { RIG_STRANGERS = 4096 }; /* subscribers beyond the nodes that play */

struct rig {
	char dir[64];
	char update[96], packet[96];
	const char *program; /* dmm-ctrl */
	pid_t pid;           /* 0: it does not run */
	uint32_t nodes;
	struct pktgen_config load; /* who the nodes are */
};

/* Ends the program, and dmm-ctrl with it, with a line on standard error. */
void rig_die(const char *what, const char *why) __attribute__((noreturn));

/* Makes the folder, and in it a store with so many subscribers. */
void rig_open(struct rig *rig, const char *program, uint32_t nodes, const char *parent);

/* Ends dmm-ctrl and removes everything. */
void rig_close(struct rig *rig);

/* Starts dmm-ctrl; it serves when it says so to who connects. */
void rig_start(struct rig *rig);

/* Sends it a signal and waits for its end. */
void rig_stop(struct rig *rig, int signal);

/* Fails if it has ended by itself. */
void rig_check(const struct rig *rig);

/* Octets of its memory that are resident. */
uint64_t rig_memory(const struct rig *rig);

/* Processor time so far, nanoseconds: of the thread that owns the state, and of all. */
struct rig_time {
	uint64_t loop, all;
};
struct rig_time rig_time(const struct rig *rig);

/* Counter of dmm-ctrl by name, asked for over its control interface. */
uint64_t rig_counter(const struct rig *rig, const char *name);

/* The longest of one of the times that it tells of, since it was started; milliseconds. */
double rig_longest_ms(const struct rig *rig, const char *name);
