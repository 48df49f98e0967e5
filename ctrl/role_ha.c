#include "ctrl/role_ha.h"

#include "common/log.h"
#include "ctrl/api/api.h"
#include "ctrl/binding/flow.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/commit.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/intake.h"
#include "ctrl/loop.h"
#include "ctrl/multicast.h"
#include "ctrl/packet.h"
#include "ctrl/path_supervision.h"
#include "ctrl/publish/publish.h"
#include "ctrl/rates.h"
#include "ctrl/restore.h"
#include "ctrl/role.h"
#include "ctrl/serving.h"
#include "ctrl/signalling/classify.h"
#include "ctrl/signalling/counter.h"
#include "ctrl/signalling/signalling.h"
#include "ctrl/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { UNDER_WAY_MAX = 8192 }; /* changes of bindings, 3 KiB each */

struct role_ha {
	struct ctrl *ctrl;
	struct api *api;
	struct home_link *links;
	struct home_prefix *prefixes;
	struct in6_addr *locals; /* of other roles and of the data planes */
	struct home_policy policy;
	struct signalling_ops ops;
};

static int op_choose(
	void *context, const struct in6_addr *care_of, uint64_t tried, uint64_t *data_plane)
{
	const struct role_ha *role = context;

	return serving_choose(role->ctrl->serving, care_of, tried, data_plane);
}

static int op_choose_home(
	void *context, const struct in6_addr *home, uint64_t tried, uint64_t *data_plane)
{
	const struct role_ha *role = context;

	return serving_choose_home(role->ctrl->serving, home, tried, data_plane);
}

static bool op_tunnel_address(void *context, uint64_t data_plane, struct in6_addr *address)
{
	const struct role_ha *role = context;

	return role_tunnel_address(role->ctrl, data_plane, address);
}

static void op_listen(void *context, const struct in6_addr *home, uint64_t subscriber_id,
	struct mcast_state *state, struct mcast_state *before)
{
	const struct role_ha *role = context;

	multicast_listen(role->ctrl->multicast, home, subscriber_id, state, before);
}

static void op_served(void *context, const struct in6_addr *home, struct mcast_state *state)
{
	const struct role_ha *role = context;

	multicast_served(role->ctrl->multicast, home, state);
}

static int op_commit(void *context, const struct binding_list *good, const struct binding_list *to,
	signalling_done *done, void *done_context)
{
	const struct role_ha *role = context;

	return commit_submit(role->ctrl->commit, good, to, done, done_context);
}

/* A flow binding as the store and the data planes have it. */
static int make_flow_item(const struct in6_addr *home, const struct flow_binding *flow,
	const struct binding_list *bindings, struct commit_item *item)
{
	struct writer w;
	int error;

	writer_init(&w, item->record, sizeof(item->record));
	error = flow_record_encode(&w, home, flow);
	item->record_len = (uint16_t)writer_len(&w);
	if (!error)
		error = publish_compile_flow(flow, bindings, &item->bundle);
	for (unsigned i = 0; i < bindings->count; i++)
		if (bindings->records[i].bid == flow->bids[0] && bindings->records[i].data_plane &&
			!item->data_plane_count)
			item->data_planes[item->data_plane_count++] =
				bindings->records[i].data_plane;
	return error;
}

static int op_commit_flow(void *context, const struct signalling_flow *change,
	signalling_done *done, void *done_context)
{
	const struct role_ha *role = context;
	const uint16_t fid = change->to ? change->to->fid : change->good->fid;
	struct commit_item good = {.table = STORE_FLOW,
		.key_len = FLOW_KEY_SIZE,
		.bundle_id = publish_rule_id(change->after->records[0].subscriber_id, fid)};
	struct commit_item to;
	int error = 0;

	flow_key(change->home, fid, good.key);
	to = good;
	if (change->good)
		error = make_flow_item(change->home, change->good, change->before, &good);
	if (!error && change->to)
		error = make_flow_item(change->home, change->to, change->after, &to);
	return error ? error
		     : commit_submit_item(role->ctrl->commit, change->good ? &good : NULL, &to,
			       done, done_context);
}

static int op_culprit(void *context)
{
	const struct role_ha *role = context;

	return commit_culprit(role->ctrl->commit);
}

