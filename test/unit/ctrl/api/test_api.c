/* The control interface as docs/api.md has it, asked through its socket. */
#include "desk.h"

#include "ctrl/events.h"

static void bad_requests_are_told(void **state)
{
	(void)state;
	desk_assert_error("nonsense", "bad-request", "JSON");
	desk_assert_error("[1]", "bad-request", "object");
	desk_assert_error("{}", "bad-request", "method");
	desk_assert_error("{\"method\": 7}", "bad-request", "method");
	desk_assert_error("{\"method\": \"status\", \"parms\": {}}", "bad-request", "parms");
	desk_assert_error("{\"method\": \"frobnicate\"}", "unknown-method", "frobnicate");
	desk_assert_error("{\"method\": \"status\", \"params\": {\"x\": 1}}", "invalid", "x");
	desk_assert_error("{\"method\": \"binding.show\", \"params\": {\"home\": \"::1\"}}",
		"invalid", "home");
	desk_assert_error(
		"{\"method\": \"binding.show\", \"params\": {\"home_address\": \"here\"}}",
		"invalid", "here");
	desk_assert_error(
		"{\"method\": \"events\", \"params\": {\"follow\": 1}}", "invalid", "follow");
	desk_assert_error("{\"method\": \"binding.clear\"}", "invalid", "home_address");
}

static void status_has_its_keys(void **state)
{
	static const char *const keys[] = {"version", "pid", "roles", "started", "uptime_s",
		"epoch", "sequence", "home_agent_addresses", "anchor_addresses",
		"access_gateway_addresses", "home_prefixes", "subscribers", "bindings", "sessions",
		"attachments", "data_planes", "store", "overload"};
	json_t *reply = desk_ask("{\"method\": \"status\"}");
	json_t *result = json_object_get(reply, "result");

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!json_object_get(result, keys[i]))
			fail_msg("no %s", keys[i]);
	assert_int_equal(json_object_size(result), sizeof(keys) / sizeof(keys[0]));
	assert_int_equal(json_integer_value(json_object_get(result, "pid")), getpid());
	assert_int_equal(strlen(json_string_value(json_object_get(result, "epoch"))), 16);
	assert_int_equal(json_array_size(json_object_get(result, "home_prefixes")), 2);
	assert_int_equal(json_array_size(json_object_get(result, "home_agent_addresses")), 2);
	assert_true(json_is_null(json_object_get(result, "anchor_addresses")));
	assert_true(json_is_null(json_object_get(result, "access_gateway_addresses")));
	assert_true(json_is_true(json_object_get(json_object_get(result, "store"), "ok")));
	json_decref(reply);
}

