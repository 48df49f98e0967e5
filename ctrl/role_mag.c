#include "ctrl/role_mag.h"

#include "common/hmac.h"
#include "common/log.h"
#include "ctrl/commit.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/multicast.h"
#include "ctrl/packet.h"
#include "ctrl/path_metrics.h"
#include "ctrl/path_supervision.h"
#include "ctrl/publish/path_policy.h"
#include "ctrl/publish/publish.h"
#include "ctrl/publish/tunnel_ends.h"
#include "ctrl/rates.h"
#include "ctrl/restart_counter.h"
#include "ctrl/role.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/mag/mag_counter.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/signalling.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)ATTACHMENT_RECORD_MAX <= (int)COMMIT_RECORD_MAX, "it is one of the records");

struct role_mag {
	struct ctrl *ctrl;
	struct mag_anchor *anchors;
	struct mag_link *links;
	struct mag_profile *profiles;
	struct mag_path *paths;
	struct path_policy policy;
	struct path_metrics *metrics; /* NULL: anchors are not told */
	size_t anchor_count;
	size_t restored;
};

/* What the store and the data planes are to have of an attachment. */
static int item_of(const struct role_mag *role, const struct attachment_record *record,
	struct commit_item *item)
{
	struct writer w;
	int error = 0;

	*item = (struct commit_item){
		.table = STORE_ATTACHMENT, .bundle_id = publish_attachment_id(record->number)};
	writer_init(&w, item->key, sizeof(item->key));
	writer_u64(&w, record->number);
	item->key_len = (uint8_t)writer_len(&w);
	if (!record->lifetime)
		return 0;
	writer_init(&w, item->record, sizeof(item->record));
	error = attachment_record_encode(&w, record);
	item->record_len = (uint16_t)writer_len(&w);
	return error ? error
		     : publish_compile_attachment(
			       role->ctrl->config, record, &role->policy, &item->bundle);
}

/* The tunnels of an attachment with several paths, or that can have them, are supervised. */
static void supervise(const struct role_mag *role, const struct attachment_record *record)
{
	const struct mag_anchor *anchor = mag_anchor_at(role->ctrl->mag, &record->anchor);

	for (size_t i = 0; record->lifetime && i < record->path_count; i++) {
		const struct ctrl_config_mag_path *path =
			ctrl_config_mag_path(role->ctrl->config, record->paths[i].bid);

		if (!path)
			continue;
		const struct path_watch_use use = {.local = path->address,
			.remote = *tunnel_ends_far(&record->anchor, &record->paths[i].user_plane),
			.peer = anchor ? anchor->name : "",
			.bid = path->bid,
			.label = path->label,
			.gre = session_encapsulation_is_gre(&record->paths[i].encapsulation)};

		path_supervision_use(role->ctrl, &use, record->paths[i].expires_ns);
	}
}

static int op_commit(void *context, const struct attachment_record *good,
	const struct attachment_record *record, mag_done *done, void *done_context)
{
	const struct role_mag *role = context;
	struct commit_item was, item;
	int error = item_of(role, good, &was);

	if (!error)
		error = item_of(role, record, &item);
	if (!record->lifetime)
		multicast_detached(role->ctrl->multicast, &record->mac);
	supervise(role, record);
	return error ? error
		     : commit_submit_item(role->ctrl->commit, &was, &item, done, done_context);
}

static bool op_reaches(void *context)
{
	const struct role_mag *role = context;

	return publish_up(role->ctrl->publish, 0) && packet_reaches(role->ctrl->packet, 0);
}

static int op_inject(void *context, const struct packet_inject *inject)
{
	const struct role_mag *role = context;

	return publish_up(role->ctrl->publish, 0) ? packet_inject(role->ctrl->packet, 0, inject)
						  : -ENOTCONN;
}

static int op_port(void *context, const struct mag_link *link, struct mac *mac)
{
	const struct role_mag *role = context;
	const struct update_port *port = publish_port(role->ctrl->publish, 0, link->port);

	if (!port || !port->up)
		return -ENOTCONN;
	*mac = port->mac;
	return 0;
}

