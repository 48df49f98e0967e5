/* Mobility options: golden octets with their alignment, and every row of the table both ways. */
#include <errno.h>

#include "golden.h"
#include "proto/mobility/mh.h"

static uint8_t buf[MH_SIZE_MAX];

static const struct mh_option *only(const struct mh *mh, uint8_t type)
{
	assert_int_equal(mh->option_count, 1);
	assert_int_equal(mh->options[0].type, type);
	assert_int_equal(mh->options[0].state, OPTION_KNOWN);
	return option_find(mh, type);
}

static void assert_encodes(const struct mh *mh, const char *hex)
{
	memset(buf, 0xa5, sizeof(buf));
	assert_octets(buf, mh_encode(mh, buf, sizeof(buf)), hex);
	golden_seen(mh);
}

static const struct mh *decoded(const char *hex)
{
	static uint8_t *copy;
	static struct mh mh;
	size_t n = octets(hex, buf, sizeof(buf));

	free(copy);
	copy = exact(buf, n);
	assert_int_equal(mh_decode(copy, n, &mh, NULL), 0);
	return &mh;
}

#define BU_HEAD(header_len) "3b " header_len " 05 00 0000 0001 c000 0001 |"
#define BA_HEAD(header_len) "3b " header_len " 06 00 0000 0000 0001 0001 |"

static struct mh a_bu(void)
{
	return (struct mh){.type = MH_BU, .bu = {.sequence = 1, .flags = 0xc000, .lifetime = 1}};
}

static struct mh a_ba(void)
{
	return (struct mh){.type = MH_BA, .ba = {.sequence = 1, .lifetime = 1}};
}

static void refresh_advice(void **state)
{
	(void)state;
	/* RFC 6275, 6.2.4: 2n */
	static const char hex[] = BA_HEAD("01") "02 02 0e10";
	struct mh mh = a_ba();

	option_add(&mh, OPTION_REFRESH_ADVICE)->refresh_advice.interval = 3600;
	assert_encodes(&mh, hex);
	assert_int_equal(only(decoded(hex), OPTION_REFRESH_ADVICE)->refresh_advice.interval, 3600);
}

static void alternate_coa(void **state)
{
	(void)state;
	/* RFC 6275, 6.2.5: 8n+6, so two octets of padding behind the lifetime */
	static const char hex[] = BU_HEAD("03") "0100 | 03 10 " COA_HEX;
	struct mh mh = a_bu();

	option_add(&mh, OPTION_ALTERNATE_COA)->alternate_coa.coa = address(COA);
	assert_encodes(&mh, hex);
	assert_address(&only(decoded(hex), OPTION_ALTERNATE_COA)->alternate_coa.coa, COA);
	assert_int_equal(decoded(hex)->options[0].offset, 14);
}

static void nonce_indices(void **state)
{
	(void)state;
	/* RFC 6275, 6.2.6: 2n */
	static const char hex[] = BU_HEAD("02") "04 04 0102 0304 | 0104 00000000";
	struct mh mh = a_bu();
	const struct mh_option *option;

	option_add(&mh, OPTION_NONCE_INDICES)->nonce_indices =
		(struct option_nonce_indices){0x0102, 0x0304};
	assert_encodes(&mh, hex);
	option = only(decoded(hex), OPTION_NONCE_INDICES);
	assert_int_equal(option->nonce_indices.home, 0x0102);
	assert_int_equal(option->nonce_indices.careof, 0x0304);
}

