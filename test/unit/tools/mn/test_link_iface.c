/* What an interface knows of its link: where it is, which care-of address it gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <linux/if_addr.h>

#include "common/clock.h"
#include "tools/mn/link_iface.h"

#define S CLOCK_NS_PER_S

static struct link_iface iface;
static const struct in6_addr nothing;

static int setup(void **state)
{
	memset(&iface, 0, sizeof(iface));
	*state = &iface;
	return 0;
}

static struct in6_addr address(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static struct prefix6 prefix(const char *text)
{
	struct prefix6 p;

	assert_int_equal(prefix6_parse(text, &p), 0);
	return p;
}

static void advertise(const char *text, uint32_t valid_s, uint64_t now_ns)
{
	struct in6_addr router = address("fe80::1");
	struct ra ra = {.prefix_count = 1, .prefixes = {{prefix(text), valid_s}}};

	link_iface_advertised(&iface, &router, &ra, now_ns);
}

static void have(const char *text, bool from_router, uint32_t flags)
{
	struct link_address a = {address(text), 64, from_router, flags};

	link_iface_address_set(&iface, &a);
}

static void assert_care_of(const char *expected, const struct in6_addr *now)
{
	struct prefix6 home = prefix("2001:db8:100::/64");
	const struct in6_addr *got = link_iface_care_of(&iface, &home, now);

	if (!expected) {
		assert_null(got);
		return;
	}
	struct in6_addr want = address(expected);

	assert_non_null(got);
	assert_memory_equal(got, &want, sizeof(want));
}

static bool at_home(void)
{
	struct prefix6 home = prefix("2001:db8:100::/64");
	struct in6_addr home_address = address("2001:db8:100::10");

	return link_iface_at_home(&iface, &home, &home_address);
}

static bool stale(const char *text, bool from_router)
{
	struct link_address a = {address(text), 64, from_router, 0};

	return link_iface_is_stale(&iface, &a);
}

static void addresses_are_set_and_removed(void **state)
{
	(void)state;
	struct in6_addr a = address("2001:db8:a::1"), other = address("2001:db8:a::2");

	have("2001:db8:a::1", false, 0);
	have("2001:db8:a::1", false, IFA_F_DEPRECATED);
	assert_int_equal(iface.address_count, 1);
	assert_int_equal(iface.addresses[0].flags, IFA_F_DEPRECATED);
	link_iface_address_del(&iface, &other);
	assert_int_equal(iface.address_count, 1);
	link_iface_address_del(&iface, &a);
	assert_int_equal(iface.address_count, 0);
}

static void too_many_addresses_are_left_out(void **state)
{
	(void)state;
	struct link_address a = {address("2001:db8:a::"), 64, false, 0};

	for (int n = 0; n < 2 * LINK_ADDRESSES_MAX; n++) {
		a.addr.s6_addr[15] = (uint8_t)n;
		link_iface_address_set(&iface, &a);
	}
	assert_int_equal(iface.address_count, LINK_ADDRESSES_MAX);
}

static void home_is_where_the_home_prefix_is_advertised(void **state)
{
	(void)state;
	assert_false(at_home());
	advertise("2001:db8:a::/64", 120, S);
	assert_false(at_home());
	advertise("2001:db8:100::/64", 120, S); /* beside another */
	assert_true(at_home());
	advertise("2001:db8:100::/64", 0, S); /* withdrawn */
	assert_false(at_home());
	advertise("2001:db8:100::/48", 120, S); /* another length is another prefix */
	assert_false(at_home());
}

static void home_can_be_told_by_a_configured_address(void **state)
{
	(void)state;
	have("2001:db8:100::10", false, 0);
	assert_false(at_home()); /* the home address itself says nothing */
	have("2001:db8:100::99", true, 0);
	assert_false(at_home()); /* nor does one of a link before */
	have("2001:db8:100::98", false, 0);
	assert_true(at_home());
	advertise("2001:db8:a::/64", 120, S);
	assert_false(at_home()); /* routers know better */
}

static void prefixes_end_with_their_lifetime(void **state)
{
	(void)state;
	advertise("2001:db8:100::/64", 30, 100 * S);
	advertise("2001:db8:a::/64", 60, 100 * S);
	advertise("2001:db8:b::/64", UINT32_MAX, 100 * S);
	assert_true(link_iface_expire(&iface, 110 * S) == 130 * S);
	assert_true(at_home());
	advertise("2001:db8:100::/64", 30, 120 * S); /* extended */
	assert_true(link_iface_expire(&iface, 130 * S) == 150 * S);
	assert_true(at_home());
	assert_true(link_iface_expire(&iface, 150 * S) == 160 * S);
	assert_false(at_home());
	assert_true(link_iface_expire(&iface, 1000 * S) == UINT64_MAX);
	assert_int_equal(iface.prefix_count, 1);
}

