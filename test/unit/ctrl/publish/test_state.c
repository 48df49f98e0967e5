#include "../rig.h"

#include "ctrl/publish/log.h"
#include "ctrl/publish/state.h"
#include "proto/mobility/flags.h"

static struct ctrl_config config;
static struct state table;
static uint8_t octets[UPDATE_MESSAGE_MAX];
static struct writer w;

static int reset(void **state)
{
	(void)state;
	state_clear(&table);
	writer_init(&w, octets, sizeof(octets));
	return 0;
}

static struct bundle bundle_of(unsigned n, unsigned c)
{
	struct binding_record record = rig_record(n, c);
	struct bundle bundle;

	assert_int_equal(publish_compile(&config, BINDING_LIST_OF(&record), &bundle), 0);
	return bundle;
}

/* Objects as one line of text: "+path:7 +subscriber:7 ". */
static int describe(void *arg, const struct object *object)
{
	char *text = arg;

	sprintf(text + strlen(text), "%s%s:%llu ", object->op == OBJECT_SET ? "+" : "-",
		object_kind_name(object->kind), (unsigned long long)object->id);
	return 0;
}

static void assert_written(const char *expected)
{
	char text[4096] = "";

	assert_int_equal(state_each_encoded(octets, writer_len(&w), describe, text), 0);
	assert_string_equal(text, expected);
	writer_init(&w, octets, sizeof(octets));
}

static void sets_paths_first_and_deletes_them_last(void **state)
{
	struct bundle bundle = bundle_of(7, 1), none = {0};

	(void)state;
	assert_int_equal(state_set(&table, 7, &bundle, &w), 0);
	assert_written("+path:100007 +subscriber:7 ");
	assert_int_equal(state_set(&table, 7, &bundle, &w), 0);
	assert_written("");
	assert_int_equal(state_set(&table, 7, &none, &w), 0);
	assert_written("-subscriber:7 -path:100007 ");
	assert_null(state_find(&table, 7));
	assert_int_equal(state_set(&table, 7, &none, &w), 0);
	assert_written("");
}

static void deletes_what_the_new_bundle_lacks(void **state)
{
	struct binding_record record = rig_record(7, 1);
	struct bundle before = bundle_of(7, 1), after;

	(void)state;
	record.path_id = 555;
	assert_int_equal(publish_compile(&config, BINDING_LIST_OF(&record), &after), 0);
	assert_int_equal(state_set(&table, 7, &before, &w), 0);
	writer_init(&w, octets, sizeof(octets));
	assert_int_equal(state_set(&table, 7, &after, &w), 0);
	assert_written("+path:555 +subscriber:7 -path:100007 ");
}

/* The link-local subscriber of the bundle that is looked at. */
static int find_link_local(void *arg, const struct object *object)
{
	struct object_subscriber *found = arg;

	if (object->kind == OBJECT_SUBSCRIBER && object->id != 7)
		*found = object->subscriber;
	return 0;
}

