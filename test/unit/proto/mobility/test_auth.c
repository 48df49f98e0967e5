/* RFC 4285 authentication. The expected authenticators come from another implementation: Python's
 * hmac over the care-of address, the home address and the octets written out here. */
#include <errno.h>

#include "octets.h"
#include "proto/mobility/mh_packet.h"

static struct hmac *hmac;
static uint8_t buf[MH_PACKET_MAX];
static struct in6_addr coa, hoa, ha;
static const uint8_t key[AUTH_KEY_SIZE] = {0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18,
	0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};

#define BU_HEAD                                                                                    \
	"3b 09 05 00 0000 0007 c000 0069 | 0100 | 03 10 " COA_HEX                                  \
	"| 08 10 01 6d6e31406578616d706c652e6f7267 | 0a 08 e5f3a1b2c3d4e5f6 | 00 |"

static struct mh registration(void)
{
	struct mh mh = {.type = MH_BU, .bu = {.sequence = 7, .flags = 0xc000, .lifetime = 105}};
	struct mh_option *option;

	option_add(&mh, OPTION_ALTERNATE_COA)->alternate_coa.coa = coa;
	option = option_add(&mh, OPTION_MN_ID);
	option->mn_id.subtype = OPTION_MN_ID_NAI;
	option->mn_id.id = (struct field_bytes){(const uint8_t *)"mn1@example.org", 15};
	option_add(&mh, OPTION_MESG_ID)->mesg_id.timestamp = 0xe5f3a1b2c3d4e5f6;
	assert_int_equal(auth_add(&mh, 256), 0);
	return mh;
}

static void known_answer(void **state)
{
	(void)state;
	struct mh mh = registration();
	ssize_t n = mh_encode(&mh, buf, sizeof(buf));

	assert_int_equal(auth_sign(hmac, key, &coa, &hoa, buf, (size_t)n), 0);
	assert_octets(buf, n, BU_HEAD "09 11 01 00000100 596960bcc39a2b35cf44bddb");
}

static enum auth_result verify(const uint8_t *octets, size_t n, const uint8_t *with)
{
	struct mh mh;

	assert_int_equal(mh_decode(octets, n, &mh, NULL), 0);
	return auth_verify(hmac, with, &coa, &hoa, octets, &mh);
}

static void verifies(void **state)
{
	(void)state;
	uint8_t other_key[AUTH_KEY_SIZE];
	struct in6_addr other = address("2001:db8::bad");
	struct mh mh;
	size_t n = octets(BU_HEAD "09 11 01 00000100 596960bcc39a2b35cf44bddb", buf, sizeof(buf));

	assert_int_equal(verify(buf, n, key), AUTH_GOOD);
	/* the checksum is not covered, so it may be set afterwards */
	mh_checksum_set(&hoa, &ha, buf, n);
	assert_int_equal(verify(buf, n, key), AUTH_GOOD);
	memcpy(other_key, key, sizeof(key));
	other_key[15] ^= 1;
	assert_int_equal(verify(buf, n, other_key), AUTH_MISMATCH);
	assert_int_equal(mh_decode(buf, n, &mh, NULL), 0);
	assert_int_equal(auth_verify(hmac, key, &other, &hoa, buf, &mh), AUTH_MISMATCH);
	assert_int_equal(auth_verify(hmac, key, &coa, &other, buf, &mh), AUTH_MISMATCH);
}

static void every_bit_counts(void **state)
{
	(void)state;
	size_t n = octets(BU_HEAD "09 11 01 00000100 596960bcc39a2b35cf44bddb", buf, sizeof(buf));

	for (size_t bit = 0; bit < n * 8; bit++) {
		size_t at = bit / 8;
		struct mh mh;

		if (at == 4 || at == 5)
			continue;
		buf[at] ^= (uint8_t)(1 << bit % 8);
		if (mh_decode(buf, n, &mh, NULL) == 0)
			assert_int_not_equal(
				auth_verify(hmac, key, &coa, &hoa, buf, &mh), AUTH_GOOD);
		buf[at] ^= (uint8_t)(1 << bit % 8);
	}
	assert_int_equal(verify(buf, n, key), AUTH_GOOD);
}

