/*
 * nd_proxy: Neighbour Discovery on a link that control serves. Solicitations for the address of
 * an absent node are answered here (RFC 6275, 10.4.1; RFC 4861, 7.2.4 and 7.2.8); what belongs to
 * a duplicate address detection, what routers advertise, who listens to multicast, and what nodes
 * say where they are attached, is also shown to control. The rest is the kernel's.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/defended.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/mld.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port.h"

enum edge {
	ND_PROXY_TX,
	ND_PROXY_MIRROR,
	ND_PROXY_PUNT, /* a copy */
	ND_PROXY_BAD,
	ND_PROXY_EDGES
};

enum {
	ND_ROUTER_ADVERTISEMENT = 134,
	ND_SOLICITATION = 135,
	ND_ADVERTISEMENT = 136,
	ND_LEN = 24, /* both, without options */
	ND_HOP_LIMIT = 255,
	ND_OPTION_SOURCE = 1,
	ND_OPTION_TARGET = 2,
	ND_OPTION_LEN = 8, /* of those two on Ethernet */
	ND_SOLICITED = 0x40,
};

/* Neighbour Solicitation and Advertisement (RFC 4861, 4.3, 4.4), on any boundary. */
struct nd_message {
	uint8_t type, code;
	rte_be16_t checksum;
	uint8_t flags, reserved[3];
	uint8_t target[16];
} __attribute__((packed));
static_assert(sizeof(struct nd_message) == ND_LEN, "as on the wire");

/* An answer as it leaves. */
struct nd_answer {
	struct rte_ether_hdr eth;
	struct rte_ipv6_hdr ip;
	struct nd_message na;
	uint8_t option, option_len;
	struct rte_ether_addr mac;
} __attribute__((packed, aligned(2)));

static struct rte_ipv6_hdr *ip_in(struct rte_mbuf *m)
{
	return rte_pktmbuf_mtod_offset(m, struct rte_ipv6_hdr *, sizeof(struct rte_ether_hdr));
}

static uint16_t ip_len(const struct rte_mbuf *m)
{
	return (uint16_t)(m->data_len - sizeof(struct rte_ether_hdr));
}

/* The options: sound, and is there a source link-layer address? (RFC 4861, 7.1.1) */
static bool check_options(const uint8_t *at, uint16_t left, bool *source)
{
	*source = false;
	while (left) {
		uint16_t len = left >= 2 ? (uint16_t)(at[1] * 8) : 0;

		if (len == 0 || len > left)
			return false;
		*source |= at[0] == ND_OPTION_SOURCE;
		at += len;
		left = (uint16_t)(left - len);
	}
	return true;
}

/* RFC 4861, 7.1.1 and 7.1.2: what a solicitation or advertisement must be. */
static bool is_valid(const struct rte_ipv6_hdr *ip, uint16_t len)
{
	const struct nd_message *nd = (const struct nd_message *)(const void *)(ip + 1);
	const struct in6_addr *dst = ip6_dst(ip);
	struct in6_addr solicited, target;
	bool source;

	if (len < IP6_LEN + ND_LEN || ip->hop_limits != ND_HOP_LIMIT || nd->code != 0 ||
		nd->target[0] == 0xff ||
		ip6_checksum(ip6_src(ip), dst, IP6_ICMP, nd, (uint16_t)(len - IP6_LEN)) != 0 ||
		!check_options(
			(const uint8_t *)(nd + 1), (uint16_t)(len - IP6_LEN - ND_LEN), &source))
		return false;
	if (nd->type == ND_ADVERTISEMENT)
		return !(addr_is_multicast(dst) && nd->flags & ND_SOLICITED);
	if (!addr_is_unspecified(ip6_src(ip)))
		return true;
	target = ip6_load(nd->target);
	solicited = addr_solicited_node(&target);
	return !source && addr_equal(dst, &solicited);
}

