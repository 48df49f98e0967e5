/* Options of RFC 8885 and those whose number an operator assigns: golden octets. */
#include "golden.h"

static void distributed(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		{"RFC 8885, 4.3", OPTION_ANCHORED_PREFIX,
			MBU("03") "41 12 00 40 20010db8 00010000 00000000 00000000",
			"prefix_length=64 prefix=2001:db8:1::"},
		{"RFC 8885, 4.4", OPTION_LOCAL_PREFIX,
			MBA("03") "42 12 00 40 20010db8 00010000 00000000 00000000",
			"prefix_length=64 prefix=2001:db8:1::"},
		{"RFC 8885, 4.5", OPTION_PREVIOUS_MAAR,
			MBA("05") "43 22 00 40 " HA_HEX "20010db8 00010000 00000000 00000000",
			"prefix_length=64 previous_maar=" HA " home_network_prefix=2001:db8:1::"},
		{"RFC 8885, 4.6", OPTION_SERVING_MAAR, MBU("03") "01 00 | 44 10 " HA_HEX,
			"serving_maar=" HA},
		{"RFC 8885, 4.7", OPTION_DLIF_LINK_LOCAL,
			MBA("03") "01 00 | 45 10 fe800000 00000000 00000000 00000001",
			"address=fe80::1"},
		{"RFC 8885, 4.8", OPTION_DLIF_LINK_ADDRESS,
			MBU("02") "46 06 0000 01020304 | 01 02 0000",
			"link_layer_address=01020304"},
		{"RFC 8885, 4.8", OPTION_DLIF_LINK_ADDRESS,
			MBA("02") "46 08 0000 020000000001 | 01 00",
			"link_layer_address=020000000001"},
		{"RFC 8885, 4.8", OPTION_DLIF_LINK_ADDRESS, MBA("02") "46 0a 0000 0200000000000001",
			"link_layer_address=0200000000000001"},
	};

	golden_options(golden, COUNT(golden));
}

static void only_with_d(void **state)
{
	(void)state;
	/* RFC 8885, 4.3: can only appear if the D bit is set; else it is skipped */
	static const char hex[] = PBU("03") "41 12 00 40 20010db8 00010000 00000000 00000000";
	struct mh mh;

	assert_int_equal(golden_decode(hex, &mh, NULL), 0);
	assert_int_equal(mh.misplaced, 1);
	assert_null(option_find(&mh, OPTION_ANCHORED_PREFIX));
	golden_encodes(&mh, hex);
	assert_int_equal(golden_decode(PBA("03") "01 00 | 45 10 " HA_HEX, &mh, NULL), 0);
	assert_int_equal(mh.misplaced, 1);
	mh = (struct mh){.type = MH_BU};
	assert_non_null(option_add(&mh, OPTION_SERVING_MAAR));
	assert_int_equal(mh_encode(&mh, (uint8_t[64]){0}, 64), -EINVAL);
	mh.bu.flags = 0x0010;
	assert_int_equal(mh_encode(&mh, (uint8_t[64]){0}, 64), 32);
}

/* The offset at which the option stands behind one of three octets, from octet 12 on. */
static unsigned placed(uint8_t link_octets)
{
	struct mh mh = {.type = MH_BA, .ba.flags = 0x22}, got;
	struct mh_option *option = option_add(&mh, OPTION_EXPERIMENTAL);
	static uint8_t buf[64];
	ssize_t n;

	option->octets.octets = (struct field_bytes){NULL, 1};
	option = option_add(&mh, OPTION_DLIF_LINK_ADDRESS);
	option->octets.octets = (struct field_bytes){NULL, link_octets};
	n = mh_encode(&mh, buf, sizeof(buf));
	assert_true(n > 0);
	assert_int_equal(mh_decode(buf, (size_t)n, &got, NULL), 0);
	return got.options[1].offset;
}

static void aligned_by_size(void **state)
{
	(void)state;
	/* RFC 8885, 4.8: the address, behind four octets, on its natural boundary */
	assert_int_equal(placed(8), 20);
	assert_int_equal(placed(4), 16);
	assert_int_equal(placed(6), 16);
	assert_int_equal(placed(5), 16);
}

