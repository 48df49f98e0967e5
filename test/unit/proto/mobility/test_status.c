/* Status codes and flags have the numbers and names of the registry. */
#include "octets.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

static void binding_acknowledgement(void **state)
{
	(void)state;
	unsigned assigned = 0;

	assert_string_equal(status_ba_name(0), "accepted");
	assert_string_equal(status_ba_name(133), "not home agent for this mobile node");
	assert_string_equal(status_ba_name(144), "MIPV6-ID-MISMATCH");
	assert_string_equal(status_ba_name(180), "CANNOT_SUPPORT_MULTIPATH_BINDING");
	assert_string_equal(status_ba_name(7), "unassigned");
	assert_string_equal(status_ba_name(255), "unassigned");
	assert_int_equal(status_ba_rfc(146), 4285);
	assert_int_equal(status_ba_rfc(140), 3963);
	assert_int_equal(status_ba_rfc(181), 0);
	assert_int_equal(STATUS_BA_MESG_ID_REQUIRED, 145);
	assert_int_equal(STATUS_BA_INVALID_COA, 174);
	for (unsigned code = 0; code < 256; code++) {
		assigned += status_ba_rfc((uint8_t)code) != 0;
		assert_int_equal(status_ba_accepted((uint8_t)code), code < 128);
	}
	/* 0 to 6 and 128 to 180 */
	assert_int_equal(assigned, 7 + 53);
}

static void binding_error(void **state)
{
	(void)state;
	assert_string_equal(status_be_name(STATUS_BE_UNKNOWN_BINDING),
		"unknown binding for Home Address destination option");
	assert_string_equal(status_be_name(2), "unrecognized MH Type value");
	assert_string_equal(status_be_name(0), "unassigned");
}

static void flags(void **state)
{
	(void)state;
	char buf[32];
	size_t count;

	assert_string_equal(flags_bu_print(0, buf, sizeof(buf)), "");
	assert_string_equal(
		flags_bu_print(FLAGS_BU_A | FLAGS_BU_H | FLAGS_BU_K, buf, sizeof(buf)), "AHK");
	/* one bit, two owners: RFC 5648 without P, RFC 6602 with it */
	assert_string_equal(flags_bu_print(0xc040, buf, sizeof(buf)), "AHO");
	assert_string_equal(flags_bu_print(0x8240, buf, sizeof(buf)), "APB");
	assert_string_equal(flags_bu_print(0xffff, buf, sizeof(buf)), "AHLKMRPFTBSD+0xf");
	assert_string_equal(flags_ba_print(FLAGS_BA_K | FLAGS_BA_D, buf, sizeof(buf)), "KD");
	assert_string_equal(flags_ba_print(0xff, buf, sizeof(buf)), "KRPTBSD+0x1");
	assert_string_equal(flags_ba_print(1, buf, sizeof(buf)), "+0x1");
	assert_int_equal(flags_bu_table(&count)[0].mask, 0x8000);
	assert_int_equal(count, 13);
	assert_int_equal(flags_ba_table(&count)[0].letter, 'K');
	assert_int_equal(count, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(binding_acknowledgement),
		cmocka_unit_test(binding_error),
		cmocka_unit_test(flags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
