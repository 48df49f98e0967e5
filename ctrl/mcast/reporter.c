#include "ctrl/mcast/reporter.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/hmac.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"

enum {
	SOURCES_MAX = MCAST_STATE_SPACE / sizeof(struct in6_addr),
	REPORT_MAX = 1152,   /* octets of a message: within a tunnel it fits 1,280 */
	RECORDS_AT_ONCE = 8, /* groups of one call of the writer */
	RECORDS_OF_GROUP = 2,
};

struct reporter_group {
	struct in6_addr addr;
	struct mcast_state now;  /* one record, or none: it goes when that is told */
	struct mcast_state told; /* before the change that is being told */
	uint8_t changes;         /* times that it is still to be told */
	bool mixed;              /* it has changed again meanwhile */
	uint64_t answer_ns;      /* a query about it is answered then; 0: none */
	uint16_t asked_count;    /* sources that were asked about; 0: all */
	struct in6_addr asked[SOURCES_MAX];
	UT_hash_handle hh;
};

struct reporter {
	struct reporter_config config;
	struct reporter_ops ops;
	void *context;
	struct wheel *wheel;
	uint64_t *counters;
	uint64_t change_ns; /* when changes are told; 0: there are none */
	uint64_t answer_ns; /* a general query is answered then; 0: none */
	struct reporter_group *groups;
	struct wheel_timer timer;
};

/* Records on their way into messages, with room for the sources that are worked out. */
struct batch {
	struct reporter *r;
	size_t count;
	struct mcast_record records[RECORDS_AT_ONCE * RECORDS_OF_GROUP];
	struct in6_addr sources[RECORDS_AT_ONCE * RECORDS_OF_GROUP][SOURCES_MAX];
};

const struct counter_def reporter_counter_defs[REPORTER_COUNTERS] = {
	[REPORTER_REPORTS] = {"mld_proxy_reports", "reports sent to anchors"},
	[REPORTER_UNSENT] = {"mld_proxy_unsent", "reports that no data plane could send"},
	[REPORTER_QUERIES] = {"mld_proxy_queries", "queries of anchors heard"},
	[REPORTER_MALFORMED] = {"mld_proxy_malformed", "queries of anchors that do not decode"},
};

/* ---- records ------------------------------------------------------------------------------ */

static void send_all(struct batch *b)
{
	static const struct in6_addr routers = {.s6_addr = {0xff, 2, [15] = 0x16}};
	uint8_t buf[MLD_PACKET_HEAD + REPORT_MAX];
	struct mcast_writer writer;
	ssize_t len;

	mcast_writer_init(&writer, MCAST_MLD2_REPORT, b->records, b->count);
	while (b->count &&
		(len = mcast_writer_next(&writer, buf + MLD_PACKET_HEAD, REPORT_MAX)) > 0)
		counter_add(&b->r->counters[b->r->ops.send(
						    b->r->context, &routers, buf, (size_t)len) < 0
						    ? REPORTER_UNSENT
						    : REPORTER_REPORTS],
			1);
	b->count = 0;
}

/* The record of a state; without one nothing is included. */
static struct mcast_record record_of(
	const struct reporter_group *g, const struct mcast_state *state)
{
	struct mcast_record record;

	if (!mcast_state_find(state, &g->addr, &record))
		record = (struct mcast_record){.type = MCAST_IS_INCLUDE, .group = g->addr.s6_addr};
	return record;
}

/* Sources of one record that another one does not name, or does, as a record of a type. */
static void add_sources(struct batch *b, uint8_t type, const struct mcast_record *from,
	const struct mcast_record *other, bool named)
{
	struct mcast_record *out = &b->records[b->count];
	struct in6_addr *sources = b->sources[b->count];

	*out = (struct mcast_record){
		.type = type, .group = from->group, .sources = sources->s6_addr};
	for (unsigned i = 0; i < from->source_count; i++) {
		struct in6_addr source;

		memcpy(&source, from->sources + i * sizeof(source), sizeof(source));
		if (mcast_record_has(other, &source) == named)
			sources[out->source_count++] = source;
	}
	b->count += out->source_count > 0;
}

