/* A visitor that writes what it sees as one line, for tests: "name=value name=[...] name={...}". */
#pragma once

#include <arpa/inet.h>
#include <stdio.h>

#include "octets.h"
#include "proto/mobility/visit.h"

struct visited {
	char text[4096];
	size_t len;
};

static inline void visited_add(struct visited *out, const char *text)
{
	size_t n = strlen(text);

	assert_true(out->len + n < sizeof(out->text));
	memcpy(out->text + out->len, text, n + 1);
	out->len += n;
}

static inline void visited_octets(struct visited *out, const struct visit_value *value)
{
	char text[INET6_ADDRSTRLEN];

	if (value->kind == VISIT_ADDR6 || value->kind == VISIT_ADDR4) {
		assert_int_equal(value->len, value->kind == VISIT_ADDR6 ? 16 : 4);
		visited_add(out, inet_ntop(value->kind == VISIT_ADDR6 ? AF_INET6 : AF_INET,
					 value->octets, text, sizeof(text)));
		return;
	}
	for (size_t i = 0; i < value->len; i++) {
		snprintf(text, sizeof(text), value->kind == VISIT_TEXT ? "%c" : "%02x",
			value->octets[i]);
		visited_add(out, text);
	}
}

static inline int visited_fn(void *context, const struct visit_value *value)
{
	struct visited *out = context;
	char text[80] = "";

	if (value->kind == VISIT_END) {
		visited_add(out, " )");
		return 0;
	}
	visited_add(out, out->len ? " " : "");
	if (value->name) {
		visited_add(out, value->name);
		visited_add(out, "=");
	}
	if (value->kind == VISIT_LIST || value->kind == VISIT_OBJECT)
		snprintf(text, sizeof(text), "%s", value->kind == VISIT_LIST ? "list(" : "(");
	else if (value->kind == VISIT_NUMBER)
		snprintf(text, sizeof(text), "%llu", (unsigned long long)value->number);
	else if (value->kind == VISIT_BOOL)
		snprintf(text, sizeof(text), "%s", value->number ? "true" : "false");
	else if (value->kind == VISIT_NAMED || value->kind == VISIT_FLAGS)
		snprintf(text, sizeof(text), "%llu:%s", (unsigned long long)value->number,
			value->text);
	else if (value->kind == VISIT_STRING)
		snprintf(text, sizeof(text), "%s", value->text);
	visited_add(out, text);
	visited_octets(out, value);
	return 0;
}

/* The fields of LIST at BASE as text. */
static inline void assert_fields(const struct field *list, const void *base, const char *expected)
{
	struct visited out = {.len = 0};

	assert_int_equal(visit_fields(list, base, &(struct visitor){visited_fn, &out}), 0);
	assert_string_equal(out.text, expected);
}

/* The fields of a message, without its options, as text. */
static inline void assert_message(const struct mh *mh, const char *expected)
{
	struct visited out = {.len = 0};

	assert_int_equal(visit_message(mh, &(struct visitor){visited_fn, &out}), 0);
	assert_string_equal(out.text, expected);
}

/* The fields of an option as text. */
static inline void assert_option(const struct mh_option *option, const char *expected)
{
	struct visited out = {.len = 0};

	assert_int_equal(visit_option(option, &(struct visitor){visited_fn, &out}), 0);
	assert_string_equal(out.text, expected);
}
