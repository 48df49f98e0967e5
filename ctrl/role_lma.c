#include "ctrl/role_lma.h"

#include "common/hmac.h"
#include "common/log.h"
#include "ctrl/commit.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/multicast.h"
#include "ctrl/packet.h"
#include "ctrl/path_supervision.h"
#include "ctrl/publish/path_policy.h"
#include "ctrl/publish/publish.h"
#include "ctrl/publish/tunnel_ends.h"
#include "ctrl/rates.h"
#include "ctrl/restart_counter.h"
#include "ctrl/role.h"
#include "ctrl/serving.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/lma/lma_counter.h"
#include "ctrl/signalling/receive.h"
#include "ctrl/signalling/signalling.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)SESSION_RECORD_MAX <= (int)COMMIT_RECORD_MAX, "a session is one of the records");

struct role_lma {
	struct ctrl *ctrl;
	struct in6_addr *peer_addresses; /* of all peers, one after the other */
	struct lma_peer *peers;
	size_t peer_count;
	struct lma_pool *pools;
	struct lma_profile *profiles;
	struct path_policy policy;
	size_t restored;
};

static void serve_one(struct commit_item *item, uint64_t data_plane)
{
	if (data_plane)
		item->data_planes[item->data_plane_count++] = data_plane;
}

/* Each that serves one of its ways has to acknowledge. */
static void serve(struct commit_item *item, const struct session_record *record)
{
	static_assert((int)SESSION_PATHS_MAX <= (int)BINDING_MAX, "a commit waits for all");

	if (!record->path_count)
		serve_one(item, record->data_plane);
	for (size_t i = 0; i < record->path_count; i++)
		serve_one(item, record->paths[i].data_plane);
}

/* What the store and the data planes are to have of a session. */
static int item_of(
	const struct role_lma *role, const struct session_record *record, struct commit_item *item)
{
	struct writer w;
	int error = 0;

	*item = (struct commit_item){
		.table = STORE_SESSION, .bundle_id = publish_session_id(record->number)};
	writer_init(&w, item->key, sizeof(item->key));
	writer_u64(&w, record->number);
	item->key_len = (uint8_t)writer_len(&w);
	if (record->life == SESSION_NONE)
		return 0;
	writer_init(&w, item->record, sizeof(item->record));
	error = session_record_encode(&w, record);
	item->record_len = (uint16_t)writer_len(&w);
	serve(item, record);
	return error ? error
		     : publish_compile_session(
			       role->ctrl->config, record, &role->policy, &item->bundle);
}

/* The tunnels of a session with several bindings, or that can have them, are supervised. */
static void supervise(const struct role_lma *role, const struct session_record *record)
{
	for (size_t i = 0; record->life == SESSION_LIVE && i < record->path_count; i++) {
		const struct session_path *path = &record->paths[i];
		const struct lma_peer *peer = lma_peer_find(role->ctrl->lma, &path->care_of);
		const struct path_watch_use use = {.local = *tunnel_ends_near(role->ctrl->config,
							   path->data_plane, &path->anchor),
			.remote = path->care_of,
			.peer = peer ? peer->name : "",
			.bid = path->bid,
			.label = path->label,
			.gre = session_encapsulation_is_gre(&path->encapsulation),
			.data_plane = path->data_plane};

		path_supervision_use(role->ctrl, &use, path->expires_ns);
	}
}

static int op_commit(void *context, const struct session_record *good,
	const struct session_record *record, lma_done *done, void *done_context)
{
	const struct role_lma *role = context;
	struct commit_item was, item;
	int error = item_of(role, good, &was);

	if (!error)
		error = item_of(role, record, &item);
	supervise(role, record);
	return error ? error
		     : commit_submit_item(role->ctrl->commit, &was, &item, done, done_context);
}

static int op_serve(void *context, const struct in6_addr *care_of, uint64_t *data_plane)
{
	const struct role_lma *role = context;

	return serving_choose(role->ctrl->serving, care_of, 0, data_plane);
}

static bool op_tunnel_address(void *context, uint64_t data_plane, struct in6_addr *address)
{
	const struct role_lma *role = context;

	return role_tunnel_address(role->ctrl, data_plane, address);
}

static int op_inject(void *context, const char *data_plane, const struct packet_inject *inject)
{
	const struct role_lma *role = context;
	return role_inject(role->ctrl, data_plane, inject);
}

static void op_metrics(
	void *context, const struct lma_peer *peer, const struct metrics_list *metrics)
{
	const struct role_lma *role = context;

	for (size_t i = 0; i < metrics->count; i++)
		path_supervision_tell(role->ctrl, peer->name, &metrics->ways[i]);
}

