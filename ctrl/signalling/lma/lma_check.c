#include <string.h>

#include "common/clock.h"
#include "ctrl/binding/binding.h"
#include "ctrl/signalling/association.h"
#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/flags.h"
#include "proto/mobility/status.h"

typedef struct lma_verdict check_fn(struct lma_check *c);

static struct lma_verdict pass(void)
{
	return (struct lma_verdict){.outcome = LMA_PASS};
}

static struct lma_verdict drop(enum lma_counter counter)
{
	return (struct lma_verdict){.outcome = LMA_DROP, .counter = counter};
}

static struct lma_verdict refuse(uint8_t status)
{
	return (struct lma_verdict){.outcome = LMA_REFUSE, .status = status};
}

/* The answer goes to the source, which must be one node. */
static struct lma_verdict check_source(struct lma_check *c)
{
	return addr_is_unicast_routable(&c->update->src) ? pass() : drop(LMA_N_SOURCE);
}

/* Whether a stranger may be told so now: its source may be forged, and is not to be flooded. */
static bool stranger_pass(struct lma *lma)
{
	return token_bucket_take(&lma->strangers, lma->config.refusals_per_second, lma_now(lma));
}

/* RFC 5213, 5.3.1, 6. */
static struct lma_verdict check_peer(struct lma_check *c)
{
	if (c->update->peer)
		return pass();
	return stranger_pass(c->lma) ? refuse(STATUS_BA_MAG_NOT_AUTHORIZED)
				     : drop(LMA_N_STRANGER_LIMITED);
}

/* A Proxy Binding Update names no home address: the authenticator covers the all-zero one. */
static struct association association_of(const struct lma_check *c)
{
	return (struct association){.has_key = c->update->peer->has_key,
		.spi = c->update->peer->spi,
		.key = c->update->peer->key,
		.coa = c->update->care_of};
}

/* RFC 4285, 5 and 5.1: the option is there, at its place, and names an association that we have. */
static struct lma_verdict check_association(struct lma_check *c)
{
	static const enum lma_counter counters[ASSOCIATION_RESULTS] = {
		[ASSOCIATION_ABSENT] = LMA_N_AUTH_ABSENT,
		[ASSOCIATION_ORDER] = LMA_N_AUTH_ORDER,
		[ASSOCIATION_SPI] = LMA_N_SPI,
	};
	const struct association a = association_of(c);
	enum association_result result = association_name(&a, c->mh);

	return result == ASSOCIATION_GOOD ? pass() : drop(counters[result]);
}

/* Who has another key could not check our answer's, and who has none is not to get one from us: a
 * gateway that believed it would cease to serve its node. */
static struct lma_verdict check_authenticator(struct lma_check *c)
{
	const struct association a = association_of(c);

	c->authentic = association_check(&a, c->lma->hmac, c->octets, c->mh) == ASSOCIATION_GOOD;
	if (c->authentic)
		return pass();
	return stranger_pass(c->lma) ? refuse(STATUS_BA_AUTH_FAIL) : drop(LMA_N_STRANGER_LIMITED);
}

/* The tunnel leads to the gateway that asks, and to nobody else. */
static struct lma_verdict check_care_of(struct lma_check *c)
{
	if (lma_peer_find(c->lma, &c->update->care_of) != c->update->peer)
		return refuse(STATUS_BA_MAG_NOT_AUTHORIZED);
	return pass();
}

/* RFC 8885, 4.1: this sender is no gateway but an anchor of another kind, which is not served. */
static struct lma_verdict check_role(struct lma_check *c)
{
	return c->update->flags & FLAGS_BU_D ? refuse(STATUS_BA_PROHIBITED) : pass();
}

/* RFC 5213, 5.3.1, 4. */
static struct lma_verdict check_mn_id(struct lma_check *c)
{
	return c->update->mn_id.len ? pass() : refuse(STATUS_BA_MISSING_MN_ID);
}

/* RFC 5213, 5.3.1, 7 and 8. */
static struct lma_verdict check_profile(struct lma_check *c)
{
	c->profile = lma_profile_find(c->lma, &c->update->mn_id);
	c->node = session_cache_node(c->lma->cache, &c->update->mn_id);
	if (!c->profile)
		return refuse(STATUS_BA_NOT_LMA);
	return c->profile->enabled ? pass() : refuse(STATUS_BA_PROXY_NOT_ENABLED);
}

static bool same(const struct lma_request *r, const struct lma_update *u)
{
	return r && (r->kind == LMA_REGISTER || r->kind == LMA_DEREGISTER) &&
	       r->update.sequence == u->sequence && r->update.timestamp == u->timestamp &&
	       r->update.lifetime == u->lifetime && addr_equal(&r->update.src, &u->src) &&
	       addr_equal(&r->update.care_of, &u->care_of);
}

