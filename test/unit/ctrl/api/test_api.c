/* The control interface as docs/api.md has it, asked through its socket. */
#include "../rig.h"

#include "ctrl/api/api.h"
#include "ctrl/dp_events.h"
#include "ctrl/events.h"
#include "ctrl/keyring.h"
#include "ctrl/packet.h"
#include "ctrl/role_ha.h"
#include "ctrl/store_events.h"

#include <signal.h>
#include <sys/resource.h>

static struct rig rig;
static struct fake dp1;
static struct ctrl ctrl;
static struct role_ha *role;
static struct api *api;
static struct zsock client;

static void flush_packet(void *arg)
{
	packet_flush(arg);
}

static void flush_api(void *arg)
{
	api_flush(arg);
}

static void dial(struct zsock *socket)
{
	const struct zsock_options options = {.type = ZMQ_DEALER};

	assert_int_equal(zsock_connect(socket, &options, rig.config.endpoints.api), 0);
}

/* The rest of dmm-ctrl around the rig, as main.c does it. */
static void start(void)
{
	struct subscriber_why why;
	char text[256];

	rig_open(&rig, NULL);
	ctrl = (struct ctrl){.config = &rig.config,
		.loop = rig.loop,
		.store = rig.store,
		.publish = rig.publish,
		.commit = rig.commit};
	ctrl.subscribers = subscriber_db_new(&rig.config, rig.store);
	assert_true(subscriber_db_load(ctrl.subscribers, &why) >= 0);
	ctrl.events = events_new(rig.loop);
	assert_int_equal(keyring_open(&ctrl.keyring, &rig.config, rig.loop), 0);
	assert_int_equal(packet_open(&ctrl.packet, &rig.config, NULL, rig.loop), 0);
	assert_int_equal(dp_events_start(&ctrl), 0);
	if (role_ha_open(&role, &ctrl, text, sizeof(text)) < 0)
		fail_msg("%s", text);
	assert_int_equal(api_open(&api, &ctrl), 0);
	role_ha_set_api(role, api);
	assert_int_equal(store_events_start(&ctrl.store_events, &ctrl), 0);
	loop_add_flush(rig.loop, flush_packet, ctrl.packet);
	loop_add_flush(rig.loop, flush_api, api);
	dial(&client);
}

static void stop(bool keep)
{
	zsock_close(&client);
	api_close(api);
	role_ha_close(role);
	packet_close(ctrl.packet);
	keyring_close(ctrl.keyring);
	store_events_stop(ctrl.store_events);
	events_free(ctrl.events);
	subscriber_db_free(ctrl.subscribers);
	rig_close(&rig, keep);
}

static int open_all(void **state)
{
	(void)state;
	start();
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	stop(false);
	return 0;
}

/* The next reply on a socket. */
static json_t *next_reply(struct zsock *socket)
{
	struct zsock_message m;
	json_t *reply;

	RIG_UNTIL(&rig, zsock_readable(socket));
	assert_int_equal(zsock_recv(socket, &m), 0);
	assert_int_equal(m.count, 1);
	reply = json_loadb(zsock_part(&m, 0), zsock_part_len(&m, 0), 0, NULL);
	assert_non_null(reply);
	zsock_message_close(&m);
	return reply;
}

/* Asks and returns the last reply; items go to the list. */
static json_t *ask_items(const char *request, json_t *items)
{
	json_t *reply;

	assert_int_equal(zsock_send1(&client, request, strlen(request)), 0);
	for (;;) {
		reply = next_reply(&client);
		json_t *item = json_object_get(reply, "item");

		assert_int_equal(json_object_size(reply), 1);
		if (!item)
			return reply;
		assert_non_null(items);
		json_array_append(items, item);
		json_decref(reply);
	}
}

static json_t *ask(const char *request)
{
	return ask_items(request, NULL);
}

