/* Keys of the data planes: what the configuration may say, who is let in, what a change of keys
 * does to connections. Sockets are real ones on loopback. */
#include "rig.h"

#include "ctrl/keyring.h"

#include <sys/stat.h>

/* Endpoint, keys of dp1, keys of dp2, more. */
static const char *const text_form =
	"roles = [\"ha\"];\n"
	"store = \"/nowhere\";\n"
	"endpoints = { update = \"%s\"; packet = \"ipc:///tmp/x/packet\";\n"
	"              api = \"ipc:///tmp/x/api\"; };\n"
	"data_planes = ( { name = \"dp1\"; public_keys = [%s]; },\n"
	"                { name = \"dp2\"; public_keys = [%s]; } );\n"
	"home_agents = [\"2001:db8:1::1\"];\n"
	"home_prefixes = ( { prefix = \"2001:db8:100::/64\"; } );\n"
	"%s\n";

enum { KEY_CONTROL, KEY_ONE, KEY_ONE_NEW, KEY_TWO, KEY_STRANGER, KEYS };

static char directory[64];
static struct {
	char endpoint[64], path[96], file[KEYS][96];
	struct curve_key public_key[KEYS], secret_key[KEYS];
	char digits[KEYS][CURVE_TEXT_SIZE];
	struct ctrl_config config;
	struct loop *loop;
	struct keyring *keyring;
	struct zsock server, clients[3];
	struct zsock_message m;
	unsigned messages;
} all;

static int make_keys(void **state)
{
	const char *failed;

	(void)state;
	strcpy(directory, "/tmp/dmm-keyring-XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(all.path, sizeof(all.path), "%s/ctrl.cfg", directory);
	for (int i = 0; i < KEYS; i++) {
		char public_path[96];

		snprintf(all.file[i], sizeof(all.file[i]), "%s/%d.key", directory, i);
		snprintf(public_path, sizeof(public_path), "%s/%d.pub", directory, i);
		if (curve_generate(&all.public_key[i], &all.secret_key[i]) < 0 ||
			curve_write_pair(public_path, &all.public_key[i], all.file[i],
				&all.secret_key[i], &failed) < 0)
			return -1;
		curve_text(&all.public_key[i], all.digits[i]);
	}
	return 0;
}

static int remove_keys(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	return system(command);
}

/* The digits of a key in quotes. */
static const char *quoted(int key)
{
	static char text[4][CURVE_TEXT_SIZE + 2];
	static unsigned next;
	char *to = text[next++ % 4];

	snprintf(to, sizeof(text[0]), "\"%s\"", all.digits[key]);
	return to;
}

static const char *security(int key)
{
	static char text[160];

	snprintf(text, sizeof(text), "security = { secret_key_file = \"%s\"; };", all.file[key]);
	return text;
}

/* Checks a configuration; it must be wrong for this reason alone, or right (NULL). */
static void check(
	const char *endpoint, const char *one, const char *two, const char *more, const char *says)
{
	struct config_report report = {0};
	struct ctrl_config config;
	char text[2048];

	snprintf(text, sizeof(text), text_form, endpoint, one, two, more);
	int rc = ctrl_config_load_text(&config, "test", text, &report);

	if (!says && rc < 0)
		fail_msg("%s", report.text);
	if (says) {
		assert_int_equal(rc, -EINVAL);
		assert_int_equal(report.count, 1);
		if (!strstr(report.text, says))
			fail_msg("'%s' is not in '%s'", says, report.text);
	}
	config_report_free(&report);
	ctrl_config_free(&config);
}

#define TCP "tcp://127.0.0.1:4711"
#define IPC "ipc:///tmp/x/update"

static void configurations(void **state)
{
	char file[160], both[256], three[400], open_file[160];

	(void)state;
	snprintf(file, sizeof(file), "\"%s/%d.pub\"", directory, KEY_ONE);
	snprintf(both, sizeof(both), "%s, %s", file, quoted(KEY_ONE_NEW));
	snprintf(three, sizeof(three), "%s, %s", both, quoted(KEY_STRANGER));
	check(TCP, quoted(KEY_ONE), quoted(KEY_TWO), security(KEY_CONTROL), NULL);
	check("tcp://*:4711", both, quoted(KEY_TWO), security(KEY_CONTROL), NULL);
	check("tcp://[::1]:4711", file, quoted(KEY_TWO), security(KEY_CONTROL), NULL);
	check(IPC, "", "", "", NULL);
	check(IPC, quoted(KEY_ONE), "", "", NULL);

	check(TCP, quoted(KEY_ONE), quoted(KEY_TWO), "",
		"test: security.secret_key_file: is required: an endpoint is on tcp");
	check(TCP, quoted(KEY_ONE), "", security(KEY_CONTROL),
		"test:6: data_planes[1].public_keys: is required for \"dp2\"");
	check(TCP, quoted(KEY_ONE), quoted(KEY_ONE), security(KEY_CONTROL),
		"is a key of \"dp1\" already");
	check(TCP, both, quoted(KEY_ONE), security(KEY_CONTROL), "is a key of \"dp1\" already");
	check(TCP, three, quoted(KEY_TWO), security(KEY_CONTROL), "at most 2");
	check(IPC, "\"0123\"", "", "",
		"test:5: data_planes[0].public_keys: \"0123\": a public key");
	check(IPC, "\"/nowhere/dp1.pub\"", "", "", "\"/nowhere/dp1.pub\": No such file");
	snprintf(file, sizeof(file), "\"%s\"", all.file[KEY_ONE]);
	check(IPC, file, "", "", "it holds a secret key, a public one is needed");
	check(IPC, "", "", "security = { secret_key_file = \"/nowhere/ctrl.key\"; };",
		"test:9: security.secret_key_file: \"/nowhere/ctrl.key\": No such file");
	snprintf(open_file, sizeof(open_file), "%s", all.file[KEY_STRANGER]);
	assert_int_equal(chmod(open_file, 0644), 0);
	check(IPC, "", "", security(KEY_STRANGER), "only its owner may read");
	assert_int_equal(chmod(open_file, 0600), 0);
}

static void endpoints(void **state)
{
	static const char *const wrong[] = {"tcp://127.0.0.1", "tcp://:4711", "tcp://host:0",
		"tcp://host:65536", "tcp://host:x", "tcp://::1:4711", "tcp://[::1:4711",
		"tcp://[host]:4711", "tcp://a b:4711", "udp://host:4711", "tcp://"};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		check(wrong[i], quoted(KEY_ONE), quoted(KEY_TWO), security(KEY_CONTROL),
			"endpoints.update");
	assert_true(zsock_is_good_tcp("tcp://dmm.example.net:1", false));
	assert_true(zsock_is_good_tcp("tcp://*:1", true));
	assert_false(zsock_is_good_tcp("tcp://*:1", false));
}

static void readable(void *arg)
{
	(void)arg;
	zsock_message_close(&all.m);
	if (zsock_recv(&all.server, &all.m) == 0)
		all.messages++;
}

static void write_file(const char *one, const char *two)
{
	FILE *file = fopen(all.path, "w");

	assert_non_null(file);
	fprintf(file, text_form, "tcp://127.0.0.1:4711", one, two, security(KEY_CONTROL));
	fclose(file);
}

static int open_all(void **state)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER, .router_mandatory = true};
	struct config_report report = {0};
	size_t len = sizeof(all.endpoint);

	(void)state;
	write_file(quoted(KEY_ONE), quoted(KEY_TWO));
	if (ctrl_config_load(&all.config, all.path, &report) < 0)
		fail_msg("%s", report.text);
	all.loop = loop_new();
	assert_non_null(all.loop);
	assert_int_equal(keyring_open(&all.keyring, &all.config, all.loop), 0);
	assert_int_equal(keyring_bind(all.keyring, &all.server, &options, "tcp://127.0.0.1:*"), 0);
	assert_int_equal(
		zmq_getsockopt(all.server.socket, ZMQ_LAST_ENDPOINT, all.endpoint, &len), 0);
	assert_int_equal(loop_add_socket(all.loop, &all.server, readable, NULL), 0);
	all.messages = 0;
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	zsock_message_close(&all.m);
	for (size_t i = 0; i < 3; i++)
		zsock_close(&all.clients[i]);
	zsock_close(&all.server);
	keyring_close(all.keyring);
	loop_free(all.loop);
	ctrl_config_free(&all.config);
	zsock_context_end();
	return 0;
}

