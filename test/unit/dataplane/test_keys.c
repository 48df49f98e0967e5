/* The data plane's keys, and its connection to control when they change or are refused. */
#include "common/clock.h"
#include "common/zap.h"
#include "dataplane/config.h"
#include "dataplane/control_link.h"
#include "dataplane/keys.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_CONTROL, KEY_OTHER_CONTROL, KEY_OWN, KEY_NEW, KEYS };

enum { LIMIT_MS = 120000 };

static struct {
	char dir[64], path[96], endpoint[64];
	struct curve_key public_key[KEYS], secret_key[KEYS];
	struct dp_config config;
	struct zap zap;
	int allowed; /* the key that is let in */
	struct zsock server, watch;
	struct control_link link;
	uint64_t now_ms;
} all;

static int make_keys(void **state)
{
	const char *failed;

	(void)state;
	strcpy(all.dir, "/tmp/dmm-keys-XXXXXX");
	if (!mkdtemp(all.dir))
		return -1;
	snprintf(all.path, sizeof(all.path), "%s/dp.cfg", all.dir);
	for (int i = 0; i < KEYS; i++) {
		char public_path[96], secret_path[96];

		snprintf(public_path, sizeof(public_path), "%s/%d.pub", all.dir, i);
		snprintf(secret_path, sizeof(secret_path), "%s/%d.key", all.dir, i);
		if (curve_generate(&all.public_key[i], &all.secret_key[i]) < 0 ||
			curve_write_pair(public_path, &all.public_key[i], secret_path,
				&all.secret_key[i], &failed) < 0)
			return -1;
	}
	return 0;
}

static int remove_keys(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", all.dir);
	return system(command);
}

/* A configuration file with this endpoint and this inside of `security`. */
static void write_file(const char *endpoint, const char *security)
{
	FILE *file = fopen(all.path, "w");

	assert_non_null(file);
	fprintf(file,
		"name = \"dp1\"; endpoints = { update = \"%s\"; };\n"
		"ports = ( { name = \"core\"; device = \"net_null0\"; } );\n"
		"security = { %s };\n",
		endpoint, security);
	fclose(file);
}

/* Text of `security`: an own key, and those of control. */
static const char *security(int own, int control, int second)
{
	static char text[400];
	char more[120] = "";

	if (second >= 0)
		snprintf(more, sizeof(more), ", \"%s/%d.pub\"", all.dir, second);
	snprintf(text, sizeof(text),
		"secret_key_file = \"%s/%d.key\"; control_keys = [\"%s/%d.pub\"%s];", all.dir, own,
		all.dir, control, more);
	return text;
}

static void expect_wrong(const char *endpoint, const char *inside, const char *says)
{
	struct config_report report = {0};
	struct dp_config config;

	write_file(endpoint, inside);
	assert_int_equal(dp_config_load(&config, all.path, false, &report), -EINVAL);
	assert_int_equal(report.count, 1);
	if (!strstr(report.text, says))
		fail_msg("'%s' is not in '%s'", says, report.text);
	config_report_free(&report);
	dp_config_free(&config);
}

#define TCP "tcp://127.0.0.1:4711"

static void wrong_configurations(void **state)
{
	char text[300];

	(void)state;
	snprintf(text, sizeof(text), "secret_key_file = \"%s/%d.key\";", all.dir, KEY_OWN);
	expect_wrong(TCP, text, "security.control_keys: is required: an endpoint is on tcp");
	snprintf(text, sizeof(text), "control_keys = [\"%s/%d.pub\"];", all.dir, KEY_CONTROL);
	expect_wrong(TCP, text, "security.secret_key_file: is required: an endpoint is on tcp");
	snprintf(text, sizeof(text),
		"secret_key_file = \"%s/%d.key\"; control_keys = [\"%s/%d.key\"];", all.dir,
		KEY_OWN, all.dir, KEY_CONTROL);
	expect_wrong(TCP, text, "it holds a secret key, a public one is needed");
	expect_wrong("ipc:///run/x", "control_keys = [\"abc\"];", "64 hexadecimal digits");
	expect_wrong("ipc:///run/x", "secret_key_file = \"/nowhere/a.key\";",
		"\"/nowhere/a.key\": No such file");
	expect_wrong("ipc:///run/x", "secret_key_file = \"a.key\";", "absolute path");
	expect_wrong("tcp://*:4711", security(KEY_OWN, KEY_CONTROL, -1), "endpoints.update");
}

static bool allow(void *arg, const struct zap_request *request)
{
	(void)arg;
	return curve_equal(&request->key, &all.public_key[all.allowed]);
}

static int open_all(void **state)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER,
		.curve_secret = &all.secret_key[KEY_CONTROL],
		.zap_domain = "dmm",
		.watch = &all.watch};
	size_t len = sizeof(all.endpoint);

	(void)state;
	all.now_ms = 1000;
	all.allowed = KEY_OWN;
	if (zap_open(&all.zap, allow, NULL) < 0 ||
		zsock_bind(&all.server, &options, "tcp://127.0.0.1:*") < 0)
		return -1;
	return zmq_getsockopt(all.server.socket, ZMQ_LAST_ENDPOINT, all.endpoint, &len);
}

static int close_all(void **state)
{
	(void)state;
	control_link_close(&all.link);
	zsock_close(&all.server);
	zsock_close(&all.watch);
	zap_close(&all.zap);
	keys_close();
	dp_config_free(&all.config);
	zsock_context_end();
	return 0;
}

