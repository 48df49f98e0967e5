/*
 * bench_dataplane: cycles that the data plane spends on a packet, in total and by node.
 *
 * The real graph runs between a source node, which makes packets of random subscribers, and a port
 * of DPDK's null driver. What the same source and the same port cost without anything in between
 * is measured in the same run, as the floor. Packet I/O of a network card is not in the figures,
 * nor are cache misses on packets that a card has just written.
 */
#include <errno.h>
#include <jansson.h>
#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_graph_worker.h>
#include <rte_malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/args.h"
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/meta.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port.h"
#include "dataplane/tables/tables.h"
#include "dataplane/worker.h"

enum {
	SUBSCRIBERS_MAX = 4000000,
	SIZES_MAX = 8,
	WINDOWS = 400,
	WINDOW_PACKETS = 1 << 13, /* short, so that many are not interrupted by others */
	NODES_MAX = 16,
	FRAME_MAX = 160,
	BUFFERS = 8191,
	HUGEPAGE_KB = 2048,
	TABLE_MB = 160, /* beside subscribers: routes, buffers */
};

/* relay-in: what another data plane sends here, to a node; relay-out: to the one that serves it. */
enum work { WORK_FLOOR, WORK_ENCAP, WORK_DECAP, WORK_ROUTE, WORK_RELAY_IN, WORK_RELAY_OUT, WORKS };
static const char *const work_names[WORKS] = {
	"floor", "encap", "decap", "route", "relay-in", "relay-out"};

/* Data planes: ourselves, another, and the one that serves all paths: ourselves at first. */
enum { OWN = 1, OTHER, SERVING };
#define OWN_ADDR   "2001:db8:ffff::a"
#define OTHER_ADDR "2001:db8:ffff::b"

enum edge { SOURCE_CLASSIFY, SOURCE_TX, SOURCE_EDGES };

struct node_cost {
	char name[RTE_NODE_NAMESIZE];
	double cycles; /* a packet that entered the graph */
};

struct result {
	enum work work;
	uint32_t subscribers;
	unsigned burst;
	double cycles, median, floor;
	struct node_cost nodes[NODES_MAX];
	unsigned node_count;
	double bytes; /* of tables a subscriber */
};

static struct {
	struct rte_mempool *pool;
	struct tables *tables;
	struct worker *worker;
	enum work work;
	uint32_t subscribers;
	unsigned burst;
	uint64_t random;
	uint8_t frame[FRAME_MAX]; /* what every packet of this work begins with */
	uint16_t length;
} bench;

static const struct mac own_mac = {{2, 0, 0, 0, 0, 1}}, peer_mac = {{2, 0, 0, 0, 0, 2}};

static void die(const char *what, int err)
{
	fprintf(stderr, "bench_dataplane: %s: %s\n", what, strerror(err < 0 ? -err : err));
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 31) * 0x9e3779b97f4a7c15u;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9u;
	return x ^ x >> 32;
}

static struct in6_addr addr(const char *text)
{
	struct in6_addr a;

	if (addr_parse(text, &a) < 0)
		die(text, EINVAL);
	return a;
}

/* Home address (net 1) or care-of address (net 15) of a subscriber: scattered in a /64. */
static inline struct in6_addr address_of(uint32_t subscriber, uint8_t net)
{
	struct in6_addr a = {.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, net}};
	uint64_t id = mix(subscriber + 1ull);

	memcpy(a.s6_addr + 8, &id, sizeof(id));
	return a;
}

/* Writes what differs from packet to packet: whose it is. */
static inline void personalize(uint8_t *frame)
{
	bench.random = bench.random * 6364136223846793005u + 1442695040888963407u;

	uint32_t who = (uint32_t)(((bench.random >> 32) * bench.subscribers) >> 32);
	struct in6_addr home = address_of(who, 1), care_of;

	switch (bench.work) {
	case WORK_ENCAP:
	case WORK_RELAY_OUT:
		memcpy(frame + 14 + 24, &home, sizeof(home));
		break;
	case WORK_RELAY_IN:
		memcpy(frame + 54 + 24, &home, sizeof(home));
		break;
	case WORK_DECAP:
		care_of = address_of(who, 15);
		memcpy(frame + 14 + 8, &care_of, sizeof(care_of));
		memcpy(frame + 54 + 8, &home, sizeof(home));
		break;
	default:
		memcpy(frame + 14 + 32, home.s6_addr + 8, 8);
		break;
	}
}

