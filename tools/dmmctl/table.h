/*
 * Text for people from JSON: tables, lists of names and values, and how a number, a time or a
 * missing value looks. Control characters are shown as '?', so that no value can reach the
 * terminal as a command. Pure: all output goes to the given file.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

/* How a value is shown. null and missing keys are "-" in all of them. */
enum table_format {
	TABLE_TEXT,     /* strings and numbers as they are, lists separated by commas */
	TABLE_YESNO,    /* true: "yes", false: "no" */
	TABLE_DURATION, /* seconds as "59s", "6m59s", "2h05m", "3d04h" */
	TABLE_MS,       /* milliseconds as "250ms", or as a duration from a minute up */
	TABLE_SIZE,     /* octets as "512", "1.5K", "30M" (powers of 1024) */
	TABLE_REAL,     /* one digit behind the point */
	TABLE_TIME,     /* RFC 3339 without the fraction: "2026-01-31T12:00:00Z" */
};

/* A column, or a line of table_print_pairs(). Numbers are aligned right. */
struct table_column {
	const char *title; /* NULL ends the list */
	const char *key;   /* of the object; "a.b" is b within a */
	enum table_format format;
};

enum { TABLE_COLUMNS_MAX = 20 };

/* Prints one line for the titles and one for each object of the array; only the titles when it is
 * empty. Returns 0 or -ENOMEM. */
int table_print(FILE *to, const struct table_column *columns, const json_t *rows);

/* Prints "title: value" lines of one object, the values below each other. Returns 0 or -ENOMEM. */
int table_print_pairs(FILE *to, const struct table_column *columns, const json_t *object);

/* The text of obj's value as the column wants it; the caller frees it. NULL: no memory. */
char *table_text(const struct table_column *column, const json_t *object);

/* Prints a column's title and value, filled up with spaces to `fill` characters of value: a part of
 * a line that stands alone, such as an event. */
void table_put_field(
	FILE *to, const struct table_column *column, const json_t *object, size_t fill);

/* Writes text with control characters replaced. */
void table_put(FILE *to, const char *text);
