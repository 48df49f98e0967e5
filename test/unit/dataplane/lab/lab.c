#include "lab.h"

#include <rte_eal.h>
#include <rte_eth_ring.h>
#include <rte_ethdev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/agent/events.h"
#include "dataplane/nodes/hold.h"
#include "dataplane/nodes/meta.h"
#include "dataplane/nodes/reassembly.h"
#include "dataplane/nodes/resequence.h"
#include "dataplane/nodes/trace.h"
#include "dataplane/port.h"

enum {
	BUFFERS = 1023,
	RING_SIZE = 512,
	MTU = 1500,
};

static struct {
	struct rte_mempool *pool;
	struct rte_ring *rx[LAB_PORTS][LAB_WORKERS], *tx[LAB_PORTS];
} bench;

static const char *const names[LAB_PORTS] = {"core", "visited", "home"};
static const char *const kinds[LAB_WORKERS] = {"rx", "rx1"};

static struct rte_ring *make_ring(const char *kind, const char *name)
{
	char full[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(full, sizeof(full), "lab_%s_%s", kind, name);
	ring = rte_ring_create(full, RING_SIZE, SOCKET_ID_ANY, 0);
	if (!ring)
		abort();
	return ring;
}

struct mac lab_mac(enum lab_port port)
{
	return (struct mac){{2, 0, 0, 0, 0, (uint8_t)(1 + port)}};
}

struct mac lab_peer_mac(enum lab_port port)
{
	return (struct mac){{2, 0, 0, 0, 1, (uint8_t)(1 + port)}};
}

void lab_frame(struct packet *p, enum lab_port port)
{
	struct mac dst = lab_mac(port), src = lab_peer_mac(port);

	packet_ether(p, &dst, &src);
}

void lab_arrive(struct lab *lab, enum lab_port port, const struct packet *p)
{
	struct packet f = *p;

	lab_frame(&f, port);
	lab_receive(lab, port, &f);
	lab_walk(lab);
}

/* A port of rings; DPDK must number it as we do. */
static int open_port(enum lab_port which)
{
	static const struct rte_eth_conf conf;
	struct rte_ring *tx[LAB_WORKERS];
	struct mac mac = lab_mac(which);
	struct port *port = &port_table[which];
	int id;

	bench.tx[which] = make_ring("tx", names[which]);
	for (int i = 0; i < LAB_WORKERS; i++) {
		bench.rx[which][i] = make_ring(kinds[i], names[which]);
		tx[i] = bench.tx[which];
	}
	id = rte_eth_from_rings(names[which], bench.rx[which], LAB_WORKERS, tx, LAB_WORKERS, 0);
	if (id != (int)which || rte_eth_dev_configure(which, LAB_WORKERS, LAB_WORKERS, &conf) < 0)
		return -1;
	for (uint16_t i = 0; i < LAB_WORKERS; i++)
		if (rte_eth_rx_queue_setup(which, i, RING_SIZE, 0, NULL, bench.pool) < 0 ||
			rte_eth_tx_queue_setup(which, i, RING_SIZE, 0, NULL) < 0)
			return -1;
	if (rte_eth_dev_start(which) < 0)
		return -1;
	snprintf(port->name, sizeof(port->name), "%s", names[which]);
	memcpy(&port->mac, mac.b, sizeof(mac.b));
	port->rx_queues = LAB_WORKERS;
	port->number = (uint16_t)which;
	port->mtu = MTU;
	port->up = true;
	return 0;
}

int lab_eal(void **state)
{
	static char *args[] = {"lab", "--no-huge", "--no-pci", "--no-shconf", "--no-telemetry",
		"-m", "512", "-l", "0", "--log-level=error", NULL};
	struct mirror_queue *q = &mirror_queues[0];

	(void)state;
	if (rte_eal_init((int)(sizeof(args) / sizeof(args[0])) - 1, args) < 0 ||
		meta_register() < 0 || events_open(1) < 0 || trace_open(1) < 0)
		return -1;
	bench.pool = rte_pktmbuf_pool_create(
		"lab", BUFFERS, 0, sizeof(struct mirror_tag), 2176, SOCKET_ID_ANY);
	if (!bench.pool)
		return -1;
	for (int i = 0; i < LAB_PORTS; i++)
		if (open_port((enum lab_port)i) < 0)
			return -1;
	q->twin = make_ring("to", "twin");
	q->punt[MIRROR_CLASS_KNOWN] = make_ring("punt", "known");
	q->punt[MIRROR_CLASS_NEIGHBOUR] = make_ring("punt", "neighbour");
	q->punt[MIRROR_CLASS_NEW] = make_ring("punt", "new");
	q->punt[MIRROR_CLASS_REST] = make_ring("punt", "rest");
	q->unresolved = make_ring("to", "unresolved");
	q->down = make_ring("from", "mirror");
	return 0;
}

void lab_apply(struct lab *lab, const struct object *object, int expected)
{
	/* The test is writer and reader in one thread: it must not wait for itself. */
	worker_leave(lab->worker);
	assert_int_equal(tables_apply(lab->tables, object), expected);
	tables_settle(lab->tables);
	worker_enter(lab->worker);
}

void lab_set_path(struct lab *lab, uint64_t id, const char *remote, uint16_t mtu, int expected)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_IP6_IN_IP6,
		.local = packet_addr(LAB_LOCAL),
		.remote = packet_addr(remote),
		.mtu = mtu};
	lab_apply(lab, &o, expected);
}

