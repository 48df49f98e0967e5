/* Data planes in the configuration: names, ids, and who is preferred for a care-of address. */
#include "ctrl/config.h"

#include <errno.h>
#include <string.h>

static const struct ctrl_config_data_plane *item(const struct ctrl_config *config, unsigned dp)
{
	return config_item(&config->data_planes, struct ctrl_config_data_plane, dp);
}

static bool has_address(const struct ctrl_config *config, unsigned dp)
{
	return !addr_equal(&item(config, dp)->address, &in6addr_any);
}

int ctrl_config_data_plane(const struct ctrl_config *config, const char *name)
{
	for (unsigned i = 0; i < config->data_planes.count; i++) {
		const char *known = ctrl_config_data_plane_name(config, i);

		if (known && strcmp(known, name) == 0)
			return (int)i;
	}
	return -ENOENT;
}

bool ctrl_config_addressed(const struct ctrl_config *config)
{
	return config->data_planes.count > 0 && has_address(config, 0);
}

/* FNV-1a of the name: an id that does not depend on the order of the list. */
static uint64_t id_of(const char *name)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 0x100000001b3u;
	return h ? h : 1;
}

uint64_t ctrl_config_data_plane_id(const struct ctrl_config *config, unsigned dp)
{
	return has_address(config, dp) ? id_of(ctrl_config_data_plane_name(config, dp)) : 0;
}

int ctrl_config_data_plane_of_id(const struct ctrl_config *config, uint64_t id)
{
	for (unsigned i = 0; id && i < config->data_planes.count; i++)
		if (ctrl_config_data_plane_id(config, i) == id)
			return (int)i;
	return -ENOENT;
}

/* Length of the longest prefix that it serves the address with, or -1. */
static int serves(const struct ctrl_config_data_plane *d, const struct in6_addr *care_of)
{
	int best = d->serves.count ? -1 : 0;

	for (size_t i = 0; i < d->serves.count; i++) {
		const struct prefix6 *p = config_item(&d->serves, struct prefix6, i);

		if (prefix6_contains(p, care_of) && p->len > best)
			best = p->len;
	}
	return best;
}

int ctrl_config_prefer(
	const struct ctrl_config *config, const struct in6_addr *care_of, uint64_t set)
{
	int best = -1, preferred = -ENOENT;

	for (unsigned i = 0; i < config->data_planes.count; i++) {
		int len = set >> i & 1 ? serves(item(config, i), care_of) : -1;

		if (len > best) {
			best = len;
			preferred = (int)i;
		}
	}
	return preferred;
}

enum ctrl_tunnel_option ctrl_config_tunnel_option(const struct ctrl_config *config)
{
	if (config->serving.tunnel_address_option != CTRL_TUNNEL_AUTO)
		return config->serving.tunnel_address_option;
	return ctrl_config_addressed(config) ? CTRL_TUNNEL_ALTERNATE_COA : CTRL_TUNNEL_NONE;
}

const char *ctrl_config_link_port(const char *link)
{
	const char *colon = strchr(link, ':');

	return colon ? colon + 1 : link;
}

int ctrl_config_link_data_plane(const struct ctrl_config *config, const char *link)
{
	size_t len = strcspn(link, ":");

	for (unsigned i = 0; link[len] && i < config->data_planes.count; i++) {
		const char *name = ctrl_config_data_plane_name(config, i);

		if (name && strlen(name) == len && strncmp(name, link, len) == 0)
			return (int)i;
	}
	return -ENOENT;
}

int ctrl_config_home_data_plane(
	const struct ctrl_config *config, const struct ctrl_config_home_prefix *home)
{
	int named = home->link ? ctrl_config_link_data_plane(config, home->link) : -ENOENT;

	return named < 0 && home->link && config->data_planes.count == 1 ? 0 : named;
}

static void check_links(
	const struct ctrl_config *config, const char *file, struct config_report *report)
{
	for (size_t i = 0; i < config->home_prefixes.count; i++) {
		const char *link =
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i)
				->link;

		if (link && strchr(link, ':') && ctrl_config_link_data_plane(config, link) < 0)
			config_report_add(report, file, 0,
				CONFIG_ITEM_TEXT("home_prefixes", i, "link"),
				"link \"%s\": no data plane is named \"%.*s\"", link,
				(int)strcspn(link, ":"), link);
	}
}

/* What is for a home link goes to the data plane that is there, so that it must be known which. */
static void check_at_home(
	const struct ctrl_config *config, const char *file, struct config_report *report)
{
	if (config->multihoming.at_home == MULTIHOMING_HOME_REFUSED ||
		config->data_planes.count < 2)
		return;
	if (!ctrl_config_addressed(config))
		config_report_add(report, file, 0, "multihoming.at_home",
			"with several data planes needs their addresses");
	for (size_t i = 0; i < config->home_prefixes.count; i++) {
		const char *link =
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i)
				->link;

		if (link && !strchr(link, ':'))
			config_report_add(report, file, 0,
				CONFIG_ITEM_TEXT("home_prefixes", i, "link"),
				"multihoming.at_home with several data planes needs "
				"\"DATA-PLANE:%s\"",
				link);
	}
}

static void check_address(const struct ctrl_config *config, unsigned dp, const char *file,
	struct config_report *report)
{
	const struct in6_addr *a = &item(config, dp)->address;

	if (has_address(config, dp) != has_address(config, 0))
		config_report_add(report, file, 0, CONFIG_ITEM_TEXT("data_planes", dp, "address"),
			"\"%s\" has %s address: either all data planes have one or none",
			ctrl_config_data_plane_name(config, dp),
			dp && has_address(config, dp) ? "an" : "no");
	if (!has_address(config, dp))
		return;
	if (!addr_is_unicast_routable(a))
		config_report_add(report, file, 0, CONFIG_ITEM_TEXT("data_planes", dp, "address"),
			"%s is no global or unique local IPv6 address", ADDR_TEXT(a));
	for (unsigned i = 0; i < dp; i++)
		if (addr_equal(&item(config, i)->address, a))
			config_report_add(report, file, 0,
				CONFIG_ITEM_TEXT("data_planes", dp, "address"),
				"two data planes have the address %s", ADDR_TEXT(a));
}

void ctrl_config_check_data_planes(
	const struct ctrl_config *config, const char *file, struct config_report *report)
{
	for (unsigned i = 0; i < config->data_planes.count; i++) {
		const char *name = ctrl_config_data_plane_name(config, i);

		if (!name)
			continue;
		if (ctrl_config_data_plane(config, name) != (int)i)
			config_report_add(report, file, 0,
				CONFIG_ITEM_TEXT("data_planes", i, "name"),
				"two data planes have the name \"%s\"", name);
		else if (has_address(config, i) &&
			 ctrl_config_data_plane_of_id(config, id_of(name)) != (int)i)
			config_report_add(report, file, 0,
				CONFIG_ITEM_TEXT("data_planes", i, "name"),
				"\"%s\" has the same id as another name, choose another", name);
		check_address(config, i, file, report);
	}
	check_links(config, file, report);
	check_at_home(config, file, report);
	if (ctrl_config_tunnel_option(config) > CTRL_TUNNEL_NONE && !ctrl_config_addressed(config))
		config_report_add(report, file, 0, "serving.tunnel_address_option",
			"no data plane has an address that nodes could be told");
}
