/* What is told of packets of a traced subscriber, and that nothing is of others. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/agent/tracing.h"
#include "dataplane/nodes/trace.h"

static struct tracing tracing;

static void want(struct lab *lab, const char *text)
{
	struct trace_wanted wanted = {.count = text ? 1 : 0};

	if (text)
		assert_int_equal(prefix6_parse(text, &wanted.prefixes[0]), 0);
	/* Who waits for the worker is the worker here. */
	worker_leave(lab->worker);
	tracing_want(&tracing, lab->tables, &wanted, 0);
	worker_enter(lab->worker);
}

static int begin(void **state)
{
	int rc = lab_setup(state);

	tracing = (struct tracing){0};
	if (rc == 0)
		want(*state, LAB_HOME_OF "/128");
	return rc;
}

static int end(void **state)
{
	want(*state, NULL);
	return lab_teardown(state);
}

/* To the subscriber, from the Internet. */
static void receive_down(struct lab *lab, const char *to, uint8_t hop_limit)
{
	const struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct packet p;

	packet_udp(&p, LAB_PEER, to, 10);
	packet_set_hop_limit(&p, hop_limit);
	packet_ether(&p, &dst, &src);
	lab_receive(lab, LAB_CORE, &p);
}

/* From the subscriber, in its tunnel from a care-of address. */
static void receive_up(struct lab *lab, const char *care_of)
{
	const struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct packet p;

	packet_udp(&p, LAB_HOME_OF, LAB_PEER, 10);
	packet_wrap(&p, care_of, LAB_LOCAL);
	packet_ether(&p, &dst, &src);
	lab_receive(lab, LAB_VISITED, &p);
}

/* The next record, as it would be told. */
static void next(struct trace_packet *p)
{
	static uint8_t octets[4096];
	struct cursor c;
	struct writer w;

	writer_init(&w, octets, sizeof(octets));
	assert_int_equal(tracing_take(&tracing, &w), 1);
	cursor_init(&c, octets, writer_len(&w));
	assert_int_equal(trace_packet_decode(&c, p), 0);
	assert_int_equal(cursor_left(&c), 0);
}

static void nothing(void)
{
	struct trace_record record;

	assert_false(trace_take(&record));
}

static void forget(struct lab *lab, enum lab_port port)
{
	struct packet p;

	lab_sent(lab, port, &p);
}

static void one_that_is_sent_into_the_tunnel(void **state)
{
	struct trace_packet t;
	struct in6_addr care_of;

	receive_down(*state, LAB_HOME_OF, 64);
	lab_walk(*state);
	next(&t);
	assert_int_equal(t.how, TRACE_SENT);
	assert_string_equal(t.from, "core");
	assert_string_equal(t.by, "visited");
	inet_pton(AF_INET6, LAB_CARE_OF, &care_of);
	assert_memory_equal(&t.to, &care_of, sizeof(care_of));
	assert_int_equal(t.length, 40 + 8 + 10);
	assert_int_equal(t.captured, t.length);
	assert_int_equal(t.octets[0] >> 4, 6);
	assert_int_equal(t.octets[7], 64); /* as it came in */
	assert_int_equal(t.missed, 0);
	nothing();
	forget(*state, LAB_VISITED);
}

static void one_that_comes_out_of_the_tunnel(void **state)
{
	struct trace_packet t;
	struct in6_addr peer;

	receive_up(*state, LAB_CARE_OF);
	lab_walk(*state);
	next(&t);
	assert_int_equal(t.how, TRACE_SENT);
	assert_string_equal(t.from, "visited");
	assert_string_equal(t.by, "core");
	inet_pton(AF_INET6, LAB_PEER, &peer);
	assert_memory_equal(&t.to, &peer, sizeof(peer));
	assert_int_equal(t.length, 40 + 40 + 8 + 10);
	forget(*state, LAB_CORE);
}

static void one_that_is_dropped_and_why(void **state)
{
	struct trace_packet t;

	receive_up(*state, "2001:db8:f::bad");
	lab_walk(*state);
	next(&t);
	assert_int_equal(t.how, TRACE_DROPPED);
	assert_string_equal(t.reason, "wrong_care_of");
	assert_string_equal(t.by, "");
	nothing();
}

static void one_that_is_answered(void **state)
{
	struct trace_packet t;

	receive_down(*state, LAB_HOME_OF, 1);
	lab_walk(*state);
	next(&t);
	assert_int_equal(t.how, TRACE_ANSWERED);
	nothing();
	forget(*state, LAB_CORE);
}

static void those_of_others_are_not_told_of(void **state)
{
	struct lab *lab = *state;
	const uint64_t path = 2;

	lab_set_path(lab, 2, "2001:db8:f::20", 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:1::20/128", 0, &path, 1, 0);
	receive_down(lab, "2001:db8:1::20", 64);
	lab_walk(lab);
	nothing();
	forget(lab, LAB_VISITED);
}

static void no_more_than_the_rate_and_the_rest_is_counted(void **state)
{
	struct lab *lab = *state;
	struct trace_record record;
	uint32_t told = 0, missed = 0;
	enum { PACKETS = 200 };

	for (unsigned i = 0; i < PACKETS; i++) {
		receive_down(lab, LAB_HOME_OF, 64);
		if (i % 32 < 31 && i + 1 < PACKETS)
			continue;
		lab_walk(lab);
		while (lab_pending(lab, LAB_VISITED))
			forget(lab, LAB_VISITED);
	}
	for (; trace_take(&record); told++)
		missed += record.missed;
	assert_in_range(told, 1, PACKETS - 1);
	assert_true(told + missed <= PACKETS);
	/* When there is a token again, the next one says how many were not told of; on a slow
	 * machine that is one of the above. */
	while (!missed) {
		receive_down(lab, LAB_HOME_OF, 64);
		lab_walk(lab);
		forget(lab, LAB_VISITED);
		if (trace_take(&record))
			missed = record.missed;
	}
}

static void it_ends_with_its_lease(void **state)
{
	struct lab *lab = *state;

	tracing_tick(&tracing, lab->tables, TRACE_LEASE_MS - 1);
	assert_true(trace_is_on());
	worker_leave(lab->worker);
	tracing_tick(&tracing, lab->tables, TRACE_LEASE_MS);
	worker_enter(lab->worker);
	assert_false(trace_is_on());
	receive_down(lab, LAB_HOME_OF, 64);
	lab_walk(lab);
	nothing();
	forget(lab, LAB_VISITED);
}

static void another_wish_takes_the_place_of_the_first(void **state)
{
	struct lab *lab = *state;

	want(lab, "2001:db8:77::/64");
	receive_down(lab, LAB_HOME_OF, 64);
	lab_walk(lab);
	nothing();
	forget(lab, LAB_VISITED);
	want(lab, "2001:db8:1::/64");
	receive_down(lab, LAB_HOME_OF, 64);
	lab_walk(lab);
	next(&(struct trace_packet){0});
	forget(lab, LAB_VISITED);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_that_is_sent_into_the_tunnel),
		TEST(one_that_comes_out_of_the_tunnel),
		TEST(one_that_is_dropped_and_why),
		TEST(one_that_is_answered),
		TEST(those_of_others_are_not_told_of),
		TEST(no_more_than_the_rate_and_the_rest_is_counted),
		TEST(it_ends_with_its_lease),
		TEST(another_wish_takes_the_place_of_the_first),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