static bool hear(const char *router_text, const char *prefix_text, uint32_t interval_ms,
	uint16_t lifetime_s, uint64_t now_ns)
{
	struct in6_addr router = address(router_text);
	struct ra ra = {.interval_ms = interval_ms,
		.router_lifetime_s = lifetime_s,
		.prefix_count = 1,
		.prefixes = {{prefix(prefix_text), 86400}}};

	return link_iface_advertised(&iface, &router, &ra, now_ns);
}

/* RFC 6275, 11.5.1: a new router alone is no move; the old one's silence tells. */
static void a_silent_router_is_forgotten_for_another(void **state)
{
	(void)state;
	uint64_t ms = CLOCK_NS_PER_MS;

	assert_false(hear("fe80::1", "2001:db8:100::/64", 70, 1800, S));
	assert_false(hear("fe80::2", "2001:db8:a::/64", 70, 1800, S + 100 * ms));
	assert_true(at_home());
	assert_false(hear("fe80::2", "2001:db8:a::/64", 70, 1800, S + 209 * ms));
	assert_true(at_home());
	assert_true(hear("fe80::2", "2001:db8:a::/64", 70, 1800, S + 210 * ms));
	assert_false(at_home());
	assert_int_equal(iface.router_count, 1);
	assert_int_equal(iface.prefix_count, 1);
	/* silence alone, when nobody else speaks, is bad reception */
	assert_true(link_iface_expire(&iface, 100 * S) != UINT64_MAX);
	assert_int_equal(iface.prefix_count, 1);
}

static void a_prefix_of_two_routers_stays(void **state)
{
	(void)state;
	hear("fe80::1", "2001:db8:100::/64", 70, 1800, S);
	hear("fe80::2", "2001:db8:100::/64", 70, 1800, S);
	assert_true(hear("fe80::2", "2001:db8:100::/64", 70, 1800, 2 * S));
	assert_true(at_home());
}

static void without_interval_the_lifetime_of_a_router_tells(void **state)
{
	(void)state;
	hear("fe80::1", "2001:db8:100::/64", 0, 30, S);
	assert_false(hear("fe80::2", "2001:db8:a::/64", 0, 30, 30 * S));
	assert_true(hear("fe80::2", "2001:db8:a::/64", 0, 30, 31 * S));
	assert_false(at_home());
}

static void too_many_prefixes_are_left_out(void **state)
{
	(void)state;
	struct ra ra = {0};
	struct in6_addr router = address("fe80::1");

	ra.prefix_count = RA_PREFIXES_MAX;
	for (int round = 0; round < 3; round++) {
		for (uint8_t n = 0; n < RA_PREFIXES_MAX; n++) {
			ra.prefixes[n] = (struct ra_prefix){prefix("2001:db8:f::/64"), 60};
			ra.prefixes[n].prefix.addr.s6_addr[7] = (uint8_t)(round * 16 + n);
		}
		link_iface_advertised(&iface, &router, &ra, S);
	}
	assert_int_equal(iface.prefix_count, RA_PREFIXES_MAX);
}

static void a_care_of_address_must_be_usable(void **state)
{
	(void)state;
	have("fe80::1", false, 0);
	have("2001:db8:a::1", true, 0);
	assert_care_of(NULL, &nothing); /* its prefix is not advertised here */
	advertise("2001:db8:a::/64", 60, S);
	assert_care_of("2001:db8:a::1", &nothing);
	have("2001:db8:a::1", true, IFA_F_TENTATIVE);
	assert_care_of(NULL, &nothing);
	have("2001:db8:a::1", true, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC);
	assert_care_of("2001:db8:a::1", &nothing);
	have("2001:db8:a::1", true, IFA_F_DADFAILED);
	assert_care_of(NULL, &nothing);
	have("2001:db8:a::1", true, IFA_F_DEPRECATED);
	assert_care_of(NULL, &nothing);
	have("2001:db8:a::2", false, 0); /* configured by hand */
	assert_care_of("2001:db8:a::2", &nothing);
}

static void a_care_of_address_is_never_in_the_home_prefix(void **state)
{
	(void)state;
	advertise("2001:db8:a::/64", 60, S);
	have("2001:db8:100::10", false, 0);
	have("2001:db8:100::77", false, 0);
	assert_care_of(NULL, &nothing);
}

static void a_stable_address_is_preferred_and_the_present_one_kept(void **state)
{
	(void)state;
	struct in6_addr now = address("2001:db8:a::77");

	advertise("2001:db8:a::/64", 60, S);
	have("2001:db8:a::77", true, IFA_F_TEMPORARY);
	assert_care_of("2001:db8:a::77", &nothing);
	have("2001:db8:a::1", true, 0);
	assert_care_of("2001:db8:a::1", &nothing);
	assert_care_of("2001:db8:a::77", &now);
	have("2001:db8:a::77", true, IFA_F_TEMPORARY | IFA_F_DEPRECATED);
	assert_care_of("2001:db8:a::1", &now);
}

