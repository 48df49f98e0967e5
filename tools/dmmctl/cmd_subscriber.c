#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "common/addr.h"
#include "tools/dmmctl/command.h"
#include "tools/dmmctl/import.h"

#define KEY_TEXT_MAX 32

static const struct table_column columns[] = {
	{"MN-ID", "mn_id", TABLE_TEXT},
	{"HOME ADDRESSES", "home_addresses", TABLE_TEXT},
	{"SPI", "spi", TABLE_TEXT},
	{"AUTH", "auth", TABLE_TEXT},
	{"REPLAY", "replay", TABLE_TEXT},
	{"LIFETIME", "max_lifetime_s", TABLE_DURATION},
	{"ENABLED", "enabled", TABLE_YESNO},
	{"BINDINGS", "bindings", TABLE_TEXT},
	{0},
};

enum add_option {
	ADD_HOME_ADDRESS,
	ADD_SPI,
	ADD_KEY_FILE,
	ADD_REPLAY,
	ADD_AUTH,
	ADD_MAX_LIFETIME,
	ADD_DISABLED,
	ADD_MAX_BINDINGS,
	ADD_MAX_FLOWS,
	ADD_GROUPS,
	ADD_MAX_GROUPS,
};

static const struct args_option add_options[] = {
	[ADD_HOME_ADDRESS] = {'a', "home-address", "ADDRESS[,ADDRESS]...", "its home addresses"},
	[ADD_SPI] = {'i', "spi", "N", "security parameter index, 256 or more"},
	[ADD_KEY_FILE] = {'k', "key-file", "FILE",
		"file with its key, 32 hexadecimal digits; - is standard input"},
	[ADD_REPLAY] = {'r', "replay", "HOW", "timestamp (default) or sequence"},
	[ADD_AUTH] = {0, "auth", "HOW", "required (default) or none"},
	[ADD_MAX_LIFETIME] = {'l', "max-lifetime", "SECONDS", "longest lifetime of a binding"},
	[ADD_DISABLED] = {0, "disabled", NULL, "refuse it for now"},
	[ADD_MAX_BINDINGS] = {'b', "max-bindings", "N",
		"care-of addresses at once of each home address, 0 to 8; else as configured"},
	[ADD_MAX_FLOWS] = {'f', "max-flows", "N",
		"flow bindings of each home address, 0 to 256; else as configured"},
	[ADD_GROUPS] = {'g', "groups", "PREFIX[,PREFIX]...",
		"multicast groups that it may listen to, of those that all may"},
	[ADD_MAX_GROUPS] = {'m', "max-groups", "N", "how many of them at a time; 0: none"},
	{0},
};

