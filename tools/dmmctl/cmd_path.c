#include "tools/dmmctl/command.h"

static const struct table_column columns[] = {
	{"PATH", "path_id", TABLE_TEXT},
	{"KIND", "kind", TABLE_TEXT},
	{"LOCAL", "local", TABLE_TEXT},
	{"REMOTE", "remote", TABLE_TEXT},
	{"MTU", "mtu", TABLE_TEXT},
	{"DATA PLANE", "data_plane", TABLE_TEXT},
	{"USERS", "subscribers", TABLE_TEXT},
	{"MN-ID", "mn_id", TABLE_TEXT},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"path.show", "paths", columns};

	(void)args;
	(void)values;
	return command_list(context, &list, NULL);
}

const struct command path_commands[] = {
	{.group = "path",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the tunnels to the mobile nodes.",
		.run = show},
	{0},
};