static void defends_the_link_local_address_on_the_link(void **state)
{
	struct binding_record record = rig_record(7, 1);
	char link[] = "home";
	struct ctrl_config_home_prefix prefix = {.prefix = prefix6_of(&record.home, 64)};
	const struct ctrl_config linked = {.home_prefixes = {&prefix, 1}};
	struct in6_addr expected = addr_link_local_of(&record.home);
	struct object_subscriber found = {0};
	struct bundle bundle;

	(void)state;
	record.flags |= FLAGS_BU_L;
	assert_int_equal(publish_compile(&linked, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(state_each_encoded(bundle.octets, bundle.len, find_link_local, &found), 0);
	assert_int_equal(found.id, 0); /* its prefix is on no link */
	prefix.link = link;
	assert_int_equal(publish_compile(&linked, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(state_each_encoded(bundle.octets, bundle.len, find_link_local, &found), 0);
	assert_int_equal(found.id, publish_link_local_id(7));
	assert_int_equal(found.domain, object_link_domain(1));
	assert_int_equal(found.link_id, 1);
	assert_int_equal(found.prefix_count, 1);
	assert_int_equal(found.prefixes[0].len, 128);
	assert_memory_equal(&found.prefixes[0].addr, &expected, sizeof(expected));
	record.flags &= (uint16_t)~FLAGS_BU_L;
	found.id = 0;
	assert_int_equal(publish_compile(&linked, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(state_each_encoded(bundle.octets, bundle.len, find_link_local, &found), 0);
	assert_int_equal(found.id, 0);
}

static void a_full_writer_changes_nothing(void **state)
{
	struct bundle one = bundle_of(1, 1), two = bundle_of(2, 1);

	(void)state;
	writer_init(&w, octets, one.len + 10);
	assert_int_equal(state_set(&table, 1, &one, &w), 0);
	assert_int_equal(state_set(&table, 2, &two, &w), -ENOSPC);
	assert_null(state_find(&table, 2));
	assert_true(writer_ok(&w));
	assert_int_equal(writer_len(&w), one.len);
}

static void refuses_to_compile_without_ids(void **state)
{
	struct binding_record record = rig_record(1, 1);
	struct bundle bundle;

	(void)state;
	record.path_id = 0;
	assert_int_equal(publish_compile(&config, BINDING_LIST_OF(&record), &bundle), -EINVAL);
	record.life = BINDING_DELETED;
	assert_int_equal(publish_compile(&config, BINDING_LIST_OF(&record), &bundle), 0);
	assert_int_equal(bundle.len, 0);
}

static int count_subscribers(void *arg, const struct object *object)
{
	unsigned *seen = arg;

	if (object->kind == OBJECT_SUBSCRIBER)
		seen[object->id]++;
	return 0;
}

/* A snapshot in pieces, while bundles come and go: what stays all the time is in it, once. */
static void is_copied_in_pieces(void **state)
{
	enum { COUNT = 1000 };
	static unsigned seen[2 * COUNT + 1];
	struct bundle none = {0};
	size_t slot = 0, pieces = 0;
	bool more = true;

	(void)state;
	for (unsigned n = 1; n <= COUNT; n++) {
		struct bundle bundle = bundle_of(n, 1);

		writer_init(&w, octets, sizeof(octets));
		assert_int_equal(state_set(&table, n, &bundle, &w), 0);
	}
	while (more) {
		uint8_t piece[1000];
		struct writer p;

		writer_init(&p, piece, sizeof(piece));
		more = state_copy(&table, NULL, SIZE_MAX, &slot, &p);
		assert_int_equal(
			state_each_encoded(piece, writer_len(&p), count_subscribers, seen), 0);
		pieces++;
		/* One goes, its slot is taken by a new one. */
		struct bundle added = bundle_of((unsigned)(COUNT + pieces), 2);

		writer_init(&w, octets, sizeof(octets));
		assert_int_equal(state_set(&table, 10 * pieces, &none, &w), 0);
		assert_int_equal(state_set(&table, COUNT + pieces, &added, &w), 0);
	}
	assert_true(pieces > 50);
	for (unsigned n = 1; n <= COUNT; n++) {
		if (n % 10)
			assert_int_equal(seen[n], 1);
		else
			assert_true(seen[n] <= 1);
	}
}

static void walks_all_objects(void **state)
{
	struct bundle one = bundle_of(1, 1), two = bundle_of(2, 1);
	char text[256] = "";

	(void)state;
	state_set(&table, 1, &one, &w);
	state_set(&table, 2, &two, &w);
	assert_int_equal(state_each(&table, describe, text), 0);
	assert_string_equal(text, "+path:100001 +subscriber:1 +path:100002 +subscriber:2 ");
}

static void assert_delta(const struct delta_log *log, uint64_t number, const char *text)
{
	const struct delta *delta = delta_log_find(log, number);

	assert_non_null(delta);
	assert_int_equal(delta->len, strlen(text));
	assert_memory_equal(delta->octets, text, delta->len);
}

static void the_log_keeps_the_newest(void **state)
{
	struct delta_log log;

	(void)state;
	delta_log_init(&log, 10);
	assert_null(delta_log_find(&log, 0));
	assert_null(delta_log_find(&log, 1));
	assert_int_equal(delta_log_add(&log, "one", 3), 0);
	assert_int_equal(delta_log_add(&log, "two", 3), 0);
	assert_int_equal(delta_log_add(&log, "three", 5), 0);
	assert_null(delta_log_find(&log, 1));
	assert_delta(&log, 2, "two");
	assert_delta(&log, 3, "three");
	assert_null(delta_log_find(&log, 4));
	assert_int_equal(delta_log_add(&log, "longer than all", 15), 0);
	assert_null(delta_log_find(&log, 3));
	assert_delta(&log, 4, "longer than all");
	delta_log_skip(&log);
	assert_null(delta_log_find(&log, 4));
	assert_null(delta_log_find(&log, 5));
	assert_int_equal(delta_log_add(&log, "six", 3), 0);
	assert_delta(&log, 6, "six");
	delta_log_clear(&log);
}

static void the_log_grows(void **state)
{
	struct delta_log log;

	(void)state;
	delta_log_init(&log, 1 << 20);
	for (uint64_t n = 1; n <= 2000; n++)
		assert_int_equal(delta_log_add(&log, &n, sizeof(n)), 0);
	for (uint64_t n = 1; n <= 2000; n++)
		assert_memory_equal(delta_log_find(&log, n)->octets, &n, sizeof(n));
	delta_log_clear(&log);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, reset, reset)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(sets_paths_first_and_deletes_them_last),
		TEST(deletes_what_the_new_bundle_lacks),
		TEST(defends_the_link_local_address_on_the_link),
		TEST(a_full_writer_changes_nothing),
		TEST(refuses_to_compile_without_ids),
		TEST(is_copied_in_pieces),
		TEST(walks_all_objects),
		TEST(the_log_keeps_the_newest),
		TEST(the_log_grows),
	};

	return cmocka_run_group_tests_name("publish state", tests, NULL, NULL);
}
