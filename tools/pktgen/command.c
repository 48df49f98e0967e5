#include "tools/pktgen/command.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/daemon.h"

#define DEFAULT_FILE "/etc/dmm/dmm-pktgen.cfg"

enum {
	RATE_MAX = 1000000000,
	COUNT_MAX = 1000000000,
	SECONDS_MAX = 7 * 86400,
	MS_PER_S = 1000,
	WHY_SIZE = 200
};

static const struct command *const commands[] = {&command_traffic, &command_search,
	&command_signalling, &command_subscribers, &command_packets};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static const struct args_option command_options[COMMAND_OPTIONS] = {
	[COMMAND_CONFIG] = {'c', "config", "FILE", "configuration file [" DEFAULT_FILE "]"},
	[COMMAND_JSON] = {'j', "json", "FILE", "write the figures there, too"},
	[COMMAND_RATE] = {'r', "rate", "N",
		"packets (operations) a second; 0: as many as possible"},
	[COMMAND_SECONDS] = {'s', "seconds", "N", "how long, or how long each trial"},
	[COMMAND_SUBSCRIBERS] = {'n', "subscribers", "N", "how many there are"},
	[COMMAND_STREAMS] = {0, "streams", "LIST",
		"downlink, uplink, multicast, with weights or not:\n\"downlink:3,uplink\""},
	[COMMAND_SIZES] = {0, "sizes", "LIST",
		"octets of packets: \"64\", \"64,512\", \"64:7,576:4\",\n\"64-1460\" or \"imix\""},
	[COMMAND_DISTRIBUTION] = {0, "distribution", "NAME", "uniform, zipf or elephant"},
	[COMMAND_OUTPUT] = {'o', "output", "FILE", "write there [standard output]"},
	[COMMAND_COUNT] = {0, "count", "N",
		"packets, chosen as traffic does [one for each\nsubscriber and stream, in order]"},
	[COMMAND_LOSS] = {0, "loss", "PERCENT", "of packets that may be lost in a trial"},
	[COMMAND_MIX] = {0, "mix", "LIST",
		"register, refresh, move, deregister, with weights or\nnot: "
		"\"register,refresh:8\""},
	[COMMAND_BINDINGS] = {0, "bindings", "FILE",
		"write what is acknowledged to each node there"},
	[COMMAND_DATA_PLANE] = {0, "data-plane", "NAME",
		"play this data plane, too: straight to dmm-ctrl,\nwithout ports"},
};

volatile bool command_stopped;

static void stop(int number)
{
	(void)number;
	command_stopped = true;
}

json_t *command_json(const char *command)
{
	return json_pack("{s:s,s:s,s:s}", "program", "dmm-pktgen", "version", DMM_VERSION,
		"command", command);
}

int command_write_json(json_t *document, const char *file)
{
	int rc = 0;

	if (file && (!document || json_dump_file(document, file, JSON_INDENT(2)) < 0)) {
		fprintf(stderr, "dmm-pktgen: %s: %s\n", file, strerror(errno ? errno : ENOMEM));
		rc = COMMAND_FAILED;
	}
	json_decref(document);
	return rc;
}

static int number(struct args *a, enum command_option option, const char *text, uint64_t min,
	uint64_t max, uint64_t *out)
{
	if (args_parse_uint(text, min, max, out) == 0)
		return 0;
	return args_fail(a, "--%s: a number from %llu to %llu is needed, not '%s'",
		command_options[option].name, (unsigned long long)min, (unsigned long long)max,
		text);
}

static int distribution(struct args *a, const char *text, enum pick_kind *out)
{
	for (int i = 0; i < PICK_KINDS; i++)
		if (!strcmp(text, pick_names[i])) {
			*out = (enum pick_kind)i;
			return 0;
		}
	return args_fail(a, "--distribution: uniform, zipf or elephant is needed, not '%s'", text);
}

static int loss(struct args *a, const char *text, double *out)
{
	char *end;

	*out = strtod(text, &end);
	if (end != text && !*end && *out >= 0 && *out <= 100)
		return 0;
	return args_fail(a, "--loss: a number from 0 to 100 is needed, not '%s'", text);
}

/* Puts an option over what the file says, or only checks it. */
static int put_option(
	struct args *a, struct pktgen_config *c, enum command_option option, const char *text)
{
	char why[WHY_SIZE];
	uint64_t n = 0;
	int rc = 0;

	switch (option) {
	case COMMAND_RATE:
		rc = number(a, option, text, 0, RATE_MAX, &n);
		c->traffic.rate = c->signalling.rate = n;
		break;
	case COMMAND_SECONDS:
		rc = number(a, option, text, 1, SECONDS_MAX, &n);
		c->traffic.duration_ms = c->search.trial_ms = (uint32_t)n * MS_PER_S;
		c->signalling.duration_ms = c->traffic.duration_ms;
		break;
	case COMMAND_SUBSCRIBERS:
		rc = number(a, option, text, 1, POPULATION_MAX, &n);
		c->subscribers.count = (uint32_t)n;
		break;
	case COMMAND_STREAMS:
		if (pktgen_config_set_streams(c, text, why, sizeof(why)) < 0)
			rc = args_fail(a, "--streams: %s", why);
		break;
	case COMMAND_MIX:
		if (pktgen_config_set_mix(c, text, why, sizeof(why)) < 0)
			rc = args_fail(a, "--mix: %s", why);
		break;
	case COMMAND_SIZES:
		if (pktgen_config_set_sizes(c, text, why, sizeof(why)) < 0)
			rc = args_fail(a, "--sizes: %s", why);
		break;
	case COMMAND_DISTRIBUTION:
		return distribution(a, text, &c->traffic.distribution);
	case COMMAND_COUNT:
		return number(a, option, text, 1, COUNT_MAX, &n);
	case COMMAND_LOSS:
		return loss(a, text, &c->search.loss);
	default:
		break;
	}
	return rc;
}

