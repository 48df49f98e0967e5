#include "ctrl/multicast.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/addr.h"
#include "common/cursor.h"
#include "common/log.h"
#include "ctrl/binding/binding_cache.h"
#include "ctrl/binding/subscriber.h"
#include "ctrl/commit.h"
#include "ctrl/config.h"
#include "ctrl/ctrl.h"
#include "ctrl/multicast_failures.h"
#include "ctrl/multicast_gateways.h"
#include "ctrl/multicast_key.h"
#include "ctrl/multicast_nodes.h"
#include "ctrl/multicast_reports.h"
#include "ctrl/packet.h"
#include "ctrl/publish/publish.h"
#include "ctrl/signalling/lma/lma.h"
#include "ctrl/signalling/mag/mag.h"
#include "ctrl/signalling/signalling.h"
#include "ctrl/store/store.h"

enum {
	RECORD_VERSION = 2,
	RECORD_VERSION_IP6 = 1, /* without IPv4 groups, else the same */
	RECORD_HEAD = 1,        /* octets before the records of groups */
	OCTETS_OF_KBIT = 125,
};
static_assert((int)RECORD_HEAD + MCAST_STATE_SPACE <= (int)COMMIT_RECORD_MAX, "room for any state");

struct multicast {
	struct ctrl *ctrl;
	struct membership *members;
	struct membership_config publish; /* that of members */
	struct multicast_links *links;
	struct multicast_gateways *gateways;
	struct multicast_nodes *nodes;
	struct multicast_reports *reports;
	bool starting;
	bool reported;    /* since the last round */
	uint64_t reached; /* data planes by which queries can be sent */
};

static int publish(void *context, uint64_t id, const struct bundle *bundle)
{
	struct multicast *m = context;
	uint64_t sequence;

	if (m->starting)
		return publish_restore(m->ctrl->publish, id, bundle);
	multicast_failures_forget(m->ctrl->multicast_failures, id);
	return publish_set(m->ctrl->publish, id, bundle, &sequence);
}

/* The first limit of the configuration that a group is in holds. */
static uint32_t rate(void *context, const struct in6_addr *group)
{
	const struct multicast *m = context;
	const struct config_list *rates = &m->ctrl->config->multicast.rates;

	for (size_t i = 0; i < rates->count; i++) {
		const struct ctrl_config_multicast_rate *limit =
			config_item(rates, struct ctrl_config_multicast_rate, i);

		if (prefix6_contains(&limit->groups, group))
			return limit->kbit * OCTETS_OF_KBIT;
	}
	return 0;
}

struct multicast *multicast_new(struct ctrl *ctrl)
{
	struct multicast *m = calloc(1, sizeof(*m));
	int error;

	if (!m)
		return NULL;
	m->ctrl = ctrl;
	m->publish = (struct membership_config){
		.limits = {.max_groups = ctrl->config->multicast.max_groups,
			.groups = &ctrl->config->multicast.groups},
		.publish = publish,
		.rate = rate,
		.context = m};
	error = multicast_key_open(ctrl->store, m->publish.key);
	if (!error)
		m->members = membership_new(&m->publish);
	if (!m->members) {
		free(m);
		errno = error ? -error : ENOMEM;
		return NULL;
	}
	return m;
}

void multicast_free(struct multicast *m)
{
	if (!m)
		return;
	multicast_reports_free(m->reports);
	multicast_nodes_free(m->nodes);
	multicast_gateways_free(m->gateways);
	multicast_links_free(m->links);
	membership_free(m->members);
	free(m);
}

/* The entry of the store; its bundle stays empty, as objects are published one by one. */
static void make_item(const struct in6_addr *home, uint64_t subscriber_id,
	const struct mcast_state *state, struct commit_item *item)
{
	*item = (struct commit_item){.table = STORE_MEMBER,
		.key_len = sizeof(*home),
		.bundle_id = publish_member_id(0) | subscriber_id};
	memcpy(item->key, home, sizeof(*home));
	if (!state || !state->count)
		return;
	item->record[0] = RECORD_VERSION;
	memcpy(item->record + RECORD_HEAD, state->records, state->len);
	item->record_len = (uint16_t)(RECORD_HEAD + state->len);
}

