/*
 * mcast.show: what data planes have counted of groups and of their members.
 *
 * One question to all data planes for the groups, a second one a second later if rates are asked
 * for, then one for each UPDATE_COUNT_IDS_MAX members.
 */
#include "common/clock.h"
#include "ctrl/api/request.h"
#include "ctrl/loop.h"
#include "ctrl/multicast.h"
#include "ctrl/publish/publish.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	COUNTED_MAX = 2048, /* items with counters; more are sent without */
	SPAN_MS = 1000,     /* between the two times that rates are made of */
};

/* Of an item, at one time. */
struct counted {
	uint64_t data_planes;                      /* bit: one that has it */
	uint64_t upstream[UPDATE_UPSTREAM_STATES]; /* bit: one for which it is in this state */
	uint64_t values[UPDATE_COUNT_VALUES];
};

/* Of a member of an item, which the items own. */
struct counted_member {
	json_t *listener;
	uint64_t data_planes;
	uint64_t packets, octets;
};

/* Items that wait for what data planes have counted of them, and their ids; then their members. */
struct showing {
	struct api_request *request;
	json_t *items;
	bool rates, again; /* asked for rates: twice; this is the second time */
	uint64_t since_ns; /* when it was asked the first time */
	uint64_t span_ns;  /* between the first and the second time */
	struct wheel_timer timer;
	size_t next; /* answers come in the order of the question */
	uint64_t ids[COUNTED_MAX];
	struct counted now[COUNTED_MAX], before[COUNTED_MAX];
	size_t member_count, member_room;
	size_t asked, asking; /* members before those that are asked for, and how many these are */
	uint64_t *member_ids;
	struct counted_member *members;
};

static void release(void *state)
{
	struct showing *showing = state;

	loop_cancel(showing->request->ctrl->loop, &showing->timer);
	json_decref(showing->items);
	free(showing->member_ids);
	free(showing->members);
	free(showing);
}

/* Place of an id among those of a question, from *next on; -1: it is none of them. */
static ssize_t place_of(const uint64_t ids[], size_t count, uint64_t id, size_t *next)
{
	for (size_t tried = 0; tried < count; tried++, ++*next)
		if (ids[*next % count] == id)
			return (ssize_t)(*next % count);
	return -1;
}

static void count_done(void *arg, unsigned dp, bool answered)
{
	(void)arg;
	(void)dp;
	(void)answered;
}

/* ---- members ------------------------------------------------------------------------------ */

static bool member_room(struct showing *showing)
{
	const size_t room = showing->member_room ? 2 * showing->member_room : 64;
	struct counted_member *members;
	uint64_t *ids;

	if (showing->member_count < showing->member_room)
		return true;
	ids = reallocarray(showing->member_ids, room, sizeof(*ids));
	if (!ids)
		return false;
	showing->member_ids = ids;
	members = reallocarray(showing->members, room, sizeof(*members));
	if (!members)
		return false;
	showing->members = members;
	showing->member_room = room;
	return true;
}

/* The members of an item, as they are walked over. */
struct walk {
	struct showing *showing;
	const struct membership_stream *stream;
	const json_t *listeners;
	size_t at; /* in the list, which has the same order */
};

static int add_member(void *arg, const struct membership_listener *listener)
{
	struct walk *walk = arg;
	struct showing *showing = walk->showing;
	const struct membership *members = multicast_members(showing->request->ctrl->multicast);

	if (!member_room(showing))
		return -ENOMEM;
	showing->member_ids[showing->member_count] =
		membership_listener_id(members, walk->stream, listener);
	showing->members[showing->member_count++] =
		(struct counted_member){.listener = json_array_get(walk->listeners, walk->at++)};
	return 0;
}

static void take_member(void *arg, unsigned dp, const struct update_count *count)
{
	struct showing *showing = ((struct api_request *)arg)->state;
	const ssize_t place = place_of(
		showing->member_ids + showing->asked, showing->asking, count->id, &showing->next);
	struct counted_member *at;

	if (place < 0)
		return;
	at = &showing->members[showing->asked + (size_t)place];
	at->data_planes |= 1ull << dp;
	at->packets += count->values[UPDATE_COUNT_PACKETS];
	at->octets += count->values[UPDATE_COUNT_OCTETS];
}

static void put_members(const struct showing *showing)
{
	for (size_t i = 0; i < showing->member_count; i++) {
		const struct counted_member *at = &showing->members[i];

		if (!at->data_planes)
			continue;
		json_put_uint(at->listener, "packets", at->packets);
		json_put_uint(at->listener, "octets", at->octets);
	}
}

/* ---- items -------------------------------------------------------------------------------- */

static void take_count(void *arg, unsigned dp, const struct update_count *count)
{
	struct showing *showing = ((struct api_request *)arg)->state;
	const ssize_t place =
		place_of(showing->ids, json_array_size(showing->items), count->id, &showing->next);
	const uint64_t upstream = count->values[UPDATE_COUNT_UPSTREAM];
	struct counted *at;

	if (place < 0)
		return;
	at = &showing->now[place];
	at->data_planes |= 1ull << dp;
	for (unsigned i = 0; i < UPDATE_COUNT_VALUES; i++)
		at->values[i] += count->values[i];
	if (upstream < UPDATE_UPSTREAM_STATES)
		at->upstream[upstream] |= 1ull << dp;
}

