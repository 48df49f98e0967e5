#include "dataplane/tables/route_table.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_fib6.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_rib6.h>
#include <stdio.h>
#include <string.h>

/* A change that one instance has and the other has not yet. */
struct route_change {
	struct prefix6 prefix;
	uint32_t hop;    /* next hop number; 0: the route is gone */
	uint32_t before; /* next hop number that it replaces, 0: none */
};

enum {
	TBL8_MAX = 32767,     /* groups of 8 bits that 16-bit values of the trie can number */
	GROUPS_PER_ROUTE = 5, /* a /64 on its own needs as many */
};

const char *route_kind_name(enum route_kind kind)
{
	static const char *const names[ROUTE_KINDS] = {
		[ROUTE_NONE] = "none",
		[ROUTE_LOCAL] = "local",
		[ROUTE_CONNECTED] = "connected",
		[ROUTE_GATEWAY] = "gateway",
		[ROUTE_BLACKHOLE] = "blackhole",
		[ROUTE_UNREACHABLE] = "unreachable",
		[ROUTE_BY_SOURCE] = "by-source",
	};

	return kind < ROUTE_KINDS ? names[kind] : "unknown";
}

static struct rte_fib6 *make_fib(struct route_table *t)
{
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.default_nh = 0,
		.max_routes = (int)t->capacity,
		.trie = {.nh_sz = RTE_FIB6_TRIE_2B,
			.num_tbl8 = RTE_MIN((uint64_t)t->capacity * GROUPS_PER_ROUTE + 256,
				(uint64_t)TBL8_MAX)},
	};
	char name[32];

	snprintf(name, sizeof(name), "routes %u", t->made++);
	return rte_fib6_create(name, SOCKET_ID_ANY, &conf);
}

int route_table_init(struct route_table *t, uint32_t capacity, struct rte_rcu_qsbr *rcu)
{
	*t = (struct route_table){.rcu = rcu, .capacity = capacity};
	if (pool_init(&t->hops, POOL_ELEMENT(struct route_hop, link),
		    RTE_MIN(capacity + 1, (uint32_t)ROUTE_HOPS_MAX), 0, rcu) < 0)
		return -ENOMEM;
	/* Number 0 is no route: what the trie says of addresses that no route covers. */
	pool_take(&t->hops);
	t->fibs[0] = make_fib(t);
	t->fibs[1] = make_fib(t);
	if (!t->fibs[0] || !t->fibs[1]) {
		route_table_destroy(t);
		return rte_errno ? -rte_errno : -ENOMEM;
	}
	atomic_store_explicit(&t->active, t->fibs[0], memory_order_release);
	return 0;
}

void route_table_destroy(struct route_table *t)
{
	rte_fib6_free(t->fibs[0]);
	rte_fib6_free(t->fibs[1]);
	t->fibs[0] = t->fibs[1] = NULL;
	pool_destroy(&t->hops);
	rte_free(t->changes);
	t->changes = NULL;
}

static struct route_hop *hop_at(const struct route_table *t, uint32_t number)
{
	return pool_at(&t->hops, number);
}

/* Index of the instance that no reader uses. */
static unsigned shadow_index(const struct route_table *t)
{
	return atomic_load_explicit(&t->active, memory_order_relaxed) == t->fibs[0];
}

static struct rte_fib6 *shadow(const struct route_table *t)
{
	return t->fibs[shadow_index(t)];
}

/* Adds a route of one instance to another. */
static int copy_route(struct rte_fib6 *to, struct rte_rib6_node *node)
{
	uint8_t addr[16], len;
	uint64_t hop;

	rte_rib6_get_ip(node, addr);
	rte_rib6_get_depth(node, &len);
	rte_rib6_get_nh(node, &hop);
	return rte_fib6_add(to, addr, len, hop);
}

/* Makes the instance that no reader uses anew, with the routes of another (or its own). 0, -ENOMEM
 * or -ENOSPC: it is as before. */
static int remake_shadow(struct route_table *t, struct rte_fib6 *from)
{
	static const uint8_t all[16];
	struct rte_rib6 *rib = rte_fib6_get_rib(from);
	struct rte_rib6_node *node = rte_rib6_lookup_exact(rib, all, 0);
	struct rte_fib6 *fresh = make_fib(t);
	int err = fresh ? 0 : -ENOMEM;

	if (err == 0 && node)
		err = copy_route(fresh, node);
	node = NULL;
	while (err == 0 && (node = rte_rib6_get_nxt(rib, all, 0, node, RTE_RIB6_GET_NXT_ALL)))
		err = copy_route(fresh, node);
	if (err < 0) {
		rte_fib6_free(fresh);
		return err;
	}
	rte_fib6_free(shadow(t));
	t->removed[shadow_index(t)] = 0;
	t->fibs[shadow_index(t)] = fresh;
	return 0;
}

/* Adds a route to the instance that no reader uses; one that only seems to be full is made anew. */
static int add_route(struct route_table *t, const struct prefix6 *prefix, uint32_t hop)
{
	int err = rte_fib6_add(shadow(t), prefix->addr.s6_addr, prefix->len, hop);

	if (err != -ENOSPC || t->removed[shadow_index(t)] == 0)
		return err;
	err = remake_shadow(t, shadow(t));
	return err < 0 ? err : rte_fib6_add(shadow(t), prefix->addr.s6_addr, prefix->len, hop);
}

