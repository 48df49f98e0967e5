/* Options of RFC 5213, 5844, 5845, 5847, 7148, 7389 and 8278: golden octets. */
#include "golden.h"

static void proxy(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		{"RFC 5213, 8.3", OPTION_HOME_NETWORK_PREFIX,
			PBU("03") "16 12 00 40 20010db8 00010000 00000000 00000000",
			"off_link=false prefix_length=64 prefix=2001:db8:1::"},
		/* RFC 7864, 4.1: the L flag */
		{"RFC 5213, 8.3", OPTION_HOME_NETWORK_PREFIX,
			UPN("03") "16 12 80 40 20010db8 00010000 00000000 00000000",
			"off_link=true prefix_length=64 prefix=2001:db8:1::"},
		/* RFC 5846, 5.1 */
		{"RFC 5213, 8.3", OPTION_HOME_NETWORK_PREFIX,
			BRI("03") "16 12 00 40 20010db8 00010000 00000000 00000000",
			"off_link=false prefix_length=64 prefix=2001:db8:1::"},
		{"RFC 5213, 8.4", OPTION_HANDOFF, PBU("01") "17 02 00 03",
			"handoff_indicator=3:handoff between mobile access gateways for the same "
			"interface"},
		{"RFC 5213, 8.5", OPTION_ACCESS_TECHNOLOGY, PBU("01") "18 02 00 04",
			"access_technology=4:IEEE 802.11a/b/g"},
		/* by the size of the identifier: 6 octets at 2n, 8 at 8n+4, 4 at 4n */
		{"RFC 5213, 8.6", OPTION_MN_LINK_ID, PBU("02") "19 08 0000 020000000001 | 01 00",
			"identifier=020000000001"},
		{"RFC 5213, 8.6", OPTION_MN_LINK_ID, PBU("02") "19 0a 0000 0200000000000001",
			"identifier=0200000000000001"},
		{"RFC 5213, 8.6", OPTION_MN_LINK_ID, PBU("02") "19 06 0000 0a0b0c0d | 01 02 0000",
			"identifier=0a0b0c0d"},
		{"RFC 5213, 8.7", OPTION_LINK_LOCAL,
			PBA("03") "01 00 | 1a 10 fe800000 00000000 00000000 00000001",
			"address=fe80::1"},
		{"RFC 5213, 8.8", OPTION_TIMESTAMP,
			PBU("03") "01 04 00000000 | 1b 08 0000 65f0a1b2 8000 | 01 02 0000",
			"timestamp=112084179386368"},
		{"RFC 5847, 3.4", OPTION_RESTART_COUNTER,
			HB("02") "01 00 | 1c 04 00000007 | 01 02 "
				 "0000",
			"restart_counter=7"},
	};

	golden_options(golden, COUNT(golden));
}

static void ip4(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		{"RFC 5845, 6.1", OPTION_GRE_KEY, PBU("01") "21 02 0000", ""},
		{"RFC 5845, 6.1", OPTION_GRE_KEY, PBA("02") "21 06 0000 00000000 | 01 02 0000",
			"gre_key=0"},
		{"RFC 5845, 6.1", OPTION_GRE_KEY, PBU("02") "21 06 0000 fffffffe | 01 02 0000",
			"gre_key=4294967294"},
		{"RFC 5844, 3.3.1", OPTION_IP4_REQUEST,
			PBU("02") "24 06 80 00 00000000 | 01 02 0000",
			"prefix_length=32 home_address=0.0.0.0"},
		{"RFC 5844, 3.3.2", OPTION_IP4_REPLY, PBA("02") "25 06 00 60 c0000201 | 01 02 0000",
			"status=0:success prefix_length=24 home_address=192.0.2.1"},
		{"RFC 5844, 3.3.3", OPTION_IP4_ROUTER, PBA("02") "26 06 0000 c00002fe | 01 02 0000",
			"default_router=192.0.2.254"},
		{"RFC 5844, 3.3.4", OPTION_DHCP_MODE, PBA("01") "27 02 00 01", "dhcp_server=true"},
		{"RFC 5844, 3.3.4", OPTION_DHCP_MODE, PBA("01") "27 02 00 00", "dhcp_server=false"},
	};

	golden_options(golden, COUNT(golden));
}

