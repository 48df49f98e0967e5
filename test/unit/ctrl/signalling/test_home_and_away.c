/* A node that is on its home link while it has bindings elsewhere (RFC 5648, 5.6 and 6.3). */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/icmp6.h"
#include "proto/mobility/nd.h"
#include "rig.h"

#define AWAY    RIG_CARE_OF
#define AWAY_2  "2001:db8:b::6"
#define AT_HOME RIG_LINK_HOME

static const struct mac node_mac = {{2, 0, 0, 0, 0, 9}};

static int set_up(void **state)
{
	struct rig *rig = rig_new();

	rig->config.multihoming.home = MULTIHOMING_HOME_ND;
	rig->config.dad_transmits = 0;
	rig_restart(rig);
	rig->from = node_mac;
	*state = rig;
	return 0;
}

static int tear_down(void **state)
{
	rig_free(*state);
	return 0;
}

static struct rig_bu with(
	struct rig *rig, uint16_t sequence, size_t count, const struct rig_bid *bids)
{
	struct rig_bu bu = rig_bu(rig, 1, sequence);

	bu.bid_count = count;
	memcpy(bu.bids, bids, count * sizeof(*bids));
	return bu;
}

#define BU(rig, sequence, ...)                                                                     \
	with(rig, sequence, sizeof((struct rig_bid[]){__VA_ARGS__}) / sizeof(struct rig_bid),      \
		(struct rig_bid[]){__VA_ARGS__})

static struct rig_bu at_home(struct rig_bu bu)
{
	bu.src = AT_HOME;
	bu.home = NULL;
	return bu;
}

/* Ends the commit if there is one. The status of the acknowledgement, and of its first option. */
static uint8_t answered(struct rig *rig, uint8_t *option)
{
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct mh mh;

	if (rig->commit_count)
		rig_commit(rig, 0);
	while (rig->packet_count && rig->packets[0].how == PACKET_TO_PORT &&
		rig->packets[0].octets[14 + 6] == 58)
		rig_packet(rig);
	rig_ba(rig, &packet, &ip6, &mh);
	for (unsigned i = 0; option && i < mh.option_count; i++)
		if (mh.options[i].type == OPTION_BID) {
			*option = mh.options[i].bid.status;
			option = NULL;
		}
	return mh.ba.status;
}

static uint8_t ask(struct rig *rig, struct rig_bu bu)
{
	rig_send(rig, &bu);
	return answered(rig, NULL);
}

static uint8_t ask_at_home(struct rig *rig, struct rig_bu bu, uint8_t *option)
{
	bu = at_home(bu);
	rig_send_at_home(rig, &bu);
	return answered(rig, option);
}

static const struct binding_record *record(struct rig *rig, uint16_t bid)
{
	const struct binding *b = rig_binding(rig, AT_HOME);

	return b && binding_is_live(b) ? binding_record_of(b, bid) : NULL;
}

/* Bound as BID 1 from elsewhere, as BID 2 at home. */
static void bind_both(struct rig *rig)
{
	struct rig_bu bu = BU(rig, 1, {.bid = 1, .coa = AWAY});

	bu.flags |= FLAGS_BU_O;
	assert_int_equal(ask(rig, bu), 0);
	assert_int_equal(
		ask_at_home(rig, BU(rig, 2, {.bid = 2, .coa = AT_HOME, .home = true}), NULL), 0);
}

/* 5.6.3, 6.2: the binding cache has the home address, and where on the link it is. */
static void the_home_binding_is_one_of_several(void **state)
{
	struct rig *rig = *state;
	struct in6_addr home = rig_addr(AT_HOME);

	bind_both(rig);
	assert_true(record(rig, 1) && !record(rig, 1)->at_home);
	assert_true(record(rig, 2) && record(rig, 2)->at_home);
	assert_true(addr_equal(&record(rig, 2)->care_of, &home));
	assert_memory_equal(record(rig, 2)->mac.b, node_mac.b, 6);
	/* It is refreshed by its number, also from elsewhere, and ended. */
	assert_int_equal(ask(rig, BU(rig, 3, {.bid = 1}, {.bid = 2, .home = true})), 0);
	assert_memory_equal(record(rig, 2)->mac.b, node_mac.b, 6);
	struct rig_bu bu = BU(rig, 4, {.bid = 2});

	bu.lifetime = 0;
	assert_int_equal(ask(rig, bu), 0);
	assert_null(record(rig, 2));
	assert_non_null(record(rig, 1));
}

/* 6.3: the status says who answers for the address on the link. */
static void the_status_says_who_defends(void **state)
{
	struct rig *rig = *state;
	uint8_t option = 255;

	assert_int_equal(
		ask_at_home(rig, BU(rig, 1, {.bid = 2, .coa = AT_HOME, .home = true}), &option), 0);
	assert_int_equal(option, 0);
	rig_free(rig);
	rig = *state = rig_new();
	rig->config.multihoming.home = MULTIHOMING_HOME_PROXY;
	rig_restart(rig);
	rig->from = node_mac;
	assert_int_equal(
		ask_at_home(rig, BU(rig, 1, {.bid = 2, .coa = AT_HOME, .home = true}), &option), 5);
	assert_int_equal(option, 5);
}

