/* Nodes are told that the operator has ended their bindings (RFC 5846). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "rig.h"
#include <cmocka.h>

#include <string.h>

#include "proto/mobility/codes.h"

static struct rig *rig;
static struct in6_addr home;

static int open_rig(void **state)
{
	(void)state;
	rig = rig_new();
	home = rig_addr(RIG_HOME);
	return 0;
}

static int close_rig(void **state)
{
	(void)state;
	rig_free(rig);
	return 0;
}

/* Takes the indication that was sent; it must be authentic. Returns its sequence number. */
static uint16_t take_bri(unsigned bids)
{
	struct rig_packet packet = rig_packet(rig);
	struct hmac *hmac = hmac_new();
	struct ip6_packet ip6;
	struct mh mh;
	unsigned count = 0;

	assert_int_equal(ip6_packet_decode(packet.octets, packet.len, &ip6, NULL), 0);
	assert_true(addr_equal(ip6_packet_effective_dst(&ip6), &home));
	assert_string_equal(ADDR_TEXT(&ip6.dst), RIG_CARE_OF);
	assert_int_equal(mh_decode(packet.octets + ip6.offset, ip6.len, &mh, NULL), 0);
	assert_int_equal(mh.type, MH_REVOCATION);
	assert_int_equal(mh.revocation.type, CODES_REVOCATION_INDICATION);
	assert_int_equal(mh.revocation.trigger, CODES_BRI_ADMINISTRATIVE);
	assert_int_equal(auth_verify(hmac, rig_subscriber(rig, 0)->key, &ip6.dst, &home,
				 packet.octets + ip6.offset, &mh),
		AUTH_GOOD);
	for (const struct mh_option *o = option_find(&mh, OPTION_BID); o; o = option_next(&mh, o))
		count++;
	assert_int_equal(count, bids);
	hmac_free(hmac);
	return mh.revocation.sequence;
}

/* The node answers. */
static void send_bra(uint16_t sequence, const uint8_t *key)
{
	struct mh mh = {.type = MH_REVOCATION,
		.revocation = {.type = CODES_REVOCATION_ACKNOWLEDGEMENT, .sequence = sequence}};
	struct ip6_build head = {
		.src = rig_addr(RIG_CARE_OF), .dst = rig_addr(RIG_AGENT), .home_address = &home};
	struct hmac *hmac = hmac_new();
	struct mh_packet_key sign = {.hmac = hmac, .key = key, .coa = head.src, .hoa = home};
	uint8_t ip[MH_PACKET_MAX];
	ssize_t len;

	assert_int_equal(auth_add(&mh, 1000), 0);
	len = mh_packet_encode(&head, &mh, &sign, ip, sizeof(ip));
	assert_true(len > 0);
	rig_punt(rig, PACKET_MOBILITY, "core0", ip, (size_t)len);
	hmac_free(hmac);
}

static void cleared(void)
{
	rig_bound(rig, 0, 1);
	assert_int_equal(signalling_clear(rig->s, &home, 0, NULL, NULL), 1);
	rig_commit(rig, 0);
}

static void is_repeated_until_it_is_acknowledged(void **state)
{
	uint16_t sequence;

	(void)state;
	cleared();
	sequence = take_bri(0);
	rig_wait_ms(rig, 1005);
	assert_int_equal(take_bri(0), sequence);
	send_bra((uint16_t)(sequence + 1), rig_subscriber(rig, 0)->key);
	send_bra(sequence, (const uint8_t *)"another one's key");
	assert_int_equal(rig_counter(rig, "drop_bra_unexpected"), 2);
	send_bra(sequence, rig_subscriber(rig, 0)->key);
	assert_int_equal(rig_counter(rig, "bra_received"), 1);
	rig_wait_ms(rig, 10000);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "bri_unanswered"), 0);
}

static void is_given_up(void **state)
{
	(void)state;
	cleared();
	rig_wait_ms(rig, 20000);
	assert_int_equal(rig->packet_count, 3);
	assert_int_equal(rig_counter(rig, "bri_sent"), 1);
	assert_int_equal(rig_counter(rig, "bri_resent"), 2);
	assert_int_equal(rig_counter(rig, "bri_unanswered"), 1);
	rig->packet_count = 0;
}

static void names_bids_when_some_are_left(void **state)
{
	struct rig_bu bu = rig_bu(rig, 0, 1);

	(void)state;
	bu.flags |= FLAGS_BU_O;
	bu.bid_count = 2;
	bu.bids[0] = (struct rig_bid){.bid = 1, .coa = RIG_CARE_OF};
	bu.bids[1] = (struct rig_bid){.bid = 2, .coa = "2001:db8:b::6"};
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	rig_packet(rig);
	signalling_clear(rig->s, &home, 1, NULL, NULL);
	rig_commit(rig, 0);
	take_bri(1);
	/* a registration shows that the node knows where it stands */
	bu.sequence++;
	bu.timestamp++;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	rig_packet(rig);
	rig_wait_ms(rig, 5000);
	assert_int_equal(rig->packet_count, 0);
}

static void only_the_operator_revokes(void **state)
{
	struct rig_bu bu = rig_bu(rig, 0, 2);

	(void)state;
	rig_bound(rig, 0, 1);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	rig_wait_ms(rig, 3000);
	assert_int_equal(rig->packet_count, 0);
	rig_subscriber(rig, 0)->auth = SUBSCRIBER_AUTH_NONE; /* nobody could prove it */
	bu = rig_bu(rig, 0, 3);
	bu.sign = false;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	rig_packet(rig);
	signalling_clear(rig->s, &home, 0, NULL, NULL);
	rig_commit(rig, 0);
	assert_int_equal(rig->packet_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(is_repeated_until_it_is_acknowledged),
		TEST(is_given_up),
		TEST(names_bids_when_some_are_left),
		TEST(only_the_operator_revokes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