/* The reply must be an error with this code whose message has the word. */
static void assert_error(const char *request, const char *code, const char *word)
{
	json_t *reply = ask(request);
	json_t *error = json_object_get(reply, "error");

	if (!error)
		fail_msg("no error: %s", request);
	assert_string_equal(json_string_value(json_object_get(error, "code")), code);
	if (!strstr(json_string_value(json_object_get(error, "message")), word))
		fail_msg("\"%s\" does not say %s",
			json_string_value(json_object_get(error, "message")), word);
	json_decref(reply);
}

/* The reply's result must be this JSON. */
static void assert_result(const char *request, const char *expected)
{
	json_t *reply = ask(request), *want = json_loads(expected, 0, NULL);

	assert_non_null(want);
	if (!json_equal(json_object_get(reply, "result"), want)) {
		char *text = json_dumps(reply, 0);

		print_error("%s: %s instead of %s\n", request, text, expected);
		free(text);
		fail();
	}
	json_decref(want);
	json_decref(reply);
}

#define KEY "\"key\": \"000102030405060708090a0b0c0d0e0f\""

static const char *const add_one =
	"{\"method\": \"subscriber.add\", \"params\": {\"mn_id\": \"one\", \"spi\": 256, " KEY
	", \"home_addresses\": [\"2001:db8:100::11\"]}}";

static void bad_requests_are_told(void **state)
{
	(void)state;
	assert_error("nonsense", "bad-request", "JSON");
	assert_error("[1]", "bad-request", "object");
	assert_error("{}", "bad-request", "method");
	assert_error("{\"method\": 7}", "bad-request", "method");
	assert_error("{\"method\": \"status\", \"parms\": {}}", "bad-request", "parms");
	assert_error("{\"method\": \"frobnicate\"}", "unknown-method", "frobnicate");
	assert_error("{\"method\": \"status\", \"params\": {\"x\": 1}}", "invalid", "x");
	assert_error("{\"method\": \"binding.show\", \"params\": {\"home\": \"::1\"}}", "invalid",
		"home");
	assert_error("{\"method\": \"binding.show\", \"params\": {\"home_address\": \"here\"}}",
		"invalid", "here");
	assert_error("{\"method\": \"events\", \"params\": {\"follow\": 1}}", "invalid", "follow");
	assert_error("{\"method\": \"binding.clear\"}", "invalid", "home_address");
}

static void status_has_its_keys(void **state)
{
	static const char *const keys[] = {"version", "pid", "roles", "started", "uptime_s",
		"epoch", "sequence", "home_agent_addresses", "home_prefixes", "subscribers",
		"bindings", "data_planes", "store"};
	json_t *reply = ask("{\"method\": \"status\"}");
	json_t *result = json_object_get(reply, "result");

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!json_object_get(result, keys[i]))
			fail_msg("no %s", keys[i]);
	assert_int_equal(json_object_size(result), sizeof(keys) / sizeof(keys[0]));
	assert_int_equal(json_integer_value(json_object_get(result, "pid")), getpid());
	assert_int_equal(strlen(json_string_value(json_object_get(result, "epoch"))), 16);
	assert_int_equal(json_array_size(json_object_get(result, "home_prefixes")), 2);
	assert_true(json_is_true(json_object_get(json_object_get(result, "store"), "ok")));
	json_decref(reply);
}

static void subscribers_come_and_go(void **state)
{
	json_t *items = json_array(), *reply, *item;

	(void)state;
	assert_result(add_one, "{\"mn_id\": \"one\"}");
	assert_error(add_one, "exists", "mn_id");
	reply = ask_items(
		"{\"method\": \"subscriber.show\", \"params\": {\"mn_id\": \"one\"}}", items);
	assert_int_equal(json_array_size(items), 1);
	json_decref(reply);
	item = json_array_get(items, 0);
	assert_null(json_object_get(item, "key"));
	assert_int_equal(json_integer_value(json_object_get(item, "spi")), 256);
	assert_string_equal(json_string_value(json_object_get(item, "replay")), "timestamp");
	assert_string_equal(json_string_value(json_object_get(item, "auth")), "required");
	assert_true(json_is_null(json_object_get(item, "max_lifetime_s")));
	assert_true(json_is_true(json_object_get(item, "enabled")));
	assert_int_equal(json_integer_value(json_object_get(item, "bindings")), 0);
	json_decref(items);
	assert_result("{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"one\"}}",
		"{\"mn_id\": \"one\", \"bindings_cleared\": 0}");
	assert_error("{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"one\"}}",
		"not-found", "one");
	assert_error("{\"method\": \"subscriber.show\", \"params\": {\"mn_id\": \"one\"}}",
		"not-found", "one");
	assert_result("{\"method\": \"subscriber.show\"}", "{\"count\": 0}");
}