/* Client i connects with a key and says something; with an own routing id or none. */
static void call(unsigned i, int key, const char *id)
{
	const struct zsock_options options = {.type = ZMQ_DEALER,
		.curve_secret = &all.secret_key[key],
		.curve_server = &all.public_key[KEY_CONTROL],
		.routing_id = id,
		.routing_id_len = id ? strlen(id) : 0,
		.reconnect_ms = 10};

	assert_int_equal(zsock_connect(&all.clients[i], &options, all.endpoint), 0);
	assert_int_equal(zsock_send1(&all.clients[i], "hello", 5), 0);
}

/* Rounds until another message came (the last one is all.m), or a counter moved. */
static void next_message(void)
{
	unsigned before = all.messages;

	for (int i = 0; i < 1000 && all.messages == before; i++)
		loop_round(all.loop, 20);
	assert_int_equal(all.messages, before + 1);
	assert_int_equal(all.m.count, 2);
}

static void counter_moves(const uint64_t *counter, uint64_t past)
{
	for (int i = 0; i < 1000 && *counter <= past; i++)
		loop_round(all.loop, 20);
	assert_true(*counter > past);
}

static void reload(int expected)
{
	struct config_report report = {0};

	assert_int_equal(keyring_reload(all.keyring, all.path, &report), expected);
	assert_int_equal(report.count != 0, expected != 0);
	config_report_free(&report);
}

