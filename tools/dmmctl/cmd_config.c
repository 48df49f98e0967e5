#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/config.h"
#include "tools/dmmctl/command.h"

enum config_option { CONFIG_PROGRAM };

static const struct args_option options[] = {
	[CONFIG_PROGRAM] = {'p', "program", "NAME",
		"whose configuration it is: dmm-ctrl, dmm-dp, dmm-mn\nor dmm-pktgen; else told by "
		"its keys"},
	{0},
};

/* A program checks its own file with the table that it would start with. */
static const struct program {
	const char *name;
	const char *keys[6]; /* that tell a file of it, and that no other program has */
	const char *build;   /* folder within a build directory, seen from dmmctl's own */
} programs[] = {
	{"dmm-ctrl", {"roles", "store", "data_planes", "home_agents", "home_prefixes"},
		"../../ctrl"},
	{"dmm-dp", {"name", "ports", "workers", "busy_poll", "buffers"}, "../../dataplane"},
	{"dmm-mn", {"interfaces", "mn_id", "home_address", "home_prefix", "key"}, "../mn"},
	{"dmm-pktgen", {"core", "access", "traffic", "search", "signalling"}, "../pktgen"},
};

#define PROGRAM_COUNT (sizeof(programs) / sizeof(programs[0]))

/* How many of the keys of each program a file has. */
struct census {
	size_t found[PROGRAM_COUNT];
};

static const struct program *program_by_name(struct args *args, const char *name)
{
	for (size_t i = 0; i < PROGRAM_COUNT; i++)
		if (strcmp(name, programs[i].name) == 0)
			return &programs[i];
	args_fail(
		args, "--program: expected dmm-ctrl, dmm-dp, dmm-mn or dmm-pktgen, not '%s'", name);
	return NULL;
}

static int fail_at(struct command_context *context, const char *what, const char *why)
{
	struct client_error error = {.code = "invalid"};

	snprintf(error.message, sizeof(error.message), "%s: %s", what, why);
	return command_error(context, &error);
}

static void count_name(const char *name, void *context)
{
	struct census *census = context;

	for (size_t i = 0; i < PROGRAM_COUNT; i++)
		for (const char *const *key = programs[i].keys; *key; key++)
			census->found[i] += strcmp(*key, name) == 0;
}

/* Prints what is wrong with the file as its program would. */
static int fail_report(struct command_context *context, const struct config_report *report)
{
	struct client_error error = {.code = "invalid"};
	const char *text = report->text ? report->text : "out of memory";

	snprintf(error.message, sizeof(error.message), "%.*s", (int)strcspn(text, "\n"), text);
	return command_error(context, &error);
}

/* The program most of whose keys the file has. NULL: the error is printed, *rc says how to exit. */
static const struct program *program_by_key(
	struct command_context *context, const char *file, int *rc)
{
	struct config_report report = {0};
	struct census census = {0};
	size_t most = 0;

	if (config_load_names(file, count_name, &census, &report) < 0) {
		*rc = fail_report(context, &report);
		config_report_free(&report);
		return NULL;
	}
	for (size_t i = 1; i < PROGRAM_COUNT; i++)
		if (census.found[i] > census.found[most])
			most = i;
	if (census.found[most])
		return &programs[most];
	*rc = fail_at(context, file,
		"no program is known by the keys in it: say whose it is with --program");
	return NULL;
}

/* Runs the program: from where dmmctl itself is (installed or built together), else from PATH. */
static void exec_program(const struct program *program, const char *file)
{
	const char *const beside[] = {".", "../sbin", "../bin", program->build};
	char self[PATH_MAX] = "", path[PATH_MAX + 64];
	char *argv[] = {(char *)program->name, "--check", "--config", (char *)file, NULL};
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash = len > 0 ? strrchr(self, '/') : NULL;

	for (size_t i = 0; slash && i < sizeof(beside) / sizeof(beside[0]); i++) {
		snprintf(path, sizeof(path), "%.*s/%s/%s", (int)(slash - self), self, beside[i],
			program->name);
		execv(path, argv);
	}
	execvp(program->name, argv);
}

/* Runs the program's own check; its errors go to our standard error, that all is well we say
 * ourselves.
 */
static int run_check(
	struct command_context *context, const struct program *program, const char *file)
{
	int status;
	pid_t pid;

	fflush(context->out);
	fflush(context->err);
	pid = fork();
	if (pid == 0) {
		int nowhere = open("/dev/null", O_WRONLY);

		dup2(nowhere < 0 ? STDERR_FILENO : nowhere, STDOUT_FILENO);
		exec_program(program, file);
		fprintf(stderr, "dmmctl: cannot run %s: %s\n", program->name, strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		return fail_at(context, program->name, strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_at(context, program->name, strerror(errno));
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? COMMAND_DONE : COMMAND_FAILED;
}

static int check(struct command_context *context, struct args *args, const char *const *values)
{
	const char *file = args->argv[args->first];
	const struct program *program;
	int rc = COMMAND_USAGE;

	if (values[CONFIG_PROGRAM])
		program = program_by_name(args, values[CONFIG_PROGRAM]);
	else
		program = program_by_key(context, file, &rc);
	if (!program)
		return rc;
	rc = run_check(context, program, file);
	if (context->json) {
		json_t *doc = json_pack("{s:s,s:s,s:b}", "file", file, "program", program->name,
			"ok", rc == COMMAND_DONE);

		command_json(context, doc);
		json_decref(doc);
	} else if (rc == COMMAND_DONE) {
		fprintf(context->out, "%s: a good configuration of %s\n", file, program->name);
	}
	return rc;
}

const struct command config_commands[] = {
	{.group = "config",
		.name = "check",
		.usage = "[OPTION]... FILE",
		.summary = "Check a configuration file of any program of the gateway.",
		.options = options,
		.run = check,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};
