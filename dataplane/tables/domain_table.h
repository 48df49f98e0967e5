/*
 * Domains: customers of one gateway whose addresses may be the same. A domain is a number that is
 * not 0, which is the public one; it has ports of the data plane, and packets that come by one of
 * them are of it. Subscribers have a domain too (object.h): what comes for one is looked for among
 * those of the packet's domain alone.
 *
 * Which domain a port is of is configured; it is written before workers run and does not change.
 * Routes: those that lead out by a port of the domain. Writer: the mirror thread.
 */
#pragma once

#include <stdatomic.h>

#include "dataplane/tables/domain_routes.h"
#include "proto/channel/update.h"

enum {
	DOMAIN_PORTS = UPDATE_PORTS_MAX,
	DOMAIN_GUESSES = 1 << 14, /* keys that it is remembered of whose domain they are */
};

struct domain_table {
	uint32_t of_port[DOMAIN_PORTS];
	uint32_t ports; /* a bit for each port whose domain is not 0 */
	unsigned count; /* of numbers, each once */
	uint32_t numbers[DOMAIN_PORTS];
	struct domain_routes routes[DOMAIN_PORTS]; /* of each of numbers */
	uint32_t capacity;                         /* of routes of each */
	_Atomic uint8_t
		*guesses; /* by key: place in numbers, which may be wrong; NULL: count is 0 */
};
static_assert(DOMAIN_PORTS <= 32, "a bit for each port");

/* No domain but the public one; each will have room for so many routes. Main thread. */
void domain_table_init(struct domain_table *t, uint32_t routes);
void domain_table_destroy(struct domain_table *t);

/* A port is of a domain, which may be 0. 0, -EDOM: not below OBJECT_DOMAIN_LINK; or -ENOMEM. Main
 * thread, while no worker runs. */
int domain_table_add(struct domain_table *t, uint16_t port, uint32_t domain);

/* The domain of a port, 0 for PORT_NONE. Any thread. */
static inline uint32_t domain_table_of_port(const struct domain_table *t, uint16_t port)
{
	return port < DOMAIN_PORTS ? t->of_port[port] : 0;
}

/* The routes of a domain that has ports here, or NULL. Any thread. */
struct domain_routes *domain_table_routes(const struct domain_table *t, uint32_t domain);

/* Writer: shows changed routes to readers. 0 or -ENOMEM. */
int domain_table_commit(struct domain_table *t, struct rte_rcu_qsbr *rcu);

/* The place in numbers to try first for a packet with this key. Any reader. */
static inline unsigned domain_table_guess(const struct domain_table *t, uint32_t key)
{
	return atomic_load_explicit(&t->guesses[(key * 0x9e3779b1u) >> 18], memory_order_relaxed) %
	       t->count;
}

/* It was this one. Any reader: all write the same. */
static inline void domain_table_learn(const struct domain_table *t, uint32_t key, unsigned place)
{
	_Atomic uint8_t *guess = &t->guesses[(key * 0x9e3779b1u) >> 18];

	if (atomic_load_explicit(guess, memory_order_relaxed) != place)
		atomic_store_explicit(guess, (uint8_t)place, memory_order_relaxed);
}
static_assert(DOMAIN_GUESSES == 1 << (32 - 18), "as many as the bits of the hash that are used");
