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
 *	copy     the buffer, the headers, the packet
 *	route    the way out, as forward does
 */
#include "dataplane/nodes/replicate.h"

#include <rte_malloc.h>

#include "dataplane/nodes/encap.h"
#include "dataplane/nodes/forward.h"

enum edge { REPLICATE_NO_BUFFER = FORWARD_EDGES, REPLICATE_EDGES };

enum { SCAN = 8 * REPLICATE_BUDGET }; /* places looked at in one walk */

/* A member on its way to a copy. */
struct target {
	const struct group_member *member;
	struct member_counters *counters;
	uint64_t hash;
	uint32_t number; /* of what may be its entry or path */
	uint16_t shape, mtu;
	struct in6_addr remote;
	uint32_t path; /* number */
};

/* The members of one step. */
struct batch {
	struct worker *w;
	struct replicate_job *job;
	uint16_t count;
	struct target targets[REPLICATE_BUDGET];
	struct rte_mbuf *copies[REPLICATE_BUDGET];
	rte_edge_t next[REPLICATE_BUDGET];
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

/* Takes members from the list, at most `most`. Returns whether more may follow. */
static bool gather(struct batch *b, const struct group_entry *entry, uint16_t most, uint32_t *scan)
{
	const struct group_table *t = &b->w->tables->groups;
	const struct group_list *list = group_list(entry);
	const uint32_t used = list ? group_list_used(list) : 0;
	struct member_counters *counters = group_counts_member_at(&t->counts, b->w->index, 0);
	uint32_t place = b->job->place;

	for (; place < used && b->count < most && *scan; place++, --*scan) {
		uint32_t number = group_list_at(list, place);
		struct target *at = &b->targets[b->count];

		if (unlikely(number >= GROUP_FREE))
			continue;
		at->member = group_member_at(t, number);
		at->counters = counters + number;
		rte_prefetch0(at->member);
		rte_prefetch0(at->counters);
		b->count++;
	}
	b->job->place = place;
	return place < used;
}

static const struct sig_index *index_of(const struct tables *t, const struct group_member *member)
{
	return member->kind == MEMBER_SUBSCRIBER ? &t->subscribers.by_id : &t->paths.by_id;
}

static void look(struct batch *b)
{
	const struct tables *t = b->w->tables;

	for (uint16_t i = 0; i < b->count; i++) {
		struct target *at = &b->targets[i];

		if (unlikely(at->member->kind == MEMBER_LINK))
			continue;
		at->hash = table_hash_id(at->member->target);
		sig_index_prefetch(index_of(t, at->member), at->hash);
	}
}

static void match(struct batch *b)
{
	const struct tables *t = b->w->tables;

	for (uint16_t i = 0; i < b->count; i++) {
		struct target *at = &b->targets[i];
		const struct sig_index *index;
		uint32_t found;

		if (unlikely(at->member->kind == MEMBER_LINK))
			continue;
		index = index_of(t, at->member);
		const struct sig_array *array = sig_index_array(index);
		const struct sig_bucket *bucket = &array->buckets[sig_index_home(array, at->hash)];

		found = sig_index_match(bucket, sig_index_sig(at->hash));
		at->number = found ? sig_index_value(bucket, found) : SIG_INDEX_NONE;
		if (unlikely(!found))
			continue;
		if (at->member->kind == MEMBER_SUBSCRIBER)
			rte_prefetch0(subscriber_at(&t->subscribers, at->number));
		else
			rte_prefetch0(path_at(&t->paths, at->number));
	}
}

static bool resolve_subscriber(const struct tables *t, struct target *at)
{
	const struct subscriber_entry *entry = NULL;

	if (likely(at->number != SIG_INDEX_NONE))
		entry = subscriber_at(&t->subscribers, at->number);
	if (unlikely(!entry || entry->id != at->member->target))
		entry = subscriber_table_by_id(&t->subscribers, at->member->target);
	if (unlikely(!entry || entry->relayed))
		return false;
	at->remote = entry->remote;
	at->shape = entry->shape;
	at->path = entry->path;
	at->mtu = entry->mtu;
	return true;
}

static bool resolve_path(const struct tables *t, struct target *at)
{
	const struct path *path = NULL;

	if (likely(at->number != SIG_INDEX_NONE))
		path = path_at(&t->paths, at->number);
	if (unlikely(!path || path->id != at->member->target)) {
		at->number = path_table_find(&t->paths, at->member->target);
		path = at->number == POOL_NONE ? NULL : path_at(&t->paths, at->number);
	}
	if (unlikely(!path || path->data_plane & PATH_RELAYED))
		return false;
	at->remote = path->remote;
	at->shape = path->shape;
	at->path = at->number;
	at->mtu = path->mtu;
	return true;
}

static bool is_tunnel(const struct tables *t, const struct target *at)
{
	return !path_header_on_link(path_shape_at(&t->paths, at->shape)->header);
}

/* Where a copy onto a link goes: to all there, or to the interface that a path names. */
static struct path_on_link on_link(const struct target *at, const struct rte_ipv6_hdr *ip)
{
	struct path_on_link to = {.port = at->member->port, .mac = {{0x33, 0x33}}};

