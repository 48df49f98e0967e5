/* Which interfaces are used, one or several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/mn/link_choose.h"

static struct mn_config config;
static struct link_iface ifaces[3];
static struct link_attachment all[LINK_INTERFACES_MAX];

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void have(unsigned n, const char *text)
{
	struct link_address a = {.addr = address(text), .len = 64};

	ifaces[n].ifindex = n + 10;
	ifaces[n].up = true;
	link_iface_address_set(&ifaces[n], &a);
}

static int setup(void **state)
{
	(void)state;
	memset(ifaces, 0, sizeof(ifaces));
	memset(&config, 0, sizeof(config));
	config.home_address = address("2001:db8:100::10");
	assert_int_equal(prefix6_parse("2001:db8:100::/64", &config.home_prefix), 0);
	config.multihoming = MN_MULTIHOMING_BULK;
	return 0;
}

static unsigned choose(void)
{
	return link_choose(&config, config.home_binding, ifaces, 3, NULL, 0, all);
}

static void all_that_give_an_address_are_used(void **state)
{
	(void)state;
	have(0, "2001:db8:a::1");
	have(2, "2001:db8:b::1");
	assert_int_equal(choose(), 2);
	assert_int_equal(all[0].index, 0);
	assert_int_equal(all[1].index, 2);
	assert_int_equal(all[1].ifindex, 12);
	ifaces[0].up = false;
	assert_int_equal(choose(), 1);
	assert_int_equal(all[0].index, 2);
	ifaces[2].up = false;
	assert_int_equal(choose(), 0);
}

static void without_multihoming_only_the_first_is(void **state)
{
	(void)state;
	config.multihoming = MN_MULTIHOMING_OFF;
	have(1, "2001:db8:a::1");
	have(2, "2001:db8:b::1");
	assert_int_equal(choose(), 1);
	assert_int_equal(all[0].index, 1);
}

static void a_home_link_decides_only_in_front(void **state)
{
	(void)state;
	have(0, "2001:db8:a::1");
	have(1, "2001:db8:100::77");
	have(2, "2001:db8:b::1");
	assert_int_equal(choose(), 2);
	assert_int_equal(all[1].index, 2);
	ifaces[0].up = false;
	assert_int_equal(choose(), 1);
	assert_int_equal(all[0].place, LINK_HOME);
}

/* RFC 5648, 5.6.3: one home binding, by however many interfaces the node is at home. */
static void a_home_link_beside_others_is_one_of_them(void **state)
{
	(void)state;
	config.home_binding = true;
	have(0, "2001:db8:100::77");
	have(1, "2001:db8:100::78");
	have(2, "2001:db8:b::1");
	assert_int_equal(choose(), 2);
	assert_int_equal(all[0].place, LINK_HOME);
	assert_int_equal(all[0].index, 0);
	assert_int_equal(all[1].place, LINK_FOREIGN);
	assert_int_equal(link_choose_first(all, 2).index, 2);
	ifaces[0].up = false;
	assert_int_equal(choose(), 2);
	assert_int_equal(all[0].index, 1);
	ifaces[2].up = false;
	assert_int_equal(choose(), 1);
	assert_int_equal(link_choose_first(all, 1).place, LINK_HOME);
	ifaces[1].up = false;
	assert_int_equal(choose(), 0);
	assert_int_equal(link_choose_first(all, 0).place, LINK_NOWHERE);
}

static void an_address_that_is_still_good_stays(void **state)
{
	struct link_attachment before = {.ifindex = 11, .care_of = address("2001:db8:a::2")};

	(void)state;
	have(1, "2001:db8:a::1");
	have(1, "2001:db8:a::2");
	assert_int_equal(link_choose(&config, false, ifaces, 3, &before, 1, all), 1);
	assert_true(addr_equal(&all[0].care_of, &before.care_of));
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(all_that_give_an_address_are_used),
		TEST(without_multihoming_only_the_first_is),
		TEST(a_home_link_decides_only_in_front),
		TEST(a_home_link_beside_others_is_one_of_them),
		TEST(an_address_that_is_still_good_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
