/* Sub-options of the Flow Identification option (RFC 6089, 4.2.1). */
#include <errno.h>

#include "golden.h"
#include "proto/mobility/flow.h"

static uint8_t *last;

static struct field_bytes view(const char *hex)
{
	static uint8_t wire[255];
	size_t n = octets(hex, wire, sizeof(wire));

	free(last);
	last = exact(wire, n);
	return (struct field_bytes){n ? last : NULL, (uint8_t)n};
}

static void assert_same(const struct flow *flow, const char *hex)
{
	uint8_t buf[FLOW_SUBS_MAX];

	memset(buf, 0xa5, sizeof(buf));
	assert_octets(buf, flow_encode(flow, buf, sizeof(buf)), hex);
}

static void nothing(void **state)
{
	(void)state;
	struct field_bytes subs = view("");
	struct flow_error err;
	struct flow flow;

	assert_int_equal(flow_decode(&subs, &flow, &err), 0);
	assert_int_equal(err.fault, FLOW_FAULT_NONE);
	assert_false(flow.has_bids || flow.has_selector);
	assert_same(&flow, "");
}

static void binding_reference(void **state)
{
	(void)state;
	/* RFC 6089, 4.2.1.3 */
	static const char hex[] = "02 06 0001 00ff fffe";
	struct field_bytes subs = view(hex);
	struct flow flow;

	assert_int_equal(flow_decode(&subs, &flow, NULL), 0);
	assert_true(flow.has_bids);
	assert_int_equal(flow.bids.len, 6);
	assert_int_equal(field_list16(&flow.bids, 0), 1);
	assert_int_equal(field_list16(&flow.bids, 1), 255);
	assert_int_equal(field_list16(&flow.bids, 2), 65534);
	assert_same(&flow, hex);
}

static void traffic_selectors(void **state)
{
	(void)state;
	/* RFC 6089, 4.2.1.4 with RFC 6088, 3.1 (4n) and 3.2 (8n, 2n) */
	static const char *const hex[] = {
		"02 02 0007 | 03 0a 01 00 20000000 c0000201",
		"02 04 0007 0008 | 01 00 | 03 16 02 00 80000000 c0000201c0000201 c0000201c0000201",
		"02 02 0007 | 03 09 02 00 00220000 1f90 06",
		"03 07 01 00 00080000 11",
	};

	for (size_t i = 0; i < COUNT(hex); i++) {
		struct field_bytes subs = view(hex[i]);
		struct flow flow;

		assert_int_equal(flow_decode(&subs, &flow, NULL), 0);
		assert_true(flow.has_selector);
		assert_int_equal(flow.selector.format, flow.format);
		assert_same(&flow, hex[i]);
	}
}

static void other_formats(void **state)
{
	(void)state;
	/* carried, not decoded: to be refused with status 133 */
	static const char hex[] = "03 04 fb 00 abcd";
	struct field_bytes subs = view(hex);
	struct flow flow;

	assert_int_equal(flow_decode(&subs, &flow, NULL), 0);
	assert_true(flow.has_selector);
	assert_int_equal(flow.format, 251);
	assert_false(flow_is_supported_format(flow.format));
	assert_true(flow_is_supported_format(1) && flow_is_supported_format(2));
	assert_int_equal(flow.opaque.len, 2);
	assert_same(&flow, hex);
}

static void unknown_and_padding(void **state)
{
	(void)state;
	/* RFC 6089, 4.2.1: skipped, what follows is read */
	struct field_bytes subs =
		view("00 | 04 02 000b | 01 03 000000 | c8 00 | 02 02 0001 | 0000");
	struct flow flow;

	assert_int_equal(flow_decode(&subs, &flow, NULL), 0);
	assert_int_equal(flow.unknown, 2);
	assert_true(flow.has_bids);
	assert_false(flow.has_selector);
	assert_same(&flow, "02 02 0001");
}

