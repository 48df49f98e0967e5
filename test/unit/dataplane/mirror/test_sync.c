/* What of Linux's knowledge gets into the tables; the tables are small ones of this test. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/addr.h"
#include "common/log.h"
#include "dataplane/mirror/sync.h"
#include "dataplane/port.h"

enum {
	ROUTES = 32,
	NEIGHBOURS = 32,
	CORE = 10, /* interface numbers of the twins of port 0 and 1; 12 is no twin */
	HOME = 11,
	ELSEWHERE = 12,
};

static struct {
	struct {
		bool used;
		struct prefix6 prefix;
		struct route_next_hop hop;
	} routes[ROUTES];
	struct {
		bool used;
		struct in6_addr addr;
		uint16_t port;
		struct mac mac;
	} neighbours[NEIGHBOURS];
	unsigned commits, changes;
	bool full;
	unsigned reachable, unreachable;
	unsigned links;
} world;

static struct sync sync_under_test;
static struct tables tables;

int route_table_set(
	struct route_table *t, const struct prefix6 *prefix, const struct route_next_hop *hop)
{
	int at = -1;

	(void)t;
	if (world.full)
		return -ENOSPC;
	for (int i = ROUTES - 1; i >= 0; i--) {
		if (!world.routes[i].used)
			at = i;
	}
	for (int i = 0; i < ROUTES; i++) {
		if (world.routes[i].used && !prefix6_compare(&world.routes[i].prefix, prefix))
			at = i;
	}
	assert_true(at >= 0);
	world.routes[at].used = true;
	world.routes[at].prefix = *prefix;
	world.routes[at].hop = *hop;
	world.changes++;
	return 0;
}

int route_table_delete(struct route_table *t, const struct prefix6 *prefix)
{
	(void)t;
	for (int i = 0; i < ROUTES; i++) {
		if (world.routes[i].used && !prefix6_compare(&world.routes[i].prefix, prefix)) {
			world.routes[i].used = false;
			world.changes++;
			return 0;
		}
	}
	fail_msg("%s is not in the table", PREFIX6_TEXT(prefix));
	return -ENOENT;
}

void route_table_commit(struct route_table *t)
{
	(void)t;
	world.commits++;
}

int neighbour_table_set(struct neighbour_table *t, const struct in6_addr *addr, uint16_t port,
	const struct mac *mac)
{
	int at = -1;

	(void)t;
	if (world.full)
		return -ENOSPC;
	for (int i = 0; i < NEIGHBOURS; i++) {
		bool same = world.neighbours[i].used && world.neighbours[i].port == port &&
			    addr_equal(&world.neighbours[i].addr, addr);
		if (same || (at < 0 && !world.neighbours[i].used))
			at = i;
		if (same)
			break;
	}
	assert_true(at >= 0);
	world.neighbours[at].used = true;
	world.neighbours[at].addr = *addr;
	world.neighbours[at].port = port;
	world.neighbours[at].mac = *mac;
	return 0;
}

void neighbour_table_delete(struct neighbour_table *t, const struct in6_addr *addr, uint16_t port)
{
	(void)t;
	for (int i = 0; i < NEIGHBOURS; i++) {
		if (world.neighbours[i].used && world.neighbours[i].port == port &&
			addr_equal(&world.neighbours[i].addr, addr))
			world.neighbours[i].used = false;
	}
}

static uint16_t port_of(void *context, int ifindex)
{
	(void)context;
	return ifindex == CORE ? 0 : ifindex == HOME ? 1 : PORT_NONE;
}

static void resolved(void *context, uint16_t port, const struct in6_addr *addr, bool reachable)
{
	(void)context;
	(void)port;
	(void)addr;
	if (reachable)
		world.reachable++;
	else
		world.unreachable++;
}

static void link_changed(void *context, uint16_t port, const struct kmsg_link *link)
{
	(void)context;
	(void)port;
	(void)link;
	world.links++;
}

static const struct sync_ops ops = {.port_of = port_of, .resolved = resolved, .link = link_changed};

static int setup(void **state)
{
	(void)state;
	log_set_fd(-1);
	memset(&world, 0, sizeof(world));
	sync_init(&sync_under_test, &tables, &ops, NULL);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sync_free(&sync_under_test);
	return 0;
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	assert_int_equal(addr_parse(text, &a), 0);
	return a;
}