/* What has changed of a group (RFC 3810, 6.1): what came and went, or, when the mode is another one
 * or more than one change is told at once, all of it. */
static void add_change(struct batch *b, const struct reporter_group *g)
{
	const struct mcast_record was = record_of(g, &g->told), is = record_of(g, &g->now);
	const bool excludes = is.type == MCAST_IS_EXCLUDE;

	if (g->mixed || was.type != is.type) {
		b->records[b->count] = is;
		b->records[b->count++].type = excludes ? MCAST_TO_EXCLUDE : MCAST_TO_INCLUDE;
		return;
	}
	add_sources(b, excludes ? MCAST_BLOCK_OLD : MCAST_ALLOW_NEW, &is, &was, false);
	add_sources(b, excludes ? MCAST_ALLOW_NEW : MCAST_BLOCK_OLD, &was, &is, false);
}

/* What is wanted of what was asked about (6.3). */
static void add_answer(struct batch *b, const struct reporter_group *g)
{
	const struct mcast_record is = record_of(g, &g->now);
	const struct mcast_record asked = {.group = g->addr.s6_addr,
		.source_count = g->asked_count,
		.sources = g->asked[0].s6_addr};

	if (!g->now.count)
		return;
	if (g->asked_count)
		add_sources(b, MCAST_IS_INCLUDE, &asked, &is, is.type == MCAST_IS_INCLUDE);
	else
		b->records[b->count++] = is;
}

static void make_room(struct batch *b)
{
	if (b->count + RECORDS_OF_GROUP > RECORDS_AT_ONCE * RECORDS_OF_GROUP)
		send_all(b);
}

/* ---- when --------------------------------------------------------------------------------- */

static uint64_t within(uint64_t now_ns, uint32_t ms)
{
	uint32_t random = 0;

	hmac_random(&random, sizeof(random));
	return now_ns + (uint64_t)random % ((uint64_t)ms * CLOCK_NS_PER_MS + 1);
}

static void earlier(uint64_t *due, uint64_t at)
{
	if (at && at < *due)
		*due = at;
}

static void arm(struct reporter *r)
{
	uint64_t due = UINT64_MAX;

	earlier(&due, r->change_ns);
	earlier(&due, r->answer_ns);
	for (const struct reporter_group *g = r->groups; g; g = g->hh.next)
		earlier(&due, g->answer_ns);
	wheel_cancel(r->wheel, &r->timer);
	if (due != UINT64_MAX)
		wheel_arm(r->wheel, &r->timer, due);
}

static void answer(struct batch *b, uint64_t now_ns)
{
	struct reporter *r = b->r;
	const bool all = r->answer_ns && r->answer_ns <= now_ns;

	for (struct reporter_group *g = r->groups; g; g = g->hh.next) {
		const bool one = g->answer_ns && g->answer_ns <= now_ns;

		if (!all && !one)
			continue;
		g->asked_count = all ? 0 : g->asked_count;
		g->answer_ns = 0;
		make_room(b);
		add_answer(b, g);
		g->asked_count = 0;
	}
	send_all(b);
	r->answer_ns = all ? 0 : r->answer_ns;
}

static void tell_changes(struct batch *b, uint64_t now_ns)
{
	struct reporter *r = b->r;
	struct reporter_group *g, *next;
	bool more = false;

	for (g = r->groups; g; g = g->hh.next) {
		if (!g->changes)
			continue;
		make_room(b);
		add_change(b, g);
		more |= --g->changes > 0;
	}
	send_all(b);
	HASH_ITER (hh, r->groups, g, next) {
		if (g->changes || g->now.count)
			continue;
		HASH_DEL(r->groups, g);
		free(g);
	}
	r->change_ns = more ? within(now_ns, r->config.unsolicited_ms) : 0;
}

