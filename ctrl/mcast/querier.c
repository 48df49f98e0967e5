#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "ctrl/mcast/querier_state.h"
#include "proto/mobility/mcast.h"

const struct counter_def querier_counter_defs[QUERIER_COUNTERS] = {
	[QUERIER_QUERIES] = {"mld_queries", "queries sent on home links"},
	[QUERIER_UNSENT] = {"mld_unsent", "queries that no data plane could send"},
	[QUERIER_REPORTS] = {"mld_reports", "reports of listeners taken"},
	[QUERIER_HEARD] = {"mld_queries_heard", "queries of other routers"},
	[QUERIER_HEARD_OTHER] = {"mld_older_queries",
		"of them of another version of MLD than is spoken here"},
	[QUERIER_YIELDED] = {"mld_yielded", "times that another router became the querier"},
	[QUERIER_MALFORMED] = {"mld_malformed", "messages that do not decode"},
	[QUERIER_NO_GROUP] = {"mld_no_group", "records of addresses that are not multicast"},
	[QUERIER_FORBIDDEN] = {"mld_forbidden", "records of groups that are not allowed"},
	[QUERIER_GROUPS_FULL] = {"mld_groups_full", "records of groups without room"},
	[QUERIER_SOURCES_FULL] = {"mld_sources_full", "sources of groups without room"},
};

struct querier *querier_new(const struct querier_config *config, const struct querier_ops *ops,
	void *context, struct wheel *wheel, uint64_t now_ns, uint64_t *counters)
{
	struct querier *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->config = q->own = *config;
	q->ops = *ops;
	q->context = context;
	q->wheel = wheel;
	q->counters = counters;
	q->now_ns = now_ns;
	querier_begin(q);
	return q;
}

static void forget(struct querier *q, struct querier_group *g)
{
	wheel_cancel(q->wheel, &g->timer);
	HASH_DEL(q->groups, g);
	free(g);
}

void querier_free(struct querier *q)
{
	struct querier_group *g, *next;

	if (!q)
		return;
	HASH_ITER (hh, q->groups, g, next)
		forget(q, g);
	wheel_cancel(q->wheel, &q->general);
	free(q);
}

static struct querier_group *find_group(const struct querier *q, const struct in6_addr *addr)
{
	struct querier_group *g;

	HASH_FIND(hh, q->groups, addr, sizeof(*addr), g);
	return g;
}

static struct querier_group *add_group(struct querier *q, const struct in6_addr *addr)
{
	struct querier_group *g = NULL;

	if (HASH_COUNT(q->groups) < q->own.max_groups)
		g = calloc(1, sizeof(*g));
	if (!g) {
		counter_add(&q->counters[QUERIER_GROUPS_FULL], 1);
		return NULL;
	}
	g->owner = q;
	g->addr = *addr;
	wheel_timer_init(&g->timer, querier_group_due);
	HASH_ADD(hh, q->groups, addr, sizeof(g->addr), g);
	return g;
}

/* ---- sources ------------------------------------------------------------------------------ */

/* The sources of a record. */
struct list {
	const uint8_t *sources;
	unsigned count;
};

static struct in6_addr list_at(const struct list *list, unsigned i)
{
	struct in6_addr addr;

	memcpy(&addr, list->sources + i * sizeof(addr), sizeof(addr));
	return addr;
}

static bool list_has(const struct list *list, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < list->count; i++)
		if (memcmp(list->sources + i * sizeof(*addr), addr, sizeof(*addr)) == 0)
			return true;
	return false;
}

static struct querier_source *find_source(struct querier_group *g, const struct in6_addr *addr)
{
	for (unsigned i = 0; i < g->source_count; i++)
		if (addr_equal(&g->sources[i].addr, addr))
			return &g->sources[i];
	return NULL;
}

static struct querier_source *add_source(struct querier *q, struct querier_group *g,
	const struct in6_addr *addr, uint64_t expires_ns)
{
	struct querier_source *s = &g->sources[g->source_count];

	if (g->source_count == QUERIER_SOURCES_MAX) {
		counter_add(&q->counters[QUERIER_SOURCES_FULL], 1);
		return NULL;
	}
	g->source_count++;
	*s = (struct querier_source){.addr = *addr, .expires_ns = expires_ns};
	return s;
}

/* Only those stay that the list has. */
static void keep(struct querier_group *g, const struct list *list)
{
	unsigned stay = 0;

	for (unsigned i = 0; i < g->source_count; i++)
		if (list_has(list, &g->sources[i].addr))
			g->sources[stay++] = g->sources[i];
	g->source_count = (uint8_t)stay;
}

/* ---- records (RFC 3810, 7.4) -------------------------------------------------------------- */

/* MODE_IS_INCLUDE, ALLOW_NEW_SOURCES: the sources are wanted. */
static void include(struct querier *q, struct querier_group *g, const struct list *list)
{
	const uint64_t expires = q->now_ns + querier_listening_ns(q);

	for (unsigned i = 0; i < list->count; i++) {
		const struct in6_addr addr = list_at(list, i);
		struct querier_source *s = find_source(g, &addr);

		if (s)
			s->expires_ns = expires;
		else
			add_source(q, g, &addr, expires);
	}
}

/* CHANGE_TO_INCLUDE_MODE: also, does anybody want what its sender wants no more? */
static void to_include(struct querier *q, struct querier_group *g, const struct list *list)
{
	for (unsigned i = 0; i < g->source_count; i++)
		if (g->sources[i].expires_ns && !list_has(list, &g->sources[i].addr))
			querier_ask_source(q, g, &g->sources[i]);
	include(q, g, list);
	if (g->excluding)
		querier_ask_group(q, g);
}

