#include <arpa/inet.h>

#include "common/addr.h"
#include "tools/dmmctl/command.h"

static const struct table_column columns[] = {
	{"GROUP", "group", TABLE_TEXT},
	{"SOURCE", "source", TABLE_TEXT},
	{"ANCHOR", "anchor", TABLE_TEXT},
	{"MEMBERS", "members", TABLE_TEXT},
	{"FAILED", "not_installed", TABLE_TEXT},
	{"PACKETS", "packets", TABLE_TEXT},
	{"OCTETS", "octets", TABLE_TEXT},
	{"COPIES", "copies", TABLE_TEXT},
	{"MISSED", "missed", TABLE_TEXT},
	{"LIMITED", "limited", TABLE_TEXT},
	{"UPSTREAM", "upstream_joined", TABLE_TEXT},
	{0},
};

static const struct table_column rate_columns[] = {
	{"GROUP", "group", TABLE_TEXT},
	{"SOURCE", "source", TABLE_TEXT},
	{"ANCHOR", "anchor", TABLE_TEXT},
	{"MEMBERS", "members", TABLE_TEXT},
	{"FAILED", "not_installed", TABLE_TEXT},
	{"PACKETS/S", "packets_per_second", TABLE_REAL},
	{"OCTETS/S", "octets_per_second", TABLE_REAL},
	{"COPIES/S", "copies_per_second", TABLE_REAL},
	{"PACKETS", "packets", TABLE_TEXT},
	{"COPIES", "copies", TABLE_TEXT},
	{"MISSED", "missed", TABLE_TEXT},
	{"LIMITED", "limited", TABLE_TEXT},
	{0},
};

static const struct table_column member_columns[] = {
	{"MN-ID", "mn_id", TABLE_TEXT},
	{"HOME ADDRESS", "home_address", TABLE_TEXT},
	{"LINK", "port", TABLE_TEXT},
	{"LINK ADDRESS", "link_address", TABLE_TEXT},
	{"GATEWAY", "gateway", TABLE_TEXT},
	{"PACKETS", "packets", TABLE_TEXT},
	{"OCTETS", "octets", TABLE_TEXT},
	{"NOT INSTALLED", "not_installed", TABLE_TEXT},
	{0},
};

static int check_group(struct args *args, const char *text)
{
	struct in6_addr addr;

	if (addr_parse(text, &addr) < 0 || !addr_is_multicast(&addr))
		return args_fail(args, "'%s' is no IPv6 group, such as ff1e::1", text);
	return 0;
}

static int check_source(struct args *args, const char *text)
{
	struct in6_addr addr;

	if (addr_parse(text, &addr) < 0 || addr_is_multicast(&addr))
		return args_fail(
			args, "'%s' is no IPv6 address of a source, such as 2001:db8::1", text);
	return 0;
}

static const struct args_option show_options[] = {
	{'r', "rates", NULL, "also packets, octets and copies a second; takes a second"},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"mcast.show", "groups", columns};
	static const struct command_list rates = {"mcast.show", "groups", rate_columns};
	const bool one = args->first < args->argc;
	const char *group = one ? args->argv[args->first] : NULL;
	json_t *params;

	if (one && check_group(args, group))
		return args->exit_code;
	params = json_object();
	if (one)
		json_object_set_new(params, "group", json_string(group));
	if (values[0])
		json_object_set_new(params, "rates", json_true());
	return command_list(context, values[0] ? &rates : &list, params);
}

static void print_member_list(FILE *to, const json_t *item)
{
	static const struct table_column pairs[] = {{"Group", "group", TABLE_TEXT},
		{"Source", "source", TABLE_TEXT}, {"Anchor", "anchor", TABLE_TEXT},
		{"Members", "members", TABLE_TEXT}, {"Failed", "not_installed", TABLE_TEXT},
		{"Upstream", "upstream_joined", TABLE_TEXT}, {0}};

	table_print_pairs(to, pairs, item);
	fputc('\n', to);
	table_print(to, member_columns, json_object_get(item, "listeners"));
	fputc('\n', to);
}

static int members(struct command_context *context, struct args *args, const char *const *values)
{
	const char *group = args->argv[args->first];

	(void)values;
	if (check_group(args, group))
		return args->exit_code;
	return command_stream(context, "mcast.show", json_pack("{s:s}", "group", group), false,
		print_member_list);
}

static int links(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct table_column link_columns[] = {{"LINK", "link", TABLE_TEXT},
		{"QUERIER", "querier", TABLE_YESNO}, {"OTHER QUERIER", "other_querier", TABLE_TEXT},
		{"GROUPS", "groups", TABLE_TEXT}, {0}};
	static const struct command_list list = {"mcast.links", "links", link_columns};

	(void)args;
	(void)values;
	return command_list(context, &list, NULL);
}

