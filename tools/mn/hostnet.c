#include "tools/mn/hostnet.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/log.h"

#define NFT_TABLE "dmm_mn"

enum {
	MAIN_METRIC = 1, /* before the default routes that routers advertise (1024) */
};

extern char **environ;

/* Runs nft with the given commands. */
static int nft(const char *commands)
{
	char *argv[] = {"nft", (char *)commands, NULL};
	pid_t pid;
	int status;

	int ret = posix_spawnp(&pid, "nft", NULL, NULL, argv, environ);
	if (ret) {
		LOG_ERROR("hostnet", "nft-not-run", "error=%s hint=%s", LOG_QUOTE(strerror(ret)),
			LOG_QUOTE("install the package nftables"));
		return -ret;
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -EIO;
}

static void firewall_remove(void)
{
	/* adding first makes the removal right whether the table is there or not */
	nft("add table ip6 " NFT_TABLE "; delete table ip6 " NFT_TABLE);
}

/* The kernel would answer a type 2 routing header with a Parameter Problem. */
static int firewall_add(const struct mn_config *config)
{
	char commands[512];

	snprintf(commands, sizeof(commands),
		"add table ip6 " NFT_TABLE "; delete table ip6 " NFT_TABLE "; "
		"table ip6 " NFT_TABLE " { chain input { "
		"type filter hook input priority -450; "
		"ip6 saddr %s rt type 2 drop; }; }",
		ADDR_TEXT(&config->home_agent));
	return nft(commands);
}

static void save(const struct hostnet *h)
{
	state_save(h->config->state_file, h->state);
}

static void setting_change(struct hostnet *h, const char *interface, const char *name)
{
	char path[STATE_PATH_MAX + 1];

	snprintf(path, sizeof(path), STATE_SETTINGS_FOLDER "%s/%s", interface, name);
	state_setting_change(h->state, path, "1");
}

static void settings_change(struct hostnet *h, const char *interface)
{
	/* Neighbours that know the home address by the interface of before are told (RFC 4861,
	 * 7.2.6): nothing else would make them ask while they take it for reachable. */
	setting_change(h, interface, "ndisc_notify");
	if (!h->config->optimistic_dad)
		return;
	setting_change(h, interface, "optimistic_dad");
	setting_change(h, interface, "use_optimistic");
}

void hostnet_interface(struct hostnet *h, const char *interface)
{
	uint8_t before = h->state->setting_count;

	settings_change(h, interface);
	if (h->state->setting_count != before)
		save(h);
}

static struct rtnl_route main_route(const struct hostnet *h)
{
	return (struct rtnl_route){.ifindex = h->tunnel,
		.table = RT_TABLE_MAIN,
		.metric = MAIN_METRIC,
		.source = &h->config->home_address};
}

static struct rtnl_route table_route(const struct hostnet *h)
{
	return (struct rtnl_route){.ifindex = h->tunnel, .table = h->config->route_table};
}

static void routes_remove(struct hostnet *h)
{
	struct rtnl_route in_main = main_route(h), in_table = table_route(h);

	rtnl_rule_del(h->rtnl, &h->config->home_address, h->config->route_table,
		h->config->rule_priority);
	rtnl_route_del(h->rtnl, &in_main);
	rtnl_route_del(h->rtnl, &in_table);
	h->state->routed = false;
}

int hostnet_open(struct hostnet *h, const struct mn_config *config, struct rtnl *rtnl,
	struct state *state, unsigned tunnel)
{
	*h = (struct hostnet){.config = config, .rtnl = rtnl, .state = state, .tunnel = tunnel};
	if (state->routed)
		routes_remove(h);
	hostnet_leave_home(h);
	state_settings_restore(state);
	for (size_t n = 0; n < config->interfaces.count; n++)
		settings_change(h, *config_item(&config->interfaces, char *, n));
	save(h);
	int ret = firewall_add(config);

	if (!ret)
		ret = rtnl_link_up(rtnl, tunnel, 1280);
	return ret ? ret : rtnl_address_add(rtnl, tunnel, &config->home_address, false);
}

void hostnet_close(struct hostnet *h)
{
	routes_remove(h);
	hostnet_leave_home(h);
	state_settings_restore(h->state);
	firewall_remove();
	save(h);
}

int hostnet_away(struct hostnet *h, uint32_t tunnel_mtu)
{
	struct rtnl_route in_main = main_route(h), in_table = table_route(h);

	if (!h->beside)
		hostnet_leave_home(h);
	h->state->routed = true;
	save(h);
	int ret = rtnl_link_up(h->rtnl, h->tunnel, tunnel_mtu);

	if (!ret)
		ret = rtnl_route_add(h->rtnl, &in_table);
	if (!ret && h->config->default_route)
		ret = rtnl_route_add(h->rtnl, &in_main);
	if (!ret)
		ret = rtnl_rule_add(h->rtnl, &h->config->home_address, h->config->route_table,
			h->config->rule_priority);
	return ret;
}

/* The home address is to be on this interface, and on no other link. */
static void note_home(struct hostnet *h, const char *interface)
{
	if (strcmp(h->state->home_interface, interface) != 0)
		hostnet_leave_home(h);
	snprintf(h->state->home_interface, sizeof(h->state->home_interface), "%s", interface);
}

int hostnet_home(struct hostnet *h, const char *interface, unsigned ifindex, bool detect)
{
	note_home(h, interface);
	h->beside = 0;
	routes_remove(h);
	save(h);
	return rtnl_address_add(h->rtnl, ifindex, &h->config->home_address, detect);
}

int hostnet_beside(struct hostnet *h, const char *interface, unsigned ifindex)
{
	note_home(h, interface);
	h->beside = ifindex;
	save(h);
	return rtnl_address_add(h->rtnl, ifindex, &h->config->home_address, false);
}

void hostnet_leave_home(struct hostnet *h)
{
	unsigned ifindex = if_nametoindex(h->state->home_interface);

	if (h->state->home_interface[0] && ifindex)
		rtnl_address_del(h->rtnl, ifindex, &h->config->home_address, 128);
	h->state->home_interface[0] = '\0';
	h->beside = 0;
}
