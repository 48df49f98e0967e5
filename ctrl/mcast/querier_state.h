/*
 * What a querier keeps, for its own files:
 *
 *   querier.c          what is reported changes groups (RFC 3810, 7.4)
 *   querier_timers.c   what time changes, and queries out (7.2, 7.5, 7.6)
 */
#pragma once

#include <uthash.h>

#include "ctrl/mcast/querier.h"

struct querier_source {
	struct in6_addr addr;
	uint64_t expires_ns; /* 0: nobody wants it (the exclude list of 7.2.3) */
	uint8_t queries;     /* that are still to be sent about it */
};

/* What is listened to of a group (7.2.1). */
struct querier_group {
	struct querier *owner;
	struct in6_addr addr;
	bool excluding;     /* the filter mode */
	uint64_t filter_ns; /* end of the filter timer, when excluding */
	uint64_t old_ns;    /* until then older listeners are there (8.3.2) */
	uint8_t queries;    /* about the group that are still to be sent */
	uint64_t query_ns;  /* when the next ones are */
	uint8_t source_count;
	struct querier_source sources[QUERIER_SOURCES_MAX];
	struct wheel_timer timer;
	UT_hash_handle hh;
};

struct querier {
	struct querier_config config; /* as the querier of the link says, if that is another one */
	struct querier_config own;
	struct querier_ops ops;
	void *context;
	struct wheel *wheel;
	uint64_t *counters;
	uint64_t now_ns;
	uint64_t other_ns; /* until then another one asks; 0: none */
	struct in6_addr other;
	unsigned startup; /* queries left of the first ones */
	bool unsent;      /* the last general query */
	struct wheel_timer general;
	struct querier_group *groups;
};

/* Multicast Address Listening Interval and Last Listener Query Time, nanoseconds (9.4, 9.9). */
uint64_t querier_listening_ns(const struct querier *q);
uint64_t querier_last_ns(const struct querier *q);

/* The general queries begin. */
void querier_begin(struct querier *q);

/* Is to be asked about: the group, or a source of it; lowers its timer (7.6.3). Nothing when
 * another one asks. */
void querier_ask_group(struct querier *q, struct querier_group *g);
void querier_ask_source(struct querier *q, struct querier_group *g, struct querier_source *s);

/* Tells what is listened to, frees a group that nobody listens to, and arms the timer of others. */
void querier_settle(struct querier *q, struct querier_group *g);

/* For the wheel. */
wheel_fn querier_group_due;

/* Another querier's query (7.6.1, 7.6.2). */
void querier_heard(struct querier *q, const struct in6_addr *own, const struct in6_addr *src,
	const uint8_t *mld, size_t len);