static uint16_t source_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_mbuf **mbufs = (struct rte_mbuf **)objs;

	n = (uint16_t)bench.burst;
	if (rte_pktmbuf_alloc_bulk(bench.pool, mbufs, n) < 0)
		die("packet buffers", ENOBUFS);
	for (uint16_t i = 0; i < n; i++) {
		uint8_t *frame = rte_pktmbuf_mtod(mbufs[i], uint8_t *);

		memcpy(frame, bench.frame, sizeof(bench.frame));
		personalize(frame);
		mbufs[i]->data_len = bench.length;
		mbufs[i]->pkt_len = bench.length;
		mbufs[i]->port = 0;
		if (bench.work == WORK_FLOOR)
			meta_start(mbufs[i], 0, 0);
	}
	node->idx = n;
	w->busy += n;
	rte_node_next_stream_move(
		graph, node, bench.work == WORK_FLOOR ? SOURCE_TX : SOURCE_CLASSIFY);
	return n;
}

static struct rte_node_register source_node = {
	.name = "bench_source",
	.flags = RTE_NODE_SOURCE_F,
	.process = source_process,
	.init = node_init,
	.nb_edges = SOURCE_EDGES,
	.next_nodes = {[SOURCE_CLASSIFY] = "classify", [SOURCE_TX] = "tx"},
};
RTE_NODE_REGISTER(source_node)

static uint8_t *put_ip6(
	uint8_t *at, const char *src, const char *dst, uint8_t next, uint16_t payload)
{
	struct in6_addr s = addr(src), d = addr(dst);
	uint8_t header[40] = {0x60, [4] = (uint8_t)(payload >> 8), (uint8_t)payload, next, 64};

	memcpy(at, header, sizeof(header));
	memcpy(at + 8, &s, 16);
	memcpy(at + 24, &d, 16);
	return at + 40;
}

/* The frame of a work: a packet of octets octets (as counted on Ethernet, without a tunnel). */
static void make_frame(unsigned octets)
{
	const uint16_t inner = (uint16_t)(RTE_MAX(octets, 66u) - 18);
	uint8_t *at = bench.frame;

	memset(at, 0, sizeof(bench.frame));
	memcpy(at, own_mac.b, 6);
	memcpy(at + 6, peer_mac.b, 6);
	at[12] = 0x86;
	at[13] = 0xdd;
	at += 14;
	if (bench.work == WORK_DECAP)
		at = put_ip6(at, "2001:db8:f::1", "2001:db8:ffff::1", 41, inner);
	if (bench.work == WORK_RELAY_IN)
		at = put_ip6(at, OTHER_ADDR, OWN_ADDR, 41, inner);
	at = put_ip6(at, "2001:db8:c::c", "2001:db8:c::d", 17, (uint16_t)(inner - 40));
	at[1] = 53;
	at[3] = 80;
	bench.length = (uint16_t)(at - bench.frame + inner - 40);
}

static void apply(const struct object *object)
{
	int err = tables_apply(bench.tables, object);

	if (err < 0)
		die("filling the tables", err);
}

static void set_data_plane(uint64_t id, const char *name, const char *address)
{
	struct object o = {.kind = OBJECT_DATA_PLANE, .op = OBJECT_SET, .id = id};

	o.data_plane = (struct object_data_plane){.id = id, .addr = addr(address)};
	snprintf(o.data_plane.name, sizeof(o.data_plane.name), "%s", name);
	apply(&o);
}

static void fill_tables(uint32_t subscribers)
{
	const struct route_next_hop hop = {ROUTE_GATEWAY, 0, addr("fe80::1")};
	const struct prefix6 all = {.len = 0};
	struct object o = {.kind = OBJECT_LOCAL, .op = OBJECT_SET, .id = 1};

	o.local = (struct object_local){1, addr("2001:db8:ffff::1")};
	apply(&o);
	set_data_plane(SERVING, "bench", OWN_ADDR);
	set_data_plane(OTHER, "other", OTHER_ADDR);
	set_data_plane(OWN, "bench", OWN_ADDR);
	if (route_table_set(&bench.tables->routes, &all, &hop) < 0 ||
		neighbour_table_set(&bench.tables->neighbours, &hop.gateway, 0, &peer_mac) < 0)
		die("filling the tables", ENOSPC);
	route_table_commit(&bench.tables->routes);
	for (uint32_t i = 0; i < subscribers; i++) {
		o = (struct object){.kind = OBJECT_PATH, .op = OBJECT_SET, .id = i + 1ull};
		o.path = (struct object_path){.id = i + 1ull,
			.kind = PATH_IP6_IN_IP6,
			.local = addr("2001:db8:ffff::1"),
			.remote = address_of(i, 15),
			.data_plane = SERVING};
		apply(&o);
		o = (struct object){.kind = OBJECT_SUBSCRIBER, .op = OBJECT_SET, .id = i + 1ull};
		o.subscriber = (struct object_subscriber){.id = i + 1ull,
			.prefix_count = 1,
			.path_count = 1,
			.prefixes = {{address_of(i, 1), 128}},
			.paths = {i + 1ull}};
		apply(&o);
	}
}

