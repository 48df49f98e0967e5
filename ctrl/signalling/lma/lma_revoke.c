/*
 * Binding Revocation (RFC 5846, 8) and Update Notification (RFC 7077, 5).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "common/log.h"
#include "common/wait_group.h"
#include "ctrl/signalling/lma/lma_state.h"
#include "ctrl/signalling/proxy/trace_peer.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/mh_packet.h"

/* A notice about a session, which may be gone when it ends. */
struct lma_about {
	struct lma *lma;
	uint64_t number;
	struct in6_addr care_of;
	lma_noticed *done; /* may be NULL */
	void *context;
	enum notice_end end;
	uint8_t status;
	struct lma_about *prev, *next; /* in lma->abouts */
};

static struct lma_about *about_keep(struct lma *lma, const struct lma_about *about)
{
	struct lma_about *kept = malloc(sizeof(*kept));

	if (!kept)
		return NULL;
	*kept = *about;
	kept->lma = lma;
	DL_APPEND(lma->abouts, kept);
	return kept;
}

static void about_free(struct lma_about *about)
{
	DL_DELETE(about->lma->abouts, about);
	free(about);
}

static struct notice notice_of(const struct lma *lma, const struct session_record *record,
	enum notice_kind kind, uint16_t reason)
{
	struct notice n = {.kind = kind,
		.peer = lma_peer_of(lma, record, 0),
		.again = lma_peer_of(lma, record, 1),
		.reason = reason,
		.mn_id = record->mn_id,
		.prefix_count = record->prefix_count};

	memcpy(n.prefixes, record->prefixes, sizeof(n.prefixes));
	return n;
}

/* Sends a notice to the gateway of a record. 0 or a negative errno. */
static int start(struct lma *lma, const struct session_record *record, enum notice_kind kind,
	uint16_t reason, notice_done *fn, const struct lma_about *about)
{
	struct lma_about *kept;
	struct notice n;
	int error;

	if (!lma_peer_find(lma, &record->care_of))
		return -EOPNOTSUPP;
	kept = about_keep(lma, about);
	if (!kept)
		return -ENOMEM;
	kept->number = record->number;
	kept->care_of = record->care_of;
	n = notice_of(lma, record, kind, reason);
	error = notices_start(lma->notices, &n, fn, kept);
	if (error)
		about_free(kept);
	else
		lma_count(lma, kind == NOTICE_REVOCATION ? LMA_N_BRI : LMA_N_UPN);
	return error;
}

static void told(struct lma_about *about, int error)
{
	if (about->done)
		about->done(about->context, error, about->end, about->status);
	about_free(about);
}

static void cleared(void *context, int error)
{
	told(context, error);
}

/* RFC 5846, 8.1: the session is kept until its gateway has answered, or does not. */
static void revoked(void *context, enum notice_end end, uint8_t status)
{
	struct lma_about *about = context;
	struct session *session = session_cache_by_number(about->lma->cache, about->number);
	int error = 0;

	about->end = end;
	about->status = status;
	if (session) {
		session->revoking = false;
		error = lma_clear(about->lma, session, cleared, about);
	}
	if (!session || error)
		told(about, error == -EALREADY ? 0 : error);
}

int lma_revoke(struct lma *lma, struct session *session, lma_noticed *done, void *context)
{
	struct lma_about about = {.lma = lma, .done = done, .context = context};
	struct lma_about *kept;
	int error;

	if (session->revoking)
		return -EALREADY;
	error = session->now.life == SESSION_LIVE
			? start(lma, &session->now, NOTICE_REVOCATION, CODES_BRI_ADMINISTRATIVE,
				  revoked, &about)
			: -EOPNOTSUPP;
	session->revoking = !error;
	if (error != -EOPNOTSUPP)
		return error;
	/* Nobody can be told. */
	about.end = NOTICE_UNSUPPORTED;
	kept = about_keep(lma, &about);
	if (!kept)
		return -ENOMEM;
	error = lma_clear(lma, session, cleared, kept);
	if (error)
		about_free(kept);
	return error;
}

static void notified(void *context, enum notice_end end, uint8_t status)
{
	struct lma_about *about = context;

	about->end = end;
	about->status = status;
	if (end != NOTICE_ANSWERED || status >= CODES_UPA_SESSION)
		LOG_WARN("lma", "notification-failed", "coa=%s end=%d status=%u",
			ADDR_TEXT(&about->care_of), end, status);
	told(about, 0);
}

int lma_renew(struct lma *lma, const struct session *session, lma_noticed *done, void *context)
{
	const struct lma_about about = {.done = done, .context = context};

	return session->now.life == SESSION_LIVE ? start(lma, &session->now, NOTICE_UPDATE,
							   CODES_UPN_REREGISTER, notified, &about)
						 : -ENOENT;
}

