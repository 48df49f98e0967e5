/* Bindings that end while they are asked to: a first registration that waits for duplicate address
 * detection has nothing to commit, so its end is complete before the next is asked for. */
#include "desk.h"

#include "ctrl/packet.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"

enum { HOMES = 3, HOME = 0x21, CARE_OF = 0x77 };

/* The detection outlasts every test. */
static const char *const slow = "channel = { heartbeat = \"200ms\"; heartbeats_missed = 100;\n"
				"            ack_timeout = \"10s\"; };\n"
				"binding = { dad_retrans = \"60s\"; };\n";

static struct zsock packets;

/* The data plane takes packets, too: those by which addresses are probed. */
static void take_packets(void)
{
	const struct zsock_options options = {
		.type = ZMQ_DEALER, .routing_id = "dp1", .routing_id_len = strlen("dp1")};
	uint8_t hello[16];
	struct writer w;

	assert_int_equal(zsock_connect(&packets, &options, desk.rig.config.endpoints.packet), 0);
	writer_init(&w, hello, sizeof(hello));
	assert_int_equal(packet_head_encode(&w, PACKET_PUNT), 0);
	assert_int_equal(zsock_send1(&packets, hello, writer_len(&w)), 0);
	RIG_UNTIL(&desk.rig, packet_counters(desk.ctrl.packet)[PACKET_MESSAGES] == 1);
}

/* The first Binding Update of a home address. */
static void send_update(unsigned n)
{
	const struct binding_record record = rig_record(n, CARE_OF);
	const struct ip6_build head = {
		.src = record.care_of, .dst = record.agent, .home_address = &record.home};
	const struct mh mh = {.type = MH_BU,
		.bu = {.sequence = 1, .flags = FLAGS_BU_A | FLAGS_BU_H, .lifetime = 10}};
	uint8_t frame[14 + MH_PACKET_MAX] = {[12] = 0x86, 0xdd};
	struct packet_punt punt = {.reason = PACKET_MOBILITY, .port = "core", .frame = frame};
	ssize_t len = mh_packet_encode(&head, &mh, NULL, frame + 14, MH_PACKET_MAX);

	assert_true(len > 0);
	punt.length = (uint16_t)(14 + len);
	signalling_receive(desk.ctrl.signalling, "dp1", &punt);
	assert_int_equal(
		binding_cache_find(signalling_cache(desk.ctrl.signalling), &record.home)->state,
		BINDING_STATE_DAD);
}

/* A subscriber with three home addresses: those whose bits are set wait for the detection, the
 * others are bound. */
static void open_with(unsigned waiting)
{
	desk.more = slow;
	desk_start();
	desk_assert_result("{\"method\": \"subscriber.add\", \"params\": {\"mn_id\": \"three\", "
			   "\"auth\": \"none\", \"replay\": \"sequence\", \"home_addresses\": "
			   "[\"2001:db8:100::21\", \"2001:db8:100::22\", \"2001:db8:100::23\"]}}",
		"{\"mn_id\": \"three\"}");
	for (unsigned i = 0; i < HOMES; i++)
		if (!(waiting >> i & 1))
			desk_store_binding(HOME + i, CARE_OF);
	desk_restart();
	take_packets();
	for (unsigned i = 0; i < HOMES; i++)
		if (waiting >> i & 1)
			send_update(HOME + i);
}

static void close_again(void)
{
	zsock_close(&packets);
	desk_stop(false);
}

/* Whichever of them end at once, the answer is that all have ended. */
static void a_subscriber_is_gone_with_all_that_end_at_once(void **state)
{
	static const unsigned first = 1, last = 1 << (HOMES - 1), all = (1 << HOMES) - 1;
	const unsigned cases[] = {first, last, all};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const unsigned waiting = cases[i];
		char result[64];

		open_with(waiting);
		snprintf(result, sizeof(result), "{\"mn_id\": \"three\", \"bindings_cleared\": %d}",
			HOMES - __builtin_popcount(waiting));
		desk_assert_result(
			"{\"method\": \"subscriber.del\", \"params\": {\"mn_id\": \"three\"}}",
			result);
		assert_int_equal(fake_count(&desk.dp1, OBJECT_SUBSCRIBER), 0);
		desk_assert_result("{\"method\": \"binding.show\"}", "{\"count\": 0}");
		desk_assert_result("{\"method\": \"subscriber.show\"}", "{\"count\": 0}");
		close_again();
	}
}

static void a_binding_that_ends_at_once_is_cleared(void **state)
{
	(void)state;
	open_with(1);
	desk_assert_result("{\"method\": \"binding.clear\", \"params\": "
			   "{\"home_address\": \"2001:db8:100::21\"}}",
		"{\"home_address\": \"2001:db8:100::21\", \"care_of_address\": null, "
		"\"bid\": null, \"bindings\": 1}");
	desk_assert_error("{\"method\": \"binding.clear\", \"params\": "
			  "{\"home_address\": \"2001:db8:100::21\"}}",
		"not-found", "2001:db8:100::21");
	desk_assert_result("{\"method\": \"binding.show\", \"params\": "
			   "{\"home_address\": \"2001:db8:100::21\"}}",
		"{\"count\": 0}");
	close_again();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscriber_is_gone_with_all_that_end_at_once),
		cmocka_unit_test(a_binding_that_ends_at_once_is_cleared),
	};
	int failed = cmocka_run_group_tests_name("ends", tests, NULL, NULL);

	zsock_context_end();
	return failed;
}
