#include "ctrl/signalling/lma/lma.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

const struct counter_def lma_counter_defs[LMA_COUNTERS] = {
#define LMA_COUNTER_DEF(id, name, help) [LMA_N_##id] = {name, help},
	LMA_COUNTER_LIST(LMA_COUNTER_DEF)
#undef LMA_COUNTER_DEF
};

const char *lma_event_name(enum lma_event_kind kind)
{
	static const char *const names[] = {
		[LMA_REGISTERED] = "registered",
		[LMA_EXTENDED] = "extended",
		[LMA_HANDED_OVER] = "handed-over",
		[LMA_DEREGISTERED] = "deregistered",
		[LMA_EXPIRED] = "expired",
		[LMA_CLEARED] = "cleared",
		[LMA_LEFT] = "left",
		[LMA_REFUSED] = "refused",
		[LMA_PATH_ADDED] = "path-added",
		[LMA_PATH_ENDED] = "path-ended",
	};
	size_t count = sizeof(names) / sizeof(*names);

	return (size_t)kind < count && names[kind] ? names[kind] : "unknown";
}

struct lma *lma_new(const struct lma_config *config, const struct lma_ops *ops)
{
	struct lma *lma = calloc(1, sizeof(*lma));
	int error;

	if (!lma)
		return NULL;
	lma->config = *config;
	lma->ops = *ops;
	lma->hmac = hmac_new();
	lma->cache = session_cache_new();
	wheel_init(&lma->wheel, lma_now(lma), lma);
	error = lma->hmac && lma->cache ? lma_prefix_open(lma) : -ENOMEM;
	if (!error)
		error = lma_peer_open(lma);
	if (error) {
		lma_free(lma);
		errno = -error;
		return NULL;
	}
	token_bucket_fill(&lma->strangers, config->refusals_per_second, lma_now(lma));
	return lma;
}

void lma_free(struct lma *lma)
{
	if (!lma)
		return;
	for (struct session *s = NULL; lma->cache && (s = session_cache_next(lma->cache, s));)
		lma_queue_forget(lma, s);
	lma_peer_close(lma);
	lma_revoke_close(lma);
	session_cache_free(lma->cache);
	while (lma->requests) {
		struct lma_request *next = lma->requests->next;

		free(lma->requests);
		lma->requests = next;
	}
	lma_prefix_close(lma);
	hmac_free(lma->hmac);
	free(lma);
}

struct wheel *lma_wheel(struct lma *lma)
{
	return &lma->wheel;
}

struct session_cache *lma_cache(struct lma *lma)
{
	return lma->cache;
}

size_t lma_live(const struct lma *lma)
{
	return lma->live;
}

json_t *lma_counters(const struct lma *lma)
{
	return counter_json(lma_counter_defs, lma->counters, LMA_COUNTERS);
}

const uint64_t *lma_values(const struct lma *lma)
{
	return lma->counters;
}

bool lma_is_own(const struct lma *lma, const struct in6_addr *address)
{
	for (size_t i = 0; i < lma->config.address_count; i++)
		if (addr_equal(&lma->config.addresses[i], address))
			return true;
	return false;
}

static bool peer_has(const struct lma_peer *peer, const struct in6_addr *address)
{
	for (size_t i = 0; i < peer->address_count; i++)
		if (addr_equal(&peer->addresses[i], address))
			return true;
	return false;
}

const struct lma_peer *lma_peer_find(const struct lma *lma, const struct in6_addr *address)
{
	for (size_t i = 0; i < lma->config.peer_count; i++)
		if (peer_has(&lma->config.peers[i], address))
			return &lma->config.peers[i];
	return NULL;
}