static void tell(struct kmsg msg)
{
	sync_message(&msg, &sync_under_test);
}

static struct kmsg route(const char *prefix, int ifindex, const char *via, uint32_t metric)
{
	struct kmsg msg = {.kind = KMSG_ROUTE,
		.route = {.type = KMSG_ROUTE_UNICAST, .ifindex = ifindex, .metric = metric}};

	assert_int_equal(prefix6_parse(prefix, &msg.route.prefix), 0);
	msg.route.gateway = via != NULL;
	if (via)
		msg.route.via = addr(via);
	return msg;
}

static struct kmsg gone(struct kmsg msg)
{
	msg.removed = true;
	return msg;
}

static struct kmsg dumped(struct kmsg msg)
{
	msg.dump = true;
	return msg;
}

static struct kmsg address(const char *text, int ifindex)
{
	return (struct kmsg){
		.kind = KMSG_ADDRESS, .address = {.ifindex = ifindex, .addr = addr(text)}};
}

static struct kmsg neighbour(const char *text, int ifindex, uint8_t mac)
{
	return (struct kmsg){.kind = KMSG_NEIGHBOUR,
		.neighbour = {.ifindex = ifindex,
			.addr = addr(text),
			.usable = mac != 0,
			.mac = {{2, 0, 0, 0, 0, mac}}}};
}

static const struct route_next_hop *find(const char *text)
{
	struct prefix6 prefix;

	assert_int_equal(prefix6_parse(text, &prefix), 0);
	for (int i = 0; i < ROUTES; i++) {
		if (world.routes[i].used && !prefix6_compare(&world.routes[i].prefix, &prefix))
			return &world.routes[i].hop;
	}
	return NULL;
}

static unsigned mac_of(const char *text, uint16_t port)
{
	struct in6_addr a = addr(text);

	for (int i = 0; i < NEIGHBOURS; i++) {
		if (world.neighbours[i].used && world.neighbours[i].port == port &&
			addr_equal(&world.neighbours[i].addr, &a))
			return world.neighbours[i].mac.b[5];
	}
	return 0;
}

static void test_kinds_of_routes(void **state)
{
	struct kmsg refuse = route("2001:db8:3::/48", 0, NULL, 1);
	struct kmsg drop = route("2001:db8:4::/48", 0, NULL, 1);

	(void)state;
	refuse.route.type = KMSG_ROUTE_UNREACHABLE;
	drop.route.type = KMSG_ROUTE_BLACKHOLE;
	tell(route("2001:db8:1::/64", CORE, NULL, 256));
	tell(route("::/0", HOME, "fe80::9", 1024));
	tell(refuse);
	tell(drop);
	assert_int_equal(find("2001:db8:1::/64")->kind, ROUTE_CONNECTED);
	assert_int_equal(find("2001:db8:1::/64")->port, 0);
	assert_int_equal(find("::/0")->kind, ROUTE_GATEWAY);
	assert_int_equal(find("::/0")->port, 1);
	struct in6_addr via = addr("fe80::9");
	assert_memory_equal(&find("::/0")->gateway, &via, 16);
	assert_int_equal(find("2001:db8:3::/48")->kind, ROUTE_UNREACHABLE);
	assert_int_equal(find("2001:db8:4::/48")->kind, ROUTE_BLACKHOLE);
	tell(gone(route("2001:db8:1::/64", CORE, NULL, 256)));
	assert_null(find("2001:db8:1::/64"));
}

static void test_routes_elsewhere_are_no_routes(void **state)
{
	(void)state;
	tell(route("2001:db8:1::/64", ELSEWHERE, NULL, 256));
	tell(route("fe80::/64", CORE, NULL, 256));
	tell(route("ff00::/8", CORE, NULL, 256));
	struct kmsg other = route("2001:db8:1::/64", CORE, NULL, 256);

	other.route.elsewhere = true;
	tell(other);
	assert_int_equal(world.changes, 0);
	sync_commit(&sync_under_test);
	assert_int_equal(world.commits, 0);
}

