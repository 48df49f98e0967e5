/* Visitors that write what they are given to a stream: JSON, one object a line, or indented text.
 *
 * In JSON a number that has a name is two keys, KEY and KEY_name; flags are their letters, octets
 * are hexadecimal, a text that is NULL is null. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "proto/mobility/visit.h"

#define PRINT_DEPTH_MAX 16 /* lists and objects inside each other */

struct print {
	FILE *out;
	int depth;
	bool is_first[PRINT_DEPTH_MAX]; /* nothing stands in that list or object yet */
	bool is_list[PRINT_DEPTH_MAX];
};

/* print_json, print_text: each a visit_fn whose context is a struct print with `out` set and all
 * else zero. They return 0, or -EIO when the stream has an error. */
int print_json(void *context, const struct visit_value *value);
int print_text(void *context, const struct visit_value *value);
