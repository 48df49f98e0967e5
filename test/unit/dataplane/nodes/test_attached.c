/* Subscribers that are on a link here: what is for them, and what they send. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"
#include "dataplane/port.h"

#define ANCHOR  "2001:db8:f::f" /* where the tunnel leads */
#define ANCHOR2 "2001:db8:f::e"
#define LOCAL2  "2001:db8:ffff::2"
#define HOST    "2001:db8:4::10" /* of subscriber 2, attached to the home link */
#define OTHER   "2001:db8:5::10" /* of subscriber 3, there too */

static const struct mac host_mac = {{2, 0, 0, 0, 4, 1}};
static const struct mac other_mac = {{2, 0, 0, 0, 5, 1}};

static void set_on_link(struct lab *lab, uint64_t id, const struct mac *mac, int expected)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id, .kind = PATH_ON_LINK, .port = "home", .mac = *mac};
	lab_apply(lab, &o, expected);
}

static void attach(struct lab *lab)
{
	const uint64_t host[] = {20, 21}, other[] = {30, 31};
	struct object o = {.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};

	o.link = (struct object_link){.id = 7, .port = "home", .access = true};
	lab_apply(lab, &o, 0);
	set_on_link(lab, 20, &host_mac, 0);
	set_on_link(lab, 30, &other_mac, 0);
	lab_set_path(lab, 21, ANCHOR, 0, 0);
	lab_set_path(lab, 31, ANCHOR, 0, 0);
	lab_set_subscriber(lab, 2, "2001:db8:4::/64", 0, host, 2, 0);
	lab_set_subscriber(lab, 3, "2001:db8:5::/64", 0, other, 2, 0);
}

static int setup(void **state)
{
	int error = lab_setup(state);

	if (!error)
		attach(*state);
	return error;
}

/* A frame of a host to the gateway. */
static void from_host(struct packet *p, const struct mac *mac)
{
	struct mac gateway = lab_mac(LAB_HOME);

	packet_ether(p, &gateway, mac);
}

static void from_anchor(struct packet *p, const char *outer_src)
{
	struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);

	packet_wrap(p, outer_src, LAB_LOCAL);
	packet_ether(p, &dst, &src);
}

static void expect_at_host(struct lab *lab, const struct packet *inner, const struct mac *mac)
{
	struct mac gateway = lab_mac(LAB_HOME);
	struct packet out, expected = *inner;

	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_assert_ether(&out, mac, &gateway);
	packet_unether(&out);
	packet_set_hop_limit(&expected, (uint8_t)(inner->data[7] - 1));
	packet_assert_equal(&out, &expected);
}

static void test_down(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, LAB_PEER, HOST, 77);
	f = in;
	from_anchor(&f, ANCHOR);
	lab_receive(lab, LAB_VISITED, &f);
	lab_walk(lab);
	expect_at_host(lab, &in, &host_mac);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 1);
}

/* From who is not its anchor, or for who is not attached, nothing comes out of a tunnel. */
static void test_down_from_elsewhere(void **state)
{
	struct lab *lab = *state;
	struct packet f;

	packet_udp(&f, LAB_PEER, HOST, 77);
	from_anchor(&f, "2001:db8:f::66");
	lab_expect_drop(lab, LAB_VISITED, &f, DROP_unknown_source);
	packet_udp(&f, LAB_PEER, "2001:db8:6::1", 77);
	from_anchor(&f, ANCHOR);
	lab_expect_drop(lab, LAB_VISITED, &f, DROP_unknown_source);
}

/* A frame from a host here leaves as one packet, out: in the tunnel to its anchor. */
static void expect_at_anchor(struct lab *lab, struct packet *f, struct packet *out)
{
	lab_receive(lab, LAB_HOME, f);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, out);
	lab_nothing(lab);
	packet_unether(out);
	packet_assert_addrs(out, LAB_LOCAL, ANCHOR);
}

static void test_up(void **state)
{
	struct lab *lab = *state;
	struct packet in, f, out;

	packet_udp(&in, HOST, LAB_PEER, 77);
	f = in;
	from_host(&f, &host_mac);
	expect_at_anchor(lab, &f, &out);
	packet_cut(&out, PACKET_IP6);
	packet_set_hop_limit(&in, 63);
	packet_assert_equal(&out, &in);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 1);
}

