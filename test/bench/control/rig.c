#include "rig.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/zsock.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/store/store.h"

enum { TEXT = 2048, COMMIT_EVERY = 1000, API_WAIT_MS = 60000, STOP_WAIT_S = 60 };

static struct rig *running; /* for rig_die() */

void rig_die(const char *what, const char *why)
{
	fprintf(stderr, "bench_control: %s: %s\n", what, why);
	if (running)
		rig_close(running);
	exit(1);
}

static void write_file(const struct rig *rig, const char *name, const char *text, char path[96])
{
	FILE *file;

	snprintf(path, 96, "%s/%s", rig->dir, name);
	file = fopen(path, "w");
	if (!file || fputs(text, file) < 0 || fclose(file) != 0)
		rig_die(path, strerror(errno));
}

static void control_text(const struct rig *rig, char text[TEXT])
{
	snprintf(text, TEXT,
		"roles = [\"ha\"]; store = \"%s/store\"; log_level = \"error\";\n"
		"endpoints = { update = \"%s\"; packet = \"%s\"; api = \"ipc://%s/api\"; };\n"
		"data_planes = ( { name = \"dp1\"; } );\n"
		"home_agents = [\"2001:db8:2::1\"];\n"
		"home_prefixes = ( { prefix = \"2001:db8:1::/64\"; } );\n"
		"binding = { max_bindings = %u; max_lifetime = \"86400s\"; };\n",
		rig->dir, rig->update, rig->packet, rig->dir, 2 * rig->nodes);
}

static void load_text(const struct rig *rig, char text[TEXT])
{
	snprintf(text, TEXT,
		"core = { device = \"none\"; address = \"2001:db8:2::2\"; gateway = "
		"\"2001:db8:2::1\"; };\n"
		"home_agent = \"2001:db8:2::1\";\n"
		"subscribers = { count = %u; home_prefix = \"2001:db8:1::/64\";\n"
		"  care_of_prefixes = [\"2001:db8:f:1::/64\", \"2001:db8:f:2::/64\"];\n"
		"  key_seed = \"bench\"; realm = \"bench.net\"; };\n"
		"traffic = { correspondent = \"2001:db8:c::2\"; };\n"
		"signalling = { lifetime = \"86400s\"; timeout = \"1s\"; tries = 6; };\n",
		rig->nodes);
}

static void fill(struct subscriber_db *db, const struct population *p)
{
	struct hmac *hmac = hmac_new();

	for (uint32_t i = 0; i < p->count + RIG_STRANGERS; i++) {
		struct subscriber_spec spec = {
			.spi = p->spi, .enabled = true, .home_count = 1, .has_key = true};
		struct subscriber_why why;

		spec.mn_id_len = (uint8_t)population_mn_id(p, i, spec.mn_id);
		spec.home[0] = population_home(p, i);
		if (!hmac || population_key(p, hmac, i, spec.key) < 0)
			rig_die("a key", "cannot be made");
		if (subscriber_db_add(db, &spec, &why) < 0)
			rig_die("a subscriber", why.text);
		if ((i + 1) % COMMIT_EVERY == 0 && subscriber_db_commit(db) < 0)
			rig_die("the store", "refuses subscribers");
	}
	if (subscriber_db_commit(db) < 0)
		rig_die("the store", "refuses subscribers");
	hmac_free(hmac);
}

/* In a process of its own: the engine's threads do not survive a fork. */
static void make_store(const struct rig *rig, const char *path)
{
	struct config_report report = {0};
	struct ctrl_config config;
	struct subscriber_db *db;
	struct store_why why;
	struct store *store;

	if (ctrl_config_load(&config, path, &report) < 0)
		rig_die("configuration", report.text);
	if (store_open(&store, config.store, &why) < 0)
		rig_die("store", why.text);
	db = subscriber_db_new(&config, store);
	fill(db, &rig->load.subscribers);
	subscriber_db_free(db);
	store_close(store);
	ctrl_config_free(&config);
}

static void in_child(const struct rig *rig, const char *path)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		running = NULL;
		make_store(rig, path);
		_exit(0);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
		rig_die("the store", "cannot be made");
}

void rig_open(struct rig *rig, const char *program, uint32_t nodes, const char *parent)
{
	struct config_report report = {0};
	char text[TEXT], path[96];

	*rig = (struct rig){.program = program, .nodes = nodes};
	snprintf(rig->dir, sizeof(rig->dir), "%.40s/bench-control-XXXXXX", parent);
	if (!mkdtemp(rig->dir))
		rig_die(rig->dir, strerror(errno));
	running = rig;
	snprintf(rig->update, sizeof(rig->update), "ipc://%s/update", rig->dir);
	snprintf(rig->packet, sizeof(rig->packet), "ipc://%s/packet", rig->dir);
	load_text(rig, text);
	write_file(rig, "load.cfg", text, path);
	if (pktgen_config_load(path, &rig->load, &report) < 0)
		rig_die("configuration of the nodes", report.text);
	control_text(rig, text);
	write_file(rig, "ctrl.cfg", text, path);
	in_child(rig, path);
}

