/*
 * bench_control: what dmm-ctrl does under signalling load. The program is the installed one, with
 * its store on a disk; the mobile nodes and the data plane, which acknowledges at once, are played
 * here over the two channels. What each node was acknowledged is compared with what control has
 * after it was killed.
 */
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "common/args.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/zsock.h"
#include "control/floor.h"
#include "control/player.h"
#include "control/rig.h"

enum {
	NODES_MIN = 2000,
	NODES_MAX = 4000000,
	OUTSTANDING = 8000,
	PARTS = 4,  /* of the registrations before the last, which is measured at 80 % */
	POINTS = 5, /* of the curve of latency against load */
	STORM_TIMES = 10,
	PRIORITY = -10,
};

static struct {
	struct rig rig;
	struct player *player;
	struct player_result r; /* of the last phase: 18 KiB */
	json_t *figures;
	double seconds, storm_seconds, ending_seconds;
	bool quiet;
} bench;

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	if (!bench.quiet)
		vprintf(fmt, args);
	va_end(args);
	fflush(stdout);
}

static double ms(double percent)
{
	return (double)histogram_percentile(&bench.r.latency, percent) / CLOCK_NS_PER_MS;
}

static double rate(void)
{
	return bench.r.seconds > 0 ? (double)bench.r.accepted / bench.r.seconds : 0;
}

/* What the processor time of the control thread would allow if it had a core to itself. */
static double core_rate(void)
{
	return bench.r.used.loop
		       ? (double)bench.r.accepted * CLOCK_NS_PER_S / (double)bench.r.used.loop
		       : 0;
}

static void run(const char *name, const struct player_phase *phase)
{
	const struct player_result *r = &bench.r;

	player_run(bench.player, phase, &bench.r);
	say("%-26s %9.0f/s  p50 %7.2f ms  p99 %8.2f ms  %6.2f us a change (all threads %6.2f)",
		name, rate(), ms(50), ms(99),
		r->accepted ? (double)r->used.loop / (double)r->accepted / 1000 : 0,
		r->accepted ? (double)r->used.all / (double)r->accepted / 1000 : 0);
	if (r->rejected || r->lost || r->repeated || r->unsent)
		say("  rejected %ju, lost %ju, repeated %ju, not taken %ju", (uintmax_t)r->rejected,
			(uintmax_t)r->lost, (uintmax_t)r->repeated, (uintmax_t)r->unsent);
	say("\n");
}

static json_t *figures_of(double p50, double p99, uint32_t bindings)
{
	return json_pack("{s:f, s:f, s:f, s:f, s:i}", "rate", rate(), "rate_per_core", core_rate(),
		"p50_ms", p50, "p99_ms", p99, "bindings", (int)bindings);
}

/* First registrations as fast as they go, up to a number of bindings. */
static void register_up_to(uint32_t bound, json_t *curve)
{
	const struct player_phase phase = {.weight = {[PKTGEN_REGISTER] = 1},
		.outstanding = OUTSTANDING,
		.seconds = 3600,
		.bound = bound,
		.drain = true};
	char name[40];

	snprintf(name, sizeof(name), "register to %u", bound);
	run(name, &phase);
	json_array_append_new(curve, json_pack("{s:i, s:f, s:f}", "bindings", (int)bound, "rate",
					     rate(), "rate_per_core", core_rate()));
}

/* kill -9 while updates are under way, a new start, and the comparison. */
static void recover(const char *name, json_t *curve, const struct player_phase *load)
{
	uint64_t begun_ns;
	double synced, served, cpu;

	player_run(bench.player, load, &bench.r);
	rig_stop(&bench.rig, SIGKILL);
	begun_ns = clock_mono_ns();
	rig_start(&bench.rig);
	player_lost(bench.player);
	synced = player_sync(bench.player, begun_ns);
	const struct player_verdict v = player_compare(bench.player);

	served = player_until_served(bench.player, begun_ns);
	cpu = (double)rig_time(&bench.rig).loop / CLOCK_NS_PER_S;
	say("%-26s serving after %.2f s (%.2f s of a processor); of %ju acknowledged bindings %ju "
	    "missing, %ju invented\n",
		name, served, cpu, (uintmax_t)v.known, (uintmax_t)v.missing, (uintmax_t)v.invented);
	json_array_append_new(curve,
		json_pack("{s:i, s:f, s:f, s:f, s:I, s:I}", "bindings", (int)v.known, "seconds",
			served, "processor_s", cpu, "synchronised_s", synced, "missing",
			(json_int_t)v.missing, "invented", (json_int_t)v.invented));
	if (v.missing || v.invented)
		rig_die("recovery", "what was acknowledged is not what is there");
}