static void bad(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		struct flow_error err;
		const char *text;
	} cases[] = {
		{"02", {FLOW_FAULT_TRUNCATED, 0, 8, 2, 0},
			"sub-option 2 at offset 8: truncated (length 0)"},
		{"00 01 05 00", {FLOW_FAULT_TRUNCATED, 0, 9, 1, 5},
			"sub-option 1 at offset 9: truncated (length 5)"},
		{"02 02 0001 | 03 04 0100", {FLOW_FAULT_TRUNCATED, 0, 12, 3, 4},
			"sub-option 3 at offset 12: truncated (length 4)"},
		{"02 00", {FLOW_FAULT_LENGTH, 0, 8, 2, 0},
			"sub-option 2 at offset 8: length (length 0)"},
		{"02 03 000100", {FLOW_FAULT_LENGTH, 0, 8, 2, 3},
			"sub-option 2 at offset 8: length (length 3)"},
		{"03 01 01", {FLOW_FAULT_LENGTH, 0, 8, 3, 1},
			"sub-option 3 at offset 8: length (length 1)"},
		{"02 02 0001 02 02 0002", {FLOW_FAULT_REPEATED, 0, 12, 2, 2},
			"sub-option 2 at offset 12: repeated (length 2)"},
		{"03 02 fb 00 03 02 fb 00", {FLOW_FAULT_REPEATED, 0, 12, 3, 2},
			"sub-option 3 at offset 12: repeated (length 2)"},
		/* octet 8 + 2 of the option is the format; the selector starts at 8 + 4 */
		{"03 05 01 00 000000", {FLOW_FAULT_SELECTOR, TRAFFIC_FAULT_TRUNCATED, 15, 3, 5},
			"sub-option 3 at offset 15: traffic-selector: truncated (length 5)"},
		{"02 02 0001 | 03 07 02 00 00010000 06",
			{FLOW_FAULT_SELECTOR, TRAFFIC_FAULT_END, 20, 3, 7},
			"sub-option 3 at offset 20: traffic-selector: end-without-start (length "
			"7)"},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct field_bytes subs = view(cases[i].hex);
		struct flow_error err;
		struct flow flow;
		char text[120];

		assert_int_equal(flow_decode(&subs, &flow, &err), -EBADMSG);
		assert_int_equal(err.fault, cases[i].err.fault);
		assert_int_equal(err.selector, cases[i].err.selector);
		assert_int_equal(err.offset, cases[i].err.offset);
		assert_int_equal(err.type, cases[i].err.type);
		assert_int_equal(err.len, cases[i].err.len);
		assert_string_equal(flow_error_print(&err, text, sizeof(text)), cases[i].text);
		assert_int_equal(flow_decode(&subs, &flow, NULL), -EBADMSG);
	}
}

static void encoder_refuses(void **state)
{
	(void)state;
	static const uint8_t octet[250];
	uint8_t buf[300];
	struct flow flow = {.has_bids = true};

	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), -EINVAL);
	flow.bids = (struct field_bytes){octet, 3};
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), -EINVAL);
	flow.bids.len = 246;
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), 248);
	assert_int_equal(flow_encode(&flow, buf, 247), -ENOSPC);
	/* what does not fit the option */
	flow.bids.len = 248;
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), -ENOSPC);
	flow = (struct flow){.has_selector = true, .format = 1, .selector.format = 2};
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), -EINVAL);
	flow.selector.format = 1;
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), 8);
	flow.selector.ranges[TRAFFIC_FLOW_LABEL].has_start = true;
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), -EINVAL);
	flow = (struct flow){.has_selector = true, .format = 251, .opaque = {octet, 245}};
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), 249);
	flow.opaque.len = 246;
	assert_int_equal(flow_encode(&flow, buf, sizeof(buf)), -ENOSPC);
}

static void in_an_option(void **state)
{
	(void)state;
	/* as a binding update carries it: the address falls on eight octets */
	static const char hex[] = BU("05") "01 02 0000 | 2d 1e 0001 000a 00 00 |"
					   "03 16 02 00 20000000" HA_HEX;
	struct mh mh;

	assert_int_equal(golden_decode(hex, &mh, NULL), 0);
	golden_encodes(&mh, hex);
	assert_option(&mh.options[0],
		"fid=1 priority=10 status=0:flow binding successful sub_options=list( ( type=3 "
		"name=Traffic Selector length=22 format=2 destination_address_start=" HA " ) )");
	/* malformed ones are printed with the reason and do not hide the rest */
	assert_int_equal(
		golden_decode(BU("02") "2d 08 0001 000a 00 00 02 05 | 0000", &mh, NULL), 0);
	assert_option(&mh.options[0],
		"fid=1 priority=10 status=0:flow binding successful sub_options_error=sub-option "
		"2 at offset 8: truncated (length 5) sub_options=0205");
	assert_int_equal(golden_decode(BU("02") "2d 0a 0001 000a 00 00 c8 02 abcd", &mh, NULL), 0);
	assert_option(&mh.options[0],
		"fid=1 priority=10 status=0:flow binding successful sub_options=list( ( type=200 "
		"name=unknown length=2 data=abcd ) )");
}

static int cleanup(void **state)
{
	(void)state;
	free(last);
	return 0;
}

int golden_flow(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing),
		cmocka_unit_test(binding_reference),
		cmocka_unit_test(traffic_selectors),
		cmocka_unit_test(other_formats),
		cmocka_unit_test(unknown_and_padding),
		cmocka_unit_test(bad),
		cmocka_unit_test(encoder_refuses),
		cmocka_unit_test(in_an_option),
	};

	return cmocka_run_group_tests_name("flow", tests, NULL, cleanup);
}
