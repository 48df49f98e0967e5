#include "tools/pktgen/config.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WEIGHT_MAX = 1000, RATE_MAX = 1000000000, ENDPOINT_MAX = 128 };

const char *const pktgen_op_names[PKTGEN_OPS + 1] = {
	"register", "refresh", "move", "deregister", NULL};

static const char *const hugepages_names[] = {"auto", "yes", "no", NULL};

/* A decimal number that fills the text; -1 if it does not, or is not from 0 to max. */
static double decimal(const char *text, double max)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end || strspn(text, "0123456789.") != strlen(text) || value > max)
		return -1;
	return value;
}

static int check_decimal(const void *at, double max, char *why, size_t why_size)
{
	const char *text = *(const char *const *)at;

	if (decimal(text, max) >= 0)
		return 0;
	snprintf(why, why_size, "\"%.40s\" is no decimal number from 0 to %g", text, max);
	return -EINVAL;
}

static int check_exponent(const void *at, char *why, size_t why_size)
{
	return check_decimal(at, 10, why, why_size);
}

static int check_percent(const void *at, char *why, size_t why_size)
{
	return check_decimal(at, 100, why, why_size);
}

static int check_unicast(const void *at, char *why, size_t why_size)
{
	if (addr_is_unicast_routable(at))
		return 0;
	snprintf(why, why_size, "not a unicast routable address");
	return -EINVAL;
}

static int check_group(const void *at, char *why, size_t why_size)
{
	if (addr_is_multicast(at))
		return 0;
	snprintf(why, why_size, "not a multicast address");
	return -EINVAL;
}

/* It stands in JSON and in identifiers as it is. */
static int check_realm(const void *at, char *why, size_t why_size)
{
	for (const char *p = *(const char *const *)at; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-') {
			snprintf(why, why_size, "only letters, digits, '.' and '-' are allowed");
			return -EINVAL;
		}
	return 0;
}

static int check_prefix(const void *at, char *why, size_t why_size)
{
	const struct prefix6 *prefix = at;

	if (prefix->len <= POPULATION_PREFIX_BITS)
		return 0;
	snprintf(why, why_size, "longer than 64 bits");
	return -EINVAL;
}

static const struct config_key port_keys[] = {
	CONFIG_KEY(STRING, struct pktgen_config_port, device, .required = true, .min = 1,
		.max = 255,
		.help = "DPDK device: a PCI address or a virtual device with its arguments"),
	CONFIG_KEY(ADDR6, struct pktgen_config_port, address, .check = check_unicast,
		.help = "own address on the link, answered for; the gateway's next hop"),
	CONFIG_KEY(ADDR6, struct pktgen_config_port, gateway,
		.help = "the gateway's address on the link; its MAC address is asked for"),
	CONFIG_KEY(MAC, struct pktgen_config_port, gateway_mac,
		.help = "the gateway's MAC address, instead of asking"),
	CONFIG_END,
};

static const struct config_key subscriber_keys[] = {
	CONFIG_KEY(INT, struct population, count, .min = 1, .max = POPULATION_MAX, .text = "1000",
		.help = "how many there are"),
	CONFIG_KEY(PREFIX6, struct population, home_prefix, .required = true, .check = check_prefix,
		.help = "home addresses are in it"),
	CONFIG_KEY(INT, struct population, first, .min = 1, .max = UINT32_MAX - POPULATION_MAX,
		.text = "4096", .help = "interface identifier of the first; the others follow"),
	CONFIG_KEY(PREFIXES, struct population, care_of_prefixes, .required = true,
		.max_items = POPULATION_PREFIXES_MAX,
		.help = "care-of addresses are in the first; nodes that move visit the others"),
	CONFIG_KEY(STRING, struct population, realm, .min = 1, .max = 100,
		.text = "pktgen.example.net", .check = check_realm,
		.help = "behind the @ of their identifiers"),
	CONFIG_KEY(INT, struct population, spi, .min = 256, .max = UINT32_MAX, .text = "1000",
		.help = "mobility SPI of their keys (RFC 4285; 0 to 255 are reserved)"),
	CONFIG_KEY(STRING, struct population, key_seed, .min = 1, .max = 128, .secret = true,
		.help = "secret that their keys are made from; needed to register them"),
	CONFIG_END,
};

