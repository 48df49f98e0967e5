/* session.show, session.clear, session.revoke, session.renew, prefix.show, delegation.show */
#include "ctrl/api/request.h"
#include "ctrl/binding/binding.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/publish/tunnel_ends.h"
#include "ctrl/signalling/lma/lma.h"
#include "proto/mobility/codes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the interface is called on its link: a MAC address as such, others as digits. */
static void put_link_id(json_t *obj, const struct session_link_id *id)
{
	char text[2 * SESSION_LINK_ID_MAX + 1] = "";
	struct mac mac;

	if (id->len == sizeof(mac)) {
		memcpy(&mac, id->octets, sizeof(mac));
		mac_format(text, &mac);
	}
	for (size_t i = 0; id->len != sizeof(mac) && i < id->len; i++)
		snprintf(text + 2 * i, 3, "%02x", id->octets[i]);
	json_put_str(obj, "link_layer_id", id->len ? text : NULL);
}

static const char *state_of(const struct session *session)
{
	if (session->now.life == SESSION_NONE)
		return "committing";
	return session_life_name(session->now.life);
}

/* Who serves a way, and where its tunnel ends here. */
static void put_serving(
	json_t *obj, struct ctrl *ctrl, uint64_t data_plane, const struct in6_addr *anchor)
{
	int dp = ctrl_config_data_plane_of_id(ctrl->config, data_plane);

	json_put_str(obj, "data_plane",
		dp < 0 ? NULL : ctrl_config_data_plane_name(ctrl->config, (unsigned)dp));
	json_put_addr(obj, "tunnel_address", tunnel_ends_near(ctrl->config, data_plane, anchor));
}

/* How a way is tunnelled; keys are null without. */
static void put_encapsulation(json_t *obj, const struct session_encapsulation *e, uint64_t number)
{
	const bool keyed = e->gre == SESSION_GRE_KEYED;

	json_put_str(obj, "encapsulation", session_encapsulation_name(e->gre));
	json_object_set_new(
		obj, "uplink_key", keyed ? json_integer(session_own_key(number)) : json_null());
	json_object_set_new(obj, "downlink_key", keyed ? json_integer(e->peer_key) : json_null());
}

static void put_record(json_t *obj, struct ctrl *ctrl, const struct session_record *now)
{
	const struct lma_peer *peer = lma_peer_find(ctrl->lma, &now->care_of);
	bool live = now->life == SESSION_LIVE;
	char mn_id[SESSION_MN_ID_TEXT_SIZE];

	json_put_str(obj, "mn_id", session_mn_id_text(mn_id, &now->mn_id));
	json_put_str(obj, "domain", ctrl_config_domain_name(ctrl->config, now->domain));
	json_object_set_new(obj, "prefixes", api_prefixes(now->prefixes, now->prefix_count));
	json_object_set_new(
		obj, "delegated_prefixes", api_prefixes(now->delegated, now->delegated_count));
	json_put_str(obj, "gateway", peer ? peer->name : NULL);
	if (live)
		json_put_addr(obj, "care_of_address", &now->care_of);
	else
		json_put_str(obj, "care_of_address", NULL);
	put_serving(obj, ctrl, live ? now->data_plane : 0, &now->anchor);
	put_encapsulation(obj, &now->encapsulation, now->number);
	json_put_str(obj, "access_technology", names_find(&codes_access, now->access));
	put_link_id(obj, &now->link_id);
	json_put_addr(obj, "link_local_address", &now->link_local);
	json_put_uint(obj, "sequence", now->sequence);
	json_put_uint(obj, "lifetime_s", (uint64_t)now->lifetime * BINDING_LIFETIME_UNIT);
	json_put_uint(obj, "remaining_s",
		binding_left_ns(now->expires_ns, loop_real_ns(ctrl->loop),
			live ? binding_lifetime_ns(now->lifetime)
			     : (uint64_t)ctrl->config->lma.delete_delay_ms * 1000000) /
			1000000000);
	api_put_time(obj, "registered", now->registered_ns);
	api_put_time(obj, "updated", now->updated_ns);
	api_put_time(obj, "expires", now->expires_ns);
}

