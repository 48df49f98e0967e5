/* flow.show, flow.explain */
#include "ctrl/binding/flow.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/publish/publish.h"

#include <stdio.h>
#include <string.h>

enum { RANGE_TEXT = 2 * INET6_ADDRSTRLEN };

/* The values of a field that a rule compares: "5000", "5000-5010", "2001:db8::-2001:db8::ff". */
static const char *range_text(
	const struct rule_selector *s, enum rule_field field, char text[static RANGE_TEXT])
{
	const struct rule_range *range = &s->numbers[field];

	if ((int)field < RULE_ADDRESS_FIELDS) {
		const struct rule_addresses *a = &s->addresses[field];
		bool one = addr_equal(&a->first, &a->last);

		snprintf(text, RANGE_TEXT, "%s%s%s", ADDR_TEXT(&a->first), one ? "" : "-",
			one ? "" : ADDR_TEXT(&a->last));
	} else if (range->first == range->last) {
		snprintf(text, RANGE_TEXT, "%u", range->first);
	} else {
		snprintf(text, RANGE_TEXT, "%u-%u", range->first, range->last);
	}
	return text;
}

static json_t *selector_json(const struct rule_selector *s)
{
	json_t *obj = json_object();
	char text[RANGE_TEXT];

	json_put_uint(obj, "version", s->version);
	for (unsigned f = 0; f < RULE_FIELDS; f++)
		if (s->fields >> f & 1)
			json_put_str(obj, rule_field_name(f), range_text(s, f, text));
	return obj;
}

static json_t *bids_json(const struct flow_binding *flow)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < flow->bid_count; i++)
		json_array_append_new(list, json_integer(flow->bids[i]));
	return list;
}

static json_t *flow_json(
	const struct flow_binding *flow, const struct binding_list *bindings, const char *mn_id)
{
	json_t *obj = json_object();
	struct object_rule rule;

	publish_compile_rule(flow, bindings, &rule);
	json_put_str(obj, "mn_id", mn_id);
	json_put_addr(obj, "home_address", &bindings->records[0].home);
	json_put_uint(obj, "fid", flow->fid);
	json_put_uint(obj, "priority", flow->priority);
	json_object_set_new(obj, "bids", bids_json(flow));
	json_put_bool(obj, "active", rule.path_count > 0);
	json_object_set_new(obj, "selector", selector_json(&rule.selector));
	return obj;
}

static const struct binding *find(struct ctrl *ctrl, const struct in6_addr *home)
{
	return binding_cache_find(signalling_cache(ctrl->signalling), home);
}

/* The bindings that packets can take. */
static struct binding_list usable(const struct ctrl *ctrl, const struct binding *b,
	struct binding_record room[static BINDING_MAX])
{
	struct binding_list list = binding_list(&b->now, b->more, room);
	uint8_t count = 0;

	for (unsigned i = 0; list.count > 1 && i < list.count; i++)
		if (!publish_cut_off(ctrl->config, &room[i]))
			room[count++] = room[i];
	list.count = count ? count : list.count;
	return list;
}

/* The flows of a home address; NULL: it has none. */
static json_t *show_item(struct ctrl *ctrl, const struct in6_addr *home)
{
	const struct subscriber *s = subscriber_db_find_home(ctrl->subscribers, home, NULL);
	const struct binding *b = find(ctrl, home);
	json_t *items = b && b->flows ? json_array() : NULL;
	struct binding_record room[BINDING_MAX];
	struct binding_list bindings;

	if (!items)
		return NULL;
	bindings = usable(ctrl, b, room);
	for (unsigned i = 0; i < b->flows->count; i++)
		json_array_append_new(
			items, flow_json(&b->flows->at[i], &bindings, s ? s->mn_id : NULL));
	return items;
}

void api_flow_show(struct api_request *r, const json_t *params)
{
	struct in6_addr *names;
	size_t count;

	if (api_binding_asked(r, params, &names, &count) == 0)
		api_list_send(r, names, count, show_item);
}

/* A packet in the parameters: an address or a number each, those that are there. */
static int read_packet(const json_t *params, struct rule_packet *p, struct json_why *why)
{
	*p = (struct rule_packet){.version = 6};
	for (unsigned f = 0; f < RULE_FIELDS; f++) {
		char key[32];
		uint64_t value = 0;
		int rc;

		snprintf(key, sizeof(key), "%s", rule_field_name(f));
		for (char *c = key; *c; c++)
			*c = *c == '-' ? '_' : *c;
		if (f < RULE_ADDRESS_FIELDS)
			rc = json_field_addr(
				params, key, JSON_FIELD_REQUIRED, &p->addresses[f], why);
		else
			rc = json_field_uint(params, key,
				f == RULE_PROTOCOL ? JSON_FIELD_REQUIRED : JSON_FIELD_OPTIONAL, 0,
				f == RULE_CLASS ? UINT8_MAX : rule_field_max(f), &value, why);
		if (rc < 0)
			return rc;
		p->numbers[f] = (uint32_t)value;
		if (rc > 0)
			p->has |= (uint8_t)(1u << f);
	}
	/* Every packet has them. */
	p->has |= 1 << RULE_CLASS | 1 << RULE_FLOW_LABEL;
	return 0;
}

