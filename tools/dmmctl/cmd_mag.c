#include "tools/dmmctl/command.h"

static const struct table_column peer_columns[] = {
	{"ROLE", "role", TABLE_TEXT},
	{"NAME", "name", TABLE_TEXT},
	{"ADDRESS", "address", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{"HEARD", "heard_s", TABLE_DURATION},
	{"MISSING", "missing", TABLE_TEXT},
	{"RESTARTS", "restart_counter", TABLE_TEXT},
	{"CLOCK", "clock_offset_ms", TABLE_TEXT},
	{0},
};

static const struct table_column columns[] = {
	{"MN-ID", "mn_id", TABLE_TEXT},
	{"LINK ADDRESS", "link_address", TABLE_TEXT},
	{"PORT", "port", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{"PREFIXES", "prefixes", TABLE_TEXT},
	{"DELEGATED", "delegated_prefixes", TABLE_TEXT},
	{"DOMAIN", "domain", TABLE_TEXT},
	{"ANCHOR", "anchor", TABLE_TEXT},
	{"STATUS", "status", TABLE_TEXT},
	{"GRANTED", "lifetime_s", TABLE_DURATION},
	{"LEFT", "remaining_s", TABLE_DURATION},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"mag.show", "attachments", columns};

	(void)args;
	(void)values;
	return command_list(context, &list, NULL);
}

/* What the arguments MN-ID and PORT ask for. */
static int to_port(
	struct command_context *context, struct args *args, const char *method, const char *done)
{
	return command_change(context, method,
		json_pack("{s:s,s:s}", "mn_id", args->argv[args->first], "port",
			args->argv[args->first + 1]),
		done);
}

static int attach(struct command_context *context, struct args *args, const char *const *values)
{
	(void)values;
	return to_port(context, args, "mag.attach", "attaching");
}

static int move(struct command_context *context, struct args *args, const char *const *values)
{
	(void)values;
	return to_port(context, args, "mag.move", "moving");
}

static int detach(struct command_context *context, struct args *args, const char *const *values)
{
	(void)values;
	return command_change(context, "mag.detach",
		json_pack("{s:s}", "mn_id", args->argv[args->first]), "detached");
}

static int revoke(struct command_context *context, struct args *args, const char *const *values)
{
	const char *anchor = args->argv[args->first];
	json_t *result = NULL;
	int rc = command_request(
		context, "mag.revoke", json_pack("{s:s}", "anchor", anchor), &result);

	(void)values;
	if (rc == 0 && context->json) {
		command_json(context, result);
	} else if (rc == 0) {
		fprintf(context->out, "revoked all of %s", anchor);
		command_answer(context, result, "anchor");
		fputc('\n', context->out);
	}
	json_decref(result);
	return rc;
}

static int show_peers(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"peer.show", "peers", peer_columns};

	(void)args;
	(void)values;
	return command_list(context, &list, NULL);
}

const struct command mag_commands[] = {
	{.group = "mag",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the nodes that a mobile access gateway serves.",
		.run = show},
	{.group = "mag",
		.name = "attach",
		.usage = "[OPTION]... MN-ID PORT",
		.summary = "Attach a mobile node to an access link, or move it there.",
		.run = attach,
		.arguments_min = 2,
		.arguments_max = 2},
	{.group = "mag",
		.name = "move",
		.usage = "[OPTION]... MN-ID PORT",
		.summary = "Move an attached mobile node to another access link.",
		.run = move,
		.arguments_min = 2,
		.arguments_max = 2},
	{.group = "mag",
		.name = "detach",
		.usage = "[OPTION]... MN-ID",
		.summary = "Detach a mobile node; its anchor is told.",
		.run = detach,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "mag",
		.name = "revoke",
		.usage = "[OPTION]... ANCHOR",
		.summary = "End all that is registered with an anchor, and tell the anchor.",
		.run = revoke,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};

const struct command peer_commands[] = {
	{.group = "peer",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the gateways of an anchor, or the anchors of a gateway.",
		.run = show_peers},
	{0},
};