int lma_restore(struct lma *lma, const struct session_record *record)
{
	struct session *session;
	int error;

	if (record->life == SESSION_NONE || !record->number)
		return -EINVAL;
	session = session_cache_add(lma->cache, record);
	if (!session)
		return -errno;
	lma_session_init(session);
	error = lma_prefix_restore(lma, record);
	if (error)
		return error;
	session->sequence = record->sequence;
	if (record->timestamp > session->node->last_timestamp)
		session->node->last_timestamp = record->timestamp;
	if (record->life == SESSION_LIVE) {
		lma->live++;
		lma_count(lma, LMA_N_RESTORED);
	}
	lma_session_begin(lma, session);
	lma_session_rest(lma, session);
	return 0;
}

/* The prefixes that a message asks for; all zero ones too (RFC 5213, 8.3). */
static void reduce_prefixes(const struct mh *mh, struct lma_update *u)
{
	for (const struct mh_option *o = option_find(mh, OPTION_HOME_NETWORK_PREFIX);
		o && u->prefix_count < LMA_PREFIXES_MAX; o = option_next(mh, o)) {
		struct prefix6 *prefix = &u->prefixes[u->prefix_count++];

		*prefix = prefix6_of(&o->prefix.prefix, o->prefix.len <= 128 ? o->prefix.len : 128);
	}
}

static struct session_link_id link_id_of(const struct mh_option *option)
{
	struct session_link_id id = {.len = option->octets.octets.len};

	if (id.len > SESSION_LINK_ID_MAX)
		id.len = SESSION_LINK_ID_MAX;
	if (id.len)
		memcpy(id.octets, option->octets.octets.at, id.len);
	return id;
}

static void reduce_options(const struct mh *mh, struct lma_update *u)
{
	const struct mh_option *mn_id = option_find(mh, OPTION_MN_ID);
	const struct mh_option *access = option_find(mh, OPTION_ACCESS_TECHNOLOGY);
	const struct mh_option *handoff = option_find(mh, OPTION_HANDOFF);
	const struct mh_option *stamp = option_find(mh, OPTION_TIMESTAMP);
	const struct mh_option *link_id = option_find(mh, OPTION_MN_LINK_ID);
	const struct mh_option *link_local = option_find(mh, OPTION_LINK_LOCAL);
	const struct mh_option *multipath = option_find(mh, OPTION_MAG_MULTIPATH);

	if (mn_id)
		u->mn_id = (struct session_mn_id){.subtype = mn_id->mn_id.subtype,
			.len = mn_id->mn_id.id.len,
			.octets = mn_id->mn_id.id.at};
	u->access = access ? access->access.value : 0;
	u->handoff = handoff ? handoff->handoff.value : 0;
	u->has_timestamp = stamp;
	u->timestamp = stamp ? stamp->timestamp.time : 0;
	u->has_link_id = link_id;
	if (link_id)
		u->link_id = link_id_of(link_id);
	u->has_link_local = link_local;
	if (link_local)
		u->link_local = link_local->ip6.address;
	u->has_mag_id = option_find(mh, OPTION_MAG_ID);
	u->has_multipath = multipath;
	if (multipath)
		u->multipath = multipath->mag_multipath;
	lma_gre_read(mh, u);
	lma_serving_read(mh, u);
	reduce_prefixes(mh, u);
}

static struct lma_update reduce(
	const struct lma *lma, const struct receive_packet *packet, const struct mh *mh)
{
	const struct mh_option *coa = option_find(mh, OPTION_ALTERNATE_COA);
	struct lma_update u = {
		.src = packet->ip6.src,
		.care_of = coa ? coa->alternate_coa.coa : packet->ip6.src,
		.anchor = packet->ip6.dst,
		.sequence = mh->bu.sequence,
		.flags = mh->bu.flags,
		.lifetime = mh->bu.lifetime,
		.peer = lma_peer_find(lma, &packet->ip6.src),
	};

	reduce_options(mh, &u);
	lma_delegation_read(lma, mh, &u);
	snprintf(u.data_plane, sizeof(u.data_plane), "%s", packet->data_plane);
	return u;
}

/* A request made of an update that a session takes over. NULL: no memory, and it was refused. */
static struct lma_request *request_of(
	struct lma *lma, const struct lma_update *update, const struct session *session)
{
	struct lma_request *r =
		lma_request_new(lma, update->lifetime ? LMA_REGISTER : LMA_DEREGISTER);

