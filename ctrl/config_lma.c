#include "ctrl/config_lma.h"

#include "common/hex.h"
#include "common/hmac.h"
#include "ctrl/binding/prefix_pool.h"
#include "ctrl/binding/session.h"
#include "ctrl/config.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_DIGITS = 2 * AUTH_KEY_SIZE };

static const char *const gre_texts[] = {
	[LMA_GRE_NEVER] = "never",
	[LMA_GRE_ASKED] = "asked",
	[LMA_GRE_REQUIRED] = "required",
	NULL,
};

static const struct config_key gateway_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_gateway, name, .required = true, .min = 1, .max = 64,
		.help = "name for people"),
	CONFIG_KEY(STRING, struct ctrl_config_gateway, identifier, .min = 1, .max = 253,
		.help = "network access identifier by which it may revoke all that it has "
			"registered "
			"at once (RFC 5846, 8.2); without it, it may not"),
	CONFIG_KEY(STRINGS, struct ctrl_config_gateway, addresses, .required = true,
		.max_items = 16, .check = ctrl_config_check_addresses,
		.help = "its messages come from, and tunnels to it end at, these addresses "
			"(Proxy-CoA)"),
	CONFIG_KEY(INT, struct ctrl_config_gateway, spi, .max = UINT32_MAX,
		.help = "security parameter index of its key, 256 or more (RFC 4285, 5)"),
	CONFIG_KEY(STRING, struct ctrl_config_gateway, key_file, .min = 1, .max = 400,
		.check = ctrl_config_check_path,
		.help = "file with the key that both sides share, 32 hexadecimal digits; without "
			"it something else must protect the messages of this gateway"),
	CONFIG_END};

static const struct config_key pool_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_pool, name, .required = true, .min = 1, .max = 64,
		.help = "name that nodes refer to"),
	CONFIG_KEY(PREFIX6, struct ctrl_config_pool, prefix, .required = true,
		.help = "all prefixes of the pool; it is routed to the data planes"),
	CONFIG_KEY(INT, struct ctrl_config_pool, length, .text = "64", .min = 8, .max = 128,
		.help = "length of the prefixes that are given from it, at most 24 bits more than "
			"its own"),
	CONFIG_KEY(STRING, struct ctrl_config_pool, domain, .min = 1, .max = 64,
		.help = "name of its domain, in which alone it must not overlap; without it, the "
			"public one. It is routed to the port of that domain"),
	CONFIG_END};

static const struct config_key node_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_lma_node, match, .required = true, .min = 1,
		.max = SESSION_MN_ID_MAX,
		.help = "identifier of a mobile node, \"@realm\" for all of a realm, or \"*\"; the "
			"most exact one holds"),
	CONFIG_KEY(STRING, struct ctrl_config_lma_node, domain, .min = 1, .max = 64,
		.help = "name of the domain that its prefixes are of; a gateway that does not ask "
			"for GRE with a key for it is refused with status 163 (RFC 5845). Without "
			"it, the public one"),
	CONFIG_KEY(BOOL, struct ctrl_config_lma_node, enabled, .text = "true",
		.help = "false: refused with status 152"),
	CONFIG_KEY(STRING, struct ctrl_config_lma_node, pool, .min = 1, .max = 64,
		.help = "name of the pool that its prefixes come from"),
	CONFIG_KEY(INT, struct ctrl_config_lma_node, prefixes_per_session, .text = "1", .min = 1,
		.max = SESSION_PREFIXES_MAX, .help = "how many an interface gets from the pool"),
	CONFIG_KEY(PREFIXES, struct ctrl_config_lma_node, prefixes,
		.max_items = SESSION_PREFIXES_MAX,
		.help = "prefixes of its own, outside of all pools, given to its first interface"),
	CONFIG_KEY(STRING, struct ctrl_config_lma_node, delegated_pool, .min = 1, .max = 64,
		.help = "name of the pool that prefixes of networks behind it come from (RFC "
			"7148); without it, and without delegated_prefixes, requests for such are "
			"refused with status 177, or passed over if no node has either"),
	CONFIG_KEY(INT, struct ctrl_config_lma_node, delegated_per_session, .text = "1", .min = 1,
		.max = SESSION_DELEGATED_MAX,
		.help = "how many an interface gets delegated from that pool"),
	CONFIG_KEY(PREFIXES, struct ctrl_config_lma_node, delegated_prefixes,
		.max_items = SESSION_DELEGATED_MAX,
		.help = "prefixes of networks behind it, of its own and outside of all pools, "
			"delegated to its first interface that asks"),
	CONFIG_KEY_NAMED("max_lifetime", DURATION, struct ctrl_config_lma_node, max_lifetime_ms,
		.unit = "s", .max = 262140000, .check = ctrl_config_check_lifetime,
		.help = "longest lifetime granted to it; 0: that of the anchor"),
	CONFIG_KEY(BOOL, struct ctrl_config_lma_node, multipath, .text = "true",
		.help = "false: a gateway that asks for several bindings is refused with status "
			"180 (RFC 8278)"),
	CONFIG_END};

