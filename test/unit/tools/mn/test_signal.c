/* Binding Updates as they leave and answers as they come in. All octets were made with scapy and
 * Python's hmac module. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "proto/mobility/flags.h"
#include "proto/mobility/flow.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/mh_packet.h"
#include "tools/mn/signal.h"

#define TIMESTAMP 0xe9d6a1b280000001

/* From the home agent to the care-of address, type 2 routing header to the home address. */
#define BA_HEAD                                                                                    \
	"6000000000582b4020010db800010000000000000000000120010db8000a0000"                         \
	"0000000000000099870202010000000020010db8010000000000000000000010"

static const char good_ba[] =
	BA_HEAD "3b070600ef790080123400320810016d6e31406578616d706c652e6e65740102"
		"00000a08e9d6a1b28000000100091101000003e8de6d9210524434638f970edb";
static const char ba_with_advice[] =
	BA_HEAD "3b070600461c0080123400320810016d6e31406578616d706c652e6e65740202"
		"00070a08e9d6a1b28000000100091101000003e8b86e48bfc77ad43c01df9f2a";
static const char ba_without_timestamp[] =
	"6000000000502b4020010db800010000000000000000000120010db8000a0000"
	"0000000000000099870202010000000020010db8010000000000000000000010"
	"3b0606005d060080123400320810016d6e31406578616d706c652e6e65740101"
	"00091101000003e834633d8314d6c2f82b20c7d101020000";
static const char ba_of_another_key[] =
	BA_HEAD "3b0706006f640080123400320810016d6e31406578616d706c652e6e65740102"
		"00000a08e9d6a1b28000000100091101000003e89094c45a609601f107245713";
static const char ba_of_another_spi[] =
	BA_HEAD "3b0706000e5c0080123400320810016d6e31406578616d706c652e6e65740102"
		"00000a08e9d6a1b28000000100091101000003e95ea4db5b263c4640304d9feb";
static const char ba_without_authenticator[] =
	"6000000000482b4020010db800010000000000000000000120010db8000a0000"
	"0000000000000099870202010000000020010db8010000000000000000000010"
	"3b05060099140080123400320810016d6e31406578616d706c652e6e65740102"
	"00000a08e9d6a1b28000000101020000";
static const char ba_of_another_source[] =
	"6000000000582b4020010db800010000000000000000000220010db8000a0000"
	"0000000000000099870202010000000020010db8010000000000000000000010"
	"3b070600ef780080123400320810016d6e31406578616d706c652e6e65740102"
	"00000a08e9d6a1b28000000100091101000003e8de6d9210524434638f970edb";
static const char ba_to_another_home[] =
	"6000000000582b4020010db800010000000000000000000120010db8000a0000"
	"0000000000000099870202010000000020010db8010000000000000000000011"
	"3b070600ef780080123400320810016d6e31406578616d706c652e6e65740102"
	"00000a08e9d6a1b28000000100091101000003e8de6d9210524434638f970edb";
static const char ba_at_home[] = "600000000040874020010db800010000000000000000000120010db801000000"
				 "00000000000000103b07060067b80080123500000810016d6e31406578616d70"
				 "6c652e6e6574010200000a08e9d6a1b28000000100091101000003e86a5e1ccf"
				 "36bbd4ce3c984e3b";
static const char ba_with_bad_checksum[] =
	BA_HEAD "3b070600ee790080123400320810016d6e31406578616d706c652e6e65740102"
		"00000a08e9d6a1b28000000100091101000003e8de6d9210524434638f970edb";
static const char brr[] = "6000000000202b4020010db800010000000000000000000120010db8000a0000"
			  "0000000000000099870202010000000020010db8010000000000000000000010"
			  "3b00000067ec0000";
static const char be[] = "600000000018874020010db800010000000000000000000120010db8000a0000"
			 "00000000000000993b020700317e010020010db8010000000000000000000010";
static const char be_for_another_home[] =
	"600000000018874020010db800010000000000000000000120010db8000a0000"
	"00000000000000993b020700317d010020010db8010000000000000000000011";

static const char unknown_type[] =
	"6000000000202b4020010db800010000000000000000000120010db8000a0000"
	"0000000000000099870202010000000020010db8010000000000000000000010"
	"3b00c8009feb0000";

