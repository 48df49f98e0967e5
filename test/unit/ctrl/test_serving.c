/* Bindings among several data planes that come and go. */
#include "rig.h"

#include "common/clock.h"
#include "ctrl/dp_events.h"
#include "ctrl/events.h"
#include "ctrl/packet.h"
#include "ctrl/publish/compile.h"
#include "ctrl/role_ha.h"
#include "ctrl/serving.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/ip6.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/mh_packet.h"
#include "proto/mobility/option.h"

#include <signal.h>
#include <sys/resource.h>

/* Both serve everything, each is nearer to some. */
static const char *const data_planes = "{ name = \"dp1\"; address = \"2001:db8:d::1\"; serves = "
				       "[\"2001:db8:a::/48\", \"::/0\"]; },"
				       "{ name = \"dp2\"; address = \"2001:db8:d::2\"; serves = "
				       "[\"2001:db8:b::/48\", \"::/0\"]; }";

static const char *const channel = "channel = { heartbeat = \"20ms\"; heartbeats_missed = 100;\n"
				   "            ack_timeout = \"10s\"; };\n"
				   "serving = { hold_down = \"300ms\"; };\n";
static const char *const long_hold = "channel = { heartbeat = \"20ms\"; heartbeats_missed = 100;\n"
				     "            ack_timeout = \"10s\"; };\n"
				     "serving = { hold_down = \"1h\"; };\n";

static const char *const hasty = "channel = { heartbeat = \"1s\"; heartbeats_missed = 100;\n"
				 "            ack_timeout = \"1s\"; };\n"
				 "serving = { hold_down = \"1h\"; };\n";

/* ::1 is the gateway's own. */
enum { NODES = 300, FIRST = 2 };

static struct rig rig;
static struct fake dp1, dp2;
static struct ctrl ctrl;
static struct role_ha *role;
static uint64_t ids[2];
static unsigned done_count;
static int done_error;

static void done(void *arg, int error)
{
	(void)arg;
	done_count++;
	done_error = error;
}

static void start(const char *more)
{
	struct subscriber_why why;
	char text[256];

	rig.data_planes = data_planes;
	rig_open(&rig, more);
	ctrl = (struct ctrl){.config = &rig.config,
		.loop = rig.loop,
		.store = rig.store,
		.publish = rig.publish,
		.commit = rig.commit};
	for (unsigned dp = 0; dp < 2; dp++)
		ids[dp] = ctrl_config_data_plane_id(&rig.config, dp);
	ctrl.subscribers = subscriber_db_new(&rig.config, rig.store);
	assert_true(subscriber_db_load(ctrl.subscribers, &why) >= 0);
	ctrl.events = events_new(rig.loop);
	assert_int_equal(packet_open(&ctrl.packet, &rig.config, NULL, rig.loop), 0);
	if (role_ha_open(&role, &ctrl, text, sizeof(text)) < 0)
		fail_msg("%s", text);
}

static void stop(bool keep)
{
	role_ha_close(role);
	packet_close(ctrl.packet);
	events_free(ctrl.events);
	subscriber_db_free(ctrl.subscribers);
	rig_close(&rig, keep);
}

static int open_all(void **state)
{
	(void)state;
	done_count = 0;
	start(channel);
	return 0;
}

static int close_all(void **state)
{
	(void)state;
	stop(false);
	return 0;
}

/* Nodes with bindings to dp1, as a process before this one left them. */
static void restart_with_bindings(const char *more)
{
	for (unsigned n = FIRST; n < FIRST + NODES; n++) {
		struct subscriber_spec spec = {
			.enabled = true, .has_key = true, .spi = 999 + n, .home_count = 1};
		struct binding_record record = rig_record(n, n);
		struct subscriber_why why;

		spec.mn_id_len = (uint8_t)snprintf(spec.mn_id, sizeof(spec.mn_id), "mn%u@x", n);
		spec.home[0] = record.home;
		if (subscriber_db_add(ctrl.subscribers, &spec, &why) < 0)
			fail_msg("%s", why.text);
		record.data_plane = ids[0];
		record.lifetime = UINT16_MAX;
		assert_int_equal(
			commit_submit(rig.commit, NULL, BINDING_LIST_OF(&record), done, NULL), 0);
	}
	assert_int_equal(subscriber_db_commit(ctrl.subscribers), 0);
	RIG_UNTIL(&rig, done_count == NODES);
	assert_int_equal(done_error, 0);
	rig_disconnect(&rig, &dp1);
	stop(true);
	start(more);
	assert_int_equal(signalling_live(ctrl.signalling), NODES);
}

/* How many bindings the control plane has with this data plane. */
static unsigned with(unsigned dp)
{
	struct binding *b = NULL;
	unsigned n = 0;

	while ((b = binding_cache_next(signalling_cache(ctrl.signalling), b)))
		n += b->now.data_plane == ids[dp];
	return n;
}

