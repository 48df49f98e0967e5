#include "common/config_read.h"

#include "common/args.h"
#include "common/config_report.h"
#include "common/config_value.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_LEN 192
#define KEYS_MAX     64

/* What stays the same while one file is read. */
struct reader {
	const struct config_text *text;
	struct config_report *report;
	bool no_memory;
};

/* Where in the file something stands, for messages. */
struct place {
	const config_setting_t *setting; /* the group or the value; NULL: not in the file */
	const char *path;                /* "links[0].prefix"; "" for the root */
};

__attribute__((format(printf, 3, 4))) static void complain(
	struct reader *r, const struct place *at, const char *fmt, ...)
{
	unsigned line = at->setting ? config_setting_source_line(at->setting) : 0;
	const struct config_text_line *from = config_text_line(r->text, line);
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	config_report_add(r->report, from->file, line ? from->line : 0, *at->path ? at->path : NULL,
		"%s", what);
}

static void mark(struct reader *r, const struct place *at)
{
	const struct config_text_line *from =
		config_text_line(r->text, config_setting_source_line(at->setting));

	config_report_mark(r->report, at->path, from->file, from->line);
}

/* A scalar setting's value as text; its type as a word in *type. */
static const char *setting_text(
	const config_setting_t *s, char *buf, size_t size, const char **type)
{
	switch (config_setting_type(s)) {
	case CONFIG_TYPE_STRING:
		*type = "the text";
		return config_setting_get_string(s);
	case CONFIG_TYPE_BOOL:
		*type = "the boolean";
		return config_setting_get_bool(s) ? "true" : "false";
	case CONFIG_TYPE_INT64:
		*type = "the integer";
		snprintf(buf, size, "%lld", config_setting_get_int64(s));
		return buf;
	case CONFIG_TYPE_FLOAT:
		*type = "the number";
		snprintf(buf, size, "%g", config_setting_get_float(s));
		return buf;
	default:
		*type = config_setting_is_group(s) ? "a group" : "a list";
		return "";
	}
}

/* Whether a setting is of a libconfig type that a key of this kind is written in. */
static bool type_fits(const config_setting_t *s, enum config_kind kind)
{
	int type = config_setting_type(s);
	bool integer = type == CONFIG_TYPE_INT64; /* config_text.h makes all of them this */

	switch (kind) {
	case CONFIG_BOOL:
		return type == CONFIG_TYPE_BOOL;
	case CONFIG_INT:
		return integer;
	case CONFIG_DURATION:
		return integer || type == CONFIG_TYPE_STRING;
	case CONFIG_GROUP:
		return type == CONFIG_TYPE_GROUP;
	case CONFIG_GROUPS:
		return type == CONFIG_TYPE_LIST;
	case CONFIG_INTS:
	case CONFIG_STRINGS:
	case CONFIG_PREFIXES:
		return type == CONFIG_TYPE_ARRAY || type == CONFIG_TYPE_LIST;
	default:
		return type == CONFIG_TYPE_STRING;
	}
}

/* Reports a value of the wrong type; false when it is of the right one. */
static bool wrong_type(struct reader *r, const struct place *at, const struct config_key *key)
{
	char buf[32], allowed[256];
	const char *type, *text;

	if (type_fits(at->setting, key->kind))
		return false;
	text = setting_text(at->setting, buf, sizeof(buf), &type);
	config_value_allowed(key, allowed, sizeof(allowed));
	if (key->secret)
		text = "";
	bool quoted = *text && config_setting_type(at->setting) == CONFIG_TYPE_STRING;
	complain(r, at, "got %s%s%s%.80s%s, expected %s", type, *text ? " " : "",
		quoted ? "\"" : "", text, quoted ? "\"" : "", allowed);
	return true;
}

/* The caller's last word on a value. */
static void check_value(
	struct reader *r, const struct place *at, const struct config_key *key, const void *member)
{
	char why[256] = "not allowed";

	if (key->check && key->check(member, why, sizeof(why)))
		complain(r, at, "%s", why);
}

static void read_scalar(
	struct reader *r, const struct place *at, const struct config_key *key, void *member)
{
	char buf[32], why[512];
	const char *type;

	if (wrong_type(r, at, key))
		return;
	const char *text = setting_text(at->setting, buf, sizeof(buf), &type);
	int rc = config_value_parse(key, text, member, why, sizeof(why));
	if (rc == -ENOMEM)
		r->no_memory = true;
	else if (rc < 0)
		complain(r, at, "%s", why);
	else
		check_value(r, at, key, member);
}

static void read_group(
	struct reader *r, const struct place *at, const struct config_key *keys, void *out);

/* Reads a list: its items are allocated, then filled one by one. */
static void read_list(struct reader *r, const struct place *at, const struct config_key *key,
	struct config_list *list)
{
	struct config_key item_key = config_value_item(key);
	bool groups = key->kind == CONFIG_GROUPS;
	size_t size = groups ? key->item_size : item_key.size;
	size_t count = (size_t)config_setting_length(at->setting);
	char path[PATH_MAX_LEN];

