#include "dataplane/tables/route_table.h"

#include <errno.h>
#include <rte_errno.h>
#include <rte_fib6.h>
#include <rte_lcore.h>
#include <rte_malloc.h>
#include <rte_rib6.h>
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
	};

	return kind < ROUTE_KINDS ? names[kind] : "unknown";
}

static struct rte_fib6 *make_fib(const char *name, uint32_t capacity)
{
	struct rte_fib6_conf conf = {
		.type = RTE_FIB6_TRIE,
		.default_nh = 0,
		.max_routes = (int)capacity,
		.trie = {.nh_sz = RTE_FIB6_TRIE_2B,
			.num_tbl8 = RTE_MIN(
				(uint64_t)capacity * GROUPS_PER_ROUTE + 256, (uint64_t)TBL8_MAX)},
	};

	return rte_fib6_create(name, SOCKET_ID_ANY, &conf);
}

int route_table_init(struct route_table *t, uint32_t capacity, struct rte_rcu_qsbr *rcu)
{
	*t = (struct route_table){.rcu = rcu, .capacity = capacity};
	if (pool_init(&t->hops, "next hops", RTE_MIN(capacity + 1, (uint32_t)ROUTE_HOPS_MAX),
		    sizeof(struct route_hop), offsetof(struct route_hop, link), rcu) < 0)
		return -ENOMEM;
	/* Number 0 is no route: what the trie says of addresses that no route covers. */
	pool_take(&t->hops);
	t->fibs[0] = make_fib("routes 0", capacity);
	t->fibs[1] = make_fib("routes 1", capacity);
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

/* The instance that no reader uses. */
static struct rte_fib6 *shadow(const struct route_table *t)
{
	return atomic_load_explicit(&t->active, memory_order_relaxed) == t->fibs[0] ? t->fibs[1]
										    : t->fibs[0];
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
	err = rte_fib6_add(shadow(t), prefix->addr.s6_addr, prefix->len, number);
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
	err = rte_fib6_delete(shadow(t), prefix->addr.s6_addr, prefix->len);
	if (err < 0)
		return err;
	t->routes--;
	t->changes[t->change_count++] = (struct route_change){*prefix, 0, before};
	return 0;
}

void route_table_commit(struct route_table *t)
{
	if (t->change_count == 0)
		return;
	atomic_store_explicit(&t->active, shadow(t), memory_order_release);
	rte_rcu_qsbr_synchronize(t->rcu, RTE_QSBR_THRID_INVALID);
	/* The other instance is the same trie before the same changes: what fitted there fits. */
	for (uint32_t i = 0; i < t->change_count; i++) {
		const struct route_change *change = &t->changes[i];
		const uint8_t *addr = change->prefix.addr.s6_addr;

		if (change->hop)
			rte_fib6_add(shadow(t), addr, change->prefix.len, change->hop);
		else
			rte_fib6_delete(shadow(t), addr, change->prefix.len);
		release_hop(t, change->before);
	}
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