	if (at->member->kind == MEMBER_LINK)
		memcpy(to.mac.b + 2, ip->dst_addr + 12, 4);
	else
		memcpy(&to, &at->remote, sizeof(to));
	return to;
}

static bool is_to_link(const struct tables *t, const struct target *at)
{
	return at->member->kind == MEMBER_LINK ||
	       (at->member->kind == MEMBER_PATH && !is_tunnel(t, at));
}

static bool resolve_one(const struct batch *b, struct target *at)
{
	const struct tables *t = b->w->tables;
	uint16_t port;

	switch (at->member->kind) {
	case MEMBER_SUBSCRIBER:
		return resolve_subscriber(t, at) && is_tunnel(t, at);
	case MEMBER_PATH:
		if (!resolve_path(t, at))
			return false;
		if (likely(is_tunnel(t, at)))
			return true;
		break;
	default:
		break;
	}
	port = on_link(at, ip6_of(b->job->m)).port;
	return port != b->job->port && port_get(port);
}

/* Only those stay that get a copy. Returns how many do not. */
static uint16_t resolve(struct batch *b)
{
	uint16_t stay = 0, count = b->count;

	for (uint16_t i = 0; i < count; i++) {
		if (unlikely(!resolve_one(b, &b->targets[i])))
			continue;
		if (unlikely(stay != i))
			b->targets[stay] = b->targets[i];
		stay++;
	}
	b->count = stay;
	return (uint16_t)(count - stay);
}

/* Buffers for all, but for the last ones in the pool, which others need. */
static bool take_buffers(struct batch *b)
{
	struct rte_mempool *pool = b->job->m->pool;

	return rte_mempool_get_ops(pool->ops_index)->get_count(pool) >=
		       pool->size / REPLICATE_RESERVE &&
	       rte_pktmbuf_alloc_bulk(pool, b->copies, b->count) == 0;
}

/* The headers of a way, with so many octets of GRE. */
static inline void put_outer(struct rte_ipv6_hdr *outer, const struct replicate_job *job,
	const struct encap_way *way, uint8_t gre)
{
	encap_put_ip6(outer, way, job->class_and_label, (uint16_t)(job->payload + gre));
	if (unlikely(gre))
		encap_put_gre((uint8_t *)outer + job->outer, way, gre);
	if (unlikely(job->outer > IP6_LEN))
		encap_put_limit(outer, job->limit);
}

/* The packet behind the headers: all octets of it, or the packet itself, shared. */
static inline void put_packet(struct rte_mbuf *copy, struct rte_mbuf *m, bool chained)
{
	const uint16_t head = copy->data_len;

	if (!chained) {
		copy->data_len = (uint16_t)(head + m->data_len);
		copy->pkt_len = copy->data_len;
		rte_memcpy(rte_pktmbuf_mtod_offset(copy, void *, head),
			rte_pktmbuf_mtod(m, const void *), m->data_len);
		return;
	}
	copy->next = m;
	copy->nb_segs = 2;
	copy->pkt_len = (uint32_t)head + m->data_len;
}

/* Into a tunnel. */
static inline void copy_one(
	struct batch *b, struct rte_mbuf *copy, const struct target *at, bool chained)
{
	const struct replicate_job *job = b->job;
	const struct path_table *t = &b->w->tables->paths;
	const uint8_t *header = path_shape_at(t, at->shape)->header, gre = path_header_gre(header);
	const struct encap_way way = {
		header, &at->remote, path_key_out(t, header, at->path), at->mtu};
	struct meta *meta = meta_start(copy, job->port, META_ENCAPSULATED);

