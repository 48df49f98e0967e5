/* mag.show, mag.attach, mag.move, mag.detach, mag.revoke */
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/binding.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/tunnel_ends.h"

#include <errno.h>
#include <string.h>

/* Where the tunnel to the anchor ends. */
static void put_far_end(
	json_t *obj, const struct mag_attachment *a, const struct in6_addr *user_plane)
{
	json_put_addr(obj, "tunnel_address", tunnel_ends_far(&a->anchor->address, user_plane));
}

/* How it is tunnelled; keys are null without. */
static void put_encapsulation(
	json_t *obj, const struct mag_attachment *a, const struct session_encapsulation *e)
{
	const bool keyed = e->gre == SESSION_GRE_KEYED;

	json_put_str(obj, "encapsulation", session_encapsulation_name(e->gre));
	json_object_set_new(obj, "uplink_key", keyed ? json_integer(e->peer_key) : json_null());
	json_object_set_new(obj, "downlink_key",
		keyed ? json_integer(session_own_key(a->now.number)) : json_null());
}

/* Its ways, if the gateway has several (RFC 8278). */
static json_t *paths_json(struct ctrl *ctrl, const struct mag_attachment *a)
{
	uint64_t real = loop_real_ns(ctrl->loop);
	json_t *list = json_array();

	for (size_t i = 0; i < a->now.path_count; i++) {
		const struct attachment_path *path = &a->now.paths[i];
		const struct ctrl_config_mag_path *own =
			ctrl_config_mag_path(ctrl->config, path->bid);
		json_t *obj = json_object();

		json_put_uint(obj, "bid", path->bid);
		if (own)
			json_put_addr(obj, "care_of_address", &own->address);
		json_put_uint(obj, "label", own ? own->label : 0);
		put_far_end(obj, a, &path->user_plane);
		put_encapsulation(obj, a, &path->encapsulation);
		json_put_uint(obj, "lifetime_s", (uint64_t)path->lifetime * BINDING_LIFETIME_UNIT);
		json_put_uint(obj, "remaining_s",
			path->expires_ns > real ? (path->expires_ns - real) / 1000000000 : 0);
		json_array_append_new(list, obj);
	}
	return list;
}

static json_t *attachment_json(struct ctrl *ctrl, const struct mag_attachment *a)
{
	const struct attachment_record *now = &a->now;
	bool served = now->lifetime;
	char mn_id[SESSION_MN_ID_TEXT_SIZE];
	json_t *obj = json_object();

	json_put_str(obj, "mn_id", session_mn_id_text(mn_id, &now->mn_id));
	json_put_str(obj, "link_address", MAC_TEXT(&now->mac));
	json_put_str(obj, "port", a->link->port);
	json_put_str(obj, "domain", ctrl_config_domain_name(ctrl->config, a->link->domain));
	json_put_str(obj, "state", mag_state_name(a->state));
	json_object_set_new(
		obj, "prefixes", api_prefixes(now->prefixes, served ? now->prefix_count : 0));
	json_object_set_new(obj, "delegated_prefixes",
		api_prefixes(now->delegated, served ? now->delegated_count : 0));
	json_put_str(obj, "delegation", mag_delegation_name(a->delegation));
	json_put_str(obj, "anchor", a->anchor->name);
	json_put_addr(obj, "anchor_address", &a->anchor->address);
	put_far_end(obj, a, &now->user_plane);
	put_encapsulation(obj, a, &now->encapsulation);
	json_put_uint(obj, "status", a->status);
	json_put_uint(obj, "sequence", a->sequence);
	json_put_uint(obj, "lifetime_s", (uint64_t)now->lifetime * BINDING_LIFETIME_UNIT);
	json_put_uint(obj, "remaining_s",
		binding_left_ns(now->expires_ns, loop_real_ns(ctrl->loop),
			binding_lifetime_ns(now->lifetime)) /
			1000000000);
	api_put_time(obj, "attached", served ? now->attached_ns : 0);
	api_put_time(obj, "updated", served ? now->updated_ns : 0);
	json_object_set_new(obj, "paths", paths_json(ctrl, a));
	return obj;
}

void api_mag_show(struct api_request *r, const json_t *params)
{
	size_t count = 0;

	(void)params;
	if (api_refuse_without(r, r->ctrl->mag, "mag"))
		return;
	for (const struct mag_attachment *a = NULL; (a = mag_next(r->ctrl->mag, a)); count++)
		api_item(r, attachment_json(r->ctrl, a));
	api_count(r, count);
}

