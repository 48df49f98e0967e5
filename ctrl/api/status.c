/* status, dp.show */
#include "common/clock.h"
#include "ctrl/api/figures.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/intake.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/serving.h"
#include "ctrl/store/store.h"
#include "ctrl/store_events.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static json_t *role_list(const struct ctrl_config *config)
{
	json_t *list = json_array();

	for (size_t i = 0; i < config->roles.count; i++)
		json_array_append_new(list, json_string(*config_item(&config->roles, char *, i)));
	return list;
}

/* Null: there are none, as the role is not there. */
static json_t *address_list(const struct in6_addr *addresses, size_t count)
{
	json_t *list = count ? json_array() : json_null();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, json_string(ADDR_TEXT(&addresses[i])));
	return list;
}

/* The gateway's own addresses, which are in the order of these roles. */
static void put_addresses(json_t *obj, const struct ctrl_config *config)
{
	const struct in6_addr *agents = config->addresses;
	const struct in6_addr *anchors = agents + config->agent_count;
	const struct in6_addr *gateways = anchors + config->lma.addresses.count;
	const struct in6_addr *end = agents + config->address_count;

	json_object_set_new(
		obj, "home_agent_addresses", address_list(agents, (size_t)(anchors - agents)));
	json_object_set_new(
		obj, "anchor_addresses", address_list(anchors, (size_t)(gateways - anchors)));
	json_object_set_new(
		obj, "access_gateway_addresses", address_list(gateways, (size_t)(end - gateways)));
}

