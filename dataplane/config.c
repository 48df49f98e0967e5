#include "dataplane/config.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

#include "common/zsock.h"
#include "dataplane/config_ports.h"
#include "dataplane/keys.h"

static const char *const hugepages_names[] = {"auto", "yes", "no", NULL};

/* Names become interface names, routing ids and words of the log. */
static int check_word(const void *at, char *why, size_t why_size)
{
	const char *name = *(const char *const *)at;

	for (const char *p = name; *p; p++) {
		if (isalnum((unsigned char)*p) || *p == '-' || *p == '_' || *p == '.')
			continue;
		snprintf(why, why_size, "only letters, digits, '-', '_' and '.' are allowed");
		return -EINVAL;
	}
	return 0;
}

static int check_port_name(const void *at, char *why, size_t why_size)
{
	const char *name = *(const char *const *)at;

	if (!strcmp(name, ".") || !strcmp(name, "..") || !strcmp(name, "lo") ||
		!strcmp(name, "all") || !strcmp(name, "default")) {
		snprintf(why, why_size, "Linux has no interface of this name to give");
		return -EINVAL;
	}
	return check_word(at, why, why_size);
}

static int check_endpoint(const void *at, char *why, size_t why_size)
{
	const char *endpoint = *(const char *const *)at;

	if (!strncmp(endpoint, "ipc:///", 7) || zsock_is_good_tcp(endpoint, false))
		return 0;
	snprintf(why, why_size,
		"\"%.80s\" is neither ipc:///PATH nor tcp://HOST:PORT with an IPv6 address in "
		"brackets, an IPv4 address or a name for HOST and a number from 1 to 65535 for "
		"PORT",
		endpoint);
	return -EINVAL;
}

static int check_path(const void *at, char *why, size_t why_size)
{
	if ((*(const char *const *)at)[0] == '/')
		return 0;
	snprintf(why, why_size, "an absolute path is needed");
	return -EINVAL;
}

static const struct config_key port_keys[] = {
	CONFIG_KEY(STRING, struct dp_config_port, name, .required = true, .min = 1,
		.max = OBJECT_PORT_NAME_MAX, .check = check_port_name,
		.help = "name of the port and of its TAP twin in Linux"),
	CONFIG_KEY(STRING, struct dp_config_port, device, .required = true, .min = 1, .max = 255,
		.help = "DPDK device: a PCI address or a virtual device with its arguments"),
	CONFIG_KEY(INT, struct dp_config_port, mtu, .min = 1280, .max = 9000, .text = "1500",
		.unit = "octets", .help = "largest IP packet"),
	CONFIG_KEY(BOOL, struct dp_config_port, promiscuous, .text = "false",
		.help = "take frames for every MAC address"),
	CONFIG_KEY(BOOL, struct dp_config_port, segments, .text = "false",
		.help = "the device is given large copies of multicast packets in two pieces; some "
			"devices are slower then at everything else"),
	CONFIG_KEY(INT, struct dp_config_port, domain, .max = OBJECT_DOMAIN_LINK - 1,
		.help = "number of the domain, a customer with addresses of its own (RFC 5845), "
			"whose packets come and leave by this port and by none of another; 0: the "
			"public one, in which tunnels are"),
	CONFIG_END,
};

static const struct config_key endpoint_keys[] = {
	CONFIG_KEY(STRING, struct dp_config_endpoints, update, .text = "ipc:///run/dmm/update",
		.min = 1, .max = 255, .check = check_endpoint,
		.help = "where control publishes forwarding state"),
	CONFIG_KEY(STRING, struct dp_config_endpoints, packet, .text = "ipc:///run/dmm/packet",
		.min = 1, .max = 255, .check = check_endpoint,
		.help = "where control takes and gives packets"),
	CONFIG_END,
};

static const struct config_key security_keys[] = {
	CONFIG_KEY(STRING, struct dp_config_security, secret_key_file, .max = 400,
		.check = check_path,
		.help = "secret key of this data plane, made by `dmmctl keygen`; required for "
			"endpoints on tcp"),
	CONFIG_KEY(STRINGS, struct dp_config_security, control_keys, .max_items = KEYS_CONTROL_MAX,
		.help = "public key of dmm-ctrl, the digits or the path of the file, required for "
			"endpoints on tcp; two, tried in turn, while it changes"),
	CONFIG_END,
};

static const struct config_key channel_keys[] = {
	CONFIG_KEY(DURATION, struct dp_config_channel, heartbeat, .min = 20, .max = 60000,
		.text = "300ms", .help = "time between heartbeats"),
	CONFIG_KEY(INT, struct dp_config_channel, heartbeats_missed, .min = 1, .max = 100,
		.text = "3", .help = "control silent for so many intervals is taken for gone"),
	CONFIG_END,
};

