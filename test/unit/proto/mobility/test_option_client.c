/* Options of RFC 5555, 5648 and 6089: golden octets. Sub-options of flows are in test_flow.c. */
#include "golden.h"

static void dual_stack(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		{"RFC 5555, 3.1.1", OPTION_IP4_HOME, BU("02") "1d 06 80 00 c0000201 | 01 02 0000",
			"prefix_length=32 request_prefix=false home_address=192.0.2.1"},
		{"RFC 5555, 3.1.1", OPTION_IP4_HOME, BU("02") "1d 06 62 00 00000000 | 01 02 0000",
			"prefix_length=24 request_prefix=true home_address=0.0.0.0"},
		{"RFC 5555, 3.2.1", OPTION_IP4_ACK, BA("02") "1e 06 00 80 c0000201 | 01 02 0000",
			"status=0:success prefix_length=32 home_address=192.0.2.1"},
		{"RFC 5555, 3.2.1", OPTION_IP4_ACK, BA("02") "1e 06 84 00 00000000 | 01 02 0000",
			"status=132:dynamic IPv4 home address assignment not available "
			"prefix_length=0 home_address=0.0.0.0"},
		{"RFC 5555, 3.2.2", OPTION_NAT_DETECTION,
			BA("02") "1f 06 80 00 0000006e | 01 02 0000",
			"force_udp=true refresh_time=110"},
		{"RFC 5555, 3.2.2", OPTION_NAT_DETECTION,
			BA("02") "1f 06 00 00 ffffffff | 01 02 0000",
			"force_udp=false refresh_time=4294967295"},
		{"RFC 5555, 3.1.2", OPTION_IP4_COA, BU("02") "20 06 0000 cb007101 | 01 02 0000",
			"care_of_address=203.0.113.1"},
		/* RFC 5846, 5.1: also in a revocation */
		{"RFC 5555, 3.1.1", OPTION_IP4_HOME, BRI("02") "1d 06 80 00 c0000201 | 01 02 0000",
			"prefix_length=32 request_prefix=false home_address=192.0.2.1"},
	};

	golden_options(golden, COUNT(golden));
}

static void binding_identifier(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		/* no care-of address: 2n */
		{"RFC 5648, 4.3", OPTION_BID, BU("02") "23 04 0001 00 8a | 01 04 00000000",
			"bid=1 status=0:accepted home=true priority=10"},
		/* with one: 8n+2 */
		{"RFC 5648, 4.3", OPTION_BID,
			BU("03") "01 04 00000000 | 23 08 fffe 00 7f c0000201 "
				 "| 01 02 0000",
			"bid=65534 status=0:accepted home=false priority=127 "
			"care_of_address=192.0.2.1"},
		{"RFC 5648, 4.3", OPTION_BID, BU("04") "01 04 00000000 | 23 14 0002 00 00 " COA_HEX,
			"bid=2 status=0:accepted home=false priority=0 care_of_address=" COA},
		{"RFC 5648, 4.3", OPTION_BID, BA("02") "23 04 0001 a7 00 | 01 04 00000000",
			"bid=1 status=167:MCOA UNKNOWN COA home=false priority=0"},
		/* RFC 5648, 4.3: also in a Binding Refresh Request and a Care-of Test Init */
		{"RFC 5648, 4.3", OPTION_BID, "3b 01 00 00 0000 0000 | 23 04 0001 00 00 | 01 00",
			"bid=1 status=0:accepted home=false priority=0"},
		{"RFC 5648, 4.3", OPTION_BID,
			"3b 02 02 00 0000 0000 0102030405060708 | 23 04 0001 00 00 | 01 00",
			"bid=1 status=0:accepted home=false priority=0"},
		/* figure 5, every field different */
		{"RFC 5648, 4.3", OPTION_BID, BU("04") "01 04 00000000 | 23 14 1122 00 aa " COA_HEX,
			"bid=4386 status=0:accepted home=true priority=42 care_of_address=" COA},
	};

	golden_options(golden, COUNT(golden));
}

static void flows(void **state)
{
	(void)state;
	static const struct golden golden[] = {
		{"RFC 6089, 4.2.2", OPTION_FLOW_SUMMARY,
			BU("02") "2c 06 0001 0002 ffff | 01 02 0000", "fids=list( 1 2 65535 )"},
		{"RFC 6089, 4.2", OPTION_FLOW_ID, BU("02") "2d 06 0001 0002 00 00 | 01 02 0000",
			"fid=1 priority=2 status=0:flow binding successful sub_options=list( )"},
		{"RFC 6089, 4.2", OPTION_FLOW_ID, BA("02") "2d 06 0001 0002 00 83 | 01 02 0000",
			"fid=1 priority=2 status=131:BID not found sub_options=list( )"},
		/* with sub-options at a multiple of eight octets */
		{"RFC 6089, 4.2", OPTION_FLOW_ID,
			BU("03") "01 02 0000 | 2d 0c 0001 0002 00 00 | 02 04 0005 0006 | 01 00",
			"fid=1 priority=2 status=0:flow binding successful sub_options=list( "
			"( type=2 name=Binding Reference length=4 bids=list( 5 6 ) ) )"},
		/* figures 2, 4 and 5, and RFC 6088, figure 2; every field different */
		{"RFC 6089, 4.2", OPTION_FLOW_ID,
			BU("05") "01 02 0000 | 2d 18 1122 3344 00 00 | 02 04 5566 7788 "
				 "| 03 0a 02 00 00c00000 1f90 1fff | 01 04 00000000",
			"fid=4386 priority=13124 status=0:flow binding successful "
			"sub_options=list( ( type=2 name=Binding Reference length=4 bids=list( "
			"21862 30600 ) ) ( type=3 name=Traffic Selector length=10 format=2 "
			"source_port_start=8080 source_port_end=8191 ) )"},
		/* figure 6 */
		{"RFC 6089, 4.2.2", OPTION_FLOW_SUMMARY,
			BU("02") "2c 06 1122 3344 5566 | 01 02 0000",
			"fids=list( 4386 13124 21862 )"},
	};

	golden_options(golden, COUNT(golden));
}

