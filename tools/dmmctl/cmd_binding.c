#include "tools/dmmctl/command.h"

static const struct table_column columns[] = {
	{"HOME ADDRESS", "home_address", TABLE_TEXT},
	{"BID", "bid", TABLE_TEXT},
	{"CARE-OF ADDRESS", "care_of_address", TABLE_TEXT},
	{"PRIORITY", "priority", TABLE_TEXT},
	{"RANK", "rank", TABLE_TEXT},
	{"MN-ID", "mn_id", TABLE_TEXT},
	{"STATE", "state", TABLE_TEXT},
	{"SEQ", "sequence", TABLE_TEXT},
	{"GRANTED", "lifetime_s", TABLE_DURATION},
	{"LEFT", "remaining_s", TABLE_DURATION},
	{"DATA PLANE", "data_plane", TABLE_TEXT},
	{"LINK", "link", TABLE_TEXT},
	{0},
};

static const struct table_column traffic_columns[] = {
	{"HOME ADDRESS", "home_address", TABLE_TEXT},
	{"BID", "bid", TABLE_TEXT},
	{"CARE-OF ADDRESS", "care_of_address", TABLE_TEXT},
	{"RANK", "rank", TABLE_TEXT},
	{"PATH", "path", TABLE_TEXT},
	{"PREFERRED", "traffic.preferred", TABLE_TEXT},
	{"PACKETS IN", "traffic.in_packets", TABLE_TEXT},
	{"OCTETS IN", "traffic.in_octets", TABLE_TEXT},
	{"LAST IN", "traffic.last_in", TABLE_TEXT},
	{"PACKETS OUT", "traffic.out_packets", TABLE_TEXT},
	{"OCTETS OUT", "traffic.out_octets", TABLE_TEXT},
	{"LAST OUT", "traffic.last_out", TABLE_TEXT},
	{0},
};

enum show_option { SHOW_HOME_ADDRESS, SHOW_MN_ID, SHOW_TRAFFIC };

static const struct args_option show_options[] = {
	[SHOW_HOME_ADDRESS] = {'a', "home-address", "ADDRESS", "only the binding of this address"},
	[SHOW_MN_ID] = {'n', "mn-id", "MN-ID", "only the bindings of this subscriber"},
	[SHOW_TRAFFIC] = {'T', "traffic", NULL, "what the path of each has carried, and when last"},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"binding.show", "bindings", columns};
	static const struct command_list carried = {"binding.show", "bindings", traffic_columns};
	const char *address = values[SHOW_HOME_ADDRESS], *mn_id = values[SHOW_MN_ID];
	json_t *params;

	if (address && command_check_address(args, address))
		return args->exit_code;
	if (values[SHOW_TRAFFIC] && !address && !mn_id)
		return args_fail(args, "--traffic needs --home-address or --mn-id");
	params = json_object();
	if (values[SHOW_TRAFFIC])
		json_object_set_new(params, "traffic", json_true());
	if (address)
		json_object_set_new(params, "home_address", json_string(address));
	if (mn_id)
		json_object_set_new(params, "mn_id", json_string(mn_id));
	return command_list(context, values[SHOW_TRAFFIC] ? &carried : &list, params);
}

static void print_change(FILE *to, const json_t *item)
{
	static const struct table_column fields[] = {
		{"", "time", TABLE_TEXT},
		{" ", "event", TABLE_TEXT},
		{" home=", "binding.home_address", TABLE_TEXT},
		{" bid=", "binding.bid", TABLE_TEXT},
		{" care-of=", "binding.care_of_address", TABLE_TEXT},
		{" mn-id=", "binding.mn_id", TABLE_TEXT},
		{" lifetime=", "binding.lifetime_s", TABLE_DURATION},
		{" data-plane=", "binding.data_plane", TABLE_TEXT},
		{0},
	};

	for (const struct table_column *field = fields; field->title; field++)
		table_put_field(to, field, item, field == &fields[1] ? 12 : 0);
	fputc('\n', to);
}

static int watch(struct command_context *context, struct args *args, const char *const *values)
{
	(void)args;
	(void)values;
	return command_stream(context, "binding.watch", NULL, true, print_change);
}

static const struct args_option clear_options[] = {
	{'b', "bid", "BID", "only the binding with this identifier"}, {0}};

static int clear(struct command_context *context, struct args *args, const char *const *values)
{
	const char *address = args->argv[args->first];
	json_t *result = NULL, *params;
	int rc = command_check_address(args, address);
	uint64_t bid = 0;

	if (!rc && values[0] && args_parse_uint(values[0], 1, UINT16_MAX, &bid) < 0)
		rc = args_fail(args, "--bid '%s' is no number from 1 to %u", values[0], UINT16_MAX);
	if (rc)
		return rc;
	params = json_pack("{s:s}", "home_address", address);
	if (values[0])
		json_object_set_new(params, "bid", json_integer((json_int_t)bid));
	rc = command_request(context, "binding.clear", params, &result);
	if (rc == 0 && context->json) {
		command_json(context, result);
	} else if (rc == 0) {
		fputs("cleared ", context->out);
		table_put(context->out, address);
		if (bid)
			fprintf(context->out, " BID %llu", (unsigned long long)bid);
		fputc('\n', context->out);
	}
	json_decref(result);
	return rc;
}

static const struct args_option revoke_options[] = {
	{'d', "domain", "DOMAIN", "of which the session is, or \"public\"; if it is not clear"},
	{0},
};

static int revoke(struct command_context *context, struct args *args, const char *const *values)
{
	const char *address = args->argv[args->first];
	json_t *result = NULL;
	int rc = command_check_address(args, address);

	if (rc)
		return rc;
	rc = command_request(context, "binding.revoke",
		json_pack("{s:s,s:s*}", "address", address, "domain", values[0]), &result);
	if (rc == 0 && context->json) {
		command_json(context, result);
	} else if (rc == 0) {
		fputs("revoked ", context->out);
		table_put(context->out, address);
		if (json_object_get(result, "answer"))
			command_answer(context, result, "gateway");
		fputc('\n', context->out);
	}
	json_decref(result);
	return rc;
}

const struct command binding_commands[] = {
	{.group = "binding",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the bindings of home addresses to care-of addresses.",
		.options = show_options,
		.run = show},
	{.group = "binding",
		.name = "watch",
		.usage = "[OPTION]...",
		.summary = "Show the bindings, and then every change as it happens.",
		.run = watch},
	{.group = "binding",
		.name = "clear",
		.usage = "[OPTION]... HOME-ADDRESS",
		.summary = "End the bindings of an address as if their lifetime had run out.",
		.options = clear_options,
		.run = clear,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "binding",
		.name = "revoke",
		.usage = "[OPTION]... ADDRESS",
		.summary = "End the bindings, or the session, that an address is of; its node or "
			   "gateway is told.",
		.options = revoke_options,
		.run = revoke,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};