/* 5.6.5: a registration without H. It is told that its binding ended, and the link that we answer
 * again. */
static void leaving_home(void **state)
{
	struct rig *rig = *state;
	struct nd_message m;
	struct rig_bu bu;

	bind_both(rig);
	assert_false(rig_binding(rig, AT_HOME)->announcements);
	bu = BU(rig, 3, {.bid = 1});
	rig_send(rig, &bu);
	rig_commit(rig, 0);
	assert_int_equal(rig->packets[0].how, PACKET_TO_PORT);
	assert_int_equal(nd_decode(rig->packets[0].octets + 14, rig->packets[0].len - 14, &m),
		ND_FAULT_NONE);
	assert_int_equal(m.type, ICMP6_TYPE_NEIGHBOUR_ADVERTISEMENT);
	assert_int_equal(answered(rig, NULL), 0);
	assert_null(record(rig, 2));
	assert_non_null(record(rig, 1));
}

/* A node that only comes home is looked for by nobody there: it has its address already. */
static void no_detection_for_who_is_there(void **state)
{
	struct rig *rig = *state;

	rig->config.dad_transmits = 1;
	rig_restart(rig);
	assert_int_equal(
		ask_at_home(rig, BU(rig, 1, {.bid = 2, .coa = AT_HOME, .home = true}), NULL), 0);
	assert_int_equal(rig_counter(rig, "dad_started"), 0);
}

static void only_one_home_binding(void **state)
{
	struct rig *rig = *state;
	uint8_t option = 255;

	bind_both(rig);
	assert_int_equal(
		ask_at_home(rig, BU(rig, 3, {.bid = 3, .coa = AT_HOME, .home = true}), NULL), 0);
	assert_null(record(rig, 2));
	assert_true(record(rig, 3)->at_home);
	assert_int_equal(ask_at_home(rig,
				 BU(rig, 4, {.bid = 3, .home = true},
					 {.bid = 4, .coa = AT_HOME, .home = true}),
				 &option),
		STATUS_BA_MCOA_NOTCOMPLETE);
	assert_int_equal(option, 0);
	assert_null(record(rig, 4));
	assert_int_equal(rig_counter(rig, "bid_repeated"), 1);
}

static void what_cannot_be_is_refused(void **state)
{
	struct rig *rig = *state;

	bind_both(rig);
	/* Not its home address; a binding elsewhere that is said to be at home. */
	assert_int_equal(ask_at_home(rig, BU(rig, 3, {.bid = 3, .coa = AWAY, .home = true}), NULL),
		STATUS_BA_MCOA_MALFORMED);
	assert_int_equal(ask(rig, BU(rig, 4, {.bid = 1, .home = true})), STATUS_BA_MCOA_MALFORMED);
	assert_int_equal(rig_counter(rig, "bid_address"), 2);
	/* Nobody knows where on the link it is. */
	assert_int_equal(ask(rig, BU(rig, 5, {.bid = 5, .coa = AT_HOME, .home = true})),
		STATUS_BA_UNSPECIFIED);
	assert_int_equal(rig_counter(rig, "bid_no_link_address"), 1);
	/* It is nothing without H. */
	assert_int_equal(ask(rig, BU(rig, 6, {.bid = 6, .coa = AT_HOME})), STATUS_BA_INVALID_COA);
	assert_true(record(rig, 2) && record(rig, 1));
	/* A home prefix on no link. */
	struct rig_bu bu = rig_bu(rig, 0, 1);

	bu.bid_count = 1;
	bu.bids[0] = (struct rig_bid){.bid = 1, .coa = RIG_HOME, .home = true};
	rig_send(rig, &bu);
	assert_int_equal(answered(rig, NULL), STATUS_BA_MCOA_SIMULTANEOUS);
	assert_int_equal(rig_counter(rig, "bid_at_home"), 1);
}

/* What a node at home says of its own address is no claim of another. */
static void a_node_may_answer_for_itself(void **state)
{
	struct rig *rig = *state;
	struct in6_addr home = rig_addr(AT_HOME);
	struct nd_message m;
	uint8_t ip[ND_PACKET_MAX];
	ssize_t len;

	bind_both(rig);
	nd_proxy_advertisement(&home, &home, &node_mac, NULL, &m);
	len = nd_encode(&m, ip, sizeof(ip));
	assert_true(len > 0);
	rig_punt(rig, PACKET_NEIGHBOUR, "home0", ip, (size_t)len);
	assert_int_equal(rig_counter(rig, "nd_rival"), 0);
}

/* The data plane of the home binding in the commit that is under way. */
static uint64_t committed(const struct rig *rig)
{
	const struct rig_list *to = &rig->commits[0].to_list;

	assert_int_equal(rig->commit_count, 1);
	for (unsigned i = 0; i < to->count; i++)
		if (to->records[i].at_home)
			return to->records[i].data_plane;
	fail_msg("no home binding");
	return 0;
}