static const struct player_phase mixed = {.weight = {[PKTGEN_REFRESH] = 6,
						  [PKTGEN_MOVE] = 3,
						  [PKTGEN_DEREGISTER] = 1,
						  [PKTGEN_REGISTER] = 1},
	.outstanding = OUTSTANDING,
	.seconds = 0.3};

/* Memory above that without bindings, at several numbers of them. */
struct memory {
	double bindings[PARTS], octets[PARTS];
};

/* Tells what of it does not grow (queues, what the store writes next, tables that have their size
 * from the start) and what each binding takes: the straight line that is nearest to the points. */
static void tell_memory(const struct memory *m)
{
	double x = 0, y = 0, xx = 0, xy = 0, each, fixed;

	for (unsigned i = 0; i < PARTS; i++) {
		x += m->bindings[i];
		y += m->octets[i];
		xx += m->bindings[i] * m->bindings[i];
		xy += m->bindings[i] * m->octets[i];
	}
	each = (PARTS * xy - x * y) / (PARTS * xx - x * x);
	fixed = (y - each * x) / PARTS;
	say("%-26s %.0f octets without those of its subscriber: %.0f, and a share of %.1f MiB that "
	    "do "
	    "not grow\n",
		"memory of a binding", m->octets[PARTS - 1] / m->bindings[PARTS - 1], each,
		fixed / (1 << 20));
	json_object_set_new(bench.figures, "bytes_per_binding",
		json_real(m->octets[PARTS - 1] / m->bindings[PARTS - 1]));
	json_object_set_new(bench.figures, "memory",
		json_pack("{s:f, s:f}", "fixed_bytes", fixed, "bytes_per_binding", each));
}

/* Registers all, dying at some sizes on the way. */
static double registrations(void)
{
	const uint32_t nodes = bench.rig.nodes;
	json_t *curve = json_array(), *recovery = json_array();
	uint64_t before = rig_memory(&bench.rig);
	struct memory memory;
	double full = 0, peak_core = 0;

	for (uint32_t part = 1; part <= PARTS; part++) {
		register_up_to((uint32_t)((uint64_t)nodes * part / (PARTS + 1)), curve);
		full = rate();
		peak_core = core_rate();
		memory.bindings[part - 1] = fleet_bound(player_fleet(bench.player));
		memory.octets[part - 1] = (double)rig_memory(&bench.rig) - (double)before;
		if (part < PARTS)
			recover("killed under a mix", recovery, &mixed);
	}
	tell_memory(&memory);
	json_object_set_new(bench.figures, "rate_against_bindings", curve);
	json_object_set_new(bench.figures, "recovery_against_bindings", recovery);
	/* What is left, at 80 % of the rate. */
	const struct player_phase phase = {.weight = {[PKTGEN_REGISTER] = 1},
		.rate = (uint64_t)(full * 0.8),
		.outstanding = nodes,
		.seconds = 3600,
		.bound = nodes,
		.drain = true};

	run("register, 80 %", &phase);
	json_object_set_new(bench.figures, "registration",
		json_pack("{s:f, s:f, s:f, s:f, s:i}", "rate", full, "rate_per_core", peak_core,
			"p50_ms", ms(50), "p99_ms", ms(99), "bindings",
			(int)fleet_bound(player_fleet(bench.player))));
	return full;
}

/* Refreshes: the rate, latency at shares of it. */
static double refreshes(void)
{
	struct player_phase phase = {.weight = {[PKTGEN_REFRESH] = 1},
		.outstanding = OUTSTANDING,
		.seconds = bench.seconds,
		.drain = true};
	json_t *curve = json_array(), *row;
	double full;

	run("refresh", &phase);
	full = rate();
	row = figures_of(0, 0, fleet_bound(player_fleet(bench.player)));
	phase.outstanding = bench.rig.nodes;
	for (int i = 1; i <= POINTS; i++) {
		char name[40];

		phase.rate = (uint64_t)(full * 0.2 * i * (i == POINTS ? 0.95 : 1));
		snprintf(name, sizeof(name), "refresh, %.0f %%", 100 * (double)phase.rate / full);
		run(name, &phase);
		json_array_append_new(curve, json_pack("{s:f, s:f, s:f}", "load_percent",
						     100 * (double)phase.rate / full, "p50_ms",
						     ms(50), "p99_ms", ms(99)));
		if (i == 4) {
			json_object_set_new(row, "p50_ms", json_real(ms(50)));
			json_object_set_new(row, "p99_ms", json_real(ms(99)));
		}
	}
	json_object_set_new(bench.figures, "refresh", row);
	json_object_set_new(bench.figures, "latency_against_load", curve);
	return full;
}

