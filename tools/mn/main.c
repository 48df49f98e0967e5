#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/args.h"
#include "common/daemon.h"
#include "common/log.h"
#include "tools/mn/mn.h"
#include "tools/mn/status.h"

static const struct args_option options[] = {
	{'c', "config", "FILE", "configuration file [/etc/dmm/dmm-mn.cfg]"},
	{'C', "check", NULL, "check the configuration and exit"},
	{'s', "status", NULL, "print the state of the running node as JSON"},
	{'S', "socket", "PATH", "with --status: its socket, instead of the configuration's"},
	{0, "config-reference", NULL, "print all configuration keys and exit"},
	{0},
};

enum { OPT_CONFIG, OPT_CHECK, OPT_STATUS, OPT_SOCKET, OPT_REFERENCE };

static const struct args_program program = {
	.name = "dmm-mn",
	.usage = "[OPTION]...",
	.summary = "A Mobile IPv6 mobile node: keeps the home address reachable on every link.",
	.options = options,
};

struct request {
	const char *config;
	const char *socket;
	bool check, status;
};

static int print_status(const char *path)
{
	int ret = status_ask(path);

	if (!ret)
		return 0;
	fprintf(stderr, "dmm-mn: no running node answers at %s: %s\n", path, strerror(-ret));
	return 1;
}

/* Who can read the key can be this node to its home agent. */
static void judge_permissions(const char *file)
{
	struct stat st;

	if (stat(file, &st) == 0 && st.st_mode & 077)
		LOG_WARN("mn", "key-is-readable",
			"file=%s mode=%04o error=\"others can read the key in it (chmod 600)\"",
			LOG_QUOTE(file), (unsigned)st.st_mode & 07777);
}

static int with_config(const struct request *r)
{
	struct mn *mn = calloc(1, sizeof(*mn));
	struct config_report report = {0};
	int code = 1;

	if (!mn)
		return 1;
	int ret = mn_config_load(r->config, &mn->config, &report);

	if (ret)
		fputs(report.text ? report.text : "dmm-mn: out of memory\n", stderr);
	else if (r->check)
		code = printf("%s: good\n", r->config) < 0;
	else if (r->status)
		code = print_status(mn->config.status_socket);
	else {
		log_set_level(mn->config.log_level);
		daemon_protect_secrets();
		judge_permissions(r->config);
		code = mn_open(mn) || mn_run(mn) ? 1 : 0;
		mn_close(mn);
		if (!code)
			LOG_INFO("mn", "stopped");
	}
	config_report_free(&report);
	mn_config_free(&mn->config);
	free(mn);
	return code;
}

int main(int argc, char **argv)
{
	struct request r = {.config = "/etc/dmm/dmm-mn.cfg"};
	struct args a;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		switch (a.index) {
		case OPT_CONFIG:
			r.config = a.value;
			break;
		case OPT_CHECK:
			r.check = true;
			break;
		case OPT_STATUS:
			r.status = true;
			break;
		case OPT_SOCKET:
			r.socket = a.value;
			break;
		case OPT_REFERENCE:
			config_print_reference(stdout, mn_config_keys);
			return 0;
		}
	}
	if (!a.done && a.first < argc)
		args_fail(&a, "unexpected argument '%s'", argv[a.first]);
	if (!a.done && r.socket && !r.status)
		args_fail(&a, "--socket goes with --status");
	if (a.done)
		return a.exit_code;
	return r.status && r.socket ? print_status(r.socket) : with_config(&r);
}
