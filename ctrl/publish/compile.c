/*
 * From what control knows to what data planes are told: all knowledge of both sides meets here.
 */
#include "ctrl/publish/compile.h"

#include "ctrl/binding/attachment.h"
#include "ctrl/binding/binding.h"
#include "ctrl/binding/session.h"
#include "ctrl/config.h"
#include "ctrl/publish/path_policy.h"
#include "ctrl/publish/state.h"
#include "ctrl/publish/tunnel_ends.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/home_discovery.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

int publish_bundle_add(struct bundle *bundle, const struct object *object)
{
	struct writer w;
	int error;

	writer_init(&w, bundle->octets + bundle->len, sizeof(bundle->octets) - bundle->len);
	error = object_encode(&w, object);
	if (!error)
		bundle->len = (uint16_t)(bundle->len + writer_len(&w));
	return error;
}

/* The subscriber of a link-local address that is defended with the home address (RFC 6275,
 * 10.4.1). */
static int add_link_local(const struct in6_addr *home, const struct object_subscriber *subscriber,
	struct bundle *bundle)
{
	const struct in6_addr addr = addr_link_local_of(home);
	struct object object = {.kind = OBJECT_SUBSCRIBER,
		.op = OBJECT_SET,
		.id = publish_link_local_id(subscriber->id),
		.subscriber = *subscriber};

	object.subscriber.id = object.id;
	object.subscriber.domain = object_link_domain(subscriber->link_id);
	object.subscriber.prefixes[0] = prefix6_of(&addr, 128);
	return publish_bundle_add(bundle, &object);
}

bool publish_cut_off(const struct ctrl_config *config, const struct binding_record *record)
{
	return record->at_home && !record->data_plane && ctrl_config_addressed(config);
}

/* A node on its home link gets its packets there, at its Ethernet address (RFC 5648, 5.6.2). */
static int add_home_path(const struct ctrl_config *config, const struct binding_record *record,
	struct bundle *bundle)
{
	const struct ctrl_config_home_prefix *home = ctrl_config_home_prefix(config, &record->home);
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = record->path_id};
	int dp;

	if (!home || !home->link)
		return -EINVAL;
	object.path =
		(struct object_path){.id = object.id, .kind = PATH_ON_LINK, .mac = record->mac};
	dp = ctrl_config_home_data_plane(config, home);
	if (dp >= 0)
		object.path.data_plane = ctrl_config_data_plane_id(config, (unsigned)dp);
	snprintf(object.path.port, sizeof(object.path.port), "%s",
		ctrl_config_link_port(home->link));
	return publish_bundle_add(bundle, &object);
}

static int add_path(const struct ctrl_config *config, const struct binding_record *record,
	struct bundle *bundle)
{
	int dp = ctrl_config_data_plane_of_id(config, record->data_plane);
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = record->path_id};

	object.path = (struct object_path){.id = object.id,
		.kind = PATH_IP6_IN_IP6,
		.local = dp < 0 ? record->agent
				: *ctrl_config_data_plane_address(config, (unsigned)dp),
		.remote = record->care_of,
		.data_plane = dp < 0 ? 0 : record->data_plane};
	return publish_bundle_add(bundle, &object);
}

bool publish_prefers(const struct binding_record *a, const struct binding_record *b)
{
	/* Those without a priority come last. */
	uint8_t pa = (uint8_t)(a->priority - 1), pb = (uint8_t)(b->priority - 1);

	if (pa != pb)
		return pa < pb;
	if (a->registered_ns != b->registered_ns)
		return a->registered_ns > b->registered_ns;
	return a->bid < b->bid;
}

/* Where the node says which is better, what no rule is for takes the best; else the one by which it
 * was heard last (RFC 6089, 5.1.1; RFC 5648, 3). */
static void set_paths(const struct binding_record *const *ordered, unsigned count,
	struct object_subscriber *subscriber)
{
	/* a data plane takes one whose first path is on a link for one that only sends from there
	 */
	const bool home_is_best = count > 1 && ordered[0]->at_home && ordered[0]->priority;

	for (unsigned i = 0; i < count; i++)
		subscriber->paths[i] = ordered[(i + home_is_best) % count]->path_id;
	subscriber->path_count = (uint8_t)count;
	if (home_is_best) {
		subscriber->steering = STEERING_FLOW;
		subscriber->weights[count - 1] = 1;
	} else if (count > 1 && !ordered[0]->priority) {
		subscriber->steering = STEERING_HEARD;
	}
}

