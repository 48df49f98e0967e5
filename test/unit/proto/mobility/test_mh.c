/* Messages of the Mobility Header: golden octets from the figures of RFC 6275, every rule of 9.2.
 */
#include <errno.h>

#include "golden.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh.h"
#include "proto/mobility/status.h"

static uint8_t buf[MH_SIZE_MAX + 16];

/* Decodes the octets of HEX into MH from an exact buffer that lives until the next call. */
static int decode(const char *hex, struct mh *mh, struct mh_error *err)
{
	static uint8_t *copy;
	size_t n = octets(hex, buf, sizeof(buf));

	free(copy);
	copy = exact(buf, n);
	return mh_decode(copy, n, mh, err);
}

static void assert_encodes(const struct mh *mh, const char *hex)
{
	memset(buf, 0xa5, sizeof(buf));
	assert_octets(buf, mh_encode(mh, buf, sizeof(buf)), hex);
	golden_seen(mh);
}

static void binding_update(void **state)
{
	(void)state;
	/* RFC 6275, 6.1.7: four octets of padding, Header Len 1 */
	static const char hex[] = "3b 01 05 00 | 0000 1234 | d000 0069 | 01 02 0000";
	struct mh mh = {.type = MH_BU,
		.bu = {.sequence = 0x1234,
			.flags = FLAGS_BU_A | FLAGS_BU_H | FLAGS_BU_K,
			.lifetime = 105}};
	struct mh got;

	assert_encodes(&mh, hex);
	assert_int_equal(decode(hex, &got, NULL), 0);
	assert_int_equal(got.type, MH_BU);
	assert_int_equal(got.len, 16);
	assert_int_equal(got.bu.sequence, 0x1234);
	assert_int_equal(got.bu.flags, 0xd000);
	assert_int_equal(got.bu.lifetime, 105);
	assert_int_equal(got.option_count, 0);
}

static void binding_acknowledgement(void **state)
{
	(void)state;
	/* RFC 6275, 6.1.8 */
	static const char hex[] = "3b 01 06 00 | 0000 87 80 | fffe 0000 | 01 02 0000";
	struct mh mh = {.type = MH_BA,
		.ba = {.status = STATUS_BA_SEQUENCE, .flags = FLAGS_BA_K, .sequence = 0xfffe}};
	struct mh got;

	assert_encodes(&mh, hex);
	assert_int_equal(decode(hex, &got, NULL), 0);
	assert_int_equal(got.ba.status, 135);
	assert_int_equal(got.ba.flags, 0x80);
	assert_int_equal(got.ba.sequence, 0xfffe);
	assert_int_equal(got.ba.lifetime, 0);
}

static void binding_error(void **state)
{
	(void)state;
	/* RFC 6275, 6.1.9: no padding, Header Len 2 */
	static const char hex[] = "3b 02 07 00 | 0000 02 00 |" HOA_HEX;
	struct mh mh = {.type = MH_BE, .be = {.status = STATUS_BE_UNKNOWN_TYPE}};
	struct mh got;

	mh.be.home_address = address(HOA);
	assert_encodes(&mh, hex);
	assert_int_equal(decode(hex, &got, NULL), 0);
	assert_int_equal(got.be.status, 2);
	assert_address(&got.be.home_address, HOA);
}

static void binding_refresh_request(void **state)
{
	(void)state;
	/* RFC 6275, 6.1.2: no padding, Header Len 0 */
	static const char hex[] = "3b 00 00 00 | 0000 0000";
	struct mh mh = {.type = MH_BRR};
	struct mh got;

	assert_encodes(&mh, hex);
	assert_int_equal(decode(hex, &got, NULL), 0);
	assert_int_equal(got.type, MH_BRR);
	assert_int_equal(got.len, 8);
}

static void return_routability(void **state)
{
	(void)state;
	/* RFC 6275, 6.1.3 and 6.1.4; then 6.1.5 and 6.1.6 */
	static const char *const inits[] = {"3b 01 01 00 | 0000 0000 | 0102030405060708",
		"3b 01 02 00 | 0000 0000 | 0102030405060708"};
	static const char *const tests[] = {
		"3b 02 03 00 | 0000 0007 | 0102030405060708 | 1112131415161718",
		"3b 02 04 00 | 0000 0007 | 0102030405060708 | 1112131415161718"};
	struct mh mh;

	for (uint8_t i = 0; i < 2; i++) {
		assert_int_equal(decode(inits[i], &mh, NULL), 0);
		assert_int_equal(mh.type, MH_HOTI + i);
		assert_true(mh.init.cookie == 0x0102030405060708);
		assert_encodes(&mh, inits[i]);
		assert_int_equal(decode(tests[i], &mh, NULL), 0);
		assert_int_equal(mh.type, MH_HOT + i);
		assert_int_equal(mh.test.nonce_index, 7);
		assert_true(mh.test.cookie == 0x0102030405060708);
		assert_true(mh.test.token == 0x1112131415161718);
		assert_encodes(&mh, tests[i]);
	}
}