	if (!r) {
		lma_count(lma, LMA_N_NO_MEMORY);
		lma_refuse(lma, update, true, STATUS_BA_RESOURCES, update->sequence);
		return NULL;
	}
	r->update = *update;
	r->update.mn_id = session->now.mn_id;
	if (update->has_timestamp && update->timestamp > session->node->last_timestamp)
		session->node->last_timestamp = update->timestamp;
	return r;
}

/* A session without life, with its prefixes. NULL, and the status with which it cannot be. */
static struct session *session_make(struct lma *lma, const struct lma_profile *profile,
	const struct lma_update *update, uint8_t *status)
{
	struct session_record record = {.mn_id = update->mn_id};
	struct session *session;

	if (session_cache_count(lma->cache) >= lma->config.max_sessions) {
		lma_count(lma, LMA_N_FULL);
		*status = STATUS_BA_RESOURCES;
		return NULL;
	}
	*status = lma_prefix_take(lma, profile, update, &record);
	if (*status)
		return NULL;
	session = session_cache_add(lma->cache, &record);
	if (!session) {
		lma_prefix_release(lma, &record);
		lma_count(lma, LMA_N_NO_MEMORY);
		*status = STATUS_BA_RESOURCES;
		return NULL;
	}
	lma_session_init(session);
	return session;
}

void lma_create(struct lma *lma, const struct lma_profile *profile, const struct lma_update *update)
{
	uint8_t status;
	struct session *session = session_make(lma, profile, update, &status);
	struct lma_request *r;

	if (!session) {
		lma_refuse(lma, update, true, status, update->sequence);
		return;
	}
	r = request_of(lma, update, session);
	session->sequence = update->sequence;
	if (r)
		lma_queue_put(lma, session, r);
	else
		lma_session_rest(lma, session);
}

/* Takes an update that has passed all tests. */
static void take(struct lma *lma, const struct lma_check *c)
{
	struct session *session = c->found.session;
	struct lma_request *r;

	if (c->found.act == LMA_ACT_NEW) {
		lma_create(lma, c->profile, c->update);
		return;
	}
	r = request_of(lma, c->update, session);
	if (!r)
		return;
	if (c->found.act == LMA_ACT_WAIT) {
		lma_queue_park(lma, session, r);
		return;
	}
	session->sequence = c->update->sequence;
	lma_queue_put(lma, session, r);
}

static void dropped(struct lma *lma, const struct lma_update *u, enum lma_counter counter)
{
	static struct log_limit limit = LOG_LIMIT(5);
	char mn[SESSION_MN_ID_TEXT_SIZE];

	lma_count(lma, counter);
	LOG_LIMITED(&limit, LOG_LEVEL_INFO, "lma", "dropped", "mn=%s coa=%s src=%s reason=%s",
		LOG_QUOTE(session_mn_id_text(mn, &u->mn_id)), ADDR_TEXT(&u->care_of),
		ADDR_TEXT(&u->src), lma_counter_defs[counter].name);
}

/* Tells who traces a node what became of an update for it. */
static void trace(const struct lma *lma, const struct lma_update *u,
	const struct receive_packet *packet, const struct lma_verdict *verdict)
{
	char mn[SESSION_MN_ID_TEXT_SIZE];
	const char *outcome = "taken";

	if (verdict->outcome == LMA_DROP)
		outcome = lma_counter_defs[verdict->counter].name;
	else if (verdict->outcome == LMA_REFUSE)
		outcome = status_ba_name(verdict->status);
	tracer_tell(&lma->tracer, &(struct tracer_item){.kind = TRACER_RECEIVED,
					  .what = "proxy-binding-update",
					  .outcome = outcome,
					  .data_plane = packet->data_plane,
					  .mn_id = session_mn_id_text(mn, &u->mn_id),
					  .home = u->prefix_count ? &u->prefixes[0].addr : NULL,
					  .care_of = &u->care_of,
					  .octets = packet->ip,
					  .len = packet->len});
}

