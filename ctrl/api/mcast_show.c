/* mcast.show: what data planes copy by, and what they have counted of it */
#include "common/clock.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/config.h"
#include "ctrl/loop.h"
#include "ctrl/multicast.h"
#include "ctrl/multicast_failures.h"
#include "ctrl/publish/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	COUNTED_MAX = 2048, /* items with counters; more are sent without */
	SPAN_MS = 1000,     /* between the two times that rates are made of */
};

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

/* The names of data planes. */
static json_t *names_of(const struct ctrl *ctrl, uint64_t data_planes)
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
	json_object_set_new(obj, "not_installed", names_of(listing->ctrl, at));
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

/* ---- what data planes have counted -------------------------------------------------------- */

/* Of an item, at one time. */
struct counted {
	uint64_t data_planes; /* bit: one that has it */
	uint64_t values[UPDATE_COUNT_VALUES];
};

/* Items that wait for what data planes have counted of them, and their ids. */
struct showing {
	struct api_request *request;
	json_t *items;
	bool rates, again; /* asked for rates: twice; this is the second time */
	uint64_t since_ns; /* when it was asked the first time */
	struct wheel_timer timer;
	size_t next; /* answers come in the order of the question */
	uint64_t ids[COUNTED_MAX];
	struct counted now[COUNTED_MAX], before[COUNTED_MAX];
};

static void showing_release(void *state)
{
	struct showing *showing = state;

	loop_cancel(showing->request->ctrl->loop, &showing->timer);
	json_decref(showing->items);
	free(showing);
}

static void take_count(void *arg, unsigned dp, const struct update_count *count)
{
	struct showing *showing = ((struct api_request *)arg)->state;
	const size_t size = json_array_size(showing->items);
	struct counted *at;
	size_t tried = 0;

	while (tried++ < size && showing->ids[showing->next % size] != count->id)
		showing->next++;
	if (!size || showing->ids[showing->next % size] != count->id)
		return;
	at = &showing->now[showing->next % size];
	at->data_planes |= 1ull << dp;
	for (unsigned i = 0; i < UPDATE_COUNT_VALUES; i++)
		at->values[i] += count->values[i];
}

static void put_counts(json_t *item, const struct counted *now)
{
	static const char *const names[UPDATE_COUNT_VALUES] = {[UPDATE_COUNT_PACKETS] = "packets",
		[UPDATE_COUNT_OCTETS] = "octets",
		[UPDATE_COUNT_COPIES] = "copies",
		[UPDATE_COUNT_COPIES_MISSED] = "missed",
		[UPDATE_COUNT_LIMITED] = "limited"};

	for (unsigned i = 0; now->data_planes && i < UPDATE_COUNT_VALUES; i++)
		json_put_uint(item, names[i], now->values[i]);
}

/* Null, if a data plane has come, gone or begun anew in between. */
static void put_rates(
	json_t *item, const struct counted *before, const struct counted *now, uint64_t ns)
{
	static const struct {
		const char *name;
		enum update_count_of_group value;
	} rates[] = {{"packets_per_second", UPDATE_COUNT_PACKETS},
		{"octets_per_second", UPDATE_COUNT_OCTETS},
		{"copies_per_second", UPDATE_COUNT_COPIES}};
	const bool known = now->data_planes && now->data_planes == before->data_planes && ns;

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		const uint64_t from = before->values[rates[i].value];
		const uint64_t to = now->values[rates[i].value];
		const double rose = (double)(to - from) * CLOCK_NS_PER_S;

		json_object_set_new(item, rates[i].name,
			known && to >= from ? json_real(rose / (double)ns) : json_null());
	}
}

static void count_done(void *arg, unsigned dp, bool answered)
{
	(void)arg;
	(void)dp;
	(void)answered;
}

static void send_counted(struct api_request *r)
{
	struct showing *showing = r->state;
	const uint64_t ns = loop_now_ns(r->ctrl->loop) - showing->since_ns;
	json_t *item;
	size_t i;

	json_array_foreach(showing->items, i, item)
	{
		put_counts(item, &showing->now[i]);
		if (showing->rates)
			put_rates(item, &showing->before[i], &showing->now[i], ns);
		api_item(r, json_incref(item));
	}
	api_count(r, json_array_size(showing->items));
}

static void count_end(void *arg)
{
	struct api_request *r = arg;
	struct showing *showing = r->state;

	if (!showing->rates || showing->again) {
		send_counted(r);
		return;
	}
	showing->since_ns = loop_now_ns(r->ctrl->loop);
	loop_arm_ms(r->ctrl->loop, &showing->timer, SPAN_MS);
}

static void ask(struct api_request *r)
{
	const struct publish_counted_fns fns = {
		.arg = r, .record = take_count, .done = count_done, .end = count_end};
	struct showing *showing = r->state;

	if (publish_counted(r->ctrl->publish, OBJECT_GROUP, showing->ids,
		    json_array_size(showing->items), &fns) < 0)
		api_errno(r, -ENOMEM);
}

static void ask_again(struct wheel_timer *timer, void *context)
{
	struct showing *showing = wheel_entry(timer, struct showing, timer);

	(void)context;
	memcpy(showing->before, showing->now, sizeof(showing->now));
	memset(showing->now, 0, sizeof(showing->now));
	showing->again = true;
	showing->next = 0;
	ask(showing->request);
}

/* The items of these groups with their counters, or NULL: there are none, or too many. */
static struct showing *gather(
	struct api_request *r, const struct in6_addr *groups, size_t count, bool with_members)
{
	const struct membership *members = multicast_members(r->ctrl->multicast);
	struct showing *showing = calloc(1, sizeof(*showing));
	bool fits = showing != NULL;

	if (showing) {
		showing->request = r;
		showing->items = json_array();
		wheel_timer_init(&showing->timer, ask_again);
	}
	for (size_t n = 0; fits && n < count; n++) {
		struct in6_addr *sources, of;
		int found = membership_sources(members, &groups[n], &sources);

		for (int i = 0; fits && i < found; i++) {
			const size_t at = json_array_size(showing->items);

			fits = at < COUNTED_MAX;
			if (!fits)
				continue;
			showing->ids[at] = membership_object(members, &groups[n], &sources[i], &of);
			json_array_append_new(
				showing->items, api_mcast_object_json(r->ctrl, &groups[n],
							&sources[i], with_members));
		}
		if (found >= 0)
			free(sources);
	}
	if (showing && (!fits || !json_array_size(showing->items))) {
		showing_release(showing);
		showing = NULL;
	}
	return showing;
}

/* Answers with counters; false: without them there is a list to be sent piece by piece. */
static bool show_counted(struct api_request *r, const struct in6_addr *groups, size_t count,
	bool with_members, bool rates)
{
	struct showing *showing = gather(r, groups, count, with_members);

	if (!showing)
		return false;
	showing->rates = rates;
	r->state = showing;
	r->release = showing_release;
	ask(r);
	return true;
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
	else if (show_counted(r, names, (size_t)count, one, rates))
		free(names);
	else
		api_list_send(r, names, (size_t)count, show_item);
}