static void later(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		/* 8n+2 as the RFCs write it */
		{"RFC 7148, 4.1", OPTION_DELEGATED_PREFIX,
			PBU("03") "01 04 00000000 | 37 06 80 18 c0000200 | 01 04 00000000",
			"ipv4=true prefix_length=24 prefix=192.0.2.0"},
		{"RFC 7148, 4.1", OPTION_DELEGATED_PREFIX,
			PBU("04") "01 04 00000000 | 37 12 00 30 20010db8 00010000 00000000 "
				  "00000000 "
				  "| 01 00",
			"ipv4=false prefix_length=48 prefix=2001:db8:1::"},
		{"RFC 7389, 4", OPTION_LMA_ADDRESS, PBU("02") "01 04 00000000 | 3b 02 0000 | 01 00",
			""},
		{"RFC 7389, 4", OPTION_LMA_ADDRESS,
			PBA("03") "01 04 00000000 | 3b 06 0000 c0000201 | 01 04 00000000",
			"address=192.0.2.1"},
		{"RFC 7389, 4", OPTION_LMA_ADDRESS,
			PBA("04") "01 04 00000000 | 3b 12 0000 " HA_HEX "| 01 00", "address=" HA},
		{"RFC 8278, 4.1", OPTION_MAG_MULTIPATH,
			PBU("02") "3f 06 04 09 fe 80 0000 | 01 02 "
				  "0000",
			"access_technology=4:IEEE 802.11a/b/g interface_label=9 bid=254 bulk=true "
			"overwrite=false"},
		{"RFC 8278, 4.1", OPTION_MAG_MULTIPATH,
			PBU("02") "3f 06 08 0b 01 40 0000 | 01 02 "
				  "0000",
			"access_technology=8:3GPP E-UTRAN interface_label=11 bid=1 bulk=false "
			"overwrite=true"},
		{"RFC 8278, 4.2", OPTION_MAG_ID, PBU("02") "40 06 01 00 6d616731 | 01 02 0000",
			"subtype=1:NAI identifier=mag1"},
		{"RFC 8278, 4.2", OPTION_MAG_ID, PBU("02") "40 08 05 00 020000000001 | 01 00",
			"subtype=5:EUI-48 identifier=020000000001"},
	};

	golden_options(golden, COUNT(golden));
}

static void aligned_by_size(void **state)
{
	(void)state;
	/* RFC 5213, 8.6: the identifier, behind four octets, on its natural boundary */
	static const uint8_t cases[][2] = {{8, 20}, {4, 16}, {6, 16}, {5, 16}};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct mh mh = {.type = MH_BU, .bu.flags = 0x8200}, got;
		static uint8_t buf[64];
		ssize_t n;

		option_add(&mh, OPTION_EXPERIMENTAL)->octets.octets = (struct field_bytes){NULL, 1};
		option_add(&mh, OPTION_MN_LINK_ID)->octets.octets =
			(struct field_bytes){NULL, cases[i][0]};
		n = mh_encode(&mh, buf, sizeof(buf));
		assert_true(n > 0);
		assert_int_equal(mh_decode(buf, (size_t)n, &got, NULL), 0);
		assert_int_equal(got.options[1].offset, cases[i][1]);
	}
}

