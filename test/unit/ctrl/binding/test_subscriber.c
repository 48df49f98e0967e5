#include "../rig.h"

#include "ctrl/binding/binding.h"
#include "ctrl/binding/flow.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>

static struct rig rig;
static struct subscriber_db *db;
static struct subscriber_why why;

static int open_db(void **state)
{
	(void)state;
	rig_open(&rig, NULL);
	db = subscriber_db_new(&rig.config, rig.store);
	return db ? 0 : -1;
}

static int close_db(void **state)
{
	(void)state;
	subscriber_db_free(db);
	rig_close(&rig, false);
	return 0;
}

static struct subscriber_spec spec_of(const char *mn_id, const char *home)
{
	struct subscriber_spec spec = {.spi = 300,
		.enabled = true,
		.has_key = true,
		.home_count = 1,
		.mn_id_len = (uint8_t)strlen(mn_id)};

	strcpy(spec.mn_id, mn_id);
	memset(spec.key, 0x5a, sizeof(spec.key));
	assert_int_equal(addr_parse(home, &spec.home[0]), 0);
	return spec;
}

static void add(const char *mn_id, const char *home)
{
	struct subscriber_spec spec = spec_of(mn_id, home);

	if (subscriber_db_add(db, &spec, &why) < 0)
		fail_msg("%s", why.text);
}

static struct subscriber *find(const char *mn_id)
{
	return subscriber_db_find(db, mn_id, strlen(mn_id));
}

static void is_found_by_name_and_by_address(void **state)
{
	struct subscriber_spec spec = spec_of("two", "2001:db8:100::21");
	struct in6_addr other;
	uint8_t index;

	(void)state;
	add("one", "2001:db8:100::11");
	spec.home_count = 2;
	assert_int_equal(addr_parse("2001:db8:200::22", &spec.home[1]), 0);
	assert_int_equal(subscriber_db_add(db, &spec, &why), 0);
	assert_int_equal(subscriber_db_count(db), 2);
	assert_non_null(find("one"));
	assert_int_equal(find("two")->id, 2);
	assert_null(find("tw"));
	assert_ptr_equal(subscriber_db_find_home(db, &spec.home[1], &index), find("two"));
	assert_int_equal(index, 1);
	assert_ptr_equal(subscriber_db_find_id(db, 2), find("two"));
	assert_null(subscriber_db_find_id(db, 3));
	assert_int_equal(addr_parse("2001:db8:100::99", &other), 0);
	assert_null(subscriber_db_find_home(db, &other, NULL));
}

static void is_there_after_a_restart(void **state)
{
	struct subscriber_spec spec = spec_of("none@example.net", "2001:db8:200::1");

	(void)state;
	add("one", "2001:db8:100::11");
	add("two", "2001:db8:100::12");
	spec.auth = SUBSCRIBER_AUTH_NONE;
	spec.replay = SUBSCRIBER_REPLAY_SEQUENCE;
	spec.has_key = false;
	spec.spi = 0;
	spec.enabled = false;
	spec.max_lifetime_s = 60;
	assert_int_equal(subscriber_db_add(db, &spec, &why), 0);
	assert_int_equal(subscriber_db_del(db, "one"), 0);
	assert_int_equal(subscriber_db_commit(db), 0);
	subscriber_db_free(db);
	db = subscriber_db_new(&rig.config, rig.store);
	assert_int_equal(subscriber_db_load(db, &why), 2);
	assert_null(find("one"));
	assert_int_equal(find("two")->spi, 300);
	assert_int_equal(find("two")->key[15], 0x5a);
	assert_true(find("two")->enabled);
	assert_int_equal(find("none@example.net")->auth, SUBSCRIBER_AUTH_NONE);
	assert_int_equal(find("none@example.net")->replay, SUBSCRIBER_REPLAY_SEQUENCE);
	assert_int_equal(find("none@example.net")->max_lifetime_s, 60);
	assert_false(find("none@example.net")->enabled);
	add("four", "2001:db8:100::14");
	assert_int_equal(find("four")->id, 4);
}