static void test_lowest_metric_wins(void **state)
{
	(void)state;
	tell(route("2001:db8:1::/64", HOME, "fe80::2", 200));
	tell(route("2001:db8:1::/64", CORE, "fe80::1", 100));
	tell(route("2001:db8:1::/64", CORE, "fe80::3", 300));
	assert_int_equal(find("2001:db8:1::/64")->port, 0);
	tell(gone(route("2001:db8:1::/64", CORE, "fe80::1", 100)));
	assert_int_equal(find("2001:db8:1::/64")->port, 1);
	/* One that is not in use goes unnoticed. */
	unsigned changes = world.changes;
	tell(gone(route("2001:db8:1::/64", CORE, "fe80::3", 300)));
	assert_int_equal(world.changes, changes);
	tell(gone(route("2001:db8:1::/64", HOME, "fe80::2", 200)));
	assert_null(find("2001:db8:1::/64"));
}

static struct kmsg from(const char *source, struct kmsg msg)
{
	assert_int_equal(prefix6_parse(source, &msg.route.source), 0);
	return msg;
}

/* The port by which packets of a source leave, -1: none. */
static int port_from(const char *source)
{
	const struct route_next_hop *hop = find("::/0");
	const struct in6_addr a = addr(source);

	assert_int_equal(hop->kind, ROUTE_BY_SOURCE);
	hop = route_of_source(hop->sources, &a);
	return hop->kind == ROUTE_NONE ? -1 : hop->port;
}

static void test_routes_by_source(void **state)
{
	const struct kmsg core = from("2001:db8:a::/64", route("::/0", CORE, "fe80::1", 1024));
	const struct kmsg home = from("2001:db8:a::5/128", route("::/0", HOME, "fe80::2", 1024));

	(void)state;
	tell(core);
	assert_int_equal(port_from("2001:db8:a::5"), 0);
	assert_int_equal(port_from("2001:db8:b::5"), -1);
	sync_commit(&sync_under_test);
	tell(home);
	tell(from("2001:db8:a::/64", route("::/0", HOME, "fe80::2", 2048)));
	assert_int_equal(port_from("2001:db8:a::5"), 1);
	assert_int_equal(port_from("2001:db8:a::6"), 0);
	tell(route("::/0", HOME, "fe80::3", 1));
	assert_int_equal(port_from("2001:db8:a::6"), 0);
	assert_int_equal(port_from("2001:db8:b::5"), 1);
	sync_commit(&sync_under_test);
	tell(gone(home));
	assert_int_equal(port_from("2001:db8:a::5"), 0);
	tell(gone(core));
	assert_int_equal(port_from("2001:db8:a::5"), 1);
	/* What a dump does not name goes; then there is none by source, and then none. */
	sync_mark(&sync_under_test);
	tell(dumped(route("::/0", HOME, "fe80::3", 1)));
	sync_sweep(&sync_under_test);
	assert_int_equal(find("::/0")->kind, ROUTE_GATEWAY);
	tell(core);
	assert_int_equal(port_from("2001:db8:a::5"), 0);
	sync_mark(&sync_under_test);
	sync_sweep(&sync_under_test);
	assert_null(find("::/0"));
	sync_commit(&sync_under_test);
}

/* More sources than a set holds: the others have the route for all. */
static void test_too_many_sources(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= ROUTE_SOURCES_MAX; i++) {
		char text[64];

		snprintf(text, sizeof(text), "2001:db8:a::%x/128", i + 1);
		tell(from(text, route("::/0", CORE, "fe80::1", 1024)));
	}
	assert_int_equal(find("::/0")->sources->count, ROUTE_SOURCES_MAX);
	assert_int_equal(port_from("2001:db8:a::1"), 0);
}

static void test_own_address_beats_a_route(void **state)
{
	(void)state;
	tell(route("2001:db8:1::1/128", CORE, NULL, 1));
	tell(address("2001:db8:1::1", CORE));
	assert_int_equal(find("2001:db8:1::1/128")->kind, ROUTE_LOCAL);
	/* On a second interface, also one that is no twin: it is ours as long as one has it. */
	tell(address("2001:db8:1::1", ELSEWHERE));
	tell(gone(address("2001:db8:1::1", CORE)));
	assert_int_equal(find("2001:db8:1::1/128")->kind, ROUTE_LOCAL);
	tell(gone(address("2001:db8:1::1", ELSEWHERE)));
	assert_int_equal(find("2001:db8:1::1/128")->kind, ROUTE_CONNECTED);
	tell(address("fe80::1", CORE));
	tell(address("::1", ELSEWHERE));
	assert_null(find("fe80::1/128"));
	assert_null(find("::1/128"));
}