/* The host has two tunnels, to ANCHOR and ANCHOR2. */
static void attach_twice(struct lab *lab, enum steering steering)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = 2};

	lab_set_path(lab, 22, ANCHOR2, 0, 0);
	o.subscriber = (struct object_subscriber){.id = 2,
		.prefix_count = 1,
		.path_count = 3,
		.steering = (uint8_t)steering,
		.prefixes = {{packet_addr("2001:db8:4::"), 64}},
		.paths = {20, 21, 22}};
	if (steering != STEERING_FIRST) {
		o.subscriber.weights[1] = 1;
		o.subscriber.weights[2] = 2;
	}
	lab_apply(lab, &o, 0);
}

static void udp_to(struct packet *p, const char *src, const char *dst, uint16_t port)
{
	packet_udp(p, src, dst, 77);
	p->data[42] = (uint8_t)(port >> 8);
	p->data[43] = (uint8_t)port;
}

/* Whether what the host sends to a port goes by the second tunnel. */
static bool goes_second(struct lab *lab, uint16_t port)
{
	const struct in6_addr second = packet_addr(ANCHOR2);
	struct packet f, out;

	udp_to(&f, HOST, LAB_PEER, port);
	from_host(&f, &host_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	return memcmp(out.data + 24, &second, sizeof(second)) == 0;
}

static struct path_traffic carried(const struct lab *lab, uint64_t path)
{
	const struct path_table *t = &lab->tables->paths;

	return path_traffic_of(&t->traffic, path_table_find(t, path));
}

/* Two tunnels from one anchor: what came by each is told apart by where it ended here. */
static void test_counts_by_tunnel(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 99};
	struct packet f;

	o.local = (struct object_local){.id = 99, .addr = packet_addr(LOCAL2)};
	lab_apply(lab, &o, 0);
	attach_twice(lab, STEERING_FIRST);
	o = (struct object){.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 22};
	o.path = (struct object_path){.id = 22,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(LOCAL2),
		.remote = packet_addr(ANCHOR)};
	lab_apply(lab, &o, 0);
	for (unsigned i = 0; i < 3; i++) {
		struct mac dst = lab_mac(LAB_VISITED), src = lab_peer_mac(LAB_VISITED);

		packet_udp(&f, LAB_PEER, HOST, 77);
		packet_wrap(&f, ANCHOR, i ? LOCAL2 : LAB_LOCAL);
		packet_ether(&f, &dst, &src);
		lab_receive(lab, LAB_VISITED, &f);
		lab_walk(lab);
		lab_sent(lab, LAB_HOME, &f);
	}
	lab_nothing(lab);
	assert_int_equal(carried(lab, 21).packets[PATH_IN], 1);
	assert_int_equal(carried(lab, 22).packets[PATH_IN], 2);
	assert_int_equal(carried(lab, 22).octets[PATH_IN], 2 * (40 + 8 + 77));
	assert_false(goes_second(lab, 9));
	assert_int_equal(carried(lab, 21).packets[PATH_OUT], 1);
	assert_int_equal(carried(lab, 22).packets[PATH_OUT], 0);
}

static void test_up_first(void **state)
{
	attach_twice(*state, STEERING_FIRST);
	for (uint16_t port = 1; port < 20; port++)
		assert_false(goes_second(*state, port));
}

static void test_up_by_flow(void **state)
{
	unsigned second = 0;

	attach_twice(*state, STEERING_FLOW);
	for (uint16_t port = 1; port <= 300; port++) {
		bool by = goes_second(*state, port);

		assert_int_equal(goes_second(*state, port), by);
		second += by;
	}
	assert_in_range(second, 150, 250);
}

static void test_up_by_packet(void **state)
{
	unsigned second = 0;

	attach_twice(*state, STEERING_PACKET);
	for (unsigned i = 0; i < 300; i++)
		second += goes_second(*state, 9);
	assert_int_equal(second, 200);
}

