#include "ctrl/multicast_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/config.h"
#include "ctrl/ctrl.h"
#include "ctrl/loop.h"
#include "ctrl/multicast_links.h"
#include "ctrl/multicast_nodes_state.h"
#include "ctrl/publish/publish.h"
#include "ctrl/role.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/mld.h"

enum {
	QUERY_MAX = 28 + 16 * QUERIER_SOURCES_MAX,
};

#define ANCHOR_PATHS (1ull << 57) /* in numbers of paths to anchors */

static uint64_t now_of(const struct multicast_nodes *nodes)
{
	return loop_now_ns(nodes->given.ctrl->loop);
}

const struct in6_addr *multicast_nodes_anchor(const struct multicast_nodes *nodes, uint64_t path)
{
	for (size_t i = 0; i < nodes->anchor_count; i++)
		if (nodes->anchors[i].path == path)
			return &nodes->anchors[i].ends.remote;
	return NULL;
}

/* ---- nodes -------------------------------------------------------------------------------- */

static int send_query(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	const struct node *node = context;
	const struct ctrl *ctrl = node->owner->given.ctrl;
	uint8_t frame[SEND_ETHER_SIZE + MLD_PACKET_HEAD + QUERY_MAX];
	struct packet_inject out = {.how = PACKET_TO_PORT, .frame = frame};
	const struct update_port *port = publish_port(ctrl->publish, 0, node->link->port);
	ssize_t len;

	if (!port || !port->up)
		return -ENOTCONN;
	len = mld_packet_finish(&ctrl->config->mag.link_local, dst, buf, mld_len);
	if (len < 0 || SEND_ETHER_SIZE + (size_t)len > sizeof(frame))
		return -EINVAL;
	/* To this node alone (RFC 6085). */
	memcpy(frame, node->mac.b, 6);
	memcpy(frame + 6, port->mac.b, 6);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	memcpy(frame + SEND_ETHER_SIZE, buf, (size_t)len);
	out.length = (uint16_t)(SEND_ETHER_SIZE + len);
	memcpy(out.port, node->link->port, sizeof(out.port));
	return role_inject(ctrl, NULL, &out);
}

static bool allows(void *context, const struct in6_addr *group)
{
	const struct node *node = context;

	return membership_allows(node->owner->given.members, group);
}

static void changed(void *context, const struct in6_addr *group, const struct mcast_state *state)
{
	wanted_set(context, group, state);
}

static struct querier *make_querier(struct node *node)
{
	static const struct querier_ops ops = {
		.send = send_query, .allows = allows, .changed = changed};
	const struct ctrl *ctrl = node->owner->given.ctrl;
	struct querier_config config = multicast_links_querier_config(ctrl, true);

	config.max_groups = ctrl->config->multicast.max_groups;
	return querier_new(&config, &ops, node, signalling_wheel(ctrl->signalling),
		now_of(node->owner), multicast_links_querier_values(node->owner->given.links));
}

static struct node *find_node(const struct multicast_nodes *nodes, const struct mac *mac)
{
	struct node *node;

	HASH_FIND(hh, nodes->nodes, mac, sizeof(*mac), node);
	return node;
}

static void forget(struct multicast_nodes *nodes, struct node *node)
{
	wanted_leave(nodes, node);
	HASH_DEL(nodes->nodes, node);
	querier_free(node->querier);
	free(node);
}

void multicast_nodes_gone(struct multicast_nodes *nodes, const struct mac *mac)
{
	struct node *node = find_node(nodes, mac);

	if (node)
		forget(nodes, node);
}

/* The index of the anchor of an attachment. */
static size_t anchor_of(const struct multicast_nodes *nodes, const struct mag_attachment *a)
{
	size_t i = 0;

	while (i + 1 < nodes->anchor_count &&
		mag_anchor_next(nodes->given.ctrl->mag, i) != a->anchor)
		i++;
	return i;
}

void multicast_nodes_here(struct multicast_nodes *nodes, const struct mag_attachment *a)
{
	struct node *node = find_node(nodes, &a->now.mac);
	const struct node now = {.mac = a->now.mac,
		.owner = nodes,
		.link = a->link,
		.anchor = anchor_of(nodes, a),
		.path = publish_attachment_id(a->now.number)};

	if (node && node->link == now.link && node->anchor == now.anchor && node->path == now.path)
		return;
	if (node)
		forget(nodes, node);
	node = malloc(sizeof(*node));
	if (!node)
		return;
	*node = now;
	node->querier = make_querier(node);
	if (!node->querier) {
		free(node);
		return;
	}
	wanted_join(nodes, node);
	HASH_ADD(hh, nodes->nodes, mac, sizeof(node->mac), node);
}

/* ---- in ----------------------------------------------------------------------------------- */

static bool solicits(const struct receive_packet *packet)
{
	return packet->ip6.proto == ICMP6_NEXT_HEADER && packet->ip6.len &&
	       packet->ip[packet->ip6.offset] == ICMP6_TYPE_ROUTER_SOLICITATION;
}