/* One message that does not decode: what is wrong, where, which value. */
struct bad {
	const char *hex;
	enum mh_fault fault;
	uint16_t offset;
	uint8_t option;
	uint32_t value;
};

static void bad_header(void **state)
{
	(void)state;
	static const struct bad bad[] = {
		{"", MH_FAULT_TRUNCATED, 0, 0, 0},
		{"3b000000000000", MH_FAULT_TRUNCATED, 7, 0, 7},
		/* the type comes first in 9.2, then Payload Proto, then Header Len */
		{"06 00 08 00 0000 0000", MH_FAULT_TYPE, 2, 0, 8},
		{"3b 00 ff 00 0000 0000", MH_FAULT_TYPE, 2, 0, 255},
		{"06 00 05 00 0000 0000", MH_FAULT_PAYLOAD_PROTO, 0, 0, 6},
		{"3b 00 05 00 0000 0000", MH_FAULT_MINIMUM, 1, 0, 0},
		{"3b 00 06 00 0000 0000", MH_FAULT_MINIMUM, 1, 0, 0},
		{"3b 01 07 00 0000 0100 0000000000000000", MH_FAULT_MINIMUM, 1, 0, 1},
		{"3b 00 01 00 0000 0000", MH_FAULT_MINIMUM, 1, 0, 0},
		{"3b 01 03 00 0000 0000 0000000000000000", MH_FAULT_MINIMUM, 1, 0, 1},
		{"3b 02 05 00 0000 0001 c000 0001 01020000", MH_FAULT_HEADER_LEN, 1, 0, 2},
		{"3b ff 05 00 0000 0001 c000 0001 01020000", MH_FAULT_HEADER_LEN, 1, 0, 255},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct mh_error err;
		struct mh mh;

		assert_int_equal(decode(bad[i].hex, &mh, &err), -EBADMSG);
		assert_int_equal(err.fault, bad[i].fault);
		assert_int_equal(err.offset, bad[i].offset);
		assert_int_equal(err.value, bad[i].value);
	}
}

static void answers(void **state)
{
	(void)state;
	/* RFC 6275, 9.2 */
	for (enum mh_fault fault = 0; fault < MH_FAULT_COUNT; fault++) {
		struct mh_error err = {.fault = fault};
		enum mh_answer expected = MH_ANSWER_NONE;

		if (fault == MH_FAULT_TYPE)
			expected = MH_ANSWER_BINDING_ERROR;
		if (fault == MH_FAULT_PAYLOAD_PROTO || fault == MH_FAULT_MINIMUM)
			expected = MH_ANSWER_PARAMETER_PROBLEM;
		assert_int_equal(mh_error_answer(&err), expected);
	}
}

#define BU_HEAD(header_len) "3b " header_len " 05 00 0000 0001 c000 0001 |"
#define BA_HEAD(header_len) "3b " header_len " 06 00 0000 0000 0001 0001 |"