static const struct config_key keys[] = {
	CONFIG_KEY(STRING, struct dp_config, name, .required = true, .min = 1,
		.max = UPDATE_NAME_MAX, .check = check_word,
		.help = "name of this data plane, as control knows it"),
	CONFIG_KEY(GROUP, struct dp_config, endpoints, .keys = endpoint_keys,
		.help = "the control plane"),
	CONFIG_KEY(GROUP, struct dp_config, security, .keys = security_keys,
		.help = "keys of the endpoints on tcp; read anew on SIGHUP"),
	CONFIG_KEY(GROUP, struct dp_config, channel, .keys = channel_keys,
		.help = "how it is watched"),
	CONFIG_KEY(GROUPS, struct dp_config, ports, .required = true, .keys = port_keys,
		.item_size = sizeof(struct dp_config_port), .max_items = UPDATE_PORTS_MAX,
		.help = "the ports"),
	CONFIG_KEY(INTS, struct dp_config, workers, .min = 0, .max = 1023,
		.max_items = DP_CONFIG_WORKERS_MAX,
		.help = "cores of the workers, one each; none: one worker on the last core"),
	CONFIG_KEY(BOOL, struct dp_config, busy_poll, .text = "false",
		.help = "workers never sleep: lowest latency, whole cores"),
	CONFIG_KEY(ENUM, struct dp_config, hugepages, .names = hugepages_names, .text = "auto",
		.help = "hugepages of 2 MiB: auto takes them when enough are free"),
	CONFIG_KEY(INT, struct dp_config, memory, .min = 0, .max = 1 << 20, .text = "0",
		.unit = "MiB", .help = "for packet buffers and tables together; 0: what they need"),
	CONFIG_KEY(INT, struct dp_config, buffers, .min = 0, .max = 1 << 24, .text = "0",
		.help = "packet buffers; 0: what ports and workers need"),
	CONFIG_KEY(INT, struct dp_config, subscribers, .min = 1, .max = 1 << 24, .text = "65536",
		.help = "subscribers that there is room for at first"),
	CONFIG_KEY(INT, struct dp_config, rules, .min = 0, .max = 1 << 22, .text = "16384",
		.help = "rules for flows, of all subscribers, that there is room for at first"),
	CONFIG_KEY(INT, struct dp_config, groups, .min = 0, .max = 1 << 20, .text = "1024",
		.help = "multicast groups that there is room for at first; 0: none"),
	CONFIG_KEY(INT, struct dp_config, members, .min = 0, .max = 1 << 22, .text = "65536",
		.help = "members of multicast groups, of all groups together, at first; 0: none"),
	CONFIG_KEY(BOOL, struct dp_config, grow, .text = "true",
		.help = "take more memory for more of these; else refuse them"),
	CONFIG_KEY(STRING, struct dp_config, multicast_upstream, .min = 1,
		.max = OBJECT_PORT_NAME_MAX,
		.help = "port on which the multicast groups that nodes listen to are joined, by "
			"Linux's MLD on its twin; without it the network must bring them"),
	CONFIG_KEY(INT, struct dp_config, routes, .min = 16, .max = 1 << 20, .text = "16384",
		.help = "routes taken from Linux"),
	CONFIG_KEY(INT, struct dp_config, neighbours, .min = 16, .max = 65536, .text = "4096",
		.help = "neighbours taken from Linux"),
	CONFIG_KEY(ENUM, struct dp_config, log_level, .names = log_level_names, .text = "info",
		.help = "most detailed lines that are logged"),
	CONFIG_END,
};

const struct dp_config_port *dp_config_port(const struct dp_config *config, size_t i)
{
	return config_item(&config->ports, struct dp_config_port, i);
}

unsigned dp_config_core(const struct dp_config *config, size_t i)
{
	return (unsigned)*config_item(&config->workers, int64_t, i);
}

static void check_upstream(
	const struct dp_config *config, const char *file, struct config_report *report)
{
	if (!config->multicast_upstream)
		return;
	for (size_t i = 0; i < config->ports.count; i++) {
		const struct dp_config_port *port = dp_config_port(config, i);

		if (strcmp(port->name, config->multicast_upstream) != 0)
			continue;
		if (port->domain)
			config_report_add(report, file, 0, "multicast_upstream",
				"port '%s' is of domain %u, but groups are public", port->name,
				port->domain);
		return;
	}
	config_report_add(report, file, 0, "multicast_upstream", "there is no port '%s'",
		config->multicast_upstream);
}

static void check_workers(
	const struct dp_config *config, const char *file, struct config_report *report)
{
	cpu_set_t may;

	if (sched_getaffinity(0, sizeof(may), &may) < 0)
		return;
	for (size_t i = 0; i < config->workers.count; i++) {
		unsigned core = dp_config_core(config, i);

		if (!CPU_ISSET(core, &may))
			config_report_add(report, file, 0, CONFIG_ITEM_TEXT("workers", i, ""),
				"core %u is not one that this process may use", core);
		for (size_t j = 0; j < i; j++) {
			if (dp_config_core(config, j) == core)
				config_report_add(report, file, 0,
					CONFIG_ITEM_TEXT("workers", i, ""),
					"core %u is named twice", core);
		}
	}
}

static int default_worker(struct dp_config *config)
{
	cpu_set_t may;
	int64_t *core = malloc(sizeof(*core));

	if (!core)
		return -ENOMEM;
	*core = 0;
	if (sched_getaffinity(0, sizeof(may), &may) == 0) {
		for (int i = 0; i < CPU_SETSIZE; i++) {
			if (CPU_ISSET(i, &may))
				*core = i;
		}
	}
	config->workers.items = core;
	config->workers.count = 1;
	return 0;
}

int dp_config_read(struct dp_config *config, const char *file, struct config_report *report)
{
	return config_load(file, keys, config, report);
}

int dp_config_load(
	struct dp_config *config, const char *file, bool to_start, struct config_report *report)
{
	int rc = dp_config_read(config, file, report);

	if (rc < 0)
		return rc;
	dp_config_check_ports(config, file, report);
	if (to_start)
		dp_config_check_devices(config, file, report);
	check_upstream(config, file, report);
	check_workers(config, file, report);
	keys_check(config, file, report);
	config_report_forget(report);
	if (report->count)
		return -EINVAL;
	return config->workers.count ? 0 : default_worker(config);
}

void dp_config_free(struct dp_config *config)
{
	config_free(keys, config);
}

void dp_config_reference(FILE *out)
{
	config_print_reference(out, keys);
}
