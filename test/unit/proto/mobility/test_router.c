/* Router Advertisements, octet by octet from the figures of RFC 4861, 4.2 and 4.6, RFC 6275, 7 and
 * RFC 3963, 7.3. */
#include <errno.h>
#include <stdio.h>

#include "octets.h"
#include "proto/mobility/router.h"

#define AD(flags) "86 00 0000 40 " flags " 0708 00000001 00000002 |"
#define LINK_HEX  "01 01 020000000001 |"
#define MTU_HEX   "05 01 0000 000005dc |"
#define PREFIX    "03 04 40 e0 00015180 00003840 00000000" HA_HEX "|"
#define INTERVAL  "07 01 0000 000003e8 |"

static enum router_fault decode(const char *hex, struct router *out)
{
	uint8_t buf[1024];
	size_t n = octets(hex, buf, sizeof(buf));
	uint8_t *copy = exact(buf, n);
	enum router_fault fault = router_decode(copy, n, out);

	free(copy);
	return fault;
}

static void all_of_it(void **state)
{
	static const char hex[] = AD("e0") LINK_HEX MTU_HEX PREFIX INTERVAL "08 01 8000 000a 0e10";
	uint8_t buf[200];
	struct router r;
	ssize_t n;

	(void)state;
	assert_int_equal(decode(hex, &r), ROUTER_FAULT_NONE);
	assert_int_equal(r.hop_limit, 64);
	assert_int_equal(r.flags, ROUTER_MANAGED | ROUTER_OTHER | ROUTER_HOME_AGENT);
	assert_int_equal(r.lifetime_s, 1800);
	assert_int_equal(r.reachable_ms, 1);
	assert_int_equal(r.retransmit_ms, 2);
	assert_true(r.has_link_address);
	assert_int_equal(r.link_address.b[5], 1);
	assert_int_equal(r.mtu, 1500);
	assert_int_equal(r.interval_ms, 1000);
	assert_true(r.has_home_agent && r.serves_routers);
	assert_int_equal(r.preference, 10);
	assert_int_equal(r.home_agent_lifetime_s, 3600);
	assert_int_equal(r.prefix_count, 1);
	assert_int_equal(r.prefixes[0].len, 64);
	assert_int_equal(r.prefixes[0].flags,
		ND_OPTION_ON_LINK | ND_OPTION_AUTONOMOUS | ND_OPTION_ROUTER_ADDRESS);
	assert_int_equal(r.prefixes[0].valid_s, 86400);
	assert_int_equal(r.prefixes[0].preferred_s, 14400);
	assert_address(router_address(&r), HA);
	n = router_encode(&r, buf, sizeof(buf));
	assert_octets(buf, n, hex);
	assert_int_equal(router_encode(&r, buf, (size_t)n - 1), -ENOSPC);
}

/* RFC 6275, 7.4: preference 0 and the lifetime of the router. */
static void home_agent_without_the_option(void **state)
{
	struct router r;

	(void)state;
	assert_int_equal(decode(AD("20"), &r), ROUTER_FAULT_NONE);
	assert_false(r.has_home_agent);
	assert_int_equal(r.preference, 0);
	assert_int_equal(r.home_agent_lifetime_s, 1800);
	assert_null(router_address(&r));
}

static void ignored(void **state)
{
	static const char *const options[] = {
		"08 01 0000 000a 0000",                   /* home agent lifetime 0 */
		"08 02 0000 000a 0e10 00000000 00000000", /* of another length */
		("03 04 81 c0 00015180 00003840 00000000" HA_HEX),
		"03 01 40 c0 00015180",
		"fd 01 000000000000",
		"0e 02 00000000 00000000 00000000 0000",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(options); i++) {
		char hex[300];
		struct router r;

		snprintf(hex, sizeof(hex), AD("20") "%s |" INTERVAL, options[i]);
		assert_int_equal(decode(hex, &r), ROUTER_FAULT_NONE);
		assert_false(r.has_home_agent);
		assert_int_equal(r.prefix_count, 0);
		assert_int_equal(r.interval_ms, 1000);
	}
	{
		struct router r;

		/* the option without the flag */
		assert_int_equal(decode(AD("00") "08 01 8000 000a 0e10", &r), ROUTER_FAULT_NONE);
		assert_false(r.has_home_agent || r.serves_routers);
		assert_int_equal(r.home_agent_lifetime_s, 0);
	}
}

static void more_prefixes_than_fit(void **state)
{
	char hex[4000] = AD("00");
	struct router r;

	(void)state;
	for (unsigned i = 0; i < ROUTER_PREFIXES_MAX + 2; i++)
		strcat(hex, PREFIX);
	assert_int_equal(decode(hex, &r), ROUTER_FAULT_NONE);
	assert_int_equal(r.prefix_count, ROUTER_PREFIXES_MAX);
	assert_int_equal(r.prefixes_left_out, 2);
}

static void discarded(void **state)
{
	static const struct {
		const char *hex;
		enum router_fault fault;
	} bad[] = {
		{"", ROUTER_FAULT_TRUNCATED},
		{"86 00 0000 40 00 0708 00000001 000000", ROUTER_FAULT_TRUNCATED},
		{"85 00 0000 40 00 0708 00000001 00000002", ROUTER_FAULT_TYPE},
		{"86 01 0000 40 00 0708 00000001 00000002", ROUTER_FAULT_CODE},
		{AD("00") "07 00 0000 000003e8", ROUTER_FAULT_OPTION_LENGTH},
		{AD("00") "07 02 0000 000003e8", ROUTER_FAULT_OPTION_LENGTH},
		{AD("00") "07", ROUTER_FAULT_OPTION_LENGTH},
	};
	struct router r;

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(decode(bad[i].hex, &r), bad[i].fault);
		assert_string_not_equal(router_fault_name(bad[i].fault), "unknown");
	}
}

static void refused_to_encode(void **state)
{
	static const struct router bad[] = {
		{.flags = 0x10},
		{.prefix_count = ROUTER_PREFIXES_MAX + 1},
		{.prefix_count = 1, .prefixes = {{.len = 129}}},
		{.prefix_count = 1, .prefixes = {{.flags = 1}}},
		{.has_home_agent = true, .home_agent_lifetime_s = 1},
		{.flags = ROUTER_HOME_AGENT, .has_home_agent = true},
	};
	uint8_t buf[1024];

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(router_encode(&bad[i], buf, sizeof(buf)), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(home_agent_without_the_option),
		cmocka_unit_test(ignored),
		cmocka_unit_test(more_prefixes_than_fit),
		cmocka_unit_test(discarded),
		cmocka_unit_test(refused_to_encode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