/* What a node says on its link; the access gateway looks at it too. */
static bool hear_node(void *context, const struct receive_packet *packet)
{
	struct multicast_nodes *nodes = context;
	struct node *node = packet->from ? find_node(nodes, packet->from) : NULL;
	enum mld_fault fault;
	const uint8_t *mld;
	size_t len;

	if (!node || strcmp(node->link->port, packet->punt->port) != 0)
		return false;
	/* It may have been elsewhere, and left groups there. */
	if (solicits(packet))
		querier_ask_all(node->querier, now_of(nodes));
	fault = mld_packet_decode(packet->ip, packet->len, &mld, &len);
	if (fault == MLD_FAULT_OTHER)
		return false;
	if (fault == MLD_FAULT_NONE && addr_is_unspecified(&packet->ip6.src))
		fault = MLD_FAULT_SOURCE;
	if (fault == MLD_FAULT_NONE)
		querier_receive(node->querier, &nodes->given.ctrl->config->mag.link_local,
			&packet->ip6.src, mld, len, now_of(nodes));
	else
		multicast_links_count(nodes->given.links, fault);
	return false;
}

/* A query of an anchor. */
static bool hear_anchor(void *context, const struct receive_packet *packet)
{
	struct multicast_nodes *nodes = context;
	const struct multicast_tunnel ends = {packet->ip6.dst, packet->ip6.src};
	enum mld_fault fault;
	struct in6_addr src;
	const uint8_t *mld;
	size_t i = 0, len;

	while (i < nodes->anchor_count && memcmp(&nodes->anchors[i].ends, &ends, sizeof(ends)) != 0)
		i++;
	if (i == nodes->anchor_count)
		return false;
	fault = multicast_tunnel_open(packet, &src, &mld, &len);
	if (fault != MLD_FAULT_NONE)
		multicast_links_count(nodes->given.links, fault);
	else if (mld[0] == MCAST_MLD_QUERY)
		reporter_receive(nodes->anchors[i].reporter, mld, len, now_of(nodes));
	return true;
}

/* ---- all of it ---------------------------------------------------------------------------- */

static int send_report(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	const struct upstream *up = context;

	return multicast_tunnel_send(up->owner->given.ctrl, &up->ends, dst, buf, mld_len);
}

static int open_anchor(struct multicast_nodes *nodes, const struct mag_anchor *anchor)
{
	static const struct reporter_ops ops = {.send = send_report};
	const struct ctrl *ctrl = nodes->given.ctrl;
	const struct reporter_config config = {
		.robustness = ctrl->config->multicast.querier.robustness, .unsolicited_ms = 1000};
	struct upstream *up = &nodes->anchors[nodes->anchor_count];

	*up = (struct upstream){.owner = nodes,
		.ends = {*ctrl_config_mag_address(ctrl->config), anchor->address},
		.path = publish_shared_path_id(ANCHOR_PATHS | nodes->anchor_count)};
	up->reporter = reporter_new(
		&config, &ops, up, signalling_wheel(ctrl->signalling), nodes->counters);
	if (!up->reporter)
		return -ENOMEM;
	nodes->anchor_count++;
	multicast_tunnel_publish(&nodes->given.publish, up->path, &up->ends);
	return 0;
}

struct multicast_nodes *multicast_nodes_new(const struct multicast_nodes_config *config)
{
	const struct mag *mag = config->ctrl->mag;
	struct signalling_role role = {.neighbour = hear_node, .listener = hear_anchor};
	struct multicast_nodes *nodes;
	size_t count = 0;
	int rc;

	while (mag_anchor_next(mag, count))
		count++;
	nodes = calloc(1, sizeof(*nodes) + count * sizeof(nodes->anchors[0]));
	if (!nodes)
		return NULL;
	nodes->given = *config;
	nodes->here =
		calloc(1 + config->ctrl->config->mag.links.count * count, sizeof(*nodes->here));
	role.context = nodes;
	rc = nodes->here ? signalling_add_role(config->ctrl->signalling, &role) : -ENOMEM;
	for (size_t i = 0; i < count && !rc; i++)
		rc = open_anchor(nodes, mag_anchor_next(mag, i));
	if (!rc)
		return nodes;
	multicast_nodes_free(nodes);
	errno = -rc;
	return NULL;
}

void multicast_nodes_free(struct multicast_nodes *nodes)
{
	struct node *node, *next;

	if (!nodes)
		return;
	HASH_ITER (hh, nodes->nodes, node, next) {
		HASH_DEL(nodes->nodes, node);
		querier_free(node->querier);
		free(node);
	}
	wanted_free(nodes);
	for (size_t i = 0; i < nodes->anchor_count; i++)
		reporter_free(nodes->anchors[i].reporter);
	free(nodes);
}

void multicast_nodes_retry(struct multicast_nodes *nodes)
{
	for (struct node *node = nodes->nodes; node; node = node->hh.next)
		querier_retry(node->querier, now_of(nodes));
}

bool multicast_nodes_changed(struct multicast_nodes *nodes)
{
	const bool changed = nodes->changed;

	nodes->changed = false;
	return changed;
}

int multicast_nodes_each(const struct multicast_nodes *nodes,
	int (*fn)(void *arg, const struct mag_attachment *a, const struct querier *querier),
	void *arg)
{
	int rc = 0;

	for (const struct node *node = nodes->nodes; node && !rc; node = node->hh.next) {
		const struct mag_attachment *a = mag_find(nodes->given.ctrl->mag, &node->mac);

		rc = a ? fn(arg, a, node->querier) : 0;
	}
	return rc;
}

const uint64_t *multicast_nodes_counters(const struct multicast_nodes *nodes)
{
	return nodes->counters;
}
