#include "ctrl/events.h"

#include "common/json.h"
#include "ctrl/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct events {
	struct loop *loop;
	json_t *ring[EVENTS_KEPT];
	uint64_t next; /* number of the event to come; that of number n is at n % EVENTS_KEPT */
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
	for (size_t i = 0; i < EVENTS_KEPT; i++)
		json_decref(events->ring[i]);
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
	json_t **place = &events->ring[events->next++ % EVENTS_KEPT];

	json_decref(*place);
	*place = item;
	if (events->follow)
		events->follow(events->arg, item);
}

int events_each(struct events *events, int (*fn)(void *arg, json_t *item), void *arg)
{
	uint64_t n = events->next > EVENTS_KEPT ? events->next - EVENTS_KEPT : 0;
	int result = 0;

	for (; n < events->next && !result; n++)
		result = fn(arg, events->ring[n % EVENTS_KEPT]);
	return result;
}
