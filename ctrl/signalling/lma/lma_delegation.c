/*
 * Delegated mobile network prefixes (RFC 7148, 5.2): those of networks behind a node, of its
 * profile or from a pool. A session holds them from the moment when a registration that asks for
 * them is begun, so that no other gets them meanwhile.
 */
#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/status.h"

void lma_delegation_read(const struct lma *lma, const struct mh *mh, struct lma_update *u)
{
	if (!lma->delegates)
		return;
	for (const struct mh_option *o = option_find(mh, OPTION_DELEGATED_PREFIX); o;
		o = option_next(mh, o)) {
		const struct option_delegated_prefix *body = &o->delegated_prefix;

		if (body->is_ip4)
			continue;
		u->delegates = true;
		u->delegates_any |= addr_is_unspecified(&body->prefix.ip6);
		if (u->delegated_count < LMA_PREFIXES_MAX)
			u->delegated[u->delegated_count++] = prefix6_of(&body->prefix.ip6,
				body->prefix_len <= 128 ? body->prefix_len : 128);
	}
}

bool lma_delegation_allowed(const struct lma_profile *profile)
{
	return profile->delegated_pool || profile->delegated_count;
}

struct lma_verdict lma_delegation_check(struct lma_check *c)
{
	if (c->update->delegates && c->update->lifetime && !lma_delegation_allowed(c->profile))
		return (struct lma_verdict){
			.outcome = LMA_REFUSE, .status = STATUS_BA_DMNP_NOT_AUTHORIZED};
	return (struct lma_verdict){.outcome = LMA_PASS};
}

/* A registration for which prefixes are taken. */
struct taking {
	struct lma *lma;
	struct session *session;
	const struct lma_profile *profile;
	struct prefix_pool *pool; /* NULL: the profile has none */
	struct session_record *to;
};

/* Holds one more that is nobody's, but which the pool says is in use. */
static uint8_t hold(const struct taking *t, const struct prefix6 *prefix)
{
	if (session_cache_hold(t->lma->cache, t->session, prefix) < 0) {
		if (t->pool)
			prefix_pool_release(t->pool, prefix);
		lma_count(t->lma, LMA_N_NO_MEMORY);
		return STATUS_BA_RESOURCES;
	}
	t->to->delegated[t->to->delegated_count++] = *prefix;
	return 0;
}

/* One that the update names: what the session has, else one of the profile or of its pool. */
static uint8_t take_named(const struct taking *t, const struct prefix6 *prefix)
{
	const struct session_record *now = &t->session->now;
	const struct lma_profile *profile = t->profile;

	if (session_prefix_is_in(prefix, t->to->delegated, t->to->delegated_count))
		return 0;
	if (t->to->delegated_count == SESSION_DELEGATED_MAX)
		return STATUS_BA_DMNP_IN_USE;
	if (session_prefix_is_in(prefix, now->delegated, now->delegated_count)) {
		t->to->delegated[t->to->delegated_count++] = *prefix;
		return 0;
	}
	if (lma_prefix_in_use(t->lma, now->domain, prefix))
		return STATUS_BA_DMNP_IN_USE;
	if (!session_prefix_is_in(prefix, profile->delegated, profile->delegated_count) &&
		(!t->pool || prefix_pool_claim(t->pool, prefix) < 0))
		return STATUS_BA_DMNP_IN_USE;
	return hold(t, prefix);
}

static uint8_t take_all_named(const struct taking *t, const struct lma_update *u)
{
	uint8_t status = 0;

	for (size_t i = 0; i < u->delegated_count && !status; i++)
		status = take_named(t, &u->delegated[i]);
	return status;
}

/* Those of the profile that no session has. */
static uint8_t take_own(const struct taking *t)
{
	uint8_t status = 0;

	for (size_t i = 0; i < t->profile->delegated_count && !status; i++)
		if (!lma_prefix_in_use(t->lma, t->session->now.domain, &t->profile->delegated[i]))
			status = hold(t, &t->profile->delegated[i]);
	return status;
}

static uint8_t take_from_pool(const struct taking *t)
{
	struct prefix6 prefix;
	uint8_t status = 0;

	while (t->pool && t->to->delegated_count < t->profile->delegated_per_session && !status) {
		if (prefix_pool_take(t->pool, &prefix) < 0)
			break;
		status = hold(t, &prefix);
	}
	if (!status && t->to->delegated_count &&
		t->to->delegated_count == t->profile->delegated_per_session)
		return 0;
	if (!status)
		lma_count(t->lma, LMA_N_POOL_EMPTY);
	return STATUS_BA_RESOURCES;
}

/* What the session has, else what the profile says, else some of the pool. */
static uint8_t take_any(const struct taking *t)
{
	const struct session_record *now = &t->session->now;
	uint8_t status;

	for (size_t i = 0; i < now->delegated_count; i++)
		t->to->delegated[t->to->delegated_count++] = now->delegated[i];
	if (t->to->delegated_count)
		return 0;
	status = take_own(t);
	return status || t->to->delegated_count ? status : take_from_pool(t);
}

uint8_t lma_delegation_take(struct lma *lma, struct session *session, const struct lma_update *u,
	struct session_record *to)
{
	const struct lma_profile *profile = lma_profile_find(lma, &session->now.mn_id);
	const struct taking t = {.lma = lma,
		.session = session,
		.profile = profile,
		.pool = profile ? lma_pool_named(lma, profile->delegated_pool) : NULL,
		.to = to};
	uint8_t status;

	to->delegated_count = 0;
	if (!u->delegates)
		return 0;
	if (!profile || !lma_delegation_allowed(profile))
		return STATUS_BA_DMNP_NOT_AUTHORIZED;
	status = u->delegates_any ? take_any(&t) : take_all_named(&t, u);
	if (status)
		lma_delegation_settle(lma, session, to, &session->now);
	return status;
}

void lma_delegation_settle(struct lma *lma, struct session *session,
	const struct session_record *of, const struct session_record *but)
{
	for (size_t i = 0; i < of->delegated_count; i++) {
		const struct prefix6 *prefix = &of->delegated[i];

		if (session_prefix_is_in(prefix, but->delegated, but->delegated_count))
			continue;
		lma_prefix_give_back(lma, &session->now, prefix);
		session_cache_drop(lma->cache, session, prefix);
	}
}

void lma_delegation_add(
	const struct lma_update *u, const struct session_record *bound, struct mh *mh)
{
	const struct prefix6 *prefixes = bound ? bound->delegated : u->delegated;
	size_t count = bound ? bound->delegated_count : u->delegated_count;

	for (size_t i = 0; u->delegates && i < count; i++)
		option_add(mh, OPTION_DELEGATED_PREFIX)->delegated_prefix =
			(struct option_delegated_prefix){.prefix_len = prefixes[i].len,
				.prefix = {
					.ip6 = prefixes[i].addr, .len = sizeof(struct in6_addr)}};
}

const struct lma_pool *lma_pool_of(
	const struct lma *lma, uint32_t domain, const struct prefix6 *prefix)
{
	for (size_t i = 0; i < lma->config.pool_count; i++)
		if (lma->config.pools[i].domain == domain && prefix_pool_has(lma->pools[i], prefix))
			return &lma->config.pools[i];
	return NULL;
}
