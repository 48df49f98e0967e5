/* mcast.show: what data planes copy by */
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/multicast.h"
#include "ctrl/multicast_failures.h"

#include <errno.h>
#include <stdlib.h>

/* ---- items -------------------------------------------------------------------------------- */

/* Members of an object, as they are walked over. */
struct listing {
	struct ctrl *ctrl;
	const struct in6_addr *group, *source;
	uint64_t lacking; /* data planes that could not take the group */
	bool any_lacking; /* some data plane could not take something */
	json_t *list;     /* NULL: they are only counted */
	size_t count, not_installed;
};

json_t *api_mcast_names(const struct ctrl *ctrl, uint64_t data_planes)
{
	json_t *names = json_array();

	for (unsigned dp = 0; dp < ctrl->config->data_planes.count; dp++)
		if (data_planes >> dp & 1)
			json_array_append_new(
				names, json_string(ctrl_config_data_plane_name(ctrl->config, dp)));
	return names;
}

/* Those that could not take the member, or its group. */
static uint64_t lacking(const struct listing *listing, const struct membership_listener *listener)
{
	const struct ctrl *ctrl = listing->ctrl;
	uint64_t id;

	if (!listing->any_lacking)
		return 0;
	id = membership_listener_id(
		multicast_members(ctrl->multicast), listing->group, listing->source, listener);
	return listing->lacking | multicast_failures_at(ctrl->multicast_failures, id, NULL);
}

static int put_member(void *arg, const struct membership_listener *listener)
{
	struct listing *listing = arg;
	const uint64_t at = lacking(listing, listener);
	const struct subscriber *s = NULL;
	json_t *obj;

	listing->count++;
	listing->not_installed += at != 0;
	if (!listing->list)
		return 0;
	obj = json_object();
	if (listener->home)
		s = subscriber_db_find_home(listing->ctrl->subscribers, listener->home, NULL);
	json_put_str(obj, "mn_id", s ? s->mn_id : NULL);
	if (listener->home)
		json_put_addr(obj, "home_address", listener->home);
	else
		json_put_str(obj, "home_address", NULL);
	json_put_str(obj, "port", listener->port[0] ? listener->port : NULL);
	if (listener->remote)
		json_put_addr(obj, "gateway", listener->remote);
	else
		json_put_str(obj, "gateway", NULL);
	json_object_set_new(obj, "not_installed", api_mcast_names(listing->ctrl, at));
	json_array_append_new(listing->list, obj);
	return 0;
}

static void put_source(json_t *obj, const struct in6_addr *source)
{
	if (addr_is_unspecified(source))
		json_put_str(obj, "source", NULL);
	else
		json_put_addr(obj, "source", source);
}

json_t *api_mcast_object_json(struct ctrl *ctrl, const struct in6_addr *group,
	const struct in6_addr *source, bool with_members)
{
	const struct membership *members = multicast_members(ctrl->multicast);
	struct listing listing = {.ctrl = ctrl,
		.group = group,
		.source = source,
		.list = with_members ? json_array() : NULL};
	json_t *obj = json_object();
	struct in6_addr of;

	if (uninstalled_count(multicast_failures_all(ctrl->multicast_failures))) {
		listing.any_lacking = true;
		listing.lacking = multicast_failures_at(ctrl->multicast_failures,
			membership_object(members, group, source, &of), NULL);
	}
	membership_each_of(members, group, source, put_member, &listing);
	json_put_addr(obj, "group", group);
	put_source(obj, source);
	json_put_uint(obj, "members", listing.count);
	json_put_uint(obj, "not_installed", listing.not_installed);
	if (with_members)
		json_object_set_new(obj, "listeners", listing.list);
	return obj;
}

static json_t *show_item(struct ctrl *ctrl, const struct in6_addr *group)
{
	struct in6_addr *sources;
	int count = membership_sources(multicast_members(ctrl->multicast), group, &sources);
	json_t *items = count > 0 ? json_array() : NULL;

	for (int i = 0; i < count; i++)
		json_array_append_new(
			items, api_mcast_object_json(ctrl, group, &sources[i], false));
	if (count >= 0)
		free(sources);
	return items;
}

/* ---- mcast.show --------------------------------------------------------------------------- */

void api_mcast_show(struct api_request *r, const json_t *params)
{
	struct in6_addr *names, group;
	struct json_why why;
	bool rates = false;
	int count, one;

	one = json_field_addr(params, "group", JSON_FIELD_OPTIONAL, &group, &why);
	if (one < 0 || json_field_bool(params, "rates", JSON_FIELD_OPTIONAL, &rates, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (api_mcast_unserved(r))
		return;
	if (one) {
		names = malloc(sizeof(*names));
		count = names ? 1 : -ENOMEM;
		if (names)
			*names = group;
	} else {
		count = membership_group_list(multicast_members(r->ctrl->multicast), &names);
	}
	if (count < 0)
		api_errno(r, count);
	else if (api_mcast_counted(r, names, (size_t)count, one, rates))
		free(names);
	else
		api_list_send(r, names, (size_t)count, show_item);
}
