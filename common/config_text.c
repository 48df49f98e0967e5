#include "common/config_text.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What a piece of text is to libconfig's scanner. */
enum token { TOKEN_SPACE, TOKEN_STRING, TOKEN_INTEGER, TOKEN_WORD, TOKEN_OTHER };

/* One text under way into the whole. */
struct source {
	struct config_text *text;
	struct config_report *report;
	FILE *out;
	const char *folder; /* of the first file, with its slash; "" for none */
	const char *file;
	unsigned line;
	int depth;
};

static size_t until(const char *at, const char *end)
{
	const char *found = strstr(at, end);

	return found ? (size_t)(found - at) + strlen(end) : strlen(at);
}

static size_t string_length(const char *at)
{
	size_t n = 1;

	while (at[n] && at[n] != '"')
		n += at[n] == '\\' && at[n + 1] ? 2 : 1;
	return at[n] ? n + 1 : n;
}

static bool in_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

/* Length of what reads as a number; *kind says whether it is an integer without a suffix. */
static size_t number_length(const char *at, enum token *kind)
{
	size_t sign = *at == '-' || *at == '+', n = sign;
	bool hex = at[n] == '0' && (at[n + 1] == 'x' || at[n + 1] == 'X');

	n += hex ? 2 : 0;
	while (hex ? isxdigit((unsigned char)at[n]) : isdigit((unsigned char)at[n]))
		n++;
	*kind = in_word(at[n]) || at[n] == '.' ? TOKEN_OTHER : TOKEN_INTEGER;
	while (*kind == TOKEN_OTHER && (in_word(at[n]) || at[n] == '.' || at[n] == '+'))
		n++;
	return n;
}

/* The token at a place in a text, and its length, which is 0 at the end only. */
static enum token next_token(const char *at, size_t *length)
{
	enum token kind = TOKEN_OTHER;
	const char *digit = at + (*at == '-' || *at == '+');

	if (*at == '#' || (at[0] == '/' && at[1] == '/')) {
		*length = strcspn(at, "\n");
		return TOKEN_SPACE;
	}
	if (at[0] == '/' && at[1] == '*') {
		*length = 2 + until(at + 2, "*/");
		return TOKEN_SPACE;
	}
	if (*at == '"') {
		*length = string_length(at);
		return TOKEN_STRING;
	}
	if (isdigit((unsigned char)*digit)) {
		*length = number_length(at, &kind);
		return kind;
	}
	if (isalpha((unsigned char)*at) || *at == '*') {
		for (*length = 1; in_word(at[*length]);)
			++*length;
		return TOKEN_WORD;
	}
	*length = *at != '\0';
	return isspace((unsigned char)*at) ? TOKEN_SPACE : TOKEN_OTHER;
}

/* All integers get the suffix, since libconfig wants those of an array alike. */
static void put_integer(struct source *s, const char *at, size_t length, const char *key)
{
	bool hex = at[0] == '0' && (at[1] == 'x' || at[1] == 'X');
	unsigned long long high = 0;

	errno = 0;
	if (hex)
		high = strtoull(at, NULL, 16);
	else
		strtoll(at, NULL, 10);
	/* Without its value, which may be that of a key. */
	if (errno == ERANGE || high > LLONG_MAX)
		config_report_add(s->report, s->file, s->line, *key ? key : NULL,
			"out of range, an integer has at most 64 bits");
	fwrite(at, 1, length, s->out);
	fputc('L', s->out);
}

/* Says where the lines that a piece of text ends came from. */
static int count_lines(struct source *s, const char *at, size_t length)
{
	struct config_text *text = s->text;

	for (size_t i = 0; i < length; i++) {
		if (at[i] != '\n')
			continue;
		/* Room for twice as many whenever there are a power of two of them. */
		if ((text->count & (text->count - 1)) == 0) {
			void *more = realloc(text->lines,
				(text->count ? text->count * 2 : 1) * sizeof(text->lines[0]));

			if (!more)
				return -ENOMEM;
			text->lines = more;
		}
		text->lines[text->count++] = (struct config_text_line){s->file, s->line++};
	}
	return 0;
}

static int put_text(struct source *s, const char *from);

/* The whole of a file, which the caller frees; NULL: the reason is in *why. */
static char *read_file(const char *path, int *why)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	char *text = NULL;
	size_t size = 0;

	*why = file ? 0 : -errno;
	if (!file)
		return NULL;
	if (fstat(fileno(file), &st) == 0 && S_ISDIR(st.st_mode))
		*why = -EISDIR;
	else if (!(text = malloc(CONFIG_TEXT_MAX + 1)))
		*why = -ENOMEM;
	else if ((size = fread(text, 1, CONFIG_TEXT_MAX + 1, file)) > CONFIG_TEXT_MAX)
		*why = -EFBIG;
	else if (ferror(file))
		*why = -EIO;
	else
		text[size] = '\0';
	/* An octet of zero would hide what is behind it. */
	if (*why == 0 && strlen(text) != size)
		*why = -EILSEQ;
	fclose(file);
	if (*why) {
		free(text);
		text = NULL;
	}
	return text;
}

