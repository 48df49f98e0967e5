#include "ctrl/multicast_gateways.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/addr.h"
#include "ctrl/config.h"
#include "ctrl/ctrl.h"
#include "ctrl/loop.h"
#include "ctrl/multicast_links.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/signalling.h"

struct tunnel {
	struct multicast_tunnel ends;
	struct multicast_gateways *owner;
	uint64_t path;
	struct querier *querier;
	UT_hash_handle hh;
};

struct multicast_gateways {
	struct multicast_gateways_config given;
	struct tunnel *tunnels;
	bool changed;
};

static int send_query(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	const struct tunnel *tunnel = context;

	return multicast_tunnel_send(tunnel->owner->given.ctrl, &tunnel->ends, dst, buf, mld_len);
}

static bool allows(void *context, const struct in6_addr *group)
{
	const struct tunnel *tunnel = context;

	return membership_allows(tunnel->owner->given.members, group);
}

static void changed(void *context, const struct in6_addr *group, const struct mcast_state *state)
{
	const struct tunnel *tunnel = context;

	tunnel->owner->changed = true;
	/* Without memory the tunnel goes on with what it had; its next report tries again. */
	membership_set_path(
		tunnel->owner->given.members, group, tunnel->path, &tunnel->ends.remote, state);
}

/* A number for the path between the two, the same after each start with this configuration; 0: it
 * is not one of ours to a gateway. */
static uint64_t number_of(const struct ctrl *ctrl, const struct multicast_tunnel *ends)
{
	const struct lma_peer *peer;

	for (uint64_t own = 0; own < ctrl->config->lma.addresses.count; own++) {
		const struct in6_addr *anchor =
			&ctrl->config->addresses[ctrl->config->agent_count + own];

		if (!addr_equal(anchor, &ends->local))
			continue;
		for (size_t i = 0; (peer = lma_peer_next(ctrl->lma, i)); i++)
			for (uint64_t k = 0; k < peer->address_count; k++)
				if (addr_equal(&peer->addresses[k], &ends->remote))
					return 1 + (own << 48 | (uint64_t)i << 16 | k);
	}
	return 0;
}

static struct querier *make_querier(struct tunnel *tunnel)
{
	static const struct querier_ops ops = {
		.send = send_query, .allows = allows, .changed = changed};
	const struct ctrl *ctrl = tunnel->owner->given.ctrl;
	const struct querier_config config = multicast_links_querier_config(ctrl, true);

	return querier_new(&config, &ops, tunnel, signalling_wheel(ctrl->signalling),
		loop_now_ns(ctrl->loop),
		multicast_links_querier_values(tunnel->owner->given.links));
}

/* The tunnel, made if it is one to a gateway; NULL. */
static struct tunnel *open_tunnel(
	struct multicast_gateways *gateways, const struct multicast_tunnel *ends)
{
	struct tunnel *tunnel;
	uint64_t number;

	HASH_FIND(hh, gateways->tunnels, ends, sizeof(*ends), tunnel);
	if (tunnel)
		return tunnel;
	number = number_of(gateways->given.ctrl, ends);
	tunnel = number ? calloc(1, sizeof(*tunnel)) : NULL;
	if (!tunnel)
		return NULL;
	tunnel->ends = *ends;
	tunnel->owner = gateways;
	tunnel->path = publish_shared_path_id(number);
	tunnel->querier = make_querier(tunnel);
	if (!tunnel->querier) {
		free(tunnel);
		return NULL;
	}
	HASH_ADD(hh, gateways->tunnels, ends, sizeof(tunnel->ends), tunnel);
	multicast_tunnel_publish(&gateways->given.publish, tunnel->path, ends);
	gateways->changed = true;
	return tunnel;
}

/* A report; a query of a gateway, which is no router of the tunnel, is heard as that of another
 * router. */
static bool receive(void *context, const struct receive_packet *packet)
{
	struct multicast_gateways *gateways = context;
	const struct multicast_tunnel ends = {packet->ip6.dst, packet->ip6.src};
	const struct in6_addr own = multicast_tunnel_link_local(&ends.local);
	struct tunnel *tunnel;
	enum mld_fault fault;
	struct in6_addr src;
	const uint8_t *mld;
	size_t len;

	if (!number_of(gateways->given.ctrl, &ends))
		return false;
	fault = multicast_tunnel_open(packet, &src, &mld, &len);
	if (fault == MLD_FAULT_NONE && addr_is_unspecified(&src))
		fault = MLD_FAULT_SOURCE;
	if (fault != MLD_FAULT_NONE) {
		multicast_links_count(gateways->given.links, fault);
		return true;
	}
	tunnel = open_tunnel(gateways, &ends);
	if (tunnel)
		querier_receive(tunnel->querier, &own, &src, mld, len,
			loop_now_ns(gateways->given.ctrl->loop));
	return true;
}

struct multicast_gateways *multicast_gateways_new(const struct multicast_gateways_config *config)
{
	struct multicast_gateways *gateways = calloc(1, sizeof(*gateways));
	const struct signalling_role role = {.context = gateways, .listener = receive};
	int rc;

	if (!gateways)
		return NULL;
	gateways->given = *config;
	rc = signalling_add_role(config->ctrl->signalling, &role);
	if (rc) {
		free(gateways);
		errno = -rc;
		return NULL;
	}
	return gateways;
}

void multicast_gateways_free(struct multicast_gateways *gateways)
{
	struct tunnel *tunnel, *next;

	if (!gateways)
		return;
	HASH_ITER (hh, gateways->tunnels, tunnel, next) {
		HASH_DEL(gateways->tunnels, tunnel);
		querier_free(tunnel->querier);
		free(tunnel);
	}
	free(gateways);
}

void multicast_gateways_serve(struct multicast_gateways *gateways, const struct in6_addr *anchor,
	const struct in6_addr *care_of)
{
	const struct multicast_tunnel ends = {*anchor, *care_of};

	open_tunnel(gateways, &ends);
}

void multicast_gateways_retry(struct multicast_gateways *gateways)
{
	for (struct tunnel *t = gateways->tunnels; t; t = t->hh.next)
		querier_retry(t->querier, loop_now_ns(gateways->given.ctrl->loop));
}

bool multicast_gateways_changed(struct multicast_gateways *gateways)
{
	const bool changed = gateways->changed;

	gateways->changed = false;
	return changed;
}

int multicast_gateways_each(const struct multicast_gateways *gateways,
	int (*fn)(void *arg, const struct multicast_tunnel *tunnel, const struct querier *querier),
	void *arg)
{
	int rc = 0;

	for (const struct tunnel *t = gateways->tunnels; t && !rc; t = t->hh.next)
		rc = fn(arg, &t->ends, t->querier);
	return rc;
}
