/*
 * express: the common way of a packet from frame to frame in one go: to a node into its tunnel,
 * from a node or another data plane out of one, or by a route.
 *
 * It decides nothing of its own. The steps are those of classify, steer, local, decap, relay, encap
 * and forward, from their headers; a packet for which one of them says anything else than to go on
 * is handed to that node, as that node would have got it.
 *
 * What a packet costs is instructions and waiting for three cache lines, those of its subscriber
 * and the one where it is counted. Instructions are saved with plain packets, which nearly all are:
 * these have finish to themselves (express_plain.h). Waiting is saved by cutting the steps where
 * memory is asked for; each stage works on a stride of packets while the lines of the strides
 * behind it are on their way:
 *
 *	look    the frame, whose packet it is; ask for the bucket of its subscriber
 *	match   the bucket; ask for the entry
 *	finish  the entry, the route, the headers; ask for the counters
 *	count   with the next stride
 *
 * For subscribers whose paths are chosen packet by packet (express_steered.c), or have keys, in
 * whichever direction, finish asks for more memory, and so these are finished together, after the
 * others of their stride.
 */
#include "dataplane/nodes/express.h"
#include "dataplane/nodes/classify.h"
#include "dataplane/nodes/decap.h"
#include "dataplane/nodes/express_plain.h"
#include "dataplane/nodes/gre.h"
#include "dataplane/nodes/steer.h"

/* To an address of ours: nearly all are tunnel packets without options. */
static inline rte_edge_t look_local(struct express *x, struct rte_mbuf *m, struct seat *seat)
{
	const struct rte_ipv6_hdr *inner;

	const uint8_t proto = ip6_of(m)->proto;

	if (unlikely(proto != IP6_TUNNEL && proto != IPPROTO_GRE))
		return EXPRESS_LOCAL;
	meta_of(m)->outer = IP6_LEN;
	if (proto == IPPROTO_GRE && unlikely(gre_one(m) != GRE_DECAP))
		return EXPRESS_LOCAL;
	if (unlikely(decap_check(m) != DECAP_STEER))
		return EXPRESS_DECAP;
	inner = decap_inner(m);
	express_make_key(x, &seat->key, inner->src_addr);
	express_make_key(x, &seat->inner, inner->dst_addr);
	return GO_UP;
}

static inline rte_edge_t look_one(struct express *x, struct rte_mbuf *m, struct seat *seat)
{
	const struct rte_ipv6_hdr *ip;

	if (unlikely(x->access >> m->port & 1))
		return EXPRESS_CLASSIFY;
	if (unlikely(classify_one(m) != CLASSIFY_STEER))
		return EXPRESS_CLASSIFY;
	ip = ip6_of(m);
	if (local_set_may_have(x->local, ip->dst_addr) && local_set_has(x->local, ip6_dst(ip)))
		return look_local(x, m, seat);
	express_make_key(x, &seat->key, ip->dst_addr);
	return GO_DOWN;
}

/* Two subscribers are looked for. */
static inline bool is_up(rte_edge_t edge)
{
	return edge == GO_UP || edge == PLAIN_UP;
}

/* Asks for the buckets of a stride. */
static __rte_always_inline void ask(struct express *x, const rte_edge_t next[],
	const struct seat *seat, uint16_t n, rte_edge_t all)
{
	for (uint16_t i = 0; i < n; i++, seat++) {
		const rte_edge_t edge = express_edge(all, next[i]);

		if (unlikely(edge < GO_DOWN))
			continue;
		subscriber_key_ask(x->index, &seat->key);
		if (is_up(edge))
			subscriber_key_ask(x->index, &seat->inner);
	}
}

static inline void look(struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[],
	uint16_t from, uint16_t to, uint16_t n)
{
	struct seat *seats = &x->seats[from % EXPRESS_SEATS], *seat = seats;
	rte_edge_t *all = express_all(x, from);
	uint16_t differ = 0;

	for (uint16_t i = from; i < to; i++, seat++) {
		node_prefetch(mbufs, i, n);
		next[i] = plain_look(x, mbufs[i], seat);
		if (unlikely(next[i] == GO_ROUTE))
			next[i] = look_one(x, mbufs[i], seat);
		differ |= next[i] ^ next[from];
	}
	*all = likely(!differ) && next[from] >= PLAIN_DOWN ? next[from] : EXPRESS_MIXED;
	if (*all == PLAIN_DOWN)
		ask(x, next + from, seats, to - from, PLAIN_DOWN);
	else if (*all == PLAIN_UP)
		ask(x, next + from, seats, to - from, PLAIN_UP);
	else
		ask(x, next + from, seats, to - from, EXPRESS_MIXED);
}

