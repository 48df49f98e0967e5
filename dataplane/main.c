#include <errno.h>
#include <rte_launch.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/args.h"
#include "common/clock.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/zsock.h"
#include "dataplane/agent/agent.h"
#include "dataplane/agent/events.h"
#include "dataplane/config.h"
#include "dataplane/eal.h"
#include "dataplane/keys.h"
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/trace.h"
#include "dataplane/port.h"
#include "dataplane/tables/tables.h"
#include "dataplane/worker.h"

#define DEFAULT_FILE "/etc/dmm/dmm-dp.cfg"

/* Set for the process that takes the place of one for which there were no hugepages. */
#define WITHOUT_HUGEPAGES "DMM_DP_WITHOUT_HUGEPAGES"

enum {
	/* Rings, the graphs, and what DPDK and its drivers keep for themselves. */
	MEMORY_BASE_MIB = 32,
	MEMORY_WORKER_MIB = 8,
};

enum {
	OPTION_CONFIG,
	OPTION_CHECK,
	OPTION_REFERENCE,
};

static const struct args_option options[] = {
	[OPTION_CONFIG] = {'c', "config", "FILE", "configuration file [" DEFAULT_FILE "]"},
	[OPTION_CHECK] = {0, "check", NULL, "check the configuration and end"},
	[OPTION_REFERENCE] = {0, "config-reference", NULL, "print every key of the file and end"},
	{0},
};

static const struct args_program program = {
	.name = "dmm-dp",
	.usage = "[OPTION]...",
	.summary = "The data plane of the DMM gateway: forwards what dmm-ctrl tells it to.",
	.options = options,
};

/* All that runs, in the order in which it is made. */
struct dataplane {
	const struct dp_config *config;
	struct tables *tables;
	struct worker *workers[DP_CONFIG_WORKERS_MAX];
	unsigned launched;
	struct agent *agent;
};

static struct tables_config tables_wanted(const struct dp_config *config)
{
	return (struct tables_config){
		.subscribers = config->subscribers,
		.rules = config->rules,
		.groups = config->groups,
		.members = config->members,
		.routes = config->routes,
		.neighbours = config->neighbours,
		.readers = (unsigned)config->workers.count,
		.name = config->name,
		.grow = config->grow,
	};
}

static uint32_t mib(size_t octets)
{
	return (uint32_t)(octets >> 20) + 1;
}

/* What DPDK is to have, and what tables take beside it. */
static struct eal_memory memory_wanted(const struct dp_config *config)
{
	const struct tables_config tables = tables_wanted(config);
	struct eal_memory m = {
		.dpdk_mib = mib(tables_memory_needed(&tables) + port_memory_needed(config)) +
			    MEMORY_BASE_MIB + MEMORY_WORKER_MIB * (uint32_t)config->workers.count,
		.other_mib = mib(tables_room_needed(&tables)),
	};

	if (config->memory)
		m.dpdk_mib = config->memory > m.other_mib ? config->memory - m.other_mib : 1;
	return m;
}

static int fail(const char *what, int rc)
{
	LOG_ERROR("main", "start-failed", "step=%s error=%s", what, LOG_QUOTE(strerror(-rc)));
	return rc;
}

static int make_tables(struct dataplane *dp)
{
	const struct tables_config wanted = tables_wanted(dp->config);
	int rc = 0;

	dp->tables = tables_create(&wanted, &rc);
	for (size_t i = 0; rc == 0 && dp->tables && i < dp->config->ports.count; i++) {
		const struct dp_config_port *port = dp_config_port(dp->config, i);

		rc = domain_table_add(&dp->tables->domains, port_find(port->name), port->domain);
	}
	return rc ? fail("tables", rc) : 0;
}

static int make_workers(struct dataplane *dp)
{
	for (unsigned i = 0; i < dp->config->workers.count; i++) {
		const struct worker_config wanted = {
			.index = i, .tables = dp->tables, .busy_poll = dp->config->busy_poll};
		int rc = 0;

		dp->workers[i] = worker_create(&wanted, &rc);
		if (!dp->workers[i])
			return fail("worker", rc);
	}
	return 0;
}

static int launch_workers(struct dataplane *dp)
{
	for (unsigned i = 0; i < dp->config->workers.count; i++) {
		int rc = rte_eal_remote_launch(worker_run, dp->workers[i], eal_lcore(i));

		if (rc < 0)
			return fail("launch", rc);
		dp->launched++;
	}
	return 0;
}

