#include "ctrl/multicast_links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "ctrl/binding/binding_cache.h"
#include "ctrl/config.h"
#include "ctrl/ctrl.h"
#include "ctrl/loop.h"
#include "ctrl/multicast.h"
#include "ctrl/multicast_reports.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/send.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"

enum {
	TURN_MS = 100, /* between turns of queries into tunnels */
	QUERY_SIZE = 28,
	ALONE_RESPONSE_MS = 100,  /* of the only listener of a link, to the first queries */
	FIRST_RESPONSE_MS = 1000, /* of several, so that a restart is soon over */
	FIRST_MS = 1000,          /* between these, of the only one */
};

struct multicast_link {
	struct multicast_links *owner;
	const struct home_link *link;
	struct querier *querier;
};

struct multicast_links {
	struct multicast_links_config given;
	struct signalling_ops ops;
	struct wheel_timer turn;
	bool changed;
	uint32_t due; /* thousandths of queries that are owed to tunnels */
	uint64_t counters[MULTICAST_LINKS_COUNTERS];
	uint64_t querier_counters[QUERIER_COUNTERS];
	size_t count;
	struct multicast_link all[];
};

const struct counter_def multicast_links_counter_defs[MULTICAST_LINKS_COUNTERS] = {
	[MULTICAST_LINKS_SOURCE] = {"mld_source", "messages of listeners from elsewhere"},
	[MULTICAST_LINKS_HOP_LIMIT] = {"mld_hop_limit", "with another hop limit than 1"},
	[MULTICAST_LINKS_ALERT] = {"mld_router_alert", "without Router Alert option"},
	[MULTICAST_LINKS_CHECKSUM] = {"mld_checksum", "with a wrong checksum"},
	[MULTICAST_LINKS_DISAGREES] = {"multicast_disagrees",
		"groups told by registrations that nobody listened to on the home link"},
	[MULTICAST_LINKS_TUNNEL] = {"mld_tunnel_queries", "queries sent into tunnels"},
	[MULTICAST_LINKS_REFUSED] = {"mld_tunnel_refused",
		"changes reported through tunnels that were more than is allowed"},
	[MULTICAST_LINKS_OVERRULED] = {"multicast_overruled",
		"registrations that said otherwise than reports through the tunnel had"},
};

/* ---- out ---------------------------------------------------------------------------------- */

static int send_on_link(void *context, const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	const struct multicast_link *link = context;
	const struct signalling_ops *ops = &link->owner->ops;
	uint8_t frame[SEND_ETHER_SIZE + MLD_PACKET_HEAD + 28 + 16 * QUERIER_SOURCES_MAX];
	struct packet_inject out = {.how = PACKET_TO_PORT, .frame = frame};
	const struct mac to = addr_multicast_mac(dst);
	struct signalling_port port;
	struct in6_addr src;
	ssize_t len;
	int rc = ops->port(ops->context, link->link, &port);

	if (rc)
		return rc;
	src = addr_link_local_of_mac(&port.mac);
	len = mld_packet_finish(&src, dst, buf, mld_len);
	if (len < 0 || SEND_ETHER_SIZE + (size_t)len > sizeof(frame))
		return -EINVAL;
	memcpy(frame, to.b, 6);
	memcpy(frame + 6, port.mac.b, 6);
	frame[12] = 0x86;
	frame[13] = 0xdd;
	memcpy(frame + SEND_ETHER_SIZE, buf, (size_t)len);
	out.length = (uint16_t)(SEND_ETHER_SIZE + len);
	memcpy(out.port, link->link->port, sizeof(out.port));
	return ops->inject(ops->context, port.data_plane, &out);
}

int multicast_links_send_into(struct multicast_links *links, const struct in6_addr *home,
	const struct in6_addr *dst, uint8_t *buf, size_t mld_len)
{
	const struct ctrl *ctrl = links->given.ctrl;
	const struct in6_addr src = addr_link_local_of(&links->given.policy->agents[0]);
	const struct binding *b = binding_cache_find(signalling_cache(ctrl->signalling), home);
	struct packet_inject out = {.how = PACKET_TO_SUBSCRIBER, .frame = buf};
	ssize_t len;
	int dp, rc;

	if (!b || !binding_is_live(b))
		return -ENOTCONN;
	len = mld_packet_finish(&src, dst, buf, mld_len);
	if (len < 0)
		return (int)len;
	out.subscriber = b->now.subscriber_id;
	out.length = (uint16_t)len;
	/* From where the tunnel begins: no other data plane knows what to do with it. */
	dp = ctrl_config_data_plane_of_id(ctrl->config, b->now.data_plane);
	rc = links->ops.inject(links->ops.context,
		dp < 0 ? NULL : ctrl_config_data_plane_name(ctrl->config, (unsigned)dp), &out);
	if (rc == 0)
		counter_add(&links->counters[MULTICAST_LINKS_TUNNEL], 1);
	return rc;
}

