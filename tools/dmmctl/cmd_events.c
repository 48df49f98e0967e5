#include "tools/dmmctl/command.h"

enum events_option { EVENTS_FOLLOW };

static const struct args_option options[] = {
	[EVENTS_FOLLOW] = {'f', "follow", NULL, "go on with those that happen from now on"},
	{0},
};

static void print_event(FILE *to, const json_t *item)
{
	static const struct table_column fields[] = {
		{"", "time", TABLE_TEXT},
		{" ", "severity", TABLE_TEXT},
		{" ", "source", TABLE_TEXT},
		{" ", "event", TABLE_TEXT},
		{": ", "message", TABLE_TEXT},
		{0},
	};

	for (const struct table_column *field = fields; field->title; field++)
		table_put_field(to, field, item, 0);
	fputc('\n', to);
}

static int events(struct command_context *context, struct args *args, const char *const *values)
{
	bool follow = values[EVENTS_FOLLOW] != NULL;

	(void)args;
	return command_stream(
		context, "events", json_pack("{s:b}", "follow", follow), follow, print_event);
}

const struct command events_commands[] = {
	{.group = "events",
		.usage = "[OPTION]...",
		.summary = "Show what happened.",
		.options = options,
		.run = events},
	{0},
};
