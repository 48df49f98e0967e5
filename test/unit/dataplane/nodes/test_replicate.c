/* Multicast: each member gets each packet once, as it is; others get nothing; all else goes on. */
#include <errno.h>
#include <stdio.h>

#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/replicate.h"
#include "dataplane/port.h"
#include "group_rig.h"

static void each_kind_of_member(void **state)
{
	struct lab *lab = *state;
	const struct mac to = {{0x33, 0x33, 0, 0, 0, 0x99}}, home = lab_mac(LAB_HOME);
	struct packet p, out, inner;
	uint64_t octets = 0;

	lab_set_path(lab, 2, REMOTE2, 0, 0);
	set_group(lab, ANY, "::", GROUP, "", 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	set_member(lab, 2, ANY, MEMBER_PATH, 2, "", 0);
	set_member(lab, 3, ANY, MEMBER_LINK, 0, "home", 0);
	set_member(lab, 4, ANY, MEMBER_LINK, 0, "core", 0);
	for (uint16_t size = 0; size < 1400; size = (uint16_t)(size + 93)) {
		make(&p, GROUP, size);
		octets += p.len;
		arrive(lab, &p, LAB_CORE);
		expect_tunnel(lab, &p, LAB_CARE_OF);
		expect_tunnel(lab, &p, REMOTE2);
		lab_sent(lab, LAB_HOME, &out);
		packet_assert_ether(&out, &to, &home);
		packet_unether(&out);
		inner = p;
		packet_set_hop_limit(&inner, 63);
		packet_assert_equal(&out, &inner);
		/* Not to the link that it came by. */
		lab_nothing(lab);
	}
	assert_int_equal(lab_counter(lab, WORKER_multicast), 16);
	assert_int_equal(lab_counter(lab, WORKER_replicated), 48);
	/* Each member has its own share of that. */
	for (uint64_t id = 1; id <= 3; id++)
		expect_copies(lab, id, 16, octets);
	expect_copies(lab, 4, 0, 0);
	/* One that leads elsewhere begins anew, whatever its group was. */
	set_member(lab, 2, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	set_group(lab, SOURCE, LAB_PEER, GROUP, "", 0);
	set_member(lab, 3, SOURCE, MEMBER_LINK, 0, "home", 0);
	expect_copies(lab, 1, 16, octets);
	expect_copies(lab, 2, 0, 0);
	expect_copies(lab, 3, 0, 0);
	arrive(lab, &p, LAB_CORE);
	lab_sent(lab, LAB_HOME, &out);
	expect_copies(lab, 3, 1, p.len);
	expect_copies(lab, 1, 16, octets);
}

/* The same with packets that are sent in two pieces. */
static void in_pieces(void **state)
{
	port_segments = true;
	each_kind_of_member(state);
	port_segments = false;
}

static void the_source_decides(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	make(&p, GROUP, 100);
	drop(lab, &p, DROP_multicast);
	set_group(lab, ANY, "::", GROUP, "", 0);
	drop(lab, &p, DROP_multicast_member);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	/* Nobody wants this source. */
	set_group(lab, SOURCE, LAB_PEER, GROUP, "", 0);
	drop(lab, &p, DROP_multicast_member);
	lab_delete(lab, OBJECT_GROUP, SOURCE);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	make(&p, OTHER, 100);
	drop(lab, &p, DROP_multicast);
	lab_nothing(lab);
}

static void by_the_right_port(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	set_group(lab, ANY, "::", GROUP, "nowhere", -ENOENT);
	set_group(lab, ANY, "::", GROUP, "home", 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	make(&p, GROUP, 100);
	drop(lab, &p, DROP_multicast_port);
	arrive(lab, &p, LAB_HOME);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	set_group(lab, ANY, "::", GROUP, "core", 0);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	lab_nothing(lab);
}

static void bad_packets(void **state)
{
	struct lab *lab = *state;
	const uint8_t none_left[8] = {0, 0, 4, 1, 0, 1, 1, 0};
	struct packet p;

	set_group(lab, ANY, "::", GROUP, "", 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	make(&p, GROUP, 100);
	packet_set_hop_limit(&p, 1);
	drop(lab, &p, DROP_hop_limit);
	packet_udp(&p, "fe80::5", GROUP, 100);
	drop(lab, &p, DROP_scope);
	packet_udp(&p, "::", GROUP, 100);
	drop(lab, &p, DROP_bad_ip6_source);
	make(&p, GROUP, 100);
	packet_extend(&p, 60, none_left, sizeof(none_left));
	drop(lab, &p, DROP_tunnel_limit);
}

/* The tunnel encapsulation limit goes on, one less (RFC 2473, 4.1.1). */
static void encapsulation_limit(void **state)
{
	struct lab *lab = *state;
	const uint8_t three[8] = {0, 0, 4, 1, 3, 1, 1, 0}, two[8] = {41, 0, 4, 1, 2, 1, 1, 0};
	struct packet p, out, link;

	set_group(lab, ANY, "::", GROUP, "", 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	set_member(lab, 2, ANY, MEMBER_LINK, 0, "home", 0);
	make(&p, GROUP, 100);
	packet_extend(&p, 60, three, sizeof(three));
	arrive(lab, &p, LAB_CORE);
	/* On a link there is no tunnel. */
	lab_sent(lab, LAB_HOME, &link);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	assert_int_equal(out.data[6], 60);
	assert_int_equal(packet_payload(&out), p.len + 8);
	assert_memory_equal(out.data + PACKET_IP6, two, sizeof(two));
	packet_cut(&out, PACKET_IP6 + 8);
	packet_set_hop_limit(&p, 63);
	packet_assert_equal(&out, &p);
	packet_unether(&link);
	packet_assert_equal(&link, &p);
}

/* Tunnels in GRE (RFC 5845) beside others, whole and in pieces. */
static void in_gre(void **state)
{
	struct lab *lab = *state;
	const uint8_t gre[8] = {0x20, 0, 0x86, 0xdd, 1, 2, 3, 4};
	struct packet p, out;

	lab_set_gre(lab, 2, REMOTE2, &(struct lab_keys){0x01020304, 5});
	set_group(lab, ANY, "::", GROUP, "", 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	set_member(lab, 2, ANY, MEMBER_PATH, 2, "", 0);
	for (int pieces = 0; pieces < 2; pieces++) {
		port_segments = pieces;
		make(&p, GROUP, 1000);
		arrive(lab, &p, LAB_CORE);
		expect_tunnel(lab, &p, LAB_CARE_OF);
		lab_sent(lab, LAB_VISITED, &out);
		lab_nothing(lab);
		packet_unether(&out);
		packet_assert_addrs(&out, LAB_LOCAL, REMOTE2);
		assert_int_equal(out.data[6], IPPROTO_GRE);
		assert_int_equal(packet_payload(&out), p.len + sizeof(gre));
		assert_memory_equal(out.data + PACKET_IP6, gre, sizeof(gre));
		packet_cut(&out, PACKET_IP6 + sizeof(gre));
		packet_set_hop_limit(&p, 63);
		packet_assert_equal(&out, &p);
	}
	port_segments = false;
}

/* Too large for a tunnel: the sender is told; small enough to have to fit: in fragments. */
static void too_large(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	set_group(lab, ANY, "::", GROUP, "", 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	for (int pieces = 0; pieces < 2; pieces++) {
		port_segments = pieces;
		make(&p, GROUP, 1440);
		arrive(lab, &p, LAB_CORE);
		lab_sent(lab, LAB_CORE, &out);
		packet_unether(&out);
		packet_assert_addrs(&out, LAB_LOCAL, LAB_PEER);
		packet_assert_icmp(&out, 2, 0, 1460);
		lab_nothing(lab);
		lab_set_path(lab, 1, LAB_CARE_OF, 1280, 0);
		make(&p, GROUP, 1220);
		arrive(lab, &p, LAB_CORE);
		lab_sent(lab, LAB_VISITED, &out);
		packet_unether(&out);
		assert_int_equal(out.data[6], 44);
		lab_sent(lab, LAB_VISITED, &out);
		lab_nothing(lab);
		lab_set_path(lab, 1, LAB_CARE_OF, 0, 0);
	}
	port_segments = false;
}

/* What a member names may come and go, and move, without a word to the group. */
static void members_follow(void **state)
{
	struct lab *lab = *state;
	const uint64_t path = 5;
	struct packet p;

	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 5, "", -ENOENT);
	set_group(lab, ANY, "::", GROUP, "", 0);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 5, "", 0);
	make(&p, GROUP, 100);
	arrive(lab, &p, LAB_CORE);
	lab_nothing(lab);
	lab_set_path(lab, 5, "2001:db8:f::5", 0, 0);
	lab_set_subscriber(lab, 5, "2001:db8:1::55/128", 0, &path, 1, 0);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, "2001:db8:f::5");
	lab_set_path(lab, 5, "2001:db8:f::6", 0, 0);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, "2001:db8:f::6");
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, LAB_CARE_OF);
	lab_nothing(lab);
	assert_int_equal(lab->tables->groups.members_by_id.used, 1);
	assert_int_equal(group_counts_sum(&lab->tables->groups.counts,
				 group_table_by_id(&lab->tables->groups, ANY))
				 .lost,
		1);
}

static void set_many(struct lab *lab)
{
	set_group(lab, ANY, "::", GROUP, "", 0);
	for (uint64_t i = FIRST; i < FIRST + MANY; i++) {
		char remote[64];

		snprintf(remote, sizeof(remote), "2001:db8:f::%x", (unsigned)i);
		lab_set_path(lab, i, remote, 0, 0);
		set_member(lab, i, ANY, MEMBER_PATH, i, "", 0);
	}
}

/* Counts copies by the last two octets of their outer destination. */
static unsigned take(struct lab *lab, unsigned got[FIRST + 2 * MANY])
{
	unsigned n = 0;

	for (struct packet out; lab_pending(lab, LAB_VISITED); n++) {
		struct in6_addr dst;

		lab_sent(lab, LAB_VISITED, &out);
		packet_unether(&out);
		dst = packet_dst(&out);
		got[dst.s6_addr[14] << 8 | dst.s6_addr[15]]++;
	}
	return n;
}

/* In several walks; those who were there all the time get it once, whatever changes between. */
static void many_members(void **state)
{
	struct lab *lab = *state;
	unsigned got[FIRST + 2 * MANY] = {0}, walks = 0;
	struct packet p, f;

	set_many(lab);
	make(&p, GROUP, 100);
	f = p;
	multicast_frame(&f, LAB_CORE);
	lab_receive(lab, LAB_CORE, &f);
	while (worker_walk(lab->worker)) {
		assert_true(take(lab, got) <= REPLICATE_BUDGET);
		lab_delete(lab, OBJECT_MEMBER, FIRST + walks);
		set_member(lab, FIRST + MANY + walks, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
		walks++;
	}
	take(lab, got);
	assert_true(walks >= MANY / REPLICATE_BUDGET);
	for (unsigned i = FIRST; i < FIRST + MANY; i++) {
		assert_true(got[i] <= 1);
		if (i >= FIRST + walks)
			assert_int_equal(got[i], 1);
	}
}

/* A group that goes while a packet waits: the packet goes with it, another group does not get it.
 */
static void group_goes_meanwhile(void **state)
{
	struct lab *lab = *state;
	unsigned got[FIRST + 2 * MANY] = {0};
	struct packet p;

	set_many(lab);
	make(&p, GROUP, 100);
	multicast_frame(&p, LAB_CORE);
	lab_receive(lab, LAB_CORE, &p);
	worker_walk(lab->worker);
	worker_walk(lab->worker);
	for (uint64_t i = FIRST; i < FIRST + MANY; i++)
		lab_delete(lab, OBJECT_MEMBER, i);
	lab_delete(lab, OBJECT_GROUP, ANY);
	for (uint64_t id = SOURCE; id < SOURCE + 8; id++) {
		char text[64];

		snprintf(text, sizeof(text), "ff3e::%x", (unsigned)id);
		set_group(lab, id, "::", text, "", 0);
		set_member(lab, id, id, MEMBER_SUBSCRIBER, 1, "", 0);
	}
	lab_walk(lab);
	assert_true(take(lab, got) <= REPLICATE_BUDGET);
	assert_int_equal(got[0x10], 0);
}

/* The last buffers are for others; what is not copied is counted, and nothing leaks. */
static void buffers_run_out(void **state)
{
	struct lab *lab = *state;
	unsigned got[FIRST + 2 * MANY] = {0}, copies = 0;
	struct rte_mbuf *held[1023];
	unsigned n = 0;
	struct packet p;

	set_many(lab);
	while (rte_mempool_avail_count(lab->pool) > 200)
		held[n++] = rte_pktmbuf_alloc(lab->pool);
	make(&p, GROUP, 100);
	multicast_frame(&p, LAB_CORE);
	lab_receive(lab, LAB_CORE, &p);
	lab_walk(lab);
	assert_true(rte_mempool_avail_count(lab->pool) > 0);
	copies = take(lab, got);
	assert_int_equal(copies + lab_drops(lab, DROP_no_buffer), MANY);
	assert_true(copies > 0 && copies < MANY);
	rte_pktmbuf_free_bulk(held, n);
}

/* More packets than the queue holds. */
static void too_many_wait(void **state)
{
	struct lab *lab = *state;
	struct packet p;

	set_group(lab, ANY, "::", GROUP, "", 0);
	for (uint64_t i = 0; i < 200; i++)
		set_member(lab, 1 + i, ANY, MEMBER_SUBSCRIBER, 777, "", 0);
	make(&p, GROUP, 10);
	multicast_frame(&p, LAB_CORE);
	for (unsigned i = 0; i < REPLICATE_QUEUE + 100; i++)
		lab_receive(lab, LAB_CORE, &p);
	lab_walk(lab);
	lab_nothing(lab);
	assert_true(lab_drops(lab, DROP_multicast_full) > 0);
	assert_int_equal(lab_drops(lab, DROP_multicast_full) + lab_counter(lab, WORKER_multicast),
		REPLICATE_QUEUE + 100);
}

/* What routers and listeners say in tunnels is for control, tunnel header and all. */
static void listeners_in_tunnels(void **state)
{
	static const uint8_t report[8 + 8] = {58, 0, 5, 2, 0, 0, 1, 0, 143};
	const struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);
	struct lab *lab = *state;
	struct packet p, out, expected;
	struct mirror_tag tag;

	packet_ip6(&p, "fe80::99", "ff02::16", 0, report, sizeof(report));
	arrive_by_tunnel(lab, &p, "2001:db8:f::66");
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_REST], &out, &tag);
	assert_int_equal(tag.reason, PACKET_LISTENER);
	expected = p;
	packet_wrap(&expected, "2001:db8:f::66", LAB_LOCAL);
	packet_ether(&expected, &dst, &src);
	packet_unether(&out);
	packet_unether(&expected);
	packet_assert_equal(&out, &expected);
	lab_nothing(lab);
}