void lab_set_gre(struct lab *lab, uint64_t id, const char *remote, const struct lab_keys *keys)
{
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = id};

	o.path = (struct object_path){.id = id,
		.kind = PATH_GRE,
		.local = packet_addr(LAB_LOCAL),
		.remote = packet_addr(remote),
		.keyed = keys,
		.key_out = keys ? keys->out : 0,
		.key_in = keys ? keys->in : 0};
	lab_apply(lab, &o, 0);
}

void lab_set_subscriber(struct lab *lab, uint64_t id, const char *prefix, uint64_t link,
	const uint64_t *paths, uint8_t path_count, int expected)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = id};

	o.subscriber = (struct object_subscriber){
		.id = id, .link_id = link, .prefix_count = 1, .path_count = path_count};
	assert_int_equal(prefix6_parse(prefix, &o.subscriber.prefixes[0]), 0);
	memcpy(o.subscriber.paths, paths, path_count * sizeof(paths[0]));
	lab_apply(lab, &o, expected);
}

void lab_delete(struct lab *lab, enum object_kind kind, uint64_t id)
{
	struct object o = {.kind = kind, .op = OBJECT_DELETE, .id = id};

	lab_apply(lab, &o, 0);
}

static void set_route(struct lab *lab, const char *prefix, enum route_kind kind, uint16_t port,
	const char *gateway)
{
	struct route_next_hop hop = {.kind = kind, .port = port, .gateway = packet_addr(gateway)};
	struct prefix6 p;

	assert_int_equal(prefix6_parse(prefix, &p), 0);
	assert_int_equal(route_table_set(&lab->tables->routes, &p, &hop), 0);
}

static void set_neighbour(struct lab *lab, const char *addr, enum lab_port port)
{
	struct in6_addr a = packet_addr(addr);
	struct mac mac = lab_peer_mac(port);

	assert_int_equal(neighbour_table_set(&lab->tables->neighbours, &a, port, &mac), 0);
}

static void fill_tables(struct lab *lab)
{
	const uint64_t path = 1;
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 1};

	o.local = (struct object_local){1, packet_addr(LAB_LOCAL)};
	lab_apply(lab, &o, 0);
	o = (struct object){.kind = OBJECT_LINK, .op = OBJECT_SET, .id = 7};
	o.link = (struct object_link){.id = 7, .port = "home", .watch_dad = true};
	lab_apply(lab, &o, 0);
	lab_set_path(lab, 1, LAB_CARE_OF, 0, 0);
	lab_set_subscriber(lab, 1, LAB_HOME_OF "/128", 7, &path, 1, 0);

	set_route(lab, "::/0", ROUTE_GATEWAY, LAB_CORE, "fe80::1");
	set_route(lab, "2001:db8:f::/48", ROUTE_GATEWAY, LAB_VISITED, "fe80::2");
	set_route(lab, "2001:db8:1::/64", ROUTE_CONNECTED, LAB_HOME, "::");
	set_route(lab, "2001:db8:1::1/128", ROUTE_LOCAL, LAB_HOME, "::");
	set_route(lab, "2001:db8:dead::/48", ROUTE_BLACKHOLE, 0, "::");
	set_route(lab, "2001:db8:bad::/48", ROUTE_UNREACHABLE, 0, "::");
	worker_leave(lab->worker);
	route_table_commit(&lab->tables->routes);
	worker_enter(lab->worker);
	set_neighbour(lab, "fe80::1", LAB_CORE);
	set_neighbour(lab, "fe80::2", LAB_VISITED);
	set_neighbour(lab, "2001:db8:1::99", LAB_HOME);
}

int lab_setup(void **state)
{
	static const struct tables_config config = {.subscribers = 1000,
		.rules = 600,
		.groups = 8,
		.members = 1000,
		.routes = 100,
		.neighbours = 100,
		.readers = LAB_WORKERS,
		.name = LAB_NAME};
	static struct lab bench_lab;
	struct lab *lab = &bench_lab;
	int error = 0;

	*lab = (struct lab){0};
	lab->pool = bench.pool;
	lab->buffers = rte_mempool_avail_count(bench.pool);
	lab->tables = tables_create(&config, &error);
	if (!lab->tables)
		return error;
	lab->worker = worker_create(&(struct worker_config){.tables = lab->tables}, &error);
	if (!lab->worker)
		return error;
	for (int i = 0; i < LAB_PORTS; i++)
		port_table[i].mtu = MTU;
	worker_enter(lab->worker);
	fill_tables(lab);
	*state = lab;
	return 0;
}

static void drain(struct rte_ring *ring)
{
	void *m;

	while (rte_ring_dequeue(ring, &m) == 0)
		rte_pktmbuf_free(m);
}

