/* binding.show with what paths have carried */
#include "common/clock.h"
#include "ctrl/api/request.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/events.h"
#include "ctrl/loop.h"
#include "ctrl/publish/publish.h"

#include <errno.h>
#include <stdlib.h>

enum { PATHS_MAX = SUBSCRIBER_HOME_MAX * BINDING_MAX };

static_assert((int)SUBSCRIBER_HOME_MAX <= (int)UPDATE_ASKED_MAX, "one question is enough");

/* What all data planes say of one path. */
struct carried {
	uint64_t path_id;
	uint64_t values[UPDATE_PATH_VALUES];
};

struct traffic {
	struct in6_addr *names;
	size_t name_count, path_count;
	struct carried paths[PATHS_MAX];
};

static void traffic_free(void *state)
{
	struct traffic *t = state;

	free(t->names);
	free(t);
}

static struct carried *carried_of(struct traffic *t, uint64_t path_id)
{
	for (size_t i = 0; i < t->path_count; i++)
		if (t->paths[i].path_id == path_id)
			return &t->paths[i];
	return NULL;
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The one whose node is served by several data planes is the sum of what these say. */
static void take_record(void *arg, unsigned dp, const struct update_stat *stat)
{
	struct api_request *r = arg;
	struct traffic *t = r->state;
	uint64_t id = strtoull(stat->name, NULL, 10);
	struct carried *at = carried_of(t, id);

	(void)dp;
	if (stat->group != UPDATE_STAT_PATH || (!at && t->path_count == PATHS_MAX))
		return;
	if (!at) {
		at = &t->paths[t->path_count++];
		*at = (struct carried){.path_id = id};
		at->values[UPDATE_PATH_IN_MS] = at->values[UPDATE_PATH_OUT_MS] = UINT64_MAX;
	}
	for (unsigned i = UPDATE_PATH_IN_PACKETS; i <= UPDATE_PATH_OUT_OCTETS; i++)
		at->values[i] += stat->values[i];
	for (unsigned i = UPDATE_PATH_IN_MS; i <= UPDATE_PATH_OUT_MS; i++)
		at->values[i] = sooner(at->values[i], stat->values[i]);
	at->values[UPDATE_PATH_PREFERRED] |= stat->values[UPDATE_PATH_PREFERRED];
}

static void take_done(void *arg, unsigned dp, bool answered)
{
	(void)arg;
	(void)dp;
	(void)answered;
}

static void put_when(json_t *obj, const char *key, uint64_t real_ns, uint64_t ms)
{
	char text[EVENTS_TIME_SIZE];

	json_put_str(obj, key,
		ms == UINT64_MAX ? NULL : events_time(text, real_ns - ms * CLOCK_NS_PER_MS));
}

static json_t *carried_json(const struct carried *at, uint64_t real_ns)
{
	json_t *obj = json_object();

	if (!at)
		return json_null();
	json_put_uint(obj, "in_packets", at->values[UPDATE_PATH_IN_PACKETS]);
	json_put_uint(obj, "in_octets", at->values[UPDATE_PATH_IN_OCTETS]);
	json_put_uint(obj, "out_packets", at->values[UPDATE_PATH_OUT_PACKETS]);
	json_put_uint(obj, "out_octets", at->values[UPDATE_PATH_OUT_OCTETS]);
	put_when(obj, "last_in", real_ns, at->values[UPDATE_PATH_IN_MS]);
	put_when(obj, "last_out", real_ns, at->values[UPDATE_PATH_OUT_MS]);
	json_put_bool(obj, "preferred", at->values[UPDATE_PATH_PREFERRED]);
	return obj;
}

static bool is_up(const struct ctrl *ctrl, const struct binding_record *record)
{
	struct publish_session_info info;
	int dp = api_serving_binding(ctrl, record);

	if (dp < 0)
		return false;
	publish_session_info(ctrl->publish, (unsigned)dp, &info);
	return info.state != PUBLISH_DOWN;
}

static json_t *item_of(
	struct api_request *r, const struct binding *b, const struct binding_record *record)
{
	json_t *item = api_binding_json(r->ctrl, b, record);
	bool live = record->life == BINDING_LIVE;
	bool up = live && is_up(r->ctrl, record);

	json_put_str(item, "path", up ? "up" : live ? "down" : NULL);
	json_object_set_new(item, "traffic",
		carried_json(live ? carried_of(r->state, record->path_id) : NULL,
			loop_real_ns(r->ctrl->loop)));
	return item;
}

/* As many as a client's queue takes in any case. */
static void take_end(void *arg)
{
	struct api_request *r = arg;
	struct traffic *t = r->state;
	size_t sent = 0;

	for (size_t n = 0; n < t->name_count; n++) {
		const struct binding *b =
			binding_cache_find(signalling_cache(r->ctrl->signalling), &t->names[n]);

		if (!b || !api_binding_shown(b))
			continue;
		for (unsigned i = 0; i < binding_count(b); i++, sent++)
			api_item(r, item_of(r, b, binding_record_at(b, i)));
	}
	api_count(r, sent);
}

void api_traffic_show(struct api_request *r, struct in6_addr *names, size_t count)
{
	const struct publish_stats_fns fns = {
		.arg = r, .record = take_record, .done = take_done, .end = take_end};
	struct traffic *t = calloc(1, sizeof(*t));
	uint64_t ids[SUBSCRIBER_HOME_MAX];
	unsigned asked = 0;

	if (!t) {
		free(names);
		api_errno(r, -ENOMEM);
		return;
	}
	t->names = names;
	t->name_count = count;
	r->state = t;
	r->release = traffic_free;
	for (size_t n = 0; n < count && asked < SUBSCRIBER_HOME_MAX; n++) {
		const struct binding *b =
			binding_cache_find(signalling_cache(r->ctrl->signalling), &names[n]);

		if (b && binding_is_live(b))
			ids[asked++] = b->now.subscriber_id;
	}
	if (!asked)
		take_end(r);
	else if (publish_stats_of(r->ctrl->publish, ids, asked, &fns) < 0)
		api_errno(r, -ENOMEM);
}
