/* Heartbeats between anchor and gateway: RFC 5847, 3. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "ctrl/signalling/proxy/heartbeat.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"

enum { INTERVAL_MS = 1000, ALLOWED = 2, OUR_COUNTER = 7, WAYS = 2 };

static struct {
	struct heartbeat *h;
	struct hmac *hmac;
	struct wheel wheel;
	uint64_t now;
	bool active, deaf; /* no data plane takes anything */
	unsigned sent, events;
	struct mh last;
	uint8_t octets[MH_SIZE_MAX];
	struct in6_addr to[8]; /* where the last ones went */
	enum heartbeat_event event;
} rig;

static struct in6_addr way(size_t n)
{
	struct in6_addr address;

	assert_int_equal(addr_parse(n ? "2001:db8:b::1" : "2001:db8:a::1", &address), 0);
	return address;
}

static struct proxy_peer by(size_t n)
{
	struct proxy_peer peer = {.address = way(n), .care_of = way(n)};

	assert_int_equal(addr_parse("2001:db8:1::1", &peer.own), 0);
	return peer;
}

static struct proxy_peer op_peer(void *context, size_t index, uint32_t missing)
{
	(void)context;
	assert_int_equal(index, 0);
	return by(missing % WAYS);
}

static bool op_each(void *context, size_t index, size_t nth, struct proxy_peer *peer)
{
	(void)context;
	assert_int_equal(index, 0);
	if (nth == WAYS)
		return false;
	*peer = by(nth);
	return true;
}

static bool op_active(void *context, size_t index)
{
	(void)context;
	(void)index;
	return rig.active;
}

static int op_send(void *context, const uint8_t *ip, size_t len)
{
	struct ip6_packet ip6;

	(void)context;
	if (rig.deaf)
		return -1;
	assert_int_equal(ip6_packet_decode(ip, len, &ip6, NULL), 0);
	memcpy(rig.octets, ip + ip6.offset, ip6.len);
	assert_int_equal(mh_decode(rig.octets, ip6.len, &rig.last, NULL), 0);
	assert_int_equal(rig.last.type, MH_HEARTBEAT);
	rig.to[rig.sent % 8] = ip6.dst;
	rig.sent++;
	return 0;
}

static void op_event(void *context, size_t index, enum heartbeat_event event)
{
	(void)context;
	(void)index;
	rig.event = event;
	rig.events++;
}

static uint64_t op_now(void *context)
{
	(void)context;
	return rig.now;
}

static void start(bool announce)
{
	const struct heartbeat_config config = {.peer_count = 1,
		.interval_ms = INTERVAL_MS,
		.allowed = ALLOWED,
		.counter = OUR_COUNTER,
		.announce = announce};
	const struct heartbeat_ops ops = {.peer = op_peer,
		.each = op_each,
		.active = op_active,
		.send = op_send,
		.event = op_event,
		.now_ns = op_now};

	heartbeat_free(rig.h);
	rig.h = heartbeat_new(&config, &ops, rig.hmac, &rig.wheel);
	assert_non_null(rig.h);
}

static int setup(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.now = 5 * CLOCK_NS_PER_S;
	rig.active = true;
	rig.hmac = hmac_new();
	wheel_init(&rig.wheel, rig.now, NULL);
	start(false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	heartbeat_free(rig.h);
	hmac_free(rig.hmac);
	return 0;
}

static void wait_ms(unsigned ms)
{
	for (unsigned i = 0; i < ms; i++) {
		rig.now += CLOCK_NS_PER_MS;
		wheel_advance(&rig.wheel, rig.now, 0);
	}
}

/* The peer says something; counter 0: without one. */
static enum heartbeat_verdict say(uint16_t flags, uint32_t sequence, uint32_t counter)
{
	struct mh mh = {.type = MH_HEARTBEAT, .heartbeat = {.flags = flags, .sequence = sequence}};
	const struct proxy_peer from = by(0);

	if (counter)
		option_add(&mh, OPTION_RESTART_COUNTER)->restart_counter.counter = counter;
	return heartbeat_receive(rig.h, 0, &from, &mh);
}

static enum heartbeat_verdict answer(uint32_t sequence, uint32_t counter)
{
	return say(FLAGS_HEARTBEAT_R, sequence, counter);
}

static enum heartbeat_verdict tell(uint32_t counter)
{
	return say(FLAGS_HEARTBEAT_U | FLAGS_HEARTBEAT_R, 0, counter);
}

static bool is_request(void)
{
	return !(rig.last.heartbeat.flags & (FLAGS_HEARTBEAT_U | FLAGS_HEARTBEAT_R));
}

/* A request comes, and is answered with this counter. */
static void exchange(uint32_t counter)
{
	unsigned sent = rig.sent;

	wait_ms(INTERVAL_MS);
	assert_int_equal(rig.sent, sent + 1);
	assert_true(is_request());
	assert_int_equal(answer(rig.last.heartbeat.sequence, counter), HEARTBEAT_TAKEN);
}

static void answers_have_to_match(void **state)
{
	uint32_t sequence;

	(void)state;
	exchange(3);
	sequence = rig.last.heartbeat.sequence;
	assert_int_equal(heartbeat_peer(rig.h, 0)->state, HEARTBEAT_REACHABLE);
	/* Nothing is waited for, or something else. */
	assert_int_equal(answer(sequence, 4), HEARTBEAT_UNMATCHED);
	assert_int_equal(answer(sequence + 1, 4), HEARTBEAT_UNMATCHED);
	wait_ms(INTERVAL_MS);
	assert_int_equal(rig.last.heartbeat.sequence, sequence + 1);
	assert_int_equal(answer(sequence, 4), HEARTBEAT_UNMATCHED);
	assert_int_equal(rig.events, 0);
	assert_int_equal(answer(sequence + 1, 4), HEARTBEAT_TAKEN);
	assert_int_equal(rig.event, HEARTBEAT_EVENT_RESTARTED);
}

/* What answered an earlier process is no answer to this one: with this number, 1 in 2^32. */
static void numbers_begin_at_random(void **state)
{
	uint32_t first[2];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		start(false);
		wait_ms(INTERVAL_MS);
		first[i] = rig.last.heartbeat.sequence;
	}
	assert_int_not_equal(first[0], first[1]);
}

