#include "tools/dmmctl/openmetrics.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#define US_PER_S 1e6

/* A family of the data planes: a value of each object of a list, or of each pair of an object. */
struct family {
	const char *name; /* without "_total" */
	bool counter;     /* else a gauge */
	const char *unit; /* NULL: none */
	const char *help;
	const char *section; /* of a data plane's figures */
	const char *key;     /* of an object of the list; NULL: the section is {NAME: value} */
	const char *label;   /* what the name is called */
};

static const struct family families[] = {
	{"dmm_data_plane_events", true, NULL,
		"What data planes counted, by the name of the counter.", "counters", NULL,
		"counter"},
	{"dmm_data_plane_drops", true, NULL, "Packets dropped by data planes, by reason.", "drops",
		NULL, "reason"},
	{"dmm_data_plane_node_calls", true, NULL,
		"Visits of nodes of the packet graph that were timed: some of all visits.", "nodes",
		"calls", "node"},
	{"dmm_data_plane_node_packets", true, NULL,
		"Packets that nodes of the packet graph worked on in timed visits.", "nodes",
		"packets", "node"},
	{"dmm_data_plane_node_cycles", true, NULL,
		"Processor cycles that timed visits of nodes of the packet graph took.", "nodes",
		"cycles", "node"},
	{"dmm_data_plane_port_rx_packets", true, NULL, "Packets that a port received.", "ports",
		"rx_packets", "port"},
	{"dmm_data_plane_port_rx_bytes", true, "bytes", "Octets that a port received.", "ports",
		"rx_octets", "port"},
	{"dmm_data_plane_port_tx_packets", true, NULL, "Packets that a port sent.", "ports",
		"tx_packets", "port"},
	{"dmm_data_plane_port_tx_bytes", true, "bytes", "Octets that a port sent.", "ports",
		"tx_octets", "port"},
	{"dmm_data_plane_port_rx_missed", true, NULL,
		"Packets that came to a port and were lost: its queue or the buffers were full.",
		"ports", "rx_missed", "port"},
	{"dmm_data_plane_port_tx_errors", true, NULL, "Packets that the port did not send.",
		"ports", "tx_errors", "port"},
	{"dmm_data_plane_table_entries", false, NULL, "Entries in the tables of data planes.",
		"tables", "entries", "table"},
	{"dmm_data_plane_table_capacity", false, NULL, "Entries that tables have room for.",
		"tables", "capacity", "table"},
	{"dmm_data_plane_table_bytes", false, "bytes",
		"Memory that the tables of data planes take.", "tables", "octets", "table"},
};

static void put_escaped(FILE *to, const char *text)
{
	for (; text && *text; text++) {
		if (*text == '\n') {
			fputs("\\n", to);
			continue;
		}
		if (*text == '"' || *text == '\\')
			fputc('\\', to);
		fputc(*text, to);
	}
}

static void put_head(
	FILE *to, const char *name, const char *type, const char *unit, const char *help)
{
	fprintf(to, "# TYPE %s %s\n", name, type);
	if (unit)
		fprintf(to, "# UNIT %s %s\n", name, unit);
	if (help) {
		fprintf(to, "# HELP %s ", name);
		put_escaped(to, help);
		fputc('\n', to);
	}
}

/* A label's value between quotes. */
static void put_quoted(FILE *to, const char *text)
{
	fputc('"', to);
	put_escaped(to, text);
	fputc('"', to);
}

static void put_sample(FILE *to, const struct family *f, const char *data_plane, const char *name,
	const json_t *value)
{
	if (!json_is_integer(value))
		return;
	fprintf(to, "%s%s{data_plane=", f->name, f->counter ? "_total" : "");
	put_quoted(to, data_plane);
	fprintf(to, ",%s=", f->label);
	put_quoted(to, name);
	fprintf(to, "} %" JSON_INTEGER_FORMAT "\n", json_integer_value(value));
}

