/*
 * bench_dataplane: what a packet costs the data plane, and what a subscriber does.
 *
 * The real graph runs between a source node, which makes packets of random subscribers, and a port
 * of DPDK's null driver. What the same source and the same port cost with nothing in between is
 * measured in the same run, as the floor. Packet I/O of a network card is not in the figures, nor
 * are cache misses on packets that a card has just written.
 */
#include <errno.h>
#include <jansson.h>
#include <rte_common.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include "common/args.h"
#include "dataplane/part.h"
#include "dataplane/rig.h"

enum {
	SUBSCRIBERS_MAX = 8000000,
	SIZES_MAX = 8,
	CALIBRATION_US = 100000,
	SOAK_MAX_S = 7 * 24 * 3600,
};

struct options {
	const char *pages, *core, *json;
	uint32_t subscribers[SIZES_MAX];
	unsigned sizes, soak_s;
	bool quick;
	bool multicast; /* nothing else */
	bool gre;       /* nothing but the graph, with tunnels in GRE */
};

/* "1000,1000000" */
static unsigned parse_list(const char *text, uint32_t list[SIZES_MAX])
{
	char copy[128], *save = NULL;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		uint64_t value;

		if (n == SIZES_MAX || args_parse_uint(word, 1, SUBSCRIBERS_MAX, &value) < 0)
			return 0;
		list[n++] = (uint32_t)value;
	}
	return n;
}

enum {
	OPTION_QUICK,
	OPTION_SUBSCRIBERS,
	OPTION_PAGES,
	OPTION_CORE,
	OPTION_JSON,
	OPTION_MULTICAST,
	OPTION_SOAK,
	OPTION_GRE,
};

static void parse_options(struct options *o, int argc, char **argv)
{
	static const struct args_option table[] = {
		{'q', "quick", NULL, "the main rows, in less than a minute"},
		{'s', "subscribers", "N,N,...",
			"sizes of the table (1000,100000,1000000,4000000; quick: 1000,1000000)"},
		{'p', "pages", "2M|4K|both", "memory pages (both, 2M only if enough are free)"},
		{'l', "core", "N", "core to run on (the last)"},
		{'j', "json", "FILE", "write the figures there, too"},
		{'m', "multicast", NULL, "only what copies of multicast packets cost"},
		{0, "soak", "SECONDS",
			"nothing but full rate with all kinds of changes; fails if anything is "
			"lost"},
		{'g', "gre", NULL, "only cycles a packet, with tunnels in GRE with keys"}, {0}};
	static const struct args_program program = {.name = "tools/bench dataplane",
		.usage = "[OPTION]...",
		.summary = "Cycles that the data plane spends on a packet, in total and by node.",
		.options = table};
	const char *list = NULL, *soak = NULL;
	uint64_t seconds = 0;
	struct args a;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		const char **texts[] = {NULL, &list, &o->pages, &o->core, &o->json, NULL, &soak};

		if (a.index == OPTION_QUICK)
			o->quick = true;
		else if (a.index == OPTION_MULTICAST)
			o->multicast = true;
		else if (a.index == OPTION_GRE)
			o->gre = true;
		else
			*texts[a.index] = a.value;
	}
	if (a.done)
		exit(a.exit_code);
	if (a.first < argc)
		exit(args_fail(&a, "'%s': no arguments but options", argv[a.first]));
	if (o->multicast + o->gre + (soak != NULL) > 1)
		exit(args_fail(&a, "one of --multicast, --gre and --soak alone"));
	if (soak && args_parse_uint(soak, 1, SOAK_MAX_S, &seconds) < 0)
		exit(args_fail(&a, "soak '%s': seconds from 1 to %d", soak, SOAK_MAX_S));
	o->soak_s = (unsigned)seconds;
	if (!list)
		list = o->multicast ? "10000"
		       : o->soak_s  ? "200000"
		       : o->quick   ? "1000,1000000"
				    : "1000,100000,1000000,4000000";
	o->sizes = parse_list(list, o->subscribers);
	if (o->sizes == 0)
		exit(args_fail(&a, "subscribers '%s': numbers from 1 to %d, at most %d of them",
			list, SUBSCRIBERS_MAX, SIZES_MAX));
	if (strcmp(o->pages, "2M") && strcmp(o->pages, "4K") && strcmp(o->pages, "both"))
		exit(args_fail(&a, "pages '%s': 2M, 4K or both", o->pages));
}

