/* The Binding Acknowledgement, octet by octet, and where it goes. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rig.h"

/*
 * Made by a script of its own with Python's hmac, hashlib and struct from RFC 6275, 6.1.8 and 6.4,
 * and RFC 4285, 5 and 6: HMAC-SHA1 over care-of address, home address and the message up to the
 * SPI with checksum 0, cut to 12 octets; then the checksum with the home address as destination.
 */
static const char accepted[] = "\x60\x00\x00\x00\x00\x58\x2b\x40\x20\x01\x0d\xb8\x00\x01\x00\x00"
			       "\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x0a\x00\x00"
			       "\x00\x00\x00\x00\x00\x00\x00\x05\x87\x02\x02\x01\x00\x00\x00\x00"
			       "\x20\x01\x0d\xb8\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00"
			       "\x3b\x07\x06\x00\x00\xbc\x00\x00\x00\x07\x00\x0a\x08\x10\x01\x6f"
			       "\x6e\x65\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6f\x72\x67\x01\x02"
			       "\x00\x00\x0a\x08\xee\x5b\xba\x00\x00\x00\x00\x07\x00\x09\x11\x01"
			       "\x00\x00\x03\xe8\xdc\x3c\xbb\xaa\x40\x53\x1d\x54\xc7\xa3\x30\x04";

static const char wrong_timestamp[] =
	"\x60\x00\x00\x00\x00\x58\x2b\x40\x20\x01\x0d\xb8\x00\x01\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x0a\x00\x00"
	"\x00\x00\x00\x00\x00\x00\x00\x05\x87\x02\x02\x01\x00\x00\x00\x00"
	"\x20\x01\x0d\xb8\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00\x01\x00"
	"\x3b\x07\x06\x00\x70\x73\x90\x00\x00\x07\x00\x00\x08\x10\x01\x6f"
	"\x6e\x65\x40\x65\x78\x61\x6d\x70\x6c\x65\x2e\x6f\x72\x67\x01\x02"
	"\x00\x00\x0a\x08\xee\x5b\xba\x00\x12\x34\x56\x78\x00\x09\x11\x01"
	"\x00\x00\x03\xe8\xff\xa7\xf1\x0e\x93\xf7\x7a\x67\xe6\x26\x9f\xa6";

static const char at_home[] = "\x60\x00\x00\x00\x00\x40\x87\x40\x20\x01\x0d\xb8\x00\x01\x00\x00"
			      "\x00\x00\x00\x00\x00\x00\x00\x01\x20\x01\x0d\xb8\x00\x01\x00\x00"
			      "\x00\x00\x00\x00\x00\x00\x01\x00\x3b\x07\x06\x00\xfe\xc6\x00\x00"
			      "\x00\x08\x00\x00\x08\x10\x01\x74\x77\x6f\x40\x65\x78\x61\x6d\x70"
			      "\x6c\x65\x2e\x6f\x72\x67\x01\x02\x00\x00\x0a\x08\xee\x5b\xba\x00"
			      "\x00\x00\x00\x08\x00\x09\x11\x01\x00\x00\x03\xe9\x11\x25\xbd\xc5"
			      "\xfc\x53\x0d\xa2\x1f\x57\xed\xec";

static int set_up(void **state)
{
	*state = rig_new();
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

static void accepted_octet_by_octet(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 7);
	struct rig_packet packet;

	rig_send(rig, &bu);
	assert_int_equal(rig->packet_count, 0); /* not before it is a fact */
	rig_commit(rig, 0);
	packet = rig_packet(rig);
	assert_int_equal(packet.how, PACKET_TO_ROUTE);
	assert_string_equal(packet.data_plane, "dp1");
	assert_int_equal(packet.len, sizeof(accepted) - 1);
	assert_memory_equal(packet.octets, accepted, packet.len);
}

static void wrong_timestamp_octet_by_octet(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 7);
	struct rig_packet packet;

	bu.timestamp = (clock_ntp_from_ns(rig->real) - (3600ull << 32)) | 0x12345678;
	rig_send(rig, &bu);
	packet = rig_packet(rig);
	assert_int_equal(packet.len, sizeof(wrong_timestamp) - 1);
	assert_memory_equal(packet.octets, wrong_timestamp, packet.len);
}

