/* Walking the fields of a decoded message, for printers: what to call it, what it is, its value.
 *
 * The walk follows the tables of messages and options, so that a printer of JSON, of text or of
 * documentation is one callback and knows no message. Nothing is allocated; what a value points to
 * lives as long as the message; names, texts and numbers only until the callback returns.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "proto/mobility/field.h"
#include "proto/mobility/mh.h"

enum visit_kind {
	VISIT_NUMBER, /* number; unit may be set */
	VISIT_BOOL,   /* number: 0 or 1 */
	VISIT_FLAGS,  /* number, text: its letters ("AHK"), size: octets of the field */
	VISIT_NAMED,  /* number, text: its name, "unassigned" without one */
	VISIT_ADDR4,  /* octets: 4 */
	VISIT_ADDR6,  /* octets: 16 */
	VISIT_OCTETS, /* octets, any number of them */
	VISIT_TEXT,   /* octets: printable UTF-8, not terminated */
	VISIT_STRING, /* text */
	VISIT_LIST,   /* values without name follow, up to its VISIT_END */
	VISIT_OBJECT, /* values with names follow, up to its VISIT_END; clause may be set */
	VISIT_END,    /* of the innermost list or object */
};

struct visit_value {
	const char *name;   /* key; NULL in a list and for VISIT_END */
	const char *text;   /* see enum visit_kind */
	const char *unit;   /* "4 s": what one of number is; NULL without */
	const char *clause; /* "RFC 6275, 6.1.7"; NULL without */
	const uint8_t *octets;
	size_t len;      /* of octets */
	uint64_t number; /* host order */
	uint8_t kind;    /* enum visit_kind */
	uint8_t size;    /* of a flags field: octets on the wire */
};

/* Called for each value in the order of the wire. Returns 0 to go on; anything else ends the walk
 * and is what the walker returns. */
typedef int visit_fn(void *context, const struct visit_value *value);

struct visitor {
	visit_fn *fn;
	void *context;
};

/* visit_fields: the fields of LIST that hold, of the struct at BASE. */
int visit_fields(const struct field *list, const void *base, const struct visitor *v);

/* visit_message: the fields of the message, without type, checksum and options. */
int visit_message(const struct mh *mh, const struct visitor *v);

/* visit_option: the fields of an option; of one that is not understood its octets as "data". */
int visit_option(const struct mh_option *option, const struct visitor *v);

/* visit_options: a list "options" of objects: "type" (the number on the wire), "name", "length",
 * "offset", "state" ("known", "unknown", "misplaced"), then what visit_option gives. The clause of
 * the object is that of the option. Options beyond MH_UNKNOWN_MAX that were only counted are not
 * there: see mh.unknown and mh.misplaced. */
int visit_options(const struct mh *mh, const struct visitor *v);

/* What a field_visit_fn, or the printer of another protocol, gives to the callback. */

/* visit_number: a number, with its UNIT or NULL. */
int visit_number(const struct visitor *v, const char *name, uint64_t number, const char *unit);

/* visit_bool: false or true. */
int visit_bool(const struct visitor *v, const char *name, bool value);

/* visit_named: a number and its name in NAMES. */
int visit_named(
	const struct visitor *v, const char *name, uint64_t number, const struct names *names);

/* visit_octets: LEN octets of KIND: VISIT_OCTETS, VISIT_ADDR4, VISIT_ADDR6 or VISIT_TEXT; text that
 * is not printable UTF-8 becomes VISIT_OCTETS. */
int visit_octets(const struct visitor *v, const char *name, enum visit_kind kind,
	const void *octets, size_t len);

/* visit_string: a terminated text of ours. */
int visit_string(const struct visitor *v, const char *name, const char *text);

/* visit_begin: opens a VISIT_LIST or a VISIT_OBJECT; CLAUSE may be NULL. */
int visit_begin(
	const struct visitor *v, const char *name, enum visit_kind kind, const char *clause);

/* visit_end: closes what was opened last. */
int visit_end(const struct visitor *v);