static json_t *path_json(struct ctrl *ctrl, const struct session_path *path, uint64_t number)
{
	json_t *obj = json_object();

	json_put_uint(obj, "bid", path->bid);
	json_put_addr(obj, "care_of_address", &path->care_of);
	json_put_addr(obj, "anchor_address", &path->anchor);
	put_serving(obj, ctrl, path->data_plane, &path->anchor);
	put_encapsulation(obj, &path->encapsulation, number);
	json_put_str(obj, "access_technology", names_find(&codes_access, path->access));
	json_put_uint(obj, "label", path->label);
	json_put_uint(obj, "lifetime_s", (uint64_t)path->lifetime * BINDING_LIFETIME_UNIT);
	json_put_uint(obj, "remaining_s",
		path->expires_ns > loop_real_ns(ctrl->loop)
			? (path->expires_ns - loop_real_ns(ctrl->loop)) / 1000000000
			: 0);
	return obj;
}

/* Its bindings, if it may have several (RFC 8278); an empty list: it has the one. */
static json_t *paths_json(struct ctrl *ctrl, const struct session_record *now)
{
	json_t *paths = json_array();

	for (size_t i = 0; i < now->path_count; i++)
		json_array_append_new(paths, path_json(ctrl, &now->paths[i], now->number));
	return paths;
}

/* The session that an address is of in a domain, or NULL. */
static struct session *session_in(struct ctrl *ctrl, uint32_t domain, const struct in6_addr *addr)
{
	for (unsigned len = 129; len-- > 0;) {
		struct prefix6 prefix = prefix6_of(addr, (uint8_t)len);
		struct session *s = session_cache_by_prefix(lma_cache(ctrl->lma), domain, &prefix);

		if (s)
			return s;
	}
	return NULL;
}

/* In whichever domain it is; *several: in more than one. */
static struct session *session_in_any(struct ctrl *ctrl, const struct in6_addr *addr, bool *several)
{
	struct session *found = session_in(ctrl, 0, addr);

	for (size_t i = 0; i < ctrl->config->domains.count; i++) {
		const struct ctrl_config_domain *d =
			config_item(&ctrl->config->domains, struct ctrl_config_domain, i);
		struct session *s = session_in(ctrl, d->number, addr);

		*several |= s && found;
		found = s ? s : found;
	}
	return found;
}

enum { ANY_DOMAIN = -1 };

/* The number of the domain that the field domain of params names, or ANY_DOMAIN. False: params are
 * at fault, and r was answered. */
