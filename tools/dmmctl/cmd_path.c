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
	{"KIND", "kind", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{"SINCE", "state_s", TABLE_DURATION},
	{"WEIGHT", "weight", TABLE_TEXT},
	{"BEST", "best", TABLE_TEXT},
	{"ORDER", "order", TABLE_TEXT},
	{"DELAY MS", "delay_ms", TABLE_REAL},
	{"LOSS %", "loss_percent", TABLE_REAL},
	{"TOLD MS", "told_delay_ms", TABLE_REAL},
	{"TOLD LOSS %", "told_loss_percent", TABLE_REAL},
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

static int put_octet(json_t *params, struct args *args, const char *key, const char *text)
{
	uint64_t value;

	if (args_parse_uint(text, 0, UINT8_MAX, &value) < 0)
		return args_fail(args, "'%s' is no %s: expected a number from 0 to 255", text, key);
	json_object_set_new(params, key, json_integer((json_int_t)value));
	return 0;
}

static void print_weight(FILE *to, const json_t *result)
{
	static const struct table_column fields[] = {{"Label", "label", TABLE_TEXT},
		{"Weight", "weight", TABLE_TEXT}, {"Was", "was", TABLE_TEXT}, {0}};

	table_print_pairs(to, fields, result);
}

static int weight(struct command_context *context, struct args *args, const char *const *values)
{
	json_t *params = json_object();
	int rc = put_octet(params, args, "label", args->argv[args->first]);

	(void)values;
	if (!rc)
		rc = put_octet(params, args, "weight", args->argv[args->first + 1]);
	if (rc) {
		json_decref(params);
		return rc;
	}
	return command_show(context, "path.weight", params, print_weight);
}

static void print_order(FILE *to, const json_t *result)
{
	static const struct table_column fields[] = {{"Mobile node", "mn_id", TABLE_TEXT},
		{"Order", "order", TABLE_TEXT}, {"Sent with a number", "sent", TABLE_TEXT},
		{"Came in order", "in_order", TABLE_TEXT}, {"Waited", "held", TABLE_TEXT},
		{"Came after a later one", "reordered", TABLE_TEXT},
		{"Of these, put right", "restored", TABLE_TEXT}, {"Late", "late", TABLE_TEXT},
		{"Waited in vain", "timed_out", TABLE_TEXT},
		{"Could not wait", "no_room", TABLE_TEXT}, {0}};

	table_print_pairs(to, fields, result);
}

static const struct args_option order_options[] = {
	{'d', "domain", "DOMAIN", "of which the node is, or \"public\"; if it is not clear"},
	{0},
};

static int order(struct command_context *context, struct args *args, const char *const *values)
{
	return command_show(context, "path.order",
		json_pack("{s:s,s:s*}", "address", args->argv[args->first], "domain", values[0]),
		print_order);
}

const struct command path_commands[] = {
	{.group = "path",
		.name = "show",
		.usage = "[OPTION]...",
		.summary =
			"Show the tunnels to mobile nodes, and those between anchor and gateway.",
		.run = show},
	{.group = "path",
		.name = "order",
		.usage = "[OPTION]... ADDRESS",
		.summary = "Show whether packets of a node that take several paths stay in order.",
		.options = order_options,
		.run = order,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "path",
		.name = "weight",
		.usage = "[OPTION]... LABEL WEIGHT",
		.summary = "Share out packets between anchor and gateway anew, until the next "
			   "start.",
		.run = weight,
		.arguments_min = 2,
		.arguments_max = 2},
	{0},
};
