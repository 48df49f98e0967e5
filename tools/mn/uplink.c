#include "tools/mn/uplink.h"

#include <netinet/in.h>

#include "common/cursor.h"
#include "proto/mobility/ip6.h"
#include "tools/mn/mn.h"

/* What flows are told apart by. */
struct key {
	uint8_t protocol;
	uint16_t local, remote; /* ports, 0: it has none that we can see */
};

/* Fragments have no ports, not even the first: all of a packet go the same way. */
static struct key key_of(const uint8_t *pkt, size_t len)
{
	struct ip6_packet ip;
	struct key key = {0};
	struct cursor c;

	if (ip6_packet_decode(pkt, len, &ip, NULL))
		return key;
	key.protocol = ip.proto;
	if (ip.is_fragment || (ip.proto != IPPROTO_TCP && ip.proto != IPPROTO_UDP))
		return key;
	cursor_init(&c, pkt + ip.offset, ip.len);
	key.local = cursor_u16(&c);
	key.remote = cursor_u16(&c);
	return cursor_ok(&c) ? key : (struct key){.protocol = ip.proto};
}

static bool matches(const struct mn_flow *flow, const struct key *key)
{
	return (!flow->protocol || flow->protocol == key->protocol) &&
	       (!flow->remote_port || flow->remote_port == key->remote) &&
	       (!flow->local_port || flow->local_port == key->local);
}

/* Whether it leads anywhere: the home agent has it, and on the home link a router is known. */
static bool usable(const struct mn *mn, const struct mn_path *path)
{
	return path->registered &&
	       (path->at.place != LINK_HOME || link_next_hop(mn->link, path->at.ifindex));
}

static struct mn_path *path_of(struct mn *mn, uint16_t bid)
{
	for (unsigned i = 0; i < mn->paths.count; i++)
		if (mn->paths.all[i].bid == bid && usable(mn, &mn->paths.all[i]))
			return &mn->paths.all[i];
	return NULL;
}

/* The path of the first flow that matches, else the preferred one; NULL: that leads nowhere. */
static struct mn_path *path_for(struct mn *mn, const struct key *key)
{
	struct mn_path *path;

	for (size_t n = 0; n < mn->config.flows.count; n++) {
		if (!matches(config_item(&mn->config.flows, struct mn_flow, n), key))
			continue;
		path = path_of(mn, mn->paths.flows[n].bid);
		if (path)
			return path;
		break;
	}
	return mn->paths.count && usable(mn, &mn->paths.all[0]) ? &mn->paths.all[0] : NULL;
}

struct tunnel_way *uplink_choose(void *context, const uint8_t *pkt, size_t len)
{
	struct mn *mn = context;
	struct mn_path *path;
	struct key key;

	if (mn->paths.mode == MN_MULTIHOMING_OFF)
		return NULL;
	key = key_of(pkt, len);
	path = path_for(mn, &key);
	if (!path)
		return NULL;
	path->way.ifindex = path->at.ifindex;
	path->way.local = path->at.care_of;
	path->way.remote = path->has_tunnel ? path->tunnel : mn->config.home_agent;
	path->way.on_link = path->at.place == LINK_HOME;
	if (path->way.on_link)
		path->way.next_hop = *link_next_hop(mn->link, path->at.ifindex);
	return &path->way;
}
