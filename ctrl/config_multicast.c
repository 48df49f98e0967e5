/* The part of the configuration that is about multicast: what nodes may listen to, and how
 * listeners are asked. */
#include "ctrl/config.h"
#include "proto/mobility/mcast_state.h"

static const struct config_key rate_keys[] = {
	CONFIG_KEY(PREFIX6, struct ctrl_config_multicast_rate, groups, .required = true,
		.help = "groups, as a prefix"),
	CONFIG_KEY_NAMED("kbit_per_second", INT, struct ctrl_config_multicast_rate, kbit,
		.required = true, .min = 1, .max = 10000000,
		.help = "IP packets of each of these groups, and of each source that listeners "
			"name, "
			"beyond this rate are dropped before they are copied; each worker of a "
			"data plane counts for itself"),
	CONFIG_END};

static const char *const report_names[] = {
	[CTRL_REPORTS_IGNORED] = "ignored", [CTRL_REPORTS_TAKEN] = "taken", NULL};

static const struct config_key querier_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_querier, max_groups, .text = "1024", .max = 65536,
		.help = "groups that are brought to one home link, or to one mobile access "
			"gateway, "
			"because somebody there listens; 0: none, and nobody is asked"),
	CONFIG_KEY(INT, struct ctrl_config_querier, robustness, .text = "2", .min = 2, .max = 7,
		.help = "of so many messages one may be lost (RFC 3810, 9.1)"),
	CONFIG_KEY_NAMED("interval", DURATION, struct ctrl_config_querier, interval_ms,
		.text = "125s", .unit = "s", .min = 1000, .max = 31744000,
		.help = "between general queries, on each link and into each tunnel (RFC 3810, "
			"9.2)"),
	CONFIG_KEY_NAMED("response", DURATION, struct ctrl_config_querier, response_ms,
		.text = "10s", .unit = "s", .min = 100, .max = 8387000,
		.help = "time that listeners have to answer them (RFC 3810, 9.3)"),
	CONFIG_KEY_NAMED("last_listener", DURATION, struct ctrl_config_querier, last_ms,
		.text = "1s", .unit = "s", .min = 100, .max = 60000,
		.help = "time that they have when one has left (RFC 3810, 9.8)"),
	CONFIG_KEY(INT, struct ctrl_config_querier, version, .text = "2", .min = 1, .max = 2,
		.help = "of MLD that is spoken on home links; 1: for links with routers that know "
			"nothing else (RFC 3810, 8.3.1)"),
	CONFIG_END};

const struct config_key ctrl_config_multicast_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_multicast, max_groups, .text = "0",
		.max = MCAST_STATE_RECORDS_MAX,
		.help = "groups that a node may listen to while it is away, further ones are not "
			"accepted; 0: multicast is not served"),
	CONFIG_KEY(PREFIXES, struct ctrl_config_multicast, groups, .max_items = 256,
		.help = "groups that nodes may listen to, as prefixes; such as ff1e::/16, and "
			"ff3e::/32 for those of one source. Of less than global scope are only "
			"those of prefixes that say which, such as ff18::/16: ff00::/8 is all "
			"global ones"),
	CONFIG_KEY(GROUPS, struct ctrl_config_multicast, rates, .max_items = 256, .keys = rate_keys,
		.item_size = sizeof(struct ctrl_config_multicast_rate),
		.help = "how much of groups is copied at most; the first that a group is in holds"),
	CONFIG_KEY(INT, struct ctrl_config_multicast, number, .text = "200", .min = 18, .max = 255,
		.check = ctrl_config_check_option,
		.help = "number of the Multicast State option, which was never given one: 18 "
			"(experimental) or 71 to 255"),
	CONFIG_KEY(GROUP, struct ctrl_config_multicast, querier, .keys = querier_keys,
		.help = "how listeners on links and in tunnels are asked"),
	CONFIG_KEY(ENUM, struct ctrl_config_multicast, reports, .text = "ignored",
		.names = report_names,
		.help = "reports of listeners that nodes send through their tunnels: ignored, as "
			"draft-sarikaya-mext-multicastdmm-04 says; or taken (RFC 6275, 10.4.3) "
			"from nodes that do not tell their groups in Binding Updates, all of "
			"which are then asked by queries"),
	CONFIG_END};

/* RFC 3810, 9.3 and 9.14.2. */
void ctrl_config_check_multicast(
	const struct ctrl_config *config, const char *file, struct config_report *report)
{
	const struct ctrl_config_multicast *multicast = &config->multicast;
	const char *missing = !multicast->max_groups           ? "multicast.max_groups"
			      : !multicast->querier.max_groups ? "multicast.querier.max_groups"
							       : NULL;
	const struct ctrl_config_querier *querier = &multicast->querier;

	if (querier->response_ms >= querier->interval_ms)
		config_report_add(report, file, 0, "multicast.querier.response",
			"%u ms is not less than the interval of queries, %u ms",
			querier->response_ms, querier->interval_ms);
	if (querier->version == 1 && querier->response_ms > UINT16_MAX)
		config_report_add(report, file, 0, "multicast.querier.response",
			"%u ms are more than MLDv1 can say, %u ms", querier->response_ms,
			UINT16_MAX);
	if (multicast->reports != CTRL_REPORTS_IGNORED && missing)
		config_report_add(report, file, 0, "multicast.reports",
			"\"%s\" is given, but %s is 0", report_names[multicast->reports], missing);
}
