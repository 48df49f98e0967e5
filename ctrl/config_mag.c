#include "ctrl/config_mag.h"

#include "ctrl/binding/session.h"
#include "ctrl/config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const gre_texts[] = {
	[MAG_GRE_NEVER] = "never",
	[MAG_GRE_REQUIRED] = "required",
	[MAG_GRE_ENCAPSULATION] = "encapsulation",
	[MAG_GRE_KEYS] = "keys",
	NULL,
};

static const struct config_key anchor_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_anchor, name, .required = true, .min = 1, .max = 64,
		.help = "name that nodes refer to"),
	CONFIG_KEY(ADDR6, struct ctrl_config_anchor, address, .required = true,
		.help = "address of the anchor (LMAA)"),
	CONFIG_KEY(INT, struct ctrl_config_anchor, spi, .max = UINT32_MAX,
		.help = "security parameter index of the key, 256 or more (RFC 4285, 5)"),
	CONFIG_KEY(STRING, struct ctrl_config_anchor, key_file, .min = 1, .max = 400,
		.check = ctrl_config_check_path,
		.help = "file with the key that both sides share, 32 hexadecimal digits; without "
			"it something else must protect the messages"),
	CONFIG_END};

static const struct config_key access_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_access, port, .required = true, .min = 1,
		.max = OBJECT_PORT_NAME_MAX, .help = "port of the data plane"),
	CONFIG_KEY(INT, struct ctrl_config_access, access_technology, .text = "3", .min = 1,
		.max = 255,
		.help = "access technology type that anchors are told: 3 is IEEE 802.3, 4 IEEE "
			"802.11a/b/g (RFC 5213, 8.5)"),
	CONFIG_KEY(STRING, struct ctrl_config_access, domain, .min = 1, .max = 64,
		.help = "name of its domain, whose nodes alone are served there, by tunnels in GRE "
			"with keys; the data plane's port has its number. Without it, the public "
			"one"),
	CONFIG_END};

static const struct config_key path_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_mag_path, bid, .required = true, .min = 1, .max = 254,
		.help = "binding identifier"),
	CONFIG_KEY(ADDR6, struct ctrl_config_mag_path, address, .required = true,
		.help = "Proxy-CoA of the path; the data plane's host must own it, and have a "
			"route "
			"from it (ip -6 route add default from ADDRESS via ...)"),
	CONFIG_KEY(INT, struct ctrl_config_mag_path, access_technology, .text = "3", .min = 1,
		.max = UINT8_MAX,
		.help = "of the interface towards the anchors: 3 is IEEE 802.3, 4 IEEE "
			"802.11a/b/g (RFC 5213, 8.5)"),
	CONFIG_KEY(INT, struct ctrl_config_mag_path, label, .max = UINT8_MAX,
		.help = "label that rules and weights name"),
	CONFIG_END};

static const struct config_key node_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_mag_node, mn_id, .required = true, .min = 1,
		.max = SESSION_MN_ID_MAX, .help = "network access identifier of the node"),
	CONFIG_KEY(MAC, struct ctrl_config_mag_node, link_address, .required = true,
		.help = "MAC address of its interface"),
	CONFIG_KEY(STRING, struct ctrl_config_mag_node, anchor, .min = 1, .max = 64,
		.help = "name of its anchor; without it, the first"),
	CONFIG_KEY(BOOL, struct ctrl_config_mag_node, delegation, .text = "false",
		.help = "its anchor is asked for prefixes of networks behind it (RFC 7148), which "
			"are routed to its interface"),
	CONFIG_KEY(STRING, struct ctrl_config_mag_node, domain, .min = 1, .max = 64,
		.help = "name of the domain that it is of: it is served on links of that; without "
			"it, of the public one"),
	CONFIG_KEY(PREFIXES, struct ctrl_config_mag_node, delegated_prefixes,
		.max_items = SESSION_DELEGATED_MAX,
		.help = "its anchor is asked for these, which networks behind it have"),
	CONFIG_KEY(STRING, struct ctrl_config_mag_node, always_on, .min = 1,
		.max = OBJECT_PORT_NAME_MAX,
		.help = "port of the access link that it is attached to from the start on, "
			"whether "
			"it is heard or not, and not given up when it is silent"),
	CONFIG_END};