static void what_is_said_unasked_is_asked_about(void **state)
{
	unsigned sent;

	(void)state;
	exchange(3);
	/* Of a time before, or of now: nothing is new. */
	sent = rig.sent;
	assert_int_equal(tell(2), HEARTBEAT_OLD);
	assert_int_equal(tell(3), HEARTBEAT_OLD);
	assert_int_equal(tell(0), HEARTBEAT_OLD);
	assert_int_equal(rig.sent, sent);
	assert_int_equal(tell(4), HEARTBEAT_TAKEN);
	assert_int_equal(rig.sent, sent + 1);
	assert_true(is_request());
	assert_int_equal(rig.events, 0);
	assert_int_equal(answer(rig.last.heartbeat.sequence, 4), HEARTBEAT_TAKEN);
	assert_int_equal(rig.events, 1);
	assert_int_equal(rig.event, HEARTBEAT_EVENT_RESTARTED);
	assert_int_equal(tell(4), HEARTBEAT_OLD);
}

/* Nothing is known yet: it was said before, perhaps, and is not true any longer. */
static void a_first_word_is_not_believed(void **state)
{
	(void)state;
	assert_int_equal(tell(9), HEARTBEAT_TAKEN);
	assert_false(heartbeat_peer(rig.h, 0)->has_counter);
	assert_int_equal(heartbeat_peer(rig.h, 0)->state, HEARTBEAT_UNKNOWN);
	assert_int_equal(rig.sent, 1);
	assert_int_equal(answer(rig.last.heartbeat.sequence, 5), HEARTBEAT_TAKEN);
	assert_int_equal(heartbeat_peer(rig.h, 0)->counter, 5);
	assert_int_equal(rig.events, 0);
}

static void repeating_it_asks_once_a_second(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 500; i++) {
		assert_int_equal(tell(9), HEARTBEAT_TAKEN);
		wait_ms(1);
	}
	assert_int_equal(rig.sent, 1);
	/* Without sessions nothing is asked (3). */
	rig.active = false;
	wait_ms(2000);
	rig.sent = 0;
	assert_int_equal(tell(9), HEARTBEAT_TAKEN);
	assert_int_equal(rig.sent, 0);
}

static void a_counter_may_begin_anew(void **state)
{
	(void)state;
	exchange(UINT32_MAX);
	assert_int_equal(tell(UINT32_MAX - 1), HEARTBEAT_OLD);
	assert_int_equal(tell(1), HEARTBEAT_TAKEN);
	assert_true(is_request());
	/* An answer is of now, whatever its counter is. */
	assert_int_equal(answer(rig.last.heartbeat.sequence, UINT32_MAX - 5), HEARTBEAT_TAKEN);
	assert_int_equal(rig.event, HEARTBEAT_EVENT_RESTARTED);
}

static void requests_are_answered(void **state)
{
	(void)state;
	rig.active = false;
	assert_int_equal(say(0, 4711, 0), HEARTBEAT_TAKEN);
	assert_int_equal(rig.last.heartbeat.flags, FLAGS_HEARTBEAT_R);
	assert_int_equal(rig.last.heartbeat.sequence, 4711);
	assert_int_equal(option_find(&rig.last, OPTION_RESTART_COUNTER)->restart_counter.counter,
		OUR_COUNTER);
}

static bool went_to(size_t nth, size_t n)
{
	const struct in6_addr expected = way(n);

	return addr_equal(&rig.to[nth], &expected);
}

static void silence_has_another_way_tried(void **state)
{
	(void)state;
	wait_ms(3 * INTERVAL_MS);
	assert_int_equal(rig.sent, 3);
	assert_true(went_to(0, 0) && went_to(1, 1) && went_to(2, 0));
	assert_int_equal(rig.events, 0);
	wait_ms(INTERVAL_MS);
	assert_int_equal(rig.event, HEARTBEAT_EVENT_LOST);
	assert_int_equal(heartbeat_peer(rig.h, 0)->state, HEARTBEAT_LOST);
	assert_int_equal(answer(rig.last.heartbeat.sequence, 3), HEARTBEAT_TAKEN);
	assert_int_equal(rig.event, HEARTBEAT_EVENT_BACK);
}

/* It no longer knows by which address the peer knew it: by all, as soon as a data plane is there.
 */
static void who_has_lost_its_sessions_says_so_by_all_ways(void **state)
{
	(void)state;
	rig.active = false;
	rig.deaf = true;
	start(true);
	wait_ms(1500);
	assert_int_equal(rig.sent, 0);
	rig.deaf = false;
	wait_ms(3000);
	assert_int_equal(rig.sent, WAYS);
	assert_true(went_to(0, 0) && went_to(1, 1));
	assert_int_equal(rig.last.heartbeat.flags, FLAGS_HEARTBEAT_U | FLAGS_HEARTBEAT_R);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(answers_have_to_match),
		TEST(numbers_begin_at_random),
		TEST(what_is_said_unasked_is_asked_about),
		TEST(a_first_word_is_not_believed),
		TEST(repeating_it_asks_once_a_second),
		TEST(a_counter_may_begin_anew),
		TEST(requests_are_answered),
		TEST(silence_has_another_way_tried),
		TEST(who_has_lost_its_sessions_says_so_by_all_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