static bool read_domain(struct api_request *r, const json_t *params, int64_t *number)
{
	const char *name = NULL;
	struct json_why why;
	bool public;

	*number = ANY_DOMAIN;
	if (json_field_str(params, "domain", JSON_FIELD_OPTIONAL, 1, 64, &name, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return false;
	}
	if (!name)
		return true;
	public = strcmp(name, CTRL_CONFIG_PUBLIC) == 0;
	*number = ctrl_config_domain_number(r->ctrl->config, public ? NULL : name);
	if (*number >= 0)
		return true;
	api_error(r, "not-found", "there is no domain '%s'", name);
	return false;
}

struct session *api_session_at(
	struct api_request *r, const json_t *params, const struct in6_addr *addr, bool *answered)
{
	struct session *session;
	bool several = false;
	int64_t domain;

	*answered = !read_domain(r, params, &domain);
	if (*answered)
		return NULL;
	session = domain == ANY_DOMAIN ? session_in_any(r->ctrl, addr, &several)
				       : session_in(r->ctrl, (uint32_t)domain, addr);
	if (!several)
		return session;
	api_error(r, "invalid", "%s is of sessions of several domains: say of which",
		ADDR_TEXT(addr));
	*answered = true;
	return NULL;
}

/* Names of lists are numbers of sessions, since addresses may be of several. */
static struct in6_addr name_of(const struct session *session)
{
	struct in6_addr name = {0};

	memcpy(&name, &session->now.number, sizeof(session->now.number));
	return name;
}

static struct session *session_named(struct ctrl *ctrl, const struct in6_addr *name)
{
	uint64_t number;

	memcpy(&number, name, sizeof(number));
	return session_cache_by_number(lma_cache(ctrl->lma), number);
}

static json_t *session_item(struct ctrl *ctrl, const struct in6_addr *name)
{
	const struct session *session = session_named(ctrl, name);
	json_t *obj;

	if (!session)
		return NULL;
	obj = json_object();
	json_put_uint(obj, "session", session->now.number);
	put_record(obj, ctrl, &session->now);
	json_put_str(obj, "state", state_of(session));
	json_object_set_new(obj, "paths", paths_json(ctrl, &session->now));
	return obj;
}

/* Whether a session is one of those asked for. */
static bool is_asked(
	const struct session *s, const char *mn_id, const struct session *only, int64_t domain)
{
	char text[SESSION_MN_ID_TEXT_SIZE];

	return (!only || s == only) && (domain == ANY_DOMAIN || s->now.domain == domain) &&
	       (!mn_id || strcmp(session_mn_id_text(text, &s->now.mn_id), mn_id) == 0);
}

void api_session_show(struct api_request *r, const json_t *params)
{
	struct ctrl *ctrl = r->ctrl;
	struct session *only = NULL;
	bool answered = false;
	int64_t domain;
	struct in6_addr addr, *names;
	const char *mn_id = NULL;
	struct json_why why;
	size_t n = 0;
	int has_addr;

	if (api_refuse_without(r, r->ctrl->lma, "lma"))
		return;
	has_addr = json_field_addr(params, "address", JSON_FIELD_OPTIONAL, &addr, &why);
	if (has_addr < 0 || json_field_str(params, "mn_id", JSON_FIELD_OPTIONAL, 1,
				    2 * SESSION_MN_ID_MAX, &mn_id, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	if (has_addr)
		only = api_session_at(r, params, &addr, &answered);
	if (answered || !read_domain(r, params, &domain))
		return;
	names = calloc(session_cache_count(lma_cache(ctrl->lma)) + 1, sizeof(*names));
	if (!names) {
		api_errno(r, -ENOMEM);
		return;
	}
	for (const struct session *s = NULL; (s = session_cache_next(lma_cache(ctrl->lma), s));)
		if ((!has_addr || only) && is_asked(s, mn_id, only, domain))
			names[n++] = name_of(s);
	api_list_send(r, names, n, session_item);
}

/* The session that the field address is of, as it is into r->state. NULL: r was answered. */
static struct session *read_session(struct api_request *r, const json_t *params)
{
	struct session *session;
	struct in6_addr addr, name;
	struct json_why why;
	bool answered;

	if (api_refuse_without(r, r->ctrl->lma, "lma"))
		return NULL;
	if (json_field_addr(params, "address", JSON_FIELD_REQUIRED, &addr, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return NULL;
	}
	session = api_session_at(r, params, &addr, &answered);
	if (answered)
		return NULL;
	if (!session) {
		api_error(r, "not-found", "%s is of no session", ADDR_TEXT(&addr));
		return NULL;
	}
	name = name_of(session);
	r->state = session_item(r->ctrl, &name);
	r->release = api_release_result;
	return session;
}

/* Answers what kept a session from being changed; 0: nothing did. */
static void refuse_change(struct api_request *r, int error)
{
	if (error == -EALREADY)
		api_error(r, "unavailable", "the session is being ended");
	else if (error == -ENOENT || error == -EOPNOTSUPP)
		api_error(r, "unavailable", "there is no gateway that could be told");
	else if (error)
		api_errno(r, error);
}

void api_session_clear(struct api_request *r, const json_t *params)
{
	struct session *session = read_session(r, params);

	if (session)
		refuse_change(r, lma_clear(r->ctrl->lma, session, api_done, r));
}

static void noticed(void *context, int error, enum notice_end end, uint8_t status)
{
	struct api_request *r = context;
	json_t *result = r->state;

	if (error) {
		api_errno(r, error);
		return;
	}
	json_put_str(result, "answer", notice_end_name(end));
	json_object_set_new(result, "answer_status",
		end == NOTICE_ANSWERED ? json_integer(status) : json_null());
	api_result(r, json_incref(result));
}

void api_session_revoke(struct api_request *r, const json_t *params)
{
	struct session *session = read_session(r, params);

	if (session)
		refuse_change(r, lma_revoke(r->ctrl->lma, session, noticed, r));
}

void api_session_renew(struct api_request *r, const json_t *params)
{
	const struct session *session = read_session(r, params);

	if (session)
		refuse_change(r, lma_renew(r->ctrl->lma, session, noticed, r));
}

void api_prefix_show(struct api_request *r, const json_t *params)
{
	struct lma_pool_state state;
	size_t i;

	(void)params;
	if (api_refuse_without(r, r->ctrl->lma, "lma"))
		return;
	for (i = 0; lma_pool_state(r->ctrl->lma, i, &state); i++) {
		json_t *obj = json_object();

		json_put_str(obj, "pool", state.pool->name);
		json_put_str(obj, "domain",
			ctrl_config_domain_name(r->ctrl->config, state.pool->domain));
		json_put_str(obj, "prefix", PREFIX6_TEXT(&state.pool->range));
		json_put_uint(obj, "length", state.pool->length);
		json_put_uint(obj, "size", state.size);
		json_put_uint(obj, "used", state.used);
		json_put_uint(obj, "free", state.size - state.used);
		api_item(r, obj);
	}
	api_count(r, i);
}

/* One delegated prefix of a session. */
static json_t *delegation_json(
	struct ctrl *ctrl, const struct session *s, const struct prefix6 *prefix)
{
	const struct lma_pool *pool = lma_pool_of(ctrl->lma, s->now.domain, prefix);
	const struct lma_peer *peer = lma_peer_find(ctrl->lma, &s->now.care_of);
	char mn_id[SESSION_MN_ID_TEXT_SIZE];
	json_t *obj = json_object();

	json_put_str(obj, "prefix", PREFIX6_TEXT(prefix));
	json_put_str(obj, "domain", ctrl_config_domain_name(ctrl->config, s->now.domain));
	json_put_str(obj, "pool", pool ? pool->name : NULL);
	json_put_str(obj, "mn_id", session_mn_id_text(mn_id, &s->now.mn_id));
	json_put_uint(obj, "session", s->now.number);
	json_put_str(obj, "gateway", peer ? peer->name : NULL);
	json_put_str(obj, "state", state_of(s));
	return obj;
}

static json_t *delegation_items(struct ctrl *ctrl, const struct in6_addr *name)
{
	const struct session *s = session_named(ctrl, name);
	json_t *items = s ? json_array() : NULL;

	for (size_t i = 0; s && i < s->now.delegated_count; i++)
		json_array_append_new(items, delegation_json(ctrl, s, &s->now.delegated[i]));
	return items;
}

void api_delegation_show(struct api_request *r, const json_t *params)
{
	struct in6_addr *names;
	size_t n = 0;

	(void)params;
	if (api_refuse_without(r, r->ctrl->lma, "lma"))
		return;
	names = calloc(session_cache_count(lma_cache(r->ctrl->lma)) + 1, sizeof(*names));
	if (!names) {
		api_errno(r, -ENOMEM);
		return;
	}
	for (const struct session *s = NULL; (s = session_cache_next(lma_cache(r->ctrl->lma), s));)
		if (s->now.delegated_count)
			names[n++] = name_of(s);
	api_list_send(r, names, n, delegation_items);
}
