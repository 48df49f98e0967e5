/* Packets with sequence numbers of subscribers with several paths: what is sent has them, and what
 * comes goes on in their order. */
#include <rte_cycles.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lab/lab.h"

#define NODE   "2001:db8:4::10" /* of subscriber 2, by two paths in GRE with keys */
#define PLAIN  "2001:db8:5::10" /* of subscriber 3, by two paths without GRE */
#define FIRST  "2001:db8:f::20"
#define SECOND "2001:db8:f::21"
#define HOST   "2001:db8:6::10" /* of subscriber 4, on the home link, with two tunnels */

enum { KEY_OUT = 77, KEY_IN = 88, NO_NUMBER = -1, WAIT_MS = 1000, SHORT_MS = 1 };

static const struct mac host_mac = {{2, 0, 0, 0, 4, 1}};

static const struct lab_keys keys = {KEY_OUT, KEY_IN};

struct wanted {
	uint64_t id;
	const char *prefix;
	uint64_t paths[3];
	uint8_t path_count;
	enum steering steering;
	struct object_order order;
};

static void set(struct lab *lab, const struct wanted *wanted)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = wanted->id};

	o.subscriber = (struct object_subscriber){.id = wanted->id,
		.prefix_count = 1,
		.path_count = wanted->path_count,
		.steering = (uint8_t)wanted->steering,
		.order = wanted->order};
	assert_int_equal(prefix6_parse(wanted->prefix, &o.subscriber.prefixes[0]), 0);
	memcpy(o.subscriber.paths, wanted->paths, sizeof(wanted->paths));
	o.subscriber.weights[wanted->path_count - 2] = 1;
	o.subscriber.weights[wanted->path_count - 1] = 1;
	lab_apply(lab, &o, 0);
}

static const struct wanted node = {
	2, "2001:db8:4::/64", {20, 21}, 2, STEERING_PACKET, {true, 8, WAIT_MS}};

static int setup(void **state)
{
	const struct wanted plain = {
		3, "2001:db8:5::/64", {30, 31}, 2, STEERING_PACKET, {true, 8, WAIT_MS}};
	int error = lab_setup(state);

	if (error)
		return error;
	lab_set_gre(*state, 20, FIRST, &keys);
	lab_set_gre(*state, 21, SECOND, &keys);
	lab_set_path(*state, 30, FIRST, 0, 0);
	lab_set_path(*state, 31, SECOND, 0, 0);
	set(*state, &node);
	set(*state, &plain);
	return 0;
}

static void attach(struct lab *lab)
{
	const struct wanted host = {
		4, "2001:db8:6::/64", {40, 41, 42}, 3, STEERING_PACKET, {true, 8, WAIT_MS}};
	struct object o = {.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};

	o.link = (struct object_link){.id = 7, .port = "home", .access = true};
	lab_apply(lab, &o, 0);
	o = (struct object){.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 40};
	o.path = (struct object_path){
		.id = 40, .kind = PATH_ON_LINK, .port = "home", .mac = host_mac};
	lab_apply(lab, &o, 0);
	lab_set_gre(lab, 41, FIRST, &keys);
	lab_set_gre(lab, 42, SECOND, &keys);
	set(lab, &host);
}

static uint32_t get32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static void receive(struct lab *lab, enum lab_port port, const struct packet *p)
{
	struct packet f = *p;
	struct mac dst = lab_mac(port), src = lab_peer_mac(port);

	packet_ether(&f, &dst, &src);
	lab_receive(lab, port, &f);
}

/* A packet of `size` octets in GRE with a number comes from a place. */
static void comes(struct lab *lab, const char *from, const char *source, const char *destination,
	int64_t number, uint16_t size)
{
	uint8_t header[12] = {number < 0 ? 0x20 : 0x30, 0, 0x86, 0xdd, 0, 0, 0, KEY_IN};
	const uint16_t len = number < 0 ? 8 : 12;
	struct packet p;

	for (unsigned i = 0; i < 4; i++)
		header[8 + i] = (uint8_t)((uint64_t)number >> (24 - 8 * i));
	packet_udp(&p, source, destination, size);
	memmove(p.data + len, p.data, p.len);
	memcpy(p.data, header, len);
	p.len = (uint16_t)(p.len + len);
	packet_wrap(&p, from, LAB_LOCAL);
	p.data[6] = IPPROTO_GRE;
	receive(lab, LAB_VISITED, &p);
}

/* A packet of this size leaves by a port next. */
static void leaves(struct lab *lab, enum lab_port port, uint16_t size)
{
	struct packet out;

	lab_sent(lab, port, &out);
	packet_unether(&out);
	assert_int_equal(packet_payload(&out), size + 8);
}

/* What leaves has a number, its length is right, and the packet is behind it. */
static void leaves_numbered(struct lab *lab, const struct packet *inner, uint32_t number)
{
	struct packet out, expected = *inner;

	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, number % 2 ? SECOND : FIRST);
	assert_int_equal(out.data[6], IPPROTO_GRE);
	assert_int_equal(packet_payload(&out), 12 + inner->len);
	assert_int_equal(out.data[PACKET_IP6], 0x30);
	assert_int_equal(get32(out.data + PACKET_IP6 + 4), KEY_OUT);
	assert_int_equal(get32(out.data + PACKET_IP6 + 8), number);
	packet_cut(&out, PACKET_IP6 + 12);
	packet_set_hop_limit(&expected, (uint8_t)(inner->data[7] - 1));
	packet_assert_equal(&out, &expected);
}