/* A general query, but for a node that is asked by a querier of its own. */
static void query_tunnel(struct multicast_links *links, const struct membership_listener *node)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 2, [15] = 1}}, none;
	const struct ctrl_config_querier *config = &links->given.ctrl->config->multicast.querier;
	const struct multicast_reports *reports =
		multicast_reports_of(links->given.ctrl->multicast);
	const struct mcast_query query = {.type = MCAST_MLD_QUERY,
		.response_ms = config->response_ms,
		.group = none.s6_addr,
		.robustness = config->robustness,
		.interval_s = config->interval_ms / 1000};
	uint8_t buf[MLD_PACKET_HEAD + QUERY_SIZE];
	ssize_t len;

	if (reports && multicast_reports_asks(reports, node->home))
		return;
	len = mcast_query_encode(&query, buf + MLD_PACKET_HEAD, QUERY_SIZE);
	if (len == QUERY_SIZE)
		multicast_links_send_into(links, node->home, &all_nodes, buf, (size_t)len);
}

/* As many as it takes for each member to have had one in an interval. */
static void take_turn(struct wheel_timer *timer, void *context)
{
	struct multicast_links *links = wheel_entry(timer, struct multicast_links, turn);
	const uint32_t interval_ms = links->given.ctrl->config->multicast.querier.interval_ms;
	const size_t members = membership_members(links->given.members);
	struct membership_listener node;

	(void)context;
	links->due += (uint32_t)(members * 1000 * TURN_MS / interval_ms);
	for (; links->due >= 1000 && membership_next(links->given.members, &node);
		links->due -= 1000)
		query_tunnel(links, &node);
	wheel_arm(signalling_wheel(links->given.ctrl->signalling), timer,
		loop_now_ns(links->given.ctrl->loop) + TURN_MS * CLOCK_NS_PER_MS);
}

/* ---- in ----------------------------------------------------------------------------------- */

static struct multicast_link *find_link(
	struct multicast_links *links, const struct receive_packet *packet)
{
	for (size_t i = 0; i < links->count; i++) {
		const struct home_link *link = links->all[i].link;

		if (strcmp(link->port, packet->punt->port) == 0 &&
			(!link->data_plane[0] || strcmp(link->data_plane, packet->data_plane) == 0))
			return &links->all[i];
	}
	return NULL;
}

void multicast_links_count(struct multicast_links *links, enum mld_fault fault)
{
	static const enum multicast_links_counter counters[MLD_FAULT_COUNT] = {
		[MLD_FAULT_SOURCE] = MULTICAST_LINKS_SOURCE,
		[MLD_FAULT_HOP_LIMIT] = MULTICAST_LINKS_HOP_LIMIT,
		[MLD_FAULT_ALERT] = MULTICAST_LINKS_ALERT,
		[MLD_FAULT_CHECKSUM] = MULTICAST_LINKS_CHECKSUM,
	};

	if (fault == MLD_FAULT_OTHER)
		return;
	counter_add(&links->counters[counters[fault]], 1);
}

void multicast_links_note(struct multicast_links *links, enum multicast_links_counter counter)
{
	counter_add(&links->counters[counter], 1);
}

struct querier_config multicast_links_querier_config(const struct ctrl *ctrl, bool alone)
{
	const struct ctrl_config_querier *from = &ctrl->config->multicast.querier;
	const uint32_t first = alone ? ALONE_RESPONSE_MS : FIRST_RESPONSE_MS;

	return (struct querier_config){.robustness = from->robustness,
		.interval_ms = from->interval_ms,
		.response_ms = from->response_ms,
		.last_ms = from->last_ms,
		.max_groups = from->max_groups,
		.first_response_ms = first < from->response_ms ? first : from->response_ms,
		.first_ms = alone ? FIRST_MS : 0,
		.old = !alone && from->version == 1};
}

uint64_t *multicast_links_querier_values(struct multicast_links *links)
{
	return links->querier_counters;
}

static bool receive(void *context, const struct receive_packet *packet)
{
	struct multicast_links *links = context;
	struct multicast_link *link = find_link(links, packet);
	enum mld_fault fault = MLD_FAULT_OTHER;
	struct signalling_port port;
	struct in6_addr own;
	const uint8_t *mld;
	size_t len;

	if (link)
		fault = mld_packet_decode(packet->ip, packet->len, &mld, &len);
	if (fault == MLD_FAULT_OTHER)
		return false;
	/* Some listener that has no address yet says it again when it has (RFC 3810, 5.2.13). */
	if (fault == MLD_FAULT_NONE && addr_is_unspecified(&packet->ip6.src))
		fault = MLD_FAULT_SOURCE;
	if (fault != MLD_FAULT_NONE) {
		multicast_links_count(links, fault);
		return true;
	}
	if (links->ops.port(links->ops.context, link->link, &port))
		return true;
	own = addr_link_local_of_mac(&port.mac);
	querier_receive(link->querier, &own, &packet->ip6.src, mld, len,
		loop_now_ns(links->given.ctrl->loop));
	return true;
}

