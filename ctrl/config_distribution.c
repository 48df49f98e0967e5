#include "ctrl/config_distribution.h"

#include "ctrl/binding/session.h"
#include "ctrl/config_supervision.h"
#include "ctrl/publish/publish.h"

#include <stdio.h>

enum {
	WAYS_MAX = 4,
	WAYS_OCTETS = 320, /* of a bundle, for the paths */
};

static const char *const steering_texts[] = {
	[PATH_POLICY_FIRST] = "first",
	[PATH_POLICY_FLOW] = "flow",
	[PATH_POLICY_PACKET] = "packet",
	[PATH_POLICY_BEST] = "best",
	NULL,
};

static const struct config_key weight_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_weight, label, .required = true, .max = UINT8_MAX,
		.help = "label of the way"),
	CONFIG_KEY(INT, struct ctrl_config_weight, weight, .required = true, .max = UINT8_MAX,
		.help = "its share; 0: only rules lead there"),
	CONFIG_END};

static const struct config_key rule_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_rule, protocol, .max = UINT8_MAX,
		.help = "last next header of the packets: 6 is TCP, 17 UDP; 0: any"),
	CONFIG_KEY(STRING, struct ctrl_config_rule, remote_port, .min = 1, .max = 11,
		.help = "port of the correspondent, such as \"80\" or \"5000-5010\"; without it, "
			"any"),
	CONFIG_KEY(PREFIX6, struct ctrl_config_rule, remote,
		.present = CONFIG_PRESENT(struct ctrl_config_rule, has_remote),
		.help = "prefix of the correspondent's address; without it, any"),
	CONFIG_KEY(INTS, struct ctrl_config_rule, labels, .required = true, .max = UINT8_MAX,
		.max_items = PATH_POLICY_LABELS_MAX,
		.help = "labels of the ways that the packets take, the first that there is"),
	CONFIG_END};

static const struct config_key best_keys[] = {
	CONFIG_KEY_NAMED("delay_margin", DURATION, struct ctrl_config_best, delay_margin_ms,
		.text = "10ms", .max = 60000,
		.help = "another way is better if there and back takes so much less time"),
	CONFIG_KEY(INT, struct ctrl_config_best, loss_margin, .text = "4", .min = 1, .max = 100,
		.help = "or if so many percent of the probes fewer are lost, whatever the delay"),
	CONFIG_KEY_NAMED("hold", DURATION, struct ctrl_config_best, hold_ms, .text = "5s",
		.unit = "s", .max = 3600000, .help = "and is all the time, for so long"),
	CONFIG_END};

static const struct config_key order_keys[] = {
	CONFIG_KEY(BOOL, struct ctrl_config_order, numbers, .text = "false",
		.help = "with \"packet\" by ways in GRE with keys: packets that are sent have "
			"sequence numbers (RFC 2890), and those that come are put back into their "
			"order; nothing of that is negotiated (RFC 5845), so it is to be set at "
			"both ends; where it cannot be, each flow takes one way"),
	CONFIG_KEY(INT, struct ctrl_config_order, buffer, .text = "64",
		.max = OBJECT_ORDER_PACKETS_MAX,
		.help = "packets of a node that wait for earlier ones, at most; 0: none wait, and "
			"what is out of order is only counted"),
	CONFIG_KEY_NAMED("wait", DURATION, struct ctrl_config_order, wait_ms, .text = "50ms",
		.min = 1, .max = OBJECT_ORDER_MS_MAX, .help = "so long, at most"),
	CONFIG_KEY_NAMED("delay_difference", DURATION, struct ctrl_config_order,
		delay_difference_ms, .text = "40ms", .min = 1, .max = OBJECT_ORDER_MS_MAX,
		.help = "if there and back the ways to a peer differ by more, order is refused: "
			"each flow takes one way until they differ by a quarter less"),
	CONFIG_KEY_NAMED("hold", DURATION, struct ctrl_config_order, hold_ms, .text = "5s",
		.unit = "s", .max = 3600000,
		.help = "refused, or accepted again, when it is so all the time, for so long"),
	CONFIG_END};

