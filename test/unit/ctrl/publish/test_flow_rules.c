/* From flow bindings to the rules of data planes: every field of both formats (RFC 6088). */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ctrl/binding/binding.h"
#include "ctrl/binding/flow.h"
#include "ctrl/publish/publish.h"
#include "ctrl/publish/state.h"
#include "proto/mobility/traffic_selector.h"

static const uint8_t formats[] = {TRAFFIC_FORMAT_IP4, TRAFFIC_FORMAT_IP6};

/* Each field, from the first to the last of a range: numbers, or addresses of IPv4 and IPv6. */
static const struct {
	enum rule_field rule;
	uint32_t first, last;
	const char *from[2], *to[2];
} fields[TRAFFIC_FIELD_COUNT] = {
	[TRAFFIC_SOURCE] = {RULE_SOURCE, 0, 0, {"192.0.2.1", "2001:db8:c::1"},
		{"192.0.2.99", "2001:db8:c::ffff"}},
	[TRAFFIC_DESTINATION] = {RULE_DESTINATION, 0, 0, {"198.51.100.1", "2001:db8:1::1"},
		{"198.51.100.2", "2001:db8:1::2"}},
	[TRAFFIC_SPI] = {RULE_SPI, 0x80000001, 0xfffffffe, {NULL}, {NULL}},
	[TRAFFIC_FLOW_LABEL] = {RULE_FLOW_LABEL, 0x12345, 0xfffff, {NULL}, {NULL}},
	[TRAFFIC_SOURCE_PORT] = {RULE_SOURCE_PORT, 1, 65535, {NULL}, {NULL}},
	[TRAFFIC_DESTINATION_PORT] = {RULE_DESTINATION_PORT, 5000, 5001, {NULL}, {NULL}},
	[TRAFFIC_CLASS] = {RULE_CLASS, 0x28, 0xb8, {NULL}, {NULL}},
	[TRAFFIC_PROTOCOL] = {RULE_PROTOCOL, 6, 17, {NULL}, {NULL}},
};

static union traffic_value value_of(uint8_t format, const char *text)
{
	union traffic_value value = {0};

	if (format == TRAFFIC_FORMAT_IP4)
		assert_int_equal(inet_pton(AF_INET, text, &value.ip4), 1);
	else
		assert_int_equal(inet_pton(AF_INET6, text, &value.ip6), 1);
	return value;
}

/* IPv4 addresses are mapped. */
static struct in6_addr address_of(uint8_t format, const char *text)
{
	char mapped[64];
	struct in6_addr a;

	snprintf(mapped, sizeof(mapped), "%s%s", format == TRAFFIC_FORMAT_IP4 ? "::ffff:" : "",
		text);
	assert_int_equal(inet_pton(AF_INET6, mapped, &a), 1);
	return a;
}

/* Puts a field into a selector, to its last value or with its first one alone. */
static void put(struct traffic_selector *s, unsigned field, bool range)
{
	struct traffic_range *r = &s->ranges[field];
	const unsigned six = s->format == TRAFFIC_FORMAT_IP6;

	r->has_start = true;
	r->has_end = range;
	if (fields[field].from[0]) {
		r->start = value_of(s->format, fields[field].from[six]);
		r->end = value_of(s->format, fields[field].to[six]);
	} else {
		r->start.number = fields[field].first;
		r->end.number = fields[field].last;
	}
}

static struct rule_selector compiled(const struct traffic_selector *s)
{
	uint8_t octets[FLOW_SELECTOR_MAX];
	ssize_t len = traffic_selector_encode(s, octets, sizeof(octets));
	struct rule_selector out;

	assert_true(len > 0);
	assert_int_equal(publish_compile_selector(s->format, octets, (size_t)len, &out), 0);
	return out;
}

static void assert_field(
	const struct rule_selector *out, uint8_t format, unsigned field, bool range)
{
	const unsigned six = format == TRAFFIC_FORMAT_IP6;

	if (fields[field].from[0]) {
		const struct rule_addresses *is = &out->addresses[fields[field].rule];
		struct in6_addr first = address_of(format, fields[field].from[six]);
		struct in6_addr last = address_of(format, fields[field].to[six]);

		assert_true(out->fields >> fields[field].rule & 1);
		assert_memory_equal(&is->first, &first, 16);
		assert_memory_equal(&is->last, range ? &last : &first, 16);
		return;
	}
	assert_true(out->fields >> fields[field].rule & 1);
	assert_int_equal(out->numbers[fields[field].rule].first, fields[field].first);
	assert_int_equal(out->numbers[fields[field].rule].last,
		range ? fields[field].last : fields[field].first);
}

