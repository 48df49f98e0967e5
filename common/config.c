#include "common/config.h"

#include "common/config_read.h"
#include "common/config_value.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void config_report_add(struct config_report *report, const char *file, unsigned line,
	const char *key, const char *fmt, ...)
{
	char *text = NULL, *what = NULL, at[16] = "";
	va_list ap;

	if (line)
		snprintf(at, sizeof(at), ":%u", line);
	va_start(ap, fmt);
	int rc = vasprintf(&what, fmt, ap);
	va_end(ap);
	report->count++;
	if (rc < 0)
		return;
	rc = asprintf(&text, "%s%s%s: %s%s%s\n", report->text ? report->text : "", file, at,
		key ? key : "", key ? ": " : "", what);
	free(what);
	if (rc < 0)
		return;
	free(report->text);
	report->text = text;
}

void config_report_free(struct config_report *report)
{
	free(report->text);
	*report = (struct config_report){0};
}

/* Reads what libconfig has parsed, or reports that it could not. */
static int read_parsed(const char *name, int parsed, const config_t *conf,
	const struct config_key *keys, void *out, struct config_report *report)
{
	if (!parsed) {
		const char *file = config_error_file(conf);

		config_report_add(report, file ? file : name, (unsigned)config_error_line(conf),
			NULL, "%s", config_error_text(conf));
		return -EINVAL;
	}
	return config_read_keys(name, conf, keys, out, report);
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

/* The folder of a path, where libconfig looks for @include files. */
static void set_include_dir(config_t *conf, const char *path)
{
	char dir[PATH_MAX];
	const char *slash = strrchr(path, '/');

	if (slash && (size_t)(slash - path) < sizeof(dir)) {
		snprintf(dir, sizeof(dir), "%.*s", slash == path ? 1 : (int)(slash - path), path);
		config_set_include_dir(conf, dir);
	}
}

int config_load(
	const char *path, const struct config_key *keys, void *out, struct config_report *report)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	int rc = file ? 0 : -errno;
	config_t conf;

	memset(out, 0, table_size(keys));
	/* libconfig ends the process when it cannot read what it has been given. */
	if (rc == 0 && fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode))
		rc = -EISDIR;
	if (rc < 0) {
		config_report_add(report, path, 0, NULL, "cannot be read: %s", strerror(-rc));
	} else {
		config_init(&conf);
		set_include_dir(&conf, path);
		rc = read_parsed(path, config_read(&conf, file), &conf, keys, out, report);
		config_destroy(&conf);
	}
	if (file)
		fclose(file);
	return rc;
}

int config_load_text(const char *name, const char *text, const struct config_key *keys, void *out,
	struct config_report *report)
{
	config_t conf;

	memset(out, 0, table_size(keys));
	config_init(&conf);
	int rc = read_parsed(name, config_read_string(&conf, text), &conf, keys, out, report);
	config_destroy(&conf);
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
