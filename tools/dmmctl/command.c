#include "tools/dmmctl/command.h"

#include "common/addr.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_LEN    64
#define TIMEOUT_MAX_MS  3600000
#define WORDS_MAX       32
#define JSON_LINE_FLAGS JSON_COMPACT
#define JSON_DOC_FLAGS  JSON_INDENT(2)

static const struct command *const groups[] = {status_commands, dp_commands, binding_commands,
	flow_commands, subscriber_commands, path_commands, session_commands, prefix_commands,
	mag_commands, mcast_commands, peer_commands, stats_commands, events_commands,
	trace_commands, config_commands, keygen_commands};

#define GROUP_COUNT (sizeof(groups) / sizeof(groups[0]))

enum common_option { OPTION_SOCKET, OPTION_JSON, OPTION_TIMEOUT, COMMON_OPTIONS };

static const struct args_option common_options[] = {
	[OPTION_SOCKET] = {'s', "socket", "ENDPOINT",
		"where dmm-ctrl listens (ipc:///run/dmm/ctrl.api)"},
	[OPTION_JSON] = {'j', "json", NULL, "print JSON, for programs"},
	[OPTION_TIMEOUT] = {'t', "timeout", "SECONDS", "wait so long for an answer (5)"},
	{0},
};

static bool is_endpoint(const char *text)
{
	return (strncmp(text, "ipc://", 6) == 0 || strncmp(text, "tcp://", 6) == 0) && text[6];
}

static int common_option(struct command_context *context, struct args *args)
{
	uint64_t ms;
	int rc;

	switch ((enum common_option)args->index) {
	case OPTION_SOCKET:
		if (!is_endpoint(args->value))
			return args_fail(args,
				"--socket: expected ipc:///PATH or tcp://HOST:PORT, not '%s'",
				args->value);
		context->socket = args->value;
		return 0;
	case OPTION_JSON:
		context->json = true;
		return 0;
	default:
		rc = args_parse_uint(args->value, 1, TIMEOUT_MAX_MS / 1000, &ms);
		if (rc < 0)
			return args_fail(args, "--timeout: expected seconds from 1 to %d, not '%s'",
				TIMEOUT_MAX_MS / 1000, args->value);
		context->timeout_ms = (int)ms * 1000;
		return 0;
	}
}

static int wrong_arguments(struct args *args, const struct command *command, int given)
{
	if (given < command->arguments_min)
		return args_fail(
			args, "an argument is missing: %s %s", args->program->name, command->usage);
	return args_fail(args, "'%s' is one argument too many: %s %s",
		args->argv[args->first + command->arguments_max], args->program->name,
		command->usage);
}

/* Reads the options and arguments of one command and runs it; argv[0] is its last word. */
static int run_command(
	struct command_context *context, const struct command *command, int argc, char **argv)
{
	struct args_option options[COMMON_OPTIONS + COMMAND_OPTIONS_MAX + 1] = {0};
	const char *values[COMMAND_OPTIONS_MAX] = {0};
	char name[NAME_MAX_LEN];
	struct args_program program = {.name = name,
		.usage = command->usage,
		.summary = command->summary,
		.options = options};
	struct args args;
	int given;

	snprintf(name, sizeof(name), "dmmctl %s%s%s", command->group, command->name ? " " : "",
		command->name ? command->name : "");
	memcpy(options, common_options, COMMON_OPTIONS * sizeof(options[0]));
	for (int i = 0; command->options && i < COMMAND_OPTIONS_MAX && command->options[i].name;
		i++)
		options[COMMON_OPTIONS + i] = command->options[i];
	args_begin(&args, &program, argc, argv);
	args.out = context->out;
	args.err = context->err;
	while (args_next(&args)) {
		if (args.index >= COMMON_OPTIONS)
			values[args.index - COMMON_OPTIONS] = args.value ? args.value : "";
		else
			common_option(context, &args);
	}
	if (args.done)
		return args.exit_code;
	given = args.argc - args.first;
	if (given < command->arguments_min || given > command->arguments_max)
		return wrong_arguments(&args, command, given);
	return command->run(context, &args, values);
}

/* Refuses a word, NULL when it is missing, that should have been one of the words. */
static void unknown_word(
	struct args *args, const char *what, const char *word, const char *const *words)
{
	const char *near = word ? args_suggest(word, words) : NULL;
	char list[512] = "";

	for (size_t at = 0; *words && at < sizeof(list); words++)
		at += (size_t)snprintf(list + at, sizeof(list) - at, " %s", *words);
	if (!word)
		args_fail(args, "a %s is missing: expected one of%s", what, list);
	else if (near)
		args_fail(args, "unknown %s '%s': did you mean '%s'?", what, word, near);
	else
		args_fail(args, "unknown %s '%s': expected one of%s", what, word, list);
}

