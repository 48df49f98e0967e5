#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/log.h"
#include "ctrl/mcast/querier_state.h"
#include "proto/mobility/mcast.h"
#include "proto/mobility/mld.h"

enum {
	QUERY_MAX = 28 + 16 * QUERIER_SOURCES_MAX, /* octets of a message */
	AGAIN_MS = 1000,                           /* after a query that could not be sent */
};

static uint64_t ns(uint32_t ms)
{
	return (uint64_t)ms * CLOCK_NS_PER_MS;
}

uint64_t querier_listening_ns(const struct querier *q)
{
	return ns(q->config.interval_ms) * q->config.robustness + ns(q->config.response_ms);
}

uint64_t querier_last_ns(const struct querier *q)
{
	return ns(q->config.last_ms) * q->config.robustness;
}

/* ---- queries out -------------------------------------------------------------------------- */

static bool send_query(struct querier *q, const struct in6_addr *dst, struct mcast_query *query)
{
	uint8_t buf[MLD_PACKET_HEAD + QUERY_MAX];
	ssize_t len;

	query->type = MCAST_MLD_QUERY;
	query->is_old = q->own.old;
	query->robustness = q->config.robustness;
	query->interval_s = q->config.interval_ms / 1000;
	len = mcast_query_encode(query, buf + MLD_PACKET_HEAD, QUERY_MAX);
	if (len < 0 || q->ops.send(q->context, dst, buf, (size_t)len) < 0) {
		counter_add(&q->counters[QUERIER_UNSENT], 1);
		return false;
	}
	counter_add(&q->counters[QUERIER_QUERIES], 1);
	return true;
}

static bool send_general(struct querier *q)
{
	static const struct in6_addr all_nodes = {.s6_addr = {0xff, 2, [15] = 1}}, none;
	struct mcast_query query = {.response_ms = q->config.response_ms, .group = none.s6_addr};

	if (q->startup && q->own.first_response_ms)
		query.response_ms = q->own.first_response_ms;

	return send_query(q, &all_nodes, &query);
}

/* RFC 3810, 7.6.3.1: routers need not lower a timer that a report has set since. */
static void send_about_group(struct querier *q, struct querier_group *g)
{
	struct mcast_query query = {.response_ms = q->config.last_ms,
		.group = g->addr.s6_addr,
		.suppress = g->filter_ns > q->now_ns + querier_last_ns(q)};

	g->queries--;
	send_query(q, &g->addr, &query);
}

/* MLDv1 has no queries about sources: who listens to any source of the group answers. */
static void send_about_any_source(struct querier *q, struct querier_group *g)
{
	struct mcast_query query = {.response_ms = q->config.last_ms, .group = g->addr.s6_addr};
	bool asked = false;

	for (unsigned i = 0; i < g->source_count; i++) {
		asked |= g->sources[i].queries > 0;
		g->sources[i].queries -= g->sources[i].queries > 0;
	}
	if (asked)
		send_query(q, &g->addr, &query);
}

/* RFC 3810, 7.6.3.2: in one message those that are wanted since, in another the others. */
static void send_about_sources(struct querier *q, struct querier_group *g, bool wanted)
{
	struct in6_addr sources[QUERIER_SOURCES_MAX];
	struct mcast_query query = {.response_ms = q->config.last_ms,
		.group = g->addr.s6_addr,
		.suppress = wanted,
		.sources = sources->s6_addr};

	for (unsigned i = 0; i < g->source_count; i++) {
		struct querier_source *s = &g->sources[i];

		if (!s->queries || (s->expires_ns > q->now_ns + querier_last_ns(q)) != wanted)
			continue;
		s->queries--;
		sources[query.source_count++] = s->addr;
	}
	if (query.source_count)
		send_query(q, &g->addr, &query);
}

static bool asks_about(const struct querier_group *g)
{
	bool asks = g->queries;

	for (unsigned i = 0; i < g->source_count; i++)
		asks |= g->sources[i].queries > 0;
	return asks;
}

