/* Uplink: what comes out of a tunnel, and what must not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "common/clock.h"
#include "dataplane/agent/events.h"

static void wrap(struct packet *p, const char *outer_src)
{
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);

	packet_wrap(p, outer_src, LAB_LOCAL);
	packet_ether(p, &dst, &src);
}

static void arrive(struct lab *lab, const struct packet *inner, const char *outer_src)
{
	struct packet f = *inner;

	wrap(&f, outer_src);
	lab_receive(lab, LAB_VISITED, &f);
	lab_walk(lab);
}

static void drop(
	struct lab *lab, const struct packet *inner, const char *outer_src, enum drop_reason reason)
{
	struct packet f = *inner;

	wrap(&f, outer_src);
	lab_expect_drop(lab, LAB_VISITED, &f, reason);
}

static void expect_out(struct lab *lab, const struct packet *inner)
{
	struct packet out, expected = *inner;

	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_set_hop_limit(&expected, (uint8_t)(inner->data[7] - 1));
	packet_assert_equal(&out, &expected);
}

static void test_out(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 77);
	arrive(lab, &in, LAB_CARE_OF);
	expect_out(lab, &in);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 1);
}

/* Options between the headers are the tunnel's own and end with it. */
static void test_outer_options(void **state)
{
	struct lab *lab = *state;
	const uint8_t limit[8] = {0, 0, 4, 1, 4, 1, 1, 0};
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct packet in, f;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 77);
	f = in;
	packet_wrap(&f, LAB_CARE_OF, LAB_LOCAL);
	packet_extend(&f, 60, limit, sizeof(limit));
	packet_ether(&f, &dst, &src);
	lab_receive(lab, LAB_VISITED, &f);
	lab_walk(lab);
	expect_out(lab, &in);
}

/* RFC 6275, 10.4.5: and control hears of it. */
static void test_wrong_care_of(void **state)
{
	struct lab *lab = *state;
	struct update_event event;
	struct packet in;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 10);
	drop(lab, &in, "2001:db8:f::66", DROP_wrong_care_of);
	assert_true(events_take(&event));
	assert_int_equal(event.kind, UPDATE_EVENT_WRONG_SOURCE);
	assert_int_equal(event.subscriber, 1);
	assert_string_equal(ADDR_TEXT(&event.inner), LAB_HOME_OF);
	assert_string_equal(ADDR_TEXT(&event.outer), "2001:db8:f::66");
	assert_int_equal(event.value, 1);

	packet_udp(&in, "2001:db8:1::77", LAB_PEER, 10);
	drop(lab, &in, LAB_CARE_OF, DROP_unknown_source);
	assert_true(events_take(&event));
	assert_int_equal(event.subscriber, 0);
	assert_string_equal(ADDR_TEXT(&event.inner), "2001:db8:1::77");
	assert_false(events_take(&event));
}

/* A flood of them costs control a bounded number of events, which say how many there were. */
static void test_event_budget(void **state)
{
	struct lab *lab = *state;
	struct update_event event;
	unsigned events = 0, told = 0;
	uint64_t begun_ms = clock_mono_ms();
	struct packet in;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 10);
	wrap(&in, "2001:db8:f::66");
	for (unsigned i = 0; i < 500; i++) {
		lab_receive(lab, LAB_VISITED, &in);
		if (i % 250 == 249)
			lab_walk(lab);
	}
	while (events_take(&event)) {
		events++;
		told += event.value;
	}
	assert_int_equal(lab_drops(lab, DROP_wrong_care_of), 500);
	/* 20 at once, and 100 a second. */
	assert_in_range(events, 20, 22 + (clock_mono_ms() - begun_ms) / 9);
	assert_true(told <= 500);
}

/* The right source, but not to the address of that tunnel. */
static void test_wrong_local(void **state)
{
	struct lab *lab = *state;
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 2};
	struct packet in;

	o.local = (struct object_local){2, packet_addr("2001:db8:ffff::2")};
	lab_apply(lab, &o, 0);
	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 10);
	packet_wrap(&in, LAB_CARE_OF, "2001:db8:ffff::2");
	packet_ether(&in, &dst, &src);
	lab_expect_drop(lab, LAB_VISITED, &in, DROP_wrong_care_of);
}

static void test_second_path(void **state)
{
	struct lab *lab = *state;
	const uint64_t both[] = {1, 2};
	struct packet in;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 10);
	lab_set_path(lab, 2, "2001:db8:f::20", 0, 0);
	drop(lab, &in, "2001:db8:f::20", DROP_wrong_care_of);
	lab_set_subscriber(lab, 1, LAB_HOME_OF "/128", 7, both, 2, 0);
	arrive(lab, &in, "2001:db8:f::20");
	expect_out(lab, &in);
	arrive(lab, &in, LAB_CARE_OF);
	expect_out(lab, &in);
	drop(lab, &in, "2001:db8:f::21", DROP_wrong_care_of);
	lab_set_path(lab, 2, "2001:db8:f::21", 0, 0);
	arrive(lab, &in, "2001:db8:f::21");
	expect_out(lab, &in);
	drop(lab, &in, "2001:db8:f::20", DROP_wrong_care_of);
}