static int op_inject(void *context, const char *data_plane, const struct packet_inject *inject)
{
	const struct role_ha *role = context;
	return role_inject(role->ctrl, data_plane, inject);
}

/* The port of a home link: of a data plane that is ready, else of any that has it. */
static int op_port(void *context, const struct home_link *link, struct signalling_port *out)
{
	const struct role_ha *role = context;
	const struct ctrl *ctrl = role->ctrl;
	unsigned count = (unsigned)ctrl->config->data_planes.count;
	int serving = publish_first_ready(ctrl->publish);

	for (unsigned i = 0; i <= count; i++) {
		unsigned dp = i ? i - 1 : (unsigned)serving;
		const struct update_port *port;

		if (i == 0 && serving < 0)
			continue;
		if (link->data_plane[0] && strcmp(link->data_plane, ctrl_config_data_plane_name(
									    ctrl->config, dp)) != 0)
			continue;
		port = publish_port(ctrl->publish, dp, link->port);
		if (!port || !port->up)
			continue;
		*out = (struct signalling_port){
			.data_plane = ctrl_config_data_plane_name(ctrl->config, dp),
			.mac = port->mac,
			.session = publish_session_number(ctrl->publish, dp)};
		return 0;
	}
	return -ENOTCONN;
}

static void op_event(void *context, const struct signalling_event *event)
{
	const struct role_ha *role = context;
	bool refused = event->kind == SIGNALLING_REFUSED;
	bool bound = event->kind == SIGNALLING_REGISTERED || event->kind == SIGNALLING_REFRESHED ||
		     event->kind == SIGNALLING_MOVED;
	struct event out = {.severity = refused ? LOG_LEVEL_WARN : LOG_LEVEL_INFO,
		.event = signalling_event_name(event->kind),
		.mn_id = event->subscriber ? event->subscriber->mn_id : NULL,
		.home_address = &event->home,
		.care_of_address = &event->care_of};

	if (refused)
		events_post(role->ctrl->events, &out, "Binding Update refused with status %u",
			event->status);
	else
		events_post(role->ctrl->events, &out, NULL);
	if (bound)
		multicast_bound(
			role->ctrl->multicast, &event->home, event->binding->now.subscriber_id);
	if (!role->api)
		return;
	api_binding_event(role->api, event);
	if (event->subscriber)
		api_traced(role->api, &(struct tracer_item){.kind = TRACER_EVENT,
					      .what = signalling_event_name(event->kind),
					      .mn_id = event->subscriber->mn_id,
					      .home = &event->home,
					      .care_of = &event->care_of});
}

static uint64_t op_now(void *context)
{
	const struct role_ha *role = context;

	return loop_now_ns(role->ctrl->loop);
}

static uint64_t op_real(void *context)
{
	const struct role_ha *role = context;

	return loop_real_ns(role->ctrl->loop);
}

static void take(void *arg, unsigned dp, const struct packet_punt *punt)
{
	const struct role_ha *role = arg;

	signalling_receive(
		role->ctrl->signalling, ctrl_config_data_plane_name(role->ctrl->config, dp), punt);
}

static void classify(
	void *arg, const struct packet_punt punts[], unsigned count, struct intake_sight sights[])
{
	const struct role_ha *role = arg;

	signalling_classify(role->ctrl->signalling, punts, count, sights);
}

static void expect(void *arg, const uint64_t hints[], unsigned count)
{
	const struct role_ha *role = arg;

	signalling_expect(role->ctrl->signalling, hints, count);
}

static size_t under_way(void *arg)
{
	const struct role_ha *role = arg;

	return commit_count(role->ctrl->commit);
}

/* What a data plane hands to control: answers to probes do not wait behind signalling. */
static void put(void *arg, unsigned dp, struct packet_punt punts[], unsigned count)
{
	const struct role_ha *role = arg;
	unsigned kept = 0;

	for (unsigned i = 0; i < count; i++)
		if (!path_supervision_take(role->ctrl, &punts[i]))
			punts[kept++] = punts[i];
	intake_put(role->ctrl->intake, dp, punts, kept);
}