/* What is beyond the rate is dropped before it is copied, and counted. */
static void beyond_the_rate(void **state)
{
	struct lab *lab = *state;
	struct group_counters counted;
	struct packet p, out;

	set_way(lab, ANY, 0, 4000);
	set_member(lab, 1, ANY, MEMBER_SUBSCRIBER, 1, "", 0);
	make(&p, GROUP, 952);
	assert_int_equal(p.len, 1000);
	/* A thousand octets at once, and one packet more while any are left. */
	for (unsigned i = 0; i < 40; i++)
		arrive(lab, &p, LAB_CORE);
	counted = group_counts_sum(
		&lab->tables->groups.counts, group_table_by_id(&lab->tables->groups, ANY));
	assert_in_range(counted.packets, 1, 39);
	assert_int_equal(counted.packets + counted.limited, 40);
	assert_int_equal(lab_drops(lab, DROP_multicast_rate), counted.limited);
	assert_int_equal(lab_pending(lab, LAB_VISITED), counted.packets);
	for (unsigned i = 0; i < counted.packets; i++)
		lab_sent(lab, LAB_VISITED, &out);
	set_way(lab, ANY, 0, 0);
	arrive(lab, &p, LAB_CORE);
	expect_tunnel(lab, &p, LAB_CARE_OF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_kind_of_member, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(in_pieces, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(the_source_decides, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(by_the_right_port, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(bad_packets, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(encapsulation_limit, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(in_gre, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(too_large, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(members_follow, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(many_members, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(group_goes_meanwhile, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(buffers_run_out, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(too_many_wait, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(listeners_in_tunnels, lab_setup, lab_teardown),
		cmocka_unit_test_setup_teardown(beyond_the_rate, lab_setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