/* Rules say what goes up; what comes down goes to the link. */
static void test_up_by_rule(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_RULE, .op = OBJECT_SET, .id = 9};
	struct packet f;

	attach_twice(lab, STEERING_FIRST);
	o.rule = (struct object_rule){.id = 9,
		.subscriber = 2,
		.action = RULE_TO_FIRST,
		.path_count = 2,
		.paths = {22, 21},
		.selector = {.version = 6,
			.fields = 1 << RULE_DESTINATION_PORT,
			.numbers[RULE_DESTINATION_PORT] = {80, 80}}};
	lab_apply(lab, &o, 0);
	assert_true(goes_second(lab, 80));
	assert_false(goes_second(lab, 81));
	udp_to(&f, LAB_PEER, HOST, 80);
	from_anchor(&f, ANCHOR2);
	lab_receive(lab, LAB_VISITED, &f);
	lab_walk(lab);
	lab_sent(lab, LAB_HOME, &f);
	lab_nothing(lab);
	o.rule.action = RULE_DROP;
	o.rule.path_count = 0;
	o.rule.paths[0] = o.rule.paths[1] = 0;
	lab_apply(lab, &o, 0);
	udp_to(&f, HOST, LAB_PEER, 80);
	from_host(&f, &host_mac);
	lab_expect_drop(lab, LAB_HOME, &f, DROP_rule);
}

/* Also to another one here: their anchor says what they may. */
static void test_up_to_neighbour(void **state)
{
	struct lab *lab = *state;
	struct packet f, out;

	packet_udp(&f, HOST, OTHER, 77);
	from_host(&f, &host_mac);
	expect_at_anchor(lab, &f, &out);
}

static void route_locally(struct lab *lab, bool on)
{
	struct object o = {.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};

	o.link = (struct object_link){.id = 7, .port = "home", .access = true, .local_routing = on};
	lab_apply(lab, &o, 0);
}

/* With local routing straight to that one, and to no other: RFC 5213, 6.10.3 and 6.10.5. */
static void test_straight_to_neighbour(void **state)
{
	struct lab *lab = *state;
	struct packet in, f, out;

	attach_twice(lab, STEERING_FLOW);
	route_locally(lab, true);
	packet_udp(&in, OTHER, HOST, 77);
	f = in;
	from_host(&f, &other_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	expect_at_host(lab, &in, &host_mac);
	packet_udp(&in, HOST, OTHER, 77);
	f = in;
	from_host(&f, &host_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	expect_at_host(lab, &in, &other_mac);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 0);
	/* What is not from there is not forwarded, and who is not here gets it by the tunnel. */
	f = in;
	from_host(&f, &other_mac);
	lab_expect_drop(lab, LAB_HOME, &f, DROP_access_foreign);
	packet_udp(&f, OTHER, LAB_HOME_OF, 77);
	from_host(&f, &other_mac);
	expect_at_anchor(lab, &f, &out);
	route_locally(lab, false);
	packet_udp(&f, OTHER, HOST, 77);
	from_host(&f, &other_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
}

/* And back from the anchor: its inner source is one that is attached here. */
static void test_down_from_neighbour(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, HOST, OTHER, 77);
	f = in;
	from_anchor(&f, ANCHOR);
	lab_receive(lab, LAB_VISITED, &f);
	lab_walk(lab);
	expect_at_host(lab, &in, &other_mac);
}

static void test_foreign(void **state)
{
	struct lab *lab = *state;
	struct packet f;

	packet_udp(&f, HOST, LAB_PEER, 77);
	from_host(&f, &other_mac);
	lab_expect_drop(lab, LAB_HOME, &f, DROP_access_foreign);
	/* One that is reached by a tunnel is not here. */
	packet_udp(&f, LAB_HOME_OF, LAB_PEER, 77);
	from_host(&f, &host_mac);
	lab_expect_drop(lab, LAB_HOME, &f, DROP_access_foreign);
}

/* What nobody known sends shows control that somebody is there, but not without end. */
static void test_stranger(void **state)
{
	struct lab *lab = *state;
	struct packet f, punted;
	struct mirror_tag tag;
	unsigned shown = 0;

	packet_udp(&f, "2001:db8:6::1", LAB_PEER, 77);
	from_host(&f, &host_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_REST], &punted, &tag);
	packet_assert_equal(&punted, &f);
	assert_int_equal(tag.reason, PACKET_NEIGHBOUR);
	for (int i = 0; i < 200; i++) {
		lab_receive(lab, LAB_HOME, &f);
		lab_walk(lab);
	}
	shown = (unsigned)lab_counter(lab, WORKER_punted);
	assert_true(shown < 200);
	assert_int_equal(lab_drops(lab, DROP_access_unknown), 201 - shown);
	for (unsigned i = 1; i < shown; i++)
		lab_taken(lab, mirror_queues[0].punt[MIRROR_CLASS_REST], &punted, &tag);
	lab_nothing(lab);
}

