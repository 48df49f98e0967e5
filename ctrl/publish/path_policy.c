#include "ctrl/publish/path_policy.h"

#include "ctrl/config_distribution.h"
#include "ctrl/publish/compile.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const path_policy_order_names[] = {
	[PATH_POLICY_ORDER_OFF] = "off",
	[PATH_POLICY_ORDER_KEPT] = "kept",
	[PATH_POLICY_ORDER_UNMEASURED] = "unmeasured",
	[PATH_POLICY_ORDER_UNEVEN] = "uneven",
	[PATH_POLICY_ORDER_NO_KEYS] = "no-keys",
	[PATH_POLICY_ORDER_SPLIT] = "several-data-planes",
	NULL,
};

/* The addresses of a prefix. */
static struct rule_addresses range_of(const struct prefix6 *prefix)
{
	struct rule_addresses range = {prefix->addr, prefix->addr};

	for (unsigned bit = prefix->len; bit < 128; bit++)
		range.last.s6_addr[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	return range;
}

/* "80" or "5000-5010". */
static int read_ports(const char *text, struct rule_range *range)
{
	char *end;
	unsigned long first = strtoul(text, &end, 10), last = first;

	if (*end == '-' && end != text) {
		text = end + 1;
		last = strtoul(text, &end, 10);
	}
	if (end == text || *end || *text == '-' || last < first || last > UINT16_MAX)
		return -EINVAL;
	*range = (struct rule_range){(uint32_t)first, (uint32_t)last};
	return 0;
}

/* A selector whose correspondent is at these fields. */
static int read_selector(const struct ctrl_config_rule *config, enum rule_field address,
	enum rule_field port, struct rule_selector *s)
{
	*s = (struct rule_selector){.version = 6};
	if (config->protocol) {
		s->fields |= 1 << RULE_PROTOCOL;
		s->numbers[RULE_PROTOCOL] = (struct rule_range){config->protocol, config->protocol};
	}
	if (config->has_remote) {
		s->fields |= (uint8_t)(1u << address);
		s->addresses[address] = range_of(&config->remote);
	}
	if (!config->remote_port)
		return 0;
	s->fields |= (uint8_t)(1u << port);
	return read_ports(config->remote_port, &s->numbers[port]);
}

static int read_rule(const struct ctrl_config_rule *config, struct path_policy_rule *rule,
	char *why, size_t why_size)
{
	*rule = (struct path_policy_rule){.label_count = (uint8_t)config->labels.count};
	if (read_selector(config, RULE_SOURCE, RULE_SOURCE_PORT, &rule->down) < 0 ||
		read_selector(config, RULE_DESTINATION, RULE_DESTINATION_PORT, &rule->up) < 0) {
		snprintf(why, why_size, "\"%s\" is no port, such as \"80\" or \"5000-5010\"",
			config->remote_port);
		return -EINVAL;
	}
	for (size_t i = 0; i < config->labels.count; i++)
		rule->labels[i] = (uint8_t)*config_item(&config->labels, int64_t, i);
	return 0;
}

int path_policy_read(struct path_policy *policy, const struct ctrl_config_distribution *config,
	char *why, size_t why_size)
{
	*policy = (struct path_policy){.steering = config->steering,
		.order = {.numbered = config->order.numbers,
			.packets = config->order.numbers ? config->order.buffer : 0}};
	if (policy->order.packets)
		policy->order.ms = (uint16_t)config->order.wait_ms;
	memset(policy->weights, 1, sizeof(policy->weights));
	for (size_t i = 0; i < config->weights.count; i++) {
		const struct ctrl_config_weight *w =
			config_item(&config->weights, struct ctrl_config_weight, i);

		policy->weights[w->label] = w->weight;
	}
	for (size_t i = 0; i < config->rules.count && i < PATH_POLICY_RULES_MAX; i++) {
		int error = read_rule(config_item(&config->rules, struct ctrl_config_rule, i),
			&policy->rules[policy->rule_count++], why, why_size);

		if (error)
			return error;
	}
	return 0;
}

/* The ways that a rule may lead to, in its order. */
static void choose_ways(const struct path_policy_rule *from, const struct path_policy_way *ways,
	size_t count, struct object_rule *rule)
{
	for (size_t l = 0; l < from->label_count; l++)
		for (size_t i = 0; i < count && rule->path_count < RULE_PATHS_MAX; i++)
			if (ways[i].label == from->labels[l])
				rule->paths[rule->path_count++] = ways[i].path;
}

static int add_rules(const struct path_policy *policy, bool up, uint64_t id, uint64_t subscriber,
	const struct path_policy_way *ways, size_t count, struct bundle *bundle)
{
	int error = 0;

	for (size_t i = 0; i < policy->rule_count && !error; i++) {
		const struct path_policy_rule *from = &policy->rules[i];
		struct object object = {.kind = OBJECT_RULE, .op = OBJECT_SET, .id = id + i};

		object.rule = (struct object_rule){.id = object.id,
			.subscriber = subscriber,
			.priority = (uint16_t)i,
			.action = RULE_TO_FIRST,
			.selector = up ? from->up : from->down};
		choose_ways(from, ways, count, &object.rule);
		if (object.rule.path_count)
			error = publish_bundle_add(bundle, &object);
	}
	return error;
}

void path_policy_judge(const struct path_policy *policy, struct path_policy_way *way,
	const struct in6_addr *local, const struct in6_addr *remote)
{
	way->best = policy->is_best && policy->is_best(policy->best_context, local, remote);
	way->order = policy->order_of ? policy->order_of(policy->order_context, local, remote)
				      : PATH_POLICY_ORDER_UNMEASURED;
}

enum path_policy_order path_policy_order(
	const struct path_policy *policy, const struct path_policy_way *ways, size_t count)
{
	enum path_policy_order order = PATH_POLICY_ORDER_KEPT;

	if (!policy->order.numbered || policy->steering != PATH_POLICY_PACKET || count < 2)
		return PATH_POLICY_ORDER_OFF;
	for (size_t i = 0; i < count; i++) {
		if (!ways[i].keyed)
			return PATH_POLICY_ORDER_NO_KEYS;
		if (ways[i].order != PATH_POLICY_ORDER_KEPT)
			order = ways[i].order;
	}
	for (size_t i = 0; i < count && !policy->one_data_plane; i++)
		if (!ways[i].data_plane || ways[i].data_plane != ways[0].data_plane)
			return PATH_POLICY_ORDER_SPLIT;
	return order;
}

/* Packets are numbered only while they are shared out one by one, but those that come are put in
 * order in any case: the other end decides for itself. */
static void set_order(struct object_subscriber *subscriber, const struct path_policy *policy,
	enum path_policy_order order)
{
	if (order == PATH_POLICY_ORDER_OFF)
		return;
	if (order != PATH_POLICY_ORDER_KEPT)
		subscriber->steering = STEERING_FLOW;
	if (order != PATH_POLICY_ORDER_NO_KEYS && order != PATH_POLICY_ORDER_SPLIT)
		subscriber->order = policy->order;
}

/* All by one of the ways, but so that data planes look at each packet: it may be down. */
static void take_one(struct object_subscriber *subscriber, size_t at)
{
	subscriber->steering = STEERING_FLOW;
	memset(subscriber->weights, 0, sizeof(subscriber->weights));
	subscriber->weights[at] = 1;
}

static size_t best_of(const struct path_policy_way *ways, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ways[i].best)
			return i;
	return 0;
}