static void bad(void **state)
{
	(void)state;
	static const struct golden_bad bad[] = {
		{MBU("01") "41 02 00 40", MH_FAULT_OPTION_LENGTH, OPTION_ANCHORED_PREFIX, 12, 2},
		{MBU("01") "42 02 00 40", MH_FAULT_OPTION_LENGTH, OPTION_LOCAL_PREFIX, 12, 2},
		{MBA("03") "43 12 00 40 " HA_HEX, MH_FAULT_OPTION_LENGTH, OPTION_PREVIOUS_MAAR, 12,
			18},
		{MBU("01") "44 02 0000", MH_FAULT_OPTION_LENGTH, OPTION_SERVING_MAAR, 12, 2},
		{MBU("05") "01 00 | 44 10 " HA_HEX "44 10 " HA_HEX, MH_FAULT_OPTION_TRUNCATED,
			OPTION_SERVING_MAAR, 32, 16},
		{MBA("01") "45 02 0000", MH_FAULT_OPTION_LENGTH, OPTION_DLIF_LINK_LOCAL, 12, 2},
		{MBA("01") "46 01 00 00", MH_FAULT_OPTION_LENGTH, OPTION_DLIF_LINK_ADDRESS, 12, 1},
		/* no shorter than a report without records */
		{BU("02") "c8 07 8f000000 000000 | 0000 00", MH_FAULT_OPTION_LENGTH,
			OPTION_MULTICAST_STATE, 12, 7},
	};

	golden_errors(bad, COUNT(bad));
}

#define REPORT "8f 00 0000 0000 0001 | 04 00 0000 ff3e0000 00000000 00000000 00000001"

static void assigned_by_the_operator(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		{"draft-sarikaya-mext-multicastdmm-04, 4.1", OPTION_MULTICAST_STATE,
			BU("05") "01 04 00000000 | c8 1c " REPORT,
			"report=( protocol=MLDv2 records=list( ( "
			"record_type=4:CHANGE_TO_EXCLUDE_MODE group=ff3e::1 sources=list( ) ) ) )"},
		/* its body is no report */
		{"draft-sarikaya-mext-multicastdmm-04, 4.1", OPTION_MULTICAST_STATE,
			BA("03") "01 04 00000000 | c8 08 22 00 0000 0000 0001 | 01 02 0000",
			"report_error=records report=2200000000000001"},
		/* an IGMPv3 report without records (RFC 3376, 4.2) */
		{"draft-sarikaya-mext-multicastdmm-04, 4.1", OPTION_MULTICAST_STATE,
			BA("03") "01 04 00000000 | c8 08 22 00 0000 0000 0000 | 01 02 0000",
			"report=( protocol=IGMPv3 records=list( ) )"},
		{"draft-perkins-mext-hatunaddr", OPTION_HA_TUNNEL, BA("03") "01 00 | 12 10 " HA_HEX,
			"address=" HA},
		/* other lengths, and other messages, are an experiment of somebody else */
		{"RFC 5096, 4", OPTION_EXPERIMENTAL, BA("01") "12 02 abcd", "data=abcd"},
		{"RFC 5096, 4", OPTION_EXPERIMENTAL, BU("03") "12 10 " HA_HEX "| 01 00",
			"data=20010db8000000010000000000000001"},
	};

	golden_options(golden, COUNT(golden));
}

