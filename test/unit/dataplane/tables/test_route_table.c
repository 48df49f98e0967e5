/* Routes and neighbours: what the mirror writes and forwarding reads. */
#include <errno.h>
#include <pthread.h>
#include <rte_eal.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/tables/tables.h"

enum {
	ROUTES = 200,
	NEIGHBOURS = 100,
};

static int eal(void **state)
{
	static char *args[] = {"test", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "384", "-l", "0", "--log-level=error", NULL};

	(void)state;
	return rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ? -1 : 0;
}

static int setup(void **state)
{
	static const struct tables_config config = {
		.subscribers = 16, .routes = ROUTES, .neighbours = NEIGHBOURS, .readers = 1};
	int error = 0;

	*state = tables_create(&config, &error);
	return error;
}

static int teardown(void **state)
{
	tables_destroy(*state);
	return 0;
}

static struct prefix6 prefix(const char *text)
{
	struct prefix6 p;

	assert_int_equal(prefix6_parse(text, &p), 0);
	return p;
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static int set(
	struct tables *t, const char *to, enum route_kind kind, uint16_t port, const char *via)
{
	struct prefix6 p = prefix(to);
	struct route_next_hop hop = {.kind = kind, .port = port, .gateway = addr(via)};

	return route_table_set(&t->routes, &p, &hop);
}

static int delete_route(struct tables *t, const char *to)
{
	struct prefix6 p = prefix(to);

	return route_table_delete(&t->routes, &p);
}

static const struct route_next_hop *find(struct tables *t, const char *text)
{
	struct in6_addr a = addr(text);
	const struct route_next_hop *hop;

	route_table_lookup(&t->routes, &a, 1, &hop);
	return hop;
}

static void test_longest(void **state)
{
	struct tables *t = *state;

	assert_int_equal(find(t, "2001:db8::1")->kind, ROUTE_NONE);
	assert_int_equal(set(t, "::/0", ROUTE_GATEWAY, 0, "fe80::1"), 0);
	assert_int_equal(set(t, "2001:db8::/32", ROUTE_GATEWAY, 1, "fe80::2"), 0);
	assert_int_equal(set(t, "2001:db8:1::/64", ROUTE_CONNECTED, 2, "::"), 0);
	assert_int_equal(set(t, "2001:db8:1::1/128", ROUTE_LOCAL, 2, "::"), 0);
	assert_int_equal(find(t, "2001:db8::1")->kind, ROUTE_NONE);
	route_table_commit(&t->routes);
	assert_int_equal(find(t, "2002::1")->port, 0);
	assert_int_equal(find(t, "2001:db8::1")->port, 1);
	assert_int_equal(find(t, "2001:db8:1::2")->kind, ROUTE_CONNECTED);
	assert_int_equal(find(t, "2001:db8:1::1")->kind, ROUTE_LOCAL);
	assert_int_equal(t->routes.routes, 4);
}

static void test_replace_and_delete(void **state)
{
	struct tables *t = *state;

	assert_int_equal(delete_route(t, "2001:db8::/48"), -ENOENT);
	assert_int_equal(set(t, "2001:db8::/48", ROUTE_GATEWAY, 1, "fe80::2"), 0);
	route_table_commit(&t->routes);
	assert_int_equal(set(t, "2001:db8::/48", ROUTE_GATEWAY, 3, "fe80::3"), 0);
	assert_int_equal(find(t, "2001:db8::1")->port, 1);
	route_table_commit(&t->routes);
	assert_int_equal(find(t, "2001:db8::1")->port, 3);
	assert_int_equal(t->routes.routes, 1);
	/* Both instances have it: a commit of something else does not bring the old one back. */
	assert_int_equal(set(t, "2001:db8:1::/48", ROUTE_BLACKHOLE, 0, "::"), 0);
	route_table_commit(&t->routes);
	assert_int_equal(find(t, "2001:db8::1")->port, 3);
	assert_int_equal(delete_route(t, "2001:db8::/48"), 0);
	assert_int_equal(delete_route(t, "2001:db8::/48"), -ENOENT);
	route_table_commit(&t->routes);
	assert_int_equal(find(t, "2001:db8::1")->kind, ROUTE_NONE);
	assert_int_equal(set(t, "2001:db8:2::/48", ROUTE_BLACKHOLE, 0, "::"), 0);
	route_table_commit(&t->routes);
	assert_int_equal(find(t, "2001:db8::1")->kind, ROUTE_NONE);
	assert_int_equal(t->routes.hops.used, 2);
}

static void test_refused(void **state)
{
	struct tables *t = *state;
	struct route_next_hop hop = {.kind = ROUTE_KINDS};
	struct prefix6 p = prefix("2001:db8::/48");

	assert_int_equal(route_table_set(&t->routes, &p, &hop), -EINVAL);
	hop.kind = ROUTE_NONE;
	assert_int_equal(route_table_set(&t->routes, &p, &hop), -EINVAL);
	hop.kind = ROUTE_CONNECTED;
	for (unsigned i = 0; i < ROUTES; i++) {
		p.addr.s6_addr[5] = (uint8_t)i;
		hop.port = (uint16_t)(i % 3);
		assert_int_equal(route_table_set(&t->routes, &p, &hop), 0);
	}
	p.addr.s6_addr[4] = 1;
	assert_int_equal(route_table_set(&t->routes, &p, &hop), -ENOSPC);
	route_table_commit(&t->routes);
	assert_int_equal(t->routes.routes, ROUTES);
	assert_int_equal(find(t, "2001:db8:7::1")->port, 1);
	assert_string_equal(route_kind_name(ROUTE_GATEWAY), "gateway");
	assert_string_equal(route_kind_name(ROUTE_KINDS), "unknown");
}

/* Routes that come and go never fill the table: DPDK's own count of free groups does not hold. */
static void test_churn(void **state)
{
	struct tables *t = *state;
	struct prefix6 p = prefix("2001:db8::/128");

	assert_int_equal(set(t, "::/0", ROUTE_GATEWAY, 0, "fe80::1"), 0);
	for (unsigned round = 0; round < 60; round++) {
		struct route_next_hop hop = {
			.kind = ROUTE_CONNECTED, .port = (uint16_t)(round % 5)};

		p.len = round % 2 ? 64 : 128;
		for (unsigned i = 0; i < 16; i++) {
			p.addr.s6_addr[p.len / 8 - 1] = (uint8_t)(2 * i);
			assert_int_equal(route_table_set(&t->routes, &p, &hop), 0);
		}
		route_table_commit(&t->routes);
		assert_int_equal(find(t, "2001:db8::")->port, round % 5);
		for (unsigned i = 0; i < 16; i++) {
			p.addr.s6_addr[p.len / 8 - 1] = (uint8_t)(2 * i);
			assert_int_equal(route_table_delete(&t->routes, &p), 0);
		}
		p.addr = addr("2001:db8::");
		if (round % 3)
			route_table_commit(&t->routes);
	}
	route_table_commit(&t->routes);
	assert_int_equal(find(t, "2001:db8::")->kind, ROUTE_GATEWAY);
	assert_int_equal(t->routes.routes, 1);
	assert_int_equal(t->routes.hops.used, 2);
	assert_true(t->routes.made > 2);
}

/* The default route is there before and after every change: a reader always finds it. */
struct reader {
	struct tables *t;
	_Atomic bool stop;
	_Atomic uint64_t rounds;
	uint64_t missed;
};

static void *read_all(void *of)
{
	struct reader *r = of;
	struct in6_addr addresses[32];
	const struct route_next_hop *hops[32];

	rte_rcu_qsbr_thread_register(r->t->rcu, 0);
	rte_rcu_qsbr_thread_online(r->t->rcu, 0);
	while (!atomic_load(&r->stop)) {
		for (unsigned i = 0; i < 32; i++)
			addresses[i] = (struct in6_addr){
				.s6_addr = {0x20, 1, 0xd, 0xb8, [15] = (uint8_t)i}};
		route_table_lookup(&r->t->routes, addresses, 32, hops);
		for (unsigned i = 0; i < 32; i++)
			r->missed +=
				hops[i]->kind != ROUTE_GATEWAY && hops[i]->kind != ROUTE_CONNECTED;
		rte_rcu_qsbr_quiescent(r->t->rcu, 0);
		atomic_fetch_add(&r->rounds, 1);
	}
	rte_rcu_qsbr_thread_offline(r->t->rcu, 0);
	rte_rcu_qsbr_thread_unregister(r->t->rcu, 0);
	return NULL;
}

static void test_reader(void **state)
{
	struct tables *t = *state;
	struct reader reader = {.t = t};
	pthread_t thread;

	assert_int_equal(set(t, "::/0", ROUTE_GATEWAY, 0, "fe80::1"), 0);
	route_table_commit(&t->routes);
	assert_int_equal(pthread_create(&thread, NULL, read_all, &reader), 0);
	for (unsigned round = 0; round < 100 || atomic_load(&reader.rounds) < 1000; round++) {
		struct route_next_hop hop = {
			.kind = ROUTE_CONNECTED, .port = (uint16_t)(round % 5)};
		struct prefix6 p = prefix("2001:db8::/128");

		for (unsigned i = 0; i < 16; i++) {
			p.addr.s6_addr[15] = (uint8_t)(2 * i);
			assert_int_equal(route_table_set(&t->routes, &p, &hop), 0);
		}
		route_table_commit(&t->routes);
		for (unsigned i = 0; i < 16; i++) {
			p.addr.s6_addr[15] = (uint8_t)(2 * i);
			assert_int_equal(route_table_delete(&t->routes, &p), 0);
		}
		route_table_commit(&t->routes);
	}
	atomic_store(&reader.stop, true);
	pthread_join(thread, NULL);
	assert_int_equal(reader.missed, 0);
}

static void test_neighbours(void **state)
{
	struct tables *t = *state;
	struct neighbour_table *n = &t->neighbours;
	struct mac one = {{2, 0, 0, 0, 0, 1}}, two = {{2, 0, 0, 0, 0, 2}};
	struct in6_addr a = addr("fe80::1");

	assert_null(neighbour_table_find(n, &a, 0));
	assert_int_equal(neighbour_table_set(n, &a, 0, &one), 0);
	assert_int_equal(neighbour_table_set(n, &a, 1, &two), 0);
	assert_memory_equal(&neighbour_table_find(n, &a, 0)->mac, &one, 6);
	assert_memory_equal(&neighbour_table_find(n, &a, 1)->mac, &two, 6);
	assert_int_equal(neighbour_table_set(n, &a, 0, &two), 0);
	assert_memory_equal(&neighbour_table_find(n, &a, 0)->mac, &two, 6);
	neighbour_table_delete(n, &a, 0);
	neighbour_table_delete(n, &a, 0);
	assert_null(neighbour_table_find(n, &a, 0));
	assert_non_null(neighbour_table_find(n, &a, 1));
	for (unsigned i = 0; i < NEIGHBOURS - 1; i++) {
		a.s6_addr[14] = (uint8_t)(i + 1);
		assert_int_equal(neighbour_table_set(n, &a, 0, &one), 0);
	}
	a.s6_addr[13] = 1;
	assert_int_equal(neighbour_table_set(n, &a, 0, &one), -ENOSPC);
	a.s6_addr[13] = 0;
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(neighbour_table_set(n, &a, 0, i % 2 ? &one : &two), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_longest, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace_and_delete, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(test_churn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_reader, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbours, setup, teardown),
	};

	return cmocka_run_group_tests(tests, eal, NULL);
}
