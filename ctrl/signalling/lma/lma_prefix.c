/*
 * Profiles of nodes, pools, and the prefixes of a new session (RFC 5213, 5.2 and 5.3.2).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ctrl/signalling/lma/lma_state.h"
#include "proto/mobility/codes.h"
#include "proto/mobility/status.h"

/* A profile in the index. */
struct lma_match {
	const struct lma_profile *profile;
	struct prefix_pool *pool; /* NULL: it has none */
	UT_hash_handle hh;        /* by profile->match */
};

struct prefix_pool *lma_pool_named(const struct lma *lma, const char *name)
{
	for (size_t i = 0; name && i < lma->config.pool_count; i++)
		if (strcmp(lma->config.pools[i].name, name) == 0)
			return lma->pools[i];
	return NULL;
}

static int open_pools(struct lma *lma)
{
	lma->pools = calloc(lma->config.pool_count + 1, sizeof(*lma->pools));
	if (!lma->pools)
		return -ENOMEM;
	for (size_t i = 0; i < lma->config.pool_count; i++) {
		const struct lma_pool *pool = &lma->config.pools[i];

		lma->pools[i] = prefix_pool_new(&pool->range, pool->length);
		if (!lma->pools[i])
			return -EINVAL;
	}
	return 0;
}

int lma_prefix_open(struct lma *lma)
{
	int error = open_pools(lma);

	if (error)
		return error;
	lma->matches = calloc(lma->config.profile_count + 1, sizeof(*lma->matches));
	if (!lma->matches)
		return -ENOMEM;
	for (size_t i = 0; i < lma->config.profile_count; i++) {
		const struct lma_profile *profile = &lma->config.profiles[i];
		struct lma_match *m = &lma->matches[i];

		*m = (struct lma_match){
			.profile = profile, .pool = lma_pool_named(lma, profile->pool)};
		lma->delegates |= lma_delegation_allowed(profile);
		HASH_ADD_KEYPTR(
			hh, lma->by_match, profile->match, (unsigned)strlen(profile->match), m);
	}
	return 0;
}

void lma_prefix_close(struct lma *lma)
{
	HASH_CLEAR(hh, lma->by_match);
	free(lma->matches);
	for (size_t i = 0; lma->pools && i < lma->config.pool_count; i++)
		prefix_pool_free(lma->pools[i]);
	free(lma->pools);
}

static struct lma_match *match_text(const struct lma *lma, const void *text, size_t len)
{
	struct lma_match *m;

	HASH_FIND(hh, lma->by_match, text, len, m);
	return m;
}

static struct lma_match *match(const struct lma *lma, const struct session_mn_id *mn_id)
{
	struct lma_match *m = NULL;
	const uint8_t *realm;

	if (mn_id->subtype == CODES_MN_ID_NAI) {
		m = match_text(lma, mn_id->octets, mn_id->len);
		realm = memrchr(mn_id->octets, '@', mn_id->len);
		if (!m && realm)
			m = match_text(lma, realm, (size_t)(mn_id->octets + mn_id->len - realm));
	}
	return m ? m : match_text(lma, "*", 1);
}

const struct lma_profile *lma_profile_find(const struct lma *lma, const struct session_mn_id *mn_id)
{
	const struct lma_match *m = match(lma, mn_id);

	return m ? m->profile : NULL;
}

static bool profile_has(const struct lma_profile *profile, const struct prefix6 *prefix)
{
	return session_prefix_is_in(prefix, profile->prefixes, profile->prefix_count);
}

/* Whether a node has a prefix that the configuration would give nobody, or somebody else: it is of
 * a time when that was another. */
static bool is_stray(
	const struct lma *lma, const struct session_record *record, const struct prefix6 *prefix)
{
	const struct lma_profile *profile;

	if (lma_pool_of(lma, record->domain, prefix))
		return false;
	profile = lma_profile_find(lma, &record->mn_id);
	return !profile || profile->domain != record->domain ||
	       !(profile_has(profile, prefix) ||
		       session_prefix_is_in(prefix, profile->delegated, profile->delegated_count));
}

bool lma_prefix_in_use(const struct lma *lma, uint32_t domain, const struct prefix6 *prefix)
{
	return session_cache_by_prefix(lma->cache, domain, prefix) ||
	       (lma->strays && session_cache_overlaps(lma->cache, domain, prefix));
}

