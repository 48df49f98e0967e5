/* Several care-of addresses of one home address (RFC 5648). */
#include "bids_rig.h"

static void bindings_are_added_one_by_one(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 2, .coa = COA1, .priority = 9});

	(void)state;
	bu.flags |= FLAGS_BU_O;
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.count, 1);
	assert_int_equal(ba.bids[0].bid, 2);
	assert_int_equal(ba.bids[0].status, 0);
	assert_int_equal(ba.bids[0].priority, 9);
	assert_int_equal(ba.lifetime, 10);
	bu = BU(2, {.bid = 1, .coa = COA2});
	rig_send(rig, &bu);
	assert_int_equal(rig->commits[0].good_list.count, 1);
	assert_int_equal(rig->commits[0].to_list.count, 2);
	assert_int_equal(rig->commits[0].to_list.changed, 1); /* the lower BID stands in front */
	assert_bids("2");
	rig_commit(rig, 0);
	take_ba();
	assert_int_equal(ba.status, 0);
	assert_bids("1 2");
	assert_true(is_at(1, COA2) && is_at(2, COA1));
	assert_int_equal(record(1)->subscriber_id, record(2)->subscriber_id);
	assert_int_not_equal(record(1)->path_id, record(2)->path_id);
	assert_int_equal(record(2)->sequence, 2);
	assert_int_equal(record(2)->priority, 9);
	assert_int_equal(signalling_live(rig->s), 2);
	assert_int_equal(rig_counter(rig, "registered"), 2);
}

static void several_are_registered_at_once(void **state)
{
	(void)state;
	bound();
	assert_int_equal(ba.count, 2);
	assert_int_equal(ba.bids[0].bid, 1);
	assert_int_equal(ba.bids[1].bid, 2);
	assert_int_equal(ba.bids[0].status | ba.bids[1].status, 0);
	assert_bids("1 2");
	assert_true(is_at(1, COA1) && is_at(2, COA2));
	assert_int_equal(rig->event_count, 2);
}

static void a_binding_without_bid_is_replaced_only_with_o(void **state)
{
	struct rig_bu bu = BU(2, {.bid = 1, .coa = COA2});

	(void)state;
	rig_bound(rig, 0, 1);
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_NON_MCOA);
	assert_int_equal(rig_counter(rig, "ba_refused_165"), 1);
	assert_bids("0");
	bu.flags |= FLAGS_BU_O;
	bu.sequence++;
	bu.timestamp++;
	assert_int_equal(ask(&bu), 0);
	assert_bids("1");
	assert_int_equal(signalling_live(rig->s), 1);
}

static void o_replaces_all(void **state)
{
	struct rig_bu bu = BU(2, {.bid = 3, .coa = COA3}, {.bid = 2});

	(void)state;
	bound();
	bu.flags |= FLAGS_BU_O;
	assert_int_equal(ask(&bu), 0);
	assert_bids("2 3");
	assert_true(is_at(2, COA2));
	bu = BU(3, {.bid = 1, .coa = "ff02::1"});
	bu.flags |= FLAGS_BU_O;
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_MALFORMED);
	assert_bids("2 3");
}

static void an_update_without_bid_replaces_all(void **state)
{
	struct rig_bu bu = rig_bu(rig, 0, 2);

	(void)state;
	bound();
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.count, 0);
	assert_bids("0");
	assert_int_equal(signalling_live(rig->s), 1);
	assert_null(rig_binding(rig, RIG_HOME)->more);
}

static void some_or_all_are_deregistered(void **state)
{
	struct rig_bu bu = BU(2, {.bid = 1}, {.bid = 9});

	(void)state;
	bound();
	bu.lifetime = 0;
	bu.flags |= FLAGS_BU_O; /* means nothing here */
	assert_int_equal(ask(&bu), STATUS_BA_MCOA_NOTCOMPLETE);
	assert_int_equal(ba.bids[0].status, 0);
	assert_int_equal(ba.bids[1].status, STATUS_BA_NOT_HOME_AGENT);
	assert_int_equal(ba.lifetime, 0);
	assert_bids("2");
	bu = BU(3, {.bid = 1});
	bu.lifetime = 0;
	assert_int_equal(ask(&bu), STATUS_BA_NOT_HOME_AGENT);
	bu = BU(4, {.bid = 2});
	bu.lifetime = 0;
	assert_int_equal(ask(&bu), 0);
	assert_bids("");
	assert_int_equal(rig_binding(rig, RIG_HOME)->now.life, BINDING_DELETED);
	assert_int_equal(signalling_live(rig->s), 0);
	assert_int_equal(rig_counter(rig, "deregistered"), 2);
	bu = BU(5, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2});
	assert_int_equal(ask(&bu), 0);
	bu = rig_bu(rig, 0, 6);
	bu.lifetime = 0; /* without BID: all */
	assert_int_equal(ask(&bu), 0);
	assert_bids("");
}

