#include "dataplane/tables/domain_table.h"

#include <errno.h>
#include <stdlib.h>

void domain_table_init(struct domain_table *t, uint32_t routes)
{
	*t = (struct domain_table){.capacity = routes};
}

void domain_table_destroy(struct domain_table *t)
{
	for (unsigned i = 0; i < t->count; i++)
		domain_routes_destroy(&t->routes[i]);
	free((void *)t->guesses);
	*t = (struct domain_table){.count = 0};
}

int domain_table_add(struct domain_table *t, uint16_t port, uint32_t domain)
{
	if (domain == 0)
		return 0;
	if (port >= DOMAIN_PORTS || domain >= OBJECT_DOMAIN_LINK)
		return -EDOM;
	if (!t->guesses)
		t->guesses = calloc(DOMAIN_GUESSES, sizeof(*t->guesses));
	if (!t->guesses)
		return -ENOMEM;
	t->of_port[port] = domain;
	t->ports |= 1u << port;
	if (!domain_table_routes(t, domain)) {
		domain_routes_init(&t->routes[t->count], t->capacity);
		t->numbers[t->count++] = domain;
	}
	return 0;
}

struct domain_routes *domain_table_routes(const struct domain_table *t, uint32_t domain)
{
	for (unsigned i = 0; i < t->count; i++)
		if (t->numbers[i] == domain)
			return (struct domain_routes *)(uintptr_t)&t->routes[i];
	return NULL;
}

int domain_table_commit(struct domain_table *t, struct rte_rcu_qsbr *rcu)
{
	int error = 0;

	for (unsigned i = 0; i < t->count; i++)
		if (domain_routes_commit(&t->routes[i], rcu) < 0)
			error = -ENOMEM;
	return error;
}