/* Puts a file into the whole; the errors of opening it are told as of the line that names it. */
static int put_file(struct source *s, const char *path, const struct config_text_line *from)
{
	struct source inner = *s;
	int rc = 0;
	char *name = NULL, *text = NULL;

	if (s->text->file_count == CONFIG_TEXT_INCLUDES || s->depth > CONFIG_TEXT_DEPTH)
		rc = -ELOOP;
	else
		text = read_file(path, &rc);
	if (rc < 0) {
		const char *why = rc == -EILSEQ  ? "there is an octet of zero in it"
				  : rc == -ELOOP ? "too many files, or too deep"
						 : strerror(-rc);

		config_report_add(s->report, from ? from->file : path, from ? from->line : 0,
			from ? path : NULL, "cannot be read: %s", why);
		return rc;
	}
	name = strdup(path);
	if (name) {
		s->text->files[s->text->file_count++] = name;
		inner.file = name;
		inner.line = 1;
		inner.depth++;
		rc = put_text(&inner, text);
	}
	free(text);
	return name ? rc : -ENOMEM;
}

/* @include "FILE" at the start of a line; *length is that of the directive, 0: it is none. */
static int include(struct source *s, const char *at, size_t *length)
{
	const struct config_text_line here = {s->file, s->line};
	const char *name = at + strspn(at, " \t");
	char path[PATH_MAX];
	size_t n;

	*length = 0;
	if (strncmp(name, "@include", 8) != 0)
		return 0;
	name += 8 + strspn(name + 8, " \t");
	if (*name != '"')
		return 0;
	name++;
	n = strcspn(name, "\"\n");
	if (name[n] != '"')
		return 0;
	*length = (size_t)(name + n + 1 - at);
	snprintf(path, sizeof(path), "%s%.*s", *name == '/' ? "" : s->folder, (int)n, name);
	return put_file(s, path, &here);
}

static int put_text(struct source *s, const char *from)
{
	char key[64] = "";
	size_t length;
	int rc = 0;

	for (const char *at = from; *at && rc == 0; at += length) {
		if (at == from || at[-1] == '\n') {
			rc = include(s, at, &length);
			if (length)
				continue;
		}
		enum token kind = next_token(at, &length);

		if (kind == TOKEN_WORD)
			snprintf(key, sizeof(key), "%.*s", (int)length, at);
		if (kind == TOKEN_INTEGER)
			put_integer(s, at, length, key);
		else
			fwrite(at, 1, length, s->out);
		rc = count_lines(s, at, length);
	}
	/* The next text begins a line of its own. */
	if (rc == 0 && fputc('\n', s->out) != EOF)
		rc = count_lines(s, "\n", 1);
	return rc;
}

/* Reads what `put` puts into a new text. */
static int make(
	struct config_text *text, const char *name, const char *from, struct config_report *report)
{
	char folder[PATH_MAX] = "";
	const char *slash = strrchr(name, '/');
	size_t size, before = report->count;
	int rc;

	*text = (struct config_text){0};
	struct source s = {.text = text,
		.report = report,
		.out = open_memstream(&text->text, &size),
		.folder = folder,
		.file = name,
		.line = 1};
	if (!from && slash)
		snprintf(folder, sizeof(folder), "%.*s", (int)(slash + 1 - name), name);
	if (!s.out)
		rc = -ENOMEM;
	else
		rc = from ? put_text(&s, from) : put_file(&s, name, NULL);
	if (s.out && fclose(s.out) && rc == 0)
		rc = -ENOMEM;
	if (rc == -ENOMEM)
		config_report_add(report, name, 0, NULL, "out of memory");
	return rc == 0 && report->count > before ? -EINVAL : rc;
}

int config_text_read(struct config_text *text, const char *path, struct config_report *report)
{
	return make(text, path, NULL, report);
}

int config_text_take(
	struct config_text *text, const char *name, const char *from, struct config_report *report)
{
	return make(text, name, from, report);
}

const struct config_text_line *config_text_line(const struct config_text *text, unsigned line)
{
	size_t i = line ? line - 1 : 0;

	return &text->lines[i < text->count ? i : text->count - 1];
}

char *config_text_split(const struct config_text *text)
{
	char *split = NULL;
	size_t length, size;
	FILE *out = open_memstream(&split, &size);

	if (!out)
		return NULL;
	for (const char *at = text->text; *at; at += length) {
		enum token kind = next_token(at, &length);

		if (kind == TOKEN_WORD)
			fputc('\n', out);
		fwrite(at, 1, length, out);
	}
	fclose(out);
	return split;
}

const char *config_text_key(const char *split, unsigned line, char *buf, size_t size)
{
	size_t length;

	for (; line > 1 && split; line--) {
		split = strchr(split, '\n');
		split = split ? split + 1 : NULL;
	}
	bool word = split && next_token(split, &length) == TOKEN_WORD;

	snprintf(buf, size, "%.*s", word ? (int)length : 0, word ? split : "");
	return buf;
}

void config_text_free(struct config_text *text)
{
	free(text->text);
	free(text->lines);
	for (size_t i = 0; i < text->file_count; i++)
		free(text->files[i]);
	*text = (struct config_text){0};
}