/* Octets of memory that one more subscriber with a path of its own needs. */
static double bytes_per_subscriber(void)
{
	const struct subscriber_table *s = &bench.tables->subscribers;
	const struct path_table *p = &bench.tables->paths;

	return (double)(pool_memory(&s->entries) + sig_index_memory(&s->by_prefix) +
			sig_index_memory(&s->by_id) + pool_memory(&p->paths) +
			sig_index_memory(&p->by_id)) /
	       s->by_id.capacity;
}

struct window {
	double cycles;
	uint64_t node_cycles[NODES_MAX];
};

static unsigned read_nodes(uint64_t cycles[NODES_MAX], struct node_cost nodes[NODES_MAX])
{
	rte_graph_off_t offset;
	rte_node_t i;
	struct rte_node *node;
	unsigned n = 0;

	rte_graph_foreach_node(i, offset, bench.worker->graph, node)
	{
		if (node->total_calls == 0 || n == NODES_MAX)
			continue;
		cycles[n] = node->total_cycles;
		snprintf(nodes[n].name, sizeof(nodes[n].name), "%s", node->name);
		n++;
	}
	return n;
}

/* Runs one window; the cycles of nodes are those of this window alone. */
static void run_window(struct window *window, struct result *r)
{
	uint64_t before[NODES_MAX] = {0}, packets = 0, start;

	read_nodes(before, r->nodes);
	start = rte_rdtsc_precise();
	while (packets < WINDOW_PACKETS)
		packets += worker_walk(bench.worker);
	window->cycles = (double)(rte_rdtsc_precise() - start) / (double)packets;
	r->node_count = read_nodes(window->node_cycles, r->nodes);
	for (unsigned i = 0; i < r->node_count; i++)
		window->node_cycles[i] = (window->node_cycles[i] - before[i]) * 1000 / packets;
}

static int by_cycles(const void *a, const void *b)
{
	double x = ((const struct window *)a)->cycles, y = ((const struct window *)b)->cycles;

	return (x > y) - (x < y);
}

/* All packets must have gone the way that is measured, and no other. */
static void check_way(void)
{
	const enum work work = bench.work;
	const struct worker *w = bench.worker;
	const bool in = work == WORK_RELAY_IN, out = work == WORK_RELAY_OUT;
	uint64_t dropped = 0;

	for (int i = 0; i < DROP_COUNT; i++)
		dropped += w->drops[i];
	if (dropped || in != (w->counters[WORKER_relayed_in] > 0) ||
		out != (w->counters[WORKER_relayed_out] > 0) ||
		(work == WORK_ENCAP || in || out) != (w->counters[WORKER_encapsulated] > 0) ||
		(work == WORK_DECAP || in) != (w->counters[WORKER_decapsulated] > 0))
		die("packets did not go the way that is measured", EPROTO);
}

static void measure(struct result *r, unsigned octets)
{
	static const char *const sources[] = {"bench_source", NULL};
	const struct worker_config config = {.tables = bench.tables, .nodes = sources};
	static struct window windows[WINDOWS];
	struct window warm;
	int error = 0;

	bench.work = r->work;
	bench.burst = r->burst;
	bench.subscribers = r->subscribers;
	if (r->work == WORK_RELAY_OUT)
		set_data_plane(SERVING, "serving", "2001:db8:ffff::c");
	else
		set_data_plane(SERVING, "bench", OWN_ADDR);
	make_frame(octets);
	bench.worker = worker_create(&config, &error);
	if (!bench.worker)
		die("worker", error);
	worker_enter(bench.worker);
	for (int i = 0; i < WINDOWS / 4; i++)
		run_window(&warm, r);
	for (int i = 0; i < WINDOWS; i++)
		run_window(&windows[i], r);
	check_way();
	worker_leave(bench.worker);
	worker_destroy(bench.worker);
	qsort(windows, WINDOWS, sizeof(windows[0]), by_cycles);
	r->cycles = windows[0].cycles;
	r->median = windows[WINDOWS / 2].cycles;
	for (unsigned i = 0; i < r->node_count; i++)
		r->nodes[i].cycles = (double)windows[0].node_cycles[i] / 1000;
}