const struct config_key ctrl_config_lma_keys[] = {
	CONFIG_KEY(STRINGS, struct ctrl_config_lma, addresses, .required = true, .max_items = 64,
		.check = ctrl_config_check_addresses,
		.help = "addresses of the anchor (LMAA): Proxy Binding Updates are accepted and "
			"tunnels end there; the data plane's host must own them"),
	CONFIG_KEY(GROUPS, struct ctrl_config_lma, gateways, .required = true, .max_items = 4096,
		.keys = gateway_keys, .item_size = sizeof(struct ctrl_config_gateway),
		.help = "mobile access gateways that may register nodes; others are refused with "
			"status 154"),
	CONFIG_KEY(GROUPS, struct ctrl_config_lma, pools, .max_items = 256, .keys = pool_keys,
		.item_size = sizeof(struct ctrl_config_pool), .help = "pools of prefixes"),
	CONFIG_KEY(GROUPS, struct ctrl_config_lma, nodes, .required = true, .max_items = 1000000,
		.keys = node_keys, .item_size = sizeof(struct ctrl_config_lma_node),
		.help = "policy profiles; nodes without one are refused with status 153"),
	CONFIG_KEY_NAMED("max_lifetime", DURATION, struct ctrl_config_lma, max_lifetime_ms,
		.text = "420s", .unit = "s", .min = 4000, .max = 262140000,
		.check = ctrl_config_check_lifetime,
		.help = "longest lifetime granted, a multiple of 4 s"),
	CONFIG_KEY(INT, struct ctrl_config_lma, max_sessions, .text = "1000000", .min = 1,
		.max = 100000000, .help = "registrations above it are refused with status 130"),
	CONFIG_KEY(BOOL, struct ctrl_config_lma, timestamps, .text = "true",
		.help = "TimestampBasedApproachInUse: registrations without a timestamp are "
			"refused with status 156; false: they are ordered by sequence number, "
			"which does not protect first registrations from being replayed"),
	CONFIG_KEY_NAMED("timestamp_window", DURATION, struct ctrl_config_lma, timestamp_window_ms,
		.text = "300ms", .min = 1, .max = 3600000,
		.help = "TimestampValidityWindow: how far the clock of a gateway may be off"),
	CONFIG_KEY_NAMED("delete_delay", DURATION, struct ctrl_config_lma, delete_delay_ms,
		.text = "10s", .unit = "s", .max = 3600000,
		.help = "MinDelayBeforeBCEDelete: prefixes are kept so long after deregistration"),
	CONFIG_KEY_NAMED("assign_delay", DURATION, struct ctrl_config_lma, assign_delay_ms,
		.text = "1500ms", .max = 60000,
		.help = "MaxDelayBeforeNewBCEAssign: how long a registration with unknown handoff "
			"state waits for the end of the session before; 0: not at all"),
	CONFIG_KEY(GROUP, struct ctrl_config_lma, handover, .keys = ctrl_config_handover_keys,
		.help = "what becomes of packets to a node that its gateway has deregistered, "
			"until another one registers it or delete_delay is over; RFC 5213, 5.3.5, "
			"would have them dropped"),
	CONFIG_KEY(INT, struct ctrl_config_lma, refusals_per_second, .text = "10", .min = 1,
		.max = 100000, .help = "refusals to who is no gateway, at most, and as a burst"),
	CONFIG_KEY(INT, struct ctrl_config_lma, max_paths, .text = "4", .max = SESSION_PATHS_MAX,
		.help = "bindings that a gateway may register for a session (RFC 8278); 0: who "
			"asks for several is refused with status 180"),
	CONFIG_KEY(GROUP, struct ctrl_config_lma, distribution,
		.keys = ctrl_config_distribution_keys,
		.help = "which packets to a node take which of its session's bindings"),
	CONFIG_KEY(INT, struct ctrl_config_lma, metrics_vendor, .max = UINT32_MAX,
		.help = "private enterprise number of the Vendor Specific option (RFC 5094) by "
			"which gateways tell what they measure of the ways to the anchor; 0: it is "
			"not looked at"),
	CONFIG_KEY(BOOL, struct ctrl_config_lma, user_planes, .text = "false",
		.help = "Domain-wide-LMA-UPA-Support: where data planes have addresses, gateways "
			"are told that of the nearest one even if they do not ask (RFC 7389, 5)"),
	CONFIG_KEY(ENUM, struct ctrl_config_lma, gre, .text = "asked", .names = gre_texts,
		.help = "tunnels in GRE, with keys if the gateway has one (RFC 5845): \"never\", "
			"those that ask are told that it is not required (status 2); \"asked\", "
			"for gateways that ask; \"required\", registrations without are refused "
			"with status 163"),
	CONFIG_KEY(GROUP, struct ctrl_config_lma, supervision, .keys = ctrl_config_supervision_keys,
		.help = "of the ways to gateways that register several"),
	CONFIG_KEY(BOOL, struct ctrl_config_lma, revocation, .text = "true",
		.help = "gateways are told that a node has gone to another one, and asked when it "
			"may have (RFC 5846)"),
	CONFIG_KEY_NAMED("heartbeat", DURATION, struct ctrl_config_lma, heartbeat_ms, .text = "60s",
		.unit = "s", .max = 3600000,
		.help = "HEARTBEAT_INTERVAL: gateways with sessions are asked so often whether "
			"they "
			"are there, not below 30 s in a network (RFC 5847); 0: never"),
	CONFIG_KEY(INT, struct ctrl_config_lma, heartbeats_missed, .text = "3", .min = 1,
		.max = 100,
		.help = "MISSING_HEARTBEATS_ALLOWED: more unanswered ones and it is not"),
	CONFIG_END};

