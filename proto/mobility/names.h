/* Numbers with names: status codes, triggers, reasons, subtypes. A list of rows is one registry.
 * Constant tables: any thread. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct name {
	uint16_t code;
	const char *name;
	const char *source; /* "RFC 6275" */
};

struct names {
	const char *title; /* "Binding Acknowledgement status" */
	const struct name *rows;
	size_t count;
};

/* names_find: the name of CODE, "unassigned" when it has none. */
const char *names_find(const struct names *names, unsigned code);
