#include "common/addr.h"

// clang-format off
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>
// clang-format on

#include <errno.h>
#include <stdio.h>

static struct in6_addr addr(const char *text)
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

static void text_both_ways(void **state)
{
	struct in6_addr a = addr("2001:DB8:0:0:0:0:0:1");

	(void)state;
	assert_string_equal(ADDR_TEXT(&a), "2001:db8::1");
	static const char *const bad[] = {"", "2001:db8::1%eth0", "2001:db8", "192.0.2.1", " ::1",
		"::1 ", "2001:db8::1/64", "1:2:3:4:5:6:7:8:9"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(addr_parse(bad[i], &a), -EINVAL);
}

static void classes(void **state)
{
	static const struct {
		const char *text;
		bool routable;
	} cases[] = {
		{"::", false},
		{"::1", false},
		{"::192.0.2.1", false},
		{"::ffff:192.0.2.1", false},
		{"fe80::1", false},
		{"febf::1", false},
		{"ff02::1", false},
		{"ff0e::1", false},
		{"2001:db8::1", true},
		{"fd00::1", true},
		{"fec0::1", true},
		{"0:0:0:1::1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct in6_addr a = addr(cases[i].text);

		if (addr_is_unicast_routable(&a) != cases[i].routable)
			fail_msg("%s: routable should be %d", cases[i].text, cases[i].routable);
	}
	struct in6_addr low = addr("fe7f::1"), high = addr("fec0::"), link = addr("fe80::1");
	assert_false(addr_is_link_local(&low));
	assert_false(addr_is_link_local(&high));
	assert_true(addr_is_link_local(&link));
}

static void derived_addresses(void **state)
{
	struct in6_addr a = addr("2001:db8::12:3456:789a");
	struct in6_addr m = addr_solicited_node(&a);

	(void)state;
	assert_string_equal(ADDR_TEXT(&m), "ff02::1:ff56:789a");
	struct mac mac = addr_multicast_mac(&m);
	assert_string_equal(MAC_TEXT(&mac), "33:33:ff:56:78:9a");
	a = addr("2001:db8::ffff:1:2:3:4");
	a = addr_link_local_of(&a);
	assert_string_equal(ADDR_TEXT(&a), "fe80::1:2:3:4");
	a = addr_link_local_of_mac(&mac);
	assert_string_equal(ADDR_TEXT(&a), "fe80::3133:ffff:fe56:789a");
}

static void prefix_text(void **state)
{
	struct prefix6 p = prefix("2001:db8:1::/48");

	(void)state;
	assert_string_equal(PREFIX6_TEXT(&p), "2001:db8:1::/48");
	p = prefix("::/0");
	assert_string_equal(PREFIX6_TEXT(&p), "::/0");
	assert_int_equal(prefix6_parse("2001:db8::1/64", &p), -EDOM);
	assert_string_equal(PREFIX6_TEXT(&p), "2001:db8::/64");
	p = prefix("2001:db8::1/128");
	assert_int_equal(p.len, 128);
	static const char *const bad[] = {"", "/", "::", "::/", "::/129", "::/-1", "::/ 1", "::/1a",
		"::/0064", "/64", "192.0.2.0/24", "2001:db8::/64/64",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb/64"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(prefix6_parse(bad[i], &p), -EINVAL);
}

/* Every length: the addresses that differ in the last bit inside and the first bit outside. */
static void prefix_contains_all_lengths(void **state)
{
	const struct in6_addr a = addr("2001:db8:aaaa:5555:f0f0:0f0f:1234:8765");

	(void)state;
	for (unsigned len = 0; len <= 128; len++) {
		struct prefix6 p = prefix6_of(&a, (uint8_t)len);
		struct in6_addr other = a;

		assert_true(prefix6_contains(&p, &a));
		if (len < 128) {
			other.s6_addr[len / 8] ^= 0x80 >> len % 8;
			assert_true(prefix6_contains(&p, &other));
		}
		if (len > 0) {
			other = a;
			other.s6_addr[(len - 1) / 8] ^= 0x80 >> (len - 1) % 8;
			assert_false(prefix6_contains(&p, &other));
		}
	}
}

static void prefix_order_and_cover(void **state)
{
	struct prefix6 wide = prefix("2001:db8::/32"), narrow = prefix("2001:db8::/64");
	struct prefix6 other = prefix("2001:db9::/64");

	(void)state;
	assert_true(prefix6_covers(&wide, &narrow));
	assert_true(prefix6_covers(&wide, &wide));
	assert_false(prefix6_covers(&narrow, &wide));
	assert_false(prefix6_covers(&wide, &other));
	assert_true(prefix6_compare(&wide, &narrow) < 0);
	assert_true(prefix6_compare(&other, &narrow) > 0);
	assert_int_equal(prefix6_compare(&other, &other), 0);
}

static void mac_text(void **state)
{
	struct mac m, n;

	(void)state;
	assert_int_equal(mac_parse("02:00:5E:aa:0b:ff", &m), 0);
	assert_string_equal(MAC_TEXT(&m), "02:00:5e:aa:0b:ff");
	assert_int_equal(mac_parse("02-00-5e-aa-0b-ff", &n), 0);
	assert_true(mac_equal(&m, &n));
	static const char *const bad[] = {"", "02:00:5e:aa:0b", "02:00:5e:aa:0b:fg",
		"02:00:5e:aa:0b:ff:", "2:0:5e:aa:b:ff", "02 00 5e aa 0b ff"};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(mac_parse(bad[i], &m), -EINVAL);
}

/* Addresses that differ in few bits, as those of a pool do, must spread over a table. */
static void hash_spreads(void **state)
{
	enum { N = 4096 };
	static unsigned low[N], high[N];
	unsigned worst = 0;

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		struct in6_addr a = addr("2001:db8::");

		a.s6_addr[6] = (uint8_t)(i >> 8);
		a.s6_addr[7] = (uint8_t)i;
		uint64_t h = addr_hash(&a);
		assert_true(h == addr_hash(&a));
		low[h % N]++;
		high[h >> 52]++;
	}
	for (unsigned i = 0; i < N; i++) {
		worst = low[i] > worst ? low[i] : worst;
		worst = high[i] > worst ? high[i] : worst;
	}
	/* Random: about 7. That 20 fall together by chance happens less than once in 10^14. */
	assert_in_range(worst, 1, 19);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_both_ways),
		cmocka_unit_test(classes),
		cmocka_unit_test(derived_addresses),
		cmocka_unit_test(prefix_text),
		cmocka_unit_test(prefix_contains_all_lengths),
		cmocka_unit_test(prefix_order_and_cover),
		cmocka_unit_test(mac_text),
		cmocka_unit_test(hash_spreads),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
