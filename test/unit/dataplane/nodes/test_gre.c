/* Tunnels in GRE: what leaves in them, what comes out of them, and what must not. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../lab/lab.h"

#define KEYED    "2001:db8:4::10" /* of subscriber 2, in GRE with keys */
#define UNKEYED  "2001:db8:5::10" /* of subscriber 3, in GRE without */
#define CARE_OF2 "2001:db8:f::20" /* of both */
#define ATTACHED "2001:db8:6::10" /* of subscriber 4, on the home link, with a tunnel with keys */

enum { KEY_OUT = 0x01020304, KEY_IN = 0x0a0b0c0d, KEY2_OUT = 77, KEY2_IN = 78 };

static const struct mac host_mac = {{2, 0, 0, 0, 4, 1}};

static void attach(struct lab *lab)
{
	const uint64_t paths[] = {40, 41};
	struct object o = {.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};

	o.link = (struct object_link){.id = 7, .port = "home", .access = true};
	lab_apply(lab, &o, 0);
	o = (struct object){.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 40};
	o.path = (struct object_path){
		.id = 40, .kind = PATH_ON_LINK, .port = "home", .mac = host_mac};
	lab_apply(lab, &o, 0);
	lab_set_gre(lab, 41, CARE_OF2, &(struct lab_keys){KEY2_OUT, KEY2_IN});
	lab_set_subscriber(lab, 4, "2001:db8:6::/64", 0, paths, 2, 0);
}

static int setup(void **state)
{
	const uint64_t keyed = 20, unkeyed = 30;
	int error = lab_setup(state);

	if (error)
		return error;
	lab_set_gre(*state, 20, CARE_OF2, &(struct lab_keys){KEY_OUT, KEY_IN});
	lab_set_gre(*state, 30, CARE_OF2, NULL);
	lab_set_subscriber(*state, 2, "2001:db8:4::/64", 0, &keyed, 1, 0);
	lab_set_subscriber(*state, 3, "2001:db8:5::/64", 0, &unkeyed, 1, 0);
	return 0;
}

/* The outer header around GRE. */
static void wrap(struct packet *p, const char *src)
{
	packet_wrap(p, src, LAB_LOCAL);
	p->data[6] = IPPROTO_GRE;
}

static void wrap_keyed(struct packet *p, uint32_t key)
{
	packet_wrap_keyed(p, CARE_OF2, LAB_LOCAL, key);
}

static void wrap_unkeyed(struct packet *p)
{
	const uint8_t header[4] = {0, 0, 0x86, 0xdd};

	packet_prepend(p, header, sizeof(header));
	wrap(p, CARE_OF2);
}

static void drop(struct lab *lab, const struct packet *p, enum drop_reason reason)
{
	struct packet f = *p;

	lab_frame(&f, LAB_VISITED);
	lab_expect_drop(lab, LAB_VISITED, &f, reason);
}

/* The inner packet left by the core port. */
static void expect_out(struct lab *lab, const struct packet *inner)
{
	struct packet out, expected = *inner;

	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_set_hop_limit(&expected, (uint8_t)(inner->data[7] - 1));
	packet_assert_equal(&out, &expected);
}

/* What left is the inner packet behind these octets of GRE. */
static void expect_in_gre(
	struct lab *lab, const struct packet *inner, const uint8_t *header, uint16_t len)
{
	struct packet out, expected = *inner;

	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, CARE_OF2);
	assert_int_equal(out.data[6], IPPROTO_GRE);
	assert_int_equal(out.data[7], 64);
	assert_int_equal(packet_payload(&out), len + inner->len);
	assert_memory_equal(out.data + PACKET_IP6, header, len);
	packet_cut(&out, (uint16_t)(PACKET_IP6 + len));
	packet_set_hop_limit(&expected, (uint8_t)(inner->data[7] - 1));
	packet_assert_equal(&out, &expected);
}

