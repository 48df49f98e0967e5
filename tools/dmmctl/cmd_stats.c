#include "tools/dmmctl/command.h"
#include "tools/dmmctl/openmetrics.h"

enum stats_option { STATS_ALL, STATS_OPENMETRICS };

static const struct args_option options[] = {
	[STATS_ALL] = {'a', "all", NULL, "show also what is zero"},
	[STATS_OPENMETRICS] = {'o', "openmetrics", NULL,
		"print OpenMetrics text, for monitoring systems"},
	{0},
};

static const struct table_column counter_columns[] = {
	{"COUNTER", "name", TABLE_TEXT},
	{"VALUE", "value", TABLE_TEXT},
	{0},
};

static const struct table_column rate_columns[] = {
	{"A SECOND, IN THE LAST", "name", TABLE_TEXT},
	{"SECOND", "s1", TABLE_REAL},
	{"10 S", "s10", TABLE_REAL},
	{"MINUTE", "s60", TABLE_REAL},
	{0},
};

static const struct table_column time_columns[] = {
	{"TIME, US", "name", TABLE_TEXT},
	{"COUNT", "count", TABLE_TEXT},
	{"P50", "p50_us", TABLE_TEXT},
	{"P90", "p90_us", TABLE_TEXT},
	{"P99", "p99_us", TABLE_TEXT},
	{"MAX", "max_us", TABLE_TEXT},
	{0},
};

static const struct table_column now_columns[] = {
	{"NOW", "name", TABLE_TEXT},
	{"VALUE", "value", TABLE_TEXT},
	{0},
};

static const struct table_column drop_columns[] = {
	{"DROPPED BECAUSE", "name", TABLE_TEXT},
	{"PACKETS", "value", TABLE_TEXT},
	{0},
};

static const struct table_column node_columns[] = {
	{"NODE", "name", TABLE_TEXT},
	{"CALLS", "calls", TABLE_TEXT},
	{"PACKETS", "packets", TABLE_TEXT},
	{"CYCLES", "cycles", TABLE_TEXT},
	{"CYCLES/PACKET", "cycles_per_packet", TABLE_REAL},
	{0},
};

static const struct table_column port_columns[] = {
	{"PORT", "name", TABLE_TEXT},
	{"RX PACKETS", "rx_packets", TABLE_TEXT},
	{"RX OCTETS", "rx_octets", TABLE_TEXT},
	{"TX PACKETS", "tx_packets", TABLE_TEXT},
	{"TX OCTETS", "tx_octets", TABLE_TEXT},
	{"RX MISSED", "rx_missed", TABLE_TEXT},
	{"TX ERRORS", "tx_errors", TABLE_TEXT},
	{0},
};

static const struct table_column table_columns[] = {
	{"TABLE", "name", TABLE_TEXT},
	{"ENTRIES", "entries", TABLE_TEXT},
	{"CAPACITY", "capacity", TABLE_TEXT},
	{"MEMORY", "octets", TABLE_SIZE},
	{0},
};

/* {NAME: N, ...} as rows of a table, without zeros unless all are wanted. */
static json_t *rows_of(json_t *counters, bool all)
{
	json_t *rows = json_array(), *value;
	const char *name;

	json_object_foreach(counters, name, value)
	{
		if (all || json_integer_value(value) != 0)
			json_array_append_new(
				rows, json_pack("{s:s,s:O}", "name", name, "value", value));
	}
	return rows;
}

/* The rows of an array whose `key` is not zero, or all. */
static json_t *used_rows(json_t *array, const char *key, bool all)
{
	json_t *rows = json_array(), *row;
	size_t i;

	json_array_foreach(array, i, row)
	{
		if (all || json_integer_value(json_object_get(row, key)) != 0)
			json_array_append(rows, row);
	}
	return rows;
}

/* Prints a table behind an empty line, unless it has no rows. Takes rows over. */
static void section(FILE *to, const struct table_column *columns, json_t *rows)
{
	if (json_array_size(rows)) {
		fputc('\n', to);
		table_print(to, columns, rows);
	}
	json_decref(rows);
}

static void print_data_plane(FILE *to, const json_t *dp, bool all)
{
	fputs("\nData plane ", to);
	table_put_field(to, &(struct table_column){"", "name", TABLE_TEXT}, dp, 0);
	if (!json_is_true(json_object_get(dp, "answered"))) {
		fputs(": did not answer\n", to);
		return;
	}
	fputc('\n', to);
	section(to, counter_columns, rows_of(json_object_get(dp, "counters"), all));
	section(to, drop_columns, rows_of(json_object_get(dp, "drops"), all));
	section(to, node_columns, used_rows(json_object_get(dp, "nodes"), "packets", all));
	section(to, port_columns, used_rows(json_object_get(dp, "ports"), NULL, true));
	section(to, table_columns, used_rows(json_object_get(dp, "tables"), NULL, true));
}

/* {NAME: {...}, ...} as rows of a table. */
static json_t *named_rows(json_t *objects)
{
	json_t *rows = json_array(), *value;
	const char *name;

	json_object_foreach(objects, name, value)
	{
		json_t *row = json_copy(value);

		json_object_set_new(row, "name", json_string(name));
		json_array_append_new(rows, row);
	}
	return rows;
}

static void print_control(FILE *to, const json_t *control, bool all)
{
	fputs("Control plane\n", to);
	section(to, now_columns, rows_of(json_object_get(control, "now"), all));
	section(to, rate_columns, named_rows(json_object_get(control, "rates")));
	section(to, time_columns, used_rows(json_object_get(control, "times"), "count", all));
	section(to, counter_columns, rows_of(json_object_get(control, "counters"), all));
}

static int stats(struct command_context *context, struct args *args, const char *const *values)
{
	bool all = values[STATS_ALL] != NULL;
	json_t *result = NULL, *dp;
	size_t i;
	int rc;

	if (values[STATS_OPENMETRICS] && (context->json || all))
		return args_fail(args, "--openmetrics is a form of its own, without --%s",
			context->json ? "json" : "all");
	rc = command_request(context, "stats", NULL, &result);
	if (rc == 0 && values[STATS_OPENMETRICS]) {
		openmetrics_print(context->out, result);
	} else if (rc == 0 && context->json) {
		command_json(context, result);
	} else if (rc == 0) {
		print_control(context->out, json_object_get(result, "control"), all);
		json_array_foreach(json_object_get(result, "data_planes"), i, dp)
			print_data_plane(context->out, dp, all);
	}
	json_decref(result);
	return rc;
}

const struct command stats_commands[] = {
	{.group = "stats",
		.usage = "[OPTION]...",
		.summary = "Show rates, times, counters, drops by reason, and cycles per packet "
			   "per node.",
		.options = options,
		.run = stats},
	{0},
};