static void bad_option(void **state)
{
	(void)state;
	static const struct bad bad[] = {
		/* past the end: in the length octet, in the body, by one */
		{BU_HEAD("01") "00000003", MH_FAULT_OPTION_TRUNCATED, 15, 3, 0},
		{BU_HEAD("01") "03100000", MH_FAULT_OPTION_TRUNCATED, 12, 3, 16},
		{BU_HEAD("01") "01030000", MH_FAULT_OPTION_TRUNCATED, 12, 1, 3},
		{BU_HEAD("01") "c8030000", MH_FAULT_OPTION_TRUNCATED, 12, 200, 3},
		/* lengths that the table does not allow */
		{BU_HEAD("03") "0100 030f 000000000000000000000000000000 00",
			MH_FAULT_OPTION_LENGTH, 14, 3, 15},
		{BU_HEAD("01") "00 08 00 00", MH_FAULT_OPTION_LENGTH, 13, 8, 0},
		{BU_HEAD("02") "00 09 04 01 00000100 01020000", MH_FAULT_OPTION_LENGTH, 13, 9, 4},
		{BU_HEAD("02") "0100 0a 07 00000000000000 00", MH_FAULT_OPTION_LENGTH, 14, 10, 7},
		{BU_HEAD("01") "04 02 0000", MH_FAULT_OPTION_LENGTH, 12, 4, 2},
		{BA_HEAD("02") "02 04 00000000 010400000000", MH_FAULT_OPTION_LENGTH, 12, 2, 4},
		{BU_HEAD("02") "05 08 0000000000000000 0100", MH_FAULT_OPTION_LENGTH, 12, 5, 8},
		/* twice */
		{BU_HEAD("03") "04 04 00010002 04 04 00010002 0106000000000000",
			MH_FAULT_OPTION_REPEATED, 18, 4, 4},
		/* RFC 6275, 6.2.7: nothing behind it, not even padding */
		{BU_HEAD("03") "0000 05 0c 000000000000000000000000 010200 00",
			MH_FAULT_OPTION_ORDER, 14, 5, 12},
		/* RFC 4283, 3.2: the identifier before every authentication option */
		{BU_HEAD("03") "00 09 05 01 00000100 08 02 01 61 0106000000000000",
			MH_FAULT_OPTION_ORDER, 20, 8, 2},
	};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct mh_error err;
		struct mh mh;

		assert_int_equal(decode(bad[i].hex, &mh, &err), -EBADMSG);
		assert_int_equal(err.fault, bad[i].fault);
		assert_int_equal(err.offset, bad[i].offset);
		assert_int_equal(err.option, bad[i].option);
		assert_int_equal(err.value, bad[i].value);
	}
}

static void error_text(void **state)
{
	(void)state;
	struct mh_error err;
	char text[160];
	struct mh mh;

	assert_int_equal(
		decode(BU_HEAD("03") "0100 030f 000000000000000000000000000000 00", &mh, &err),
		-EBADMSG);
	assert_string_equal(mh_error_print(&err, text, sizeof(text)),
		"option 3 (Alternate Care-of Address) at offset 14: wrong length (15)");
	assert_string_equal(mh_fault_name(err.fault), "option-length");
	assert_int_equal(decode("06 00 05 00 0000 0000", &mh, &err), -EBADMSG);
	assert_string_equal(
		mh_error_print(&err, text, sizeof(text)), "offset 0: Payload Proto is not 59 (6)");
	for (int fault = 0; fault < MH_FAULT_COUNT; fault++) {
		assert_non_null(mh_fault_name(fault));
		for (int other = 0; other < fault; other++)
			assert_string_not_equal(mh_fault_name(fault), mh_fault_name(other));
	}
}

static void tail_is_ignored(void **state)
{
	(void)state;
	/* RFC 8200, 4.7: octets behind a header with next header 59 */
	struct mh mh;

	assert_int_equal(decode(BU_HEAD("01") "01020000 ffffffffffffffff", &mh, NULL), 0);
	assert_int_equal(mh.len, 16);
	assert_int_equal(mh.option_count, 0);
}

static void reserved_is_ignored(void **state)
{
	(void)state;
	struct mh mh;

	assert_int_equal(decode("3b 01 06 ff 0000 00 00 0001 0001 01020000", &mh, NULL), 0);
	assert_encodes(&mh, "3b 01 06 00 0000 00 00 0001 0001 01020000");
	/* padding need not be zero: RFC 6275, 6.2.3 */
	assert_int_equal(decode(BU_HEAD("01") "0102abcd", &mh, NULL), 0);
	assert_encodes(&mh, BU_HEAD("01") "01020000");
}

static void largest(void **state)
{
	(void)state;
	/* Header Len 255: 2,048 octets, most of them one long run of unknown options */
	struct mh mh = {.type = MH_BU};
	uint8_t octets[MH_SIZE_MAX] = {0x3b, 0xff, 0x05};
	uint8_t *copy;

	for (size_t at = 12; at + 2 <= sizeof(octets); at += 2)
		octets[at] = 0xc8;
	copy = exact(octets, sizeof(octets));
	assert_int_equal(mh_decode(copy, sizeof(octets), &mh, NULL), 0);
	assert_int_equal(mh.len, 2048);
	assert_int_equal(mh.unknown, (2048 - 12) / 2);
	assert_int_equal(mh.option_count, MH_UNKNOWN_MAX);
	assert_int_equal(mh_decode(copy, sizeof(octets) - 1, &mh, NULL), -EBADMSG);
	free(copy);
}

