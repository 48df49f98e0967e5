/* What comes down from the mirror. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/port.h"

#define ASKED "2001:db8:1::99" /* a host that is on the link */

static void test_to_port(void **state)
{
	struct lab *lab = *state;
	struct mac a = lab_mac(LAB_HOME), b = lab_peer_mac(LAB_HOME);
	struct packet p, out;

	packet_udp(&p, LAB_LOCAL, LAB_HOME_OF, 10);
	packet_ether(&p, &b, &a);
	lab_down(lab, MIRROR_TO_PORT, LAB_HOME, 0, &p);
	lab_walk(lab);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_assert_equal(&out, &p);

	lab_down(lab, MIRROR_TO_PORT, 9, 0, &p);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_port_gone), 1);
}

/* Its hop limit is the sender's: we are the sender. */
static void test_to_route(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	packet_udp(&p, LAB_LOCAL, LAB_CARE_OF, 10);
	packet_set_hop_limit(&p, 1);
	lab_down(lab, MIRROR_TO_ROUTE, PORT_NONE, 0, &p);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_equal(&out, &p);

	p.len = 39;
	lab_down(lab, MIRROR_TO_ROUTE, PORT_NONE, 0, &p);
	packet_udp(&p, LAB_LOCAL, LAB_CARE_OF, 10);
	packet_set_length(&p, 200);
	lab_down(lab, MIRROR_TO_ROUTE, PORT_NONE, 0, &p);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_bad_ip6_length), 2);

	packet_udp(&p, LAB_LOCAL, LAB_CARE_OF, 1500);
	lab_down(lab, MIRROR_TO_ROUTE, PORT_NONE, 0, &p);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_too_big), 1);
}

static void test_to_subscriber(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	packet_udp(&p, LAB_LOCAL, "ff0e::5", 10);
	packet_set_hop_limit(&p, 1);
	lab_down(lab, MIRROR_TO_SUBSCRIBER, PORT_NONE, 1, &p);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_CARE_OF);
	packet_cut(&out, PACKET_IP6);
	packet_assert_equal(&out, &p);

	lab_down(lab, MIRROR_TO_SUBSCRIBER, PORT_NONE, 2, &p);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_no_subscriber), 1);
}

/* What the kernel sends to a subscriber that it takes for a neighbour goes through the tunnel. */
static void test_from_twin(void **state)
{
	struct lab *lab = *state;
	struct mac own = lab_mac(LAB_HOME), peer = lab_peer_mac(LAB_HOME);
	struct packet inner, p, out;

	packet_udp(&inner, "2001:db8:1::1", LAB_HOME_OF, 10);
	p = inner;
	packet_ether(&p, &own, &own);
	lab_down(lab, MIRROR_FROM_TWIN, LAB_HOME, 0, &p);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_CARE_OF);
	packet_cut(&out, PACKET_IP6);
	packet_assert_equal(&out, &inner);

	packet_udp(&p, "2001:db8:1::1", "2001:db8:1::99", 10);
	packet_ether(&p, &peer, &own);
	lab_down(lab, MIRROR_FROM_TWIN, LAB_HOME, 0, &p);
	lab_walk(lab);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_assert_equal(&out, &p);
}

/* Asked by the kernel who has the address, we answer on the twin, not on the link. */
static void test_twin_solicits(void **state)
{
	struct lab *lab = *state;
	struct mac own = lab_mac(LAB_HOME), group = {{0x33, 0x33, 0xff, 0, 0, 0x10}};
	struct packet ns, out;

	packet_solicit(&ns, "2001:db8:1::1", "ff02::1:ff00:10", LAB_HOME_OF, &own);
	packet_ether(&ns, &group, &own);
	lab_down(lab, MIRROR_FROM_TWIN, LAB_HOME, 0, &ns);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_icmp(&out, 136, 0, 0x40000000);

	packet_solicit(&ns, "2001:db8:1::1", "ff02::1:ff00:99", ASKED, &own);
	packet_ether(&ns, &group, &own);
	lab_down(lab, MIRROR_FROM_TWIN, LAB_HOME, 0, &ns);
	lab_walk(lab);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_assert_equal(&out, &ns);
}

/* A tunnel packet that cannot leave: the inner sender is told, of the inner packet. */
static void test_unreachable(void **state)
{
	struct lab *lab = *state;
	struct packet inner, outer, out;

	packet_udp(&inner, LAB_PEER, LAB_HOME_OF, 10);
	outer = inner;
	packet_wrap(&outer, LAB_LOCAL, LAB_CARE_OF);
	lab_down(lab, MIRROR_UNREACHABLE, LAB_VISITED, 0, &outer);
	lab_walk(lab);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_PEER);
	packet_assert_icmp(&out, 1, 3, 0);
	packet_cut(&out, PACKET_IP6 + 8);
	packet_assert_equal(&out, &inner);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_to_port, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_to_route, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_to_subscriber, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_from_twin, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_twin_solicits, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_unreachable, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