static void op_event(void *context, const struct lma_event *event)
{
	const struct role_lma *role = context;
	bool refused = event->kind == LMA_REFUSED;
	char name[64];
	const struct event out = {.severity = refused ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		.event = name,
		.mn_id = event->mn_id,
		.home_address = event->session ? &event->session->now.prefixes[0].addr : NULL,
		.care_of_address = &event->care_of};

	if (event->session && event->session->now.life == SESSION_LIVE)
		multicast_session(role->ctrl->multicast, &event->session->now.anchor,
			&event->session->now.care_of);
	snprintf(name, sizeof(name), "session-%s", lma_event_name(event->kind));
	if (refused)
		events_post(role->ctrl->events, &out, "Proxy Binding Update refused with status %u",
			event->status);
	else
		events_post(role->ctrl->events, &out, "%s %s at %s",
			PREFIX6_TEXT(&event->session->now.prefixes[0]), lma_event_name(event->kind),
			ADDR_TEXT(&event->care_of));
}

static void op_peer_event(void *context, const struct lma_peer *peer, enum heartbeat_event event)
{
	const struct role_lma *role = context;
	char name[64];
	const struct event out = {.severity = LOG_LEVEL_WARN, .event = name};

	snprintf(name, sizeof(name), "gateway-%s", heartbeat_event_name(event));
	events_post(role->ctrl->events, &out, "gateway %s", peer->name);
}

static uint64_t op_now(void *context)
{
	const struct role_lma *role = context;

	return loop_now_ns(role->ctrl->loop);
}

static uint64_t op_real(void *context)
{
	const struct role_lma *role = context;

	return loop_real_ns(role->ctrl->loop);
}

static bool owns(void *context, const struct in6_addr *address)
{
	const struct role_lma *role = context;

	return lma_is_own(role->ctrl->lma, address);
}

static bool knows(void *context, const struct in6_addr *address)
{
	const struct role_lma *role = context;

	return lma_peer_find(role->ctrl->lma, address);
}

static void message(void *context, const struct receive_packet *packet, const struct mh *mh)
{
	const struct role_lma *role = context;

	lma_receive(role->ctrl->lma, packet, mh);
}

/* A gateway of the configuration; its addresses go to `at`. */
static int read_peer(
	const struct ctrl_config_gateway *g, struct lma_peer *peer, struct in6_addr *at)
{
	char why[256];

	*peer = (struct lma_peer){.name = g->name,
		.identifier = g->identifier,
		.addresses = at,
		.address_count = g->addresses.count,
		.has_key = g->key_file,
		.spi = g->spi};
	for (size_t i = 0; i < g->addresses.count; i++)
		if (addr_parse(*config_item(&g->addresses, char *, i), &at[i]) < 0)
			return -EINVAL;
	return g->key_file ? ctrl_config_read_gateway_key(g->key_file, peer->key, why, sizeof(why))
			   : 0;
}

static int read_peers(struct role_lma *role)
{
	const struct config_list *gateways = &role->ctrl->config->lma.gateways;
	size_t addresses = 0;
	int error = 0;

	for (size_t i = 0; i < gateways->count; i++)
		addresses += config_item(gateways, struct ctrl_config_gateway, i)->addresses.count;
	role->peers = calloc(gateways->count, sizeof(*role->peers));
	role->peer_addresses = calloc(addresses, sizeof(*role->peer_addresses));
	if (!role->peers || !role->peer_addresses)
		return -ENOMEM;
	struct in6_addr *at = role->peer_addresses;

	for (size_t i = 0; i < gateways->count && !error; i++) {
		struct lma_peer *peer = &role->peers[role->peer_count++];

		error = read_peer(config_item(gateways, struct ctrl_config_gateway, i), peer, at);
		at += peer->address_count;
	}
	return error;
}

static int read_policy(struct role_lma *role)
{
	const struct ctrl_config_lma *c = &role->ctrl->config->lma;
	char why[256];
	int error = path_policy_read(&role->policy, &c->distribution, why, sizeof(why));

	if (error)
		return error;
	role->policy.one_data_plane = role->ctrl->config->data_planes.count == 1;
	role->ctrl->path_policy = &role->policy;
	role->pools = calloc(c->pools.count + 1, sizeof(*role->pools));
	role->profiles = calloc(c->nodes.count + 1, sizeof(*role->profiles));
	if (!role->pools || !role->profiles)
		return -ENOMEM;
	for (size_t i = 0; i < c->pools.count; i++) {
		const struct ctrl_config_pool *p =
			config_item(&c->pools, struct ctrl_config_pool, i);

		role->pools[i] = (struct lma_pool){.name = p->name,
			.range = p->prefix,
			.length = p->length,
			.domain =
				(uint32_t)ctrl_config_domain_number(role->ctrl->config, p->domain)};
	}
	for (size_t i = 0; i < c->nodes.count; i++) {
		const struct ctrl_config_lma_node *n =
			config_item(&c->nodes, struct ctrl_config_lma_node, i);

		role->profiles[i] = (struct lma_profile){.match = n->match,
			.domain =
				(uint32_t)ctrl_config_domain_number(role->ctrl->config, n->domain),
			.enabled = n->enabled,
			.pool = n->pool,
			.per_session = n->prefixes_per_session,
			.prefixes = n->prefixes.items,
			.prefix_count = n->prefixes.count,
			.delegated_pool = n->delegated_pool,
			.delegated_per_session = n->delegated_per_session,
			.delegated = n->delegated_prefixes.items,
			.delegated_count = n->delegated_prefixes.count,
			.max_lifetime_s = n->max_lifetime_ms / 1000,
			.multipath = n->multipath};
	}
	return 0;
}