static void op_metrics(void *context, const struct mag_anchor *anchor, struct metrics_list *metrics)
{
	const struct role_mag *role = context;

	path_metrics_told(role->metrics, anchor, metrics);
}

static void op_event(void *context, enum mag_event_kind kind, const struct mag_attachment *a)
{
	const struct role_mag *role = context;
	char name[64], mn[SESSION_MN_ID_TEXT_SIZE];
	const struct event out = {
		.severity = kind == MAG_EVENT_REFUSED ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		.event = name,
		.mn_id = session_mn_id_text(mn, &a->now.mn_id),
		.home_address = a->now.prefix_count ? &a->now.prefixes[0].addr : NULL,
		.port = a->link->port};

	if (kind == MAG_EVENT_ATTACHED || kind == MAG_EVENT_MOVED)
		multicast_attached(role->ctrl->multicast, a);
	snprintf(name, sizeof(name), "node-%s", mag_event_name(kind));
	if (kind == MAG_EVENT_REFUSED)
		events_post(role->ctrl->events, &out, "%s: its anchor refused it with status %u",
			MAC_TEXT(&a->now.mac), a->status);
	else
		events_post(role->ctrl->events, &out, "%s %s on %s", MAC_TEXT(&a->now.mac),
			mag_event_name(kind), a->link->port);
}

static void op_peer_event(
	void *context, const struct mag_anchor *anchor, enum heartbeat_event event)
{
	const struct role_mag *role = context;
	char name[64];
	const struct event out = {.severity = LOG_LEVEL_WARN, .event = name};

	snprintf(name, sizeof(name), "anchor-%s", heartbeat_event_name(event));
	events_post(role->ctrl->events, &out, "anchor %s", anchor->name);
}

static uint64_t op_now(void *context)
{
	const struct role_mag *role = context;

	return loop_now_ns(role->ctrl->loop);
}

static uint64_t op_real(void *context)
{
	const struct role_mag *role = context;

	return loop_real_ns(role->ctrl->loop);
}

static bool owns(void *context, const struct in6_addr *address)
{
	const struct role_mag *role = context;

	return mag_is_own(role->ctrl->mag, address);
}

static bool knows(void *context, const struct in6_addr *address)
{
	const struct role_mag *role = context;

	return mag_anchor_at(role->ctrl->mag, address);
}

static void message(void *context, const struct receive_packet *packet, const struct mh *mh)
{
	const struct role_mag *role = context;

	mag_receive(role->ctrl->mag, packet, mh);
}

static bool neighbour(void *context, const struct receive_packet *packet)
{
	const struct role_mag *role = context;

	return mag_neighbour(role->ctrl->mag, packet);
}

static int read_anchors(struct role_mag *role)
{
	const struct config_list *anchors = &role->ctrl->config->mag.anchors;
	char why[256];
	int error = 0;

	role->anchors = calloc(anchors->count, sizeof(*role->anchors));
	if (!role->anchors)
		return -ENOMEM;
	role->anchor_count = anchors->count;
	for (size_t i = 0; i < anchors->count && !error; i++) {
		const struct ctrl_config_anchor *a =
			config_item(anchors, struct ctrl_config_anchor, i);

		role->anchors[i] = (struct mag_anchor){.name = a->name,
			.address = a->address,
			.has_key = a->key_file,
			.spi = a->spi};
		if (a->key_file)
			error = ctrl_config_read_gateway_key(
				a->key_file, role->anchors[i].key, why, sizeof(why));
	}
	return error;
}

static int read_links(struct role_mag *role)
{
	const struct config_list *links = &role->ctrl->config->mag.links;

	role->links = calloc(links->count, sizeof(*role->links));
	if (!role->links)
		return -ENOMEM;
	for (size_t i = 0; i < links->count; i++) {
		const struct ctrl_config_access *l =
			config_item(links, struct ctrl_config_access, i);

		role->links[i].access = l->access_technology;
		role->links[i].domain =
			(uint32_t)ctrl_config_domain_number(role->ctrl->config, l->domain);
		snprintf(role->links[i].port, sizeof(role->links[i].port), "%s", l->port);
	}
	return 0;
}