static enum signalling_wish stays(void *context, const struct in6_addr *care_of, uint64_t id)
{
	(void)context;
	(void)care_of;
	(void)id;
	return SIGNALLING_STAYS;
}

/* Has the bindings looked at once. */
static void look(struct rig *rig)
{
	size_t at = 0, busy = 0;

	while (signalling_redirect(rig->s, &at, 100, stays, NULL, &busy))
		continue;
	assert_int_equal(busy, 0);
}

/* Which data plane has the home link is not the node's choice: it serves the home binding and no
 * other, and while it is lost the others serve the rest. */
static void the_home_link_is_at_one_data_plane(void **state)
{
	enum { HOME = RIG_DATA_PLANE_ID, SECOND };
	struct rig *rig = *state;

	rig->data_planes = 3;
	rig->second = rig_addr(AWAY);
	bind_both(rig);
	assert_int_equal(record(rig, 1)->data_plane, SECOND);
	assert_int_equal(record(rig, 2)->data_plane, HOME);
	/* Lost: left out, but not gone. */
	rig->data_planes = 2;
	look(rig);
	assert_int_equal(committed(rig), 0);
	rig_commit(rig, 0);
	assert_int_equal(record(rig, 1)->data_plane, SECOND);
	assert_int_equal(record(rig, 2)->data_plane, 0);
	look(rig);
	assert_int_equal(rig->commit_count, 0);
	/* Refreshed and changed meanwhile, and found again. */
	assert_int_equal(ask(rig, BU(rig, 3, {.bid = 1}, {.bid = 2, .home = true})), 0);
	assert_int_equal(record(rig, 2)->data_plane, 0);
	rig->data_planes = 3;
	look(rig);
	assert_int_equal(committed(rig), HOME);
	rig_commit(rig, 0);
	assert_int_equal(record(rig, 2)->data_plane, HOME);
	/* Alone it keeps the only data plane that it can have. */
	struct rig_bu bu = BU(rig, 4, {.bid = 1});

	bu.lifetime = 0;
	assert_int_equal(ask(rig, bu), 0);
	rig->data_planes = 2;
	look(rig);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(record(rig, 2)->data_plane, HOME);
}

/* The data plane of the home link cannot: beside others the binding waits for it, alone it is
 * refused. */
static void the_data_plane_of_the_home_link_fails(void **state)
{
	struct rig *rig = *state;
	struct rig_bu bu = at_home(
		BU(rig, 1, {.bid = 1, .coa = AWAY}, {.bid = 2, .coa = AT_HOME, .home = true}));

	rig->data_planes = 3;
	rig->second = rig_addr(AWAY);
	rig->culprit = 0;
	bu.flags |= FLAGS_BU_O;
	rig_send_at_home(rig, &bu);
	assert_int_equal(committed(rig), RIG_DATA_PLANE_ID);
	rig_commit(rig, -ETIMEDOUT);
	assert_int_equal(committed(rig), 0);
	assert_int_equal(answered(rig, NULL), 0);
	assert_int_equal(record(rig, 1)->data_plane, RIG_DATA_PLANE_ID + 1);
	bu = at_home(BU(rig, 2, {.bid = 2, .coa = AT_HOME, .home = true}));
	bu.flags |= FLAGS_BU_O;
	rig->data_planes = 2;
	rig_send_at_home(rig, &bu);
	assert_int_equal(rig->commit_count, 0);
	assert_int_equal(answered(rig, NULL), STATUS_BA_RESOURCES);
}

/* A tunnel ends where its data plane is; the home link has none. */
static void only_tunnels_are_told(void **state)
{
	struct rig *rig = *state;
	struct rig_packet packet;
	struct ip6_packet ip6;
	struct rig_bu bu;
	struct mh mh;
	unsigned told = 0;

	rig->config.tunnel_option = OPTION_ALTERNATE_COA;
	rig->data_planes = 3;
	rig_restart(rig);
	rig->second = rig_addr(AWAY);
	bu = at_home(BU(rig, 1, {.bid = 1, .coa = AWAY}, {.bid = 2, .coa = AT_HOME, .home = true}));
	bu.flags |= FLAGS_BU_O;
	rig_send_at_home(rig, &bu);
	rig_commit(rig, 0);
	while (rig->packets[0].octets[14 + 6] == 58)
		rig_packet(rig);
	rig_ba(rig, &packet, &ip6, &mh);
	for (unsigned i = 0; i < mh.option_count; i++) {
		if (mh.options[i].type != OPTION_ALTERNATE_COA)
			continue;
		assert_int_equal(
			mh.options[i].alternate_coa.coa.s6_addr[15], RIG_DATA_PLANE_ID + 1);
		told++;
	}
	assert_int_equal(told, 1);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(the_home_binding_is_one_of_several),
		T(the_status_says_who_defends),
		T(leaving_home),
		T(no_detection_for_who_is_there),
		T(only_one_home_binding),
		T(what_cannot_be_is_refused),
		T(a_node_may_answer_for_itself),
		T(the_home_link_is_at_one_data_plane),
		T(the_data_plane_of_the_home_link_fails),
		T(only_tunnels_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
