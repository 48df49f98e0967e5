#include "dataplane/tables/neighbour_table.h"

#include <errno.h>
#include <string.h>

#include "dataplane/tables/hash.h"

enum {
	SPARE = 64, /* replaced neighbours that are still being read */
};

struct key {
	const struct in6_addr *addr;
	uint16_t port;
};

int neighbour_table_init(struct neighbour_table *t, uint32_t capacity, struct rte_rcu_qsbr *rcu)
{
	memset(t, 0, sizeof(*t));
	if (pool_init(&t->entries, POOL_ELEMENT(struct neighbour, link), capacity + SPARE, 0, rcu) <
			0 ||
		sig_index_init(&t->index, capacity, SIG_INDEX_ROOMY) < 0) {
		neighbour_table_destroy(t);
		return -ENOMEM;
	}
	return 0;
}

void neighbour_table_destroy(struct neighbour_table *t)
{
	pool_destroy(&t->entries);
	sig_index_destroy(&t->index);
}

static struct neighbour *entry_at(const struct neighbour_table *t, uint32_t number)
{
	return pool_at(&t->entries, number);
}

static inline bool entry_is(const void *table, uint32_t number, const void *of)
{
	const struct neighbour *entry = entry_at(table, number);
	const struct key *key = of;

	return entry->port == key->port && addr_equal(&entry->addr, key->addr);
}

static inline uint32_t find(
	const struct neighbour_table *t, const struct in6_addr *addr, uint16_t port)
{
	const struct key key = {addr, port};

	return sig_index_find(&t->index, table_hash(addr, port), entry_is, t, &key);
}

int neighbour_table_set(struct neighbour_table *t, const struct in6_addr *addr, uint16_t port,
	const struct mac *mac)
{
	uint32_t old = find(t, addr, port);

	if (old != SIG_INDEX_NONE && mac_equal(&entry_at(t, old)->mac, mac))
		return 0;
	if (old == SIG_INDEX_NONE && t->index.used >= t->index.capacity)
		return -ENOSPC;

	uint32_t number = pool_take(&t->entries);

	if (number == POOL_NONE) {
		pool_reclaim(&t->entries, true);
		number = pool_take(&t->entries);
	}
	if (number == POOL_NONE)
		return -ENOSPC;
	*entry_at(t, number) = (struct neighbour){.addr = *addr, .mac = *mac, .port = port};

	uint64_t hash = table_hash(addr, port);

	if (old != SIG_INDEX_NONE) {
		sig_index_replace(&t->index, hash, old, number);
		pool_retire(&t->entries, old);
	} else if (sig_index_insert(&t->index, hash, number) < 0) {
		pool_return(&t->entries, number);
		return -ENOSPC;
	}
	return 0;
}

void neighbour_table_delete(struct neighbour_table *t, const struct in6_addr *addr, uint16_t port)
{
	uint32_t number = find(t, addr, port);

	if (number == SIG_INDEX_NONE)
		return;
	sig_index_remove(&t->index, table_hash(addr, port), number);
	pool_retire(&t->entries, number);
}

const struct neighbour *neighbour_table_find(
	const struct neighbour_table *t, const struct in6_addr *addr, uint16_t port)
{
	uint32_t number = find(t, addr, port);

	return number == SIG_INDEX_NONE ? NULL : entry_at(t, number);
}
