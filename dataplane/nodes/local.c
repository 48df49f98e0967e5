/*
 * local: a packet to an address of ours: a tunnel to end, signalling for control, an error about
 * a tunnel, or else the kernel's.
 */
#include "dataplane/mirror/mirror.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/nodes/traffic.h"
#include "dataplane/port.h"
#include "proto/channel/probe.h"

enum edge {
	LOCAL_DECAP,
	LOCAL_GRE,
	LOCAL_PUNT,
	LOCAL_TUNNEL_ERROR,
	LOCAL_REASSEMBLE,
	LOCAL_MIRROR,
	LOCAL_BAD_CHAIN,
	LOCAL_NESTED,
	LOCAL_NO_ROOM,
	LOCAL_EDGES
};

enum {
	ICMP_ERROR_LAST = 4, /* Parameter Problem (RFC 4443, 2.1) */
	ICMP_ECHO_REPLY = 129,
	ICMP_HOME_AGENT_DISCOVERY = 144,
	ICMP_PREFIX_SOLICITATION = 146,
};

/* To the kernel, as the frame that it came in. */
static rte_edge_t to_mirror(struct rte_mbuf *m)
{
	const struct port *port = &port_table[meta_of(m)->port % PORT_MAX];

	return node_restore_ethernet(m, &port->mac) ? LOCAL_MIRROR : LOCAL_NO_ROOM;
}

/* To control: the frame that it came in, or from the inner header on if it came in a tunnel. */
static rte_edge_t to_control(struct rte_mbuf *m, enum packet_reason reason, enum mirror_class class)
{
	struct meta *meta = meta_of(m);

	meta->punt_reason = (uint8_t)reason;
	meta->punt_class = (uint8_t) class;
	if (!(meta->flags & META_DECAPSULATED) &&
		!node_restore_ethernet(m, &port_table[meta->port % PORT_MAX].mac))
		return LOCAL_NO_ROOM;
	return LOCAL_PUNT;
}

/* A Mobility Header of a node that we know is served before those of strangers. */
static enum mirror_class class_of(
	const struct worker *w, struct rte_mbuf *m, const struct ip6_chain *chain)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	const struct subscriber_entry *entry;
	struct in6_addr home;

	if (meta_of(m)->flags & META_DECAPSULATED)
		return MIRROR_CLASS_KNOWN;
	if (!chain->home_address)
		return MIRROR_CLASS_NEW;
	memcpy(&home, data + chain->home_address, sizeof(home));
	entry = subscriber_table_find(&w->tables->subscribers, 0, &home);
	if (entry)
		traffic_signalled(w, entry, ip6_src(ip6_of(m)));
	return entry ? MIRROR_CLASS_KNOWN : MIRROR_CLASS_NEW;
}

/* The answer to a probe of ours. */
static bool is_probe(struct rte_mbuf *m, const struct ip6_chain *chain)
{
	const uint8_t *icmp = rte_pktmbuf_mtod_offset(m, uint8_t *, chain->offset);
	rte_be16_t identifier;
	rte_be32_t magic;

	if (m->data_len < chain->offset + PROBE_LEN || meta_of(m)->flags & META_DECAPSULATED)
		return false;
	memcpy(&identifier, icmp + PROBE_AT_IDENTIFIER, sizeof(identifier));
	memcpy(&magic, icmp + PROBE_AT_MAGIC, sizeof(magic));
	return identifier == rte_cpu_to_be_16(PROBE_IDENTIFIER) &&
	       magic == rte_cpu_to_be_32(PROBE_MAGIC);
}

static rte_edge_t local_icmp(struct rte_mbuf *m, const struct ip6_chain *chain)
{
	uint8_t type = m->data_len > chain->offset
			       ? *rte_pktmbuf_mtod_offset(m, uint8_t *, chain->offset)
			       : 0;

	if (type == ICMP_HOME_AGENT_DISCOVERY || type == ICMP_PREFIX_SOLICITATION)
		return to_control(m, PACKET_ICMP, MIRROR_CLASS_REST);
	if (type == ICMP_ECHO_REPLY && is_probe(m, chain))
		return to_control(m, PACKET_ICMP, MIRROR_CLASS_KNOWN);
	if (type && type <= ICMP_ERROR_LAST && chain->offset == IP6_LEN)
		return LOCAL_TUNNEL_ERROR;
	return to_mirror(m);
}

static rte_edge_t local_tunnel(struct meta *meta, const struct ip6_chain *chain)
{
	if (meta->flags & META_DECAPSULATED)
		return LOCAL_NESTED;
	if (chain->offset > UINT8_MAX - GRE_LEN_MAX)
		return LOCAL_BAD_CHAIN;
	meta->outer = (uint8_t)chain->offset;
	return chain->protocol == IPPROTO_GRE ? LOCAL_GRE : LOCAL_DECAP;
}

static rte_edge_t local_chain(struct worker *w, struct rte_mbuf *m)
{
	const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);
	struct ip6_chain chain;

	if (ip6_walk(data, m->data_len, &chain) < 0)
		return LOCAL_BAD_CHAIN;
	if (chain.fragment)
		return chain.protocol == IP6_TUNNEL || chain.protocol == IPPROTO_GRE ||
				       chain.protocol == IP6_DESTINATION ||
				       chain.protocol == IP6_MOBILITY
			       ? LOCAL_REASSEMBLE
			       : to_mirror(m);
	switch (chain.protocol) {
	case IP6_TUNNEL:
	case IPPROTO_GRE:
		return local_tunnel(meta_of(m), &chain);
	case IP6_MOBILITY:
		return to_control(m, PACKET_MOBILITY, class_of(w, m, &chain));
	case IP6_ICMP:
		if (!chain.home_address)
			return local_icmp(m, &chain);
		break;
	default:
		break;
	}
	if (chain.home_address)
		return to_control(m, PACKET_HOME_ADDRESS, MIRROR_CLASS_REST);
	return to_mirror(m);
}

static inline void local_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++) {
		struct meta *meta = meta_of(mbufs[i]);

		/* Nearly all are tunnel packets without options. */
		if (likely(ip6_of(mbufs[i])->proto == IP6_TUNNEL &&
			    !(meta->flags & META_DECAPSULATED))) {
			meta->outer = IP6_LEN;
			next[i] = LOCAL_DECAP;
		} else {
			next[i] = local_chain(w, mbufs[i]);
		}
	}
}

static uint16_t local_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, local_work);
}

static struct rte_node_register local_node = {
	.name = "local",
	.process = local_process,
	.init = node_init,
	.nb_edges = LOCAL_EDGES,
	.next_nodes =
		{
			[LOCAL_DECAP] = "decap",
			[LOCAL_GRE] = "gre",
			[LOCAL_PUNT] = "punt",
			[LOCAL_TUNNEL_ERROR] = "tunnel_error",
			[LOCAL_REASSEMBLE] = "reassemble",
			[LOCAL_MIRROR] = "mirror",
			[LOCAL_BAD_CHAIN] = "drop_bad_header_chain",
			[LOCAL_NESTED] = "drop_tunnel_nested",
			[LOCAL_NO_ROOM] = "drop_no_room",
		},
};
RTE_NODE_REGISTER(local_node)