static void due(struct wheel_timer *timer, void *context)
{
	struct reporter *r = wheel_entry(timer, struct reporter, timer);
	const uint64_t now_ns = wheel_expiry_ns(timer);
	struct batch b;

	(void)context;
	b.r = r;
	b.count = 0;
	answer(&b, now_ns);
	if (r->change_ns && r->change_ns <= now_ns)
		tell_changes(&b, now_ns);
	arm(r);
}

/* ---- what is wanted ----------------------------------------------------------------------- */

struct reporter *reporter_new(const struct reporter_config *config, const struct reporter_ops *ops,
	void *context, struct wheel *wheel, uint64_t *counters)
{
	struct reporter *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->config = *config;
	r->ops = *ops;
	r->context = context;
	r->wheel = wheel;
	r->counters = counters;
	wheel_timer_init(&r->timer, due);
	return r;
}

void reporter_free(struct reporter *r)
{
	struct reporter_group *g, *next;

	if (!r)
		return;
	wheel_cancel(r->wheel, &r->timer);
	HASH_ITER (hh, r->groups, g, next) {
		HASH_DEL(r->groups, g);
		free(g);
	}
	free(r);
}

int reporter_set(struct reporter *r, const struct in6_addr *group, const struct mcast_state *state,
	uint64_t now_ns)
{
	struct reporter_group *g;

	HASH_FIND(hh, r->groups, group, sizeof(*group), g);
	if (g ? mcast_state_equal(&g->now, state) : !state->count)
		return 0;
	if (!g) {
		g = calloc(1, sizeof(*g));
		if (!g)
			return -ENOMEM;
		g->addr = *group;
		HASH_ADD(hh, r->groups, addr, sizeof(g->addr), g);
	}
	g->mixed = g->changes > 0;
	if (!g->changes)
		g->told = g->now;
	g->now = *state;
	g->changes = r->config.robustness;
	r->change_ns = now_ns;
	arm(r);
	return 0;
}

/* More sources than there is room for: the answer is about all (6.2, rule 4). */
static void ask_about(struct reporter_group *g, const struct mcast_query *query)
{
	const bool all = g->answer_ns && !g->asked_count;

	if (all || !query->source_count || g->asked_count + query->source_count > SOURCES_MAX) {
		g->asked_count = 0;
		return;
	}
	memcpy(&g->asked[g->asked_count], query->sources,
		query->source_count * sizeof(struct in6_addr));
	g->asked_count = (uint16_t)(g->asked_count + query->source_count);
}

void reporter_receive(struct reporter *r, const uint8_t *mld, size_t len, uint64_t now_ns)
{
	struct mcast_query query;
	struct reporter_group *g;
	struct in6_addr group;
	uint64_t at;

	if (mcast_query_decode(mld, len, &query, NULL) != MCAST_FAULT_NONE) {
		counter_add(&r->counters[REPORTER_MALFORMED], 1);
		return;
	}
	counter_add(&r->counters[REPORTER_QUERIES], 1);
	at = within(now_ns, query.response_ms);
	/* RFC 3810, 6.2: an earlier answer to all serves. */
	if (r->answer_ns && r->answer_ns <= at)
		return;
	memcpy(&group, query.group, sizeof(group));
	if (addr_is_unspecified(&group)) {
		r->answer_ns = at;
	} else {
		HASH_FIND(hh, r->groups, &group, sizeof(group), g);
		if (!g)
			return;
		ask_about(g, &query);
		if (!g->answer_ns || at < g->answer_ns)
			g->answer_ns = at;
	}
	arm(r);
}

size_t reporter_groups(const struct reporter *r)
{
	size_t count = 0;

	for (const struct reporter_group *g = r->groups; g; g = g->hh.next)
		count += g->now.count > 0;
	return count;
}
