/* events */
#include "ctrl/events.h"
#include "ctrl/api/request.h"

struct sending {
	struct api_request *request;
	size_t count;
};

static int send_event(void *arg, json_t *item)
{
	struct sending *sending = arg;

	sending->count++;
	return api_item(sending->request, json_incref(item));
}

static void event_posted(void *arg, json_t *item)
{
	struct api *api = arg;
	struct api_request *next;

	for (struct api_request *r = api->requests; r; r = next) {
		next = r->next;
		if (r->watches_events)
			api_live(r, json_incref(item));
	}
}

/* As long as a request watches. */
static void follow_events(struct api *api)
{
	bool any = false;

	for (const struct api_request *r = api->requests; r && !any; r = r->next)
		any = r->watches_events;
	events_set_follower(api->ctrl->events, any ? event_posted : NULL, api);
}

void api_events(struct api_request *r, const json_t *params)
{
	struct sending sending = {.request = r};
	struct json_why why;
	bool follow = false;

	if (json_field_bool(params, "follow", JSON_FIELD_OPTIONAL, &follow, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	/* The queue to a client holds more messages than there are events. */
	events_each(r->ctrl->events, send_event, &sending);
	if (!follow) {
		api_count(r, sending.count);
		return;
	}
	r->watches_events = true;
	r->left = follow_events;
	follow_events(r->api);
}