static const struct config_key traffic_keys[] = {
	CONFIG_KEY_NAMED("downlink", INT, struct pktgen_config_traffic, weight[PACKET_DOWNLINK],
		.max = WEIGHT_MAX, .text = "1", .help = "share of packets to home addresses"),
	CONFIG_KEY_NAMED("uplink", INT, struct pktgen_config_traffic, weight[PACKET_UPLINK],
		.max = WEIGHT_MAX, .text = "0",
		.help = "share of packets in tunnels to the gateway"),
	CONFIG_KEY_NAMED("multicast", INT, struct pktgen_config_traffic, weight[PACKET_MULTICAST],
		.max = WEIGHT_MAX, .text = "0", .help = "share of packets to groups"),
	CONFIG_KEY(INT, struct pktgen_config_traffic, rate, .max = RATE_MAX, .text = "1000",
		.unit = "packets/s", .help = "of all streams together; 0: as many as possible"),
	CONFIG_KEY_NAMED("duration", DURATION, struct pktgen_config_traffic, duration_ms,
		.min = 100, .max = 7 * 86400000, .text = "10s", .unit = "s",
		.help = "how long packets are sent"),
	CONFIG_KEY_NAMED("warm_up", DURATION, struct pktgen_config_traffic, warm_up_ms,
		.max = 60000, .text = "200ms",
		.help = "slow traffic before it, which does not count: neighbours are resolved; "
			"longer, to 4s, where nothing comes back"),
	CONFIG_KEY_NAMED("settle", DURATION, struct pktgen_config_traffic, settle_ms, .max = 60000,
		.text = "1s", .help = "wait for packets under way, after the last was sent"),
	CONFIG_KEY(ENUM, struct pktgen_config_traffic, distribution, .names = pick_names,
		.text = "uniform", .help = "whose packet is next"),
	CONFIG_KEY_NAMED("zipf_exponent", STRING, struct pktgen_config_traffic, exponent_text,
		.text = "1.0", .max = 20, .check = check_exponent,
		.help = "subscriber r gets a share of 1 / r^exponent"),
	CONFIG_KEY(INT, struct pktgen_config_traffic, elephant_percent, .max = 100, .text = "50",
		.unit = "%", .help = "share of the first subscriber when it is the elephant"),
	CONFIG_KEY_NAMED("sizes", STRING, struct pktgen_config_traffic, sizes_text, .text = "64",
		.min = 1, .max = 255,
		.help = "octets of packets from the IPv6 header on, without tunnel: \"64\", "
			"\"64,512\", \"64:7,576:4\", \"64-1460\" or \"imix\""),
	CONFIG_KEY(ADDR6, struct pktgen_config_traffic, correspondent, .required = true,
		.check = check_unicast, .help = "who the subscribers talk with"),
	CONFIG_KEY(INT, struct pktgen_config_traffic, udp_port, .min = 1, .max = 65535, .text = "9",
		.help = "destination port of the packets"),
	CONFIG_KEY(INT, struct pktgen_config_traffic, seed, .max = INT64_MAX, .text = "1",
		.help = "of the random numbers: the same packets again"),
	CONFIG_END,
};

static const struct config_key multicast_keys[] = {
	CONFIG_KEY(ADDR6, struct pktgen_config_multicast, group, .text = "ff3e::8000:1",
		.check = check_group, .help = "the first group"),
	CONFIG_KEY(INT, struct pktgen_config_multicast, groups, .min = 1, .max = POPULATION_MAX,
		.text = "1", .help = "how many there are"),
	CONFIG_KEY(INT, struct pktgen_config_multicast, members, .min = 1, .max = POPULATION_MAX,
		.text = "1", .help = "of each group: copies of a packet that must come back"),
	CONFIG_END,
};