static void what_is_taken_is_refused(void **state)
{
	struct subscriber_spec same_name = spec_of("one", "2001:db8:100::12");
	struct subscriber_spec same_home = spec_of("two", "2001:db8:100::11");

	(void)state;
	add("one", "2001:db8:100::11");
	assert_int_equal(subscriber_db_add(db, &same_name, &why), -EEXIST);
	assert_int_equal(subscriber_db_add(db, &same_home, &why), -EEXIST);
	assert_non_null(strstr(why.text, "2001:db8:100::11"));
	assert_non_null(strstr(why.text, "one"));
	assert_int_equal(subscriber_db_count(db), 1);
	assert_int_equal(subscriber_db_del(db, "one"), 0);
	assert_int_equal(subscriber_db_add(db, &same_home, &why), 0);
	assert_int_equal(subscriber_db_del(db, "one"), -ENOENT);
}

static void assert_invalid(struct subscriber_spec spec, const char *word)
{
	assert_int_equal(subscriber_db_add(db, &spec, &why), -EINVAL);
	if (!strstr(why.text, word))
		fail_msg("\"%s\" does not name %s", why.text, word);
	assert_int_equal(subscriber_db_count(db), 0);
}

static void bad_values_are_refused_by_name(void **state)
{
	const struct subscriber_spec good = spec_of("one", "2001:db8:100::11");
	struct subscriber_spec s;

	(void)state;
	for (s = good; s.spi != 256; s.spi = s.spi == 300 ? 0 : s.spi ? 256 : 255)
		if (s.spi != 300)
			assert_invalid(s, "spi");
	s = good, s.has_key = false, assert_invalid(s, "key");
	s = good, s.auth = SUBSCRIBER_AUTHS, assert_invalid(s, "auth");
	s = good, s.replay = SUBSCRIBER_REPLAYS, assert_invalid(s, "replay");
	s = good, s.max_lifetime_s = 3, assert_invalid(s, "max_lifetime_s");
	s = good, s.max_lifetime_s = 262141, assert_invalid(s, "max_lifetime_s");
	s = good, s.home_count = 0, assert_invalid(s, "home_addresses");
	s = good, s.mn_id[1] = '\n', assert_invalid(s, "mn_id");
	s = good, s.mn_id_len = 0, s.mn_id[0] = '\0', assert_invalid(s, "mn_id");
	s = good, s.home_count = 2, s.home[1] = s.home[0], assert_invalid(s, "twice");
	assert_invalid(spec_of("one", "2001:db8:999::1"), "no configured home prefix");
	assert_invalid(spec_of("one", "2001:db8:100::1"), "home agent");
	assert_invalid(spec_of("one", "ff05::1"), "ff05::1");
	assert_int_equal(store_pending(rig.store), 0);
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = octets;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void a_refused_commit_changes_nothing(void **state)
{
	int error;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	add("stays", "2001:db8:100::11");
	assert_int_equal(subscriber_db_commit(db), 0);
	add("new", "2001:db8:100::12");
	assert_int_equal(subscriber_db_del(db, "stays"), 0);
	add("stays", "2001:db8:100::13");
	assert_int_equal(subscriber_db_del(db, "new"), 0);
	limit_files(1);
	error = subscriber_db_commit(db);
	limit_files(RLIM_INFINITY);
	assert_true(error < 0);
	assert_int_equal(subscriber_db_count(db), 1);
	assert_null(find("new"));
	assert_int_equal(find("stays")->home[0].addr.s6_addr[15], 0x11);
}

static void a_damaged_record_stops_the_start(void **state)
{
	uint8_t record[SUBSCRIBER_RECORD_MAX];
	struct subscriber_spec spec = spec_of("one", "2001:db8:100::11");
	struct writer w;

	(void)state;
	spec.id = 1;
	writer_init(&w, record, sizeof(record));
	assert_int_equal(subscriber_encode(&w, &spec), 0);
	record[writer_len(&w) - 17] = 9; /* number of home addresses */
	store_put(rig.store, STORE_SUBSCRIBER, "one", 3, record, writer_len(&w));
	assert_int_equal(store_commit(rig.store), 0);
	assert_int_equal(subscriber_db_load(db, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, "one"));
	assert_non_null(strstr(why.text, "damaged"));
	record[writer_len(&w) - 17] = 1;
	record[0] = 4;
	store_put(rig.store, STORE_SUBSCRIBER, "one", 3, record, writer_len(&w));
	assert_int_equal(store_commit(rig.store), 0);
	assert_int_equal(subscriber_db_load(db, &why), -EUCLEAN);
	assert_non_null(strstr(why.text, "another release"));
	record[0] = 1;
	store_delete(rig.store, STORE_SUBSCRIBER, "one", 3);
	store_put(rig.store, STORE_SUBSCRIBER, "two", 3, record, writer_len(&w));
	assert_int_equal(store_commit(rig.store), 0);
	assert_int_equal(subscriber_db_load(db, &why), -EUCLEAN);
}

static void truncated_records_are_refused(void **state)
{
	uint8_t record[SUBSCRIBER_RECORD_MAX];
	struct subscriber_spec spec = spec_of("one", "2001:db8:100::11"), out;
	struct writer w;
	struct cursor c;

	(void)state;
	spec.id = 7;
	writer_init(&w, record, sizeof(record));
	assert_int_equal(subscriber_encode(&w, &spec), 0);
	for (size_t len = 0; len < writer_len(&w); len++) {
		cursor_init(&c, record, len);
		assert_int_equal(subscriber_decode(&c, &out), -EBADMSG);
	}
	cursor_init(&c, record, writer_len(&w));
	assert_int_equal(subscriber_decode(&c, &out), 0);
	assert_int_equal(out.id, 7);
	assert_string_equal(out.mn_id, "one");
	assert_memory_equal(out.key, spec.key, sizeof(out.key));
	record[writer_len(&w)] = 0;
	cursor_init(&c, record, writer_len(&w) + 1);
	assert_int_equal(subscriber_decode(&c, &out), -EBADMSG);
}

static void limits_of_multicast_last(void **state)
{
	struct subscriber_spec spec = spec_of("one", "2001:db8:100::11"), out;
	uint8_t record[SUBSCRIBER_RECORD_MAX];
	const struct subscriber *s;
	struct in6_addr group;
	struct writer w;
	struct cursor c;

	(void)state;
	assert_int_equal(addr_parse("ff1e::", &group), 0);
	spec.multicast = (struct subscriber_multicast){.limited = true,
		.max_groups = 3,
		.group_count = 1,
		.groups = {prefix6_of(&group, 16)}};
	assert_int_equal(subscriber_db_add(db, &spec, &why), 0);
	assert_int_equal(subscriber_db_commit(db), 0);
	s = find("one");
	assert_int_equal(s->multicast->max_groups, 3);
	assert_string_equal(s->mn_id, "one");
	assert_int_equal(s->home[0].addr.s6_addr[15], 0x11);
	spec.id = 7;
	writer_init(&w, record, sizeof(record));
	assert_int_equal(subscriber_encode(&w, &spec), 0);
	assert_int_equal(record[0], 2);
	cursor_init(&c, record, writer_len(&w));
	assert_int_equal(subscriber_decode(&c, &out), 0);
	assert_true(out.multicast.limited);
	assert_int_equal(out.multicast.groups[0].len, 16);
	for (size_t len = 0; len < writer_len(&w); len++) {
		cursor_init(&c, record, len);
		assert_int_equal(subscriber_decode(&c, &out), -EBADMSG);
	}
	/* Neither bits behind the prefix, nor one that is longer than an address, nor what is no
	 * group. */
	record[writer_len(&w) - 2] = 1;
	cursor_init(&c, record, writer_len(&w));
	assert_int_equal(subscriber_decode(&c, &out), -EBADMSG);
	record[writer_len(&w) - 2] = 0;
	record[writer_len(&w) - 1] = 129;
	cursor_init(&c, record, writer_len(&w));
	assert_int_equal(subscriber_decode(&c, &out), -EBADMSG);
	spec.multicast.groups[0].addr.s6_addr[0] = 0x20;
	assert_int_equal(subscriber_spec_check(&spec, &why), -EINVAL);
	assert_non_null(strstr(why.text, "multicast_groups"));
}

static void limits_of_bindings_and_flows_last(void **state)
{
	struct subscriber_spec spec = spec_of("one", "2001:db8:100::11"), out;
	uint8_t record[SUBSCRIBER_RECORD_MAX];
	const struct subscriber *s;
	struct writer w;
	struct cursor c;

	(void)state;
	spec.limits = (struct subscriber_limits){.has_bindings = true, .bindings = 3};
	assert_int_equal(subscriber_db_add(db, &spec, &why), 0);
	s = find("one");
	assert_int_equal(subscriber_max_bindings(s, 8), 3);
	assert_int_equal(subscriber_max_flows(s, 16), 16);
	spec.id = 7;
	spec.limits = (struct subscriber_limits){.has_flows = true, .flows = 256};
	spec.multicast = (struct subscriber_multicast){.limited = true, .max_groups = 2};
	writer_init(&w, record, sizeof(record));
	assert_int_equal(subscriber_encode(&w, &spec), 0);
	assert_int_equal(record[0], 3);
	cursor_init(&c, record, writer_len(&w));
	assert_int_equal(subscriber_decode(&c, &out), 0);
	assert_false(out.limits.has_bindings);
	assert_int_equal(out.limits.flows, 256);
	assert_int_equal(out.multicast.max_groups, 2);
	for (size_t len = 0; len < writer_len(&w); len++) {
		cursor_init(&c, record, len);
		assert_int_equal(subscriber_decode(&c, &out), -EBADMSG);
	}
	spec.limits.flows = 257;
	assert_int_equal(subscriber_spec_check(&spec, &why), -EINVAL);
	assert_non_null(strstr(why.text, "max_flows"));
	spec.limits = (struct subscriber_limits){.has_bindings = true, .bindings = 9};
	assert_int_equal(subscriber_spec_check(&spec, &why), -EINVAL);
	assert_non_null(strstr(why.text, "max_bindings"));
}

/* That its record returns as it was. */
static void assert_round_trip(const struct subscriber_spec *spec, uint8_t version)
{
	uint8_t record[SUBSCRIBER_RECORD_MAX], again[SUBSCRIBER_RECORD_MAX];
	struct subscriber_spec out;
	struct writer w, w2;
	struct cursor c;

	writer_init(&w, record, sizeof(record));
	assert_int_equal(subscriber_encode(&w, spec), 0);
	assert_int_equal(record[0], version);
	cursor_init(&c, record, writer_len(&w));
	assert_int_equal(subscriber_decode(&c, &out), 0);
	assert_int_equal(out.limits.has_bindings, spec->limits.has_bindings);
	assert_int_equal(out.limits.bindings, spec->limits.bindings);
	assert_int_equal(out.limits.has_flows, spec->limits.has_flows);
	assert_int_equal(out.limits.flows, spec->limits.flows);
	assert_int_equal(out.multicast.limited, spec->multicast.limited);
	assert_int_equal(out.multicast.max_groups, spec->multicast.max_groups);
	assert_memory_equal(out.home, spec->home, spec->home_count * sizeof(spec->home[0]));
	writer_init(&w2, again, sizeof(again));
	assert_int_equal(subscriber_encode(&w2, &out), 0);
	assert_int_equal(writer_len(&w2), writer_len(&w));
	assert_memory_equal(again, record, writer_len(&w));
}

static void every_set_of_limits_returns_as_it_was(void **state)
{
	const struct subscriber_limits limits[] = {
		{.has_bindings = true, .bindings = 0},
		{.has_bindings = true, .bindings = BINDING_MAX},
		{.has_flows = true, .flows = 0},
		{.has_flows = true, .flows = FLOW_MAX},
		{.has_bindings = true, .has_flows = true, .bindings = 1, .flows = 1},
	};
	struct subscriber_spec spec = spec_of("one", "2001:db8:100::11");

	(void)state;
	spec.id = 7;
	assert_round_trip(&spec, 1);
	spec.multicast = (struct subscriber_multicast){.limited = true, .max_groups = 2};
	assert_round_trip(&spec, 2);
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		spec.limits = limits[i];
		spec.multicast.limited = true;
		spec.multicast.max_groups = 2;
		assert_round_trip(&spec, 3);
		spec.multicast = (struct subscriber_multicast){0};
		assert_round_trip(&spec, 3);
	}
}