static void the_sequence_number_is_shared(void **state)
{
	struct rig_bu bu = BU(5, {.bid = 1, .coa = COA1});

	(void)state;
	rig_subscriber(rig, 0)->replay = SUBSCRIBER_REPLAY_SEQUENCE;
	assert_int_equal(ask(&bu), 0);
	bu = BU(5, {.bid = 2, .coa = COA2});
	assert_int_equal(ask(&bu), STATUS_BA_SEQUENCE);
	assert_int_equal(ba.sequence, 5);
	bu = BU(6, {.bid = 2, .coa = COA2});
	assert_int_equal(ask(&bu), 0);
	bu = BU(6, {.bid = 1});
	assert_int_equal(ask(&bu), STATUS_BA_SEQUENCE);
}

static void the_address_of_the_option_wins(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA2});

	(void)state;
	bu.alternate = COA3;
	assert_int_equal(ask(&bu), 0);
	assert_true(is_at(1, COA2));
	assert_int_equal(rig_counter(rig, "bid_alternate_care_of"), 1);
}

static void one_expires_and_the_operator_ends_the_other(void **state)
{
	struct in6_addr home = rig_addr(RIG_HOME);
	struct rig_bu bu;

	(void)state;
	bound();
	rig_wait_ms(rig, 20000);
	bu = BU(2, {.bid = 2});
	assert_int_equal(ask(&bu), 0);
	rig->packet_count = 0;
	while (!rig->commit_count)
		rig_wait_ms(rig, 100);
	assert_true(rig->now <= rig_binding(rig, RIG_HOME)->end_ns + 200000000);
	rig_commit(rig, 0);
	assert_bids("2");
	assert_int_equal(rig_counter(rig, "expired"), 1);
	assert_int_equal(signalling_clear(rig->s, &home, 7, NULL, NULL), 0);
	assert_int_equal(signalling_clear(rig->s, &home, 2, NULL, NULL), 1);
	rig_commit(rig, 0);
	assert_bids("");
	assert_int_equal(rig_counter(rig, "cleared"), 1);
}

static void a_refresh_request_names_those_that_are_due(void **state)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct rig_bu bu;
	struct mh mh;

	(void)state;
	bound();
	rig_wait_ms(rig, 15000);
	bu = BU(2, {.bid = 2});
	assert_int_equal(ask(&bu), 0);
	rig_wait_ms(rig, 16000);
	assert_int_equal(rig->packet_count, 1);
	packet = rig_packet(rig);
	assert_int_equal(ip6_packet_decode(packet.octets, packet.len, &ip6, NULL), 0);
	assert_int_equal(mh_decode(packet.octets + ip6.offset, ip6.len, &mh, NULL), 0);
	assert_int_equal(mh.type, MH_BRR);
	assert_int_equal(mh.option_count, 1);
	assert_int_equal(mh.options[0].bid.bid, 1);
	assert_string_equal(ADDR_TEXT(&ip6.dst), COA2); /* where the node was heard last */
}

static void updates_of_different_bids_wait_side_by_side(void **state)
{
	struct rig_bu one = BU(2, {.bid = 1, .coa = COA3}), two = BU(3, {.bid = 2, .coa = COA3}),
		      again = BU(4, {.bid = 1, .coa = COA1});
	struct rig_bu all = BU(5, {.bid = 1, .coa = COA1});

	(void)state;
	bound();
	all.flags |= FLAGS_BU_O;
	rig_send(rig, &one); /* runs */
	rig_send(rig, &two);
	rig_send(rig, &again);
	rig_send(rig, &two);
	assert_int_equal(rig_counter(rig, "drop_bu_repeated"), 1);
	assert_int_equal(rig_counter(rig, "bu_superseded"), 0);
	rig->packet_count = 0;
	rig_commit(rig, 0);
	rig_commit(rig, 0);
	rig_commit(rig, 0);
	assert_int_equal(rig->packet_count, 3);
	assert_true(is_at(1, COA1) && is_at(2, COA3));
	one.sequence = 6;
	one.timestamp += 10;
	two.sequence = 7;
	two.timestamp += 10;
	all.sequence = 8;
	all.timestamp += 10;
	rig_send(rig, &one);
	rig_send(rig, &two);
	rig_send(rig, &all);
	assert_int_equal(rig_counter(rig, "bu_superseded"), 1);
	rig_commit(rig, 0);
	rig_commit(rig, 0);
	assert_int_equal(rig->commit_count, 0);
	assert_bids("1");
}

