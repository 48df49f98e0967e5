/* Subscriber files: pieces, line numbers, and what is said of wrong lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/dmmctl/import.h"

static FILE *file_of(const char *text, size_t len)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	rewind(file);
	return file;
}

static json_int_t line_of(const json_t *list, size_t i)
{
	return json_integer_value(json_object_get(json_array_get(list, i), "line"));
}

static const char *message_of(const json_t *list, size_t i)
{
	return json_string_value(json_object_get(json_array_get(list, i), "message"));
}

/* Good lines come with their numbers; empty ones are passed over, wrong ones are told. */
static void good_and_wrong_lines(void **state)
{
	(void)state;
	static const char text[] = "{\"mn_id\": \"a\"}\n"
				   "\n"
				   "  \t\r\n"
				   "{\"mn_id\": \"b\", \"key\": \"5ec4e7\" \"oops\"}\n"
				   "[1, 2]\n"
				   "\"5ec4e7\"\n"
				   "{\"mn_id\": \"c\", \"mn_id\": \"d\"}\n"
				   "{\"mn_id\": \"e\"} trailing\n"
				   "{\"mn_id\": \"f\0\"}\n"
				   "{\"mn_id\": \"g\"}\r\n"
				   "{\"mn_id\": \"h\"}";
	struct import import;
	FILE *file = file_of(text, sizeof(text) - 1);
	json_t *lines, *end;
	static const json_int_t wrong[] = {4, 5, 6, 7, 8, 9};

	assert_int_equal(import_begin(&import, file), 0);
	lines = import_next(&import);
	assert_int_equal(json_array_size(lines), 3);
	assert_int_equal(line_of(lines, 0), 1);
	assert_int_equal(line_of(lines, 1), 10);
	assert_int_equal(line_of(lines, 2), 11);
	assert_string_equal(
		json_string_value(json_object_get(
			json_object_get(json_array_get(lines, 2), "subscriber"), "mn_id")),
		"h");
	assert_int_equal(json_array_size(import.errors), 6);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(line_of(import.errors, i), wrong[i]);
		assert_null(strstr(message_of(import.errors, i), "5ec4e7"));
	}
	assert_string_equal(message_of(import.errors, 1), "not a JSON object");
	assert_non_null(strstr(message_of(import.errors, 3), "same key twice"));
	end = import_next(&import);
	assert_int_equal(json_array_size(end), 0);
	json_decref(end);
	json_decref(lines);
	import_end(&import);
	fclose(file);
}

static void many_lines_come_in_pieces(void **state)
{
	(void)state;
	struct import import;
	FILE *file = tmpfile();
	json_int_t expected = 1;
	size_t pieces = 0;

	for (int i = 0; i < 2 * IMPORT_LINES_MAX + 1; i++)
		fprintf(file, "{\"mn_id\": \"mn%d\"}\n", i);
	rewind(file);
	assert_int_equal(import_begin(&import, file), 0);
	for (;;) {
		json_t *lines = import_next(&import);
		size_t count = json_array_size(lines);

		for (size_t i = 0; i < count; i++)
			assert_int_equal(line_of(lines, i), expected++);
		json_decref(lines);
		if (count == 0)
			break;
		assert_in_range(count, 1, IMPORT_LINES_MAX);
		pieces++;
	}
	assert_int_equal(pieces, 3);
	assert_int_equal(expected, 2 * IMPORT_LINES_MAX + 2);
	import_end(&import);
	fclose(file);
}

/* Long lines make short pieces; one that is too long is refused and the next is read on. */
static void long_lines(void **state)
{
	(void)state;
	struct import import;
	FILE *file = tmpfile();
	json_t *lines;
	size_t seen = 0, count;

	fprintf(file, "{\"x\": \"%0*d\"}\n", IMPORT_LINE_LEN_MAX, 0);
	for (int i = 0; i < 20; i++)
		fprintf(file, "{\"x\": \"%0*d\"}\n", 60000, 0);
	rewind(file);
	assert_int_equal(import_begin(&import, file), 0);
	do {
		char *text;

		lines = import_next(&import);
		count = json_array_size(lines);
		seen += count;
		text = json_dumps(lines, JSON_COMPACT);
		assert_in_range(strlen(text), 1, 1 << 20);
		free(text);
		json_decref(lines);
	} while (count);
	assert_int_equal(seen, 20);
	assert_int_equal(json_array_size(import.errors), 1);
	assert_int_equal(line_of(import.errors, 0), 1);
	import_end(&import);
	fclose(file);
}

static void empty_file(void **state)
{
	(void)state;
	struct import import;
	FILE *file = tmpfile();
	json_t *lines;

	assert_int_equal(import_begin(&import, file), 0);
	lines = import_next(&import);
	assert_int_equal(json_array_size(lines), 0);
	assert_int_equal(json_array_size(import.errors), 0);
	json_decref(lines);
	import_end(&import);
	fclose(file);
}

/* A folder opens like a file and fails when it is read. */
static void unreadable(void **state)
{
	(void)state;
	struct import import;
	FILE *file = fopen("/", "r");

	assert_non_null(file);
	assert_int_equal(import_begin(&import, file), 0);
	assert_null(import_next(&import));
	import_end(&import);
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_and_wrong_lines),
		cmocka_unit_test(many_lines_come_in_pieces),
		cmocka_unit_test(long_lines),
		cmocka_unit_test(empty_file),
		cmocka_unit_test(unreadable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