/* Where errors go. */
struct check {
	const struct ctrl_config *config;
	const char *file;
	struct config_report *report;
};

/* Reads the digits of a file that only its owner may read into text. */
static int read_digits(const char *path, char text[KEY_DIGITS + 2], char *why, size_t why_size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), error = 0;
	struct stat st;
	ssize_t n = -1;

	if (fd >= 0 && fstat(fd, &st) == 0)
		n = read(fd, text, KEY_DIGITS + 1);
	if (n < 0) {
		error = -errno;
		snprintf(why, why_size, "%s", strerror(errno));
	} else if (st.st_mode & 077) {
		error = -EACCES;
		snprintf(why, why_size,
			"its permissions are %04o, but only its owner may read a key (chmod 600)",
			(unsigned)st.st_mode & 07777);
	}
	if (fd >= 0)
		close(fd);
	while (n > 0 && isspace((unsigned char)text[n - 1]))
		n--;
	text[n < 0 ? 0 : n] = '\0';
	return error;
}

int ctrl_config_read_gateway_key(
	const char *path, uint8_t key[static AUTH_KEY_SIZE], char *why, size_t why_size)
{
	char text[KEY_DIGITS + 2] = "";
	int error = read_digits(path, text, why, why_size);

	if (!error && hex_octets(text, key, AUTH_KEY_SIZE) < 0) {
		error = -EINVAL;
		snprintf(why, why_size, "it does not hold %d hexadecimal digits", KEY_DIGITS);
	}
	if (error)
		hmac_wipe(key, AUTH_KEY_SIZE);
	hmac_wipe(text, sizeof(text));
	return error;
}

void ctrl_config_check_gateway_key(struct config_report *report, const char *file,
	const char *where, const char *name, const char *key_file, uint32_t spi)
{
	uint8_t key[AUTH_KEY_SIZE];
	char why[256];

	if (!key_file) {
		if (spi)
			config_report_add(
				report, file, 0, where, "\"%s\": an spi needs a key_file", name);
		return;
	}
	if (spi <= AUTH_SPI_RESERVED)
		config_report_add(report, file, 0, where,
			"\"%s\": spi %u is reserved, %d to 4294967295 is needed", name, spi,
			AUTH_SPI_RESERVED + 1);
	if (ctrl_config_read_gateway_key(key_file, key, why, sizeof(why)) < 0)
		config_report_add(
			report, file, 0, where, "\"%s\": \"%s\": %s", name, key_file, why);
	hmac_wipe(key, sizeof(key));
}