/* From 0 on, one row for both paths, which take turns. */
static void numbers_down(void **state)
{
	struct lab *lab = *state;
	struct packet in;

	for (uint16_t i = 0; i < 40; i++) {
		packet_udp(&in, LAB_PEER, NODE, i);
		receive(lab, LAB_CORE, &in);
	}
	lab_walk(lab);
	for (uint16_t i = 0; i < 40; i++) {
		packet_udp(&in, LAB_PEER, NODE, i);
		leaves_numbered(lab, &in, i);
	}
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_numbered), 40);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 40);
}

/* The row goes on when the subscriber changes, and rests while flows are shared out. */
static void numbers_outlive_changes(void **state)
{
	struct wanted changed = node;
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, LAB_PEER, NODE, 10);
	receive(lab, LAB_CORE, &in);
	lab_walk(lab);
	leaves_numbered(lab, &in, 0);
	lab_set_gre(lab, 20, "2001:db8:f::99", &keys); /* the list of paths is another one */
	lab_set_gre(lab, 20, FIRST, &keys);
	changed.steering = STEERING_FLOW;
	set(lab, &changed);
	receive(lab, LAB_CORE, &in);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	assert_int_equal(out.data[PACKET_IP6], 0x20);
	set(lab, &node);
	receive(lab, LAB_CORE, &in);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	assert_int_equal(get32(out.data + PACKET_IP6 + 8), 1);
	/* Without an order there is none, and another one begins anew. */
	changed = node;
	changed.order = (struct object_order){0};
	set(lab, &changed);
	receive(lab, LAB_CORE, &in);
	set(lab, &node);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	assert_int_equal(get32(out.data + PACKET_IP6 + 8), 0);
}

/* Tunnels without keys carry no numbers. */
static void no_number_without_a_key(void **state)
{
	struct lab *lab = *state;
	struct packet in, out;

	packet_udp(&in, LAB_PEER, PLAIN, 10);
	receive(lab, LAB_CORE, &in);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	packet_unether(&out);
	assert_int_equal(out.data[6], IPPROTO_IPV6);
	assert_int_equal(lab_counter(lab, WORKER_numbered), 0);
}

/* The largest packet is 4 octets smaller than without a number. */
static void too_big(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	packet_udp(&p, LAB_PEER, NODE, 1500 - 52 - 48);
	receive(lab, LAB_CORE, &p);
	lab_walk(lab);
	lab_sent(lab, LAB_VISITED, &out);
	assert_int_equal(out.len, 1500 + PACKET_ETHER);
	packet_udp(&p, LAB_PEER, NODE, 1500 - 52 - 48 + 1);
	receive(lab, LAB_CORE, &p);
	lab_walk(lab);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_icmp(&out, 2, 0, 1500 - 52);
}

static void put_in_order(void **state)
{
	struct lab *lab = *state;

	comes(lab, FIRST, NODE, LAB_PEER, 0, 100);
	comes(lab, FIRST, NODE, LAB_PEER, 2, 102);
	comes(lab, FIRST, NODE, LAB_PEER, 4, 104);
	comes(lab, SECOND, NODE, LAB_PEER, 1, 101);
	lab_walk(lab);
	for (uint16_t i = 0; i < 3; i++)
		leaves(lab, LAB_CORE, (uint16_t)(100 + i));
	lab_nothing(lab);
	comes(lab, SECOND, NODE, LAB_PEER, 3, 103);
	lab_walk(lab);
	leaves(lab, LAB_CORE, 103);
	leaves(lab, LAB_CORE, 104);
	assert_int_equal(lab_counter(lab, WORKER_resequenced), 5);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 5);
	comes(lab, SECOND, NODE, LAB_PEER, 3, 103);
	lab_walk(lab);
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_gre_late), 1);
}

/* What has no number goes by; so does everything of a subscriber without an order. */
static void others_pass(void **state)
{
	struct wanted changed = node;
	struct lab *lab = *state;

	comes(lab, FIRST, NODE, LAB_PEER, 7, 107);
	comes(lab, FIRST, NODE, LAB_PEER, NO_NUMBER, 50);
	lab_walk(lab);
	leaves(lab, LAB_CORE, 50);
	changed.order = (struct object_order){0};
	set(lab, &changed);
	comes(lab, FIRST, NODE, LAB_PEER, 9, 109);
	lab_walk(lab);
	leaves(lab, LAB_CORE, 109);
}