static void bad(void **state)
{
	(void)state;
	static const struct golden_bad bad[] = {
		{PBU("03") "16 11 00 40 20010db8 00010000 00000000 000000 00",
			MH_FAULT_OPTION_LENGTH, OPTION_HOME_NETWORK_PREFIX, 12, 17},
		{PBU("01") "17 01 00 00", MH_FAULT_OPTION_LENGTH, OPTION_HANDOFF, 12, 1},
		{PBU("02") "18 03 000400 | 01 05 0000000000", MH_FAULT_OPTION_LENGTH,
			OPTION_ACCESS_TECHNOLOGY, 12, 3},
		{PBU("02") "17 02 0001 17 02 0001 | 01 02 0000", MH_FAULT_OPTION_REPEATED,
			OPTION_HANDOFF, 16, 2},
		{PBU("01") "19 01 00 00", MH_FAULT_OPTION_LENGTH, OPTION_MN_LINK_ID, 12, 1},
		{PBU("02") "1a 08 0000000000000000 | 01 00", MH_FAULT_OPTION_LENGTH,
			OPTION_LINK_LOCAL, 12, 8},
		{PBU("02") "1b 07 00000000000000 | 0000 00", MH_FAULT_OPTION_LENGTH,
			OPTION_TIMESTAMP, 12, 7},
		{HB("01") "1c 02 0000", MH_FAULT_OPTION_LENGTH, OPTION_RESTART_COUNTER, 12, 2},
		/* RFC 5845, 6.1: 2 or 6 */
		{PBU("02") "21 04 0000 0000 | 01 04 00000000", MH_FAULT_OPTION_LENGTH,
			OPTION_GRE_KEY, 12, 4},
		{PBU("02") "24 04 8000 0000 | 01 04 00000000", MH_FAULT_OPTION_LENGTH,
			OPTION_IP4_REQUEST, 12, 4},
		{PBA("02") "25 04 8000 0000 | 01 04 00000000", MH_FAULT_OPTION_LENGTH,
			OPTION_IP4_REPLY, 12, 4},
		{PBA("02") "26 04 8000 0000 | 01 04 00000000", MH_FAULT_OPTION_LENGTH,
			OPTION_IP4_ROUTER, 12, 4},
		{PBA("01") "27 01 00 00", MH_FAULT_OPTION_LENGTH, OPTION_DHCP_MODE, 12, 1},
		/* RFC 7148, 4.1: V says IPv4 and the length IPv6, and the other way round */
		{PBU("02") "37 06 00 18 c0000200 | 01 02 0000", MH_FAULT_OPTION_LENGTH,
			OPTION_DELEGATED_PREFIX, 12, 6},
		{PBU("03") "37 12 80 30 20010db8 00010000 00000000 00000000",
			MH_FAULT_OPTION_LENGTH, OPTION_DELEGATED_PREFIX, 12, 18},
		{PBU("01") "37 02 00 00", MH_FAULT_OPTION_LENGTH, OPTION_DELEGATED_PREFIX, 12, 2},
		{PBU("02") "3b 04 0000 0000 | 01 04 00000000", MH_FAULT_OPTION_LENGTH,
			OPTION_LMA_ADDRESS, 12, 4},
		/* RFC 7389, 4: at most two */
		{PBU("02") "3b 02 0000 3b 02 0000 3b 02 0000", MH_FAULT_OPTION_REPEATED,
			OPTION_LMA_ADDRESS, 20, 2},
		{PBU("02") "3f 05 00 00 01 00 00 | 01 03 000000", MH_FAULT_OPTION_LENGTH,
			OPTION_MAG_MULTIPATH, 12, 5},
		{PBU("01") "40 01 01 00", MH_FAULT_OPTION_LENGTH, OPTION_MAG_ID, 12, 1},
	};

	golden_errors(bad, COUNT(bad));
}

static void encoder_refuses(void **state)
{
	(void)state;
	struct mh mh = {.type = MH_BU};
	struct mh_option *option = option_add(&mh, OPTION_DELEGATED_PREFIX);
	uint8_t buf[64];

	option->delegated_prefix = (struct option_delegated_prefix){
		.is_ip4 = true, .prefix_len = 24, .prefix.len = 16};
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	option->delegated_prefix.prefix.len = 4;
	assert_true(mh_encode(&mh, buf, sizeof(buf)) > 0);
	/* 6 bits of prefix length */
	mh.option_count = 0;
	option = option_add(&mh, OPTION_IP4_REQUEST);
	option->ip4_home.prefix_len = 64;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	/* not where the table does not allow it */
	mh.option_count = 0;
	assert_non_null(option_add(&mh, OPTION_RESTART_COUNTER));
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	mh.type = MH_HEARTBEAT;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 24);
}

static void proxy_registration(void **state)
{
	(void)state;
	/* what a PBU carries (RFC 5213, 6.9.1.5), in one message */
	struct mh mh = {.type = MH_BU, .bu = {1, 0x8200, 105}};
	option_add(&mh, OPTION_MN_ID)->mn_id =
		(struct option_mn_id){1, {(const uint8_t *)"mn1@net.a", 9}};
	option_add(&mh, OPTION_HOME_NETWORK_PREFIX)->prefix.len = 64;
	option_add(&mh, OPTION_HANDOFF)->handoff.value = 1;
	option_add(&mh, OPTION_ACCESS_TECHNOLOGY)->access.value = 4;
	option_add(&mh, OPTION_TIMESTAMP)->timestamp.time = 0x000065f0a1b28000;
	golden_encodes(&mh, "3b 08 05 00 0000 0001 8200 0069"
			    "| 08 0a 01 6d6e31406e65742e61 | 01 02 0000"
			    "| 16 12 00 40 0000000000000000 0000000000000000"
			    "| 17 02 00 01 | 18 02 00 04 | 01 00"
			    "| 1b 08 0000 65f0a1b2 8000 | 01 02 0000");
}

int golden_option_proxy(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(proxy),
		cmocka_unit_test(ip4),
		cmocka_unit_test(later),
		cmocka_unit_test(aligned_by_size),
		cmocka_unit_test(bad),
		cmocka_unit_test(encoder_refuses),
		cmocka_unit_test(proxy_registration),
	};

	return cmocka_run_group_tests_name("option_proxy", tests, NULL, NULL);
}