static void store(struct multicast *m, const struct in6_addr *home, uint64_t subscriber_id,
	const struct mcast_state *before, const struct mcast_state *state)
{
	static struct log_limit limit = LOG_LIMIT(1);
	struct commit_item good, item;
	int error;

	make_item(home, subscriber_id, before, &good);
	make_item(home, subscriber_id, state, &item);
	error = commit_submit_item(
		m->ctrl->commit, good.record_len ? &good : NULL, &item, NULL, NULL);
	if (error)
		LOG_LIMITED(&limit, LOG_LEVEL_ERROR, "multicast", "not-stored", "home=%s error=%d",
			ADDR_TEXT(home), -error);
}

/* Takes out what is not allowed to all, or not to this subscriber. */
static void limit(const struct multicast *m, const struct in6_addr *home, struct mcast_state *state)
{
	const struct subscriber *s = subscriber_db_find_home(m->ctrl->subscribers, home, NULL);

	membership_limit(m->members, state);
	if (s && s->multicast)
		membership_limit_to(s->multicast->groups, s->multicast->group_count,
			s->multicast->max_groups, state);
}

/* Reports are in memory alone; an option puts an end to them, as the end of the binding does. */
static void end_reports(struct multicast *m, const struct in6_addr *home, uint64_t subscriber_id,
	bool told, struct mcast_state *stored)
{
	if (!m->reports)
		return;
	if (multicast_reports_asks(m->reports, home))
		mcast_state_clear(stored);
	if (!told)
		multicast_reports_end(m->reports, home);
	else if (multicast_reports_told(m->reports, home, subscriber_id))
		multicast_links_note(m->links, MULTICAST_LINKS_OVERRULED);
}

void multicast_listen(void *multicast, const struct in6_addr *home, uint64_t subscriber_id,
	struct mcast_state *state, struct mcast_state *before)
{
	struct multicast *m = multicast;
	const struct mcast_state *now = membership_of(m->members, home);
	struct mcast_state was, stored;

	mcast_state_clear(&was);
	if (now)
		was = *now;
	stored = was;
	end_reports(m, home, subscriber_id, before != NULL, &stored);
	if (before)
		*before = stored;
	limit(m, home, state);
	if (mcast_state_equal(&was, state) && mcast_state_equal(&stored, state))
		return;
	if (m->links)
		multicast_links_compare(m->links, home, state);
	if (membership_set(m->members, home, subscriber_id, state))
		*state = was;
	/* No commit may follow that would tell of the end of what was reported. */
	m->reported |= !mcast_state_equal(&was, &stored);
	if (!mcast_state_equal(&stored, state))
		store(m, home, subscriber_id, &stored, state);
}

/* ---- what data planes could not take ------------------------------------------------------ */

/* A group and its member, at one data plane. */
struct lack {
	const struct multicast_failures *failures;
	uint64_t data_plane; /* its bit */
	int error;
};

static int is_lacking(void *arg, uint64_t group_id, uint64_t member_id)
{
	struct lack *lack = arg;

	return (multicast_failures_at(lack->failures, group_id, &lack->error) |
		       multicast_failures_at(lack->failures, member_id, &lack->error)) &
			       lack->data_plane
		       ? 1
		       : 0;
}

int multicast_lacks(const struct multicast *m, const struct in6_addr *home,
	const struct in6_addr *group, unsigned data_plane)
{
	struct lack lack = {
		.failures = m->ctrl->multicast_failures, .data_plane = 1ull << data_plane};

	if (!uninstalled_count(multicast_failures_all(lack.failures)))
		return 0;
	return membership_each_object(m->members, home, group, is_lacking, &lack) ? lack.error : 0;
}

int multicast_serving(const struct multicast *m, const struct binding *b)
{
	struct binding_record room[BINDING_MAX];
	struct binding_list list = binding_list(&b->now, b->more, room);
	const struct binding_record *best = &list.records[0];

	for (unsigned i = 1; i < list.count; i++)
		if (publish_prefers(&list.records[i], best))
			best = &list.records[i];
	return best->data_plane ? ctrl_config_data_plane_of_id(m->ctrl->config, best->data_plane)
				: publish_first_ready(m->ctrl->publish);
}

