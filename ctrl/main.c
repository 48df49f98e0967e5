/*
 * dmm-ctrl: the control plane. Reads the configuration, puts the parts together, runs the loop.
 */
#include "common/args.h"
#include "common/daemon.h"
#include "common/log.h"
#include "ctrl/api/api.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/commit.h"
#include "ctrl/config.h"
#include "ctrl/dp_events.h"
#include "ctrl/events.h"
#include "ctrl/intake.h"
#include "ctrl/keyring.h"
#include "ctrl/loop.h"
#include "ctrl/multicast.h"
#include "ctrl/multicast_failures.h"
#include "ctrl/packet.h"
#include "ctrl/publish/publish.h"
#include "ctrl/role_ha.h"
#include "ctrl/role_lma.h"
#include "ctrl/role_mag.h"
#include "ctrl/store/store.h"
#include "ctrl/store_events.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_FILES = 16384 };

struct program {
	struct ctrl_config config;
	const char *config_path;
	struct ctrl ctrl;
	struct role_ha *ha;
	struct role_lma *lma;
	struct role_mag *mag;
	struct api *api;
	int signals;
};

/* Says on standard error why the program cannot start; returns its exit code. */
__attribute__((format(printf, 1, 2))) static int refuse(const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	fputs("dmm-ctrl: ", stderr);
	vfprintf(stderr, fmt, args);
	fputc('\n', stderr);
	va_end(args);
	return 1;
}

/* Makes the folder that an ipc endpoint is in, with its parents; what fails shows at the bind. */
static void make_folder(const char *endpoint)
{
	const char *path = endpoint + strlen("ipc://");
	char part[128];

	if (zsock_is_tcp(endpoint))
		return;
	for (size_t i = 1; i < sizeof(part) && path[i]; i++) {
		if (path[i] != '/')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		mkdir(part, 0755);
	}
}

static int refuse_endpoint(const char *endpoint, int error)
{
	return refuse("cannot serve %s: %s", endpoint,
		error == -EADDRINUSE ? "another process does" : strerror(-error));
}

/* A second dmm-ctrl shall not even make a store of its own. */
static int check_endpoints(const struct program *p)
{
	const struct ctrl_config_endpoints *at = &p->config.endpoints;
	const char *const all[] = {at->update, at->packet, at->api};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		int error = zsock_probe(all[i]);

		if (error)
			return refuse_endpoint(all[i], error);
	}
	return 0;
}

static int open_store(struct program *p)
{
	struct store_why store_why;
	struct subscriber_why why;
	int count;

	if (store_open(&p->ctrl.store, p->config.store, &store_why) < 0)
		return refuse("%s", store_why.text);
	p->ctrl.subscribers = subscriber_db_new(&p->config, p->ctrl.store);
	if (!p->ctrl.subscribers)
		return refuse("no memory");
	count = subscriber_db_load(p->ctrl.subscribers, &why);
	if (count < 0)
		return refuse("store %s: %s", p->config.store, why.text);
	LOG_INFO("ctrl", "store-open", "path=%s engine=%s subscribers=%d",
		LOG_QUOTE(p->config.store), LOG_QUOTE(store_engine(p->ctrl.store)), count);
	return 0;
}

static int open_channels(struct program *p)
{
	struct ctrl *c = &p->ctrl;
	const struct ctrl_config_endpoints *at = &p->config.endpoints;
	int error;

	make_folder(at->update);
	make_folder(at->packet);
	make_folder(at->api);
	error = keyring_open(&c->keyring, c->config, c->loop);
	if (error)
		return refuse("cannot use the keys of the channels: %s", strerror(-error));
	error = publish_open(&c->publish, c->config, c->keyring, c->loop);
	if (error)
		return refuse_endpoint(at->update, error);
	error = packet_open(&c->packet, c->config, c->keyring, c->loop);
	if (error)
		return refuse_endpoint(at->packet, error);
	/* In this order: a commit that is done knows what failed of it. */
	c->multicast_failures =
		multicast_failures_new(c->config, c->publish, c->loop, MULTICAST_FAILURES_RETRY_MS);
	c->commit = commit_new(c->config, c->loop, c->store, c->publish);
	c->events = events_new(c->loop);
	if (!c->multicast_failures || !c->commit || !c->events || dp_events_start(c) < 0)
		return refuse("no memory");
	return 0;
}

static int open_roles(struct program *p)
{
	char why[512];
	int error;

	if (role_ha_open(&p->ha, &p->ctrl, why, sizeof(why)) < 0)
		return refuse("%s", why);
	if (ctrl_config_has_role(&p->config, "lma") &&
		role_lma_open(&p->lma, &p->ctrl, why, sizeof(why)) < 0)
		return refuse("%s", why);
	if (ctrl_config_has_role(&p->config, "mag") &&
		role_mag_open(&p->mag, &p->ctrl, why, sizeof(why)) < 0)
		return refuse("%s", why);
	error = api_open(&p->api, &p->ctrl);
	if (error)
		return refuse_endpoint(p->config.endpoints.api, error);
	role_ha_set_api(p->ha, p->api);
	return 0;
}

/* Other keys are taken over, the rest of the configuration only by the next start. */
static void reload_keys(struct program *p)
{
	struct config_report report = {0};

	if (keyring_reload(p->ctrl.keyring, p->config_path, &report) < 0) {
		LOG_ERROR("ctrl", "reload-refused", "error=%s",
			LOG_QUOTE(report.text ? report.text : "no memory"));
	} else {
		publish_keys_changed(p->ctrl.publish);
		packet_keys_changed(p->ctrl.packet);
	}
	config_report_free(&report);
}

