#include "ctrl/config.h"

#include "ctrl/binding/flow.h"

#include "common/zsock.h"
#include "ctrl/binding/binding.h"
#include "ctrl/keyring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	LIFETIME_UNIT_MS = 4000,            /* RFC 6275, 6.1.7 */
	LIFETIME_MAX_MS = 65535 * 4 * 1000, /* what the field of a Binding Update can say */
	IPC_PATH_MAX = 107,                 /* sun_path less its end */
};

static int check_path_endpoint(const void *at, char *why, size_t why_size)
{
	const char *text = *(char *const *)at;

	if (strncmp(text, "ipc:///", 7) == 0 && strlen(text) > 7 &&
		strlen(text) - 6 <= IPC_PATH_MAX)
		return 0;
	snprintf(why, why_size,
		"an endpoint is \"ipc://\" and an absolute path of at most %d octets",
		IPC_PATH_MAX);
	return -EINVAL;
}

/* Where data planes connect. */
static int check_endpoint(const void *at, char *why, size_t why_size)
{
	const char *text = *(char *const *)at;

	if (!zsock_is_tcp(text))
		return check_path_endpoint(at, why, why_size);
	if (zsock_is_good_tcp(text, true))
		return 0;
	snprintf(why, why_size,
		"\"%.80s\" is not tcp://HOST:PORT with an IPv6 address in brackets, a name, an "
		"IPv4 address or \"*\" for HOST and a number from 1 to 65535 for PORT",
		text);
	return -EINVAL;
}

int ctrl_config_check_path(const void *at, char *why, size_t why_size)
{
	const char *text = *(char *const *)at;

	if (text[0] == '/')
		return 0;
	snprintf(why, why_size, "\"%s\": an absolute path is needed", text);
	return -EINVAL;
}

static int check_name(const void *at, char *why, size_t why_size)
{
	const char *text = *(char *const *)at;

	if (strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
		strlen(text))
		return 0;
	snprintf(why, why_size, "\"%s\": a name has letters, digits, '_', '.' and '-' only", text);
	return -EINVAL;
}

static int check_roles(const void *at, char *why, size_t why_size)
{
	const struct config_list *roles = at;

	for (size_t i = 0; i < roles->count; i++) {
		const char *role = *config_item(roles, char *, i);

		if (strcmp(role, "ha") != 0 && strcmp(role, "lma") != 0 &&
			strcmp(role, "mag") != 0) {
			snprintf(why, why_size,
				"unknown role \"%s\", allowed are \"ha\", \"lma\" and \"mag\"",
				role);
			return -EINVAL;
		}
	}
	return 0;
}

int ctrl_config_check_addresses(const void *at, char *why, size_t why_size)
{
	const struct config_list *list = at;

	for (size_t i = 0; i < list->count; i++) {
		const char *text = *config_item(list, char *, i);
		struct in6_addr a, b;

		if (addr_parse(text, &a) < 0 || !addr_is_unicast_routable(&a)) {
			snprintf(why, why_size, "\"%s\" is no global or unique local IPv6 address",
				text);
			return -EINVAL;
		}
		for (size_t j = 0; j < i; j++) {
			if (addr_parse(*config_item(list, char *, j), &b) == 0 &&
				addr_equal(&a, &b)) {
				snprintf(why, why_size, "\"%s\" is given twice", text);
				return -EINVAL;
			}
		}
	}
	return 0;
}

static int check_home_prefix(const void *at, char *why, size_t why_size)
{
	const struct prefix6 *p = at;

	if (addr_is_unicast_routable(&p->addr) && p->len >= 8)
		return 0;
	snprintf(why, why_size, "%s is no prefix of global or unique local addresses",
		PREFIX6_TEXT(p));
	return -EINVAL;
}

/* "PORT" or "DATA-PLANE:PORT". */
static int check_link(const void *at, char *why, size_t why_size)
{
	const char *text = *(char *const *)at, *port = ctrl_config_link_port(text);
	char name[UPDATE_NAME_MAX + 1];
	const char *part = name;

	if (!*port || strlen(port) > OBJECT_PORT_NAME_MAX || port == text + 1 ||
		port - text > UPDATE_NAME_MAX + 1) {
		snprintf(why, why_size,
			"\"%.80s\" is not \"PORT\" or \"DATA-PLANE:PORT\" with a port of at most "
			"%d "
			"octets",
			text, OBJECT_PORT_NAME_MAX);
		return -EINVAL;
	}
	snprintf(name, sizeof(name), "%.*s", port == text ? 0 : (int)(port - text - 1), text);
	if (check_name(&part, why, why_size))
		return -EINVAL;
	return check_name(&port, why, why_size);
}

