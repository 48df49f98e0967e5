/* What nodes ask of their home network: its home agents, its prefixes (RFC 6275, 10.5 and 10.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/mobility/home_discovery.h"
#include "proto/mobility/router.h"
#include "rig.h"

#define ANYCAST       "2001:db8:1:0:fdff:ffff:ffff:fffe"
#define OTHER_ANYCAST "2001:db8:2:0:fdff:ffff:ffff:fffe"
#define SECOND_AGENT  "2001:db8:f::1"
#define NEIGHBOUR     "2001:db8:1::77" /* another home agent */

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

/* A question of a node; home NULL: no Home Address option. */
static void ask(struct rig *rig, enum packet_reason reason, uint8_t type, const char *dst,
	const char *home, uint16_t identifier)
{
	const struct in6_addr h = rig_addr(home ? home : RIG_CARE_OF);
	const struct home_discovery question = {.type = type, .identifier = identifier};
	struct ip6_build head = {.src = rig_addr(RIG_CARE_OF),
		.dst = rig_addr(dst),
		.home_address = home ? &h : NULL,
		.proto = ICMP6_NEXT_HEADER};
	size_t at = ip6_build_size(&head);
	struct icmp6_message message;
	uint8_t ip[256];
	ssize_t len;

	assert_int_equal(home_discovery_message(&question, &message), 0);
	len = icmp6_encode(&h, &head.dst, &message, ip + at, sizeof(ip) - at);
	assert_true(len > 0);
	head.payload_len = (uint16_t)len;
	assert_int_equal(ip6_build(&head, ip, sizeof(ip)), at);
	rig_punt(rig, reason, "core0", ip, at + (size_t)len);
}

static void ask_home_agents(struct rig *rig, const char *anycast)
{
	ask(rig, PACKET_ICMP, ICMP6_TYPE_HOME_AGENT_REQUEST, anycast, NULL, 0x1234);
}

static void solicit(struct rig *rig, uint16_t identifier)
{
	ask(rig, PACKET_HOME_ADDRESS, ICMP6_TYPE_PREFIX_SOLICITATION, RIG_AGENT, RIG_LINK_HOME,
		identifier);
}

/* The only packet that was sent; views into *packet. */
static struct home_discovery answered(
	struct rig *rig, struct rig_packet *packet, struct ip6_packet *ip6)
{
	struct icmp6_message message;
	struct home_discovery out;

	assert_int_equal(rig->packet_count, 1);
	*packet = rig_packet(rig);
	assert_int_equal(packet->how, PACKET_TO_ROUTE);
	assert_true(packet->len <= IP6_MIN_MTU);
	assert_int_equal(ip6_packet_decode(packet->octets, packet->len, ip6, NULL), 0);
	assert_string_equal(ADDR_TEXT(&ip6->dst), RIG_CARE_OF);
	assert_int_equal(icmp6_decode(&ip6->src, ip6_packet_effective_dst(ip6),
				 packet->octets + ip6->offset, ip6->len, &message),
		0);
	assert_int_equal(home_discovery_decode(&message, &out), HOME_DISCOVERY_FAULT_NONE);
	return out;
}

/* The addresses that are told for a prefix, as text. */
static size_t told(struct rig *rig, const char *anycast, char all[][INET6_ADDRSTRLEN])
{
	struct home_discovery reply;
	struct rig_packet packet;
	struct ip6_packet ip6;
	size_t count;

	rig_wait_ms(rig, 1000); /* the limit of answers */
	while (rig->packet_count)
		rig_packet(rig);
	ask_home_agents(rig, anycast);
	reply = answered(rig, &packet, &ip6);
	count = home_discovery_addresses(&reply);
	for (size_t i = 0; i < count; i++) {
		struct in6_addr a = home_discovery_address(&reply, i);

		addr_format(all[i], &a);
	}
	return count;
}