static void test_partial_change_asks_for_a_dump(void **state)
{
	struct kmsg msg = route("2001:db8:1::/64", CORE, "fe80::1", 100);

	(void)state;
	tell(msg);
	assert_false(sync_under_test.must_dump);
	msg.route.via = addr("fe80::2");
	msg.route.partial = true;
	tell(msg);
	assert_true(sync_under_test.must_dump);
	sync_mark(&sync_under_test);
	tell(dumped(msg));
	sync_sweep(&sync_under_test);
	assert_false(sync_under_test.must_dump);
	struct in6_addr via = addr("fe80::2");
	assert_memory_equal(&find("2001:db8:1::/64")->gateway, &via, 16);
}

static void test_dump_removes_what_is_gone(void **state)
{
	(void)state;
	tell(route("2001:db8:1::/64", CORE, NULL, 256));
	tell(route("2001:db8:2::/64", HOME, NULL, 256));
	tell(neighbour("2001:db8:1::5", CORE, 5));
	tell(neighbour("2001:db8:1::6", CORE, 6));
	sync_mark(&sync_under_test);
	unsigned changes = world.changes;
	tell(dumped(route("2001:db8:2::/64", HOME, NULL, 256)));
	tell(dumped(neighbour("2001:db8:1::6", CORE, 6)));
	/* What stays is not touched. */
	assert_int_equal(world.changes, changes);
	sync_sweep(&sync_under_test);
	assert_null(find("2001:db8:1::/64"));
	assert_non_null(find("2001:db8:2::/64"));
	assert_int_equal(mac_of("2001:db8:1::5", 0), 0);
	assert_int_equal(mac_of("2001:db8:1::6", 0), 6);
}

static void test_neighbours(void **state)
{
	struct kmsg failed = neighbour("2001:db8:1::5", CORE, 0);

	(void)state;
	tell(neighbour("2001:db8:1::5", CORE, 5));
	tell(neighbour("2001:db8:1::5", HOME, 6));
	tell(neighbour("2001:db8:1::5", ELSEWHERE, 7));
	assert_int_equal(mac_of("2001:db8:1::5", 0), 5);
	assert_int_equal(mac_of("2001:db8:1::5", 1), 6);
	assert_int_equal(world.reachable, 2);
	tell(neighbour("2001:db8:1::5", CORE, 9));
	assert_int_equal(mac_of("2001:db8:1::5", 0), 9);
	failed.neighbour.failed = true;
	tell(failed);
	assert_int_equal(mac_of("2001:db8:1::5", 0), 0);
	assert_int_equal(world.unreachable, 1);
	tell(gone(neighbour("2001:db8:1::5", HOME, 6)));
	assert_int_equal(mac_of("2001:db8:1::5", 1), 0);
}

static unsigned used;

static void use(void *context, int ifindex, const struct in6_addr *a)
{
	(void)context;
	(void)a;
	assert_int_equal(ifindex, CORE);
	used++;
}

static void test_stale_neighbours_are_used(void **state)
{
	struct kmsg stale = neighbour("2001:db8:1::5", CORE, 5);

	(void)state;
	used = 0;
	tell(neighbour("2001:db8:1::6", CORE, 6));
	assert_int_equal(sync_stale(&sync_under_test, 10, use, NULL), 0);
	stale.neighbour.stale = true;
	tell(stale);
	assert_int_equal(mac_of("2001:db8:1::5", 0), 5);
	assert_int_equal(sync_stale(&sync_under_test, 10, use, NULL), 1);
	assert_int_equal(sync_stale(&sync_under_test, 10, use, NULL), 0);
	tell(stale);
	tell(neighbour("2001:db8:1::5", CORE, 5));
	assert_int_equal(sync_stale(&sync_under_test, 10, use, NULL), 0);
	assert_int_equal(used, 1);
}

