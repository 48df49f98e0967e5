#include "ctrl/events.h"

#include "common/json.h"
#include "ctrl/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum ring_kind { RING_NODES, RING_OTHERS, RINGS };

struct ring {
	uint64_t count; /* so far; the n-th one, from 0, is at n % EVENTS_KEPT */
	struct kept {
		uint64_t number; /* among all events */
		json_t *item;
	} kept[EVENTS_KEPT];
};

struct events {
	struct loop *loop;
	struct ring rings[RINGS];
	uint64_t next; /* number of the event to come */
	events_follow_fn *follow;
	void *arg;
};

struct events *events_new(struct loop *loop)
{
	struct events *events = calloc(1, sizeof(*events));

	if (events)
		events->loop = loop;
	return events;
}

void events_free(struct events *events)
{
	if (!events)
		return;
	for (size_t r = 0; r < RINGS; r++)
		for (size_t i = 0; i < EVENTS_KEPT; i++)
			json_decref(events->rings[r].kept[i].item);
	free(events);
}

void events_set_follower(struct events *events, events_follow_fn *fn, void *arg)
{
	events->follow = fn;
	events->arg = arg;
}

const char *events_time(char buf[static EVENTS_TIME_SIZE], uint64_t real_ns)
{
	time_t seconds = (time_t)(real_ns / 1000000000);
	struct tm tm;
	char date[32];

	gmtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, EVENTS_TIME_SIZE, "%s.%03uZ", date, (unsigned)(real_ns / 1000000 % 1000));
	return buf;
}

static const char *severity_name(enum log_level level)
{
	return level == LOG_LEVEL_ERROR ? "error" : level == LOG_LEVEL_WARN ? "warning" : "info";
}

static void put_addr(json_t *item, const char *key, const struct in6_addr *addr)
{
	if (addr)
		json_put_addr(item, key, addr);
	else
		json_object_set_new(item, key, json_null());
}

/* Keeps an event, in the place of the oldest of its kind. */
static void keep(struct events *events, const struct event *event, json_t *item)
{
	bool of_node = event->mn_id || event->home_address;
	struct ring *ring = &events->rings[of_node ? RING_NODES : RING_OTHERS];
	struct kept *place = &ring->kept[ring->count++ % EVENTS_KEPT];

	json_decref(place->item);
	*place = (struct kept){.number = events->next++, .item = item};
}

void events_post(struct events *events, const struct event *event, const char *fmt, ...)
{
	json_t *item = json_object();
	char message[256], time[EVENTS_TIME_SIZE];
	va_list args;

	va_start(args, fmt);
	vsnprintf(message, sizeof(message), fmt, args);
	va_end(args);
	json_put_str(item, "time", events_time(time, loop_real_ns(events->loop)));
	json_put_str(item, "severity", severity_name(event->severity));
	json_put_str(item, "source", event->source ? event->source : "control");
	json_put_str(item, "event", event->event);
	json_put_str(item, "message", message);
	json_put_str(item, "mn_id", event->mn_id);
	put_addr(item, "home_address", event->home_address);
	put_addr(item, "care_of_address", event->care_of_address);
	json_put_str(item, "data_plane", event->data_plane);
	json_put_str(item, "port", event->port);
	if (!item)
		return;
	keep(events, event, item);
	if (events->follow)
		events->follow(events->arg, item);
}

static const struct kept *kept_at(const struct ring *ring, uint64_t n)
{
	return n < ring->count ? &ring->kept[n % EVENTS_KEPT] : NULL;
}

int events_each(struct events *events, int (*fn)(void *arg, json_t *item), void *arg)
{
	const struct kept *first[RINGS];
	uint64_t at[RINGS];
	int result = 0;

	for (size_t r = 0; r < RINGS; r++) {
		uint64_t count = events->rings[r].count;

		at[r] = count > EVENTS_KEPT ? count - EVENTS_KEPT : 0;
		first[r] = kept_at(&events->rings[r], at[r]);
	}
	while (!result && (first[RING_NODES] || first[RING_OTHERS])) {
		enum ring_kind r = RING_NODES;

		if (!first[r] ||
			(first[RING_OTHERS] && first[RING_OTHERS]->number < first[r]->number))
			r = RING_OTHERS;
		result = fn(arg, first[r]->item);
		first[r] = kept_at(&events->rings[r], ++at[r]);
	}
	return result;
}
