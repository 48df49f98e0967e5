/*
 * tunnel_error: ICMPv6 errors to an address of ours. One about a tunnel packet that we sent is
 * told to control, and to the sender of the packet inside in words that make sense to it (RFC
 * 2473, 8; RFC 6275, 9.3.4). All others are the kernel's.
 */
#include "dataplane/agent/events.h"
#include "dataplane/nodes/budget.h"
#include "dataplane/nodes/domain.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/ip6.h"
#include "dataplane/nodes/node.h"
#include "dataplane/port.h"

enum edge {
	TUNNEL_ERROR_ICMP6_ERROR,
	TUNNEL_ERROR_MIRROR,
	TUNNEL_ERROR_BAD,
	TUNNEL_ERROR_STALE,
	TUNNEL_ERROR_ABSORBED,
	TUNNEL_ERROR_NO_ROOM,
	TUNNEL_ERROR_EDGES
};

enum {
	ICMP_LEN = 8,
	ICMP_UNREACHABLE = 1,
	ICMP_PACKET_TOO_BIG = 2,
	ICMP_TIME_EXCEEDED = 3,
	ICMP_PARAMETER = 4,
	ICMP_ADDRESS_UNREACHABLE = 3, /* code of ICMP_UNREACHABLE */
};

/* What an error says, and the tunnel packet that it is about. */
struct report {
	uint8_t type, code;
	uint32_t value;
	const struct rte_ipv6_hdr *outer; /* in the error's payload */
	const struct rte_ipv6_hdr *inner;
	struct ip6_chain chain; /* of the outer packet */
	uint16_t offset;        /* of the inner packet in it */
	struct path_mark mark;  /* what its GRE header says */
};

/* Finds the inner packet in the error's payload. False: it is not about a tunnel of ours. */
static bool find_inner(struct rte_mbuf *m, const struct local_set *local, struct report *r)
{
	const uint16_t start = IP6_LEN + ICMP_LEN;
	uint16_t left = (uint16_t)(m->data_len - start);
	int gre;

	r->outer = rte_pktmbuf_mtod_offset(m, const struct rte_ipv6_hdr *, start);
	if (left < IP6_LEN || !ip6_is_version6(r->outer) ||
		!local_set_has(local, ip6_src(r->outer)) ||
		ip6_walk((const uint8_t *)r->outer, left, &r->chain) < 0 || left < r->chain.offset)
		return false;
	gre = gre_inner((const uint8_t *)r->outer + r->chain.offset,
		(uint32_t)left - r->chain.offset, r->chain.protocol);
	if (gre < 0)
		return false;
	if (gre > 0) {
		struct gre_header header;

		gre_read((const uint8_t *)r->outer + r->chain.offset,
			(uint32_t)left - r->chain.offset, &header);
		r->mark = header.mark;
	}
	r->offset = (uint16_t)(r->chain.offset + gre);
	r->inner =
		(const struct rte_ipv6_hdr *)(const void *)((const uint8_t *)r->outer + r->offset);
	return ip6_is_version6(r->inner);
}

/* Control learns of every error about a live tunnel, within the budget. */
static void tell(struct worker *w, struct rte_mbuf *m, const struct report *r,
	const struct subscriber_entry *entry)
{
	struct update_event event = {.kind = UPDATE_EVENT_TUNNEL_ERROR};

	if (budget_take(&w->event_budget, w->tsc) == 0)
		return;
	event.subscriber = entry->id;
	event.inner = *ip6_dst(r->inner);
	event.outer = *ip6_dst(r->outer);
	event.icmp_type = r->type;
	event.icmp_code = r->code;
	event.value = r->value;
	RTE_SET_USED(m);
	events_put(w->index, &event);
}

/*
 * What the inner sender is told, if anything. Too big: the room that is left in the tunnel, if
 * the inner packet may be refused at all. A way that is cut, looped or nested too deep: address
 * unreachable (RFC 2473, 8.1, 8.2).
 */