static void authorization_data(void **state)
{
	(void)state;
	/* RFC 6275, 6.2.7: 8n+2 and nothing behind it */
	static const char hex[] = BU_HEAD("03") "0104 00000000 | 05 0c 0102030405060708090a0b0c";
	struct mh mh = a_bu();
	static const uint8_t mac[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	const struct mh_option *option;

	option_add(&mh, OPTION_AUTHORIZATION_DATA)->authorization_data.authenticator =
		(struct field_bytes){mac, sizeof(mac)};
	assert_encodes(&mh, hex);
	option = only(decoded(hex), OPTION_AUTHORIZATION_DATA);
	assert_int_equal(option->authorization_data.authenticator.len, 12);
	assert_memory_equal(option->authorization_data.authenticator.at, mac, 12);
	/* nothing may follow */
	assert_non_null(option_add(&mh, OPTION_NONCE_INDICES));
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
}

static void mn_id(void **state)
{
	(void)state;
	/* RFC 4283, 3: no alignment */
	static const char hex[] = BU_HEAD("02") "08 05 01 6d406e78 | 0103 000000";
	struct mh mh = a_bu();
	struct mh_option *option = option_add(&mh, OPTION_MN_ID);
	const struct mh_option *got;

	option->mn_id.subtype = OPTION_MN_ID_NAI;
	option->mn_id.id = (struct field_bytes){(const uint8_t *)"m@nx", 4};
	assert_encodes(&mh, hex);
	got = only(decoded(hex), OPTION_MN_ID);
	assert_int_equal(got->mn_id.subtype, OPTION_MN_ID_NAI);
	assert_int_equal(got->mn_id.id.len, 4);
	assert_memory_equal(got->mn_id.id.at, "m@nx", 4);
	/* the longest: 254 octets; one more does not fit the Length octet */
	static const uint8_t id[255];

	option->mn_id.id = (struct field_bytes){id, 254};
	assert_true(mh_encode(&mh, buf, sizeof(buf)) == 272);
	option->mn_id.id.len = 255;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	/* an empty one of another subtype, as a PBA may carry it */
	got = only(decoded(BA_HEAD("01") "08 01 07 00"), OPTION_MN_ID);
	assert_int_equal(got->mn_id.subtype, 7);
	assert_int_equal(got->mn_id.id.len, 0);
}

static void auth(void **state)
{
	(void)state;
	/* RFC 4285, 5: 4n+1; the SPI falls on a boundary of 4 octets */
	static const char hex[] = BU_HEAD("03") "00 | 09 11 01 00000100 000000000000000000000000";
	struct mh mh = a_bu();
	const struct mh_option *got;
	struct mh_option *option = option_add(&mh, OPTION_AUTH);

	option->auth.subtype = OPTION_AUTH_MN_HA;
	option->auth.spi = 256;
	option->auth.data.len = 12;
	assert_encodes(&mh, hex);
	got = only(decoded(hex), OPTION_AUTH);
	assert_int_equal(got->auth.subtype, 1);
	assert_int_equal(got->auth.spi, 256);
	assert_int_equal(got->auth.data.len, 12);
	assert_int_equal(got->offset, 13);
}

static void mesg_id(void **state)
{
	(void)state;
	/* RFC 4285, 6: 8n+2 */
	static const char hex[] =
		BU_HEAD("03") "0104 00000000 | 0a 08 e5f3a1b2c3d4e5f6 | 0102 0000";
	struct mh mh = a_bu();

	option_add(&mh, OPTION_MESG_ID)->mesg_id.timestamp = 0xe5f3a1b2c3d4e5f6;
	assert_encodes(&mh, hex);
	assert_true(only(decoded(hex), OPTION_MESG_ID)->mesg_id.timestamp == 0xe5f3a1b2c3d4e5f6);
}

static void all_together(void **state)
{
	(void)state;
	/* what a home registration with RFC 4285 looks like; no octet of padding is wasted */
	static const char hex[] = "3b 09 05 00 0000 0007 c000 0069 | 0100 | 03 10 " COA_HEX
				  "| 08 10 01 6d6e31406578616d706c652e6f7267"
				  "| 0a 08 e5f3a1b2c3d4e5f6 | 00"
				  "| 09 11 01 00000100 000000000000000000000000";
	struct mh mh = {.type = MH_BU, .bu = {.sequence = 7, .flags = 0xc000, .lifetime = 105}};
	struct mh_option *option;
	const struct mh *got;

	option_add(&mh, OPTION_ALTERNATE_COA)->alternate_coa.coa = address(COA);
	option = option_add(&mh, OPTION_MN_ID);
	option->mn_id.subtype = OPTION_MN_ID_NAI;
	option->mn_id.id = (struct field_bytes){(const uint8_t *)"mn1@example.org", 15};
	option_add(&mh, OPTION_MESG_ID)->mesg_id.timestamp = 0xe5f3a1b2c3d4e5f6;
	option = option_add(&mh, OPTION_AUTH);
	option->auth = (struct option_auth){OPTION_AUTH_MN_HA, 256, {NULL, 12}};
	assert_encodes(&mh, hex);
	got = decoded(hex);
	assert_int_equal(got->option_count, 4);
	assert_int_equal(got->options[0].type, OPTION_ALTERNATE_COA);
	assert_int_equal(got->options[1].type, OPTION_MN_ID);
	assert_int_equal(got->options[2].type, OPTION_MESG_ID);
	assert_int_equal(got->options[3].type, OPTION_AUTH);
}

static void unknown_is_skipped(void **state)
{
	(void)state;
	/* RFC 6275, 6.2.1: quietly skipped, what follows is read; kept for printers */
	static const char hex[] =
		BU_HEAD("03") "c8 02 abcd | 04 04 00010002 | 63 01 ff | c8 00 | 0103 000000";
	struct mh mh = *decoded(hex);

	assert_int_equal(mh.unknown, 3);
	assert_int_equal(mh.misplaced, 0);
	assert_int_equal(mh.option_count, 4);
	assert_int_equal(mh.options[0].state, OPTION_UNKNOWN);
	assert_int_equal(mh.options[0].raw.len, 2);
	assert_int_equal(mh.options[0].raw.at[0], 0xab);
	assert_int_equal(mh.options[2].type, 99);
	assert_null(option_find(&mh, 200));
	assert_int_equal(option_find(&mh, OPTION_NONCE_INDICES)->nonce_indices.careof, 2);
	assert_encodes(&mh, hex);
}

static void no_more_than_are_kept(void **state)
{
	(void)state;
	/* what the decoder would not keep, the encoder does not write */
	struct mh mh = a_bu();

	for (unsigned i = 0; i < MH_UNKNOWN_MAX; i++)
		mh.options[mh.option_count++] =
			(struct mh_option){.type = 200, .state = OPTION_UNKNOWN};
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 32);
	mh.options[mh.option_count++] = (struct mh_option){.type = 200, .state = OPTION_UNKNOWN};
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
}

