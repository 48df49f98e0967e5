/* path.show, path.weight */
#include "common/clock.h"
#include "common/json.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/path_rates.h"
#include "ctrl/path_supervision.h"
#include "ctrl/publish/path_policy.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/proxy/path_watch.h"
#include "ctrl/signalling/signalling.h"

#include <errno.h>
#include <stdlib.h>

static json_t *path_json(
	const struct ctrl *ctrl, const struct object_path *path, const struct subscriber *s)
{
	int serving = api_serving(ctrl, path->data_plane);
	json_t *obj = json_object();

	json_put_uint(obj, "path_id", path->id);
	json_put_str(obj, "kind", path_kind_name(path->kind));
	json_put_addr(obj, "local", &path->local);
	json_put_addr(obj, "remote", &path->remote);
	json_put_uint(obj, "mtu", path->mtu);
	json_put_str(obj, "data_plane",
		serving >= 0 ? ctrl_config_data_plane_name(ctrl->config, (unsigned)serving) : NULL);
	json_put_uint(obj, "subscribers", 1);
	json_put_str(obj, "mn_id", s ? s->mn_id : NULL);
	return obj;
}

/* The published paths of the bindings of a home address. */
static json_t *path_items(struct ctrl *ctrl, const struct in6_addr *home)
{
	const struct binding *b = binding_cache_find(signalling_cache(ctrl->signalling), home);
	const struct subscriber *s = subscriber_db_find_home(ctrl->subscribers, home, NULL);
	json_t *items = json_array();
	struct bundle bundle;
	struct object object;
	struct cursor c;

	bundle.len = 0;
	if (b)
		publish_get(ctrl->publish, b->now.subscriber_id, &bundle);
	cursor_init(&c, bundle.octets, bundle.len);
	while (cursor_left(&c) && object_decode(&c, &object) == 0)
		if (object.kind == OBJECT_PATH)
			json_array_append_new(items, path_json(ctrl, &object.path, s));
	return items;
}

/* One that is not known is null. */
static void put_real(json_t *obj, const char *key, bool known, double value)
{
	json_object_set_new(obj, key, known ? json_real(value) : json_null());
}

/* Up is to the anchor: what comes out of a tunnel there, and what goes into it at a gateway. */
static void put_rates(json_t *obj, const struct ctrl *ctrl, const struct path_watch_tunnel *t)
{
	const bool anchor = ctrl->lma;
	struct path_rate rate = {0};
	bool known = path_rates_get(ctrl->path_rates, &t->use.local, &t->use.remote, &rate);

	put_real(obj, "up_packets_s", known, anchor ? rate.in_packets : rate.out_packets);
	put_real(obj, "up_octets_s", known, anchor ? rate.in_octets : rate.out_octets);
	put_real(obj, "down_packets_s", known, anchor ? rate.out_packets : rate.in_packets);
	put_real(obj, "down_octets_s", known, anchor ? rate.out_octets : rate.in_octets);
}

/* What a gateway says of it. */
static void put_told(json_t *obj, const struct path_watch_tunnel *t)
{
	const bool told = path_watch_is_told(t);

	put_real(obj, "told_delay_ms", told && t->told.delay_ns,
		(double)t->told.delay_ns / CLOCK_NS_PER_MS);
	put_real(obj, "told_loss_percent", told, t->told.loss / 10.0);
}

/* Whether what no rule matches takes it; null where that is shared out otherwise. */
static json_t *best_json(const struct path_policy *policy, const struct path_watch_tunnel *t)
{
	return policy->is_best ? json_boolean(policy->is_best(
					 policy->best_context, &t->use.local, &t->use.remote))
			       : json_null();
}

/* Whether packets to its peer that are shared out one by one are kept in order; null where that is
 * not wanted. */
static void put_order(json_t *obj, const struct ctrl *ctrl, const struct path_watch_tunnel *t)
{
	enum path_policy_order state = PATH_POLICY_ORDER_OFF;
	uint64_t difference = 0;
	bool wanted =
		path_supervision_order(ctrl, &t->use.local, &t->use.remote, &state, &difference);

	json_put_str(obj, "order", wanted ? path_policy_order_names[state] : NULL);
	put_real(obj, "delay_difference_ms", wanted && state != PATH_POLICY_ORDER_UNMEASURED,
		(double)difference / CLOCK_NS_PER_MS);
}