static void node_at_home_is_answered_on_its_link(void **state)
{
	static const char ethernet[] = "\x02\x00\x00\x00\x00\x77\x02\x00\x00\x00\x00\x01\x86\xdd";
	struct rig *rig = *state;
	struct rig_packet packet;
	struct rig_bu bu;

	rig_bound(rig, 1, 7);
	/* rig_bound() waited for duplicate address detection; the golden stamp is of the start. */
	rig->real = RIG_REAL_START;
	rig_subscriber(rig, 1)->last_timestamp = 0;
	bu = rig_bu(rig, 1, 8);
	bu.src = RIG_LINK_HOME;
	bu.home = NULL;
	bu.lifetime = 0;
	rig_send_at_home(rig, &bu);
	rig_commit(rig, 0);
	packet = rig_packet(rig);
	assert_int_equal(packet.how, PACKET_TO_PORT);
	assert_string_equal(packet.data_plane, "dp1");
	assert_string_equal(packet.port, "home0");
	assert_int_equal(packet.len, 14 + sizeof(at_home) - 1);
	assert_memory_equal(packet.octets, ethernet, 14);
	assert_memory_equal(packet.octets + 14, at_home, packet.len - 14);
}

static void refusal_of_a_node_at_home_goes_to_its_link(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 8);
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	bu.src = RIG_LINK_HOME;
	bu.home = NULL;
	bu.lifetime = 0;
	rig_send_at_home(rig, &bu);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(mh.ba.status, STATUS_BA_NOT_HOME_AGENT);
	assert_int_equal(packet.how, PACKET_TO_PORT);
	assert_false(ip6.has_routing2);
}

static void home_address_from_elsewhere_is_routed(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 8);
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	bu.src = RIG_LINK_HOME;
	bu.home = NULL;
	bu.lifetime = 0;
	rig_send(rig, &bu); /* by port core0 */
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(packet.how, PACKET_TO_ROUTE);
}

static void goes_to_the_source_not_to_the_care_of_address(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	struct in6_addr src = rig_addr("2001:db8:b::9"), home = rig_addr(RIG_HOME);
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct rig_commit commit;
	struct mh mh;

	bu.src = "2001:db8:b::9";
	bu.alternate = RIG_CARE_OF;
	rig_send(rig, &bu);
	commit = rig_commit(rig, 0);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_true(addr_equal(&ip6.dst, &src));
	assert_true(addr_equal(&ip6.routing2, &home));
	assert_string_equal(ADDR_TEXT(&commit.to.care_of), RIG_CARE_OF);
}

static void acknowledges_also_unasked_and_clears_k(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	bu.flags = FLAGS_BU_H | FLAGS_BU_K | FLAGS_BU_L;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(mh.ba.status, 0);
	assert_int_equal(mh.ba.flags, 0);
	assert_null(option_find(&mh, OPTION_REFRESH_ADVICE));
}

static void source_is_the_address_that_was_asked(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct rig_commit commit;
	struct mh mh;

	bu.dst = "2001:db8:f::1";
	rig_send(rig, &bu);
	commit = rig_commit(rig, 0);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_string_equal(ADDR_TEXT(&ip6.src), "2001:db8:f::1");
	assert_string_equal(ADDR_TEXT(&commit.to.agent), "2001:db8:f::1");
}

/* Every refusal that comes with a known association is signed with it (RFC 4285, 5.1.1). */
static void refusals_are_authenticated(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);
	struct in6_addr coa = rig_addr(RIG_CARE_OF), home = rig_addr(RIG_HOME);
	struct hmac *hmac = hmac_new();
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	bu.key = (const uint8_t *)"0123456789abcdeF";
	rig_send(rig, &bu);
	rig_ba(rig, &packet, &ip6, &mh);
	assert_int_equal(mh.ba.status, STATUS_BA_AUTH_FAIL);
	assert_int_equal(auth_verify(hmac, (const uint8_t *)"0123456789abcdef", &coa, &home,
				 packet.octets + ip6.offset, &mh),
		AUTH_GOOD);
	hmac_free(hmac);
}

static void answer_that_cannot_be_sent_is_counted(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 1);

	rig->inject_refusal = -EAGAIN;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_counter(rig, "send_failed"), 1);
	assert_true(binding_is_live(rig_binding(rig, RIG_HOME)));
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(accepted_octet_by_octet),
		T(wrong_timestamp_octet_by_octet),
		T(node_at_home_is_answered_on_its_link),
		T(refusal_of_a_node_at_home_goes_to_its_link),
		T(home_address_from_elsewhere_is_routed),
		T(goes_to_the_source_not_to_the_care_of_address),
		T(acknowledges_also_unasked_and_clears_k),
		T(source_is_the_address_that_was_asked),
		T(refusals_are_authenticated),
		T(answer_that_cannot_be_sent_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