/* The access link on a port; NULL for none. */
static const struct mag_link *link_on(const struct role_mag *role, const char *port)
{
	size_t count = role->ctrl->config->mag.links.count, i = 0;

	while (port && i < count && strcmp(role->links[i].port, port) != 0)
		i++;
	return port && i < count ? &role->links[i] : NULL;
}

static int read_profiles(struct role_mag *role)
{
	const struct ctrl_config *config = role->ctrl->config;
	const struct config_list *nodes = &config->mag.nodes;

	role->profiles = calloc(nodes->count, sizeof(*role->profiles));
	if (!role->profiles)
		return -ENOMEM;
	for (size_t i = 0; i < nodes->count; i++) {
		const struct ctrl_config_mag_node *n =
			config_item(nodes, struct ctrl_config_mag_node, i);
		size_t anchor =
			(size_t)(ctrl_config_anchor(config, n->anchor) -
				 config_item(&config->mag.anchors, struct ctrl_config_anchor, 0));

		role->profiles[i] = (struct mag_profile){.mn_id = n->mn_id,
			.mac = n->link_address,
			.domain = (uint32_t)ctrl_config_domain_number(config, n->domain),
			.anchor = &role->anchors[anchor],
			.delegates = n->delegation || n->delegated_prefixes.count,
			.delegated = n->delegated_prefixes.items,
			.delegated_count = n->delegated_prefixes.count,
			.always_on = link_on(role, n->always_on)};
	}
	return 0;
}

static int read_paths(struct role_mag *role)
{
	const struct ctrl_config_mag *c = &role->ctrl->config->mag;
	char why[256];
	int error = path_policy_read(&role->policy, &c->distribution, why, sizeof(why));

	if (error)
		return error;
	role->paths = calloc(c->paths.count + 1, sizeof(*role->paths));
	if (!role->paths)
		return -ENOMEM;
	for (size_t i = 0; i < c->paths.count; i++) {
		const struct ctrl_config_mag_path *p =
			config_item(&c->paths, struct ctrl_config_mag_path, i);

		role->paths[i] = (struct mag_path){.bid = p->bid,
			.access = p->access_technology,
			.label = p->label,
			.address = p->address};
	}
	role->policy.one_data_plane = true;
	role->ctrl->path_policy = &role->policy;
	return 0;
}

static int make_mag(struct role_mag *role, uint32_t counter, bool fresh)
{
	struct ctrl *ctrl = role->ctrl;
	const struct ctrl_config_mag *c = &ctrl->config->mag;
	const struct mag_ops ops = {.context = role,
		.commit = op_commit,
		.reaches = op_reaches,
		.inject = op_inject,
		.port = op_port,
		.metrics = op_metrics,
		.event = op_event,
		.peer_event = op_peer_event,
		.now_ns = op_now,
		.real_ns = op_real};
	const struct mag_config mag = {.address = c->address,
		.paths = role->paths,
		.path_count = c->paths.count,
		.concurrent = c->concurrent,
		.link_local = c->link_local,
		.links = role->links,
		.link_count = c->links.count,
		.anchors = role->anchors,
		.anchor_count = role->anchor_count,
		.profiles = role->profiles,
		.profile_count = c->nodes.count,
		.identifier = c->identifier,
		.heartbeat_ms = c->heartbeat_ms,
		.heartbeats_missed = c->heartbeats_missed,
		.restart_counter = counter,
		.restart_fresh = fresh,
		.lifetime_s = c->lifetime_ms / 1000,
		.mtu = c->mtu,
		.numbered = c->distribution.order.numbers,
		.gre = c->gre,
		.metrics_vendor = c->metrics_vendor,
		.probe_ms = c->probe_ms,
		.probes = c->probes,
		.hold_ms = c->hold_ms,
		.timestamp_window_ms = c->timestamp_window_ms};
	const struct signalling_role packets = {.context = role,
		.owns = owns,
		.knows = knows,
		.message = message,
		.neighbour = neighbour};
	int error;

	ctrl->mag = mag_new(&mag, &ops);
	if (!ctrl->mag)
		return -errno;
	error = multicast_open_nodes(ctrl->multicast);
	if (!error)
		error = signalling_add_role(ctrl->signalling, &packets);
	return error ? error : loop_add_wheel(ctrl->loop, mag_wheel(ctrl->mag));
}