static void test_gateways_are_resolved_before_packets_come(void **state)
{
	(void)state;
	used = 0;
	tell(neighbour("2001:db8:1::5", CORE, 5));
	tell(route("2001:db8:1::/64", CORE, NULL, 256));           /* no gateway */
	tell(route("2001:db8:10::/48", CORE, "2001:db8:1::5", 1)); /* known */
	assert_int_equal(sync_gateways(&sync_under_test, 10, use, NULL), 0);
	tell(route("2001:db8:11::/48", CORE, "2001:db8:1::6", 1));
	tell(route("2001:db8:12::/48", CORE, "2001:db8:1::7", 1));
	tell(route("2001:db8:13::/48", CORE, "2001:db8:1::8", 1));
	assert_int_equal(sync_gateways(&sync_under_test, 2, use, NULL), 2);
	assert_int_equal(sync_gateways(&sync_under_test, 2, use, NULL), 1);
	assert_int_equal(sync_gateways(&sync_under_test, 2, use, NULL), 0);
	/* A better route brings another gateway; the same again brings nothing new. */
	tell(route("2001:db8:11::/48", CORE, "2001:db8:1::9", 0));
	tell(dumped(route("2001:db8:12::/48", CORE, "2001:db8:1::7", 1)));
	assert_int_equal(sync_gateways(&sync_under_test, 10, use, NULL), 1);
	assert_int_equal(used, 4);
}

static void test_link_that_goes_down(void **state)
{
	struct kmsg msg = {.kind = KMSG_LINK, .link = {.ifindex = CORE, .up = true, .mtu = 1500}};

	(void)state;
	tell(msg);
	assert_int_equal(world.links, 1);
	assert_false(sync_under_test.must_dump);
	msg.link.up = false;
	tell(msg);
	assert_true(sync_under_test.must_dump);
	msg.link.ifindex = ELSEWHERE;
	tell(msg);
	assert_int_equal(world.links, 2);
}

/* Routes by a port of a customer are its own, in whichever table Linux has them. */
static void test_domains(void **state)
{
	const struct domain_routes *routes;
	struct kmsg vrf = route("2001:db8:1::/64", HOME, "fe80::3", 5);

	(void)state;
	domain_table_init(&tables.domains, 10);
	assert_int_equal(domain_table_add(&tables.domains, 1, 7), 0);
	routes = domain_table_routes(&tables.domains, 7);
	tell(route("2001:db8:1::/64", CORE, "fe80::1", 100));
	tell(route("2001:db8:1::/64", HOME, "fe80::2", 1));
	assert_int_equal(find("2001:db8:1::/64")->port, 0);
	assert_int_equal(routes->count, 1);
	assert_int_equal(routes->routes[0].hop.port, 1);
	tell(address("fd00::1", HOME));
	assert_int_equal(routes->count, 2);
	assert_int_equal(routes->routes[0].hop.kind, ROUTE_LOCAL);
	assert_int_equal(routes->routes[0].hop.port, 1);
	assert_null(find("fd00::1/128"));
	vrf.route.elsewhere = true;
	tell(vrf);
	tell(gone(route("2001:db8:1::/64", HOME, "fe80::2", 1)));
	assert_int_equal(routes->routes[1].hop.gateway.s6_addr[15], 3);
	tell(gone(vrf));
	assert_int_equal(routes->count, 1);
	assert_int_equal(find("2001:db8:1::/64")->port, 0);
	vrf.route.ifindex = CORE;
	tell(vrf);
	tell(gone(route("2001:db8:1::/64", CORE, "fe80::1", 100)));
	assert_null(find("2001:db8:1::/64"));
	sync_free(&sync_under_test);
	sync_init(&sync_under_test, &tables, &ops, NULL);
	domain_table_destroy(&tables.domains);
}

static void test_full_tables(void **state)
{
	(void)state;
	world.full = true;
	tell(route("2001:db8:1::/64", CORE, NULL, 256));
	tell(neighbour("2001:db8:1::5", CORE, 5));
	world.full = false;
	/* Gone before there was room: there is nothing to take out. */
	tell(gone(route("2001:db8:1::/64", CORE, NULL, 256)));
	tell(neighbour("2001:db8:1::5", CORE, 5));
	assert_int_equal(mac_of("2001:db8:1::5", 0), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kinds_of_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_routes_elsewhere_are_no_routes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lowest_metric_wins, setup, teardown),
		cmocka_unit_test_setup_teardown(test_routes_by_source, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_many_sources, setup, teardown),
		cmocka_unit_test_setup_teardown(test_own_address_beats_a_route, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_partial_change_asks_for_a_dump, setup, teardown),
		cmocka_unit_test_setup_teardown(test_dump_removes_what_is_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_neighbours, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stale_neighbours_are_used, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_gateways_are_resolved_before_packets_come, setup, teardown),
		cmocka_unit_test_setup_teardown(test_link_that_goes_down, setup, teardown),
		cmocka_unit_test_setup_teardown(test_domains, setup, teardown),
		cmocka_unit_test_setup_teardown(test_full_tables, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