static int start(struct dataplane *dp)
{
	unsigned workers = (unsigned)dp->config->workers.count;
	int rc = port_open_all(dp->config);

	if (rc == 0)
		rc = make_tables(dp);
	if (rc == 0)
		rc = port_start_all();
	if (rc == 0) {
		rc = events_open(workers + 1);
		if (rc < 0)
			fail("events", rc);
	}
	if (rc == 0) {
		rc = trace_open(workers);
		if (rc < 0)
			fail("trace", rc);
	}
	if (rc == 0)
		rc = mirror_open(dp->config, dp->tables);
	if (rc == 0)
		rc = make_workers(dp);
	if (rc == 0)
		rc = launch_workers(dp);
	if (rc == 0)
		rc = mirror_start();
	if (rc < 0)
		return rc;
	const struct agent_config agent = {.config = dp->config,
		.tables = dp->tables,
		.workers = dp->workers,
		.worker_count = workers};
	dp->agent = agent_open(&agent, &rc);
	return rc;
}

static void stop(struct dataplane *dp)
{
	agent_close(dp->agent);
	for (unsigned i = 0; i < dp->launched; i++)
		worker_stop(dp->workers[i]);
	for (unsigned i = 0; i < dp->launched; i++)
		rte_eal_wait_lcore(eal_lcore(i));
	mirror_stop();
	port_stop_all();
	for (unsigned i = 0; i < DP_CONFIG_WORKERS_MAX; i++)
		worker_destroy(dp->workers[i]);
	mirror_close();
	trace_close();
	events_close();
	tables_destroy(dp->tables);
	port_close_all();
}

/* DPDK's environment cannot be started twice in one process. Returns only when that fails. */
static void start_again_without_hugepages(char **argv)
{
	LOG_WARN("main", "start-again", "reason=hugepages-taken");
	if (getenv(WITHOUT_HUGEPAGES) || setenv(WITHOUT_HUGEPAGES, "1", 1) < 0)
		return;
	execv("/proc/self/exe", argv);
	fail("exec", -errno);
}

static int run(const struct dp_config *config, const char *file, char **argv, uint64_t began_ns)
{
	struct dataplane dp = {.config = config};
	int signals = daemon_signals();
	int rc = signals < 0 ? fail("signals", signals) : 0;

	/* Before the environment: its threads would inherit the core of a worker. */
	if (rc == 0 && !zsock_context())
		rc = fail("zeromq", -errno);
	if (rc == 0)
		rc = keys_open(config, file);
	if (rc == 0)
		rc = eal_start(config, memory_wanted(config));
	if (rc == -EAGAIN)
		start_again_without_hugepages(argv);
	if (rc < 0) {
		keys_close();
		return 1;
	}
	rc = start(&dp);
	if (rc == 0) {
		LOG_INFO("main", "ready", "name=%s ports=%zu workers=%zu start_ms=%llu",
			config->name, config->ports.count, config->workers.count,
			(unsigned long long)((clock_mono_ns() - began_ns) / CLOCK_NS_PER_MS));
		daemon_notify("READY=1");
		int number = agent_run(dp.agent, signals);

		LOG_INFO("main", "stopping", "signal=%s", sigabbrev_np(number));
		daemon_notify("STOPPING=1");
	}
	stop(&dp);
	zsock_context_end();
	keys_close();
	eal_stop();
	if (rc == 0)
		LOG_INFO("main", "stopped");
	return rc < 0 ? 1 : 0;
}

int main(int argc, char **argv)
{
	uint64_t began_ns = clock_mono_ns();
	struct config_report report = {0};
	struct dp_config config = {0};
	const char *file = DEFAULT_FILE;
	bool check = false;
	struct args a;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		switch (a.index) {
		case OPTION_CONFIG:
			file = a.value;
			break;
		case OPTION_CHECK:
			check = true;
			break;
		case OPTION_REFERENCE:
			dp_config_reference(stdout);
			return 0;
		}
	}
	if (!a.done && a.first < argc)
		args_fail(&a, "unexpected argument '%s'", argv[a.first]);
	if (a.done)
		return a.exit_code;

	int rc = dp_config_load(&config, file, !check, &report);
	if (rc < 0)
		fputs(report.text ? report.text : "dmm-dp: out of memory\n", stderr);
	else if (check)
		printf("%s: good\n", file);
	log_set_level(config.log_level);
	if (getenv(WITHOUT_HUGEPAGES) && config.hugepages == DP_CONFIG_HUGEPAGES_AUTO)
		config.hugepages = DP_CONFIG_HUGEPAGES_NO;
	int exit_code = rc < 0 ? 1 : check ? 0 : run(&config, file, argv, began_ns);
	config_report_free(&report);
	dp_config_free(&config);
	return exit_code;
}