/* Of the longest name, with all addresses, limits and groups. */
static void the_longest_record_fits(void **state)
{
	struct subscriber_spec spec = spec_of("one", "2001:db8:100::11");

	(void)state;
	spec.id = UINT32_MAX;
	spec.mn_id_len = SUBSCRIBER_MN_ID_MAX;
	memset(spec.mn_id, 'n', SUBSCRIBER_MN_ID_MAX);
	for (spec.home_count = 1; spec.home_count < SUBSCRIBER_HOME_MAX; spec.home_count++) {
		spec.home[spec.home_count] = spec.home[0];
		spec.home[spec.home_count].s6_addr[15] += spec.home_count;
	}
	spec.limits = (struct subscriber_limits){.has_bindings = true,
		.has_flows = true,
		.bindings = BINDING_MAX,
		.flows = FLOW_MAX};
	spec.multicast = (struct subscriber_multicast){.limited = true,
		.max_groups = SUBSCRIBER_LISTEN_MAX,
		.group_count = SUBSCRIBER_GROUPS_MAX};
	for (size_t i = 0; i < SUBSCRIBER_GROUPS_MAX; i++) {
		assert_int_equal(addr_parse("ff1e::1", &spec.multicast.groups[i].addr), 0);
		spec.multicast.groups[i].len = 128;
	}
	assert_round_trip(&spec, 3);
}