/* All that left or waits. */
static void drain_all(void)
{
	struct update_event event;

	for (int i = 0; i < LAB_PORTS; i++) {
		for (int j = 0; j < LAB_WORKERS; j++)
			drain(bench.rx[i][j]);
		drain(bench.tx[i]);
	}
	drain(mirror_queues[0].twin);
	drain(mirror_queues[0].unresolved);
	drain(mirror_queues[0].down);
	for (int i = 0; i < MIRROR_CLASSES; i++)
		drain(mirror_queues[0].punt[i]);
	while (events_take(&event))
		;
}

unsigned lab_drain(struct lab *lab)
{
	drain_all();
	/* Fragments wait for others: a new table for them lets go of those. */
	reassembly_destroy(lab->worker->reassembly);
	lab->worker->reassembly = reassembly_create();
	resequencer_destroy(lab->worker->resequencer);
	lab->worker->resequencer = resequencer_create(0);
	hold_destroy(lab->worker->hold);
	lab->worker->hold = hold_create(HOLD_MOST);
	return lab->buffers - rte_mempool_avail_count(bench.pool);
}

int lab_teardown(void **state)
{
	struct lab *lab = *state;
	unsigned left;

	drain_all();
	worker_leave(lab->worker);
	worker_destroy(lab->worker);
	tables_destroy(lab->tables);
	left = lab->buffers - rte_mempool_avail_count(bench.pool);
	if (left)
		print_error("%u packet buffers are missing\n", left);
	return left ? -1 : 0;
}

static struct rte_mbuf *buffer(struct lab *lab, const struct packet *p)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(lab->pool);
	char *at;

	assert_non_null(m);
	at = rte_pktmbuf_append(m, p->len);
	assert_non_null(at);
	memcpy(at, p->data, p->len);
	return m;
}

void lab_receive_for(struct lab *lab, unsigned worker, enum lab_port port, const struct packet *p)
{
	struct rte_mbuf *m = buffer(lab, p);

	m->port = (uint16_t)port;
	assert_int_equal(rte_ring_enqueue(bench.rx[port][worker], m), 0);
}

void lab_receive(struct lab *lab, enum lab_port port, const struct packet *p)
{
	lab_receive_for(lab, 0, port, p);
}

void lab_down(struct lab *lab, enum mirror_down how, uint16_t port, uint64_t subscriber,
	const struct packet *p)
{
	struct rte_mbuf *m = buffer(lab, p);

	*mirror_tag(m) =
		(struct mirror_tag){.down = (uint8_t)how, .port = port, .subscriber = subscriber};
	assert_int_equal(rte_ring_enqueue(mirror_queues[0].down, m), 0);
}

void lab_walk(struct lab *lab)
{
	while (worker_walk(lab->worker))
		;
}

void lab_taken(struct lab *lab, struct rte_ring *ring, struct packet *p, struct mirror_tag *tag)
{
	void *object = NULL;
	struct rte_mbuf *m;

	(void)lab;
	assert_int_equal(rte_ring_dequeue(ring, &object), 0);
	m = object;
	assert_int_equal(rte_pktmbuf_linearize(m), 0);
	p->len = m->data_len;
	memcpy(p->data, rte_pktmbuf_mtod(m, void *), p->len);
	if (tag)
		*tag = *mirror_tag(m);
	rte_pktmbuf_free(m);
}

void lab_sent(struct lab *lab, enum lab_port port, struct packet *p)
{
	lab_taken(lab, bench.tx[port], p, NULL);
}

unsigned lab_pending(const struct lab *lab, enum lab_port port)
{
	(void)lab;
	return rte_ring_count(bench.tx[port]);
}

void lab_nothing(struct lab *lab)
{
	(void)lab;
	for (int i = 0; i < LAB_PORTS; i++)
		assert_int_equal(rte_ring_count(bench.tx[i]), 0);
	assert_int_equal(rte_ring_count(mirror_queues[0].twin), 0);
	assert_int_equal(rte_ring_count(mirror_queues[0].unresolved), 0);
	for (int i = 0; i < MIRROR_CLASSES; i++)
		assert_int_equal(rte_ring_count(mirror_queues[0].punt[i]), 0);
}

uint64_t lab_drops(const struct lab *lab, enum drop_reason reason)
{
	return counter_get(&lab->worker->drops[reason]);
}

uint64_t lab_counter(const struct lab *lab, enum worker_counter counter)
{
	return counter_get(&lab->worker->counters[counter]);
}

void lab_expect_drop(
	struct lab *lab, enum lab_port port, const struct packet *p, enum drop_reason reason)
{
	uint64_t before[DROP_COUNT];

	memcpy(before, lab->worker->drops, sizeof(before));
	before[reason]++;
	lab_receive(lab, port, p);
	lab_walk(lab);
	lab_nothing(lab);
	for (int i = 0; i < DROP_COUNT; i++)
		if (lab_drops(lab, (enum drop_reason)i) != before[i])
			fail_msg("drop_%s: %ju, expected %ju",
				drop_reason_name((enum drop_reason)i),
				(uintmax_t)lab_drops(lab, (enum drop_reason)i),
				(uintmax_t)before[i]);
}
