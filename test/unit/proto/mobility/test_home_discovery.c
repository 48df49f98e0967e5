/* Home agent address discovery and mobile prefix discovery: golden octets of RFC 6275, 6.5 to 6.8.
 */
#include <errno.h>

#include "proto/mobility/home_discovery.h"
#include "visited.h"

static const struct {
	const char *hex; /* from the ICMPv6 type on, checksum as icmp6_encode sets it */
	const char *clause;
	const char *text;
} golden[] = {
	/* identifier, then 16 reserved bits whose first is R (RFC 3963, 7.1) */
	{"90 00 0000 | 1234 0000", "RFC 6275, 6.5", "identifier=4660 flags=0: options=list( )"},
	{"90 00 0000 | 1234 8000", "RFC 6275, 6.5",
		"identifier=4660 flags=32768:R options=list( )"},
	{"91 00 0000 | 1234 8000 |" HA_HEX HOA_HEX, "RFC 6275, 6.6",
		"identifier=4660 flags=32768:R home_agents=list( " HA " " HOA " )"},
	{"91 00 0000 | fffe 0000", "RFC 6275, 6.6",
		"identifier=65534 flags=0: home_agents=list( )"},
	{"92 00 0000 | 0001 0000", "RFC 6275, 6.7", "identifier=1 options=list( )"},
	/* a Prefix Information option (RFC 4861, 4.6.2) with the R flag (RFC 6275, 7.2) */
	{"93 00 0000 | 0001 c000 | 03 04 40 e0 00015180 00003840 00000000" HA_HEX, "RFC 6275, 6.8",
		"identifier=1 flags=49152:MO options=list( ( type=3 "
		"name=Prefix Information length=4 prefix_length=64 flags=224:LAR "
		"valid_lifetime=86400 preferred_lifetime=14400 prefix=" HA " ) )"},
	/* what is unknown, or not of its length, is octets (RFC 4861, 4.6) */
	{"93 00 0000 | 0001 0000 | c8 01 010203040506 | 05 02 0000 000005dc 0000000000000000",
		"RFC 6275, 6.8",
		"identifier=1 flags=0: options=list( ( type=200 name=unknown length=1 "
		"data=010203040506 ) ( type=5 name=MTU length=2 "
		"data=0000000005dc0000000000000000 ) )"},
	/* what a Router Advertisement adds: RFC 4861, 4.6.1 and 4.6.4; RFC 6275, 7.3 and 7.4 */
	{"93 00 0000 | 0001 0000 | 01 01 020000000001 | 05 01 0000 000005dc | 07 01 0000 000003e8 "
	 "| 08 01 8000 000a 0708",
		"RFC 6275, 6.8",
		"identifier=1 flags=0: options=list( ( type=1 name=Source Link-Layer Address "
		"length=1 link_layer_address=020000000001 ) ( type=5 name=MTU length=1 mtu=1500 ) "
		"( type=7 name=Advertisement Interval length=1 interval=1000 ) ( type=8 name=Home "
		"Agent Information length=1 flags=32768:R preference=10 lifetime=1800 ) )"},
};

static void both_ways(void **state)
{
	(void)state;
	struct in6_addr src = address(HA), dst = address(COA);

	for (size_t i = 0; i < COUNT(golden); i++) {
		uint8_t wire[80], again[80];
		size_t n = octets(golden[i].hex, wire, sizeof(wire));
		uint16_t sum = icmp6_checksum(&src, &dst, wire, n);
		struct home_discovery message;
		struct icmp6_message icmp, out;
		struct visited visited = {.len = 0};
		uint8_t *copy;

		wire[2] = sum >> 8;
		wire[3] = sum & 0xff;
		copy = exact(wire, n);
		assert_int_equal(icmp6_decode(&src, &dst, copy, n, &icmp), 0);
		assert_int_equal(home_discovery_decode(&icmp, &message), 0);
		assert_string_equal(home_discovery_clause(message.type), golden[i].clause);
		assert_int_equal(
			home_discovery_visit(&message, &(struct visitor){visited_fn, &visited}), 0);
		assert_string_equal(visited.text, golden[i].text);
		assert_int_equal(home_discovery_message(&message, &out), 0);
		assert_int_equal(icmp6_encode(&src, &dst, &out, again, sizeof(again)), n);
		assert_memory_equal(again, wire, n);
		free(copy);
	}
}

