/* binding.show, binding.watch, binding.clear */
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool api_binding_shown(const struct binding *b)
{
	return binding_is_live(b) || b->state == BINDING_STATE_DAD ||
	       b->state == BINDING_STATE_COMMITTING;
}

static void put_id(json_t *obj, const char *key, bool known, uint64_t id)
{
	if (known)
		json_put_uint(obj, key, id);
	else
		json_object_set_new(obj, key, json_null());
}

/* How many bindings of the home address are preferred to this one, and 1: the first is used for
 * what no rule is for. */
static unsigned rank_of(const struct binding *b, const struct binding_record *record)
{
	unsigned rank = 1;

	for (unsigned i = 0; i < binding_count(b); i++)
		rank += publish_prefers(binding_record_at(b, i), record);
	return rank;
}

static void put_multihoming(
	json_t *obj, const struct binding *b, const struct binding_record *record, bool live)
{
	put_id(obj, "bid", record->bid, record->bid);
	put_id(obj, "priority", live && record->priority, record->priority);
	put_id(obj, "rank", live, live ? rank_of(b, record) : 0);
	json_put_bool(obj, "at_home", live && record->at_home);
}

/* A record that is not live says nothing of an address, a lifetime or a path. */
json_t *api_binding_json(
	struct ctrl *ctrl, const struct binding *b, const struct binding_record *record)
{
	const struct subscriber *s =
		subscriber_db_find_home(ctrl->subscribers, &record->home, NULL);
	const struct ctrl_config_home_prefix *home =
		ctrl_config_home_prefix(ctrl->config, &record->home);
	int serving = api_serving_binding(ctrl, record);
	bool live = record->life == BINDING_LIVE;
	json_t *obj = json_object();

	json_put_str(obj, "mn_id", s ? s->mn_id : NULL);
	json_put_addr(obj, "home_address", &record->home);
	if (live)
		json_put_addr(obj, "care_of_address", &record->care_of);
	else
		json_put_str(obj, "care_of_address", NULL);
	put_multihoming(obj, b, record, live);
	json_put_str(obj, "state", binding_state_name(b->state));
	json_put_uint(obj, "sequence", record->sequence);
	json_put_uint(
		obj, "lifetime_s", live ? (uint64_t)record->lifetime * BINDING_LIFETIME_UNIT : 0);
	json_put_uint(obj, "remaining_s",
		live ? binding_remaining_s(record, loop_real_ns(ctrl->loop)) : 0);
	api_put_time(obj, "registered", live ? record->registered_ns : 0);
	api_put_time(obj, "updated", live ? record->updated_ns : 0);
	api_put_time(obj, "expires", live ? record->expires_ns : 0);
	json_put_str(obj, "data_plane",
		live && serving >= 0 ? ctrl_config_data_plane_name(ctrl->config, (unsigned)serving)
				     : NULL);
	json_put_str(obj, "link", home ? home->link : NULL);
	put_id(obj, "subscriber_id", live, record->subscriber_id);
	put_id(obj, "path_id", live, record->path_id);
	return obj;
}

int api_binding_names(struct ctrl *ctrl, struct in6_addr **names, size_t *count)
{
	struct binding_cache *cache = signalling_cache(ctrl->signalling);
	size_t n = 0;
	struct in6_addr *all = calloc(binding_cache_count(cache) + 1, sizeof(*all));

	if (!all)
		return -ENOMEM;
	for (const struct binding *b = NULL; (b = binding_cache_next(cache, b));)
		if (api_binding_shown(b))
			all[n++] = b->now.home;
	*names = all;
	*count = n;
	return 0;
}

static const struct binding *shown_binding(struct ctrl *ctrl, const struct in6_addr *home)
{
	const struct binding *b = binding_cache_find(signalling_cache(ctrl->signalling), home);

	return b && api_binding_shown(b) ? b : NULL;
}

static json_t *show_item(struct ctrl *ctrl, const struct in6_addr *home)
{
	const struct binding *b = shown_binding(ctrl, home);
	json_t *items = b ? json_array() : NULL;

	for (unsigned i = 0; b && i < binding_count(b); i++)
		json_array_append_new(items, api_binding_json(ctrl, b, binding_record_at(b, i)));
	return items;
}

static json_t *present_item(struct ctrl *ctrl, const struct in6_addr *home)
{
	json_t *items = show_item(ctrl, home), *item;
	char time[EVENTS_TIME_SIZE];
	size_t i;

	json_array_foreach(items, i, item) json_array_set_new(items, i,
		json_pack("{s:s,s:s,s:O}", "event", "present", "time",
			events_time(time, loop_real_ns(ctrl->loop)), "binding", item));
	return items;
}

/* The names that the parameters ask for: one address, those of one node, or all. */
static int asked_names(struct ctrl *ctrl, const struct in6_addr *home, const char *mn_id,
	struct in6_addr **names, size_t *count)
{
	const struct subscriber *s = NULL;
	struct in6_addr *some;

	if (!home && !mn_id)
		return api_binding_names(ctrl, names, count);
	if (mn_id)
		s = subscriber_db_find(ctrl->subscribers, mn_id, strlen(mn_id));
	some = calloc(SUBSCRIBER_HOME_MAX, sizeof(*some));
	if (!some)
		return -ENOMEM;
	*names = some;
	*count = 0;
	if (!mn_id)
		some[(*count)++] = *home;
	for (uint8_t i = 0; s && i < s->home_count; i++)
		if (!home || addr_equal(home, &s->home[i].addr))
			some[(*count)++] = s->home[i].addr;
	return 0;
}