static const struct config_key search_keys[] = {
	CONFIG_KEY(INT, struct pktgen_config_search, min_rate, .min = 1, .max = RATE_MAX,
		.text = "1000", .unit = "packets/s", .help = "where the search ends"),
	CONFIG_KEY(INT, struct pktgen_config_search, max_rate, .min = 1, .max = RATE_MAX,
		.text = "10000000", .unit = "packets/s", .help = "where it begins"),
	CONFIG_KEY_NAMED("resolution", STRING, struct pktgen_config_search, resolution_text,
		.text = "1", .max = 20, .check = check_percent,
		.help = "how exact the rate must be, percent of max_rate"),
	CONFIG_KEY_NAMED("loss", STRING, struct pktgen_config_search, loss_text, .text = "0",
		.max = 20, .check = check_percent,
		.help = "percent of the packets of a trial that may be lost"),
	CONFIG_KEY_NAMED("skipped", STRING, struct pktgen_config_search, skipped_text, .text = "1",
		.max = 20, .check = check_percent,
		.help = "percent of the packets of a trial that the generator may have no time "
			"to send"),
	CONFIG_KEY_NAMED("trial", DURATION, struct pktgen_config_search, trial_ms, .min = 100,
		.max = 3600000, .text = "60s", .unit = "s",
		.help = "length of a trial; RFC 2544, 24 wants 60 s at least"),
	CONFIG_KEY(INT, struct pktgen_config_search, attempts, .min = 1, .max = 100, .text = "1",
		.help = "trials at a rate until it counts as failed; more than one where other "
			"work "
			"of the machine interrupts"),
	CONFIG_END,
};

static int check_lifetime(const void *at, char *why, size_t why_size)
{
	const uint32_t *ms = at;

	if (*ms % 4000 == 0)
		return 0;
	snprintf(why, why_size, "lifetimes are told in units of 4 s");
	return -EINVAL;
}

static const struct config_key signalling_keys[] = {
	CONFIG_KEY_NAMED("register", INT, struct pktgen_config_signalling, weight[PKTGEN_REGISTER],
		.max = WEIGHT_MAX, .text = "1", .help = "share of first registrations"),
	CONFIG_KEY_NAMED("refresh", INT, struct pktgen_config_signalling, weight[PKTGEN_REFRESH],
		.max = WEIGHT_MAX, .text = "8", .help = "share of refreshes"),
	CONFIG_KEY_NAMED("move", INT, struct pktgen_config_signalling, weight[PKTGEN_MOVE],
		.max = WEIGHT_MAX, .text = "4",
		.help = "share of moves to another care-of address"),
	CONFIG_KEY_NAMED("deregister", INT, struct pktgen_config_signalling,
		weight[PKTGEN_DEREGISTER], .max = WEIGHT_MAX, .text = "1",
		.help = "share of deregistrations"),
	CONFIG_KEY(INT, struct pktgen_config_signalling, rate, .max = RATE_MAX, .text = "1000",
		.unit = "operations/s", .help = "0: as many as outstanding allows"),
	CONFIG_KEY_NAMED("duration", DURATION, struct pktgen_config_signalling, duration_ms,
		.min = 100, .max = 7 * 86400000, .text = "10s", .unit = "s",
		.help = "how long operations are begun; sooner if none is possible"),
	CONFIG_KEY(INT, struct pktgen_config_signalling, outstanding, .min = 1,
		.max = POPULATION_MAX, .text = "10000",
		.help = "nodes that wait for an answer, at most"),
	CONFIG_KEY_NAMED("lifetime", DURATION, struct pktgen_config_signalling, lifetime_ms,
		.min = 8000, .max = 262140000, .text = "420s", .unit = "s", .check = check_lifetime,
		.help = "of bindings, as asked for"),
	CONFIG_KEY_NAMED("timeout", DURATION, struct pktgen_config_signalling, timeout_ms,
		.min = 10, .max = 60000, .text = "1s",
		.help = "until an update is sent again, half more for first registrations; "
			"doubled each time (RFC 6275, 11.8)"),
	CONFIG_KEY_NAMED("timeout_max", DURATION, struct pktgen_config_signalling, timeout_max_ms,
		.min = 10, .max = 600000, .text = "32s", .help = "longest such time"),
	CONFIG_KEY(INT, struct pktgen_config_signalling, tries, .min = 1, .max = 100, .text = "5",
		.help = "updates sent until an operation counts as lost"),
	CONFIG_KEY(STRING, struct pktgen_config_signalling, update, .text = "ipc:///run/dmm/update",
		.min = 1, .max = ENDPOINT_MAX,
		.help = "update channel of dmm-ctrl, for --data-plane; on this host"),
	CONFIG_KEY(STRING, struct pktgen_config_signalling, packet, .text = "ipc:///run/dmm/packet",
		.min = 1, .max = ENDPOINT_MAX, .help = "packet channel of dmm-ctrl"),
	CONFIG_END,
};