/* Whether control watches duplicate address detection on this link and this is part of one. */
static bool is_dad(const struct rte_ipv6_hdr *ip, const struct nd_message *nd, uint64_t link)
{
	static const struct in6_addr all_nodes = {
		.s6_addr = {0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

	if (!(link & LINK_WATCH))
		return false;
	return nd->type == ND_SOLICITATION ? addr_is_unspecified(ip6_src(ip))
					   : addr_equal(ip6_dst(ip), &all_nodes);
}

static void punt_copy(struct rte_graph *graph, struct rte_node *node, struct rte_mbuf *m)
{
	struct rte_mbuf *copy = rte_pktmbuf_copy(m, m->pool, 0, UINT32_MAX);
	struct meta *meta;

	if (!copy)
		return;
	meta = meta_start(copy, meta_of(m)->port, 0);
	meta->punt_reason = PACKET_NEIGHBOUR;
	meta->punt_class = MIRROR_CLASS_NEIGHBOUR;
	rte_node_enqueue_x1(graph, node, ND_PROXY_PUNT, copy);
}

/*
 * Makes the answer in the place of the solicitation. A prober without an address is answered by a
 * multicast to all nodes. The Override flag stays clear, so that the node itself wins when it is
 * back (RFC 4861, 7.2.8); so does the Router flag (RFC 6275, 10.4.1).
 */
static void answer(struct rte_mbuf *m, const struct port *port)
{
	const struct rte_ipv6_hdr *ns = ip_in(m);
	const struct rte_ether_addr asker = rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->src_addr;
	const struct nd_message *nd = (const struct nd_message *)(const void *)(ns + 1);
	bool probe = addr_is_unspecified(ip6_src(ns));
	struct in6_addr to =
		probe ? (struct in6_addr){.s6_addr = {0xff, 2, [15] = 1}} : *ip6_src(ns);
	struct in6_addr from = port_link_local(port);
	struct mac group = addr_multicast_mac(&to);
	struct nd_answer a = {
		.eth = {.dst_addr = asker,
			.src_addr = port->mac,
			.ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6)},
		.ip = {.vtc_flow = rte_cpu_to_be_32(0x60000000),
			.payload_len = rte_cpu_to_be_16(ND_LEN + ND_OPTION_LEN),
			.proto = IP6_ICMP,
			.hop_limits = ND_HOP_LIMIT},
		.na =
			{
				.type = ND_ADVERTISEMENT,
				.flags = probe ? 0 : ND_SOLICITED,
			},
		.option = ND_OPTION_TARGET,
		.option_len = 1,
		.mac = port->mac,
	};

	if (probe)
		memcpy(&a.eth.dst_addr, &group, sizeof(group));
	memcpy(a.na.target, nd->target, sizeof(a.na.target));
	memcpy(a.ip.src_addr, &from, sizeof(a.ip.src_addr));
	memcpy(a.ip.dst_addr, &to, sizeof(a.ip.dst_addr));
	a.na.checksum = ip6_checksum(&from, &to, IP6_ICMP, &a.na, ND_LEN + ND_OPTION_LEN);
	rte_pktmbuf_reset(m);
	memcpy(rte_pktmbuf_append(m, sizeof(a)), &a, sizeof(a));
}

static rte_edge_t nd_proxy_one(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf *m, uint64_t *answered)
{
	struct meta *meta = meta_of(m);
	const bool from_twin = meta->flags & META_FROM_TWIN;
	const rte_edge_t otherwise = from_twin ? ND_PROXY_TX : ND_PROXY_MIRROR;
	const uint64_t link = link_table_on(&w->tables->links, meta->port);
	const struct rte_ipv6_hdr *ip = ip_in(m);
	const struct nd_message *nd = (const struct nd_message *)(const void *)(ip + 1);

	/* Whatever a node says on its link shows that it is there, such as what groups it is in,
	 * which it tells at once where it comes to (RFC 9777, 6.1). */
	if (link & LINK_ACCESS && !from_twin)
		punt_copy(graph, node, m);
	else if (link && !from_twin && mld_is(ip, ip_len(m)))
		punt_copy(graph, node, m);
	if (ip_len(m) < IP6_LEN + 1 || ip->proto != IP6_ICMP)
		return otherwise;
	/* Of a home agent, perhaps: control looks. */
	if (nd->type == ND_ROUTER_ADVERTISEMENT && !from_twin && link & LINK_WATCH)
		punt_copy(graph, node, m);
	if (nd->type != ND_SOLICITATION && nd->type != ND_ADVERTISEMENT)
		return otherwise;
	if (!is_valid(ip, ip_len(m)))
		return ND_PROXY_BAD;
	if (!from_twin && is_dad(ip, nd, link))
		punt_copy(graph, node, m);
	const struct in6_addr target = ip6_load(nd->target);

	if (nd->type != ND_SOLICITATION || !is_defended(w, &target, meta->port))
		return otherwise;
	answer(m, &port_table[meta->port]);
	(*answered)++;
	return from_twin ? ND_PROXY_MIRROR : ND_PROXY_TX;
}

static inline void nd_proxy_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	uint64_t answered = 0;

	for (uint16_t i = 0; i < n; i++)
		next[i] = nd_proxy_one(w, graph, node, mbufs[i], &answered);
	node_count(w, WORKER_neighbours_answered, answered);
}

static uint16_t nd_proxy_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, nd_proxy_work);
}

static struct rte_node_register nd_proxy_node = {
	.name = "nd_proxy",
	.process = nd_proxy_process,
	.init = node_init,
	.nb_edges = ND_PROXY_EDGES,
	.next_nodes =
		{
			[ND_PROXY_TX] = "tx",
			[ND_PROXY_MIRROR] = "mirror",
			[ND_PROXY_PUNT] = "punt",
			[ND_PROXY_BAD] = "drop_bad_neighbour",
		},
};
RTE_NODE_REGISTER(nd_proxy_node)