static void print_result(const struct result *r)
{
	printf("%-9s %9u %6u %8.1f %8.1f %8.1f %6.2f  ", work_names[r->work], r->subscribers,
		r->burst, r->cycles, r->median, r->floor, r->cycles / r->floor);
	for (unsigned i = 0; i < r->node_count; i++)
		printf(" %s %.1f", r->nodes[i].name, r->nodes[i].cycles);
	printf("\n");
	fflush(stdout);
}

static json_t *json_of(const struct result *r, unsigned octets, const char *pages)
{
	json_t *nodes = json_object();

	for (unsigned i = 0; i < r->node_count; i++)
		json_object_set_new(nodes, r->nodes[i].name, json_real(r->nodes[i].cycles));
	return json_pack("{s:s,s:I,s:i,s:i,s:s,s:f,s:f,s:f,s:o}", "work", work_names[r->work],
		"subscribers", (json_int_t)r->subscribers, "burst", (int)r->burst, "octets",
		(int)octets, "pages", pages, "cycles", r->cycles, "median_cycles", r->median,
		"floor_cycles", r->floor, "nodes", nodes);
}

static void make_tables(uint32_t subscribers)
{
	const struct tables_config config = {.subscribers = subscribers,
		.routes = 64,
		.neighbours = 64,
		.readers = 1,
		.name = "bench"};
	int error = 0;

	bench.tables = tables_create(&config, &error);
	if (!bench.tables)
		die("tables", error);
	fill_tables(subscribers);
}

static void open_port(void)
{
	static const struct rte_eth_conf conf;
	struct port *port = &port_table[0];

	bench.pool = rte_pktmbuf_pool_create(
		"bench", BUFFERS, 512, sizeof(struct mirror_tag), 2176, SOCKET_ID_ANY);
	if (!bench.pool || rte_eth_dev_configure(0, 1, 1, &conf) < 0 ||
		rte_eth_rx_queue_setup(0, 0, 256, 0, NULL, bench.pool) < 0 ||
		rte_eth_tx_queue_setup(0, 0, 256, 0, NULL) < 0 || rte_eth_dev_start(0) < 0)
		die("port", EIO);
	snprintf(port->name, sizeof(port->name), "null");
	memcpy(&port->mac, own_mac.b, sizeof(own_mac.b));
	port->rx_queues = 1;
	port->mtu = 9000;
	port->up = true;
}

/* Free 2 MiB pages of this machine. */
static unsigned long free_hugepages(void)
{
	FILE *f = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	unsigned long n = 0;

	if (f && fscanf(f, "%lu", &n) != 1)
		n = 0;
	if (f)
		fclose(f);
	return n;
}

/* Starts DPDK with the memory that the largest table needs. Returns the pages in use. */
static const char *start_dpdk(const char *wanted, uint32_t most, const char *core)
{
	struct tables_config config = {.subscribers = most, .routes = 64, .neighbours = 64};
	unsigned long mb = tables_memory_needed(&config) / (1 << 20) + TABLE_MB;
	bool huge = free_hugepages() * HUGEPAGE_KB / 1024 > mb;
	char memory[16];
	char *args[] = {"bench_dataplane", "-l", (char *)(uintptr_t)core, "-m", memory, "--no-pci",
		"--no-telemetry", "--log-level=error", "--vdev=net_null0,no-rx=1", NULL, NULL};
	int n = 9;

	if (strcmp(wanted, "4K") == 0)
		huge = false;
	if (strcmp(wanted, "2M") == 0 && !huge) {
		fprintf(stderr,
			"bench_dataplane: %lu MiB of 2 MiB pages are needed, %lu are free\n", mb,
			free_hugepages() * HUGEPAGE_KB / 1024);
		exit(1);
	}
	snprintf(memory, sizeof(memory), "%lu", mb);
	args[n++] = huge ? "--in-memory" : "--no-huge";
	if (rte_eal_init(n, args) < 0)
		die("DPDK", rte_errno);
	return huge ? "2M" : "4K";
}

/* "1000,1000000" */
static unsigned parse_list(const char *text, uint32_t list[SIZES_MAX])
{
	char copy[128], *save = NULL;
	unsigned n = 0;

	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		uint64_t value;

		if (n == SIZES_MAX || args_parse_uint(word, 1, SUBSCRIBERS_MAX, &value) < 0)
			return 0;
		list[n++] = (uint32_t)value;
	}
	return n;
}

static char *machine(void)
{
	static char line[256];
	FILE *f = fopen("/proc/cpuinfo", "r");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, "model name", 10) == 0)
			break;
	if (f)
		fclose(f);
	line[strcspn(line, "\n")] = '\0';
	return strchr(line, ':') ? strchr(line, ':') + 2 : line;
}