const struct config_key pktgen_config_keys[] = {
	CONFIG_KEY(GROUP, struct pktgen_config, core, .keys = port_keys, .required = true,
		.help = "port to the side of the correspondents"),
	CONFIG_KEY(GROUP, struct pktgen_config, access, .keys = port_keys,
		.present = CONFIG_PRESENT(struct pktgen_config, access.present),
		.help = "port to the side of the care-of addresses; without it core is both"),
	CONFIG_KEY(INT, struct pktgen_config, mtu, .min = 1280, .max = 9000, .text = "1500",
		.unit = "octets", .help = "largest IP packet on both"),
	CONFIG_KEY(INTS, struct pktgen_config, cores, .max = 1023, .max_items = CONFIG_CORES_MAX,
		.help = "core that sends and receives, or two, one for each; none: the last core"),
	CONFIG_KEY(ENUM, struct pktgen_config, hugepages, .names = hugepages_names, .text = "auto",
		.help = "hugepages of 2 MiB: auto takes them when enough are free"),
	CONFIG_KEY(ENUM, struct pktgen_config, log_level, .names = log_level_names, .text = "warn",
		.help = "least important lines that are logged"),
	CONFIG_KEY(ADDR6, struct pktgen_config, home_agent, .required = true,
		.check = check_unicast, .help = "address of the home agent"),
	CONFIG_KEY(ADDR6, struct pktgen_config, tunnel,
		.help = "address of the gateway where tunnels end; left out: home_agent"),
	CONFIG_KEY(GROUP, struct pktgen_config, subscribers, .keys = subscriber_keys,
		.required = true, .help = "the mobile nodes that are played"),
	CONFIG_KEY(GROUP, struct pktgen_config, traffic, .keys = traffic_keys, .required = true,
		.help = "their traffic"),
	CONFIG_KEY(GROUP, struct pktgen_config, multicast, .keys = multicast_keys,
		.help = "the groups of the multicast stream"),
	CONFIG_KEY(GROUP, struct pktgen_config, search, .keys = search_keys,
		.help = "how the no-drop rate is searched"),
	CONFIG_KEY(GROUP, struct pktgen_config, signalling, .keys = signalling_keys,
		.help = "what the nodes signal"),
	CONFIG_END};

int pktgen_config_set_sizes(
	struct pktgen_config *config, const char *text, char *why, size_t why_size)
{
	const uint16_t max = (uint16_t)(config->mtu - PACKET_IP6); /* room for the tunnel */

	return sizes_parse(text, max, &config->traffic.sizes, why, why_size);
}

/* Index of the name that `text` begins with, -1 if there is none. */
static int name_of(const char *const *names, const char *text, size_t len)
{
	for (int i = 0; names[i]; i++)
		if (strlen(names[i]) == len && !strncmp(names[i], text, len))
			return i;
	return -1;
}

/* Reads "name:weight,name" to weights in the order of the names; false if it is not that. */
static bool read_weights(const char *const *names, const char *text, uint32_t *weight)
{
	for (const char *at = text;; at++) {
		const size_t len = strcspn(at, ":,");
		const int index = name_of(names, at, len);
		unsigned long w = 1;
		char *end;

		at += len;
		if (*at == ':') {
			w = strtoul(at + 1, &end, 10);
			at = end;
		}
		if (index < 0 || w < 1 || w > WEIGHT_MAX || (*at && *at != ','))
			return false;
		weight[index] = (uint32_t)w;
		if (!*at)
			return true;
	}
}

int pktgen_config_set_streams(
	struct pktgen_config *config, const char *text, char *why, size_t why_size)
{
	uint32_t weight[PACKET_STREAMS] = {0};

