/*
 * Configuration files (libconfig syntax), driven by tables: one table of `struct config_key` gives
 * the parser, bounds, defaults, required keys, the reference for people and the names in messages.
 *
 *	struct link { char *name; struct prefix6 prefix; };
 *	struct conf { struct in6_addr address; uint32_t lifetime; struct config_list links; };
 *
 *	static const struct config_key link_keys[] = {
 *		CONFIG_KEY(STRING, struct link, name, .required = true, .help = "interface"),
 *		CONFIG_KEY(PREFIX6, struct link, prefix, .required = true, .help = "its prefix"),
 *		CONFIG_END};
 *	static const struct config_key keys[] = {
 *		CONFIG_KEY(ADDR6, struct conf, address, .required = true, .help = "own address"),
 *		CONFIG_KEY(INT, struct conf, lifetime, .min = 4, .max = 262140, .text = "420",
 *			.help = "longest lifetime granted, seconds"),
 *		CONFIG_KEY(GROUPS, struct conf, links, .keys = link_keys,
 *			.item_size = sizeof(struct link), .help = "home links"),
 *		CONFIG_END};
 *
 * Every error is reported, not only the first, one line each: "FILE:LINE: KEY: what is wrong, which
 * value, what is allowed". A key that no table names is an error too. For one thread; a program
 * reads its configuration before it starts others.
 */
#pragma once

#include "common/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a key holds, and the type of its member in the result. */
enum config_kind {
	CONFIG_NONE,     /* end of a table */
	CONFIG_BOOL,     /* bool: true, false */
	CONFIG_INT,      /* an integer member of 1, 2, 4 or 8 octets, within min..max */
	CONFIG_STRING,   /* char *: length within min..max; NULL when absent without default */
	CONFIG_ENUM,     /* an enum member: index of the text in `names` */
	CONFIG_ADDR6,    /* struct in6_addr: "2001:db8::1" */
	CONFIG_PREFIX6,  /* struct prefix6: "2001:db8::/64" */
	CONFIG_MAC,      /* struct mac: "02:00:00:00:00:01" */
	CONFIG_DURATION, /* an integer member in milliseconds: "300ms", "7s", "5min", "2h", "1d", or
			    a bare integer in the key's unit */
	CONFIG_GROUP,    /* a struct member described by `keys`: { ... } */
	CONFIG_GROUPS,   /* struct config_list of structs: ( { ... }, { ... } ) */
	CONFIG_INTS,     /* struct config_list of int64_t: [1, 2] */
	CONFIG_STRINGS,  /* struct config_list of char *: ["a", "b"] */
	CONFIG_PREFIXES, /* struct config_list of struct prefix6: ["2001:db8::/64"] */
	CONFIG_KINDS
};

/* A list in the result; the configuration owns the items. Use config_item(). */
struct config_list {
	void *items;
	size_t count;
};

/* Item i of a list as a pointer to its type. */
#define config_item(list, type, i) (&((type *)(list)->items)[i])

/* One key. Filled with CONFIG_KEY(); fields that do not apply stay zero. */
struct config_key {
	const char *name;
	enum config_kind kind;
	size_t offset;            /* of the member in its struct */
	size_t size;              /* of the member */
	bool required;            /* the key (or, for a list, at least one item) must be given */
	bool secret;              /* messages do not show its value */
	int64_t min, max;         /* INT, INTS: value; DURATION: ms; STRING: octets; both 0: from 0
				     to all that the member holds */
	const char *text;         /* default as it would stand in the file, strings without quotes;
				     NULL: zero, empty */
	const char *unit;         /* DURATION: unit of a bare integer ("ms", "s"; NULL: ms); INT:
				     unit in the reference */
	const char *const *names; /* ENUM: allowed texts, NULL-terminated */
	const struct config_key *keys; /* GROUP, GROUPS: table of the group */
	size_t item_size;              /* GROUPS: size of one struct */
	size_t max_items;              /* lists: most items, 0: no limit */
	size_t present;   /* CONFIG_PRESENT(): a bool that says whether the key was given; a GROUP
			     that has it may be left out whole, even with required keys inside */
	const char *help; /* for people, one sentence */
	/* Last word on a value that is right in itself: at is the member (STRING: a char **), for
	 * GROUP(S) the struct. Returns 0, or another value after writing the reason to why. */
	int (*check)(const void *at, char *why, size_t why_size);
};

