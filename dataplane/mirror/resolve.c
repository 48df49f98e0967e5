#include "dataplane/mirror/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct resolve_hop {
	struct resolve_key key;
	struct resolve_hop *next; /* when free */
	uint64_t since_ms;
	unsigned count;
	struct rte_mbuf *packets[RESOLVE_PACKETS];
	UT_hash_handle hh;
};

int resolve_init(struct resolve *r)
{
	*r = (struct resolve){.hops = calloc(RESOLVE_HOPS, sizeof(*r->hops))};
	if (!r->hops)
		return -ENOMEM;
	for (size_t i = 0; i < RESOLVE_HOPS; i++) {
		r->hops[i].next = r->free;
		r->free = &r->hops[i];
	}
	return 0;
}

static struct resolve_hop *begin(struct resolve *r, const struct resolve_key *key, uint64_t now_ms)
{
	struct resolve_hop *hop = r->free;

	if (!hop)
		return NULL;
	r->free = hop->next;
	*hop = (struct resolve_hop){.key = *key, .since_ms = now_ms};
	HASH_ADD(hh, r->waiting, key, sizeof(hop->key), hop);
	return hop;
}

static void end(
	struct resolve *r, struct resolve_hop *hop, bool reachable, resolve_fn *fn, void *context)
{
	HASH_DEL(r->waiting, hop);
	for (unsigned i = 0; i < hop->count; i++)
		fn(context, hop->packets[i], reachable);
	hop->next = r->free;
	r->free = hop;
}

enum resolve_result resolve_add(
	struct resolve *r, const struct resolve_key *key, struct rte_mbuf *m, uint64_t now_ms)
{
	struct resolve_hop *hop;

	HASH_FIND(hh, r->waiting, key, sizeof(*key), hop);
	if (!hop)
		hop = begin(r, key, now_ms);
	if (!hop || hop->count == RESOLVE_PACKETS)
		return RESOLVE_TOO_MANY;
	hop->packets[hop->count++] = m;
	return hop->count == 1 ? RESOLVE_ASK : RESOLVE_WAITS;
}

void resolve_done(struct resolve *r, const struct resolve_key *key, bool reachable, resolve_fn *fn,
	void *context)
{
	struct resolve_hop *hop;

	HASH_FIND(hh, r->waiting, key, sizeof(*key), hop);
	if (hop)
		end(r, hop, reachable, fn, context);
}

void resolve_expire(struct resolve *r, uint64_t now_ms, resolve_fn *fn, void *context)
{
	struct resolve_hop *hop, *next;

	HASH_ITER (hh, r->waiting, hop, next) {
		// cppcheck-suppress uninitvar
		if (now_ms - hop->since_ms >= RESOLVE_TIMEOUT_MS)
			end(r, hop, false, fn, context);
	}
}

static void drop(void *context, struct rte_mbuf *m, bool reachable)
{
	(void)context;
	(void)reachable;
	rte_pktmbuf_free(m);
}

void resolve_free(struct resolve *r)
{
	if (r->hops)
		resolve_expire(r, UINT64_MAX, drop, NULL);
	free(r->hops);
	*r = (struct resolve){0};
}
