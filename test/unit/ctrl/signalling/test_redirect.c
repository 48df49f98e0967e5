/* Which data plane serves a binding, and how its node learns of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "rig.h"

enum { FIRST = RIG_DATA_PLANE_ID, SECOND, THIRD };

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

/* Makes the signalling anew, with what the test has put into rig->config. */
static void configure(struct rig *rig, enum option_type option, uint8_t number, bool by_ba)
{
	rig->config.tunnel_option = option;
	rig->config.tunnel_number = number;
	rig->config.tell_by_ba = by_ba;
	rig->data_planes = 7;
	rig_restart(rig);
}

/* Takes the packet that was sent next: its message, with the option under this number. */
static struct mh message(struct rig *rig, uint8_t number)
{
	const struct option_numbers numbers = {.ha_tunnel = number};
	static struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	packet = rig_packet(rig);
	assert_int_equal(packet.how, PACKET_TO_ROUTE);
	assert_int_equal(ip6_packet_decode(packet.octets, packet.len, &ip6, NULL), 0);
	assert_int_equal(
		mh_decode_with(&numbers, packet.octets + ip6.offset, ip6.len, &mh, NULL), 0);
	return mh;
}

/* Last octet of the address that an acknowledgement names, 0: none. */
static uint8_t tunnel_of(const struct mh *mh)
{
	const struct mh_option *coa = option_find(mh, OPTION_ALTERNATE_COA);
	const struct mh_option *tunnel = option_find(mh, OPTION_HA_TUNNEL);

	assert_false(coa && tunnel);
	if (coa)
		return coa->alternate_coa.coa.s6_addr[15];
	return tunnel ? tunnel->ip6.address.s6_addr[15] : 0;
}

static void the_next_one_serves_when_one_cannot(void **state)
{
	static const int errors[] = {-ETIMEDOUT, -ENOTCONN, -ENOSPC};
	struct rig *rig = *state;

	for (size_t i = 0; i < 3; i++) {
		struct rig_bu bu;
		struct mh mh;

		configure(rig, OPTION_ALTERNATE_COA, 0, false);
		bu = rig_bu(rig, 0, 7);
		rig_send(rig, &bu);
		assert_int_equal(rig->commits[0].to.data_plane, FIRST);
		rig_commit(rig, errors[i]);
		assert_int_equal(rig->packet_count, 0);
		assert_int_equal(rig->commits[0].to.data_plane, SECOND);
		rig_commit(rig, 0);
		mh = message(rig, 0);
		assert_int_equal(mh.ba.status, STATUS_BA_ACCEPTED);
		assert_int_equal(tunnel_of(&mh), SECOND);
		assert_int_equal(rig_binding(rig, RIG_HOME)->now.data_plane, SECOND);
		assert_int_equal(rig_counter(rig, "next_data_plane"), 1);
	}
}

static void none_left_is_refused_for_want_of_resources(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;
	struct mh mh;

	configure(rig, OPTION_ALTERNATE_COA, 0, false);
	bu = rig_bu(rig, 0, 7);
	rig_send(rig, &bu);
	for (int i = 0; i < 3; i++)
		rig_commit(rig, -ETIMEDOUT);
	assert_int_equal(rig->commit_count, 0);
	mh = message(rig, 0);
	assert_int_equal(mh.ba.status, STATUS_BA_RESOURCES);
	assert_int_equal(tunnel_of(&mh), 0);
	assert_null(rig_binding(rig, RIG_HOME));
	rig->data_planes = 0;
	bu = rig_bu(rig, 0, 8);
	rig_send(rig, &bu);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
}

static void a_store_that_refuses_is_not_asked_again(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	configure(rig, OPTION_ALTERNATE_COA, 0, false);
	bu = rig_bu(rig, 0, 7);
	rig_send(rig, &bu);
	rig_commit(rig, -EIO);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(rig_status(rig), STATUS_BA_RESOURCES);
}