static int count_stored(void *arg, const void *key, size_t key_len, const void *octets, size_t len)
{
	struct binding_record record;
	unsigned *n = arg;
	struct cursor c;

	(void)key;
	(void)key_len;
	cursor_init(&c, octets, len);
	assert_int_equal(binding_record_decode(&c, &record), 0);
	n[record.data_plane == ids[1]]++;
	return 0;
}

/* The same in the store, and in what a data plane has been told. */
static void assert_all_with(unsigned dp, const struct fake *told)
{
	unsigned stored[2] = {0};

	assert_int_equal(store_each(rig.store, STORE_BINDING, count_stored, stored), 0);
	assert_int_equal(stored[dp], NODES);
	for (unsigned n = FIRST; n < FIRST + NODES; n++) {
		const struct object *path = fake_find(told, OBJECT_PATH, 100000 + n);

		assert_non_null(path);
		assert_int_equal(path->path.data_plane, ids[dp]);
		assert_true(addr_equal(
			&path->path.local, ctrl_config_data_plane_address(&rig.config, dp)));
	}
}

static void addr(const char *text, struct in6_addr *a)
{
	assert_int_equal(addr_parse(text, a), 0);
}

static void the_nearest_serves(void **state)
{
	struct in6_addr near1, near2, far;
	uint64_t id;

	(void)state;
	addr("2001:db8:a::5", &near1);
	addr("2001:db8:b::5", &near2);
	addr("2001:db8:ffff::5", &far);
	assert_int_equal(serving_choose(ctrl.serving, &near1, 0, &id), -ENOTCONN);
	rig_synchronise(&rig, &dp2, "dp2");
	assert_int_equal(serving_choose(ctrl.serving, &near1, 0, &id), 1);
	rig_synchronise(&rig, &dp1, "dp1");
	RIG_UNTIL(&rig, serving_state(ctrl.serving, 0) == SERVING_UP);
	assert_int_equal(serving_choose(ctrl.serving, &near1, 0, &id), 0);
	assert_int_equal(id, ids[0]);
	assert_int_equal(serving_choose(ctrl.serving, &near2, 0, &id), 1);
	assert_int_equal(id, ids[1]);
	assert_int_equal(serving_choose(ctrl.serving, &far, 0, &id), 0);
	assert_int_equal(serving_choose(ctrl.serving, &near1, 1, &id), 1);
	assert_int_equal(serving_choose(ctrl.serving, &near1, 3, &id), -ENOTCONN);
}

/* The home link is at the second one, whoever is nearer. */
static void who_has_the_home_link_serves_there(void **state)
{
	struct ctrl_config_home_prefix *prefix = rig.config.home_prefixes.items;
	char named[] = "dp2:home", *was = prefix->link;
	const struct in6_addr home = prefix->prefix.addr;
	uint64_t id;

	(void)state;
	assert_int_equal(serving_choose_home(ctrl.serving, &home, 0, &id), -ENOTCONN);
	prefix->link = named;
	/* It is waited for after a start, and given up when it is lost. */
	assert_int_equal(serving_choose_home(ctrl.serving, &home, 0, &id), 1);
	assert_int_equal(id, ids[1]);
	assert_int_equal(serving_choose_home(ctrl.serving, &home, 2, &id), -ENOTCONN);
	assert_int_equal(id, 0);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	rig_disconnect(&rig, &dp2);
	RIG_UNTIL(&rig, serving_state(ctrl.serving, 1) == SERVING_DOWN);
	assert_int_equal(serving_choose_home(ctrl.serving, &home, 0, &id), -ENOTCONN);
	/* Back, it serves what no other can without waiting. */
	rig_synchronise(&rig, &dp2, "dp2");
	assert_int_equal(serving_choose_home(ctrl.serving, &home, 0, &id), 1);
	prefix->link = was;
}

static void all_are_told_of_all(void **state)
{
	const struct object *object;

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	for (unsigned dp = 0; dp < 2; dp++) {
		object = fake_find(dp ? &dp1 : &dp2, OBJECT_DATA_PLANE, ids[dp]);
		assert_non_null(object);
		assert_string_equal(object->data_plane.name, dp ? "dp2" : "dp1");
		assert_true(addr_equal(
			&object->data_plane.addr, ctrl_config_data_plane_address(&rig.config, dp)));
	}
}

static void the_one_that_serves_has_to_acknowledge(void **state)
{
	struct binding_record record = rig_record(1, 1);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	dp2.silent = true;
	record.data_plane = ids[1];
	assert_int_equal(commit_submit(rig.commit, NULL, BINDING_LIST_OF(&record), done, NULL), 0);
	RIG_UNTIL(&rig, dp1.deltas == 1 && dp2.deltas == 1);
	for (int i = 0; i < 20; i++)
		rig_round(&rig);
	assert_int_equal(done_count, 0);
	fake_ack(&dp2);
	RIG_UNTIL(&rig, done_count == 1);
	assert_int_equal(done_error, 0);
}

