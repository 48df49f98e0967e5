/* Binary traffic selectors: golden octets from the figures of RFC 6088, every flag, every error. */
#include <errno.h>

#include "proto/mobility/traffic_selector.h"
#include "visited.h"

struct golden_selector {
	uint8_t format;
	size_t align;
	const char *hex;
	const char *text;
};

static void assert_selector(const struct traffic_selector *selector, const char *expected)
{
	struct visited out = {.len = 0};

	assert_int_equal(traffic_selector_visit(selector, &(struct visitor){visited_fn, &out}), 0);
	assert_string_equal(out.text, expected);
}

static void golden(void **state)
{
	(void)state;
	static const struct golden_selector selectors[] = {
		/* RFC 6088, 3.1: all fields of figure 1 in the order of their letters */
		{1, 4,
			"fffc0000 0a000001 0a0000ff c0000201 c00002ff 00000100 000001ff 0400 04ff "
			"1f90 1fff b8 fc 06 11",
			"source_address_start=10.0.0.1 source_address_end=10.0.0.255 "
			"destination_address_start=192.0.2.1 destination_address_end=192.0.2.255 "
			"spi_start=256 spi_end=511 source_port_start=1024 source_port_end=1279 "
			"destination_port_start=8080 destination_port_end=8191 "
			"traffic_class_start=184 traffic_class_end=252 protocol_start=6 "
			"protocol_end=17"},
		{1, 1, "00000000", ""},
		{1, 1, "00080000 11", "protocol_start=17"},
		{1, 1, "00200000 b8", "traffic_class_start=184"},
		{1, 2, "02880000 0050 01bb 06",
			"source_port_start=80 destination_port_start=443 protocol_start=6"},
		{1, 4, "08000000 00001000", "spi_start=4096"},
		/* RFC 6088, 3.2: all fields of figure 2 */
		{2, 8,
			"ffff0000" HOA_HEX COA_HEX HA_HEX
			"20010db8 00000001 00000000 000000ff 00000100 000001ff 00012345 000fffff "
			"0400 04ff 1f90 1fff b8 fc 06 11",
			"source_address_start=" HOA " source_address_end=" COA
			" destination_address_start=" HA
			" destination_address_end=2001:db8:0:1::ff spi_start=256 spi_end=511 "
			"flow_label_start=74565 flow_label_end=1048575 source_port_start=1024 "
			"source_port_end=1279 destination_port_start=8080 "
			"destination_port_end=8191 traffic_class_start=184 traffic_class_end=252 "
			"protocol_start=6 protocol_end=17"},
		{2, 8, "20000000" HA_HEX, "destination_address_start=" HA},
		{2, 4, "02000000 00012345", "flow_label_start=74565"},
		{2, 2, "00c00000 0001 ffff", "source_port_start=1 source_port_end=65535"},
		{2, 1, "000b0000 b8 3a ff",
			"traffic_class_start=184 protocol_start=58 protocol_end=255"},
	};

	for (size_t i = 0; i < COUNT(selectors); i++) {
		const struct golden_selector *g = &selectors[i];
		uint8_t wire[200], again[200];
		size_t n = octets(g->hex, wire, sizeof(wire)), offset;
		uint8_t *copy = exact(wire, n);
		struct traffic_selector selector;

		assert_int_equal(
			traffic_selector_decode(g->format, copy, n, &selector, &offset), 0);
		assert_int_equal(offset, n);
		assert_selector(&selector, g->text);
		assert_int_equal(traffic_selector_align(&selector), g->align);
		assert_octets(again, traffic_selector_encode(&selector, again, n), g->hex);
		assert_int_equal(traffic_selector_encode(&selector, again, n - 1), -ENOSPC);
		free(copy);
		for (size_t less = 0; less < n; less++) {
			copy = exact(wire, less);
			assert_int_equal(
				traffic_selector_decode(g->format, copy, less, &selector, &offset),
				TRAFFIC_FAULT_TRUNCATED);
			assert_int_equal(offset, less);
			free(copy);
		}
	}
}