static int remove_route(struct route_table *t, const struct prefix6 *prefix)
{
	t->removed[shadow_index(t)]++;
	return rte_fib6_delete(shadow(t), prefix->addr.s6_addr, prefix->len);
}

/* Next hop number of exactly this prefix in the instance that is being changed; 0: none. */
static uint32_t exact(const struct route_table *t, const struct prefix6 *prefix)
{
	struct rte_rib6_node *node = rte_rib6_lookup_exact(
		rte_fib6_get_rib(shadow(t)), prefix->addr.s6_addr, prefix->len);
	uint64_t hop = 0;

	if (node)
		rte_rib6_get_nh(node, &hop);
	return (uint32_t)hop;
}

static bool same_hop(const struct route_next_hop *a, const struct route_next_hop *b)
{
	return a->kind == b->kind && a->port == b->port && addr_equal(&a->gateway, &b->gateway);
}

/* Number of a next hop like this, an existing one if possible; 0: full. */
static uint32_t take_hop(struct route_table *t, const struct route_next_hop *hop)
{
	for (uint32_t i = 1; i < t->hops.fresh; i++)
		if (hop_at(t, i)->users && same_hop(&hop_at(t, i)->hop, hop))
			return i;

	uint32_t number = pool_take(&t->hops);

	if (number == POOL_NONE)
		return 0;
	*hop_at(t, number) = (struct route_hop){.hop = *hop};
	return number;
}

static void hold_hop(struct route_table *t, uint32_t number)
{
	hop_at(t, number)->users++;
}

static void release_hop(struct route_table *t, uint32_t number)
{
	if (number && --hop_at(t, number)->users == 0)
		pool_retire(&t->hops, number);
}

/* Room to remember one more change. */
static int reserve_change(struct route_table *t)
{
	if (t->change_count < t->change_room)
		return 0;

	uint32_t room = t->change_room ? 2 * t->change_room : 64;
	struct route_change *changes = rte_realloc(t->changes, room * sizeof(*changes), 0);

	if (!changes)
		return -ENOMEM;
	t->changes = changes;
	t->change_room = room;
	return 0;
}

int route_table_set(
	struct route_table *t, const struct prefix6 *prefix, const struct route_next_hop *hop)
{
	if (hop->kind <= ROUTE_NONE || hop->kind >= ROUTE_KINDS)
		return -EINVAL;

	uint32_t before = exact(t, prefix);
	int err = reserve_change(t);

	if (err < 0)
		return err;
	if (before && same_hop(&hop_at(t, before)->hop, hop))
		return 0;
	if (!before && t->routes >= t->capacity)
		return -ENOSPC;

	uint32_t number = take_hop(t, hop);

	if (number == 0)
		return -ENOSPC;
	hold_hop(t, number);
	err = add_route(t, prefix, number);
	if (err < 0) {
		release_hop(t, number);
		return err;
	}
	t->routes += before == 0;
	t->changes[t->change_count++] = (struct route_change){*prefix, number, before};
	return 0;
}

int route_table_delete(struct route_table *t, const struct prefix6 *prefix)
{
	uint32_t before = exact(t, prefix);
	int err = before ? reserve_change(t) : -ENOENT;

	if (err < 0)
		return err;
	err = remove_route(t, prefix);
	if (err < 0)
		return err;
	t->routes--;
	t->changes[t->change_count++] = (struct route_change){*prefix, 0, before};
	return 0;
}

/* Makes a change in the instance that has not seen it. */
static int repeat_change(struct route_table *t, const struct route_change *change)
{
	return change->hop ? add_route(t, &change->prefix, change->hop)
			   : remove_route(t, &change->prefix);
}

void route_table_commit(struct route_table *t)
{
	int err = 0;

	if (t->change_count == 0)
		return;
	atomic_store_explicit(&t->active, shadow(t), memory_order_release);
	rte_rcu_qsbr_synchronize(t->rcu, RTE_QSBR_THRID_INVALID);
	for (uint32_t i = 0; i < t->change_count && err == 0; i++)
		err = repeat_change(t, &t->changes[i]);
	/* What the one instance took the other takes too, at the latest when it is a copy. */
	if (err < 0)
		remake_shadow(t, atomic_load_explicit(&t->active, memory_order_relaxed));
	for (uint32_t i = 0; i < t->change_count; i++)
		release_hop(t, t->changes[i].before);
	t->change_count = 0;
}

void route_table_lookup(const struct route_table *t, struct in6_addr addresses[], unsigned n,
	const struct route_next_hop *hops[])
{
	uint64_t numbers[ROUTE_BURST_MAX];

	rte_fib6_lookup_bulk(atomic_load_explicit(&t->active, memory_order_acquire),
		(uint8_t(*)[16])(void *)addresses, numbers, (int)n);
	for (unsigned i = 0; i < n; i++)
		hops[i] = &hop_at(t, (uint32_t)numbers[i])->hop;
}
