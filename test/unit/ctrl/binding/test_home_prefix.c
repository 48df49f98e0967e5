#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctrl/binding/home_prefix.h"

static struct in6_addr agents[2], locals[1];
static struct home_prefix prefixes[3];
static const struct home_policy policy = {agents, 2, locals, 1, prefixes, 3};

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static int set_up(void **state)
{
	agents[0] = addr("2001:db8:f::1");
	agents[1] = addr("2001:db8:1::1");
	locals[0] = addr("2001:db8:e::1");
	prefix6_parse("2001:db8:1::/64", &prefixes[0].prefix);
	prefix6_parse("2001:db8:1:0:8000::/65", &prefixes[1].prefix);
	prefix6_parse("fd00::/8", &prefixes[2].prefix);
	(void)state;
	return 0;
}

static void longest_prefix_wins(void **state)
{
	struct in6_addr low = addr("2001:db8:1::5"), high = addr("2001:db8:1:0:8000::5"),
			other = addr("2001:db8:2::5");

	assert_ptr_equal(home_prefix_find(&policy, &low), &prefixes[0]);
	assert_ptr_equal(home_prefix_find(&policy, &high), &prefixes[1]);
	assert_null(home_prefix_find(&policy, &other));
	(void)state;
}

static void care_of_addresses_lead_away_from_us(void **state)
{
	static const struct {
		const char *text;
		enum home_care_of verdict;
	} rows[] = {
		{"2001:db8:a::5", HOME_CARE_OF_GOOD},
		{"fc00::1", HOME_CARE_OF_GOOD},
		{"2001:db8:1::77", HOME_CARE_OF_AT_HOME},
		{"fd00::5", HOME_CARE_OF_AT_HOME},
		{"2001:db8:1::1", HOME_CARE_OF_OWN},
		{"2001:db8:f::1", HOME_CARE_OF_OWN},
		{"2001:db8:e::1", HOME_CARE_OF_OWN},
		{"::", HOME_CARE_OF_UNROUTABLE},
		{"::1", HOME_CARE_OF_UNROUTABLE},
		{"fe80::5", HOME_CARE_OF_UNROUTABLE},
		{"ff0e::5", HOME_CARE_OF_UNROUTABLE},
		{"::ffff:192.0.2.1", HOME_CARE_OF_UNROUTABLE},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct in6_addr a = addr(rows[i].text);

		assert_int_equal(home_prefix_care_of(&policy, &a), rows[i].verdict);
	}
	(void)state;
}

static void speaks_on_a_link_with_an_address_of_the_link(void **state)
{
	struct mac mac = {{0x02, 0x11, 0x22, 0x33, 0x44, 0x55}};
	struct in6_addr here = home_prefix_source(&policy, &prefixes[0], &mac);
	struct in6_addr there = home_prefix_source(&policy, &prefixes[2], &mac);
	struct in6_addr eui = addr("fe80::11:22ff:fe33:4455");

	assert_true(addr_equal(&here, &agents[1]));
	assert_true(addr_equal(&there, &eui));
	(void)state;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_prefix_wins),
		cmocka_unit_test(care_of_addresses_lead_away_from_us),
		cmocka_unit_test(speaks_on_a_link_with_an_address_of_the_link),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