static void misplaced_is_skipped(void **state)
{
	(void)state;
	/* nonce indices are not defined for a BA, nor are its lengths looked at */
	const struct mh *mh = decoded(BA_HEAD("01") "04 02 0000");
	struct mh wrong = a_ba();

	assert_int_equal(mh->misplaced, 1);
	assert_int_equal(mh->unknown, 0);
	assert_int_equal(mh->options[0].state, OPTION_MISPLACED);
	assert_null(option_find(mh, OPTION_NONCE_INDICES));
	/* our own encoder refuses to make one */
	assert_non_null(option_add(&wrong, OPTION_NONCE_INDICES));
	assert_int_equal(mh_encode(&wrong, buf, sizeof(buf)), -EINVAL);
}

static void raw_states_must_be_true(void **state)
{
	(void)state;
	static const struct {
		uint8_t type, state;
	} wrong[] = {{OPTION_NONCE_INDICES, OPTION_UNKNOWN},
		{OPTION_NONCE_INDICES, OPTION_MISPLACED}, {200, OPTION_MISPLACED},
		{200, OPTION_KNOWN}, {OPTION_PADN, OPTION_UNKNOWN}, {OPTION_PADN, OPTION_KNOWN},
		{OPTION_REFRESH_ADVICE, OPTION_UNKNOWN}};

	for (size_t i = 0; i < COUNT(wrong); i++) {
		struct mh mh = a_bu();

		mh.option_count = 1;
		mh.options[0].type = wrong[i].type;
		mh.options[0].state = wrong[i].state;
		assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	}
}

static void find_and_next(void **state)
{
	(void)state;
	const struct mh *mh =
		decoded(BU_HEAD("04") "00 | 09 05 01 00000100 | 00 | 09 05 02 00000003 |"
				      "00 | 09 05 03 00000004 | 0102 0000");
	const struct mh_option *option = option_find(mh, OPTION_AUTH);

	assert_int_equal(option->auth.subtype, 1);
	option = option_next(mh, option);
	assert_int_equal(option->auth.subtype, 2);
	option = option_next(mh, option);
	assert_int_equal(option->auth.subtype, 3);
	assert_null(option_next(mh, option));
	assert_null(option_find(mh, OPTION_MN_ID));
}

static void room(void **state)
{
	(void)state;
	/* as many as are kept, then one too many */
	struct mh mh = a_bu(), got;
	uint8_t more[12 + 3 * (MH_OPTIONS_MAX + 1) + 1] = {0x3b, 0, 0x05};
	struct mh_error err;

	for (int i = 0; i < MH_OPTIONS_MAX; i++)
		assert_non_null(option_add(&mh, OPTION_MN_ID));
	assert_null(option_add(&mh, OPTION_MN_ID));
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 112);
	assert_int_equal(mh_decode(buf, 112, &got, NULL), 0);
	assert_int_equal(got.option_count, MH_OPTIONS_MAX);
	for (int i = 0; i < MH_OPTIONS_MAX + 1; i++)
		memcpy(more + 12 + 3 * i, "\x08\x01\x01", 3);
	more[1] = sizeof(more) / 8 - 1;
	assert_int_equal(sizeof(more) % 8, 0);
	assert_int_equal(mh_decode(more, sizeof(more), &got, &err), -EBADMSG);
	assert_int_equal(err.fault, MH_FAULT_OPTION_COUNT);
	assert_int_equal(err.offset, 12 + 3 * MH_OPTIONS_MAX);
	assert_null(option_add(&got, OPTION_PADN));
	assert_null(option_add(&got, 200));
}

int golden_option(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refresh_advice),
		cmocka_unit_test(alternate_coa),
		cmocka_unit_test(nonce_indices),
		cmocka_unit_test(authorization_data),
		cmocka_unit_test(mn_id),
		cmocka_unit_test(auth),
		cmocka_unit_test(mesg_id),
		cmocka_unit_test(all_together),
		cmocka_unit_test(unknown_is_skipped),
		cmocka_unit_test(no_more_than_are_kept),
		cmocka_unit_test(misplaced_is_skipped),
		cmocka_unit_test(raw_states_must_be_true),
		cmocka_unit_test(find_and_next),
		cmocka_unit_test(room),
	};

	return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