/* Each field alone, one value and a range, and all of them together. */
static void every_field_of_both_formats(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 2; f++) {
		struct traffic_selector all = {.format = formats[f]};
		unsigned known = 0;

		for (unsigned field = 0; field < TRAFFIC_FIELD_COUNT; field++) {
			if (!traffic_def_find(formats[f], (enum traffic_field)field))
				continue;
			known++;
			for (unsigned range = 0; range < 2; range++) {
				struct traffic_selector one = {.format = formats[f]};
				struct rule_selector out;

				put(&one, field, range);
				out = compiled(&one);
				assert_int_equal(out.version, f ? 6 : 4);
				assert_int_equal(__builtin_popcount(out.fields), 1);
				assert_field(&out, formats[f], field, range);
			}
			put(&all, field, true);
		}
		assert_int_equal(known, f ? TRAFFIC_FIELD_COUNT : TRAFFIC_FIELD_COUNT - 1);

		const struct rule_selector out = compiled(&all);

		assert_int_equal(__builtin_popcount(out.fields), known);
		for (unsigned field = 0; field < TRAFFIC_FIELD_COUNT; field++)
			if (traffic_def_find(formats[f], (enum traffic_field)field))
				assert_field(&out, formats[f], field, true);
	}
}

/* What a range does not count, and one that ends before it begins. */
static void what_makes_no_rule(void **state)
{
	struct traffic_selector s = {.format = TRAFFIC_FORMAT_IP6};
	uint8_t octets[FLOW_SELECTOR_MAX];
	struct rule_selector out;
	ssize_t len;

	(void)state;
	put(&s, TRAFFIC_SOURCE_PORT, true);
	s.ranges[TRAFFIC_SOURCE_PORT].start.number = 9;
	s.ranges[TRAFFIC_SOURCE_PORT].end.number = 8;
	len = traffic_selector_encode(&s, octets, sizeof(octets));
	assert_true(len > 0);
	assert_int_equal(publish_compile_selector(s.format, octets, (size_t)len, &out), -EINVAL);
	assert_int_equal(
		publish_compile_selector(s.format, octets, (size_t)len - 1, &out), -EINVAL);
	assert_int_equal(publish_compile_selector(3, octets, (size_t)len, &out), -EINVAL);
}

static int take_rule(void *arg, const struct object *object)
{
	*(struct object *)arg = *object;
	return 0;
}

/* One path for each binding that is there, in the order of the flow; none: no rule (RFC 6089, 4.3).
 */
static void paths_of_bindings_that_are_there(void **state)
{
	struct traffic_selector s = {.format = TRAFFIC_FORMAT_IP6};
	struct binding_record records[] = {
		{.bid = 1, .path_id = 11, .subscriber_id = 7, .life = BINDING_LIVE},
		{.bid = 2, .path_id = 12, .subscriber_id = 7, .life = BINDING_LIVE}};
	const struct binding_list list = {.records = records, .count = 2};
	struct flow_binding flow = {
		.fid = 5, .priority = 9, .bids = {2, 3, 1}, .bid_count = 3, .format = s.format};
	struct object found = {0};
	struct bundle bundle;

	(void)state;
	put(&s, TRAFFIC_PROTOCOL, false);
	flow.selector_len =
		(uint8_t)traffic_selector_encode(&s, flow.selector, sizeof(flow.selector));
	assert_int_equal(publish_compile_flow(&flow, &list, &bundle), 0);
	assert_int_equal(state_each_encoded(bundle.octets, bundle.len, take_rule, &found), 0);
	assert_int_equal(found.kind, OBJECT_RULE);
	assert_int_equal(found.rule.subscriber, 7);
	assert_int_equal(found.rule.priority, 9);
	assert_int_equal(found.rule.action, RULE_TO_PATHS);
	assert_int_equal(found.rule.path_count, 2);
	assert_int_equal(found.rule.paths[0], 12);
	assert_int_equal(found.rule.paths[1], 11);
	flow.bids[0] = 4;
	flow.bid_count = 2;
	assert_int_equal(publish_compile_flow(&flow, &list, &bundle), 0);
	assert_int_equal(bundle.len, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_field_of_both_formats),
		cmocka_unit_test(what_makes_no_rule),
		cmocka_unit_test(paths_of_bindings_that_are_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