static void light_load(void)
{
	const struct player_phase phase = {.weight = {[PKTGEN_REFRESH] = 1, [PKTGEN_MOVE] = 1},
		.rate = 200,
		.outstanding = OUTSTANDING,
		.seconds = bench.seconds,
		.drain = true};

	run("light load, 200/s", &phase);
	json_object_set_new(bench.figures, "light_load_ms", json_real(ms(50)));
}

/* Ten times what it can do: refreshes of known nodes at some of its capacity, the rest strangers.
 */
static void storm(double capacity)
{
	struct player_phase phase = {.weight = {[PKTGEN_REFRESH] = 1},
		.rate = (uint64_t)(capacity * 0.2),
		.outstanding = bench.rig.nodes,
		.seconds = bench.storm_seconds,
		.strangers = (uint64_t)(capacity * (STORM_TIMES - 0.2))};
	uint64_t before = rig_memory(&bench.rig), after, over_ns;
	double answered, offered, recovered = 0;

	run("storm", &phase);
	after = rig_memory(&bench.rig);
	offered = (double)(bench.r.strangers + bench.r.asked + bench.r.repeated) / bench.r.seconds;
	answered = bench.r.asked ? 100.0 * (double)bench.r.accepted / (double)bench.r.asked : 0;
	say("%-26s %.0f/s offered, %.1f %% of the refreshes answered, memory %+.1f MiB\n", "",
		offered, answered, ((double)after - (double)before) / (1 << 20));
	over_ns = clock_mono_ns();
	phase.strangers = 0;
	phase.seconds = 0.25;
	do {
		player_run(bench.player, &phase, &bench.r);
		recovered = (double)(clock_mono_ns() - over_ns) / CLOCK_NS_PER_S;
	} while ((bench.r.repeated || bench.r.accepted < bench.r.asked * 9 / 10) && recovered < 60);
	say("%-26s full service %.2f s after it\n", "", recovered);
	json_object_set_new(bench.figures, "storm",
		json_pack("{s:f, s:f, s:f, s:I, s:I}", "offered", offered,
			"refresh_answered_percent", answered, "recovered_s", recovered,
			"memory_before", (json_int_t)before, "memory_after", (json_int_t)after));
}

static void recoveries(double capacity)
{
	json_t *curve = json_object_get(bench.figures, "recovery_against_bindings");
	struct player_phase stormy = mixed;

	recover("killed under a mix", curve, &stormy);
	stormy.strangers = (uint64_t)(capacity * STORM_TIMES);
	recover("killed in a storm", curve, &stormy);
	json_t *last = json_array_get(curve, json_array_size(curve) - 1);

	json_object_set_new(bench.figures, "recovery", json_deep_copy(last));
	double resync = player_resync(bench.player);

	say("%-26s %.2f s\n", "full resynchronisation", resync);
	json_object_set_new(bench.figures, "resync",
		json_pack("{s:i, s:f}", "bindings", (int)fleet_bound(player_fleet(bench.player)),
			"seconds", resync));
}

/* As many bindings as can be refreshed in that time end soon after one another, while others are
 * refreshed. */
static void expiry(void)
{
	const struct player_phase prepare = {.weight = {[PKTGEN_REFRESH] = 1},
		.outstanding = OUTSTANDING,
		.seconds = bench.seconds,
		.drain = true};
	struct player_phase phase = {.weight = {[PKTGEN_REFRESH] = 1},
		.rate = 200,
		.outstanding = OUTSTANDING,
		.seconds = bench.seconds + bench.ending_seconds,
		.deaf = true,
		.drain = true};
	uint64_t before = rig_counter(&bench.rig, "expired"), ended;
	double longest;

	bench.rig.load.signalling.lifetime_ms = (uint32_t)(bench.ending_seconds * 1000);
	run("refresh for a short life", &prepare);
	longest = rig_longest_ms(&bench.rig, "loop_round");
	run("light load while they end", &phase);
	ended = rig_counter(&bench.rig, "expired") - before;
	say("%-26s %ju ended; a refresh meanwhile took %.2f ms at most, a round of control %.2f ms "
	    "(%.2f ms before)\n",
		"", (uintmax_t)ended, (double)bench.r.latency.max / CLOCK_NS_PER_MS,
		rig_longest_ms(&bench.rig, "loop_round"), longest);
	json_object_set_new(bench.figures, "expiry",
		json_pack("{s:I, s:f, s:f, s:f}", "ended", (json_int_t)ended, "p50_ms", ms(50),
			"longest_ms", (double)bench.r.latency.max / CLOCK_NS_PER_MS,
			"longest_round_ms", rig_longest_ms(&bench.rig, "loop_round")));
}

