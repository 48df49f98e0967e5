/* Messages of the extensions of Mobile IPv6: golden octets from the figures of their RFCs. */
#include <errno.h>

#include "golden.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"

/* What MH encodes to is HEX, and HEX is MH again. */
static void both_ways(const struct mh *mh, const char *hex, const char *text)
{
	struct mh got;

	golden_encodes(mh, hex);
	golden_message(hex, text, &got);
	assert_int_equal(got.type, mh->type);
	assert_int_equal(got.option_count, mh->option_count);
	assert_message(mh, text);
}

static void heartbeat(void **state)
{
	(void)state;
	/* RFC 5847, 3.3: flags in the last bits of 16, then 32 bits of sequence number */
	struct mh mh = {.type = MH_HEARTBEAT, .heartbeat.sequence = 0x01020304};

	both_ways(&mh, "3b 01 0d 00 | 0000 0000 | 01020304 | 01 02 0000",
		"flags=0: sequence=16909060");
	mh.heartbeat.flags = FLAGS_HEARTBEAT_R;
	both_ways(&mh, "3b 01 0d 00 | 0000 0001 | 01020304 | 01 02 0000",
		"flags=1:R sequence=16909060");
	mh.heartbeat.flags = FLAGS_HEARTBEAT_R | FLAGS_HEARTBEAT_U;
	both_ways(&mh, "3b 01 0d 00 | 0000 0003 | 01020304 | 01 02 0000",
		"flags=3:UR sequence=16909060");
}

static void revocation_indication(void **state)
{
	(void)state;
	/* RFC 5846, 5.1 */
	struct mh mh = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_INDICATION,
			.trigger = CODES_BRI_ADMINISTRATIVE,
			.sequence = 0x1234,
			.flags = FLAGS_REVOCATION_P | FLAGS_REVOCATION_G}};

	both_ways(&mh, "3b 01 10 00 | 0000 01 01 | 1234 a000 | 01 02 0000",
		"revocation_type=1:indication trigger=1:administrative reason sequence=4660 "
		"flags=40960:PG");
	mh.revocation.trigger = CODES_BRI_PER_PEER;
	mh.revocation.flags = FLAGS_REVOCATION_V;
	both_ways(&mh, "3b 01 10 00 | 0000 01 80 | 1234 4000 | 01 02 0000",
		"revocation_type=1:indication trigger=128:per-peer policy sequence=4660 "
		"flags=16384:V");
}

static void revocation_acknowledgement(void **state)
{
	(void)state;
	/* RFC 5846, 5.2 */
	struct mh mh = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_ACKNOWLEDGEMENT,
			.status = CODES_BRA_NO_BINDING,
			.sequence = 0xfffe,
			.flags = FLAGS_REVOCATION_P}};

	both_ways(&mh, "3b 01 10 00 | 0000 02 80 | fffe 8000 | 01 02 0000",
		"revocation_type=2:acknowledgement status=128:binding does not exist "
		"sequence=65534 flags=32768:P");
	/* a type that is not assigned loses nothing */
	mh.revocation.type = 7;
	both_ways(&mh, "3b 01 10 00 | 0000 07 80 | fffe 8000 | 01 02 0000",
		"revocation_type=7:unassigned status=128:binding does not exist "
		"sequence=65534 flags=32768:P");
}

static void update_notification(void **state)
{
	(void)state;
	/* RFC 7077, 4.1 */
	struct mh mh = {.type = MH_UPN,
		.upn = {.sequence = 9,
			.reason = CODES_UPN_FLOW_MOBILITY,
			.flags = FLAGS_UPN_A | FLAGS_UPN_D}};

	both_ways(&mh, "3b 01 13 00 | 0000 0009 | 0008 c000 | 01 02 0000",
		"sequence=9 reason=8:FLOW-MOBILITY flags=49152:AD");
	mh.upn = (struct mh_upn){.sequence = 0xffff, .reason = 0xfffe};
	both_ways(&mh, "3b 01 13 00 | 0000 ffff | fffe 0000 | 01 02 0000",
		"sequence=65535 reason=65534:unassigned flags=0:");
}

static void update_acknowledgement(void **state)
{
	(void)state;
	/* RFC 7077, 4.2 */
	struct mh mh = {.type = MH_UPA, .upa = {.sequence = 9, .status = CODES_UPA_NOT_ATTACHED}};

	both_ways(&mh, "3b 01 14 00 | 0000 0009 | 84 000000 | 01 02 0000",
		"sequence=9 status=132:MN not attached");
}

