/* mcast.links, mcast.tunnels, mcast.explain */
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/multicast.h"
#include "ctrl/multicast_gateways.h"
#include "ctrl/multicast_nodes.h"
#include "ctrl/multicast_reports.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/mag/mag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool api_mcast_unserved(struct api_request *r)
{
	if (r->ctrl->config->multicast.max_groups)
		return false;
	api_error(r, "unavailable", "multicast is not served: multicast.max_groups is 0");
	return true;
}

/* ---- mcast.links -------------------------------------------------------------------------- */

static int send_link(void *arg, const struct home_link *link, const struct querier *querier)
{
	json_t *obj = json_object();
	struct in6_addr other;
	const bool asks = querier_asks(querier, &other);

	json_put_str(obj, "link", link->name);
	json_put_bool(obj, "querier", asks);
	if (asks)
		json_put_str(obj, "other_querier", NULL);
	else
		json_put_addr(obj, "other_querier", &other);
	json_put_uint(obj, "groups", querier_groups(querier));
	api_item(arg, obj);
	return 0;
}

/* A link with one listener: a node, or an access gateway. */
static void put_querier(struct api_request *r, const char *link, const struct querier *querier)
{
	json_t *obj = json_object();

	json_put_str(obj, "link", link);
	json_put_bool(obj, "querier", querier_asks(querier, NULL));
	json_put_str(obj, "other_querier", NULL);
	json_put_uint(obj, "groups", querier_groups(querier));
	api_item(r, obj);
}

static int send_tunnel(
	void *arg, const struct multicast_tunnel *tunnel, const struct querier *querier)
{
	put_querier(arg, ADDR_TEXT(&tunnel->remote), querier);
	return 0;
}

static int send_node(void *arg, const struct mag_attachment *a, const struct querier *querier)
{
	char mn[SESSION_MN_ID_TEXT_SIZE];

	put_querier(arg, session_mn_id_text(mn, &a->now.mn_id), querier);
	return 0;
}

static int count_link(void *arg, const struct home_link *link, const struct querier *querier)
{
	size_t *count = arg;

	(void)link;
	(void)querier;
	++*count;
	return 0;
}

static int count_tunnel(
	void *arg, const struct multicast_tunnel *tunnel, const struct querier *querier)
{
	(void)tunnel;
	return count_link(arg, NULL, querier);
}

static int count_node(void *arg, const struct mag_attachment *a, const struct querier *querier)
{
	(void)a;
	return count_link(arg, NULL, querier);
}

void api_mcast_links(struct api_request *r, const json_t *params)
{
	const struct multicast_links *links = multicast_links_of(r->ctrl->multicast);
	const struct multicast_gateways *gateways = multicast_gateways_of(r->ctrl->multicast);
	const struct multicast_nodes *nodes = multicast_nodes_of(r->ctrl->multicast);
	size_t count = 0;

	(void)params;
	if (api_mcast_unserved(r))
		return;
	if (links) {
		multicast_links_each(links, count_link, &count);
		multicast_links_each(links, send_link, r);
	}
	if (gateways) {
		multicast_gateways_each(gateways, count_tunnel, &count);
		multicast_gateways_each(gateways, send_tunnel, r);
	}
	if (nodes) {
		multicast_nodes_each(nodes, count_node, &count);
		multicast_nodes_each(nodes, send_node, r);
	}
	api_count(r, count);
}

/* ---- mcast.tunnels ------------------------------------------------------------------------ */

/* NULL: it is asked no more. */
static json_t *tunnel_item(struct ctrl *ctrl, const struct in6_addr *home)
{
	const struct multicast_reports *reports = multicast_reports_of(ctrl->multicast);
	const struct querier *querier = reported_querier(multicast_reports_all(reports), home);
	const struct subscriber *s = subscriber_db_find_home(ctrl->subscribers, home, NULL);
	json_t *items, *obj;

	if (!querier)
		return NULL;
	items = json_array();
	obj = json_object();
	json_put_str(obj, "mn_id", s ? s->mn_id : NULL);
	json_put_addr(obj, "home_address", home);
	json_put_bool(obj, "reached", querier_reaches(querier));
	json_put_uint(obj, "groups", querier_groups(querier));
	json_array_append_new(items, obj);
	return items;
}

static json_t *tunnel_counts(const struct reported *reported)
{
	json_t *obj = json_object();

	json_put_uint(obj, "asked", reported_asked(reported));
	json_put_uint(obj, "told_by_option", reported_telling(reported));
	return obj;
}