struct fixture {
	struct mn_config config;
	struct hmac *hmac;
	struct bul_entry bul;
	struct bul_answer answer;
	struct in6_addr care_of;
};

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static int setup(void **state)
{
	static struct fixture f;

	memset(&f, 0, sizeof(f));
	f.config.mn_id = (char *)"mn1@example.net";
	f.config.home_address = address("2001:db8:100::10");
	f.config.home_agent = address("2001:db8:1::1");
	f.config.spi = 1000;
	for (uint8_t i = 0; i < MN_KEY_LEN; i++)
		f.config.key[i] = i;
	f.hmac = hmac_new();
	f.care_of = address("2001:db8:a::99");
	f.bul.request.care_of = f.care_of;
	*state = &f;
	return f.hmac ? 0 : -1;
}

static int teardown(void **state)
{
	hmac_free(((struct fixture *)*state)->hmac);
	return 0;
}

static size_t octets(const char *hex, uint8_t *out, size_t size)
{
	size_t len = strlen(hex) / 2;

	assert_true(len <= size);
	for (size_t n = 0; n < len; n++)
		assert_int_equal(sscanf(hex + 2 * n, "%2hhx", &out[n]), 1);
	return len;
}

static void assert_update(
	struct fixture *f, const struct bul_update *u, bool stamp, const char *hex)
{
	uint8_t got[512], expected[512];
	size_t len = octets(hex, expected, sizeof(expected));
	ssize_t n = signal_binding_update(&f->config, f->hmac, u, stamp, got, sizeof(got));

	assert_int_equal(n, len);
	assert_memory_equal(got, expected, len);
}

/* Both options say it; the one that says nothing else wins. */
static void ba_says_where_the_tunnel_ends(void **state)
{
	struct fixture *f = *state;
	const struct option_numbers numbers = {.ha_tunnel = 99};
	struct ip6_build head = {.src = f->config.home_agent,
		.dst = f->care_of,
		.routing2 = &f->config.home_address};
	struct mh_packet_key key = {.hmac = f->hmac,
		.key = f->config.key,
		.coa = f->care_of,
		.hoa = f->config.home_address};
	uint8_t pkt[MH_PACKET_MAX];

	f->config.tunnel_address_number = 99;
	for (unsigned which = 0; which < 5; which++) {
		struct mh mh = {.type = MH_BA, .ba = {.sequence = 7, .lifetime = 9}};
		ssize_t len;

		if (which & 1)
			option_add(&mh, OPTION_ALTERNATE_COA)->alternate_coa.coa =
				address("2001:db8:d::1");
		if (which & 2)
			option_add(&mh, OPTION_HA_TUNNEL)->ip6.address = address("2001:db8:d::2");
		if (which & 4)
			option_add(&mh, OPTION_ALTERNATE_COA)->alternate_coa.coa =
				address("ff02::1");
		assert_int_equal(auth_add(&mh, f->config.spi), 0);
		len = mh_packet_encode_with(&numbers, &head, &mh, &key, pkt, sizeof(pkt));
		assert_true(len > 0);
		assert_int_equal(
			signal_input(&f->config, f->hmac, &f->bul, pkt, (size_t)len, &f->answer),
			SIGNAL_ACK);
		assert_int_equal(f->answer.has_tunnel, which > 0 && which < 4);
		if (f->answer.has_tunnel)
			assert_int_equal(f->answer.tunnel.s6_addr[15], which & 2 ? 2 : 1);
	}
}