/* Opens keys and connection of a configuration with this inside of `security`. */
static void start(const char *inside)
{
	const struct zsock_options options = {
		.type = ZMQ_DEALER, .immediate = true, .reconnect_ms = 10};
	struct config_report report = {0};

	write_file(all.endpoint, inside);
	if (dp_config_load(&all.config, all.path, false, &report) < 0)
		fail_msg("%s", report.text);
	assert_int_equal(keys_open(&all.config, all.path), 0);
	assert_int_equal(control_link_open(&all.link, &options, "dp1", all.endpoint), 0);
}

/* Time passes until control has heard us; returns how often the connection was made anew. A
 * handshake may hang until libzmq gives it up, more than once. */
static unsigned until_heard(const struct curve_key *as)
{
	char text[CURVE_TEXT_SIZE];
	struct zsock_message m;
	unsigned anew = 0;

	for (uint64_t end = clock_mono_ms() + LIMIT_MS; clock_mono_ms() < end;) {
		anew += control_link_tick(&all.link, all.now_ms);
		all.now_ms += 50;
		zap_serve(&all.zap);
		zsock_send1(&all.link.sock, "x", 1);
		poll(NULL, 0, 10);
		while (zsock_recv(&all.server, &m) == 0) {
			bool right = strcmp(zsock_user(&m), curve_text(as, text)) == 0;

			zsock_message_close(&m);
			if (right)
				return anew;
		}
	}
	fail_msg("control heard nothing");
	return 0;
}

static void connects_once(void **state)
{
	(void)state;
	start(security(KEY_OWN, KEY_CONTROL, -1));
	assert_int_equal(until_heard(&all.public_key[KEY_OWN]), 0);
}

static void a_new_connection_is_heard_with_the_same_key(void **state)
{
	uint32_t generation;

	(void)state;
	start(security(KEY_OWN, KEY_CONTROL, -1));
	until_heard(&all.public_key[KEY_OWN]);
	generation = all.link.generation;
	assert_true(control_link_renew(&all.link, all.now_ms));
	assert_int_equal(until_heard(&all.public_key[KEY_OWN]), 0);
	assert_int_equal(all.link.generation, generation);
}

static void tries_the_other_key_of_control(void **state)
{
	(void)state;
	start(security(KEY_OWN, KEY_OTHER_CONTROL, KEY_CONTROL));
	assert_true(until_heard(&all.public_key[KEY_OWN]) > 0);
}

/* What is still to be told of a connection that ends holds up no other. */
static void closed_while_it_fails(void **state)
{
	(void)state;
	all.allowed = KEY_NEW;
	start(security(KEY_OWN, KEY_CONTROL, -1));
	for (unsigned i = 0; i < 200; i++) {
		for (unsigned ms = 0; ms < i % 8; ms++) {
			zap_serve(&all.zap);
			poll(NULL, 0, 1);
		}
		zap_serve(&all.zap);
		assert_true(control_link_renew(&all.link, all.now_ms));
	}
	all.allowed = KEY_OWN;
	until_heard(&all.public_key[KEY_OWN]);
}

static void comes_again_after_a_refusal(void **state)
{
	(void)state;
	all.allowed = KEY_NEW;
	start(security(KEY_OWN, KEY_CONTROL, -1));
	for (uint64_t end = clock_mono_ms() + LIMIT_MS;
		clock_mono_ms() < end && all.zap.counters[ZAP_UNKNOWN_KEY] < 2;) {
		control_link_tick(&all.link, all.now_ms);
		all.now_ms += 50;
		zap_serve(&all.zap);
		poll(NULL, 0, 10);
	}
	assert_true(all.zap.counters[ZAP_UNKNOWN_KEY] >= 2);
	all.allowed = KEY_OWN;
	until_heard(&all.public_key[KEY_OWN]);
}

static void takes_over_new_keys(void **state)
{
	struct curve_key secret, control;

	(void)state;
	start(security(KEY_OWN, KEY_CONTROL, -1));
	until_heard(&all.public_key[KEY_OWN]);
	uint32_t before = keys_generation();

	/* What is wrong changes nothing. */
	write_file(all.endpoint, "secret_key_file = \"/nowhere/a.key\";");
	assert_int_equal(keys_reload(), -EINVAL);
	write_file("ipc:///run/x", "");
	assert_int_equal(keys_reload(), -EINVAL);
	assert_int_equal(keys_generation(), before);
	assert_false(control_link_tick(&all.link, all.now_ms));

	write_file(all.endpoint, security(KEY_NEW, KEY_OTHER_CONTROL, KEY_CONTROL));
	assert_int_equal(keys_reload(), 0);
	assert_int_not_equal(keys_generation(), before);
	for (unsigned i = 0; i < 3; i++) {
		keys_get(i, &secret, &control);
		assert_true(curve_equal(&secret, &all.secret_key[KEY_NEW]));
		assert_true(curve_equal(
			&control, &all.public_key[i == 1 ? KEY_CONTROL : KEY_OTHER_CONTROL]));
	}
	all.allowed = KEY_NEW;
	assert_true(until_heard(&all.public_key[KEY_NEW]) > 0);
	keys_close();
	assert_int_equal(keys_get(0, &secret, &control), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wrong_configurations),
		TEST(connects_once),
		TEST(a_new_connection_is_heard_with_the_same_key),
		TEST(tries_the_other_key_of_control),
		TEST(closed_while_it_fails),
		TEST(comes_again_after_a_refusal),
		TEST(takes_over_new_keys),
	};

	return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
