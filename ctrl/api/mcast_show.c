/* mcast.show: what data planes copy by */
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/multicast.h"
#include "ctrl/multicast_failures.h"
#include "ctrl/multicast_nodes.h"
#include "ctrl/signalling/mag/mag.h"

#include <errno.h>
#include <stdlib.h>

/* ---- items -------------------------------------------------------------------------------- */

/* Members of an object, as they are walked over. */
struct listing {
	struct ctrl *ctrl;
	const struct membership_stream *stream;
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
	id = membership_listener_id(multicast_members(ctrl->multicast), listing->stream, listener);
	return listing->lacking | multicast_failures_at(ctrl->multicast_failures, id, NULL);
}

static void put_address(json_t *obj, const char *name, const struct in6_addr *address)
{
	if (address)
		json_put_addr(obj, name, address);
	else
		json_put_str(obj, name, NULL);
}

/* Who a node is, or a host of an access gateway. */
static void put_name(
	const struct ctrl *ctrl, json_t *obj, const struct membership_listener *listener)
{
	const struct subscriber *s =
		listener->home ? subscriber_db_find_home(ctrl->subscribers, listener->home, NULL)
			       : NULL;
	const struct mag_attachment *a = listener->mac ? mag_find(ctrl->mag, listener->mac) : NULL;
	char mn[SESSION_MN_ID_TEXT_SIZE];

	json_put_str(obj, "mn_id", a ? session_mn_id_text(mn, &a->now.mn_id) : s ? s->mn_id : NULL);
}

static int put_member(void *arg, const struct membership_listener *listener)
{
	struct listing *listing = arg;
	const uint64_t at = lacking(listing, listener);
	json_t *obj;

	listing->count++;
	listing->not_installed += at != 0;
	if (!listing->list)
		return 0;
	obj = json_object();
	put_name(listing->ctrl, obj, listener);
	put_address(obj, "home_address", listener->home);
	json_put_str(obj, "link_address", listener->mac ? MAC_TEXT(listener->mac) : NULL);
	json_put_str(obj, "port", listener->port[0] ? listener->port : NULL);
	put_address(obj, "gateway", listener->remote);
	json_object_set_new(obj, "not_installed", api_mcast_names(listing->ctrl, at));
	json_array_append_new(listing->list, obj);
	return 0;
}

/* Of the anchor whose tunnel a stream comes by. */
static void put_anchor(const struct ctrl *ctrl, json_t *obj, uint64_t path)
{
	const struct multicast_nodes *nodes = multicast_nodes_of(ctrl->multicast);

	put_address(obj, "anchor", nodes && path ? multicast_nodes_anchor(nodes, path) : NULL);
}

json_t *api_mcast_object_json(
	struct ctrl *ctrl, const struct membership_stream *stream, bool with_members)
{
	const struct membership *members = multicast_members(ctrl->multicast);
	struct listing listing = {
		.ctrl = ctrl, .stream = stream, .list = with_members ? json_array() : NULL};
	json_t *obj = json_object();
	struct in6_addr of;

	if (uninstalled_count(multicast_failures_all(ctrl->multicast_failures))) {
		listing.any_lacking = true;
		listing.lacking = multicast_failures_at(
			ctrl->multicast_failures, membership_object(members, stream, &of), NULL);
	}
	membership_each_of(members, stream, put_member, &listing);
	json_put_addr(obj, "group", &stream->group);
	put_address(obj, "source", addr_is_unspecified(&stream->source) ? NULL : &stream->source);
	put_anchor(ctrl, obj, stream->path);
	json_put_uint(obj, "members", listing.count);
	json_put_uint(obj, "not_installed", listing.not_installed);
	if (with_members)
		json_object_set_new(obj, "listeners", listing.list);
	return obj;
}

static json_t *show_item(struct ctrl *ctrl, const struct in6_addr *group)
{
	struct membership_stream *streams;
	int count = membership_streams(multicast_members(ctrl->multicast), group, &streams);
	json_t *items = count > 0 ? json_array() : NULL;

	for (int i = 0; i < count; i++)
		json_array_append_new(items, api_mcast_object_json(ctrl, &streams[i], false));
	if (count >= 0)
		free(streams);
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
