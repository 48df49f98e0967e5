#include "common/args.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 60
#define WORD_MAX    63

/* What getopt_long() returns for the option of index i: above every letter, so that an error tells
 * which form was used. */
#define LONG_VALUE 1000

enum { HELP = OPTIONS_MAX, VERSION };

static size_t count_options(const struct args_program *program)
{
	size_t n = 0;

	while (program->options[n].name)
		n++;
	assert(n <= OPTIONS_MAX);
	return n;
}

void args_begin(struct args *a, const struct args_program *program, int argc, char **argv)
{
	*a = (struct args){.program = program,
		.argc = argc,
		.argv = argv,
		.first = argc,
		.out = stdout,
		.err = stderr};
	optind = 0; /* glibc: forget an earlier command line */
	opterr = 0;
}

int args_fail(struct args *a, const char *fmt, ...)
{
	va_list ap;

	fprintf(a->err, "%s: ", a->program->name);
	va_start(ap, fmt);
	vfprintf(a->err, fmt, ap);
	va_end(ap);
	fprintf(a->err, "\nTry '%s --help'.\n", a->program->name);
	a->done = true;
	a->exit_code = ARGS_EXIT_USAGE;
	return a->exit_code;
}

/* Prints one option of --help; a line break in its help is kept and indented. */
static void print_option(FILE *to, const struct args_option *o)
{
	char left[64];

	snprintf(left, sizeof(left), "%c%c%c --%s%s%s", o->letter ? '-' : ' ',
		o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name, o->value ? "=" : "",
		o->value ? o->value : "");
	fprintf(to, "  %-26s", left);
	for (const char *line = o->help;;) {
		const char *end = strchr(line, '\n');

		if (!end) {
			fprintf(to, " %s\n", line);
			return;
		}
		fprintf(to, " %.*s\n%28s", (int)(end - line), line, "");
		line = end + 1;
	}
}

void args_help(const struct args_program *program, FILE *to)
{
	static const struct args_option always[] = {
		{'h', "help", NULL, "show this text"},
		{0, "version", NULL, "show the version"},
	};

	fprintf(to, "Usage: %s %s\n\n%s\n\nOptions:\n", program->name, program->usage,
		program->summary);
	for (size_t i = 0; i < count_options(program); i++)
		print_option(to, &program->options[i]);
	for (size_t i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		print_option(to, &always[i]);
	if (program->epilogue)
		fprintf(to, "\n%s\n", program->epilogue);
}

/* Says what is wrong with the option that getopt_long() stopped at. */
static void explain_error(struct args *a, int what)
{
	const struct args_option *options = a->program->options;
	const char *words[OPTIONS_MAX + 3] = {"help", "version"};
	size_t n = count_options(a->program);

	for (size_t i = 0; i < n; i++)
		words[i + 2] = options[i].name;
	if (optopt >= LONG_VALUE) {
		int index = optopt - LONG_VALUE;
		const char *name = index == HELP      ? "help"
				   : index == VERSION ? "version"
						      : options[index].name;
		if (what == ':')
			args_fail(a, "option '--%s' needs a value: --%s=%s", name, name,
				options[index].value);
		else
			args_fail(a, "option '--%s' takes no value", name);
	} else if (optopt) {
		for (size_t i = 0; what == ':' && i < n; i++) {
			if (options[i].letter == optopt) {
				args_fail(a, "option '-%c' needs a value: -%c %s", optopt, optopt,
					options[i].value);
				return;
			}
		}
		args_fail(a, "unknown option '-%c'", optopt);
	} else {
		char word[WORD_MAX + 1];
		const char *given = a->argv[optind - 1];

		snprintf(word, sizeof(word), "%.*s", (int)strcspn(given + 2, "="), given + 2);
		const char *near = args_suggest(word, words);
		if (near)
			args_fail(a, "unknown option '--%s': did you mean '--%s'?", word, near);
		else
			args_fail(a, "unknown option '--%s'", word);
	}
}

bool args_next(struct args *a)
{
	struct option longs[OPTIONS_MAX + 3] = {{0}};
	char letters[2 * OPTIONS_MAX + 8];
	size_t n = count_options(a->program), at = 0;

	if (a->done)
		return false;
	if (a->program->stop_at_command)
		letters[at++] = '+';
	letters[at++] = ':';
	letters[at++] = 'h';
	for (size_t i = 0; i < n; i++) {
		const struct args_option *o = &a->program->options[i];

		longs[i] = (struct option){o->name, o->value ? required_argument : no_argument,
			NULL, LONG_VALUE + (int)i};
		if (o->letter)
			letters[at++] = o->letter;
		if (o->letter && o->value)
			letters[at++] = ':';
	}
	letters[at] = '\0';
	longs[n] = (struct option){"help", no_argument, NULL, LONG_VALUE + HELP};
	longs[n + 1] = (struct option){"version", no_argument, NULL, LONG_VALUE + VERSION};

	int c = getopt_long(a->argc, a->argv, letters, longs, NULL);
	a->value = optarg;
	a->first = optind;
	if (c == -1)
		return false;
	if (c == '?' || c == ':') {
		explain_error(a, c);
		return false;
	}
	if (c == 'h' || c == LONG_VALUE + HELP) {
		args_help(a->program, a->out);
		a->done = true;
		return false;
	}
	if (c == LONG_VALUE + VERSION) {
		fprintf(a->out, "%s %s\n", a->program->name, DMM_VERSION);
		a->done = true;
		return false;
	}
	for (size_t i = 0; i < n; i++)
		if (c == LONG_VALUE + (int)i || c == a->program->options[i].letter)
			a->index = (int)i;
	return true;
}

/* Number of letters to insert, remove or replace to get from a to b. */
static size_t distance(const char *a, const char *b)
{
	size_t row[WORD_MAX + 1], b_len = strlen(b);

	if (b_len > WORD_MAX)
		return SIZE_MAX;
	for (size_t j = 0; j <= b_len; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t corner = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < b_len; j++) {
			size_t best = corner + (a[i] != b[j]);

			corner = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (corner + 1 < best)
				best = corner + 1;
			row[j + 1] = best;
		}
	}
	return row[b_len];
}

const char *args_suggest(const char *word, const char *const *words)
{
	size_t len = strlen(word);
	size_t best = len / 3 + 2; /* farther than that is another word */
	const char *near = NULL;

	for (; *words; words++) {
		size_t d = len > 1 && strncmp(word, *words, len) == 0 ? 1 : distance(word, *words);

		if (d < best && d < len) {
			best = d;
			near = *words;
		}
	}
	return near;
}

int args_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	const char *allowed = hex ? "0123456789abcdefABCDEF" : "0123456789";

	if (!*digits || digits[strspn(digits, allowed)])
		return -EINVAL;
	errno = 0;
	unsigned long long value = strtoull(digits, NULL, hex ? 16 : 10);
	if (errno == ERANGE || value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}