static void home_agents_are_told(void **state)
{
	struct rig *rig = *state;
	struct home_discovery reply;
	struct rig_packet packet;
	struct ip6_packet ip6;

	ask_home_agents(rig, ANYCAST);
	reply = answered(rig, &packet, &ip6);
	assert_string_equal(ADDR_TEXT(&ip6.src), RIG_AGENT);
	assert_false(ip6.has_routing2);
	assert_int_equal(reply.type, ICMP6_TYPE_HOME_AGENT_REPLY);
	assert_int_equal(reply.identifier, 0x1234);
	assert_int_equal(home_discovery_addresses(&reply), 2);
	ask_home_agents(rig, OTHER_ANYCAST);
	reply = answered(rig, &packet, &ip6);
	assert_int_equal(home_discovery_addresses(&reply), 2);
	assert_int_equal(rig_counter(rig, "home_agent_replies"), 2);
}

static void order_is_random(void **state)
{
	struct rig *rig = *state;
	char all[80][INET6_ADDRSTRLEN];
	unsigned first = 0, second = 0;

	for (int i = 0; i < 200 && !(first && second); i++) {
		assert_int_equal(told(rig, ANYCAST, all), 2);
		assert_string_not_equal(all[0], all[1]);
		first += strcmp(all[0], RIG_AGENT) == 0;
		second += strcmp(all[0], SECOND_AGENT) == 0;
	}
	assert_true(first && second);
}

static void only_good_questions(void **state)
{
	struct rig *rig = *state;
	uint8_t ip[48] = {0x60, [5] = 8, [6] = 58, [7] = 64, [40] = 144};
	struct in6_addr src = rig_addr(RIG_CARE_OF), dst = rig_addr(ANYCAST);

	memcpy(ip + 8, &src, 16);
	memcpy(ip + 24, &dst, 16);
	rig_punt(rig, PACKET_ICMP, "core0", ip, sizeof(ip)); /* checksum 0 */
	assert_int_equal(rig_counter(rig, "drop_icmp_malformed"), 1);
	ask_home_agents(rig, RIG_AGENT);
	ask_home_agents(rig, "2001:db8:9:0:fdff:ffff:ffff:fffe");
	ask(rig, PACKET_ICMP, ICMP6_TYPE_PREFIX_SOLICITATION, RIG_AGENT, NULL, 1);
	ask(rig, PACKET_ICMP, ICMP6_TYPE_HOME_AGENT_REPLY, ANYCAST, NULL, 1);
	assert_int_equal(rig_counter(rig, "drop_icmp_unexpected"), 4);
	assert_int_equal(rig->packet_count, 0);
}

static void answers_are_limited(void **state)
{
	struct rig *rig = *state;

	for (int i = 0; i < 12; i++)
		ask_home_agents(rig, ANYCAST);
	assert_int_equal(rig->packet_count, 10);
	assert_int_equal(rig_counter(rig, "errors_limited"), 2);
}

/* A Router Advertisement of another router. */
static void advertise_from(struct rig *rig, const char *port, uint8_t hop_limit, const char *src,
	const struct router *router)
{
	uint8_t ip[512] = {0x60, [6] = ICMP6_NEXT_HEADER, [7] = hop_limit};
	struct in6_addr from = rig_addr(src), to = rig_addr("ff02::1");
	ssize_t len = router_encode(router, ip + 40, sizeof(ip) - 40);
	uint16_t sum;

	assert_true(len > 0);
	ip[5] = (uint8_t)len;
	memcpy(ip + 8, &from, 16);
	memcpy(ip + 24, &to, 16);
	sum = icmp6_checksum(&from, &to, ip + 40, (size_t)len);
	ip[42] = (uint8_t)(sum >> 8);
	ip[43] = (uint8_t)sum;
	rig_punt(rig, PACKET_NEIGHBOUR, port, ip, 40 + (size_t)len);
}

static void advertise(struct rig *rig, const struct router *router)
{
	advertise_from(rig, "home0", 255, "fe80::77", router);
}

