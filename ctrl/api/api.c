#include "common/clock.h"
#include "ctrl/api/request.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	SEND_HWM = 4096,    /* replies queued to one client */
	RECEIVE_BURST = 16, /* requests read in one round */
	AGAIN_MS = 10,
};

struct method {
	const char *name;
	api_method_fn *fn;
	const char *params[14]; /* those that it knows */
};

static const struct method methods[] = {
	{"status", api_status, {NULL}},
	{"dp.show", api_dp_show, {NULL}},
	{"dp.audit", api_dp_audit, {"name"}},
	{"binding.show", api_binding_show, {"home_address", "mn_id", "traffic"}},
	{"binding.watch", api_binding_watch, {NULL}},
	{"binding.clear", api_binding_clear, {"home_address", "bid"}},
	{"binding.revoke", api_binding_revoke, {"address", "domain"}},
	{"flow.show", api_flow_show, {"home_address", "mn_id"}},
	{"flow.explain", api_flow_explain,
		{"mn_id", "source", "destination", "spi", "flow_label", "source_port",
			"destination_port", "class", "protocol"}},
	{"subscriber.add", api_subscriber_add,
		{"mn_id", "home_addresses", "spi", "key", "replay", "auth", "max_lifetime_s",
			"enabled", "max_bindings", "max_flows", "multicast_max_groups",
			"multicast_groups"}},
	{"subscriber.del", api_subscriber_del, {"mn_id"}},
	{"subscriber.show", api_subscriber_show, {"mn_id"}},
	{"subscriber.import", api_subscriber_import, {"lines"}},
	{"path.show", api_path_show, {NULL}},
	{"path.order", api_path_order, {"address", "domain"}},
	{"path.weight", api_path_weight, {"label", "weight"}},
	{"session.show", api_session_show, {"address", "mn_id", "domain"}},
	{"session.clear", api_session_clear, {"address", "domain"}},
	{"session.revoke", api_session_revoke, {"address", "domain"}},
	{"session.renew", api_session_renew, {"address", "domain"}},
	{"prefix.show", api_prefix_show, {NULL}},
	{"delegation.show", api_delegation_show, {NULL}},
	{"mag.show", api_mag_show, {NULL}},
	{"mag.attach", api_mag_attach, {"mn_id", "port"}},
	{"mag.move", api_mag_move, {"mn_id", "port"}},
	{"mag.detach", api_mag_detach, {"mn_id"}},
	{"mcast.show", api_mcast_show, {"group", "rates"}},
	{"mcast.links", api_mcast_links, {NULL}},
	{"mcast.tunnels", api_mcast_tunnels, {"count"}},
	{"mcast.explain", api_mcast_explain, {"mn_id", "group", "source"}},
	{"mag.revoke", api_mag_revoke, {"anchor"}},
	{"peer.show", api_peer_show, {NULL}},
	{"stats", api_stats, {NULL}},
	{"events", api_events, {"follow"}},
	{"trace", api_trace, {"mn_id"}},
};

/* Ends the oldest request that has no end: its client may be gone, which only a send would tell. */
static void drop_watcher(struct api *api)
{
	struct api_request *oldest = NULL;

	for (struct api_request *r = api->requests; r; r = r->next)
		if (r->watches_bindings || r->watches_events || r->traces)
			oldest = r;
	if (oldest)
		api_error(oldest, "unavailable", "too many requests are under way");
}

void api_flush(struct api *api)
{
	struct api_request *next;
	bool left = false;

	for (struct api_request *r = api->requests; r; r = next) {
		next = r->next;
		if (r->list.item)
			left |= api_list_more(r);
	}
	if (left)
		loop_arm_ms(api->ctrl->loop, &api->again, AGAIN_MS);
}

/* Only wakes the loop: its hook sends. */
static void send_again(struct wheel_timer *timer, void *context)
{
	(void)timer;
	(void)context;
}

static const struct method *find_method(const char *name)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++)
		if (strcmp(methods[i].name, name) == 0)
			return &methods[i];
	return NULL;
}