static void a_failed_change_leaves_all_as_they_were(void **state)
{
	struct rig_bu bu = BU(2, {.bid = 1, .coa = COA3}, {.bid = 3, .coa = COA2});

	(void)state;
	bound();
	rig_send(rig, &bu);
	assert_int_equal(rig->commits[0].good_list.count, 2);
	rig_commit(rig, -EIO);
	take_ba();
	assert_int_equal(ba.status, STATUS_BA_RESOURCES);
	assert_int_equal(ba.count, 2);
	assert_bids("1 2");
	assert_true(is_at(1, COA1));
	assert_int_equal(signalling_live(rig->s), 2);
}

static void the_data_plane_that_failed_is_not_tried_again(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2});
	struct rig_commit c;

	(void)state;
	rig->data_planes = 6;
	rig_send(rig, &bu);
	rig_commit(rig, -ETIMEDOUT);
	assert_int_equal(rig->commit_count, 1);
	c = rig->commits[0];
	assert_int_equal(c.to_list.records[0].data_plane, RIG_DATA_PLANE_ID + 2);
	assert_int_equal(c.to_list.records[1].data_plane, RIG_DATA_PLANE_ID + 2);
	assert_int_equal(c.to_list.changed, 3);
	rig_commit(rig, 0);
	take_ba();
	assert_int_equal(ba.status, 0);
}

static void each_tunnel_is_told_behind_its_bid(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2});

	(void)state;
	rig->config.tunnel_option = OPTION_ALTERNATE_COA;
	rig_restart(rig);
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.tunnels[0].s6_addr[15], RIG_DATA_PLANE_ID); /* one for all */
	assert_int_equal(ba.tunnels[1].s6_addr[15] | ba.tunnels[2].s6_addr[15], 0);
	rig->data_planes = 3;
	rig->second = rig_addr(COA2);
	bu = BU(2, {.bid = 1}, {.bid = 2});
	assert_int_equal(ask(&bu), 0);
	assert_int_equal(ba.tunnels[0].s6_addr[15], 0);
	assert_int_equal(ba.tunnels[1].s6_addr[15], RIG_DATA_PLANE_ID);
	assert_int_equal(ba.tunnels[2].s6_addr[15], RIG_DATA_PLANE_ID + 1);
	assert_int_equal(record(2)->data_plane, RIG_DATA_PLANE_ID + 1);
}

static void only_the_data_plane_that_failed_is_left_out(void **state)
{
	struct rig_bu bu = BU(1, {.bid = 1, .coa = COA1}, {.bid = 2, .coa = COA2});

	(void)state;
	rig->data_planes = 7;
	rig->second = rig_addr(COA2);
	rig->culprit = 1;
	rig_send(rig, &bu);
	rig_commit(rig, -ENOSPC);
	assert_int_equal(rig->commits[0].to_list.records[0].data_plane, RIG_DATA_PLANE_ID);
	assert_int_equal(rig->commits[0].to_list.records[1].data_plane, RIG_DATA_PLANE_ID);
	rig_commit(rig, 0);
	take_ba();
	assert_int_equal(ba.status, 0);
}

static void all_are_restored(void **state)
{
	struct binding_record first, second;
	struct rig_bu bu = BU(9, {.bid = 1}, {.bid = 2});

	(void)state;
	bound();
	first = *record(1);
	second = *record(2);
	rig_restart(rig);
	assert_int_equal(signalling_restore(rig->s, &first), 0);
	assert_int_equal(signalling_restore(rig->s, &first), -EEXIST);
	assert_int_equal(signalling_restore(rig->s, &second), 0);
	assert_int_equal(signalling_restore(rig->s, &second), -EEXIST);
	second.bid = 1;
	second.subscriber_id++;
	assert_int_not_equal(signalling_restore(rig->s, &second), 0);
	assert_bids("1 2");
	assert_true(is_at(1, COA1) && is_at(2, COA2));
	assert_int_equal(ask(&bu), 0);
	rig_wait_ms(rig, 41000);
	assert_int_equal(rig->commit_count, 1);
	rig_commit(rig, 0);
	assert_bids("");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_rig, close_rig)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bindings_are_added_one_by_one),
		TEST(several_are_registered_at_once),
		TEST(a_binding_without_bid_is_replaced_only_with_o),
		TEST(o_replaces_all),
		TEST(an_update_without_bid_replaces_all),
		TEST(some_or_all_are_deregistered),
		TEST(the_sequence_number_is_shared),
		TEST(the_address_of_the_option_wins),
		TEST(one_expires_and_the_operator_ends_the_other),
		TEST(a_refresh_request_names_those_that_are_due),
		TEST(updates_of_different_bids_wait_side_by_side),
		TEST(a_failed_change_leaves_all_as_they_were),
		TEST(the_data_plane_that_failed_is_not_tried_again),
		TEST(each_tunnel_is_told_behind_its_bid),
		TEST(only_the_data_plane_that_failed_is_left_out),
		TEST(all_are_restored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
