#include "tools/dmmctl/command.h"

#include <string.h>
#include <strings.h>

static const struct table_column columns[] = {
	{"HOME ADDRESS", "home_address", TABLE_TEXT},
	{"FID", "fid", TABLE_TEXT},
	{"PRIORITY", "priority", TABLE_TEXT},
	{"ACTIVE", "active", TABLE_YESNO},
	{"BIDS", "bids", TABLE_TEXT},
	{"PROTOCOL", "selector.protocol", TABLE_TEXT},
	{"SOURCE", "selector.source", TABLE_TEXT},
	{"PORT", "selector.source-port", TABLE_TEXT},
	{"DESTINATION", "selector.destination", TABLE_TEXT},
	{"PORT", "selector.destination-port", TABLE_TEXT},
	{"CLASS", "selector.class", TABLE_TEXT},
	{"LABEL", "selector.flow-label", TABLE_TEXT},
	{"SPI", "selector.spi", TABLE_TEXT},
	{"MN-ID", "mn_id", TABLE_TEXT},
	{0},
};

static const struct args_option show_options[] = {
	{'a', "home-address", "ADDRESS", "only those of this address"},
	{'n', "mn-id", "MN-ID", "only those of this subscriber"},
	{0},
};

static int show(struct command_context *context, struct args *args, const char *const *values)
{
	static const struct command_list list = {"flow.show", "flows", columns};
	json_t *params;

	if (values[0] && command_check_address(args, values[0]))
		return args->exit_code;
	params = json_object();
	if (values[0])
		json_object_set_new(params, "home_address", json_string(values[0]));
	if (values[1])
		json_object_set_new(params, "mn_id", json_string(values[1]));
	return command_list(context, &list, params);
}

/* Numbers of protocols that differ in what rules see of them. */
enum {
	TCP = 6,
	UDP = 17,
	DCCP = 33,
	ESP = 50,
	AH = 51,
	ICMP6 = 58,
	SCTP = 132,
	UDP_LITE = 136,
};

/* Fields of the packet that numbers are. */
static const struct number {
	const char *name, *key;
	uint32_t max;
} class = {"--class", "class", UINT8_MAX}, label = {"--flow-label", "flow_label", 0xfffff},
  spi = {"--spi", "spi", UINT32_MAX}, source_port = {"SOURCE-PORT", "source_port", UINT16_MAX},
  destination_port = {"DESTINATION-PORT", "destination_port", UINT16_MAX};

static int put_number(
	json_t *params, struct args *args, const struct number *number, const char *text)
{
	const bool port = number == &source_port || number == &destination_port;
	uint64_t value;

	if (!text || (port && strcmp(text, "-") == 0))
		return 0;
	if (args_parse_uint(text, 0, number->max, &value) < 0)
		return args_fail(args, "%s '%s' is no number from 0 to %u%s", number->name, text,
			number->max, port ? ", nor '-' where it has no port" : "");
	json_object_set_new(params, number->key, json_integer((json_int_t)value));
	return 0;
}

/* What only some protocols have, the others cannot be asked about. */
static int check_fields(struct args *args, const json_t *params)
{
	json_int_t protocol = json_integer_value(json_object_get(params, "protocol"));
	bool has_ports = protocol == TCP || protocol == UDP || protocol == DCCP ||
			 protocol == SCTP || protocol == UDP_LITE;

	if (!has_ports && (json_object_get(params, source_port.key) ||
				  json_object_get(params, destination_port.key)))
		return args_fail(args,
			"protocol %lld has no ports: expected '-' as SOURCE-PORT and "
			"DESTINATION-PORT",
			(long long)protocol);
	if (protocol != ESP && protocol != AH && json_object_get(params, spi.key))
		return args_fail(args, "--spi: only esp and ah have one, not protocol %lld",
			(long long)protocol);
	return 0;
}