int ctrl_config_check_lifetime(const void *at, char *why, size_t why_size)
{
	uint32_t ms = *(const uint32_t *)at;

	if (ms % LIFETIME_UNIT_MS == 0)
		return 0;
	snprintf(why, why_size, "%u ms: lifetimes are multiples of 4 s", ms);
	return -EINVAL;
}

/* RFC 5096, 4, or a number that the registry has not assigned. */
int ctrl_config_check_option(const void *at, char *why, size_t why_size)
{
	uint8_t number = *(const uint8_t *)at;

	if (number == 18 || number >= 71)
		return 0;
	snprintf(why, why_size, "%u belongs to another option, allowed are 18 and 71 to 255",
		number);
	return -EINVAL;
}

static const struct config_key endpoint_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_endpoints, update, .text = "ipc:///run/dmm/update",
		.check = check_endpoint,
		.help = "update channel: data planes are told what to forward"),
	CONFIG_KEY(STRING, struct ctrl_config_endpoints, packet, .text = "ipc:///run/dmm/packet",
		.check = check_endpoint,
		.help = "packet channel: signalling packets from and to data planes"),
	CONFIG_KEY(STRING, struct ctrl_config_endpoints, api, .text = "ipc:///run/dmm/ctrl.api",
		.check = check_path_endpoint, .help = "control interface: requests of `dmmctl`"),
	CONFIG_END};

static const struct config_key security_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_security, secret_key_file, .max = 400,
		.check = ctrl_config_check_path,
		.help = "secret key of dmm-ctrl, made by `dmmctl keygen`; required for endpoints "
			"on tcp"),
	CONFIG_END};

static const struct config_key data_plane_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_data_plane, name, .required = true, .min = 1,
		.max = UPDATE_NAME_MAX, .check = check_name,
		.help = "name that the data plane says hello with"),
	CONFIG_KEY(ADDR6, struct ctrl_config_data_plane, address,
		.help = "where tunnels from nodes and from other data planes end; it routes to "
			"this data plane alone. Nodes are told of it. Either all data planes have "
			"one or none, and then tunnels end at the home agent address"),
	CONFIG_KEY(PREFIXES, struct ctrl_config_data_plane, serves, .max_items = 256,
		.help = "care-of addresses that it serves; the longest prefix wins, then the order "
			"of the list. Without it, all"),
	CONFIG_KEY(STRINGS, struct ctrl_config_data_plane, public_keys, .max_items = 2,
		.help = "its public key, the digits or the path of the file, required for "
			"endpoints on tcp; two while it changes from one to the other; read anew "
			"on SIGHUP"),
	CONFIG_END};

static const struct config_key home_prefix_keys[] = {
	CONFIG_KEY(PREFIX6, struct ctrl_config_home_prefix, prefix, .required = true,
		.check = check_home_prefix,
		.help = "home addresses are inside; prefixes do not overlap"),
	CONFIG_KEY(STRING, struct ctrl_config_home_prefix, link, .min = 1,
		.max = UPDATE_NAME_MAX + 1 + OBJECT_PORT_NAME_MAX, .check = check_link,
		.help = "home link: a port, as \"PORT\" when one data plane has a port of that "
			"name, else as \"DATA-PLANE:PORT\"; without it the prefix is on no link, "
			"and there is neither duplicate address detection nor proxy neighbour "
			"discovery"),
	CONFIG_END};

