#include "tools/dmmctl/table.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define COLUMN_GAP 2

/* The value of "a.b" within an object, or NULL. */
static const json_t *lookup(const json_t *object, const char *key)
{
	const char *dot;

	while (object && (dot = strchr(key, '.'))) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)(dot - key), key);
		object = json_object_get(object, name);
		key = dot + 1;
	}
	return json_object_get(object, key);
}

static void print_duration(FILE *to, json_int_t s)
{
	if (s < 0) {
		fputc('-', to);
		s = -s;
	}
	if (s < 60)
		fprintf(to, "%" JSON_INTEGER_FORMAT "s", s);
	else if (s < 3600)
		fprintf(to, "%" JSON_INTEGER_FORMAT "m%02ds", s / 60, (int)(s % 60));
	else if (s < 86400)
		fprintf(to, "%" JSON_INTEGER_FORMAT "h%02dm", s / 3600, (int)(s % 3600 / 60));
	else
		fprintf(to, "%" JSON_INTEGER_FORMAT "d%02dh", s / 86400, (int)(s % 86400 / 3600));
}

static void print_size(FILE *to, json_int_t n)
{
	static const char units[] = "KMGTPE";
	double value = (double)n;
	size_t unit = 0;

	if (n < 1024) {
		fprintf(to, "%" JSON_INTEGER_FORMAT, n);
		return;
	}
	/* 1023.95 would be shown as 1024.0 of the smaller unit. */
	for (value /= 1024; value >= 1023.95 && units[unit + 1]; unit++)
		value /= 1024;
	fprintf(to, value < 10 ? "%.1f%c" : "%.0f%c", value, units[unit]);
}

/* "2026-01-31T12:00:00.250Z" without ".250"; anything else as it is. */
static void print_time(FILE *to, const char *text)
{
	const char *point = strchr(text, '.');

	if (point)
		fprintf(to, "%.*s%s", (int)(point - text), text,
			point + 1 + strspn(point + 1, "0123456789"));
	else
		fputs(text, to);
}

static void print_list(FILE *to, const json_t *list)
{
	for (size_t i = 0; i < json_array_size(list); i++) {
		const json_t *item = json_array_get(list, i);

		if (i)
			fputc(',', to);
		if (json_is_string(item))
			fputs(json_string_value(item), to);
		else if (json_is_integer(item))
			fprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(item));
	}
	if (json_array_size(list) == 0)
		fputc('-', to);
}

static void print_integer(FILE *to, enum table_format format, json_int_t n)
{
	if (format == TABLE_DURATION)
		print_duration(to, n);
	else if (format == TABLE_MS && n >= 60000)
		print_duration(to, n / 1000);
	else if (format == TABLE_MS)
		fprintf(to, "%" JSON_INTEGER_FORMAT "ms", n);
	else if (format == TABLE_SIZE)
		print_size(to, n);
	else
		fprintf(to, "%" JSON_INTEGER_FORMAT, n);
}

static void print_value(FILE *to, enum table_format format, const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		if (format == TABLE_TIME)
			print_time(to, json_string_value(value));
		else
			fputs(json_string_value(value), to);
		break;
	case JSON_INTEGER:
		print_integer(to, format, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(to, "%.1f", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", to);
		break;
	case JSON_FALSE:
		fputs("no", to);
		break;
	case JSON_ARRAY:
		print_list(to, value);
		break;
	default:
		fputc('-', to);
	}
}

char *table_text(const struct table_column *column, const json_t *object)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	print_value(to, column->format, lookup(object, column->key));
	if (fclose(to)) {
		free(text);
		return NULL;
	}
	return text;
}

/* Characters that a terminal shows: UTF-8 counts its first octets. */
static size_t width(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void table_put(FILE *to, const char *text)
{
	for (; *text; text++) {
		unsigned char ch = (unsigned char)*text;

		fputc(ch < 0x20 || ch == 0x7f ? '?' : ch, to);
	}
}

static void pad(FILE *to, size_t n)
{
	fprintf(to, "%*s", (int)n, "");
}

void table_put_field(FILE *to, const struct table_column *column, const json_t *object, size_t fill)
{
	char *text = table_text(column, object);

	fputs(column->title, to);
	if (!text)
		return;
	table_put(to, text);
	if (width(text) < fill)
		pad(to, fill - width(text));
	free(text);
}

/* The cells of a table as text, row by row, with the titles in row 0. */
struct cells {
	char **text;
	size_t rows, columns;
	size_t width[TABLE_COLUMNS_MAX];
	bool number[TABLE_COLUMNS_MAX]; /* aligned right */
};

static void cells_free(struct cells *cells)
{
	for (size_t i = 0; i < cells->rows * cells->columns; i++)
		free(cells->text[i]);
	free(cells->text);
}

/* A column of numbers: at least one row holds one, and no row holds anything else but nothing. */
static bool all_numbers(const struct table_column *column, const json_t *rows)
{
	bool some = false;

	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *value = lookup(json_array_get(rows, i), column->key);

		if (!value || json_is_null(value))
			continue;
		if (!json_is_number(value))
			return false;
		some = true;
	}
	return some;
}

static int cells_make(struct cells *cells, const struct table_column *columns, const json_t *rows)
{
	*cells = (struct cells){.rows = json_array_size(rows) + 1};
	while (cells->columns < TABLE_COLUMNS_MAX && columns[cells->columns].title)
		cells->columns++;
	assert(cells->columns < TABLE_COLUMNS_MAX || !columns[cells->columns].title);
	cells->text = calloc(cells->rows * cells->columns, sizeof(char *));
	if (!cells->text)
		return -ENOMEM;
	for (size_t c = 0; c < cells->columns; c++)
		cells->number[c] = all_numbers(&columns[c], rows);
	for (size_t r = 0; r < cells->rows; r++) {
		for (size_t c = 0; c < cells->columns; c++) {
			char *text = r ? table_text(&columns[c], json_array_get(rows, r - 1))
				       : strdup(columns[c].title);

			if (!text)
				return -ENOMEM;
			cells->text[r * cells->columns + c] = text;
			if (width(text) > cells->width[c])
				cells->width[c] = width(text);
		}
	}
	return 0;
}

static void cells_print(FILE *to, const struct cells *cells)
{
	for (size_t r = 0; r < cells->rows; r++) {
		for (size_t c = 0; c < cells->columns; c++) {
			const char *text = cells->text[r * cells->columns + c];
			size_t room = cells->width[c] - width(text);

			if (cells->number[c])
				pad(to, room);
			table_put(to, text);
			if (c + 1 < cells->columns)
				pad(to, COLUMN_GAP + (cells->number[c] ? 0 : room));
		}
		fputc('\n', to);
	}
}

int table_print(FILE *to, const struct table_column *columns, const json_t *rows)
{
	struct cells cells;
	int rc = cells_make(&cells, columns, rows);

	if (rc == 0)
		cells_print(to, &cells);
	cells_free(&cells);
	return rc;
}

int table_print_pairs(FILE *to, const struct table_column *columns, const json_t *object)
{
	size_t widest = 0;

	for (const struct table_column *c = columns; c->title; c++)
		if (width(c->title) > widest)
			widest = width(c->title);
	for (const struct table_column *c = columns; c->title; c++) {
		char *text = table_text(c, object);

		if (!text)
			return -ENOMEM;
		fprintf(to, "%s:", c->title);
		pad(to, widest - width(c->title) + 1);
		table_put(to, text);
		fputc('\n', to);
		free(text);
	}
	return 0;
}