/* Whether an address text was seen in the list before item i. */
static bool in_list(const struct config_list *list, size_t end, const struct in6_addr *addr)
{
	struct in6_addr other;

	for (size_t i = 0; i < end; i++)
		if (addr_parse(*config_item(list, char *, i), &other) == 0 &&
			addr_equal(&other, addr))
			return true;
	return false;
}

/* Our own addresses, and those of other gateways, are not those of a gateway. */
static void check_gateway_addresses(const struct check *c, size_t index)
{
	const struct ctrl_config_lma *lma = &c->config->lma;
	const struct ctrl_config_gateway *g =
		config_item(&lma->gateways, struct ctrl_config_gateway, index);

	for (size_t i = 0; i < g->addresses.count; i++) {
		const char *text = *config_item(&g->addresses, char *, i);
		struct in6_addr addr;

		if (addr_parse(text, &addr) < 0)
			continue;
		if (ctrl_config_is_own(c->config, &addr))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.gateways", index, "addresses"),
				"\"%s\": %s is an address of ours", g->name, text);
		for (size_t j = 0; j < index; j++) {
			const struct ctrl_config_gateway *other =
				config_item(&lma->gateways, struct ctrl_config_gateway, j);

			if (in_list(&other->addresses, other->addresses.count, &addr))
				config_report_add(c->report, c->file, 0,
					CONFIG_ITEM_TEXT("lma.gateways", index, "addresses"),
					"\"%s\" and \"%s\" both have %s", other->name, g->name,
					text);
		}
	}
}

static const struct ctrl_config_pool *pool_of(const struct ctrl_config_lma *lma, const char *name)
{
	for (size_t i = 0; i < lma->pools.count; i++) {
		const struct ctrl_config_pool *pool =
			config_item(&lma->pools, struct ctrl_config_pool, i);

		if (strcmp(pool->name, name) == 0)
			return pool;
	}
	return NULL;
}

static void check_pools(const struct check *c)
{
	const struct ctrl_config_lma *lma = &c->config->lma;

	for (size_t i = 0; i < lma->pools.count; i++) {
		const struct ctrl_config_pool *pool =
			config_item(&lma->pools, struct ctrl_config_pool, i);

		if (pool_of(lma, pool->name) != pool)
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.pools", i, "name"),
				"two pools have the name \"%s\"", pool->name);
		if (pool->length < pool->prefix.len ||
			pool->length - pool->prefix.len > PREFIX_POOL_BITS_MAX)
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.pools", i, "length"),
				"\"%s\": prefixes of length %u cannot be given from %s, lengths %u "
				"to "
				"%u can",
				pool->name, pool->length, PREFIX6_TEXT(&pool->prefix),
				pool->prefix.len, pool->prefix.len + PREFIX_POOL_BITS_MAX);
	}
}

static int compare_matches(const void *a, const void *b)
{
	return strcmp((*(const struct ctrl_config_lma_node *const *)a)->match,
		(*(const struct ctrl_config_lma_node *const *)b)->match);
}

static int check_nodes(const struct check *c)
{
	const struct ctrl_config_lma *lma = &c->config->lma;
	const struct ctrl_config_lma_node **sorted = calloc(lma->nodes.count + 1, sizeof(*sorted));

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < lma->nodes.count; i++) {
		const struct ctrl_config_lma_node *n =
			config_item(&lma->nodes, struct ctrl_config_lma_node, i);

		sorted[i] = n;
		if (n->pool && !pool_of(lma, n->pool))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.nodes", i, "pool"),
				"\"%s\": no pool is named \"%s\"", n->match, n->pool);
		if (n->delegated_pool && !pool_of(lma, n->delegated_pool))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.nodes", i, "delegated_pool"),
				"\"%s\": no pool is named \"%s\"", n->match, n->delegated_pool);
		if (!n->pool && !n->prefixes.count && n->enabled)
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.nodes", i, ""),
				"\"%s\" has neither a pool nor prefixes of its own", n->match);
	}
	qsort(sorted, lma->nodes.count, sizeof(*sorted), compare_matches);
	for (size_t i = 1; i < lma->nodes.count; i++)
		if (strcmp(sorted[i - 1]->match, sorted[i]->match) == 0)
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.nodes",
					(size_t)(sorted[i] - (const struct ctrl_config_lma_node *)
								     lma->nodes.items),
					"match"),
				"\"%s\" is given twice", sorted[i]->match);
	free(sorted);
	return 0;
}

