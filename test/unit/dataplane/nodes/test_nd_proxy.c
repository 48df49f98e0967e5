/* The home link: who answers for a node that is away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"

#define ASKER     "2001:db8:1::99"
#define GROUP_OF  "ff02::1:ff00:10" /* solicited-node address of the subscriber */
#define ALL_NODES "ff02::1"

static void frame(struct packet *p)
{
	struct in6_addr to = packet_dst(p);
	struct mac dst = addr_is_multicast(&to) ? addr_multicast_mac(&to) : lab_mac(LAB_HOME);
	struct mac src = lab_peer_mac(LAB_HOME);

	packet_ether(p, &dst, &src);
}

static void receive(struct lab *lab, const struct packet *p)
{
	struct packet f = *p;

	frame(&f);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
}

static void drop(struct lab *lab, const struct packet *p, enum drop_reason reason)
{
	struct packet f = *p;

	frame(&f);
	lab_expect_drop(lab, LAB_HOME, &f, reason);
}

/* The advertisement that answers: its flags, and whom it is for. */
static void expect_answer(struct lab *lab, const char *to, const struct mac *mac, uint8_t flags)
{
	struct mac own = lab_mac(LAB_HOME);
	struct in6_addr target = packet_addr(LAB_HOME_OF);
	struct packet out;

	lab_sent(lab, LAB_HOME, &out);
	packet_assert_ether(&out, mac, &own);
	packet_unether(&out);
	packet_assert_addrs(&out, "fe80::ff:fe00:3", to);
	assert_int_equal(out.data[7], 255);
	packet_assert_icmp(&out, 136, 0, (uint32_t)flags << 24);
	assert_memory_equal(out.data + PACKET_IP6 + 8, &target, 16);
	assert_int_equal(out.data[PACKET_IP6 + 24], 2);
	assert_int_equal(out.data[PACKET_IP6 + 25], 1);
	assert_memory_equal(out.data + PACKET_IP6 + 26, own.b, 6);
	assert_int_equal(out.len, PACKET_IP6 + 32);
}

/* RFC 4861, 7.2.4: solicited, to the asker; the override and router flags are clear. */
static void test_answer(void **state)
{
	struct lab *lab = *state;
	struct mac asker = lab_peer_mac(LAB_HOME);
	struct packet ns;

	packet_solicit(&ns, ASKER, GROUP_OF, LAB_HOME_OF, &asker);
	receive(lab, &ns);
	expect_answer(lab, ASKER, &asker, 0x40);
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_neighbours_answered), 1);
}

/* Unreachability detection asks by unicast (RFC 4861, 7.3.3). */
static void test_unicast(void **state)
{
	struct lab *lab = *state;
	struct mac asker = lab_peer_mac(LAB_HOME);
	struct packet ns;

	packet_solicit(&ns, ASKER, LAB_HOME_OF, LAB_HOME_OF, NULL);
	receive(lab, &ns);
	expect_answer(lab, ASKER, &asker, 0x40);
	lab_nothing(lab);
}

/* A prober has no address: all nodes are told, and control sees the probe. */
static void test_probe(void **state)
{
	struct lab *lab = *state;
	struct mac group = {{0x33, 0x33, 0, 0, 0, 1}};
	struct mirror_tag tag;
	struct packet ns, out;

	packet_solicit(&ns, "::", GROUP_OF, LAB_HOME_OF, NULL);
	receive(lab, &ns);
	expect_answer(lab, ALL_NODES, &group, 0);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_NEIGHBOUR], &out, &tag);
	lab_nothing(lab);
	assert_int_equal(tag.reason, PACKET_NEIGHBOUR);
	assert_int_equal(tag.port, LAB_HOME);
	packet_unether(&out);
	packet_assert_equal(&out, &ns);
}

/* Control learns of other home agents by their advertisements; those of the gateway's own radvd
 * come from its twin. */
static void test_router_advertisement(void **state)
{
	struct lab *lab = *state;
	const uint8_t body[16] = {134, 0, 0, 0, 64, 0x20};
	struct mirror_tag tag;
	struct packet ra, out;

	packet_ip6(&ra, "fe80::77", ALL_NODES, 58, body, sizeof(body));
	packet_set_hop_limit(&ra, 255);
	receive(lab, &ra);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_NEIGHBOUR], &out, &tag);
	assert_int_equal(tag.reason, PACKET_NEIGHBOUR);
	packet_unether(&out);
	packet_assert_equal(&out, &ra);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	frame(&ra);
	lab_down(lab, MIRROR_FROM_TWIN, LAB_HOME, 0, &ra);
	lab_walk(lab);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
}

static void expect_kernel(struct lab *lab, const struct packet *p)
{
	struct packet out;

	receive(lab, p);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	packet_unether(&out);
	packet_assert_equal(&out, p);
}