static bool translate(const struct report *r, struct meta *meta)
{
	const uint8_t *limit = (const uint8_t *)r->outer + r->chain.limit;

	meta->icmp_type = ICMP_UNREACHABLE;
	meta->icmp_code = ICMP_ADDRESS_UNREACHABLE;
	meta->value = 0;
	switch (r->type) {
	case ICMP_UNREACHABLE:
		return true;
	case ICMP_TIME_EXCEEDED:
		return r->code == 0;
	case ICMP_PARAMETER:
		return r->chain.limit && r->value == r->chain.limit && *limit == 0;
	case ICMP_PACKET_TOO_BIG:
		meta->icmp_type = ICMP_PACKET_TOO_BIG;
		meta->icmp_code = 0;
		meta->value = r->value > (uint32_t)r->offset + IP6_MTU_MIN ? r->value - r->offset
									   : IP6_MTU_MIN;
		return ip6_total(r->inner) > IP6_MTU_MIN;
	default:
		return false;
	}
}

static rte_edge_t to_kernel(struct rte_mbuf *m)
{
	const struct port *port = &port_table[meta_of(m)->port % PORT_MAX];

	return node_restore_ethernet(m, &port->mac) ? TUNNEL_ERROR_MIRROR : TUNNEL_ERROR_NO_ROOM;
}

static rte_edge_t tunnel_error_one(
	struct worker *w, struct rte_mbuf *m, const struct local_set *local)
{
	const struct rte_ipv6_hdr *ip = ip6_of(m);
	const uint8_t *icmp = (const uint8_t *)(ip + 1);
	const struct subscriber_entry *entry;
	struct report r = {0};

	if (m->data_len < IP6_LEN + ICMP_LEN ||
		ip6_checksum(ip6_src(ip), ip6_dst(ip), IP6_ICMP, icmp,
			(uint16_t)(m->data_len - IP6_LEN)) != 0)
		return TUNNEL_ERROR_BAD;
	r.type = icmp[0];
	r.code = icmp[1];
	r.value = (uint32_t)icmp[4] << 24 | (uint32_t)icmp[5] << 16 | (uint32_t)icmp[6] << 8 |
		  icmp[7];
	if (!find_inner(m, local, &r))
		return to_kernel(m);
	entry = domain_sent_to(w, ip6_dst(r.inner), ip6_dst(r.outer), ip6_src(r.outer), &r.mark);
	if (!entry)
		return TUNNEL_ERROR_STALE;
	tell(w, m, &r, entry);
	if (!translate(&r, meta_of(m)))
		return TUNNEL_ERROR_ABSORBED;
	rte_pktmbuf_adj(m, (uint16_t)((const uint8_t *)r.inner - (const uint8_t *)ip));
	domain_set(m, domain_of_subscriber(entry));
	return TUNNEL_ERROR_ICMP6_ERROR;
}

static inline void tunnel_error_work(struct worker *w, struct rte_graph *graph,
	struct rte_node *node, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	const struct local_set *local = local_table_get(&w->tables->local);
	uint16_t relayed = 0;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	for (uint16_t i = 0; i < n; i++) {
		next[i] = tunnel_error_one(w, mbufs[i], local);
		relayed += next[i] == TUNNEL_ERROR_ICMP6_ERROR;
	}
	node_count(w, WORKER_tunnel_errors_relayed, relayed);
}

static uint16_t tunnel_error_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, tunnel_error_work);
}

static struct rte_node_register tunnel_error_node = {
	.name = "tunnel_error",
	.process = tunnel_error_process,
	.init = node_init,
	.nb_edges = TUNNEL_ERROR_EDGES,
	.next_nodes =
		{
			[TUNNEL_ERROR_ICMP6_ERROR] = "icmp6_error",
			[TUNNEL_ERROR_MIRROR] = "mirror",
			[TUNNEL_ERROR_BAD] = "drop_bad_icmp6",
			[TUNNEL_ERROR_STALE] = "drop_tunnel_error_stale",
			[TUNNEL_ERROR_ABSORBED] = "drop_tunnel_error_absorbed",
			[TUNNEL_ERROR_NO_ROOM] = "drop_no_room",
		},
};
RTE_NODE_REGISTER(tunnel_error_node)
