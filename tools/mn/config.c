#include "tools/mn/config.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/hex.h"
#include "common/hmac.h"
#include "proto/mobility/option.h"

static const char *const replay_names[] = {"timestamp", "sequence", NULL};

static const char *const multihoming_names[] = {[MN_MULTIHOMING_OFF] = "off",
	[MN_MULTIHOMING_SINGLE] = "single",
	[MN_MULTIHOMING_BULK] = "bulk",
	NULL};

static int check_home_address(const void *at, char *why, size_t why_size)
{
	if (addr_is_unicast_routable(at))
		return 0;
	snprintf(why, why_size, "not a unicast routable address");
	return -EINVAL;
}

static int check_lifetime(const void *at, char *why, size_t why_size)
{
	const uint32_t *ms = at;

	if (*ms % 4000 == 0)
		return 0;
	snprintf(why, why_size, "lifetimes are told in units of 4 s");
	return -EINVAL;
}

static int check_hex_key(const void *at, char *why, size_t why_size)
{
	uint8_t key[MN_KEY_LEN];
	const int error = hex_octets(*(char *const *)at, key, sizeof(key));

	hmac_wipe(key, sizeof(key));
	if (!error)
		return 0;
	snprintf(why, why_size, "expected %d hexadecimal digits", 2 * MN_KEY_LEN);
	return -EINVAL;
}

static int check_option_number(const void *at, char *why, size_t why_size)
{
	const struct option_numbers numbers = {.ha_tunnel = *(const uint8_t *)at};

	if (option_numbers_valid(&numbers))
		return 0;
	snprintf(why, why_size, "%u belongs to another option, allowed are 0, 18 and 71 to 255",
		numbers.ha_tunnel);
	return -EINVAL;
}

static const struct config_key flow_keys[] = {
	CONFIG_KEY(INT, struct mn_flow, id, .required = true, .min = 1, .max = UINT16_MAX,
		.help = "Number of the flow (FID)."),
	CONFIG_KEY(STRINGS, struct mn_flow, interfaces, .required = true, .min = 1,
		.max = IFNAMSIZ - 1, .max_items = 8,
		.help = "It comes by the first of these that is attached; by the preferred "
			"interface when none is."),
	CONFIG_KEY(INT, struct mn_flow, protocol, .max = 255, .text = "0",
		.help = "Protocol number, 6 for TCP, 17 for UDP; 0: any."),
	CONFIG_KEY(INT, struct mn_flow, remote_port, .max = UINT16_MAX, .text = "0",
		.help = "Port of the other end; 0: any."),
	CONFIG_KEY(INT, struct mn_flow, local_port, .max = UINT16_MAX, .text = "0",
		.help = "Port of this node; 0: any."),
	CONFIG_END};

const struct config_key mn_config_keys[] = {
	CONFIG_KEY(STRINGS, struct mn_config, interfaces, .required = true, .min = 1,
		.max = IFNAMSIZ - 1, .max_items = 8,
		.help = "Interfaces to use, the preferred one first."),
	CONFIG_KEY(STRING, struct mn_config, mn_id, .required = true, .min = 1, .max = 253,
		.help = "Network access identifier of this node (RFC 4283)."),
	CONFIG_KEY(ADDR6, struct mn_config, home_address, .required = true,
		.check = check_home_address, .help = "The address that is kept everywhere."),
	CONFIG_KEY(PREFIX6, struct mn_config, home_prefix, .required = true,
		.help = "Prefix of the home link: where it is advertised, the node is at home."),
	CONFIG_KEY(ADDR6, struct mn_config, home_agent, .required = true,
		.check = check_home_address, .help = "Address of the home agent."),
	CONFIG_KEY(INT, struct mn_config, spi, .required = true, .min = 256, .max = UINT32_MAX,
		.help = "Mobility SPI of the shared key (RFC 4285; 0 to 255 are reserved)."),
	CONFIG_KEY_NAMED("key", STRING, struct mn_config, key_text, .required = true,
		.secret = true, .check = check_hex_key,
		.help = "Shared key: 16 octets as hexadecimal digits."),
	CONFIG_KEY(ENUM, struct mn_config, replay, .names = replay_names, .text = "timestamp",
		.help = "Replay protection that the home agent expects."),
	CONFIG_KEY(INT, struct mn_config, tunnel_address_number, .max = 255, .text = "18",
		.check = check_option_number,
		.help = "Number of the alternate home agent tunnel address option, which was never "
			"given one: 18 (experimental) or 71 to 255; 0: not used."),
	CONFIG_KEY(INT, struct mn_config, multicast_state_number, .max = 255, .text = "200",
		.check = check_option_number,
		.help = "Number of the Multicast State option, which was never given one: 18 "
			"(experimental) or 71 to 255; 0: multicast groups are not registered."),
	CONFIG_KEY(ENUM, struct mn_config, multihoming, .names = multihoming_names, .text = "off",
		.help = "Register the care-of addresses of all interfaces at once (RFC 5648), in "
			"one Binding Update or each in its own. The first interface is preferred, "
			"and the place in the list is the binding identifier."),
	CONFIG_KEY(BOOL, struct mn_config, home_binding, .text = "false",
		.help = "With multihoming = \"bulk\": while one interface is on the home link, go "
			"on "
			"using those on other links, and register the home link beside them (RFC "
			"5648, 5.6). Without, a home link in front of the others is used alone."),
	CONFIG_KEY(GROUPS, struct mn_config, flows, .keys = flow_keys, .max_items = MN_FLOWS_MAX,
		.item_size = sizeof(struct mn_flow),
		.help = "With multihoming: which packets are to come by which interface (RFC "
			"6089). The first that matches counts."),
	CONFIG_KEY_NAMED("lifetime", DURATION, struct mn_config, lifetime_ms, .min = 8000,
		.max = 262140000, .text = "420s", .unit = "s", .check = check_lifetime,
		.help = "Lifetime of the binding to ask for."),
	CONFIG_KEY(STRING, struct mn_config, tunnel, .min = 1, .max = IFNAMSIZ - 1, .text = "dmm0",
		.help = "Name of the tunnel interface."),
	CONFIG_KEY(BOOL, struct mn_config, default_route, .text = "true",
		.help = "While away, send all traffic through the tunnel, from the home address."),
	CONFIG_KEY(INT, struct mn_config, route_table, .min = 1, .max = 252, .text = "135",
		.help = "Routing table for packets from the home address."),
	CONFIG_KEY(INT, struct mn_config, rule_priority, .min = 1, .max = 32765, .text = "1350",
		.help = "Priority of the rule that points to that table."),
	CONFIG_KEY(BOOL, struct mn_config, optimistic_dad, .text = "true",
		.help = "Use new care-of addresses at once (RFC 4429) instead of a second later."),
	CONFIG_KEY(BOOL, struct mn_config, deregister_on_exit, .text = "true",
		.help = "Give the binding back when stopped while away."),
	CONFIG_KEY(STRING, struct mn_config, status_socket, .min = 1, .max = 107,
		.text = "/run/dmm/mn.sock", .help = "Socket that dmm-mn --status asks."),
	CONFIG_KEY(STRING, struct mn_config, state_file, .min = 1, .max = 4095,
		.text = "/run/dmm/mn.state",
		.help = "What to undo and what is registered, for a start after a crash."),
	CONFIG_KEY(ENUM, struct mn_config, log_level, .names = log_level_names, .text = "info",
		.help = "Least important lines that are logged."),
	CONFIG_END};