static void bad_subscribers_are_refused(void **state)
{
	static const struct {
		const char *params, *code, *word;
	} bad[] = {
		{"{}", "invalid", "mn_id"},
		{"{\"mn_id\": \"x\"}", "invalid", "home_addresses"},
		{"{\"mn_id\": \"x\", \"home_addresses\": []}", "invalid", "home_addresses"},
		{"{\"mn_id\": \"x\", \"home_addresses\": [7]}", "invalid", "home_addresses"},
		{"{\"mn_id\": \"x\", \"home_addresses\": [\"2001:db8:100::5\"]}", "invalid", "spi"},
		{"{\"mn_id\": \"x\", \"home_addresses\": [\"2001:db8:100::5\"], \"spi\": 255, " KEY
		 "}",
			"invalid", "255"},
		{"{\"mn_id\": \"x\", \"home_addresses\": [\"2001:db8:100::5\"], \"spi\": 256}",
			"invalid", "key"},
		{"{\"mn_id\": \"x\", \"home_addresses\": [\"2001:db8:100::5\"], \"spi\": 256, "
		 "\"key\": \"5ec4e7\"}",
			"invalid", "key"},
		{"{\"mn_id\": \"x\", \"home_addresses\": [\"2001:db8:999::5\"], \"auth\": "
		 "\"none\"}",
			"invalid", "2001:db8:999::5"},
		{"{\"mn_id\": \"x\", \"home_addresses\": [\"2001:db8:100::5\"], \"auth\": "
		 "\"maybe\"}",
			"invalid", "maybe"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char request[512];

		snprintf(request, sizeof(request),
			"{\"method\": \"subscriber.add\", \"params\": %s}", bad[i].params);
		assert_error(request, bad[i].code, bad[i].word);
	}
	assert_result("{\"method\": \"subscriber.show\"}", "{\"count\": 0}");
}

static void imports_what_is_right(void **state)
{
	json_t *reply, *result, *errors;

	(void)state;
	reply = ask("{\"method\": \"subscriber.import\", \"params\": {\"lines\": ["
		    "{\"line\": 3, \"subscriber\": {\"mn_id\": \"a\", \"auth\": \"none\","
		    " \"home_addresses\": [\"2001:db8:100::21\"]}},"
		    "{\"line\": 4, \"subscriber\": {\"mn_id\": \"b\", \"spl\": 7}},"
		    "{\"line\": 9, \"subscriber\": {\"mn_id\": \"c\", \"auth\": \"none\","
		    " \"home_addresses\": [\"2001:db8:100::21\"]}},"
		    "{\"line\": 10, \"subscriber\": {\"mn_id\": \"d\", \"auth\": \"none\","
		    " \"home_addresses\": [\"2001:db8:100::22\"]}}]}}");
	result = json_object_get(reply, "result");
	assert_int_equal(json_integer_value(json_object_get(result, "imported")), 2);
	assert_int_equal(json_integer_value(json_object_get(result, "skipped")), 2);
	errors = json_object_get(result, "errors");
	assert_int_equal(json_array_size(errors), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(errors, 0), "line")), 4);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(errors, 0), "code")), "invalid");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(errors, 1), "line")), 9);
	assert_string_equal(
		json_string_value(json_object_get(json_array_get(errors, 1), "code")), "exists");
	json_decref(reply);
	stop(true);
	start();
	reply = ask("{\"method\": \"status\"}");
	assert_int_equal(json_integer_value(
				 json_object_get(json_object_get(reply, "result"), "subscribers")),
		2);
	json_decref(reply);
}