/* Limits that say nothing, are beyond what there is, or are followed by something else. */
static void a_record_with_wrong_limits_is_refused(void **state)
{
	static const uint8_t wrong[][5] = {
		{0xff, 0xff, 0xff, 0xff, 0}, /* none: it would be of an earlier version */
		{0, BINDING_MAX + 1, 0xff, 0xff, 0},
		{0xff, 0xff, 1, 1, 0}, /* 257 flows */
		{0, 1, 0, 1, 1},       /* limits of multicast should follow */
		{0, 1, 0, 1, 2},
	};
	uint8_t record[SUBSCRIBER_RECORD_MAX];
	struct subscriber_spec spec = spec_of("one", "2001:db8:100::11"), out;
	struct writer w;
	struct cursor c;

	(void)state;
	spec.id = 7;
	spec.limits = (struct subscriber_limits){.has_bindings = true, .bindings = 3};
	writer_init(&w, record, sizeof(record));
	assert_int_equal(subscriber_encode(&w, &spec), 0);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		memcpy(record + writer_len(&w) - sizeof(wrong[i]), wrong[i], sizeof(wrong[i]));
		cursor_init(&c, record, writer_len(&w));
		assert_int_equal(subscriber_decode(&c, &out), -EBADMSG);
	}
}

static int count_one(void *arg, struct subscriber *s)
{
	unsigned *ids = arg;

	ids[0]++;
	return s->id == 2 ? 5 : 0;
}

static void all_are_walked(void **state)
{
	unsigned count = 0;

	(void)state;
	add("a", "2001:db8:100::11");
	add("b", "2001:db8:100::12");
	add("c", "2001:db8:100::13");
	assert_int_equal(subscriber_db_each(db, count_one, &count), 5);
	assert_int_equal(count, 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, open_db, close_db)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_found_by_name_and_by_address),
		TEST(is_there_after_a_restart),
		TEST(what_is_taken_is_refused),
		TEST(bad_values_are_refused_by_name),
		TEST(a_refused_commit_changes_nothing),
		TEST(a_damaged_record_stops_the_start),
		TEST(truncated_records_are_refused),
		TEST(limits_of_multicast_last),
		TEST(limits_of_bindings_and_flows_last),
		TEST(every_set_of_limits_returns_as_it_was),
		TEST(the_longest_record_fits),
		TEST(a_record_with_wrong_limits_is_refused),
		TEST(all_are_walked),
	};
	int failed = cmocka_run_group_tests_name("subscriber", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
