#include "dataplane/eal.h"

#include <errno.h>
#include <fcntl.h>
#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/log.h"
#include "dataplane/device.h"

#define HUGEPAGES "/sys/kernel/mm/hugepages/hugepages-2048kB"

enum {
	ARGS_MAX = 32,
	ARG_SIZE = 1024,
	TURN_TRIES = 50,
	TURN_WAIT_US = 100000,
};

/* A command line for rte_eal_init(), which keeps pointers to the texts and writes to the list. */
struct eal_args {
	int count;
	char *texts[ARGS_MAX];
	char *list[ARGS_MAX + 1];
};

static struct eal_args args;

static void add(struct eal_args *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct eal_args *a, const char *fmt, ...)
{
	char text[ARG_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (a->count == ARGS_MAX)
		return;
	a->texts[a->count] = strdup(text);
	a->list[a->count] = a->texts[a->count];
	a->count++;
}

static void forget(struct eal_args *a)
{
	while (a->count)
		free(a->texts[--a->count]);
}

static unsigned long read_number(const char *directory, const char *name)
{
	char path[256];
	unsigned long value = 0;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	if (fscanf(file, "%lu", &value) != 1)
		value = 0;
	fclose(file);
	return value;
}

unsigned long eal_hugepages_free(const char *directory)
{
	unsigned long free_pages = read_number(directory, "free_hugepages");
	unsigned long reserved = read_number(directory, "resv_hugepages");

	return free_pages > reserved ? free_pages - reserved : 0;
}

/*
 * Another data plane of this machine that starts at the same time would count the same pages as
 * free: one after the other. Our program file is what all of them share, whatever their namespaces.
 * Returns a descriptor to close, or -1: nobody is waited for.
 */
static int take_turn(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	for (int i = 0; fd >= 0 && i < TURN_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			break;
		usleep(TURN_WAIT_US);
	}
	return fd;
}

/* Decides before EAL is started, because a failed rte_eal_init() cannot be tried again. */
static int choose_memory(
	const struct dp_config *config, struct eal_memory memory, struct eal_args *a, bool *huge)
{
	unsigned long wanted = (memory.dpdk_mib + memory.other_mib + 1) / 2;
	unsigned long free_pages = eal_hugepages_free(HUGEPAGES);

	if (config->hugepages == DP_CONFIG_HUGEPAGES_YES && free_pages < wanted) {
		LOG_ERROR("eal", "hugepages-missing", "wanted=%lu free=%lu size=2MiB", wanted,
			free_pages);
		return -ENOMEM;
	}
	add(a, "-m");
	add(a, "%u", memory.dpdk_mib);
	if (config->hugepages != DP_CONFIG_HUGEPAGES_NO && free_pages >= wanted) {
		add(a, "--in-memory");
		*huge = true;
		LOG_INFO("eal", "hugepages-used", "wanted=%lu free=%lu size=2MiB", wanted,
			free_pages);
		return 0;
	}
	add(a, "--no-huge");
	add(a, "--no-shconf");
	LOG_INFO("eal", "hugepages-not-used", "wanted=%lu free=%lu size=2MiB reason=%s", wanted,
		free_pages,
		config->hugepages == DP_CONFIG_HUGEPAGES_NO ? "configuration" : "not-enough-free");
	return 0;
}

/*
 * The main thread, and the mirror thread that inherits from it, keep every core that they may use,
 * where rte_eal_init() would pin them to one; but not the cores of workers that never sleep.
 */
static void cores_of_main(const struct dp_config *config, cpu_set_t *cores)
{
	cpu_set_t others;

	if (sched_getaffinity(0, sizeof(*cores), cores) < 0)
		CPU_ZERO(cores);
	others = *cores;
	for (size_t i = 0; config->busy_poll && i < config->workers.count; i++)
		CPU_CLR(dp_config_core(config, i), &others);
	if (CPU_COUNT(&others) > 0)
		*cores = others;
}

static void add_lcores(const struct dp_config *config, struct eal_args *a)
{
	char text[ARG_SIZE];
	size_t used = 0;
	const char *comma = "";
	cpu_set_t cores;

	cores_of_main(config, &cores);
	used += (size_t)snprintf(text, sizeof(text), "%d@(", EAL_LCORE_MAIN);
	for (int i = 0; i < CPU_SETSIZE && used < sizeof(text) / 2; i++) {
		if (!CPU_ISSET(i, &cores))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d", comma, i);
		comma = ",";
	}
	used += snprintf(text + used, sizeof(text) - used, ")");
	for (size_t i = 0; i < config->workers.count && used < sizeof(text); i++)
		used += snprintf(text + used, sizeof(text) - used, ",%u@%u", eal_lcore(i),
			dp_config_core(config, i));
	add(a, "--lcores");
	add(a, "%s", text);
}

/* Only devices that were named are probed: a scan of everything may take others' devices. */
static void add_devices(const struct dp_config *config, struct eal_args *a)
{
	bool any = false;

	for (size_t i = 0; i < config->ports.count; i++) {
		const char *device = dp_config_port(config, i)->device;

		if (!device_is_pci(device))
			continue;
		add(a, "-a");
		add(a, "%s", device);
		any = true;
	}
	if (!any)
		add(a, "--no-pci");
}

/* DPDK's own lines, as lines of our log. */
static ssize_t write_log(void *cookie, const char *text, size_t len)
{
	char line[LOG_QUOTE_MAX];

	(void)cookie;
	size_t used = strcspn(text, "\n");
	snprintf(line, sizeof(line), "%.*s", (int)RTE_MIN(used, len), text);
	LOG_AT((unsigned)rte_log_cur_msg_loglevel() <= RTE_LOG_ERR ? LOG_LEVEL_WARN
								   : LOG_LEVEL_INFO,
		"dpdk", "message", "text=%s", LOG_QUOTE(line));
	return (ssize_t)len;
}

static void redirect_log(void)
{
	const cookie_io_functions_t functions = {.write = write_log};
	FILE *stream = fopencookie(NULL, "w", functions);

	if (!stream)
		return;
	setvbuf(stream, NULL, _IOLBF, BUFSIZ);
	rte_openlog_stream(stream);
}

/* Whether others have taken pages since they were counted: some of them, or all, in which case DPDK
 * says that it has no permission. */
static bool pages_went(int error)
{
	return error == -ENOMEM || error == -EACCES;
}

int eal_start(const struct dp_config *config, struct eal_memory memory)
{
	const int turn = take_turn();
	bool huge = false;

	add(&args, "dmm-dp");
	int rc = choose_memory(config, memory, &args, &huge);
	if (rc < 0)
		goto fail;
	add_lcores(config, &args);
	add_devices(config, &args);
	add(&args, "--no-telemetry");
	add(&args, "--log-level=%s", config->log_level == LOG_LEVEL_DEBUG ? "notice" : "warning");

	redirect_log();
	if (rte_eal_init(args.count, args.list) < 0) {
		rc = -rte_errno;
		LOG_ERROR("eal", "start-failed", "error=%s", LOG_QUOTE(rte_strerror(rte_errno)));
		if (pages_went(rc) && huge && config->hugepages == DP_CONFIG_HUGEPAGES_AUTO)
			rc = -EAGAIN;
		goto fail;
	}
	if (turn >= 0)
		close(turn);
	return 0;
fail:
	if (turn >= 0)
		close(turn);
	forget(&args);
	return rc;
}

void eal_stop(void)
{
	rte_eal_cleanup();
	forget(&args);
}