static void long_lists_are_complete(void **state)
{
	json_t *items = json_array(), *reply;
	struct subscriber_spec spec = {
		.auth = SUBSCRIBER_AUTH_NONE, .enabled = true, .home_count = 1};
	struct subscriber_why why;

	(void)state;
	for (unsigned n = 1; n <= 3000; n++) {
		char home[64];

		spec.mn_id_len = (uint8_t)snprintf(spec.mn_id, sizeof(spec.mn_id), "mn%u", n);
		snprintf(home, sizeof(home), "2001:db8:200::%x", n);
		assert_int_equal(addr_parse(home, &spec.home[0]), 0);
		assert_int_equal(subscriber_db_add(ctrl.subscribers, &spec, &why), 0);
	}
	assert_int_equal(subscriber_db_commit(ctrl.subscribers), 0);
	reply = ask_items("{\"method\": \"subscriber.show\"}", items);
	assert_int_equal(json_array_size(items), 3000);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(reply, "result"), "count")),
		3000);
	json_decref(reply);
	json_decref(items);
}

/* A binding as if it had been registered before a restart. */
static void restart_with_a_binding(void)
{
	struct binding_record record = rig_record(0x11, 0x77);
	uint8_t key[18] = {0}, octets[BINDING_RECORD_SIZE];
	struct writer w;

	record.updated_ns = record.registered_ns = loop_real_ns(rig.loop);
	record.expires_ns = record.updated_ns + 400000000000ull;
	json_decref(ask(add_one));
	memcpy(key, &record.home, 16);
	writer_init(&w, octets, sizeof(octets));
	assert_int_equal(binding_record_encode(&w, &record), 0);
	assert_int_equal(
		store_put(rig.store, STORE_BINDING, key, sizeof(key), octets, writer_len(&w)), 0);
	assert_int_equal(store_commit(rig.store), 0);
	stop(true);
	start();
	rig_connect(&rig, &dp1, "dp1");
	fake_hello(&dp1);
	RIG_UNTIL(&rig, publish_first_ready(rig.publish) == 0);
}

static void bindings_are_shown(void **state)
{
	static const char *const keys[] = {"mn_id", "home_address", "care_of_address", "state",
		"sequence", "lifetime_s", "remaining_s", "registered", "updated", "expires",
		"data_plane", "link", "subscriber_id", "path_id"};
	json_t *items = json_array(), *item;

	(void)state;
	restart_with_a_binding();
	json_decref(ask_items("{\"method\": \"binding.show\"}", items));
	assert_int_equal(json_array_size(items), 1);
	item = json_array_get(items, 0);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!json_object_get(item, keys[i]))
			fail_msg("no %s", keys[i]);
	assert_int_equal(json_object_size(item), sizeof(keys) / sizeof(keys[0]));
	assert_string_equal(json_string_value(json_object_get(item, "mn_id")), "one");
	assert_string_equal(
		json_string_value(json_object_get(item, "care_of_address")), "2001:db8:a::77");
	assert_string_equal(json_string_value(json_object_get(item, "state")), "active");
	assert_string_equal(json_string_value(json_object_get(item, "data_plane")), "dp1");
	assert_string_equal(json_string_value(json_object_get(item, "link")), "home");
	assert_int_equal(json_integer_value(json_object_get(item, "sequence")), 0x77);
	assert_int_equal(json_integer_value(json_object_get(item, "lifetime_s")), 400);
	assert_in_range(json_integer_value(json_object_get(item, "remaining_s")), 300, 400);
	json_decref(items);
	items = json_array();
	json_decref(ask_items("{\"method\": \"path.show\"}", items));
	assert_int_equal(json_array_size(items), 1);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "remote")), "2001:db8:a::77");
	assert_string_equal(json_string_value(json_object_get(item, "kind")), "ip6-in-ip6");
	assert_string_equal(json_string_value(json_object_get(item, "mn_id")), "one");
	json_decref(items);
	assert_result("{\"method\": \"binding.show\", \"params\": "
		      "{\"home_address\": \"2001:db8:100::12\"}}",
		"{\"count\": 0}");
	assert_result("{\"method\": \"binding.show\", \"params\": {\"mn_id\": \"nobody\"}}",
		"{\"count\": 0}");
	items = json_array();
	json_decref(ask_items(
		"{\"method\": \"binding.show\", \"params\": {\"mn_id\": \"one\"}}", items));
	assert_int_equal(json_array_size(items), 1);
	json_decref(items);
	items = json_array();
	json_decref(ask_items("{\"method\": \"dp.show\"}", items));
	assert_int_equal(json_array_size(items), 1);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "state")), "synced");
	assert_int_equal(json_integer_value(json_object_get(item, "subscribers")), 1);
	assert_int_equal(json_array_size(json_object_get(item, "ports")), 1);
	json_decref(items);
}