static const struct config_key binding_keys[] = {
	CONFIG_KEY_NAMED("max_lifetime", DURATION, struct ctrl_config_binding, max_lifetime_ms,
		.text = "420s", .unit = "s", .min = LIFETIME_UNIT_MS, .max = LIFETIME_MAX_MS,
		.check = ctrl_config_check_lifetime,
		.help = "longest lifetime granted, a multiple of 4 s"),
	CONFIG_KEY_NAMED("timestamp_window", DURATION, struct ctrl_config_binding,
		timestamp_window_ms, .text = "7s", .unit = "s", .min = 3001, .max = 3600000,
		.help = "how far the clock of a mobile node may be off (RFC 4285, 6)"),
	CONFIG_KEY(INT, struct ctrl_config_binding, max_bindings, .text = "1000000", .min = 1,
		.max = 100000000, .help = "registrations above it are refused with status 130"),
	CONFIG_KEY(INT, struct ctrl_config_binding, dad_transmits, .text = "1", .max = 10,
		.help = "probes of duplicate address detection on a home link before the first "
			"registration (RFC 6275, 10.3.1; RFC 4862, 5.1); 0: none"),
	CONFIG_KEY_NAMED("dad_retrans", DURATION, struct ctrl_config_binding, dad_retrans_ms,
		.text = "1s", .unit = "s", .min = 10, .max = 60000,
		.help = "time between the probes, and after the last; also between advertisements"),
	CONFIG_KEY(INT, struct ctrl_config_binding, advertisements, .text = "3", .min = 1, .max = 3,
		.help = "unsolicited Neighbour Advertisements that tell a home link of a new "
			"binding (RFC 6275, 10.4.1)"),
	CONFIG_KEY(INT, struct ctrl_config_binding, errors_per_second, .text = "10", .min = 1,
		.max = 100000,
		.help = "Binding Errors, ICMPv6 errors and answers to home agent discovery sent at "
			"most, "
			"also as a burst"),
	CONFIG_END};

static const char *const at_home_names[] = {[MULTIHOMING_HOME_REFUSED] = "refused",
	[MULTIHOMING_HOME_ND] = "defends-itself",
	[MULTIHOMING_HOME_PROXY] = "is-defended",
	NULL};

static const struct config_key multihoming_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_multihoming, max_bindings, .text = "8",
		.max = BINDING_MAX,
		.help = "care-of addresses that a home address may have at once, further ones are "
			"refused with status 130; 0: none with a binding identifier, status 166"),
	CONFIG_KEY(BOOL, struct ctrl_config_multihoming, bulk, .text = "true",
		.help = "several may be registered by one Binding Update; else it is refused with "
			"status 168"),
	CONFIG_KEY(BOOL, struct ctrl_config_multihoming, verify_first, .text = "false",
		.help = "a new care-of address must be the source of its Binding Update, which "
			"then shows that its node is there (RFC 5648, 10)"),
	CONFIG_KEY(ENUM, struct ctrl_config_multihoming, at_home, .names = at_home_names,
		.text = "refused",
		.help = "a node that is at home and away at once (RFC 5648, 5.6): refused with "
			"status 169; answers for its address on the home link itself, of which the "
			"gateway is the only router (status 0); or leaves that to the gateway "
			"(status 5). With several data planes these need addresses, and a link "
			"of home_prefixes the name of the one that is there"),
	CONFIG_KEY(INT, struct ctrl_config_multihoming, flows, .text = "16", .max = FLOW_MAX,
		.help = "flow bindings (RFC 6089) that a home address may have, further ones are "
			"refused with status 128"),
	CONFIG_END};

static const struct config_key channel_keys[] = {
	CONFIG_KEY_NAMED("ack_timeout", DURATION, struct ctrl_config_channel, ack_timeout_ms,
		.text = "500ms", .min = 10, .max = 10000,
		.help = "a change that the data plane does not acknowledge in this time fails"),
	CONFIG_KEY_NAMED("heartbeat", DURATION, struct ctrl_config_channel, heartbeat_ms,
		.text = "300ms", .min = 10, .max = 60000, .help = "interval of heartbeats"),
	CONFIG_KEY(INT, struct ctrl_config_channel, heartbeats_missed, .text = "3", .min = 1,
		.max = 100, .help = "a data plane silent for so many intervals is down"),
	CONFIG_KEY_NAMED("delta_log", INT, struct ctrl_config_channel, delta_log_mib, .text = "32",
		.min = 1, .max = 4096, .unit = "MiB",
		.help = "recent changes kept, so that a data plane that comes back need not be "
			"sent everything"),
	CONFIG_KEY_NAMED("audit", DURATION, struct ctrl_config_channel, audit_ms, .text = "60s",
		.unit = "s", .max = 86400000,
		.help = "how often the tables of each data plane are compared with what they "
			"should be; 0: only on demand"),
	CONFIG_END};

static const char *const tunnel_option_names[] = {
	[CTRL_TUNNEL_AUTO] = "auto",
	[CTRL_TUNNEL_NONE] = "none",
	[CTRL_TUNNEL_ALTERNATE_COA] = "alternate-care-of-address",
	[CTRL_TUNNEL_HA_TUNNEL] = "alternate-home-agent-tunnel-address",
	NULL,
};