static json_t *prefix_list(const struct ctrl_config *config)
{
	json_t *list = json_array();

	for (size_t i = 0; i < config->home_prefixes.count; i++) {
		const struct ctrl_config_home_prefix *p =
			config_item(&config->home_prefixes, struct ctrl_config_home_prefix, i);
		json_t *item = json_object();

		json_put_prefix(item, "prefix", &p->prefix);
		json_put_str(item, "link", p->link);
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *data_plane_counts(const struct ctrl *ctrl)
{
	json_int_t connected = 0, synced = 0;

	for (unsigned dp = 0; dp < ctrl->config->data_planes.count; dp++) {
		struct publish_session_info info;

		publish_session_info(ctrl->publish, dp, &info);
		connected += info.state != PUBLISH_DOWN;
		synced += info.state == PUBLISH_SYNCED;
	}
	return json_pack("{s:I,s:I,s:I}", "known", (json_int_t)ctrl->config->data_planes.count,
		"connected", connected, "synced", synced);
}

static json_t *store_json(const struct ctrl *ctrl)
{
	uint64_t failed_ns = store_events_failed_ns(ctrl->store_events);
	const struct store *store = ctrl->store;
	json_t *obj = json_object();

	json_put_str(obj, "engine", store_engine(store));
	json_put_str(obj, "path", store_path(store));
	json_put_bool(obj, "ok", store_ok(store));
	api_put_time(obj, "last_failure", failed_ns);
	return obj;
}

/* What waits, and what there was no time for. */
static json_t *overload_json(const struct ctrl *ctrl)
{
	const uint64_t shed_ns = intake_shed_real_ns(ctrl->intake);
	const uint64_t *counters = intake_counters(ctrl->intake);
	json_t *obj = json_object(), *waiting = json_object(), *reasons = json_object();

	for (int i = 0; i < INTAKE_CLASSES; i++)
		json_put_uint(waiting, intake_class_names[i],
			intake_waiting(ctrl->intake, (enum intake_class)i));
	for (int i = INTAKE_SHED_LINK; i <= INTAKE_SHED_SIZE; i++)
		json_put_uint(reasons, intake_counter_defs[i].name, counters[i]);
	json_object_set_new(obj, "waiting", waiting);
	json_put_uint(obj, "shed", intake_shed(ctrl->intake));
	json_object_set_new(obj, "reasons", reasons);
	api_put_time(obj, "last_shed", shed_ns);
	return obj;
}

/* Of Proxy Mobile IPv6; null without the role. */
static json_t *proxy_json(bool has, struct figures_proxy figures)
{
	return has ? json_pack("{s:I,s:I}", "entries", (json_int_t)figures.entries, "paths",
			     (json_int_t)figures.paths)
		   : json_null();
}

void api_status(struct api_request *r, const json_t *params)
{
	const struct ctrl *ctrl = r->ctrl;
	json_t *obj = json_object();
	char epoch[17];

	(void)params;
	snprintf(epoch, sizeof(epoch), "%016llx", (unsigned long long)publish_epoch(ctrl->publish));
	json_put_str(obj, "version", DMM_VERSION);
	json_put_int(obj, "pid", getpid());
	json_object_set_new(obj, "roles", role_list(ctrl->config));
	api_put_time(obj, "started", r->api->started_real_ns);
	json_put_uint(
		obj, "uptime_s", (loop_now_ns(ctrl->loop) - r->api->started_ns) / CLOCK_NS_PER_S);
	json_put_str(obj, "epoch", epoch);
	json_put_uint(obj, "sequence", publish_sequence(ctrl->publish));
	put_addresses(obj, ctrl->config);
	json_object_set_new(obj, "home_prefixes", prefix_list(ctrl->config));
	json_put_uint(obj, "subscribers", subscriber_db_count(ctrl->subscribers));
	json_put_uint(obj, "bindings", signalling_live(ctrl->signalling));
	json_object_set_new(obj, "sessions", proxy_json(ctrl->lma, figures_sessions(ctrl)));
	json_object_set_new(obj, "attachments", proxy_json(ctrl->mag, figures_attachments(ctrl)));
	json_object_set_new(obj, "data_planes", data_plane_counts(ctrl));
	json_object_set_new(obj, "store", store_json(ctrl));
	json_object_set_new(obj, "overload", overload_json(ctrl));
	api_result(r, obj);
}

static json_t *port_list(const struct update_hello *hello)
{
	json_t *list = json_array();

	for (size_t i = 0; i < hello->port_count; i++) {
		const struct update_port *port = &hello->ports[i];
		json_t *item = json_object();

		json_put_str(item, "name", port->name);
		json_put_mac(item, "mac", &port->mac);
		json_put_uint(item, "mtu", port->mtu);
		json_put_bool(item, "up", port->up);
		json_array_append_new(list, item);
	}
	return list;
}

/* What last went wrong; null: nothing. */
static json_t *fault_json(const struct publish_session_info *info)
{
	json_t *obj;

	if (!info->fault_real_ns)
		return json_null();
	obj = json_object();
	api_put_time(obj, "time", info->fault_real_ns);
	json_put_str(obj, "reason", info->fault);
	return obj;
}

/* Live bindings of each data plane; those without one count for the first that is ready. */
static void count_served(const struct ctrl *ctrl, size_t *served)
{
	struct binding *b = NULL;

	while ((b = binding_cache_next(signalling_cache(ctrl->signalling), b))) {
		for (unsigned i = 0; binding_is_live(b) && i < binding_count(b); i++) {
			int dp = api_serving_binding(ctrl, binding_record_at(b, i));

			if (dp >= 0)
				served[dp]++;
		}
	}
}

static json_t *audit_json(const struct publish_session_info *info)
{
	json_t *obj = json_object();

	json_put_str(obj, "state", publish_audit_names[info->audit]);
	api_put_time(obj, "time", info->audit_real_ns);
	json_put_uint(obj, "sequence", info->audit_sequence);
	return obj;
}

static void put_serving(json_t *obj, const struct ctrl *ctrl, unsigned dp, const size_t *served)
{
	if (ctrl_config_data_plane_id(ctrl->config, dp))
		json_put_addr(obj, "address", ctrl_config_data_plane_address(ctrl->config, dp));
	else
		json_put_str(obj, "address", NULL);
	json_put_str(obj, "serving", serving_state_names[serving_state(ctrl->serving, dp)]);
	json_put_uint(obj, "bindings", served[dp]);
}

static json_t *data_plane_item(const struct ctrl *ctrl, const struct publish_session_info *info)
{
	json_t *obj = json_object();
	uint64_t newest = publish_sequence(ctrl->publish);

	json_put_str(obj, "name", info->name);
	json_put_str(obj, "state", publish_state_names[info->state]);
	api_put_time(obj, "connected_since", info->connected_real_ns);
	if (info->heard_ns)
		json_put_uint(obj, "last_heard_ms",
			(loop_now_ns(ctrl->loop) - info->heard_ns) / CLOCK_NS_PER_MS);
	else
		json_object_set_new(obj, "last_heard_ms", json_null());
	json_put_uint(obj, "sequence_sent", info->sequence_sent);
	json_put_uint(obj, "sequence_acked", info->sequence_acked);
	json_put_uint(obj, "lag", newest - info->sequence_acked);
	json_put_uint(obj, "subscribers", publish_count(ctrl->publish));
	json_put_uint(obj, "subscribers_max", info->hello.subscribers_max);
	json_put_str(obj, "sync", publish_sync_names[info->sync]);
	json_put_uint(obj, "snapshots", info->snapshots);
	json_put_uint(obj, "failures", info->failures);
	json_object_set_new(obj, "audit", audit_json(info));
	json_object_set_new(obj, "last_fault", fault_json(info));
	json_object_set_new(obj, "ports", port_list(&info->hello));
	return obj;
}

void api_dp_show(struct api_request *r, const json_t *params)
{
	size_t count = 0, served[64] = {0};

	(void)params;
	count_served(r->ctrl, served);
	for (unsigned dp = 0; dp < r->ctrl->config->data_planes.count; dp++) {
		struct publish_session_info info;
		json_t *item;

		publish_session_info(r->ctrl->publish, dp, &info);
		if (!info.connected_real_ns && !info.fault_real_ns)
			continue;
		count++;
		item = data_plane_item(r->ctrl, &info);
		put_serving(item, r->ctrl, dp, served);
		api_item(r, item);
	}
	api_count(r, count);
}

int api_serving(const struct ctrl *ctrl, uint64_t id)
{
	return id ? ctrl_config_data_plane_of_id(ctrl->config, id)
		  : publish_first_ready(ctrl->publish);
}

int api_serving_binding(const struct ctrl *ctrl, const struct binding_record *record)
{
	return publish_cut_off(ctrl->config, record) ? -ENOTCONN
						     : api_serving(ctrl, record->data_plane);
}