/* MODE_IS_EXCLUDE, and CHANGE_TO_EXCLUDE_MODE, which asks who wants what is excluded. */
static void exclude(
	struct querier *q, struct querier_group *g, const struct list *list, bool changes)
{
	const uint64_t listening = q->now_ns + querier_listening_ns(q);
	const uint64_t fresh = !g->excluding ? 0 : changes ? g->filter_ns : listening;

	keep(g, list);
	for (unsigned i = 0; i < list->count; i++) {
		const struct in6_addr addr = list_at(list, i);

		if (!find_source(g, &addr))
			add_source(q, g, &addr, fresh);
	}
	g->excluding = true;
	g->filter_ns = listening;
	for (unsigned i = 0; changes && i < g->source_count; i++)
		if (g->sources[i].expires_ns)
			querier_ask_source(q, g, &g->sources[i]);
}

/* BLOCK_OLD_SOURCES. */
static void block(struct querier *q, struct querier_group *g, const struct list *list)
{
	for (unsigned i = 0; i < list->count; i++) {
		const struct in6_addr addr = list_at(list, i);
		struct querier_source *s = find_source(g, &addr);

		if (!s && g->excluding)
			s = add_source(q, g, &addr, g->filter_ns);
		if (s && s->expires_ns)
			querier_ask_source(q, g, s);
	}
}

static void take(struct querier *q, struct querier_group *g, const struct mcast_record *record)
{
	const bool old = q->own.old || q->now_ns < g->old_ns;
	struct list list = {.sources = record->sources, .count = record->source_count};

	switch (record->type) {
	case MCAST_IS_INCLUDE:
	case MCAST_ALLOW_NEW:
		include(q, g, &list);
		break;
	case MCAST_TO_INCLUDE:
		to_include(q, g, &list);
		break;
	case MCAST_TO_EXCLUDE:
		list.count = old ? 0 : list.count;
		exclude(q, g, &list, true);
		break;
	case MCAST_IS_EXCLUDE:
		exclude(q, g, &list, false);
		break;
	case MCAST_BLOCK_OLD:
		if (!old)
			block(q, g, &list);
		break;
	default:
		break;
	}
}

/* Whether a record can be about a group that nothing is known of. */
static bool begins(const struct mcast_record *record)
{
	return record->type == MCAST_IS_EXCLUDE || record->type == MCAST_TO_EXCLUDE ||
	       (record->source_count && record->type != MCAST_BLOCK_OLD &&
		       record->type <= MCAST_ALLOW_NEW);
}

static void take_record(struct querier *q, const struct mcast_record *record, bool is_report1)
{
	struct querier_group *g;
	struct in6_addr addr;

	memcpy(&addr, record->group, sizeof(addr));
	if (!addr_is_multicast(&addr)) {
		counter_add(&q->counters[QUERIER_NO_GROUP], 1);
		return;
	}
	/* Those that stay on their link are nobody's to bring. */
	if (!mcast_state_group_ok(&addr))
		return;
	if (!q->ops.allows(q->context, &addr)) {
		counter_add(&q->counters[QUERIER_FORBIDDEN], 1);
		return;
	}
	g = find_group(q, &addr);
	if (!g && begins(record))
		g = add_group(q, &addr);
	if (!g)
		return;
	take(q, g, record);
	if (is_report1)
		g->old_ns = q->now_ns + querier_listening_ns(q);
	querier_settle(q, g);
}

static void take_report(struct querier *q, const uint8_t *mld, size_t len)
{
	struct mcast_report report;
	struct mcast_record record;
	size_t at = 0;

	if (mcast_report_decode(mld, len, &report, NULL) != MCAST_FAULT_NONE) {
		counter_add(&q->counters[QUERIER_MALFORMED], 1);
		return;
	}
	counter_add(&q->counters[QUERIER_REPORTS], 1);
	while (mcast_report_next(&report, &at, &record))
		take_record(q, &record, false);
}

static void take_old(struct querier *q, const uint8_t *mld, size_t len)
{
	struct mcast_record record;

	if (mcast_old_decode(mld, len, &record) != MCAST_FAULT_NONE) {
		counter_add(&q->counters[QUERIER_MALFORMED], 1);
		return;
	}
	counter_add(&q->counters[QUERIER_REPORTS], 1);
	take_record(q, &record, mld[0] == MCAST_MLD1_REPORT);
}

void querier_receive(struct querier *q, const struct in6_addr *own, const struct in6_addr *src,
	const uint8_t *mld, size_t len, uint64_t now_ns)
{
	q->now_ns = now_ns;
	if (mld[0] == MCAST_MLD_QUERY)
		querier_heard(q, own, src, mld, len);
	else if (mld[0] == MCAST_MLD2_REPORT)
		take_report(q, mld, len);
	else
		take_old(q, mld, len);
}

/* ---- for reading -------------------------------------------------------------------------- */

bool querier_asks(const struct querier *q, struct in6_addr *other)
{
	if (q->other_ns && other)
		*other = q->other;
	return q->other_ns == 0;
}

bool querier_reaches(const struct querier *q)
{
	return !q->unsent;
}

bool querier_listens(const struct querier *q, const struct in6_addr *group)
{
	return find_group(q, group) != NULL;
}

size_t querier_groups(const struct querier *q)
{
	return HASH_COUNT(q->groups);
}