static void a_cleared_binding_is_gone_everywhere(void **state)
{
	struct zsock watcher = {0};
	json_t *reply, *item;

	(void)state;
	restart_with_a_binding();
	dial(&watcher);
	assert_int_equal(zsock_send1(&watcher, "{\"method\": \"binding.watch\"}", 27), 0);
	reply = next_reply(&watcher);
	item = json_object_get(reply, "item");
	assert_string_equal(json_string_value(json_object_get(item, "event")), "present");
	assert_non_null(json_object_get(json_object_get(item, "binding"), "home_address"));
	json_decref(reply);
	assert_non_null(fake_find(&dp1, OBJECT_PATH, 100017));
	assert_result("{\"method\": \"binding.clear\", \"params\": "
		      "{\"home_address\": \"2001:db8:100::11\"}}",
		"{\"home_address\": \"2001:db8:100::11\", \"care_of_address\": "
		"\"2001:db8:a::77\"}");
	assert_null(fake_find(&dp1, OBJECT_PATH, 100017));
	reply = next_reply(&watcher);
	item = json_object_get(reply, "item");
	assert_string_equal(json_string_value(json_object_get(item, "event")), "cleared");
	json_decref(reply);
	zsock_close(&watcher);
	assert_result("{\"method\": \"binding.show\"}", "{\"count\": 0}");
	assert_error("{\"method\": \"binding.clear\", \"params\": "
		     "{\"home_address\": \"2001:db8:100::11\"}}",
		"not-found", "2001:db8:100::11");
}