const struct config_key ctrl_config_mag_keys[] = {
	CONFIG_KEY(ADDR6, struct ctrl_config_mag, address, .required = true,
		.help = "Proxy-CoA: registrations come from, and tunnels end at, it; the data "
			"plane's host must own it"),
	CONFIG_KEY(ADDR6, struct ctrl_config_mag, link_local, .text = "fe80::200:5eff:fe00:5213",
		.help = "link-local address of the router on all access links of all gateways "
			"(RFC 6543); the twin of each access link must own it"),
	CONFIG_KEY(GROUPS, struct ctrl_config_mag, anchors, .required = true, .max_items = 1024,
		.keys = anchor_keys, .item_size = sizeof(struct ctrl_config_anchor),
		.help = "local mobility anchors"),
	CONFIG_KEY(GROUPS, struct ctrl_config_mag, links, .required = true, .max_items = 16,
		.keys = access_keys, .item_size = sizeof(struct ctrl_config_access),
		.help = "access links"),
	CONFIG_KEY(GROUPS, struct ctrl_config_mag, paths, .max_items = SESSION_PATHS_MAX,
		.keys = path_keys, .item_size = sizeof(struct ctrl_config_mag_path),
		.help = "ways to the anchors, if there are several (RFC 8278); the first has the "
			"gateway's address, and anchors are asked over it whether they know of "
			"such"),
	CONFIG_KEY(BOOL, struct ctrl_config_mag, concurrent, .text = "true",
		.help = "further paths are registered all at once; false: one after the other"),
	CONFIG_KEY(GROUP, struct ctrl_config_mag, distribution,
		.keys = ctrl_config_distribution_keys,
		.help = "which packets of nodes take which of the paths"),
	CONFIG_KEY(GROUP, struct ctrl_config_mag, supervision, .keys = ctrl_config_supervision_keys,
		.help = "of the paths"),
	CONFIG_KEY(INT, struct ctrl_config_mag, metrics_vendor, .max = UINT32_MAX,
		.help = "private enterprise number of the Vendor Specific option (RFC 5094) by "
			"which anchors are told delay and loss of the paths to them; 0: they are "
			"not told"),
	CONFIG_KEY_NAMED("metrics_interval", DURATION, struct ctrl_config_mag, metrics_interval_ms,
		.text = "2s", .unit = "s", .min = 100, .max = 60000,
		.help = "figures that have changed much are told so often, at most, by extending "
			"the registration of a node; and all with each registration"),
	CONFIG_KEY(GROUPS, struct ctrl_config_mag, nodes, .required = true, .max_items = 100000,
		.keys = node_keys, .item_size = sizeof(struct ctrl_config_mag_node),
		.help = "mobile nodes that are served"),
	CONFIG_KEY_NAMED("lifetime", DURATION, struct ctrl_config_mag, lifetime_ms, .text = "120s",
		.unit = "s", .min = 8000, .max = 262140000, .check = ctrl_config_check_lifetime,
		.help = "lifetime that is asked for, a multiple of 4 s; extended after half of it"),
	CONFIG_KEY(INT, struct ctrl_config_mag, mtu, .text = "1460", .min = 1280, .max = 65535,
		.help = "of the tunnels to the anchors, told to nodes; in GRE it is 4, with keys 8 "
			"octets less"),
	CONFIG_KEY(ENUM, struct ctrl_config_mag, gre, .text = "required", .names = gre_texts,
		.help = "tunnels in GRE (RFC 5845): \"never\"; \"required\", with keys, if an "
			"anchor "
			"says that it is; \"encapsulation\", anchors are asked for it without "
			"keys; \"keys\", with keys"),
	CONFIG_KEY(BOOL, struct ctrl_config_mag, local_routing, .text = "false",
		.help = "EnableMAGLocalRouting: what nodes here send each other goes straight "
			"there; false: through their anchors, which may count and police it"),
	CONFIG_KEY_NAMED("probe", DURATION, struct ctrl_config_mag, probe_ms, .text = "3s",
		.unit = "s", .max = 3600000,
		.help = "a node that was silent so long on its link is asked whether it is there; "
			"0: never"),
	CONFIG_KEY(INT, struct ctrl_config_mag, probes, .text = "3", .min = 1, .max = 100,
		.help = "questions, one a second, after which it is gone"),
	CONFIG_KEY_NAMED("hold", DURATION, struct ctrl_config_mag, hold_ms, .text = "30s",
		.unit = "s", .max = 3600000,
		.help = "a node that its anchor refused, or revoked, is tried again after this, "
			"when "
			"it speaks"),
	CONFIG_KEY(GROUP, struct ctrl_config_mag, handover, .keys = ctrl_config_handover_keys,
		.help = "what becomes of packets out of the tunnels of anchors for nobody who is "
			"attached: those that overtake the answer to a registration, and those on "
			"their way when a node was detached; a node is a /64 here"),
	CONFIG_KEY_NAMED("timestamp_window", DURATION, struct ctrl_config_mag, timestamp_window_ms,
		.text = "7s", .max = 3600000,
		.help = "how far the clock of an anchor with a key may be off when it revokes a "
			"binding; 0: it need not say the time, and what it once said can be "
			"replayed"),
	CONFIG_KEY(STRING, struct ctrl_config_mag, identifier, .min = 1, .max = 253,
		.help = "network access identifier of the gateway, required with paths, by which "
			"anchors let it revoke all that it has registered at once (RFC 5846, 9.2)"),
	CONFIG_KEY_NAMED("heartbeat", DURATION, struct ctrl_config_mag, heartbeat_ms, .text = "60s",
		.unit = "s", .max = 3600000,
		.help = "HEARTBEAT_INTERVAL: anchors with sessions are asked so often whether they "
			"are there, not below 30 s in a network (RFC 5847); 0: never"),
	CONFIG_KEY(INT, struct ctrl_config_mag, heartbeats_missed, .text = "3", .min = 1,
		.max = 100,
		.help = "MISSING_HEARTBEATS_ALLOWED: more unanswered ones and it is not"),
	CONFIG_END};

