#include "tools/dmmctl/command.h"

static const struct table_column fields[] = {
	{"Version", "version", TABLE_TEXT},
	{"Process", "pid", TABLE_TEXT},
	{"Roles", "roles", TABLE_TEXT},
	{"Started", "started", TABLE_TIME},
	{"Up", "uptime_s", TABLE_DURATION},
	{"Epoch", "epoch", TABLE_TEXT},
	{"Sequence", "sequence", TABLE_TEXT},
	{"Home agent", "home_agent_addresses", TABLE_TEXT},
	{"Anchor", "anchor_addresses", TABLE_TEXT},
	{"Access gateway", "access_gateway_addresses", TABLE_TEXT},
	{"Subscribers", "subscribers", TABLE_TEXT},
	{"Bindings", "bindings", TABLE_TEXT},
	{"Sessions", "sessions.entries", TABLE_TEXT},
	{"  paths", "sessions.paths", TABLE_TEXT},
	{"Attachments", "attachments.entries", TABLE_TEXT},
	{"  paths", "attachments.paths", TABLE_TEXT},
	{"Data planes", "data_planes.known", TABLE_TEXT},
	{"  connected", "data_planes.connected", TABLE_TEXT},
	{"  synced", "data_planes.synced", TABLE_TEXT},
	{"Store", "store.path", TABLE_TEXT},
	{"  engine", "store.engine", TABLE_TEXT},
	{"  healthy", "store.ok", TABLE_YESNO},
	{"  failed", "store.last_failure", TABLE_TIME},
	{"Packets shed", "overload.shed", TABLE_TEXT},
	{"  last", "overload.last_shed", TABLE_TIME},
	{0},
};

static const struct table_column prefixes[] = {
	{"HOME PREFIX", "prefix", TABLE_TEXT},
	{"HOME LINK", "link", TABLE_TEXT},
	{0},
};

static void print_status(FILE *to, const json_t *result)
{
	table_print_pairs(to, fields, result);
	fputc('\n', to);
	table_print(to, prefixes, json_object_get(result, "home_prefixes"));
}

static int status(struct command_context *context, struct args *args, const char *const *values)
{
	(void)args;
	(void)values;
	return command_show(context, "status", NULL, print_status);
}

const struct command status_commands[] = {
	{.group = "status",
		.usage = "[OPTION]...",
		.summary = "Show how the control plane is.",
		.run = status},
	{0},
};
