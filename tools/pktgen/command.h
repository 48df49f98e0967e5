/*
 * The commands of the generator and what they have in common: options, the configuration with the
 * options put over it, and the signal that ends a run early.
 *
 * Exit codes: 0 done, 1 failed, 2 wrong usage.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "common/args.h"
#include "tools/pktgen/config.h"

enum { COMMAND_DONE = 0, COMMAND_FAILED = 1, COMMAND_USAGE = ARGS_EXIT_USAGE };

/* All options of all commands; a command says which it takes. */
enum command_option {
	COMMAND_CONFIG,
	COMMAND_JSON,
	COMMAND_RATE,
	COMMAND_SECONDS,
	COMMAND_SUBSCRIBERS,
	COMMAND_STREAMS,
	COMMAND_SIZES,
	COMMAND_DISTRIBUTION,
	COMMAND_OUTPUT,
	COMMAND_COUNT,
	COMMAND_LOSS,
	COMMAND_MIX,
	COMMAND_BINDINGS,
	COMMAND_DATA_PLANE,
	COMMAND_OPTIONS
};

#define COMMAND_TAKES(option) (1u << (option))

struct command {
	const char *name;
	const char *summary;
	unsigned options; /* COMMAND_TAKES() of each */
	/* Runs; texts are those of the options, by number, NULL for those not given. Returns an
	 * exit code. */
	int (*run)(struct pktgen_config *config, const char *const *texts);
};

extern const struct command command_traffic, command_search, command_signalling,
	command_subscribers, command_packets;

/* Reads the command line, the configuration and runs the command; returns the exit code. */
int command_main(int argc, char **argv);

/* Set when SIGINT or SIGTERM asked the program to end. */
extern volatile bool command_stopped;

/* Writes a document to a file, if one is named, and lets it go. Returns an exit code,
 * COMMAND_FAILED after a line to standard error. */
int command_write_json(json_t *document, const char *file);

/* A document that begins with program, version and command. */
json_t *command_json(const char *command);