static int open_intake(struct role_ha *role)
{
	const struct ctrl_config_overload *config = &role->ctrl->config->overload;
	const struct intake_config intake = {.source_rate = config->source_rate,
		.source_prefix = config->source_prefix,
		.total_rate = config->total_rate,
		.wait_ms = config->wait_ms,
		.under_way_max = UNDER_WAY_MAX};
	const struct intake_fns fns = {.context = role,
		.classify = classify,
		.expect = expect,
		.take = take,
		.under_way = under_way};

	role->ctrl->intake = intake_new(&intake, &fns, role->ctrl->loop);
	if (!role->ctrl->intake)
		return -ENOMEM;
	packet_set_handler(role->ctrl->packet, put, role);
	commit_set_expect(role->ctrl->commit, expect, role);
	return 0;
}

static int open_rates(struct role_ha *role)
{
	const uint64_t *signalling = signalling_values(role->ctrl->signalling);
	const uint64_t *commit = commit_counters(role->ctrl->commit);
	const struct rates_item items[] = {
		{"punted", &packet_counters(role->ctrl->packet)[PACKET_PUNTED]},
		{"taken", &intake_counters(role->ctrl->intake)[INTAKE_TAKEN]},
		{"updates", &signalling[SIGNALLING_N_BU]},
		{"accepted", &signalling[SIGNALLING_N_ACCEPTED]},
		{"registered", &signalling[SIGNALLING_N_REGISTERED]},
		{"refreshed", &signalling[SIGNALLING_N_REFRESHED]},
		{"moved", &signalling[SIGNALLING_N_MOVED]},
		{"deregistered", &signalling[SIGNALLING_N_DEREGISTERED]},
		{"expired", &signalling[SIGNALLING_N_EXPIRED]},
		{"changes", &commit[COMMIT_CHANGES]},
		{"transactions", &commit[COMMIT_TRANSACTIONS]},
	};

	role->ctrl->rates = rates_new(role->ctrl->loop, items, sizeof(items) / sizeof(*items));
	return role->ctrl->rates ? 0 : -ENOMEM;
}

/* Further addresses of the gateway: of other roles, and where tunnels end at data planes; returns
 * how many there are. */
static size_t read_locals(struct role_ha *role)
{
	const struct ctrl_config *config = role->ctrl->config;
	size_t count = 0;

	for (size_t i = config->agent_count; i < config->address_count; i++)
		role->locals[count++] = config->addresses[i];

	for (unsigned dp = 0; dp < config->data_planes.count; dp++)
		if (ctrl_config_data_plane_id(config, dp))
			role->locals[count++] = *ctrl_config_data_plane_address(config, dp);
	return count;
}

/* The configuration's home prefixes and links as the signalling has them. */
static int make_policy(struct role_ha *role, struct home_policy *policy)
{
	const struct ctrl_config *config = role->ctrl->config;
	size_t count = config->home_prefixes.count;

	role->links = calloc(count + 1, sizeof(*role->links));
	role->prefixes = calloc(count + 1, sizeof(*role->prefixes));
	role->locals =
		calloc(config->data_planes.count + config->address_count, sizeof(*role->locals));
	if (!role->links || !role->prefixes || !role->locals)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct ctrl_config_home_prefix *p =
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i);
		uint64_t id = ctrl_config_link_id(config, p->link);
		struct home_link *link = id ? &role->links[id - 1] : NULL;

		role->prefixes[i] = (struct home_prefix){.prefix = p->prefix, .link = link};
		if (!link)
			continue;
		link->id = id;
		snprintf(link->name, sizeof(link->name), "%s", p->link);
		snprintf(link->port, sizeof(link->port), "%s", ctrl_config_link_port(p->link));
		if (ctrl_config_link_data_plane(config, p->link) >= 0)
			snprintf(link->data_plane, sizeof(link->data_plane), "%.*s",
				(int)strcspn(p->link, ":"), p->link);
	}
	*policy = (struct home_policy){.agents = config->addresses,
		.agent_count = config->agent_count,
		.locals = role->locals,
		.local_count = read_locals(role),
		.prefixes = role->prefixes,
		.prefix_count = count};
	return 0;
}

