/*
 * replicate: makes the copies of multicast packets, some in each walk.
 *
 * As in express, what is waited for is memory, so the members of a walk are taken together through
 * stages, each of which asks for what the next one needs:
 *
 *	gather   the places of the list; ask for the records of members and their counters
 *	look     the record; ask for the bucket of its subscriber or path
 *	match    the bucket; ask for the entry
 *	resolve  the entry: whom the copy goes to, and how
 *	copy     the way out, the headers, the packet
 *
 * Nearly all copies go into tunnels that are one IPv6 header, by a way out that is known; these get
 * their headers in one go. The others go the way of forward.
 */
#include "dataplane/nodes/replicate.h"

#include <rte_malloc.h>

#include "dataplane/nodes/forward.h"
#include "dataplane/nodes/replicate_target.h"

enum edge { REPLICATE_NO_BUFFER = FORWARD_EDGES, REPLICATE_EDGES };

enum {
	SCAN = 8 * REPLICATE_BUDGET, /* places looked at in one walk */
	NO_PROTO = UINT8_MAX,        /* what no header of a path has */
};

/* What the copies of a step have in common. */
struct common {
	struct rte_mbuf *m;
	uint64_t first;  /* as of encap_ip6_first(), without options */
	uint32_t octets; /* of a copy without options */
	uint16_t port;   /* that the packet came by */
	uint8_t proto;   /* of tunnels with one header and nothing else */
	bool chained;
	struct forward_last last;
};

struct replication *replication_create(void)
{
	return rte_zmalloc("replication", sizeof(struct replication), RTE_CACHE_LINE_SIZE);
}

void replication_destroy(struct replication *r)
{
	for (uint32_t i = 0; r && i < r->count; i++)
		rte_pktmbuf_free(replication_at(r, i)->m);
	rte_free(r);
}

/* Buffers for all, but for the last ones in the pool, which others need. They are as the pool has
 * them: each is one piece, what else is to be known of them is to be set. */
static bool take_buffers(const struct batch *b, struct rte_mbuf *copies[])
{
	struct rte_mempool *pool = b->job->m->pool;

	return rte_mempool_get_ops(pool->ops_index)->get_count(pool) >=
		       pool->size / REPLICATE_RESERVE &&
	       rte_mempool_get_bulk(pool, (void **)copies, b->count) == 0;
}

/* The packet, whole or shared, behind so many octets of headers. */
static inline void put_packet(
	struct rte_mbuf *copy, struct rte_mbuf *m, uint16_t head, bool chained)
{
	const uint16_t octets = m->data_len;

	copy->pkt_len = (uint32_t)head + octets;
	if (!chained) {
		copy->data_len = (uint16_t)(head + octets);
		rte_memcpy(rte_pktmbuf_mtod_offset(copy, void *, head),
			rte_pktmbuf_mtod(m, const void *), octets);
		return;
	}
	copy->data_len = head;
	copy->next = m;
	copy->nb_segs = 2;
}

/* Into a tunnel with any headers. */
static void copy_tunnelled(
	struct batch *b, struct rte_mbuf *copy, const struct target *at, bool chained)
{
	const struct replicate_job *job = b->job;
	const uint8_t gre = path_header_gre(at->header);
	const struct encap_way way = {at->header, at->remote,
		path_key_out(&b->w->tables->paths, at->header, at->path), 0};
	struct meta *meta = meta_start(copy, job->port, META_ENCAPSULATED);
	struct rte_ipv6_hdr *outer = ip6_of(copy);

	meta->outer = (uint8_t)(job->outer + gre);
	meta->mtu = at->most;
	encap_put_ip6(outer, &way, job->class_and_label, (uint16_t)(job->payload + gre));
	if (gre)
		encap_put_gre((uint8_t *)outer + job->outer, &way, gre);
	if (job->outer > IP6_LEN)
		encap_put_limit(outer, job->limit);
	put_packet(copy, job->m, meta->outer, chained);
}

/* To all on a link (RFC 2464, 7), or to one interface there (RFC 6085). */
static rte_edge_t copy_to_link(struct batch *b, struct rte_mbuf *copy, const struct target *at)
{
	const struct replicate_job *job = b->job;
	const struct path_on_link to = target_on_link(at, ip6_of(job->m));
	const struct port *port = port_get(to.port);
	struct meta *meta = meta_start(copy, job->port, 0);

	put_packet(copy, job->m, 0, false);
	if (copy->pkt_len > port_mtu(port)) {
		meta->value = port_mtu(port);
		return FORWARD_TOO_BIG;
	}
	forward_ethernet((struct rte_ether_hdr *)(void *)rte_pktmbuf_prepend(
				 copy, sizeof(struct rte_ether_hdr)),
		&to.mac, port);
	meta->port = port->number;
	return FORWARD_TX;
}

