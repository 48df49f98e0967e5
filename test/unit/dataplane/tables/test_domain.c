/* Domains: their ports, their routes, and the guess whose a key is. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/tables/domain_table.h"

enum { ROUTES = 40 };

static struct rte_rcu_qsbr *rcu;

static int setup(void **state)
{
	(void)state;
	rcu = aligned_alloc(64, (rte_rcu_qsbr_get_memsize(1) + 63) / 64 * 64);
	return rcu ? rte_rcu_qsbr_init(rcu, 1) : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(rcu);
	return 0;
}

static struct prefix6 prefix(const char *text)
{
	struct prefix6 p;

	assert_int_equal(prefix6_parse(text, &p), 0);
	return p;
}

static int set(struct domain_routes *t, const char *text, uint16_t port)
{
	const struct prefix6 p = prefix(text);
	const struct route_next_hop hop = {.kind = ROUTE_CONNECTED, .port = port};

	return domain_routes_set(t, &p, &hop);
}

static int port_to(const struct domain_routes *t, const char *text)
{
	struct in6_addr addr;
	const struct route_next_hop *hop;

	assert_int_equal(addr_parse(text, &addr), 0);
	hop = domain_routes_find(t, &addr);
	return hop->kind == ROUTE_NONE ? -1 : hop->port;
}

static void the_longest_prefix_wins(void **state)
{
	const struct prefix6 gone = prefix("fd00:1::/48");
	struct domain_routes t;

	(void)state;
	domain_routes_init(&t, ROUTES);
	assert_int_equal(port_to(&t, "fd00::1"), -1);
	assert_int_equal(set(&t, "fd00:1::/48", 1), 0);
	assert_int_equal(set(&t, "::/0", 0), 0);
	assert_int_equal(set(&t, "fd00:1:2:3::7/128", 3), 0);
	assert_int_equal(set(&t, "fd00:1:2::/48", 2), 0);
	assert_int_equal(port_to(&t, "fd00::1"), -1);
	assert_int_equal(domain_routes_commit(&t, rcu), 0);
	assert_int_equal(port_to(&t, "fd00::1"), 0);
	assert_int_equal(port_to(&t, "fd00:1::1"), 1);
	assert_int_equal(port_to(&t, "fd00:1:2::1"), 2);
	assert_int_equal(port_to(&t, "fd00:1:2:3::7"), 3);
	assert_int_equal(port_to(&t, "fd00:1:2:3::8"), 2);
	assert_int_equal(set(&t, "fd00:1:2::/48", 9), 0);
	assert_int_equal(domain_routes_delete(&t, &gone), 0);
	assert_int_equal(domain_routes_delete(&t, &gone), -ENOENT);
	assert_int_equal(port_to(&t, "fd00:1::1"), 1);
	assert_int_equal(domain_routes_commit(&t, rcu), 0);
	assert_int_equal(port_to(&t, "fd00:1::1"), 0);
	assert_int_equal(port_to(&t, "fd00:1:2::1"), 9);
	domain_routes_destroy(&t);
}

static void many_routes(void **state)
{
	const struct route_next_hop bad = {.kind = ROUTE_NONE};
	const struct prefix6 any = prefix("::/0");
	struct domain_routes t;
	char text[64];

	(void)state;
	domain_routes_init(&t, ROUTES);
	assert_int_equal(domain_routes_set(&t, &any, &bad), -EINVAL);
	for (int i = 0; i < ROUTES; i++) {
		snprintf(text, sizeof(text), "fd00:%x::/%d", (i * 7) % ROUTES + 1, 32 + i % 3);
		assert_int_equal(set(&t, text, (uint16_t)((i * 7) % ROUTES + 1)), 0);
	}
	assert_int_equal(set(&t, "fd01::/64", 1), -ENOSPC);
	assert_int_equal(domain_routes_commit(&t, rcu), 0);
	for (int i = 1; i <= ROUTES; i++) {
		snprintf(text, sizeof(text), "fd00:%x::5", i);
		assert_int_equal(port_to(&t, text), i);
	}
	domain_routes_destroy(&t);
}

static void ports_and_domains(void **state)
{
	struct domain_table t;

	(void)state;
	domain_table_init(&t, ROUTES);
	assert_int_equal(domain_table_add(&t, 0, 0), 0);
	assert_int_equal(t.count, 0);
	assert_int_equal(domain_table_add(&t, 1, 7), 0);
	assert_int_equal(domain_table_add(&t, 2, 9), 0);
	assert_int_equal(domain_table_add(&t, 3, 7), 0);
	assert_int_equal(domain_table_add(&t, 4, OBJECT_DOMAIN_LINK), -EDOM);
	assert_int_equal(domain_table_add(&t, DOMAIN_PORTS, 7), -EDOM);
	assert_int_equal(t.count, 2);
	assert_int_equal(t.ports, 0xe);
	assert_int_equal(domain_table_of_port(&t, 0), 0);
	assert_int_equal(domain_table_of_port(&t, 3), 7);
	assert_int_equal(domain_table_of_port(&t, UINT16_MAX), 0);
	assert_null(domain_table_routes(&t, 8));
	assert_non_null(domain_table_routes(&t, 9));
	assert_true(domain_table_guess(&t, 12345) < t.count);
	domain_table_learn(&t, 12345, 1);
	assert_int_equal(domain_table_guess(&t, 12345), 1);
	domain_table_destroy(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_longest_prefix_wins),
		cmocka_unit_test(many_routes),
		cmocka_unit_test(ports_and_domains),
	};

	return cmocka_run_group_tests_name("domain", tests, setup, teardown);
}
