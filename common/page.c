#include "common/page.h"

#include <stdlib.h>

/* The first line in which the two differ, for people; 0 when they are the same. */
static unsigned first_difference(FILE *file, const char *expected)
{
	unsigned line = 1;
	int got;

	for (const char *p = expected;; p++) {
		got = fgetc(file);
		if (got == EOF && !*p)
			return 0;
		if (got != (unsigned char)*p)
			return line;
		line += *p == '\n';
	}
}

static int compare(const char *program, const char *name, const char *page)
{
	FILE *file = fopen(name, "r");
	unsigned line;

	if (!file) {
		perror(name);
		return 2;
	}
	line = first_difference(file, page);
	fclose(file);
	if (line)
		fprintf(stderr, "%s:%u: not what the tables say; write it again: %s > %s\n", name,
			line, program, name);
	return line ? 1 : 0;
}

int page_main(const char *program, int argc, char **argv, void (*write)(FILE *out))
{
	size_t size;
	char *page;
	FILE *out;
	int rc = 0;

	if (argc > 2) {
		fprintf(stderr, "usage: %s [FILE]\n", program);
		return 2;
	}
	out = open_memstream(&page, &size);
	if (!out) {
		perror(program);
		return 2;
	}
	write(out);
	fclose(out);
	if (argc == 2)
		rc = compare(program, argv[1], page);
	else
		fputs(page, stdout);
	free(page);
	return rc;
}
