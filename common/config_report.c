#include "common/config_report.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* Where a key stands. */
struct config_mark {
	struct config_mark *next;
	unsigned line;
	const char *file; /* behind the end of key */
	char key[];
};

void config_report_mark(
	struct config_report *report, const char *key, const char *file, unsigned line)
{
	const size_t key_size = strlen(key) + 1, file_size = strlen(file) + 1;
	struct config_mark *mark = malloc(sizeof(*mark) + key_size + file_size);

	if (!mark)
		return;
	memcpy(mark->key, key, key_size);
	mark->file = memcpy(mark->key + key_size, file, file_size);
	mark->line = line;
	mark->next = report->marks;
	report->marks = mark;
}

void config_report_forget(struct config_report *report)
{
	for (struct config_mark *mark; (mark = report->marks); free(mark))
		report->marks = mark->next;
}

/* Where a key stands, or what it is within: "mag.paths[1].bid", "mag.paths[1]", "mag.paths", "mag".
 */
static const struct config_mark *find_mark(const struct config_report *report, const char *key)
{
	for (size_t len = key ? strlen(key) : 0; len > 0; len--) {
		if (key[len] && key[len] != '.' && key[len] != '[')
			continue;
		for (const struct config_mark *m = report->marks; m; m = m->next)
			if (strncmp(m->key, key, len) == 0 && !m->key[len])
				return m;
	}
	return NULL;
}

void config_report_add(struct config_report *report, const char *file, unsigned line,
	const char *key, const char *fmt, ...)
{
	const struct config_mark *mark = line ? NULL : find_mark(report, key);
	char *text = NULL, *what = NULL, at[16] = "";
	va_list ap;

	if (mark) {
		file = mark->file;
		line = mark->line;
	}
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

const char *config_item_text(
	char buf[static CONFIG_ITEM_SIZE], const char *list, size_t i, const char *member)
{
	snprintf(buf, CONFIG_ITEM_SIZE, "%s[%zu]%s%s", list, i, *member ? "." : "", member);
	return buf;
}

void config_report_free(struct config_report *report)
{
	config_report_forget(report);
	free(report->text);
	*report = (struct config_report){0};
}
