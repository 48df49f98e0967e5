#include "ctrl/binding/session_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct session_cache {
	struct session_node *nodes;
	struct session_prefix *prefixes;
	struct session *sessions;
	uint64_t last_number;
};

struct session_cache *session_cache_new(void)
{
	return calloc(1, sizeof(struct session_cache));
}

void session_cache_free(struct session_cache *cache)
{
	if (!cache)
		return;
	while (cache->sessions)
		session_cache_remove(cache, cache->sessions);
	free(cache);
}

/* The octets that a node is hashed by. Returns their number. */
static uint8_t key_of(const struct session_mn_id *mn_id, uint8_t key[1 + SESSION_MN_ID_MAX])
{
	key[0] = mn_id->subtype;
	memcpy(key + 1, mn_id->octets, mn_id->len);
	return (uint8_t)(1 + mn_id->len);
}

struct session_node *session_cache_node(
	struct session_cache *cache, const struct session_mn_id *mn_id)
{
	uint8_t key[1 + SESSION_MN_ID_MAX];
	struct session_node *node;

	if (mn_id->len == 0 || mn_id->len > SESSION_MN_ID_MAX)
		return NULL;
	uint8_t len = key_of(mn_id, key);

	HASH_FIND(hh, cache->nodes, key, len, node);
	return node;
}

static struct session_node *node_get(struct session_cache *cache, const struct session_mn_id *mn_id)
{
	struct session_node *node = session_cache_node(cache, mn_id);

	if (node)
		return node;
	node = calloc(1, sizeof(*node) + 1 + mn_id->len);
	if (!node)
		return NULL;
	node->len = key_of(mn_id, node->key);
	HASH_ADD_KEYPTR(hh, cache->nodes, node->key, node->len, node);
	return node;
}

static void node_put(struct session_cache *cache, struct session_node *node)
{
	if (node->session_count)
		return;
	HASH_DEL(cache->nodes, node);
	free(node);
}

static void hash_key(struct session_prefix_key *key, uint32_t domain, const struct prefix6 *prefix)
{
	memset(key, 0, sizeof(*key));
	key->prefix.addr = prefix->addr;
	key->prefix.len = prefix->len;
	key->domain = domain;
}

struct session *session_cache_by_prefix(
	struct session_cache *cache, uint32_t domain, const struct prefix6 *prefix)
{
	struct session_prefix *found;
	struct session_prefix_key key;

	hash_key(&key, domain, prefix);
	HASH_FIND(hh, cache->prefixes, &key, sizeof(key), found);
	return found ? found->session : NULL;
}

bool session_cache_overlaps(
	const struct session_cache *cache, uint32_t domain, const struct prefix6 *prefix)
{
	for (const struct session_prefix *p = cache->prefixes; p; p = p->hh.next)
		if (p->key.domain == domain && (prefix6_covers(&p->key.prefix, prefix) ||
						       prefix6_covers(prefix, &p->key.prefix)))
			return true;
	return false;
}

struct session *session_cache_by_number(struct session_cache *cache, uint64_t number)
{
	struct session *session;

	HASH_FIND(hh, cache->sessions, &number, sizeof(number), session);
	return session;
}

/* Whether number and prefixes of a record are free. */
static bool is_free(struct session_cache *cache, const struct session_record *record)
{
	if (record->number && session_cache_by_number(cache, record->number))
		return false;
	for (size_t i = 0; i < record->prefix_count; i++)
		if (session_cache_by_prefix(cache, record->domain, &record->prefixes[i]))
			return false;
	return true;
}

/* By all numbers with this key, or all sessions, whichever are fewer. */
static bool has_key(void *context, uint32_t key)
{
	struct session_cache *cache = context;
	uint64_t n = key;

	if (cache->last_number >> 32 < HASH_COUNT(cache->sessions)) {
		while (n <= cache->last_number && !session_cache_by_number(cache, n))
			n += 1ull << 32;
		return n <= cache->last_number;
	}
	for (const struct session *s = cache->sessions; s; s = s->hh.next)
		if (session_own_key(s->now.number) == key)
			return true;
	return false;
}