static void the_configured_option_names_it(void **state)
{
	static const struct {
		enum option_type option;
		uint8_t number, named;
	} cases[] = {{OPTION_ALTERNATE_COA, 0, FIRST}, {OPTION_HA_TUNNEL, 18, FIRST},
		{OPTION_HA_TUNNEL, 201, FIRST}, {OPTION_PAD1, 18, 0}};
	struct rig *rig = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rig_bu bu;
		struct mh mh;

		configure(rig, cases[i].option, cases[i].number, false);
		bu = rig_bu(rig, 0, 7);
		rig_send(rig, &bu);
		rig_commit(rig, 0);
		mh = message(rig, cases[i].number);
		assert_int_equal(tunnel_of(&mh), cases[i].named);
		assert_true(!cases[i].named || option_find(&mh, cases[i].option));

		bu = rig_bu(rig, 0, 8);
		bu.lifetime = 0;
		rig_send(rig, &bu);
		rig_commit(rig, 0);
		mh = message(rig, cases[i].number);
		assert_int_equal(mh.ba.status, STATUS_BA_ACCEPTED);
		assert_int_equal(tunnel_of(&mh), 0);
	}
}

static unsigned looked_at;

/* Whoever is with the first goes. */
static enum signalling_wish leave_first(
	void *context, const struct in6_addr *care_of, uint64_t data_plane)
{
	(void)context;
	(void)care_of;
	looked_at++;
	return data_plane == FIRST ? SIGNALLING_GOES : SIGNALLING_STAYS;
}

static enum signalling_wish stop(void *context, const struct in6_addr *care_of, uint64_t data_plane)
{
	(void)context;
	(void)care_of;
	(void)data_plane;
	looked_at++;
	return SIGNALLING_STOP;
}

static size_t redirect(struct rig *rig, signalling_wish_fn *wish)
{
	size_t at = 0, busy = 0;

	looked_at = 0;
	while (signalling_redirect(rig->s, &at, 16, wish, NULL, &busy))
		;
	return busy;
}

static void a_redirected_node_is_asked_until_it_updates(void **state)
{
	struct rig *rig = *state;
	struct binding_record before;
	struct rig_commit c;
	struct rig_bu bu;
	struct mh mh;

	configure(rig, OPTION_ALTERNATE_COA, 0, false);
	rig_bound(rig, 0, 7);
	before = rig_binding(rig, RIG_HOME)->now;
	rig->data_planes = 6;
	assert_int_equal(redirect(rig, leave_first), 0);
	assert_int_equal(rig->packet_count, 0);
	c = rig_commit(rig, 0);
	assert_int_equal(c.good.data_plane, FIRST);
	before.data_plane = SECOND;
	assert_memory_equal(&c.to, &before, sizeof(before));
	assert_int_equal(rig->events[rig->event_count - 1].kind, SIGNALLING_REDIRECTED);
	assert_int_equal(message(rig, 0).type, MH_BRR);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig->packet_count, 0);
		rig_wait_ms(rig, 1002);
		assert_int_equal(rig->packet_count, 1);
		assert_int_equal(message(rig, 0).type, MH_BRR);
		assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_ACTIVE);
	}
	rig_wait_ms(rig, 3000);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "tell_sent"), 4);

	assert_int_equal(redirect(rig, leave_first), 0);
	assert_int_equal(rig->commit_count, 0);
	bu = rig_bu(rig, 0, 8);
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	mh = message(rig, 0);
	assert_int_equal(tunnel_of(&mh), SECOND);
}

static void an_update_ends_the_asking(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	configure(rig, OPTION_ALTERNATE_COA, 0, false);
	rig_bound(rig, 0, 7);
	rig->data_planes = 6;
	redirect(rig, leave_first);
	rig_commit(rig, 0);
	rig_packet(rig);
	bu = rig_bu(rig, 0, 8);
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), STATUS_BA_ACCEPTED);
	rig_wait_ms(rig, 5000);
	assert_int_equal(rig->packet_count, 0);
}