static void test_hop_limit(void **state)
{
	struct lab *lab = *state;
	struct packet f, out;

	packet_udp(&f, HOST, LAB_PEER, 10);
	packet_set_hop_limit(&f, 1);
	from_host(&f, &host_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	lab_sent(lab, LAB_HOME, &out);
	packet_unether(&out);
	packet_assert_icmp(&out, 3, 0, 0);
	lab_nothing(lab);
}

/* A packet that does not fit the tunnel: its sender, who is here, is told. */
static void test_too_big(void **state)
{
	struct lab *lab = *state;
	struct packet f, out;

	packet_udp(&f, HOST, LAB_PEER, 1480);
	from_host(&f, &host_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_unether(&out);
	struct in6_addr to = packet_dst(&out);

	assert_string_equal(ADDR_TEXT(&to), HOST);
	packet_assert_icmp(&out, 2, 0, 1460);
}

static void test_kernel_reaches_it(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;
	struct mac to = {{2, 9, 9, 9, 9, 9}}, from = lab_mac(LAB_HOME);

	packet_udp(&in, "2001:db8:1::1", HOST, 20);
	f = in;
	packet_ether(&f, &to, &from);
	lab_down(lab, MIRROR_FROM_TWIN, LAB_HOME, 0, &f);
	lab_walk(lab);
	packet_set_hop_limit(&in, (uint8_t)(in.data[7] + 1)); /* not decremented */
	expect_at_host(lab, &in, &host_mac);
}

static void test_objects(void **state)
{
	struct lab *lab = *state;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 50};
	struct object_path found;

	o.path = (struct object_path){.id = 50, .kind = PATH_ON_LINK, .port = "nowhere"};
	lab_apply(lab, &o, -ENOENT);
	o.path = (struct object_path){.id = 50, .kind = PATH_IP6_IN_IP6};
	o.path.remote.s6_addr[0] = 0x20;
	lab_apply(lab, &o, -EINVAL);
	found = path_table_object(&lab->tables->paths, path_table_find(&lab->tables->paths, 20));
	assert_int_equal(found.kind, PATH_ON_LINK);
	assert_string_equal(found.port, "home");
	assert_true(mac_equal(&found.mac, &host_mac));
	/* It moves to another interface. */
	set_on_link(lab, 20, &(struct mac){{2, 0, 0, 0, 4, 2}}, 0);
	found = path_table_object(&lab->tables->paths, path_table_find(&lab->tables->paths, 20));
	assert_int_equal(found.mac.b[5], 2);
}

static void test_link_that_is_no_access_link_any_more(void **state)
{
	struct lab *lab = *state;

	assert_int_equal(link_table_access(&lab->tables->links), 1u << LAB_HOME);
	lab_delete(lab, OBJECT_LINK, 7);
	assert_int_equal(link_table_access(&lab->tables->links), 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, lab_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_down),
		TEST(test_down_from_elsewhere),
		TEST(test_up),
		TEST(test_up_first),
		TEST(test_counts_by_tunnel),
		TEST(test_up_by_flow),
		TEST(test_up_by_packet),
		TEST(test_up_by_rule),
		TEST(test_up_to_neighbour),
		TEST(test_straight_to_neighbour),
		TEST(test_down_from_neighbour),
		TEST(test_foreign),
		TEST(test_stranger),
		TEST(test_hop_limit),
		TEST(test_too_big),
		TEST(test_kernel_reaches_it),
		TEST(test_objects),
		TEST(test_link_that_is_no_access_link_any_more),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