static void all_that_serve_an_item_have_to_acknowledge(void **state)
{
	struct commit_item item = {.table = STORE_SESSION,
		.key_len = 1,
		.key = {1},
		.record_len = 1,
		.record = {1},
		.bundle_id = publish_session_id(1),
		.data_plane_count = 2,
		.data_planes = {ids[0], ids[1]}};
	struct in6_addr local;

	(void)state;
	addr("2001:db8:d::1", &local);
	assert_int_equal(publish_compile_address(item.bundle_id, &local, &item.bundle), 0);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	dp1.silent = dp2.silent = true;
	assert_int_equal(commit_submit_item(rig.commit, NULL, &item, done, NULL), 0);
	RIG_UNTIL(&rig, dp1.deltas == 1 && dp2.deltas == 1);
	fake_ack(&dp2);
	for (int i = 0; i < 20; i++)
		rig_round(&rig);
	assert_int_equal(done_count, 0);
	fake_ack(&dp1);
	RIG_UNTIL(&rig, done_count == 1);
	assert_int_equal(done_error, 0);
}

static void one_that_is_lost_is_not_waited_for(void **state)
{
	struct binding_record record = rig_record(1, 1);

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	dp2.silent = true;
	record.data_plane = ids[1];
	assert_int_equal(commit_submit(rig.commit, NULL, BINDING_LIST_OF(&record), done, NULL), 0);
	RIG_UNTIL(&rig, dp2.deltas == 1);
	rig_disconnect(&rig, &dp2);
	RIG_UNTIL(&rig, done_count == 1);
	assert_int_equal(done_error, -ENOTCONN);
}

static void a_restart_publishes_the_same(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(channel);
	rig_synchronise(&rig, &dp2, "dp2");
	for (int i = 0; i < 50; i++)
		rig_round(&rig);
	assert_int_equal(with(0), NODES);
	assert_all_with(0, &dp2);
	rig_synchronise(&rig, &dp1, "dp1");
	for (int i = 0; i < 50; i++)
		rig_round(&rig);
	assert_int_equal(with(0), NODES);
}

static void bindings_of_a_lost_one_move_and_wait(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(long_hold);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	assert_int_equal(with(0), NODES);
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, with(1) == NODES);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 1) == publish_sequence(rig.publish));
	assert_all_with(1, &dp2);
	assert_int_equal(serving_state(ctrl.serving, 0), SERVING_DOWN);

	rig_synchronise(&rig, &dp1, "dp1");
	assert_int_equal(serving_state(ctrl.serving, 0), SERVING_HOLDING);
	assert_all_with(1, &dp1);
}

static void bindings_come_back_after_a_while(void **state)
{
	uint64_t begun_ns;

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(channel);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, with(1) == NODES);

	begun_ns = clock_mono_ns();
	rig_synchronise(&rig, &dp1, "dp1");
	RIG_UNTIL(&rig, with(0) == NODES);
	/* 300 ms of hold-down, then 40 each 20 ms. */
	assert_true(clock_mono_ns() - begun_ns >= 400 * CLOCK_NS_PER_MS);
	assert_int_equal(serving_state(ctrl.serving, 0), SERVING_UP);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 0) == publish_sequence(rig.publish));
	assert_all_with(0, &dp1);
}

static void one_that_never_comes_is_given_up(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(channel);
	rig_synchronise(&rig, &dp2, "dp2");
	assert_int_equal(serving_state(ctrl.serving, 0), SERVING_WAITED);
	RIG_UNTIL(&rig, with(1) == NODES);
	assert_int_equal(serving_state(ctrl.serving, 0), SERVING_DOWN);
}

static void one_that_comes_and_goes_gets_nothing(void **state)
{
	struct in6_addr near1;
	uint64_t id;

	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(long_hold);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, with(1) == NODES);
	addr("2001:db8:a::5", &near1);
	for (int i = 0; i < 3; i++) {
		rig_synchronise(&rig, &dp1, "dp1");
		assert_int_equal(serving_choose(ctrl.serving, &near1, 0, &id), 1);
		for (int round = 0; round < 20; round++)
			rig_round(&rig);
		assert_int_equal(with(1), NODES);
		rig_disconnect(&rig, &dp1);
		RIG_UNTIL(&rig, !publish_up(rig.publish, 0));
	}
	/* But it is better than nobody. */
	rig_synchronise(&rig, &dp1, "dp1");
	rig_disconnect(&rig, &dp2);
	RIG_UNTIL(&rig, with(0) == NODES);
}

