/*
 * Sessions with several bindings: the ways to a gateway that registers more than one Proxy-CoA for
 * a node, each under an identifier of its own (RFC 8278).
 */
#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/status.h"

enum {
	BID_FIRST = 1,
	BID_LAST = 254, /* RFC 8278, 4.1 */
};

static struct lma_verdict refuse(uint8_t status)
{
	return (struct lma_verdict){.outcome = LMA_REFUSE, .status = status};
}

static bool is_sound(const struct lma_update *u)
{
	const struct option_mag_multipath *m = &u->multipath;

	if (m->bid < BID_FIRST || m->bid > BID_LAST || !u->has_mag_id)
		return false;
	return !m->overwrite || (!m->bulk && u->lifetime);
}

struct lma_verdict lma_path_check(struct lma_check *c)
{
	if (!c->update->has_multipath)
		return (struct lma_verdict){.outcome = LMA_PASS};
	if (!c->lma->config.max_paths || !c->profile->multipath)
		return refuse(STATUS_BA_MULTIPATH);
	if (!is_sound(c->update))
		return refuse(STATUS_BA_UNSPECIFIED);
	return (struct lma_verdict){.outcome = LMA_PASS};
}

/* The record of a session when the newest registration that it has taken, but for those that wait,
 * is done. */
static const struct session_record *newest(const struct session *session)
{
	return session->running && session->running->to.life == SESSION_LIVE ? &session->running->to
									     : &session->now;
}

static bool at_gateway(
	const struct lma *lma, const struct session_record *record, const struct lma_update *u)
{
	return lma_peer_find(lma, &record->care_of) == u->peer;
}

/* Bindings that a session will have when all that waits is done. */
static size_t expected(const struct session *session, const struct session_record *record)
{
	size_t count = record->path_count;

	for (const struct lma_request *r = session->waiting; r; r = r->next)
		count += r->kind == LMA_REGISTER && r->update.has_multipath &&
			 !session_path_find(record, r->update.multipath.bid);
	return count;
}

struct lma_verdict lma_path_check_room(struct lma_check *c)
{
	const struct lma_update *u = c->update;
	const struct session_record *r;

	if (!u->has_multipath || !u->lifetime || c->found.act != LMA_ACT_UPDATE)
		return (struct lma_verdict){.outcome = LMA_PASS};
	r = newest(c->found.session);
	if (u->multipath.overwrite || !at_gateway(c->lma, r, u) ||
		session_path_find(r, u->multipath.bid) ||
		expected(c->found.session, r) < c->lma->config.max_paths)
		return (struct lma_verdict){.outcome = LMA_PASS};
	return refuse(STATUS_BA_RESOURCES);
}

void lma_path_metrics(struct lma *lma, const struct lma_update *u, const struct mh *mh)
{
	struct metrics_list metrics;

	if (!lma->config.metrics_vendor || !u->has_multipath || !u->lifetime)
		return;
	for (const struct mh_option *o = option_find(mh, OPTION_VENDOR); o;
		o = option_next(mh, o)) {
		const struct option_vendor *vendor = &o->vendor;

		if (vendor->vendor != lma->config.metrics_vendor ||
			vendor->subtype != METRICS_SUBTYPE)
			continue;
		if (metrics_decode(vendor->data.at, vendor->data.len, &metrics) < 0) {
			lma_count(lma, LMA_N_METRICS_BAD);
			continue;
		}
		lma_count(lma, LMA_N_METRICS);
		lma->ops.metrics(lma->ops.context, u->peer, &metrics);
	}
}

/* The later of `last` and the timestamp of a request for the same binding. */
static uint64_t later(uint64_t last, const struct lma_request *r, const struct lma_update *u)
{
	bool same = r && r->update.has_multipath && r->update.multipath.bid == u->multipath.bid;

	return same && r->update.timestamp > last ? r->update.timestamp : last;
}

/*
 * What comes over different ways overtakes itself, and bindings may be registered concurrently
 * (RFC 8278, 4.4): so a binding that is there is compared with itself alone.
 */
uint64_t lma_path_last_timestamp(const struct lma_check *c)
{
	const struct lma_update *u = c->update;

	for (const struct session *s = u->has_multipath ? c->node->sessions : NULL; s;
		s = s->next) {
		const struct session_path *path = session_path_find(&s->now, u->multipath.bid);
		uint64_t last;

		if (!path || !at_gateway(c->lma, &s->now, u))
			continue;
		last = later(path->timestamp, s->running, u);
		for (const struct lma_request *r = s->waiting; r; r = r->next)
			last = later(last, r, u);
		return last;
	}
	return c->node->last_timestamp;
}

bool lma_path_is_here(
	const struct lma *lma, const struct session *session, const struct lma_update *u)
{
	const struct session_record *r = newest(session);

	return r->life == SESSION_LIVE && r->path_count && at_gateway(lma, r, u);
}

/* Care-of address, anchor, encapsulation and end of the whole from the paths. */
static void sum_up(struct session_record *to)
{
	to->care_of = to->paths[0].care_of;
	to->anchor = to->paths[0].anchor;
	to->data_plane = to->paths[0].data_plane;
	to->encapsulation = to->paths[0].encapsulation;
	to->expires_ns = 0;
	for (size_t i = 0; i < to->path_count; i++)
		if (to->paths[i].expires_ns > to->expires_ns) {
			to->expires_ns = to->paths[i].expires_ns;
			to->lifetime = to->paths[i].lifetime;
		}
}

void lma_path_register(const struct lma *lma, const struct session_record *now,
	const struct lma_update *u, struct session_record *to)
{
	const struct session_path path = {.bid = u->multipath.bid,
		.access = u->multipath.access,
		.label = u->multipath.label,
		.lifetime = to->lifetime,
		.care_of = to->care_of,
		.anchor = to->anchor,
		.data_plane = to->data_plane,
		.expires_ns = to->expires_ns,
		.timestamp = u->timestamp,
		.encapsulation = to->encapsulation};

	if (!u->has_multipath || u->multipath.overwrite || now->life != SESSION_LIVE ||
		!at_gateway(lma, now, u))
		to->path_count = 0;
	if (!u->has_multipath)
		return;
	for (size_t i = 0; i < to->path_count && u->multipath.bulk; i++) {
		to->paths[i].lifetime = to->lifetime;
		to->paths[i].expires_ns = to->expires_ns;
	}
	session_path_put(to, &path);
	sum_up(to);
}

bool lma_path_deregister(const struct lma_update *u, struct session_record *to)
{
	if (!u->has_multipath || !to->path_count)
		return false;
	session_path_remove(to, u->multipath.bid);
	if (to->path_count)
		sum_up(to);
	return to->path_count;
}

bool lma_path_expire(uint64_t real_ns, struct session_record *to)
{
	uint8_t over[SESSION_PATHS_MAX];
	size_t count = 0;

	for (size_t i = 0; i < to->path_count; i++)
		if (to->paths[i].expires_ns <= real_ns)
			over[count++] = to->paths[i].bid;
	while (count)
		session_path_remove(to, over[--count]);
	if (to->path_count)
		sum_up(to);
	return to->path_count;
}

uint64_t lma_path_first_end(const struct session_record *record)
{
	uint64_t end = record->expires_ns;

	for (size_t i = 0; i < record->path_count; i++)
		if (record->life == SESSION_LIVE && record->paths[i].expires_ns < end)
			end = record->paths[i].expires_ns;
	return end;
}