	if (!read_weights(packet_stream_names, text, weight)) {
		snprintf(why, why_size,
			"\"%.60s\" is no list of downlink, uplink and multicast, each with a "
			"weight from 1 to %d if any: \"downlink:3,uplink\"",
			text, WEIGHT_MAX);
		return -EINVAL;
	}
	memcpy(config->traffic.weight, weight, sizeof(weight));
	return 0;
}

int pktgen_config_set_mix(
	struct pktgen_config *config, const char *text, char *why, size_t why_size)
{
	uint32_t weight[PKTGEN_OPS] = {0};

	if (!read_weights(pktgen_op_names, text, weight)) {
		snprintf(why, why_size,
			"\"%.60s\" is no list of register, refresh, move and deregister, each "
			"with a weight from 1 to %d if any: \"register,refresh:8\"",
			text, WEIGHT_MAX);
		return -EINVAL;
	}
	memcpy(config->signalling.weight, weight, sizeof(weight));
	return 0;
}

struct packet_plan pktgen_config_plan(const struct pktgen_config *config)
{
	return (struct packet_plan){.population = &config->subscribers,
		.tunnel = config->tunnel,
		.correspondent = config->traffic.correspondent,
		.group = config->multicast.group,
		.udp_port = config->traffic.udp_port};
}

struct finding {
	const char *path;
	struct config_report *report;
	int rc;
};

static void wrong(struct finding *f, const char *key, const char *what)
{
	config_report_add(f->report, f->path, 0, key, "%s", what);
	f->rc = -EINVAL;
}

static void check_port(struct finding *f, const char *name, const struct pktgen_config_port *port)
{
	static const struct mac none;
	const bool asks = !addr_is_unspecified(&port->gateway);

	if (mac_equal(&port->gateway_mac, &none) && !asks)
		wrong(f, name, "gateway or gateway_mac is needed");
	if (asks && addr_is_unspecified(&port->address))
		wrong(f, name, "address is needed to ask for the MAC address of gateway");
}

int pktgen_config_load(const char *path, struct pktgen_config *config, struct config_report *report)
{
	struct finding f = {.path = path, .report = report};
	struct pktgen_config_traffic *t = &config->traffic;
	const struct pktgen_config_signalling *g = &config->signalling;
	char why[200];

	f.rc = config_load(path, pktgen_config_keys, config, report);
	if (f.rc)
		return f.rc;
	if (addr_is_unspecified(&config->tunnel))
		config->tunnel = config->home_agent;
	t->exponent = decimal(t->exponent_text, 10);
	config->search.resolution = decimal(config->search.resolution_text, 100);
	config->search.skipped = decimal(config->search.skipped_text, 100);
	config->search.loss = decimal(config->search.loss_text, 100);
	check_port(&f, "core", &config->core);
	if (config->access.present)
		check_port(&f, "access", &config->access);
	if (t->weight[PACKET_DOWNLINK] + t->weight[PACKET_UPLINK] + t->weight[PACKET_MULTICAST] ==
		0)
		wrong(&f, "traffic", "downlink, uplink and multicast are all 0");
	for (size_t i = 0; i < config->subscribers.care_of_prefixes.count; i++)
		if (check_prefix(
			    config_item(&config->subscribers.care_of_prefixes, struct prefix6, i),
			    why, sizeof(why)) < 0)
			wrong(&f, "subscribers.care_of_prefixes", why);
	if (g->weight[PKTGEN_REGISTER] + g->weight[PKTGEN_REFRESH] + g->weight[PKTGEN_MOVE] +
			g->weight[PKTGEN_DEREGISTER] ==
		0)
		wrong(&f, "signalling", "register, refresh, move and deregister are all 0");
	if (config->search.min_rate > config->search.max_rate)
		wrong(&f, "search", "min_rate is above max_rate");
	if (pktgen_config_set_sizes(config, t->sizes_text, why, sizeof(why)) < 0)
		wrong(&f, "traffic.sizes", why);
	return f.rc;
}

void pktgen_config_free(struct pktgen_config *config)
{
	if (config->subscribers.key_seed)
		hmac_wipe(config->subscribers.key_seed, strlen(config->subscribers.key_seed));
	config_free(pktgen_config_keys, config);
}