/* The table of the group of that name; NULL after the error was told. */
static const struct command *find_group(struct args *args, const char *word)
{
	const char *words[GROUP_COUNT + 1] = {0};

	for (size_t i = 0; i < GROUP_COUNT; i++) {
		words[i] = groups[i][0].group;
		if (strcmp(word, words[i]) == 0)
			return groups[i];
	}
	unknown_word(args, "command", word, words);
	return NULL;
}

/* Prints the commands of a group, a line each. */
static void list_group(FILE *to, const struct command *c)
{
	for (; c->group; c++) {
		const char *name = c->name ? c->name : "";
		int gap = 20 - (int)(strlen(c->group) + (c->name != NULL) + strlen(name));

		fprintf(to, "\n  %s%s%s%*s %.*s", c->group, c->name ? " " : "", name,
			gap > 0 ? gap : 0, "", (int)strcspn(c->summary, "\n"), c->summary);
	}
}

/* Text that the caller frees: the commands of one group, or of all if it is NULL, made from the
 * tables, and what is to follow them. NULL: no memory. */
static char *list_commands(const struct command *group, const char *rest)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	fputs("Commands:", to);
	for (size_t i = 0; i < GROUP_COUNT; i++)
		if (!group || group == groups[i])
			list_group(to, groups[i]);
	fputs(rest, to);
	fclose(to);
	return text;
}

/* --help of a group: what its commands are. */
static void help_group(struct args *args, const struct command *group)
{
	char name[NAME_MAX_LEN], *epilogue = list_commands(group, "");
	const struct args_program program = {.name = name,
		.usage = "COMMAND [ARGUMENT]...",
		.summary = "Commands about one kind of thing; each has a --help of its own.",
		.options = common_options,
		.epilogue = epilogue};

	snprintf(name, sizeof(name), "dmmctl %s", group->group);
	args_help(&program, args->out);
	free(epilogue);
	args->done = true;
	args->exit_code = COMMAND_DONE;
}

/* The command that the words from args->first on name, and how many they are; NULL after the error,
 * or what was asked of the group, was told. */
static const struct command *find_command(struct args *args, int *used)
{
	const char *words[WORDS_MAX] = {0}, *second = NULL;
	const struct command *group;
	char what[NAME_MAX_LEN];

	if (args->first >= args->argc) {
		args_fail(args, "a command is missing");
		return NULL;
	}
	group = find_group(args, args->argv[args->first]);
	*used = 1;
	if (!group || !group->name)
		return group;
	if (args->first + 1 < args->argc)
		second = args->argv[args->first + 1];
	if (second && (strcmp(second, "--help") == 0 || strcmp(second, "-h") == 0)) {
		help_group(args, group);
		return NULL;
	}
	for (int i = 0; group[i].group; i++) {
		words[i] = group[i].name;
		if (second && strcmp(second, words[i]) == 0) {
			*used = 2;
			return &group[i];
		}
	}
	snprintf(what, sizeof(what), "'%s' command", group->group);
	unknown_word(args, what, second, words);
	return NULL;
}

/* The options before the command, the command, and what follows it. */
static int run_words(struct command_context *context, struct args *args)
{
	const struct command *command;
	int used;

	args->out = context->out;
	args->err = context->err;
	while (args_next(args))
		common_option(context, args);
	if (args->done)
		return args->exit_code;
	command = find_command(args, &used);
	if (!command)
		return args->exit_code;
	return run_command(context, command, args->argc - args->first - used + 1,
		args->argv + args->first + used - 1);
}

int command_main(struct command_context *context, int argc, char **argv)
{
	char *epilogue = list_commands(NULL, "\n\n'dmmctl COMMAND --help' says more.\n"
					     "Exit codes: 0 done, 1 the request failed or was "
					     "refused, 2 wrong usage.");
	const struct args_program program = {.name = "dmmctl",
		.usage = "[OPTION]... COMMAND [ARGUMENT]...",
		.summary = "Asks dmm-ctrl, the control plane of the DMM gateway, and tells it what "
			   "to do.",
		.options = common_options,
		.stop_at_command = true,
		.epilogue = epilogue};
	struct args args;
	int rc;

	args_begin(&args, &program, argc, argv);
	rc = run_words(context, &args);
	free(epilogue);
	return rc;
}

void command_json(struct command_context *context, const json_t *value)
{
	json_dumpf(value, context->out, JSON_DOC_FLAGS);
	fputc('\n', context->out);
}

int command_error(struct command_context *context, const struct client_error *error)
{
	fputs("dmmctl: ", context->err);
	table_put(context->err, error->message);
	fputc('\n', context->err);
	if (context->json) {
		json_t *doc = json_pack(
			"{s:{s:s,s:s}}", "error", "code", error->code, "message", error->message);

		/* One line, because it may end a stream of lines. */
		json_dumpf(doc, context->out, JSON_LINE_FLAGS);
		fputc('\n', context->out);
		json_decref(doc);
	}
	return COMMAND_FAILED;
}

