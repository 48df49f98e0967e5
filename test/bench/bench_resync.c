/*
 * bench_resync: how long it takes until a data plane has what control wants, from its hello to the
 * acknowledgement: all of it, for a data plane that has just started; none of it, when a new
 * control adopts tables that are right; and what differs, when the last control left some of it
 * untold.
 *
 * The publisher of dmm-ctrl runs here, dmm-dp is the real one, in a network namespace of its own
 * with a port that leads nowhere.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/args.h"
#include "common/clock.h"
#include "common/log.h"
#include "ctrl/binding/binding.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"

enum { SIZES_MAX = 8, BINDINGS_MAX = 4000000, MOVED = 100, LIMIT_S = 300, ROUNDS = 3, TRIES = 5 };

static struct {
	char dir[64];
	const char *program;
	pid_t data_plane;
	struct ctrl_config config;
	struct loop *loop;
	struct publish *publish;
} bench;

static void stop_data_plane(void)
{
	if (bench.data_plane > 0) {
		kill(bench.data_plane, SIGKILL);
		waitpid(bench.data_plane, NULL, 0);
	}
	bench.data_plane = 0;
}

static void die(const char *what, const char *why)
{
	fprintf(stderr, "bench_resync: %s: %s\n", what, why);
	stop_data_plane();
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
	return x ^ x >> 32;
}

/* Binding n, of which care-of address number c is where it is. */
static struct bundle bundle_of(uint32_t n, uint64_t c)
{
	struct binding_record r = {.subscriber_id = n,
		.path_id = n,
		.registered_ns = 1,
		.updated_ns = 1,
		.expires_ns = UINT64_MAX / 2,
		.lifetime = 100,
		.life = BINDING_LIVE,
		.home = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, 1}},
		.care_of = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, 15}},
		.agent = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, 2, [15] = 1}}};
	uint64_t home = mix(n), care_of = mix(c);
	struct bundle bundle;

	memcpy(r.home.s6_addr + 8, &home, 8);
	memcpy(r.care_of.s6_addr + 8, &care_of, 8);
	if (publish_compile(&bench.config, BINDING_LIST_OF(&r), &bundle) < 0)
		die("a binding", "cannot be compiled");
	return bundle;
}

static void on_flush(void *arg)
{
	publish_send(arg);
}

/* A new control process, with so many bindings in its store, the first `moved` of them elsewhere.
 */
static void start_control(uint32_t bindings, uint32_t moved)
{
	int error;

	bench.loop = loop_new();
	error = bench.loop ? publish_open(&bench.publish, &bench.config, NULL, bench.loop) : -errno;
	if (!error)
		error = loop_add_flush(bench.loop, on_flush, bench.publish);
	for (uint32_t n = 1; n <= bindings && !error; n++) {
		struct bundle bundle = bundle_of(n, n <= moved ? ~(uint64_t)n : n);

		error = publish_restore(bench.publish, n, &bundle);
	}
	if (error)
		die("control", strerror(-error));
}

static void stop_control(void)
{
	publish_close(bench.publish);
	loop_free(bench.loop);
}

static void start_data_plane(uint32_t bindings)
{
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/dp.cfg", bench.dir);
	file = fopen(path, "w");
	if (!file)
		die(path, strerror(errno));
	fprintf(file,
		"name = \"dp1\"; subscribers = %u;\n"
		"endpoints = { update = \"ipc://%s/update\"; packet = \"ipc://%s/packet\"; };\n"
		"ports = ( { name = \"bench\"; device = \"net_null0\"; } );\n",
		bindings, bench.dir, bench.dir);
	fclose(file);
	fflush(NULL);
	bench.data_plane = fork();
	if (bench.data_plane < 0)
		die("fork", strerror(errno));
	if (bench.data_plane > 0)
		return;
	/* Its log goes nowhere; what it says by its exit is noticed. */
	if (unshare(CLONE_NEWNET) < 0 || !freopen("/dev/null", "w", stderr) ||
		!freopen("/dev/null", "w", stdout))
		_exit(127);
	execl(bench.program, "dmm-dp", "--config", path, (char *)NULL);
	_exit(127);
}