static void test_down(void **state)
{
	static const uint8_t keyed[] = {0x20, 0, 0x86, 0xdd, 1, 2, 3, 4};
	static const uint8_t unkeyed[] = {0, 0, 0x86, 0xdd};
	struct lab *lab = *state;
	struct packet in;

	packet_udp(&in, LAB_PEER, KEYED, 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_in_gre(lab, &in, keyed, sizeof(keyed));
	packet_udp(&in, LAB_PEER, UNKEYED, 100);
	lab_arrive(lab, LAB_CORE, &in);
	expect_in_gre(lab, &in, unkeyed, sizeof(unkeyed));
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 2);
}

static void test_up(void **state)
{
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, KEYED, LAB_PEER, 77);
	f = in;
	wrap_keyed(&f, KEY_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, &in);
	packet_udp(&in, UNKEYED, LAB_PEER, 77);
	f = in;
	wrap_unkeyed(&f);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, &in);
	assert_int_equal(lab_counter(lab, WORKER_decapsulated), 2);
}

static uint16_t sum(const uint8_t *at, uint16_t len)
{
	uint32_t s = 0;

	for (uint16_t i = 0; i < len; i++)
		s += i % 2 ? at[i] : (uint32_t)at[i] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

/* Checksum, key and sequence number together; the checksum covers all to the end. */
static void test_all_fields(void **state)
{
	struct lab *lab = *state;
	uint8_t header[16] = {0xb0, 0, 0x86, 0xdd};
	struct packet in, f;

	packet_udp(&in, KEYED, LAB_PEER, 78);
	packet_put32(header + 8, KEY_IN);
	packet_put32(header + 12, 99);
	f = in;
	packet_prepend(&f, header, sizeof(header));
	packet_put32(header + 4, (uint32_t)sum(f.data, f.len) << 16);
	f = in;
	packet_prepend(&f, header, sizeof(header));
	wrap(&f, CARE_OF2);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, &in);

	f.data[f.len - 1] ^= 1;
	drop(lab, &f, DROP_gre_header);
}

static void test_wrong_key(void **state)
{
	struct lab *lab = *state;
	struct packet f;

	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN + 1);
	drop(lab, &f, DROP_gre_key);
	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_OUT);
	drop(lab, &f, DROP_gre_key);
	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_unkeyed(&f);
	drop(lab, &f, DROP_gre_key);
	packet_udp(&f, UNKEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	drop(lab, &f, DROP_gre_key);
}

/* Neither does a plain tunnel take what is in GRE, nor the other way round; nor from elsewhere. */
static void test_wrong_tunnel(void **state)
{
	struct lab *lab = *state;
	struct packet f;

	packet_udp(&f, KEYED, LAB_PEER, 10);
	packet_wrap(&f, CARE_OF2, LAB_LOCAL);
	drop(lab, &f, DROP_tunnel_kind);
	packet_udp(&f, LAB_HOME_OF, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	drop(lab, &f, DROP_wrong_care_of);
	packet_udp(&f, LAB_HOME_OF, LAB_PEER, 10);
	wrap_unkeyed(&f);
	f.data[23] = 0x10; /* LAB_CARE_OF */
	drop(lab, &f, DROP_tunnel_kind);
	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	f.data[23] = 0x66;
	drop(lab, &f, DROP_wrong_care_of);
	packet_udp(&f, "2001:db8:7::1", LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	drop(lab, &f, DROP_unknown_source);
}

static void test_bad_header(void **state)
{
	static const struct {
		uint8_t first, second;
		uint16_t type;
		enum drop_reason reason;
	} cases[] = {
		{0x60, 0, 0x86dd, DROP_gre_header}, /* routing (RFC 1701) */
		{0x28, 0, 0x86dd, DROP_gre_header}, {0x24, 0, 0x86dd, DROP_gre_header},
		{0x20, 1, 0x86dd, DROP_gre_header}, /* version */
		{0x20, 7, 0x86dd, DROP_gre_header},
		{0xa0, 0, 0x86dd, DROP_gre_header}, /* the key is no checksum */
		{0x20, 0, 0x0800, DROP_gre_protocol}, {0x20, 0, 0x6558, DROP_gre_protocol},
		{0x10, 0, 0x86dd, DROP_gre_key}, /* the key is a sequence number */
	};
	struct lab *lab = *state;
	struct packet in, f;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		packet_udp(&f, KEYED, LAB_PEER, 10);
		wrap_keyed(&f, KEY_IN);
		f.data[40] = cases[i].first;
		f.data[41] = cases[i].second;
		f.data[42] = (uint8_t)(cases[i].type >> 8);
		f.data[43] = (uint8_t)cases[i].type;
		drop(lab, &f, cases[i].reason);
	}
	/* Bits that are to be passed over. */
	packet_udp(&in, KEYED, LAB_PEER, 10);
	f = in;
	wrap_keyed(&f, KEY_IN);
	f.data[40] |= 0x03;
	f.data[41] |= 0xf8;
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, &in);
}