static void left(void *context, enum notice_end end, uint8_t status)
{
	(void)end;
	(void)status;
	about_free(context);
}

void lma_revoke_before(
	struct lma *lma, const struct session_record *before, const struct session_record *to)
{
	const struct lma_about about = {.lma = lma};

	if (lma->config.revokes &&
		lma_peer_find(lma, &before->care_of) != lma_peer_find(lma, &to->care_of))
		start(lma, before, NOTICE_REVOCATION,
			before->access == to->access ? CODES_BRI_HANDOVER_SAME
						     : CODES_BRI_HANDOVER_OTHER,
			left, &about);
}

/* RFC 5846, 8.1: what the gateway before says of a node that may have come to another one. */
static void asked(void *context, enum notice_end end, uint8_t status)
{
	struct lma_about *about = context;
	struct lma *lma = about->lma;
	struct session *session = session_cache_by_number(lma->cache, about->number);

	if (session && session->parked && end == NOTICE_ANSWERED) {
		if (status < CODES_BRA_NO_BINDING)
			lma_leave(lma, session, NULL, NULL);
		else if (status == CODES_BRA_ATTACHED)
			lma_queue_unpark(lma, session);
	}
	about_free(about);
}

void lma_revoke_parked(struct lma *lma, const struct session *session)
{
	const struct lma_about about = {.lma = lma};

	if (lma->config.revokes && session->now.life == SESSION_LIVE)
		start(lma, &session->now, NOTICE_REVOCATION, CODES_BRI_HANDOVER_UNKNOWN, asked,
			&about);
}

/* Sessions that a gateway revokes, until all have ended. */
struct lma_batch {
	struct lma *lma;
	struct proxy_peer peer;
	struct mh_revocation answer;
	struct wait_group group;
	bool found;
	struct session_mn_id about; /* len 0: nobody alone */
	uint8_t octets[SESSION_MN_ID_MAX];
	struct lma_batch *prev, *next; /* in lma->batches */
};

static void answer(struct lma *lma, const struct proxy_peer *peer, struct mh_revocation body,
	const struct session_mn_id *about)
{
	struct mh mh = {.type = MH_REVOCATION, .revocation = body};
	struct packet_inject inject = {.how = PACKET_TO_ROUTE};
	uint8_t buf[MH_PACKET_MAX];
	ssize_t len = proxy_peer_encode(peer, lma->hmac, &mh, buf, sizeof(buf));

	inject.length = (uint16_t)(len > 0 ? len : 0);
	inject.frame = buf;
	if (len > 0)
		trace_peer(&lma->tracer, &(struct trace_peer){.kind = TRACER_SENT,
						 .mh = &mh,
						 .care_of = &peer->care_of,
						 .mn_id = about,
						 .octets = buf,
						 .len = (size_t)len});
	if (len < 0 || lma->ops.inject(lma->ops.context, NULL, &inject) != 0)
		lma_count(lma, LMA_N_SEND_FAILED);
}

static void all_left(void *context, int error)
{
	struct lma_batch *batch = context;

	if (error)
		batch->answer.status = CODES_BRA_PARTIAL;
	answer(batch->lma, &batch->peer, batch->answer, &batch->about);
	DL_DELETE(batch->lma->batches, batch);
	free(batch);
}

/* Whether a session is one of those that an indication names. */
static bool is_named(const struct session *s, const struct mh *mh)
{
	const struct mh_option *o = option_find(mh, OPTION_HOME_NETWORK_PREFIX);

	for (; o; o = option_next(mh, o)) {
		const struct prefix6 prefix = prefix6_of(&o->prefix.prefix, o->prefix.len);

		for (size_t i = 0; i < s->now.prefix_count; i++)
			if (prefix6_compare(&s->now.prefixes[i], &prefix) == 0)
				return true;
	}
	return !option_find(mh, OPTION_HOME_NETWORK_PREFIX);
}

static void leave(struct lma_batch *batch, struct session *s, const struct lma_peer *peer)
{
	if (s->now.life != SESSION_LIVE || lma_peer_find(batch->lma, &s->now.care_of) != peer)
		return;
	wait_group_add(&batch->group);
	if (lma_leave(batch->lma, s, wait_group_done, &batch->group) < 0)
		wait_group_done(&batch->group, 0);
	else
		batch->found = true;
}

/* Whether a session is by this address; of several bindings one is enough (RFC 8278). */
static bool is_by(const struct session_record *record, const struct in6_addr *care_of)
{
	bool found = addr_equal(&record->care_of, care_of);

	for (size_t i = 0; i < record->path_count; i++)
		found |= addr_equal(&record->paths[i].care_of, care_of);
	return found;
}