static void dispatch(struct api_request *r, const json_t *request)
{
	static const char *const fields[] = {"method", "params", NULL};
	const json_t *params = json_object_get(request, "params");
	const struct method *method;
	struct json_why why;
	const char *name;
	json_t *empty = json_object();

	if (json_fields_known(request, fields, &why) < 0 ||
		json_field_str(request, "method", JSON_FIELD_REQUIRED, 1, 64, &name, &why) < 0) {
		api_error(r, "bad-request", "%s", why.text);
	} else if (!(method = find_method(name))) {
		api_error(r, "unknown-method", "there is no method '%s'", name);
	} else {
		r->method = method->name;
		if (!params || json_is_null(params))
			params = empty;
		if (json_fields_known(params, method->params, &why) < 0)
			api_error(r, "invalid", "%s", why.text);
		else
			method->fn(r, params);
	}
	json_decref(empty);
}

static void receive(struct api *api, struct zsock_message *m)
{
	struct api_request *r = calloc(1, sizeof(*r));
	json_error_t error;
	json_t *request;

	if (!r)
		return;
	r->api = api;
	r->ctrl = api->ctrl;
	r->identity_len = zsock_part_len(m, 0);
	if (m->count < 2 || r->identity_len > sizeof(r->identity)) {
		free(r);
		return;
	}
	memcpy(r->identity, zsock_part(m, 0), r->identity_len);
	r->next = api->requests;
	api->requests = r;
	if (++api->request_count > API_REQUESTS_MAX)
		drop_watcher(api);
	if (api->request_count > API_REQUESTS_MAX) {
		api_error(r, "unavailable", "%d requests are under way, try again later",
			API_REQUESTS_MAX);
		return;
	}
	if (m->count != 2) {
		api_error(r, "bad-request", "a request is one frame, got %zu", m->count - 1);
		return;
	}
	request =
		json_loadb(zsock_part(m, 1), zsock_part_len(m, 1), JSON_REJECT_DUPLICATES, &error);
	if (!request)
		api_error(
			r, "bad-request", "not JSON: %s (at octet %d)", error.text, error.position);
	else if (!json_is_object(request))
		api_error(r, "bad-request", "not a JSON object");
	else
		dispatch(r, request);
	json_decref(request);
}

static void readable(void *arg)
{
	struct api *api = arg;

	for (int i = 0; i < RECEIVE_BURST; i++) {
		struct zsock_message m;
		int error = zsock_recv(&api->socket, &m);

		if (error == -EMSGSIZE)
			continue;
		if (error)
			return;
		receive(api, &m);
		zsock_message_close(&m);
	}
}

int api_open(struct api **api, struct ctrl *ctrl)
{
	const struct zsock_options options = {.type = ZMQ_ROUTER,
		.send_hwm = SEND_HWM,
		.router_mandatory = true,
		.max_message = API_MESSAGE_MAX};
	struct api *a = calloc(1, sizeof(*a));
	int error;

	*api = NULL;
	if (!a)
		return -ENOMEM;
	a->ctrl = ctrl;
	a->started_ns = loop_now_ns(ctrl->loop);
	a->started_real_ns = loop_real_ns(ctrl->loop);
	wheel_timer_init(&a->again, send_again);
	const struct publish_handlers handlers = {
		.arg = a, .trace = api_trace_wanted, .traced = api_traced_packet};

	error = zsock_bind(&a->socket, &options, ctrl->config->endpoints.api);
	if (!error)
		error = publish_add_handlers(ctrl->publish, &handlers);
	if (!error)
		error = loop_add_socket(ctrl->loop, &a->socket, readable, a);
	if (error) {
		zsock_close(&a->socket);
		free(a);
		return error;
	}
	*api = a;
	return 0;
}

void api_close(struct api *api)
{
	if (!api)
		return;
	events_set_follower(api->ctrl->events, NULL, NULL);
	while (api->requests)
		api_request_free(api->requests);
	loop_cancel(api->ctrl->loop, &api->again);
	zsock_close(&api->socket);
	free(api);
}
