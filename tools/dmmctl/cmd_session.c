#include "tools/dmmctl/command.h"

static const struct table_column columns[] = {
	{"DOMAIN", "domain", TABLE_TEXT},
	{"PREFIXES", "prefixes", TABLE_TEXT},
	{"DELEGATED", "delegated_prefixes", TABLE_TEXT},
	{"MN-ID", "mn_id", TABLE_TEXT},
	{"INTERFACE", "link_layer_id", TABLE_TEXT},
	{"ACCESS", "access_technology", TABLE_TEXT},
	{"GATEWAY", "gateway", TABLE_TEXT},
	{"CARE-OF ADDRESS", "care_of_address", TABLE_TEXT},
	{"TUNNEL", "encapsulation", TABLE_TEXT},
	{"UPLINK KEY", "uplink_key", TABLE_TEXT},
	{"DOWNLINK KEY", "downlink_key", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{"GRANTED", "lifetime_s", TABLE_DURATION},
	{"LEFT", "remaining_s", TABLE_DURATION},
	{0},
};

static const struct table_column pool_columns[] = {
	{"POOL", "pool", TABLE_TEXT},
	{"DOMAIN", "domain", TABLE_TEXT},
	{"PREFIX", "prefix", TABLE_TEXT},
	{"LENGTH", "length", TABLE_TEXT},
	{"SIZE", "size", TABLE_TEXT},
	{"USED", "used", TABLE_TEXT},
	{"FREE", "free", TABLE_TEXT},
	{0},
};

static const struct table_column delegation_columns[] = {
	{"PREFIX", "prefix", TABLE_TEXT},
	{"DOMAIN", "domain", TABLE_TEXT},
	{"POOL", "pool", TABLE_TEXT},
	{"MN-ID", "mn_id", TABLE_TEXT},
	{"GATEWAY", "gateway", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{0},
};

static const struct args_option prefix_options[] = {
	{'d', "delegated", NULL, "the delegated prefixes: of which pool and to whom"},
	{0},
};

enum show_option { SHOW_ADDRESS, SHOW_MN_ID, SHOW_DOMAIN };

static const struct args_option show_options[] = {
	[SHOW_ADDRESS] = {'a', "address", "ADDRESS", "only the session that this address is of"},
	[SHOW_MN_ID] = {'n', "mn-id", "MN-ID", "only the sessions of this mobile node"},
	[SHOW_DOMAIN] = {'d', "domain", "DOMAIN", "only those of this domain, or of \"public\""},
	{0},
};

static const struct args_option change_options[] = {
	{'d', "domain", "DOMAIN", "of which the session is, or \"public\"; if it is not clear"},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"session.show", "sessions", columns};
	json_t *params;

	if (values[SHOW_ADDRESS] && command_check_address(args, values[SHOW_ADDRESS]))
		return args->exit_code;
	params = json_object();
	if (values[SHOW_ADDRESS])
		json_object_set_new(params, "address", json_string(values[SHOW_ADDRESS]));
	if (values[SHOW_MN_ID])
		json_object_set_new(params, "mn_id", json_string(values[SHOW_MN_ID]));
	if (values[SHOW_DOMAIN])
		json_object_set_new(params, "domain", json_string(values[SHOW_DOMAIN]));
	return command_list(context, &list, params);
}

/* Asks for a change of the session that the address is of; `done` says what was done to it. */
static int change(struct command_context *context, struct args *args, const char *domain,
	const char *method, const char *done)
{
	const struct table_column prefixes = {done, "prefixes", TABLE_TEXT};
	const char *address = args->argv[args->first];
	json_t *result = NULL;
	const char *answer;
	int rc = command_check_address(args, address);

	if (rc)
		return rc;
	rc = command_request(context, method,
		json_pack("{s:s,s:s*}", "address", address, "domain", domain), &result);
	if (rc == 0 && context->json) {
		command_json(context, result);
	} else if (rc == 0) {
		table_put_field(context->out, &prefixes, result, 0);
		answer = json_string_value(json_object_get(result, "answer"));
		if (answer)
			command_answer(context, result, "gateway");
		fputc('\n', context->out);
	}
	json_decref(result);
	return rc;
}

static int clear(struct command_context *context, struct args *args, const char *const *values)
{
	return change(context, args, values[0], "session.clear", "cleared ");
}

static int revoke(struct command_context *context, struct args *args, const char *const *values)
{
	return change(context, args, values[0], "session.revoke", "revoked ");
}

static int renew(struct command_context *context, struct args *args, const char *const *values)
{
	return change(context, args, values[0], "session.renew", "asked for ");
}

static int show_pools(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list pools = {"prefix.show", "pools", pool_columns};
	static const struct command_list delegations = {
		"delegation.show", "delegations", delegation_columns};

	(void)args;
	return command_list(context, values[0] ? &delegations : &pools, NULL);
}

const struct command session_commands[] = {
	{.group = "session",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the mobility sessions of a local mobility anchor.",
		.options = show_options,
		.run = show},
	{.group = "session",
		.name = "clear",
		.usage = "[OPTION]... ADDRESS",
		.summary = "End the session that an address is of, as if its lifetime had run out.",
		.options = change_options,
		.run = clear,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "session",
		.name = "revoke",
		.usage = "[OPTION]... ADDRESS",
		.summary = "End the session that an address is of; its gateway is told before.",
		.options = change_options,
		.run = revoke,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "session",
		.name = "renew",
		.usage = "[OPTION]... ADDRESS",
		.summary =
			"Ask the gateway of the session that an address is of to register it anew.",
		.options = change_options,
		.run = renew,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};

const struct command prefix_commands[] = {
	{.group = "prefix",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the pools of prefixes of a local mobility anchor.",
		.options = prefix_options,
		.run = show_pools},
	{0},
};
