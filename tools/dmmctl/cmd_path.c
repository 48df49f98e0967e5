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

/* Of an anchor or a gateway. */
static const struct table_column tunnel_columns[] = {
	{"PEER", "peer", TABLE_TEXT},
	{"BID", "bid", TABLE_TEXT},
	{"LABEL", "label", TABLE_TEXT},
	{"LOCAL", "local", TABLE_TEXT},
	{"REMOTE", "remote", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{"SINCE", "state_s", TABLE_DURATION},
	{"WEIGHT", "weight", TABLE_TEXT},
	{"DELAY MS", "delay_ms", TABLE_REAL},
	{"LOSS %", "loss_percent", TABLE_REAL},
	{"UP PKT/S", "up_packets_s", TABLE_REAL},
	{"UP OCT/S", "up_octets_s", TABLE_REAL},
	{"DOWN PKT/S", "down_packets_s", TABLE_REAL},
	{"DOWN OCT/S", "down_octets_s", TABLE_REAL},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"path.show", "paths", columns};

	(void)args;
	(void)values;
	return command_list_parted(context, &list, "peer", tunnel_columns);
}

const struct command path_commands[] = {
	{.group = "path",
		.name = "show",
		.usage = "[OPTION]...",
		.summary =
			"Show the tunnels to mobile nodes, and those between anchor and gateway.",
		.run = show},
	{0},
};