/* The profile that the field mn_id names; NULL: none, and that is answered. */
static const struct mag_profile *read_profile(struct api_request *r, const json_t *params)
{
	const struct mag_profile *profile;
	struct json_why why;
	const char *mn_id;

	if (json_field_str(
		    params, "mn_id", JSON_FIELD_REQUIRED, 1, SESSION_MN_ID_MAX, &mn_id, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return NULL;
	}
	profile = mag_profile_find(r->ctrl->mag, mn_id);
	if (!profile)
		api_error(r, "not-found", "there is no mobile node '%s'", mn_id);
	return profile;
}

/* The access link that the field port names; NULL: none, and that is answered. */
static const struct mag_link *read_link(struct api_request *r, const json_t *params)
{
	const struct mag_link *link;
	struct json_why why;
	const char *port;

	if (json_field_str(params, "port", JSON_FIELD_REQUIRED, 1, OBJECT_PORT_NAME_MAX, &port,
		    &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return NULL;
	}
	link = mag_link_find(r->ctrl->mag, port);
	if (!link)
		api_error(r, "not-found", "port '%s' is no access link", port);
	return link;
}

/* Attaches a node to a link; or only if it is attached to one. */
static void attach(struct api_request *r, const json_t *params, bool moves)
{
	const struct mag_profile *profile;
	const struct mag_attachment *a;
	const struct mag_link *link;
	int error = 0;

	if (api_refuse_without(r, r->ctrl->mag, "mag"))
		return;
	profile = read_profile(r, params);
	link = profile ? read_link(r, params) : NULL;
	if (!link)
		return;
	a = mag_find(r->ctrl->mag, &profile->mac);
	if (moves && (!a || a->leaves || a->state == MAG_REFUSED))
		api_error(r, "not-found", "'%s' is not attached", profile->mn_id);
	else if ((error = mag_attach(r->ctrl->mag, profile, link)) == -EPERM)
		api_error(r, "unavailable", "port '%s' is of another domain than '%s'", link->port,
			profile->mn_id);
	else if (error)
		api_errno(r, error);
	else if (!(a = mag_find(r->ctrl->mag, &profile->mac)))
		api_error(r, "unavailable", "'%s' is leaving", profile->mn_id);
	else
		api_result(r, attachment_json(r->ctrl, a));
}

void api_mag_attach(struct api_request *r, const json_t *params)
{
	attach(r, params, false);
}

void api_mag_move(struct api_request *r, const json_t *params)
{
	attach(r, params, true);
}

void api_mag_detach(struct api_request *r, const json_t *params)
{
	const struct mag_profile *profile;
	struct mag_attachment *a;

	if (api_refuse_without(r, r->ctrl->mag, "mag"))
		return;
	profile = read_profile(r, params);
	if (!profile)
		return;
	a = mag_find(r->ctrl->mag, &profile->mac);
	if (!a) {
		api_error(r, "not-found", "'%s' is not attached", profile->mn_id);
		return;
	}
	r->state = attachment_json(r->ctrl, a);
	r->release = api_release_result;
	if (mag_detach(r->ctrl->mag, a, api_done, r) < 0)
		api_error(r, "unavailable", "'%s' is leaving", profile->mn_id);
}

static void revoked(void *context, enum notice_end end, uint8_t status)
{
	struct api_request *r = context;
	json_t *result = r->state;

	json_put_str(result, "answer", notice_end_name(end));
	json_object_set_new(result, "answer_status",
		end == NOTICE_ANSWERED ? json_integer(status) : json_null());
	api_result(r, json_incref(result));
}

void api_mag_revoke(struct api_request *r, const json_t *params)
{
	const struct mag_anchor *anchor;
	struct json_why why;
	const char *name;
	int error;

	if (api_refuse_without(r, r->ctrl->mag, "mag"))
		return;
	if (json_field_str(params, "anchor", JSON_FIELD_REQUIRED, 1, 64, &name, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	anchor = mag_anchor_find(r->ctrl->mag, name);
	if (!anchor) {
		api_error(r, "not-found", "there is no anchor '%s'", name);
		return;
	}
	r->state = json_pack("{s:s}", "anchor", name);
	r->release = api_release_result;
	error = mag_revoke(r->ctrl->mag, anchor, revoked, r);
	if (error == -EPERM)
		api_error(r, "unavailable", "the gateway has no identifier in its configuration");
	else if (error == -EOPNOTSUPP)
		api_error(r, "unavailable", "the anchor does not know revocation");
	else if (error)
		api_errno(r, error);
}
