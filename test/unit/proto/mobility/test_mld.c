/* The packets of Multicast Listener Discovery. Octets were made with scapy, or taken from a Linux
 * host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "common/addr.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"

/* Of Linux 6: it joins ff1e::1. */
static const char report[] =
	"6000000000240001fe800000000000006c7499a19f529c83ff0200000000000000000000"
	"000000163a000502000001008f002e020000000104000000ff1e00000000000000000000"
	"00000001";

static size_t octets(const char *hex, uint8_t *out)
{
	size_t len = strlen(hex) / 2;

	for (size_t n = 0; n < len; n++)
		assert_int_equal(sscanf(hex + 2 * n, "%2hhx", &out[n]), 1);
	return len;
}

static enum mld_fault decode(const uint8_t *pkt, size_t len)
{
	const uint8_t *mld;
	size_t mld_len;

	return mld_packet_decode(pkt, len, &mld, &mld_len);
}

static void takes_a_report(void **state)
{
	uint8_t pkt[128];
	size_t len = octets(report, pkt), mld_len;
	const uint8_t *mld;

	(void)state;
	assert_int_equal(mld_packet_decode(pkt, len, &mld, &mld_len), MLD_FAULT_NONE);
	assert_ptr_equal(mld, pkt + MLD_PACKET_HEAD);
	assert_int_equal(mld_len, 28);
	assert_int_equal(mld[0], MCAST_MLD2_REPORT);
}

/* RFC 3810, 7.4: each alone makes a router ignore the report. */
static void ignores_what_is_not_of_the_link(void **state)
{
	uint8_t pkt[128], good[128];
	size_t len = octets(report, good);

	(void)state;
	memcpy(pkt, good, len);
	pkt[7] = 2;
	assert_int_equal(decode(pkt, len), MLD_FAULT_HOP_LIMIT);
	memcpy(pkt, good, len);
	pkt[8] = 0x20;
	assert_int_equal(decode(pkt, len), MLD_FAULT_SOURCE);
	memcpy(pkt, good, len);
	pkt[42] = 1; /* PadN instead */
	assert_int_equal(decode(pkt, len), MLD_FAULT_ALERT);
	memcpy(pkt, good, len);
	pkt[45] = 1; /* for RSVP */
	assert_int_equal(decode(pkt, len), MLD_FAULT_ALERT);
	memcpy(pkt, good, len);
	pkt[len - 1] ^= 1;
	assert_int_equal(decode(pkt, len), MLD_FAULT_CHECKSUM);
	memcpy(pkt, good, len);
	pkt[48] = 128; /* an echo */
	assert_int_equal(decode(pkt, len), MLD_FAULT_OTHER);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(decode(good, n), MLD_FAULT_OTHER);
}

static void finishes_as_linux_does(void **state)
{
	uint8_t pkt[128], good[128];
	size_t len = octets(report, good);
	struct in6_addr src, dst;

	(void)state;
	memcpy(&src, good + 8, sizeof(src));
	memcpy(&dst, good + 24, sizeof(dst));
	memset(pkt, 0xaa, sizeof(pkt));
	memcpy(pkt + MLD_PACKET_HEAD, good + MLD_PACKET_HEAD, len - MLD_PACKET_HEAD);
	assert_int_equal(mld_packet_finish(&src, &dst, pkt, len - MLD_PACKET_HEAD), len);
	assert_memory_equal(pkt, good, len);
}

/* Only reports may come from a node that has no address yet (RFC 3810, 5.2.13). */
static void queries_need_a_source(void **state)
{
	const struct in6_addr none = {0}, all = {{{0xff, 2, [15] = 1}}};
	const struct in6_addr link_local = {{{0xfe, 0x80, [15] = 1}}};
	const struct mcast_query query = {
		.type = MCAST_MLD_QUERY, .response_ms = 1000, .group = none.s6_addr};
	uint8_t pkt[128];
	ssize_t len =
		mcast_query_encode(&query, pkt + MLD_PACKET_HEAD, sizeof(pkt) - MLD_PACKET_HEAD);

	(void)state;
	assert_true(len > 0);
	len = mld_packet_finish(&link_local, &all, pkt, (size_t)len);
	assert_int_equal(decode(pkt, (size_t)len), MLD_FAULT_NONE);
	len = mld_packet_finish(&none, &all, pkt, (size_t)len - MLD_PACKET_HEAD);
	assert_int_equal(decode(pkt, (size_t)len), MLD_FAULT_SOURCE);
}

/* RFC 6275, 10.4.3: in the tunnel of a node its home address is as good. */
static void home_addresses_may_report(void **state)
{
	const struct in6_addr home = {.s6_addr = {0x20, 1, 0x0d, 0xb8, [15] = 7}};
	const struct in6_addr other = {.s6_addr = {0x20, 1, 0x0d, 0xb8, [15] = 8}};
	const struct in6_addr to = {.s6_addr = {0xff, 2, [15] = 0x16}};
	uint8_t pkt[128];
	size_t len = octets(report, pkt), mld_len;
	const uint8_t *mld;

	(void)state;
	len = (size_t)mld_packet_finish(&home, &to, pkt, len - MLD_PACKET_HEAD);
	assert_int_equal(mld_packet_decode_of(pkt, len, &home, &mld, &mld_len), MLD_FAULT_NONE);
	assert_int_equal(mld[0], MCAST_MLD2_REPORT);
	assert_int_equal(mld_packet_decode_of(pkt, len, &other, &mld, &mld_len), MLD_FAULT_SOURCE);
	assert_int_equal(decode(pkt, len), MLD_FAULT_SOURCE);
	pkt[MLD_PACKET_HEAD] = MCAST_MLD_QUERY;
	len = (size_t)mld_packet_finish(&home, &to, pkt, len - MLD_PACKET_HEAD);
	assert_int_equal(mld_packet_decode_of(pkt, len, &home, &mld, &mld_len), MLD_FAULT_SOURCE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_report),
		cmocka_unit_test(ignores_what_is_not_of_the_link),
		cmocka_unit_test(finishes_as_linux_does),
		cmocka_unit_test(queries_need_a_source),
		cmocka_unit_test(home_addresses_may_report),
	};

	return cmocka_run_group_tests_name("mld", tests, NULL, NULL);
}