static void a_node_can_be_told_at_once(void **state)
{
	struct rig *rig = *state;
	const struct mh_option *stamp;
	struct mh mh;

	configure(rig, OPTION_HA_TUNNEL, 18, true);
	rig_bound(rig, 0, 7);
	rig->data_planes = 6;
	redirect(rig, leave_first);
	rig_wait_ms(rig, 500);
	rig_commit(rig, 0);
	mh = message(rig, 18);
	assert_int_equal(mh.type, MH_BA);
	assert_int_equal(mh.ba.sequence, 7);
	assert_int_equal(mh.ba.status, STATUS_BA_ACCEPTED);
	assert_int_equal(mh.ba.lifetime, 9); /* of 40 s less than 39.5 are left */
	assert_int_equal(tunnel_of(&mh), SECOND);
	stamp = option_find(&mh, OPTION_MESG_ID);
	assert_non_null(stamp);
	assert_true(stamp->mesg_id.timestamp == clock_ntp_from_ns(rig->real));
}

static void what_is_under_way_is_left_alone(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu;

	configure(rig, OPTION_ALTERNATE_COA, 0, false);
	rig_bound(rig, 0, 7);
	bu = rig_bu(rig, 0, 8);
	rig_send(rig, &bu);
	assert_int_equal(redirect(rig, leave_first), 1);
	assert_int_equal(rig->commit_count, 1);
	rig_commit(rig, 0);
	assert_int_equal(rig_status(rig), STATUS_BA_ACCEPTED);
	assert_int_equal(redirect(rig, leave_first), 0);
	assert_int_equal(rig->commit_count, 1);
	assert_int_equal(rig->commits[0].to.sequence, 8);
}

static void a_redirection_that_fails_changes_nothing(void **state)
{
	struct rig *rig = *state;

	configure(rig, OPTION_ALTERNATE_COA, 0, false);
	rig_bound(rig, 0, 7);
	rig->data_planes = 2;
	redirect(rig, leave_first);
	rig_commit(rig, -ETIMEDOUT);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_binding(rig, RIG_HOME)->now.data_plane, FIRST);
	assert_int_equal(rig_binding(rig, RIG_HOME)->state, BINDING_STATE_ACTIVE);
	rig_wait_ms(rig, 1500);
	redirect(rig, leave_first);
	rig_commit(rig, 0);
	assert_int_equal(rig_binding(rig, RIG_HOME)->now.data_plane, SECOND);
}

static void the_walk_can_be_stopped(void **state)
{
	struct rig *rig = *state;
	size_t at = 0, busy = 0;

	configure(rig, OPTION_ALTERNATE_COA, 0, false);
	rig_bound(rig, 0, 7);
	rig_bound(rig, 1, 7);
	looked_at = 0;
	assert_true(signalling_redirect(rig->s, &at, 1000, stop, NULL, &busy));
	assert_int_equal(looked_at, 1);
	assert_true(signalling_redirect(rig->s, &at, 1000, stop, NULL, &busy));
	assert_int_equal(looked_at, 2);
	assert_int_equal(rig->commit_count, 0);
	/* Nobody was passed over. */
	assert_false(signalling_redirect(rig->s, &at, 1000, leave_first, NULL, &busy));
	assert_int_equal(rig->commit_count, 2);
}

#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_next_one_serves_when_one_cannot),
		T(none_left_is_refused_for_want_of_resources),
		T(a_store_that_refuses_is_not_asked_again),
		T(the_configured_option_names_it),
		T(a_redirected_node_is_asked_until_it_updates),
		T(an_update_ends_the_asking),
		T(a_node_can_be_told_at_once),
		T(what_is_under_way_is_left_alone),
		T(a_redirection_that_fails_changes_nothing),
		T(the_walk_can_be_stopped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