/* "A,B" as a list; 0, or the exit code after saying which one is wrong. */
static int parse_addresses(struct args *args, const char *text, json_t *params)
{
	json_t *list = json_array();

	json_object_set_new(params, "home_addresses", list);
	for (;;) {
		size_t len = strcspn(text, ",");
		char one[INET6_ADDRSTRLEN + 1];
		struct in6_addr addr;

		snprintf(one, sizeof(one), "%.*s", (int)len, text);
		if (addr_parse(one, &addr) < 0)
			return args_fail(args,
				"--home-address: '%s' is no IPv6 address, such as 2001:db8::1",
				one);
		json_array_append_new(list, json_string(one));
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

/* The same of prefixes. */
static int parse_groups(struct args *args, const char *text, json_t *params)
{
	json_t *list = json_array();

	json_object_set_new(params, "multicast_groups", list);
	for (;;) {
		size_t len = strcspn(text, ",");
		char one[PREFIX6_STRLEN + 1];
		struct prefix6 prefix;

		snprintf(one, sizeof(one), "%.*s", (int)len, text);
		if (prefix6_parse(one, &prefix) < 0 || !addr_is_multicast(&prefix.addr))
			return args_fail(args,
				"--groups: '%s' is no prefix of groups, such as ff1e::/16", one);
		json_array_append_new(list, json_string(one));
		if (!text[len])
			return 0;
		text += len + 1;
	}
}

static int parse_number(struct args *args, const char *option, const char *text, uint64_t min,
	uint64_t max, const char *key, json_t *params)
{
	uint64_t value;

	if (args_parse_uint(text, min, max, &value) < 0)
		return args_fail(args, "--%s: expected a number from %llu to %llu, not '%s'",
			option, (unsigned long long)min, (unsigned long long)max, text);
	json_object_set_new(params, key, json_integer((json_int_t)value));
	return 0;
}

static int parse_choice(struct args *args, const char *option, const char *text,
	const char *const choice[2], json_t *params)
{
	if (strcmp(text, choice[0]) != 0 && strcmp(text, choice[1]) != 0)
		return args_fail(args, "--%s: expected '%s' or '%s', not '%s'", option, choice[0],
			choice[1], text);
	json_object_set_new(params, option, json_string(text));
	return 0;
}

/* The key is taken from a file and not from the command line, which every process can read. */
static int read_key(struct args *args, const char *path, json_t *params)
{
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	char text[KEY_TEXT_MAX + 2] = "";
	size_t len;

	if (!file)
		return args_fail(args, "--key-file: %s: %s", path, strerror(errno));
	len = fread(text, 1, KEY_TEXT_MAX + 1, file);
	if (!standard)
		fclose(file);
	while (len && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	if (len != KEY_TEXT_MAX || strspn(text, "0123456789abcdefABCDEF") != KEY_TEXT_MAX) {
		explicit_bzero(text, sizeof(text));
		return args_fail(args, "--key-file: %s does not hold 32 hexadecimal digits", path);
	}
	json_object_set_new(params, "key", json_string(text));
	explicit_bzero(text, sizeof(text));
	return 0;
}

static int read_add_options(struct args *args, const char *const *values, json_t *params)
{
	static const char *const replay[] = {"timestamp", "sequence"};
	static const char *const auth[] = {"required", "none"};
	int rc = 0;

	if (!values[ADD_HOME_ADDRESS])
		return args_fail(args, "--home-address is missing");
	rc = parse_addresses(args, values[ADD_HOME_ADDRESS], params);
	if (!rc && values[ADD_SPI])
		rc = parse_number(args, "spi", values[ADD_SPI], 256, UINT32_MAX, "spi", params);
	if (!rc && values[ADD_KEY_FILE])
		rc = read_key(args, values[ADD_KEY_FILE], params);
	if (!rc && values[ADD_REPLAY])
		rc = parse_choice(args, "replay", values[ADD_REPLAY], replay, params);
	if (!rc && values[ADD_AUTH])
		rc = parse_choice(args, "auth", values[ADD_AUTH], auth, params);
	if (!rc && values[ADD_MAX_LIFETIME])
		rc = parse_number(args, "max-lifetime", values[ADD_MAX_LIFETIME], 4, 262140,
			"max_lifetime_s", params);
	if (!rc && values[ADD_MAX_BINDINGS])
		rc = parse_number(args, "max-bindings", values[ADD_MAX_BINDINGS], 0, 8,
			"max_bindings", params);
	if (!rc && values[ADD_MAX_FLOWS])
		rc = parse_number(
			args, "max-flows", values[ADD_MAX_FLOWS], 0, 256, "max_flows", params);
	if (!rc && values[ADD_GROUPS])
		rc = parse_groups(args, values[ADD_GROUPS], params);
	if (!rc && values[ADD_MAX_GROUPS])
		rc = parse_number(args, "max-groups", values[ADD_MAX_GROUPS], 0, 40,
			"multicast_max_groups", params);
	if (!rc && values[ADD_DISABLED])
		json_object_set_new(params, "enabled", json_false());
	if (!rc && !(values[ADD_AUTH] && strcmp(values[ADD_AUTH], "none") == 0) &&
		!(values[ADD_SPI] && values[ADD_KEY_FILE]))
		rc = args_fail(args, "%s needed unless --auth is none",
			values[ADD_SPI]        ? "--key-file is"
			: values[ADD_KEY_FILE] ? "--spi is"
					       : "--spi and --key-file are");
	return rc;
}

static json_t *mn_id_params(const char *mn_id)
{
	return json_pack("{s:s}", "mn_id", mn_id);
}

static int add(struct command_context *context, struct args *args, const char *const *values)
{
	json_t *params = mn_id_params(args->argv[args->first]);
	int rc;

	if (!params)
		return args_fail(args, "the MN-ID is not UTF-8");
	rc = read_add_options(args, values, params);
	if (rc) {
		json_decref(params);
		return rc;
	}
	return command_change(context, "subscriber.add", params, "added");
}

static int del(struct command_context *context, struct args *args, const char *const *values)
{
	json_t *params = mn_id_params(args->argv[args->first]);

	(void)values;
	if (!params)
		return args_fail(args, "the MN-ID is not UTF-8");
	return command_change(context, "subscriber.del", params, "deleted");
}

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"subscriber.show", "subscribers", columns};
	json_t *params = NULL;

	(void)values;
	if (args->first < args->argc) {
		params = mn_id_params(args->argv[args->first]);
		if (!params)
			return args_fail(args, "the MN-ID is not UTF-8");
	}
	return command_list(context, &list, params);
}

/* What an import has come to so far. */
struct totals {
	json_int_t imported;
	json_int_t skipped_by_ctrl;
};

/* Sends one piece and adds its result up. */
static int import_piece(struct command_context *context, struct import *import, json_t *lines,
	struct totals *totals)
{
	json_t *result = NULL;
	int rc = command_request(
		context, "subscriber.import", json_pack("{s:O}", "lines", lines), &result);

	if (rc == 0) {
		totals->imported += json_integer_value(json_object_get(result, "imported"));
		totals->skipped_by_ctrl += json_integer_value(json_object_get(result, "skipped"));
		json_array_extend(import->errors, json_object_get(result, "errors"));
	}
	json_decref(result);
	return rc;
}

static int import_pieces(struct command_context *context, struct import *import, const char *path,
	struct totals *totals)
{
	for (;;) {
		json_t *lines = import_next(import);
		size_t count = json_array_size(lines);
		int rc = 0;

		if (!lines) {
			fprintf(context->err, "dmmctl: %s: line %llu: %s\n", path,
				(unsigned long long)import->line + 1, strerror(errno));
			return COMMAND_FAILED;
		}
		if (count)
			rc = import_piece(context, import, lines, totals);
		json_decref(lines);
		if (rc || count == 0)
			return rc;
	}
}

/* The outcome, also of an import that failed half-way: what is counted is in the store. */
static void print_import(struct command_context *context, const char *path, struct import *import,
	const struct totals *totals)
{
	static const struct table_column line = {":", "line", TABLE_TEXT};
	static const struct table_column message = {": ", "message", TABLE_TEXT};
	size_t i, skipped = json_array_size(import->errors);
	json_t *error;

	if (context->json) {
		json_t *doc = json_pack("{s:I,s:I,s:O}", "imported", totals->imported, "skipped",
			(json_int_t)skipped, "errors", import->errors);

		command_json(context, doc);
		json_decref(doc);
		return;
	}
	json_array_foreach(import->errors, i, error)
	{
		fputs(path, context->err);
		table_put_field(context->err, &line, error, 0);
		table_put_field(context->err, &message, error, 0);
		fputc('\n', context->err);
	}
	fprintf(context->out, "imported %lld, skipped %zu\n", (long long)totals->imported, skipped);
}

static int import(struct command_context *context, struct args *args, const char *const *values)
{
	const char *path = args->argv[args->first];
	bool standard = strcmp(path, "-") == 0;
	FILE *file = standard ? stdin : fopen(path, "re");
	struct totals totals = {0};
	struct import import;
	int rc;

	(void)values;
	if (!file) {
		fprintf(context->err, "dmmctl: %s: %s\n", path, strerror(errno));
		return COMMAND_FAILED;
	}
	rc = import_begin(&import, file);
	if (rc == 0)
		rc = import_pieces(context, &import, path, &totals);
	if (rc == 0 || totals.imported)
		print_import(context, path, &import, &totals);
	if (rc == 0 && json_array_size(import.errors))
		rc = COMMAND_FAILED;
	import_end(&import);
	if (!standard)
		fclose(file);
	return rc;
}

const struct command subscriber_commands[] = {
	{.group = "subscriber",
		.name = "add",
		.usage = "[OPTION]... MN-ID",
		.summary = "Add a mobile node that may register.",
		.options = add_options,
		.run = add,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "subscriber",
		.name = "del",
		.usage = "[OPTION]... MN-ID",
		.summary = "Delete a subscriber; its bindings end.",
		.run = del,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "subscriber",
		.name = "show",
		.usage = "[OPTION]... [MN-ID]",
		.summary = "Show the subscribers; keys are never shown.",
		.run = show,
		.arguments_max = 1},
	{.group = "subscriber",
		.name = "import",
		.usage = "[OPTION]... FILE",
		.summary =
			"Add all subscribers of a file.\n\n"
			"FILE (- is standard input) holds one JSON object a line, with the keys\n"
			"mn_id, home_addresses, spi, key, replay, auth, max_lifetime_s, enabled,\n"
			"max_bindings, max_flows, multicast_groups, multicast_max_groups.\n"
			"A wrong line is named and skipped, the rest is imported; the exit code "
			"is\n"
			"then 1.",
		.run = import,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};