static void places(void **state)
{
	(void)state;
	static const struct {
		const char *options;
		enum auth_result result;
	} cases[] = {
		{"", AUTH_ABSENT},
		{"04 04 00010002", AUTH_ABSENT},
		/* MN-AAA alone */
		{"00 09 05 02 00000003", AUTH_ABSENT},
		{"00 09 11 01 00000100 000000000000000000000000", AUTH_GOOD},
		/* padding may follow, an option may not: RFC 4285, 5.1 */
		{"00 09 11 01 00000100 000000000000000000000000 0104 00000000", AUTH_GOOD},
		{"00 09 11 01 00000100 000000000000000000000000 04 04 00010002", AUTH_ORDER},
		{"00 09 11 01 00000100 000000000000000000000000 c8 00", AUTH_ORDER},
		/* before MN-AAA, not behind it: RFC 4285, 5 */
		{"00 09 11 01 00000100 000000000000000000000000 00 09 05 02 00000003", AUTH_GOOD},
		{"00 09 05 02 00000003 00 09 11 01 00000100 000000000000000000000000", AUTH_ORDER},
		/* one of each subtype */
		{"00 09 11 01 00000100 000000000000000000000000"
		 "00 09 11 01 00000100 000000000000000000000000",
			AUTH_ORDER},
		{"00 09 10 01 00000100 0000000000000000000000", AUTH_LENGTH},
		{"00 09 12 01 00000100 00000000000000000000000000", AUTH_LENGTH},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t n = octets("3b 00 05 00 0000 0000 0000 0000", buf, sizeof(buf));
		struct mh mh;

		n += octets(cases[i].options, buf + n, sizeof(buf) - n);
		while (n % 8 || n < 16)
			buf[n++] = 0;
		buf[1] = (uint8_t)(n / 8 - 1);
		assert_int_equal(mh_decode(buf, n, &mh, NULL), 0);
		assert_int_equal(auth_check(&mh), cases[i].result);
		assert_int_equal(auth_sign(hmac, key, &coa, &hoa, buf, n),
			cases[i].result == AUTH_GOOD ? 0 : -EBADMSG);
		assert_int_equal(auth_verify(hmac, key, &coa, &hoa, buf, &mh), cases[i].result);
	}
}

static void finds_by_subtype(void **state)
{
	(void)state;
	size_t n = octets("3b 03 05 00 0000 0000 0000 0000"
			  "00 09 05 01 00000100 00 09 05 02 00000003 0102 0000",
		buf, sizeof(buf));
	struct mh mh;

	assert_int_equal(mh_decode(buf, n, &mh, NULL), 0);
	assert_int_equal(auth_find(&mh, OPTION_AUTH_MN_HA)->auth.spi, 256);
	assert_int_equal(auth_find(&mh, OPTION_AUTH_MN_AAA)->auth.spi, 3);
	assert_null(auth_find(&mh, 3));
}

static void whole_packet(void **state)
{
	(void)state;
	/* care-of address -> home agent with home address option: RFC 6275, 11.3.1 */
	struct mh_packet_key signer = {hmac, key, coa, hoa};
	struct ip6_build head = {.src = coa, .dst = ha, .home_address = &hoa};
	struct mh mh = registration(), got;
	struct ip6_packet packet;
	ssize_t n = mh_packet_encode(&head, &mh, &signer, buf, sizeof(buf));

	assert_int_equal(n, 40 + 24 + 80);
	assert_int_equal(ip6_packet_decode(buf, (size_t)n, &packet, NULL), 0);
	assert_int_equal(packet.proto, MH_NEXT_HEADER);
	assert_int_equal(packet.len, 80);
	assert_true(mh_checksum_ok(ip6_packet_effective_src(&packet),
		ip6_packet_effective_dst(&packet), buf + packet.offset, packet.len));
	assert_int_equal(mh_decode(buf + packet.offset, packet.len, &got, NULL), 0);
	assert_int_equal(auth_verify(hmac, key, &coa, &hoa, buf + packet.offset, &got), AUTH_GOOD);
	for (size_t size = 0; size < (size_t)n; size++)
		assert_int_equal(mh_packet_encode(&head, &mh, &signer, buf, size), -ENOSPC);
	/* a key without a place for its authenticator */
	mh.option_count--;
	assert_int_equal(mh_packet_encode(&head, &mh, &signer, buf, sizeof(buf)), -EBADMSG);
	assert_true(mh_packet_encode(&head, &mh, NULL, buf, sizeof(buf)) > 0);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(auth_result_name(AUTH_MISMATCH), "mismatch");
	for (int i = 0; i < AUTH_RESULT_COUNT; i++)
		assert_non_null(auth_result_name(i));
}

static int begin(void **state)
{
	(void)state;
	hmac = hmac_new();
	coa = address(COA);
	hoa = address(HOA);
	ha = address(HA);
	return hmac ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	hmac_free(hmac);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_answer),
		cmocka_unit_test(verifies),
		cmocka_unit_test(every_bit_counts),
		cmocka_unit_test(places),
		cmocka_unit_test(finds_by_subtype),
		cmocka_unit_test(whole_packet),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests(tests, begin, end);
}
