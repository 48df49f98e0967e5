#include "tools/mn/multicast.h"

#include <netinet/in.h>
#include <string.h>

#include "common/addr.h"
#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "tools/mn/mn.h"

/* Programs often join several groups one after the other. */
#define GATHER_NS (20 * CLOCK_NS_PER_MS)

static void changed(void *context)
{
	struct mn *mn = context;

	LOG_INFO("multicast", "changed", "groups=%u", mn->multicast.groups.now.count);
	if (!wheel_armed(&mn->multicast.renew))
		wheel_arm(&mn->wheel, &mn->multicast.renew, clock_mono_ns() + GATHER_NS);
}

static void renew(struct wheel_timer *timer, void *context)
{
	struct mn *mn = wheel_entry(timer, struct mn, multicast.renew);
	const struct multicast *m = &mn->multicast;
	uint64_t again;

	(void)context;
	if (mn->at.place != LINK_FOREIGN || mcast_state_equal(&m->told, &m->groups.now))
		return;
	again = bul_renew(&mn->bul);
	if (again)
		wheel_arm(&mn->wheel, timer, again);
}

static void link_scope(void *context, const uint8_t *pkt, size_t len)
{
	groups_input(&((struct mn *)context)->multicast.groups, pkt, len);
}

static bool wants(void *context, const struct in6_addr *source, const struct in6_addr *group)
{
	return groups_want(&((struct mn *)context)->multicast.groups, source, group);
}

void multicast_open(struct mn *mn)
{
	static const struct groups_ops ops = {.changed = changed};
	static const struct tunnel_listener listener = {.link_scope = link_scope, .wants = wants};
	struct multicast *m = &mn->multicast;

	wheel_timer_init(&m->renew, renew);
	m->used = mn->config.multicast_state_number != 0;
	if (!m->used)
		return;
	m->held = mn->state.known && mn->state.bound;
	tunnel_listen(mn->tunnel, &listener, mn);
	groups_init(&m->groups, mn->tunnel, &mn->wheel, &ops, mn);
}

void multicast_close(struct mn *mn)
{
	groups_close(&mn->multicast.groups);
}

void multicast_moved(struct mn *mn)
{
	if (mn->multicast.used)
		groups_at_home(
			&mn->multicast.groups, mn->at.place == LINK_HOME ? mn->at.ifindex : 0);
}

const struct mcast_state *multicast_tell(struct mn *mn, bool registers)
{
	struct multicast *m = &mn->multicast;

	if (!m->used || !registers)
		return NULL;
	m->told = m->groups.now;
	m->answered = false;
	if (m->told.count)
		m->held = true;
	return m->held ? &m->told : NULL;
}

void multicast_answered(struct mn *mn, const struct bul_answer *answer)
{
	static struct log_limit limit = LOG_LIMIT(1);
	struct multicast *m = &mn->multicast;

	m->answered = mn->bul.bound && m->held && answer->has_multicast;
	m->held = mn->bul.bound && m->told.count;
	if (!m->answered)
		return;
	m->accepted = answer->multicast;
	if (!mcast_state_equal(&m->accepted, &m->told))
		LOG_LIMITED(&limit, LOG_LEVEL_WARN, "multicast", "not-all-accepted",
			"groups=%u accepted=%u", m->told.count, m->accepted.count);
}

/* ---- status ------------------------------------------------------------------------------- */

static void put_octets(json_t *array, const uint8_t *octets)
{
	struct in6_addr addr;

	memcpy(&addr, octets, sizeof(addr));
	json_array_append_new(array, json_string(ADDR_TEXT(&addr)));
}

static bool is_accepted(const struct multicast *m, const struct mcast_record *record)
{
	struct mcast_record accepted;
	struct in6_addr group;

	memcpy(&group, record->group, sizeof(group));
	return mcast_state_find(&m->accepted, &group, &accepted) && accepted.type == record->type &&
	       accepted.source_count == record->source_count &&
	       memcmp(accepted.sources, record->sources, 16 * (size_t)record->source_count) == 0;
}

static json_t *report_group(const struct multicast *m, const struct mcast_record *record)
{
	json_t *group = json_object(), *sources = json_array();
	struct in6_addr addr;

	memcpy(&addr, record->group, sizeof(addr));
	json_put_addr(group, "group", &addr);
	json_put_str(group, "mode", record->type == MCAST_IS_EXCLUDE ? "exclude" : "include");
	for (unsigned i = 0; i < record->source_count; i++)
		put_octets(sources, record->sources + 16 * (size_t)i);
	json_object_set_new(group, "sources", sources);
	if (m->answered)
		json_put_bool(group, "accepted", is_accepted(m, record));
	else
		json_put_str(group, "accepted", NULL);
	return group;
}

json_t *multicast_report(const struct mn *mn)
{
	const struct multicast *m = &mn->multicast;
	const struct groups_counters *c = &m->groups.counters;
	json_t *root, *groups;
	struct mcast_record record;
	uint64_t ignored = 0;
	size_t at = 0;

	if (!m->used)
		return json_null();
	root = json_object();
	groups = json_array();
	while (mcast_state_next(&m->groups.now, &at, &record))
		json_array_append_new(groups, report_group(m, &record));
	json_object_set_new(root, "groups", groups);
	for (int fault = MLD_FAULT_SOURCE; fault < MLD_FAULT_COUNT; fault++)
		ignored += c->ignored[fault];
	json_put_uint(root, "queries", c->queries);
	json_put_uint(root, "reports", c->reports);
	json_put_uint(root, "ignored", ignored + c->malformed);
	json_put_uint(root, "no_room", c->no_room);
	json_put_uint(root, "join_failed", c->join_failed);
	return root;
}