static void bindings_end_with_their_subscriber(void **state)
{
	(void)state;
	restart_with_a_binding();
	assert_result("{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"one\"}}",
		"{\"mn_id\": \"one\", \"bindings_cleared\": 1}");
	assert_null(fake_find(&dp1, OBJECT_SUBSCRIBER, 17));
	assert_result("{\"method\": \"binding.show\"}", "{\"count\": 0}");
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = octets;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* Whether an event of this name was posted. */
static bool was_posted(const char *name)
{
	json_t *items = json_array();
	bool found = false;

	json_decref(ask_items("{\"method\": \"events\"}", items));
	for (size_t i = 0; i < json_array_size(items); i++)
		found |= strcmp(json_string_value(
					json_object_get(json_array_get(items, i), "event")),
				 name) == 0;
	json_decref(items);
	return found;
}

static bool store_is_ok(bool *failed_once)
{
	json_t *reply = ask("{\"method\": \"status\"}");
	json_t *store = json_object_get(json_object_get(reply, "result"), "store");
	bool ok = json_is_true(json_object_get(store, "ok"));

	*failed_once = json_is_string(json_object_get(store, "last_failure"));
	json_decref(reply);
	return ok;
}

static void a_disk_that_refuses_is_an_alarm(void **state)
{
	static const char clear[] = "{\"method\": \"binding.clear\", \"params\": "
				    "{\"home_address\": \"2001:db8:100::11\"}}";
	bool failed_once;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	restart_with_a_binding();
	assert_true(store_is_ok(&failed_once));
	assert_false(failed_once);
	log_set_fd(-1);
	limit_files(1);
	assert_error(clear, "unavailable", "refused");
	limit_files(RLIM_INFINITY);
	log_set_fd(2);
	assert_true(was_posted("store-failed"));
	assert_false(was_posted("store-back"));
	assert_false(store_is_ok(&failed_once));
	assert_true(failed_once);
	assert_non_null(fake_find(&dp1, OBJECT_PATH, 100017));
	for (int i = 0; i < 1000 && !store_ok(rig.store); i++) {
		usleep(10000);
		json_decref(ask(clear));
	}
	assert_null(fake_find(&dp1, OBJECT_PATH, 100017));
	assert_true(was_posted("store-back"));
	assert_true(store_is_ok(&failed_once));
}

static void audits_are_answered(void **state)
{
	json_t *items = json_array(), *item, *kinds, *show;
	struct object *path;

	(void)state;
	restart_with_a_binding();
	json_decref(ask_items("{\"method\": \"dp.audit\"}", items));
	assert_int_equal(json_array_size(items), 2);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "name")), "dp1");
	assert_string_equal(json_string_value(json_object_get(item, "result")), "equal");
	item = json_array_get(items, 1);
	assert_string_equal(json_string_value(json_object_get(item, "result")), "unknown");
	json_array_clear(items);

	path = (struct object *)fake_find(&dp1, OBJECT_PATH, 100000 + 0x11);
	assert_non_null(path);
	path->path.mtu ^= 4;
	json_decref(
		ask_items("{\"method\": \"dp.audit\", \"params\": {\"name\": \"dp1\"}}", items));
	assert_int_equal(json_array_size(items), 1);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "result")), "differs");
	assert_true(json_is_true(json_object_get(item, "healing")));
	kinds = json_object_get(item, "kinds");
	assert_int_equal(json_array_size(kinds), 5);
	for (size_t i = 0; i < 5; i++) {
		json_t *kind = json_array_get(kinds, i);
		bool is_path =
			strcmp(json_string_value(json_object_get(kind, "kind")), "path") == 0;

		assert_int_equal(json_is_true(json_object_get(kind, "equal")), !is_path);
	}
	json_array_clear(items);
	RIG_UNTIL(&rig, dp1.audited == 3);
	json_decref(ask_items("{\"method\": \"dp.show\"}", items));
	show = json_array_get(items, 0);
	assert_int_equal(json_integer_value(json_object_get(show, "bindings")), 1);
	assert_string_equal(json_string_value(json_object_get(show, "serving")), "up");
	assert_non_null(json_object_get(json_object_get(show, "audit"), "state"));
	assert_true(json_is_null(json_object_get(show, "address")));
	json_decref(items);
	assert_error(
		"{\"method\": \"dp.audit\", \"params\": {\"name\": \"dp9\"}}", "not-found", "dp9");
}