static void what_is_stale_goes(void **state)
{
	(void)state;
	assert_false(stale("2001:db8:b::1", true)); /* nothing is known of the link yet */
	advertise("2001:db8:a::/64", 60, S);
	assert_true(stale("2001:db8:b::1", true));
	assert_false(stale("2001:db8:b::1", false));
	assert_false(stale("2001:db8:a::1", true));
	assert_false(stale("fe80::1", true));
	link_iface_forget(&iface);
	assert_false(stale("2001:db8:b::1", true));
	assert_false(iface.advertised);
}

static void routes_belong_to_prefixes_of_the_link(void **state)
{
	(void)state;
	struct prefix6 a = prefix("2001:db8:a::/64"), b = prefix("2001:db8:b::/64");

	advertise("2001:db8:a::/64", 60, S);
	have("2001:db8:b::1", true, 0);
	assert_true(link_iface_needs_prefix(&iface, &a));
	assert_false(link_iface_needs_prefix(&iface, &b));
	have("2001:db8:b::2", false, 0);
	assert_true(link_iface_needs_prefix(&iface, &b));
}

static void routers_are_known(void **state)
{
	(void)state;
	struct in6_addr one = address("fe80::1"), two = address("fe80::2");

	assert_false(link_iface_has_router(&iface, &one));
	advertise("2001:db8:a::/64", 60, S);
	advertise("2001:db8:a::/64", 60, S);
	assert_int_equal(iface.router_count, 1);
	assert_true(link_iface_has_router(&iface, &one));
	assert_false(link_iface_has_router(&iface, &two));
	link_iface_forget(&iface);
	assert_false(link_iface_has_router(&iface, &one));
}

static void link_local_addresses_are_checked_first(void **state)
{
	(void)state;
	assert_false(link_iface_has_link_local(&iface));
	have("2001:db8:a::1", false, 0);
	have("fe80::5", false, IFA_F_TENTATIVE | IFA_F_OPTIMISTIC);
	assert_false(link_iface_has_link_local(&iface));
	have("fe80::5", false, IFA_F_PERMANENT);
	assert_true(link_iface_has_link_local(&iface));
}

static void link_local_address_of_an_identifier(void **state)
{
	struct in6_addr home = address("2001:db8:100::5"), other = address("2001:db8:100::6");

	(void)state;
	have("2001:db8:a::5", false, 0);
	assert_null(link_iface_link_local_of(&iface, &home));
	have("fe80::5", false, IFA_F_DADFAILED);
	assert_int_equal(link_iface_link_local_of(&iface, &home)->flags, IFA_F_DADFAILED);
	assert_null(link_iface_link_local_of(&iface, &other));
}

/* RFC 5648, 5.6.4: only what a default router has said of itself. */
static void next_hop_is_what_a_default_router_says(void **state)
{
	(void)state;
	struct in6_addr one = address("fe80::1"), two = address("fe80::2");
	struct ra ra = {.router_lifetime_s = 1800};

	assert_null(link_iface_next_hop(&iface));
	link_iface_advertised(&iface, &one, &ra, S);
	assert_null(link_iface_next_hop(&iface));
	ra = (struct ra){.has_mac = true, .mac = {{2, 0, 0, 0, 0, 1}}};
	link_iface_advertised(&iface, &one, &ra, S);
	assert_null(link_iface_next_hop(&iface));
	ra.router_lifetime_s = 1800;
	ra.mac.b[5] = 2;
	link_iface_advertised(&iface, &two, &ra, S);
	assert_int_equal(link_iface_next_hop(&iface)->b[5], 2);
	link_iface_forget(&iface);
	assert_null(link_iface_next_hop(&iface));
}

#define T(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(next_hop_is_what_a_default_router_says),
		T(addresses_are_set_and_removed),
		T(too_many_addresses_are_left_out),
		T(home_is_where_the_home_prefix_is_advertised),
		T(home_can_be_told_by_a_configured_address),
		T(prefixes_end_with_their_lifetime),
		T(a_silent_router_is_forgotten_for_another),
		T(a_prefix_of_two_routers_stays),
		T(without_interval_the_lifetime_of_a_router_tells),
		T(too_many_prefixes_are_left_out),
		T(a_care_of_address_must_be_usable),
		T(a_care_of_address_is_never_in_the_home_prefix),
		T(a_stable_address_is_preferred_and_the_present_one_kept),
		T(what_is_stale_goes),
		T(routes_belong_to_prefixes_of_the_link),
		T(routers_are_known),
		T(link_local_addresses_are_checked_first),
		T(link_local_address_of_an_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