void multicast_served(
	const struct multicast *m, const struct in6_addr *home, struct mcast_state *state)
{
	const struct binding *b = binding_cache_find(signalling_cache(m->ctrl->signalling), home);
	const struct mcast_state all = *state;
	const int dp = b ? multicast_serving(m, b) : -ENOENT;
	struct mcast_record record;
	size_t at = 0;

	while (dp >= 0 && mcast_state_next(&all, &at, &record)) {
		struct in6_addr group;

		memcpy(&group, record.group, sizeof(group));
		if (multicast_lacks(m, home, &group, (unsigned)dp))
			mcast_state_remove(state, &group);
	}
}

/* ---- at start ----------------------------------------------------------------------------- */

static int decode(const uint8_t *octets, size_t len, struct mcast_state *state)
{
	struct mcast_state read = {.count = 0};
	struct mcast_record record;
	size_t at = 0;

	mcast_state_clear(state);
	if (!len || (octets[0] != RECORD_VERSION && octets[0] != RECORD_VERSION_IP6))
		return len ? -EPROTO : -EBADMSG;
	if (len - RECORD_HEAD > MCAST_STATE_SPACE)
		return -EBADMSG;
	read.len = (uint16_t)(len - RECORD_HEAD);
	memcpy(read.records, octets + RECORD_HEAD, read.len);
	while (mcast_state_next(&read, &at, &record))
		if (mcast_state_keep(state, &record))
			return -EBADMSG;
	return mcast_state_equal(&read, state) ? 0 : -EBADMSG;
}

static int restore_one(void *arg, const void *key, size_t key_len, const void *octets, size_t len)
{
	struct multicast *m = arg;
	const struct binding *b;
	struct mcast_state state;
	struct in6_addr home;
	int error;

	if (key_len != sizeof(home))
		return -EBADMSG;
	memcpy(&home, key, sizeof(home));
	error = decode(octets, len, &state);
	if (error)
		return error;
	b = binding_cache_find(signalling_cache(m->ctrl->signalling), &home);
	if (!b || b->now.life != BINDING_LIVE || !m->ctrl->config->multicast.max_groups)
		return store_delete(m->ctrl->store, STORE_MEMBER, key, key_len);
	limit(m, &home, &state);
	return membership_set(m->members, &home, b->now.subscriber_id, &state);
}

int multicast_restore(struct multicast *m)
{
	int error;

	m->starting = true;
	error = store_each(m->ctrl->store, STORE_MEMBER, restore_one, m);
	m->starting = false;
	if (error)
		store_rollback(m->ctrl->store);
	return error ? error : store_commit(m->ctrl->store);
}

/* ---- reports through tunnels (RFC 6275, 10.4.3) ------------------------------------------- */

static bool has_told(void *context, const struct in6_addr *home)
{
	const struct multicast *m = context;

	return membership_of(m->members, home) != NULL;
}

static bool may_report(
	void *context, const struct reported_node *node, const struct in6_addr *group)
{
	const struct multicast *m = context;
	const struct mcast_record record = {.type = MCAST_TO_EXCLUDE, .group = group->s6_addr};
	struct mcast_state state;

	mcast_state_clear(&state);
	mcast_state_apply(&state, &record);
	limit(m, &node->home, &state);
	return state.count > 0;
}

/* A change that is more than is allowed leaves all as it was, so that what the node has does not
 * give way to it. */
static void set_reported(void *context, const struct reported_node *node,
	const struct in6_addr *group, const struct mcast_state *state)
{
	struct multicast *m = context;
	const struct mcast_state *now = membership_of(m->members, &node->home);
	struct mcast_state to, allowed;
	struct mcast_record record;
	bool fits = true;

	mcast_state_clear(&to);
	if (now)
		to = *now;
	mcast_state_remove(&to, group);
	if (mcast_state_find(state, group, &record))
		fits = mcast_state_apply(&to, &record) == 0;
	allowed = to;
	limit(m, &node->home, &allowed);
	if (state->count && (!fits || allowed.count < to.count)) {
		multicast_links_note(m->links, MULTICAST_LINKS_REFUSED);
		return;
	}
	/* Without memory it goes on with what it had; its next report tries again. */
	membership_set(m->members, &node->home, node->subscriber, &allowed);
	m->reported = true;
}

static int open_reports(struct multicast *m)
{
	const struct multicast_reports_config config = {.ctrl = m->ctrl,
		.links = m->links,
		.allows = may_report,
		.changed = set_reported,
		.context = m};

	if (m->ctrl->config->multicast.reports == CTRL_REPORTS_IGNORED)
		return 0;
	m->reports = multicast_reports_new(&config, has_told);
	return m->reports ? 0 : -errno;
}