static void put_counts(const struct ctrl *ctrl, json_t *item, const struct counted *now)
{
	static const struct {
		const char *name;
		enum update_count_of_group value;
	} counts[] = {{"packets", UPDATE_COUNT_PACKETS}, {"octets", UPDATE_COUNT_OCTETS},
		{"copies", UPDATE_COUNT_COPIES}, {"missed", UPDATE_COUNT_COPIES_MISSED},
		{"limited", UPDATE_COUNT_LIMITED}};

	if (!now->data_planes)
		return;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		json_put_uint(item, counts[i].name, now->values[counts[i].value]);
	json_object_set_new(item, "upstream_joined",
		api_mcast_names(ctrl, now->upstream[UPDATE_UPSTREAM_JOINED]));
	json_object_set_new(item, "upstream_refused",
		api_mcast_names(ctrl, now->upstream[UPDATE_UPSTREAM_REFUSED]));
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

static void send_counted(struct api_request *r)
{
	struct showing *showing = r->state;
	json_t *item;
	size_t i;

	put_members(showing);
	json_array_foreach(showing->items, i, item)
	{
		put_counts(r->ctrl, item, &showing->now[i]);
		if (showing->rates)
			put_rates(item, &showing->before[i], &showing->now[i], showing->span_ns);
		api_item(r, json_incref(item));
	}
	api_count(r, json_array_size(showing->items));
}

/* ---- questions ---------------------------------------------------------------------------- */

static void members_end(void *arg);

/* The next members, or the answer. */
static void ask_members(struct api_request *r)
{
	const struct publish_counted_fns fns = {
		.arg = r, .record = take_member, .done = count_done, .end = members_end};
	struct showing *showing = r->state;
	const size_t left = showing->member_count - showing->asked;

	if (!left) {
		send_counted(r);
		return;
	}
	showing->asking = left < UPDATE_COUNT_IDS_MAX ? left : UPDATE_COUNT_IDS_MAX;
	showing->next = 0;
	if (publish_counted(r->ctrl->publish, OBJECT_MEMBER, showing->member_ids + showing->asked,
		    showing->asking, &fns) < 0)
		api_errno(r, -ENOMEM);
}

static void members_end(void *arg)
{
	struct showing *showing = ((struct api_request *)arg)->state;

	showing->asked += showing->asking;
	ask_members(arg);
}

static void count_end(void *arg)
{
	struct api_request *r = arg;
	struct showing *showing = r->state;
	const uint64_t now_ns = loop_now_ns(r->ctrl->loop);

	if (showing->rates && !showing->again) {
		showing->since_ns = now_ns;
		loop_arm_ms(r->ctrl->loop, &showing->timer, SPAN_MS);
		return;
	}
	showing->span_ns = now_ns - showing->since_ns;
	ask_members(r);
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

/* Adds the item of a stream, and its members. False: no memory. */
static bool add_item(
	struct showing *showing, const struct membership_stream *stream, bool with_members)
{
	struct ctrl *ctrl = showing->request->ctrl;
	const struct membership *members = multicast_members(ctrl->multicast);
	json_t *item = api_mcast_object_json(ctrl, stream, with_members);
	struct walk walk = {.showing = showing,
		.stream = stream,
		.listeners = json_object_get(item, "listeners")};
	struct in6_addr of;

	showing->ids[json_array_size(showing->items)] = membership_object(members, stream, &of);
	json_array_append_new(showing->items, item);
	return !with_members || membership_each_of(members, stream, add_member, &walk) == 0;
}

/* The items of these groups, or NULL: there are none, or too many. */
static struct showing *gather(
	struct api_request *r, const struct in6_addr *groups, size_t count, bool with_members)
{
	const struct membership *members = multicast_members(r->ctrl->multicast);
	struct showing *showing = calloc(1, sizeof(*showing));
	bool fits = showing != NULL;

	if (!showing)
		return NULL;
	showing->request = r;
	showing->items = json_array();
	wheel_timer_init(&showing->timer, ask_again);
	for (size_t n = 0; fits && n < count; n++) {
		struct membership_stream *streams;
		int found = membership_streams(members, &groups[n], &streams);

		for (int i = 0; fits && i < found; i++)
			fits = json_array_size(showing->items) < COUNTED_MAX &&
			       add_item(showing, &streams[i], with_members);
		if (found >= 0)
			free(streams);
	}
	if (!fits || !json_array_size(showing->items)) {
		release(showing);
		return NULL;
	}
	return showing;
}

bool api_mcast_counted(struct api_request *r, const struct in6_addr *groups, size_t count,
	bool with_members, bool rates)
{
	struct showing *showing = gather(r, groups, count, with_members);

	if (!showing)
		return false;
	showing->rates = rates;
	r->state = showing;
	r->release = release;
	ask(r);
	return true;
}
