#include "ctrl/events.h"

#include "common/json.h"
#include "ctrl/loop.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum ring_kind { RING_NODES, RING_OTHERS, RINGS };

enum { MN_ID_SIZE = 256, MESSAGE_SIZE = 256 };

/* An event as it is kept: 664 octets. */
struct kept {
	uint64_t number; /* among all events */
	uint64_t real_ns;
	enum log_level severity;
	const char *source, *data_plane;
	struct in6_addr home_address, care_of_address;
	bool has_mn_id, has_home, has_care_of, has_port;
	char event[32];
	char port[32];
	char mn_id[MN_ID_SIZE];
	char message[MESSAGE_SIZE]; /* empty: put into words when it is read */
};

struct ring {
	uint64_t count; /* so far; the n-th one, from 0, is at n % EVENTS_KEPT */
	struct kept kept[EVENTS_KEPT];
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

static json_t *item_of(const struct kept *k)
{
	json_t *item = json_object();
	char time[EVENTS_TIME_SIZE], words[MESSAGE_SIZE];

	if (!k->message[0])
		snprintf(words, sizeof(words), "%s %s %s %s", ADDR_TEXT(&k->home_address), k->event,
			strcmp(k->event, "moved") == 0 ? "to" : "at",
			ADDR_TEXT(&k->care_of_address));
	json_put_str(item, "time", events_time(time, k->real_ns));
	json_put_str(item, "severity", severity_name(k->severity));
	json_put_str(item, "source", k->source ? k->source : "control");
	json_put_str(item, "event", k->event);
	json_put_str(item, "message", k->message[0] ? k->message : words);
	json_put_str(item, "mn_id", k->has_mn_id ? k->mn_id : NULL);
	json_put_addr(item, "home_address", k->has_home ? &k->home_address : NULL);
	json_put_addr(item, "care_of_address", k->has_care_of ? &k->care_of_address : NULL);
	json_put_str(item, "data_plane", k->data_plane);
	json_put_str(item, "port", k->has_port ? k->port : NULL);
	return item;
}

/* Copies a text that may be NULL, cut at size; returns whether it is there. */
static bool keep_text(char *to, size_t size, const char *text)
{
	size_t len = text ? strnlen(text, size - 1) : 0;

	memcpy(to, text ? text : "", len);
	to[len] = '\0';
	return text;
}

/* The place of an event, which is that of the oldest of its kind. */
static struct kept *place_of(struct events *events, const struct event *event)
{
	bool of_node = event->mn_id || event->home_address;
	struct ring *ring = &events->rings[of_node ? RING_NODES : RING_OTHERS];

	return &ring->kept[ring->count++ % EVENTS_KEPT];
}

void events_post(struct events *events, const struct event *event, const char *fmt, ...)
{
	struct kept *k = place_of(events, event);
	va_list args;

	k->number = events->next++;
	k->real_ns = loop_real_ns(events->loop);
	k->severity = event->severity;
	keep_text(k->event, sizeof(k->event), event->event);
	k->source = event->source;
	k->data_plane = event->data_plane;
	k->has_home = event->home_address;
	k->has_care_of = event->care_of_address;
	k->home_address = k->has_home ? *event->home_address : in6addr_any;
	k->care_of_address = k->has_care_of ? *event->care_of_address : in6addr_any;
	k->has_mn_id = keep_text(k->mn_id, sizeof(k->mn_id), event->mn_id);
	k->has_port = keep_text(k->port, sizeof(k->port), event->port);
	k->message[0] = '\0';
	if (fmt) {
		va_start(args, fmt);
		vsnprintf(k->message, sizeof(k->message), fmt, args);
		va_end(args);
	}
	if (events->follow) {
		json_t *item = item_of(k);

		if (item)
			events->follow(events->arg, item);
		json_decref(item);
	}
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
		json_t *item = item_of(first[r]);

		result = item ? fn(arg, item) : 0;
		json_decref(item);
		first[r] = kept_at(&events->rings[r], ++at[r]);
	}
	return result;
}
