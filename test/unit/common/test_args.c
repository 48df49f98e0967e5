#include "common/args.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONFIG, LEVEL, BUSY };
static const struct args_option options[] = {
	[CONFIG] = {'c', "config", "FILE", "read FILE"},
	[LEVEL] = {0, "log-level", "LEVEL", "how much to log:\nerror, warn, info"},
	[BUSY] = {'b', "busy-poll", NULL, "never sleep"},
	{0},
};
static const struct args_program program = {
	.name = "prog", .usage = "[OPTION]... NAME", .summary = "Does it.", .options = options};
static const struct args_program commands = {.name = "prog",
	.usage = "COMMAND",
	.summary = "Does it.",
	.options = options,
	.stop_at_command = true};

/* What a command line came to. */
struct outcome {
	const char *config, *level;
	bool busy, done;
	int exit_code, first;
	char *out, *err;
};

static struct outcome parse(const struct args_program *p, int argc, char **argv)
{
	struct outcome o = {0};
	size_t out_size, err_size;
	struct args a;

	args_begin(&a, p, argc, argv);
	a.out = open_memstream(&o.out, &out_size);
	a.err = open_memstream(&o.err, &err_size);
	while (args_next(&a)) {
		if (a.index == CONFIG)
			o.config = a.value;
		else if (a.index == LEVEL)
			o.level = a.value;
		else if (a.index == BUSY)
			o.busy = true;
	}
	o.done = a.done;
	o.exit_code = a.exit_code;
	o.first = a.first;
	fclose(a.out);
	fclose(a.err);
	return o;
}

static void end(struct outcome *o)
{
	free(o->out);
	free(o->err);
}

#define ARGV(...)                                                                                  \
	(int)(sizeof((char *[]){"prog", __VA_ARGS__}) / sizeof(char *)), (char *[])                \
	{                                                                                          \
		"prog", __VA_ARGS__, NULL                                                          \
	}

static void reads_options_anywhere(void **state)
{
	struct outcome o = parse(&program, ARGV("-c", "a.conf", "name", "--log-level=warn", "-b"));

	(void)state;
	assert_false(o.done);
	assert_string_equal(o.config, "a.conf");
	assert_string_equal(o.level, "warn");
	assert_true(o.busy);
	assert_int_equal(o.first, 5);
	end(&o);
	o = parse(&program, ARGV("--conf", "b.conf", "--", "-b"));
	assert_string_equal(o.config, "b.conf");
	assert_false(o.busy);
	assert_int_equal(o.first, 4);
	end(&o);
}

static void stops_at_a_command(void **state)
{
	struct outcome o = parse(&commands, ARGV("-b", "show", "--unknown"));

	(void)state;
	assert_false(o.done);
	assert_true(o.busy);
	assert_int_equal(o.first, 2);
	end(&o);
}

static void errors_say_what_would_be_right(void **state)
{
	static const struct {
		char *argument, *message;
	} cases[] = {
		{"--confog=x", "prog: unknown option '--confog': did you mean '--config'?\n"},
		{"--hlep", "prog: unknown option '--hlep': did you mean '--help'?\n"},
		{"--zzzzzz", "prog: unknown option '--zzzzzz'\n"},
		{"-z", "prog: unknown option '-z'\n"},
		{"-c", "prog: option '-c' needs a value: -c FILE\n"},
		{"--config", "prog: option '--config' needs a value: --config=FILE\n"},
		{"--busy-poll=3", "prog: option '--busy-poll' takes no value\n"},
		{"--help=3", "prog: option '--help' takes no value\n"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome o = parse(&program, ARGV(cases[i].argument));

		assert_true(o.done);
		assert_int_equal(o.exit_code, 2);
		assert_memory_equal(o.err, cases[i].message, strlen(cases[i].message));
		assert_non_null(strstr(o.err, "Try 'prog --help'."));
		assert_string_equal(o.out, "");
		end(&o);
	}
}

static void help_is_made_from_the_table(void **state)
{
	struct outcome o = parse(&program, ARGV("--help"));

	(void)state;
	assert_true(o.done);
	assert_int_equal(o.exit_code, 0);
	assert_string_equal(o.err, "");
	assert_string_equal(o.out, "Usage: prog [OPTION]... NAME\n"
				   "\n"
				   "Does it.\n"
				   "\n"
				   "Options:\n"
				   "  -c, --config=FILE          read FILE\n"
				   "      --log-level=LEVEL      how much to log:\n"
				   "                             error, warn, info\n"
				   "  -b, --busy-poll            never sleep\n"
				   "  -h, --help                 show this text\n"
				   "      --version              show the version\n");
	end(&o);
	o = parse(&program, ARGV("-bh"));
	assert_true(o.done);
	assert_non_null(strstr(o.out, "Usage:"));
	end(&o);
	o = parse(&program, ARGV("--version"));
	assert_true(o.done);
	assert_int_equal(o.exit_code, 0);
	assert_string_equal(o.out, "prog " DMM_VERSION "\n");
	end(&o);
}

static void suggests_near_words(void **state)
{
	static const char *const words[] = {"binding", "subscriber", "status", "stats", NULL};

	(void)state;
	assert_string_equal(args_suggest("bindign", words), "binding");
	assert_string_equal(args_suggest("sub", words), "subscriber");
	assert_string_equal(args_suggest("stat", words), "status");
	assert_null(args_suggest("frobnicate", words));
	assert_null(args_suggest("", words));
	char longest[300];
	memset(longest, 'b', sizeof(longest));
	longest[299] = '\0';
	assert_null(args_suggest(longest, words));
}

static void reads_numbers(void **state)
{
	uint64_t v = 0;

	(void)state;
	assert_int_equal(args_parse_uint("010", 0, 100, &v), 0);
	assert_int_equal(v, 10);
	assert_int_equal(args_parse_uint("0xFf", 0, 255, &v), 0);
	assert_int_equal(v, 255);
	assert_int_equal(args_parse_uint("18446744073709551615", 0, UINT64_MAX, &v), 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(args_parse_uint("18446744073709551616", 0, UINT64_MAX, &v), -ERANGE);
	assert_int_equal(args_parse_uint("256", 0, 255, &v), -ERANGE);
	assert_int_equal(args_parse_uint("255", 256, 300, &v), -ERANGE);
	static const char *const bad[] = {"", "-1", "+1", " 1", "1 ", "0x", "1k", "0x-1", "ff"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(args_parse_uint(bad[i], 0, UINT64_MAX, &v), -EINVAL);
	assert_true(v == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_options_anywhere),
		cmocka_unit_test(stops_at_a_command),
		cmocka_unit_test(errors_say_what_would_be_right),
		cmocka_unit_test(help_is_made_from_the_table),
		cmocka_unit_test(suggests_near_words),
		cmocka_unit_test(reads_numbers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