/* Nothing more comes, and what waits goes on. */
static void time_is_up(void **state)
{
	struct wanted hasty = node;
	struct lab *lab = *state;

	hasty.order.ms = SHORT_MS;
	set(lab, &hasty);
	comes(lab, FIRST, NODE, LAB_PEER, 3, 103);
	comes(lab, FIRST, NODE, LAB_PEER, 1, 101);
	lab_walk(lab);
	while (lab_pending(lab, LAB_CORE) < 2) {
		usleep(SHORT_MS * 1000);
		lab_walk(lab);
	}
	leaves(lab, LAB_CORE, 101);
	leaves(lab, LAB_CORE, 103);
	lab_nothing(lab);
}

/* A subscriber that is gone gets nothing of what waited. */
static void subscriber_is_gone(void **state)
{
	struct wanted hasty = node;
	struct lab *lab = *state;

	hasty.order.ms = SHORT_MS;
	set(lab, &hasty);
	comes(lab, FIRST, NODE, LAB_PEER, 1, 101);
	lab_walk(lab);
	lab_delete(lab, OBJECT_SUBSCRIBER, 2);
	while (lab_drops(lab, DROP_gre_gone) == 0) {
		usleep(SHORT_MS * 1000);
		lab_walk(lab);
	}
	lab_nothing(lab);
	assert_int_equal(lab_drops(lab, DROP_gre_gone), 1);
	set(lab, &node);
	comes(lab, FIRST, NODE, LAB_PEER, 0, 100);
	lab_walk(lab);
	leaves(lab, LAB_CORE, 100);
}

/* The teardown misses no buffer. */
static void worker_stops_while_packets_wait(void **state)
{
	struct lab *lab = *state;

	comes(lab, FIRST, NODE, LAB_PEER, 1, 101);
	comes(lab, FIRST, NODE, LAB_PEER, 2, 102);
	lab_walk(lab);
	lab_nothing(lab);
}

/* What comes to one worker and is another's to put in order goes there, and on from there. */
static void by_two_workers(void **state)
{
	static const char *const sources[] = {"resequence", NULL};
	const char *const prefixes[] = {"2001:db8:7::/64", "2001:db8:8::/64"};
	struct wanted other = node;
	struct lab *lab = *state;
	struct worker *second;
	int error = 0;

	for (uint64_t i = 0; i < 2; i++) {
		other.id = 7 + i;
		other.prefix = prefixes[i];
		set(lab, &other);
	}
	second = worker_create(
		&(struct worker_config){.index = 1, .tables = lab->tables, .nodes = sources},
		&error);
	assert_non_null(second);
	second->index = 0; /* both run in this thread, which is one reader */
	for (uint64_t i = 0; i < 2; i++) {
		const char *source = i ? "2001:db8:8::1" : "2001:db8:7::1";

		comes(lab, FIRST, source, LAB_PEER, 1, (uint16_t)(101 + 10 * i));
		comes(lab, SECOND, source, LAB_PEER, 0, (uint16_t)(100 + 10 * i));
	}
	lab_walk(lab);
	/* Two subscribers next to each other are of different workers. */
	assert_int_equal(lab_pending(lab, LAB_CORE), 2);
	assert_int_equal(lab_counter(lab, WORKER_resequenced), 4);
	assert_int_equal(lab_counter(lab, WORKER_resequenced_elsewhere), 2);
	assert_int_equal(worker_walk(second), 2);
	for (unsigned i = 0; i < 2; i++) {
		struct packet out;
		unsigned size;

		lab_sent(lab, LAB_CORE, &out);
		packet_unether(&out);
		size = packet_payload(&out) - 8u;
		assert_int_equal(size % 10, 0);
		leaves(lab, LAB_CORE, (uint16_t)(size + 1));
	}
	lab_nothing(lab);
	/* What waits in the ring is freed with the worker. */
	comes(lab, FIRST, "2001:db8:7::1", LAB_PEER, 2, 10);
	comes(lab, FIRST, "2001:db8:8::1", LAB_PEER, 2, 10);
	lab_walk(lab);
	assert_int_equal(lab_counter(lab, WORKER_resequenced_elsewhere), 3);
	leaves(lab, LAB_CORE, 10);
	lab_nothing(lab);
	worker_destroy(second);
}

/* The gateway's side: numbers for what the host sends, order in what it gets. */
static void attached(void **state)
{
	struct lab *lab = *state;
	struct mac gateway = lab_mac(LAB_HOME);
	struct packet in, f;

	attach(lab);
	for (uint16_t i = 0; i < 2; i++) {
		packet_udp(&in, HOST, LAB_PEER, i);
		f = in;
		packet_ether(&f, &gateway, &host_mac);
		lab_receive(lab, LAB_HOME, &f);
		lab_walk(lab);
		leaves_numbered(lab, &in, i);
	}
	comes(lab, SECOND, LAB_PEER, HOST, 1, 101);
	lab_walk(lab);
	lab_nothing(lab);
	comes(lab, FIRST, LAB_PEER, HOST, 0, 100);
	lab_walk(lab);
	leaves(lab, LAB_HOME, 100);
	leaves(lab, LAB_HOME, 101);
	lab_nothing(lab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_down, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(numbers_outlive_changes, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(no_number_without_a_key, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(too_big, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(put_in_order, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(others_pass, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(time_is_up, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(subscriber_is_gone, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(
			worker_stops_while_packets_wait, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(by_two_workers, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(attached, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