/* RFC 6040, figure 4, all of it. -1: dropped. */
static void test_ecn(void **state)
{
	static const int expected[4][4] = {
		{0, 0, 0, -1},
		{1, 1, 1, 3},
		{2, 1, 2, 3},
		{3, 3, 3, 3},
	};
	struct lab *lab = *state;
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);

	for (int inner = 0; inner < 4; inner++) {
		for (int outer = 0; outer < 4; outer++) {
			struct packet f, out;

			packet_udp(&f, LAB_HOME_OF, LAB_PEER, 10);
			packet_set_class(&f, (uint8_t)(0xb8 | inner));
			packet_wrap(&f, LAB_CARE_OF, LAB_LOCAL);
			packet_set_class(&f, (uint8_t)outer);
			packet_ether(&f, &dst, &src);
			if (expected[inner][outer] < 0) {
				lab_expect_drop(lab, LAB_VISITED, &f, DROP_tunnel_ecn);
				continue;
			}
			lab_receive(lab, LAB_VISITED, &f);
			lab_walk(lab);
			lab_sent(lab, LAB_CORE, &out);
			packet_unether(&out);
			assert_int_equal(packet_class(&out), 0xb8 | expected[inner][outer]);
		}
	}
}

static void test_bad_inner(void **state)
{
	struct lab *lab = *state;
	struct packet in, p;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 10);
	p = in;
	p.data[0] = 0x45;
	drop(lab, &p, LAB_CARE_OF, DROP_tunnel_inner);
	p = in;
	packet_set_length(&p, (uint16_t)(packet_payload(&p) + 1));
	drop(lab, &p, LAB_CARE_OF, DROP_tunnel_inner);
	for (uint16_t len = 0; len < PACKET_IP6; len += 13) {
		p = in;
		p.len = len;
		drop(lab, &p, LAB_CARE_OF, DROP_tunnel_inner);
	}
	packet_udp(&p, LAB_HOME_OF, "ff0e::1", 10);
	drop(lab, &p, LAB_CARE_OF, DROP_tunnel_multicast);
	packet_udp(&p, LAB_HOME_OF, "fe80::1", 10);
	drop(lab, &p, LAB_CARE_OF, DROP_tunnel_scope);
	packet_udp(&p, "fe80::1", LAB_PEER, 10);
	drop(lab, &p, LAB_CARE_OF, DROP_tunnel_scope);
	packet_udp(&p, LAB_HOME_OF, "::1", 10);
	drop(lab, &p, LAB_CARE_OF, DROP_tunnel_inner);
	packet_udp(&p, LAB_HOME_OF, LAB_PEER, 10);
	packet_wrap(&p, LAB_HOME_OF, LAB_LOCAL);
	drop(lab, &p, LAB_CARE_OF, DROP_tunnel_nested);
}

/* From one subscriber to another: out of one tunnel into the other. */
static void test_between_subscribers(void **state)
{
	struct lab *lab = *state;
	const uint64_t two = 2;
	struct packet in, out;

	lab_set_path(lab, 2, "2001:db8:f::2", 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:1::2/128", 0, &two, 1, 0);
	packet_udp(&in, LAB_HOME_OF, "2001:db8:1::2", 10);
	arrive(lab, &in, LAB_CARE_OF);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, "2001:db8:f::2");
	packet_cut(&out, PACKET_IP6);
	packet_set_hop_limit(&in, 63);
	packet_assert_equal(&out, &in);
}

/* Signalling inside the tunnel starts at its own header and names the subscriber. */
static void test_punt(void **state)
{
	struct lab *lab = *state;
	const uint8_t mh[16] = {59, 1, 5};
	struct mirror_tag tag;
	struct packet in, out;

	packet_ip6(&in, LAB_HOME_OF, LAB_LOCAL, 135, mh, sizeof(mh));
	arrive(lab, &in, LAB_CARE_OF);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_KNOWN], &out, &tag);
	lab_nothing(lab);
	packet_assert_equal(&out, &in);
	assert_int_equal(tag.subscriber, 1);
	assert_int_equal(tag.reason, PACKET_MOBILITY);
	assert_int_equal(tag.port, LAB_VISITED);
}