const struct config_key ctrl_config_distribution_keys[] = {
	CONFIG_KEY(ENUM, struct ctrl_config_distribution, steering, .text = "flow",
		.names = steering_texts,
		.help = "what no rule matches: all by the \"first\" way, each \"flow\" by one, "
			"\"packet\" by packet, or all by the \"best\" way, the one with less loss "
			"and delay"),
	CONFIG_KEY(GROUP, struct ctrl_config_distribution, best, .keys = best_keys,
		.help = "when another way is the best"),
	CONFIG_KEY(GROUP, struct ctrl_config_distribution, order, .keys = order_keys,
		.help = "whether packets stay in order that take several ways one by one"),
	CONFIG_KEY(GROUPS, struct ctrl_config_distribution, weights, .max_items = 256,
		.keys = weight_keys, .item_size = sizeof(struct ctrl_config_weight),
		.help = "shares of flows or packets by label; 1 for others"),
	CONFIG_KEY(GROUPS, struct ctrl_config_distribution, rules,
		.max_items = PATH_POLICY_RULES_MAX, .keys = rule_keys,
		.item_size = sizeof(struct ctrl_config_rule),
		.help = "packets that take certain ways; the first that matches counts"),
	CONFIG_END};

/* Whether the rules fit into what one subscriber is told with, however many ways it has. */
static bool fits(const struct path_policy *policy)
{
	struct path_policy_way ways[WAYS_MAX];
	struct object_subscriber s = {
		.id = 1, .prefix_count = SESSION_PREFIXES_MAX + SESSION_DELEGATED_MAX};
	struct path_policy tried = *policy;
	struct bundle bundle = {.len = WAYS_OCTETS};

	for (size_t i = 0; i < WAYS_MAX; i++)
		ways[i] = (struct path_policy_way){.path = i + 1};
	for (size_t i = 0; i < tried.rule_count; i++)
		tried.rules[i].labels[0] = 0;
	return path_policy_compile(&tried, true, 1, ways, WAYS_MAX, &s, &bundle) == 0;
}

static void check_order(const struct ctrl_config_distribution *distribution,
	const struct ctrl_config_supervision *supervision, bool keys, const char *file,
	const char *key, struct config_report *report)
{
	const struct ctrl_config_order *order = &distribution->order;
	char name[64];

	snprintf(name, sizeof(name), "%s.order", key);
	if (!order->numbers)
		return;
	if (distribution->steering != PATH_POLICY_PACKET)
		config_report_add(report, file, 0, name, "numbers need steering = \"packet\"");
	if (!keys)
		config_report_add(report, file, 0, name,
			"numbers need tunnels in GRE with keys, and gre says that there are none");
	if (!supervision->interval_ms)
		config_report_add(
			report, file, 0, name, "numbers need supervision, whose interval is 0");
	if (order->buffer && order->wait_ms < order->delay_difference_ms)
		config_report_add(report, file, 0, name,
			"wait is less than delay_difference: packets could not wait long enough");
}

void ctrl_config_check_distribution(const struct ctrl_config_distribution *distribution,
	const struct ctrl_config_supervision *supervision, bool keys, const char *file,
	const char *key, struct config_report *report)
{
	struct path_policy policy;
	char why[256], name[64];

	snprintf(name, sizeof(name), "%s.rules", key);
	if (path_policy_read(&policy, distribution, why, sizeof(why)) < 0)
		config_report_add(report, file, 0, name, "%s", why);
	else if (!fits(&policy))
		config_report_add(report, file, 0, name,
			"so many rules with prefixes are more than a subscriber can have");
	snprintf(name, sizeof(name), "%s.steering", key);
	if (distribution->steering == PATH_POLICY_BEST && !supervision->interval_ms)
		config_report_add(
			report, file, 0, name, "\"best\" needs supervision, whose interval is 0");
	check_order(distribution, supervision, keys, file, key, report);
}
