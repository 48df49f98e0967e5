/*
 * classify: looks at a frame as it came from a port: is it for us, is it sound IPv6, does it stay
 * on the link?
 */
#include "dataplane/nodes/classify.h"
#include "dataplane/nodes/defended.h"
#include "dataplane/nodes/mld.h"

enum {
	SCOPE_LINK = 2, /* of a multicast address (RFC 4291, 2.7) */
	ND_FIRST = 133, /* Router Solicitation ... Redirect (RFC 4861, 4) */
	ND_LAST = 137,
	ICMP_UNREACHABLE = 1,
	ICMP_ADDRESS_UNREACHABLE = 3,
};

static bool is_neighbour_discovery(const struct rte_ipv6_hdr *ip)
{
	uint8_t type = ip->payload_len ? *(const uint8_t *)(ip + 1) : 0;

	return ip->proto == IP6_ICMP && type >= ND_FIRST && type <= ND_LAST;
}

/* For the link-local address of an absent node: refused, not tunnelled (RFC 6275, 10.4.2). */
static rte_edge_t classify_absent(struct rte_mbuf *m)
{
	struct meta *meta = meta_start(m, m->port, META_ON_LINK);

	meta->icmp_type = ICMP_UNREACHABLE;
	meta->icmp_code = ICMP_ADDRESS_UNREACHABLE;
	rte_pktmbuf_adj(m, sizeof(struct rte_ether_hdr));
	return CLASSIFY_ABSENT;
}

static uint16_t frame_len(const struct rte_mbuf *m)
{
	return (uint16_t)(m->data_len - sizeof(struct rte_ether_hdr));
}

/* To a multicast or link-local address: it ends here, at the kernel or at the proxy. */
static rte_edge_t classify_on_link(const struct worker *w, struct rte_mbuf *m)
{
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod_offset(
		m, const struct rte_ipv6_hdr *, sizeof(struct rte_ether_hdr));
	const uint16_t port = m->port;

	if (ip->dst_addr[0] != 0xff && !is_neighbour_discovery(ip) &&
		is_defended(w, ip6_dst(ip), port))
		return classify_absent(m);
	/* Also to the address of the port alone (RFC 3810, 5.1.15, 5.2.14). */
	if (unlikely(mld_is(ip, frame_len(m))) && link_table_on(&w->tables->links, port))
		return CLASSIFY_ND_PROXY;
	if (ip->dst_addr[0] == 0xff && (ip->dst_addr[1] & 0x0f) > SCOPE_LINK)
		return CLASSIFY_GROUP;
	if (link_table_access(&w->tables->links) >> port & 1)
		return CLASSIFY_ND_PROXY;
	if (ip->proto == IP6_ICMP && link_table_on(&w->tables->links, port))
		return CLASSIFY_ND_PROXY;
	return CLASSIFY_MIRROR;
}

static inline void classify_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	const uint32_t access = link_table_access(&w->tables->links);

	for (uint16_t i = 0; i < n; i++) {
		node_prefetch(mbufs, i, n);
		next[i] = classify_one(mbufs[i]);
		if (next[i] == CLASSIFY_STEER && access >> mbufs[i]->port & 1)
			next[i] = CLASSIFY_ACCESS;
		if (next[i] == CLASSIFY_ON_LINK)
			next[i] = classify_on_link(w, mbufs[i]);
	}
}

static uint16_t classify_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, classify_work);
}

static struct rte_node_register classify_node = {
	.name = "classify",
	.process = classify_process,
	.init = node_init,
	.nb_edges = CLASSIFY_EDGES,
	.next_nodes =
		{
			[CLASSIFY_STEER] = "steer",
			[CLASSIFY_ND_PROXY] = "nd_proxy",
			[CLASSIFY_MIRROR] = "mirror",
			[CLASSIFY_ABSENT] = "icmp6_error",
			[CLASSIFY_FOREIGN_MAC] = "drop_foreign_mac",
			[CLASSIFY_BAD_VERSION] = "drop_bad_ip6_version",
			[CLASSIFY_BAD_LENGTH] = "drop_bad_ip6_length",
			[CLASSIFY_BAD_SOURCE] = "drop_bad_ip6_source",
			[CLASSIFY_BAD_DESTINATION] = "drop_bad_ip6_destination",
			[CLASSIFY_GROUP] = "group",
			[CLASSIFY_ACCESS] = "access",
		},
};
RTE_NODE_REGISTER(classify_node)
