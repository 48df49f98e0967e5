#include "tools/pktgen/eal.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/log.h"
#include "tools/pktgen/port.h"

enum { WORDS_MAX = 24, WORD_SIZE = 1024 };

#define WITHOUT_HUGEPAGES "DMM_PKTGEN_WITHOUT_HUGEPAGES"

static char **process_arguments;

/* rte_eal_init() keeps pointers to the texts and reorders the list. */
static struct {
	int count;
	char *texts[WORDS_MAX];
	char *list[WORDS_MAX + 1];
} words;

static void add(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void add(const char *fmt, ...)
{
	char text[WORD_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (words.count < WORDS_MAX)
		words.list[words.count] = words.texts[words.count] = strdup(text);
	words.count += words.count < WORDS_MAX;
}

static void forget(void)
{
	while (words.count)
		free(words.texts[--words.count]);
}

static unsigned long free_hugepages(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "re");
	unsigned long pages = 0;

	if (f && fscanf(f, "%lu", &pages) != 1)
		pages = 0;
	if (f)
		fclose(f);
	return pages;
}

/* Decided before EAL is started, because a failed rte_eal_init() cannot be tried again. */
static int add_memory(const struct pktgen_config *config, uint32_t memory_mib, bool *huge)
{
	const unsigned long wanted = (memory_mib + 1) / 2, pages = free_hugepages();

	add("-m");
	add("%u", memory_mib);
	*huge = config->hugepages != CONFIG_HUGEPAGES_NO && pages >= wanted &&
		(config->hugepages == CONFIG_HUGEPAGES_YES || !getenv(WITHOUT_HUGEPAGES));
	if (*huge) {
		add("--in-memory");
		return 0;
	}
	if (config->hugepages == CONFIG_HUGEPAGES_YES) {
		LOG_ERROR(
			"eal", "hugepages-missing", "wanted=%lu free=%lu size=2MiB", wanted, pages);
		return -ENOMEM;
	}
	LOG_INFO("eal", "hugepages-not-used", "wanted=%lu free=%lu size=2MiB", wanted, pages);
	add("--no-huge");
	add("--no-shconf");
	return 0;
}

/* The core of a worker. */
static unsigned core_of(const struct pktgen_config *config, unsigned worker, const cpu_set_t *cores)
{
	int last = CPU_SETSIZE - 1;

	if (worker < config->cores.count)
		return (unsigned)*config_item(&config->cores, int64_t, worker);
	while (last > 0 && !CPU_ISSET(last, cores))
		last--;
	return (unsigned)last;
}

static void add_lcores(const struct pktgen_config *config)
{
	char text[WORD_SIZE];
	const char *comma = "";
	size_t used;
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0) {
		CPU_ZERO(&cores);
		CPU_SET(0, &cores);
	}
	used = (size_t)snprintf(text, sizeof(text), "0@(");
	for (int i = 0; i < CPU_SETSIZE && used < sizeof(text) / 2; i++) {
		if (!CPU_ISSET(i, &cores))
			continue;
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d", comma, i);
		comma = ",";
	}
	used += (size_t)snprintf(text + used, sizeof(text) - used, ")");
	for (unsigned w = 0; w < eal_workers(config); w++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, ",%u@%u", eal_lcore(w),
			core_of(config, w, &cores));
	add("--lcores");
	add("%s", text);
}

static void add_devices(const struct pktgen_config *config)
{
	const char *devices[] = {
		config->core.device, config->access.present ? config->access.device : NULL};
	bool pci = false, virtio_user = false;

	for (unsigned i = 0; i < 2; i++) {
		if (!devices[i])
			continue;
		if (port_device_is_pci(devices[i])) {
			add("-a");
			add("%s", devices[i]);
			pci = true;
		}
		virtio_user |= strncmp(devices[i], "net_virtio_user", 15) == 0;
	}
	if (!pci)
		add("--no-pci");
	if (virtio_user) /* its peer takes only so many files of memory */
		add("--single-file-segments");
}

/* DPDK's own lines, as lines of our log. */
static ssize_t write_log(void *cookie, const char *text, size_t len)
{
	const bool error = (unsigned)rte_log_cur_msg_loglevel() <= RTE_LOG_ERR;
	char line[LOG_QUOTE_MAX];

	(void)cookie;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(text, "\n"), text);
	LOG_AT(error ? LOG_LEVEL_WARN : LOG_LEVEL_INFO, "dpdk", "message", "text=%s",
		LOG_QUOTE(line));
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

void eal_set_arguments(char **arguments)
{
	process_arguments = arguments;
}

/* DPDK's environment cannot be started twice in one process. It has no memory when some of the
 * pages that were free have gone, and no permission when all have. Returns when it is not that. */
static void start_again_without_hugepages(const struct pktgen_config *config, int error)
{
	if ((error != -ENOMEM && error != -EACCES) || config->hugepages == CONFIG_HUGEPAGES_YES ||
		!process_arguments || setenv(WITHOUT_HUGEPAGES, "1", 1) < 0)
		return;
	LOG_WARN("eal", "start-again", "reason=hugepages-taken");
	execv("/proc/self/exe", process_arguments);
}

int eal_start(const struct pktgen_config *config, uint32_t memory_mib)
{
	bool huge = false;
	int rc;

	add("dmm-pktgen");
	rc = add_memory(config, memory_mib, &huge);
	if (rc < 0) {
		forget();
		return rc;
	}
	add_lcores(config);
	add_devices(config);
	add("--no-telemetry");
	add("--log-level=%s", config->log_level == LOG_LEVEL_DEBUG ? "notice" : "warning");
	redirect_log();
	if (rte_eal_init(words.count, words.list) < 0) {
		rc = rte_errno ? -rte_errno : -EINVAL;
		LOG_ERROR("eal", "start-failed", "error=%s", LOG_QUOTE(rte_strerror(-rc)));
		if (huge)
			start_again_without_hugepages(config, rc);
		forget();
		return rc;
	}
	return 0;
}

void eal_stop(void)
{
	rte_eal_cleanup();
	forget();
}