/* Where errors go. */
struct check {
	const struct ctrl_config *config;
	const char *file;
	struct config_report *report;
};

const struct in6_addr *ctrl_config_mag_address(const struct ctrl_config *config)
{
	return &config->mag.address;
}

const struct ctrl_config_mag_path *ctrl_config_mag_path(
	const struct ctrl_config *config, uint8_t bid)
{
	for (size_t i = 0; i < config->mag.paths.count; i++) {
		const struct ctrl_config_mag_path *path =
			config_item(&config->mag.paths, struct ctrl_config_mag_path, i);

		if (path->bid == bid)
			return path;
	}
	return NULL;
}

size_t ctrl_config_mag_tunnels(const struct ctrl_config *config)
{
	const size_t paths = config->mag.paths.count;

	return config->mag.anchors.count * (paths ? paths : 1);
}

void ctrl_config_mag_tunnel(const struct ctrl_config *config, size_t index,
	const struct in6_addr **local, const struct in6_addr **remote)
{
	const struct ctrl_config_mag *mag = &config->mag;
	const size_t anchors = mag->anchors.count;

	*remote = &config_item(&mag->anchors, struct ctrl_config_anchor, index % anchors)->address;
	*local = mag->paths.count
			 ? &config_item(&mag->paths, struct ctrl_config_mag_path, index / anchors)
				    ->address
			 : &mag->address;
}

const struct ctrl_config_anchor *ctrl_config_anchor(
	const struct ctrl_config *config, const char *name)
{
	for (size_t i = 0; i < config->mag.anchors.count; i++) {
		const struct ctrl_config_anchor *a =
			config_item(&config->mag.anchors, struct ctrl_config_anchor, i);

		if (!name || strcmp(a->name, name) == 0)
			return a;
	}
	return NULL;
}

