/* ICMPv6 errors: our own, and those that come back from inside a tunnel. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "common/clock.h"
#include "dataplane/agent/events.h"

#define ROUTER "2001:db8:9::9" /* on the way to the care-of address */

static void receive(struct lab *lab, enum lab_port port, const struct packet *p)
{
	struct mac dst = lab_mac(port), src = lab_peer_mac(port);
	struct packet f = *p;

	packet_ether(&f, &dst, &src);
	lab_receive(lab, port, &f);
	lab_walk(lab);
}

static void drop(struct lab *lab, const struct packet *p, enum drop_reason reason)
{
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct packet f = *p;

	packet_ether(&f, &dst, &src);
	lab_expect_drop(lab, LAB_CORE, &f, reason);
}

static void expect_error(
	struct lab *lab, uint8_t type, uint8_t code, uint32_t value, const struct packet *about)
{
	struct packet out;

	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_PEER);
	packet_assert_icmp(&out, type, code, value);
	assert_true(out.len <= 1280);
	packet_cut(&out, PACKET_IP6 + 8);
	assert_true(out.len == about->len || out.len == 1280 - 48);
	/* All but the hop limit is as it was sent. */
	assert_memory_equal(out.data, about->data, 7);
	assert_memory_equal(out.data + 8, about->data + 8, out.len - 8);
}

static void test_transit(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	packet_udp(&p, LAB_PEER, "2001:db8:f::77", 10);
	packet_set_hop_limit(&p, 1);
	receive(lab, LAB_CORE, &p);
	expect_error(lab, 3, 0, 0, &p);
	packet_udp(&p, LAB_PEER, "2001:db8:bad::1", 10);
	receive(lab, LAB_CORE, &p);
	expect_error(lab, 1, 0, 0, &p);
	packet_udp(&p, LAB_PEER, "2001:db8:f::77", 1500 - 48 + 1);
	receive(lab, LAB_CORE, &p);
	expect_error(lab, 2, 0, 1500, &p);
	assert_int_equal(lab_counter(lab, WORKER_icmp6_errors), 3);
}

/* RFC 4443, 2.4 e: what must never be answered. */
static void test_forbidden(void **state)
{
	struct lab *lab = *state;
	const uint8_t unreachable[16] = {1};
	const uint8_t echo[16] = {128};
	const uint8_t pad[8] = {0, 0, 1, 4};
	struct packet p;

	packet_ip6(&p, LAB_PEER, "2001:db8:bad::1", 58, unreachable, sizeof(unreachable));
	drop(lab, &p, DROP_icmp6_forbidden);
	packet_extend(&p, 60, pad, sizeof(pad));
	drop(lab, &p, DROP_icmp6_forbidden);
	packet_ip6(&p, LAB_PEER, "2001:db8:bad::1", 58, "", 0);
	drop(lab, &p, DROP_icmp6_forbidden);
	packet_ip6(&p, LAB_PEER, "2001:db8:bad::1", 58, echo, sizeof(echo));
	receive(lab, LAB_CORE, &p);
	expect_error(lab, 1, 0, 0, &p);
}

static void test_rate(void **state)
{
	struct lab *lab = *state;
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);
	struct packet p, out;
	uint64_t sent, begun_ms = clock_mono_ms();

	packet_udp(&p, LAB_PEER, "2001:db8:bad::1", 10);
	packet_ether(&p, &dst, &src);
	for (unsigned i = 0; i < 250; i++)
		lab_receive(lab, LAB_CORE, &p);
	lab_walk(lab);
	sent = lab_counter(lab, WORKER_icmp6_errors);
	/* 100 at once, and 1,000 a second. */
	assert_in_range(sent, 100, 102 + (clock_mono_ms() - begun_ms) * 11 / 10);
	assert_int_equal(lab_drops(lab, DROP_icmp6_rate), 250 - sent);
	for (uint64_t i = 0; i < sent; i++)
		lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
}

static void test_no_source(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_DELETE, .id = 1};
	struct packet p;

	lab_apply(lab, &o, 0);
	packet_udp(&p, LAB_PEER, "2001:db8:bad::1", 10);
	drop(lab, &p, DROP_icmp6_no_source);
}

/* A packet to the subscriber as its tunnel packet was sent, with the inner hop limit of then. */
static void tunnelled(struct packet *inner, struct packet *outer, uint16_t size)
{
	packet_udp(inner, LAB_PEER, LAB_HOME_OF, size);
	packet_set_hop_limit(inner, 63);
	*outer = *inner;
	packet_wrap(outer, LAB_LOCAL, LAB_CARE_OF);
}

static void expect_event(uint8_t type, uint8_t code, uint32_t value)
{
	struct update_event event;

	assert_true(events_take(&event));
	assert_int_equal(event.kind, UPDATE_EVENT_TUNNEL_ERROR);
	assert_int_equal(event.subscriber, 1);
	assert_string_equal(ADDR_TEXT(&event.inner), LAB_HOME_OF);
	assert_string_equal(ADDR_TEXT(&event.outer), LAB_CARE_OF);
	assert_int_equal(event.icmp_type, type);
	assert_int_equal(event.icmp_code, code);
	assert_int_equal(event.value, value);
	assert_false(events_take(&event));
}

/* RFC 2473, 8.2; RFC 6275, 9.3.4. */
static void test_relay(void **state)
{
	static const struct {
		uint8_t type, code;
	} told[] = {{1, 0}, {1, 3}, {1, 4}, {3, 0}};
	struct lab *lab = *state;
	struct packet inner, outer, error;

	tunnelled(&inner, &outer, 100);
	for (unsigned i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
		packet_icmp_error(&error, ROUTER, told[i].type, told[i].code, 0, &outer);
		receive(lab, LAB_CORE, &error);
		expect_error(lab, 1, 3, 0, &inner);
		expect_event(told[i].type, told[i].code, 0);
	}
	assert_int_equal(lab_counter(lab, WORKER_tunnel_errors_relayed), 4);
}