static void subscribers_come_and_go(void **state)
{
	json_t *items = json_array(), *reply, *item;

	(void)state;
	desk_assert_result(desk_add_one, "{\"mn_id\": \"one\"}");
	desk_assert_error(desk_add_one, "exists", "mn_id");
	reply = desk_ask_items(
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
	desk_assert_result("{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"one\"}}",
		"{\"mn_id\": \"one\", \"bindings_cleared\": 0}");
	desk_assert_error("{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"one\"}}",
		"not-found", "one");
	desk_assert_error("{\"method\": \"subscriber.show\", \"params\": {\"mn_id\": \"one\"}}",
		"not-found", "one");
	desk_assert_result("{\"method\": \"subscriber.show\"}", "{\"count\": 0}");
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
		{"{\"mn_id\": \"x\", \"home_addresses\": [\"2001:db8:100::5\"], \"spi\": "
		 "255, " DESK_KEY "}",
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
		desk_assert_error(request, bad[i].code, bad[i].word);
	}
	desk_assert_result("{\"method\": \"subscriber.show\"}", "{\"count\": 0}");
}

static void imports_what_is_right(void **state)
{
	json_t *reply, *result, *errors;

	(void)state;
	reply = desk_ask("{\"method\": \"subscriber.import\", \"params\": {\"lines\": ["
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
	desk_stop(true);
	desk_start();
	reply = desk_ask("{\"method\": \"status\"}");
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
		assert_int_equal(subscriber_db_add(desk.ctrl.subscribers, &spec, &why), 0);
	}
	assert_int_equal(subscriber_db_commit(desk.ctrl.subscribers), 0);
	reply = desk_ask_items("{\"method\": \"subscriber.show\"}", items);
	assert_int_equal(json_array_size(items), 3000);
	assert_int_equal(
		json_integer_value(json_object_get(json_object_get(reply, "result"), "count")),
		3000);
	json_decref(reply);
	json_decref(items);
}

static void bindings_are_shown(void **state)
{
	static const char *const keys[] = {"mn_id", "home_address", "care_of_address", "state",
		"sequence", "lifetime_s", "remaining_s", "registered", "updated", "expires",
		"data_plane", "link", "subscriber_id", "path_id", "bid", "priority", "rank",
		"at_home"};
	json_t *items = json_array(), *item;

	(void)state;
	desk_restart_with_a_binding();
	json_decref(desk_ask_items("{\"method\": \"binding.show\"}", items));
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
	desk_assert_error(
		"{\"method\": \"path.weight\", \"params\": {\"label\": 9, \"weight\": 3}}",
		"unavailable", "neither");
	json_decref(desk_ask_items("{\"method\": \"path.show\"}", items));
	assert_int_equal(json_array_size(items), 1);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "remote")), "2001:db8:a::77");
	assert_string_equal(json_string_value(json_object_get(item, "kind")), "ip6-in-ip6");
	assert_string_equal(json_string_value(json_object_get(item, "mn_id")), "one");
	json_decref(items);
	desk_assert_result("{\"method\": \"binding.show\", \"params\": "
			   "{\"home_address\": \"2001:db8:100::12\"}}",
		"{\"count\": 0}");
	desk_assert_result("{\"method\": \"binding.show\", \"params\": {\"mn_id\": \"nobody\"}}",
		"{\"count\": 0}");
	items = json_array();
	json_decref(desk_ask_items(
		"{\"method\": \"binding.show\", \"params\": {\"mn_id\": \"one\"}}", items));
	assert_int_equal(json_array_size(items), 1);
	json_decref(items);
	items = json_array();
	json_decref(desk_ask_items("{\"method\": \"dp.show\"}", items));
	assert_int_equal(json_array_size(items), 1);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "state")), "synced");
	assert_int_equal(json_integer_value(json_object_get(item, "subscribers")), 1);
	assert_int_equal(json_array_size(json_object_get(item, "ports")), 1);
	json_decref(items);
}

static void bindings_that_are_being_made_are_shown(void **state)
{
	static const enum binding_state states[] = {
		BINDING_STATE_DAD, BINDING_STATE_COMMITTING, BINDING_STATE_DELETED};
	const struct in6_addr home = rig_record(0x11, 0).home;
	struct binding_cache *cache;
	struct binding *b;

	(void)state;
	json_decref(desk_ask(desk_add_one));
	cache = signalling_cache(desk.ctrl.signalling);
	b = binding_cache_add(cache, &home, 0);
	assert_non_null(b);
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
		json_t *items = json_array(), *item;

		b->state = states[i];
		json_decref(desk_ask_items("{\"method\": \"binding.show\"}", items));
		item = json_array_get(items, 0);
		assert_int_equal(
			json_array_size(items), states[i] == BINDING_STATE_DELETED ? 0 : 1);
		if (item) {
			assert_string_equal(json_string_value(json_object_get(item, "state")),
				binding_state_name(states[i]));
			assert_true(json_is_null(json_object_get(item, "care_of_address")));
		}
		json_decref(items);
	}
	binding_cache_remove(cache, b);
}

static void a_cleared_binding_is_gone_everywhere(void **state)
{
	struct zsock watcher = {0};
	json_t *reply, *item;

	(void)state;
	desk_restart_with_a_binding();
	desk_dial(&watcher);
	assert_int_equal(zsock_send1(&watcher, "{\"method\": \"binding.watch\"}", 27), 0);
	reply = desk_reply(&watcher);
	item = json_object_get(reply, "item");
	assert_string_equal(json_string_value(json_object_get(item, "event")), "present");
	assert_non_null(json_object_get(json_object_get(item, "binding"), "home_address"));
	json_decref(reply);
	assert_non_null(fake_find(&desk.dp1, OBJECT_PATH, 100017));
	desk_assert_result("{\"method\": \"binding.clear\", \"params\": "
			   "{\"home_address\": \"2001:db8:100::11\"}}",
		"{\"home_address\": \"2001:db8:100::11\", \"care_of_address\": "
		"\"2001:db8:a::77\", \"bid\": null, \"bindings\": 1}");
	assert_null(fake_find(&desk.dp1, OBJECT_PATH, 100017));
	reply = desk_reply(&watcher);
	item = json_object_get(reply, "item");
	assert_string_equal(json_string_value(json_object_get(item, "event")), "cleared");
	json_decref(reply);
	zsock_close(&watcher);
	desk_assert_result("{\"method\": \"binding.show\"}", "{\"count\": 0}");
	desk_assert_error("{\"method\": \"binding.clear\", \"params\": "
			  "{\"home_address\": \"2001:db8:100::11\"}}",
		"not-found", "2001:db8:100::11");
}