static int make_lma(struct role_lma *role, uint32_t counter, bool fresh)
{
	struct ctrl *ctrl = role->ctrl;
	const struct ctrl_config *config = ctrl->config;
	const struct lma_ops ops = {.context = role,
		.commit = op_commit,
		.serve = op_serve,
		.tunnel_address = op_tunnel_address,
		.inject = op_inject,
		.metrics = op_metrics,
		.event = op_event,
		.peer_event = op_peer_event,
		.now_ns = op_now,
		.real_ns = op_real};
	const struct lma_config lma = {.addresses = config->addresses + config->agent_count,
		.address_count = config->lma.addresses.count,
		.peers = role->peers,
		.peer_count = role->peer_count,
		.pools = role->pools,
		.pool_count = config->lma.pools.count,
		.profiles = role->profiles,
		.profile_count = config->lma.nodes.count,
		.max_lifetime_s = config->lma.max_lifetime_ms / 1000,
		.max_sessions = config->lma.max_sessions,
		.timestamps = config->lma.timestamps,
		.timestamp_window_ms = config->lma.timestamp_window_ms,
		.delete_delay_ms = config->lma.delete_delay_ms,
		.assign_delay_ms = config->lma.assign_delay_ms,
		.refusals_per_second = config->lma.refusals_per_second,
		.max_paths = config->lma.max_paths,
		.user_planes = config->lma.user_planes,
		.gre = config->lma.gre,
		.metrics_vendor = config->lma.metrics_vendor,
		.revokes = config->lma.revocation,
		.heartbeat_ms = config->lma.heartbeat_ms,
		.heartbeats_missed = config->lma.heartbeats_missed,
		.restart_counter = counter,
		.restart_fresh = fresh};
	const struct signalling_role packets = {
		.context = role, .owns = owns, .knows = knows, .message = message};
	int error;

	ctrl->lma = lma_new(&lma, &ops);
	if (!ctrl->lma)
		return -errno;
	error = signalling_add_role(ctrl->signalling, &packets);
	return error ? error : loop_add_wheel(ctrl->loop, lma_wheel(ctrl->lma));
}

/* A record of the store: into the cache, and into what is published. */
static int restore_one(void *arg, const void *key, size_t key_len, const void *octets, size_t len)
{
	struct role_lma *role = arg;
	struct session_record record;
	struct bundle bundle;
	struct cursor c;
	int error;

	(void)key;
	(void)key_len;
	cursor_init(&c, octets, len);
	error = session_record_decode(&c, &record);
	if (!error)
		error = lma_restore(role->ctrl->lma, &record);
	if (!error)
		error = publish_compile_session(
			role->ctrl->config, &record, &role->policy, &bundle);
	if (!error && bundle.len)
		error = publish_restore(
			role->ctrl->publish, publish_session_id(record.number), &bundle);
	if (!error)
		supervise(role, &record);
	role->restored++;
	return error;
}

int role_lma_open(struct role_lma **out, struct ctrl *ctrl, char *why, size_t why_size)
{
	struct role_lma *role = calloc(1, sizeof(*role));
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
	error = read_peers(role);
	if (!error)
		error = read_policy(role);
	if (!error)
		error = restart_counter_open(
			ctrl->store, loop_real_ns(ctrl->loop), &counter, &fresh);
	if (!error)
		error = make_lma(role, counter, fresh);
	if (!error)
		error = path_supervision_open(
			ctrl, &ctrl->config->lma.supervision, &ctrl->config->lma.distribution);
	if (error) {
		role_refuse(error, "the local mobility anchor cannot start", why, why_size);
		role_lma_close(role);
		return error;
	}
	error = store_each(ctrl->store, STORE_SESSION, restore_one, role);
	if (error) {
		snprintf(what, sizeof(what), "session number %zu", role->restored);
		role_not_restored(ctrl, error, what, "it is", why, why_size);
		role_lma_close(role);
		return error;
	}
	error = multicast_open_gateways(ctrl->multicast);
	if (error) {
		role_refuse(error, "multicast of the anchor cannot start", why, why_size);
		role_lma_close(role);
		return error;
	}
	rates_add(ctrl->rates, "proxy_updates", &lma_values(ctrl->lma)[LMA_N_PBU]);
	rates_add(ctrl->rates, "proxy_accepted", &lma_values(ctrl->lma)[LMA_N_ACCEPTED]);
	LOG_INFO(
		"lma", "ready", "gateways=%zu sessions=%zu", role->peer_count, lma_live(ctrl->lma));
	*out = role;
	return 0;
}

void role_lma_close(struct role_lma *role)
{
	if (!role)
		return;
	path_supervision_close(role->ctrl);
	lma_free(role->ctrl->lma);
	role->ctrl->lma = NULL;
	role->ctrl->path_policy = NULL;
	if (role->peers)
		hmac_wipe(role->peers, role->peer_count * sizeof(*role->peers));
	free(role->peers);
	free(role->peer_addresses);
	free(role->pools);
	free(role->profiles);
	free(role);
}
