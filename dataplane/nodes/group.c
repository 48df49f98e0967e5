/*
 * group: a multicast packet from a port, to a group beyond the link, whose group it finds, or one
 * that decap has let out of the tunnel by which its group comes: lets it wait for replicate.
 */
#include "dataplane/nodes/domain.h"
#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/replicate.h"

enum edge {
	GROUP_UNKNOWN,
	GROUP_NO_MEMBER,
	GROUP_PORT,
	GROUP_SCOPE,
	GROUP_BAD_SOURCE,
	GROUP_HOP_LIMIT,
	GROUP_LIMIT,
	GROUP_FULL,
	GROUP_RATE,
	GROUP_EDGES,
	GROUP_WAITS, /* no edge: it is in the queue */
};

/* What every router checks before a packet goes on (RFC 8200, 3; RFC 4291, 2.5.6). Nobody is told:
 * a multicast packet is not answered (RFC 4443, 2.4 e). */
static rte_edge_t check(const struct rte_ipv6_hdr *ip)
{
	if (addr_is_link_local(ip6_src(ip)))
		return GROUP_SCOPE;
	if (ip6_is_unforwardable(ip6_src(ip)))
		return GROUP_BAD_SOURCE;
	return ip->hop_limits <= 1 ? GROUP_HOP_LIMIT : GROUP_WAITS;
}

static rte_edge_t find(struct worker *w, struct rte_mbuf *m, uint32_t *number)
{
	const struct group_table *t = &w->tables->groups;
	const struct rte_ipv6_hdr *ip = ip6_of(m);
	const struct group_entry *entry;
	uint16_t port;

	*number = meta_of(m)->flags & META_DECAPSULATED
			  ? meta_of(m)->group
			  : group_table_find(t, ip6_src(ip), ip6_dst(ip), 0);
	/* Groups are public. */
	if (*number == POOL_NONE || domain_of(m))
		return GROUP_UNKNOWN;
	entry = group_at(t, *number);
	port = atomic_load_explicit(&entry->port, memory_order_relaxed);
	if (port != GROUP_PORT_ANY && port != meta_of(m)->port)
		return GROUP_PORT;
	if (atomic_load_explicit(&entry->members, memory_order_relaxed) == 0)
		return GROUP_NO_MEMBER;
	return GROUP_WAITS;
}

/* Works out what the outer headers of all copies have in common. False: it is not to be tunnelled
 * (RFC 2473, 4.1.1). */
static bool fill(struct replicate_job *job, struct rte_mbuf *m, uint64_t id, uint32_t number)
{
	const struct rte_ipv6_hdr *ip = ip6_of(m);
	const uint16_t limit = encap_limit(ip, m->data_len);
	const uint32_t class = rte_be_to_cpu_32(ip->vtc_flow) & 0x0ff00000;
	const uint16_t options = limit ? ENCAP_LIMIT_LEN : 0;

	if (limit && ((const uint8_t *)ip)[limit] == 0)
		return false;
	*job = (struct replicate_job){
		.m = m,
		.id = id,
		.group = number,
		.class_and_label =
			class | encap_flow_label(ip, m->data_len, addr_hash(ip6_dst(ip))),
		.payload = (uint16_t)(m->pkt_len + options),
		.port = meta_of(m)->port,
		.limit = limit ? (uint8_t)(((const uint8_t *)ip)[limit] - 1) : 0,
		.outer = (uint8_t)(IP6_LEN + options),
	};
	return true;
}

/* Whether the rate of a group allows a packet of so many octets: those of a quarter of a second may
 * come at once. */
static bool take_tokens(const struct worker *w, const struct group_entry *entry,
	struct group_counters *counters, uint32_t octets)
{
	const int64_t rate = atomic_load_explicit(&entry->rate, memory_order_relaxed);
	const int64_t hz = (int64_t)rte_get_tsc_hz();
	int64_t passed = (int64_t)(w->tsc - counters->filled);

	if (rate == 0)
		return true;
	if (!counters->filled || passed > hz / 4)
		passed = hz / 4;
	counters->filled = w->tsc;
	counters->tokens = RTE_MIN(
		counters->tokens + (int64_t)((__int128)passed * rate / hz), RTE_MAX(rate / 4, 1));
	if (counters->tokens <= 0) {
		counter_add(&counters->limited, 1);
		return false;
	}
	counters->tokens -= octets;
	return true;
}

static rte_edge_t group_one(struct worker *w, struct rte_mbuf *m)
{
	struct replication *r = w->replication;
	struct group_counters *counters;
	uint32_t number;
	rte_edge_t edge;

	if (!(meta_of(m)->flags & META_DECAPSULATED))
		rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
	edge = check(ip6_of(m));
	if (edge == GROUP_WAITS)
		edge = find(w, m, &number);
	if (edge != GROUP_WAITS)
		return edge;
	if (r->count == REPLICATE_QUEUE)
		return GROUP_FULL;

	const struct group_entry *entry = group_at(&w->tables->groups, number);

	counters = group_counts_at(&w->tables->groups.counts, w->index, number);
	if (!take_tokens(w, entry, counters, m->pkt_len))
		return GROUP_RATE;
	if (!fill(replication_at(r, r->count), m,
		    atomic_load_explicit(&entry->id, memory_order_acquire), number))
		return GROUP_LIMIT;
	r->count++;
	ip6_of(m)->hop_limits--;
	counter_add(&counters->packets, 1);
	counter_add(&counters->octets, m->pkt_len);
	return GROUP_WAITS;
}

static uint16_t group_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	uint16_t waiting = 0;

	for (uint16_t i = 0; i < n; i++) {
		rte_edge_t edge = group_one(w, objs[i]);

		if (likely(edge == GROUP_WAITS))
			waiting++;
		else
			rte_node_enqueue_x1(graph, node, edge, objs[i]);
	}
	node_count(w, WORKER_multicast, waiting);
	return n;
}

static struct rte_node_register group_node = {
	.name = "group",
	.process = group_process,
	.init = node_init,
	.nb_edges = GROUP_EDGES,
	.next_nodes =
		{
			[GROUP_UNKNOWN] = "drop_multicast",
			[GROUP_NO_MEMBER] = "drop_multicast_member",
			[GROUP_PORT] = "drop_multicast_port",
			[GROUP_SCOPE] = "drop_scope",
			[GROUP_BAD_SOURCE] = "drop_bad_ip6_source",
			[GROUP_HOP_LIMIT] = "drop_hop_limit",
			[GROUP_LIMIT] = "drop_tunnel_limit",
			[GROUP_FULL] = "drop_multicast_full",
			[GROUP_RATE] = "drop_multicast_rate",
		},
};
RTE_NODE_REGISTER(group_node)