static void put_section(FILE *to, const struct family *f, const json_t *dp)
{
	const char *data_plane = json_string_value(json_object_get(dp, "name")), *name;
	json_t *section = json_object_get(dp, f->section), *value;
	size_t i;

	json_object_foreach(section, name, value)
	{
		put_sample(to, f, data_plane, name, value);
	}
	json_array_foreach(section, i, value)
	{
		put_sample(to, f, data_plane, json_string_value(json_object_get(value, "name")),
			json_object_get(value, f->key));
	}
}

static void put_data_planes(FILE *to, const json_t *data_planes)
{
	json_t *dp;
	size_t i;

	put_head(to, "dmm_data_plane_up", "gauge", NULL, "Whether the data plane answered.");
	json_array_foreach(data_planes, i, dp)
	{
		fputs("dmm_data_plane_up{data_plane=", to);
		put_quoted(to, json_string_value(json_object_get(dp, "name")));
		fprintf(to, "} %d\n", json_is_true(json_object_get(dp, "answered")));
	}
	for (size_t n = 0; n < sizeof(families) / sizeof(*families); n++) {
		const struct family *f = &families[n];

		put_head(to, f->name, f->counter ? "counter" : "gauge", f->unit, f->help);
		json_array_foreach(data_planes, i, dp)
		{
			put_section(to, f, dp);
		}
	}
}

static void put_time(FILE *to, const json_t *time)
{
	const char *name = json_string_value(json_object_get(time, "name"));
	json_int_t count = json_integer_value(json_object_get(time, "count"));
	json_int_t sum = json_integer_value(json_object_get(time, "sum_us"));
	json_t *bucket;
	char full[96];
	size_t i;

	snprintf(full, sizeof(full), "dmm_control_%s_seconds", name ? name : "");
	put_head(
		to, full, "histogram", "seconds", json_string_value(json_object_get(time, "help")));
	json_array_foreach(json_object_get(time, "buckets"), i, bucket)
	{
		fprintf(to, "%s_bucket{le=\"%g\"} %" JSON_INTEGER_FORMAT "\n", full,
			(double)json_integer_value(json_object_get(bucket, "le_us")) / US_PER_S,
			json_integer_value(json_object_get(bucket, "count")));
	}
	fprintf(to, "%s_bucket{le=\"+Inf\"} %" JSON_INTEGER_FORMAT "\n", full, count);
	fprintf(to, "%s_count %" JSON_INTEGER_FORMAT "\n", full, count);
	fprintf(to, "%s_sum %g\n", full, (double)sum / US_PER_S);
}

/* What a figure of control means, as it tells itself; NULL: it does not. */
static const char *help_of(const json_t *control, const char *name)
{
	return json_string_value(json_object_get(json_object_get(control, "help"), name));
}

void openmetrics_print(FILE *to, const json_t *stats)
{
	const json_t *control = json_object_get(stats, "control");
	const char *name;
	json_t *value;
	size_t i;

	json_object_foreach(json_object_get(control, "counters"), name, value)
	{
		char full[128];

		snprintf(full, sizeof(full), "dmm_control_%s", name);
		put_head(to, full, "counter", NULL, help_of(control, name));
		fprintf(to, "%s_total %" JSON_INTEGER_FORMAT "\n", full, json_integer_value(value));
	}
	json_object_foreach(json_object_get(control, "now"), name, value)
	{
		char full[128];

		snprintf(full, sizeof(full), "dmm_control_now_%s", name);
		put_head(to, full, "gauge", NULL, help_of(control, name));
		fprintf(to, "%s %" JSON_INTEGER_FORMAT "\n", full, json_integer_value(value));
	}
	json_array_foreach(json_object_get(control, "times"), i, value)
	{
		put_time(to, value);
	}
	put_data_planes(to, json_object_get(stats, "data_planes"));
	fputs("# EOF\n", to);
}