static int put_protocol(json_t *params, struct args *args, const char *text)
{
	static const struct {
		const char *name;
		uint8_t number;
	} known[] = {{"tcp", TCP}, {"udp", UDP}, {"esp", ESP}, {"ah", AH}, {"icmp6", ICMP6},
		{"sctp", SCTP}};
	uint64_t value = 256;

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(known[i].name, text) == 0)
			value = known[i].number;
	if (value > UINT8_MAX && args_parse_uint(text, 0, UINT8_MAX, &value) < 0)
		return args_fail(args,
			"PROTOCOL '%s' is neither a number from 0 to 255 nor tcp, udp, sctp, esp, "
			"ah or icmp6",
			text);
	json_object_set_new(params, "protocol", json_integer((json_int_t)value));
	return 0;
}

static const struct args_option explain_options[] = {
	{'c', "class", "OCTET", "traffic class of the packet (0)"},
	{'f', "flow-label", "NUMBER", "its flow label (0)"},
	{'s', "spi", "NUMBER", "SPI of ESP or AH"},
	{0},
};

enum { SUBSCRIBER, PROTOCOL, SOURCE, SOURCE_PORT, DESTINATION, DESTINATION_PORT, WORDS };

static int read_packet(
	struct args *args, char *const *words, const char *const *values, json_t *params)
{
	int rc = command_check_address(args, words[SOURCE]);

	if (!rc)
		rc = command_check_address(args, words[DESTINATION]);
	if (!rc)
		rc = put_protocol(params, args, words[PROTOCOL]);
	if (!rc)
		rc = put_number(params, args, &source_port, words[SOURCE_PORT]);
	if (!rc)
		rc = put_number(params, args, &destination_port, words[DESTINATION_PORT]);
	if (!rc)
		rc = put_number(params, args, &class, values[0]);
	if (!rc)
		rc = put_number(params, args, &label, values[1]);
	if (!rc)
		rc = put_number(params, args, &spi, values[2]);
	if (!rc)
		rc = check_fields(args, params);
	return rc;
}

static void print_explanation(FILE *to, const json_t *result)
{
	static const struct table_column considered[] = {{"FID", "fid", TABLE_TEXT},
		{"PRIORITY", "priority", TABLE_TEXT}, {"MATCHES", "matches", TABLE_YESNO},
		{"WHY", "why", TABLE_TEXT}, {0}};
	static const struct table_column paths[] = {{"BID", "bid", TABLE_TEXT},
		{"CARE-OF ADDRESS", "care_of_address", TABLE_TEXT}, {"PATH", "path_id", TABLE_TEXT},
		{"DATA PLANE", "data_plane", TABLE_TEXT}, {0}};
	static const struct table_column verdict[] = {
		{"Flow", "fid", TABLE_TEXT}, {"Why", "why", TABLE_TEXT}, {0}};

	if (json_array_size(json_object_get(result, "considered"))) {
		table_print(to, considered, json_object_get(result, "considered"));
		fputc('\n', to);
	}
	table_print_pairs(to, verdict, result);
	fputc('\n', to);
	table_print(to, paths, json_object_get(result, "paths"));
}

static int explain(struct command_context *context, struct args *args, const char *const *values)
{
	char *const *words = &args->argv[args->first];
	json_t *params = json_pack("{s:s,s:s,s:s}", "mn_id", words[SUBSCRIBER], "source",
		words[SOURCE], "destination", words[DESTINATION]);
	int rc = read_packet(args, words, values, params);

	if (rc) {
		json_decref(params);
		return rc;
	}
	return command_show(context, "flow.explain", params, print_explanation);
}

const struct command flow_commands[] = {
	{.group = "flow",
		.name = "show",
		.usage = "[OPTION]...",
		.summary = "Show the flow bindings: which packets go to which bindings.",
		.options = show_options,
		.run = show},
	{.group = "flow",
		.name = "explain",
		.usage = "[OPTION]... SUBSCRIBER PROTOCOL SOURCE SOURCE-PORT DESTINATION "
			 "DESTINATION-PORT",
		.summary = "Tell which flow a packet to a subscriber belongs to, why, and where it "
			   "goes; '-' where it has no port.",
		.options = explain_options,
		.run = explain,
		.arguments_min = WORDS,
		.arguments_max = WORDS},
	{0},
};