/* Who is not about to be sent is one piece: no other node knows of more. */
static rte_edge_t route_one(struct batch *b, struct rte_mbuf *m, const struct route_next_hop *hop,
	struct forward_last *last)
{
	uint32_t transit = 0;
	rte_edge_t edge;

	if (unlikely(hop->kind != ROUTE_GATEWAY && hop->kind != ROUTE_CONNECTED) &&
		m->nb_segs > 1 && rte_pktmbuf_linearize(m) < 0)
		return REPLICATE_NO_BUFFER;
	edge = forward_one(b->w, m, hop, last, &transit);
	if (unlikely(edge != FORWARD_TX) && m->nb_segs > 1 && rte_pktmbuf_linearize(m) < 0)
		return REPLICATE_NO_BUFFER;
	return edge;
}

/* Whether the way out by a hop is known, and the neighbour there. */
static __rte_noinline bool leads(struct worker *w, const struct target *at,
	const struct route_next_hop *hop, struct forward_last *last)
{
	const struct in6_addr from = ip6_load(at->header + 8);

	return forward_leads(w, hop, &from, at->remote, last) && last->neighbour;
}

/* A copy into a tunnel without options, by a known way out: its headers are written where they
 * stay. False: it is not one. */
static __rte_always_inline bool copy_plain(struct worker *w, struct rte_mbuf *copy,
	const struct target *at, const struct route_next_hop *hop, struct common *c)
{
	const struct encap_way way = {at->header, at->remote, 0, 0};
	uint8_t *frame;

	if (unlikely(at->header[6] != c->proto))
		return false;
	if (unlikely(hop != c->last.hop || !c->last.neighbour) && !leads(w, at, hop, &c->last))
		return false;
	if (unlikely(c->octets > c->last.mtu || c->octets > at->most))
		return false;
	copy->data_off = RTE_PKTMBUF_HEADROOM - sizeof(c->last.eth);
	copy->ol_flags = 0;
	copy->port = c->port;
	meta_start(copy, c->last.port, 0);
	frame = rte_pktmbuf_mtod(copy, uint8_t *);
	memcpy(frame, &c->last.eth, sizeof(c->last.eth));
	encap_put_first(
		(struct rte_ipv6_hdr *)(void *)(frame + sizeof(c->last.eth)), &way, c->first);
	put_packet(copy, c->m, sizeof(c->last.eth) + IP6_LEN, c->chained);
	return true;
}

/* Any copy. */
static __rte_noinline rte_edge_t copy_else(struct batch *b, struct rte_mbuf *copy,
	const struct target *at, const struct route_next_hop *hop, struct common *c)
{
	rte_pktmbuf_reset(copy);
	copy->port = c->port;
	if (path_header_on_link(at->header))
		return copy_to_link(b, copy, at);
	copy_tunnelled(b, copy, at, c->chained);
	return route_one(b, copy, hop, &c->last);
}

static struct common in_common(const struct replicate_job *job)
{
	struct rte_mbuf *m = job->m;

	return (struct common){
		.m = m,
		.first = encap_ip6_first(job->class_and_label, job->payload),
		.octets = (uint32_t)job->payload + IP6_LEN,
		.port = job->port,
		.chained = port_segments && m->data_len >= REPLICATE_CHAIN_FROM &&
			   rte_mbuf_refcnt_read(m) < REPLICATE_SHARED_MAX,
		.proto = job->outer == IP6_LEN ? IP6_TUNNEL : NO_PROTO,
	};
}

static_assert(FORWARD_TX == 0, "what memset() writes, and no bit");