static void encoder_refuses(void **state)
{
	(void)state;
	struct mh mh = {.type = MH_BU};

	for (size_t size = 0; size < 16; size++)
		assert_int_equal(mh_encode(&mh, buf, size), -ENOSPC);
	assert_int_equal(mh_encode(&mh, buf, 16), 16);
	mh.type = 8;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	mh = (struct mh){.type = MH_BU, .option_count = MH_OPTIONS_MAX + 1};
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	/* more octets than Header Len can count */
	mh = (struct mh){.type = MH_BRR};
	for (int i = 0; i < 8; i++) {
		struct mh_option *option = option_add(&mh, OPTION_MN_ID);

		option->mn_id.id.len = 254;
	}
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -ENOSPC);
	mh.option_count--;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 8 + 7 * 257 + 1);
}

static void names(void **state)
{
	(void)state;
	assert_string_equal(mh_type_name(MH_BU), "Binding Update");
	assert_string_equal(mh_type_name(MH_BRR), "Binding Refresh Request");
	assert_string_equal(mh_type_name(200), "unknown");
	assert_string_equal(mh_def_find(MH_HOTI)->abbreviation, "HoTI");
	assert_null(mh_def_find(8));
	for (unsigned type = 0; type < 256; type++) {
		const struct mh_def *def = mh_def_find((uint8_t)type);

		if (!def)
			continue;
		assert_int_equal(def->type, type);
		assert_int_equal(def->minimum, (def->options_at + 7) / 8 * 8);
		for (const struct field *f = def->fields; f->kind != FIELD_END; f++)
			assert_true(f->at + f->size <= def->options_at);
	}
}

static void checksum(void **state)
{
	(void)state;
	/* As scapy computes it for this message behind a home address option */
	static const char hex[] = BU_HEAD("01") "01020000";
	struct in6_addr src = address(HOA), dst = address(HA), coa = address(COA);
	size_t n = octets(hex, buf, sizeof(buf));

	mh_checksum_set(&src, &dst, buf, n);
	assert_int_equal(buf[4] << 8 | buf[5], 0xa2dd);
	assert_true(mh_checksum_ok(&src, &dst, buf, n));
	assert_int_equal(mh_checksum(&src, &dst, buf, n), 0xa2dd);
	/* the care-of address is not what the sum is over */
	assert_false(mh_checksum_ok(&coa, &dst, buf, n));
	/* octets behind the message are not covered, missing ones are an error */
	buf[n] = 0xff;
	assert_true(mh_checksum_ok(&src, &dst, buf, n + 1));
	assert_false(mh_checksum_ok(&src, &dst, buf, n - 1));
	assert_false(mh_checksum_ok(&src, &dst, buf, 1));
	for (size_t i = 0; i < n; i++) {
		buf[i] ^= 0x10;
		assert_false(mh_checksum_ok(&src, &dst, buf, n));
		buf[i] ^= 0x10;
	}
}

static void checksum_of_zero(void **state)
{
	(void)state;
	/* 0 and 0xffff are the same number to the one's complement sum */
	static const struct in6_addr zero;
	size_t n = octets("3b 00 00 00 0000 0000", buf, sizeof(buf));
	uint16_t sum = mh_checksum(&zero, &zero, buf, n);

	buf[6] = sum >> 8;
	buf[7] = sum & 0xff;
	assert_int_equal(mh_checksum(&zero, &zero, buf, n), 0);
	assert_true(mh_checksum_ok(&zero, &zero, buf, n));
	buf[4] = buf[5] = 0xff;
	assert_true(mh_checksum_ok(&zero, &zero, buf, n));
}

int golden_mh(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_update),
		cmocka_unit_test(binding_acknowledgement),
		cmocka_unit_test(binding_error),
		cmocka_unit_test(binding_refresh_request),
		cmocka_unit_test(return_routability),
		cmocka_unit_test(bad_header),
		cmocka_unit_test(answers),
		cmocka_unit_test(bad_option),
		cmocka_unit_test(error_text),
		cmocka_unit_test(tail_is_ignored),
		cmocka_unit_test(reserved_is_ignored),
		cmocka_unit_test(largest),
		cmocka_unit_test(encoder_refuses),
		cmocka_unit_test(names),
		cmocka_unit_test(checksum),
		cmocka_unit_test(checksum_of_zero),
	};

	return cmocka_run_group_tests_name("mh", tests, NULL, NULL);
}