static void send_due(struct querier *q, struct querier_group *g)
{
	if (!asks_about(g) || g->query_ns > q->now_ns)
		return;
	if (g->queries)
		send_about_group(q, g);
	if (q->own.old) {
		send_about_any_source(q, g);
	} else {
		send_about_sources(q, g, true);
		send_about_sources(q, g, false);
	}
	g->query_ns = q->now_ns + ns(q->config.last_ms);
}

static void ask(struct querier *q, struct querier_group *g, uint8_t *queries, uint64_t *expires_ns)
{
	const uint64_t last = q->now_ns + querier_last_ns(q);

	if (q->other_ns)
		return;
	*queries = q->config.robustness;
	if (*expires_ns > last)
		*expires_ns = last;
	g->query_ns = q->now_ns;
}

void querier_ask_group(struct querier *q, struct querier_group *g)
{
	ask(q, g, &g->queries, &g->filter_ns);
}

void querier_ask_source(struct querier *q, struct querier_group *g, struct querier_source *s)
{
	ask(q, g, &s->queries, &s->expires_ns);
}

/* ---- general queries ---------------------------------------------------------------------- */

/* RFC 3810, 9.6 and 9.7; 7.6.2: another one that is silent for too long asks no more. */
static void general_due(struct wheel_timer *timer, void *context)
{
	struct querier *q = wheel_entry(timer, struct querier, general);
	uint32_t again = q->own.interval_ms;

	(void)context;
	q->now_ns = wheel_expiry_ns(timer);
	if (q->other_ns) {
		q->other_ns = 0;
		q->config = q->own;
	}
	q->unsent = !send_general(q);
	if (q->unsent)
		again = AGAIN_MS;
	else if (q->startup && --q->startup)
		again = q->own.first_ms ? q->own.first_ms : q->own.interval_ms / 4;
	wheel_arm(q->wheel, timer, q->now_ns + ns(again));
}

void querier_begin(struct querier *q)
{
	q->startup = q->own.robustness;
	wheel_timer_init(&q->general, general_due);
	wheel_arm(q->wheel, &q->general, q->now_ns);
}

void querier_retry(struct querier *q, uint64_t at_ns)
{
	if (q->unsent)
		wheel_arm(q->wheel, &q->general, at_ns);
}

void querier_ask_all(struct querier *q, uint64_t now_ns)
{
	if (q->startup || q->other_ns)
		return;
	q->now_ns = now_ns;
	q->startup = q->own.robustness;
	wheel_arm(q->wheel, &q->general, now_ns);
}

/* RFC 3810, 9.5. */
static void yield(struct querier *q, const struct in6_addr *src, const struct mcast_query *query)
{
	if (!q->other_ns)
		counter_add(&q->counters[QUERIER_YIELDED], 1);
	if (!query->is_old && query->robustness)
		q->config.robustness = query->robustness;
	if (!query->is_old && query->interval_s)
		q->config.interval_ms = query->interval_s * 1000;
	q->other = *src;
	q->other_ns = q->now_ns + ns(q->config.interval_ms) * q->config.robustness +
		      ns(q->config.response_ms) / 2;
	wheel_arm(q->wheel, &q->general, q->other_ns);
}

/* RFC 3810, 7.6.1: who does not ask lowers its timers as who asks does. */
static void lower(struct querier *q, const struct mcast_query *query)
{
	const uint64_t last = q->now_ns + querier_last_ns(q);
	struct querier_group *g;

	HASH_FIND(hh, q->groups, query->group, sizeof(struct in6_addr), g);
	if (!g || query->suppress)
		return;
	if (!query->source_count && g->filter_ns > last)
		g->filter_ns = last;
	for (unsigned i = 0; i < g->source_count; i++)
		for (unsigned k = 0; k < query->source_count; k++)
			if (memcmp(&g->sources[i].addr, query->sources + 16 * k, 16) == 0 &&
				g->sources[i].expires_ns > last)
				g->sources[i].expires_ns = last;
	querier_settle(q, g);
}