static void proxy_flags(void **state)
{
	(void)state;
	/* RFC 5213, 8.1 and 8.2; RFC 6602, 4.1; RFC 8885, 4.1 and 4.2: PBU and PBA are BU and BA */
	struct mh mh = {.type = MH_BU,
		.bu = {.sequence = 1,
			.flags = FLAGS_BU_A | FLAGS_BU_P | FLAGS_BU_B | FLAGS_BU_S | FLAGS_BU_D,
			.lifetime = 2}};

	both_ways(&mh, "3b 01 05 00 | 0000 0001 | 8270 0002 | 01 02 0000",
		"sequence=1 flags=33392:APBSD lifetime=2");
	mh = (struct mh){.type = MH_BA,
		.ba = {.status = 156,
			.flags = FLAGS_BA_P | FLAGS_BA_T | FLAGS_BA_D,
			.sequence = 1}};
	both_ways(&mh, "3b 01 06 00 | 0000 9c 32 | 0001 0000 | 01 02 0000",
		"status=156:TIMESTAMP_MISMATCH flags=50:PTD sequence=1 lifetime=0");
}

static void message_names(void **state)
{
	(void)state;
	struct mh mh = {.type = MH_BU};

	assert_string_equal(mh_name(&mh), "Binding Update");
	mh.bu.flags = FLAGS_BU_P;
	assert_string_equal(mh_name(&mh), "Proxy Binding Update");
	mh = (struct mh){.type = MH_BA};
	assert_string_equal(mh_name(&mh), "Binding Acknowledgement");
	mh.ba.flags = FLAGS_BA_P;
	assert_string_equal(mh_name(&mh), "Proxy Binding Acknowledgement");
	mh = (struct mh){.type = MH_REVOCATION};
	assert_string_equal(mh_name(&mh), "Binding Revocation");
	mh.revocation.type = CODES_REVOCATION_INDICATION;
	assert_string_equal(mh_name(&mh), "Binding Revocation Indication");
	mh.revocation.type = CODES_REVOCATION_ACKNOWLEDGEMENT;
	assert_string_equal(mh_name(&mh), "Binding Revocation Acknowledgement");
	mh.type = 99;
	assert_string_equal(mh_name(&mh), "unknown");
}

static void reserved_bits(void **state)
{
	(void)state;
	/* flags that nobody owns are carried, reserved octets are not */
	struct mh mh;

	assert_int_equal(
		golden_decode("3b 01 0d ff | 0000 fffc | 00000001 | 01020000", &mh, NULL), 0);
	assert_message(&mh, "flags=65532:+0xfffc sequence=1");
	golden_encodes(&mh, "3b 01 0d 00 | 0000 fffc | 00000001 | 01020000");
	assert_int_equal(
		golden_decode("3b 01 14 00 | 0000 0001 | 00 ffffff | 01020000", &mh, NULL), 0);
	golden_encodes(&mh, "3b 01 14 00 | 0000 0001 | 00 000000 | 01020000");
}

static void too_short(void **state)
{
	(void)state;
	static const uint8_t types[] = {MH_HEARTBEAT, MH_REVOCATION, MH_UPN, MH_UPA};
	struct mh_error err;
	struct mh mh;

	for (size_t i = 0; i < COUNT(types); i++) {
		char hex[40];

		snprintf(hex, sizeof(hex), "3b 00 %02x 00 0000 0000", types[i]);
		assert_int_equal(golden_decode(hex, &mh, &err), -EBADMSG);
		assert_int_equal(err.fault, MH_FAULT_MINIMUM);
		assert_int_equal(err.offset, 1);
		assert_int_equal(err.value, 0);
		assert_int_equal(mh_error_answer(&err), MH_ANSWER_PARAMETER_PROBLEM);
	}
}

static void codes(void **state)
{
	(void)state;
	static const struct {
		const struct names *names;
		unsigned code;
		const char *name;
	} some[] = {
		{&codes_dns, 130, "DNS update failed"},
		{&codes_ipv4, 133, "prefix allocation unauthorized"},
		{&codes_flow, 132, "FID not found"},
		{&codes_bri, 7, "possible out-of-sync BCE state"},
		{&codes_bri, 129, "revoking mobility node local policy"},
		{&codes_bra, 135, "proxy binding revocation not supported"},
		{&codes_upn, 3, "VENDOR-SPECIFIC-REASON"},
		{&codes_upa, 129, "MISSING-VENDOR-SPECIFIC-OPTION"},
		{&codes_mn_id, 8, "DUID"},
		{&codes_handoff, 6, "attachment over a new interface sharing prefixes"},
		{&codes_access, 4, "IEEE 802.11a/b/g"},
		{&codes_access, 14, "unassigned"},
	};

	for (size_t i = 0; i < COUNT(some); i++) {
		const struct names *names = some[i].names;

		assert_string_equal(names_find(names, some[i].code), some[i].name);
		for (size_t row = 1; row < names->count; row++)
			assert_true(names->rows[row - 1].code < names->rows[row].code);
	}
}

int golden_messages(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(heartbeat),
		cmocka_unit_test(revocation_indication),
		cmocka_unit_test(revocation_acknowledgement),
		cmocka_unit_test(update_notification),
		cmocka_unit_test(update_acknowledgement),
		cmocka_unit_test(proxy_flags),
		cmocka_unit_test(message_names),
		cmocka_unit_test(reserved_bits),
		cmocka_unit_test(too_short),
		cmocka_unit_test(codes),
	};

	return cmocka_run_group_tests_name("messages", tests, NULL, NULL);
}