/* A record of the store: into the gateway, and into what is published. */
static int restore_one(void *arg, const void *key, size_t key_len, const void *octets, size_t len)
{
	struct role_mag *role = arg;
	struct attachment_record record;
	struct bundle bundle;
	struct cursor c;
	int error;

	(void)key;
	(void)key_len;
	cursor_init(&c, octets, len);
	error = attachment_record_decode(&c, &record);
	if (!error)
		error = mag_restore(role->ctrl->mag, &record);
	if (!error)
		error = publish_compile_attachment(
			role->ctrl->config, &record, &role->policy, &bundle);
	if (!error)
		error = publish_restore(
			role->ctrl->publish, publish_attachment_id(record.number), &bundle);
	if (!error)
		supervise(role, &record);
	role->restored++;
	return error;
}

int role_mag_open(struct role_mag **out, struct ctrl *ctrl, char *why, size_t why_size)
{
	struct role_mag *role = calloc(1, sizeof(*role));
	char what[64];
	uint32_t counter;
	bool fresh;
	int error;

	*out = NULL;
	if (!role) {
		snprintf(why, why_size, "no memory");
		return -ENOMEM;
	}
	role->ctrl = ctrl;
	error = read_anchors(role);
	if (!error)
		error = read_links(role);
	if (!error)
		error = read_profiles(role);
	if (!error)
		error = read_paths(role);
	if (!error)
		error = restart_counter_open(
			ctrl->store, loop_real_ns(ctrl->loop), &counter, &fresh);
	if (!error)
		error = make_mag(role, counter, fresh);
	if (!error)
		error = path_supervision_open(
			ctrl, &ctrl->config->mag.supervision, &ctrl->config->mag.distribution);
	if (!error && ctrl->config->mag.metrics_vendor)
		error = path_metrics_open(&role->metrics, ctrl, role->anchors, role->anchor_count);
	if (error) {
		role_refuse(error, "the mobile access gateway cannot start", why, why_size);
		role_mag_close(role);
		return error;
	}
	error = store_each(ctrl->store, STORE_ATTACHMENT, restore_one, role);
	if (error) {
		snprintf(what, sizeof(what), "attachment number %zu", role->restored);
		role_not_restored(ctrl, error, what, "it is", why, why_size);
		role_mag_close(role);
		return error;
	}
	mag_start(ctrl->mag);
	for (const struct mag_attachment *a = mag_next(ctrl->mag, NULL); a;
		a = mag_next(ctrl->mag, a))
		if (a->now.lifetime)
			multicast_attached(ctrl->multicast, a);
	rates_add(ctrl->rates, "proxy_updates_sent", &mag_values(ctrl->mag)[MAG_N_PBU]);
	rates_add(ctrl->rates, "proxy_answers", &mag_values(ctrl->mag)[MAG_N_PBA]);
	LOG_INFO("mag", "ready", "anchors=%zu attachments=%zu", role->anchor_count, role->restored);
	*out = role;
	return 0;
}

void role_mag_close(struct role_mag *role)
{
	if (!role)
		return;
	path_metrics_free(role->metrics);
	path_supervision_close(role->ctrl);
	mag_free(role->ctrl->mag);
	role->ctrl->mag = NULL;
	role->ctrl->path_policy = NULL;
	if (role->anchors)
		hmac_wipe(role->anchors, role->anchor_count * sizeof(*role->anchors));
	free(role->anchors);
	free(role->links);
	free(role->profiles);
	free(role->paths);
	free(role);
}