	if (key->max_items && count > key->max_items) {
		complain(r, at, "got %zu items, at most %zu are allowed", count, key->max_items);
		return;
	}
	if (count == 0)
		return;
	list->items = calloc(count, size);
	if (!list->items) {
		r->no_memory = true;
		return;
	}
	list->count = count;
	for (size_t i = 0; i < count; i++) {
		struct place item = {config_setting_get_elem(at->setting, (unsigned)i), path};
		void *member = (char *)list->items + i * size;

		snprintf(path, sizeof(path), "%.*s[%zu]", PATH_MAX_LEN - 24, at->path, i);
		mark(r, &item);
		if (!groups) {
			read_scalar(r, &item, &item_key, member);
		} else if (config_setting_is_group(item.setting)) {
			read_group(r, &item, key->keys, member);
			check_value(r, &item, key, member);
		} else {
			complain(r, &item, "expected a group: { ... }");
		}
	}
}

/* Sets the default of a scalar; a default that its own table refuses is a programming error. */
static void set_default(struct reader *r, const struct config_key *key, void *member)
{
	char why[512];

	if (!key->text)
		return;
	int rc = config_value_parse(key, key->text, member, why, sizeof(why));
	assert(rc == 0 || rc == -ENOMEM);
	if (rc == -ENOMEM)
		r->no_memory = true;
}

/* Reads one key of a group, or sets its default. at->setting is the group when the key is absent.
 */
static void read_key(struct reader *r, const struct place *group, const struct config_key *key,
	config_setting_t *setting, void *out)
{
	void *member = (char *)out + key->offset;
	char path[PATH_MAX_LEN];
	struct place at = {setting ? setting : group->setting, path};

	snprintf(path, sizeof(path), "%s%s%s", group->path, *group->path ? "." : "", key->name);
	if (key->present)
		*(bool *)((char *)out + key->present - 1) = setting != NULL;
	if (!config_value_is_list(key->kind) && key->kind != CONFIG_GROUP)
		set_default(r, key, member);
	if (!setting) {
		if (key->required)
			complain(r, &at, "is required, but missing");
		else if (key->kind == CONFIG_GROUP && !key->present)
			read_group(r, &(struct place){NULL, path}, key->keys, member);
		return;
	}
	mark(r, &at);
	if (key->kind == CONFIG_GROUP) {
		if (wrong_type(r, &at, key))
			return;
		read_group(r, &at, key->keys, member);
		check_value(r, &at, key, member);
	} else if (config_value_is_list(key->kind)) {
		if (wrong_type(r, &at, key))
			return;
		read_list(r, &at, key, member);
		if (key->required && config_setting_length(setting) == 0)
			complain(r, &at, "is empty, at least one item is required");
		else if (!key->keys)
			check_value(r, &at, key, member);
	} else {
		read_scalar(r, &at, key, member);
	}
}

/* Reports the keys of a group that the table does not name. */
static void find_unknown(struct reader *r, const struct place *group, const struct config_key *keys)
{
	const char *words[KEYS_MAX + 1] = {NULL};
	char path[PATH_MAX_LEN];
	size_t n = 0;

	for (; keys[n].kind != CONFIG_NONE; n++) {
		assert(n < KEYS_MAX);
		words[n] = keys[n].name;
	}
	for (int i = 0; i < config_setting_length(group->setting); i++) {
		struct place at = {config_setting_get_elem(group->setting, (unsigned)i), path};
		const char *name = config_setting_name(at.setting);
		bool known = false;

		for (size_t k = 0; k < n && !known; k++)
			known = strcmp(words[k], name) == 0;
		if (known)
			continue;
		const char *near = args_suggest(name, words);
		snprintf(path, sizeof(path), "%s%s%s", group->path, *group->path ? "." : "", name);
		complain(r, &at, "unknown key%s%s%s", near ? ", did you mean \"" : "",
			near ? near : "", near ? "\"?" : "");
	}
}

static void read_group(
	struct reader *r, const struct place *at, const struct config_key *keys, void *out)
{
	if (at->setting)
		find_unknown(r, at, keys);
	for (; keys->kind != CONFIG_NONE; keys++)
		read_key(r, at, keys,
			at->setting ? config_setting_get_member(at->setting, keys->name) : NULL,
			out);
}

int config_read_keys(const struct config_text *text, const config_t *parsed,
	const struct config_key *keys, void *out, struct config_report *report)
{
	struct reader r = {.text = text, .report = report};
	size_t before = report->count;

	read_group(&r, &(struct place){config_root_setting(parsed), ""}, keys, out);
	if (r.no_memory) {
		config_report_add(report, text->lines[0].file, 0, NULL, "out of memory");
		return -ENOMEM;
	}
	return report->count > before ? -EINVAL : 0;
}