static void statistics_are_gathered(void **state)
{
	struct update_stat node = {.group = UPDATE_STAT_NODE,
		.name = "encap",
		.value_count = 3,
		.values = {10, 40, 100}};
	struct update_stat drop = {
		.group = UPDATE_STAT_DROP, .name = "no_route", .value_count = 1, .values = {5}};
	json_t *reply, *dp, *result;
	struct writer w;

	(void)state;
	rig_connect(&rig, &dp1, "dp1");
	fake_hello(&dp1);
	RIG_UNTIL(&rig, publish_first_ready(rig.publish) == 0);
	assert_int_equal(zsock_send1(&client, "{\"method\": \"stats\"}", 19), 0);
	RIG_UNTIL(&rig, dp1.asked == 1);
	fake_start(&dp1, &w, UPDATE_STATS);
	update_stats_id_encode(&w, dp1.stats_id);
	assert_int_equal(update_stat_encode(&w, &node), 0);
	assert_int_equal(update_stat_encode(&w, &drop), 0);
	fake_send(&dp1, &w);
	reply = next_reply(&client);
	result = json_object_get(reply, "result");
	dp = json_array_get(json_object_get(result, "data_planes"), 0);
	assert_true(json_is_true(json_object_get(dp, "answered")));
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(dp, "drops"), "no_route")), 5);
	assert_true(json_real_value(json_object_get(json_array_get(json_object_get(dp, "nodes"), 0),
			    "cycles_per_packet")) == 2.5);
	assert_int_equal(json_array_size(json_object_get(dp, "ports")), 0);
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(json_object_get(result, "control"), "counters"),
				 "publish_hellos")),
		1);
	json_decref(reply);
}

static void events_are_kept_and_followed(void **state)
{
	struct update_event wrong = {.kind = UPDATE_EVENT_WRONG_SOURCE, .value = 3};
	struct zsock follower = {0};
	json_t *items = json_array(), *reply, *item;
	struct writer w;

	(void)state;
	json_decref(ask(add_one));
	rig_connect(&rig, &dp1, "dp1");
	fake_hello(&dp1);
	RIG_UNTIL(&rig, publish_first_ready(rig.publish) == 0);
	json_decref(ask_items("{\"method\": \"events\"}", items));
	assert_int_equal(json_array_size(items), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "event")),
		"data-plane-up");
	json_decref(items);
	dial(&follower);
	assert_int_equal(zsock_send1(&follower,
				 "{\"method\": \"events\", \"params\": {\"follow\": true}}", 48),
		0);
	json_decref(next_reply(&follower));
	addr_parse("2001:db8:100::11", &wrong.inner);
	addr_parse("2001:db8:bad::1", &wrong.outer);
	fake_start(&dp1, &w, UPDATE_EVENT);
	assert_int_equal(update_event_encode(&w, &wrong), 0);
	fake_send(&dp1, &w);
	reply = next_reply(&follower);
	item = json_object_get(reply, "item");
	assert_string_equal(json_string_value(json_object_get(item, "event")), "wrong-source");
	assert_string_equal(json_string_value(json_object_get(item, "mn_id")), "one");
	assert_string_equal(json_string_value(json_object_get(item, "source")), "dp1");
	assert_string_equal(json_string_value(json_object_get(item, "severity")), "warning");
	assert_non_null(
		strstr(json_string_value(json_object_get(item, "message")), "2001:db8:bad::1"));
	json_decref(reply);
	zsock_close(&follower);
}

static void clients_that_leave_are_forgotten(void **state)
{
	(void)state;
	for (int i = 0; i < 600; i++) {
		struct zsock watcher = {0};

		dial(&watcher);
		assert_int_equal(zsock_send1(&watcher, "{\"method\": \"binding.watch\"}", 27), 0);
		rig_round(&rig);
		rig_round(&rig);
		zsock_close(&watcher);
	}
	json_decref(ask("{\"method\": \"status\"}"));
	assert_result(add_one, "{\"mn_id\": \"one\"}");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bad_requests_are_told),
		TEST(status_has_its_keys),
		TEST(subscribers_come_and_go),
		TEST(bad_subscribers_are_refused),
		TEST(imports_what_is_right),
		TEST(long_lists_are_complete),
		TEST(bindings_are_shown),
		TEST(a_cleared_binding_is_gone_everywhere),
		TEST(bindings_end_with_their_subscriber),
		TEST(a_disk_that_refuses_is_an_alarm),
		TEST(audits_are_answered),
		TEST(statistics_are_gathered),
		TEST(events_are_kept_and_followed),
		TEST(clients_that_leave_are_forgotten),
	};
	int failed = cmocka_run_group_tests_name("api", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