void rig_close(struct rig *rig)
{
	char command[96];

	running = NULL;
	if (rig->pid > 0) {
		kill(rig->pid, SIGKILL);
		waitpid(rig->pid, NULL, 0);
		rig->pid = 0;
	}
	pktgen_config_free(&rig->load);
	snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
	if (system(command) != 0)
		fprintf(stderr, "bench_control: cannot remove %s\n", rig->dir);
}

void rig_start(struct rig *rig)
{
	char path[96], log[96];
	int fd;

	snprintf(path, sizeof(path), "%s/ctrl.cfg", rig->dir);
	snprintf(log, sizeof(log), "%s/ctrl.log", rig->dir);
	fflush(NULL);
	rig->pid = fork();
	if (rig->pid < 0)
		rig_die("fork", strerror(errno));
	if (rig->pid > 0)
		return;
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
		_exit(127);
	setenv("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1", 0); /* as its systemd unit does */
	execl(rig->program, "dmm-ctrl", "--config", path, (char *)NULL);
	_exit(127);
}

void rig_stop(struct rig *rig, int number)
{
	kill(rig->pid, number);
	waitpid(rig->pid, NULL, 0);
	rig->pid = 0;
}

void rig_check(const struct rig *rig)
{
	int status;

	if (waitpid(rig->pid, &status, WNOHANG) == 0)
		return;
	rig_die(rig->program, "ended; its log is in the folder");
}

uint64_t rig_memory(const struct rig *rig)
{
	unsigned long long kib = 0;
	char path[64], line[128];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)rig->pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %llu", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return (uint64_t)kib << 10;
}

static uint64_t task_time(const struct rig *rig, const char *task)
{
	unsigned long long ns = 0;
	char path[320];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/schedstat", (int)rig->pid, task);
	file = fopen(path, "r");
	if (file && fscanf(file, "%llu", &ns) != 1)
		ns = 0;
	if (file)
		fclose(file);
	return ns;
}

struct rig_time rig_time(const struct rig *rig)
{
	struct rig_time t = {0};
	struct dirent *entry;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)rig->pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir))) {
		uint64_t ns = entry->d_name[0] == '.' ? 0 : task_time(rig, entry->d_name);

		t.all += ns;
		if (atoi(entry->d_name) == (int)rig->pid)
			t.loop = ns;
	}
	if (dir)
		closedir(dir);
	return t;
}

/* What dmm-ctrl tells of itself. The caller frees it. */
static json_t *ask_stats(const struct rig *rig)
{
	static const char request[] = "{\"method\":\"stats\"}";
	const struct zsock_options options = {.type = ZMQ_DEALER};
	struct zsock_message m;
	struct zsock z = {0};
	char endpoint[96];
	uint64_t end = clock_mono_ms() + API_WAIT_MS;
	int rc;

	snprintf(endpoint, sizeof(endpoint), "ipc://%s/api", rig->dir);
	if (zsock_connect(&z, &options, endpoint) < 0 ||
		zsock_send1(&z, request, sizeof(request) - 1) < 0)
		rig_die(endpoint, "cannot be asked");
	while ((rc = zsock_recv(&z, &m)) == -EAGAIN && clock_mono_ms() < end) {
		struct pollfd fd = {.fd = zsock_fd(&z), .events = POLLIN};

		poll(&fd, 1, 100);
	}
	if (rc < 0)
		rig_die(endpoint, "does not answer");
	json_t *answer = json_loadb(zsock_part(&m, 0), zsock_part_len(&m, 0), 0, NULL);
	zsock_message_close(&m);
	zsock_close(&z);
	return answer;
}

static const json_t *control_of(const json_t *answer)
{
	return json_object_get(json_object_get(answer, "result"), "control");
}

uint64_t rig_counter(const struct rig *rig, const char *name)
{
	json_t *answer = ask_stats(rig);
	const json_t *counters = json_object_get(control_of(answer), "counters");
	uint64_t value = (uint64_t)json_integer_value(json_object_get(counters, name));

	json_decref(answer);
	return value;
}

double rig_longest_ms(const struct rig *rig, const char *name)
{
	json_t *answer = ask_stats(rig), *time;
	double us = 0;
	size_t i;

	json_array_foreach(json_object_get(control_of(answer), "times"), i,
		time) if (strcmp(json_string_value(json_object_get(time, "name")), name) == 0) us =
		json_number_value(json_object_get(time, "max_us"));
	json_decref(answer);
	return us / 1000;
}
