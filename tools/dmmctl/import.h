/*
 * Subscriber files: JSON Lines, one subscriber a line, read into pieces that fit a request.
 *
 * A line that is no JSON object is reported with its number and passed over. What the fields mean
 * is for dmm-ctrl to judge. Nothing of a line is ever printed: it holds a key.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
	IMPORT_LINES_MAX = 1000,         /* lines in one piece */
	IMPORT_OCTETS_MAX = 512 * 1024,  /* octets of text in one piece, a line more at most */
	IMPORT_LINE_LEN_MAX = 64 * 1024, /* a longer line is wrong */
};

struct import {
	FILE *from;
	uint64_t line; /* number of the last line read, from 1 */
	char *text;    /* of it; wiped and freed by import_end() */
	size_t size;
	json_t *errors; /* list of {"line", "code", "message"}: of import_next(), and of the caller
			 */
};

/* Starts reading. Returns 0 or -ENOMEM. */
int import_begin(struct import *import, FILE *from);

/* Reads the next piece: a new list of {"line", "subscriber"} that the caller owns, empty at the
 * end of the file. NULL: the file could not be read (errno), or there is no memory. */
json_t *import_next(struct import *import);

/* Wipes what was read and frees everything. The file stays the caller's. */
void import_end(struct import *import);
