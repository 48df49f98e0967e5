#include <errno.h>
#include <libconfig.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/dmmctl/command.h"

enum config_option { CONFIG_PROGRAM };

static const struct args_option options[] = {
	[CONFIG_PROGRAM] = {'p', "program", "NAME",
		"whose configuration it is: dmm-ctrl, dmm-dp or dmm-mn;\nelse told by its keys"},
	{0},
};

/* A program checks its own file with the table that it would start with. */
static const struct program {
	const char *name;
	const char *key;   /* that every file of it has, and no file of the others */
	const char *build; /* folder within a build directory, seen from dmmctl's own */
} programs[] = {
	{"dmm-ctrl", "home_prefixes", "../../ctrl"},
	{"dmm-dp", "ports", "../../dataplane"},
	{"dmm-mn", "interfaces", "../mn"},
};

#define PROGRAM_COUNT (sizeof(programs) / sizeof(programs[0]))

static const struct program *program_by_name(struct args *args, const char *name)
{
	for (size_t i = 0; i < PROGRAM_COUNT; i++)
		if (strcmp(name, programs[i].name) == 0)
			return &programs[i];
	args_fail(args, "--program: expected dmm-ctrl, dmm-dp or dmm-mn, not '%s'", name);
	return NULL;
}

static int fail_at(struct command_context *context, const char *file, int line, const char *why)
{
	char where[32] = "";
	struct client_error error = {.code = "invalid"};

	if (line > 0)
		snprintf(where, sizeof(where), ":%d", line);
	snprintf(error.message, sizeof(error.message), "%s%s: %s", file, where, why);
	return command_error(context, &error);
}

/* The program whose key the file has. NULL: the error is printed, *rc says how to exit. */
static const struct program *program_by_key(
	struct command_context *context, const char *file, int *rc)
{
	const struct program *found = NULL;
	config_t config;

	config_init(&config);
	if (config_read_file(&config, file)) {
		for (size_t i = 0; i < PROGRAM_COUNT && !found; i++)
			if (config_lookup(&config, programs[i].key))
				found = &programs[i];
		if (!found)
			*rc = fail_at(context, file, 0,
				"has none of the keys home_prefixes (dmm-ctrl), ports (dmm-dp), "
				"interfaces (dmm-mn): say whose it is with --program");
	} else if (config_error_type(&config) == CONFIG_ERR_FILE_IO) {
		*rc = fail_at(context, file, 0, strerror(errno ? errno : EIO));
	} else {
		*rc = fail_at(context,
			config_error_file(&config) ? config_error_file(&config) : file,
			config_error_line(&config), config_error_text(&config));
	}
	config_destroy(&config);
	return found;
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

/* Runs the program's own check; what it says goes to our standard error. */
static int run_check(
	struct command_context *context, const struct program *program, const char *file)
{
	int status;
	pid_t pid;

	fflush(context->out);
	fflush(context->err);
	pid = fork();
	if (pid == 0) {
		dup2(STDERR_FILENO, STDOUT_FILENO);
		exec_program(program, file);
		fprintf(stderr, "dmmctl: cannot run %s: %s\n", program->name, strerror(errno));
		_exit(127);
	}
	if (pid < 0)
		return fail_at(context, program->name, 0, strerror(errno));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fail_at(context, program->name, 0, strerror(errno));
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
		.summary = "Check a configuration file of dmm-ctrl, dmm-dp or dmm-mn.",
		.options = options,
		.run = check,
		.arguments_min = 1,
		.arguments_max = 1},
	{0},
};