int path_policy_compile(const struct path_policy *policy, bool up, uint64_t rules,
	const struct path_policy_way *ways, size_t count, struct object_subscriber *subscriber,
	struct bundle *bundle)
{
	struct object object = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = subscriber->id};
	uint8_t first = subscriber->path_count;
	unsigned sum = 0;
	int error;

	for (size_t i = 0; i < count; i++) {
		uint8_t at = subscriber->path_count++;

		subscriber->paths[at] = ways[i].path;
		subscriber->weights[at] = policy->weights[ways[i].label];
		sum += subscriber->weights[at];
	}
	subscriber->steering =
		policy->steering == PATH_POLICY_PACKET ? STEERING_PACKET : STEERING_FLOW;
	set_order(subscriber, policy, path_policy_order(policy, ways, count));
	if (policy->steering == PATH_POLICY_BEST)
		take_one(subscriber, first + best_of(ways, count));
	else if (sum == 0 || policy->steering == PATH_POLICY_FIRST)
		take_one(subscriber, first);
	if (count < 2) {
		subscriber->steering = STEERING_FIRST;
		memset(subscriber->weights, 0, sizeof(subscriber->weights));
	}
	object.subscriber = *subscriber;
	error = publish_bundle_add(bundle, &object);
	if (error || count < 2)
		return error;
	return add_rules(policy, up, rules, subscriber->id, ways, count, bundle);
}