void lma_set_tracer(struct lma *lma, struct tracer tracer)
{
	lma->tracer = tracer;
}

void lma_receive(struct lma *lma, const struct receive_packet *packet, const struct mh *mh)
{
	struct lma_update u;
	struct lma_check c = {.lma = lma, .octets = receive_mh(packet), .mh = mh, .update = &u};
	struct lma_verdict verdict;

	if (mh->type != MH_BU) {
		lma_peer_receive(lma, packet, mh);
		return;
	}
	if (!(mh->bu.flags & FLAGS_BU_P)) {
		lma_count(lma, LMA_N_NOT_PROXY);
		return;
	}
	lma_count(lma, LMA_N_PBU);
	u = reduce(lma, packet, mh);
	verdict = lma_check(&c);
	if (lma->tracer.fn && u.mn_id.len)
		trace(lma, &u, packet, &verdict);
	switch (verdict.outcome) {
	case LMA_PASS:
		lma_path_metrics(lma, &u, mh);
		take(lma, &c);
		break;
	case LMA_DROP:
		dropped(lma, &u, verdict.counter);
		break;
	case LMA_REFUSE:
		lma_refuse(lma, &u, c.authentic, verdict.status,
			verdict.status == STATUS_BA_SEQUENCE ? c.found.session->sequence
							     : u.sequence);
		break;
	}
}

static bool is_kind(const struct lma_request *r, enum lma_request_kind kind)
{
	return r && r->kind == kind;
}

/* Ends a session, unless somebody else does; one that leaves can still be cleared. */
static int end(struct lma *lma, struct session *session, enum lma_request_kind kind, lma_done *done,
	void *done_context)
{
	struct lma_request *r;

	if (is_kind(session->waiting, LMA_CLEAR) || is_kind(session->running, LMA_CLEAR) ||
		is_kind(session->waiting, LMA_LEAVE) ||
		(kind == LMA_LEAVE && is_kind(session->running, LMA_LEAVE)))
		return -EALREADY;
	r = lma_request_new(lma, kind);
	if (!r)
		return -ENOMEM;
	r->done = done;
	r->done_context = done_context;
	lma_queue_put(lma, session, r);
	return 0;
}

/* Whether a session has, or is about to have, several bindings at this gateway. What waits is
 * compiled when its turn comes. */
static bool is_of(const struct lma *lma, const struct session *s, const char *gateway)
{
	const struct lma_peer *peer;

	if (s->now.life != SESSION_LIVE || s->waiting || (!s->now.path_count && !s->running))
		return false;
	if (!gateway || s->running)
		return true;
	peer = lma_peer_find(lma, &s->now.care_of);
	return peer && strcmp(peer->name, gateway) == 0;
}

void lma_renew_paths(struct lma *lma, const char *gateway)
{
	for (struct session *s = NULL; (s = session_cache_next(lma->cache, s));) {
		struct lma_request *r;

		if (!is_of(lma, s, gateway))
			continue;
		r = lma_request_new(lma, LMA_RENEW);
		if (r)
			lma_queue_put(lma, s, r);
		else
			lma_count(lma, LMA_N_NO_MEMORY);
	}
}

int lma_clear(struct lma *lma, struct session *session, lma_done *done, void *done_context)
{
	return end(lma, session, LMA_CLEAR, done, done_context);
}

int lma_leave(struct lma *lma, struct session *session, lma_done *done, void *done_context)
{
	return end(lma, session, LMA_LEAVE, done, done_context);
}

bool lma_pool_state(const struct lma *lma, size_t index, struct lma_pool_state *state)
{
	if (index >= lma->config.pool_count)
		return false;
	*state = (struct lma_pool_state){.pool = &lma->config.pools[index],
		.size = prefix_pool_size(lma->pools[index]),
		.used = prefix_pool_used(lma->pools[index])};
	return true;
}