static void a_key_says_who_it_is(void **state)
{
	struct keyring_peer one = {0}, two = {0};

	(void)state;
	/* A routing id of another's name changes nothing. */
	call(0, KEY_TWO, "dp1");
	next_message();
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), 1);
	keyring_peer_set(&two, &all.m);
	call(1, KEY_ONE, NULL);
	next_message();
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), 0);
	keyring_peer_set(&one, &all.m);
	assert_true(keyring_peer_is(&one, &all.m));
	assert_false(keyring_peer_is(&two, &all.m));

	/* Who takes another's routing id does not end its connection. */
	call(2, KEY_ONE, "dp1");
	counter_moves(&keyring_zap_counters(all.keyring)[ZAP_ACCEPTED], 2);
	const struct iovec down[] = {{two.id, two.id_len}, {"yes", 3}};

	assert_int_equal(zsock_send(&all.server, down, 2), 0);
	assert_int_equal(zsock_send1(&all.clients[0], "still here", 10), 0);
	next_message();
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), 1);
}

static void strangers_are_counted(void **state)
{
	const struct zsock_options plain = {.type = ZMQ_DEALER};
	const struct zsock_options other = {.type = ZMQ_DEALER,
		.curve_secret = &all.secret_key[KEY_ONE],
		.curve_server = &all.public_key[KEY_STRANGER]};
	const uint64_t *counters = keyring_counters(all.keyring);

	(void)state;
	call(0, KEY_STRANGER, NULL);
	counter_moves(&keyring_zap_counters(all.keyring)[ZAP_UNKNOWN_KEY], 0);
	assert_int_equal(zsock_connect(&all.clients[1], &plain, all.endpoint), 0);
	counter_moves(&counters[KEYRING_REFUSED_PLAIN], 0);
	assert_int_equal(zsock_connect(&all.clients[2], &other, all.endpoint), 0);
	counter_moves(&counters[KEYRING_REFUSED_SERVER_KEY], 0);
	assert_int_equal(all.messages, 0);
	assert_int_equal(keyring_zap_counters(all.keyring)[ZAP_ACCEPTED], 0);
}

static void keys_change_under_connections(void **state)
{
	const uint64_t *zap = keyring_zap_counters(all.keyring);
	struct keyring_peer one, again;
	char both[256];

	(void)state;
	call(0, KEY_ONE, NULL);
	next_message();
	keyring_peer_set(&one, &all.m);

	/* Both: the old one stays in, the new one comes in. */
	snprintf(both, sizeof(both), "%s, %s", quoted(KEY_ONE), quoted(KEY_ONE_NEW));
	write_file(both, quoted(KEY_TWO));
	reload(0);
	again = one;
	assert_false(keyring_peer_drop(all.keyring, 0, &again));
	assert_true(keyring_peer_is(&again, &all.m));
	call(1, KEY_ONE_NEW, NULL);
	next_message();
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), 0);

	/* The new one alone: the old one is cut when it speaks, and not let in again. */
	write_file(quoted(KEY_ONE_NEW), quoted(KEY_TWO));
	reload(0);
	assert_true(keyring_peer_drop(all.keyring, 0, &one));
	assert_int_equal(one.id_len, 0);
	assert_int_equal(zsock_send1(&all.clients[0], "old", 3), 0);
	next_message();
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), -EACCES);
	assert_int_equal(keyring_counters(all.keyring)[KEYRING_REVOKED], 1);
	counter_moves(&zap[ZAP_UNKNOWN_KEY], 0);
	assert_int_equal(zsock_send1(&all.clients[1], "new", 3), 0);
	next_message();
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), 0);
}

static void a_key_that_changes_hands(void **state)
{
	struct keyring_peer peer;

	(void)state;
	call(0, KEY_ONE, NULL);
	next_message();
	keyring_peer_set(&peer, &all.m);
	write_file(quoted(KEY_TWO), quoted(KEY_ONE));
	reload(0);
	assert_true(keyring_peer_drop(all.keyring, 0, &peer));
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), 1);
}

static void a_wrong_file_changes_nothing(void **state)
{
	FILE *file;

	(void)state;
	call(0, KEY_ONE, NULL);
	next_message();
	write_file("\"nonsense\"", quoted(KEY_TWO));
	reload(-EINVAL);
	write_file("", quoted(KEY_TWO));
	reload(-EINVAL);
	file = fopen(all.path, "w");
	assert_non_null(file);
	fprintf(file, text_form, IPC, quoted(KEY_ONE_NEW), quoted(KEY_TWO), "");
	fclose(file);
	reload(-EINVAL);
	unlink(all.path);
	reload(-ENOENT);
	assert_int_equal(keyring_data_plane(all.keyring, &all.m), 0);
	assert_int_equal(keyring_counters(all.keyring)[KEYRING_RELOADS], 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(configurations),
		cmocka_unit_test(endpoints),
		TEST(a_key_says_who_it_is),
		TEST(strangers_are_counted),
		TEST(keys_change_under_connections),
		TEST(a_key_that_changes_hands),
		TEST(a_wrong_file_changes_nothing),
	};

	return cmocka_run_group_tests(tests, make_keys, remove_keys);
}