/* RFC 5846, 8.2: all of a gateway, or of one of its care-of addresses. */
static void leave_all(struct lma_batch *batch, const struct lma_peer *peer, const struct mh *mh,
	const struct in6_addr *src)
{
	const struct mh_option *coa = option_find(mh, OPTION_ALTERNATE_COA);
	const struct in6_addr *care_of = coa ? &coa->alternate_coa.coa : src;
	struct session *next = session_cache_next(batch->lma->cache, NULL), *s;

	while ((s = next)) {
		next = session_cache_next(batch->lma->cache, s);
		if (is_by(&s->now, care_of))
			leave(batch, s, peer);
	}
}

/* The status with which an indication is refused; 0: it is not. */
static uint8_t fault(struct lma *lma, const struct lma_peer *peer, const struct mh *mh,
	struct session_node **node)
{
	const struct mh_option *mn = option_find(mh, OPTION_MN_ID);
	const struct mh_revocation *r = &mh->revocation;
	struct session_mn_id mn_id = {0};
	size_t named = peer->identifier ? strlen(peer->identifier) : 0;

	if (!(r->flags & FLAGS_REVOCATION_P) || r->flags & FLAGS_REVOCATION_V)
		return CODES_BRA_NO_BINDING;
	if (!(r->flags & FLAGS_REVOCATION_G) != (r->trigger < CODES_BRI_PER_PEER))
		return CODES_BRA_FUNCTION;
	if (mn)
		mn_id = (struct session_mn_id){
			mn->mn_id.subtype, mn->mn_id.id.len, mn->mn_id.id.at};
	if (r->flags & FLAGS_REVOCATION_G) {
		if (r->trigger != CODES_BRI_PER_PEER)
			return CODES_BRA_TRIGGER;
		return named && mn_id.len == named && !memcmp(mn_id.octets, peer->identifier, named)
			       ? 0
			       : CODES_BRA_GLOBAL_NOT_AUTHORIZED;
	}
	if (r->trigger > CODES_BRI_OUT_OF_SYNC)
		return CODES_BRA_TRIGGER;
	if (!mn_id.len)
		return CODES_BRA_IDENTITY_REQUIRED;
	*node = session_cache_node(lma->cache, &mn_id);
	return *node ? 0 : CODES_BRA_NO_BINDING;
}

void lma_revoke_receive(struct lma *lma, const struct lma_peer *peer,
	const struct receive_packet *packet, const struct mh *mh)
{
	struct mh_revocation body = {.type = CODES_REVOCATION_ACKNOWLEDGEMENT,
		.sequence = mh->revocation.sequence,
		.flags = mh->revocation.flags};
	struct proxy_peer at = lma_peer_at(peer, &packet->ip6.dst, &packet->ip6.src);
	const struct mh_option *mn = option_find(mh, OPTION_MN_ID);
	struct session_mn_id about = {0};
	struct session_node *node = NULL;
	struct lma_batch *batch;

	lma_count(lma, LMA_N_BRI_RECEIVED);
	if (mn)
		about = (struct session_mn_id){
			mn->mn_id.subtype, mn->mn_id.id.len, mn->mn_id.id.at};
	body.status = fault(lma, peer, mh, &node);
	batch = body.status ? NULL : malloc(sizeof(*batch));
	if (!batch) {
		if (body.status)
			answer(lma, &at, body, &about);
		return;
	}
	*batch = (struct lma_batch){.lma = lma, .peer = at, .answer = body};
	wait_group_init(&batch->group, all_left, batch);
	DL_APPEND(lma->batches, batch);
	if (about.len && about.len <= sizeof(batch->octets)) {
		memcpy(batch->octets, about.octets, about.len);
		batch->about = (struct session_mn_id){about.subtype, about.len, batch->octets};
	}
	if (!node)
		leave_all(batch, peer, mh, &packet->ip6.src);
	for (struct session *next = node ? node->sessions : NULL, *s; (s = next);) {
		next = s->next;
		if (is_named(s, mh))
			leave(batch, s, peer);
	}
	if (node && !batch->found)
		batch->answer.status = CODES_BRA_NO_BINDING;
	wait_group_done(&batch->group, 0);
}

void lma_revoke_close(struct lma *lma)
{
	struct lma_about *about, *next_about;
	struct lma_batch *batch, *next_batch;

	DL_FOREACH_SAFE(lma->abouts, about, next_about)
	free(about);
	DL_FOREACH_SAFE(lma->batches, batch, next_batch)
	free(batch);
}