static json_t *tunnel_json(const struct ctrl *ctrl, const struct path_watch_tunnel *t)
{
	json_t *obj = json_object();

	json_put_str(obj, "kind", path_kind_name(t->use.gre ? PATH_GRE : PATH_IP6_IN_IP6));
	json_put_addr(obj, "local", &t->use.local);
	json_put_addr(obj, "remote", &t->use.remote);
	json_put_str(obj, "peer", t->use.peer);
	json_put_uint(obj, "bid", t->use.bid);
	json_put_uint(obj, "label", t->use.label);
	json_put_uint(obj, "weight", ctrl->path_policy->weights[t->use.label]);
	json_put_str(obj, "state", path_watch_state_names[t->state]);
	json_put_uint(obj, "state_s", (loop_now_ns(ctrl->loop) - t->since_ns) / CLOCK_NS_PER_S);
	put_real(obj, "delay_ms", t->delay_ns, (double)t->delay_ns / CLOCK_NS_PER_MS);
	put_real(obj, "loss_percent", t->history_count, path_watch_loss(t) / 10.0);
	put_told(obj, t);
	json_object_set_new(obj, "best", best_json(ctrl->path_policy, t));
	put_order(obj, ctrl, t);
	put_rates(obj, ctrl, t);
	json_put_uint(obj, "probes", t->sent);
	json_put_uint(obj, "answers", t->answers);
	return obj;
}

/* Those between anchor and gateway. */
static json_t *tunnel_items(const struct ctrl *ctrl)
{
	json_t *items = json_array();

	for (const struct path_watch_tunnel *t = NULL; (t = path_watch_next(ctrl->path_watch, t));)
		json_array_append_new(items, tunnel_json(ctrl, t));
	return items;
}

/* The supervised tunnels have the place of a home address that nobody has. */
static json_t *items_of(struct ctrl *ctrl, const struct in6_addr *home)
{
	return addr_is_unspecified(home) ? tunnel_items(ctrl) : path_items(ctrl, home);
}

void api_path_show(struct api_request *r, const json_t *params)
{
	struct in6_addr *names, *more;
	size_t count;

	(void)params;
	if (api_binding_names(r->ctrl, &names, &count) < 0) {
		api_errno(r, -ENOMEM);
		return;
	}
	more = r->ctrl->path_watch ? realloc(names, (count + 1) * sizeof(*names)) : NULL;
	if (more) {
		names = more;
		names[count++] = in6addr_any;
	}
	api_list_send(r, names, count, items_of);
}

static void set_weight(struct api_request *r, uint8_t label, uint8_t weight)
{
	static const struct event event = {.severity = LOG_LEVEL_INFO, .event = "path-weight"};
	const struct ctrl *ctrl = r->ctrl;
	uint8_t *at = &ctrl->path_policy->weights[label], was = *at;

	*at = weight;
	if (ctrl->lma)
		lma_renew_paths(ctrl->lma, NULL);
	if (ctrl->mag)
		mag_renew_paths(ctrl->mag, NULL);
	events_post(
		ctrl->events, &event, "paths with label %u: weight %u, was %u", label, weight, was);
	api_result(r, json_pack("{s:i,s:i,s:i}", "label", label, "weight", weight, "was", was));
}

void api_path_weight(struct api_request *r, const json_t *params)
{
	const struct path_policy *policy = r->ctrl->path_policy;
	uint64_t label, weight;
	struct json_why why;

	if (!policy)
		api_error(
			r, "unavailable", "this process has neither the role \"lma\" nor \"mag\"");
	else if (json_field_uint(params, "label", JSON_FIELD_REQUIRED, 0, UINT8_MAX, &label, &why) <
			 0 ||
		 json_field_uint(
			 params, "weight", JSON_FIELD_REQUIRED, 0, UINT8_MAX, &weight, &why) < 0)
		api_error(r, "invalid", "%s", why.text);
	else if (policy->steering == PATH_POLICY_FIRST || policy->steering == PATH_POLICY_BEST)
		api_error(r, "unavailable",
			"steering is \"first\" or \"best\": weights are for \"flow\" and "
			"\"packet\"");
	else
		set_weight(r, (uint8_t)label, (uint8_t)weight);
}
