#include "tools/dmmctl/command.h"

static const struct table_column columns[] = {
	{"NAME", "name", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{"CONNECTED SINCE", "connected_since", TABLE_TIME},
	{"HEARD", "last_heard_ms", TABLE_MS},
	{"SENT", "sequence_sent", TABLE_TEXT},
	{"ACKED", "sequence_acked", TABLE_TEXT},
	{"LAG", "lag", TABLE_TEXT},
	{"SERVING", "serving", TABLE_TEXT},
	{"BINDINGS", "bindings", TABLE_TEXT},
	{"AUDIT", "audit.state", TABLE_TEXT},
	{"SUBSCRIBERS", "subscribers", TABLE_TEXT},
	{"ROOM", "subscribers_max", TABLE_TEXT},
	{"SYNC", "sync", TABLE_TEXT},
	{"SNAPSHOTS", "snapshots", TABLE_TEXT},
	{"FAILURES", "failures", TABLE_TEXT},
	{"LAST FAULT AT", "last_fault.time", TABLE_TIME},
	{"LAST FAULT", "last_fault.reason", TABLE_TEXT},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"dp.show", "data_planes", columns};

	(void)args;
	(void)values;
	return command_list(context, &list, NULL);
}

static int audit(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct table_column audit_columns[] = {
		{"NAME", "name", TABLE_TEXT},
		{"RESULT", "result", TABLE_TEXT},
		{"SEQUENCE", "sequence", TABLE_TEXT},
		{"HEALING", "healing", TABLE_YESNO},
		{0},
	};
	static const struct command_list list = {"dp.audit", "data_planes", audit_columns};
	json_t *params = NULL;

	(void)values;
	if (args->first < args->argc)
		params = json_pack("{s:s}", "name", args->argv[args->first]);
	return command_list(context, &list, params);
}

const struct command dp_commands[] = {
	{.group = "dp",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the data planes and how far they follow.",
		.run = show},
	{.group = "dp",
		.name = "audit",
		.usage = "[OPTION]... [NAME]",
		.summary = "Compare the tables of data planes with what they should be.",
		.run = audit,
		.arguments_max = 1},
	{0},
};