static void test_others(void **state)
{
	struct lab *lab = *state;
	struct mac asker = lab_peer_mac(LAB_HOME);
	const uint8_t router_solicitation[8] = {133};
	uint8_t advertisement[24] = {136};
	struct packet p, out;

	packet_solicit(&p, ASKER, "ff02::1:ff00:77", "2001:db8:1::77", &asker);
	expect_kernel(lab, &p);
	lab_nothing(lab);
	packet_ip6(&p, "fe80::99", "ff02::2", 58, router_solicitation, 8);
	expect_kernel(lab, &p);
	lab_nothing(lab);
	/* A probe for another address: control and kernel see it. */
	packet_solicit(&p, "::", "ff02::1:ff00:77", "2001:db8:1::77", NULL);
	expect_kernel(lab, &p);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_NEIGHBOUR], &out, NULL);
	lab_nothing(lab);
	/* So they do the defence of somebody who has the address. */
	advertisement[23] = 5;
	packet_ip6(&p, ASKER, ALL_NODES, 58, advertisement, sizeof(advertisement));
	packet_set_hop_limit(&p, 255);
	expect_kernel(lab, &p);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_NEIGHBOUR], &out, NULL);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_equal(&out, &p);
}

/* RFC 4861, 7.1.1. */
static void test_invalid(void **state)
{
	struct lab *lab = *state;
	struct mac asker = lab_peer_mac(LAB_HOME);
	struct packet good, p;

	packet_solicit(&good, ASKER, GROUP_OF, LAB_HOME_OF, &asker);
	p = good;
	packet_set_hop_limit(&p, 254);
	drop(lab, &p, DROP_bad_neighbour);
	p = good;
	p.data[PACKET_IP6 + 4] ^= 1;
	drop(lab, &p, DROP_bad_neighbour);
	packet_solicit(&p, ASKER, GROUP_OF, "ff02::5", &asker);
	drop(lab, &p, DROP_bad_neighbour);
	packet_solicit(&p, "::", GROUP_OF, LAB_HOME_OF, &asker);
	drop(lab, &p, DROP_bad_neighbour);
	packet_solicit(&p, "::", "ff02::1:ff00:11", LAB_HOME_OF, NULL);
	drop(lab, &p, DROP_bad_neighbour);
	/* An option of length zero, and one beyond the packet, with the checksum made good. */
	for (uint8_t len = 0; len <= 2; len += 2) {
		uint8_t body[32];

		memcpy(body, good.data + PACKET_IP6, 32);
		body[25] = len;
		packet_ip6(&p, ASKER, GROUP_OF, 58, body, 32);
		packet_set_hop_limit(&p, 255);
		drop(lab, &p, DROP_bad_neighbour);
	}
	packet_ip6(&p, ASKER, GROUP_OF, 58, "\207\0\0\0\0\0\0\0", 8);
	packet_set_hop_limit(&p, 255);
	drop(lab, &p, DROP_bad_neighbour);
	assert_int_equal(lab_counter(lab, WORKER_neighbours_answered), 0);
}

/* Only there where control serves the link, and only while the node is away. */
static void test_other_link(void **state)
{
	struct lab *lab = *state;
	struct mac asker = lab_peer_mac(LAB_CORE), own = lab_mac(LAB_CORE);
	struct in6_addr group = packet_addr(GROUP_OF);
	struct mac group_mac = addr_multicast_mac(&group);
	struct packet ns, f, out;

	packet_solicit(&ns, ASKER, GROUP_OF, LAB_HOME_OF, &asker);
	f = ns;
	packet_ether(&f, &group_mac, &asker);
	lab_receive(lab, LAB_CORE, &f);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
	packet_solicit(&ns, ASKER, LAB_HOME_OF, LAB_HOME_OF, NULL);
	packet_ether(&ns, &own, &asker);
	lab_expect_drop(lab, LAB_CORE, &ns, DROP_neighbour_unicast);

	lab_delete(lab, OBJECT_SUBSCRIBER, 1);
	packet_solicit(&ns, ASKER, GROUP_OF, LAB_HOME_OF, &asker);
	receive(lab, &ns);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
}

/* Other Neighbour Discovery to the home address is not for the tunnel. */
static void test_not_tunnelled(void **state)
{
	struct lab *lab = *state;
	uint8_t advertisement[24] = {136};
	struct packet p;

	packet_ip6(&p, ASKER, LAB_HOME_OF, 58, advertisement, sizeof(advertisement));
	packet_set_hop_limit(&p, 255);
	drop(lab, &p, DROP_neighbour_unicast);
}

#define ABSENT_LINK_LOCAL "fe80::10"
#define ABSENT_GROUP      "ff02::1:ff00:10"

/* The node's link-local address is defended too (RFC 6275, 10.4.1). */
static void defend_link_local(struct lab *lab)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = 2};

	o.subscriber = (struct object_subscriber){.id = 2,
		.domain = object_link_domain(7),
		.link_id = 7,
		.prefix_count = 1,
		.path_count = 1,
		.prefixes = {{.addr = packet_addr(ABSENT_LINK_LOCAL), .len = 128}},
		.paths = {1}};
	lab_apply(lab, &o, 0);
}