static void link_in(struct session_cache *cache, struct session *session, struct session_node *node)
{
	session->node = node;
	session->next = node->sessions;
	node->sessions = session;
	node->session_count++;
	session->now.mn_id.octets = node->key + 1;
	if (!session->now.number)
		session->now.number = session_number_after(cache->last_number, has_key, cache);
	if (session->now.number > cache->last_number)
		cache->last_number = session->now.number;
	HASH_ADD(hh, cache->sessions, now.number, sizeof(session->now.number), session);
	for (size_t i = 0; i < session->now.prefix_count; i++) {
		struct session_prefix *p = &session->prefixes[i];

		hash_key(&p->key, session->now.domain, &session->now.prefixes[i]);
		p->session = session;
		HASH_ADD(hh, cache->prefixes, key, sizeof(p->key), p);
	}
}

int session_cache_hold(
	struct session_cache *cache, struct session *session, const struct prefix6 *prefix)
{
	const struct session *other = session_cache_by_prefix(cache, session->now.domain, prefix);
	struct session_prefix *p;

	if (other)
		return other == session ? 0 : -EEXIST;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	hash_key(&p->key, session->now.domain, prefix);
	p->session = session;
	p->next = session->held;
	session->held = p;
	HASH_ADD(hh, cache->prefixes, key, sizeof(p->key), p);
	return 0;
}

void session_cache_drop(
	struct session_cache *cache, struct session *session, const struct prefix6 *prefix)
{
	struct session_prefix **at = &session->held, *p;

	while (*at && prefix6_compare(&(*at)->key.prefix, prefix) != 0)
		at = &(*at)->next;
	p = *at;
	if (!p)
		return;
	*at = p->next;
	HASH_DEL(cache->prefixes, p);
	free(p);
}

static int hold_delegated(struct session_cache *cache, struct session *session)
{
	int error = 0;

	for (size_t i = 0; i < session->now.delegated_count && !error; i++)
		error = session_cache_hold(cache, session, &session->now.delegated[i]);
	return error;
}

struct session *session_cache_add(struct session_cache *cache, const struct session_record *record)
{
	struct session_node *node;
	struct session *session;
	int error;

	if (!is_free(cache, record)) {
		errno = EEXIST;
		return NULL;
	}
	node = node_get(cache, &record->mn_id);
	session = calloc(1, sizeof(*session));
	if (session)
		session->prefixes = calloc(record->prefix_count, sizeof(*session->prefixes));
	if (!node || !session || !session->prefixes) {
		if (node)
			node_put(cache, node);
		free(session);
		errno = ENOMEM;
		return NULL;
	}
	session->now = *record;
	link_in(cache, session, node);
	error = hold_delegated(cache, session);
	if (error) {
		session_cache_remove(cache, session);
		errno = -error;
		return NULL;
	}
	return session;
}

void session_cache_remove(struct session_cache *cache, struct session *session)
{
	struct session_node *node = session->node;
	struct session **at = &node->sessions;

	while (*at != session)
		at = &(*at)->next;
	*at = session->next;
	node->session_count--;
	for (size_t i = 0; i < session->now.prefix_count; i++)
		HASH_DEL(cache->prefixes, &session->prefixes[i]);
	while (session->held)
		session_cache_drop(cache, session, &session->held->key.prefix);
	HASH_DEL(cache->sessions, session);
	free(session->prefixes);
	free(session);
	node_put(cache, node);
}

size_t session_cache_count(const struct session_cache *cache)
{
	return HASH_COUNT(cache->sessions);
}

struct session *session_cache_next(struct session_cache *cache, const struct session *prev)
{
	return prev ? prev->hh.next : cache->sessions;
}
