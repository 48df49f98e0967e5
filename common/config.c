#include "common/config.h"

#include "common/config_read.h"
#include "common/config_report.h"
#include "common/config_text.h"
#include "common/config_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The key that is there twice, found by where libconfig stops when each key begins a line; "" if it
 * is not known. */
static const char *duplicate_key(const struct config_text *text, char *buf, size_t size)
{
	char *split = config_text_split(text);
	config_t conf;

	*buf = '\0';
	config_init(&conf);
	if (split && !config_read_string(&conf, split))
		config_text_key(split, (unsigned)config_error_line(&conf), buf, size);
	config_destroy(&conf);
	free(split);
	return buf;
}

/* Parses a text, or reports that it cannot be. */
static int parse(config_t *conf, const struct config_text *text, struct config_report *report)
{
	const struct config_text_line *at;
	const char *what;
	char key[64] = "";

	if (config_read_string(conf, text->text))
		return 0;
	what = config_error_text(conf);
	at = config_text_line(text, (unsigned)config_error_line(conf));
	if (strcmp(what, "duplicate setting name") == 0 && *duplicate_key(text, key, sizeof(key)))
		what = "is there twice";
	config_report_add(report, at->file, at->line, *key ? key : NULL, "%s", what);
	return -EINVAL;
}

/* Size of the struct that a table describes: up to the end of its last member. */
static size_t table_size(const struct config_key *keys)
{
	size_t size = 0;

	for (; keys->kind != CONFIG_NONE; keys++) {
		if (keys->offset + keys->size > size)
			size = keys->offset + keys->size;
		if (keys->present > size)
			size = keys->present;
	}
	return size;
}

/* Reads a text that was made with the outcome rc, and lets it go. */
static int load(struct config_text *text, int rc, const struct config_key *keys, void *out,
	struct config_report *report)
{
	config_t conf;

	memset(out, 0, table_size(keys));
	config_report_forget(report);
	config_init(&conf);
	if (rc == 0)
		rc = parse(&conf, text, report);
	if (rc == 0)
		rc = config_read_keys(text, &conf, keys, out, report);
	config_destroy(&conf);
	config_text_free(text);
	return rc;
}

int config_load(
	const char *path, const struct config_key *keys, void *out, struct config_report *report)
{
	struct config_text text;
	int rc = config_text_read(&text, path, report);

	return load(&text, rc, keys, out, report);
}

int config_load_text(const char *name, const char *text, const struct config_key *keys, void *out,
	struct config_report *report)
{
	struct config_text own;
	int rc = config_text_take(&own, name, text, report);

	return load(&own, rc, keys, out, report);
}

int config_load_names(const char *path, void (*name)(const char *name, void *context),
	void *context, struct config_report *report)
{
	struct config_text text;
	int rc = config_text_read(&text, path, report);
	config_t conf;

	config_init(&conf);
	if (rc == 0)
		rc = parse(&conf, &text, report);
	for (int i = 0; rc == 0 && i < config_setting_length(config_root_setting(&conf)); i++)
		name(config_setting_name(
			     config_setting_get_elem(config_root_setting(&conf), (unsigned)i)),
			context);
	config_destroy(&conf);
	config_text_free(&text);
	return rc;
}

static void free_list(const struct config_key *key, struct config_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		if (key->kind == CONFIG_STRINGS)
			free(*config_item(list, char *, i));
		else if (key->kind == CONFIG_GROUPS)
			config_free(key->keys, (char *)list->items + i * key->item_size);
	}
	free(list->items);
}

void config_free(const struct config_key *keys, void *out)
{
	for (const struct config_key *key = keys; key->kind != CONFIG_NONE; key++) {
		void *member = (char *)out + key->offset;

		if (key->kind == CONFIG_STRING)
			free(*(char **)member);
		else if (key->kind == CONFIG_GROUP)
			config_free(key->keys, member);
		else if (config_value_is_list(key->kind))
			free_list(key, member);
	}
	memset(out, 0, table_size(keys));
}
