/* trace */
#include "common/clock.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/signalling/signalling.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Hexadecimal digits of a packet. */
static json_t *digits_of(const uint8_t *octets, size_t len)
{
	static const char digit[] = "0123456789abcdef";
	char *text = malloc(2 * len + 1);
	json_t *value;

	if (!text)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		text[2 * i] = digit[octets[i] >> 4];
		text[2 * i + 1] = digit[octets[i] & 15];
	}
	value = json_stringn(text, 2 * len);
	free(text);
	return value;
}

static json_t *item_of(const struct api *api, const struct signalling_trace *t)
{
	json_t *item = json_object();
	char time[EVENTS_TIME_SIZE];

	json_put_str(item, "time", events_time(time, loop_real_ns(api->ctrl->loop)));
	json_put_str(item, "kind", signalling_trace_name(t->kind));
	json_put_str(item, "what", t->what);
	json_put_str(item, "outcome", t->outcome);
	json_put_str(item, "data_plane", t->data_plane);
	json_put_addr(item, "home_address", t->home);
	json_put_addr(item, "care_of_address", t->care_of);
	json_object_set_new(item, "packet", t->octets ? digits_of(t->octets, t->len) : json_null());
	return item;
}

void api_traced(struct api *api, const struct signalling_trace *t)
{
	struct api_request *next;
	json_t *item = NULL;

	for (struct api_request *r = api->requests; r; r = next) {
		next = r->next;
		if (!r->traces || strcmp(r->state, t->subscriber->mn_id) != 0)
			continue;
		if (!item)
			item = item_of(api, t);
		if (item)
			api_live(r, json_incref(item));
	}
	json_decref(item);
}

void api_follow_traces(struct api *api)
{
	bool any = false;

	for (const struct api_request *r = api->requests; r && !any; r = r->next)
		any = r->traces;
	signalling_set_tracing(api->ctrl->signalling, any);
}

void api_trace(struct api_request *r, const json_t *params)
{
	struct json_why why;
	const char *mn_id;

	if (json_field_str(params, "mn_id", JSON_FIELD_REQUIRED, 1, SUBSCRIBER_MN_ID_MAX, &mn_id,
		    &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (!subscriber_db_find(r->ctrl->subscribers, mn_id, strlen(mn_id))) {
		api_error(r, "not-found", "there is no subscriber '%s'", mn_id);
		return;
	}
	r->state = strdup(mn_id);
	r->release = free;
	if (!r->state) {
		api_errno(r, -ENOMEM);
		return;
	}
	r->traces = true;
	api_follow_traces(r->api);
}