static inline void match_key(struct express *x, struct subscriber_key *key)
{
	if (unlikely(!subscriber_key_match(x->index, key)))
		x->unmatched_keys[x->unmatched++] = key;
}

/* Looks into the buckets of a stride, and asks for the entries. */
static __rte_always_inline void match_stride(
	struct express *x, const rte_edge_t next[], struct seat *seats, uint16_t n, rte_edge_t all)
{
	for (uint16_t i = 0; i < n; i++) {
		const rte_edge_t edge = express_edge(all, next[i]);

		if (unlikely(edge < GO_DOWN))
			continue;
		match_key(x, &seats[i].key);
		if (is_up(edge))
			match_key(x, &seats[i].inner);
	}
	for (uint16_t i = 0; i < n; i++) {
		const rte_edge_t edge = express_edge(all, next[i]);

		if (unlikely(edge < GO_DOWN))
			continue;
		subscriber_key_enter(x->subscribers, &seats[i].key);
		if (is_up(edge))
			subscriber_key_enter(x->subscribers, &seats[i].inner);
	}
}

static inline void match(struct express *x, const rte_edge_t next[], uint16_t from, uint16_t to)
{
	struct seat *seats = &x->seats[from % EXPRESS_SEATS];

	if (*express_all(x, from) == PLAIN_DOWN)
		match_stride(x, next + from, seats, to - from, PLAIN_DOWN);
	else if (*express_all(x, from) == PLAIN_UP)
		match_stride(x, next + from, seats, to - from, PLAIN_UP);
	else
		match_stride(x, next + from, seats, to - from, EXPRESS_MIXED);
}

/* Those that match left, a stride later. */
static inline void match_rest(struct express *x)
{
	for (uint16_t i = 0; i < x->unmatched; i++)
		subscriber_key_second(x->subscribers, x->index, x->unmatched_keys[i]);
	x->unmatched = 0;
}

const struct subscriber_entry *express_find_else(
	const struct express *x, const struct subscriber_key *key, const void *address)
{
	const struct subscriber_entry *entry = NULL;
	const struct in6_addr a = ip6_load(address);

	if (x->version != sig_index_version(&x->subscribers->by_prefix))
		entry = subscriber_key_find(x->subscribers, key);
	if (!entry && x->lengths.shorter)
		subscriber_table_lookup_shorter(
			x->subscribers, 0, x->lengths.longest, &a, 1, &entry);
	return entry;
}

/* Into the tunnel of the first path. */
static __rte_always_inline rte_edge_t finish_first(
	struct express *x, struct rte_mbuf *m, const struct subscriber_entry *entry)
{
	const uint32_t octets = m->pkt_len;
	rte_edge_t edge = encap_one(x->w, m, entry);

	if (unlikely(edge != ENCAP_FORWARD))
		return edge == ENCAP_NO_ROOM ? FORWARD_NO_ROOM : EXPRESS_ENCAP;
	x->encapsulated++;
	if (unlikely(entry->relayed))
		x->relayed_out++;
	else
		express_tally_ask(x, entry->path, PATH_OUT, octets);
	return GO_ROUTE;
}

/* Whether the first path has keys; then they are asked for. */
static inline bool ask_keys(struct express *x, const struct subscriber_entry *entry)
{
	const struct path_table *paths = &x->w->tables->paths;
	const struct path_shape *shape = path_shape_at(paths, entry->shape);

	if (likely(path_header_gre(shape->header) != PATH_GRE_KEYED))
		return false;
	x->later = true;
	rte_prefetch0(path_keys_at(paths, entry->path));
	return true;
}

/* Its path is to be chosen: the list of its paths is asked for. */
static inline rte_edge_t finish_steered(
	struct express *x, const struct subscriber_entry *entry, uint16_t i)
{
	struct steered *s = &x->steered;

	if (unlikely(entry->steered == PATH_STEERED_NUMBERED))
		return EXPRESS_ENCAP;
	s->of[s->count] = i;
	s->numbers[s->count] = entry->paths;
	s->lists[s->count] = path_list_at(&x->w->tables->paths, entry->paths);
	rte_prefetch0(s->lists[s->count++]);
	return GO_CHOOSE;
}

/* Into a tunnel of a subscriber. i: place of the packet. */
static __rte_always_inline rte_edge_t finish_entry(
	struct express *x, struct rte_mbuf *m, const struct subscriber_entry *entry, uint16_t i)
{
	meta_of(m)->subscriber = subscriber_number(x->subscribers, entry);
	if (unlikely(entry->steered))
		return finish_steered(x, entry, i);
	return ask_keys(x, entry) ? GO_KEYED : finish_first(x, m, entry);
}