/* RFC 3810, 8.3.1: nobody has said that there is a router of another version. */
static void note_version(
	struct querier *q, const struct in6_addr *src, const struct mcast_query *query)
{
	static struct log_limit limit = LOG_LIMIT(1);

	if (query->is_old == q->own.old)
		return;
	counter_add(&q->counters[QUERIER_HEARD_OTHER], 1);
	LOG_LIMITED(&limit, LOG_LEVEL_WARN, "mld", query->is_old ? "older-router" : "newer-router",
		"src=%s spoken=%u", ADDR_TEXT(src), q->own.old ? 1 : 2);
}

void querier_heard(struct querier *q, const struct in6_addr *own, const struct in6_addr *src,
	const uint8_t *mld, size_t len)
{
	struct mcast_query query;

	if (mcast_query_decode(mld, len, &query, NULL) != MCAST_FAULT_NONE) {
		counter_add(&q->counters[QUERIER_MALFORMED], 1);
		return;
	}
	counter_add(&q->counters[QUERIER_HEARD], 1);
	note_version(q, src, &query);
	/* The interface identifiers decide. */
	if (memcmp(src->s6_addr + 8, own->s6_addr + 8, 8) >= 0)
		return;
	yield(q, src, &query);
	lower(q, &query);
}

/* ---- a group ------------------------------------------------------------------------------ */

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* RFC 3810, 7.2.3: a source that nobody wants any more is excluded, or forgotten. */
static void expire_sources(struct querier *q, struct querier_group *g)
{
	unsigned stay = 0;

	for (unsigned i = 0; i < g->source_count; i++) {
		struct querier_source s = g->sources[i];

		if (s.expires_ns && s.expires_ns <= q->now_ns) {
			s.expires_ns = 0;
			s.queries = 0;
		}
		if (g->excluding || s.expires_ns)
			g->sources[stay++] = s;
	}
	g->source_count = (uint8_t)stay;
}

/* RFC 3810, 7.5: nobody excludes any more; what sources are wanted stays. */
static void expire(struct querier *q, struct querier_group *g)
{
	if (g->excluding && g->filter_ns <= q->now_ns) {
		g->excluding = false;
		g->queries = 0;
	}
	expire_sources(q, g);
}

static void tell(struct querier *q, const struct querier_group *g)
{
	struct in6_addr sources[QUERIER_SOURCES_MAX];
	struct mcast_record record = {.type = g->excluding ? MCAST_IS_EXCLUDE : MCAST_IS_INCLUDE,
		.group = g->addr.s6_addr,
		.sources = sources->s6_addr};
	struct mcast_state state;

	for (unsigned i = 0; i < g->source_count; i++)
		if (g->excluding == !g->sources[i].expires_ns)
			sources[record.source_count++] = g->sources[i].addr;
	mcast_state_clear(&state);
	mcast_state_apply(&state, &record);
	q->ops.changed(q->context, &g->addr, &state);
}

void querier_settle(struct querier *q, struct querier_group *g)
{
	uint64_t due = g->excluding ? g->filter_ns : UINT64_MAX;

	send_due(q, g);
	tell(q, g);
	if (!g->excluding && !g->source_count) {
		wheel_cancel(q->wheel, &g->timer);
		HASH_DEL(q->groups, g);
		free(g);
		return;
	}
	for (unsigned i = 0; i < g->source_count; i++)
		if (g->sources[i].expires_ns)
			due = earlier(due, g->sources[i].expires_ns);
	if (asks_about(g))
		due = earlier(due, g->query_ns);
	wheel_arm(q->wheel, &g->timer, due);
}

void querier_group_due(struct wheel_timer *timer, void *context)
{
	struct querier_group *g = wheel_entry(timer, struct querier_group, timer);

	(void)context;
	g->owner->now_ns = wheel_expiry_ns(timer);
	expire(g->owner, g);
	querier_settle(g->owner, g);
}