static void other_numbers(void **state)
{
	(void)state;
	static const struct option_numbers numbers = {.multicast_state = 18, .ha_tunnel = 255};
	static const char state_hex[] = BU("05") "01 04 00000000 | 12 1c " REPORT;
	static const char tunnel_hex[] = BA("03") "01 00 | ff 10 " HA_HEX;
	static uint8_t wire[64], again[64];
	struct mh mh;
	size_t n = octets(state_hex, wire, sizeof(wire));

	assert_int_equal(mh_decode_with(&numbers, wire, n, &mh, NULL), 0);
	assert_int_equal(mh.options[0].type, OPTION_MULTICAST_STATE);
	assert_int_equal(mh.options[0].number, 18);
	assert_octets(again, mh_encode_with(&numbers, &mh, again, sizeof(again)), state_hex);
	/* without numbers it is an experiment, and nothing to encode */
	assert_int_equal(mh_encode(&mh, again, sizeof(again)), -EINVAL);
	assert_int_equal(mh_decode(wire, n, &mh, NULL), 0);
	assert_int_equal(mh.options[0].type, OPTION_EXPERIMENTAL);
	/* what would be read as another option is refused */
	assert_int_equal(mh_encode_with(&numbers, &mh, again, sizeof(again)), -EINVAL);

	n = octets(tunnel_hex, wire, sizeof(wire));
	assert_int_equal(mh_decode_with(&numbers, wire, n, &mh, NULL), 0);
	assert_int_equal(mh.options[0].type, OPTION_HA_TUNNEL);
	assert_octets(again, mh_encode_with(&numbers, &mh, again, sizeof(again)), tunnel_hex);
	assert_int_equal(mh_decode(wire, n, &mh, NULL), 0);
	assert_int_equal(mh.unknown, 1);
}

static void misplaced(void **state)
{
	(void)state;
	/* in a Heartbeat it means nothing: skipped, named, and written as it came */
	static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
	static const char hex[] = HB("02") "c8 08 8f00 0000 0000 0000 | 0100";
	uint8_t wire[32], again[32];
	size_t n = octets(hex, wire, sizeof(wire));
	struct mh mh;

	assert_int_equal(mh_decode_with(&numbers, wire, n, &mh, NULL), 0);
	assert_int_equal(mh.misplaced, 1);
	assert_int_equal(mh.options[0].type, OPTION_MULTICAST_STATE);
	assert_int_equal(mh.options[0].state, OPTION_MISPLACED);
	assert_option(&mh.options[0], "data=8f00000000000000");
	assert_octets(again, mh_encode_with(&numbers, &mh, again, sizeof(again)), hex);
	/* who does not know the number cannot write it, nor call it unknown */
	assert_int_equal(mh_encode(&mh, again, sizeof(again)), -EINVAL);
	mh.options[0].type = 200;
	mh.options[0].state = OPTION_UNKNOWN;
	assert_int_equal(mh_encode_with(&numbers, &mh, again, sizeof(again)), -EINVAL);
	assert_octets(again, mh_encode(&mh, again, sizeof(again)), hex);
	mh.options[0].state = OPTION_MISPLACED;
	assert_int_equal(mh_encode_with(&numbers, &mh, again, sizeof(again)), -EINVAL);
}

static void error_text(void **state)
{
	(void)state;
	static const struct option_numbers numbers = OPTION_NUMBERS_DEFAULT;
	uint8_t wire[32];
	size_t n = octets(BU("01") "c8 02 8f00", wire, sizeof(wire));
	struct mh_error err;
	char text[160];
	struct mh mh;

	/* It spoils no Binding Update. */
	assert_int_equal(mh_decode_with(&numbers, wire, n, &mh, &err), 0);
	assert_int_equal(mh.options[0].state, OPTION_MALFORMED);
	assert_string_equal(mh_error_print(&err, text, sizeof(text)),
		"option 200 (Multicast State) at offset 12: wrong length (2)");
	n = octets(BU("01") "c8 14 8f00", wire, sizeof(wire));
	assert_int_equal(mh_decode_with(&numbers, wire, n, &mh, &err), -EBADMSG);
	assert_string_equal(mh_error_print(&err, text, sizeof(text)),
		"option 200 (Multicast State) at offset 12: length beyond the end of the message "
		"(20)");
}

int golden_option_dmm(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distributed),
		cmocka_unit_test(only_with_d),
		cmocka_unit_test(aligned_by_size),
		cmocka_unit_test(bad),
		cmocka_unit_test(assigned_by_the_operator),
		cmocka_unit_test(other_numbers),
		cmocka_unit_test(misplaced),
		cmocka_unit_test(error_text),
	};

	return cmocka_run_group_tests_name("option_dmm", tests, NULL, NULL);
}
