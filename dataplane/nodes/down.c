/*
 * down: what the mirror sends down: frames of the kernel, packets of control, packets whose next
 * hop has been found or not.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/domain.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port.h"

enum edge {
	DOWN_TX,
	DOWN_FORWARD,
	DOWN_ENCAP,
	DOWN_ND_PROXY,
	DOWN_ICMP6_ERROR,
	DOWN_NO_SUBSCRIBER,
	DOWN_BAD_LENGTH,
	DOWN_PORT_GONE,
	DOWN_EDGES
};

enum {
	DOWN_BURST = 64,
	ICMP_UNREACHABLE = 1,
	ICMP_ADDRESS_UNREACHABLE = 3,
};

/* An IPv6 packet of ours, as long as it says. */
static bool is_sound(struct rte_mbuf *m)
{
	if (m->data_len < IP6_LEN || m->nb_segs > 1 || !ip6_is_version6(ip6_of(m)) ||
		ip6_total(ip6_of(m)) > m->data_len)
		return false;
	ip6_trim(m, ip6_total(ip6_of(m)));
	return true;
}

/* For a subscriber, whatever its destination address says. */
static rte_edge_t to_subscriber(struct worker *w, struct rte_mbuf *m)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct subscriber_entry *entry = subscriber_table_by_id(t, mirror_tag(m)->subscriber);

	if (!is_sound(m))
		return DOWN_BAD_LENGTH;
	if (!entry)
		return DOWN_NO_SUBSCRIBER;
	meta_start(m, 0, META_ORIGINATED | META_SIGNALLING)->subscriber =
		subscriber_number(t, entry);
	domain_set(m, domain_of_subscriber(entry));
	return DOWN_ENCAP;
}

/*
 * The kernel believes that a subscriber is on the link: its question who has the address is
 * answered in the node's place, and what it then sends goes through the tunnel.
 */
static rte_edge_t from_twin(struct worker *w, struct rte_mbuf *m, uint16_t port)
{
	const struct subscriber_table *t = &w->tables->subscribers;
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(m, const struct rte_ether_hdr *);
	const struct rte_ipv6_hdr *ip = (const struct rte_ipv6_hdr *)(eth + 1);
	const uint32_t domain = domain_table_of_port(&w->tables->domains, port);
	const struct subscriber_entry *entry;

	meta_start(m, port, META_FROM_TWIN);
	if (m->data_len < sizeof(*eth) + IP6_LEN ||
		eth->ether_type != rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV6) ||
		ip6_total(ip) > m->data_len - sizeof(*eth))
		return DOWN_TX;
	if (addr_is_multicast(ip6_dst(ip)))
		return ip->proto == IP6_ICMP && link_table_on(&w->tables->links, port)
			       ? DOWN_ND_PROXY
			       : DOWN_TX;
	entry = subscriber_table_find(t, domain, ip6_dst(ip));
	if (!entry)
		return DOWN_TX;
	if (ip->proto == IP6_ICMP && ip->hop_limits == UINT8_MAX &&
		link_table_is(&w->tables->links, entry->link, port))
		return DOWN_ND_PROXY;
	rte_pktmbuf_adj(m, sizeof(*eth));
	ip6_trim(m, ip6_total(ip));
	meta_start(m, port, META_ORIGINATED)->subscriber = subscriber_number(t, entry);
	domain_set(m, domain);
	return DOWN_ENCAP;
}

/* Whether what has waited for its next hop is of a domain itself, not in a tunnel. Only what a
 * worker let wait has a mark, and metadata. */
static bool is_of_domain(struct rte_mbuf *m)
{
	return domain_of(m) && !(meta_of(m)->flags & META_ENCAPSULATED);
}

/* Nobody answers for its next hop. For a tunnel packet of ours the inner sender is told. */
static rte_edge_t unreachable(struct worker *w, struct rte_mbuf *m)
{
	const struct local_set *local = local_table_get(&w->tables->local);
	const bool tunnelled = !is_of_domain(m);
	struct meta *meta = meta_start(m, 0, 0);
	struct ip6_chain chain;
	int gre;

	if (!is_sound(m))
		return DOWN_BAD_LENGTH;
	meta->icmp_type = ICMP_UNREACHABLE;
	meta->icmp_code = ICMP_ADDRESS_UNREACHABLE;
	if (tunnelled && local_set_has(local, ip6_src(ip6_of(m))) &&
		ip6_walk(rte_pktmbuf_mtod(m, const uint8_t *), m->data_len, &chain) == 0 &&
		!chain.fragment && chain.offset <= m->data_len) {
		gre = gre_inner(rte_pktmbuf_mtod_offset(m, const uint8_t *, chain.offset),
			(uint32_t)m->data_len - chain.offset, chain.protocol);
		if (gre >= 0)
			rte_pktmbuf_adj(m, (uint16_t)(chain.offset + gre));
	}
	return is_sound(m) ? DOWN_ICMP6_ERROR : DOWN_BAD_LENGTH;
}

static rte_edge_t down_one(struct worker *w, struct rte_mbuf *m)
{
	const struct mirror_tag *tag = mirror_tag(m);

	switch ((enum mirror_down)tag->down) {
	case MIRROR_TO_PORT:
		meta_start(m, tag->port, META_ORIGINATED);
		return port_get(tag->port) ? DOWN_TX : DOWN_PORT_GONE;
	case MIRROR_FROM_TWIN:
		return port_get(tag->port) ? from_twin(w, m, tag->port) : DOWN_PORT_GONE;
	case MIRROR_TO_ROUTE:
		if (!is_of_domain(m))
			domain_set(m, 0);
		meta_start(m, 0, META_ORIGINATED);
		return is_sound(m) ? DOWN_FORWARD : DOWN_BAD_LENGTH;
	case MIRROR_TO_SUBSCRIBER:
		return to_subscriber(w, m);
	case MIRROR_UNREACHABLE:
		return unreachable(w, m);
	}
	return DOWN_BAD_LENGTH;
}

static uint16_t down_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct rte_mbuf **mbufs = (struct rte_mbuf **)objs;
	rte_edge_t next[DOWN_BURST];

	n = (uint16_t)mirror_take(w->queue, mbufs, DOWN_BURST);
	if (n == 0)
		return 0;
	for (uint16_t i = 0; i < n; i++)
		next[i] = down_one(w, mbufs[i]);
	node->idx = n;
	w->busy += n;
	node_count(w, WORKER_injected, n);
	node_dispatch(graph, node, objs, next, n);
	return n;
}

static struct rte_node_register down_node = {
	.name = "down",
	.flags = RTE_NODE_SOURCE_F,
	.process = down_process,
	.init = node_init,
	.nb_edges = DOWN_EDGES,
	.next_nodes =
		{
			[DOWN_TX] = "tx",
			[DOWN_FORWARD] = "forward",
			[DOWN_ENCAP] = "encap",
			[DOWN_ND_PROXY] = "nd_proxy",
			[DOWN_ICMP6_ERROR] = "icmp6_error",
			[DOWN_NO_SUBSCRIBER] = "drop_no_subscriber",
			[DOWN_BAD_LENGTH] = "drop_bad_ip6_length",
			[DOWN_PORT_GONE] = "drop_port_gone",
		},
};
RTE_NODE_REGISTER(down_node)