	copy->port = job->port;
	meta->outer = (uint8_t)(job->outer + gre);
	meta->mtu = at->mtu;
	copy->data_len = meta->outer;
	put_outer(ip6_of(copy), job, &way, gre);
	put_packet(copy, job->m, chained);
}

/* To all on a link (RFC 2464, 7), or to one interface there (RFC 6085). */
static rte_edge_t copy_to_link(struct batch *b, struct rte_mbuf *copy, const struct target *at)
{
	const struct replicate_job *job = b->job;
	const struct path_on_link to = on_link(at, ip6_of(job->m));
	const struct port *port = port_get(to.port);
	struct meta *meta = meta_start(copy, job->port, 0);

	copy->port = job->port;
	put_packet(copy, job->m, false);
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

static void copy(struct batch *b)
{
	struct rte_mbuf *m = b->job->m;
	const bool chained = port_segments && m->data_len >= REPLICATE_CHAIN_FROM &&
			     rte_mbuf_refcnt_read(m) < REPLICATE_SHARED_MAX;
	const uint64_t octets = m->pkt_len;
	uint16_t shared = 0;

	for (uint16_t i = 0; i < b->count; i++) {
		const struct target *at = &b->targets[i];

		counter_add(&at->counters->packets, 1);
		counter_add(&at->counters->octets, octets);
		if (unlikely(is_to_link(b->w->tables, at))) {
			b->next[i] = copy_to_link(b, b->copies[i], at);
			continue;
		}
		copy_one(b, b->copies[i], at, chained);
		b->next[i] = REPLICATE_EDGES;
		shared += chained;
	}
	if (shared)
		rte_mbuf_refcnt_update(m, (int16_t)shared);
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

static void route(struct batch *b, struct forward_last *last)
{
	struct in6_addr destinations[REPLICATE_BUDGET];
	const struct route_next_hop *hops[REPLICATE_BUDGET];

	for (uint16_t i = 0; i < b->count; i++)
		destinations[i] = b->targets[i].remote;
	route_table_lookup(&b->w->tables->routes, destinations, b->count, hops);
	for (uint16_t i = 0; i < b->count; i++)
		if (likely(b->next[i] == REPLICATE_EDGES))
			b->next[i] = route_one(b, b->copies[i], hops[i], last);
}

static void hand_on(struct rte_graph *graph, struct rte_node *node, struct batch *b)
{
	for (uint16_t from = 0, to; from < b->count; from = to) {
		for (to = (uint16_t)(from + 1); to < b->count && b->next[to] == b->next[from];)
			to++;
		rte_node_enqueue(graph, node, b->next[from], (void **)&b->copies[from],
			(uint16_t)(to - from));
	}
}

/* Some members of the first packet. Returns whether it still has others. */
static bool step(struct rte_graph *graph, struct rte_node *node, struct batch *b,
	const struct group_entry *entry, uint16_t most, uint32_t *scan)
{
	struct worker *w = b->w;
	struct group_counters *counters =
		group_counts_at(&w->tables->groups.counts, w->index, b->job->group);
	struct forward_last last = {.hop = NULL};
	bool more = gather(b, entry, most, scan);
	uint16_t lost;

	look(b);
	match(b);
	lost = resolve(b);
	if (b->count && !take_buffers(b)) {
		counter_add(&w->drops[DROP_no_buffer], b->count);
		lost = (uint16_t)(lost + b->count);
		b->count = 0;
	}
	copy(b);
	route(b, &last);
	hand_on(graph, node, b);
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