static const char *const tell_names[] = {
	[CTRL_TELL_BRR] = "binding-refresh-request",
	[CTRL_TELL_BA] = "binding-acknowledgement",
	NULL,
};

static const struct config_key serving_keys[] = {
	CONFIG_KEY(ENUM, struct ctrl_config_serving, tunnel_address_option, .text = "auto",
		.names = tunnel_option_names,
		.help = "option of Binding Acknowledgements that tells the node the address of its "
			"data plane; \"auto\" is the alternate care-of address when data planes "
			"have addresses, else none"),
	CONFIG_KEY(INT, struct ctrl_config_serving, tunnel_address_number, .text = "18", .min = 18,
		.max = 255, .check = ctrl_config_check_option,
		.help = "number of the alternate home agent tunnel address option, which was "
			"never given one: 18 (experimental) or 71 to 255"),
	CONFIG_KEY(ENUM, struct ctrl_config_serving, tell, .text = "binding-refresh-request",
		.names = tell_names,
		.help = "how a node is told that another data plane serves it from now on"),
	CONFIG_KEY_NAMED("hold_down", DURATION, struct ctrl_config_serving, hold_down_ms,
		.text = "10s", .unit = "s", .max = 3600000,
		.help = "a data plane that is back takes its nodes again when it was stable so "
			"long"),
	CONFIG_KEY(INT, struct ctrl_config_serving, moves_per_second, .text = "2000", .min = 10,
		.max = 1000000, .help = "nodes that then move back, at most"),
	CONFIG_END};

static const struct config_key overload_keys[] = {
	CONFIG_KEY(INT, struct ctrl_config_overload, source_rate, .text = "1000", .max = 10000000,
		.unit = "packets/s",
		.help = "signalling packets taken from one source, and as a burst; 0: no limit"),
	CONFIG_KEY(INT, struct ctrl_config_overload, source_prefix, .text = "128", .min = 16,
		.max = 128, .unit = "bits", .help = "of an address, that are one source"),
	CONFIG_KEY(INT, struct ctrl_config_overload, total_rate, .text = "0", .max = 10000000,
		.unit = "packets/s",
		.help = "signalling packets taken from all; 0: as many as there is time for"),
	CONFIG_KEY_NAMED("wait", DURATION, struct ctrl_config_overload, wait_ms, .text = "500ms",
		.min = 10, .max = 60000,
		.help = "packets that have waited longer for their turn are dropped"),
	CONFIG_END};