static int load(const char *file, struct pktgen_config *config)
{
	struct config_report report = {0};
	int rc = pktgen_config_load(file ? file : DEFAULT_FILE, config, &report);

	if (rc < 0)
		fputs(report.text ? report.text : "dmm-pktgen: out of memory\n", stderr);
	config_report_free(&report);
	log_set_level(config->log_level);
	return rc < 0 ? COMMAND_FAILED : COMMAND_DONE;
}

static int run(const struct command *command, struct args *a, const char **texts)
{
	struct pktgen_config config = {0};
	int code = load(texts[COMMAND_CONFIG], &config);

	for (int i = 0; code == COMMAND_DONE && i < COMMAND_OPTIONS; i++)
		if (texts[i])
			code = put_option(a, &config, (enum command_option)i, texts[i]);
	if (code == COMMAND_DONE) {
		signal(SIGINT, stop);
		signal(SIGTERM, stop);
		code = command->run(&config, texts);
		if (fflush(stdout) && code == COMMAND_DONE) {
			perror("dmm-pktgen: standard output");
			code = COMMAND_FAILED;
		}
	}
	pktgen_config_free(&config);
	return code;
}

/* argv[0] is the command's name. */
static int run_command(const struct command *command, int argc, char **argv)
{
	struct args_option options[COMMAND_OPTIONS + 1] = {0};
	enum command_option numbers[COMMAND_OPTIONS];
	const char *texts[COMMAND_OPTIONS] = {0};
	char name[64];
	const struct args_program program = {.name = name,
		.usage = "[OPTION]...",
		.summary = command->summary,
		.options = options};
	struct args a;
	int count = 0;

	snprintf(name, sizeof(name), "dmm-pktgen %s", command->name);
	for (int i = 0; i < COMMAND_OPTIONS; i++) {
		if (!(command->options & COMMAND_TAKES(i)))
			continue;
		numbers[count] = (enum command_option)i;
		options[count++] = command_options[i];
	}
	args_begin(&a, &program, argc, argv);
	while (args_next(&a))
		texts[numbers[a.index]] = a.value;
	if (!a.done && a.first < argc)
		args_fail(&a, "unexpected argument '%s'", argv[a.first]);
	return a.done ? a.exit_code : run(command, &a, texts);
}

static int unknown_command(struct args *a, const char *word)
{
	const char *names[COMMANDS + 1] = {0};
	char list[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < COMMANDS; i++) {
		names[i] = commands[i]->name;
		used += (size_t)snprintf(list + used, sizeof(list) - used, " %s", names[i]);
	}
	if (!word)
		return args_fail(a, "a command is missing: expected one of%s", list);

	const char *near = args_suggest(word, names);

	if (near)
		return args_fail(a, "unknown command '%s': did you mean '%s'?", word, near);
	return args_fail(a, "unknown command '%s': expected one of%s", word, list);
}

static int check(const char *file)
{
	struct pktgen_config config = {0};
	int code = load(file, &config);

	if (code == COMMAND_DONE)
		printf("%s: good\n", file ? file : DEFAULT_FILE);
	pktgen_config_free(&config);
	return code;
}

enum main_option { MAIN_CONFIG, MAIN_CHECK, MAIN_REFERENCE };

static const struct args_option main_options[] = {
	[MAIN_CONFIG] = {'c', "config", "FILE", "with --check: the file [" DEFAULT_FILE "]"},
	[MAIN_CHECK] = {0, "check", NULL, "check the configuration and end"},
	[MAIN_REFERENCE] = {0, "config-reference", NULL, "print every key of the file and end"},
	{0},
};

static const struct args_program main_program = {.name = "dmm-pktgen",
	.usage = "COMMAND [OPTION]...",
	.summary = "Plays mobile nodes and their correspondents to measure the DMM gateway.",
	.options = main_options,
	.stop_at_command = true,
	.epilogue = "Commands, each with --help:\n"
		    "  traffic       user traffic at a rate: loss, order, latency\n"
		    "  search        the highest rate without loss (RFC 2544, 26.1)\n"
		    "  signalling    registrations, refreshes, moves and deregistrations\n"
		    "  subscribers   what dmmctl subscriber import needs to know of the nodes\n"
		    "  packets       the traffic as a capture, for other generators"};

int command_main(int argc, char **argv)
{
	const char *file = NULL, *word;
	bool checks = false;
	struct args a;

	daemon_protect_secrets(); /* the keys of those who are played pass through this process */
	args_begin(&a, &main_program, argc, argv);
	while (args_next(&a)) {
		switch ((enum main_option)a.index) {
		case MAIN_CONFIG:
			file = a.value;
			break;
		case MAIN_CHECK:
			checks = true;
			break;
		case MAIN_REFERENCE:
			config_print_reference(stdout, pktgen_config_keys);
			return COMMAND_DONE;
		}
	}
	if (a.done)
		return a.exit_code;
	word = a.first < argc ? argv[a.first] : NULL;
	if (checks)
		return word ? args_fail(&a, "unexpected argument '%s'", word) : check(file);
	if (file)
		return args_fail(&a, "--config goes behind the command");
	for (size_t i = 0; word && i < COMMANDS; i++)
		if (!strcmp(commands[i]->name, word))
			return run_command(commands[i], argc - a.first, argv + a.first);
	return unknown_command(&a, word);
}