static int make_signalling(struct role_ha *role)
{
	static const enum option_type tunnel_options[] = {
		[CTRL_TUNNEL_NONE] = OPTION_PAD1,
		[CTRL_TUNNEL_ALTERNATE_COA] = OPTION_ALTERNATE_COA,
		[CTRL_TUNNEL_HA_TUNNEL] = OPTION_HA_TUNNEL,
	};
	const struct ctrl_config *config = role->ctrl->config;
	struct signalling_ops ops = {.context = role,
		.choose = op_choose,
		.choose_home = op_choose_home,
		.tunnel_address = op_tunnel_address,
		.commit = op_commit,
		.commit_flow = op_commit_flow,
		.culprit = op_culprit,
		.inject = op_inject,
		.port = op_port,
		.event = op_event,
		.now_ns = op_now,
		.real_ns = op_real};
	struct signalling_config signalling = {
		.max_lifetime_s = config->binding.max_lifetime_ms / 1000,
		.max_bindings = config->binding.max_bindings,
		.timestamp_window_ms = config->binding.timestamp_window_ms,
		.dad_transmits = config->binding.dad_transmits,
		.dad_retrans_ms = config->binding.dad_retrans_ms,
		.advertisements = config->binding.advertisements,
		.errors_per_second = config->binding.errors_per_second,
		.tunnel_option = tunnel_options[ctrl_config_tunnel_option(config)],
		.tunnel_number = config->serving.tunnel_address_number,
		.home_agent_preference = config->home_agent_preference,
		.multihoming = {.max = config->multihoming.max_bindings,
			.bulk = config->multihoming.bulk,
			.home = config->multihoming.at_home,
			.verify_first = config->multihoming.verify_first},
		.multicast_number = config->multicast.max_groups ? config->multicast.number : 0,
		.flows = {.max = config->multihoming.flows},
		.tell_by_ba = config->serving.tell == CTRL_TELL_BA};
	int error = make_policy(role, &signalling.policy);

	if (error)
		return error;
	if (config->multicast.max_groups) {
		ops.listen = op_listen;
		ops.served = op_served;
	}
	role->policy = signalling.policy;
	role->ops = ops;
	role->ctrl->signalling = signalling_new(&signalling, &ops, role->ctrl->subscribers);
	if (!role->ctrl->signalling)
		return -errno;
	return loop_add_wheel(role->ctrl->loop, signalling_wheel(role->ctrl->signalling));
}

static int open_parts(struct role_ha *role)
{
	struct ctrl *ctrl = role->ctrl;
	int error;

	ctrl->serving = serving_new(ctrl);
	ctrl->multicast = multicast_new(ctrl);
	error = ctrl->serving && ctrl->multicast ? make_signalling(role) : -ENOMEM;
	if (!error)
		error = open_intake(role);
	return error ? error : open_rates(role);
}

static int restore(struct ctrl *ctrl, char *why, size_t why_size)
{
	int error = restore_bindings(ctrl, why, why_size);

	if (error)
		return error;
	error = multicast_restore(ctrl->multicast);
	return error ? role_not_restored(ctrl, error, "multicast groups", "they are", why, why_size)
		     : 0;
}

int role_ha_open(struct role_ha **out, struct ctrl *ctrl, char *why, size_t why_size)
{
	struct role_ha *role = calloc(1, sizeof(*role));
	int error;

	*out = NULL;
	if (!role) {
		snprintf(why, why_size, "no memory");
		return -ENOMEM;
	}
	role->ctrl = ctrl;
	error = open_parts(role);
	if (error)
		role_refuse(error, "the signalling cannot start", why, why_size);
	else
		error = restore(role->ctrl, why, why_size);
	if (!error) {
		error = multicast_open_links(ctrl->multicast, &role->policy, &role->ops);
		if (error)
			role_refuse(error, "multicast on home links cannot start", why, why_size);
	}
	if (error) {
		role_ha_close(role);
		return error;
	}
	serving_start(ctrl->serving);
	*out = role;
	return 0;
}

void role_ha_close(struct role_ha *role)
{
	if (!role)
		return;
	packet_set_handler(role->ctrl->packet, NULL, NULL);
	rates_free(role->ctrl->rates);
	role->ctrl->rates = NULL;
	intake_free(role->ctrl->intake);
	role->ctrl->intake = NULL;
	multicast_free(role->ctrl->multicast);
	role->ctrl->multicast = NULL;
	signalling_free(role->ctrl->signalling);
	role->ctrl->signalling = NULL;
	serving_free(role->ctrl->serving);
	role->ctrl->serving = NULL;
	free(role->links);
	free(role->prefixes);
	free(role->locals);
	free(role);
}

void role_ha_set_api(struct role_ha *role, struct api *api)
{
	role->api = api;
}
