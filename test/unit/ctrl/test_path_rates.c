/* What supervised tunnels carry a second, by what data planes have counted of paths. */
#include "rig.h"

#include "common/clock.h"
#include "ctrl/path_rates.h"
#include "ctrl/publish/compile.h"
#include "ctrl/signalling/proxy/path_watch.h"

enum { FIRST = 11, SECOND = 12, OTHER = 13, SUBSCRIBER = 5, TUNNELS = 3 };

static struct rig rig;
static struct fake dp1;
static struct path_watch *watch;
static struct path_rates *rates;
static struct in6_addr anchor;
static struct in6_addr gateways[TUNNELS];
static unsigned answered;

static uint64_t op_now(void *context)
{
	(void)context;
	return 1;
}

static void op_changed(void *context, const struct path_watch_tunnel *tunnel)
{
	(void)context;
	(void)tunnel;
}

static int op_send(void *context, uint64_t data_plane, const uint8_t *packet, size_t len)
{
	(void)context;
	(void)data_plane;
	(void)packet;
	(void)len;
	return 0;
}

/* A subscriber with paths by tunnels, the i-th of which has the i-th of these ids. */
static void publish_paths(uint64_t subscriber, const uint64_t ids[], unsigned count)
{
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET};
	struct bundle bundle = {0};
	uint64_t sequence;

	for (unsigned i = 0; i < count; i++) {
		object.id = ids[i];
		object.path = (struct object_path){.id = ids[i],
			.kind = i % 2 ? PATH_GRE : PATH_IP6_IN_IP6,
			.local = anchor,
			.remote = gateways[i]};
		assert_int_equal(publish_bundle_add(&bundle, &object), 0);
	}
	object = (struct object){.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = subscriber};
	object.subscriber = (struct object_subscriber){
		.id = subscriber, .prefix_count = 1, .path_count = (uint8_t)count};
	prefix6_parse("2001:db8:f::/64", &object.subscriber.prefixes[0]);
	memcpy(object.subscriber.paths, ids, count * sizeof(ids[0]));
	assert_int_equal(publish_bundle_add(&bundle, &object), 0);
	assert_int_equal(publish_set(rig.publish, subscriber, &bundle, &sequence), 0);
	publish_flush(rig.publish);
}

static int start(void **state)
{
	const struct path_watch_config config = {100, 3, 5};
	const struct path_watch_ops ops = {
		.send = op_send, .changed = op_changed, .now_ns = op_now, .real_ns = op_now};

	(void)state;
	rig_open(&rig, NULL);
	watch = path_watch_new(&config, &ops, 1);
	addr_parse("2001:db8:1::1", &anchor);
	for (unsigned i = 0; i < TUNNELS; i++) {
		struct path_watch_use use = {.local = anchor, .peer = "g"};

		addr_parse("2001:db8:a::", &gateways[i]);
		gateways[i].s6_addr[15] = (uint8_t)(i + 1);
		use.remote = gateways[i];
		assert_int_equal(path_watch_use(watch, &use, CLOCK_NS_PER_S), 0);
	}
	publish_paths(SUBSCRIBER, (const uint64_t[]){FIRST, SECOND}, 2);
	rates = path_rates_new(rig.loop, rig.publish, watch);
	assert_non_null(rates);
	rig_connect(&rig, &dp1, "dp1");
	fake_hello(&dp1);
	RIG_UNTIL(&rig, publish_ready(rig.publish, 0));
	answered = dp1.asked;
	return 0;
}

static int end(void **state)
{
	(void)state;
	path_rates_free(rates);
	path_watch_free(watch);
	rig_close(&rig, false);
	return 0;
}

static void say(struct writer *w, uint64_t id, uint64_t packets)
{
	const struct update_count count = {.kind = OBJECT_PATH,
		.id = id,
		.values = {[UPDATE_COUNT_IN_PACKETS] = packets,
			[UPDATE_COUNT_IN_OCTETS] = 100 * packets,
			[UPDATE_COUNT_OUT_PACKETS] = 3 * packets}};

	assert_int_equal(update_count_encode(w, &count), 0);
}

/* The data plane has counted more each time that it is asked, of the second path twice as much. */
static void answer(void)
{
	struct writer w;

	if (dp1.asked == answered)
		return;
	answered = dp1.asked;
	assert_int_equal(dp1.counted, OBJECT_PATH);
	fake_start(&dp1, &w, UPDATE_COUNTS);
	update_stats_id_encode(&w, dp1.stats_id);
	say(&w, FIRST, 1000000 + 10 * answered);
	say(&w, SECOND, 2000000 + 20 * answered);
	say(&w, OTHER, 1);
	fake_send(&dp1, &w);
}

static bool rate_of(unsigned tunnel, struct path_rate *rate)
{
	answer();
	return path_rates_get(rates, &anchor, &gateways[tunnel], rate);
}

static void close_to(double value, double wanted)
{
	assert_true(value > 0.999 * wanted && value < 1.001 * wanted);
}

static void what_rises_is_the_rate(void **state)
{
	struct path_rate first, second;

	(void)state;
	assert_false(rate_of(0, &first));
	RIG_UNTIL(&rig, rate_of(0, &first));
	assert_true(path_rates_get(rates, &anchor, &gateways[1], &second));
	/* Not what was counted before. */
	assert_true(first.in_packets > 0 && first.in_packets < 1000);
	close_to(first.in_octets, 100 * first.in_packets);
	close_to(first.out_packets, 3 * first.in_packets);
	assert_true(first.out_octets == 0);
	close_to(second.in_packets, 2 * first.in_packets);
}

static void unknown_without_paths(void **state)
{
	struct path_rate rate;

	(void)state;
	RIG_UNTIL(&rig, rate_of(0, &rate));
	assert_false(rate_of(2, &rate));
	assert_false(path_rates_get(rates, &gateways[0], &anchor, &rate));
}

/* It is counted by data planes no more, and another one not yet. */
static void unknown_when_it_is_the_only_one(void **state)
{
	struct path_rate rate;

	(void)state;
	RIG_UNTIL(&rig, rate_of(0, &rate));
	publish_paths(SUBSCRIBER + 1, (const uint64_t[]){OTHER}, 1);
	RIG_UNTIL(&rig, !rate_of(0, &rate));
	assert_true(rate_of(1, &rate));
}

/* What it counts begins again: never is that a rate. */
static void data_plane_comes_again(void **state)
{
	struct path_rate rate;

	(void)state;
	RIG_UNTIL(&rig, rate_of(0, &rate));
	rig_disconnect(&rig, &dp1);
	RIG_UNTIL(&rig, !path_rates_get(rates, &anchor, &gateways[0], &rate));
	rig_connect(&rig, &dp1, "dp1");
	fake_hello(&dp1);
	answered = dp1.asked;
	RIG_UNTIL(&rig, rate_of(0, &rate));
	assert_true(rate.in_packets > 0 && rate.in_packets < 1000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, start, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_rises_is_the_rate),
		TEST(unknown_without_paths),
		TEST(unknown_when_it_is_the_only_one),
		TEST(data_plane_comes_again),
	};
	int failed = cmocka_run_group_tests_name("path_rates", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