/* Makes a copy for each. True: all are to be sent; else next tells. */
static bool copy(struct batch *b, struct rte_mbuf *copies[], rte_edge_t next[])
{
	struct worker *w = b->w;
	struct member_counters *counters =
		group_counts_member_at(&w->tables->groups.counts, w->index, 0);
	const struct route_next_hop *hops[REPLICATE_BUDGET];
	struct common c = in_common(b->job);
	const uint64_t octets = c.m->pkt_len;
	const struct target *at = b->targets;
	rte_edge_t differ = 0;

	if (c.chained)
		rte_mbuf_refcnt_update(c.m, (int16_t)b->tunnels);
	route_table_lookup(&w->tables->routes, b->to, b->count, hops);
	memset(next, FORWARD_TX, b->count * sizeof(next[0]));
	for (uint16_t i = 0; i < b->count; i++, at++) {
		struct member_counters *counted = &counters[at->counters];

		counter_add(&counted->packets, 1);
		counter_add(&counted->octets, octets);
		if (likely(copy_plain(w, copies[i], at, hops[i], &c)))
			continue;
		next[i] = copy_else(b, copies[i], at, hops[i], &c);
		differ |= next[i];
	}
	return differ == FORWARD_TX;
}

static void hand_on(struct rte_graph *graph, struct rte_node *node, struct rte_mbuf *copies[],
	const rte_edge_t next[], uint16_t n)
{
	for (uint16_t from = 0, to; from < n; from = to) {
		for (to = (uint16_t)(from + 1); to < n && next[to] == next[from];)
			to++;
		rte_node_enqueue(
			graph, node, next[from], (void **)&copies[from], (uint16_t)(to - from));
	}
}

/* Some members of the first packet. Returns whether it still has others. */
static bool step(struct rte_graph *graph, struct rte_node *node, struct batch *b,
	const struct group_entry *entry, uint16_t most, uint32_t *scan)
{
	struct worker *w = b->w;
	struct group_counters *counters =
		group_counts_at(&w->tables->groups.counts, w->index, b->job->group);
	struct rte_mbuf *copies[REPLICATE_BUDGET];
	rte_edge_t next[REPLICATE_BUDGET];
	bool more = target_gather(b, entry, most, scan);
	uint16_t lost;

	target_look(b);
	target_match(b);
	lost = target_resolve(b);
	if (b->count && !take_buffers(b, copies)) {
		counter_add(&w->drops[DROP_no_buffer], b->count);
		lost = (uint16_t)(lost + b->count);
		b->count = 0;
	}
	if (likely(b->count)) {
		if (likely(copy(b, copies, next)))
			rte_node_enqueue(graph, node, FORWARD_TX, (void **)copies, b->count);
		else
			hand_on(graph, node, copies, next, b->count);
	}
	counter_add(&counters->copies, b->count);
	counter_add(&counters->lost, lost);
	node_count(w, WORKER_replicated, b->count);
	return more;
}

static void finish_first(struct replication *r)
{
	rte_pktmbuf_free(replication_at(r, 0)->m);
	r->head = (r->head + 1) % REPLICATE_QUEUE;
	r->count--;
}

/* Copies that this walk may make. */
static uint16_t budget_of(const struct worker *w)
{
	uint64_t others = w->busy_before - w->replication->busy;

	if (others < REPLICATE_OTHERS)
		return REPLICATE_BUDGET;
	return (uint16_t)RTE_MIN(
		(uint64_t)REPLICATE_BUDGET, REPLICATE_LEAST + others / REPLICATE_SHARE);
}

static uint16_t replicate_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	struct worker *w = node_worker(node);
	struct replication *r = w->replication;
	const uint16_t budget = budget_of(w);
	uint16_t done = 0;
	uint32_t scan = SCAN;

	RTE_SET_USED(objs);
	RTE_SET_USED(n);
	while (r->count && done < budget && scan) {
		struct replicate_job *job = replication_at(r, 0);
		const struct group_entry *entry =
			group_table_again(&w->tables->groups, job->group, job->id);
		struct batch b;

		b.w = w;
		b.job = job;
		b.count = 0;
		if (!entry || !step(graph, node, &b, entry, (uint16_t)(budget - done), &scan))
			finish_first(r);
		done = (uint16_t)(done + b.count);
	}
	r->busy = done + r->count;
	w->busy += r->busy;
	return done;
}

static struct rte_node_register replicate_node = {
	.name = "replicate",
	.flags = RTE_NODE_SOURCE_F,
	.process = replicate_process,
	.init = node_init,
	.nb_edges = REPLICATE_EDGES,
	.next_nodes =
		{
			FORWARD_NEXT_NODES,
			[REPLICATE_NO_BUFFER] = "drop_no_buffer",
		},
};
RTE_NODE_REGISTER(replicate_node)