/* For a subscriber, if there is one by this key, or for nobody that we know. */
static __rte_always_inline rte_edge_t finish_down(
	struct express *x, struct rte_mbuf *m, const struct subscriber_key *key, uint16_t i)
{
	const struct subscriber_entry *entry = express_find(x, key, ip6_of(m)->dst_addr);

	if (!entry)
		return GO_ROUTE;
	if (unlikely(steer_is_discovery(m)))
		return EXPRESS_STEER;
	return finish_entry(x, m, entry, i);
}

/* Those of a stride whose keys are there by now. */
static __rte_noinline void finish_keyed(
	struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++)
		if (next[i] == GO_KEYED)
			next[i] = finish_first(x, mbufs[i],
				subscriber_at(x->subscribers, meta_of(mbufs[i])->subscriber));
}

/* Sent here by another data plane, for a node. */
static __rte_noinline rte_edge_t finish_relayed(
	struct express *x, struct rte_mbuf *m, const struct seat *seat, uint16_t i)
{
	const struct data_plane_set *set = data_plane_table_get(&x->w->tables->data_planes);
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	const struct subscriber_entry *entry;
	rte_edge_t edge;

	if (meta_of(m)->flags & META_GRE ||
		!data_plane_set_relays(set, ip6_src(outer), ip6_dst(outer)) ||
		decap_strip(m, SUBSCRIBER_NONE) != DECAP_STEER)
		return EXPRESS_DECAP;
	x->decapsulated++;
	entry = express_find(x, &seat->inner, ip6_of(m)->dst_addr);
	if (!entry || entry->relayed || entry->steered)
		return EXPRESS_RELAY;
	x->relayed_in++;
	edge = finish_entry(x, m, entry, i);
	if (unlikely(edge == EXPRESS_ENCAP))
		meta_of(m)->flags |= META_RELAYED; /* as relay does */
	return edge;
}

/* Out of the tunnel of the subscriber that it says to come from; GO_DOWN: on by its inner key. */
static inline rte_edge_t finish_tunnelled(struct express *x, struct rte_mbuf *m,
	const struct seat *seat, const struct subscriber_entry *entry, uint16_t i)
{
	const struct rte_ipv6_hdr *outer = ip6_of(m);
	uint32_t path;

	if (unlikely(!entry || !decap_accepts(x->subscribers, m, entry))) {
		meta_of(m)->subscriber = SUBSCRIBER_NONE;
		return finish_relayed(x, m, seat, i);
	}
	path = traffic_hear(x->w, entry, ip6_src(outer));
	if (unlikely(decap_strip(m, subscriber_number(x->subscribers, entry)) != DECAP_STEER))
		return EXPRESS_DECAP;
	x->decapsulated++;
	if (likely(path != POOL_NONE))
		express_tally_ask(x, path, PATH_IN, m->pkt_len);
	if (unlikely(local_set_may_have(x->local, ip6_of(m)->dst_addr)) &&
		local_set_has(x->local, ip6_dst(ip6_of(m))))
		return EXPRESS_STEER;
	return GO_DOWN;
}

static inline rte_edge_t finish_up(
	struct express *x, struct rte_mbuf *m, const struct seat *seat, uint16_t i)
{
	const struct subscriber_entry *entry =
		express_find(x, &seat->key, decap_inner(m)->src_addr);

	if (unlikely(meta_of(m)->flags & META_GRE) && entry && ask_keys(x, entry)) {
		meta_of(m)->subscriber = subscriber_number(x->subscribers, entry);
		return GO_LOCK;
	}
	return finish_tunnelled(x, m, seat, entry, i);
}

/* Those of a stride whose keys were on their way meanwhile. */
static __rte_noinline void finish_locked(
	struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t from, uint16_t to)
{
	for (uint16_t i = from; i < to; i++) {
		const struct seat *seat = &x->seats[i % EXPRESS_SEATS];

		if (next[i] != GO_LOCK)
			continue;
		next[i] = finish_tunnelled(x, mbufs[i], seat,
			subscriber_at(x->subscribers, meta_of(mbufs[i])->subscriber), i);
		if (next[i] == GO_DOWN)
			next[i] = finish_down(x, mbufs[i], &seat->inner, i);
	}
}

/* The way out, for those of a stride that are to take it. */
static inline void route(struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[],
	const uint16_t of[], uint16_t n)
{
	struct in6_addr destinations[EXPRESS_STRIDE];
	const struct route_next_hop *hops[EXPRESS_STRIDE];

	for (uint16_t i = 0; i < n; i++)
		destinations[i] = ip6_load(ip6_of(mbufs[of[i]])->dst_addr);
	route_table_lookup(&x->w->tables->routes, destinations, n, hops);
	for (uint16_t i = 0; i < n; i++)
		next[of[i]] = forward_one(x->w, mbufs[of[i]], hops[i], &x->last, &x->forwarded);
}