static void test_truncated(void **state)
{
	struct lab *lab = *state;
	struct packet f;

	for (uint16_t left = 0; left < 8; left++) {
		packet_udp(&f, KEYED, LAB_PEER, 10);
		wrap_keyed(&f, KEY_IN);
		f.len = (uint16_t)(PACKET_IP6 + left);
		packet_set_length(&f, left);
		drop(lab, &f, DROP_gre_header);
	}
	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	packet_set_length(&f, 8 + PACKET_IP6 - 1);
	f.len = PACKET_IP6 + 8 + PACKET_IP6 - 1;
	drop(lab, &f, DROP_tunnel_inner);
}

/* From node to node, both ends in GRE. */
static void test_through(void **state)
{
	static const uint8_t keyed[] = {0x20, 0, 0x86, 0xdd, 1, 2, 3, 4};
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, UNKEYED, KEYED, 60);
	f = in;
	wrap_unkeyed(&f);
	lab_arrive(lab, LAB_VISITED, &f);
	expect_in_gre(lab, &in, keyed, sizeof(keyed));
}

/* Options between outer header and GRE: a limit goes down there and counts (RFC 2473, 4.1.1). */
static void test_limit(void **state)
{
	static const uint8_t limit[8] = {0, 0, 4, 1, 4, 1, 1, 0};
	struct lab *lab = *state;
	struct packet in, f, out;

	packet_udp(&in, KEYED, LAB_PEER, 10);
	f = in;
	wrap_keyed(&f, KEY_IN);
	packet_extend(&f, 60, limit, sizeof(limit));
	lab_arrive(lab, LAB_VISITED, &f);
	expect_out(lab, &in);

	packet_udp(&in, LAB_PEER, KEYED, 10);
	packet_extend(&in, 60, limit, sizeof(limit));
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_VISITED, &out);
	lab_nothing(lab);
	packet_unether(&out);
	assert_int_equal(out.data[6], 60);
	assert_int_equal(out.data[40], IPPROTO_GRE);
	assert_int_equal(out.data[44], 3);
	assert_int_equal(out.data[48], 0x20);
	assert_int_equal(packet_payload(&out), 16 + in.len);
}

/* The largest packet is 48 octets smaller than the way; a smaller one may not be refused. */
static void test_too_big(void **state)
{
	struct lab *lab = *state;
	struct packet p, out, f;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 20};

	packet_udp(&p, LAB_PEER, KEYED, 1500 - 48 - 48);
	lab_arrive(lab, LAB_CORE, &p);
	lab_sent(lab, LAB_VISITED, &out);
	assert_int_equal(out.len, 1500 + PACKET_ETHER);
	packet_udp(&p, LAB_PEER, KEYED, 1500 - 48 - 48 + 1);
	lab_arrive(lab, LAB_CORE, &p);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_icmp(&out, 2, 0, 1500 - 48);

	/* In pieces, out of which another data plane makes one again. */
	o.path = (struct object_path){.id = 20,
		.kind = PATH_GRE,
		.local = packet_addr(LAB_LOCAL),
		.remote = packet_addr(CARE_OF2),
		.mtu = 1300,
		.keyed = true,
		.key_out = KEY_OUT,
		.key_in = KEY_IN};
	lab_apply(lab, &o, 0);
	packet_udp(&p, LAB_PEER, KEYED, 1280 - 48);
	lab_arrive(lab, LAB_CORE, &p);
	for (unsigned i = 0; i < 2; i++) {
		lab_sent(lab, LAB_VISITED, &f);
		packet_unether(&f);
		assert_int_equal(f.data[6], 44);
		assert_int_equal(f.data[40], IPPROTO_GRE);
	}
	lab_nothing(lab);
}