/* With options of another number there would be no multicast state. */
static void multicast_state_goes_out_and_comes_in(void **state)
{
	struct fixture *f = *state;
	struct in6_addr group = address("ff1e::1");
	const struct mcast_record record = {.type = MCAST_IS_EXCLUDE, .group = group.s6_addr};
	struct mcast_state told, got;
	struct mcast_state_faults faults;
	struct bul_update u = {.sequence = 1, .lifetime_s = 420, .care_of = f->care_of};
	struct option_numbers numbers = {.multicast_state = 201};
	struct mcast_state_bodies bodies;
	uint8_t pkt[MH_PACKET_MAX];
	struct ip6_packet ip;
	struct mh mh, ba = {.type = MH_BA, .ba = {.sequence = 7, .lifetime = 9}};

	f->config.multicast_state_number = 201;
	mcast_state_clear(&told);
	assert_int_equal(mcast_state_apply(&told, &record), 0);
	u.multicast = &told;
	ssize_t len = signal_binding_update(&f->config, f->hmac, &u, true, pkt, sizeof(pkt));

	assert_true(len > 0);
	assert_int_equal(ip6_packet_decode(pkt, (size_t)len, &ip, NULL), 0);
	assert_int_equal(mh_decode_with(&numbers, pkt + ip.offset, ip.len, &mh, NULL), 0);
	assert_true(mcast_state_read(&mh, &got, &faults));
	assert_true(mcast_state_equal(&told, &got));

	struct ip6_build head = {.src = f->config.home_agent,
		.dst = f->care_of,
		.routing2 = &f->config.home_address};
	struct mh_packet_key key = {.hmac = f->hmac,
		.key = f->config.key,
		.coa = f->care_of,
		.hoa = f->config.home_address};

	for (unsigned number = 200; number <= 201; number++) {
		struct mh answer = ba;

		numbers.multicast_state = (uint8_t)number;
		assert_int_equal(mcast_state_add(&told, &answer, &bodies), 0);
		assert_int_equal(auth_add(&answer, f->config.spi), 0);
		len = mh_packet_encode_with(&numbers, &head, &answer, &key, pkt, sizeof(pkt));
		assert_true(len > 0);
		assert_int_equal(
			signal_input(&f->config, f->hmac, &f->bul, pkt, (size_t)len, &f->answer),
			SIGNAL_ACK);
		assert_int_equal(f->answer.has_multicast, number == 201);
		if (f->answer.has_multicast)
			assert_true(mcast_state_equal(&f->answer.multicast, &told));
	}
}

static void update_from_a_foreign_link(void **state)
{
	struct fixture *f = *state;
	struct bul_update u = {.sequence = 0x1234,
		.timestamp = TIMESTAMP,
		.lifetime_s = 420,
		.care_of = f->care_of};

	assert_update(f, &u, true,
		"6000000000683c4020010db8000a0000000000000000009920010db800010000"
		"0000000000000001870201020000c91020010db8010000000000000000000010"
		"3b0905009d631234c00000690100031020010db8000a00000000000000000099"
		"0810016d6e31406578616d706c652e6e65740a08e9d6a1b28000000100091101"
		"000003e82f38ebba750c8cc081995921");
	assert_update(f, &u, false,
		"6000000000603c4020010db8000a0000000000000000009920010db800010000"
		"0000000000000001870201020000c91020010db8010000000000000000000010"
		"3b080500f4fc1234c00000690100031020010db8000a00000000000000000099"
		"0810016d6e31406578616d706c652e6e6574010100091101000003e850141329"
		"62be973b5ee2f862");
}

static void update_says_that_the_link_local_address_is_compatible(void **state)
{
	struct fixture *f = *state;
	struct bul_update u = {.lifetime_s = 420, .care_of = f->care_of, .link_local = true};
	uint8_t pkt[MH_PACKET_MAX];
	ssize_t len = signal_binding_update(&f->config, f->hmac, &u, true, pkt, sizeof(pkt));
	struct ip6_packet ip;
	struct mh mh;

	assert_true(len > 0);
	assert_int_equal(ip6_packet_decode(pkt, (size_t)len, &ip, NULL), 0);
	assert_int_equal(mh_decode(pkt + ip.offset, ip.len, &mh, NULL), 0);
	assert_int_equal(mh.bu.flags, FLAGS_BU_A | FLAGS_BU_H | FLAGS_BU_L);
}