static void with_nobody_left_bindings_stay(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(channel);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, !publish_up(rig.publish, 0));
	for (int i = 0; i < 50; i++)
		rig_round(&rig);
	assert_int_equal(with(0), NODES);
	rig_synchronise(&rig, &dp2, "dp2");
	RIG_UNTIL(&rig, with(1) == NODES);
	assert_all_with(1, &dp2);
}

/* The only one that is left was slow once: nothing else would ever tell its bindings to go. */
static void one_that_was_late_is_asked_again(void **state)
{
	(void)state;
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(hasty);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	dp2.silent = true;
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, commit_counters(rig.commit)[COMMIT_LATE] >= NODES);
	dp2.silent = false;
	fake_ack(&dp2);
	RIG_UNTIL(&rig, with(1) == NODES);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 1) == publish_sequence(rig.publish));
	assert_all_with(1, &dp2);
}

/* A Binding Update of a node that need not prove itself, as a data plane punts it. */
static void punt_update(const struct in6_addr *home, const struct in6_addr *care_of)
{
	static uint8_t frame[14 + MH_PACKET_MAX] = {[12] = 0x86, 0xdd};
	struct mh mh = {.type = MH_BU,
		.bu = {.sequence = 1, .flags = FLAGS_BU_A | FLAGS_BU_H, .lifetime = 10}};
	struct ip6_build head = {.dst = rig.config.addresses[0], .home_address = home};
	ssize_t len;

	addr("2001:db8:a::5", &head.src);
	option_add(&mh, OPTION_ALTERNATE_COA)->alternate_coa.coa = *care_of;
	len = mh_packet_encode(&head, &mh, NULL, frame + 14, sizeof(frame) - 14);
	assert_true(len > 0);
	signalling_receive(ctrl.signalling, "dp1",
		&(struct packet_punt){.reason = PACKET_MOBILITY,
			.port = "core",
			.length = (uint16_t)(14 + len),
			.frame = frame});
}

static unsigned refused_for_care_of(void)
{
	json_t *counters = signalling_counters(ctrl.signalling);
	json_int_t n = json_integer_value(json_object_get(counters, "ba_refused_174"));

	json_decref(counters);
	return (unsigned)n;
}

static void addresses_of_data_planes_are_no_care_of_addresses(void **state)
{
	struct subscriber_spec spec = {.mn_id = "mn@x",
		.mn_id_len = 4,
		.auth = SUBSCRIBER_AUTH_NONE,
		.enabled = true,
		.home_count = 1,
		.home = {rig_record(FIRST, FIRST).home}};
	struct subscriber_why why;
	struct in6_addr care_of;

	(void)state;
	assert_int_equal(subscriber_db_add(ctrl.subscribers, &spec, &why), 0);
	assert_int_equal(subscriber_db_commit(ctrl.subscribers), 0);
	rig_synchronise(&rig, &dp1, "dp1");
	for (unsigned dp = 0; dp < 2; dp++) {
		punt_update(&spec.home[0], ctrl_config_data_plane_address(&rig.config, dp));
		assert_int_equal(refused_for_care_of(), dp + 1);
	}
	addr("2001:db8:a::7", &care_of);
	punt_update(&spec.home[0], &care_of);
	assert_int_equal(refused_for_care_of(), 2);
}

static void limit_files(rlim_t octets)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = octets;
	setrlimit(RLIMIT_FSIZE, &limit);
}

static void they_move_when_the_store_can_again(void **state)
{
	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	rig_synchronise(&rig, &dp1, "dp1");
	restart_with_bindings(channel);
	rig_synchronise(&rig, &dp1, "dp1");
	rig_synchronise(&rig, &dp2, "dp2");
	log_set_fd(-1);
	limit_files(1);
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, commit_counters(rig.commit)[COMMIT_NO_STORE] >= NODES);
	assert_int_equal(with(0), NODES);
	limit_files(RLIM_INFINITY);
	log_set_fd(STDERR_FILENO);
	RIG_UNTIL(&rig, with(1) == NODES);
	RIG_UNTIL(&rig, publish_acked(rig.publish, 1) == publish_sequence(rig.publish));
	assert_all_with(1, &dp2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, open_all, close_all)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_nearest_serves),
		T(who_has_the_home_link_serves_there),
		T(all_are_told_of_all),
		T(the_one_that_serves_has_to_acknowledge),
		T(all_that_serve_an_item_have_to_acknowledge),
		T(one_that_is_lost_is_not_waited_for),
		T(a_restart_publishes_the_same),
		T(bindings_of_a_lost_one_move_and_wait),
		T(bindings_come_back_after_a_while),
		T(one_that_never_comes_is_given_up),
		T(one_that_comes_and_goes_gets_nothing),
		T(with_nobody_left_bindings_stay),
		T(one_that_was_late_is_asked_again),
		T(addresses_of_data_planes_are_no_care_of_addresses),
		T(they_move_when_the_store_can_again),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