/* Takes one prefix that the update names. */
static uint8_t take_named(struct lma *lma, const struct lma_match *m, const struct prefix6 *prefix)
{
	if (lma_prefix_in_use(lma, m->profile->domain, prefix))
		return STATUS_BA_HNP_NOT_AUTHORIZED;
	if (profile_has(m->profile, prefix))
		return 0;
	if (!m->pool || prefix_pool_claim(m->pool, prefix) < 0)
		return STATUS_BA_HNP_NOT_AUTHORIZED;
	return 0;
}

/* Those that the update names. */
static uint8_t take_all_named(struct lma *lma, const struct lma_match *m,
	const struct lma_update *update, struct session_record *record)
{
	if (update->prefix_count > SESSION_PREFIXES_MAX)
		return STATUS_BA_HNP_NOT_AUTHORIZED;
	for (size_t i = 0; i < update->prefix_count; i++) {
		uint8_t status = take_named(lma, m, &update->prefixes[i]);

		for (size_t j = 0; j < i && !status; j++)
			if (prefix6_compare(&update->prefixes[j], &update->prefixes[i]) == 0)
				status = STATUS_BA_HNP_NOT_AUTHORIZED;
		if (status)
			return status;
		record->prefixes[record->prefix_count++] = update->prefixes[i];
	}
	return 0;
}

/* The node's own prefixes, if no session of it has them, or else some of the pool. */
static uint8_t take_assigned(
	struct lma *lma, const struct lma_match *m, struct session_record *record)
{
	const struct lma_profile *profile = m->profile;

	for (size_t i = 0; i < profile->prefix_count; i++)
		if (!lma_prefix_in_use(lma, profile->domain, &profile->prefixes[i]))
			record->prefixes[record->prefix_count++] = profile->prefixes[i];
	if (record->prefix_count)
		return 0;
	while (m->pool && record->prefix_count < profile->per_session) {
		struct prefix6 *prefix = &record->prefixes[record->prefix_count];

		if (prefix_pool_take(m->pool, prefix) < 0)
			break;
		record->prefix_count++;
	}
	if (record->prefix_count && record->prefix_count == profile->per_session)
		return 0;
	lma_count(lma, LMA_N_POOL_EMPTY);
	return STATUS_BA_RESOURCES;
}

uint8_t lma_prefix_take(struct lma *lma, const struct lma_profile *profile,
	const struct lma_update *update, struct session_record *record)
{
	const struct lma_match *m = match_text(lma, profile->match, strlen(profile->match));
	bool asks = false;
	uint8_t status;

	for (size_t i = 0; i < update->prefix_count; i++)
		asks |= addr_is_unspecified(&update->prefixes[i].addr);
	record->domain = profile->domain;
	record->prefix_count = 0;
	status = asks ? take_assigned(lma, m, record) : take_all_named(lma, m, update, record);
	if (status)
		lma_prefix_release(lma, record);
	return status;
}

static int claim(struct lma *lma, const struct session_record *record, const struct prefix6 *prefix)
{
	int error = 0;

	for (size_t p = 0; p < lma->config.pool_count && error != -ENOMEM; p++)
		if (lma->config.pools[p].domain == record->domain &&
			prefix_pool_claim(lma->pools[p], prefix) == -EINVAL)
			error = prefix_pool_keep_out(lma->pools[p], prefix);
	lma->strays += is_stray(lma, record, prefix);
	return error == -ENOMEM ? error : 0;
}

int lma_prefix_restore(struct lma *lma, const struct session_record *record)
{
	int error = 0;

	for (size_t i = 0; i < record->prefix_count && !error; i++)
		error = claim(lma, record, &record->prefixes[i]);
	for (size_t i = 0; i < record->delegated_count && !error; i++)
		error = claim(lma, record, &record->delegated[i]);
	return error;
}

void lma_prefix_give_back(
	struct lma *lma, const struct session_record *record, const struct prefix6 *prefix)
{
	for (size_t p = 0; p < lma->config.pool_count; p++)
		if (lma->config.pools[p].domain == record->domain)
			prefix_pool_release(lma->pools[p], prefix);
	lma->strays -= is_stray(lma, record, prefix);
}

void lma_prefix_release(struct lma *lma, const struct session_record *record)
{
	for (size_t i = 0; i < record->prefix_count; i++)
		lma_prefix_give_back(lma, record, &record->prefixes[i]);
	for (size_t i = 0; i < record->delegated_count; i++)
		lma_prefix_give_back(lma, record, &record->delegated[i]);
}
