/* Tables and the looks of values, as a person sees them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/dmmctl/table.h"

static json_t *load(const char *text)
{
	json_t *value = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(value);
	return value;
}

static void check_text(enum table_format format, const char *object, const char *want)
{
	const struct table_column column = {"", "v", format};
	json_t *value = load(object);
	char *text = table_text(&column, value);

	assert_string_equal(text, want);
	free(text);
	json_decref(value);
}

static void formats(void **state)
{
	(void)state;
	check_text(TABLE_TEXT, "{\"v\": \"abc\"}", "abc");
	check_text(TABLE_TEXT, "{\"v\": 9223372036854775807}", "9223372036854775807");
	check_text(TABLE_TEXT, "{\"v\": null}", "-");
	check_text(TABLE_TEXT, "{}", "-");
	check_text(TABLE_TEXT, "{\"v\": []}", "-");
	check_text(TABLE_TEXT, "{\"v\": [\"a\", 2, \"c\"]}", "a,2,c");
	check_text(TABLE_YESNO, "{\"v\": true}", "yes");
	check_text(TABLE_YESNO, "{\"v\": false}", "no");
	check_text(TABLE_DURATION, "{\"v\": 0}", "0s");
	check_text(TABLE_DURATION, "{\"v\": 59}", "59s");
	check_text(TABLE_DURATION, "{\"v\": 60}", "1m00s");
	check_text(TABLE_DURATION, "{\"v\": 3599}", "59m59s");
	check_text(TABLE_DURATION, "{\"v\": 3600}", "1h00m");
	check_text(TABLE_DURATION, "{\"v\": 86399}", "23h59m");
	check_text(TABLE_DURATION, "{\"v\": 262140}", "3d00h");
	check_text(TABLE_DURATION, "{\"v\": -5}", "-5s");
	check_text(TABLE_MS, "{\"v\": 250}", "250ms");
	check_text(TABLE_MS, "{\"v\": 59999}", "59999ms");
	check_text(TABLE_MS, "{\"v\": 60000}", "1m00s");
	check_text(TABLE_SIZE, "{\"v\": 1023}", "1023");
	check_text(TABLE_SIZE, "{\"v\": 1024}", "1.0K");
	check_text(TABLE_SIZE, "{\"v\": 1048575}", "1.0M");
	check_text(TABLE_SIZE, "{\"v\": 31457280}", "30M");
	check_text(TABLE_REAL, "{\"v\": 12.34}", "12.3");
	check_text(TABLE_TIME, "{\"v\": \"2026-01-31T12:00:00.250Z\"}", "2026-01-31T12:00:00Z");
	check_text(TABLE_TIME, "{\"v\": \"2026-01-31T12:00:00Z\"}", "2026-01-31T12:00:00Z");
	check_text(TABLE_TIME, "{\"v\": null}", "-");
}

static void nested_keys(void **state)
{
	(void)state;
	const struct table_column column = {"", "a.b.c", TABLE_TEXT};
	const char *const objects[] = {
		"{\"a\": {\"b\": {\"c\": 7}}}", "{\"a\": {\"b\": 7}}", "{\"a\": null}"};
	const char *const texts[] = {"7", "-", "-"};

	for (int i = 0; i < 3; i++) {
		json_t *value = load(objects[i]);
		char *text = table_text(&column, value);

		assert_string_equal(text, texts[i]);
		free(text);
		json_decref(value);
	}
}

static const struct table_column columns[] = {
	{"NAME", "name", TABLE_TEXT},
	{"COUNT", "count", TABLE_TEXT},
	{"NOTE", "note", TABLE_TEXT},
	{0},
};

static void check_table(const char *rows, const char *want)
{
	json_t *value = load(rows);
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	assert_int_equal(table_print(to, columns, value), 0);
	fclose(to);
	assert_string_equal(text, want);
	free(text);
	json_decref(value);
}

/* Numbers stand at the right, texts at the left, and no line ends in spaces. */
static void table(void **state)
{
	(void)state;
	check_table("[]", "NAME  COUNT  NOTE\n");
	check_table("[{\"name\": \"a\", \"count\": 5, \"note\": \"x\"},"
		    " {\"name\": \"longer\", \"count\": 123456, \"note\": null},"
		    " {\"name\": \"b\"}]",
		"NAME     COUNT  NOTE\n"
		"a            5  x\n"
		"longer  123456  -\n"
		"b            -  -\n");
}

/* Characters are counted, not octets; what could steer a terminal is not let through. */
static void table_of_odd_text(void **state)
{
	(void)state;
	check_table("[{\"name\": \"\\u00e4\\u00f6\", \"count\": 1, \"note\": \"a\\u001b[2Jb\\n\"}]",
		"NAME  COUNT  NOTE\n"
		"\xc3\xa4\xc3\xb6        1  a?[2Jb?\n");
}

static void pairs(void **state)
{
	(void)state;
	json_t *value = load("{\"name\": \"dp-a\", \"count\": 3}");
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_int_equal(table_print_pairs(to, columns, value), 0);
	fclose(to);
	assert_string_equal(text, "NAME:  dp-a\n"
				  "COUNT: 3\n"
				  "NOTE:  -\n");
	free(text);
	json_decref(value);
}

static void field(void **state)
{
	(void)state;
	json_t *value = load("{\"name\": \"ab\"}");
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	table_put_field(to, &(struct table_column){"n=", "name", TABLE_TEXT}, value, 5);
	table_put_field(to, &(struct table_column){"|", "name", TABLE_TEXT}, value, 1);
	fclose(to);
	assert_string_equal(text, "n=ab   |ab");
	free(text);
	json_decref(value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		cmocka_unit_test(nested_keys),
		cmocka_unit_test(table),
		cmocka_unit_test(table_of_odd_text),
		cmocka_unit_test(pairs),
		cmocka_unit_test(field),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
