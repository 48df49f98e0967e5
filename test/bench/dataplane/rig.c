#include "rig.h"

#include <errno.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/meta.h"
#include "dataplane/port.h"

enum {
	BUFFERS = 16383,
	BUFFER_CACHE = 512,
	BUFFER_OCTETS = 2176,
	ROUTES = 64,
	OTHER_MB = 160, /* buffers, and what DPDK keeps of its own */
	HUGEPAGE_KB = 2048,
	MTU = 9000,
};

enum { DATA_PLANE_OWN = 1, DATA_PLANE_OTHER };

void rig_die(const char *what, int err)
{
	fprintf(stderr, "bench_dataplane: %s: %s\n", what, strerror(abs(err)));
	exit(1);
}

static unsigned long dpdk_mb(void)
{
	const struct tables_config config = {.routes = ROUTES, .neighbours = ROUTES};

	return tables_memory_needed(&config) / (1 << 20) + OTHER_MB;
}

unsigned long rig_memory_mb(uint32_t subscribers)
{
	const struct tables_config config = {.subscribers = subscribers,
		.routes = ROUTES,
		.neighbours = ROUTES,
		.readers = TRAFFIC_WORKERS};

	return tables_room_needed(&config) / (1 << 20) + dpdk_mb();
}

unsigned long rig_free_huge_mb(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	unsigned long n = 0;

	if (f && fscanf(f, "%lu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n * HUGEPAGE_KB / 1024;
}

static unsigned long available_mb(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kb = 0;
	char line[128];

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lu", &kb) == 1)
			break;
	if (f)
		fclose(f);
	return kb / 1024;
}

bool rig_has_pages(const char *pages, uint32_t subscribers)
{
	return rig_memory_mb(subscribers) <
	       (strcmp(pages, "2M") == 0 ? rig_free_huge_mb() : available_mb());
}

static void open_port(void)
{
	static const struct rte_eth_conf conf;
	const uint16_t queues = TRAFFIC_WORKERS;
	struct rte_mempool *pool = rte_pktmbuf_pool_create("bench", BUFFERS, BUFFER_CACHE,
		sizeof(struct mirror_tag), BUFFER_OCTETS, SOCKET_ID_ANY);
	struct port *port = &port_table[0];

	if (!pool || rte_eth_dev_configure(0, queues, queues, &conf) < 0)
		rig_die("port", EIO);
	for (uint16_t q = 0; q < queues; q++)
		if (rte_eth_rx_queue_setup(0, q, 256, 0, NULL, pool) < 0 ||
			rte_eth_tx_queue_setup(0, q, 256, 0, NULL) < 0)
			rig_die("queues of the port", EIO);
	if (rte_eth_dev_start(0) < 0)
		rig_die("port", EIO);
	snprintf(port->name, sizeof(port->name), "null");
	memcpy(&port->mac, traffic_own_mac.b, sizeof(port->mac));
	port->rx_queues = queues;
	port->mtu = MTU;
	port->up = true;
	traffic_use_pool(pool);
}

void rig_start(const char *pages, const char *cores)
{
	const bool huge = strcmp(pages, "2M") == 0;
	char memory[16], list[16];
	char *args[] = {"bench_dataplane", "-l", list, "-m", memory, "--no-pci", "--no-telemetry",
		"--log-level=error", "--vdev=net_null0,no-rx=1", huge ? "--in-memory" : "--no-huge",
		huge ? NULL : "--no-shconf", NULL};

	snprintf(list, sizeof(list), "%s", cores);
	snprintf(memory, sizeof(memory), "%lu", dpdk_mb());
	if (rte_eal_init(huge ? 10 : 11, args) < 0)
		rig_die("DPDK", rte_errno);
	if (meta_register() < 0)
		rig_die("packet metadata", rte_errno);
	open_port();
}

static void apply(struct tables *tables, const struct object *object)
{
	int err = tables_apply(tables, object);

	if (err < 0)
		rig_die("filling the tables", err);
}

static void set_data_plane(
	struct tables *tables, uint64_t id, const char *name, const char *address)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = traffic_addr(address)};
	snprintf(o.data_plane.name, sizeof(o.data_plane.name), "%s", name);
	apply(tables, &o);
}