int publish_compile(
	const struct ctrl_config *config, const struct binding_list *list, struct bundle *bundle)
{
	const struct binding_record *first = list->records, *ordered[BINDING_MAX];
	const struct ctrl_config_home_prefix *home = ctrl_config_home_prefix(config, &first->home);
	struct object object = {
		.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = first->subscriber_id};
	unsigned count = 0, live = 0, at;
	bool at_home = false;
	int error = 0;

	bundle->len = 0;
	for (unsigned i = 0; i < list->count; i++)
		live += list->records[i].life == BINDING_LIVE;
	for (unsigned i = 0; i < list->count && !error; i++) {
		const struct binding_record *record = &list->records[i];

		if (record->life != BINDING_LIVE)
			continue;
		at_home |= record->at_home;
		if (live > 1 && publish_cut_off(config, record))
			continue;
		error = record->at_home ? add_home_path(config, record, bundle)
					: add_path(config, record, bundle);
		for (at = count++; at && publish_prefers(record, ordered[at - 1]); at--)
			ordered[at] = ordered[at - 1];
		ordered[at] = record;
	}
	if (error || !count)
		return error;
	object.subscriber = (struct object_subscriber){.id = object.id,
		.link_id = home && !(at_home && config->multihoming.at_home == MULTIHOMING_HOME_ND)
				   ? ctrl_config_link_id(config, home->link)
				   : 0,
		.prefix_count = 1,
		.prefixes = {prefix6_of(&first->home, 128)}};
	set_paths(ordered, count, &object.subscriber);
	error = publish_bundle_add(bundle, &object);
	if (!error && object.subscriber.link_id && first->flags & FLAGS_BU_L)
		error = add_link_local(&first->home, &object.subscriber, bundle);
	return error;
}

struct wanted {
	enum object_kind kind;
	uint64_t id;
};

static int is_wanted(void *arg, const struct object *object)
{
	const struct wanted *wanted = arg;

	return object->kind == wanted->kind && object->id == wanted->id;
}

bool publish_bundle_has(const struct bundle *bundle, enum object_kind kind, uint64_t id)
{
	struct wanted wanted = {kind, id};

	return state_each_encoded(bundle->octets, bundle->len, is_wanted, &wanted) == 1;
}

/* A tunnel is as the two sides have agreed; own is the key that we have chosen (RFC 5845, 3.3). */
static void encapsulate(
	struct object_path *path, const struct session_encapsulation *e, uint32_t own)
{
	path->kind = session_encapsulation_is_gre(e) ? PATH_GRE : PATH_IP6_IN_IP6;
	path->keyed = e->gre == SESSION_GRE_KEYED;
	path->key_out = path->keyed ? e->peer_key : 0;
	path->key_in = path->keyed ? own : 0;
}

/* A tunnel of an attachment. */
static int add_tunnel(struct bundle *bundle, uint64_t id, const struct in6_addr *local,
	const struct in6_addr *remote, const struct session_encapsulation *e, uint32_t own)
{
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	object.path = (struct object_path){.id = id, .local = *local, .remote = *remote};
	encapsulate(&object.path, e, own);
	return publish_bundle_add(bundle, &object);
}

/* The tunnel to a gateway. */
static int add_way(const struct ctrl_config *config, struct bundle *bundle, uint64_t id,
	const struct session_path *way, uint32_t own)
{
	int dp = ctrl_config_data_plane_of_id(config, way->data_plane);
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	object.path = (struct object_path){.id = id,
		.local = *tunnel_ends_near(config, way->data_plane, &way->anchor),
		.remote = way->care_of,
		.data_plane = dp < 0 ? 0 : way->data_plane};
	encapsulate(&object.path, &way->encapsulation, own);
	return publish_bundle_add(bundle, &object);
}

/* What a node was assigned, and what was delegated to it, are one to data planes. */
static void set_prefixes(struct object_subscriber *subscriber, const struct prefix6 *own,
	uint8_t own_count, const struct prefix6 *delegated, uint8_t delegated_count)
{
	static_assert(
		(int)SESSION_PREFIXES_MAX + (int)SESSION_DELEGATED_MAX <= (int)OBJECT_PREFIXES_MAX,
		"all fit in one subscriber");

	subscriber->prefix_count = (uint8_t)(own_count + delegated_count);
	for (size_t i = 0; i < own_count; i++)
		subscriber->prefixes[i] = own[i];
	for (size_t i = 0; i < delegated_count; i++)
		subscriber->prefixes[own_count + i] = delegated[i];
}