static void flow_elsewhere(void **state)
{
	(void)state;
	/* RFC 6089, 4.2 asks for 2n only: taken as it comes */
	struct mh mh;

	assert_int_equal(golden_decode(BU("03") "2d 0a 0001 0002 00 00 02 02 0005 | 01 06 "
						"000000000000",
				 &mh, NULL),
		0);
	assert_int_equal(mh.options[0].type, OPTION_FLOW_ID);
	assert_int_equal(mh.options[0].flow_id.subs.len, 4);
}

static void bad(void **state)
{
	(void)state;
	static const struct golden_bad bad[] = {
		{BU("02") "1d 05 80 00 c00002 | 01 03 000000", MH_FAULT_OPTION_LENGTH,
			OPTION_IP4_HOME, 12, 5},
		{BU("02") "1d 07 80 00 c0000201 00 | 01 01 00", MH_FAULT_OPTION_LENGTH,
			OPTION_IP4_HOME, 12, 7},
		{BA("01") "1e 02 0080", MH_FAULT_OPTION_LENGTH, OPTION_IP4_ACK, 12, 2},
		{BA("01") "1f 02 0080", MH_FAULT_OPTION_LENGTH, OPTION_NAT_DETECTION, 12, 2},
		{BU("01") "20 02 0000", MH_FAULT_OPTION_LENGTH, OPTION_IP4_COA, 12, 2},
		{BU("03") "20 06 0000 cb007101 20 06 0000 cb007101 | 01 02 0000",
			MH_FAULT_OPTION_REPEATED, OPTION_IP4_COA, 20, 6},
		/* RFC 5648, 4.3: 4, 8 or 20 */
		{BU("02") "23 03 0001 00 | 01 05 0000000000", MH_FAULT_OPTION_LENGTH, OPTION_BID,
			12, 3},
		{BU("02") "23 05 0001 00 00 00 | 01 03 000000", MH_FAULT_OPTION_LENGTH, OPTION_BID,
			12, 5},
		{BU("02") "23 06 0001 00 00 0000 | 01 02 0000", MH_FAULT_OPTION_LENGTH, OPTION_BID,
			12, 6},
		{BU("01") "2c 00 0000", MH_FAULT_OPTION_LENGTH, OPTION_FLOW_SUMMARY, 12, 0},
		{BU("02") "2c 03 000100 | 01 05 0000000000", MH_FAULT_OPTION_LENGTH,
			OPTION_FLOW_SUMMARY, 12, 3},
		{BU("02") "2d 05 0001 0002 00 | 01 03 000000", MH_FAULT_OPTION_LENGTH,
			OPTION_FLOW_ID, 12, 5},
	};

	golden_errors(bad, COUNT(bad));
}

static void many_bindings(void **state)
{
	(void)state;
	/* a bulk registration of eight care-of addresses (RFC 5648, 5.3): no octet is wasted */
	struct mh mh = {.type = MH_BU}, got;
	static uint8_t buf[MH_SIZE_MAX];

	for (unsigned i = 0; i < 8; i++) {
		struct mh_option *option = option_add(&mh, OPTION_BID);

		option->bid = (struct option_bid){.bid = (uint16_t)(i + 1),
			.priority = 1,
			.coa = {.ip6 = address(COA), .len = 16}};
	}
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), 12 + 6 + 8 * 22 + 7 * 2);
	assert_int_equal(mh_decode(buf, sizeof(buf), &got, NULL), 0);
	assert_int_equal(got.option_count, 8);
	for (unsigned i = 0; i < 8; i++) {
		assert_int_equal(got.options[i].bid.bid, i + 1);
		assert_int_equal(got.options[i].offset % 8, 2);
		assert_address(&got.options[i].bid.coa.ip6, COA);
	}
	/* values wider than their fields are refused */
	mh.options[0].bid.priority = 128;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
	mh.options[0].bid.priority = 0;
	mh.options[0].bid.coa.len = 6;
	assert_int_equal(mh_encode(&mh, buf, sizeof(buf)), -EINVAL);
}

int golden_option_client(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dual_stack),
		cmocka_unit_test(binding_identifier),
		cmocka_unit_test(flows),
		cmocka_unit_test(flow_elsewhere),
		cmocka_unit_test(bad),
		cmocka_unit_test(many_bindings),
	};

	return cmocka_run_group_tests_name("option_client", tests, NULL, NULL);
}