static void read_key(struct mn_config *config)
{
	hex_octets(config->key_text, config->key, sizeof(config->key));
	hmac_wipe(config->key_text, strlen(config->key_text));
}

int mn_config_interface(const struct mn_config *config, const char *name)
{
	for (size_t n = 0; n < config->interfaces.count; n++)
		if (strcmp(*config_item(&config->interfaces, char *, n), name) == 0)
			return (int)n;
	return -ENOENT;
}

static bool check_flow(
	const struct mn_config *config, size_t at, const char *path, struct config_report *report)
{
	const struct mn_flow *flow = config_item(&config->flows, struct mn_flow, at);
	size_t before = report->count;

	for (size_t n = 0; n < at; n++)
		if (config_item(&config->flows, struct mn_flow, n)->id == flow->id)
			config_report_add(
				report, path, 0, "flows", "id %u is given twice", flow->id);
	for (size_t n = 0; n < flow->interfaces.count; n++) {
		const char *name = *config_item(&flow->interfaces, char *, n);

		if (mn_config_interface(config, name) < 0)
			config_report_add(report, path, 0, "flows",
				"flow %u: %s is not one of interfaces", flow->id, name);
	}
	if (!flow->protocol && (flow->remote_port || flow->local_port))
		config_report_add(
			report, path, 0, "flows", "flow %u: a port needs a protocol", flow->id);
	return report->count == before;
}

static bool check_flows(
	const struct mn_config *config, const char *path, struct config_report *report)
{
	bool good = true;

	for (size_t n = 0; n < config->flows.count; n++)
		good &= check_flow(config, n, path, report);
	return good;
}

int mn_config_load(const char *path, struct mn_config *config, struct config_report *report)
{
	int ret = config_load(path, mn_config_keys, config, report);

	if (ret)
		return ret;
	read_key(config);
	if (!prefix6_contains(&config->home_prefix, &config->home_address)) {
		config_report_add(report, path, 0, "home_address", "%s is not in home_prefix %s",
			ADDR_TEXT(&config->home_address), PREFIX6_TEXT(&config->home_prefix));
		ret = -EINVAL;
	}
	if (config->multicast_state_number &&
		config->multicast_state_number == config->tunnel_address_number) {
		config_report_add(report, path, 0, "multicast_state_number",
			"%u is tunnel_address_number; each option needs a number of its own",
			config->multicast_state_number);
		ret = -EINVAL;
	}
	for (size_t n = 0; n < config->interfaces.count; n++)
		if (strcmp(*config_item(&config->interfaces, char *, n), config->tunnel) == 0) {
			config_report_add(report, path, 0, "tunnel",
				"%s is one of interfaces; name one that does not exist",
				config->tunnel);
			ret = -EINVAL;
		}
	if (!check_flows(config, path, report))
		ret = -EINVAL;
	/* any Binding Update without H ends the home binding (RFC 5648, 5.6.5) */
	if (config->home_binding && config->multihoming != MN_MULTIHOMING_BULK) {
		config_report_add(report, path, 0, "home_binding",
			"needs multihoming = \"bulk\", as each Binding Update has to name the home "
			"link");
		ret = -EINVAL;
	}
	return ret;
}

void mn_config_free(struct mn_config *config)
{
	hmac_wipe(config->key, sizeof(config->key));
	if (config->key_text)
		hmac_wipe(config->key_text, strlen(config->key_text));
	config_free(mn_config_keys, config);
}
