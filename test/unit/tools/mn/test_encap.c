/* The outer header of the tunnel and its congestion marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/mn/encap.h"

enum { NOT_ECT, ECT_1, ECT_0, CE, DROP };

static const struct in6_addr local = {{{0x20, 1, [15] = 1}}}, remote = {{{0x20, 1, [15] = 2}}};

static void inner_packet(uint8_t p[64], uint8_t proto, uint8_t traffic_class)
{
	memset(p, 0, 64);
	p[0] = (uint8_t)(0x60 | traffic_class >> 4);
	p[1] = (uint8_t)(traffic_class << 4 | 0x0a); /* and a flow label of the sender's */
	p[5] = 24;
	p[6] = proto;
	p[7] = 3;
	memset(p + 8, 0xaa, 16);
	memset(p + 24, 0xbb, 16);
	p[41] = 80;
	p[43] = 90;
}

static uint32_t label_of(const uint8_t *p, size_t len)
{
	uint8_t h[ENCAP_HEADER_SIZE];

	encap_header(p, len, &local, &remote, h);
	return (uint32_t)(h[1] & 0x0f) << 16 | (uint32_t)h[2] << 8 | h[3];
}

static void writes_the_header(void **state)
{
	(void)state;
	uint8_t p[64], h[ENCAP_HEADER_SIZE];

	inner_packet(p, 6, 0xb9);
	encap_header(p, 0x1234, &local, &remote, h);
	assert_int_equal(h[0], 0x6b);
	assert_int_equal(h[1] & 0xf0, 0x90);
	assert_int_equal(h[4], 0x12);
	assert_int_equal(h[5], 0x34);
	assert_int_equal(h[6], 41);
	assert_int_equal(h[7], ENCAP_HOP_LIMIT);
	assert_memory_equal(h + 8, &local, 16);
	assert_memory_equal(h + 24, &remote, 16);
}

static void a_flow_keeps_its_label(void **state)
{
	(void)state;
	uint8_t p[64];

	inner_packet(p, 17, 0);
	uint32_t label = label_of(p, 64);

	assert_int_not_equal(label, 0);
	p[1] = 0x35; /* another traffic class, another label inside, other data */
	p[7] = 200;
	p[50] = 1;
	assert_int_equal(label_of(p, 64), label);
	p[43]++; /* another port */
	assert_int_not_equal(label_of(p, 64), label);
	p[43]--;
	p[39]++; /* another destination */
	assert_int_not_equal(label_of(p, 64), label);
}

static void reads_ports_only_of_what_has_ports(void **state)
{
	(void)state;
	uint8_t p[64];

	inner_packet(p, 58, 0);
	uint32_t label = label_of(p, 64);

	p[43]++;
	assert_int_equal(label_of(p, 64), label);
	inner_packet(p, 17, 0);
	label = label_of(p, 43); /* cut within the ports */
	p[41]++;
	assert_int_equal(label_of(p, 43), label);
}

static void labels_spread(void **state)
{
	(void)state;
	uint8_t p[64];
	unsigned low[16] = {0};

	inner_packet(p, 6, 0);
	for (unsigned port = 0; port < 4096; port++) {
		p[40] = (uint8_t)(port >> 8);
		p[41] = (uint8_t)port;
		low[label_of(p, 64) & 15]++;
	}
	for (int n = 0; n < 16; n++)
		assert_in_range(low[n], 128, 512);
}

/* RFC 6040, figure 4: rows are the inner mark, columns the outer one. */
static void combines_congestion_marks(void **state)
{
	(void)state;
	static const uint8_t table[4][4] = {
		[NOT_ECT] =
			{[NOT_ECT] = NOT_ECT, [ECT_0] = NOT_ECT, [ECT_1] = NOT_ECT, [CE] = DROP},
		[ECT_0] = {[NOT_ECT] = ECT_0, [ECT_0] = ECT_0, [ECT_1] = ECT_1, [CE] = CE},
		[ECT_1] = {[NOT_ECT] = ECT_1, [ECT_0] = ECT_1, [ECT_1] = ECT_1, [CE] = CE},
		[CE] = {[NOT_ECT] = CE, [ECT_0] = CE, [ECT_1] = CE, [CE] = CE},
	};

	for (uint8_t inner = 0; inner < 4; inner++)
		for (uint8_t outer = 0; outer < 4; outer++) {
			uint8_t p[64], before[64];

			inner_packet(p, 6, 0xa8 | inner);
			memcpy(before, p, sizeof(p));
			bool kept = encap_combine_ecn(p, 0x44 | outer);

			assert_int_equal(kept, table[inner][outer] != DROP);
			if (!kept)
				continue;
			assert_int_equal(p[1] >> 4 & 3, table[inner][outer]);
			p[1] = (uint8_t)((p[1] & 0xcf) | inner << 4);
			assert_memory_equal(p, before, sizeof(p)); /* nothing else changes */
		}
}

/* A Packet Too Big about a packet of the tunnel. */
static void too_big(uint8_t m[48], uint32_t mtu)
{
	static const uint8_t head[8] = {2};

	memset(m, 0, 48);
	memcpy(m, head, sizeof(head));
	m[6] = (uint8_t)(mtu >> 8);
	m[7] = (uint8_t)mtu;
	m[8] = 0x60;
	m[14] = 41;
	memcpy(m + 16, &local, 16);
	memcpy(m + 32, &remote, 16);
}

static void reads_the_path_mtu(void **state)
{
	(void)state;
	uint8_t m[48];

	too_big(m, 1400);
	assert_int_equal(encap_path_mtu(m, 48, &local, &remote), 1400);
	for (size_t cut = 0; cut < 48; cut++)
		assert_int_equal(encap_path_mtu(m, cut, &local, &remote), 0);
	assert_int_equal(encap_path_mtu(m, 48, &remote, &local), 0);
	m[0] = 3;
	assert_int_equal(encap_path_mtu(m, 48, &local, &remote), 0);
	too_big(m, 1400);
	m[14] = 17; /* a packet of somebody else's */
	assert_int_equal(encap_path_mtu(m, 48, &local, &remote), 0);
	too_big(m, 68); /* less than IPv6 has */
	assert_int_equal(encap_path_mtu(m, 48, &local, &remote), 1280);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_the_header),
		cmocka_unit_test(a_flow_keeps_its_label),
		cmocka_unit_test(reads_ports_only_of_what_has_ports),
		cmocka_unit_test(labels_spread),
		cmocka_unit_test(combines_congestion_marks),
		cmocka_unit_test(reads_the_path_mtu),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
