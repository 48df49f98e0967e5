#include "ctrl/dp_events.h"

#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/publish/publish.h"

static void post_port(struct ctrl *ctrl, struct event *out, const struct update_event *event)
{
	out->severity = event->value ? LOG_LEVEL_INFO : LOG_LEVEL_WARN;
	out->port = event->port;
	events_post(ctrl->events, out, "port %s is %s", event->port, event->value ? "up" : "down");
}

static void post_wrong_source(
	struct ctrl *ctrl, struct event *out, const struct update_event *event)
{
	out->severity = LOG_LEVEL_WARN;
	out->home_address = &event->inner;
	events_post(ctrl->events, out,
		"%u packets of %s came from %s, which is not its care-of address", event->value,
		ADDR_TEXT(&event->inner), ADDR_TEXT(&event->outer));
}

static void post_tunnel_error(
	struct ctrl *ctrl, struct event *out, const struct update_event *event)
{
	out->severity = LOG_LEVEL_INFO;
	out->home_address = &event->inner;
	events_post(ctrl->events, out,
		"%s reports an error on the way to %s: ICMPv6 type %u code %u value %u",
		ADDR_TEXT(&event->outer), ADDR_TEXT(&event->inner), event->icmp_type,
		event->icmp_code, event->value);
}

static void dp_event(void *arg, unsigned dp, const struct update_event *event)
{
	struct ctrl *ctrl = arg;
	const char *name = ctrl_config_data_plane_name(ctrl->config, dp);
	const struct subscriber *s =
		event->kind == UPDATE_EVENT_PORT
			? NULL
			: subscriber_db_find_home(ctrl->subscribers, &event->inner, NULL);
	struct event out = {.event = update_event_name(event->kind),
		.source = name,
		.data_plane = name,
		.mn_id = s ? s->mn_id : NULL};

	switch (event->kind) {
	case UPDATE_EVENT_PORT:
		post_port(ctrl, &out, event);
		return;
	case UPDATE_EVENT_WRONG_SOURCE:
		post_wrong_source(ctrl, &out, event);
		return;
	case UPDATE_EVENT_TUNNEL_ERROR:
		post_tunnel_error(ctrl, &out, event);
		return;
	}
}

static void dp_differs(void *arg, unsigned dp, const struct publish_audit_result *result)
{
	struct ctrl *ctrl = arg;
	const char *name = ctrl_config_data_plane_name(ctrl->config, dp);
	const struct event out = {
		.severity = LOG_LEVEL_ERROR, .event = "data-plane-differs", .data_plane = name};

	events_post(ctrl->events, &out, "the tables of data plane %s are not what they should be%s",
		name,
		result->healing ? ": it is sent everything again"
				: ", also after it was sent everything again");
}

static void dp_session(void *arg, unsigned dp, bool up, const char *reason)
{
	struct ctrl *ctrl = arg;
	const char *name = ctrl_config_data_plane_name(ctrl->config, dp);
	const struct event out = {.severity = up ? LOG_LEVEL_INFO : LOG_LEVEL_ERROR,
		.event = up ? "data-plane-up" : "data-plane-down",
		.data_plane = name};

	events_post(
		ctrl->events, &out, "data plane %s is %s: %s", name, up ? "up" : "down", reason);
}

int dp_events_start(struct ctrl *ctrl)
{
	const struct publish_handlers handlers = {
		.arg = ctrl, .event = dp_event, .differs = dp_differs, .session = dp_session};

	return publish_add_handlers(ctrl->publish, &handlers);
}