const struct config_key ctrl_config_keys[] = {
	CONFIG_KEY(STRINGS, struct ctrl_config, roles, .required = true, .check = check_roles,
		.help = "what this process does: \"ha\", the Mobile IPv6 home agent; \"lma\", the "
			"local mobility anchor of Proxy Mobile IPv6; \"mag\", its mobile access "
			"gateway; \"ha\" goes with the others"),
	CONFIG_KEY(STRING, struct ctrl_config, store, .text = "/var/lib/dmm/store", .max = 400,
		.check = ctrl_config_check_path,
		.help = "folder of the durable state, made when missing"),
	CONFIG_KEY(ENUM, struct ctrl_config, log_level, .text = "info", .names = log_level_names,
		.help = "how much is logged"),
	CONFIG_KEY(GROUP, struct ctrl_config, endpoints, .keys = endpoint_keys,
		.help = "where the parts meet"),
	CONFIG_KEY(GROUP, struct ctrl_config, security, .keys = security_keys,
		.help = "keys of the endpoints on tcp"),
	CONFIG_KEY(GROUPS, struct ctrl_config, data_planes, .required = true, .max_items = 64,
		.keys = data_plane_keys, .item_size = sizeof(struct ctrl_config_data_plane),
		.help = "data planes that may connect, in order of preference"),
	CONFIG_KEY(STRINGS, struct ctrl_config, home_agents, .max_items = 64,
		.check = ctrl_config_check_addresses,
		.help = "home agent addresses: Binding Updates are accepted and tunnels end there; "
			"required for the role \"ha\""),
	CONFIG_KEY(GROUPS, struct ctrl_config, home_prefixes, .max_items = 1024,
		.keys = home_prefix_keys, .item_size = sizeof(struct ctrl_config_home_prefix),
		.help = "prefixes of the home addresses; required for the role \"ha\""),
	CONFIG_KEY(INT, struct ctrl_config, home_agent_preference, .text = "0", .max = UINT16_MAX,
		.help = "preference among the home agents of a home link, as home agent discovery "
			"tells it; higher is better"),
	CONFIG_KEY(GROUP, struct ctrl_config, binding, .keys = binding_keys,
		.help = "limits of bindings"),
	CONFIG_KEY(GROUP, struct ctrl_config, channel, .keys = channel_keys,
		.help = "times of the update channel"),
	CONFIG_KEY(GROUP, struct ctrl_config, multihoming, .keys = multihoming_keys,
		.help = "several care-of addresses of one home address (RFC 5648)"),
	CONFIG_KEY(GROUP, struct ctrl_config, multicast, .keys = ctrl_config_multicast_keys,
		.help = "multicast into the tunnels of nodes "
			"(draft-sarikaya-mext-multicastdmm-04)"),
	CONFIG_KEY(GROUP, struct ctrl_config, serving, .keys = serving_keys,
		.help = "which data plane serves a node, and how the node learns of it"),
	CONFIG_KEY(GROUPS, struct ctrl_config, domains, .max_items = 256,
		.keys = ctrl_config_domain_keys, .item_size = sizeof(struct ctrl_config_domain),
		.help = "customers of an anchor or gateway whose prefixes may be the same (RFC "
			"5845)"),
	CONFIG_KEY(GROUP, struct ctrl_config, lma, .keys = ctrl_config_lma_keys,
		.present = CONFIG_PRESENT(struct ctrl_config, lma.present),
		.help = "the local mobility anchor; required for the role \"lma\""),
	CONFIG_KEY(GROUP, struct ctrl_config, overload, .keys = overload_keys,
		.help = "what is done when more comes in than there is time for"),
	CONFIG_KEY(GROUP, struct ctrl_config, mag, .keys = ctrl_config_mag_keys,
		.present = CONFIG_PRESENT(struct ctrl_config, mag.present),
		.help = "the mobile access gateway; required for the role \"mag\""),
	CONFIG_END};

/* Where errors of one value against another are told. */
struct check {
	const char *file;
	struct config_report *report;
};

static void check_endpoints(const struct ctrl_config *c, const struct check *to)
{
	const char *const all[] = {c->endpoints.update, c->endpoints.packet, c->endpoints.api};

	for (size_t i = 0; i < 3; i++)
		for (size_t j = i + 1; j < 3; j++)
			if (all[i] && all[j] && strcmp(all[i], all[j]) == 0)
				config_report_add(to->report, to->file, 0, "endpoints",
					"\"%s\" is given twice, each endpoint needs a path of its "
					"own",
					all[i]);
}

static void check_prefixes(const struct ctrl_config *c, const struct check *to)
{
	for (size_t i = 0; i < c->home_prefixes.count; i++) {
		const struct prefix6 *p =
			&config_item(&c->home_prefixes, struct ctrl_config_home_prefix, i)->prefix;

		for (size_t j = 0; j < i; j++) {
			const struct prefix6 *q =
				&config_item(&c->home_prefixes, struct ctrl_config_home_prefix, j)
					 ->prefix;

			if (prefix6_covers(p, q) || prefix6_covers(q, p))
				config_report_add(to->report, to->file, 0,
					CONFIG_ITEM_TEXT("home_prefixes", i, "prefix"),
					"%s and %s overlap", PREFIX6_TEXT(q), PREFIX6_TEXT(p));
		}
	}
}

/* The role of the home agent needs, and nothing else uses, its addresses and prefixes. */
static void check_home_agent(const struct ctrl_config *c, const struct check *to)
{
	bool role = ctrl_config_has_role(c, "ha");
	const struct {
		const char *key;
		bool given;
	} keys[] = {{"home_agents", c->home_agents.count > 0},
		{"home_prefixes", c->home_prefixes.count > 0}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (role && !keys[i].given)
			config_report_add(to->report, to->file, 0, keys[i].key,
				"is required for the role \"ha\"");
		if (!role && keys[i].given)
			config_report_add(to->report, to->file, 0, keys[i].key,
				"is given, but roles has no \"ha\"");
	}
}