static void measure(void)
{
	uint64_t begun_ns = clock_mono_ns(), changes, transactions;
	double capacity;

	rig_start(&bench.rig);
	bench.player = player_open(&bench.rig);
	say("%-26s %.2f s\n", "start without bindings", player_sync(bench.player, begun_ns));
	registrations();
	changes = rig_counter(&bench.rig, "commit_changes");
	transactions = rig_counter(&bench.rig, "commit_transactions");
	capacity = refreshes();
	light_load();
	storm(capacity);
	recoveries(capacity);
	expiry();
	player_close(bench.player);
	rig_stop(&bench.rig, SIGTERM);
	const struct floor floor =
		floor_measure(bench.rig.dir, transactions ? (unsigned)(changes / transactions) : 1,
			bench.rig.nodes, bench.seconds);

	say("%-26s %.0f durable records/s in batches of %u (%.2f ms each); ZeroMQ there and back "
	    "%.3f ms\n",
		"floor", floor.store_writes, floor.batch, floor.store_ms, floor.echo_ms);
	json_object_set_new(bench.figures, "floor",
		json_pack("{s:i, s:f, s:f, s:f, s:f}", "batch", (int)floor.batch, "store_writes",
			floor.store_writes, "store_ms", floor.store_ms, "echo_ms", floor.echo_ms,
			"echo_messages", floor.echo_messages));
}

static json_t *machine(void)
{
	char line[256], *cpu = NULL;
	FILE *file = fopen("/proc/cpuinfo", "r");
	struct utsname name;
	double load = 0;

	while (file && !cpu && fgets(line, sizeof(line), file))
		if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
			cpu = strchr(line, ':') + 2;
			cpu[strcspn(cpu, "\n")] = '\0';
		}
	if (file)
		fclose(file);
	uname(&name);
	getloadavg(&load, 1);
	return json_pack("{s:s, s:i, s:s, s:f}", "cpu", cpu ? cpu : "unknown", "cores",
		(int)sysconf(_SC_NPROCESSORS_ONLN), "kernel", name.release, "load", load);
}

static int write_figures(const char *path)
{
	if (!path || json_dump_file(bench.figures, path, JSON_INDENT(2)) == 0)
		return 0;
	fprintf(stderr, "bench_control: %s: %s\n", path, strerror(errno));
	return 1;
}

enum { OPTION_QUICK, OPTION_BINDINGS, OPTION_JSON, OPTION_FOLDER, OPTION_PROGRAM };

int main(int argc, char **argv)
{
	static const struct args_option options[] = {
		[OPTION_QUICK] = {'q', "quick", NULL,
			"less of everything, in under a minute: 100000 nodes"},
		[OPTION_BINDINGS] = {'b', "bindings", "N", "how many nodes [1000000]"},
		[OPTION_JSON] = {'j', "json", "FILE", "write the figures there, too"},
		[OPTION_FOLDER] = {'d', "dir", "FOLDER", "where the store is made [/var/tmp]"},
		[OPTION_PROGRAM] = {'p', "program", "FILE",
			"dmm-ctrl (default: that of the build directory)"},
		{0}};
	static const struct args_program program = {.name = "bench_control",
		.usage = "[OPTION]...",
		.summary = "Signalling load on dmm-ctrl: rates, latencies, storm, recovery.",
		.options = options};
	const char *json = NULL, *folder = "/var/tmp", *control = CONTROL;
	uint64_t nodes = 0;
	bool quick = false;
	struct args a;
	int code;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		if (a.index == OPTION_QUICK)
			quick = true;
		else if (a.index == OPTION_JSON)
			json = a.value;
		else if (a.index == OPTION_FOLDER)
			folder = a.value;
		else if (a.index == OPTION_PROGRAM)
			control = a.value;
		else if (args_parse_uint(a.value, NODES_MIN, NODES_MAX, &nodes) < 0)
			args_fail(&a, "--bindings takes a number from %d to %d, not '%s'",
				NODES_MIN, NODES_MAX, a.value);
	}
	if (!a.done && a.first < argc)
		args_fail(&a, "no argument is expected, not '%s'", argv[a.first]);
	if (a.done)
		return a.exit_code;
	if (!nodes)
		nodes = quick ? 100000 : 1000000;
	bench.seconds = quick ? 1.5 : 10;
	bench.storm_seconds = quick ? 5 : 60;
	bench.ending_seconds = quick ? 8 : 20;
	log_set_fd(-1);
	/* Other work of the machine shall disturb less; dmm-ctrl inherits it. */
	setpriority(PRIO_PROCESS, 0, PRIORITY);
	bench.figures = json_pack("{s:o, s:b}", "machine", machine(), "quick", quick);
	rig_open(&bench.rig, control, (uint32_t)nodes, folder);
	measure();
	rig_close(&bench.rig);
	zsock_context_end();
	code = write_figures(json);
	json_decref(bench.figures);
	return code;
}
