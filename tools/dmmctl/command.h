/*
 * The frame that every command of dmmctl hangs in: the table of commands, the options that all of
 * them take, and the ways that answers are printed.
 *
 * Exit codes: 0 done, 1 the request failed or was refused, 2 wrong usage.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "common/args.h"
#include "tools/dmmctl/client.h"
#include "tools/dmmctl/table.h"

enum {
	COMMAND_DONE = 0,
	COMMAND_FAILED = 1,
	COMMAND_USAGE = ARGS_EXIT_USAGE,
};

/* What the options before and behind the command say, and where output goes. */
struct command_context {
	const char *socket;
	int timeout_ms;
	bool json;
	FILE *out, *err;
};

struct command {
	const char *group; /* "binding" */
	const char *name;  /* "show"; NULL: the group is the command */
	const char *usage; /* what follows the name */
	const char *summary;
	/* Own options, closed by {0}; the common ones are added. NULL: none. */
	const struct args_option *options;
	/* Runs with options read into values, by index in `options` (a flag's value is ""), and
	 * the other arguments. Returns an exit code. */
	int (*run)(struct command_context *context, struct args *args, const char *const *values);
	int arguments_min, arguments_max;
};

enum { COMMAND_OPTIONS_MAX = 12 };

/* Tables of the groups, closed by {0}. */
extern const struct command status_commands[], dp_commands[], binding_commands[], flow_commands[],
	subscriber_commands[], path_commands[], session_commands[], prefix_commands[],
	mag_commands[], mcast_commands[], peer_commands[], stats_commands[], events_commands[],
	trace_commands[], config_commands[], keygen_commands[];

/* Reads the command line and runs what it asks for; returns the exit code. */
int command_main(struct command_context *context, int argc, char **argv);

/* Asks for a single object. 0 and *result, which the caller owns; or COMMAND_FAILED after the
 * error was printed. params is taken over (NULL: none). */
int command_request(
	struct command_context *context, const char *method, json_t *params, json_t **result);

/* Asks for a single object, and shows it: as JSON, or by print(). Returns as command_request()
 * does; params is taken over. */
int command_show(struct command_context *context, const char *method, json_t *params,
	void (*print)(FILE *to, const json_t *result));

/* Asks for a change, and prints the result: as JSON, or `done` and the MN-ID that it is about.
 * Returns as command_request() does; params is taken over. */
int command_change(
	struct command_context *context, const char *method, json_t *params, const char *done);

/* Whether an argument is an IPv6 address: 0, or the exit code of wrong usage after saying so. */
int command_check_address(struct args *args, const char *text);

/* Prints how a peer of Proxy Mobile IPv6 took what it was told: ", its gateway answered with 0". */
void command_answer(const struct command_context *context, const json_t *result, const char *peer);

/* How a method that lists is shown. */
struct command_list {
	const char *method;
	const char *name; /* of the array in the JSON document */
	const struct table_column *columns;
};

/* Asks for a list and prints it as a table or as one JSON document. params is taken over. */
int command_list(struct command_context *context, const struct command_list *list, json_t *params);

/* Prints one item of a stream for people. */
typedef void command_item_fn(FILE *to, const json_t *item);

/* The same, but objects that have a key have a table of their own, below the others; a table
 * without any is not printed, unless both are. */
int command_list_parted(struct command_context *context, const struct command_list *list,
	const char *key, const struct table_column *columns);

/* Asks for a stream and prints each item at once: as a JSON line, or by `print`. params is taken
 * over. Endless streams end when the connection does. */
int command_stream(struct command_context *context, const char *method, json_t *params,
	bool endless, command_item_fn *print);

/* Prints an error as one line and, with --json, as an object; returns COMMAND_FAILED. */
int command_error(struct command_context *context, const struct client_error *error);

/* Prints a JSON document. */
void command_json(struct command_context *context, const json_t *value);

/* Opens a connection of the context; an error is printed. 0 or COMMAND_FAILED. */
int command_connect(struct command_context *context, struct client *client);
