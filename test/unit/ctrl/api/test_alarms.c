/* What an operator is alarmed by: a disk that refuses, tables that are not what they should be. */
#include "desk.h"

#include "ctrl/events.h"
#include "ctrl/store/store.h"

#include <signal.h>
#include <sys/resource.h>

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

	json_decref(desk_ask_items("{\"method\": \"events\"}", items));
	for (size_t i = 0; i < json_array_size(items); i++)
		found |= strcmp(json_string_value(
					json_object_get(json_array_get(items, i), "event")),
				 name) == 0;
	json_decref(items);
	return found;
}

static bool store_is_ok(bool *failed_once)
{
	json_t *reply = desk_ask("{\"method\": \"status\"}");
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
	desk_restart_with_a_binding();
	assert_true(store_is_ok(&failed_once));
	assert_false(failed_once);
	log_set_fd(-1);
	limit_files(1);
	desk_assert_error(clear, "unavailable", "refused");
	limit_files(RLIM_INFINITY);
	log_set_fd(2);
	assert_true(was_posted("store-failed"));
	assert_false(was_posted("store-back"));
	assert_false(store_is_ok(&failed_once));
	assert_true(failed_once);
	assert_non_null(fake_find(&desk.dp1, OBJECT_PATH, 100017));
	for (int i = 0; i < 1000 && !store_ok(desk.rig.store); i++) {
		usleep(10000);
		json_decref(desk_ask(clear));
	}
	assert_null(fake_find(&desk.dp1, OBJECT_PATH, 100017));
	assert_true(was_posted("store-back"));
	assert_true(store_is_ok(&failed_once));
}

static void post(const char *name, const struct in6_addr *home)
{
	const struct event event = {
		.severity = LOG_LEVEL_WARN, .event = name, .home_address = home};

	events_post(desk.ctrl.events, &event, "posted");
}

static void nodes_do_not_push_alarms_out(void **state)
{
	enum { BETWEEN = 5 };
	const struct in6_addr home = rig_record(2, 2).home;
	json_t *items = json_array();
	size_t count;

	(void)state;
	post("first-alarm", NULL);
	for (int i = 0; i < 2 * EVENTS_KEPT; i++)
		post("refused", &home);
	post("second-alarm", NULL);
	for (int i = 0; i < BETWEEN; i++)
		post("refused", &home);
	json_decref(desk_ask_items("{\"method\": \"events\"}", items));
	count = json_array_size(items);
	assert_true(count >= EVENTS_KEPT + 2 && count < 2 * EVENTS_KEPT);
	for (size_t i = 0; i < count; i++) {
		const char *name =
			json_string_value(json_object_get(json_array_get(items, i), "event"));

		if (i + EVENTS_KEPT + 2 == count)
			assert_string_equal(name, "first-alarm");
		else if (i + BETWEEN + 1 == count)
			assert_string_equal(name, "second-alarm");
		else if (i + EVENTS_KEPT + 2 > count)
			assert_string_equal(name, "refused");
	}
	json_decref(items);
}

static void audits_are_answered(void **state)
{
	json_t *items = json_array(), *item, *kinds, *show;
	struct object *path;

	(void)state;
	desk_restart_with_a_binding();
	json_decref(desk_ask_items("{\"method\": \"dp.audit\"}", items));
	assert_int_equal(json_array_size(items), 2);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "name")), "dp1");
	assert_string_equal(json_string_value(json_object_get(item, "result")), "equal");
	item = json_array_get(items, 1);
	assert_string_equal(json_string_value(json_object_get(item, "result")), "unknown");
	json_array_clear(items);

	path = (struct object *)fake_find(&desk.dp1, OBJECT_PATH, 100000 + 0x11);
	assert_non_null(path);
	path->path.mtu ^= 4;
	json_decref(desk_ask_items(
		"{\"method\": \"dp.audit\", \"params\": {\"name\": \"dp1\"}}", items));
	assert_int_equal(json_array_size(items), 1);
	item = json_array_get(items, 0);
	assert_string_equal(json_string_value(json_object_get(item, "result")), "differs");
	assert_true(json_is_true(json_object_get(item, "healing")));
	kinds = json_object_get(item, "kinds");
	assert_int_equal(json_array_size(kinds), 8);
	for (size_t i = 0; i < 5; i++) {
		json_t *kind = json_array_get(kinds, i);
		bool is_path =
			strcmp(json_string_value(json_object_get(kind, "kind")), "path") == 0;

		assert_int_equal(json_is_true(json_object_get(kind, "equal")), !is_path);
	}
	json_array_clear(items);
	RIG_UNTIL(&desk.rig, desk.dp1.audited == 3);
	json_decref(desk_ask_items("{\"method\": \"dp.show\"}", items));
	show = json_array_get(items, 0);
	assert_int_equal(json_integer_value(json_object_get(show, "bindings")), 1);
	assert_string_equal(json_string_value(json_object_get(show, "serving")), "up");
	assert_non_null(json_object_get(json_object_get(show, "audit"), "state"));
	assert_true(json_is_null(json_object_get(show, "address")));
	json_decref(items);
	desk_assert_error(
		"{\"method\": \"dp.audit\", \"params\": {\"name\": \"dp9\"}}", "not-found", "dp9");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, desk_open, desk_close)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_disk_that_refuses_is_an_alarm),
		TEST(nodes_do_not_push_alarms_out),
		TEST(audits_are_answered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
