/*
 * Events: what happened, for `dmmctl events`. The last EVENTS_KEPT about nodes are held in memory,
 * and as many about everything else, so that registrations, or strangers who try, do not push out
 * what an operator has to know. Who follows is told at once. docs/api.md names the keys.
 */
#pragma once

#include "common/addr.h"
#include "common/log.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

enum { EVENTS_KEPT = 1536 };

struct events;
struct loop;

/* One event; absent members are NULL. source and data_plane must outlive the events: they are
 * constants or the configuration's. */
struct event {
	enum log_level severity; /* LOG_LEVEL_INFO, _WARN or _ERROR */
	const char *event;       /* name of the kind, up to 31 octets: "wrong-source" */
	const char *source;      /* NULL: control; else name of the data plane that told */
	const char *mn_id;
	const struct in6_addr *home_address;
	const struct in6_addr *care_of_address;
	const char *data_plane;
	const char *port;
};

/* No events yet; the loop gives the time. NULL: no memory. */
struct events *events_new(struct loop *loop);
void events_free(struct events *events);

/*
 * Keeps the event and tells the follower. The message is one line for people, without secrets; fmt
 * NULL: "HOME-ADDRESS EVENT at CARE-OF-ADDRESS", which is put into words only for who reads it.
 */
void events_post(struct events *events, const struct event *event, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Gets each event as it is posted; the item is borrowed. One follower: the control interface, while
 * it has anybody to tell (NULL: nobody), because to make an item costs more than what it tells of.
 */
typedef void events_follow_fn(void *arg, json_t *item);
void events_set_follower(struct events *events, events_follow_fn *fn, void *arg);

/* Calls fn for each event that is held, oldest first; not 0 ends the walk. Items live during the
 * call. */
int events_each(struct events *events, int (*fn)(void *arg, json_t *item), void *arg);

enum { EVENTS_TIME_SIZE = 48 };

/* Writes a time as docs/api.md has it ("2026-01-31T12:00:00.250Z") and returns buf. */
const char *events_time(char buf[static EVENTS_TIME_SIZE], uint64_t real_ns);