struct options {
	const char *subscribers, *pages, *core, *json;
	uint64_t octets;
};

static int parse_options(struct options *o, int argc, char **argv, uint32_t sizes[SIZES_MAX])
{
	static const struct args_option table[] = {
		{'s', "subscribers", "N,N,...", "sizes of the table (1000,1000000)"},
		{'o', "octets", "N", "length of inner packets on Ethernet (66)"},
		{'p', "pages", "2M|4K|auto", "memory pages (auto: 2M if enough are free)"},
		{'l', "core", "N", "core to run on (the last)"},
		{'j', "json", "FILE", "write the figures there, too"}, {0}};
	static const struct args_program program = {.name = "bench_dataplane",
		.usage = "[OPTION]...",
		.summary = "Cycles a packet of the data plane, in total and by node.",
		.options = table};
	struct args a;
	unsigned n;

	args_begin(&a, &program, argc, argv);
	while (args_next(&a)) {
		const char **texts[] = {&o->subscribers, NULL, &o->pages, &o->core, &o->json};

		if (texts[a.index])
			*texts[a.index] = a.value;
		else if (args_parse_uint(a.value, 66, 1400, &o->octets) < 0)
			args_fail(&a, "octets '%s': a number from 66 to 1400", a.value);
	}
	if (a.done)
		exit(a.exit_code);
	n = parse_list(o->subscribers, sizes);
	if (n == 0)
		exit(args_fail(&a, "subscribers '%s': numbers from 1 to %d, at most %d of them",
			o->subscribers, SUBSCRIBERS_MAX, SIZES_MAX));
	if (strcmp(o->pages, "2M") != 0 && strcmp(o->pages, "4K") != 0 &&
		strcmp(o->pages, "auto") != 0)
		exit(args_fail(&a, "pages '%s': 2M, 4K or auto", o->pages));
	return (int)n;
}

/* All works with one table: the floor first, so that the others can be told as ratios. */
static void measure_size(uint32_t subscribers, unsigned octets, const char *pages, json_t *results)
{
	static const unsigned bursts[] = {32, 256};

	make_tables(subscribers);
	for (unsigned b = 0; b < RTE_DIM(bursts); b++) {
		double floor = 0;

		for (int work = WORK_FLOOR; work < WORKS; work++) {
			struct result r = {.work = (enum work)work,
				.subscribers = subscribers,
				.burst = bursts[b]};

			measure(&r, octets);
			if (work == WORK_FLOOR)
				floor = r.cycles;
			r.floor = floor;
			print_result(&r);
			json_array_append_new(results, json_of(&r, octets, pages));
		}
	}
	printf("table memory: %.1f octets a subscriber\n", bytes_per_subscriber());
}

int main(int argc, char **argv)
{
	char last[24];
	struct options o = {"1000,1000000", "auto", last, NULL, 66};
	uint32_t sizes[SIZES_MAX], most = 0;
	const char *pages;
	json_t *results = json_array(), *root;
	double bytes = 0;
	int n;

	snprintf(last, sizeof(last), "%ld", sysconf(_SC_NPROCESSORS_ONLN) - 1);
	n = parse_options(&o, argc, argv, sizes);
	for (int i = 0; i < n; i++)
		most = RTE_MAX(most, sizes[i]);
	pages = start_dpdk(o.pages, most, o.core);
	open_port();
	if (meta_register() < 0)
		die("packet metadata", rte_errno);
	printf("%s, TSC %.2f GHz, pages of %s, packets of %ju octets\n", machine(),
		(double)rte_get_tsc_hz() / 1e9, pages, (uintmax_t)o.octets);
	printf("%-9s %9s %6s %8s %8s %8s %6s   cycles a packet by node\n", "work", "subscr.",
		"burst", "cycles", "median", "floor", "ratio");
	for (int i = 0; i < n; i++) {
		measure_size(sizes[i], (unsigned)o.octets, pages, results);
		bytes = bytes_per_subscriber();
		tables_destroy(bench.tables);
	}
	root = json_pack("{s:{s:s,s:f,s:s},s:o,s:f}", "machine", "cpu", machine(), "tsc_hz",
		(double)rte_get_tsc_hz(), "pages", pages, "results", results,
		"bytes_per_subscriber", bytes);
	if (o.json && json_dump_file(root, o.json, JSON_INDENT(2)) < 0)
		die(o.json, errno ? errno : EIO);
	json_decref(root);
	return 0;
}
