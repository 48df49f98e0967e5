#include "ctrl/multicast_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "ctrl/config.h"
#include "ctrl/ctrl.h"
#include "ctrl/loop.h"
#include "ctrl/mcast/merge.h"
#include "ctrl/multicast_links.h"
#include "ctrl/multicast_tunnel.h"
#include "ctrl/role.h"
#include "ctrl/signalling/mag.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/send.h"
#include "ctrl/signalling/signalling.h"
#include "proto/mobility/icmp6.h"
#include "proto/mobility/mld.h"

enum {
	QUERY_MAX = 28 + 16 * QUERIER_SOURCES_MAX,
};

#define ANCHOR_PATHS (1ull << 57) /* in numbers of paths to anchors */
#define LINK_IDS     (1ull << 57) /* in ids of access links among members */

/* An attached node. */
struct node {
	struct mac mac;
	struct multicast_nodes *owner;
	const struct mag_link *link;
	size_t anchor;
	struct querier *querier;
	UT_hash_handle hh;
};

/* What one node wants of a group. */
struct want {
	const struct node *node;
	struct mcast_state state;
};

struct proxied {
	struct in6_addr group;
	size_t anchor; /* by which it comes */
	size_t count, room;
	struct want *wants; /* in the order in which nodes came */
	UT_hash_handle hh;
};

/* The tunnel to an anchor, on which the gateway is a listener. */
struct upstream {
	struct multicast_nodes *owner;
	struct multicast_tunnel ends;
	uint64_t path;
	struct reporter *reporter;
};

struct multicast_nodes {
	struct multicast_nodes_config given;
	struct node *nodes;
	struct proxied *groups;
	bool changed;
	uint64_t counters[REPORTER_COUNTERS];
	size_t anchor_count;
	struct upstream anchors[];
};

static uint64_t now_of(const struct multicast_nodes *nodes)
{
	return loop_now_ns(nodes->given.ctrl->loop);
}

/* ---- what all want ------------------------------------------------------------------------ */

static struct proxied *find_group(const struct multicast_nodes *nodes, const struct in6_addr *group)
{
	struct proxied *p;

	HASH_FIND(hh, nodes->groups, group, sizeof(*group), p);
	return p;
}

uint64_t multicast_nodes_path(const struct multicast_nodes *nodes, const struct in6_addr *group)
{
	const struct proxied *p = find_group(nodes, group);

	return p ? nodes->anchors[p->anchor].path : 0;
}

/* What nodes on a link want, or, for NULL, all. */
static struct mcast_state merged(const struct proxied *p, const struct mag_link *link)
{
	struct mcast_state state;

	mcast_state_clear(&state);
	for (size_t i = 0; i < p->count; i++)
		if (!link || p->wants[i].node->link == link)
			merge_add(&state, &p->group, &p->wants[i].state);
	return state;
}

/* The anchor by which a group comes: as before, as long as one of its nodes wants it. */
static size_t anchor_of(const struct proxied *p)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->wants[i].node->anchor == p->anchor)
			return p->anchor;
	return p->count ? p->wants[0].node->anchor : p->anchor;
}

static void copy_to(
	struct multicast_nodes *nodes, const struct proxied *p, const struct mag_link *link)
{
	const struct mcast_state state = merged(p, link);

	membership_set_link(nodes->given.members,
		LINK_IDS + mag_link_index(nodes->given.ctrl->mag, link), link->port, &p->group,
		&state);
}

/* After a change of what a node on this link wants. The group may be gone afterwards. */
static void follow(struct multicast_nodes *nodes, struct proxied *p, const struct mag_link *link)
{
	const struct mcast_state all = merged(p, NULL);
	struct mcast_state none;
	const size_t before = p->anchor;

	mcast_state_clear(&none);
	nodes->changed = true;
	p->anchor = anchor_of(p);
	copy_to(nodes, p, link);
	if (p->anchor != before) {
		membership_renew(nodes->given.members, &p->group);
		reporter_set(nodes->anchors[before].reporter, &p->group, &none, now_of(nodes));
	}
	/* Without memory the next change tries again. */
	reporter_set(nodes->anchors[p->anchor].reporter, &p->group, &all, now_of(nodes));
	if (p->count)
		return;
	HASH_DEL(nodes->groups, p);
	free(p->wants);
	free(p);
}

static struct want *find_want(struct proxied *p, const struct node *node)
{
	for (size_t i = 0; i < p->count; i++)
		if (p->wants[i].node == node)
			return &p->wants[i];
	return NULL;
}

/* The group with room for one more; NULL: no memory. */
static struct proxied *group_for(
	struct multicast_nodes *nodes, const struct in6_addr *group, const struct node *node)
{
	struct proxied *p = find_group(nodes, group);

	if (!p) {
		p = calloc(1, sizeof(*p));
		if (!p)
			return NULL;
		p->group = *group;
		p->anchor = node->anchor;
		HASH_ADD(hh, nodes->groups, group, sizeof(p->group), p);
	}
	if (p->count == p->room) {
		const size_t room = p->room ? 2 * p->room : 4;
		struct want *wants = realloc(p->wants, room * sizeof(*wants));

		if (!wants)
			return p->count ? NULL : p;
		p->wants = wants;
		p->room = room;
	}
	return p;
}

static void take_out(struct proxied *p, struct want *want)
{
	const size_t at = (size_t)(want - p->wants);

	memmove(want, want + 1, (--p->count - at) * sizeof(*want));
}

static void changed(void *context, const struct in6_addr *group, const struct mcast_state *state)
{
	struct node *node = context;
	struct proxied *p =
		state->count ? group_for(node->owner, group, node) : find_group(node->owner, group);
	struct want *want = p ? find_want(p, node) : NULL;

	if (!p || (!want && p->count == p->room && state->count))
		return;
	if (want && state->count)
		want->state = *state;
	else if (want)
		take_out(p, want);
	else if (state->count)
		p->wants[p->count++] = (struct want){.node = node, .state = *state};
	follow(node->owner, p, node->link);
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
	struct proxied *next;

	for (struct proxied *p = nodes->groups; p; p = next) {
		struct want *want = find_want(p, node);

		next = p->hh.next;
		if (!want)
			continue;
		take_out(p, want);
		follow(nodes, p, node->link);
	}
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

void multicast_nodes_here(struct multicast_nodes *nodes, const struct mag_attachment *a)
{
	struct node *node = find_node(nodes, &a->now.mac);

	if (node && node->link != a->link)
		forget(nodes, node);
	else if (node)
		return;
	node = calloc(1, sizeof(*node));
	if (!node)
		return;
	node->mac = a->now.mac;
	node->owner = nodes;
	node->link = a->link;
	while (node->anchor + 1 < nodes->anchor_count &&
		mag_anchor_next(nodes->given.ctrl->mag, node->anchor) != a->anchor)
		node->anchor++;
	node->querier = make_querier(node);
	if (!node->querier) {
		free(node);
		return;
	}
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
	role.context = nodes;
	rc = signalling_add_role(config->ctrl->signalling, &role);
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
	struct node *node, *next_node;
	struct proxied *p, *next;

	if (!nodes)
		return;
	HASH_ITER (hh, nodes->nodes, node, next_node) {
		HASH_DEL(nodes->nodes, node);
		querier_free(node->querier);
		free(node);
	}
	HASH_ITER (hh, nodes->groups, p, next) {
		HASH_DEL(nodes->groups, p);
		free(p->wants);
		free(p);
	}
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
