/*
 * From a flow binding to the rule that data planes are told: which packets take which paths.
 */
#include "ctrl/binding/binding.h"
#include "ctrl/binding/flow.h"
#include "ctrl/publish/publish.h"
#include "proto/mobility/traffic_selector.h"

#include <errno.h>
#include <string.h>

/* The field of a rule that each field of a selector is. */
static const uint8_t rule_fields[TRAFFIC_FIELD_COUNT] = {
	[TRAFFIC_SOURCE] = RULE_SOURCE,
	[TRAFFIC_DESTINATION] = RULE_DESTINATION,
	[TRAFFIC_SPI] = RULE_SPI,
	[TRAFFIC_FLOW_LABEL] = RULE_FLOW_LABEL,
	[TRAFFIC_SOURCE_PORT] = RULE_SOURCE_PORT,
	[TRAFFIC_DESTINATION_PORT] = RULE_DESTINATION_PORT,
	[TRAFFIC_CLASS] = RULE_CLASS,
	[TRAFFIC_PROTOCOL] = RULE_PROTOCOL,
};

static struct in6_addr address_of(uint8_t format, const union traffic_value *value)
{
	struct in6_addr mapped = {.s6_addr = {[10] = 0xff, 0xff}};

	if (format == TRAFFIC_FORMAT_IP6)
		return value->ip6;
	memcpy(mapped.s6_addr + 12, &value->ip4, sizeof(value->ip4));
	return mapped;
}

/* One field of the selector that is compared. */
static void compile_field(
	const struct traffic_selector *selector, enum traffic_field from, struct rule_selector *out)
{
	const struct traffic_range *range = &selector->ranges[from];
	const union traffic_value *last = range->has_end ? &range->end : &range->start;
	unsigned field = rule_fields[from];
	uint32_t mask;

	out->fields |= (uint8_t)(1u << field);
	if (field < RULE_ADDRESS_FIELDS) {
		out->addresses[field] =
			(struct rule_addresses){address_of(selector->format, &range->start),
				address_of(selector->format, last)};
		return;
	}
	mask = rule_field_max((enum rule_field)field);
	out->numbers[field] = (struct rule_range){range->start.number & mask, last->number & mask};
}

int publish_compile_selector(
	uint8_t format, const uint8_t *octets, size_t len, struct rule_selector *out)
{
	struct traffic_selector selector;

	*out = (struct rule_selector){.version = format == TRAFFIC_FORMAT_IP4 ? 4 : 6};
	if (traffic_selector_decode(format, octets, len, &selector, NULL))
		return -EINVAL;
	for (unsigned i = 0; i < TRAFFIC_FIELD_COUNT; i++)
		if (selector.ranges[i].has_start)
			compile_field(&selector, (enum traffic_field)i, out);
	return rule_selector_ok(out) ? 0 : -EINVAL;
}

/* The paths of the bindings that it names and that are live. */
static void compile_paths(const struct flow_binding *flow, const struct binding_list *bindings,
	struct object_rule *rule)
{
	for (unsigned i = 0; i < flow->bid_count; i++)
		for (unsigned k = 0; k < bindings->count; k++) {
			const struct binding_record *record = &bindings->records[k];

			if (record->bid == flow->bids[i] && record->life == BINDING_LIVE)
				rule->paths[rule->path_count++] = record->path_id;
		}
}

int publish_compile_rule(const struct flow_binding *flow, const struct binding_list *bindings,
	struct object_rule *rule)
{
	uint64_t subscriber = bindings->records[0].subscriber_id;

	*rule = (struct object_rule){.id = publish_rule_id(subscriber, flow->fid),
		.subscriber = subscriber,
		.priority = flow->priority,
		.action = RULE_TO_PATHS};
	compile_paths(flow, bindings, rule);
	return publish_compile_selector(
		flow->format, flow->selector, flow->selector_len, &rule->selector);
}

int publish_compile_flow(
	const struct flow_binding *flow, const struct binding_list *bindings, struct bundle *bundle)
{
	struct object object = {.kind = OBJECT_RULE, .op = OBJECT_SET};
	struct writer w;
	int error = publish_compile_rule(flow, bindings, &object.rule);

	bundle->len = 0;
	if (error || object.rule.path_count == 0)
		return error;
	object.id = object.rule.id;
	writer_init(&w, bundle->octets, sizeof(bundle->octets));
	error = object_encode(&w, &object);
	if (!error)
		bundle->len = (uint16_t)writer_len(&w);
	return error;
}
