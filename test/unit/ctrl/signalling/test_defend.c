/* What is defended on the home link, and how it is told there (RFC 6275, 10.3.1 and 10.4.1). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/icmp6.h"
#include "proto/mobility/nd.h"
#include "rig.h"

#define LINK_LOCAL "fe80::100" /* of both subscribers */
#define RETRANS_MS 1000

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

/* A good registration of the subscriber on the link, with L. */
static struct rig_bu compatible(struct rig *rig, uint16_t sequence)
{
	struct rig_bu bu = rig_bu(rig, 1, sequence);

	bu.flags |= FLAGS_BU_L;
	return bu;
}

/* What was sent on the home link next: the type of message and its target. */
static void assert_on_link(struct rig *rig, uint8_t type, const char *target)
{
	struct rig_packet packet = rig_packet(rig);
	struct nd_message m;

	assert_int_equal(packet.how, PACKET_TO_PORT);
	assert_int_equal(nd_decode(packet.octets + 14, packet.len - 14, &m), ND_FAULT_NONE);
	assert_int_equal(m.type, type);
	assert_string_equal(ADDR_TEXT(&m.target), target);
}

static void assert_probes(struct rig *rig)
{
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_SOLICITATION, RIG_LINK_HOME);
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_SOLICITATION, LINK_LOCAL);
	assert_int_equal(rig->packet_count, 0);
}

static void assert_advertisements(struct rig *rig)
{
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT, RIG_LINK_HOME);
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT, LINK_LOCAL);
}

static void bound(struct rig *rig, uint16_t sequence)
{
	struct rig_bu bu = compatible(rig, sequence);

	rig_send(rig, &bu);
	assert_probes(rig);
	rig_wait_ms(rig, RETRANS_MS + 2);
	rig_commit(rig, 0);
	assert_advertisements(rig);
	assert_int_equal(rig_status(rig), 0);
}

static void rival_advertises(struct rig *rig, const char *target)
{
	struct nd_message message = {
		.type = ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT,
		.flags = ND_FLAG_OVERRIDE,
		.src = rig_addr("fe80::77"),
		.dst = rig_addr("ff02::1"),
		.target = rig_addr(target),
	};
	uint8_t ip[ND_PACKET_MAX];
	ssize_t len = nd_encode(&message, ip, sizeof(ip));

	assert_true(len > 0);
	rig_punt(rig, PACKET_NEIGHBOUR, "home0", ip, (size_t)len);
}

static void both_addresses_are_tested_and_told(void **state)
{
	struct rig *rig = *state;

	bound(rig, 1);
	assert_int_equal(rig_counter(rig, "dad_passed"), 1);
	assert_int_equal(rig_counter(rig, "na_sent"), 2);
	assert_true(rig_binding(rig, RIG_LINK_HOME)->now.flags & FLAGS_BU_L);
}

static void another_user_of_the_link_local_address(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = compatible(rig, 1);

	rig_send(rig, &bu);
	assert_probes(rig);
	rival_advertises(rig, LINK_LOCAL);
	assert_int_equal(rig_status(rig), STATUS_BA_DAD_FAILED);
	assert_null(rig_binding(rig, RIG_LINK_HOME));
	assert_int_equal(rig_counter(rig, "dad_conflict"), 1);
}

static void without_the_flag_it_is_not_asked_for(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig_send(rig, &bu);
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_SOLICITATION, RIG_LINK_HOME);
	assert_int_equal(rig->packet_count, 0);
	rival_advertises(rig, LINK_LOCAL);
	assert_int_equal(rig_counter(rig, "drop_nd_other"), 1);
	rig_wait_ms(rig, RETRANS_MS + 2);
	assert_int_equal(rig->commit_count, 1);
}

static void the_first_registration_decides(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	bound(rig, 1);
	bu = rig_bu(rig, 1, 2);
	rig_send(rig, &bu);
	assert_true(rig_commit(rig, 0).to.flags & FLAGS_BU_L);
	assert_int_equal(rig_status(rig), 0);
	rival_advertises(rig, LINK_LOCAL);
	assert_int_equal(rig_counter(rig, "nd_rival"), 1);
	bu = rig_bu(rig, 1, 3);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	rig_bound(rig, 1, 4);
	bu = compatible(rig, 5); /* too late: nobody was asked */
	rig_send(rig, &bu);
	assert_false(rig_commit(rig, 0).to.flags & FLAGS_BU_L);
	assert_int_equal(rig_status(rig), 0);
}