/* Reads a list of addresses, which ctrl_config_check_addresses() has seen. */
static int read_list(struct ctrl_config *c, const struct config_list *list, const char *key,
	const struct check *to)
{
	for (size_t i = 0; i < list->count; i++) {
		const char *text = *config_item(list, char *, i);
		struct in6_addr *addr = &c->addresses[c->address_count];

		if (addr_parse(text, addr) < 0)
			return -EINVAL;
		for (size_t j = 0; j < c->address_count; j++)
			if (addr_equal(&c->addresses[j], addr))
				config_report_add(to->report, to->file, 0, key,
					"\"%s\" is in home_agents too", text);
		c->address_count++;
	}
	return 0;
}

/* The gateway's own addresses. */
static int read_addresses(struct ctrl_config *c, const struct check *to)
{
	int error;

	c->addresses =
		calloc(c->home_agents.count + c->lma.addresses.count + c->mag.paths.count + 2,
			sizeof(*c->addresses));
	if (!c->addresses)
		return -ENOMEM;
	error = read_list(c, &c->home_agents, "home_agents", to);
	c->agent_count = c->address_count;
	if (!error)
		error = read_list(c, &c->lma.addresses, "lma.addresses", to);
	if (c->mag.present)
		c->addresses[c->address_count++] = c->mag.address;
	for (size_t i = 1; i < c->mag.paths.count; i++)
		c->addresses[c->address_count++] =
			config_item(&c->mag.paths, struct ctrl_config_mag_path, i)->address;
	return error;
}

/* What the table cannot know; only of a file that is right by the table. */
static int check_all(struct ctrl_config *c, const char *name, struct config_report *report)
{
	const struct check to = {.file = name, .report = report};
	size_t before = report->count;
	int error;

	check_endpoints(c, &to);
	check_prefixes(c, &to);
	check_home_agent(c, &to);
	error = read_addresses(c, &to);
	if (!error)
		error = ctrl_config_check_lma(c, name, report);
	if (!error)
		error = ctrl_config_check_mag(c, name, report);
	if (error)
		return error;
	ctrl_config_check_data_planes(c, name, report);
	ctrl_config_check_multicast(c, name, report);
	ctrl_config_check_domains(c, name, report);
	if (keyring_check(c, name, report) == -ENOMEM)
		return -ENOMEM;
	return report->count == before ? 0 : -EINVAL;
}

int ctrl_config_load(struct ctrl_config *config, const char *path, struct config_report *report)
{
	int error;

	memset(config, 0, sizeof(*config));
	error = config_load(path, ctrl_config_keys, config, report);
	if (!error)
		error = check_all(config, path, report);
	config_report_forget(report);
	return error;
}

int ctrl_config_load_text(struct ctrl_config *config, const char *name, const char *text,
	struct config_report *report)
{
	int error;

	memset(config, 0, sizeof(*config));
	error = config_load_text(name, text, ctrl_config_keys, config, report);
	if (!error)
		error = check_all(config, name, report);
	config_report_forget(report);
	return error;
}

void ctrl_config_free(struct ctrl_config *config)
{
	struct in6_addr *addresses = config->addresses;

	config_free(ctrl_config_keys, config);
	free(addresses);
	memset(config, 0, sizeof(*config));
}

bool ctrl_config_has_role(const struct ctrl_config *config, const char *role)
{
	for (size_t i = 0; i < config->roles.count; i++)
		if (strcmp(*config_item(&config->roles, char *, i), role) == 0)
			return true;
	return false;
}

const struct ctrl_config_home_prefix *ctrl_config_home_prefix(
	const struct ctrl_config *config, const struct in6_addr *home_address)
{
	for (size_t i = 0; i < config->home_prefixes.count; i++) {
		const struct ctrl_config_home_prefix *p =
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i);

		if (prefix6_contains(&p->prefix, home_address))
			return p;
	}
	return NULL;
}

bool ctrl_config_is_own(const struct ctrl_config *config, const struct in6_addr *address)
{
	for (size_t i = 0; i < config->address_count; i++)
		if (addr_equal(&config->addresses[i], address))
			return true;
	for (unsigned dp = 0; dp < config->data_planes.count; dp++)
		if (ctrl_config_data_plane_id(config, dp) &&
			addr_equal(ctrl_config_data_plane_address(config, dp), address))
			return true;
	return false;
}

uint64_t ctrl_config_link_id(const struct ctrl_config *config, const char *port)
{
	for (size_t i = 0; port && i < config->home_prefixes.count; i++) {
		const char *link =
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i)
				->link;

		if (link && strcmp(link, port) == 0)
			return i + 1;
	}
	return 0;
}