static void bits_that_do_not_count(void **state)
{
	(void)state;
	/* RFC 6088, 3.1: low two bits of the DS field; 3.2: the label's first bits; reserved flags
	 */
	static const uint8_t ds[] = {0x00, 0x20, 0x00, 0x01, 0xbb};
	static const uint8_t label[] = {0x02, 0, 0xff, 0xff, 0xff, 0xf1, 0x23, 0x45};
	struct traffic_selector selector;
	uint8_t again[8];

	assert_int_equal(traffic_selector_decode(1, ds, sizeof(ds), &selector, NULL), 0);
	assert_selector(&selector, "traffic_class_start=184");
	assert_octets(again, traffic_selector_encode(&selector, again, 8), "00200000 b8");
	assert_int_equal(traffic_selector_decode(2, label, sizeof(label), &selector, NULL), 0);
	assert_selector(&selector, "flow_label_start=74565");
	assert_octets(again, traffic_selector_encode(&selector, again, 8), "02000000 00012345");
}

static void bad(void **state)
{
	(void)state;
	static const struct {
		uint8_t format;
		const char *hex;
		enum traffic_fault fault;
		size_t offset;
	} cases[] = {
		{0, "00000000", TRAFFIC_FAULT_FORMAT, 0},
		{3, "00000000", TRAFFIC_FAULT_FORMAT, 0},
		{255, "", TRAFFIC_FAULT_FORMAT, 0},
		{1, "00000000 00", TRAFFIC_FAULT_TRAILING, 4},
		{2, "00020000 06 06", TRAFFIC_FAULT_TRAILING, 5},
		/* every end without its start */
		{1, "40000000 0a000001", TRAFFIC_FAULT_END, 4},
		{1, "10000000 0a000001", TRAFFIC_FAULT_END, 4},
		{1, "04000000 0a000001", TRAFFIC_FAULT_END, 4},
		{1, "01000000 0001", TRAFFIC_FAULT_END, 4},
		{1, "00400000 0001", TRAFFIC_FAULT_END, 4},
		{1, "00100000 01", TRAFFIC_FAULT_END, 4},
		{1, "02040000 0050 06", TRAFFIC_FAULT_END, 6},
		{2, "40000000" HA_HEX, TRAFFIC_FAULT_END, 4},
		{2, "01000000 00000001", TRAFFIC_FAULT_END, 4},
		{2, "00010000 06", TRAFFIC_FAULT_END, 4},
	};
	struct traffic_selector selector;
	size_t offset;

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t wire[40];
		size_t n = octets(cases[i].hex, wire, sizeof(wire));
		uint8_t *copy = exact(wire, n);

		assert_int_equal(
			traffic_selector_decode(cases[i].format, copy, n, &selector, &offset),
			cases[i].fault);
		assert_int_equal(offset, cases[i].offset);
		free(copy);
	}
	for (int fault = 1; fault < TRAFFIC_FAULT_COUNT; fault++)
		assert_string_not_equal(traffic_fault_name(fault), traffic_fault_name(fault - 1));
}

static void encoder_refuses(void **state)
{
	(void)state;
	struct traffic_selector selector = {.format = 3};
	struct traffic_range *range = selector.ranges;
	uint8_t buf[40];

	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), -EINVAL);
	selector.format = TRAFFIC_FORMAT_IP4;
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), 4);
	assert_int_equal(traffic_selector_encode(&selector, buf, 3), -ENOSPC);
	range[TRAFFIC_FLOW_LABEL].has_start = true;
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), -EINVAL);
	selector.format = TRAFFIC_FORMAT_IP6;
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), 8);
	range[TRAFFIC_FLOW_LABEL].start.number = 0x100000;
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), -EINVAL);
	range[TRAFFIC_FLOW_LABEL].has_start = false;
	range[TRAFFIC_PROTOCOL].has_end = true;
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), -EINVAL);
	range[TRAFFIC_PROTOCOL].has_start = true;
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), 6);
	range[TRAFFIC_PROTOCOL].end.number = 256;
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), -EINVAL);
	range[TRAFFIC_PROTOCOL].end.number = 255;
	range[TRAFFIC_CLASS] = (struct traffic_range){.has_start = true, .start.number = 0xb9};
	assert_int_equal(traffic_selector_encode(&selector, buf, sizeof(buf)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(bits_that_do_not_count),
		cmocka_unit_test(bad),
		cmocka_unit_test(encoder_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