/* Why a rule is not for a packet. */
static const char *why_not(
	const struct object_rule *rule, const struct rule_packet *p, char *text, size_t size)
{
	const struct rule_selector *s = &rule->selector;
	char range[RANGE_TEXT], value[INET6_ADDRSTRLEN];

	if (rule->path_count == 0)
		return "none of its BIDs is bound: inactive";
	if (s->version != p->version && s->version != RULE_VERSION_ANY)
		return "it is for IPv4";
	for (unsigned f = 0; f < RULE_FIELDS; f++) {
		struct rule_selector one = {.fields = s->fields & (uint8_t)(1u << f)};

		if (!one.fields)
			continue;
		one.numbers[f] = s->numbers[f];
		if (f < RULE_ADDRESS_FIELDS)
			one.addresses[f] = s->addresses[f];
		if (rule_matches(&one, p))
			continue;
		if (f < RULE_ADDRESS_FIELDS)
			addr_format(value, &p->addresses[f]);
		else if (p->has >> f & 1)
			snprintf(value, sizeof(value), "%u", p->numbers[f]);
		else
			snprintf(value, sizeof(value), "(none)");
		snprintf(text, size, "%s %s is not %s", rule_field_name(f), value,
			range_text(s, f, range));
		return text;
	}
	return NULL;
}

static json_t *path_json(struct ctrl *ctrl, const struct binding_record *record)
{
	int serving = api_serving_binding(ctrl, record);
	json_t *obj = json_object();

	if (record->bid)
		json_put_uint(obj, "bid", record->bid);
	else
		json_object_set_new(obj, "bid", json_null());
	json_put_addr(obj, "care_of_address", &record->care_of);
	json_put_uint(obj, "path_id", record->path_id);
	json_put_str(obj, "data_plane",
		serving >= 0 ? ctrl_config_data_plane_name(ctrl->config, (unsigned)serving) : NULL);
	return obj;
}

/* The binding that is preferred to all others (RFC 6089, 5.1.1). */
static const struct binding_record *preferred(const struct binding_list *bindings)
{
	const struct binding_record *best = &bindings->records[0];

	for (unsigned i = 1; i < bindings->count; i++)
		if (publish_prefers(&bindings->records[i], best))
			best = &bindings->records[i];
	return best;
}

/* Without any preference data planes go by where the node was heard last (RFC 5648, 3), which they
 * alone know. */
static const char *why_preferred(const struct binding_list *bindings)
{
	if (bindings->count > 1 && !preferred(bindings)->priority)
		return "no flow is for it, and no binding is preferred: the newest, until the node "
		       "is heard by another";
	return "no flow is for it: the preferred binding";
}

/* Looks at the flows in their order until one is for the packet; NULL: none is. */
static const struct flow_binding *consider(const struct binding *b,
	const struct binding_list *bindings, const struct rule_packet *p, struct object_rule *rule,
	json_t *considered)
{
	for (unsigned i = 0; b->flows && i < b->flows->count; i++) {
		const struct flow_binding *flow = &b->flows->at[i];
		const char *why;
		char text[256];

		publish_compile_rule(flow, bindings, rule);
		why = why_not(rule, p, text, sizeof(text));
		json_array_append_new(considered,
			json_pack("{s:i,s:i,s:b,s:s}", "fid", flow->fid, "priority", flow->priority,
				"matches", !why, "why", why ? why : "all that it compares is so"));
		if (!why)
			return flow;
	}
	return NULL;
}

static json_t *explain(struct ctrl *ctrl, const struct binding *b, const struct rule_packet *p)
{
	struct binding_record room[BINDING_MAX];
	struct binding_list bindings = usable(ctrl, b, room);
	json_t *obj = json_object(), *considered = json_array(), *paths = json_array();
	struct object_rule rule;
	const struct flow_binding *flow = consider(b, &bindings, p, &rule, considered);

	for (unsigned i = 0; flow && i < rule.path_count; i++)
		for (unsigned k = 0; k < bindings.count; k++)
			if (bindings.records[k].path_id == rule.paths[i])
				json_array_append_new(paths, path_json(ctrl, &bindings.records[k]));
	if (!flow)
		json_array_append_new(paths, path_json(ctrl, preferred(&bindings)));
	json_put_addr(obj, "home_address", &b->now.home);
	if (flow)
		json_put_uint(obj, "fid", flow->fid);
	else
		json_object_set_new(obj, "fid", json_null());
	json_put_str(obj, "why",
		!flow                 ? why_preferred(&bindings)
		: rule.path_count > 1 ? "the first flow that is for it: a copy to each binding"
				      : "the first flow that is for it");
	json_object_set_new(obj, "paths", paths);
	json_object_set_new(obj, "considered", considered);
	return obj;
}

void api_flow_explain(struct api_request *r, const json_t *params)
{
	const struct in6_addr *home;
	const struct subscriber *s, *owner;
	const struct binding *b;
	const char *mn_id = NULL;
	struct rule_packet packet;
	struct json_why why;

	if (json_field_str(params, "mn_id", JSON_FIELD_REQUIRED, 1, SUBSCRIBER_MN_ID_MAX, &mn_id,
		    &why) < 0 ||
		read_packet(params, &packet, &why) < 0) {
		api_error(r, "invalid", "%s", why.text);
		return;
	}
	home = &packet.addresses[RULE_DESTINATION];
	s = subscriber_db_find(r->ctrl->subscribers, mn_id, strlen(mn_id));
	owner = subscriber_db_find_home(r->ctrl->subscribers, home, NULL);
	b = find(r->ctrl, home);
	if (!s)
		api_error(r, "not-found", "there is no subscriber %s", mn_id);
	else if (owner != s)
		api_error(r, "not-found", "%s is no home address of %s", ADDR_TEXT(home), mn_id);
	else if (!b || !binding_is_live(b))
		api_error(r, "not-found", "%s has no binding", ADDR_TEXT(home));
	else
		api_result(r, explain(r->ctrl, b, &packet));
}