/* RFC 5648, 5.2, 5.3 and 5.6.3; RFC 6089, 4.2. */
static void update_with_several_care_of_addresses_and_flows(void **state)
{
	struct fixture *f = *state;
	struct bul_update u = {.lifetime_s = 420,
		.care_of = f->care_of,
		.overwrite = true,
		.bid_count = 3,
		.bids = {{1, 1, f->care_of, false, {{0}}},
			{2, 2, address("2001:db8:b::99"), false, {{0}}},
			{3, 3, f->config.home_address, true, {{2, 0, 0, 0, 0, 9}}}},
		.flow_count = 1,
		.flows = {{.fid = 7, .priority = 1, .bid = 2, .protocol = 6, .remote = 8001}}};
	uint8_t pkt[MH_PACKET_MAX];
	ssize_t len = signal_binding_update(&f->config, f->hmac, &u, true, pkt, sizeof(pkt));
	const struct mh_option *bid, *option;
	struct ip6_packet ip;
	struct flow flow;
	struct mh mh;

	assert_true(len > 0);
	assert_int_equal(ip6_packet_decode(pkt, (size_t)len, &ip, NULL), 0);
	assert_int_equal(mh_decode(pkt + ip.offset, ip.len, &mh, NULL), 0);
	assert_int_equal(mh.bu.flags, FLAGS_BU_A | FLAGS_BU_H | FLAGS_BU_O);
	assert_null(option_find(&mh, OPTION_ALTERNATE_COA));
	bid = option_find(&mh, OPTION_BID);
	assert_int_equal(bid->bid.bid, 1);
	bid = option_next(&mh, bid);
	assert_int_equal(bid->bid.bid, 2);
	assert_int_equal(bid->bid.priority, 2);
	assert_true(addr_equal(&bid->bid.coa.ip6, &u.bids[1].care_of) && !bid->bid.home);
	bid = option_next(&mh, bid);
	assert_true(addr_equal(&bid->bid.coa.ip6, &f->config.home_address) && bid->bid.home);
	option = option_find(&mh, OPTION_LINK_ADDRESS);
	assert_int_equal(option->link_address.code, 2);
	assert_memory_equal(option->link_address.address.at, u.bids[2].mac.b, 6);
	option = option_find(&mh, OPTION_FLOW_ID);
	assert_int_equal(option->flow_id.fid, 7);
	assert_int_equal(flow_decode(&option->flow_id.subs, &flow, NULL), 0);
	assert_int_equal(field_list16(&flow.bids, 0), 2);
	assert_int_equal(flow.selector.ranges[TRAFFIC_SOURCE_PORT].start.number, 8001);
	assert_false(flow.selector.ranges[TRAFFIC_DESTINATION_PORT].has_start);
}

/* A tunnel address in front of all BIDs is that of all, one behind a BID its own. */
static void ba_says_where_the_tunnel_of_each_bid_ends(void **state)
{
	struct fixture *f = *state;
	struct ip6_build head = {.src = f->config.home_agent,
		.dst = f->care_of,
		.routing2 = &f->config.home_address};
	struct mh_packet_key key = {.hmac = f->hmac,
		.key = f->config.key,
		.coa = f->care_of,
		.hoa = f->config.home_address};
	struct mh mh = {.type = MH_BA, .ba = {.status = 4, .sequence = 7, .lifetime = 9}};
	uint8_t pkt[MH_PACKET_MAX];
	ssize_t len;

	option_add(&mh, OPTION_BID)->bid.bid = 1;
	option_add(&mh, OPTION_ALTERNATE_COA)->alternate_coa.coa = address("2001:db8:d::1");
	option_add(&mh, OPTION_BID)->bid = (struct option_bid){.bid = 2, .status = 130};
	assert_int_equal(auth_add(&mh, f->config.spi), 0);
	len = mh_packet_encode(&head, &mh, &key, pkt, sizeof(pkt));
	assert_true(len > 0);
	assert_int_equal(signal_input(&f->config, f->hmac, &f->bul, pkt, (size_t)len, &f->answer),
		SIGNAL_ACK);
	assert_int_equal(f->answer.bid_count, 2);
	assert_false(f->answer.has_tunnel);
	assert_true(f->answer.bids[0].has_tunnel);
	assert_int_equal(f->answer.bids[0].tunnel.s6_addr[15], 1);
	assert_int_equal(f->answer.bids[1].status, 130);
	assert_false(f->answer.bids[1].has_tunnel);
}

static void update_from_home(void **state)
{
	struct fixture *f = *state;
	struct bul_update u = {.sequence = 0x1235,
		.timestamp = TIMESTAMP,
		.at_home = true,
		.care_of = f->config.home_address};

	assert_update(f, &u, true,
		"600000000040874020010db801000000000000000000001020010db800010000"
		"00000000000000013b0705001efb1235c00000000810016d6e31406578616d70"
		"6c652e6e6574010200000a08e9d6a1b28000000100091101000003e87b4cf5b6"
		"283178662c296a03");
}