/* The ways of a session that has several bindings. Returns their number. */
static size_t session_ways(const struct ctrl_config *config, const struct session_record *record,
	const struct path_policy *policy, struct path_policy_way ways[SESSION_PATHS_MAX])
{
	const uint64_t id = publish_session_id(record->number);

	for (size_t i = 0; i < record->path_count; i++) {
		const struct session_path *path = &record->paths[i];
		const bool served = ctrl_config_data_plane_of_id(config, path->data_plane) >= 0;

		ways[i] = (struct path_policy_way){.path = publish_way_id(id, path->bid),
			.label = path->label,
			.keyed = path->encapsulation.gre == SESSION_GRE_KEYED,
			.data_plane = served ? path->data_plane : 0};
		path_policy_judge(policy, &ways[i],
			tunnel_ends_near(config, path->data_plane, &path->anchor), &path->care_of);
	}
	return record->path_count;
}

enum path_policy_order publish_session_order(const struct ctrl_config *config,
	const struct session_record *record, const struct path_policy *policy)
{
	struct path_policy_way ways[SESSION_PATHS_MAX];

	return path_policy_order(policy, ways, session_ways(config, record, policy, ways));
}

/* Where packets wait: for a subscriber, or out of the tunnel between two addresses. */
static int add_held(struct bundle *bundle, uint64_t id, const struct ctrl_config_handover *handover,
	const struct in6_addr *local, const struct in6_addr *remote)
{
	struct object object = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	object.path = (struct object_path){.id = id,
		.kind = PATH_HELD,
		.local = *local,
		.remote = *remote,
		.hold_packets = handover->buffer,
		.hold_ms = (uint16_t)handover->hold_ms};
	return publish_bundle_add(bundle, &object);
}

/* A session between two gateways: its packets are dropped (RFC 5213, 5.3.5), or wait. */
static int compile_ending(const struct ctrl_config *config, const struct session_record *record,
	struct bundle *bundle)
{
	const uint64_t id = publish_session_id(record->number);
	struct object object = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};
	int error;

	if (config->lma.handover.buffer == 0)
		return 0;
	object.subscriber = (struct object_subscriber){.id = id, .path_count = 1, .paths = {id}};
	set_prefixes(&object.subscriber, record->prefixes, record->prefix_count, record->delegated,
		record->delegated_count);
	error = add_held(bundle, id, &config->lma.handover, &in6addr_any, &in6addr_any);
	return error ? error : publish_bundle_add(bundle, &object);
}

int publish_compile_session(const struct ctrl_config *config, const struct session_record *record,
	const struct path_policy *policy, struct bundle *bundle)
{
	uint64_t id = publish_session_id(record->number);
	struct path_policy_way ways[SESSION_PATHS_MAX] = {{.path = id}};
	struct object_subscriber subscriber = {.id = id, .domain = record->domain};
	const struct session_path only = {.care_of = record->care_of,
		.anchor = record->anchor,
		.data_plane = record->data_plane,
		.encapsulation = record->encapsulation};
	const uint32_t own = session_own_key(record->number);
	int error = 0;

	bundle->len = 0;
	if (record->life == SESSION_ENDING)
		return compile_ending(config, record, bundle);
	if (record->life != SESSION_LIVE)
		return 0;
	set_prefixes(&subscriber, record->prefixes, record->prefix_count, record->delegated,
		record->delegated_count);
	if (record->path_count == 0)
		error = add_way(config, bundle, id, &only, own);
	session_ways(config, record, policy, ways);
	for (size_t i = 0; i < record->path_count && !error; i++)
		error = add_way(config, bundle, ways[i].path, &record->paths[i], own);
	if (error)
		return error;
	return path_policy_compile(policy, false, publish_policy_rule_id(record->number), ways,
		record->path_count ? record->path_count : 1, &subscriber, bundle);
}

/* Where the tunnel of a way of an attachment leads to. */
static const struct in6_addr *far_end(
	const struct attachment_record *record, const struct attachment_path *path)
{
	return tunnel_ends_far(&record->anchor, &path->user_plane);
}

/* A registered way of an attachment, by its path in the configuration. */
static struct path_policy_way attachment_way(const struct attachment_record *record,
	const struct attachment_path *at, const struct ctrl_config_mag_path *path,
	const struct path_policy *policy)
{
	struct path_policy_way way = {
		.path = publish_way_id(publish_uplink_id(record->number), path->bid),
		.label = path->label,
		.keyed = at->encapsulation.gre == SESSION_GRE_KEYED};

	path_policy_judge(policy, &way, &path->address, far_end(record, at));
	return way;
}

enum path_policy_order publish_attachment_order(const struct ctrl_config *config,
	const struct attachment_record *record, const struct path_policy *policy)
{
	struct path_policy_way ways[SESSION_PATHS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < record->path_count; i++) {
		const struct ctrl_config_mag_path *path =
			ctrl_config_mag_path(config, record->paths[i].bid);

		if (path)
			ways[count++] = attachment_way(record, &record->paths[i], path, policy);
	}
	return path_policy_order(policy, ways, count);
}