void multicast_bound(struct multicast *m, const struct in6_addr *home, uint64_t subscriber_id)
{
	if (m->reports)
		multicast_reports_bound(m->reports, home, subscriber_id);
}

int multicast_open_links(
	struct multicast *m, const struct home_policy *policy, const struct signalling_ops *ops)
{
	const struct ctrl_config_multicast *config = &m->ctrl->config->multicast;
	const struct multicast_links_config links = {
		.ctrl = m->ctrl, .members = m->members, .policy = policy, .ops = ops};

	if (!config->max_groups || !config->querier.max_groups)
		return 0;
	m->links = multicast_links_new(&links);
	return m->links ? open_reports(m) : -errno;
}

/* ---- Proxy Mobile IPv6 (RFC 6224) --------------------------------------------------------- */

int multicast_open_gateways(struct multicast *m)
{
	const struct multicast_gateways_config config = {
		.ctrl = m->ctrl, .members = m->members, .publish = m->publish, .links = m->links};
	struct session_cache *cache = lma_cache(m->ctrl->lma);

	if (!m->links)
		return 0;
	m->gateways = multicast_gateways_new(&config);
	if (!m->gateways)
		return -errno;
	m->starting = true;
	for (const struct session *s = session_cache_next(cache, NULL); s;
		s = session_cache_next(cache, s))
		if (s->now.life == SESSION_LIVE)
			multicast_session(m, &s->now.anchor, &s->now.care_of);
	m->starting = false;
	return 0;
}

void multicast_session(
	struct multicast *m, const struct in6_addr *anchor, const struct in6_addr *care_of)
{
	if (m->gateways)
		multicast_gateways_serve(m->gateways, anchor, care_of);
}

int multicast_open_nodes(struct multicast *m)
{
	const struct multicast_nodes_config config = {
		.ctrl = m->ctrl, .members = m->members, .publish = m->publish, .links = m->links};

	if (!m->links)
		return 0;
	m->starting = true;
	m->nodes = multicast_nodes_new(&config);
	m->starting = false;
	return m->nodes ? 0 : -errno;
}

void multicast_attached(struct multicast *m, const struct mag_attachment *a)
{
	if (m->nodes)
		multicast_nodes_here(m->nodes, a);
}

void multicast_detached(struct multicast *m, const struct mac *mac)
{
	if (m->nodes)
		multicast_nodes_gone(m->nodes, mac);
}

/* Whether a data plane has come by which queries can be sent. */
static bool reaches_more(struct multicast *m)
{
	const uint64_t before = m->reached;

	m->reached = 0;
	for (unsigned dp = 0; dp < m->ctrl->config->data_planes.count; dp++)
		if (publish_ready(m->ctrl->publish, dp) && packet_reaches(m->ctrl->packet, dp))
			m->reached |= 1ull << dp;
	return (m->reached & ~before) != 0;
}

static void retry(struct multicast *m)
{
	if (m->links)
		multicast_links_retry(m->links);
	if (m->gateways)
		multicast_gateways_retry(m->gateways);
	if (m->nodes)
		multicast_nodes_retry(m->nodes);
	if (m->reports)
		multicast_reports_retry(m->reports);
}

void multicast_flush(struct multicast *m)
{
	bool changed = m->links && multicast_links_changed(m->links);

	if (reaches_more(m))
		retry(m);
	changed |= m->reported;
	m->reported = false;
	changed |= m->gateways && multicast_gateways_changed(m->gateways);
	changed |= m->nodes && multicast_nodes_changed(m->nodes);
	if (changed)
		publish_flush(m->ctrl->publish);
}

const struct multicast_gateways *multicast_gateways_of(const struct multicast *m)
{
	return m->gateways;
}

const struct multicast_nodes *multicast_nodes_of(const struct multicast *m)
{
	return m->nodes;
}

const struct multicast_reports *multicast_reports_of(const struct multicast *m)
{
	return m->reports;
}

const struct multicast_links *multicast_links_of(const struct multicast *m)
{
	return m->links;
}

const struct membership *multicast_members(const struct multicast *m)
{
	return m->members;
}
