/* Rules: which packets match, at the ends of every range, and what a packet lacks. */
#include <arpa/inet.h>

#include "bytes.h"
#include "proto/channel/rule.h"

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(inet_pton(AF_INET6, text, &a), 1);
	return a;
}

/* A UDP packet. */
static struct rule_packet a_packet(void)
{
	return (struct rule_packet){.version = 6,
		.has = UINT8_MAX & ~(1 << RULE_SPI),
		.addresses = {addr("2001:db8:c::c"), addr("2001:db8:1::10")},
		.numbers = {[RULE_FLOW_LABEL] = 0x12345,
			[RULE_SOURCE_PORT] = 5000,
			[RULE_DESTINATION_PORT] = 6000,
			[RULE_CLASS] = 0xb9,
			[RULE_PROTOCOL] = 17}};
}

static void nothing_compared_matches_all(void **state)
{
	(void)state;
	const struct rule_selector any = {0};
	struct rule_packet p = a_packet();

	assert_true(rule_selector_ok(&any));
	assert_true(rule_matches(&any, &p));
	p.has = 0;
	p.version = 4;
	assert_true(rule_matches(&any, &p));
}

static void each_number(void **state)
{
	(void)state;
	const struct rule_packet p = a_packet();

	for (unsigned f = RULE_ADDRESS_FIELDS; f < RULE_FIELDS; f++) {
		uint32_t value = p.numbers[f] & rule_field_max(f), step = f == RULE_CLASS ? 4 : 1;
		struct rule_selector s = {.fields = (uint8_t)(1u << f)};

		if (!(p.has >> f & 1)) {
			s.numbers[f] = (struct rule_range){0, rule_field_max(f)};
			assert_true(rule_selector_ok(&s));
			assert_false(rule_matches(&s, &p));
			continue;
		}
		s.numbers[f] = (struct rule_range){value, value};
		assert_true(rule_selector_ok(&s));
		assert_true(rule_matches(&s, &p));
		s.numbers[f] = (struct rule_range){value - step, value};
		assert_true(rule_matches(&s, &p));
		s.numbers[f] = (struct rule_range){value, value + step};
		assert_true(rule_matches(&s, &p));
		s.numbers[f] = (struct rule_range){value + step, rule_field_max(f)};
		assert_false(rule_matches(&s, &p));
		s.numbers[f] = (struct rule_range){0, value - step};
		assert_false(rule_matches(&s, &p));
		s.numbers[f].last = rule_field_max(f) + (f != RULE_SPI);
		assert_int_equal(rule_selector_ok(&s), f == RULE_SPI);
	}
}

static void each_address(void **state)
{
	(void)state;
	const struct rule_packet p = a_packet();

	for (unsigned f = 0; f < RULE_ADDRESS_FIELDS; f++) {
		struct rule_selector s = {.fields = (uint8_t)(1u << f)};
		struct in6_addr below = p.addresses[f], above = p.addresses[f];

		below.s6_addr[15]--;
		above.s6_addr[15]++;
		s.addresses[f] = (struct rule_addresses){p.addresses[f], p.addresses[f]};
		assert_true(rule_matches(&s, &p));
		s.addresses[f] = (struct rule_addresses){below, above};
		assert_true(rule_matches(&s, &p));
		s.addresses[f] = (struct rule_addresses){above, addr("ffff::")};
		assert_false(rule_matches(&s, &p));
		s.addresses[f] = (struct rule_addresses){addr("::"), below};
		assert_false(rule_matches(&s, &p));
		s.addresses[f] = (struct rule_addresses){above, below};
		assert_false(rule_selector_ok(&s));
	}
}

/* Traffic class: its two low bits are not compared (RFC 6088, 3.1). */
static void class_without_ecn(void **state)
{
	(void)state;
	struct rule_packet p = a_packet();
	struct rule_selector s = {.fields = 1 << RULE_CLASS, .numbers[RULE_CLASS] = {0xb8, 0xb8}};

	for (unsigned ecn = 0; ecn < 4; ecn++) {
		p.numbers[RULE_CLASS] = 0xb8 | ecn;
		assert_true(rule_matches(&s, &p));
	}
	s.numbers[RULE_CLASS].last = 0xb9;
	assert_false(rule_selector_ok(&s));
}

static void versions(void **state)
{
	(void)state;
	struct rule_packet p = a_packet();
	struct rule_selector s = {.version = 6};

	assert_true(rule_matches(&s, &p));
	s.version = 4;
	assert_false(rule_matches(&s, &p));
	p.version = 4;
	assert_true(rule_matches(&s, &p));
	s.fields = 1 << RULE_SOURCE;
	s.addresses[RULE_SOURCE] =
		(struct rule_addresses){addr("::ffff:192.0.2.1"), addr("::ffff:192.0.2.9")};
	assert_true(rule_selector_ok(&s));
	p.addresses[RULE_SOURCE] = addr("::ffff:192.0.2.5");
	assert_true(rule_matches(&s, &p));
	s.addresses[RULE_SOURCE].first = addr("::192.0.2.1");
	assert_false(rule_selector_ok(&s));
}

static void order_and_names(void **state)
{
	(void)state;
	const struct object_rule first = {.id = 5, .priority = 1},
				 second = {.id = 1, .priority = 2},
				 third = {.id = 2, .priority = 2};

	assert_true(rule_before(&first, &second));
	assert_false(rule_before(&second, &first));
	assert_true(rule_before(&second, &third));
	assert_false(rule_before(&second, &second));
	assert_string_equal(rule_field_name(RULE_FLOW_LABEL), "flow-label");
	assert_string_equal(rule_field_name(RULE_FIELDS), "unknown");
	assert_string_equal(rule_action_name(RULE_DROP), "drop");
	assert_string_equal(rule_action_name(0), "unknown");
	assert_string_equal(rule_action_name(RULE_TO_FIRST), "first");
	assert_string_equal(rule_action_name(4), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_compared_matches_all),
		cmocka_unit_test(each_number),
		cmocka_unit_test(each_address),
		cmocka_unit_test(class_without_ecn),
		cmocka_unit_test(versions),
		cmocka_unit_test(order_and_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