/* The registered ways of an attachment that the configuration has. Returns their number. */
static size_t attachment_ways(const struct ctrl_config *config,
	const struct attachment_record *record, const struct path_policy *policy,
	struct bundle *bundle, struct path_policy_way ways[SESSION_PATHS_MAX], int *error)
{
	const uint64_t id = publish_uplink_id(record->number);
	const uint32_t own = session_own_key(record->number);
	size_t count = 0;

	for (size_t i = 0; i < record->path_count && !*error; i++) {
		const struct ctrl_config_mag_path *path =
			ctrl_config_mag_path(config, record->paths[i].bid);

		if (!path)
			continue;
		ways[count] = attachment_way(record, &record->paths[i], path, policy);
		*error = add_tunnel(bundle, ways[count++].path, &path->address,
			far_end(record, &record->paths[i]), &record->paths[i].encapsulation, own);
	}
	if (count || *error)
		return count;
	ways[0] = (struct path_policy_way){.path = id};
	*error = add_tunnel(bundle, id, ctrl_config_mag_address(config),
		tunnel_ends_far(&record->anchor, &record->user_plane), &record->encapsulation, own);
	return 1;
}

int publish_compile_attachment(const struct ctrl_config *config,
	const struct attachment_record *record, const struct path_policy *policy,
	struct bundle *bundle)
{
	uint64_t id = publish_attachment_id(record->number);
	struct object link = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};
	struct object_subscriber subscriber = {
		.id = id, .domain = record->domain, .path_count = 1, .paths = {id}};
	struct path_policy_way ways[SESSION_PATHS_MAX];
	size_t count;
	int error;

	bundle->len = 0;
	if (!record->lifetime)
		return 0;
	set_prefixes(&subscriber, record->prefixes, record->prefix_count, record->delegated,
		record->delegated_count);
	link.path = (struct object_path){.id = id, .kind = PATH_ON_LINK, .mac = record->mac};
	snprintf(link.path.port, sizeof(link.path.port), "%s", record->link);
	error = publish_bundle_add(bundle, &link);
	if (error)
		return error;
	count = attachment_ways(config, record, policy, bundle, ways, &error);
	if (error)
		return error;
	return path_policy_compile(policy, true, publish_policy_rule_id(record->number), ways,
		count, &subscriber, bundle);
}

int publish_compile_address(uint64_t id, const struct in6_addr *addr, struct bundle *bundle)
{
	struct object object = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = id};

	object.local = (struct object_local){.id = id, .addr = *addr};
	bundle->len = 0;
	return publish_bundle_add(bundle, &object);
}

int publish_compile_home_agents(uint64_t id, const struct prefix6 *prefix, struct bundle *bundle)
{
	const struct in6_addr anycast = home_discovery_anycast(prefix);

	return publish_compile_address(id, &anycast, bundle);
}

static int compile_link(const struct object_link *link, const char *port, struct bundle *bundle)
{
	struct object object = {
		.kind = OBJECT_LINK, .op = OBJECT_SET, .id = link->id, .link = *link};

	if (strlen(port) > OBJECT_PORT_NAME_MAX)
		return -EINVAL;
	strcpy(object.link.port, port);
	bundle->len = 0;
	return publish_bundle_add(bundle, &object);
}

int publish_compile_link(uint64_t id, const char *port, struct bundle *bundle)
{
	const struct object_link link = {.id = id, .watch_dad = true};

	return compile_link(&link, port, bundle);
}

int publish_compile_access(uint64_t id, const char *port, bool local_routing, struct bundle *bundle)
{
	const struct object_link link = {.id = id, .access = true, .local_routing = local_routing};

	return compile_link(&link, port, bundle);
}

int publish_compile_held(const struct ctrl_config *config, size_t tunnel, struct bundle *bundle)
{
	const struct in6_addr *local, *remote;

	ctrl_config_mag_tunnel(config, tunnel, &local, &remote);
	bundle->len = 0;
	return add_held(bundle, publish_held_id(tunnel), &config->mag.handover, local, remote);
}

int publish_compile_data_plane(const struct ctrl_config *config, unsigned dp, struct bundle *bundle)
{
	struct object object = {.kind = OBJECT_DATA_PLANE,
		.op = OBJECT_SET,
		.id = ctrl_config_data_plane_id(config, dp)};

	object.data_plane = (struct object_data_plane){
		.id = object.id, .addr = *ctrl_config_data_plane_address(config, dp)};
	strcpy(object.data_plane.name, ctrl_config_data_plane_name(config, dp));
	bundle->len = 0;
	return publish_bundle_add(bundle, &object);
}