static void check_addresses(const struct check *c)
{
	const struct ctrl_config_mag *mag = &c->config->mag;

	if (!addr_is_unicast_routable(&mag->address))
		config_report_add(c->report, c->file, 0, "mag.address",
			"%s is no global or unique local IPv6 address", ADDR_TEXT(&mag->address));
	if (!addr_is_link_local(&mag->link_local))
		config_report_add(c->report, c->file, 0, "mag.link_local",
			"%s is no link-local address", ADDR_TEXT(&mag->link_local));
}

/* Each way has an identifier and an address of its own, the first the gateway's. */
static void check_paths(const struct check *c)
{
	const struct ctrl_config_mag *mag = &c->config->mag;

	for (size_t i = 0; i < mag->paths.count; i++) {
		const struct ctrl_config_mag_path *path =
			config_item(&mag->paths, struct ctrl_config_mag_path, i);

		if (!addr_is_unicast_routable(&path->address))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("mag.paths", i, "address"),
				"%s is no global or unique local IPv6 address",
				ADDR_TEXT(&path->address));
		if (ctrl_config_mag_path(c->config, path->bid) != path)
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("mag.paths", i, "bid"),
				"two paths have the bid %u", path->bid);
		if ((i == 0) != addr_equal(&path->address, &mag->address))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("mag.paths", i, "address"),
				"%s: the first path, and no other, has mag.address, which is %s",
				ADDR_TEXT(&path->address), ADDR_TEXT(&mag->address));
	}
	if (mag->metrics_vendor && !mag->supervision.interval_ms)
		config_report_add(c->report, c->file, 0, "mag.metrics_vendor",
			"metrics need supervision, whose interval is 0");
	if (mag->paths.count && !mag->identifier)
		config_report_add(
			c->report, c->file, 0, "mag.identifier", "is required with paths");
	ctrl_config_check_distribution(&mag->distribution, &mag->supervision,
		mag->gre == MAG_GRE_REQUIRED || mag->gre == MAG_GRE_KEYS, c->file,
		"mag.distribution", c->report);
}

/* Each tunnel out of which packets may wait has a place in data planes. */
static void check_handover(const struct check *c)
{
	const struct ctrl_config_mag *mag = &c->config->mag;

	if (mag->handover.buffer && ctrl_config_mag_tunnels(c->config) > OBJECT_HOLD_TUNNELS_MAX)
		config_report_add(c->report, c->file, 0, "mag.handover.buffer",
			"packets can wait for %d tunnels to anchors, but there may be %zu",
			OBJECT_HOLD_TUNNELS_MAX, ctrl_config_mag_tunnels(c->config));
}

static void check_anchor(const struct check *c, size_t i)
{
	const struct ctrl_config_anchor *a =
		config_item(&c->config->mag.anchors, struct ctrl_config_anchor, i);

	if (ctrl_config_anchor(c->config, a->name) != a)
		config_report_add(c->report, c->file, 0, CONFIG_ITEM_TEXT("mag.anchors", i, "name"),
			"two anchors have the name \"%s\"", a->name);
	if (!addr_is_unicast_routable(&a->address) ||
		addr_equal(&a->address, &c->config->mag.address))
		config_report_add(c->report, c->file, 0,
			CONFIG_ITEM_TEXT("mag.anchors", i, "address"),
			"\"%s\": %s is no global or unique local IPv6 address of another", a->name,
			ADDR_TEXT(&a->address));
	ctrl_config_check_gateway_key(c->report, c->file, CONFIG_ITEM_TEXT("mag.anchors", i, ""),
		a->name, a->key_file, a->spi);
}

static bool is_access(const struct ctrl_config_mag *mag, const char *port)
{
	for (size_t i = 0; i < mag->links.count; i++)
		if (strcmp(config_item(&mag->links, struct ctrl_config_access, i)->port, port) == 0)
			return true;
	return false;
}

static int compare_prefixes(const void *a, const void *b)
{
	return prefix6_compare(a, b);
}

