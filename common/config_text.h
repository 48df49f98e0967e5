/*
 * The configuration reader's inner part: the text that libconfig is given. Files named by @include
 * stand in their place, and integers carry the suffix without which libconfig would silently cut
 * them off at 32 bits. One allocation of about the size of the files, and 16 octets a line.
 */
#pragma once

#include "common/config.h"

#define CONFIG_TEXT_MAX      (16u << 20) /* octets of a file */
#define CONFIG_TEXT_INCLUDES 64          /* files, with the first */
#define CONFIG_TEXT_DEPTH    10          /* of @include within @include */

/* Where a line of the text came from. */
struct config_text_line {
	const char *file;
	unsigned line;
};

/* The text owns all of it. */
struct config_text {
	char *text;
	struct config_text_line *lines;
	size_t count;
	char *files[CONFIG_TEXT_INCLUDES];
	size_t file_count;
};

/* Reads a file and all that it includes; a relative name is looked for in the folder of the first
 * file. Returns 0; -ENOENT, -EACCES, ... when a file cannot be read, -EINVAL, -ENOMEM; the report
 * tells what is wrong. The caller ends with config_text_free(), also after an error. */
int config_text_read(struct config_text *text, const char *path, struct config_report *report);

/* The same from a text, which is named so in messages and includes from the working directory. */
int config_text_take(
	struct config_text *text, const char *name, const char *from, struct config_report *report);

/* Where line N of the text, from 1, came from. */
const struct config_text_line *config_text_line(const struct config_text *text, unsigned line);

/* A copy of the text, which the caller frees, in which each key begins a line, so that libconfig's
 * number of a line says which key it is about. NULL: no memory. */
char *config_text_split(const struct config_text *text);

/* The key that begins a line of what config_text_split() gave, into buf; "" if there is none. */
const char *config_text_key(const char *split, unsigned line, char *buf, size_t size);

/* Frees all of it and clears it, also after an error. */
void config_text_free(struct config_text *text);