int command_connect(struct command_context *context, struct client *client)
{
	struct client_error error = {0};

	if (client_open(client, context->socket, context->timeout_ms, &error) < 0)
		return command_error(context, &error);
	return 0;
}

/* One request on a connection of its own; params is taken over. */
static int call(struct command_context *context, const char *method, json_t *params, bool endless,
	client_item_fn *on_item, void *item_context, json_t **result)
{
	struct client_error error = {"internal", "out of memory"};
	struct client client;
	int rc = command_connect(context, &client);

	if (rc == 0) {
		if (client_call(&client, method, params, endless, on_item, item_context, result,
			    &error) < 0)
			rc = command_error(context, &error);
		client_close(&client);
	}
	json_decref(params);
	return rc;
}

int command_request(
	struct command_context *context, const char *method, json_t *params, json_t **result)
{
	return call(context, method, params, false, NULL, NULL, result);
}

int command_show(struct command_context *context, const char *method, json_t *params,
	void (*print)(FILE *to, const json_t *result))
{
	json_t *result = NULL;
	int rc = command_request(context, method, params, &result);

	if (rc == 0 && context->json)
		command_json(context, result);
	else if (rc == 0)
		print(context->out, result);
	json_decref(result);
	return rc;
}

int command_change(
	struct command_context *context, const char *method, json_t *params, const char *done)
{
	static const struct table_column name = {" ", "mn_id", TABLE_TEXT};
	json_t *result = NULL;
	int rc = command_request(context, method, params, &result);

	if (rc == 0 && context->json) {
		command_json(context, result);
	} else if (rc == 0) {
		fputs(done, context->out);
		table_put_field(context->out, &name, result, 0);
		fputc('\n', context->out);
	}
	json_decref(result);
	return rc;
}

static int collect(const json_t *item, void *context)
{
	return json_array_append(context, (json_t *)item) ? -ENOMEM : 0;
}

/* Prints the objects that have a key, or have it not; none: nothing. 0 or -ENOMEM. */
static int print_part(FILE *to, const struct table_column *columns, const json_t *items,
	const char *key, bool with)
{
	json_t *part = json_array(), *item;
	size_t i;
	int rc = 0;

	json_array_foreach(items, i, item) if (!!json_object_get(item, key) == with)
		json_array_append(part, item);
	if (json_array_size(part))
		rc = table_print(to, columns, part);
	json_decref(part);
	return rc;
}

static int print_list(FILE *to, const struct command_list *list, const json_t *items,
	const char *key, const struct table_column *columns)
{
	int rc;

	if (!key || !json_array_size(items))
		return table_print(to, list->columns, items);
	rc = print_part(to, list->columns, items, key, false);
	return rc < 0 ? rc : print_part(to, columns, items, key, true);
}

static int show_list(struct command_context *context, const struct command_list *list,
	json_t *params, const char *key, const struct table_column *columns)
{
	json_t *items = json_array(), *result = NULL;
	int rc = call(context, list->method, params, false, collect, items, &result);

	if (rc == 0 && context->json) {
		json_object_set(result, list->name, items);
		command_json(context, result);
	} else if (rc == 0 && print_list(context->out, list, items, key, columns) < 0) {
		rc = command_error(context, &(struct client_error){"internal", "out of memory"});
	}
	json_decref(items);
	json_decref(result);
	return rc;
}

int command_list(struct command_context *context, const struct command_list *list, json_t *params)
{
	return show_list(context, list, params, NULL, NULL);
}

int command_list_parted(struct command_context *context, const struct command_list *list,
	const char *key, const struct table_column *columns)
{
	return show_list(context, list, NULL, key, columns);
}

struct stream {
	struct command_context *context;
	command_item_fn *print;
};

static int stream_item(const json_t *item, void *context)
{
	struct stream *stream = context;
	FILE *out = stream->context->out;

	if (stream->context->json) {
		json_dumpf(item, out, JSON_LINE_FLAGS);
		fputc('\n', out);
	} else {
		stream->print(out, item);
	}
	return fflush(out) ? -EPIPE : 0;
}

int command_stream(struct command_context *context, const char *method, json_t *params,
	bool endless, command_item_fn *print)
{
	struct stream stream = {context, print};
	json_t *result = NULL;
	int rc = call(context, method, params, endless, stream_item, &stream, &result);

	json_decref(result);
	return rc;
}

int command_check_address(struct args *args, const char *text)
{
	struct in6_addr addr;

	if (addr_parse(text, &addr) < 0)
		return args_fail(args, "'%s' is no IPv6 address, such as 2001:db8::1", text);
	return 0;
}

void command_answer(const struct command_context *context, const json_t *result, const char *peer)
{
	const char *answer = json_string_value(json_object_get(result, "answer"));
	const json_t *status = json_object_get(result, "answer_status");

	if (json_is_integer(status))
		fprintf(context->out, ", its %s %s with status %lld", peer, answer,
			(long long)json_integer_value(status));
	else
		fprintf(context->out, ", its %s: %s", peer, answer ? answer : "not asked");
}
