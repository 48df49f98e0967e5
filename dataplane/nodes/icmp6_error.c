/*
 * icmp6_error: turns a packet that cannot go on into the ICMPv6 error that tells its sender (RFC
 * 4443, 2.4 and 3).
 */
#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/trace.h"
#include "dataplane/port.h"

enum edge {
	ICMP6_ERROR_STEER,
	ICMP6_ERROR_TX,
	ICMP6_ERROR_FORBIDDEN,
	ICMP6_ERROR_RATE,
	ICMP6_ERROR_NO_SOURCE,
	ICMP6_ERROR_NO_ROOM,
	ICMP6_ERROR_EDGES
};

enum {
	ICMP_LEN = 8,
	ICMP_INFORMATIONAL = 128, /* types from here on are no errors */
	ICMP_REDIRECT = 137,
	ICMP_PACKET_TOO_BIG = 2, /* allowed about multicast too */
	HOP_LIMIT = 64,
};

struct icmp_error {
	uint8_t type, code;
	rte_be16_t checksum;
	rte_be32_t value; /* MTU, pointer, or unused */
};
static_assert(sizeof(struct icmp_error) == ICMP_LEN, "as on the wire");

/* Whether the rules against storms allow an error about this packet (RFC 4443, 2.4 e). */
static bool is_allowed(const struct rte_ipv6_hdr *ip, uint16_t len, uint8_t error)
{
	const struct in6_addr *src = ip6_src(ip);
	struct ip6_chain chain;

	if (addr_is_multicast(src) || addr_is_unspecified(src))
		return false;
	if (addr_is_multicast(ip6_dst(ip)) && error != ICMP_PACKET_TOO_BIG)
		return false;
	if (ip6_walk((const uint8_t *)ip, len, &chain) < 0 || chain.protocol != IP6_ICMP)
		return true;
	if (chain.offset >= len)
		return false;

	uint8_t type = ((const uint8_t *)ip)[chain.offset];

	return type >= ICMP_INFORMATIONAL && type != ICMP_REDIRECT;
}

/* Writes the headers in front of the packet in error, of which as much is kept as fits in the
 * minimum MTU. False: no room in front. */
static bool build(struct rte_mbuf *m, const struct in6_addr *from)
{
	struct meta *meta = meta_of(m);
	struct in6_addr to = *ip6_src(ip6_of(m));

	ip6_trim(m, IP6_MTU_MIN - IP6_LEN - ICMP_LEN);

	const uint16_t payload = (uint16_t)(m->data_len + ICMP_LEN);
	struct rte_ipv6_hdr *ip =
		(struct rte_ipv6_hdr *)(void *)rte_pktmbuf_prepend(m, IP6_LEN + ICMP_LEN);
	struct icmp_error icmp = {
		.type = meta->icmp_type,
		.code = meta->icmp_code,
		.value = rte_cpu_to_be_32(meta->value),
	};

	if (!ip)
		return false;
	*ip = (struct rte_ipv6_hdr){
		.vtc_flow = rte_cpu_to_be_32(0x60000000),
		.payload_len = rte_cpu_to_be_16(payload),
		.proto = IP6_ICMP,
		.hop_limits = HOP_LIMIT,
	};
	memcpy(ip->src_addr, from, sizeof(ip->src_addr));
	memcpy(ip->dst_addr, &to, sizeof(ip->dst_addr));
	memcpy(ip + 1, &icmp, sizeof(icmp));
	icmp.checksum = ip6_checksum(from, &to, IP6_ICMP, ip + 1, payload);
	memcpy(ip + 1, &icmp, sizeof(icmp));
	meta_start(m, meta->port, META_ORIGINATED);
	return true;
}

/* About a packet that does not leave its link: the sender is told there, as its address may mean
 * nothing elsewhere. */
static rte_edge_t tell_on_link(struct rte_mbuf *m)
{
	const struct port *port = &port_table[meta_of(m)->port % PORT_MAX];
	const struct in6_addr from = port_link_local(port);
	const struct rte_ether_hdr *before =
		(const struct rte_ether_hdr *)(const void *)ip6_of(m) - 1;
	const struct rte_ether_addr sender = before->src_addr;
	struct rte_ether_hdr *eth;

	if (!build(m, &from))
		return ICMP6_ERROR_NO_ROOM;
	eth = (struct rte_ether_hdr *)(void *)rte_pktmbuf_prepend(m, sizeof(*eth));
	if (!eth)
		return ICMP6_ERROR_NO_ROOM;
	*eth = (struct rte_ether_hdr){.dst_addr = sender,
		.src_addr = port->mac,
		.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)};
	return ICMP6_ERROR_TX;
}

static rte_edge_t icmp6_error_one(
	struct worker *w, struct rte_mbuf *m, const struct local_set *local)
{
	const bool on_link = meta_of(m)->flags & META_ON_LINK;

	if (!is_allowed(ip6_of(m), m->data_len, meta_of(m)->icmp_type))
		return ICMP6_ERROR_FORBIDDEN;
	if (!on_link && local->count == 0)
		return ICMP6_ERROR_NO_SOURCE;
	if (budget_take(&w->icmp6_budget, w->tsc) == 0)
		return ICMP6_ERROR_RATE;
	if (on_link)
		return tell_on_link(m);
	return build(m, &local->first) ? ICMP6_ERROR_STEER : ICMP6_ERROR_NO_ROOM;
}

static inline void icmp6_error_work(struct worker *w, struct rte_graph *graph,
	struct rte_node *node, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	const struct local_set *local = local_table_get(&w->tables->local);
	uint16_t sent = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++) {
		next[i] = icmp6_error_one(w, mbufs[i], local);
		if (next[i] != ICMP6_ERROR_STEER && next[i] != ICMP6_ERROR_TX)
			continue;
		trace_out(w, &mbufs[i], 1, TRACE_ANSWERED, 0);
		sent++;
	}
	node_count(w, WORKER_icmp6_errors, sent);
}

static uint16_t icmp6_error_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, icmp6_error_work);
}

static struct rte_node_register icmp6_error_node = {
	.name = "icmp6_error",
	.process = icmp6_error_process,
	.init = node_init,
	.nb_edges = ICMP6_ERROR_EDGES,
	.next_nodes =
		{
			[ICMP6_ERROR_STEER] = "steer",
			[ICMP6_ERROR_TX] = "tx",
			[ICMP6_ERROR_FORBIDDEN] = "drop_icmp6_forbidden",
			[ICMP6_ERROR_RATE] = "drop_icmp6_rate",
			[ICMP6_ERROR_NO_SOURCE] = "drop_icmp6_no_source",
			[ICMP6_ERROR_NO_ROOM] = "drop_no_room",
		},
};
RTE_NODE_REGISTER(icmp6_error_node)