/* Rounds until the data plane has everything; milliseconds since its hello. */
static double until_synced(enum publish_sync *sync, unsigned *failures)
{
	struct publish_session_info info = {0};
	uint64_t hello_ns = 0, end_ns = clock_mono_ns() + LIMIT_S * CLOCK_NS_PER_S;

	while (info.state != PUBLISH_SYNCED) {
		if (loop_round(bench.loop, 10) < 0 || clock_mono_ns() > end_ns)
			die("the data plane", "is not synchronised");
		if (waitpid(bench.data_plane, NULL, WNOHANG) != 0) {
			bench.data_plane = 0;
			die(bench.program, "ended; its log says why: run it by hand");
		}
		publish_session_info(bench.publish, 0, &info);
		if (info.connected_real_ns && !hello_ns)
			hello_ns = clock_mono_ns();
	}
	*sync = info.sync;
	*failures = (unsigned)info.failures;
	return (double)(clock_mono_ns() - hello_ns) / CLOCK_NS_PER_MS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Does it several times and reports the median and the worst. */
static void report(json_t *row, const char *what, enum publish_sync expected, uint32_t bindings,
	uint32_t moved, bool as_json)
{
	double ms[ROUNDS];
	char key[40];

	for (int i = 0, tries = 0; i < ROUNDS; i++, tries++) {
		enum publish_sync sync;
		unsigned failures;

		/* The hello of one that is about to be replaced must not start the clock. */
		if (expected == PUBLISH_SYNC_SNAPSHOT)
			stop_data_plane();
		start_control(bindings, i % 2 ? 0 : moved);
		if (expected == PUBLISH_SYNC_SNAPSHOT)
			start_data_plane(bindings);
		ms[i] = until_synced(&sync, &failures);
		stop_control();
		if (failures || tries == ROUNDS + TRIES)
			die("the data plane", "has not what it should have");
		/* A digest that came too late, on a machine that has much else to do. */
		if (sync != expected) {
			fprintf(stderr, "bench_resync: %s instead of %s, again\n",
				publish_sync_names[sync], publish_sync_names[expected]);
			i--;
		}
	}
	qsort(ms, ROUNDS, sizeof(ms[0]), compare);
	snprintf(key, sizeof(key), "%s_ms", what);
	json_object_set_new(row, key,
		json_pack("{s:f, s:f}", "median", ms[ROUNDS / 2], "worst", ms[ROUNDS - 1]));
	if (!as_json)
		printf(" %10.1f %8.1f", ms[ROUNDS / 2], ms[ROUNDS - 1]);
	fflush(stdout);
}

static json_t *measure(uint32_t bindings, bool as_json)
{
	json_t *row = json_pack("{s:i}", "bindings", (int)bindings);

	if (!as_json)
		printf("%9u", bindings);
	report(row, "snapshot", PUBLISH_SYNC_SNAPSHOT, bindings, 0, as_json);
	report(row, "adopted", PUBLISH_SYNC_ADOPTED, bindings, 0, as_json);
	report(row, "partial", PUBLISH_SYNC_PARTIAL, bindings, MOVED, as_json);
	if (!as_json)
		printf("\n");
	stop_data_plane();
	return row;
}

static void load_config(void)
{
	struct config_report why = {0};
	char text[1024];

	strcpy(bench.dir, "/tmp/bench-resync-XXXXXX");
	if (!mkdtemp(bench.dir))
		die(bench.dir, strerror(errno));
	snprintf(text, sizeof(text),
		"roles = [\"ha\"]; store = \"%s/store\";\n"
		"endpoints = { update = \"ipc://%s/update\"; packet = \"ipc://%s/packet\";\n"
		"              api = \"ipc://%s/api\"; };\n"
		"data_planes = ( { name = \"dp1\"; } );\n"
		"home_agents = [\"2001:db8:2::1\"];\n"
		"home_prefixes = ( { prefix = \"2001:db8:1::/64\"; } );\n",
		bench.dir, bench.dir, bench.dir, bench.dir);
	if (ctrl_config_load_text(&bench.config, "bench", text, &why) < 0)
		die("configuration", why.text);
}

static void clean_up(void)
{
	char command[96];

	ctrl_config_free(&bench.config);
	zsock_context_end();
	snprintf(command, sizeof(command), "rm -rf '%s'", bench.dir);
	if (system(command) != 0)
		fprintf(stderr, "bench_resync: cannot remove %s\n", bench.dir);
}

/* Numbers of bindings: comma-separated. */
static int parse_sizes(struct args *a, uint32_t sizes[SIZES_MAX])
{
	char *list = strdup(a->value), *rest = list, *word;
	int n = 0;

	while (list && (word = strsep(&rest, ","))) {
		uint64_t value;

		if (n == SIZES_MAX || args_parse_uint(word, 1000, BINDINGS_MAX, &value) < 0) {
			args_fail(a, "--bindings takes up to %d numbers from 1000 to %d, not '%s'",
				SIZES_MAX, BINDINGS_MAX, a->value);
			break;
		}
		sizes[n++] = (uint32_t)value;
	}
	free(list);
	return n;
}

int main(int argc, char **argv)
{
	static const struct args_option options[] = {
		{'b', "bindings", "N[,N]...", "how many (default: 100000,1000000)"},
		{'d', "data-plane", "FILE", "dmm-dp (default: that of the build directory)"},
		{'j', "json", NULL, "one JSON document instead of a table"}, {0}};
	static const struct args_program program = {.name = "bench_resync",
		.usage = "[OPTION]...",
		.summary = "Milliseconds from the hello of a data plane until it has everything; "
			   "root.",
		.options = options};
	uint32_t sizes[SIZES_MAX] = {100000, 1000000};
	json_t *rows = json_array();
	bool as_json = false;
	int count = 2;
	struct args a;

	bench.program = DATA_PLANE;
	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		if (a.index == 0)
			count = parse_sizes(&a, sizes);
		else if (a.index == 1)
			bench.program = a.value;
		else
			as_json = true;
	}
	if (!a.done && a.first < argc)
		args_fail(&a, "no argument is expected, not '%s'", argv[a.first]);
	if (a.done)
		return a.exit_code;
	log_set_fd(-1);
	load_config();
	if (!as_json)
		printf("%9s %19s %19s %19s   median and worst of %d, ms\n", "bindings", "snapshot",
			"adopted", "100 differ", ROUNDS);
	for (int i = 0; i < count; i++)
		json_array_append_new(rows, measure(sizes[i], as_json));
	if (as_json) {
		json_dumpf(rows, stdout, JSON_INDENT(2));
		printf("\n");
	}
	json_decref(rows);
	clean_up();
	return 0;
}