/* The octets of the tunnel's header are not the sender's to know. */
static void test_relay_too_big(void **state)
{
	struct lab *lab = *state;
	struct packet inner, outer, error;

	tunnelled(&inner, &outer, 1400);
	packet_icmp_error(&error, ROUTER, 2, 0, 1400, &outer);
	receive(lab, LAB_CORE, &error);
	lab_sent(lab, LAB_CORE, &outer);
	packet_unether(&outer);
	packet_assert_addrs(&outer, LAB_LOCAL, LAB_PEER);
	packet_assert_icmp(&outer, 2, 0, 1360);
	expect_event(2, 0, 1400);

	tunnelled(&inner, &outer, 1400);
	packet_icmp_error(&error, ROUTER, 2, 0, 1290, &outer);
	receive(lab, LAB_CORE, &error);
	lab_sent(lab, LAB_CORE, &outer);
	packet_unether(&outer);
	packet_assert_icmp(&outer, 2, 0, 1280);
	expect_event(2, 0, 1290);
}

/* Not for the inner sender, but control hears of it. */
static void test_absorbed(void **state)
{
	struct lab *lab = *state;
	struct packet inner, outer, error;

	tunnelled(&inner, &outer, 1000);
	packet_icmp_error(&error, ROUTER, 2, 0, 1280, &outer);
	drop(lab, &error, DROP_tunnel_error_absorbed);
	expect_event(2, 0, 1280);
	packet_icmp_error(&error, ROUTER, 4, 1, 6, &outer);
	drop(lab, &error, DROP_tunnel_error_absorbed);
	expect_event(4, 1, 6);
	packet_icmp_error(&error, ROUTER, 3, 1, 0, &outer);
	drop(lab, &error, DROP_tunnel_error_absorbed);
	expect_event(3, 1, 0);
}

/* RFC 2473, 8.1: only a parameter problem about the limit, at zero, is the sender's business. */
static void test_limit_reached(void **state)
{
	struct lab *lab = *state;
	const uint8_t limit[8] = {0, 0, 4, 1, 0, 1, 1, 0};
	struct packet inner, outer, error;

	packet_udp(&inner, LAB_PEER, LAB_HOME_OF, 100);
	outer = inner;
	packet_wrap(&outer, LAB_LOCAL, LAB_CARE_OF);
	packet_extend(&outer, 60, limit, sizeof(limit));
	packet_icmp_error(&error, ROUTER, 4, 0, PACKET_IP6 + 4, &outer);
	receive(lab, LAB_CORE, &error);
	expect_error(lab, 1, 3, 0, &inner);
	packet_icmp_error(&error, ROUTER, 4, 0, PACKET_IP6 + 2, &outer);
	drop(lab, &error, DROP_tunnel_error_absorbed);
}

static void test_stale(void **state)
{
	struct lab *lab = *state;
	struct packet inner, outer, error;

	tunnelled(&inner, &outer, 100);
	lab_set_path(lab, 1, "2001:db8:f::11", 0, 0);
	packet_icmp_error(&error, ROUTER, 1, 0, 0, &outer);
	drop(lab, &error, DROP_tunnel_error_stale);
	lab_delete(lab, OBJECT_SUBSCRIBER, 1);
	drop(lab, &error, DROP_tunnel_error_stale);
}

static void test_bad(void **state)
{
	struct lab *lab = *state;
	struct packet inner, outer, error;

	tunnelled(&inner, &outer, 100);
	packet_icmp_error(&error, ROUTER, 1, 0, 0, &outer);
	error.data[PACKET_IP6 + 20] ^= 1;
	drop(lab, &error, DROP_bad_icmp6);
	packet_ip6(&error, ROUTER, LAB_LOCAL, 58, "\1\0\0\0", 4);
	drop(lab, &error, DROP_bad_icmp6);
}

/* Errors about what the kernel sent are the kernel's; so are those too short to tell. */
static void test_kernel(void **state)
{
	struct lab *lab = *state;
	struct packet about, error, out;

	packet_udp(&about, LAB_LOCAL, LAB_PEER, 10);
	packet_icmp_error(&error, ROUTER, 1, 0, 0, &about);
	receive(lab, LAB_CORE, &error);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_equal(&out, &error);
	about.len = 30;
	packet_icmp_error(&error, ROUTER, 1, 0, 0, &about);
	receive(lab, LAB_CORE, &error);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
}

/* An error inside an error ends here. */
static void test_error_of_error(void **state)
{
	struct lab *lab = *state;
	struct packet about, inner, outer, error;
	struct mac dst = lab_mac(LAB_CORE), src = lab_peer_mac(LAB_CORE);

	packet_udp(&about, LAB_HOME_OF, LAB_PEER, 10);
	packet_icmp_error(&inner, LAB_PEER, 1, 0, 0, &about);
	outer = inner;
	packet_wrap(&outer, LAB_LOCAL, LAB_CARE_OF);
	packet_icmp_error(&error, ROUTER, 1, 0, 0, &outer);
	packet_ether(&error, &dst, &src);
	lab_expect_drop(lab, LAB_CORE, &error, DROP_icmp6_forbidden);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_transit, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_forbidden, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_rate, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_no_source, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_relay, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_relay_too_big, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_absorbed, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_limit_reached, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_stale, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_bad, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_kernel, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_error_of_error, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
