/* trace */
#include "common/clock.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/attachment.h"
#include "ctrl/binding/session_cache.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/mag/mag.h"
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

static json_t *item_of(const struct api *api, const struct tracer_item *t)
{
	json_t *item = json_object();
	char time[EVENTS_TIME_SIZE];

	json_put_str(item, "time", events_time(time, loop_real_ns(api->ctrl->loop)));
	json_put_str(item, "kind", tracer_kind_name(t->kind));
	json_put_str(item, "what", t->what);
	json_put_str(item, "outcome", t->outcome);
	json_put_str(item, "data_plane", t->data_plane);
	json_put_addr(item, "home_address", t->home);
	json_put_addr(item, "care_of_address", t->care_of);
	json_object_set_new(item, "packet", t->octets ? digits_of(t->octets, t->len) : json_null());
	return item;
}

void api_traced(void *arg, const struct tracer_item *t)
{
	const struct api *api = arg;
	struct api_request *next;
	json_t *item = NULL;

	for (struct api_request *r = api->requests; r; r = next) {
		next = r->next;
		if (!r->traces || strcmp(r->state, t->mn_id) != 0)
			continue;
		if (!item)
			item = item_of(api, t);
		if (item)
			api_live(r, json_incref(item));
	}
	json_decref(item);
}

/* Adds the prefixes of a node: its home addresses, what an anchor assigned or delegated to it, and
 * what one did that it is attached for. */
static void add_prefix(struct trace_wanted *wanted, const struct prefix6 *prefix)
{
	for (unsigned i = 0; i < wanted->count; i++)
		if (prefix6_compare(&wanted->prefixes[i], prefix) == 0)
			return;
	if (wanted->count < TRACE_PREFIXES_MAX)
		wanted->prefixes[wanted->count++] = *prefix;
}

static void add_list(struct trace_wanted *wanted, const struct prefix6 *prefixes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		add_prefix(wanted, &prefixes[i]);
}

static void add_assigned(struct ctrl *ctrl, const char *mn_id, struct trace_wanted *wanted)
{
	struct session_cache *cache = ctrl->lma ? lma_cache(ctrl->lma) : NULL;
	const struct mag_attachment *a = NULL;
	char text[SESSION_MN_ID_TEXT_SIZE];
	struct session *s = NULL;

	while (cache && (s = session_cache_next(cache, s))) {
		if (strcmp(session_mn_id_text(text, &s->now.mn_id), mn_id) != 0)
			continue;
		add_list(wanted, s->now.prefixes, s->now.prefix_count);
		add_list(wanted, s->now.delegated, s->now.delegated_count);
	}
	while (ctrl->mag && (a = mag_next(ctrl->mag, a))) {
		if (strcmp(session_mn_id_text(text, &a->now.mn_id), mn_id) != 0)
			continue;
		add_list(wanted, a->now.prefixes, a->now.prefix_count);
		add_list(wanted, a->now.delegated, a->now.delegated_count);
	}
}

static void add_prefixes(const struct api_request *r, struct trace_wanted *wanted)
{
	const char *mn_id = r->state;
	const struct subscriber *sub =
		subscriber_db_find(r->ctrl->subscribers, mn_id, strlen(mn_id));

	for (unsigned i = 0; sub && i < sub->home_count; i++)
		add_prefix(wanted, &(struct prefix6){.addr = sub->home[i].addr, .len = 128});
	add_assigned(r->ctrl, mn_id, wanted);
}

static bool is_wanted(const struct api_request *r, const struct prefix6 *prefix)
{
	struct trace_wanted wanted = {0};

	add_prefixes(r, &wanted);
	for (unsigned i = 0; i < wanted.count; i++)
		if (prefix6_compare(&wanted.prefixes[i], prefix) == 0)
			return true;
	return false;
}

void api_trace_wanted(void *arg, struct trace_wanted *wanted)
{
	const struct api *api = arg;

	for (const struct api_request *r = api->requests; r; r = r->next)
		if (r->traces)
			add_prefixes(r, wanted);
}

static json_t *packet_item_of(const struct api *api, unsigned dp, const struct trace_packet *p)
{
	json_t *item = json_object();
	char time[EVENTS_TIME_SIZE];
	const bool sent = p->how == TRACE_SENT;

	json_put_str(item, "time", events_time(time, p->real_ns));
	json_put_str(item, "kind", "packet");
	json_put_str(item, "what", trace_how_name(p->how));
	json_put_str(item, "outcome", p->how == TRACE_DROPPED ? p->reason : NULL);
	json_put_str(item, "data_plane", ctrl_config_data_plane_name(api->ctrl->config, dp));
	json_put_addr(item, "home_address", &p->prefix.addr);
	json_put_str(item, "from", p->from[0] ? p->from : NULL);
	json_put_str(item, "by", sent ? p->by : NULL);
	json_put_str(item, "to", sent ? ADDR_TEXT(&p->to) : NULL);
	json_put_uint(item, "octets", p->length);
	json_put_uint(item, "missed", p->missed);
	json_object_set_new(item, "packet", digits_of(p->octets, p->captured));
	return item;
}

void api_traced_packet(void *arg, unsigned dp, const struct trace_packet *packet)
{
	struct api *api = arg;
	struct api_request *next;
	json_t *item = NULL;

	for (struct api_request *r = api->requests; r; r = next) {
		next = r->next;
		if (!r->traces || !is_wanted(r, &packet->prefix))
			continue;
		if (!item)
			item = packet_item_of(api, dp, packet);
		if (item)
			api_live(r, json_incref(item));
	}
	json_decref(item);
}

/* As long as a request traces. */
static void follow_traces(struct api *api)
{
	bool any = false;

	for (const struct api_request *r = api->requests; r && !any; r = r->next)
		any = r->traces;
	const struct tracer tracer = {.fn = any ? api_traced : NULL, .context = api};

	signalling_set_tracer(api->ctrl->signalling, tracer);
	if (api->ctrl->lma)
		lma_set_tracer(api->ctrl->lma, tracer);
	if (api->ctrl->mag)
		mag_set_tracer(api->ctrl->mag, tracer);
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
	/* Nodes of proxies are known when they come; one that does not may be what is looked for.
	 */
	if (!r->ctrl->lma && !r->ctrl->mag &&
		!subscriber_db_find(r->ctrl->subscribers, mn_id, strlen(mn_id))) {
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
	r->left = follow_traces;
	follow_traces(r->api);
}
