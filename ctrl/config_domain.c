#include "ctrl/config_domain.h"

#include <string.h>

#include "ctrl/config.h"
#include "proto/channel/object.h"

const struct config_key ctrl_config_domain_keys[] = {
	CONFIG_KEY(STRING, struct ctrl_config_domain, name, .required = true, .min = 1, .max = 64,
		.help = "name that pools, nodes and links refer to"),
	CONFIG_KEY(INT, struct ctrl_config_domain, number, .required = true, .min = 1,
		.max = OBJECT_DOMAIN_LINK - 1,
		.help = "by which data planes know it: ports[].domain of their configuration"),
	CONFIG_END};

/* Where errors go. */
struct check {
	const struct ctrl_config *config;
	const char *file;
	struct config_report *report;
};

static const struct ctrl_config_domain *domain_at(const struct ctrl_config *config, size_t i)
{
	return config_item(&config->domains, struct ctrl_config_domain, i);
}

int64_t ctrl_config_domain_number(const struct ctrl_config *config, const char *name)
{
	for (size_t i = 0; name && i < config->domains.count; i++)
		if (strcmp(domain_at(config, i)->name, name) == 0)
			return domain_at(config, i)->number;
	return name ? -1 : 0;
}

const char *ctrl_config_domain_name(const struct ctrl_config *config, uint32_t number)
{
	for (size_t i = 0; i < config->domains.count; i++)
		if (domain_at(config, i)->number == number)
			return domain_at(config, i)->name;
	return NULL;
}

static void check_each(const struct check *c)
{
	for (size_t i = 0; i < c->config->domains.count; i++) {
		const struct ctrl_config_domain *a = domain_at(c->config, i);

		if (strcmp(a->name, CTRL_CONFIG_PUBLIC) == 0)
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("domains", i, "name"),
				"\"%s\" is the domain without a number", a->name);
		for (size_t j = 0; j < i; j++) {
			const struct ctrl_config_domain *b = domain_at(c->config, j);

			if (strcmp(a->name, b->name) == 0)
				config_report_add(c->report, c->file, 0,
					CONFIG_ITEM_TEXT("domains", i, "name"),
					"two domains have the name \"%s\"", a->name);
			if (a->number == b->number)
				config_report_add(c->report, c->file, 0,
					CONFIG_ITEM_TEXT("domains", i, "number"),
					"\"%s\" and \"%s\" both have the number %u", b->name,
					a->name, a->number);
		}
	}
}

/* Whatever names one names one that there is. */
static void check_name(
	const struct check *c, const char *where, const char *what, const char *domain)
{
	if (ctrl_config_domain_number(c->config, domain) < 0)
		config_report_add(c->report, c->file, 0, where, "\"%s\": no domain is named \"%s\"",
			what, domain);
}

static bool same(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

/* What a node gets from a pool is of its domain. */
static void check_pool(const struct check *c, size_t node, const char *key, const char *pool)
{
	const struct ctrl_config_lma *lma = &c->config->lma;
	const struct ctrl_config_lma_node *n =
		config_item(&lma->nodes, struct ctrl_config_lma_node, node);

	for (size_t i = 0; pool && i < lma->pools.count; i++) {
		const struct ctrl_config_pool *p =
			config_item(&lma->pools, struct ctrl_config_pool, i);

		if (strcmp(p->name, pool) == 0 && !same(p->domain, n->domain))
			config_report_add(c->report, c->file, 0,
				CONFIG_ITEM_TEXT("lma.nodes", node, key),
				"\"%s\": pool \"%s\" is of another domain", n->match, pool);
	}
}

static void check_lma(const struct check *c)
{
	const struct ctrl_config_lma *lma = &c->config->lma;

	for (size_t i = 0; i < lma->pools.count; i++) {
		const struct ctrl_config_pool *p =
			config_item(&lma->pools, struct ctrl_config_pool, i);

		check_name(c, CONFIG_ITEM_TEXT("lma.pools", i, "domain"), p->name, p->domain);
	}
	for (size_t i = 0; i < lma->nodes.count; i++) {
		const struct ctrl_config_lma_node *n =
			config_item(&lma->nodes, struct ctrl_config_lma_node, i);

		check_name(c, CONFIG_ITEM_TEXT("lma.nodes", i, "domain"), n->match, n->domain);
		check_pool(c, i, "pool", n->pool);
		check_pool(c, i, "delegated_pool", n->delegated_pool);
	}
	if (c->config->domains.count && lma->present && lma->gre == LMA_GRE_NEVER)
		config_report_add(c->report, c->file, 0, "lma.gre",
			"\"never\", but domains need GRE with keys");
	if (c->config->domains.count && lma->present && ctrl_config_addressed(c->config))
		config_report_add(c->report, c->file, 0, "data_planes",
			"with domains there is one data plane, or none has an address: what is "
			"relayed does not say of which domain it is");
}

static void check_mag(const struct check *c)
{
	const struct ctrl_config_mag *mag = &c->config->mag;
	bool any = false;

	for (size_t i = 0; i < mag->links.count; i++) {
		const struct ctrl_config_access *l =
			config_item(&mag->links, struct ctrl_config_access, i);

		check_name(c, CONFIG_ITEM_TEXT("mag.links", i, "domain"), l->port, l->domain);
		any |= l->domain != NULL;
	}
	for (size_t i = 0; i < mag->nodes.count; i++) {
		const struct ctrl_config_mag_node *n =
			config_item(&mag->nodes, struct ctrl_config_mag_node, i);

		check_name(c, CONFIG_ITEM_TEXT("mag.nodes", i, "domain"), n->mn_id, n->domain);
		for (size_t k = 0; n->always_on && k < mag->links.count; k++) {
			const struct ctrl_config_access *l =
				config_item(&mag->links, struct ctrl_config_access, k);

			if (strcmp(l->port, n->always_on) == 0 && !same(l->domain, n->domain))
				config_report_add(c->report, c->file, 0,
					CONFIG_ITEM_TEXT("mag.nodes", i, "always_on"),
					"\"%s\": port \"%s\" is of another domain", n->mn_id,
					n->always_on);
		}
	}
	if (any && mag->gre == MAG_GRE_NEVER)
		config_report_add(c->report, c->file, 0, "mag.gre",
			"\"never\", but links of domains need GRE with keys");
	if (any && c->config->multicast.max_groups)
		config_report_add(c->report, c->file, 0, "multicast.max_groups",
			"multicast is public: it is not served where links are of domains");
}

void ctrl_config_check_domains(
	const struct ctrl_config *config, const char *file, struct config_report *report)
{
	const struct check c = {.config = config, .file = file, .report = report};

	check_each(&c);
	check_lma(&c);
	check_mag(&c);
	if (config->domains.count && !config->lma.present && !config->mag.present)
		config_report_add(report, file, 0, "domains",
			"are of the roles \"lma\" and \"mag\": home agents serve the public one");
}