static void asked_for_by_a_newer_update(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 1, 1);

	rig_send(rig, &bu);
	rig_packet(rig);
	rig_wait_ms(rig, RETRANS_MS / 2);
	bu = compatible(rig, 2);
	rig_send(rig, &bu);
	assert_probes(rig);
	rig_wait_ms(rig, RETRANS_MS / 2 + 2); /* the wait has begun anew */
	assert_int_equal(rig->commit_count, 0);
	bu = rig_bu(rig, 1, 3); /* and not a second time */
	rig_send(rig, &bu);
	assert_int_equal(rig->packet_count, 0);
	rig_wait_ms(rig, RETRANS_MS / 2 + 2);
	assert_false(rig_commit(rig, 0).to.flags & FLAGS_BU_L);
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT, RIG_LINK_HOME);
	assert_int_equal(rig_status(rig), 0);
}

/* Both home prefixes on the one link. */
static void share_the_link(struct rig *rig)
{
	static struct home_prefix prefixes[2];

	memcpy(prefixes, rig->config.policy.prefixes, sizeof(prefixes));
	prefixes[1].link = prefixes[0].link;
	rig->config.policy.prefixes = prefixes;
	rig_restart(rig);
}

static void belongs_to_one_node_of_a_link(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	share_the_link(rig);
	bound(rig, 1);
	bu = rig_bu(rig, 0, 1);
	bu.flags |= FLAGS_BU_L;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_DAD_FAILED);
	assert_int_equal(rig_counter(rig, "dad_link_local_claimed"), 1);
	assert_null(rig_binding(rig, RIG_HOME));
	bu = rig_bu(rig, 1, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	bu = rig_bu(rig, 0, 2);
	bu.flags |= FLAGS_BU_L;
	rig_send(rig, &bu);
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_SOLICITATION, RIG_HOME);
	assert_on_link(rig, ICMP6_TYPE_NEIGHBOUR_SOLICITATION, LINK_LOCAL);
}

static void belongs_to_the_gateway(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = compatible(rig, 1);

	bu.home = "2001:db8:1::ff:fe00:1"; /* made of the port's MAC */
	rig_subscriber(rig, 1)->home[0].addr = rig_addr(bu.home);
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_DAD_FAILED);
	assert_null(rig_binding(rig, bu.home));
}

static void known_after_a_restart(void **state)
{
	struct rig *rig = *state;
	struct binding_record record;
	struct rig_bu bu;

	share_the_link(rig);
	bound(rig, 1);
	record = rig_binding(rig, RIG_LINK_HOME)->now;
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &record), 0);
	bu = rig_bu(rig, 0, 1);
	bu.flags |= FLAGS_BU_L;
	rig_send(rig, &bu);
	assert_int_equal(rig_status(rig), STATUS_BA_DAD_FAILED);
	rival_advertises(rig, LINK_LOCAL);
	assert_int_equal(rig_counter(rig, "nd_rival"), 1);
}

static void announced_as_often_as_configured(void **state)
{
	struct rig *rig = *state;

	rig->config.advertisements = 3;
	rig_restart(rig);
	bound(rig, 1);
	rig_wait_ms(rig, RETRANS_MS - 2);
	assert_int_equal(rig->packet_count, 0);
	rig_wait_ms(rig, 4);
	assert_advertisements(rig);
	assert_int_equal(rig->packet_count, 0);
	rig_wait_ms(rig, RETRANS_MS + 2);
	assert_advertisements(rig);
	rig_wait_ms(rig, 5 * RETRANS_MS);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "na_sent"), 6);
}

static void not_announced_any_more_when_the_node_is_back(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig->config.advertisements = 3;
	rig_restart(rig);
	bound(rig, 1);
	rig_wait_ms(rig, RETRANS_MS / 2);
	bu = rig_bu(rig, 1, 2);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	rig_wait_ms(rig, 3 * RETRANS_MS);
	assert_int_equal(rig->packet_count, 0);
}

static void goes_on_while_the_node_moves(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	rig->config.advertisements = 2;
	rig_restart(rig);
	bound(rig, 1);
	bu = compatible(rig, 2);
	bu.src = "2001:db8:b::5";
	rig_send(rig, &bu);
	rig_wait_ms(rig, RETRANS_MS + 2); /* nothing is said of a binding that is being changed */
	assert_int_equal(rig->packet_count, 0);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	rig_wait_ms(rig, 2);
	assert_advertisements(rig);
	rig_wait_ms(rig, 3 * RETRANS_MS);
	assert_int_equal(rig->packet_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(both_addresses_are_tested_and_told),
		TEST(another_user_of_the_link_local_address),
		TEST(without_the_flag_it_is_not_asked_for),
		TEST(the_first_registration_decides),
		TEST(asked_for_by_a_newer_update),
		TEST(belongs_to_one_node_of_a_link),
		TEST(belongs_to_the_gateway),
		TEST(known_after_a_restart),
		TEST(announced_as_often_as_configured),
		TEST(not_announced_any_more_when_the_node_is_back),
		TEST(goes_on_while_the_node_moves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
