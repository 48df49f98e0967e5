#include "dataplane/tables/domain_routes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTHS = 129, ROOM = 16 };

static const struct route_next_hop none = {.kind = ROUTE_NONE, .port = UINT16_MAX};

struct domain_routes_seen {
	uint32_t count;
	uint32_t lengths;         /* of runs */
	uint32_t runs[LENGTHS];   /* where the routes of each length begin */
	struct domain_route at[]; /* longest prefix first, then by address */
};

void domain_routes_init(struct domain_routes *t, uint32_t capacity)
{
	*t = (struct domain_routes){.capacity = capacity};
}

void domain_routes_destroy(struct domain_routes *t)
{
	free(atomic_load_explicit(&t->seen, memory_order_relaxed));
	free(t->routes);
	*t = (struct domain_routes){.capacity = 0};
}

/* Less than 0: a comes before b. */
static int order(const struct prefix6 *a, const struct prefix6 *b)
{
	if (a->len != b->len)
		return (int)b->len - (int)a->len;
	return memcmp(&a->addr, &b->addr, sizeof(a->addr));
}

/* The first place from `from` on, below `to`, that does not come before the prefix. */
static uint32_t place_of(
	const struct domain_route *at, uint32_t from, uint32_t to, const struct prefix6 *prefix)
{
	while (from < to) {
		const uint32_t middle = from + (to - from) / 2;

		if (order(&at[middle].prefix, prefix) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static bool is_at(const struct domain_routes *t, uint32_t place, const struct prefix6 *prefix)
{
	return place < t->count && order(&t->routes[place].prefix, prefix) == 0;
}

static int make_room(struct domain_routes *t)
{
	const uint32_t room = t->room ? 2 * t->room : ROOM;
	struct domain_route *routes;

	if (t->count >= t->capacity)
		return -ENOSPC;
	if (t->count < t->room)
		return 0;
	routes = realloc(t->routes, room * sizeof(*routes));
	if (!routes)
		return -ENOMEM;
	t->routes = routes;
	t->room = room;
	return 0;
}

int domain_routes_set(
	struct domain_routes *t, const struct prefix6 *prefix, const struct route_next_hop *hop)
{
	const uint32_t place = place_of(t->routes, 0, t->count, prefix);

	if (hop->kind <= ROUTE_NONE || hop->kind >= ROUTE_KINDS)
		return -EINVAL;
	if (!is_at(t, place, prefix)) {
		int error = make_room(t);

		if (error)
			return error;
		memmove(&t->routes[place + 1], &t->routes[place],
			(t->count++ - place) * sizeof(t->routes[0]));
	}
	t->routes[place] = (struct domain_route){.prefix = *prefix, .hop = *hop};
	t->changed = true;
	return 0;
}

int domain_routes_delete(struct domain_routes *t, const struct prefix6 *prefix)
{
	const uint32_t place = place_of(t->routes, 0, t->count, prefix);

	if (!is_at(t, place, prefix))
		return -ENOENT;
	t->count--;
	memmove(&t->routes[place], &t->routes[place + 1],
		(t->count - place) * sizeof(t->routes[0]));
	t->changed = true;
	return 0;
}

int domain_routes_commit(struct domain_routes *t, struct rte_rcu_qsbr *rcu)
{
	struct domain_routes_seen *seen, *before;

	if (!t->changed)
		return 0;
	seen = malloc(sizeof(*seen) + t->count * sizeof(seen->at[0]));
	if (!seen)
		return -ENOMEM;
	seen->count = t->count;
	seen->lengths = 0;
	for (uint32_t i = 0; i < t->count; i++) {
		seen->at[i] = t->routes[i];
		if (i == 0 || t->routes[i].prefix.len != t->routes[i - 1].prefix.len)
			seen->runs[seen->lengths++] = i;
	}
	before = atomic_exchange_explicit(&t->seen, seen, memory_order_acq_rel);
	t->changed = false;
	rte_rcu_qsbr_synchronize(rcu, RTE_QSBR_THRID_INVALID);
	free(before);
	return 0;
}

const struct route_next_hop *domain_routes_find(
	const struct domain_routes *t, const struct in6_addr *address)
{
	const struct domain_routes_seen *seen =
		atomic_load_explicit(&t->seen, memory_order_acquire);

	for (uint32_t i = 0; seen && i < seen->lengths; i++) {
		const uint32_t from = seen->runs[i];
		const uint32_t to = i + 1 < seen->lengths ? seen->runs[i + 1] : seen->count;
		const struct prefix6 prefix = prefix6_of(address, seen->at[from].prefix.len);
		const uint32_t place = place_of(seen->at, from, to, &prefix);

		if (place < to && order(&seen->at[place].prefix, &prefix) == 0)
			return &seen->at[place].hop;
	}
	return &none;
}
