/*
 * Command lines, the same for all programs: options from a table, --help made from it, --version,
 * and errors that say what would be right and end with exit code 2.
 *
 *	static const struct args_option options[] = {
 *		{'c', "config", "FILE", "configuration file"},
 *		{0, "busy-poll", NULL, "never sleep"},
 *		{0}};
 *	static const struct args_program program = {"dmm-dp", "[OPTION]...", "The data plane.",
 *options};
 *
 *	struct args a;
 *	args_begin(&a, &program, argc, argv);
 *	while (args_next(&a))
 *		switch (a.index) { case 0: conf = a.value; break; case 1: busy = true; break; }
 *	if (a.done)
 *		return a.exit_code;
 *	... argv[a.first] is the first argument that is no option
 *
 * Uses getopt_long(): one command line at a time, main thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define ARGS_EXIT_USAGE 2

struct args_option {
	char letter;       /* 0: only the long form */
	const char *name;  /* long form; NULL ends the table */
	const char *value; /* name of its value in --help; NULL: takes none */
	const char *help;
};

struct args_program {
	const char *name;
	const char *usage;   /* what follows the name in the first line of --help */
	const char *summary; /* what the program does, one or more lines */
	const struct args_option
		*options;     /* without --help and --version, which are always there */
	bool stop_at_command; /* options end at the first other argument (subcommands) */
	const char *epilogue; /* printed at the end of --help, or NULL */
};

struct args {
	const struct args_program *program;
	int argc;
	char **argv;
	int index;         /* of the option just read in the table */
	const char *value; /* its value, or NULL */
	int first;         /* after the loop: index of the first argument that is no option */
	bool done; /* the program should end now with exit_code: --help, --version, an error */
	int exit_code;
	FILE *out, *err; /* stdout and stderr; tests set others after args_begin() */
};

/* Starts with a command line, which must outlive *a. Nothing is read yet. */
void args_begin(struct args *a, const struct args_program *program, int argc, char **argv);

/* Reads the next option: true and index, value; false at the end or when a->done was set. */
bool args_next(struct args *a);

/* Refuses the command line: prints "NAME: message" and a hint at --help to standard error, sets
 * done and returns the exit code 2. For values and arguments that the program finds wrong. */
int args_fail(struct args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Prints the text of --help. */
void args_help(const struct args_program *program, FILE *to);

/* Of the NULL-terminated words the one that was probably meant, or NULL when none is near. */
const char *args_suggest(const char *word, const char *const *words);

/* Reads a whole number, decimal or 0x hexadecimal, without sign or space around it. Returns 0,
 * -EINVAL (no number), -ERANGE (not within min..max). */
int args_parse_uint(const char *text, uint64_t min, uint64_t max, uint64_t *out);