static struct router neighbour(uint16_t preference)
{
	struct router router = {.flags = ROUTER_HOME_AGENT,
		.lifetime_s = 30,
		.has_home_agent = true,
		.preference = preference,
		.home_agent_lifetime_s = 60,
		.prefix_count = 2};

	router.prefixes[0] = (struct nd_option_prefix){.address = rig_addr(NEIGHBOUR),
		.len = 64,
		.flags = ND_OPTION_ON_LINK | ND_OPTION_ROUTER_ADDRESS};
	router.prefixes[1] = (struct nd_option_prefix){
		.address = rig_addr("2001:db8:1::"), .len = 64, .flags = ND_OPTION_ON_LINK};
	return router;
}

static void other_home_agents_are_learned(void **state)
{
	struct rig *rig = *state;
	struct router router = neighbour(5);
	char all[80][INET6_ADDRSTRLEN];

	advertise(rig, &router);
	assert_int_equal(told(rig, ANYCAST, all), 3);
	assert_string_equal(all[0], NEIGHBOUR);
	assert_int_equal(told(rig, OTHER_ANYCAST, all), 2); /* on no link */
	router.preference = UINT16_MAX;                     /* unsigned (RFC 6275, 7.4) */
	advertise(rig, &router);
	assert_int_equal(told(rig, ANYCAST, all), 3);
	assert_string_equal(all[0], NEIGHBOUR);
	rig_wait_ms(rig, 57000);
	assert_int_equal(told(rig, ANYCAST, all), 3);
	rig_wait_ms(rig, 3000); /* its lifetime is over */
	assert_int_equal(told(rig, ANYCAST, all), 2);
	assert_int_equal(rig_counter(rig, "home_agent_advertisements"), 2);
}

static void our_own_preference(void **state)
{
	struct rig *rig = *state;
	struct router router = neighbour(5);
	char all[80][INET6_ADDRSTRLEN];

	rig->config.home_agent_preference = 6;
	rig_restart(rig);
	advertise(rig, &router);
	assert_int_equal(told(rig, ANYCAST, all), 3);
	assert_string_equal(all[2], NEIGHBOUR);
	/* Another data plane of ours advertises what we know. */
	router.prefixes[0].address = rig_addr(RIG_AGENT);
	advertise_from(rig, "home0", 255, "fe80::78", &router);
	assert_int_equal(told(rig, ANYCAST, all), 3);
}

static void home_agents_that_leave(void **state)
{
	struct rig *rig = *state;
	struct router router = neighbour(5);
	char all[80][INET6_ADDRSTRLEN];

	advertise(rig, &router);
	router.flags = 0;
	router.has_home_agent = false;
	advertise(rig, &router);
	assert_int_equal(told(rig, ANYCAST, all), 2);
	/* Without the option the lifetime is that of the router (RFC 6275, 7.4). */
	router.flags = ROUTER_HOME_AGENT;
	advertise(rig, &router);
	assert_int_equal(told(rig, ANYCAST, all), 3);
	router.lifetime_s = 0;
	advertise(rig, &router);
	assert_int_equal(told(rig, ANYCAST, all), 2);
}

static void advertisements_that_do_not_count(void **state)
{
	struct rig *rig = *state;
	struct router router = neighbour(5);
	char all[80][INET6_ADDRSTRLEN];

	advertise_from(rig, "core0", 255, "fe80::77", &router);
	assert_int_equal(rig_counter(rig, "drop_nd_other"), 1);
	advertise_from(rig, "home0", 254, "fe80::77", &router);
	advertise_from(rig, "home0", 255, NEIGHBOUR, &router);
	assert_int_equal(rig_counter(rig, "drop_nd_malformed"), 2);
	assert_int_equal(told(rig, ANYCAST, all), 2);
	for (int i = 0; i < 100; i++) { /* more than there is room for */
		char name[INET6_ADDRSTRLEN];

		snprintf(name, sizeof(name), "fe80::%x", 0x100 + i);
		router.prefixes[0].address.s6_addr[15] = (uint8_t)(100 + i);
		advertise_from(rig, "home0", 255, name, &router);
	}
	assert_in_range(told(rig, ANYCAST, all), 20, 76);
}