/* A prefix, and what it is for. */
struct claim {
	struct prefix6 prefix;
	const char *kind, *name;
	const char *domain; /* "": the public one */
};

static int compare_claims(const void *a, const void *b)
{
	const struct claim *one = a, *other = b;
	int order = strcmp(one->domain, other->domain);

	return order ? order : prefix6_compare(&one->prefix, &other->prefix);
}

static const char *domain_text(const char *name)
{
	return name ? name : "";
}

/* All prefixes that somebody can have. Returns their number. */
static size_t gather(const struct ctrl_config *config, struct claim *claims)
{
	const struct ctrl_config_lma *lma = &config->lma;
	size_t n = 0;

	for (size_t i = 0; i < config->home_prefixes.count; i++)
		claims[n++] = (struct claim){
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i)
				->prefix,
			"home prefix", "", ""};
	for (size_t i = 0; i < lma->pools.count; i++) {
		const struct ctrl_config_pool *p =
			config_item(&lma->pools, struct ctrl_config_pool, i);

		claims[n++] = (struct claim){p->prefix, "pool ", p->name, domain_text(p->domain)};
	}
	for (size_t i = 0; i < lma->nodes.count; i++) {
		const struct ctrl_config_lma_node *node =
			config_item(&lma->nodes, struct ctrl_config_lma_node, i);

		for (size_t j = 0; j < node->prefixes.count; j++)
			claims[n++] =
				(struct claim){*config_item(&node->prefixes, struct prefix6, j),
					"node ", node->match, domain_text(node->domain)};
		for (size_t j = 0; j < node->delegated_prefixes.count; j++)
			claims[n++] = (struct claim){
				*config_item(&node->delegated_prefixes, struct prefix6, j),
				"network of ", node->match, domain_text(node->domain)};
	}
	return n;
}

/* No two of them may overlap: sorted, one that holds another holds the next. */
static int check_overlaps(const struct check *c)
{
	const struct ctrl_config_lma *lma = &c->config->lma;
	size_t most = c->config->home_prefixes.count + lma->pools.count +
		      lma->nodes.count * (SESSION_PREFIXES_MAX + SESSION_DELEGATED_MAX);
	struct claim *claims = calloc(most + 1, sizeof(*claims));

	if (!claims)
		return -ENOMEM;
	size_t count = gather(c->config, claims);

	qsort(claims, count, sizeof(*claims), compare_claims);
	for (size_t i = 1; i < count; i++)
		if (strcmp(claims[i - 1].domain, claims[i].domain) == 0 &&
			prefix6_covers(&claims[i - 1].prefix, &claims[i].prefix))
			config_report_add(c->report, c->file, 0, "lma",
				"%s of %s%s and %s of %s%s overlap",
				PREFIX6_TEXT(&claims[i - 1].prefix), claims[i - 1].kind,
				claims[i - 1].name, PREFIX6_TEXT(&claims[i].prefix), claims[i].kind,
				claims[i].name);
	free(claims);
	return 0;
}

int ctrl_config_check_lma(
	const struct ctrl_config *config, const char *file, struct config_report *report)
{
	const struct check c = {.config = config, .file = file, .report = report};
	bool role = ctrl_config_has_role(config, "lma");
	int error;

	if (role && !config->lma.present)
		config_report_add(report, file, 0, "lma", "is required for the role \"lma\"");
	if (!role && config->lma.present)
		config_report_add(report, file, 0, "lma", "is given, but roles has no \"lma\"");
	for (size_t i = 0; i < config->lma.gateways.count; i++) {
		const struct ctrl_config_gateway *g =
			config_item(&config->lma.gateways, struct ctrl_config_gateway, i);

		check_gateway_addresses(&c, i);
		ctrl_config_check_gateway_key(report, file, CONFIG_ITEM_TEXT("lma.gateways", i, ""),
			g->name, g->key_file, g->spi);
	}
	check_pools(&c);
	if (role)
		ctrl_config_check_distribution(&config->lma.distribution, &config->lma.supervision,
			config->lma.gre != LMA_GRE_NEVER, file, "lma.distribution", report);
	error = check_nodes(&c);
	return error ? error : check_overlaps(&c);
}