/* Those of a stride that are not plain. */
static __rte_noinline void finish_others(
	struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t from, uint16_t to)
{
	uint16_t routed[EXPRESS_STRIDE], n = 0;

	x->later = false;
	x->steered.count = 0;
	for (uint16_t i = from; i < to; i++) {
		const struct seat *seat = &x->seats[i % EXPRESS_SEATS];
		rte_edge_t edge = next[i];

		if (edge == GO_DOWN) {
			edge = finish_down(x, mbufs[i], &seat->key, i);
		} else if (edge == GO_UP) {
			edge = finish_up(x, mbufs[i], seat, i);
			if (likely(edge == GO_DOWN))
				edge = finish_down(x, mbufs[i], &seat->inner, i);
		}
		if (likely(edge == GO_ROUTE))
			routed[n++] = i;
		next[i] = edge;
	}
	if (unlikely(x->later))
		finish_locked(x, mbufs, next, from, to);
	if (unlikely(x->steered.count))
		n = express_steered(x, mbufs, next, routed, n);
	if (unlikely(x->later)) {
		finish_keyed(x, mbufs, next, from, to);
		n = 0;
		for (uint16_t i = from; i < to; i++)
			if (next[i] == GO_ROUTE)
				routed[n++] = i;
	}
	if (likely(n))
		route(x, mbufs, next, routed, n);
}

/* What the stride before this one has carried is counted now, that of this one with the next. */
static inline void finish(
	struct express *x, struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t from, uint16_t to)
{
	struct tallies *before = x->tallying;

	x->tallying = &x->tallies[before == x->tallies];
	x->steered.count = 0;
	if (plain_stride(x, mbufs + from, next + from, &x->seats[from % EXPRESS_SEATS], to - from,
		    *express_all(x, from)))
		finish_others(x, mbufs, next, from, to);
	express_count(x, before);
}

static inline void express_work(struct worker *w, struct rte_graph *graph, struct rte_node *node,
	struct rte_mbuf **mbufs, rte_edge_t next[], uint16_t n)
{
	struct express x;

	RTE_SET_USED(graph);
	RTE_SET_USED(node);
	x.w = w;
	x.subscribers = &w->tables->subscribers;
	x.local = local_table_get(&w->tables->local);
	x.lengths = subscriber_table_lengths(x.subscribers);
	x.version = sig_index_version(&x.subscribers->by_prefix);
	x.index = sig_index_array(&x.subscribers->by_prefix);
	x.unmatched = 0;
	x.access = link_table_access(&w->tables->links);
	x.last = (struct forward_last){.hop = NULL};
	x.port = (struct plain_port){.number = PORT_NONE, .mac = UINT64_MAX};
	x.tallies[0].count = x.tallies[1].count = 0;
	x.tallying = x.tallies;
	x.forwarded = x.encapsulated = x.decapsulated = x.relayed_out = x.relayed_in = 0;
	for (uint16_t at = 0; at < n + (EXPRESS_STAGES - 1) * EXPRESS_STRIDE;
		at += EXPRESS_STRIDE) {
		match_rest(&x);
		if (at < n)
			look(&x, mbufs, next, at, RTE_MIN(at + EXPRESS_STRIDE, n), n);
		if (at >= EXPRESS_STRIDE && at - EXPRESS_STRIDE < n)
			match(&x, next, at - EXPRESS_STRIDE, RTE_MIN(at, n));
		if (at >= 2 * EXPRESS_STRIDE)
			finish(&x, mbufs, next, at - 2 * EXPRESS_STRIDE,
				RTE_MIN(at - EXPRESS_STRIDE, n));
	}
	express_count(&x, x.tallying);
	node_count(w, WORKER_encapsulated, x.encapsulated);
	node_count(w, WORKER_decapsulated, x.decapsulated);
	node_count(w, WORKER_relayed_out, x.relayed_out);
	node_count(w, WORKER_relayed_in, x.relayed_in);
	node_count(w, WORKER_forwarded, x.forwarded);
}

static uint16_t express_process(
	struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t n)
{
	return node_process(graph, node, objs, n, express_work);
}

static struct rte_node_register express_node = {
	.name = "express",
	.process = express_process,
	.init = node_init,
	.nb_edges = EXPRESS_EDGES,
	.next_nodes =
		{
			FORWARD_NEXT_NODES,
			[EXPRESS_CLASSIFY] = "classify",
			[EXPRESS_STEER] = "steer",
			[EXPRESS_LOCAL] = "local",
			[EXPRESS_DECAP] = "decap",
			[EXPRESS_RELAY] = "relay",
			[EXPRESS_ENCAP] = "encap",
		},
};
RTE_NODE_REGISTER(express_node)
