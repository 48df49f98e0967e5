/*
 * too_big: a packet larger than the way out. Its sender is told (RFC 8200, 5); a tunnel packet
 * whose inner packet may not be refused is sent in fragments (RFC 2473, 7.1).
 */
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"

enum edge {
	TOO_BIG_ICMP6_ERROR,
	TOO_BIG_FORWARD, /* the fragments */
	TOO_BIG_DROP,
	TOO_BIG_NO_BUFFER,
	TOO_BIG_EDGES
};

enum {
	ICMP_PACKET_TOO_BIG = 2,
	MORE_FRAGMENTS = 1,
	FRAGMENTS_MAX = 4, /* of an outer packet with an inner one of at most 1280 octets */
};

/* The Fragment header (RFC 8200, 4.5). */
struct fragment_header {
	uint8_t next, reserved;
	rte_be16_t offset_and_more;
	rte_be32_t id;
};
static_assert(sizeof(struct fragment_header) == IP6_FRAGMENT_LEN, "as on the wire");

static rte_edge_t refuse(struct meta *meta, uint32_t mtu)
{
	meta->icmp_type = ICMP_PACKET_TOO_BIG;
	meta->icmp_code = 0;
	meta->value = RTE_MAX(mtu, (uint32_t)IP6_MTU_MIN);
	return TOO_BIG_ICMP6_ERROR;
}

/* One fragment: size octets of the packet behind its IPv6 header, from offset on. NULL: no buffer
 * that fits. */
static struct rte_mbuf *make_fragment(
	struct rte_mbuf *m, uint16_t offset, uint16_t size, bool more, uint32_t id)
{
	struct rte_mbuf *part = rte_pktmbuf_alloc(m->pool);
	struct rte_ipv6_hdr *ip;

	if (!part)
		return NULL;
	ip = (struct rte_ipv6_hdr *)(void *)rte_pktmbuf_append(
		part, (uint16_t)(IP6_LEN + IP6_FRAGMENT_LEN + size));
	if (!ip) {
		rte_pktmbuf_free(part);
		return NULL;
	}

	const struct fragment_header header = {
		.next = ip6_of(m)->proto,
		.offset_and_more =
			rte_cpu_to_be_16((uint16_t)(offset | (more ? MORE_FRAGMENTS : 0))),
		.id = rte_cpu_to_be_32(id),
	};

	memcpy(ip, ip6_of(m), IP6_LEN);
	ip->proto = IP6_FRAGMENT;
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(IP6_FRAGMENT_LEN + size));
	memcpy(ip + 1, &header, sizeof(header));
	memcpy((uint8_t *)(ip + 1) + sizeof(header),
		rte_pktmbuf_mtod_offset(m, uint8_t *, IP6_LEN + offset), size);
	*meta_of(part) = *meta_of(m);
	part->port = m->port;
	return part;
}

/* Sends a tunnel packet as fragments of at most mtu octets; returns where the packet itself goes:
 * its first fragment takes its place in the burst. */
static rte_edge_t fragment(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **slot, uint16_t mtu)
{
	struct rte_mbuf *m = *slot, *parts[FRAGMENTS_MAX] = {NULL};
	const uint16_t total = (uint16_t)(m->data_len - IP6_LEN);
	const uint16_t room = (uint16_t)((mtu - IP6_LEN - IP6_FRAGMENT_LEN) & ~7);
	const uint32_t id = w->fragment_id++;
	unsigned count = 0;

	for (uint16_t offset = 0; offset < total; offset += room) {
		uint16_t size = RTE_MIN(room, (uint16_t)(total - offset));

		if (count < FRAGMENTS_MAX)
			parts[count] = make_fragment(m, offset, size, offset + size < total, id);
		if (count == FRAGMENTS_MAX || !parts[count]) {
			rte_pktmbuf_free_bulk(parts, count);
			return TOO_BIG_NO_BUFFER;
		}
		count++;
	}
	for (unsigned i = 1; i < count; i++)
		rte_node_enqueue_x1(graph, node, TOO_BIG_FORWARD, parts[i]);
	rte_pktmbuf_free(m);
	*slot = parts[0];
	node_count(w, WORKER_fragmented, 1);
	return TOO_BIG_FORWARD;
}

static rte_edge_t too_big_one(
	struct worker *w, struct rte_graph *graph, struct rte_node *node, struct rte_mbuf **slot)
{
	struct meta *meta = meta_of(*slot);
	uint32_t mtu = meta->value;

	if (!(meta->flags & META_ENCAPSULATED))
		return meta->flags & META_ORIGINATED ? TOO_BIG_DROP : refuse(meta, mtu);
	if ((*slot)->pkt_len - meta->outer <= IP6_MTU_MIN)
		return mtu < IP6_MTU_MIN ? TOO_BIG_DROP
					 : fragment(w, graph, node, slot, (uint16_t)mtu);
	rte_pktmbuf_adj(*slot, meta->outer);
	meta->flags &= (uint8_t)~META_ENCAPSULATED;
	return refuse(meta, mtu - meta->outer);
}

static inline void too_big_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		next[i] = too_big_one(w, graph, node, &mbufs[i]);
}

static uint16_t too_big_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, too_big_work);
}

static struct rte_node_register too_big_node = {
	.name = "too_big",
	.process = too_big_process,
	.init = node_init,
	.nb_edges = TOO_BIG_EDGES,
	.next_nodes =
		{
			[TOO_BIG_ICMP6_ERROR] = "icmp6_error",
			[TOO_BIG_FORWARD] = "forward",
			[TOO_BIG_DROP] = "drop_too_big",
			[TOO_BIG_NO_BUFFER] = "drop_no_buffer",
		},
};
RTE_NODE_REGISTER(too_big_node)