/* CONFIG_KEY(INT, struct conf, member, .min = 1, ...): a key with the name of its member. */
#define CONFIG_KEY(kind_, type, member, ...)                                                       \
	CONFIG_KEY_NAMED(#member, kind_, type, member, __VA_ARGS__)

/* The same when the key is not named as the member. */
#define CONFIG_KEY_NAMED(name_, kind_, type, member, ...)                                          \
	{                                                                                          \
		.name = (name_), .kind = CONFIG_##kind_, .offset = offsetof(type, member),         \
		.size = sizeof(((type *)0)->member), __VA_ARGS__                                   \
	}

#define CONFIG_PRESENT(type, member) (offsetof(type, member) + 1)

#define CONFIG_END                                                                                 \
	{                                                                                          \
		.kind = CONFIG_NONE                                                                \
	}

struct config_mark; /* where a key stands */

/* What was wrong. Start with all zero; end with config_report_free(), also when nothing was
 * wrong, or with config_report_forget() then. */
struct config_report {
	char *text;                /* lines that end in '\n', or NULL */
	size_t count;              /* number of errors */
	struct config_mark *marks; /* of the file that was read last */
};

/* Adds an error that the tables cannot know (one value against another). line 0: file and line are
 * those of the key, or of what it is within ("paths[1]" for "paths[1].bid"), if they were read with
 * this report. key may be NULL. */
void config_report_add(struct config_report *report, const char *file, unsigned line,
	const char *key, const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* "lma.gateways[3].spi", the key of an item of a list, or ("" for member) the item, for
 * config_report_add(): the buffer lives as long as the block that the expression stands in. */
#define CONFIG_ITEM_TEXT(list, i, member)                                                          \
	config_item_text((char[CONFIG_ITEM_SIZE]){0}, (list), (i), (member))
enum { CONFIG_ITEM_SIZE = 96 };
const char *config_item_text(
	char buf[static CONFIG_ITEM_SIZE], const char *list, size_t i, const char *member);

/* Forgets where keys stand: all that is to be checked has been. */
void config_report_forget(struct config_report *report);

/* Frees the text and clears the report for another use. */
void config_report_free(struct config_report *report);

/* Reads the file into *out, a struct that the table describes, after clearing it and setting the
 * defaults. Returns 0; -ENOENT, -EACCES, ... when the file cannot be read, -EINVAL when anything in
 * it is wrong, -ENOMEM; the report tells in every case. The caller ends with config_free(out), also
 * after an error. */
int config_load(
	const char *path, const struct config_key *keys, void *out, struct config_report *report);

/* The same from text; `name` stands for the file in messages. */
int config_load_text(const char *name, const char *text, const struct config_key *keys, void *out,
	struct config_report *report);

/* Calls `name` with each key at the top of the file. Returns and reports as config_load(), but
 * looks at no value. */
int config_load_names(const char *path, void (*name)(const char *name, void *context),
	void *context, struct config_report *report);

/* Frees all strings and lists of a result and clears it. */
void config_free(const struct config_key *keys, void *out);

/* Prints the reference of all keys as Markdown tables: key, type and bounds, default, meaning; for
 * groups one table each. */
void config_print_reference(FILE *to, const struct config_key *keys);

/* Reads a duration to milliseconds: "300ms", "7s", "5min" or "5m", "2h", "1d", or several, the
 * largest first, as dmmctl prints them ("7m00s"); a number without a unit is in `unit` ("ms" when
 * NULL). Returns 0, -EINVAL or -ERANGE. */
int config_parse_duration(const char *text, const char *unit, int64_t *ms);

/* Name of a kind for people: "address", "list of groups". */
const char *config_kind_name(enum config_kind kind);