static void test_fragments_in(void **state)
{
	struct lab *lab = *state;
	struct packet in, whole, piece;

	packet_udp(&in, KEYED, LAB_PEER, 400);
	whole = in;
	wrap_keyed(&whole, KEY_IN);
	for (unsigned i = 0; i < 2; i++) {
		uint8_t fragment[8] = {IPPROTO_GRE, 0, 0, i == 0, 0, 0, 0, 9};
		const uint16_t from = i ? 200 : 0;
		const uint16_t size = (uint16_t)(i ? whole.len - PACKET_IP6 - 200 : 200);

		fragment[2] = (uint8_t)(from >> 8);
		fragment[3] = (uint8_t)(fragment[3] | from);
		piece = whole;
		memmove(piece.data + PACKET_IP6, piece.data + PACKET_IP6 + from, size);
		piece.len = (uint16_t)(PACKET_IP6 + size);
		packet_set_length(&piece, size);
		packet_extend(&piece, 44, fragment, sizeof(fragment));
		lab_arrive(lab, LAB_VISITED, &piece);
	}
	expect_out(lab, &in);
}

/* An error about a packet in GRE is told to the sender of what was inside (RFC 2473, 8). */
static void test_error(void **state)
{
	struct lab *lab = *state;
	struct packet in, sent, error, out;

	packet_udp(&in, LAB_PEER, KEYED, 1300);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_VISITED, &sent);
	packet_unether(&sent);
	packet_icmp_error(&error, "2001:db8:9::9", 2, 0, 1380, &sent);
	lab_arrive(lab, LAB_VISITED, &error);
	lab_sent(lab, LAB_CORE, &out);
	lab_nothing(lab);
	packet_unether(&out);
	packet_assert_addrs(&out, LAB_LOCAL, LAB_PEER);
	packet_assert_icmp(&out, 2, 0, 1380 - 48);
}

/* What came in a tunnel cannot bring another one. */
static void test_nested(void **state)
{
	struct lab *lab = *state;
	struct packet f;

	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	packet_wrap(&f, LAB_HOME_OF, LAB_LOCAL);
	f.data[6] = IPPROTO_GRE;
	packet_prepend(&f, (const uint8_t[]){0x20, 0, 0x86, 0xdd, 0, 0, 0, 1}, 8);
	packet_wrap(&f, LAB_CARE_OF, LAB_LOCAL);
	drop(lab, &f, DROP_tunnel_inner);
	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	memcpy(f.data + 8, packet_addr(LAB_HOME_OF).s6_addr, 16);
	packet_wrap(&f, LAB_CARE_OF, LAB_LOCAL);
	drop(lab, &f, DROP_tunnel_nested);
}