struct object rig_path(uint32_t i, uint32_t version)
{
	static struct in6_addr local;
	struct object o = {.kind = OBJECT_PATH, .op = OBJECT_SET, .id = i + 1ull};

	if (addr_is_unspecified(&local))
		local = traffic_addr(TRAFFIC_LOCAL);
	o.path = (struct object_path){.id = i + 1ull,
		.kind = PATH_IP6_IN_IP6,
		.local = local,
		.remote = traffic_care_of(i),
		.data_plane = DATA_PLANE_OWN};
	if (traffic_uses_gre()) {
		o.path.kind = PATH_GRE;
		o.path.keyed = true;
		o.path.key_in = o.path.key_out = traffic_key(i);
	}
	memcpy(o.path.remote.s6_addr + 6, &(uint16_t){(uint16_t)version}, sizeof(uint16_t));
	return o;
}

struct object rig_subscriber(uint32_t i)
{
	struct object o = {.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = i + 1ull};

	o.subscriber = (struct object_subscriber){.id = i + 1ull,
		.prefix_count = 1,
		.path_count = 1,
		.prefixes = {{traffic_home(i), 128}},
		.paths = {i + 1ull}};
	return o;
}

struct tables *rig_tables(uint32_t subscribers)
{
	return rig_tables_for(subscribers, 0);
}

struct tables *rig_tables_for(uint32_t subscribers, uint32_t rules)
{
	return rig_tables_with(subscribers, rules, 0);
}

void rig_set_fixed(struct tables *tables)
{
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 1};

	o.local = (struct object_local){1, traffic_addr(TRAFFIC_LOCAL)};
	apply(tables, &o);
	set_data_plane(tables, DATA_PLANE_OWN, "bench", TRAFFIC_OWN);
	set_data_plane(tables, DATA_PLANE_OTHER, "other", TRAFFIC_OTHER);
}

struct tables *rig_tables_with(uint32_t subscribers, uint32_t rules, uint32_t members)
{
	const struct tables_config config = {.subscribers = subscribers,
		.rules = rules,
		.groups = members ? 1 : 0,
		.members = members,
		.routes = ROUTES,
		.neighbours = ROUTES,
		.readers = TRAFFIC_WORKERS,
		.name = "bench"};
	const struct route_next_hop hop = {
		.kind = ROUTE_GATEWAY, .gateway = traffic_addr("fe80::1")};
	const struct prefix6 all = {.len = 0};
	struct object o;
	int error = 0;
	struct tables *tables = tables_create(&config, &error);

	if (!tables)
		rig_die("tables", error);
	rig_set_fixed(tables);
	if (route_table_set(&tables->routes, &all, &hop) < 0 ||
		neighbour_table_set(&tables->neighbours, &hop.gateway, 0, &traffic_peer_mac) < 0)
		rig_die("filling the tables", ENOSPC);
	route_table_commit(&tables->routes);
	for (uint32_t i = 0; i < subscribers; i++) {
		o = rig_path(i, 0);
		apply(tables, &o);
		o = rig_subscriber(i);
		apply(tables, &o);
	}
	return tables;
}

double rig_bytes(const struct tables *tables)
{
	const struct subscriber_table *s = &tables->subscribers;
	const struct path_table *p = &tables->paths;

	return (double)(pool_memory(&s->entries) + sig_index_memory(&s->by_prefix) +
			sig_index_memory(&s->by_id) + pool_memory(&p->paths) +
			sig_index_memory(&p->by_id)) /
	       s->by_id.capacity;
}

struct worker *rig_worker(struct tables *tables, unsigned index)
{
	const struct worker_config config = {
		.index = index, .tables = tables, .busy_poll = true, .nodes = traffic_sources};
	int error = 0;
	struct worker *worker = worker_create(&config, &error);

	if (!worker)
		rig_die("worker", error);
	return worker;
}