int api_binding_asked(
	struct api_request *r, const json_t *params, struct in6_addr **names, size_t *count)
{
	const char *mn_id = NULL;
	struct in6_addr home;
	struct json_why why;
	int has_home = json_field_addr(params, "home_address", JSON_FIELD_OPTIONAL, &home, &why);

	if (has_home < 0 || json_field_str(params, "mn_id", JSON_FIELD_OPTIONAL, 1,
				    SUBSCRIBER_MN_ID_MAX, &mn_id, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return -EINVAL;
	}
	if (asked_names(r->ctrl, has_home ? &home : NULL, mn_id, names, count) < 0) {
		api_errno(r, -ENOMEM);
		return -ENOMEM;
	}
	return 0;
}

void api_binding_show(struct api_request *r, const json_t *params)
{
	struct in6_addr *names;
	struct json_why why;
	bool traffic = false;
	size_t count;

	if (json_field_bool(params, "traffic", JSON_FIELD_OPTIONAL, &traffic, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (traffic && !json_object_get(params, "home_address") &&
		!json_object_get(params, "mn_id")) {
		api_error(r, "invalid", "traffic needs home_address or mn_id");
		return;
	}
	if (api_binding_asked(r, params, &names, &count) < 0)
		return;
	if (traffic)
		api_traffic_show(r, names, count);
	else
		api_list_send(r, names, count, show_item);
}

void api_binding_watch(struct api_request *r, const json_t *params)
{
	struct in6_addr *names;
	size_t count;

	(void)params;
	if (api_binding_names(r->ctrl, &names, &count) < 0) {
		api_errno(r, -ENOMEM);
		return;
	}
	r->watches_bindings = true;
	api_list_send(r, names, count, present_item);
}

void api_binding_event(struct api *api, const struct signalling_event *event)
{
	struct api_request *next;
	char time[EVENTS_TIME_SIZE];
	json_t *item = NULL;

	for (struct api_request *r = api->requests; r; r = next) {
		next = r->next;
		if (!r->watches_bindings || !event->binding)
			continue;
		if (!item)
			item = json_pack("{s:s,s:s,s:o}", "event",
				signalling_event_name(event->kind), "time",
				events_time(time, loop_real_ns(api->ctrl->loop)), "binding",
				api_binding_json(api->ctrl, event->binding, event->record));
		if (item)
			api_live(r, json_incref(item));
	}
	json_decref(item);
}

static void clear_binding(struct api_request *r, const struct binding *b, uint16_t bid)
{
	const struct binding_record *record = bid ? binding_record_of(b, bid) : &b->now;
	const struct in6_addr home = b->now.home;
	json_t *result = json_object();
	int started;

	json_put_addr(result, "home_address", &home);
	if (record && record->life == BINDING_LIVE)
		json_put_addr(result, "care_of_address", &record->care_of);
	else
		json_put_str(result, "care_of_address", NULL);
	put_id(result, "bid", bid, bid);
	json_put_uint(result, "bindings", bid ? 1 : binding_count(b));
	r->state = result;
	r->release = api_release_result;
	started = signalling_clear(r->ctrl->signalling, &home, bid, api_done, r);
	if (started < 0)
		api_errno(r, started);
	else if (!started)
		api_error(r, "not-found", "%s has no such binding", ADDR_TEXT(&home));
}

void api_binding_clear(struct api_request *r, const json_t *params)
{
	const struct binding *b;
	struct in6_addr home;
	struct json_why why;
	uint64_t bid = 0;

	if (json_field_addr(params, "home_address", JSON_FIELD_REQUIRED, &home, &why) < 0 ||
		json_field_uint(params, "bid", JSON_FIELD_OPTIONAL, 1, UINT16_MAX, &bid, &why) <
			0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	b = shown_binding(r->ctrl, &home);
	if (b)
		clear_binding(r, b, (uint16_t)bid);
	else
		api_error(r, "not-found", "%s has no binding", ADDR_TEXT(&home));
}

/* Whether a name of a domain is not that of the public one, of which all home addresses are. */
static bool is_of_customer(const char *domain)
{
	return domain && strcmp(domain, CTRL_CONFIG_PUBLIC) != 0;
}

void api_binding_revoke(struct api_request *r, const json_t *params)
{
	const struct session *session = NULL;
	const char *domain = NULL;
	const struct binding *b;
	struct in6_addr address;
	struct json_why why;
	bool answered = false;

	if (json_field_addr(params, "address", JSON_FIELD_REQUIRED, &address, &why) < 0 ||
		json_field_str(params, "domain", JSON_FIELD_OPTIONAL, 1, 64, &domain, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	b = is_of_customer(domain) ? NULL : shown_binding(r->ctrl, &address);
	if (!b && r->ctrl->lma)
		session = api_session_at(r, params, &address, &answered);
	if (b)
		clear_binding(r, b, 0);
	else if (session)
		api_session_revoke(r, params);
	else if (!answered)
		api_error(r, "not-found", "%s is of no binding and of no session",
			ADDR_TEXT(&address));
}