/* For an address of the kernel: as a frame on the twin. */
static void test_kernel(void **state)
{
	struct lab *lab = *state;
	struct mac mac = lab_mac(LAB_VISITED);
	struct packet in, out;

	packet_udp(&in, LAB_HOME_OF, "2001:db8:1::1", 10);
	arrive(lab, &in, LAB_CARE_OF);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	packet_assert_ether(&out, &mac, &mac);
	packet_unether(&out);
	packet_assert_equal(&out, &in);
	packet_udp(&in, LAB_HOME_OF, LAB_LOCAL, 10);
	arrive(lab, &in, LAB_CARE_OF);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	packet_unether(&out);
	packet_assert_equal(&out, &in);
}

static void test_hop_limit(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 10);
	packet_set_hop_limit(&in, 1);
	arrive(lab, &in, LAB_CARE_OF);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_CARE_OF);
	packet_cut(&out, PACKET_IP6);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_HOME_OF);
	packet_assert_icmp(&out, 3, 0, 0);
}

/* Fragment n of the outer packet in pieces of size octets. */
static void fragment(const struct packet *whole, uint16_t offset, uint16_t size, struct packet *p)
{
	uint16_t total = (uint16_t)(whole->len - PACKET_IP6);
	uint16_t n = (uint16_t)(total - offset < size ? total - offset : size);
	uint8_t header[8] = {0, 0, (uint8_t)(offset >> 8), (uint8_t)offset, 1, 2, 3, 4};

	if (offset + n < total)
		header[3] |= 1;
	p->len = (uint16_t)(PACKET_IP6 + n);
	memcpy(p->data, whole->data, PACKET_IP6);
	memcpy(p->data + PACKET_IP6, whole->data + PACKET_IP6 + offset, n);
	packet_extend(p, 44, header, sizeof(header));
}

static void test_reassembly(void **state)
{
	struct lab *lab = *state;
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	static const uint16_t order[] = {1024, 0, 512};
	struct packet in, outer, part;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 1400);
	outer = in;
	packet_wrap(&outer, LAB_CARE_OF, LAB_LOCAL);
	for (int i = 0; i < 3; i++) {
		lab_nothing(lab);
		fragment(&outer, order[i], 512, &part);
		packet_ether(&part, &dst, &src);
		lab_receive(lab, LAB_VISITED, &part);
		lab_walk(lab);
	}
	expect_out(lab, &in);
	assert_int_equal(lab_counter(lab, WORKER_reassembled), 1);
}

/* RFC 6946: at once, whatever else has its identification. */
static void test_atomic_fragment(void **state)
{
	struct lab *lab = *state;
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	static const uint8_t mobility[8] = {59, 0, 0, 0, 0, 0, 0, 0};
	struct mirror_tag tag;
	struct packet in, outer, part, out;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 1000);
	outer = in;
	packet_wrap(&outer, LAB_CARE_OF, LAB_LOCAL);
	fragment(&outer, 512, 512, &part); /* waits for the others */
	packet_ether(&part, &dst, &src);
	lab_receive(lab, LAB_VISITED, &part);
	lab_walk(lab);
	for (int i = 0; i < 2; i++) {
		lab_nothing(lab);
		fragment(&outer, 0, PACKET_MAX, &part);
		part.data[PACKET_IP6 + 3] |= i ? 6 : 0; /* reserved bits say nothing */
		packet_ether(&part, &dst, &src);
		lab_receive(lab, LAB_VISITED, &part);
		lab_walk(lab);
		expect_out(lab, &in);
	}
	packet_ip6(&in, LAB_CARE_OF, LAB_LOCAL, 135, mobility, sizeof(mobility));
	fragment(&in, 0, PACKET_MAX, &part);
	packet_ether(&part, &dst, &src);
	lab_receive(lab, LAB_VISITED, &part);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_NEW], &out, &tag);
	packet_unether(&out);
	packet_assert_equal(&out, &in);
}

/* RFC 5722: a fragment that covers another's octets takes the whole packet with it. */
static void test_overlap(void **state)
{
	struct lab *lab = *state;
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	static const uint16_t offsets[] = {0, 256, 1024};
	struct packet in, outer, part;

	packet_udp(&in, LAB_HOME_OF, LAB_PEER, 1400);
	outer = in;
	packet_wrap(&outer, LAB_CARE_OF, LAB_LOCAL);
	for (int i = 0; i < 3; i++) {
		fragment(&outer, offsets[i], 768, &part);
		packet_ether(&part, &dst, &src);
		lab_receive(lab, LAB_VISITED, &part);
		lab_walk(lab);
	}
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_out, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_outer_options, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_care_of, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_event_budget, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_local, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_second_path, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_ecn, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_bad_inner, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_between_subscribers, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_punt, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_kernel, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_hop_limit, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_reassembly, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_atomic_fragment, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_overlap, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