static void test_link_local_is_answered(void **state)
{
	struct lab *lab = *state;
	struct mac asker = lab_peer_mac(LAB_HOME), own = lab_mac(LAB_HOME);
	struct in6_addr target = packet_addr(ABSENT_LINK_LOCAL);
	struct packet ns, out;

	packet_solicit(&ns, "fe80::99", ABSENT_GROUP, ABSENT_LINK_LOCAL, &asker);
	expect_kernel(lab, &ns); /* not before */
	defend_link_local(lab);
	for (int unicast = 0; unicast < 2; unicast++) {
		packet_solicit(&ns, "fe80::99", unicast ? ABSENT_LINK_LOCAL : ABSENT_GROUP,
			ABSENT_LINK_LOCAL, &asker);
		receive(lab, &ns);
		lab_sent(lab, LAB_HOME, &out);
		packet_assert_ether(&out, &asker, &own);
		packet_unether(&out);
		packet_assert_addrs(&out, "fe80::ff:fe00:3", "fe80::99");
		packet_assert_icmp(&out, 136, 0, 0x40u << 24);
		assert_memory_equal(out.data + PACKET_IP6 + 8, &target, 16);
		lab_nothing(lab);
	}
	/* The same address on another link is somebody else's. */
	packet_solicit(&ns, "fe80::99", ABSENT_GROUP, ABSENT_LINK_LOCAL, &asker);
	frame(&ns);
	lab_receive(lab, LAB_CORE, &ns);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].twin, &out, NULL);
	lab_nothing(lab);
}

/* RFC 6275, 10.4.2: not tunnelled; the sender is told on the link, at its Ethernet address. */
static void test_link_local_is_not_tunnelled(void **state)
{
	static const char *const senders[] = {"fe80::99", ASKER};
	static const uint8_t echo[8] = {128};
	struct lab *lab = *state;
	struct mac asker = lab_peer_mac(LAB_HOME), own = lab_mac(LAB_HOME);
	struct packet p, out;

	defend_link_local(lab);
	for (int i = 0; i < 4; i++) {
		const char *src = senders[i % 2];

		if (i < 2)
			packet_udp(&p, src, ABSENT_LINK_LOCAL, 100);
		else
			packet_ip6(&p, src, ABSENT_LINK_LOCAL, 58, echo, sizeof(echo));
		receive(lab, &p);
		lab_sent(lab, LAB_HOME, &out);
		packet_assert_ether(&out, &asker, &own);
		packet_unether(&out);
		packet_assert_addrs(&out, "fe80::ff:fe00:3", src);
		packet_assert_icmp(&out, 1, 3, 0);
		assert_memory_equal(out.data + PACKET_IP6 + 8, p.data, p.len);
		lab_nothing(lab);
	}
	packet_udp(&p, "fe80::99", "fe80::11", 100);
	expect_kernel(lab, &p);
	packet_ip6(&p, "fe80::99", ABSENT_LINK_LOCAL, 58, "\1\3\0\0\0\0\0\0", 8);
	drop(lab, &p, DROP_icmp6_forbidden);
	lab_delete(lab, OBJECT_SUBSCRIBER, 2);
	packet_udp(&p, "fe80::99", ABSENT_LINK_LOCAL, 100);
	expect_kernel(lab, &p);
	lab_nothing(lab);
}

/* Who listens on a home link is shown to control, and to the kernel; also by a report to the group
 * itself, and one that control will refuse. What comes from the kernel is not. */
static void test_listeners(void **state)
{
	/* Hop-by-hop options with Router Alert, then a report of MLDv2 or MLDv1. */
	static const uint8_t alert[] = {58, 0, 5, 2, 0, 0, 1, 0}, types[] = {143, 131, 132, 130};
	struct lab *lab = *state;
	/* To routers, to a group, and to the gateway alone. */
	static const char *const to[] = {"ff02::16", "ff1e::1", "ff02::2", "fe80::1"};
	struct mirror_tag tag;
	struct packet p, out;
	uint8_t message[8 + 24] = {0};

	memcpy(message, alert, sizeof(alert));
	for (unsigned i = 0; i < sizeof(types) + 1; i++) {
		message[8] = types[i % sizeof(types)];
		if (i < sizeof(types))
			packet_ip6(&p, "fe80::99", to[i], 0, message, sizeof(message));
		else
			packet_ip6(&p, "fe80::99", "ff02::16", 58, message + 8, 24);
		receive(lab, &p);
		lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_NEIGHBOUR], &out, &tag);
		assert_int_equal(tag.reason, PACKET_NEIGHBOUR);
		packet_unether(&out);
		packet_assert_equal(&out, &p);
		lab_taken(lab, mirror_queues[0].twin, &out, &tag);
		lab_nothing(lab);
	}
	/* Neither is this a report, nor is there one behind options that are too long. */
	message[8] = 128;
	packet_ip6(&p, "fe80::99", "ff02::16", 0, message, sizeof(message));
	expect_kernel(lab, &p);
	message[8] = 143;
	message[1] = 9;
	packet_ip6(&p, "fe80::99", "ff02::16", 0, message, sizeof(message));
	expect_kernel(lab, &p);
	lab_nothing(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_answer, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_unicast, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_probe, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_router_advertisement, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_others, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_listeners, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_invalid, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_other_link, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_not_tunnelled, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
			test_link_local_is_answered, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
			test_link_local_is_not_tunnelled, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