/* The gateway's side: into the tunnel what the host sends, to the host what has its key. */
static void test_attached(void **state)
{
	static const uint8_t keyed[] = {0x20, 0, 0x86, 0xdd, 0, 0, 0, KEY2_OUT};
	struct lab *lab = *state;
	struct mac gateway = lab_mac(LAB_HOME);
	struct packet in, f, out;

	attach(lab);
	packet_udp(&in, ATTACHED, LAB_PEER, 50);
	f = in;
	packet_ether(&f, &gateway, &host_mac);
	lab_receive(lab, LAB_HOME, &f);
	lab_walk(lab);
	expect_in_gre(lab, &in, keyed, sizeof(keyed));

	packet_udp(&in, LAB_PEER, ATTACHED, 50);
	f = in;
	wrap_keyed(&f, KEY2_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
	packet_assert_ether(&out, &host_mac, &gateway);

	f = in;
	wrap_keyed(&f, KEY_IN);
	drop(lab, &f, DROP_gre_key);
	f = in;
	packet_wrap(&f, CARE_OF2, LAB_LOCAL);
	drop(lab, &f, DROP_tunnel_kind);
}

/* From another host of the same gateways: the key is that of whom it is for. */
static void test_between_attached(void **state)
{
	struct lab *lab = *state;
	const uint64_t paths[] = {50, 51};
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = 50};
	struct packet in, f, out;

	attach(lab);
	o.path = (struct object_path){
		.id = 50, .kind = PATH_ON_LINK, .port = "home", .mac = {{2, 0, 0, 0, 5, 1}}};
	lab_apply(lab, &o, 0);
	lab_set_gre(lab, 51, CARE_OF2, &(struct lab_keys){91, 92});
	lab_set_subscriber(lab, 5, "2001:db8:8::/64", 0, paths, 2, 0);
	packet_udp(&in, "2001:db8:8::1", ATTACHED, 50);
	f = in;
	wrap_keyed(&f, KEY2_IN);
	lab_arrive(lab, LAB_VISITED, &f);
	lab_sent(lab, LAB_HOME, &out);
	lab_nothing(lab);
}

/* Another key for the next packet, another tunnel for the one after it. */
static void test_changes(void **state)
{
	static const uint8_t keyed[] = {0x20, 0, 0x86, 0xdd, 0, 0, 0, 9};
	static const uint8_t unkeyed[] = {0, 0, 0x86, 0xdd};
	struct lab *lab = *state;
	struct packet in, f;

	packet_udp(&in, LAB_PEER, KEYED, 10);
	lab_set_gre(lab, 20, CARE_OF2, &(struct lab_keys){9, 8});
	lab_arrive(lab, LAB_CORE, &in);
	expect_in_gre(lab, &in, keyed, sizeof(keyed));
	packet_udp(&f, KEYED, LAB_PEER, 10);
	wrap_keyed(&f, KEY_IN);
	drop(lab, &f, DROP_gre_key);
	lab_set_gre(lab, 20, CARE_OF2, NULL);
	lab_arrive(lab, LAB_CORE, &in);
	expect_in_gre(lab, &in, unkeyed, sizeof(unkeyed));
	lab_set_path(lab, 20, LAB_CARE_OF, 0, 0);
	lab_arrive(lab, LAB_CORE, &in);
	lab_sent(lab, LAB_VISITED, &f);
	packet_unether(&f);
	assert_int_equal(f.data[6], IPPROTO_IPV6);
}

/* Bursts of all kinds side by side, in their order. */
static void test_burst(void **state)
{
	struct lab *lab = *state;
	struct packet p, out;

	for (unsigned i = 0; i < 120; i++) {
		static const char *const homes[] = {KEYED, UNKEYED, LAB_HOME_OF};

		packet_udp(&p, LAB_PEER, homes[i % 3], (uint16_t)i);
		lab_frame(&p, LAB_CORE);
		lab_receive(lab, LAB_CORE, &p);
	}
	lab_walk(lab);
	for (unsigned i = 0; i < 120; i++) {
		static const uint16_t more[] = {8, 4, 0};

		lab_sent(lab, LAB_VISITED, &out);
		packet_unether(&out);
		unsigned size = packet_payload(&out);
		const unsigned kind = out.data[6] == IPPROTO_IPV6 ? 2 : out.data[40] ? 0 : 1;

		size -= more[kind] + PACKET_IP6 + 8u;
		assert_true(size < 120 && size % 3 == kind);
	}
	lab_nothing(lab);
	assert_int_equal(lab_counter(lab, WORKER_encapsulated), 120);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_down, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_up, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_all_fields, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_key, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_wrong_tunnel, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_bad_header, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_truncated, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_through, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_limit, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_too_big, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_fragments_in, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_error, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_nested, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_attached, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_between_attached, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_changes, setup, lab_teardown),
		cmocka_unit_test_setup_teardown(test_burst, setup, lab_teardown),
	};

	return cmocka_run_group_tests(tests, lab_eal, NULL);
}
