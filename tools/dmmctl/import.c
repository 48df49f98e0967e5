#include "tools/dmmctl/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int import_begin(struct import *import, FILE *from)
{
	*import = (struct import){.from = from, .errors = json_array()};
	return import->errors ? 0 : -ENOMEM;
}

static void wrong_line(struct import *import, const char *message, int column)
{
	char text[80];

	snprintf(text, sizeof(text), column > 0 ? "%s at column %d" : "%s", message, column);
	json_array_append_new(
		import->errors, json_pack("{s:I,s:s,s:s}", "line", (json_int_t)import->line, "code",
					"syntax", "message", text));
}

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!strchr(" \t\r\n", text[i]) || text[i] == '\0')
			return false;
	return true;
}

/* The line's object, or NULL after it was reported. jansson's own words are not used: they quote
 * what stands near the error. */
static json_t *parse_line(struct import *import, size_t len)
{
	json_error_t error;
	json_t *value;

	if (len > IMPORT_LINE_LEN_MAX) {
		wrong_line(import, "longer than 65536 octets", 0);
		return NULL;
	}
	value = json_loadb(import->text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value) {
		bool twice = json_error_code(&error) == json_error_duplicate_key;

		wrong_line(import, twice ? "the same key twice" : "not JSON", error.column);
	} else if (!json_is_object(value)) {
		wrong_line(import, "not a JSON object", 0);
		json_decref(value);
		value = NULL;
	}
	return value;
}

json_t *import_next(struct import *import)
{
	json_t *lines = json_array();
	size_t octets = 0;

	while (lines && json_array_size(lines) < IMPORT_LINES_MAX && octets < IMPORT_OCTETS_MAX) {
		json_t *subscriber;
		ssize_t len;

		errno = 0;
		len = getline(&import->text, &import->size, import->from);
		if (len < 0 && errno) {
			json_decref(lines);
			return NULL;
		}
		if (len < 0)
			break;
		import->line++;
		if (is_blank(import->text, (size_t)len))
			continue;
		subscriber = parse_line(import, (size_t)len);
		if (!subscriber)
			continue;
		octets += (size_t)len;
		json_array_append_new(
			lines, json_pack("{s:I,s:o}", "line", (json_int_t)import->line,
				       "subscriber", subscriber));
	}
	return lines;
}

void import_end(struct import *import)
{
	if (import->text)
		explicit_bzero(import->text, import->size);
	free(import->text);
	json_decref(import->errors);
}
