/* A care-of address that another node is bound from (RFC 5648, 10). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "rig.h"

#define VICTIM RIG_CARE_OF
#define OWN    "2001:db8:b::6"

static int set_up(void **state)
{
	struct rig *rig = rig_new();

	rig->config.dad_transmits = 0;
	rig_restart(rig);
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

/* The second node, which is at OWN, claims an address as its BID 2 beside its own. */
static uint8_t claim(struct rig *rig, uint16_t sequence, const char *address)
{
	struct rig_bu bu = rig_bu(rig, 1, sequence);

	bu.src = OWN;
	bu.flags |= FLAGS_BU_O;
	bu.bid_count = 2;
	bu.bids[0] = (struct rig_bid){.bid = 1, .coa = OWN};
	bu.bids[1] = (struct rig_bid){.bid = 2, .coa = address};
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	while (rig->packets[0].how == PACKET_TO_PORT)
		rig_packet(rig);
	return rig_status(rig);
}

static void the_address_of_another_is_refused(void **state)
{
	struct rig *rig = *state;

	rig_bound(rig, 0, 1);
	assert_int_equal(claim(rig, 1, VICTIM), STATUS_BA_MCOA_NOTCOMPLETE);
	assert_int_equal(rig_counter(rig, "bid_of_another"), 1);
	assert_int_equal(binding_count(rig_binding(rig, RIG_LINK_HOME)), 1);
	assert_int_equal(claim(rig, 2, "2001:db8:c::7"), 0);
}

/* The second node comes to where the first one is. */
static uint8_t come(struct rig *rig)
{
	struct rig_bu bu = rig_bu(rig, 1, 1);

	bu.bid_count = 1;
	bu.bids[0] = (struct rig_bid){.bid = 2, .coa = VICTIM};
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	while (rig->packets[0].how == PACKET_TO_PORT)
		rig_packet(rig);
	return rig_status(rig);
}

/* Who sends from there shows that it is there, and may keep it. */
static void who_is_there_may_have_it(void **state)
{
	struct rig *rig = *state;

	rig_bound(rig, 0, 1);
	assert_int_equal(come(rig), 0);
	assert_int_equal(rig_counter(rig, "bid_of_another"), 0);
}

/* When the other has left, the address is free. */
static void it_is_free_again(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = rig_bu(rig, 0, 2);

	rig_bound(rig, 0, 1);
	bu.lifetime = 0;
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), 0);
	assert_int_equal(claim(rig, 1, VICTIM), 0);
}

/* Whose tunnel a packet came by: of its home address, or of a node that is alone there. */
static void a_tunnel_is_of_one_node(void **state)
{
	struct rig *rig = *state;
	struct in6_addr victim, own, home, other, link_local, named;

	assert_int_equal(addr_parse(VICTIM, &victim), 0);
	assert_int_equal(addr_parse(OWN, &own), 0);
	assert_int_equal(addr_parse(RIG_HOME, &home), 0);
	assert_int_equal(addr_parse(RIG_LINK_HOME, &other), 0);
	assert_int_equal(addr_parse("fe80::9:9", &link_local), 0);
	named = addr_link_local_of(&home);
	assert_null(signalling_tunnel_of(rig->s, &victim, &home));
	rig_bound(rig, 0, 1);
	assert_ptr_equal(signalling_tunnel_of(rig->s, &victim, &home), rig_binding(rig, RIG_HOME));
	assert_ptr_equal(
		signalling_tunnel_of(rig->s, &victim, &link_local), rig_binding(rig, RIG_HOME));
	assert_null(signalling_tunnel_of(rig->s, &own, &home));
	assert_null(signalling_tunnel_of(rig->s, &own, &link_local));
	assert_null(signalling_tunnel_of(rig->s, &victim, &other));
	assert_int_equal(come(rig), 0);
	assert_null(signalling_tunnel_of(rig->s, &victim, &link_local));
	assert_ptr_equal(signalling_tunnel_of(rig->s, &victim, &named), rig_binding(rig, RIG_HOME));
	assert_ptr_equal(
		signalling_tunnel_of(rig->s, &victim, &other), rig_binding(rig, RIG_LINK_HOME));
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_address_of_another_is_refused),
		T(who_is_there_may_have_it),
		T(it_is_free_again),
		T(a_tunnel_is_of_one_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