static void take_signal(void *arg)
{
	struct program *p = arg;
	int number;

	while ((number = daemon_signal_next(p->signals)) > 0) {
		if (number == SIGHUP) {
			reload_keys(p);
			continue;
		}
		LOG_INFO("ctrl", "stopping", "signal=%s", sigabbrev_np(number));
		loop_stop(p->ctrl.loop);
	}
}

static void run_intake(void *arg)
{
	intake_run(arg);
}

static void flush_commit(void *arg)
{
	commit_flush(arg);
}

/* What changed on links; what nodes told is in the delta of their bindings. */
static void flush_multicast(void *arg)
{
	multicast_flush(arg);
}

static void flush_publish(void *arg)
{
	publish_send(arg);
}

static void flush_packet(void *arg)
{
	packet_flush(arg);
}

static void flush_api(void *arg)
{
	api_flush(arg);
}

/* Order matters: what one hook causes the next one sends. */
static int add_hooks(struct program *p)
{
	struct loop *loop = p->ctrl.loop;

	if (loop_add_fd(loop, p->signals, take_signal, p) < 0 ||
		loop_add_flush(loop, run_intake, p->ctrl.intake) < 0 ||
		loop_add_flush(loop, flush_commit, p->ctrl.commit) < 0 ||
		store_events_start(&p->ctrl.store_events, &p->ctrl) < 0 ||
		loop_add_flush(loop, flush_multicast, p->ctrl.multicast) < 0 ||
		loop_add_flush(loop, flush_publish, p->ctrl.publish) < 0 ||
		loop_add_flush(loop, flush_packet, p->ctrl.packet) < 0 ||
		loop_add_flush(loop, flush_api, p->api) < 0)
		return refuse("the loop is full");
	return 0;
}

static int serve(struct program *p)
{
	int error;

	LOG_INFO("ctrl", "ready", "version=%s epoch=%016llx bindings=%zu", DMM_VERSION,
		(unsigned long long)publish_epoch(p->ctrl.publish),
		signalling_live(p->ctrl.signalling));
	daemon_notify("READY=1");
	error = loop_run(p->ctrl.loop);
	daemon_notify("STOPPING=1");
	if (error)
		return refuse("the loop failed: %s", strerror(-error));
	LOG_INFO("ctrl", "stopped");
	return 0;
}

/* Everything there is, in the reverse order. */
static void close_all(struct program *p)
{
	api_close(p->api);
	role_mag_close(p->mag);
	role_lma_close(p->lma);
	role_ha_close(p->ha);
	commit_free(p->ctrl.commit);
	multicast_failures_free(p->ctrl.multicast_failures);
	packet_close(p->ctrl.packet);
	publish_close(p->ctrl.publish);
	keyring_close(p->ctrl.keyring);
	store_events_stop(p->ctrl.store_events);
	events_free(p->ctrl.events);
	subscriber_db_free(p->ctrl.subscribers);
	store_close(p->ctrl.store);
	loop_free(p->ctrl.loop);
	if (p->signals >= 0)
		close(p->signals);
	zsock_context_end();
}

static int run(struct program *p)
{
	int code;

	log_set_level(p->config.log_level);
	p->ctrl.config = &p->config;
	p->signals = daemon_signals();
	if (p->signals < 0)
		return refuse("cannot take signals: %s", strerror(-p->signals));
	daemon_protect_secrets();
	daemon_open_files(OPEN_FILES);
	p->ctrl.loop = loop_new();
	if (!p->ctrl.loop || !zsock_context())
		return refuse("no memory");
	code = check_endpoints(p);
	if (!code)
		code = open_store(p);
	if (!code)
		code = open_channels(p);
	if (!code)
		code = open_roles(p);
	if (!code)
		code = add_hooks(p);
	if (!code)
		code = serve(p);
	close_all(p);
	return code;
}

enum { OPTION_CONFIG, OPTION_CHECK, OPTION_REFERENCE };

static const struct args_option options[] = {
	[OPTION_CONFIG] = {'c', "config", "FILE", "configuration file"},
	[OPTION_CHECK] = {0, "check", NULL, "check the configuration and stop"},
	[OPTION_REFERENCE] = {0, "config-reference", NULL, "print all configuration keys and stop"},
	{0},
};

static const struct args_program program = {
	.name = "dmm-ctrl",
	.usage = "--config FILE [--check]",
	.summary = "The control plane of the gateway: mobility signalling, bindings, subscribers.",
	.options = options,
};

int main(int argc, char **argv)
{
	struct program p = {.signals = -1};
	struct config_report report = {0};
	const char *path = NULL;
	bool check = false;
	struct args a;
	int code = 0;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		switch (a.index) {
		case OPTION_CONFIG:
			path = a.value;
			break;
		case OPTION_CHECK:
			check = true;
			break;
		case OPTION_REFERENCE:
			config_print_reference(stdout, ctrl_config_keys);
			return 0;
		}
	}
	if (!a.done && a.first < argc)
		return args_fail(&a, "unexpected argument '%s'", argv[a.first]);
	if (!a.done && !path)
		return args_fail(&a, "--config FILE is needed");
	if (a.done)
		return a.exit_code;
	p.config_path = path;
	if (ctrl_config_load(&p.config, path, &report) < 0) {
		fputs(report.text ? report.text : "dmm-ctrl: no memory\n", stderr);
		code = 1;
	}
	config_report_free(&report);
	if (!code && check)
		printf("%s: good\n", path);
	else if (!code)
		code = run(&p);
	ctrl_config_free(&p.config);
	return code;
}