/* A copy of a message that will be answered is no replay: it would only be refused for its age. */
static struct lma_verdict check_repeated(struct lma_check *c)
{
	for (const struct session *s = c->node ? c->node->sessions : NULL; s; s = s->next) {
		bool found = same(s->running, c->update) || same(s->parked, c->update);

		for (const struct lma_request *r = s->waiting; r && !found; r = r->next)
			found = same(r, c->update);
		if (found)
			return drop(LMA_N_REPEATED);
	}
	return pass();
}

/* RFC 5213, 5.5 and 9.3: close enough to our clock, and later than all that were accepted for the
 * node. */
static struct lma_verdict check_timestamp(struct lma_check *c)
{
	const struct lma_update *u = c->update;
	uint64_t window = (uint64_t)c->lma->config.timestamp_window_ms * 65536 / 1000;
	uint64_t now = clock_48_16_from_ns(lma_real(c->lma));
	uint64_t apart = u->timestamp > now ? u->timestamp - now : now - u->timestamp;

	if (!u->has_timestamp)
		return c->lma->config.timestamps ? refuse(STATUS_BA_TIMESTAMP_MISMATCH) : pass();
	if (c->node && u->timestamp <= lma_path_last_timestamp(c))
		return refuse(STATUS_BA_TIMESTAMP_LOWER);
	return apart <= window ? pass() : refuse(STATUS_BA_TIMESTAMP_MISMATCH);
}

/* RFC 5213, 5.3.1, 10 to 12. */
static struct lma_verdict check_options(struct lma_check *c)
{
	if (!c->update->prefix_count)
		return refuse(STATUS_BA_MISSING_HNP);
	if (!option_find(c->mh, OPTION_HANDOFF))
		return refuse(STATUS_BA_MISSING_HANDOFF);
	if (!option_find(c->mh, OPTION_ACCESS_TECHNOLOGY))
		return refuse(STATUS_BA_MISSING_ACCESS_TECH);
	return pass();
}

/* A link-layer identifier that is cut could be mistaken for another. */
static struct lma_verdict check_link_id(struct lma_check *c)
{
	const struct mh_option *id = option_find(c->mh, OPTION_MN_LINK_ID);

	return id && id->octets.octets.len > SESSION_LINK_ID_MAX ? refuse(STATUS_BA_UNSPECIFIED)
								 : pass();
}

/* RFC 5213, 5.3.1, 13, and 5.4.1. */
static struct lma_verdict check_session(struct lma_check *c)
{
	c->found = lma_lookup(c->lma, c->node, c->profile->domain, c->update);
	if (c->found.act == LMA_ACT_REFUSE)
		return refuse(c->found.status);
	/* Its profile was of another domain when it began: it ends before a new one can. */
	if (c->found.session && c->found.session->now.domain != c->profile->domain &&
		c->update->lifetime)
		return refuse(STATUS_BA_HNP_NOT_AUTHORIZED);
	return c->found.act == LMA_ACT_IGNORE ? drop(LMA_N_NO_SESSION) : pass();
}

/* RFC 5213, 5.5: without a timestamp, the sequence number of the session counts. */
static struct lma_verdict check_sequence(struct lma_check *c)
{
	const struct lma_update *u = c->update;

	if (u->has_timestamp || c->found.act != LMA_ACT_UPDATE)
		return pass();
	return binding_sequence_newer(u->sequence, c->found.session->sequence)
		       ? pass()
		       : refuse(STATUS_BA_SEQUENCE);
}

/* RFC 5213, 5.3.5, 1: the node is at another gateway by now. */
static struct lma_verdict check_end(struct lma_check *c)
{
	if (c->update->lifetime == 0 && !lma_path_is_here(c->lma, c->found.session, c->update) &&
		!addr_equal(lma_identity(c->found.session).care_of, &c->update->care_of))
		return drop(LMA_N_OTHER_GATEWAY);
	return pass();
}

/* What the operator wishes is not overtaken. */
static struct lma_verdict check_busy(struct lma_check *c)
{
	const struct session *s = c->found.session;

	if (!s)
		return pass();
	if (s->waiting && (s->waiting->kind == LMA_CLEAR || s->waiting->kind == LMA_LEAVE))
		return drop(LMA_N_BUSY);
	return s->revoking && c->update->lifetime ? drop(LMA_N_BUSY) : pass();
}

static check_fn *const checks[] = {
	check_source,
	check_peer,
	check_association,
	check_authenticator,
	check_care_of,
	check_role,
	check_mn_id,
	check_profile,
	check_repeated,
	check_timestamp,
	check_options,
	check_link_id,
	lma_gre_check,
	lma_delegation_check,
	lma_path_check,
	check_session,
	lma_path_check_room,
	check_sequence,
	check_end,
	check_busy,
};

struct lma_verdict lma_check(struct lma_check *c)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
		struct lma_verdict verdict = checks[i](c);

		if (verdict.outcome != LMA_PASS)
			return verdict;
	}
	return pass();
}