/* What one node is asked for no other can have: sorted, a prefix that holds another holds the next.
 */
static int check_delegated(const struct check *c)
{
	const struct config_list *nodes = &c->config->mag.nodes;
	struct prefix6 *all = calloc(nodes->count * SESSION_DELEGATED_MAX + 1, sizeof(*all));
	size_t n = 0;

	if (!all)
		return -ENOMEM;
	for (size_t i = 0; i < nodes->count; i++) {
		const struct config_list *of =
			&config_item(nodes, struct ctrl_config_mag_node, i)->delegated_prefixes;

		for (size_t j = 0; j < of->count; j++)
			all[n++] = *config_item(of, struct prefix6, j);
	}
	qsort(all, n, sizeof(*all), compare_prefixes);
	for (size_t i = 1; i < n; i++)
		if (prefix6_covers(&all[i - 1], &all[i]))
			config_report_add(c->report, c->file, 0, "mag.nodes",
				"delegated prefixes %s and %s overlap", PREFIX6_TEXT(&all[i - 1]),
				PREFIX6_TEXT(&all[i]));
	free(all);
	return 0;
}

static int compare_macs(const void *a, const void *b)
{
	return memcmp(&(*(const struct ctrl_config_mag_node *const *)a)->link_address,
		&(*(const struct ctrl_config_mag_node *const *)b)->link_address,
		sizeof(struct mac));
}

/* Each interface is that of one node. */
static int check_nodes(const struct check *c)
{
	const struct config_list *nodes = &c->config->mag.nodes;
	const struct ctrl_config_mag_node **sorted = calloc(nodes->count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < nodes->count; i++) {
		sorted[i] = config_item(nodes, struct ctrl_config_mag_node, i);
		if (sorted[i]->anchor && !ctrl_config_anchor(c->config, sorted[i]->anchor))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("mag.nodes", i, "anchor"),
				"\"%s\": no anchor is named \"%s\"", sorted[i]->mn_id,
				sorted[i]->anchor);
		if (sorted[i]->always_on && !is_access(&c->config->mag, sorted[i]->always_on))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("mag.nodes", i, "always_on"),
				"\"%s\": port \"%s\" is no access link", sorted[i]->mn_id,
				sorted[i]->always_on);
	}
	qsort(sorted, nodes->count, sizeof(*sorted), compare_macs);
	for (size_t i = 1; i < nodes->count; i++)
		if (mac_equal(&sorted[i - 1]->link_address, &sorted[i]->link_address))
			config_report_add(c->report, c->file, 0, "mag.nodes",
				"\"%s\" and \"%s\" both have %s", sorted[i - 1]->mn_id,
				sorted[i]->mn_id, MAC_TEXT(&sorted[i]->link_address));
	free(sorted);
	return 0;
}

static void check_roles(const struct check *c)
{
	if (ctrl_config_has_role(c->config, "lma"))
		config_report_add(c->report, c->file, 0, "roles",
			"\"lma\" and \"mag\" need processes of their own");
	if (c->config->data_planes.count != 1 || ctrl_config_addressed(c->config))
		config_report_add(c->report, c->file, 0, "data_planes",
			"the role \"mag\" has one data plane, without an address");
}

int ctrl_config_check_mag(
	const struct ctrl_config *config, const char *file, struct config_report *report)
{
	const struct check c = {.config = config, .file = file, .report = report};
	bool role = ctrl_config_has_role(config, "mag");
	int error;

	if (role && !config->mag.present)
		config_report_add(report, file, 0, "mag", "is required for the role \"mag\"");
	if (!role && config->mag.present)
		config_report_add(report, file, 0, "mag", "is given, but roles has no \"mag\"");
	if (!role || !config->mag.present)
		return 0;
	check_roles(&c);
	check_addresses(&c);
	check_paths(&c);
	check_handover(&c);
	for (size_t i = 0; i < config->mag.anchors.count; i++)
		check_anchor(&c, i);
	error = check_nodes(&c);
	return error ? error : check_delegated(&c);
}