static void bindings_end_with_their_subscriber(void **state)
{
	(void)state;
	desk_restart_with_a_binding();
	desk_assert_result("{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"one\"}}",
		"{\"mn_id\": \"one\", \"bindings_cleared\": 1}");
	assert_null(fake_find(&desk.dp1, OBJECT_SUBSCRIBER, 17));
	desk_assert_result("{\"method\": \"binding.show\"}", "{\"count\": 0}");
}

static void a_subscriber_is_deleted_once(void **state)
{
	const char *del = "{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"one\"}}";
	struct zsock other;
	json_t *reply;

	(void)state;
	desk_restart_with_a_binding();
	desk_dial(&other);
	desk.dp1.silent = true;
	assert_int_equal(zsock_send1(&other, del, strlen(del)), 0);
	RIG_UNTIL(&desk.rig, !fake_find(&desk.dp1, OBJECT_SUBSCRIBER, 17));
	desk_assert_error(del, "unavailable", "one");
	assert_false(zsock_readable(&other));
	desk.dp1.silent = false;
	fake_ack(&desk.dp1);
	reply = desk_reply(&other);
	assert_non_null(json_object_get(reply, "result"));
	json_decref(reply);
	desk_assert_error(del, "not-found", "one");
	zsock_close(&other);
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
	rig_connect(&desk.rig, &desk.dp1, "dp1");
	fake_hello(&desk.dp1);
	RIG_UNTIL(&desk.rig, publish_first_ready(desk.rig.publish) == 0);
	assert_int_equal(zsock_send1(&desk.client, "{\"method\": \"stats\"}", 19), 0);
	RIG_UNTIL(&desk.rig, desk.dp1.asked == 1);
	fake_start(&desk.dp1, &w, UPDATE_STATS);
	update_stats_id_encode(&w, desk.dp1.stats_id);
	assert_int_equal(update_stat_encode(&w, &node), 0);
	assert_int_equal(update_stat_encode(&w, &drop), 0);
	fake_send(&desk.dp1, &w);
	reply = desk_reply(&desk.client);
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
	json_decref(desk_ask(desk_add_one));
	rig_connect(&desk.rig, &desk.dp1, "dp1");
	fake_hello(&desk.dp1);
	RIG_UNTIL(&desk.rig, publish_first_ready(desk.rig.publish) == 0);
	json_decref(desk_ask_items("{\"method\": \"events\"}", items));
	assert_int_equal(json_array_size(items), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(items, 0), "event")),
		"data-plane-up");
	json_decref(items);
	desk_dial(&follower);
	assert_int_equal(zsock_send1(&follower,
				 "{\"method\": \"events\", \"params\": {\"follow\": true}}", 48),
		0);
	json_decref(desk_reply(&follower));
	addr_parse("2001:db8:100::11", &wrong.inner);
	addr_parse("2001:db8:bad::1", &wrong.outer);
	fake_start(&desk.dp1, &w, UPDATE_EVENT);
	assert_int_equal(update_event_encode(&w, &wrong), 0);
	fake_send(&desk.dp1, &w);
	reply = desk_reply(&follower);
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

		desk_dial(&watcher);
		assert_int_equal(zsock_send1(&watcher, "{\"method\": \"binding.watch\"}", 27), 0);
		rig_round(&desk.rig);
		rig_round(&desk.rig);
		zsock_close(&watcher);
	}
	json_decref(desk_ask("{\"method\": \"status\"}"));
	desk_assert_result(desk_add_one, "{\"mn_id\": \"one\"}");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, desk_open, desk_close)

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
		TEST(bindings_that_are_being_made_are_shown),
		TEST(a_cleared_binding_is_gone_everywhere),
		TEST(bindings_end_with_their_subscriber),
		TEST(a_subscriber_is_deleted_once),
		TEST(statistics_are_gathered),
		TEST(events_are_kept_and_followed),
		TEST(clients_that_leave_are_forgotten),
	};
	int failed = cmocka_run_group_tests_name("api", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