static void update_needs_room(void **state)
{
	struct fixture *f = *state;
	struct bul_update u = {.care_of = f->care_of};
	uint8_t small[100];

	assert_true(signal_binding_update(&f->config, f->hmac, &u, true, small, sizeof(small)) < 0);
}

/* What a packet is, read from a buffer of exactly its size. */
static enum signal_kind look(struct fixture *f, const char *hex)
{
	uint8_t bytes[512];
	size_t len = octets(hex, bytes, sizeof(bytes));
	uint8_t *exact = malloc(len);

	assert_non_null(exact);
	memcpy(exact, bytes, len);
	enum signal_kind kind = signal_input(&f->config, f->hmac, &f->bul, exact, len, &f->answer);

	free(exact);
	return kind;
}

static void takes_an_acknowledgement(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, good_ba), SIGNAL_ACK);
	assert_int_equal(f->answer.status, 0);
	assert_int_equal(f->answer.sequence, 0x1234);
	assert_int_equal(f->answer.lifetime_s, 200);
	assert_int_equal(f->answer.refresh_s, 0);
	assert_true(f->answer.has_timestamp);
	assert_true(f->answer.timestamp == TIMESTAMP);
}

static void takes_refresh_advice(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, ba_with_advice), SIGNAL_ACK);
	assert_int_equal(f->answer.refresh_s, 28);
}

static void takes_one_without_time_stamp(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, ba_without_timestamp), SIGNAL_ACK);
	assert_false(f->answer.has_timestamp);
}

static void takes_one_at_home(void **state)
{
	struct fixture *f = *state;

	f->bul.request.care_of = f->config.home_address;
	assert_int_equal(look(f, ba_at_home), SIGNAL_ACK);
	assert_int_equal(f->answer.lifetime_s, 0);
}

/* The authenticator covers the care-of address of the request. */
static void refuses_one_for_another_care_of_address(void **state)
{
	struct fixture *f = *state;

	f->bul.request.care_of = address("2001:db8:b::99");
	assert_int_equal(look(f, good_ba), SIGNAL_UNAUTHENTICATED);
}

static void refuses_what_is_not_authentic(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, ba_of_another_key), SIGNAL_UNAUTHENTICATED);
	assert_int_equal(look(f, ba_of_another_spi), SIGNAL_UNAUTHENTICATED);
	assert_int_equal(look(f, ba_without_authenticator), SIGNAL_UNAUTHENTICATED);
	assert_int_equal(look(f, ba_with_bad_checksum), SIGNAL_BAD_CHECKSUM);
}

static void leaves_others_packets_alone(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, ba_of_another_source), SIGNAL_NOT_OURS);
	assert_int_equal(look(f, ba_to_another_home), SIGNAL_NOT_OURS);
	assert_int_equal(look(f, be_for_another_home), SIGNAL_NOT_OURS);
}

static void takes_refresh_requests_and_errors(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(look(f, brr), SIGNAL_REFRESH_REQUEST);
	assert_int_equal(look(f, be), SIGNAL_ERROR);
	assert_int_equal(f->answer.status, 1);
}

/* RFC 6275, 9.2 and 9.3.3: from the address it was sent to, for no home address. */
static void answers_unknown_types(void **state)
{
	struct fixture *f = *state;
	uint8_t got[128], expected[128];
	size_t len = octets("600000000018874020010db8000a0000000000000000009920010db800010000"
			    "00000000000000013b0207005f47020000000000000000000000000000000000",
		expected, sizeof(expected));

	assert_int_equal(look(f, unknown_type), SIGNAL_UNKNOWN_TYPE);
	assert_int_equal(signal_binding_error(&f->config, &f->care_of, got, sizeof(got)), len);
	assert_memory_equal(got, expected, len);
}

/* The host of the home agent quotes our update (RFC 4443, 3.4). */
static size_t quoting(struct fixture *f, const struct bul_update *u, uint8_t *out, size_t size)
{
	uint8_t update[MH_PACKET_MAX];
	ssize_t len = signal_binding_update(&f->config, f->hmac, u, true, update, sizeof(update));
	ssize_t n;

	assert_true(len > 0);
	n = icmp6_parameter_problem(
		&f->config.home_agent, ICMP6_PARAMETER_HEADER, 64, update, (size_t)len, out, size);
	assert_true(n > 0);
	return (size_t)n;
}