static const struct args_option tunnels_options[] = {
	{'c', "count", NULL, "only how many are asked, and how many tell by options instead"},
	{0},
};

static void print_counts(FILE *to, const json_t *result)
{
	static const struct table_column pairs[] = {{"Asked", "asked", TABLE_TEXT},
		{"Told by option", "told_by_option", TABLE_TEXT}, {0}};

	table_print_pairs(to, pairs, result);
}

static int tunnels(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct table_column tunnel_columns[] = {{"MN-ID", "mn_id", TABLE_TEXT},
		{"HOME ADDRESS", "home_address", TABLE_TEXT}, {"REACHED", "reached", TABLE_YESNO},
		{"GROUPS", "groups", TABLE_TEXT}, {0}};
	static const struct command_list list = {"mcast.tunnels", "tunnels", tunnel_columns};

	(void)args;
	if (!values[0])
		return command_list(context, &list, NULL);
	return command_show(context, "mcast.tunnels", json_pack("{s:b}", "count", 1), print_counts);
}

static void print_explanation(FILE *to, const json_t *result)
{
	static const struct table_column homes[] = {{"HOME ADDRESS", "home_address", TABLE_TEXT},
		{"COPIED", "copied", TABLE_YESNO}, {"WHY", "why", TABLE_TEXT},
		{"MODE", "filter.mode", TABLE_TEXT}, {"SOURCES", "filter.sources", TABLE_TEXT},
		{"CARE-OF ADDRESS", "care_of_address", TABLE_TEXT},
		{"DATA PLANE", "data_plane", TABLE_TEXT}, {0}};
	static const struct table_column object[] = {
		{"Copied by the members of", "group", TABLE_TEXT}, {"Source", "source", TABLE_TEXT},
		{"Members", "members", TABLE_TEXT}, {"Failed", "not_installed", TABLE_TEXT}, {0}};

	if (json_is_object(json_object_get(result, "object")))
		table_print_pairs(to, object, json_object_get(result, "object"));
	else
		fputs("Nobody listens to these packets.\n", to);
	fputc('\n', to);
	table_print(to, homes, json_object_get(result, "home_addresses"));
}

enum { SUBSCRIBER, GROUP, SOURCE, WORDS };

/* IPv4 addresses are asked about as mapped ones. Returns NULL for any other text. */
static json_t *mapped(const char *text)
{
	struct in_addr addr;

	return inet_pton(AF_INET, text, &addr) == 1 ? json_sprintf("::ffff:%s", text) : NULL;
}

static int explain(struct command_context *context, struct args *args, const char *const *values)
{
	char *const *words = &args->argv[args->first];
	json_t *group = mapped(words[GROUP]), *source = group ? mapped(words[SOURCE]) : NULL;

	(void)values;
	if (!source) {
		json_decref(group);
		if (check_group(args, words[GROUP]) || check_source(args, words[SOURCE]))
			return args->exit_code;
		group = json_string(words[GROUP]);
		source = json_string(words[SOURCE]);
	}
	return command_show(context, "mcast.explain",
		json_pack("{s:s,s:o,s:o}", "mn_id", words[SUBSCRIBER], "group", group, "source",
			source),
		print_explanation);
}

const struct command mcast_commands[] = {
	{.group = "mcast",
		.name = "show",
		.usage = "[OPTION]... [GROUP]",
		.summary = "Show the multicast groups that nodes listen to.",
		.options = show_options,
		.run = show,
		.arguments_max = 1},
	{.group = "mcast",
		.name = "members",
		.usage = "[OPTION]... GROUP",
		.summary = "Show who gets copies of what is sent to a group, and how many.",
		.run = members,
		.arguments_min = 1,
		.arguments_max = 1},
	{.group = "mcast",
		.name = "links",
		.usage = "[OPTION]...",
		.summary = "Show on which links and in which tunnels listeners are asked, and by "
			   "whom.",
		.run = links},
	{.group = "mcast",
		.name = "tunnels",
		.usage = "[OPTION]...",
		.summary = "Show which nodes with bindings are asked through their tunnels.",
		.options = tunnels_options,
		.run = tunnels},
	{.group = "mcast",
		.name = "explain",
		.usage = "[OPTION]... SUBSCRIBER GROUP SOURCE",
		.summary =
			"Tell whether a subscriber gets what a source sends to a group, and why.",
		.run = explain,
		.arguments_min = WORDS,
		.arguments_max = WORDS},
	{0},
};