static bool allows(void *context, const struct in6_addr *group)
{
	const struct multicast_link *link = context;

	return membership_allows(link->owner->given.members, group);
}

static void changed(void *context, const struct in6_addr *group, const struct mcast_state *state)
{
	const struct multicast_link *link = context;

	link->owner->changed = true;
	/* Without memory the link goes on with what it had; its next report tries again. */
	membership_set_link(
		link->owner->given.members, group, 0, link->link->id, link->link->port, state);
}

void multicast_links_compare(
	struct multicast_links *links, const struct in6_addr *home, const struct mcast_state *state)
{
	const struct home_prefix *prefix = home_prefix_find(links->given.policy, home);
	const struct querier *querier = NULL;
	struct mcast_record record;
	size_t at = 0;

	for (size_t i = 0; prefix && i < links->count; i++)
		if (links->all[i].link == prefix->link)
			querier = links->all[i].querier;
	while (querier && mcast_state_next(state, &at, &record)) {
		struct in6_addr group;

		memcpy(&group, record.group, sizeof(group));
		if (!mcast_state_is_ip4(&group) && !querier_listens(querier, &group))
			counter_add(&links->counters[MULTICAST_LINKS_DISAGREES], 1);
	}
}

/* ---- all of them -------------------------------------------------------------------------- */

static bool is_known(const struct multicast_links *links, const struct home_link *link)
{
	for (size_t i = 0; i < links->count; i++)
		if (links->all[i].link == link)
			return true;
	return false;
}

static int open_link(struct multicast_links *links, const struct home_link *home)
{
	static const struct querier_ops ops = {
		.send = send_on_link, .allows = allows, .changed = changed};
	const struct querier_config config =
		multicast_links_querier_config(links->given.ctrl, false);
	struct multicast_link *link = &links->all[links->count];

	*link = (struct multicast_link){.owner = links, .link = home};
	link->querier =
		querier_new(&config, &ops, link, signalling_wheel(links->given.ctrl->signalling),
			loop_now_ns(links->given.ctrl->loop), links->querier_counters);
	if (!link->querier)
		return -ENOMEM;
	links->count++;
	return 0;
}

static int open_all(struct multicast_links *links)
{
	const struct home_policy *policy = links->given.policy;
	const struct signalling_role role = {.context = links, .neighbour = receive};
	int rc = signalling_add_role(links->given.ctrl->signalling, &role);

	for (size_t i = 0; !rc && i < policy->prefix_count; i++)
		if (policy->prefixes[i].link && !is_known(links, policy->prefixes[i].link))
			rc = open_link(links, policy->prefixes[i].link);
	return rc;
}

struct multicast_links *multicast_links_new(const struct multicast_links_config *config)
{
	const size_t count = config->policy->prefix_count;
	struct multicast_links *links = calloc(1, sizeof(*links) + count * sizeof(links->all[0]));
	int rc;

	if (!links)
		return NULL;
	links->given = *config;
	links->ops = *config->ops;
	rc = open_all(links);
	if (rc) {
		multicast_links_free(links);
		errno = -rc;
		return NULL;
	}
	wheel_timer_init(&links->turn, take_turn);
	wheel_arm(signalling_wheel(config->ctrl->signalling), &links->turn,
		loop_now_ns(config->ctrl->loop) + TURN_MS * CLOCK_NS_PER_MS);
	return links;
}

void multicast_links_free(struct multicast_links *links)
{
	if (!links)
		return;
	wheel_cancel(signalling_wheel(links->given.ctrl->signalling), &links->turn);
	for (size_t i = 0; i < links->count; i++)
		querier_free(links->all[i].querier);
	free(links);
}

void multicast_links_retry(struct multicast_links *links)
{
	for (size_t i = 0; i < links->count; i++)
		querier_retry(links->all[i].querier, loop_now_ns(links->given.ctrl->loop));
}

bool multicast_links_changed(struct multicast_links *links)
{
	const bool changed = links->changed;

	links->changed = false;
	return changed;
}

int multicast_links_each(const struct multicast_links *links,
	int (*fn)(void *arg, const struct home_link *link, const struct querier *querier),
	void *arg)
{
	int rc = 0;

	for (size_t i = 0; i < links->count && !rc; i++)
		rc = fn(arg, links->all[i].link, links->all[i].querier);
	return rc;
}

const uint64_t *multicast_links_counters(const struct multicast_links *links)
{
	return links->counters;
}

const uint64_t *multicast_links_querier_counters(const struct multicast_links *links)
{
	return links->querier_counters;
}