static void prefixes_are_told_to_bound_nodes(void **state)
{
	struct rig *rig = *state;
	struct home_discovery reply;
	struct rig_packet packet;
	struct nd_option option;
	struct ip6_packet ip6;
	struct cursor c;

	rig_bound(rig, 1, 1);
	solicit(rig, 0x4321);
	reply = answered(rig, &packet, &ip6);
	assert_string_equal(ADDR_TEXT(&ip6.src), RIG_AGENT);
	assert_true(ip6.has_routing2);
	assert_string_equal(ADDR_TEXT(&ip6.routing2), RIG_LINK_HOME);
	assert_int_equal(reply.type, ICMP6_TYPE_PREFIX_ADVERTISEMENT);
	assert_int_equal(reply.identifier, 0x4321);
	assert_int_equal(reply.flags, 0);
	cursor_init(&c, reply.body, reply.body_len);
	assert_true(nd_option_next(&c, &option));
	assert_int_equal(option.type, ND_OPTION_PREFIX);
	assert_true(option.is_known);
	assert_string_equal(ADDR_TEXT(&option.prefix.address), RIG_AGENT);
	assert_int_equal(option.prefix.len, 64);
	assert_int_equal(option.prefix.flags,
		ND_OPTION_ON_LINK | ND_OPTION_AUTONOMOUS | ND_OPTION_ROUTER_ADDRESS);
	assert_int_equal(option.prefix.valid_s, UINT32_MAX);
	assert_int_equal(option.prefix.preferred_s, UINT32_MAX);
	assert_false(nd_option_next(&c, &option)); /* the other prefix is not on this link */
	assert_true(cursor_ok(&c));
	assert_int_equal(rig_counter(rig, "prefix_advertisements"), 1);
}

/* RFC 6275, 6.8. */
static void one_a_second(void **state)
{
	struct rig *rig = *state;
	struct rig_packet packet;
	struct ip6_packet ip6;

	rig_bound(rig, 1, 1);
	solicit(rig, 1);
	answered(rig, &packet, &ip6);
	rig_wait_ms(rig, 999);
	solicit(rig, 2);
	assert_int_equal(rig->packet_count, 0);
	assert_int_equal(rig_counter(rig, "drop_prefix_solicitation_rate"), 1);
	rig_wait_ms(rig, 1);
	solicit(rig, 3);
	answered(rig, &packet, &ip6);
}

static void prefixes_are_not_told_to_others(void **state)
{
	struct rig *rig = *state;

	solicit(rig, 1);
	assert_int_equal(rig_counter(rig, "be_sent"), 1);
	rig_packet(rig);
	rig_bound(rig, 1, 1);
	ask(rig, PACKET_HOME_ADDRESS, ICMP6_TYPE_PREFIX_ADVERTISEMENT, RIG_AGENT, RIG_LINK_HOME, 1);
	ask(rig, PACKET_HOME_ADDRESS, ICMP6_TYPE_PREFIX_SOLICITATION, ANYCAST, RIG_LINK_HOME, 1);
	assert_int_equal(rig_counter(rig, "drop_home_address_bound"), 2);
	assert_int_equal(rig->packet_count, 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		T(home_agents_are_told),
		T(order_is_random),
		T(only_good_questions),
		T(answers_are_limited),
		T(other_home_agents_are_learned),
		T(our_own_preference),
		T(home_agents_that_leave),
		T(advertisements_that_do_not_count),
		T(prefixes_are_told_to_bound_nodes),
		T(one_a_second),
		T(prefixes_are_not_told_to_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
