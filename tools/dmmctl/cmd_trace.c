#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/dmmctl/command.h"
#include "tools/dmmctl/pcapng.h"

enum trace_option { TRACE_WRITE };

enum { OCTETS_MAX = 65535, MS_PER_S = 1000, NS_PER_MS = 1000000 };

static const struct args_option options[] = {
	[TRACE_WRITE] = {'w', "write", "FILE", "write messages and packets to a pcapng file, too"},
	{0},
};

/* Where items go beside standard output. */
static struct {
	FILE *to; /* NULL: nowhere */
	bool json;
} sink;

static const char *text_of(const json_t *item, const char *key)
{
	const char *text = json_string_value(json_object_get(item, key));

	return text ? text : "-";
}

/* A time as docs/api.md has it, in nanoseconds since 1970; 0 for one that is none. */
static uint64_t time_of(const char *text)
{
	struct tm tm = {0};
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t ms = rest && *rest == '.' ? strtoul(rest + 1, NULL, 10) : 0;

	return rest ? ((uint64_t)timegm(&tm) * MS_PER_S + ms) * NS_PER_MS : 0;
}

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

static void write_packet(const json_t *item)
{
	static uint8_t octets[OCTETS_MAX];
	const char *digits = json_string_value(json_object_get(item, "packet"));
	const size_t length = (size_t)json_integer_value(json_object_get(item, "octets"));
	const char *kind = text_of(item, "kind");
	char comment[200];
	size_t len = 0;

	for (; digits && len < OCTETS_MAX && digit_of(digits[0]) >= 0 && digit_of(digits[1]) >= 0;
		digits += 2)
		octets[len++] = (uint8_t)(digit_of(digits[0]) << 4 | digit_of(digits[1]));
	if (!len)
		return;
	snprintf(comment, sizeof(comment), "%s %s: %s", kind, text_of(item, "what"),
		text_of(item, "outcome"));
	if (pcapng_packet(sink.to, time_of(text_of(item, "time")), strcmp(kind, "sent") != 0,
		    octets, len, length > len ? length : len, comment) < 0) {
		perror("dmmctl: the capture");
		exit(COMMAND_FAILED);
	}
}

static void show(FILE *to, const json_t *item)
{
	static const struct table_column message[] = {
		{"", "time", TABLE_TEXT},
		{" ", "kind", TABLE_TEXT},
		{" ", "what", TABLE_TEXT},
		{": ", "outcome", TABLE_TEXT},
		{" home=", "home_address", TABLE_TEXT},
		{" care-of=", "care_of_address", TABLE_TEXT},
		{" data-plane=", "data_plane", TABLE_TEXT},
		{0},
	};
	static const struct table_column packet[] = {
		{"", "time", TABLE_TEXT},
		{" ", "kind", TABLE_TEXT},
		{" ", "what", TABLE_TEXT},
		{": ", "outcome", TABLE_TEXT},
		{" home=", "home_address", TABLE_TEXT},
		{" data-plane=", "data_plane", TABLE_TEXT},
		{" from=", "from", TABLE_TEXT},
		{" by=", "by", TABLE_TEXT},
		{" to=", "to", TABLE_TEXT},
		{" octets=", "octets", TABLE_TEXT},
		{" missed=", "missed", TABLE_TEXT},
		{0},
	};
	const bool is_packet = strcmp(text_of(item, "kind"), "packet") == 0;

	if (sink.to)
		write_packet(item);
	if (sink.json) {
		json_dumpf(item, to, JSON_COMPACT);
	} else {
		for (const struct table_column *field = is_packet ? packet : message; field->title;
			field++)
			table_put_field(to, field, item, 0);
	}
	fputc('\n', to);
	fflush(to);
}

static int trace(struct command_context *context, struct args *args, const char *const *values)
{
	struct command_context plain = *context;
	int rc = 0;

	sink.json = context->json;
	if (values[TRACE_WRITE]) {
		sink.to = fopen(values[TRACE_WRITE], "wbe");
		rc = sink.to ? pcapng_begin(sink.to) : -errno;
	}
	if (rc < 0) {
		fprintf(context->err, "dmmctl: %s: %s\n", values[TRACE_WRITE], strerror(-rc));
		return COMMAND_FAILED;
	}
	plain.json = false;
	rc = command_stream(
		&plain, "trace", json_pack("{s:s}", "mn_id", args->argv[args->first]), true, show);
	if (sink.to && fclose(sink.to) != 0)
		rc = COMMAND_FAILED;
	sink.to = NULL;
	return rc;
}

const struct command trace_commands[] = {
	{.group = "trace",
		.usage = "[OPTION]... MN-ID",
		.summary =
			"Show the messages and packets of a subscriber and what becomes of them.",
		.options = options,
		.run = trace,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};
