/* Options of RFC 3963, 4283, 5026, 5094, 5096, 5149, 5568: golden octets. Those of RFC 6275 and
 * RFC 4285 are in test_option.c. */
#include "golden.h"

static void base(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		{"RFC 3963, 4.3", OPTION_MOBILE_NETWORK_PREFIX,
			BU("03") "06 12 00 30 20010db8 00010000 00000000 00000000",
			"prefix_length=48 prefix=2001:db8:1::"},
		/* octet by octet: an Ethernet address and one octet of padding */
		{"RFC 5568, 6.4.4", OPTION_LINK_ADDRESS,
			BU("02") "07 07 02 020000000001 | 01 01 00",
			"option_code=2:mobile node link_layer_address=020000000001"},
		{"RFC 5568, 6.4.4", OPTION_LINK_ADDRESS, BU("01") "07 01 05 | 00",
			"option_code=5:unassigned link_layer_address="},
		{"RFC 4283, 3", OPTION_MN_ID, BU("01") "08 02 01 61", "subtype=1:NAI identifier=a"},
		/* RFC 8371, 4: IMSI as BCD, EUI-48 */
		{"RFC 4283, 3", OPTION_MN_ID, PBU("02") "08 09 03 001011234567890f | 00",
			"subtype=3:IMSI identifier=001011234567890f"},
		{"RFC 4283, 3", OPTION_MN_ID, PBU("02") "08 07 05 020000000001 | 01 01 00",
			"subtype=5:EUI-48 identifier=020000000001"},
		{"RFC 5026, 8.1", OPTION_DNS_UPDATE, BU("02") "11 0a 00 00 6d6e2e6e65742e61",
			"status=0:DNS update performed remove=false fqdn=mn.net.a"},
		{"RFC 5026, 8.1", OPTION_DNS_UPDATE, BA("01") "11 02 82 80",
			"status=130:DNS update failed remove=true fqdn="},
		{"RFC 5096, 4", OPTION_EXPERIMENTAL, BU("01") "12 02 abcd", "data=abcd"},
		{"RFC 5096, 4", OPTION_EXPERIMENTAL, BU("01") "12 00 | 01 00", "data="},
		/* 4n+2 */
		{"RFC 5094, 3", OPTION_VENDOR, BU("02") "01 00 | 13 06 000028af 02 ff | 01 00",
			"vendor=10415 subtype=2 data=ff"},
		{"RFC 5149, 3", OPTION_SERVICE_SELECTION,
			BU("02") "14 04 766f6970 | 01 04 00000000", "identifier=voip"},
	};

	golden_options(golden, COUNT(golden));
}

static void bad(void **state)
{
	(void)state;
	static const struct golden_bad bad[] = {
		{BU("03") "06 11 00 30 20010db8 00010000 00000000 000000 00",
			MH_FAULT_OPTION_LENGTH, OPTION_MOBILE_NETWORK_PREFIX, 12, 17},
		{BU("03") "0000 | 06 10 0030 20010db8 0001 00000000 00000000",
			MH_FAULT_OPTION_LENGTH, OPTION_MOBILE_NETWORK_PREFIX, 14, 16},
		{BU("01") "07 00 01 00", MH_FAULT_OPTION_LENGTH, OPTION_LINK_ADDRESS, 12, 0},
		{BU("01") "11 01 00 00", MH_FAULT_OPTION_LENGTH, OPTION_DNS_UPDATE, 12, 1},
		{BU("02") "0000 | 13 04 000028af | 0102 0000", MH_FAULT_OPTION_LENGTH,
			OPTION_VENDOR, 14, 4},
		{BU("01") "14 00 01 00", MH_FAULT_OPTION_LENGTH, OPTION_SERVICE_SELECTION, 12, 0},
		/* RFC 5149, 3: at most once, and before the authentication options */
		{BU("02") "14 01 61 14 01 62 | 01 04 00000000", MH_FAULT_OPTION_REPEATED,
			OPTION_SERVICE_SELECTION, 15, 1},
		{BU("03") "00 09 05 01 00000100 | 14 01 61 | 0107 00000000000000",
			MH_FAULT_OPTION_ORDER, OPTION_SERVICE_SELECTION, 20, 1},
		{BU("01") "12 03 0000", MH_FAULT_OPTION_TRUNCATED, OPTION_EXPERIMENTAL, 12, 3},
	};

	golden_errors(bad, COUNT(bad));
}

static void longest(void **state)
{
	(void)state;
	/* 255 octets behind the length, and one more */
	struct mh mh = {.type = MH_BU}, got;
	struct mh_option *option = option_add(&mh, OPTION_SERVICE_SELECTION);
	static uint8_t buf[MH_SIZE_MAX], text[255];

	memset(text, 'a', sizeof(text));
	option->octets.octets = (struct field_bytes){text, 255};
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 272);
	assert_int_equal(mh_decode(buf, 272, &got, NULL), 0);
	assert_int_equal(got.options[0].octets.octets.len, 255);
	assert_memory_equal(got.options[0].octets.octets.at, text, 255);
	option->type = OPTION_DNS_UPDATE;
	option->dns_update = (struct option_dns_update){.fqdn = {text, 254}};
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	option->dns_update.fqdn.len = 253;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 272);
	option->dns_update.remove = true;
	option->dns_update.fqdn.len = 0;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 16);
}

int golden_option_base(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base),
		cmocka_unit_test(bad),
		cmocka_unit_test(longest),
	};

	return cmocka_run_group_tests_name("option_base", tests, NULL, NULL);
}