static void takes_parameter_problems_about_updates(void **state)
{
	struct fixture *f = *state;
	struct bul_update u = {.sequence = 0x4321, .lifetime_s = 420, .care_of = f->care_of};
	uint8_t pkt[IP6_MIN_MTU], cut[IP6_MIN_MTU];
	size_t len = quoting(f, &u, pkt, sizeof(pkt));

	assert_int_equal(
		signal_input(&f->config, f->hmac, &f->bul, pkt, len, &f->answer), SIGNAL_PROBLEM);
	assert_int_equal(f->answer.status, 1);
	assert_int_equal(f->answer.sequence, 0x4321);
	pkt[len - 1] ^= 1; /* checksum */
	assert_int_equal(
		signal_input(&f->config, f->hmac, &f->bul, pkt, len, &f->answer), SIGNAL_NOT_OURS);
	pkt[len - 1] ^= 1;
	for (size_t n = 0; n < len; n++) {
		memcpy(cut, pkt, n);
		assert_int_not_equal(signal_input(&f->config, f->hmac, &f->bul, cut, n, &f->answer),
			SIGNAL_PROBLEM);
	}
	u.care_of = address("2001:db8:b::1"); /* another's, or of another request */
	len = quoting(f, &u, pkt, sizeof(pkt));
	assert_int_equal(
		signal_input(&f->config, f->hmac, &f->bul, pkt, len, &f->answer), SIGNAL_NOT_OURS);
}

/* RFC 6275, 9.2: what to point at. */
static void finds_the_bad_field(void **state)
{
	struct fixture *f = *state;
	uint8_t pkt[512], *mh;
	size_t len = octets(brr, pkt, sizeof(pkt));

	mh = pkt + 64;
	mh[0] = 6; /* Payload Proto: TCP */
	mh_checksum_set(&f->config.home_agent, &f->config.home_address, mh, len - 64);
	assert_int_equal(
		signal_input(&f->config, f->hmac, &f->bul, pkt, len, &f->answer), SIGNAL_BAD_FIELD);
	assert_int_equal(f->answer.pointer, 64);
}

/* Every cut and every flipped bit: never accepted, never read beyond its end. */
static void survives_damage(void **state)
{
	struct fixture *f = *state;
	uint8_t bytes[512];
	size_t len = octets(good_ba, bytes, sizeof(bytes));

	for (size_t cut = 0; cut < len; cut++) {
		uint8_t *exact = malloc(cut ? cut : 1);

		assert_non_null(exact);
		memcpy(exact, bytes, cut);
		assert_int_not_equal(
			signal_input(&f->config, f->hmac, &f->bul, exact, cut, &f->answer),
			SIGNAL_ACK);
		free(exact);
	}
	for (size_t bit = 64 * 8; bit < len * 8; bit++) {
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		assert_int_not_equal(
			signal_input(&f->config, f->hmac, &f->bul, bytes, len, &f->answer),
			SIGNAL_ACK);
		bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

static void kinds_have_names(void **state)
{
	(void)state;
	for (int kind = 0; kind < SIGNAL_KINDS; kind++)
		assert_true(strlen(signal_kind_name((enum signal_kind)kind)) > 2);
	assert_string_equal(signal_kind_name(SIGNAL_KINDS), "unknown");
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ba_says_where_the_tunnel_ends),
		T(multicast_state_goes_out_and_comes_in),
		T(update_from_a_foreign_link),
		T(update_says_that_the_link_local_address_is_compatible),
		T(update_from_home),
		T(update_with_several_care_of_addresses_and_flows),
		T(ba_says_where_the_tunnel_of_each_bid_ends),
		T(update_needs_room),
		T(takes_an_acknowledgement),
		T(takes_refresh_advice),
		T(takes_one_without_time_stamp),
		T(takes_one_at_home),
		T(refuses_one_for_another_care_of_address),
		T(refuses_what_is_not_authentic),
		T(leaves_others_packets_alone),
		T(takes_refresh_requests_and_errors),
		T(answers_unknown_types),
		T(takes_parameter_problems_about_updates),
		T(finds_the_bad_field),
		T(survives_damage),
		T(kinds_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