static void addresses(void **state)
{
	(void)state;
	uint8_t body[32];
	struct home_discovery reply = {.type = ICMP6_TYPE_HOME_AGENT_REPLY,
		.body = body,
		.body_len = octets(HA_HEX COA_HEX, body, sizeof(body))};
	struct in6_addr got;

	assert_int_equal(home_discovery_addresses(&reply), 2);
	got = home_discovery_address(&reply, 0);
	assert_address(&got, HA);
	got = home_discovery_address(&reply, 1);
	assert_address(&got, COA);
	reply.type = ICMP6_TYPE_PREFIX_ADVERTISEMENT;
	assert_int_equal(home_discovery_addresses(&reply), 0);
}

static void bad(void **state)
{
	(void)state;
	static const struct {
		uint8_t type, code;
		const char *body;
		enum home_discovery_fault fault;
	} cases[] = {
		{143, 0, "", HOME_DISCOVERY_FAULT_TYPE},
		{148, 0, "", HOME_DISCOVERY_FAULT_TYPE},
		{144, 1, "", HOME_DISCOVERY_FAULT_CODE},
		{147, 255, "", HOME_DISCOVERY_FAULT_CODE},
		{145, 0, "00", HOME_DISCOVERY_FAULT_LENGTH},
		{145, 0, HA_HEX "00", HOME_DISCOVERY_FAULT_LENGTH},
		{147, 0, "03", HOME_DISCOVERY_FAULT_OPTION},
		{147, 0, "03 00 000000000000", HOME_DISCOVERY_FAULT_OPTION},
		{147, 0, "03 04" HA_HEX, HOME_DISCOVERY_FAULT_OPTION},
		{146, 0, "01 01 0000000000", HOME_DISCOVERY_FAULT_OPTION},
		{144, 0, "01 01 000000000000 05", HOME_DISCOVERY_FAULT_OPTION},
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t body[40];
		size_t n = octets(cases[i].body, body, sizeof(body));
		uint8_t *copy = exact(body, n);
		struct icmp6_message icmp = {
			.type = cases[i].type, .code = cases[i].code, .body = copy, .body_len = n};
		struct home_discovery message = {
			.type = cases[i].type, .body = copy, .body_len = n};

		assert_int_equal(home_discovery_decode(&icmp, &message), cases[i].fault);
		if (!cases[i].code)
			assert_int_equal(home_discovery_message(&message, &icmp), -EINVAL);
		free(copy);
	}
	/* a solicitation has no flags */
	assert_int_equal(home_discovery_message(
				 &(struct home_discovery){
					 .type = ICMP6_TYPE_PREFIX_SOLICITATION, .flags = 1},
				 &(struct icmp6_message){0}),
		-EINVAL);
	assert_null(home_discovery_clause(143));
	for (int fault = 1; fault < HOME_DISCOVERY_FAULT_COUNT; fault++)
		assert_string_not_equal(
			home_discovery_fault_name(fault), home_discovery_fault_name(fault - 1));
	assert_string_equal(icmp6_type_name(144), "home agent address discovery request");
	assert_string_equal(icmp6_type_name(147), "mobile prefix advertisement");
}

static void reserved_bits(void **state)
{
	(void)state;
	/* ignored in a solicitation, carried as flags elsewhere */
	struct icmp6_message icmp = {.type = ICMP6_TYPE_PREFIX_SOLICITATION, .value = 0x0001ffff};
	struct home_discovery message;

	assert_int_equal(home_discovery_decode(&icmp, &message), 0);
	assert_int_equal(message.flags, 0);
	icmp.type = ICMP6_TYPE_HOME_AGENT_REQUEST;
	assert_int_equal(home_discovery_decode(&icmp, &message), 0);
	assert_int_equal(message.flags, 0xffff);
}

/* RFC 2526, 2 and 3. */
static void anycast(void **state)
{
	static const char *const pairs[][2] = {
		{"2001:db8:1::/64", "2001:db8:1:0:fdff:ffff:ffff:fffe"},
		{"2001:db8:1:2::/64", "2001:db8:1:2:fdff:ffff:ffff:fffe"},
		{"2001:db8:1::/48", "2001:db8:1:ffff:fdff:ffff:ffff:fffe"},
		{"2001:db8:1::/96", "2001:db8:1::ffff:fffe"},
		{"2001:db8:1::/120", "2001:db8:1::fe"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++) {
		struct prefix6 prefix;
		struct in6_addr a;

		assert_int_equal(prefix6_parse(pairs[i][0], &prefix), 0);
		a = home_discovery_anycast(&prefix);
		assert_string_equal(ADDR_TEXT(&a), pairs[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(anycast),
		cmocka_unit_test(addresses),
		cmocka_unit_test(bad),
		cmocka_unit_test(reserved_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