/* Of the counter that cycles are told in. */
static double tsc_hz(void)
{
	struct timespec from, to;
	uint64_t start, cycles;

	clock_gettime(CLOCK_MONOTONIC, &from);
	start = __rdtsc();
	usleep(CALIBRATION_US);
	clock_gettime(CLOCK_MONOTONIC, &to);
	cycles = __rdtsc() - start;
	return (double)cycles /
	       ((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
}

static json_t *machine(void)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256], *cpu = NULL;
	struct utsname name;

	while (f && !cpu && fgets(line, sizeof(line), f))
		if (strncmp(line, "model name", 10) == 0)
			cpu = strchr(line, ':');
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	uname(&name);
	return json_pack("{s:s,s:I,s:f,s:s,s:I}", "cpu", cpu ? cpu + 2 : "unknown", "cores",
		(json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "tsc_hz", tsc_hz(), "kernel",
		name.release, "huge_mb", (json_int_t)rig_free_huge_mb());
}

/* The kinds of pages to measure with: those asked for, or both, as far as there are enough. */
static unsigned choose_pages(const struct options *o, const char *pages[2])
{
	static const char *const kinds[] = {"2M", "4K"};
	uint32_t most = 0;
	unsigned n = 0;

	for (unsigned i = 0; i < o->sizes; i++)
		most = RTE_MAX(most, o->subscribers[i]);
	for (unsigned i = 0; i < RTE_DIM(kinds); i++) {
		bool asked = strcmp(o->pages, kinds[i]) == 0;

		if (!asked && strcmp(o->pages, "both") != 0)
			continue;
		if (rig_has_pages(kinds[i], most)) {
			pages[n++] = kinds[i];
			continue;
		}
		fprintf(stderr, "%u subscribers need %lu MiB in pages of %s: not measured\n", most,
			rig_memory_mb(most), kinds[i]);
		if (asked)
			exit(1);
	}
	return n;
}

/* A core beside the one to measure on; NULL: there is none. */
static const char *other_core(const char *core)
{
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return NULL;
	return strcmp(core, "0") == 0 ? "1" : "0";
}

/* Runs a part and adds its rows to those of this name. */
static void add(json_t *root, const char *name, part part, const struct plan *plan)
{
	json_t *rows = part_run(part, plan);

	if (!rows)
		exit(1);
	json_array_extend(json_object_get(root, name), rows);
	json_decref(rows);
}

/* All that is asked for; what does not depend on the kind of pages with the first of them. */
static void run(const struct options *o, struct plan *plan, bool first, json_t *root)
{
	if (o->soak_s) {
		if (!plan->other)
			rig_die("a second core", ENODEV);
		plan->soak_s = o->soak_s;
		if (first)
			add(root, "soak", part_soak, plan);
		return;
	}
	if (!o->multicast)
		add(root, "results", part_graph, plan);
	if (o->gre)
		return;
	if (first)
		add(root, "replicate", part_replicate, plan);
	if (!first || !plan->other || o->multicast)
		return;
	add(root, "linux", part_linux, plan);
	add(root, "updates", part_updates, plan);
	add(root, "workers", part_workers, plan);
	if (!o->quick)
		add(root, "end_to_end", part_end_to_end, plan);
}

static double bytes_of_largest(const json_t *results)
{
	const json_t *row, *largest = NULL;
	size_t i;

	json_array_foreach(results, i,
		row) if (!largest || json_integer_value(json_object_get(row, "subscribers")) >
					     json_integer_value(json_object_get(
						     largest, "subscribers"))) largest = row;
	return json_real_value(json_object_get(largest, "bytes_per_subscriber"));
}

int main(int argc, char **argv)
{
	static char last[24];
	struct options o = {.pages = "both", .core = last};
	const char *pages[2];
	json_t *root, *results;

	snprintf(last, sizeof(last), "%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	parse_options(&o, argc, argv);
	/* Where others use the cores, too; not allowed is no harm. What a soak looks for is no
	 * figure, and others will want to go on for so long. */
	if (!o.soak_s)
		setpriority(PRIO_PROCESS, 0, -20);
	root = json_pack("{s:o,s:[],s:[],s:[],s:[],s:[],s:[],s:[]}", "machine", machine(),
		"results", "linux", "end_to_end", "updates", "replicate", "workers", "soak");
	printf("%s\n", json_string_value(json_object_get(json_object_get(root, "machine"), "cpu")));
	for (unsigned i = 0, n = choose_pages(&o, pages); i < n; i++) {
		struct plan plan = {.pages = pages[i],
			.core = o.core,
			.other = other_core(o.core),
			.subscribers = o.subscribers,
			.sizes = o.sizes,
			.quick = o.quick,
			.gre = o.gre};

		run(&o, &plan, i == 0, root);
	}
	results = json_object_get(root, "results");
	if (json_array_size(results))
		json_object_set_new(
			root, "bytes_per_subscriber", json_real(bytes_of_largest(results)));
	if (o.json && json_dump_file(root, o.json, JSON_INDENT(2)) < 0)
		rig_die(o.json, errno ? errno : EIO);
	json_decref(root);
	return 0;
}