void api_mcast_tunnels(struct api_request *r, const json_t *params)
{
	const struct multicast_reports *reports = multicast_reports_of(r->ctrl->multicast);
	struct in6_addr *names;
	struct json_why why;
	bool only_count = false;
	int count;

	if (json_field_bool(params, "count", JSON_FIELD_OPTIONAL, &only_count, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (api_mcast_unserved(r))
		return;
	if (!reports) {
		api_error(r, "unavailable",
			"nodes with bindings are not asked: multicast.reports is \"ignored\"");
		return;
	}
	if (only_count) {
		api_result(r, tunnel_counts(multicast_reports_all(reports)));
		return;
	}
	count = reported_list(multicast_reports_all(reports), &names);
	if (count < 0)
		api_errno(r, count);
	else
		api_list_send(r, names, (size_t)count, tunnel_item);
}

/* ---- mcast.explain ------------------------------------------------------------------------ */

struct question {
	struct ctrl *ctrl;
	struct in6_addr group, source;
	const struct subscriber *subscriber;
};

static json_t *record_json(const struct mcast_record *record)
{
	json_t *obj = json_object(), *sources = json_array();

	json_put_str(obj, "mode", record->type == MCAST_IS_EXCLUDE ? "exclude" : "include");
	for (unsigned i = 0; i < record->source_count; i++) {
		struct in6_addr source;

		memcpy(&source, record->sources + i * sizeof(source), sizeof(source));
		json_array_append_new(sources, json_string(ADDR_TEXT(&source)));
	}
	json_object_set_new(obj, "sources", sources);
	return obj;
}

/* The record of a home address for the group; false: there is none. */
static bool find_record(
	const struct question *q, const struct in6_addr *home, struct mcast_record *record)
{
	const struct mcast_state *state =
		membership_of(multicast_members(q->ctrl->multicast), home);

	return state && mcast_state_find(state, &q->group, record);
}

static bool is_allowed(const struct question *q)
{
	const struct subscriber_multicast *limits = q->subscriber->multicast;
	bool in = !limits || (limits->max_groups && !limits->group_count);

	for (uint8_t i = 0; limits && limits->max_groups && i < limits->group_count && !in; i++)
		in = prefix6_contains(&limits->groups[i], &q->group);
	return in;
}

/* Why a home address gets copies, or none. */
static const char *reason(const struct question *q, const struct in6_addr *home,
	const struct binding *b, bool *copied)
{
	const struct membership *members = multicast_members(q->ctrl->multicast);
	const struct mcast_state *state = membership_of(members, home);
	struct mcast_record record;
	int dp, error;

	*copied = false;
	if (mcast_state_is_ip4(&q->group))
		return find_record(q, home, &record)
			       ? "IPv4 groups are not served; what the node wants of them is kept"
			       : "IPv4 groups are not served";
	if (!mcast_state_group_ok(&q->group))
		return "it is no group, or one that stays on its link";
	if (!membership_allows(members, &q->group))
		return "multicast.groups does not allow the group";
	if (!is_allowed(q))
		return "the subscriber may not listen to the group";
	if (!b || !binding_is_live(b))
		return "the node is not bound: it listens on its own link";
	if (!find_record(q, home, &record))
		return "the node does not listen to the group";
	if (!mcast_state_wants(state, &q->group, &q->source))
		return record.type == MCAST_IS_EXCLUDE
			       ? "the node excludes the source"
			       : "the source is none that the node listens to";
	dp = multicast_serving(q->ctrl->multicast, b);
	if (dp >= 0 && (error = multicast_lacks(q->ctrl->multicast, home, &q->group, (unsigned)dp)))
		return error == ENOSPC ? "a table of the data plane is full"
				       : "the data plane could not take it";
	*copied = true;
	return "its filter lets the source pass";
}

static void put_path(json_t *obj, struct ctrl *ctrl, const struct binding *b)
{
	struct binding_record room[BINDING_MAX];
	struct binding_list list = binding_list(&b->now, b->more, room);
	const struct binding_record *best = &list.records[0];
	int dp;

	for (unsigned i = 1; i < list.count; i++)
		if (publish_prefers(&list.records[i], best))
			best = &list.records[i];
	dp = api_serving(ctrl, best->data_plane);
	json_put_addr(obj, "care_of_address", &best->care_of);
	json_put_str(obj, "data_plane",
		dp >= 0 ? ctrl_config_data_plane_name(ctrl->config, (unsigned)dp) : NULL);
}

static json_t *answer_for(const struct question *q, const struct in6_addr *home)
{
	const struct binding *b = binding_cache_find(signalling_cache(q->ctrl->signalling), home);
	json_t *obj = json_object();
	struct mcast_record record;
	bool copied;
	const char *why = reason(q, home, b, &copied);

	json_put_addr(obj, "home_address", home);
	json_put_bool(obj, "copied", copied);
	json_put_str(obj, "why", why);
	json_object_set_new(
		obj, "filter", find_record(q, home, &record) ? record_json(&record) : json_null());
	if (b && binding_is_live(b)) {
		put_path(obj, q->ctrl, b);
	} else {
		json_put_str(obj, "care_of_address", NULL);
		json_put_str(obj, "data_plane", NULL);
	}
	return obj;
}

static json_t *explain(const struct question *q, const struct subscriber *s)
{
	const struct membership *members = multicast_members(q->ctrl->multicast);
	json_t *obj = json_object(), *object = json_null(), *homes = json_array();
	struct membership_stream stream = {.group = q->group, .source = q->source};
	struct in6_addr of;

	if (membership_object(members, &stream, &of)) {
		stream.source = of;
		object = api_mcast_object_json(q->ctrl, &stream, false);
	}
	for (uint8_t i = 0; i < s->home_count; i++)
		json_array_append_new(homes, answer_for(q, &s->home[i].addr));
	json_object_set_new(obj, "object", object);
	json_object_set_new(obj, "home_addresses", homes);
	return obj;
}

void api_mcast_explain(struct api_request *r, const json_t *params)
{
	struct question q = {.ctrl = r->ctrl};
	const struct subscriber *s;
	const char *mn_id = NULL;
	struct json_why why;

	if (json_field_str(params, "mn_id", JSON_FIELD_REQUIRED, 1, SUBSCRIBER_MN_ID_MAX, &mn_id,
		    &why) < 0 ||
		json_field_addr(params, "group", JSON_FIELD_REQUIRED, &q.group, &why) < 0 ||
		json_field_addr(params, "source", JSON_FIELD_REQUIRED, &q.source, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (api_mcast_unserved(r))
		return;
	s = q.subscriber = subscriber_db_find(r->ctrl->subscribers, mn_id, strlen(mn_id));
	if (!s)
		api_error(r, "not-found", "there is no subscriber %s", mn_id);
	else
		api_result(r, explain(&q, s));
}
